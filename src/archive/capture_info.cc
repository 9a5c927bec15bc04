#include "archive/capture_info.h"

#include <array>
#include <limits>

#include <boost/json/array.hpp>

#include "archive/json_text.h"
#include "archive/read_limits.h"
#include "base/clock.h"

namespace ssnap::archive {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMaxClkTck = 1'000'000'000;    // a tick is at least a nanosecond
constexpr std::int64_t kMaxPageBytes = 1LL << 30;     // the largest page of any machine
constexpr std::int64_t kMaxSignal = 127;              // what fits a wait status
constexpr std::int64_t kMaxClockErrorUsec = 1'000'000'000'000;  // the kernel's own bound is 16 s (NTP_PHASE_LIMIT)
constexpr std::string_view kFormatName = "ssnap-archive";

constexpr std::array<std::pair<EndStatus, std::string_view>, 4> kStatusNames{{
    {EndStatus::complete, "complete"},
    {EndStatus::interrupted, "interrupted"},
    {EndStatus::limit, "limit"},
    {EndStatus::error, "error"},
}};

template <class T>
void put(json::object& object, std::string_view name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

void put_text(json::object& object, std::string_view name, const std::optional<std::string>& value) {
  if (value) object[name] = escape_bytes(*value);
}

json::object clocks_to_json(const Clocks& clocks) {
  return {
      {"realtime", base::rfc3339_utc(clocks.realtime_nsec, 9)},
      {"realtime_nsec", clocks.realtime_nsec},
      {"boottime_nsec", clocks.boottime_nsec},
      {"monotonic_nsec", clocks.monotonic_nsec},
  };
}

// `realtime` is for people; the number beside it counts.
Clocks clocks_from_json(FieldReader& fields, std::optional<base::Error>& error) {
  Clocks clocks;
  const auto* object = fields.object("clocks");
  if (object == nullptr) return clocks;
  FieldReader inner(*object, "clocks", error);
  clocks.realtime_nsec = inner.integer("realtime_nsec", kLeast, kMost);
  clocks.boottime_nsec = inner.integer("boottime_nsec", 0, kMost);
  clocks.monotonic_nsec = inner.integer("monotonic_nsec", 0, kMost);
  return clocks;
}

// `synchronized` is for people.
void put_clock_sync(json::object& object, const std::optional<ClockSync>& sync) {
  if (!sync) return;
  object["clock_sync"] = json::object{
      {"synchronized", (sync->status & ClockSync::kUnsynchronized) == 0},
      {"state", sync->state},
      {"status", sync->status},
      {"max_error_usec", sync->max_error_usec},
      {"estimated_error_usec", sync->estimated_error_usec},
      {"tai_offset_sec", sync->tai_offset_sec},
  };
}

std::optional<ClockSync> clock_sync_from_json(FieldReader& fields, std::optional<base::Error>& error) {
  if (!fields.has("clock_sync")) return std::nullopt;
  const auto* object = fields.object("clock_sync");
  if (object == nullptr) return std::nullopt;
  FieldReader inner(*object, "clock_sync", error);
  ClockSync sync;
  sync.state = inner.integer("state", 0, kMost);
  sync.status = inner.integer("status", kLeast, kMost);
  sync.max_error_usec = inner.integer("max_error_usec", 0, kMaxClockErrorUsec);
  sync.estimated_error_usec = inner.integer("estimated_error_usec", 0, kMaxClockErrorUsec);
  sync.tai_offset_sec = inner.integer("tai_offset_sec", kLeast, kMost);
  return sync;
}

// Counts by name: namespaces, gaps.
std::map<std::string, std::uint64_t> counts_from_json(FieldReader& fields, std::string_view name) {
  std::map<std::string, std::uint64_t> out;
  const auto* object = fields.object(name);
  if (object == nullptr) return out;
  for (const auto& [key, value] : *object) {
    const auto bytes = unescape_bytes(key);
    const auto number = as_count(value);
    if (!bytes || !number) fields.fail(name, "holds something that is not a number of things");
    else out[*bytes] = *number;
  }
  return out;
}

json::object counts_to_json(const std::map<std::string, std::uint64_t>& counts) {
  json::object out;
  for (const auto& [name, number] : counts) out[escape_bytes(name)] = number;
  return out;
}

void read_tool(FieldReader& fields, CaptureInfo::Tool& tool, std::optional<base::Error>& error) {
  const auto* object = fields.object("tool");
  if (object == nullptr) return;
  FieldReader inner(*object, "tool", error);
  tool.name = inner.text("name");
  tool.version = inner.text("version");
  tool.commit = inner.text("commit");
  tool.sha256 = inner.optional_text("sha256");
  tool.executable = inner.optional_text("executable");
}

void read_arguments(FieldReader& fields, CaptureInfo& info) {
  const auto* array = fields.array("arguments");
  if (array == nullptr) return;
  for (const auto& item : *array) {
    const auto bytes = as_bytes(item);
    if (!bytes) fields.fail("arguments", "holds something that is not a string");
    else info.arguments.push_back(*bytes);
  }
}

void read_case_fields(FieldReader& fields, CaptureInfo& info, std::optional<base::Error>& error) {
  const auto* array = fields.array("case");
  if (array == nullptr) return;
  for (const auto& item : *array) {
    const auto* object = item.if_object();
    if (object == nullptr) {
      fields.fail("case", "holds something that is not an object");
      continue;
    }
    FieldReader inner(*object, "case", error);
    std::string name = inner.text("name");
    info.case_fields.emplace_back(std::move(name), inner.text("value"));
  }
}

void read_collector(FieldReader& fields, CaptureInfo::Collector& collector, std::optional<base::Error>& error) {
  const auto* object = fields.object("collector");
  if (object == nullptr) return;
  FieldReader inner(*object, "collector", error);
  collector.pid = inner.integer("pid", 0, kMost);
  collector.uid = inner.integer("uid", 0, kMost);
  collector.euid = inner.integer("euid", 0, kMost);
  collector.gid = inner.integer("gid", 0, kMost);
  collector.egid = inner.integer("egid", 0, kMost);
  collector.capabilities_effective = inner.optional_text("capabilities_effective");
  collector.capabilities_permitted = inner.optional_text("capabilities_permitted");
  collector.capabilities_bounding = inner.optional_text("capabilities_bounding");
  collector.namespaces = counts_from_json(inner, "namespaces");
  collector.login_uid = inner.optional_count("login_uid");
  collector.audit_session = inner.optional_count("audit_session");
  collector.parent = inner.optional_integer("parent", 0, kMost);
  collector.session = inner.optional_integer("session", 0, kMost);
  collector.terminal = inner.optional_integer("terminal", 0, kMost);
}

void read_host(FieldReader& fields, CaptureInfo::Host& host, std::optional<base::Error>& error) {
  const auto* object = fields.object("host");
  if (object == nullptr) return;
  FieldReader inner(*object, "host", error);
  host.nodename = inner.optional_text("nodename");
  host.machine_id = inner.optional_text("machine_id");
  host.boot_id = inner.optional_text("boot_id");
  host.kernel = inner.optional_text("kernel");
  host.kernel_version = inner.optional_text("kernel_version");
  host.machine = inner.optional_text("machine");
  const std::string order = inner.text("byte_order");
  if (order != "little" && order != "big") inner.fail("byte_order", "is neither little nor big");
  host.byte_order = order == "big" ? base::ByteOrder::big : base::ByteOrder::little;
  const auto word_bits = inner.integer("word_bits", 32, 64);
  if (word_bits != 32 && word_bits != 64) inner.fail("word_bits", "is neither 32 nor 64");
  host.word_bits = static_cast<int>(word_bits);
  host.clk_tck = inner.integer("clk_tck", 1, kMaxClkTck);
  host.page_size_bytes = inner.integer("page_size_bytes", 1, kMaxPageBytes);
}

}  // namespace

std::string to_json(const CaptureInfo& info) {
  json::object tool{
      {"name", escape_bytes(info.tool.name)},
      {"version", escape_bytes(info.tool.version)},
      {"commit", escape_bytes(info.tool.commit)},
  };
  put_text(tool, "sha256", info.tool.sha256);
  put_text(tool, "executable", info.tool.executable);

  json::array arguments;
  for (const auto& argument : info.arguments) arguments.emplace_back(escape_bytes(argument));
  json::array case_fields;
  for (const auto& [name, value] : info.case_fields)
    case_fields.push_back(json::object{{"name", escape_bytes(name)}, {"value", escape_bytes(value)}});

  json::object collector{
      {"pid", info.collector.pid},   {"uid", info.collector.uid},   {"euid", info.collector.euid},
      {"gid", info.collector.gid},   {"egid", info.collector.egid},
  };
  put_text(collector, "capabilities_effective", info.collector.capabilities_effective);
  put_text(collector, "capabilities_permitted", info.collector.capabilities_permitted);
  put_text(collector, "capabilities_bounding", info.collector.capabilities_bounding);
  collector["namespaces"] = counts_to_json(info.collector.namespaces);
  put(collector, "login_uid", info.collector.login_uid);
  put(collector, "audit_session", info.collector.audit_session);
  put(collector, "parent", info.collector.parent);
  put(collector, "session", info.collector.session);
  put(collector, "terminal", info.collector.terminal);

  json::object host;
  put_text(host, "nodename", info.host.nodename);
  put_text(host, "machine_id", info.host.machine_id);
  put_text(host, "boot_id", info.host.boot_id);
  put_text(host, "kernel", info.host.kernel);
  put_text(host, "kernel_version", info.host.kernel_version);
  put_text(host, "machine", info.host.machine);
  host["byte_order"] = info.host.byte_order == base::ByteOrder::big ? "big" : "little";
  host["word_bits"] = info.host.word_bits;
  host["clk_tck"] = info.host.clk_tck;
  host["page_size_bytes"] = info.host.page_size_bytes;

  json::object out{
      {"format", kFormatName},
      {"format_version", info.format_version},
      {"tool", std::move(tool)},
      {"arguments", std::move(arguments)},
      {"case", std::move(case_fields)},
      {"collector", std::move(collector)},
      {"host", std::move(host)},
      {"clocks", clocks_to_json(info.clocks)},
  };
  put_clock_sync(out, info.clock_sync);
  return to_pretty_json(out);
}

base::Result<CaptureInfo> parse_capture_info(std::string_view bytes) {
  const auto object = parse_json_object(bytes, kMaxInfoBytes, kMaxInfoFields);
  if (!object) return object.error();
  std::optional<base::Error> error;
  FieldReader fields(*object, "", error);
  CaptureInfo info;
  if (fields.text("format") != kFormatName) fields.fail("format", "is not ssnap-archive");
  const auto version = fields.integer("format_version", 1, std::numeric_limits<int>::max());
  // What a newer version means by the other fields isn't known.
  if (!error && version > kFormatVersion)
    return base::Error{"format version " + std::to_string(version) + " is newer than this program reads (" +
                           std::to_string(kFormatVersion) + ")",
                       0};
  info.format_version = static_cast<int>(version);
  read_tool(fields, info.tool, error);
  read_arguments(fields, info);
  read_case_fields(fields, info, error);
  read_collector(fields, info.collector, error);
  read_host(fields, info.host, error);
  info.clocks = clocks_from_json(fields, error);
  info.clock_sync = clock_sync_from_json(fields, error);
  if (error) return *error;
  return info;
}

std::string to_json(const EndInfo& info) {
  std::string_view status = "error";
  for (const auto& [value, name] : kStatusNames)
    if (value == info.status) status = name;
  json::object out{{"status", status}};
  put(out, "signal", info.signal);
  if (!info.detail.empty()) out["detail"] = escape_bytes(info.detail);
  out["clocks"] = clocks_to_json(info.clocks);
  put_clock_sync(out, info.clock_sync);
  out["members"] = info.members;
  out["member_bytes"] = info.member_bytes;
  out["gaps"] = counts_to_json(info.gaps);
  return to_pretty_json(out);
}

base::Result<EndInfo> parse_end_info(std::string_view bytes) {
  const auto object = parse_json_object(bytes, kMaxInfoBytes, kMaxInfoFields);
  if (!object) return object.error();
  std::optional<base::Error> error;
  FieldReader fields(*object, "", error);
  EndInfo info;
  const std::string status = fields.text("status");
  bool known = false;
  for (const auto& [value, name] : kStatusNames) {
    if (name != status) continue;
    info.status = value;
    known = true;
  }
  if (!known) fields.fail("status", "is none of complete, interrupted, limit, error");
  if (const auto number = fields.optional_integer("signal", 1, kMaxSignal)) info.signal = static_cast<int>(*number);
  info.detail = fields.optional_text("detail").value_or("");
  info.clocks = clocks_from_json(fields, error);
  info.clock_sync = clock_sync_from_json(fields, error);
  info.members = fields.count("members");
  info.member_bytes = fields.count("member_bytes");
  info.gaps = counts_from_json(fields, "gaps");
  if (error) return *error;
  return info;
}

}  // namespace ssnap::archive
