/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sorted manifests side by side. */
#include "model/changes.h"

#include "sys/sha256.h"

int changes_begin(struct changes *c, const struct manifest_map *old,
		  const struct manifest_map *new_one, struct err *err)
{
	*c = (struct changes){ .step_old = true, .step_new = true };
	if (manifest_walk_begin(&c->old, old, err) < 0)
		return -1;
	return manifest_walk_begin(&c->new, new_one, err);
}

void changes_done(struct changes *c)
{
	manifest_walk_done(&c->old);
	manifest_walk_done(&c->new);
	links_done(&c->replaced);
}

/* A set of paths in 24 bytes each. */
static uint64_t *replaced(struct changes *c, const char *path)
{
	uint8_t digest[SHA256_LEN];
	uint64_t key[2];

	sha256_buf(path, strlen(path), digest);
	memcpy(key, digest, sizeof(key));
	return links_find(&c->replaced, key[0], key[1]);
}

static bool has_same_content(const struct manifest_entry *a,
			     const struct manifest_entry *b)
{
	if (a->type != b->type)
		return false;
	switch (b->type) {
	case 'f':
	case 's':
		return a->size == b->size && streq(a->sha256, b->sha256);
	case 'l':
	case 'h':
		return streq(str_c(&a->target), str_c(&b->target));
	case 'c':
	case 'b':
		return a->major == b->major && a->minor == b->minor;
	default:
		return true;
	}
}

static bool has_same_attributes(const struct manifest_entry *a,
				const struct manifest_entry *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->sec == b->sec && a->nsec == b->nsec && streq(a->xattrs, b->xattrs) &&
	       streq(a->flags, b->flags);
}

static enum change_kind compare(struct changes *c)
{
	const struct manifest_entry *a = &c->old.e, *b = &c->new.e;

	if (!has_same_content(a, b))
		return CHANGE_NEW;
	/* Another name has the attributes of the first. */
	if (b->type == 'h') {
		uint64_t *new_one = replaced(c, str_c(&b->target));
		if (*new_one == 1)
			return CHANGE_NEW;
		*new_one = 2;
		return CHANGE_NONE;
	}
	return has_same_attributes(a, b) ? CHANGE_NONE : CHANGE_ATTRIBUTES;
}

static int step(struct manifest_walk *w, bool *wanted, int *state, struct err *err)
{
	if (*wanted && *state == 0)
		*state = manifest_walk_next(w, err);
	*wanted = false;
	return *state < 0 ? -1 : 0;
}

int changes_next(struct changes *c, enum change_kind *ret_kind,
		 const struct manifest_entry **ret, struct err *err)
{
	if (step(&c->old, &c->step_old, &c->old_state, err) < 0 ||
	    step(&c->new, &c->step_new, &c->new_state, err) < 0)
		return -1;
	if (c->old_state > 0 && c->new_state > 0)
		return 1;
	int order = c->old_state > 0 ? 1
		    : c->new_state > 0
			    ? -1
			    : strcmp(str_c(&c->old.e.path), str_c(&c->new.e.path));
	c->step_old = order <= 0;
	c->step_new = order >= 0;
	*ret = order < 0 ? &c->old.e : &c->new.e;
	*ret_kind = order < 0 ? CHANGE_GONE : order > 0 ? CHANGE_NEW : compare(c);
	if (*ret_kind == CHANGE_NEW && (*ret)->type != 'd')
		*replaced(c, str_c(&(*ret)->path)) = 1;
	return 0;
}
