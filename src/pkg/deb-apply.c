/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: carrying out a part of the plan with few dpkg runs.
 *
 * What goes is removed first, as apt does before it unpacks a successor; then one run unpacks all archives in apt's
 * order, then everything is configured. Dependencies need not hold in between, only at the end. Each step asks dpkg
 * what is left to do, so that a part can be repeated after a crash at any point. When a run fails, a ladder of
 * repairs is climbed (design: configure what can be, let apt mend, let apt order what is left), else the evidence is kept.
 */
#include "pkg/deb.h"
#include "pkg/rpm.h"
#include "sys/files.h"

/* In the root: a directory on the sandbox's own tmpfs, gone with the run, and a list that outlives a crash. */
#define BESIDE	"/run/nimadm-beside"
#define PENDING "/var/lib/dpkg/depmod.nimadm"

/*
 * dpkg marks its status descriptor close-on-exec and non-blocking, which must not happen to the scripts' standard output:
 * descriptor 3 is the same pipe opened a second time.
 *
 * depmod works beside dpkg: nothing asks for the index of a new kernel's modules before phase 8, and packages are
 * configured on one core. Calls take turns by a lock that outlives the stand-in; the last to start has seen all that
 * any caller had written. What did not come to a good end, in this run or in one that was killed, is done once more
 * at the end, in the open, and there it counts.
 */
static const char *const with_status[] = {
	"sh",
	"-c",
	"exec 3>/proc/self/fd/1\n"
	"mkdir -p " DEB_ROOT BESIDE " && cat >" DEB_ROOT BESIDE "/depmod <<'EOF'\n"
	"#!/bin/sh\n"
	"PATH=${PATH#" BESIDE ":}\n"
	"command -v flock >/dev/null || exec depmod \"$@\"\n"
	"exec 9>>" BESIDE "/lock\n"
	"flock 9 && echo \"$*\" >>" PENDING " || exec depmod \"$@\"\n"
	"(depmod \"$@\" && echo \"$*\" >>" BESIDE
	"/done) </dev/null >/dev/null 2>&1 3>&- &\n"
	"EOF\n"
	"chmod 755 " DEB_ROOT BESIDE "/depmod\n"
	"PATH=" BESIDE ":$PATH \"$@\"\n"
	"status=$?\n"
	"[ -e " DEB_ROOT PENDING " ] || exit $status\n"
	"chroot " DEB_ROOT " sh <<'EOF' || exit 1\n"
	"exec 9>>" BESIDE "/lock\n"
	"flock 9\n"
	"exec 9>&-\n"
	": >>" BESIDE "/done\n"
	"while read -r arguments; do\n"
	"	grep -qxF -e \"$arguments\" " BESIDE "/done && continue\n"
	"	depmod $arguments </dev/null || { echo \"depmod $arguments failed\"; exit 1; }\n"
	"done <" PENDING "\n"
	"rm " PENDING "\n"
	"EOF\n"
	"exit $status\n",
	"sh",
};

/* unsafe-io: the sandbox makes no sync real, so dpkg need not open every file again for one. */
static const char *const force[] = {
	"--force-depends", "--force-breaks",	"--force-conflicts", "--force-confdef",
	"--force-confold", "--force-unsafe-io", "--status-fd",	     "3",
};

struct part {
	const struct pkg_ctx *c;
	const struct pkg_plan *plan;
	bool bos;
	struct deb_watch *watch;
	const char *log; /* name of the log file, for messages */
};

static void status_command(struct strv *argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(with_status); i++)
		strv_add(argv, with_status[i]);
}

static void dpkg_command(const struct part *p, struct strv *argv)
{
	status_command(argv);
	deb_dpkg_argv(p->c, "dpkg", argv);
	for (size_t i = 0; i < ARRAY_SIZE(force); i++)
		strv_add(argv, force[i]);
}

static bool in_part(const struct part *p, const struct pkg_item *it)
{
	return it->bos || !p->bos;
}

