"""A capture leaves the host as it was: every system call of it is looked at, beside things that tempt it."""

import os
import pty
import re
import socket
import subprocess
import threading

from support import diag, sandbox, strace
from support.netns import MS_BIND, Netns, mount, own_mounts, setns
from support.scene import make_scene
from support.ssnap import SSNAP, analyze_json, ssnap

# Calls that change the file system, other processes or the kernel.
CHANGES = re.compile(r"^(creat|unlink|rename|link|symlink|mkdir|rmdir|mknod|chmod|fchmod|chown|fchown|lchown|truncate|ftruncate"
                     r"|fallocate|utime|utimes|futimesat|utimensat|setxattr|fsetxattr|lsetxattr|removexattr|fremovexattr"
                     r"|mount|move_mount|umount|mount_setattr|pivot_root|chroot|swapon|swapoff|ptrace|kill|tkill|tgkill"
                     r"|rt_sigqueueinfo|pidfd_send_signal|process_vm_writev|process_madvise|init_module|finit_module"
                     r"|delete_module|sethostname|setdomainname|settimeofday|clock_settime|clock_adjtime|adjtimex"
                     r"|reboot|bpf|perf_event_open|inotify_add_watch|fanotify_mark|keyctl|add_key|syslog|acct|quotactl"
                     r"|fork|vfork|execve|execveat|socketpair|listen|accept|accept4)(2|at|at2|64)?$")
# The links of a process: what is behind them may be a FIFO that blocks, a network file system, a device that acts.
THROUGH_A_LINK = re.compile(r"^(/proc)?/(self|thread-self|\d+)/(task/\d+/)?(fd|cwd|root|exe|map_files)(/.|$)")
FD_FOLDER = re.compile(r"^(/proc)?/(self|thread-self|\d+)/(task/\d+/)?fd$")
LINK_ITSELF = re.compile(r"^(/proc)?/(self|thread-self|\d+)/(task/\d+/)?(cwd|root|exe)$")
STATS = {"stat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "statfs", "chdir", "name_to_handle_at",
         "open_tree", "listxattr", "inotify_add_watch"}
READ_ONLY_SOCK_DIAG = {18, 20}  # TCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY: not SOCK_DESTROY
# Every kind of run that DESIGN names; `-o -` writes to a pipe.
RUNS = {"default": [], "one thread": ["--threads", "1"], "four threads": ["--threads", "4"], "own namespace": ["--netns", "self"],
        "modules allowed": ["--allow-module-load"], "with secrets": ["--include-secrets", "--include-environ"], "hashes": ["--exe-hashes"],
        "with its hash": ["--sha256-file", "--case", "number=1"], "limits": ["--timeout", "100000", "--max-size", "1G"],
        "ended early": ["--timeout", "0.000001"], "replacing": ["--force", "--sha256-file"]}
DUMP = 0x300
MOUNT_POINT = "/run/pinned"


def modules():
    """The modules that are loaded, with what the kernel tells of itself where it has none; None: neither is there."""
    if os.path.exists("/proc/modules"):
        with open("/proc/modules", encoding="ascii") as file:
            return {line.split()[0] for line in file}
    if os.path.isdir("/sys/module"):
        return set(os.listdir("/sys/module"))
    return None


class Temptations:
    """What a careless collector would open, wait for or load a module for."""

    def __init__(self, test):
        self.test = test
        # A FIFO that is open: whoever opens it again through /proc/PID/fd is a second reader.
        fifo = test.path("fifo")
        os.mkfifo(fifo)
        self.fds(os.open(fifo, os.O_RDWR))
        self.fds(*pty.openpty())
        gone = os.open(test.path("gone"), os.O_CREAT | os.O_RDWR)
        os.unlink(test.path("gone"))
        self.fds(gone, os.open(test.folder, os.O_RDONLY | os.O_DIRECTORY), os.memfd_create("memory"), os.eventfd(0))
        # Sockets without a table, for which a handler might be loaded.
        for family, kind in ((diag.AF_VSOCK, socket.SOCK_STREAM), (diag.AF_XDP, socket.SOCK_RAW)):
            try:
                test.addCleanup(socket.socket(family, kind).close)
            except OSError:
                pass  # not on this kernel
        self.namespaces()

    def fds(self, *fds):
        for fd in fds:
            self.test.addCleanup(os.close, fd)

    def namespaces(self):
        """Network namespaces to be entered: by a process, a thread, a mount elsewhere, a descriptor."""
        test = self.test
        self.inodes = set()
        by_process, by_fd = Netns(), Netns()
        with by_process.entered():
            test.child(sandbox.exec_holder([]))
        by_process.close()
        test.addCleanup(by_fd.close)
        self.inodes |= {by_process.inode, by_fd.inode}

        ready, done = threading.Event(), threading.Event()

        def live():
            self.inodes.add(sandbox.fresh_network_namespace())
            ready.set()
            done.wait()

        thread = threading.Thread(target=live)
        thread.start()
        ready.wait()
        test.addCleanup(thread.join)
        test.addCleanup(done.set)
        self.mounted()

    def mounted(self):
        report_read, report_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(life_write)
                own_mounts()
                mount("tmpfs", "/run", "tmpfs")
                own = os.open("/proc/self/ns/net", os.O_RDONLY)
                inode = sandbox.fresh_network_namespace()
                with open(MOUNT_POINT, "wb"):
                    pass
                mount("/proc/self/ns/net", MOUNT_POINT, flags=MS_BIND)
                setns(own)
                os.close(own)
                os.write(report_write, str(inode).encode())
                os.close(report_write)
                os.read(life_read, 1)
            finally:
                os._exit(0)
        os.close(report_write)
        os.close(life_read)
        self.test.child(sandbox.Child(pid, life_write))
        self.inodes.add(int(os.read(report_read, 64)))
        os.close(report_read)


class PromisesTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        make_scene(self)
        self.temptations = Temptations(self)

    def test_every_call(self):
        before = modules()
        for label, arguments in RUNS.items():
            with self.subTest(label):
                archive, log = self.path(f"{label}.tar.zst"), self.path("strace.log")
                outputs = [archive] + [archive + ".sha256"] * ("--sha256-file" in arguments)
                if "--force" in arguments:
                    for path in outputs:
                        with open(path, "w", encoding="ascii") as file:
                            file.write("old")
                files = self.everything_here()
                run, calls = strace.run(log, "capture", *arguments, "-o", archive)
                self.assertIn(run.returncode, (0, 3), run.stderr)
                self.assertEqual(self.everything_here() - files, {log, *outputs} - files)
                if "--force" in arguments:
                    # The one other name that it ever uses: of the new one, as long as the old one is there.
                    [renamed] = [call for call in calls if call.name == "renameat"]
                    working = f"{archive}.new-"
                    self.assertTrue(renamed.path.startswith(working))
                    [unlinked] = [call for call in calls if call.name == "unlinkat"]
                    self.assertEqual(unlinked.path, archive + ".sha256")
                    calls = [call for call in calls if call not in (renamed, unlinked)]
                    outputs[0] = renamed.path
                self.check_calls(calls, *outputs, hashes=label == "hashes")
                if label == "default":
                    # The temptations were met.
                    found = {namespace["inode"] for namespace in analyze_json(self, archive)["namespaces"]}
                    self.assertLessEqual(self.temptations.inodes, found)
                    if before is None:
                        print("\n    neither /proc/modules nor /sys/module: modules can't be compared")
                    self.assertEqual(modules(), before, "modules were loaded")
                    self.check_asks_only_what_is_there(calls)
                if label == "modules allowed":
                    self.check_asks_everything(calls)

    def test_to_a_pipe(self):
        log = self.path("strace.log")
        run, calls = strace.run(log, "capture", "-o", "-")
        self.assertIn(run.returncode, (0, 3), run.stderr)
        self.check_calls(calls)

    def everything_here(self):
        return {os.path.join(folder, name) for folder, folders, names in os.walk(self.folder) for name in folders + names}

    def check_calls(self, calls, *outputs, hashes=False):
        """`outputs`: the files that it makes, in their order."""
        self.assertEqual((calls[0].name, calls[0].path), ("execve", SSNAP))
        seen = {call.name for call in calls}
        # What did strace watch? A capture without these is none.
        self.assertLessEqual({"openat", "getdents64", "readlinkat", "fsopen", "clock_adjtime"}, seen)
        if not any('"0.000001"' in call.arguments for call in calls[:1]):
            self.assertLessEqual({"socket", "sendto", "kcmp"}, seen)
        written, sockets = [], {}
        # A descriptor's file has the name for which another one had to make room.
        names = {*outputs, *(re.sub(r"\.new-\d+$", "", path) for path in outputs)}
        # The procfs that the collector makes for itself (a descriptor; no mount table has it): strace prints paths below it
        # as if it were the root.
        self.own_procfs = None
        for call in calls[1:]:
            with_call = str(call)
            if call.name in ("fallocate", "ftruncate") and re.match(r"\d+<(.*?)>", call.arguments)[1] in names:
                continue  # room behind the end of what it writes, and back
            if call.name == "clock_adjtime" and call.arguments.startswith("CLOCK_REALTIME, {modes=0, "):
                continue  # a question
            self.assertIsNone(CHANGES.match(call.name), with_call)
            if call.name in ("clone", "clone3"):
                self.assertIn("CLONE_THREAD", call.arguments)
                self.assertNotIn("CLONE_NEW", call.arguments)
            elif call.name == "unshare":
                # A thread that is to have a working folder of its own: extended attributes are asked for by path.
                self.assertEqual(call.arguments, "CLONE_FS")
            elif call.name == "fchdir":
                folder = r"\d+</proc>" if self.own_procfs is None else rf"{self.own_procfs}</>"
                self.assertRegex(call.arguments, rf"^{folder}$")
            elif call.name == "fsopen":
                self.assertEqual(call.arguments, '"proc", FSOPEN_CLOEXEC')
            elif call.name == "fsconfig":
                self.assertRegex(call.arguments, r"^\d+<anon_inode:\[fscontext\]>, FSCONFIG_CMD_CREATE, NULL, NULL, 0$")
            elif call.name == "fsmount":
                # Attached to nothing: move_mount is among the changes above.
                self.assertIn("MOUNT_ATTR_RDONLY", call.arguments)
                self.assertIsNone(self.own_procfs, "one is enough")
                self.own_procfs = call.result if call.result >= 0 else None
            elif call.name == "kcmp":
                self.assertRegex(call.arguments, r"^\d+, \d+, KCMP_FILES\b", "compares fd tables, nothing else")
            elif call.name == "setns":
                # In a chroot the tracer's paths begin outside of it.
                self.assertRegex(call.arguments, rf"^\d+<(net:\[\d+\]|(/[^>]*)?{MOUNT_POINT})>, (CLONE_NEWNET|0)$")
            elif call.name == "pidfd_getfd":
                self.assertTrue(call.result < 0 or re.match(r"^net:\[\d+\]$", call.target), f"{with_call}<{call.target}>")
            elif call.name == "socket":
                self.assertRegex(call.arguments, r"^AF_NETLINK, ")
                sockets[call.target] = call.arguments
            elif call.name in ("connect", "bind"):
                self.assertIn("AF_NETLINK", call.arguments, with_call)
            elif call.name in ("sendto", "sendmsg", "sendmmsg"):
                self.check_request(call, sockets)
            elif call.name in ("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "splice", "copy_file_range", "tee"):
                target = re.match(r"^\d+<(.*?)>", call.arguments)[1]
                if target not in names:
                    self.assertRegex(target, r"^(pipe:\[\d+\]|anon_inode:\[eventfd\])$", with_call)
            elif call.name in ("open", "openat", "openat2"):
                self.check_open(call, outputs, written, hashes)
            elif call.name in STATS:
                self.check_stat(call)
            elif call.name in ("getxattr", "lgetxattr"):
                self.assertIn('"system.sockprotoname"', call.arguments)
        self.assertEqual(written, list(outputs))

    def path_of(self, call):
        """call.path, with what is below the collector's own procfs as below /proc."""
        below = self.own_procfs is not None and call.arguments.startswith(f"{self.own_procfs}</>, ")
        return "/proc" + call.path if below else call.path

    def check_open(self, call, outputs, written, hashes):
        path = self.path_of(call)
        if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE", call.arguments):
            self.assertIn("O_EXCL", call.arguments)
            self.assertIn("O_NOFOLLOW", call.arguments)
            self.assertIn(path, outputs, str(call))
            written.append(path)
        elif THROUGH_A_LINK.match(path) and not FD_FOLDER.match(path):
            if path == "/proc/self/exe":
                return  # its own: the archive names its collector by hash
            if re.fullmatch(r"(/proc)?/self/fd/\d+", path):
                return  # the object that was looked at, below
            if hashes and re.fullmatch(r"(/proc)?/\d+/(task/\d+/)?exe", path):
                # Never so that it waits, becomes a terminal, or leaves a time of access where that can be helped.
                self.assertRegex(call.arguments, r"O_PATH|O_RDONLY\|O_NOCTTY\|O_NONBLOCK\|O_(NOATIME\|O_)?CLOEXEC", str(call))
                return
            # Only a mounted namespace, which is seen from inside its mount namespace: looked at, not opened.
            self.assertRegex(path, rf"^(/proc)?/\d+/root{MOUNT_POINT}$", str(call))
            self.assertIn("O_PATH", call.arguments, str(call))
        elif path not in (*outputs, self.folder, "/"):
            self.assertRegex(path, r"^/(proc|etc|sys)(/|$)|^/\d+(/|$)|^/usr/lib/os-release$|^/var/lib/dbus/machine-id$", str(call))

    def check_stat(self, call):
        """stat follows a link unless told not to. An empty path is about the descriptor itself."""
        path = self.path_of(call) if call.path else None
        if path is None or "AT_SYMLINK_NOFOLLOW" in call.arguments or ', "",' in call.arguments:
            return
        if THROUGH_A_LINK.match(path) and not FD_FOLDER.match(path):
            self.assertFalse(True, f"follows a link of a process: {call}")

    def check_request(self, call, sockets):
        """Netlink can change as well: only dumps, of messages that ask."""
        target, kind, flags = re.match(r"^\d+<(.*?)>, .*?nlmsg_type=(\w+).*?nlmsg_flags=([\w|]+)", call.arguments).groups()
        self.assertIn(target, sockets, "a socket that it did not make")
        words = flags.split("|")
        bits = sum(int(word, 16) for word in words if word.startswith("0x"))
        self.assertTrue("NLM_F_DUMP" in words or bits & DUMP == DUMP, str(call))
        self.assertLessEqual({word for word in words if not word.startswith("0x")}, {"NLM_F_REQUEST", "NLM_F_DUMP"}, str(call))
        self.assertEqual(bits & ~DUMP, 0, str(call))
        if not kind.startswith("0x"):
            self.assertRegex(kind, r"^(RTM_GET\w+|SOCK_DIAG_BY_FAMILY|TCPDIAG_GETSOCK)$", str(call))
        elif "NETLINK_SOCK_DIAG" in sockets[target]:
            self.assertIn(int(kind, 16), READ_ONLY_SOCK_DIAG, str(call))
        elif "NETLINK_ROUTE" in sockets[target]:
            self.assertEqual(int(kind, 16) - 16 & 3, 2, f"not one of RTM_GET*: {call}")
        elif "NETLINK_NETFILTER" in sockets[target]:
            self.assertIn(int(kind, 16), (0x101, 0x104, 0x105), f"neither conntrack nor its statistics: {call}")
        else:
            self.fail(f"asks {sockets[target]}: {call}")

    def asked(self, calls):
        """Tables that were asked for, as names of diag.TABLES."""
        found = set()
        by_first = {body[:2]: name for name, body in diag.TABLES.items() if body[0] == socket.AF_INET and name != "mptcp"}
        by_family = {body[:1]: name for name, body in diag.TABLES.items() if body[0] != socket.AF_INET}
        mptcp_length = 16 + len(diag.TABLES["mptcp"])  # its number has no room where the others have theirs
        for call in calls:
            asked = call.name in ("sendto", "sendmsg") and re.search(
                r"nlmsg_len=(\d+), nlmsg_type=(?:0x14|SOCK_DIAG_BY_FAMILY)\b[^{}]*\}, (.*)$", call.arguments)
            if not asked:
                continue
            # strace decodes the request, or gives its bytes.
            words = re.match(r"\{\w*family=AF_(\w+)(?:, \w*protocol=IPPROTO_(\w+))?", asked[2])
            raw = re.match(r'"((?:[^"\\]|\\.)*)"', asked[2])
            self.assertTrue(words or raw, f"can't read {call}")
            if words:
                name = (words[2] or words[1]).lower()
            else:
                data = raw[1].encode("latin1").decode("unicode_escape").encode("latin1")
                name = by_first.get(data[:2]) or by_family.get(data[:1])
            found.add("mptcp" if name == "tcp" and int(asked[1]) == mptcp_length else name)
        return found - {None}

    def check_asks_only_what_is_there(self, calls):
        """No table without its handler is asked for: the question alone would make a modular kernel load it. (The test
        asks itself only now.)"""
        asked = self.asked(calls)
        self.assertLessEqual({"udp", "unix"}, asked)
        self.assertEqual({name for name in asked if name in diag.TABLES and not diag.has_table(name)}, set())

    def check_asks_everything(self, calls):
        self.assertEqual(set(diag.TABLES) - {"tcp"} - self.asked(calls), set(), "TCP has a request of its own")

    def test_modules_are_listed_before_and_after(self):
        """What is loaded is in the archive; where the kernel has no list of modules, that is a gap."""
        archive = self.path("a.tar.zst")
        run = ssnap("capture", "-o", archive)
        self.assertIn(run.returncode, (0, 3), run.stderr)
        names = subprocess.run(f"zstd -dc '{archive}' | tar tf -", shell=True, capture_output=True, text=True, check=True).stdout.split()
        if os.path.exists("/proc/modules"):
            self.assertGreaterEqual(len([name for name in names if name.endswith("modules") or "modules" in name]), 2)
        else:
            print("\n    this kernel has no /proc/modules")
            gaps = [gap for gap in analyze_json(self, archive)["gaps"] if "modules" in (gap.get("detail", "") + gap.get("member", ""))]
            self.assertTrue(gaps, "nothing says that there is no list of modules")


if __name__ == "__main__":
    sandbox.need("strace", "tar", "zstd")
    sandbox.main(own_processes=True)
