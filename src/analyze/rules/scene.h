// A snapshot as the rules look at it: which process holds what, how things are called in a sentence, and where they stand in
// the archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/findings.h"
#include "model/names.h"

namespace ssnap::analyze {

// Sockets, and processes, of one finding whose places in the archive are told; a busy proxy has a hundred thousand.
constexpr std::size_t kMaxEvidenceSockets = 64;
// Of a list in a sentence.
constexpr std::size_t kMaxNamed = 4;

class Scene {
 public:
  explicit Scene(const model::Snapshot& snapshot);

  struct Holding {
    std::uint32_t socket = 0;  // index into sockets
    const model::Owner* owner = nullptr;
  };

  const model::Snapshot& snapshot;

  // What the process holds, by any way but a listener's queue; possible holders are none.
  const std::vector<Holding>& holdings(std::uint32_t process) const { return holdings_[process]; }
  // Who holds it, indexes into processes.
  std::vector<std::uint32_t> holding_processes(std::uint32_t socket) const;
  // True where `ancestor` is a parent of `process`, or a parent's parent, ...
  bool descends(std::uint32_t process, std::uint32_t ancestor) const;

  // --- words, with the host's bytes as they are

  // "sh[81]".
  std::string process(std::uint32_t process) const;
  // "sh[81] of www-data (uid 33), docker 0123456789ab, unit nginx.service".
  std::string process_at_home(std::uint32_t process) const;
  // "tcp 10.0.0.5:41000 -> 203.0.113.9:4444", "unix stream /run/x", "packet all on eth0"; of another namespace " in blue".
  std::string socket(std::uint32_t socket) const;
  // Who holds it, at most kMaxNamed: "nginx[80] of root (uid 0), unit nginx.service, and 3 more"; else why nobody does.
  std::string holders(std::uint32_t socket) const;
  std::string interface(std::uint32_t netns, std::uint32_t index) const;  // "eth0", "interface 3"; "every interface" for 0
  std::string user(std::uint32_t uid) const;                              // "www-data (uid 33)", "uid 33"

  // --- findings

  // One with the sockets and processes, and the places of the sockets in the archive.
  model::Finding finding(const Rule& rule, std::string sentence, std::vector<std::uint32_t> sockets, std::vector<std::uint32_t> processes) const;
  // Adds the place of a file of the process: `file` links, fds, stat, cmdline, ...; `part` the entry: exe, 0, ...
  void add_evidence(model::Finding& finding, std::uint32_t process, std::string_view file, std::string_view part = {}) const;

 private:
  std::vector<std::vector<Holding>> holdings_;                // of each process
  std::vector<std::optional<std::uint32_t>> parents_;         // of each process
  bool plain_copy_ = false;                                   // of /proc: symlinks are members of their own
};

// Certain or probable, of a process that the snapshot has.
bool is_holder(const model::Snapshot& snapshot, const model::Owner& owner);
bool is_ip(const model::Socket& socket);
// TCP and those of its kind: a connection of an IP family that is neither listening nor merely bound, closed or a remainder.
bool is_connected(const model::Socket& socket);
// Accepts connections, or takes datagrams from anybody.
bool is_listener(const model::Socket& socket);
bool is_datagram(const model::Socket& socket);
// A number of tcp_info by its name; nullopt where it was not told.
std::optional<std::uint64_t> info_of(const model::Socket& socket, std::string_view name);
// "1 socket", "2 sockets".
std::string count(std::uint64_t number, std::string_view singular, std::string_view plural);
std::string count(std::uint64_t number, std::string_view singular);

}  // namespace ssnap::analyze
