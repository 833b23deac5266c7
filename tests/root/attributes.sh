#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# altdisk tree-attributes: what NFS does not carry is kept beside a tree, and put back where it is missing and still fits.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
t_need_root
t_need_tools mke2fs setcap getcap setfacl getfacl setfattr getfattr chattr lsattr
truncate -s 16M "$T_TMP/disk"
mke2fs -q -t ext4 "$T_TMP/disk"
tree=$T_TMP/tree
mkdir "$tree"
mount -o loop "$T_TMP/disk" "$tree" || t_skip_all "needs a loop device"
t_at_exit umount "$tree"
altdisk=$T_BUILD/altdisk file=$T_TMP/attributes manifest=$T_TMP/manifest

mkdir "$tree/bin" "$tree/dir" "$tree/deep"
for name in ping setuid unchanged link gone replaced other; do cp /bin/true "$tree/bin/$name"; done
chmod 4755 "$tree/bin/setuid"
setcap cap_net_raw+ep "$tree/bin/ping"
for name in setuid unchanged link gone replaced other; do setcap cap_net_admin+ep "$tree/bin/$name"; done
ln "$tree/bin/other" "$tree/bin/other.name"
echo text >"$tree/acl"
setfacl -m u:1:rw "$tree/acl"
setfacl -d -m g:2:rx "$tree/dir"
echo text >"$tree/user"
setfattr -n user.mine -v yes "$tree/user"
echo text >"$tree/immutable"
chattr +i "$tree/immutable"
echo text >"$tree/dir/append"
chattr +a "$tree/dir/append"
chattr +i "$tree/deep"
touch "$tree/plain"

t_case "what the paths have is kept, and nothing is changed by that"
t_ok "$altdisk" tree-manifest --keep "$manifest" "$tree"
t_ok "$altdisk" tree-attributes --save "$manifest" "$file" "$tree"
t_equal ----i "$(lsattr -d "$tree/immutable" | cut -c1-5)"
t_equal 600 "$(stat -c %a "$file")"

t_case "flags that would be in the way are taken away; again, too"
t_ok "$altdisk" tree-attributes --unlock "$file" "$tree"
t_ok "$altdisk" tree-attributes --unlock "$file" "$tree"
for name in immutable dir/append deep; do t_equal ------ "$(lsattr -d "$tree/$name" | cut -c1-6)"; done

# What a migration over NFS may make of it.
again() { cp "$tree/$1" "$tree/$1.new" && mv "$tree/$1.new" "$tree/$1"; }
for name in bin/ping bin/setuid acl; do again $name; done
chmod 4755 "$tree/bin/ping"
chmod 4755 "$tree/bin/setuid"
setfattr -x user.mine "$tree/user"
rm "$tree/bin/gone"
ln -sf unchanged "$tree/bin/link"
rm "$tree/bin/replaced"
mkdir "$tree/bin/replaced"
setcap -r "$tree/bin/other"
setfacl -k "$tree/dir"
echo more >>"$tree/immutable"

t_case "what is missing is put back, and each of it is told"
t_ok "$altdisk" tree-attributes --restore "$file" "$tree"
cp "$T_OUT" "$T_TMP/told"
t_match '/bin/ping: put back: capability instead of setuid$' "$T_TMP/told"
t_match '/bin/setuid: put back: capability$' "$T_TMP/told"
t_match '/acl: put back: ACL$' "$T_TMP/told"
t_match '/dir: put back: default ACL$' "$T_TMP/told"
t_match '/immutable: put back: inode flags i$' "$T_TMP/told"
t_match '/dir/append: put back: inode flags a$' "$T_TMP/told"
t_match '/deep: put back: inode flags i$' "$T_TMP/told"
t_match '8 files were put back$' "$T_TMP/told"
t_ok getcap -n "$tree/bin/ping"
t_match 'cap_net_raw=ep' -
t_equal 755 "$(stat -c %a "$tree/bin/ping")"
t_equal 4755 "$(stat -c %a "$tree/bin/setuid")"
t_ok getcap -n "$tree/bin/other.name"
t_match 'cap_net_admin=ep' -
t_ok getfacl -cp "$tree/acl"
t_match '^user:daemon:rw-$' -
t_ok getfacl -cp "$tree/dir"
t_match '^default:group:bin:r-x$' -
t_equal ----i "$(lsattr -d "$tree/immutable" | cut -c1-5)"
t_equal -----a "$(lsattr -d "$tree/dir/append" | cut -c1-6)"
t_equal more "$(tail -n 1 "$tree/immutable")"

t_case "what is gone, is something else now, or was not lost on the way is left alone"
t_no_match 'unchanged|gone|replaced|/bin/link|/user|/plain' "$T_TMP/told"
t_equal unchanged "$(readlink "$tree/bin/link")"
t_ok getfattr -d "$tree/user"
t_no_match 'user.mine' -

t_case "it can be repeated, and then there is nothing to put back"
t_ok "$altdisk" tree-attributes --restore "$file" "$tree"
t_match '^[^/]*0 files were put back$' -

t_case "a tree that is not what its manifest says is not kept"
chattr -i "$tree/immutable" "$tree/deep"
rm "$tree/acl"
t_fail_with 1 "$altdisk" tree-attributes --save "$manifest" "$T_TMP/second" "$tree"
t_match '/acl is not what it was' -
t_ok test ! -e "$T_TMP/second"

t_case "a wrong call says so"
t_fail_with 2 "$altdisk" tree-attributes "$file" "$tree"
t_fail_with 2 "$altdisk" tree-attributes --unlock --restore "$file" "$tree"
t_fail_with 1 "$altdisk" tree-attributes --restore "$T_TMP/none" "$tree"
t_done
