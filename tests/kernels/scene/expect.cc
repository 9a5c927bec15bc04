#include "expect.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace scene {
namespace {

int output = -1;

// Names in the scene are plain ASCII without quotes.
std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string field(std::string_view name, const std::string& value) { return quoted(name) + ": " + value; }

std::string number(unsigned long long value) { return std::to_string(value); }

std::string json_of(const Owner& owner) {
  std::string fds;
  for (const int fd : owner.fds) fds += (fds.empty() ? "" : ", ") + std::to_string(fd);
  std::string out = '{' + field("pid", number(owner.pid)) + ", " + field("fds", '[' + fds + ']') + ", " +
                    field("via", quoted(owner.via)) + ", " + field("certainty", quoted(owner.certainty));
  if (owner.tid != 0) out += ", " + field("tid", number(owner.tid));
  return out + '}';
}

const char* name_of(Views views) {
  switch (views) {
    case Views::both: return "both";
    case Views::netlink: return "netlink";
    case Views::procfs: return "procfs";
    case Views::none: return "none";
  }
  std::abort();
}

ino_t own_namespace() {
  struct stat status{};
  checked(::stat("/proc/thread-self/ns/net", &status), "stat ns/net");
  return status.st_ino;
}

// Empty: of such an address nothing is said.
std::string end_of(const sockaddr_storage& address, socklen_t length) {
  char text[INET6_ADDRSTRLEN] = "";
  switch (address.ss_family) {
    case AF_INET: {
      const auto& in = reinterpret_cast<const sockaddr_in&>(address);
      return ip_end(::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text), ntohs(in.sin_port));
    }
    case AF_INET6: {
      const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
      return ip_end(::inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text), ntohs(in6.sin6_port));
    }
    case AF_UNIX: {
      const auto& un = reinterpret_cast<const sockaddr_un&>(address);
      const std::size_t size = length - offsetof(sockaddr_un, sun_path);
      if (length <= offsetof(sockaddr_un, sun_path)) return "{}";
      if (un.sun_path[0] == '\0') return '{' + field("abstract", quoted({un.sun_path + 1, size - 1})) + '}';
      return '{' + field("path", quoted(un.sun_path)) + '}';
    }
    case AF_NETLINK: return '{' + field("port_id", number(reinterpret_cast<const sockaddr_nl&>(address).nl_pid)) + '}';
    case AF_VSOCK: {
      const auto& vm = reinterpret_cast<const sockaddr_vm&>(address);
      return '{' + field("cid", number(vm.svm_cid)) + ", " + field("port", number(vm.svm_port)) + '}';
    }
    default: return "";
  }
}

std::string family_of(int fd) {
  int family = 0;
  socklen_t length = sizeof family;
  checked(::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length), "SO_DOMAIN");
  switch (family) {
    case AF_UNIX: return "unix";
    case AF_INET: return "inet";
    case AF_INET6: return "inet6";
    case AF_NETLINK: return "netlink";
    case AF_PACKET: return "packet";
    case AF_TIPC: return "tipc";
    case AF_VSOCK: return "vsock";
    case 43: return "smc";
    case 44: return "xdp";
    default: errno = EAFNOSUPPORT; fail("family of a socket");
  }
}

}  // namespace

void fail(const char* what) {
  std::fprintf(stderr, "scene: %s: %s\n", what, std::strerror(errno));
  std::_Exit(1);
}

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

ino_t inode_of(int fd) {
  struct stat status{};
  checked(::fstat(fd, &status), "fstat");
  return status.st_ino;
}

std::string ip_end(std::string_view address, int port) {
  return '{' + field("address", quoted(address)) + ", " + field("port", number(port)) + '}';
}

std::string ip_end(std::string_view address) { return '{' + field("address", quoted(address)) + '}'; }

Expected held(std::string label, int fd, std::string protocol, std::string state) {
  Expected out;
  out.label = std::move(label);
  out.family = family_of(fd);
  out.protocol = std::move(protocol);
  out.state = std::move(state);
  out.inode = inode_of(fd);
  out.owners = {{.pid = ::getpid(), .fds = {fd}}};
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) out.local = end_of(address, length);
  address = {};
  length = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    // What a UNIX socket's peer is called depends on the kernel's view; that it has one is in its state.
    if (address.ss_family != AF_UNIX) out.peer = end_of(address, length);
  } else if (out.family == "inet") {
    out.peer = ip_end("0.0.0.0", 0);
  } else if (out.family == "inet6") {
    out.peer = ip_end("::", 0);
  }
  return out;
}

void open_expectations(const char* path) {
  output = checked(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644), "open expectations");
}

// One write each, so that lines of several processes stay whole.
static void write_line(std::string line) {
  line += '\n';
  if (::write(output, line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail("write expectations");
}

void expect(const Expected& expected) {
  std::string owners;
  for (const Owner& owner : expected.owners) owners += (owners.empty() ? "" : ", ") + json_of(owner);
  std::string line = '{' + field("label", quoted(expected.label)) + ", " + field("family", quoted(expected.family)) + ", " +
                     field("protocol", quoted(expected.protocol)) + ", " +
                     field("netns", number(expected.netns != 0 ? expected.netns : own_namespace())) + ", " +
                     field("inode", number(expected.inode)) + ", " + field("views", quoted(name_of(expected.views))) + ", " +
                     field("owners", '[' + owners + ']');
  if (!expected.state.empty()) line += ", " + field("state", quoted(expected.state));
  if (!expected.local.empty()) line += ", " + field("local", expected.local);
  if (!expected.peer.empty()) line += ", " + field("peer", expected.peer);
  if (!expected.reason.empty()) line += ", " + field("reason", quoted(expected.reason));
  write_line(line + '}');
}

void not_offered(std::string_view what) { write_line('{' + field("not_offered", quoted(what)) + '}'); }

}  // namespace scene
