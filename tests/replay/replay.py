"""Replays fixture archives and compares what ssnap prints, byte for byte, with goldens.

    replay.py SSNAP FOLDER      FOLDER is fixtures/archives

    NAME.tar.zst                an archive
    NAME.cases                  one case a line: `CASE COMMAND [ARGUMENT...]`, run as `ssnap COMMAND ARCHIVE ARGUMENT...`;
                                `CASE exit=N COMMAND ...` for an exit code other than 0; empty lines and `#` are comments;
                                `CASE diff @OTHER ...` compares it with OTHER.tar.zst
    NAME.golden/CASE.txt        what it writes to standard output

Every case is run three times: in two unlike environments and folders, and from standard input; all must write the same
bytes. Exit code 0 when all is as the goldens say, 1 when not. With SSNAP_ACCEPT=1 in the environment the goldens are
rewritten instead, and the exit code is 77, which Meson reports as SKIP: a run that accepts tests nothing.
"""

import difflib
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

SKIP = 77

# Neither may change a byte of the output.
ENVIRONMENTS = [
    {"TZ": "UTC", "LANG": "C", "COLUMNS": "80", "LINES": "24", "TERM": "dumb"},
    {"TZ": "Pacific/Chatham", "LANG": "de_DE.UTF-8", "LC_ALL": "tr_TR.UTF-8", "COLUMNS": "213", "TERM": "xterm-256color",
     "CLICOLOR_FORCE": "1", "HOME": "/nonexistent"},
]


class Case:
    def __init__(self, name, command, arguments, exit_code):
        self.name, self.command, self.arguments, self.exit_code = name, command, arguments, exit_code


def read_cases(path):
    """The cases of a file. A ValueError names the line that is none."""
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        name, *rest = words
        exit_code = 0
        if rest and rest[0].startswith("exit="):
            exit_code = int(rest.pop(0).removeprefix("exit="))
        if not rest or "/" in name or name in {case.name for case in cases}:
            raise ValueError(f"{path.name}:{number}: not `CASE [exit=N] COMMAND [ARGUMENT...]`, or CASE is taken: {line}")
        cases.append(Case(name, rest[0], rest[1:], exit_code))
    return cases


def arguments_of(case, archive, is_absolute):
    """The other archive of a diff, by its name or its path."""
    def named(word):
        other = archive.with_name(f"{word.removeprefix('@')}.tar.zst")
        return str(other) if is_absolute else other.name

    return [named(word) if case.command == "diff" and word.startswith("@") else word for word in case.arguments]


def run_case(ssnap, archive, case, elsewhere):
    """(output, complaints): what the first run wrote, and in what the others differ."""
    runs = [
        ("by its relative name", archive.name, archive.parent, ENVIRONMENTS[0], None),
        ("elsewhere, in another environment", str(archive), elsewhere, ENVIRONMENTS[1], None),
        ("from standard input", "-", elsewhere, ENVIRONMENTS[0], archive),
    ]
    output, complaints = None, []
    for how, argument, folder, environment, stdin in runs:
        with open(stdin or os.devnull, "rb") as file:
            run = subprocess.run([ssnap, case.command, argument, *arguments_of(case, archive, folder != archive.parent)], cwd=folder, env=environment, stdin=file,
                                 capture_output=True)
        if run.returncode != case.exit_code:
            complaints.append(f"{how}: exit code {run.returncode}, not {case.exit_code}: "
                              + run.stderr.decode(errors="replace").strip())
        if output is None:
            output = run.stdout
        elif run.stdout != output:
            complaints.append(f"{how} it writes something else:\n" + difference(output, run.stdout, "before", "now"))
    return output, complaints


def difference(before, after, before_name, after_name):
    """A diff for people, also of bytes that are no text."""
    def lines(raw):
        return raw.decode("utf-8", errors="backslashreplace").splitlines()

    diff = list(difflib.unified_diff(lines(before), lines(after), before_name, after_name, lineterm=""))
    return "\n".join(diff[:80]) if diff else "(they differ in bytes that the lines don't show)"


def replay_archive(ssnap, archive, accept, elsewhere):
    """Complaints about one archive; with `accept` the goldens are written."""
    stem = archive.name.removesuffix(".tar.zst")
    cases_file = archive.with_name(stem + ".cases")
    folder = archive.with_name(stem + ".golden")
    if not cases_file.is_file():
        return [f"{stem}: it has no {cases_file.name}"]
    try:
        cases = read_cases(cases_file)
    except ValueError as error:
        return [str(error)]
    if not cases:
        return [f"{cases_file.name} holds no case"]

    complaints = []
    for case in cases:
        output, found = run_case(ssnap, archive, case, elsewhere)
        golden = folder / f"{case.name}.txt"
        if accept and not found:
            folder.mkdir(exist_ok=True)
            if not golden.is_file() or golden.read_bytes() != output:
                golden.write_bytes(output)
                print(f"accepted {golden}")
        elif not golden.is_file():
            found.append(f"there is no {folder.name}/{golden.name}; SSNAP_ACCEPT=1 writes it")
        elif golden.read_bytes() != output:
            found.append(difference(golden.read_bytes(), output, f"{folder.name}/{golden.name}", "now"))
        complaints += [f"{stem} {case.name}: {complaint}" for complaint in found]
    known = {f"{case.name}.txt" for case in cases}
    for stale in sorted(folder.iterdir()) if folder.is_dir() else []:
        if stale.name not in known:
            complaints.append(f"{stem}: {folder.name}/{stale.name} belongs to no case")
    return complaints


def main():
    ssnap, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    accept = os.environ.get("SSNAP_ACCEPT") == "1"
    archives = sorted(folder.glob("*.tar.zst")) if folder.is_dir() else []
    complaints = [] if archives else [f"there is no archive in {folder}"]
    with tempfile.TemporaryDirectory() as elsewhere:
        for archive in archives:
            complaints += replay_archive(ssnap, archive, accept, elsewhere)
    for complaint in complaints:
        print(complaint)
    if complaints:
        return 1
    if accept:
        print("goldens accepted, nothing tested: read their diff like code")
        return SKIP
    print(f"{len(archives)} archives replayed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
