"""Measures ssnap against the floor of its sources and against ss, netstat and lsof, in the same minutes.

    bench.py run BUILD LOAD            results go to BUILD/bench/results
    bench.py report BUILD FILE         writes them as a table

Needs root. Everything runs in network, pid and mount namespaces of its own, so that nothing of the machine's is in the way.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import plan
import report

# sockets, processes, namespaces; rounds of all, rounds of the tools whose time grows with the square.
LOADS = {
    "10k": (10_000, 50, 1, 5, 5),
    "50k": (50_000, 200, 1, 5, 5),
    "200k": (200_000, 2_000, 1, 5, 1),
    "1m": (1_000_000, 1_000, 1, 3, 0),
    "namespaces": (20_000, 1_000, 1_000, 3, 0),
}
THREADS = 2
MAX_PACKED = 20  # of the TCP dump by zstd -1: a load that packs better is not varied enough
STARTUP_RUNS = 200


class Bench:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.ssnap = str(self.build / "ssnap")
        self.work = self.build / "bench" / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        self.archive = self.work / "capture.tar.zst"

    def tool(self, name):
        return str(self.build / "bench" / f"bench-{name}")

    def measure(self, command, stdin=None, times=1):
        """One dict a run: wall, user, system in milliseconds, peak memory in MB."""
        with open(stdin or "/dev/null", "rb") as file:
            done = subprocess.run([self.tool("measure"), str(times), *map(str, command)], stdin=file, capture_output=True, text=True)
        runs = []
        for line in done.stdout.splitlines():
            wall, user, system, peak, code = map(int, line.split())
            if code != 0:
                sys.exit(f"bench: exit code {code} of {' '.join(map(str, command))}\n{done.stderr}")
            runs.append({"wall": wall / 1e6, "user": user / 1e3, "system": system / 1e3, "peak": peak * 1024 / 1e6})
        return runs if times > 1 else runs[0]

    def capture(self, executable, *options):
        self.archive.unlink(missing_ok=True)
        return self.measure([*options, executable, "capture", "-q", "-o", self.archive])

    def quiet_capture(self):
        self.archive.unlink(missing_ok=True)
        return self.measure(["nice", "-n", "19", self.ssnap, "capture", "-q", "--threads", "1", "-o", self.archive])

    # The archive that the others are compared with.

    def look_at_archive(self, sockets):
        made = plan.Plan(self.archive)
        dump = self.work / "tcp-dump"
        dump.write_bytes(made.tcp_dump)
        packed = len(made.tcp_dump) / self.output_size(f"zstd -q -1 -c {dump}")
        if packed > MAX_PACKED:
            sys.exit(f"bench: zstd -1 packs the TCP dump {packed:.1f} times: the load is not varied enough")
        size = self.archive.stat().st_size
        return {"bytes": size, "raw_bytes": made.raw_bytes, "members": made.members, "bytes_per_socket": size / sockets,
                "tcp_dump_packed": packed, "tar_zstd3_bytes": self.output_size(f"zstd -qdc {self.archive} | zstd -q -3 -c")}, made

    @staticmethod
    def output_size(command):
        return int(subprocess.run(f"{command} | wc -c", shell=True, check=True, capture_output=True, text=True).stdout)

    # The floor.

    def read_floor(self, path):
        """What it read, and how long each line of the plan took."""
        with open(path, "rb") as file:
            out = subprocess.run([self.tool("floor"), "--threads", str(THREADS)], stdin=file, check=True, capture_output=True, text=True).stdout
        totals, times = {}, []
        for line in out.splitlines():
            kind, *words = line.split()
            if kind == "total":
                totals = {name: int(value) for name, value in (word.split("=") for word in words)}
            else:
                times.append(int(words[1]))
        return totals, times

    def make_floor(self, made):
        """The schedules that are tried, the check that the same is read, and the best of them."""
        path = self.work / "plan"
        path.write_text("\n".join(made.lines) + "\n")
        totals, times = self.read_floor(path)
        check = {"netlink": totals["netlink_bytes"] / made.netlink_bytes, "files": totals["file_bytes"] / made.file_bytes,
                 "links": totals["links"] / made.links}
        for what, ratio in check.items():
            if not 0.98 < ratio < 1.02:
                sys.exit(f"bench: the floor read {ratio:.3f} times the {what} that the capture read")
        order = sorted(range(len(times)), key=lambda i: -times[i])
        longest_first = [made.lines[i] for i in order]
        rank = {"dump": 0, "process": 1, "file": 2}
        schedules = {"longest first": longest_first,
                     "dumps, processes, files": sorted(longest_first, key=lambda line: rank[line.split()[0]]),
                     "files, dumps, processes": sorted(longest_first, key=lambda line: -rank[line.split()[0]])}
        tried = {}
        for name, lines in schedules.items():
            path.write_text("\n".join(lines) + "\n")
            tried[name] = statistics.median(self.floor(path)["wall"] for _ in range(3))
        best = min(tried, key=tried.get)
        path.write_text("\n".join(schedules[best]) + "\n")
        return path, {"schedule": best, "tried": tried, "read": check}

    def floor(self, path, threads=THREADS):
        return self.measure([self.tool("floor"), "--threads", threads], stdin=path)

    # One load.

    def run(self, name):
        sockets, processes, namespaces, rounds, slow_rounds = LOADS[name]
        load = subprocess.Popen([self.tool("load"), "--here", "--sockets", str(sockets), "--processes", str(processes), "--namespaces",
                                 str(namespaces)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = load.stdout.readline()
        if not ready.startswith("ready"):
            sys.exit("bench: the load could not be made")
        say(f"{name}: {ready.strip()}")
        try:
            return self.measure_load(name, sockets, processes, namespaces, rounds, slow_rounds)
        finally:
            load.stdin.close()
            load.wait()

    def measure_load(self, name, sockets, processes, namespaces, rounds, slow_rounds):
        self.capture(self.ssnap)
        facts, made = self.look_at_archive(sockets)
        floor_plan, floor_facts = self.make_floor(made)
        say(f"{name}: zstd -1 packs the TCP dump {facts['tcp_dump_packed']:.1f} times; floor: {floor_facts['schedule']}")
        runs = {}

        def add(what, run):
            runs.setdefault(what, []).append(run)

        smears = []
        for number in range(rounds):
            add("floor", self.floor(floor_plan))
            add("uncompressed", self.capture(self.tool("uncompressed")))
            add("floor, 1 thread", self.floor(floor_plan, 1))
            add("quiet", self.quiet_capture())
            add("ssnap", self.capture(self.ssnap))
            smears.append(plan.smear_msec(data for name, data in plan.members(self.archive) if name.startswith("journal/")))
            for what, options in (("analyze -tuanpeim", ["-tuanpeim"]), ("analyze ndjson", ["--format", "ndjson"])):
                add(what, self.measure([self.ssnap, "analyze", self.archive, *options]))
            if namespaces == 1:
                add("ss -tunaH", self.measure(["ss", "-tunaH"]))
            if number < slow_rounds:
                add("ss -tunapeim", self.measure(["ss", "-tunapeim"]))
                add("ss -tunap", self.measure(["ss", "-tunap"]))
                add("netstat -tunap", self.measure(["netstat", "-tunap"]))
                add("lsof -nP -i", self.measure(["lsof", "-nP", "-i"]))
            say(f"{name}: round {number + 1} of {rounds}")
        facts["smear"] = statistics.median(smears)
        return {"sockets": sockets, "processes": processes, "namespaces": namespaces, "archive": facts, "floor": floor_facts, "runs": runs}

    def startup(self):
        runs = {"nothing": [], "ssnap --version": []}
        for _ in range(5):
            runs["nothing"] += self.measure([self.tool("nothing")], times=STARTUP_RUNS)
            runs["ssnap --version"] += self.measure([self.ssnap, "--version"], times=STARTUP_RUNS)
        return {what: statistics.median(run["wall"] for run in of) for what, of in runs.items()}


def machine():
    with open("/proc/cpuinfo") as file:
        model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory), "kernel": platform.release(),
            "architecture": platform.machine(), "date": time.strftime("%Y-%m-%d", time.gmtime())}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def into_namespaces():
    """This program again, where the machine's own processes and sockets are not to be seen."""
    if os.environ.get("SSNAP_BENCH_INSIDE") == "1":
        return
    os.environ["SSNAP_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net", "--", sys.executable, "-B", *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("build")
    run.add_argument("load", metavar="LOAD", choices=LOADS, help=f"one of {', '.join(LOADS)}")
    written = commands.add_parser("report")
    written.add_argument("build")
    written.add_argument("file")
    given = parser.parse_args()
    results = pathlib.Path(given.build).resolve() / "bench" / "results"
    if given.command == "report":
        pathlib.Path(given.file).write_text(report.render(results))
        return
    into_namespaces()
    results.mkdir(exist_ok=True)
    bench = Bench(given.build)
    (results / "machine.json").write_text(json.dumps(machine() | {"startup": bench.startup()}))
    (results / f"load-{given.load}.json").write_text(json.dumps(bench.run(given.load), indent=1))
    shutil.rmtree(bench.work)


if __name__ == "__main__":
    main()
