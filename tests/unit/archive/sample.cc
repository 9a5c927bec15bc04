#include "sample.h"

#include <cstdio>

#include "archive/tar.h"
#include "archive/zstd_frame.h"

namespace ssnap::archive {

const ReadMember* ReadResult::find(std::string_view name) const {
  for (const auto& member : members)
    if (member.name == name) return &member;
  return nullptr;
}

std::string ReadResult::problem_with(std::string_view part) const {
  for (const auto& problem : report.problems.kept)
    if (problem.message.find(part) != std::string::npos) return problem.message;
  return "";
}

ReadResult read_all(std::string_view compressed, const ReadLimits& limits) {
  ReadResult result;
  result.report = read_archive(
      compressed,
      [&](const Member& member) {
        result.members.push_back(
            {std::string(member.name), std::string(member.bytes), member.cut, member.type, member.frame_offset});
      },
      limits);
  return result;
}

CaptureInfo sample_capture_info() {
  CaptureInfo info;
  info.tool = {"ssnap", "0.1.0", "abcdef0", std::string(64, 'a'), "/dev/shm/s"};
  info.arguments = {"ssnap", "capture", "-o", "odd\\name\xff.tar.zst"};
  info.case_fields = {{"number", "2026-17"}, {"note", "caf\xc3\xa9 \xc3"}};
  info.collector = {4711, 1000, 0, 1000, 0, "000001ffffffffff", "000001fffffffffe", "000001ffffffffff",
                    {{"net", 4026531840}, {"pid", 4026531836}}, 1000, 3, 4700, 4699, 34817};
  info.host.nodename = "web1";
  info.host.boot_id = "0b1c2d3e-0000-4000-8000-000000000001";
  info.host.kernel = "6.1.0";
  info.host.machine = "x86_64";
  info.clocks = {1'795'290'127'123'456'789, 5'000'000'000, 4'000'000'000};
  info.clock_sync = ClockSync{0, 0x2001, 12'000, 300, 37};
  return info;
}

EndInfo sample_end_info() {
  EndInfo info;
  info.status = EndStatus::interrupted;
  info.signal = 2;
  info.detail = "stopped by SIGINT";
  info.clocks = {1'795'290'128'000'000'000, 6'000'000'000, 5'000'000'000};
  info.clock_sync = ClockSync{5, 0x40, 16'000'000, 16'000'000, 0};
  info.members = 3;
  info.member_bytes = 18'446'744'073'709'551'615u;
  info.gaps = {{"denied", 250}};
  return info;
}

std::string noise(std::size_t bytes, std::uint32_t seed) {
  std::string out;
  while (out.size() < bytes) {
    seed = seed * 1664525 + 1013904223;
    out += static_cast<char>(seed >> 24);
  }
  return out;
}

std::string sample_archive(std::size_t large_bytes) {
  MemorySink sink;
  Writer writer(sink, {});
  (void)writer.add_now("README.txt", "how to open this\n");
  (void)writer.add_now("capture.json", to_json(sample_capture_info()));
  JournalEntry entry;
  entry.source = "host_file";
  for (const std::string name : {"proc/stat", "proc/uptime", "netns/1/proc/net/tcp"}) {
    entry.member = name;
    (void)writer.add(name, "content of " + name + "\n");
    writer.journal(entry);
  }
  if (large_bytes > 0) {
    MemberCompressor compressor(1);
    compressor.append(noise(large_bytes, 1));
    (void)writer.add(compressor.finish("netns/1/netlink/pass1/inet_diag-tcp.pcap"));
  }
  (void)writer.add("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  (void)writer.finish({});
  return sink.bytes();
}

std::string tar_member(std::string_view name, std::string_view bytes, char type, std::string_view link) {
  std::string out = tar_header(name, bytes.size(), 0);
  patch_header(out, out.size() - kTarBlockBytes + 156, {&type, 1});
  if (!link.empty()) patch_header(out, out.size() - kTarBlockBytes + 157, link);
  out += bytes;
  out.append(tar_padding(bytes.size()), '\0');
  return out;
}

void patch_header(std::string& block, std::size_t offset, std::string_view bytes) {
  block.replace(offset, bytes.size(), bytes);
  const std::size_t begin = offset / kTarBlockBytes * kTarBlockBytes;
  block.replace(begin + 148, 8, 8, ' ');
  unsigned sum = 0;
  for (std::size_t i = begin; i < begin + kTarBlockBytes; ++i) sum += static_cast<unsigned char>(block[i]);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum & 0777777);
  block.replace(begin + 148, 7, {text, 7});
}

std::string zstd_frame(std::string_view bytes) { return FrameCompressor(1).compress(bytes); }

}  // namespace ssnap::archive
