"""The plan of bench-floor: what a capture read, by the members of its archive.

What a capture reads beyond that (the names of the kernel's functions, the look for namespaces, the second look at fd tables, the
collector's own files) is not in it and so counts against the capture.
"""

import json
import pathlib
import struct
import urllib.parse

PCAP_HEADER, RECORD_HEADER, COOKED = 24, 16, 16
TO_US, TO_KERNEL = 0, 4
# Members that are no file of the host's.
OWN = {"README.txt", "capture.json", "end.json", "manifest-sha256.txt", "cgroup2-ids"}
OWN_FOLDERS = {"journal", "sockprotonames"}


def datagrams(path):
    """(direction, netlink protocol, bytes) of each."""
    data = path.read_bytes()
    at = PCAP_HEADER
    while at + RECORD_HEADER <= len(data):
        included = struct.unpack_from("=I", data, at + 8)[0]
        record = data[at + RECORD_HEADER:at + RECORD_HEADER + included]
        yield record[1], record[15], record[COOKED:]
        at += RECORD_HEADER + included


def links(path):
    """The records of a member `fds` or `links`: (name, mode, target)."""
    for record in path.read_bytes().split(b"\0")[:-1]:
        name, mode, target = record.split(b" ", 2)
        yield name.decode(), mode.decode(), target.decode(errors="replace")


class Plan:
    """Lines for bench-floor, and what it must then have read."""

    def __init__(self, tree):
        self.tree = pathlib.Path(tree)
        self.lines, self.processes = [], {}
        self.netlink_bytes = self.file_bytes = self.links = 0
        self.own_netns = None
        self.pid_of_netns = self.find_namespaces()
        for path in sorted(self.tree.rglob("*")):
            if path.is_file():
                self.add(path, path.relative_to(self.tree).parts)
        self.lines += [f"process {pid} {' '.join(files)}" for pid, files in self.processes.items()]

    def find_namespaces(self):
        self.own_netns = json.loads((self.tree / "capture.json").read_text())["collector"]["namespaces"]["net"]
        found = {}
        for path in self.tree.glob("proc/[0-9]*/links"):
            for name, _, target in links(path):
                if name == "ns/net" and target:
                    found.setdefault(int(target[5:-1]), path.parent.name)
        found[self.own_netns] = "0"
        return found

    def add(self, path, parts):
        if parts[0] in OWN_FOLDERS or (len(parts) == 1 and parts[0] in OWN):
            return
        names = [urllib.parse.unquote(part) for part in parts]
        if names[0] == "after":
            names = names[1:]
        if names[0] == "netns":
            self.add_of_netns(path, int(names[1]), names[2:])
        elif names[0] == "proc" and names[1].isdigit():
            self.add_of_process(path, names[1], names[2:])
        elif names[0] == "proc":
            self.add_file(path, "0", "/".join(names[1:]))
        else:
            self.add_file(path, "0", "/" + "/".join(names))

    def add_file(self, path, pid, name):
        self.file_bytes += path.stat().st_size
        self.lines.append(f"file {pid} {name}")

    def add_of_netns(self, path, netns, names):
        pid = self.pid_of_netns[netns]
        if names[0] == "proc":
            self.add_file(path, pid, "/".join(["thread-self"] + names[1:] if names[1] == "net" else names[1:]))
            return
        for direction, protocol, data in datagrams(path):
            if direction == TO_KERNEL:
                self.lines.append(f"dump {pid} {protocol} {data.hex()}")
            elif direction == TO_US:
                self.netlink_bytes += len(data)

    def add_of_process(self, path, pid, names):
        if names[0].startswith("pass"):  # read in the second look, which is the capture's own
            return
        files = self.processes.setdefault(pid, [])
        files.append("/".join(names))
        if names[-1] in ("fds", "links"):
            self.links += sum(not mode.startswith("!") for _, mode, _ in links(path))
        else:
            self.file_bytes += path.stat().st_size
