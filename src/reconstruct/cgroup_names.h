// What the path of a cgroup says of the processes in it: their container, Kubernetes pod and systemd unit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decode/proc_pid.h"
#include "model/snapshot.h"

namespace ssnap::reconstruct {

// Each absent or "" where the path doesn't say. Whoever may make cgroups (root, a user in the part that is delegated to
// them) chooses their names: it is what the path says, not what is so.
struct CgroupNames {
  std::optional<model::Container> container;  // the innermost one
  std::string pod_uid;                        // with dashes: "74c13223-5a00-11e9-b385-42010a80018d"; static pods: 32 digits
  std::string unit;                           // the innermost service, scope, mount, socket or swap
  bool user_unit = false;                     // it is of a user's manager (user@1000.service), not the system's
};

// `path`: of a line of /proc/PID/cgroup, from its first '/'.
CgroupNames names_of_cgroup(std::string_view path);

// Of the cgroups of one process the one to keep: of version 2, unless that is the root, or a hierarchy of version 1 names
// a container and it doesn't (where both are mounted, a runtime may make its cgroups in version 1 alone).
std::optional<std::string> telling_cgroup(const std::vector<decode::CgroupRow>& rows);

// True for what the runtimes of application containers name them by.
bool is_container_digest(std::string_view id);

}  // namespace ssnap::reconstruct
