#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Includes go to the left only, services never include each other (docs/architecture.md); one door for fork and exec.
import re

import common

SERVICES = ["store", "transport", "cache", "clone", "archive", "storage", "boot", "pkg", "merge", "sandbox", "inventory"]
MAY = {
    "base": [],
    "sys": ["base"],
    "model": ["base", "sys"],
    "engine": ["base", "sys", "model", "store"],
    "ui": ["base", "sys", "model"],
    "phase": ["base", "sys", "model", "engine", *SERVICES],
    "altdisk": ["base", "sys", "model", "clone", "archive", "storage", "boot", "inventory", "transport", "ui"],
    "cli": ["base", "sys", "model", "engine", "phase", "ui", *SERVICES],
}
MAY.update({s: ["base", "sys", "model"] for s in SERVICES})

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
# Starting a program or a process; a member or a longer name does not count.
SPAWN = re.compile(r"(?<![\w.>])(fork|vfork|_Fork|execv|execve|execvp|execvpe|execl|execlp|execle|fexecve|"
                   r"posix_spawn|posix_spawnp|clone3?)\s*\(")
MAY_SPAWN = re.compile(r"^src/(sys/proc[\w-]*\.c|sandbox/helper/.*)$")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def without_comments(text):
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_file(top, name, problems):
    text = common.read(top, name)
    parts = name.split("/")
    layer = parts[1]
    if len(parts) < 3 or layer not in MAY:
        problems.append(f"{name}: belongs to no known layer")
        return
    for m in INCLUDE.finditer(text):
        where = f"{name}:{line_of(text, m.start())}"
        target = m.group(1).split("/")
        if len(target) < 2:
            problems.append(f'{where}: "{m.group(1)}": write the layer in front')
        elif target[0] != layer and target[0] not in MAY[layer]:
            problems.append(f"{where}: {layer} may not include {m.group(1)}")
    if MAY_SPAWN.match(name):
        return
    code = without_comments(text)
    for m in SPAWN.finditer(code):
        problems.append(f"{name}:{line_of(code, m.start())}: {m.group(1)} belongs in src/sys/proc.c")


def main():
    top, problems = common.root(), []
    names = [n for n in common.files(top, ".c", ".h") if n.startswith("src/")]
    for name in names:
        check_file(top, name, problems)
    common.finish(problems, len(names))


main()
