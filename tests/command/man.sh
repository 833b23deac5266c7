#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages name every option that the programs take, and no other; the page of the objects every attribute.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

# altdisk itself has commands; those without a name and page of their own are in its page.
for command in alt_disk_copy alt_disk_mksysb alt_rootvg_op altdisk bootlist lsnim lspv mksysb nim nimadm; do
	page=$T_SRC/man/$command.8.scd
	words=('')
	[ "$command" != altdisk ] || words=(check serve-tree tree-attributes)
	for word in "${words[@]}"; do
		"$T_BUILD/$command" ${word:+"$word"} --help
	done >"$T_TMP/help"
	grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' "$T_TMP/help" | grep -oE -e '--[a-z-]+' | sort -u >"$T_TMP/options"
	t_case "$command: each of its $(wc -l <"$T_TMP/options") options is in its manual page"
	t_ok test -s "$T_TMP/options"
	while read -r option; do
		t_match "\*$option\*" "$page"
	done <"$T_TMP/options"

	t_case "$command: the page has no option that does not exist"
	grep -oE '\*--[a-z-]+\*' "$page" | tr -d '*' | sort -u >"$T_TMP/documented"
	t_equal "" "$(comm -13 "$T_TMP/options" "$T_TMP/documented" | xargs)"

	t_case "$command: --help fits 80 columns and ends with 0"
	t_ok "$T_BUILD/$command" --help
	cat "$T_OUT" >>"$T_TMP/help"
	t_equal "" "$(awk 'length > 80' "$T_TMP/help")"
done

t_case "nim-objects(5) has every attribute of every type"
tr -d '\134' <"$T_BUILD/man/nim-objects.5.scd" >"$T_TMP/page"
for type in $("$T_BUILD/lsnim" --state "$T_TMP/state" -P | awk '/^   [a-z]/ { print $1 }'); do
	t_match "^## $type\$" "$T_TMP/page"
	sed -n "/^## $type\$/,/^## /p" "$T_TMP/page" >"$T_TMP/section"
	while read -r name; do
		t_match "^\*$name\*=" "$T_TMP/section"
	done < <("$T_BUILD/lsnim" -P -t "$type" | awk '/^   [A-Za-z]/ { print $1 }')
done

t_done
