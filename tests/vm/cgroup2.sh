#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sandbox's limits where the kernel has control groups of version 2 only, as present distributions have them.
# Takes 2 minutes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
uml_need
t_need_tools bwrap python3

cat >"$T_TMP/guest.sh" <<'EOS'
set -euo pipefail
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
# As systemd has it: a login session's group holds processes, so that it can hand no controller down.
mkdir -p user.slice/user-0.slice/session-1.scope
for slice in . user.slice user.slice/user-0.slice; do
	echo "+memory +pids" >$slice/cgroup.subtree_control
done
echo $$ >user.slice/user-0.slice/session-1.scope/cgroup.procs
cat /proc/self/cgroup
"$T_BUILD/tests/root/sandbox-run" --limits && echo "limits: $?"
NIM_TEST_TMP=/var/tmp "$T_SRC/tests/root/sandbox.sh"
echo "left: $(find . -name 'nimadm-*' | wc -l)"

# In a container of which this is the top: nothing can be handed down.
mkdir alone
echo $$ >alone/cgroup.procs
cd /
umount /sys/fs/cgroup
unshare --cgroup --mount sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; "$T_BUILD/tests/root/sandbox-run" --limits'
EOS
export LC_ALL=C

t_case "a guest with control groups of version 2 runs the sandbox's tests"
UML_LIMIT=400 t_fail_with 1 uml_run "$T_TMP/guest.sh"
cp "$T_OUT" "$T_TMP/guest.out"
t_match '^0::/user.slice/user-0.slice/session-1.scope$' "$T_TMP/guest.out"
t_match '^[0-9]+ passed, 0 failed, [0-9]+ skipped$' "$T_TMP/guest.out"

t_case "there, too, memory and processes are bounded, and no group stays"
t_match '^limits: 0$' "$T_TMP/guest.out"
t_match '^ok: sandbox.sh: a fork bomb is bounded$' "$T_TMP/guest.out"
t_match '^ok: sandbox.sh: memory is bounded' "$T_TMP/guest.out"
t_match '^left: 0$' "$T_TMP/guest.out"

t_case "where nothing can be handed down it is said"
t_match "limit of memory is not enforced" "$T_TMP/guest.out"

t_done
