"""A kernel of old, as far as a filter can make one of this: later system calls are answered with ENOSYS, and for Linux 2.6.32
netlink sockets of NETLINK_SOCK_DIAG lead to a stand-in that knows no dumps by family."""

import array
import collections
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading

from support.diag import NETLINK_SOCK_DIAG, NLMSG_DONE, NLMSG_ERROR, SOCK_DIAG_BY_FAMILY
from support.sandbox import LIBC

X86 = os.uname().machine == "x86_64"
# The last call of each kernel's table (arch/x86/entry/syscalls/syscall_64.tbl; others: include/uapi/asm-generic/unistd.h).
# There is no aarch64 before Linux 3.7.
LAST_CALLS = {"3.10": 313 if X86 else 273} | ({"2.6.32": 298} if X86 else {})
NEWFSTATAT, SOCKET, SECCOMP, AT_EMPTY_PATH = 262, 41, 317 if X86 else 277, 0x1000
TCPDIAG_GETSOCK, NLM_F_MULTI = 18, 2

# include/uapi/linux/filter.h, seccomp.h
LOAD, IF_EQUAL, IF_GREATER, IF_SET, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
ALLOW, ERRNO, NOTIFY = 0x7fff0000, 0x00050000, 0x7fc00000
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_ADDFD_FLAG_SEND = 1, 8, 2
NOTIFICATION = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
ADDITION = struct.Struct("=QIIII")         # struct seccomp_notif_addfd
NOTIF_RECV, NOTIF_ADDFD = (3 << 30 | NOTIFICATION.size << 16 | 0x2100), (1 << 30 | ADDITION.size << 16 | 0x2103)


def argument(index):
    return 16 + 8 * index  # its low half in struct seccomp_data


def add_filter(rows, flags=0):
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    fprog = struct.pack("=H6xQ", len(rows), ctypes.addressof(program))
    result = LIBC.syscall(SECCOMP, SECCOMP_SET_MODE_FILTER, flags, fprog)
    if result < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return result


def refuse_later_calls(release):
    """From now on this process and what it executes can make no call that Linux `release` lacks."""
    rows = [(LOAD, 0, 0, 0), (IF_GREATER, 0, 1, LAST_CALLS[release]), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    if release == "2.6.32":
        # This flag came with 2.6.39; before it was refused.
        rows += [(IF_EQUAL, 0, 3, NEWFSTATAT), (LOAD, 0, 0, argument(3)), (IF_SET, 0, 1, AT_EMPTY_PATH),
                 (RETURN, 0, 0, ERRNO | errno.EINVAL)]
    add_filter([*rows, (RETURN, 0, 0, ALLOW)])


class OldSockDiag:
    """Runs commands whose NETLINK_SOCK_DIAG sockets are answered as Linux 2.6.32 does (net/ipv4/inet_diag.c): TCPDIAG_GETSOCK,
    which is passed on to this kernel, dumps TCP of both families; a dump of any type without a handler is empty. `asked`
    counts the requests by their type."""

    def __init__(self):
        self.asked = collections.Counter()

    def run(self, command, **options):
        ours, theirs = socket.socketpair()

        def become():
            rows = [(LOAD, 0, 0, 0), (IF_EQUAL, 0, 5, SOCKET), (LOAD, 0, 0, argument(0)), (IF_EQUAL, 0, 3, socket.AF_NETLINK),
                    (LOAD, 0, 0, argument(2)), (IF_EQUAL, 0, 1, NETLINK_SOCK_DIAG), (RETURN, 0, 0, NOTIFY), (RETURN, 0, 0, ALLOW)]
            listener = add_filter(rows, SECCOMP_FILTER_FLAG_NEW_LISTENER)
            theirs.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
            refuse_later_calls("2.6.32")

        run = subprocess.Popen(command, preexec_fn=become, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               **options)
        # Not before: no process should fork while it has threads.
        answering = threading.Thread(target=self.answer_sockets, args=[ours])
        answering.start()
        output, messages = run.communicate()
        answering.join()
        ours.close()
        theirs.close()
        return subprocess.CompletedProcess(command, run.returncode, output, messages)

    def answer_sockets(self, ours):
        """As long as anything runs under the filter, gives it one end of a pair of sockets for each that it wants to make."""
        _, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        listener = struct.unpack("i", control[0][2])[0]
        events = select.poll()
        events.register(listener, select.POLLIN)
        kernels = []
        while events.poll()[0][1] & select.POLLIN:
            notification = bytearray(NOTIFICATION.size)
            fcntl.ioctl(listener, NOTIF_RECV, notification)
            kernel, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kernels.append(threading.Thread(target=self.be_kernel, args=[kernel]))
            kernels[-1].start()
            identity = NOTIFICATION.unpack(notification)[0]
            with given:
                fcntl.ioctl(listener, NOTIF_ADDFD, ADDITION.pack(identity, SECCOMP_ADDFD_FLAG_SEND, given.fileno(), 0, os.O_CLOEXEC))
        os.close(listener)
        for thread in kernels:
            thread.join()

    def be_kernel(self, kernel):
        with kernel, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as real:
            while request := kernel.recv(1 << 16):
                kind, _, sequence = struct.unpack("=HHI", request[4:12])
                self.asked[kind] += 1
                if kind != TCPDIAG_GETSOCK:
                    kernel.send(struct.pack("=IHHIIi", 20, NLMSG_DONE, NLM_F_MULTI, sequence, 0, 0))
                    continue
                real.send(request)
                ended = False
                while not ended:
                    datagram = real.recv(1 << 16)
                    kernel.send(datagram)
                    ended = struct.unpack("=H", datagram[4:6])[0] in (NLMSG_DONE, NLMSG_ERROR)
