#include "cli/live.h"

#include <atomic>

#include "archive/sink.h"
#include "capture/capture.h"
#include "cli/command.h"
#include "pipeline/replay.h"

namespace ssnap::cli {

model::Snapshot capture_live(const std::vector<std::string>& arguments, const reconstruct::Options& options) {
  const auto host = capture::open_host();
  if (host.has_error()) throw base::Failure(base::ExitCode::failed, host.error().message);
  capture::CaptureOptions capture_options;
  capture_options.arguments = arguments;
  capture_options.tool_version = kVersion;
  capture_options.tool_commit = kCommit;
  archive::MemorySink sink;
  const std::atomic<int> no_signal{0};  // nothing is kept, so a signal may end it at once
  const auto result = capture::run_capture(*host, sink, capture_options, [](const capture::CaptureProgress&) {}, no_signal);
  if (result.has_error()) throw base::Failure(base::ExitCode::failed, result.error().error.message);
  auto snapshot = pipeline::replay_bytes(sink.bytes(), options);
  if (snapshot.has_error()) throw base::Failure(base::ExitCode::failed, snapshot.error().message);
  return std::move(*snapshot);
}

}  // namespace ssnap::cli
