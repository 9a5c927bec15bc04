"""Every option of every command: what it does, and what is said to a value that it can't have. Beside the tests of
what a capture holds and what the views show, which use -o, -t -u -w -x -a -n -p -e -l, --as, --explain and --format."""

import csv
import ctypes
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys

from support import sandbox, zstd_frames
from support.ssnap import SSNAP, analyze_json, certain_owners, sockets_of, ssnap

# The commands and the long names of their options (`--help` of `analyze` for each tool).
HELP = {
    ("capture",): "output case netns pid level threads read-timeout timeout max-size sha256-file force allow-module-load include-environ include-secrets exe-hashes "
                  "quiet verbose progress help",
    ("analyze",): "tcp udp raw dccp sctp mptcp unix packet vsock xdp tipc family query socket ipv4 ipv6 all listening bound-inactive "
                  "numeric processes threads extended options memory info bpf tos cgroup inet-sockopt summary oneline no-header "
                  "no-queues as explain format fields tree pairs findings rules list-rules netns count expect live byte-order help",
    ("analyze", "--as", "ss"): "tcp udp raw dccp sctp mptcp unix packet vsock xdp tipc family query socket ipv4 ipv6 all listening "
                               "numeric processes threads extended options memory info bpf tos cgroup inet-sockopt tipcinfo summary "
                               "oneline no-header as explain format fields tree pairs findings rules list-rules netns count expect live byte-order help",
    ("analyze", "--as", "netstat"): "tcp udp udplite sctp raw unix ipv4 ipv6 all listening numeric processes extended timers wide "
                                    "groups interfaces route statistics numeric-hosts numeric-ports numeric-users symbolic fib "
                                    "verbose as explain format fields tree pairs findings rules list-rules netns count expect live byte-order help",
    ("analyze", "--as", "lsof"): "tcp udp unix ipv4 ipv6 numeric as explain format fields tree pairs findings rules list-rules netns count expect live byte-order help",
    ("diff",): "tcp udp raw dccp sctp mptcp unix packet vsock xdp tipc family query socket ipv4 ipv6 all listening bound-inactive "
               "numeric processes threads no-header noise exit-code format netns byte-order help",
    ("extract",): "directory netns help",
    ("info",): "byte-order help",
    ("verify",): "help",
    ("man",): "help",
    ("completion",): "help",
}

