#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Every source file names its licence at the top and says in a sentence what it is for.
import re

import common

TAG = "SPDX-License-" + "Identifier: GPL-2.0-or-later"
CODE = (".c", ".h")
SCRIPTS = (".sh", ".py", "meson.build", ".ini", ".sql")
SENTENCE = re.compile(r"\w+[^\w]+\w+")


def comment_in(lines):
    return " ".join(line.strip("/* ") for line in lines if line.lstrip().startswith(("/*", "*", "//")))


def is_script(top, name):
    if name.endswith(SCRIPTS):
        return True
    base = name.rsplit("/", 1)[-1]
    return "." not in base and common.read(top, name).startswith("#!")


def main():
    top, problems, checked = common.root(), [], 0
    for name in common.files(top):
        code = name.endswith(CODE)
        if not code and not is_script(top, name):
            continue
        checked += 1
        head = common.read(top, name).splitlines()[:8]
        at = next((i for i, line in enumerate(head[:3]) if TAG in line), None)
        if at is None:
            problems.append(f"{name}: no licence line ({TAG}) in the first three lines")
            continue
        if code and not SENTENCE.search(comment_in(head[at + 1:at + 5])):
            problems.append(f"{name}: no sentence under the licence line that says what the file is for")
    common.finish(problems, checked)


main()
