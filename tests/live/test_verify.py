"""verify: a capture is intact; whatever happens to the file afterwards is told, and told apart from a cut."""

import os
import subprocess

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import SSNAP, capture, ssnap

INTACT, FAILED, INCOMPLETE, ALTERED = 0, 1, 3, 4


class VerifyTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("a.tar.zst")
        capture(self, self.archive)
        with open(self.archive, "rb") as file:
            self.raw = file.read()

    def verify(self, data):
        """Exit code and text for these bytes, on standard input."""
        run = subprocess.run([SSNAP, "verify", "-"], input=data, capture_output=True, check=False)
        self.assertEqual(run.stderr, b"")
        return run.returncode, run.stdout.decode()

    def test_intact(self):
        run = ssnap("verify", self.archive)
        text = run.stdout.decode()
        self.assertEqual((run.returncode, run.stderr), (INTACT, b""))
        self.assertTrue(text.startswith(f"{self.archive}: intact\n"), text)
        sha256 = subprocess.run(["sha256sum", self.archive], capture_output=True, text=True, check=True).stdout.split()[0]
        self.assertIn(sha256, text)
        self.assertEqual(self.verify(self.raw)[0], INTACT)

    def test_cut(self):
        for size in (len(self.raw) - 1, len(self.raw) // 2, zstd_frames.frame_ends(self.raw)[2]):
            code, text = self.verify(self.raw[:size])
            self.assertEqual(code, INCOMPLETE, text)
            self.assertIn("standard input: incomplete", text)

    def test_a_changed_byte_is_named(self):
        seal = self.raw.rindex(b"\x53\x2a\x4d\x18")
        for at in range(4, len(self.raw), max(1, len(self.raw) // 60)):
            changed = self.raw[:at] + bytes([self.raw[at] ^ 0x10]) + self.raw[at + 1:]
            code, text = self.verify(changed)
            # A seal that is no seal any more looks as if it had been cut off.
            self.assertIn(code, (INCOMPLETE, ALTERED) if at >= seal else (ALTERED,), f"{at}: {text}")

    def test_unpacked(self):
        folder = self.path("unpacked")
        os.mkdir(folder)
        tar = subprocess.run(["zstd", "-dcq", self.archive], capture_output=True, check=True).stdout
        subprocess.run(["tar", "xf", "-", "-C", folder], input=tar, check=True)
        run = ssnap("verify", folder)
        self.assertEqual(run.returncode, INCOMPLETE, run.stdout)
        self.assertNotIn(b"altered", run.stdout)
        with open(os.path.join(folder, "capture.json"), "ab") as file:
            file.write(b" ")
        os.mkdir(os.path.join(folder, "proc", "4194304"))
        with open(os.path.join(folder, "proc", "4194304", "stat"), "wb") as file:
            file.write(b"forged")
        os.unlink(os.path.join(folder, "end.json"))
        run = ssnap("verify", folder)
        text = run.stdout.decode()
        self.assertEqual(run.returncode, ALTERED, text)
        self.assertRegex(text, r"altered: capture\.json: its SHA-256 is \w{64}, the manifest says \w{64}")
        self.assertIn("altered: proc/4194304/stat: the manifest doesn't have it", text)
        self.assertIn("altered: end.json: the manifest has it, it isn't there", text)

    def test_what_is_no_archive(self):
        for content in (b"", b"no archive"):
            path = self.path("other")
            with open(path, "wb") as file:
                file.write(content)
            run = ssnap("verify", path)
            self.assertEqual((run.returncode, run.stdout), (FAILED, b""))
            self.assertIn(b"no ssnap archive", run.stderr)
        run = ssnap("verify", self.path(""))
        self.assertEqual(run.returncode, FAILED)
        self.assertIn(b"manifest-sha256.txt", run.stderr)


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main()
