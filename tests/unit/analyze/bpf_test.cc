#include "analyze/bpf_words.h"

#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::analyze;
using model::BpfInstruction;

namespace {

using Program = std::vector<BpfInstruction>;

constexpr std::uint32_t kAccept = 262144;

// tcpdump -ddd -i lo 'tcp[((tcp[12]&0xf0)>>2):2]=0x5293 or udp[8:2]=0x7255', as libpcap 1.10.3 compiles it.
Program magic_program() {
  return {{0x28, 0, 0, 12},    {0x15, 0, 19, 0x800}, {0x30, 0, 0, 23},    {0x15, 0, 10, 6},      {0x28, 0, 0, 20},   {0x45, 15, 0, 0x1fff},
          {0xb1, 0, 0, 14},    {0x50, 0, 0, 26},     {0x54, 0, 0, 0xf0},  {0x74, 0, 0, 2},       {0x0c, 0, 0, 0},    {0x07, 0, 0, 0},
          {0x48, 0, 0, 14},    {0x15, 6, 7, 0x5293}, {0x15, 0, 6, 0x11},  {0x28, 0, 0, 20},      {0x45, 4, 0, 0x1fff}, {0xb1, 0, 0, 14},
          {0x48, 0, 0, 22},    {0x15, 0, 1, 0x7255}, {0x06, 0, 0, kAccept}, {0x06, 0, 0, 0}};
}

std::string words(const Program& program, BpfStart start = BpfStart::ethernet, std::uint8_t ip_version = 0) {
  const auto meaning = explain_bpf(program, start, ip_version);
  return meaning.obstacle.empty() ? meaning.words : "(" + meaning.obstacle + ")";
}

}  // namespace

TEST_CASE("an instruction is printed as tcpdump -d prints it") {
  struct Case {
    std::size_t index;
    BpfInstruction instruction;
    std::string text;
  };
  const std::vector<Case> cases{
      {0, {0x28, 0, 0, 12}, "(000) ldh      [12]"},
      {1, {0x15, 4, 5, 0x86dd}, "(001) jeq      #0x86dd          jt 6  jf 7"},
      {12, {0x1d, 0, 1, 7}, "(012) jeq      x                jt 13  jf 14"},
      {6, {0xb1, 0, 0, 14}, "(006) ldxb     4*([14]&0xf)"},
      {7, {0x50, 0, 0, 26}, "(007) ldb      [x + 26]"},
      {9, {0x74, 0, 0, 2}, "(009) rsh      #2"},
      {11, {0x07, 0, 0, 0}, "(011) tax"},
      {20, {0x06, 0, 0, 262144}, "(020) ret      #262144"},
      {20, {0x16, 0, 0, 0}, "(020) ret"},
      {3, {0x80, 0, 0, 0}, "(003) ld       #pktlen"},
      {3, {0x81, 0, 0, 0}, "(003) ldx      #pktlen"},
      {3, {0x05, 0, 0, 3}, "(003) ja       7"},
      {3, {0x61, 0, 0, 15}, "(003) ldx      M[15]"},
      {3, {0xa4, 0, 0, 7}, "(003) xor      #0x7"},
      {3, {0x94, 0, 0, 7}, "(003) mod      #7"},
      {3, {0x84, 0, 0, 7}, "(003) neg"},
      {0, {0x28, 0, 0, 0xfffff000}, "(000) ldh      [proto]"},
      {0, {0x30, 0, 0, 0xfffff030}, "(000) ldb      [vlanp]"},
      {0, {0x20, 0, 0, 0xfffff03c}, "(000) ld       [vlan_tpid]"},
      {0, {0x20, 0, 0, 0xfffff040}, "(000) ld       [-4032]"},
      {0, {0x20, 0, 0, 0xfff00010}, "(000) ld       [-1048560]"},
      {0, {0xffff, 1, 2, 3}, "(000) unimp    0xffff"},
      {4095, {0x15, 255, 255, 1}, "(4095) jeq      #0x1             jt 4351  jf 4351"},
  };
  for (const auto& one : cases) CHECK(bpf_line(one.index, one.instruction) == one.text);
}

