#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/fd.h"

namespace ssnap::sandbox {
namespace {

// include/uapi/linux/landlock.h of Linux 6.15; the build machine's may be older.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;  // ABI 4
  std::uint64_t scoped = 0;              // ABI 6
};
constexpr std::uint64_t kAllOfAbi1 = (1u << 13) - 1;  // LANDLOCK_ACCESS_FS_EXECUTE to _MAKE_SYM
constexpr std::uint64_t kRefer = 1u << 13;            // ABI 2: link and rename between directories
constexpr std::uint64_t kTruncate = 1u << 14;         // ABI 3
constexpr std::uint64_t kIoctlDevice = 1u << 15;      // ABI 5
constexpr std::uint64_t kBindTcp = 1u << 0, kConnectTcp = 1u << 1;
constexpr std::uint64_t kScopeAbstractUnix = 1u << 0, kScopeSignal = 1u << 1;

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kMake = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | kRefer;

RulesetAttributes handled_by(int abi) {
  RulesetAttributes attributes;
  attributes.handled_access_fs = kAllOfAbi1 | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0) | (abi >= 5 ? kIoctlDevice : 0);
  if (abi >= 4) attributes.handled_access_net = kBindTcp | kConnectTcp;
  if (abi >= 6) attributes.scoped = kScopeAbstractUnix | kScopeSignal;
  return attributes;
}

bool allow_below(int ruleset, int directory, std::uint64_t access) {
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = directory;
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) == 0;
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

int restrict_by_landlock(const LandlockRules& rules) {
  const int abi = landlock_abi();
  if (abi == 0) return 0;
  const RulesetAttributes handled = handled_by(abi);
  // A kernel takes a structure that is longer than its own where the rest is 0.
  const base::Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0u)));
  if (!ruleset) return 0;
  bool complete = true;
  for (const int directory : rules.readable) complete = allow_below(ruleset.get(), directory, kRead) && complete;
  if (rules.target >= 0) complete = allow_below(ruleset.get(), rules.target, kMake & handled.handled_access_fs) && complete;
  if (rules.target_parent >= 0) complete = allow_below(ruleset.get(), rules.target_parent, LANDLOCK_ACCESS_FS_REMOVE_DIR) && complete;
  // A file system that rules can't be bound to would be out of reach: better without.
  if (!complete) return 0;
  return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0u) == 0 ? abi : 0;
}

}  // namespace ssnap::sandbox
