#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The measurements say what they lack, and how to get it, before they do anything.
. "$(dirname "$0")/../lib.sh"

mkdir "$T_TMP/bin"
for tool in bash dirname env sed mktemp rm id; do ln -s "$(type -P "$tool")" "$T_TMP/bin/$tool"; done
touch "$T_TMP/tree.tar"
scripts=()
for script in "$T_SRC"/bench/*.sh; do
	# in-place.sh is a part of parity.sh, need.sh of them all
	case ${script##*/} in in-place.sh | need.sh) ;; *) scripts+=("$script") ;; esac
done

t_case "a program that is not installed is named, with what installs it"
for script in "${scripts[@]}"; do
	t_fail_with 2 env PATH="$T_TMP/bin" "$script" "$T_TMP/tree.tar" "$T_TMP"
	t_match "^${script##*/}: not installed: [a-z]" -
	t_match 'next: tools/install-deps.sh bench' -
done

t_case "so is a build that is missing"
cat >"$T_TMP/tool" <<'END'
#!/bin/sh
END
chmod +x "$T_TMP/tool"
while read -r tool; do
	[ -e "$T_TMP/bin/$tool" ] || ln -s "$T_TMP/tool" "$T_TMP/bin/$tool"
done < <(sed -n 's/^need //p' "${scripts[@]}" | grep -o '[a-z][a-z0-9.-]*')
for script in "${scripts[@]}"; do
	t_fail_with 2 env PATH="$T_TMP/bin" NIM_BUILD="$T_TMP/none" "$script" "$T_TMP/tree.tar" "$T_TMP"
	t_match "^${script##*/}: nothing is built in $T_TMP/none" -
	t_match 'next: ./check --build-only' -
done

t_done
