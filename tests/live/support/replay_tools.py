"""The real tools on what `ssnap extract` wrote: they are asked about the tree instead of this machine."""

import os
import struct
import subprocess

from support import sandbox
from support.ssnap import ssnap

# Attributes of inet_diag that ss asks for with a switch only (misc/ss.c, sockdiag_send and tcpdiag_send, iproute2 6.1). From
# a file it prints whatever is in it.
ASKED_FOR_BY = {
    "m": {1, 7},  # INET_DIAG_MEMINFO, SKMEMINFO
    "i": {2, 3, 4, 9, 16},  # INFO, VEGASINFO, CONG, DCTCPINFO, BBRINFO
    "tos": {5, 6, 17},  # TOS, TCLASS, CLASS_ID
}


def tmpfs(test, path, options=None):
    """A tmpfs at `path`, for the length of the test: its readdir gives the newest first, so that a tree that was made in
    descending order lists as procfs does."""
    os.mkdir(path)
    words = ["mount", "-t", "tmpfs", *(["-o", options] if options else []), "none", path]
    subprocess.run(words, check=True)
    test.addCleanup(subprocess.run, ["umount", path], check=True)
    return path


def extract(test, archive, *arguments):
    """The tree that `ssnap extract` makes of the archive, on a tmpfs."""
    tree = os.path.join(tmpfs(test, test.path(f"t{len(os.listdir(test.folder))}")), "x")
    run = ssnap("extract", archive, "-C", tree, *arguments)
    test.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"", b""))
    return tree


def netstat(tree, *rows):
    """What netstat prints with the tree's proc in the place of /proc; one row of arguments a run. A list of (exit code,
    output, complaints)."""
    propagation = [] if sandbox.root_is_a_mount() else ["--propagation", "unchanged"]
    script = 'mount --bind "$0/proc" /proc || exit 99; while IFS= read -r row; do netstat $row >"$1" 2>"$2"; echo $?; cat "$1"; printf "\\0"; cat "$2"; printf "\\0"; done'
    out, err = tree + ".out", tree + ".err"
    run = subprocess.run(["unshare", *propagation, "--mount", "sh", "-c", script, tree, out, err], check=True, stdout=subprocess.PIPE,
                         input="".join(" ".join(row) + "\n" for row in rows).encode())
    parts = run.stdout.split(b"\0")
    results = []
    for first, complaints in zip(parts[0:-1:2], parts[1::2]):
        code, _, output = first.partition(b"\n")
        results.append((int(code), output, complaints))
    assert len(results) == len(rows), run.stdout
    return results


def without_attributes(records, switches):
    """A file for TCPDIAG_FILE with the attributes only that ss would have asked for with these switches."""
    dropped = set().union(*(numbers for switch, numbers in ASKED_FOR_BY.items() if switch not in switches))
    out, at = b"", 0
    while at < len(records):
        length, kind, rest = *struct.unpack_from("=IH", records, at), records[at + 6:at + 16]
        message = records[at + 16:at + length]
        if kind in (18, 20):
            body, inner = message[:72], 72
            while inner + 4 <= len(message):
                size, number = struct.unpack_from("=HH", message, inner)
                if number & 0x3fff not in dropped:
                    attribute = message[inner:inner + size]
                    body += attribute + b"\0" * (-len(attribute) % 4)
                inner += -(-size // 4) * 4
            message = body
        out += struct.pack("=IH", 16 + len(message), kind) + rest + message + b"\0" * (-len(message) % 4)
        at += -(-length // 4) * 4
    return out


def by_family(records):
    """The same records as ss would have met them: it asks for IPv4 first and for IPv6 then, the capture for both at once. Those
    of a protocol stay together."""
    messages, at = [], 0
    while at < len(records):
        length, kind = struct.unpack_from("=IH", records, at)
        whole = records[at:at + -(-length // 4) * 4]
        protocol = struct.pack("=HHB", 5, 10, 17)  # INET_DIAG_PROTOCOL: UDP, which comes before TCP
        is_end = kind not in (18, 20)
        messages.append((is_end, not is_end and protocol not in whole[88:], 0 if is_end else whole[16], whole))
        at += len(whole)
    return b"".join(message[-1] for message in sorted(messages, key=lambda message: message[:3]))


def ss_netlink(tree, name, *arguments, switches=(), reorder=False):
    """What ss prints for the file ss/NAME of the tree. `switches`: which of ASKED_FOR_BY are among the arguments."""
    records = f"{tree}.records"
    with open(f"{tree}/ss/{name}", "rb") as source, open(records, "wb") as target:
        content = without_attributes(source.read(), switches)
        target.write(by_family(content) if reorder else content)
    environment = {**os.environ, "TCPDIAG_FILE": records, "PROC_ROOT": f"{tree}/proc", "PROC_NET_UDP": "/dev/null",
                   "PROC_NET_UDP6": "/dev/null"}
    return subprocess.run(["ss", *arguments], env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def ss_proc(tree, *arguments):
    """What ss prints for the tree's proc. Name the tables: without, ss asks this machine."""
    environment = {**os.environ, "PROC_ROOT": f"{tree}/proc"}
    return subprocess.run(["ss", *arguments], env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
