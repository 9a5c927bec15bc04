"""Without root: every table, the own processes, and every refusal counted."""

import os
import re
import shutil
import socket
import subprocess

from support import sandbox
from support.ssnap import SSNAP, analyze_json, certain_owners, sockets_of, ssnap

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--")


class UnprivilegedTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        # Not all folders above the build may be open to everybody.
        os.chmod(self.folder, 0o755)
        shutil.copy(SSNAP, self.path("ssnap"))
        os.chmod(self.path("ssnap"), 0o755)

        self.roots = socket.socket()
        self.addCleanup(self.roots.close)
        self.roots.bind(("127.0.0.1", 4001))
        self.roots.listen(1)
        shared = socket.socket()
        shared.bind(("127.0.0.1", 4002))
        shared.listen(1)
        self.fd = shared.fileno()
        self.nobodys = self.child(sandbox.exec_holder([self.fd], (*AS_NOBODY, "/bin/cat")))
        shared.close()

        with open(self.path("a.tar.zst"), "wb") as output:
            self.run_result = subprocess.run([*AS_NOBODY, self.path("ssnap"), "capture", "-o", "-"], cwd="/", stdout=output,
                                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.snapshot = analyze_json(self, self.path("a.tar.zst"))

    def test_the_exit_code_and_the_gaps(self):
        self.assertEqual(self.run_result.returncode, 3, self.run_result.stderr)
        denied = [gap for gap in self.snapshot["gaps"] if gap["kind"] == "denied"]
        self.assertIn(os.getpid(), {gap.get("pid") for gap in denied})
        self.assertNotIn(self.nobodys.pid, {gap.get("pid") for gap in denied})
        for gap in denied:
            self.assertIn(gap["errno"], (1, 13), gap)
            self.assertGreaterEqual(gap["count"], 1)
            self.assertTrue(gap["source"])

    def test_info_counts_them(self):
        run = ssnap("info", self.path("a.tar.zst"))
        self.assertEqual(run.returncode, 0, "the archive is whole: its gaps are shown")
        lines = run.stdout.decode().splitlines()
        denied = [gap for gap in self.snapshot["gaps"] if gap["kind"] == "denied"]
        self.assertTrue(denied)
        for gap in denied:
            words = {"denied", gap["source"], str(gap["count"])} | ({str(gap["pid"])} if "pid" in gap else set())
            self.assertTrue(any(words <= set(re.findall(r"[\w.-]+", line)) for line in lines), f"no line with {words}")

    def test_sockets_are_all_there_owners_as_far_as_allowed(self):
        rows = {row["local"]["port"]: row for row in sockets_of(self.snapshot, self.netns)}
        self.assertEqual(set(rows), {4001, 4002})
        self.assertEqual(certain_owners(rows[4002]), {self.nobodys.pid: [self.fd]})
        self.assertEqual(certain_owners(rows[4001]), {})
        self.assertEqual(rows[4001]["ownerless_reason"]["code"], "unreadable")
        self.assertEqual(rows[4001]["inode"], os.fstat(self.roots.fileno()).st_ino)

    def test_the_archive_knows_who_captured(self):
        whole = subprocess.run(["zstd", "-dc", self.path("a.tar.zst")], capture_output=True, check=True).stdout
        self.assertIn(b"capture.json", whole)
        self.assertRegex(whole, rb'"uid":\s*65534')
        self.assertRegex(whole, rb'"capabilities_effective":\s*"0{16}"')


if __name__ == "__main__":
    sandbox.need("setpriv", "zstd")
    sandbox.main(own_processes=True)
