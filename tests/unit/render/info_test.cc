#include "render/info.h"

#include <algorithm>

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;

namespace {

model::AccountLine table(std::uint32_t netns, std::string name, std::optional<std::uint64_t> dumped,
                         std::optional<std::uint64_t> listed) {
  model::AccountLine line;
  line.netns = netns;
  line.table = std::move(name);
  line.dumped = dumped;
  line.listed = listed;
  line.both = std::min(dumped.value_or(0), listed.value_or(0));
  return line;
}

model::Gap gap_of(base::OutcomeKind kind, std::string source, std::string member, std::string detail, int error) {
  model::Gap gap;
  gap.kind = kind;
  gap.source = std::move(source);
  gap.member = std::move(member);
  gap.detail = std::move(detail);
  gap.errno_number = error;
  return gap;
}

std::string from(const std::string& text, std::string_view begin) {
  const auto at = text.find(begin);
  return at == std::string::npos ? "" : text.substr(at);
}

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("info: namespaces, the account, where the tables came from") {
  auto snapshot = scene();
  snapshot.namespaces.push_back({4026532000, "blue", "mounted on /run/netns/blue", false});
  snapshot.namespaces.push_back({4026532001, "", "process 12", false});
  for (auto line : {table(0, "tcp", 1, 1), table(0, "tcp6", 0, 0), table(0, "mptcp", 0, {}), table(0, "icmp", {}, 2)})
    snapshot.account.push_back(line);
  auto line = table(0, "unix", 40, 42);
  line.counter = 42;
  line.countable = 42;
  line.explained = {"2 not yet accepted: no dump has them"};
  snapshot.account.push_back(line);
  snapshot.account.push_back(table(1, "tcp", 2, 2));
  line = table(2, "udp", {}, 3);
  line.counter = 4;
  line.countable = 3;
  line.unexplained = 1;
  snapshot.account.push_back(line);
  snapshot.held = {10, 9, {"1 went"}, 0};
  snapshot.gaps.push_back(gap_of(base::OutcomeKind::not_loaded, "vsock_diag", "",
                                 "vsock_diag: asking would make the kernel look for the module vsock_diag", 0));
  CHECK(from(render::render_info(snapshot), "\nNamespaces") ==
        "\nNamespaces: inode, sockets, name, how it was found\n"
        "  4026531840        1   own, collector\n"
        "  4026532000        0   blue, mounted on /run/netns/blue\n"
        "  4026532001        0   -, process 12\n"
        "\n"
        "Account: each table's dump against its file and against the kernel's counters: UNEXPLAINED 1\n"
        "  own (4026531840)\n"
        "    3 tables balance: tcp 1, 2 empty; one view only: icmp 2\n"
        "    unix: 40 dumped, 42 listed, 40 in both, the kernel counts 42 of 42 here; 2 not yet accepted: no dump "
        "has them\n"
        "  4026532001\n"
        "    UNEXPLAINED 1: udp: not dumped, 3 listed, the kernel counts 4 of 3 here\n"
        "  blue (4026532000)\n"
        "    1 table balances: tcp 2\n"
        "\n"
        "Held sockets: 10 in fd tables, 9 of them in tables; 1 went\n"
        "\n"
        "Where the tables of the host's own namespace came from\n"
        "  netlink and /proc/net: tcp, tcp6, unix\n"
        "  /proc/net only; netlink has no such table: icmp\n"
        "  netlink only; /proc/net has no such file: mptcp\n"
        "  nowhere; netlink: not loaded; /proc/net has no such file: vsock\n"
        "\n"
        "Gaps\n"
        "  1 not-loaded: vsock_diag, vsock_diag: asking would make the kernel look for the module vsock_diag\n");
}

TEST_CASE("info: whose the sockets are, and how far the processes could be read") {
  const auto part = [](const model::Snapshot& snapshot) {
    const auto text = from(render::render_info(snapshot), "\nOwners");
    return text.substr(0, text.find("\n\n", 1) + 1);
  };
  auto snapshot = scene();
  CHECK(part(snapshot) ==
        "\nOwners of the sockets of all namespaces: 1 of 1 have a certain one\n"
        "  No certain one, because: unexplained 0\n"
        "  Held by way of: fd 1\n"
        "  Fd tables: 2 of 2 processes read\n");
  const auto add = [&](std::uint32_t netns) -> model::Socket& {
    snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80));
    snapshot.sockets.back().netns = netns;
    return snapshot.sockets.back();
  };
  using model::OwnerlessCode;
  for (const auto code : {OwnerlessCode::time_wait, OwnerlessCode::request, OwnerlessCode::orphan, OwnerlessCode::kernel,
                          OwnerlessCode::unreadable, OwnerlessCode::gone, OwnerlessCode::other_pid_namespace,
                          OwnerlessCode::kernel, OwnerlessCode::unexplained})
    add(0).ownerless_reason = model::OwnerlessReason{code, ""};
  add(0);  // neither an owner nor a reason
  const auto hold = [&](std::uint32_t netns, model::Via via, model::Certainty certainty) -> model::Socket& {
    auto& socket = add(netns);
    for (const std::uint32_t process : {0u, 1u}) {
      auto held = owner(process, {3});
      held.via = via;
      held.certainty = certainty;
      if (via == model::Via::thread_fd) held.tid = 82 + process;
      socket.owners.push_back(std::move(held));
    }
    return socket;
  };
  snapshot.namespaces.push_back({0, "", "", false, true});
  hold(0, model::Via::thread_fd, model::Certainty::certain);
  hold(1, model::Via::io_uring, model::Certainty::certain);
  hold(1, model::Via::mmap, model::Certainty::probable);
  hold(0, model::Via::in_flight, model::Certainty::possible).ownerless_reason =
      model::OwnerlessReason{OwnerlessCode::gone, ""};
  hold(0, model::Via::listener, model::Certainty::certain);
  const auto hostile = "a) R 1\x1b[2J\n\xe2\x80\xae\xff\tx"s;
  snapshot.processes[0].fds_readable = false;
  snapshot.processes[1].comm = hostile;
  snapshot.processes[1].mounted_over = "/proc/" + hostile;
  CHECK(part(snapshot) ==
        "\nOwners of the sockets of all namespaces: 4 of 16 have a certain one\n"
        "  2 sockets with probable or possible owners only\n"
        "  No certain one, because: time-wait 1, request 1, orphan 1, kernel 2, unreadable 1, gone 2, "
        "other-pid-namespace 1, unexplained 2\n"
        "  Held by way of: fd 1, thread-fd 1, io_uring 1, mmap 1, in-flight 1, listener 1\n"
        "  Fd tables: 1 of 2 processes read; not read, or not whole: python3[80]\n"
        "  2 threads with sockets in an fd table of their own\n"
        "  Hidden by mounts over their /proc entries: a) R 1\\x1b[2J\\x0a\\u{202e}\\xff\\x09x[81] "
        "(/proc/a) R 1\\x1b[2J\\x0a\\u{202e}\\xff\\x09x)\n"
        "  2 sockets in fd tables only: in no table of any namespace, so the namespace is not known\n");
  for (int pid = 1000; pid < 3500; ++pid) {
    snapshot.processes.push_back(process(pid, "x"));
    snapshot.processes.back().fds_readable = false;
    snapshot.processes.back().mounted_over = "/proc";
  }
  CHECK(part(snapshot).find("  Fd tables: 1 of 2502 processes read; not read, or not whole: python3[80], x[1000], ") !=
        std::string::npos);
  CHECK(part(snapshot).find(", x[1010] and 2,489 more\n") != std::string::npos);
  CHECK(part(snapshot).find(", x[1010] (/proc) and 2,489 more\n") != std::string::npos);
}

