// A socket as an analyst speaks of it: one row, however many views and passes saw it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/boxed.h"
#include "base/net_addr.h"
#include "base/rare.h"
#include "base/small_list.h"
#include "model/info_fields.h"
#include "model/names.h"

namespace ssnap::model {

// Which view of the kernel's tables showed a socket.
enum class View : std::uint8_t {
  inet_diag,
  unix_diag,
  proc_net_tcp,
  proc_net_tcp6,
  proc_net_udp,
  proc_net_udp6,
  proc_net_udplite,
  proc_net_udplite6,
  proc_net_raw,
  proc_net_raw6,
  proc_net_icmp,
  proc_net_icmp6,
  proc_net_unix,
  packet_diag,
  netlink_diag,
  vsock_diag,
  xdp_diag,
  tipc_diag,
  smc_diag,
  proc_net_packet,
  proc_net_netlink,
  proc_net_sctp,
  sockprotoname,  // no table: an fd, and the protocol's name that the kernel gives for it
};
constexpr std::size_t kViewCount = static_cast<std::size_t>(View::sockprotoname) + 1;
std::string_view view_name(View view);  // "inet_diag", "proc_net_tcp", ...

// One time that a view showed a socket: where in the archive to check it.
struct Sighting {
  View view{};
  std::uint8_t pass = 1;
  std::uint32_t member = 0;  // index into Snapshot::members
  std::uint64_t offset = 0;  // bytes from the start of the member
};

// One end of a socket that has no name. UNIX sockets have names instead.
struct Endpoint {
  base::IpAddress address;            // length 0: this family has none
  std::uint32_t port = 0;             // raw and packet: none, 0; netlink: the port id; vsock, TIPC: 32 bits
  std::uint32_t interface_index = 0;  // bound device or scope; packet, XDP: the interface; 0: none
  std::optional<std::uint32_t> node;  // vsock: the CID (0xffffffff any); TIPC: the node
};

// The name of a UNIX socket, as bytes.
struct UnixName {
  enum class Kind : std::uint8_t { none, path, abstract_name };
  Kind kind = Kind::none;
  std::string bytes;  // abstract: without the leading NUL
};

struct Timer {
  std::uint8_t number = 0;                        // kernel's; timer_name()
  std::optional<std::uint64_t> expires_msec;
  std::optional<std::uint32_t> retransmits;
};

// Who holds a socket, and how.
enum class Via : std::uint8_t { fd, thread_fd, io_uring, mmap, in_flight, listener };
enum class Certainty : std::uint8_t { certain, probable, possible };
enum class Origin : std::uint8_t { creator, inherited, passed, unknown };
std::string_view via_name(Via via);
std::string_view certainty_name(Certainty certainty);
std::string_view origin_name(Origin origin);


// What speaks for an owner's origin. A set of them is the evidence of a conclusion.
enum class Clue : std::uint8_t {
  ancestor_holds,    // an ancestor holds the socket too: `from`
  parent_held,       // its siblings hold it at the same fd: their parent did, and closed it (`from`), or ended
  same_fd,           // at the same fd number as in `from`
  other_fd,          // at another fd number
  standard_stream,   // at fd 0, 1 or 2: dup2() before an exec
  activation,        // at fd 3 or the next ones after an exec, as in socket activation (sd_listen_fds)
  never_executed,    // forked, and never called execve() since (PF_FORKNOEXEC): its table is a copy of its parent's
  unix_channel,      // a UNIX socket connects it with a holder: a way to have been passed the descriptor
  no_kinship,        // neither an ancestor nor a descendant of the other holders
  started_first,     // of the holders it started first
  same_uid,          // it alone runs as the socket's uid, that is its creator's
  same_cgroup,       // it alone is in the cgroup in which the socket was made
  same_netns,        // it alone is in the socket's network namespace
  others_descend,    // all other holders descend from it
  same_session,      // the same session (setsid) as `from`
};
std::string_view clue_name(Clue clue);  // "ancestor-holds", ...
constexpr std::size_t kClueCount = 15;

struct Owner {
  std::uint32_t process = 0;  // index into Snapshot::processes
  std::uint8_t passes = 0;    // bits: 1 the first walk of its fd table saw it, 2 the second; 0 where no walk did
  Via via = Via::fd;
  Certainty certainty = Certainty::certain;
  Origin origin = Origin::unknown;
  Certainty origin_certainty = Certainty::probable;  // never certain: a descriptor leaves no trace of its way
  std::uint16_t clues = 0;            // bit 1 << Clue: what the origin is concluded from
  std::optional<std::uint32_t> from;  // inherited, passed: the process it came from, index into Snapshot::processes
  base::SmallList<std::uint32_t, 2> fds;  // ascending; io_uring: the ring's; in_flight: the receiving socket's; mmap, listener: none
  base::SmallList<std::uint32_t, 2> registered_files;  // io_uring: the socket's places in the ring's table of files, ascending
  std::optional<std::int64_t> tid;  // the thread whose own table has the fd
};
inline bool has_clue(const Owner& owner, Clue clue) { return (owner.clues >> static_cast<unsigned>(clue) & 1u) != 0; }
inline void add_clue(Owner& owner, Clue clue) { owner.clues |= static_cast<std::uint16_t>(1u << static_cast<unsigned>(clue)); }

// Why no owner is certain.
enum class OwnerlessCode : std::uint8_t {
  time_wait,            // closed: the kernel keeps only the address pair
  request,              // a handshake that a listener hasn't finished
  orphan,               // closed by its process, the kernel is finishing
  kernel,               // belongs to the kernel itself
  unreadable,           // some processes' fds could not be read: it may be theirs
  gone,                 // appeared or ended during the capture
  other_pid_namespace,  // held where this procfs does not show
  uncertain,            // only possible holders: see the owners
  unexplained,
};
std::string_view ownerless_name(OwnerlessCode code);  // "time-wait", ...
struct OwnerlessReason {
  OwnerlessCode code = OwnerlessCode::unexplained;
  std::string detail;  // a sentence; may hold the kernel's bytes
  // unreadable: who may hold it, indexes into Snapshot::processes, the likely ones first; at most kMaxCandidates.
  std::vector<std::uint32_t> candidates{};
  std::uint64_t candidate_count = 0;
};
constexpr std::size_t kMaxCandidates = 32;  // a socket; all of them are the processes with fds_readable false

// How another socket of the snapshot is tied to one.
enum class Tie : std::uint8_t {
  peer,      // the other end
  server,    // the socket that a datagram client sends to; it knows nothing of the client
  client,    // the reverse: one that sends to this one
  listener,  // in whose queue this connection waits
  pending,   // the reverse: waits in this listener's queue
  parent,    // the MPTCP connection of this subflow
  subflow,   // the reverse
};
std::string_view tie_name(Tie tie);  // "peer", ...

struct Link {
  std::uint32_t socket = 0;  // index into Snapshot::sockets
  Tie tie{};
  Certainty certainty = Certainty::certain;
};

// struct packet_diag_ring: a ring that is shared with the process by mmap.
struct Ring {
  std::uint32_t block_size_bytes = 0, block_count = 0, frame_size_bytes = 0, frame_count = 0;
};

// One membership of a packet socket: what it made an interface receive.
struct Membership {
  std::uint32_t interface_index = 0, count = 0;
  std::uint16_t type = 0;  // PACKET_MR_*: 0 multicast, 1 promiscuous, 2 all multicast, 3 unicast
  std::string address;     // bytes
};

// struct sock_filter.
struct BpfInstruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0, jump_false = 0;
  std::uint32_t k = 0;
};

