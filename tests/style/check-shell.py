#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck over every shell script; each is strict (set -euo pipefail), but for files that are sourced.
import os
import re
import subprocess

import common

SHEBANG = re.compile(r"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b")
STRICT = re.compile(r"^set -euo pipefail|^set -eu$|^\. .*lib\.sh", re.M)


def main():
    common.need("shellcheck")
    top, problems, scripts = common.root(), [], []
    for name in common.files(top):
        text = common.read(top, name) if os.path.getsize(os.path.join(top, name)) < 1 << 20 else ""
        shebang = SHEBANG.match(text)
        if not shebang and not name.endswith(".sh"):
            continue
        scripts.append(name)
        if shebang and not STRICT.search(text):
            problems.append(f"{name}: no `set -euo pipefail`")
        if shebang and not os.access(os.path.join(top, name), os.X_OK):
            problems.append(f"{name}: has a #! line but is not executable")
    if scripts:
        run = subprocess.run(["shellcheck", "-f", "gcc", *scripts], cwd=top, capture_output=True, text=True,
                             check=False)
        problems += run.stdout.splitlines() + run.stderr.splitlines()
    common.finish(problems, len(scripts))


main()