TEST_CASE("a filter in words") {
  // tcpdump -ddd -i lo arp
  CHECK(words({{0x28, 0, 0, 12}, {0x15, 0, 1, 0x806}, {6, 0, 0, kAccept}, {6, 0, 0, 0}}) == "arp");
  CHECK(words({{0x28, 0, 0, 12}, {0x15, 1, 0, 0x806}, {6, 0, 0, kAccept}, {6, 0, 0, 0}}) == "not arp");
  CHECK(words({{6, 0, 0, kAccept}}) == "every packet");
  CHECK(words({{6, 0, 0, 0}}) == "no packet");
  CHECK(words({{0, 0, 0, 7}, {0x16, 0, 0, 0}}) == "every packet");
  CHECK(words({{0x80, 0, 0, 0}, {0x25, 0, 1, 100}, {6, 0, 0, kAccept}, {6, 0, 0, 0}}) == "length > 100");
  CHECK(words({{0x28, 0, 0, 0xfffff004}, {0x15, 0, 1, 4}, {6, 0, 0, 0}, {6, 0, 0, kAccept}}) == "not outgoing");
  CHECK(words({{0x30, 0, 0, 3}, {0x35, 0, 1, 9}, {6, 0, 0, 0}, {6, 0, 0, kAccept}}) == "ether[3] < 9");
  // Of a socket that gets IPv4 alone, without its link header.
  CHECK(words({{0x30, 0, 0, 9}, {0x15, 0, 1, 17}, {6, 0, 0, kAccept}, {6, 0, 0, 0}}, BpfStart::network, 4) == "udp");
  CHECK(words({{0x30, 0, 0, 9}, {0x15, 0, 1, 17}, {6, 0, 0, kAccept}, {6, 0, 0, 0}}, BpfStart::network) == "net[9] = 17");
  // By way of memory, and from the network header on.
  CHECK(words({{0x30, 0, 0, 0xfff00009}, {2, 0, 0, 3}, {0, 0, 0, 1}, {0x60, 0, 0, 3}, {0x15, 0, 1, 1}, {6, 0, 0, kAccept}, {6, 0, 0, 0}},
              BpfStart::ethernet, 4) == "icmp");
  CHECK(words(magic_program()) ==
        "ip and ( tcp and no later fragment and magic 0x5293 at byte 0 of the TCP payload or udp and no later fragment and magic 0x7255 at byte 8 "
        "after the IP header )");
}

TEST_CASE("a filter that waits for a magic value") {
  CHECK(explain_bpf(magic_program(), BpfStart::ethernet, 0).magics ==
        std::vector<std::string>{"0x5293 at byte 0 of the TCP payload", "0x7255 at byte 8 after the IP header"});
  // Its opposite: what has the value is left.
  auto opposite = magic_program();
  std::swap(opposite[20].k, opposite[21].k);
  CHECK(explain_bpf(opposite, BpfStart::ethernet, 0).magics.empty());
  // With other numbers at the same places it is a port, or the sequence number.
  for (const std::uint32_t offset : {14u, 16u, 18u}) {
    auto port = magic_program();
    port[18].k = offset;
    CHECK(explain_bpf(port, BpfStart::ethernet, 0).magics.size() == 1);
  }
  // A single byte is a type or a flag.
  auto byte = magic_program();
  byte[18].code = 0x50;
  CHECK(explain_bpf(byte, BpfStart::ethernet, 0).magics.size() == 1);
  // Hidden by an exclusive or.
  auto hidden = magic_program();
  hidden.insert(hidden.begin() + 19, {0xa4, 0, 0, 0xffff});
  hidden[1].jump_false = 20, hidden[5].jump_true = 16, hidden[13] = {0x15, 7, 8, 0x5293}, hidden[14].jump_false = 7, hidden[16].jump_true = 5;
  CHECK(explain_bpf(hidden, BpfStart::ethernet, 0).magics ==
        std::vector<std::string>{"0x5293 at byte 0 of the TCP payload", "0x7255 (after transport[8:2] ^ 0xffff) at byte 8 after the IP header"});
  // At a fixed place, which takes the IP header for 20 bytes.
  CHECK(explain_bpf(Program{{0x20, 0, 0, 28}, {0x15, 0, 1, 0xdeadbeef}, {6, 0, 0, 1}, {6, 0, 0, 0}}, BpfStart::network, 4).magics ==
        std::vector<std::string>{"0xdeadbeef at byte 28 of the IP packet"});
}

