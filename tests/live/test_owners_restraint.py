"""What the capture reads to find owners, and no more: fdinfo of rings and of UNIX sockets that may have descriptors on
their way, maps where a packet or TCP socket has no holder otherwise, a thread's table where it is another one."""

import os
import re
import socket
import threading

from support import sandbox, strace, zstd_frames
from support.actors import (TPACKET_V3, actor, in_thread, inode_of, io_uring, listener, own_file_table, packet_ring)
from support.owners import OwnersTest
from support.ssnap import analyze_json

PORT = 4001
# Of an absolute path, or one within a procfs that is mounted nowhere.
PROC_FILE = re.compile(r"^(?:/proc)?/(\d+)/(.*)$")


class RestraintTest(OwnersTest):
    def trace(self):
        """The files of /proc/PID that it opened, as (pid, the rest of the path), and the archive's members."""
        self.archive = self.path("a.tar.zst")
        run, calls = strace.run(self.path("strace.log"), "capture", "-o", self.archive)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        opened = set()
        for call in calls:
            if call.name == "openat" and call.result >= 0 and call.path:
                match = PROC_FILE.match(call.path)
                if match:
                    opened.add((int(match[1]), match[2]))
        with open(self.archive, "rb") as file:
            self.members = set(zstd_frames.members_of(file.read()))
        self.snapshot = analyze_json(self, self.archive)
        self.assertTrue(any(rest.endswith("fd") for _, rest in opened), "the walk was seen")
        return opened

    def everyday(self, stage):
        """Every kind of descriptor, threads that share the table, and nothing odd."""
        stage.keep([listener(PORT), *socket.socketpair(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), os.pipe(),
                    os.eventfd(0), os.memfd_create("x"), os.open("/dev/null", os.O_RDONLY),
                    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))])
        for _ in range(3):
            in_thread(threading.Event().wait)
        stage.report(sorted(int(fd) for fd in os.listdir("/proc/self/fd")))

    def test_an_everyday_process(self):
        process, fds = actor(self, self.everyday)
        self.assertGreater(len(fds), 8)
        opened = self.trace()
        self.assertEqual([path for path in opened if re.search(r"(^|/)(maps|smaps|environ|mem|fdinfo/.*)$", path[1])], [])
        self.assertEqual([name for name in self.members if re.search(r"/(maps|fdinfo/.*|task/.*)$", name)], [])
        self.assertTrue(any(name.startswith(f"proc/{process.pid}/") for name in self.members))
        self.check_all_explained()

    def test_a_ring(self):
        """Of all fds the ring's fdinfo alone."""
        def body(stage):
            sock = listener(PORT + 1)
            ring = io_uring([sock.fileno()])
            inode = inode_of(sock)
            sock.close()
            self.everyday(stage)
            stage.report([inode, ring])

        process, _ = actor(self, body)
        inode, ring = process.heard()
        opened = self.trace()
        self.assertEqual({path for path in opened if "fdinfo/" in path[1]}, {(process.pid, f"fdinfo/{ring}")})
        self.assertIn(f"proc/{process.pid}/fdinfo/{ring}", self.members)
        self.assertEqual([path for path in opened if path[1].endswith("maps")], [])
        self.check_held(self.row(inode), {(process.pid, "io_uring", None): [ring]})

    def test_a_mapping(self):
        """Where a packet socket has no holder, who maps it is looked for; no more than that is kept."""
        bystander, _ = actor(self, self.everyday)
        process, inode = actor(self, lambda stage: stage.report(packet_ring(TPACKET_V3)))
        self.trace()
        self.assertEqual([name for name in self.members if name.endswith("/maps")], [f"proc/{process.pid}/maps"])
        self.assertNotIn(f"proc/{bystander.pid}/maps", self.members)
        self.check_held(self.row(inode), {(process.pid, "mmap", None): []})

    def test_a_thread(self):
        def body(stage):
            def thread():
                own_file_table()
                stage.report([threading.get_native_id(), inode_of(stage.keep(listener(PORT)))])
                threading.Event().wait()

            in_thread(threading.Event().wait)
            in_thread(thread)

        process, (tid, inode) = actor(self, body)
        bystander, _ = actor(self, self.everyday_with_threads)
        self.trace()
        self.assertEqual({name for name in self.members if re.search(r"/task/\d+/fds$", name)},
                         {f"proc/{process.pid}/task/{tid}/fds"})
        self.assertEqual([name for name in self.members if name.startswith(f"proc/{bystander.pid}/task/")], [])
        self.check_held(self.row(inode), {(process.pid, "thread-fd", tid): self.row(inode)["owners"][0]["fds"]})

    def everyday_with_threads(self, stage):
        for _ in range(5):
            in_thread(threading.Event().wait)
        stage.report()


if __name__ == "__main__":
    sandbox.need("strace", "zstd")
    sandbox.main(own_processes=True)
