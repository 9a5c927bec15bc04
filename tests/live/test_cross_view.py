"""Checks of one view against another (`analyze --findings`): each staged hiding that needs no change of the kernel is a finding
that names it, and the same host without it gives none."""

import os
import pathlib
import socket
import subprocess
import time
import unittest

from support import sandbox
from support.edited import drop, edit, edit_dump, findings, remove_entry, stretch, swallow, untar
from support.ssnap import capture

# Starts are told in whole ticks: only what is older than one can be said to have been there.
TICKS = os.sysconf("SC_CLK_TCK")


def start_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19])


class CrossViewTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.socks = []
        self.addCleanup(lambda: [sock.close() for sock in self.socks])
        listener = socket.socket()
        self.socks.append(listener)
        listener.bind(("127.0.0.1", 8080))
        listener.listen()
        for port in range(8081, 8085):
            further = socket.socket()
            self.socks.append(further)
            further.bind(("127.0.0.1", port))
            further.listen()
        self.socks += socket.socketpair()

    def take(self):
        archive = self.path("a.tar.zst")
        capture(self, archive)
        return archive

    def assert_only(self, found, wanted, word):
        """One finding of this id, which says this, and nothing else of level finding."""
        serious = {name: [one for one in of if one["level"] == "finding"] for name, of in found.items()}
        serious = {name: of for name, of in serious.items() if of}
        self.assertEqual(list(serious), [wanted])
        self.assertIn(word, " ".join(one["sentence"] for one in serious[wanted]))
        return serious[wanted]

    def test_a_quiet_host_gives_none(self):
        found, unchecked = findings(self, self.take())
        self.assertEqual(found, {})
        # The kernel's counts are of all pid namespaces: test_cross_view_host.py.
        self.assertEqual(unchecked, {"process-count", "thread-count"})

    def test_a_mount_over_a_process(self):
        sleeper = subprocess.Popen(["sleep", "600"])
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        subprocess.run(["mount", "-t", "tmpfs", "none", f"/proc/{sleeper.pid}"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"/proc/{sleeper.pid}"], check=True)
        found, _ = findings(self, self.take())
        [finding] = self.assert_only(found, "mount-over-process", f"/proc/{sleeper.pid}")
        self.assertEqual([process["pid"] for process in finding["processes"]], [sleeper.pid])

    def test_mounts_elsewhere_are_none(self):
        """Below /proc but over no process, and over a process in a mount namespace of its own."""
        folder = self.path("empty")
        os.mkdir(folder)
        subprocess.run(["mount", "--bind", folder, "/proc/sys/net"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/proc/sys/net"], check=True)
        apart = subprocess.Popen(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc/$$ && echo && exec sleep 600"], stdout=subprocess.PIPE)
        self.addCleanup(apart.wait)
        self.addCleanup(apart.stdout.close)
        self.addCleanup(apart.kill)
        apart.stdout.readline()
        found, _ = findings(self, self.take())
        self.assertEqual(found, {})

    @unittest.skipIf("SSNAP_SANITIZER" in os.environ, "a sanitizer reads its options and looks for its threads below /proc")
    def test_a_proc_that_lacks_a_process(self):
        """Over /proc lies a folder with an entry for each process but one: the collector's own procfs has that one."""
        sleeper = subprocess.Popen(["sleep", "600"])
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        sandbox.wait_until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS > start_of(sleeper.pid) + 2, "a tick")
        folder = self.path("proc")
        os.mkdir(folder)
        for name in os.listdir("/proc"):
            if name.isdecimal() and name != str(sleeper.pid):
                os.mkdir(f"{folder}/{name}")
        subprocess.run(["mount", "--bind", folder, "/proc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/proc"], check=True)
        found, _ = findings(self, self.take())
        hidden = {process["pid"] for finding in found["hidden-process"] for process in finding["processes"]}
        self.assertIn(sleeper.pid, hidden)
        self.assertNotIn(os.getpid(), hidden)
        [finding] = [one for one in found["hidden-process"] if one["processes"][0]["pid"] == sleeper.pid]
        self.assertIn("not in /proc as it is mounted", finding["sentence"])

    def test_a_forged_unix_row(self):
        forger = socket.socket(socket.AF_UNIX)
        self.socks.append(forger)
        forger.bind(b"\0x\n0000000000000000: 00000002 00000000 00010000 0001 01 99999999 /run/forged")
        found, _ = findings(self, self.take())
        [finding] = self.assert_only(found, "table-difference", "unix")
        self.assertIn("forges", finding["sentence"])

    def test_odd_unix_names_are_none(self):
        for name in (b"\0", b"\0 0000: 1 2 3 4 5 6 /x", b"\0\x1b[2J\xff"):
            odd = socket.socket(socket.AF_UNIX)
            self.socks.append(odd)
            odd.bind(name)
        found, _ = findings(self, self.take())
        self.assertEqual(found, {})

    def test_a_row_taken_out_of_the_text(self):
        tree = untar(self, self.take())

        def without_the_first_row(table):
            rows = table.splitlines(keepends=True)
            gone.append(int(rows[1].split()[1].split(b":")[1], 16))
            return b"".join([rows[0], *rows[2:]])

        gone = []
        edit(f"{tree}/netns/{self.netns}/proc/net/tcp", without_the_first_row)
        found, _ = findings(self, tree)
        self.assertEqual(sorted(found), ["socket-count", "table-difference", "table-structure"])
        self.assertIn("tcp of namespace", found["socket-count"][0]["sentence"])
        [difference] = found["table-difference"]
        self.assertIn("tcp of namespace", difference["sentence"])
        self.assertEqual([(one["local"]["port"], one["state"]) for one in difference["sockets"]], [(gone[0], "LISTEN")])
        self.assertIn("without a gap", found["table-structure"][0]["sentence"])

    def test_records_taken_out_of_the_dumps(self):
        """As a hook does that leaves a record out: the rest moves up, and the datagram is shorter."""
        tree = untar(self, self.take())
        for number in (1, 2):
            edit(f"{tree}/netns/{self.netns}/netlink/pass{number}/inet_diag-tcp.pcap", lambda data: edit_dump(data, 8083, drop))
        found, _ = findings(self, tree)
        [difference] = self.assert_only(found, "table-difference", "1 socket is in /proc/net and in no dump")
        self.assertEqual([one["local"]["port"] for one in difference["sockets"]], [8083])

    def test_a_message_that_reaches_over_the_next(self):
        tree = untar(self, self.take())
        for number in (1, 2):
            edit(f"{tree}/netns/{self.netns}/netlink/pass{number}/inet_diag-tcp.pcap", lambda data: edit_dump(data, 8083, stretch))
        found, _ = findings(self, tree)
        self.assertEqual(sorted(found), ["table-difference", "table-structure"])
        self.assertIn("type 0", found["table-structure"][0]["sentence"])

    def test_a_directory_entry_that_was_swallowed(self):
        child = subprocess.Popen(["sleep", "600"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        tree = untar(self, self.take())
        edit(f"{tree}/process-views/pass1/dirents", lambda data: swallow(data, str(child.pid).encode()))
        found, _ = findings(self, tree)
        self.assertIn("listing-structure", found)
        [finding] = found["listing-structure"]
        self.assertIn(f"reaches over the entry of {child.pid}", finding["sentence"])

    def test_a_socket_that_only_an_fd_table_has(self):
        tree = untar(self, self.take())
        path = f"{tree}/proc/{os.getpid()}/fds"
        # As if the descriptor had led there: the kernel was asked for the names of such sockets, and named none like it.
        edit(path, lambda data: data + b"999 0700 socket:[99999998]\0")
        found, _ = findings(self, tree)
        self.assert_only(found, "unlisted-socket", "1 of")

    def test_an_entry_taken_out_of_the_listing(self):
        """The parent of a process that is listed."""
        parent = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
        child = int(parent.stdout.readline())
        self.addCleanup(parent.wait)
        self.addCleanup(parent.stdout.close)
        self.addCleanup(parent.kill)
        self.addCleanup(os.kill, child, 9)
        sandbox.wait_until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS > start_of(child) + 2, "a tick")
        tree = untar(self, self.take())
        edit(f"{tree}/process-views/pass1/dirents", lambda data: remove_entry(data, str(parent.pid).encode()))
        found, _ = findings(self, tree)
        self.assertIn("unlisted-parent", found)
        self.assertIn(f"names {parent.pid} as its parent", found["unlisted-parent"][0]["sentence"])


if __name__ == "__main__":
    sandbox.need("tar", "zstd", "mount")
    sandbox.main(own_processes=True)
