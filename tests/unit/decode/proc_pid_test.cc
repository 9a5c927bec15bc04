#include "decode/proc_pid.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

std::string summary(const ProcPidStat& stat) {
  std::ostringstream out;
  out << stat.pid << " [" << stat.comm << "] " << stat.state << ' ' << stat.ppid << ' ' << stat.pgrp << ' '
      << stat.session << ' ' << stat.tty_nr << ' ' << stat.flags << ' ' << stat.num_threads << ' '
      << stat.start_ticks;
  return out.str();
}

std::string summary(const ProcPidStatus& status) {
  std::ostringstream out;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << *value;
  };
  put("name", status.name), put("tgid", status.tgid), put("ppid", status.ppid),
      put("tracer", status.tracer_pid);
  if (status.uids) out << " uid=" << (*status.uids)[0] << ',' << (*status.uids)[1];
  if (status.gids) out << " gid=" << (*status.gids)[2] << ',' << (*status.gids)[3];
  for (const auto pid : status.ns_pids) out << " nspid=" << pid;
  put("threads", status.threads), put("kthread", status.kernel_thread),
      put("permitted", status.capabilities_permitted), put("cap", status.capabilities_effective),
      put("bounding", status.capabilities_bounding);
  return out.str();
}

}  // namespace

TEST_CASE("/proc/PID/stat of a process, a kernel thread, an odd name") {
  const auto process = decode_proc_pid_stat(read_fixture("proc_pid_stat"));
  REQUIRE(process.has_value());
  CHECK(process->comm == "python3");
  CHECK(process->state == 'R');
  CHECK(process->num_threads == 1);
  CHECK(process->start_ticks > 100000);

  const auto kernel = decode_proc_pid_stat(read_fixture("proc_pid_stat-kthread"));
  REQUIRE(kernel.has_value());
  CHECK(summary(*kernel) == "2 [kthreadd] S 0 0 0 0 2129984 1 10");
  CHECK((kernel->flags & 0x00200000) != 0);

  const auto odd = decode_proc_pid_stat(read_fixture("proc_pid_stat-odd_comm"));
  REQUIRE(odd.has_value());
  CHECK(odd->comm == "a) R\n\x1b[\xff");
  CHECK(odd->state == 'S');
  CHECK(odd->ppid == process->pid);
}

TEST_CASE("comm may hold anything") {
  for (const std::string& comm : {""s, ")"s, "("s, ") S 1 ("s, "a\nb"s, "\x1b[31m"s, "\xff"s, "\0"s, "x (y)"s,
                                  std::string(5000, 'x'), "1 (x) S 2 3"s}) {
    const auto stat = decode_proc_pid_stat("7 (" + comm +
                                           ") Z 1 2 3 -4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22\n");
    REQUIRE(stat.has_value());
    CHECK(stat->comm == comm);
    CHECK(stat->tty_nr == -4);
    CHECK(stat->flags == 6);
    CHECK(stat->num_threads == 17);
    CHECK(stat->start_ticks == 19);
  }
}

