"""FILTER selects what ss 6.1 selects: the real ss and ssnap, side by side, on sockets of every kind in one namespace at
rest. Where ssnap means to differ, the filter stands in PUT_RIGHT with what each of them selects."""

import errno
import os
import re
import shutil
import socket
import subprocess

from support import sandbox
from support.scene import has_tcp_state, listener, tcp
from support.ssnap import analyze_json, capture

SO_MARK = 36
ETH_P_ARP, ETH_P_ALL = 0x0806, 3
NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
PORT_ID = 70001

SERVICES = "ssnap-one 1001/tcp www-ssnap\nssnap-two 2001/udp\nssnap-two 2001/tcp\n"

# ss's families that have no letter of ours yet: the filter names the family itself.
SWITCHES = {"-a -f link": "", "-a -f netlink": "", "-a": "-a"}

# Switches, and filters that both answer alike. Each line is filters, parted by semicolons.
ALIKE = {
    "-ta": r"""
        sport = :1001; sport :1001; sport 1001; sport eq :1001; sport == :1001; sport = 0x3e9; sport = :01751
        sport != :1001; sport ne :1001; sport neq :1001; sport < :1002; sport lt :1002; sport <= :1002; sport le :1002
        sport leq :1002; sport > :1002; sport gt :1002; sport >= :1002; sport ge :1002; sport geq :1002
        dport = :1003; dport != :1003; dport < :1003; dport > :1003; dport >= :1003; dport <= :1003; dport eq 1003
        sport = :*; sport = :ssnap-one; sport = :www-ssnap; src 0.0.0.0:ssnap-one; sport != :ssnap-one; sport >= :ssnap-two
        sport = inet::1002; sport = inet6::1004
        src 127.0.0.1; src = 127.0.0.1; src == 127.0.0.1; src eq 127.0.0.1; src 127.0.0.1:1002; src 127.0.0.1:*; src 127.0.0.1:
        src 127.0.0.2; src 127/8; src 127.0.0/24; src 127.0.0.0/255.0.0.0; src 127.0.0.0/30; src 126.0.0.0/7; src 0x7f.0.0.1
        src 0.0.0.0; src *; src *:1002; src :1002; src any; src all; src default; src inet:127.0.0.1; src inet:*
        src inet6:[::1]; src inet6:*; src [::1]; src [::1]:1004; src [::]; src [::ffff:127.0.0.1]; src [::ffff:0:0/96]
        src fe80::/10; src 0.0.0.0/0; src ::/0 sport = :1001; src 0.0.0.0/0 sport = :1003; src 10.9.8.7; src 10.9/16; src fe80::1:80; src [::/1]
        dst 127.0.0.1; dst 127.0.0.1:1003; dst [::1]; dst 127.0.0.0/8; dst [::ffff:127.0.0.1]; dst 10.0.0.0/8; dst :1003
        dst 0.0.0.0; dst [::]; dst *:*; dst 10.9.8.8
        dev lo; dev = lo; dev == lo; dev eq lo; dev != lo; dev ne lo; dev ssnap0; dev 1; dev 0x1; dev != ssnap0; dev = 0
        fwmark 0x11; fwmark = 17; fwmark 021; fwmark != 0x11; fwmark 0x1/0x3; fwmark 0x2/0x3; fwmark 0; fwmark != 0
        cgroup CGROUP; cgroup = CGROUP; cgroup != CGROUP; not cgroup CGROUP
        not sport = :1001; ! sport = :1001; ! ! sport = :1001; ! ( sport = :1001 ); ( sport = :1001 ); ( ( sport = :1001 ) )
        sport = :1001 or sport = :1002; sport = :1001 | sport = :1002; sport = :1001 || sport = :1002
        src 127.0.0.1 sport = :1002; src 127.0.0.1 and sport = :1002; src 127.0.0.1 & sport = :1002
        src 127.0.0.1 && sport = :1002; sport = :1001 or sport = :1002 and src 127.0.0.1
        sport = :1001 or ( sport = :1002 and src 127.0.0.1 ); sport = :1001 or sport = :1002 and sport = :1003
        src 127.0.0.1 or sport = :1004 and dport = :1003 or dev lo; not src 127.0.0.1 sport = :1004
        not ( src 127.0.0.1 or src [::1] ); ( sport = :1001 or sport = :1002 ) ( src 127.0.0.1 or dev lo ) not fwmark 3
        sport != :1001 and ! sport eq :1002; dport = :1003 or sport = :1003 or ! src 127.0.0.1 and ! fwmark 17
        sport = :1001 or src 127.0.0.1 or dst [::1] and not dport = :1004 sport != :1002
    """,
    "-t": r"""
        state all; state established; state ESTABLISHED; state fin-wait-2; state time-wait; state close-wait; state listening
        state syn-sent; state syn-recv; state syn-rcv; state bucket; state connected; state synchronized
        state closed; state close; state unconnected; state fin-wait-1; state last-ack; state closing
        exclude listening; excl listening; exclude bucket; exclude established; exclude all state listening
        state listening state time-wait; state connected exclude established; state all exclude listening exclude time-wait
        state listening src 127.0.0.1; state established sport = :1003 or dport = :1003
        state established ( sport = :1003 or dport = :1003 ) and not src 127.0.0.2; sport = :1002; src 127.0.0.1
    """,
    "-tl": "state established; exclude established; sport = :1001; src [::1]; state listening state established",
    "-t4": "src 127.0.0.1; state listening; dport = :1003; sport >= :1",
    "-t6a": "sport = :1003; src [::1]; sport != :1; dst [::ffff:127.0.0.1]",
    "-ua": """
        sport = :2001; src 127.0.0.1; src [::1]:2002; dst 127.0.0.1; dport = :2001; state connected; state closed; dev lo
        sport = :ssnap-two; autobound; state established; exclude closed; src 0.0.0.0
    """,
    "-wa": "sport = :1; sport = :89; sport != :1; src 127.0.0.1; dst 127.0.0.1; state closed",
    "-xa": r"""
        src *; src /*; src @*; src @ssnap*; src @SSNAP*; src unix:@ssnap-abstract; src *Stream; src */[st]tream; src */[!s]*
        src *?tream; src */a\ b; src */\\[x\\]; src */[[:alpha:]]\ b; src @a@b; src @0[a]bc9; state listening; state connected
        state closed; autobound; not autobound; src * or src /nowhere; not src @*
    """,
    "-a": "src unix:@ssnap*; sport = :1001; sport = UNIX_INODE; dport = UNIX_INODE; sport >= UNIX_INODE; src 127.0.0.1:1002",
    "-a -f link": """
        src link:*; src link:arp; src link:ARP; src link:all; src link:*:lo; src link:arp:lo; sport = link:lo; sport = link::1
        src link:0x806; src link:* dev lo; src link:* and autobound; src link:all:*
    """,
    "-a -f netlink": """
        src netlink:rtnl; src netlink:genl; src netlink:0; src netlink:rtnl:70001; sport = netlink::70001; src netlink:*:70001
        sport = netlink:kernel; src netlink:rtnl:kernel
    """,
}

