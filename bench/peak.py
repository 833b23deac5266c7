#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command and prints the peak memory (MiB) of the largest process that runs the same program; its exit status.

peak.py OUT COMMAND...: the number goes to the file OUT. The kernel's own high-water mark (VmHWM) of each process is read
every 20 ms, and of the command itself also when it has ended; children that run another program do not count.
"""
import os
import shutil
import subprocess
import sys
import threading


def main():
    out, command = sys.argv[1], sys.argv[2:]
    program = os.path.realpath(shutil.which(command[0]) or command[0])
    child = subprocess.Popen(command)
    stop, peak = threading.Event(), [0]

    def descendants():
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
                    parents.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(pid))
            except OSError:
                continue
        todo, found = [child.pid], []
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += parents.get(pid, [])
        return found

    def look():
        while not stop.wait(0.02):
            for pid in descendants():
                try:
                    if os.readlink(f"/proc/{pid}/exe") != program:
                        continue
                    with open(f"/proc/{pid}/status", encoding="latin-1") as f:
                        for line in f:
                            if line.startswith("VmHWM:"):
                                peak[0] = max(peak[0], int(line.split()[1]))
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    # Without reaping it: the watcher may be looking at it.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    stop.set()
    watcher.join()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    with open(out, "w", encoding="ascii") as f:
        f.write(f"{max(peak[0], usage.ru_maxrss) / 1024:.1f}\n")
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


main()