TEST_CASE("a magic value whose bytes are compared one by one") {
  // Of a socket that gets IPv4 alone, without its link header: each byte at a fixed place, and accepted if all are equal.
  const auto bytes_at = [](std::uint32_t offset, const std::string& wanted, std::uint16_t load = 0x30) {
    Program program;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto left = static_cast<std::uint8_t>(2 * (wanted.size() - i) - 1);
      program.push_back({load, 0, 0, offset + static_cast<std::uint32_t>(i)});
      program.push_back({0x15, 0, left, static_cast<std::uint8_t>(wanted[i])});
    }
    program.push_back({6, 0, 0, 1});
    program.push_back({6, 0, 0, 0});
    return program;
  };
  const auto magics = [](const Program& program) { return explain_bpf(program, BpfStart::network, 4).magics; };
  using List = std::vector<std::string>;
  CHECK(magics(bytes_at(28, "abcd")) == List{"0x61626364 at byte 28 of the IP packet, byte by byte"});
  CHECK(magics(bytes_at(28, "ab")) == List{"0x6162 at byte 28 of the IP packet, byte by byte"});
  CHECK(magics(bytes_at(40, std::string("\0\x7f\xff", 3))) == List{"0x007fff at byte 40 of the IP packet, byte by byte"});
  // After an IP header of any length.
  Program transport = bytes_at(8, "abc", 0x50);
  transport.insert(transport.begin(), {0xb1, 0, 0, 0});
  CHECK(magics(transport) == List{"0x616263 at byte 8 after the IP header, byte by byte"});
  // One byte is a type: TLS's handshake, a flag. Two are TCP's header length and flags, or a port.
  CHECK(magics(bytes_at(40, "\x16")).empty());
  CHECK(magics(bytes_at(33, "\x02")).empty());
  CHECK(magics(bytes_at(32, "\x50\x02")).empty());
  CHECK(magics(bytes_at(22, "\x1f\x90")).empty());
  // Bytes that don't stand side by side.
  Program apart = bytes_at(28, "ab");
  apart[2].k = 30;
  CHECK(magics(apart).empty());
  // Its opposite: what has the value is left.
  Program opposite = bytes_at(28, "abcd");
  std::swap(opposite[8].k, opposite[9].k);
  CHECK(magics(opposite).empty());
}

TEST_CASE("programs that the kernel would refuse have no words and harm nobody") {
  CHECK(words({}) == "(it has no instructions)");
  CHECK(words({{0x28, 0, 0, 12}}) == "(it leads past its end)");
  CHECK(words({{0x28, 0, 0, 12}, {0x15, 200, 0, 1}, {6, 0, 0, 1}}) == "(it leads past its end)");
  CHECK(words({{0x05, 0, 0, 0xffffffff}, {6, 0, 0, 1}}) == "(it leads past its end)");
  CHECK(words({{0xffff, 0, 0, 0}, {6, 0, 0, 1}}) == "(not all of it are instructions)");
  CHECK(words({{0x60, 0, 0, 16}, {6, 0, 0, 1}}) == "(it uses memory that there isn't)");
  CHECK(words({{0, 0, 0, 1}, {0x34, 0, 0, 0}, {0x16, 0, 0, 0}}) == "1 / 0 != 0");
  CHECK(words(Program(kMaxBpfInstructions + 1, {0x28, 0, 0, 12})) == "(it has more instructions than the kernel takes)");
}

TEST_CASE("the longest programs are followed within bounds") {
  Program straight(kMaxBpfInstructions - 1, {0x87, 0, 0, 0});
  straight.push_back({0x06, 0, 0, 1});
  CHECK(words(straight) == "every packet");
  CHECK(disassemble_bpf(straight).size() == kMaxBpfInstructions);
  CHECK(disassemble_bpf(Program(2 * kMaxBpfInstructions)).size() == kMaxBpfInstructions);

  // A + A, doubled by each instruction.
  Program doubling{{0x20, 0, 0, 0}};
  for (int i = 0; i < 1000; ++i) doubling.insert(doubling.end(), {{0x07, 0, 0, 0}, {0x0c, 0, 0, 0}});
  doubling.push_back({0x16, 0, 0, 0});
  CHECK(words(doubling) == "(it computes too much from the packet)");

  // The parity of many bits: the ways part and meet again and again.
  Program parity{{0x00, 0, 0, 0}, {0x02, 0, 0, 0}};
  for (std::uint32_t i = 0; i < 400; ++i)
    parity.insert(parity.end(), {{0x30, 0, 0, i}, {0x45, 0, 3, 1}, {0x60, 0, 0, 0}, {0xa4, 0, 0, 1}, {0x02, 0, 0, 0}});
  parity.insert(parity.end(), {{0x60, 0, 0, 0}, {0x16, 0, 0, 0}});
  CHECK(words(parity) == "(it has too many branches)");
  for (std::size_t bits = 20; bits <= 240; bits += 20) {
    Program some(parity.begin(), parity.begin() + static_cast<std::ptrdiff_t>(2 + 5 * bits));
    some.insert(some.end(), {{0x60, 0, 0, 0}, {0x16, 0, 0, 0}});
    const auto meaning = explain_bpf(some, BpfStart::ethernet, 0);
    CHECK(meaning.words.empty());
    CHECK_FALSE(meaning.obstacle.empty());
  }

  // Every byte of the packet has to be this or that.
  Program chain;
  for (std::uint32_t i = 0; i < 200; ++i) chain.insert(chain.end(), {{0x30, 0, 0, i}, {0x15, 1, 0, i & 0xff}, {0x06, 0, 0, 0}});
  chain.push_back({0x06, 0, 0, 1});
  CHECK(words(chain) == "(the words would be too many)");
}
