// SHA-256 of the executables of processes that hold sockets (capture --exe-hashes, docs/sources.md).
#pragma once

#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// The executable files that were found, each once. Filled by exe_files_task.
class ExeFiles;
std::shared_ptr<ExeFiles> make_exe_files();

// Which file each process of `walks` runs that holds a socket, or an io_uring, in which one may be. Through
// /proc/PID/exe alone, opened with O_PATH: nothing is read, and a file system that doesn't answer isn't asked.
std::shared_ptr<Task> exe_files_task(const Host& host, const Seen& walks, std::shared_ptr<ExeFiles> found);

// One task a file: its bytes are read and hashed, member exe-hashes/N. What is larger than `max_bytes`, takes too long,
// changes meanwhile or can't be read is an entry of the journal and no hash.
constexpr std::uint64_t kMaxExeBytes = std::uint64_t{1} << 30;  // the largest browsers and Go programs have a third of that
std::vector<std::shared_ptr<Task>> exe_hash_tasks(const Host& host, ExeFiles& found, std::uint64_t max_bytes = kMaxExeBytes);

}  // namespace ssnap::capture
