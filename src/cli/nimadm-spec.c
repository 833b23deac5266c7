/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options and objects to the specification of a job. */
#include <jansson.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "cli/client.h"
#include "cli/nimadm.h"
#include "model/object.h"
#include "model/release.h"
#include "sys/files.h"

/* --- objects --- */

static int check_usable(const struct object *o, const char *location, struct err *err)
{
	const char *state = object_get(o, "Rstate");

	if (state && !streq(state, RSTATE_READY)) {
		err_set(err, ERR_OPERATOR, "%s %s is %s", o->type, o->name, state);
		return err_remedy(err, "nim -o check %s", o->name);
	}
	if (!location) {
		err_set(err, ERR_OPERATOR, "%s %s has no location", o->type, o->name);
		return err_remedy(err, "nim -o change -a location=PATH %s", o->name);
	}
	if (files_exists(location))
		return 0;
	err_set(err, ERR_OPERATOR, "%s %s: %s is missing", o->type, o->name, location);
	return err_remedy(err, "bring it back, or nim -o remove %s and define it again",
			  o->name);
}

static int check_kind(const struct object *o, const char *location, bool directory,
		      struct err *err)
{
	if (files_is_dir(location) == directory)
		return 0;
	return err_set(err, ERR_OPERATOR, "%s %s: %s is %s", o->type, o->name, location,
		       directory ? "no directory" : "a directory, not a file");
}

/* --- resources --- */

/* One row a file resource that an option may name. */
static const struct file_resource {
	const char *option, *type;
	size_t value; /* in the options */
	size_t file;  /* in the specification */
	bool executable;
} file_resources[] = {
#define FILE_RESOURCE(option, type, value, file, executable)                             \
	{                                                                                \
		option, type, offsetof(struct nimadm_options, value),                    \
			offsetof(struct job_spec, file), executable                      \
	}
	FILE_RESOURCE("-a", "script", pre_script, pre_script, true),
	FILE_RESOURCE("-z", "script", post_script, post_script, true),
	FILE_RESOURCE("-b", "installp_bundle", bundle, bundle_file, false),
	FILE_RESOURCE("-e", "exclude_files", exclude_files, exclude_file, false),
	FILE_RESOURCE("-i", "image_data", image_data, image_data_file, false),
	FILE_RESOURCE("-o", "bosinst_data", bosinst_data, bosinst_data_file, false),
	FILE_RESOURCE("--resolv-conf", "resolv_conf", resolv_conf, resolv_conf_file,
		      false),
#undef FILE_RESOURCE
};

static const char *option_value(const struct nimadm_options *o,
				const struct file_resource *f)
{
	return *(const char *const *)((const char *)o + f->value);
}

static char **spec_slot(struct job_spec *spec, size_t offset)
{
	return (char **)((char *)spec + offset);
}

static int resolve_file(struct store *s, const struct file_resource *f, const char *name,
			char **ret, struct err *err)
{
	_cleanup_object_ struct object obj = OBJECT_INIT;

	if (nimadm_object(s, f->option, name, f->type, &obj, err) < 0)
		return -1;
	const char *location = object_get(&obj, "location");
	if (check_usable(&obj, location, err) < 0 ||
	    check_kind(&obj, location, false, err) < 0)
		return -1;
	if (f->executable && access(location, X_OK) < 0) {
		err_set(err, ERR_OPERATOR, "script %s: %s cannot be executed", name,
			location);
		return err_remedy(err, "chmod +x %s", location);
	}
	*ret = xstrdup(location);
	return 0;
}

static int fill_files(struct store *s, const struct nimadm_options *o,
		      struct job_spec *spec, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_resources); i++) {
		const struct file_resource *f = &file_resources[i];
		const char *name = option_value(o, f);
		char **slot = spec_slot(spec, f->file);

		if (!name) {
			*slot = xstrdup("");
			continue;
		}
		if (resolve_file(s, f, name, slot, err) < 0)
			return -1;
		if (!strv_has(&spec->resources, name))
			strv_add(&spec->resources, name);
	}
	return 0;
}

