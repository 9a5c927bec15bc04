#include "archive/tar_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "archive/manifest.h"
#include "base/sha256.h"

namespace ssnap::archive {
namespace {

constexpr std::uint64_t kMaxReserve = 256 * kMiB;

bool is_zero(std::string_view bytes) {
  return bytes.empty() || (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// A name in a message: short, and of bytes that no terminal acts on. The exact bytes are in the archive.
std::string shown(std::string_view name) {
  constexpr std::size_t kShownBytes = 100;
  return percent_escape(name.substr(0, kShownBytes)) + (name.size() > kShownBytes ? "..." : "");
}

}  // namespace

void TarReader::problem(std::string message) { report_.problems.add(frame_offset_, std::move(message)); }

bool TarReader::begin_frame(std::uint64_t offset, bool states_content_size) {
  frame_offset_ = offset;
  spans_frames_ = true;
  if (!lost_ && !scanning_) return true;
  block_.clear();
  if (!states_content_size) {
    problem("passed over: the content of a member whose header was lost");
    return false;
  }
  lost_ = false;
  return true;
}

void TarReader::feed(std::string_view bytes) {
  if (!bytes.empty()) emit_held(false);
  while (!bytes.empty() && !stopped_) {
    switch (state_) {
      case State::header: {
        std::string_view block = bytes.substr(0, kTarBlockBytes - block_.size());
        bytes.remove_prefix(block.size());
        if (block.size() < kTarBlockBytes) {
          block_ += block;
          if (block_.size() < kTarBlockBytes) return;
          block = block_;
        }
        on_header(block);
        block_.clear();
        break;
      }
      case State::content: {
        const std::string_view taken = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
        bytes.remove_prefix(taken.size());
        left_ -= taken.size();
        const bool whole = left_ == 0 && body_.empty() && !(use_ == Use::member && spans_frames_);
        if (use_ != Use::skip && !whole) {
          // In one step: while a string doubles, it is held twice. Room that nothing fills takes no memory, but what a header
          // claims gets no more than this.
          if (body_.empty()) body_.reserve(static_cast<std::size_t>(std::min(taken.size() + left_, kMaxReserve)));
          body_ += taken;
        }
        if (left_ == 0) content_done(whole ? taken : std::string_view(body_));
        break;
      }
      case State::padding: {
        const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        bytes.remove_prefix(taken);
        left_ -= taken;
        if (left_ == 0) state_ = State::header;
        break;
      }
      case State::ended:
        if (!is_zero(bytes) && !std::exchange(told_trailing_, true)) problem("bytes after the end of the tar: ignored");
        return;
    }
  }
}

void TarReader::end_frame() { emit_held(false); }

void TarReader::damaged(bool all_decoded) {
  emit_held(true);
  const bool in_member = state_ == State::content && use_ == Use::member;
  if (all_decoded) {
    // Nothing is missing: the tar goes on in the next frame, but these bytes are not to be trusted.
    hit_ = hit_ || (in_member && !body_.empty());
    return;
  }
  if (in_member) emit(MemberType::file, body_, true);
  body_.clear();
  block_.clear();
  overrides_ = {};
  zero_blocks_ = 0;
  if (state_ == State::ended) return;
  state_ = State::header;
  lost_ = true;
}

bool TarReader::cut() {
  emit_held(false);
  if (state_ == State::ended) return false;
  damaged(false);
  return true;
}

void TarReader::on_header(std::string_view block) {
  if (is_zero(block)) {
    if (++zero_blocks_ == 2) state_ = State::ended;
    return;
  }
  if (zero_blocks_ == 1 && !scanning_) problem("a single block of zeros between members");
  zero_blocks_ = 0;
  const auto header = parse_tar_header(block);
  if (!header) {
    if (!std::exchange(scanning_, true)) problem(header.error().message + ": searching for the next header");
    overrides_ = {};
    return;
  }
  scanning_ = false;
  spans_frames_ = false;
  member_frame_ = frame_offset_;
  switch (header->type) {
    case 'x':
    case 'L':
    case 'K':
      if (header->size > kMaxPaxBytes) {
        problem("extended header of more than 64 KiB: passed over with its member");
        overrides_.fault = "its extended header is too long";
        begin_content(Use::skip, header->size);
      } else {
        begin_content(header->type == 'x' ? Use::pax : header->type == 'L' ? Use::long_name : Use::long_link,
                      header->size);
      }
      break;
    case 'g':
      begin_content(Use::skip, header->size);
      break;
    default:
      begin_member(*header);
      overrides_ = {};
  }
}

void TarReader::begin_member(const TarHeader& header) {
  manifest_was_last_ = false;
  name_ = overrides_.name ? *overrides_.name : header.full_name();
  std::size_t dots = 0;  // "./" in front, as `tar -cf - .` writes it
  while (std::string_view(name_).substr(dots).starts_with("./")) dots += 2;
  name_.erase(0, dots);
  // Only files have content; a size that others give is a remark (POSIX.1-2017, pax).
  const bool has_content = header.type == '\0' || header.type < '1' || header.type > '6';
  const std::uint64_t size = has_content ? overrides_.size.value_or(header.size) : 0;
  Use use = Use::skip;
  const bool is_directory = header.type == '5' || ((header.type == '0' || header.type == '\0') && name_.ends_with('/'));
  if (overrides_.fault) {
    problem("member " + shown(name_) + " refused: " + *overrides_.fault);
  } else if (is_directory || name_.empty()) {
    // Passed over: they hold nothing.
  } else if (header.type == '2') {
    const std::string link = overrides_.link ? *overrides_.link : std::string(header.link);
    if (accept_name(name_)) emit(MemberType::symlink, link, false);
  } else if (header.type != '0' && header.type != '\0' && header.type != '7') {
    static constexpr const char* kKinds[] = {"a hard link", "", "a character device", "a block device", "", "a FIFO"};
    const bool known = header.type >= '1' && header.type <= '6';
    problem("member " + shown(name_) + " refused: it is " + (known ? kKinds[header.type - '1'] : "of an unknown type"));
  } else if (size > limits_.member_bytes) {
    problem("member " + shown(name_) + " refused: it is larger than the limit of " +
            std::to_string(limits_.member_bytes) + " bytes");
  } else if (accept_name(name_)) {
    use = Use::member;
  }
  if (!stopped_) begin_content(use, size);
}

void TarReader::begin_content(Use use, std::uint64_t size) {
  use_ = use;
  left_ = size;
  padding_ = tar_padding(size);
  body_.clear();
  hit_ = false;
  state_ = State::content;
  if (size == 0) content_done({});
}

void TarReader::content_done(std::string_view bytes) {
  left_ = padding_;
  state_ = padding_ > 0 ? State::padding : State::header;
  switch (std::exchange(use_, Use::skip)) {
    case Use::skip:
      break;
    case Use::member:
      // What was gathered waits for the frame's checksum; a view can't wait.
      if (bytes.data() == body_.data() && !bytes.empty()) held_ = true;
      else emit(MemberType::file, bytes, hit_);
      return;
    case Use::pax:
      read_pax(bytes);
      break;
    case Use::long_name:
      overrides_.name = std::string(bytes.substr(0, bytes.find('\0')));
      break;
    case Use::long_link:
      overrides_.link = std::string(bytes.substr(0, bytes.find('\0')));
      break;
  }
  body_.clear();
}

void TarReader::read_pax(std::string_view bytes) {
  const auto records = parse_pax(bytes);
  if (!records) {
    problem(records.error().message);
    overrides_.fault = "its extended header can't be read";
    return;
  }
  if (records->path) overrides_.name = std::string(*records->path);
  if (records->linkpath) overrides_.link = std::string(*records->linkpath);
  if (records->size) overrides_.size = records->size;
  if (records->sparse) overrides_.fault = "it is a sparse file";
}

bool TarReader::accept_name(std::string_view name) {
  if (const auto fault = name_fault(name)) {
    problem("member " + shown(name) + " refused: its name " + std::string(*fault));
    return false;
  }
  if (names_.size() >= limits_.members) {
    problem("more than " + std::to_string(limits_.members) + " members: the rest is not read");
    stopped_ = true;
    return false;
  }
  base::Sha256 hash;  // so that long names take no more room than short ones
  hash.update(name);
  const auto digest = hash.digest();
  Digest key;
  std::memcpy(key.data(), digest.data(), sizeof key);
  if (!names_.insert(key).second) {
    problem("member " + shown(name) + " refused: the name came before");
    return false;
  }
  names_bytes_ += name.size();
  if (names_bytes_ <= limits_.names_bytes) return true;
  problem("names of more than " + std::to_string(limits_.names_bytes) + " bytes: the rest is not read");
  stopped_ = true;
  return false;
}

void TarReader::emit(MemberType type, std::string_view bytes, bool cut) {
  ++report_.members;
  report_.member_bytes += type == MemberType::file ? bytes.size() : 0;
  manifest_was_last_ = !cut && type == MemberType::file && name_ == kManifestName;
  visit_(Member{name_, type, bytes, cut, member_frame_, !bytes.empty() && bytes.data() == body_.data() ? &body_ : nullptr});
}

void TarReader::emit_held(bool cut) {
  if (!std::exchange(held_, false)) return;
  emit(MemberType::file, body_, cut || hit_);
  body_.clear();
}

}  // namespace ssnap::archive
