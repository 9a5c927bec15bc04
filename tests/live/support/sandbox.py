"""Where the live tests run: a network namespace of their own for each test, processes that end with the test, and
barriers instead of waiting times. Needs root."""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

SKIP = 77  # Meson's exit code for a test that was not run

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if LIBC.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def can_unshare():
    """Whether this process may make namespaces: tried in a child, which ends at once."""
    pid = os.fork()
    if pid == 0:
        try:
            unshare(CLONE_NEWNET)
        except OSError as error:
            os._exit(1 if error.errno == errno.EPERM else 2)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def fresh_network_namespace():
    """Puts the calling thread into a new network namespace whose only interface, lo, is up. Returns its inode."""
    unshare(CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    return os.stat("/proc/thread-self/ns/net").st_ino


def refuse(calls, number):
    """From now on the system calls of these numbers fail with this errno, for this process and what it runs."""
    load_number, jump_if_equal, answer = 0x20, 0x15, 0x06  # of struct seccomp_data, whose first field is the call's number
    allow, refusal = 0x7fff0000, 0x00050000 | number
    rows = [(load_number, 0, 0, 0)]
    for call in calls:
        rows += [(jump_if_equal, 0, 1, call), (answer, 0, 0, refusal)]
    program = b"".join(struct.pack("=HBBI", *row) for row in [*rows, (answer, 0, 0, allow)])
    buffer = ctypes.create_string_buffer(program)
    fprog = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(buffer))
    pr_set_seccomp, mode_filter = 22, 2
    if LIBC.prctl(pr_set_seccomp, mode_filter, fprog, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


def refuse_fsopen():
    """A capture then reads the mounted /proc, with all that is mounted over it."""
    refuse([430], errno.EPERM)


def wait_until(condition, what, tries=2000):
    """Polls a state that is on its way. Bounded by a count, far beyond what it takes."""
    for _ in range(tries):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come about")


class Child:
    """A process of this test, ended by its pid."""

    def __init__(self, pid, keep_alive):
        self.pid = pid
        self.keep_alive = keep_alive  # the pipe or Popen it waits on: if the test dies, so does the child

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        if isinstance(self.keep_alive, subprocess.Popen):
            self.keep_alive.communicate()
        else:
            os.waitpid(self.pid, 0)
            os.close(self.keep_alive)


def fork_holder(fds):
    """A forked child that holds exactly `fds` (and 0 to 2), under the same numbers."""
    ready_read, ready_write = os.pipe()
    life_read, life_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            keep = {0, 1, 2, ready_write, life_read, *fds}
            for fd in {int(name) for name in os.listdir("/proc/self/fd")} - keep:
                try:
                    os.close(fd)
                except OSError:
                    pass  # the listing's own
            os.write(ready_write, b".")
            os.read(life_read, 1)
        finally:
            os._exit(0)
    os.close(ready_write)
    os.close(life_read)
    assert os.read(ready_read, 1) == b".", "the forked child did not start"
    os.close(ready_read)
    return Child(pid, life_write)


def exec_holder(fds, command=("/bin/cat",), **popen_arguments):
    """A child that executed another program with exactly `fds` (and 0 to 2), under the same numbers. `command` must
    write back a line that it reads."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=fds, **popen_arguments)
    # After the echo the new program runs for certain: its name and arguments are in /proc.
    process.stdin.write(b"ready\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"ready\n", f"{command} did not start"
    return Child(process.pid, process)


class LiveTest(unittest.TestCase):
    """Each test: a fresh network namespace, an empty folder with a short name, children that end with it."""

    maxDiff = None

    def setUp(self):
        self.netns = fresh_network_namespace()
        self.folder = tempfile.mkdtemp(prefix="ssnap-", dir="/tmp")  # short: UNIX addresses have 108 bytes
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def child(self, child):
        self.addCleanup(child.end)
        return child


def root_is_a_mount():
    """False in a chroot into a plain folder: its mounts can't be made private, which `unshare` would do first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return any(line.split()[4] == "/" for line in file)


def need(*tools):
    """The tools a test can't do without. Missing ones are a failure, not a skip."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)} (script/bootstrap --tests installs them)")


def main(own_processes=False):
    """Runs the tests of the calling file. With `own_processes` in a PID and mount namespace of their own, whose /proc
    shows only them: nothing else's processes come and go, pids begin at 1, and root may read everything."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    if not can_unshare():
        print("skipped: network namespaces need root (CAP_SYS_ADMIN)")
        sys.exit(SKIP)
    if own_processes and os.environ.get("SSNAP_LIVE_INSIDE") != "1":
        need("unshare")
        os.environ["SSNAP_LIVE_INSIDE"] = "1"
        propagation = [] if root_is_a_mount() else ["--propagation", "unchanged"]
        os.execvp("unshare", ["unshare", *propagation, "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--",
                              sys.executable, "-u", "-B", *sys.argv])
    os.environ.pop("SSNAP_LIVE_INSIDE", None)
    unittest.main(module="__main__", verbosity=2)
