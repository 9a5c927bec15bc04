"""Sockets that no process has a descriptor of: those that somebody may still get hold of, and those that nobody will. Each
has its possible holders or its reason by name, where the real tools show a blank."""

import os
import re
import socket

from support import sandbox
from support.actors import actor, inode_of, listener, port_of
from support.netns import Netns, ip, mount
from support.owners import OwnersTest, reasons_of
from support.raw_peer import ACK, ADDRESSES, FIN, SYN, Connection, RawPeer

PORT = 4001
MNT_DETACH = 2
TCP_LINGER2 = 8
LONG_LINGER = 120  # seconds, longer than TIME-WAIT: an orphan in FIN-WAIT-2 stays a socket (net/ipv4/tcp.c, __tcp_close)


class WaitingTest(OwnersTest):
    """A process may still get it."""

    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def test_in_flight(self):
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        receiver, _ = actor(self, lambda stage: stage.report(), keep=[far.fileno()])
        far_fd, far_inode = far.fileno(), inode_of(far)
        far.close()
        self.keep(near)
        bystander_near, bystander_far = (self.keep(sock) for sock in socket.socketpair(socket.AF_UNIX))
        sent = listener(PORT)
        inode = inode_of(sent)
        socket.send_fds(near, [b"it"], [sent.fileno()])
        sent.close()
        self.take()
        self.check_nobody(inode)
        self.check_nobody(f":{PORT}")
        self.check_listed(inode)
        row = self.row(inode)
        self.assertEqual([(owner["pid"], owner["via"], owner["certainty"], owner["fds"]) for owner in row["owners"]],
                         [(receiver.pid, "in-flight", "possible", [far_fd])])
        # Without a certain owner there is a reason, and it is none that says that nobody knows.
        self.assertNotIn(row.get("ownerless_reason", {}).get("code"), ("unexplained", "unreadable", "other-pid-namespace"))
        self.check_held(self.row(far_inode), {(receiver.pid, "fd", None): [far_fd]})
        for sock in (bystander_near, bystander_far, near):
            self.check_held(self.row(inode_of(sock)), {(os.getpid(), "fd", None): [sock.fileno()]})

    def test_accept_queues(self):
        def body(stage):
            tcp, unix = stage.keep(listener(PORT)), stage.keep(socket.socket(socket.AF_UNIX))
            unix.bind("\0queue")
            unix.listen(4)
            stage.report([tcp.fileno(), unix.fileno()])

        server, (tcp_fd, unix_fd) = actor(self, body)
        client = self.keep(socket.create_connection(("127.0.0.1", PORT)))
        unix_client = self.keep(socket.socket(socket.AF_UNIX))
        unix_client.connect("\0queue")
        self.take()
        port = port_of(client)
        for tool in ("ss", "netstat"):
            [line] = [line for line in self.tools.rows(tool, f":{PORT}") if f"127.0.0.1:{PORT}" in line.split()[3:5]
                      and f"127.0.0.1:{port}" in line.split()[4:6]]
            self.assertNotRegex(line, rf"pid=|\b{server.pid}/", "nobody")
        waiting = self.connection(("127.0.0.1", PORT), ("127.0.0.1", port), state="ESTAB")
        self.assertNotIn("inode", waiting)
        self.assertEqual([(owner["pid"], owner["via"]) for owner in waiting["owners"]], [(server.pid, "listener")])
        self.assertIn(waiting["owners"][0]["certainty"], ("certain", "probable"), "no other listener is there")

        # UNIX: only /proc/net/unix has the server's end, without an inode.
        [waiting] = [row for row in self.rows(family="unix", state="ESTAB") if "inode" not in row]
        self.assertEqual(waiting["local"], {"abstract": "queue"})
        self.assertEqual([(owner["pid"], owner["via"]) for owner in waiting["owners"]], [(server.pid, "listener")])
        self.assertEqual(self.tools.pids("netstat", "@queue"), {server.pid}, "of the listener's line")
        lines = self.tools.rows("netstat", "@queue")
        self.assertEqual([line for line in lines if "LISTEN" not in line and f"{server.pid}/" in line], [])
        # The listeners themselves are held as always.
        [unix_listener] = self.rows(family="unix", state="LISTEN")
        self.check_held(unix_listener, {(server.pid, "fd", None): [unix_fd]})
        [tcp_listener] = self.rows(protocol="tcp", state="LISTEN")
        self.check_held(tcp_listener, {(server.pid, "fd", None): [tcp_fd]})
        self.check_all_explained()

    def test_two_listeners_share_the_port(self):
        """SO_REUSEPORT: the kernel chose one of them. Which one has a connection waiting tells its queue."""
        def body(stage):
            stage.report(inode_of(stage.keep(listener(PORT, reuse_port=True))))

        servers = [actor(self, body) for _ in range(2)]
        clients = [self.keep(socket.create_connection(("127.0.0.1", PORT))) for _ in range(3)]
        self.take()
        queues = {server.pid: self.row(inode)["recv_queue"] for server, inode in servers}
        self.assertEqual(sum(queues.values()), len(clients))
        for client in clients:
            for tool in ("ss", "netstat"):
                waiting = [line for line in self.tools.rows(tool, f":{port_of(client)}") if inode_of(client) not in
                           map(int, re.findall(r"\b\d+\b", line))]
                self.assertEqual(len(waiting), 1)
                self.assertNotRegex(waiting[0], r"pid=|\d/")
            row = self.connection(("127.0.0.1", PORT), client.getsockname(), state="ESTAB")
            said = {owner["pid"]: owner["certainty"] for owner in row["owners"]}
            self.assertEqual({owner["via"] for owner in row["owners"]}, {"listener"})
            self.assertLessEqual({pid for pid, length in queues.items() if length}, set(said))
            self.assertLessEqual(set(said), set(queues))
            if all(queues.values()):
                self.assertNotIn("certain", said.values(), "either may have it")

    def test_hidden_by_a_mount(self):
        def body(stage):
            sock = stage.keep(listener(PORT))
            stage.report([inode_of(sock), sock.fileno()])

        process, (inode, fd) = actor(self, body)
        mount("tmpfs", f"/proc/{process.pid}", "tmpfs")
        self.addCleanup(sandbox.LIBC.umount2, f"/proc/{process.pid}".encode(), MNT_DETACH)
        self.assertEqual(os.listdir(f"/proc/{process.pid}"), [])
        self.take()
        self.check_nobody(inode)
        self.check_nobody(f":{PORT}")
        self.check_listed(inode)
        row = self.row(inode)
        self.assertEqual([(owner["pid"], owner["via"], owner["certainty"], owner["fds"]) for owner in row["owners"]],
                         [(process.pid, "fd", "certain", [fd])])
        self.assertNotIn("ownerless_reason", row)
        self.assertEqual(self.processes[process.pid]["mounted_over"], f"/proc/{process.pid}")
        self.assertNotIn("mounted_over", self.processes[os.getpid()])


