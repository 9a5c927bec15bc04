#include "capture/capture.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/text_cursor.h"
#include "capture/cgroup_ids.h"
#include "capture/clock.h"
#include "capture/differences.h"
#include "capture/exe_hashes.h"
#include "capture/found_tables.h"
#include "capture/holders.h"
#include "capture/host_facts.h"
#include "capture/host_files.h"
#include "capture/last_look.h"
#include "capture/netlink_dump.h"
#include "capture/netns.h"
#include "capture/proc_fs.h"
#include "capture/proc_net.h"
#include "capture/process_views.h"
#include "capture/processes.h"
#include "capture/readme.h"
#include "capture/reader_pool.h"
#include "capture/sockprotonames.h"
#include "decode/link_list.h"

namespace ssnap::capture {
namespace {

// A table with more rows is not read again: it would take seconds.
constexpr std::uint64_t kMaxRowsAgain = 100'000;
// A reading of /proc/net/udp misses one stable socket in sixteen while others come and go: six in a row miss none of a million.
constexpr int kMaxConfirmRounds = 6;
constexpr std::uint64_t kMaxConfirmNsec = 2 * base::kNsecPerSec;  // before the last round begins
constexpr std::chrono::milliseconds kConfirmRest{20};

class Capture {
 public:
  Capture(const Host& host, archive::Sink& sink, const CaptureOptions& options,
          const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal)
      : host_(host),
        options_(options),
        progress_(progress),
        stop_signal_(stop_signal),
        sink_(sink),
        writer_(sink, {options.level, realtime_nsec() / base::kNsecPerSec, realtime_offset_nsec, options.max_bytes,
                       options.max_bytes_name}),
        pool_(options.threads, options.level, options.deadline_nsec) {}

  boost::system::result<CaptureResult, CaptureFailure> run() {
    // Who, what, when: out at once, so that whatever follows can be replayed.
    archive::CaptureInfo info;
    info.tool.name = "ssnap";
    info.tool.version = options_.tool_version;
    info.tool.commit = options_.tool_commit;
    info.arguments = options_.arguments;
    info.case_fields = options_.case_fields;
    const auto about_facts = collect_host_facts(host_, info);
    const std::string capture_json = archive::to_json(info);
    const std::uint64_t least_bytes = archive::Writer::least_bytes(kReadme, capture_json);
    if (options_.max_bytes != 0 && options_.max_bytes < least_bytes) return too_small(least_bytes);
    keep(writer_.add_now("README.txt", kReadme));
    keep(writer_.add_now("capture.json", capture_json));
    if (failed()) return failure(false);
    if (const auto usable = sink_.usable(); !usable) {
      error_ = usable.error();
      return failure(false);
    }
    for (const auto& entry : about_facts) journal(entry);
    if (const auto net = info.collector.namespaces.find("net"); net != info.collector.namespaces.end())
      own_netns_ = net->second;

    if (!host_.procfs.source.empty()) journal(host_.procfs);

    // Beside what follows: the kernel takes some 45 ms to make that file's text.
    std::future<FoundTables> found_tables = look_for_tables(host_, info.host.kernel.value_or(""), options_.threads > 1);

    // What changes slowly, first: nothing of it must stand between the dumps and the fd walk.
    auto slow = host_file_tasks(host_);
    slow.push_back(cgroup_ids_task(host_));
    stage("host files", std::move(slow));
    archive::JournalEntry optional_files;
    optional_files_ = find_optional_files(host_, optional_files);
    optional_files_.environ = options_.include_environ;
    journal(optional_files);

    // The same list once more as it came, with the kernel's counts around it.
    stage("list of processes", {process_listing_task(host_, 1)});

    // Which namespaces there are, as far as processes, threads and mounts tell.
    std::vector<std::int64_t> pids = list_pids();
    find_namespaces(pids);
    take_tables(found_tables.get());

    // Pass 1: every socket table, then at once who holds the sockets. The smear that matters begins here.
    Seen first = stage("sockets", dump_tasks(all_namespaces(), 1));
    sort_inodes(first.dumped);
    Seen walk = stage("processes", process_tasks(pids), &first.dumped);
    keep_thread_links();

    // Namespaces that only an fd pins, now that the fds are known.
    append(first, stage("sockets of more namespaces", dump_tasks(add_namespaces(walk), 1)));

    // Pass 2: the tables again; what came or went in between shows.
    Seen second = stage("sockets again", dump_tasks(all_namespaces(), 2));

    // The fd tables that moved, processes that are new; beside them the second view of the sockets, which is slow, and
    // what sockets are read with later.
    for (Seen* dumps : {&first, &second}) sort_inodes(dumps->dumped);
    append(walk, own_sockets(first, second));
    const std::vector<TableInode> newcomers = only_in_first(second.dumped, first.dumped);
    auto rest = walk_again_tasks(pids, walk, 2, !are_all_held(newcomers, walk));
    for (auto& task : route_and_proc_net_tasks()) rest.push_back(std::move(task));
    append(walk, stage("moved processes, /proc/net", std::move(rest), &first.dumped));

    // Tables that are in /proc/net only were read after that walk: what is held by nobody may have come since.
    sort_inodes(walk.listed);
    if (!are_all_held(walk.listed, walk))
      append(walk, stage("processes again", walk_again_tasks(pids, walk, 3, true), &first.dumped));

    // What lived through the capture and has no holder.
    const std::vector<std::uint32_t> explained = explained_inodes(walk);
    std::vector<TableInode> left = without_holder(in_both(first.dumped, second.dumped), explained);
    for (const TableInode& socket : without_holder(walk.listed, explained)) left.push_back(socket);

    Differences differences(first, second, walk, walk.own, kMaxRowsAgain);
    walk.twins = {};
    walk.reads = {};

    // Sockets in fd tables that no dump showed: asked for again by their protocol.
    second = {};
    first.dumped.insert(first.dumped.end(), newcomers.begin(), newcomers.end());
    chase_unseen_sockets(walk, explained, first);

    look_for_holders(left, walk, first);
    if (options_.exe_hashes) hash_executables(walk);

    look_at_differences(std::move(differences));

    // What else knows of processes: a second listing, their numbers, cgroups.
    auto last = after_tasks(host_);
    last.push_back(process_listing_task(host_, 2));
    last.push_back(process_probe_task(host_));
    stage("host files again", std::move(last));
    return seal();
  }