static int fill_image(struct store *s, const struct nimadm_options *o,
		      struct job_spec *spec, struct object *image, struct err *err)
{
	if (!o->mksysb) {
		err_set(err, ERR_USAGE, "what is to be migrated? -c CLIENT or -T MKSYSB");
		return err_remedy(err, "nimadm -c CLIENT -d DISKS -Y; lsnim lists the "
				       "clients and images");
	}
	if (nimadm_object(s, "-T", o->mksysb, "mksysb", image, err) < 0) {
		if (err->kind == ERR_NOTFOUND && files_exists(o->mksysb)) {
			*err->remedy = '\0';
			return err_remedy(err,
					  "it is a file: nim -o define -t mksysb -a "
					  "location=%s NAME, then -T NAME",
					  o->mksysb);
		}
		return -1;
	}
	const char *location = object_get(image, "location");
	if (check_usable(image, location, err) < 0 ||
	    check_kind(image, location, false, err) < 0)
		return -1;
	if (!spec->subject)
		spec->subject = xstrdup(o->mksysb);
	spec->mksysb = xstrdup(o->mksysb);
	spec->mksysb_path = xstrdup(location);
	strv_add(&spec->resources, o->mksysb);
	return 0;
}

/* A running client. */
static int fill_client(struct store *s, const struct nimadm_options *o,
		       struct job_spec *spec, struct client *client, struct err *err)
{
	if (client_find(s, o->subject, client, err) < 0)
		return -1;
	spec->subject = xstrdup(client->name);
	spec->client = xstrdup(client->name);
	spec->host = xstrdup(client->host);
	spec->ssh_port = xstrdup(client->port);
	spec->ssh_options = xstrdup(client->ssh_options);
	spec->nfs_host = xstrdup(client->nfs_host);
	spec->nfs_sec = xstrdup(client->nfs_sec);
	return 0;
}

/* -d: names of disks of the client, which only it can judge. */
static int fill_disks(const struct nimadm_options *o, struct job_spec *spec,
		      struct err *err)
{
	for (size_t i = 0; i < o->disks.n; i++) {
		const char *d = o->disks.v[i];
		if (!*d || *d == '-' || strpbrk(d, ", \t\n'\""))
			return err_set(err, ERR_USAGE, "-d: '%s' is no disk", d);
	}
	spec->disks = strv_join(&o->disks, ",");
	spec->no_bootlist = o->no_bootlist;
	spec->reboot = o->reboot;
	spec->unmirror = o->unmirror;
	return 0;
}

/* A directory resource of the target release. */
static int fill_target(struct store *s, const char *option, const char *name,
		       const char *type, char **ret_dir, char **ret_release,
		       struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (nimadm_object(s, option, name, type, &o, err) < 0)
		return -1;
	const char *location = object_get(&o, "location");
	if (check_usable(&o, location, err) < 0 ||
	    check_kind(&o, location, true, err) < 0)
		return -1;
	const char *release = object_get(&o, "release");
	const struct release *r = release ? release_find(release) : NULL;
	if (!r) {
		err_set(err, ERR_OPERATOR, "%s %s: its release '%s' is not known", type,
			name, release ? release : "");
		return err_remedy(err, "nim -o check %s", name);
	}
	*ret_dir = xstrdup(location);
	*ret_release = xstrdup(r->codename);
	return 0;
}

static int fill_targets(struct store *s, const struct nimadm_options *o,
			const struct object *source, struct job_spec *spec,
			struct err *err)
{
	_cleanup_free_ char *spot_release = NULL;

