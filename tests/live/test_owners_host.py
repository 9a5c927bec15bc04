"""On the host itself, among processes that are none of this test's, some of which may be unreadable even for root: in the
test's own namespaces all is readable, and no socket of the host is without an owner or a reason."""

import os
import socket

from support import sandbox
from support.actors import inode_of, listener
from support.busy import populate
from support.netns import Netns, ip
from support.owners import OwnersTest
from support.tools import Tools

PROCESSES = 32


class HostTest(OwnersTest):
    def test_a_host_as_it_is(self):
        ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789", "local", "127.0.0.1", "dev", "lo")
        ip("link", "set", "vx0", "up")
        server = listener(4001)
        self.addCleanup(server.close)
        client = socket.create_connection(("127.0.0.1", 4001))
        self.addCleanup(client.close)
        held = populate(self, PROCESSES)
        held[inode_of(server)] = {(os.getpid(), "fd", None): [server.fileno()]}
        held[inode_of(client)] = {(os.getpid(), "fd", None): [client.fileno()]}
        other = Netns()
        self.addCleanup(other.close)
        with other.entered():
            held |= populate(self, PROCESSES)
        self.take(tools=False)
        own = [row for row in self.snapshot["sockets"] if row["netns"].get("inode") in (self.netns, other.inode)]
        self.check_all_held(own, held)
        self.check_all_explained(own)
        [vxlan] = self.rows(protocol="udp", local={"address": "0.0.0.0", "port": 4789})
        self.check_reason(vxlan, "kernel", r"\bvxlan vx0\b")
        self.assertEqual(Tools().pids("ss", ":4789"), set())
        # The rest of the host comes and goes as it likes.
        self.check_all_explained(never=("unexplained",))
        for row in self.snapshot["sockets"]:
            if row.get("ownerless_reason", {}).get("code") == "unreadable":
                self.assertTrue(row["ownerless_reason"]["candidates"], row)


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "ip")
    sandbox.main()
