#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client program that plays another game than ours: its name says which, as in "client-garbage".

It is the "altdisk" of tests/root/cached-run: called as "client-HOW tree-manifest ..." or "client-HOW tree-send ...".
"""
import hashlib
import io
import os
import subprocess
import sys
import tarfile

HOW = os.path.basename(sys.argv[0]).removeprefix("client-")
SHA = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("good", "evil", "known")}


def line(kind, path, sha="-", size=0, mode="0644", rest="", xattrs="-"):
    return f"{kind} {mode} 0 0 1.000000000 {size} {sha} {xattrs} - {path}{rest}\n"


ROOT = line("d", ".", mode="0755")
MANIFESTS = {
    "up": ROOT + line("f", "../up", SHA["good"], 4),
    "absolute": ROOT + line("f", "/etc/up", SHA["good"], 4),
    "link": ROOT + line("l", "a", rest=" /etc", mode="0777") + line("f", "a/up", SHA["good"], 4),
    "hard": ROOT + line("h", "a", rest=" ../../etc/passwd"),
    "order": ROOT + line("f", "b", SHA["good"], 4) + line("f", "a", SHA["good"], 4),
    "twice": ROOT + line("f", "a", SHA["good"], 4) * 2,
    "huge": ROOT + line("f", "a", SHA["good"], 1 << 62),
    "large": ROOT + line("f", "a", SHA["good"], 1 << 45),
    "steal": ROOT + line("f", "a", SHA["known"], 5),
    "binary": "\0\1\2\n" * 100,
    "sparse": ROOT + line("s", "a", SHA["good"], 1 << 45),
}
GOOD = ROOT + line("f", "a", SHA["good"], 4)


def send(members, tail=b""):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data, headers in members:
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), headers
            tar.addfile(info, io.BytesIO(data))
    subprocess.run(["zstd", "-q", "-c"], input=out.getvalue() + tail, stdout=sys.stdout.buffer, check=True)


def manifest():
    lines = MANIFESTS.get(HOW, GOOD)
    head = f"nimadm-manifest 1 members={lines.count(chr(10)):020} bytes={4:020} length={0:020}\n"
    if HOW == "endless":
        zstd = subprocess.Popen(["zstd", "-q", "-c"], stdin=subprocess.PIPE)
        try:
            zstd.stdin.write(tarfile.TarInfo("manifest").tobuf()[:124] + b"77777777777\0")
            while True:
                zstd.stdin.write(bytes(1 << 20))
        except BrokenPipeError:
            return
    if HOW == "garbage":
        sys.stdout.buffer.write(os.urandom(100000))
    elif HOW == "nothing":
        pass
    elif HOW == "dies":
        sys.stdout.buffer.write(os.urandom(10))
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    elif HOW == "speaks":
        sys.stderr.write("\033[2J" + "x" * 100000 + "\nno disk\n")
        sys.exit(1)
    else:
        send([("manifest", (head + lines).encode("latin-1"), {})])


def files():
    sys.stdin.buffer.read()
    proofs = ("proofs", b"", {})
    answers = {
        "evil": [("a", b"evil", {}), proofs],
        "longer": [("a", b"good" * 1000, {}), proofs],
        "other": [("b", b"good", {}), proofs],
        "missing": [proofs],
        "more": [("a", b"good", {}), proofs, ("c", b"more", {})],
        "noproof": [("a", b"good", {})],
        "overlay": [("a", b"good", {"SCHILY.xattr.trusted.overlay.redirect": "/etc"}), proofs],
        "steal": [("proofs", (SHA["known"] + "\n").encode(), {})],
        "sparse": [("a", bytes(40 << 20), {}), proofs],
    }
    send(answers.get(HOW, [("a", b"good", {}), proofs]))


manifest() if sys.argv[1] == "tree-manifest" else files()
