#include "decode/rtnetlink.h"

#include <algorithm>
#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

constexpr ByteOrder kOrders[] = {ByteOrder::little, ByteOrder::big};

template <class T>
void put(std::ostringstream& out, const char* name, const std::optional<T>& value) {
  if (value) out << ' ' << name << '=' << +*value;
}

std::string summary(const RtLink& link) {
  std::ostringstream out;
  out << link.index << ' ' << link.name.value_or("-") << ' ' << link.hardware_type << ' ' << link.flags;
  if (link.kind) out << " kind=" << *link.kind;
  put(out, "mtu", link.mtu_bytes), put(out, "master", link.master_index), put(out, "link", link.link_index);
  put(out, "netns", link.link_netns_id), put(out, "promiscuity", link.promiscuity);
  put(out, "state", link.operational_state), put(out, "port", link.tunnel_port);
  if (link.address) out << " address=" << link.address->size();
  if (link.broadcast) out << " broadcast=" << link.broadcast->size();
  for (const auto& name : link.alternative_names) out << " alt=" << name;
  if (link.info_data) out << " data@" << link.info_data->offset << '+' << link.info_data->length;
  return out.str();
}

std::string summary(const RtAddress& row) {
  std::ostringstream out;
  out << int{row.family} << ' ' << row.interface_index << ' ' << int{row.prefix_length} << ' '
      << int{row.scope} << ' ' << row.flags;
  if (row.address) out << " address=" << row.address->to_string();
  if (row.local) out << " local=" << row.local->to_string();
  if (row.broadcast) out << " broadcast=" << row.broadcast->to_string();
  if (row.label) out << " label=" << *row.label;
  return out.str();
}

std::string summary(const RtNsid& row) {
  std::ostringstream out;
  put(out, "nsid", row.nsid), put(out, "current", row.current_nsid), put(out, "pid", row.pid);
  put(out, "fd", row.fd);
  return out.str();
}

std::string ifinfo(ByteOrder order = ByteOrder::little) {
  return Bytes(order).u8(0).u8(0).u16(1).u32(7).u32(0x1043).u32(0).str();
}

std::string ifaddr(ByteOrder order = ByteOrder::little, std::uint8_t family = 2) {
  return Bytes(order).u8(family).u8(24).u8(0x80).u8(253).u32(7).str();
}

std::string u32(std::uint16_t type, std::uint32_t value, ByteOrder order = ByteOrder::little) {
  return attribute(type, Bytes(order).u32(value).str(), order);
}

}  // namespace

TEST_CASE("the links of the second scene") {
  const RtnetlinkDump dump = decode_rtnetlink(read_fixture("rtnetlink-link.pcap"));
  CHECK(dump.problems.empty());
  CHECK(dump.end.done);
  CHECK(dump.other_messages == 0);
  REQUIRE(dump.links.size() == 6);
  const auto& [lo, green, blue, bridge, vxlan, far] =
      std::tie(dump.links[0], dump.links[1], dump.links[2], dump.links[3], dump.links[4], dump.links[5]);

  CHECK(lo.name == "lo");
  CHECK(lo.index == 1);
  CHECK(lo.hardware_type == 772);
  CHECK((lo.flags & 8) != 0);
  CHECK(lo.mtu_bytes == 65536);
  CHECK_FALSE(lo.kind);
  CHECK(lo.address == std::string(6, '\0'));

  CHECK(green.kind == "veth");
  CHECK(green.master_index == bridge.index);
  CHECK(green.link_index == blue.index);
  CHECK_FALSE(green.link_netns_id);
  CHECK(blue.alternative_names == std::vector<std::string>{"blue-too"});
  CHECK(blue.promiscuity == 1);
  CHECK((blue.flags & 0x100) == 0x0);  // a packet socket's wish isn't in the flags
  CHECK(blue.operational_state == 6);
  CHECK(bridge.kind == "bridge");
  CHECK(bridge.info_data);
  CHECK(vxlan.kind == "vxlan");
  CHECK(vxlan.tunnel_port == 4790);
  // The other end lies in another namespace: its index is of there.
  CHECK(far.kind == "veth");
  CHECK(far.link_netns_id == 0);
  CHECK(far.link_index == 2);
}

TEST_CASE("the addresses and namespace ids of the second scene") {
  const RtnetlinkDump addresses = decode_rtnetlink(read_fixture("rtnetlink-addr.pcap"));
  CHECK(addresses.problems.empty());
  REQUIRE(addresses.addresses.size() == 6);
  CHECK(summary(addresses.addresses[0]) == "2 1 8 254 128 address=127.0.0.1 local=127.0.0.1 label=lo");
  // Point to point: the peer is `address`.
  CHECK(summary(addresses.addresses[1]) == "2 2 32 0 128 address=192.0.2.2 local=192.0.2.1 label=green");
  CHECK(summary(addresses.addresses[2]) == "2 3 24 0 128 address=10.0.0.1 local=10.0.0.1 label=blue");
  CHECK(summary(addresses.addresses[3]) == "10 1 128 254 128 address=::1");
  CHECK(addresses.addresses[4].address->is_link_local());
  CHECK(addresses.addresses[4].scope == 253);

  const RtnetlinkDump ids = decode_rtnetlink(read_fixture("rtnetlink-nsid.pcap"));
  CHECK(ids.problems.empty());
  REQUIRE(ids.nsids.size() == 1);
  CHECK(summary(ids.nsids[0]) == " nsid=0");
}

