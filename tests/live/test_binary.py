"""One static file that touches nothing: what it is, where it runs, which system calls it makes, what it writes."""

import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import stat
import subprocess

from support import sandbox, zstd_frames
from support.scene import make_scene
from support.ssnap import SSNAP, analyze_json, capture, sockets_of, ssnap

MAX_BYTES = 5_000_000

# A call as strace -f writes it: `PID name(arguments`, whole or cut by `<unfinished ...>`.
CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)$")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Calls that change the file system or other processes, by name.
CHANGES = re.compile(r"^(creat|unlink|rename|link|symlink|mkdir|rmdir|mknod|chmod|fchmod|chown|fchown|lchown|truncate|ftruncate"
                     r"|utime|utimes|futimesat|utimensat|setxattr|fsetxattr|lsetxattr|removexattr|mount|umount|pivot_root"
                     r"|chroot|ptrace|kill|tkill|pidfd_send_signal|process_vm_writev|init_module|finit_module)(2|at|at2|64)?$")


def calls_of(log):
    """(name, arguments as text) of every call in a strace log."""
    with open(log, encoding="utf-8") as file:
        return [(match[1], match[2]) for line in file if (match := CALL.match(line))]


def opened(calls):
    """(absolute path, arguments) of every attempt to open a file. strace -y names the folder that a path is relative to."""
    found = []
    for name, arguments in calls:
        if name in ("open", "creat"):
            found.append((STRING.match(arguments)[1], arguments))
        elif name in ("openat", "openat2"):
            folder, path = re.match(r'(?:AT_FDCWD|\d+)(?:<(.*?)>)?, "((?:[^"\\]|\\.)*)"', arguments).groups()
            found.append((os.path.join(folder or "(unknown)", path), arguments))
    return found


