#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# What no committed file may hold: names of this machine's private hosts and paths, nameless debts, hidden failures.
import glob
import re

import common

# Put together here, so that this file does not hold what it looks for.
PRIVATE_PATH = re.compile("(?<![\\w.])/wo" + "rk/")
DEBT = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b(?!X)(?!.*#\d+)")
HIDDEN = re.compile(r"\|\|\s*t" + "rue\\b")
# Public distributions and vendors, which documentation and tables may name.
PUBLIC = re.compile(r"(^|\.)(debian\.org|ubuntu\.com|localhost|example\.(com|org|net)|nodesource\.com|google\.com|"
                    r"docker\.com|microsoft\.com|postgresql\.org|github\.com|gitlab\.com|llvm\.org)$")
URI = re.compile(r"\b(?:https?|ftp|tor\+https?)://(?:[^\s/@]*@)?([\w.-]+)", re.I)
SHELL = re.compile(r"#!.*sh\b")
BINARY = (".tar", ".zst", ".xz", ".gz", ".deb", ".bin", ".gpg")


def private_hosts():
    """Hosts that apt uses here, but for the public ones: a private mirror or proxy is nobody else's business."""
    hosts = set()
    patterns = ["sources.list", "sources.list.d/*", "apt.conf", "apt.conf.d/*", "auth.conf", "mirrors/*"]
    for name in [f for p in patterns for f in glob.glob("/etc/apt/" + p)]:
        try:
            with open(name, encoding="utf-8", errors="replace") as f:
                hosts.update(h.lower() for h in URI.findall(f.read()))
        except OSError as e:
            print(f"cannot read {name}: {e}")
    return sorted(h for h in hosts if not PUBLIC.search(h))


def main():
    top, problems, hosts = common.root(), [], private_hosts()
    names = [n for n in common.files(top) if n != "COPYING" and not n.endswith(BINARY)]
    for name in names:
        text = common.read(top, name)
        shell = name.endswith(".sh") or bool(SHELL.match(text))
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            if any(h in line.lower() for h in hosts):
                problems.append(f"{where}: names a host of this machine's apt configuration")
            if PRIVATE_PATH.search(line):
                problems.append(f"{where}: names a private path")
            if DEBT.search(line):
                problems.append(f"{where}: a debt without the number of an issue")
            if shell and HIDDEN.search(line):
                problems.append(f"{where}: hides a failure")
    common.finish(problems, len(names))


main()
