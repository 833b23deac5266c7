/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages, the parts of the backend among themselves.
 *
 * All tools are the SPOT's; they see the alternate root at /alt_inst and the lpp_source at /lpp_source. Of the client's
 * own apt configuration nothing is read but two answers that decide what is installed: whether recommended
 * and suggested packages are wanted.
 */
#pragma once

#include "base/map.h"
#include "model/dpkg.h"
#include "pkg/pkg.h"

#define DEB_ROOT "/alt_inst"
#define DEB_LPP	 "/lpp_source"

/* deb-tools.c: command lines and environment */
extern const char *const deb_env[];
/* apt-get, apt-cache or apt-mark with every option that points it at the alternate root. */
void deb_apt_argv(const struct pkg_ctx *c, const char *tool, struct strv *argv);
/* dpkg, dpkg-query ... with --root; `dpkg` also with its log and path filters. */
void deb_dpkg_argv(const struct pkg_ctx *c, const char *tool, struct strv *argv);
/* Runs argv in the sandbox; 0 and its output, or -1: "apt-get: exit status 100: <last lines>". `input` may be NULL. */
int deb_capture(const struct pkg_ctx *c, const struct strv *argv, const char *input,
		struct str *out, struct err *err) _must_check_;

/* deb-state.c: what is installed now, as dpkg-query tells it (dpkg's journal included) */
struct deb_state {
	struct map *by_name; /* "name:arch" -> struct deb_installed */
};
struct deb_installed {
	char *version;
	char want,
		state;	/* dpkg's abbreviations: want i r h p u; state n c H U F W t i */
	bool reinstall; /* reinst-required */
};
#define DEB_STATE_INIT                                                                   \
	{                                                                                \
		NULL                                                                     \
	}
#define _cleanup_deb_state_ _cleanup_(deb_state_done)
int deb_state_read(const struct pkg_ctx *c, struct deb_state *ret, struct err *err)
	_must_check_;
int deb_state_parse(struct deb_state *ret, char *text, struct err *err) _must_check_;
void deb_state_done(struct deb_state *st);
const struct deb_installed *deb_state_find(const struct deb_state *st, const char *name,
					   const char *arch);
/* What an item still needs. */
enum deb_need { DEB_DONE, DEB_CONFIGURE, DEB_UNPACK, DEB_REMOVE };
/* `triggers_ok`: pending triggers are no need (between phases 5 and 6). */
enum deb_need deb_state_need(const struct deb_state *st, const struct pkg_item *item,
			     bool triggers_ok);

/* deb-sim.c: apt's answers as text */
/* One line of `apt-get -s`; 1: it was an Inst or Remv line and an item was added; 0: another line; -1: malformed. */
int deb_sim_line(struct pkg_plan *plan, const char *line, struct err *err) _must_check_;
/*
 * apt takes a package away for the time of a knot of conflicts and installs it again (cron, Debian 11 to 12). dpkg is told to
 * ignore conflicts in between, so such a pair becomes one upgrade. Every item has its arch.
 */
void deb_sim_join_returns(struct pkg_plan *plan);
/* "'URI' name size SHA256:..." of --print-uris; false: another line. Strings are malloc'd. */
struct deb_uri {
	char *uri, *name, *hash;
	uint64_t size;
};
bool deb_sim_uri(const char *line, struct deb_uri *ret);
void deb_uri_done(struct deb_uri *u);

/* deb-classify.c: what the plan means */
struct deb_record {
	char *name, *version, *depends, *provides, *replaces, *against; /* never NULL */
	bool essential, required;
	uint64_t installed_size; /* bytes */
};
struct deb_records {
	struct deb_record *v;
	size_t n, cap;
};
#define DEB_RECORDS_INIT                                                                 \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
#define _cleanup_deb_records_ _cleanup_(deb_records_done)
/* Appends what `apt-cache show` printed. */
int deb_records_parse(struct deb_records *rs, const char *text, size_t len,
		      struct err *err) _must_check_;
void deb_records_done(struct deb_records *rs);

struct deb_facts {
	const struct dpkg_status *status;  /* before */
	const struct deb_records *records; /* of what the plan installs */
	/* removed packages that the target release still has */
	const struct strv *in_target;
	const struct strv *automatic; /* packages that apt installed by itself; sorted */
};
/* Fills bos, removal, replaced_by and the sizes of every item. */
void deb_classify(struct pkg_plan *plan, const struct deb_facts *facts);
/* ERR_UNFIT that names every package which must not go without a successor. */
int deb_classify_refuse(const struct pkg_plan *plan, const struct deb_facts *facts,
			struct err *err) _must_check_;

/* deb-watch.c: a dpkg or apt run, watched line by line */
struct deb_watch;
struct deb_watch *deb_watch_new(const struct pkg_ctx *c, const char *log_name,
				size_t n_packages, struct err *err) _must_check_;
void deb_watch_free_p(struct deb_watch **w);
#define _cleanup_deb_watch_ _cleanup_(deb_watch_free_p)
/* 0: done. 1: the tool ran and failed: *err names the package, its last lines and the log, and a repair may be tried.
 * -1: it could not run, hung or was cancelled. `tool` is for messages. */
int deb_watch_run(struct deb_watch *w, const char *tool, const struct strv *argv,
		  struct err *err) _must_check_;
/* For tests: one line of output as the tool printed it. */
void deb_watch_line(struct deb_watch *w, const char *line);
const char *deb_watch_package(const struct deb_watch *w);

/* The operations of the backend, one file each. */
int deb_plan(const struct pkg_ctx *c, struct pkg_plan *ret, struct strv *ret_missing,
	     struct err *err) _must_check_;
int deb_prepare(const struct pkg_ctx *c, struct err *err) _must_check_;
int deb_finish(const struct pkg_ctx *c, struct err *err) _must_check_;
int deb_apply_bos(const struct pkg_ctx *c, const struct pkg_plan *p, struct err *err)
	_must_check_;
int deb_apply_rest(const struct pkg_ctx *c, const struct pkg_plan *p, struct err *err)
	_must_check_;
int deb_verify(const struct pkg_ctx *c, const struct pkg_plan *p, bool bos_only,
	       struct findings *fs, struct err *err) _must_check_;
int deb_merge_usr(const struct pkg_ctx *c, struct err *err) _must_check_;