 private:
  // An Error that is about one member alone costs that member.
  void keep(const base::Result<void>& result) {
    if (!result.has_error() || error_) return;
    if (writer_.failure()) {
      error_ = result.error();
      return;
    }
    archive::JournalEntry entry;
    entry.source = "writer";
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.outcome = base::OutcomeKind::cut;
    entry.detail = result.error().message;
    journal(entry);
  }
  bool failed() const { return error_.has_value(); }
  bool out_of_time() const {
    return options_.timeout_nsec != 0 && boottime_nsec() - begin_nsec_ >= options_.timeout_nsec;
  }
  bool stopping() const { return failed() || stop_signal_.load() != 0 || out_of_time(); }

  CaptureFailure failure(bool replayable) const {
    return {*error_, replayable, false, writer_.compressed_bytes(), writer_.sha256_hex()};
  }

  CaptureFailure too_small(std::uint64_t least_bytes) const {
    return {{options_.max_bytes_name + ", " + std::to_string(options_.max_bytes) + " bytes: too little for any archive here, which takes " +
                 std::to_string(least_bytes),
             0},
            false, true, 0, ""};
  }

  // "--timeout 2.5 s"
  std::string timeout_text() const {
    std::string text = std::to_string(options_.timeout_nsec / base::kNsecPerSec);
    if (const auto rest = options_.timeout_nsec % base::kNsecPerSec; rest != 0) {
      std::string digits = std::to_string(base::kNsecPerSec + rest).substr(1);
      digits.resize(digits.find_last_not_of('0') + 1);
      text += "." + digits;
    }
    return "--timeout " + text + " s";
  }

  // The capture ends early: `count` reads of a stage are not made, or not to their end.
  void leave_out(const std::string& stage, std::uint64_t count) {
    archive::JournalEntry entry;
    entry.source = "capture";
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.outcome = base::OutcomeKind::cut;
    entry.count = count;
    if (const int signal = stop_signal_.load()) {
      entry.detail = stage + ": signal " + std::to_string(signal);
    } else if (failed()) {
      entry.detail = stage + ": " + error_->message;
    } else {
      entry.outcome = base::OutcomeKind::timeout;
      entry.detail = stage + ": " + timeout_text();
      timed_out_ = true;
    }
    journal(entry);
  }

