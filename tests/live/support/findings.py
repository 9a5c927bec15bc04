"""What the tests of findings have in common: which ids `analyze --findings` has for a socket."""

import os

from support import sandbox, zstd_frames
from support.actors import inode_of
from support.ssnap import analyze_json, capture


class FindingsTest(sandbox.LiveTest):
    def take(self):
        self.archive = self.path(f"{len(os.listdir(self.folder))}.tar.zst")
        self.snapshot = capture(self, self.archive)
        self.findings = analyze_json(self, self.archive, "--findings")["findings"]
        members = set()
        for finding in self.findings:
            self.assertTrue(finding["evidence"], finding)
            members.update(place["member"] for place in finding["evidence"])
        self.check_members(members)

    def check_members(self, members):
        """Each is in the archive."""
        with open(self.archive, "rb") as file:
            self.assertLessEqual(members, set(zstd_frames.members_of(file.read())))

    def about(self, inode):
        """{id: finding} of those about the socket, or the inode of one."""
        inode = inode if isinstance(inode, int) else inode_of(inode)
        return {finding["id"]: finding for finding in self.findings if inode in (sock.get("inode") for sock in finding["sockets"])}

    def of_rule(self, rule):
        return [finding for finding in self.findings if finding["id"] == rule]

    def check_only(self, rule, fires, does_not):
        """The rule has a finding for the one socket and none for the other."""
        self.assertIn(rule, self.about(fires))
        self.assertNotIn(rule, self.about(does_not))
        return self.about(fires)[rule]
