// A snapshot as the rules look at it: which process holds what, how things are called in a sentence, and where they stand in
// the archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyze/findings.h"
#include "analyze/text.h"
#include "model/names.h"

namespace ssnap::analyze {

using Indexes = std::vector<std::uint32_t>;

// Sockets of one finding whose places in the archive are told; a busy proxy has a hundred thousand.
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

  const model::Socket& socket(std::uint32_t index) const { return snapshot.sockets[index]; }
  const model::Process& process(std::uint32_t index) const { return snapshot.processes[index]; }
  // What the process holds, by any way but a listener's queue; possible holders are none. By socket.
  const std::vector<Holding>& holdings(std::uint32_t process) const { return holdings_[process]; }
  // Those of them that `counts`, each once.
  Indexes held_sockets(std::uint32_t process, bool (*counts)(const model::Socket&)) const;
  // The first socket of a namespace, and the one after its last: they stand together.
  std::pair<std::uint32_t, std::uint32_t> sockets_in(std::uint32_t netns) const;
  // The sockets in groups that are alike by `compare` (negative, 0, positive: a stands before b, with it, after it).
  std::vector<Indexes> groups(Indexes sockets, int (*compare)(const model::Socket& a, const model::Socket& b)) const;
  // Who holds it, indexes into processes, each once.
  Indexes holding_processes(std::uint32_t socket) const;
  // True where `ancestor` is a parent of `process`, or a parent's parent, ...
  bool descends(std::uint32_t process, std::uint32_t ancestor) const;

  // --- words, with the host's bytes as they are

  // "sh[81] of www-data (uid 33), docker 0123456789ab, unit nginx.service".
  void put_process(Text& text, std::uint32_t process) const;
  // The same of several, at most kMaxNamed and how many more.
  void put_processes(Text& text, const Indexes& processes) const;
  // "tcp 10.0.0.5:41000 -> 203.0.113.9:4444", "unix stream /run/x", "packet raw on eth0"; of another namespace " in blue".
  void put_socket(Text& text, std::uint32_t socket) const;
  // The first one and how many more.
  void put_sockets(Text& text, const Indexes& sockets) const;
  // Who holds it, as put_processes(); else why nobody does.
  void put_holders(Text& text, std::uint32_t socket) const;
  std::string interface(std::uint32_t netns, std::uint32_t index) const;  // "eth0", "interface 3"; "every interface" for 0

  // --- findings

  // Adds one, with the places of the sockets in the archive.
  model::Finding& report(std::vector<model::Finding>& findings, const Rule& rule, Text& sentence, Indexes sockets, Indexes processes) const;
  // One about a socket and who holds it.
  model::Finding& report(std::vector<model::Finding>& findings, const Rule& rule, Text& sentence, std::uint32_t socket) const;
  // Adds the place of a file of the process: `file` links, fds, stat, cmdline, ...; `part` the entry: exe, 0, ...
  void add_evidence(model::Finding& finding, std::uint32_t process, std::string_view file, std::string_view part = {}) const;

 private:
  std::vector<std::vector<Holding>> holdings_;         // of each process
  std::vector<std::optional<std::uint32_t>> parents_;  // of each process
  bool plain_copy_ = false;                            // of /proc: symlinks are members of their own
};

// Certain or probable, of a process that the snapshot has.
bool is_holder(const model::Snapshot& snapshot, const model::Owner& owner);
bool is_ip(const model::Socket& socket);
bool is_datagram(const model::Socket& socket);  // UDP and UDP-Lite
// A connection of an IP family: neither listening, nor merely bound, nor a remainder of one.
bool is_connected(const model::Socket& socket);
// Accepts connections, or takes datagrams from anybody.
bool is_listener(const model::Socket& socket);
// -1, 0 or 1 as the first that differs says: namespaces, then peers' addresses.
int compare_peers(const model::Socket& a, const model::Socket& b);
bool is_any(const model::Socket& socket);  // true
// A number of tcp_info by its name; nullopt where it was not told.
std::optional<std::uint64_t> info_of(const model::Socket& socket, std::string_view name);

}  // namespace ssnap::analyze
