// In which order a host prints its addresses, told by those that make sense in one order only. For a copy of /proc: nothing
// in it says what machine it is of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace ssnap::decode {

// A word of a table, and what it is in the order for which it speaks.
struct ByteOrderSign {
  std::string member;
  std::uint64_t offset = 0;  // of the row
  std::string word;          // as printed: hexadecimal digits
  std::string meaning;       // "127.0.0.1", "a netmask", ...
};

// What the tables of one tree tell together.
class ByteOrderSigns {
 public:
  // Reads the table if it is one that tells something, by the last component of its name: tcp, udp, raw, ..., route, igmp,
  // and if_inet6, which has the addresses of interfaces in network order; it is to come before tcp6. True if it is one.
  static bool is_told_by(std::string_view table);
  void look_at(std::string_view member, std::string_view bytes);

  // The order of more signs; little where there is none, or as many of either.
  base::ByteOrder order() const;
  bool is_known() const { return first(order()).has_value(); }
  // Both orders have signs: no one machine wrote this.
  bool is_contradictory() const { return little_.first && big_.first; }
  // The first sign for an order.
  const std::optional<ByteOrderSign>& first(base::ByteOrder order) const { return side(order).first; }
  // Some address is another one in the other order: the order matters.
  bool matters() const { return matters_; }

 private:
  struct Side {
    std::optional<ByteOrderSign> first;
    std::uint64_t count = 0;
  };
  using Address6 = std::array<std::uint8_t, 16>;
  struct Place;

  const Side& side(base::ByteOrder order) const { return order == base::ByteOrder::little ? little_ : big_; }
  void add(base::ByteOrder order, const Place& place, std::string_view word, std::string_view meaning);
  void look_at_socket(const Place& place, std::string_view local);
  void look_at_local6(const Place& place, std::string_view digits);
  void look_at_route(const Place& place, std::string_view line);
  void look_at_group(const Place& place, std::string_view group);

  Side little_, big_;
  bool matters_ = false;
  std::vector<Address6> interface_addresses_;
};

}  // namespace ssnap::decode
