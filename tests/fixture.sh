# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A real, small Debian 12 system, its image, and the lpp_source and spot of Debian 13, for the tests that need a real
# migration. Sourced after lib.sh.
#
#   fixture_make       makes $fixture, or uses the one that ./check has made before (NIM_TEST_FIXTURE)
#   fixture_state DIR  a fresh state directory with the objects mini12, lpp13 and spot13
#   fixture_minimal DIR  the tree of the profile "minimal" of Debian 12, with a kernel and GRUB
#   fixture_old        fetches what merging its configuration needs of Debian 12, where it is not there yet

fixture=${NIM_TEST_FIXTURE:-$T_TMP/fixture}
PATH=$T_BUILD:$PATH

# Several tests may want the same at once: one makes it, the others wait. fixture_once FILE COMMAND...
fixture_once()
{
	local lock status
	mkdir -p "$fixture"
	exec {lock}>"$fixture/$(basename "$1").lock"
	flock "$lock"
	[ -e "$1" ] || "${@:2}"
	status=$? # where set -e is not heeded
	exec {lock}>&-
	return "$status"
}

fixture_make()
{
	fixture_once "$fixture/complete" fixture_build
}

fixture_build()
{
	rm -rf --one-file-system "$fixture"/{mini12,mini12.mksysb,state,unused,lpp13,spot13}
	"$T_SRC/tests/profiles/build.sh" mini bookworm "$fixture/mini12"
	mksysb --root "$fixture/mini12" -o "$fixture/mini12.mksysb"
	nim --state "$fixture/state" -o define -t mksysb -a location="$fixture/mini12.mksysb" mini12
	nim --state "$fixture/state" -o define -t lpp_source -a release=trixie \
		-a location="$fixture/lpp13" lpp13
	nim --state "$fixture/state" -o define -t spot -a source=lpp13 \
		-a location="$fixture/spot13" spot13
	# what its migration needs is fetched: guests have no network
	cp -a "$fixture/state" "$fixture/unused"
	nimadm --state "$fixture/unused" -T mini12 -O "$fixture/unused/out" -l lpp13 -s spot13 -j "$fixture/unused" -p
	rm -rf --one-file-system "$fixture/mini12" "$fixture/unused"
	touch "$fixture/complete"
}

fixture_state()
{
	mkdir -p "$1"
	cp -a "$fixture/state/." "$1/"
}

fixture_minimal()
{
	fixture_once "$fixture/minimal.tar" "$T_SRC/tests/profiles/build.sh" minimal bookworm "$fixture/minimal.tar"
	mkdir -p "$1"
	tar -C "$1" -xpf "$fixture/minimal.tar" --numeric-owner --xattrs --xattrs-include='*' --acls
}

fixture_old()
{
	fixture_once "$fixture/lpp13/old" fixture_fetch_old
}

fixture_fetch_old()
{
	fixture_state "$fixture/unused"
	nimadm --state "$fixture/unused" -T mini12 -O "$fixture/unused/out" -l lpp13 -s spot13 -j "$fixture/unused" -Y -P 0-6
	rm -rf --one-file-system "$fixture/unused"
}
