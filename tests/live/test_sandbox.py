"""What analyze, info, verify and extract can still do once they read input: the list of their system calls, who they are by
then, and that a kernel without one part of it changes nothing of what they say."""

import errno
import fcntl
import io
import os
import pathlib
import pty
import re
import shlex
import subprocess
import tarfile

from support import sandbox, strace
from support.ssnap import SOURCE_ROOT, SSNAP, ssnap

ARCHIVES = sorted(pathlib.Path(SOURCE_ROOT, "fixtures/archives").glob("*.tar.zst"))
UID = 1000  # somebody who is neither root nor nobody

# The lists of docs/adr/0015.
READING = {"read", "write", "writev", "close", "fstat", "brk", "mmap", "mprotect", "munmap", "mremap", "madvise", "clone", "clone3",
           "set_robust_list", "rseq", "futex", "sched_yield", "sched_getaffinity", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn",
           "restart_syscall", "exit", "clock_gettime", "exit_group", "getpid", "gettid", "tgkill", "ioctl"}
WALKING = READING | {"openat", "newfstatat", "readlinkat", "getdents64", "fcntl"}
MAKING = READING | {"openat", "openat2", "mkdirat", "symlinkat", "linkat", "unlinkat"}
# What can be missing, by number: these are the same on every architecture but the first two.
SECCOMP, SETRESUID = (317, 117) if os.uname().machine == "x86_64" else (277, 147)
PRCTL, CAPSET = (157, 126) if os.uname().machine == "x86_64" else (167, 91)
LANDLOCK_CREATE_RULESET, OPENAT2, CLOSE_RANGE = 444, 437, 436


def cases():
    """What the replay tests run: [(archive, command, arguments)]."""
    found = []
    for archive in ARCHIVES:
        lines = archive.with_name(archive.name.removesuffix(".tar.zst") + ".cases").read_text(encoding="utf-8").splitlines()
        for words in filter(None, (shlex.split(line, comments=True) for line in lines)):
            command, *arguments = words[2:] if words[1].startswith("exit=") else words[1:]
            arguments = [str(archive.with_name(word[1:] + ".tar.zst")) if word.startswith("@") else word for word in arguments]
            found.append((archive, command, arguments))
    return found


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


