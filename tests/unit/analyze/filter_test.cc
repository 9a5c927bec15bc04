#include "analyze/filter.h"

#include <map>

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::analyze;
using model::Socket;
using test::ip;

namespace {

base::IpAddress v6(int last) {
  std::vector<int> bytes(16, 0);
  bytes[0] = 0xfd, bytes[15] = last;
  return ip(bytes);
}

base::IpAddress mapped(std::vector<int> four) {
  std::vector<int> bytes(10, 0);
  bytes.insert(bytes.end(), {0xff, 0xff});
  bytes.insert(bytes.end(), four.begin(), four.end());
  return ip(bytes);
}

// Sockets by a letter each, in the order of the alphabet.
struct Scene {
  model::Snapshot snapshot = test::snapshot();
  std::string letters;

  Socket& add(char letter, Socket socket) {
    letters += letter;
    if (!socket.details) socket.details = std::make_unique<model::SocketDetails>();
    snapshot.sockets.push_back(std::move(socket));
    return snapshot.sockets.back();
  }

  std::string chosen(const std::vector<std::string>& words, HostFamily unprefixed = HostFamily::any) const {
    const auto syntax = parse_filter(words, unprefixed);
    if (syntax.has_error()) return syntax.error().message;
    const auto filter = resolve_filter(*syntax, snapshot);
    if (filter.has_error()) return filter.error().message;
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i)
      if (filter->matches(snapshot, snapshot.sockets[i])) out += letters[i];
    return out;
  }
};

struct Case {
  std::string filter;
  std::string expected;
};

void check(const Scene& scene, const std::vector<Case>& cases) {
  for (const auto& row : cases) {
    INFO(row.filter);
    CHECK(scene.chosen({row.filter}) == row.expected);
  }
}

Scene states() {
  Scene scene;
  // a to o: states 1 to 15; p: one that has no name yet.
  for (std::uint8_t state = 1; state <= 16; ++state)
    scene.add(static_cast<char>('a' + state - 1), test::inet_socket(model::kProtocolTcp, state, test::any_v4(), 80));
  return scene;
}

Scene hosts() {
  Scene scene;
  const auto tcp = [&](char letter, base::IpAddress local, std::uint16_t port, base::IpAddress peer, std::uint16_t peer_port) -> Socket& {
    auto socket = test::inet_socket(model::kProtocolTcp, model::kStateEstab, local, port);
    socket.peer = {peer, peer_port, 0, {}};
    return scene.add(letter, std::move(socket));
  };
  tcp('a', ip({10, 0, 0, 5}), 22, ip({10, 1, 2, 3}), 40000).details->mark = 0x11;
  tcp('b', ip({192, 168, 0, 1}), 40001, ip({10, 1, 2, 4}), 443).local.interface_index = 2;
  tcp('c', v6(1), 443, v6(2), 40002);
  tcp('d', mapped({10, 0, 0, 5}), 443, mapped({10, 1, 2, 3}), 40003);
  scene.add('e', test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 22));
  scene.add('f', test::inet_socket(model::kProtocolUdp, model::kStateUnconn, test::any_v6(), 53)).local.interface_index = 1;
  auto& raw = scene.add('g', test::inet_socket(model::kProtocolRaw, model::kStateUnconn, test::any_v4(), 0));
  raw.details->raw_protocol = 1;
  auto sctp = test::inet_socket(model::kProtocolSctp, model::kStateEstab, ip({172, 16, 0, 1}), 2905);
  sctp.details = std::make_unique<model::SocketDetails>();
  sctp.details->rare.make().further_locals = {ip({172, 16, 0, 1}), ip({172, 17, 0, 1})};
  scene.add('h', std::move(sctp));
  return scene;
}

}  // namespace

