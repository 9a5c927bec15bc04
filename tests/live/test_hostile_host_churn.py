"""A host that doesn't stand still: processes that fork, execute and start threads faster than they can be read, beside
others that stay. The capture ends while they go on, and has those that stay."""

import os
import socket
import threading

from support import sandbox
from support.actors import actor, checked, in_thread, inode_of, listener, own_file_table, start_ticks
from support.hostile import HostileTest

PORT = 4001
CLONE_NEWPID = 0x20000000
STAYING, BOMBERS = 12, 16
# Executes itself, with the same pid and descriptors, without end.
EXEC_LOOP = 'exec sh -c "$0" "$0"'


class ChurnTest(HostileTest):
    def stay(self):
        """Processes that hold a socket each. Returns {inode: {(pid, via, tid): fds}}."""
        held = {}
        for number in range(STAYING):
            process, (inode, fd) = actor(self, lambda stage, number=number: self.hold(stage, PORT + number))
            held[inode] = {(process.pid, "fd", None): [fd]}
        return held

    @staticmethod
    def hold(stage, port):
        sock = stage.keep(listener(port))
        stage.report([inode_of(sock), sock.fileno()])

    def check(self, held, **explained):
        self.check_no_gaps()
        self.check_all_held(self.rows(), held)
        self.check_all_explained(**explained)

    def test_a_fork_bomb(self):
        """Each child forks the next two generations and ends, with sockets in hand; pids are used again and again."""
        counted, count = os.pipe()

        def bomb(stage):
            checked(sandbox.LIBC.unshare(CLONE_NEWPID), "unshare")
            if os.fork() == 0:  # the first of the namespace: all others end with it
                for _ in range(BOMBERS):
                    if os.fork() == 0:
                        self.explode(count)
                stage.report()
                stage.stay()
                os._exit(0)

        held = self.stay()
        bomber, _ = actor(self, bomb, [count])
        os.close(count)
        os.set_blocking(counted, False)
        self.addCleanup(os.close, counted)
        exploded = self.drain(counted)
        sandbox.wait_until(lambda: self.drain(counted) > 0, "the bomb")
        self.run_capture()
        exploded = self.drain(counted)
        sandbox.wait_until(lambda: self.drain(counted) > 0, "more of the bomb, after the capture")
        self.assertGreater(exploded, 0, "it went on beside the capture")
        # Whoever held a socket of the bomb may have come after the first list of processes and ended before the next.
        self.check(held, never=("unreadable",))
        self.assertIn(bomber.pid, self.processes)

    def explode(self, count):
        while True:
            if os.fork() == 0:
                try:
                    kept = socket.socketpair(), listener()
                    if os.fork() == 0:
                        os.write(count, b".")
                        os._exit(len(kept) - 2)
                    os.wait()
                finally:
                    os._exit(0)
            os.wait()

    @staticmethod
    def drain(fd):
        total = 0
        while True:
            try:
                total += len(os.read(fd, 1 << 16))
            except BlockingIOError:
                return total

    def test_executing_all_the_time(self):
        """It is one process, by its pid and start, whatever it is called now."""
        sock = listener(PORT + STAYING)
        inode, fd = inode_of(sock), sock.fileno()

        def body(stage):
            os.set_inheritable(fd, True)
            stage.report()
            os.execvp("sh", ["sh", "-c", EXEC_LOOP, EXEC_LOOP])

        process, _ = actor(self, body, [fd])
        sandbox.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith("sh"), "the loop")
        sock.close()
        ticks = start_ticks(process.pid)
        held = self.stay() | {inode: {(process.pid, "fd", None): [fd]}}
        self.run_capture()
        self.check(held)
        self.assertEqual(self.row(inode)["owners"][0]["start_ticks"], ticks)

    def test_threads_that_come_and_go(self):
        """Beside one that stays, with a table of its own."""
        def body(stage):
            def odd():
                own_file_table()
                sock = stage.keep(listener(PORT + STAYING))
                stage.report([inode_of(sock), threading.get_native_id(), sock.fileno()])
                threading.Event().wait()

            def spawn():
                while True:
                    in_thread(own_file_table).join()

            in_thread(odd)
            for _ in range(4):
                in_thread(spawn)

        held = self.stay()
        process, (inode, tid, fd) = actor(self, body)
        held[inode] = {(process.pid, "thread-fd", tid): [fd]}
        self.run_capture()
        self.check(held)


if __name__ == "__main__":
    sandbox.main(own_processes=True)
