#include "reconstruct/records.h"

#include <algorithm>
#include <utility>

#include "base/outcome.h"
#include "base/text_cursor.h"
#include "reconstruct/cgroup_names.h"

namespace ssnap::reconstruct {
namespace {

constexpr std::string_view kIoUring = "anon_inode:[io_uring]";

// `process`: the records of task.process.
void add_fd(Records& records, ProcessRecords& process, TaskId task, const decode::LinkRecord& link, std::uint8_t pass) {
  if (link.errno_number) {
    // An fd closed between listing and reading (ENOENT) hides nothing; a denied one may be a socket.
    if (base::outcome_of_errno(*link.errno_number) == base::OutcomeKind::denied) ++process.fds_unreadable;
    return;
  }
  if (pass == 1) ++process.fd_count;
  const auto fd = base::parse_integer<std::uint32_t>(link.name);
  if (!fd) return;
  if (const auto inode = decode::inode_of_link(link.target, "socket"))
    process.sockets.push_back({*inode, *fd, pass, task.tid});
  else if (const auto netns = decode::inode_of_link(link.target, "net"))
    records.netns_pins.push_back({*netns, task.process.pid, "", *fd, 0});
  else if (link.target == kIoUring)
    process.ring_fds.emplace(*fd, task.tid);
}

// Calls `use` with the records of the process or thread: both have the same members for the same files.
template <class Use>
void with_files(Records& records, TaskId task, Use use) {
  ProcessRecords& process = records.processes[task.process];
  if (task.tid == 0) use(process);
  else use(process.threads[task.tid]);
}

// "4294967295\n": the whole file is one number.
std::optional<std::uint32_t> only_number(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  return base::parse_integer<std::uint32_t>(bytes);
}
bool add_number(std::optional<std::uint32_t>& value, std::string_view bytes) {
  constexpr std::uint32_t kNone = 0xffffffff;  // AUDIT_UID_UNSET, AUDIT_SID_UNSET (include/linux/audit.h)
  const auto number = only_number(bytes);
  if (number && *number != kNone) value = number;
  return number.has_value();
}

// "rw,vers=4.2,addr=10.0.0.1,clientaddr=..." -> "10.0.0.1"; 9p has the address for its source.
std::optional<std::string> address_of_mount(const decode::MountRow& row) {
  constexpr std::string_view kOfOtherHosts[] = {"nfs", "nfs4", "cifs", "smb3", "ceph", "9p"};
  if (std::find(std::begin(kOfOtherHosts), std::end(kOfOtherHosts), row.fs_type) == std::end(kOfOtherHosts))
    return std::nullopt;
  const bool is_by_source = row.fs_type == "9p" && row.super_options.find("trans=tcp") != std::string::npos;
  std::string_view address = is_by_source ? row.source : std::string_view{};
  for (std::string_view rest = row.super_options; address.empty() && !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (rest.starts_with("addr=")) address = rest.substr(5, comma - 5);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  address = address.substr(0, address.find('%'));  // the scope of a link-local address
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address.empty() ? std::nullopt : std::optional<std::string>(address);
}

// "/proc/80" and "/proc/80/fd" -> 80.
std::optional<std::int64_t> pid_of_mount_point(std::string_view mount_point) {
  constexpr std::string_view kProc = "/proc/";
  if (!mount_point.starts_with(kProc)) return std::nullopt;
  mount_point.remove_prefix(kProc.size());
  const auto pid = base::parse_integer<std::int64_t>(mount_point.substr(0, mount_point.find('/')));
  return pid && *pid > 0 ? pid : std::nullopt;
}

}  // namespace

void add_stat(Records& records, TaskId task, decode::ProcPidStat stat) {
  with_files(records, task, [&](auto& files) { files.stat = std::move(stat); });
}

void add_status(Records& records, TaskId task, decode::ProcPidStatus status) {
  with_files(records, task, [&](auto& files) { files.status = std::move(status); });
}

void add_cmdline(Records& records, TaskId task, std::vector<std::string> arguments) {
  with_files(records, task, [&](auto& files) { files.cmdline = std::move(arguments); });
}

void add_environ(Records& records, TaskId task, std::vector<std::string> variables) {
  with_files(records, task, [&](auto& files) { files.environ = std::move(variables); });
}

void add_cgroup(Records& records, TaskId task, const std::vector<decode::CgroupRow>& rows) {
  if (const auto path = telling_cgroup(rows))
    with_files(records, task, [&](auto& files) { files.cgroup = path; });
}

void add_fds(Records& records, TaskId task, const std::vector<decode::LinkRecord>& links, std::uint8_t pass) {
  auto& process = records.processes[task.process];
  if (task.tid == 0) process.fds_seen = true;
  else process.own_tables.insert(task.tid);
  for (const auto& link : links) add_fd(records, process, task, link, pass);
}

void add_links(Records& records, TaskId task, const std::vector<decode::LinkRecord>& links) {
  for (const auto& link : links) add_link(records, task, link);
}

void add_link(Records& records, TaskId task, const decode::LinkRecord& link) {
  if (link.name.starts_with("fd/")) {
    decode::LinkRecord inner = link;
    inner.name.remove_prefix(3);
    auto& process = records.processes[task.process];
    if (task.tid == 0) process.fds_seen = true;
    else process.unsure_tables.insert(task.tid);
    add_fd(records, process, task, inner, 1);
    return;
  }
  if (link.errno_number) return;
  with_files(records, task, [&](auto& files) {
    if (link.name.starts_with("ns/")) {
      const std::string_view kind = link.name.substr(3);
      const auto inode = decode::inode_of_link(link.target, kind);
      if (inode) files.namespaces[std::string(kind)] = *inode;
      if (inode && kind == "net" && task.tid != 0)
        records.netns_pins.push_back({*inode, task.process.pid, "", 0, task.tid});
    } else if (link.name == "exe") {
      files.exe = link.target;
    } else if (link.name == "cwd") {
      files.cwd = link.target;
    } else if (link.name == "root") {
      files.root = link.target;
    }
  });
}

void add_fdinfo(Records& records, TaskId task, std::uint32_t fd, decode::ProcPidFdinfo info) {
  const bool is_receiver = info.scm_fds.value_or(0) != 0;
  if (!info.is_ring && !is_receiver) return;
  ProcessRecords& process = records.processes[task.process];
  if (is_receiver) process.receivers.push_back({fd, task.tid, *info.scm_fds});
  if (!info.is_ring) return;
  process.ring_fds.emplace(fd, task.tid);
  process.rings.push_back({fd, task.tid, std::move(info)});
}

void add_maps(Records& records, ProcessId process, const decode::ProcPidMaps& maps) {
  if (maps.socket_inodes.empty() && !maps.io_uring) return;
  records.processes[process].mapped_inodes = maps.socket_inodes;
  records.processes[process].ring_mapped = maps.io_uring;
}

bool add_login_uid(Records& records, ProcessId process, std::string_view bytes) {
  return add_number(records.processes[process].login_uid, bytes);
}

bool add_audit_session(Records& records, ProcessId process, std::string_view bytes) {
  return add_number(records.processes[process].audit_session, bytes);
}

void add_security_label(Records& records, ProcessId process, std::string_view bytes) {
  while (!bytes.empty() && (bytes.back() == '\0' || bytes.back() == '\n')) bytes.remove_suffix(1);
  if (!bytes.empty()) records.processes[process].security_label = std::string(bytes);
}

void add_mountinfo(Records& records, ProcessId process, const std::vector<decode::MountRow>& rows) {
  for (const auto& row : rows) {
    if (const auto netns = decode::netns_of_mount(row))
      records.netns_pins.push_back({*netns, process.pid, row.mount_point, 0, 0});
    if (auto address = address_of_mount(row))
      records.network_mounts.insert({std::move(*address), row.fs_type, row.mount_point});
    if (const auto pid = pid_of_mount_point(row.mount_point))
      records.proc_mounts.push_back({*pid, process, row.mount_point});
  }
}

void drop_shared_tables(Records& records) {
  using Table = std::set<std::pair<std::uint32_t, std::uint64_t>>;  // fd, inode
  for (auto& [id, process] : records.processes) {
    if (process.unsure_tables.empty()) continue;
    std::map<std::int64_t, Table> tables;
    for (const HeldSocket& held : process.sockets) tables[held.tid].emplace(held.fd, held.inode);
    std::set<Table> known;
    if (process.fds_seen) known.insert(tables[0]);
    std::set<std::int64_t> shared;
    for (const std::int64_t tid : process.unsure_tables) {
      if (!known.insert(tables[tid]).second) shared.insert(tid);
      else process.own_tables.insert(tid);
    }
    const auto is_shared = [&](const auto& item) { return shared.count(item.tid) != 0; };
    std::erase_if(process.sockets, is_shared);
    std::erase_if(process.rings, is_shared);
    std::erase_if(process.receivers, is_shared);
    std::erase_if(process.ring_fds, [&](const auto& ring) { return shared.count(ring.second) != 0; });
    process.unsure_tables.clear();
  }
}

void add_collector_port(Records& records, std::uint64_t netns, const decode::DumpEnd& end) {
  if (end.port_id != 0) records.collector_ports.emplace(netns, end.port_id);
}

bool is_collectors(const Records& records, std::uint64_t netns, const model::Socket& socket) {
  return socket.family == model::kFamilyNetlink && socket.local.port != 0 &&
         records.collector_ports.count({netns, socket.local.port}) != 0;
}

void add_links_of_netns(Records& records, std::uint64_t netns, const std::vector<decode::RtLink>& links) {
  auto& facts = records.netns_facts[netns];
  for (const auto& link : links) {
    if (link.name) facts.interfaces.emplace(link.index, *link.name);
    if (link.name && link.kind) facts.tunnels.push_back({*link.name, *link.kind, link.tunnel_port, link.link_netns_id});
  }
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

void add_exe_hashes(Records& records, const std::vector<decode::ExeHashRow>& rows) {
  for (const auto& row : rows)
    records.exe_hashes.emplace(std::pair(row.pid, row.start_ticks), ExeHash{std::string(row.sha256), std::string(row.target)});
}

void add_passwd(Records& records, const std::vector<decode::PasswdRow>& rows) {
  // The first line of a uid names it, as getpwuid has it.
  for (const auto& row : rows) records.users.emplace(row.uid, row.name);
}

void add_services(Records& records, std::vector<decode::ServicesRow> rows) {
  for (auto& row : rows)
    records.services.push_back({std::move(row.name), row.port, std::move(row.protocol), std::move(row.aliases)});
}

void add_local_port_range(Records& records, std::uint64_t netns, decode::LocalPortRange range) {
  records.netns_facts[netns].local_ports = {range.first, range.last};
}

void ForgetReplaced::operator()(const decode::InetDiagDump& later) {
  auto& rows = earlier_.dump.rows;
  // Associations of SCTP share a cookie.
  if (later.request_protocol == model::kProtocolSctp || later.request_protocol != earlier_.dump.request_protocol ||
      later.request_family != earlier_.dump.request_family)
    return;
  constexpr std::size_t kNear = 64;
  const decode::InetDiagRecord& again = later.rows.back();
  const std::size_t end = std::min(rows.size(), next_ + kNear);
  for (std::size_t at = next_; at < end; ++at) {
    if (rows[at].cookie != again.cookie || rows[at].family != again.family) continue;
    rows[at].attributes.reset();
    if (at < earlier_.info.size()) earlier_.info[at] = {};
    next_ = at + 1;
    return;
  }
}

}  // namespace ssnap::reconstruct
