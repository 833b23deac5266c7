/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm: migrates a system to its next release on a copy. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/nimadm.h"

#define AT(field) offsetof(struct nimadm_options, field)

static const struct opt options[] = {
	{ "mksysb", 'T', OPT_STRING, AT(mksysb), "NAME",
	  "The image to migrate: a mksysb object." },
	{ "output", 'O', OPT_STRING, AT(output), "FILE",
	  "The file to write the migrated image to." },
	{ "name", 'N', OPT_STRING, AT(name), "NAME",
	  "Define the new image as a mksysb object of this name." },
	{ "lpp-source", 'l', OPT_STRING, AT(lpp_source), "NAME",
	  "The packages of the target release." },
	{ "spot", 's', OPT_STRING, AT(spot), "NAME", "The tools of the target release." },
	{ "cache", 'j', OPT_STRING, AT(cache), "CACHE",
	  "Where the working tree is kept while the job runs: a cache object, a volume group, or a directory." },
	{ "accept-licenses", 'Y', OPT_FLAG, AT(accept_licenses), NULL,
	  "Accept the licences of everything that is installed." },
	{ "pre-script", 'a', OPT_STRING, AT(pre_script), "NAME",
	  "Script to run in phase 4." },
	{ "post-script", 'z', OPT_STRING, AT(post_script), "NAME",
	  "Script to run in phase 7." },
	{ "bundle", 'b', OPT_STRING, AT(bundle), "NAME",
	  "Install the packages of this installp_bundle as well." },
	{ "exclude-files", 'e', OPT_STRING, AT(exclude_files), "NAME",
	  "Leave files that match these patterns out of the new image." },
	{ "image-data", 'i', OPT_STRING, AT(image_data), "NAME",
	  "Use this layout instead of the image's own." },
	{ "bosinst-data", 'o', OPT_STRING, AT(bosinst_data), "NAME",
	  "Use these install settings instead of the image's own." },
	{ "resolv-conf", 0, OPT_STRING, AT(resolv_conf), "NAME",
	  "Put this resolv.conf into the new image." },
	{ "phases", 'P', OPT_STRING, AT(phases), "LIST",
	  "Run only these phases: 5, 4-8, 1,2,3." },
	{ "preview", 'p', OPT_FLAG, AT(preview), NULL,
	  "Run the pre-flight only; with -M, only say what would change." },
	{ "resume", 0, OPT_FLAG, AT(resume), NULL,
	  "Go on with an interrupted job, from the first phase that is not proven." },
	{ "cleanup", 'C', OPT_FLAG, AT(cleanup), NULL,
	  "Take a job back; may be called at any time." },
	{ "sync-level", 'M', OPT_FLAG, AT(sync_level), NULL,
	  "Bring the spot and the lpp_source to one level." },
	{ "update", 'U', OPT_FLAG, AT(update), NULL,
	  "Allow an update within the release." },
	{ "force", 'F', OPT_FLAG, AT(force), NULL,
	  "Break the lock of an owner that is gone; overwrite the output file." },
	{ "debug-shell", 'E', OPT_FLAG, AT(debug_shell), NULL,
	  "When a phase fails, open a shell in the alternate root; keep the cache." },
	{ "debug", 'D', OPT_FLAG, AT(debug), NULL,
	  "Log every command; keep the working tree." },
	{ "verbose", 'V', OPT_FLAG, AT(verbose), NULL, "Show what the tools print." },
	{ "job", 0, OPT_NUMBER, AT(job), "NUMBER",
	  "The job to resume, clean up or show." },
	{ "status", 0, OPT_FLAG, AT(status), NULL, "Show jobs and their phases." },
	{ "report", 0, OPT_FLAG, AT(report), NULL, "Say where a job's report is." },
	{ "jobs", 0, OPT_NUMBER, AT(jobs), "N",
	  "Several clients: work on so many at a time; else as many as there are processors." },
	{ "watch", 0, OPT_FLAG, AT(watch), NULL,
	  "Show the unfinished jobs on the whole screen and what becomes of them; q ends it." },
	{ "worker", 0, OPT_STRING, AT(worker), "CLIENT",
	  "Work on this one of the clients only: how nimadm calls itself for several." },
	{ "json", 0, OPT_FLAG, AT(json), NULL,
	  "Print events as JSON, one object a line: nimadm-events(5)." },
	{ "client", 'c', OPT_WORDS, AT(clients), "CLIENT,...",
	  "The running client to migrate: a machine object, or USER@HOST." },
	{ "disks", 'd', OPT_WORDS, AT(disks), "DISK,...",
	  "The client's disks that the migrated system is to boot from." },
	{ "nfs", 0, OPT_FLAG, AT(nfs), NULL,
	  "Read the client's clone over NFS instead of pulling it into the cache." },
	{ "nfs-direct", 0, OPT_FLAG, AT(nfs_direct), NULL,
	  "The same, and write to the clone through NFS, as the original does." },
	{ "nfs-options", 'm', OPT_STRING, AT(nfs_options), "OPTIONS",
	  "The same, mounted with these options as well: rsize=65536,noac." },
	{ "no-bootlist", 'B', OPT_FLAG, AT(no_bootlist), NULL,
	  "Leave the client's boot list alone." },
	{ "reboot", 'r', OPT_FLAG, AT(reboot), NULL,
	  "Reboot the client at the end, wait for it, and see that all is well." },
	{ "unmirror", 0, OPT_FLAG, AT(unmirror), NULL,
	  "Make plain volumes on -d's disks where the client has mirrored ones." },
	{ "wake", 'W', OPT_FLAG, AT(wake), NULL,
	  "Wake the client's alternate root up and mount it here; -z: run a script there." },
	{ "sleep", 'S', OPT_FLAG, AT(sleep), NULL,
	  "Bring back what was written there, and put it to sleep." },
	{ "no-mount", 0, OPT_FLAG, AT(no_mount), NULL,
	  "With -W: wake it up on the client alone, at /alt_inst there." },
	{ "hold", 0, OPT_FLAG, AT(hold), NULL,
	  "Hold what -W has mounted, of --job: how nimadm calls itself for that." },
	{ "rollback", 0, OPT_FLAG, AT(rollback), NULL,
	  "Put the client's old disks first in its boot list again; -r: boot them." },
};

