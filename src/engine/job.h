/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job: what was asked for (the spec, fixed), where its files are, and what its phases found out (the facts).
 * Spec and facts are JSON in the store; spec fields are named like the long options.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/strv.h"

struct job_spec {
	/* 'A': client, over NFS; 'B': client, cached; 'C': image to client; 'D': image to image; 'E': client to image;
	 * 'W': no migration, a client's clone awake on the master */
	char mode;
	char *subject;			      /* leased name: the image's or client's */
	char *lpp_source, *lpp_dir, *release; /* object, its directory, target codename */
	char *spot, *spot_dir;
	char *mksysb, *mksysb_path; /* -T: object (may be ""), file */
	char *disks;		    /* -d: joined by commas, or "" */
	char *client, *host, *ssh_port,
		*ssh_options;	    /* -c: name, [USER@]HOST; how ssh gets there, or "" */
	char *output, *output_name; /* -O file, -N object ("" when not asked) */
	char *cache;		    /* -j: absolute directory */
	char *nfs_options;	    /* -m: for mount(8), or "" */
	char *nfs_host,
		*nfs_sec; /* where the client's clone is mounted over the network, and with which security, or "" */
	char *pre_script, *post_script; /* -a, -z: files on the master, or "" */
	char *bundle_file, *exclude_file, *image_data_file, *bosinst_data_file,
		*resolv_conf_file; /* or "" */
	struct strv resources;	   /* names of all objects used: allocated to the job */
	bool accept_licenses, update, force, debug, keep, verbose; /* -Y -U -F -D -E -V */
	bool no_bootlist, reboot;				   /* -B -r */
	bool unmirror;						   /* --unmirror */
	bool nfs_direct;					   /* --nfs-direct */
};

struct job {
	int64_t id;
	struct job_spec spec;
	json_t *facts; /* object; job_save_facts() writes it */
	/* of packages' scripts, from the configuration; 0: default */
	unsigned script_timeout_s;
	char *state_dir; /* <state> */
	char *dir; /* <cache>/nimadm-job-<id>: the working tree of the job, holds a marker file */
	char *lower, *upper, *work, *facts_root; /* below dir */
	char *alt_inst;	   /* below dir; in mode W: <state>/alt_inst/<subject> */
	char *image;	   /* what is restored: -T's file, or what the client sent */
	char *facts_image; /* a client's small files, for the pre-flight */
	char *report_dir;  /* <state>/report/<id> */
	char *log_dir;	   /* <state>/log/<subject> */
};

#define JOB_MARKER ".nimadm-job"

void job_spec_done(struct job_spec *s);
json_t *job_spec_to_json(const struct job_spec *s);
int job_spec_from_json(struct job_spec *s, const json_t *j, struct err *err) _must_check_;
/* From the row's spec and facts; fills the paths. Creates no directory. */
int job_init(struct job *j, const char *state_dir, int64_t id, const char *spec_json,
	     const char *facts_json, struct err *err) _must_check_;
void job_done(struct job *j);
/* How commands name the job: "-T web12", "-c web01"; "--job 7" where no image object is its subject. malloc'd. */
char *job_ref(const struct job *j) _must_check_;
struct store;
int job_save_facts(struct job *j, struct store *s, struct err *err) _must_check_;