TEST_CASE("states by name and group") {
  check(states(), {
                      {"state all", "abcdefghijklmnop"},
                      {"state established", "a"},
                      {"state ESTABLISHED", "a"},
                      {"state syn-sent", "b"},
                      {"state syn-recv", "cl"},
                      {"state syn-rcv", "cl"},
                      {"state fin-wait-1", "d"},
                      {"state fin-wait-2", "e"},
                      {"state time-wait", "f"},
                      {"state closed", "g"},
                      {"state close", "g"},
                      {"state unconnected", "g"},
                      {"state close-wait", "h"},
                      {"state last-ack", "i"},
                      {"state listening", "j"},
                      {"state closing", "k"},
                      {"state bound-inactive", "m"},
                      {"state unknown", "p"},
                      {"state partopen", "n"},
                      {"state passive-closereq", "o"},
                      {"state estab", "a"},
                      {"state unconn", "g"},
                      {"state listen", "j"},
                      {"state connected", "abcdefhiklnop"},
                      {"state synchronized", "acdefhiklnop"},
                      {"state bucket", "cfl"},
                      {"state big", "abdeghijkmnop"},
                      {"state listening state time-wait", "fj"},
                      {"exclude listening", "abcdefghiklmnop"},
                      {"excl listening exclude bucket", "abdeghikmnop"},
                      {"state connected exclude synchronized", "b"},
                      {"state = listening", "j"},
                      {"state != listening", "abcdefghiklmnop"},
                      {"exclude != listening", "j"},
                      {"not state big", "cfl"},
                      {"state listening or state time-wait", "fj"},
                      {"state listening and state time-wait", ""},
                      {"sport = :80 state listening", "j"},
                      {"state listening sport = :1 or sport = :80", "j"},
                      {"state listening and sport = :1 or sport = :80", "abcdefghijklmnop"},
                  });
}

TEST_CASE("addresses, prefixes and families") {
  check(hosts(), {
                     {"src 10.0.0.5", "ad"},
                     {"src = 10.0.0.5", "ad"},
                     {"src == 10.0.0.5:443", "d"},
                     {"src != 10.0.0.5", "bcefgh"},
                     {"src eq 10.0.0.5:*", "ad"},
                     {"src inet:10.0.0.5", "a"},
                     {"src [::ffff:10.0.0.5]", "d"},
                     {"src [::ffff:0:0/96]", "d"},
                     {"src 10/8", "ad"},
                     {"src 8/6", "ad"},
                     {"src 192/3", "b"},
                     {"src 0.0.0.0", "eg"},
                     {"src 0.0.0.0/0", "abdegh"},
                     {"src ::/0", "cdf"},
                     {"src ::", "f"},
                     {"src *", "abcdefgh"},
                     {"src any", "abcdefgh"},
                     {"src inet:*", "abegh"},
                     {"src inet6:*", "cdf"},
                     {"src [fd00::1]:443", "c"},
                     {"src fd00::/8", "c"},
                     {"dst 10.1.2/24", "abd"},
                     {"dst 10.1.2.4:443", "b"},
                     {"dst [fd00::2]", "c"},
                     {"dst :443", "b"},
                     {"dst *:443", "b"},
                     {"dst 0.0.0.0", "egh"},
                     {"src 172.17.0.1", "h"},  // one of an SCTP socket's further addresses
                     {"dst 172.17.0.1", ""},
                     {"src unix:*", ""},
                     {"src 127.0.0.1", ""},
                 });
}

