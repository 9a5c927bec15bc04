#include "decode/unix_diag.h"

#include <algorithm>
#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

std::string summary(const UnixDiagRecord& row) {
  std::ostringstream out;
  out << int{row.type} << ' ' << int{row.state} << ' ' << row.inode << ' ' << row.cookie;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << std::uint64_t{*value};
  };
  if (row.name) out << " name=" << *row.name;
  put("vfs", row.vfs_inode), put("device", row.vfs_device), put("peer", row.peer_inode);
  for (const auto inode : row.pending_inodes) out << " pending=" << inode;
  put("recv", row.recv_queue), put("send", row.send_queue);
  for (const auto word : row.skmeminfo) out << " mem=" << word;
  put("shutdown", row.shutdown), put("uid", row.uid);
  return out.str();
}

const UnixDiagRecord* find_row(const UnixDiagDump& dump, const std::string& name, std::uint8_t state) {
  for (const auto& row : dump.rows) {
    if (row.name == name && row.state == state) return &row;
  }
  return nullptr;
}

std::string diag_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 1) {
  return Bytes(order).u8(family).u8(5).u8(10).u8(0).u32(4711).u32(0x11223344).u32(0x55667788).str();
}

}  // namespace

TEST_CASE("the UNIX sockets of the scene") {
  const UnixDiagDump dump = decode_unix_diag(read_fixture("unix_diag.pcap"));
  CHECK(dump.problems.empty());
  CHECK(dump.end.done);
  CHECK(dump.end.errno_number == 0);
  CHECK(dump.rows.size() == 13);

  // The path comes without the NUL that the kernel's name ends with.
  const auto* listener = find_row(dump, "/tmp/demo/listener.sock", 10);
  REQUIRE(listener);
  CHECK(listener->type == 1);
  CHECK(listener->vfs_inode);
  CHECK(listener->vfs_device);
  CHECK_FALSE(listener->peer_inode);
  CHECK(listener->recv_queue == 1);
  CHECK(listener->send_queue == 5);
  CHECK(listener->uid == 0);
  CHECK(listener->skmeminfo.size() == 9);
  REQUIRE(listener->pending_inodes.size() == 1);

  const auto waiting = std::find_if(dump.rows.begin(), dump.rows.end(), [&](const auto& row) {
    return row.inode == listener->pending_inodes[0];
  });
  REQUIRE(waiting != dump.rows.end());
  CHECK(waiting->state == 1);
  CHECK_FALSE(waiting->name);
  // The socket that it waits to be accepted as has no inode yet: only /proc/net/unix has it.
  CHECK(std::none_of(dump.rows.begin(), dump.rows.end(), [](const auto& row) { return row.inode == 0; }));

  CHECK(find_row(dump, "/tmp/demo/with blank.sock", 7));
  CHECK(find_row(dump, "\0demo-abstract"s, 10));
  CHECK(find_row(dump, "\0demo\0nul"s, 7));
  CHECK(find_row(dump, "\0demo \x1b[31m\xff"s, 7));
  CHECK(find_row(dump,
                 "\0demo\n0000000000000000: 00000002 00000000 00010000 0001 01 424242 /run/forged.sock"s, 7));
  const auto shut = std::count_if(dump.rows.begin(), dump.rows.end(),
                                  [](const auto& row) { return row.shutdown.value_or(0) != 0; });
  CHECK(shut == 2);
}