# What is no command line, and a word of what is said about it.
WRONG = [
    ((), "--help"),
    (("wrong",), "'wrong'"),
    (("--wrong",), "'--wrong'"),
    (("capture", "--wrong"), "--wrong"),
    (("capture", "--out=x"), "--out"),  # no guessing of what it begins
    (("capture", "-z"), "-z"),
    (("capture", "word"), "capture --help"),
    (("capture", "-o"), "--output"),
    (("capture", "--case"), "--case"),
    (("capture", "--case", "no-value"), "'no-value'"),
    (("capture", "--case", "=value"), "'=value'"),
    (("capture", "--case", "a=1", "--case", "a=2"), "'a' twice"),
    (("capture", "--pid", "init"), "'init'"),
    (("capture", "--timeout", "0"), "--timeout takes seconds"),
    (("capture", "--timeout", "-1"), "--timeout"),
    (("capture", "--timeout", "1."), "'1.'"),
    (("capture", "--timeout", "1e3"), "'1e3'"),
    (("capture", "--timeout", "soon"), "'soon'"),
    (("capture", "--timeout", "99999999999"), "'99999999999'"),
    (("capture", "--max-size", "0"), "--max-size takes bytes"),
    (("capture", "--max-size", "1T"), "'1T'"),
    (("capture", "--max-size", "K"), "'K'"),
    (("capture", "--max-size", "99999999999G"), "'99999999999G'"),
    (("capture", "--max-size", "100"), "too little for any archive here, which takes"),
    (("capture", "-o", "-", "--sha256-file"), "--sha256-file"),
    (("capture", "--netns", "some"), "'some'"),
    (("capture", "--level", "0"), "--level"),
    (("capture", "--level", "20"), "--level"),
    (("capture", "--level", "fast"), "'fast'"),
    (("capture", "--threads", "0"), "--threads"),
    (("capture", "--threads", "65"), "--threads"),
    (("capture", "--read-timeout", "0"), "--read-timeout"),
    (("capture", "--read-timeout", "3601"), "--read-timeout"),
    (("capture", "--read-timeout", "soon"), "'soon'"),
    (("capture", "--progress", "often"), "--progress"),
    (("capture", "-q", "-q", "--as", "netstat"), "--as"),
    (("analyze",), "which snapshot"),
    (("analyze", "a", "sprt", "=", ":80"), "'sprt' at word 1: expected state, exclude, excl, src, dst, sport"),
    (("analyze", "a", "dport", "=", ":80", "and"), "it ends after '= :80 and'"),
    (("analyze", "a", "state", "fin"), "'fin' at word 2"),
    (("analyze", "a", "--as", "netstat", "src", "localhost"), "names are not resolved"),
    (("analyze", "a", "--expect", "some"), "'some'"),
    (("analyze", "a", "--expect", ".."), "'..'"),
    (("analyze", "a", "--expect", "3..2"), "'3..2'"),
    (("analyze", "a", "--expect", "-1"), "--expect"),
    (("analyze", "a", "--expect="), "--expect"),
    (("analyze", "a", "--format", "xml"), "'xml'"),
    (("analyze", "a", "--as", "top"), "'top'"),
    (("analyze", "a", "--as=top"), "'top'"),
    (("analyze", "a", "--byte-order", "middle"), "'middle'"),
    (("analyze", "--live", "--byte-order", "big"), "--live"),
    (("analyze", "a", "-r"), "-r"),
    (("analyze", "a", "--explain"), "--as ss, netstat or lsof"),
    (("analyze", "a", "--as", "netstat", "--format", "json"), "--format json"),
    (("analyze", "a", "--as", "netstat", "-H"), "-H"),
    (("analyze", "a", "--as", "ss", "--format", "json"), "--format json"),
    (("analyze", "a", "-f", "ipx"), "'ipx'"),
    (("analyze", "a", "-A", "tcp,top"), "'top'"),
    (("analyze", "a", "-A"), "--query"),
    (("analyze", "a", "-K"), "can't be closed"),
    (("analyze", "a", "--as", "ss", "-Q"), "ss 6.1"),
    (("analyze", "a", "--as", "netstat", "-ir"), "one of them"),
    (("analyze", "a", "--as", "netstat", "-ie"), "ifconfig"),
    (("analyze", "a", "--as", "netstat", "-C"), "-C"),
    (("analyze", "a", "--as", "lsof", "-p"), "-p"),
    (("analyze", "a", "--as", "lsof", "--format", "ndjson"), "--format ndjson"),
    (("analyze", "a", "--fields", "nothing"), "'nothing'"),
    (("analyze", "a", "--fields", "state,"), "''"),
    (("analyze", "a", "--fields", "reach", "--format", "json"), "'reach'"),
    (("analyze", "a", "--fields", "state", "--tree"), "--fields"),
    (("analyze", "a", "--fields", "state", "--as", "ss"), "--fields"),
    (("analyze", "a", "--tree", "--format", "csv"), "--tree"),
    (("analyze", "a", "--pairs", "--format", "csv"), "--pairs"),
    (("diff",), "which snapshots"),
    (("diff", "a"), "which snapshots"),
    (("diff", "-", "-"), "standard input"),
    (("diff", "a", "b", "--format", "xml"), "'xml'"),
    (("diff", "a", "b", "--byte-order", "middle"), "'middle'"),
    (("diff", "a", "b", "-m"), "-m"),
    (("diff", "a", "b", "-K"), "can't be closed"),
    (("diff", "a", "b", "sprt", "=", ":80"), "'sprt' at word 1"),
    (("diff", "a", "b", "--all-of-it"), "--all-of-it"),
    (("analyze", "a", "--findings", "--rules", "drop"), "'drop'"),
    (("analyze", "a", "--findings", "--rules", "drops,"), "''"),
    (("analyze", "a", "--rules", "drops"), "--findings"),
    (("analyze", "a", "--findings", "--tree"), "--tree"),
    (("analyze", "a", "--findings", "--pairs"), "--pairs"),
    (("analyze", "a", "--findings", "-s"), "--summary"),
    (("analyze", "a", "--findings", "--fields", "state"), "--fields"),
    (("analyze", "a", "--findings", "--as", "ss"), "--findings"),
    (("extract",), "which snapshot"),
    (("extract", "a"), "where to"),
    (("extract", "a", "b", "-C", "c"), "which snapshot"),
    (("extract", "a", "-C"), "--directory"),
    (("analyze", "a", "--tree", "--pairs"), "--pairs"),
    (("analyze", "a", "--tree", "--as", "netstat"), "--tree"),
    (("analyze", "a", "--pairs", "--as", "netstat"), "--pairs"),
    (("analyze", "a", "--tree", "--format", "json"), "parents"),
    (("info",), "which snapshot"),
    (("info", "a", "b"), "which snapshot"),
    (("info", "a", "--format", "json"), "--format"),
    (("info", "a", "--byte-order", "middle"), "'middle'"),
    (("verify",), "which snapshot"),
    (("verify", "a", "b"), "which snapshot"),
]


class OptionsTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.v4 = self.listener(socket.AF_INET, ("127.0.0.1", 4001))
        self.v6 = self.listener(socket.AF_INET6, ("::1", 4002))

    def listener(self, family, address):
        sock = socket.socket(family)
        self.addCleanup(sock.close)
        sock.bind(address)
        sock.listen(1)
        return sock

    def capture(self, *arguments, name="a.tar.zst"):
        """The run and its archive's path; exit code 0, as all of these processes may be read."""
        path = self.path(name)
        run = ssnap("capture", "-o", path, *arguments)
        self.assertEqual(run.returncode, 0, run.stderr.decode())
        self.assertEqual(run.stdout, b"")
        return run, path

    def info_of(self, path):
        with open(path, "rb") as file:
            return json.loads(zstd_frames.members_of(file.read())["capture.json"])

    def rows(self, path, *arguments):
        """The lines of the table that name a port of ours."""
        run = ssnap("analyze", path, *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return re.findall(r":(400\d)\b", run.stdout.decode())

    def test_help(self):
        for command, names in HELP.items():
            with self.subTest(command):
                for option in ("--help", "-h"):
                    run = ssnap(*command, option)
                    self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.assertEqual(sorted(re.findall(r"^  (?:-\w \[ )?--([\w-]+)", run.stdout.decode(), re.M)), sorted(names.split()),
                                 "an option came or went: it needs a test here, or lost its own")
                self.assertLessEqual(max(map(len, run.stdout.decode().splitlines())), 120)
        for option in ("--help", "-h", "help"):
            run = ssnap(option)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            for command in HELP:
                self.assertIn(f"\n  {command[0]} ", run.stdout.decode())

    def test_version(self):
        for option in ("--version", "-V"):
            run = ssnap(option)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            self.assertRegex(run.stdout.decode(), r"^ssnap \d+\.\d+\.\d+ \((unknown|[0-9a-f]{7,}[^)]*)\)\n")  # unknown: built without git

    def test_wrong_command_lines(self):
        for arguments, word in WRONG:
            with self.subTest(arguments):
                run = ssnap(*arguments, cwd=self.folder)
                self.assertEqual((run.returncode, run.stdout), (2, b""))
                [line] = run.stderr.decode().splitlines()
                self.assertTrue(line.startswith("ssnap: "), line)
                self.assertIn(word, line)
        self.assertEqual(os.listdir(self.folder), [], "nothing is captured by mistake")

    def test_a_snapshot_that_is_none(self):
        with open(self.path("text"), "wb") as file:
            file.write(b"text")
        for command in ("analyze", "info"):
            for name, word in (("absent", b"absent: No such file"), ("text", b"no ssnap archive")):
                with self.subTest((command, name)):
                    run = ssnap(command, self.path(name))
                    self.assertEqual((run.returncode, run.stdout), (1, b""))
                    self.assertIn(word, run.stderr)

    def test_case(self):
        _, path = self.capture("--case", "number=17", "--case=a=b=c", "--case", "who=caf\xe9\x1b[1m", "--case", "empty=")
        fields = [("number", "17"), ("a", "b=c"), ("who", "caf\xe9\x1b[1m"), ("empty", "")]
        self.assertEqual([(field["name"], field["value"]) for field in self.info_of(path)["case"]], fields)
        snapshot = analyze_json(self, path)
        self.assertEqual([(field["name"], field["value"]) for field in snapshot["capture"]["case"]], fields)
        info = ssnap("info", path).stdout
        self.assertRegex(info, rb"(?m)^Case +17\nCase +a: b=c\n")
        self.assertNotIn(b"\x1b", info)

    def test_pid(self):
        inherited = os.dup(self.v4.fileno())
        self.addCleanup(os.close, inherited)
        child = self.child(sandbox.fork_holder([inherited]))
        _, path = self.capture("--pid", str(child.pid))
        snapshot = analyze_json(self, path)
        self.assertEqual([process["pid"] for process in snapshot["processes"]], [child.pid])
        rows = {row["local"]["port"]: row for row in sockets_of(snapshot, self.netns)}
        self.assertEqual(set(rows), {4001, 4002}, "the tables stay whole")
        self.assertEqual(certain_owners(rows[4001]), {child.pid: [inherited]})
        self.assertEqual(certain_owners(rows[4002]), {})
        [skipped] = [gap for gap in snapshot["gaps"] if gap["kind"] == "skipped" and "--pid" in gap.get("detail", "")]
        self.assertEqual(skipped["source"], "proc_list")
        self.assertGreaterEqual(skipped["count"], 2)  # this process and ssnap itself

        _, path = self.capture("--pid", str(child.pid), "--pid", str(os.getpid()), name="two.tar.zst")
        self.assertEqual({process["pid"] for process in analyze_json(self, path)["processes"]}, {child.pid, os.getpid()})

    def test_level_and_threads(self):
        """They change how, not what: the same sockets and owners."""
        for arguments in (["--level", "1"], ["--level=19"], ["--threads", "1"], ["--threads", "64"], ["--level", "7", "--threads", "3"]):
            with self.subTest(arguments):
                _, path = self.capture(*arguments, name="-".join(arguments).replace("=", "-"))
                rows = sockets_of(analyze_json(self, path), self.netns)
                self.assertEqual({row["local"]["port"]: certain_owners(row) for row in rows},
                                 {4001: {os.getpid(): [self.v4.fileno()]}, 4002: {os.getpid(): [self.v6.fileno()]}})
                self.assertEqual(self.info_of(path)["arguments"], ["ssnap", "capture", "-o", path, *arguments])

    def test_allow_module_load(self):
        """With it no table is left out for want of a module; what modules there are is the kernel's affair."""
        _, path = self.capture("--allow-module-load")
        snapshot = analyze_json(self, path)
        self.assertEqual([gap for gap in snapshot["gaps"] if gap["kind"] == "not-loaded"], [])
        self.assertEqual(len(sockets_of(snapshot, self.netns)), 2)

    def test_quiet_and_verbose(self):
        said, path = self.capture()
        lines = said.stderr.decode().splitlines()
        self.assertTrue(all(line.startswith("ssnap: ") for line in lines))
        self.assertIn(path, lines[0])
        with open(path, "rb") as file:
            digest = subprocess.run(["sha256sum"], stdin=file, capture_output=True, check=True).stdout.decode().split()[0]
        self.assertEqual(lines[-1], f"ssnap: sha256 {digest}")
        for option in ("-q", "--quiet"):
            run, _ = self.capture(option, name=option)
            self.assertRegex(run.stderr, rb"^ssnap: sha256 [0-9a-f]{64}\n$")
        for option in ("-v", "--verbose"):
            run, _ = self.capture(option, name=option)
            self.assertGreater(len(run.stderr.splitlines()), len(lines))
        # Errors are said all the same.
        run = ssnap("capture", "-q", "-o", path)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"exists", run.stderr)

    def test_progress(self):
        """On a terminal, if asked for, and never in what is said at the end."""
        for when, shown in (("auto", False), ("never", False), ("always", True)):
            with self.subTest(when):
                run, _ = self.capture("--progress", when, name=when)
                self.assertEqual(b"\r" in run.stderr, shown)
                if shown:
                    self.assertRegex(run.stderr, rb"\r\x1b\[Kssnap: processes \d+/\d+, ")
                    self.assertIn(b"\r\x1b[Kssnap: wrote ", run.stderr)
        for when, shown in ((), True), (("--progress=auto",), True), (("-q",), False), (("--progress=never",), False):
            with self.subTest(when):
                master, slave = os.openpty()
                process = subprocess.Popen([SSNAP, "capture", *when, "-o", self.path("terminal" + "".join(when))],
                                           stdin=subprocess.DEVNULL, stderr=slave)
                os.close(slave)
                said = b""
                try:
                    while chunk := os.read(master, 65536):
                        said += chunk
                except OSError:
                    pass  # EIO: the other side is closed
                os.close(master)
                self.assertEqual(process.wait(), 0)
                self.assertEqual(b"\x1b[Kssnap: " in said, shown, said)

    def test_output_by_its_long_name(self):
        for arguments in (["--output", self.path("a")], ["--output=" + self.path("b")], ["-o" + self.path("c")]):
            run = ssnap("capture", *arguments)
            self.assertEqual(run.returncode, 0, run.stderr)
        self.assertLessEqual({"a", "b", "c"}, set(os.listdir(self.folder)))

    def test_letters_alone_and_by_their_long_names(self):
        _, path = self.capture()
        both, v4, v6 = ["4001", "4002"], ["4001"], ["4002"]
        # As to ss, a table without -l or -a means what is neither listening nor unconnected; no switch at all means everything.
        for arguments, ports in ((["-4l"], v4), (["--ipv4", "-a"], v4), (["-6l"], v6), (["--ipv6", "-a"], v6), (["-46l"], both),
                                 (["-4"], []), (["-6"], []), (["-t"], []), (["--tcp", "--listening"], both),
                                 (["--tcp", "--all"], both), (["--udp", "-a"], []), (["--raw", "-a"], []), (["--unix", "-a"], []),
                                 (["-n", "--numeric"], both), (["--processes", "--extended"], both), ([], both)):
            with self.subTest(arguments):
                self.assertEqual(self.rows(path, *arguments), ports)

    def test_no_header(self):
        _, path = self.capture()
        for option in ("-H", "--no-header"):
            run = ssnap("analyze", path, "-lt4", option)
            [line] = run.stdout.decode().splitlines()
            self.assertRegex(line, r"^LISTEN .*127\.0\.0\.1:4001 ")

    def test_netns(self):
        _, path = self.capture()
        whole = ssnap("analyze", path).stdout
        for name in ("all", str(self.netns)):
            run = ssnap("analyze", path, "--netns", name)
            self.assertEqual((run.returncode, run.stdout), (0, whole))
            self.assertEqual(self.rows(path, "--as", "netstat", "-lnt", "--netns", name), ["4001", "4002"])
        self.assertEqual(len(analyze_json(self, path, "-lt", "--netns", str(self.netns))["sockets"]), 2)
        run = ssnap("analyze", path, "--netns", "elsewhere")
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertIn(b"'elsewhere'", run.stderr)
        self.assertIn(str(self.netns).encode(), run.stderr)

    def test_tree(self):
        inherited = os.dup(self.v4.fileno())
        self.addCleanup(os.close, inherited)
        child = self.child(sandbox.fork_holder([inherited]))
        _, path = self.capture()
        run = ssnap("analyze", path, "-lt4", "--tree")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        lines = run.stdout.decode().splitlines()
        [at] = [number for number, line in enumerate(lines) if f"[{child.pid}]" in line]
        self.assertRegex(lines[at + 1], rf"^ *tcp LISTEN 127\.0\.0\.1:4001 · fd {inherited}, inherited from {os.getpid()}$")
        above = [line for line in lines[:at] if f"[{os.getpid()}]" in line]
        self.assertEqual(len(above), 1, "the child is under its parent, which is there once")
        self.assertNotIn(":4002", run.stdout.decode())

    def test_pairs(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        child = self.child(sandbox.fork_holder([theirs.fileno()]))
        theirs.close()
        _, path = self.capture()
        run = ssnap("analyze", path, "--pairs", "-xa", "-H")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        [line] = [line for line in run.stdout.decode().splitlines() if f"[{child.pid}]" in line]
        self.assertRegex(line, r"^unix stream  .* ↔ .*  ESTAB$")
        for form in ("json", "ndjson"):
            text = ssnap("analyze", path, "--pairs", "-xa", "--format", form).stdout
            pairs = (json.loads(text)["pairs"] if form == "json" else
                     [record for record in map(json.loads, text.splitlines()) if record["type"] == "pair"])
            [pair] = [pair for pair in pairs
                      if {child.pid} in ({owner["pid"] for owner in pair[end]["owners"]} for end in "ab")]
            self.assertEqual((pair["tie"], pair["directed"]), ("peer", False))
        self.assertNotIn("pairs", analyze_json(self, path))

    def test_findings(self):
        """What is chosen and counted; test_findings*.py have the rules."""
        everywhere = self.listener(socket.AF_INET, ("0.0.0.0", 4003))
        _, path = self.capture()
        [(rule, severity)] = [line.split()[:2] for line in ssnap("analyze", "--list-rules").stdout.decode().splitlines() if line.startswith("open-listener ")]
        self.assertEqual((rule, severity), ("open-listener", "info"))
        ours = ("--findings", f"inode = {os.fstat(everywhere.fileno()).st_ino}")
        run = ssnap("analyze", path, *ours)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.assertIn(b"INFO\n  open-listener: tcp 0.0.0.0:4003", run.stdout)
        self.assertIn(b"NO FINDING\n  magic-filter, ", run.stdout)
        self.assertEqual(ssnap("analyze", path, *ours, "--count").stdout, b"1\n")
        self.assertEqual(ssnap("analyze", path, *ours, "--rules", "no-open-listener", "--count").stdout, b"0\n")
        self.assertEqual(ssnap("analyze", path, *ours, "--rules", "drops,orphans", "--count").stdout, b"0\n")
        self.assertEqual(ssnap("analyze", path, *ours, "--expect", "0").returncode, 5)
        whole = analyze_json(self, path, *ours, "--rules", "open-listener,drops")
        self.assertEqual([finding["id"] for finding in whole["findings"]], ["open-listener"])
        self.assertEqual({rule["id"]: rule["found"] for rule in whole["rules"]}, {"open-listener": 1, "drops": 0})
        lines = [json.loads(line) for line in ssnap("analyze", path, *ours, "--format", "ndjson").stdout.splitlines()]
        [finding] = [record for record in lines if record.pop("type") == "finding"]
        self.assertEqual(finding, whole["findings"][0])
        rows = list(csv.DictReader(io.StringIO(ssnap("analyze", path, *ours, "--format", "csv").stdout.decode(), newline="")))
        self.assertEqual([(row["id"], row["severity"], row["level"], row["pids"]) for row in rows],
                         [("open-listener", "info", "finding", str(os.getpid()))])
        wide = ssnap("analyze", path, *ours, "--format", "wide").stdout.decode()
        for place in finding["evidence"]:
            self.assertIn(f"at {place['member']}+{place['offset']} ({place['part']})", wide)
            self.assertIn(f"{place['member']}+{place['offset']}", rows[0]["evidence"])
        self.assertNotIn("findings", analyze_json(self, path))

    def test_filter(self):
        """After the switches, in every view; test_filter.py compares what it selects with ss."""
        _, path = self.capture()
        filters = (["sport", "=", ":4001"], ["sport = :4001"], ["src", "127.0.0.1", "-l"], ["state", "listening", "not", "dev", "lo", "sport", "<", ":4002"],
                   ["pid", str(os.getpid()), "(sport=:4001)"], ["-t", "state", "listening", "src", "inet:*"])
        for words in filters:
            with self.subTest(words):
                self.assertEqual(self.rows(path, *words), ["4001"])
                self.assertEqual([row["local"]["port"] for row in sockets_of(analyze_json(self, path, *words), self.netns)], [4001])
                self.assertEqual(self.rows(path, "--as", "netstat", "-an", *words), ["4001"])
        self.assertEqual(self.rows(path, "sport", "=", ":4003"), [])
        # What it names has to be in the snapshot: else its absence would look like that of sockets.
        for words, said in ((["dev", "nowhere0"], b"'nowhere0' at word 2"), (["user", "no-such-user"], b"'no-such-user' at word 2"),
                            (["netns", "nowhere"], b"'nowhere' at word 2"), (["cgroup", "/no/such"], b"'/no/such' at word 2"),
                            (["sport", "=", ":no-such-service"], b"':no-such-service' at word 3")):
            with self.subTest(words):
                run = ssnap("analyze", path, *words)
                self.assertEqual((run.returncode, run.stdout), (1, b""))
                self.assertIn(said, run.stderr)

    def test_count_and_expect(self):
        _, path = self.capture()
        for words, count in ((("proto", "tcp"), 2), (("sport", "=", ":4001"), 1), (("-t",), 0), (("--format", "json", "-ta"), 2), (("--format", "ndjson", "-6l"), 1),
                             (("--as", "netstat", "-ltn"), 2), (("--as", "netstat", "-ltn", "src", "::1"), 1)):
            with self.subTest(words):
                run = ssnap("analyze", path, "--count", *words)
                self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"%d\n" % count, b""))
                view = ssnap("analyze", path, *words)
                for expected in (f"{count}", f"{count}..{count}", f"{count}..", f"..{count}", "0..7"):
                    met = ssnap("analyze", path, "--expect", expected, *words)
                    self.assertEqual((met.returncode, met.stdout, met.stderr), (0, view.stdout, b""))
                for expected in (f"{count + 1}", f"{count + 1}..", "7..9"):
                    missed = ssnap("analyze", path, "--expect", expected, *words)
                    self.assertEqual((missed.returncode, missed.stdout), (5, view.stdout))
                    self.assertRegex(missed.stderr.decode(), rf"^ssnap: expected {re.escape(expected)} rows?, there (is|are) {count}\n$")
        # Beside a mere number, the rows that surprise are said with the message.
        run = ssnap("analyze", path, "--count", "--expect", "..1", "-lt")
        self.assertEqual((run.returncode, run.stdout), (5, b"2\n"))
        self.assertEqual(re.findall(rb":(400\d)\b", run.stderr), [b"4001", b"4002"])
        # A cut archive says so too; too few rows may be its fault.
        with open(path, "rb") as file:
            whole = file.read()
        with open(self.path("cut"), "wb") as file:
            file.write(whole[:-1000])
        run = ssnap("analyze", self.path("cut"), "-lt", "--count", "--expect", "7")
        self.assertEqual(run.returncode, 5)
        self.assertIn(b"incomplete", run.stderr)
        self.assertEqual(ssnap("analyze", self.path("cut"), "-lt", "--count", "--expect", "..7").returncode, 3)

    def test_letters_of_ss_in_the_own_view(self):
        server, client = self.listener(socket.AF_INET, ("127.0.0.1", 4003)), socket.socket(socket.AF_INET)
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.connect(server.getsockname())
        bound = socket.socket(socket.AF_INET)
        self.addCleanup(bound.close)
        bound.bind(("127.0.0.1", 4004))
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self.addCleanup(packet.close)
        program = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0xFFFF), 8)
        packet.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", 1, ctypes.addressof(program)))  # SO_ATTACH_FILTER
        _, path = self.capture()

        def shown(*switches):
            run = ssnap("analyze", path, *switches)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            return run.stdout.decode()

        for switch, words in (("-o", "timer keepalive, expires in "), ("-m", "memory: received 0 of at most "), ("-i", "info: congestion "),
                              ("--tos", "type of service 0"), ("--cgroup", "cgroup "), ("--inet-sockopt", "socket options: is_icsk ")):
            with self.subTest(switch):
                self.assertIn(words, shown("-ta", switch))
                self.assertNotIn(words, shown("-ta"))
                # -O has them on the socket's own line.
                self.assertIn("; " + words, shown("-taO", switch))
        self.assertIn("filter of 1 instruction: 6 0 0 65535", shown("-0b"))
        self.assertEqual(shown("-0"), shown("-f", "link"))
        self.assertEqual(shown("-0"), shown("-A", "packet"))
        self.assertIn("netlink", shown("-A", "netlink,tcp"))
        self.assertEqual(shown("-A", "all,!netlink", "-f", "netlink"), shown("-A", "all"))
        self.assertIn("QUEUE", shown("-ta"))
        self.assertNotIn("QUEUE", shown("-taQ"))
        self.assertIn("  tcp ", shown("-s"))
        self.assertNotIn("LOCAL", shown("-s"))
        self.assertIn("LOCAL", shown("-ts"))
        # Before Linux 6.8 no table shows it.
        self.assertEqual("127.0.0.1:4004" in shown("-B"), "127.0.0.1:4004" in shown("-a"))
        self.assertNotIn("127.0.0.1:4003", shown("-B"))

    def test_formats_and_fields(self):
        _, path = self.capture()

        def answer(*arguments):
            run = ssnap("analyze", path, *arguments)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            return run.stdout.decode()

        owner = str(os.getpid())
        rows = list(csv.DictReader(io.StringIO(answer("-lt", "--format", "csv"), newline="")))
        self.assertEqual([(row["local.address"], row["local.port"], row["owners.pid"], row["netns.inode"]) for row in rows],
                         [("127.0.0.1", "4001", owner, str(self.netns)), ("::1", "4002", owner, str(self.netns))])
        self.assertEqual(answer("-lt4", "--format", "csv", "--fields", "local,owners.fds,state,inode,reach", "-H"),
                         f"127.0.0.1:4001,{self.v4.fileno()},LISTEN,{os.fstat(self.v4.fileno()).st_ino},this host only\r\n")
        self.assertEqual(answer("-lt6H", "--fields", "state,local,owners.pid"), f"LISTEN  [::1]:4002  {owner}\n")
        for form in ("json", "ndjson"):
            text = answer("-lt4", "--format", form, "--fields", "local.port,owners.pid,ownerless_reason")
            sockets = (json.loads(text)["sockets"] if form == "json" else
                       [item for item in map(json.loads, text.splitlines()) if item.pop("type") == "socket"])
            self.assertEqual(sockets, [{"local": {"port": 4001}, "owners": [{"pid": int(owner)}]}])
        # wide: everything at once, on any number of columns.
        wide = answer("-lt", "--format", "wide")
        for words in ("NETNS", "INODE", "COOKIE", "memory: ", "info: ", "type of service", str(os.fstat(self.v4.fileno()).st_ino)):
            self.assertIn(words, wide)

    def test_byte_order(self):
        """An archive says it itself; old_text_test.py has copies of /proc, which don't."""
        _, path = self.capture()
        for words in (("analyze", path), ("info", path), ("diff", path, path)):
            whole = ssnap(*words)
            self.assertEqual((whole.returncode, whole.stderr), (0, b""))
            said = []
            for order in ("little", "big"):
                run = ssnap(*words, "--byte-order", order)
                self.assertEqual((run.returncode, run.stdout), (0, whole.stdout))
                said.append(b"--byte-order is passed over" in run.stderr)
            self.assertEqual(said, [sys.byteorder == "big", sys.byteorder == "little"])

    def test_live(self):
        run = ssnap("analyze", "--live", "-lt", "--format", "json", "src", "127.0.0.1")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        [row] = sockets_of(json.loads(run.stdout), self.netns)
        self.assertEqual((row["local"]["port"], certain_owners(row)), (4001, {os.getpid(): [self.v4.fileno()]}))

    def test_as_netstat_letters(self):
        _, path = self.capture()
        def header(*arguments):
            return ssnap("analyze", path, "--as", "netstat", "-ltn", *arguments).stdout.decode().splitlines()[1]
        for option, column in (("-o", "Timer"), ("--timers", "Timer"), ("-e", "Inode"), ("--extended", "Inode"),
                               ("-p", "PID/Program name"), ("--processes", "PID/Program name")):
            with self.subTest(option):
                self.assertIn(column, header(option))
                self.assertNotIn(column, header())
        for option in ("-U", "--udplite"):
            self.assertEqual(self.rows(path, "--as", "netstat", "-an", option), [])
        self.assertEqual(self.rows(path, "--as=netstat", "-ltn6"), ["4002"])
        self.assertEqual(self.rows(path, "--as", "ssnap", "-lt4"), ["4001"])


if __name__ == "__main__":
    sandbox.need("sha256sum")
    sandbox.main(own_processes=True)
