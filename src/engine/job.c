/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job's specification as JSON, and the places of its files. */
#include "engine/job.h"

#include "model/json.h"
#include "store/store.h"

/* One row a text field of the specification; the JSON names are those of the long options. */
static const struct text_field {
	const char *name;
	size_t offset;
} text_fields[] = {
#define TEXT(field, json)                                                                \
	{                                                                                \
		json, offsetof(struct job_spec, field)                                   \
	}
	TEXT(subject, "subject"),
	TEXT(lpp_source, "lpp-source"),
	TEXT(lpp_dir, "lpp-dir"),
	TEXT(release, "release"),
	TEXT(spot, "spot"),
	TEXT(spot_dir, "spot-dir"),
	TEXT(mksysb, "mksysb"),
	TEXT(mksysb_path, "mksysb-path"),
	TEXT(disks, "disks"),
	TEXT(client, "client"),
	TEXT(host, "host"),
	TEXT(ssh_port, "ssh-port"),
	TEXT(ssh_options, "ssh-options"),
	TEXT(output, "output"),
	TEXT(output_name, "name"),
	TEXT(cache, "cache"),
	TEXT(nfs_options, "nfs-options"),
	TEXT(nfs_host, "nfs-host"),
	TEXT(nfs_sec, "nfs-sec"),
	TEXT(pre_script, "pre-script"),
	TEXT(post_script, "post-script"),
	TEXT(bundle_file, "bundle"),
	TEXT(exclude_file, "exclude-files"),
	TEXT(image_data_file, "image-data"),
	TEXT(bosinst_data_file, "bosinst-data"),
	TEXT(resolv_conf_file, "resolv-conf"),
#undef TEXT
};

static const struct bool_field {
	const char *name;
	size_t offset;
} bool_fields[] = {
#define BOOL(field, json)                                                                \
	{                                                                                \
		json, offsetof(struct job_spec, field)                                   \
	}
	BOOL(accept_licenses, "accept-licenses"),
	BOOL(update, "update"),
	BOOL(force, "force"),
	BOOL(debug, "debug"),
	BOOL(keep, "keep"),
	BOOL(verbose, "verbose"),
	BOOL(no_bootlist, "no-bootlist"),
	BOOL(reboot, "reboot"),
	BOOL(unmirror, "unmirror"),
	BOOL(nfs_direct, "nfs-direct"),
#undef BOOL
};

static char **text_of(struct job_spec *s, const struct text_field *f)
{
	return (char **)((char *)s + f->offset);
}

static const char *const_text_of(const struct job_spec *s, const struct text_field *f)
{
	return *(char *const *)((const char *)s + f->offset);
}

void job_spec_done(struct job_spec *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_fields); i++)
		free(*text_of(s, &text_fields[i]));
	strv_done(&s->resources);
	*s = (struct job_spec){ 0 };
}

json_t *job_spec_to_json(const struct job_spec *s)
{
	const char mode[] = { s->mode, '\0' };
	json_t *j = json_object();

	json_object_set_new(j, "mode", json_string(mode));
	for (size_t i = 0; i < ARRAY_SIZE(text_fields); i++) {
		const char *text = const_text_of(s, &text_fields[i]);
		json_object_set_new(j, text_fields[i].name,
				    json_string(text ? text : ""));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bool_fields); i++) {
		bool on = *(const bool *)((const char *)s + bool_fields[i].offset);
		json_object_set_new(j, bool_fields[i].name, json_boolean(on));
	}
	json_object_set_new(j, "resources", json_from_strv(&s->resources));
	return j;
}

int job_spec_from_json(struct job_spec *s, const json_t *j, struct err *err)
{
	const char *mode = json_string_value(json_object_get(j, "mode"));

	*s = (struct job_spec){ 0 };
	if (!mode || strlen(mode) != 1)
		return err_set(err, ERR_INTERNAL, "the job's specification has no mode");
	s->mode = *mode;
	/* a field that an older program did not write yet is empty */
	for (size_t i = 0; i < ARRAY_SIZE(text_fields); i++)
		*text_of(s,
			 &text_fields[i]) = xstrdup(json_field(j, text_fields[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(bool_fields); i++)
		*(bool *)((char *)s + bool_fields[i].offset) =
			json_is_true(json_object_get(j, bool_fields[i].name));
	json_to_strv(json_object_get(j, "resources"), &s->resources);
	return 0;
}

static json_t *parse_object(const char *text, const char *what, int64_t id,
			    struct err *err)
{
	json_error_t je;
	json_t *j = json_loads(text && *text ? text : "{}", 0, &je);

	if (json_is_object(j))
		return j;
	json_decref(j);
	err_set(err, ERR_INTERNAL, "job %lld: its %s can not be read: %s", (long long)id,
		what, je.text);
	return NULL;
}

static void fill_paths(struct job *j, const char *state_dir)
{
	long long id = j->id;

	j->state_dir = xstrdup(state_dir);
	j->dir = xasprintf("%s/nimadm-job-%lld", j->spec.cache, id);
	j->lower = xasprintf("%s/lower", j->dir);
	j->upper = xasprintf("%s/upper", j->dir);
	j->work = xasprintf("%s/work", j->dir);
	j->alt_inst = j->spec.mode == 'W'
			      ? xasprintf("%s/alt_inst/%s", state_dir, j->spec.subject)
			      : xasprintf("%s/alt_inst", j->dir);
	j->facts_root = xasprintf("%s/facts", j->dir);
	j->image = strchr("ABEW", j->spec.mode) ? xasprintf("%s/client.mksysb", j->dir)
						: xstrdup(j->spec.mksysb_path);
	j->facts_image = xasprintf("%s/facts.mksysb", j->dir);
	j->report_dir = xasprintf("%s/report/%lld", state_dir, id);
	j->log_dir = xasprintf("%s/log/%s", state_dir, j->spec.subject);
}

int job_init(struct job *j, const char *state_dir, int64_t id, const char *spec_json,
	     const char *facts_json, struct err *err)
{
	json_t *spec = parse_object(spec_json, "specification", id, err);

	*j = (struct job){ .id = id };
	if (!spec)
		return -1;
	int r = job_spec_from_json(&j->spec, spec, err);
	json_decref(spec);
	if (r < 0)
		return err_prefix(err, "job %lld", (long long)id);
	fill_paths(j, state_dir);
	j->facts = parse_object(facts_json, "facts", id, err);
	return j->facts ? 0 : -1;
}

void job_done(struct job *j)
{
	char *const owned[] = { j->state_dir,	j->dir,	       j->lower,      j->upper,
				j->work,	j->alt_inst,   j->facts_root, j->image,
				j->facts_image, j->report_dir, j->log_dir };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	json_decref(j->facts);
	job_spec_done(&j->spec);
	*j = (struct job){ 0 };
}

char *job_ref(const struct job *j)
{
	if (j->spec.client && *j->spec.client)
		return xasprintf("-c %s", j->spec.client);
	if (j->spec.mksysb && *j->spec.mksysb)
		return xasprintf("-T %s", j->spec.mksysb);
	return xasprintf("--job %lld", (long long)j->id);
}

int job_save_facts(struct job *j, struct store *s, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(j->facts, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return err_set(err, ERR_INTERNAL,
			       "job %lld: its facts can not be written",
			       (long long)j->id);
	return store_job_set_facts(s, j->id, text, err);
}
