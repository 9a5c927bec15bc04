#include "decode/byte_order_signs.h"

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

ByteOrderSigns look(std::string_view member, std::string_view bytes) {
  ByteOrderSigns signs;
  signs.look_at(member, bytes);
  return signs;
}

std::string socket_row(const std::string& local, const std::string& peer = "00000000:0000") {
  return "   0: " + local + " " + peer + " 0A 00000000:00000000 00:00000000 00000000     0        0 1596 1\n";
}

const std::string kHeader = "  sl  local_address rem_address   st\n";

}  // namespace

TEST_CASE("addresses that make sense in one byte order only") {
  struct Row {
    const char* table;
    std::string text, word, meaning;
    ByteOrder order;
  };
  const std::string zeros(24, '0');
  for (const Row& row : {
           Row{"net/tcp", socket_row("0100007F:1F90"), "0100007F", "127.0.0.1", ByteOrder::little},
           Row{"net/tcp", socket_row("7F000001:1F90"), "7F000001", "127.0.0.1", ByteOrder::big},
           Row{"a/udp6", socket_row(zeros + "01000000:0035"), zeros + "01000000", "::1", ByteOrder::little},
           Row{"a/udp6", socket_row(zeros + "00000001:0035"), zeros + "00000001", "::1", ByteOrder::big},
           Row{"tcp6", socket_row("0000000000000000FFFF0000090200C0:0050"), "0000000000000000FFFF0000090200C0", "an IPv4 address in IPv6", ByteOrder::little},
           Row{"tcp6", socket_row("00000000000000000000FFFFC0000209:0050"), "00000000000000000000FFFFC0000209", "an IPv4 address in IPv6", ByteOrder::big},
           Row{"raw6", socket_row("000080FE00000000FF005450B6A3F8FE:003A"), "000080FE00000000FF005450B6A3F8FE", "a link-local address", ByteOrder::little},
           Row{"raw6", socket_row("FE80000000000000505400FFFEF8A3B6:003A"), "FE80000000000000505400FFFEF8A3B6", "a link-local address", ByteOrder::big},
           Row{"net/route", "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "0000FFFF", "a netmask", ByteOrder::little},
           Row{"net/route", "eth0\t0A000000\t00000000\t0001\t0\t0\t0\tFFFFF000\t0\t0\t0\n", "FFFFF000", "a netmask", ByteOrder::big},
           Row{"net/igmp", "2\teth0      :     1      V3\n\t\t\t\tFB0000E0     1 0:00000000\t\t0\n", "FB0000E0", "a multicast group", ByteOrder::little},
           Row{"net/igmp", "2\teth0      :     1      V3\n\t\t\t\tE00000FB     1 0:00000000\t\t0\n", "E00000FB", "a multicast group", ByteOrder::big},
       }) {
    INFO(row.table << ' ' << row.text);
    const auto signs = look(row.table, row.text);
    CHECK(signs.is_known());
    CHECK(signs.matters());
    CHECK_FALSE(signs.is_contradictory());
    REQUIRE(signs.order() == row.order);
    const auto& sign = *signs.first(row.order);
    CHECK(sign.member == row.table);
    CHECK(sign.word == row.word);
    CHECK(sign.meaning == row.meaning);
    CHECK(sign.offset == (std::string(row.table) == "net/igmp" ? row.text.find('\n') + 1 : 0));
  }
}

TEST_CASE("what may be an address in either order is no sign") {
  for (const auto& [table, text] : std::vector<std::pair<const char*, std::string>>{
           {"tcp", socket_row("0A00007F:0016")},                               // 127.0.0.10, or 10.0.0.127
           {"tcp", socket_row("090200C0:0016", "0100007F:0016")},              // the peer's address: anybody's choice
           {"tcp6", socket_row("B80D0120000000000000000017000000:0016")},
           {"route", "eth0\t0000000A\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"}}) {
    INFO(text);
    const auto signs = look(table, text);
    CHECK_FALSE(signs.is_known());
    CHECK(signs.order() == ByteOrder::little);
    CHECK(signs.matters());
  }
}

TEST_CASE("where every address reads the same in both orders, the order doesn't matter") {
  for (const auto& [table, text] : std::vector<std::pair<const char*, std::string>>{
           {"tcp", kHeader + socket_row("00000000:0016")}, {"tcp6", socket_row(std::string(32, '0') + ":0016")},
           {"tcp", ""}, {"unix", socket_row("0100007F:0016")}, {"tcp", "0100007F:0016\n:\n0: 0100007:1\n0: x\n0:\n"},
           {"route", "eth0\t00000000\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0\nlo\t1\n"}}) {
    INFO(text);
    CHECK_FALSE(look(table, text).matters());
    CHECK_FALSE(look(table, text).is_known());
  }
}

TEST_CASE("addresses of interfaces tell the order of those of sockets") {
  ByteOrderSigns signs;
  signs.look_at("net/if_inet6", "20010db8000000000000000000000017 02 40 00 80     eth0\nzz\n");
  CHECK_FALSE(signs.is_known());
  signs.look_at("net/tcp6", socket_row("20010DB8000000000000000000000017:0016"));
  CHECK(signs.order() == ByteOrder::big);
  CHECK(signs.first(ByteOrder::big)->meaning == "an address of an interface (if_inet6)");
}

TEST_CASE("signs of both orders: the more of them decide, and it is no one machine's") {
  ByteOrderSigns signs;
  signs.look_at("tcp", socket_row("0100007F:0001") + socket_row("7F000001:0001") + socket_row("7F000001:0002"));
  CHECK(signs.order() == ByteOrder::big);
  CHECK(signs.is_contradictory());
  CHECK(signs.first(ByteOrder::little)->offset == 0);
  signs.look_at("udp", socket_row("0100007F:0001"));
  CHECK(signs.order() == ByteOrder::little);
}