  void journal(const archive::JournalEntry& entry) {
    if (base::makes_incomplete(entry.outcome)) has_gaps_ = true;
    writer_.journal(entry);
  }

  // Runs the tasks on the readers, writes what they bring and returns what they showed. Of walks, `dumped` are the sockets
  // that are known (sorted).
  Seen stage(const char* name, std::vector<std::shared_ptr<Task>> tasks, const std::vector<TableInode>* dumped = nullptr) {
    Seen seen;
    if (tasks.empty()) return seen;
    CaptureProgress now{name, 0, tasks.size(), writer_.compressed_bytes()};
    if (stopping()) {
      leave_out(name, now.total);
      return seen;
    }
    progress_(now);
    bool ended_early = false;
    const std::size_t finished = pool_.run(std::move(tasks), [&](Batch batch) {
      for (const auto& member : batch.members) {
        if (member.name.ends_with("/links") && member.name.find("/task/") != std::string::npos) thread_links_.insert(member.name);
        keep(writer_.add(member.name, member.bytes));
      }
      for (auto& member : batch.large) keep(writer_.add(std::move(member)));
      for (const auto& entry : batch.journal) journal(entry);
      if (dumped != nullptr) forget_known_fds(batch.seen, *dumped);
      append(seen, std::move(batch.seen));
      now.done = std::min(now.total, now.done + batch.tasks_done);
      now.compressed_bytes = writer_.compressed_bytes();
      progress_(now);
      const bool stop = stopping();
      ended_early |= stop && now.done < now.total;
      return !stop;
    });
    keep(writer_.flush());
    if (finished < now.total) leave_out(name, now.total - finished);
    else if (ended_early) timed_out_ |= out_of_time();
    return seen;
  }

  static void append(Seen& to, Seen from) { to.append(std::move(from)); }

  // The tables whose handler is there; the others are on record as not loaded or unsupported, not as empty.
  void take_tables(const FoundTables& found) {
    journal(found.looked);
    ChosenTables chosen = choose_tables(found, options_.allow_module_load);
    tables_ = std::move(chosen.sockets);
    route_tables_ = std::move(chosen.routes);
    for (const auto& entry : chosen.left_out) journal(entry);
  }

  std::vector<std::int64_t> list_pids() {
    archive::JournalEntry entry;
    const std::vector<std::int64_t> found = list_processes(host_, entry);
    journal(entry);
    if (options_.pids.empty()) return found;
    std::vector<std::int64_t> wanted = found;
    std::erase_if(wanted, [&](std::int64_t pid) {
      return std::find(options_.pids.begin(), options_.pids.end(), pid) == options_.pids.end();
    });
    entry.outcome = base::OutcomeKind::skipped;
    entry.count = found.size() - wanted.size();
    entry.detail = "processes left out by --pid";
    journal(entry);
    for (const std::int64_t pid : options_.pids) {
      if (std::binary_search(found.begin(), found.end(), pid)) continue;
      entry.outcome = base::OutcomeKind::vanished;
      entry.count = 1;
      entry.pid = pid;
      entry.detail = "no such process, asked for by --pid";
      journal(entry);
    }
    return wanted;
  }

  void find_namespaces(const std::vector<std::int64_t>& pids) {
    archive::JournalEntry entry;
    scan_ = scan_namespaces(host_, pids, own_netns_, entry);
    journal(entry);
    if (!own_netns_) {  // a kernel before 3.0: one namespace, without a number
      scan_.found[0].own = true;
    }
    if (options_.own_netns_only) leave_out_others(scan_.found.size() - 1);
    for (const auto& [inode, netns] : scan_.found) access_.push_back(access_to(netns));
    // The host's own first: its sockets are the most wanted.
    std::stable_partition(access_.begin(), access_.end(), [](const auto& access) { return access->netns().own; });
  }

  // Of the threads that are in another namespace than their process, unless the walk has read more of them.
  void keep_thread_links() {
    for (const auto& links : scan_.thread_links)
      if (thread_links_.count(links.name) == 0) keep(writer_.add(links.name, links.bytes));
    keep(writer_.flush());
  }

  void leave_out_others(std::size_t count) {
    std::erase_if(scan_.found, [](const auto& item) { return !item.second.own; });
    if (count == 0) return;
    archive::JournalEntry entry;
    entry.source = "netns_list";
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.outcome = base::OutcomeKind::skipped;
    entry.count = count;
    entry.detail = "network namespaces left out by --netns self";
    journal(entry);
  }

