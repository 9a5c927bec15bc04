"""While thousands of sockets come and go, every socket that lives through a capture is in it exactly once, in its state,
with its owner."""

import os

from support import churn, diag, sandbox
from support.ssnap import capture, certain_owners

# 20 is what the promise is made for; fewer fit into an everyday run.
CAPTURES = int(os.environ.get("SSNAP_CHURN_CAPTURES", "5"))

class ChurnTest(sandbox.LiveTest):
    def make_stable(self):
        """{inode: what its row must be}"""
        stable = {}
        for make, count in ((churn.make_tcp, churn.TCP_HOLDERS), (churn.make_udp, churn.UDP_HOLDERS),
                            (churn.make_unix, churn.UNIX_HOLDERS)):
            for number in range(count):
                worker = self.child(churn.holder(make, number))
                for inode, family, protocol, state, address, port, fd in worker.rows:
                    self.assertNotIn(inode, stable)
                    stable[inode] = (family, protocol, state, address, port, {worker.pid: [fd]})
        kinds = [(family, protocol) for family, protocol, *_ in stable.values()]
        self.assertEqual(len([kind for kind in kinds if kind[1] == "tcp"]), 8000)
        self.assertEqual(len([kind for kind in kinds if kind[1] == "udp"]), 1500)
        self.assertEqual(len([kind for kind in kinds if kind[0] == "unix"]), 4500)
        return stable

    def test_nothing_is_missed_or_repeated(self):
        stable = self.make_stable()
        counts = churn.start(self)
        for number in range(CAPTURES):
            archive = self.path(f"{number}.tar.zst")
            before = counts()
            snapshot = capture(self, archive)
            during = [after - start for start, after in zip(before, counts())]
            with self.subTest(capture=number, churned=during):
                # Not by how much: a count that is read while it is written is any number.
                self.assertNotIn(0, during, "nothing moved meanwhile")
                self.check(stable, snapshot)
            os.unlink(archive)
        self.check_can_fail(stable, snapshot)
        # The scene is still there: what was looked for did live through every capture.
        alive = {row.inode for row in diag.tcp()}
        self.assertEqual({inode for inode, row in stable.items() if row[1] == "tcp"} - alive, set())

    def check_can_fail(self, stable, snapshot):
        """One stable row less, one twice, one without its owner: each is noticed."""
        index = next(number for number, row in enumerate(snapshot["sockets"]) if row.get("inode") in stable)
        before, row, after = snapshot["sockets"][:index], snapshot["sockets"][index], snapshot["sockets"][index + 1:]
        for damaged in ([], [row, row], [{**row, "owners": []}]):
            with self.assertRaises(AssertionError):
                self.check(stable, {"sockets": before + damaged + after})

    def check(self, stable, snapshot):
        rows, cookies, repeated = {}, {}, []
        for row in snapshot["sockets"]:
            if row["netns"].get("inode") != self.netns:
                continue
            if "inode" in row:
                rows.setdefault(row["inode"], []).append(row)
            if "cookie" in row:
                key = row["family"] if row["family"] not in ("inet", "inet6") else "inet", row["cookie"]
                if key in cookies:
                    repeated.append((cookies[key], row))
                cookies[key] = row
        missed = [wanted for inode, wanted in stable.items() if inode not in rows]
        self.assertEqual((len(missed), missed[:3]), (0, []), "missed")
        twice = [found for found in rows.values() if len(found) > 1]
        self.assertEqual((len(twice), twice[:1]), (0, []), "more than one row of an inode, stable or not")
        self.assertEqual((len(repeated), repeated[:1]), (0, []), "more than one row of a cookie")
        wrong = []
        for inode, wanted in stable.items():
            [row] = rows[inode]
            local = row.get("local", {})
            found = (row["family"], row["protocol"], row["state"], local.get("address"), local.get("port"), certain_owners(row))
            if found != wanted:
                wrong.append((wanted, found))
        self.assertEqual((len(wrong), wrong[:3]), (0, []), "not as it is")


if __name__ == "__main__":
    sandbox.main(own_processes=True)
