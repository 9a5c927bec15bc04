"""What the tests of owners have in common: one capture of a scene, the real tools beside it, and the rows to look at."""

import json
import os
import re

import jsonschema

from support import sandbox
from support.actors import start_ticks
from support.ssnap import SOURCE_ROOT, capture, ssnap
from support.tools import NOBODY, Tools

# What is said only after every other reason is ruled out.
NO_REASON_WHERE_ALL_IS_READABLE = ("unexplained", "unreadable", "other-pid-namespace")


class OwnersTest(sandbox.LiveTest):
    def take(self, tools=True):
        """The tools first: what they show must not depend on what the capture leaves behind."""
        self.tools = Tools() if tools else None
        self.archive = self.path(f"{len(os.listdir(self.folder))}.tar.zst")
        self.snapshot = capture(self, self.archive)
        if tools:
            self.check_schema()
        self.processes = {process["pid"]: process for process in self.snapshot["processes"]}
        return self.snapshot

    def check_schema(self):
        with open(os.path.join(SOURCE_ROOT, "docs/schema/ssnap.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        errors = jsonschema.validators.validator_for(schema)(schema).iter_errors(self.snapshot)
        self.assertEqual([f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors], [])

    def rows(self, **fields):
        return [row for row in self.snapshot["sockets"] if all(row.get(name) == value for name, value in fields.items())]

    def row(self, inode, **fields):
        """The only one with that inode (MPTCP's sockets share theirs: say more)."""
        found = self.rows(inode=inode, **fields)
        self.assertEqual(len(found), 1, f"rows of inode {inode}: {found}")
        return found[0]

    def connection(self, local, peer, **fields):
        """The only TCP row with these two ends, (address, port) each."""
        found = [row for row in self.rows(protocol="tcp", **fields)
                 if (ends_of(row, "local"), ends_of(row, "peer")) == (tuple(local), tuple(peer))]
        self.assertEqual(len(found), 1, f"rows {local} {peer}: {found}")
        return found[0]

    def owner(self, row, pid, **fields):
        """The only entry of that process among its owners."""
        found = [owner for owner in row["owners"]
                 if owner["pid"] == pid and all(owner.get(name) == value for name, value in fields.items())]
        self.assertEqual(len(found), 1, f"entries of {pid}: {row['owners']}")
        return found[0]

    def check_held(self, row, holders):
        """Exactly these hold it, for certain: {(pid, via, tid or None): fds}."""
        said = {(owner["pid"], owner["via"], owner.get("tid")): owner["fds"] for owner in row["owners"]
                if owner["certainty"] == "certain"}
        self.assertEqual(said, holders)
        self.assertEqual(len(row["owners"]), len(holders), row["owners"])
        self.assertNotIn("ownerless_reason", row)
        for owner in row["owners"]:
            self.assertEqual(owner["start_ticks"], start_ticks(owner["pid"]))

    def check_reason(self, row, code, detail=None):
        self.assertEqual([owner for owner in row["owners"] if owner["certainty"] == "certain"], [])
        self.assertEqual(row["ownerless_reason"]["code"], code, row["ownerless_reason"])
        self.assertTrue(row["ownerless_reason"]["detail"])
        if detail is not None:
            self.assertRegex(row["ownerless_reason"]["detail"], detail)

    def check_nobody(self, word):
        """No tool names anybody."""
        self.assertEqual(self.tools.shown(word), NOBODY, f"{word} has an owner by the tools")

    def check_listed(self, word, tools=("ss", "netstat")):
        """These tools do have a line of it: that they name nobody is not for want of one."""
        for tool in tools:
            self.assertEqual(len(self.tools.rows(tool, word)), 1, f"{tool}: {self.tools.lines[tool]}")

    def check_all_held(self, rows, held):
        """`held`: {inode: holders} as check_held() has them; several rows share an inode (MPTCP)."""
        by_inode = {}
        for row in rows:
            by_inode.setdefault(row.get("inode"), []).append(row)
        self.assertLessEqual(set(held), set(by_inode))
        wrong = []
        for inode, holders in held.items():
            for row in by_inode[inode]:
                said = {(owner["pid"], owner["via"], owner.get("tid")): owner["fds"] for owner in row["owners"]
                        if owner["certainty"] == "certain"}
                if said != holders or "ownerless_reason" in row:
                    wrong.append((row["family"], row["protocol"], said, holders, row.get("ownerless_reason")))
        self.assertEqual(wrong[:5], [], f"{len(wrong)} in all")

    def check_all_explained(self, rows=None, never=NO_REASON_WHERE_ALL_IS_READABLE):
        """Each of the rows, or of the whole snapshot, has an owner, or a reason that is none of `never`."""
        wrong = [(row["netns"], row["family"], row["protocol"], row["state"], row.get("inode"), row.get("ownerless_reason"))
                 for row in (self.snapshot["sockets"] if rows is None else rows)
                 if (not row["owners"] and "ownerless_reason" not in row) or row.get("ownerless_reason", {}).get("code") in never]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} in all")

    def analyze(self, *arguments):
        """The text of an answer from the archive."""
        run = ssnap("analyze", self.archive, *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout.decode()


def ends_of(row, which):
    return row[which].get("address"), row[which].get("port")


def reasons_of(rows):
    """{code: number of rows}."""
    found = {}
    for row in rows:
        if "ownerless_reason" in row:
            code = row["ownerless_reason"]["code"]
            found[code] = found.get(code, 0) + 1
    return found


def unescape(text):
    """The bytes of a string in JSON: "\\xNN" is a byte, "\\\\" a backslash."""
    raw = text.encode()
    assert not re.search(rb"(?<!\\)(\\\\)*\\(?!\\|x[0-9a-f]{2})", raw), f"no escape: {text!r}"
    return re.sub(rb"\\(\\|x([0-9a-f]{2}))", lambda found: bytes.fromhex(found[2].decode()) if found[2] else b"\\", raw)
