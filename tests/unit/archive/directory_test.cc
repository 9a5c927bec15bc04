#include "archive/directory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;
namespace fs = std::filesystem;

namespace {

class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "ssnap-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Tree() { fs::remove_all(path_); }
  void file(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Input input_of(const fs::path& path) {
  auto input = open_input(path.string());
  if (input.has_error()) FAIL(input.error().message);
  return std::move(*input);
}

ReadResult read_tree(const std::string& path, const ReadLimits& limits = {}) {
  ReadResult result;
  auto report = read_directory(
      input_of(path), [](std::string_view name) { return name.find("unwanted") == std::string_view::npos; },
      [&](const Member& member) {
        result.members.push_back({std::string(member.name), std::string(member.bytes), member.cut, member.type});
      },
      limits);
  REQUIRE(report.has_value());
  result.report = std::move(*report);
  return result;
}

}  // namespace

TEST_CASE("a directory reads as an archive, numbers by value") {
  const Tree tree;
  for (const char* name : {"proc/10/stat", "proc/9/stat", "proc/100/stat", "proc/net/tcp6", "proc/net/tcp", "proc/007/stat",
                           "proc/7/stat", "proc/stat", "README.txt", "proc/9/unwanted"})
    tree.file(name, std::string("content of ") + name);
  tree.file("proc/large", noise(300'000, 1));
  fs::create_symlink("/nonexistent/\x1b target", tree.path() / "proc/9/exe");
  fs::create_directory_symlink(tree.path(), tree.path() / "proc/9/root");
  const auto result = read_tree(tree.path().string());
  std::vector<std::string> names;
  for (const auto& member : result.members) names.push_back(member.name);
  CHECK(names == std::vector<std::string>{"README.txt", "proc/007/stat", "proc/7/stat", "proc/9/exe", "proc/9/root",
                                          "proc/9/stat", "proc/10/stat", "proc/100/stat", "proc/large", "proc/net/tcp",
                                          "proc/net/tcp6", "proc/stat"});
  CHECK(result.find("proc/9/exe")->type == MemberType::symlink);
  CHECK(result.find("proc/9/exe")->bytes == "/nonexistent/\x1b target");
  CHECK(result.find("proc/9/stat")->bytes == "content of proc/9/stat");
  CHECK((result.find("proc/large")->bytes == noise(300'000, 1)));
  CHECK(result.report.problems.empty());
  CHECK(result.report.members == result.members.size());
  CHECK_FALSE(result.report.sealed);
}

TEST_CASE("nothing but regular files is opened, and what can't be read is told") {
  const Tree tree;
  tree.file("proc/1/stat", "1");
  REQUIRE(::mkfifo((tree.path() / "proc/1/fifo").c_str(), 0600) == 0);
  tree.file("proc/1/bad\nname", "x");
  const auto result = read_tree(tree.path().string());  // opening the FIFO would wait for ever
  CHECK(result.members.size() == 1);
  CHECK_FALSE(result.problem_with("not a regular file").empty());
  CHECK_FALSE(result.problem_with("control byte").empty());
  for (const auto& problem : result.report.problems.kept)
    for (const char c : problem.message) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("a file that fails when it is read is a problem") {
  // A directory without rights tells it for other users; for root, a procfs file that refuses reads does.
  const Tree tree;
  tree.file("closed", "x");
  tree.file("open", "x");
  REQUIRE(::chmod((tree.path() / "closed").c_str(), 0) == 0);
  const auto result = read_tree(tree.path().string());
  CHECK(result.find("open") != nullptr);
  if (::geteuid() != 0) CHECK_FALSE(result.problem_with("closed").empty());
  else CHECK(result.find("closed") != nullptr);
}

TEST_CASE("a tree is read to a bounded depth") {
  const Tree tree;
  std::string deep;
  for (int i = 0; i < 80; ++i) deep += "d/";
  tree.file(deep + "file", "x");
  tree.file("top", "x");
  const auto result = read_tree(tree.path().string());
  CHECK(result.members.size() == 1);
  CHECK_FALSE(result.problem_with("deeper than 64").empty());
}

TEST_CASE("only a root that can't be read is an error") {
  const Tree tree;
  tree.file("plain", "x");
  const auto nothing = [](std::string_view) { return true; };
  CHECK(read_directory(input_of(tree.path() / "plain"), nothing, [](const Member&) {}).has_error());
  const auto empty = tree.path() / "empty";
  fs::create_directory(empty);
  CHECK(read_tree(empty.string()).members.empty());
}

TEST_CASE("input is read whole, and an error names the file") {
  const Tree tree;
  tree.file("small", "abc");
  tree.file("large", noise(3'000'000, 2));
  tree.file("empty", "");
  CHECK(*read_input(input_of(tree.path() / "small")) == "abc");
  CHECK((*read_input(input_of(tree.path() / "large")) == noise(3'000'000, 2)));
  CHECK(read_input(input_of(tree.path() / "empty"))->empty());
  const auto absent = open_input((tree.path() / "absent").string());
  REQUIRE(absent.has_error());
  CHECK_THAT(absent.error().message, Catch::Matchers::Contains("absent"));
  const Input directory = input_of(tree.path());
  CHECK(directory.is_directory);
  CHECK(read_input(directory).has_error());
}

TEST_CASE("a tree has its limits: names, depth, bytes of a file and of all files") {
  const Tree tree;
  for (const char* name : {"a", "b", "c"}) tree.file(name, "1234");
  ReadLimits limits;
  limits.members = 3;
  CHECK(read_tree(tree.path().string(), limits).members.size() == 3);
  limits.members = 2;
  const auto listed = read_directory(input_of(tree.path()), [](std::string_view) { return true; }, [](const Member&) {}, limits);
  REQUIRE(listed.has_error());
  CHECK(listed.error().message.find("more than 2 names") != std::string::npos);

  limits = {};
  limits.member_bytes = 3;
  const auto cut = read_tree(tree.path().string(), limits);
  CHECK(cut.report.problems.total == 3);
  CHECK_FALSE(cut.problem_with("larger than the limit of 3 bytes").empty());

  limits = {};
  limits.directory_bytes = 5;
  const auto some = read_tree(tree.path().string(), limits);
  CHECK(some.members.size() == 2);
  CHECK_FALSE(some.problem_with("files of 5 bytes were read").empty());

  std::string deep = "d";
  for (int i = 1; i < kMaxDirectoryDepth + 2; ++i) deep += "/d";
  tree.file(deep + "/f", "x");
  CHECK_FALSE(read_tree(tree.path().string()).problem_with("deeper than 64").empty());
}

TEST_CASE("a file of nothing but a hole is read to the limit, not to its size") {
  const Tree tree;
  tree.file("cmdline", "");
  fs::resize_file(tree.path() / "cmdline", 8 * kGiB);
  ReadLimits limits;
  limits.member_bytes = kMiB;
  const auto result = read_tree(tree.path().string(), limits);
  REQUIRE(result.members.size() == 1);
  CHECK(result.members[0].cut);
  CHECK(result.members[0].bytes.size() <= kMiB);
}
