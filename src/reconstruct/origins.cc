// How the holders of a socket came to hold it. A descriptor leaves no trace of its way: it came by fork(), with the number
// that it had, or in a message (SCM_RIGHTS), with the lowest number that was free. What is concluded is therefore never
// certain.
#include <algorithm>
#include <limits>
#include <tuple>

#include "base/hash.h"
#include "reconstruct/passes.h"
#include "reconstruct/relations.h"

namespace ssnap::reconstruct {
namespace {

using model::Certainty;
using model::Clue;
using model::Origin;
using model::Process;
using model::Socket;

constexpr std::uint32_t kFirstPassedFd = 3;       // SD_LISTEN_FDS_START of sd_listen_fds(3)
constexpr std::uint32_t kMaxActivationFds = 64;   // of one process; services have a handful

// A process that holds the socket, by its own table or a thread's, and what is concluded of it.
struct Holder {
  std::uint32_t process = 0;
  base::SmallList<std::uint32_t, 2> fds;  // of all its tables, ascending
  std::optional<std::size_t> ancestor{};  // the nearest one that holds it too, index into the holders
  model::Owner verdict{};                 // origin, origin_certainty, clues, from
  bool settled = false;                   // a root with a verdict: see inherited_from_parents()
};

// Where the socket comes from, if not from a holder that others descend from.
struct Lineage {
  std::uint32_t process = 0;          // stands for it: the holder that others descend from, or the parent that was
  std::vector<std::size_t> settled{};  // its children, index into the holders; none: the process is a holder itself
  std::size_t holder = 0;             // that one
};

bool same_session(const Process& a, const Process& b) {
  return a.session.value_or(0) > 0 && a.session == b.session;
}

bool share_fd(const Holder& a, const Holder& b) {
  const auto& few = a.fds.size() < b.fds.size() ? a.fds : b.fds;
  const auto& many = a.fds.size() < b.fds.size() ? b.fds : a.fds;
  return std::any_of(few.begin(), few.end(),
                     [&](std::uint32_t fd) { return std::binary_search(many.begin(), many.end(), fd); });
}

bool has_standard_stream(const Holder& holder) { return !holder.fds.empty() && holder.fds.front() < kFirstPassedFd; }

class Tracer {
 public:
  explicit Tracer(model::Snapshot& snapshot)
      : snapshot_(snapshot), kinship_(snapshot), channels_(snapshot), activation_(snapshot.processes.size()),
        exes_(snapshot.processes.size()) {
    base::HashMap<std::string_view, std::uint32_t> exe_numbers;
    for (std::size_t i = 0; i < snapshot.processes.size(); ++i)
      if (const auto& exe = snapshot.processes[i].exe)
        exes_[i] = exe_numbers.emplace(*exe, static_cast<std::uint32_t>(exe_numbers.size() + 1)).first->second;
  }

  // First of all sockets: which fds from 3 on a process holds with an ancestor.
  void note_activation(const Socket& socket) {
    if (socket.owners.size() < 2) return;
    for (const Holder& holder : holders_of(socket))
      if (holder.ancestor)
        for (const std::uint32_t fd : holder.fds)
          if (fd >= kFirstPassedFd && fd - kFirstPassedFd < kMaxActivationFds)
            activation_[holder.process] |= std::uint64_t{1} << (fd - kFirstPassedFd);
  }

  void trace(std::uint32_t index) {
    Socket& socket = snapshot_.sockets[index];
    if (socket.owners.size() < 2) return;
    std::vector<Holder> holders = holders_of(socket);
    if (holders.size() < 2) return;
    for (Holder& holder : holders)
      if (holder.ancestor) inherited_from_ancestor(holder, holders[*holder.ancestor], index);
    conclude(index, holders);
    for (model::Owner& owner : socket.owners) {
      if (!holds_by_table(owner) || owner.process >= snapshot_.processes.size()) continue;
      const auto holder = std::lower_bound(holders.begin(), holders.end(), owner.process,
                                           [](const Holder& one, std::uint32_t p) { return one.process < p; });
      owner.origin = holder->verdict.origin;
      owner.origin_certainty = holder->verdict.origin_certainty;
      owner.clues = holder->verdict.clues;
      owner.from = holder->verdict.from;
    }
  }

