// One view against another: each check fires where they disagree, is silent where they agree, and says where it could not look.
#include <algorithm>

#include "base/clock.h"
#include "reconstruct/cross_view.h"
#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct;
using namespace ssnap::reconstruct::test;

namespace {

constexpr std::uint64_t kListedAt = 10 * base::kNsecPerSec;  // of the first listing; 100 ticks a second: tick 1000

ProcListing listing(std::vector<std::int64_t> pids, int pass, bool mounted = false) {
  ProcListing made;
  made.member = "process-views/pass" + std::to_string(pass) + (mounted ? "/dirents-mounted" : "/dirents");
  made.pass = pass;
  made.mounted = mounted;
  made.pids = std::move(pids);
  made.folders = 9;
  return made;
}

decode::ProcessCounts counts(std::uint64_t processes, std::uint64_t threads) {
  decode::ProcessCounts made;
  made.links.before = made.links.after = 2 + 9 + processes;
  made.forks.before = made.forks.after = 4570;
  made.threads.before = made.threads.after = threads;
  return made;
}

// Processes 1, 50 and 51, listed by every view.
Records whole_records() {
  Records records = make_records();
  add_process(records, 1, 0, 1, {});
  add_process(records, 50, 1, 100, {});
  add_process(records, 51, 50, 200, {});
  for (auto& [id, process] : records.processes) process.stat->num_threads = 1;
  for (const int pass : {1, 2}) {
    records.raw.listings.push_back(listing({1, 50, 51}, pass));
    records.raw.listings.push_back(listing({1, 50, 51}, pass, true));
    records.raw.counts.emplace_back(pass, counts(3, 3));
  }
  for (const auto& made : records.raw.listings) records.raw.times[made.member] = {kListedAt, kListedAt + 1000};
  records.raw.probe.emplace();
  records.raw.probe->first = 1;
  records.raw.probe->last = 32768;
  records.raw.tables_checked = 1;
  return records;
}

struct Outcome {
  model::Findings found;
  // The findings of one check.
  std::vector<model::Finding> of(std::string_view id) const {
    std::vector<model::Finding> some;
    for (const auto& finding : found.findings)
      if (finding.id == id) some.push_back(finding);
    return some;
  }
  bool unchecked(std::string_view id) const {
    return std::any_of(found.unchecked.begin(), found.unchecked.end(), [&](const auto& item) { return item.id == id; });
  }
};

Outcome check(Records records) {
  Options options;
  options.cross_view = true;
  auto snapshot = reconstruct::reconstruct(std::move(records), options);
  REQUIRE(snapshot.cross_view);
  return {std::move(*snapshot.cross_view)};
}

}  // namespace

TEST_CASE("views of processes that agree give nothing") {
  const auto outcome = check(whole_records());
  CHECK(outcome.found.findings.empty());
  CHECK(outcome.found.unchecked.size() == 2);  // no table was dumped and listed
  CHECK(outcome.unchecked(model::kCheckViews));
  CHECK(outcome.unchecked(model::kCheckCounter));
}

TEST_CASE("without the views every check says that it was not made") {
  Records records = make_records();
  add_process(records, 50, 1, 100, {});
  const auto outcome = check(std::move(records));
  CHECK(outcome.found.findings.empty());
  for (const auto id : {model::kCheckHidden, model::kCheckListing, model::kCheckCount, model::kCheckThreads, model::kCheckParent, model::kCheckTable, model::kCheckViews}) {
    INFO(id);
    CHECK(outcome.unchecked(id));
  }
}

TEST_CASE("a process that answers and is not listed") {
  Records records = whole_records();
  records.raw.probe->unlisted = {{4711, false, 800, 20}, {4712, true, std::nullopt, 40}};
  const auto found = check(std::move(records)).of(model::kCheckHidden);
  REQUIRE(found.size() == 2);
  CHECK(found[0].level == model::FindingLevel::finding);
  CHECK(found[0].sentence.find("4711 answers to its number") != std::string::npos);
  CHECK(found[0].evidence[0].offset == 20u);
  CHECK(found[1].sentence.find("4712 is in a cgroup") != std::string::npos);
  CHECK(found[1].sentence.find("can't be opened by name") != std::string::npos);
}

