"""Known sockets in a known state, and the exact list of what an observer must see of them.

`make_scene(test)` makes them in the network namespace of the test. Nothing in it moves on its own."""

import dataclasses
import os
import socket

from support import sandbox

ICMP, OSPF, ICMP6 = 1, 89, 58


@dataclasses.dataclass
class Expected:
    """One socket, in the words of DESIGN: `local` and `peer` are (address, port) for IP, for UNIX a name as in JSON
    ({"path": ...}, {"abstract": ...} or {}); a field of None is not known beforehand."""

    label: str
    family: str
    protocol: str
    state: str
    local: object
    peer: object
    inode: int = None  # None: it has none
    owners: dict = dataclasses.field(default_factory=dict)  # {pid: [fds]}
    recv_queue: int = None
    send_queue: int = None
    uid: int = 0
    interface: str = None
    peer_inode: int = None  # UNIX
    raw_protocol: int = None
    ownerless: str = None  # the code of the reason why it has no owner
    listener: object = None  # label of the listener in whose queue it waits


class Scene:
    def __init__(self, test):
        self.test = test
        self.expected = []
        self.holders = {}  # inode -> {pid: [fds]}
        self.sockets = []

    def keep(self, sock):
        """Holds a socket until the test ends: this process is its owner."""
        self.sockets.append(sock)
        self.hold(sock, os.getpid(), sock.fileno())
        return sock

    def hold(self, sock, pid, fd):
        fds = self.holders.setdefault(os.fstat(sock.fileno()).st_ino, {}).setdefault(pid, [])
        fds.append(fd)
        fds.sort()

    def let_go(self, sock):
        """This process closes its copy."""
        del self.holders[os.fstat(sock.fileno()).st_ino][os.getpid()]
        self.sockets.remove(sock)
        sock.close()

    def expect(self, label, sock, family, protocol, state, local, peer, **more):
        self.expected.append(Expected(label, family, protocol, state, local, peer,
                                      inode=os.fstat(sock.fileno()).st_ino, **more))

    def expect_without_inode(self, label, family, protocol, state, local, peer, **more):
        self.expected.append(Expected(label, family, protocol, state, local, peer, uid=None, **more))

    def finish(self):
        for expected in self.expected:
            if expected.inode is not None:
                expected.owners = self.holders[expected.inode]
        self.test.addCleanup(lambda: [sock.close() for sock in self.sockets])
        return self


def tcp(family=socket.AF_INET, reuse_port=False):
    sock = socket.socket(family, socket.SOCK_STREAM)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return sock


def listener(address, port, backlog, family=socket.AF_INET, reuse_port=False):
    sock = tcp(family, reuse_port)
    if family == socket.AF_INET6 and address != "::":
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def name(sock):
    return sock.getsockname()[:2]


def has_tcp_state(number, port):
    """Whether /proc/net/tcp or tcp6 has a socket in that state at that local port."""
    for table in ("tcp", "tcp6"):
        with open(f"/proc/self/net/{table}", encoding="ascii") as file:
            for row in file.readlines()[1:]:
                fields = row.split()
                if int(fields[3], 16) == number and int(fields[1].rpartition(":")[2], 16) == port:
                    return True
    return False