TEST_CASE("info: why a table has one view only") {
  auto snapshot = test::snapshot();
  const auto origin = [&](model::AccountLine line) {
    snapshot.account.clear();
    snapshot.account.push_back(std::move(line));
    const auto text = from(render::render_info(snapshot), "came from\n");
    const auto begin = text.find("  ") + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  CHECK(origin(table(0, "udp", {}, 1)) == "/proc/net only; netlink: not asked: udp");
  auto gap = gap_of(base::OutcomeKind::unsupported, "inet_diag", "netns/4026531840/netlink/pass1/inet_diag-udp4.pcap",
                    "", 2);
  gap.netns = 4026531840;
  snapshot.gaps = {gap};
  CHECK(origin(table(0, "udp", {}, 1)) == "/proc/net only; netlink: unsupported (ENOENT): udp");
  snapshot.gaps[0].netns = 4026532000;  // another namespace's
  CHECK(origin(table(0, "udp", {}, 1)) == "/proc/net only; netlink: not asked: udp");
  CHECK(origin(table(0, "udp", 1, {})) == "netlink only; /proc/net: no file: udp");
  snapshot.gaps = {gap_of(base::OutcomeKind::denied, "proc_net", "netns/4026531840/proc/net/udp", "", 13)};
  CHECK(origin(table(0, "udp", 1, {})) == "netlink only; /proc/net: denied (EACCES): udp");
  CHECK(origin(table(0, "new\x1b", 1, 1)) == "netlink and /proc/net: new\\x1b");
}

TEST_CASE("info: a thousand namespaces are some lines") {
  auto snapshot = test::snapshot();
  constexpr std::uint64_t kFirst = 4026532000;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    snapshot.namespaces.push_back({kFirst + i, "", "process " + std::to_string(i), false});
    for (const auto* name : {"tcp", "udp", "unix"}) snapshot.account.push_back(table(i, name, 1, 1));
    auto gap = gap_of(base::OutcomeKind::denied, "proc_net",
                      "netns/" + std::to_string(kFirst + i) + "/proc/net/tcp", "", 13);
    gap.netns = kFirst + i;
    snapshot.gaps.push_back(gap);
    gap.source = "netns_list";
    gap.detail = "net:[" + std::to_string(kFirst + i) + "] can't be entered";
    snapshot.gaps.push_back(gap);
    if (i > 900) continue;
    snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80));
    snapshot.sockets.back().netns = i;
  }
  snapshot.account[2700].unexplained = 2;
  const auto text = render::render_info(snapshot);
  CHECK(lines(text) < 100);
  CHECK(text.find("  and 981 more with 881 sockets, 100 of them without any; all in --format json\n") !=
        std::string::npos);
  CHECK(text.find("counters: UNEXPLAINED 2\n  4026532901\n    2 tables balance: udp 1, unix 1\n"
                  "    UNEXPLAINED 2: tcp: 1 dumped, 1 listed, 1 in both\n") != std::string::npos);
  CHECK(text.find("  and 980 more namespaces with 2940 tables: all balance; each in --format json\n") !=
        std::string::npos);
  CHECK(from(text, "\nGaps") ==
        "\nGaps\n"
        "  1000 denied: netns_list, net:[INODE] can't be entered (EACCES), in 1000 namespaces\n"
        "  1000 denied: proc_net, proc/net/tcp (EACCES), in 1000 namespaces\n");
  snapshot.gaps.resize(1);
  CHECK(from(render::render_info(snapshot), "\nGaps") ==
        "\nGaps\n  1 denied: proc_net, proc/net/tcp (EACCES), in namespace 4026532001\n");
}

