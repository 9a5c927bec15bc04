// manifest-sha256.txt: what `sha256sum -c` reads. One line a member, in the order of the archive:
//   e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  proc/version
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::archive {

constexpr std::string_view kManifestName = "manifest-sha256.txt";

struct ManifestLine {
  std::string_view sha256;  // 64 lower-case hexadecimal digits
  std::string_view name;
  std::uint64_t offset = 0;  // of the line, in the manifest
};

std::string to_manifest_line(std::string_view sha256, std::string_view name);

// The lines that have the form above (the views point into `bytes`), and a problem for every other.
base::Decoded<ManifestLine> parse_manifest(std::string_view bytes);

}  // namespace ssnap::archive
