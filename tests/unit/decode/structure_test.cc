// What the kernel's own code always does in a table, on real tables and on edited ones.
#include "decode/structure.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

constexpr auto kLittle = ByteOrder::little;

std::string unix_record(std::uint32_t inode, const std::string& attributes) {
  return message(20, Bytes(kLittle).u8(1).u8(1).u8(7).u8(0).u32(inode).u64(inode).str() + attributes);
}

std::string inet_record(std::uint16_t port, const std::string& attributes) {
  return message(20, Bytes(kLittle).u8(2).u8(10).u8(0).u8(0).u16_network(port).zeros(66).str() + attributes);
}

// nlmsg_len of the first message also covers the second: what a hook does that takes a record out in place.
std::string stretched(const std::string& first, const std::string& second) {
  std::string bytes = first + second;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i) & 0xff);
  return bytes;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

}  // namespace

TEST_CASE("real tables keep the rules") {
  for (const char* name : {"inet_diag-tcp.pcap", "inet_diag-tcp-odd.pcap", "inet_diag-udp4.pcap", "inet_diag-udp6.pcap", "inet_diag-raw4.pcap",
                           "inet_diag-mptcp4.pcap", "netlink_diag.pcap", "packet_diag.pcap", "unix_diag.pcap"}) {
    INFO(name);
    const auto problems = check_sock_diag_structure(read_fixture(name));
    INFO(first_message(problems));
    CHECK(problems.empty());
  }
  CHECK(check_proc_net_tcp_structure(read_fixture("proc_net_tcp"), true).empty());
  CHECK(check_proc_net_tcp_structure(read_fixture("proc_net_tcp6"), false).empty());
}

TEST_CASE("a row that was taken out of /proc/net/tcp leaves a gap in its numbers") {
  const auto lines = lines_of(read_fixture("proc_net_tcp"));
  REQUIRE(lines.size() > 3);
  for (std::size_t gone = 1; gone < lines.size(); ++gone) {
    INFO(gone);
    auto left = lines;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(gone));
    // The last row leaves none: the counters and the dumps tell.
    CHECK(check_proc_net_tcp_structure(joined(left), true).total == (gone + 1 == lines.size() ? 0 : 1));
  }
}

TEST_CASE("a row of another width than the kernel's") {
  auto lines = lines_of(read_fixture("proc_net_tcp"));
  REQUIRE(lines.size() > 2);
  lines[2].insert(lines[2].size() - 1, " ");
  CHECK(check_proc_net_tcp_structure(joined(lines), true).total == 1);
  CHECK(check_proc_net_tcp_structure(joined(lines), false).empty());
  lines[2].erase(lines[2].size() - 3, 2);
  CHECK(check_proc_net_tcp_structure(joined(lines), true).total == 1);
}

TEST_CASE("old kernels pad nothing, and a cut table ends in part of a row") {
  CHECK(check_proc_net_tcp_structure("  sl  local_address\n   0: 0100007F:1F90 00000000:0000 0A\n   1: 0100007F:1F91 00000000:0000 0A 00\n", true).empty());
  const std::string whole = read_fixture("proc_net_tcp");
  for (std::size_t size = 0; size < whole.size(); size += 7) CHECK(check_proc_net_tcp_structure(std::string_view(whole).substr(0, size), true).empty());
}

TEST_CASE("a record that reaches over the next one") {
  const std::string uid = attribute(7, std::string(4, '\0'));
  const std::string name = attribute(0, "/run/x");
  CHECK(check_sock_diag_structure(pcap(unix_record(1, name + uid) + unix_record(2, name + uid))).empty());
  CHECK_FALSE(check_sock_diag_structure(pcap(stretched(unix_record(1, name + uid), unix_record(2, name + uid)))).empty());
  CHECK_FALSE(check_sock_diag_structure(pcap(stretched(unix_record(1, uid), unix_record(2, uid)))).empty());

  const std::string shutdown = attribute(8, std::string(1, '\0'));
  CHECK(check_sock_diag_structure(pcap(inet_record(80, shutdown) + inet_record(81, shutdown) + done())).empty());
  const auto problems = check_sock_diag_structure(pcap(stretched(inet_record(80, shutdown), inet_record(81, shutdown))));
  REQUIRE(problems.total >= 1);
  CHECK(first_message(problems).find("type 0") != std::string::npos);
}

TEST_CASE("attributes come once and tile their record") {
  const std::string shutdown = attribute(8, std::string(1, '\0'));
  CHECK(first_message(check_sock_diag_structure(pcap(inet_record(80, shutdown + shutdown)))).find("second attribute") != std::string::npos);
  CHECK_FALSE(check_sock_diag_structure(pcap(inet_record(80, shutdown + std::string(4, '\1')))).empty());
  // Bytes behind the last message.
  CHECK_FALSE(check_sock_diag_structure(pcap(inet_record(80, shutdown) + std::string(8, '\1'))).empty());
  // A record shorter than its structure.
  CHECK_FALSE(check_sock_diag_structure(pcap(message(20, std::string("\2\12", 2)))).empty());
  // A family that this version doesn't know is left alone.
  CHECK(check_sock_diag_structure(pcap(message(20, std::string("\77\1\1\1", 4)))).empty());
}
