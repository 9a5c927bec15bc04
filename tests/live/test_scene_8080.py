"""The scene that started ssnap: a server listens on 8080 and spawns a shell, which inherits the listener. netstat
names one of them, ss both; ssnap names both, offline, and says which one has it from the other."""

import datetime
import os
import pathlib
import re
import subprocess
import sys

from support import sandbox
from support.ssnap import analyze_json, capture, certain_owners, sockets_of, ssnap

SERVER = pathlib.Path(__file__).with_name("support") / "server_8080.py"


def start_ticks(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def start_time(pid):
    """When it started by /proc/stat's btime, which is rounded to a second."""
    with open("/proc/stat", encoding="ascii") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    return boot + start_ticks(pid) / os.sysconf("SC_CLK_TCK")


class Scene8080Test(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.process = subprocess.Popen([sys.executable, "-B", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.stop)
        self.fd, self.shell = (int(word) for word in self.process.stdout.readline().split())
        self.server = self.process.pid
        self.archive = self.path("8080.tar.zst")
        capture(self, self.archive)
        self.real = {tool: subprocess.run([tool, "-lntp"], capture_output=True, text=True, check=True).stdout
                     for tool in ("ss", "netstat")}

    def stop(self):
        """Closes its input: it ends, and its shell with it."""
        if self.process.returncode is None:
            self.process.communicate()

    def analyze(self, *arguments):
        run = ssnap("analyze", self.archive, *arguments)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout.decode()

    def test_what_the_tools_say(self):
        self.assertIn(f"pid={self.server},", self.real["ss"])
        self.assertIn(f"pid={self.shell},", self.real["ss"])
        self.assertIn(f" {self.server}/", self.real["netstat"])
        self.assertNotIn(f" {self.shell}/", self.real["netstat"])

    def test_json(self):
        snapshot = analyze_json(self, self.archive, "-lntp")
        [listener] = sockets_of(snapshot, self.netns)
        self.assertEqual((listener["local"]["address"], listener["local"]["port"], listener["state"]), ("::", 8080, "LISTEN"))
        self.assertEqual(certain_owners(listener), {self.server: [self.fd], self.shell: [self.fd]})
        owners = {owner["pid"]: owner for owner in listener["owners"]}
        self.assertEqual(set(owners), {self.server, self.shell})
        self.assertEqual(owners[self.server]["origin"], "creator")
        self.assertNotIn("inherited_from", owners[self.server])
        self.assertEqual(owners[self.shell]["origin"], "inherited")
        self.assertEqual(owners[self.shell]["inherited_from"],
                         {"pid": self.server, "start_ticks": start_ticks(self.server)})
        processes = {process["pid"]: process for process in snapshot["processes"]}
        self.assertEqual(processes[self.shell]["ppid"], self.server)
        self.assertEqual(processes[self.server]["ppid"], os.getpid())
        for pid in (self.server, self.shell):
            for record in (owners[pid], processes[pid]):
                self.assertEqual(record["start_ticks"], start_ticks(pid))
                self.assertRegex(record["start_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
                said = datetime.datetime.fromisoformat(record["start_time"].replace("Z", "+00:00")).timestamp()
                self.assertAlmostEqual(said, start_time(pid), delta=2)
        self.assertEqual(owners[self.shell]["cmdline"][0], "/bin/sh")

    def test_the_table_names_both(self):
        table = self.analyze("-lntp")
        for comm, pid in (("python3", self.server), ("sh", self.shell)):
            self.assertRegex(table, rf"\b{comm}[\d.]*\[{pid}\].*\bfd {self.fd}\b")
        self.assertRegex(table, rf"sh\[{self.shell}\].*inherited from {self.server}\b")
        # Not one that listens everywhere: only the scene does.
        self.assertEqual(len(re.findall("LISTEN", table)), 1)

    def test_as_netstat(self):
        said = self.analyze("--as", "netstat", "-lntp").splitlines()
        real = self.real["netstat"].splitlines()
        rows = [line for line in said if line.startswith("tcp")]
        self.assertEqual(rows, [line for line in real if line.startswith("tcp")])
        self.assertEqual(len(rows), 1)
        self.assertEqual([line for line in said if line.startswith("Proto")], [line for line in real if line.startswith("Proto")])

    def test_as_netstat_explained(self):
        plain = self.analyze("--as", "netstat", "-lntp").splitlines()
        explained = self.analyze("--as", "netstat", "-lntp", "--explain").splitlines()
        more = [line for line in explained if line not in plain]
        self.assertEqual([line for line in explained if line in plain], plain, "the rows themselves stay")
        self.assertEqual(len(more), 1, more)
        self.assertRegex(more[0], rf"\[{self.shell}\].*inherited from {self.server}\b")
        self.assertEqual(explained.index(more[0]), [line.startswith("tcp") for line in explained].index(True) + 1)

    def test_the_host_is_not_asked_again(self):
        """The processes have ended and the namespace is gone: the archive still says the same."""
        before = self.analyze("-lntp")
        self.stop()
        self.assertFalse(os.path.exists(f"/proc/{self.shell}"))
        sandbox.fresh_network_namespace()
        self.assertEqual(self.analyze("-lntp"), before)
        self.assertIn(":8080", before)


if __name__ == "__main__":
    sandbox.need("ss", "netstat")
    sandbox.main(own_processes=True)
