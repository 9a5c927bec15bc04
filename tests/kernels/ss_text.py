"""What ss prints for a table (`ss -H -O -n -a -e -p` and the table's switch), and the same of ssnap's rows: tuples that are equal
where the two mean the same socket in the same state with the same owners."""

import collections
import re

# The tables that ss is asked for, and its switches.
SWITCHES = {"tcp": "-t", "udp": "-u", "raw": "-w", "unix": "-x", "packet": "-0", "netlink": "--family=netlink", "mptcp": "-M", "sctp": "-S",
            "dccp": "-d", "vsock": "--vsock", "xdp": "--xdp", "tipc": "--tipc"}
IP_TABLES = ("tcp", "udp", "raw", "mptcp", "sctp", "dccp")
# Those that ss has from /proc/net where nothing answers sock_diag.
IN_PROC_NET = ("tcp", "udp", "raw", "unix", "packet", "netlink")

OWNER = re.compile(r'\("([^"]*)",pid=(\d+),fd=(\d+)\)')
WORDS = re.compile(r"\b(uid|ino|sk):([0-9a-f]+)")
UNIX_TYPES = {"u_str": "stream", "u_dgr": "dgram", "u_seq": "seqpacket"}
VSOCK_TYPES = {"v_str": "vsock stream", "v_dgr": "vsock dgram", "v_seq": "vsock seqpacket"}
PACKET_TYPES = {"p_raw": "raw", "p_dgr": "dgram"}
SOCK_DIAG = 4
COLLECTORS_OWN = "the collector's own, which asked for the tables"  # by sock_diag, and by rtnetlink while /proc/net is read

Row = collections.namedtuple("Row", "table state queues local peer owners inode")


def owners_in(line):
    return frozenset((comm, int(pid), int(fd)) for comm, pid, fd in OWNER.findall(line))


def ip_end(text):
    """ADDRESS%INTERFACE:PORT; of raw sockets the port is the IP protocol."""
    address, _, port = text.rpartition(":")
    address = address.partition("%")[0].strip("[]")
    return "::" if address == "*" else address, 0 if port == "*" else int(port)


def rows_of_ip(table, text):
    found = []
    for line in text.splitlines():
        # An association of SCTP stands below its socket, and has queues of its own; of a socket with a peer it is the one.
        is_association = line.startswith("`- ")
        state, receive, send, local, peer = line.removeprefix("`- ").split()[:5]
        row = Row(table, state, (int(receive), int(send)), ip_end(local), ip_end(peer), owners_in(line), inode_in(line))
        if is_association and found[-1][3:] == row[3:]:
            found.pop()
        found.append(row)
    return found


def inode_in(line):
    return int(dict(WORDS.findall(line)).get("ino", 0))


def vsock_end(text):
    cid, port = (None if word == "*" else int(word) for word in text.split(":"))
    return cid, port


def rows_of_vsock(table, text):
    """ss prints neither inode nor queues of them."""
    for line in text.splitlines():
        kind, state, _, _, local, peer = line.split()[:6]
        yield Row(VSOCK_TYPES[kind], state, None, vsock_end(local), vsock_end(peer), owners_in(line), None)


def rows_of_tipc(table, text):
    for line in text.splitlines():
        state, receive, send, local, peer = line.split()[:5]
        yield Row(table, state, (int(receive), int(send)), local, None if peer == "-" else peer, owners_in(line), inode_in(line))


def rows_of_xdp(table, text):
    for line in text.splitlines():
        state, _, _, local = line.split()[:4]
        yield Row(table, state, None, local, None, owners_in(line), inode_in(line))


def rows_of_unix(table, text):
    for line in text.splitlines():
        kind, state, receive, send, name, inode, _, peer = line.split()[:8]
        yield Row(UNIX_TYPES[kind], state, (int(receive), int(send)), None if name == "*" else name, int(peer), owners_in(line), int(inode))


def rows_of_packet(table, text):
    for line in text.splitlines():
        kind, state, receive, _, local = line.split()[:5]
        protocol, _, interface = local.rpartition(":")
        protocol = 0x0003 if protocol == "*" else int(protocol.strip("[]"))
        yield Row(PACKET_TYPES[kind], state, (int(receive), None), (protocol, None if interface == "*" else interface), None,
                  owners_in(line), inode_in(line))


