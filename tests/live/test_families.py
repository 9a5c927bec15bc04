"""One socket of every family that the kernel under test offers, with the options that people forget, each found with its
particulars. What the kernel does not offer must be said to be missing, not be missing from what is said."""

import ctypes
import errno
import json
import os
import re
import socket
import struct

from support import diag, sandbox, zstd_frames
from support.netns import Netns, ip, sysctl
from support.ssnap import capture, certain_owners, ssnap

ICMP, ICMP6, OSPF = 1, 58, 89

SO_ATTACH_FILTER = 26
SO_MARK = 36

# linux/if_packet.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_RX_RING, PACKET_VERSION, PACKET_TX_RING, PACKET_FANOUT = 1, 5, 10, 13, 18
PACKET_MR_PROMISC = 1
PACKET_FANOUT_LB = 1
TPACKET_V2 = 1
ETH_P_IP, ETH_P_ARP, ETH_P_ALL = 0x0800, 0x0806, 0x0003

SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC = 0, 15, 16

TCP_MD5SIG = 14
# Like nothing else on a host: no part of it may be in the archive by chance.
MD5_KEY = b"Qz7\xd1-quagga-5f2a!tapir-c07e:okapi-91"

VMADDR_CID_ANY = 0xFFFFFFFF

# The families and protocols that have a table of their own: how a socket of them is made.
OFFERS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "udplite": (socket.AF_INET, socket.SOCK_DGRAM, diag.IPPROTO_UDPLITE),
    "raw": (socket.AF_INET, socket.SOCK_RAW, OSPF),
    "icmp": (socket.AF_INET, socket.SOCK_DGRAM, ICMP),
    "sctp": (socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_SCTP),
    "dccp": (socket.AF_INET, 6, diag.IPPROTO_DCCP),
    "mptcp": (socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE),
    "vsock": (diag.AF_VSOCK, socket.SOCK_STREAM, 0),
    "xdp": (diag.AF_XDP, socket.SOCK_RAW, 0),
    "tipc": (diag.AF_TIPC, socket.SOCK_RDM, 0),
    "smc": (diag.AF_SMC, socket.SOCK_STREAM, 0),
}
# Those that /proc/net shows as well: without a netlink table that is where they come from.
IN_PROC_NET = {"tcp", "udp", "udplite", "raw", "icmp", "unix", "packet", "netlink", "sctp"}
SOCKPROTONAMES = {"vsock": "AF_VSOCK", "xdp": "XDP"}
NOT_OFFERED = (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT, errno.EPROTOTYPE)


def offered(name):
    """A socket of it, or None where the kernel has none."""
    try:
        return socket.socket(*OFFERS[name])
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise
        return None


def inode_of(sock):
    return os.fstat(sock.fileno()).st_ino


def unescape(text):
    """JSON's text of bytes from the host: a byte is \\xNN, a backslash two."""
    raw = text.encode()
    assert not re.search(rb"(?<!\\)(\\\\)*\\(?!\\|x[0-9a-f]{2})", raw), f"no escape: {text!r}"
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", lambda match: b"\\" if match[1] == b"\\" else bytes.fromhex(match[1][1:].decode()),
                  raw)


