"""Detached signatures by tools that everybody has, as docs/assurance.md shows them: of an archive that wasn't touched they
are good, and one changed byte makes them bad.

    signature_test.py SSNAP ARCHIVE
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SSNAP, ARCHIVE = pathlib.Path(sys.argv[1]).resolve(), sys.argv.pop(2)
del sys.argv[1]
IDENTITY, NAMESPACE = "examiner@example.org", "ssnap"


class SignatureTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.archive = self.folder / "capture.tar.zst"
        self.archive.write_bytes(pathlib.Path(ARCHIVE).read_bytes())

    def run_tool(self, *words, stdin=b""):
        """Runs with no home, no agent and no terminal of ours; a tool that isn't there is an error."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LC_ALL": "C"}
        return subprocess.run([str(word) for word in words], input=stdin, capture_output=True, env=environment, check=False,
                              cwd=self.folder)

    def must(self, *words, stdin=b""):
        run = self.run_tool(*words, stdin=stdin)
        self.assertEqual(run.returncode, 0, (words, run.stdout, run.stderr))
        return run

    def flip(self, at):
        data = bytearray(self.archive.read_bytes())
        data[at] ^= 1
        self.archive.write_bytes(data)

    def check_signature(self, is_good):
        """The archive verifies, its signature is good; after any one changed byte both are bad."""
        self.must(SSNAP, "verify", self.archive)
        self.assertEqual(is_good().returncode, 0, is_good().stderr)
        size = self.archive.stat().st_size
        for at in (0, size // 2, size - 1):
            self.flip(at)
            self.assertNotEqual(is_good().returncode, 0, f"byte {at}")
            self.assertNotEqual(self.run_tool(SSNAP, "verify", self.archive).returncode, 0)
            self.flip(at)
        self.assertEqual(is_good().returncode, 0)

    def test_ssh_keygen(self):
        self.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", IDENTITY, "-f", "key")
        self.must("ssh-keygen", "-Y", "sign", "-f", "key", "-n", NAMESPACE, self.archive)
        key = (self.folder / "key.pub").read_text().split()
        (self.folder / "signers").write_text(f'{IDENTITY} namespaces="{NAMESPACE}" {key[0]} {key[1]}\n')

        def is_good():
            return self.run_tool("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", IDENTITY, "-n", NAMESPACE,
                                 "-s", f"{self.archive}.sig", stdin=self.archive.read_bytes())

        self.check_signature(is_good)
        # Another's key signs nothing for this examiner.
        self.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "other")
        (self.folder / "capture.tar.zst.sig").unlink()
        self.must("ssh-keygen", "-Y", "sign", "-f", "other", "-n", NAMESPACE, self.archive)
        self.assertNotEqual(is_good().returncode, 0)

    def test_minisign(self):
        self.must("minisign", "-G", "-W", "-p", "key.pub", "-s", "key")
        self.must("minisign", "-S", "-W", "-s", "key", "-t", "case 2026-17", "-m", self.archive)

        def is_good():
            return self.run_tool("minisign", "-V", "-p", "key.pub", "-m", self.archive)

        self.assertIn(b"case 2026-17", is_good().stdout)
        self.check_signature(is_good)


if __name__ == "__main__":
    unittest.main()
