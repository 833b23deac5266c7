/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a connection failed, from the words of ssh, and what to do about it. */
#include "transport/transport-internal.h"

/* What can be done; %s is the host. The first row of which the text is among ssh's words holds. */
static const struct failure {
	const char *text;
	enum err_kind kind;
	const char *cause;
	const char *remedy;
} failures[] = {
	{ "IDENTIFICATION HAS CHANGED", ERR_OPERATOR,
	  "its host key is not the one that is known",
	  "find out why: if the machine was installed anew, ssh-keygen -R its name, then "
	  "ssh %s once and compare the key" },
	{ "Host key verification failed", ERR_OPERATOR, "its host key is not known here",
	  "ssh %s once, compare the key and accept it" },
	{ "host key is known for", ERR_OPERATOR, "its host key is not known here",
	  "ssh %s once, compare the key and accept it" },
	{ "REVOKED HOST KEY", ERR_OPERATOR, "its host key is marked as revoked",
	  "find out why before you go on; the key is in a known_hosts file of ssh" },
	{ "Permission denied", ERR_OPERATOR, "it refuses our key",
	  "ssh-copy-id %s, or unlock the key: ssh-add" },
	{ "Too many authentication failures", ERR_OPERATOR, "it refuses our keys",
	  "name the key: -a ssh_options='-i FILE -o IdentitiesOnly=yes'; try it with ssh "
	  "%s" },
	{ "Could not resolve hostname", ERR_OPERATOR, "its name is not known",
	  "nim -o change -a host=[USER@]HOST, or mend the name; try it with ssh %s" },
	{ "Bad configuration option", ERR_OPERATOR, "ssh does not take its options",
	  "mend ssh_options of the client, or ~/.ssh/config; try it with ssh %s" },
	{ "command-line line 0", ERR_OPERATOR, "ssh does not take its options",
	  "mend ssh_options of the client; try it with ssh %s" },
	{ "Connection refused", ERR_TRANSIENT, "no ssh server answers there",
	  "start sshd there, or name the port: -a ssh_port=PORT; try it with ssh %s" },
	{ "timed out", ERR_TRANSIENT, "it does not answer",
	  "see that it runs and that nothing blocks the way; try it with ssh %s" },
	{ "No route to host", ERR_TRANSIENT, "there is no way to it",
	  "see that it runs and that nothing blocks the way; try it with ssh %s" },
	{ "Network is unreachable", ERR_TRANSIENT, "there is no way to it",
	  "mend the network; try it with ssh %s" },
};

#define LOST "the connection was lost"

/* The last line that ssh printed, without its own name; an event of the client program is none. malloc'd, perhaps empty. */
static char *last_words(const char *words)
{
	const char *last = "";

	for (const char *line = words; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		if (*line != '{' && *line != '\n')
			last = line;
	}
	if (starts_with(last, "ssh: "))
		last += strlen("ssh: ");
	return xstrndup(last, strcspn(last, "\n"));
}

int failure_explain(const struct transport *t, const char *words, struct err *err)
{
	_cleanup_free_ char *said = last_words(words);

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		const struct failure *f = &failures[i];
		_cleanup_str_ struct str remedy = STR_INIT;

		if (!strstr(words, f->text))
			continue;
		const char *at = strstr(f->remedy, "%s");
		str_addn(&remedy, f->remedy,
			 at ? (size_t)(at - f->remedy) : strlen(f->remedy));
		if (at)
			str_addf(&remedy, "%s%s", t->host, at + 2);
		err_set(err, f->kind, "client %s (%s): %s: %s", t->name, t->host,
			f->cause, said);
		return err_remedy(err, "%s", str_c(&remedy));
	}
	err_set(err, ERR_TRANSIENT, "client %s (%s): " LOST "%s%s", t->name, t->host,
		*said ? ": " : "", said);
	return err_remedy(err, "see that it can be reached: ssh %s", t->host);
}
