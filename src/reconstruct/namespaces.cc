// Network namespaces: which there are, how they were found, and what people call them.
#include <algorithm>

#include "reconstruct/cgroup_names.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

// What a namespace is called after a container: by its name, or as short as `docker ps` prints a digest.
std::string short_name(const model::Container& container) {
  constexpr std::size_t kShortId = 12;
  return is_container_digest(container.id) ? container.id.substr(0, kShortId) : container.id;
}

std::string process_text(const model::Process& process) {
  return "process " + std::to_string(process.pid) + (process.comm.empty() ? "" : " (" + process.comm + ")");
}

}  // namespace

void name_namespaces(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  // Members first: the first process of a namespace, by pid, stands for it.
  for (const model::Process& process : snapshot.processes) {
    const auto inode = process.namespaces.find("net");
    if (inode == process.namespaces.end()) continue;
    model::Namespace& netns = snapshot.namespaces[namespaces.index_of(inode->second)];
    if (netns.how.empty()) netns.how = process_text(process);
    if (netns.own || !netns.name.empty()) continue;
    if (process.container) netns.name = short_name(*process.container);
  }
  // A mount has the name that people use (`ip netns`): its file's.
  for (const NetnsPin& pin : records.netns_pins) {
    model::Namespace& netns = snapshot.namespaces[namespaces.index_of(pin.netns)];
    const std::string process = " of process " + std::to_string(pin.pid);
    const std::string where = !pin.mount_point.empty() ? "mounted on " + pin.mount_point
                              : pin.tid != 0           ? "thread " + std::to_string(pin.tid) + process
                                                       : "fd " + std::to_string(pin.fd) + process;
    if (netns.how.empty()) netns.how = where;
    if (pin.mount_point.empty() || netns.own) continue;
    if (netns.how.find("mounted on") == std::string::npos) netns.how += ", " + where;
    netns.name = pin.mount_point.substr(pin.mount_point.rfind('/') + 1);
  }
  // What is left is known by its folder in the archive alone.
  for (const auto& [inode, facts] : records.netns_facts) namespaces.index_of(inode);
  for (std::uint32_t i = 0; i < snapshot.namespaces.size(); ++i) {
    model::Namespace& netns = snapshot.namespaces[i];
    if (netns.how.empty()) netns.how = "a process that was not read";
    const auto facts = records.netns_facts.find(netns.inode);
    if (facts == records.netns_facts.end()) continue;
    netns.local_ports = facts->second.local_ports;
    for (const auto& [index, name] : facts->second.interfaces) snapshot.interfaces[{i, index}] = name;
  }
  // Named after their first process where nothing better is known.
  for (const model::Process& process : snapshot.processes) {
    const auto inode = process.namespaces.find("net");
    if (inode == process.namespaces.end()) continue;
    model::Namespace& netns = snapshot.namespaces[namespaces.index_of(inode->second)];
    if (netns.name.empty() && !netns.own) netns.name = process.comm;
  }
}

}  // namespace ssnap::reconstruct
