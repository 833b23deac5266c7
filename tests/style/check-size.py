#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Size limits: functions of at most 100 lines and McCabe 25, files of at most 1000 lines. No exceptions.
import json
import os
import subprocess

import common

FUNCTION_LINES, MCCABE, FILE_LINES = 100, 25, 1000
NORM_LINES, NORM_MCCABE, NORM_FILE = 60, 15, 600


def function_lengths(top, names):
    run = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-f", "-", *names],
                         cwd=top, capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["path"], tag["name"], tag["line"], tag["end"] - tag["line"] + 1


def complexities(top, names):
    run = subprocess.run(["pmccabe", *names], cwd=top, capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        field = line.split("\t")
        if len(field) >= 6:
            path, function = field[5].split(": ", 1)
            yield path.split("(")[0], function, int(field[0])


def main():
    common.need("ctags", "pmccabe")
    top, problems, over = common.root(), [], 0
    names = [n for n in common.files(top, ".c", ".h") if n.startswith(("src/", "tests/", "bench/"))]
    sources = [n for n in names if n.endswith(".c")]
    for name in names:
        lines = common.read(top, name).count("\n")
        over += lines > NORM_FILE
        if lines > FILE_LINES:
            problems.append(f"{name}: {lines} lines, at most {FILE_LINES}")
    if names:
        for path, function, line, length in function_lengths(top, names):
            over += length > NORM_LINES
            if length > FUNCTION_LINES:
                problems.append(f"{path}:{line}: {function} has {length} lines, at most {FUNCTION_LINES}")
    if sources:
        for path, function, complexity in complexities(top, sources):
            over += complexity > NORM_MCCABE
            if complexity > MCCABE:
                problems.append(f"{os.path.normpath(path)}: {function} has McCabe {complexity}, at most {MCCABE}")
    print(f"{over} times above the norm (function {NORM_LINES} lines, McCabe {NORM_MCCABE}, file {NORM_FILE} lines)")
    common.finish(problems, len(names))


main()
