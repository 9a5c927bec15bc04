"""A real kernel socket in each TCP state, held there by a peer that does not answer or answers wrongly: each is found once,
in its state, with its two ends, its owner or the reason why it has none."""

import os
import socket

from support import diag, sandbox
from support.raw_peer import ACK, ADDRESSES, FIN, RST, SYN, Connection, RawPeer
from support.scene import sees_bound_inactive
from support.ssnap import capture, certain_owners, sockets_of

TCP_LINGER2 = 8
BACKLOG = 9
# Longer than TIME-WAIT: an orphan in FIN-WAIT-2 stays a socket instead of becoming a time-wait entry (net/ipv4/tcp.c,
# __tcp_close).
LONG_LINGER = 120

ALL_STATES = set(diag.STATES.values()) - {"UNCONN"}


class Expected:
    """One socket: what the kernel and ssnap must both say."""

    def __init__(self, label, family, state, local, peer, inode=0, fd=None, reason=None):
        self.label, self.family, self.state, self.local, self.peer = label, family, state, local, peer
        self.inode, self.fd, self.reason = inode, fd, reason

    def key(self):
        return self.family, self.state, self.local, self.peer, self.inode


class States:
    """Makes the sockets of one IP version."""

    def __init__(self, test, peer, family):
        self.test, self.peer, self.family = test, peer, family
        self.near, self.far, _ = ADDRESSES[family]
        self.any = "0.0.0.0" if family == socket.AF_INET else "::"
        self.port = 5000  # the next one on the peer's side: every connection has its own
        self.expected = []

    def tcp(self):
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        self.test.addCleanup(sock.close)
        return sock

    def next_port(self):
        self.port += 1
        return self.port

    def connect(self):
        return Connection(self.peer, self.family, self.next_port(), self.tcp())

    def held(self, label, state, sock, local, peer):
        self.expected.append(Expected(label, self.family, state, local, peer, os.fstat(sock.fileno()).st_ino, sock.fileno()))

    def ownerless(self, label, state, connection, reason):
        self.expected.append(Expected(label, self.family, state, connection.local, connection.far, reason=reason))

    def both(self, label, state, steps):
        """In a state while a process still holds the socket, and after it closed it: an orphan. `steps(connection,
        close)` leads there."""
        connection = self.connect()
        steps(connection, lambda: connection.sock.shutdown(socket.SHUT_WR))
        self.held(f"{label}, held", state, connection.sock, connection.local, connection.far)
        connection = self.connect()
        steps(connection, connection.sock.close)
        self.ownerless(f"{label}, closed", state, connection, "orphan")

    def make(self):
        self.make_listening()
        self.make_opening()
        self.make_open()
        self.make_closing()
        self.make_bound()
        return self.expected

    def make_listening(self):
        listener = self.tcp()
        listener.bind((self.near, 4000))
        listener.listen(BACKLOG)
        self.held("listener", "LISTEN", listener, (self.near, 4000), (self.any, 0))
        # Its peer's handshake, never finished.
        far_port = self.next_port()
        self.peer.send(self.family, far_port, 4000, 77, 0, SYN)
        self.peer.receive(self.family, 4000, SYN | ACK)
        self.expected.append(Expected("request", self.family, "SYN-RECV", (self.near, 4000), (self.far, far_port),
                                      reason="request"))

    def make_opening(self):
        sock = self.tcp()
        sock.setblocking(False)
        port = self.next_port()
        sock.connect_ex((self.far, port))
        local = sock.getsockname()[:2]
        self.peer.receive(self.family, local[1], SYN)
        self.held("never answered", "SYN-SENT", sock, local, (self.far, port))
        # Both sides open at once: the peer's SYN carries no ACK. A socket, not a request.
        sock = self.tcp()
        sock.setblocking(False)
        port = self.next_port()
        sock.connect_ex((self.far, port))
        local = sock.getsockname()[:2]
        self.peer.receive(self.family, local[1], SYN)
        self.peer.send(self.family, port, local[1], 88, 0, SYN)
        self.peer.receive(self.family, local[1], SYN | ACK)
        self.held("simultaneous open", "SYN-RECV", sock, local, (self.far, port))

    def make_open(self):
        connection = self.connect()
        self.held("established", "ESTAB", connection.sock, connection.local, connection.far)
        connection = self.connect()
        connection.send(FIN | ACK)
        connection.expect(ACK)
        self.held("peer closed", "CLOSE-WAIT", connection.sock, connection.local, connection.far)

    def make_closing(self):
        def fin_wait_1(connection, close):
            close()
            connection.expect(FIN)

        def fin_wait_2(connection, close):
            close()
            connection.acknowledge(connection.expect(FIN))

        def fin_wait_2_for_long(connection, close):
            connection.sock.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, LONG_LINGER)
            fin_wait_2(connection, close)

        def closing(connection, close):
            close()
            connection.expect(FIN)
            connection.send(FIN | ACK)  # of everything but our FIN
            connection.expect(ACK)

        def last_ack(connection, close):
            connection.send(FIN | ACK)
            connection.expect(ACK)
            close()
            connection.expect(FIN)

        self.both("our FIN is not acknowledged", "FIN-WAIT-1", fin_wait_1)
        self.both("our FIN is acknowledged", "FIN-WAIT-2", fin_wait_2_for_long)
        # As a rule an orphan here is no socket any more, only a time-wait entry with this state in it.
        connection = self.connect()
        fin_wait_2(connection, connection.sock.close)
        self.ownerless("our FIN is acknowledged, closed and let go", "FIN-WAIT-2", connection, "orphan")
        self.both("both FINs have crossed", "CLOSING", closing)
        self.both("our FIN, the second, is not acknowledged", "LAST-ACK", last_ack)

        connection = self.connect()
        fin_wait_2(connection, connection.sock.close)
        connection.send(FIN | ACK)
        connection.expect(ACK)
        self.ownerless("both closed", "TIME-WAIT", connection, "time-wait")

    def make_bound(self):
        bound = self.tcp()
        bound.bind((self.near, 4001))
        # Refused: it still has the port that it was bound to, and the address that it did not reach.
        failed = self.tcp()
        failed.bind((self.near, 4002))
        failed.setblocking(False)
        port = self.next_port()
        failed.connect_ex((self.far, port))
        syn = self.peer.receive(self.family, 4002, SYN)
        self.peer.send(self.family, port, 4002, 0, syn.end, RST | ACK)
        # Only these two have an end that can be seen: before 6.8 no table shows them.
        if sees_bound_inactive():
            self.held("bound", "BOUND-INACTIVE", bound, (self.near, 4001), (self.any, 0))
            self.held("connection refused", "BOUND-INACTIVE", failed, (self.near, 4002), (self.far, port))


