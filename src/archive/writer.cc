#include "archive/writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <utility>
#include <vector>

#include "archive/manifest.h"
#include "archive/seal.h"
#include "archive/tar.h"
#include "archive/zstd_frame.h"
#include "base/sha256.h"

namespace ssnap::archive {
namespace {

// Uncompressed. Small enough that a killed capture loses little, large enough that frames compress well.
constexpr std::size_t kBatchBytes = 256 * 1024;
// Journal lines that may wait for a batch; beyond it they are written without one.
constexpr std::size_t kMaxPendingJournalBytes = 256 * 1024;

// What the end of an archive has beside the manifest, uncompressed: a journal part with its chain line and the entry about
// what was lost; end.json with all clocks, every kind of gap, and the Error that ended it.
constexpr std::size_t kLastPartBytes = 2048;
constexpr std::size_t kEndInfoBytes = 4096;
// In the manifest: the lines of these two.
constexpr std::size_t kLastLinesBytes = 256;
constexpr std::size_t kSealBytes = 160;
// Of an Error in the archive's own files. A path in it may be longer.
constexpr std::size_t kMaxDetailBytes = 512;

std::string journal_name(std::uint32_t part) {
  char name[32];
  std::snprintf(name, sizeof name, "journal/%04u.jsonl", part);
  return name;
}

// The most bytes of one member in a frame of its own; `blocks` more follow it.
std::uint64_t member_bound(std::size_t content_bytes, std::size_t blocks = 0) {
  return frame_bound(kTarBlockBytes + content_bytes + tar_padding(content_bytes) + blocks * kTarBlockBytes);
}

// The end without what the manifest's lines take.
std::uint64_t end_bound() {
  return member_bound(kLastPartBytes) + member_bound(kEndInfoBytes) + member_bound(kLastLinesBytes, 2) + kSealBytes;
}

// What zstd can make of them at most, in the frame that end_bound() counts.
std::uint64_t lines_bound(std::size_t bytes) { return bytes + bytes / 256; }

}  // namespace

struct Writer::State {
  struct Waiting {  // a member of the batch
    std::string name, tar;
    std::uint64_t size_bytes = 0;
    std::string sha256;
  };
  struct Line {  // of the journal
    std::string member, text;
  };
  struct Part {
    std::string name, content, frame;
  };

  Sink& sink;
  WriterOptions options;
  FrameCompressor compressor;
  std::optional<base::Error> failed;
  bool over_max_bytes = false;  // that is why
  bool ending = false;          // the room that was kept may be used

  std::vector<Waiting> batch;
  std::vector<Line> pending;
  std::size_t batch_bytes = 0, pending_bytes = 0;
  std::set<std::string> lost;  // members that came too late, or could not be written
  std::string manifest;
  // The frame of the manifest's first so many bytes, once it had to be known better than by its bound.
  std::size_t measured_bytes = 0, measured_frame_bytes = 0;
  base::Sha256 file_hash;
  std::uint64_t compressed_bytes = 0, members = 0, member_bytes = 0;
  std::map<std::string, std::uint64_t> gaps;

  std::uint32_t part = 0;
  std::uint64_t chain_begin = 0;  // where the part before began
  base::Sha256 chain_hash;        // of the compressed bytes since
  std::string previous_part_sha256;

  // The output up to its last whole group: what a failure within one is undone to.
  struct {
    std::uint64_t compressed_bytes = 0;
    base::Sha256 file_hash, chain_hash;
  } whole;

  State(Sink& s, WriterOptions o) : sink(s), options(std::move(o)), compressor(options.level) {}

  base::Result<void> fail(base::Error error) {
    failed = std::move(error);
    return *failed;
  }

  void mark_whole() { whole = {compressed_bytes, file_hash, chain_hash}; }

  base::Result<void> write(std::string_view bytes) {
    const std::uint64_t before = sink.taken();
    const auto written = sink.write(bytes);
    const std::string_view taken = bytes.substr(0, sink.taken() - before);
    file_hash.update(taken);
    chain_hash.update(taken);
    compressed_bytes += taken.size();
    return written ? written : fail(written.error());
  }

