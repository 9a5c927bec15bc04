"""Pids mean something only within a namespace and a life: processes of inner namespaces seen from outside, an outer
process's socket seen from inside, and a pid that was used again while the capture ran."""

import os
import signal
import socket
import subprocess

from support import sandbox
from support.actors import Actor, actor, fork_staying, inode_of, listener, next_tick, set_comm, start_ticks, stat_of
from support.owners import OwnersTest
from support.ssnap import SSNAP, analyze_json
from support.tools import Tools

PORT = 4001
CLONE_NEWPID = 0x20000000
INSIDE = ("unshare", *([] if sandbox.root_is_a_mount() else ["--propagation", "unchanged"]), "--pid", "--fork", "--kill-child", "--mount-proc", "--")


def ns_pids(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return next([int(word) for word in line.split()[1:]] for line in file if line.startswith("NSpid:"))


class NamespacesTest(OwnersTest):
    def test_a_new_pid_namespace(self):
        def body(stage):
            sandbox.unshare(CLONE_NEWPID)

            def first():
                sock = stage.keep(listener(PORT))
                stage.report([inode_of(sock), sock.fileno(), os.getpid()])

            stage.report(fork_staying(stage, first))

        process, *told = actor(self, body)
        told.append(process.heard())
        # The two report in any order.
        outer = next(value for value in told if isinstance(value, int))
        inode, fd, inner = next(value for value in told if isinstance(value, list))
        self.assertEqual(inner, 1)
        # The lists are the same as far as this one's go: it may itself be in an inner namespace.
        self.assertEqual(ns_pids(outer)[-1], 1)
        self.take()
        self.assertEqual(self.tools.shown(inode)["ss"], {outer})
        self.check_held(self.row(inode), {(outer, "fd", None): [fd]})
        self.assertEqual(self.processes[outer]["ns_pids"], ns_pids(outer))
        self.assertEqual(self.processes[outer]["ppid"], process.pid)
        # Two processes are 1 in theirs: only the outer number and the start tell them apart.
        self.assertEqual(self.processes[os.getpid()]["pid"], os.getpid())
        self.assertNotEqual(self.processes[outer]["namespaces"]["pid"], self.processes[process.pid]["namespaces"]["pid"])

    def test_from_inside_of_a_socket_outside(self):
        sock = listener(PORT)
        self.addCleanup(sock.close)
        inside = self.child(sandbox.exec_holder([], (*INSIDE, "/bin/cat")))
        self.tools = Tools(INSIDE)
        self.check_nobody(inode_of(sock))
        self.check_nobody(f":{PORT}")
        self.check_listed(inode_of(sock))
        self.archive = self.path("inside.tar.zst")
        run = subprocess.run([*INSIDE, SSNAP, "capture", "-o", self.archive], stdin=subprocess.DEVNULL, capture_output=True)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.snapshot = analyze_json(self, self.archive)
        row = self.row(inode_of(sock))
        self.assertEqual(row["owners"], [])
        self.check_reason(row, "other-pid-namespace", "pid namespace")
        self.assertNotIn(inside.pid, [process["pid"] for process in self.snapshot["processes"]])

    def test_from_inside_of_a_socket_inside(self):
        """Its owner is there, by the number that it has inside."""
        self.archive = self.path("inside.tar.zst")
        sock = listener(PORT)
        inode, fd = inode_of(sock), sock.fileno()
        # The shell holds it, and the capture does: it is handed down.
        run = subprocess.run([*INSIDE, "sh", "-c", '"$0" "$@"; exit $?', SSNAP, "capture", "-o", self.archive], pass_fds=[fd],
                             stdin=subprocess.DEVNULL, capture_output=True)
        sock.close()
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.snapshot = analyze_json(self, self.archive)
        owners = {owner["pid"]: owner for owner in self.row(inode)["owners"]}
        self.assertIn(1, owners)
        self.assertEqual(owners[1]["fds"], [fd])
        self.assertEqual(owners[1]["comm"], "sh")


class ReusedPidTest(OwnersTest):
    """The old process ends and the new one begins between the two walks of the fd tables: the capture is stopped as it
    opens the third file of the old one's folder, its status: the fds have been read, and the walk is not over."""

    def stopped_capture(self, pid):
        """Runs until then. strace's log says so, and every thread is stopped."""
        self.log = self.path("strace.log")
        paths = [word for path in (f"/proc/{pid}", f"/{pid}") for word in ("-P", path)]
        self.archive = self.path("reused.tar.zst")
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", self.log, *paths, "-e", "trace=openat",
                                   "-e", "inject=openat:signal=SIGSTOP:when=3", SSNAP, "capture", "-o", self.archive],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, tracer)
        sandbox.wait_until(lambda: self.stops() > 0 or tracer.poll() is not None, "the stop")
        self.assertIsNone(tracer.poll(), "it ran to its end")
        [traced] = self.children(tracer.pid)
        sandbox.wait_until(lambda: self.is_stopped(traced), "the stop of every thread")
        return tracer, traced

    def end(self, tracer):
        if tracer.returncode is None:
            tracer.kill()
            tracer.communicate()

    def children(self, parent):
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and stat_of(pid)[1] == parent]

    def stops(self):
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read().count("stopped by SIGSTOP")

    def is_stopped(self, pid):
        for tid in os.listdir(f"/proc/{pid}/task"):
            if stat_of(f"{pid}/task/{tid}")[0] not in "tT":
                return False
        return True

    def run_on(self, tracer, traced):
        """Each thread is stopped once more if it opens such files itself."""
        while tracer.poll() is None:
            try:
                if self.is_stopped(traced):
                    os.kill(traced, signal.SIGCONT)
                tracer.wait(0.05)
            except (subprocess.TimeoutExpired, FileNotFoundError, ProcessLookupError):
                pass
        output = tracer.communicate()
        self.assertIn(tracer.returncode, (0, 3), output)

    def start_at(self, pid, body, keep):
        """An actor with that pid, in this pid namespace, where nothing else forks now."""
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
        one = Actor(body, keep)
        self.addCleanup(one.end)
        one.heard()
        self.assertEqual(one.pid, pid, "the scene is not made")
        return one

    def test_used_again(self):
        # Both sockets are there all the time: this process holds them too.
        before, after = listener(PORT), listener(PORT + 1)
        both = listener(PORT + 2)
        for sock in (before, after, both):
            self.addCleanup(sock.close)

        def body(name):
            def run(stage):
                set_comm(name)
                stage.report()
            return run

        old = Actor(body(b"before"), [before.fileno(), both.fileno()])
        old.heard()
        old_ticks = start_ticks(old.pid)
        next_tick()
        tracer, traced = self.stopped_capture(old.pid)
        old.end()
        new = self.start_at(old.pid, body(b"after"), [after.fileno(), both.fileno()])
        new_ticks = start_ticks(new.pid)
        self.assertGreater(new_ticks, old_ticks)
        self.run_on(tracer, traced)

        self.snapshot = analyze_json(self, self.archive)
        shown = Tools().shown(inode_of(before))
        self.assertNotIn(old.pid, shown["ss"], "the tools know the new one only")
        me = (os.getpid(), start_ticks(os.getpid()))
        for sock, holders in ((before, [(old.pid, old_ticks, "before")]), (after, [(old.pid, new_ticks, "after")]),
                              (both, [(old.pid, old_ticks, "before"), (old.pid, new_ticks, "after")])):
            row = self.row(inode_of(sock))
            self.assertEqual([(owner["pid"], owner["start_ticks"], owner["comm"]) for owner in row["owners"]
                              if owner["pid"] != os.getpid()], holders, "told apart by the start")
            self.assertEqual([(owner["pid"], owner["start_ticks"]) for owner in row["owners"]
                              if owner["pid"] == os.getpid()], [me])
            self.assertEqual({tuple(owner["fds"]) for owner in row["owners"]}, {(sock.fileno(),)})
        said = [(process["start_ticks"], process["comm"], process["ppid"]) for process in self.snapshot["processes"]
                if process["pid"] == old.pid]
        self.assertEqual(said, [(old_ticks, "before", os.getpid()), (new_ticks, "after", os.getpid())])

    def test_ended_without_a_successor(self):
        """Its socket went with it: it had an owner when the first walk came by."""
        old, (inode, fd) = actor(self, self.held_by_old)
        old_ticks = start_ticks(old.pid)
        tracer, traced = self.stopped_capture(old.pid)
        old.end()
        self.run_on(tracer, traced)
        self.snapshot = analyze_json(self, self.archive)
        row = self.row(inode)
        self.assertEqual(row["presence"], "went")
        self.assertEqual([(owner["pid"], owner["start_ticks"], owner["fds"]) for owner in row["owners"]],
                         [(old.pid, old_ticks, [fd])])

    @staticmethod
    def held_by_old(stage):
        sock = stage.keep(listener(PORT))
        stage.report([inode_of(sock), sock.fileno()])

    def test_made_meanwhile(self):
        """The only one of its table, and of a process whose fds had been read: the later walk sees it, or it is said to
        have come too late."""
        old, _ = actor(self, self.held_by_old)
        tracer, traced = self.stopped_capture(old.pid)
        late = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(late.close)
        late.bind(("127.0.0.1", PORT))
        self.run_on(tracer, traced)
        self.snapshot = analyze_json(self, self.archive)
        row = self.row(inode_of(late))
        self.assertEqual(row["presence"], "came")
        if row["owners"]:
            self.check_held(row, {(os.getpid(), "fd", None): [late.fileno()]})
        else:
            self.check_reason(row, "gone")


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "strace", "unshare", "sh")
    sandbox.main(own_processes=True)
