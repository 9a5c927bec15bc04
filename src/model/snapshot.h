// Everything that an archive says, reconstructed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/outcome.h"
#include "model/finding.h"
#include "model/first_dump.h"
#include "model/net_tables.h"
#include "model/socket.h"

namespace ssnap::model {

// In which order the host prints the words of its addresses, and who says so.
struct HostByteOrder {
  enum class From : std::uint8_t { capture, option, deduced, guessed };

  base::ByteOrder order = base::ByteOrder::little;
  From from = From::guessed;
  std::string detail;  // deduced: from what; guessed: "" where no address reads differently in the other order
};

// The captured machine. Kernel strings are bytes.
struct Host {
  std::optional<std::string> nodename, machine_id, boot_id, kernel, kernel_version, machine;
  std::int64_t clk_tck = 100;  // ticks per second of start_ticks and of timers in /proc/net
  std::optional<HostByteOrder> byte_order;
};

// What the captured kernel said of its clock.
struct ClockSync {
  bool synchronized = false;
  std::int64_t max_error_usec = 0, estimated_error_usec = 0;
  std::int64_t tai_offset_sec = 0;  // 0: unknown to the kernel
};

// How the evidence was taken.
struct Capture {
  std::optional<std::string> tool_version;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> case_fields;
  std::optional<std::int64_t> begin_realtime_nsec, end_realtime_nsec;
  std::optional<std::int64_t> begin_boottime_nsec;  // CLOCK_BOOTTIME at begin_realtime_nsec
  std::optional<std::string> tool_sha256;           // of the collector's executable
  std::optional<std::int64_t> collector_uid;
  std::optional<std::string> collector_capabilities;  // CapEff, hexadecimal
  std::optional<std::string> collector_permitted, collector_bounding;  // CapPrm, CapBnd
  std::optional<std::string> collector_executable;
  std::optional<std::int64_t> collector_pid, collector_parent, collector_session;
  std::optional<std::int64_t> collector_terminal;  // device number
  std::optional<std::uint64_t> collector_login_uid, collector_audit_session;  // absent: of no login
  std::optional<ClockSync> begin_clock, end_clock;
  // The collector ran in a pid namespace below the first: processes outside of it were not in its /proc.
  bool inner_pid_namespace = false;
  std::optional<std::int64_t> smear_nsec;  // from the first socket dump to the last fd read
  std::string status;        // "complete", "interrupted", "limit", "error" from end.json; "cut" where there is none;
                             // "directory" where the input is no archive
  std::string status_detail;
  bool incomplete = false;   // the archive is cut, unsealed or damaged: exit code 3
  std::uint64_t processes_found = 0;  // in the listing of /proc
  std::uint64_t processes_read = 0;   // of which every fd was read
};

// All reads of one source, together.
struct SourceSummary {
  std::uint64_t reads = 0;      // journal entries
  std::uint64_t complete = 0;   // of which ended ok
  std::uint64_t bytes = 0;      // uncompressed, of the members
  std::uint64_t begin_nsec = 0, end_nsec = 0;  // CLOCK_BOOTTIME: the first read's begin, the last one's end
};

struct PortRange {
  std::uint16_t first = 0, last = 0;
};

// A line of /etc/services.
struct Service {
  std::string name;
  std::uint16_t port = 0;
  std::string protocol;  // "tcp", "udp", ...
  std::vector<std::string> aliases;
};

// A network namespace.
struct Namespace {
  std::uint64_t inode = 0;  // 0: unknown (a plain copy of /proc)
  std::string name;         // "" where it has none; from a mount, a container, else its first process
  std::string how;          // what it was found by: "the collector's", "process 12", "mounted on /run/netns/blue", ...
  bool own = false;         // the collector's: the host's own view
  // Not a namespace but the lack of one: for sockets in fd tables that no table of any namespace showed. At most one.
  bool unknown = false;
  std::optional<PortRange> local_ports{};  // ip_local_port_range: what the kernel chooses from
};

// One line of the account: a table of one namespace, each view's rows against the other's and the kernel's own counter.
struct AccountLine {
  std::uint32_t netns = 0;         // index into namespaces
  std::string table;               // "tcp", "tcp6", "unix", "packet", ...
  std::optional<std::uint64_t> dumped;    // distinct sockets in the netlink dumps; absent: not dumped
  std::optional<std::uint64_t> listed;    // distinct sockets in /proc/net; absent: no such file
  std::uint64_t both = 0;                 // in both views
  std::optional<std::int64_t> counter;    // what the kernel counts (sockstat, protocols); absent where it doesn't
  std::optional<std::uint64_t> countable; // sockets that the counter should have counted
  std::vector<std::string> explained;     // "3 bound, not connected: /proc/net has no such rows"
  std::uint64_t unexplained = 0;          // differences for which there is no reason
};

// The sockets in fd tables against those in tables.
struct HeldAccount {
  std::uint64_t inodes = 0;       // distinct socket:[N] in all fd tables
  std::uint64_t in_tables = 0;    // of which some table showed
  std::vector<std::string> explained;
  std::uint64_t unexplained = 0;
};

// A container, as its cgroup path names it.
struct Container {
  std::string runtime;  // docker, podman, containerd, cri-o, lxc, systemd-nspawn; "" where the path doesn't tell
  std::string id;       // 64 hexadecimal digits, or a machine's name (lxc, systemd-nspawn)
};

// A process is pid + start time: pids are used again.
struct Process {
  std::int64_t pid = 0;
  std::optional<std::uint64_t> start_ticks;          // since boot, in CLK_TCK
  std::optional<std::int64_t> start_realtime_nsec;
  std::optional<std::int64_t> start_error_nsec;      // at most so much later: start_ticks are whole ticks, rounded down
  std::optional<std::int64_t> ppid, session;
  std::optional<std::uint32_t> uid, euid, gid, egid;
  std::optional<std::uint32_t> login_uid;            // of the login that it descends from; absent: none
  std::optional<std::uint32_t> audit_session;        // of that login; absent: none
  std::optional<std::uint64_t> capabilities_effective, capabilities_permitted, capabilities_bounding;  // bit 1 << CAP_*
  std::optional<std::string> security_label;         // attr/current: SELinux, AppArmor, Smack; absent: none of them
  std::vector<std::int64_t> ns_pids;                 // its pid in each pid namespace, the collector's first
  std::string comm;                                  // bytes, as the kernel has it
  std::optional<std::string> exe;                    // the link's target; " (deleted)" at its end where the kernel says so
  std::optional<std::string> exe_sha256;             // of the file that it runs, hexadecimal; capture --exe-hashes
  std::optional<std::string> cwd, root;
  std::optional<std::vector<std::string>> cmdline;   // absent: not read; empty: it has none
  std::optional<std::vector<std::string>> environ;   // "NAME=VALUE" as a rule; absent: not read, which is the default
  std::optional<std::string> cgroup;                 // path in the v2 hierarchy, or else of the first one
  std::map<std::string, std::uint64_t> namespaces;   // "net" -> inode, ...
  std::optional<Container> container;                // by its cgroup path alone
  std::string pod_uid;                               // Kubernetes; "" where none
  std::string unit;                                  // systemd: the innermost service, scope, ... of its cgroup path
  bool user_unit = false;                            // of a user's manager, not the system's
  bool exe_deleted = false;                          // exe ends in " (deleted)"
  bool exe_memfd = false;                            // exe never was in a file system: memfd_create()
  bool other_mount_namespace = false;                // exe, cwd and root are paths in another one than the collector's
  std::optional<std::int64_t> living_thread;         // of a zombie leader: the thread that exe, cmdline, ... are of
  std::string mounted_over;                          // the mount point over its /proc/PID, which hides it; "": none
  bool forked_only = false;                          // PF_FORKNOEXEC: never called execve()
  bool kernel_thread = false;
  bool zombie = false;
  bool fds_readable = true;                          // false: the table or some of its links could not be read
  std::uint64_t fd_count = 0;                        // links read
};

// Something that could not be had. Its kind is never `ok`.
struct Gap {
  base::OutcomeKind kind{};
  std::string source;  // docs/sources.md
  std::string member;  // "" where none
  std::optional<std::uint64_t> netns;
  std::optional<std::int64_t> pid, tid;
  int errno_number = 0;
  std::uint64_t count = 1;
  std::string detail;
};

// Bytes of the archive that could not be read.
struct MemberProblem {
  std::string member;  // "" for the container itself
  std::uint64_t offset = 0;
  std::string message;
};

// One row of /proc/net/{tcp,udp,raw,unix,...} as a tool that reads procfs would meet it.
struct ProcNetRow {
  View view{};
  std::uint32_t netns = 0;   // index into namespaces
  std::uint32_t socket = 0;  // index into sockets
  std::uint8_t state = 0;    // TCP_* number; UNIX: enum socket_state
  std::uint8_t timer = 0;
  std::uint32_t recv_queue = 0, send_queue = 0;
  std::uint64_t timer_expires_ticks = 0;
  std::uint32_t retransmits = 0, timeout = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::uint32_t ref_count = 0, flags = 0;  // UNIX
  std::string path;                        // UNIX, as printed
  std::uint64_t pointer = 0;               // UNIX: the kernel's, hashed since 4.15
  std::uint8_t pointer_digits = 0;         // as printed; 0: none was
};

struct Snapshot {
  Host host;
  Capture capture;
  std::vector<std::string> members;  // names, for Sighting::member
  std::vector<Namespace> namespaces;
  std::vector<Process> processes;    // by pid, then start time
  std::vector<Socket> sockets;       // sorted: namespace, family, protocol, state, local, peer, inode, cookie
  std::vector<Gap> gaps;
  std::map<std::string, SourceSummary> sources;  // by name, as in docs/sources.md
  std::vector<MemberProblem> problems;
  std::map<std::uint32_t, std::string> users;  // from the captured passwd
  std::vector<Service> services;               // from the captured services, in its order: the first of a name counts
  std::map<std::uint32_t, std::string> ip_protocols;  // number -> name, from the captured /etc/protocols
  // Index -> name, of each namespace (index into namespaces).
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> interfaces;
  std::map<std::uint64_t, std::string> cgroups;     // id -> path
  std::vector<AccountLine> account;                 // by namespace, then table
  HeldAccount held;
  // In the order of the files, of each namespace; only where asked for (reconstruct::Options::keep_proc_net_rows).
  std::vector<ProcNetRow> proc_net_rows;
  // By index into namespaces; only where asked for (reconstruct::Options::keep_net_tables).
  std::map<std::uint32_t, NetTables> net_tables;
  // What one view says against another; only where asked for (reconstruct::Options::cross_view).
  std::unique_ptr<Findings> cross_view;
  std::unique_ptr<FirstDump> first_dump;  // only where asked for (reconstruct::Options::keep_first_dump)
};

// Owners of one other end that are told of a socket: a server of very many holders would else be told whole for each of
// its clients, and that is the square of the evidence. Servers with a process a client have some hundreds.
constexpr std::size_t kMaxPeerOwners = 256;
struct PeerProcesses {
  std::vector<std::uint32_t> processes;  // indexes into Snapshot::processes, ascending, each once
  std::uint64_t left_out = 0;            // owners beyond kMaxPeerOwners, of all other ends
};
// Who is at the other end: the owners of the sockets that are tied to it by peer, server, client, listener or pending.
// Links and owners that lead nowhere are passed over.
PeerProcesses peer_processes(const Snapshot& snapshot, const Socket& socket);

}  // namespace ssnap::model
