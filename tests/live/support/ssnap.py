"""Runs the program under test: the executable that SSNAP names."""

import json
import os
import subprocess

SSNAP = os.environ.get("SSNAP", "")
SOURCE_ROOT = os.environ.get("SSNAP_SOURCE_ROOT", "")

# What an exit code of 3 after a capture may stand for; other gaps are stated, but nothing was lost.
LOSING_GAPS = {"denied", "cut", "timeout"}


def ssnap(*arguments, **options):
    """Runs ssnap; output is kept as bytes."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run([SSNAP, *arguments], **options)


def analyze_json(test, archive, *arguments, exit_code=0):
    """`ssnap analyze ARCHIVE --format json`, of an archive that must be as whole as `exit_code` says."""
    run = ssnap("analyze", archive, "--format", "json", *arguments)
    test.assertEqual(run.returncode, exit_code, run.stderr.decode(errors="replace"))
    return json.loads(run.stdout)


def capture(test, path, *arguments):
    """Captures into `path`, and checks that the exit code agrees with the gaps. Returns the whole snapshot as JSON."""
    run = ssnap("capture", "-o", path, *arguments)
    test.assertIn(run.returncode, (0, 3), run.stderr.decode(errors="replace"))
    snapshot = analyze_json(test, path)
    lost = [gap for gap in snapshot["gaps"] if gap["kind"] in LOSING_GAPS]
    test.assertEqual(run.returncode, 3 if lost else 0, f"exit code against the gaps {lost}")
    return snapshot


def sockets_of(snapshot, netns, protocols=None):
    """The IP and UNIX sockets of one network namespace."""
    return [sock for sock in snapshot["sockets"]
            if sock["netns"].get("inode") == netns and sock["family"] in ("inet", "inet6", "unix")
            and (protocols is None or sock["protocol"] in protocols)]


def certain_owners(sock):
    """{pid: [fds]} of those who hold a socket by a file descriptor for certain."""
    return {owner["pid"]: owner["fds"] for owner in sock["owners"]
            if owner["via"] == "fd" and owner["certainty"] == "certain"}
