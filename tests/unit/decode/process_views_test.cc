// What shows processes besides the walk: directory listings as getdents64 gives them, the kernel's counts, the probe.
#include "decode/dirents.h"
#include "decode/host_files.h"
#include "decode/process_views.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

// A record that the kernel would make, or one that reaches over `more` bytes behind it.
std::string dirent(std::uint64_t inode, std::uint8_t type, const std::string& name, ByteOrder order = ByteOrder::little, std::size_t more = 0) {
  const std::size_t size = (19 + name.size() + 1 + 7) / 8 * 8;
  std::string bytes = Bytes(order).u64(inode).u64(1).u16(static_cast<std::uint16_t>(size + more)).u8(type).raw(name).str();
  bytes.resize(size, '\0');
  return bytes;
}

std::string names(const ssnap::base::Decoded<Dirent>& decoded) {
  std::string text;
  for (const Dirent& entry : decoded.rows) text += (text.empty() ? "" : " ") + std::string(entry.name);
  return text;
}

}  // namespace

TEST_CASE("a directory listing in either byte order") {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const std::string bytes = dirent(2, 4, ".", order) + dirent(9, 4, "4711", order) + dirent(10, 8, "cpuinfo", order);
    const auto decoded = decode_dirents(bytes, order);
    CHECK(decoded.problems.empty());
    CHECK(names(decoded) == ". 4711 cpuinfo");
    CHECK(decoded.rows[1].inode == 9);
    CHECK(decoded.rows[1].type == kDirentDirectory);
    CHECK(decoded.rows[1].offset == 24);
    CHECK(decoded.rows[2].record_bytes == 32);
    for (const Dirent& entry : decoded.rows) CHECK(entry.canonical);
  }
}

TEST_CASE("an entry that reaches over the next one is not canonical") {
  const std::string hidden = dirent(10, 4, "4712");
  const std::string bytes = dirent(9, 4, "4711", ByteOrder::little, hidden.size()) + hidden + dirent(11, 4, "4713");
  const auto decoded = decode_dirents(bytes, ByteOrder::little);
  CHECK(names(decoded) == "4711 4713");
  CHECK_FALSE(decoded.rows[0].canonical);
  CHECK(decoded.rows[0].record_bytes == 48);
  CHECK(decoded.rows[1].canonical);
}

TEST_CASE("every prefix of a listing gives its whole entries and one problem") {
  const std::string whole = dirent(9, 4, "4711") + dirent(10, 4, "4712") + dirent(11, 4, "a-longer-name");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    INFO(size);
    const auto decoded = decode_dirents(std::string_view(whole).substr(0, size), ByteOrder::little);
    const bool at_a_border = size == 0 || size == 24 || size == 48 || size == whole.size();
    CHECK(decoded.problems.total == (at_a_border ? 0 : 1));
    CHECK(decoded.rows.size() == (size < 24 ? 0u : size < 48 ? 1u : size < whole.size() ? 2u : 3u));
  }
}

TEST_CASE("records that can't be directory entries end a listing") {
  const std::string good = dirent(9, 4, "4711");
  const std::string no_length = Bytes(ByteOrder::little).u64(1).u64(1).u16(0).u8(4).zeros(5).str();
  const std::string no_end = Bytes(ByteOrder::little).u64(1).u64(1).u16(24).u8(4).raw("12345").str();
  const std::string too_long = Bytes(ByteOrder::little).u64(1).u64(1).u16(4000).u8(4).zeros(5).str();
  for (const std::string& bad : {no_length, no_end, too_long}) {
    const std::string bytes = good + bad + good;
    const auto decoded = decode_dirents(bytes, ByteOrder::little);
    CHECK(names(decoded) == "4711");
    REQUIRE(decoded.problems.total == 1);
    CHECK(decoded.problems.kept[0].offset == 24);
  }
}

TEST_CASE("the kernel's counts around a listing") {
  const auto counts = decode_process_counts("links 144 144\nforks 4570 4571\nthreads 151 -\n");
  CHECK(counts.problems.empty());
  CHECK(counts.links.quiet());
  CHECK(counts.links.before == 144u);
  CHECK_FALSE(counts.forks.quiet());
  CHECK_FALSE(counts.threads.quiet());
  CHECK(counts.threads.before == 151u);
  CHECK_FALSE(counts.threads.after);
  CHECK_FALSE(ProcessCounts{}.links.quiet());

  for (const std::string bad : {"links 144\n", "links x 1\n", "links 1 2 3\n", "links 1 2", "links -1 2\n"}) {
    INFO(bad);
    const auto read = decode_process_counts(bad + (bad.back() == '\n' ? "forks 1 1\n" : ""));
    CHECK(read.problems.total == 1);
    CHECK_FALSE(read.links.before);
    CHECK(read.forks.quiet() == (bad.back() == '\n'));
  }
  CHECK(decode_process_counts("of a later version 1\n").problems.empty());
}

TEST_CASE("the probe of numbers") {
  const auto probe = decode_process_probe("range 1 32768\nalive 1 2 4711\nhidden pid 4711 8812\nhidden cgroup 4712 -\n");
  CHECK(probe.problems.empty());
  CHECK(probe.first == 1);
  CHECK(probe.last == 32768);
  CHECK(probe.alive == std::vector<std::int64_t>{1, 2, 4711});
  REQUIRE(probe.unlisted.size() == 2);
  CHECK(probe.unlisted[0].pid == 4711);
  CHECK_FALSE(probe.unlisted[0].in_cgroup);
  CHECK(probe.unlisted[0].start_ticks == 8812u);
  CHECK(probe.unlisted[1].in_cgroup);
  CHECK_FALSE(probe.unlisted[1].start_ticks);
  CHECK(probe.unlisted[1].offset == 50);

  for (const std::string bad : {"range 1\n", "range 5 1\n", "range 0 4\n", "alive 1 x\n", "alive -4\n", "hidden pid\n", "hidden by 4 4\n",
                                "hidden pid 4 x\n", "hidden pid 4 4 4\n", "range 1 5"}) {
    INFO(bad);
    CHECK(decode_process_probe(bad).problems.total == 1);
  }
  CHECK(decode_process_probe("alive\n").alive.empty());
  CHECK(decode_process_probe("alive\n").problems.empty());
}

TEST_CASE("processes made since boot, and the threads that there are") {
  CHECK(decode_proc_stat_processes("cpu 1 2\nbtime 5\nprocesses 4570\nprocs_running 2\n") == 4570u);
  CHECK_FALSE(decode_proc_stat_processes("processes 4570"));
  CHECK_FALSE(decode_proc_stat_processes("processes x\n"));
  CHECK_FALSE(decode_proc_stat_processes(""));
  CHECK(decode_proc_loadavg_threads("0.19 4.01 7.36 10/151 4568\n") == 151u);
  CHECK_FALSE(decode_proc_loadavg_threads("0.19 4.01 7.36 10/151"));
  CHECK_FALSE(decode_proc_loadavg_threads("0.19 4.01 7.36 10 4568\n"));
  CHECK_FALSE(decode_proc_loadavg_threads("0.19 4.01 7.36 10/x 4568\n"));
  CHECK(decode_proc_loadavg_last_pid("0.19 4.01 7.36 10/151 4568\n") == 4568);
  CHECK_FALSE(decode_proc_loadavg_last_pid("0.19 4.01 7.36 10/151 45"));  // cut: the number may go on
  CHECK_FALSE(decode_proc_loadavg_last_pid("0.19 4.01 7.36 10/151\n"));
}
