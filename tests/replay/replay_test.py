"""replay.py must fail when a golden or the determinism is broken: shown with a stand-in for ssnap."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPLAY = pathlib.Path(__file__).with_name("replay.py")

# `show` writes the archive's bytes; the others break a rule each. An archive named `-` is standard input.
STAND_IN = """#!{python}
import os, sys
command, archive, *rest = sys.argv[1:]
raw = sys.stdin.buffer.read() if archive == "-" else open(archive, "rb").read()
os.write(1, raw + " ".join(rest[command == "diff":]).encode() + b"\\n")
if command == "zone": print(os.environ["TZ"])
if command == "width": print(os.environ["COLUMNS"])
if command == "folder": print(os.getcwd())
if command == "name": print(archive)
if command == "cut": sys.exit(3)
if command == "diff": os.write(1, open(rest[0], "rb").read())
"""


class ReplayTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.ssnap = pathlib.Path(folder.name, "ssnap")
        self.ssnap.write_text(STAND_IN.format(python=sys.executable))
        self.ssnap.chmod(0o755)
        self.folder = pathlib.Path(folder.name, "archives")
        self.folder.mkdir()

    def fixture(self, cases, golden=None, name="host"):
        (self.folder / f"{name}.tar.zst").write_bytes(b"raw \xff bytes ")
        (self.folder / f"{name}.cases").write_text(cases)
        for case, content in (golden or {}).items():
            (self.folder / f"{name}.golden").mkdir(exist_ok=True)
            (self.folder / f"{name}.golden" / f"{case}.txt").write_bytes(content)

    def replay(self, accept=False):
        environment = {**os.environ, "SSNAP_ACCEPT": "1" if accept else ""}
        run = subprocess.run([sys.executable, REPLAY, self.ssnap, self.folder], env=environment, capture_output=True)
        self.assertEqual(run.stderr, b"")
        return run.returncode, run.stdout.decode()

    def test_as_the_golden_says(self):
        self.fixture("# a comment\n\nall show -a 'two words'\n", {"all": b"raw \xff bytes -a two words\n"})
        self.assertEqual(self.replay(), (0, "1 archives replayed\n"))

    def test_two_archives(self):
        self.fixture("same diff @host -a\n", {"same": b"raw \xff bytes -a\nraw \xff bytes "})
        self.assertEqual(self.replay(), (0, "1 archives replayed\n"))
        self.fixture("none diff @another\n")
        self.assertEqual(self.replay()[0], 1)

    def test_another_output(self):
        self.fixture("all show -a\n", {"all": b"raw \xff bytes -b\n"})
        code, output = self.replay()
        self.assertEqual(code, 1)
        self.assertIn("+raw \\xff bytes -a", output)

    def test_another_line_end(self):
        self.fixture("all show\n", {"all": b"raw \xff bytes \r\n"})
        self.assertEqual(self.replay()[0], 1)

    def test_another_exit_code(self):
        self.fixture("all cut\n", {"all": b"raw \xff bytes \n"})
        self.assertEqual(self.replay()[0], 1)
        self.fixture("all exit=3 cut\n")
        self.assertEqual(self.replay()[0], 0)

    def test_output_that_depends_on_where_it_runs(self):
        for command in ("zone", "width", "folder", "name"):
            with self.subTest(command):
                self.fixture(f"all {command}\n")
                for accept in (True, False):
                    code, output = self.replay(accept)
                    self.assertEqual(code, 1)
                    self.assertIn("something else", output)
                self.assertFalse((self.folder / "host.golden").exists())

    def test_accepting(self):
        self.fixture("all show\n", {"all": b"old\n"})
        self.assertEqual(self.replay(accept=True)[0], 77)
        self.assertEqual((self.folder / "host.golden/all.txt").read_bytes(), b"raw \xff bytes \n")
        self.assertEqual(self.replay()[0], 0)

    def test_something_is_missing_or_left_over(self):
        self.assertIn("there is no archive", self.replay()[1])
        self.fixture("all show\n")
        self.assertIn("SSNAP_ACCEPT=1", self.replay()[1])
        self.fixture("all show\n", {"all": b"raw \xff bytes \n", "old": b""})
        self.assertEqual(self.replay(), (1, "host: host.golden/old.txt belongs to no case\n"))
        for cases in ("", "all\n", "all show\nall show -a\n", "a/b show\n"):
            with self.subTest(cases):
                self.fixture(cases)
                self.assertEqual(self.replay()[0], 1)
        (self.folder / "host.cases").unlink()
        self.assertIn("has no host.cases", self.replay()[1])


if __name__ == "__main__":
    unittest.main()
