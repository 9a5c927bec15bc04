"""The kernel's own view by NETLINK_SOCK_DIAG, decoded as little as the tests need: what ssnap is compared with, and how a
test learns which tables the kernel offers (include/uapi/linux/{inet,unix,packet,netlink}_diag.h)."""

import collections
import errno
import os
import socket
import struct

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3

AF_TIPC, AF_VSOCK, AF_SMC, AF_XDP = 30, 40, 43, 44
IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_MPTCP = 33, 132, 136, 262
INET_DIAG_REQ_PROTOCOL = 3
INODE_OFFSETS = {socket.AF_UNIX: 4, socket.AF_PACKET: 4, socket.AF_NETLINK: 16}

STATES = {1: "ESTAB", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "UNCONN",
          8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 13: "BOUND-INACTIVE"}

InetRow = collections.namedtuple("InetRow", "family state timer retransmits local peer interface cookie uid inode attributes")


def dump(body):
    """Payloads of the answers to one SOCK_DIAG_BY_FAMILY dump. OSError with the kernel's errno if it refuses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
        payloads = []
        while True:
            datagram = sock.recv(1 << 16)
            while datagram:
                length, kind = struct.unpack("=IH", datagram[:6])
                payload = datagram[16:length]
                datagram = datagram[(length + 3) & ~3:]
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    number = -struct.unpack("=i", payload[:4])[0]
                    if number:
                        raise OSError(number, os.strerror(number))
                    return payloads
                payloads.append(payload)


def inet_request(family, protocol):
    body = struct.pack("=BBBBI48x", family, protocol & 0xFF, 0xFF, 0, 0xFFFFFFFF)
    return body + (struct.pack("=HHI", 8, INET_DIAG_REQ_PROTOCOL, protocol) if protocol > 0xFF else b"")


def attributes_of(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack("=HH", data[:4])
        found[kind] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def inet(family, protocol=socket.IPPROTO_TCP):
    """Every socket of that family and protocol in the namespace of the calling thread."""
    rows, size = [], 4 if family == socket.AF_INET else 16
    for message in dump(inet_request(family, protocol)):
        row_family, state, timer, retransmits, local_port, peer_port = struct.unpack(">BBBBHH", message[:8])
        local, peer = message[8:8 + size], message[24:24 + size]
        interface, cookie = struct.unpack("=IQ", message[40:52])
        uid, inode = struct.unpack("=II", message[64:72])
        # Bound sockets come back as TCP_CLOSE (net/ipv4/inet_diag.c, inet_diag_dump_icsk).
        if state == 7 and protocol in (socket.IPPROTO_TCP, IPPROTO_MPTCP):
            state = 13
        rows.append(InetRow(row_family, STATES[state], timer, retransmits, (socket.inet_ntop(family, local), local_port),
                            (socket.inet_ntop(family, peer), peer_port), interface, cookie, uid, inode,
                            attributes_of(message[72:])))
    return rows


def tcp():
    return inet(socket.AF_INET) + inet(socket.AF_INET6)


# The requests that stand for a table: SCTP and its like have one for each IP version.
TABLES = {
    "tcp": inet_request(socket.AF_INET, socket.IPPROTO_TCP), "udp": inet_request(socket.AF_INET, socket.IPPROTO_UDP),
    "udplite": inet_request(socket.AF_INET, IPPROTO_UDPLITE), "raw": inet_request(socket.AF_INET, socket.IPPROTO_RAW),
    "sctp": inet_request(socket.AF_INET, IPPROTO_SCTP), "dccp": inet_request(socket.AF_INET, IPPROTO_DCCP),
    "mptcp": inet_request(socket.AF_INET, IPPROTO_MPTCP),
    "unix": struct.pack("=B3xIII8x", socket.AF_UNIX, 0xFFFFFFFF, 0, 0x7F),
    "packet": struct.pack("=BB2xII8x", socket.AF_PACKET, 0, 0, 0x3F),
    "netlink": struct.pack("=BB2xII8x", socket.AF_NETLINK, 255, 0, 0x0F),
    "vsock": struct.pack("=B3xII4x8x", AF_VSOCK, 0xFFFFFFFF, 0), "xdp": struct.pack("=BB2xII8x", AF_XDP, 0, 0, 0x1F),
    "tipc": struct.pack("=B3xI", AF_TIPC, 0xFFFFFFFF), "smc": struct.pack("=B2xB48x", AF_SMC, 7),
}


def has_table(name):
    """Whether the kernel answers for it. It may load a module: nothing for a test of ssnap's restraint."""
    try:
        dump(TABLES[name])
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP):
            return False
        raise
    return True


def inodes(name):
    """Socket inodes of the UNIX, packet or netlink table; one repeated is there once."""
    offset = INODE_OFFSETS[TABLES[name][0]]
    return {struct.unpack("=I", message[offset:offset + 4])[0] for message in dump(TABLES[name])}
