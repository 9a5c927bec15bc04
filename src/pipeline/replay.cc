#include "pipeline/replay.h"

#include <sys/stat.h>

#include "archive/directory.h"
#include "archive/reader.h"
#include "pipeline/member_table.h"

namespace ssnap::pipeline {
namespace {

void add_report(Replay& replay, const archive::ReadReport& report) {
  for (const auto& problem : report.problems.kept) replay.records.problems.push_back({"", problem.offset, problem.message});
}

// What the parts say about the whole.
model::Snapshot finish(Replay replay, const reconstruct::Options& options) {
  auto& capture = replay.records.capture;
  if (replay.first_dump_nsec && replay.last_fd_nsec && *replay.last_fd_nsec > *replay.first_dump_nsec)
    capture.smear_nsec = static_cast<std::int64_t>(*replay.last_fd_nsec - *replay.first_dump_nsec);
  if (!replay.has_process_list) capture.processes_found = replay.records.processes.size();
  model::Snapshot snapshot = reconstruct::reconstruct(std::move(replay.records), options);
  for (const auto& process : snapshot.processes) snapshot.capture.processes_read += process.fds_readable;
  return snapshot;
}

base::Result<model::Snapshot> replay_directory(const std::string& path, const reconstruct::Options& options) {
  Replay replay;
  replay.keep_info = options.keep_info;
  replay.keep_net_tables = options.keep_net_tables;
  replay.keep_congestion = options.keep_first_dump;
  const auto report = archive::read_directory(
      path, [](std::string_view name) { return is_wanted(canonical_name(name)); },
      [&](const archive::Member& member) { add_member(replay, canonical_name(member.name), member); });
  if (report.has_error()) return report.error();
  add_report(replay, *report);
  if (report->members == 0)
    return base::Error{"no snapshot: " + path + " holds neither an unpacked archive nor a copy of /proc"};
  if (!replay.has_end_info) replay.records.capture.status = replay.has_capture_info ? "cut" : "directory";
  replay.records.capture.incomplete = replay.has_capture_info && !replay.has_end_info;
  return finish(std::move(replay), options);
}

base::Result<Replay> read_members(std::string_view bytes, const reconstruct::Options& options) {
  if (!archive::looks_like_archive(bytes))
    return base::Error{bytes.empty() ? "no snapshot: the input is empty"
                                     : "no snapshot: the input is no ssnap archive (no zstd frame at its start)"};
  Replay replay;
  replay.keep_info = options.keep_info;
  replay.keep_net_tables = options.keep_net_tables;
  replay.keep_congestion = options.keep_first_dump;
  const archive::ReadReport report =
      archive::read_archive(bytes, [&](const archive::Member& member) { add_member(replay, member.name, member); });
  if (!replay.has_capture_info) {
    std::string why = !replay.capture_info_error.empty() ? replay.capture_info_error
                      : !report.problems.kept.empty()    ? report.problems.kept.front().message
                                                         : "capture.json is not in it";
    return base::Error{"no snapshot: " + why};
  }
  add_report(replay, report);
  if (!replay.has_end_info) replay.records.capture.status = "cut";
  replay.records.capture.incomplete = !report.sealed || !report.problems.empty();
  return replay;
}

}  // namespace

base::Result<model::Snapshot> replay_bytes(std::string_view bytes, const reconstruct::Options& options) {
  auto replay = read_members(bytes, options);
  if (replay.has_error()) return replay.error();
  return finish(std::move(*replay), options);
}

base::Result<model::Snapshot> replay(const std::string& path, const reconstruct::Options& options) {
  struct stat status {};
  if (path != "-" && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    return replay_directory(path, options);
  auto bytes = archive::read_input(path);
  if (bytes.has_error()) return bytes.error();
  auto replay = read_members(*bytes, options);
  // The archive need not be there beside the snapshot.
  std::string().swap(*bytes);
  if (replay.has_error()) return base::Error{(path == "-" ? "standard input" : path) + ": " + replay.error().message};
  return finish(std::move(*replay), options);
}

}  // namespace ssnap::pipeline
