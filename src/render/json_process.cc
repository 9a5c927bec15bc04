#include "render/json_process.h"

#include <cstdio>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;

// Ancestors of one process; a chain that an archive claims may be as long as its list of processes.
constexpr std::size_t kMaxParents = 128;
constexpr unsigned kCapabilityBits = 64;
// Of a command line, in each socket that its process holds: it may have megabytes and the process a million sockets.
// The process itself, in `processes`, has it whole.
constexpr std::size_t kMaxOwnerCmdlineBytes = 4096;

void put_name(Item& item, const Snapshot& snapshot, std::string_view key, const std::optional<std::uint32_t>& uid) {
  if (!uid) return;
  const auto user = snapshot.users.find(*uid);
  if (user != snapshot.users.end()) item.bytes(key, user->second);
}

void put_mask(Item& item, std::string_view key, const std::optional<std::uint64_t>& mask) {
  if (!mask) return;
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(*mask));
  item.word(key, text);
}

void put_capabilities(Item& item, const model::Process& process) {
  const auto& effective = process.capabilities_effective;
  if (!effective && !process.capabilities_permitted && !process.capabilities_bounding) return;
  Item capabilities = item.item("capabilities");
  put_mask(capabilities, "effective", effective);
  put_mask(capabilities, "permitted", process.capabilities_permitted);
  put_mask(capabilities, "bounding", process.capabilities_bounding);
  if (!effective) return;
  List names = capabilities.list("effective_names");
  for (unsigned bit = 0; bit < kCapabilityBits; ++bit) {
    if ((*effective >> bit & 1) == 0) continue;
    const auto name = capability_name(bit);
    names.add("cap_" + (name.empty() ? std::to_string(bit) : std::string(name)));
  }
}

void put_beginning_of_cmdline(Item& item, const std::vector<std::string>& arguments) {
  std::size_t left = kMaxOwnerCmdlineBytes, count = 0;
  while (count < arguments.size() && arguments[count].size() < left) left -= arguments[count++].size() + 1;
  if (count == arguments.size()) return item.byte_strings("cmdline", arguments);
  std::vector<std::string> told(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(count));
  told.push_back(arguments[count].substr(0, left));
  item.byte_strings("cmdline", told);
  item.flag("cmdline_cut", true);
}

// Where it runs, by its cgroup path.
void put_home(Item& item, const model::Process& process) {
  if (process.container) {
    Item container = item.item("container");
    container.bytes_unless_empty("runtime", process.container->runtime);
    container.bytes("id", process.container->id);
  }
  item.bytes_unless_empty("pod_uid", process.pod_uid);
  item.bytes_unless_empty("unit", process.unit);
  item.flag_if_set("user_unit", process.user_unit);
}

}  // namespace

void put_user(Item& item, const Snapshot& snapshot, const std::optional<std::uint32_t>& uid) {
  item.number("uid", uid);
  put_name(item, snapshot, "user", uid);
}

void put_process_id(Item& item, const model::Process& process) {
  item.number("pid", process.pid);
  item.number("start_ticks", process.start_ticks);
}

