"""Copies of /proc as other collectors leave them: what kernels of 2.6.18 and later print, of 32 and 64 bits, in either byte
order. The rows are made from the formats of the kernel's own show functions (docs/sources.md names them)."""

import ipaddress
import os
import pathlib
import struct

LISTEN, ESTAB, TIME_WAIT, CLOSE = 10, 1, 6, 7


class Era:
    """How one kernel on one machine prints its tables."""

    def __init__(self, name, bits=64, order="little", udp_drops=True, netlink="now", nul="@", row_end=""):
        self.name, self.bits, self.order = name, bits, order
        self.udp_drops, self.netlink, self.nul, self.row_end = udp_drops, netlink, nul, row_end

    def pointer(self, number):
        return f"{number:0{self.bits // 4}x}"

    def address(self, text):
        """Each 32-bit word of the address as a number of the host."""
        packed = ipaddress.ip_address(text).packed
        words = struct.unpack(f"{'<' if self.order == 'little' else '>'}{len(packed) // 4}I", packed)
        return "".join(f"{word:08X}" for word in words)

    def inet(self, slot, local, peer, state, uid, inode, tail):
        (at, port), (to, to_port) = local, peer
        return (f"{slot:4d}: {self.address(at)}:{port:04X} {self.address(to)}:{to_port:04X} {state:02X} {0:08X}:{0:08X} "
                f"{0:02X}:{0:08X} {0:08X} {uid:5d} {0:8d} {inode} {tail}{self.row_end}")

    def tcp(self, rows, wide=False):
        lines = [f"  sl  {'local_address':38}remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
                 if wide else "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"]
        for slot, (local, peer, state, uid, inode) in enumerate(rows):
            tail = f"3 {self.pointer(0xc12345)}" if state == TIME_WAIT else f"1 {self.pointer(0xf7a1b480)} 3000 0 2 2 -1"
            lines.append(self.inet(slot, local, peer, state, uid, inode, tail))
        # Rows of IPv4 are padded to a fixed width.
        return lines if wide else [line.ljust(149) for line in lines]

    def udp(self, rows, pad=127):
        title = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
        lines = [title + (" ref pointer drops" if self.udp_drops else "")]
        for slot, (local, peer, state, uid, inode) in enumerate(rows):
            lines.append(self.inet(slot, local, peer, state, uid, inode, f"2 {self.pointer(0xf6b0c0d0)}" + (" 0" if self.udp_drops else "")))
        return [line.ljust(pad) for line in lines]

    def unix(self, rows):
        lines = [b"Num       RefCount Protocol Flags    Type St Inode Path"]
        for name, kind, flags, state, inode in rows:
            row = f"{self.pointer(0xf5000000 + inode)}: {2:08X} {0:08X} {flags:08X} {kind:04X} {state:02X} {inode:5d}".encode()
            lines.append(row + (b" " + name.replace(b"\0", self.nul.encode()) if name is not None else b""))
        return lines

    def packet(self, rows):
        lines = ["sk       RefCnt Type Proto  Iface R Rmem   User   Inode"]
        for kind, protocol, index, uid, inode in rows:
            lines.append(f"{self.pointer(0xf4000000)} {3:<6d} {kind:<4d} {protocol:04x}   {index:<5d} {1:1d} {0:<6d} {uid:<6d} {inode:<6d}")
        return lines

    def netlinks(self, rows):
        title = "sk       Eth Pid    Groups   Rmem     Wmem     Dump     Locks"
        lines = [title if self.netlink == "locks" else title + "     Drops     Inode"]
        for protocol, port, groups, inode in rows:
            # %d of a port above 2^31, and the pointer of a dump, in old kernels.
            number = struct.unpack("=i", struct.pack("=I", port))[0] if self.netlink != "now" else port
            dump = self.pointer(0) if self.netlink != "now" else "0"
            row = f"{self.pointer(0xf3000000)} {protocol:<3d} {number:<6d} {groups:08x} {0:<8d} {0:<8d} {dump} "
            lines.append(row + ("2" if self.netlink == "locks" else f"{2:<8d} {0:<8d} {inode:<8d}"))
        return lines

    def route(self, rows):
        lines = ["Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT".ljust(127)]
        for interface, to, gateway, mask in rows:
            lines.append(f"{interface}\t{self.address(to)}\t{self.address(gateway)}\t{1:04X}\t0\t0\t0\t{self.address(mask)}\t0\t0\t0".ljust(127))
        return lines