class SandboxTest(sandbox.LiveTest):
    def tree(self, name="tree", archive=ARCHIVES[-1]):
        run = ssnap("extract", archive, "-C", self.path(name))
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return self.path(name)

    # System calls

    def confined_calls(self, *arguments, **options):
        """Those after the list is in force; that no input was read before is checked."""
        log = self.path("strace.log")
        run, calls = strace.run(log, *arguments, **options)
        [at] = [number for number, call in enumerate(calls) if call.name == "seccomp" and call.result == 0]
        for call in calls[:at]:
            self.assertNotIn(call.name, ("read", "readv", "pread64"), str(call))
            if call.name == "getdents64":
                self.assertIn("-C", arguments, "the target's: it has to be empty")
            if call.name == "mmap":
                self.assertIn("MAP_ANONYMOUS", call.arguments, str(call))
        return run, calls[at + 1:]

    def check_list(self, calls, names):
        self.assertTrue(any(call.name == "read" for call in calls), "it read nothing")
        for call in calls:
            self.assertIn(call.name, names, str(call))
            if call.name in ("openat", "openat2"):
                self.assertNotRegex(call.arguments, "^AT_FDCWD")
            if call.name == "openat" and not names & MAKING - WALKING:
                self.assertNotRegex(call.arguments, r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
            if call.name == "write" and not names & MAKING - WALKING:
                self.assertRegex(call.arguments, "^[12]<")

    def test_every_view_of_every_archive(self):
        for archive, command, arguments in cases():
            with self.subTest(f"{command} {archive.name} {arguments}"):
                run, calls = self.confined_calls(command, archive, *arguments)
                self.assertIn(run.returncode, (0, 3, 5), run.stderr)
                self.check_list(calls, READING)

    def test_verify_and_standard_input(self):
        for archive in ARCHIVES:
            run, calls = self.confined_calls("verify", archive)
            self.assertIn(run.returncode, (0, 3), run.stderr)
            self.check_list(calls, READING)
            for command in ("analyze", "info", "verify"):
                with open(archive, "rb") as file:
                    run, calls = self.confined_calls(command, "-", stdin=file)
                self.assertIn(run.returncode, (0, 3), run.stderr)
                self.check_list(calls, READING)

    def test_what_is_no_snapshot(self):
        for name, content in (("empty", b""), ("text", b"no archive\n" * 1000), ("cut", ARCHIVES[-1].read_bytes()[:20000]),
                              ("damaged", ARCHIVES[-1].read_bytes()[:500] + bytes(3000))):
            pathlib.Path(self.path(name)).write_bytes(content)
            for command in ("analyze", "info", "verify"):
                run, calls = self.confined_calls(command, self.path(name))
                self.assertIn(run.returncode, (1, 3, 4), run.stderr)
                self.check_list(calls, READING)

    def test_directories(self):
        tree = self.tree()
        for arguments in (["analyze", tree], ["analyze", tree, "--format", "json"], ["analyze", tree, "--as", "ss", "-tuwxanpeoim"],
                          ["analyze", tree, "--tree"], ["info", tree], ["verify", tree]):
            with self.subTest(arguments):
                run, calls = self.confined_calls(*arguments)
                self.assertIn(run.returncode, (0, 4), run.stderr)
                self.check_list(calls, WALKING)
                self.assertTrue(any(call.name == "openat" for call in calls))

    def test_extract(self):
        for archive in ARCHIVES:
            target = self.path(archive.name)
            run, calls = self.confined_calls("extract", archive, "-C", target)
            self.assertIn(run.returncode, (0, 3), run.stderr)
            self.check_list(calls, MAKING)
            made = [call for call in calls if "O_CREAT" in call.arguments]
            self.assertTrue(made)
            for call in made:
                self.assertRegex(call.arguments, rf"^\d+<{target}[/>]")
                self.assertIn("O_EXCL", call.arguments)
                if call.name == "openat2":
                    self.assertIn("RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH", call.arguments)
        run, calls = self.confined_calls("extract", self.path(ARCHIVES[-1].name), "-C", self.path("again"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.check_list(calls, MAKING | WALKING)

    def test_live(self):
        """What was captured is read as any archive is."""
        log = self.path("strace.log")
        run, calls = strace.run(log, "analyze", "--live")
        self.assertEqual(run.returncode, 0, run.stderr)
        [at] = [number for number, call in enumerate(calls) if call.name == "seccomp" and call.result == 0]
        self.assertTrue(any(call.name == "socket" for call in calls[:at]))
        for call in calls[at + 1:]:
            self.assertIn(call.name, READING, str(call))
        self.assertTrue(any(call.name == "write" for call in calls[at + 1:]))

    # Who it is

    def start(self, *arguments, prefix=(), **options):
        process = subprocess.Popen([*prefix, SSNAP, *arguments], stderr=subprocess.DEVNULL, **options)

        def end():
            process.kill()
            process.wait()
            for stream in filter(None, (process.stdin, process.stdout)):
                stream.close()

        self.addCleanup(end)
        sandbox.wait_until(lambda: status_of(process.pid)["Seccomp"] == "2", "the list of system calls")
        return process, status_of(process.pid)

    def check_status(self, status, uid):
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(set(status["Uid"].split()), {str(uid)})

    def test_root_is_nobody_while_it_reads(self):
        os.mkfifo(self.path("fifo"))
        for command in ("analyze", "info", "verify"):
            for path in (self.path("fifo"), "-"):
                with self.subTest(f"{command} {path}"):
                    read_end, write_end = os.pipe()
                    if path == "-":
                        writer = os.fdopen(write_end, "wb")
                    else:
                        os.close(write_end)
                        writer = open(os.open(path, os.O_RDWR), "wb")  # both ends: nobody has to wait
                    # An inherited descriptor is no way out either.
                    inherited = os.open("/etc", os.O_RDONLY)
                    process, status = self.start(command, path, stdin=read_end, stdout=subprocess.PIPE, pass_fds=[inherited])
                    os.close(read_end)
                    self.check_status(status, 65534)
                    self.assertEqual(int(status["CapBnd"], 16), 0)
                    self.assertEqual((set(status["Gid"].split()), status["Groups"].split()), ({"65534"}, []))
                    open_fds = {os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")}
                    self.assertNotIn("/etc", open_fds)
                    os.close(inherited)
                    writer.write(ARCHIVES[0].read_bytes())
                    writer.close()
                    output, _ = process.communicate()
                    if command != "verify":  # which says what it was called
                        self.assertEqual(output, ssnap(command, ARCHIVES[0]).stdout)
                    self.assertEqual(process.returncode, 3)  # demo-cut

    def test_others_stay_who_they_are(self):
        # Not all folders above the build may be open to everybody.
        os.chmod(self.folder, 0o755)
        copy = self.path("ssnap")
        pathlib.Path(copy).write_bytes(pathlib.Path(SSNAP).read_bytes())
        os.chmod(copy, 0o755)
        process = subprocess.Popen(["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--", copy, "analyze", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        sandbox.wait_until(lambda: status_of(process.pid)["Seccomp"] == "2", "the list of system calls")
        self.check_status(status_of(process.pid), UID)
        output, complaints = process.communicate(ARCHIVES[-1].read_bytes())
        self.assertEqual((process.returncode, output, complaints), (0, ssnap("analyze", ARCHIVES[-1]).stdout, b""))

    def test_with_a_directory_root_stays_and_has_no_capability(self):
        tree = self.tree()
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)  # it waits for the reader
        _, status = self.start("analyze", tree, "--format", "json", stdin=subprocess.DEVNULL, stdout=write_end)
        self.check_status(status, 0)
        os.close(read_end)
        os.close(write_end)
        process, status = self.start("extract", "-", "-C", self.path("target"), stdin=subprocess.PIPE)
        self.check_status(status, 0)
        process.communicate(ARCHIVES[-1].read_bytes())
        self.assertEqual(process.returncode, 0)
        self.assertEqual(ssnap("analyze", self.path("target")).stdout, ssnap("analyze", ARCHIVES[-1]).stdout)

    def test_what_belongs_to_others(self):
        """An archive is opened before root is nobody; what is below a directory is opened by root without its rights."""
        archive = self.path("a.tar.zst")
        pathlib.Path(archive).write_bytes(ARCHIVES[-1].read_bytes())
        os.chmod(archive, 0o600)
        os.chown(archive, UID, UID)
        expected = ssnap("analyze", ARCHIVES[-1]).stdout
        self.assertEqual(ssnap("analyze", archive).stdout, expected)
        tree = self.tree()
        self.assertEqual(ssnap("analyze", tree).stdout, expected)
        os.chown(tree, UID, UID)  # mode 0700
        for command in (["analyze", tree], ["info", tree], ["verify", tree], ["extract", tree, "-C", self.path("x")]):
            run = ssnap(*command)
            self.assertEqual((run.returncode, run.stdout), (1, b""))
            self.assertRegex(run.stderr.decode(), rf"^ssnap: {tree}: .*Permission denied.*without root's rights over files of others\n$")
        self.assertFalse(os.path.exists(self.path("x")))
        os.mkdir(self.path("theirs"))
        os.chown(self.path("theirs"), UID, UID)
        run = ssnap("extract", archive, "-C", self.path("theirs"))
        self.assertEqual((run.returncode, os.listdir(self.path("theirs"))), (1, []))
        self.assertIn(b"Permission denied", run.stderr)

    def test_a_terminal(self):
        """Its width is asked for, and heeded."""
        master, slave = pty.openpty()
        process = subprocess.Popen([SSNAP, "analyze", ARCHIVES[-1]], stdin=subprocess.DEVNULL, stdout=slave, env={"TERM": "xterm"})
        os.close(slave)
        output = b""
        try:
            while chunk := os.read(master, 65536):
                output += chunk
        except OSError as error:
            self.assertEqual(error.errno, errno.EIO)  # the other side is closed
        os.close(master)
        self.assertEqual(process.wait(), 0)
        self.assertIn(b"\x1b[", output)

    # Where there is less of it

    def without(self, refused, number, *arguments, **options):
        return ssnap(*arguments, preexec_fn=lambda: sandbox.refuse(refused, number), **options)

    def test_other_kernels_and_containers(self):
        """What is missing is done without, and the answer is the same."""
        tree = self.tree()
        plain = {words: ssnap(*words) for words in (("analyze", ARCHIVES[-1], "--format", "json"), ("analyze", tree, "--format", "json"),
                                                    ("info", ARCHIVES[0]), ("verify", ARCHIVES[-1]))}
        everything = (SECCOMP, LANDLOCK_CREATE_RULESET, OPENAT2, CLOSE_RANGE, SETRESUID, CAPSET, PRCTL)
        for refused in (*((number,) for number in everything), (SECCOMP, LANDLOCK_CREATE_RULESET), everything):
            for number in (errno.ENOSYS, errno.EPERM):
                with self.subTest(f"{refused} {errno.errorcode[number]}"):
                    for words, expected in plain.items():
                        run = self.without(refused, number, *words)
                        self.assertEqual((run.returncode, run.stdout, run.stderr), (expected.returncode, expected.stdout, expected.stderr))
                    target = self.path("again")
                    run = self.without(refused, number, "extract", ARCHIVES[-1], "-C", target)
                    self.assertEqual((run.returncode, run.stderr), (0, b""))
                    subprocess.run(["diff", "-r", "--no-dereference", tree, target], check=True)
                    subprocess.run(["rm", "-r", target], check=True)

    def test_version_says_what_there_is(self):
        self.assertRegex(ssnap("--version").stdout.decode(), r"\nsandbox: seccomp, (Landlock \d+|no Landlock \(.*\))\n$")
        run = self.without((SECCOMP, LANDLOCK_CREATE_RULESET), errno.ENOSYS, "--version")
        self.assertIn("\nsandbox: no seccomp (Function not implemented), no Landlock (Function not implemented)\n", run.stdout.decode())
        run = self.without((SECCOMP,), errno.EPERM, "--version")
        self.assertIn("\nsandbox: no seccomp (Operation not permitted), ", run.stdout.decode())

    # What extract writes

    def test_hostile_names(self):
        """Tar members of all kinds whose names lead elsewhere, and links on the way."""
        outside = self.path("outside")
        os.mkdir(outside)
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            def add(name, kind=tarfile.REGTYPE, target=""):
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, target
                member.size = 4 if kind == tarfile.REGTYPE else 0
                tar.addfile(member, io.BytesIO(b"evil") if member.size else None)

            add("proc/1/stat")
            for name in ("../outside/a", f"{outside}/b", "proc/../../outside/c", "./../outside/d", "..", "proc/1/..", "/", "proc//../../outside/e"):
                for kind in (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
                    add(name, kind)
                add(name, tarfile.SYMTYPE, outside)
                add(name, tarfile.LNKTYPE, "/etc/passwd")
            for link in ("proc/1/exe", "proc/1/fd/3", "proc/self", "proc/net", "etc", "ss"):
                add(link, tarfile.SYMTYPE, outside)
                add(f"{link}/f")
                add(f"{link}/g/h")
            add("proc/1/link", tarfile.LNKTYPE, "../../outside/f")
        packed = subprocess.run(["zstd", "-qc"], input=raw.getvalue(), stdout=subprocess.PIPE, check=True).stdout
        before = sorted(os.listdir(self.folder))
        for refused in ((), (OPENAT2,), (SECCOMP, LANDLOCK_CREATE_RULESET), (SECCOMP, LANDLOCK_CREATE_RULESET, OPENAT2)):
            run = self.without(refused, errno.ENOSYS, "extract", "-", "-C", self.path("target"), stdin=None, input=packed)
            self.assertEqual(run.returncode, 3, run.stderr)
            self.assertIn(b"left out", run.stderr)
            self.assertEqual(os.listdir(outside), [])
            self.assertEqual(sorted(os.listdir(self.folder)), sorted([*before, "target"]))
            self.assertTrue(os.path.exists(self.path("target/proc/1/stat")))
            subprocess.run(["rm", "-r", self.path("target")], check=True)

    def test_nothing_is_left_of_what_is_no_snapshot(self):
        for content in (b"", b"no archive", b"\x28\xb5\x2f\xfd\x00"):
            pathlib.Path(self.path("bad")).write_bytes(content)
            run = ssnap("extract", self.path("bad"), "-C", self.path("x"))
            self.assertEqual(run.returncode, 1)
            self.assertFalse(os.path.exists(self.path("x")))
            os.mkdir(self.path("x"))
            self.assertEqual(ssnap("extract", self.path("bad"), "-C", self.path("x")).returncode, 1)
            os.rmdir(self.path("x"))


if __name__ == "__main__":
    sandbox.need("strace", "zstd", "setpriv", "diff")
    sandbox.main(own_processes=True)
