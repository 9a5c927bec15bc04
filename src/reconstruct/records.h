// What was decoded, on its way to a Snapshot: the rows of every member, told apart by namespace, view and pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "decode/exe_hashes.h"
#include "decode/host_files.h"
#include "decode/inet_diag.h"
#include "decode/link_list.h"
#include "decode/mountinfo.h"
#include "decode/netlink_diag.h"
#include "decode/packet_diag.h"
#include "decode/proc_net_inet.h"
#include "decode/proc_net_netlink.h"
#include "decode/proc_net_packet.h"
#include "decode/proc_net_protocols.h"
#include "decode/proc_net_sctp.h"
#include "decode/proc_net_sockstat.h"
#include "decode/proc_net_unix.h"
#include "decode/proc_pid.h"
#include "decode/proc_pid_fdinfo.h"
#include "decode/proc_pid_maps.h"
#include "decode/rtnetlink.h"
#include "decode/smc_diag.h"
#include "decode/tipc_diag.h"
#include "decode/unix_diag.h"
#include "decode/vsock_diag.h"
#include "decode/xdp_diag.h"
#include "model/snapshot.h"
#include "reconstruct/raw_views.h"

namespace ssnap::reconstruct {

// Where rows come from: one member of the archive.
struct Origin {
  std::uint32_t member = 0;  // index into Records::members
  std::uint64_t netns = 0;   // inode of the network namespace; 0: not known
  int pass = 1;
};

struct ProcNetInetTable {
  Origin origin;
  model::View view{};
  std::uint16_t family = 0, protocol = 0;
  std::vector<decode::ProcNetInetRow> rows;
};

struct ProcNetUnixTable {
  Origin origin;
  std::vector<decode::ProcNetUnixRow> rows;
};

struct InetDump {
  Origin origin;
  decode::InetDiagDump dump;
  // Of each row the numbers of INET_DIAG_INFO; empty unless Options::keep_info.
  std::vector<model::InfoFields> info;
};

// What a later pass says of a socket takes the place of all that the first one did (DumpMerge::add): of those that come again
// the attributes needn't be kept. Both list a table in about the same order; a socket that isn't found near where it was
// keeps what it has, which costs memory and nothing else.
class ForgetReplaced {
 public:
  explicit ForgetReplaced(InetDump& earlier) : earlier_(earlier) {}
  // `later`: another dump of the same table, row by row while it is decoded.
  void operator()(const decode::InetDiagDump& later);

 private:
  InetDump& earlier_;
  std::size_t next_ = 0;
};

// A table of /proc/net of one namespace.
template <class Row>
struct ProcNetTable {
  Origin origin;
  std::vector<Row> rows;
};

struct HeldSocket {
  std::uint64_t inode = 0;
  std::uint32_t fd = 0;
  std::uint8_t pass = 1;  // which walk of the fd tables saw it
  std::int64_t tid = 0;   // of the thread whose own table it is in; 0: the process's

  auto operator<=>(const HeldSocket&) const = default;
};

// A socket in an fd table that no dump showed, and what the kernel calls its protocol.
struct NamedSocket {
  std::uint64_t inode = 0;
  std::int64_t pid = 0;
  std::uint32_t fd = 0;
  bool still_held = false;  // when its name was asked for
  std::string protocol;     // system.sockprotoname; "" where it could not be had
  Origin origin;
  std::uint64_t offset = 0;
};

// A namespace that something other than a process's own membership shows.
struct NetnsPin {
  std::uint64_t netns = 0;
  std::int64_t pid = 0;
  std::string mount_point;  // an nsfs mount in the mount namespace of pid; "": an fd or a thread
  std::uint32_t fd = 0;
  std::int64_t tid = 0;     // a thread of pid that is in it; 0: an fd or a mount
};

// An io_uring, by its fd, and the sockets in its table of registered files (fdinfo).
struct Ring {
  std::uint32_t fd = 0;
  std::int64_t tid = 0;  // as in HeldSocket
  decode::ProcPidFdinfo info;
};

// A UNIX socket in whose queue descriptors wait to be received (fdinfo, `scm_fds`).
struct Receiver {
  std::uint32_t fd = 0;
  std::int64_t tid = 0;
  std::uint64_t scm_fds = 0;
};

// A process by its number; `reused`: the second one that had it during the capture. A number alone means the first.
struct ProcessId {
  ProcessId(std::int64_t number = 0, bool is_reused = false) : pid(number), reused(is_reused) {}

  std::int64_t pid;
  bool reused;

