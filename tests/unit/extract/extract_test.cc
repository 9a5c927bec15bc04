#include "extract/extract.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/capture_info.h"
#include "extract/tree.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::extract;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ssnap-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }
  std::string target() const { return (path_ / "tree").string(); }

 private:
  fs::path path_;
};

struct Input {
  std::string name, bytes;
  archive::MemberType type = archive::MemberType::file;
};

MemberSource source_of(std::vector<Input> members) {
  return [members = std::move(members)](const archive::MemberVisitor& visit) -> base::Result<archive::ReadReport> {
    archive::ReadReport report;
    for (const auto& member : members) {
      visit({member.name, member.type, member.bytes, false, 0});
      ++report.members;
    }
    report.sealed = true;
    return report;
  };
}

// As the command does it: what was made in vain is removed.
base::Result<Report> extract_to(const std::string& target, const MemberSource& source, const Options& options = {}, int read_from = -1) {
  auto tree = Tree::create(target, read_from);
  if (tree.has_error()) return tree.error();
  auto report = extract::extract(source, *tree, options);
  if (report.has_error()) tree->discard();
  return report;
}

Report run(const Folder& folder, std::vector<Input> members, const Options& options = {}) {
  auto report = extract_to(folder.target(), source_of(std::move(members)), options);
  if (report.has_error()) FAIL(report.error().message);
  return std::move(*report);
}

