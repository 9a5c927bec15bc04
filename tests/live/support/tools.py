"""What the real tools show of the sockets in the namespace of the calling thread: the oracle of the claim that they name
nobody."""

import re
import subprocess

# lsof's warnings (a file system it may not stat) are none of ours; it exits with 1 where it lists nothing.
COMMANDS = {
    "ss": [["ss", "-0tuwxnapeH"]],
    "netstat": [["netstat", "-tuwxnapeW"]],
    "lsof": [["lsof", "-w", "-nP", "-i"], ["lsof", "-w", "-nP", "-U"]],
}
PIDS = {"ss": re.compile(r"\bpid=(\d+),"), "netstat": re.compile(r"[ \t](\d+)/"), "lsof": re.compile(r"^\S+ +(\d+) ")}


class Tools:
    """One run of each. `prefix`: a command that runs it as somebody else, or elsewhere."""

    def __init__(self, prefix=()):
        self.lines = {}
        for tool, commands in COMMANDS.items():
            self.lines[tool] = []
            for command in commands:
                run = subprocess.run([*prefix, *command], capture_output=True, check=False)
                assert run.returncode == 0 or (tool == "lsof" and run.returncode == 1), run.stderr
                self.lines[tool] += run.stdout.decode(errors="backslashreplace").splitlines()

    def rows(self, tool, word):
        """The lines that have `word`: an inode, or `:PORT`, which must be all of a column or its end."""
        return [line for line in self.lines[tool]
                if re.search(rf"(?:(?<=[ :]|\()|(?=:)){re.escape(str(word))}(?=[ \t)>-]|$)", line)]

    def pids(self, tool, word):
        return {int(pid) for line in self.rows(tool, word) for pid in PIDS[tool].findall(line)}

    def shown(self, word):
        """{tool: pids} that each names for it."""
        return {tool: self.pids(tool, word) for tool in COMMANDS}


NOBODY = {tool: set() for tool in COMMANDS}
