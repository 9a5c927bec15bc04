// Network namespaces: finding all of them, and entering one with the calling thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/journal.h"
#include "capture/host.h"
#include "capture/output.h"
#include "capture/seen.h"

namespace ssnap::capture {

// One way to get hold of a namespace, by what pins it.
struct NetnsHandle {
  enum class Kind : std::uint8_t {
    own,      // the collector's main thread, which never leaves it
    process,  // PID/ns/net
    thread,   // PID/task/TID/ns/net, where it is not its process's
    mount,    // an nsfs mount, seen from PID's root
    fd,       // an open descriptor of PID
  };
  Kind kind{};
  std::int64_t pid = 0;
  std::int64_t tid = 0;   // thread; fd: of the thread whose own table it is in, 0: the process's
  std::uint32_t fd = 0;   // fd
  std::string path;       // mount: the mount point
};

struct Netns {
  std::uint64_t inode = 0;
  bool own = false;  // the collector's
  bool behind_remote = false;  // some mounts of it lie below a file system that need not answer: not a way in
  std::vector<NetnsHandle> handles;  // best first, a few are enough
};

// Of namespaces beyond the first 65,535: differences between their tables are not looked at again.
constexpr std::uint16_t kNoOrdinal = 0xffff;

// What reads of one namespace need. Shared by its tasks.
class NetnsAccess {
 public:
  // `ordinal`: a short number of it for this capture.
  NetnsAccess(const Host& host, Netns netns, std::uint16_t ordinal = 0) : host_(host), netns_(std::move(netns)), ordinal_(ordinal) {}
  const Netns& netns() const { return netns_; }
  std::uint64_t inode() const { return netns_.inode; }
  const Host& host() const { return host_; }
  std::uint16_t ordinal() const { return ordinal_; }
  // Brings the calling thread, which must not be the main one, into the namespace; does nothing if it is there.
  // Returns errno: EPERM without CAP_SYS_ADMIN, ENOENT where nothing that pinned it is left, EREMOTE where it is only mounted
  // below a file system that need not answer.
  int enter() const;

 private:
  const Host& host_;
  Netns netns_;
  std::uint16_t ordinal_;
};

// The namespaces of all processes and threads and of nsfs mounts in every mount namespace. The raw evidence (mountinfo
// of one process a mount namespace) is to be kept by the caller: `mountinfo_pids`.
struct NetnsScan {
  std::map<std::uint64_t, Netns> found;  // by inode
  std::vector<std::int64_t> mountinfo_pids;
  // proc/PID/task/TID/links of threads that are in another namespace than their process.
  // The process walk writes members of this name as well, with more in them: of threads read in a leader's place.
  std::vector<SmallMember> thread_links;
};
NetnsScan scan_namespaces(const Host& host, const std::vector<std::int64_t>& pids,
                          std::optional<std::uint64_t> own_inode, archive::JournalEntry& entry);
// Adds namespaces that an fd pins. True if there was a new one.
bool add_namespace_fds(NetnsScan& scan, const std::vector<NamespaceFd>& fds);

}  // namespace ssnap::capture
