// The capture of one host into one archive.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/sink.h"
#include "archive/writer.h"
#include "capture/host.h"

namespace ssnap::capture {

struct CaptureOptions {
  int level = 1;    // zstd's
  int threads = 2;  // that read
  std::uint64_t deadline_nsec = 10'000'000'000;  // without a sign of life from the kernel, then a read is given up
  std::vector<std::pair<std::string, std::string>> case_fields;
  std::vector<std::int64_t> pids;  // not empty: the process walk is limited to these
  std::uint64_t timeout_nsec = 0;  // from the beginning on: then nothing more is read; 0: none
  std::uint64_t max_bytes = 0;     // of the output, see archive::WriterOptions; 0: any number
  std::string max_bytes_name;      // what set them
  bool allow_module_load = false;
  bool own_netns_only = false;   // --netns self
  bool include_environ = false;  // read the environments of processes
  bool include_secrets = false;  // keep TCP-MD5 keys
  bool exe_hashes = false;       // read and hash the executables of who holds sockets
  std::vector<std::string> arguments;  // for capture.json
  std::string tool_version, tool_commit;
};

struct CaptureProgress {
  const char* stage = "";  // "sockets", "processes", ...
  std::uint64_t done = 0, total = 0;  // of the stage; total 0: not known
  std::uint64_t compressed_bytes = 0;
};

// A sealed archive.
struct CaptureResult {
  archive::EndInfo end;
  std::uint64_t compressed_bytes = 0;
  std::string sha256;  // of the whole output
  bool has_gaps = false;  // of a kind that makes the capture incomplete
  std::optional<base::Error> error;  // of the output, where the status is error
};

// What went wrong with the output where it could not be sealed, and whether what was written before replays
// (capture.json is out).
struct CaptureFailure {
  base::Error error;
  bool replayable = false;
  bool max_bytes_too_small = false;  // nothing was written: `error` says how many there must be
  std::uint64_t compressed_bytes = 0;
  std::string sha256;  // of these bytes
};

// `stop_signal`: set to a signal's number by the caller's handler; the capture is then sealed as interrupted. With a
// timeout, max_bytes or an output that can't be written any more it ends early too, sealed if possible, with a status
// of limit or error. What was not read then is in the journal.
boost::system::result<CaptureResult, CaptureFailure> run_capture(
    const Host& host, archive::Sink& sink, const CaptureOptions& options,
    const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal);

[[noreturn]] void throw_exception_from_error(const CaptureFailure& failure, const boost::source_location& where);

}  // namespace ssnap::capture
