#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long a look at a large site takes: nimadm --status and lsnim with 10,000 objects and 1,000 running jobs. Medians of nine.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need python3
top=$(cd "$(dirname "$0")/.." && pwd)
build=${NIM_BUILD:-$top/build}
work=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-status.XXXXXX")
sleep 600 &
owner=$!
trap 'kill $owner; rm -rf "$work"' EXIT
export NIM_STATE=$work/state

"$build/nim" -o define -t standalone -a host=first.invalid first
python3 - "$NIM_STATE" "$owner" <<'END'
import os, sqlite3, sys, time
state, owner = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(f"{state}/nim.db")
start = int(open(f"/proc/{owner}/stat").read().rsplit(")", 1)[1].split()[19])
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
host = os.uname().nodename
stamp = "2026-01-01T00:00:00.000Z"
for i in range(9999):
    cur = db.execute("INSERT INTO object (name, type) VALUES (?, 'standalone')", (f"web{i:05}",))
    for name, value in (("host", f"web{i}.invalid"), ("platform", "amd64"), ("Cstate", "ready for a NIM operation")):
        db.execute("INSERT INTO attr (object, name, value) VALUES (?, ?, ?)", (cur.lastrowid, name, value))
for i in range(3000):
    client, running = f"web{i:05}", i >= 2000
    spec = '{"mode":"B","subject":"%s","client":"%s","lpp-source":"lpp13","spot":"spot13","cache":"/export"}' % (client, client)
    cur = db.execute("INSERT INTO job (subject, mode, spec, facts, state, created, ended) VALUES (?, 'B', ?, ?, ?, ?, ?)",
                     (client, spec, '{"plan":"%s"}' % ("x" * 4000), "open" if running else "done", stamp, None if running else stamp))
    for phase in range(7 if running else 13):
        for what in ("started", "done"):
            db.execute("INSERT INTO journal (job, phase, state, seconds, message, stamp) VALUES (?, ?, ?, 1.5, '', ?)",
                       (cur.lastrowid, phase, what, stamp))
    if running:
        db.execute("INSERT INTO lease VALUES (?, ?, ?, ?, ?, 'root', ?, ?)", (client, host, boot, owner, start, stamp, int(time.time())))
db.commit()
END

# median LABEL LINES COMMAND...: its time, after a look whether it told that much
median() {
	local label=$1 lines=$2
	shift 2
	[[ $("$@" | wc -l) -ge $lines ]] || { echo "$label: fewer than $lines lines" >&2; exit 1; }
	python3 - "$label" "$@" <<'END'
import resource, statistics, subprocess, sys, time


def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


times, before = [], spent()
for _ in range(9):
    begin = time.monotonic()
    subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=True)
    times.append(time.monotonic() - begin)
print(f"{sys.argv[1]}: {statistics.median(times) * 1000:.0f} ms, {(spent() - before) / len(times) * 1000:.0f} ms of processor time")
END
}
median "nimadm --status, 1000 running jobs among 10,000 objects (at most 100 ms)" 1000 "$build/nimadm" --status
median "nimadm --status --json" 1000 "$build/nimadm" --status --json
median "nimadm --status of one client" 1 "$build/nimadm" --status -c web02500
median "lsnim, 10,000 objects" 10000 "$build/lsnim"
