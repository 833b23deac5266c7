/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the job that the command line means. */
#include "cli/nimadm.h"

int nimadm_object(struct store *s, const char *option, const char *name, const char *type,
		  struct object *ret, struct err *err)
{
	if (store_object_get(s, name, type, ret, err) == 0)
		return 0;
	if (err->kind == ERR_OPERATOR)
		err->kind = ERR_USAGE;
	return err_prefix(err, "%s", option);
}

static int name_unfinished(struct store *s, const char *verb, struct err *err)
{
	_cleanup_str_ struct str list = STR_INIT;
	struct job_row *rows = NULL;
	size_t n = 0;

	if (store_job_list_unfinished(s, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		str_addf(&list, "%s%lld (%s)", list.len ? ", " : "",
			 (long long)rows[i].id, rows[i].subject);
		job_row_done(&rows[i]);
	}
	free(rows);
	err_set(err, ERR_USAGE,
		"%s wants to know which job: -c CLIENT, -T MKSYSB or --job NUMBER", verb);
	return err_remedy(err, "unfinished jobs: %s", list.len ? str_c(&list) : "none");
}

/* A client or image without a job, or none at all. */
static int no_job(struct store *s, const char *name, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (strchr(name, '@'))
		return 1;
	return store_object_get(s, name, NULL, &o, err) < 0 ? -1 : 1;
}

int nimadm_find(struct store *s, const struct nimadm_options *o, enum nimadm_which which,
		const char *verb, struct job_row *ret, struct err *err)
{
	int r = 1;

	if (o->job) {
		if (o->job > INT64_MAX)
			return err_set(err, ERR_NOTFOUND, "there is no job %llu",
				       (unsigned long long)o->job);
		if (store_job_get(s, (int64_t)o->job, ret, err) < 0)
			return -1;
		if (!o->subject || streq(o->subject, ret->subject))
			return 0;
		return err_set(err, ERR_USAGE, "job %lld is of %s, not of %s",
			       (long long)ret->id, ret->subject, o->subject);
	}
	if (!o->subject)
		return name_unfinished(s, verb, err);
	if (which == NIMADM_UNFINISHED)
		r = store_job_find_open(s, o->subject, ret, err);
	if (r == 1)
		r = store_job_find_last(s, o->subject, ret, err);
	return r == 1 ? no_job(s, o->subject, err) : r;
}