def rows_of_netlink(table, text):
    """Sockets in multicast groups come twice. The queues move with the events of the machine."""
    found = set()
    for line in text.splitlines():
        state, _, _, local = line.split()[:4]
        protocol, _, port = local.partition(":")
        if int(protocol) != SOCK_DIAG or int(port) == 0:  # the others are ss itself
            found.add(Row(table, state, None, (int(protocol), int(port)), None, None, None))
    return found


READERS = {**{table: rows_of_ip for table in IP_TABLES}, "unix": rows_of_unix, "packet": rows_of_packet, "netlink": rows_of_netlink,
           "vsock": rows_of_vsock, "tipc": rows_of_tipc, "xdp": rows_of_xdp}


def rows(table, text):
    return list(READERS[table](table, text))


# ssnap's.

def table_of(sock):
    return sock["family"] if sock["family"] not in ("inet", "inet6") else sock["protocol"]


def is_known_by_fd_only(sock):
    return all(source["view"] == "sockprotoname" for source in sock["sources"])


def is_shown(sock):
    """What ss 6.1 never shows: sockets that are only bound, UNIX connections in an accept queue, sockets of which only an fd
    is known; and the sockets of who asks."""
    if sock["state"] == "BOUND-INACTIVE" or (sock["family"] == "unix" and not sock.get("inode")) or is_known_by_fd_only(sock):
        return False
    if sock["family"] != "netlink" or sock["local"].get("port_id", 0) == 0:
        return True
    return sock["protocol_number"] != SOCK_DIAG and sock.get("ownerless_reason", {}).get("detail") != COLLECTORS_OWN


def ss_owners(sock):
    """ss looks at the fd tables of processes only."""
    return frozenset((owner["comm"], owner["pid"], fd) for owner in sock["owners"] if owner["via"] == "fd" for fd in owner["fds"])


def queues_of(sock):
    """The tools print 0 where there are none."""
    return sock.get("recv_queue", 0), sock.get("send_queue", 0)


def name_of(end):
    if end and "path" in end:
        return end["path"]
    return "@" + end["abstract"] if end and "abstract" in end else None


def vsock_of(end):
    return None if end.get("any_cid") else end["cid"], None if end.get("any_port") else end["port"]


def tipc_of(end):
    return f"{end['node']}:{end['port']}" if end else None


def row_of(sock):
    table = table_of(sock)
    if table == "unix":
        return Row(sock["protocol"], sock["state"], queues_of(sock), name_of(sock["local"]), (sock.get("peer") or {}).get("inode", 0),
                   ss_owners(sock), sock["inode"])
    if table == "packet":
        return Row(sock["protocol"], sock["state"], (sock.get("recv_queue", 0), None),
                   (sock["details"]["packet"]["ethertype"], sock["local"].get("interface")), None, ss_owners(sock), sock["inode"])
    if table == "netlink":
        return Row(table, sock["state"], None, (sock["protocol_number"], sock["local"].get("port_id", 0)), None, None, None)
    if table == "vsock":
        return Row(f"vsock {sock['protocol']}", sock["state"], None, vsock_of(sock["local"]), vsock_of(sock["peer"]), ss_owners(sock), None)
    if table == "tipc":
        return Row(table, sock["state"], queues_of(sock), tipc_of(sock["local"]), tipc_of(sock["peer"]), ss_owners(sock), sock["inode"])
    if table == "xdp":
        return Row(table, sock["state"], None, f"{sock['local'].get('interface')}:q{sock['details']['xdp'].get('queue_id')}", None, ss_owners(sock), sock["inode"])
    local, peer = ((end["address"], end.get("port", 0)) for end in (sock["local"], sock["peer"]))
    if table == "raw":
        local = local[0], sock["details"]["raw_protocol"]
    return Row(table, sock["state"], queues_of(sock), local, peer, ss_owners(sock), sock.get("inode", 0))


def without_netlink(row):
    """What /proc/net doesn't tell: the limits of listeners, the queues and peers of UNIX sockets."""
    if row.table in ("stream", "dgram", "seqpacket"):
        return row._replace(queues=None, peer=None)
    return row._replace(queues=None)


# Timers run on between two questions, and columns are as wide as their words.
TIMER = re.compile(r" timer:\([^)]*\)")


def words(text):
    return [TIMER.sub("", " ".join(line.split())) for line in text.splitlines()]