def key(row):
    return row.family, row.state, row.local, row.peer, row.inode


def endpoint(end):
    return end["address"], end["port"]


class StatesTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.peer = RawPeer(self)
        self.expected = []
        for family in ADDRESSES:
            self.expected += States(self, self.peer, family).make()
        wanted = sorted(expected.key() for expected in self.expected)
        # The kernel's own word that each is there, and nothing else. What the raw peer sent last may be on its way.
        sandbox.wait_until(lambda: sorted(map(key, diag.tcp())) == wanted, "every state")

    def test_the_scene_has_every_state(self):
        states = ALL_STATES if sees_bound_inactive() else ALL_STATES - {"BOUND-INACTIVE"}
        for family in ADDRESSES:
            self.assertEqual({expected.state for expected in self.expected if expected.family == family}, states)

    def test_each_is_found_once(self):
        snapshot = capture(self, self.path("a.tar.zst"))
        self.assertEqual(sorted(map(key, diag.tcp())), sorted(expected.key() for expected in self.expected),
                         "the scene moved while it was captured")
        rows = sockets_of(snapshot, self.netns)
        rest = list(rows)
        for expected in self.expected:
            with self.subTest(expected.label, family=expected.family.name):
                found = [row for row in rows if (endpoint(row["local"]), endpoint(row["peer"]), row.get("inode", 0))
                         == (expected.local, expected.peer, expected.inode)]
                self.assertEqual(len(found), 1, found)
                rest.remove(found[0])
                self.check(expected, found[0])
        self.assertEqual(rest, [], "sockets that are not in the scene")

    def check(self, expected, row):
        self.assertEqual(row["state"], expected.state)
        self.assertEqual((row["family"], row["protocol"]),
                         ("inet" if expected.family == socket.AF_INET else "inet6", "tcp"))
        views = {source["view"] for source in row["sources"]}
        self.assertIn("inet_diag", views)
        if expected.state != "BOUND-INACTIVE":
            self.assertEqual(len(views), 2, "netlink and /proc/net both have it")
        if expected.state == "LISTEN":
            self.assertEqual((row["recv_queue"], row["send_queue"]), (0, BACKLOG))
        if expected.inode:
            self.assertEqual(certain_owners(row), {os.getpid(): [expected.fd]})
            self.assertNotIn("ownerless_reason", row)
            self.assertEqual(row["uid"], 0)
            return
        for field in ("inode", "uid", "user"):
            self.assertNotIn(field, row, "absent is not 0, and not root")
        self.assertEqual(row["ownerless_reason"]["code"], expected.reason)
        self.assertTrue(row["ownerless_reason"]["detail"])
        self.assertEqual([owner for owner in row["owners"] if owner["certainty"] == "certain"], [])
        if expected.reason != "request":
            self.assertEqual(row["owners"], [])


if __name__ == "__main__":
    sandbox.need("ip")
    sandbox.main(own_processes=True)
