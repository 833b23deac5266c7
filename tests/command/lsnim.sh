#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lsnim: layout as in the original, colon form, JSON, tables of types, operations and attributes.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
t_need_tools python3

export NIM_STATE=$T_TMP/state
nim() { "$T_BUILD/nim" "$@"; }
lsnim() { "$T_BUILD/lsnim" "$@"; }

t_case "an empty master"
t_ok lsnim
t_equal "" "$(lsnim)"
t_fail_with 5 lsnim nothing
t_match "there is no object 'nothing'" -

printf '#!/bin/sh\n' >"$T_TMP/pre.sh"
chmod +x "$T_TMP/pre.sh"
nim -o define -t script -a location="$T_TMP/pre.sh" -a comments="a 'quoted' \"text\" caf"$'\xc3\xa9' pre >/dev/null
nim -o define -t standalone -a host=root@web1 web1
nim -o define -t mac_group -a add_member=web1 webs

t_case "the short list: name, class, type"
t_equal "$(printf '%-16s  %-13s  %s\n' pre resources script web1 machines standalone webs groups mac_group)" "$(lsnim)"
t_equal "pre" "$(lsnim -t script | awk '{ print $1 }')"
t_equal "web1" "$(lsnim -c machines | awk '{ print $1 }')"
t_equal "pre web1" "$(lsnim pre web1 | awk '{ print $1 }' | xargs)"

t_case "-l: aligned, class and type first"
t_equal "$(
	cat <<-EOF
		pre:
		   class       = resources
		   type        = script
		   Rstate      = ready for use
		   prev_state  = unavailable for use
		   server      = master
		   location    = $T_TMP/pre.sh
		   alloc_count = 0
		   comments    = a 'quoted' "text" café
	EOF
)" "$(lsnim -l pre)"
t_equal "$(printf 'webs:\n   class   = groups\n   type    = mac_group\n   member1 = web1')" "$(lsnim -l webs)"

t_case "-a: only these, and only objects that have them"
t_equal "$(printf 'pre:\n   Rstate = ready for use')" "$(lsnim -a Rstate)"
t_equal "$(printf 'web1:\n   type   = standalone\n   Cstate = ready for a NIM operation')" "$(lsnim -a Cstate -a type web1)"
t_fail_with 2 lsnim -a Rstat
t_match "did you mean 'Rstate'" -

t_case "-Z: the same columns whatever is empty"
t_equal "$(printf '#name:Rstate:info:\npre:ready for use::')" "$(lsnim -Z -a Rstate -a info pre)"

t_case "--json: one object a line, with every attribute of its type"
lsnim --json >"$T_TMP/json"
t_equal 3 "$(wc -l <"$T_TMP/json")"
t_ok python3 -c '
import json, sys
rows = {o["name"]: o for o in map(json.loads, open(sys.argv[1]))}
pre, web, webs = rows["pre"], rows["web1"], rows["webs"]
assert pre["comments"] == "a \u0027quoted\u0027 \"text\" caf\u00e9", pre
assert pre["alloc_count"] == 0 and pre["info"] is None, pre
assert web["ssh_port"] is None and web["class"] == "machines", web
assert webs["member"] == ["web1"] and webs["excluded"] == [], webs
assert "add_member" not in webs, webs
' "$T_TMP/json"
t_ok lsnim --json -a Rstate pre
t_match '^\{"name":"pre","Rstate":"ready for use"\}$' -

t_case "-q: what an operation takes"
t_ok lsnim -q define -t lpp_source
t_match '^the following attributes are required:$' -
t_match '^        -a release=CODENAME$' -
t_match '^        -a source=URI' -
t_ok lsnim -q change pre
t_match '-a comments=TEXT' -
t_no_match 'required' -
t_ok lsnim -q -t mac_group
t_match '^select:$' -
t_fail_with 2 lsnim -q update -t script
t_match 'type script have no operation update' -
t_fail_with 2 lsnim -q defne -t script
t_match "did you mean 'define'" -
t_fail_with 2 lsnim -q define
t_match 'of which type' -

