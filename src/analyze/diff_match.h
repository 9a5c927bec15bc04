// What the parts of a diff share: things paired by key, and what one snapshot's names are in the other. Internal to diff.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyze/diff.h"

namespace ssnap::analyze {

// What a thing is found by on the other side, out of parts. Kernel strings may hold any byte but NUL, which separates.
class Key {
 public:
  explicit Key(std::string_view kind) : text_(kind) {}
  Key& add(std::string_view part) {
    text_ += '\0';
    text_ += part;
    return *this;
  }
  Key& add(std::uint64_t part) { return add(std::to_string(part)); }
  Key& add(const base::IpAddress& address) {
    return add({reinterpret_cast<const char*>(address.bytes.data()), address.length}).add(address.length);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// What is not paired yet: indexes, ascending.
using Unpaired = std::array<std::vector<std::uint32_t>, 2>;

// Pairs up what has the same key, one by one in their order, and takes it out of `left`. `key_of` gives "" for what takes
// no part. `on_surplus`, where given, gets (and `left` loses) what is more on one side of a key that both have.
using KeyOf = std::function<std::string(Side, std::uint32_t)>;
void pair_up(Unpaired& left, const KeyOf& key_of,
             const std::function<void(std::uint32_t, std::uint32_t)>& on_pair,
             const std::function<void(Side, std::uint32_t)>& on_surplus = nullptr);
Unpaired all_of(std::size_t before, std::size_t after);

// Both snapshots, and what is the same in them.
class Matching {
 public:
  Matching(const model::Snapshot& before, const model::Snapshot& after);

  const model::Snapshot& of(Side side) const { return *snapshots_[side]; }
  Basis basis() const { return basis_; }
  bool same_boot() const { return basis_ == Basis::same_boot; }

  // A namespace's name in keys: equal for two that are the same one. "": there is no such namespace.
  const std::string& netns_key(Side side, std::uint32_t netns) const;
  std::optional<std::uint32_t> other_netns(Side side, std::uint32_t netns) const;
  // Same boot: the same process on the other side.
  std::optional<std::uint32_t> other_process(Side side, std::uint32_t process) const;
  // What it runs, as whom and where: what is left of a process when its pid doesn't count.
  const std::string& program(Side side, std::uint32_t process) const { return programs_[side][process]; }
  bool has_program(Side side, const std::string& program) const { return known_programs_[side].count(program) != 0; }
  bool is_collector(Side side, std::uint32_t process) const;
  // "www-data(33)" is "www-data" between hosts, "33" on one.
  std::string user(Side side, std::uint32_t uid) const;

 private:
  void match_namespaces();
  void match_processes();
  std::string program_of(Side side, const model::Process& process) const;

  std::array<const model::Snapshot*, 2> snapshots_;
  Basis basis_;
  std::array<std::vector<std::string>, 2> netns_keys_, programs_;
  std::array<std::vector<std::optional<std::uint32_t>>, 2> other_netns_, other_process_;
  std::array<std::set<std::string>, 2> known_programs_;
};

// "OLD", "NEW".
std::string side_word(Side side);
// Where `side` may lack what was there: the doubt about what only the other one has. "": it was whole.
std::string incomplete_doubt(const model::Snapshot& snapshot, Side side);
// True where a listing of `source` left something out.
bool left_out(const model::Snapshot& snapshot, std::string_view source);
void add_change(std::vector<FieldChange>& fields, std::string_view field, std::string before, std::string after);

// diff_sockets.cc, diff_processes.cc, diff_net.cc: each adds its items.
void diff_sockets(const Matching& matching, const DiffScope& scope, Diff& diff);
void diff_processes(const Matching& matching, const DiffScope& scope, Diff& diff);
void diff_namespaces(const Matching& matching, const DiffScope& scope, Diff& diff);
void diff_net_tables(const Matching& matching, const DiffScope& scope, Diff& diff);

}  // namespace ssnap::analyze
