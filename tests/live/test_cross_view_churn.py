"""While connections, processes and UNIX sockets come and go, no check of one view against another is a finding. A few captures in an
everyday run; script/churn-test takes them for an hour."""

import collections
import os
import sys
import time

from support import churn, sandbox
from support.edited import findings
from support.ssnap import capture

# Either so many captures, or as many as fit into so many minutes with a pause after each.
CAPTURES = 3
MINUTES = float(os.environ.get("SSNAP_CHURN_MINUTES", "0"))
PAUSE = 2
KINDS = (*churn.SOCKETS, churn.churn_processes)


class CrossViewChurnTest(sandbox.LiveTest):
    def captures(self):
        """Names, until it is enough."""
        end = time.monotonic() + MINUTES * 60
        number = 0
        while number < CAPTURES or time.monotonic() < end:
            number += 1
            yield self.path(f"{number}.tar.zst")
            if MINUTES:
                time.sleep(PAUSE)

    def test_churn_is_no_finding(self):
        for make, count in ((churn.make_tcp, churn.TCP_HOLDERS), (churn.make_udp, churn.UDP_HOLDERS), (churn.make_unix, churn.UNIX_HOLDERS)):
            for number in range(count):
                self.child(churn.holder(make, number))
        counts = churn.start(self, KINDS)
        levels = collections.Counter()
        unchecked = collections.Counter()
        number = 0
        for archive in self.captures():
            before = counts()
            capture(self, archive)
            self.assertNotIn(0, [after - start for start, after in zip(before, counts())], "nothing moved meanwhile")
            found, missing = findings(self, archive)
            os.unlink(archive)
            number += 1
            unchecked.update(missing)
            for name, some in found.items():
                levels.update(f"{name}: {one['level']}" for one in some)
                self.assertEqual([one["sentence"] for one in some if one["level"] == "finding"], [])
        print(f"{number} captures while {dict(zip([kind.__name__ for kind in KINDS], counts()))} steps were made; "
              f"{dict(levels)}; not checked: {dict(unchecked)}", file=sys.stderr)


if __name__ == "__main__":
    sandbox.main()