ERAS = [
    Era("2.6.18 i386", 32, udp_drops=False, netlink="locks", nul="\0"),
    Era("2.6.18 x86_64", 64, udp_drops=False, netlink="locks", nul="\0"),
    Era("2.6.18 ppc64", 64, "big", udp_drops=False, netlink="locks", nul="\0"),
    Era("2.6.32 x86_64", 64, netlink="old", nul="\0"),
    Era("2.6.32 mips", 32, "big", netlink="old", nul="\0"),
    Era("3.10 armv7", 32, netlink="old", nul="\0"),
    Era("3.10 s390x", 64, "big", netlink="old", nul="\0"),
    Era("4.19 x86_64"),
    Era("5.10 ppc", 32, "big"),
    Era("6.1 aarch64"),
    Era("of a vendor, with columns of its own", row_end=" 7 0 ffffffff 12 9"),
]

BIG_UID, BIG_INODE = 4294967290, 5000000000
SCENE = {
    "tcp": [(("127.0.0.1", 631), ("0.0.0.0", 0), LISTEN, 0, 4001), (("192.0.2.9", 22), ("198.51.100.7", 50123), ESTAB, BIG_UID, BIG_INODE),
            (("192.0.2.9", 22), ("198.51.100.8", 50124), TIME_WAIT, 0, 0)],
    "tcp6": [(("::", 80), ("::", 0), LISTEN, 0, 4003), (("::ffff:192.0.2.9", 80), ("::ffff:198.51.100.7", 40000), ESTAB, 33, 4004)],
    "udp": [(("192.0.2.9", 123), ("0.0.0.0", 0), CLOSE, 38, 4005)],
    "udp6": [(("fe80::1:2", 546), ("::", 0), CLOSE, 0, 4006)],
    "raw": [(("0.0.0.0", 1), ("0.0.0.0", 0), CLOSE, 0, 4007)],
    "unix": [(b"/run/with blank.sock", 1, 0x10000, 1, 4008), (b"@abstract\0with\0", 2, 0, 1, 4009), (None, 1, 0, 3, 4010)],
    "packet": [(3, 3, 2, 0, 4011)],
    "netlink": [(0, 4100000000, 0x11, 4012)],
    "route": [("eth0", "192.0.2.0", "0.0.0.0", "255.255.255.0"), ("eth0", "0.0.0.0", "192.0.2.1", "0.0.0.0")],
}


def tables_of(era):
    """The bytes of each file of /proc/net."""
    def text(lines):
        return b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)

    padded = 0 if era.row_end else 127
    return {"tcp": text(era.tcp(SCENE["tcp"])), "tcp6": text(era.tcp(SCENE["tcp6"], wide=True)),
            "udp": text(era.udp(SCENE["udp"])), "udp6": text(era.udp(SCENE["udp6"], pad=0)), "raw": text(era.udp(SCENE["raw"], pad=padded)),
            "unix": text(era.unix(SCENE["unix"])), "packet": text(era.packet(SCENE["packet"])), "netlink": text(era.netlinks(SCENE["netlink"])),
            "route": text(era.route(SCENE["route"])),
            "sockstat": b"sockets: used 9\nTCP: inuse 2 orphan 0 tw 1 alloc 3 mem 1\nUDP: inuse 1\nRAW: inuse 1\nFRAG: inuse 0 memory 0\n",
            "sockstat6": b"TCP6: inuse 2\nUDP6: inuse 1\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n"}


def write(root, files):
    """Files below `root`, by name; a value that begins with "->" is a link."""
    for name, value in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, str):
            assert value.startswith("-> ")
            os.symlink(value[3:], path)
        else:
            path.write_bytes(value)


def process(pid, name, inodes):
    """What is kept of /proc/PID."""
    files = {f"{pid}/stat": f"{pid} ({name}) S 1 {pid} {pid} 0 -1 4202752 0 0 0 0 0 0 0 0 20 0 1 0 {pid * 100} 0 0".encode() + b" 0" * 20 + b"\n",
             f"{pid}/cmdline": f"/usr/sbin/{name}\0-d\0".encode(), f"{pid}/exe": f"-> /usr/sbin/{name}"}
    files.update({f"{pid}/fd/{fd}": f"-> socket:[{inode}]" for fd, inode in enumerate(inodes, 3)})
    return files
