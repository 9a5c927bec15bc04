"""`analyze --as netstat` beside netstat itself: its tables -i -r -g -s, -U -S -W, and names in the place of numbers.
test_extract.py goes through every combination of the switches about sockets."""

import os
import socket
import subprocess

from support import replay_tools, sandbox
from support.netns import ip, sysctl
from support.scene import make_scene
from support.ssnap import capture, ssnap

IPPROTO_UDPLITE = 136


def make_interfaces():
    ip("link", "add", "eth9", "type", "veth", "peer", "name", "eth10")
    ip("link", "add", "a-long-name-15b", "type", "veth", "peer", "name", "down2")
    ip("link", "set", "eth10", "mtu", "9000", "promisc", "on", "up")
    ip("link", "set", "eth9", "allmulticast", "on", "up")
    ip("link", "set", "a-long-name-15b", "arp", "off", "multicast", "off", "dynamic", "on", "up")
    ip("addr", "add", "10.9.0.1/24", "dev", "eth9", "label", "eth9:2")
    ip("addr", "add", "10.9.1.1/24", "dev", "eth9", "label", "eth9:10")
    ip("addr", "add", "10.10.0.1/16", "dev", "eth10")


def make_network(test):
    """Interfaces, addresses, routes and groups of every kind that netstat has a letter for."""
    make_interfaces()
    ip("addr", "add", "fd00:9::1/64", "dev", "eth9", "nodad")
    ip("route", "add", "default", "via", "10.9.0.254", "metric", "100")
    ip("route", "add", "10.20.0.0/16", "via", "10.10.0.2", "mtu", "1400", "window", "4096", "rtt", "100ms", "advmss", "1360")
    ip("route", "add", "10.30.0.7/32", "dev", "eth10", "metric", "4000000000")
    ip("route", "add", "blackhole", "10.40.0.0/24")
    ip("route", "add", "unreachable", "10.41.0.0/24", "metric", "7")
    ip("route", "add", "prohibit", "10.42.0.1")
    ip("route", "add", "10.50.0.0/24", "dev", "a-long-name-15b")
    ip("-6", "route", "add", "default", "via", "fd00:9::2", "metric", "1024")
    ip("-6", "route", "add", "fd00:20::/48", "via", "fd00:9::3", "mtu", "1400", "expires", "100000")
    ip("-6", "route", "add", "unreachable", "fd00:40::/32")
    ip("-6", "route", "add", "fd00:30::7/128", "dev", "eth10")
    group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    test.addCleanup(group.close)
    group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     socket.inet_aton("239.1.2.3") + socket.inet_aton("10.10.0.1"))
    group6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    test.addCleanup(group6.close)
    group6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                      socket.inet_pton(socket.AF_INET6, "ff02::1:3") + socket.if_nametoindex("eth9").to_bytes(4, "little"))


