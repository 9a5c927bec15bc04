#include "capture/process_files.h"

#include <cerrno>

#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

constexpr const char* kLinkNames[] = {"exe",    "cwd",    "root",    "ns/cgroup", "ns/ipc", "ns/mnt",
                                      "ns/net", "ns/pid", "ns/time", "ns/user",   "ns/uts"};

}  // namespace

std::string member_of(const Whose& whose, const std::string& file) {
  return "proc/" + std::to_string(whose.pid) + (whose.reused ? "/reused/" : "/") +
         (whose.tid != 0 ? "task/" + std::to_string(whose.tid) + "/" : "") + file;
}

archive::JournalEntry entry_about(const Whose& whose, const char* source, const std::string& file) {
  archive::JournalEntry entry;
  entry.source = source;
  entry.pid = whose.pid;
  if (whose.tid != 0) entry.tid = whose.tid;
  entry.member = member_of(whose, file);
  return entry;
}

void journal_failure(archive::JournalEntry entry, int error, const char* why, Output& output) {
  entry.member.clear();
  entry.begin_nsec = entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = base::outcome_of_errno(error);
  entry.count = 1;
  entry.detail = why;
  output.journal(std::move(entry));
}

void journal_failures(archive::JournalEntry about, const std::map<int, std::uint64_t>& failures, const char* what,
                      Output& output) {
  about.detail = what;
  about.bytes.reset();
  for (const auto& [error, count] : failures) {
    about.errno_number = error;
    about.outcome = base::outcome_of_errno(error);
    about.count = count;
    output.journal(about);
  }
}

void append_link(std::string& list, std::string_view name, std::string_view mode, std::string_view target) {
  list.append(name).append(1, ' ').append(mode).append(1, ' ').append(target).append(1, '\0');
}

void read_links(int directory, const Whose& whose, Output& output) {
  archive::JournalEntry entry = entry_about(whose, "proc_pid_link", "links");
  entry.begin_nsec = boottime_nsec();
  std::string list, target;
  std::map<int, std::uint64_t> failures;
  for (const char* name : kLinkNames) {
    const int failure = read_link(directory, name, target);
    append_link(list, name, failure == 0 ? "-" : "!" + std::to_string(failure), failure == 0 ? target : "");
    // A kernel thread has no exe, a zombie no cwd, an older kernel not every namespace: ENOENT is an answer.
    if (failure != 0 && failure != ENOENT) ++failures[failure];
  }
  entry.end_nsec = boottime_nsec();
  entry.bytes = list.size();
  output.member(entry.member, std::move(list));
  output.journal(entry);
  journal_failures(std::move(entry), failures, "links that could not be read", output);
}

}  // namespace ssnap::capture
