#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds images by hand, from the description in mksysb(5), with members that try to break out."""
import hashlib
import io
import struct
import subprocess
import sys
import tarfile

TRICK, OUT = sys.argv[1], sys.argv[2]
VERSION = 2 if TRICK == "newer" else 1
HEAD, GAP, START, END = 1, 2, 4, 8


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "--check"], input=data, stdout=subprocess.PIPE, check=True).stdout


def tar_member(name, kind=tarfile.REGTYPE, data=b"", link="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode, info.mtime = kind, len(data), link, mode, 0
    raw = info.tobuf(tarfile.USTAR_FORMAT)
    return raw + data + b"\0" * (-len(data) % 512)


def line(kind, path, data=b"", link="", mode=0o644):
    digest = hashlib.sha256(data).hexdigest() if kind == "f" else "-"
    size = "1:3" if kind == "c" else str(len(data))
    return f"{kind} {mode:04o} 0 0 0.000000000 {size} {digest} - - {path}{' ' + link if link else ''}\n"


KINDS = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE}
MEMBERS = {
    "harmless": [("d", "dir", b"", ""), ("f", "dir/file", b"hello", "")],
    "newer": [("f", "file", b"hello", "")],
    "dotdot": [("f", "../pwned", b"x", "")],
    "absolute": [("f", "/tmp/../pwned", b"x", "")],
    "symlink": [("l", "dir", b"", "../outside"), ("f", "dir/file", b"x", "")],
    "hardlink": [("l", "dir", b"", "../outside"), ("f", "file", b"x", ""), ("h", "dir/file", b"", "file")],
    "twice": [("f", "file", b"x", ""), ("f", "file", b"y", "")],
    "device-data": [("c", "dev", b"data behind a device", "")],
}[TRICK]

tar, lines = tar_member("./", tarfile.DIRTYPE, mode=0o755), line("d", ".", mode=0o755)
for kind, path, data, link in MEMBERS:
    tar += tar_member(path + ("/" if kind == "d" else ""), KINDS[kind], data, link)
    lines += line(kind, path, data, link)
total = sum(len(m[2]) for m in MEMBERS if m[0] == "f")
count = len(MEMBERS) + 1
body, end = zstd(tar), zstd(b"\0" * 1024)


def first_line(length):
    return f"nimadm-manifest 1 members={count:020d} bytes={total:020d} length={length:020d}\n"


def head(length):
    text = (first_line(length) + lines).encode()
    stanzas = tar_member("image.data", data=b"image_data:\n") + tar_member("bosinst.data", data=b"control_flow:\n")
    return zstd(stanzas + tar_member("manifest", data=text)), len(stanzas) + 512 + len(text) + -len(text) % 512


RESERVED = len(head(0)[0]) + 4096
N = 4
TABLES = (8 + 40 + N * 24 + 32) + (8 + (N + 1) * 8 + 9)
length = RESERVED + len(body) + len(end) + TABLES
packed, raw = head(length)
gap = RESERVED - len(packed)
frames = [(packed, raw, HEAD, 0), (None, 0, GAP, 0), (body, len(tar), START, count), (end, 1024, START | END, 0)]
table = b"NIMADMSG" + struct.pack("<IIQQQ", VERSION, N, length, count, total)
seek = b""
for data, size, flags, members in frames:
    stored = gap if data is None else len(data)
    digest = b"\0" * 8 if data is None else hashlib.sha256(data).digest()[:8]
    table += struct.pack("<IIII", stored, size, flags, members) + digest
    seek += struct.pack("<II", stored, size)
table += hashlib.sha256(table).digest()
table = struct.pack("<II", 0x184D2A51, len(table)) + table
seek += struct.pack("<II", len(table), 0) + struct.pack("<IBI", N + 1, 0, 0x8F92EAB1)
seek = struct.pack("<II", 0x184D2A5E, len(seek)) + seek
out = io.BytesIO()
out.write(packed + struct.pack("<II", 0x184D2A50, gap - 8) + b"\0" * (gap - 8) + body + end + table + seek)
assert out.tell() == length
with open(OUT, "wb") as f:
    f.write(out.getvalue())
