/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk serve-tree: a clone's file systems for one master, as an NFS server at the other end of its connection. */
#include <sys/stat.h>

#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "altdisk/door.h"
#include "altdisk/gss.h"
#include "altdisk/host.h"
#include "altdisk/nfsd.h"
#include "altdisk/relay.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/mount.h"
#include "ui/ui.h"

/* A killed one is gone sooner. */
#define OTHER_WAIT_S 30u

struct options {
	struct strv mounts, also, roots;
	const char *listen, *sec, *host;
	bool write, check;
	unsigned flavor; /* of sec */
};

static const struct opt options[] = {
	{ "mount", 0, OPT_LIST, offsetof(struct options, mounts), "PATH",
	  "A mount point below DIR (\"/boot\") whose file system is served, too. Can be given again." },
	{ "write", 0, OPT_FLAG, offsetof(struct options, write), NULL,
	  "DIR and its mount points may be written to, by root as root." },
	{ "also", 0, OPT_LIST, offsetof(struct options, also), "DIR",
	  "Another directory whose file system is served, always read-only, after the others. Can be given again." },
	{ "listen", 0, OPT_STRING, offsetof(struct options, listen), "ADDRESS[:PORT]",
	  "Serve the master at this address of the machine, rather than through standard input and output." },
	{ "sec", 0, OPT_STRING, offsetof(struct options, sec), "sys|krb5|krb5i|krb5p",
	  "With --listen: serve with this security only (sys)." },
	{ "host", 0, OPT_STRING, offsetof(struct options, host), "HOST",
	  "With --sec: the host of the machine's key nfs/HOST." },
	{ "root", 0, OPT_LIST, offsetof(struct options, roots), "PRINCIPAL",
	  "With --sec: this one is root, others are nobody. Can be given again." },
	{ "check", 0, OPT_FLAG, offsetof(struct options, check), NULL,
	  "Only find out whether this machine can serve." },
};

/* The directories whose file systems are served: the tree's first. */
static int collect(const struct options *o, const char *dir, struct strv *ret,
		   struct err *err)
{
	const size_t of_tree = 1 + o->mounts.n;
	_cleanup_free_ char *top = files_absolute(dir);

	strv_add(ret, top);
	for (size_t i = 0; i < o->mounts.n; i++)
		strv_addf(ret, "%s%s", streq(top, "/") ? "" : top, o->mounts.v[i]);
	for (size_t i = 0; i < o->also.n; i++) {
		_cleanup_free_ char *other = files_absolute(o->also.v[i]);
		strv_add(ret, other);
	}
	for (size_t i = 0; i < ret->n; i++) {
		if (!files_is_dir(ret->v[i]))
			return err_set(err, ERR_NOTFOUND, "%s is no directory",
				       ret->v[i]);
		if (i > 0 && i < of_tree && !mount_is_mountpoint(ret->v[i]))
			return err_set(err, ERR_USAGE, "nothing is mounted at %s",
				       ret->v[i]);
	}
	return 0;
}

static bool find_flavor(const char *name, unsigned *ret)
{
	static const struct {
		const char *name;
		unsigned number; /* nfsd.h */
	} flavors[] = {
		{ "sys", 0 },
		{ "krb5", 390003 },
		{ "krb5i", 390004 },
		{ "krb5p", 390005 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flavors); i++) {
		if (!streq(flavors[i].name, name))
			continue;
		*ret = flavors[i].number;
		return true;
	}
	return false;
}

static int check_options(struct options *o, const struct strv *args, struct err *err)
{
	if (args->n != (o->check ? 0 : 1))
		return err_set(err, ERR_USAGE,
			       o->check ? "no argument is wanted" : "DIR is wanted");
	if (o->sec && !find_flavor(o->sec, &o->flavor))
		return err_set(err, ERR_USAGE, "--sec: '%s' is not known", o->sec);
	if (o->flavor && (!o->listen || !o->host || o->write))
		return err_set(err, ERR_USAGE,
			       "--sec=%s goes with --listen and --host, without --write",
			       o->sec);
	return 0;
}

