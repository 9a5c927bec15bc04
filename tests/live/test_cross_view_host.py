"""The kernel's counts of processes and threads, which are of all pid namespaces, against what the capture listed: in the host's
own pid namespace, whose other processes come and go as they like."""

import pathlib
import subprocess

from support import sandbox
from support.edited import edit, findings, remove_entry, swallow, untar
from support.ssnap import capture

TRIES = 40


class CountsTest(sandbox.LiveTest):
    def quiet_capture(self):
        """A capture during one of whose listings no process came or went; and a process that is in it."""
        child = subprocess.Popen(["sleep", "600"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        for number in range(TRIES):
            archive = self.path(f"{child.pid}-{number}.tar.zst")
            capture(self, archive)
            _, unchecked = findings(self, archive, ("process-count",))
            if not unchecked:
                return archive, str(child.pid).encode()
        raise AssertionError(f"{TRIES} times processes came and went during both listings")

    def test_counts_agree(self):
        archive, _ = self.quiet_capture()
        found, _ = findings(self, archive, ("process-count", "thread-count", "hidden-process", "unlisted-parent", "listing-structure"))
        self.assertEqual(found, {})

    def test_threads(self):
        """Where nothing was forked during a capture, which nobody can have this host do: told to the archive instead."""
        for number in range(TRIES):
            archive = self.path(f"{number}.tar.zst")
            capture(self, archive)
            tree = untar(self, archive)
            stats = [path.read_text(encoding="utf-8", errors="replace") for path in pathlib.Path(tree, "proc").glob("[0-9]*/stat")]
            threads = sum(int(stat.rsplit(")", 1)[1].split()[17]) for stat in stats)
            levels = []
            for counted in (threads, threads + 1):
                for part in (1, 2):
                    path = pathlib.Path(tree, f"process-views/pass{part}/counts")
                    links = path.read_text(encoding="ascii").splitlines()[0]
                    path.write_text(f"{links}\nforks 7 7\nthreads {counted} {counted}\n", encoding="ascii")
                found, unchecked = findings(self, tree, ("thread-count",))
                levels.append([one["level"] for one in found.get("thread-count", [])])
            subprocess.run(["rm", "-r", tree], check=True)
            if not unchecked:  # each process was read before it ended
                return self.assertEqual(levels, [[], ["finding"]])
        raise AssertionError(f"in each of {TRIES} captures a process ended before it was read")

    def test_an_entry_that_is_missing(self):
        for change in (remove_entry, swallow):
            with self.subTest(change.__name__):
                archive, pid = self.quiet_capture()
                tree = untar(self, archive)
                for number in (1, 2):
                    edit(f"{tree}/process-views/pass{number}/dirents", lambda data: change(data, pid))
                found, _ = findings(self, tree)
                self.assertIn("process-count", found)
                self.assertRegex(found["process-count"][0]["sentence"], r"^the kernel counts \d+ processes \(links of /proc\), its listing has \d+$")
                self.assertEqual("listing-structure" in found, change is swallow)
                subprocess.run(["rm", "-r", tree], check=True)


if __name__ == "__main__":
    sandbox.need("tar", "zstd")
    sandbox.main()