	if (nimadm_choose(s, o, source, &spec->lpp_source, &spec->spot, err) < 0)
		return -1;
	if (fill_target(s, "-l", spec->lpp_source, "lpp_source", &spec->lpp_dir,
			&spec->release, err) < 0 ||
	    fill_target(s, "-s", spec->spot, "spot", &spec->spot_dir, &spot_release,
			err) < 0)
		return -1;
	if (!streq(spec->release, spot_release)) {
		err_set(err, ERR_USAGE,
			"spot %s is of %s, lpp_source %s of %s: they do not fit",
			spec->spot, spot_release, spec->lpp_source, spec->release);
		return err_remedy(err,
				  "lsnim -t spot -a release; nim -o define -t spot -a "
				  "source=%s NAME",
				  spec->lpp_source);
	}
	strv_add(&spec->resources, spec->lpp_source);
	strv_add(&spec->resources, spec->spot);
	return 0;
}

/* --- licences and flags --- */

static int check_licenses(struct cli *cli, const struct nimadm_options *o,
			  struct err *err)
{
	const char *env = getenv("ADM_ACCEPT_LICENSES");
	bool yes = false;

	/* a preview installs nothing */
	if (o->accept_licenses || o->preview ||
	    config_get_bool(&cli->config, "accept_licenses", false))
		return 0;
	if (env && *env) {
		if (parse_bool(env, &yes, err) < 0) {
			err->kind = ERR_USAGE;
			return err_prefix(err, "ADM_ACCEPT_LICENSES");
		}
		if (yes)
			return 0;
	}
	err_set(err, ERR_USAGE, "the licences of what is installed are not accepted");
	return err_remedy(err, "add -Y, or set ADM_ACCEPT_LICENSES=yes");
}

/* Paths are stored as JSON text. */
static int check_text(const struct job_spec *spec, struct err *err)
{
	const char *const texts[] = { spec->output, spec->cache, spec->mksysb_path,
				      spec->disks };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *j = json_string(texts[i] ? texts[i] : "");
		if (!j)
			return err_set(err, ERR_USAGE, "the path %s is no UTF-8",
				       texts[i]);
		json_decref(j);
	}
	return 0;
}

static char mode_of(const struct nimadm_options *o)
{
	if (o->disks.n == 0)
		return o->clients.n > 0 ? 'E' : 'D';
	if (o->mksysb)
		return 'C';
	return o->nfs || o->nfs_direct || o->nfs_options ? 'A' : 'B';
}

int nimadm_spec(struct cli *cli, struct store *s, const struct nimadm_options *o,
		struct job_spec *ret, struct err *err)
{
	bool running = o->clients.n > 0;
	bool from_image = o->mksysb != NULL, to_disk = o->disks.n > 0;
	_cleanup_(job_spec_done) struct job_spec spec = { 0 };
	_cleanup_object_ struct object image = OBJECT_INIT;
	_cleanup_client_ struct client client = CLIENT_INIT;

	spec.mode = mode_of(o);
	if ((running && fill_client(s, o, &spec, &client, err) < 0) ||
	    ((from_image || !running) && fill_image(s, o, &spec, &image, err) < 0) ||
	    fill_disks(o, &spec, err) < 0 ||
	    (!to_disk && nimadm_output(s, o, spec.mksysb_path, &spec.output, err) < 0) ||
	    check_licenses(cli, o, err) < 0 ||
	    fill_targets(s, o, from_image ? &image : &client.object, &spec, err) < 0 ||
	    fill_files(s, o, &spec, err) < 0 ||
	    nimadm_cache(cli, s, o, &spec.cache, err) < 0 ||
	    nimadm_cache_objects(s, spec.cache, &spec.resources, err) < 0 ||
	    check_text(&spec, err) < 0)
		return -1;
	spec.nfs_options = xstrdup(o->nfs_options ? o->nfs_options : "");
	spec.output_name = xstrdup(o->name ? o->name : "");
	spec.accept_licenses = true;
	spec.update = o->update;
	spec.nfs_direct = o->nfs_direct;
	spec.force = o->force;
	spec.debug = o->debug;
	spec.keep = o->debug_shell;
	spec.verbose = o->verbose;
	*ret = spec;
	spec = (struct job_spec){ 0 };
	return 0;
}

