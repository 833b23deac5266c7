/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache's volume by LVM's own commands; a volume of that name without our tag is somebody else's. */
#include "cache/volume.h"

#include "base/parse.h"
#include "sys/mount.h"
#include "sys/proc.h"

#define NAME	 "nimadm_cache"
#define TAG	 "nimadm.cache"
#define SIZE	 "90%FREE"
#define SIZE_MIN (1ull << 30) /* of what is free in the group */
#define MAKE_S	 300

enum state { STATE_MISSING, STATE_OURS, STATE_FOREIGN };

/* What the command prints, without blanks around it. 1: it failed. */
static int ask(struct str *out, const char *const *argv, struct err *err)
{
	const struct proc_spec spec = { .argv = argv, .out = out, .timeout_s = MAKE_S };
	int rc = proc_run(&spec, NULL, err);

	if (rc == 0 && out->p)
		out->len =
			strlen(memmove(out->p, strip(out->p), strlen(strip(out->p)) + 1));
	return rc;
}

static int call(const char *const *argv, struct err *err)
{
	const struct proc_spec spec = { .argv = argv, .timeout_s = MAKE_S };

	return proc_check(&spec, err);
}

static bool is_name(const char *vg)
{
	return *vg && *vg != '-' && *vg != '.' &&
	       strspn(vg,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-") ==
		       strlen(vg);
}

bool cache_volume_has_group(const char *vg)
{
	const char *const argv[] = { "vgs", "--noheadings", "-o", "vg_name", vg, NULL };
	_cleanup_free_ char *program = proc_find("vgs");
	_cleanup_str_ struct str out = STR_INIT;
	struct err ignored = { 0 };

	return program && is_name(vg) && ask(&out, argv, &ignored) == 0;
}

static int find(const char *vg, enum state *ret, struct err *err)
{
	_cleanup_free_ char *volume = xasprintf("%s/" NAME, vg);
	const char *const argv[] = {
		"lvs", "--noheadings", "-o", "lv_tags", volume, NULL
	};
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_strv_ struct strv tags = STRV_INIT;
	int rc = ask(&out, argv, err);

	if (rc < 0)
		return -1;
	strv_split(&tags, str_c(&out), ",");
	*ret = rc == 1		      ? STATE_MISSING
	       : strv_has(&tags, TAG) ? STATE_OURS
				      : STATE_FOREIGN;
	return 0;
}

static int check_room(const char *vg, struct err *err)
{
	const char *const argv[] = { "vgs", "--noheadings", "--units", "b", "--nosuffix",
				     "-o",  "vg_free",	    vg,	       NULL };
	_cleanup_str_ struct str out = STR_INIT;
	char have[32], want[32];
	uint64_t room;

	if (ask(&out, argv, err) != 0 || parse_u64(str_c(&out), &room, NULL) < 0)
		return err_set(err, ERR_OPERATOR, "-j %s: vgs does not tell what is free",
			       vg);
	if (room >= SIZE_MIN)
		return 0;
	err_set(err, ERR_OPERATOR, "-j %s: the group has %s free, a cache wants %s", vg,
		fmt_bytes(have, sizeof(have), room),
		fmt_bytes(want, sizeof(want), SIZE_MIN));
	return err_remedy(err, "vgextend %s DISK, or name a directory: -j DIR", vg);
}

int cache_volume_check(const char *vg, struct err *err)
{
	enum state state;

	if (find(vg, &state, err) < 0)
		return -1;
	if (state == STATE_MISSING)
		return check_room(vg, err);
	if (state == STATE_OURS)
		return 0;
	err_set(err, ERR_OPERATOR,
		"-j %s: there is a volume " NAME " that is not nimadm's", vg);
	return err_remedy(err, "name another group, or a directory: -j DIR");
}

static int make_volume(const char *vg, struct err *err)
{
	const char *const argv[] = { "lvcreate", "-qq", "-y", "-W", "y", "-n", NAME,
				     "--addtag", TAG,	"-l", SIZE, vg,	 NULL };

	return call(argv, err);
}

/* A run that was killed may have left it without one. */
static int make_file_system(const char *device, struct err *err)
{
	const char *const probe[] = { "blkid", "-p",	"-s",	"TYPE",
				      "-o",    "value", device, NULL };
	const char *const make[] = { "mkfs.ext4", "-q", "-m", "0", device, NULL };
	_cleanup_str_ struct str type = STR_INIT;
	int rc = ask(&type, probe, err);

	if (rc < 0)
		return -1;
	return rc == 0 && type.len > 0 ? 0 : call(make, err);
}

int cache_volume_mount(const char *vg, const char *at, struct err *err)
{
	_cleanup_free_ char *volume = xasprintf("%s/" NAME, vg);
	_cleanup_free_ char *device = xasprintf("/dev/%s", volume);
	const char *const activate[] = { "lvchange", "-qq", "-ay", volume, NULL };
	const char *const mount[] = { "mount", "-o", "noatime", device, at, NULL };
	enum state state;

	if (mount_is_mountpoint(at))
		return 0;
	if (cache_volume_check(vg, err) < 0)
		return -1;
	if (find(vg, &state, err) < 0 ||
	    (state == STATE_MISSING && make_volume(vg, err) < 0) ||
	    call(activate, err) < 0 || make_file_system(device, err) < 0 ||
	    call(mount, err) < 0)
		return err_prefix(err, "-j %s", vg);
	return 0;
}
