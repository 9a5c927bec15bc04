"""Every socket of a known scene is found exactly once, in its state, with all its owners; and nothing else is."""

import os
import socket
import unittest

from support import sandbox
from support.scene import make_scene
from support.ssnap import capture, certain_owners, sockets_of


def endpoint(end):
    """(address, port) of JSON's `local` or `peer`."""
    return end["address"], end.get("port", 0)


def unix_name(end):
    return {key: value for key, value in (end or {}).items() if key in ("path", "abstract")}


class SocketsTest(sandbox.LiveTest):
    def match(self, expected, rows):
        """The rows that are this socket: by inode, or where it has none by all that it has."""
        if expected.inode is not None:
            return [row for row in rows if row.get("inode") == expected.inode]
        rows = [row for row in rows if "inode" not in row and (row["family"], row["protocol"])
                == (expected.family, expected.protocol)]
        if expected.family == "unix":
            return [row for row in rows if unix_name(row.get("local")) == expected.local]
        return [row for row in rows if (endpoint(row["local"]), endpoint(row["peer"])) == (expected.local, expected.peer)]

    def check(self, expected, row, by_label):
        for field in ("family", "protocol", "state", "recv_queue", "send_queue", "uid"):
            value = getattr(expected, field)
            if value is not None:
                self.assertEqual(row.get(field), value, field)
        if expected.inode is None:
            self.assertNotIn("inode", row, "absent is not 0")
            self.assertNotIn("uid", row, "absent is not root")
        if expected.state == "TIME-WAIT":
            self.assertNotIn("recv_queue", row, "it has none")
        if expected.family == "unix":
            self.assertEqual(unix_name(row.get("local")), expected.local)
            if expected.peer is not None:
                self.assertEqual(unix_name(row.get("peer")), expected.peer)
            if expected.peer_inode is not None:
                self.assertEqual(row["peer"]["inode"], expected.peer_inode)
        else:
            self.assertEqual(endpoint(row["local"]), expected.local)
            self.assertEqual(endpoint(row["peer"]), expected.peer)
            self.assertEqual(row["local"].get("interface"), expected.interface)
        if expected.raw_protocol is not None:
            self.assertEqual(row["details"]["raw_protocol"], expected.raw_protocol)
        if expected.uid is not None:
            self.assertEqual(row.get("user"), "root")
        self.check_owners(expected, row, by_label)
        self.assertTrue(row["sources"])
        self.assertTrue(row["evidence"])

    def check_owners(self, expected, row, by_label):
        self.assertEqual(certain_owners(row), expected.owners)
        pids = [owner["pid"] for owner in row["owners"] if owner["via"] == "fd"]
        self.assertEqual(sorted(pids), sorted(set(pids)), "a process stands there twice")
        for owner in row["owners"]:
            with open(f"/proc/{owner['pid']}/stat", "rb") as file:
                comm, _, fields = file.read().partition(b"(")[2].rpartition(b")")
            self.assertEqual(owner["comm"], comm.decode())
            self.assertEqual(owner["start_ticks"], int(fields.split()[19]))
            self.assertEqual(owner["exe"], os.readlink(f"/proc/{owner['pid']}/exe"))
            with open(f"/proc/{owner['pid']}/cmdline", "rb") as file:
                self.assertEqual(owner["cmdline"], file.read().decode().split("\0")[:-1])
        if expected.owners:
            self.assertNotIn("ownerless_reason", row)
        elif expected.ownerless:
            self.assertEqual(row["owners"], [])
            self.assertEqual(row["ownerless_reason"]["code"], expected.ownerless)
            self.assertTrue(row["ownerless_reason"]["detail"])
        elif expected.listener:
            # Nobody's yet: the one who will accept it is whoever holds the listener.
            listener = by_label[expected.listener]
            self.assertEqual({owner["pid"] for owner in row["owners"]}, set(listener.owners))
            self.assertEqual({owner["via"] for owner in row["owners"]}, {"listener"})

    def test_scene(self):
        scene = make_scene(self)
        snapshot = capture(self, self.path("a.tar.zst"))
        rows = sockets_of(snapshot, self.netns)
        by_label = {expected.label: expected for expected in scene.expected}
        self.assertEqual(len(by_label), len(scene.expected), "labels are unique")
        rest = list(rows)
        for expected in scene.expected:
            with self.subTest(expected.label):
                found = self.match(expected, rows)
                self.assertEqual(len(found), 1, found)
                rest.remove(found[0])
                self.check(expected, found[0], by_label)
        self.assertEqual(rest, [], "sockets that are not in the scene")
        # The scene itself must have been made: an empty list matches anything.
        self.assertGreater(len(scene.expected), 50)

    def test_an_empty_namespace(self):
        snapshot = capture(self, self.path("a.tar.zst"))
        self.assertEqual(sockets_of(snapshot, self.netns), [])
        self.assertIn(self.netns, [namespace["inode"] for namespace in snapshot["namespaces"]])

    def test_names_are_bytes(self):
        """An abstract name may hold anything, also what looks like a row of /proc/net/unix."""
        forged = b"x\n0000000000000000: 00000002 00000000 00010000 0001 01 4242 /run/forged"
        wild = b"\x1b[2J\xff\x00\\end"
        inodes = {}
        for name in (forged, wild):
            sock = socket.socket(socket.AF_UNIX)
            self.addCleanup(sock.close)
            sock.bind(b"\0" + name)
            sock.listen(1)
            inodes[os.fstat(sock.fileno()).st_ino] = name
        rows = sockets_of(capture(self, self.path("a.tar.zst")), self.netns)
        self.assertEqual({row.get("inode") for row in rows}, set(inodes), "the forged row is no socket")
        for row in rows:
            # Reversible: "\xNN" is a byte, "\\" a backslash.
            escaped = row["local"]["abstract"]
            self.assertEqual(unescape(escaped), inodes[row["inode"]])


def unescape(text):
    out, rest = b"", text
    while rest:
        if rest.startswith("\\x"):
            out, rest = out + bytes.fromhex(rest[2:4]), rest[4:]
        elif rest.startswith("\\"):
            assert rest[1] == "\\", f"no escape: {rest!r}"
            out, rest = out + b"\\", rest[2:]
        else:
            out, rest = out + rest[0].encode(), rest[1:]
    return out


if __name__ == "__main__":
    sandbox.main()
