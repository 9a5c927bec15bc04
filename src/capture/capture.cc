#include "capture/capture.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "capture/clock.h"
#include "capture/diag_handlers.h"
#include "capture/host_facts.h"
#include "capture/host_files.h"
#include "capture/proc_net.h"
#include "capture/processes.h"
#include "capture/reader_pool.h"
#include "capture/sock_diag.h"

namespace ssnap::capture {
namespace {

constexpr std::string_view kReadme =
    "This is a socket-state snapshot of a Linux host, taken by ssnap.\n"
    "\n"
    "Without ssnap: zstd -dc FILE | tar xf - unpacks it; sha256sum -c manifest-sha256.txt checks it.\n"
    "\n"
    "  capture.json         who captured which host, when, and how\n"
    "  proc/                host-wide files; proc/PID/ one folder a process: stat, status, cmdline, cgroup;\n"
    "                       links (exe, cwd, root, ns/*) and fds (every file descriptor) are lists of\n"
    "                       NUL-terminated records NAME MODE TARGET: tr '\\0' '\\n' < fds\n"
    "  netns/INODE/         one folder a network namespace: proc/net/* as read, netlink/passN/*.pcap the socket\n"
    "                       tables as the kernel dumped them (tcpdump -r, Wireshark)\n"
    "  etc/                 what turns numbers into names\n"
    "  journal/             what was read when, and how each read ended: every gap is here\n"
    "  end.json             how the capture ended; if it is missing, the archive was cut\n"
    "  manifest-sha256.txt  SHA-256 of every file above\n";

class Capture {
 public:
  Capture(const Host& host, archive::Sink& sink, const CaptureOptions& options,
          const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal)
      : host_(host),
        options_(options),
        progress_(progress),
        stop_signal_(stop_signal),
        writer_(sink, {options.level, realtime_nsec() / base::kNsecPerSec, realtime_offset_nsec}),
        pool_(options.threads, options.level, options.deadline_nsec) {}

  boost::system::result<CaptureResult, CaptureFailure> run() {
    // Who, what, when: out at once, so that whatever follows can be replayed.
    archive::CaptureInfo info;
    info.tool.name = "ssnap";
    info.tool.version = options_.tool_version;
    info.tool.commit = options_.tool_commit;
    info.arguments = options_.arguments;
    info.case_fields = options_.case_fields;
    collect_host_facts(host_, info);
    keep(writer_.add_now("README.txt", kReadme));
    keep(writer_.add_now("capture.json", archive::to_json(info)));
    if (failed()) return failure(false);
    const auto net = info.collector.namespaces.find("net");
    netns_ = net == info.collector.namespaces.end() ? 0 : net->second;

    // What changes slowly, first: nothing of it must stand between the dumps and the fd walk.
    stage("host files", host_file_tasks(host_));
    auto dumps = dump_tasks(info.host.kernel.value_or(""));
    auto tables = proc_net();

    // The smear that matters begins here: the socket tables, then at once who holds the sockets.
    stage("socket tables", std::move(dumps));
    stage("processes", process_tasks());

    // The second view of the socket tables, and everything else that procfs tells about the namespace.
    stage("/proc/net", std::move(tables));

    return seal();
  }

 private:
  void keep(const base::Result<void>& result) {
    if (result.has_error() && !error_) error_ = result.error();
  }
  bool failed() const { return error_.has_value(); }
  bool stopping() const { return failed() || stop_signal_.load() != 0; }

  CaptureFailure failure(bool replayable) const { return {*error_, replayable, writer_.compressed_bytes()}; }

  void journal(const archive::JournalEntry& entry) {
    if (base::makes_incomplete(entry.outcome)) has_gaps_ = true;
    writer_.journal(entry);
  }

  // Runs the tasks on the readers and writes what they bring.
  void stage(const char* name, std::vector<std::shared_ptr<Task>> tasks) {
    if (stopping()) return;
    CaptureProgress now{name, 0, tasks.size(), writer_.compressed_bytes()};
    progress_(now);
    pool_.run(std::move(tasks), [&](Batch batch) {
      for (const auto& member : batch.members) keep(writer_.add(member.name, member.bytes));
      for (auto& member : batch.large) keep(writer_.add(std::move(member)));
      for (const auto& entry : batch.journal) journal(entry);
      now.done = std::min(now.total, now.done + batch.tasks_done);
      now.compressed_bytes = writer_.compressed_bytes();
      progress_(now);
      return !stopping();
    });
    keep(writer_.flush());
  }

