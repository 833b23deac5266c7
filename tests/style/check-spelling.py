#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# codespell over every text file of the project.
import subprocess

import common

BINARY = (".tar", ".zst", ".xz", ".gz", ".deb", ".bin", ".gpg")


def main():
    common.need("codespell")
    top = common.root()
    names = [n for n in common.files(top) if n != "COPYING" and not n.endswith(BINARY)]
    if not names:
        common.finish([], 0)
    run = subprocess.run(["codespell", *names], cwd=top, capture_output=True, text=True, check=False)
    common.finish([line for line in run.stdout.splitlines() if "==>" in line]
                  + ([run.stderr] if run.returncode not in (0, 65) else []), len(names))


main()
