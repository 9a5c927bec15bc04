"""A busy host: some hundred processes in several namespaces, each holding sockets in its own way, with connections coming
and going beside. Every socket has all its owners or its reason by name, and the account of it adds up."""

import os
import re
import socket

from support import sandbox
from support.actors import actor, inode_of, listener, port_of
from support.busy import churn, populate
from support.netns import Netns, ip
from support.owners import OwnersTest, reasons_of
from support.raw_peer import ACK, FIN, SYN, Connection, RawPeer
from support.scene import has_tcp_state
from support.ssnap import ssnap

NAMESPACES = 4  # beside the test's own
PROCESSES = 72  # in each
TIME_WAIT = 6
TIME_WAITS, WAITING = 5, 3


class BusyTest(OwnersTest):
    def setUp(self):
        super().setUp()
        self.held = {}  # inode: {(pid, via, tid): fds}

    def make_ownerless(self):
        """In the test's own namespace, one of each reason and more: {code: number}, of IP sockets."""
        expected = {}
        peer = RawPeer(self)
        for number, steps in enumerate((("close",), ("close", "ack"), ("fin", "close"))):
            connection = Connection(peer, socket.AF_INET, 5000 + number, socket.socket())
            segment = None
            for step in steps:
                if step == "close":
                    connection.sock.close()
                    segment = connection.expect(FIN)
                elif step == "ack":
                    connection.acknowledge(segment)
                else:
                    connection.send(FIN | ACK)
                    connection.expect(ACK)
        expected["orphan"] = 3
        server = listener(4000, "198.51.100.1")
        self.addCleanup(server.close)
        self.held[inode_of(server)] = {(os.getpid(), "fd", None): [server.fileno()]}
        peer.send(socket.AF_INET, 5100, 4000, 77, 0, SYN)
        peer.receive(socket.AF_INET, 4000, SYN | ACK)
        expected["request"] = 1

        server = listener(4001)
        self.addCleanup(server.close)
        self.held[inode_of(server)] = {(os.getpid(), "fd", None): [server.fileno()]}
        for _ in range(TIME_WAITS):
            near = socket.create_connection(("127.0.0.1", 4001))
            far, _ = server.accept()
            port = port_of(near)
            near.close()
            self.assertEqual(far.recv(1), b"")
            far.close()
            sandbox.wait_until(lambda port=port: has_tcp_state(TIME_WAIT, port), "TIME-WAIT")
        expected["time-wait"] = TIME_WAITS
        self.waiting = []
        for _ in range(WAITING):
            client = socket.create_connection(("127.0.0.1", 4001))
            self.addCleanup(client.close)
            self.held[inode_of(client)] = {(os.getpid(), "fd", None): [client.fileno()]}
            self.waiting.append(port_of(client))
        ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789", "local", "127.0.0.1", "dev", "lo")
        ip("link", "set", "vx0", "up")
        expected["kernel"] = 1

        near, far = socket.socketpair()
        receiver, _ = actor(self, lambda stage: stage.report(), keep=[far.fileno()])
        self.held[inode_of(far)] = {(receiver.pid, "fd", None): [far.fileno()]}
        self.held[inode_of(near)] = {(os.getpid(), "fd", None): [near.fileno()]}
        far.close()
        self.addCleanup(near.close)
        sent = listener(4002)
        self.in_flight = (inode_of(sent), receiver.pid)
        socket.send_fds(near, [b"it"], [sent.fileno()])
        sent.close()
        return expected

    def test_every_socket_has_an_owner_or_a_reason(self):
        expected = self.make_ownerless()
        spaces = {self.netns, *self.make_namespaces()}
        churned = Netns()
        self.addCleanup(churned.close)
        with churned.entered():
            self.assertTrue(actor(self, churn))
        self.take(tools=False)
        inside = [row for row in self.snapshot["sockets"] if row["netns"].get("inode") in spaces]
        self.assertGreater(len(self.held), NAMESPACES * PROCESSES * 8)
        self.check_all_held(inside, self.held)
        own = [row for row in inside if row["netns"]["inode"] == self.netns and row["family"] in ("inet", "inet6")]
        self.check_reasons(expected, own)
        self.check_waiting()
        self.check_all_explained(self.snapshot["sockets"])
        moving = [row for row in self.snapshot["sockets"] if row["netns"].get("inode") == churned.inode]
        self.assertTrue(moving)
        self.assertLessEqual(set(reasons_of(moving)), {"gone", "time-wait", "orphan", "request", "kernel"})
        self.check_info()

    def make_namespaces(self):
        for _ in range(NAMESPACES):
            netns = Netns()
            self.addCleanup(netns.close)
            with netns.entered():
                self.held |= populate(self, PROCESSES)
            yield netns.inode

    def check_reasons(self, expected, rows):
        said = reasons_of([row for row in rows if row.get("inode") != self.in_flight[0]])
        self.assertEqual(said, expected)
        [vxlan] = [row for row in rows if row["local"]["port"] == 4789]
        self.check_reason(vxlan, "kernel", r"\bvxlan vx0\b")
        passing = self.row(self.in_flight[0])
        self.assertEqual([(owner["pid"], owner["via"], owner["certainty"]) for owner in passing["owners"]],
                         [(self.in_flight[1], "in-flight", "possible")])

    def check_waiting(self):
        for port in self.waiting:
            row = self.connection(("127.0.0.1", 4001), ("127.0.0.1", port))
            self.assertEqual([(owner["pid"], owner["via"]) for owner in row["owners"]], [(os.getpid(), "listener")])

    def check_info(self):
        run = ssnap("info", self.archive)
        self.assertEqual(run.returncode, 0, run.stderr)
        text = run.stdout.decode()
        rows = self.snapshot["sockets"]
        certain = sum(any(owner["certainty"] == "certain" for owner in row["owners"]) for row in rows)
        self.assertRegex(text, rf"(?m)^Owners of the sockets of all namespaces: {certain} of {len(rows)} have a certain one$")
        self.assertRegex(text, r"\bunexplained 0\b")
        for code, number in reasons_of(rows).items():
            self.assertRegex(text, rf"\b{code} {number}\b")
        for via in ("thread-fd", "io_uring", "mmap", "in-flight", "listener"):
            number = sum(any(owner["via"] == via for owner in row["owners"]) for row in rows)
            self.assertTrue(number, via)
            self.assertRegex(text, rf"(?<![\w-]){via} {number}\b")
        self.assertNotIn("UNEXPLAINED", text)
        self.assertTrue(re.search(r"(?m)^  Fd tables: \d+ of \d+ processes read", text), text)


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "ip")
    sandbox.main(own_processes=True)
