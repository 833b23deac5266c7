#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""treediff.py A B [RULES]: compare two root trees path by path.

Compared: existence, type, mode, owner, link target, device number, SHA-256 of regular files, extended
attributes (ACLs and capabilities with them), hard-link groups, and each package's state and version.
RULES is a list of "REGEX<tab>ASPECTS<tab>reason" lines: what may differ and why; ASPECTS is a comma separated
list of: only-a only-b type mode owner link content xattr hardlink version, or "*". A rule that was needed is
counted, one that was not is no fault. Exit status 0: nothing differs but by a rule; 1: something does.
"""
import hashlib
import os
import re
import stat
import sys


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def xattrs(path):
    names = os.listxattr(path, follow_symlinks=False)
    return {n: os.getxattr(path, n, follow_symlinks=False) for n in names
            if not n.startswith("trusted.overlay.")}


def walk(top):
    """Yields (path relative to top, lstat) of everything below top, on one file system."""
    dev = os.lstat(top).st_dev
    stack = [""]
    while stack:
        rel = stack.pop()
        with os.scandir(os.path.join(top, rel)) as entries:
            for e in entries:
                path = os.path.join(rel, e.name)
                st = os.lstat(os.path.join(top, path))
                yield path, st
                if stat.S_ISDIR(st.st_mode) and st.st_dev == dev:
                    stack.append(path)


def snapshot(top):
    tree, inodes = {}, {}
    for path, st in walk(top):
        tree[path] = st
        if stat.S_ISREG(st.st_mode) and st.st_nlink > 1:
            inodes.setdefault((st.st_dev, st.st_ino), []).append(path)
    groups = {}
    for paths in inodes.values():
        for p in paths:
            groups[p] = sorted(paths)
    return tree, groups


def packages(top):
    """name:arch -> "state version" of dpkg's data base."""
    res = {}
    with open(os.path.join(top, "var/lib/dpkg/status"), encoding="utf-8", errors="replace") as f:
        for para in f.read().split("\n\n"):
            d = dict(re.findall(r"^([A-Z][A-Za-z-]*): *(.*)$", para, re.M))
            if "Package" in d:
                res[d["Package"] + ":" + d.get("Architecture", "")] = \
                    d.get("Status", "") + " " + d.get("Version", "")
    return res


def aspects(a, b, path, sa, sb, ga, gb):
    """The aspects in which one path differs, with a word of evidence each."""
    if stat.S_IFMT(sa.st_mode) != stat.S_IFMT(sb.st_mode):
        return [("type", "%o %o" % (stat.S_IFMT(sa.st_mode), stat.S_IFMT(sb.st_mode)))]
    out = []
    pa, pb = os.path.join(a, path), os.path.join(b, path)
    if stat.S_IMODE(sa.st_mode) != stat.S_IMODE(sb.st_mode):
        out.append(("mode", "%o %o" % (stat.S_IMODE(sa.st_mode), stat.S_IMODE(sb.st_mode))))
    if (sa.st_uid, sa.st_gid) != (sb.st_uid, sb.st_gid):
        out.append(("owner", f"{sa.st_uid}:{sa.st_gid} {sb.st_uid}:{sb.st_gid}"))
    if stat.S_ISLNK(sa.st_mode) and os.readlink(pa) != os.readlink(pb):
        out.append(("link", f"{os.readlink(pa)} {os.readlink(pb)}"))
    if stat.S_ISREG(sa.st_mode):
        if sa.st_size != sb.st_size or digest(pa) != digest(pb):
            out.append(("content", f"{sa.st_size} {sb.st_size} bytes"))
        if ga.get(path, [path]) != gb.get(path, [path]):
            out.append(("hardlink", f"{ga.get(path)} {gb.get(path)}"))
    if (stat.S_ISBLK(sa.st_mode) or stat.S_ISCHR(sa.st_mode)) and sa.st_rdev != sb.st_rdev:
        out.append(("content", "device number"))
    xa, xb = xattrs(pa), xattrs(pb)
    if xa != xb:
        out.append(("xattr", f"{sorted(xa)} {sorted(xb)}"))
    return out


def load_rules(path):
    rules = []
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            parts = line.split("\t")
            if len(parts) != 3 or not parts[2]:
                sys.exit(f"{path}: line {n}: want REGEX<tab>ASPECTS<tab>reason")
            rules.append([re.compile(parts[0]), parts[1].split(","), parts[2], 0])
    return rules


def excused(rules, path, aspect):
    for r in rules:
        if ("*" in r[1] or aspect in r[1]) and r[0].fullmatch(path):
            r[3] += 1
            return True
    return False


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    a, b = sys.argv[1], sys.argv[2]
    rules = load_rules(sys.argv[3]) if len(sys.argv) == 4 else []
    diffs = []
    va, vb = packages(a), packages(b)
    for name in sorted(va.keys() | vb.keys()):
        if va.get(name) != vb.get(name):
            diffs.append(("package " + name, "version", f"{va.get(name)} | {vb.get(name)}"))
    ta, ga = snapshot(a)
    tb, gb = snapshot(b)
    for path in sorted(ta.keys() | tb.keys()):
        if path not in tb:
            diffs.append((path, "only-a", ""))
        elif path not in ta:
            diffs.append((path, "only-b", ""))
        else:
            diffs += [(path, k, e) for k, e in aspects(a, b, path, ta[path], tb[path], ga, gb)]
    left = [d for d in diffs if not excused(rules, d[0], d[1])]
    for path, aspect, evidence in left:
        print(f"{aspect}\t{path}\t{evidence}")
    print(f"{len(ta)} and {len(tb)} paths, {len(va)} and {len(vb)} packages: "
          f"{len(diffs) - len(left)} listed differences, {len(left)} others", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