struct PacketDetails {
  std::uint16_t ethertype = 0;  // 3: all
  std::optional<bool> running;
  std::optional<std::uint32_t> version;  // TPACKET_*: 0 V1, 1 V2, 2 V3
  std::optional<std::uint32_t> flags;    // PDI_*: 1 running, 2 auxdata, 4 origdev, 8 vnet_hdr, 16 loss
  std::optional<Ring> rx_ring, tx_ring;
  std::optional<std::uint32_t> fanout;   // id in the low 16 bits, type (PACKET_FANOUT_*) in the high
  std::vector<Membership> memberships;
  std::optional<std::vector<BpfInstruction>> filter;  // classic; empty: there is one that could not be seen
};

struct XdpDetails {
  std::optional<std::uint32_t> queue_id, umem_id;
  std::optional<std::uint32_t> rx_ring_entries, tx_ring_entries, fill_ring_entries, completion_ring_entries;
};

// INET_DIAG_ULP_INFO of an MPTCP subflow: which connection it belongs to.
struct Subflow {
  std::optional<std::uint32_t> local_token, remote_token;
  std::optional<std::uint8_t> local_id, remote_id;
};

// What few sockets have, each of another kind.
struct RareDetails {
  std::optional<std::uint32_t> vfs_inode;      // UNIX: of the file that the path named when it was bound
  std::optional<std::uint32_t> vfs_device;     // kernel-internal dev_t: major = v >> 20, minor = v & 0xfffff
  std::vector<std::uint32_t> pending_inodes;   // UNIX listener: clients in its queue
  std::optional<std::vector<std::uint32_t>> groups;  // netlink: multicast groups it is subscribed to
  std::string ulp;                             // upper layer protocol: "tls", "mptcp"; "" where absent
  std::optional<Subflow> subflow;              // TCP: of an MPTCP connection
  std::optional<std::uint64_t> md5_peers;      // peers with a TCP-MD5 key
  std::vector<base::IpAddress> further_locals, further_peers;  // SCTP: all addresses, where there are several
};

