// The columns of ss 6.1 where stdout is no terminal: as wide as their widest field, nothing is wrapped, nothing is cut but
// a field at 65,535 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ssnap::render {

enum class SsColumn : std::size_t {
  netid,
  state,
  recv_queue,
  send_queue,
  local_address,
  local_port,
  peer_address,
  peer_port,
  rest,  // "Process": owners, and what -e, -o, -i, ... add
  end,   // always empty
};
constexpr std::size_t kSsColumns = 10;

class SsColumns {
 public:
  // Appends finished lines to `out`.
  explicit SsColumns(std::string& out) : out_(out) {}

  // The first two columns are left out where they would say the same in every row.
  void hide(SsColumn column) { hidden_[index(column)] = true; }
  void header();
  // Ends the fields before `column`, which are empty where nothing was added: the next text goes there.
  void go_to(SsColumn column);
  void next() { advance(); }
  void add(std::string_view text);
  // A line of ours under the row that is being written: without columns, and without weight for their width.
  void note(std::string text);
  // All that is left.
  void finish() { flush(); }

 private:
  // One field; its notes come below the line that it ends.
  struct Field {
    std::string text;
    std::vector<std::string> notes;
  };

  static constexpr std::size_t index(SsColumn column) { return static_cast<std::size_t>(column); }
  void begin_chunk();
  void advance();
  void flush();

  std::string& out_;
  std::size_t current_ = 0;
  std::array<bool, kSsColumns> hidden_{};
  std::array<std::size_t, kSsColumns> widest_{};  // of the fields that were ended so far
  std::vector<Field> fields_;
  // ss gathers fields in pieces of memory of one MiB. When the fifth is begun it prints what it has, with columns as wide
  // as was needed so far: the layout of long listings depends on it.
  std::size_t chunks_ = 0, chunk_used_ = 0, field_at_ = 0;
};

}  // namespace ssnap::render
