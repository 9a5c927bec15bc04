"""The system calls of a run of ssnap, as `strace -f -y` saw them."""

import dataclasses
import os
import re
import subprocess

from support.ssnap import SSNAP

LINE = re.compile(r"^(\d+) +(.*)$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
CALL = re.compile(r"^(\w+)\((.*?)\) += (-?\d+|\?|0x[0-9a-f]+)(<.*?>)?( (?:[A-Z]\w+ |\(flags |\([A-Z_]+\)).*)?$", re.S)
UNFINISHED = " <unfinished ...>"
# `name("path"`, or `name(FD<folder>, "path"`; a folder that was not decoded is AT_FDCWD.
PATH = re.compile(r'^(?:(?:AT_FDCWD|\d+)(?:<(?P<folder>[^"]*?)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"')


@dataclasses.dataclass
class Call:
    name: str
    arguments: str
    result: int
    target: str  # what a returned descriptor leads to: "/proc/1/fd", "net:[4026531840]", or ""

    @property
    def path(self):
        """The absolute path that it is about, or None."""
        match = PATH.match(self.arguments)
        return os.path.join(match["folder"] or os.getcwd(), match["path"]) if match else None

    def __str__(self):
        return f"{self.name}({self.arguments[:300]}) = {self.result}"


def parse(log):
    """Every call, in the order of their beginnings; what one thread's log line leaves open, a later one closes."""
    lines, open_calls = [], {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for text in file:
            tid, rest = LINE.match(text.rstrip("\n")).groups()
            resumed = RESUMED.match(rest)
            if resumed:
                lines[open_calls.pop(tid)] += resumed[2]
            elif rest.endswith(UNFINISHED):
                open_calls[tid] = len(lines)
                lines.append(rest[:-len(UNFINISHED)])
            elif not rest.startswith(("+++", "---")):
                lines.append(rest)
    calls = []
    for number, line in enumerate(lines):
        match = CALL.match(line)
        if match:
            result = -1 if match[3] == "?" else int(match[3], 0)
            calls.append(Call(match[1], match[2], result, (match[4] or "<>")[1:-1]))
        elif number in open_calls.values() or line.startswith(("exit(", "exit_group(")):
            calls.append(Call(line.partition("(")[0], line.partition("(")[2], -1, ""))  # it ended in it
        else:
            raise AssertionError(f"a line of strace that is no call: {line!r}")
    return calls


def run(log, *arguments, **options):
    """Runs ssnap. Returns (the run, its calls)."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run(["strace", "-f", "-y", "-qq", "-s", "4096", "-o", log, SSNAP, *arguments], stderr=subprocess.PIPE, **options)
    return done, parse(log)