t_case "-P and -O explain classes, types, attributes, operations"
t_ok lsnim -P
t_match '^resources:$' -
t_match '^   mksysb ' -
t_ok lsnim -P -c machines
t_no_match 'resources' -
t_ok lsnim -P -t spot
t_match '^   alloc_count ' -
t_ok lsnim -Pa alloc_count
t_match '^   set by +=? *.*nimadm only$' -
t_ok lsnim -POt spot
t_match '^   update ' -
t_ok lsnim -O pre
t_match '^   showres ' -
t_no_match '^   update ' -
t_fail_with 2 lsnim -P -t spt
t_match "did you mean 'spot'" -

t_case "the same tables as JSON"
# shellcheck disable=SC2016 # the inner shell expands it
t_ok sh -c '"$0" --json -P && "$0" --json -P -t spot && "$0" --json -Pa Rstate && "$0" --json -O pre' "$T_BUILD/lsnim"
cp "$T_OUT" "$T_TMP/tables"
t_ok lsnim --json -q define -t lpp_source
cat "$T_OUT" >>"$T_TMP/tables"
t_ok python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert all(row["help"] for row in rows), rows
assert {"spot", "mac_group"} <= {r["type"] for r in rows if "class" in r}, rows
assert any(r.get("attribute") == "alloc_count" and r["state"] for r in rows), rows
assert {"define", "showres"} <= {r["operation"] for r in rows if "operation" in r}, rows
asked = {r["attribute"]: r["required"] for r in rows if "required" in r}
assert asked["release"] and not asked["comments"], asked
' "$T_TMP/tables"
t_fail_with 2 lsnim -Z -P

t_case "every type has its table, within 80 columns"
for type in standalone mac_group lpp_source spot mksysb cache script installp_bundle exclude_files image_data bosinst_data resolv_conf; do
	t_ok lsnim -q -t "$type"
	t_match "nim -o define -t $type " -
	t_equal "" "$(lsnim -q -t "$type" | awk 'length > 80 && !/nim -o/')"
	t_equal "" "$(lsnim -P -t "$type" | awk 'length > 80')"
done

t_case "mistakes"
t_fail_with 2 lsnim -t spot -c machines
t_fail_with 2 lsnim -c machine
t_fail_with 2 lsnim --jsn
t_match 'did you mean --json' -
t_fail_with 1 lsnim -t spot pre
t_match "'pre' is of type script, not spot" -
t_fail_with 2 env NIM_STATE="$T_TMP/other" "$T_BUILD/lsnim" --config "$T_TMP/none.conf"
printf 'state = /x\nstat = /y\n' >"$T_TMP/bad.conf"
t_fail_with 2 lsnim --config "$T_TMP/bad.conf"
t_match "bad.conf: line 2: unknown key 'stat'" -
t_match "did you mean 'state'" -

t_case "the state directory: option, environment, configuration, in this order"
printf '[nimadm]\nstate = %s\n' "$T_TMP/conf" >"$T_TMP/good.conf"
t_ok env -u NIM_STATE "$T_BUILD/lsnim" --config "$T_TMP/good.conf"
t_ok test -e "$T_TMP/conf/nim.db"
t_ok lsnim --config "$T_TMP/good.conf" --state "$T_TMP/option"
t_ok test -e "$T_TMP/option/nim.db"
t_equal "pre" "$(lsnim --config "$T_TMP/good.conf" -t script | awk '{ print $1 }')"

t_case "the program under a foreign name lists its own"
ln -s "$(readlink -f "$T_BUILD/nimadm")" "$T_TMP/foreign"
t_fail_with 2 "$T_TMP/foreign"
t_match '^  lsnim ' -

t_case "a full standard output is no success"
# shellcheck disable=SC2016 # the inner shell expands it
t_fail_with 1 sh -c '"$1/lsnim" -P >/dev/full' sh "$T_BUILD"

t_case "a reader that has seen enough is none either"
# shellcheck disable=SC2016 # the inner shell expands it
t_ok bash -o pipefail -c '{ sleep 0.3; "$1/lsnim" -P; } | true' bash "$T_BUILD"
t_no_match 'cannot write' -

t_done
