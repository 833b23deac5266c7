#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mksysb, image_data and bosinst_data objects: described from the image, verified, refused when damaged.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
t_need_root # mksysb reads every file of a tree, whoever owns it

export NIM_STATE=$T_TMP/state
nim() { "$T_BUILD/nim" "$@"; }
lsnim() { "$T_BUILD/lsnim" "$@"; }
attr() { lsnim -Z -a "$1" "$2" | sed -n '2s/^[^:]*:\(.*\):$/\1/p'; }

root=$T_TMP/root
mkdir -p "$root/etc" "$root/var/lib/dpkg"
printf 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$root/etc/os-release"
echo web01 >"$root/etc/hostname"
printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n' >"$root/var/lib/dpkg/status"
seq 100000 >"$root/numbers"
ln -s numbers "$root/link"
I=$T_TMP/web01.mksysb
"$T_BUILD/mksysb" --root "$root" -o "$I" >/dev/null

t_case "an image is defined and described by what is in it"
t_ok nim -o define -t mksysb -a location="$I" web01_12
t_equal "ready for use" "$(attr Rstate web01_12)"
t_match '12' <(attr os_level web01_12)
t_equal web01 "$(attr host web01_12)"
t_equal "$(stat -c %s "$I")" "$(attr size web01_12)"
t_ok nim -o showres web01_12
t_match '^f 0644 .* 588895 numbers$' -
t_match '^l 0777 .* link -> numbers$' -
t_ok nim -o check web01_12

t_case "a copy of an image is an image, and its file stays when the object goes"
t_ok nim -o define -t mksysb -a source=web01_12 copy
t_ok cmp "$I" "$NIM_STATE/mksysb/copy"
t_ok nim -o remove copy
t_match 'copy stays where it is' -
t_ok nim -o define -t mksysb -a location="$NIM_STATE/mksysb/copy" copy
t_ok nim -o remove -a rm_image=yes copy
t_fail_with 1 test -e "$NIM_STATE/mksysb/copy"

t_case "a byte that changed is found by check, and the image is not ready any more"
cp "$I" "$T_TMP/bad.mksysb"
offset=$(($(stat -c %s "$I") / 2))
printf '\x5a' | dd of="$T_TMP/bad.mksysb" bs=1 seek="$offset" conv=notrunc status=none
if cmp -s "$I" "$T_TMP/bad.mksysb"; then
	printf '\xa5' | dd of="$T_TMP/bad.mksysb" bs=1 seek="$offset" conv=notrunc status=none
fi
t_ok nim -o define -t mksysb -a location="$T_TMP/bad.mksysb" bad
t_fail_with 1 nim -o check bad
t_match 'bad.mksysb' -
t_equal "unavailable for use" "$(attr Rstate bad)"
t_ok nim -o remove bad

t_case "what is no image is refused by name, and nothing stays behind"
head -c 3000 "$I" >"$T_TMP/short.mksysb"
t_fail_with 1 nim -o define -t mksysb -a location="$T_TMP/short.mksysb" short
t_match 'short.mksysb.*truncated' -
t_fail_with 1 nim -o define -t mksysb -a location=/etc/passwd no
t_match '/etc/passwd.*not an image' -
t_fail_with 1 nim -o define -t mksysb -a location="$T_TMP/none" no
t_match "there is no file $T_TMP/none" -
t_fail_with 2 nim -o define -t mksysb no
t_match 'attribute location is missing' -
t_equal "web01_12" "$(lsnim -t mksysb | awk '{ print $1 }')"

t_case "an image of a machine is made when that is said, and of one that can be reached"
t_ok nim -o define -t standalone -a host=root@127.0.0.1 -a ssh_port=1 machine
t_fail_with 2 nim -o define -t mksysb -a source=machine image
t_match 'next: add -a mk_image=yes' -
t_fail_with 1 nim -o define -t mksysb -a source=machine -a mk_image=yes image
t_match 'client machine .root@127.0.0.1.: no ssh server answers there' -
t_fail_with 5 lsnim -l image

t_case "the stanza files of an image are resources, checked line by line"
tar --zstd -xOf "$I" image.data >"$T_TMP/image.data"
tar --zstd -xOf "$I" bosinst.data >"$T_TMP/bosinst.data"
t_ok nim -o define -t image_data -a location="$T_TMP/image.data" layout
t_ok nim -o define -t bosinst_data -a location="$T_TMP/bosinst.data" answers
t_ok nim -o showres layout
t_match '^image_data:' -
sed -i '3i\    NO_SUCH_KEY= 1' "$T_TMP/image.data"
t_fail_with 1 nim -o check layout
t_match 'image.data: line 3' -
t_equal "unavailable for use" "$(attr Rstate layout)"
echo 'odd' >>"$T_TMP/bosinst.data"
t_fail_with 1 nim -o check answers
t_match 'line [0-9]+' -
t_match 'next: mend the file; bosinst.data\(5\)' -

t_done
