"""Processes that hold sockets of all kinds, each process in its own way, and one that makes and ends them all the time."""

import os
import socket
import threading

from support import sandbox
from support.actors import (TPACKET_V3, actor, exit_leader, fork_staying, in_thread, inode_of, io_uring, listener, own_file_table,
                            packet_ring, stat_of)

FIRST_PORT = 10000  # below the ephemeral ports, which the churn uses


def some_of_everything(stage, number):
    """Sockets of all kinds, as `[inode, via, tid, fd]` each."""
    port = FIRST_PORT + 2 * number
    server = stage.keep(listener(port))
    near = stage.keep(socket.create_connection(("127.0.0.1", port)))
    socks = [server, near, stage.keep(server.accept()[0]), *map(stage.keep, socket.socketpair())]
    for family, kind, protocol, address in ((socket.AF_INET, socket.SOCK_DGRAM, 0, ("127.0.0.1", port)),
                                            (socket.AF_INET6, socket.SOCK_DGRAM, 0, ("::", port)),
                                            (socket.AF_UNIX, socket.SOCK_DGRAM, 0, f"\0busy-{number}"),
                                            (socket.AF_INET, socket.SOCK_RAW, 89, ("127.0.0.1", 0)),
                                            (socket.AF_NETLINK, socket.SOCK_RAW, 0, (0, 1)),
                                            (socket.AF_PACKET, socket.SOCK_DGRAM, 0, ("lo", 0))):
        sock = stage.keep(socket.socket(family, kind, protocol))
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        socks.append(sock)
    return [[inode_of(sock), "fd", None, sock.fileno()] for sock in socks]


def plain(stage, number):
    stage.report([os.getpid(), some_of_everything(stage, number), []])


def with_children(stage, number):
    """A prefork server: all of its sockets are its children's as well."""
    held = some_of_everything(stage, number)
    stage.report([os.getpid(), held, [fork_staying(stage) for _ in range(3)]])


def with_a_ring(stage, number):
    held = some_of_everything(stage, number)
    sock = listener(FIRST_PORT + 2 * number + 1)
    inode = inode_of(sock)
    ring = io_uring([sock.fileno()])
    sock.close()
    stage.report([os.getpid(), [*held, [inode, "io_uring", None, ring], [packet_ring(TPACKET_V3), "mmap", None, None]], []])


def with_a_thread(stage, number):
    """What the thread has in its own table is there alone."""
    def thread():
        own_file_table()
        sock = stage.keep(listener(FIRST_PORT + 2 * number + 1))
        stage.report([os.getpid(), [[inode_of(sock), "thread-fd", threading.get_native_id(), sock.fileno()]], []])
        threading.Event().wait()

    in_thread(thread)


def without_a_leader(stage, number):
    def thread():
        held = some_of_everything(stage, number)
        tid = threading.get_native_id()
        stage.report([os.getpid(), [[inode, "thread-fd", tid, fd] for inode, _, _, fd in held], []])
        stage.stay()
        os._exit(0)

    in_thread(thread)
    exit_leader()


WAYS = (plain, plain, with_children, plain, with_a_ring, plain, with_a_thread, without_a_leader)


def churn(stage):
    """Connections, pairs and listeners, some alive at a time, until the test ends."""
    stage.report()
    server = listener(FIRST_PORT - 1, backlog=64)
    alive = []
    while True:
        near = socket.create_connection(("127.0.0.1", FIRST_PORT - 1))
        alive.append([near, server.accept()[0], *socket.socketpair(), listener(),
                      socket.socket(socket.AF_INET, socket.SOCK_DGRAM)])
        if len(alive) > 16:
            for sock in alive.pop(0):
                sock.close()


def populate(test, number_of_processes):
    """In the namespace of the calling thread. Returns {inode: {(pid, via, tid): fds}}."""
    held, zombies = {}, []
    for number in range(number_of_processes):
        way = WAYS[number % len(WAYS)]
        process, (pid, socks, children) = actor(test, lambda stage, way=way, number=number: way(stage, number))
        if way is without_a_leader:
            zombies.append(process.pid)
        for inode, via, tid, fd in socks:
            assert inode not in held
            held[inode] = {(holder, via, tid): [] if fd is None else [fd] for holder in (pid, *children)}
    for pid in zombies:
        sandbox.wait_until(lambda pid=pid: stat_of(pid)[0] == "Z", "the leader's end")
    return held