/* The form that unpacks fastest, where the lpp_source has it (pkg/lpp.h). */
static void add_archive(const struct part *p, const char *file, struct strv *argv)
{
	_cleanup_free_ char *fast = xasprintf("%s/unpack/%s", p->c->lpp_dir, file);

	strv_addf(argv, DEB_LPP "/%s/%s", files_exists(fast) ? "unpack" : "pool", file);
}

/* Appends the items of the part that still need `need`; returns how many. */
static size_t collect(const struct part *p, const struct deb_state *st,
		      enum deb_need need, struct strv *argv)
{
	size_t n = 0;

	for (size_t i = 0; i < p->plan->n; i++) {
		const struct pkg_item *it = &p->plan->v[i];
		if (!in_part(p, it) || deb_state_need(st, it, p->bos) != need)
			continue;
		n++;
		if (need != DEB_UNPACK)
			strv_addf(argv, streq(it->arch, "all") ? "%s" : "%s:%s", it->name,
				  it->arch);
		else if (it->file[0] == '/')
			strv_add(argv, it->file);
		else
			add_archive(p, it->file, argv);
	}
	return n;
}

typedef int step_fn(struct part *p, struct err *err);

static int remove_step(struct part *p, struct err *err)
{
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;
	_cleanup_strv_ struct strv argv = STRV_INIT;

	if (deb_state_read(p->c, &st, err) < 0)
		return -1;
	dpkg_command(p, &argv);
	strv_add_all(&argv, "--no-triggers", "--remove", NULL);
	if (collect(p, &st, DEB_REMOVE, &argv) == 0)
		return 0;
	events_step(p->c->events, "Removing replaced packages");
	return deb_watch_run(p->watch, "dpkg", &argv, err);
}

static int unpack_step(struct part *p, struct err *err)
{
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;
	_cleanup_strv_ struct strv argv = STRV_INIT;

	if (deb_state_read(p->c, &st, err) < 0)
		return -1;
	dpkg_command(p, &argv);
	strv_add_all(&argv, "--no-triggers", "--auto-deconfigure", "--unpack", NULL);
	size_t n = collect(p, &st, DEB_UNPACK, &argv);
	if (n == 0)
		return 0;
	events_step(p->c->events, "Unpacking %zu packages", n);
	return deb_watch_run(p->watch, "dpkg", &argv, err);
}

/* The base system alone: other packages wait, unconfigured, for their new versions. */
static int configure_base(struct part *p, struct err *err)
{
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;
	_cleanup_strv_ struct strv argv = STRV_INIT;

	if (deb_state_read(p->c, &st, err) < 0)
		return -1;
	dpkg_command(p, &argv);
	strv_add_all(&argv, "--no-triggers", "--configure", NULL);
	size_t n = collect(p, &st, DEB_CONFIGURE, &argv);
	if (n == 0)
		return 0;
	events_step(p->c->events, "Configuring %zu packages of the base system", n);
	return deb_watch_run(p->watch, "dpkg", &argv, err);
}

static int configure_all(struct part *p, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	events_step(p->c->events, "Configuring packages");
	dpkg_command(p, &argv);
	strv_add_all(&argv, "--configure", "-a", NULL);
	return deb_watch_run(p->watch, "dpkg", &argv, err);
}

static int configure_step(struct part *p, struct err *err)
{
	return p->bos ? configure_base(p, err) : configure_all(p, err);
}

static int apt_step(struct part *p, const char *verb, const char *option, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	status_command(&argv);
	deb_apt_argv(p->c, "apt-get", &argv);
	strv_add_all(&argv, "-o", "APT::Keep-Fds::=3", "-o",
		     "DPkg::Options::=--status-fd=3", "-y", "--no-download",
		     "--no-remove", NULL);
	if (option)
		strv_add(&argv, option);
	strv_add(&argv, verb);
	return deb_watch_run(p->watch, "apt-get", &argv, err);
}

/* Never with removals: what may go is in the plan, and has gone. */
static int mend_step(struct part *p, struct err *err)
{
	return apt_step(p, "install", "-f", err);
}