  std::shared_ptr<const NetnsAccess> access_to(const Netns& netns) {
    return std::make_shared<NetnsAccess>(host_, netns, static_cast<std::uint16_t>(std::min<std::size_t>(ordinals_++, kNoOrdinal)));
  }

  using Access = std::vector<std::shared_ptr<const NetnsAccess>>;
  const Access& all_namespaces() const { return access_; }

  // Namespaces that the fd tables showed and nothing before.
  Access add_namespaces(const Seen& walk) {
    Access added;
    if (options_.own_netns_only) return added;
    add_namespace_fds(scan_, walk.namespace_fds);
    for (const auto& [inode, netns] : scan_.found) {
      const bool known = std::any_of(access_.begin(), access_.end(), [&, wanted = inode](const auto& access) { return access->inode() == wanted; });
      if (!known) added.push_back(access_to(netns));
    }
    access_.insert(access_.end(), added.begin(), added.end());
    return added;
  }

  // In the collector's namespace the TCP dump has a reader to itself; each other namespace is one task.
  std::vector<std::shared_ptr<Task>> dump_tasks(const Access& namespaces, int pass) {
    std::vector<std::shared_ptr<Task>> tasks;
    if (tables_.empty()) return tasks;
    for (const auto& netns : namespaces) {
      if (!netns->netns().own) {
        tasks.push_back(netlink_dump_task(netns, tables_, folder_of_pass(pass), options_.include_secrets));
        continue;
      }
      tasks.push_back(netlink_dump_task(netns, {tables_.front()}, folder_of_pass(pass), options_.include_secrets));
      if (tables_.size() > 1)
        tasks.push_back(netlink_dump_task(netns, {tables_.begin() + 1, tables_.end()}, folder_of_pass(pass), options_.include_secrets));
    }
    return tasks;
  }

  std::vector<std::shared_ptr<Task>> process_tasks(const std::vector<std::int64_t>& pids) {
    std::vector<std::shared_ptr<Task>> tasks;
    for (const std::int64_t pid : pids) {
      const auto& mountinfo = scan_.mountinfo_pids;
      const bool with_mountinfo = std::find(mountinfo.begin(), mountinfo.end(), pid) != mountinfo.end();
      tasks.push_back(process_task(host_, {pid}, optional_files_, with_mountinfo));
    }
    return tasks;
  }

  // docs/adr/0007: a socket that came between the dumps may be in no fd table yet.
  static bool are_all_held(const std::vector<TableInode>& sockets, const Seen& walk) {
    return sockets.empty() || without_holder(sockets, explained_inodes(walk)).empty();
  }

  static Seen own_sockets(const Seen& first, const Seen& second) {
    Seen own;
    own.own = first.own;
    own.own.insert(own.own.end(), second.own.begin(), second.own.end());
    return own;
  }

  // Of the processes that are known the tables whose size changed, or all tables; new processes whole.
  std::vector<std::shared_ptr<Task>> walk_again_tasks(std::vector<std::int64_t>& pids, const Seen& walk, int pass, bool whole) {
    std::vector<std::shared_ptr<Task>> tasks;
    auto known = known_processes(walk);
    if (options_.pids.empty() && !stopping()) {
      archive::JournalEntry entry;
      std::vector<std::int64_t> now = list_processes(host_, entry);
      entry.pass = pass;
      journal(entry);
      std::vector<std::int64_t> added;
      for (const std::int64_t pid : now) {
        if (!std::binary_search(pids.begin(), pids.end(), pid)) added.push_back(pid);
        // It ended before it was read, and its number is another's.
        else if (known.count(static_cast<std::int32_t>(pid)) == 0 && reused_.insert(pid).second)
          tasks.push_back(process_task(host_, {pid, 0, true}, optional_files_, false));
      }
      for (auto& task : process_tasks(added)) tasks.push_back(std::move(task));
      pids.insert(pids.end(), added.begin(), added.end());
      std::sort(pids.begin(), pids.end());
    }
    for (auto& [pid, process] : known) {
      // One successor of a process is read, not a third.
      const bool may_be_reused = !process.process.reused && reused_.count(pid) == 0;
      tasks.push_back(second_look_task(host_, std::move(process), pass, whole, optional_files_, may_be_reused));
    }
    return tasks;
  }