TEST_CASE("a process that the mounted /proc lacks") {
  Records records = whole_records();
  auto& mounted = records.raw.listings[1];
  REQUIRE(mounted.mounted);
  mounted.pids = {1, 50};
  SECTION("and that was there before") {
    const auto found = check(std::move(records)).of(model::kCheckHidden);
    REQUIRE(found.size() == 1);
    CHECK(found[0].sentence.find("process 51") != std::string::npos);
    CHECK(found[0].processes == std::vector<std::uint32_t>{2});
  }
  SECTION("but may have begun between the two listings") {
    records.processes.at(51).stat->start_ticks = 999;  // its tick ends when the listing begins
    CHECK(check(std::move(records)).of(model::kCheckHidden).empty());
  }
  SECTION("of a listing that was cut nothing is concluded") {
    mounted.whole = false;
    CHECK(check(std::move(records)).of(model::kCheckHidden).empty());
  }
}

TEST_CASE("a parent that no listing has") {
  Records records = whole_records();
  for (auto& made : records.raw.listings) made.pids = {1, 51};
  SECTION("of a process that was there before") {
    const auto found = check(std::move(records)).of(model::kCheckParent);
    REQUIRE(found.size() == 1);
    CHECK(found[0].sentence.find("process 51 names 50 as its parent") != std::string::npos);
    CHECK(found[0].processes == std::vector<std::uint32_t>{1, 2});
  }
  SECTION("of one that began later: its parent may have, too") {
    records.processes.at(51).stat->start_ticks = 1001;
    CHECK(check(std::move(records)).of(model::kCheckParent).empty());
  }
  SECTION("parents outside of the pid namespace have no number") {
    records.processes.at(51).stat->ppid = 0;
    CHECK(check(std::move(records)).of(model::kCheckParent).empty());
  }
}

TEST_CASE("the kernel's count of processes") {
  Records records = whole_records();
  records.raw.counts[0].second = counts(4, 3);
  SECTION("where each file has a link, too") {
    records.raw.counts[0].second.links.before = records.raw.counts[0].second.links.after = 2 + 55 + 3;
    for (auto& listing : records.raw.listings) listing.fixed = 55;
    CHECK(check(std::move(records)).of(model::kCheckCount).empty());
  }
  SECTION("says one more than the listing") {
    const auto found = check(std::move(records)).of(model::kCheckCount);
    REQUIRE(found.size() == 1);
    CHECK(found[0].sentence == "the kernel counts 4 processes (links of /proc), its listing has 3");
  }
  SECTION("while processes come and go one pass is enough") {
    records.raw.counts[0].second.forks.after = 4571;
    const auto outcome = check(std::move(records));
    CHECK(outcome.of(model::kCheckCount).empty());
    CHECK_FALSE(outcome.unchecked(model::kCheckCount));
  }
  SECTION("and none is too few") {
    for (auto& [pass, one] : records.raw.counts) one.forks.after = 4571;
    const auto outcome = check(std::move(records));
    CHECK(outcome.of(model::kCheckCount).empty());
    CHECK(outcome.unchecked(model::kCheckCount));
  }
  SECTION("is of all pid namespaces") {
    records.capture.inner_pid_namespace = true;
    const auto outcome = check(std::move(records));
    CHECK(outcome.of(model::kCheckCount).empty());
    CHECK(outcome.unchecked(model::kCheckCount));
    CHECK(outcome.unchecked(model::kCheckThreads));
  }
}

TEST_CASE("the kernel's count of threads") {
  Records records = whole_records();
  for (auto& [pass, one] : records.raw.counts) one.threads.before = one.threads.after = 4;
  SECTION("says one more than the processes have") {
    const auto found = check(std::move(records)).of(model::kCheckThreads);
    REQUIRE(found.size() == 1);
    CHECK(found[0].sentence.find("counts 4 threads (loadavg), the processes have 3") != std::string::npos);
  }
  SECTION("not where one came or went between the listings") {
    records.raw.counts[1].second.forks.before = records.raw.counts[1].second.forks.after = 4600;
    const auto outcome = check(std::move(records));
    CHECK(outcome.of(model::kCheckThreads).empty());
    CHECK(outcome.unchecked(model::kCheckThreads));
  }
  SECTION("not where a process could not be read") {
    records.processes.at(51).stat.reset();
    const auto outcome = check(std::move(records));
    CHECK(outcome.of(model::kCheckThreads).empty());
    CHECK(outcome.unchecked(model::kCheckThreads));
  }
}

