"""At rest ssnap, ss and /proc/net tell the same, row by row.

Apart from BOUND-INACTIVE sockets, which neither ss 6.1 nor /proc/net has, and the server's end of a UNIX connection
that is not accepted yet, which unix_diag and so ss leave out; both are in the scene, and in test_sockets.py."""

import collections
import re
import socket
import subprocess

from support import sandbox
from support.scene import make_scene
from support.ssnap import analyze_json, capture, sockets_of

PROTOCOLS = ("tcp", "udp", "raw", "stream", "dgram", "seqpacket")
UNIX_NETIDS = {"u_str": "stream", "u_dgr": "dgram", "u_seq": "seqpacket"}
OWNER = re.compile(r'\("([^"]*)",pid=(\d+),fd=(\d+)\)')

Row = collections.namedtuple("Row", "protocol state recv_queue send_queue local peer owners inode uid cookie")


def ss():
    run = subprocess.run(["ss", "-tuwxanpe", "-H", "-O"], capture_output=True, text=True, check=True)
    # ss says so where /sys/fs/cgroup is not mounted (a chroot); of the rows it changes but the names of cgroups.
    complaints = [line for line in run.stderr.splitlines() if line != "Failed to find cgroup2 mount"]
    assert not complaints, complaints
    return run.stdout


def inet_end(text):
    """ss's ADDRESS%INTERFACE:PORT as (address, interface, port); of raw sockets the port is the IP protocol."""
    address, _, port = text.rpartition(":")
    address, _, interface = address.partition("%")
    address = address.strip("[]")
    return ("::" if address == "*" else address), interface or None, (0 if port == "*" else int(port))


def rows_of_ss(text):
    rows = []
    for line in text.splitlines():
        words = line.split()
        netid, state, recv_queue, send_queue = words[0], words[1], int(words[2]), int(words[3])
        owners = frozenset((comm, int(pid), int(fd)) for comm, pid, fd in OWNER.findall(line))
        extended = dict(re.findall(r"\b(uid|sk|ino):([0-9a-f]+)", line))
        if netid in UNIX_NETIDS:
            name, inode, _, peer = words[4:8]
            local = None if name == "*" else name
            # UNIX sockets have neither cookie nor uid in ss; after `ino:` stands the file's inode.
            rows.append(Row(UNIX_NETIDS[netid], state, recv_queue, send_queue, local, int(peer), owners, int(inode), None, None))
        else:
            # Where the kernel has no diag handler (raw), ss reads /proc/net and knows no cookie; it keeps the inode to itself.
            has_diag = "sk" in extended
            rows.append(Row(netid, state, recv_queue, send_queue, inet_end(words[4]), inet_end(words[5]), owners,
                            int(extended.get("ino", 0)) if has_diag else None, int(extended.get("uid", 0)),
                            int(extended["sk"], 16) if has_diag else None))
    return rows


def queues(sock):
    """The tools print 0 for TIME-WAIT, which has no queues."""
    if sock["state"] == "TIME-WAIT":
        return 0, 0
    return sock["recv_queue"], sock["send_queue"]


def name_as_ss(end):
    if end and "path" in end:
        return end["path"]
    return "@" + end["abstract"] if end and "abstract" in end else None


def row_as_ss(sock, with_raw_diag):
    """One of ssnap's sockets in the form of rows_of_ss."""
    owners = frozenset((owner["comm"], owner["pid"], fd) for owner in sock["owners"] if owner["certainty"] == "certain"
                       for fd in owner["fds"])
    protocol, inode = sock["protocol"], sock.get("inode", 0)
    if sock["family"] == "unix":
        return Row(protocol, sock["state"], *queues(sock), name_as_ss(sock.get("local")), (sock.get("peer") or {}).get("inode", 0),
                   owners, inode, None, None)

    local, peer = ((end["address"], end.get("interface"), end.get("port", 0)) for end in (sock["local"], sock["peer"]))
    if protocol == "raw":
        local = (*local[:2], sock["details"]["raw_protocol"])
    has_diag = protocol != "raw" or with_raw_diag
    return Row(protocol, sock["state"], *queues(sock), local, peer, owners, inode if has_diag else None, sock.get("uid", 0),
               int(sock["cookie"]) if has_diag else None)


