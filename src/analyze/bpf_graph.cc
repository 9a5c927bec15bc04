#include "analyze/bpf_graph.h"

#include <algorithm>

namespace ssnap::analyze {
namespace {

// include/uapi/linux/bpf_common.h: the class, and of an ALU or jump instruction the operation and its source.
constexpr std::uint16_t kClassMask = 0x07, kOperationMask = 0xf0, kSourceX = 0x08;
constexpr std::uint16_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kRet = 6;
constexpr std::uint16_t kAdd = 0x00, kSub = 0x10, kMul = 0x20, kDiv = 0x30, kOr = 0x40, kAnd = 0x50, kLsh = 0x60, kRsh = 0x70,
                        kNeg = 0x80, kMod = 0x90, kXor = 0xa0;

constexpr std::uint32_t kLiveA = 1, kLiveX = 2, kLiveMemory = 4;
constexpr std::int64_t kEthernetBytes = 14, kEthertypeOffset = 12, kIp6Bytes = 40;
constexpr std::uint32_t kEthertypeIp = 0x0800, kEthertypeIp6 = 0x86dd;

std::uint32_t memory_bit(std::uint32_t k) { return k < kBpfMemoryWords ? kLiveMemory << k : 0; }

bool is_jump(const model::BpfInstruction& instruction) { return (instruction.code & kClassMask) == kJmp; }

// What an instruction reads and writes; nothing of one that there isn't.
std::pair<std::uint32_t, std::uint32_t> uses_and_sets(const model::BpfInstruction& instruction) {
  const std::uint32_t source = (instruction.code & kSourceX) != 0 ? kLiveX : 0;
  switch (instruction.code & kClassMask) {
    case kLd: {
      const std::uint16_t mode = instruction.code & 0xe0;
      return {mode == 0x40 ? kLiveX : mode == 0x60 ? memory_bit(instruction.k) : 0, kLiveA};
    }
    case kLdx: return {(instruction.code & 0xe0) == 0x60 ? memory_bit(instruction.k) : 0, kLiveX};
    case kSt: return {kLiveA, memory_bit(instruction.k)};
    case kStx: return {kLiveX, memory_bit(instruction.k)};
    case kAlu: return {kLiveA | source, kLiveA};
    case kJmp: return {instruction.code == 0x05 ? 0 : kLiveA | source, 0};
    case kRet: return {instruction.code == 0x16 ? kLiveA : 0, 0};
    default: return instruction.code == 0x07 ? std::pair(kLiveA, kLiveX) : std::pair(kLiveX, kLiveA);
  }
}

// As the kernel computes; nullopt where it would end the filter (division by 0) or where the result is of no use here.
std::optional<std::uint32_t> compute(std::uint16_t operation, std::uint32_t left, std::uint32_t right) {
  switch (operation & kOperationMask) {
    case kAdd: return left + right;
    case kSub: return left - right;
    case kMul: return left * right;
    case kDiv: return right == 0 ? std::nullopt : std::optional(left / right);
    case kOr: return left | right;
    case kAnd: return left & right;
    case kLsh: return right > 31 ? std::nullopt : std::optional(left << right);
    case kRsh: return right > 31 ? std::nullopt : std::optional(left >> right);
    case kMod: return right == 0 ? std::nullopt : std::optional(left % right);
    case kXor: return left ^ right;
    default: return std::nullopt;
  }
}

}  // namespace

BpfGraph::BpfGraph(BpfProgram program, BpfStart start, std::uint8_t ip_version) : program_(program), start_(start) {
  tests_.resize(2);
  constant(0);  // value 0: what a register holds that nothing was put into, as in the kernel
  if (program_.empty() || program_.size() > kMaxBpfInstructions) {
    fail(program_.empty() ? "it has no instructions" : "it has more instructions than the kernel takes");
    return;
  }
  find_live();
  State state;
  state.ip_version = ip_version;
  root_ = follow(0, state);
}

std::uint32_t BpfGraph::fail(std::string_view why) {
  if (obstacle_.empty()) obstacle_ = why;
  return kReject;
}

// From the last instruction to the first: all jumps lead forward.
void BpfGraph::find_live() {
  live_.assign(program_.size() + 1, 0);
  const auto after = [&](std::size_t at, std::uint64_t distance) {
    return at + 1 + distance < live_.size() ? live_[at + 1 + distance] : 0;
  };
  for (std::size_t at = program_.size(); at-- > 0;) {
    const auto& instruction = program_[at];
    std::uint32_t live = 0;
    if (instruction.code == 0x05) live = after(at, instruction.k);
    else if (is_jump(instruction)) live = after(at, instruction.jump_true) | after(at, instruction.jump_false);
    else if ((instruction.code & kClassMask) != kRet) live = after(at, 0);
    const auto [uses, sets] = uses_and_sets(instruction);
    live_[at] = (live & ~sets) | uses;
  }
}

// Registers that nothing reads before they are set again don't tell two ways to an instruction apart.
std::uint32_t BpfGraph::follow(std::size_t at, State state) {
  if (!obstacle_.empty()) return kReject;
  if (at >= program_.size()) return fail("it leads past its end");
  if ((live_[at] & kLiveA) == 0) state.a = 0;
  if ((live_[at] & kLiveX) == 0) state.x = 0;
  for (std::uint32_t i = 0; i < kBpfMemoryWords; ++i)
    if ((live_[at] & memory_bit(i)) == 0) state.memory[i] = 0;
  for (const Place& place : seen_)
    if (place.at == at && place.state == state) return place.test;
  if (seen_.size() >= kMaxBpfBranches) return fail("it has too many branches");
  // It takes its place in the count at once; no path leads back here.
  const std::size_t place = seen_.size();
  seen_.push_back({at, state, kReject});
  std::optional<std::uint32_t> end;
  for (; !end; ++at) {
    if (at >= program_.size()) return fail("it leads past its end");
    if (++steps_ > kMaxBpfSteps) return fail("it has too many branches");
    end = step(program_[at], at, state);
  }
  return seen_[place].test = *end;
}

// One instruction; the test it leads to, where it ends a straight line.
std::optional<std::uint32_t> BpfGraph::step(const model::BpfInstruction& instruction, std::size_t at, State& state) {
  const std::uint32_t k = instruction.k;
  const auto memory = [&]() -> std::uint32_t* {
    if (k < kBpfMemoryWords) return &state.memory[k];
    fail("it uses memory that there isn't");
    return nullptr;
  };
  const auto size = static_cast<std::uint8_t>((instruction.code & 0x18) == 0 ? 4 : (instruction.code & 0x18) == 8 ? 2 : 1);
  switch (instruction.code) {
    case 0x00: state.a = constant(k); break;
    case 0x01: state.x = constant(k); break;
    case 0x20: case 0x28: case 0x30: state.a = load(k, size, state.ip_version); break;
    case 0x40: case 0x48: case 0x50: state.a = load_indirect(state.x, k, size, state.ip_version); break;
    case 0x60: if (const auto* word = memory()) state.a = *word; break;
    case 0x61: if (const auto* word = memory()) state.x = *word; break;
    case 0x02: if (auto* word = memory()) *word = state.a; break;
    case 0x03: if (auto* word = memory()) *word = state.x; break;
    case 0x80: state.a = add({.kind = BpfValue::Kind::length}); break;
    case 0x81: state.x = add({.kind = BpfValue::Kind::length}); break;
    case 0xb1: {
      const auto byte = load(k, 1, state.ip_version);
      state.x = operation(kLsh, operation(kAnd, byte, constant(0xf)), constant(2));
      break;
    }
    case 0x07: state.x = state.a; break;
    case 0x87: state.a = state.x; break;
    case 0x06: return k != 0 ? kAccept : kReject;
    case 0x16: {
      // Takes as many bytes as A says: none is leaving it.
      if (is_constant(state.a)) return values_[state.a].number != 0 ? kAccept : kReject;
      return add_test({BpfTest::Comparison::equal, state.ip_version, state.a, constant(0), kReject, kAccept});
    }
    case 0x05: return follow(at + 1 + static_cast<std::size_t>(k), state);
    default: {
      const std::uint16_t source = instruction.code & kSourceX, kind = instruction.code & kOperationMask;
      const bool is_alu = (instruction.code & ~(kOperationMask | kSourceX)) == kAlu && kind <= kXor && instruction.code != (kAlu | kNeg | kSourceX);
      if (is_alu) {
        state.a = kind == kNeg ? operation(kSub, constant(0), state.a) : operation(kind, state.a, source != 0 ? state.x : constant(k));
        break;
      }
      if ((instruction.code & ~(kOperationMask | kSourceX)) == kJmp && kind >= 0x10 && kind <= 0x40) return branch(instruction, at, state);
      return fail("not all of it are instructions");
    }
  }
  if (!obstacle_.empty()) return kReject;
  return std::nullopt;
}

std::uint32_t BpfGraph::branch(const model::BpfInstruction& instruction, std::size_t at, const State& state) {
  const std::uint32_t right = (instruction.code & kSourceX) != 0 ? state.x : constant(instruction.k);
  const std::size_t if_true = at + 1 + instruction.jump_true, if_false = at + 1 + instruction.jump_false;
  BpfTest test{static_cast<BpfTest::Comparison>((instruction.code >> 4) - 1), state.ip_version, state.a, right, 0, 0};
  if (is_constant(test.left) && is_constant(test.right)) {
    const auto a = static_cast<std::uint32_t>(values_[test.left].number), b = static_cast<std::uint32_t>(values_[test.right].number);
    const bool holds = test.comparison == BpfTest::Comparison::equal           ? a == b
                       : test.comparison == BpfTest::Comparison::greater       ? a > b
                       : test.comparison == BpfTest::Comparison::greater_equal ? a >= b
                                                                               : (a & b) != 0;
    return follow(holds ? if_true : if_false, state);
  }
  State then = state;
  if (test.comparison == BpfTest::Comparison::equal)
    if (const auto version = version_if_equal(test.left, test.right); version != 0) then.ip_version = version;
  test.if_true = follow(if_true, then);
  test.if_false = follow(if_false, state);
  return add_test(test);
}

std::uint32_t BpfGraph::add_test(const BpfTest& test) {
  if (test.if_true == test.if_false) return test.if_true;
  const auto index = static_cast<std::uint32_t>(std::find(tests_.begin() + 2, tests_.end(), test) - tests_.begin());
  if (index == tests_.size()) tests_.push_back(test);
  return index;
}

std::uint32_t BpfGraph::add(const BpfValue& value) {
  const auto index = static_cast<std::uint32_t>(std::find(values_.begin(), values_.end(), value) - values_.begin());
  if (index < values_.size()) return index;
  std::uint32_t weight = 1;
  if (value.kind == BpfValue::Kind::operation) weight = weights_[value.left] + weights_[value.right];
  if (value.kind == BpfValue::Kind::load && value.base == BpfBase::computed) weight += weights_[value.left];
  if (weight > kMaxBpfValueWeight || index == kMaxBpfValues) return fail("it computes too much from the packet");
  values_.push_back(value);
  weights_.push_back(weight);
  return index;
}

std::uint32_t BpfGraph::constant(std::uint32_t number) { return add({.kind = BpfValue::Kind::constant, .number = number}); }

std::uint32_t BpfGraph::operation(std::uint16_t code, std::uint32_t left, std::uint32_t right) {
  if (is_constant(left) && is_constant(right))
    if (const auto result = compute(code, static_cast<std::uint32_t>(values_[left].number), static_cast<std::uint32_t>(values_[right].number)))
      return constant(*result);
  // 4*(ip[0]&0xf), by whichever instructions.
  if (code == kLsh && is_constant(right) && values_[right].number == 2 && is_operation(left, kAnd, 0xf) &&
      is_load(values_[left].left, BpfBase::network, 0, 1))
    return add({.kind = BpfValue::Kind::header_length});
  if (code == kAdd && is_constant(right) && values_[right].number == 0) return left;
  if (code == kAdd && is_constant(left) && values_[left].number == 0) return right;
  return add({.kind = BpfValue::Kind::operation, .operation = code, .left = left, .right = right});
}

bool BpfGraph::is_operation(std::uint32_t value, std::uint16_t code, std::uint32_t number) const {
  const auto& one = values_[value];
  return one.kind == BpfValue::Kind::operation && one.operation == code && is_constant(one.right) && values_[one.right].number == number;
}

bool BpfGraph::is_load(std::uint32_t value, BpfBase base, std::int64_t offset, std::uint8_t size_bytes) const {
  const auto& one = values_[value];
  return one.kind == BpfValue::Kind::load && one.base == base && one.number == offset && one.size_bytes == size_bytes;
}

// (tcp[12] & 0xf0) >> 2.
bool BpfGraph::is_tcp_header_length(std::uint32_t value) const {
  return is_operation(value, kRsh, 2) && is_operation(values_[value].left, kAnd, 0xf0) &&
         is_load(values_[values_[value].left].left, BpfBase::transport, 12, 1);
}

std::uint32_t BpfGraph::load(std::uint32_t k, std::uint8_t size_bytes, std::uint8_t ip_version) {
  BpfValue value{.kind = BpfValue::Kind::load, .size_bytes = size_bytes, .base = BpfBase::network, .number = k};
  if (k >= kBpfAncillaryOffset) return add({.kind = BpfValue::Kind::ancillary, .number = k});
  bool from_link = start_ == BpfStart::ethernet;
  if (k >= kBpfNetworkOffset) {
    value.number = k - kBpfNetworkOffset;
    from_link = false;
  } else if (k >= kBpfLinkOffset) {
    value.number = k - kBpfLinkOffset;
    from_link = true;
  }
  if (from_link && value.number < kEthernetBytes) value.base = BpfBase::link;
  else if (from_link) value.number -= kEthernetBytes;
  if (value.base == BpfBase::network && ip_version == 6 && value.number >= kIp6Bytes) {
    value.base = BpfBase::transport;
    value.number -= kIp6Bytes;
  }
  return add(value);
}

std::uint32_t BpfGraph::load_indirect(std::uint32_t x, std::uint32_t k, std::uint8_t size_bytes, std::uint8_t ip_version) {
  const BpfValue index = values_[x];
  if (index.kind == BpfValue::Kind::constant) return load(static_cast<std::uint32_t>(index.number) + k, size_bytes, ip_version);
  const std::int64_t offset = std::int64_t{k} - (start_ == BpfStart::ethernet ? kEthernetBytes : 0);
  BpfValue value{.kind = BpfValue::Kind::load, .size_bytes = size_bytes, .base = BpfBase::computed, .number = offset, .left = x};
  if (offset >= 0 && k < kBpfLinkOffset) {
    const auto is_header_length = [&](std::uint32_t one) { return values_[one].kind == BpfValue::Kind::header_length; };
    if (is_header_length(x)) value.base = BpfBase::transport;
    if (index.kind == BpfValue::Kind::operation && index.operation == kAdd &&
        ((is_header_length(index.left) && is_tcp_header_length(index.right)) || (is_header_length(index.right) && is_tcp_header_length(index.left))))
      value.base = BpfBase::payload;
  }
  if (value.base != BpfBase::computed) value.left = 0;
  else value.number = k;
  return add(value);
}

std::uint8_t BpfGraph::version_if_equal(std::uint32_t left, std::uint32_t right) const {
  if (!is_constant(right)) return 0;
  const auto number = values_[right].number;
  const bool ethertype = is_load(left, BpfBase::link, kEthertypeOffset, 2) ||
                         (values_[left].kind == BpfValue::Kind::ancillary && values_[left].number == kBpfAncillaryOffset);
  if (ethertype) return number == kEthertypeIp ? 4 : number == kEthertypeIp6 ? 6 : 0;
  if (is_operation(left, kAnd, 0xf0) && is_load(values_[left].left, BpfBase::network, 0, 1))
    return number == 0x40 ? 4 : number == 0x60 ? 6 : 0;
  return 0;
}

}  // namespace ssnap::analyze
