/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of pkg/lpp.h and pkg/spot.h for shell tests:
 *
 *	lpp-tool create DIR RELEASE [attribute=value...]	lpp-tool update|check|describe DIR
 *	lpp-tool fetch DIR LINE...				lpp-tool old DIR PACKAGE VERSION|- ARCH
 *	lpp-tool spot-create|spot-update|spot-preview DIR LPP	lpp-tool spot-check|spot-release DIR
 *
 * Steps, warnings and findings go to standard output, the error and its remedy to standard error.
 */
#include <stdio.h>

#include "pkg/lpp.h"
#include "pkg/spot.h"
#include "sys/signal.h"

static void emit(struct event_sink *sink, const struct event *ev)
{
	static const char *const shown[EVENT_TYPE_COUNT_] = {
		[EVENT_STEP] = "step", [EVENT_WARNING] = "warning"
	};

	if (shown[ev->type])
		printf("%s: %s\n", shown[ev->type], ev->text);
	if (ev->type == EVENT_OUTPUT && getenv("LPP_TOOL_VERBOSE"))
		printf("| %s\n", ev->text);
	fflush(stdout);
}

static int create(int argc, char **argv, struct events *ev, struct err *err)
{
	struct lpp_config cfg = { .dir = argv[0], .release = argv[1] };
	const struct {
		const char *name, **value;
	} attributes[] = {
		{ "source=", &cfg.source },
		{ "suites=", &cfg.suites },
		{ "components=", &cfg.components },
		{ "keyring=", &cfg.keyring },
		{ "packages=", &cfg.packages },
		{ "allow_unsigned=", &cfg.allow_unsigned },
	};

	for (int i = 2; i < argc; i++)
		for (size_t a = 0; a < ARRAY_SIZE(attributes); a++)
			if (starts_with(argv[i], attributes[a].name))
				*attributes[a].value = argv[i] +
						       strlen(attributes[a].name);
	return lpp_create(&cfg, ev, err);
}

static int update(int argc, char **argv, struct events *ev, struct err *err)
{
	return lpp_update(argv[0], ev, err);
}

static int show(struct findings *fs, int rc)
{
	for (size_t i = 0; i < fs->n; i++)
		printf("%s %s: %s: %s\n", finding_severity_name(fs->v[i].severity),
		       fs->v[i].id, fs->v[i].title, fs->v[i].evidence);
	if (rc == 0 && findings_count(fs, FINDING_INHIBIT))
		rc = 3;
	findings_done(fs);
	return rc;
}

static int check(int argc, char **argv, struct events *ev, struct err *err)
{
	struct findings fs = FINDINGS_INIT;

	return show(&fs, lpp_check(argv[0], ev, &fs, err));
}

static int fetch(int argc, char **argv, struct events *ev, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;

	for (int i = 1; i < argc; i++)
		strv_add(&lines, argv[i]);
	return lpp_fetch(argv[0], &lines, ev, err);
}

static int old(int argc, char **argv, struct events *ev, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = lpp_fetch_old(argv[0], argv[1], streq(argv[2], "-") ? NULL : argv[2],
			       argv[3], &path, err);

	if (rc == 0)
		puts(path);
	return rc == 1 ? 4 : rc;
}

static int describe(int argc, char **argv, struct events *ev, struct err *err)
{
	_cleanup_free_ char *level = NULL;
	size_t packages;
	uint64_t bytes;
	int rc = lpp_describe(argv[0], &level, &packages, &bytes, err);

	if (rc == 0)
		printf("%s, %zu packages, %llu bytes\n", level, packages,
		       (unsigned long long)bytes);
	return rc;
}

static int spot_make(int argc, char **argv, struct events *ev, struct err *err)
{
	return spot_create(argv[0], argv[1], ev, err);
}

static int spot_renew(int argc, char **argv, struct events *ev, struct err *err)
{
	return spot_update(argv[0], argv[1], ev, err);
}

static int spot_verify(int argc, char **argv, struct events *ev, struct err *err)
{
	struct findings fs = FINDINGS_INIT;

	return show(&fs, spot_check(argv[0], ev, &fs, err));
}

static int spot_changes(int argc, char **argv, struct events *ev, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int rc = spot_preview(argv[0], argv[1], &lines, err);

	for (size_t i = 0; i < lines.n; i++)
		puts(lines.v[i]);
	return rc;
}

static int spot_name(int argc, char **argv, struct events *ev, struct err *err)
{
	_cleanup_free_ char *release = NULL;
	int rc = spot_release(argv[0], &release, err);

	if (rc == 0)
		puts(release);
	return rc;
}

static const struct {
	const char *name;
	int args;
	int (*run)(int argc, char **argv, struct events *ev, struct err *err);
} verbs[] = {
	{ "create", 2, create },
	{ "update", 1, update },
	{ "check", 1, check },
	{ "fetch", 1, fetch },
	{ "old", 4, old },
	{ "describe", 1, describe },
	{ "spot-create", 2, spot_make },
	{ "spot-update", 2, spot_renew },
	{ "spot-preview", 2, spot_changes },
	{ "spot-check", 1, spot_verify },
	{ "spot-release", 1, spot_name },
};

int main(int argc, char **argv)
{
	struct event_sink sink = { .emit = emit };
	struct events ev = { 0 };
	struct err err = { 0 };

	cancel_install();
	events_add_sink(&ev, &sink);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
		if (!streq(argv[1], verbs[i].name) || argc - 2 < verbs[i].args)
			continue;
		int rc = verbs[i].run(argc - 2, argv + 2, &ev, &err);
		if (rc < 0)
			fprintf(stderr, "error (%s): %s\nremedy: %s\n",
				err_kind_name(err.kind), err.msg, err.remedy);
		return rc < 0 ? err_exit_status(err.kind) : rc;
	}
	fprintf(stderr, "usage: lpp-tool VERB ARGUMENT...\n");
	return 2;
}
