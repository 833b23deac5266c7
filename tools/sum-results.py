#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Sums a meson test log (testlog.json): prints "PASSED FAILED SKIPPED" and, before it, one line per failure or skip.
# A cmocka program counts by its cases, everything else as one.
import json
import re
import sys

# cmocka writes to either stream.
COUNT = re.compile(r"^\[  (PASSED |FAILED |SKIPPED)\s*\] (\d+) test\(s\)", re.M)
ERRORS = re.compile(r"^\s*(\d+) (?:FAILED|ERROR) TEST", re.M)
GOOD = ("OK", "EXPECTEDFAIL")


def counts(test):
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    found = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    for word, number in COUNT.findall(text):
        found[word.strip()] += int(number)
    result = test["result"]
    if result == "SKIP":
        return found["PASSED"], found["FAILED"], max(1, found["SKIPPED"])
    if result in GOOD:
        if not any(found.values()):
            return 1, 0, 0
        return found["PASSED"], found["FAILED"], found["SKIPPED"]
    # Whatever its output claims, a program that ended badly has failed.
    return found["PASSED"], max(1, found["FAILED"]), found["SKIPPED"]


def main():
    total = [0, 0, 0]
    with open(sys.argv[1], encoding="utf-8", errors="replace") as f:
        for line in f:
            if not line.strip():
                continue
            test = json.loads(line)
            passed, failed, skipped = counts(test)
            total = [total[0] + passed, total[1] + failed, total[2] + skipped]
            name = test["name"]
            if failed:
                print(f"FAIL: {name}: {test['result']}, {failed} failed")
                print((test.get("stdout") or "")[-6000:] + (test.get("stderr") or "")[-6000:])
            elif skipped:
                print(f"SKIP: {name}: {skipped} skipped")
    print(*total)


main()
