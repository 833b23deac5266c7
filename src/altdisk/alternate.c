/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three phases. */
#include "altdisk/alternate.h"

#include "altdisk/customise.h"
#include "altdisk/identity.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "ui/meter.h"

#define IMAGE_DATA_MAX ((size_t)4 << 20)

void alt_options_done(struct alt_options *o)
{
	strv_done(&o->disks);
	strv_done(&o->wipe_serials);
	packages_done(&o->packages);
}

void alternate_done(struct alternate *a)
{
	host_done(&a->host);
	state_done(&a->state);
	strv_done(&a->targets);
}

/* "1", "2", "3", "12", "23", "all" (also NULL) as a set of phases. */
static int parse_phases(const char *text, unsigned *ret, struct err *err)
{
	static const struct {
		const char *text;
		unsigned set;
	} forms[] = {
		{ "1", 1 << 1 },	   { "2", 1 << 2 },
		{ "3", 1 << 3 },	   { "12", 1 << 1 | 1 << 2 },
		{ "23", 1 << 2 | 1 << 3 }, { "all", 1 << 1 | 1 << 2 | 1 << 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (streq(forms[i].text, text ? text : "all")) {
			*ret = forms[i].set;
			return 0;
		}
	return err_set(err, ERR_USAGE, "-P %s: 1, 2, 3, 12, 23 or all", text);
}

static bool has_phase(const struct alternate *a, unsigned number)
{
	return a->phases & 1u << number;
}

static void keep_text(char **field, char *value)
{
	free(*field);
	*field = value;
}

/* Leftovers of ours on the targets may go with -F; a clone elsewhere would have the same names. */
static int check_clones(const struct alternate *a, struct err *err)
{
	for (size_t i = 0; i < a->host.n_clones; i++) {
		const struct layout *clone = &a->host.clones[i];

		for (size_t d = 0; d < clone->n_disks; d++) {
			bool ours = strv_has(&a->targets, clone->disks[d].name);

			if (a->o->force && ours)
				continue;
			err_set(err, ERR_UNFIT, "there is a clone already: on %s",
				clone->disks[d].name);
			return err_remedy(err, "alt_rootvg_op -X removes it%s",
					  ours ? "; so does -F" : "");
		}
	}
	return 0;
}

static int read_image_data(const char *path, struct layout *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (files_read(path, IMAGE_DATA_MAX, &text, err) < 0)
		return -1;
	if (layout_parse(ret, str_c(&text), text.len, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

static int plan(struct alternate *a, const struct layout *like, struct err *err)
{
	_cleanup_layout_ struct layout image_data = LAYOUT_INIT;
	bool efi = root_exists(&a->host.root, "/sys/firmware/efi") ||
		   streq(like->boot_method, "grub-efi");
	struct target_options o = { .uefi = efi,
				    .bios = !efi || streq(like->boot_method, "grub-pc"),
				    .unmirror = a->o->unmirror,
				    .any_room = a->o->no_space_check,
				    .vg_name = VG_NAME };

	if (a->o->image_data) {
		if (read_image_data(a->o->image_data, &image_data, err) < 0)
			return -1;
		o.image_data = &image_data;
	}
	return target_plan(&a->state.layout, like, &a->host.disks, &a->targets, &o, err);
}

static struct customise customise_of(const struct alternate *a, const struct root *alt)
{
	return (struct customise){
		.alt = alt,
		.run = a->host.storage.run,
		.running = a->like ? a->like : &a->host.running,
		.target = &a->state.layout,
		.events = &a->app->events,
		.disk = host_lasting_name(&a->host, &a->state.layout),
		.packages = &a->o->packages,
		.packages_dir = PACKAGES_DIR,
		.resolv_conf = a->o->resolv_conf,
		.first_boot = a->o->first_boot,
		.script = a->o->script,
	};
}

/* Everything that can be known before something is touched. */
static int check_new(struct alternate *a, const struct alt_source *src, struct err *err)
{
	const struct target_policy policy = { .force = a->o->force,
					      .wipe_serials = &a->o->wipe_serials };
	const struct layout *like = a->like ? a->like : &a->host.running;

	if (a->o->disks.n == 0)
		return err_set(err, ERR_USAGE, "-d DISK is wanted");
	if (host_resolve_disks(&a->host, &a->o->disks, &a->targets, err) < 0 ||
	    check_clones(a, err) < 0 ||
	    targets_check(&a->host.disks, &a->targets, &policy, err) < 0 ||
	    (!a->like && storage_check_source(&a->host.storage, &a->host.disks,
					      &a->host.running, err) < 0) ||
	    plan(a, like, err) < 0)
		return -1;
	if (!storage_backend_for(&a->state.layout) ||
	    !storage_backend_for(&a->host.running))
		return err_set(err, ERR_UNFIT,
			       "the root's kind of volumes is not supported");
	return 0;
}

/* Phases 2 and 3 alone: a clone that phase 1 has made. */
static int check_existing(struct alternate *a, const struct alt_source *src,
			  struct err *err)
{
	const struct layout *clone = host_wake(&a->host, &a->o->disks, err);
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (!clone || root_open(&alt, ALT_INST, err) < 0)
		return -1;
	/* What the state file remembers beyond that is kept; the clone itself decides what it is. */
	int rc = state_read(&a->state, &a->host.root, err);
	bool copying = rc == 0 && a->state.stage == STAGE_COPYING;
	layout_write(clone, &text);
	if (rc < 0 || layout_parse(&a->state.layout, str_c(&text), text.len, err) < 0)
		return -1;
	/* The mark may be one that was copied. */
	a->state.stage = copying ? STAGE_COPYING : state_mark_read(&alt);
	if (src->later && a->state.stage < STAGE_COPIED)
		a->state.stage = STAGE_COPIED;
	if (a->state.stage >= STAGE_COPIED)
		return 0;
	err_set(err, ERR_OPERATOR, "the clone on %s is not complete",
		clone->n_disks > 0 ? clone->disks[0].name : "the target");
	return err_remedy(err,
			  "alt_rootvg_op -X removes it, alt_disk_copy makes it anew");
}

static int check(struct alternate *a, const struct alt_source *src, struct err *err)
{
	struct customise c = customise_of(a, NULL);

	if (customise_check(&c, err) < 0 || host_open(&a->host, a->app, true, err) < 0)
		return -1;
	return has_phase(a, 1) ? check_new(a, src, err) : check_existing(a, src, err);
}

static int enter_stage(struct alternate *a, enum stage stage, struct err *err)
{
	a->state.stage = stage;
	return state_write(&a->state, &a->host.root, err);
}

/* The clone's own mark first: the state file is what is read when both are there, and must not run ahead. */
static int reach_stage(struct alternate *a, const struct root *alt, enum stage stage,
		       struct err *err)
{
	if (storage_note_subvolumes(alt, &a->state.layout, err) < 0 ||
	    state_mark_write(alt, stage, err) < 0)
		return -1;
	return enter_stage(a, stage, err);
}

/* GRUB boots a GPT from a BIOS as well, and only there its core has a partition of its own. */
static void say_table(const struct alternate *a)
{
	const struct layout *l = &a->host.running;

	for (size_t i = 0; i < l->n_disks; i++)
		if (streq(l->disks[i].label, "dos")) {
			events_step(&a->app->events,
				    "%s has an MBR; the clone's disks get a GPT",
				    l->disks[i].name);
			return;
		}
}

static int make_volumes(struct alternate *a, struct err *err)
{
	const struct storage *s = &a->host.storage;
	const struct storage_backend *b = storage_backend_for(&a->state.layout);

	if (storage_drop_leftovers(s, &a->host.running, err) < 0)
		return -1;
	say_table(a);
	for (size_t i = 0; i < a->host.n_clones; i++)
		if (alternate_remove(&a->host, &a->host.clones[i], err) < 0)
			return -1;
	if (enter_stage(a, STAGE_COPYING, err) < 0 ||
	    b->create(s, &a->state.layout, err) < 0 ||
	    enter_stage(a, STAGE_COPYING, err) < 0 ||
	    files_mkdirs(ALT_INST, 0755, err) < 0)
		return -1;
	return storage_mount(s, &a->state.layout, ALT_INST, err);
}

/* What is left of a phase 1 that failed is of no use, but -X needs no help to find it. */
static void put_away(struct alternate *a)
{
	struct err ignored = { 0 };

	if (host_put_away(&a->host, &a->state.layout, &ignored) < 0)
		events_warning(&a->app->events, "%s", ignored.msg);
}

/* The files are there; what follows needs to know what they are a copy of. */
static int finish_copy(struct alternate *a, const struct root *alt, struct err *err)
{
	const struct layout *running = a->like ? a->like : &a->host.running;

	if (identity_note_resume(alt, running, &a->state.layout, err) < 0)
		return -1;
	return reach_stage(a, alt, STAGE_COPIED, err);
}

static int phase1(struct alternate *a, const struct alt_source *src, struct err *err)
{
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_str_ struct str fingerprint = STR_INIT;
	char stamp[CLOCK_STAMP_LEN];

	if (fingerprint_read(&a->host.storage, &a->host.running, &a->host.disks,
			     &fingerprint, err) < 0)
		return -1;
	keep_text(&a->state.fingerprint, str_take(&fingerprint));
	keep_text(&a->state.started, xstrdup(clock_now(stamp)));
	if (make_volumes(a, err) == 0 && src->fill(a, src->arg, err) == 0 &&
	    root_open(&alt, ALT_INST, err) == 0 &&
	    (src->later || finish_copy(a, &alt, err) == 0))
		return 0;
	root_done(&alt);
	put_away(a);
	return err_remedy(err,
			  "alt_rootvg_op -X removes what is there; or again with -F");
}

/* For the role of old_rootvg, after a boot from the clone: its group, its root's UUID, that of what holds its /boot. */
static int remember_old(const struct alternate *a, const struct root *alt,
			struct err *err)
{
	const struct layout *l = &a->host.running;
	const struct layout_fs *fs = layout_find_fs(l, "/");
	const struct layout_fs *own = layout_find_fs(l, "/boot"), *boot = own ? own : fs;
	_cleanup_free_ char *text = xasprintf(
		"%s\n%s\n%s %s\n", *l->vg_name ? l->vg_name : "-", fs ? fs->uuid : "",
		boot ? boot->uuid : "", boot ? boot->mount_point : "");

	if (root_mkdirs(alt, "/etc/nimadm", 0755, err) < 0)
		return -1;
	return root_write(alt, STORAGE_OLD, text, strlen(text), 0644, err);
}

static int phase2(struct alternate *a, const struct alt_source *src, struct err *err)
{
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_strv_ struct strv devices = STRV_INIT;

	if (root_open(&alt, ALT_INST, err) < 0)
		return -1;
	struct customise c = customise_of(a, &alt);
	alternate_devices(&a->state.layout, &devices);
	c.devices = &devices;
	if (customise_run(&c, err) < 0 || remember_old(a, &alt, err) < 0)
		return -1;
	return reach_stage(a, &alt, STAGE_CUSTOMISED, err);
}

/* The running disks must be what they were. */
static int check_fingerprint(struct alternate *a, struct err *err)
{
	_cleanup_str_ struct str now = STR_INIT;

	if (!a->state.fingerprint || *a->state.fingerprint == '\0') {
		events_warning(
			&a->app->events,
			"what the running disks were before phase 1 is not known any more: not compared");
		return 0;
	}
	events_step(&a->app->events, "Comparing the running disks with what they were");
	if (host_refresh(&a->host, err) < 0 ||
	    fingerprint_read(&a->host.storage, &a->host.running, &a->host.disks, &now,
			     err) < 0)
		return -1;
	return fingerprint_compare(a->state.fingerprint, str_c(&now), err);
}

static int set_bootlist(struct alternate *a, struct err *err)
{
	struct bootlist_ctx c = host_bootlist(&a->host);
	_cleanup_strv_ struct strv disks = STRV_INIT;

	strv_add(&disks, a->state.layout.boot_disk);
	if (a->host.running.boot_disk && *a->host.running.boot_disk)
		strv_add(&disks, a->host.running.boot_disk);
	events_step(&a->app->events, "Setting the boot list: %s", disks.v[0]);
	return bootlist_set(&c, &disks, err);
}

static int phase3(struct alternate *a, const struct alt_source *src, struct err *err)
{
	_cleanup_root_ struct root alt = ROOT_INIT;
	struct alt_boot b = { &a->host, &a->app->events, &a->state.layout,
			      a->o->no_boot_check };

	if (a->state.stage < STAGE_CUSTOMISED) {
		err_set(err, ERR_OPERATOR, "the clone's files still name other disks");
		return err_remedy(err, "run phase 2 first: -P 23");
	}
	if (alternate_make_bootable(&b, err) < 0 || root_open(&alt, ALT_INST, err) < 0 ||
	    reach_stage(a, &alt, STAGE_READY, err) < 0)
		return -1;
	root_done(&alt);
	events_step(&a->app->events, "Putting the clone to sleep");
	if (host_sleep(&a->host, &a->state.layout, err) < 0 ||
	    check_fingerprint(a, err) < 0)
		return -1;
	return a->o->no_bootlist ? 0 : set_bootlist(a, err);
}

struct phase {
	const char *name, *title;
	unsigned weight; /* its share of the whole */
	int (*run)(struct alternate *a, const struct alt_source *src, struct err *err);
};
static const struct phase phases[] = {
	[1] = { "clone", NULL, 85, phase1 },
	[2] = { "customise", "Customising the clone", 3, phase2 },
	[3] = { "boot", "Making the clone bootable", 12, phase3 },
};

static int run_phase(struct alternate *a, unsigned number, const struct alt_source *src,
		     struct err *err)
{
	const struct phase *p = &phases[number];
	struct events *evs = &a->app->events;
	struct event begin = { .type = EVENT_PHASE_BEGIN,
			       .text = p->title ? p->title : src->title };
	double since = clock_mono();

	evs->phase = (int)number;
	evs->phase_name = p->name;
	events_emit(evs, &begin);
	int rc = p->run(a, src, err);
	struct event end = { .type = EVENT_PHASE_END,
			     .state = rc < 0 ? "failed" : "done",
			     .seconds = clock_mono() - since,
			     .text = rc < 0 && err ? err->msg : NULL };
	events_emit(evs, &end);
	evs->phase_name = NULL;
	return rc;
}

/* Phases that were not asked for have no share. */
static void show_events(struct alternate *a)
{
	unsigned weights[METER_PHASES] = { 0 };

	for (unsigned n = 1; n < ARRAY_SIZE(phases); n++)
		weights[n] = has_phase(a, n) ? phases[n].weight : 0;
	app_show_events(a->app, a->o->verbose, weights);
}

static int reboot_now(struct alternate *a, struct err *err)
{
	static const char *const argv[] = { "shutdown", "-r", "now", NULL };
	struct proc_spec spec = { .argv = argv, .timeout_s = 60 };

	return runner_check(a->host.storage.run, &spec, err);
}

int alternate_run(struct alternate *a, const struct alt_source *src, struct err *err)
{
	if (parse_phases(a->o->phases, &a->phases, err) < 0)
		return -1;
	if (a->o->no_bootlist && a->o->reboot)
		return err_set(err, ERR_USAGE, "-B and -r cannot be given together");
	if (a->o->reboot && !has_phase(a, 3))
		return err_set(err, ERR_USAGE, "-r goes with phase 3");
	if (a->o->debug)
		app_trace_commands();
	a->like = src->like;
	show_events(a);
	if (check(a, src, err) < 0)
		return -1;
	if (a->o->preview)
		return 0;
	for (unsigned n = 1; n < ARRAY_SIZE(phases); n++)
		if (has_phase(a, n) && run_phase(a, n, src, err) < 0)
			return -1;
	return a->o->reboot ? reboot_now(a, err) : 0;
}
