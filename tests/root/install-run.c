/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a clone bootable: what the tests of boot/install.h and boot/bootlist.h use. */
#include "layout-args.h"

#include "boot/bootlist.h"
#include "boot/install.h"
#include "sys/runner-chroot.h"
#include "sys/signal.h"

struct setup {
	struct layout clone, running;
	struct root alt, old;
	struct runner *run;
	const char *run_dir;
	struct strv words; /* of a boot list command */
};

static void emit(struct event_sink *sink, const struct event *ev)
{
	if (ev->type == EVENT_STEP || ev->type == EVENT_OUTPUT)
		printf("%s%s\n", ev->type == EVENT_STEP ? "* " : "  ",
		       ev->text ? ev->text : "");
}

static int fail(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "install-run: %s\n%s%s", err->msg, err->remedy,
		*err->remedy ? "\n" : "");
	return 1;
}

static void tell(struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		printf("%s %s: %s\n", finding_severity_name(fs->v[i].severity),
		       fs->v[i].id, fs->v[i].evidence);
	findings_done(fs);
}

static int install(const char *what, struct setup *s, struct events *events,
		   struct err *err)
{
	const struct boot_install b = {
		.alt = &s->alt,
		.run = s->run,
		.run_dir = s->run_dir,
		.target = &s->clone,
		.running = s->running.n_fs ? &s->running : NULL,
		.old = s->old.fd >= 0 ? &s->old : NULL,
		.events = events,
	};
	struct findings fs = FINDINGS_INIT;
	int rc;

	if (streq(what, "config"))
		return boot_install_config(&b, err);
	if (streq(what, "write"))
		return boot_install_write(&b, err);
	if (streq(what, "sbat"))
		rc = boot_sbat_check(&s->alt, &s->old, &fs, err);
	else
		rc = boot_install_verify(&b, &fs, err);
	tell(&fs);
	return rc;
}

static int show_list(const struct bootlist_ctx *c, struct err *err)
{
	_cleanup_bootlist_ struct bootlist list = BOOTLIST_INIT;

	if (bootlist_read(c, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		printf("%zu %s %s%s\n", i, list.v[i].disk, list.v[i].label,
		       list.v[i].ours ? " ours" : "");
	printf("once %s\nmechanism %s\n", list.once ? list.once : "-", list.mechanism);
	return 0;
}

static int bootlist(const char *what, struct setup *s, struct err *err)
{
	const struct bootlist_ctx c = { .root = &s->old,
					.run = runner_local(),
					.running = &s->running,
					.clones = &s->clone,
					.n_clones = 1 };

	if (streq(what, "set"))
		return bootlist_set(&c, &s->words, err);
	if (streq(what, "once"))
		return bootlist_set_once(&c, s->words.v[0], err);
	if (streq(what, "forget"))
		return bootlist_forget(&c, s->words.v[0], err);
	return show_list(&c, err);
}

/* "root=DIR" "old=DIR" "run=DIR" "devices=A,B" "method=grub-pc", "old-" before a record of the running system */
static int take_arg(struct setup *s, char *arg, struct strv *devices, struct err *err)
{
	bool old = starts_with(arg, "old-");

	if (starts_with(arg, "root="))
		return root_open(&s->alt, arg + strlen("root="), err);
	if (starts_with(arg, "old="))
		return root_open(&s->old, arg + strlen("old="), err);
	if (starts_with(arg, "run="))
		s->run_dir = arg + strlen("run=");
	else if (starts_with(arg, "devices="))
		strv_split(devices, arg + strlen("devices="), ",");
	else if (starts_with(arg, "word="))
		strv_add(&s->words, arg + strlen("word="));
	else if (starts_with(arg, "method="))
		s->clone.boot_method = s->running.boot_method =
			xstrdup(arg + strlen("method="));
	else
		return layout_arg_add(old ? &s->running : &s->clone,
				      old ? arg + strlen("old-") : arg);
	return 0;
}

/* install-run config|write|verify|sbat|list|set|once|forget ARG... */
int main(int argc, char **argv)
{
	struct event_sink sink = { .emit = emit };
	struct events events = { .sinks = { &sink }, .n = 1, .phase = 8 };
	struct setup s = { .alt = ROOT_INIT, .old = ROOT_INIT };
	_cleanup_strv_ struct strv devices = STRV_INIT;
	_cleanup_strv_ struct strv binds = STRV_INIT;
	struct err err = { 0 };
	int rc;

	if (argc < 3)
		return 64;
	cancel_install();
	for (int i = 2; i < argc; i++)
		if (take_arg(&s, argv[i], &devices, &err) < 0)
			return err.msg[0] ? fail(&err) : 64;
	if (strstr("list set once forget", argv[1]))
		return bootlist(argv[1], &s, &err) < 0 ? fail(&err) : 0;
	if (s.run_dir) {
		const struct chroot_view view = { .devices = &devices, .binds = &binds };

		strv_addf(&binds, "%s:/run/nimadm", s.run_dir);
		if (runner_chroot(&s.run, s.alt.path, &view, &err) < 0)
			return fail(&err);
	}
	rc = install(argv[1], &s, &events, &err);
	runner_free(s.run);
	return rc < 0 ? fail(&err) : 0;
}
