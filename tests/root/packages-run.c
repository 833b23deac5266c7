/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages for a tree, by altdisk/packages.h. */
#include <unistd.h>

#include "altdisk/packages.h"
#include "sys/signal.h"

static void emit(struct event_sink *sink, const struct event *ev)
{
	if (ev->text)
		printf("%s\n", ev->text);
	fflush(stdout);
}

static int fail(const struct err *err)
{
	printf("error: %s\nnext: %s\n", err->msg, err->remedy);
	return err_exit_status(err->kind);
}

/* packages-run ROOT RUN_DIR [-b BUNDLE] [-w PACKAGE]... [-l DIR] [-I FLAGS] [-d DEVICE] [-n NAME]: NAME is DEVICE's lasting one */
int main(int argc, char **argv)
{
	struct event_sink sink = { .emit = emit };
	struct events events = { .sinks = { &sink }, .n = 1, .phase = 2 };
	_cleanup_(packages_done) struct packages p = { 0 };
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_strv_ struct strv devices = STRV_INIT;
	struct packages_place place = {
		.alt = &alt, .devices = &devices, .disk = "", .events = &events
	};
	struct err err = { 0 };
	int c;

	if (argc < 3)
		return 64;
	place.run_dir = argv[2];
	cancel_install();
	optind = 3;
	while ((c = getopt(argc, argv, "b:w:l:I:d:n:")) != -1) {
		if (c == 'b')
			p.bundle = optarg;
		else if (c == 'w')
			strv_add(&p.names, optarg);
		else if (c == 'l')
			p.location = optarg;
		else if (c == 'I')
			p.flags = optarg;
		else if (c == 'd')
			strv_add(&devices, optarg);
		else if (c == 'n')
			place.disk = optarg;
		else
			return 64;
	}
	if (packages_check(&p, &err) < 0 || root_open(&alt, argv[1], &err) < 0 ||
	    packages_install(&p, &place, &err) < 0)
		return fail(&err);
	return 0;
}