  auto operator<=>(const ProcessId&) const = default;
};

// What a file below /proc/PID is about: the process (tid 0), or one of its threads.
struct TaskId {
  ProcessId process;
  std::int64_t tid = 0;
};

// What the files of one thread said.
struct ThreadRecords {
  std::optional<decode::ProcPidStat> stat;
  std::optional<decode::ProcPidStatus> status;
  std::optional<std::vector<std::string>> cmdline, environ;
  std::optional<std::string> cgroup;
  std::optional<std::string> exe, cwd, root;
  std::map<std::string, std::uint64_t> namespaces;
};

// What the files of one /proc/PID said. Each absent where its file was.
struct ProcessRecords {
  std::optional<decode::ProcPidStat> stat;
  std::optional<decode::ProcPidStatus> status;
  std::optional<std::vector<std::string>> cmdline, environ;
  std::optional<std::string> cgroup;
  std::optional<std::string> exe, cwd, root;
  std::map<std::string, std::uint64_t> namespaces;
  bool fds_seen = false;             // the table was listed
  std::uint64_t fds_unreadable = 0;  // links of it, and of its threads' tables, that could not be read, for want of a right
  std::uint64_t fd_count = 0;        // links read
  std::vector<HeldSocket> sockets;   // of the tables of its threads too
  std::set<std::int64_t> own_tables;      // threads whose own table was listed
  std::set<std::int64_t> unsure_tables;   // threads whose table may be the process's: a copy of /proc doesn't tell
  std::vector<Ring> rings;
  std::set<std::pair<std::uint32_t, std::int64_t>> ring_fds;  // fd and tid of every io_uring, its fdinfo read or not
  std::vector<Receiver> receivers;
  std::vector<std::uint64_t> mapped_inodes;  // socket:[N] in maps
  bool ring_mapped = false;                  // maps: an io_uring; its fd may be closed
  std::optional<std::uint32_t> login_uid, audit_session;
  std::optional<std::string> security_label;
  std::map<std::int64_t, ThreadRecords> threads;  // by tid: those of which files were kept
};

// Of the file that a process ran, and what its exe link said then.
struct ExeHash {
  std::string sha256, target;
};

// A device of the kernel that has sockets of its own (rtnetlink).
struct TunnelLink {
  std::string name, kind;
  std::optional<std::uint16_t> port;          // where the link tells it
  std::optional<std::int32_t> made_in_netns;  // id of the namespace that it was made in, where that is another
};

// A file system of another host, as a mount shows it.
struct NetworkMount {
  std::string address, fs_type, mount_point;  // address: as the kernel prints it

