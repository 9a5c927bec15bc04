"""A TCP peer that does only what it is told: it sees the segments that come out of one end of a veth pair and sends those
that a test asks for, or none. Its end is in a namespace without addresses, whose kernel answers nothing by itself."""

import dataclasses
import errno
import socket
import struct

from support.netns import Netns, ip, sysctl

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

NEAR, FAR = "ssnear", "ssfar"
NEAR_MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
# By family: this side's address, the peer's, the length of their prefix.
ADDRESSES = {socket.AF_INET: ("198.51.100.1", "198.51.100.2", 24), socket.AF_INET6: ("2001:db8::1", "2001:db8::2", 64)}
ETH_P_ALL = 0x0003
ETHERTYPES = {socket.AF_INET: 0x0800, socket.AF_INET6: 0x86DD}
# Long enough for every state to outlive the test, on a machine of any speed.
PATIENCE = {"ipv4/tcp_syn_retries": 127, "ipv4/tcp_synack_retries": 255, "ipv4/tcp_orphan_retries": 255,
            "ipv4/tcp_retries2": 255}


@dataclasses.dataclass
class Segment:
    source: int
    destination: int
    sequence: int
    acknowledged: int
    flags: int
    data: bytes

    @property
    def end(self):
        """The sequence number behind it: SYN and FIN count."""
        return self.sequence + len(self.data) + (1 if self.flags & SYN else 0) + (1 if self.flags & FIN else 0) & 0xFFFFFFFF


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class RawPeer:
    """Both ends of the link: the near one with addresses in the namespace of the test, the far one the peer's."""

    def __init__(self, test):
        self.netns = Netns()
        test.addCleanup(self.netns.close)
        ip("link", "add", NEAR, "address", NEAR_MAC, "type", "veth", "peer", "name", FAR, "address", FAR_MAC,
           "netns", f"/proc/self/fd/{self.netns.fd}", pass_fds=[self.netns.fd])
        for name, value in PATIENCE.items():
            sysctl(name, value)
        for family, (near, _, prefix) in ADDRESSES.items():
            nodad = ("nodad",) if family == socket.AF_INET6 else ()
            ip("address", "add", f"{near}/{prefix}", "dev", NEAR, *nodad)
        ip("link", "set", NEAR, "up")
        with self.netns.entered():
            sysctl(f"ipv6/conf/{FAR}/disable_ipv6", 1)
            ip("link", "set", FAR, "up")
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.wire.bind((FAR, 0))
        test.addCleanup(self.wire.close)
        self.wire.settimeout(60)  # only a broken test ever waits so long
        for _, far, _ in ADDRESSES.values():
            ip("neighbour", "replace", far, "lladdr", FAR_MAC, "dev", NEAR, "nud", "permanent")

    def send(self, family, source, destination, sequence, acknowledged, flags, data=b""):
        """A segment from the peer's port `source` to the near port `destination`."""
        near, far, _ = ADDRESSES[family]
        near, far = socket.inet_pton(family, near), socket.inet_pton(family, far)
        header = struct.pack(">HHIIBBHHH", source, destination, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
        length = len(header) + len(data)
        if family == socket.AF_INET:
            pseudo = far + near + struct.pack(">BBH", 0, socket.IPPROTO_TCP, length)
            network = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, socket.IPPROTO_TCP, 0) + far + near
            network = network[:10] + struct.pack(">H", checksum(network)) + network[12:]
        else:
            pseudo = far + near + struct.pack(">IHBB", length, 0, 0, socket.IPPROTO_TCP)
            network = struct.pack(">IHBB", 6 << 28, length, socket.IPPROTO_TCP, 64) + far + near
        header = header[:16] + struct.pack(">H", checksum(pseudo + header + data)) + header[18:]
        self.wire.send(mac(NEAR_MAC) + mac(FAR_MAC) + struct.pack(">H", ETHERTYPES[family]) + network + header + data)

    def receive(self, family, near_port, wanted):
        """The next segment from `near_port` that has the flags `wanted`; others are passed over."""
        while True:
            frame, address = self.wire.recvfrom(65536)
            if address[2] == socket.PACKET_OUTGOING or struct.unpack(">H", frame[12:14])[0] != ETHERTYPES[family]:
                continue
            if family == socket.AF_INET:
                protocol, begin, end = frame[23], 14 + (frame[14] & 15) * 4, 14 + struct.unpack(">H", frame[16:18])[0]
            else:
                protocol, begin, end = frame[20], 54, 54 + struct.unpack(">H", frame[18:20])[0]
            if protocol != socket.IPPROTO_TCP:
                continue
            source, destination, sequence, acknowledged, offset, flags = struct.unpack(">HHIIBB", frame[begin:begin + 14])
            if source == near_port and flags & wanted == wanted:
                return Segment(source, destination, sequence, acknowledged, flags, frame[begin + (offset >> 4) * 4:end])


class Connection:
    """A connection of a near socket with the peer, which this side opened and the peer accepts."""

    def __init__(self, peer, family, far_port, sock):
        """`sock`: not blocking, bound or not; connects it, and waits for the near kernel's last ACK."""
        self.peer, self.family, self.far_port, self.sock = peer, family, far_port, sock
        sock.setblocking(False)
        assert sock.connect_ex((ADDRESSES[family][1], far_port)) == errno.EINPROGRESS
        self.near_port = sock.getsockname()[1]
        syn = peer.receive(family, self.near_port, SYN)
        self.near_next, self.far_next = syn.end, 1000
        self.send(SYN | ACK)
        self.expect(ACK)

    def send(self, flags):
        self.peer.send(self.family, self.far_port, self.near_port, self.far_next, self.near_next, flags)
        self.far_next += 1 if flags & (SYN | FIN) else 0

    def expect(self, wanted):
        """Waits for a segment, which is not acknowledged."""
        return self.peer.receive(self.family, self.near_port, wanted)

    def acknowledge(self, segment):
        self.near_next = segment.end
        self.send(ACK)

    @property
    def local(self):
        return ADDRESSES[self.family][0], self.near_port

    @property
    def far(self):
        return ADDRESSES[self.family][1], self.far_port


def mac(text):
    return bytes.fromhex(text.replace(":", ""))
