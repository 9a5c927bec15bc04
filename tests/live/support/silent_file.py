"""A file system of one file that can fall silent: what is asked of it then is never answered."""

import errno
import os
import select
import stat
import struct
import traceback

from support.netns import mount
from support.sandbox import Child

# include/uapi/linux/fuse.h, protocol 7.31.
LOOKUP, GETATTR, OPEN, READ, RELEASE, INIT, FORGET, BATCH_FORGET = 1, 3, 14, 15, 18, 26, 2, 42
ROOT, FILE = 1, 2
LONG_SEC = 1_000_000
KEEP_CACHE = 1 << 1
MAX_REQUEST = 1 << 17


class SilentFile:
    """`path`, in `folder`, holds `content` and may be executed. After fall_silent() nothing new can be opened in it; what
    was read stays in the page cache. `server` is the process that answers, to be ended by the caller."""

    def __init__(self, folder, content):
        self.content = content
        self.path = os.path.join(folder, "file")
        self.device = os.open("/dev/fuse", os.O_RDWR)
        mount("silent", folder, "fuse", data=f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other")
        self.silence, self.silence_write = os.pipe()
        life, life_write = os.pipe()
        # Not a thread: while a child of this process executes the file, no other Python of it runs.
        pid = os.fork()
        if pid == 0:
            try:
                os.close(life_write)
                self.serve()
                os.read(life, 1)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        for fd in (self.device, self.silence, life):
            os.close(fd)
        self.server = Child(pid, life_write)
        with open(self.path, "rb") as file:
            assert file.read() == content

    def fall_silent(self):
        """The server's last answer is to an open that comes after its word."""
        os.write(self.silence_write, b".")
        os.close(self.silence_write)
        os.close(os.open(self.path, os.O_RDONLY))

    def serve(self):
        while True:
            request = os.read(self.device, MAX_REQUEST + 4096)
            _, opcode, unique, node = struct.unpack_from("=IIQQ", request)
            if opcode in (FORGET, BATCH_FORGET):
                continue
            body = self.answer(opcode, node, request[40:])
            error = -errno.ENOSYS if body is None else 0
            body = body or b""
            is_last = opcode == OPEN and select.select([self.silence], [], [], 0)[0]
            os.write(self.device, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
            if is_last:
                return

    def answer(self, opcode, node, body):
        if opcode == INIT:
            return struct.pack("=IIIIHHIIHH32x", 7, 31, MAX_REQUEST, 0, 0, 0, MAX_REQUEST, 1, 0, 0)
        if opcode == LOOKUP:
            return struct.pack("=QQQQII", FILE, 0, LONG_SEC, LONG_SEC, 0, 0) + self.attributes(FILE)
        if opcode == GETATTR:
            return struct.pack("=QII", LONG_SEC, 0, 0) + self.attributes(node)
        if opcode == OPEN:
            return struct.pack("=QII", 0, KEEP_CACHE, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            return self.content[offset:offset + size]
        return b"" if opcode == RELEASE else None  # nor FLUSH: then a close asks for nothing

    def attributes(self, node):
        mode, size = (stat.S_IFDIR | 0o755, 0) if node == ROOT else (stat.S_IFREG | 0o755, len(self.content))
        return struct.pack("=QQQQQQIIIIIIIIII", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
