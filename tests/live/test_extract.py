"""`ssnap extract`: the tree is a snapshot that says the same, and the real tools, fed with it, print what `analyze --as`
prints."""

import itertools
import os
import pathlib
import socket
import subprocess
import sys

from support import netns, replay_tools, sandbox
from support.scene import make_scene
from support.ssnap import SOURCE_ROOT, capture, sockets_of, ssnap
from test_against_ss import row_as_ss, rows_of_ss


def subsets(letters):
    return itertools.chain.from_iterable(itertools.combinations(letters, count) for count in range(len(letters) + 1))


class ExtractTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("a.tar.zst")
        self.snapshot = capture(self, self.archive)

    def analyze(self, *arguments):
        run = ssnap("analyze", *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout

    def test_the_tree_is_a_snapshot(self):
        """And not one byte of what analyze says of it differs from what it says of the archive."""
        tree = replay_tools.extract(self, self.archive)
        for switches in (["--format", "json"], ["--format", "ndjson"], ["-tuwxanpe"], ["--as", "netstat", "-tuwxanpeo"]):
            self.assertEqual(self.analyze(tree, *switches), self.analyze(self.archive, *switches), switches)
        self.assertEqual(subprocess.run(["sha256sum", "--quiet", "-c", "manifest-sha256.txt"], cwd=tree).returncode, 0)

    def test_a_tree_of_a_tree(self):
        tree = replay_tools.extract(self, self.archive)
        again = self.path("again")
        run = ssnap("extract", tree, "-C", again)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        for folder in ("ss", "proc/net", f"proc/{os.getpid()}/fd"):
            self.assertEqual(sorted(os.listdir(f"{again}/{folder}")), sorted(os.listdir(f"{tree}/{folder}")))
        self.assertEqual(self.analyze(again, "--format", "json"), self.analyze(self.archive, "--format", "json"))

    def test_processes_and_links(self):
        tree = pathlib.Path(replay_tools.extract(self, self.archive), "proc")
        pids = [entry.name for entry in os.scandir(tree) if entry.name.isdigit()]
        self.assertEqual(pids, sorted(pids, key=int), "in the order of procfs")
        self.assertEqual(set(pids), {str(process["pid"]) for process in self.snapshot["processes"]})
        me = tree / str(os.getpid())
        fds = [entry.name for entry in os.scandir(me / "fd")]
        self.assertEqual(fds, sorted(fds, key=int), "in the order of procfs")
        for name in ("exe", "cwd", "root", "ns/net", "fd/0", "fd/2"):
            self.assertEqual(os.readlink(me / name), os.readlink(f"/proc/self/{name}"))
        held = {os.readlink(me / "fd" / fd) for fd in fds}
        for sock in sockets_of(self.snapshot, self.netns):
            if any(owner["pid"] == os.getpid() and owner["via"] == "fd" for owner in sock["owners"]):
                self.assertIn(f"socket:[{sock['inode']}]", held)

    def test_netstat(self):
        """Every combination of -t -u -w -x -a -l -n -p -e -o."""
        tree = replay_tools.extract(self, self.archive)
        rows = [["-" + "".join((*tables, *states, *columns))] if tables or states or columns else []
                for tables in subsets("tuwx") for states in ("", "a", "l") for columns in subsets("npeo")]
        # Without -n netstat asks this machine for names of hosts, ports and users: what it prints then is not of the tree.
        rows = [row for row in rows if row and "n" in row[0]] + [["-tuwx", "-anpeo", "-4"], ["-6", "-anp"], ["-4", "-anp"], ["-tuwxanpeo", "-6"]]
        rows += [["-lntp"], ["-tuwxanpeo"]]
        for row, (code, real, complaints) in zip(rows, replay_tools.netstat(tree, *rows)):
            self.assertEqual((code, complaints), (0, b""), row)
            said = self.analyze(self.archive, "--as", "netstat", *row)
            self.assertEqual(said.decode(), real.decode(), row)
        self.assertGreater(len(rows), 300)

    def test_fixtures(self):
        """The captures that the tests keep, whole and cut."""
        # netstat takes the addresses of /proc/net for numbers of its own byte order.
        archives = sorted(path for path in pathlib.Path(SOURCE_ROOT, "fixtures/archives").glob("*.tar.zst")
                          if path.match("*-s390x.tar.zst") == (sys.byteorder == "big"))
        self.assertTrue(archives)
        rows = [["-tuwxanpeo"], ["-lntp"], ["-tuUwxanpeW"], ["-n"], ["-rn"], ["-reen"], ["-rn6"], ["-gn"], ["-s"], ["-st"], ["-s6"]]
        for archive in archives:
            tree = os.path.join(replay_tools.tmpfs(self, self.path(archive.name)), "x")
            self.assertIn(ssnap("extract", archive, "-C", tree).returncode, (0, 3))
            # netstat refuses rows of UNIX sockets whose address is `(____ptrval____)`, as a kernel prints it soon after it has begun.
            asked = [[row[0].replace("x", "")] for row in rows if row != ["-n"]] if archive.name.startswith("kernel-") else rows
            for row, (_, real, _) in zip(asked, replay_tools.netstat(tree, *asked)):
                with self.subTest(f"{archive.name} {row}"):
                    self.assertEqual(ssnap("analyze", archive, "--as", "netstat", *row).stdout.decode(), real.decode())

    def test_ss(self):
        """ss reads the dumps and the tables, and lists what analyze lists."""
        tree = replay_tools.extract(self, self.archive)
        sockets = [sock for sock in sockets_of(self.snapshot, self.netns) if sock["state"] != "BOUND-INACTIVE"]
        for name, protocols in (("tcp", {"tcp"}), ("udp", {"udp"}), ("tcp-udp", {"tcp", "udp"})):
            for states, wanted in (
                    ("all", lambda state: True), ("listening", lambda state: state in ("LISTEN", "UNCONN")),
                    ("established", lambda state: state not in ("LISTEN", "UNCONN", "TIME-WAIT", "SYN-RECV"))):
                ours = [row_as_ss(sock, False) for sock in sockets if sock["protocol"] in protocols and wanted(sock["state"])]
                # Named tables decide about the columns only.
                real = replay_tools.ss_netlink(tree, f"{states}-{name}", "-tuanpe", "-H", "-O").decode()
                self.assertCountEqual(rows_of_ss(real), ours, f"{states}-{name}")
                self.assertTrue(ours)
        for table, protocol in (("-t", "tcp"), ("-u", "udp"), ("-w", "raw")):
            real = replay_tools.ss_proc(tree, table, "-anp", "-H", "-O").decode().splitlines()
            self.assertEqual(len(real), sum(sock["protocol"] == protocol for sock in sockets), table)

    def test_ss_asks_for_attributes(self):
        tree = replay_tools.extract(self, self.archive)
        plain = replay_tools.ss_netlink(tree, "all-tcp", "-tan", "-O")
        self.assertNotIn(b"skmem", plain)
        with_memory = replay_tools.ss_netlink(tree, "all-tcp", "-tanm", "-O", switches="m")
        self.assertIn(b"skmem", with_memory)
        self.assertNotIn(b"cubic", with_memory)
        self.assertIn(b"skmem", replay_tools.ss_netlink(tree, "all-tcp", "-tanmi", "-O", switches="mi"))

    def test_another_namespace(self):
        other = netns.Netns()
        self.addCleanup(other.close)
        with other.entered():
            sock = self.listener(4711)
        archive = self.path("b.tar.zst")
        capture(self, archive)
        tree = replay_tools.extract(self, archive, "--netns", str(other.inode))
        self.assertEqual(self.analyze(tree, "--format", "json"), self.analyze(archive, "--format", "json"))
        said = self.analyze(archive, "--as", "netstat", "-tanp", "--netns", str(other.inode))
        self.assertEqual(replay_tools.netstat(tree, ["-tanp"])[0][1], said)
        self.assertIn(b":4711 ", said)
        own = replay_tools.extract(self, archive)
        self.assertNotIn(b":4711 ", replay_tools.netstat(own, ["-tanp"])[0][1])
        sock.close()
        run = ssnap("extract", archive, "-C", self.path("none"), "--netns", "12")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"no network namespace '12'", run.stderr)
        self.assertEqual(ssnap("extract", archive, "-C", self.path("none"), "--netns", "all").returncode, 2)
        self.assertFalse(os.path.exists(self.path("none")))

    def listener(self, port):
        sock = socket.socket()
        sock.bind(("127.0.0.1", port))
        sock.listen()
        return sock

    def test_what_stands_there_is_left_alone(self):
        folder = self.path("full")
        os.mkdir(folder)
        pathlib.Path(folder, "note").write_text("mine")
        run = ssnap("extract", self.archive, "-C", folder)
        self.assertEqual((run.returncode, os.listdir(folder)), (1, ["note"]))
        self.assertIn(b"not empty", run.stderr)

    def test_a_full_disk(self):
        run = ssnap("extract", self.archive, "-C", replay_tools.tmpfs(self, self.path("small"), "size=64k") + "/x")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"No space left on device", run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1)

    def test_a_cut_archive(self):
        raw = pathlib.Path(self.archive).read_bytes()
        pathlib.Path(self.path("cut.tar.zst")).write_bytes(raw[:len(raw) * 2 // 3])
        run = ssnap("extract", self.path("cut.tar.zst"), "-C", self.path("cut"))
        self.assertEqual(run.returncode, 3)
        self.assertIn(b"incomplete", run.stderr)
        first = ssnap("analyze", self.path("cut.tar.zst"), "--as", "netstat", "-tuwxanpeo")
        second = ssnap("analyze", self.path("cut"), "--as", "netstat", "-tuwxanpeo")
        self.assertEqual((first.returncode, first.stdout), (second.returncode, second.stdout))

    def test_a_copy_of_proc(self):
        """Without capture.json: what a collector without ssnap left."""
        copy = pathlib.Path(self.path("copy"), "proc")
        me = str(os.getpid())
        for name in ("net", f"{me}/fd"):
            (copy / name).mkdir(parents=True)
        for name in (*(f"net/{table}" for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix")), f"{me}/stat", f"{me}/cmdline"):
            (copy / name).write_bytes(pathlib.Path("/proc", name).read_bytes())
        for fd in os.listdir("/proc/self/fd"):
            try:
                os.symlink(os.readlink(f"/proc/self/fd/{fd}"), copy / me / "fd" / fd)
            except FileNotFoundError:
                pass  # the listing's own
        tree = replay_tools.extract(self, str(copy.parent))
        self.assertEqual(self.analyze(tree, "--format", "json"), self.analyze(str(copy.parent), "--format", "json"))
        self.assertEqual(replay_tools.netstat(tree, ["-tuwxanp"])[0][1], self.analyze(tree, "--as", "netstat", "-tuwxanp"))

    def test_usage(self):
        for arguments in ([], [self.archive], ["-C", self.path("x")], [self.archive, self.archive, "-C", self.path("x")]):
            self.assertEqual(ssnap("extract", *arguments).returncode, 2, arguments)
        self.assertEqual(ssnap("extract", "/nonexistent", "-C", self.path("x")).returncode, 1)
        with open(self.archive, "rb") as file:
            self.assertEqual(ssnap("extract", "-", "-C", self.path("x"), stdin=file).returncode, 0)
        self.assertEqual(self.analyze(self.path("x"), "--format", "json"), self.analyze(self.archive, "--format", "json"))


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "unshare", "mount", "sha256sum")
    sandbox.main(own_processes=True)
