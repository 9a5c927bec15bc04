"""capture --exe-hashes: the files that processes execute, whatever has become of their names; and what can't be hashed."""

import hashlib
import os
import shutil
import socket

from support import sandbox, strace
from support.silent_file import SilentFile
from support.netns import unmount
from support.ssnap import analyze_json, ssnap

PROGRAM = "/bin/cat"
LIMIT = 1 << 30


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class ExeHashesTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        server = socket.socket()
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 4001))
        server.listen()
        self.fd = server.fileno()

    def program(self, name):
        """A copy of PROGRAM that is like no other."""
        path = self.path(name)
        shutil.copy(PROGRAM, path)
        with open(path, "ab") as file:
            file.write(name.encode())
        return path

    def holder(self, path, *fds, **options):
        return self.child(sandbox.exec_holder((self.fd, *fds), (path,), **options)).pid

    def capture(self, *arguments, exit_code=0):
        """(processes by pid, gaps of this source)."""
        archive = self.path("host.tar.zst")
        run = ssnap("capture", "-o", archive, *arguments)
        self.assertEqual(run.returncode, exit_code, run.stderr)
        snapshot = analyze_json(self, archive)
        self.assertEqual(snapshot["problems"], [])
        self.archive = archive
        return ({process["pid"]: process for process in snapshot["processes"]},
                [gap for gap in snapshot["gaps"] if gap["source"] == "exe_hashes"])

    def test_only_where_asked_for(self):
        self.holder(self.program("plain"))
        processes, _ = self.capture()
        self.assertEqual([pid for pid, process in processes.items() if "exe_sha256" in process], [])

    def test_what_has_become_of_the_file(self):
        expected = {}
        for name in ("plain", "deleted", "replaced", "renamed"):
            path = self.program(name)
            expected[self.holder(path)] = sha256(path)
        os.unlink(self.path("deleted"))
        os.rename(self.program("another"), self.path("replaced"))
        os.rename(self.path("renamed"), self.path("new name"))
        memory = os.memfd_create("in-memory")
        self.addCleanup(os.close, memory)
        with open(PROGRAM, "rb") as file:
            os.write(memory, file.read() + b"in memory")
        path = f"/proc/self/fd/{memory}"
        expected[self.holder(path, memory)] = sha256(path)
        idle = self.child(sandbox.exec_holder((), (self.program("without a socket"),), stderr=None)).pid
        processes, gaps = self.capture("--exe-hashes")
        self.assertEqual(gaps, [])
        self.assertEqual({pid: processes[pid].get("exe_sha256") for pid in expected}, expected)
        self.assertEqual(len(set(expected.values())), 5)
        self.assertNotIn("exe_sha256", processes[idle])
        # Beside the owners of a socket as well, and in the table on demand.
        [row] = analyze_json(self, self.archive, "-lt", "sport", "=", ":4001")["sockets"]
        self.assertEqual({owner["pid"]: owner["exe_sha256"] for owner in row["owners"] if owner["pid"] in expected}, expected)
        for view in ((), ("--tree",)):
            text = ssnap("analyze", self.archive, "-lte", *view).stdout.decode()
            for digest in expected.values():
                self.assertIn(f"sha256 {digest}", text)
            self.assertNotIn("sha256", ssnap("analyze", self.archive, "-lt", *view).stdout.decode())
        self.assertEqual(ssnap("verify", self.archive).returncode, 0)

    def test_one_file_is_read_once(self):
        path = self.program("shared")
        pids = {self.holder(path) for _ in range(3)}
        # A time of access that reading would change: later than it is the modification.
        os.utime(path, ns=(1_000_000_000, 2_000_000_000))
        archive = self.path("once.tar.zst")
        run, calls = strace.run(self.path("log"), "capture", "--exe-hashes", "-o", archive)
        self.assertEqual(run.returncode, 0, run.stderr)
        opened = [call for call in calls if call.name == "openat" and call.result >= 0 and call.target == path]
        self.assertEqual(len([call for call in opened if "O_PATH" in call.arguments]), len(pids))
        self.assertEqual(len([call for call in opened if "O_PATH" not in call.arguments]), 1)
        self.assertEqual(os.stat(path).st_atime_ns, 1_000_000_000)
        processes = {process["pid"]: process for process in analyze_json(self, archive)["processes"]}
        self.assertEqual({processes[pid]["exe_sha256"] for pid in pids}, {sha256(path)})

    def test_too_large(self):
        path = self.program("large")
        os.truncate(path, LIMIT + 1)
        pids = [self.holder(path), self.holder(path)]
        processes, [gap] = self.capture("--exe-hashes", exit_code=3)
        self.assertEqual((gap["kind"], gap["pid"], gap["count"]), ("cut", min(pids), 2))
        self.assertIn(f"{LIMIT + 1} bytes", gap["detail"])
        for pid in pids:
            self.assertNotIn("exe_sha256", processes[pid])
        self.assertIn("exe_sha256", processes[os.getpid()])

    def test_a_file_system_that_does_not_answer(self):
        if not os.path.exists("/dev/fuse"):
            print("\n    there is no /dev/fuse: a file system that does not answer can't be made")
            return
        folder = self.path("fuse")
        os.mkdir(folder)
        with open(PROGRAM, "rb") as file:
            silent = SilentFile(folder, file.read())
        self.addCleanup(unmount, folder)
        self.child(silent.server)
        pid = self.holder(silent.path)
        silent.fall_silent()
        processes, [gap] = self.capture("--exe-hashes", "--read-timeout", "1", exit_code=3)
        self.assertEqual((gap["kind"], gap["pid"], gap["count"]), ("timeout", pid, 1))
        self.assertNotIn("exe_sha256", processes[pid])
        self.assertEqual(processes[os.getpid()]["exe_sha256"], sha256(f"/proc/{os.getpid()}/exe"))


if __name__ == "__main__":
    sandbox.need("strace")
    sandbox.main(own_processes=True)