TEST_CASE("info: hostile names, indexes that lead nowhere, and gaps without end") {
  auto snapshot = scene();
  const auto hostile = "\x1b[2J\n\xe2\x80\xae\xff\tx"s;
  snapshot.host.nodename = snapshot.host.kernel = hostile;
  snapshot.namespaces.push_back({7, hostile, hostile, false});
  auto line = table(1, hostile, 1, 2);
  line.explained = {hostile};
  snapshot.account = {line, table(99, hostile, 1, 1), table(0, hostile, 1, 1)};
  snapshot.held = {1, 0, {hostile}, 1};
  for (int i = 0; i < 1000; ++i)
    snapshot.gaps.push_back(gap_of(base::OutcomeKind::cut, hostile, "", hostile + std::to_string(i), 0));
  snapshot.gaps[0].netns = 0;
  snapshot.gaps[1].netns = 12345;
  snapshot.problems.push_back({hostile, 1, hostile});
  snapshot.sockets[0].netns = 99;
  const auto text = render::render_info(snapshot);
  CHECK(std::none_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f || c == 0xff; }));
  CHECK(text.find("\xe2\x80\xae") == std::string::npos);
  CHECK(lines(text) < 260);
  CHECK(text.find("  and 800 more kinds; all in --format json\n") != std::string::npos);
  CHECK(text.find("; UNEXPLAINED 1\n") != std::string::npos);
  CHECK(render::render_info({}).find("Account") == std::string::npos);
}

TEST_CASE("the case comes first, then whose machine it is, who took the snapshot, and how good its clock was") {
  model::Snapshot snapshot;
  snapshot.users[1000] = "nother\x1b";
  auto& capture = snapshot.capture;
  capture.case_fields = {{"rack", "b4"}, {"notes", "two\nlines"}, {"number", "17"}, {"examiner", "A"}};
  snapshot.host.nodename = "web1";
  capture.begin_boottime_nsec = (2 * 86400 + 3 * 3600 + 4 * 60 + 5) * 1'000'000'000LL + 6;
  capture.collector_executable = "/dev/shm/s";
  capture.collector_uid = 0;
  capture.collector_capabilities = "000001ffffffffff";
  capture.collector_session = 4711;
  capture.collector_terminal = 136 << 8 | 3;
  capture.collector_login_uid = 1000;
  capture.collector_audit_session = 9;
  capture.begin_clock = model::ClockSync{true, 12'000, 300, 37};
  capture.end_clock = model::ClockSync{};
  const std::string text = render::render_info(snapshot);
  CHECK(text.starts_with("Case          17\nExaminer      A\nNotes         two\\x0alines\nCase          rack: b4\nHost          web1\n"));
  CHECK(text.find("Uptime        2 d 03:04:05\n") != std::string::npos);
  CHECK(text.find("Executable    /dev/shm/s\nRun as        uid 0, capabilities 000001ffffffffff\n") != std::string::npos);
  CHECK(text.find("Login         uid 1000 (nother\\x1b), audit session 9, session 4711, terminal pts/3\n") != std::string::npos);
  CHECK(text.find("Clock         synchronized, error estimated 0.3 ms, at most 12.0 ms, TAI is UTC + 37 s; at the end: not synchronized\n") !=
        std::string::npos);
  // As of an archive that has none of it.
  const std::string old = render::render_info({});
  for (const char* label : {"Case", "Uptime", "Login", "Clock", "Executable"}) CHECK(old.find(label) == std::string::npos);
  for (const auto& [device, name] : {std::pair{4 << 8 | 1, "tty1"}, {143 << 8 | 255, "pts/2047"}, {4 << 8 | 64, "4:64"}, {0x100000 | 5 << 8, "5:256"}}) {
    capture.collector_terminal = device;
    CHECK(render::render_info(snapshot).find(std::string("terminal ") + name + "\n") != std::string::npos);
  }
}
