// Archives for the tests, and what a reader made of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "archive/reader.h"
#include "archive/writer.h"

namespace ssnap::archive {

struct ReadMember {
  std::string name;
  std::string bytes;
  bool cut = false;
  MemberType type = MemberType::file;
  std::uint64_t frame_offset = 0;
};

struct ReadResult {
  ReadReport report;
  std::vector<ReadMember> members;

  const ReadMember* find(std::string_view name) const;
  // The first problem that holds `part`, or "".
  std::string problem_with(std::string_view part) const;
};

ReadResult read_all(std::string_view compressed, const ReadLimits& limits = {});

CaptureInfo sample_capture_info();
EndInfo sample_end_info();

// Content that looks random and doesn't compress, the same at every run.
std::string noise(std::size_t bytes, std::uint32_t seed);

// README.txt, capture.json, three small members, `large_bytes` of noise as a large member (none: 0), one more small
// member, and the end.
std::string sample_archive(std::size_t large_bytes);

// A tar header of one member with its content and padding, and one whole zstd frame of anything.
std::string tar_member(std::string_view name, std::string_view bytes, char type = '0', std::string_view link = "");
// Sets bytes of a header and mends its checksum.
void patch_header(std::string& block, std::size_t offset, std::string_view bytes);
std::string zstd_frame(std::string_view bytes);

}  // namespace ssnap::archive
