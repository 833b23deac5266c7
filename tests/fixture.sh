# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A real, small Debian 12 system, its image, and the lpp_source and spot of Debian 13: made once per machine boot of a
# test run and shared by the tests that need a real migration. Sourced after lib.sh.
#
#   fixture_make       makes $fixture (a directory), or reuses it within one ./check run (NIM_TEST_FIXTURE)
#   mounts_below DIR   what is mounted below it
#   fixture_state DIR  a fresh state directory with the objects mini12, lpp13, spot13, sharing the fixture's files

fixture=${NIM_TEST_FIXTURE:-${NIM_TEST_TMP:-/var/tmp}/nimadm-fixture}
fixture_bin=$(cd "$(dirname "${BASH_SOURCE[0]}")/../build" && pwd)
PATH=$fixture_bin:$PATH

fixture_make()
{
	[ -f "$fixture/complete" ] && return 0
	rm -rf --one-file-system "$fixture"
	mkdir -p "$fixture"
	"$fixture_bin/../tests/profiles/build.sh" mini bookworm "$fixture/mini12"
	mksysb --root "$fixture/mini12" -o "$fixture/mini12.mksysb"
	nim --state "$fixture/state" -o define -t lpp_source -a release=trixie \
		-a location="$fixture/lpp13" lpp13
	nim --state "$fixture/state" -o define -t spot -a source=lpp13 \
		-a location="$fixture/spot13" spot13
	nim --state "$fixture/state" -o define -t mksysb -a location="$fixture/mini12.mksysb" mini12
	touch "$fixture/complete"
}

fixture_state()
{
	mkdir -p "$1"
	cp -a "$fixture/state/." "$1/"
}

# Mounts below a directory; what others mount meanwhile is none of a test's business.
mounts_below()
{
	awk -v dir="$1/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts
}