TEST_CASE("each corrupted field of stat is an error") {
  struct Row {
    const char* from;
    const char* to;
    const char* error;
  };
  const std::string good = "7 (demo) S 1 2 3 34816 -1 4194560 t t t t t t t t t t 77 t 88 1000 2000\n";
  REQUIRE(decode_proc_pid_stat(good).has_value());
  CHECK(summary(*decode_proc_pid_stat(good)) == "7 [demo] S 1 2 3 34816 4194560 77 88");
  for (const Row& row : {
           Row{"7 (", "x (", "stat: expected a decimal pid and \" (\", found 1 byte (78); nothing kept"},
           Row{"7 (", " (", "stat: expected a decimal pid and \" (\", found nothing; nothing kept"},
           Row{" (demo)", "", "stat: expected a decimal pid and \" (\", found 16 bytes"},
           Row{"demo)", "demo", "stat: expected comm to end with ')', found"},
           Row{" S ", " SS ",
               "stat: expected field 3 as proc(5) has it, found 2 bytes (53 53); nothing kept"},
           Row{" S ", " \x1b ", "stat: expected field 3 as proc(5) has it, found 1 byte (1b); nothing kept"},
           Row{" 1 2 3 ", " x 2 3 ",
               "stat: expected field 4 as proc(5) has it, found 1 byte (78); nothing kept"},
           Row{" 1 2 3 ", " 1 x 3 ", "stat: expected field 5 as"},
           Row{" 1 2 3 ", " 1 2 x ", "stat: expected field 6 as"},
           Row{"34816", "3.5", "stat: expected field 7 as"},
           Row{"4194560", "-1", "stat: expected field 9 as"},
           Row{" 77 ", " 77x ", "stat: expected field 20 as"},
           Row{" 88 ", " 18446744073709551616 ", "stat: expected field 22 as"},
           Row{" t 88 1000 2000", "",
               "stat: expected field 21 as proc(5) has it, found nothing; nothing kept"},
       }) {
    INFO(row.from << " -> " << row.to);
    const std::string bytes = replaced(good, row.from, row.to);
    const auto stat = decode_proc_pid_stat(bytes);
    REQUIRE_FALSE(stat.has_value());
    if (std::string_view(row.error) == "stat: expected a decimal pid and \" (\", found 16 bytes") {
      CHECK(stat.error().message.find("expected a decimal pid") != std::string::npos);
    } else {
      CHECK(stat.error().message.substr(0, std::string_view(row.error).size()) == row.error);
    }
  }
}

TEST_CASE("every prefix of stat is an error, or the whole of what is read") {
  for (const char* name : {"proc_pid_stat", "proc_pid_stat-kthread"}) {
    const std::string bytes = read_fixture(name);
    const auto whole = decode_proc_pid_stat(bytes);
    REQUIRE(whole.has_value());
    std::string start = std::to_string(whole->start_ticks);
    start += ' ';
    const std::size_t enough = bytes.find(start) + start.size();
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const auto stat = decode_proc_pid_stat(std::string_view(bytes).substr(0, size));
      REQUIRE(stat.has_value() == (size >= enough));
      if (stat) REQUIRE(summary(*stat) == summary(*whole));
    }
  }
  // With a ')' in comm a prefix may end inside it: no field follows there, or no number.
  const std::string odd = read_fixture("proc_pid_stat-odd_comm");
  for (std::size_t size = 0; size < odd.find(" 0 -1 "); ++size) {
    REQUIRE_FALSE(decode_proc_pid_stat(std::string_view(odd).substr(0, size)).has_value());
  }
}

TEST_CASE("/proc/PID/status of a process, a kernel thread, an odd name") {
  const auto process = decode_proc_pid_status(read_fixture("proc_pid_status"));
  CHECK(process.problems.empty());
  CHECK(process.name == "python3");
  REQUIRE(process.uids);
  CHECK((*process.uids)[0] == 0);
  CHECK(process.gids);
  CHECK(process.threads == 1);
  CHECK(process.tracer_pid == 0);
  CHECK(process.kernel_thread == false);
  CHECK(process.capabilities_effective == 0x1fffeffffffu);
  CHECK(process.capabilities_permitted == 0x1fffeffffffu);
  CHECK(process.capabilities_bounding == 0x1fffeffffffu);
  REQUIRE(process.ns_pids.size() == 1);
  CHECK(process.ns_pids[0] == process.tgid);

  const auto kernel = decode_proc_pid_status(read_fixture("proc_pid_status-kthread"));
  CHECK(kernel.problems.empty());
  CHECK(kernel.kernel_thread == true);
  CHECK(kernel.name == "kthreadd");

  const auto odd = decode_proc_pid_status(read_fixture("proc_pid_status-odd_comm"));
  CHECK(odd.problems.empty());
  CHECK(odd.name == "a) R\\n\x1b[\xff");
}

