#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Every header under src/ compiles alone, with gcc and with clang.
import os
import shutil
import subprocess

import common

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", '-DNIMADM_VERSION="0"', "-Wall", "-Wextra",
         "-Wno-unused-parameter", "-Werror", "-fsyntax-only", "-x", "c", "-"]


def main():
    top, problems = common.root(), []
    names = [n for n in common.files(top, ".h") if n.startswith("src/")]
    compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
    common.need("gcc")
    for compiler in compilers:
        for name in names:
            # Twice: a header that lacks its guard is found too.
            source = f'#include "{name[4:]}"\n' * 2
            run = subprocess.run([compiler, "-iquote", os.path.join(top, "src"), *FLAGS], input=source,
                                 capture_output=True, text=True, check=False)
            if run.returncode != 0:
                errors = [line for line in run.stderr.splitlines() if "error" in line]
                problems.append(f"{name}: {compiler}: {errors[0] if errors else run.stderr}")
    if "clang" not in compilers:
        print("clang is not installed: only gcc was tried")
    common.finish(problems, len(names))


main()
