// capture.json and end.json: who captured what, when, and how it ended.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"

namespace ssnap::archive {

constexpr int kFormatVersion = 1;  // the newest that this program writes and reads

// The three clocks, read together. Nanoseconds.
struct Clocks {
  std::int64_t realtime_nsec = 0;   // CLOCK_REALTIME
  std::int64_t boottime_nsec = 0;   // CLOCK_BOOTTIME: what the journal counts in
  std::int64_t monotonic_nsec = 0;  // CLOCK_MONOTONIC
};

// What the kernel says of its clock (adjtimex(2) without a change; include/uapi/linux/timex.h). Numbers as it has them.
struct ClockSync {
  std::int64_t state = 0;   // TIME_OK 0, leap seconds 1 to 4, TIME_ERROR 5: not synchronized
  std::int64_t status = 0;  // STA_*
  std::int64_t max_error_usec = 0, estimated_error_usec = 0;
  std::int64_t tai_offset_sec = 0;  // TAI minus UTC; 0 also where nobody told the kernel
  static constexpr std::int64_t kUnsynchronized = 0x40;  // STA_UNSYNC, in status
};

// capture.json. What could not be found out is absent.
struct CaptureInfo {
  int format_version = kFormatVersion;
  struct Tool {
    std::string name, version, commit;
    std::optional<std::string> sha256;      // of the collector's own executable
    std::optional<std::string> executable;  // where that is (/proc/self/exe)
  } tool;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> case_fields;  // --case K=V, in their order
  struct Collector {
    std::int64_t pid = 0;
    std::int64_t uid = 0, euid = 0, gid = 0, egid = 0;
    std::optional<std::string> capabilities_effective;  // CapEff of /proc/self/status: 16 hexadecimal digits
    std::optional<std::string> capabilities_permitted, capabilities_bounding;  // CapPrm, CapBnd
    std::map<std::string, std::uint64_t> namespaces;    // "net" -> inode, "pid", "mnt", "user", ...
    std::optional<std::uint64_t> login_uid;       // of the login that it descends from (/proc/self/loginuid); absent: none
    std::optional<std::uint64_t> audit_session;   // of that login (/proc/self/sessionid); absent: none
    std::optional<std::int64_t> parent, session;  // /proc/self/stat
    std::optional<std::int64_t> terminal;         // the same: the controlling terminal's device number; absent: none
  } collector;
  struct Host {
    std::optional<std::string> nodename, machine_id, boot_id;
    std::optional<std::string> kernel, kernel_version, machine;  // uname: release, version, machine
    base::ByteOrder byte_order = base::ByteOrder::little;
    int word_bits = 64;
    std::int64_t clk_tck = 100;  // sysconf(_SC_CLK_TCK): the unit of start_ticks and of timers in /proc/net
    std::int64_t page_size_bytes = 4096;
  } host;
  Clocks clocks;
  std::optional<ClockSync> clock_sync;
};

std::string to_json(const CaptureInfo& info);
// An Error says what is missing or of the wrong kind; a format_version above kFormatVersion is one.
base::Result<CaptureInfo> parse_capture_info(std::string_view bytes);

enum class EndStatus : std::uint8_t { complete, interrupted, limit, error };

// end.json. `complete` means that every source was tried; the gaps are counted beside it.
struct EndInfo {
  EndStatus status = EndStatus::complete;
  std::optional<int> signal{};            // interrupted: its number
  std::string detail;                     // limit, error: what happened
  Clocks clocks;                          // when it ended
  std::optional<ClockSync> clock_sync{};  // then
  std::uint64_t members = 0;              // written before this one
  std::uint64_t member_bytes = 0;         // their uncompressed size together
  std::map<std::string, std::uint64_t> gaps;  // outcome name -> how many things ("denied": 250)
};

std::string to_json(const EndInfo& info);
base::Result<EndInfo> parse_end_info(std::string_view bytes);

}  // namespace ssnap::archive
