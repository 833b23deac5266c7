/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lists of a hostile client: moving them ends, keeps what is no entry, and is idempotent: moved once, nothing is
 * left that would be moved again.
 */
#include "fuzz.h"

#include "model/sources.h"

const char *const fuzz_seeds[] = {
	"deb http://ftp.debian.org/debian bookworm main\n# x\ndeb-src [arch=amd64 signed-by=/a/bookworm.gpg] "
	"http://security.debian.org/ bookworm/updates main non-free # c\n",
	"Types: deb\nURIs: http://ftp.debian.org/debian\nSuites: bookworm\n# c\n bookworm-updates\n"
	"Components: main non-free\nSigned-By: /usr/share/keyrings/a-bookworm.gpg\n\n\n"
	"Enabled: yes\nTypes: deb\nURIs: https://x.example\nSuites: ./\n",
	"Package: *\nPin: release n=bookworm, o=Debian\nPin-Priority: 900\n\nPackage: a b\nPin: release "
	"oldstable\n",
	"deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\ndeb http://a@b:1/debian stable main",
	NULL,
};

static const struct sources_move moves[] = {
	{ .from = "bookworm", .to = "trixie" },
	{ .from = "bullseye", .to = "bookworm", .add_firmware = true },
};

static size_t count_lines(const struct str *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->len; i++)
		n += s->p[i] == '\n';
	return n;
}

static void move_list(const struct sources_move *m, const char *text, size_t size)
{
	_cleanup_str_ struct str in = STR_INIT, once = STR_INIT, twice = STR_INIT;
	_cleanup_sources_ struct sources_result r1 = SOURCES_RESULT_INIT,
						r2 = SOURCES_RESULT_INIT;
	str_addn(&in, text, size);
	sources_move_list(m, text, size, &once, &r1);
	PROMISE(r1.disabled.n == r1.why.n);
	PROMISE(count_lines(&once) == count_lines(&in));
	if (r1.moved.n + r1.disabled.n == 0)
		PROMISE(once.len == size &&
			(size == 0 || memcmp(once.p, text, size) == 0));
	sources_move_list(m, str_c(&once), once.len, &twice, &r2);
	PROMISE(r2.moved.n == 0 && r2.disabled.n == 0);
}

static void move_deb822(const struct sources_move *m, const char *text, size_t size)
{
	_cleanup_str_ struct str once = STR_INIT, twice = STR_INIT;
	_cleanup_sources_ struct sources_result r1 = SOURCES_RESULT_INIT,
						r2 = SOURCES_RESULT_INIT;
	struct err err = { 0 };
	if (sources_move_deb822(m, "input", text, size, &once, &r1, &err) < 0) {
		PROMISE(err.kind == ERR_OPERATOR);
		return;
	}
	if (r1.moved.n + r1.disabled.n == 0)
		PROMISE(once.len == size &&
			(size == 0 || memcmp(once.p, text, size) == 0));
	/* What was readable stays readable. */
	PROMISE(sources_move_deb822(m, "output", str_c(&once), once.len, &twice, &r2,
				    &err) == 0);
	PROMISE(r2.moved.n == 0 && r2.disabled.n == 0);
}

static void drop_pins(const struct sources_move *m, const char *text, size_t size)
{
	_cleanup_str_ struct str once = STR_INIT, twice = STR_INIT;
	_cleanup_strv_ struct strv p1 = STRV_INIT, p2 = STRV_INIT;
	struct err err = { 0 };
	if (sources_drop_pins(m, "input", text, size, &once, &p1, &err) < 0)
		return;
	PROMISE(sources_drop_pins(m, "output", str_c(&once), once.len, &twice, &p2,
				  &err) == 0);
	PROMISE(p2.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A file is read as text: the callers never pass a NUL on. */
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	size_t n = strlen(text);
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		move_list(&moves[i], text, n);
		move_deb822(&moves[i], text, n);
		drop_pins(&moves[i], text, n);
	}
	return 0;
}
