/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes one alternate root bootable with the backend that fits: what tests/root/boot.sh uses. */
#include "layout-args.h"

#include "boot/boot.h"
#include "sandbox/sandbox.h"
#include "sys/signal.h"

static void emit(struct event_sink *sink, const struct event *ev)
{
	if (ev->type == EVENT_STEP || ev->type == EVENT_OUTPUT)
		printf("%s%s\n", ev->type == EVENT_STEP ? "* " : "  ",
		       ev->text ? ev->text : "");
}

static int fail(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "boot-run: %s\n%s%s", err->msg, err->remedy,
		*err->remedy ? "\n" : "");
	return 1;
}

static int verify(const struct boot_backend *backend, const struct boot_ctx *c,
		  struct err *err)
{
	struct findings fs = FINDINGS_INIT;
	int rc = backend->verify(c, &fs, err);

	for (size_t i = 0; i < fs.n; i++)
		printf("%s %s: %s\n", finding_severity_name(fs.v[i].severity), fs.v[i].id,
		       fs.v[i].evidence);
	findings_done(&fs);
	return rc;
}

/* boot-run all|verify SPOT ROOT RUN-DIR METHOD RECORD... */
int main(int argc, char **argv)
{
	struct event_sink sink = { .emit = emit };
	struct events events = { .sinks = { &sink }, .n = 1, .phase = 8 };
	struct layout layout = LAYOUT_INIT;
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_runner_ struct runner *run = NULL;
	const struct boot_backend *backend;
	struct err err = { 0 };

	if (argc < 6)
		return 64;
	for (int i = 6; i < argc; i++)
		if (layout_arg_add(&layout, argv[i]) < 0)
			return 64;
	layout.boot_method = argv[5];
	cancel_install();

	const struct sandbox_bind bind = { argv[4], SANDBOX_ROOT "/run/nimadm", false };
	const struct sandbox_config cfg = {
		.spot = argv[2], .root = argv[3], .binds = &bind, .n_binds = 1
	};
	if (root_open(&root, argv[3], &err) < 0 || sandbox_new(&run, &cfg, &err) < 0)
		return fail(&err);

	const struct boot_ctx c = { .root = &root,
				    .run = run,
				    .run_dir = argv[4],
				    .layout = &layout,
				    .events = &events };
	backend = boot_backend_for(&root, &layout);
	printf("backend %s\n", backend->name);
	if (streq(argv[1], "all") &&
	    (backend->prepare(&c, &err) < 0 || backend->build(&c, &err) < 0))
		return fail(&err);
	return verify(backend, &c, &err) < 0 ? fail(&err) : 0;
}