  // One dump of each table whose handler is there; the others are on record as not loaded, not as empty.
  std::vector<std::shared_ptr<Task>> dump_tasks(std::string_view kernel_release) {
    const auto& tables = sock_diag_tables();
    std::vector<DiagHandler> handlers;
    for (const auto& table : tables) handlers.push_back(table.handler);
    archive::JournalEntry looked;
    const std::vector<Presence> present = find_diag_handlers(host_, handlers, kernel_release, looked);
    journal(looked);
    std::vector<std::shared_ptr<Task>> tasks;
    for (std::size_t i = 0; i < tables.size(); ++i) {
      auto task = sock_diag_task(tables[i], netns_, 1);
      if (present[i] == Presence::present || options_.allow_module_load) {
        tasks.push_back(std::move(task));
        continue;
      }
      archive::JournalEntry entry = task->about(0);
      entry.member.clear();
      entry.begin_nsec = entry.end_nsec = boottime_nsec();
      entry.outcome = base::OutcomeKind::not_loaded;
      entry.detail = std::string(tables[i].name) + ": asking would load the module " +
                     std::string(tables[i].handler.module) + " (--allow-module-load asks anyway)";
      journal(entry);
    }
    return tasks;
  }

  std::vector<std::shared_ptr<Task>> proc_net() {
    auto directory =
        std::make_shared<const base::Fd>(::openat(host_.proc.get(), "self/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::vector<std::shared_ptr<Task>> tasks;
    std::vector<archive::JournalEntry> found;
    if (*directory) {
      tasks = proc_net_tasks(std::move(directory), netns_, found);
    } else {
      archive::JournalEntry entry;
      entry.source = "proc_net";
      entry.netns = netns_;
      entry.errno_number = errno;
      entry.outcome = base::outcome_of_errno(entry.errno_number);
      entry.begin_nsec = entry.end_nsec = boottime_nsec();
      entry.detail = "self/net can't be opened";
      found.push_back(std::move(entry));
    }
    for (const auto& entry : found) journal(entry);
    return tasks;
  }

  std::vector<std::shared_ptr<Task>> process_tasks() {
    archive::JournalEntry entry;
    const std::vector<std::int64_t> found = list_processes(host_, entry);
    journal(entry);
    std::vector<std::int64_t> wanted = found;
    if (!options_.pids.empty()) {
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
    }
    std::vector<std::shared_ptr<Task>> tasks;
    for (const std::int64_t pid : wanted) tasks.push_back(process_task(host_, pid));
    return tasks;
  }

  boost::system::result<CaptureResult, CaptureFailure> seal() {
    archive::EndInfo end;
    if (const int signal = stop_signal_.load()) {
      end.status = archive::EndStatus::interrupted;
      end.signal = signal;
    }
    end.clocks = read_clocks();
    end.gaps = writer_.gaps();
    end.members = writer_.members();
    end.member_bytes = writer_.member_bytes();
    keep(writer_.finish(end));
    if (failed()) return failure(true);
    return CaptureResult{end, writer_.compressed_bytes(), writer_.sha256_hex(), has_gaps_};
  }

  const Host& host_;
  const CaptureOptions& options_;
  const std::function<void(const CaptureProgress&)>& progress_;
  const std::atomic<int>& stop_signal_;
  archive::Writer writer_;
  ReaderPool pool_;
  std::optional<base::Error> error_;
  std::uint64_t netns_ = 0;
  bool has_gaps_ = false;
};

}  // namespace

boost::system::result<CaptureResult, CaptureFailure> run_capture(
    const Host& host, archive::Sink& sink, const CaptureOptions& options,
    const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal) {
  return Capture(host, sink, options, progress, stop_signal).run();
}

void throw_exception_from_error(const CaptureFailure& failure, const boost::source_location&) {
  throw base::Failure(failure.replayable ? base::ExitCode::incomplete : base::ExitCode::failed,
                      failure.error.message);
}

}  // namespace ssnap::capture
