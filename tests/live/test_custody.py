"""Who took this, where, when, with what, and for whom: facts that an archive states early, and what its journal accounts for."""

import hashlib
import json
import os
import pty
import re
import subprocess
import time

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import SSNAP, ssnap

STA_UNSYNC = 0x40
OWN_FILES = re.compile(r"^(README\.txt|capture\.json|end\.json|manifest-sha256\.txt|journal/\d+\.jsonl)$")
CASE = [("notes", "seized\trunning"), ("number", "2026-17"), ("rack", "b4"), ("examiner", "A. Nother"), ("evidence", "E-3"),
        ("description", "front end")]


def proc_self(name):
    with open(f"/proc/self/{name}", encoding="ascii", errors="replace") as file:
        return file.read()


class CustodyTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.archive = self.path("a.tar.zst")

    def members(self):
        with open(self.archive, "rb") as file:
            return zstd_frames.members_of(file.read())

    def info(self):
        run = ssnap("info", self.archive)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.decode()

    def test_facts(self):
        before = time.time_ns()
        with open("/proc/uptime", encoding="ascii") as file:
            uptime = float(file.read().split()[0])
        arguments = ["capture", "-o", self.archive, *[word for name, value in CASE for word in ("--case", f"{name}={value}")]]
        process = subprocess.Popen([SSNAP, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = process.communicate()[1]
        after = time.time_ns()
        self.assertEqual(process.returncode, 0, errors)
        members = self.members()
        info, end = json.loads(members["capture.json"]), json.loads(members["end.json"])
        collector = info["collector"]

        with open(SSNAP, "rb") as file:
            self.assertEqual(info["tool"]["sha256"], hashlib.sha256(file.read()).hexdigest())
        self.assertEqual(info["tool"]["executable"], os.path.realpath(SSNAP))
        self.assertEqual(info["arguments"], ["ssnap", *arguments])
        self.assertEqual([(field["name"], field["value"]) for field in info["case"]], CASE)
        self.assertEqual((collector["pid"], collector["parent"]), (process.pid, os.getpid()))
        self.assertEqual([collector[name] for name in ("uid", "euid", "gid", "egid")], [os.getuid(), os.geteuid(), os.getgid(), os.getegid()])
        for name, key in (("effective", "CapEff"), ("permitted", "CapPrm"), ("bounding", "CapBnd")):
            self.assertEqual(collector[f"capabilities_{name}"], re.search(rf"^{key}:\t(\w+)$", proc_self("status"), re.M)[1])
        for name, path in (("login_uid", "loginuid"), ("audit_session", "sessionid")):
            value = int(proc_self(path)) if os.path.exists(f"/proc/self/{path}") else 0xffffffff
            self.assertEqual(collector.get(name), None if value == 0xffffffff else value)
        stat = proc_self("stat").rpartition(") ")[2].split()
        self.assertEqual(collector["session"], int(stat[3]))
        self.assertEqual(collector.get("terminal", 0), int(stat[4]))
        for name, inode in collector["namespaces"].items():
            self.assertEqual(os.readlink(f"/proc/self/ns/{name}"), f"{name}:[{inode}]")
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            self.assertEqual(info["host"]["boot_id"], file.read().strip())

        self.assertTrue(before <= info["clocks"]["realtime_nsec"] <= end["clocks"]["realtime_nsec"] <= after)
        self.assertTrue(0.02 + info["clocks"]["boottime_nsec"] / 1e9 >= uptime)
        for clock in (info["clock_sync"], end["clock_sync"]):
            self.assertEqual(clock["synchronized"], not clock["status"] & STA_UNSYNC)
            self.assertEqual(set(clock), {"synchronized", "state", "status", "max_error_usec", "estimated_error_usec", "tai_offset_sec"})

        # In people's words, the case first.
        lines = self.info().splitlines()
        self.assertEqual([re.sub(r"^(\w+) +", r"\1 ", line) for line in lines[:6]],
                         ["Case 2026-17", "Evidence E-3", "Examiner A. Nother", "Description front end", r"Notes seized\x09running", "Case rack: b4"])
        text = "\n".join(lines)
        for label, words in (("Uptime", r"\d+ d \d\d:\d\d:\d\d"), ("Executable", re.escape(info["tool"]["executable"])),
                             ("Taken by", rf"ssnap .*, sha256 {info['tool']['sha256']}"), ("Command", r"ssnap capture -o .*number=2026-17.*"),
                             ("Run as", rf"uid 0, capabilities {collector['capabilities_effective']}, permitted \w+, bounding \w+"),
                             ("Login", rf".*session {collector['session']}, .*pid {process.pid}, parent {os.getpid()}"),
                             ("Clock", "(not )?synchronized.*; at the end: (not )?synchronized.*"),
                             ("Boot id", info["host"]["boot_id"])):
            self.assertRegex(text, rf"(?m)^{label} +{words}$")

    def test_a_terminal(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execv(SSNAP, [SSNAP, "capture", "-q", "-o", self.archive])
        try:
            while os.read(master, 4096):
                pass
        except OSError:
            pass  # it has ended
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(master)
        self.assertRegex(self.info(), rf"(?m)^Login +.*session {pid}, terminal pts/\d+, pid {pid}, ")

    def test_the_journal_accounts_for_everything(self):
        """Each member has its read, with its size and its time; each source's window is within the capture's."""
        self.assertEqual(ssnap("capture", "-o", self.archive).returncode, 0)
        members = self.members()
        info, end = json.loads(members["capture.json"]), json.loads(members["end.json"])
        entries = [json.loads(line) for name in members if name.startswith("journal/") for line in members[name].splitlines()]
        reads = [entry for entry in entries if entry["type"] == "read"]
        by_member = {}
        for entry in reads:
            self.assertLessEqual(entry["begin_nsec"], entry["end_nsec"])
            # The choice of a procfs comes before everything else.
            if entry["source"] != "procfs":
                self.assertGreaterEqual(entry["begin_nsec"] + 1_000_000_000, info["clocks"]["boottime_nsec"])
            self.assertLessEqual(entry["end_nsec"], end["clocks"]["boottime_nsec"])
            if "member" in entry and "offset" not in entry:
                by_member.setdefault(entry["member"], []).append(entry)
        silent = [name for name in members if not OWN_FILES.match(name) and name not in by_member]
        self.assertEqual(silent, [], "members that no entry is about")
        for name, about in by_member.items():
            sizes = {entry["bytes"] for entry in about if "bytes" in entry}
            if name in members and sizes:
                self.assertEqual(sizes, {len(members[name])}, name)
        self.assertIn("collector", {entry["source"] for entry in reads})
        # Every gap is counted, and no other.
        gaps = {}
        for entry in reads:
            if entry["outcome"] != "ok":
                gaps[entry["outcome"]] = gaps.get(entry["outcome"], 0) + max(entry.get("count", 1), 1)
        self.assertEqual(end["gaps"], gaps)

    def test_names_of_the_case(self):
        for fields, word in ((["number=1", "number=1"], b"'number' twice"), (["a=1", "b=2", "a=3"], b"'a' twice")):
            run = ssnap("capture", "-o", self.archive, *[word for field in fields for word in ("--case", field)])
            self.assertEqual((run.returncode, os.path.exists(self.archive)), (2, False))
            self.assertIn(word, run.stderr)


if __name__ == "__main__":
    sandbox.need("zstd")
    sandbox.main(own_processes=True)
