#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A running client on LVM, reached by ssh, is migrated on its spare disk (mode B), and gets an image there (mode C). Client and
# master share a User-Mode Linux for the phases that touch disks; the packages' phases run on this machine, with the cache on
# a disk image that both mount.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/vm/uml.sh"
uml_need
t_need_tools bwrap ssh ssh-keygen lvm sfdisk mke2fs lsblk findmnt blkid wipefs
fixture_make
export UML_LIMIT=560 UML_MEM=1500M
export NIM_FIXTURE=$fixture

# The cache disk, at the same place on both sides; it has the state directory, too.
shared=$T_TMP/shared
mkdir "$shared"
truncate -s 4G "$T_TMP/cache.img"
mke2fs -q -t ext4 -F "$T_TMP/cache.img"
truncate -s 1600M "$T_TMP/disk"
truncate -s 1700M "$T_TMP/spare"
truncate -s 500M "$T_TMP/small"
disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" "ubdc=$T_TMP/cache.img" "ubdd=$T_TMP/small")

mount_shared() { mount -o loop "$T_TMP/cache.img" "$shared"; }
umount_shared() { umount "$shared"; }

ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/id"
ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/host"
echo "127.0.0.1 $(<"$T_TMP/host.pub")" >"$T_TMP/known_hosts"
cat >"$T_TMP/ssh_config" <<END
IdentityFile $T_TMP/id
IdentitiesOnly yes
UserKnownHostsFile $T_TMP/known_hosts
GlobalKnownHostsFile none
END

mount_shared
export NIM_STATE=$shared/state
fixture_state "$NIM_STATE"
nim -o define -t standalone -a host=root@127.0.0.1 -a "ssh_options=-F $T_TMP/ssh_config" c1
umount_shared

# Part of every guest script: the client's root on /dev/ubda, its sshd; then $1 as the master.
cat >"$T_TMP/guest.sh" <<'EOS'
set -euo pipefail
for module in dm-snapshot dm-bufio; do modprobe "$module"; done
export PATH=$T_BUILD:$PATH
r=/mnt/client
mkdir -p $r
if [ -z "$(blkid -p -s PTTYPE -o value /dev/ubda)" ]; then
	sfdisk -q /dev/ubda <<'END'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
type=lvm
END
	pvcreate -qq -y /dev/ubda2
	vgcreate -qq rootvg /dev/ubda2
	lvcreate -qq -y -n hd4 -L 450M rootvg
	lvcreate -qq -y -n hd9var -L 300M rootvg
	mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 /dev/rootvg/hd4
	mke2fs -q -t ext4 -U 11111111-2222-3333-4444-666666666666 /dev/rootvg/hd9var
	new=1
fi
vgchange -qq -ay rootvg
mount /dev/rootvg/hd4 $r
mkdir -p $r/var
mount /dev/rootvg/hd9var $r/var
if [ -n "${new:-}" ]; then
	rmdir $r/lost+found $r/var/lost+found
	mksysb -q --extract "$NIM_FIXTURE/mini12.mksysb" --target $r
	# what a client on LVM has, and the small fixture has not
	for program in lvm dmsetup sfdisk fsfreeze wipefs; do
		file=$(type -P "$program")
		cp -L "$file" $r/usr/sbin/
		ldd "$file" | sed -n 's,[^/]*\(/[^ ]*\).*,\1,p' | while read -r lib; do
			mkdir -p "$r/$(dirname "$lib")"
			cp -Ln "$lib" "$r/$lib"
		done
	done
	for name in lvs vgs pvs lvcreate vgcreate pvcreate lvremove vgremove pvremove vgchange lvchange pvscan vgscan; do
		ln -sf lvm $r/usr/sbin/$name
	done
	mkdir -p $r/etc/lvm
	echo 'activation { udev_sync = 0 udev_rules = 0 }' >$r/etc/lvm/lvm.conf
	cat >$r/etc/fstab <<'END'
UUID=11111111-2222-3333-4444-555555555555 / ext4 errors=remount-ro 0 1
UUID=11111111-2222-3333-4444-666666666666 /var ext4 defaults,nodev 0 2
END
fi
for d in dev proc sys; do mount --rbind /$d $r/$d; done
mount -t tmpfs -o mode=755 tmpfs $r/run
mkdir -p $r/run/sshd $r/run/lock $r/run/test
cp "$T_TMP/host" "$T_TMP/id.pub" $r/run/test/
chmod 600 $r/run/test/host
chroot $r /usr/sbin/sshd -h /run/test/host -o AuthorizedKeysFile=/run/test/id.pub -o PermitRootLogin=prohibit-password \
	-o UsePAM=no -o StrictModes=no -o PidFile=none -o ListenAddress=127.0.0.1 -f /dev/null