// What only some views tell; each absent where none did.
struct SocketDetails {
  std::optional<std::uint8_t> tos, tclass;
  std::optional<std::uint8_t> shutdown;        // 1 receive, 2 send, 3 both
  std::optional<bool> v6only;
  std::optional<std::uint32_t> mark, class_id;
  std::optional<std::uint64_t> cgroup_id;      // inode of the directory in the cgroup2 mount
  std::optional<std::uint16_t> sockopt;        // the two bytes of struct inet_diag_sockopt, first one low
  std::optional<std::uint16_t> raw_protocol;   // raw sockets: the IP protocol they receive
  std::string congestion;                      // "" where absent
  base::SmallList<std::uint32_t, 9> skmeminfo;  // rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops
  std::unique_ptr<PacketDetails> packet;       // null unless a packet socket
  std::unique_ptr<XdpDetails> xdp;             // null unless an XDP socket
  InfoFields info;                             // tcp_info, mptcp_info; only where asked for (Options::keep_info)
  base::Rare<RareDetails> rare;
};

// Whether a socket lived through the capture, by the dumps before and after the fd walk.
enum class Presence : std::uint8_t {
  throughout,  // in both
  came,        // in the later one only
  went,        // in the first one only
};
std::string_view presence_name(Presence presence);

struct Socket {
  std::uint32_t netns = 0;     // index into Snapshot::namespaces
  std::uint16_t family = 0;
  std::uint16_t protocol = 0;  // UNIX: the socket type
  std::uint8_t state = 0;
  Endpoint local, peer;        // IP families
  base::Rare<UnixName> name;   // UNIX
  base::Rare<UnixName> peer_name;  // UNIX: of the peer, where it is known
  std::optional<std::uint64_t> peer_inode;  // UNIX
  std::optional<std::uint32_t> recv_queue;  // bytes; LISTEN: connections waiting to be accepted
  std::optional<std::uint32_t> send_queue;  // bytes; LISTEN: the limit of that queue, from netlink only
  std::optional<std::uint64_t> inode;       // absent: it has none (TIME-WAIT, SYN-RECV, orphan, not yet accepted)
  std::optional<std::uint64_t> cookie;      // absent: seen in /proc/net only
  std::optional<std::uint32_t> uid;         // absent where the state has none
  std::optional<Timer> timer;
  std::unique_ptr<SocketDetails> details;   // null where there are none
  std::vector<Owner> owners;                // by pid, then tid
  base::Boxed<OwnerlessReason> ownerless_reason;
  base::SmallList<Link, 1> links;  // by tie, then socket
  base::SmallList<Sighting, 4> sightings;
  std::optional<Presence> presence;  // absent where its table was not dumped twice
};

}  // namespace ssnap::model