TEST_CASE("ports, their operators and names") {
  Scene scene = hosts();
  scene.snapshot.services = {{"ssh", 22, "tcp", {}},           {"https", 443, "tcp", {"www-ssl"}}, {"https", 443, "udp", {}},
                             {"domain", 53, "udp", {}},        {"ssh", 2222, "tcp", {}},           {"biff", 512, "udp", {"comsat"}},
                             {"comsat", 999, "tcp", {}},       {"m3ua", 2905, "sctp", {}}};
  check(scene, {
                   {"sport = :443", "cd"},
                   {"sport :443", "cd"},
                   {"sport 443", "cd"},
                   {"sport eq 0x1bb", "cd"},
                   {"sport != :443", "abefgh"},
                   {"sport < :443", "aefg"},
                   {"sport lt :443", "aefg"},
                   {"sport <= :443", "acdefg"},
                   {"sport >= :443", "bcdh"},
                   {"sport > :443", "bh"},
                   {"sport gt :40001", ""},
                   {"dport = :443", "b"},
                   {"dport >= :40000 and dport <= :40002", "ac"},
                   {"sport = inet6::443", "cd"},
                   {"sport != inet6::443", "abefgh"},
                   {"sport = :*", "abcdefgh"},
                   {"sport = :ssh", "ae"},
                   {"sport :www-ssl", "cd"},
                   {"sport >= :https", "bcdh"},
                   {"src 10.0.0.5:ssh", "a"},
                   {"sport = :domain", "f"},
                   {"sport = :1", "g"},  // of a raw socket, its IP protocol
                   {"sport = :m3ua", "filter: ':m3ua' at word 3, after 'sport =': expected a port's number, or a service of the snapshot's etc/services"},
                   {"sport = :comsat", "filter: ':comsat' at word 3, after 'sport =': expected a number: 'comsat' is 999 for TCP and 512 for UDP"},
                   {"sport = :x or sport = :y", "filter: ':x' at word 3, after 'sport =': expected a port's number, or a service of the snapshot's etc/services"},
               });
  scene.snapshot.services.clear();
  CHECK(scene.chosen({"sport = :ssh"}) ==
        "filter: ':ssh' at word 3, after 'sport =': expected a port's number: this snapshot holds no etc/services");
}

TEST_CASE("interfaces by the names that their namespace gives them") {
  Scene scene = hosts();
  scene.snapshot.namespaces.push_back({4026532000, "blue", "mounted", false, false});
  scene.snapshot.interfaces[{1, 7}] = "eth0";
  auto& other = scene.add('i', test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 80));
  other.netns = 1;
  other.local.interface_index = 7;
  auto& same_index = scene.add('j', test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 80));
  same_index.netns = 1;
  same_index.local.interface_index = 2;
  check(scene, {
                   {"dev eth0", "bi"},
                   {"dev = eth0", "bi"},
                   {"dev != eth0", "acdefghj"},
                   {"not dev eth0", "acdefghj"},
                   {"dev lo", "f"},
                   {"dev 2", "bj"},
                   {"dev 0x7", "i"},
                   {"dev = 0", "acdegh"},
                   {"dev eht0", "filter: 'eht0' at word 2, after 'dev': expected an interface of this snapshot, or an index"},
               });
}

TEST_CASE("marks and masks") {
  check(hosts(), {
                     {"fwmark 0x11", "a"},
                     {"fwmark = 17", "a"},
                     {"fwmark 021", "a"},
                     {"fwmark != 0x11", "bcdefgh"},
                     {"fwmark 0x1/0x3", "a"},
                     {"fwmark 0x2/0x3", ""},
                     {"fwmark 0", "bcdefgh"},  // a socket that no mark was told of has none
                     {"fwmark != 0", "a"},
                 });
}

TEST_CASE("cgroups by path and id") {
  Scene scene;
  const auto add = [&](char letter, std::optional<std::uint64_t> id) {
    scene.add(letter, test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 80)).details->cgroup_id = id;
  };
  add('a', 100), add('b', 200), add('c', {}), add('d', 300);
  scene.snapshot.cgroups = {{1, "/"}, {100, "/system.slice/ssh.service"}, {200, "/system.slice/cron.service"}};
  const std::string unknown = "': expected a cgroup of this snapshot by its path, a pattern, or an id";
  check(scene, {
                   {"cgroup /system.slice/ssh.service", "a"},
                   {"cgroup system.slice/ssh.service/", "a"},
                   {"cgroup /sys/fs/cgroup/system.slice/ssh.service", "a"},
                   {"cgroup /sys/fs/cgroup/unified/system.slice/ssh.service", "a"},
                   {"cgroup = /system.slice/*", "ab"},
                   {"cgroup != /system.slice/*", "cd"},
                   {"cgroup 300", "d"},
                   {"cgroup /sys/fs/cgroup", ""},
                   {"cgroup /absent", "filter: '/absent' at word 2, after 'cgroup" + unknown},
               });
}