def make_tcp(scene):
    keep, expect = scene.keep, scene.expect
    nobody4, nobody6 = ("0.0.0.0", 0), ("::", 0)

    # Listeners: any and one address, v4 and v6, one of them full of what is still to come.
    any4 = keep(listener("0.0.0.0", 1001, 7))
    expect("listener any v4", any4, "inet", "tcp", "LISTEN", ("0.0.0.0", 1001), nobody4, recv_queue=0, send_queue=7)
    one4 = keep(listener("127.0.0.1", 1002, 8))
    expect("listener v4", one4, "inet", "tcp", "LISTEN", ("127.0.0.1", 1002), nobody4, recv_queue=0, send_queue=8)
    dual = keep(listener("::", 1003, 9, socket.AF_INET6))
    expect("listener dual", dual, "inet6", "tcp", "LISTEN", ("::", 1003), nobody6, recv_queue=0, send_queue=9)
    one6 = keep(listener("::1", 1004, 10, socket.AF_INET6))
    expect("listener v6", one6, "inet6", "tcp", "LISTEN", ("::1", 1004), nobody6, recv_queue=0, send_queue=10)

    # Established, both ends; v4, v6, and v4 to a v6 listener, whose end is v4-mapped.
    for label, server, family, address, far_family, prefix in (
            ("v4", one4, socket.AF_INET, "127.0.0.1", "inet", ""),
            ("v6", one6, socket.AF_INET6, "::1", "inet6", ""),
            ("mapped", dual, socket.AF_INET, "127.0.0.1", "inet6", "::ffff:")):
        near = keep(tcp(family))
        near.connect((address, server.getsockname()[1]))
        far = keep(server.accept()[0])
        port = near.getsockname()[1]
        expect(f"established {label}, client", near, "inet6" if family == socket.AF_INET6 else "inet", "tcp", "ESTAB",
               (address, port), (address, server.getsockname()[1]), recv_queue=0, send_queue=0)
        unread = 5 if label == "v4" else 0
        near.sendall(b"x" * unread)
        if unread:  # it has arrived when it can be peeked at
            assert far.recv(unread, socket.MSG_PEEK | socket.MSG_WAITALL) == b"x" * unread
        expect(f"established {label}, server", far, far_family, "tcp", "ESTAB",
               (prefix + address, server.getsockname()[1]), (prefix + address, port), recv_queue=unread, send_queue=0)

    # Half closed: FIN-WAIT-2 here, CLOSE-WAIT there, both still held.
    near = keep(tcp())
    near.connect(name(one4))
    far = keep(one4.accept()[0])
    near.shutdown(socket.SHUT_WR)
    sandbox.wait_until(lambda: has_tcp_state(5, near.getsockname()[1]), "FIN-WAIT-2")
    expect("half closed, client", near, "inet", "tcp", "FIN-WAIT-2", name(near), name(one4))
    expect("half closed, server", far, "inet", "tcp", "CLOSE-WAIT", name(one4), name(near), recv_queue=1)

    # TIME-WAIT: who closes first keeps the pair. No inode, no owner, no queues.
    for label, server, family, expected_family in (("v4", one4, socket.AF_INET, "inet"),
                                                    ("v6", one6, socket.AF_INET6, "inet6")):
        near = tcp(family)
        near.connect(name(server))
        far, _ = server.accept()
        local, peer = name(near), name(server)
        near.close()
        assert far.recv(1) == b""
        far.close()
        sandbox.wait_until(lambda: has_tcp_state(6, local[1]), "TIME-WAIT")
        scene.expect_without_inode(f"time-wait {label}", expected_family, "tcp", "TIME-WAIT", local, peer,
                                   ownerless="time-wait")

    # In the accept queue: established, and nobody's yet. Its listener counts one.
    waiting = keep(listener("127.0.0.1", 1005, 11))
    client = keep(tcp())
    client.connect(name(waiting))
    sandbox.wait_until(lambda: has_tcp_state(1, 1005), "the connection to be accepted")
    expect("listener with a queue", waiting, "inet", "tcp", "LISTEN", name(waiting), nobody4, recv_queue=1, send_queue=11)
    expect("not accepted, client", client, "inet", "tcp", "ESTAB", name(client), name(waiting))
    scene.expect_without_inode("not accepted, server", "inet", "tcp", "ESTAB", name(waiting), name(client), recv_queue=0,
                               send_queue=0, listener="listener with a queue")

    # Two sockets at one address, told apart by nothing but the inode.
    for label in ("first", "second"):
        twin = keep(listener("127.0.0.1", 1006, 12, reuse_port=True))
        expect(f"reuse-port {label}", twin, "inet", "tcp", "LISTEN", ("127.0.0.1", 1006), nobody4, recv_queue=0, send_queue=12)

    # Bound, and neither listening nor connected: in inet_diag since Linux 6.8, in no table of /proc/net.
    for label, address, family, peer in (("v4", "127.0.0.1", socket.AF_INET, nobody4), ("v6", "::1", socket.AF_INET6, nobody6)):
        bound = keep(tcp(family))
        bound.bind((address, 1007))
        if sees_bound_inactive():
            expect(f"bound {label}", bound, "inet" if family == socket.AF_INET else "inet6", "tcp", "BOUND-INACTIVE",
                   (address, 1007), peer)


