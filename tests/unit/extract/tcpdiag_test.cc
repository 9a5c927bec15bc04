#include "extract/tcpdiag.h"

#include <fstream>

#include "decode/inet_diag.h"
#include "decode/netlink_message.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::extract;

namespace {

constexpr auto kLittle = base::ByteOrder::little;

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SSNAP_FIXTURES) + "/decode/" + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(bytes.empty());
  return bytes;
}

struct Record {
  std::uint16_t type;
  std::string payload;
};

// What ss would walk over: it must tile the file exactly.
std::vector<Record> records_of(const std::string& bytes, base::ByteOrder order = kLittle) {
  std::vector<Record> records;
  decode::NetlinkMessageReader messages(bytes, 0, order);
  while (const auto message = messages.next()) records.push_back({message->type, std::string(message->payload)});
  CHECK(messages.leftover() == 0);
  return records;
}

}  // namespace

TEST_CASE("a dump becomes back-to-back records of the states that ss would ask for") {
  const std::string pcap = fixture("inet_diag-tcp.pcap");
  const auto dump = decode::decode_inet_diag(pcap);
  std::size_t all = 0, listening = 0, established = 0;
  for (const auto& row : dump.rows) {
    if (row.state == 7) continue;
    ++all;
    listening += row.state == 10;
    established += row.state != 10 && row.state != 6 && row.state != 3;
  }
  REQUIRE(listening > 0);
  REQUIRE(established > 0);
  REQUIRE(all > listening + established);
  CHECK(records_of(tcpdiag_records(pcap, 6, States::all)).size() == all);
  CHECK(records_of(tcpdiag_records(pcap, 6, States::listening)).size() == listening);
  CHECK(records_of(tcpdiag_records(pcap, 6, States::established)).size() == established);
  for (const auto& record : records_of(tcpdiag_records(pcap, 6, States::listening))) CHECK(record.payload[1] == 10);
}

TEST_CASE("a UDP record says that it is one") {
  const std::string pcap = fixture("inet_diag-udp4.pcap");
  const auto records = records_of(tcpdiag_records(pcap, 17, States::all));
  REQUIRE(records.size() == decode::decode_inet_diag(pcap).rows.size());
  REQUIRE_FALSE(records.empty());
  for (const auto& record : records) {
    decode::NetlinkAttributeReader attributes(std::string_view(record.payload).substr(72), 0, kLittle);
    int found = 0;
    while (const auto attribute = attributes.next())
      if (attribute->type == 10) {
        ++found;
        CHECK(attribute->payload == "\x11");
      }
    CHECK(found == 1);
    CHECK(attributes.leftover() == 0);
  }
}

TEST_CASE("the end of such a file") {
  CHECK(tcpdiag_end(kLittle) == std::string("\x14\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
  CHECK(tcpdiag_end(base::ByteOrder::big) == std::string("\0\0\0\x14\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
}

TEST_CASE("a dump that is cut anywhere gives whole records") {
  const std::string pcap = fixture("inet_diag-udp4.pcap");
  const auto whole = tcpdiag_records(pcap, 17, States::all);
  for (std::size_t length = 0; length < pcap.size(); ++length) {
    const auto records = tcpdiag_records(std::string_view(pcap).substr(0, length), 17, States::all);
    REQUIRE(whole.starts_with(records));
    records_of(records);
  }
}
