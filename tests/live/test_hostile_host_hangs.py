"""Reads that never come back: a process whose memory lock is held for good, and files of a file system that has stopped
answering. Each is given up at its deadline and said to be so; everything else is as complete as ever."""

import os
import re
import shutil
import threading

from support import sandbox, strace
from support.actors import LIBC, actor, fork_staying, in_thread, inode_of, listener, stat_of
from support.command_line import present_as_command_line
from support.fuse import READ, DeadMount
from support.hostile import HostileTest
from support.netns import MS_BIND, Netns, mount

PORT = 4001
DEADLINE = ("--read-timeout", "1")
EREMOTE = 66
# Calls that go through a link of another process unless told not to.
FOLLOWING = {"open", "openat", "openat2", "stat", "lstat", "newfstatat", "fstatat64", "statx", "statfs", "access", "faccessat", "faccessat2"}
THROUGH = re.compile(r"/\d+/(task/\d+/)?(fd/\d+|exe|cwd|root)(/|$)")
PROT_READ, MAP_PRIVATE = 1, 2
MANY = 10


class HangsTest(HostileTest):
    def dead_mount(self, content=b"x" * 4096):
        return DeadMount(self, self.path("fuse"), content)

    def locked_page(self):
        """A file whose first page is being read, for good: who maps it for writing waits for that page, with its own
        memory lock held."""
        dead = self.dead_mount()
        dead.hold(READ)

        def reader(stage):
            fd = os.open(dead.file, os.O_RDONLY)
            stage.report()
            try:
                os.read(fd, 1)
            except OSError:
                pass  # the daemon has ended

        actor(self, reader)
        dead.heard_held(READ)
        dead.end_first()
        return dead

    @staticmethod
    def map_for_good(fd):
        LIBC.mmap(None, 4096, PROT_READ, MAP_PRIVATE, fd, 0)

    def locked_process(self, dead):
        """Its second thread holds the memory lock. Returns (pid, [inode of its listener, fd])."""
        def body(stage):
            sock = stage.keep(listener(PORT))
            fd = os.open(dead.file, os.O_RDWR)

            def thread():
                stage.report([inode_of(sock), sock.fileno(), threading.get_native_id()])
                self.map_for_good(fd)

            in_thread(thread)

        process, (inode, fd, tid) = actor(self, body)
        dead.end_first()
        self.wait_for_the_lock(process.pid, tid)
        return process.pid, inode, fd

    def wait_for_the_lock(self, pid, tid):
        sandbox.wait_until(lambda: stat_of(f"{pid}/task/{tid}")[0] == "D", "the wait for the page")

    def check_hung(self, pids, source="proc_pid", file="cmdline"):
        """These reads, and no others, were given up."""
        gaps = self.gaps_of("timeout", source=source)
        self.assertEqual(sorted(gap["pid"] for gap in gaps), sorted(pids))
        for gap in gaps:
            self.assertIn(f"/{file}", gap["member"])

    def test_the_memory_lock(self):
        dead = self.locked_page()
        pid, inode, fd = self.locked_process(dead)
        bystander, other = actor(self, lambda stage: stage.report(inode_of(stage.keep(listener(PORT + 1)))))
        self.run_capture(*DEADLINE)
        self.check_hung([pid])
        self.check_no_gaps(but=[pid])
        # All but its command line is there, and everything of the others.
        self.check_held(self.row(inode), {(pid, "fd", None): [fd]})
        self.assertEqual(self.processes[pid]["comm"], self.processes[bystander.pid]["comm"])
        self.assertTrue(self.processes[pid]["exe"])
        self.assertNotIn("cmdline", self.processes[pid])
        self.assertTrue(self.processes[bystander.pid]["cmdline"])
        self.assertEqual([owner["pid"] for owner in self.row(other)["owners"]], [bystander.pid])

    def test_the_memory_lock_of_many(self):
        """More than the readers there are, on one thread: each is given up, and the rest is read."""
        dead = self.locked_page()

        def body(stage):
            fd = os.open(dead.file, os.O_RDWR)
            stage.report([fork_staying(stage, lambda: self.map_for_good(fd)) for _ in range(MANY)])

        parent, pids = actor(self, body)
        dead.end_first()
        for pid in pids:
            self.wait_for_the_lock(pid, pid)
        last, inode = actor(self, lambda stage: stage.report(inode_of(stage.keep(listener(PORT)))))
        self.run_capture(*DEADLINE, "--threads", "1")
        self.check_hung(pids)
        self.check_no_gaps(but=pids)
        self.assertLessEqual({parent.pid, last.pid, *pids}, set(self.processes))
        self.assertEqual([owner["pid"] for owner in self.row(inode)["owners"]], [last.pid])

    def test_files_that_do_not_answer(self):
        """An executable, a working folder, descriptors and a command line on a file system that has died: they are named,
        not touched."""
        with open(shutil.which("sleep"), "rb") as file:
            dead = self.dead_mount(file.read())
        fifo = self.path("fifo")
        os.mkfifo(fifo)

        def executed(stage):
            os.chdir(dead.folder)
            for fd in (os.open(dead.file, os.O_RDONLY), os.open(".", os.O_RDONLY | os.O_DIRECTORY), os.open(fifo, os.O_RDWR), *os.openpty()):
                os.set_inheritable(fd, True)
            sock = listener(PORT)
            os.set_inheritable(sock.fileno(), True)
            stage.report([inode_of(sock), sock.fileno()])
            os.execv(dead.file, [dead.file, "1000000"])

        def mapped(stage):
            """Its command line is a part of the file: the kernel doesn't read such a one for others (Linux 4.17)."""
            fd = os.open(dead.file, os.O_RDONLY)
            start = LIBC.mmap(None, 4096, PROT_READ, MAP_PRIVATE, fd, 0)
            present_as_command_line(start, start + 4096)
            stage.report()

        process, (inode, fd) = actor(self, executed)
        sandbox.wait_until(lambda: stat_of(process.pid)[0] == "S" and os.readlink(f"/proc/{process.pid}/exe") == dead.file, "the sleep")
        other, _ = actor(self, mapped)
        dead.end_first()
        dead.hold()
        self.run_capture(*DEADLINE)
        self.check_no_gaps()
        self.check_held(self.row(inode), {(process.pid, "fd", None): [fd]})
        self.assertEqual((self.processes[process.pid]["exe"], self.processes[process.pid]["cmdline"]), (dead.file, [dead.file, "1000000"]))
        self.assertFalse(self.processes[other.pid].get("cmdline"))
        _, calls = strace.run(self.path("strace.log"), "capture", "-o", self.path("traced.tar.zst"))
        followed = [str(call) for call in calls if call.name in FOLLOWING and call.path and THROUGH.search(call.path)
                    and not call.path.endswith("/self/exe") and "O_NOFOLLOW|O_PATH" not in call.arguments
                    and "AT_SYMLINK_NOFOLLOW" not in call.arguments]
        self.assertEqual(followed, [])
        self.assertEqual([str(call) for call in calls if call.name not in ("read", "readlinkat") and (call.path or "").startswith(dead.folder)], [])

    def test_a_namespace_below_a_dead_mount(self):
        """The path to it would wait for good, out of reach of any signal: it is not taken, and that is said."""
        dead = self.dead_mount()
        netns = Netns()
        mount(f"/proc/self/fd/{netns.fd}", dead.file, flags=MS_BIND)
        self.addCleanup(LIBC.umount2, dead.file.encode(), 2)
        dead.end_first()
        inode = netns.inode
        netns.close()
        dead.hold()
        self.run_capture(*DEADLINE)
        gaps = [gap for gap in self.gaps if gap.get("netns") == inode]
        self.assertTrue(gaps)
        self.assertEqual({(gap["kind"], gap["errno"]) for gap in gaps}, {("cut", EREMOTE)})
        self.assertEqual(self.gaps_of("timeout"), [])


if __name__ == "__main__":
    sandbox.need("strace", "unshare")
    sandbox.main(own_processes=True)
