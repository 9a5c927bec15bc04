// Which member a file of a copy of /proc is.
#include "pipeline/plain_tree.h"

#include "support/catch.h"

using namespace ssnap;

namespace {

struct Surveyed {
  pipeline::PlainTree tree;
  base::Problems problems;
};

Surveyed survey(const std::vector<std::string>& files) {
  Surveyed out;
  for (const auto& file : files) (void)out.tree.looks_at(file);
  out.tree.settle(out.problems);
  return out;
}

std::string name_of(const std::vector<std::string>& files, std::string_view file) { return survey(files).tree.member_name(file).value_or("none"); }

}  // namespace

TEST_CASE("a copy of /proc may begin anywhere") {
  CHECK(name_of({"net/tcp"}, "net/tcp") == "proc/net/tcp");
  CHECK(name_of({"net/tcp"}, "77/fd/3") == "proc/77/fd/3");
  CHECK(name_of({"proc/net/tcp"}, "proc/77/fd/3") == "proc/77/fd/3");
  CHECK(name_of({"77/stat"}, "77/stat") == "proc/77/stat");
  CHECK(name_of({"tcp", "udp"}, "tcp") == "proc/net/tcp");
  CHECK(name_of({"a/b/proc/77/stat"}, "a/b/proc/77/fd/3") == "proc/77/fd/3");
  CHECK(name_of({"a/b/proc/net/tcp"}, "a/b/etc/passwd") == "etc/passwd");
  CHECK(name_of({"a/net/tcp"}, "a/net/tcp") == "proc/net/tcp");
  CHECK(name_of({"a/net/tcp"}, "a/77/fd/3") == "proc/77/fd/3");
  CHECK(name_of({"2026/proc/net/tcp"}, "2026/proc/net/tcp") == "proc/net/tcp");
  CHECK(name_of({"netns/5/proc/net/tcp"}, "netns/5/proc/net/tcp") == "netns/5/proc/net/tcp");
  CHECK(name_of({"stat", "net/tcp"}, "stat") == "proc/stat");
  CHECK(name_of({}, "x") == "proc/x");
}

TEST_CASE("folders that only look like a process's are none below the top") {
  CHECK(name_of({"notes/77/stat", "a/proc/net/tcp"}, "a/proc/net/tcp") == "proc/net/tcp");
  CHECK(name_of({"host/stat", "a/proc/net/tcp"}, "a/proc/net/tcp") == "proc/net/tcp");
}

TEST_CASE("tables below one process stand for /proc/net where that is not there") {
  CHECK(name_of({"proc/77/net/tcp", "proc/78/net/tcp"}, "proc/77/net/tcp") == "proc/net/tcp");
  CHECK(name_of({"proc/77/net/tcp", "proc/78/net/tcp"}, "proc/78/net/tcp") == "proc/78/net/tcp");
  CHECK(name_of({"77/net/tcp"}, "77/net/tcp") == "proc/net/tcp");
  CHECK(name_of({"77/net/tcp", "net/tcp"}, "77/net/tcp") == "proc/77/net/tcp");
  CHECK(name_of({"1/net/tcp", "77/net/tcp"}, "1/net/tcp") == "proc/1/net/tcp");
}

TEST_CASE("of several trees the one nearest to the top is read, and the others are said to be there") {
  const auto found = survey({"backup/proc/net/tcp", "proc/net/tcp"});
  CHECK(found.tree.member_name("proc/net/tcp") == "proc/net/tcp");
  CHECK_FALSE(found.tree.member_name("backup/proc/net/tcp"));
  REQUIRE(found.problems.total == 1);
  CHECK(found.problems.kept[0].message.find("there is another") != std::string::npos);
  const auto siblings = survey({"a/proc/net/tcp", "b/proc/net/tcp", "c/proc/net/tcp"});
  CHECK(siblings.tree.member_name("a/proc/net/tcp") == "proc/net/tcp");
  CHECK_FALSE(siblings.tree.member_name("b/proc/net/tcp"));
  CHECK(siblings.problems.kept.at(0).message.find("are 2") != std::string::npos);
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("h" + std::to_string(i) + "/proc/net/tcp");
  CHECK(survey(many).problems.kept.at(0).message.find(" or more") != std::string::npos);
}

TEST_CASE("an unpacked archive has its names already") {
  const auto found = survey({"capture.json", "proc/net/tcp", "a/proc/net/tcp"});
  CHECK(found.tree.is_archive());
  CHECK(found.problems.empty());
  CHECK(found.tree.member_name("netns/5/proc/net/tcp") == "netns/5/proc/net/tcp");
}

TEST_CASE("bytes are asked for where they tell the byte order, once") {
  pipeline::PlainTree tree;
  CHECK(tree.looks_at("proc/77/net/tcp"));
  CHECK_FALSE(tree.looks_at("proc/78/net/tcp"));
  CHECK(tree.looks_at("proc/net/route"));
  CHECK(tree.looks_at("proc/net/if_inet6"));
  CHECK_FALSE(tree.looks_at("proc/net/unix"));
  CHECK_FALSE(tree.looks_at("proc/fs/tcp"));
  CHECK_FALSE(tree.looks_at("proc/77/stat"));
}
