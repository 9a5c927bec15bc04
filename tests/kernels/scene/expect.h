// What an observer must see of the sockets that the scene makes: one JSON object a line, in the words of `ssnap analyze
// --format json`. tests/kernels/checks.py reads them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scene {

// Ends the process with what failed and errno, unless `result` is one.
int checked(int result, const char* what);
[[noreturn]] void fail(const char* what);

ino_t inode_of(int fd);

// One holder. `fds` are its descriptors; of an io_uring the ring's, of a message in flight the receiving socket's.
struct Owner {
  pid_t pid = 0;
  std::vector<int> fds;
  std::string_view via = "fd";
  std::string_view certainty = "certain";
  pid_t tid = 0;  // 0: the process's own table
};

// Which tables show it: both views, netlink alone, /proc/net alone, or none: then only its fd is known.
enum class Views { both, netlink, procfs, none };

struct Expected {
  std::string label, family, protocol;
  std::string state;                 // empty: it has none that is known beforehand
  std::string local, peer;           // JSON objects of which each value must be there; empty: anything
  ino_t netns = 0;                   // 0: that of this process
  ino_t inode = 0;                   // 0: it has none
  std::vector<Owner> owners;         // all of them
  std::string_view reason;           // the code of the reason why no owner is certain
  Views views = Views::both;
};

// A held socket of any family: ends, inode and namespace by the kernel's own words, this process its only owner.
// `state` as in Expected.
Expected held(std::string label, int fd, std::string protocol, std::string state);

// An address as bind(2) takes it, in JSON's words: {"address": "::1", "port": 80}.
std::string ip_end(std::string_view address, int port);
// Of a raw socket, which has no ports.
std::string ip_end(std::string_view address);

// Where the lines go. Every process of the scene appends to the same file.
void open_expectations(const char* path);
void expect(const Expected& expected);
// Something that the kernel doesn't offer: stands in the log.
void not_offered(std::string_view what);

}  // namespace scene
