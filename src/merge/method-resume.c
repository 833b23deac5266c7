/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method resume: an initramfs that waits for a resume device that is not there costs half a minute at each boot. */
#include "merge/devices.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "resume"
#define PATH "/etc/initramfs-tools/conf.d/resume"

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, PATH);
}

static bool in_fstab(const struct merge_ctx *c, const char *device)
{
	_cleanup_free_ char *text = method_slurp(c->root, "/etc/fstab");
	_cleanup_fstab_ struct fstab t = FSTAB_INIT;
	fstab_parse(&t, text);
	for (size_t i = 0; i < t.n; i++)
		if (streq(t.v[i].type, "swap") && streq(t.v[i].spec, device))
			return true;
	return false;
}

static bool is_there(const struct merge_ctx *c, const char *device)
{
	if (*device == '\0' || streq(device, "none") || streq(device, "auto"))
		return true;
	if (layout_by_spec(c->layout, device))
		return true;
	/* image.data may describe mounted file systems only. */
	return in_fstab(c, device);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	static const struct method_text gone = {
		.id = "merge.resume",
		.severity = FINDING_INFO,
		.title = "The resume device is not there any more and was taken out",
		.remedy = "",
	};
	_cleanup_free_ char *text = method_slurp(c->root, PATH);
	_cleanup_str_ struct str out = STR_INIT;
	bool changed = false;
	char *cursor = text;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		char *p = line + strspn(line, " \t");
		if (starts_with(p, "RESUME=")) {
			_cleanup_free_ char *value = xstrdup(p + strlen("RESUME="));
			char *device = strip(value);
			size_t n = strlen(device);
			if (n >= 2 && (*device == '"' || *device == '\'') &&
			    device[n - 1] == *device) {
				device[n - 1] = '\0';
				device++;
			}
			if (!is_there(c, device)) {
				method_changed(c, NAME, PATH, "RESUME=none, was %s",
					       device);
				method_findf(c, &gone, "%s: %s", PATH, device);
				str_add(&out, "RESUME=none\n");
				changed = true;
				continue;
			}
		}
		str_addf(&out, "%s\n", line);
	}
	return changed ? method_write(c, PATH, str_c(&out), out.len, err) : 0;
}

const struct merge_method method_resume = {
	.name = NAME,
	.title = "Resume device",
	.help = "A resume device of the initramfs that is not there any more is taken out.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
