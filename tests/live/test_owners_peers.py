"""Who is at the other end, of every kind of pair on one host: between two processes, the one is named at the other's
socket and the reverse, also across network namespaces, and never across two that only look alike."""

import socket
import subprocess

from support import diag, sandbox
from support.actors import actor, inode_of, listener, port_of, start_ticks
from support.netns import Netns, ip
from support.owners import OwnersTest

PORT = 4001
NETLINK_ROUTE = 0
RTMGRP_LINK = 1


class PeersTest(OwnersTest):
    def hold(self, sock):
        """A process that holds nothing but it. Returns (its pid, the socket's inode); here it is closed."""
        inode = inode_of(sock)
        process, _ = actor(self, lambda stage: stage.report(), keep=[sock.fileno()])
        sock.close()
        return process.pid, inode

    def row_of(self, end, **fields):
        return self.row(end[1], **fields)

    def check_peers(self, row, pids):
        """The processes at its other end, by pid and start."""
        self.assertEqual([(peer["pid"], peer["start_ticks"]) for peer in row["peer_owners"]],
                         [(pid, start_ticks(pid)) for pid in sorted(pids)], row)

    def check_tied(self, row, other, tie):
        self.assertIn((tie, other["cookie"]), [(link["tie"], link["cookie"]) for link in row.get("links", [])])

    def check_pair(self, one, other, there="peer", back="peer", **fields):
        """`there`: what the other is to the one, `back`: the reverse."""
        one_row, other_row = self.row_of(one, **fields), self.row_of(other, **fields)
        self.check_peers(one_row, [other[0]])
        self.check_peers(other_row, [one[0]])
        self.check_tied(one_row, other_row, there)
        self.check_tied(other_row, one_row, back)
        return one_row, other_row

    def tcp_pair(self, address="127.0.0.1", family=socket.AF_INET, port=PORT, client_family=None):
        """(near end, far end, listener), still here."""
        server = listener(port, "::" if client_family else address, family)
        near = socket.socket(client_family or family)
        near.connect((address, port))
        far, _ = server.accept()
        return near, far, server

    def test_tcp_on_loopback(self):
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            near, far, server = self.tcp_pair(address, family, PORT + family)
            ends = self.hold(near), self.hold(far)
            alone = self.hold(server)
            self.take()
            with self.subTest(family.name):
                self.check_pair(*ends)
                self.check_peers(self.row_of(alone), [])

    def test_a_v4_client_of_a_v6_server(self):
        near, far, server = self.tcp_pair("127.0.0.1", socket.AF_INET6, client_family=socket.AF_INET)
        self.addCleanup(server.close)
        near, far = self.hold(near), self.hold(far)
        self.take()
        near_row, far_row = self.check_pair(near, far)
        self.assertEqual((near_row["family"], near_row["peer"]["address"]), ("inet", "127.0.0.1"))
        self.assertEqual((far_row["family"], far_row["local"]["address"]), ("inet6", "::ffff:127.0.0.1"))

    def test_a_connection_that_waits_to_be_accepted(self):
        server, client = listener(PORT), socket.socket()
        client.connect(("127.0.0.1", PORT))
        port = port_of(client)
        server, client = self.hold(server), self.hold(client)
        self.take()
        self.check_peers(self.row_of(client), [server[0]])
        waiting = self.connection(("127.0.0.1", PORT), ("127.0.0.1", port))
        self.assertIn(client[0], [peer["pid"] for peer in waiting["peer_owners"]])

    def linked_namespaces(self):
        """Another namespace and the addresses of the two ends of a link to it."""
        other = Netns()
        self.addCleanup(other.close)
        ip("link", "add", "one", "type", "veth", "peer", "name", "two", "netns", f"/proc/self/fd/{other.fd}", pass_fds=[other.fd])
        ip("address", "add", "10.7.0.1/24", "dev", "one")
        ip("link", "set", "one", "up")
        with other.entered():
            ip("address", "add", "10.7.0.2/24", "dev", "two")
            ip("link", "set", "two", "up")
        return other, "10.7.0.1", "10.7.0.2"

    def test_across_namespaces(self):
        other, here, there = self.linked_namespaces()
        with other.entered():
            server = listener(PORT, there)
            udp_server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp_server.bind((there, PORT))
        self.addCleanup(server.close)
        near = socket.create_connection((there, PORT))
        far, _ = server.accept()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.connect((there, PORT))
        near, far, udp, udp_server = (self.hold(sock) for sock in (near, far, udp, udp_server))
        self.take()
        near_row, far_row = self.check_pair(near, far)
        self.assertEqual((near_row["netns"]["inode"], far_row["netns"]["inode"]), (self.netns, other.inode))
        self.assertEqual(near_row["local"]["address"], here)
        self.check_pair(udp, udp_server, "server", "client")

    def test_the_same_pair_in_two_namespaces(self):
        """Loopback is a namespace's own: four sockets with one pair of addresses, and no tie between the namespaces."""
        other = Netns()
        self.addCleanup(other.close)

        def pair():
            server, near = listener(PORT), socket.socket()
            near.bind(("127.0.0.1", PORT + 1))
            near.connect(("127.0.0.1", PORT))
            far, _ = server.accept()
            server.close()
            return near, far

        here = [self.hold(sock) for sock in pair()]
        with other.entered():
            socks = pair()
        there = [self.hold(sock) for sock in socks]
        self.take()
        self.check_pair(*here)
        self.check_pair(*there)

    def test_a_far_end_that_is_not_here(self):
        """Nobody is named for a peer on another host, nor for one that has ended."""
        _, _, there = self.linked_namespaces()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.connect((there, PORT))
        nobody = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        nobody.connect(("10.7.0.9", PORT))
        udp, nobody = self.hold(udp), self.hold(nobody)
        self.take()
        for end in (udp, nobody):
            self.check_peers(self.row_of(end), [])

    def test_udp(self):
        both = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for sock in both:
            sock.bind(("127.0.0.1", 0))
        both[0].connect(both[1].getsockname())
        both[1].connect(both[0].getsockname())
        server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        server.bind(("0.0.0.0", PORT))
        client.connect(("127.0.0.1", PORT))
        both, server, client = [self.hold(sock) for sock in both], self.hold(server), self.hold(client)
        self.take()
        self.check_pair(*both)
        client_row, server_row = self.check_pair(client, server, "server", "client")
        self.assertEqual((client_row["state"], server_row["state"]), ("ESTAB", "UNCONN"))

    def test_unix_pairs(self):
        pairs = {kind: [self.hold(sock) for sock in socket.socketpair(socket.AF_UNIX, kind)]
                 for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)}
        server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        server.bind("\0stream")
        server.listen(1)
        client.connect("\0stream")
        accepted, _ = server.accept()
        server, client, accepted = self.hold(server), self.hold(client), self.hold(accepted)
        self.take()
        for kind, pair in pairs.items():
            with self.subTest(kind.name):
                self.check_pair(*pair)
        self.check_pair(client, accepted)
        self.check_peers(self.row_of(server), [])

    def test_unix_pending_clients(self):
        server = socket.socket(socket.AF_UNIX)
        server.bind("\0stream")
        server.listen(4)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for client in clients:
            client.connect("\0stream")
        server, *clients = [self.hold(sock) for sock in (server, *clients)]
        self.take()
        for client in clients:
            row = self.row_of(client)
            self.check_peers(row, [server[0]])
            self.assertEqual([owner["pid"] for owner in row["owners"]], [client[0]])
        self.check_peers(self.row_of(server), [client[0] for client in clients])
        self.check_all_explained()

    def test_unix_datagrams_one_way(self):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind("\0log")
        clients = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
        for client in clients:
            client.connect("\0log")
        server, *clients = [self.hold(sock) for sock in (server, *clients)]
        self.take()
        server_row = self.row_of(server)
        for client in clients:
            row = self.row_of(client)
            self.check_peers(row, [server[0]])
            self.check_tied(row, server_row, "server")
            self.check_tied(server_row, row, "client")
        self.check_peers(server_row, [client[0] for client in clients])

    def test_mptcp(self):
        if not diag.has_table("mptcp"):
            self.assertRaises(OSError, socket.socket, socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP)
            return
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP)
        server.bind(("127.0.0.1", PORT))
        server.listen(1)
        self.addCleanup(server.close)
        near = socket.socket(socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP)
        near.connect(("127.0.0.1", PORT))
        far, _ = server.accept()
        for sender, receiver in ((near, far), (far, near)):
            sender.sendall(b"x")
            self.assertEqual(receiver.recv(1), b"x")
        near, far = self.hold(near), self.hold(far)
        self.take()
        self.check_pair(near, far, protocol="mptcp")
        self.check_pair(near, far, protocol="tcp")
        for end in (near, far):
            whole, part = self.row_of(end, protocol="mptcp"), self.row_of(end, protocol="tcp")
            self.check_tied(part, whole, "parent")
            self.check_tied(whole, part, "subflow")
            for row in (whole, part):
                self.check_held(row, {(end[0], "fd", None): row["owners"][0]["fds"]})

    def test_netlink_by_inode(self):
        """The port id is a pid by habit alone: the second socket of a process has another, and any can be asked for."""
        bystander, _ = actor(self, lambda stage: stage.report())

        def body(stage):
            socks = [stage.keep(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)) for _ in range(3)]
            socks[0].bind((0, RTMGRP_LINK))
            socks[1].bind((0, RTMGRP_LINK))
            socks[2].bind((bystander.pid, RTMGRP_LINK))
            stage.report([[inode_of(sock), sock.fileno(), sock.getsockname()[0]] for sock in socks])

        process, socks = actor(self, body)
        ports = [port for _, _, port in socks]
        self.assertEqual(ports[0], process.pid)
        self.assertNotIn(ports[1], (process.pid, bystander.pid))
        self.assertEqual(ports[2], bystander.pid)
        shown = subprocess.run(["ss", "-f", "netlink", "-apnH"], capture_output=True, text=True, check=True).stdout
        lines = [line for line in shown.splitlines() if str(bystander.pid) in line]
        self.assertTrue(lines)
        for line in lines:
            self.assertNotIn(f"pid={process.pid},", line, "ss goes by the port id")
        self.take()
        for inode, fd, port in socks:
            row = self.row(inode)
            self.assertEqual((row["family"], row["protocol"]), ("netlink", "route"))
            self.assertEqual(row["local"]["port_id"] % 2**32, port % 2**32)
            self.check_held(row, {(process.pid, "fd", None): [fd]})
        kernels = [row for row in self.rows(family="netlink") if row["local"].get("port_id") == 0]
        self.assertTrue(kernels)
        for row in kernels:
            self.check_reason(row, "kernel")


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "ip")
    sandbox.main(own_processes=True)
