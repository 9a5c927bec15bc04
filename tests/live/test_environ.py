"""capture --include-environ keeps the environments of processes; without it no byte of one is in an archive."""

import os
import subprocess

from support import sandbox
from support.ssnap import analyze_json, capture

SECRET = "only-in-the-environment-5e1f"


class EnvironTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        variables = {b"TOKEN": SECRET.encode(), b"EMPTY": b"", b"BYTES": b"\xff\n=x"}
        self.process = subprocess.Popen(["sleep", "1000"], env=variables)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.archive = self.path("host.tar.zst")

    def processes(self):
        return {process["pid"]: process for process in analyze_json(self, self.archive)["processes"]}

    def raw(self):
        return subprocess.run(["zstd", "-dc", self.archive], capture_output=True, check=True).stdout

    def test_not_asked_for(self):
        capture(self, self.archive)
        self.assertNotIn(SECRET.encode(), self.raw())
        self.assertEqual([process["pid"] for process in self.processes().values() if "environ" in process], [])

    def test_asked_for(self):
        capture(self, self.archive, "--include-environ")
        self.assertIn(SECRET.encode(), self.raw())
        processes = self.processes()
        self.assertCountEqual(processes[self.process.pid]["environ"], [f"TOKEN={SECRET}", "EMPTY=", "BYTES=\\xff\n=x"])
        with open("/proc/self/environ", "rb") as file:
            expected = file.read().split(b"\0")[:-1]
        self.assertEqual(len(processes[os.getpid()]["environ"]), len(expected))
        self.assertEqual([process["pid"] for process in processes.values() if process["kernel_thread"] and "environ" in process], [])


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main()
