#include "reconstruct/records.h"

#include "base/outcome.h"
#include "base/text_cursor.h"
#include "reconstruct/cgroup_names.h"

namespace ssnap::reconstruct {
namespace {

void add_fd(Records& records, std::int64_t pid, ProcessRecords& process, const decode::LinkRecord& link,
            std::uint8_t pass) {
  process.fds_seen = true;
  if (link.errno_number) {
    // An fd closed between listing and reading (ENOENT) hides nothing; a denied one may be a socket.
    if (base::outcome_of_errno(*link.errno_number) == base::OutcomeKind::denied) ++process.fds_unreadable;
    return;
  }
  if (pass == 1) ++process.fd_count;
  const auto inode = decode::inode_of_link(link.target, "socket");
  const auto fd = base::parse_integer<std::uint32_t>(link.name);
  if (inode && fd) process.sockets.push_back({*inode, *fd, pass});
  if (const auto netns = decode::inode_of_link(link.target, "net"); netns && fd)
    records.netns_pins.push_back({*netns, pid, "", *fd, 0});
}

}  // namespace

void add_stat(Records& records, std::int64_t pid, decode::ProcPidStat stat) {
  records.processes[pid].stat = std::move(stat);
}

void add_cgroup(Records& records, std::int64_t pid, const std::vector<decode::CgroupRow>& rows) {
  if (auto path = telling_cgroup(rows)) records.processes[pid].cgroup = std::move(path);
}

void add_fds(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links, std::uint8_t pass) {
  auto& process = records.processes[pid];
  process.fds_seen = true;
  for (const auto& link : links) add_fd(records, pid, process, link, pass);
}

void add_links(Records& records, std::int64_t pid, const std::vector<decode::LinkRecord>& links) {
  for (const auto& link : links) add_link(records, pid, link);
}

void add_thread_links(Records& records, std::int64_t pid, std::int64_t tid,
                      const std::vector<decode::LinkRecord>& links) {
  for (const auto& link : links)
    if (const auto netns = decode::inode_of_link(link.target, "net"); netns && link.name == "ns/net")
      records.netns_pins.push_back({*netns, pid, "", 0, tid});
}

void add_link(Records& records, std::int64_t pid, const decode::LinkRecord& link) {
  auto& process = records.processes[pid];
  decode::LinkRecord inner = link;
  if (link.name.starts_with("fd/")) {
    inner.name.remove_prefix(3);
    add_fd(records, pid, process, inner, 1);
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

void add_mountinfo(Records& records, std::int64_t pid, const std::vector<decode::MountRow>& rows) {
  for (const auto& row : rows)
    if (const auto netns = decode::netns_of_mount(row)) records.netns_pins.push_back({*netns, pid, row.mount_point, 0, 0});
}

void add_collector_port(Records& records, std::uint64_t netns, const decode::DumpEnd& end) {
  if (end.port_id != 0) records.collector_ports.emplace(netns, end.port_id);
}

bool is_collectors(const Records& records, std::uint64_t netns, const model::Socket& socket) {
  return socket.family == model::kFamilyNetlink && socket.local.port != 0 &&
         records.collector_ports.count({netns, socket.local.port}) != 0;
}

void add_links_of_netns(Records& records, std::uint64_t netns, const std::vector<decode::RtLink>& links) {
  auto& interfaces = records.netns_facts[netns].interfaces;
  for (const auto& link : links)
    if (link.name) interfaces.emplace(link.index, *link.name);
}

void add_addresses_of_netns(Records& records, std::uint64_t netns, const std::vector<decode::RtAddress>& addresses) {
  auto& list = records.netns_facts[netns].addresses;
  for (const auto& row : addresses)
    if (const auto& address = row.local ? row.local : row.address) list.push_back(*address);
}

void add_sockstat(Records& records, std::uint64_t netns, const std::vector<decode::ProcNetSockstatRow>& rows) {
  auto& counters = records.netns_facts[netns].counters;
  for (const auto& row : rows) counters.emplace(row.section + "." + row.key, row.value);
}

void add_protocols(Records& records, std::uint64_t netns, const std::vector<decode::ProcNetProtocolsRow>& rows) {
  auto& counters = records.netns_facts[netns].counters;
  for (const auto& row : rows) counters.emplace(row.name, row.sockets);
}

void add_sockprotonames(Records& records, const Origin& origin, std::string_view bytes, base::Problems& problems) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = bytes.find('\0', at);
    if (end == std::string_view::npos) {
      problems.add(at, "a record without its NUL: expected INODE PID FD held|gone NAME; passed over");
      return;
    }
    base::TextCursor cursor(bytes.substr(at, end - at));
    NamedSocket named;
    const auto inode = cursor.decimal<std::uint64_t>();
    const auto pid = cursor.decimal<std::int64_t>();
    const auto fd = cursor.decimal<std::uint32_t>();
    const auto state = cursor.word();
    if (!inode || !pid || !fd || !state || (*state != "held" && *state != "gone")) {
      problems.add(at, "expected INODE PID FD held|gone NAME; the record is passed over");
    } else {
      named.inode = *inode;
      named.pid = *pid;
      named.fd = *fd;
      named.still_held = *state == "held";
      named.protocol = cursor.word().value_or("");
      named.origin = origin;
      named.offset = at;
      records.named_sockets.push_back(std::move(named));
    }
    at = end + 1;
  }
}

void add_cgroup_ids(Records& records, std::string_view bytes, base::Problems& problems) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = bytes.find('\0', at);
    const std::string_view record = bytes.substr(at, end == std::string_view::npos ? end : end - at);
    const auto blank = record.find(' ');
    const auto id = blank == std::string_view::npos ? std::nullopt : base::parse_integer<std::uint64_t>(record.substr(0, blank));
    if (!id || end == std::string_view::npos) problems.add(at, "expected ID PATH, ended by NUL; the record is passed over");
    else records.cgroups.emplace(*id, record.substr(blank + 1));
    if (end == std::string_view::npos) return;
    at = end + 1;
  }
}

void add_passwd(Records& records, const std::vector<decode::PasswdRow>& rows) {
  // The first line of a uid names it, as getpwuid has it.
  for (const auto& row : rows) records.users.emplace(row.uid, row.name);
}

}  // namespace ssnap::reconstruct
