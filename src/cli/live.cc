#include "cli/live.h"

#include <atomic>

#include "archive/sink.h"
#include "capture/capture.h"
#include "cli/command.h"
#include "pipeline/replay.h"
#include "sandbox/sandbox.h"

namespace ssnap::cli {

namespace {

// All that the capture held of the host is closed when this returns.
void capture_into(archive::Sink& sink, const std::vector<std::string>& arguments) {
  const auto host = capture::open_host();
  if (host.has_error()) throw base::Failure(base::ExitCode::failed, host.error().message);
  capture::CaptureOptions options;
  options.arguments = arguments;
  options.tool_version = kVersion;
  options.tool_commit = kCommit;
  const std::atomic<int> no_signal{0};  // nothing is kept, so a signal may end it at once
  const auto result = capture::run_capture(*host, sink, options, [](const capture::CaptureProgress&) {}, no_signal);
  if (result.has_error()) throw base::Failure(base::ExitCode::failed, result.error().error.message);
}

}  // namespace

model::Snapshot capture_live(const std::vector<std::string>& arguments, const reconstruct::Options& options) {
  archive::MemorySink sink;
  capture_into(sink, arguments);
  // These bytes come from a host that isn't trusted, as those of any archive.
  sandbox::Keep keep;
  keep.threads_may_hang = true;
  sandbox::enter(keep);
  auto snapshot = pipeline::replay_bytes(sink.bytes(), options);
  if (snapshot.has_error()) throw base::Failure(base::ExitCode::failed, snapshot.error().message);
  return std::move(*snapshot);
}

}  // namespace ssnap::cli
