/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rebooting a client, and looking at what runs there. */
#include "phase/reboot.h"

#include <poll.h>

#include "model/json.h"
#include "phase/client.h"
#include "sys/clock.h"
#include "sys/signal.h"

/* seconds: firmware of large servers takes minutes, file system checks more */
#define WAIT_LIMIT   900.0
#define SETTLE_LIMIT 300u /* seconds for its services */
#define PAUSE_MS     500

static const char state_script[] =
	"echo boot \"$(cat /proc/sys/kernel/random/boot_id)\"\n"
	"echo root \"$(findmnt -n -o UUID /)\"\n"
	"sed -n 's/^VERSION_CODENAME=\"*\\([^\"]*\\).*/codename \\1/p;"
	" s/^PRETTY_NAME=\"*\\([^\"]*\\).*/system \\1/p' /etc/os-release\n"
	"[ -d /run/systemd/system ] || exit 0\n"
	"systemctl list-units --no-legend --plain --state=failed |"
	" sed 's/^\\([^ ]*\\).*/failed \\1/'\n"
	"for unit in $(systemctl list-units --no-legend --plain --type=service --state=running |"
	" sed 's/ .*//'); do\n"
	"	case $(systemctl is-enabled \"$unit\") in\n"
	"	enabled | enabled-runtime | generated) echo \"service $unit\" ;;\n"
	"	esac\n"
	"done\n"
	"exit 0\n";

/* The answer must be out before the machine goes down. */
static const char reboot_script[] =
	"cd /\n"
	"if [ -d /run/systemd/system ]; then set -- systemctl reboot; else set -- shutdown -r now; fi\n"
	"(sleep 1; exec \"$@\") </dev/null >/dev/null 2>&1 &\n";

/* Of logins and consoles: they are there or not. */
static const char *const passing[] = { "user@", "user-runtime-dir@", "getty@",
				       "serial-getty@", "session-" };

void running_done(struct running *r)
{
	free(r->boot_id);
	free(r->root);
	free(r->codename);
	free(r->system);
	strv_done(&r->failed);
	strv_done(&r->services);
}

static void take_line(struct running *r, char *line)
{
	const struct {
		const char *name;
		char **text;
		struct strv *list;
	} fields[] = {
		{ "boot", &r->boot_id, NULL },	    { "root", &r->root, NULL },
		{ "codename", &r->codename, NULL }, { "system", &r->system, NULL },
		{ "failed", NULL, &r->failed },	    { "service", NULL, &r->services },
	};
	char *value = strchr(line, ' ');

	if (!value)
		return;
	*value++ = '\0';
	_cleanup_free_ char *clean = client_clean(value);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!streq(line, fields[i].name))
			continue;
		if (fields[i].text)
			xreplace(fields[i].text, clean);
		else
			strv_add(fields[i].list, clean);
	}
}

int running_read(struct transport *t, struct running *ret, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (transport_script(t, state_script, 0, &out, err) < 0)
		return -1;
	xreplace(&ret->boot_id, "");
	xreplace(&ret->root, "");
	xreplace(&ret->codename, "");
	xreplace(&ret->system, "");
	char *cursor = out.p;
	for (char *line; cursor && (line = next_line(&cursor)) != NULL;)
		take_line(ret, line);
	if (*ret->boot_id && *ret->root)
		return 0;
	err_set(err, ERR_OPERATOR,
		"client %s: it does not tell its boot id and the UUID of its root",
		transport_name(t));
	return err_remedy(err, "on %s: findmnt -n -o UUID /", transport_name(t));
}

json_t *running_to_json(const struct running *r)
{
	return json_pack("{ss ss ss ss so so}", "boot_id", r->boot_id, "root", r->root,
			 "codename", r->codename, "system", r->system, "failed",
			 json_from_strv(&r->failed), "services",
			 json_from_strv(&r->services));
}

void running_from_json(const json_t *j, struct running *ret)
{
	xreplace(&ret->boot_id, json_field(j, "boot_id"));
	xreplace(&ret->root, json_field(j, "root"));
	xreplace(&ret->codename, json_field(j, "codename"));
	xreplace(&ret->system, json_field(j, "system"));
	json_to_strv(json_object_get(j, "failed"), &ret->failed);
	json_to_strv(json_object_get(j, "services"), &ret->services);
}

