// /proc/net/packet and /proc/net/netlink.
#include <algorithm>
#include <sstream>

#include "decode/proc_net_netlink.h"
#include "decode/proc_net_packet.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

const std::string kPacketHeader = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n";
const std::string kPacketRow = "00000000e04a5daf 4      3    88cc   2     1 5      1000   344501\n";
const std::string kNetlinkHeader =
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n";
const std::string kNetlinkRow =
    "00000000e5833727 15  4711       80000011 8        7        1     2        3        344505  \n";

std::string summary(const ProcNetPacketRow& row) {
  std::ostringstream out;
  out << row.ref_count << ' ' << row.type << ' ' << row.protocol << ' ' << row.interface_index << ' '
      << row.running << ' ' << row.rmem_bytes << ' ' << row.uid << ' ' << row.inode;
  return out.str();
}

std::string summary(const ProcNetNetlinkRow& row) {
  std::ostringstream out;
  out << int{row.protocol} << ' ' << row.port_id << ' ' << row.first_groups << ' ' << row.rmem_bytes << ' '
      << row.wmem_bytes << ' ' << row.dump_running << ' ' << row.ref_count;
  if (row.drops) out << " drops=" << *row.drops;
  if (row.inode) out << " inode=" << *row.inode;
  return out.str();
}

}  // namespace

TEST_CASE("/proc/net/packet of the second scene") {
  const auto decoded = decode_proc_net_packet(read_fixture("proc_net_packet"));
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 2);
  CHECK(summary(decoded.rows[0]).starts_with("3 3 3 3 1 0 0 "));
  CHECK(summary(decoded.rows[1]).starts_with("2 2 0 0 0 0 0 "));
  CHECK(decoded.rows[0].offset == kPacketHeader.size());
  CHECK(summary(decode_proc_net_packet(kPacketRow).rows.at(0)) == "4 3 35020 2 1 5 1000 344501");
}

TEST_CASE("/proc/net/netlink of the second scene, and of older kernels") {
  const auto decoded = decode_proc_net_netlink(read_fixture("proc_net_netlink"));
  CHECK(decoded.problems.empty());
  CHECK(decoded.rows.size() == 10);
  const auto route = std::find_if(decoded.rows.begin(), decoded.rows.end(),
                                  [](const auto& row) { return row.protocol == 0 && row.port_id == 4711; });
  REQUIRE(route != decoded.rows.end());
  CHECK(route->first_groups == 0x11);  // and not 33 and 35
  CHECK(route->inode);

  const auto read = [](const std::string& bytes) {
    return summary(decode_proc_net_netlink(bytes).rows.at(0));
  };
  CHECK(read(kNetlinkRow) == "15 4711 2147483665 8 7 1 2 drops=3 inode=344505");
  CHECK(read("sk       Eth Pid    Groups   Rmem     Wmem     Dump     Locks\n"
             "ffff88003e1b9800 0   -4103  00000000 0        0        (null)   2\n") ==
        "0 4294963193 0 0 0 0 2");
  CHECK(read("ffff88003e1b9800 0   0  00000000 0        0        0000000000000000 2        0\n") ==
        "0 0 0 0 0 0 2 drops=0");
  CHECK(read("ffff88003e1b9800 0   0  00000000 0        0        ffff88003e1b9000 2\n") == "0 0 0 0 0 1 2");
}

TEST_CASE("each corrupted column of /proc/net/packet and netlink") {
  struct Row {
    const char* what;
    std::string from, to;
    std::string problem;
  };
  const auto check = [](const std::string& good, const auto& decode, const Row& row) {
    INFO(row.what);
    const auto decoded = decode(good + replaced(good, row.from, row.to) + good);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == 1);
    CHECK(printable(decoded.problems));
    REQUIRE(decoded.rows.size() == 2);
    CHECK(summary(decoded.rows[0]) == summary(decoded.rows[1]));
  };
  for (const Row& row : {
           Row{"only a pointer", " 4      3    88cc   2     1 5      1000   344501", "",
               "expected RefCnt, a decimal number, found nothing; row skipped"},
           Row{"nothing", kPacketRow.substr(0, kPacketRow.size() - 1), "",
               "expected sk, a pointer, found nothing; row skipped"},
           Row{"count", "f 4 ", "f 4x ",
               "expected RefCnt, a decimal number, found 2 bytes (34 78); row skipped"},
           Row{"type", " 3  ", " 65536 ",
               "expected Type, a decimal number, found 5 bytes (36 35 35 33 36); row skipped"},
           Row{"protocol", "88cc", "88cg",
               "expected Proto, four hex digits, found 4 bytes (38 38 63 67); row skipped"},
           Row{"interface", " 2  ", " \x1b  ",
               "expected Iface, a decimal number, found 1 byte (1b); row skipped"},
           Row{"running", " 1 5", " y 5", "expected R, 0 or 1, found 1 byte (79); row skipped"},
           Row{"memory", " 5  ", " -5  ",
               "expected Rmem, a decimal number, found 2 bytes (2d 35); row skipped"},
           Row{"user", "1000", "root",
               "expected User, a decimal number, found 4 bytes (72 6f 6f 74); row skipped"},
           Row{"inode", "344501", "0x1",
               "expected Inode, a decimal number, found 3 bytes (30 78 31); row skipped"},
       })
    check(kPacketRow, decode_proc_net_packet, row);
  for (const Row& row : {
           Row{"protocol", " 15 ", " 256 ",
               "expected Eth, a decimal number, found 3 bytes (32 35 36); row skipped"},
           Row{"port", "4711", "47:1",
               "expected Pid, a decimal number, found 4 bytes (34 37 3a 31); row skipped"},
           Row{"groups", "80000011", "180000011",
               "expected Groups, a hex word, found 9 bytes (31 38 30 30 30 30 30 31 31); row skipped"},
           Row{"rmem", " 8 ", " a ", "expected Rmem, a decimal number, found 1 byte (61); row skipped"},
           Row{"wmem", " 7 ", " a ", "expected Wmem, a decimal number, found 1 byte (61); row skipped"},
           Row{"dump", " 1 ", " no ",
               "expected Dump, 0 or 1 or a pointer, found 2 bytes (6e 6f); row skipped"},
           Row{"locks", " 2 ", " a ", "expected Locks, a decimal number, found 1 byte (61); row skipped"},
           Row{"drops", " 3 ", " a ", "expected Drops, a decimal number, found 1 byte (61); row skipped"},
           Row{"inode", "344505", "a", "expected Inode, a decimal number, found 1 byte (61); row skipped"},
       })
    check(kNetlinkRow, decode_proc_net_netlink, row);
}

TEST_CASE("every prefix of /proc/net/packet and netlink") {
  const auto words = [](const auto& row) { return summary(row); };
  check_text_prefixes(read_fixture("proc_net_packet"), decode_proc_net_packet, words);
  check_text_prefixes(read_fixture("proc_net_netlink"), decode_proc_net_netlink, words);
}