TEST_CASE("an entry that reaches over the next one, and bytes that the kernel would not have written") {
  Records records = whole_records();
  records.raw.listings[0].stretched.push_back({"50", 72, 48, "51"});
  records.raw.structure.push_back({"netns/1/proc/net/tcp", 300, "row 3 follows row 1", 2});
  const auto outcome = check(std::move(records));
  const auto entries = outcome.of(model::kCheckListing);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].sentence.find("it reaches over the entry of 51") != std::string::npos);
  CHECK(entries[0].processes == std::vector<std::uint32_t>{2});
  CHECK(entries[0].evidence[0].offset == 72u);
  CHECK(entries[0].evidence[0].begin_nsec == kListedAt);
  const auto tables = outcome.of(model::kCheckTable);
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].sentence == "netns/1/proc/net/tcp: row 3 follows row 1, and 2 more like it");
}

namespace {

using Inodes = std::vector<std::uint32_t>;

TableLook look(Inodes listed, Inodes dumped) {
  TableLook made;
  made.rows = listed.size();
  made.counter_before = made.counter_after = listed.size();
  made.listed = std::move(listed);
  made.dumped = std::move(dumped);
  made.listing = "netns/1/proc/net/tcp";
  made.dump = "netns/1/netlink/pass1/inet_diag-tcp.pcap";
  return made;
}

// TCP in one namespace: sockets 10 and 11 dumped, 10 and 12 listed; `rounds` times so.
Records differing_records(int rounds) {
  Records records = whole_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)));
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)), 2);
  add_proc_tcp(records, {row_of(tcp(10, 80, 1000, 0)), row_of(tcp(10, 82, 1002, 0))});
  records.raw.compared = records.raw.all_again = true;
  auto& looks = records.raw.tables[{kNetns, "tcp"}];
  looks.first = look({1000, 1002}, {1000, 1001});
  looks.again = looks.first.dumped;
  for (int round = 1; round <= rounds; ++round) looks.rounds[round] = looks.first;
  return records;
}

TableLooks& tcp_looks(Records& records) { return records.raw.tables.at({kNetns, "tcp"}); }

model::Finding only(const Outcome& outcome, std::string_view id) {
  const auto found = outcome.of(id);
  REQUIRE(found.size() == 1);
  return found[0];
}

}  // namespace

TEST_CASE("a table whose views differ, however often they are asked, is a finding that names the sockets") {
  const auto finding = only(check(differing_records(6)), model::kCheckViews);
  CHECK(finding.level == model::FindingLevel::finding);
  CHECK(finding.severity == model::Severity::high);
  CHECK(finding.sentence.find("1 socket is in both dumps and not in /proc/net, 1 socket is in /proc/net and in no dump") != std::string::npos);
  CHECK(finding.sockets.size() == 2);
  CHECK(finding.evidence.size() == 5);  // each socket, the table that lacks one, and the last look at both
}

TEST_CASE("a table that agreed when the capture compared it was altered since") {
  const auto finding = only(check(differing_records(0)), model::kCheckViews);
  CHECK(finding.level == model::FindingLevel::finding);
  CHECK(finding.sentence.find("they did not differ") != std::string::npos);
}

TEST_CASE("a difference that nobody looked at again is none yet") {
  Records records = differing_records(0);
  records.raw.all_again = false;
  SECTION("an archive of a version that did not compare") { records.raw.compared = false; }
  SECTION("a table that was too large") {}
  const auto finding = only(check(std::move(records)), model::kCheckViews);
  CHECK(finding.level == model::FindingLevel::difference);
  CHECK(finding.severity == model::Severity::info);
  CHECK_FALSE(finding.explanation.empty());
}

TEST_CASE("sockets that both views show when they are asked again were between two readings") {
  Records records = differing_records(3);
  SECTION("both appear in the other view") { tcp_looks(records).rounds[2] = look({1000, 1001, 1002}, {1000, 1001, 1002}); }
  SECTION("both are gone") { tcp_looks(records).rounds[3] = look({1000}, {1000}); }
  const auto finding = only(check(std::move(records)), model::kCheckViews);
  CHECK(finding.level == model::FindingLevel::explained);
  CHECK(finding.sockets.size() == 2);
}