  auto operator<=>(const NetworkMount&) const = default;
};

// A mount over /proc/PID or a part of it, as process `seen_by` has it.
struct ProcMount {
  std::int64_t pid = 0;
  ProcessId seen_by;
  std::string mount_point;
};

// The kernel's own counts of one namespace, and what its links are called.
struct NetnsFacts {
  std::map<std::string, std::int64_t> counters;      // "TCP.inuse" of sockstat, "UNIX" of protocols
  std::map<std::uint32_t, std::string> interfaces;   // index -> name
  std::vector<base::IpAddress> addresses;            // of its links
  std::vector<TunnelLink> tunnels;
  std::optional<model::PortRange> local_ports;       // ip_local_port_range
};

struct Records {
  std::vector<std::string> members;
  model::Host host;
  model::Capture capture;
  std::optional<std::int64_t> boot_realtime_nsec;  // when the host booted: what start_ticks count from
  std::optional<std::uint64_t> own_netns;          // inode of the collector's network namespace
  std::optional<std::uint64_t> own_mount_namespace;  // inode of the collector's
  std::vector<InetDump> inet_dumps;
  std::vector<std::pair<Origin, decode::UnixDiagDump>> unix_dumps;
  std::vector<std::pair<Origin, decode::PacketDiagDump>> packet_dumps;
  std::vector<std::pair<Origin, decode::NetlinkDiagDump>> netlink_dumps;
  std::vector<std::pair<Origin, decode::VsockDiagDump>> vsock_dumps;
  std::vector<std::pair<Origin, decode::XdpDiagDump>> xdp_dumps;
  std::vector<std::pair<Origin, decode::TipcDiagDump>> tipc_dumps;
  std::vector<std::pair<Origin, decode::SmcDiagDump>> smc_dumps;
  std::vector<ProcNetInetTable> proc_net_inet;
  std::vector<ProcNetUnixTable> proc_net_unix;
  std::vector<ProcNetTable<decode::ProcNetPacketRow>> proc_net_packet;
  std::vector<ProcNetTable<decode::ProcNetNetlinkRow>> proc_net_netlink;
  std::vector<ProcNetTable<decode::ProcNetSctpEndpoint>> proc_net_sctp_eps;
  std::vector<ProcNetTable<decode::ProcNetSctpAssociation>> proc_net_sctp_assocs;
  std::vector<NamedSocket> named_sockets;
  std::vector<NetnsPin> netns_pins;
  std::map<std::uint64_t, NetnsFacts> netns_facts;  // by inode
  std::map<std::uint64_t, std::string> cgroups;     // id -> path
  // Port ids of the sockets that asked for the dumps, by namespace: the collector's own, which the netlink table shows.
  std::set<std::pair<std::uint64_t, std::uint32_t>> collector_ports;
  // Which views of which tables were read whole, by namespace: view, family, protocol (0: of all protocols).
  std::map<std::uint64_t, std::set<std::tuple<model::View, std::uint16_t, std::uint16_t>>> views;
  std::map<ProcessId, ProcessRecords> processes;
  std::map<std::pair<std::int64_t, std::uint64_t>, ExeHash> exe_hashes;  // by pid and start ticks
  std::set<NetworkMount> network_mounts;
  std::vector<ProcMount> proc_mounts;
  std::map<std::uint32_t, std::string> users;
  std::vector<model::Service> services;
  std::map<std::uint32_t, std::string> ip_protocols;
  std::vector<model::Gap> gaps;
  std::map<std::string, model::SourceSummary> sources;
  std::vector<model::MemberProblem> problems;
  std::map<std::uint64_t, model::NetTables> net_tables;  // by inode
  RawViews raw;
};

// The files of a process, or of a thread.
void add_stat(Records& records, TaskId task, decode::ProcPidStat stat);
void add_status(Records& records, TaskId task, decode::ProcPidStatus status);
void add_cmdline(Records& records, TaskId task, std::vector<std::string> arguments);
void add_environ(Records& records, TaskId task, std::vector<std::string> variables);
void add_cgroup(Records& records, TaskId task, const std::vector<decode::CgroupRow>& rows);
// `fds` and `links` of the archive. `pass`: which walk.
void add_fds(Records& records, TaskId task, const std::vector<decode::LinkRecord>& links, std::uint8_t pass);
void add_links(Records& records, TaskId task, const std::vector<decode::LinkRecord>& links);
// One symlink of a procfs tree: "fd/3", "exe", "ns/net".
void add_link(Records& records, TaskId task, const decode::LinkRecord& link);
void add_fdinfo(Records& records, TaskId task, std::uint32_t fd, decode::ProcPidFdinfo info);
void add_maps(Records& records, ProcessId process, const decode::ProcPidMaps& maps);
// loginuid and sessionid: 4294967295 stands for none. False where the file holds no number.
bool add_login_uid(Records& records, ProcessId process, std::string_view bytes);
bool add_audit_session(Records& records, ProcessId process, std::string_view bytes);
// attr/current: a NUL or newline at its end is not part of it.
void add_security_label(Records& records, ProcessId process, std::string_view bytes);
// What mounts tell: network namespaces, file systems of other hosts, processes that are hidden, as `process` sees them.
void add_mountinfo(Records& records, ProcessId process, const std::vector<decode::MountRow>& rows);
// Takes back the tables of threads that turn out to be the process's or another thread's (unsure_tables).
void drop_shared_tables(Records& records);
// Whose answers the dump was: see Records::collector_ports.
void add_collector_port(Records& records, std::uint64_t netns, const decode::DumpEnd& end);
// True for a netlink socket through which the collector asked for the tables of namespace `netns` (its inode).
bool is_collectors(const Records& records, std::uint64_t netns, const model::Socket& socket);
void add_links_of_netns(Records& records, std::uint64_t netns, const std::vector<decode::RtLink>& links);
void add_addresses_of_netns(Records& records, std::uint64_t netns, const std::vector<decode::RtAddress>& addresses);
void add_sockstat(Records& records, std::uint64_t netns, const std::vector<decode::ProcNetSockstatRow>& rows);
void add_protocols(Records& records, std::uint64_t netns, const std::vector<decode::ProcNetProtocolsRow>& rows);
// The archive's own lists (docs/format.md): "INODE PID FD held|gone NAME" and "ID PATH", records ended by NUL.
void add_sockprotonames(Records& records, const Origin& origin, std::string_view bytes, base::Problems& problems);
void add_cgroup_ids(Records& records, std::string_view bytes, base::Problems& problems);
void add_exe_hashes(Records& records, const std::vector<decode::ExeHashRow>& rows);
void add_passwd(Records& records, const std::vector<decode::PasswdRow>& rows);
void add_services(Records& records, std::vector<decode::ServicesRow> rows);
void add_local_port_range(Records& records, std::uint64_t netns, decode::LocalPortRange range);

}  // namespace ssnap::reconstruct