 private:
  const Process& process(const Holder& holder) const { return snapshot_.processes[holder.process]; }

  // By process, each with its nearest ancestor among them.
  std::vector<Holder> holders_of(const Socket& socket) const {
    std::vector<Holder> holders;
    for (const model::Owner& owner : socket.owners) {
      if (!holds_by_table(owner) || owner.process >= snapshot_.processes.size()) continue;
      if (holders.empty() || holders.back().process != owner.process) {
        holders.push_back({owner.process, owner.fds});
      } else {
        auto& fds = holders.back().fds;
        for (const std::uint32_t fd : owner.fds) fds.push_back(fd);
        std::sort(fds.begin(), fds.end());
        fds.erase(std::unique(fds.begin(), fds.end()), fds.end());
      }
    }
    if (holders.size() < 2) return holders;
    // In the order of the tree, the ancestors of each are those whose descendants have not come to an end.
    std::vector<std::size_t> order(holders.size()), open;
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return kinship_.begin(holders[a].process) < kinship_.begin(holders[b].process);
    });
    for (const std::size_t i : order) {
      while (!open.empty() && kinship_.end(holders[open.back()].process) <= kinship_.begin(holders[i].process)) open.pop_back();
      if (!open.empty()) holders[i].ancestor = open.back();
      open.push_back(i);
    }
    return holders;
  }

  // All fds from 3 up to one of the socket's are sockets of an ancestor too: as socket activation hands them over.
  bool is_activation(const Holder& holder) const {
    if (process(holder).forked_only) return false;
    const std::uint64_t bits = activation_[holder.process];
    for (const std::uint32_t fd : holder.fds) {
      if (fd < kFirstPassedFd || fd - kFirstPassedFd >= kMaxActivationFds) continue;
      const std::uint64_t up_to = ~std::uint64_t{0} >> (kMaxActivationFds - 1 - (fd - kFirstPassedFd));
      if ((bits & up_to) == up_to) return true;
    }
    return false;
  }

  void inherited_from_ancestor(Holder& holder, const Holder& ancestor, std::uint32_t socket) {
    model::Owner& verdict = holder.verdict;
    verdict.origin = Origin::inherited;
    verdict.from = ancestor.process;
    add_clue(verdict, Clue::ancestor_holds);
    if (same_session(process(holder), process(ancestor))) add_clue(verdict, Clue::same_session);
    if (process(holder).forked_only) add_clue(verdict, Clue::never_executed);
    if (share_fd(holder, ancestor)) return add_clue(verdict, Clue::same_fd);
    add_clue(verdict, Clue::other_fd);
    if (has_standard_stream(holder)) return add_clue(verdict, Clue::standard_stream);
    const bool channel = channels_.connect(holder.process, ancestor.process, socket);
    if (channel) add_clue(verdict, Clue::unix_channel);
    if (is_activation(holder)) {
      // The first descriptor that a process is passed may get number 3 as well.
      add_clue(verdict, Clue::activation);
      if (channel) verdict.origin_certainty = Certainty::possible;
    } else if (channel) {
      verdict.origin = Origin::passed;
    } else {
      verdict.origin_certainty = Certainty::possible;
    }
  }

