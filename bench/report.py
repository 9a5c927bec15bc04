"""bench/RESULTS.md from the results of bench.py."""

import json
import statistics

ORDER = ["10k", "50k", "200k", "1m", "namespaces"]
HEADING = {"10k": "10,000 sockets", "50k": "50,000 sockets", "200k": "200,000 sockets", "1m": "1,000,000 sockets",
           "namespaces": "1,000 namespaces"}
SHOWN = ["floor", "ssnap", "uncompressed", "ss -tunapeim", "ss -tunap", "netstat -tunap", "lsof -nP -i", "floor, 1 thread", "quiet",
         "ss -tunaH", "analyze -tuanpeim", "analyze ndjson"]
EXPLAINED = {"ssnap": "ssnap capture", "uncompressed": "the same without compression and hashing",
             "quiet": "nice ssnap capture --threads 1"}


class Load:
    def __init__(self, result):
        self.result = result
        self.runs, self.archive, self.sockets = result["runs"], result["archive"], result["sockets"]

    def median(self, what, field):
        return statistics.median(run[field] for run in self.runs[what])

    def peak(self, what):
        return max(run["peak"] for run in self.runs[what])

    def ratio(self, what, to, field="wall"):
        """None where one of them was not run under this load."""
        if what not in self.runs or to not in self.runs:
            return None
        return self.median(what, field) / self.median(to, field)

    def own_cpu(self):
        """User CPU of the capture itself, less the floor's, as a part of the floor's user and system CPU."""
        floor = self.median("floor", "user") + self.median("floor", "system")
        return (self.median("uncompressed", "user") - self.median("floor", "user")) / floor


def targets(loads, startup):
    """(target, what was asked, by load: what it is, whether it is met)."""
    def each(of, limit, names=ORDER, shown="{:.2f}"):
        cells = []
        for name in ORDER:
            value = of(loads[name]) if name in loads and name in names else None
            cells.append("" if value is None else shown.format(value) + ("" if value <= limit(name) else " **missed**"))
        return cells

    rows = [
        ("capture, wall, against the floor", "<= 1.25", each(lambda load: load.ratio("ssnap", "floor"), lambda _: 1.25)),
        ("capture, wall, against `ss -tunapeim`", "<= 0.75 at 50k, <= 0.2 at 200k",
         each(lambda load: load.ratio("ssnap", "ss -tunapeim"), lambda name: 0.2 if name == "200k" else 0.75, shown="{:.3f}")),
        ("user CPU without compression and hashing, less the floor's, of the floor's CPU", "<= 15 %",
         each(lambda load: 100 * load.own_cpu(), lambda _: 15, shown="{:.0f} %")),
        ("peak memory of capture", "<= 48 MB at 200k, <= 64 MB at 1M",
         each(lambda load: load.peak("ssnap"), lambda name: 64 if name == "1m" else 48, shown="{:.0f} MB")),
        ("archive, bytes per socket", "<= 75",
         each(lambda load: load.archive["bytes_per_socket"], lambda _: 75, ("10k", "50k", "200k", "1m"), "{:.0f}")),
        ("archive, against `tar \\| zstd -3`", "<= 1.05",
         each(lambda load: load.archive["bytes"] / load.archive["tar_zstd3_bytes"], lambda _: 1.05)),
        ("first dump to last fd read, against `ss -tunap`", "<= 0.05 at 200k",
         each(lambda load: load.archive["smear"] / load.median("ss -tunap", "wall") if "ss -tunap" in load.runs else None, lambda _: 0.05,
              ("200k",), "{:.4f}")),
        ("`analyze -tuanpeim`, against `ss -tunaH`", "<= 2 at 200k",
         each(lambda load: load.ratio("analyze -tuanpeim", "ss -tunaH"), lambda _: 2, ("10k", "50k", "200k", "1m"))),
        ("`analyze --format ndjson`, against `ss -tunaH`", "<= 4",
         each(lambda load: load.ratio("analyze ndjson", "ss -tunaH"), lambda _: 4, ("10k", "50k", "200k", "1m"))),
        ("peak memory of `analyze -tuanpeim`, bytes per socket", "<= 1,000 at 1M",
         each(lambda load: load.peak("analyze -tuanpeim") * 1e6 / load.sockets, lambda _: 1000, ("1m",), "{:.0f}")),
    ]
    if "1m" in loads and "200k" in loads:
        grown = loads["1m"].median("analyze -tuanpeim", "wall") / (5 * loads["200k"].median("analyze -tuanpeim", "wall"))
        rows.append(("`analyze` at 1M, against five times that at 200k", "<= 1.3",
                     each(lambda _: grown, lambda _: 1.3, ("1m",))))
    start = startup["ssnap --version"] / startup["nothing"]
    rows.append(("start-up, against a static `int main() {}`", "<= 2", [f"{start:.2f}" + ("" if start <= 2 else " **missed**")]))
    return rows


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row + [""] * (len(header) - len(row))) + " |" for row in rows]


