"""`ssnap info` prints the account: what each view of a table showed against the other, against the kernel's own counters, and
the sockets in fd tables against those in tables. It balances where nothing moves, and does not where a row was taken away."""

import os
import re
import socket
import subprocess

from support import diag, sandbox
from support.netns import sysctl
from support.scene import has_tcp_state, sees_bound_inactive
from support.ssnap import capture, ssnap

TIME_WAIT = 6
ICMP, OSPF = 1, 89
# Sockets of the collector itself, one a reader: they are in the account as well.
COLLECTOR_SOCKETS = 8


def sockstat():
    """{"TCP": inuse, ...} of the namespace, with the counters of /proc/net/protocols under their names there."""
    found = {}
    for name in ("sockstat", "sockstat6"):
        with open(f"/proc/self/net/{name}", encoding="ascii") as file:
            for line in file:
                words = line.replace(":", "").split()
                if words[1] == "inuse":
                    found[words[0]] = int(words[2])
    with open("/proc/self/net/protocols", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            name, _, sockets, *_ = line.split()
            found.setdefault(f"protocols {name}", int(sockets))
    return found


def listed(table):
    with open(f"/proc/self/net/{table}", encoding="ascii") as file:
        return len(file.readlines()) - 1


def held_inodes():
    """Distinct socket inodes in the fd tables of all processes that are here."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
        except OSError:
            pass  # the listing's own
    return found


class AccountTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.socks = []
        self.addCleanup(lambda: [sock.close() for sock in self.socks])

    def make(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0, bind=None, backlog=None):
        sock = socket.socket(family, kind, protocol)
        self.socks.append(sock)
        if bind is not None:
            sock.bind(bind)
        if backlog is not None:
            sock.listen(backlog)
        return sock

    def make_scene(self):
        """Such that the views differ for every reason that there is: {table: (dumped, listed, counted)}."""
        sysctl("ipv4/ping_group_range", "0 2147483647")
        listeners = [self.make(bind=("127.0.0.1", 100 + index), backlog=3) for index in range(3)]
        for _ in range(2):
            near = self.make()
            near.connect(listeners[0].getsockname())
            self.socks.append(listeners[0].accept()[0])
        self.make().connect(listeners[1].getsockname())  # never accepted: its other end has no inode, and counts
        near = socket.socket()
        near.connect(listeners[2].getsockname())
        far, _ = listeners[2].accept()
        port = near.getsockname()[1]
        near.close()
        self.assertEqual(far.recv(1), b"")
        far.close()
        sandbox.wait_until(lambda: has_tcp_state(TIME_WAIT, port), "TIME-WAIT")
        bound = 2 if sees_bound_inactive() else 0
        for index in range(2):
            self.make(bind=("127.0.0.1", 200 + index))
        self.make(socket.AF_INET6, bind=("::1", 300), backlog=1)
        expected = {"tcp": (10 + bound, 10, 9), "tcp6": (1, 1, 1)}

        for index in range(5):
            self.make(kind=socket.SOCK_DGRAM, bind=("127.0.0.1", 400 + index))
        for index in range(2):
            self.make(socket.AF_INET6, socket.SOCK_DGRAM, bind=("::1", 400 + index))
        expected |= {"udp": (5, 5, 5), "udp6": (2, 2, 2)}

        for _ in range(2):
            self.make(kind=socket.SOCK_RAW, protocol=OSPF)
        self.make(kind=socket.SOCK_DGRAM, protocol=ICMP, bind=("127.0.0.1", 500))
        expected |= {"raw": (2 if diag.has_table("raw") else None, 2, 2), "icmp": (None, 1, 1)}

        self.socks += socket.socketpair()
        self.make(socket.AF_UNIX, socket.SOCK_DGRAM)
        waiting = self.make(socket.AF_UNIX, bind=self.path("waiting"), backlog=1)
        self.make(socket.AF_UNIX).connect(waiting.getsockname())  # its other end: no inode, not in unix_diag
        expected["unix"] = (5, 6, 6)

        self.make(socket.AF_PACKET, socket.SOCK_RAW)
        self.make(socket.AF_PACKET, socket.SOCK_DGRAM)
        expected["packet"] = (2, 2, 2)

        # In an fd table and in no other: neither bound nor connected, or of a family without a table.
        self.tableless = [self.make(), self.make(), self.make(kind=socket.SOCK_DGRAM)]
        if not diag.has_table("vsock"):
            try:
                self.tableless.append(self.make(diag.AF_VSOCK))
            except OSError:
                pass  # not on this kernel
        return expected

    def check_the_scene(self, expected):
        """The kernel's own numbers, by this test's own count."""
        counted = sockstat()
        counters = {"tcp": ["TCP"], "tcp6": ["TCP6"], "udp": ["UDP"], "udp6": ["UDP6"], "raw": ["RAW"],
                    "icmp": ["protocols PING"], "unix": ["protocols UNIX", "protocols UNIX-STREAM"],
                    "packet": ["protocols PACKET"]}
        dumped = {"tcp": lambda: len(diag.inet(socket.AF_INET)), "tcp6": lambda: len(diag.inet(socket.AF_INET6)),
                  "udp": lambda: len(diag.inet(socket.AF_INET, socket.IPPROTO_UDP)),
                  "udp6": lambda: len(diag.inet(socket.AF_INET6, socket.IPPROTO_UDP)),
                  "unix": lambda: len(diag.inodes("unix")), "packet": lambda: len(diag.inodes("packet"))}
        for table, numbers in expected.items():
            self.assertEqual((dumped[table]() if table in dumped else numbers[0], listed(table),
                              sum(counted.get(name, 0) for name in counters[table])), numbers, table)

    def info(self, snapshot, exit_codes=(0,)):
        run = ssnap("info", snapshot)
        self.assertIn(run.returncode, exit_codes, run.stderr)
        return run.stdout.decode()

    def table_of(self, snapshot, name):
        """The account's line of a table, in JSON."""
        found = [line for line in snapshot["account"]["tables"] if (line["netns"], line["table"]) == (self.netns, name)]
        self.assertEqual(len(found), 1, f"lines about {name}")
        return found[0]

    def test_it_balances(self):
        expected = self.make_scene()
        self.check_the_scene(expected)
        held = held_inodes()
        archive = self.path("a.tar.zst")
        snapshot = capture(self, archive)
        self.check_the_scene(expected)
        text = self.info(archive)
        for table, numbers in expected.items():
            with self.subTest(table):
                line = self.table_of(snapshot, table)
                self.assertEqual((line.get("dumped"), line.get("listed"), line.get("counter")), numbers)
                self.assertEqual((line["countable"], line["unexplained"]), (numbers[2], 0))
                dumped, rows, counted = numbers
                if len(set(numbers) - {None}) == 1:
                    self.assertEqual(line["explained"], [])
                    self.assertRegex(text, rf"(?m)^ +\d+ tables balance: .*\b{table} {rows}\b")
                else:
                    self.assertRegex(text, rf"(?m)^ +{table}: {dumped} dumped, {rows} listed, .*\bcounts {counted}\b")
        with self.subTest("reasons"):
            if sees_bound_inactive():
                self.assertRegex(text, r"(?m)^ +tcp: .*; 2 bound but not connected\b")
            self.assertRegex(text, r"(?m)^ +unix: .*; 1 not accepted yet\b")
        self.check_held(held, snapshot, text)
        self.assertRegex(text, r"(?m)^Account: .*: it balances$")
        self.assertNotIn("UNEXPLAINED", text)
        self.assertEqual([line for line in snapshot["account"]["tables"] if line["unexplained"]], [])

    def check_held(self, held, snapshot, text):
        """The fd tables, the collector's included: all sockets in them but those without a table are in one."""
        without = {os.fstat(sock.fileno()).st_ino for sock in self.tableless}
        in_tables = {row["inode"] for row in snapshot["sockets"] if "inode" in row and row["sources"]}
        self.assertEqual(held - without - in_tables, set())
        said = snapshot["account"]["held"]
        self.assertLessEqual(len(held), said["inodes"])
        self.assertLessEqual(said["inodes"], len(held) + COLLECTOR_SOCKETS)
        # The collector may hold a socket of its own at the walk that is closed again before the tables are asked for it.
        closed = sum(int(reason.split()[0]) for reason in said["explained"] if "closed before the tables were asked" in reason)
        self.assertLessEqual(closed, COLLECTOR_SOCKETS)
        self.assertEqual((said["inodes"] - said["in_tables"] - closed, said["unexplained"]), (len(without), 0))
        self.assertIn(f"Held sockets: {said['inodes']} in fd tables, {said['in_tables']} of them in tables", text)
        self.assertRegex(text, r"(?m)^Held sockets: .*\b2 TCP, neither bound nor connected\b")
        self.assertRegex(text, r"(?m)^Held sockets: .*\b1 UDP, neither bound nor connected\b")

    def test_a_row_that_was_taken_away(self):
        """The account can fail: in a copy of the same evidence, one row of /proc/net/tcp is missing, or the counter is wrong."""
        expected = self.make_scene()
        self.check_the_scene(expected)
        archive, tree = self.path("a.tar.zst"), self.path("tree")
        capture(self, archive)
        os.mkdir(tree)
        subprocess.run(f"zstd -dc '{archive}' | tar xf - -C '{tree}'", shell=True, check=True, executable="/bin/bash")
        self.assertRegex(self.info(tree, (0, 3)), r"(?m)^Account: .*: it balances$", "untarred it balances as well")

        table = f"{tree}/netns/{self.netns}/proc/net/tcp"
        with open(table, "rb") as file:
            whole = file.read()
        rows = whole.splitlines(keepends=True)
        [gone] = [row for row in rows if row.split()[1] == b"0100007F:0064" and row.split()[3] == b"0A"]
        self.rewrite(table, b"".join(row for row in rows if row != gone))
        # The dump has a socket that the table lacks, and the kernel counts one that the table lacks.
        text = self.info(tree, (0, 3))
        self.assertRegex(text, r"(?m)^Account: .*: UNEXPLAINED [12]$", "a row less")
        self.assertRegex(text, r"(?m)^ +UNEXPLAINED [12]: tcp: 1\d dumped, 9 listed\b")

        self.rewrite(table, whole)
        counters = f"{tree}/netns/{self.netns}/proc/net/sockstat"
        with open(counters, "rb") as file:
            counts = file.read()
        self.rewrite(counters, re.sub(rb"TCP: inuse \d+", b"TCP: inuse %d" % (expected["tcp"][2] + 1), counts))
        text = self.info(tree, (0, 3))
        self.assertRegex(text, r"(?m)^Account: .*: UNEXPLAINED 1$", "the kernel counts one more")
        self.assertRegex(text, r"(?m)^ +UNEXPLAINED 1: tcp: ")

    def rewrite(self, path, content):
        with open(path, "wb") as file:
            file.write(content)


if __name__ == "__main__":
    sandbox.need("tar", "zstd")
    sandbox.main(own_processes=True)
