"""A host whose kernel is years older: it lacks system calls, netlink requests and files. What came later is done without, and
said to be missing; what is captured is the same."""

import errno
import json
import os
import socket
import subprocess
import threading

from support import sandbox
from support.actors import LIBC, actor, checked, inode_of, listener
from support.diag import SOCK_DIAG_BY_FAMILY
from support.netns import Netns
from support.old_kernel import LAST_CALLS, TCPDIAG_GETSOCK, X86, OldSockDiag, refuse_later_calls
from support.owners import OwnersTest
from support.ssnap import SSNAP, analyze_json

PORT = 4001
CLONE_FILES, MS_BIND = 0x400, 0x1000

# As its inet_diag and tcp_diag have them.
KALLSYMS_2_6_32 = """ffffffff81000000 T _text
ffffffffa0000000 t inet_csk_diag_fill\t[inet_diag]
ffffffffa0000001 t inet_diag_dump\t[inet_diag]
ffffffffa0000002 T inet_diag_register\t[inet_diag]
ffffffffa0001000 t tcp_diag_get_info\t[tcp_diag]
ffffffffa0001001 t tcp_diag_init\t[tcp_diag]
"""


class OldKernelsTest(OwnersTest):
    def setUp(self):
        super().setUp()
        self.process, (self.tcp, self.udp, self.local, self.own_table) = actor(self, self.hold)
        self.elsewhere = Netns()
        self.addCleanup(self.elsewhere.close)
        with self.elsewhere.entered():
            self.addCleanup(listener(PORT).close)
        actor(self, self.live_elsewhere, [self.elsewhere.fd])

    def hold(self, stage):
        tcp = stage.keep(listener(PORT))
        stage.keep(socket.create_connection(("127.0.0.1", PORT)))
        udp = stage.keep(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        udp.bind(("::1", PORT))
        local = stage.keep(socket.socket(socket.AF_UNIX))
        local.bind("\0old-kernel")
        ready, inodes = threading.Event(), []

        def live():
            checked(LIBC.unshare(CLONE_FILES), "unshare")
            own = stage.keep(listener(PORT + 1))
            inodes.append(inode_of(own))
            ready.set()
            threading.Event().wait()

        threading.Thread(target=live, daemon=True).start()
        ready.wait()
        stage.report([inode_of(tcp), inode_of(udp), inode_of(local), *inodes])

    def live_elsewhere(self, stage):
        checked(LIBC.setns(self.elsewhere.fd, sandbox.CLONE_NEWNET), "setns")
        stage.report()

    def run_on(self, release, *arguments):
        return subprocess.run([SSNAP, *arguments], preexec_fn=lambda: refuse_later_calls(release), stdin=subprocess.DEVNULL,
                              capture_output=True)

    def keep_archive(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        self.archive = self.path(f"{len(os.listdir(self.folder))}.tar.zst")
        with open(self.archive, "wb") as file:
            file.write(run.stdout)
        self.snapshot = analyze_json(self, self.archive)

    def seen(self):
        """What a capture says of the scene's sockets, but for what differs from one capture to the next, and which views it had."""
        rows = [row for row in self.snapshot["sockets"]
                if row["netns"].get("inode") in (self.netns, self.elsewhere.inode)
                and (row["family"] in ("inet", "inet6") or row.get("inode") == self.local)]
        for row in rows:
            self.assertTrue({"netns", "family", "state", "owners"} <= set(row), row)
        return sorted(json.dumps([row["netns"], row["family"], row["protocol"], row["state"], row["local"], row["peer"], row.get("inode"),
                                  row["owners"], row.get("ownerless_reason", {}).get("code")]) for row in rows)

    def gaps(self, **fields):
        return [gap for gap in self.snapshot["gaps"] if all(gap.get(name) == value for name, value in fields.items())]

    def check_owned(self):
        """By the process, and by its thread, which took a copy of the table with it and has a socket more."""
        for inode, ways in ((self.tcp, ["fd", "thread-fd"]), (self.udp, ["fd", "thread-fd"]), (self.local, ["fd", "thread-fd"]),
                            (self.own_table, ["thread-fd"])):
            self.assertEqual(sorted((owner["pid"], owner["via"]) for owner in self.row(inode)["owners"]),
                             [(self.process.pid, way) for way in ways])

    def test_3_10(self):
        """Everything there is on a new kernel; only what is mounted over /proc would not be seen."""
        self.take(tools=False)
        new = self.seen()
        self.assertEqual(self.gaps(source="procfs"), [])
        self.keep_archive(self.run_on("3.10", "capture", "-o", "-", "--exe-hashes"))
        self.assertEqual(self.seen(), new)
        self.check_owned()
        self.assertEqual([(gap["kind"], gap["errno"]) for gap in self.gaps(source="procfs")], [("unsupported", errno.ENOSYS)])

    def test_files_on_3_10(self):
        """As on a new kernel: the archive and its hash, in place of older ones."""
        for names in (["new"], ["new", "--force"]):
            archive = self.path(names[0])
            run = self.run_on("3.10", "capture", "-o", archive, "--sha256-file", *names[1:])
            self.assertEqual(run.returncode, 0, run.stderr)
            subprocess.run(["sha256sum", "-c", "--quiet", archive + ".sha256"], cwd=self.folder, check=True)

    def test_2_6_32(self):
        if "2.6.32" not in LAST_CALLS:
            return  # this architecture came later
        self.take(tools=False)
        new = [row for row in self.seen() if json.loads(row)[0]["inode"] == self.netns]
        symbols = self.path("kallsyms")
        with open(symbols, "w", encoding="ascii") as file:
            file.write(KALLSYMS_2_6_32)
        checked(LIBC.mount(symbols.encode(), b"/proc/kallsyms", None, MS_BIND, None), "mount")
        self.addCleanup(LIBC.umount2, b"/proc/kallsyms", 0)
        for arguments in ([], ["--allow-module-load"], ["--threads", "1"]):
            with self.subTest(arguments=arguments):
                kernel = OldSockDiag()
                self.keep_archive(kernel.run([SSNAP, "capture", "-o", "-", *arguments]))
                # TCP by netlink, the rest by /proc/net; DCCP only where its module may be loaded.
                self.assertEqual({kind for kind in kernel.asked if kind >= SOCK_DIAG_BY_FAMILY}, set())
                self.assertGreaterEqual(kernel.asked[TCPDIAG_GETSOCK], 2)
                self.assertIn("inet_diag", self.row(self.tcp)["sources"][0]["view"])
                self.check_owned()
                self.assertEqual([row for row in self.seen() if json.loads(row)[0]["inode"] == self.netns], new)
                unsupported = {gap["detail"].partition(":")[0] for gap in self.gaps(kind="unsupported") if "by family" in gap.get("detail", "")}
                self.assertLessEqual({"inet_diag-udp4", "inet_diag-udp6", "unix_diag", "inet_diag-dccp4"}, unsupported)
                # There is no setns(): the other namespace is known, and that nothing is known of it.
                self.assertTrue(self.gaps(netns=self.elsewhere.inode, errno=errno.ENOSYS), self.snapshot["gaps"])
                self.assertTrue(self.gaps(source="collector", errno=errno.ENOSYS), "adjtimex() has no clock_adjtime() to stand on")

    def test_replay(self):
        """The same words as on a new kernel, and no sandbox."""
        self.take(tools=False)
        unpacked = self.path("unpacked")
        os.mkdir(unpacked)
        subprocess.run(f"zstd -dc '{self.archive}' | tar xf - -C '{unpacked}'", shell=True, check=True)
        for release in LAST_CALLS:
            with self.subTest(release):
                self.assertIn(b"no seccomp (Function not implemented), no Landlock (Function not implemented)",
                              self.run_on(release, "--version").stdout)
                for arguments in (["analyze", self.archive, "--format", "json"], ["analyze", self.archive, "--netns", "all"],
                                  ["info", self.archive], ["verify", self.archive], ["diff", self.archive, self.archive]):
                    new = subprocess.run([SSNAP, *arguments], stdin=subprocess.DEVNULL, capture_output=True)
                    old = self.run_on(release, *arguments)
                    self.assertEqual((old.returncode, old.stdout, old.stderr), (new.returncode, new.stdout, new.stderr), arguments)
                tree = self.path("tree-" + release)
                run = self.run_on(release, "extract", self.archive, "-C", tree)
                self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.assertIn("proc", os.listdir(tree))
                run = self.run_on(release, "analyze", unpacked)
                if release == "2.6.32":  # glibc can't list a directory there
                    self.assertEqual((run.returncode, run.stdout), (1, b""), run.stderr)
                else:
                    self.assertEqual(run.returncode, 0, run.stderr)

    def test_live(self):
        for release in LAST_CALLS:
            with self.subTest(release):
                run = self.run_on(release, "analyze", "--live", "--format", "json")
                self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.snapshot = json.loads(run.stdout)
                self.check_owned()


if __name__ == "__main__":
    sandbox.need("sha256sum", "tar", "zstd")
    sandbox.main(own_processes=True)
