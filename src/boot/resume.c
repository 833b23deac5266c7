/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which swap space the initramfs of a clone resumes from. The clone has other swap spaces than its system, and whoever
 * builds its initramfs may not see them: it is told by BOOT_RESUME_NOTE. What was built by that is listed, by its SHA-256,
 * so that the client need not build it once more.
 */
#include <ctype.h>
#include <fcntl.h>

#include "boot/resume.h"
#include "sys/sha256.h"

#define BUILT	 "/etc/nimadm/altinst.initramfs"
#define NOTE_MAX ((size_t)64 << 10)

/* Safe in a shell's pattern and in a value. */
static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_./:=+-", *p))
			return false;
	return *word != '\0';
}

bool resume_rules(const struct root *root, struct str *out)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (root_read_opt(root, BOOT_RESUME_NOTE, NOTE_MAX, &text, NULL) != 0)
		return false;
	str_add(out, "case \"${RESUME:-auto}\" in\n");
	for (cursor = text.p; cursor && (line = next_line(&cursor)) != NULL;) {
		char *with = strchr(line, ' ');

		if (!with)
			continue;
		*with++ = '\0';
		if (is_plain(line) && is_plain(with))
			str_addf(out, "%s) RESUME=%s ;;\n", line, with);
	}
	str_add(out, "esac\n");
	return true;
}

/* "<SHA-256>  <version>" of what lies in /boot. */
static int describe(const struct root *root, const struct strv *kernels, struct str *out,
		    struct err *err)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	for (size_t i = 0; i < kernels->n; i++) {
		_cleanup_free_ char *path = xasprintf("/boot/initrd.img-%s",
						      kernels->v[i]);
		_cleanup_close_ int fd = root_openat(root, path, O_RDONLY, 0);

		if (fd < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot open %s", path);
		if (sha256_fd(fd, digest, err) < 0)
			return -1;
		sha256_hex(digest, hex);
		str_addf(out, "%s  %s\n", hex, kernels->v[i]);
	}
	return 0;
}

int resume_record(const struct root *root, const struct strv *kernels, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (!root_exists(root, BOOT_RESUME_NOTE))
		return 0;
	if (describe(root, kernels, &text, err) < 0)
		return -1;
	return root_write(root, BUILT, str_c(&text), text.len, 0644, err);
}

bool resume_is_built(const struct root *root, const struct strv *kernels)
{
	_cleanup_str_ struct str then = STR_INIT, now = STR_INIT;

	return root_read_opt(root, BUILT, NOTE_MAX, &then, NULL) == 0 &&
	       describe(root, kernels, &now, NULL) == 0 &&
	       streq(str_c(&then), str_c(&now));
}

int resume_forget(const struct root *root, struct err *err)
{
	if (root_unlink(root, BUILT, err) < 0 ||
	    root_unlink(root, BOOT_STALE_NOTE, err) < 0)
		return -1;
	return root_unlink(root, BOOT_RESUME_NOTE, err);
}
