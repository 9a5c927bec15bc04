#include "decode/netlink_message.h"

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

TEST_CASE("messages are walked in both byte orders, with their offsets") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const std::string datagram = message(20, "abcde", order) + message(3, "wxyz", order, 0x12);
    NetlinkMessageReader reader(datagram, 1000, order);
    auto found = reader.next();
    REQUIRE(found);
    CHECK(found->type == 20);
    CHECK(found->payload == "abcde");
    CHECK(found->offset == 1000);
    CHECK(found->sequence == 1);
    CHECK(found->port_id == 4711);
    found = reader.next();
    REQUIRE(found);
    CHECK(found->type == 3);
    CHECK(found->flags == 0x12);
    CHECK(found->offset == 1024);
    CHECK_FALSE(reader.next());
    CHECK(reader.leftover() == 0);
  }
}

TEST_CASE("a message that overruns is left over as a whole") {
  struct Row {
    const char* what;
    std::uint32_t length;
    std::size_t leftover;
  };
  for (const Row& row :
       {Row{"longer than what is left", 25, 24}, Row{"shorter than its header", 15, 24}, Row{"zero", 0, 24},
        Row{"huge", 0xffffffff, 24}, Row{"without its padding", 21, 0}}) {
    INFO(row.what);
    std::string datagram = Bytes(ByteOrder::little).u32(row.length).u16(20).u16(0).zeros(16).str();
    NetlinkMessageReader reader(datagram, 0, ByteOrder::little);
    CHECK(reader.next().has_value() == (row.leftover == 0));
    CHECK(reader.leftover() == row.leftover);
  }
}

TEST_CASE("attributes lose their flags, and one that overruns is left over") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const std::string bytes = attribute(0x8000 | 7, "abc", order) + attribute(0x4000 | 8, "", order) +
                              Bytes(order).u16(9).u16(1).zeros(4).str();
    NetlinkAttributeReader reader(bytes, 100, order);
    auto found = reader.next();
    REQUIRE(found);
    CHECK(found->type == 7);
    CHECK(found->payload == "abc");
    CHECK(found->offset == 100);
    found = reader.next();
    REQUIRE(found);
    CHECK(found->type == 8);
    CHECK(found->payload.empty());
    CHECK(found->offset == 108);
    CHECK_FALSE(reader.next());
    CHECK(reader.leftover() == 8);
  }
  NetlinkAttributeReader too_short(std::string_view("\x03\0\0\0", 4), 0, ByteOrder::little);
  CHECK_FALSE(too_short.next());
  CHECK(too_short.leftover() == 4);
}

TEST_CASE("every prefix of two messages gives a prefix of them") {
  const std::string datagram = message(20, "abcd") + message(20, "efgh");
  for (std::size_t size = 0; size <= datagram.size(); ++size) {
    NetlinkMessageReader reader(std::string_view(datagram).substr(0, size), 0, ByteOrder::little);
    std::size_t count = 0;
    while (reader.next()) ++count;
    CHECK(count == size / 20);
    CHECK(reader.leftover() == size % 20);
  }
}
