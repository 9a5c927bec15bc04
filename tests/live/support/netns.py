"""Further network namespaces of a test, and a link between two of them."""

import contextlib
import ctypes
import os
import subprocess

from support import sandbox

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV = 2, 4
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18


def setns(fd, kind=sandbox.CLONE_NEWNET):
    if sandbox.LIBC.setns(fd, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


class Netns:
    """A network namespace that is held by an open descriptor of this process and by nothing else."""

    def __init__(self):
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            self.inode = sandbox.fresh_network_namespace()
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        finally:
            setns(own)
            os.close(own)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in it. A socket stays in the namespace in which it was made."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        setns(self.fd)
        try:
            yield
        finally:
            setns(own)
            os.close(own)

    def close(self):
        os.close(self.fd)


def mount(source, target, kind=None, flags=0, data=None):
    words = [None if word is None else word if isinstance(word, bytes) else word.encode() for word in (source, target, kind, data)]
    if sandbox.LIBC.mount(*words[:3], ctypes.c_ulong(flags), words[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount: {os.strerror(number)}", target)


def unmount(target):
    """Out of the way, also where something in it is still open."""
    mnt_detach = 2
    if sandbox.LIBC.umount2(target.encode(), mnt_detach) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"umount2: {os.strerror(number)}", target)


def own_mounts():
    """A mount namespace of this process's own, from which nothing spreads."""
    sandbox.unshare(CLONE_NEWNS)
    if sandbox.root_is_a_mount():
        mount("none", "/", flags=MS_REC | MS_PRIVATE)


def ip(*words, pass_fds=()):
    """iproute2's ip, in the namespace of the calling thread. A namespace is named by a passed fd: /proc/self/fd/N."""
    run = subprocess.run(["ip", *words], capture_output=True, text=True, pass_fds=pass_fds)
    assert run.returncode == 0, f"ip {' '.join(words)}: {run.stderr}"
    return run.stdout


def sysctl(name, value):
    """Sets /proc/sys/net/NAME of the calling thread's namespace."""
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))
