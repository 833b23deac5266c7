#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A full disk under the state directory: the job stops, says why, and goes on when there is room. The phases are fakes.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_private_mounts "$@"

nimadm=$T_BUILD/tests/command/nimadm-fake
export NIM_STATE=$T_TMP/state NIM_FAKE_WORLD=$T_TMP/world NIM_FAKE_FAULT='' NIM_FAKE_DELAY=0
out=$T_TMP/web13.mksysb
conf=$T_TMP/nimadm.conf
: >"$conf"
mkdir -p "$NIM_STATE" "$NIM_FAKE_WORLD" "$T_TMP/lpp13" "$T_TMP/spot13"
mount -t tmpfs -o size=2M tmpfs "$NIM_STATE"
t_at_exit umount "$NIM_STATE"
echo image >"$T_TMP/web12.mksysb"
"$nimadm" define mksysb web12 location="$T_TMP/web12.mksysb"
"$nimadm" define lpp_source lpp13 location="$T_TMP/lpp13" release=trixie
"$nimadm" define spot spot13 location="$T_TMP/spot13" release=trixie

fill() {
	# as much as there is: a smaller block size gets the rest
	for bs in 64k 4k; do
		if dd if=/dev/zero bs=$bs >>"$NIM_STATE/full" 2>"$T_TMP/dd"; then
			echo "the disk did not fill" >&2
			return 1
		fi
	done
}

t_case "the job stops and names the cause"
t_ok "$nimadm" --config "$conf" -T web12 -O "$out" -j "$T_TMP/cache" -Y -P 1-4
fill
t_fail_with 1 "$nimadm" --config "$conf" --resume -T web12
t_match 'nimadm: .*no space left' -
t_fail_with 1 test -e "$out"

t_case "nothing is lost: it goes on when there is room"
rm "$NIM_STATE/full"
t_ok "$nimadm" --config "$conf" --resume -T web12
t_no_match 'Executing nimadm phase 4\.' -
t_equal new "$(cat "$out")"
t_ok "$nimadm" --config "$conf" --status -T web12
t_match 'web12 .*done' -

t_done
