// What is new, gone or changed between two snapshots (docs/diff.md, docs/adr/0020).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::analyze {

// The two snapshots, as an index.
enum Side : std::size_t { kOld = 0, kNew = 1 };
inline Side other(Side side) { return side == kOld ? kNew : kOld; }

// What the two have in common, which decides what things are matched by.
enum class Basis : std::uint8_t {
  same_boot,   // boot id: sockets by cookie, inode and address, processes by pid and start, namespaces by inode
  other_boot,  // the same host started anew: by what stays meaningful
  other_host,  // likewise; users by name
  unknown,     // one of them doesn't say: likewise
};
std::string_view basis_name(Basis basis);  // "same-boot", ...

enum class DiffKind : std::uint8_t { listener, socket, process, netns, interface, route };
std::string_view kind_name(DiffKind kind);  // "listener", ..., "namespace", ...

enum class Change : std::uint8_t { appeared, changed, gone };
std::string_view change_name(Change change);  // "new", "changed", "gone"

// Why a difference is none that matters: it is counted, not listed. docs/diff.md states each rule.
enum class Noise : std::uint8_t {
  none,
  replaced,   // a connection in whose place there is another of the same program to the same peer
  passing,    // no process holds it: it is being opened or closed, or came or went while the capture ran
  kernels,    // the kernel's own socket or thread
  unnamed,    // a socket without a name: one end of a pair
  inbound,    // another boot or host: a connection that a listener has accepted
  number,     // another boot or host: one more, or one less, of what is in both
  program,    // a process, or holder, of a program that is in both
  collector,  // the process that took the snapshot, and what it held
  unseen,     // owners that one of the captures could not see
};
constexpr std::size_t kNoiseCount = 10;
std::string_view noise_name(Noise noise);  // "replaced", ...
std::string_view noise_text(Noise noise);  // "connections replaced by others of ...": what is counted

// One value that differs. Both may hold bytes of the host; "" where that side has none.
struct FieldChange {
  std::string_view field;
  std::string before, after;
};

struct DiffItem {
  DiffKind kind{};
  Change change{};
  Noise noise{};
  // Index into the sockets, processes or namespaces of each snapshot; of an interface or route into those of its
  // namespace's tables. Absent on the side that doesn't have it.
  std::array<std::optional<std::uint32_t>, 2> index;
  std::uint32_t count = 1;                // process: so many of the same program
  std::array<std::uint32_t, 2> netns{};   // interface, route: index into namespaces
  bool ipv6 = false;                      // route: of NetTables::routes6
  std::vector<FieldChange> fields;
  std::vector<std::uint32_t> owners_lost, owners_gained;  // indexes into the processes of OLD, of NEW
  // Why it may be no difference: "OLD has no packet table". "": it is one.
  std::string doubt;
};

struct Diff {
  Basis basis{};
  bool reversed = false;            // NEW was taken before OLD
  std::vector<DiffItem> items;      // by kind, change, place in the snapshot; noise among them
  std::vector<std::string> notes;   // what could not be compared at all
  std::array<std::uint64_t, kNoiseCount> noise{};  // items, by Noise; noise[0]: those that matter
};

// What of each snapshot is of interest.
struct DiffScope {
  std::array<std::vector<bool>, 2> sockets;     // by index: selected. A pair is shown where either end is
  std::array<std::vector<bool>, 2> namespaces;  // by index: interfaces, routes and namespaces
  bool narrowed = false;      // sockets were chosen by switches or FILTER: namespaces, interfaces and routes don't count
  bool holders_only = false;  // of processes those that hold a selected socket
};
// Everything.
DiffScope whole_scope(const model::Snapshot& before, const model::Snapshot& after);

// Of an IPv4 route the length of its mask.
std::uint32_t prefix_length(const model::Route& route);

// In the time of sorting. Neither what an archive claims twice nor what it leaves out is an error.
Diff diff_snapshots(const model::Snapshot& before, const model::Snapshot& after, const DiffScope& scope);

}  // namespace ssnap::analyze