def sees_bound_inactive():
    """Linux 6.8 and later list them (net/ipv4/inet_diag.c, TCPF_BOUND_INACTIVE)."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)))) >= (6, 8)


def make_udp(scene):
    for label, family, any_address, address, expected_family in (
            ("v4", socket.AF_INET, "0.0.0.0", "127.0.0.1", "inet"), ("v6", socket.AF_INET6, "::", "::1", "inet6")):
        nobody = (any_address, 0)
        bound = scene.keep(socket.socket(family, socket.SOCK_DGRAM))
        bound.bind((any_address, 2001 if family == socket.AF_INET else 2002))
        scene.expect(f"udp any {label}", bound, expected_family, "udp", "UNCONN", name(bound), nobody, recv_queue=0, send_queue=0)
        one = scene.keep(socket.socket(family, socket.SOCK_DGRAM))
        one.bind((address, 2003))
        scene.expect(f"udp {label}", one, expected_family, "udp", "UNCONN", (address, 2003), nobody)
        connected = scene.keep(socket.socket(family, socket.SOCK_DGRAM))
        connected.connect((address, 2003))
        scene.expect(f"udp connected {label}", connected, expected_family, "udp", "ESTAB", name(connected), (address, 2003))
        connected.send(b"unread")
        assert one.recv(6, socket.MSG_PEEK) == b"unread"
        for twin_label in ("first", "second"):
            twin = scene.keep(socket.socket(family, socket.SOCK_DGRAM))
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            twin.bind((address, 2004))
            scene.expect(f"udp reuse-port {twin_label} {label}", twin, expected_family, "udp", "UNCONN", (address, 2004), nobody)

    device = scene.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    device.bind(("127.0.0.1", 2005))
    scene.expect("udp on lo", device, "inet", "udp", "UNCONN", ("127.0.0.1", 2005), ("0.0.0.0", 0), interface="lo")


def make_raw(scene):
    for label, family, protocol, bind, connect, state, local, peer in (
            ("v4", socket.AF_INET, ICMP, None, None, "UNCONN", "0.0.0.0", "0.0.0.0"),
            ("v4 connected", socket.AF_INET, OSPF, None, "127.0.0.1", "ESTAB", "127.0.0.1", "127.0.0.1"),
            ("v6", socket.AF_INET6, ICMP6, "::1", None, "UNCONN", "::1", "::")):
        sock = scene.keep(socket.socket(family, socket.SOCK_RAW, protocol))
        if bind:
            sock.bind((bind, 0))
        if connect:
            sock.connect((connect, 0))
        scene.expect(f"raw {label}", sock, "inet" if family == socket.AF_INET else "inet6", "raw", state, (local, 0),
                     (peer, 0), raw_protocol=protocol)


def make_unix(scene):
    keep, expect = scene.keep, scene.expect
    folder = scene.test.folder

    def unix(kind=socket.SOCK_STREAM):
        return keep(socket.socket(socket.AF_UNIX, kind))

    def inode(sock):
        return os.fstat(sock.fileno()).st_ino

    # A listener at a path and one at an abstract name, each with an accepted connection: it has the listener's name.
    for label, address, json_name in (("path", f"{folder}/stream", {"path": f"{folder}/stream"}),
                                      ("abstract", "\0ssnap-stream", {"abstract": "ssnap-stream"})):
        server = unix()
        server.bind(address)
        server.listen(13)
        client = unix()
        client.connect(address)
        accepted = keep(server.accept()[0])
        client.sendall(b"unread")
        expect(f"unix listener, {label}", server, "unix", "stream", "LISTEN", json_name, {}, recv_queue=0, send_queue=13)
        expect(f"unix client, {label}", client, "unix", "stream", "ESTAB", {}, None, peer_inode=inode(accepted))
        expect(f"unix accepted, {label}", accepted, "unix", "stream", "ESTAB", json_name, None, peer_inode=inode(client),
               recv_queue=6)

    for kind, label in ((socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "dgram"), (socket.SOCK_SEQPACKET, "seqpacket")):
        left, right = (keep(sock) for sock in socket.socketpair(socket.AF_UNIX, kind))
        for side, other, which in ((left, right, "left"), (right, left, "right")):
            expect(f"socketpair {label}, {which}", side, "unix", label, "ESTAB", {}, None, peer_inode=inode(other))

    bound = unix(socket.SOCK_DGRAM)
    bound.bind(f"{folder}/dgram")
    expect("unix dgram", bound, "unix", "dgram", "UNCONN", {"path": f"{folder}/dgram"}, {})
    unbound = unix(socket.SOCK_DGRAM)
    expect("unix dgram without a name", unbound, "unix", "dgram", "UNCONN", {}, {})

    packets = unix(socket.SOCK_SEQPACKET)
    packets.bind(f"{folder}/packets")
    packets.listen(14)
    expect("unix seqpacket listener", packets, "unix", "seqpacket", "LISTEN", {"path": f"{folder}/packets"}, {},
           recv_queue=0, send_queue=14)

    # Connected and not accepted: the server's end has no inode; unix_diag leaves it out, /proc/net/unix shows it.
    waiting = unix()
    waiting.bind(f"{folder}/waiting")
    waiting.listen(15)
    client = unix()
    client.connect(f"{folder}/waiting")
    expect("unix listener with a queue", waiting, "unix", "stream", "LISTEN", {"path": f"{folder}/waiting"}, {},
           recv_queue=1, send_queue=15)
    expect("unix not accepted, client", client, "unix", "stream", "ESTAB", {}, None)
    scene.expect_without_inode("unix not accepted, server", "unix", "stream", None, {"path": f"{folder}/waiting"}, None,
                               listener="unix listener with a queue")


def make_shared(scene):
    """One socket each that is shared over dup, fork and exec, all at once, and one that only a child still holds."""
    def share(sock, child, fds):
        for fd in fds:
            scene.hold(sock, child.pid, fd)

    test = scene.test
    rows = [
        ("tcp", listener("127.0.0.1", 3001, 16), "inet", "tcp", "LISTEN", ("127.0.0.1", 3001), ("0.0.0.0", 0), {}),
        ("tcp v6", listener("::1", 3002, 16, socket.AF_INET6), "inet6", "tcp", "LISTEN", ("::1", 3002), ("::", 0), {}),
        ("udp", socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "inet", "udp", "UNCONN", ("127.0.0.1", 3003),
         ("0.0.0.0", 0), {}),
        ("raw", socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP), "inet", "raw", "UNCONN", ("127.0.0.1", 0),
         ("0.0.0.0", 0), {"raw_protocol": ICMP}),
        ("unix", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), "unix", "dgram", "UNCONN", {"abstract": "shared"}, {}, {}),
    ]
    for label, sock, family, protocol, state, local, peer, more in rows:
        if label in ("udp", "raw"):
            sock.bind(local)
        elif label == "unix":
            sock.bind("\0" + local["abstract"])
        scene.keep(sock)
        second = os.dup(sock.fileno())
        test.addCleanup(os.close, second)
        scene.hold(sock, os.getpid(), second)
        forked = test.child(sandbox.fork_holder([sock.fileno(), second]))
        share(sock, forked, [sock.fileno(), second])
        executed = test.child(sandbox.exec_holder([second]))
        share(sock, executed, [second])
        scene.expect(f"shared {label}", sock, family, protocol, state, local, peer, **more)

    handed_over = scene.keep(listener("127.0.0.1", 3004, 17))
    scene.expect("handed over", handed_over, "inet", "tcp", "LISTEN", ("127.0.0.1", 3004), ("0.0.0.0", 0))
    share(handed_over, test.child(sandbox.exec_holder([handed_over.fileno()])), [handed_over.fileno()])
    scene.let_go(handed_over)


def make_scene(test):
    """All of it. The list is exact: there is no other IP or UNIX socket in the namespace."""
    scene = Scene(test)
    make_tcp(scene)
    make_udp(scene)
    make_raw(scene)
    make_unix(scene)
    make_shared(scene)
    return scene.finish()
