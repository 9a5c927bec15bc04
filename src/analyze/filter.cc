#include "analyze/filter.h"

#include <algorithm>
#include <string>

#include "analyze/filter_words.h"

namespace ssnap::analyze {
namespace {

using base::IpAddress;
using model::Socket;

// The kernel's own range where the snapshot doesn't hold the host's (inet_init_net, net/ipv4/af_inet.c).
constexpr model::PortRange kDefaultLocalPorts{32768, 60999};

template <class Number>
bool compare(Number value, Comparison comparison, Number wanted) {
  switch (comparison) {
    case Comparison::less: return value < wanted;
    case Comparison::less_equal: return value <= wanted;
    case Comparison::greater: return value > wanted;
    case Comparison::greater_equal: return value >= wanted;
    case Comparison::equal: return value == wanted;
    case Comparison::not_equal: return value != wanted;
  }
  return false;
}

bool same_prefix(const IpAddress& address, const IpAddress& wanted, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(wanted.bytes.begin(), wanted.bytes.begin() + static_cast<std::ptrdiff_t>(whole), address.bytes.begin()))
    return false;
  const unsigned left = bits % 8;
  return left == 0 || ((address.bytes[whole] ^ wanted.bytes[whole]) >> (8 - left)) == 0;
}

// An IPv4 rule holds for v4-mapped addresses too, unless it asks for the family; one that is v4-mapped itself for those
// alone (inet2_addr_match, ss).
bool address_matches(const HostCondition& host, const IpAddress& address) {
  const bool unmap = host.address->is_v4() && host.family == HostFamily::any;
  const IpAddress compared = unmap ? address.unmapped() : address;
  return compared.length == host.address->length && same_prefix(compared, *host.address, host.prefix_bits);
}

bool in_family(HostFamily family, const Socket& socket) {
  switch (family) {
    case HostFamily::any: return true;
    case HostFamily::inet: return socket.local.address.is_v4();
    case HostFamily::inet6: return socket.local.address.is_v6();
    case HostFamily::unix_name: return socket.family == model::kFamilyUnix;
    case HostFamily::link: return socket.family == model::kFamilyPacket;
    case HostFamily::netlink: return socket.family == model::kFamilyNetlink;
    case HostFamily::vsock: return socket.family == model::kFamilyVsock;
  }
  return false;
}

// ss shows NUL bytes, of which the first makes a name abstract, as @.
std::string shown_name(const model::UnixName& name) {
  if (name.kind != model::UnixName::Kind::abstract_name) return name.bytes;
  std::string shown = "@" + name.bytes;
  std::replace(shown.begin(), shown.end(), '\0', '@');
  return shown;
}

std::uint64_t interface_key(std::uint32_t netns, std::uint32_t index) { return std::uint64_t{netns} << 32 | index; }

// The kernel's own names for bind() without one: @ and five hexadecimal digits (unix_autobind, net/unix/af_unix.c).
bool is_autobind_name(const model::UnixName& name) {
  if (name.kind == model::UnixName::Kind::none) return true;
  return name.kind == model::UnixName::Kind::abstract_name && name.bytes.size() == 5 &&
         name.bytes.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_autobound(const model::Snapshot& snapshot, const Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix: return is_autobind_name(socket.name);
    case model::kFamilyPacket:
      return socket.local.interface_index == 0 && !(socket.details && socket.details->packet && socket.details->packet->ethertype != 0);
    case model::kFamilyNetlink: return port_of(socket, true) < 0;
    case model::kFamilyVsock: return socket.local.port > 1023;  // LAST_RESERVED_PORT, net/vmw_vsock/af_vsock.c
    default: break;
  }
  if (socket.local.address.length == 0) return false;
  const auto range = socket.netns < snapshot.namespaces.size()
                         ? snapshot.namespaces[socket.netns].local_ports.value_or(kDefaultLocalPorts)
                         : kDefaultLocalPorts;
  const auto port = port_of(socket, true);
  return port >= range.first && port <= range.last;
}

// Processes, not descriptors: owners are sorted by pid.
std::uint64_t count_owners(const Socket& socket) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < socket.owners.size(); ++i)
    count += i == 0 || socket.owners[i].process != socket.owners[i - 1].process;
  return count;
}

}  // namespace

std::int64_t port_of(const Socket& socket, bool local) {
  const model::Endpoint& end = local ? socket.local : socket.peer;
  const model::SocketDetails* details = socket.details.get();
  switch (socket.family) {
    case model::kFamilyUnix: return static_cast<std::int64_t>((local ? socket.inode : socket.peer_inode).value_or(0));
    case model::kFamilyPacket: return end.interface_index;
    case model::kFamilyXdp: return local && details && details->xdp ? details->xdp->queue_id.value_or(0) : 0;
    case model::kFamilyNetlink: return static_cast<std::int32_t>(end.port);  // the kernel gives out negative ones itself
    case model::kFamilyInet:
    case model::kFamilyInet6:
      if (socket.protocol == model::kProtocolRaw && local) return details ? details->raw_protocol.value_or(0) : 0;
      return end.port;
    default: return end.port;
  }
}