static const char *const synopsis[] = {
	"-T MKSYSB -O FILE [-N NAME] [-l LPP_SOURCE] [-s SPOT] [-j CACHE] -Y [OPTIONS]",
	"-c CLIENT -d DISKS [-j CACHE] [--nfs | --nfs-direct] [-l LPP_SOURCE] [-s SPOT] -Y [-B] [OPTIONS]",
	"-T MKSYSB -c CLIENT -d DISKS [-j CACHE] [-l LPP_SOURCE] [-s SPOT] -Y [-B] [OPTIONS]",
	"-c CLIENT -O FILE [-N NAME] [-l LPP_SOURCE] [-s SPOT] [-j CACHE] -Y [OPTIONS]",
	"-p {-T MKSYSB | -c CLIENT} -O FILE ...",
	"--resume [-P PHASES] {-T MKSYSB | -c CLIENT | --job NUMBER}",
	"-C {-T MKSYSB | -c CLIENT | --job NUMBER}",
	"-W -c CLIENT [-d DISKS] [-z SCRIPT | --no-mount] [-m OPTIONS] [-j CACHE]",
	"-S -c CLIENT [-d DISKS]",
	"--rollback [-r] -c CLIENT",
	"-M -s SPOT -l LPP_SOURCE [-p]",
	"--status [-T MKSYSB | -c CLIENT | --job NUMBER] [--json]",
	NULL,
};

static const char *const notes[] = {
	"Exit status: 0 done; 1 failed, can be resumed; 2 wrong command line, nothing was "
	"touched; 3 inhibited by the pre-flight, nothing was touched; 4 locked by another "
	"job; 5 no such object.",
	NULL,
};

