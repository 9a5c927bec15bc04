#include "capture/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/link_list.h"
#include "decode/mountinfo.h"

namespace ssnap::capture {
namespace {

// More ways into a namespace than this are no use: any one does.
constexpr std::size_t kMaxHandles = 4;
// A host with very many mounts (containers) has some MiB of mountinfo.
constexpr std::size_t kMaxMountinfoBytes = 16 * 1024 * 1024;

// Mounts below mounts; deeper ones are no way in either.
constexpr int kMaxMountDepth = 100;
// fuse, fuse.sshfs, fuseblk; nfs, nfs4; cifs, smb3: others answer them than the kernel. autofs waits for its daemon as well.
constexpr std::string_view kRemoteTypes[] = {"fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "coda", "lustre"};

// The namespace that the calling thread is in; 0: not asked yet.
thread_local std::uint64_t current_inode = 0;

std::optional<std::uint64_t> ns_inode(int directory, const std::string& path, const char* kind) {
  std::string target;
  if (read_link(directory, path.c_str(), target) != 0) return std::nullopt;
  return decode::inode_of_link(target, kind);
}

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

// A descriptor of another process, without opening anything through its link: what is behind /proc/PID/fd/N may change
// into a FIFO or a FUSE file between looking and opening. Linux 5.6; of a thread with a table of its own 6.9.
base::Fd take_fd(const Host& host, const NetnsHandle& handle) {
  constexpr unsigned kThread = O_EXCL;  // PIDFD_THREAD
  if (!host.own_numbers) {              // the number would be another process's
    errno = EPERM;
    return base::Fd();
  }
  const std::int64_t task = handle.tid != 0 ? handle.tid : handle.pid;
  const base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(task), handle.tid != 0 ? kThread : 0)));
  if (!process) return base::Fd();
  base::Fd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), static_cast<int>(handle.fd), 0)));
  return taken;
}

