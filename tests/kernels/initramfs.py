"""The guest's root: an initramfs with what the host has (busybox, ss and its libraries), the two executables of the build,
and those modules of the kernel that the scene may need."""

import lzma
import pathlib
import re
import stat
import subprocess

import matrix
import ss_text

HERE = pathlib.Path(__file__).resolve().parent

FILES = {
    "etc/hostname": "demo\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\ndemo:x:1000:1000:A user,,,:/home/demo:/bin/sh\n",
    "etc/group": "root:x:0:\ndemo:x:1000:\n",
}
FOLDERS = ("dev", "home/demo", "out", "proc", "root", "run/demo", "sbin", "sys", "tmp", "usr/bin", "var/lib")
DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3)}


class Cpio:
    """Writes the kernel's own format (Documentation/driver-api/early-userspace/buffer-format.rst, "newc"), which takes
    devices and root's files from any user."""

    def __init__(self):
        self.out, self.inode, self.folders = [], 0, set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + encoded, data):
            self.out.append(part + b"\0" * (-len(part) % 4))

    def folder(self, name):
        if name in ("", "."):
            return
        self.folder(str(pathlib.PurePath(name).parent))
        if name not in self.folders:
            self.folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.folder(str(pathlib.PurePath(name).parent))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.folder(str(pathlib.PurePath(name).parent))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, number):
        self._entry(name, stat.S_IFCHR | 0o600, device=number)

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return b"".join(self.out)


def modules_in(modules):
    """The files of a kernel's modules by their names."""
    return {module_name(path): path for path in sorted(modules.glob("kernel/**/*.ko*"))}


def module_name(path):
    """As the kernel calls it; its file may have hyphens, and be compressed."""
    return path.name.partition(".ko")[0].replace("-", "_")


def content_of(path):
    if path.name.endswith(".xz"):
        return lzma.decompress(path.read_bytes())
    if path.name.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
    return path.read_bytes()


def module_tree(modules, wanted, folder):
    """Puts the modules of these names, with what they depend on, below `folder` as they are in a real system, but for
    their compression. Returns the names that are modules of this kernel."""
    files = modules_in(modules)
    target = folder / "lib/modules" / modules.name
    todo, done = list(wanted), set()
    while todo:
        name = todo.pop(0)
        if name in done or name not in files:
            continue
        done.add(name)
        content = content_of(files[name])
        inside = files[name].relative_to(modules)
        place = target / inside.parent / f"{inside.name.partition('.ko')[0]}.ko"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        for line in re.findall(rb"\0depends=([^\0]*)\0", content):  # in its .modinfo
            todo += [word.decode().replace("-", "_") for word in line.split(b",") if word]
    for path in modules.glob("modules.builtin*"):
        (target / path.name).write_bytes(path.read_bytes())
    (target / "modules.order").touch()
    subprocess.run(["busybox", "depmod", "-b", folder, modules.name], check=True)
    return done


def libraries_of(executable):
    """The loader and every library that it takes, by their paths."""
    text = subprocess.run(["ldd", executable], check=True, capture_output=True, text=True).stdout
    return [pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", text)]


def build(kernel, unpacked, ssnap, scene, ss, folder):
    """The initramfs as bytes. `folder` is an empty one for work."""
    wanted = (*kernel.architecture.outlet_modules, *matrix.FAMILY_MODULES, *matrix.DIAG_MODULES, *matrix.IMPLICIT_MODULES)
    there = module_tree(unpacked.modules, wanted, folder)
    loaded = [name for name in matrix.FAMILY_MODULES if name in there]

    cpio = Cpio()
    for name in FOLDERS:
        cpio.folder(name)
    for name, number in DEVICES.items():
        cpio.device(name, number)
    for name, text in FILES.items():
        cpio.file(name, text.encode())
    cpio.file("etc/kernels.conf", (f'outlet={kernel.architecture.outlet}\n'
                                   f'outlet_modules="{" ".join(kernel.architecture.outlet_modules)}"\n'
                                   f'family_modules="{" ".join(loaded)}"\n'
                                   f'ss_tables="{" ".join(map(":".join, ss_text.SWITCHES.items()))}"\n').encode())
    cpio.file("init", (HERE / "init").read_bytes(), 0o755)
    for name, path in (("bin/busybox", "/bin/busybox"), ("usr/bin/ssnap", ssnap), ("usr/bin/scene", scene), ("usr/bin/ss", ss)):
        cpio.file(name, pathlib.Path(path).read_bytes(), 0o755)
    for path in libraries_of(ss):
        cpio.file(str(path).lstrip("/"), path.read_bytes(), 0o755)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            cpio.file(str(path.relative_to(folder)), path.read_bytes())
    return cpio.finish()
