#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode B's two ways, with the real client program behind a pipe: a tree is pulled into the cache, changed in an overlay as
# a migration does, pushed back. Trees are compared by tests/root/facts.py, not by our own manifests alone.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools setfattr setfacl setcap getcap chattr python3 mkfs.ext4
t_private_mounts "$@"

altdisk=$T_BUILD/src/altdisk/altdisk
run=$T_BUILD/tests/root/cached-run
umask 022
t_at_exit chattr -R -f -i -a "$T_TMP"

truncate -s 3G "$T_TMP/disk.img"
mkfs.ext4 -q -N 200000 "$T_TMP/disk.img"
mkdir "$T_TMP/disk"
mount -o loop "$T_TMP/disk.img" "$T_TMP/disk"
t_at_exit umount -q -l "$T_TMP/disk"
cd "$T_TMP/disk"
cache=$PWD/cache
mkdir "$cache"

# make_client DIR: a tree with every kind of file
make_client() {
	local c=$1 i
	mkdir -p "$c"/{etc,usr/bin,usr/lib,var/lib,dev,root,srv/shared} && cd "$c"
	python3 - <<'END'
import os, random
r = random.Random(1)
for i in range(1500):
    d = f"usr/lib/pkg{i % 40}"
    os.makedirs(d, exist_ok=True)
    with open(f"{d}/file{i}", "wb") as f:
        f.write(r.randbytes(r.randrange(40000)))
    os.utime(f"{d}/file{i}", (1700000000, 1700000000))
for d, _, _ in os.walk("usr", topdown=False):
    os.utime(d, (1700000000, 1700000000))
END
	cp /bin/true usr/bin/capable && setcap cap_net_raw+ep usr/bin/capable
	cp /bin/true usr/bin/setuid && chown 33:44 usr/bin/setuid && chmod 6755 usr/bin/setuid
	cp /bin/ls usr/bin/ls && ln usr/bin/ls usr/bin/dir && ln usr/bin/ls usr/bin/vdir
	echo twin >etc/twin1 && cp -p etc/twin1 etc/twin2
	echo x >etc/acl && setfacl -m u:450:rwx,g:33:r etc/acl
	mkdir etc/default-acl && setfacl -d -m u:450:rwx etc/default-acl && echo in >etc/default-acl/in
	echo x >etc/xattr && setfattr -n user.a -v value etc/xattr
	truncate -s 40M var/sparse && printf data | dd of=var/sparse bs=1 seek=20000000 conv=notrunc status=none
	: >etc/empty && ln -s ../etc/xattr usr/link && ln -s /nowhere etc/dangling
	mknod dev/null c 1 3 && mkfifo -m 620 dev/fifo
	printf odd >$'etc/new\nline' && printf odd >$'etc/\377\376 blank\\'
	echo secret >etc/shadow && chmod 640 etc/shadow
	chmod 700 root && echo "key of $(basename "$c")" >root/key && chmod 644 root/key
	echo fixed >etc/immutable && chattr +i etc/immutable
	basename "$c" >etc/hostname
	cd ..
}

# facts DIR FILE
facts() { "$T_SRC/tests/root/facts.py" "$1" no-counts >"$2"; }
same() {
	facts "$1" "$T_TMP/want"
	facts "$2" "$T_TMP/got"
	t_ok test -s "$T_TMP/want"
	t_ok diff -a "$T_TMP/want" "$T_TMP/got"
}
# job NAME CLIENT: names of a job's places; cached WHAT: one way
job() { client=$PWD/$2 dir=$cache/job-$1 keep=$T_TMP/keep-$1; mkdir -p "$dir"/{lower,upper,work,alt}; }
cached() { "$run" "$1" "$altdisk" "$client" "$keep" "$cache" "$dir" "$dir/lower" "$dir/alt" "${@:2}"; }
number() { awk -v n="$1" '$1 == n { print $2 }' "$2"; }
overlay() {
	mount -t overlay overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work,index=on,metacopy=on,redirect_dir=on" "$dir/alt"
	t_at_exit umount -q -l "$dir/alt"
}

make_client one

t_case "a tree is pulled as it is"
job 1 one
t_ok cached pull
cp "$T_OUT" "$T_TMP/pull1"
cat "$T_TMP/pull1"
same one "$dir/lower"
t_ok cached verify
t_fail_with 1 test -e "$dir/pins"

