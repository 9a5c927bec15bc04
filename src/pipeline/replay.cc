#include "pipeline/replay.h"

#include <algorithm>

#include "archive/directory.h"
#include "archive/reader.h"
#include "pipeline/member_table.h"
#include "pipeline/plain_tree.h"

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

// A table that is empty under each of its names.
void add_empty_tables(Replay& replay) {
  for (EmptyTable& empty : replay.empty_tables) {
    if (replay.records.views[empty.netns].count(empty.view) != 0) continue;
    model::Gap gap;
    gap.kind = base::OutcomeKind::cut;
    gap.source = "proc_net";
    if (empty.netns != 0) gap.netns = empty.netns;
    gap.member = std::move(empty.member);
    gap.detail = "0 bytes, not even the header of the table: nothing is known of its sockets";
    replay.records.gaps.push_back(std::move(gap));
  }
}

// What the parts say about the whole.
model::Snapshot finish(Replay replay, const reconstruct::Options& options) {
  add_empty_tables(replay);
  add_left_out(replay);
  auto& capture = replay.records.capture;
  if (replay.first_dump_nsec && replay.last_fd_nsec && *replay.last_fd_nsec > *replay.first_dump_nsec)
    capture.smear_nsec = static_cast<std::int64_t>(*replay.last_fd_nsec - *replay.first_dump_nsec);
  if (!replay.has_process_list) capture.processes_found = replay.records.processes.size();
  model::Snapshot snapshot = reconstruct::reconstruct(std::move(replay.records), options);
  for (const auto& process : snapshot.processes) snapshot.capture.processes_read += process.fds_readable;
  return snapshot;
}

// "7F000001 is 127.0.0.1 (proc/net/tcp+150)"
std::string sign_text(const decode::ByteOrderSign& sign) {
  return sign.word + " is " + sign.meaning + " (" + sign.member + "+" + std::to_string(sign.offset) + ")";
}

// What a tree tells of its byte order counts until capture.json speaks, and what the user says before that.
model::HostByteOrder byte_order_of(const decode::ByteOrderSigns& signs, std::optional<base::ByteOrder> given) {
  using From = model::HostByteOrder::From;
  if (given) return {*given, From::option, ""};
  model::HostByteOrder known{signs.order(), signs.is_known() ? From::deduced : From::guessed, ""};
  if (const auto& sign = signs.first(known.order)) known.detail = sign_text(*sign);
  else if (signs.matters()) known.detail = "no address in it makes sense in one order only";
  return known;
}

// What makes the addresses of a tree uncertain.
void add_byte_order_problems(Replay& replay, const decode::ByteOrderSigns& signs) {
  using From = model::HostByteOrder::From;
  const model::HostByteOrder& known = *replay.records.host.byte_order;
  const std::string word = known.order == base::ByteOrder::little ? "little" : "big";
  if (known.from == From::guessed && !known.detail.empty())
    replay.add_problem("", 0, "the byte order of the addresses is guessed: " + word + "; " + known.detail + "; --byte-order says it");
  if (known.from != From::deduced || !signs.is_contradictory()) return;
  const auto other = known.order == base::ByteOrder::little ? base::ByteOrder::big : base::ByteOrder::little;
  replay.add_problem("", 0, "the byte order is taken for " + word + ", as " + known.detail + ", though by the other one " +
                                sign_text(*signs.first(other)));
}

struct UsualTable {
  const char* name;
  decltype(EmptyTable::view) view;
};
const UsualTable kUsualTables[] = {{"tcp", {model::View::proc_net_tcp, model::kFamilyInet, model::kProtocolTcp}},
                                   {"tcp6", {model::View::proc_net_tcp6, model::kFamilyInet6, model::kProtocolTcp}},
                                   {"udp", {model::View::proc_net_udp, model::kFamilyInet, model::kProtocolUdp}},
                                   {"udp6", {model::View::proc_net_udp6, model::kFamilyInet6, model::kProtocolUdp}},
                                   {"raw", {model::View::proc_net_raw, model::kFamilyInet, model::kProtocolRaw}},
                                   {"raw6", {model::View::proc_net_raw6, model::kFamilyInet6, model::kProtocolRaw}},
                                   {"unix", {model::View::proc_net_unix, model::kFamilyUnix, 0}},
                                   {"packet", {model::View::proc_net_packet, model::kFamilyPacket, 0}},
                                   {"netlink", {model::View::proc_net_netlink, model::kFamilyNetlink, 0}}};

void add_gap(Replay& replay, const char* source, std::string detail) {
  model::Gap gap;
  gap.kind = base::OutcomeKind::vanished;
  gap.source = source;
  gap.detail = std::move(detail);
  replay.records.gaps.push_back(std::move(gap));
}

// Of a copy of /proc nobody listed the sources: what is not in it must not look as if there had been none.
void add_missing_of_copy(Replay& replay) {
  const auto& processes = replay.records.processes;
  if (std::none_of(processes.begin(), processes.end(), [](const auto& process) { return process.second.fds_seen; }))
    add_gap(replay, "proc_pid_fd", "no fds of any process in this copy of /proc");
  auto& by_namespace = replay.records.views;
  if (by_namespace.size() > by_namespace.count(0)) return;  // of several namespaces: no copy of /proc/net
  std::string names;
  for (const UsualTable& table : kUsualTables) {
    const bool is_empty = std::any_of(replay.empty_tables.begin(), replay.empty_tables.end(),
                                      [&](const EmptyTable& empty) { return empty.view == table.view; });
    if (by_namespace[0].count(table.view) == 0 && !is_empty) names += (names.empty() ? "" : ", ") + std::string(table.name);
  }
  if (!names.empty()) add_gap(replay, "proc_net", "not in this copy of /proc/net: " + names);
}

base::Result<model::Snapshot> replay_directory(const archive::Input& input, const reconstruct::Options& options) {
  Replay replay;
  replay.bytes_left = replay.limits.bytes;
  replay.keep_info = options.keep_info;
  replay.keep_net_tables = options.keep_net_tables;
  replay.keep_first_dump = options.keep_first_dump;
  replay.cross_view = options.cross_view;
  archive::ReadReport survey;
  const auto tree = survey_directory(input, survey.problems);
  if (tree.has_error()) return tree.error();
  replay.records.host.byte_order = byte_order_of(tree->byte_order(), options.byte_order);
  replay.byte_order = replay.records.host.byte_order->order;
  const auto report = archive::read_directory(
      input,
      [&](std::string_view file) {
        const auto name = tree->member_name(file);
        return name && is_wanted(*name);
      },
      [&](const archive::Member& member) {
        if (const auto name = tree->member_name(member.name)) add_member(replay, *name, member);
      });
  if (report.has_error()) return report.error();
  finish_decoding(replay);
  add_report(replay, survey);
  add_report(replay, *report);
  if (report->members == 0)
    return base::Error{"no snapshot: " + input.name + " holds neither an unpacked archive nor a copy of /proc"};
  add_byte_order_problems(replay, tree->byte_order());
  if (!tree->is_archive()) add_missing_of_copy(replay);
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
  replay.keep_first_dump = options.keep_first_dump;
  replay.cross_view = options.cross_view;
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
