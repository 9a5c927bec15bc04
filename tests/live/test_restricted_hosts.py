"""Hosts that give the collector less: a container, a root that can't be written, no /sys, filters that forbid netlink. What it
may it takes, what it could not it says, and it fails for none of them. test_unprivileged.py and test_hostile_host_denials.py
have other users, missing capabilities, refused calls and hidepid."""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys

from support import sandbox
from support.actors import LIBC, actor, checked, inode_of, listener
from support.hostile import HostileTest
from support.netns import MS_BIND, MS_REC, mount, own_mounts
from support.ssnap import LOSING_GAPS, analyze_json, ssnap

PORT = 4001
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SYS_SOCKET = 41 if os.uname().machine == "x86_64" else 198
MS_RDONLY, MS_REMOUNT = 1, 32
ANSWER_ERROR, KILL_THREAD, KILL_PROCESS = 0x00050000, 0x00000000, 0x80000000
EPERM, EAFNOSUPPORT = 1, 97

# In the container: a listener with a connection that is accepted, then the capture, to standard output.
IN_CONTAINER = """
import fcntl, json, os, socket, struct, subprocess, sys
with socket.socket() as sock:
    if os.environ["OWN_NET"]:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))
server = socket.create_server(("127.0.0.1", 4101))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
bound = socket.socket(socket.AF_UNIX)
bound.bind("\\0in the container")
bound.listen()
run = subprocess.run([os.environ["SSNAP"], "capture", "-o", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
os.write(2, json.dumps({"code": run.returncode, "said": run.stderr.decode(), "pid": os.getpid(), "netns": os.stat("/proc/self/ns/net").st_ino,
                        "inodes": [os.fstat(one.fileno()).st_ino for one in (server, client, peer, bound)]}).encode())
os.write(1, run.stdout)
"""


