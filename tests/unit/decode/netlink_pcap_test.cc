#include "decode/netlink_pcap.h"

#include <algorithm>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

TEST_CASE("a captured conversation: request out, datagrams in") {
  const std::string bytes = read_fixture("inet_diag-tcp.pcap");
  const NetlinkPcap pcap = decode_netlink_pcap(bytes);
  CHECK(pcap.problems.empty());
  CHECK(pcap.order == ByteOrder::little);
  REQUIRE(pcap.datagrams.size() >= 3);
  CHECK(pcap.datagrams[0].to_kernel);
  CHECK(pcap.datagrams[0].bytes.size() == 16 + 60);
  CHECK(pcap.datagrams[0].offset == 24 + 16 + 16);
  CHECK_FALSE(pcap.datagrams[1].to_kernel);
  CHECK_FALSE(pcap.datagrams[1].cut);
  CHECK(pcap.datagrams[0].realtime_nsec > 1'790'000'000'000'000'000);
  CHECK(pcap.datagrams[1].realtime_nsec > pcap.datagrams[0].realtime_nsec);
}

TEST_CASE("either byte order, either magic") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const std::string nanoseconds =
        pcap_header(order) + pcap_record("abcd", order, 4) + pcap_record("", order, 7);
    NetlinkPcap pcap = decode_netlink_pcap(nanoseconds);
    CHECK(pcap.problems.empty());
    CHECK(pcap.order == order);
    REQUIRE(pcap.datagrams.size() == 2);
    CHECK(pcap.datagrams[0].to_kernel);
    CHECK(pcap.datagrams[0].bytes == "abcd");
    CHECK(pcap.datagrams[0].realtime_nsec == 1'795'307'250'026'000'000);
    CHECK(pcap.datagrams[1].to_kernel);

    std::string microseconds = Bytes(order).u32(0xa1b2c3d4).str() + pcap_header(order).substr(4);
    microseconds += Bytes(order).u32(7).u32(999999).u32(16).u32(16).str() + pcap_record("", order).substr(16);
    pcap = decode_netlink_pcap(microseconds);
    CHECK(pcap.problems.empty());
    REQUIRE(pcap.datagrams.size() == 1);
    CHECK(pcap.datagrams[0].realtime_nsec == 7'999'999'000);
  }
}

TEST_CASE("each corrupted field of a pcap is a problem, and what can be kept is") {
  struct Row {
    const char* what;
    std::size_t offset;
    std::string bytes;
    std::string problem;
    std::size_t kept;  // of two datagrams
  };
  const auto u32 = [](std::uint32_t value) { return Bytes(ByteOrder::little).u32(value).str(); };
  const std::string good = pcap_header() + pcap_record("first---") + pcap_record("second--");
  const std::size_t record = 24, cooked = 40;
  for (const Row& row : {
           Row{"magic", 0,
               "\x7f"
               "ELF",
               "expected the magic of a pcap file, found 4 bytes (7f 45 4c 46); nothing kept", 0},
           Row{"version", 4, u32(9), "expected pcap version 2.4, found 9.0; read as 2.4", 2},
           Row{"link type", 20, u32(1), "expected link type 253 (netlink), found 1; nothing kept", 0},
           Row{"fraction", record + 4, u32(1000000000),
               "expected a fraction of a second, found 1000000000; datagram kept", 2},
           Row{"length beyond the limit", record + 8, u32(262145),
               "expected a record of at most 262144 bytes, found one of 262145; the rest of the file is left "
               "out",
               0},
           Row{"length beyond the end", record + 8, u32(65) + u32(65),
               "expected a record of 65 bytes, the file ends after 64; the messages that are whole are kept",
               1},
           Row{"cut when it was received", record + 12, u32(25),
               "expected a datagram of 25 bytes, only 24 were received; the messages that are whole are kept",
               2},
           Row{"original length too small", record + 12, u32(23),
               "expected an original length of at least 24, found 23; datagram kept", 2},
           Row{"hardware type", cooked + 2, std::string(1, '\0') + "\x01",
               "expected hardware type 824 (netlink), found 1; record skipped", 1},
       }) {
    INFO(row.what);
    std::string bytes = good;
    bytes.replace(row.offset, row.bytes.size(), row.bytes);
    const NetlinkPcap pcap = decode_netlink_pcap(bytes);
    CHECK(first_message(pcap.problems) == row.problem);
    CHECK(pcap.problems.total == 1);
    CHECK(pcap.datagrams.size() == row.kept);
  }
  const NetlinkPcap tiny =
      decode_netlink_pcap(pcap_header() + u32(0) + u32(0) + u32(8) + u32(8) + "12345678");
  CHECK(first_message(tiny.problems) ==
        "expected a cooked header of 16 bytes, found a record of 8; record skipped");
}

TEST_CASE("a file that ends inside its header says so, wherever it ends") {
  for (std::size_t size = 4; size < 24; ++size) {
    const NetlinkPcap pcap = decode_netlink_pcap(pcap_header().substr(0, size));
    CHECK(first_message(pcap.problems) ==
          "expected a pcap header of 24 bytes, the file ends before; nothing kept");
    CHECK(pcap.problems.total == 1);
  }
}

TEST_CASE("a datagram cut when it was received says so") {
  const NetlinkPcap pcap = decode_netlink_pcap(pcap_header() + pcap_record("abcd", ByteOrder::little, 0, 10) +
                                               pcap_record("efgh"));
  REQUIRE(pcap.datagrams.size() == 2);
  CHECK(pcap.datagrams[0].cut);
  CHECK_FALSE(pcap.datagrams[1].cut);
}

TEST_CASE("every prefix of a pcap gives a prefix of its datagrams") {
  const std::string bytes = read_fixture("inet_diag-udp4.pcap");
  const NetlinkPcap whole = decode_netlink_pcap(bytes);
  const auto ends = record_ends(bytes);
  REQUIRE(ends.back() == bytes.size());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const NetlinkPcap pcap = decode_netlink_pcap(std::string_view(bytes).substr(0, size));
    REQUIRE(pcap.datagrams.size() <= whole.datagrams.size());
    for (std::size_t i = 0; i < pcap.datagrams.size(); ++i) {
      const auto& datagram = pcap.datagrams[i];
      REQUIRE(datagram.offset == whole.datagrams[i].offset);
      REQUIRE(whole.datagrams[i].bytes.starts_with(datagram.bytes));
      REQUIRE(datagram.cut == (datagram.bytes.size() < whole.datagrams[i].bytes.size()));
    }
    const bool at_boundary = std::find(ends.begin(), ends.end(), size) != ends.end();
    REQUIRE(pcap.problems.empty() == at_boundary);
  }
}
