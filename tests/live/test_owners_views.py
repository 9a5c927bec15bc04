"""Owners in the views that people read: thousands of holders in a few lines, a server and its shell under the process
tree, and who talks to whom."""

import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys

from support import sandbox
from support.actors import Actor, actor, fork_staying, inode_of, listener, port_of, start_ticks
from support.owners import OwnersTest
from support.ssnap import ssnap

PORT = 4001
SERVER = pathlib.Path(__file__).with_name("support") / "server_8080.py"
WORKERS, AT_LEAST = 2500, 1000
MAX_LINES = 6  # of one socket, however many hold it


class PreforkTest(OwnersTest):
    def test_thousands_of_workers(self):
        soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
        wanted = WORKERS if soft == resource.RLIM_INFINITY else min(WORKERS, soft // 4)
        self.assertGreaterEqual(wanted, AT_LEAST, "too few processes are allowed")

        def body(stage):
            sock = stage.keep(listener(PORT))
            workers = [fork_staying(stage) for _ in range(wanted)]
            stage.report([inode_of(sock), sock.fileno(), workers])

        workers = []
        self.addCleanup(lambda: [os.waitpid(pid, 0) for pid in workers])  # they end with their master, and are this one's then
        master, (inode, fd, told) = actor(self, body)
        workers += told
        self.assertEqual(len(set(workers)), wanted)
        self.take(tools=False)
        row = self.row(inode)
        # JSON has them all.
        self.assertEqual(len(row["owners"]), wanted + 1)
        self.assertEqual({tuple(owner["fds"]) for owner in row["owners"]}, {(fd,)})
        self.assertEqual({owner["via"] for owner in row["owners"]}, {"fd"})
        self.assertEqual(self.owner(row, master.pid)["origin"], "creator")
        above = {"pid": master.pid, "start_ticks": start_ticks(master.pid)}
        children = [owner for owner in row["owners"] if owner["pid"] != master.pid]
        self.assertEqual([owner for owner in children if (owner["origin"], owner["inherited_from"]) != ("inherited", above)], [])
        # The table has the one that counts, and how many are like it.
        for view in ((), ("--tree",)):
            with self.subTest(view=view):
                text = self.analyze("-lt", *view)
                lines = [line for line in text.splitlines() if "python3" in line]
                self.assertTrue(1 <= len(lines) <= MAX_LINES, lines)
                self.assertLess(len(text.splitlines()), 30, "not a line for each")
                self.assertRegex(text, rf"\[{master.pid}\]")
                self.assertTrue(str(wanted) in text or f"{wanted:,}" in text or f"{wanted:,}".replace(",", " ") in text, text)
        explained = self.analyze("--as", "netstat", "-lntp", "--explain")
        self.assertLess(len(explained.splitlines()), 20)


class ServerAndShellTest(OwnersTest):
    """The scene that started ssnap."""

    def setUp(self):
        super().setUp()
        self.process = subprocess.Popen([sys.executable, "-B", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.process.communicate)
        self.fd, self.shell = (int(word) for word in self.process.stdout.readline().split())
        self.server = self.process.pid
        self.take(tools=False)

    def test_the_tree(self):
        lines = self.analyze("--tree").splitlines()
        [at] = [number for number, line in enumerate(lines) if f"[{self.server}]" in line.split(" · ")[0]
                and not re.search(rf"\[{self.shell}\]", line)]
        [below] = [number for number, line in enumerate(lines) if re.search(rf"\bsh\[{self.shell}\]", line)]
        self.assertLess(at, below, "the child stands below its parent")
        self.assertGreater(lines[below].index("sh["), re.search(r"python3[\d.]*\[", lines[at]).start(), "and further in")
        between = lines[at:below]
        self.assertTrue(any("LISTEN" in line and ":8080" in line and f"fd {self.fd}" in line for line in between), between)
        self.assertTrue(any("inherited" in line for line in lines[below:below + 3]), lines)
        # The listener's line, or word of it, is the shell's too.
        self.assertTrue(any(":8080" in line or f"[{self.server}]" in line for line in lines[below:below + 3]), lines)

    def test_the_tree_of_what_is_asked_for(self):
        self.assertNotIn(f"[{self.shell}]", self.analyze("-u", "--tree"))
        self.assertIn(f"[{self.shell}]", self.analyze("-lt", "--tree"))


class PairsTest(OwnersTest):
    def hold(self, sock):
        inode = inode_of(sock)
        process = self.child(Actor(lambda stage: stage.report(), [sock.fileno()]))
        process.heard()
        sock.close()
        return process.pid, inode

    def test_a_client_and_its_server(self):
        server = listener(PORT)
        near = socket.create_connection(("127.0.0.1", PORT))
        far, _ = server.accept()
        port = port_of(near)
        unix_near, unix_far = socket.socketpair()
        self.hold(server)
        client, serving, one, other = (self.hold(sock) for sock in (near, far, unix_near, unix_far))
        self.take(tools=False)
        lines = self.analyze("--pairs").splitlines()
        [line] = [line for line in lines if f":{port}" in line]
        self.assertRegex(line, rf"\[{client[0]}\].*:{port}\b.*->.*\[{serving[0]}\].*:{PORT}\b")
        [unix] = [line for line in lines if f"[{one[0]}]" in line]
        self.assertIn(f"[{other[0]}]", unix)

        run = ssnap("analyze", self.archive, "--pairs", "--format", "json")
        self.assertEqual(run.returncode, 0, run.stderr)
        pairs = json.loads(run.stdout)["pairs"]
        said = [(pair["tie"], pair["directed"], pair["a"]["inode"], pair["b"]["inode"]) for pair in pairs]
        self.assertIn(("peer", True, client[1], serving[1]), said)
        self.assertEqual(len([pair for pair in said if {one[1], other[1]} == set(pair[2:])]), 1, "each pair once")

    def test_many_clients_of_one_server(self):
        """Those that differ in nothing but their port are one line."""
        server = listener(PORT, backlog=128)
        self.addCleanup(server.close)
        for _ in range(50):
            near = socket.create_connection(("127.0.0.1", PORT))
            self.addCleanup(near.close)
            far, _ = server.accept()
            self.addCleanup(far.close)
        self.take(tools=False)
        lines = [line for line in self.analyze("--pairs").splitlines() if f":{PORT}" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"\b50\b")
        self.assertIn(f"[{os.getpid()}]", lines[0])


if __name__ == "__main__":
    sandbox.main(own_processes=True)
