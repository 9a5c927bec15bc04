// Which tables, states and families ss 6.1 shows for its switches, given in their order: it matters to ss.
#pragma once

#include <cstdint>
#include <string_view>

#include "analyze/select.h"

namespace ssnap::render {

// Bits 1 << TCP_*: ss 6.1 knows those up to CLOSING.
constexpr std::uint32_t kSsAllStates = (1u << 12) - 1;

// AF_* of a word of -f: "inet", "link", ... 0: ss has no such word.
std::uint16_t ss_family_of(std::string_view word);

class SsSelection {
 public:
  // -t -u -w -d -S -M: bits of analyze::Table.
  void add_table(std::uint32_t table);
  // -x -4 -6 -0 --vsock --tipc --xdp -f.
  void add_family(std::uint16_t family);
  // One word of -A; "!word" takes a table away again. False: ss has no such word.
  bool add_query(std::string_view word);
  void begin_query();  // each -A, before its words
  // -a -l: the last one counts.
  void all_states() { states_switch_ = kSsAllStates; }
  void listening_states();
  // States of FILTER, in the place of -a and -l.
  void set_states(std::uint32_t states) { states_switch_ = states & kSsAllStates; }
  // What remains to be decided when every switch is known.
  void finish();

  std::uint32_t tables() const { return tables_; }
  std::uint32_t states() const { return states_; }
  bool shows_family(std::uint16_t family) const { return (families_ >> family & 1u) != 0; }
  bool shows_state(std::uint32_t state) const { return state < 32 && (states_ >> state & 1u) != 0; }
  // The family that was named last: IPv6 makes ss ask for IPv6 alone, IPv4 for IPv4 alone.
  std::uint16_t preferred_family() const { return preferred_family_; }
  // True while no switch has named a table or a family.
  bool is_default() const { return is_default_; }

 private:
  std::uint32_t tables_ = 0, states_ = 0, states_switch_ = 0;
  std::uint64_t families_ = 0;
  std::uint16_t preferred_family_ = 0;
  bool is_default_ = true, saw_query_ = false;
};

}  // namespace ssnap::render
