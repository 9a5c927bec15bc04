// What the tests of the decoders share: fixtures, bytes in either order, netlink members made by hand, every
// prefix.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/problem.h"
#include "support/catch.h"

namespace ssnap::decode::test {

using base::ByteOrder;

inline std::string read_fixture(const std::string& name) {
  std::ifstream file(std::string(SSNAP_FIXTURES) + "/decode/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Appends integers in one byte order.
class Bytes {
 public:
  explicit Bytes(ByteOrder order) : order_(order) {}
  Bytes& u8(std::uint8_t value) { return integer(value, 1, order_); }
  Bytes& u16(std::uint16_t value) { return integer(value, 2, order_); }
  Bytes& u32(std::uint32_t value) { return integer(value, 4, order_); }
  Bytes& u64(std::uint64_t value) { return integer(value, 8, order_); }
  Bytes& u16_network(std::uint16_t value) { return integer(value, 2, ByteOrder::big); }
  Bytes& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }
  const std::string& str() const { return bytes_; }
  ByteOrder order() const { return order_; }

 private:
  Bytes& integer(std::uint64_t value, std::size_t size, ByteOrder order) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t shift = 8 * (order == ByteOrder::little ? i : size - 1 - i);
      bytes_ += static_cast<char>(value >> shift & 0xff);
    }
    return *this;
  }
  std::string bytes_;
  ByteOrder order_;
};

inline std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

inline std::string attribute(std::uint16_t type, const std::string& payload,
                             ByteOrder order = ByteOrder::little) {
  return padded(
      Bytes(order).u16(static_cast<std::uint16_t>(4 + payload.size())).u16(type).raw(payload).str());
}

inline std::string message(std::uint16_t type, const std::string& payload,
                           ByteOrder order = ByteOrder::little, std::uint16_t flags = 2) {
  return padded(Bytes(order)
                    .u32(static_cast<std::uint32_t>(16 + payload.size()))
                    .u16(type)
                    .u16(flags)
                    .u32(1)
                    .u32(4711)
                    .raw(payload)
                    .str());
}

inline std::string done(std::int32_t error = 0, ByteOrder order = ByteOrder::little) {
  return message(3, Bytes(order).u32(static_cast<std::uint32_t>(error)).str(), order);
}

inline std::string pcap_header(ByteOrder order = ByteOrder::little) {
  return Bytes(order).u32(0xa1b23c4d).u16(2).u16(4).zeros(8).u32(262144).u32(253).str();
}

// One record; `lost` bytes of the datagram were cut when it was received.
inline std::string pcap_record(const std::string& datagram, ByteOrder order = ByteOrder::little,
                               std::uint16_t packet_type = 0, std::uint32_t lost = 0) {
  const auto size = static_cast<std::uint32_t>(16 + datagram.size());
  Bytes bytes(order);
  bytes.u32(1795307250).u32(26000000).u32(size).u32(size + lost);
  bytes.u16_network(packet_type).u16_network(824).zeros(10).u16_network(4);
  return bytes.raw(datagram).str();
}

// A member with one datagram from the kernel.
inline std::string pcap(const std::string& datagram, ByteOrder order = ByteOrder::little) {
  return pcap_header(order) + pcap_record(datagram, order);
}

// Where a pcap file may be cut without anyone noticing: after its header and after each record.
inline std::vector<std::size_t> record_ends(std::string_view pcap_bytes) {
  std::vector<std::size_t> ends{24};
  base::ByteReader reader(pcap_bytes, ByteOrder::little);
  if (!reader.skip(24)) return ends;
  while (reader.skip(8)) {
    const auto length = reader.u32();
    if (!length || !reader.skip(4 + *length)) break;
    ends.push_back(reader.offset());
  }
  return ends;
}

// Of a netlink dump, and of each of its prefixes: the rows are those of the whole one as far as it goes, a cut between
// datagrams goes unnoticed, any other is a problem. `summary(row)` gives words.
template <class Decode, class Summary>
void check_dump_prefixes(const std::string& bytes, Decode decode, Summary summary) {
  const auto whole = decode(std::string_view(bytes));
  const auto ends = record_ends(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    const auto dump = decode(std::string_view(bytes).substr(0, size));
    REQUIRE(dump.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < dump.rows.size(); ++i) {
      REQUIRE(summary(dump.rows[i]) == summary(whole.rows[i]));
      REQUIRE(dump.rows[i].offset == whole.rows[i].offset);
    }
    bool at_boundary = false;
    for (const std::size_t end : ends) at_boundary = at_boundary || end == size;
    REQUIRE(dump.problems.empty() == at_boundary);
    REQUIRE_FALSE(dump.end.done);
  }
}

// True if the row at `offset` has lost its newline to the cut at `size`.
inline bool is_cut_row(std::string_view bytes, std::size_t size, std::uint64_t offset) {
  return bytes.substr(0, size).find('\n', offset) == std::string_view::npos;
}

// The same of a text table: a cut between lines goes unnoticed. The row that was cut may lack its last columns.
template <class Decode, class Summary>
void check_text_prefixes(const std::string& bytes, Decode decode, Summary summary) {
  const auto whole = decode(std::string_view(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    const auto decoded = decode(std::string_view(bytes).substr(0, size));
    REQUIRE(decoded.rows.size() <= whole.rows.size());
    const bool at_boundary = size == 0 || bytes[size - 1] == '\n';
    for (std::size_t i = 0; i < decoded.rows.size(); ++i) {
      REQUIRE(decoded.rows[i].offset == whole.rows[i].offset);
      if (!is_cut_row(bytes, size, decoded.rows[i].offset)) REQUIRE(summary(decoded.rows[i]) == summary(whole.rows[i]));
    }
    REQUIRE(decoded.problems.empty() == at_boundary);
  }
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("nothing to replace");
  return text.replace(at, from.size(), to);
}

inline std::string first_message(const base::Problems& problems) {
  return problems.kept.empty() ? std::string() : problems.kept.front().message;
}

inline bool printable(const base::Problems& problems) {
  for (const auto& problem : problems.kept) {
    for (const char c : problem.message) {
      if (c < ' ' || c > '~') return false;
    }
  }
  return true;
}

}  // namespace ssnap::decode::test
