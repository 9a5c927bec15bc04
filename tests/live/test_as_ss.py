"""`ssnap analyze --as ss` prints, byte for byte, what ss prints on the same host with the same letters.

What is not the same, and is taken out here by name: the sockets of who asks (ss's own and the collector's netlink
sockets, and with them everything of the protocol tcpdiag), and in listings that move while one looks, the numbers of
MOVING. That control characters are escaped has a test of its own."""

import contextlib
import ctypes
import os
import re
import shutil
import socket
import struct
import subprocess
import time

from support import diag, sandbox
from support.netns import Netns, ip, mount
from support.raw_peer import ADDRESSES, RawPeer
from support.scene import has_tcp_state, listener, make_scene
from support.ssnap import ssnap
from test_states import States, key

SO_MARK, SO_ATTACH_FILTER, SO_PRIORITY = 36, 26, 12
SOL_PACKET, SOL_NETLINK = 263, 270
PACKET_ADD_MEMBERSHIP, PACKET_RX_RING, PACKET_AUXDATA, PACKET_TX_RING, PACKET_FANOUT = 1, 5, 8, 13, 18
NETLINK_ADD_MEMBERSHIP = 1
ETH_P_IP, ETH_P_ARP, ETH_P_ALL, ETH_P_LLDP, ETH_P_ODD = 0x0800, 0x0806, 0x0003, 0x88CC, 0x1234
ICMP, OSPF = 1, 89

# Numbers that count up or down by themselves.
MOVING = [(re.compile(pattern), replacement) for pattern, replacement in (
    (r"timer:\((\w+),[^,)]*,(\d+)\)", r"timer:(\1,T,\2)"),
    (r" (lastsnd|lastrcv|lastack|busy):\d+(ms)?", r" \1:T"),
    (r" rcv_rtt:\S+", " rcv_rtt:T"),
)]

QUIET_SWITCHES = [
    "", "-n", "-tan", "-ta", "-tan4", "-ta4", "-6lun", "-lntp", "-tuwxap", "-tuwxanp", "-xanp", "-xanpe", "-xl", "-x",
    "-xame", "-wanp", "-wa", "-wanpe", "-w", "-u", "-uan", "-uap", "-uane", "-uam", "-0anp", "-0ap", "-0anpe", "-0", "-0b", "-0aOb", "-0am", "-0anpemb",
    "-tanH", "-H", "-HlntT", "-tanT", "-tanpT", "-tanO", "-tanpmO", "-tam", "-tuam", "-M", "-Ma", "-Mae", "-Mam", "-Sa", "-da", "-wMa", "-uMa",
    "-4 -6 -tan", "-6 -4 -tan", "-x -4 -an", "-f inet -an", "-f inet6 -anp", "-f unix -a", "-f link -anp", "-f vsock -a",
    "-f xdp -a", "-A tcp -an", "-A tcp,udp -an", "-A unix_stream -a", "-A u_dgr,u_seq -a", "-t -A raw -an",
    "-A inet -an", "-A packet_raw -an", "-A packet", "-a -A u_seq", "-A !tcp", "--vsock -a", "--xdp -an", "--tipc -a", "--tos -tuan",
    "--cgroup -tuan", "--cgroup -ltn", "--inet-sockopt -tuan", "--inet-sockopt -tuanO", "-tuan --tos --cgroup --inet-sockopt -mO",
]
NETLINK_SWITCHES = ["-f netlink", "-f netlink -a", "-f netlink -an", "-f netlink -ane", "-A netlink -an", "-an", "-a", "-l", "-lnp", "-f netlink -anp",
                    "-A all,!tcp -l", "-A netlink,packet -a"]
MOVING_SWITCHES = ["-tanpe", "-tuanpeoim", "-tie", "-tae", "-tai", "-tain", "-tm", "-to", "-tao", "-tano", "-tanei", "-taiO", "-taieOm",
                   "-tuwxanpe", "-tuwxanpeoimO", "-Mai", "-Maie", "-an4o", "-be -ta", "-uaneoim"]