TEST_CASE("what the kernel bound by itself") {
  Scene scene;
  const auto tcp = [&](char letter, std::uint16_t port, std::uint32_t netns) {
    scene.add(letter, test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), port)).netns = netns;
  };
  using Kind = model::UnixName::Kind;
  const auto named = [&](char letter, Kind kind, std::string name) {
    scene.add(letter, test::unix_socket(model::kSocketStream, model::kStateUnconn, kind, std::move(name)));
  };
  scene.snapshot.namespaces.push_back({4026532000, "blue", "mounted", false, false});
  scene.snapshot.namespaces[1].local_ports = model::PortRange{50, 100};
  tcp('a', 32768, 0), tcp('b', 60999, 0), tcp('c', 61000, 0), tcp('d', 80, 0), tcp('e', 80, 1), tcp('f', 40000, 1);
  named('g', Kind::none, ""), named('h', Kind::abstract_name, "0abc9"), named('i', Kind::abstract_name, "0ABC9"),
      named('j', Kind::path, "0abc9"), named('k', Kind::abstract_name, "0abc");
  auto netlink = test::other_socket(model::kFamilyNetlink, 0, model::View::netlink_diag);
  netlink.local.port = static_cast<std::uint32_t>(-4160);
  scene.add('l', std::move(netlink));
  auto vsock = test::other_socket(model::kFamilyVsock, 1, model::View::vsock_diag);
  vsock.local.port = 1024;
  scene.add('m', std::move(vsock));
  scene.add('n', test::other_socket(model::kFamilyPacket, 3, model::View::packet_diag));
  auto bound = test::other_socket(model::kFamilyPacket, 3, model::View::packet_diag);
  bound.local.interface_index = 1;
  scene.add('o', std::move(bound));
  check(scene, {{"autobound", "abeghlmn"}, {"not autobound", "cdfijko"}});
}

TEST_CASE("UNIX sockets by name, without regard to letter case, and by inode for a port") {
  Scene scene;
  using Kind = model::UnixName::Kind;
  const auto named = [&](char letter, Kind kind, std::string name, model::UnixName peer, std::uint64_t inode, std::uint64_t peer_inode) {
    auto& socket = scene.add(letter, test::unix_socket(model::kSocketStream, model::kStateEstab, kind, std::move(name)));
    socket.peer_name = std::move(peer);
    socket.inode = inode;
    socket.peer_inode = peer_inode;
  };
  named('a', Kind::path, "/tmp/.X11-unix/X0", {}, 100, 101);
  named('b', Kind::none, "", {Kind::path, "/tmp/.X11-unix/X0"}, 101, 100);
  named('c', Kind::abstract_name, std::string("/tmp/dbus\0x", 11), {}, 5'000'000'000, 0);
  scene.add('d', test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 100));
  check(scene, {
                   {"src unix:/tmp/*", "a"},
                   {"src unix:/TMP/.x11-UNIX/x?", "a"},
                   {"src /tmp/*", "a"},
                   {"src @*", "c"},
                   {"src unix:@/tmp/dbus@x", "c"},
                   {"src unix:*", "abc"},
                   {"src unix:", "b"},
                   {"dst unix:/tmp/*", "b"},
                   {"dst != unix:/tmp/*", "acd"},
                   {"dport = :100", "b"},
                   {"sport = :5000000000", "c"},
                   {"sport = unix:100", "a"},
                   {"sport = :100", "ad"},
               });
  CHECK(scene.chosen({"src /tmp/*"}, HostFamily::unix_name) == "a");
  CHECK(scene.chosen({"src *X0"}, HostFamily::unix_name) == "a");
  CHECK(scene.chosen({"sport = :100"}, HostFamily::unix_name) == "a");
  CHECK(scene.chosen({"sport = /tmp/*"}, HostFamily::unix_name) == "a");
}

