"""Where the archive goes: a file that is nobody else's, a disk that is full, a pipe that breaks, a size that it must not
pass. What was collected stays, the exit code and the last line say what it is."""

import fcntl
import hashlib
import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess

from support import sandbox, strace, zstd_frames
from support.netns import mount
from support.scene import make_scene
from support.ssnap import SSNAP, analyze_json, ssnap
from support.stopping import F_SETPIPE_SZ, PIPE_BYTES, as_from_a_shell, sha256_line

PAGE = 4096


def limited(size):
    """In the child: no file may grow beyond `size`."""
    def limit():
        as_from_a_shell()
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


class OutputTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("a.tar.zst")

    def contents(self, path):
        with open(path, "rb") as file:
            return file.read()

    def whole_size(self):
        run = ssnap("capture", "-o", self.path("whole.tar.zst"))
        self.assertEqual(run.returncode, 0, run.stderr)
        return os.path.getsize(self.path("whole.tar.zst"))

    def check_stopped(self, run, path, status):
        """An archive that is sealed with `status`; the hash on the last line is the file's. Returns its end.json."""
        self.assertEqual(run.returncode, 3, run.stderr)
        raw = self.contents(path)
        self.assertEqual(run.stderr.decode().splitlines()[-1], sha256_line(raw))
        verified = ssnap("verify", path)
        self.assertEqual(verified.returncode, 0, verified.stdout)
        self.assertEqual(analyze_json(self, path)["capture"]["status"], status)
        return json.loads(zstd_frames.members_of(raw)["end.json"])

    def check_cut(self, run, path):
        """A cut archive, whose last line has its hash."""
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertEqual(run.stderr.decode().splitlines()[-1], sha256_line(self.contents(path)))
        verified = ssnap("verify", path)
        self.assertEqual(verified.returncode, 3, verified.stdout)
        self.assertNotIn(b"altered", verified.stdout)
        self.assertEqual(analyze_json(self, path, exit_code=3)["capture"]["status"], "cut")

    # A file that is there already.

    def test_nothing_is_overwritten(self):
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        with open(self.path("file"), "wb") as file:
            file.write(b"old")
        os.symlink("file", self.path("link"))
        os.symlink("nowhere", self.path("dangling"))
        before = sorted(os.listdir(self.folder))
        for force in ([], ["--force"]):
            for name in ("fifo", "folder", "link", "dangling", "/dev/null"):
                with self.subTest((name, force)):
                    run = ssnap("capture", "-o", self.path(name), *force)
                    self.assertEqual((run.returncode, run.stdout), (1, b""))
                    self.assertIn(b"no regular file", run.stderr)
        run = ssnap("capture", "-o", self.path("file"))
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"--force", run.stderr)
        self.assertEqual(self.contents(self.path("file")), b"old")
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_force(self):
        os.chmod(self.folder, 0o777)
        with open(self.archive, "wb") as file:
            file.write(b"old")
        os.chmod(self.archive, 0o644)
        os.link(self.archive, self.path("other name"))
        run = ssnap("capture", "-o", self.archive, "--force", preexec_fn=lambda: os.umask(0))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.archive).st_mode), 0o600)
        self.assertEqual(self.contents(self.path("other name")), b"old", "the old file is let go, not written over")
        self.assertEqual(ssnap("verify", self.archive).returncode, 0)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("a.tar.zst")], ["a.tar.zst"])
        # Where there is nothing to replace it does nothing.
        self.assertEqual(ssnap("capture", "-o", self.path("new"), "--force").returncode, 0)

    def test_force_keeps_the_old_one_until_the_new_one_replays(self):
        disk = self.small_disk(4 * PAGE)
        old = os.path.join(disk, "a")
        with open(old, "wb") as file:
            file.write(b"old" * PAGE)
        run = ssnap("capture", "-o", old, "--force")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"No space left", run.stderr)
        self.assertEqual(self.contents(old), b"old" * PAGE)
        self.assertEqual(os.listdir(disk), ["a"])

    def test_sha256_file(self):
        for name in ("a.tar.zst", "odd \\ name\n"):
            with self.subTest(name):
                run = ssnap("capture", "-o", self.path(name), "--sha256-file")
                self.assertEqual(run.returncode, 0, run.stderr)
                check = subprocess.run(["sha256sum", "--strict", "-c", name + ".sha256"], cwd=self.folder, capture_output=True)
                self.assertEqual(check.returncode, 0, check.stderr)
                self.assertEqual(stat.S_IMODE(os.stat(self.path(name + ".sha256")).st_mode), 0o600)
        self.assertIn(run.stderr.decode().splitlines()[-1].split()[-1].encode(), self.contents(self.path(name + ".sha256")))

        # One that is in the way is so before anything is captured.
        hashed = self.contents(self.path("a.tar.zst.sha256"))
        os.unlink(self.archive)
        run = ssnap("capture", "-o", self.archive, "--sha256-file")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"a.tar.zst.sha256 exists", run.stderr)
        self.assertFalse(os.path.exists(self.archive))
        self.assertEqual(self.contents(self.path("a.tar.zst.sha256")), hashed)
        run = ssnap("capture", "-o", self.archive, "--sha256-file", "--force", "--timeout", "0.000001")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertEqual(subprocess.run(["sha256sum", "--status", "-c", "a.tar.zst.sha256"], cwd=self.folder).returncode, 0)

    # A size.

    def test_max_size(self):
        run = ssnap("capture", "-o", self.archive, "--max-size", "1K")
        self.assertEqual((run.returncode, os.path.exists(self.archive)), (2, False))
        least = int(re.search(rb"--max-size, 1024 bytes: .* (\d+)$", run.stderr)[1])
        whole = self.whole_size()
        self.assertLess(least, whole)
        sockets = []
        # Its clocks make capture.json differ by some bytes.
        for size in (least + 64, (least * 3 + whole) // 4, (least + whole) // 2, whole - PAGE):
            with self.subTest(size):
                path = self.path(str(size))
                end = self.check_stopped(ssnap("capture", "-o", path, "--max-size", str(size)), path, "limit")
                self.assertLessEqual(os.path.getsize(path), size)
                self.assertEqual(end["detail"], f"--max-size, {size} bytes: no room for more")
                snapshot = analyze_json(self, path)
                self.assertIn("capture", {gap["source"] for gap in snapshot["gaps"] if gap["kind"] == "cut"})
                sockets.append(len(snapshot["sockets"]))
                self.assertIn(b"--max-size", ssnap("info", path).stdout)
                self.assertIn(b"ended by a limit", ssnap("verify", path).stdout)
                # The same through a pipe.
                raw = ssnap("capture", "-o", "-", "--max-size", str(size)).stdout
                self.assertLessEqual(len(raw), size)
                self.assertIn("manifest-sha256.txt", zstd_frames.members_of(raw))
        self.assertEqual(sockets, sorted(sockets), "more room, no fewer sockets")
        self.assertGreater(sockets[-1], sockets[0])
        run = ssnap("capture", "-o", self.path("enough"), "--max-size", "1G")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_limit_of_file_sizes(self):
        whole = self.whole_size()
        size = whole - 2 * PAGE
        run = ssnap("capture", "-o", self.archive, preexec_fn=limited(size))
        end = self.check_stopped(run, self.archive, "limit")
        self.assertIn("ulimit -f", end["detail"])
        self.assertLessEqual(os.path.getsize(self.archive), size)
        run = ssnap("capture", "-o", self.path("none"), preexec_fn=limited(PAGE))
        self.assertEqual((run.returncode, os.path.exists(self.path("none"))), (1, False))
        # A file that someone else opened can't be ended in order: it is cut.
        with open(self.path("redirected"), "wb") as file:
            run = ssnap("capture", "-o", "-", stdout=file, preexec_fn=limited(whole // 2))
        self.assertIn(b"File too large", run.stderr)
        self.check_cut(run, self.path("redirected"))

    # A disk.

    def small_disk(self, size):
        folder = self.path(f"disk{size}")
        os.mkdir(folder)
        mount("tmpfs", folder, "tmpfs")
        self.addCleanup(lambda: sandbox.LIBC.umount2(folder.encode(), 0))
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)
        return folder

    def test_full_disks(self):
        """Of many sizes: nothing at all, or an archive that is sealed in the room that was kept for its end."""
        whole = self.whole_size()
        sealed = 0
        for size in range(PAGE, whole, PAGE):
            with self.subTest(size):
                disk = self.small_disk(size)
                path = os.path.join(disk, "a")
                run = ssnap("capture", "-o", path)
                self.assertIn(b"No space left", run.stderr)
                if run.returncode == 1:
                    self.assertEqual(os.listdir(disk), [])
                    self.assertIn(b"nothing usable", run.stderr)
                    self.assertEqual(sealed, 0, "with less room there was something")
                    continue
                sealed += 1
                end = self.check_stopped(run, path, "error")
                self.assertIn("No space left", end["detail"])
                self.assertIn(b"what was collected is in", run.stderr)
        self.assertGreater(sealed, 2)

    def injected(self, *what, archive="a.tar.zst"):
        """A capture with faults in its calls on the output. Returns (the run, its path)."""
        path = self.path(archive)
        faults = [word for fault in what for word in ("-e", f"inject={fault}")]
        run = subprocess.run(["strace", "-f", "-qq", "-o", self.path("strace.log"), "-P", path, *faults,
                              SSNAP, "capture", "-o", path], stdin=subprocess.DEVNULL, capture_output=True)
        return run, path

    def test_a_write_that_fails(self):
        """Where no room can be kept: cut back to the last whole group, and ended there."""
        no_reserve = "fallocate:error=EOPNOTSUPP"
        for error, word in (("ENOSPC", "No space left"), ("EDQUOT", "quota"), ("EIO", "Input/output error")):
            with self.subTest(error):
                run, path = self.injected(no_reserve, f"write:error={error}:when=8", archive=error)
                end = self.check_stopped(run, path, "error")
                self.assertIn(word, end["detail"])
                self.assertIn(word, run.stderr.decode())
            with self.subTest((error, "for good")):
                run, path = self.injected(no_reserve, f"write:error={error}:when=8+", archive=error + "2")
                self.assertIn(word, run.stderr.decode())
                self.check_cut(run, path)
            with self.subTest((error, "at once")):
                run, path = self.injected(no_reserve, f"write:error={error}:when=2+", archive=error + "3")
                self.assertEqual((run.returncode, os.path.exists(path)), (1, False), run.stderr)
        run, path = self.injected("fallocate:error=EDQUOT:when=5+", archive="quota")
        self.check_stopped(run, path, "error")
        run, path = self.injected("fdatasync:error=EIO:when=2+", archive="sync")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn(b"Input/output error", run.stderr)

    def test_interrupted_calls(self):
        """EINTR is no error: the same again."""
        run, path = self.injected("write:error=EINTR:when=2+3", "fallocate:error=EINTR:when=1+2", "fdatasync:error=EINTR:when=1+2",
                                  "fsync:error=EINTR:when=1")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("EINTR", self.contents(self.path("strace.log")).decode())
        self.assertEqual(ssnap("verify", path).returncode, 0)

    # Standard output.

    def test_dev_full(self):
        with open("/dev/full", "wb") as full:
            run = ssnap("capture", "-o", "-", stdout=full)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"No space left", run.stderr)
        self.assertNotIn(b"sha256", run.stderr)

    def test_head(self):
        """A reader that takes its bytes and goes: what it took replays."""
        whole = self.whole_size()
        for size in (1, 100, PAGE, whole // 3, whole // 2, whole - 3 * PIPE_BYTES):
            with self.subTest(size):
                read_end, write_end = os.pipe()
                fcntl.fcntl(read_end, F_SETPIPE_SZ, PIPE_BYTES)
                with open(self.archive, "wb") as file, os.fdopen(read_end, "rb") as pipe:
                    head = subprocess.Popen(["head", "-c", str(size)], stdin=pipe, stdout=file)
                with os.fdopen(write_end, "wb") as pipe:
                    run = ssnap("capture", "-o", "-", stdout=pipe, preexec_fn=as_from_a_shell)
                self.assertEqual(head.wait(), 0)
                self.assertEqual(os.path.getsize(self.archive), size)
                self.assertIn(run.returncode, (1, 3))
                self.assertIn(b"Broken pipe", run.stderr)
                if size >= PAGE:
                    self.assertEqual(run.returncode, 3, run.stderr)
                    self.assertIn(b"the reader went away", run.stderr)
                    self.assertRegex(run.stderr.decode().splitlines()[-1], "^ssnap: sha256 [0-9a-f]{64}$")
                    self.assertEqual(analyze_json(self, self.archive, exit_code=3)["capture"]["status"], "cut")
                    verified = ssnap("verify", self.archive)
                    self.assertEqual((verified.returncode, b"altered" in verified.stdout), (3, False))

    # What survives a power loss.

    def test_synced(self):
        """fdatasync behind each large member, fsync of the file and of its folder at the end."""
        for _ in range(400):
            self.add_socket()
        log = self.path("strace.log")
        run, calls = strace.run(log, "capture", "-o", self.archive)
        self.assertEqual(run.returncode, 0, run.stderr)
        raw = self.contents(self.archive)
        ends = zstd_frames.frame_ends(raw)
        # Content frames are those that don't state their size: no flag for it, and no single segment.
        large = [end for begin, end in zip([0, *ends], ends) if raw[begin:begin + 4] == b"\x28\xb5\x2f\xfd" and raw[begin + 4] & 0xe0 == 0]
        self.assertGreater(len(large), 1)
        position, synced, last = 0, set(), None
        names = []
        for call in calls:
            target = re.match(r"\d+<(.*?)>", call.arguments)
            if not target or target[1] not in (self.archive, self.folder) or call.name not in ("write", "fdatasync", "fsync"):
                continue
            names.append((call.name, target[1]))
            if call.name == "write":
                position += call.result
            elif call.name == "fdatasync" and last == "write":
                synced.add(position)
            last = call.name
        self.assertEqual(position, len(raw))
        self.assertLessEqual(set(large), synced)
        last_write = max(index for index, name in enumerate(names) if name[0] == "write")
        self.assertEqual(names[last_write + 1:], [("fdatasync", self.archive), ("fsync", self.archive), ("fsync", self.folder)])

    def add_socket(self):
        sock = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(sock.close)

    def test_the_last_line(self):
        """It is the SHA-256 of what was written, however quiet."""
        for arguments in ([], ["-q"], ["-v"], ["-q", "--timeout", "0.00001"]):
            with self.subTest(arguments):
                run = ssnap("capture", "-o", "-", *arguments)
                lines = run.stderr.decode().splitlines()
                self.assertEqual(lines[-1], f"ssnap: sha256 {hashlib.sha256(run.stdout).hexdigest()}")
                if "-q" in arguments:
                    self.assertEqual(len(lines), 1)


if __name__ == "__main__":
    sandbox.need("strace", "zstd", "sha256sum")
    sandbox.main(own_processes=True)
