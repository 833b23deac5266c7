#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Each gate must be able to fail: every case plants one violation in a clean tree and asks the gate to name it.
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TAG = "SPDX-License-" + "Identifier: GPL-2.0-or-later"
HEAD = f"/* {TAG} */\n/* A file for a test. */\n"

CLEAN = {
    "src/base/a.h": HEAD + "#pragma once\n\nint a(void);\n",
    "src/base/a.c": HEAD + '#include "base/a.h"\n\nint a(void)\n{\n\treturn 1;\n}\n',
    "src/pkg/p.c": HEAD + '#include "base/a.h"\n\nint p(void);\n\nint p(void)\n{\n\treturn a();\n}\n',
    "src/store/s.h": HEAD + "#pragma once\n",
    "tool.sh": f"#!/bin/bash\n# {TAG}\n# A script for a test.\nset -euo pipefail\necho fine\n",
}


def function(name, body):
    return f"int {name}(int x);\n\nint {name}(int x)\n{{\n{body}\treturn x;\n}}\n"


# gate, file, its new text, what the gate must say
PLANTED = [
    ("layers", "src/base/a.c", HEAD + '#include "pkg/p.h"\n', "base may not include pkg/p.h"),
    ("layers", "src/pkg/p.c", HEAD + '#include "store/s.h"\n', "pkg may not include store/s.h"),
    ("layers", "src/pkg/p.c", HEAD + '#include "p.h"\n', "write the layer in front"),
    ("layers", "src/odd/x.c", HEAD, "belongs to no known layer"),
    ("layers", "src/pkg/p.c", HEAD + "int f(void)\n{\n\treturn fork();\n}\n", "fork belongs in"),
    ("size", "src/base/b.c", HEAD + function("long_one", "\tx++;\n" * 101), "long_one has 105 lines"),
    ("size", "src/base/b.c", HEAD + function("twisted", "\tif (x)\n\t\tx++;\n" * 25), "twisted has McCabe 26"),
    ("size", "src/base/b.h", HEAD + "#pragma once\n" + "int v;\n" * 1000, "1003 lines, at most 1000"),
    ("format", "src/base/b.c", HEAD + "int  b ;\n", "src/base/b.c"),
    ("headers", "src/base/b.h", HEAD + "#pragma once\n\nsize_t b(void);\n", "src/base/b.h: gcc"),
    ("headers", "src/base/b.h", HEAD + "struct b {\n\tint x;\n};\n", "src/base/b.h: gcc"),
    ("spdx", "src/base/b.c", "int b;\n", "src/base/b.c: no licence line"),
    ("spdx", "src/base/b.c", f"/* {TAG} */\n\nint b;\n", "says what the file is for"),
    ("spelling", "src/base/b.c", HEAD + "/* Rec" + "ieve it. */\n", "src/base/b.c"),
    ("shell", "tool.sh", f"#!/bin/bash\n# {TAG}\nset -euo pipefail\nrm $1\n", "SC2086"),
    ("shell", "tool.sh", f"#!/bin/bash\n# {TAG}\necho fine\n", "no `set -euo pipefail`"),
    ("text", "note.md", "see /wo" + "rk/x\n", "note.md:1: names a private path"),
    ("text", "src/base/b.c", HEAD + "/* TO" + "DO: later */\n", "a debt without"),
    ("text", "tool.sh", "#!/bin/bash\nfalse || t" + "rue\n", "tool.sh:2: hides a failure"),
]


def write(top, name, text):
    path = os.path.join(top, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    if text.startswith("#!"):
        os.chmod(path, 0o755)


def run_gate(gate, tree):
    with tempfile.TemporaryDirectory() as top:
        shutil.copy(os.path.join(HERE, "..", "..", ".clang-format"), top)
        for name, text in tree.items():
            write(top, name, text)
        return subprocess.run([sys.executable, os.path.join(HERE, f"check-{gate}.py"), top], capture_output=True,
                              text=True, check=False)


def banned_calls():
    """Every call that banned.h forbids must break the compilation. Returns the number of those that do not."""
    header = os.path.join(HERE, "..", "..", "src", "base", "banned.h")
    with open(header, encoding="utf-8") as f:
        calls = re.findall(r"^#define (\w+)\(\.\.\.\)", f.read(), re.M)
    bad = int(len(calls) < 10)
    for call in ["", *calls]:
        source = f"void f(char *p);\nvoid f(char *p)\n{{\n\t{call + '(p)' if call else '(void)p'};\n}}\n"
        run = subprocess.run(["gcc", "-D_GNU_SOURCE", "-include", header, "-fsyntax-only", "-x", "c", "-"],
                             input=source, capture_output=True, text=True, check=False)
        if (run.returncode == 0) != (call == "") or (call and f"sorry_{call}_is_banned" not in run.stderr):
            bad += 1
            print(f"FAIL: banned.h and {call or 'a clean file'}: {run.stderr}")
    print(f"{len(calls)} banned calls tried")
    return bad


def main():
    bad, skipped = banned_calls() if shutil.which("gcc") else 0, 0
    for gate in sorted({p[0] for p in PLANTED}):
        run = run_gate(gate, CLEAN)
        if run.returncode not in (0, 77):
            bad += 1
            print(f"FAIL: {gate} refuses a clean tree: {run.stdout}{run.stderr}")
    for gate, name, text, says in PLANTED:
        run = run_gate(gate, {**CLEAN, name: text})
        if run.returncode == 77:
            skipped += 1
            print(f"SKIP: {gate}: {run.stdout.strip()}")
        elif run.returncode != 1 or says not in run.stdout:
            bad += 1
            print(f"FAIL: {gate} does not say \"{says}\" of {name} (status {run.returncode}): "
                  f"{run.stdout}{run.stderr}")
    print(f"{len(PLANTED)} planted, {bad} not found, {skipped} skipped")
    sys.exit(1 if bad else 77 if skipped == len(PLANTED) else 0)


main()
