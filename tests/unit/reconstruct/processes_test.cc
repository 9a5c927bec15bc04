// Who the processes are: what each file says, what a living thread says for a leader that has exited.
#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;

TEST_CASE("start times count from the boot") {
  Records records = make_records();
  records.host.clk_tck = 100;
  add_process(records, 50, 1, 150, {});
  add_process(records, 51, 1, UINT64_MAX, {});
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.processes.at(0).start_realtime_nsec == 1'000'000'001'500'000'000);
  CHECK_FALSE(snapshot.processes.at(1).start_realtime_nsec);
}

TEST_CASE("a start time beyond 64 bits of nanoseconds is absent, whatever the archive claims of boot and ticks") {
  for (const auto& [boot, clk_tck, ticks] : {std::tuple{INT64_MAX, std::int64_t{100}, std::uint64_t{150}},
                                             std::tuple{std::int64_t{0}, std::int64_t{1}, std::uint64_t{20'000'000'000}},
                                             std::tuple{std::int64_t{0}, INT64_MAX, std::uint64_t{20'000'000'000}}}) {
    Records records = make_records();
    records.boot_realtime_nsec = boot;
    records.host.clk_tck = clk_tck;
    add_process(records, 50, 1, ticks, {});
    CHECK_FALSE(run(std::move(records)).processes.at(0).start_realtime_nsec);
  }
}

TEST_CASE("all that the files of a process say of it") {
  Records records = make_records();
  records.own_mount_namespace = 4026531841;
  records.host.clk_tck = 250;
  add_process(records, 50, 1, 150, {});
  auto& from = records.processes[50];
  from.stat->flags = 0x40;
  from.status = decode::decode_proc_pid_status(
      "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t50\t7\nCapPrm:\t1\nCapEff:\t2\nCapBnd:\t3\n");
  from.exe = "/memfd:x (deleted)";
  from.namespaces["mnt"] = 4026532000;
  CHECK(reconstruct::add_login_uid(records, 50, "1000"));
  CHECK(reconstruct::add_audit_session(records, 50, "4294967295\n"));
  CHECK_FALSE(reconstruct::add_login_uid(records, 50, "x"));
  CHECK_FALSE(reconstruct::add_audit_session(records, 50, ""));
  reconstruct::add_security_label(records, 50, "system_u:system_r:demo_t:s0\n\0"s);
  add_process(records, 51, 1, 150, {});
  reconstruct::add_security_label(records, 51, "\n");
  reconstruct::add_login_uid(records, 51, "4294967295");
  records.processes[51].exe = "/usr/bin/x (deleted)";
  records.processes[51].namespaces["mnt"] = 4026531841;
  const auto snapshot = run(std::move(records));
  const auto& process = snapshot.processes.at(0);
  CHECK(process.uid == 1u);
  CHECK(process.euid == 2u);
  CHECK(process.gid == 5u);
  CHECK(process.egid == 6u);
  CHECK(process.ns_pids == std::vector<std::int64_t>{50, 7});
  CHECK(process.capabilities_permitted == 1u);
  CHECK(process.capabilities_effective == 2u);
  CHECK(process.capabilities_bounding == 3u);
  CHECK(process.login_uid == 1000u);
  CHECK_FALSE(process.audit_session);
  CHECK(process.security_label == "system_u:system_r:demo_t:s0");
  CHECK(process.start_error_nsec == 4'000'000);
  CHECK(process.forked_only);
  CHECK(process.exe_deleted);
  CHECK(process.exe_memfd);
  CHECK(process.other_mount_namespace);
  const auto& other = snapshot.processes.at(1);
  CHECK_FALSE(other.security_label);
  CHECK_FALSE(other.login_uid);
  CHECK_FALSE(other.forked_only);
  CHECK(other.exe_deleted);
  CHECK_FALSE(other.exe_memfd);
  CHECK_FALSE(other.other_mount_namespace);
}

TEST_CASE("a process has the hash of the file that it executes, by pid and start") {
  const std::string hash(64, 'a');
  Records records = make_records();
  for (const std::int64_t pid : {50, 51, 52, 53}) add_process(records, pid, 1, 150, {});
  records.processes[50].exe = "/usr/bin/x";
  records.processes[51].exe = "/usr/bin/x";  // another process had this pid when the file was read
  records.processes[52].exe = "/usr/bin/y";  // it had executed another file by then
  records.processes[53].exe = "/usr/bin/x (deleted)";
  reconstruct::add_exe_hashes(records, {{hash, 50, 150, "/usr/bin/x", 0}, {hash, 51, 151, "/usr/bin/x", 0},
                                        {hash, 52, 150, "/usr/bin/x", 0}, {hash, 53, 150, "/usr/bin/x", 0}});
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.processes.at(0).exe_sha256 == hash);
  CHECK_FALSE(snapshot.processes.at(1).exe_sha256);
  CHECK_FALSE(snapshot.processes.at(2).exe_sha256);
  CHECK(snapshot.processes.at(3).exe_sha256 == hash);
}

TEST_CASE("a living thread says what its exited leader can't") {
  Records records = make_records();
  add_process(records, 50, 1, 100, {});
  auto& from = records.processes[50];
  from.stat->state = 'Z';
  from.stat->num_threads = 3;
  from.cmdline.emplace();
  from.threads[51].stat = decode::ProcPidStat{};
  from.threads[51].stat->state = 'Z';
  from.threads[51].exe = "/wrong";
  auto& thread = from.threads[52];
  thread.exe = "/usr/bin/demo";
  thread.cmdline = {"demo", "-x"};
  thread.cgroup = "/a.slice";
  thread.namespaces["net"] = kNetns + 1;
  thread.status = decode::decode_proc_pid_status("Uid:\t1\t2\t3\t4\n");
  const bool was_read = GENERATE(true, false);
  if (was_read) reconstruct::add_fds(records, {50, 52}, {}, 1);
  add_process(records, 60, 1, 100, {});  // a zombie and nothing else
  records.processes[60].stat->state = 'Z';
  records.processes[60].stat->num_threads = 1;
  records.processes[60].fds_seen = false;
  const auto snapshot = run(std::move(records));
  const auto& process = snapshot.processes.at(0);
  CHECK(process.zombie);
  CHECK(process.living_thread == 52);
  CHECK(process.comm == "p50");
  CHECK(process.exe == "/usr/bin/demo");
  CHECK(process.cmdline->size() == 2);
  CHECK(process.cgroup == "/a.slice");
  CHECK(process.uid == 1u);
  CHECK(process.namespaces.at("net") == kNetns + 1);
  CHECK(process.fds_readable == was_read);
  CHECK(snapshot.processes.at(1).fds_readable);
  CHECK_FALSE(snapshot.processes.at(1).living_thread);
}

TEST_CASE("a table of a thread that could not be read, and threads that could not be compared, are fds that were not seen") {
  struct Row {
    const char* source;
    base::OutcomeKind kind;
    std::string member;
    bool readable;
  };
  using base::OutcomeKind;
  for (const Row& row :
       {Row{"proc_pid_fd", OutcomeKind::denied, "", false}, Row{"proc_pid_task", OutcomeKind::timeout, "", false},
        Row{"proc_pid_fd", OutcomeKind::vanished, "", true}, Row{"proc_pid_link", OutcomeKind::denied, "", true},
        Row{"proc_pid_fd", OutcomeKind::denied, "proc/50/reused/fds", true}}) {
    INFO(row.source << ' ' << row.member);
    Records records = make_records();
    add_process(records, 50, 1, 100, {});
    model::Gap gap;
    gap.source = row.source;
    gap.kind = row.kind;
    gap.member = row.member;
    gap.pid = 50;
    gap.tid = 51;
    records.gaps.push_back(gap);
    CHECK(run(std::move(records)).processes.at(0).fds_readable == row.readable);
  }
}

TEST_CASE("a mount over /proc/PID in the collector's own mount namespace hides that process") {
  Records records = make_records();
  records.own_mount_namespace = 1;
  for (const std::int64_t pid : {50, 51, 52}) add_process(records, pid, 1, 100, {});
  records.processes[50].namespaces["mnt"] = 1;
  records.processes[51].namespaces["mnt"] = 2;
  const auto mount = [](const std::string& point) {
    return decode::decode_mountinfo("50 1 0:50 / " + point + " rw - tmpfs x rw\n").rows;
  };
  reconstruct::add_mountinfo(records, 50, mount("/proc/51/fd"));
  reconstruct::add_mountinfo(records, 50, mount("/proc/sys"));
  reconstruct::add_mountinfo(records, 50, mount("/proc/-52"));
  reconstruct::add_mountinfo(records, 51, mount("/proc/52"));
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.processes.at(0).mounted_over.empty());
  CHECK(snapshot.processes.at(1).mounted_over == "/proc/51/fd");
  CHECK(snapshot.processes.at(2).mounted_over.empty());
}