static const struct opt_program program = {
	.name = "nimadm",
	.synopsis = synopsis,
	.about =
		"Migrates a system to its next release on a copy: an image (mksysb) of a "
		"system, or a running client, becomes an image of the same system on the "
		"next release, or boots from other disks of the client. The disks it runs "
		"from are only read.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

/* What decides where and how the mount goes is ours. */
static int check_nfs_options(const char *text, struct err *err)
{
	static const char known[] =
		"rsize timeo retrans actimeo acregmin acregmax acdirmin acdirmax ac noac "
		"cto nocto";
	_cleanup_strv_ struct strv can = STRV_INIT;
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&can, known, " ");
	strv_split(&words, text, ",");
	for (size_t i = 0; i < words.n; i++) {
		const char *word = words.v[i];
		_cleanup_free_ char *name = xstrndup(word, strcspn(word, "="));
		const char *value = word + strlen(name);

		if (strv_has(&can, name) &&
		    (!*value ||
		     (value[1] && !value[1 + strspn(value + 1, "0123456789")])))
			continue;
		err_set(err, ERR_USAGE, "-m: '%s' cannot be given here", word);
		return err_remedy(err, "these can: %s", known);
	}
	return 0;
}

static int check_nfs(const struct nimadm_options *o, bool fresh, struct err *err)
{
	const char *option = o->nfs_options  ? "-m"
			     : o->nfs_direct ? "--nfs-direct"
					     : "--nfs";

	if (!o->nfs && !o->nfs_direct && !o->nfs_options)
		return 0;
	bool mounts = o->wake && !o->no_mount && !o->nfs && o->clients.n > 0;
	if (!mounts && (!fresh || o->disks.n == 0 || o->mksysb))
		return err_set(err, ERR_USAGE, "%s goes with -c CLIENT -d DISKS", option);
	return o->nfs_options ? check_nfs_options(o->nfs_options, err) : 0;
}

static int check_unmirror(const struct nimadm_options *o, bool fresh, struct err *err)
{
	if (!o->unmirror || (fresh && o->disks.n > 0))
		return 0;
	return err_set(err, ERR_USAGE, "--unmirror goes with -c CLIENT -d DISKS");
}

/* -r: a client is rebooted that has new disks to boot, or goes back to its old ones. */
static int check_reboot(const struct nimadm_options *o, bool fresh, struct err *err)
{
	if (!o->reboot || o->rollback || o->resume)
		return 0;
	if (!fresh)
		return err_set(err, ERR_USAGE,
			       "-r goes with -c CLIENT -d DISKS, or --rollback");
	if (o->clients.n == 0 || o->disks.n == 0)
		return err_set(err, ERR_USAGE, "-r goes with -c CLIENT -d DISKS");
	if (!o->no_bootlist)
		return 0;
	err_set(err, ERR_USAGE, "-B and -r cannot be given together");
	return err_remedy(err,
			  "without the boot list the client would boot its old disk");
}

static int check_wake(const struct nimadm_options *o, struct err *err)
{
	if (o->hold && !o->job)
		return err_set(err, ERR_USAGE, "--hold wants --job NUMBER");
	if (!o->no_mount)
		return 0;
	if (!o->wake)
		return err_set(err, ERR_USAGE, "--no-mount goes with -W");
	if (!o->post_script)
		return 0;
	err_set(err, ERR_USAGE, "-z and --no-mount cannot be given together");
	return err_remedy(err, "the script runs where the clone is mounted here");
}

/* Client, disks, image and output file must make a mode. */
static int check_mode(const struct nimadm_options *o, bool fresh, struct err *err)
{
	bool client = o->clients.n > 0, disks = o->disks.n > 0;

	if (check_wake(o, err) < 0 || check_nfs(o, fresh, err) < 0 ||
	    check_unmirror(o, fresh, err) < 0 || check_reboot(o, fresh, err) < 0)
		return -1;
	if ((disks || o->no_bootlist || o->wake || o->sleep || o->rollback) && !client) {
		err_set(err, ERR_USAGE, "%s wants -c CLIENT",
			disks	      ? "-d"
			: o->wake     ? "-W"
			: o->sleep    ? "-S"
			: o->rollback ? "--rollback"
				      : "-B");
		return err_remedy(err, "lsnim -t standalone lists the machines");
	}
	if (!fresh || !client)
		return 0;
	if (disks && (o->output || o->name))
		return err_set(err, ERR_USAGE, "-d and %s cannot be given together",
			       o->output ? "-O" : "-N");
	if (disks)
		return 0;
	if (o->no_bootlist)
		return err_set(err, ERR_USAGE, "-B goes with -d DISKS");
	if (o->mksysb) {
		err_set(err, ERR_USAGE,
			"-d is missing: the disks that the image goes to");
		return err_remedy(err,
				  "-T NAME alone migrates an image, -c NAME a client");
	}
	if (o->output)
		return 0;
	err_set(err, ERR_USAGE, "where to? -d DISKS of the client, or -O FILE");
	return err_remedy(err, "nimadm -c %s -d DISKS -j CACHE -Y", o->clients.v[0]);
}

