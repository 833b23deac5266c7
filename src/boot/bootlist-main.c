/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot list, whichever way this machine has one. */
#include "boot/bootlist-internal.h"

static const struct bootlist_method *const methods[] = { &bootlist_efi, &bootlist_bios };

void bootlist_done(struct bootlist *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].disk);
		free(b->v[i].label);
		free(b->v[i].id);
	}
	free(b->v);
	free(b->once);
	free(b->mechanism);
	*b = (struct bootlist)BOOTLIST_INIT;
}

void bootlist_add(struct bootlist *list, const char *disk, const char *label,
		  const char *id, bool ours)
{
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = (struct bootlist_entry){ xstrdup(disk), xstrdup(label),
						      xstrdup(id), ours };
}

const struct layout *bootlist_find_clone(const struct bootlist_ctx *c, const char *disk)
{
	for (size_t i = 0; i < c->n_clones; i++)
		if (layout_has_disk(&c->clones[i], disk))
			return &c->clones[i];
	return NULL;
}

const char *bootlist_label(const struct layout *clone)
{
	return clone->vg_name && *clone->vg_name ? clone->vg_name : "altinst_rootvg";
}

static const struct bootlist_method *find_method(const struct bootlist_ctx *c,
						 struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i]->probe(c))
			return methods[i];
	err_set(err, ERR_OPERATOR,
		"this machine has no boot list: no UEFI variables, and no GRUB in "
		"/boot/grub");
	err_remedy(err, "choose the disk in the firmware's own menu");
	return NULL;
}

/* Nothing is written before every disk is known. */
static int check_disks(const struct bootlist_ctx *c, const char *const *disks, size_t n,
		       struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (layout_has_disk(c->running, disks[i]) ||
		    bootlist_find_clone(c, disks[i]))
			continue;
		err_set(err, ERR_NOTFOUND,
			"%s: neither the running system nor a clone is on it", disks[i]);
		return err_remedy(err, "lspv shows the disks and what they are");
	}
	return 0;
}

int bootlist_read(const struct bootlist_ctx *c, struct bootlist *ret, struct err *err)
{
	const struct bootlist_method *m = find_method(c, err);

	bootlist_done(ret);
	return m ? m->read(c, ret, err) : -1;
}

static int read_back(const struct bootlist_ctx *c, const struct bootlist_method *m,
		     const char *first, const char *once, struct err *err)
{
	_cleanup_bootlist_ struct bootlist now = BOOTLIST_INIT;

	if (m->read(c, &now, err) < 0)
		return -1;
	if (first && (now.n == 0 || !streq(now.v[0].disk, first)))
		return err_set(
			err, ERR_INTERNAL,
			"%s: the boot list still begins with %s after it was set to "
			"%s",
			now.mechanism, now.n ? now.v[0].disk : "nothing", first);
	if (once && !streq0(now.once, once))
		return err_set(err, ERR_INTERNAL,
			       "%s: the next boot is %s after it was set to %s",
			       now.mechanism, now.once ? now.once : "as usual", once);
	return 0;
}

int bootlist_set(const struct bootlist_ctx *c, const struct strv *disks, struct err *err)
{
	const struct bootlist_method *m = find_method(c, err);

	ERR_CONTEXT(err, "setting the boot list");
	if (m == NULL)
		return -1;
	if (disks->n == 0)
		return err_set(err, ERR_USAGE, "a boot list wants a disk");
	if (check_disks(c, strv_argv(disks), disks->n, err) < 0 ||
	    m->set(c, disks, err) < 0)
		return -1;
	return read_back(c, m, disks->v[0], NULL, err);
}

int bootlist_set_once(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	const struct bootlist_method *m = find_method(c, err);

	ERR_CONTEXT(err, "setting the next boot");
	if (m == NULL || check_disks(c, &disk, 1, err) < 0 ||
	    m->set_once(c, disk, err) < 0)
		return -1;
	return read_back(c, m, NULL, disk, err);
}

int bootlist_forget(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	const struct bootlist_method *m = find_method(c, err);

	ERR_CONTEXT(err, "taking a disk out of the boot list");
	return m ? m->forget(c, disk, err) : -1;
}
