#include "decode/md5sig.h"

#include "decode/inet_diag.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

using Spans = std::vector<ByteSpan>;
constexpr ByteOrder kOrders[] = {ByteOrder::little, ByteOrder::big};

// Every byte of a key is 'K', and nothing else is.
std::string md5sig(ByteOrder order) {
  return Bytes(order).u8(2).u8(32).u16(5).raw("\x0a\0\0\2"s).zeros(12).raw(std::string(80, 'K')).str();
}

std::string record(ByteOrder order, const std::string& attributes, std::uint8_t family = 2) {
  return message(20, Bytes(order).u8(family).zeros(71).raw(attributes).str(), order);
}

std::string withheld(std::string datagram, const Spans& keys) {
  std::size_t previous = 0;
  for (const ByteSpan& key : keys) {
    REQUIRE(key.offset >= previous);
    REQUIRE(key.length > 0);
    REQUIRE(key.offset + key.length <= datagram.size());
    datagram.replace(key.offset, key.length, key.length, '\0');
    previous = key.offset + key.length;
  }
  return datagram;
}

}  // namespace

TEST_CASE("the keys of the second scene are found, and only they") {
  const std::string bytes = read_fixture("inet_diag-tcp-odd.pcap");
  REQUIRE(bytes.find("no-secret-one") != std::string::npos);
  const NetlinkPcap pcap = decode_netlink_pcap(bytes);
  std::string blanked = bytes;
  std::size_t keys = 0;
  for (const auto& datagram : pcap.datagrams) {
    const Spans found = find_md5_keys(datagram.bytes, pcap.order);
    keys += found.size();
    blanked.replace(datagram.offset, datagram.bytes.size(), withheld(std::string(datagram.bytes), found));
  }
  CHECK(keys == 3);
  CHECK(blanked.find("no-secret") == std::string::npos);
  CHECK(blanked.find("kkkk") == std::string::npos);
  // What the decoder says of the rest is the same, and it says that the keys are zero.
  const InetDiagDump before = decode_inet_diag(bytes), after = decode_inet_diag(blanked);
  REQUIRE(after.rows.size() == before.rows.size());
  CHECK(after.problems.empty());
  for (std::size_t i = 0; i < after.rows.size(); ++i) {
    const auto& extras = after.rows[i].attributes->extras;
    if (!extras || !extras->md5_peers) continue;
    for (std::size_t k = 0; k < extras->md5_peers->size(); ++k) {
      const auto& was = (*before.rows[i].attributes->extras->md5_peers)[k];
      const auto& is = (*extras->md5_peers)[k];
      CHECK_FALSE(was.key_is_zero);
      CHECK(is.key_is_zero);
      CHECK(is.address == was.address);
      CHECK(is.key_length_bytes == was.key_length_bytes);
    }
  }
  std::size_t changed = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) changed += bytes[i] != blanked[i];
  CHECK(changed == 13 + 13 + 80);
  CHECK(find_md5_keys(decode_netlink_pcap(read_fixture("inet_diag-tcp.pcap")).datagrams[1].bytes,
                      ByteOrder::little)
            .empty());
}

TEST_CASE("where keys lie, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string other = attribute(5, "\x10", order);
    const std::string two = attribute(18, md5sig(order) + md5sig(order), order);
    const std::string first = record(order, other + two + other);
    const std::string second = record(order, attribute(18, md5sig(order), order), 10);
    const std::string datagram = first + second + done(0, order);
    const std::size_t begin = 16 + 72 + 8 + 4;
    CHECK(find_md5_keys(datagram, order) ==
          Spans{{begin + 20, 80}, {begin + 120, 80}, {first.size() + 16 + 72 + 4 + 20, 80}});
    // The other byte order finds nothing there, and doesn't go astray.
    CHECK(find_md5_keys(datagram, order == ByteOrder::little ? ByteOrder::big : ByteOrder::little).empty());
  }
}

TEST_CASE("what is no key is left alone") {
  constexpr auto kLittle = ByteOrder::little;
  const std::string key = attribute(18, md5sig(kLittle));
  for (const std::string& datagram :
       {std::string(), done(), record(kLittle, ""), record(kLittle, attribute(18, "")),
        record(kLittle, attribute(5, md5sig(kLittle))), record(kLittle, key, 1),  // another family's type 18
        message(77, std::string("\x02") + std::string(71, '\0') + key),           // no sock_diag message
        message(20, std::string(71, '\x02')), std::string(15, '\x02'), std::string(16, '\0')}) {
    CHECK(find_md5_keys(datagram, kLittle).empty());
  }
}

TEST_CASE("types with the flags of netlink are keys as well") {
  constexpr auto kLittle = ByteOrder::little;
  for (const unsigned flags : {0x8000u, 0x4000u, 0xc000u}) {
    const auto type = static_cast<std::uint16_t>(flags | 18);
    CHECK(find_md5_keys(record(kLittle, attribute(type, md5sig(kLittle))), kLittle).size() == 1);
  }
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{18, 19, 20}) {
    const std::string payload = "\x02"s + std::string(71, '\0') + attribute(18, md5sig(kLittle));
    CHECK(find_md5_keys(message(type, payload), kLittle).size() == 1);
  }
}

TEST_CASE("an attribute of another size loses all but its first address") {
  constexpr auto kLittle = ByteOrder::little;
  const std::size_t begin = 16 + 72 + 4;
  const std::string grown = md5sig(kLittle) + "KKKK" + md5sig(kLittle) + "KKKK";
  CHECK(find_md5_keys(record(kLittle, attribute(18, grown)), kLittle) == Spans{{begin + 20, 208 - 20}});
  CHECK(find_md5_keys(record(kLittle, attribute(18, md5sig(kLittle).substr(0, 99))), kLittle) ==
        Spans{{begin + 20, 79}});
  CHECK(find_md5_keys(record(kLittle, attribute(18, std::string(20, 'x'))), kLittle).empty());
}

TEST_CASE("lengths that no datagram can have end the search") {
  constexpr auto kLittle = ByteOrder::little;
  const std::string key = attribute(18, md5sig(kLittle));
  const std::string whole = record(kLittle, key);
  for (const std::uint32_t length : {0xffffffffu, 0xfffffffdu, 0x7fffffffu}) {
    const std::string endless = Bytes(kLittle).u32(length).raw(whole.substr(4)).str();
    CHECK(find_md5_keys(endless, kLittle) == Spans{{16 + 72 + 4 + 20, 80}});
  }
  const std::string overrun = record(kLittle, "\xff\xff\x12\0"s + md5sig(kLittle));
  CHECK(find_md5_keys(overrun, kLittle) == Spans{{16 + 72 + 4 + 20, 80}});
  for (const std::uint32_t length : {0u, 15u}) {
    CHECK(find_md5_keys(Bytes(kLittle).u32(length).raw(whole.substr(4)).str(), kLittle).empty());
  }
}

TEST_CASE("no prefix of a datagram shows a byte of a key") {
  for (const auto order : kOrders) {
    const std::string keys =
        attribute(5, "\x10", order) + attribute(18, md5sig(order) + md5sig(order), order);
    const std::string datagram = record(order, keys) + record(order, keys, 10) + done(0, order);
    for (std::size_t size = 0; size <= datagram.size(); ++size) {
      // In memory of its own size, so that a read beyond it is found.
      const std::string prefix = datagram.substr(0, size);
      REQUIRE(withheld(prefix, find_md5_keys(prefix, order)).find('K') == std::string::npos);
    }
  }
}
