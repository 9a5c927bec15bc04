"""The same archive gives the same bytes everywhere: another time zone, another language, other services, users and hosts,
another host name, no terminal, no environment."""

import os
import pathlib
import subprocess

from support import sandbox
from support.ssnap import SSNAP

FIXTURES = pathlib.Path(os.environ["SSNAP_SOURCE_ROOT"]) / "fixtures" / "archives"

QUESTIONS = [["analyze"], ["analyze", "--format", "wide"], ["analyze", "--format", "json", "--pairs"], ["analyze", "--format", "ndjson"],
             ["analyze", "--format", "csv"], ["analyze", "--tree"], ["analyze", "--pairs"], ["analyze", "--findings"], ["analyze", "--findings", "--format", "csv"], ["analyze", "-s"], ["analyze", "-tuxe", "--netns", "all"],
             ["analyze", "--as", "ss", "-tuwxap"], ["analyze", "--as", "ss", "-tuaeoim"], ["analyze", "--as", "ss", "-s"],
             ["analyze", "--as", "netstat", "-tuwxape"], ["analyze", "--as", "netstat", "-r"], ["analyze", "--as", "netstat", "-s"],
             ["analyze", "--as", "lsof"], ["analyze", "--as", "lsof", "-x", "--explain"], ["info"], ["verify"]]

# Runs "$@" on a machine that calls everything otherwise.
ELSEWHERE = r"""
set -e
mkdir "$0"
echo 'elsewhere 1001/tcp' >"$0/services"
echo 'anybody:x:0:0::/:/bin/sh' >"$0/passwd"
echo 'anywhere 254' >"$0/protocols"
echo '127.0.0.1 anyhost' >"$0/hosts"
for file in services passwd protocols hosts; do [ ! -e /etc/$file ] || mount --bind "$0/$file" /etc/$file; done
hostname elsewhere
exec "$@"
"""


class DeterministicTest(sandbox.LiveTest):
    def test_on_another_machine(self):
        propagation = [] if sandbox.root_is_a_mount() else ["--propagation", "unchanged"]
        environments = [{}, {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "LANG": "ar_EG", "COLUMNS": "40", "TERM": "xterm", "HOME": "/none"}]
        for archive in sorted(FIXTURES.glob("*.tar.zst")):
            for question in QUESTIONS:
                command = [SSNAP, question[0], str(archive), *question[1:]]
                here = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
                self.assertIn(here.returncode, (0, 3), here.stderr)
                # Tools that read what a cut archive doesn't have any more say nothing.
                self.assertTrue(here.stdout or "cut" in archive.name)
                for number, environment in enumerate(environments):
                    with self.subTest(archive=archive.name, question=question, environment=number):
                        folder = self.path(f"other{len(os.listdir(self.folder))}")
                        there = subprocess.run(["unshare", *propagation, "--mount", "--uts", "--net", "sh", "-c", ELSEWHERE, folder, *command],
                                               capture_output=True, check=False, stdin=subprocess.DEVNULL,
                                               env={"PATH": os.environ["PATH"], **environment})
                        self.assertEqual((there.returncode, there.stderr), (here.returncode, here.stderr))
                        self.assertEqual(there.stdout, here.stdout)


if __name__ == "__main__":
    sandbox.main()
