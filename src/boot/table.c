/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot backends, and what they share. */
#include "boot/boot-internal.h"

/* The first that fits; the last always does. */
static const struct boot_backend *const backends[] = {
	&boot_grub,
	&boot_none,
};

const struct boot_backend *boot_backend_for(const struct root *root,
					    const struct layout *layout)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->probe(root, layout))
			return backends[i];
	return &boot_none;
}

static void take_line(void *arg, const char *line, bool is_err)
{
	const struct boot_ctx *c = arg;

	events_output(c->events, line);
}

void boot_enter(const struct boot_ctx *c, struct strv *argv)
{
	if (!c->inside)
		strv_add_all(argv, "chroot", BOOT_ROOT, NULL);
}

int boot_chroot(const struct boot_ctx *c, const char *const *argv, const char *const *env,
		struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	struct boot_ctx copy = *c;
	struct proc_spec spec = { .env = env, .on_line = take_line, .arg = &copy };

	boot_enter(c, &words);
	for (; *argv; argv++)
		strv_add(&words, *argv);
	spec.argv = strv_argv(&words);
	return runner_check(c->run, &spec, err);
}

int boot_verdict(const struct findings *fs, size_t before, struct err *err)
{
	for (size_t i = before; i < fs->n; i++) {
		const struct finding *f = &fs->v[i];

		if (f->severity != FINDING_INHIBIT)
			continue;
		err_set(err, ERR_OPERATOR, "%s: %s", f->title, f->evidence);
		return *f->remedy ? err_remedy(err, "%s", f->remedy) : -1;
	}
	return 0;
}
