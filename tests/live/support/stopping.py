"""Captures that are stopped somewhere, by what came out of them rather than by time."""

import fcntl
import hashlib
import os
import re
import signal
import subprocess

from support.sandbox import wait_until
from support.ssnap import SSNAP

F_SETPIPE_SZ = 1031
PIPE_BYTES = 4096  # the smallest there is: the collector can't run ahead of the reader by more
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXCPU)
NAME_OF_STAGE = re.compile(r"^ssnap: \d+ ms: (.*) \(\d+\)$", re.M)


def as_from_a_shell():
    """In the child: signals as a login shell leaves them, whatever the runner of the tests ignores."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


class PipedCapture:
    """`ssnap capture -v -o -` into a pipe of PIPE_BYTES: while nobody reads, it waits in a write."""

    def __init__(self, test, *arguments, preexec=as_from_a_shell):
        self.test = test
        self.raw = b""
        self.errors = test.path("stderr")
        self.pipe, write_end = os.pipe()
        fcntl.fcntl(self.pipe, F_SETPIPE_SZ, PIPE_BYTES)
        with open(self.errors, "wb") as stderr:
            self.process = subprocess.Popen([SSNAP, "capture", "-v", "-o", "-", *arguments], stdin=subprocess.DEVNULL,
                                            stdout=write_end, stderr=stderr, preexec_fn=preexec)
        os.close(write_end)

    def read(self, size):
        """Up to so many bytes of the archive, in all."""
        while len(self.raw) < size:
            some = os.read(self.pipe, size - len(self.raw))
            self.test.assertTrue(some, f"it ended at byte {len(self.raw)}, before byte {size}")
            self.raw += some
        return self

    def send(self, number):
        """Sends a signal, and waits until the process has taken it."""
        os.kill(self.process.pid, number)
        bit = 1 << number - 1

        def taken():
            with open(f"/proc/{self.process.pid}/status", encoding="utf-8", errors="replace") as file:
                pending = re.findall(r"^S..Pnd:\t([0-9a-f]+)$", file.read(), re.M)
            return not any(int(word, 16) & bit for word in pending)

        wait_until(taken, f"signal {number}")

    def rest(self):
        """Reads to the end. Returns (archive, exit code, standard error)."""
        while some := os.read(self.pipe, 65536):
            self.raw += some
        return self.end()

    def end(self):
        """The reader goes away."""
        os.close(self.pipe)
        code = self.process.wait()
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return self.raw, code, file.read()


def stage_in(errors):
    """The stage that -v named last; "" before the first."""
    stages = NAME_OF_STAGE.findall(errors)
    return stages[-1] if stages else ""


def sha256_line(raw):
    """The last line of standard error of a capture that wrote `raw`."""
    return f"ssnap: sha256 {hashlib.sha256(raw).hexdigest()}"