void fill_process(Item item, const Snapshot& snapshot, std::uint32_t index,
                  const std::vector<std::optional<std::uint32_t>>& parents) {
  const model::Process& process = snapshot.processes[index];
  put_process_id(item, process);
  item.time("start_time", process.start_realtime_nsec);
  item.number("start_time_error_nsec", process.start_error_nsec);
  item.number("ppid", process.ppid);
  if (parents[index]) {
    List chain = item.list("parents");
    for (auto at = parents[index]; at && chain.size() < kMaxParents; at = parents[*at])
      chain.add(snapshot.processes[*at].pid);
  }
  item.number("session", process.session);
  put_user(item, snapshot, process.uid);
  item.number("euid", process.euid);
  put_name(item, snapshot, "effective_user", process.euid);
  item.number("gid", process.gid);
  item.number("egid", process.egid);
  item.number("login_uid", process.login_uid);
  put_name(item, snapshot, "login_user", process.login_uid);
  item.number("audit_session", process.audit_session);
  put_capabilities(item, process);
  item.bytes_if("security_label", process.security_label);
  if (!process.ns_pids.empty()) item.numbers("ns_pids", process.ns_pids);
  item.bytes_unless_empty("comm", process.comm);
  item.bytes_if("exe", process.exe);
  item.bytes_if("exe_sha256", process.exe_sha256);
  item.flag_if_set("exe_deleted", process.exe_deleted);
  item.flag_if_set("exe_memfd", process.exe_memfd);
  item.flag_if_set("other_mount_namespace", process.other_mount_namespace);
  if (process.cmdline) item.byte_strings("cmdline", *process.cmdline);
  if (process.environ) item.byte_strings("environ", *process.environ);
  item.bytes_if("cwd", process.cwd);
  item.bytes_if("root", process.root);
  item.bytes_if("cgroup", process.cgroup);
  put_home(item, process);
  Item namespaces = item.item("namespaces");
  for (const auto& [name, inode] : process.namespaces) namespaces.add_host_number(name, inode);
  item.flag("kernel_thread", process.kernel_thread);
  item.flag_if_set("zombie", process.zombie);
  item.number("living_thread", process.living_thread);
  item.bytes_unless_empty("mounted_over", process.mounted_over);
  item.flag_if_set("forked_only", process.forked_only);
  item.flag("fds_readable", process.fds_readable);
  item.number("fd_count", process.fd_count);
}

void fill_owner(Item item, const Snapshot& snapshot, const model::Owner& owner) {
  if (owner.process < snapshot.processes.size()) {
    const auto& process = snapshot.processes[owner.process];
    put_process_id(item, process);
    item.time("start_time", process.start_realtime_nsec);
    item.bytes_unless_empty("comm", process.comm);
    item.bytes_if("exe", process.exe);
    item.bytes_if("exe_sha256", process.exe_sha256);
    if (process.cmdline) put_beginning_of_cmdline(item, *process.cmdline);
  }
  item.numbers("fds", owner.fds);
  if (!owner.registered_files.empty()) item.numbers("registered_files", owner.registered_files);
  if (owner.passes != 0) {
    List passes = item.list("passes");
    for (int pass = 1; pass <= 8; ++pass)
      if ((owner.passes >> (pass - 1) & 1) != 0) passes.add(pass);
  }
  item.number("tid", owner.tid);
  item.word("via", model::via_name(owner.via));
  item.word("certainty", model::certainty_name(owner.certainty));
  item.word("origin", model::origin_name(owner.origin));
  if (owner.origin == model::Origin::unknown) return;
  item.word("origin_certainty", model::certainty_name(owner.origin_certainty));
  if (owner.clues != 0) {
    List evidence = item.list("origin_evidence");
    for (std::size_t i = 0; i < model::kClueCount; ++i) {
      const auto clue = static_cast<model::Clue>(i);
      if (model::has_clue(owner, clue)) evidence.add(model::clue_name(clue));
    }
  }
  if (!owner.from || *owner.from >= snapshot.processes.size() || owner.origin == model::Origin::creator) return;
  Item from = item.item(owner.origin == model::Origin::inherited ? "inherited_from" : "passed_by");
  put_process_id(from, snapshot.processes[*owner.from]);
}

void fill_reason(Item item, const Snapshot& snapshot, const model::OwnerlessReason& reason) {
  item.word("code", model::ownerless_name(reason.code));
  item.bytes("detail", reason.detail);
  if (reason.candidate_count != 0) item.number("candidate_count", reason.candidate_count);
  if (reason.candidates.empty()) return;
  List candidates = item.list("candidates");
  for (const std::uint32_t index : reason.candidates) {
    if (index >= snapshot.processes.size()) continue;
    Item candidate = add_item(candidates);
    put_process_id(candidate, snapshot.processes[index]);
  }
}

}  // namespace ssnap::render
