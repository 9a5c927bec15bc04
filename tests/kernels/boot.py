"""Boots a guest and brings back what it sent. A boot that doesn't come to its end is tried once more: emulated machines hang
now and then before their kernel has said anything."""

import dataclasses
import io
import subprocess
import tarfile
import time

TRIES = 2


class BootError(Exception):
    """No try came to its end; says what the last one's console ended with."""


@dataclasses.dataclass
class Guest:
    files: dict  # {name: bytes} of its /out
    console: str
    seconds: float
    tries: int


def command(architecture, image, initramfs, console, outlet, memory_mib):
    return [*architecture.qemu, "-m", str(memory_mib), "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            # Its time is counted in instructions, 2 ns each, and passes at once while it waits: how busy this machine is makes no
            # difference to what times out in it.
            "-icount", "shift=1,sleep=off",
            # Every guest boots on the same day: fixtures don't tell when they were made.
            "-rtc", "base=2026-11-22T00:00:00,clock=vm",
            "-serial", f"file:{console}", "-serial", f"file:{outlet}", "-kernel", str(image), "-initrd", str(initramfs),
            "-append", f"console={architecture.console} quiet panic=-1 mitigations=off rdinit=/init"]


def files_of(sent):
    """What is in the tar that a guest sent, or None where it breaks off."""
    try:
        with tarfile.open(fileobj=io.BytesIO(sent), mode="r:gz") as tar:
            files = {member.name.removeprefix("./"): tar.extractfile(member).read() for member in tar if member.isreg()}
    except (tarfile.TarError, EOFError, OSError):
        return None
    return files if "end" in files else None


def boot(architecture, image, initramfs, folder, deadline_seconds, memory_mib=512):
    """`folder` is where the console and the outlet are files."""
    console, outlet = folder / "console", folder / "outlet"
    began = time.monotonic()
    for attempt in range(1, TRIES + 1):
        for path in (console, outlet):
            path.write_bytes(b"")
        try:
            run = subprocess.run(command(architecture, image, initramfs, console, outlet, memory_mib), stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=deadline_seconds)
            said = run.stderr.strip()
        except subprocess.TimeoutExpired:
            said = f"not done after {deadline_seconds} s"
        files = files_of(outlet.read_bytes())
        text = console.read_text(encoding="utf-8", errors="backslashreplace")
        if files is not None:
            return Guest(files, text, time.monotonic() - began, attempt)
    raise BootError("\n".join([said, *text.splitlines()[-20:]]))