class FamiliesTest(sandbox.LiveTest):
    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def make(self, family, kind, protocol=0):
        return self.keep(socket.socket(family, kind, protocol))

    def bound(self, address, family=socket.AF_INET, kind=socket.SOCK_STREAM, options=(), protocol=0, backlog=None):
        sock = self.make(family, kind, protocol)
        for level, option, value in options:
            sock.setsockopt(level, option, value)
        sock.bind(address)
        if backlog is not None:
            sock.listen(backlog)
        return sock

    def snapshot(self, *arguments):
        self.archive = self.path("a.tar.zst")
        self.captured = capture(self, self.archive, *arguments)
        return self.captured

    def row(self, sock, family, protocol, **fields):
        """The one row of a socket, with what every row must have."""
        rows = [row for row in self.captured["sockets"]
                if row["netns"].get("inode") == self.netns and row.get("inode") == inode_of(sock)]
        self.assertEqual(len(rows), 1, rows)
        [row] = rows
        self.assertEqual((row["family"], row["protocol"]), (family, protocol))
        self.assertEqual(certain_owners(row), {os.getpid(): [sock.fileno()]})
        for field, value in fields.items():
            self.assertEqual(row.get(field), value, field)
        return row

    def gaps_about(self, word):
        return [gap for gap in self.captured["gaps"] if word in json.dumps(gap)]

    def members(self, archive=None):
        with open(archive or self.archive, "rb") as file:
            return zstd_frames.members_of(file.read())

    # Every family.

    def test_what_the_kernel_offers(self):
        """Each family is offered and found, or not offered and said to be unsupported."""
        sysctl("ipv4/ping_group_range", "0 2147483647")
        held = {}
        for name in OFFERS:
            sock = offered(name)
            if sock is not None:
                held[name] = self.keep(sock)
        for name, bind in (("tcp", ("127.0.0.1", 1)), ("udp", ("127.0.0.1", 2)), ("udplite", ("127.0.0.1", 3)),
                           ("icmp", ("127.0.0.1", 4)), ("sctp", ("127.0.0.1", 5)), ("mptcp", ("127.0.0.1", 6)),
                           ("unix", self.path("u")), ("netlink", (0, 0))):
            if name in held:
                held[name].bind(bind)
                if name in ("tcp", "sctp", "mptcp", "unix"):
                    held[name].listen(1)
        # These can't be absent on any kernel that the tests run on: a probe that finds nothing would pass everything.
        self.assertLessEqual({"tcp", "udp", "raw", "unix", "packet", "netlink"}, set(held))
        snapshot = self.snapshot()
        print("\n    offered:", " ".join(sorted(held)), "\n    not offered:", " ".join(sorted(set(OFFERS) - set(held))))
        for name in OFFERS:
            with self.subTest(name):
                if name not in held:
                    self.assertEqual([row for row in snapshot["sockets"] if name in (row["family"], row["protocol"])], [])
                    self.check_said_to_be_missing(name)
                elif name in IN_PROC_NET or diag.has_table(name):
                    rows = [row for row in snapshot["sockets"] if row.get("inode") == inode_of(held[name])
                            and name in (row["family"], row["protocol"])]
                    self.assertEqual(len(rows), 1, rows)
                    self.assertEqual(certain_owners(rows[0]), {os.getpid(): [held[name].fileno()]})
                else:
                    self.check_known_by_its_fd(name, held[name])

    def check_said_to_be_missing(self, name):
        if name == "icmp":
            return  # no table of its own
        gaps = [gap for gap in self.gaps_about(name) if gap["kind"] in ("unsupported", "not-loaded")]
        self.assertTrue(gaps, f"nothing says that there is no table of {name}")

    def check_known_by_its_fd(self, name, sock):
        """No table shows it: its inode and its protocol are in the archive, and the answer says that it lacks something."""
        self.check_said_to_be_missing(name)
        inode, protocol = str(inode_of(sock)).encode(), SOCKPROTONAMES[name].encode()
        named = [content for path, content in self.members().items() if "sockprotoname" in path]
        self.assertTrue(any(re.search(rb"\b%s\b[^\0\n]*\b%s\b" % (inode, protocol), content) for content in named),
                        f"{name} socket {inode} is named nowhere in {named}")
        rows = [row for row in self.captured["sockets"] if row.get("inode") == inode_of(sock)]
        if rows:
            self.assertEqual([row["family"] for row in rows], [name])
            self.assertEqual(certain_owners(rows[0]), {os.getpid(): [sock.fileno()]})
        else:
            self.assertTrue([gap for gap in self.captured["gaps"] if gap["source"] == "sockprotoname"
                             or protocol.decode() in gap.get("detail", "")], "a held socket is in no row and in no gap")

    # IP.

    def test_udplite_raw_and_ping(self):
        sysctl("ipv4/ping_group_range", "0 2147483647")
        lite = offered("udplite")
        if lite is not None:
            self.keep(lite).bind(("127.0.0.1", 1101))
        ping = self.bound(("127.0.0.1", 1102), kind=socket.SOCK_DGRAM, protocol=ICMP)
        ping6 = self.bound(("::1", 1103), socket.AF_INET6, socket.SOCK_DGRAM, protocol=ICMP6)
        raw = self.bound(("127.0.0.1", 0), kind=socket.SOCK_RAW, protocol=OSPF)
        raw6 = self.bound(("::1", 0), socket.AF_INET6, socket.SOCK_RAW, protocol=OSPF)
        self.snapshot()
        if lite is not None:
            row = self.row(lite, "inet", "udplite", state="UNCONN")
            self.assertEqual((row["local"]["address"], row["local"]["port"]), ("127.0.0.1", 1101))
        # The port of a ping socket is the id of its echo requests.
        row = self.row(ping, "inet", "icmp", state="UNCONN")
        self.assertEqual((row["local"]["address"], row["local"]["port"]), ("127.0.0.1", 1102))
        [row] = [row for row in self.captured["sockets"] if row.get("inode") == inode_of(ping6)]
        self.assertEqual((row["family"], row["local"]["address"], row["local"]["port"]), ("inet6", "::1", 1103))
        self.assertIn("icmp", row["protocol"])
        for sock, family, address in ((raw, "inet", "127.0.0.1"), (raw6, "inet6", "::1")):
            row = self.row(sock, family, "raw", state="UNCONN")
            self.assertEqual((row["local"]["address"], row["details"]["raw_protocol"]), (address, OSPF))

    def test_ping_sockets_of_both_families_in_one_bucket(self):
        sysctl("ipv4/ping_group_range", "0 2147483647")
        # /proc/net lists what shares a bucket with a socket of the file's family, whichever family it is of.
        made = {self.bound((address, port), family, socket.SOCK_DGRAM, protocol=protocol): (name, address, port)
                for name, family, protocol, address, port in (("inet", socket.AF_INET, ICMP, "127.0.0.1", 1104),
                                                              ("inet6", socket.AF_INET6, ICMP6, "::1", 1104),
                                                              ("inet", socket.AF_INET, ICMP, "127.0.0.1", 1104 + 64))}
        self.snapshot()
        inodes = {inode_of(sock): expected for sock, expected in made.items()}
        rows = [row for row in self.captured["sockets"] if row.get("inode") in inodes]
        self.assertCountEqual([(row["family"], row["local"]["address"], row["local"]["port"]) for row in rows], inodes.values())
        lines = {line["table"]: line for line in self.captured["account"]["tables"] if line["table"] in ("icmp", "icmp6")}
        self.assertEqual({table: line["unexplained"] for table, line in lines.items()}, {"icmp": 0, "icmp6": 0})

    def test_reuse_port_twins(self):
        option = [(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)]
        twins = {}
        for kind, protocol, backlog in ((socket.SOCK_STREAM, "tcp", 3), (socket.SOCK_DGRAM, "udp", None)):
            twins[protocol] = [self.bound(("127.0.0.1", 1201), kind=kind, options=option, backlog=backlog) for _ in "ab"]
        self.snapshot()
        for protocol, pair in twins.items():
            rows = [self.row(sock, "inet", protocol) for sock in pair]
            for row in rows:
                self.assertEqual((row["local"]["address"], row["local"]["port"]), ("127.0.0.1", 1201))
            self.assertEqual(len({row["cookie"] for row in rows}), 2, "they differ in nothing else")

    def test_v6only_and_dual_stack(self):
        def pair(kind, port, backlog):
            only = self.bound(("::", port), socket.AF_INET6, kind, [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)],
                              backlog=backlog)
            v4 = self.bound(("0.0.0.0", port), socket.AF_INET, kind, backlog=backlog)  # beside it: it takes no IPv4
            dual = self.bound(("::", port + 1), socket.AF_INET6, kind, [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)],
                              backlog=backlog)
            return only, v4, dual

        made = {"tcp": pair(socket.SOCK_STREAM, 1301, 1), "udp": pair(socket.SOCK_DGRAM, 1301, None)}
        self.snapshot()
        for protocol, (only, v4, dual) in made.items():
            with self.subTest(protocol):
                self.assertIs(self.row(only, "inet6", protocol)["details"]["v6only"], True)
                self.assertIs(self.row(dual, "inet6", protocol)["details"]["v6only"], False)
                self.assertNotIn("v6only", self.row(v4, "inet", protocol)["details"])

    def test_interface_mark_and_link_local(self):
        far = Netns()
        self.addCleanup(far.close)
        ip("link", "add", "sslink", "type", "veth", "peer", "name", "ssfar", "netns", f"/proc/self/fd/{far.fd}",
           pass_fds=[far.fd])
        ip("address", "add", "fe80::5/64", "dev", "sslink", "nodad")
        ip("link", "set", "sslink", "up")
        index = socket.if_nametoindex("sslink")
        on_device = self.bound(("0.0.0.0", 1401), options=[(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"sslink")], backlog=1)
        marked = self.bound(("0.0.0.0", 1402), options=[(socket.SOL_SOCKET, SO_MARK, 0xC0FFEE)], backlog=1)
        marked_udp = self.bound(("0.0.0.0", 1403), kind=socket.SOCK_DGRAM, options=[(socket.SOL_SOCKET, SO_MARK, struct.pack("=I", 0x80000001))])
        scoped = self.bound(("fe80::5", 1404, 0, index), socket.AF_INET6, backlog=1)
        scoped_udp = self.bound(("fe80::5", 1405, 0, index), socket.AF_INET6, socket.SOCK_DGRAM)
        self.snapshot()
        row = self.row(on_device, "inet", "tcp")
        self.assertEqual((row["local"]["interface"], row["local"]["interface_index"]), ("sslink", index))
        self.assertEqual(self.row(marked, "inet", "tcp")["details"]["mark"], 0xC0FFEE)
        self.assertEqual(self.row(marked_udp, "inet", "udp")["details"]["mark"], 0x80000001)
        for sock, protocol in ((scoped, "tcp"), (scoped_udp, "udp")):
            local = self.row(sock, "inet6", protocol)["local"]
            self.assertEqual((local["address"], local["interface"], local["interface_index"]), ("fe80::5", "sslink", index))

    def test_tcp_info(self):
        """Every number of the kernel's tcp_info is there: by name, and what has none by its place."""
        listener = self.bound(("127.0.0.1", 1451), backlog=1)
        near = self.make(socket.AF_INET, socket.SOCK_STREAM)
        near.connect(listener.getsockname())
        far = self.keep(listener.accept()[0])
        near.sendall(b"x" * 1000)
        self.assertEqual(far.recv(1000, socket.MSG_WAITALL), b"x" * 1000)
        sandbox.wait_until(lambda: tcp_info_of(near)["bytes_acked"] >= 1000, "the acknowledgement")
        self.snapshot()
        info = self.row(near, "inet", "tcp")["details"]["tcp_info"]
        real = tcp_info_of(near)
        for name in ("snd_mss", "rcv_mss", "pmtu", "snd_cwnd", "advmss", "bytes_acked", "bytes_received", "segs_out",
                     "segs_in", "data_segs_out", "delivered"):
            self.assertEqual(info.get(name), real[name], name)
        self.assertIsInstance(info.get("unnamed", []), list)

    def test_md5_keys_are_withheld(self):
        near = self.md5_socket()
        self.snapshot()
        row = self.row(near, "inet", "tcp")
        self.assertEqual(row["details"]["md5_keys"], 2)
        members = self.members()
        for name, content in members.items():
            for key in (MD5_KEY, MD5_KEY.hex().encode()):
                self.assertNotIn(key, content, name)
            # Nor a part of it: eight bytes in a row are no accident.
            for begin in range(len(MD5_KEY) - 7):
                self.assertNotIn(MD5_KEY[begin:begin + 8], content, name)
        withheld = [entry for name, content in members.items() if name.startswith("journal/")
                    for entry in map(json.loads, content.splitlines()) if entry.get("outcome") == "withheld"]
        # Two keys, in each dump that showed them.
        self.assertGreaterEqual(len(withheld), 2)
        self.assertEqual(len(withheld) % 2, 0, withheld)
        for entry in withheld:
            self.assertIn(f"netns/{self.netns}/netlink/", entry["member"])
            begin, length = entry["offset"], entry["bytes"]
            self.assertGreaterEqual(length, len(MD5_KEY))
            self.assertEqual(members[entry["member"]][begin:begin + length], b"\0" * length)
        self.assertTrue([gap for gap in self.captured["gaps"] if gap["kind"] == "withheld"])

    def test_md5_keys_are_kept_when_asked_for(self):
        near = self.md5_socket()
        self.snapshot("--include-secrets")
        members = self.members()
        self.assertTrue([name for name, content in members.items() if MD5_KEY in content and "/netlink/" in name])
        self.assertEqual([gap for gap in self.captured["gaps"] if gap["kind"] == "withheld"], [])
        self.assertEqual(self.row(near, "inet", "tcp")["details"]["md5_keys"], 2)
        # Kept is not shown.
        for arguments in (["--format", "json"], ["--format", "ndjson"], ["-tanpe"]):
            run = ssnap("analyze", self.archive, *arguments)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertTrue(run.stdout)
            self.assertNotIn(MD5_KEY, run.stdout)
            self.assertNotIn(MD5_KEY.hex().encode(), run.stdout.lower())

    def md5_socket(self):
        """A listener with a key for each of two peers."""
        sock = self.make(socket.AF_INET, socket.SOCK_STREAM)
        for address in ("192.0.2.1", "192.0.2.2"):
            peer = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(address))
            sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, peer + struct.pack("=BBHi80s", 0, 0, len(MD5_KEY), 0, MD5_KEY))
        sock.bind(("127.0.0.1", 1501))
        sock.listen(1)
        # The kernel does hand them out: what ssnap keeps back is there to be taken.
        self.assertTrue([row for row in diag.inet(socket.AF_INET) if any(MD5_KEY in data for data in row.attributes.values())])
        return sock

    def test_mptcp_with_two_subflows(self):
        listener = offered("mptcp")
        if listener is None:
            self.snapshot()
            self.check_said_to_be_missing("mptcp")
            return
        self.keep(listener)
        for address in ("10.8.0.1", "10.8.0.2"):
            ip("address", "add", f"{address}/32", "dev", "lo")
        ip("mptcp", "limits", "set", "subflows", "2", "add_addr_accepted", "2")
        ip("mptcp", "endpoint", "add", "10.8.0.2", "dev", "lo", "subflow")
        listener.bind(("10.8.0.1", 1601))
        listener.listen(5)
        near = self.make(*OFFERS["mptcp"])
        near.connect(("10.8.0.1", 1601))
        far = self.keep(listener.accept()[0])
        # Data both ways: the connection is fully established, and further subflows may join.
        for sender, receiver in ((near, far), (far, near), (near, far)):
            sender.sendall(b"x")
            self.assertEqual(receiver.recv(1), b"x")
        port = near.getsockname()[1]

        def subflows(inode):
            return sorted((row.local, row.peer) for row in diag.inet(socket.AF_INET) if row.inode == inode
                          and row.state == "ESTAB")

        sandbox.wait_until(lambda: len(subflows(inode_of(near))) == len(subflows(inode_of(far))) == 2, "the second subflow")
        self.snapshot()
        for sock, local, peer in ((near, ("10.8.0.1", port), ("10.8.0.1", 1601)), (far, ("10.8.0.1", 1601), ("10.8.0.1", port))):
            rows = [row for row in self.captured["sockets"] if row.get("inode") == inode_of(sock)]
            [whole] = [row for row in rows if row["protocol"] == "mptcp"]
            self.assertEqual((whole["family"], whole["state"], endpoint(whole["local"]), endpoint(whole["peer"])),
                             ("inet", "ESTAB", local, peer))
            parts = [row for row in rows if row["protocol"] == "tcp"]
            # One inode for all of them: three rows, told apart by cookie.
            self.assertEqual(sorted((endpoint(row["local"]), endpoint(row["peer"])) for row in parts),
                             subflows(inode_of(sock)))
            self.assertEqual(len({row["cookie"] for row in rows}), 3)
            for row in parts:
                self.assertIn("mptcp", json.dumps(row["details"]["ulp"]))
            for row in rows:
                self.assertEqual(certain_owners(row), {os.getpid(): [sock.fileno()]})
        rows = [row for row in self.captured["sockets"] if row.get("inode") == inode_of(listener)]
        self.assertEqual(sorted((row["protocol"], row["state"]) for row in rows), [("mptcp", "LISTEN"), ("tcp", "LISTEN")])

    # UNIX.

    def test_unix_names(self):
        forged = b"x\n0000000000000000: 00000002 00000000 00010000 0001 01 4242 /run/forged"
        names = {b"with\0nul\0": None, b"line\nfeed": None, forged: None, b"\x1b[2J\xff\\": None, b"": None, b"\0": None}
        for name in names:
            names[name] = self.make(socket.AF_UNIX, socket.SOCK_STREAM)
            names[name].bind(b"\0" + name if name else b"")  # no name: the kernel chooses five digits
            names[name].listen(1)
        self.snapshot()
        rows = [row for row in self.captured["sockets"] if row["family"] == "unix" and row["netns"]["inode"] == self.netns]
        self.assertEqual(len(rows), len(names), "a forged row is no socket")
        for name, sock in names.items():
            with self.subTest(name):
                row = self.row(sock, "unix", "stream", state="LISTEN")
                self.assertEqual(unescape(row["local"]["abstract"]), sock.getsockname()[1:])
                self.assertNotIn("path", row["local"])
        self.assertNotIn("4242", [str(row.get("inode")) for row in self.captured["sockets"]])
        self.assertNotIn("/run/forged", [row["local"].get("path") for row in rows])

    def test_unix_paths_that_moved(self):
        kept, renamed, unlinked, relative = (self.path(name) for name in ("kept", "renamed", "unlinked", "relative"))
        socks = {path: self.bound(path, socket.AF_UNIX, backlog=1) for path in (kept, renamed, unlinked)}
        inodes = {path: os.lstat(path).st_ino for path in socks}
        os.rename(renamed, self.path("elsewhere"))
        os.unlink(unlinked)
        with open(renamed, "wb"):
            pass  # another file now has its name
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        socks[relative] = self.bound("relative", socket.AF_UNIX, backlog=1)
        inodes[relative] = os.lstat(relative).st_ino
        self.snapshot()
        for path, sock in socks.items():
            with self.subTest(os.path.basename(path)):
                row = self.row(sock, "unix", "stream", state="LISTEN")
                self.assertEqual(row["local"]["path"], "relative" if path == relative else path, "as it was bound")
                self.assertEqual(row["details"]["vfs_inode"], inodes[path])
        self.assertEqual(inodes[renamed], os.lstat(self.path("elsewhere")).st_ino)

    def test_unix_kinds(self):
        made = {protocol: tuple(map(self.keep, socket.socketpair(socket.AF_UNIX, kind))) for kind, protocol in
                ((socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "dgram"), (socket.SOCK_SEQPACKET, "seqpacket"))}
        self.snapshot()
        for protocol, pair in made.items():
            for sock, other in (pair, pair[::-1]):
                self.assertEqual(self.row(sock, "unix", protocol, state="ESTAB")["peer"]["inode"], inode_of(other))

    # Packet.

    def test_packet(self):
        index = socket.if_nametoindex("lo")
        full = self.keep(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
        full.bind(("lo", ETH_P_ALL))
        full.setsockopt(SOL_PACKET, PACKET_VERSION, struct.pack("=i", TPACKET_V2))
        rings = {"rx_ring": (PACKET_RX_RING, (4096, 4, 2048, 8)), "tx_ring": (PACKET_TX_RING, (8192, 2, 2048, 8))}
        for option, sizes in rings.values():
            full.setsockopt(SOL_PACKET, option, struct.pack("=IIII", *sizes))
        full.setsockopt(SOL_PACKET, PACKET_FANOUT, struct.pack("=I", 0x1234 | PACKET_FANOUT_LB << 16))
        full.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("=iHH8x", index, PACKET_MR_PROMISC, 0))
        program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x28, 0, 0, 12) + struct.pack("=HBBI", 0x06, 0, 0, 0xFFFF), 16)
        full.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", 2, ctypes.addressof(program)))
        cooked = self.keep(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ARP)))
        silent = self.keep(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))  # receives nothing: it can only send
        self.assertEqual(diag.inodes("packet"), {inode_of(sock) for sock in (full, cooked, silent)})
        self.snapshot()

        row = self.row(full, "packet", "raw", state="UNCONN", uid=0)
        self.assertEqual((row["details"]["packet"]["ethertype"], row["local"]["interface"], row["local"]["interface_index"]),
                         (ETH_P_ALL, "lo", index))
        packet = row["details"]["packet"]
        self.assertEqual(packet["version"], TPACKET_V2)
        self.assertIn("running", packet["flags"])
        for name, (_, (block_size, blocks, frame_size, frames)) in rings.items():
            self.assertEqual({key: value for key, value in packet[name].items()
                              if key in ("block_size_bytes", "block_count", "frame_size_bytes", "frame_count")},
                             {"block_size_bytes": block_size, "block_count": blocks, "frame_size_bytes": frame_size,
                              "frame_count": frames}, name)
        self.assertEqual(packet["fanout"]["id"], 0x1234)
        self.assertIn(packet["fanout"]["type"], (PACKET_FANOUT_LB, "lb"))
        self.assertEqual(packet["filter"]["instructions"], 2)
        [membership] = packet["mclist"]
        self.assertIn(membership["type"], (PACKET_MR_PROMISC, "promisc", "promiscuous"))
        self.assertEqual(membership["interface_index"], index)

        row = self.row(cooked, "packet", "dgram")
        self.assertEqual(row["details"]["packet"]["ethertype"], ETH_P_ARP)
        self.assertNotIn("interface", row["local"], "bound to none: it hears all")
        for name in (*rings, "fanout", "filter"):
            self.assertNotIn(name, row["details"]["packet"])
        self.assertEqual(self.row(silent, "packet", "raw")["details"]["packet"]["ethertype"], 0)

    # Netlink.

    def test_netlink(self):
        # Group 35 does not fit in the 32 bits of nladdr and of /proc/net/netlink.
        groups = [1, 5, 35]
        route = self.bound((0, 0), socket.AF_NETLINK, socket.SOCK_RAW, protocol=NETLINK_ROUTE)
        for group in groups:
            route.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        generic = self.bound((0x7ABCDEF0, 0), socket.AF_NETLINK, socket.SOCK_RAW, protocol=NETLINK_GENERIC)
        generic.connect((0, 0))
        monitor = self.bound((0, 0), socket.AF_NETLINK, socket.SOCK_DGRAM, protocol=diag.NETLINK_SOCK_DIAG)
        events = self.bound((0, 1), socket.AF_NETLINK, socket.SOCK_DGRAM, protocol=NETLINK_KOBJECT_UEVENT)
        self.snapshot()
        row = self.row(route, "netlink", "route")
        self.assertEqual(row["local"]["port_id"], route.getsockname()[0])
        self.assertEqual(row["details"]["groups"], groups)
        row = self.row(generic, "netlink", "generic")
        self.assertEqual((row["local"]["port_id"], row["peer"].get("port_id", 0)), (0x7ABCDEF0, 0))
        self.assertEqual(row["details"].get("groups", []), [])
        self.row(monitor, "netlink", "sock_diag")
        row = next(row for row in self.captured["sockets"] if row.get("inode") == inode_of(events))
        self.assertEqual((row["family"], row["protocol_number"], row["details"]["groups"]), ("netlink", 15, [1]))
        # The kernel's own end of each protocol: no process has it, and that is said.
        kernels = [row for row in self.captured["sockets"] if row["family"] == "netlink" and row["netns"]["inode"] == self.netns
                   and row["local"].get("port_id") == 0]
        self.assertLessEqual({0, 4}, {row["protocol_number"] for row in kernels})
        for row in kernels:
            self.assertEqual((row["owners"], row["ownerless_reason"]["code"]), ([], "kernel"))
        # Multicast sockets come twice in a dump: still one row each.
        keys = [(row["protocol_number"], row["local"].get("port_id"), row.get("inode")) for row in self.captured["sockets"]
                if row["family"] == "netlink" and row["netns"]["inode"] == self.netns]
        self.assertEqual(len(keys), len(set(keys)))

    # The others.

    def test_vsock(self):
        listener = offered("vsock")
        if listener is None:
            self.snapshot()
            self.check_said_to_be_missing("vsock")
            return
        self.keep(listener).bind((VMADDR_CID_ANY, 0x5000))
        listener.listen(1)
        self.snapshot()
        if not diag.has_table("vsock"):
            self.check_known_by_its_fd("vsock", listener)
            return
        row = self.row(listener, "vsock", "stream", state="LISTEN")
        self.assertEqual(row["local"]["port"], 0x5000)

    def test_xdp(self):
        sock = offered("xdp")
        if sock is None:
            self.snapshot()
            self.check_said_to_be_missing("xdp")
            return
        self.keep(sock)
        self.snapshot()
        if not diag.has_table("xdp"):
            self.check_known_by_its_fd("xdp", sock)
            return
        self.row(sock, "xdp", "raw")

    def test_tables_say_where_they_come_from(self):
        """A table is asked for by netlink, or read from /proc/net alone: the rows tell, and the gaps why."""
        udp = self.bound(("127.0.0.1", 1701), kind=socket.SOCK_DGRAM)
        raw = self.bound(("127.0.0.1", 0), kind=socket.SOCK_RAW, protocol=OSPF)
        self.snapshot()
        views = {source["view"] for source in self.row(udp, "inet", "udp")["sources"]}
        self.assertEqual(views, {"inet_diag", "proc_net_udp"})
        views = {source["view"] for source in self.row(raw, "inet", "raw")["sources"]}
        if diag.has_table("raw"):
            self.assertEqual(views, {"inet_diag", "proc_net_raw"})
        else:
            self.assertEqual(views, {"proc_net_raw"})
            self.check_said_to_be_missing("raw")


def endpoint(end):
    return end["address"], end["port"]


def tcp_info_of(sock):
    """Some of struct tcp_info (include/uapi/linux/tcp.h), which only grows at its end."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
    words = {"snd_mss": 16, "rcv_mss": 20, "pmtu": 60, "snd_cwnd": 80, "advmss": 84, "segs_out": 136, "segs_in": 140,
             "data_segs_in": 152, "data_segs_out": 156, "delivered": 192}
    found = {name: struct.unpack_from("=I", info, offset)[0] for name, offset in words.items()}
    found["bytes_acked"], found["bytes_received"] = struct.unpack_from("=QQ", info, 120)
    return found


if __name__ == "__main__":
    sandbox.need("ip", "zstd")
    sandbox.main(own_processes=True)
