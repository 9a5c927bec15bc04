"""Captures of a host that works against it: with limits on what the collector may need, and what it says of the gaps."""

import os
import shutil
import subprocess
import sys

from support.owners import OwnersTest
from support.ssnap import LOSING_GAPS, SSNAP, analyze_json

# The collector's memory at its peak, in any of these scenes. A quiet host needs some 20 MB; the size is that of the
# largest member, compressed, and of the sockets' inodes, so a hostile host must not be able to raise it much.
MAX_PEAK_BYTES = 128 * 1024 * 1024


# Runs a command and writes its peak memory into a descriptor. A process of its own, and a small one: what a process needed
# before it executed the collector counts as the collector's.
MEASURE = """
import os, sys
into = int(sys.argv[1])
os.set_inheritable(into, False)
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(into, b"%d" % usage.ru_maxrss)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
"""


class HostileTest(OwnersTest):
    max_peak_bytes = MAX_PEAK_BYTES

    def ssnap_for_everybody(self):
        """A copy of the executable: not all folders above the build may be open to everybody."""
        os.chmod(self.folder, 0o755)
        shutil.copy(SSNAP, self.path("ssnap"))
        os.chmod(self.path("ssnap"), 0o755)
        return self.path("ssnap")

    def run_capture(self, *arguments, prefix=(), ssnap=SSNAP, exit_codes=(0, 3), **popen_arguments):
        """Captures, and checks what it needed and that the exit code agrees with the gaps. Sets `archive`, `snapshot`,
        `gaps` and `peak_bytes`."""
        self.archive = self.path(f"{len(os.listdir(self.folder))}.tar.zst")
        measured, into = os.pipe()
        with open(self.archive, "wb") as output, open(measured, "rb") as peak:
            run = subprocess.run([*prefix, sys.executable, "-ISB", "-c", MEASURE, str(into), ssnap, "capture", "-o", "-",
                                  *arguments], stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.PIPE, pass_fds=[into], **popen_arguments)
            os.close(into)
            peak_kib = peak.read()
        said = run.stderr.decode(errors="replace")
        self.assertIn(run.returncode, exit_codes, said)
        self.peak_bytes = int(peak_kib) * 1024
        self.assertLess(self.peak_bytes, self.max_peak_bytes)
        self.snapshot = analyze_json(self, self.archive)
        self.processes = {process["pid"]: process for process in self.snapshot["processes"]}
        self.gaps = self.snapshot["gaps"]
        lost = [gap for gap in self.gaps if gap["kind"] in LOSING_GAPS]
        self.assertEqual(run.returncode, 3 if lost else 0, f"exit code against the gaps {lost}")
        return self.snapshot

    def gaps_of(self, kind, **fields):
        return [gap for gap in self.gaps if gap["kind"] == kind and all(gap.get(name) == value for name, value in fields.items())]

    def check_no_gaps(self, kinds=LOSING_GAPS, but=()):
        """Nothing was lost, except of the processes named."""
        self.assertEqual([gap for gap in self.gaps if gap["kind"] in kinds and gap.get("pid") not in but], [])
