// What was decoded, on its way to a Snapshot: the rows of every member, told apart by namespace, view and pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "decode/host_files.h"
#include "decode/inet_diag.h"
#include "decode/link_list.h"
#include "decode/proc_net_inet.h"
#include "decode/proc_net_unix.h"
#include "decode/proc_pid.h"
#include "decode/unix_diag.h"
#include "model/snapshot.h"

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

struct HeldSocket {
  std::uint64_t inode = 0;
  std::uint32_t fd = 0;
};

// What the files of one /proc/PID said. Each absent where its file was.
struct ProcessRecords {
  std::optional<decode::ProcPidStat> stat;
  std::optional<decode::ProcPidStatus> status;
  std::optional<std::vector<std::string>> cmdline;
  std::optional<std::string> cgroup;
  std::optional<std::string> exe, cwd, root;
  std::map<std::string, std::uint64_t> namespaces;
  bool fds_seen = false;             // the table was listed
  std::uint64_t fds_unreadable = 0;  // links of it that could not be read, for want of a right
  std::uint64_t fd_count = 0;        // links read
  std::vector<HeldSocket> sockets;
};

struct Records {
  std::vector<std::string> members;
  model::Host host;
  model::Capture capture;
  std::optional<std::int64_t> boot_realtime_nsec;  // when the host booted: what start_ticks count from
  std::optional<std::uint64_t> own_netns;          // inode of the collector's network namespace
  std::vector<std::pair<Origin, decode::InetDiagDump>> inet_dumps;
  std::vector<std::pair<Origin, decode::UnixDiagDump>> unix_dumps;
  std::vector<ProcNetInetTable> proc_net_inet;
  std::vector<ProcNetUnixTable> proc_net_unix;
  std::map<std::int64_t, ProcessRecords> processes;  // by pid
  std::map<std::uint32_t, std::string> users;
  std::vector<model::Gap> gaps;
  std::map<std::string, model::SourceSummary> sources;
  std::vector<model::MemberProblem> problems;
};

void add_stat(Records& records, std::int64_t pid, decode::ProcPidStat stat);
void add_cgroup(Records& records, std::int64_t pid, const std::vector<decode::CgroupRow>& rows);
// `fds` and `links` of the archive.
void add_fds(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links);
void add_links(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links);
// One symlink of a procfs tree: "fd/3", "exe", "ns/net".
void add_link(Records& records, std::int64_t pid, const decode::LinkRecord& link);
void add_passwd(Records& records, const std::vector<decode::PasswdRow>& rows);

}  // namespace ssnap::reconstruct
