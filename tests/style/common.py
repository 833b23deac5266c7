# SPDX-License-Identifier: GPL-2.0-or-later
# What the style gates share: the list of the project's files, reporting, skipping.
import os
import shutil
import subprocess
import sys

SKIPPED = 77


def root():
    return os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            print(f"SKIP: {tool} is not installed")
            sys.exit(SKIPPED)


def walk(top):
    for directory, names, files in os.walk(top):
        names[:] = [n for n in names if not n.startswith("build") and n not in (".git", ".demo", ".cache")]
        for name in files:
            yield os.path.relpath(os.path.join(directory, name), top)


def files(top, *suffixes):
    """Paths relative to the top: what git knows and what is new, without what it ignores."""
    names = None
    if os.path.exists(os.path.join(top, ".git")):
        run = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-co", "--exclude-standard"],
                             capture_output=True, text=True, check=False)
        if run.returncode == 0:
            names = run.stdout.split("\n")
    if names is None:
        names = list(walk(top))
    return sorted(n for n in set(names)
                  if n and n.endswith(suffixes or ("",)) and os.path.isfile(os.path.join(top, n)))


def read(top, name):
    with open(os.path.join(top, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def finish(problems, checked):
    """Ends the gate. A gate that has looked at nothing has not passed."""
    for p in problems:
        print(p)
    if checked == 0:
        print("nothing was found to check")
        sys.exit(1)
    print(f"{checked} checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)