/* Our master may come in at an address of this machine. In the machine's own namespaces. */
static int open_door(const struct options *o, struct door *d, struct gss *g,
		     struct err *err)
{
	d->any_port = o->flavor != 0;
	if (o->listen && door_open(d, o->listen, err) < 0)
		return -1;
	return d->any_port ? gss_prepare(g, o->host, &o->roots, err) : 0;
}

static int check(const struct options *o, struct err *err)
{
	_cleanup_gss_ struct gss gss = GSS_INIT;
	_cleanup_door_ struct door door = DOOR_INIT;

	if (open_door(o, &door, &gss, err) < 0 || nfsd_check(err) < 0)
		return -1;
	if (o->flavor && gss_start(&gss, err) < 0) {
		err->kind = ERR_UNFIT;
		return -1;
	}
	return o->listen ? door_meet(&door, err) : 0;
}

static int inside(void *arg, struct err *err)
{
	return nfsd_connect(arg, err);
}

static int relay(struct nfsd *n, struct door *d, struct err *err)
{
	if (d->listener >= 0)
		return door_meet(d, err) < 0 ? -1 : door_run(d, inside, n, err);
	_cleanup_close_ int fd = nfsd_connect(n, err);
	return fd < 0 ? -1 : relay_run(STDIN_FILENO, STDOUT_FILENO, fd, err);
}

static int serve(struct options *o, const struct strv *args, struct err *err)
{
	_cleanup_strv_ struct strv dirs = STRV_INIT;
	_cleanup_close_ int lock = -1;
	_cleanup_gss_ struct gss gss = GSS_INIT;
	_cleanup_nfsd_ struct nfsd nfsd = { 0 };
	_cleanup_door_ struct door door = DOOR_INIT;

	if (check_options(o, args, err) < 0)
		return -1;
	if (app_need_root(err) < 0)
		return -1;
	if (o->check)
		return check(o, err);
	if (collect(o, args->v[0], &dirs, err) < 0 ||
	    files_mkdirs(RUN_DIR, 0755, err) < 0)
		return -1;
	/* the guard has it, too: whoever gets it knows that nothing is served any more */
	lock = lock_file(RUN_DIR "/serve-tree.lock", OTHER_WAIT_S, err);
	if (lock < 0)
		return -1;
	/* in the machine's network; from nfsd_start on we are in another one */
	const struct nfsd_tree tree = { .dirs = &dirs,
					.writable = o->write ? 1 + o->mounts.n : 0,
					.flavor = o->flavor };
	if (open_door(o, &door, &gss, err) < 0 || nfsd_start(&nfsd, &tree, err) < 0 ||
	    (o->flavor && gss_start(&gss, err) < 0))
		return -1;
	return relay(&nfsd, &door, err);
}

static const char *const synopsis[] = {
	"[--write] [--mount PATH]... [--also DIR]... DIR <REQUESTS >REPLIES",
	"--listen ADDRESS[:PORT] [--write] [--mount PATH]... [--also DIR]... DIR",
	"--listen ADDRESS[:PORT] --sec FLAVOR --host HOST [--root PRINCIPAL]... [--mount PATH]... DIR",
	"--check [--listen ADDRESS[:PORT] [--sec FLAVOR --host HOST]]", NULL
};

static const struct opt_program program = {
	.name = "altdisk serve-tree",
	.synopsis = synopsis,
	.about =
		"Is an NFSv4.2 server for whoever is at the other end of its standard input and output: DIR and each --mount are its /0, /1 ..., each file system by itself, read-only but for --write. It ends with its standard input. The machine's own NFS service is not touched; nothing listens on its network, but with --listen: then it says \"listening PORT WORD\", and serves the one address from which that word and a line end are sent there first.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static int run(int argc, char **argv)
{
	struct options o = { .mounts = STRV_INIT };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0 && app.json)
		events_add_sink(&app.events, ui_json(o.listen ? stderr : stdout));
	if (rc == 0)
		rc = serve(&o, &args, &err);
	strv_done(&o.mounts);
	strv_done(&o.also);
	strv_done(&o.roots);
	return app_exit(&app, rc, &err);
}

const struct command cmd_serve_tree = {
	.name = "serve-tree",
	.summary = "let a master use a tree over NFS, through its connection",
	.run = run,
};