class BinaryTest(sandbox.LiveTest):
    def test_static_and_small(self):
        said = subprocess.run(["file", "-b", SSNAP], capture_output=True, text=True, check=True).stdout
        self.assertRegex(said, r"statically linked|static-pie linked")
        self.assertRegex(said, r"\bstripped\b")
        self.assertNotIn("not stripped", said)
        self.assertLessEqual(os.path.getsize(SSNAP), MAX_BYTES)

    def test_in_an_empty_chroot(self):
        """A read-only root that holds the binary and /proc; no environment, no other file to find."""
        make_scene(self)
        root = self.path("root")
        os.mkdir(root)
        self.run_tool("mount", "-t", "tmpfs", "tmpfs", root)
        self.addCleanup(self.run_tool, "umount", "-R", root)
        shutil.copy(SSNAP, f"{root}/ssnap")
        os.mkdir(f"{root}/proc")
        self.run_tool("mount", "-t", "proc", "proc", f"{root}/proc")
        self.run_tool("mount", "-o", "remount,ro", root)

        with open(self.path("a.tar.zst"), "wb") as output:
            run = subprocess.run(["/ssnap", "capture", "-o", "-"], executable="/ssnap", env={}, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.PIPE,
                                 preexec_fn=lambda: (os.chroot(root), os.chdir("/")))
        self.assertIn(run.returncode, (0, 3), run.stderr)
        snapshot = analyze_json(self, self.path("a.tar.zst"))
        self.assertGreater(len(sockets_of(snapshot, self.netns)), 50)

        # Analysis neither needs anything but the archive.
        self.run_tool("umount", f"{root}/proc")
        for command in (["analyze", "-", "--format", "json"], ["analyze", "-", "-lntp"], ["info", "-"]):
            with self.subTest(command), open(self.path("a.tar.zst"), "rb") as archive:
                run = subprocess.run(["/ssnap", *command], executable="/ssnap", env={}, stdin=archive, capture_output=True,
                                     preexec_fn=lambda: (os.chroot(root), os.chdir("/")))
                self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.assertTrue(run.stdout)

    def run_tool(self, *command):
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, f"{command}: {run.stderr}")

    def strace(self, *arguments):
        log = self.path("strace.log")
        run = subprocess.run(["strace", "-f", "-y", "-qq", "-s", "4096", "-o", log, SSNAP, *arguments], stdin=subprocess.DEVNULL,
                             capture_output=True)
        calls = calls_of(log)
        self.assertEqual([name for name, _ in calls].count("execve"), 1, "it executes nothing")
        self.assertEqual(calls[0][0], "execve")
        return run, calls[1:]

    def check_no_process_and_no_change(self, calls, output=None):
        for name, arguments in calls:
            if output is not None and name == "ftruncate" and re.match(rf"\d+<{re.escape(output)}>, ", arguments):
                continue  # gives back the room that it kept behind the end
            self.assertNotIn(name, ("fork", "vfork"))
            if name in ("clone", "clone3"):
                self.assertIn("CLONE_THREAD", arguments)
            self.assertIsNone(CHANGES.match(name), f"{name}({arguments}")

    def test_replay_opens_nothing_but_the_archive(self):
        make_scene(self)
        archive = self.path("a.tar.zst")
        capture(self, archive)
        for command in (["analyze", archive, "-tuwxanp"], ["analyze", archive, "--format", "json"],
                        ["analyze", archive, "--format", "ndjson"], ["analyze", archive, "--as", "netstat", "-tuwxanpe"],
                        ["info", archive]):
            with self.subTest(command[0::2]):
                run, calls = self.strace(*command)
                self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.assertEqual([path for path, _ in opened(calls)], [archive])
                self.check_no_process_and_no_change(calls)
                for name, arguments in calls:
                    self.assertNotIn(name, ("socket", "socketpair", "connect", "bind", "sendto", "sendmsg", "getdents64",
                                            "clone", "clone3", "uname", "sysinfo", "getuid"), arguments)
                    # Whatever else takes a path: only the loader's question for its own place.
                    if name in ("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
                                "readlinkat", "chdir", "statfs", "getxattr"):
                        path = STRING.search(arguments)
                        self.assertIn(path and path[1], ("", archive, "/proc/self/exe"), f"{name}({arguments}")

    def test_capture_writes_its_output_and_nothing_else(self):
        make_scene(self)
        archive = self.path("a.tar.zst")
        before = set(os.listdir(self.folder))
        run, calls = self.strace("capture", "-o", archive)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.check_no_process_and_no_change(calls, archive)
        for name, arguments in calls:
            if name in ("socket", "socketpair"):
                self.assertRegex(arguments, r"^AF_NETLINK\b")
        self.assertTrue(any(name == "socket" for name, _ in calls), "strace saw no socket: what did it watch?")
        writing = [(path, flags) for path, flags in opened(calls) if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", flags)]
        self.assertEqual([path for path, _ in writing], [archive])
        self.assertIn("O_EXCL", writing[0][1])
        # Only procfs and the few files that explain its numbers; nothing through a link of /proc/PID. What is below the
        # collector's own procfs has paths without /proc: test_promises looks at them one by one.
        for path, _ in opened(calls):
            self.assertNotRegex(path, r"^(/proc)?/(self|thread-self|\d+)/(task/\d+/)?(fd|cwd|root|exe|map_files)/.")
            if path not in (archive, self.folder, "/"):
                self.assertRegex(path, r"^/(proc|etc|sys|self|thread-self|\d+)(/|$)|^/(stat|uptime|loadavg|version|cmdline|meminfo"
                                       r"|modules|filesystems|kallsyms|\.)$|^/usr/lib/os-release$|^/var/lib/dbus/machine-id$")
        self.assertEqual(set(os.listdir(self.folder)) - before, {"a.tar.zst", "strace.log"})

    def test_opens_without_us(self):
        make_scene(self)
        archive, tree = self.path("a.tar.zst"), self.path("tree")
        capture(self, archive)
        os.mkdir(tree)
        run = subprocess.run(f"zstd -dc '{archive}' | tar xf - -C '{tree}'", shell=True, capture_output=True,
                             executable="/bin/bash")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        run = subprocess.run(["sha256sum", "--strict", "-c", "manifest-sha256.txt"], cwd=tree, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        checked = {line.rpartition(":")[0] for line in run.stdout.splitlines()}
        files = {os.path.relpath(os.path.join(folder, name), tree) for folder, _, names in os.walk(tree) for name in names}
        self.assertEqual(files - checked, {"manifest-sha256.txt"}, "the manifest lists every member")
        self.assertLessEqual({"README.txt", "capture.json", "end.json"}, files)
        for folder, folders, names in os.walk(tree):
            for name in folders + names:
                mode = os.lstat(os.path.join(folder, name)).st_mode
                self.assertTrue(stat.S_ISREG(mode) or stat.S_ISDIR(mode), f"{name} is neither a file nor a folder")
        # A byte changed is a byte noticed.
        with open(os.path.join(tree, "README.txt"), "ab") as file:
            file.write(b"x")
        self.assertNotEqual(subprocess.run(["sha256sum", "--quiet", "-c", "manifest-sha256.txt"], cwd=tree,
                                           capture_output=True).returncode, 0)
        # The archive names its collector by hash.
        with open(os.path.join(tree, "capture.json"), "rb") as file:
            info = json.load(file)
        with open(SSNAP, "rb") as file:
            self.assertEqual(info["tool"]["sha256"], hashlib.sha256(file.read()).hexdigest())

    def test_what_was_read_is_kept_byte_for_byte(self):
        """Tables that nothing moves: the kernel says the same before and after, and the archive has it."""
        make_scene(self)
        tables = [f"/proc/self/net/{name}" for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix")]
        before = [pathlib.Path(table).read_bytes() for table in tables]
        capture(self, self.path("a.tar.zst"))
        with open(self.path("a.tar.zst"), "rb") as file:
            members = zstd_frames.members_of(file.read())
        for table, content in zip(tables, before):
            with self.subTest(table):
                name = os.path.basename(table)
                copies = [member for path, member in members.items() if path.endswith(f"/proc/net/{name}")]
                self.assertTrue(copies)
                for copy in copies:
                    self.assertEqual(untimed(copy), untimed(content))

    def test_the_output_file(self):
        archive = self.path("a.tar.zst")
        run = ssnap("capture", "-o", archive, preexec_fn=lambda: os.umask(0))
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(archive).st_mode), 0o600)

        with open(self.path("theirs"), "wb") as file:
            file.write(b"theirs")
        os.symlink(self.path("nowhere"), self.path("link"))
        for name in ("theirs", "link"):
            with self.subTest(name):
                run = ssnap("capture", "-o", self.path(name))
                self.assertIn(run.returncode, (1, 2))
                self.assertIn(name.encode(), run.stderr)
                self.assertIn(b"exists", run.stderr.lower())
        with open(self.path("theirs"), "rb") as file:
            self.assertEqual(file.read(), b"theirs")
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_the_default_name(self):
        run = ssnap("capture", cwd=self.folder)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        [name] = os.listdir(self.folder)
        self.assertRegex(name, rf"^ssnap-{re.escape(os.uname().nodename)}-\d{{8}}T\d{{6}}Z\.tar\.zst$")

    def test_standard_output(self):
        """Refused on a terminal, which would show it; fine on a pipe."""
        master, slave = pty.openpty()
        process = subprocess.Popen([SSNAP, "capture", "-o", "-"], stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE)
        errors = process.communicate()[1]
        self.assertEqual(process.returncode, 2)
        self.assertIn(b"terminal", errors)
        os.close(slave)
        try:
            self.assertEqual(os.read(master, 4096), b"")
        except OSError:
            pass  # EIO: nothing was written and nobody is left to write
        os.close(master)

        run = ssnap("capture", "-o", "-")
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.assertIn("manifest-sha256.txt", zstd_frames.members_of(run.stdout))


def untimed(table):
    """A table of /proc/net without what runs on its own: in TCP rows the timer (`tr tm->when retrnsmt`) and what follows
    the inode (a timer holds a reference)."""
    return re.sub(rb" [0-9A-F]{2}:[0-9A-F]{8} [0-9A-F]{8} |(?<=\d) \d+ [0-9a-f]{16} \d+ \d+ \d+ \d+ -?\d+ *$", b" ", table,
                  flags=re.M)


if __name__ == "__main__":
    sandbox.need("file", "mount", "umount", "sha256sum", "strace", "tar", "zstd")
    sandbox.main(own_processes=True)
