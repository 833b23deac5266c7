/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for rpc.gssd, and for what it will be. */
#include "phase/nfs-sec.h"

#include <dirent.h>
#include <unistd.h>

#include "model/keytab.h"
#include "phase/nfs-direct.h"
#include "phase/nfs-net.h"
#include "sys/files.h"

#define DAEMON	  "rpc.gssd"
#define WORDS_MAX ((size_t)64 << 10)
/* Of names in a keytab. */
#define ROOTS_MAX 32u

bool nfs_sec_is_in(const struct job *job)
{
	return *job->spec.nfs_sec && !streq(job->spec.nfs_sec, "sys");
}

/* --- the daemon --- */

struct daemon {
	bool runs, without_keytab; /* -n: root is no machine */
	char *keytab;
};

static bool is_in_our_network(const char *pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%s/ns/net", pid);
	char own[64] = "", its[64] = "";

	return readlink("/proc/self/ns/net", own, sizeof(own) - 1) > 0 &&
	       readlink(path, its, sizeof(its) - 1) > 0 && streq(own, its);
}

/* "-k FILE", "-kFILE", "-n", among words that each end with '\0'. */
static void read_words(struct daemon *d, const struct str *words)
{
	const char *end = words->p + words->len;
	bool next = false;

	for (const char *w = words->p; w && w < end; w += strlen(w) + 1) {
		if (next || (starts_with(w, "-k") && w[2])) {
			free(d->keytab);
			d->keytab = xstrdup(next ? w : w + 2);
		}
		next = !next && streq(w, "-k");
		d->without_keytab |= streq(w, "-n");
	}
}

static void look_at(struct daemon *d, const char *pid)
{
	_cleanup_free_ char *comm_path = xasprintf("/proc/%s/comm", pid);
	_cleanup_free_ char *words_path = xasprintf("/proc/%s/cmdline", pid);
	_cleanup_str_ struct str comm = STR_INIT;
	_cleanup_str_ struct str words = STR_INIT;
	struct err gone = { 0 };

	if (files_read(comm_path, 64, &comm, &gone) < 0 ||
	    !streq(str_c(&comm), DAEMON "\n") || !is_in_our_network(pid) ||
	    files_read(words_path, WORDS_MAX, &words, &gone) < 0)
		return;
	d->runs = true;
	read_words(d, &words);
}

static void find_daemon(struct daemon *d)
{
	DIR *dir = opendir("/proc");

	*d = (struct daemon){ .keytab = xstrdup(KEYTAB) };
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (*e->d_name >= '0' && *e->d_name <= '9')
			look_at(d, e->d_name);
	if (dir)
		closedir(dir);
}

static void daemon_done(struct daemon *d)
{
	free(d->keytab);
}

/* What it can be for root. */
static int own_principals(const struct daemon *d, struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv all = STRV_INIT;

	if (keytab_read(d->keytab, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n && ret->n < ROOTS_MAX; i++)
		if (keytab_is_machine(all.v[i]))
			strv_add(ret, all.v[i]);
	if (ret->n > 0)
		return 0;
	return err_set(err, ERR_NOTFOUND, "%s has no key of a machine", d->keytab);
}

/* --- the client --- */

int nfs_sec_words(const struct job *job, const char *host, struct strv *argv,
		  struct err *err)
{
	_cleanup_(daemon_done) struct daemon d;
	_cleanup_strv_ struct strv roots = STRV_INIT;

	find_daemon(&d);
	if (own_principals(&d, &roots, err) < 0) {
		err->kind = ERR_OPERATOR;
		return err_remedy(err, "put it back where it was before the pre-flight");
	}
	strv_add_all(argv, "--sec", job->spec.nfs_sec, "--host", host, NULL);
	for (size_t i = 0; i < roots.n; i++)
		strv_add_all(argv, "--root", roots.v[i], NULL);
	return 0;
}

/* --- the pre-flight --- */

static void lacks(struct findings *fs, const char *what, const char *remedy)
{
	findings_add(fs, "master.kerberos", FINDING_INHIBIT,
		     "This machine cannot use NFS with Kerberos (nfs_sec)", what, remedy);
}

bool nfs_sec_preflight(const struct phase_ctx *c, struct findings *fs)
{
	_cleanup_(daemon_done) struct daemon d;
	_cleanup_strv_ struct strv roots = STRV_INIT;
	struct err why = { 0 };

	size_t before = findings_count(fs, FINDING_INHIBIT);

	if (!nfs_net_is_in(c->job))
		findings_add(fs, "nfs.sec", FINDING_INHIBIT,
			     "The client has nfs_sec, but no nfs_host",
			     "through ssh there is no need of Kerberos, and no host that "
			     "a key is of",
			     "nim -o change -a nfs_host=HOST, or -a nfs_sec=sys");
	if (nfs_is_direct(c->job))
		findings_add(fs, "nfs.sec.direct", FINDING_INHIBIT,
			     "With Kerberos (nfs_sec) a clone cannot be written to",
			     "packages' scripts work as users that have no tickets here",
			     "use --nfs instead of --nfs-direct, or -a nfs_sec=sys");
	find_daemon(&d);
	if (!d.runs)
		lacks(fs, DAEMON " does not run",
		      "install nfs-common, and systemctl start rpc-gssd");
	if (d.without_keytab)
		lacks(fs, DAEMON " runs with -n: root is not the machine",
		      "start it without -n");
	if (own_principals(&d, &roots, &why) < 0)
		lacks(fs, why.msg,
		      "have a key for this host put there (kadmin: ktadd host/HOST)");
	return findings_count(fs, FINDING_INHIBIT) > before;
}
