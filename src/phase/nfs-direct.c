/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing through NFS: what it loses, and how that is put back. */
#include "phase/nfs-direct.h"

#include <fcntl.h>
#include <unistd.h>

#include "phase/disk.h"
#include "phase/nfs.h"
#include "sys/files.h"
#include "sys/written.h"

/* One a mounted part, as old as the mount: syncfs(2) tells each descriptor once of what could not be written. Of this
 * process, as the mounts are. */
static int *watched;
static size_t n_watched;

bool nfs_is_direct(const struct job *job)
{
	return nfs_is_in(job) && job->spec.nfs_direct;
}

void nfs_direct_preflight(const struct phase_ctx *c, struct findings *fs)
{
	findings_add(
		fs, "nfs.direct", FINDING_WARN,
		"NFS carries neither capabilities nor ACLs nor inode flags",
		"what the clone has of them is put back in phase 9; what new packages "
		"would set is not, and their scripts may fall back to setuid",
		"look at what the job says in phase 9, or use --nfs, which keeps them all");
	if (*c->job->spec.image_data_file)
		findings_add(
			fs, "nfs.direct.layout", FINDING_INHIBIT,
			"The clone is to have other file systems than the client",
			"with --nfs-direct the old system is read from the running one",
			"migrate without -i, or with --nfs");
}

/* --- attributes, on the client --- */

static int attributes(const struct phase_ctx *c, struct transport *t, const char *what,
		      const char *manifest, struct err *err)
{
	_cleanup_free_ char *file = xasprintf("/var/lib/nimadm/job-%lld.attributes",
					      (long long)c->job->id);
	_cleanup_strv_ struct strv args = STRV_INIT;

	strv_add_all(&args, "tree-attributes", "--json", what, NULL);
	if (manifest)
		strv_add(&args, manifest);
	strv_add_all(&args, file, DISK_ALT_INST, NULL);
	const struct client_call call = { .args = strv_argv(&args), .events = c->events };
	return client_run(t, &call, err);
}

/* Once: what is unlocked has lost its flags. */
static int save(const struct phase_ctx *c, struct transport *t, struct err *err)
{
	_cleanup_free_ char *manifest = xasprintf("/var/lib/nimadm/job-%lld.base",
						  (long long)c->job->id);

	if (json_is_true(common_fact(c, "attributes_saved")))
		return 0;
	if (disk_base(c, t, err) < 0)
		return -1;
	events_step(c->events, "Keeping what NFS does not carry");
	if (attributes(c, t, "--save", manifest, err) < 0)
		return -1;
	return common_fact_set(c, "attributes_saved", json_true(), err);
}

int nfs_direct_save(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0 || disk_wake(c, t, err) < 0 ||
	    save(c, t, err) < 0 || attributes(c, t, "--unlock", NULL, err) < 0)
		return -1;
	return common_fact_set(c, "attributes", json_true(), err);
}

/* --- what was written --- */

static char *record_of(const struct job *job)
{
	return xasprintf("%s/written", job->dir);
}

static void forget(void)
{
	for (size_t i = 0; i < n_watched; i++)
		close_p(&watched[i]);
	free(watched);
	watched = NULL;
	n_watched = 0;
}

int nfs_direct_watch(const struct job *job, const struct parts *parts, struct err *err)
{
	if (watched)
		return 0;
	watched = xcalloc(parts->n, sizeof(*watched));
	for (size_t i = 0; i < parts->n; i++) {
		_cleanup_free_ char *place = xasprintf("%s%s", job->alt_inst,
						       parts->v[i].path);
		watched[i] = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		n_watched = i + 1;
		if (watched[i] >= 0)
			continue;
		err_set_errno(err, ERR_OPERATOR, "cannot open %s", place);
		forget();
		return -1;
	}
	return 0;
}

static int check(const struct job *job, struct err *err)
{
	_cleanup_free_ char *record = record_of(job);

	return written_check(record, "the clone", err);
}

int nfs_direct_begin(const struct job *job, struct err *err)
{
	_cleanup_free_ char *record = record_of(job);

	return check(job, err) < 0 ? -1 : written_begin(record, err);
}

int nfs_direct_sync(const struct job *job, struct err *err)
{
	_cleanup_free_ char *record = record_of(job);
	struct err second = { 0 };

	if (!watched || !files_exists(record))
		return 0;
	for (size_t i = 0; i < n_watched; i++) {
		if (syncfs(watched[i]) == 0)
			continue;
		err_set_errno(err, ERR_OPERATOR,
			      "not all that was written has reached the client");
		/* without the word, the record still says that this boot writes */
		if (written_lost(record, &second) < 0)
			return err_prefix(err, "%s", second.msg);
		return err_remedy(err,
				  "clean the job up with nimadm -C and start it again");
	}
	return check(job, err) < 0 ? -1 : written_end(record, err);
}

int nfs_direct_detach(const struct job *job, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	forget();
	parts_of_job(job, &parts);
	return parts_detach(&parts, job->alt_inst, err);
}

/* --- phase 9 --- */

/* What the NFS client names files that are removed while they are open goes with the last who has them open, but not when all
 * of it ends at once. */
static int remove_leftovers(struct transport *t, struct err *err)
{
	return transport_script(t,
				"find " DISK_ALT_INST
				" -type f -regex '.*/\\.nfs[0-9a-f]\\{24\\}' -delete",
				0, NULL, err);
}

static int restore(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0 || disk_wake(c, t, err) < 0 ||
	    remove_leftovers(t, err) < 0)
		return -1;
	events_step(c->events, "Putting back what NFS does not carry");
	return attributes(c, t, "--restore", NULL, err);
}

int nfs_direct_finish(const struct phase_ctx *c, struct err *err)
{
	if (common_fact_set(c, "restored", json_false(), err) < 0 ||
	    check(c->job, err) < 0 || nfs_direct_sync(c->job, err) < 0 ||
	    common_detach(c, err) < 0 || nfs_end(c->job, err) < 0 ||
	    nfs_is_gone(c, err) < 0 || restore(c, err) < 0)
		return -1;
	return common_fact_set(c, "restored", json_true(), err);
}