# Switches, a filter, and what only ss or only ssnap selects: labels of the scene.
PUT_RIGHT = [
    # That a program asked for this port itself is in no dump; ss leaves such sockets to the kernel, which knows.
    ("-ta", "autobound sport = :40000", [], ["listener in the range"]),
    ("-ta", "autobound sport != :40000 src 127.0.0.3", [], []),
    # ss 6.1 knows no peer's name of what netlink tells.
    ("-xa", "dst */stream", [], ["unix client"]),
    ("-xa", "dst *", [], []),
    # With a family's own switch every host is of that family to ss, also what it compares `sport` with.
    ("-xa", "sport = UNIX_INODE", [], ["unix listener"]),
    # No UNIX socket has an address, whatever the prefix.
    ("-a", "src 0.0.0.0/0 sport = UNIX_INODE", ["unix listener"], []),
]

# Beyond ss: switches and words, and what is selected.
MORE = [
    ("-t state listening and ( src 127.0.0.1 or src [::1] )",
     ["deferring", "full", "in a cgroup", "listener v4", "listener v6", "on lo"]),
    ("state listening or state time-wait and src 127.0.0.1 and proto tcp and not dev lo and dport = :1002", ["time-wait"]),
    ("(proto tcp)and!(sport!=:1001)", ["listener any"]),
    ("src /*stream", ["unix accepted", "unix listener"]),
    ("dst != 0.0.0.0 dev lo proto udp", ["udp on lo"]),
    ("inode INODE", ["listener any"]),
    ("owners>1 proto tcp", ["listener any"]),
    ("pid CHILD", ["listener any"]),
    ("pid SELF pid CHILD", ["listener any"]),
    ("reason time-wait", ["time-wait"]),
    ("reason request", ["syn-recv"]),
    ("uid 65534", ["of nobody"]),
    ("comm cat and via fd", ["listener any"]),
    ("exe */cat owners = 2", ["listener any"]),
    ("pass 1 pass 2 sport = :1001", ["listener any"]),
    ("netns NETNS sport = :1001", ["listener any"]),
    ("state bound-inactive", ["bound"]),
    # Bound is not connected, and what is no minisocket is no SYN-RECV.
    ("-t state connected sport = :1007", []),
    ("-t sport = :1007", []),
    ("-t state big sport = :1009", ["deferring"]),
    ("-t state big sport = :1007", ["bound"]),
    ("-t state bucket sport = :1009", ["syn-recv"]),
]


