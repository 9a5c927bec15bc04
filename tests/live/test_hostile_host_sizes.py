"""More of everything than a host should have: each capped where it has no end, recorded where it was cut, and never at
the price of the collector's memory."""

import ctypes
import fcntl
import os
import resource
import socket
import struct
import threading

from support import sandbox, zstd_frames
from support.actors import (LIBC, TPACKET_V3, actor, checked, fork_staying, in_thread, inode_of, listener, own_file_table,
                            packet_ring)
from support.command_line import present_as_command_line
from support.hostile import HostileTest
from support.netns import MS_BIND, Netns, mount, own_mounts
from support.owners import unescape

PORT = 4001
MIB = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROT_READ, PROT_READ_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE = 1, 3, 2, 0x20, 0x4000
SIOCSIFNAME = 0x8923
MAX_CMDLINE_BYTES = 6 * MIB  # the collector's limits, as docs/sources.md names them
CMDLINE_BYTES = 1 << 30
# A million descriptors are some 50 processes that may have 20,000 each: SSNAP_TEST_FDS=1000000 makes so many.
FDS = int(os.environ.get("SSNAP_TEST_FDS", "150000"))
MOUNTS, MAPPINGS, THREADS, GROUPS = 3000, 50000, 3000, 65536
CGROUP_DEPTH, CGROUP_NAME = 16, "d" * 250  # 4,000 bytes: a path may have 4,096