  // What speaks for one of several processes, each the index of the only one that fits. Where a process does not tell,
  // nothing is said: it may fit as well.
  struct Fits {
    std::optional<std::size_t> uid, cgroup, netns, first;
  };
  Fits fits_of(const Socket& socket, const std::vector<std::uint32_t>& processes) const {
    const auto only = [&](const auto& says) {
      std::optional<std::size_t> found;
      for (std::size_t i = 0; i < processes.size(); ++i) {
        const std::optional<bool> fits = says(snapshot_.processes[processes[i]]);
        if (!fits || (*fits && found)) return std::optional<std::size_t>();
        if (*fits) found = i;
      }
      return found;
    };
    Fits fits;
    if (socket.uid)
      fits.uid = only([&](const Process& p) {
        const auto& uid = p.euid ? p.euid : p.uid;
        return uid ? std::optional(*uid == *socket.uid) : std::nullopt;
      });
    if (socket.details && socket.details->cgroup_id)
      if (const auto path = snapshot_.cgroups.find(*socket.details->cgroup_id); path != snapshot_.cgroups.end())
        fits.cgroup = only([&](const Process& p) { return p.cgroup ? std::optional(*p.cgroup == path->second) : std::nullopt; });
    if (socket.netns < snapshot_.namespaces.size())
      if (const auto& netns = snapshot_.namespaces[socket.netns]; netns.inode != 0 && !netns.unknown)
        fits.netns = only([&](const Process& p) {
          const auto own = p.namespaces.find("net");
          return own != p.namespaces.end() ? std::optional(own->second == netns.inode) : std::nullopt;
        });
    auto earliest = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint32_t i : processes) earliest = std::min(earliest, snapshot_.processes[i].start_ticks.value_or(earliest));
    fits.first = only([&](const Process& p) {
      return p.start_ticks ? std::optional(*p.start_ticks == earliest) : std::nullopt;
    });
    return fits;
  }

  static void add_fits(model::Owner& verdict, const Fits& fits, std::size_t index) {
    if (fits.uid == index) add_clue(verdict, Clue::same_uid);
    if (fits.cgroup == index) add_clue(verdict, Clue::same_cgroup);
    if (fits.netns == index) add_clue(verdict, Clue::same_netns);
    if (fits.first == index) add_clue(verdict, Clue::started_first);
  }

  static bool strongly(const Fits& fits, std::size_t index) {
    return fits.uid == index || fits.cgroup == index || fits.netns == index;
  }

  // Of the host or of a pid namespace: the orphans of all others become its children.
  bool is_init(std::uint32_t process) const {
    const Process& one = snapshot_.processes[process];
    return one.pid == 1 || (one.ns_pids.size() > 1 && one.ns_pids.back() == 1);
  }

  // A child that its parent may have had before it was given to another: init and subreapers get the children of the dead,
  // which are of other sessions and executables.
  bool may_be_own_child(std::uint32_t parent, const Holder& holder) const {
    const Process &one = snapshot_.processes[parent], &child = process(holder);
    const bool known_exe = exes_[parent] != 0 && exes_[holder.process] != 0;
    const bool same_exe = known_exe && exes_[parent] == exes_[holder.process];
    if (is_init(parent)) return same_exe;
    if (!known_exe || same_exe) return true;
    return !child.forked_only && (same_session(one, child) || !one.session || !child.session);
  }

  // Its parent ended, or is not known.
  bool may_be_orphan(const Holder& holder) const {
    const auto parent = kinship_.parent(holder.process);
    return !parent || !may_be_own_child(*parent, holder);
  }

  // Roots that hold the socket at the same fd, by what else they have in common: sorted, the same things are neighbours.
  template <class Key>
  static std::vector<std::size_t> in_common(std::vector<std::pair<Key, std::size_t>> list) {
    std::sort(list.begin(), list.end());
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const bool before = i > 0 && list[i - 1].first == list[i].first;
      const bool after = i + 1 < list.size() && list[i + 1].first == list[i].first;
      if (before || after) found.push_back(list[i].second);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  void settle(Holder& holder, std::optional<std::uint32_t> parent, Certainty certainty) const {
    holder.settled = true;
    holder.verdict.origin = Origin::inherited;
    holder.verdict.origin_certainty = certainty;
    holder.verdict.from = parent;
    add_clue(holder.verdict, Clue::parent_held);
    if (process(holder).forked_only) add_clue(holder.verdict, Clue::never_executed);
    if (parent && same_session(process(holder), snapshot_.processes[*parent])) add_clue(holder.verdict, Clue::same_session);
  }

  // What tells of one of several siblings alone, and not of their parent, speaks against a parent that had it.
  bool one_sibling_made_it(std::uint32_t index, const std::vector<Holder>& holders, const std::vector<std::size_t>& roots) const {
    std::vector<std::uint32_t> processes, parents;
    for (const std::size_t i : roots) {
      processes.push_back(holders[i].process);
      if (const auto parent = kinship_.parent(holders[i].process)) parents.push_back(*parent);
    }
    std::sort(parents.begin(), parents.end());
    parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
    processes.insert(processes.end(), parents.begin(), parents.end());
    const Fits fits = fits_of(snapshot_.sockets[index], processes);
    const auto is_sibling = [&](const std::optional<std::size_t>& fit) {
      if (!fit || *fit >= roots.size()) return false;
      const auto parent = kinship_.parent(holders[roots[*fit]].process);
      return parent && std::any_of(roots.begin(), roots.end(), [&](std::size_t i) {
        return i != roots[*fit] && kinship_.parent(holders[i].process) == parent;
      });
    };
    return is_sibling(fits.uid) || is_sibling(fits.cgroup) || is_sibling(fits.netns);
  }

  // Siblings that hold it where their parent doesn't: it had it, and closed it or ended.
  std::vector<Lineage> inherited_from_parents(std::uint32_t index, std::vector<Holder>& holders,
                                              const std::vector<std::size_t>& roots) {
    if (one_sibling_made_it(index, holders, roots)) return {};
    using ByParent = std::pair<std::uint32_t, std::uint32_t>;  // and fd
    std::vector<std::pair<ByParent, std::size_t>> siblings;
    for (const std::size_t i : roots)
      if (const auto parent = kinship_.parent(holders[i].process); parent && may_be_own_child(*parent, holders[i]))
        for (const std::uint32_t fd : holders[i].fds) siblings.push_back({{*parent, fd}, i});
    std::vector<Lineage> lineages;
    base::HashMap<std::uint32_t, std::size_t> by_parent;
    const auto join = [&](std::uint32_t parent, std::size_t i) {
      const auto [at, is_new] = by_parent.emplace(parent, lineages.size());
      if (is_new) lineages.push_back({parent});
      lineages[at->second].settled.push_back(i);
    };
    for (const std::size_t i : in_common(std::move(siblings))) {
      const std::uint32_t parent = *kinship_.parent(holders[i].process);
      // Of an init it may be a child by adoption, whatever it runs.
      settle(holders[i], parent, is_init(parent) ? Certainty::possible : Certainty::probable);
      add_clue(holders[i].verdict, Clue::same_fd);
      join(parent, i);
    }
    // The numbers may agree by chance where one sibling could pass it to the other.
    for (const Lineage& lineage : lineages) {
      for (const std::size_t i : lineage.settled) {
        const std::size_t other = i == lineage.settled.front() ? lineage.settled.back() : lineage.settled.front();
        if (process(holders[i]).forked_only || !channels_.connect(holders[i].process, holders[other].process, index)) continue;
        add_clue(holders[i].verdict, Clue::unix_channel);
        holders[i].verdict.origin_certainty = Certainty::possible;
      }
    }
    // Commands that a parent started with the socket as a standard stream of each.
    std::vector<std::pair<std::uint32_t, std::size_t>> commands;
    for (const std::size_t i : roots) {
      const auto parent = kinship_.parent(holders[i].process);
      if (!parent || !may_be_own_child(*parent, holders[i])) continue;
      if (holders[i].settled || has_standard_stream(holders[i])) commands.emplace_back(*parent, i);
    }
    for (const std::size_t i : in_common(std::move(commands))) {
      if (holders[i].settled) continue;
      const std::uint32_t parent = *kinship_.parent(holders[i].process);
      settle(holders[i], parent, Certainty::possible);
      add_clue(holders[i].verdict, Clue::standard_stream);
      join(parent, i);
    }
    // A process that ended: the same fd in the same session, or of the same executable and now of the same parent.
    std::vector<std::pair<std::pair<std::int64_t, std::uint32_t>, std::size_t>> sessions;
    std::vector<std::pair<std::tuple<std::int64_t, std::uint32_t, std::uint32_t>, std::size_t>> executables;
    for (const std::size_t i : roots) {
      const Process& one = process(holders[i]);
      if (holders[i].settled || !may_be_orphan(holders[i])) continue;
      for (const std::uint32_t fd : holders[i].fds) {
        if (one.session.value_or(0) > 0) sessions.push_back({{*one.session, fd}, i});
        if (exes_[holders[i].process] != 0 && one.ppid) executables.push_back({{*one.ppid, exes_[holders[i].process], fd}, i});
      }
    }
    std::vector<std::size_t> orphans;
    for (const std::size_t i : in_common(std::move(sessions))) {
      settle(holders[i], std::nullopt, Certainty::possible);
      add_clue(holders[i].verdict, Clue::same_session);
      orphans.push_back(i);
    }
    for (const std::size_t i : in_common(std::move(executables))) {
      if (holders[i].settled) continue;
      settle(holders[i], std::nullopt, Certainty::possible);
      orphans.push_back(i);
    }
    if (orphans.empty()) return lineages;
    // The first of them stands for the one that ended.
    std::sort(orphans.begin(), orphans.end());
    const auto start = [&](std::size_t i) { return process(holders[i]).start_ticks.value_or(UINT64_MAX); };
    for (const std::size_t i : orphans) add_clue(holders[i].verdict, Clue::same_fd);
    const std::size_t first = *std::min_element(orphans.begin(), orphans.end(),
                                                [&](std::size_t a, std::size_t b) { return start(a) < start(b); });
    lineages.push_back({holders[first].process, std::move(orphans)});
    return lineages;
  }

  // A child that made the socket and passed it to its ancestor: the socket has its uid, cgroup or namespace, and not the
  // ancestor's.
  std::optional<std::size_t> made_below(const std::vector<Holder>& holders, std::size_t root, const Fits& fits) const {
    if (strongly(fits, root)) return std::nullopt;
    std::optional<std::size_t> maker;
    for (const auto& fit : {fits.uid, fits.cgroup, fits.netns}) {
      if (!fit) continue;
      if (maker && *maker != *fit) return std::nullopt;
      maker = fit;
    }
    const bool passed = maker && holders[*maker].ancestor == root && holders[*maker].verdict.origin == Origin::passed;
    return passed ? maker : std::nullopt;
  }

  void conclude(std::uint32_t index, std::vector<Holder>& holders) {
    const Socket& socket = snapshot_.sockets[index];
    std::vector<std::size_t> roots;
    for (std::size_t i = 0; i < holders.size(); ++i)
      if (!holders[i].ancestor) roots.push_back(i);
    std::vector<Lineage> lineages;
    if (roots.size() > 1) lineages = inherited_from_parents(index, holders, roots);
    for (const std::size_t i : roots)
      if (!holders[i].settled) lineages.push_back({holders[i].process, {}, i});
    if (lineages.size() > 1) return choose(index, lineages, holders);
    if (!lineages.front().settled.empty()) return;

    // One from which all others descend.
    std::vector<std::uint32_t> processes;
    for (const Holder& holder : holders) processes.push_back(holder.process);
    const Fits fits = fits_of(socket, processes);
    const std::size_t root = lineages.front().holder;
    model::Owner& verdict = holders[root].verdict;
    if (const auto maker = made_below(holders, root, fits)) {
      verdict.origin = Origin::passed;
      verdict.from = holders[*maker].process;
      add_clue(verdict, Clue::other_fd);
      add_clue(verdict, Clue::unix_channel);
      holders[*maker].verdict = {};
      holders[*maker].verdict.origin = Origin::creator;
      add_fits(holders[*maker].verdict, fits, *maker);
      return;
    }
    verdict.origin = Origin::creator;
    add_clue(verdict, Clue::others_descend);
    add_fits(verdict, fits, root);
    for (const auto& fit : {fits.uid, fits.cgroup, fits.netns})
      if (fit && *fit != root) verdict.origin_certainty = Certainty::possible;
  }

  // A child of a child that ended, in a session of its own, as daemons are.
  bool may_descend(const Holder& holder, const Lineage& maker, const std::vector<Holder>& holders) const {
    if (!maker.settled.empty() || !may_be_orphan(holder) || !share_fd(holder, holders[maker.holder])) return false;
    const auto &own = process(holder).start_ticks, &makers = process(holders[maker.holder]).start_ticks;
    return own && makers && *makers < *own;
  }

  // Of several that do not descend from each other one made it, or had it first; the others were passed it.
  void choose(std::uint32_t index, const std::vector<Lineage>& lineages, std::vector<Holder>& holders) {
    const Socket& socket = snapshot_.sockets[index];
    std::vector<std::uint32_t> processes;
    for (const Lineage& lineage : lineages) processes.push_back(lineage.process);
    const Fits fits = fits_of(socket, processes);
    // The cgroup and the namespace are those in which it was made; the uid is more often shared or changed.
    const auto maker = fits.cgroup ? fits.cgroup : fits.netns ? fits.netns : fits.uid ? fits.uid : fits.first;
    const auto disagrees = [&](const std::optional<std::size_t>& fit) { return fit && *fit != *maker; };
    const bool conflict = maker && (disagrees(fits.cgroup) || disagrees(fits.netns) || disagrees(fits.uid));
    const bool sure = maker && strongly(fits, *maker) && !conflict;
    // The process that ended is none that could be named.
    std::optional<std::uint32_t> from;
    if (maker && (lineages[*maker].settled.empty() || holders[lineages[*maker].settled.front()].verdict.from))
      from = lineages[*maker].process;
    for (std::size_t i = 0; i < lineages.size(); ++i) {
      const Lineage& lineage = lineages[i];
      if (!lineage.settled.empty()) {
        if (maker != i)
          for (const std::size_t child : lineage.settled) holders[child].verdict.origin_certainty = Certainty::possible;
        continue;
      }
      model::Owner& verdict = holders[lineage.holder].verdict;
      add_clue(verdict, Clue::no_kinship);
      if (maker == i) {
        verdict.origin = Origin::creator;
        verdict.origin_certainty = sure ? Certainty::probable : Certainty::possible;
        add_fits(verdict, fits, i);
      } else if (maker) {
        verdict.origin = Origin::passed;
        verdict.from = from;
        const bool channel = from && channels_.connect(lineage.process, *from, index);
        if (channel) add_clue(verdict, Clue::unix_channel);
        verdict.origin_certainty = channel && !conflict ? Certainty::probable : Certainty::possible;
        if (!channel && may_descend(holders[lineage.holder], lineages[*maker], holders)) {
          verdict.origin = Origin::inherited;
          add_clue(verdict, Clue::same_fd);
        }
      }
    }
  }

  model::Snapshot& snapshot_;
  const Kinship kinship_;
  Channels channels_;
  std::vector<std::uint64_t> activation_;  // by process: bit 0 fd 3, ...
  std::vector<std::uint32_t> exes_;        // by process: the same number, the same executable; 0: not known
};

}  // namespace

void trace_origins(model::Snapshot& snapshot) {
  Tracer tracer(snapshot);
  for (const Socket& socket : snapshot.sockets) tracer.note_activation(socket);
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) tracer.trace(i);
}

}  // namespace ssnap::reconstruct