  std::uint64_t end_bytes(std::size_t more_lines) const {
    return end_bound() + measured_frame_bytes + lines_bound(manifest.size() - measured_bytes + more_lines);
  }

  // The manifest compresses to about half: with that known, there may be room after all. False: it is known already.
  bool measure_manifest() {
    if (measured_bytes == manifest.size()) return false;
    measured_bytes = manifest.size();
    measured_frame_bytes = compressor.compress(manifest).size();
    return true;
  }

  // Room for `bytes`, and for the end of an archive whose manifest grows by `more_lines`.
  base::Result<void> find_room(std::uint64_t bytes, std::size_t more_lines) {
    for (;;) {
      const std::uint64_t wanted = bytes + (ending ? 0 : end_bytes(more_lines));
      const bool over = options.max_bytes != 0 && compressed_bytes + wanted > options.max_bytes;
      const auto reserved = over || ending ? base::Result<void>() : sink.reserve(wanted);
      if (!over && reserved) return {};
      if (!ending && measure_manifest()) continue;
      over_max_bytes = over;
      if (over) return fail({options.max_bytes_name + ", " + std::to_string(options.max_bytes) + " bytes: no room for more", 0});
      return fail(reserved.error());
    }
  }

  // Frames that belong together: all of them, or an Error.
  base::Result<void> write_group(std::string_view first, std::string_view second, std::size_t manifest_bytes) {
    if (failed) return *failed;
    mark_whole();
    if (const auto room = find_room(first.size() + second.size(), manifest_bytes); !room) return room;
    for (const std::string_view frame : {first, second})
      if (const auto written = write(frame); !written) return written;
    return {};
  }

  base::Result<void> sync() {
    if (failed) return *failed;
    mark_whole();
    const auto synced = sink.sync();
    return synced ? synced : fail(synced.error());
  }

  // An archive that our own reader or sha256sum would refuse must not come to be.
  base::Result<void> check(std::string_view name, std::uint64_t size) {
    if (failed) {
      lost.emplace(name);
      return *failed;
    }
    auto fault = name_fault(name);
    if (!fault && name.find('\\') != std::string_view::npos) fault = "holds a backslash";
    if (!fault && size > kMaxUstarBytes) fault = "belongs to more than 8 GiB";
    if (fault) return base::Error{"member name '" + std::string(name) + "' " + std::string(*fault), EINVAL};
    return {};
  }

  void count(std::string_view name, std::uint64_t size, std::string_view sha256) {
    manifest += to_manifest_line(sha256, name);
    ++members;
    member_bytes += size;
  }

  std::string tar_bytes(std::string_view name, std::string_view bytes) const {
    std::string out = tar_header(name, bytes.size(), options.mtime_sec);
    out += bytes;
    out.append(tar_padding(bytes.size()), '\0');
    return out;
  }

  base::Result<void> write_member(std::string_view name, std::string_view bytes) {
    const std::string line = to_manifest_line(base::sha256_hex(bytes), name);
    if (const auto written = write_group(compressor.compress(tar_bytes(name, bytes)), "", line.size()); !written) {
      lost.emplace(name);
      return written;
    }
    count(name, bytes.size(), base::sha256_hex(bytes));
    return {};
  }

  // The journal part with these lines, as it follows `before` in the file.
  Part make_part(std::string_view lines, std::string_view before) {
    base::Sha256 hash = chain_hash;
    hash.update(before);
    ChainLink link;
    link.part = part;
    link.frames_begin = chain_begin;
    link.frames_end = compressed_bytes + before.size();
    link.frames_sha256 = hash.hex();
    link.previous_part_sha256 = previous_part_sha256;
    link.realtime_offset_nsec = options.realtime_offset_nsec ? options.realtime_offset_nsec() : 0;
    Part made{journal_name(part), to_json_line(link).append(lines), ""};
    made.frame = compressor.compress(tar_bytes(made.name, made.content));
    return made;
  }

  void count_part(const Part& written) {
    ++part;
    chain_begin = compressed_bytes - written.frame.size();
    chain_hash = base::Sha256();
    chain_hash.update(written.frame);
    previous_part_sha256 = base::sha256_hex(written.content);
    count(written.name, written.content.size(), previous_part_sha256);
  }

