#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Every C file is as clang-format (.clang-format) would write it.
import subprocess

import common


def main():
    common.need("clang-format")
    top = common.root()
    names = common.files(top, ".c", ".h")
    problems = []
    for name in names:
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=1", name], cwd=top,
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            first = run.stderr.splitlines()
            problems.append(first[0] if first else f"{name}: clang-format failed")
    if problems:
        problems.append("run: clang-format -i FILE")
    common.finish(problems, len(names))


main()