std::string why_not(const Folder& folder, std::vector<Input> members, const Options& options = {}) {
  const auto report = extract_to(folder.target(), source_of(std::move(members)), options);
  REQUIRE(report.has_error());
  return report.error().message;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string capture_json() {
  archive::CaptureInfo info;
  info.tool.name = "ssnap";
  info.tool.version = "0.1.0";
  info.tool.commit = "abcdef0";
  info.collector.namespaces = {{"net", 40}};
  return archive::to_json(info);
}

bool has_left_out(const Report& report, std::string_view part) {
  for (const auto& problem : report.left_out.kept)
    if (problem.message.find(part) != std::string::npos) return true;
  return false;
}

// Everything below `root`, links not followed.
std::vector<std::string> names_below(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root)) names.push_back(fs::relative(entry.path().parent_path(), root) / entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a snapshot becomes a tree that is shaped like procfs") {
  const Folder folder;
  const auto report = run(folder, {
      {"capture.json", capture_json()},
      {"etc/passwd", "root:x:0:0::/root:/bin/sh\n"},
      {"proc/7/stat", "7 (cat) S 1\n"},
      {"proc/7/fds", "3 0700 socket:[12]\0""10 - /tmp/a b\n\x1b[31m\0""4 !13 \0"s},
      {"proc/7/links", "exe 0777 /bin/cat (deleted)\0ns/net 0777 net:[40]\0cwd !13 \0"s},
      {"proc/7/task/9/fds", "5 0700 socket:[13]\0"s},
      {"proc/12/fds", ""},
      {"netns/40/proc/net/tcp", "the host's own\n"},
      {"netns/41/proc/net/tcp", "another one\n"},
      {"end.json", "{}"},
  });
  CHECK(report.left_out.empty());
  CHECK(report.is_archive);
  CHECK(report.has_end);
  const fs::path tree = folder.target();
  CHECK(content(tree / "etc/passwd") == "root:x:0:0::/root:/bin/sh\n");
  CHECK(content(tree / "proc/7/fds") == "3 0700 socket:[12]\0""10 - /tmp/a b\n\x1b[31m\0""4 !13 \0"s);
  CHECK(fs::read_symlink(tree / "proc/7/fd/3") == "socket:[12]");
  CHECK(fs::read_symlink(tree / "proc/7/fd/10") == "/tmp/a b\n\x1b[31m");
  CHECK_FALSE(fs::is_symlink(tree / "proc/7/fd/4"));
  CHECK(fs::read_symlink(tree / "proc/7/exe") == "/bin/cat (deleted)");
  CHECK(fs::read_symlink(tree / "proc/7/ns/net") == "net:[40]");
  CHECK_FALSE(fs::is_symlink(tree / "proc/7/cwd"));
  CHECK(fs::read_symlink(tree / "proc/7/task/9/fd/5") == "socket:[13]");
  CHECK(fs::is_empty(tree / "proc/12/fd"));
  CHECK(content(tree / "proc/net/tcp") == "the host's own\n");
  CHECK(content(tree / "netns/40/proc/net/tcp") == "the host's own\n");
  CHECK(content(tree / "netns/41/proc/net/tcp") == "another one\n");
  CHECK(report.symlinks == 5);
  CHECK(report.files == 11);
  CHECK((fs::status(tree).permissions() & fs::perms::mask) == fs::perms::owner_all);
  CHECK((fs::status(tree / "etc/passwd").permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("proc/net is of the namespace that was asked for") {
  const std::vector<Input> members{{"capture.json", capture_json()}, {"netns/40/proc/net/tcp", "own\n"}, {"netns/41/proc/net/tcp", "other\n"}};
  {
    const Folder folder;
    Options options;
    options.netns = 41;
    run(folder, members, options);
    CHECK(content(folder / "tree/proc/net/tcp") == "other\n");
  }
  const Folder folder;
  Options options;
  options.netns = 42;
  CHECK(why_not(folder, members, options).find("namespace 42") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.target()));
}

TEST_CASE("a copy of /proc stays one") {
  const Folder folder;
  const auto report = run(folder, {
      {"proc/7/fd/3", "socket:[12]", archive::MemberType::symlink},
      {"proc/7/exe", "/bin/cat", archive::MemberType::symlink},
      {"proc/7/ns/net", "net:[40]", archive::MemberType::symlink},
      {"proc/self", "7", archive::MemberType::symlink},
      {"proc/net/tcp", "rows\n"},
  });
  CHECK(report.left_out.empty());
  CHECK_FALSE(report.is_archive);
  CHECK(fs::read_symlink(folder / "tree/proc/7/fd/3") == "socket:[12]");
  CHECK(content(folder / "tree/proc/net/tcp") == "rows\n");
  CHECK_FALSE(fs::exists(folder / "tree/ss"));
}

TEST_CASE("what an earlier extraction made is made anew") {
  const Folder folder;
  const auto report = run(folder, {
      {"capture.json", capture_json()},
      {"netns/40/proc/net/tcp", "the host's own\n"},
      {"proc/7/exe", "/bin/forged", archive::MemberType::symlink},
      {"proc/7/fd/3", "socket:[99]", archive::MemberType::symlink},
      {"proc/7/fds", "3 0700 socket:[12]\0"s},
      {"proc/net/tcp", "another one's\n"},
      {"ss/all-tcp", "another one's\n"},
  });
  CHECK(report.left_out.empty());
  CHECK(content(folder / "tree/proc/net/tcp") == "the host's own\n");
  CHECK(fs::read_symlink(folder / "tree/proc/7/fd/3") == "socket:[12]");
  CHECK_FALSE(fs::exists(folder / "tree/ss"));
  CHECK_FALSE(fs::is_symlink(folder / "tree/proc/7/exe"));
}

TEST_CASE("nothing is written outside of the tree") {
  const Folder folder;
  const fs::path outside = folder / "outside";
  fs::create_directory(outside);
  const auto report = run(folder, {
      {"proc/7/exe", outside.string(), archive::MemberType::symlink},
      {"proc/7/exe/evil", "through a link\n"},
      {"proc/7/fd/3", outside.string(), archive::MemberType::symlink},
      {"proc/7/fd/3/evil", "through a link\n"},
      {"proc/self", outside.string(), archive::MemberType::symlink},
      {"proc/self/evil", "through a link\n"},
      {"proc/net", outside.string(), archive::MemberType::symlink},
      {"proc/net/tcp", "through a link\n"},
      {"../outside/evil", "through the name\n"},
      {"/outside/evil", "through the name\n"},
      {"proc/7/../../../outside/evil", "through the name\n"},
      {"etc/passwd", "/etc/shadow", archive::MemberType::symlink},
      {"ss", outside.string(), archive::MemberType::symlink},
      {"proc/8/fds", "../../../outside/evil 0700 x\0""007 0700 x\0 0700 x\0""4294967296 0700 x\0"s},
      {"proc/8/links", "../../evil 0700 x\0ns/../evil 0700 x\0ns/ 0700 x\0fd/3 0700 x\0stat 0700 x\0"s},
      {"proc/9/fds", "3 0700 "s + outside.string() + "\0"s},
      {"proc/9/fd/3/evil", "through a link\n"},
  });
  CHECK(fs::is_empty(outside));
  CHECK(names_below(folder.target()) ==
        std::vector<std::string>{"./proc", "proc/7", "proc/7/exe", "proc/7/fd", "proc/7/fd/3", "proc/8", "proc/8/fd", "proc/8/fds",
                                 "proc/8/links", "proc/9", "proc/9/fd", "proc/9/fd/3", "proc/9/fds", "proc/net", "proc/self"});
  for (const char* part : {"proc/7/exe/evil", "proc/7/fd/3/evil", "proc/self/evil", "proc/net/tcp", "../outside", "/outside", "proc/7/..",
                           "etc/passwd: a symlink where procfs has none", "ss: a symlink", "proc/8/fds: a record", "proc/8/links: a record",
                           "proc/9/fd/3/evil"}) {
    INFO(part);
    CHECK(has_left_out(report, part));
  }
}

TEST_CASE("of two things of one name the first stays") {
  const Folder folder;
  const auto report = run(folder, {{"proc/7/fd/3", "a file\n"}, {"proc/7/fds", "3 0700 socket:[1]\0""5 0700 socket:[2]\0""5 0700 socket:[3]\0"s},
                                   {"proc/7", "a file where a folder is\n"}});
  CHECK(content(folder / "tree/proc/7/fd/3") == "a file\n");
  CHECK(fs::read_symlink(folder / "tree/proc/7/fd/5") == "socket:[2]");
  CHECK(report.left_out.total == 3);
}

TEST_CASE("targets that no symlink can have are left out") {
  const Folder folder;
  const auto report = run(folder, {{"proc/7/fds", "3 0700 \0""4 0700 "s + std::string(5000, 'x') + "\0""5 0700 socket:[1]\0"s},
                                   {"proc/7/exe", "cut\0short"s, archive::MemberType::symlink}});
  CHECK(report.symlinks == 1);
  CHECK(report.left_out.total == 3);
}

TEST_CASE("only a new or an empty directory is taken") {
  const Folder folder;
  const std::vector<Input> members{{"etc/hostname", "web1\n"}};
  fs::create_directory(folder.target());
  run(folder, members);
  CHECK(content(folder / "tree/etc/hostname") == "web1\n");
  CHECK(why_not(folder, members).find("not empty") != std::string::npos);
  CHECK(content(folder / "tree/etc/hostname") == "web1\n");

  CHECK(extract_to((folder / "new/").string(), source_of(members)).has_value());
  CHECK(extract_to((folder / "missing/new").string(), source_of(members)).has_error());
  CHECK(extract_to((folder / "tree/etc/hostname").string(), source_of(members)).has_error());
}

TEST_CASE("the tree does not grow within what it is made of") {
  const Folder folder;
  fs::create_directories(folder / "snapshot/inner");
  const std::vector<Input> members{{"etc/hostname", "web1\n"}};
  const base::Fd snapshot(::open((folder / "snapshot").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* place : {"snapshot/new", "snapshot/inner", "snapshot/inner/new"}) {
    const auto report = extract_to((folder / place).string(), source_of(members), {}, snapshot.get());
    REQUIRE(report.has_error());
    CHECK(report.error().message.find("lies within") != std::string::npos);
  }
  CHECK(names_below(folder / "snapshot") == std::vector<std::string>{"./inner"});
  CHECK(extract_to((folder / "beside").string(), source_of(members), {}, snapshot.get()).has_value());
}

TEST_CASE("an error that would go on ends the extraction and names the file") {
  const Folder folder;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto report = extract_to(folder.target(), source_of({{"etc/small", "small\n"}, {"etc/large", std::string(100, 'x')}, {"etc/after", "x"}}));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_DFL);
  REQUIRE(report.has_error());
  CHECK(report.error().errno_number == EFBIG);
  CHECK(report.error().message.find("etc/large: ") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "tree/etc/after"));
}

TEST_CASE("an empty input is no snapshot") {
  const Folder folder;
  CHECK(why_not(folder, {}).find("no snapshot") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.target()));
}

TEST_CASE("a source that can't be read") {
  const Folder folder;
  int calls = 0;
  const auto report = extract_to(
      folder.target(), [&](const archive::MemberVisitor& visit) -> base::Result<archive::ReadReport> {
        if (++calls == 2) return base::Error{"gone", 0};
        visit({"etc/hostname", archive::MemberType::file, "web1\n", false, 0});
        archive::ReadReport whole;
        whole.members = 1;
        return whole;
      });
  REQUIRE(report.has_error());
  CHECK(report.error().message == "gone");
}
