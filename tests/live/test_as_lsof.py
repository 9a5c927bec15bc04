"""`analyze --as lsof` beside lsof itself, in the same quiet namespaces, byte for byte."""

import os
import socket
import subprocess
import threading

from support import netns, sandbox
from support.scene import make_scene
from support.ssnap import capture, ssnap

PR_SET_NAME = 15
IPPROTO_UDPLITE = 136
CLONE_FILES = 0x400

# Our switches, and lsof's own for the same.
SWITCHES = [
    ([], ["-i"]),
    (["-n"], ["-i"]),
    (["-4"], ["-i4"]),
    (["-6"], ["-i6"]),
    (["-46"], ["-i"]),
    (["-t"], ["-iTCP"]),
    (["-u"], ["-iUDP"]),
    (["-tu"], ["-iTCP", "-iUDP"]),
    (["-t4"], ["-i4TCP"]),
    (["-t6"], ["-i6TCP"]),
    (["-u4"], ["-i4UDP"]),
    (["-u6"], ["-i6UDP"]),
    (["-x"], ["-U"]),
    (["-x4"], ["-i4", "-U"]),
    (["-tx"], ["-iTCP", "-U"]),
    (["-tux"], ["-iTCP", "-iUDP", "-U"]),
    (["-x46"], ["-i", "-U"]),
]


def live(arguments):
    environment = {**os.environ, "LC_ALL": "C"}
    run = subprocess.run(["lsof", "-nP", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return run.stdout


class AsLsofTest(sandbox.LiveTest):
    def analyze(self, *arguments):
        run = ssnap("analyze", self.archive, "--as", "lsof", *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout

    def capture(self):
        """Between two equal answers of lsof."""
        before = [live(theirs) for _, theirs in SWITCHES]
        self.archive = self.path("a.tar.zst")
        self.snapshot = capture(self, self.archive)
        self.assertEqual(before, [live(theirs) for _, theirs in SWITCHES], "the namespace is not at rest")
        return before

    def assert_as_lsof(self):
        for (ours, theirs), real in zip(SWITCHES, self.capture()):
            with self.subTest(theirs):
                self.assertEqual(self.analyze(*ours).decode(), real.decode())

    def forked(self, act):
        """A child with all our fds that has done `act`."""
        ready, life = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                act()
                os.write(ready[1], b".")
                os.close(life[1])
                os.read(life[0], 1)
            finally:
                os._exit(0)
        os.close(ready[1])
        os.close(life[0])
        child = self.child(sandbox.Child(pid, life[1]))
        assert os.read(ready[0], 1) == b"."
        os.close(ready[0])
        return child

    def named(self, name):
        return self.forked(lambda: sandbox.LIBC.prctl(PR_SET_NAME, name, 0, 0, 0))

    def test_scene(self):
        make_scene(self)
        lite = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_UDPLITE)
        self.addCleanup(lite.close)
        lite.bind(("127.0.0.1", 2020))
        lite6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, IPPROTO_UDPLITE)
        self.addCleanup(lite6.close)
        lite6.connect(("::1", 2021))
        mapped = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.addCleanup(mapped.close)
        mapped.connect(("::ffff:127.0.0.1", 2003))
        self.assert_as_lsof()
        self.assertIn(b"UDPLITE", self.analyze())

    def test_nothing(self):
        self.assert_as_lsof()

    def test_names(self):
        """Commands of any bytes, cut at nine columns; brackets, of which lsof wants as many closed as opened."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        named = [b"0123456789abcde", b"a b", b"tab\there", b"esc\x1b[31m", b"back\\slash", b"(b)", b"a) R (b", b")", b"", b")x", b"x(", b"\xff\xfe",
                 "käse".encode(), b"\x7f", b"new\nline", b"12345678\x01", b"1234567\xc3\xa4"]
        pids = [self.named(name).pid for name in named]
        for kind, address in ((socket.SOCK_STREAM, self.path("with blank")), (socket.SOCK_DGRAM, self.path("colon:name")),
                              (socket.SOCK_SEQPACKET, "\0abstract:x y"), (socket.SOCK_STREAM, "\0esc\x1b[31m\\\x7f"),
                              (socket.SOCK_DGRAM, b"\0\xff\xc3\xa4")):
            sock = socket.socket(socket.AF_UNIX, kind)
            self.addCleanup(sock.close)
            sock.bind(address)
            if kind != socket.SOCK_DGRAM:
                sock.listen()
        self.assert_as_lsof()
        said = self.analyze()
        self.assertNotIn(f" {pids[named.index(b'x(')]} ".encode(), said)
        explained = self.analyze("--explain").decode()
        self.assertIn("lsof cuts the name of the process: 0123456789abcde\n", explained)
        self.assertIn(f"lsof leaves out a process whose name has a bracket without its counterpart: x([{pids[named.index(b'x(')]}]\n", explained)
        self.assertIn("lsof ends the path at a blank or a colon: ", self.analyze("-x", "--explain").decode())

    def test_users_and_numbers(self):
        """Columns as wide as their widest: users with and without a name, large fds."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        for uid, fd in ((1, 999), (54321, 1000), (4000000000, 10000), (33, 15007)):
            os.dup2(server.fileno(), fd)
            self.addCleanup(os.close, fd)
            self.forked(lambda uid=uid: os.setuid(uid))
        self.assert_as_lsof()
        self.assertIn(b"www-data", self.analyze())
        self.assertIn(b" *007u", self.analyze())

    def test_explained(self):
        """What lsof can't show is counted, each with its reason."""
        scene = make_scene(self)
        held = socket.create_server(("127.0.0.1", 4711))
        ready, go = threading.Event(), threading.Event()
        fd = held.fileno()

        def own_table():
            sandbox.unshare(CLONE_FILES)
            ready.set()
            go.wait()

        thread = threading.Thread(target=own_table)
        thread.start()
        ready.wait()
        self.addCleanup(lambda: (go.set(), thread.join()))
        held.detach()
        os.close(fd)
        other = netns.Netns()
        self.addCleanup(other.close)
        with other.entered():
            far = socket.create_server(("127.0.0.1", 4712))
        self.addCleanup(far.close)
        self.capture()
        plain, explained = self.analyze().decode(), self.analyze("--explain").decode()
        self.assertEqual([line for line in explained.splitlines() if line in plain.splitlines()], plain.splitlines())
        more = [line for line in explained.splitlines() if line not in plain.splitlines()]
        self.assertIn("lsof can't show 2 sockets: no process: time-wait", more)
        self.assertTrue(any("of other network namespaces" in line for line in more), more)
        self.assertNotIn("4711", plain)
        self.assertNotIn("4712", plain)
        self.assertTrue(scene.expected)

    def test_usage(self):
        self.capture()
        for row in (["-p"], ["-U"], ["-a"], ["--format", "json"]):
            self.assertEqual(ssnap("analyze", self.archive, "--as", "lsof", *row).returncode, 2, row)


if __name__ == "__main__":
    sandbox.need("lsof")
    sandbox.main(own_processes=True)