static int order_step(struct part *p, struct err *err)
{
	return apt_step(p, "full-upgrade", NULL, err);
}

static int again_step(struct part *p, struct err *err)
{
	int r = unpack_step(p, err);

	if (r < 0)
		return r;
	err_clear(err);
	return configure_step(p, err);
}

static const struct rung {
	const char *name;
	step_fn *run;
	bool rest_only; /* apt would want to mend what only phase 6 completes */
} ladder[] = {
	{ "configuring what can be configured", again_step, false },
	{ "apt-get -f install", mend_step, true },
	{ "apt's own order for what is left", order_step, true },
};

/* Whether anything of the part is left to do. 1: yes. */
static int unfinished(const struct part *p, struct err *err)
{
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;

	if (deb_state_read(p->c, &st, err) < 0)
		return -1;
	for (size_t i = 0; i < p->plan->n; i++)
		if (in_part(p, &p->plan->v[i]) &&
		    deb_state_need(&st, &p->plan->v[i], p->bos) != DEB_DONE)
			return 1;
	return 0;
}

/* `first` is the failure that brought us here; it is the one to report when no rung helps. */
static int climb(struct part *p, const struct err *first, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(ladder); i++) {
		struct err scratch = { 0 };
		if (p->bos && ladder[i].rest_only)
			continue;
		events_warning(p->c->events, "%s; trying: %s", first->msg,
			       ladder[i].name);
		int r = ladder[i].run(p, &scratch);
		if (r < 0) {
			*err = scratch;
			return -1;
		}
		if (r == 0) {
			r = unfinished(p, err);
			if (r <= 0)
				return r;
		}
	}
	*err = *first;
	return -1;
}

static int run_part(struct part *p, struct err *err)
{
	static step_fn *const steps[] = { remove_step, unpack_step, configure_step };
	struct err first = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct err one = { 0 };
		int r = steps[i](p, &one);
		if (r < 0) {
			*err = one;
			return -1;
		}
		if (r > 0 && first.kind == ERR_NONE)
			first = one;
	}
	if (first.kind != ERR_NONE)
		return climb(p, &first, err);
	int left = unfinished(p, err);
	if (left <= 0)
		return left;
	err_set(&first, ERR_OPERATOR, "dpkg left packages unconfigured");
	err_remedy(&first, "read %s/%s.log", p->c->work_dir, p->log);
	return climb(p, &first, err);
}

static size_t count_part(const struct pkg_plan *plan, bool bos)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->v[i].action != PKG_REMOVE && plan->v[i].bos == bos;
	return n;
}

int deb_apply_bos(const struct pkg_ctx *c, const struct pkg_plan *p, struct err *err)
{
	_cleanup_deb_watch_ struct deb_watch *w = deb_watch_new(c, "bos",
								count_part(p, true), err);
	struct part part = { c, p, true, w, "bos" };

	return w ? run_part(&part, err) : -1;
}

/* What apt would have noted: packages that came as somebody's dependency are not the administrator's choice. */
static int mark_automatic(const struct pkg_ctx *c, const struct pkg_plan *p,
			  struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	size_t n = 0;

	deb_apt_argv(c, "apt-mark", &argv);
	strv_add(&argv, "auto");
	for (size_t i = 0; i < p->n; i++) {
		const struct pkg_item *it = &p->v[i];
		if (it->action != PKG_INSTALL ||
		    (c->bundle && strv_has(c->bundle, it->name)))
			continue;
		strv_add(&argv, it->name);
		n++;
	}
	return n == 0 ? 0 : deb_capture(c, &argv, NULL, &out, err);
}

int deb_apply_rest(const struct pkg_ctx *c, const struct pkg_plan *p, struct err *err)
{
	_cleanup_deb_watch_ struct deb_watch *w =
		deb_watch_new(c, "packages", count_part(p, false), err);
	struct part part = { c, p, false, w, "packages" };

	if (!w || run_part(&part, err) < 0 || mark_automatic(c, p, err) < 0)
		return -1;
	return rpm_install_images(c, err);
}
