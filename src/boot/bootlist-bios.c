/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BIOS: the boot list is GRUB's. What is written where: bootlist-chain.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "boot/bootlist-chain.h"
#include "boot/bootlist-env.h"
#include "boot/bootlist-internal.h"
#include "boot/device.h"
#include "boot/install-disk.h"

#define GRUBENV "/boot/grub/grubenv"
#define GRUBCFG "/boot/grub/grub.cfg"

/* File systems whose blocks GRUB can write in place: no checksums, no copy on write. */
static const char *const writable[] = { "ext2", "xfs", "fat", "f2fs", "jfs" };

struct state {
	const struct bootlist_ctx *c;
	struct str custom;	  /* CHAIN_FILE of the running system */
	char env[ENV_BLOCK_SIZE]; /* GRUBENV */
	bool has_env;
	const char *why_not; /* GRUB cannot write GRUBENV: why; NULL: it can */
};

static void state_done(struct state *s)
{
	str_done(&s->custom);
}

static bool bios_probe(const struct bootlist_ctx *c)
{
	return root_exists(c->root, GRUBCFG);
}

static const char *why_not_writable(const struct layout *l)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const struct boot_device *d;

	boot_devices_from_layout(&ds, l);
	d = boot_devices_find(&ds, "/boot");
	if (d == NULL)
		d = boot_devices_find(&ds, "/");
	if (d == NULL)
		return "the file system of /boot is not known";
	if (streq(d->abstraction, "lvm"))
		return "/boot is on LVM";
	if (starts_with(d->device, "/dev/md"))
		return "/boot is on software RAID";
	for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
		if (streq(d->fs, writable[i]))
			return NULL;
	return streq(d->fs, "btrfs") ? "/boot is on btrfs"
				     : "the type of /boot's file system";
}

static int state_read(struct state *s, const struct bootlist_ctx *c, struct err *err)
{
	_cleanup_str_ struct str env = STR_INIT;
	int rc;

	s->c = c;
	s->why_not = why_not_writable(c->running);
	if (root_read_opt(c->root, CHAIN_FILE, 1 << 20, &s->custom, err) < 0)
		return -1;
	rc = root_read_opt(c->root, GRUBENV, 1 << 16, &env, err);
	if (rc < 0)
		return -1;
	s->has_env = rc == 0 && env.len == ENV_BLOCK_SIZE && env_block_is_valid(env.p);
	if (s->has_env)
		memcpy(s->env, env.p, ENV_BLOCK_SIZE);
	else
		env_block_init(s->env);
	return 0;
}

/* In place: GRUB finds the file by its blocks, and a rename would leave the old ones to whoever comes next. */
static int write_env(const struct state *s, struct err *err)
{
	if (!s->has_env)
		return root_write(s->c->root, GRUBENV, s->env, ENV_BLOCK_SIZE, 0644, err);
	_cleanup_close_ int fd = root_openat(s->c->root, GRUBENV, O_RDWR, 0);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s%s",
				     s->c->root->path, GRUBENV);
	if (install_pwrite(fd, s->env, ENV_BLOCK_SIZE, 0, GRUBENV, err) < 0)
		return -1;
	return fsync(fd) < 0
		       ? err_set_errno(err, ERR_OPERATOR, "cannot write to " GRUBENV)
		       : 0;
}

static int set_env(struct state *s, const char *name, const char *value, struct err *err)
{
	return env_block_set(s->env, name, value, err) < 0 ? err_prefix(err, GRUBENV) : 0;
}

static bool env_is(const char *env, const char *name, const char *value)
{
	_cleanup_free_ char *now = env_block_get(env, name);

	return streq0(now, value);
}

