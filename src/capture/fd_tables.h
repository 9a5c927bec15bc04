// The fd table of a process, or of a thread that has one of its own: every link, and the fdinfo of its io_urings.
#pragma once

#include <map>
#include <string>

#include "capture/output.h"
#include "capture/process_files.h"

namespace ssnap::capture {

struct FdList {
  std::uint64_t links = 0, entries = 0;
  std::uint64_t hash = 0;  // of the list as the archive keeps it
  int not_opened = 0;  // the errno with which the table could not be opened
  int error = 0;       // that ended the listing early
  std::map<int, std::uint64_t> failures;
  std::vector<std::uint32_t> rings;  // io_urings, by fd
  bool has_sockets = false;
};

// Reads every link of `fd` below `directory`, an open /proc/PID or /proc/PID/task/TID, into `member` (null: for its hash
// alone), and notes the sockets and namespaces among them: each once, by its lowest fd.
FdList read_fd_table(int directory, const Whose& whose, Output& output, Seen& seen, MemberBuffer* member);

// The table in the first walk: member `fds`, and the fdinfo of io_urings. `keep_empty`: also a table without fds.
// Returns the errno with which it could not be opened, or none of its links could be read.
int read_first_table(int directory, const Whose& whose, bool keep_empty, Output& output);

// The table in a later walk: member `passN/fds`, where it differs from `before` or was not read before. Unless `whole`,
// a table whose size is still the same is not read (st_size of the folder is the number of open fds, Linux 6.2 and later).
void read_table_again(int directory, const Whose& whose, const FdTable* before, int pass, bool whole, Output& output);

// fdinfo/FD of io_urings: the sockets that are registered in them. The kernel leaves them out of the file while the ring
// is busy; after some tries that is a gap.
void read_rings(int directory, const Whose& whose, const std::vector<std::uint32_t>& fds, Output& output, Seen& seen);

}  // namespace ssnap::capture
