// What a classic BPF program decides by: a graph of comparisons, each about a place of the packet, that ends in taking the
// packet or leaving it. Made by following every path with symbols in the place of the registers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/bpf_disassembly.h"

namespace ssnap::analyze {

// More branches, or a longer computation in one value, is no filter that a sentence could tell of.
constexpr std::size_t kMaxBpfBranches = 512;
constexpr std::size_t kMaxBpfValues = 1024;
constexpr std::size_t kMaxBpfSteps = 16384;  // instructions, on all ways together
constexpr std::uint32_t kMaxBpfValueWeight = 16;

// What the packet begins with for the filter.
enum class BpfStart : std::uint8_t {
  ethernet,  // SOCK_RAW: the link-layer header, here taken for Ethernet's
  network,   // SOCK_DGRAM: the network header
};

// Where an offset counts from.
enum class BpfBase : std::uint8_t {
  link,
  network,
  transport,  // after the IPv4 header with its options, or the first 40 bytes of IPv6
  payload,    // after the TCP header with its options
  computed,   // at `left`
};

struct BpfValue {
  enum class Kind : std::uint8_t { constant, load, ancillary, length, header_length, operation };
  Kind kind{};
  std::uint8_t size_bytes = 0;   // load: 1, 2 or 4
  BpfBase base{};                // load
  std::uint16_t operation = 0;   // the instruction's code without its source: 0x04 add, 0x54 and, ...
  std::int64_t number = 0;       // constant; load: offset; ancillary: k
  std::uint32_t left = 0, right = 0;  // operation: indexes of values; load at a computed place: left

  bool operator==(const BpfValue&) const = default;
};

struct BpfTest {
  enum class Comparison : std::uint8_t { equal, greater, greater_equal, bits_set };
  Comparison comparison{};
  std::uint8_t ip_version = 0;          // that the packet has for certain; 0: not known
  std::uint32_t left = 0, right = 0;    // indexes of values
  std::uint32_t if_true = 0, if_false = 0;  // indexes of tests, lower than its own; or kReject, kAccept

  bool operator==(const BpfTest&) const = default;
};

class BpfGraph {
 public:
  static constexpr std::uint32_t kReject = 0, kAccept = 1;  // in the place of tests

  // `ip_version`: that the socket gets no other packets than of this version; 0: it may get all.
  BpfGraph(BpfProgram program, BpfStart start, std::uint8_t ip_version);

  // Why the program could not be followed to its end; "": it was.
  const std::string& obstacle() const { return obstacle_; }
  std::uint32_t root() const { return root_; }
  // The first two stand for kReject and kAccept. Every test leads to both ends.
  const std::vector<BpfTest>& tests() const { return tests_; }
  const BpfValue& value(std::uint32_t index) const { return values_[index]; }
  bool is_constant(std::uint32_t index) const { return values_[index].kind == BpfValue::Kind::constant; }

  bool is_load(std::uint32_t value, BpfBase base, std::int64_t offset, std::uint8_t size_bytes) const;
  // The version that a comparison like ethertype = 0x800, or (ip[0] & 0xf0) = 0x40, stands for; 0: none.
  std::uint8_t version_if_equal(std::uint32_t left, std::uint32_t right) const;

 private:
  struct State {
    std::uint32_t a = 0, x = 0;
    std::array<std::uint32_t, kBpfMemoryWords> memory{};
    std::uint8_t ip_version = 0;

    bool operator==(const State&) const = default;
  };

  void find_live();
  std::uint32_t follow(std::size_t at, State state);
  std::optional<std::uint32_t> step(const model::BpfInstruction& instruction, std::size_t at, State& state);
  std::uint32_t branch(const model::BpfInstruction& instruction, std::size_t at, const State& state);
  std::uint32_t add_test(const BpfTest& test);
  std::uint32_t fail(std::string_view why);
  std::uint32_t add(const BpfValue& value);
  std::uint32_t constant(std::uint32_t number);
  std::uint32_t operation(std::uint16_t code, std::uint32_t left, std::uint32_t right);
  std::uint32_t load(std::uint32_t k, std::uint8_t size_bytes, std::uint8_t ip_version);
  std::uint32_t load_indirect(std::uint32_t x, std::uint32_t k, std::uint8_t size_bytes, std::uint8_t ip_version);
  bool is_operation(std::uint32_t value, std::uint16_t code, std::uint32_t number) const;
  bool is_tcp_header_length(std::uint32_t value) const;

  BpfProgram program_;
  BpfStart start_;
  std::string obstacle_;
  std::uint32_t root_ = kReject;
  std::vector<BpfValue> values_;
  std::vector<std::uint32_t> weights_;  // of values
  std::vector<BpfTest> tests_;
  std::vector<std::uint32_t> live_;  // before each instruction: bit 0 A, bit 1 X, then memory
  struct Place {
    std::size_t at;
    State state;
    std::uint32_t test;  // that it leads to
  };
  std::vector<Place> seen_;
  std::size_t steps_ = 0;
};

}  // namespace ssnap::analyze
