// The files of one process or thread below /proc: what their members are called, how the journal speaks of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "capture/output.h"

namespace ssnap::capture {

// Whose files they are.
struct Whose {
  std::int64_t pid = 0;
  std::int64_t tid = 0;  // 0: the process's own, which are its leader's
  bool reused = false;   // the second process that had this pid during the capture
};

// proc/42/FILE, proc/42/task/43/FILE, proc/42/reused/FILE
std::string member_of(const Whose& whose, const std::string& file);
archive::JournalEntry entry_about(const Whose& whose, const char* source, const std::string& file);

void journal_failure(archive::JournalEntry entry, int error, const char* why, Output& output);
// One entry a kind of failure: how many things of this kind ended so.
void journal_failures(archive::JournalEntry about, const std::map<int, std::uint64_t>& failures, const char* what,
                      Output& output);

// A record of the archive's own list of links: NAME MODE TARGET, ended by NUL. MODE: "-" not asked, octal, or "!ERRNO".
void append_link(std::string& list, std::string_view name, std::string_view mode, std::string_view target);

// exe, cwd, root, ns/* below `directory`, an open /proc/PID or /proc/PID/task/TID, into member `links`.
void read_links(int directory, const Whose& whose, Output& output);

}  // namespace ssnap::capture