TEST_CASE("status: what isn't there is absent, each corrupted line costs itself") {
  struct Row {
    const char* what;
    std::string text, read, problem;
  };
  for (const Row& row : {
           Row{"nothing", "", "", ""},
           Row{"unknown keys", "Later:\t1\nName:\tx\n", " name=x", ""},
           Row{"blanks in a name", "Name:\t x y \n", " name= x y ", ""},
           Row{"a name with a colon", "Name:\tUid:\t0\n", " name=Uid:\t0", ""},
           Row{"nested namespaces", "NSpid:\t80\t7\t1\n", " nspid=80 nspid=7 nspid=1", ""},
           Row{"ids", "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t4294967295\n", " uid=1,2 gid=7,4294967295", ""},
           Row{"pid", "Tgid:\t1x\nPPid:\t2\n", " ppid=2",
               "Tgid: expected a decimal number, found 2 bytes (31 78); left out"},
           Row{"parent", "PPid:\t\nThreads:\t2\n", " threads=2",
               "PPid: expected a decimal number, found nothing; left out"},
           Row{"tracer", "TracerPid:\t1 2\n", "",
               "TracerPid: expected a decimal number, found 3 bytes (31 20 32); left out"},
           Row{"three uids", "Uid:\t1\t2\t3\n", "",
               "Uid: expected four decimal numbers, found 5 bytes (31 09 32 09 33); left out"},
           Row{"five gids", "Gid:\t1\t2\t3\t4\t5\n", "",
               "Gid: expected four decimal numbers, found 9 bytes (31 09 32 09 33 09 34 09 35); left out"},
           Row{"negative uid", "Uid:\t-1\t2\t3\t4\n", "",
               "Uid: expected four decimal numbers, found 8 bytes (2d 31 09 32 09 33 09 34); left out"},
           Row{"NSpid", "NSpid:\t1\tx\n", "",
               "NSpid: expected 1 to 33 decimal numbers, found 3 bytes (31 09 78); left out"},
           Row{"empty NSpid", "NSpid:\t\n", "",
               "NSpid: expected 1 to 33 decimal numbers, found nothing; left out"},
           Row{"Threads", "Threads:\tmany\n", "",
               "Threads: expected a decimal number, found 4 bytes (6d 61 6e 79); left out"},
           Row{"Kthread", "Kthread:\t2\n", "", "Kthread: expected 0 or 1, found 1 byte (32); left out"},
           Row{"CapEff", "CapEff:\t0x1\n", "",
               "CapEff: expected a hex number, found 3 bytes (30 78 31); left out"},
           Row{"CapPrm", "CapPrm:\t\nCapBnd:\tff\n", " bounding=255",
               "CapPrm: expected a hex number, found nothing; left out"},
           Row{"CapBnd", "CapPrm:\tff\nCapBnd:\t-1\n", " permitted=255",
               "CapBnd: expected a hex number, found 2 bytes (2d 31); left out"},
           Row{"twice", "PPid:\t1\nPPid:\t2\n", " ppid=1",
               "PPid: expected once, found again; the first is kept"},
           Row{"no colon", "\x1b\nPPid:\t1\n", " ppid=1",
               "expected a key and ':', found 1 byte (1b); line skipped"},
           Row{"cut", "PPid:\t1\nTgid:\t2", " ppid=1",
               "expected a newline at the end of the file, found 7 bytes (54 67 69 64 3a 09 32); last line "
               "skipped"},
       }) {
    INFO(row.what);
    const auto status = decode_proc_pid_status(row.text);
    CHECK(summary(status) == row.read);
    CHECK(first_message(status.problems) == row.problem);
    CHECK(status.problems.total == (row.problem.empty() ? 0 : 1));
  }
  std::string deep = "NSpid:";
  for (int i = 0; i < 34; ++i) deep += "\t1";
  CHECK(decode_proc_pid_status(deep + "\n").ns_pids.empty());
}