def run_ss(switches):
    """What ss prints. It complains of tables that the kernel hasn't got."""
    run = subprocess.run(["ss", *switches.split()], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    complaints = [line for line in run.stderr.decode().splitlines()
                  if line != "Failed to find cgroup2 mount" and not line.startswith(("ss: no socket ", "RTNETLINK answers: "))]
    assert not complaints, complaints
    return run.stdout


def without_askers(output):
    """Without the rows of netlink's protocol 4, which are those of who looks, and of the kernel's end of it."""
    return b"".join(line for line in output.splitlines(keepends=True) if not re.search(rb"\s(tcpdiag|4):(\S+)\s+\*", line))


def at_rest(output):
    """Without the numbers that move, and so without the blanks that fill up their column."""
    text = output.decode("utf-8", "surrogateescape")
    for pattern, replacement in MOVING:
        text = pattern.sub(replacement, text)
    return [line.rstrip(" ") for line in text.splitlines()]


class AsSsTest(sandbox.LiveTest):
    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def make(self, family, kind, protocol=0, options=(), bind=None, connect=None, listen=None):
        sock = self.keep(socket.socket(family, kind, protocol))
        for level, option, value in options:
            sock.setsockopt(level, option, value)
        if bind is not None:
            sock.bind(bind)
        if connect is not None:
            sock.connect(connect)
        if listen is not None:
            sock.listen(listen)
        return sock

    def capture(self):
        self.archive = self.path("a.tar.zst")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.archive)
        run = ssnap("capture", "-o", self.archive, "-q")
        self.assertIn(run.returncode, (0, 3), run.stderr)

    def ours(self, *switches):
        run = ssnap("analyze", self.archive, "--as", "ss", *switches)
        self.assertEqual((run.returncode, run.stderr), (0, b""), switches)
        return run.stdout

    def capture_between(self, switch_sets):
        """Captures, with every answer of ss before and after it."""
        before = {switches: without_askers(run_ss(switches)) for switches in switch_sets}
        self.capture()
        return before, {switches: without_askers(run_ss(switches)) for switches in switch_sets}

    def capture_at_rest(self, switch_sets, part=lambda output: output):
        """As capture_between(), between two equal answers. The kernel has one table of netlink sockets for all namespaces
        and deals it anew when others of the machine come and go: then the order of a listing changes."""
        for _ in range(10):
            before, after = ({switches: part(output) for switches, output in answers.items()}
                             for answers in self.capture_between(switch_sets))
            if before == after:
                break
        self.assertEqual(before, after, "the scene is not at rest")
        return before

    def settle(self):
        """Waits until what is on its way has arrived, acknowledgements that are held back for 40 ms and more included."""
        last = [None]

        def same_twice():
            time.sleep(0.3)
            previous, last[0] = last[0], at_rest(run_ss("-tuaneim"))
            return previous == last[0]

        sandbox.wait_until(same_twice, "the scene to be at rest", tries=60)

    # The scenes.

    def make_ip_extras(self):
        far = Netns()
        self.addCleanup(far.close)
        ip("link", "add", "sslink", "type", "veth", "peer", "name", "ssfar", "netns", f"/proc/self/fd/{far.fd}", pass_fds=[far.fd])
        ip("address", "add", "fe80::5/64", "dev", "sslink", "nodad")
        ip("link", "set", "sslink", "up")
        index = socket.if_nametoindex("sslink")
        tcp, udp, v4, v6 = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.AF_INET, socket.AF_INET6
        device = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"sslink")
        self.make(v4, tcp, options=[device], bind=("0.0.0.0", 1401), listen=1)
        self.make(v6, udp, options=[device], bind=("::", 1402))
        self.make(v6, tcp, bind=("fe80::5", 1404, 0, index), listen=3)
        self.make(v6, udp, bind=("fe80::5", 1405, 0, index))
        self.make(v4, tcp, options=[(socket.SOL_SOCKET, SO_MARK, 0xC0FFEE)], bind=("0.0.0.0", 1406), listen=1)
        self.make(v4, udp, options=[(socket.SOL_SOCKET, SO_MARK, 7), (socket.IPPROTO_IP, socket.IP_TOS, 0x48)], bind=("0.0.0.0", 1407))
        self.make(v6, udp, options=[(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x68), (socket.SOL_SOCKET, SO_PRIORITY, 5)], bind=("::1", 1408))
        self.make(v6, tcp, options=[(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)], bind=("::", 1409), listen=1)
        # Names in /etc/services: of TCP, of UDP, of both; and one in the range of clients' ports, which ss never looks up.
        for port in (22, 53, 80, 443, 631, 5432):
            self.make(v4, tcp, bind=("127.0.0.1", port), listen=1)
        for port in (53, 68, 123, 5353):
            self.make(v6, udp, bind=("::1", port))
        self.make(v4, udp, bind=("127.0.0.1", 45000))
        # Ends that netlink tells apart from closed ones: half of a connection shut down, each way.
        server = self.make(v4, tcp, bind=("127.0.0.1", 1410), listen=5)
        self.make(v4, udp, options=[(socket.IPPROTO_IP, 11, 1), (socket.IPPROTO_IP, 15, 1)], bind=("127.0.0.1", 1411))
        with contextlib.suppress(OSError):  # another user's socket
            os.seteuid(4321)
            try:
                self.make(v4, udp, bind=("127.0.0.1", 1412))
            finally:
                os.seteuid(0)
        return server

    def make_unix_extras(self):
        stream, dgram, packets = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
        for kind, name in ((stream, self.path("with a blank")), (dgram, self.path("caf\u00e9")), (packets, self.path("back\\slash")),
                           (stream, b"\0abstract\0with\0nul\0"), (dgram, b"\0@@"), (packets, b"\0" + b"x" * 107),
                           (stream, b""), (dgram, self.path("%s%n"))):
            self.make(socket.AF_UNIX, kind, bind=name, listen=None if kind == dgram else 5)
        server = self.make(socket.AF_UNIX, dgram, bind=self.path("server"))
        client = self.make(socket.AF_UNIX, dgram, bind=self.path("client"), connect=self.path("server"))
        client.send(b"unread")
        half = self.make(socket.AF_UNIX, stream)
        half.connect(b"\0abstract\0with\0nul\0")
        half.shutdown(socket.SHUT_WR)
        self.keep(server)

    def make_packets(self):
        raw, dgram = socket.SOCK_RAW, socket.SOCK_DGRAM
        index = socket.if_nametoindex("lo")
        for kind, ethertype in ((raw, ETH_P_ALL), (dgram, ETH_P_ARP), (raw, 0), (dgram, ETH_P_LLDP), (raw, ETH_P_ODD)):
            self.make(socket.AF_PACKET, kind, socket.htons(ethertype), bind=("sslink", ethertype))
        ring = self.make(socket.AF_PACKET, raw, socket.htons(ETH_P_IP))
        ring.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        ring.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("=IIII", 4096, 4, 2048, 8))
        ring.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("=IIII", 4096, 2, 2048, 4))
        ring.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("=IHH8s", index, 1, 0, b""))
        group = self.make(socket.AF_PACKET, dgram, socket.htons(ETH_P_LLDP), bind=("sslink", ETH_P_LLDP))
        group.setsockopt(SOL_PACKET, PACKET_FANOUT, struct.pack("=I", 77 | 1 << 16))
        program = b"".join(struct.pack("=HBBI", *step) for step in ((0x28, 0, 0, 12), (0x15, 0, 1, 0x806), (6, 0, 0, 0xFFFF), (6, 0, 0, 0)))
        filtered = self.make(socket.AF_PACKET, raw)
        buffer = ctypes.create_string_buffer(program, len(program))
        filtered.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))

    def make_netlinks(self):
        # The widest port id that there is: those of the askers, whatever they are, make no column wider.
        route = self.make(socket.AF_NETLINK, socket.SOCK_RAW, 0, bind=(0x80000000, 0))
        for number in (1, 5, 31, 33):
            route.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number)
        self.make(socket.AF_NETLINK, socket.SOCK_RAW, 16, bind=(0, 0), connect=(0, 0))
        self.make(socket.AF_NETLINK, socket.SOCK_DGRAM, 15, bind=(4711, 1))
        self.make(socket.AF_NETLINK, socket.SOCK_RAW, 2, bind=(os.getpid(), 0), connect=(4242, 0))

    def make_owners(self):
        """A socket with many holders, one of them with a name that ss cuts."""
        shared = self.make(socket.AF_INET, socket.SOCK_STREAM, bind=("127.0.0.1", 1501), listen=2)
        copies = [os.dup(shared.fileno()) for _ in range(3)]
        for copy in copies:
            self.addCleanup(os.close, copy)
        fds = [shared.fileno(), *copies]
        self.child(sandbox.fork_holder(fds))
        for name in ("br(ack)et", "a b  c", "exactly15chars.", "longer than any comm can be"):
            shutil.copy("/bin/cat", self.path(name))
            self.child(sandbox.exec_holder(fds[1:3], command=(self.path(name),)))

    def make_cgroup(self):
        """A socket of another cgroup, where this machine has a cgroup2 mount that can be written to."""
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split()[4] for line in file if " - cgroup2 " in line]
        if not mounts:
            return
        folder = os.path.join(mounts[0], f"ssnap-test-{os.getpid()}-{self.netns}")
        with open(os.path.join(mounts[0], "cgroup.procs"), encoding="ascii"):
            os.mkdir(folder)
        self.addCleanup(os.rmdir, folder)
        own = os.path.join(mounts[0], self.own_cgroup().lstrip("/"), "cgroup.procs")
        with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")
        try:
            self.make(socket.AF_INET, socket.SOCK_STREAM, bind=("127.0.0.1", 1601), listen=1)
            self.make(socket.AF_INET6, socket.SOCK_DGRAM, bind=("::1", 1602))
        finally:
            with open(own, "w", encoding="ascii") as file:
                file.write("0")

    @staticmethod
    def own_cgroup():
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            return next(line.rstrip("\n").split(":", 2)[2] for line in file if line.startswith("0::"))

    def make_mptcp(self):
        try:
            server = self.make(socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP, bind=("127.0.0.1", 1701), listen=4)
        except OSError:
            return
        near = self.make(socket.AF_INET, socket.SOCK_STREAM, diag.IPPROTO_MPTCP, connect=("127.0.0.1", 1701))
        far = self.keep(server.accept()[0])
        for sender, receiver in ((near, far), (far, near), (near, far)):
            sender.sendall(b"x")
            self.assertEqual(receiver.recv(1), b"x")

    def make_everything(self):
        make_scene(self)
        self.make_ip_extras()
        self.make_unix_extras()
        self.make_packets()
        self.make_netlinks()
        self.make_owners()
        self.make_cgroup()
        self.make_mptcp()
        self.settle()

    # The comparisons.

    def assert_same(self, ours, real, switches):
        for line, (mine, theirs) in enumerate(zip(ours.split(b"\n"), real.split(b"\n"))):
            self.assertEqual(mine, theirs, f"ss {switches}: line {line + 1}")
        self.assertEqual(ours, real, f"ss {switches}")

    def test_at_rest(self):
        self.make_everything()
        real = self.capture_at_rest(QUIET_SWITCHES)
        for switches in QUIET_SWITCHES:
            with self.subTest(switches):
                self.assert_same(self.ours(*switches.split()), real[switches], switches)

    def test_netlink(self):
        """The rows of who asks are left out; that they are there is checked."""
        self.make_everything()
        real = self.capture_at_rest(NETLINK_SWITCHES)
        for switches in NETLINK_SWITCHES:
            with self.subTest(switches):
                ours = self.ours(*switches.split())
                self.assert_same(without_askers(ours), real[switches], switches)
                self.assertGreater(len(ours.splitlines()), len(real[switches].splitlines()), "the collector's own")
        # With -m the column of the memory is as wide as the askers' rows need it.
        switches = "-f netlink -am"
        real = self.capture_at_rest([switches])[switches]
        self.assertEqual(at_rest(without_askers(self.ours(*switches.split()))), at_rest(real))

    def test_numbers_that_move(self):
        self.make_everything()
        before, after = self.capture_between(MOVING_SWITCHES)
        for switches in MOVING_SWITCHES:
            with self.subTest(switches):
                ours, real = self.ours(*switches.split()), before[switches]
                if before[switches] == after[switches]:
                    self.assert_same(ours, real, switches)
                else:
                    self.assertEqual(at_rest(after[switches]), at_rest(real), "more moves than MOVING says")
                    self.assertEqual(at_rest(ours), at_rest(real), f"ss {switches}")

    def test_every_tcp_state(self):
        peer = RawPeer(self)
        expected = []
        for family in ADDRESSES:
            expected += States(self, peer, family).make()
        wanted = sorted(one.key() for one in expected)
        sandbox.wait_until(lambda: sorted(map(key, diag.tcp())) == wanted, "every state")
        switch_sets = ["-t", "-ta", "-tan", "-tanp", "-lnt", "-t4", "-t6", "-tanpe", "-tano", "-taneim", "-ti"]
        before, after = self.capture_between(switch_sets)
        for switches in switch_sets:
            with self.subTest(switches):
                ours, real = self.ours(*switches.split()), before[switches]
                if before[switches] == after[switches]:
                    self.assert_same(ours, real, switches)
                else:
                    # Retransmissions, whose number and times grow: only here.
                    self.assertEqual(self.still(ours), self.still(real), f"ss {switches}")

    @staticmethod
    def still(output):
        """As at_rest(), without what an unanswered segment changes each time that it is sent again."""
        text = "\n".join(at_rest(output))
        text = re.sub(r"timer:\((\w+),T,\d+\)", r"timer:(\1)", text)
        return re.sub(r" (rto|backoff|cwnd|ssthresh|bytes_sent|bytes_retrans|segs_out|segs_in|data_segs_out|retrans|lost|unacked|"
                      r"pacing_rate|send|delivered|rtt|snd_wnd|reordering|skmem)[: ]\S+", "", text)

    def test_summary(self):
        """Total counts the collector's own sockets: it is left out."""
        self.make_everything()
        self.make(socket.AF_INET, socket.SOCK_RAW, ICMP)
        def without_total(output):
            self.assertTrue(output.startswith(b"Total: "), output)
            return output.split(b"\n", 1)[1]

        # Orphans and allocated TCP sockets are counted host-wide: another process of the machine may move them.
        for switches, real in self.capture_at_rest(["-s", "-s -ltn"], without_total).items():
            self.assert_same(without_total(self.ours(*switches.split())), real, switches)

    def test_columns_of_a_long_listing(self):
        """After five pieces of a MiB ss prints what it has, with columns as wide as was needed so far."""
        self.make(socket.AF_INET, socket.SOCK_STREAM, bind=("127.0.0.1", 1801), listen=1)
        holders = [os.dup(self.make(socket.AF_INET, socket.SOCK_DGRAM, bind=("127.0.0.1", 2000 + i)).fileno()) for i in range(600)]
        for fd in holders:
            self.addCleanup(os.close, fd)
        for _ in range(250):
            pid = self.forked_with_all()
            self.addCleanup(self.end, pid)
        switches = "-uanpe"
        real = self.capture_at_rest([switches])[switches]
        self.assertGreater(len(real), 6 * 1024 * 1024)
        self.assertTrue(self.ours(*switches.split()) == real, "the layout of a long listing")

    def forked_with_all(self):
        ready_read, ready_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(life_write)
            os.write(ready_write, b".")
            os.read(life_read, 1)
            os._exit(0)
        os.close(ready_write)
        os.close(life_read)
        self.assertEqual(os.read(ready_read, 1), b".")
        os.close(ready_read)
        self.addCleanup(os.close, life_write)
        return pid

    @staticmethod
    def end(pid):
        os.kill(pid, 9)
        os.waitpid(pid, 0)

    def copy_of_proc(self):
        """What ss reads of a procfs, as plain files. On a tmpfs and from the last process to the first: it lists them the
        other way round, and so they come to ss as they do from /proc."""
        folder = self.path("p")
        os.mkdir(folder)
        mount("none", folder, "tmpfs")
        self.addCleanup(sandbox.LIBC.umount2, folder.encode(), 2)  # MNT_DETACH
        os.makedirs(f"{folder}/sys/net/ipv4")
        os.mkdir(f"{folder}/net")
        shutil.copyfile("/proc/sys/net/ipv4/ip_local_port_range", f"{folder}/sys/net/ipv4/ip_local_port_range")
        for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix", "packet", "netlink", "sockstat", "sockstat6", "snmp"):
            shutil.copyfile(f"/proc/self/net/{name}", f"{folder}/net/{name}")
        for pid in sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True):
            os.makedirs(f"{folder}/{pid}/fd")
            shutil.copyfile(f"/proc/{pid}/stat", f"{folder}/{pid}/stat")
            for fd in sorted((int(name) for name in os.listdir(f"/proc/{pid}/fd")), reverse=True):
                with contextlib.suppress(FileNotFoundError):  # the listing's own
                    os.symlink(os.readlink(f"/proc/{pid}/fd/{fd}"), f"{folder}/{pid}/fd/{fd}")
        return folder

    def test_without_netlink(self):
        """From a copy of /proc ssnap says what ss says with PROC_ROOT. That has no names of services but this machine's."""
        self.make_everything()
        self.archive = self.copy_of_proc()
        for switches in ("-tanp", "-tanpeoi", "-ltn", "-tn4", "-uanpeo", "-6uan", "-wanpe", "-tuwanpe", "-xanp", "-xape", "-xlm", "-x",
                         "-0anpe", "-0am", "-f netlink -an", "-f netlink -ae", "-f netlink -am", "-tuwx0anp", "-A unix_stream -a",
                         "-4 -6 -tan", "-Man", "-s", "-tanH"):
            with self.subTest(switches):
                real = subprocess.run(["ss", *switches.split()], capture_output=True, check=True,
                                      env={**os.environ, "PROC_ROOT": self.archive}).stdout
                ours = self.ours(*switches.split())
                if "0" in switches:  # ss asks this machine for the names of interfaces, and its columns are as wide
                    names = str(socket.if_nametoindex("sslink")).encode()
                    ours, real = (re.sub(rb" +", b" ", text).replace(b"sslink", b"if" + names) for text in (ours, real))
                self.assert_same(ours, real, switches)

    def test_control_characters_are_escaped(self):
        """The one difference on purpose: ss hands names to the terminal as they are."""
        for name in (b"\0line\nfeed", b"\0\x1b[2J\xff", "\0mark\u202e".encode()):
            self.make(socket.AF_UNIX, socket.SOCK_STREAM, bind=name, listen=1)
        self.assertIn(b"\x1b[2J", run_ss("-xl"))
        self.capture()
        ours = self.ours("-xl")
        for shown in (rb"@line\x0afeed ", rb"@\x1b[2J\xff ", rb"@mark\u{202e} "):
            self.assertIn(shown, ours)
        self.assertEqual(set(ours) & set(range(32)), {ord("\n")})
        # The columns are as wide as what stands in them: each row is as long as the others.
        self.assertEqual(len({len(line) for line in ours.splitlines()}), 1, ours)

    def test_keys_are_left_out(self):
        """ss prints TCP-MD5 keys, out of their place at the head of the output. They are withheld when captured."""
        secret = b"an-md5-key-of-the-test"
        sock = self.make(socket.AF_INET, socket.SOCK_STREAM)
        for address in ("192.0.2.1", "192.0.2.2"):
            peer = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(address))
            sock.setsockopt(socket.IPPROTO_TCP, 14, peer + struct.pack("=BBHi80s", 0, 0, len(secret), 0, secret))
        sock.bind(("127.0.0.1", 1901))
        sock.listen(1)
        real = run_ss("-ltni")
        self.assertTrue(real.startswith(secret * 2), real)
        self.capture()
        self.assert_same(self.ours("-ltni"), real.removeprefix(secret * 2), "-ltni")

    def test_explain(self):
        """What ss can't know, told below its rows; the rows themselves stay."""
        shared = listener("127.0.0.1", 1951, 2)
        self.keep(shared)
        waiting = self.make(socket.AF_INET, socket.SOCK_STREAM, connect=("127.0.0.1", 1951))
        sandbox.wait_until(lambda: has_tcp_state(1, 1951), "the connection to be accepted")
        bound = self.make(socket.AF_INET, socket.SOCK_STREAM, bind=("127.0.0.1", 1952))
        elsewhere = Netns()
        self.addCleanup(elsewhere.close)
        with elsewhere.entered():
            self.make(socket.AF_INET, socket.SOCK_STREAM, bind=("127.0.0.1", 1953), listen=1)
        self.capture()
        plain, explained = self.ours("-tanp").decode(), self.ours("-tanp", "--explain").decode()
        kept = [line for line in explained.splitlines() if not line.startswith(("  \u2514", "ss "))]
        self.assertEqual(kept, plain.splitlines())
        self.assertIn("  \u2514 ss reads the fd tables of processes only: ", explained)
        self.assertIn(f"python3[{os.getpid()}] holds it (in its accept queue)", explained)
        self.assertIn("bound but neither listening nor connected", explained)
        self.assertIn("ss shows its own network namespace only: 1 socket of these tables in 1 other namespace\n", explained)
        self.assertNotEqual((waiting.fileno(), bound.fileno()), (-1, -1))

    def test_what_there_is_not(self):
        self.capture()
        for switches, words in ((["-r"], "never from a resolver"), (["-K"], "can't be closed"), (["-E"], "nothing happens"),
                                (["-N", "blue"], "--netns"), (["-B"], "ss 6.1"), (["-Q"], "ss 6.1"), (["-f", "ipx"], "-f takes"),
                                (["-A", "tcp,nonsense"], "no table 'nonsense'"), (["-D", "-"], "raw messages")):
            with self.subTest(switches):
                run = ssnap("analyze", self.archive, "--as", "ss", *switches)
                self.assertEqual((run.returncode, run.stdout), (2, b""))
                self.assertIn(words, run.stderr.decode())


if __name__ == "__main__":
    sandbox.need("ip", "ss")
    sandbox.main(own_processes=True)