bool Filter::in_set(const FilterTest& test, std::uint64_t id) const {
  const auto& ids = ids_[test.set];
  return std::binary_search(ids.begin(), ids.end(), id);
}

bool Filter::port_matches(const FilterTest& test, const Socket& socket, bool local) const {
  if (test.set != FilterTest::kNoSet)  // link: an interface by its name
    return in_set(test, interface_key(socket.netns, local ? socket.local.interface_index : 0));
  return !test.host.port || compare(port_of(socket, local), test.comparison, *test.host.port);
}

bool Filter::end_matches(const FilterTest& test, const Socket& socket, bool local) const {
  const HostCondition& host = test.host;
  if (!in_family(host.family, socket)) return false;
  if (host.pattern) return globs_[test.set].matches(shown_name(local ? socket.name : socket.peer_name));
  if (!port_matches(test, socket, local)) return false;
  const model::Endpoint& end = local ? socket.local : socket.peer;
  if (host.number) {
    switch (host.family) {
      case HostFamily::link:
        return local && socket.details && socket.details->packet && socket.details->packet->ethertype == *host.number;
      case HostFamily::netlink: return socket.protocol == *host.number;
      default: return end.node == host.number;
    }
  }
  if (!host.address) return true;
  if (address_matches(host, end.address)) return true;
  if (!socket.details) return false;
  const auto& further = local ? socket.details->rare->further_locals : socket.details->rare->further_peers;
  return std::any_of(further.begin(), further.end(), [&](const auto& address) { return address_matches(host, address); });
}

bool Filter::holds(const FilterTest& test, const model::Snapshot& snapshot, const Socket& socket) const {
  const auto any_owner = [&](auto&& holds) {
    return std::any_of(socket.owners.begin(), socket.owners.end(), [&](const model::Owner& owner) {
      return owner.process < snapshot.processes.size() && holds(owner);
    });
  };
  switch (test.subject) {
    case Subject::state: {
      const unsigned bit = model::state_name(socket.state).empty() ? 0 : socket.state;
      return (test.states >> bit & 1) != 0;
    }
    case Subject::source:
    case Subject::source_port: return end_matches(test, socket, true);
    case Subject::destination:
    case Subject::destination_port: return end_matches(test, socket, false);
    case Subject::device:
      if (test.set == FilterTest::kNoSet) return socket.local.interface_index == test.number;
      return in_set(test, interface_key(socket.netns, socket.local.interface_index));
    case Subject::mark: {
      const std::uint32_t mark = socket.details ? socket.details->mark.value_or(0) : 0;
      return (mark & test.mask) == test.number;
    }
    case Subject::cgroup: return socket.details && socket.details->cgroup_id && in_set(test, *socket.details->cgroup_id);
    case Subject::autobound: return is_autobound(snapshot, socket);
    case Subject::pid:
      return any_owner([&](const model::Owner& owner) {
        return compare<std::int64_t>(snapshot.processes[owner.process].pid, test.comparison, static_cast<std::int64_t>(test.number));
      });
    case Subject::comm:
    case Subject::exe:
    case Subject::container:
    case Subject::unit: return any_owner([&](const model::Owner& owner) { return indexes_[test.set][owner.process]; });
    case Subject::user: return socket.uid && in_set(test, *socket.uid);
    case Subject::uid: return socket.uid && compare<std::uint64_t>(*socket.uid, test.comparison, test.number);
    case Subject::inode: return socket.inode && compare(*socket.inode, test.comparison, test.number);
    case Subject::netns: return socket.netns < indexes_[test.set].size() && indexes_[test.set][socket.netns];
    case Subject::owners: return compare(count_owners(socket), test.comparison, test.number);
    case Subject::reason:
      return socket.ownerless_reason && static_cast<std::uint64_t>(socket.ownerless_reason->code) == test.number;
    case Subject::via:
      return any_owner([&](const model::Owner& owner) { return static_cast<std::uint64_t>(owner.via) == test.number; });
    case Subject::pass:
      return std::any_of(socket.sightings.begin(), socket.sightings.end(), [&](const model::Sighting& sighting) {
        return compare<std::uint64_t>(sighting.pass, test.comparison, test.number);
      });
    case Subject::protocol:
      if (test.set == FilterTest::kNoSet) return socket.protocol == test.number;
      return in_set(test, protocol_key(socket.family, socket.protocol));
  }
  return false;
}

bool Filter::matches(const model::Snapshot& snapshot, const Socket& socket) const {
  std::uint32_t at = start_;
  while (at < kReject) {
    const FilterTest& test = tests_[at];
    at = holds(test, snapshot, socket) ? test.if_true : test.if_false;
  }
  return at == kAccept;
}

}  // namespace ssnap::analyze
