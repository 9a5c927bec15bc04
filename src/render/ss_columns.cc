#include "render/ss_columns.h"

#include <algorithm>

namespace ssnap::render {
namespace {

struct Heading {
  std::string_view title, delimiter;  // the delimiter stands before the column, unless it begins a line
  bool right;                         // aligned
};
constexpr Heading kHeadings[kSsColumns] = {
    {"Netid", "", false},   {"State", " ", false},         {"Recv-Q", " ", false},      {"Send-Q", " ", false},
    {"Local Address:", " ", true}, {"Port", "", false},    {"Peer Address:", " ", true}, {"Port", "", false},
    {"Process", "", false}, {"", "", false},
};

constexpr std::size_t kMaxFieldBytes = 65535;
// A piece of memory less its own head, and the length that stands before each field.
constexpr std::size_t kChunkBytes = 1024 * 1024 - 16, kLengthBytes = 2;
constexpr std::size_t kMaxChunks = 5;

}  // namespace

void SsColumns::begin_chunk() {
  ++chunks_;
  field_at_ = 0;
  chunk_used_ = kLengthBytes;
}

void SsColumns::add(std::string_view text) {
  if (hidden_[current_]) return;
  if (fields_.empty()) {
    fields_.emplace_back();
    begin_chunk();
  }
  std::string& field = fields_.back().text;
  // A field that does not fit moves to a new piece as a whole.
  if (text.size() >= kChunkBytes - chunk_used_ && field_at_ != 0) {
    begin_chunk();
    chunk_used_ += field.size();
  }
  const std::size_t taken = std::min({text.size(), kChunkBytes - chunk_used_, kMaxFieldBytes - field.size()});
  field.append(text.substr(0, taken));
  chunk_used_ += taken;
}

void SsColumns::note(std::string text) {
  if (fields_.empty()) add("");
  fields_.back().notes.push_back(std::move(text));
}

void SsColumns::advance() {
  const bool is_last = current_ == kSsColumns - 1;
  if (is_last && chunks_ >= kMaxChunks) {
    flush();
    return;
  }
  if (!hidden_[current_]) {
    if (fields_.empty()) add("");
    const std::size_t bytes = fields_.back().text.size(), padding = bytes % 2;
    widest_[current_] = std::max(widest_[current_], bytes);
    if (kChunkBytes - chunk_used_ < padding + kLengthBytes) {
      begin_chunk();
    } else {
      field_at_ = chunk_used_ + padding;
      chunk_used_ = field_at_ + kLengthBytes;
    }
    fields_.emplace_back();
  }
  current_ = is_last ? 0 : current_ + 1;
}

void SsColumns::go_to(SsColumn column) {
  while (current_ != index(column)) advance();
}

void SsColumns::header() {
  for (std::size_t i = 0; i + 1 < kSsColumns; ++i) {
    add(kHeadings[i].title);
    advance();
  }
}

void SsColumns::flush() {
  std::array<std::size_t, kSsColumns> width{};
  bool first = true;
  for (std::size_t i = 0; i < kSsColumns; ++i) {
    if (hidden_[i]) continue;
    width[i] = widest_[i];
    if (!first && width[i] != 0) width[i] += kHeadings[i].delimiter.size();
    if (width[i] != 0) first = false;
  }
  std::size_t column = 0;
  while (column + 1 < kSsColumns && width[column] == 0) ++column;
  bool begins = true;
  std::vector<std::string> notes;
  const auto end_line = [&] {
    out_ += '\n';
    for (const auto& note : notes) out_ += note + '\n';
    notes.clear();
    begins = true;
  };
  for (Field& field : fields_) {
    const Heading& heading = kHeadings[column];
    std::size_t printed = 0;
    if (!begins) {
      out_ += heading.delimiter;
      printed = heading.delimiter.size();
    }
    begins = false;
    const std::size_t taken = printed + field.text.size();
    const std::size_t missing = width[column] > taken ? width[column] - taken : 0;
    if (heading.right) out_.append(missing, ' ');
    out_ += field.text;
    if (!heading.right) out_.append(missing, ' ');
    std::move(field.notes.begin(), field.notes.end(), std::back_inserter(notes));
    do {
      if (column == kSsColumns - 1) {
        end_line();
        column = 0;
      } else {
        ++column;
      }
    } while (hidden_[column]);
  }
  if (!begins) end_line();
  fields_.clear();
  chunks_ = 0;
  current_ = 0;
}

}  // namespace ssnap::render