TEST_CASE("every field of a link, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string data = attribute(15, "\x12\xb6", order) + attribute(99, "", order);
    const std::string info = attribute(1, "vxlan\0"s, order) + attribute(2, data, order);
    const std::string attributes =
        attribute(3, "vx0\0"s, order) + u32(4, 1450, order) + u32(5, 3, order) + u32(10, 4, order) +
        u32(30, 2, order) + u32(37, 0xffffffff, order) + attribute(16, "\x06", order) +
        attribute(1, "abcdef", order) + attribute(2, "ABCDEF", order) + attribute(18, info, order) +
        attribute(0x8034, attribute(53, "one\0"s, order) + attribute(53, "two\0"s, order), order) +
        attribute(99, "later", order);
    const RtnetlinkDump dump =
        decode_rtnetlink(pcap(message(16, ifinfo(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.links.size() == 1);
    CHECK(summary(dump.links[0]) ==
          "7 vx0 1 4163 kind=vxlan mtu=1450 master=4 link=3 netns=-1 promiscuity=2 state=6 port=4790 "
          "address=6 broadcast=6 alt=one alt=two data@188+12");
    CHECK(dump.links[0].offset == 24 + 32);
  }
}

TEST_CASE("the port of a tunnel by its kind") {
  struct Row {
    const char* kind;
    std::uint16_t type;
    std::optional<std::uint16_t> port;
  };
  for (const Row& row : {Row{"vxlan", 15, 4790}, Row{"geneve", 5, 4790}, Row{"bareudp", 1, 4790},
                         Row{"vxlan", 5, {}}, Row{"veth", 15, {}}}) {
    INFO(row.kind);
    const std::string data = attribute(2, attribute(row.type, "\x12\xb6"));
    const std::string kind = attribute(1, row.kind + "\0"s);
    // The kind may stand behind the data.
    for (const std::string& info : {kind + data, data + kind}) {
      const RtnetlinkDump dump = decode_rtnetlink(pcap(message(16, ifinfo() + attribute(18, info))));
      REQUIRE(dump.links.size() == 1);
      CHECK(dump.links[0].tunnel_port == row.port);
    }
  }
}

TEST_CASE("every field of an address and of a namespace id, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string v4 = attribute(1, "\x0a\0\0\2"s, order) + attribute(2, "\x0a\0\0\1"s, order) +
                           attribute(3, "eth0:1\0"s, order) + attribute(4, "\x0a\0\0\xff"s, order) +
                           u32(8, 0x280, order) + attribute(99, "", order);
    const std::string v6 = attribute(1, std::string(15, '\0') + "\x01", order);
    const std::string nsid = Bytes(order).u32(0).str() + u32(1, 0xffffffff, order) + u32(2, 12, order) +
                             u32(3, 13, order) + u32(5, 14, order) + attribute(99, "", order);
    const RtnetlinkDump dump = decode_rtnetlink(
        pcap(message(20, ifaddr(order) + v4, order) + message(20, ifaddr(order, 10) + v6, order) +
                 message(88, nsid, order) + message(24, "route", order) +
                 message(20, ifaddr(order, 12), order) + done(0, order),
             order));
    CHECK(dump.problems.empty());
    REQUIRE(dump.addresses.size() == 2);
    CHECK(summary(dump.addresses[0]) ==
          "2 7 24 253 640 address=10.0.0.2 local=10.0.0.1 broadcast=10.0.0.255 label=eth0:1");
    CHECK(summary(dump.addresses[1]) == "10 7 24 253 128 address=::1");
    REQUIRE(dump.nsids.size() == 1);
    CHECK(summary(dump.nsids[0]) == " nsid=-1 current=14 pid=12 fd=13");
    CHECK(dump.other_messages == 2);  // a route, and an address of DECnet
  }
}

TEST_CASE("each corrupted field of rtnetlink") {
  struct Row {
    const char* what;
    std::string bad;
    std::string problem;
    std::string first;  // "" where the record is skipped
  };
  const std::string link = "7 - 1 4163", address = "2 7 24 253 128";
  const auto with = [](const std::string& attributes) { return message(16, ifinfo() + attributes); };
  const auto with_address = [](const std::string& attributes) { return message(20, ifaddr() + attributes); };
  const auto with_nsid = [](const std::string& attributes) { return message(88, "\0\0\0\0"s + attributes); };
  const auto without = [](const char* name, int expected, int found) {
    return std::string(name) + ": expected " + std::to_string(expected) + " bytes, found " +
           std::to_string(found) + "; the record is kept without it";
  };
  const std::string no_tile =
      "expected a whole attribute, found 4 bytes that are none; the record is kept with the attributes "
      "before";
  const std::string no_attribute = "\xff\xff\0\0"s;
  for (const Row& row : {
           Row{"short link", message(16, ifinfo().substr(0, 15)),
               "expected an ifinfomsg of 16 bytes, found 15; record skipped", ""},
           Row{"short address", message(20, ifaddr().substr(0, 7)),
               "expected an ifaddrmsg of 8 bytes, found 7; record skipped", ""},
           Row{"short namespace id", message(88, "abc"),
               "expected an rtgenmsg of 4 bytes, found 3; record skipped", ""},
           Row{"type", message(15, "abc"), "expected an rtnetlink message, found type 15; message skipped",
               ""},
           Row{"mtu", with(attribute(4, "abc")), without("IFLA_MTU", 4, 3), link},
           Row{"link", with(attribute(5, "abc")), without("IFLA_LINK", 4, 3), link},
           Row{"master", with(attribute(10, "abc")), without("IFLA_MASTER", 4, 3), link},
           Row{"operstate", with(attribute(16, "abc")), without("IFLA_OPERSTATE", 1, 3), link},
           Row{"promiscuity", with(attribute(30, "abc")), without("IFLA_PROMISCUITY", 4, 3), link},
           Row{"netnsid", with(attribute(37, "abc")), without("IFLA_LINK_NETNSID", 4, 3), link},
           Row{"port", with(attribute(18, attribute(1, "vxlan") + attribute(2, attribute(15, "abc")))),
               without("the tunnel's port", 2, 3), link + " kind=vxlan data@108+8"},
           Row{"link info tiling", with(attribute(18, no_attribute)), "IFLA_LINKINFO: " + no_tile, link},
           Row{"names tiling", with(attribute(52, attribute(53, "a") + no_attribute)),
               "IFLA_PROP_LIST: " + no_tile, link + " alt=a"},
           Row{"link tiling", with(no_attribute), no_tile, link},
           Row{"address", with_address(attribute(1, "abc")), without("IFA_ADDRESS", 4, 3), address},
           Row{"an IPv6 address in an IPv4 record", with_address(attribute(2, std::string(16, 'x'))),
               without("IFA_LOCAL", 4, 16), address},
           Row{"broadcast", with_address(attribute(4, "")), without("IFA_BROADCAST", 4, 0), address},
           Row{"flags", with_address(attribute(8, "a")), without("IFA_FLAGS", 4, 1), address},
           Row{"address tiling", with_address(no_attribute), no_tile, address},
           Row{"nsid", with_nsid(attribute(1, "abc")), without("NETNSA_NSID", 4, 3), " "},
           Row{"pid", with_nsid(attribute(2, "abc")), without("NETNSA_PID", 4, 3), " "},
           Row{"fd", with_nsid(attribute(3, "abc")), without("NETNSA_FD", 4, 3), " "},
           Row{"current", with_nsid(attribute(5, "abc")), without("NETNSA_CURRENT_NSID", 4, 3), " "},
           Row{"nsid tiling", with_nsid(no_attribute), no_tile, " "},
       }) {
    INFO(row.what);
    const RtnetlinkDump dump = decode_rtnetlink(pcap(row.bad + message(24, "route") + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == 1);
    CHECK(dump.other_messages == 1);
    CHECK(dump.end.done);
    std::string found;
    for (const auto& r : dump.links) found += summary(r);
    for (const auto& r : dump.addresses) found += summary(r);
    for (const auto& r : dump.nsids) found += " " + summary(r);
    CHECK(found == row.first);
  }

  std::string names;
  for (int i = 0; i < 300; ++i) names += attribute(53, "n");
  const RtnetlinkDump many = decode_rtnetlink(pcap(with(attribute(52, names))));
  CHECK(many.links.at(0).alternative_names.size() == 256);
  CHECK(first_message(many.problems) ==
        "IFLA_PROP_LIST: expected at most 256 names, found more; the rest is left out");
}

TEST_CASE("every prefix of rtnetlink dumps") {
  for (const char* name : {"rtnetlink-link.pcap", "rtnetlink-addr.pcap", "rtnetlink-nsid.pcap"}) {
    const std::string bytes = read_fixture(name);
    const RtnetlinkDump whole = decode_rtnetlink(bytes);
    const auto ends = record_ends(bytes);
    const auto check_rows = [](const auto& some, const auto& all) {
      REQUIRE(some.size() <= all.size());
      for (std::size_t i = 0; i < some.size(); ++i) REQUIRE(summary(some[i]) == summary(all[i]));
    };
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const RtnetlinkDump dump = decode_rtnetlink(std::string_view(bytes).substr(0, size));
      check_rows(dump.links, whole.links);
      check_rows(dump.addresses, whole.addresses);
      check_rows(dump.nsids, whole.nsids);
      REQUIRE(dump.problems.empty() == (std::find(ends.begin(), ends.end(), size) != ends.end()));
    }
  }
}