static int check(const struct nimadm_options *o, const struct strv *args, struct err *err)
{
	const struct {
		bool given;
		const char *option;
	} actions[] = {
		{ o->cleanup, "-C" },	   { o->sync_level, "-M" },
		{ o->resume, "--resume" }, { o->status, "--status" },
		{ o->report, "--report" }, { o->wake, "-W" },
		{ o->sleep, "-S" },	   { o->rollback, "--rollback" },
		{ o->hold, "--hold" },
	};
	const char *first = NULL;

	if (args->n) {
		err_set(err, ERR_USAGE, "unexpected argument '%s'", args->v[0]);
		return err_remedy(err,
				  "the image is named with -T: nimadm -T %s -O FILE -Y",
				  args->v[0]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!actions[i].given)
			continue;
		if (first)
			return err_set(err, ERR_USAGE,
				       "%s and %s cannot be given together", first,
				       actions[i].option);
		first = actions[i].option;
	}
	if (first && o->phases && !o->resume)
		return err_set(err, ERR_USAGE, "%s and -P cannot be given together",
			       first);
	if (o->preview && (o->phases || (first && !o->sync_level)))
		return err_set(err, ERR_USAGE, "-p and %s cannot be given together",
			       first ? first : "-P");
	return check_mode(o, !first && !o->job, err);
}

/* Groups become machines. One of them is what a file can hold. */
static int choose_subject(struct cli *cli, struct nimadm_options *o, struct err *err)
{
	struct store *s = o->clients.n > 0 ? cli_store(cli, err) : NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (o->clients.n > 0) {
		if (!s || client_expand(s, &o->clients, &names, err) < 0)
			return -1;
		strv_done(&o->clients);
		o->clients = names;
		names = (struct strv)STRV_INIT;
	}
	if (nimadm_many_check(o, err) < 0)
		return -1;
	o->subject = o->clients.n > 0 ? o->clients.v[0] : o->mksysb;
	if (o->subject)
		o->ref = xasprintf("%s %s", o->clients.n > 0 ? "-c" : "-T", o->subject);
	return 0;
}

static int dispatch(struct cli *cli, struct nimadm_options *o, const struct strv *args,
		    char *const *argv)
{
	struct err err = { 0 };
	int rc = check(o, args, &err);

	if (rc == 0)
		rc = choose_subject(cli, o, &err);
	if (rc < 0)
		return cli_exit(rc, &err);
	if (o->watch)
		return cli_exit(nimadm_watch(cli, &err), &err);
	if (o->clients.n > 1 && !o->status && !o->report)
		return nimadm_many(cli, o, argv + 1);
	if (o->cleanup)
		return nimadm_cleanup(cli, o);
	if (o->resume)
		return nimadm_resume(cli, o);
	if (o->sync_level)
		return nimadm_level(cli, o);
	if (o->wake || o->sleep)
		return nimadm_wake(cli, o);
	if (o->hold)
		return nimadm_hold(cli, o);
	if (o->rollback)
		return cli_exit(nimadm_rollback(cli, o, &err), &err);
	if (!o->status && !o->report)
		return nimadm_migrate(cli, o);
	rc = o->status ? nimadm_status(cli, o, &err) : nimadm_report(cli, o, &err);
	return cli_exit(rc, &err);
}

static int run(int argc, char **argv)
{
	struct nimadm_options o = { 0 };
	_cleanup_(cli_done) struct cli cli = { 0 };
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int status;

	int rc = cli_parse(&cli, &program, &o, argc, argv, &args, &err);
	if (rc == 0)
		status = dispatch(&cli, &o, &args, argv);
	else
		status = cli_exit(rc, &err);
	strv_done(&o.clients);
	strv_done(&o.disks);
	free(o.ref);
	strv_done(&o.made);
	return status;
}

const struct command cmd_nimadm = {
	.name = "nimadm",
	.summary = "migrate a system to its next release on a copy",
	.run = run,
};
