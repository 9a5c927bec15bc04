"""A file system that stops answering: a daemon that speaks the protocol of /dev/fuse (include/uapi/linux/fuse.h) for one
file, and from then on holds back the requests that the test names."""

import ctypes
import os
import stat
import struct

from support import sandbox
from support.actors import Actor, checked, in_thread
from support.netns import MS_NODEV, MS_NOSUID

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS = \
    1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 28, 29, 34
INTERRUPT, BATCH_FORGET = 36, 42
EVERYTHING = None
FOPEN_DIRECT_IO, FOPEN_KEEP_CACHE = 1, 2
ENOENT, ENOSYS = 2, 38

ROOT, FILE = 1, 2  # node ids
NAME = "file"
PAGE_BYTES = 4096
LONG = 1 << 30  # seconds for which the kernel may trust an answer


class Daemon:
    """The answers. Opened for writing, the file is not cached: mapping it then waits for pages that are being read."""

    def __init__(self, device, content):
        self.device, self.content, self.held = device, content, set()

    def attributes(self, node):
        size, mode = (0, stat.S_IFDIR | 0o755) if node == ROOT else (len(self.content), stat.S_IFREG | 0o755)
        return struct.pack("=6Q10I", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, PAGE_BYTES, 0)

    def answer(self, operation, node, body):
        """Returns (errno, bytes)."""
        if operation == INIT:
            major, _, readahead = struct.unpack_from("=III", body)
            return 0, struct.pack("=IIIIHHIIHHI28x", major, 31, readahead, 0, 12, 9, PAGE_BYTES, 1, 1, 0, 0)
        if operation == LOOKUP:
            if node != ROOT or body.rstrip(b"\0") != NAME.encode():
                return ENOENT, b""
            return 0, struct.pack("=QQQQII", FILE, 0, LONG, LONG, 0, 0) + self.attributes(FILE)
        if operation == GETATTR:
            return 0, struct.pack("=QII", LONG, 0, 0) + self.attributes(node)
        if operation in (OPEN, OPENDIR):
            for_writing = struct.unpack_from("=I", body)[0] & os.O_ACCMODE != os.O_RDONLY
            flags = FOPEN_KEEP_CACHE | (FOPEN_DIRECT_IO if for_writing else 0)
            return 0, struct.pack("=QII", 1, flags if operation == OPEN else 0, 0)
        if operation == READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            return 0, self.content[offset:offset + size]
        if operation == STATFS:
            return 0, struct.pack("=5Q4I24x", 0, 0, 0, 0, 0, PAGE_BYTES, 255, PAGE_BYTES, 0)
        if operation in (READDIR, RELEASE, RELEASEDIR, FLUSH, ACCESS):
            return 0, b""
        return ENOSYS, b""

    def serve(self, on_held):
        while True:
            try:
                request = os.read(self.device, 1 << 20)
            except InterruptedError:
                continue
            except OSError:
                return  # unmounted
            _, operation, unique, node = struct.unpack_from("=IIQQ", request)
            if operation in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            if self.held is EVERYTHING or operation in self.held:
                on_held(operation)
                continue
            error, body = self.answer(operation, node, request[40:])
            try:
                os.write(self.device, struct.pack("=IiQ", 16 + len(body), -error, unique) + body)
            except FileNotFoundError:
                pass  # whoever asked has gone


class DeadMount:
    """Mounted at `folder`, in the mount namespace of the test. `end()` lets everybody go who waits for it."""

    def __init__(self, test, folder, content=b"x" * PAGE_BYTES):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.file = folder, os.path.join(folder, NAME)
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        checked(sandbox.LIBC.mount(b"ssnap-test", folder.encode(), b"fuse", ctypes.c_ulong(MS_NOSUID | MS_NODEV), options), "mount")
        self.control_read, control_write = os.pipe()

        def body(stage):
            daemon = Daemon(device, content)

            def listen():
                """A line each: the operations to hold back from now on."""
                for line in os.fdopen(self.control_read, "rb"):
                    daemon.held = EVERYTHING if line == b"all\n" else {int(word) for word in line.split()}
                    stage.report("holding")

            in_thread(listen)
            stage.report("serving")
            daemon.serve(lambda operation: stage.report(["held", operation]))

        self.actor = Actor(body, [device, self.control_read])
        os.close(device)
        os.close(self.control_read)
        self.control = control_write
        self.test = test
        self.end_first()
        assert self.actor.heard() == "serving"

    def end_first(self):
        """To be called again after each process that is to wait for it: cleanups run last come first, and a process that
        waits can't be ended."""
        self.test.addCleanup(self.end)

    def hold(self, *operations):
        """None named: every request."""
        os.write(self.control, (" ".join(map(str, operations)) or "all").encode() + b"\n")
        assert self.actor.heard() == "holding"

    def heard_held(self, operation):
        """Waits until a request of this kind has come and is held back."""
        while self.actor.heard() != ["held", operation]:
            pass

    def end(self):
        if self.actor.reports.closed:
            return
        self.actor.end()
        os.close(self.control)
        sandbox.LIBC.umount2(self.folder.encode(), 2)  # MNT_DETACH
