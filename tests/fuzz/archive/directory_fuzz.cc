// The reader of directories. The input makes a small tree in a folder of its own: files, folders, symlinks, FIFOs, under
// any name that a file system takes. Every file must come out once, as it is, and nothing may be followed or waited for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/directory.h"
#include "archive/input.h"
#include "archive/tar.h"
#include "archive/verify.h"
#include "support/byte_source.h"

namespace fs = std::filesystem;
using namespace ssnap::archive;
using ssnap::test::ByteSource;

namespace {

// Where the trees are made; removed at the end of the process.
class Folder {
 public:
  Folder() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base != nullptr ? base : "/tmp") + "/ssnap-directory-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  fs::path path;
};

// A name that a file system takes, or "".
std::string component(ByteSource& source) {
  std::string name = source.text(source.byte() % 64);
  name.erase(std::remove_if(name.begin(), name.end(), [](char c) { return c == '/' || c == '\0'; }), name.end());
  return name == "." || name == ".." ? "" : name;
}

// What is to come out: regular files, symlinks.
struct Tree {
  std::map<std::string, std::string> files, links;
};

Tree make_tree(ByteSource source, const fs::path& root) {
  constexpr int kMaxEntries = 40, kMaxDepth = 6;
  Tree tree;
  fs::path at = root;
  int depth = 0;
  for (int entry = 0; entry < kMaxEntries && !source.at_end(); ++entry) {
    const unsigned what = source.byte() % 6;
    if (what == 0) {
      if (depth > 0) at = at.parent_path(), --depth;
      continue;
    }
    const std::string name = component(source);
    std::error_code error;
    if (name.empty() || fs::symlink_status(at / name, error).type() != fs::file_type::not_found) continue;
    const std::string inside = (at / name).lexically_relative(root).string();
    if (what == 1) {
      if (depth == kMaxDepth || !fs::create_directory(at / name, error)) continue;
      at /= name, ++depth;
    } else if (what == 2) {
      const std::string target = source.text(source.byte());
      fs::create_symlink(target, at / name, error);
      if (!error && !name_fault(inside)) tree.links[inside] = target.substr(0, target.find('\0'));
    } else if (what == 3) {
      if (::mkfifo((at / name).c_str(), 0600) != 0) continue;
    } else {
      const std::string content = source.text(source.byte());
      std::ofstream(at / name, std::ios::binary) << content;
      if (!name_fault(inside)) tree.files[inside] = content;
    }
  }
  return tree;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const fs::path root = folder.path / "tree";
  fs::create_directory(root);
  Tree tree = make_tree(ByteSource({reinterpret_cast<const char*>(data), size}), root);
  const auto input = open_input(root.string());
  if (input.has_error()) __builtin_trap();
  const auto report = read_directory(
      *input, [](std::string_view) { return true; },
      [&](const Member& member) {
        auto& expected = member.type == MemberType::file ? tree.files : tree.links;
        const auto at = expected.find(std::string(member.name));
        if (at == expected.end() || at->second != member.bytes || member.cut) __builtin_trap();
        expected.erase(at);
      });
  if (report.has_error() || !tree.files.empty() || !tree.links.empty()) __builtin_trap();
  (void)verify_directory(*input);
  fs::remove_all(root);
  return 0;
}
