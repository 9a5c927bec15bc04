// The inodes in the tables that both /proc/net and sock_diag have.
#include "decode/socket_inodes.h"

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

constexpr auto kLittle = ByteOrder::little;

const InodeTable& table(std::string_view file) {
  const InodeTable* found = find_inode_table(file);
  REQUIRE(found != nullptr);
  return *found;
}

struct Column {
  std::vector<std::uint32_t> inodes, kernels;
  std::uint64_t counted = 0;
};

Column column(std::string_view file, const std::string& text, std::size_t piece) {
  InodeColumn reader(table(file));
  for (std::size_t at = 0; at < text.size(); at += piece) reader.look(std::string_view(text).substr(at, piece));
  Column column;
  for (const auto& row : reader.take()) (row.kernels ? column.kernels : column.inodes).push_back(row.inode);
  column.counted = reader.counted_rows();
  return column;
}

std::string inet_payload(std::uint8_t family, std::uint8_t state, std::uint32_t inode) {
  return Bytes(kLittle).u8(family).u8(state).u8(0).u8(0).zeros(64).u32(inode).str();
}

}  // namespace

TEST_CASE("inodes are found in the tables of /proc/net, wherever the pieces are cut") {
  const std::string raw =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
      "    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n"
      "    2: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 0 2 0000000000000000 0\n"
      "    3: short\n" + std::string(10'000, 'x') + "\n"
      "    4: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, raw.size()}) {
    const Column found = column("raw", raw, piece);
    CHECK(found.inodes == std::vector<std::uint32_t>{4711, 4712});
    CHECK(found.counted == 3);
  }
  CHECK(column("packet", "sk RefCnt Type Proto Iface R Rmem User Inode\nff 3 3 0003 2 1 0 0 4711\n", 9).inodes == std::vector<std::uint32_t>{4711});
  CHECK(column("unix", "Num\n00: 00000002 00000000 00010000 0001 01 4711 /run/x y\n", 9).inodes == std::vector<std::uint32_t>{4711});
  const Column netlink = column("netlink", "sk Eth Pid\nff 0 0 0 0 0 0 2 0 4\nff 0 99 0 0 0 0 2 0 5\n", 9);
  CHECK(netlink.kernels == std::vector<std::uint32_t>{4});
  CHECK(netlink.inodes == std::vector<std::uint32_t>{5});
  CHECK(find_inode_table("route") == nullptr);
}

TEST_CASE("rows of TCP that the kernel's counter leaves out are not counted") {
  const std::string row = " 00000000:00000000 ", end = " 00000000     0        0 ";
  const std::string text =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A" + row + "00:00000000" + end + "11 1\n"      // a listener
      "   1: 0100007F:1F90 0100007F:0001 06" + row + "03:00001000" + end + "0 3\n"       // TIME-WAIT
      "   2: 0100007F:1F90 0100007F:0002 05" + row + "03:00001000" + end + "0 3\n"       // an orphan that waits in FIN-WAIT-2
      "   3: 0100007F:1F90 0100007F:0003 05" + row + "00:00000000" + end + "0 3\n"       // an orphan
      "   4: 0100007F:1F90 0100007F:0004 03" + row + "01:00000010" + end + "0 0\n"       // a request
      "   5: 0100007F:1F90 0100007F:0005 03" + row + "01:00000010" + end + "12 1\n";     // both ends opened
  const Column found = column("tcp", text, text.size());
  CHECK(found.inodes == std::vector<std::uint32_t>{11, 12});
  CHECK(found.counted == 3);
}

TEST_CASE("a record of a dump has the inode that the table's file should have") {
  CHECK(inode_of_record(inet_payload(2, 10, 4711), table("tcp"), kLittle) == 4711u);
  CHECK_FALSE(inode_of_record(inet_payload(2, 10, 4711), table("tcp6"), kLittle));
  CHECK(inode_of_record(inet_payload(10, 1, 4711), table("tcp6"), kLittle) == 4711u);
  CHECK_FALSE(inode_of_record(inet_payload(2, 10, 0), table("tcp"), kLittle));
  // Bound and nothing else: /proc/net/tcp has no row for it; UDP that is not connected has that state too.
  CHECK_FALSE(inode_of_record(inet_payload(2, 7, 4711), table("tcp"), kLittle));
  CHECK(inode_of_record(inet_payload(2, 7, 4711), table("udp"), kLittle) == 4711u);
  CHECK_FALSE(inode_of_record(inet_payload(2, 10, 4711).substr(0, 70), table("tcp"), kLittle));
  CHECK_FALSE(inode_of_record("", table("tcp"), kLittle));
  CHECK_FALSE(inode_of_record(inet_payload(2, 10, 4711), table("icmp"), kLittle));
  CHECK(inode_of_record(Bytes(ByteOrder::big).u8(1).u8(1).u8(7).u8(0).u32(4711).u64(1).str(), table("unix"), ByteOrder::big) == 4711u);
}

TEST_CASE("a dump's inodes count only where the kernel ended it") {
  const std::string two = message(20, inet_payload(2, 10, 12)) + message(20, inet_payload(2, 1, 11)) + message(20, inet_payload(10, 1, 13));
  CHECK(inodes_of_dump(pcap(two + done()), table("tcp")) == std::vector<std::uint32_t>{11, 12});
  CHECK(inodes_of_dump(pcap(two + done()), table("tcp6")) == std::vector<std::uint32_t>{13});
  CHECK_FALSE(inodes_of_dump(pcap(two), table("tcp")));
  // -ENOENT inside NLMSG_DONE: not supported is not empty.
  CHECK_FALSE(inodes_of_dump(pcap(done(-2)), table("tcp")));
}

TEST_CASE("a counter is found by its line") {
  const std::string sockstat = "sockets: used 9\nTCP: inuse 7 orphan 0 tw 1 alloc 8 mem 0\nUDP: inuse 2 mem 0\nRAW: 3\n";
  CHECK(find_counter(sockstat, "TCP:") == 7u);
  CHECK(find_counter(sockstat, "UDP:") == 2u);
  CHECK_FALSE(find_counter(sockstat, "RAW:"));
  CHECK_FALSE(find_counter(sockstat, "TCP6:"));
}