  std::vector<std::shared_ptr<Task>> route_and_proc_net_tasks() {
    std::vector<std::shared_ptr<Task>> tasks;
    std::vector<archive::JournalEntry> found;
    Undumped undumped;
    for (const decode::InodeTable& table : decode::inode_tables())
      if (std::none_of(tables_.begin(), tables_.end(), [&](const NetlinkTable* dump) { return dump->name == table.dump; }))
        undumped.push_back(&table);
    for (const auto& netns : access_) {
      tasks.push_back(netlink_dump_task(netns, route_tables_, folder_of_pass(1), true));
      if (!netns->netns().own) {
        tasks.push_back(proc_net_task(netns, undumped));
        continue;
      }
      for (auto& task : proc_net_file_tasks(netns, found, undumped)) tasks.push_back(std::move(task));
    }
    for (const auto& entry : found) journal(entry);
    return tasks;
  }

  // docs/adr/0009: only where something is left, and maps only where a mapping could be what holds it.
  void look_for_holders(const std::vector<TableInode>& left, const Seen& walk, const Seen& dumped) {
    if (left.empty()) return;
    if (stopping()) return leave_out("sockets without a holder", left.size());
    std::vector<TableInode> local;
    for (const auto* inodes : {&dumped.dumped, &walk.listed})
      for (const TableInode& socket : *inodes)
        if (socket.kind == SocketKind::local) local.push_back(socket);
    sort_inodes(local);
    std::vector<std::shared_ptr<Task>> tasks{waiting_fds_task(host_, local, walk)};
    const auto is_mappable = [](const TableInode& socket) { return socket.kind == SocketKind::mappable; };
    if (std::any_of(left.begin(), left.end(), is_mappable)) tasks.push_back(maps_task(host_, walk));
    stage("sockets without a holder", std::move(tasks));
  }

  void hash_executables(const Seen& walk) {
    const auto found = make_exe_files();
    stage("executables", {exe_files_task(host_, walk, found)});
    stage("executables", exe_hash_tasks(host_, *found));
  }

  // At most three rounds: name the protocol of each unseen socket, dump its table again where its holder lives.
  void chase_unseen_sockets(const Seen& walk, const std::vector<std::uint32_t>& explained, Seen& dumped) {
    constexpr int kMaxRounds = 3;
    std::vector<HeldInode> unseen;
    for (int round = 1; round <= kMaxRounds && !stopping(); ++round) {
      sort_inodes(dumped.dumped);
      const std::vector<HeldInode> left = unseen_sockets(round == 1 ? walk.held : unseen, explained, dumped.dumped);
      if (left.empty() || (round > 1 && left.size() == unseen.size())) return;  // none, or the last round found none
      const int pass = 2 + round;
      const Seen named = stage("unseen sockets", {sockprotoname_task(host_, left, pass)});
      unseen.clear();
      std::map<std::uint64_t, std::vector<const NetlinkTable*>> wanted;  // by namespace
      for (const NamedInode& item : named.named) {
        if (!item.still_there) continue;
        unseen.push_back(item.held);
        const NetlinkTable* table = find_table(item.protocol);
        if (table == nullptr) continue;
        auto& list = wanted[netns_of_holder(item.held)];
        if (std::find(list.begin(), list.end(), table) == list.end()) list.push_back(table);
      }
      std::vector<std::shared_ptr<Task>> tasks;
      for (const auto& netns : access_)
        if (const auto at = wanted.find(netns->inode()); at != wanted.end())
          tasks.push_back(netlink_dump_task(netns, at->second, folder_of_pass(pass), options_.include_secrets));
      if (tasks.empty()) return;
      append(dumped, stage("unseen sockets", std::move(tasks)));
    }
  }