TEST_CASE("every field of a UNIX record, in both byte orders") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const auto u32 = [order](std::uint32_t value) { return Bytes(order).u32(value).str(); };
    const std::string attributes =
        attribute(0, "/run/a b\0"s, order) + attribute(1, u32(21) + u32(22), order) +
        attribute(2, u32(23), order) + attribute(3, u32(24) + u32(25), order) +
        attribute(4, u32(26) + u32(27), order) + attribute(5, u32(28) + u32(29) + u32(30), order) +
        attribute(6, "\x02", order) + attribute(7, u32(31), order) + attribute(42, "later", order);
    const UnixDiagDump dump =
        decode_unix_diag(pcap(message(20, diag_msg(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.rows.size() == 1);
    CHECK(
        summary(dump.rows[0]) ==
        "5 10 4711 6153737367135073092 name=/run/a b vfs=21 device=22 peer=23 pending=24 pending=25 recv=26 "
        "send=27 mem=28 mem=29 mem=30 shutdown=2 uid=31");
    CHECK(dump.rows[0].offset == 24 + 32);
  }
}

TEST_CASE("names are bytes") {
  struct Row {
    const char* what;
    std::string sent, name;
  };
  for (const Row& row : {Row{"path", "/a\0"s, "/a"}, Row{"path without NUL", "/a", "/a"},
                         Row{"abstract, NULs count", "\0a\0"s, "\0a\0"s}, Row{"one NUL", "\0"s, "\0"s},
                         Row{"empty", "", ""}, Row{"anything", "\xff\n\x1b", "\xff\n\x1b"}}) {
    INFO(row.what);
    const UnixDiagDump dump = decode_unix_diag(pcap(message(20, diag_msg() + attribute(0, row.sent))));
    REQUIRE(dump.rows.size() == 1);
    CHECK(dump.rows[0].name == row.name);
  }
  CHECK_FALSE(decode_unix_diag(pcap(message(20, diag_msg()))).rows.at(0).name);
}

TEST_CASE("each corrupted field of a UNIX record") {
  struct Row {
    const char* what;
    std::string bad;
    std::string problem;
    std::string first;  // "" where the record is skipped
  };
  const std::string plain = "5 10 4711 6153737367135073092";
  const auto with = [](const std::string& attributes) { return message(20, diag_msg() + attributes); };
  for (const Row& row : {
           Row{"short record", message(20, diag_msg().substr(0, 15)),
               "expected a unix_diag_msg of 16 bytes, found 15; record skipped", ""},
           Row{"family", message(20, diag_msg(ByteOrder::little, 2)),
               "expected family 1 (UNIX), found 2; record skipped", ""},
           Row{"type", message(77, diag_msg()),
               "expected a sock_diag message, found type 77; message skipped", ""},
           Row{"vfs, one word", with(attribute(1, "\x07\0\0\0"s)),
               "UNIX_DIAG_VFS: expected 8 bytes, found 4; the record is kept with the words that are whole",
               plain + " vfs=7"},
           Row{"vfs, no word", with(attribute(1, "abc")),
               "UNIX_DIAG_VFS: expected 8 bytes, found 3; the record is kept with the words that are whole",
               plain},
           Row{"queues, longer", with(attribute(4, "\x07\0\0\0\x08\0\0\0\x09"s)),
               "UNIX_DIAG_RQLEN: expected 8 bytes, found 9; the record is kept with the words that are whole",
               plain + " recv=7 send=8"},
           Row{"peer", with(attribute(2, "abc")),
               "UNIX_DIAG_PEER: expected 4 bytes, found 3; the record is kept without it", plain},
           Row{"pending", with(attribute(3, "\x07\0\0\0\x08"s)),
               "UNIX_DIAG_ICONS: expected words of 4 bytes, found 5 bytes; the whole words are kept",
               plain + " pending=7"},
           Row{"memory", with(attribute(5, "\x07"s)),
               "UNIX_DIAG_MEMINFO: expected words of 4 bytes, found 1 bytes; the whole words are kept",
               plain},
           Row{"shutdown", with(attribute(6, "")),
               "UNIX_DIAG_SHUTDOWN: expected 1 bytes, found 0; the record is kept without it", plain},
           Row{"uid", with(attribute(7, "\x01"s)),
               "UNIX_DIAG_UID: expected 4 bytes, found 1; the record is kept without it", plain},
           Row{"attributes that don't tile", with("\xff\xff\0\0"s),
               "expected a whole attribute, found 4 bytes that are none; the record is kept with the "
               "attributes "
               "before",
               plain},
       }) {
    INFO(row.what);
    const UnixDiagDump dump = decode_unix_diag(pcap(row.bad + message(20, diag_msg()) + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == 1);
    REQUIRE(dump.rows.size() == (row.first.empty() ? 1 : 2));
    if (!row.first.empty()) CHECK(summary(dump.rows[0]) == row.first);
    CHECK(summary(dump.rows.back()) == plain);
  }
}

TEST_CASE("every prefix of a UNIX dump gives a prefix of its rows") {
  const std::string bytes = read_fixture("unix_diag.pcap");
  const UnixDiagDump whole = decode_unix_diag(bytes);
  const auto ends = record_ends(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const UnixDiagDump dump = decode_unix_diag(std::string_view(bytes).substr(0, size));
    REQUIRE(dump.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < dump.rows.size(); ++i)
      REQUIRE(summary(dump.rows[i]) == summary(whole.rows[i]));
    const bool at_boundary = std::find(ends.begin(), ends.end(), size) != ends.end();
    REQUIRE(dump.problems.empty() == at_boundary);
    REQUIRE_FALSE(dump.end.done);
  }
}
