// The output's file: what is in its way, what becomes of the one before it, what is left behind.
#include "capture/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "fake_host.h"

using namespace ssnap;
using capture::OutputFile;
using capture_test::FakeHost;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("what never became usable is removed, and only that") {
  FakeHost folder;
  const auto path = folder.root() / "a";
  {
    auto file = OutputFile::create(path.string(), {});
    REQUIRE(file.has_value());
    REQUIRE(file->write("half").has_value());
    CHECK(content(path) == "half");
  }
  CHECK_FALSE(std::filesystem::exists(path));
  {
    auto file = OutputFile::create(path.string(), {});
    REQUIRE(file.has_value());
    // Someone else's by now.
    std::filesystem::remove(path);
    folder.file("a", "other");
  }
  CHECK(content(path) == "other");
}

TEST_CASE("an existing file is replaced in one step once the new one is usable") {
  FakeHost folder;
  folder.file("a", "old");
  folder.file("a.sha256", "old hash");
  const auto path = folder.root() / "a";
  CHECK(OutputFile::create(path.string(), {}).error().errno_number == EEXIST);
  {
    auto file = OutputFile::create(path.string(), {.replace = true, .sha256_file = true});
    REQUIRE(file.has_value());
    REQUIRE(file->write("new").has_value());
    CHECK(content(path) == "old");
  }
  CHECK(entries(folder.root()) == 3);  // proc, a, a.sha256
  auto file = OutputFile::create(path.string(), {.replace = true, .sha256_file = true});
  REQUIRE(file.has_value());
  REQUIRE(file->write("new").has_value());
  REQUIRE(file->usable().has_value());
  CHECK(content(path) == "new");
  CHECK_FALSE(std::filesystem::exists(folder.root() / "a.sha256"));
  REQUIRE(file->write("er").has_value());
  REQUIRE(file->finish().has_value());
  CHECK(content(path) == "newer");
  REQUIRE(file->write_sha256_file("00ff").has_value());
  CHECK(content(folder.root() / "a.sha256") == "00ff  a\n");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("nothing but a regular file is ever replaced") {
  FakeHost folder;
  folder.fifo("fifo");
  folder.link("link", "proc");
  for (const char* name : {"fifo", "link", "proc"}) {
    CAPTURE(name);
    for (const bool replace : {false, true})
      CHECK(OutputFile::create((folder.root() / name).string(), {.replace = replace, .sha256_file = false}).error().errno_number == EEXIST);
  }
  CHECK(OutputFile::create((folder.root() / "none" / "a").string(), {}).error().errno_number == ENOENT);
  CHECK(OutputFile::create((folder.root() / "proc").string() + "/", {}).has_error());
  folder.link("b.sha256", "nowhere");
  CHECK(OutputFile::create((folder.root() / "b").string(), {.replace = true, .sha256_file = true}).error().errno_number == EEXIST);
  CHECK_FALSE(std::filesystem::exists(folder.root() / "b"));
}

TEST_CASE("room that was kept and bytes that were taken back leave no trace") {
  FakeHost folder;
  const auto path = folder.root() / "a";
  auto file = OutputFile::create(path.string(), {});
  REQUIRE(file.has_value());
  REQUIRE(file->reserve(1 << 20).has_value());
  REQUIRE(file->write("whole and part").has_value());
  CHECK(std::filesystem::file_size(path) == 14);
  CHECK(file->cut_back(5));
  CHECK(file->taken() == 5);
  REQUIRE(file->write("!").has_value());
  REQUIRE(file->usable().has_value());
  REQUIRE(file->finish().has_value());
  CHECK(content(path) == "whole!");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 <= 65536);
}

TEST_CASE("names are escaped in FILE.sha256 as sha256sum does it") {
  FakeHost folder;
  auto file = OutputFile::create((folder.root() / "odd \\ \n\r").string(), {});
  REQUIRE(file.has_value());
  REQUIRE(file->usable().has_value());
  REQUIRE(file->write_sha256_file("00ff").has_value());
  CHECK(content(folder.root() / "odd \\ \n\r.sha256") == "\\00ff  odd \\\\ \\n\\r\n");
}
