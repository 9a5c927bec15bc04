// Takes a tar apart while it is being decompressed: bytes in as they come, whole members out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "archive/read_limits.h"
#include "archive/member.h"
#include "archive/reader.h"
#include "archive/tar.h"
#include "base/hash.h"

namespace ssnap::archive {

// Knows frames only by their edges: a member may span them, and after damage parsing starts anew at one. Every offset
// that it reports is that of the frame at hand.
class TarReader {
 public:
  TarReader(const ReadLimits& limits, ReadReport& report, const MemberVisitor& visit)
      : limits_(limits), report_(report), visit_(visit) {}

  // False where the frame is to be passed over: what it continues was lost. After damage only frames that state their
  // content size begin with a header (docs/format.md); content that only looks like one must not become a member.
  bool begin_frame(std::uint64_t offset, bool states_content_size);
  void feed(std::string_view bytes);
  void end_frame();
  // The frame is damaged. `all_decoded`: only its checksum is wrong, so that no byte is missing. Hands out the member
  // that the damage hit, as cut.
  void damaged(bool all_decoded);
  // The input ended. True if it did so within a member or before the tar's end.
  bool cut();

  bool stopped() const { return stopped_; }  // a limit was reached
  bool ended() const { return state_ == State::ended; }
  bool manifest_was_last() const { return manifest_was_last_; }

 private:
  enum class State : std::uint8_t { header, content, padding, ended };
  enum class Use : std::uint8_t { skip, member, pax, long_name, long_link };
  using Digest = std::array<std::uint64_t, 2>;  // the first half of a SHA-256
  // What the extended headers said about the next member.
  struct Overrides {
    std::optional<std::string> name, link;
    std::optional<std::uint64_t> size;
    std::optional<std::string> fault;  // it can't be handed out
  };

  void problem(std::string message);
  void on_header(std::string_view block);
  void begin_content(Use use, std::uint64_t size);
  void begin_member(const TarHeader& header);
  void content_done(std::string_view bytes);
  void read_pax(std::string_view bytes);
  bool accept_name(std::string_view name);
  void emit(MemberType type, std::string_view bytes, bool cut);
  void emit_held(bool cut);

  const ReadLimits& limits_;
  ReadReport& report_;
  const MemberVisitor& visit_;

  State state_ = State::header;
  std::string block_;             // of a header that came in pieces
  std::uint64_t left_ = 0;        // of the content or padding
  std::uint64_t padding_ = 0;     // that follows the content
  Use use_ = Use::skip;
  std::string body_;              // of a content that came in pieces
  bool spans_frames_ = false;     // the content began in a frame before this one
  bool hit_ = false;              // a frame with a wrong checksum held some of the content
  bool held_ = false;             // body_ is whole, and waits for its frame's checksum
  std::string name_;              // of the member at hand
  std::uint64_t member_frame_ = 0;  // where its header is
  Overrides overrides_;
  base::HashSet<Digest> names_;
  std::uint64_t names_bytes_ = 0;

  std::uint64_t frame_offset_ = 0;
  int zero_blocks_ = 0;
  bool scanning_ = false;         // a header was bad: looking for the next good one
  bool lost_ = false;             // a frame was damaged: only a header can follow
  bool stopped_ = false;
  bool told_trailing_ = false;
  bool manifest_was_last_ = false;
};

}  // namespace ssnap::archive
