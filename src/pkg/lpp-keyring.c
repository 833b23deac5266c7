/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gpgv does not read armoured keyrings, so an armoured one is decoded here (RFC 9580, section 6). */
#include "pkg/lpp-keyring.h"

#include "base/str.h"
#include "sys/files.h"

#define KEYRING_MAX (16u << 20)

static int digit64(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* One armoured body: base64 lines up to the checksum ("=abcd") or the closing line. */
static void decode_body(char **cursor, struct str *out)
{
	char *line;
	unsigned bits = 0, held = 0;

	while ((line = next_line(cursor)) && !starts_with(line, "-----END")) {
		if (line[0] == '=')
			continue;
		for (; *line; line++) {
			int d = digit64(*line);
			if (d < 0)
				continue;
			held = (held << 6 | (unsigned)d) & 0xffffff;
			bits += 6;
			if (bits >= 8) {
				bits -= 8;
				str_addc(out, (char)(held >> bits & 0xff));
			}
		}
	}
}

static void decode(char *text, struct str *out)
{
	char *cursor = text, *line;

	while ((line = next_line(&cursor))) {
		if (!starts_with(line, "-----BEGIN PGP"))
			continue;
		while ((line = next_line(&cursor)) && *strip(line))
			continue; /* armour headers up to the empty line */
		decode_body(&cursor, out);
	}
}

int lpp_keyring_install(const char *from, const char *to, struct err *err)
{
	_cleanup_str_ struct str raw = STR_INIT, binary = STR_INIT;

	if (files_read(from, KEYRING_MAX, &raw, err) < 0)
		return -1;
	if (starts_with(str_c(&raw), "-----BEGIN PGP"))
		decode(raw.p, &binary);
	const struct str *use = binary.len ? &binary : &raw;
	if (use->len == 0)
		return err_set(err, ERR_OPERATOR, "keyring %s is empty", from);
	return files_write_atomic(to, str_c(use), use->len, 0644, err);
}