TEST_CASE("packet, netlink, vsock and XDP sockets") {
  Scene scene;
  const auto add = [&](char letter, Socket socket) -> Socket& { return scene.add(letter, std::move(socket)); };
  auto& all = add('a', test::other_socket(model::kFamilyPacket, 3, model::View::packet_diag));
  all.local.interface_index = 2;
  all.details->packet = std::make_unique<model::PacketDetails>();
  all.details->packet->ethertype = 3;
  auto& arp = add('b', test::other_socket(model::kFamilyPacket, 2, model::View::packet_diag));
  arp.details->packet = std::make_unique<model::PacketDetails>();
  arp.details->packet->ethertype = 0x0806;
  add('c', test::other_socket(model::kFamilyNetlink, 0, model::View::netlink_diag)).local.port = 4711;
  add('d', test::other_socket(model::kFamilyNetlink, 16, model::View::netlink_diag));
  auto& vsock = add('e', test::other_socket(model::kFamilyVsock, 1, model::View::vsock_diag));
  vsock.local.node = 2, vsock.local.port = 1024;
  vsock.peer.node = 3, vsock.peer.port = 4000000000;
  auto& xdp = add('f', test::other_socket(model::kFamilyXdp, 3, model::View::xdp_diag));
  xdp.local.interface_index = 2;
  xdp.details->xdp = std::make_unique<model::XdpDetails>();
  xdp.details->xdp->queue_id = 4711;
  check(scene, {
                   {"src link:all", "a"},
                   {"src link:ALL:eth0", "a"},
                   {"src link:arp", "b"},
                   {"src link:*", "ab"},
                   {"src link:*:2", "a"},
                   {"src link:0x806:0", "b"},
                   {"dst link:arp", ""},
                   {"dst link:*:eth0", ""},
                   {"sport = link::eth0", "a"},
                   {"sport != link::eth0", "bcdef"},
                   {"dev eth0", "af"},
                   {"src link:*:eth1", "filter: 'link:*:eth1' at word 2, after 'src': expected an interface of this snapshot, or an index"},
                   {"src netlink:*", "cd"},
                   {"src netlink:rtnl", "c"},
                   {"src netlink:route:4711", "c"},
                   {"src netlink:genl:kernel", "d"},
                   {"sport = netlink:kernel", "d"},
                   {"src vsock:2", "e"},
                   {"src vsock:2:1024", "e"},
                   {"src vsock:3", ""},
                   {"dst vsock:3:4000000000", "e"},
                   {"dst vsock:*:*", "e"},
                   {"sport = :4711", "cf"},
                   {"sport > vsock::1023", "e"},
               });
}

