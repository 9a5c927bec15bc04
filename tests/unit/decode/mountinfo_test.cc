#include "decode/mountinfo.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

const std::string kRow =
    "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n";
const std::string kSummary = "36 35 98:0 [/mnt1] [/mnt 2] rw,noatime ext3 [/dev/root] rw,errors=continue";

std::string summary(const MountRow& row) {
  std::ostringstream out;
  out << row.mount_id << ' ' << row.parent_id << ' ' << row.device_major << ':' << row.device_minor << " ["
      << row.root << "] [" << row.mount_point << "] " << row.options << ' ' << row.fs_type << " ["
      << row.source << "] " << row.super_options;
  return out.str();
}

}  // namespace

TEST_CASE("the mounts of the second scene") {
  const auto decoded = decode_mountinfo(read_fixture("mountinfo"));
  CHECK(decoded.problems.empty());
  CHECK(decoded.rows.size() == 22);
  int namespaces = 0, blanks = 0;
  for (const auto& row : decoded.rows) {
    if (const auto inode = netns_of_mount(row)) {
      CHECK(*inode == 4026532251);
      CHECK(row.mount_point == "/run/netns/demo");
      CHECK(row.root == "net:[4026532251]");
      ++namespaces;
    }
    if (row.mount_point == "/tmp/demo/a b") {
      CHECK(row.source == "odd source");
      ++blanks;
    }
  }
  CHECK(namespaces == 1);
  CHECK(blanks == 1);
}

TEST_CASE("every field of a mount") {
  CHECK(summary(decode_mountinfo(kRow).rows.at(0)) == kSummary);
  struct Row {
    const char* what;
    std::string line;
    std::string read;
  };
  for (const Row& row : {
           Row{"no optional field", "1 0 0:4 / / rw - proc proc rw\n", "1 0 0:4 [/] [/] rw proc [proc] rw"},
           Row{"no source", "1 0 0:4 / / rw - tmpfs  rw\n", "1 0 0:4 [/] [/] rw tmpfs [] rw"},
           Row{"super options with a blank", "1 0 0:4 / / rw - fuse x rw,a b\n",
               "1 0 0:4 [/] [/] rw fuse [x] rw,a"},
           Row{"every escape", "1 0 0:4 / /\\040\\011\\012\\134\\043 rw - a\\040b c\\040d rw\n",
               "1 0 0:4 [/] [/ \t\n\\#] rw a b [c d] rw"},
           Row{"what is no escape", "1 0 0:4 / /\\04\\08x\\777\\ rw - a b rw\n",
               "1 0 0:4 [/] [/\\04\\08x\\777\\] rw a [b] rw"},
           Row{"bytes", "1 0 0:4 / /\xff\x1b rw - a b rw\n", "1 0 0:4 [/] [/\xff\x1b] rw a [b] rw"},
       }) {
    INFO(row.what);
    const auto decoded = decode_mountinfo(row.line);
    CHECK(decoded.problems.empty());
    REQUIRE(decoded.rows.size() == 1);
    CHECK(summary(decoded.rows[0]) == row.read);
  }
}

TEST_CASE("which mount is a network namespace") {
  struct Row {
    const char* fs_type;
    const char* root;
    std::optional<std::uint64_t> inode;
  };
  for (const Row& row :
       {Row{"nsfs", "net:[4026532208]", 4026532208}, Row{"nsfs", "mnt:[4026532208]", {}},
        Row{"proc", "net:[4026532208]", {}}, Row{"nsfs", "net:[x]", {}}, Row{"nsfs", "/", {}}}) {
    MountRow mount;
    mount.fs_type = row.fs_type;
    mount.root = row.root;
    CHECK(netns_of_mount(mount) == row.inode);
  }
}

TEST_CASE("each corrupted field of a mount") {
  struct Row {
    const char* what;
    std::string from, to;
    std::string problem;
  };
  const std::string line = kRow.substr(0, kRow.size() - 1);
  for (const Row& row : {
           Row{"nothing", line, "", "expected a mount id, found nothing; row skipped"},
           Row{"id", "36 ", "-6 ", "expected a mount id, found 2 bytes (2d 36); row skipped"},
           Row{"parent", " 35", " 3a", "expected a parent id, found 2 bytes (33 61); row skipped"},
           Row{"two blanks", "36 ", "36  ", "expected a parent id, found nothing; row skipped"},
           Row{"device", "98:0", "98.0", "expected major:minor, found 4 bytes (39 38 2e 30); row skipped"},
           Row{"major", "98:0", ":0", "expected major:minor, found 2 bytes (3a 30); row skipped"},
           Row{"minor", "98:0", "98:", "expected major:minor, found 3 bytes (39 38 3a); row skipped"},
           Row{"root", "/mnt1", "", "expected a root, found nothing; row skipped"},
           Row{"mount point", "/mnt\\0402", "", "expected a mount point, found nothing; row skipped"},
           Row{"options", "rw,noatime", "", "expected mount options, found nothing; row skipped"},
           Row{"no dash", " - ", " + ", "expected '-' after the optional fields, found nothing; row skipped"},
           Row{"no type", " ext3 /dev/root rw,errors=continue", "",
               "expected a file system type, found nothing; row skipped"},
           Row{"no source", " /dev/root rw,errors=continue", "",
               "expected a source, found nothing; row skipped"},
           Row{"no super options", " rw,errors=continue", "",
               "expected super options, found nothing; row skipped"},
       }) {
    INFO(row.what);
    const auto decoded = decode_mountinfo(kRow + replaced(kRow, row.from, row.to) + kRow);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == 1);
    REQUIRE(decoded.problems.kept.size() == 1);
    CHECK(decoded.problems.kept[0].offset >= kRow.size());
    REQUIRE(decoded.rows.size() == 2);
    CHECK(summary(decoded.rows[0]) == kSummary);
    CHECK(summary(decoded.rows[1]) == kSummary);
  }
}

TEST_CASE("every prefix of mountinfo") {
  check_text_prefixes(read_fixture("mountinfo"), decode_mountinfo,
                      [](const MountRow& row) { return summary(row); });
}
