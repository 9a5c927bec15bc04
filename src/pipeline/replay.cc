#include "pipeline/replay.h"

#include <algorithm>

#include "archive/directory.h"
#include "archive/reader.h"
#include "pipeline/member_table.h"

namespace ssnap::pipeline {
namespace {

void add_report(Replay& replay, const archive::ReadReport& report) {
  const auto& problems = report.problems;
  for (const auto& problem : problems.kept) replay.add_problem("", problem.offset, problem.message);
  if (problems.total > problems.kept.size())
    replay.add_problem("", 0, std::to_string(problems.total - problems.kept.size()) + " further problems like these");
}

// What the limits left out, last of all problems.
void add_left_out(Replay& replay) {
  auto& problems = replay.records.problems;
  const auto say = [&](std::uint64_t count, const std::string& what) {
    if (count != 0) problems.push_back({"", 0, std::to_string(count) + what});
  };
  say(replay.members_left_out, " members are not read: those before them are as much as a replay of this input takes");
  say(replay.gaps_left_out, " gaps are left out: there are more than " + std::to_string(replay.limits.gaps));
  say(replay.problems_left_out, " problems are left out: there are more than " + std::to_string(replay.limits.problems));
  if (replay.members_left_out != 0) replay.records.capture.incomplete = true;
}

// What the parts say about the whole.
model::Snapshot finish(Replay replay, const reconstruct::Options& options) {
  add_left_out(replay);
  auto& capture = replay.records.capture;
  if (replay.first_dump_nsec && replay.last_fd_nsec && *replay.last_fd_nsec > *replay.first_dump_nsec)
    capture.smear_nsec = static_cast<std::int64_t>(*replay.last_fd_nsec - *replay.first_dump_nsec);
  if (!replay.has_process_list) capture.processes_found = replay.records.processes.size();
  model::Snapshot snapshot = reconstruct::reconstruct(std::move(replay.records), options);
  for (const auto& process : snapshot.processes) snapshot.capture.processes_read += process.fds_readable;
  return snapshot;
}

base::Result<model::Snapshot> replay_directory(const archive::Input& input, const reconstruct::Options& options) {
  Replay replay;
  replay.bytes_left = replay.limits.bytes;
  replay.keep_info = options.keep_info;
  replay.keep_net_tables = options.keep_net_tables;
  replay.keep_congestion = options.keep_first_dump;
  const auto report = archive::read_directory(
      input, [](std::string_view name) { return is_wanted(canonical_name(name)); },
      [&](const archive::Member& member) { add_member(replay, canonical_name(member.name), member); });
  if (report.has_error()) return report.error();
  finish_decoding(replay);
  add_report(replay, *report);
  if (report->members == 0)
    return base::Error{"no snapshot: " + input.name + " holds neither an unpacked archive nor a copy of /proc"};
  if (!replay.has_end_info) replay.records.capture.status = replay.has_capture_info ? "cut" : "directory";
  replay.records.capture.incomplete = replay.has_capture_info && !replay.has_end_info;
  return finish(std::move(replay), options);
}

base::Result<Replay> read_members(std::string_view bytes, const reconstruct::Options& options, const ReplayLimits& limits) {
  if (!archive::looks_like_archive(bytes))
    return base::Error{bytes.empty() ? "no snapshot: the input is empty"
                                     : "no snapshot: the input is no ssnap archive (no zstd frame at its start)"};
  Replay replay;
  replay.limits = limits;
  replay.bytes_left = std::min(limits.bytes, limits.allowance_bytes + limits.ratio * bytes.size());
  replay.keep_info = options.keep_info;
  replay.keep_net_tables = options.keep_net_tables;
  replay.keep_congestion = options.keep_first_dump;
  const archive::ReadReport report =
      archive::read_archive(bytes, [&](const archive::Member& member) { add_member(replay, member.name, member); });
  finish_decoding(replay);
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

base::Result<model::Snapshot> replay_bytes(std::string_view bytes, const reconstruct::Options& options, const ReplayLimits& limits) {
  auto replay = read_members(bytes, options, limits);
  if (replay.has_error()) return replay.error();
  return finish(std::move(*replay), options);
}

base::Result<model::Snapshot> replay(const archive::Input& input, const reconstruct::Options& options) {
  if (input.is_directory) return replay_directory(input, options);
  auto bytes = archive::read_input(input);
  if (bytes.has_error()) return bytes.error();
  auto replay = read_members(*bytes, options, {});
  // The archive need not be there beside the snapshot.
  std::string().swap(*bytes);
  if (replay.has_error()) return base::Error{input.name + ": " + replay.error().message};
  return finish(std::move(*replay), options);
}

}  // namespace ssnap::pipeline
