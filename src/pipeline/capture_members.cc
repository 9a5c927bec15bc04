#include "pipeline/capture_members.h"

#include <algorithm>
#include <optional>
#include <string>

#include "archive/journal.h"
#include "base/clock.h"

namespace ssnap::pipeline {
namespace {

std::optional<model::ClockSync> clock_of(const std::optional<archive::ClockSync>& clock) {
  if (!clock) return std::nullopt;
  return model::ClockSync{(clock->status & archive::ClockSync::kUnsynchronized) == 0, clock->max_error_usec,
                          clock->estimated_error_usec, clock->tai_offset_sec};
}

void read_collector(const archive::CaptureInfo& info, model::Capture& capture) {
  capture.tool_version = info.tool.version;
  capture.tool_sha256 = info.tool.sha256;
  capture.collector_executable = info.tool.executable;
  const auto& collector = info.collector;
  capture.collector_uid = collector.uid;
  capture.collector_capabilities = collector.capabilities_effective;
  capture.collector_permitted = collector.capabilities_permitted;
  capture.collector_bounding = collector.capabilities_bounding;
  capture.collector_pid = collector.pid;
  capture.collector_parent = collector.parent;
  capture.collector_session = collector.session;
  capture.collector_terminal = collector.terminal;
  capture.collector_login_uid = collector.login_uid;
  capture.collector_audit_session = collector.audit_session;
  capture.begin_clock = clock_of(info.clock_sync);
}

}  // namespace

void read_capture_info(const Context& context) {
  auto& replay = context.replay;
  const auto parsed = archive::parse_capture_info(context.member.bytes);
  if (parsed.has_error() || context.member.cut) {
    replay.capture_info_error = parsed.has_error() ? parsed.error().message : "capture.json is cut";
    return;
  }
  const archive::CaptureInfo& info = *parsed;
  replay.has_capture_info = true;
  replay.byte_order = info.host.byte_order;
  auto& host = replay.records.host;
  host.byte_order = {info.host.byte_order, model::HostByteOrder::From::capture, ""};
  host.nodename = info.host.nodename;
  host.machine_id = info.host.machine_id;
  host.boot_id = info.host.boot_id;
  host.kernel = info.host.kernel;
  host.kernel_version = info.host.kernel_version;
  host.machine = info.host.machine;
  host.clk_tck = info.host.clk_tck;
  auto& capture = replay.records.capture;
  read_collector(info, capture);
  capture.arguments = info.arguments;
  capture.case_fields = info.case_fields;
  capture.begin_realtime_nsec = info.clocks.realtime_nsec;
  capture.begin_boottime_nsec = info.clocks.boottime_nsec;
  replay.records.boot_realtime_nsec =
      base::subtract_times(info.clocks.realtime_nsec, info.clocks.boottime_nsec);
  constexpr std::uint64_t kFirstPidNamespace = 0xeffffffc;  // PROC_PID_INIT_INO (include/linux/proc_ns.h), since 3.8
  if (const auto pid = info.collector.namespaces.find("pid"); pid != info.collector.namespaces.end())
    capture.inner_pid_namespace = pid->second != kFirstPidNamespace;
  if (const auto net = info.collector.namespaces.find("net"); net != info.collector.namespaces.end())
    replay.records.own_netns = net->second;
  if (const auto mounts = info.collector.namespaces.find("mnt"); mounts != info.collector.namespaces.end())
    replay.records.own_mount_namespace = mounts->second;
}

void read_end_info(const Context& context) {
  const auto parsed = archive::parse_end_info(context.member.bytes);
  if (parsed.has_error()) return context.report(parsed.error().message);
  auto& capture = context.records().capture;
  context.replay.has_end_info = true;
  capture.end_realtime_nsec = parsed->clocks.realtime_nsec;
  capture.end_clock = clock_of(parsed->clock_sync);
  capture.status_detail = parsed->detail;
  switch (parsed->status) {
    case archive::EndStatus::complete: capture.status = "complete"; break;
    case archive::EndStatus::limit: capture.status = "limit"; break;
    case archive::EndStatus::error: capture.status = "error"; break;
    case archive::EndStatus::interrupted:
      capture.status = "interrupted";
      if (parsed->signal) capture.status_detail = "signal " + std::to_string(*parsed->signal);
  }
}

void read_journal(const Context& context) {
  auto& replay = context.replay;
  const archive::JournalPart part = archive::parse_journal(context.member.bytes);
  context.report(part.problems);
  for (const archive::JournalEntry& entry : part.entries) {
    auto& source = replay.records.sources[entry.source];
    if (source.reads++ == 0 || entry.begin_nsec < source.begin_nsec) source.begin_nsec = entry.begin_nsec;
    source.end_nsec = std::max(source.end_nsec, entry.end_nsec);
    source.bytes += entry.bytes.value_or(0);
    if (entry.outcome == base::OutcomeKind::ok) {
      ++source.complete;
      if (entry.source == "proc_list" && entry.pass.value_or(1) == 1) {
        replay.has_process_list = true;
        replay.records.capture.processes_found = entry.count.value_or(0);
      }
      if (entry.source.ends_with("_diag") && (!replay.first_dump_nsec || entry.begin_nsec < *replay.first_dump_nsec))
        replay.first_dump_nsec = entry.begin_nsec;
      if (entry.source == "proc_pid_fd")
        replay.last_fd_nsec = std::max(replay.last_fd_nsec.value_or(0), entry.end_nsec);
      continue;
    }
    if (replay.records.gaps.size() >= replay.limits.gaps) {
      ++replay.gaps_left_out;
      continue;
    }
    model::Gap gap;
    gap.kind = entry.outcome;
    gap.source = entry.source;
    gap.member = entry.member;
    gap.netns = entry.netns;
    gap.pid = entry.pid;
    gap.tid = entry.tid;
    gap.errno_number = entry.errno_number;
    gap.count = entry.count.value_or(1);
    gap.detail = entry.detail;
    replay.records.gaps.push_back(std::move(gap));
  }
}

}  // namespace ssnap::pipeline
