// Which member goes to which decoder.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "archive/capture_info.h"
#include "archive/member.h"
#include "pipeline/replay_limits.h"
#include "reconstruct/records.h"

namespace ssnap::pipeline {

struct EmptyTable {
  std::uint64_t netns = 0;
  std::tuple<model::View, std::uint16_t, std::uint16_t> view;  // as in Records::views
  std::string member;
};

// What the members of one input add up to.
struct Replay {
  reconstruct::Records records;
  base::ByteOrder byte_order = base::ByteOrder::little;  // of the captured host
  bool keep_info = false;  // reconstruct::Options::keep_info
  bool keep_net_tables = false;  // reconstruct::Options::keep_net_tables
  bool keep_first_dump = false;  // reconstruct::Options::keep_first_dump: then the congestion control's own numbers too
  bool cross_view = false;       // reconstruct::Options::cross_view
  bool has_capture_info = false;
  std::string capture_info_error;  // why capture.json is of no use
  bool has_end_info = false;
  bool has_process_list = false;
  std::optional<std::uint64_t> first_dump_nsec, last_fd_nsec;  // CLOCK_BOOTTIME: the smear
  std::map<std::pair<std::uint64_t, std::string>, std::size_t> last_dumps;  // by namespace and table: place in Records::inet_dumps
  // Tables of 0 bytes, which have not even their header: gaps, unless the table is there under another name.
  std::vector<EmptyTable> empty_tables;
  ReplayLimits limits;
  std::uint64_t bytes_left = kMaxReplayBytes;  // of limits.bytes, or of what the size of the input allows
  // The large member, one at most, that a thread decodes beside the reading of what follows it: the call puts it into the
  // records. Until then the problems of what follows wait, so that their order is that of the input.
  std::future<std::function<void(Replay&)>> decoding;
  std::vector<model::MemberProblem> later_problems;
  std::uint64_t members_left_out = 0, problems_left_out = 0, gaps_left_out = 0;

  void add_problem(std::string member, std::uint64_t offset, std::string message);
};

// The name that a member of a directory would have in an archive: files of a plain copy of /proc come below "proc/".
std::string canonical_name(std::string_view name);

// True if some row of the table reads the member.
bool is_wanted(std::string_view name);

// Decodes one member into the records. Members that no row names are passed over; those for which no bytes are left are
// counted.
void add_member(Replay& replay, std::string_view name, const archive::Member& member);

// Waits for the member that is still being decoded. To be called before the records are used.
void finish_decoding(Replay& replay);

}  // namespace ssnap::pipeline