def mapped(size_bytes):
    start = LIBC.mmap(None, size_bytes, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    assert start != ctypes.c_void_p(-1).value, "mmap"
    return start


class SizesTest(HostileTest):
    def members(self):
        with open(self.archive, "rb") as file:
            return zstd_frames.members_of(file.read())

    def test_the_command_line(self):
        def body(stage):
            start = mapped(CMDLINE_BYTES)
            ctypes.memset(start, ord("a"), 2 * MAX_CMDLINE_BYTES)
            present_as_command_line(start, start + CMDLINE_BYTES)
            stage.report(inode_of(stage.keep(listener(PORT))))

        process, inode = actor(self, body)
        self.run_capture()
        [gap] = self.gaps_of("cut")
        self.assertEqual((gap["source"], gap["pid"]), ("proc_pid", process.pid))
        self.assertIn(str(MAX_CMDLINE_BYTES), gap["detail"])
        self.check_no_gaps(but=[process.pid])
        self.assertEqual(self.members()[f"proc/{process.pid}/cmdline"], b"a" * MAX_CMDLINE_BYTES)
        self.assertEqual([owner["pid"] for owner in self.row(inode)["owners"]], [process.pid])

    def test_descriptors(self):
        """Of one socket, by the hundred thousand, and of some thousand others."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        each = min(hard, 20_000) - 64
        others = 500

        def holder(stage, sock, number):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            own = [stage.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(others)]
            for one in own:
                one.bind(("127.0.0.1", 0))
            for _ in range(each - others):
                os.dup(sock.fileno())
            stage.report([number, os.getpid(), sum(inode_of(int(fd)) == inode_of(sock) for fd in own_fds()),
                          [inode_of(one) for one in own]])

        def own_fds():
            return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]

        def body(stage):
            sock = stage.keep(listener(PORT))
            stage.report(inode_of(sock))
            for number in range(-(-FDS // each)):
                fork_staying(stage, lambda number=number: holder(stage, sock, number))

        parent, inode = actor(self, body)
        held = {parent.pid: 1}
        for _ in range(-(-FDS // each)):
            _, pid, count, own = parent.heard()
            held[pid] = count
        self.assertGreaterEqual(sum(held.values()) + others * len(held), FDS)
        self.run_capture()
        self.check_no_gaps()
        self.assertEqual({owner["pid"]: len(owner["fds"]) for owner in self.row(inode)["owners"]}, held)
        for one in own:
            self.assertEqual([owner["pid"] for owner in self.row(one)["owners"]], [pid])

    def test_mounts(self):
        """A namespace that is mounted last of thousands."""
        netns = Netns()
        self.addCleanup(netns.close)
        with netns.entered():
            sock = listener(PORT)
        self.addCleanup(sock.close)

        def body(stage):
            own_mounts()
            mount("none", self.folder, "tmpfs")
            for number in range(MOUNTS):
                target = self.path(f"{number}-{'m' * 200}")
                os.mkdir(target)
                mount(target, target, flags=MS_BIND)
            with open(self.path("last"), "wb"):
                pass
            mount(f"/proc/self/fd/{netns.fd}", self.path("last"), flags=MS_BIND)
            stage.report()

        process, _ = actor(self, body, [netns.fd])
        self.run_capture()
        self.check_no_gaps()
        self.assertEqual(self.members()[f"proc/{process.pid}/mountinfo"].count(b" " + self.folder.encode() + b"/"), MOUNTS + 1)
        [found] = [one for one in self.snapshot["namespaces"] if one["inode"] == netns.inode]
        self.assertEqual(found["name"], "last")
        self.assertEqual(self.row(inode_of(sock))["netns"]["inode"], netns.inode)

    def test_mappings(self):
        """A packet ring is looked for among them."""
        def body(stage):
            start = mapped(2 * MAPPINGS * PAGE_BYTES)
            for number in range(MAPPINGS // 2):
                checked(LIBC.mprotect(ctypes.c_void_p(start + 2 * number * PAGE_BYTES), ctypes.c_size_t(PAGE_BYTES), PROT_READ), "mprotect")
            stage.report(packet_ring(TPACKET_V3))

        process, inode = actor(self, body)
        self.run_capture()
        self.check_no_gaps()
        self.check_held(self.row(inode), {(process.pid, "mmap", None): []})
        self.assertGreater(self.members()[f"proc/{process.pid}/maps"].count(b"\n"), MAPPINGS - 1000)

    def test_threads(self):
        """Of thousands the one that has a table of its own."""
        def body(stage):
            threading.stack_size(64 * 1024)

            def odd():
                own_file_table()
                sock = stage.keep(listener(PORT))
                stage.report([inode_of(sock), threading.get_native_id(), sock.fileno()])
                threading.Event().wait()

            for number in range(THREADS):
                in_thread(odd if number == THREADS // 2 else threading.Event().wait)
            stage.report(len(os.listdir("/proc/self/task")))

        process, first = actor(self, body)
        second = process.heard()
        threads, (inode, tid, fd) = (first, second) if isinstance(first, int) else (second, first)
        self.assertEqual(threads, THREADS + 1)
        self.run_capture()
        self.check_no_gaps()
        self.check_held(self.row(inode), {(process.pid, "thread-fd", tid): [fd]})

    def test_groups(self):
        def body(stage):
            os.setgroups(range(100_000, 100_000 + GROUPS))
            stage.report(inode_of(stage.keep(listener(PORT))))

        process, inode = actor(self, body)
        self.run_capture()
        self.check_no_gaps()
        status = self.members()[f"proc/{process.pid}/status"]
        self.assertIn(f" {100_000 + GROUPS - 1} ".encode(), status)
        self.assertEqual([owner["pid"] for owner in self.row(inode)["owners"]], [process.pid])

    def test_the_path_of_a_cgroup(self):
        folder = self.path("cgroup2")
        os.mkdir(folder)
        mount("cgroup2", folder, "cgroup2")
        self.addCleanup(sandbox.LIBC.umount2, folder.encode(), 2)
        made = []
        parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, parent)

        def remove():
            for directory, name in reversed(made):
                sandbox.wait_until(lambda directory=directory, name=name: removed(directory, name), "the end of a cgroup")
                if directory != parent:
                    os.close(directory)

        def removed(directory, name):
            try:
                os.rmdir(name, dir_fd=directory)
            except OSError:
                return False
            return True

        at = parent
        for depth in range(CGROUP_DEPTH):
            name = f"{depth}-{os.path.basename(self.folder)}-{CGROUP_NAME}"[:250]
            os.mkdir(name, dir_fd=at)
            made.append((at, name))
            at = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        self.addCleanup(remove)

        def body(stage):
            with open(os.open("cgroup.procs", os.O_WRONLY, dir_fd=at), "w", encoding="ascii") as file:
                file.write("0")
            stage.report(inode_of(stage.keep(listener(PORT))))

        process, inode = actor(self, body, [at])
        os.close(at)
        self.run_capture()
        self.assertEqual([owner["pid"] for owner in self.row(inode)["owners"]], [process.pid])
        path = "/" + "/".join(name for _, name in made)
        self.assertGreater(len(path), 3900)
        self.assertIn(f"0::{path}\n".encode(), self.members()[f"proc/{process.pid}/cgroup"])
        self.check_no_gaps()

    def test_names_of_interfaces(self):
        names = [b"..a", b"\x1b[2J\x07", b"\xff\xfe\x80", b'"\\$(x)', b"-rf*?|;&", "ü€".encode()]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            old = b"lo"
            for name in names:
                fcntl.ioctl(sock, SIOCSIFNAME, struct.pack("16s16s8x", old, name))  # lo is up: since Linux 6.2 that is no matter
                self.check_interface(name)
                old = name
            fcntl.ioctl(sock, SIOCSIFNAME, struct.pack("16s16s8x", old, b"lo"))

    def check_interface(self, name):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        sock.bind(("127.0.0.1", 0))
        self.run_capture()
        self.check_no_gaps()
        members = self.members()
        [device] = [content for path, content in members.items() if path.endswith(f"netns/{self.netns}/proc/net/dev")]
        self.assertIn(name + b":", device)
        self.assertEqual([path for path in members if ".." in path.split("/") or not path.isprintable()], [])
        self.assertEqual(len([path for path in members if f"/{self.netns}/proc/net/dev_snmp6/" in path]), 1)
        self.assertEqual(self.row(inode_of(sock))["owners"][0]["pid"], os.getpid())

    def test_names_of_namespaces(self):
        names = [b"a b", b"new\nline", b"\\040", b"\xff\xfe", b"\x1b[2J", b"%2f..", b"n" * 255]
        made = []
        for name in names:
            netns = Netns()
            path = os.fsencode(self.folder) + b"/" + name
            with open(path, "wb"):
                pass
            mount(f"/proc/self/fd/{netns.fd}", path, flags=MS_BIND)
            self.addCleanup(sandbox.LIBC.umount2, path, 2)
            with netns.entered():
                sock = listener(PORT)
            self.addCleanup(sock.close)
            netns.close()
            made.append((netns.inode, name, inode_of(sock)))
        self.run_capture()
        self.check_no_gaps()
        found = {one["inode"]: one.get("name") for one in self.snapshot["namespaces"]}
        for netns, name, inode in made:
            self.assertEqual(self.row(inode)["netns"]["inode"], netns, name)
            self.assertEqual(unescape(found[netns]), name)


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main(own_processes=True)