def load_section(name, load):
    archive, floor = load.archive, load.result["floor"]
    rows = []
    for what in SHOWN:
        if what not in load.runs:
            continue
        to_floor = load.ratio(what, "floor, 1 thread" if what in ("quiet", "floor, 1 thread") else "floor")
        rows.append([EXPLAINED.get(what, f"`{what}`" if " -" in what or "analyze" in what else what), str(len(load.runs[what])),
                     *(f"{load.median(what, field):,.1f}" for field in ("wall", "user", "system")), f"{load.peak(what):.1f}", f"{to_floor:.2f}"])
    read, tried = floor["read"], floor["tried"]
    return [
        "", f"## {HEADING[name]}", "",
        f"{load.sockets:,} sockets in {load.result['processes']:,} processes and {load.result['namespaces']:,} network "
        f"namespace{'s' if load.result['namespaces'] > 1 else ''}. `zstd -1` packs the TCP dump {archive['tcp_dump_packed']:.1f} times.", "",
        *table(["", "runs", "wall ms", "user ms", "system ms", "peak MB", "wall / floor"], rows), "",
        f"Archive: {archive['bytes']:,} bytes in {archive['members']:,} members, {archive['bytes_per_socket']:.1f} bytes per socket, "
        f"{archive['raw_bytes']:,} raw; `tar | zstd -3` of the same members: {archive['tar_zstd3_bytes']:,} bytes. "
        f"First dump to last fd read: {archive['smear']:.1f} ms.", "",
        f"Floor: {floor['schedule']} ({', '.join(f'{schedule} {wall:,.1f} ms' for schedule, wall in tried.items())}); it read "
        f"{read['netlink']:.3f} of the netlink bytes, {read['files']:.3f} of the files' bytes and {read['links']:.3f} of the links that are in the "
        "archive."]


def render(results):
    machine = json.loads((results / "machine.json").read_text())
    loads = {name: Load(json.loads((results / f"load-{name}.json").read_text())) for name in ORDER
             if (results / f"load-{name}.json").exists()}
    lines = [
        "# Benchmarks", "",
        "Made by `script/bench`, which writes this file. Medians; ratios are of runs that took turns in the same minutes, which is why",
        "only they should be compared with another machine's. Peak memory is the largest of the runs.", "",
        f"Machine: {machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']} {machine['architecture']}, "
        f"{machine['date']}.", "",
        "The **floor** is a program that reads what the archive of a capture holds and does nothing with it: the same netlink requests in both",
        "passes, the same files, the links of the same processes, on the same number of threads, in the fastest of three orders, from a",
        "procfs of its own as capture has, in which nothing is cached (bench/floor.cc). What capture reads beyond that (kallsyms, the look for namespaces, the second look at fd tables) counts",
        "against capture, as do compression, SHA-256 and the archive's way to the disk.", "",
        "[PROFILE.md](PROFILE.md) says where the rest goes where a target is missed.", "",
        "## Targets", "",
        *table(["", "target", *(HEADING[name] for name in ORDER if name in loads)],
               [[what, target, *[cell for name, cell in zip(ORDER, cells) if name in loads or len(cells) == 1]]
                for what, target, cells in targets(loads, machine["startup"])]),
    ]
    for name, load in loads.items():
        lines += load_section(name, load)
    startup = machine["startup"]
    lines += ["", f"Start-up: `ssnap --version` {startup['ssnap --version']:.3f} ms, a static `int main() {{}}` {startup['nothing']:.3f} ms.", ""]
    return "\n".join(lines)
