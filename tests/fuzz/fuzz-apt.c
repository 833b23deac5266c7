/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What apt and dpkg print, and source lists: read to the end or refused. */
#include "fuzz.h"

#include "base/strv.h"
#include "pkg/deb.h"
#include "pkg/lpp-sources.h"

const char *const fuzz_seeds[] = {
	"Inst libc6 [2.36-9+deb12u10] (2.41-12 Debian:13.0/stable [amd64]) [x:amd64 y ]\n"
	"Remv old [1.0]\nConf libc6 (2.41-12 Debian:13.0/stable [amd64])\n",
	"'http://h/p/a_1%3a2_amd64.deb' a_1%3a2_amd64.deb 1234 SHA256:00ff\n",
	"ii  bash amd64 5.2\niHR libc6:amd64 2.36\n",
	"deb [arch=amd64 signed-by=/k] http://h/debian bookworm main contrib # c\ndeb-src x y z\n",
	"Types: deb\nURIs: http://h/debian\nSuites: bookworm bookworm-updates\nComponents: main\nEnabled: no\n",
	"Package: a\nVersion: 1\nDepends: b (>= 1) | c\nInstalled-Size: 12\nEssential: yes\n\nPackage: b\n",
	NULL,
};

static void lines(char *text)
{
	char *cursor = text;

	for (char *line; (line = next_line(&cursor));) {
		struct deb_uri uri = { 0 };
		if (deb_sim_uri(line, &uri)) {
			PROMISE(uri.uri && uri.name);
			deb_uri_done(&uri);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup(size > 0 ? (const char *)data : "", size);
	_cleanup_free_ char *copy = xstrdup(text), *copy2 = xstrdup(text);
	_cleanup_lpp_entries_ struct lpp_entries a = { 0 }, b = { 0 };
	_cleanup_deb_records_ struct deb_records rs = DEB_RECORDS_INIT;
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;
	struct err err = { 0 };

	lines(copy);
	lpp_sources_parse_list(&a, text);
	PROMISE((lpp_sources_parse_deb822(&b, "x", text, strlen(text), &err) < 0) ==
		(err.kind != ERR_NONE));
	err_clear(&err);
	PROMISE((deb_records_parse(&rs, text, strlen(text), &err) < 0) ==
		(err.kind != ERR_NONE));
	err_clear(&err);
	PROMISE((deb_state_parse(&st, copy2, &err) < 0) == (err.kind != ERR_NONE));
	return 0;
}
