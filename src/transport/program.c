/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client program on the client: found by its checksum, or sent. */
#include <errno.h>
#include <fcntl.h>

#include "sys/sha256.h"
#include "transport/transport-internal.h"

#define REMOTE_DIR "/var/lib/nimadm"
#define CLAIM	   REMOTE_DIR "/claim"

/* Beside this program: installed, or in the build tree. */
static int open_own(char **ret_path, struct err *err)
{
	static const char *const places[] = { "altdisk", "../altdisk/altdisk" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	for (size_t i = 0; n > 0 && i < ARRAY_SIZE(places); i++) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		_cleanup_free_ char *path = xasprintf("%.*s/%s", (int)(slash - self),
						      self, places[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			*ret_path = TAKE_PTR(path);
			return fd;
		}
	}
	_cleanup_free_ char *found = proc_find("altdisk");
	int fd = found ? open(found, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		err_set(err, ERR_OPERATOR,
			"the client program altdisk is not beside nimadm");
		return err_remedy(err, "install nimadm as a whole");
	}
	*ret_path = TAKE_PTR(found);
	return fd;
}

/* Prints the path of a program with this checksum, if there is one. */
static const char find_script[] =
	"for f in " REMOTE_DIR
	"/altdisk-%s /usr/local/sbin/altdisk /usr/sbin/altdisk; do "
	"if [ -f $f ] && [ -x $f ] && echo %s $f | sha256sum --check --status; "
	"then echo $f; exit 0; fi; done";

/* Standard input becomes the program; under its name it is always whole. */
static const char send_script[] =
	"umask 077; d=" REMOTE_DIR "; mkdir -p $d && t=$(mktemp $d/.altdisk.XXXXXX) && "
	"cat >$t && echo %s $t | sha256sum --check --status && chmod 700 $t && "
	"mv -f $t $d/altdisk-%s && echo $d/altdisk-%s && exit 0; "
	"s=$?; rm -f -- \"$t\"; echo \"$d: the program cannot be stored there\" >&2; exit $s";

/* The files first: no other one is ever ours to remove. */
static const char remove_script[] =
	"if [ -d " REMOTE_DIR " ] && ! [ -e " CLAIM " ]; then rm -f -- " REMOTE_DIR
	"/altdisk-* " REMOTE_DIR "/.altdisk.* " REMOTE_DIR "/job-*.base " REMOTE_DIR
	"/job-*.new " REMOTE_DIR
	"/job-*.attributes; rmdir --ignore-fail-on-non-empty -- " REMOTE_DIR "; fi";

static void fill_in(struct str *out, const char *script, const char *hex)
{
	for (const char *at; (at = strstr(script, "%s")) != NULL; script = at + 2) {
		str_addn(out, script, (size_t)(at - script));
		str_add(out, hex);
	}
	str_add(out, script);
}

/* Runs a script that prints the program's path, or nothing. */
static int ask_path(struct transport *t, const char *script, const char *hex, int in_fd,
		    struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;

	fill_in(&text, script, hex);
	if (transport_script(t, str_c(&text), in_fd, &out, err) < 0)
		return -1;
	const char *path = out.p ? strip(out.p) : "";
	if (*path == '/' && !path[strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789/-")])
		t->program = xstrdup(path);
	return 0;
}

int transport_program(struct transport *t, const char **ret, struct err *err)
{
	_cleanup_free_ char *own = NULL;
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	if (t->program) {
		*ret = t->program;
		return 0;
	}
	_cleanup_close_ int fd = open_own(&own, err);
	if (fd < 0 || sha256_fd(fd, digest, err) < 0)
		return -1;
	sha256_hex(digest, hex);
	if (ask_path(t, find_script, hex, 0, err) < 0)
		return -1;
	if (!t->program) {
		if (lseek(fd, 0, SEEK_SET) < 0)
			return err_set_errno(err, ERR_OPERATOR, "%s", own);
		if (ask_path(t, send_script, hex, fd, err) < 0)
			return err_remedy(err,
					  "see to room and permissions of " REMOTE_DIR
					  " there");
	}
	if (!t->program)
		return err_set(err, ERR_OPERATOR,
			       "client %s (%s): it does not say where it put the client "
			       "program",
			       t->name, t->host);
	*ret = t->program;
	return 0;
}

int transport_program_remove(struct transport *t, struct err *err)
{
	free(t->program);
	t->program = NULL;
	return transport_script(t, remove_script, 0, NULL, err);
}

/* $w is whose it shall be. Prints whose it is, where that is somebody else. */
static const char claim_script[] =
	"umask 077; mkdir -p " REMOTE_DIR " || exit; "
	"if (set -C; printf '%s\\n' \"$w\" >" CLAIM ") 2>/dev/null; then exit 0; fi; "
	"o=$(head -c 400 " CLAIM ") || exit; "
	"if [ \"$o\" != \"$w\" ]; then printf '%s\\n' \"$o\"; fi";

static const char take_script[] = "umask 077; mkdir -p " REMOTE_DIR
				  " && printf '%s\\n' \"$w\" >" CLAIM;

static const char release_script[] = "if [ -e " CLAIM " ] && [ \"$(head -c 400 " CLAIM
				     ")\" = \"$w\" ]; then rm -f -- " CLAIM "; fi";

static int with_owner(struct transport *t, const char *script, const char *owner,
		      struct str *out, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	str_add(&text, "w=");
	command_quote(&text, owner);
	str_addf(&text, "; %s", script);
	return transport_script(t, str_c(&text), 0, out, err);
}

int transport_claim(struct transport *t, const char *owner, bool force, char **ret_other,
		    struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	*ret_other = NULL;
	if (with_owner(t, force ? take_script : claim_script, owner, &out, err) < 0)
		return -1;
	const char *other = out.p ? strip(out.p) : "";
	if (*other == '\0')
		return 0;
	*ret_other = xstrdup(other);
	return 1;
}

int transport_release(struct transport *t, const char *owner, struct err *err)
{
	if (with_owner(t, release_script, owner, NULL, err) < 0)
		return -1;
	return transport_program_remove(t, err);
}
