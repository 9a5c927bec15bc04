// Replays the seeds of a fuzz target as an ordinary test: every file given, and every file in the directories
// given. A corpus that isn't there, or is empty, fails: a test that ran nothing must not pass.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

// The files of one argument, sorted; none where it doesn't exist.
std::vector<fs::path> files_of(const fs::path& argument) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_regular_file(argument, error)) files.push_back(argument);
  for (fs::recursive_directory_iterator it(argument, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// False where the file can't be read.
bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return false;
  // A copy of its own size, so that a read past the end is one past the allocation. Never null, as with
  // libFuzzer.
  std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
  data.reserve(1);
  LLVMFuzzerTestOneInput(data.data(), data.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int failures = argc < 2 ? 1 : 0;
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    const auto files = files_of(argv[i]);
    if (files.empty()) {
      std::fprintf(stderr, "no seeds in %s\n", argv[i]);
      ++failures;
    }
    for (const auto& path : files) {
      if (replay(path)) {
        ++replayed;
      } else {
        std::fprintf(stderr, "can't read %s\n", path.c_str());
        ++failures;
      }
    }
  }
  std::printf("%zu seeds replayed\n", replayed);
  return failures == 0 ? 0 : 1;
}
