/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inodes with several names: who makes the first copy, and where it is. */
#include <errno.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"
#include "sys/files.h"

#define PENDING 0
#define FAILED	UINT64_MAX
/* Anything else: 1 + where its record is. */

struct record {
	uint32_t path_len, line_len; /* with their NULs */
};

int linked_open(struct linked *l, const char *dir, struct err *err)
{
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->cond, NULL);
	l->fd = files_nameless(dir, err);
	return l->fd < 0 ? -1 : 0;
}

void linked_done(struct linked *l)
{
	close_p(&l->fd);
	links_done(&l->table);
	links_done(&l->kept);
	free(l->at);
	pthread_cond_destroy(&l->cond);
	pthread_mutex_destroy(&l->lock);
}

int linked_claim(struct linked *l, const struct statx *sx, uint32_t *ret_id)
{
	uint64_t dev = makedev(sx->stx_dev_major, sx->stx_dev_minor);

	pthread_mutex_lock(&l->lock);
	uint64_t *number = links_find(&l->table, dev, sx->stx_ino);
	if (*number == 0) {
		if (l->n == l->cap) {
			l->cap = MAX(l->cap * 2, (size_t)64);
			l->at = xrealloc(l->at, l->cap * sizeof(*l->at));
		}
		l->at[l->n] = FAILED;
		*number = ++l->n;
	}
	uint32_t id = (uint32_t)(*number - 1);
	while (l->at[id] == PENDING)
		pthread_cond_wait(&l->cond, &l->lock);
	bool made = l->at[id] != FAILED;
	if (!made)
		l->at[id] = PENDING;
	pthread_mutex_unlock(&l->lock);
	*ret_id = id;
	return made ? 1 : 0;
}

static void settle(struct linked *l, uint32_t id, uint64_t at)
{
	pthread_mutex_lock(&l->lock);
	l->at[id] = at;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->lock);
}

void linked_failed(struct linked *l, uint32_t id)
{
	settle(l, id, FAILED);
}

int linked_made(struct linked *l, uint32_t id, const char *path, const char *line,
		struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct record r = { (uint32_t)strlen(path) + 1, (uint32_t)strlen(line) + 1 };

	str_addn(&text, &r, sizeof(r));
	str_addn(&text, path, r.path_len);
	str_addn(&text, line, r.line_len);
	pthread_mutex_lock(&l->lock);
	uint64_t at = l->size;
	l->size += text.len;
	pthread_mutex_unlock(&l->lock);
	if (files_pwrite_all(l->fd, text.p, text.len, at) < 0) {
		linked_failed(l, id);
		return err_set_errno(err, ERR_OPERATOR, "cannot write a temporary file");
	}
	settle(l, id, at + 1);
	return 0;
}

static int read_text(const struct linked *l, uint64_t at, uint32_t n, char **ret)
{
	_cleanup_free_ char *text = xmalloc(n);

	if (pread(l->fd, text, n, (off_t)at) != (ssize_t)n || text[n - 1] != '\0')
		return -1;
	*ret = TAKE_PTR(text);
	return 0;
}

int linked_get(struct linked *l, uint32_t id, char **ret_path, char **ret_line,
	       struct err *err)
{
	struct record r;

	pthread_mutex_lock(&l->lock);
	uint64_t at = id < l->n ? l->at[id] : FAILED;
	pthread_mutex_unlock(&l->lock);
	if (at == FAILED || at == PENDING)
		return err_set(err, ERR_INTERNAL, "a file with several names is lost");
	at--;
	if (pread(l->fd, &r, sizeof(r), (off_t)at) != sizeof(r) ||
	    (ret_path && read_text(l, at + sizeof(r), r.path_len, ret_path) < 0) ||
	    (ret_line &&
	     read_text(l, at + sizeof(r) + r.path_len, r.line_len, ret_line) < 0))
		return err_set(err, ERR_INTERNAL, "a temporary file cannot be read");
	return 0;
}

bool linked_keep(struct linked *l, uint32_t id, const struct stat *st)
{
	pthread_mutex_lock(&l->lock);
	uint64_t *number = links_find(&l->kept, st->st_dev, st->st_ino);
	bool free_or_ours = *number == 0 || *number == (uint64_t)id + 1;
	if (*number == 0)
		*number = (uint64_t)id + 1;
	pthread_mutex_unlock(&l->lock);
	return free_or_ours;
}
