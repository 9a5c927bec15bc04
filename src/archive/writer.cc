#include "archive/writer.h"

#include <cerrno>
#include <cstdio>
#include <optional>

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

std::string journal_name(std::uint32_t part) {
  char name[32];
  std::snprintf(name, sizeof name, "journal/%04u.jsonl", part);
  return name;
}

}  // namespace

struct Writer::State {
  Sink& sink;
  WriterOptions options;
  FrameCompressor compressor;
  std::optional<base::Error> failed;

  std::string batch;           // tar bytes of the members that wait
  std::string pending_journal;  // lines that wait
  std::string manifest;
  base::Sha256 file_hash;
  std::uint64_t compressed_bytes = 0, members = 0, member_bytes = 0;
  std::map<std::string, std::uint64_t> gaps;

  std::uint32_t part = 0;
  std::uint64_t chain_begin = 0;  // where the part before began
  base::Sha256 chain_hash;        // of the compressed bytes since
  std::string previous_part_sha256;

  State(Sink& s, WriterOptions o) : sink(s), options(std::move(o)), compressor(options.level) {}

  base::Result<void> write(std::string_view bytes) {
    if (failed) return *failed;
    const auto written = sink.write(bytes);
    if (!written) {
      failed = written.error();
      return *failed;
    }
    file_hash.update(bytes);
    chain_hash.update(bytes);
    compressed_bytes += bytes.size();
    return {};
  }

  base::Result<void> sync() {
    if (failed) return *failed;
    const auto synced = sink.sync();
    if (!synced) failed = synced.error();
    return synced;
  }

  // An archive that our own reader or sha256sum would refuse must not come to be.
  base::Result<void> check(std::string_view name, std::uint64_t size) const {
    if (failed) return *failed;
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
    if (const auto written = write(compressor.compress(tar_bytes(name, bytes))); !written) return written;
    count(name, bytes.size(), base::sha256_hex(bytes));
    return {};
  }

  base::Result<void> write_batch() {
    if (failed) return *failed;
    if (batch.empty()) return {};
    const auto written = write(compressor.compress(batch));
    batch.clear();
    return written;
  }

  base::Result<void> write_journal_part() {
    if (failed) return *failed;
    ChainLink link;
    link.part = part;
    link.frames_begin = chain_begin;
    link.frames_end = compressed_bytes;
    link.frames_sha256 = chain_hash.hex();
    link.previous_part_sha256 = previous_part_sha256;
    link.realtime_offset_nsec = options.realtime_offset_nsec ? options.realtime_offset_nsec() : 0;
    const std::string content = to_json_line(link) + pending_journal;
    pending_journal.clear();
    chain_begin = compressed_bytes;
    chain_hash = base::Sha256();
    previous_part_sha256 = base::sha256_hex(content);
    return write_member(journal_name(part++), content);
  }

  base::Result<void> flush() {
    if (failed) return *failed;
    if (batch.empty() && pending_journal.empty()) return {};
    if (const auto written = write_batch(); !written) return written;
    return write_journal_part();
  }
};

Writer::Writer(Sink& sink, WriterOptions options) : state_(std::make_unique<State>(sink, std::move(options))) {}
Writer::~Writer() = default;

base::Result<void> Writer::add_now(std::string_view name, std::string_view bytes) {
  if (const auto good = state_->check(name, bytes.size()); !good) return good;
  if (const auto written = state_->write_batch(); !written) return written;
  return state_->write_member(name, bytes);
}

base::Result<void> Writer::add(std::string_view name, std::string_view bytes) {
  if (const auto good = state_->check(name, bytes.size()); !good) return good;
  state_->batch += state_->tar_bytes(name, bytes);
  state_->count(name, bytes.size(), base::sha256_hex(bytes));
  if (state_->batch.size() < kBatchBytes && state_->pending_journal.size() < kMaxPendingJournalBytes) return {};
  return flush();
}

base::Result<void> Writer::add(CompressedMember member) {
  if (const auto good = state_->check(member.name, member.size_bytes); !good) return good;
  if (!state_->batch.empty())
    if (const auto flushed = flush(); !flushed) return flushed;
  const std::string header = tar_header(member.name, member.size_bytes, state_->options.mtime_sec);
  if (const auto written = state_->write(state_->compressor.compress(header)); !written) return written;
  if (member.size_bytes > 0)
    if (const auto written = state_->write(member.frame); !written) return written;
  state_->count(member.name, member.size_bytes, member.sha256);
  return state_->sync();
}

void Writer::journal(const JournalEntry& entry) {
  if (entry.outcome != base::OutcomeKind::ok)
    state_->gaps[std::string(base::outcome_name(entry.outcome))] += std::max<std::uint64_t>(entry.count.value_or(1), 1);
  state_->pending_journal += to_json_line(entry);
}

base::Result<void> Writer::flush() { return state_->flush(); }

base::Result<void> Writer::finish(EndInfo end) {
  if (const auto written = state_->write_batch(); !written) return written;
  if (const auto written = state_->write_journal_part(); !written) return written;
  end.members = state_->members;
  end.member_bytes = state_->member_bytes;
  end.gaps = state_->gaps;
  if (const auto written = state_->write_member("end.json", to_json(end)); !written) return written;
  std::string last = state_->tar_bytes(kManifestName, state_->manifest);
  last.append(2 * kTarBlockBytes, '\0');
  if (const auto written = state_->write(state_->compressor.compress(last)); !written) return written;
  ++state_->members;
  state_->member_bytes += state_->manifest.size();
  const Seal seal{state_->compressed_bytes, state_->file_hash.hex()};
  if (const auto written = state_->write(to_frame(seal)); !written) return written;
  return state_->sync();
}

std::uint64_t Writer::compressed_bytes() const { return state_->compressed_bytes; }
std::uint64_t Writer::members() const { return state_->members; }
std::uint64_t Writer::member_bytes() const { return state_->member_bytes; }
std::string Writer::sha256_hex() const { return state_->file_hash.hex(); }
const std::map<std::string, std::uint64_t>& Writer::gaps() const { return state_->gaps; }

}  // namespace ssnap::archive
