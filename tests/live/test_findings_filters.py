"""Filters of packet sockets, as tcpdump compiles them and the kernel keeps them: disassembled as tcpdump does it, in words, and flagged
where they wait for a magic value."""

import ctypes
import os
import socket
import struct
import subprocess

from support import sandbox
from support.actors import inode_of
from support.findings import FindingsTest

SO_ATTACH_FILTER = 26
ETH_P_ALL, ETH_P_IP = 3, 0x800
SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF = 0xFFFFF000, 0xFFF00000, 0xFFE00000
ACCEPT, REJECT = (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)

# Expressions of tcpdump, and the words where they are short.
EXPRESSIONS = {
    "": None,
    "arp": "arp",
    "not arp": "not arp",
    "tcp": None,
    "ip proto 47": "ip and protocol 47",
    "port 53": "ip6 and ( sctp or tcp or udp ) and ( src port 53 or dst port 53 ) or ip and ( sctp or tcp or udp ) and no later fragment and "
               "( src port 53 or dst port 53 )",
    "ip6 and tcp dst port 443": "ip6 and tcp and dst port 443",
    "ip and udp dst port 53": "ip and udp and no later fragment and dst port 53",
    "host 10.1.2.3": None,
    "ip src host 10.1.2.3": "ip and src 10.1.2.3",
    "ip dst net 10.0.0.0/8": "ip and dst 10.0.0.0 mask 255.0.0.0",
    "not port 22": None,
    "portrange 6000-6010": None,
    "ether proto 0x88cc": "ethertype 0x88cc",
    "ether host 02:11:22:33:44:55": None,
    "len > 100": None,
    "inbound": "not outgoing",
    "vlan and port 53": None,
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0": "ip and tcp and no later fragment and transport[13] & 0x3 != 0",
    "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply": None,
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)": None,
    "ip[2:2] % 7 = 3 and ip[0] ^ 3 = 1": "ip and ip[2:2] % 7 = 3 and ip[0] ^ 3 = 1",
    "ip broadcast or multicast": None,
    "udp and port 67 and port 68": None,
    "src host 10.0.0.1 or dst port 80 or 443": None,
    "greater 128 and less 512": None,
    "arp or rarp or ether proto 0x888e": None,
}
MAGIC = {
    "udp[8:2] = 0x7255": ["0x7255 at byte 8 after the IP header"],
    "tcp[((tcp[12]&0xf0)>>2):2]=0x5293 or udp[8:2]=0x7255 or (icmp[8:2]=0x7255 and icmp[icmptype]=8)":
        ["0x5293 at byte 0 of the TCP payload", "0x7255 at byte 8 after the IP header"],
    "tcp[((tcp[12]&0xf0)>>2):4] = 0xdeadbeef": ["0xdeadbeef at byte 0 of the TCP payload"],
}
INNOCENT = ("udp and port 67 and port 68", "udp[4:2] = 0x7255", "not udp[8:2] = 0x7255", "icmp[icmptype] = 8")


def load_and_test(k, size=0x28):
    return [(size, 0, 0, k), (0x15, 0, 1, 0x42), ACCEPT, REJECT]


# What Linux adds, by hand: proto type ifidx nla nlan mark queue hatype rxhash cpu xor_x vlan_tci vlanp poff random vlan_tpid,
# then places from the network and the link-layer header on, and the arithmetic of newer kernels.
EXTENSIONS = [load_and_test(SKF_AD_OFF + 4 * number) for number in range(16)] + [
    load_and_test(SKF_NET_OFF + 9, 0x30), load_and_test(SKF_LL_OFF + 12),
    [(0x20, 0, 0, 0), (0x94, 0, 0, 7), (0xA4, 0, 0, 0xFF), (0x01, 0, 0, 3), (0x9C, 0, 0, 0), (0xAC, 0, 0, 0), (0x16, 0, 0, 0)],
    [(0x80, 0, 0, 0), (0x02, 0, 0, 15), (0x61, 0, 0, 15), (0x05, 0, 0, 1), REJECT, (0x87, 0, 0, 0), (0x1D, 0, 1, 0), ACCEPT, REJECT]]


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


def tcpdump(option, expression):
    run = subprocess.run(["tcpdump", "-i", "lo", option, expression], capture_output=True, text=True)
    assert run.returncode == 0, f"tcpdump {option} {expression!r}: {run.stderr}"
    return run.stdout.splitlines()


def compiled(expression):
    return [tuple(map(int, line.split())) for line in tcpdump("-ddd", expression)[1:]]


def blanks(lines):
    """With one blank in the place of several, and none at the end."""
    return [" ".join(line.split()) for line in lines]


class FiltersTest(FindingsTest):
    def attach(self, program, kind=socket.SOCK_RAW, protocol=ETH_P_ALL):
        sock = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
        self.addCleanup(sock.close)
        code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in program))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
        return sock

    def filter_of(self, sock):
        [row] = [row for row in self.snapshot["sockets"] if row.get("inode") == inode_of(sock)]
        return row["details"]["packet"]["filter"]

    def test_as_tcpdump_has_them(self):
        self.assertGreaterEqual(len(EXPRESSIONS) + len(MAGIC), 20)
        socks = {expression: self.attach(compiled(expression)) for expression in (*EXPRESSIONS, *MAGIC)}
        self.take()
        for expression, sock in socks.items():
            with self.subTest(expression):
                said = self.filter_of(sock)
                self.assertEqual([tuple(row) for row in said["code"]], compiled(expression), "the kernel keeps it as it was attached")
                self.assertEqual(blanks(said["text"]), blanks(tcpdump("-d", expression)))
                self.assertIn("words", said)
                if EXPRESSIONS.get(expression):
                    self.assertEqual(said["words"], EXPRESSIONS[expression])

    def test_extensions_of_linux(self):
        pcap = ctypes.CDLL("libpcap.so.0.8")  # tcpdump's
        pcap.bpf_image.restype = ctypes.c_char_p
        socks = [self.attach(program) for program in EXTENSIONS]
        self.take()
        for program, sock in zip(EXTENSIONS, socks):
            with self.subTest(program[0]):
                said = self.filter_of(sock)
                self.assertEqual([tuple(row) for row in said["code"]], program)
                image = [pcap.bpf_image(ctypes.byref(Instruction(*row)), number).decode() for number, row in enumerate(program)]
                self.assertEqual(blanks(said["text"]), blanks(image))
                self.assertIn("words", said)

    def test_magic_values(self):
        magic = {expression: self.attach(compiled(expression)) for expression in MAGIC}
        innocent = [self.attach(compiled(expression)) for expression in INNOCENT]
        # Without a link-layer header, for one protocol: byte 8 after the IP header is found all the same.
        fixed = self.attach([(0xB1, 0, 0, 0), (0x48, 0, 0, 8), (0x15, 0, 1, 0x7255), ACCEPT, REJECT], socket.SOCK_DGRAM, ETH_P_IP)
        self.take()
        for expression, sock in magic.items():
            sentence = self.about(sock)["magic-filter"]["sentence"]
            self.assertIn(f"[{os.getpid()}]", sentence)
            self.assertIn(" waits on every interface for packets with " + ", or ".join(MAGIC[expression]) + "; its filter lets pass: ", sentence)
            self.assertEqual(blanks(self.about(sock)["magic-filter"]["details"]), blanks(tcpdump("-d", expression)))
        self.assertIn("magic-filter", self.about(fixed))
        for expression, sock in zip(INNOCENT, innocent):
            self.assertEqual(list(self.about(sock)), ["packet-socket"], expression)


if __name__ == "__main__":
    sandbox.need("tcpdump")
    sandbox.main()
