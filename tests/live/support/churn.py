"""Thousands of sockets that stay, in processes of their own, and processes that make and close others all the time."""

import json
import mmap
import os
import select
import socket
import struct

from . import sandbox
from .netns import sysctl

# Spread over processes: each stays far below the limit of open files.
TCP_HOLDERS, TCP_EACH = 4, 2000
UDP_HOLDERS, UDP_EACH = 1, 1500
UNIX_HOLDERS, UNIX_EACH = 3, 1500
LISTENERS_EACH = 200

TCP_CHURN_PORT = 9000
FIRST_TCP_PORT, FIRST_UDP_PORT = 10000, 20000  # below the ephemeral ports, which the churn uses
ADDRESSES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
FAMILIES = {socket.AF_INET: "inet", socket.AF_INET6: "inet6", socket.AF_UNIX: "unix"}
KINDS = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "dgram", socket.SOCK_SEQPACKET: "seqpacket"}
RESET_ON_CLOSE = struct.pack("=ii", 1, 0)


def describe(sock, protocol, state):
    """What a row of it must be: [inode, family, protocol, state, local address, local port, fd]."""
    address, port = (None, None) if sock.family == socket.AF_UNIX else sock.getsockname()[:2]
    return [os.fstat(sock.fileno()).st_ino, FAMILIES[sock.family], protocol, state, address, port, sock.fileno()]


def make_tcp(number):
    socks, rows = [], []

    def add(sock, state):
        socks.append(sock)
        rows.append(describe(sock, "tcp", state))

    listeners = []
    for index in range(LISTENERS_EACH):
        family = (socket.AF_INET, socket.AF_INET6)[index % 2]
        listener = socket.socket(family)
        listener.bind((ADDRESSES[family], FIRST_TCP_PORT + number * LISTENERS_EACH + index))
        listener.listen(4)
        listeners.append(listener)
        add(listener, "LISTEN")
    for index in range((TCP_EACH - LISTENERS_EACH) // 2):
        listener = listeners[index % len(listeners)]
        near = socket.socket(listener.family)
        near.connect(listener.getsockname()[:2])
        add(near, "ESTAB")
        add(listener.accept()[0], "ESTAB")
    return socks, rows


def make_udp(number):
    socks, rows = [], []
    for index in range(UDP_EACH):
        family = (socket.AF_INET, socket.AF_INET6)[index % 2]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((ADDRESSES[family], FIRST_UDP_PORT + number * UDP_EACH + index))
        connected = index % 4 >= 2
        if connected:
            sock.connect((ADDRESSES[family], 1))
        socks.append(sock)
        rows.append(describe(sock, "udp", "ESTAB" if connected else "UNCONN"))
    return socks, rows


def make_unix(number):
    socks, rows = [], []
    for index in range(UNIX_EACH // 10):
        for kind, protocol in KINDS.items():
            for sock in socket.socketpair(socket.AF_UNIX, kind):
                socks.append(sock)
                rows.append(describe(sock, protocol, "ESTAB"))
        for suffix in "ab":
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(f"\0stable-{number}-{index}-{suffix}")
            sock.listen(1)
            socks.append(sock)
            rows.append(describe(sock, "stream", "LISTEN"))
        for kind, protocol in ((socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "dgram")):
            sock = socket.socket(socket.AF_UNIX, kind)
            socks.append(sock)
            rows.append(describe(sock, protocol, "UNCONN"))
    return socks, rows


def churn_tcp():
    """Connects, accepts and closes; every other time in order, which leaves a TIME-WAIT, or by a reset."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", TCP_CHURN_PORT))
    listener.listen(64)
    while True:
        for orderly in (True, False):
            near = socket.socket()
            near.connect(("127.0.0.1", TCP_CHURN_PORT))
            far, _ = listener.accept()
            if not orderly:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            near.close()
            far.close()
            yield


def churn_unix():
    """Pairs, listeners and connections, several alive at a time: the tables' chains change under the dump."""
    alive = []
    number = 0
    while True:
        number += 1
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"\0churn-{number}")
        listener.listen(1)
        near = socket.socket(socket.AF_UNIX)
        near.connect(f"\0churn-{number}")
        alive.append((*socket.socketpair(), listener, near, listener.accept()[0]))
        if len(alive) > 32:
            for sock in alive.pop(0):
                sock.close()
        yield


def churn_udp():
    alive = []
    while True:
        for family, address in ADDRESSES.items():
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, 0))
            alive.append(sock)
        if len(alive) > 64:
            alive.pop(0).close()
            alive.pop(0).close()
        yield


class Worker(sandbox.Child):
    """A forked child that runs `work(life)` and ends when its pipe closes: when the test ends it, or dies."""

    def __init__(self, work):
        report_read, report_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(report_read)
                os.close(life_write)
                work(report_write, life_read)
            finally:
                os._exit(0)
        os.close(report_write)
        os.close(life_read)
        super().__init__(pid, life_write)
        self.report = os.fdopen(report_read, "rb")


def holder(make, number):
    def work(report, life):
        socks, rows = make(number)
        data = json.dumps(rows).encode()
        while data:
            data = data[os.write(report, data):]
        os.close(report)
        os.read(life, 1)
        del socks

    worker = Worker(work)
    with worker.report as report:
        worker.rows = json.loads(report.read())
    return worker


def churner(steps, counters, index):
    def work(report, life):
        os.close(report)
        poll = select.poll()
        poll.register(life, select.POLLIN)
        for number, _ in enumerate(steps()):
            struct.pack_into("=Q", counters, 8 * index, number)
            if number % 16 == 0 and poll.poll(0):
                return

    worker = Worker(work)
    worker.report.close()
    return worker


def churn_processes():
    """Processes that end at once, that have a socket, and that run another program."""
    while True:
        for argv in (None, ["/bin/true"]):
            pid = os.fork()
            if pid == 0:
                near, far = socket.socketpair()
                if argv:
                    os.execv(argv[0], argv)
                near.close()
                far.close()
                os._exit(0)
            os.waitpid(pid, 0)
        yield


SOCKETS = (churn_tcp, churn_unix, churn_udp)


def start(test, churns=SOCKETS):
    """Starts them; returns a function that tells how far each has come."""
    # Bounded, or the time-wait entries would eat up the ports, and with them the machine.
    sysctl("ipv4/tcp_max_tw_buckets", 2000)
    sysctl("ipv4/tcp_tw_reuse", 1)
    counters = mmap.mmap(-1, 64)
    test.addCleanup(counters.close)
    for index, steps in enumerate(churns):
        test.child(churner(steps, counters, index))

    def counts():
        return struct.unpack_from(f"={len(churns)}Q", counters)

    sandbox.wait_until(lambda: min(counts()) > 100, "the churn")
    return counts
