#include "analyze/bpf_disassembly.h"

#include <algorithm>
#include <iterator>

#include "analyze/text.h"

namespace ssnap::analyze {
namespace {

// How the operand is written.
enum class Operand : std::uint8_t { none, hex, decimal, register_x, memory, absolute, indirect, header_length, packet_length, target };

struct Operation {
  std::uint16_t code;
  std::string_view name;
  Operand operand;
  bool conditional = false;
};

// What bpf_check_classic() (net/core/filter.c, v6.12) lets through: nothing else runs in the kernel.
constexpr Operation kOperations[] = {
    {0x00, "ld", Operand::hex},
    {0x20, "ld", Operand::absolute},
    {0x28, "ldh", Operand::absolute},
    {0x30, "ldb", Operand::absolute},
    {0x40, "ld", Operand::indirect},
    {0x48, "ldh", Operand::indirect},
    {0x50, "ldb", Operand::indirect},
    {0x60, "ld", Operand::memory},
    {0x80, "ld", Operand::packet_length},
    {0x01, "ldx", Operand::hex},
    {0x61, "ldx", Operand::memory},
    {0x81, "ldx", Operand::packet_length},
    {0xb1, "ldxb", Operand::header_length},
    {0x02, "st", Operand::memory},
    {0x03, "stx", Operand::memory},
    {0x04, "add", Operand::decimal},
    {0x0c, "add", Operand::register_x},
    {0x14, "sub", Operand::decimal},
    {0x1c, "sub", Operand::register_x},
    {0x24, "mul", Operand::decimal},
    {0x2c, "mul", Operand::register_x},
    {0x34, "div", Operand::decimal},
    {0x3c, "div", Operand::register_x},
    {0x44, "or", Operand::hex},
    {0x4c, "or", Operand::register_x},
    {0x54, "and", Operand::hex},
    {0x5c, "and", Operand::register_x},
    {0x64, "lsh", Operand::decimal},
    {0x6c, "lsh", Operand::register_x},
    {0x74, "rsh", Operand::decimal},
    {0x7c, "rsh", Operand::register_x},
    {0x84, "neg", Operand::none},
    {0x94, "mod", Operand::decimal},
    {0x9c, "mod", Operand::register_x},
    {0xa4, "xor", Operand::hex},
    {0xac, "xor", Operand::register_x},
    {0x05, "ja", Operand::target},
    {0x15, "jeq", Operand::hex, true},
    {0x1d, "jeq", Operand::register_x, true},
    {0x25, "jgt", Operand::hex, true},
    {0x2d, "jgt", Operand::register_x, true},
    {0x35, "jge", Operand::hex, true},
    {0x3d, "jge", Operand::register_x, true},
    {0x45, "jset", Operand::hex, true},
    {0x4d, "jset", Operand::register_x, true},
    {0x06, "ret", Operand::decimal},
    {0x16, "ret", Operand::none},
    {0x07, "tax", Operand::none},
    {0x87, "txa", Operand::none},
};

void put_operand(Text& text, Operand operand, std::size_t index, std::uint32_t k) {
  const auto put_signed = [&](std::int64_t number) { text << std::to_string(number); };
  const auto number = static_cast<std::int32_t>(k);
  switch (operand) {
    case Operand::none: return;
    case Operand::hex: text << "#" << Hex{k}; return;
    case Operand::decimal: text << "#"; put_signed(number); return;
    case Operand::register_x: text << "x"; return;
    case Operand::packet_length: text << "#pktlen"; return;
    case Operand::target: put_signed(static_cast<std::int64_t>(index) + 1 + number); return;
    case Operand::memory: text << "M["; break;
    case Operand::absolute: text << "["; break;
    case Operand::indirect: text << "[x + "; break;
    case Operand::header_length: text << "4*(["; break;
  }
  const auto name = operand == Operand::absolute ? bpf_ancillary_name(k) : std::string_view();
  if (name.empty()) put_signed(number);
  else text << name;
  text << (operand == Operand::header_length ? "]&0xf)" : "]");
}

void pad(std::string& text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
}

}  // namespace

std::string_view bpf_ancillary_name(std::uint32_t k) {
  // SKF_AD_*, each four further than the one before, as bpf_image.c of libpcap 1.10 calls them.
  static constexpr std::string_view kNames[] = {"proto",  "type", "ifidx", "nla",      "nlan",  "mark", "queue",  "hatype",
                                                "rxhash", "cpu",  "xor_x", "vlan_tci", "vlanp", "poff", "random", "vlan_tpid"};
  if (k < kBpfAncillaryOffset || (k - kBpfAncillaryOffset) % 4 != 0) return "";
  const std::size_t at = (k - kBpfAncillaryOffset) / 4;
  return at < std::size(kNames) ? kNames[at] : std::string_view();
}

std::string bpf_line(std::size_t index, const model::BpfInstruction& instruction) {
  // Columns of libpcap: "(000) ", the name to 8, the operand to 16.
  constexpr std::size_t kNameEnd = 9, kOperandEnd = 26;
  Text line;
  line << (index < 10 ? "(00" : index < 100 ? "(0" : "(") << index << ") ";
  const std::size_t start = line.bytes.size();
  const auto* operation = std::find_if(std::begin(kOperations), std::end(kOperations),
                                       [&](const Operation& one) { return one.code == instruction.code; });
  const bool known = operation != std::end(kOperations);
  line << (known ? operation->name : "unimp");
  pad(line.bytes, start + kNameEnd);
  if (known) put_operand(line, operation->operand, index, instruction.k);
  else line << Hex{instruction.code};
  if (known && operation->conditional) {
    pad(line.bytes, start + kOperandEnd);
    line << "jt " << index + 1 + instruction.jump_true << "  jf " << index + 1 + instruction.jump_false;
  }
  line.bytes.erase(line.bytes.find_last_not_of(' ') + 1);
  return std::move(line.bytes);
}

std::vector<std::string> disassemble_bpf(BpfProgram program) {
  std::vector<std::string> lines;
  const std::size_t shown = std::min(program.size(), kMaxBpfInstructions);
  lines.reserve(shown);
  for (std::size_t i = 0; i < shown; ++i) lines.push_back(bpf_line(i, program[i]));
  return lines;
}

}  // namespace ssnap::analyze
