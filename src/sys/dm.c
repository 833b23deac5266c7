/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device-mapper's ioctls. */
#include "sys/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#define ANSWER_MAX ((size_t)16 * 1024)

/* A request with what follows its head. */
struct request {
	struct dm_ioctl head;
	char data[ANSWER_MAX];
};

static void set_head(struct dm_ioctl *head, size_t size, const char *name)
{
	*head = (struct dm_ioctl){
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = (uint32_t)size,
		.data_start = sizeof(*head),
	};
	if (name)
		memcpy(head->name, name, strnlen(name, sizeof(head->name) - 1));
}

static bool fits(const char *name)
{
	if (strlen(name) < DM_NAME_LEN)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

void dm_target_done(struct dm_target *t)
{
	free(t->params);
	t->params = NULL;
}

int dm_open(struct err *err)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	return fd < 0 ? err_set_errno(err, ERR_OPERATOR, "/dev/mapper/control") : fd;
}

int dm_table(int dm, const char *name, struct dm_target *ret, struct err *err)
{
	_cleanup_free_ struct request *r = xcalloc(1, sizeof(*r));
	struct dm_target_spec spec;

	set_head(&r->head, sizeof(*r), name);
	r->head.flags = DM_STATUS_TABLE_FLAG;
	if (!fits(name) || ioctl(dm, DM_TABLE_STATUS, r) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: its table cannot be read",
				     name);
	*ret = (struct dm_target)DM_TARGET_INIT;
	if (r->head.target_count != 1 || (r->head.flags & DM_BUFFER_FULL_FLAG))
		return 0;
	const char *answer = (const char *)r + r->head.data_start;
	memcpy(&spec, answer, sizeof(spec));
	memcpy(ret->type, spec.target_type, sizeof(ret->type));
	ret->type[sizeof(ret->type) - 1] = '\0';
	ret->sectors = spec.length;
	ret->params = xstrdup(answer + sizeof(spec));
	return 0;
}

int dm_load(int dm, const char *name, const struct dm_target *t, struct err *err)
{
	size_t params = strlen(t->params) + 1;
	size_t size = sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) +
		      (params + 7) / 8 * 8;
	_cleanup_free_ struct request *r = xcalloc(1, MAX(size, sizeof(*r)));
	struct dm_target_spec spec = { .length = t->sectors };

	set_head(&r->head, size, name);
	r->head.target_count = 1;
	memcpy(spec.target_type, t->type, sizeof(spec.target_type));
	memcpy(r->data, &spec, sizeof(spec));
	memcpy(r->data + sizeof(spec), t->params, params);
	if (!fits(name) || ioctl(dm, DM_TABLE_LOAD, r) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "%s: a table (%s) cannot be loaded", name, t->type);
	return 0;
}

int dm_clear(int dm, const char *name)
{
	struct dm_ioctl head;

	set_head(&head, sizeof(head), name);
	return fits(name) && ioctl(dm, DM_TABLE_CLEAR, &head) == 0 ? 0 : -1;
}

int dm_remove(int dm, const char *name)
{
	struct dm_ioctl head;

	set_head(&head, sizeof(head), name);
	return fits(name) && ioctl(dm, DM_DEV_REMOVE, &head) == 0 ? 0 : -1;
}

int dm_message(int dm, const char *device, const char *message, struct err *err)
{
	_cleanup_free_ struct request *r = xcalloc(1, sizeof(*r));
	unsigned major = 0, minor = 0;
	size_t n = strlen(message) + 1;

	if (sscanf(device, "%u:%u", &major, &minor) != 2 ||
	    n > sizeof(r->data) - sizeof(struct dm_target_msg))
		return err_set(err, ERR_INTERNAL, "%s: no such message to %s", message,
			       device);
	set_head(&r->head, sizeof(*r), NULL);
	r->head.dev = (minor & 0xff) | (uint64_t)major << 8 |
		      (uint64_t)(minor & ~0xffu) << 12;
	memcpy(r->data + offsetof(struct dm_target_msg, message), message, n);
	if (ioctl(dm, DM_TARGET_MSG, r) < 0)
		return err_set_errno(err, ERR_OPERATOR, "the thin pool %s refuses '%s'",
				     device, message);
	return 0;
}

static int set_suspended(int dm, const char *name, uint32_t flags)
{
	struct dm_ioctl head;

	set_head(&head, sizeof(head), name);
	head.flags = flags;
	return fits(name) && ioctl(dm, DM_DEV_SUSPEND, &head) == 0 ? 0 : -1;
}

int dm_suspend(int dm, const char *name)
{
	return set_suspended(dm, name, DM_SUSPEND_FLAG);
}

int dm_resume(int dm, const char *name)
{
	return set_suspended(dm, name, 0);
}

bool dm_is_suspended(int dm, const char *name)
{
	struct dm_ioctl head;

	set_head(&head, sizeof(head), name);
	return fits(name) && ioctl(dm, DM_DEV_STATUS, &head) == 0 &&
	       (head.flags & DM_SUSPEND_FLAG);
}