int nimadm_spec_awake(struct cli *cli, struct store *s, const struct nimadm_options *o,
		      struct job_spec *ret, struct err *err)
{
	_cleanup_(job_spec_done) struct job_spec spec = { .mode = 'W' };
	_cleanup_client_ struct client client = CLIENT_INIT;

	if (fill_client(s, o, &spec, &client, err) < 0 || fill_disks(o, &spec, err) < 0 ||
	    nimadm_cache(cli, s, o, &spec.cache, err) < 0 ||
	    nimadm_cache_objects(s, spec.cache, &spec.resources, err) < 0 ||
	    check_text(&spec, err) < 0)
		return -1;
	spec.nfs_options = xstrdup(o->nfs_options ? o->nfs_options : "");
	spec.force = o->force;
	spec.debug = o->debug;
	spec.verbose = o->verbose;
	*ret = spec;
	spec = (struct job_spec){ 0 };
	return 0;
}

int nimadm_post_script(struct store *s, const struct nimadm_options *o, char **ret,
		       struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_resources); i++)
		if (streq(file_resources[i].option, "-z"))
			return resolve_file(s, &file_resources[i], o->post_script, ret,
					    err);
	return err_set(err, ERR_INTERNAL, "there is no option -z");
}

/* --- a job that exists --- */

static int check_same(const char *option, const char *now, const char *then,
		      const struct job *job, struct err *err)
{
	if (!now || streq(now, then))
		return 0;
	_cleanup_free_ char *ref = job_ref(job);
	err_set(err, ERR_USAGE, "job %lld was started with %s '%s', not '%s'",
		(long long)job->id, option, then, now);
	return err_remedy(err, "leave %s out, or nimadm -C %s and start again", option,
			  ref);
}

int nimadm_spec_same(struct cli *cli, struct store *s, const struct nimadm_options *o,
		     const struct job *job, struct err *err)
{
	const struct job_spec *spec = &job->spec;
	_cleanup_free_ char *output = o->output ? files_absolute(o->output) : NULL;
	_cleanup_free_ char *cache = NULL;
	_cleanup_free_ char *disks = o->disks.n > 0 ? strv_join(&o->disks, ",") : NULL;

	if (o->cache && nimadm_cache_path(cli, s, o->cache, &cache, err) < 0)
		return -1;
	if (check_same("-O", output, spec->output, job, err) < 0 ||
	    check_same("-d", disks, spec->disks, job, err) < 0 ||
	    check_same("-N", o->name, spec->output_name, job, err) < 0 ||
	    check_same("-j", cache, spec->cache, job, err) < 0 ||
	    check_same("-l", o->lpp_source, spec->lpp_source, job, err) < 0 ||
	    check_same("-s", o->spot, spec->spot, job, err) < 0)
		return -1;
	if (o->reboot && !spec->reboot)
		return check_same("-r", "yes", "no", job, err);
	if ((o->nfs || o->nfs_options) && spec->mode != 'A')
		return check_same("--nfs", "yes", "no", job, err);
	if (o->nfs_direct && !spec->nfs_direct)
		return check_same("--nfs-direct", "yes", "no", job, err);
	if (check_same("-m", o->nfs_options, spec->nfs_options, job, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(file_resources); i++) {
		const struct file_resource *f = &file_resources[i];
		_cleanup_free_ char *file = NULL;
		if (!option_value(o, f))
			continue;
		if (resolve_file(s, f, option_value(o, f), &file, err) < 0)
			return -1;
		const char *then = *(char *const *)((const char *)spec + f->file);
		if (check_same(f->option, file, then, job, err) < 0)
			return -1;
	}
	return 0;
}
