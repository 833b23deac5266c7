/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: of ssh here, and of the shell there. The only place where words are quoted. */
#include "transport/transport-internal.h"

/* The client program's signs of life: so many in the time that it may be silent, and one in a minute at least. */
#define BEATS	   4u
#define BEAT_MAX_S 60u

#define REMOTE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void command_quote(struct str *out, const char *word)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
					"%+,-./:=@_")]) {
		str_add(out, word);
		return;
	}
	str_addc(out, '\'');
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			str_add(out, "'\\''");
		else
			str_addc(out, *p);
	}
	str_addc(out, '\'');
}

/* One character, or what a quote or backslash at *p stands for; *p moves behind it. -1: no end. */
static int take(const char **p, struct str *word)
{
	char c = *(*p)++;

	if (c == '\\') {
		if (!**p)
			return -1;
		str_addc(word, *(*p)++);
		return 0;
	}
	if (c != '\'' && c != '"') {
		str_addc(word, c);
		return 0;
	}
	for (; **p != c; (*p)++) {
		if (c == '"' && **p == '\\' && ((*p)[1] == '"' || (*p)[1] == '\\'))
			(*p)++;
		if (!**p)
			return -1;
		str_addc(word, **p);
	}
	(*p)++;
	return 0;
}

int command_split(struct strv *ret, const char *text, struct err *err)
{
	const char *p = text;

	for (;;) {
		_cleanup_str_ struct str word = STR_INIT;

		p += strspn(p, " \t\n");
		if (!*p)
			return 0;
		while (*p && !strchr(" \t\n", *p)) {
			if (take(&p, &word) < 0)
				return err_set(err, ERR_USAGE,
					       "'%s': a quote is not closed", text);
		}
		strv_add(ret, str_c(&word));
	}
}

/*
 * ssh takes the first value that it sees of an option: ours that must hold, then the administrator's, then defaults; what
 * none of them names comes from the configuration files.
 */
void command_ssh(const struct transport *t, enum command_role role, struct strv *argv)
{
	strv_add_all(argv, "ssh", "-T", "-x", "-a", "-e", "none", "-o", "BatchMode=yes",
		     "-o", "ControlPersist=no", "-o", "PermitLocalCommand=no", "-o",
		     role == COMMAND_MASTER ? "ControlMaster=yes" : "ControlMaster=no",
		     "-o", NULL);
	strv_addf(argv, "ControlPath=%s", role == COMMAND_ALONE ? "none" : t->socket);
	if (t->port)
		strv_add_all(argv, "-p", t->port, NULL);
	strv_add_strv(argv, &t->options);
	strv_add_all(argv, "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
		     "-o", "ServerAliveCountMax=4", NULL);
}

static void add_word(struct str *out, const char *word)
{
	if (out->len > 0)
		str_addc(out, ' ');
	command_quote(out, word);
}

char *command_remote(const struct transport *t, const struct proc_spec *spec)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (spec->cwd) {
		str_add(&out, "cd ");
		command_quote(&out, spec->cwd);
		str_add(&out, " &&");
	}
	if (t->sudo)
		str_addf(&out, "%ssudo -n --", out.len ? " " : "");
	add_word(&out, "env");
	add_word(&out, "LC_ALL=C.UTF-8");
	add_word(&out, "PATH=" REMOTE_PATH);
	/* altdisk/beat.h */
	unsigned beat = MIN(transport_quiet_s / BEATS, BEAT_MAX_S);
	_cleanup_free_ char *life = xasprintf("NIMADM_BEAT=%u", MAX(beat, 1u));
	if (spec->timeout_s == 0 && spec->quiet_s == 0)
		add_word(&out, life);
	for (const char *const *e = spec->env; e && *e; e++)
		add_word(&out, *e);
	/* ssh says 255 of a command that a signal ended, as of a lost connection; a shell tells them apart */
	add_word(&out, "sh");
	add_word(&out, "-c");
	add_word(&out, "\"$@\"; exit $?");
	add_word(&out, "sh");
	for (const char *const *a = spec->argv; *a; a++)
		add_word(&out, *a);
	return str_take(&out);
}