TEST_CASE("every prefix of status has a part of its lines") {
  const std::string bytes = read_fixture("proc_pid_status");
  const std::string whole = summary(decode_proc_pid_status(bytes));
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto status = decode_proc_pid_status(std::string_view(bytes).substr(0, size));
    const bool at_boundary = size == 0 || bytes[size - 1] == '\n';
    REQUIRE(status.problems.empty() == at_boundary);
    std::istringstream words(summary(status));
    for (std::string word; words >> word;) REQUIRE(whole.find(" " + word) != std::string::npos);
  }
}

TEST_CASE("/proc/PID/cgroup: v1, v2 and hybrid") {
  const auto hybrid = decode_proc_pid_cgroup(read_fixture("proc_pid_cgroup"));
  CHECK(hybrid.problems.empty());
  REQUIRE(hybrid.rows.size() == 10);
  CHECK(hybrid.rows[0].hierarchy == 9);
  CHECK(hybrid.rows[0].controllers == "name=systemd");
  CHECK(hybrid.rows[0].path == "/");
  CHECK(hybrid.rows[9].hierarchy == 0);
  CHECK(hybrid.rows[9].controllers.empty());
  CHECK(decode_proc_pid_cgroup(read_fixture("proc_pid_cgroup-v2root")).rows.at(0).path == "/");

  struct Row {
    const char* line;
    const char* path;  // null: a problem
  };
  for (const Row& row : {Row{"0::/a:b c (deleted)", "/a:b c (deleted)"}, Row{"0::", ""}, Row{"x::/", nullptr},
                         Row{":: /", nullptr}, Row{"0:/", nullptr}, Row{"", nullptr}, Row{"-1::/", nullptr},
                         Row{"4294967296::/", nullptr}}) {
    INFO(row.line);
    const auto decoded = decode_proc_pid_cgroup(row.line + "\n1:cpu:/last\n"s);
    CHECK(decoded.problems.total == (row.path ? 0 : 1));
    REQUIRE(decoded.rows.size() == (row.path ? 2 : 1));
    if (row.path) CHECK(decoded.rows[0].path == row.path);
    CHECK(decoded.rows.back().path == "/last");
  }

  const std::string bytes = read_fixture("proc_pid_cgroup");
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_proc_pid_cgroup(std::string_view(bytes).substr(0, size));
    REQUIRE(decoded.problems.empty() == (size == 0 || bytes[size - 1] == '\n'));
    for (std::size_t i = 0; i < decoded.rows.size(); ++i)
      REQUIRE(decoded.rows[i].path == hybrid.rows[i].path);
  }

  std::string many;
  for (int i = 0; i < 5000; ++i) many += "0::/\n";
  const auto limited = decode_proc_pid_cgroup(many);
  CHECK(limited.rows.size() == 4096);
  CHECK(limited.problems.total == 1);
}

TEST_CASE("/proc/PID/cmdline: arguments, and what a process made of them") {
  using Arguments = std::vector<std::string>;
  const std::string bytes = read_fixture("proc_pid_cmdline");
  const Arguments whole{"/usr/bin/python3", "demo.py", "out"};
  CHECK(decode_proc_pid_cmdline(bytes) == whole);
  CHECK(decode_proc_pid_cmdline("").empty());
  CHECK(decode_proc_pid_cmdline("sshd: demo [priv]") == Arguments{"sshd: demo [priv]"});
  CHECK(decode_proc_pid_cmdline("\0"s) == Arguments{""});
  CHECK(decode_proc_pid_cmdline("a\0\0b\n\xff\0"s) == Arguments{"a", "", "b\n\xff"});
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto arguments = decode_proc_pid_cmdline(std::string_view(bytes).substr(0, size));
    REQUIRE(arguments.size() <= whole.size());
    for (std::size_t i = 0; i < arguments.size(); ++i) REQUIRE(whole[i].starts_with(arguments[i]));
  }
  const auto limited = decode_proc_pid_cmdline(std::string(200000, '\0'));
  REQUIRE(limited.size() == 131072);
  CHECK(limited.back().size() == 200000 - 131071);
}
