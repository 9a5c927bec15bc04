"""Debian's kernels of other releases: fetched from the archive that apt is configured for, checked by apt against Debian's
keyring, unpacked into the cache. Nothing is installed, and apt's own state stays as it is."""

import dataclasses
import io
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# The parts of the kernel that its package was split into over the years.
PARTS = re.compile(r"linux-(?:image|binary|modules)-[0-9]\S*")

# Of thousands of modules, those below which ours and what they depend on are.
WANTED = re.compile(r"(?:usr/)?(?:boot/vmlinuz-[^/]+|boot/vmlinux-[^/]+|lib/modules/[^/]+/(?:vmlinuz|modules\.[^/]+"
                    r"|kernel/(?:net|lib|crypto|arch/[^/]+/(?:crypto|lib)|drivers/(?:net|virtio|char|infiniband/core)|fs/netfs"
                    r")/.+))")


class PackageError(Exception):
    """Says what could not be had, and how it was asked for."""


@dataclasses.dataclass
class UnpackedKernel:
    release: str  # as uname tells it
    package: str  # with its version
    image: pathlib.Path
    modules: pathlib.Path  # lib/modules/RELEASE


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, **more)
    if done.returncode != 0:
        raise PackageError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def mirror():
    """Where apt has Debian itself from; read from its configuration, so that it is named in none of our files."""
    found = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Created-By: Packages"]).split()
    if not found:
        raise PackageError("apt knows no archive of Debian; after `apt-get update` it does")
    return found[0]


class Suite:
    """One release of Debian, seen by an apt with a state of its own."""

    def __init__(self, cache, suite, architecture):
        self.folder = cache / "apt" / f"{suite}-{architecture}"
        self.suite, self.architecture = suite, architecture
        for name in ("lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        self.options = ["-q"]
        for key, value in (("Dir::State", self.folder), ("Dir::State::Lists", self.folder / "lists"),
                           ("Dir::State::Status", self.folder / "status"), ("Dir::Cache", self.folder),
                           ("Dir::Etc::SourceList", self.folder / "sources.list"), ("Dir::Etc::SourceParts", "/dev/null"),
                           ("Dir::Etc::Preferences", "/dev/null"), ("Dir::Etc::PreferencesParts", "/dev/null"),
                           ("APT::Architecture", architecture), ("APT::Architectures", architecture),
                           ("Acquire::Languages", "none"), ("APT::Sandbox::User", "")):
            self.options += ["-o", f"{key}={value}"]

    def update(self):
        # A mirror that stands still for weeks is still signed; sid's index says that it is valid for one.
        (self.folder / "sources.list").write_text(
            f"deb [arch={self.architecture} signed-by={KEYRING} check-valid-until=no] {mirror()} {self.suite} main\n", encoding="utf-8")
        run(["apt-get", *self.options, "update", "--error-on=any"])

    def describe(self, package):
        """The fields of a package's newest version."""
        text = run(["apt-cache", *self.options, "show", "--no-all-versions", package])
        return dict(re.findall(r"^([A-Za-z-]+): (.*)$", text, re.M))

    def download(self, package, folder):
        """Its .deb, which apt has checked, in the empty `folder`."""
        run(["apt-get", *self.options, "download", package], cwd=folder)
        (deb,) = folder.glob("*.deb")
        return deb


def parts_of(suite, package):
    """The packages that hold the kernel which a meta package depends on: {name: version}."""
    parts, todo = {}, [package]
    while todo:
        for name in PARTS.findall(suite.describe(todo.pop()).get("Depends", "")):
            if name not in parts:
                parts[name] = suite.describe(name)["Version"]
                todo.append(name)
    if not parts:
        raise PackageError(f"{package} of {suite.suite} depends on no kernel")
    return parts


def unpack(deb, folder):
    """What is WANTED of it, below `folder`, without a leading usr/."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=io.BufferedReader(dpkg.stdout, 1 << 20), mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not member.isreg() or not WANTED.fullmatch(name):
                    continue
                target = folder / name.removeprefix("usr/")
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "wb") as file:
                    shutil.copyfileobj(tar.extractfile(member), file)
        dpkg.stdout.read()
    if dpkg.returncode != 0:
        raise PackageError(f"dpkg-deb could not read {deb}")


def fetch(cache, kernel, update=True):
    """The kernel of a row of the matrix, unpacked."""
    suite = Suite(cache, kernel.suite, kernel.architecture.name)
    if update:
        suite.update()
    parts = parts_of(suite, kernel.architecture.meta_package)
    image = next(name for name in parts if name.startswith("linux-image-"))
    folder = cache / "kernels" / f"{image}_{parts[image]}"
    if not folder.is_dir():
        new = folder.with_name(folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        for part in parts:
            with tempfile.TemporaryDirectory(dir=cache) as download:
                unpack(suite.download(part, pathlib.Path(download)), new)
        new.rename(folder)  # whole or not there
    (modules,) = (folder / "lib/modules").iterdir()
    (vmlinuz,) = [*folder.glob("boot/vmlinu*"), *modules.glob("vmlinuz")]
    return UnpackedKernel(modules.name, f"{image} {parts[image]}", vmlinuz, modules)
