"""Which kernels script/kernels boots: one row each, and what an architecture needs to boot at all."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Architecture:
    """How a machine of it is emulated, by its name in Debian."""

    name: str
    meta_package: str  # depends on the suite's current kernel
    qemu: tuple  # the emulator and its machine
    console: str  # the guest's device that the kernel writes its messages to
    outlet: str  # the guest's device whose bytes end up in a file of ours
    outlet_modules: tuple = ()


AMD64 = Architecture(
    name="amd64",
    meta_package="linux-image-amd64",
    # A processor of that name is the same whatever this machine has. No device but the two serial ports, which every
    # kernel has built in.
    qemu=("qemu-system-x86_64", "-accel", "tcg", "-cpu", "Nehalem"),
    console="ttyS0",
    outlet="/dev/ttyS1",
)


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One row: the kernel of a release of Debian."""

    name: str  # on the command line
    suite: str
    architecture: Architecture
    keeps_default: bool = False  # whether the capture without diag modules is a fixture as well


KERNELS = (
    Kernel("5.10", "bullseye", AMD64),
    Kernel("6.1", "bookworm", AMD64, keeps_default=True),
    Kernel("6.12", "trixie", AMD64),
    Kernel("newest", "sid", AMD64),
)

# What the scene needs, loaded before it starts: the families that are modules. What a kernel hasn't got is left out, and
# stands in the log; what they depend on comes along.
FAMILY_MODULES = ("tun", "af_packet", "sctp", "vsock", "vsock_loopback", "smc", "tipc", "dccp_ipv4", "dccp_ipv6")

# What answers sock_diag, by any of the names that it had. They are in the guest and not loaded: it is theirs to stay so.
DIAG_MODULES = ("inet_diag", "tcp_diag", "udp_diag", "raw_diag", "mptcp_diag", "sctp_diag", "dccp_diag", "unix_diag",
                "af_packet_diag", "netlink_diag", "vsock_diag", "xsk_diag", "smc_diag", "diag", "tipc_diag")

# Asked for by a name that no symbol tells: the algorithms of SCTP's checksums and cookies.
IMPLICIT_MODULES = ("crc32c_generic", "crc32c", "crc32c_intel", "nf_conntrack_netlink", "libcrc32c", "hmac", "sha1_generic", "sha256_generic")
