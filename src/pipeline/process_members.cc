#include "pipeline/process_members.h"

#include "decode/describe.h"
#include "decode/fd_listing.h"
#include "decode/row_limits.h"

namespace ssnap::pipeline {
namespace {

// loginuid and sessionid.
void read_number(const Context& context, bool (*add)(Records&, reconstruct::ProcessId, std::string_view)) {
  const auto task = context.task();
  if (task && !add(context.records(), task->process, context.member.bytes))
    context.report("expected one decimal number; left out");
}

}  // namespace

void read_stat(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  auto stat = decode::decode_proc_pid_stat(context.member.bytes);
  if (stat.has_error()) return context.report(stat.error().message);
  base::Problems problems;
  stat->comm.resize(decode::at_most(decode::kMaxCommBytes, stat->comm, "comm", 0, problems).size());
  context.report(problems);
  reconstruct::add_stat(context.records(), *task, std::move(*stat));
}

void read_status(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  auto status = decode::decode_proc_pid_status(context.member.bytes);
  context.report(status.problems);
  reconstruct::add_status(context.records(), *task, std::move(status));
}

void read_cmdline(const Context& context) {
  if (const auto task = context.task())
    reconstruct::add_cmdline(context.records(), *task, decode::decode_proc_pid_cmdline(context.member.bytes));
}

void read_environ(const Context& context) {
  if (const auto task = context.task())
    reconstruct::add_environ(context.records(), *task, decode::decode_proc_pid_cmdline(context.member.bytes));
}

void read_cgroup(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  const auto rows = decode::decode_proc_pid_cgroup(context.member.bytes);
  context.report(rows.problems);
  reconstruct::add_cgroup(context.records(), *task, rows.rows);
}

void read_fds(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  // proc/PID/fds is the first walk, proc/PID/passN/fds a later one; the same below proc/PID/task/TID.
  constexpr std::string_view kPass = "pass";
  const std::size_t pass_star = task->tid == 0 ? 1 : 2;
  std::uint8_t pass = 1;
  if (context.stars.size() > pass_star) {
    const std::string_view folder = context.stars[pass_star];
    if (!folder.starts_with(kPass)) return;
    pass = base::parse_integer<std::uint8_t>(folder.substr(kPass.size())).value_or(2);
  }
  const auto links = decode::decode_link_list(context.member.bytes);
  context.report(links.problems);
  reconstruct::add_fds(context.records(), *task, links.rows, pass == 1 ? 1 : 2);
}

void read_mountinfo(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  const auto mounts = decode::decode_mountinfo(context.member.bytes);
  context.report(mounts.problems);
  reconstruct::add_mountinfo(context.records(), task->process, mounts.rows);
}

void read_links(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  const auto links = decode::decode_link_list(context.member.bytes);
  context.report(links.problems);
  reconstruct::add_links(context.records(), *task, links.rows);
}

// A symlink of a procfs tree: proc/PID/fd/3, proc/PID/exe, proc/PID/task/TID/ns/net.
void read_symlink(const Context& context) {
  const auto task = context.task();
  if (!task || context.member.type != archive::MemberType::symlink) return;
  std::string_view name = context.path;
  for (int folders = task->tid == 0 ? 2 : 4; folders > 0; --folders) name.remove_prefix(name.find('/') + 1);
  decode::LinkRecord link;
  link.name = name;
  base::Problems problems;
  link.target = decode::at_most(decode::kMaxPathBytes, context.member.bytes, "a target", 0, problems);
  context.report(problems);
  reconstruct::add_link(context.records(), *task, link);
}

// The file fd of a collector that keeps what `ls -l /proc/PID/fd` says.
void read_fd_listing(const Context& context) {
  const auto task = context.task();
  // ls prints nothing of a directory that it may not open.
  if (!task || context.member.bytes.empty()) return;
  const auto links = decode::decode_fd_listing(context.member.bytes);
  context.report(links.problems);
  reconstruct::add_fds(context.records(), *task, links.rows, 1);
}

void read_fdinfo(const Context& context) {
  const auto task = context.task();
  const auto fd = base::parse_integer<std::uint32_t>(context.stars.back());
  if (!task || !fd) return;
  auto info = decode::decode_proc_pid_fdinfo(context.member.bytes);
  context.report(info.problems);
  reconstruct::add_fdinfo(context.records(), *task, *fd, std::move(info));
}

void read_maps(const Context& context) {
  const auto task = context.task();
  if (!task) return;
  const auto maps = decode::decode_proc_pid_maps(context.member.bytes);
  context.report(maps.problems);
  reconstruct::add_maps(context.records(), task->process, maps);
}

void read_loginuid(const Context& context) { read_number(context, reconstruct::add_login_uid); }
void read_sessionid(const Context& context) { read_number(context, reconstruct::add_audit_session); }

void read_security_label(const Context& context) {
  if (const auto task = context.task())
    reconstruct::add_security_label(context.records(), task->process, context.member.bytes);
}

}  // namespace ssnap::pipeline
