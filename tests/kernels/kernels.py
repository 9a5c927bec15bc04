"""Boots kernels of other releases, captures a known scene in each, and holds the captures against the scene's own list, ss and the
list of modules. Called by script/kernels."""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import boot
import checks
import fixtures
import initramfs
import matrix
import packages
import report
import ss_text

# A run takes half a minute, on a busy machine several.
DEADLINE_SECONDS = 600


@dataclasses.dataclass
class Result:
    """What became of one row of the matrix."""

    kernel: matrix.Kernel
    unpacked: packages.UnpackedKernel = None
    guest: boot.Guest = None
    outcomes: list = dataclasses.field(default_factory=list)
    expectations: list = dataclasses.field(default_factory=list)
    not_offered: list = dataclasses.field(default_factory=list)
    ss: dict = dataclasses.field(default_factory=dict)  # {table: text}
    complaints: list = dataclasses.field(default_factory=list)


def ssnap_json(ssnap, archive):
    run = subprocess.run([ssnap, "analyze", archive, "--format", "json", "--netns", "all"], capture_output=True, check=True)
    return json.loads(run.stdout)


def read_outcome(name, guest, ssnap, folder, complaints):
    """One capture, replayed here; None where there is nothing to replay."""
    status, stderr = (guest.files.get(f"{name}.{what}", b"").decode().strip() for what in ("status", "stderr"))
    if status != "0":
        complaints.append(f"{name}: capture ended with {status}: {stderr}")
    archive = folder / f"{name}.tar.zst"
    archive.write_bytes(guest.files.get(archive.name, b""))
    verify = subprocess.run([ssnap, "verify", archive], capture_output=True, text=True)
    if verify.returncode != 0:
        complaints.append(f"{name}: verify ended with {verify.returncode}: {verify.stdout}{verify.stderr}")
        return None
    before, after = (checks.modules_of(guest.files[f"{name}.modules-{when}"]) for when in ("before", "after"))
    return checks.Outcome(name, ssnap_json(ssnap, archive), before, after)


def examine(result, ssnap, folder):
    """Everything that is said about a guest that came to its end."""
    guest, complaints = result.guest, result.complaints
    lines = [json.loads(line) for line in guest.files.get("expected.jsonl", b"").decode().splitlines()]
    result.expectations = [line for line in lines if "label" in line]
    result.not_offered = sorted({line["not_offered"] for line in lines if "not_offered" in line})
    result.ss = {table: guest.files.get(f"ss-before.{table}", b"").decode() for table in ss_text.SWITCHES}
    if "ss.modules-after" not in guest.files or not result.expectations:
        complaints.append("the scene failed; the console ends with:\n" + "\n".join(guest.console.splitlines()[-10:]))
        return
    result.outcomes = [outcome for name in checks.OUTCOMES
                       if (outcome := read_outcome(name, guest, ssnap, folder, complaints)) is not None]
    if len(result.outcomes) < len(checks.OUTCOMES):
        return
    later = {table: guest.files[f"ss-after.{table}"].decode() for table in result.ss}
    complaints += checks.check_rest(result.ss, later)
    complaints += checks.check_modules(result.outcomes, checks.modules_of(guest.files["ss.modules-before"]),
                                       checks.modules_of(guest.files["ss.modules-after"]), checks.diag_modules(result.unpacked.modules))
    own = result.expectations[0]["netns"]
    for outcome in result.outcomes:
        complaints += checks.check_scene(outcome, result.expectations)
        complaints += checks.check_nothing_else(outcome, result.expectations)
        complaints += checks.check_ss(outcome, result.ss, own)
        complaints += checks.check_views(ssnap, folder / f"{outcome.name}.tar.zst")
    complaints += checks.check_as_ss(ssnap, folder / "loaded.tar.zst", result.ss)


def run_kernel(kernel, options):
    result = Result(kernel)
    folder = options.cache / "runs" / f"{kernel.name}-{kernel.architecture.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        result.unpacked = packages.fetch(options.cache, kernel, not options.cached)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            image = initramfs.build(kernel, result.unpacked, options.ssnap, options.scene, shutil.which("ss"), pathlib.Path(work))
            (folder / "initramfs").write_bytes(image)
        result.guest = boot.boot(kernel.architecture, result.unpacked.image, folder / "initramfs", folder, DEADLINE_SECONDS)
    except (packages.PackageError, boot.BootError) as error:
        result.complaints.append(str(error))
        return result
    for name, content in result.guest.files.items():
        (folder / name).write_bytes(content)
    examine(result, options.ssnap, folder)
    return result


def chosen(names):
    known = {kernel.name: kernel for kernel in matrix.KERNELS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such kernel: {' '.join(unknown)}; there are {' '.join(known)}")
    return [known[name] for name in names] or list(matrix.KERNELS)


def parse_options():
    parser = argparse.ArgumentParser(prog="script/kernels", description=__doc__)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="of " + " ".join(kernel.name for kernel in matrix.KERNELS) + "; default: all")
    parser.add_argument("--accept", action="store_true", help="keep the archives as fixtures, and write docs/kernels.md")
    parser.add_argument("--cached", action="store_true", help="take the kernels that were fetched before, without asking for newer ones")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.ssnap, options.scene = options.build / "ssnap", options.build / "tests/kernels/kernel-scene"
    cache = os.environ.get("SSNAP_KERNELS_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ssnap-kernels")
    options.cache = pathlib.Path(cache)
    return options


def main():
    options = parse_options()
    results = []
    for kernel in chosen(options.kernels):
        print(f"==> {kernel.name} ({kernel.suite}, {kernel.architecture.name})", file=sys.stderr, flush=True)
        results.append(run_kernel(kernel, options))
        for complaint in results[-1].complaints:
            print(f"{kernel.name}: {complaint}", flush=True)
    print(report.summary(results))
    passed = not any(result.complaints for result in results)
    if options.accept and passed:
        fixtures.accept(results, options)
        if len(results) == len(matrix.KERNELS):
            report.write_document(options.root / "docs/kernels.md", results)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