  // The first `number` members of the batch, and a part with the lines that wait, but for those about the other members.
  base::Result<void> write_batch(std::size_t number) {
    std::string tar, lines;
    std::size_t manifest_bytes = kLastLinesBytes;
    std::set<std::string_view> left_out;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i >= number) {
        left_out.insert(batch[i].name);
        continue;
      }
      tar += batch[i].tar;
      manifest_bytes += to_manifest_line(batch[i].sha256, batch[i].name).size();
    }
    for (const Line& line : pending)
      if (left_out.count(line.member) == 0) lines += line.text;
    const std::string frame = tar.empty() ? "" : compressor.compress(tar);
    const Part made = make_part(lines, frame);
    if (const auto written = write_group(frame, made.frame, manifest_bytes); !written) return written;
    for (std::size_t i = 0; i < number; ++i) count(batch[i].name, batch[i].size_bytes, batch[i].sha256);
    count_part(made);
    for (std::size_t i = number; i < batch.size(); ++i) lost.insert(batch[i].name);
    batch.clear();
    pending.clear();
    batch_bytes = pending_bytes = 0;
    return {};
  }

  // The batch with its part; where there isn't room for all of it, as much of it as there is room for, and the Error.
  base::Result<void> flush(bool even_if_empty) {
    if (failed) return *failed;
    if (batch.empty() && pending.empty() && !even_if_empty) return {};
    const std::uint64_t before = compressed_bytes;
    const auto written = write_batch(batch.size());
    if (written) return written;
    // Nothing went out: it was the room that lacked.
    for (std::size_t number = batch.size() / 2; number > 0 && compressed_bytes == before; number /= 2) {
      failed.reset();
      if (!write_batch(number)) continue;
      mark_whole();
      break;
    }
    return fail(written.error());
  }

  // Back to the last whole group. False where the output holds part of one and can't forget it.
  bool undo() {
    if (compressed_bytes != whole.compressed_bytes && !sink.cut_back(whole.compressed_bytes)) return false;
    compressed_bytes = whole.compressed_bytes;
    file_hash = whole.file_hash;
    chain_hash = whole.chain_hash;
    return true;
  }

  // After a failure: the lines that wait, as far as they are about what is in the archive, and what is not.
  std::string last_lines(const EndInfo& end, bool all) {
    for (const Waiting& member : batch) lost.insert(member.name);
    batch.clear();
    std::string lines;
    std::uint64_t dropped = 0;
    for (const Line& line : pending) {
      if (lost.count(line.member) != 0) continue;
      if (all) lines += line.text;
      else ++dropped;
    }
    JournalEntry entry;
    entry.source = "writer";
    entry.begin_nsec = entry.end_nsec = static_cast<std::uint64_t>(end.clocks.boottime_nsec);
    entry.outcome = base::OutcomeKind::cut;
    const auto add = [&](std::uint64_t number, const char* what, bool is_new) {
      if (number == 0) return;
      entry.count = number;
      entry.detail = what + end.detail;
      lines += to_json_line(entry);
      if (is_new) gaps["cut"] += number;
    };
    add(lost.size(), "members that were read and are not in the archive: ", all);
    add(dropped, "journal entries that are not in the archive: ", true);
    return lines;
  }

  // The end of the archive as one group: a part with `lines` if there are any, end.json, manifest, seal.
  base::Result<void> write_end(EndInfo& end, const std::optional<std::string>& lines) {
    std::string out, list = manifest;
    end.members = members;
    end.member_bytes = member_bytes;
    end.gaps = gaps;
    if (lines) {
      const Part last = make_part(*lines, "");
      out += last.frame;
      list += to_manifest_line(base::sha256_hex(last.content), last.name);
      ++end.members;
      end.member_bytes += last.content.size();
    }
    const std::string info = to_json(end);
    out += compressor.compress(tar_bytes("end.json", info));
    list += to_manifest_line(base::sha256_hex(info), "end.json");
    std::string last = tar_bytes(kManifestName, list);
    last.append(2 * kTarBlockBytes, '\0');
    out += compressor.compress(last);
    base::Sha256 hash = file_hash;
    hash.update(out);
    out += to_frame(Seal{compressed_bytes + out.size(), hash.hex()});
    if (const auto written = write_group(out, "", 0); !written) return written;
    members = end.members + 2;
    member_bytes = end.member_bytes + info.size() + list.size();
    return sync();
  }

  // Ends an archive that failed: with all lines that wait or, where there is no room for them, with what must be said.
  base::Result<EndInfo> finish_failed(EndInfo end) {
    const base::Error why = *failed;
    if (end.status != EndStatus::interrupted) end.status = over_max_bytes ? EndStatus::limit : EndStatus::error;
    if (end.detail.empty()) end.detail = why.message.substr(0, kMaxDetailBytes);
    ending = true;
    for (const bool all : {true, false}) {
      if (!undo()) break;
      failed.reset();
      const std::string lines = last_lines(end, all);
      if (write_end(end, lines)) {
        failed = why;
        return end;
      }
    }
    undo();
    failed = why;
    return why;
  }
};

