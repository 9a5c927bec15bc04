// The capture of one host into one archive.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
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
  bool allow_module_load = false;
  bool own_netns_only = false;   // --netns self
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

struct CaptureResult {
  archive::EndInfo end;
  std::uint64_t compressed_bytes = 0;
  std::string sha256;  // of the whole output
  bool has_gaps = false;  // of a kind that makes the capture incomplete
};

// What went wrong with the output, and whether what was written before replays (capture.json is out).
struct CaptureFailure {
  base::Error error;
  bool replayable = false;
  std::uint64_t compressed_bytes = 0;
};

// `stop_signal`: set to a signal's number by the caller's handler; the capture is then sealed as interrupted.
boost::system::result<CaptureResult, CaptureFailure> run_capture(
    const Host& host, archive::Sink& sink, const CaptureOptions& options,
    const std::function<void(const CaptureProgress&)>& progress, const std::atomic<int>& stop_signal);

[[noreturn]] void throw_exception_from_error(const CaptureFailure& failure, const boost::source_location& where);

}  // namespace ssnap::capture
