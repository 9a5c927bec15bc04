"""Names that a process gives itself may hold any byte. In JSON they come through exact, and no output has a byte in it
that a terminal would obey."""

import json
import os
import re

from support import sandbox
from support.actors import actor, inode_of, listener, set_comm, start_ticks
from support.owners import OwnersTest, unescape
from support.ssnap import ssnap

PORT = 4001

# What the kernel cuts at 15 bytes is not cut here: each is shorter.
COMMS = {
    "as another's stat": b"a) R 1 1 1",
    "brackets": b"((a)) (b) S",
    "newline": b"one\ntwo\n",
    "clears the screen": b"\x1b[2J\x1b]0;x\x07",
    "no UTF-8": b"\xff\xfe\x80end",
    "C1 control": b"\xc2\x9b31mred",
    "right to left": "\u202egnp.exe".encode(),
    "backslash": b"\\x41\\",
    "blanks": b" a\tb  ",
    "quotes": b"'\"`$(x)",
    "ends in the middle": "aaaaaaaaaaaaa\u00e9".encode()[:14],
    "carriage return": b"x\rroot",
}
# Each argument: what the kernel gives back is cut at NULs alone.
ARGUMENTS = [b"cat", b"-", b"\x1b[31mred\x1b[0m", b"\xff\xfe", b"two\nlines", b"", b"\\x1b \\\\", "\u2028\u202e".encode()]

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
VIEWS = (("analyze",), ("analyze", "--tree"), ("analyze", "--pairs"), ("analyze", "--format", "json"),
         ("analyze", "--format", "ndjson"), ("analyze", "--as", "netstat", "-tnap"),
         ("analyze", "--as", "netstat", "-tnap", "--explain"), ("analyze", "--format", "wide"), ("analyze", "--format", "csv"),
         ("analyze", "--fields", "owners,owners.comm,owners.cmdline"), ("analyze", "--as", "ss", "-tanpe"),
         ("analyze", "--as", "ss", "-tanpT", "--explain"), ("analyze", "--as", "lsof", "--explain"), ("info",))


class NamesTest(OwnersTest):
    def make(self, comm, number):
        def body(stage):
            set_comm(comm)
            sock = stage.keep(listener(PORT + number))
            stage.report(inode_of(sock))

        process, inode = actor(self, body)
        with open(f"/proc/{process.pid}/comm", "rb") as file:
            self.assertEqual(file.read(), comm + b"\n")
        return process.pid, inode

    def make_executed(self):
        """With arguments, a working directory and a path to its executable that are as bad."""
        folder = self.folder.encode() + b"/\x1b[1m\n\xff"
        os.mkdir(folder)
        program = folder + b"/a) R \x1b"
        with open("/bin/cat", "rb") as source, open(program, "wb") as target:
            target.write(source.read())
        os.chmod(program, 0o755)

        def body(stage):
            sock = stage.keep(listener(PORT + 100))
            inode = inode_of(sock)
            os.set_inheritable(sock.fileno(), True)
            os.chdir(folder)
            to_cat, life = os.pipe()
            from_cat, answer = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.dup2(to_cat, 0)
                os.dup2(answer, 1)
                os.execv(program, ARGUMENTS[:2])
            os.write(life, b".\n")
            os.read(from_cat, 2)
            stage.keep((life, from_cat))
            stage.report([inode, pid, sock.fileno()])

        _, (inode, pid, fd) = actor(self, body)
        return inode, pid, fd, program, folder

    def test_comm(self):
        made = {label: self.make(comm, number) for number, (label, comm) in enumerate(COMMS.items())}
        self.take()
        for label, comm in COMMS.items():
            with self.subTest(label):
                pid, inode = made[label]
                owner = self.owner(self.row(inode), pid)
                self.assertEqual(unescape(owner["comm"]), comm)
                self.assertEqual(unescape(self.processes[pid]["comm"]), comm)
                # And the fields behind it are those of this process.
                self.assertEqual(owner["start_ticks"], start_ticks(pid))
                self.assertEqual(self.processes[pid]["ppid"], os.getpid())
        self.check_harmless()
        self.check_names_are_shown([pid for pid, _ in made.values()])

    def check_names_are_shown(self, pids):
        table = self.analyze()
        for pid in pids:
            self.assertEqual(len(re.findall(rf"\[{pid}\]", table)), 1, f"{pid} in one line of {table}")

    def test_arguments(self):
        def body(stage):
            sock = stage.keep(listener(PORT))
            inode = inode_of(sock)
            os.set_inheritable(sock.fileno(), True)
            to_child, life = os.pipe()
            from_child, answer = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.dup2(to_child, 0)
                os.dup2(answer, 1)
                # Through the shell, whose arguments may be anything: it waits in `read`.
                os.execv("/bin/sh", [b"sh", b"-c", b"echo x; read y", *ARGUMENTS])
            os.read(from_child, 2)
            stage.keep((life, from_child))
            stage.report([inode, pid])

        _, (inode, pid) = actor(self, body)
        self.take()
        wanted = [b"sh", b"-c", b"echo x; read y", *ARGUMENTS]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.assertEqual(file.read().split(b"\0")[:-1], wanted)
        self.assertEqual([unescape(word) for word in self.owner(self.row(inode), pid)["cmdline"]], wanted)
        self.assertEqual([unescape(word) for word in self.processes[pid]["cmdline"]], wanted)
        self.check_harmless()

    def test_paths(self):
        inode, pid, fd, program, folder = self.make_executed()
        self.take()
        owner = self.owner(self.row(inode), pid)
        self.assertEqual(owner["fds"], [fd])
        self.assertEqual(unescape(owner["exe"]), program)
        self.assertEqual(unescape(self.processes[pid]["cwd"]), folder)
        self.assertEqual(unescape(owner["comm"]), program.rpartition(b"/")[2][:15])
        self.check_harmless()

    def check_harmless(self):
        for command, *arguments in VIEWS:
            with self.subTest(view=(command, *arguments)):
                run = ssnap(command, self.archive, *arguments)
                self.assertEqual((run.returncode, run.stderr), (0, b""))
                self.assertTrue(run.stdout)
                text = run.stdout.decode()  # UTF-8, or this fails
                if "csv" in arguments:
                    text = text.replace("\r\n", "\n")  # the ends of its lines
                self.assertIsNone(CONTROL.search(text), "a control character in the output")
                if "json" in arguments:
                    json.loads(text)
                if "ndjson" in arguments:
                    for line in text.splitlines():
                        json.loads(line)


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof")
    sandbox.main(own_processes=True)
