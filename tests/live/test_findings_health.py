"""What `analyze --findings` says of sockets that are not well, and not of those that are nearly so."""

import socket

from support import diag, sandbox
from support.actors import actor, inode_of, listener, port_of
from support.findings import FindingsTest
from support.netns import Netns, ip, sysctl

# As the rules have them (docs/findings.md).
CLOSE_WAITS, ORPHANS, IN_A_ROW = 16, 64, 4
FIRST_PORT, PORTS = 40000, 10


def queued(sock):
    """Connections that wait in a listener's queue, by /proc/net/tcp."""
    with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if fields[1].endswith(f":{port_of(sock):04X}") and fields[3] == "0A":
                return int(fields[4].split(":")[1], 16)
    raise AssertionError("no such listener")


def dropped(sock):
    with open("/proc/thread-self/net/udp", encoding="ascii") as file:
        return next(int(line.split()[-1]) for line in file if line.split()[9] == str(inode_of(sock)))


class HealthTest(FindingsTest):
    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def test_full_accept_queue(self):
        full, room = self.keep(listener(backlog=0)), self.keep(listener(backlog=1))
        for server in (full, room):
            self.keep(socket.create_connection(server.getsockname()))
            sandbox.wait_until(lambda server=server: queued(server) == 1, "the connection in the queue")
        self.take()
        self.assertIn("1 connection waits to be accepted, its limit is 0", self.check_only("full-accept-queue", full, room)["sentence"])

    def left_open(self, number):
        """An actor that doesn't close connections of which the test closes its end. Returns (it, their port)."""
        def server(stage):
            sock = stage.keep(listener(backlog=number))
            stage.report(port_of(sock))
            for _ in range(number):
                stage.keep(sock.accept()[0])
            stage.report()

        process, port = actor(self, server)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
        process.heard()
        for client in clients:
            client.close()
        sandbox.wait_until(lambda: sum(row.state == "CLOSE-WAIT" and row.local[1] == port for row in diag.tcp()) == number, "CLOSE-WAIT")
        return process

    def test_close_wait(self):
        many, few = self.left_open(CLOSE_WAITS), self.left_open(CLOSE_WAITS - 1)
        self.take()
        [finding] = self.of_rule("close-wait")
        self.assertEqual([process["pid"] for process in finding["processes"]], [many.pid])
        self.assertNotEqual(many.pid, few.pid)
        self.assertEqual(len(finding["sockets"]), CLOSE_WAITS)

    def orphans(self, number):
        """Connections that are closed with data which the peer has no room for. They last as long as the peer does."""
        server = listener(backlog=number)
        for _ in range(number):
            near = socket.create_connection(server.getsockname())
            self.keep(server.accept()[0])
            near.setblocking(False)
            try:
                while True:
                    near.send(bytes(1 << 16))
            except BlockingIOError:
                near.close()
        server.close()
        sandbox.wait_until(lambda: sum(row.state == "FIN-WAIT-1" for row in diag.tcp()) == number, "the orphans")

    def test_orphans(self):
        self.orphans(ORPHANS - 1)
        self.take()
        self.assertEqual(self.of_rule("orphans"), [])
        sandbox.fresh_network_namespace()
        self.orphans(ORPHANS)
        self.take()
        [finding] = self.of_rule("orphans")
        self.assertEqual(len(finding["sockets"]), ORPHANS)

    def test_drops(self):
        small, roomy, sender = (self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3))
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for sock in (small, roomy):
            sock.bind(("127.0.0.1", 0))
            for _ in range(16):
                sender.sendto(bytes(1024), sock.getsockname())
        sandbox.wait_until(lambda: dropped(small) > 0, "a drop")
        self.assertEqual(dropped(roomy), 0)
        self.take()
        self.assertIn(f"has dropped {dropped(small)} ", self.check_only("drops", small, roomy)["sentence"])

    def test_retransmissions(self):
        other = Netns()
        self.addCleanup(other.close)
        ip("link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", f"/proc/self/fd/{other.fd}", pass_fds=[other.fd])
        ip("addr", "add", "10.7.0.1/24", "dev", "near0")
        ip("link", "set", "near0", "up")
        with other.entered():
            ip("addr", "add", "10.7.0.2/24", "dev", "far0")
            ip("link", "set", "far0", "up")
            server = self.keep(listener(address="10.7.0.2"))
        sends, silent = (self.keep(socket.create_connection(server.getsockname())) for _ in range(2))
        with other.entered():
            ip("link", "set", "far0", "down")
        sends.sendall(b"is anybody there?")
        port = port_of(sends)
        sandbox.wait_until(lambda: any(row.local[1] == port and row.retransmits >= IN_A_ROW for row in diag.tcp()), "retransmissions")
        self.take()
        self.assertIn("1 connection to 10.7.0.2 had to send again", self.check_only("retransmissions", sends, silent)["sentence"])

    def test_ephemeral_ports(self):
        sysctl("ipv4/ip_local_port_range", f"{FIRST_PORT} {FIRST_PORT + PORTS - 1}")
        nearly, many = self.keep(listener(5001, backlog=PORTS)), self.keep(listener(5002, backlog=PORTS))
        for server, number in ((nearly, PORTS * 8 // 10), (many, PORTS * 8 // 10 - 1)):
            for _ in range(number):
                self.keep(socket.create_connection(server.getsockname()))
        self.take()
        [finding] = self.of_rule("ephemeral-ports")
        self.assertIn(f"8 of the {PORTS} local tcp ports", finding["sentence"])
        self.assertTrue(finding["sentence"].endswith("to 127.0.0.1 port 5001"))


if __name__ == "__main__":
    sandbox.main()