  // docs/adr/0022: sockets that the dumps show and /proc/net does not, or the other way round, and counters that say another
  // number than there are rows. Both are asked again until they agree, or it has been often enough.
  void look_at_differences(Differences left) {
    archive::JournalEntry entry;
    entry.source = "confirm";
    entry.begin_nsec = boottime_nsec();
    entry.count = left.size();
    int round = 0;
    while (!left.empty() && round < kMaxConfirmRounds && !stopping() &&
           (round == 0 || boottime_nsec() - entry.begin_nsec < kMaxConfirmNsec)) {
      const std::string folder = "confirm/round" + std::to_string(++round);
      LookAgain tasks = look_again_tasks(left, access_, tables_, folder, options_.include_secrets);
      std::this_thread::sleep_for(kConfirmRest);
      Seen listed = stage("differences again", std::move(tasks.listings));
      left.look_again(std::move(listed), stage("differences again", std::move(tasks.dumps)));
    }
    entry.end_nsec = boottime_nsec();
    entry.detail = "differences between dumps and /proc/net: " + std::to_string(round) + " more rounds, " + std::to_string(left.size()) + " left";
    if (left.too_large() != 0) {
      entry.outcome = base::OutcomeKind::skipped;
      entry.detail += "; " + std::to_string(left.too_large()) + " tables are too large to be read again";
    }
    if (stopping()) entry.outcome = base::OutcomeKind::cut;
    journal(entry);
  }

  // The table of a protocol by the name that system.sockprotoname gives; null where none was found for it.
  const NetlinkTable* find_table(std::string_view protocol) const {
    if (protocol.empty()) return nullptr;
    for (const NetlinkTable* table : tables_) {
      base::TextCursor names(table->socket_names);
      while (const auto name = names.word())
        if (*name == protocol) return table;
    }
    return nullptr;
  }

  std::uint64_t netns_of_holder(const HeldInode& held) const {
    std::string target;
    const std::string thread = held.tid != 0 ? "/task/" + std::to_string(held.tid) : "";
    read_link(host_.proc.get(), (std::to_string(held.pid) + thread + "/ns/net").c_str(), target);
    return decode::inode_of_link(target, "net").value_or(own_netns_.value_or(0));
  }

  boost::system::result<CaptureResult, CaptureFailure> seal() {
    archive::EndInfo end;
    if (const int signal = stop_signal_.load()) {
      end.status = archive::EndStatus::interrupted;
      end.signal = signal;
    }
    if (!end.signal && !failed() && timed_out_) {
      end.status = archive::EndStatus::limit;
      end.detail = timeout_text();
    }
    end.clocks = read_clocks();
    end.clock_sync = read_clock_sync();
    auto ended = writer_.finish(std::move(end));
    if (ended.has_error()) {
      error_ = ended.error();
      return failure(true);
    }
    const bool whole = !has_gaps_ && ended->status == archive::EndStatus::complete;
    std::optional<base::Error> error;
    if (writer_.failure() && ended->status != archive::EndStatus::limit) error = writer_.failure();
    return CaptureResult{std::move(*ended), writer_.compressed_bytes(), writer_.sha256_hex(), !whole, std::move(error)};
  }

  const Host& host_;
  const CaptureOptions& options_;
  const std::function<void(const CaptureProgress&)>& progress_;
  const std::atomic<int>& stop_signal_;
  const std::uint64_t begin_nsec_ = boottime_nsec();
  archive::Sink& sink_;
  archive::Writer writer_;
  ReaderPool pool_;
  std::optional<base::Error> error_;
  std::optional<std::uint64_t> own_netns_;
  std::vector<const NetlinkTable*> tables_, route_tables_;  // that are asked for
  NetnsScan scan_;
  Access access_;  // all namespaces, the collector's first
  OptionalFiles optional_files_;
  std::size_t ordinals_ = 0;            // namespaces that have been given one
  std::set<std::string> thread_links_;  // members of this kind that the process walk has written
  std::set<std::int64_t> reused_;       // pids whose successor is read
  bool has_gaps_ = false;
  bool timed_out_ = false;
};

// glibc's allocator would keep what one thread grew (a frame, a list of sockets) for that thread alone: a third of the peak.
void give_back_what_is_freed() {
#ifdef __GLIBC__
  constexpr int kLargeBytes = 256 * 1024, kArenas = 2;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);  // fixed: otherwise it grows with what is freed
  ::mallopt(M_ARENA_MAX, kArenas);
#endif
}

}  // namespace

boost::system::result<CaptureResult, CaptureFailure> run_capture(
    const Host& host, archive::Sink& sink, const CaptureOptions& options,
    const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal) {
  give_back_what_is_freed();
  return Capture(host, sink, options, progress, stop_signal).run();
}

void throw_exception_from_error(const CaptureFailure& failure, const boost::source_location&) {
  throw base::Failure(failure.replayable ? base::ExitCode::incomplete : base::ExitCode::failed,
                      failure.error.message);
}

}  // namespace ssnap::capture