def filters(text):
    return [" ".join(piece.split()) for line in text.splitlines() for piece in line.split(";") if piece.strip()]


def end_of(text):
    """ss's ADDRESS%INTERFACE:PORT as (address, port)."""
    address, _, port = text.rpartition(":")
    address = address.partition("%")[0].strip("[]")
    return "::" if address == "*" else address, 0 if port == "*" else int(port)


def keys_of_ss(switches, words):
    """One key a row, whatever columns ss leaves out: the cookie of TCP and UDP, the inode of UNIX and packet sockets, the
    addresses of raw ones, protocol and port id of netlink."""
    run = subprocess.run(["ss", "-HOne", *switches.split(), *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, (switches, words, run.stderr)
    keys = []
    for line in run.stdout.splitlines():
        unix = re.search(r" (\d+)\s+\S+ \d+\s+[<-]", line)
        packet = re.search(r":\S+\s+\*\s+ino:(\d+)", line)
        netlink = re.search(r"(?:^|\s)(\d+):(-?\d+|\*)\s+\*\s+sk=", line)
        cookie = re.search(r"\bsk:([0-9a-f]+)", line)
        if unix:
            keys.append(("unix", int(unix[1])))
        elif packet:
            keys.append(("packet", int(packet[1])))
        elif netlink:
            keys.append(("netlink", int(netlink[1]), int(netlink[2])))
        elif cookie:
            keys.append(("ip", int(cookie[1], 16)))
        else:
            ends = re.search(r"(\S+:(?:\d+|\*))\s+(\S+:(?:\d+|\*))", line)
            assert ends, line
            keys.append(("raw", end_of(ends[1]), end_of(ends[2])[0]))
    return keys


def key_of(sock):
    """The same of one of ssnap's sockets."""
    if sock["family"] in ("unix", "packet"):
        return sock["family"], sock.get("inode")
    if sock["family"] == "netlink":
        port = sock["local"]["port_id"]
        return "netlink", sock["protocol_number"], port - (port >> 31 << 32)
    if sock["protocol"] == "raw":
        return "raw", (sock["local"]["address"], sock["details"]["raw_protocol"]), sock["peer"]["address"]
    return "ip", int(sock["cookie"])


def is_comparable(key):
    """Not the netlink sockets of ss and ssnap themselves, and nothing that only ssnap can see."""
    return key[0] != "netlink" or key[2] in (0, PORT_ID)


class FilterTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.labels = {}  # inode -> label
        self.bind_services()
        self.make_tcp()
        self.make_others()
        self.archive = self.path("a.tar.zst")
        capture(self, self.archive)
        self.by_label = {}
        for sock in self.sockets():
            label = self.labels.get(sock.get("inode"))
            if sock["state"] in ("TIME-WAIT", "SYN-RECV"):
                label = sock["state"].lower()
            if label:
                self.by_label[key_of(sock)] = label
        self.values = {"UNIX_INODE": self.inode("unix listener"), "INODE": self.inode("listener any"),
                       "CHILD": self.holder.pid, "SELF": os.getpid(), "NETNS": self.netns}

    def bind_services(self):
        """ss reads the file of the machine, ssnap its copy in the archive: one of this test's own, over it in this mount
        namespace."""
        shutil.copytree("/etc", self.path("etc"), symlinks=True)
        with open(self.path("etc/services"), "w", encoding="ascii") as file:
            file.write(SERVICES)
        subprocess.run(["mount", "--bind", self.path("etc"), "/etc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc"], check=True)

    def inode(self, label):
        [inode] = [inode for inode, other in self.labels.items() if other == label]
        return inode

    def keep(self, label, sock):
        self.addCleanup(sock.close)
        self.labels[os.fstat(sock.fileno()).st_ino] = label
        return sock

    def make_tcp(self):
        keep = self.keep
        subprocess.run(["ip", "address", "add", "10.9.8.7/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "link", "add", "ssnap0", "type", "veth", "peer", "name", "ssnap1"], check=True)
        listening = keep("listener any", listener("0.0.0.0", 1001, 5))
        self.holder = self.child(sandbox.exec_holder([listening.fileno()]))
        one4 = keep("listener v4", listener("127.0.0.1", 1002, 5))
        dual = keep("listener dual", listener("::", 1003, 5, socket.AF_INET6))
        one6 = keep("listener v6", listener("::1", 1004, 5, socket.AF_INET6))
        for label, server, family, address in (("v4", one4, socket.AF_INET, "127.0.0.1"), ("v6", one6, socket.AF_INET6, "::1"),
                                               ("mapped", dual, socket.AF_INET, "127.0.0.1")):
            near = keep(f"established {label}, client", tcp(family))
            near.connect((address, server.getsockname()[1]))
            keep(f"established {label}, server", server.accept()[0])
        near = keep("fin-wait-2", tcp())
        near.connect(one4.getsockname())
        keep("close-wait", one4.accept()[0])
        near.shutdown(socket.SHUT_WR)
        sandbox.wait_until(lambda: has_tcp_state(5, near.getsockname()[1]), "FIN-WAIT-2")
        brief = tcp()
        brief.connect(one4.getsockname())
        far, _ = one4.accept()
        port = brief.getsockname()[1]
        brief.close()
        far.close()
        sandbox.wait_until(lambda: has_tcp_state(6, port), "TIME-WAIT")

        marked = keep("marked", tcp())
        marked.setsockopt(socket.SOL_SOCKET, SO_MARK, 0x11)
        marked.bind(("127.0.0.2", 1005))
        marked.listen(5)
        for label, device, address in (("on lo", b"lo", ("127.0.0.1", 1006)), ("on ssnap0", b"ssnap0", ("0.0.0.0", 1006))):
            bound = keep(label, tcp())
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            bound.bind(address)
            bound.listen(5)
        keep("bound", tcp()).bind(("127.0.0.3", 1007))
        keep("listener elsewhere", listener("10.9.8.7", 1008, 5))
        keep("listener in the range", listener("127.0.0.3", 40000, 5))

        # A listener that waits for data leaves its side of the connection a request: SYN-RECV. Many retries: it stays.
        deferring = keep("deferring", listener("127.0.0.1", 1009, 5))
        deferring.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10000)
        keep("deferred", tcp()).connect(deferring.getsockname())
        sandbox.wait_until(lambda: has_tcp_state(3, 1009), "SYN-RECV")
        # One whose queue is full answers nobody: SYN-SENT.
        full = keep("full", listener("127.0.0.1", 1010, 0))
        keep("waiting", tcp()).connect(full.getsockname())
        sent = keep("syn-sent", tcp())
        sent.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 100)
        sent.setblocking(False)
        self.assertEqual(sent.connect_ex(full.getsockname()), errno.EINPROGRESS)

        os.seteuid(65534)
        try:
            nobody = tcp()
        finally:
            os.seteuid(0)
        keep("of nobody", nobody).bind(("127.0.0.4", 1011))
        nobody.listen(5)
        self.make_in_cgroup()

    def make_in_cgroup(self):
        """A cgroup of its own, for as long as it takes to make a socket in it."""
        mount = self.path("cgroup2")
        os.mkdir(mount)
        subprocess.run(["mount", "-t", "cgroup2", "none", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        self.cgroup_of_ss = f"{mount}/ssnap-filter-{self.netns}"
        os.mkdir(self.cgroup_of_ss)
        self.addCleanup(os.rmdir, self.cgroup_of_ss)
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            [home] = [line.strip().partition("::")[2] for line in file if line.startswith("0::")]
        self.move_to(self.cgroup_of_ss)
        try:
            self.keep("in a cgroup", listener("127.0.0.1", 1012, 5))
        finally:
            self.move_to(mount + home)

    @staticmethod
    def move_to(cgroup):
        with open(f"{cgroup}/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")

    def make_others(self):
        keep = self.keep
        for label, family, address, port in (("v4", socket.AF_INET, "127.0.0.1", 2001), ("v6", socket.AF_INET6, "::1", 2002)):
            bound = keep(f"udp {label}", socket.socket(family, socket.SOCK_DGRAM))
            bound.bind((address, port))
            keep(f"udp connected {label}", socket.socket(family, socket.SOCK_DGRAM)).connect((address, port))
        device = keep("udp on lo", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        device.connect(("127.0.0.1", 2003))
        keep("udp any", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("0.0.0.0", 2004))
        for label, protocol, peer in (("icmp", 1, None), ("ospf", 89, "127.0.0.1")):
            raw = keep(f"raw {label}", socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
            if peer:
                raw.connect((peer, 0))

        def unix(label, name, kind=socket.SOCK_STREAM):
            sock = keep(label, socket.socket(socket.AF_UNIX, kind))
            sock.bind(name)
            return sock
        server = unix("unix listener", self.path("stream"))
        server.listen(5)
        keep("unix client", socket.socket(socket.AF_UNIX)).connect(self.path("stream"))
        keep("unix accepted", server.accept()[0])
        for number, name in enumerate((self.path("a b"), self.path("[x]"), self.path("Upper"), "\0ssnap-abstract", "\0a\0b", "\x000abc9",
                                       "\x000ABC9")):
            unix(f"unix {number}", name, socket.SOCK_DGRAM)
        for number, sock in enumerate(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)):
            keep(f"pair {number}", sock)
        for label, protocol, device in (("all", ETH_P_ALL, None), ("arp", ETH_P_ARP, "lo"), ("none", 0, None)):
            packet = keep(f"packet {label}", socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol)))
            if device:
                packet.bind((device, protocol))
        for protocol in (NETLINK_ROUTE, NETLINK_GENERIC):
            keep(f"netlink {protocol}", socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)).bind((PORT_ID, 0))

    def sockets(self, *arguments):
        snapshot = analyze_json(self, self.archive, *arguments, "--netns", str(self.netns))
        return [sock for sock in snapshot["sockets"] if sock["netns"]["inode"] == self.netns]

    def words(self, text, cgroup):
        """The words of a filter as a shell would part them: a backslash is left to the tool."""
        for name, value in self.values.items():
            text = re.sub(rf"\b{name}\b", str(value), text)
        return re.split(r"(?<!\\) ", text.replace("CGROUP", cgroup))

    def ours(self, switches, text):
        words = self.words(text, "/" + os.path.basename(self.cgroup_of_ss))
        # ss 6.1 asks for no bound-inactive sockets.
        return [key_of(sock) for sock in self.sockets(*switches.split(), *words) if sock["state"] != "BOUND-INACTIVE"]

    def label(self, keys):
        return sorted(self.by_label.get(key, str(key)) for key in keys)

    def test_against_ss(self):
        theirs = {}
        rows = [(switches, text) for switches, texts in ALIKE.items() for text in filters(texts)]
        self.assertGreater(len(rows), 200)
        for switches, text in rows + [row[:2] for row in PUT_RIGHT]:
            theirs[switches, text] = keys_of_ss(switches, self.words(text, self.cgroup_of_ss))
        self.assertIn("time-wait", self.label(keys_of_ss("-ta", [])), "it took too long: TIME-WAIT ended")
        selected = set()
        for switches, text in rows:
            with self.subTest((switches, text)):
                ss_keys = list(filter(is_comparable, theirs[switches, text]))
                our_keys = list(filter(is_comparable, self.ours(SWITCHES.get(switches, switches), text)))
                self.assertEqual(self.label(our_keys), self.label(ss_keys))
                selected.update(ss_keys)
        # Every socket of the scene that ss can show was selected by some filter.
        self.assertEqual({label for key, label in self.by_label.items() if key not in selected}, {"bound"})
        for switches, text, only_ss, only_ssnap in PUT_RIGHT:
            with self.subTest((switches, text)):
                ss_keys, our_keys = set(filter(is_comparable, theirs[switches, text])), set(self.ours(switches, text))
                self.assertEqual((self.label(ss_keys - our_keys), self.label(our_keys - ss_keys)), (only_ss, only_ssnap))

    def test_beyond_ss(self):
        for text, labels in MORE:
            with self.subTest(text):
                rows = self.sockets(*self.words(text, ""))
                self.assertEqual(self.label(map(key_of, rows)), labels)


if __name__ == "__main__":
    sandbox.need("ss", "ip", "mount")
    sandbox.main(own_processes=True)
