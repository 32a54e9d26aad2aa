"""What a forger does to the ZIP itself, so that programs see different files in it; for every verifier.

Each harm is a function from the bytes of a plain ZIP to those of a harmed one.
"""

import struct
import zlib
from functools import partial
from io import BytesIO
from zipfile import ZipFile

VICTIM = "README.md"


def edit(data, local, central, value, name=VICTIM):
    """Overwrite a field in both headers of a file: its offsets within them, None to leave one."""
    data, raw = bytearray(data), name.encode()
    for mark, at, size in ((b"PK\x03\x04", local, 30), (b"PK\x01\x02", central, 46)):
        place = -1
        while at is not None and (place := data.find(mark, place + 1)) >= 0:
            if data[place + size : place + size + len(raw)] == raw:
                data[place + at : place + at + len(value)] = value
    return bytes(data)


def rename(data, old, new):
    """Give a file another name of the same length, wherever it stands."""
    assert len(old) == len(new)
    return data.replace(old, new)


def hide(data):
    """Put a second README.md between two files, which the directory does not list."""
    place = data.find(b"PK\x03\x04", 10)
    return data[:place] + SECRET + data[place:]


def lengthen_directory(data):
    """Let the last file of the directory have extra bytes that are not there."""
    place = data.rfind(b"PK\x01\x02") + 30
    return data[:place] + b"\x04\x00" + data[place + 2 :]


def rewritten(
    data, *, before=b"", own=b"", listed=b"", flags=0, behind=b"", junk=b"", shown=None, end=b"", packed=None
):
    """The same files with every offset fitting, and one of them written in another way.

    Args:
        data: a plain ZIP.
        before: what stands in front of the file, listed nowhere.
        own: a field more in its own header.
        listed: a field more in the directory.
        flags: of the file in both headers; with 8 the sizes stand behind the data only.
        behind: what stands behind its data.
        junk: what stands behind the packed data and is counted with it.
        shown: how many bytes of its data its size and CRC are of.
        end: what stands between the files and the directory.
        packed: the ZIP64 field with another packed size.
    """
    out, directory = b"", b""
    with ZipFile(BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, body in files.items():
        it = name == VICTIM
        raw, pack = name.encode(), zlib.compressobj(wbits=-15)
        small = pack.compress(body) + pack.flush() + (junk if it else b"")
        said = zlib.crc32(body[:shown] if it else body), len(small), len(body[:shown] if it else body)
        mine = (0, 0, 0) if it and flags & 8 else said
        fields = (own, listed) if it else (b"", b"")
        if it and packed is not None:
            fields = (struct.pack("<2H2Q", 1, 16, said[2], packed), struct.pack("<2HQ", 1, 8, packed))
            mine, said = (said[0], 0xFFFFFFFF, 0xFFFFFFFF), (said[0], 0xFFFFFFFF, said[2])
        out += before if it else b""
        place, flag = len(out), (flags if it else 0) | (0 if name.isascii() else 0x0800)
        out += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, flag, 8, 0, 33, *mine, len(raw), len(fields[0]))
        out += raw + fields[0] + small + (behind if it else b"")
        directory += struct.pack("<4s6H3L", b"PK\x01\x02", 20, 20, flag, 8, 0, 33, *said)
        directory += struct.pack("<5H2L", len(raw), len(fields[1]), 0, 0, 0, 0, place) + raw + fields[1]
    out += end
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(files), len(files), len(directory), len(out), 0)
    return out + directory + last


SECRET = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 4, 4, 9, 0) + b"README.mdevil"
FIELD = struct.pack("<2H4s", 0x7075, 4, b"more")
DESCRIPTOR = struct.pack("<4s3L", b"PK\x07\x08", 0, 0, 0)

WHOLE = {
    "in front": lambda data: b"#!/bin/sh\n" + data,
    "behind": lambda data: data + b"more",
    "comment": lambda data: data[:-2] + b"\x04\x00more",
    "cut": lambda data: data[:-30],
    "count": lambda data: data[:-14] + struct.pack("<HH", 3, 3) + data[-10:],
    "empty": lambda data: b"",
    "no zip": lambda data: b"x" * 1000,
    "hidden": hide,
    "longer directory": lengthen_directory,
}
"""Harms for which the ZIP itself is named."""

DIFFERENT = "its directory and the header of README.md say different things"
NO_FIELD = "the header of README.md has a field that a binder does not use"
NO_PLAIN = "it is a link, streamed, commented, or no plain file"
HEADERS = {
    "encrypted": (partial(edit, local=6, central=8, value=b"\x01\x00"), "it is encrypted"),
    "streamed": (partial(edit, local=6, central=8, value=b"\x08\x00"), NO_PLAIN),
    "link": (partial(edit, local=None, central=38, value=b"\x00\x00\xff\xa1"), NO_PLAIN),
    "bzip2": (partial(edit, local=8, central=10, value=b"\x0c\x00"), "README.md is compressed in a way"),
    "other size": (partial(edit, local=22, central=None, value=b"\x01\x00\x00\x00"), DIFFERENT),
    "other CRC": (partial(edit, local=None, central=16, value=b"\x01\x00\x00\x00"), DIFFERENT),
    "smaller": (partial(edit, local=22, central=24, value=b"\x01\x00\x00\x00"), "it is longer than it says"),
    "larger": (partial(edit, local=22, central=24, value=b"\xff\x00\x00\x00"), "it is shorter than it says"),
    "gap": (partial(rewritten, before=SECRET), "something is hidden in it, in front of README.md"),
    "gap at the end": (
        partial(rewritten, end=SECRET),
        "something is hidden in it, in front of its directory",
    ),
    "field of its own": (partial(rewritten, own=FIELD), NO_FIELD),
    "field in the directory": (partial(rewritten, listed=FIELD), NO_FIELD),
    "sizes behind": (partial(rewritten, flags=8, behind=DESCRIPTOR), DIFFERENT),
    "behind what is packed": (partial(rewritten, junk=b"more"), "it is damaged"),
    "only its beginning": (partial(rewritten, shown=4), "it is longer than it says"),
    "beyond all files": (partial(rewritten, packed=1 << 63), "it is cut off"),
}
"""Harms to one file, README.md, and what is said."""

OUTSIDE = [
    "../xx.csv", "/etc/x.cs", "C:/xy.csv", "a\\bcd.csv", "a//b.csvx", "a/./b.csv", "a\x01cde.csv",
    "a\x7fcde.csv",
]  # fmt: skip
"""Names, each as long as `placehold`."""
