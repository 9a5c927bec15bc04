"""Archives that were altered as a hook in the kernel, or an editor, would alter them; and what the checks of one view against
another say of a snapshot."""

import json
import os
import struct
import subprocess

from .ssnap import ssnap

CHECKS = ("hidden-process", "mount-over-process", "unlisted-parent", "process-count", "thread-count", "listing-structure",
          "table-structure", "table-difference", "socket-count", "unlisted-socket")


def findings(test, snapshot, ids=CHECKS):
    """What `--findings` of these ids says, by id; and which checks it could not make."""
    run = ssnap("analyze", snapshot, "--findings", "--rules", ",".join(ids), "--netns", "all", "--format", "json")
    test.assertIn(run.returncode, (0, 3), run.stderr)
    answer = json.loads(run.stdout)
    found = {}
    for finding in answer["findings"]:
        found.setdefault(finding["id"], []).append(finding)
    return found, {rule["id"] for rule in answer["rules"] if rule["unchecked"]}


def untar(test, archive):
    """The archive's members as a tree."""
    tree = test.path("tree")
    os.mkdir(tree)
    subprocess.run(f"zstd -dc '{archive}' | tar xf - -C '{tree}'", shell=True, check=True, executable="/bin/bash")
    return tree


def edit(path, change):
    with open(path, "rb") as file:
        before = file.read()
    after = change(before)
    assert before != after, "nothing was changed"
    with open(path, "wb") as file:
        file.write(after)


def edit_dump(data, port, change):
    """The pcap with `change(datagram, at)` done where the record of this local port begins."""
    out, at = data[:24], 24
    while at + 16 <= len(data):
        header, size = data[at:at + 16], struct.unpack_from("=I", data, at + 8)[0]
        record = data[at + 16:at + 16 + size]
        at += 16 + size
        cooked, datagram = record[:16], record[16:]
        if record[1] == 0:
            where = find_record(datagram, port)
            if where is not None:
                datagram = change(datagram, where)
        record = cooked + datagram
        out += header[:8] + struct.pack("=II", len(record), len(record)) + record
    return out


def messages(datagram):
    at = 0
    while at + 16 <= len(datagram):
        size = struct.unpack_from("=I", datagram, at)[0]
        yield at, size
        at += (size + 3) // 4 * 4


def find_record(datagram, port):
    """Where the message about this local port begins."""
    for at, size in messages(datagram):
        if struct.unpack_from("=H", datagram, at + 4)[0] in (18, 20) and struct.unpack_from(">H", datagram, at + 20)[0] == port:
            return at
    return None


def drop(datagram, at):
    size = (struct.unpack_from("=I", datagram, at)[0] + 3) // 4 * 4
    return datagram[:at] + datagram[at + size:]


def stretch(datagram, at):
    """The message before it reaches over it; where it is the first, it reaches over the next."""
    starts = list(messages(datagram))
    index = [start for start, _ in starts].index(at)
    first = index - 1 if index > 0 else index
    size = (starts[first][1] + 3) // 4 * 4 + starts[first + 1][1]
    begin = starts[first][0]
    return datagram[:begin] + struct.pack("=I", size) + datagram[begin + 4:]


def entries(data):
    at = 0
    while at < len(data):
        size = struct.unpack_from("=H", data, at + 16)[0]
        yield at, size, data[at + 19:at + size].split(b"\0")[0]
        at += size


def swallow(data, name):
    previous = None
    for at, size, entry in entries(data):
        if entry == name:
            begin, length = previous
            return data[:begin + 16] + struct.pack("=H", length + size) + data[begin + 18:]
        previous = at, size
    raise AssertionError(f"{name} is not listed")


def remove_entry(data, name):
    for at, size, entry in entries(data):
        if entry == name:
            return data[:at] + data[at + size:]
    raise AssertionError(f"{name} is not listed")