def forbid_netlink(action):
    """From now on socket(AF_NETLINK, ...) meets `action`, as in a container whose filter knows no netlink."""
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    at_number, at_first_argument = 0, 16  # of struct seccomp_data
    rows = [(load, 0, 0, at_number), (jump_if_equal, 0, 3, SYS_SOCKET), (load, 0, 0, at_first_argument),
            (jump_if_equal, 0, 1, socket.AF_NETLINK), (answer, 0, 0, action), (answer, 0, 0, 0x7fff0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    fprog = struct.pack("=H6xQ", len(rows), ctypes.addressof(program))
    checked(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0), "seccomp")


class RestrictedTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.ssnap = self.ssnap_for_everybody()
        self.own = listener(PORT)
        self.addCleanup(self.own.close)
        self.process, (self.inode, self.fd) = actor(self, self.hold)

    def hold(self, stage):
        sock = stage.keep(listener(PORT + 1))
        stage.report([inode_of(sock), sock.fileno()])

    def check_scene(self):
        """All that is captured of the scene elsewhere: states and owners."""
        for inode, port, pid, fd in ((inode_of(self.own), PORT, os.getpid(), self.own.fileno()), (self.inode, PORT + 1, self.process.pid, self.fd)):
            row = self.row(inode)
            self.assertEqual((row["state"], row["local"]["port"], row["netns"]["inode"]), ("LISTEN", port, self.netns))
            self.check_held(row, {(pid, "fd", None): [fd]})

    def views(self, inode):
        return {source["view"] for source in self.row(inode)["sources"]}

    def contain(self, *options):
        """Makes a scene and captures it in a container whose root is no root outside. Returns what it said of itself."""
        run = subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", *options,
                              sys.executable, "-ISB", "-c", IN_CONTAINER], env={**os.environ, "SSNAP": self.ssnap, "OWN_NET": "--net" if "--net" in options else ""},
                             cwd="/", stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        inside = json.loads(run.stderr)
        self.archive = self.path("container.tar.zst")
        with open(self.archive, "wb") as file:
            file.write(run.stdout)
        self.snapshot = analyze_json(self, self.archive)
        self.processes = {process["pid"]: process for process in self.snapshot["processes"]}
        self.gaps = self.snapshot["gaps"]
        lost = [gap for gap in self.gaps if gap["kind"] in LOSING_GAPS]
        self.assertEqual(inside["code"], 3 if lost else 0, inside["said"])
        self.lost = {(gap["kind"], gap["source"]) for gap in lost}
        server, client, peer, bound = inside["inodes"]
        for inode, state in ((server, "LISTEN"), (client, "ESTAB"), (peer, "ESTAB"), (bound, "LISTEN")):
            row = self.row(inode)
            self.assertEqual((row["state"], row["netns"]["inode"]), (state, inside["netns"]))
            self.assertEqual([owner["pid"] for owner in row["owners"]], [inside["pid"]])
        return inside

    def test_a_container(self):
        """Its own pid, mount, network and user namespaces: it is its own host, and nothing of it is missing."""
        inside = self.contain("--net")
        self.assertEqual({row["local"]["port"] for row in self.rows(family="inet", state="LISTEN")}, {4101})
        self.assertNotEqual(inside["netns"], self.netns)
        self.assertEqual(self.lost, set())
        self.assertEqual([row for row in self.snapshot["sockets"] if not row["owners"] and row["family"] != "netlink"], [])

    def test_a_container_in_the_network_of_its_host(self):
        """Sockets of processes outside of its pid namespace are there; that their owners can't be seen is the reason."""
        inside = self.contain()
        self.assertEqual(inside["netns"], self.netns)
        self.assertEqual({row["local"]["port"] for row in self.rows(family="inet", state="LISTEN")}, {4101, PORT, PORT + 1})
        for inode in (inode_of(self.own), self.inode):
            self.check_reason(self.row(inode), "other-pid-namespace")
        # It has no rights over a network that is not its own: netlink denies what needs them.
        self.assertLessEqual(self.lost, {("denied", "conntrack")})

    def test_netlink_answers_an_error(self):
        """A filter that knows no netlink: /proc/net has the tables, and each dump that is missing is a gap of its errno's kind."""
        for error, kind in ((EPERM, "denied"), (EAFNOSUPPORT, "unsupported")):
            with self.subTest(error=error):
                self.run_capture(preexec_fn=lambda error=error: forbid_netlink(ANSWER_ERROR | error))
                self.check_scene()
                self.assertEqual(self.views(self.inode), {"proc_net_tcp"})
                for source in ("inet_diag", "unix_diag", "packet_diag", "netlink_diag", "rtnetlink"):
                    found = self.gaps_of(kind, source=source)
                    self.assertTrue(found, source)
                    self.assertEqual({gap["errno"] for gap in found}, {error})

    def test_netlink_ends_the_thread(self):
        """SECCOMP_RET_KILL_THREAD: dumps are asked for on threads with a deadline; those that don't come back are gaps."""
        self.run_capture("--read-timeout", "1", preexec_fn=lambda: forbid_netlink(KILL_THREAD), exit_codes=(3,))
        self.check_scene()
        self.assertEqual(self.views(self.inode), {"proc_net_tcp"})
        for source in ("inet_diag", "unix_diag", "packet_diag", "netlink_diag"):
            self.assertTrue(self.gaps_of("timeout", source=source), source)

    def test_netlink_ends_the_process(self):
        """SECCOMP_RET_KILL_PROCESS is nothing that a process survives. What was written by then is an archive that breaks off."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        archive = self.path("killed.tar.zst")
        with open(archive, "wb") as output:
            run = subprocess.run([self.ssnap, "capture", "-o", "-"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
                                 preexec_fn=lambda: forbid_netlink(KILL_PROCESS))
        self.assertEqual(run.returncode, -signal.SIGSYS, run.stderr)
        snapshot = analyze_json(self, archive, exit_code=3)
        self.assertEqual((snapshot["capture"]["status"], snapshot["capture"]["incomplete"]), ("cut", True))
        self.assertEqual(ssnap("verify", archive).returncode, 3)

    def test_no_sys(self):
        def without_sys():
            own_mounts()
            mount("none", "/sys", "tmpfs")

        self.run_capture(preexec_fn=without_sys)
        self.check_scene()
        self.assertTrue(self.gaps_of("vanished", source="cgroup_ids"), self.gaps)
        self.check_no_gaps()

    def test_a_root_that_can_only_be_read(self):
        root = self.path("root")
        os.mkdir(root)

        def read_only():
            own_mounts()
            mount("/", root, flags=MS_BIND | MS_REC)
            mount("none", root, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
            os.chroot(root)
            os.chdir("/")

        self.run_capture(preexec_fn=read_only)
        self.check_scene()
        self.check_no_gaps()
        # Where the archive can't be written there is none, and that is said at once.
        run = subprocess.run([self.ssnap, "capture", "-o", "/no-such-archive.tar.zst"], stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=read_only)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertRegex(run.stderr, rb"/no-such-archive\.tar\.zst.*(EROFS|[Rr]ead-only)")


if __name__ == "__main__":
    sandbox.need("unshare")
    sandbox.main(own_processes=True)
