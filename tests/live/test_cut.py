"""A cut archive is still evidence: cut at any byte, it replays what is whole and says so."""

import json
import os

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import capture, ssnap

CHECKSUM_BYTES = 4  # at the end of a zstd frame


def keys(snapshot):
    """What a socket is, in whichever view it was seen. A cut archive may know less about it, but not another one."""
    def end(side):
        side = side or {}
        return tuple(side.get(key) for key in ("address", "port", "path", "abstract"))

    return [(sock["family"], sock["protocol"], end(sock.get("local")), sock.get("inode"),
             end(sock.get("peer")) if sock["family"] != "unix" else None) for sock in snapshot["sockets"]]


class CutTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("whole.tar.zst")
        self.cut = self.path("cut.tar.zst")
        self.whole = capture(self, self.archive)
        with open(self.archive, "rb") as file:
            self.raw = file.read()
        self.ends = zstd_frames.frame_ends(self.raw)
        self.readable = self.end_of("capture.json")  # from here on there is a snapshot
        self.ended = self.end_of("end.json")         # from here on only the manifest and the seal are missing

    def end_of(self, member):
        """The end of the frame with which a member is whole."""
        low, high = 0, len(self.ends) - 1
        while low < high:
            middle = (low + high) // 2
            if member in zstd_frames.members_of(self.raw[:self.ends[middle]]):
                high = middle
            else:
                low = middle + 1
        return self.ends[low]

    def analyze_cut(self, size):
        """The archive's first `size` bytes. From large to small: one file, truncated further each time."""
        if not os.path.exists(self.cut) or os.path.getsize(self.cut) < size:
            with open(self.cut, "wb") as file:
                file.write(self.raw)
        os.truncate(self.cut, size)
        return ssnap("analyze", self.cut, "--format", "json")

    def has(self, size, end, seen):
        """Whether the frame that ends at `end` is within `size`. If only its checksum is cut it may be used or not."""
        return seen if end - CHECKSUM_BYTES <= size < end else size >= end

    def check_cut(self, size):
        run = self.analyze_cut(size)
        if not self.has(size, self.readable, run.returncode == 3):
            self.assertEqual((run.returncode, run.stdout), (1, b""))
            self.assertIn(b"no snapshot", run.stderr.lower())
            return None
        self.assertEqual(run.returncode, 3, run.stderr)
        snapshot = json.loads(run.stdout)
        status = snapshot["capture"]["status"]
        self.assertEqual(status, "complete" if self.has(size, self.ended, status == "complete") else "cut")
        found, whole = keys(snapshot), keys(self.whole)
        self.assertLessEqual(set(found), set(whole))
        self.assertLessEqual(len(found), len(whole))
        return snapshot

    def test_the_whole_is_whole(self):
        self.assertEqual(self.ends[-1], len(self.raw))
        self.assertGreater(len(self.ends), 5)
        self.assertEqual(self.whole["capture"]["status"], "complete")
        self.assertLess(self.readable, 16384, "capture.json is written at once")
        self.assertGreater(len(self.whole["sockets"]), 50)

    def test_at_every_frame(self):
        rows = []
        for end in reversed([0, *self.ends[:-1]]):
            with self.subTest(end=end):
                snapshot = self.check_cut(end)
                if snapshot is not None:
                    rows.append(len(snapshot["sockets"]))
        self.assertEqual(rows[0], len(self.whole["sockets"]), "without its last frame only the seal is gone")
        self.assertEqual(rows, sorted(rows, reverse=True), "more bytes, no fewer sockets")
        self.assertEqual(rows[-1], 0, "capture.json alone has no socket")

    def test_at_many_bytes(self):
        """Around each frame's border, every byte of the first frames and of the last, and a step through the rest."""
        border = {end + delta for end in self.ends for delta in (-1, 1)}
        middle = {(begin + end) // 2 for begin, end in zip([0, *self.ends], self.ends)}
        first = set(range(0, self.readable + 8, 7)) | set(range(self.readable - 8, self.readable + 8))
        last = set(range(len(self.raw) - 40, len(self.raw)))
        step = set(range(0, len(self.raw), max(1, len(self.raw) // 150)))
        sizes = sorted(size for size in border | middle | first | last | step if 0 <= size < len(self.raw))
        self.assertGreater(len(sizes), 200)
        for size in reversed(sizes):
            with self.subTest(size=size):
                self.check_cut(size)

    def test_no_archive_at_all(self):
        for content in (b"", b"\0" * 4096, b"not an archive\n", self.raw[:3], b"\x28\xb5\x2f\xfd"):
            with self.subTest(content[:8]):
                with open(self.cut, "wb") as file:
                    file.write(content)
                for command in ("analyze", "info"):
                    run = ssnap(command, self.cut)
                    self.assertEqual((run.returncode, run.stdout), (1, b""))
                    self.assertIn(b"no snapshot", run.stderr.lower())
        run = ssnap("analyze", self.path("absent"))
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertIn(b"absent", run.stderr)

    def test_info_says_that_it_is_cut(self):
        self.analyze_cut(self.ends[-2])
        run = ssnap("info", self.cut)
        self.assertEqual(run.returncode, 3)
        self.assertRegex(run.stdout.decode().lower(), "cut|unsealed|incomplete")
        self.assertTrue(run.stderr)
        self.assertEqual(ssnap("info", self.archive).returncode, 0)


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main(own_processes=True)
