// Inputs that are small and want to become large. The whole program has little memory: what it takes may depend on the
// limits, not on the bomb.
#include <sys/resource.h>
#include <zstd.h>

#include "archive/tar.h"
#include "archive/verify.h"
#include "archive/zstd_frame.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;
using namespace std::string_literals;

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SSNAP_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SSNAP_SANITIZED
#endif

constexpr std::uint64_t kMemory = 320 * kMiB;

// Address space, so that asking for more fails at once. Sanitizers reserve terabytes of it: there the limits are tested
// without it.
void limit_memory() {
#ifndef SSNAP_SANITIZED
  const rlimit limit{kMemory, kMemory};
  REQUIRE(::setrlimit(RLIMIT_AS, &limit) == 0);
#endif
}

// What a laptop would want of an archive of some kilobytes.
ReadLimits small_limits() {
  ReadLimits limits;
  limits.member_bytes = 16 * kMiB;
  limits.output_allowance_bytes = kGiB;
  limits.members = 100'000;
  limits.names_bytes = 16 * kMiB;
  return limits;
}

// A frame of `begin`, then `repeats` times `block`, made without holding what it expands to.
std::string frame_of(const std::string& begin, const std::string& block, std::uint64_t repeats) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  REQUIRE(context != nullptr);
  std::string out, buffer(ZSTD_CStreamOutSize(), '\0');
  const auto feed = [&](std::string_view bytes, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer chunk{buffer.data(), buffer.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context, &chunk, &in, end);
      REQUIRE(!ZSTD_isError(left));
      out.append(buffer.data(), chunk.pos);
      if (end == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  };
  feed(begin, ZSTD_e_continue);
  for (std::uint64_t i = 0; i < repeats; ++i) feed(block, ZSTD_e_continue);
  feed({}, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  return out;
}

// Reads and verifies; members are looked at and not kept.
ReadReport defuse(std::string_view bomb) {
  std::uint64_t largest = 0;
  const auto report = read_archive(bomb, [&](const Member& member) { largest = std::max<std::uint64_t>(largest, member.bytes.size()); }, small_limits());
  CHECK(largest <= small_limits().member_bytes);
  CHECK_FALSE(report.sealed);
  CHECK_FALSE(report.problems.empty());
  CHECK(report.problems.kept.size() <= base::Problems::kMaxProblemsKept);
  const auto verified = verify_archive(bomb, small_limits());
  CHECK(verified.verdict() != Verdict::intact);
  CHECK(verified.findings.size() <= kMaxFindings);
  return report;
}

std::string message_with(const ReadReport& report, std::string_view part) {
  for (const auto& problem : report.problems.kept)
    if (problem.message.find(part) != std::string::npos) return problem.message;
  return "";
}

const std::string kZeros(kMiB, '\0');

// A header of a member of `bytes` bytes.
std::string header_of(std::string_view name, std::uint64_t bytes, char type = '0') {
  std::string header = tar_header(name, bytes, 0);
  patch_header(header, header.size() - kTarBlockBytes + 156, {&type, 1});
  return header;
}

}  // namespace

TEST_CASE("a member of very many zeros is refused by its size, and the archive by what it expands to") {
  limit_memory();
  // Two gigabytes in some 70 kB.
  const std::string bomb = frame_of(header_of("proc/1/cmdline", 2 * kGiB), kZeros, 2048);
  REQUIRE(bomb.size() < kMiB);
  const auto report = defuse(bomb);
  CHECK_FALSE(message_with(report, "larger than the limit").empty());
  CHECK_FALSE(message_with(report, "expands beyond the limit").empty());
}

TEST_CASE("members that are each within the limit are held one at a time") {
  limit_memory();
  std::string bomb;
  for (int i = 0; i < 60; ++i)
    bomb += frame_of(header_of("proc/" + std::to_string(i) + "/cmdline", 16 * kMiB), kZeros, 16);
  const auto report = defuse(bomb);
  CHECK(report.members == 60);
  CHECK(report.member_bytes == 60 * 16 * kMiB);
}

TEST_CASE("very many frames of nothing") {
  limit_memory();
  // Single segment, content size 0, one last raw block of 0 bytes.
  const std::string empty = "\x28\xB5\x2F\xFD\x20\x00\x01\x00\x00"s;
  std::string frames;
  for (int i = 0; i < 500'000; ++i) frames += empty;
  CHECK(defuse(frames).members == 0);
  CHECK(defuse(sample_archive(0) + frames).members > 0);
}

TEST_CASE("skippable frames: very many, and one that claims four gigabytes") {
  limit_memory();
  std::string frames;
  for (int i = 0; i < 500'000; ++i) frames += "\x50\x2A\x4D\x18\x00\x00\x00\x00"s;
  CHECK(defuse(frames).members == 0);
  const auto huge = defuse("\x50\x2A\x4D\x18\xff\xff\xff\xff"s + sample_archive(0));
  CHECK(huge.cut);
  CHECK(huge.members == 0);
}

TEST_CASE("extended headers: very many before one member, large ones, and names that only they can have") {
  limit_memory();
  const std::string record = "65000 path=" + std::string(65'000 - 12, 'x') + "\n";
  std::string tar = header_of("pax", record.size(), 'x') + record;
  tar.append(tar_padding(record.size()), '\0');
  CHECK_FALSE(message_with(defuse(frame_of("", tar, 5'000) + zstd_frame(tar_member("victim", "x"))), "longer than 4096").empty());

  std::string names;
  for (int i = 0; i < 5'000; ++i)
    names += zstd_frame(tar_header(std::to_string(i) + "/" + std::string(4'000, 'n'), 0, 0));
  CHECK_FALSE(message_with(defuse(names), "names of more than").empty());
}

TEST_CASE("dots before a name cost no more than the name is long") {
  limit_memory();
  // 60 kB of "./" before each: taken away pair by pair, the square of that.
  std::string dots;
  for (int i = 0; i < 30'000; ++i) dots += "./";
  std::string record = "60000 path=" + dots;
  record.resize(60'000 - 2);
  record += "x\n";
  std::string member = header_of("pax", record.size(), 'x') + record;
  member.append(tar_padding(record.size()), '\0');
  member += header_of("short", 0);
  const auto report = defuse(frame_of("", member, 10'000));
  CHECK(report.members == 1);
  CHECK_FALSE(message_with(report, "the name came before").empty());
}

TEST_CASE("very many members, and very many that are refused") {
  limit_memory();
  std::string tar;
  for (int i = 0; i < 1000; ++i) tar += tar_header("m" + std::to_string(i), 0, 0);
  const auto same = defuse(frame_of("", tar, 300));
  CHECK(same.members == 1000);
  CHECK(same.problems.total > 290'000);

  std::string frames;
  for (int batch = 0; batch < 110; ++batch) {
    std::string members;
    for (int i = 0; i < 1000; ++i) members += tar_header(std::to_string(batch * 1000 + i), 0, 0);
    frames += zstd_frame(members);
  }
  const auto many = defuse(frames);
  CHECK(many.members == small_limits().members);
  CHECK_FALSE(message_with(many, "more than 100000 members").empty());
}
