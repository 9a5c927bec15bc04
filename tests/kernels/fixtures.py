"""Keeps the captures of a run as fixtures, which every build replays: one of each kernel with its diag modules loaded, and of
some the one without."""

import os
import re
import subprocess
import sys

ACCEPTED = 77  # replay.py's exit code for a run that accepts

# The same for each archive: what is in it, and what ss, netstat and lsof would have said.
CASES = """\
info        info
all         analyze --netns all
tree        analyze --tree -t --netns all
ss          analyze --as ss -tuwxdSM0anpe --vsock --xdp --tipc
ss-netlink  analyze --as ss -f netlink -an
netstat     analyze --as netstat -tuUSwxanpe --explain
lsof        analyze --as lsof --explain
families    analyze -dSM --vsock --xdp --tipc --format csv
owners      analyze -lt --netns all --format csv --fields local,owners.pid,owners.tid,owners.fds,owners.via,owners.certainty,ownerless_reason.code
findings    analyze --findings
"""


def words_of_this_machine(root):
    """What no fixture may hold."""
    words = {str(root)}
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/proc/cmdline"):
        try:
            with open(path, encoding="utf-8") as file:
                words.add(file.read().strip())
        except OSError:
            pass
    return {word.encode() for word in words if word}


def refuse_words(name, archive, words, nodename):
    unpacked = subprocess.run(["zstd", "-dcq"], input=archive, capture_output=True, check=True).stdout
    for word in words:
        if word in unpacked:
            sys.exit(f"{name} holds {word!r}, which is this machine's")
    if re.search(rb"\b%s\b" % re.escape(nodename.encode()), unpacked):
        sys.exit(f"{name} holds this machine's name")


def accept(results, options):
    folder = options.root / "fixtures/archives"
    words, nodename = words_of_this_machine(options.root), os.uname().nodename
    for result in results:
        version = ".".join(result.unpacked.release.split(".")[:2])
        kept = {f"kernel-{version}": "loaded"}
        if result.kernel.keeps_default:
            kept[f"kernel-{version}-no-diag"] = "default"
        for name, outcome in kept.items():
            archive = result.guest.files[f"{outcome}.tar.zst"]
            refuse_words(name, archive, words, nodename)
            (folder / f"{name}.tar.zst").write_bytes(archive)
            (folder / f"{name}.cases").write_text(f"# {result.unpacked.package}; written by script/kernels --accept.\n{CASES}", encoding="utf-8")
    run = subprocess.run([sys.executable, options.root / "tests/replay/replay.py", options.ssnap, folder], env={**os.environ, "SSNAP_ACCEPT": "1"})
    if run.returncode != ACCEPTED:
        sys.exit("the cases of the fixtures don't run as they say; the messages are above")
