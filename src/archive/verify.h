// Holds an archive against everything that it says about itself: frames, seal, manifest, chain, end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/capture_info.h"
#include "archive/input.h"
#include "archive/read_limits.h"
#include "base/result.h"

namespace ssnap::archive {

enum class Verdict : std::uint8_t {
  intact,
  incomplete,  // an end is missing: cut, unsealed, packed anew; nothing that is there contradicts anything
  altered,     // something contradicts something
};

struct VerifyFinding {
  Verdict verdict{};                     // what it alone says
  std::string member;                    // "" for the container
  std::optional<std::uint64_t> offset;   // in the compressed file
  std::string message;
};

struct VerifyReport {
  std::vector<VerifyFinding> findings;   // the first kMaxFindings
  std::uint64_t finding_count = 0;
  bool altered = false, incomplete = false;
  bool sealed = false;
  std::string sha256;                    // of the whole file; "" for a directory
  std::uint64_t bytes = 0, frames = 0, members = 0;
  std::uint64_t manifest_lines = 0;      // 0: no manifest
  std::uint64_t journal_parts = 0;
  std::uint64_t chained_bytes = 0;       // the first so many bytes of the file are as the chain has them
  std::optional<EndInfo> end;            // of a capture that was ended in order

  Verdict verdict() const { return altered ? Verdict::altered : incomplete ? Verdict::incomplete : Verdict::intact; }
};
constexpr std::size_t kMaxFindings = 1000;  // a file of which every byte was changed needs no million messages

VerifyReport verify_archive(std::string_view file, const ReadLimits& limits = {});

// An unpacked archive: its manifest against its files. An Error where there is no manifest to hold them against.
base::Result<VerifyReport> verify_directory(const Input& input);

}  // namespace ssnap::archive
