/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the nimadm command: its options, and what each way of calling it does. */
#pragma once

#include "cli/common.h"
#include "engine/engine.h"
#include "ui/board.h"

struct nimadm_options {
	/* what is to be done; none of them: migrate */
	bool cleanup, wake, sleep, rollback, sync_level, resume, preview, status, report,
		watch;
	/* with what */
	const char *mksysb, *output, *name, *lpp_source, *spot, *cache;
	const char *pre_script, *post_script, *bundle, *exclude_files, *image_data,
		*bosinst_data, *resolv_conf;
	const char *phases;
	uint64_t job;  /* 0: not given */
	uint64_t jobs; /* 0: as many as there are processors */
	const char *worker;
	struct strv made; /* texts that other fields point to */
	bool accept_licenses, update, force, debug, debug_shell, verbose, json;
	/* only where a client takes part */
	struct strv clients, disks;
	const char *nfs_options;
	/* whom the job is about: the client, or else the image; and the option that says so: "-c web01" */
	const char *subject;
	char *ref;
	bool no_bootlist, reboot, unmirror, nfs, nfs_direct;
	bool no_mount, hold;
};

/* --- nimadm-spec.c --- */
/*
 * Fills the specification from the options and the objects they name. Everything that can be told without reading an
 * image is checked here, before anything is made: ERR_USAGE (the command line is wrong), ERR_NOTFOUND, ERR_OPERATOR
 * (an object is not usable).
 */
int nimadm_spec(struct cli *cli, struct store *s, const struct nimadm_options *o,
		struct job_spec *ret, struct err *err) _must_check_;
/* The same for -W: a client's clone, mounted here. */
int nimadm_spec_awake(struct cli *cli, struct store *s, const struct nimadm_options *o,
		      struct job_spec *ret, struct err *err) _must_check_;
/* The file of -z; malloc'd. */
int nimadm_post_script(struct store *s, const struct nimadm_options *o, char **ret,
		       struct err *err) _must_check_;
/* A job that exists is gone on with: options that are given again must say what it was started with. */
int nimadm_spec_same(struct cli *cli, struct store *s, const struct nimadm_options *o,
		     const struct job *job, struct err *err) _must_check_;

/* --- nimadm-choose.c --- */
/* -l and -s, or the one evident pair. Both results are malloc'd names. */
int nimadm_choose(struct store *s, const struct nimadm_options *o,
		  const struct object *source, char **ret_lpp, char **ret_spot,
		  struct err *err) _must_check_;

/* --- nimadm-output.c --- */
/* -O and -N: may be written, and belong to nobody else. `input` is the image's file, or NULL. Result: the absolute path, malloc'd. */
int nimadm_output(struct store *s, const struct nimadm_options *o, const char *input,
		  char **ret, struct err *err) _must_check_;
/* -j, or the default: an existing directory, or one that can be made. Result: the absolute path, malloc'd. */
int nimadm_cache(struct cli *cli, struct store *s, const struct nimadm_options *o,
		 char **ret, struct err *err) _must_check_;
/* What -j names: the place of a cache object, a volume group's (nimadm_cache_attach mounts it), or a directory; malloc'd. */
int nimadm_cache_path(struct cli *cli, struct store *s, const char *given, char **ret,
		      struct err *err) _must_check_;
/* Where `path` is a volume group's, its volume is made and mounted, in this process's own mount namespace. */
int nimadm_cache_attach(struct cli *cli, const char *path, struct err *err) _must_check_;
/* The cache objects that lie in this directory, as resources of the job. */
int nimadm_cache_objects(struct store *s, const char *path, struct strv *ret,
			 struct err *err) _must_check_;

/* --- nimadm-job.c --- */
/* The exit status; prints its own error. */
int nimadm_migrate(struct cli *cli, const struct nimadm_options *o);
int nimadm_resume(struct cli *cli, const struct nimadm_options *o);
int nimadm_cleanup(struct cli *cli, const struct nimadm_options *o);

/* --- nimadm-many.c --- */
/*
 * Several clients, or a worker's one: each needs names of its own for what it writes, so "%c" in -O and -N becomes the
 * client's name.
 */
int nimadm_many_check(struct nimadm_options *o, struct err *err) _must_check_;
/* One worker each; `args`: the command line without the program. The exit status. */
int nimadm_many(struct cli *cli, const struct nimadm_options *o, char *const *args);

/* --- nimadm-board.c --- */
/* A job as a row of the board. */
int nimadm_board_row(struct store *s, const char *state_dir, const struct job_row *job,
		     struct board_row *row, struct err *err) _must_check_;
/* Where a running job says where it is; malloc'd. */
char *nimadm_now_path(const char *state_dir, const char *subject, int64_t job)
	_must_check_;

/* --- nimadm-watch.c --- */
int nimadm_watch(struct cli *cli, struct err *err) _must_check_;

/* --- nimadm-find.c --- */
/* The object that an option names. A wrong type is a wrong command line. */
int nimadm_object(struct store *s, const char *option, const char *name, const char *type,
		  struct object *ret, struct err *err) _must_check_;
enum nimadm_which {
	NIMADM_UNFINISHED, /* the newest that is neither done nor cleaned up; else the newest */
	NIMADM_NEWEST,
};
/* The job that -c, -T or --job means; `verb` is the option that asks for it ("--resume"). 1: there is no job of it. */
int nimadm_find(struct store *s, const struct nimadm_options *o, enum nimadm_which which,
		const char *verb, struct job_row *ret, struct err *err) _must_check_;

/* --- nimadm-status.c --- */
int nimadm_status(struct cli *cli, const struct nimadm_options *o, struct err *err)
	_must_check_;
/* Prints where the report of a job is. */
int nimadm_report(struct cli *cli, const struct nimadm_options *o, struct err *err)
	_must_check_;

/* --- nimadm-wake.c --- */
/* -W, -S: mounted here, or, with --no-mount, on the client alone. The exit status. */
int nimadm_wake(struct cli *cli, const struct nimadm_options *o);

/* --- nimadm-hold.c --- */
int nimadm_hold(struct cli *cli, const struct nimadm_options *o); /* exit status */

/* --- nimadm-rollback.c --- */
/* --rollback: a client's old disks are first in its boot list again; with -r it boots them. */
int nimadm_rollback(struct cli *cli, const struct nimadm_options *o, struct err *err)
	_must_check_;

/* --- nimadm-level.c --- */
int nimadm_level(struct cli *cli, const struct nimadm_options *o); /* exit status */