def rows_of_proc():
    """The rows of /proc/net as (table, state, queues, local, peer, uid, inode), read anew and without ssnap."""
    rows = []
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        with open(f"/proc/self/net/{table}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                send_queue, recv_queue = (int(queue, 16) for queue in fields[4].split(":"))
                rows.append((table.rstrip("6"), int(fields[3], 16), recv_queue, send_queue, proc_end(fields[1]),
                             proc_end(fields[2]), int(fields[7]), int(fields[9])))
    with open("/proc/self/net/unix", encoding="utf-8") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            kind = {1: "stream", 2: "dgram", 5: "seqpacket"}[int(fields[4], 16)]
            listening = int(fields[3], 16) & 0x10000
            state = "LISTEN" if listening else {1: "UNCONN", 2: None, 3: "ESTAB"}[int(fields[5], 16)]
            rows.append((kind, state, fields[7] if len(fields) > 7 else None, int(fields[6])))
    return rows


def proc_end(text):
    address, port = text.split(":")
    raw = b"".join(int(address[at:at + 8], 16).to_bytes(4, "little") for at in range(0, len(address), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)


# TCP_* of include/net/tcp_states.h.
STATES = {"ESTAB": 1, "SYN-SENT": 2, "SYN-RECV": 3, "FIN-WAIT-1": 4, "FIN-WAIT-2": 5, "TIME-WAIT": 6, "UNCONN": 7,
          "CLOSE-WAIT": 8, "LAST-ACK": 9, "LISTEN": 10, "CLOSING": 11}


def row_as_proc(sock):
    if sock["family"] == "unix":
        inode = sock.get("inode", 0)
        return sock["protocol"], sock["state"] if inode else None, name_as_ss(sock.get("local")), inode
    port = sock["details"]["raw_protocol"] if sock["protocol"] == "raw" else sock["local"]["port"]
    recv_queue, send_queue = queues(sock)
    if sock["state"] == "LISTEN":
        send_queue = 0  # its limit is in netlink only
    return (sock["protocol"], STATES[sock["state"]], recv_queue, send_queue, (sock["local"]["address"], port),
            (sock["peer"]["address"], sock["peer"].get("port", 0)), sock.get("uid", 0), sock.get("inode", 0))


class AgainstSsTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        # Both ends of a connected datagram socket: their states differ from kernel to kernel, but not between tools.
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(bound.close)
        bound.bind(self.path("connected-dgram"))
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(client.close)
        client.connect(self.path("connected-dgram"))
        client.send(b"unread")

        before = rows_of_ss(ss()), rows_of_proc()
        capture(self, self.path("a.tar.zst"))
        self.assertEqual(before, (rows_of_ss(ss()), rows_of_proc()), "the namespace is not at rest")
        self.ss_rows, self.proc_rows = before
        snapshot = analyze_json(self, self.path("a.tar.zst"), "-tuwxanp")
        self.sockets = [sock for sock in sockets_of(snapshot, self.netns) if sock["state"] != "BOUND-INACTIVE"]
        self.assertEqual({sock["protocol"] for sock in self.sockets}, set(PROTOCOLS))

    def assert_same_rows(self, ours, theirs):
        ours, theirs = collections.Counter(ours), collections.Counter(theirs)
        only_ours = "\n".join(map(str, (ours - theirs).elements()))
        only_theirs = "\n".join(map(str, (theirs - ours).elements()))
        self.assertEqual((only_ours, only_theirs), ("", ""), f"only ssnap:\n{only_ours}\nonly the other:\n{only_theirs}")

    def test_ss(self):
        with_raw_diag = any(row.protocol == "raw" and row.cookie is not None for row in self.ss_rows)
        seen_by_ss = [sock for sock in self.sockets if sock["family"] != "unix" or sock.get("inode")]
        self.assertEqual(len(self.sockets) - len(seen_by_ss), 1, "one UNIX connection is not accepted")
        self.assert_same_rows([row_as_ss(sock, with_raw_diag) for sock in seen_by_ss], self.ss_rows)

    def test_proc(self):
        self.assert_same_rows([row_as_proc(sock) for sock in self.sockets], self.proc_rows)

    def test_switches(self):
        """Tables, families and states are chosen as ss chooses them."""
        for switches in ("-tan", "-uan", "-wan", "-xan", "-t4an", "-u6an", "-ltn", "-lun", "-lxn", "-ltuwxn"):
            with self.subTest(switches):
                run = subprocess.run(["ss", "-e", "-H", "-O", switches], capture_output=True, text=True, check=True)
                # With one table ss leaves the Netid column out.
                count = len(run.stdout.splitlines())
                snapshot = analyze_json(self, self.path("a.tar.zst"), switches)
                rows = [sock for sock in sockets_of(snapshot, self.netns)
                        if sock["state"] != "BOUND-INACTIVE" and (sock["family"] != "unix" or sock.get("inode"))]
                self.assertEqual(len(rows), count)
                self.assertGreater(count, 0)


if __name__ == "__main__":
    sandbox.need("ss")
    sandbox.main(own_processes=True)
