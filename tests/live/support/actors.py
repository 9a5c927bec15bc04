"""Processes of a test that do something odd with their descriptors, and then wait until the test ends."""

import ctypes
import json
import os
import socket
import struct
import threading
import time
import traceback

from support import sandbox

SYS_EXIT = 60 if os.uname().machine == "x86_64" else 93
SYS_IO_URING_SETUP, SYS_IO_URING_REGISTER = 425, 427
IORING_REGISTER_FILES = 2
CLONE_FILES = 0x400
PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36
SOL_PACKET, PACKET_RX_RING, PACKET_VERSION = 263, 5, 10
TPACKET_V2, TPACKET_V3 = 1, 2
PROT_READ, MAP_SHARED, MAP_FAILED = 1, 1, ctypes.c_void_p(-1).value

LIBC = sandbox.LIBC
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.syscall.restype = ctypes.c_long


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


class Stage:
    """The child's side: it tells the test, and waits for its word."""

    def __init__(self, report, life):
        self.report_fd, self.life_fd, self.kept = report, life, []

    def keep(self, thing):
        """Holds a socket as long as the process lives."""
        self.kept.append(thing)
        return thing

    def report(self, value=None):
        os.write(self.report_fd, json.dumps(value).encode() + b"\n")

    def wait(self):
        """Until the test says go(). False: it has ended."""
        return os.read(self.life_fd, 1) != b""

    def stay(self):
        while self.wait():
            pass


class Actor(sandbox.Child):
    """A forked child that runs `body(stage)` and then stays. Of the parent's descriptors it has 0 to 2 and `keep`. Its
    own children end when the test does if they stay() on its stage."""

    def __init__(self, body, keep=()):
        report_read, report_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                close_all_but({0, 1, 2, report_write, life_read, *keep})
                stage = Stage(report_write, life_read)
                body(stage)
                stage.stay()
            except BaseException:  # the test hears of it by the end of the pipe
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(report_write)
        os.close(life_read)
        super().__init__(pid, life_write)
        self.reports = os.fdopen(report_read, "rb")

    def heard(self):
        """The next thing it reports."""
        line = self.reports.readline()
        assert line, f"actor {self.pid} failed"
        return json.loads(line)

    def go(self):
        os.write(self.keep_alive, b".")

    def end(self):
        if self.reports.closed:
            return  # the test ended it already: its pid may be another's now
        self.reports.close()
        super().end()


def actor(test, body, keep=()):
    """Starts one that ends with the test. Returns (it, what it reported first)."""
    one = test.child(Actor(body, keep))
    return one, one.heard()


def close_all_but(keep):
    for fd in {int(name) for name in os.listdir("/proc/thread-self/fd")} - set(keep):
        try:
            os.close(fd)
        except OSError:
            pass  # the listing's own


def fork_staying(stage, body=lambda: None):
    """In an actor: a child of it, which ends with it. Returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            body()
            stage.stay()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    return pid


def listener(port=0, address="127.0.0.1", family=socket.AF_INET, backlog=8, reuse_port=False):
    sock = socket.socket(family)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def inode_of(sock):
    return os.fstat(sock if isinstance(sock, int) else sock.fileno()).st_ino


def port_of(sock):
    return sock.getsockname()[1]


def own_file_table():
    """Gives the calling thread a table of descriptors of its own, a copy."""
    sandbox.unshare(CLONE_FILES)


def in_thread(body):
    """Runs body() in a thread that lasts; it says itself when it is there."""
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


def set_comm(name):
    """Bytes, at most 15 of them."""
    checked(LIBC.prctl(PR_SET_NAME, name, 0, 0, 0), "prctl")


def become_subreaper():
    checked(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def exit_leader():
    """Ends the calling thread alone: of the main thread, a zombie remains while others live."""
    LIBC.syscall(SYS_EXIT, 0)


def stat_of(pid):
    """(state, ppid, session, start_ticks) by /proc/PID/stat."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19])


def start_ticks(pid):
    return stat_of(pid)[3]


def next_tick():
    """Waits until a process that starts now has another start time than one that did before."""
    first = time.clock_gettime(time.CLOCK_BOOTTIME)
    ticks_apart = 2 / os.sysconf("SC_CLK_TCK")
    sandbox.wait_until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) > first + ticks_apart, "the next tick")


def io_uring(fds):
    """A ring with `fds` registered in that order (-1: a place left free). Returns its descriptor."""
    ring = checked(LIBC.syscall(SYS_IO_URING_SETUP, 4, ctypes.create_string_buffer(120)), "io_uring_setup")
    files = struct.pack(f"={len(fds)}i", *fds)
    checked(LIBC.syscall(SYS_IO_URING_REGISTER, ring, IORING_REGISTER_FILES, files, len(fds)), "io_uring_register")
    return ring


def packet_ring(version, interface="lo"):
    """A packet socket with a ring, mapped. Returns (its inode); its descriptor is closed."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((interface, 0))
    sock.setsockopt(SOL_PACKET, PACKET_VERSION, version)
    geometry = struct.pack("=IIII", 4096, 4, 2048, 8)
    if version == TPACKET_V3:
        geometry += struct.pack("=III", 60, 0, 0)
    sock.setsockopt(SOL_PACKET, PACKET_RX_RING, geometry)
    return map_and_close(sock, 4 * 4096)


def map_shared(fd, size_bytes):
    if LIBC.mmap(None, size_bytes, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED:
        checked(-1, "mmap")


def map_and_close(sock, size_bytes):
    """Leaves nothing of a socket but a mapping. Returns its inode."""
    inode = inode_of(sock)
    map_shared(sock.fileno(), size_bytes)
    sock.close()
    return inode