TEST_CASE("who holds it, in any of its owners") {
  Scene scene;
  auto& processes = scene.snapshot.processes;
  processes = {test::process(1, "init"), test::process(80, "nginx"), test::process(81, "nginx"), test::process(90, "[odd]*")};
  processes[1].exe = "/usr/sbin/nginx (deleted)";
  processes[2].exe = "/usr/sbin/nginx";
  processes[1].unit = "nginx.service";
  processes[3].unit = "session-1.scope";
  processes[3].container = model::Container{"docker", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
  const auto add = [&](char letter, std::vector<model::Owner> owners) -> Socket& {
    auto& socket = scene.add(letter, test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 80));
    socket.owners = std::move(owners);
    return socket;
  };
  add('a', {test::owner(0, {3})});
  auto thread = test::owner(1, {9});
  thread.tid = 99;
  thread.via = model::Via::thread_fd;
  add('b', {test::owner(1, {3}), thread});
  add('c', {test::owner(1, {3}), test::owner(2, {3})});
  auto ring = test::owner(3, {4});
  ring.via = model::Via::io_uring;
  add('d', {ring});
  add('e', {}).ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::time_wait, ""};
  add('f', {test::owner(77, {3})});  // leads nowhere
  check(scene, {
                   {"pid 80", "bc"},
                   {"pid = 81", "c"},
                   {"pid != 80", "adef"},
                   {"pid > 80", "cd"},
                   {"pid >= 80", "bcd"},
                   {"pid < 80", "a"},
                   {"pid <= 80", "abc"},
                   {"pid 18446744073709551615", ""},
                   {"comm nginx", "bc"},
                   {"comm ngin*", "bc"},
                   {"comm NGINX", ""},
                   {"comm != nginx", "adef"},
                   {"comm [odd]*", "d"},
                   {"comm absent", ""},
                   {"exe /usr/sbin/nginx", "bc"},
                   {"exe *(deleted)", "bc"},
                   {"exe *\\ (deleted)", "bc"},
                   {"exe /usr/bin/*", ""},
                   {"unit nginx.service", "bc"},
                   {"unit nginx", "bc"},
                   {"unit *.scope", "d"},
                   {"unit *", "bcd"},
                   {"unit != nginx", "adef"},
                   {"container 0123456", "d"},
                   {"container *cdef", "d"},
                   {"container *", "d"},
                   {"container 123", ""},
                   {"owners > 1", "c"},
                   {"owners>1", "c"},
                   {"owners = 1", "abdf"},
                   {"owners 0", "e"},
                   {"owners < 1", "e"},
                   {"reason time-wait", "e"},
                   {"reason != time-wait", "abcdf"},
                   {"reason gone", ""},
                   {"via fd", "abc"},
                   {"via thread-fd", "b"},
                   {"via io_uring", "d"},
                   {"via = mmap", ""},
                   {"not via fd", "def"},
                   {"comm nginx and not pid 81", "b"},
               });
}

TEST_CASE("users, uids, inodes, namespaces, passes and protocols") {
  Scene scene;
  scene.snapshot.users = {{0, "root"}, {33, "www-data"}, {34, "www-admin"}};
  scene.snapshot.namespaces.push_back({4026532000, "blue", "mounted", false, false});
  const auto add = [&](char letter, Socket socket, std::optional<std::uint32_t> uid, std::optional<std::uint64_t> inode,
                       std::vector<std::uint8_t> passes) -> Socket& {
    socket.uid = uid;
    socket.inode = inode;
    for (const auto pass : passes) socket.sightings.push_back({model::View::inet_diag, pass, 0, 0});
    return scene.add(letter, std::move(socket));
  };
  add('a', test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), 80), 0, 10, {1, 2});
  add('b', test::inet_socket(model::kProtocolUdp, model::kStateUnconn, test::any_v6(), 80), 33, 20, {2}).netns = 1;
  add('c', test::inet_socket(model::kProtocolIcmp6, model::kStateUnconn, test::any_v6(), 80), {}, {}, {1});
  add('d', test::unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::none, ""), 34, 30, {});
  auto packet = test::other_socket(model::kFamilyPacket, 3, model::View::packet_diag);
  packet.sightings.clear();
  add('e', std::move(packet), 1000, 40, {});
  auto netlink = test::other_socket(model::kFamilyNetlink, 3, model::View::netlink_diag);
  netlink.sightings.clear();
  add('f', std::move(netlink), 0, 50, {3});
  check(scene, {
                   {"user root", "af"},
                   {"user www-*", "bd"},
                   {"user != root", "bcde"},
                   {"user 1000", "e"},
                   {"user nobody", "filter: 'nobody' at word 2, after 'user': expected a user of the snapshot's etc/passwd, or a uid"},
                   {"uid 33", "b"},
                   {"uid < 1000", "abdf"},
                   {"uid >= 34", "de"},
                   {"uid != 0", "bcde"},
                   {"inode 20", "b"},
                   {"inode > 20", "def"},
                   {"inode <= 20", "ab"},
                   {"inode != 20", "acdef"},
                   {"netns blue", "b"},
                   {"netns 4026532000", "b"},
                   {"netns bl*", "b"},
                   {"netns != blue", "acdef"},
                   {"netns 4026531840", "acdef"},
                   {"netns red", "filter: 'red' at word 2, after 'netns': expected a network namespace of this snapshot by its name or inode (ssnap info lists them)"},
                   {"pass 1", "ac"},
                   {"pass 2 and not pass 1", "b"},
                   {"pass > 1", "abf"},
                   {"proto tcp", "a"},
                   {"proto = udp", "b"},
                   {"proto != tcp", "bcdef"},
                   {"proto icmp", "c"},
                   {"proto stream", "d"},
                   {"proto raw", "e"},
                   {"proto firewall", "f"},
                   {"proto 3", "ef"},
               });
}

