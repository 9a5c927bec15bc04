"""The plan of bench-floor: what a capture read, by the members of its archive.

What a capture reads beyond that (the names of the kernel's functions, the look for namespaces, the second look at fd tables, the
collector's own files) is not in it and so counts against the capture.
"""

import json
import struct
import subprocess
import tarfile
import urllib.parse

PCAP_HEADER, RECORD_HEADER, COOKED = 24, 16, 16
TO_US, TO_KERNEL = 0, 4
# Members that are no file of the host's.
OWN = {"README.txt", "capture.json", "end.json", "manifest-sha256.txt", "cgroup2-ids"}
OWN_FOLDERS = {"journal", "sockprotonames"}


def members(archive):
    """(name, bytes) of each member, as zstd and tar see them."""
    unpacked = subprocess.Popen(["zstd", "-qdc", archive], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=unpacked.stdout, mode="r|") as tar:
        for member in tar:
            yield member.name, tar.extractfile(member).read()
    if unpacked.wait() != 0:
        raise RuntimeError(f"zstd can't unpack {archive}")


def smear_msec(journal):
    """From the first socket dump to the last fd read, by the parts of the journal."""
    first, last = None, 0
    for part in journal:
        for line in part.splitlines():
            entry = json.loads(line)
            if entry.get("source", "").endswith("_diag"):
                first = min(first or entry["begin_nsec"], entry["begin_nsec"])
            elif entry.get("source") == "proc_pid_fd":
                last = max(last, entry["end_nsec"])
    return (last - first) / 1e6


def datagrams(data):
    """(direction, netlink protocol, bytes) of each in a dump's member."""
    at = PCAP_HEADER
    while at + RECORD_HEADER <= len(data):
        included = struct.unpack_from("=I", data, at + 8)[0]
        record = data[at + RECORD_HEADER:at + RECORD_HEADER + included]
        yield record[1], record[15], record[COOKED:]
        at += RECORD_HEADER + included


def links(data):
    """The records of a member `fds` or `links`: (name, mode, target)."""
    for record in data.split(b"\0")[:-1]:
        name, mode, target = record.split(b" ", 2)
        yield name.decode(), mode.decode(), target.decode(errors="replace")


class Plan:
    """Lines for bench-floor, and what it must then have read. Of the archive also: the journal, the largest TCP dump."""

    def __init__(self, archive):
        self.lines, self.processes, self.other_namespaces = [], {}, {}
        self.netlink_bytes = self.file_bytes = self.links = self.members = self.raw_bytes = 0
        self.journal, self.tcp_dump = [], b""
        waiting, self.pid_of_netns, own = [], {}, None
        for name, data in members(archive):
            self.members += 1
            self.raw_bytes += len(data)
            parts = [urllib.parse.unquote(part) for part in name.split("/")]
            if name == "capture.json":
                own = json.loads(data)["collector"]["namespaces"]["net"]
            elif parts[0] == "journal":
                self.journal.append(data)
            elif parts[0] == "netns":
                waiting.append(self.of_netns(parts, data))  # until it is known which process leads there
            elif parts[0] not in OWN_FOLDERS and name not in OWN:
                self.add_of_host(parts[1:] if parts[0] == "after" else parts, data)
        self.pid_of_netns[own] = "0"
        for netns, sources in waiting:
            for kind, rest in sources:
                self.add_source(self.pid_of_netns[netns], kind, rest)
        self.lines += [f"process {pid} {' '.join(files)}" for pid, files in self.processes.items()]
        self.lines += [" ; ".join(sources) for sources in self.other_namespaces.values()]

    def add_source(self, pid, kind, rest):
        """A task of its own; in a namespace that must be entered they are one."""
        (self.lines if pid == "0" else self.other_namespaces.setdefault(pid, [])).append(f"{kind} {pid} {rest}")

    def of_netns(self, parts, data):
        """(namespace, [(kind of source, its words)])."""
        netns, names = int(parts[1]), parts[2:]
        if names[0] == "proc":
            self.file_bytes += len(data)
            return netns, [("file", "/".join(["thread-self"] + names[1:] if names[1] == "net" else names[1:]))]
        if names[-1] == "inet_diag-tcp.pcap" and len(data) > len(self.tcp_dump):
            self.tcp_dump = data
        sources = []
        for direction, protocol, datagram in datagrams(data):
            if direction == TO_KERNEL:
                sources.append(("dump", f"{protocol} {datagram.hex()}"))
            elif direction == TO_US:
                self.netlink_bytes += len(datagram)
        return netns, sources

    def add_of_host(self, parts, data):
        if parts[0] == "proc" and parts[1].isdigit():
            return self.add_of_process(parts[1], parts[2:], data)
        self.file_bytes += len(data)
        self.add_source("0", "file", "/".join(parts[1:]) if parts[0] == "proc" else "/" + "/".join(parts))

    def add_of_process(self, pid, names, data):
        if names[0].startswith("pass"):  # read in the second look, which is the capture's own
            return
        self.processes.setdefault(pid, []).append("/".join(names))
        if names[-1] not in ("fds", "links"):
            self.file_bytes += len(data)
            return
        for name, mode, target in links(data):
            self.links += not mode.startswith("!")
            if name == "ns/net" and target and names == ["links"]:
                self.pid_of_netns.setdefault(int(target[5:-1]), pid)