mount /dev/ubdc "$T_TMP/shared"
fingerprint() { sfdisk -d /dev/ubda; dd if=/dev/ubda bs=1M count=9 status=none | sha256sum; lvs --noheadings -o vg_name,lv_name,lv_uuid,lv_size rootvg; sha256sum $r/etc/fstab $r/etc/os-release; }
. "$T_TMP/$1.sh"
umount "$T_TMP/shared"
EOS

inside() {
	cat >"$T_TMP/$1.sh"
	echo ". $T_TMP/guest.sh $1" >"$T_TMP/$1.start"
}
guest() { uml_run "$T_TMP/$1.start" "${disks[@]}"; }

job="-c c1 -d /dev/ubdb -j $shared/cache -l lpp13 -s spot13 -Y"

t_case "what the client cannot do is found by the pre-flight"
inside refuse <<END
nim -o check c1
s=0; nimadm ${job/ubdb/ubda} -p || s=\$?; echo "running disk: \$s"
s=0; nimadm ${job/ubdb/nothing} -p || s=\$?; echo "no disk: \$s"
s=0; nimadm ${job/ubdb/ubdd} -p || s=\$?; echo "small disk: \$s"
fingerprint >$T_TMP/before
END
t_ok guest refuse
t_match '^running disk: 3$' -
t_match '^no disk: 3$' -
t_match 'client.disks' -
t_match '^small disk: 3$' -
t_match '/ grows from ' -
t_match 'seen: client c1: .*[0-9] [KMG]B' -

t_case "mode B: the client is cloned and its tree pulled into the cache"
inside pull <<END
nimadm $job -P 0
nimadm $job -P 1-3
ssh -F $T_TMP/ssh_config root@127.0.0.1 "/var/lib/nimadm/altdisk-* lspv"
echo "sizes: \$(findmnt -b -n -o SIZE \$r) \$(findmnt -b -n -o SIZE \$r/alt_inst)"
END
t_ok guest pull
t_match 'Phase 3 complete' -
t_match 'altinst_rootvg +active' -
read -r _ was is < <(grep '^sizes: ' "$T_OUT")
t_ok test "${is:-0}" -gt "${was:-0}"

t_case "mode B: the packages, here"
mount_shared
read -ra words <<<"$job"
t_ok nimadm "${words[@]}" -P 4-8
umount_shared

t_case "mode B: what changed is pushed to the clone, which then sleeps; the running disk is what it was"
inside push <<END
nimadm $job -P 9
nimadm -W -c c1

grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
cat \$r/alt_inst/etc/fstab
nimadm -S -c c1
fingerprint >$T_TMP/after
END
t_ok guest push
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "taken back: the spare disk is empty, the client has nothing of ours"
inside back <<END
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "left: \$(ls \$r/var/lib/nimadm 2>/dev/null | wc -l) \$(ls $shared/cache | grep -c job)" || :
fingerprint >$T_TMP/after
END
t_ok guest back
t_match '^signatures: 0' -
t_match '^left: 0 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

# --- an image to the client's disk ---
job="-T c1_12 $job"
t_case "mode C: file systems are made as image.data says; the image is restored in the cache"
inside make <<END
nim -o define -t mksysb -a source=c1 -a mk_image=yes -a location=$shared/c1.mksysb c1_12
nimadm $job -P 0-3
findmnt -R -n -o TARGET,FSTYPE \$r/alt_inst
END
t_ok guest make
t_match 'Phase 3 complete' -
t_match '/alt_inst +ext4' -
t_match 'Taking a snapshot' -
t_no_match 'there is no snapshot' -

t_case "mode C: the packages, here; then all of the tree goes to the disk"
mount_shared
read -ra words <<<"$job"
t_ok nimadm "${words[@]}" -P 4-8
umount_shared
inside fill <<END
nimadm $job -P 9
nimadm -W -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
getcap \$r/alt_inst/usr/bin/ping || :
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
fingerprint >$T_TMP/after
END
t_ok guest fill
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
