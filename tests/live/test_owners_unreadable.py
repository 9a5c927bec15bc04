"""What the collector may not read, on the host itself: the holder of a socket is among the processes that it names, and
every other reason is ruled out first."""

import os
import shutil
import socket
import subprocess

from support import sandbox
from support.actors import actor, inode_of, io_uring, listener, map_shared, port_of, start_ticks
from support.netns import ip
from support.owners import OwnersTest, ends_of
from support.ssnap import SSNAP, analyze_json
from support.tools import Tools

PORT = 4001
NOBODY_UID, HOLDER_UID = 65534, 54321
AS_NOBODY = ("setpriv", f"--reuid={NOBODY_UID}", f"--regid={NOBODY_UID}", "--clear-groups", "--inh-caps=-all", "--")
WITHOUT_PTRACE = ("setpriv", "--inh-caps=-sys_ptrace", "--bounding-set=-sys_ptrace", "--")


class UnreadableTest(OwnersTest):
    """Where the collector lacks the right to read the holder's fds, it names who may be it."""

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        shutil.copy(SSNAP, self.path("ssnap"))  # not all folders above the build may be open to everybody
        os.chmod(self.path("ssnap"), 0o755)

    def start_holder(self):
        """Of a uid that nobody else has: of all candidates it is the likely one."""
        def body(stage):
            os.setgroups([])
            os.setresgid(HOLDER_UID, HOLDER_UID, HOLDER_UID)
            os.setresuid(HOLDER_UID, HOLDER_UID, HOLDER_UID)
            stage.report([inode_of(stage.keep(listener(PORT))), inode_of(stage.keep(socket.socket(socket.AF_UNIX)))])

        self.holder, (self.inode, self.unix) = actor(self, body)

    def take_as(self, prefix):
        self.archive = self.path("a.tar.zst")
        with open(self.archive, "wb") as output:
            run = subprocess.run([*prefix, self.path("ssnap"), "capture", "-o", "-"], cwd="/", stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 3, run.stderr)
        self.snapshot = analyze_json(self, self.archive)

    def check(self, prefix):
        self.start_holder()
        self.tools = Tools(prefix)
        for inode in (self.inode, self.unix):
            self.check_nobody(inode)
            self.check_listed(inode)
        self.check_nobody(f":{PORT}")
        self.take_as(prefix)
        # unix_diag tells uids, too; where it does not, the holder is one of all.
        for inode in (self.inode, self.unix):
            row = self.row(inode)
            self.assertEqual(row["owners"], [])
            self.assertEqual(row["uid"], HOLDER_UID)
            self.check_reason(row, "unreadable", r"\b\d+ processes\b|\bprocess\b")
            first, *others = row["ownerless_reason"]["candidates"]
            self.assertEqual(first, {"pid": self.holder.pid, "start_ticks": start_ticks(self.holder.pid)})
            self.assertTrue(others, "it is one of several that could not be read")
            self.assertRegex(row["ownerless_reason"]["detail"], rf"\b{self.holder.pid}\b")
            self.assertGreaterEqual(row["ownerless_reason"]["candidate_count"], len(others) + 1)
        self.assertEqual(ends_of(self.row(self.inode), "local"), ("127.0.0.1", PORT))

    def test_as_another_user(self):
        sock = listener(PORT + 1)
        inode, fd = inode_of(sock), sock.fileno()
        own = self.child(sandbox.exec_holder([fd], (*AS_NOBODY, "/bin/cat")))
        sock.close()
        self.check(AS_NOBODY)
        # What may be read is: its owner is certain, and it is no candidate for the rest.
        self.check_held(self.row(inode), {(own.pid, "fd", None): [fd]})
        self.assertNotIn(own.pid, [candidate["pid"] for candidate in self.row(self.inode)["ownerless_reason"]["candidates"]])

    def test_as_root_without_the_right(self):
        self.check(WITHOUT_PTRACE)

    def test_other_reasons_go_first(self):
        """Unreadable processes make no reason out of what has one."""
        self.start_holder()
        ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789", "local", "127.0.0.1", "dev", "lo")
        ip("link", "set", "vx0", "up")
        # Closed on this side: FIN-WAIT-2, as the other end waits to be accepted and is never closed.
        client = socket.create_connection(("127.0.0.1", PORT))
        port = port_of(client)
        client.close()
        self.take_as(WITHOUT_PTRACE)
        [kernel] = [row for row in self.rows(protocol="udp") if row["local"]["port"] == 4789]
        self.check_reason(kernel, "kernel", r"\bvxlan vx0\b")
        orphan = self.connection(("127.0.0.1", port), ("127.0.0.1", PORT))
        self.assertEqual(orphan["state"], "FIN-WAIT-2")
        self.check_reason(orphan, "orphan")

    def test_a_ring_that_is_only_mapped(self):
        """Its descriptor is closed, and with it the way to what is registered: who maps it is a candidate, named as such."""
        def body(stage):
            os.setresuid(HOLDER_UID, 0, 0)
            sock = listener(PORT)
            inode = inode_of(sock)
            ring = io_uring([sock.fileno()])
            map_shared(ring, 4096)
            sock.close()
            os.close(ring)
            stage.report(inode)

        process, inode = actor(self, body)
        self.take()
        self.check_nobody(inode)
        self.check_listed(inode)
        row = self.row(inode)
        self.check_reason(row, "unreadable", "io_uring")
        self.assertIn(process.pid, [candidate["pid"] for candidate in row["ownerless_reason"]["candidates"]])


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "ip", "setpriv")
    sandbox.main()