static int read_sector(const struct chain_disk *d, uint64_t sector, char *block,
		       struct err *err)
{
	_cleanup_close_ int fd = open(d->name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", d->name);
	return install_pread(fd, block, ENV_BLOCK_SIZE, sector * INSTALL_SECTOR, d->name,
			     err);
}

/* The environment block on a clone's disk. 1: it has none. */
static int read_block(const struct chain_disk *d, char *block, struct err *err)
{
	if (d->env.sector == 0)
		return 1;
	if (read_sector(d, d->env.sector, block, err) < 0)
		return -1;
	return env_block_is_valid(block) ? 0 : 1;
}

/* Opened for writing only where something changes: udev looks at a disk anew that was, and wakes the volumes on it. */
static int change_block(const struct chain_disk *d, uint64_t sector, const char *turn,
			const char *stay, struct err *err)
{
	char block[ENV_BLOCK_SIZE], old[ENV_BLOCK_SIZE];

	if (read_sector(d, sector, block, err) < 0)
		return -1;
	memcpy(old, block, sizeof(old));
	if (env_block_set(block, CHAIN_TURN, turn, err) < 0 ||
	    env_block_set(block, CHAIN_STAY, stay, err) < 0)
		return err_prefix(err, "%s", d->name);
	if (memcmp(old, block, sizeof(old)) == 0)
		return 0;
	_cleanup_close_ int fd = open(d->name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", d->name);
	if (install_pwrite(fd, block, sizeof(block), sector * INSTALL_SECTOR, d->name,
			   err) < 0)
		return -1;
	return fdatasync(fd) < 0
		       ? err_set_errno(err, ERR_OPERATOR, "cannot write to %s", d->name)
		       : 0;
}

/* Whoever runs from a disk cannot write its boot chain anew: the other system can. */
static int no_room(const struct state *s, const struct chain_disk *d, bool for_turn,
		   struct err *err)
{
	const bool gpt = starts_with(d->part, "gpt");
	const char *where = layout_has_disk(s->c->running, d->name)
				    ? "in the other system: "
				    : "";

	if (!for_turn) {
		err_set(err, ERR_OPERATOR,
			"%s: has no room for the state of the boot list", d->name);
		return err_remedy(err,
				  "%salt_rootvg_op -S -t; or choose the disk in the "
				  "BIOS's own menu",
				  where);
	}
	err_set(err, ERR_OPERATOR,
		"%s: GRUB could not take back a single boot, since it can write nowhere "
		"on that disk (%s)",
		d->name,
		gpt ? "another grub-install has written over it" : "it has an MBR");
	return gpt ? err_remedy(err,
				"%salt_rootvg_op -S -t makes a place for it; bootlist "
				"-m normal works without",
				where)
		   : err_remedy(err, "bootlist -m normal works, and so does the BIOS's "
				     "own menu");
}

/* Only where boot_install_write has left one: nobody else's bytes are written over. */
static int write_block(const struct state *s, const struct chain_disk *d,
		       const char *turn, const char *stay, struct err *err)
{
	char block[ENV_BLOCK_SIZE];
	int rc = read_block(d, block, err);

	if (rc < 0)
		return -1;
	if (rc == 1 || (turn && *d->env.uuid == '\0'))
		return no_room(s, d, rc != 1, err);
	if (change_block(d, d->env.sector, turn, stay, err) < 0)
		return -1;
	return d->env.spare ? change_block(d, d->env.spare, NULL, stay, err) : 0;
}

/* What the running system's own disk or a clone's is to the running system. */
enum relation {
	SELF,  /* the running system */
	CLONE, /* started by the running system's GRUB */
	OLD    /* the system that the running one is a clone of */
};

/* A clone's menu names the old system by what lies on its disk, whichever of these it was. */
static enum relation relation_of(const struct state *s, const struct chain_disk *d)
{
	const char *const ids[] = { d->fs_uuid, d->env.uuid, d->part_uuid };
	_cleanup_str_ struct str without = STR_INIT;

	if (!chain_has_block(str_c(&s->custom), CHAIN_BLOCK_OLD))
		return CLONE;
	chain_put_block(&without, str_c(&s->custom), CHAIN_BLOCK_OLD, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (*ids[i] && strstr(str_c(&s->custom), ids[i]) &&
		    !strstr(str_c(&without), ids[i]))
			return OLD;
	return CLONE;
}

static int write_custom(struct state *s, const char *block, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	chain_put_block(&out, str_c(&s->custom), CHAIN_BLOCK_LIST, block);
	if (streq(str_c(&out), str_c(&s->custom)))
		return 0;
	return out.len ? root_write(s->c->root, CHAIN_FILE, out.p, out.len, 0644, err)
		       : root_unlink(s->c->root, CHAIN_FILE, err);
}

/* GRUB's own configuration must read CHAIN_FILE, and find the way through the clone's disk. */
static int prepare_custom(struct state *s, const struct layout *clone,
			  const struct chain_disk *d, const char *id, struct err *err)
{
	_cleanup_str_ struct str config = STR_INIT;
	_cleanup_str_ struct str block = STR_INIT;
	_cleanup_free_ char *title = xasprintf("%s (%s)", bootlist_label(clone), d->name);

	if (root_read(s->c->root, GRUBCFG, 1 << 24, &config, err) < 0)
		return -1;
	if (!strstr(str_c(&config), "custom.cfg")) {
		err_set(err, ERR_OPERATOR, GRUBCFG ": does not read " CHAIN_FILE);
		return err_remedy(err, "make /etc/grub.d/41_custom executable and run "
				       "update-grub, or choose the disk in the BIOS");
	}
	chain_write_list(&block, d, id, title);
	return write_custom(s, str_c(&block), err);
}

/* saved_entry, which may be the administrator's, is kept aside while it is ours. */
static int save_entry(struct state *s, const char *id, struct err *err)
{
	_cleanup_free_ char *now = env_block_get(s->env, "saved_entry");

	if (streq0(now, id))
		return 0;
	if (!(now && starts_with(now, "nimadm-")) &&
	    set_env(s, CHAIN_SAVED, now && *now ? now : NULL, err) < 0)
		return -1;
	return set_env(s, "saved_entry", id, err);
}

static int restore_entry(struct state *s, struct err *err)
{
	_cleanup_free_ char *now = env_block_get(s->env, "saved_entry");
	_cleanup_free_ char *before = env_block_get(s->env, CHAIN_SAVED);

	if (now && starts_with(now, "nimadm-") &&
	    set_env(s, "saved_entry", before, err) < 0)
		return -1;
	return set_env(s, CHAIN_SAVED, NULL, err);
}

static int clear_next(struct state *s, struct err *err)
{
	_cleanup_free_ char *now = env_block_get(s->env, "next_entry");

	return now && starts_with(now, "nimadm-") ? set_env(s, "next_entry", NULL, err)
						  : 0;
}

/* The running system first: its own environment, and, where it is a clone, the other system's view of it. */
static int set_self(struct state *s, struct err *err)
{
	_cleanup_chain_disk_ struct chain_disk self = CHAIN_DISK_INIT;

	if (chain_has_block(str_c(&s->custom), CHAIN_BLOCK_OLD)) {
		if (chain_disk_find(&self, s->c->running, err) < 0 ||
		    write_block(s, &self, NULL, NULL, err) < 0)
			return -1;
	}
	if (!s->has_env)
		return 0;
	if (restore_entry(s, err) < 0 || clear_next(s, err) < 0)
		return -1;
	return write_env(s, err);
}

/* Whether the clone has made the other system the first one, over the head of that system's environment. */
static int read_stay(const struct chain_disk *d, bool *ret_other, struct err *err)
{
	char block[ENV_BLOCK_SIZE];
	int rc = read_block(d, block, err);

	*ret_other = rc == 0 && env_is(block, CHAIN_STAY, "other");
	return rc < 0 ? -1 : 0;
}

static int set_old(const struct state *s, bool once, struct err *err)
{
	_cleanup_chain_disk_ struct chain_disk self = CHAIN_DISK_INIT;
	bool stay;

	if (chain_disk_find(&self, s->c->running, err) < 0 ||
	    read_stay(&self, &stay, err) < 0)
		return -1;
	return write_block(s, &self, once ? "other" : NULL,
			   !once || stay ? "other" : NULL, err);
}

static int set_clone(struct state *s, const struct layout *clone,
		     const struct chain_disk *d, bool once, struct err *err)
{
	_cleanup_free_ char *id = chain_entry_id(clone);
	/* Where GRUB could not take it back, the one boot would become every boot. */
	const char *turn = once && s->why_not ? "clone" : NULL;
	bool stay;

	/* The clone itself must not send the one boot back here. Who is first is told by our own environment from now on. */
	if (read_stay(d, &stay, err) < 0 ||
	    (once && stay && (restore_entry(s, err) < 0 || write_env(s, err) < 0)))
		return -1;
	/* On a disk without the block only the permanent order works where GRUB writes nothing. */
	if ((d->env.sector || turn) && write_block(s, d, turn, NULL, err) < 0)
		return -1;
	if (prepare_custom(s, clone, d, id, err) < 0)
		return -1;
	if (turn)
		return 0;
	if ((once ? set_env(s, "next_entry", id, err) : save_entry(s, id, err)) < 0)
		return -1;
	return write_env(s, err);
}

static int bios_point(const struct bootlist_ctx *c, const char *disk, bool once,
		      struct err *err)
{
	_cleanup_(state_done) struct state s = { .c = c };
	_cleanup_chain_disk_ struct chain_disk d = CHAIN_DISK_INIT;
	const struct layout *clone = bootlist_find_clone(c, disk);

	if (state_read(&s, c, err) < 0)
		return -1;
	if (layout_has_disk(c->running, disk)) {
		if (once)
			return err_set(err, ERR_USAGE,
				       "%s: is the running system's disk; bootlist -m "
				       "normal makes it the first",
				       disk);
		return set_self(&s, err);
	}
	if (chain_disk_find(&d, clone, err) < 0)
		return -1;
	if (relation_of(&s, &d) == OLD)
		return set_old(&s, once, err);
	return set_clone(&s, clone, &d, once, err);
}

static int bios_set(const struct bootlist_ctx *c, const struct strv *disks,
		    struct err *err)
{
	return bios_point(c, disks->v[0], false, err);
}

static int bios_set_once(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	return bios_point(c, disk, true, err);
}

static const char *boot_disk_of(const struct layout *l)
{
	return l->boot_disk && *l->boot_disk ? l->boot_disk
	       : l->n_disks		     ? l->disks[0].name
					     : "";
}

struct view {
	bool first, next; /* the other disk is */
};

/* A clone's disk: what the running system's environment and the block on that disk say of it. */
static int view_other(const struct state *s, const struct layout *clone, struct view *ret,
		      struct err *err)
{
	_cleanup_chain_disk_ struct chain_disk d = CHAIN_DISK_INIT;
	_cleanup_chain_disk_ struct chain_disk self = CHAIN_DISK_INIT;
	_cleanup_free_ char *id = chain_entry_id(clone);
	char block[ENV_BLOCK_SIZE];
	enum relation relation;

	if (chain_disk_find(&d, clone, err) < 0)
		return -1;
	relation = relation_of(s, &d);
	if (relation == OLD && chain_disk_find(&self, s->c->running, err) < 0)
		return -1;
	env_block_init(block);
	if (read_block(relation == OLD ? &self : &d, block, err) < 0)
		return -1;
	if (relation == OLD) {
		ret->first = env_is(block, CHAIN_STAY, "other");
		ret->next = env_is(block, CHAIN_TURN, "other");
		return 0;
	}
	ret->first = env_is(s->env, "saved_entry", id) &&
		     !env_is(block, CHAIN_STAY, "other");
	ret->next = env_is(s->env, "next_entry", id) ||
		    env_is(block, CHAIN_TURN, "clone");
	return 0;
}

static int bios_read(const struct bootlist_ctx *c, struct bootlist *ret, struct err *err)
{
	_cleanup_(state_done) struct state s = { .c = c };
	const struct layout *first = NULL;

	if (state_read(&s, c, err) < 0)
		return -1;
	for (size_t i = 0; i < c->n_clones; i++) {
		struct view v = { false, false };

		if (view_other(&s, &c->clones[i], &v, err) < 0)
			return -1;
		if (v.first && first == NULL)
			first = &c->clones[i];
		if (v.next && ret->once == NULL)
			ret->once = xstrdup(boot_disk_of(&c->clones[i]));
	}
	if (first)
		bootlist_add(ret, boot_disk_of(first), bootlist_label(first), "", true);
	bootlist_add(ret, boot_disk_of(c->running), "rootvg", "", false);
	for (size_t i = 0; i < c->n_clones; i++)
		if (&c->clones[i] != first)
			bootlist_add(ret, boot_disk_of(&c->clones[i]),
				     bootlist_label(&c->clones[i]), "", true);
	ret->mechanism =
		s.why_not ? xasprintf("GRUB on %s; a single boot by a block on the "
				      "clone's disk, since GRUB cannot write its "
				      "environment (%s)",
				      boot_disk_of(c->running), s.why_not)
			  : xasprintf("GRUB environment (%s) on %s", GRUBENV,
				      boot_disk_of(c->running));
	return 0;
}

static int bios_forget(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	_cleanup_(state_done) struct state s = { .c = c };
	const struct layout *clone = bootlist_find_clone(c, disk);
	_cleanup_free_ char *id = clone ? chain_entry_id(clone) : NULL;
	_cleanup_free_ char *text = NULL;

	if (state_read(&s, c, err) < 0)
		return -1;
	text = id ? xasprintf("--id %s {", id) : NULL;
	/* Also when the disk is gone or was wiped: then the block is of no use to anyone. */
	if (text && s.custom.len && !strstr(s.custom.p, text))
		return 0;
	if (s.has_env && (restore_entry(&s, err) < 0 || clear_next(&s, err) < 0 ||
			  write_env(&s, err) < 0))
		return -1;
	return write_custom(&s, NULL, err);
}

const struct bootlist_method bootlist_bios = {
	.name = "GRUB",
	.probe = bios_probe,
	.read = bios_read,
	.set = bios_set,
	.set_once = bios_set_once,
	.forget = bios_forget,
};
