#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""facts.py DIRECTORY [no-flags] [no-counts]: all that a tree has, one path a line, for a comparison that owes nothing to our own code.

Type, mode, owner, size, times, number of names and which they are, device number, link target, extended attributes,
inode flags, SHA-256 of the content (of files under 1 GB). no-counts: without time of access and number of names, which
are other ones where files have names outside of the tree.
"""
import array
import fcntl
import hashlib
import os
import stat
import sys

GETFLAGS = 0x80086601
# What chattr can change: SecureDel.. Immutable, Append, NoDump, NoAtime, Compress, NoCow, Sync, DirSync, TopDir.
KEPT = 0x00830FFF & ~0x00000F00 | 0x00000004


def flags_of(fd):
    value = array.array("L", [0])
    try:
        fcntl.ioctl(fd, GETFLAGS, value, True)
    except OSError:
        return "-"
    return f"{value[0] & KEPT:x}"


def content(fd):
    digest = hashlib.sha256()
    while chunk := os.read(fd, 1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def main():
    with_flags, counts = "no-flags" not in sys.argv, "no-counts" not in sys.argv
    names, lines = {}, []

    def look(dir_fd, name, path):
        st = os.lstat(name, dir_fd=dir_fd)
        fact = [path, oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns]
        at = f"/proc/self/fd/{dir_fd}/{name}"
        for key in sorted(os.listxattr(at, follow_symlinks=False)):
            fact.append(key + "=" + os.getxattr(at, key, follow_symlinks=False).hex())
        if not stat.S_ISDIR(st.st_mode):
            fact += [st.st_size, st.st_rdev]
            if counts:
                fact += [st.st_nlink, st.st_atime_ns if stat.S_ISREG(st.st_mode) else ""]
            names.setdefault(st.st_ino, []).append(path)
        if stat.S_ISLNK(st.st_mode):
            fact.append(os.readlink(name, dir_fd=dir_fd))
        if stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME, dir_fd=dir_fd)
            if with_flags:
                fact.append(flags_of(fd))
            if stat.S_ISREG(st.st_mode) and st.st_size < 1 << 30:
                fact.append(content(fd))
            os.close(fd)
        lines.append(repr(fact))

    os.chdir(sys.argv[1])
    for path, dirs, files, dir_fd in os.fwalk("."):
        dirs.sort()
        look(dir_fd, ".", path)
        for name in files + [d for d in dirs if os.path.islink(os.path.join(path, d))]:
            look(dir_fd, name, path + "/" + name)
    print("\n".join(sorted(lines)))
    for group in sorted(sorted(group) for group in names.values() if len(group) > 1):
        print("one file:", group)


main()
