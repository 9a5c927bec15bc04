"""A capture that is stopped in order: by a signal or at its time. What was collected is sealed, and says that it isn't all."""

import json
import re
import signal
import time

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import analyze_json, sockets_of, ssnap
from support.stopping import STOP_SIGNALS, PipedCapture, as_from_a_shell, sha256_line, stage_in


class StopTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("a.tar.zst")

    def check_sealed(self, raw, errors):
        """Sealed, whole by every measure, and hashed. Returns (end.json, the snapshot)."""
        self.assertEqual(errors.splitlines()[-1], sha256_line(raw))
        self.assertEqual(zstd_frames.frame_ends(raw)[-1], len(raw))
        members = zstd_frames.members_of(raw)
        self.assertEqual(list(members)[-2:], ["end.json", "manifest-sha256.txt"])
        with open(self.archive, "wb") as file:
            file.write(raw)
        run = ssnap("verify", self.archive)
        self.assertEqual(run.returncode, 0, run.stdout)
        return json.loads(members["end.json"]), analyze_json(self, self.archive)

    def gaps_of(self, snapshot, source):
        return [gap for gap in snapshot["gaps"] if gap["source"] == source]

    def test_signals(self):
        whole, code, _ = PipedCapture(self).rest()
        self.assertEqual(code, 0)
        for number in STOP_SIGNALS:
            with self.subTest(number):
                capture = PipedCapture(self).read(1)
                capture.send(number)
                raw, code, errors = capture.rest()
                self.assertEqual(code, 128 + number)
                self.assertLess(len(raw), len(whole), "it went on as if nothing had been")
                end, snapshot = self.check_sealed(raw, errors)
                self.assertEqual((end["status"], end["signal"]), ("interrupted", number))
                self.assertIn(f"interrupted by signal {int(number)}\n", errors)
                self.assertEqual(snapshot["capture"]["status"], "interrupted")
                # What was not read is on record, by its stage.
                left_out = self.gaps_of(snapshot, "capture")
                self.assertIn("sockets", [gap["detail"].split(":")[0] for gap in left_out])
                self.assertEqual({(gap["kind"], gap["detail"].split(": ")[1]) for gap in left_out}, {("cut", f"signal {int(number)}")})
                verified = ssnap("verify", self.archive).stdout.decode()
                self.assertIn(f"interrupted by signal {int(number)}", verified)

    def test_a_second_signal_ends_it_at_once(self):
        for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGPIPE),
                              (signal.SIGPIPE, signal.SIGPIPE), (signal.SIGXCPU, signal.SIGHUP)):
            with self.subTest((first, second)):
                capture = PipedCapture(self).read(1)  # nobody reads: it can't be sealed
                capture.send(first)
                self.assertIsNone(capture.process.poll())
                capture.process.send_signal(second)
                self.assertEqual(capture.process.wait(), -second)
                capture.end()

    def test_what_was_ignored_stays_ignored(self):
        """nohup."""
        def ignore_hangup():
            as_from_a_shell()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

        capture = PipedCapture(self, preexec=ignore_hangup).read(1)
        capture.send(signal.SIGHUP)
        raw, code, errors = capture.rest()
        self.assertEqual(code, 0, errors)
        end, _ = self.check_sealed(raw, errors)
        self.assertEqual(end["status"], "complete")

    def test_no_time_at_all(self):
        run = ssnap("capture", "-o", self.archive, "--timeout", "0.000000001")
        self.assertEqual(run.returncode, 3)
        self.assertIn(b"ended by a limit: --timeout 0.000000001 s\n", run.stderr)
        with open(self.archive, "rb") as file:
            end, snapshot = self.check_sealed(file.read(), run.stderr.decode())
        self.assertEqual((end["status"], end["detail"]), ("limit", "--timeout 0.000000001 s"))
        self.assertEqual(snapshot["sockets"], [])
        left_out = {gap["detail"].split(":")[0]: gap for gap in self.gaps_of(snapshot, "capture")}
        self.assertLessEqual({"host files", "sockets", "processes", "sockets again"}, set(left_out))
        self.assertEqual({gap["kind"] for gap in left_out.values()}, {"timeout"})
        self.assertEqual(end["gaps"]["timeout"], sum(gap["count"] for gap in left_out.values()))
        info = ssnap("info", self.archive)
        self.assertEqual(info.returncode, 0)
        self.assertRegex(info.stdout.decode(), r"(?m)^Status +limit: --timeout 0\.000000001 s$")
        self.assertRegex(info.stdout.decode(), r"(?m)^  \d+ timeout: capture, sockets: --timeout 0\.000000001 s$")
        self.assertIn(b"ended by a limit (--timeout 0.000000001 s)", ssnap("verify", self.archive).stdout)

    def test_out_of_time_on_the_way(self):
        """Nobody reads until the time is over: what is begun is ended, nothing more is."""
        capture = PipedCapture(self, "--timeout", "0.2").read(1)
        time.sleep(0.3)  # more than is left of it
        raw, code, errors = capture.rest()
        self.assertEqual(code, 3)
        end, snapshot = self.check_sealed(raw, errors)
        self.assertEqual((end["status"], end["detail"]), ("limit", "--timeout 0.2 s"))
        self.assertIn("sockets", [gap["detail"].split(":")[0] for gap in self.gaps_of(snapshot, "capture")])

    def test_time_enough(self):
        run = ssnap("capture", "-o", self.archive, "--timeout", "100000")
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(self.archive, "rb") as file:
            end, snapshot = self.check_sealed(file.read(), run.stderr.decode())
        self.assertEqual(end["status"], "complete")
        self.assertEqual(self.gaps_of(snapshot, "capture"), [])

    def test_a_stalled_reader(self):
        """Nobody reads for a while: the capture waits, and then goes on. Stages follow what is read."""
        capture = PipedCapture(self).read(1)
        sandbox.wait_until(lambda: "S" == self.state_of(capture.process.pid), "the wait for the reader")
        with open(capture.errors, encoding="utf-8") as file:
            self.assertIn(stage_in(file.read()), ("", "host files"), "it ran ahead of its reader")
        raw, code, errors = capture.rest()
        self.assertEqual(code, 0)
        end, snapshot = self.check_sealed(raw, errors)
        self.assertEqual(end["status"], "complete")
        self.assertGreater(len(sockets_of(snapshot, self.netns)), 20)
        self.assertTrue(re.search("processes", errors))

    def state_of(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2][0]


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main(own_processes=True)