def make_traffic():
    """So that counters aren't 0: echo requests, refused and reset connections, packets to a closed port."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.sendto(b"\x08\x00\xf7\xff" + bytes(4), ("127.0.0.1", 0))  # echo
        sock.sendto(b"\x0d\x00\xf2\xff" + bytes(16), ("127.0.0.1", 0))  # timestamp
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as sock:
            assert sock.connect_ex((address, 9)) != 0
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
            for _ in range(3):
                try:
                    sock.send(b"x")
                except ConnectionRefusedError:
                    pass
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    client.sendall(b"x" * 100000)
    accepted.close()  # with data unread: a reset
    client.close()
    server.close()


def live(*arguments):
    run = subprocess.run(["netstat", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return run.stdout.decode()


class AsNetstatTest(sandbox.LiveTest):
    def analyze(self, *arguments, complaint=b""):
        run = ssnap("analyze", self.archive, "--as", "netstat", *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, complaint))
        return run.stdout.decode()

    def capture(self):
        self.archive = self.path("a.tar.zst")
        self.snapshot = capture(self, self.archive)

    def assert_as_replayed(self, *rows):
        """As netstat prints it when it is fed with the same evidence."""
        tree = replay_tools.extract(self, self.archive)
        for row, (_, real, complaint) in zip(rows, replay_tools.netstat(tree, *rows)):
            with self.subTest(row):
                # Its messages of one line are ours, after our name.
                self.assertEqual(self.analyze(*row, complaint=b"ssnap: " + complaint if complaint else b""), real.decode())

    def test_routes(self):
        make_network(self)
        self.capture()
        self.assert_as_replayed(["-rn"], ["-ren"], ["-reen"], ["-reeen"], ["-reeeen"], ["-rn6"], ["-rne6"], ["-46rn"], ["-rnNvF"],
                                ["-rnW"], ["-rn", "-x"], ["-rN"], ["-r", "--numeric-hosts"], ["-rN6"])
        self.assertIn("eth10", self.analyze("-rn"))
        # Without -n only the route to everywhere has a name that isn't the machine's.
        self.assertIn("default         10.9.0.254      0.0.0.0         UG    ", self.analyze("-r"))
        self.assertIn("[::]/0                         fd00:9::2                  UG   1024", self.analyze("-r6"))
        self.assertEqual(self.analyze("-rn"), live("-rn"))

    def test_interfaces(self):
        # Without IPv6, whose interfaces solicit and report on their own for seconds.
        sysctl("ipv6/conf/default/disable_ipv6", 1)
        make_interfaces()
        rows = (["-i"], ["-ia"], ["-in"], ["-ivg"], ["-iaW"])
        for _ in range(10):
            before = [live(*row) for row in rows]
            self.capture()
            if before == [live(*row) for row in rows]:
                break
            os.remove(self.archive)
        else:
            self.fail("the interfaces never came to rest")
        for row, real in zip(rows, before):
            self.assertEqual(self.analyze(*row), real, row)
        self.assertIn("a-long-name-15b", before[0])
        self.assertIn("eth9:10          1500      - no statistics available - ", before[0])
        self.assertNotIn("down2", before[0])
        self.assertIn("down2", before[1])

    def test_groups(self):
        make_network(self)
        self.capture()
        self.assert_as_replayed(["-gn"], ["-gn4"], ["-gn6"], ["-gnt"], ["-gnx"], ["-gnla"])
        said = self.analyze("-gn")
        self.assertIn("eth10           1      239.1.2.3\n", said)
        self.assertIn("eth9            1      ff02::1:3\n", said)
        self.assertEqual(said, live("-gn"))

    def test_statistics(self):
        make_network(self)
        make_traffic()
        self.capture()
        self.assert_as_replayed(["-s"], ["-st"], ["-su"], ["-sw"], ["-sU"], ["-sS"], ["-stu"], ["-stuw"], ["-s4"], ["-s6"], ["-s6t"],
                                ["-s6u"], ["-s6w"], ["-s6tuw"], ["-sx"], ["-s46"], ["-sn"])
        said = self.analyze("-s")
        for part in ("ICMP input histogram:", "destination unreachable: ", "failed connection attempts", "TcpExt:"):
            self.assertIn(part, said)

    def test_sockets_of_more_kinds(self):
        """UDP-Lite, addresses that are cut or not, and SCTP, which this kernel may not have."""
        make_scene(self)
        make_network(self)
        lite = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_UDPLITE)
        self.addCleanup(lite.close)
        lite.bind(("127.0.0.1", 2020))
        wide = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.addCleanup(wide.close)
        ip("addr", "add", "fd00:1234:5678:9abc:def0:1234:5678:9abc/128", "dev", "lo", "nodad")
        wide.bind(("fd00:1234:5678:9abc:def0:1234:5678:9abc", 48924))
        wide.listen()
        self.capture()
        self.assert_as_replayed(["-Uanpe"], ["-uUan"], ["-tuUwanpeo"], ["-San"], ["-tSan"], ["-tSuan"], ["-46an"], ["-xSan"],
                                ["-tanW"], ["-tuwxanpeoW"], ["-lnW"], ["-n"], ["-an"], ["-ln"], ["-anpeo"], ["-tgan"], ["-xgn"])
        self.assertIn("udpl       0      0 127.0.0.1:2020 ", self.analyze("-Uan"))
        self.assertIn(" fd00:1234:5678:9abc:def0:1234:5678:9abc:48924 ", self.analyze("-tanW"))
        self.assertIn(" fd00:1234:5678:9a:48924 ", self.analyze("-tan"))

    def test_names(self):
        """Without -n: services, IP protocols and users by their names in the archive, which are this machine's."""
        sockets = []
        for port in (22, 53, 80, 1524, 2010, 6000, 65000):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                sock = socket.socket(socket.AF_INET, kind)
                sock.bind(("127.0.0.1", port))
                if kind == socket.SOCK_STREAM:
                    sock.listen()
                sockets.append(sock)
        # A long name makes room at the address's expense.
        wide = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        ip("addr", "add", "fd00:1234:5678:9abc:def0:1234:5678:9abc/128", "dev", "lo", "nodad")
        wide.bind(("fd00:1234:5678:9abc:def0:1234:5678:9abc", 4369))
        wide.listen()
        sockets.append(wide)
        for protocol in (1, 6, 89, 200):
            sockets.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
        os.fchown(sockets[0].fileno(), 1, 1)
        self.addCleanup(lambda: [sock.close() for sock in sockets])
        self.capture()
        self.assert_as_replayed(["-tuwae", "--numeric-hosts"], ["-tuwae", "--numeric-hosts", "--numeric-ports"],
                                ["-tuwae", "--numeric-hosts", "--numeric-users"], ["-tuwaeW", "--numeric-hosts"])
        said = self.analyze("-tuwae")
        self.assertEqual(said, self.analyze("-tuwae", "--numeric-hosts"))
        for part in ("127.0.0.1:domain", "127.0.0.1:65000 ", "0.0.0.0:icmp ", "root "):
            self.assertIn(part, said)

    def test_sctp(self):
        """What netstat makes of SCTP's files, also where the kernel has none: with rows made by hand."""
        self.capture()
        tree = replay_tools.extract(self, self.archive)
        folder = f"{tree}/proc/net/sctp"
        inside = next(f"{tree}/netns/{name}" for name in os.listdir(f"{tree}/netns") if name == str(self.netns))
        texts = {
            "eps": " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n"
                   "a b 2   10  29   5000   1000 16384 10.0.0.1 fe80:0000:0000:0000:0000:0000:0000:0001 \n"
                   "a b 2   10  29   5001   0 16385 0000:0000:0000:0000:0000:ffff:0a00:0001 \n"
                   "a b 0 7 30 5002 0 1 \n",
            "assocs": " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS\n"
                      "a b 2   1   3  0      60       11       12    1000 188897 12345 54321  127.0.0.1 10.0.0.1 10.0.0.2 <-> *127.0.0.2 10.0.0.2 \t   30000 65535 65535   10\n"
                      "a b 2   1   3  0      61       0       0    0 188898 12346 54322  *fe80:0000:0000:0000:0000:0000:0000:0001 <-> *fe80:0000:0000:0000:0000:0000:0000:0002 fe80:0000:0000:0000:0000:0000:0000:0003 \t   30000 65535 65535   10\n",
            "snmp": "SctpCurrEstab                   \t2\nSctpActiveEstabs                \t0\nSctpOdd                         \t7\nSctpOddZero                     \t0\n",
        }
        if not os.path.isdir(folder):
            for path in (folder, f"{inside}/proc/net/sctp"):
                os.mkdir(path)
        for name, text in texts.items():
            for path in (f"{folder}/{name}", f"{inside}/proc/net/sctp/{name}"):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
        for row in (["-San"], ["-Sn"], ["-Sln"], ["-Sanpeo"], ["-tSuan"], ["-an"], ["-s"], ["-sS"]):
            code, real, complaint = replay_tools.netstat(tree, row)[0]
            with self.subTest(row):
                run = ssnap("analyze", tree, "--as", "netstat", *row)
                self.assertEqual((run.returncode, run.stdout.decode()), (0, real.decode()))
        self.assertIn(b"sctp", replay_tools.netstat(tree, ["-San"])[0][1])

    def test_long_names(self):
        make_network(self)
        self.capture()
        for short, long in ((["-rn"], ["--route", "--numeric"]), (["-ree"], ["--route", "--extended", "--extended"]),
                            (["-r"], ["--route", "--fib", "--verbose"]), (["-rN"], ["--route", "--symbolic"]),
                            (["-i"], ["--interfaces"]), (["-g"], ["--groups"]), (["-s"], ["--statistics"]),
                            (["-Ua"], ["--udplite", "--all"]), (["-tanW"], ["--tcp", "--all", "--numeric", "--wide"])):
            self.assertEqual(self.analyze(*short), self.analyze(*long), long)
        run = ssnap("analyze", self.archive, "--as", "netstat", "--sctp")
        self.assertEqual(run.stdout, ssnap("analyze", self.archive, "--as", "netstat", "-S").stdout)

    def test_usage(self):
        self.capture()
        for row in (["-ir"], ["-is"], ["-rs"], ["-ie"], ["-C"], ["-c"], ["-M"], ["-Z"]):  # each told in test_options.py
            self.assertEqual(ssnap("analyze", self.archive, "--as", "netstat", *row).returncode, 2, row)
        self.assertEqual(ssnap("analyze", self.archive, "-r").returncode, 2)


if __name__ == "__main__":
    sandbox.need("netstat", "ip", "unshare", "mount")
    sandbox.main(own_processes=True)
