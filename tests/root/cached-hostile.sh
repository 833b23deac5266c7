#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A hostile client can neither crash the master, fill its disk, get what others have, nor touch a file outside its own tree.
# And: a pull and a push that are killed at any moment go on.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools zstd python3 mkfs.ext4
t_private_mounts "$@"

run=$T_BUILD/tests/root/cached-run
altdisk=$T_BUILD/src/altdisk/altdisk
truncate -s 600M "$T_TMP/disk.img"
mkfs.ext4 -q "$T_TMP/disk.img"
mkdir "$T_TMP/disk"
mount -o loop "$T_TMP/disk.img" "$T_TMP/disk"
t_at_exit umount -q -l "$T_TMP/disk"
cache=$T_TMP/disk/cache dir=$T_TMP/disk/cache/job
mkdir "$cache"

# pull PROGRAM TREE [LIMIT]
pull() {
	rm -rf "$dir/lower"
	mkdir -p "$dir/lower" "$dir/alt"
	timeout 120 "$run" pull "$1" "$2" "$T_TMP/keep" "$cache" "$dir" "$dir/lower" "$dir/alt" "${@:3}"
}
outside() { find /etc/up "$T_TMP/up" "$dir/../up" "$cache/a" -maxdepth 0 2>/dev/null | wc -l; }

# hostile HOW: its program
hostile() {
	ln -sf "$T_SRC/tests/root/hostile-client.py" "$T_TMP/client-$1"
	echo "$T_TMP/client-$1"
}
while read -r how words; do
	t_case "a client that plays: $how"
	rm -rf "$dir"
	t_fail_with 1 pull "$(hostile "$how")" /
	t_match "$words" -
	t_equal 0 "$(outside)"
	t_equal 0 "$(find "$dir/lower" -mindepth 1 | wc -l)"
	t_equal "objects 0" "$("$run" usage "$cache" | head -1)"
done <<'END'
garbage stream is damaged
nothing stream ended early
dies signal|stream ended early|stream is damaged
speaks no disk
endless longer than|a tar header is broken
binary no member type
up no path inside
absolute no path inside
link lies in no directory
hard leads out
order not in order
twice not in order
huge a size that no disk has
large free
evil has not the SHA-256
longer longer than
other something else than /a
missing something else than /a
more more than was wanted
noproof no proofs
overlay record that images do not have
sparse not the SHA-256|more than the cache has room for
END

t_case "its digest alone gets nobody the content of another client"
mkdir "$T_TMP/victim"
printf known >"$T_TMP/victim/known"
t_ok pull "$altdisk" "$T_TMP/victim"
t_fail_with 1 pull "$(hostile steal)" /
t_match 'cannot prove that it has this content' -
t_equal 0 "$(find "$dir/lower" -mindepth 1 | wc -l)"

t_case "the cache's limit holds"
mkdir "$T_TMP/client"
for i in {1..60}; do head -c 1000000 /dev/urandom >"$T_TMP/client/$i"; done
rm -rf "$dir"
t_fail_with 1 pull "$altdisk" "$T_TMP/client" 20M
t_match 'may have 21.0 MB.*needs 60' -
t_match 'next: nim -o change -a size=' -
t_ok pull "$altdisk" "$T_TMP/client" 70M

t_case "what nobody uses makes room for what comes"
rm -rf "$dir"
mkdir "$T_TMP/client2"
for i in {1..40}; do head -c 1000000 /dev/urandom >"$T_TMP/client2/$i"; done
t_ok pull "$altdisk" "$T_TMP/client2" 70M
t_ok test "$("$run" usage "$cache" | sed -n 's/bytes //p')" -le $((70 << 20))

# killed SECONDS COMMAND...: it was, unless it was quicker
killed() {
	local rc=0
	t_killed_after "$@" || rc=$?
	test "$rc" = 137 || test "$rc" = 0
}

t_case "killed anywhere, a pull goes on"
rm -rf "$dir"
for delay in 0.02 0.05 0.1 0.2 0.3; do
	mkdir -p "$dir/lower" "$dir/alt"
	t_ok killed "$delay" "$run" pull "$altdisk" "$T_TMP/client" "$T_TMP/keep" "$cache" "$dir" "$dir/lower" "$dir/alt"
	t_ok "$run" check "$cache"
	t_match '^bad 0$' -
	rm -rf "$dir/lower"
done
t_ok pull "$altdisk" "$T_TMP/client"
t_ok diff -r "$T_TMP/client" "$dir/lower"

t_case "killed anywhere, a push goes on"
cp -a "$dir/lower/." "$dir/alt"
for i in {1..60..2}; do head -c 900000 /dev/urandom >"$dir/alt/new$i" && rm "$dir/alt/$i"; done
push() { "$@" "$run" push "$altdisk" "$T_TMP/client" "$T_TMP/keep" "$cache" "$dir" "$dir/lower" "$dir/alt"; }
for delay in 0.02 0.05 0.1 0.15 0.2; do
	t_ok push killed "$delay"
done
t_ok push env
t_ok diff -r "$dir/alt" "$T_TMP/client"

t_case "a push is refused by a tree that it is not of"
sed -i '2s/ 0 0 / 0 1 /' "$T_TMP/keep.base"
t_fail_with 1 push env
t_match 'of another tree' -
t_done
