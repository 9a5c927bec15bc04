"""What the collector is not allowed, or not given: capabilities, a security module's refusals, processes hidden from it,
threads. It takes what it can get, and says what it could not."""

import ctypes
import os
import resource
import socket
import struct
import subprocess

from support import sandbox
from support.actors import LIBC, actor, checked, inode_of, listener
from support.hostile import HostileTest
from support.netns import MS_NODEV, MS_NOSUID, Netns
from support.ssnap import analyze_json

PORT = 4001
HOLDER_UID, OTHER_UID = 54321, 54322
EPERM, EACCES = 1, 13
PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 22, 2
MS_REMOUNT = 32
X86 = os.uname().machine == "x86_64"
CALLS = {"kcmp": 312 if X86 else 272, "getxattr": 191 if X86 else 8, "unshare": 272 if X86 else 97, "setns": 308 if X86 else 268,
         "socket": 41 if X86 else 198, "pidfd_open": 434, "pidfd_getfd": 438, "fsopen": 430, "readlinkat": 267 if X86 else 78}


def refuse(calls, error):
    """From now on these are refused, as by a security module or a container's filter."""
    load_number, jump_if_equal, answer = 0x20, 0x15, 0x06  # of struct seccomp_data, whose first field is the call's number
    allow, errno = 0x7fff0000, 0x00050000
    rows = [(load_number, 0, 0, 0)]
    rows += [(jump_if_equal, len(calls) - place, 0, CALLS[name]) for place, name in enumerate(calls)]
    rows += [(answer, 0, 0, allow), (answer, 0, 0, errno | error)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    fprog = struct.pack("=H6xQ", len(rows), ctypes.addressof(program))
    checked(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0), "seccomp")


def as_user(uid):
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--")


def without(*capabilities):
    words = ",".join(f"-{capability}" for capability in capabilities)
    return ("setpriv", f"--inh-caps={words}", f"--bounding-set={words}", "--")


class DenialsTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.ssnap = self.ssnap_for_everybody()
        self.own = listener(PORT)
        self.addCleanup(self.own.close)
        self.process, (self.inode, self.fd) = actor(self, self.hold)
        self.elsewhere = Netns()
        self.addCleanup(self.elsewhere.close)
        with self.elsewhere.entered():
            self.far = listener(PORT)
        self.addCleanup(self.far.close)
        actor(self, self.live_elsewhere, [self.elsewhere.fd])

    def hold(self, stage):
        sock = stage.keep(listener(PORT + 1))
        os.setgroups([])
        os.setresgid(HOLDER_UID, HOLDER_UID, HOLDER_UID)
        os.setresuid(HOLDER_UID, HOLDER_UID, HOLDER_UID)
        checked(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")  # its /proc/PID is its own again, not root's
        stage.report([inode_of(sock), sock.fileno()])

    def live_elsewhere(self, stage):
        checked(LIBC.setns(self.elsewhere.fd, sandbox.CLONE_NEWNET), "setns")
        stage.report()

    def capture_as(self, prefix, **options):
        return self.run_capture(prefix=prefix, ssnap=self.ssnap, cwd="/", **options)

    def ports_in(self, netns):
        return {row["local"].get("port") for row in self.rows(family="inet") if row["netns"].get("inode") == netns}

    def check_own_tables(self):
        """Those of the own namespace are there whatever else is not."""
        self.assertLessEqual({PORT, PORT + 1}, self.ports_in(self.netns))

    def check_owner(self, known):
        row = self.row(self.inode)
        if known:
            self.check_held(row, {(self.process.pid, "fd", None): [self.fd]})
        else:
            self.check_reason(row, "unreadable")

    def check_denied(self, **fields):
        found = self.gaps_of("denied", **fields)
        self.assertTrue(found, f"no gap {fields} in {self.gaps}")
        for gap in found:
            self.assertIn(gap["errno"], (EPERM, EACCES), gap)

    def test_capabilities(self):
        # (what is missing, the holder's fds can be read, the other namespace can be entered)
        for missing, reads_fds, enters in ((("sys_ptrace",), False, False),
                                           (("sys_admin",), True, False),
                                           (("net_admin",), True, True),
                                           (("dac_override", "dac_read_search"), False, True),
                                           (("sys_ptrace", "sys_admin", "net_admin", "dac_override", "dac_read_search"), False, False),
                                           (("all",), False, False)):
            with self.subTest(missing=missing):
                self.capture_as(without(*missing))
                self.check_own_tables()
                self.check_owner(reads_fds)
                if not reads_fds:
                    self.check_denied(source="proc_pid_fd", pid=self.process.pid)
                self.assertEqual(self.ports_in(self.elsewhere.inode), {PORT} if enters else set())
                if not enters and reads_fds:
                    self.check_denied(netns=self.elsewhere.inode)
                elif not enters:
                    self.check_denied(source="proc_pid_link")  # which namespaces there are is not known either

    def test_refused_calls(self):
        everything = [call for call in CALLS if call != "readlinkat"]
        for error in (EPERM, EACCES):
            # (what is refused, the other namespace can be entered, there are dumps)
            for calls, enters, dumps in ((["kcmp"], True, True), (["fsopen"], True, True), (["getxattr", "unshare"], True, True),
                                         (["setns"], False, True), (["pidfd_open", "pidfd_getfd"], True, True),
                                         (["socket"], True, False), (everything, False, False)):
                with self.subTest(calls=calls, error=error):
                    self.capture_as((), preexec_fn=lambda calls=calls, error=error: refuse(calls, error))
                    self.check_own_tables()  # without dumps /proc/net has them
                    self.check_owner(True)
                    self.assertEqual(self.ports_in(self.elsewhere.inode), {PORT} if enters else set())
                    if not enters:
                        self.check_denied(netns=self.elsewhere.inode)
                    if not dumps:
                        self.check_denied(source="inet_diag")

    def test_links_that_cannot_be_read(self):
        """Neither who holds what nor which namespace is whose: the tables remain."""
        for error in (EPERM, EACCES):
            with self.subTest(error=error):
                self.capture_as((), preexec_fn=lambda error=error: refuse(["readlinkat"], error))
                self.assertLessEqual({PORT, PORT + 1}, {row["local"].get("port") for row in self.rows(family="inet")})
                self.assertEqual([row["owners"] for row in self.rows(inode=self.inode)], [[]])
                self.check_reason(self.row(self.inode), "unreadable")
                self.check_denied(source="proc_pid_fd", pid=self.process.pid)

    def test_refused_now_and_then(self):
        """As a security module does, for some objects: every so many calls."""
        for call, every in (("openat", 7), ("readlinkat", 5), ("getdents64", 4), ("read", 11), ("recvmsg", 3), ("sendto", 3)):
            for error in ("EACCES", "EIO"):
                with self.subTest(call=call, error=error):
                    # The first hundred are the start: without its own files it has nothing to take.
                    first = 40 if call in ("openat", "read") else 3
                    self.refused_capture(f"{call}:error={error}:when={first}+{every}")

    def refused_capture(self, injection):
        archive = self.path(f"{len(os.listdir(self.folder))}.tar.zst")
        with open(archive, "wb") as output:
            run = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={injection}", self.ssnap, "capture", "-o", "-"],
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 3, run.stderr)
        gaps = analyze_json(self, archive)["gaps"]
        self.assertTrue([gap for gap in gaps if gap["kind"] in ("denied", "cut")], gaps)

    def test_hidden_processes(self):
        """hidepid, for a collector that may not mount a procfs of its own: what is hidden is no reason to be believed."""
        for hide in (1, 2):
            with self.subTest(hidepid=hide):
                checked(LIBC.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(MS_REMOUNT | MS_NOSUID | MS_NODEV), f"hidepid={hide}".encode()),
                        "remount")
                self.addCleanup(LIBC.mount, b"proc", b"/proc", b"proc", ctypes.c_ulong(MS_REMOUNT), b"hidepid=0")
                self.capture_as(as_user(OTHER_UID))
                self.check_own_tables()
                self.assertEqual(self.row(self.inode)["owners"], [])
                if hide == 1:
                    self.check_denied(source="proc_pid", pid=self.process.pid)
                    self.check_reason(self.row(self.inode), "unreadable", rf"\b{self.process.pid}\b")
                else:
                    self.check_denied(source="procfs")
                    self.check_reason(self.row(self.inode), "unreadable", "hidepid")
                # Root sees past it.
                self.run_capture()
                self.check_owner(True)
                self.check_no_gaps()

    def test_no_thread(self):
        """A host at its limit of processes: with one thread all is read, with none all is said to be missing."""
        for limit in (2, 1):
            with self.subTest(limit=limit):
                def at_the_limit(limit=limit):
                    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))

                run = subprocess.run([*as_user(OTHER_UID), self.ssnap, "capture", "-o", "-"], cwd="/", preexec_fn=at_the_limit,
                                     stdin=subprocess.DEVNULL, capture_output=True)
                self.assertEqual(run.returncode, 3, run.stderr)
                archive = self.path(f"limit-{limit}.tar.zst")
                with open(archive, "wb") as file:
                    file.write(run.stdout)
                self.snapshot = analyze_json(self, archive)
                missing = [gap for gap in self.snapshot["gaps"] if "no thread" in gap.get("detail", "")]
                if limit == 2:
                    self.assertEqual(missing, [])
                    self.check_own_tables()
                else:
                    self.assertIn("inet_diag", {gap["source"] for gap in missing})
                    self.assertEqual({gap["kind"] for gap in missing}, {"timeout"})


if __name__ == "__main__":
    sandbox.need("setpriv", "strace")
    sandbox.main(own_processes=True)
