"""SIGKILL, as by a power loss, at moments all over a capture: what was written by then replays. SSNAP_KILLS is how many
(script/kill-test: 100); the moments are drawn by a fixed seed."""

import collections
import json
import os
import random
import signal
import subprocess

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import SSNAP, analyze_json, capture, ssnap
from support.stopping import PIPE_BYTES, NAME_OF_STAGE, PipedCapture, as_from_a_shell, stage_in

KILLS = int(os.environ.get("SSNAP_KILLS", "15"))
DUMPS_AND_WALK = ("sockets", "processes", "sockets of more namespaces", "sockets again")
PROCESSES = 40  # so that the walk is longer than the pipe


class KillTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        for _ in range(PROCESSES):
            self.child(sandbox.fork_holder([]))
        self.archive = self.path("killed.tar.zst")
        whole = self.path("whole.tar.zst")
        capture(self, whole)
        with open(whole, "rb") as file:
            self.raw = file.read()
        self.ends = zstd_frames.frame_ends(self.raw)
        self.random = random.Random(6)

    def end_with(self, wanted):
        """The end of the first frame with which `wanted` passes the members up to there."""
        low, high = 0, len(self.ends) - 1
        while low < high:
            middle = (low + high) // 2
            if wanted(zstd_frames.members_of(self.raw[:self.ends[middle]])):
                high = middle
            else:
                low = middle + 1
        return self.ends[low]

    def killed_into_a_pipe(self, size):
        """By what was read of it: the collector is then within PIPE_BYTES of there. Returns (bytes, stage)."""
        run = PipedCapture(self).read(size)
        run.process.kill()
        run.process.wait()  # a dead process writes no more
        raw, code, errors = run.rest()
        self.assertEqual(code, -signal.SIGKILL)
        with open(self.archive, "wb") as file:
            file.write(raw)
        return stage_in(errors)

    def killed_into_a_file(self, lines):
        """As soon as -v has named so many stages. Returns the last stage named, None where the capture ended first."""
        if os.path.exists(self.archive):
            os.unlink(self.archive)
        process = subprocess.Popen([SSNAP, "capture", "-v", "-o", self.archive], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   preexec_fn=as_from_a_shell)
        said = b"".join(process.stderr.readline() for _ in range(lines))
        process.kill()
        said += process.communicate()[1]
        return stage_in(said.decode()) if process.returncode == -signal.SIGKILL else None

    def has_ended(self):
        """Whether it had written its end.json by then: two captures differ by some KB."""
        return json.loads(ssnap("analyze", self.archive, "--format", "json").stdout)["capture"]["status"] == "complete"

    def check_replays(self):
        run = ssnap("verify", self.archive)
        self.assertEqual(run.returncode, 3, run.stdout + run.stderr)
        self.assertIn(b": incomplete\n", run.stdout)
        self.assertNotIn(b"altered", run.stdout)
        self.assertEqual(analyze_json(self, self.archive, exit_code=3)["capture"]["status"], "cut")

    def test_killed_anywhere(self):
        readable = self.end_with(lambda members: "capture.json" in members)
        dumped = [name for name in zstd_frames.members_of(self.raw) if "/netlink/pass" in name and "rtnetlink" not in name]
        dumps = self.end_with(lambda members: dumped[0] in members)
        walked = self.end_with(lambda members: dumped[-1] in members)
        self.assertGreater(walked - dumps, 2 * PIPE_BYTES)
        by_stage, too_early, ended_first = collections.Counter(), 0, 0
        while by_stage.total() < KILLS and ended_first <= KILLS:
            number = by_stage.total()
            if 3 * sum(by_stage[stage] for stage in DUMPS_AND_WALK) <= 2 * number:  # two of three in the dumps and the walk
                stage = self.killed_into_a_pipe(self.random.randint(dumps, walked - PIPE_BYTES))
            elif number % 2 == 0:  # anywhere behind capture.json
                stage = self.killed_into_a_pipe(self.random.randint(readable, self.ends[-5] - PIPE_BYTES))
            else:
                stage = self.killed_into_a_file(self.random.randint(1, len(NAME_OF_STAGE.findall(self.whole_errors()))))
            if stage is None or self.has_ended():
                ended_first += 1
                continue
            with self.subTest(number=number, stage=stage):
                self.check_replays()
            by_stage[stage] += 1
        for _ in range(KILLS // 15):  # at once, and counted apart: there may be nothing yet
            self.killed_into_a_file(0)
            if os.path.exists(self.archive) and os.path.getsize(self.archive) >= readable:
                continue
            too_early += 1
            if os.path.exists(self.archive):
                self.assertIn(ssnap("analyze", self.archive).returncode, (1, 3))
        print(f"\n    killed: {dict(by_stage)}; before capture.json was out: {too_early}; ended before the kill: {ended_first}")
        self.assertGreaterEqual(sum(by_stage[stage] for stage in DUMPS_AND_WALK), KILLS / 2)
        self.assertLessEqual(too_early, KILLS / 10)
        self.assertEqual(by_stage.total(), KILLS)

    def whole_errors(self):
        if not hasattr(self, "errors"):
            self.errors = ssnap("capture", "-v", "-o", self.path("again.tar.zst")).stderr.decode()
        return self.errors


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main(own_processes=True)
