"""Where the frames of a zstd file begin and end (RFC 8878), and what is in the archive up to a place."""

import io
import subprocess
import tarfile

MAGIC = 0xFD2FB528
SKIPPABLE = 0x184D2A50  # to ...5F


def frame_ends(raw):
    """The offset behind each frame. Raises ValueError where a frame is broken or cut."""
    ends, offset = [], 0
    try:
        while offset < len(raw):
            offset = frame_end(raw, offset)
            if offset > len(raw):
                raise ValueError(f"cut at {len(raw)}")
            ends.append(offset)
    except IndexError as error:
        raise ValueError(f"cut at {len(raw)}") from error
    return ends


def frame_end(raw, offset):
    def number(at, size):
        if at + size > len(raw):
            raise ValueError(f"cut at {len(raw)}")
        return int.from_bytes(raw[at:at + size], "little")

    magic = number(offset, 4)
    offset += 4
    if magic & ~0xF == SKIPPABLE:
        return offset + 4 + number(offset, 4)
    if magic != MAGIC:
        raise ValueError(f"no frame at {offset - 4}")
    descriptor = raw[offset]
    single_segment = descriptor >> 5 & 1
    content_size = (single_segment, 2, 4, 8)[descriptor >> 6]
    offset += 1 + (0 if single_segment else 1) + (0, 1, 2, 4)[descriptor & 3] + content_size
    last = False
    while not last:
        block = number(offset, 3)
        last = block & 1
        size = 1 if block >> 1 & 3 == 1 else block >> 3  # RLE: one byte, repeated
        offset += 3 + size
    return offset + (4 if descriptor >> 2 & 1 else 0)


def members_of(raw):
    """{name: bytes} of the members that are whole in `raw`, a number of whole frames, by zstd and Python's tarfile."""
    tar = subprocess.run(["zstd", "-dc"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    members = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), ignore_zeros=False) as archive:
            for member in archive:
                content = archive.extractfile(member).read()
                if len(content) == member.size:
                    members[member.name] = content
    except (tarfile.ReadError, EOFError):
        pass  # the end of a part of an archive
    return members