// An nsfs mount by its path in another mount namespace. The path may lead elsewhere by now, or have something mounted
// over it: a device or a FIFO, which must not be opened. So it is looked at through an O_PATH descriptor first, and
// that very object is opened.
base::Fd open_mount(const Host& host, const std::string& path) {
  constexpr long kNsfsMagic = 0x6e736673;  // NSFS_MAGIC (include/uapi/linux/magic.h)
  const base::Fd looked(::openat(host.proc.get(), path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
  struct statfs status {};
  if (!looked || ::fstatfs(looked.get(), &status) != 0) return base::Fd();
  if (status.f_type != kNsfsMagic) {
    errno = ENOENT;
    return base::Fd();
  }
  const std::string self = "self/fd/" + std::to_string(looked.get());
  return base::Fd(::openat(host.proc.get(), self.c_str(), O_RDONLY | O_CLOEXEC));
}

base::Fd open_handle(const Host& host, const NetnsHandle& handle) {
  const std::string pid = std::to_string(handle.pid);
  std::string path;
  switch (handle.kind) {
    case NetnsHandle::Kind::fd: return take_fd(host, handle);
    case NetnsHandle::Kind::own: path = "self/ns/net"; break;
    case NetnsHandle::Kind::process: path = pid + "/ns/net"; break;
    case NetnsHandle::Kind::thread: path = pid + "/task/" + std::to_string(handle.tid) + "/ns/net"; break;
    case NetnsHandle::Kind::mount: return open_mount(host, pid + "/root" + handle.path);
  }
  return base::Fd(::openat(host.proc.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

void add_handle(NetnsScan& scan, std::uint64_t inode, NetnsHandle handle) {
  Netns& netns = scan.found[inode];
  netns.inode = inode;
  if (netns.handles.size() < kMaxHandles) netns.handles.push_back(std::move(handle));
}

// Threads of `pid` in another network namespace than `leader`. A leader that has exited is in none: its first thread
// stands for it.
void scan_threads(const Host& host, std::int64_t pid, std::optional<std::uint64_t> leader, NetnsScan& scan) {
  const std::string path = std::to_string(pid) + "/task";
  const base::Fd tasks(::openat(host.proc.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<DirEntry> entries;
  if (!tasks || list_directory(tasks.get(), entries, [] { return true; }) != 0 || entries.size() < 2) return;
  for (const DirEntry& entry : entries) {
    const auto tid = base::parse_integer<std::int64_t>(entry.name);
    if (!tid || *tid == pid) continue;
    const auto inode = ns_inode(tasks.get(), entry.name + "/ns/net", "net");
    if (!inode || inode == leader) continue;
    add_handle(scan, *inode, {NetnsHandle::Kind::thread, pid, *tid, 0, ""});
    std::string record = "ns/net - net:[" + std::to_string(*inode) + "]";
    record += '\0';
    scan.thread_links.push_back({"proc/" + path + "/" + entry.name + "/links", std::move(record)});
    if (!leader) leader = inode;
  }
}

// A path that leads through such a file system waits for its daemon or its server, for good if that is dead: through FUSE
// not even SIGKILL ends the wait. The root is asked in any case.
bool is_behind_remote(const std::map<std::uint32_t, const decode::MountRow*>& mounts, const decode::MountRow& mount) {
  std::uint32_t above = mount.parent_id;
  for (int depth = 0; depth < kMaxMountDepth; ++depth) {
    const auto parent = mounts.find(above);
    if (parent == mounts.end() || parent->second->mount_point == "/") return false;
    for (const std::string_view type : kRemoteTypes)
      if (parent->second->fs_type.starts_with(type)) return true;
    above = parent->second->parent_id;
  }
  return true;
}

void scan_mounts(const Host& host, std::int64_t pid, NetnsScan& scan) {
  std::string text;
  if (read_small_file(host.proc.get(), (std::to_string(pid) + "/mountinfo").c_str(), kMaxMountinfoBytes, text) != 0)
    return;
  const auto mounts = decode::decode_mountinfo(text).rows;
  std::map<std::uint32_t, const decode::MountRow*> by_id;
  for (const auto& mount : mounts) by_id[mount.mount_id] = &mount;
  for (const auto& mount : mounts) {
    const auto inode = decode::netns_of_mount(mount);
    if (!inode) continue;
    if (!is_behind_remote(by_id, mount)) {
      add_handle(scan, *inode, {NetnsHandle::Kind::mount, pid, 0, 0, mount.mount_point});
    } else {
      scan.found[*inode].inode = *inode;
      scan.found[*inode].behind_remote = true;
    }
  }
}

}  // namespace

int NetnsAccess::enter() const {
  // A host without namespaces has one, with no number.
  if (netns_.inode == 0) return 0;
  if (current_inode == 0) {
    if (const auto inode = ns_inode(host_.proc.get(), "thread-self/ns/net", "net")) current_inode = *inode;
    else if (const auto leader = ns_inode(host_.proc.get(), "self/ns/net", "net")) current_inode = *leader;
  }
  if (current_inode == netns_.inode) return 0;
  int error = netns_.behind_remote ? EREMOTE : ENOENT;
  for (const NetnsHandle& handle : netns_.handles) {
    const base::Fd fd = open_handle(host_, handle);
    if (!fd) {
      error = errno;
      continue;
    }
    struct stat status {};
    // The handle may lead elsewhere by now: a pid used again, a mount replaced.
    if (!base::file_status(fd.get(), status) || status.st_ino != netns_.inode) {
      error = ENOENT;
      continue;
    }
    if (::setns(fd.get(), CLONE_NEWNET) == 0) {
      current_inode = netns_.inode;
      return 0;
    }
    error = errno;
  }
  return error;
}

NetnsScan scan_namespaces(const Host& host, const std::vector<std::int64_t>& pids,
                          std::optional<std::uint64_t> own_inode, archive::JournalEntry& entry) {
  entry.source = "netns_list";
  entry.begin_nsec = boottime_nsec();
  NetnsScan scan;
  if (own_inode) {
    Netns& own = scan.found[*own_inode];
    own.inode = *own_inode;
    own.own = true;
    own.handles.push_back({NetnsHandle::Kind::own, 0, 0, 0, ""});
  }
  std::set<std::uint64_t> mount_namespaces;
  for (const std::int64_t pid : pids) {
    const std::string directory = std::to_string(pid);
    const auto inode = ns_inode(host.proc.get(), directory + "/ns/net", "net");
    if (inode) add_handle(scan, *inode, {NetnsHandle::Kind::process, pid, 0, 0, ""});
    scan_threads(host, pid, inode, scan);
    const auto mounts = ns_inode(host.proc.get(), directory + "/ns/mnt", "mnt");
    if (!mounts || !mount_namespaces.insert(*mounts).second) continue;
    scan.mountinfo_pids.push_back(pid);
    scan_mounts(host, pid, scan);
  }
  entry.end_nsec = boottime_nsec();
  entry.count = scan.found.size();
  return scan;
}

bool add_namespace_fds(NetnsScan& scan, const std::vector<NamespaceFd>& fds) {
  bool is_new = false;
  for (const NamespaceFd& fd : fds) {
    is_new |= scan.found.count(fd.inode) == 0;
    add_handle(scan, fd.inode, {NetnsHandle::Kind::fd, fd.pid, fd.tid, fd.fd, ""});
  }
  return is_new;
}

}  // namespace ssnap::capture