t_case "files are names of objects, but never two files one"
t_ok test "$(number linked "$T_TMP/pull1")" -gt 1400
t_fail_with 1 test "$dir/lower/etc/twin1" -ef "$dir/lower/etc/twin2"
t_ok test "$dir/lower/usr/bin/ls" -ef "$dir/lower/usr/bin/vdir"

t_case "what not everybody may read on the client is not kept"
secret=$(printf 'secret\n' | sha256sum | cut -c1-64)
key=$(printf 'key of one\n' | sha256sum | cut -c1-64)
twin=$(printf 'twin\n' | sha256sum | cut -c1-64)
t_ok test -e "$cache/objects/${twin:0:2}/${twin}f"
t_fail_with 1 test -e "$cache/objects/${secret:0:2}/${secret}f"
t_fail_with 1 test -e "$cache/objects/${key:0:2}/${key}f"

t_case "every object is what its name says"
t_ok "$run" check "$cache"
t_match '^bad 0$' -

t_case "a second client like it sends hardly anything"
make_client two
job 2 two
t_ok cached pull
cp "$T_OUT" "$T_TMP/pull2"
cat "$T_TMP/pull2"
same two "$dir/lower"
t_ok test "$(($(number packed "$T_TMP/pull2") * 100))" -le "$(($(number packed "$T_TMP/pull1") * 5))"

t_case "changes in an overlay are pushed back"
overlay
cd "$dir/alt"
head -c 3000000 /dev/urandom >usr/lib/pkg1/new
head -c 200000 /dev/urandom >usr/lib/pkg1/file1.new && mv usr/lib/pkg1/file1.new usr/lib/pkg1/file1
echo more >>usr/lib/pkg2/file2
rm -r usr/lib/pkg3
rm -r usr/lib/pkg4 && mkdir usr/lib/pkg4 && echo opaque >usr/lib/pkg4/only
mv usr/lib/pkg5 usr/lib/renamed
rm usr/lib/pkg6/file6 && mkdir usr/lib/pkg6/file6 && echo now >usr/lib/pkg6/file6/dir
rm -r usr/lib/pkg7 && echo file >usr/lib/pkg7
chmod 600 usr/lib/pkg8/file8 && chown 5:6 usr/lib/pkg8/file48
setcap -r usr/bin/capable && setcap cap_net_bind_service+ep usr/bin/setuid
setfacl -b etc/acl && setfacl -m u:77:r etc/twin1 && setfacl -k etc/default-acl
setfattr -x user.a etc/xattr && setfattr -n user.b -v new etc/xattr
echo changed >>usr/bin/ls
ln etc/twin2 etc/twin3
rm usr/bin/dir
ln -sfn ../elsewhere usr/link
truncate -s 50M var/sparse
touch -d '2001-02-03 04:05:06.789 UTC' usr/lib/pkg9
mkdir -p srv/default && setfacl -d -m u:450:rwx srv/default && echo in >srv/default/in
cd - >/dev/null
t_ok cached push
cp "$T_OUT" "$T_TMP/push"
cat "$T_TMP/push"
same "$dir/alt" two
changed=$(number moved_bytes "$T_TMP/push")
# What is shown meanwhile: all that is sent (holes as well), to its end.
t_ok test "$(number shown_total "$T_TMP/push")" -ge "$changed"
t_equal "$(number shown_total "$T_TMP/push")" "$(number shown_done "$T_TMP/push")"
echo "raw/changed: $(($(number raw "$T_TMP/push") * 100 / changed)) %"

t_case "the same changes once more leave the same"
t_ok cached push
same "$dir/alt" two

t_case "four clients at once, while the store is collected and checked"
pids=()
make_client three
cp -a three four && cp -a three five && cp -a three six
for name in three four five six; do
	head -c 4000000 /dev/urandom >"$name/usr/lib/own"
	job "$name" "$name"
	cached pull >"$T_TMP/pull-$name" 2>&1 &
	pids+=($!)
done
for _ in {1..10}; do
	t_ok "$run" collect "$cache" 0
	t_ok "$run" check "$cache"
	t_match '^bad 0$' -
done
for pid in "${pids[@]}"; do t_ok wait "$pid"; done
cat "$T_TMP"/pull-{three,four,five,six}
for name in three four five six; do
	job "$name" "$name"
	same "$name" "$dir/lower"
done

t_case "the store saw nothing of it"
t_ok "$run" check "$cache"
t_match '^bad 0$' -
t_done