TEST_CASE("one that is explained does not hide one that is not") {
  Records records = differing_records(6);
  tcp_looks(records).rounds[2].dumped = Inodes{1000, 1001, 1002};
  const auto finding = only(check(std::move(records)), model::kCheckViews);
  CHECK(finding.level == model::FindingLevel::finding);
  CHECK(finding.sentence.find("/proc/net and in no dump") == std::string::npos);
  REQUIRE(finding.sockets.size() == 1);
}

TEST_CASE("few rounds are enough where nothing else moves") {
  const auto level = [](Records records) { return only(check(std::move(records)), model::kCheckViews).level; };
  CHECK(level(differing_records(1)) == model::FindingLevel::difference);
  CHECK(level(differing_records(2)) == model::FindingLevel::finding);
  Records moving = differing_records(5);
  tcp_looks(moving).rounds[4].dumped = Inodes{1000, 1001, 1009};
  CHECK(level(std::move(moving)) == model::FindingLevel::difference);
}

TEST_CASE("a view that could not be read differs in nothing") {
  Records records = differing_records(6);
  SECTION("no listing") { tcp_looks(records).first.listed.reset(); }
  SECTION("no first dump") { tcp_looks(records).first.dumped.reset(); }
  SECTION("no second dump") { tcp_looks(records).again.reset(); }
  CHECK(check(std::move(records)).of(model::kCheckViews).empty());
}

TEST_CASE("the kernel's count of sockets against the rows") {
  Records records = differing_records(6);
  auto& looks = tcp_looks(records);
  const auto set = [&](std::uint64_t before, std::uint64_t after) {
    for (auto& [round, one] : looks.rounds) one.counter_before = before, one.counter_after = after;
  };
  looks.first.counter_before = 3;
  SECTION("always another") {
    set(3, 3);
    const auto finding = only(check(std::move(records)), model::kCheckCounter);
    CHECK(finding.level == model::FindingLevel::finding);
    CHECK(finding.sentence.find("the kernel counts 3, /proc/net has 2 rows to count") != std::string::npos);
    CHECK(finding.evidence[1].member == "netns/1/proc/net/sockstat");
  }
  SECTION("it agreed once") {
    set(3, 3);
    looks.rounds[4].counter_after = 2;
    CHECK(only(check(std::move(records)), model::kCheckCounter).level == model::FindingLevel::explained);
  }
  SECTION("it moved each time") {
    set(3, 4);
    CHECK(only(check(std::move(records)), model::kCheckCounter).level == model::FindingLevel::difference);
  }
  SECTION("the capture saw no difference") {
    looks.rounds.clear();
    CHECK(only(check(std::move(records)), model::kCheckCounter).level == model::FindingLevel::finding);
  }
  SECTION("the same number") {
    looks.first.counter_before = 2;
    CHECK(check(std::move(records)).of(model::kCheckCounter).empty());
  }
}

TEST_CASE("a mount over a process is told, whether or not the process could be read") {
  Records records = whole_records();
  records.own_mount_namespace = 7;
  records.processes.begin()->second.namespaces["mnt"] = 7;
  for (const char* point : {"/proc/51", "/proc/99"})
    reconstruct::add_mountinfo(records, 1, decode::decode_mountinfo(std::string("50 1 0:50 / ") + point + " rw - tmpfs x rw\n").rows);
  const auto found = check(std::move(records)).of(model::kCheckMountOver);
  REQUIRE(found.size() == 2);
  CHECK(found[0].processes == std::vector<std::uint32_t>{2});
  CHECK(found[1].processes.empty());
  CHECK(found[1].sentence.find("neither was this capture") != std::string::npos);
}

TEST_CASE("sockets in fd tables that nothing names") {
  Records records = whole_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 60, 1, 300, {{2003, 7}});
  const auto found = check(std::move(records)).of(model::kCheckHeld);
  REQUIRE(found.size() == 1);
  CHECK(found[0].sentence.starts_with("1 of 1 sockets in fd tables"));
}
