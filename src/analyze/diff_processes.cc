// Processes: by pid and start within a boot, and by what they run.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "analyze/diff_match.h"

namespace ssnap::analyze {
namespace {

using model::Process;

std::string number(const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : ""; }

std::string mask(const std::optional<std::uint64_t>& value) {
  if (!value) return "";
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(*value));
  return text;
}

// A change between two values that both captures could read: absence means that one could not.
void add_known(std::vector<FieldChange>& fields, std::string_view field, const std::string& before, const std::string& after) {
  if (!before.empty() && !after.empty()) add_change(fields, field, before, after);
}

class ProcessDiff {
 public:
  ProcessDiff(const Matching& matching, const DiffScope& scope, Diff& diff) : matching_(matching), diff_(diff) {
    for (const Side side : {kOld, kNew}) {
      const model::Snapshot& snapshot = matching.of(side);
      wanted_[side].assign(snapshot.processes.size(), !scope.holders_only);
      if (!scope.holders_only) continue;
      for (std::size_t i = 0; i < snapshot.sockets.size(); ++i)
        if (scope.sockets[side][i])
          for (const model::Owner& owner : snapshot.sockets[i].owners)
            if (owner.process < snapshot.processes.size()) wanted_[side][owner.process] = true;
    }
  }

  void run() {
    for (std::uint32_t before = 0; before < matching_.of(kOld).processes.size(); ++before)
      if (const auto after = matching_.other_process(kOld, before); after && (wanted_[kOld][before] || wanted_[kNew][*after]))
        compare(before, *after);
    compare_programs();
    for (const Side side : {kOld, kNew}) add_others(side);
  }

 private:
  void compare(std::uint32_t before, std::uint32_t after) {
    const Process& a = matching_.of(kOld).processes[before];
    const Process& b = matching_.of(kNew).processes[after];
    DiffItem item;
    auto& fields = item.fields;
    add_known(fields, "exe", a.exe.value_or(""), b.exe.value_or(""));
    add_known(fields, "exe_sha256", a.exe_sha256.value_or(""), b.exe_sha256.value_or(""));
    // A worker of the kernel is called after its work.
    if (!a.kernel_thread) add_known(fields, "comm", a.comm, b.comm);
    add_known(fields, "uid", number(a.uid), number(b.uid));
    add_known(fields, "euid", number(a.euid), number(b.euid));
    add_known(fields, "gid", number(a.gid), number(b.gid));
    add_known(fields, "egid", number(a.egid), number(b.egid));
    add_known(fields, "capabilities", mask(a.capabilities_effective), mask(b.capabilities_effective));
    add_known(fields, "security_label", a.security_label.value_or(""), b.security_label.value_or(""));
    add_known(fields, "root", a.root.value_or(""), b.root.value_or(""));
    add_known(fields, "cgroup", a.cgroup.value_or(""), b.cgroup.value_or(""));
    add_known(fields, "netns", netns_of(a), netns_of(b));
    if (fields.empty()) return;
    item.kind = DiffKind::process;
    item.change = Change::changed;
    item.index = {before, after};
    if (matching_.is_collector(kOld, before) || matching_.is_collector(kNew, after)) item.noise = Noise::collector;
    diff_.items.push_back(std::move(item));
  }

  static std::string netns_of(const Process& process) {
    const auto inode = process.namespaces.find("net");
    return inode == process.namespaces.end() ? "" : std::to_string(inode->second);
  }

  // The same program, but another file in its place.
  void compare_programs() {
    std::array<std::map<std::string_view, std::map<std::string, std::uint32_t>>, 2> hashes;  // program -> hash -> process
    for (const Side side : {kOld, kNew})
      for (std::uint32_t i = 0; i < matching_.of(side).processes.size(); ++i)
        if (const auto& hash = matching_.of(side).processes[i].exe_sha256; hash && wanted_[side][i])
          hashes[side][matching_.program(side, i)].emplace(*hash, i);
    for (const auto& [program, before] : hashes[kOld]) {
      const auto after = hashes[kNew].find(program);
      if (after == hashes[kNew].end()) continue;
      const auto added = std::find_if(after->second.begin(), after->second.end(), [&, &old = before](const auto& hash) { return old.count(hash.first) == 0; });
      if (added == after->second.end()) continue;
      // Within a boot a process that is there still has said so.
      if (matching_.other_process(kNew, added->second)) continue;
      DiffItem item;
      item.kind = DiffKind::process;
      item.change = Change::changed;
      item.index = {before.begin()->second, added->second};
      item.fields.push_back({"exe_sha256", before.begin()->first, added->first});
      diff_.items.push_back(std::move(item));
    }
  }

  // One item a program that the other side hasn't got; what it has is noise, a process each.
  void add_others(Side side) {
    const model::Snapshot& snapshot = matching_.of(side);
    std::map<std::string_view, std::size_t> items;  // program -> into diff_.items
    std::string doubt = incomplete_doubt(matching_.of(other(side)), other(side));
    if (doubt.empty() && left_out(matching_.of(other(side)), "proc_list")) doubt = side_word(other(side)) + " doesn't have every process";
    for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) {
      if (!wanted_[side][i] || matching_.other_process(side, i)) continue;
      const std::string& program = matching_.program(side, i);
      const Noise noise = matching_.is_collector(side, i)              ? Noise::collector
                          : snapshot.processes[i].kernel_thread        ? Noise::kernels
                          : matching_.has_program(other(side), program) ? Noise::program
                                                                        : Noise::none;
      if (noise == Noise::program && !matching_.same_boot()) continue;  // it is the same one, as far as there is such a thing
      if (noise == Noise::none) {
        const auto [known, is_new] = items.emplace(program, diff_.items.size());
        if (!is_new) {
          ++diff_.items[known->second].count;
          continue;
        }
      }
      DiffItem item;
      item.kind = DiffKind::process;
      item.change = side == kOld ? Change::gone : Change::appeared;
      item.noise = noise;
      item.index[side] = i;
      item.doubt = doubt;
      diff_.items.push_back(std::move(item));
    }
  }

  const Matching& matching_;
  Diff& diff_;
  std::array<std::vector<bool>, 2> wanted_;
};

}  // namespace

void diff_processes(const Matching& matching, const DiffScope& scope, Diff& diff) { ProcessDiff(matching, scope, diff).run(); }

}  // namespace ssnap::analyze