static bool passes(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (starts_with(unit, passing[i]))
			return true;
	return false;
}

char *running_lost(const struct running *before, const struct running *now)
{
	_cleanup_str_ struct str out = STR_INIT;

	for (size_t i = 0; i < now->failed.n; i++)
		if (!strv_has(&before->failed, now->failed.v[i]))
			str_addf(&out, "%s%s has failed", out.len > 0 ? ", " : "",
				 now->failed.v[i]);
	for (size_t i = 0; i < before->services.n; i++) {
		const char *unit = before->services.v[i];
		if (!passes(unit) && !strv_has(&now->services, unit) &&
		    !strv_has(&now->failed, unit))
			str_addf(&out, "%s%s is not running", out.len > 0 ? ", " : "",
				 unit);
	}
	return xstrdup(str_c(&out));
}

/* --- rebooting --- */

/* 1: it answers from another boot; 0: from the same; -1: it does not answer. */
static int ask(struct transport *t, const char *boot_id, struct err *err)
{
	_cleanup_running_ struct running r = RUNNING_INIT;

	if (running_read(t, &r, err) < 0)
		return -1;
	return !streq(r.boot_id, boot_id);
}

/* A login may be refused for a while before and after (nologin, no sshd yet): only time tells that it is for good. */
static int wait_for(struct transport **t, const struct transport_target *target,
		    const char *boot_id, double *ret_seconds, struct err *err)
{
	double begin = clock_mono(), last = begin;

	for (;;) {
		struct err why = { 0 };
		int rc = *t ? 0 : transport_open(t, target, &why);
		if (rc == 0)
			rc = ask(*t, boot_id, &why);
		double now = clock_mono();
		if (rc > 0) {
			*ret_seconds = now - last;
			return 0;
		}
		if (rc == 0)
			last = now;
		else
			*t = transport_close(*t);
		if (cancel_check(err) < 0)
			return err_prefix(err, "client %s", target->name);
		if (now - begin > WAIT_LIMIT) {
			err_set(err, ERR_TRANSIENT,
				"client %s has not come back from its reboot within %.0f minutes%s%s",
				target->name, WAIT_LIMIT / 60, rc < 0 ? ": " : "",
				rc < 0 ? why.msg
				       : ": it still answers from the old boot");
			return err_remedy(
				err,
				"look at its console; its boot menu has the old system, too");
		}
		struct pollfd p = { .fd = cancel_fd(), .events = POLLIN };
		poll(&p, 1, PAUSE_MS);
	}
}

static int settle(struct transport *t, struct events *events, struct err *err)
{
	static const char *const argv[] = {
		"sh", "-c",
		"[ ! -d /run/systemd/system ] || systemctl is-system-running --wait", NULL
	};
	struct proc_spec spec = { .argv = argv, .timeout_s = SETTLE_LIMIT };
	struct proc_result res;

	/* "degraded" is status 1: which units failed is looked at by itself */
	int rc = runner_run(transport_runner(t), &spec, &res, err);
	if (rc > 0 && res.how == PROC_TIMED_OUT)
		events_warning(events,
			       "client %s: not all services have started after %u s",
			       transport_name(t), SETTLE_LIMIT);
	return rc < 0 ? -1 : 0;
}

int reboot_client(const struct transport_target *target, const char *boot_id,
		  struct events *events, double *ret_seconds, struct err *err)
{
	_cleanup_free_ char *options = xasprintf(
		"-o ConnectTimeout=3 -o ServerAliveInterval=1 -o ServerAliveCountMax=3 %s",
		target->options ? target->options : "");
	struct transport_target impatient = *target;
	_cleanup_transport_ struct transport *t = NULL;

	impatient.options = options;
	if (transport_open(&t, &impatient, err) < 0)
		return -1;
	int rc = ask(t, boot_id, err);
	if (rc < 0)
		return -1;
	*ret_seconds = 0;
	if (rc == 0) {
		events_step(events, "Rebooting %s", target->name);
		if (transport_script(t, reboot_script, 0, NULL, err) < 0 ||
		    wait_for(&t, &impatient, boot_id, ret_seconds, err) < 0)
			return -1;
	}
	events_step(events, "%s answers again: waiting for its services", target->name);
	return settle(t, events, err);
}