class ReasonsTest(OwnersTest):
    """Nobody will."""

    def test_the_kernels_own(self):
        ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789", "local", "127.0.0.1", "dev", "lo")
        ip("link", "set", "vx0", "up")
        ip("link", "add", "vx6", "type", "vxlan", "id", "43", "dstport", "4790", "local", "::1", "dev", "lo")
        ip("link", "set", "vx6", "up")
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", 4791))
        self.take()
        for port, family, name in ((4789, "inet", "vx0"), (4790, "inet6", "vx6")):
            with self.subTest(name):
                self.check_nobody(f":{port}")
                self.check_listed(f":{port}")
                [row] = [row for row in self.rows(family=family, protocol="udp") if row["local"]["port"] == port]
                self.assertEqual(row["owners"], [])
                self.check_reason(row, "kernel", rf"\bvxlan {name}\b")
        self.check_held(self.row(inode_of(held)), {(os.getpid(), "fd", None): [held.fileno()]})
        self.check_all_explained()

    def test_a_link_that_moved(self):
        """Its socket stays where the link was made."""
        netns = Netns()
        self.addCleanup(netns.close)
        ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789", "local", "127.0.0.1", "dev", "lo")
        ip("link", "set", "vx0", "up")
        ip("link", "set", "vx0", "netns", f"/proc/self/fd/{netns.fd}", pass_fds=[netns.fd])
        with netns.entered():
            ip("link", "set", "vx0", "up")
        self.take()
        self.check_nobody(":4789")
        self.check_listed(":4789")
        [row] = [row for row in self.rows(protocol="udp") if row["local"]["port"] == 4789]
        self.assertEqual(row["netns"]["inode"], self.netns)
        self.assertEqual(row["owners"], [])
        self.check_reason(row, "kernel", r"\bvxlan vx0\b")

    def test_closed_and_not_yet_open(self):
        peer = RawPeer(self)
        expected = {}
        for family in ADDRESSES:
            expected |= self.make_ownerless(peer, family, 5000)
        self.take()
        states = {}
        for (local, far), (state, code, detail) in expected.items():
            with self.subTest(state=state, local=local):
                row = self.connection(local, far)
                self.assertEqual(row["state"], state)
                self.check_reason(row, code, detail)
                self.assertEqual([owner for owner in row["owners"] if code != "request"], [])
                for field in ("inode", "uid", "user"):
                    self.assertNotIn(field, row, "absent is not 0, and not root")
                states[state] = states.get(state, 0) + 1
                for tool in ("ss", "netstat"):
                    lines = self.tools.rows(tool, f":{far[1]}")
                    self.assertTrue(lines, f"{tool} has a line of it")
                    self.assertEqual(self.tools.pids(tool, f":{far[1]}"), set())
                self.assertEqual(self.tools.pids("lsof", f":{far[1]}"), set())
        self.assertEqual(states, {state: 2 for state in
                                  ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK", "TIME-WAIT", "SYN-RECV")})
        self.assertEqual(reasons_of(self.rows(protocol="tcp")), {"orphan": 8, "time-wait": 2, "request": 2})
        self.check_all_explained()

    def make_ownerless(self, peer, family, port):
        """{(local, peer): (state, code, what the detail says)}."""
        near, far, _ = ADDRESSES[family]
        expected = {}

        def closed(state, code, detail, *steps):
            """`steps` lead there: `close`, a flag to send, `ack` of the last segment from here, or to expect one."""
            nonlocal port
            port += 1
            connection = Connection(peer, family, port, socket.socket(family))
            segment = None
            for step in steps:
                if step == "close":
                    connection.sock.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, LONG_LINGER)
                    connection.sock.close()
                    segment = connection.expect(FIN)
                elif step == "ack":
                    connection.acknowledge(segment)
                else:
                    connection.send(FIN | ACK)
                    connection.expect(ACK)
            expected[connection.local, connection.far] = (state, code, detail)

        orphan = r"closed by its process"
        closed("FIN-WAIT-1", "orphan", orphan, "close")
        closed("FIN-WAIT-2", "orphan", orphan, "close", "ack")
        closed("CLOSING", "orphan", orphan, "close", "fin")
        closed("LAST-ACK", "orphan", orphan, "fin", "close")
        closed("TIME-WAIT", "time-wait", None, "close", "ack", "fin")
        server = listener(4000, near, family)
        self.addCleanup(server.close)
        port += 1
        peer.send(family, port, 4000, 77, 0, SYN)
        peer.receive(family, 4000, SYN | ACK)
        shown = f"[{near}]:4000" if family == socket.AF_INET6 else f"{near}:4000"
        expected[(near, 4000), (far, port)] = ("SYN-RECV", "request", f"listener on {re.escape(shown)}")
        return expected


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "ip")
    sandbox.main(own_processes=True)
