"""--as ss over the fixtures: the real ss, fed with what `extract` wrote of the same archive, prints the same bytes. TCP and
UDP from their netlink dumps (TCPDIAG_FILE), raw sockets, and every table of a copy of /proc, from procfs (PROC_ROOT).
Cgroups and interfaces have the names of the machine that ss runs on: where they stand, they are left out here."""

import os
import pathlib
import re
import shutil

from support import replay_tools, sandbox
from support.ssnap import ssnap

FIXTURES = pathlib.Path(os.environ["SSNAP_SOURCE_ROOT"]) / "fixtures" / "archives"

# File of the tree, arguments, and the switches among them that ask for further attributes.
# ss reads the file for TCP only, so that UDP comes with it.
NETLINK = [("all", "-tanpe", ""), ("all", "-tuanpe", ""), ("all", "-tuanpeoim", "im"), ("all", "-tuanoi", "i"),
           ("all", "-tuanmO", "m"), ("listening", "-lntp", ""), ("listening", "-tulnpeH", ""),
           ("established", "-tn", ""), ("established", "-tunp", ""), ("established", "-tunpoem", "m")]
PROCFS = ["-wanp", "-wanpe"]
# Of the copy of /proc in the tree, which has no netlink data.
COPY = ["-tanpe", "-uanp", "-tuanpeo", "-lntp", "-wanp"]

CGROUP = re.compile(rb" cgroup:\S+")
INTERFACE = re.compile(rb"%[^:]+:")


class ReplaySsTest(sandbox.LiveTest):
    def answer(self, snapshot, switches):
        run = ssnap("analyze", snapshot, "--as", "ss", switches)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        return run.stdout

    def compare(self, real, ours, what):
        # A name that stands in for another may be of another length, on which columns depend: rows by their words.
        def words(text):
            return [INTERFACE.sub(b"%:", CGROUP.sub(b"", line)).split() for line in text.splitlines()]
        if CGROUP.search(real) or INTERFACE.search(real):
            self.assertEqual(words(ours), words(real), what)
        else:
            self.assertEqual(ours, real, what)

    def test_netlink_and_procfs(self):
        # Those of other kernels were held against ss on these kernels, word for word, when script/kernels made them.
        archives = sorted(path for path in FIXTURES.glob("*.tar.zst") if not path.name.startswith(("demo-cut", "kernel-")))
        self.assertGreaterEqual(len(archives), 2)
        for archive in archives:
            tree = replay_tools.extract(self, archive)
            for states, switches, extra in NETLINK:
                table = {"t": "tcp", "u": "udp"}
                chosen = "-".join(table[letter] for letter in "tu" if letter in switches)
                with self.subTest(archive=archive.name, switches=switches):
                    real = replay_tools.ss_netlink(tree, f"{states}-{chosen}", switches, switches=extra, reorder=True)
                    self.assertIn(b"Recv-Q" if "H" not in switches else b":", real)
                    self.compare(real, self.answer(archive, switches), switches)
            for switches in PROCFS:
                with self.subTest(archive=archive.name, switches=switches):
                    self.compare(replay_tools.ss_proc(tree, switches), self.answer(archive, switches), switches)

    def test_a_copy_of_proc(self):
        for archive in (FIXTURES / "demo.tar.zst", FIXTURES / "owners.tar.zst"):
            tree = replay_tools.extract(self, archive)
            copy = os.path.join(os.path.dirname(tree), "copy")
            shutil.copytree(f"{tree}/proc", copy, symlinks=True)
            for switches in COPY:
                with self.subTest(archive=archive.name, switches=switches):
                    self.compare(replay_tools.ss_proc(tree, switches), self.answer(copy, switches), switches)


if __name__ == "__main__":
    sandbox.need("ss")
    sandbox.main()
