#include "reconstruct/records.h"

#include "base/outcome.h"
#include "base/text_cursor.h"

namespace ssnap::reconstruct {
namespace {

void add_fd(ProcessRecords& process, const decode::LinkRecord& link) {
  process.fds_seen = true;
  if (link.errno_number) {
    // An fd closed between listing and reading (ENOENT) hides nothing; a denied one may be a socket.
    if (base::outcome_of_errno(*link.errno_number) == base::OutcomeKind::denied) ++process.fds_unreadable;
    return;
  }
  ++process.fd_count;
  const auto inode = decode::inode_of_link(link.target, "socket");
  const auto fd = base::parse_integer<std::uint32_t>(link.name);
  if (inode && fd) process.sockets.push_back({*inode, *fd});
}

}  // namespace

void add_stat(Records& records, std::int64_t pid, decode::ProcPidStat stat) {
  records.processes[pid].stat = std::move(stat);
}

void add_cgroup(Records& records, std::int64_t pid, const std::vector<decode::CgroupRow>& rows) {
  // The v2 path, unless it is the root and a v1 hierarchy knows more.
  auto& cgroup = records.processes[pid].cgroup;
  for (const auto& row : rows)
    if (row.hierarchy == 0) cgroup = row.path;
  for (const auto& row : rows)
    if (row.path != "/" && (!cgroup || *cgroup == "/")) cgroup = row.path;
}

void add_fds(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links) {
  auto& process = records.processes[pid];
  process.fds_seen = true;
  for (const auto& link : links) add_fd(process, link);
}

void add_links(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links) {
  for (const auto& link : links) add_link(records, pid, link);
}

void add_link(Records& records, std::int64_t pid, const decode::LinkRecord& link) {
  auto& process = records.processes[pid];
  decode::LinkRecord inner = link;
  if (link.name.starts_with("fd/")) {
    inner.name.remove_prefix(3);
    add_fd(process, inner);
    return;
  }
  if (link.errno_number) return;
  if (link.name.starts_with("ns/")) {
    const std::string_view kind = link.name.substr(3);
    if (const auto inode = decode::inode_of_link(link.target, kind)) process.namespaces[std::string(kind)] = *inode;
  } else if (link.name == "exe") {
    process.exe = link.target;
  } else if (link.name == "cwd") {
    process.cwd = link.target;
  } else if (link.name == "root") {
    process.root = link.target;
  }
}

void add_passwd(Records& records, const std::vector<decode::PasswdRow>& rows) {
  // The first line of a uid names it, as getpwuid has it.
  for (const auto& row : rows) records.users.emplace(row.uid, row.name);
}

}  // namespace ssnap::reconstruct