Writer::Writer(Sink& sink, WriterOptions options) : state_(std::make_unique<State>(sink, std::move(options))) {}
Writer::~Writer() = default;

base::Result<void> Writer::add_now(std::string_view name, std::string_view bytes) {
  if (const auto good = state_->check(name, bytes.size()); !good) return good;
  if (!state_->batch.empty())
    if (const auto flushed = flush(); !flushed) return flushed;
  return state_->write_member(name, bytes);
}

base::Result<void> Writer::add(std::string_view name, std::string_view bytes) {
  State& state = *state_;
  if (const auto good = state.check(name, bytes.size()); !good) return good;
  state.batch.push_back({std::string(name), state.tar_bytes(name, bytes), bytes.size(), base::sha256_hex(bytes)});
  state.batch_bytes += state.batch.back().tar.size();
  if (state.batch_bytes < kBatchBytes && state.pending_bytes < kMaxPendingJournalBytes) return {};
  return flush();
}

base::Result<void> Writer::add(CompressedMember member) {
  State& state = *state_;
  if (const auto good = state.check(member.name, member.size_bytes); !good) return good;
  if (!state.batch.empty()) (void)flush();
  const std::string header = state.compressor.compress(tar_header(member.name, member.size_bytes, state.options.mtime_sec));
  const std::size_t line_bytes = to_manifest_line(member.sha256, member.name).size();
  const std::string_view frame = member.size_bytes > 0 ? member.frame : std::string_view();
  if (const auto written = state.write_group(header, frame, line_bytes); !written) {
    state.lost.insert(member.name);
    return written;
  }
  state.count(member.name, member.size_bytes, member.sha256);
  return state.sync();
}

void Writer::journal(const JournalEntry& entry) {
  if (state_->failed && state_->lost.count(entry.member) != 0) return;
  if (entry.outcome != base::OutcomeKind::ok)
    state_->gaps[std::string(base::outcome_name(entry.outcome))] += std::max<std::uint64_t>(entry.count.value_or(1), 1);
  state_->pending.push_back({entry.member, to_json_line(entry)});
  state_->pending_bytes += state_->pending.back().text.size();
}

base::Result<void> Writer::flush() { return state_->flush(false); }

base::Result<EndInfo> Writer::finish(EndInfo end) {
  State& state = *state_;
  // No line waits behind the last part.
  (void)state.flush(true);
  if (!state.failed) {
    state.ending = true;
    if (state.write_end(end, std::nullopt)) return end;
  }
  return state.finish_failed(std::move(end));
}

std::uint64_t Writer::least_bytes(std::string_view readme, std::string_view capture_json) {
  constexpr std::size_t kTheirLines = 256;
  return member_bound(readme.size()) + member_bound(capture_json.size()) + end_bound() + lines_bound(kTheirLines);
}

const std::optional<base::Error>& Writer::failure() const { return state_->failed; }
std::uint64_t Writer::compressed_bytes() const { return state_->compressed_bytes; }
std::uint64_t Writer::members() const { return state_->members; }
std::uint64_t Writer::member_bytes() const { return state_->member_bytes; }
std::string Writer::sha256_hex() const { return state_->file_hash.hex(); }
const std::map<std::string, std::uint64_t>& Writer::gaps() const { return state_->gaps; }

}  // namespace ssnap::archive