TEST_CASE("conditions compose as ss composes them") {
  Scene scene;
  for (char letter = 'a'; letter <= 'h'; ++letter)  // bit 0: port 1, bit 1: uid 1, bit 2: inode 1
  {
    const int bits = letter - 'a';
    auto& socket = scene.add(letter, test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v4(), bits & 1));
    socket.uid = bits >> 1 & 1;
    socket.inode = bits >> 2 & 1;
  }
  check(scene, {
                   {"sport = :1", "bdfh"},
                   {"uid 1", "cdgh"},
                   {"inode 1", "efgh"},
                   {"sport = :1 uid 1", "dh"},
                   {"sport = :1 and uid 1 and inode 1", "h"},
                   {"sport = :1 or uid 1 or inode 1", "bcdefgh"},
                   {"sport = :1 or uid 1 and inode 1", "fgh"},  // (A or B) and C
                   {"sport = :1 or ( uid 1 and inode 1 )", "bdfgh"},
                   {"sport = :1 and uid 1 or inode 1", "defgh"},
                   {"sport = :1 and (uid 1 or inode 1)", "dfh"},
                   {"not sport = :1 uid 1", "cg"},
                   {"not (sport = :1 and uid 1)", "abcefg"},
                   {"not (sport = :1 or uid 1)", "ae"},
                   {"!(sport = :1 or not (uid 1 and inode 1))", "g"},
                   {"((sport = :1))", "bdfh"},
                   {"sport != :1 or uid != 1", "abcefg"},
                   {"not sport != :1", "bdfh"},
                   {"inode 1 or sport = :1 and not uid 1", "bef"},
                   {"uid 1 (sport = :1 or inode 1) not (sport = :1 inode 1)", "dg"},
                   {"", "abcdefgh"},
               });
}

TEST_CASE("ten thousand conditions are as many tests, and the first that decides ends it") {
  Scene scene;
  scene.add('a', test::inet_socket(model::kProtocolTcp, model::kStateListen, ip({10, 0, 0, 1}), 80));
  std::vector<std::string> words;
  for (std::size_t i = 0; i + 1 < kMaxFilterPredicates; ++i) words.insert(words.end(), {"dst", "192.0.2.1", "or"});
  words.insert(words.end(), {"src", "10.0.0.1"});
  const auto syntax = parse_filter(words);
  REQUIRE_FALSE(syntax.has_error());
  const auto filter = resolve_filter(*syntax, scene.snapshot);
  REQUIRE_FALSE(filter.has_error());
  CHECK(filter->size() == kMaxFilterPredicates);
  CHECK(filter->matches(scene.snapshot, scene.snapshot.sockets[0]));
}

TEST_CASE("port ids of netlink are signed, and a raw socket has the protocol for a local port only") {
  auto netlink = test::other_socket(model::kFamilyNetlink, 0, model::View::netlink_diag);
  netlink.local.port = 0xffffefc0;
  CHECK(port_of(netlink, true) == -4160);
  auto raw = test::inet_socket(model::kProtocolRaw, model::kStateUnconn, test::any_v4(), 0);
  CHECK(port_of(raw, true) == 0);
  raw.details = std::make_unique<model::SocketDetails>();
  raw.details->raw_protocol = 89;
  CHECK(port_of(raw, true) == 89);
  CHECK(port_of(raw, false) == 0);
}
