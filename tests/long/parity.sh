#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Six server profiles, Debian 12 to 13, and two of them 11 to 12: the same trees as an in-place upgrade leaves, in at most
# 0.6 of its time; images written and restored no slower than by tar. Hours on two cores.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
fixture_make

# parity LPP SPOT PROFILE FROM TO
parity()
{
	t_case "profile $3, $4 to $5: as an in-place upgrade leaves it, in 0.6 of the time"
	t_ok "$T_SRC/bench/parity.sh" --lpp "$1" --spot "$2" --runs 3 --work "$T_TMP/parity" "$3" "$4" "$5"
	tail -n 2 "$T_OUT"
	rm -rf --one-file-system "$T_TMP/parity"
}

for profile in minimal web database mail infrastructure containers; do
	parity "$fixture/lpp13" "$fixture/spot13/root" "$profile" bookworm trixie
done

t_case "an lpp_source and a spot of Debian 12"
t_ok nim --state "$T_TMP/state" -o define -t lpp_source -a release=bookworm \
	-a location="$T_TMP/lpp12" lpp12
t_ok nim --state "$T_TMP/state" -o define -t spot -a source=lpp12 -a location="$T_TMP/spot12" spot12
for profile in minimal web; do
	parity "$T_TMP/lpp12" "$T_TMP/spot12/root" "$profile" bullseye bookworm
done

t_case "images are written and restored no slower than by tar"
t_ok "$T_SRC/bench/image.sh"
tail -n 4 "$T_OUT"

t_done
