/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim -o check of machines: whether they can be reached, with which rights, and what they lack. */
#include "cli/client.h"
#include "cli/nim.h"
#include "model/json.h"
#include "phase/client.h"

static int set(struct nim_request *r, const char *name, const char *attr,
	       const char *value, struct err *err)
{
	return store_attr_set(r->store, name, attr, value && *value ? value : NULL, err);
}

/* The value of a KEY=value line of os-release; malloc'd, "" when it is not there. */
static char *field_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p && *p;
	     p = strchr(p, '\n') ? strchr(p, '\n') + 1 : "") {
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		p += *p == '"';
		/* it goes into the database and onto terminals */
		return xstrndup(p,
				MIN(strspn(p, "abcdefghijklmnopqrstuvwxyz"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"),
				    (size_t)40));
	}
	return xstrdup("");
}

static int read_level(struct transport *t, char **ret, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (transport_script(t, "cat /etc/os-release", 0, &out, err) < 0)
		return -1;
	_cleanup_free_ char *id = field_of(str_c(&out), "ID");
	_cleanup_free_ char *version = field_of(str_c(&out), "VERSION_ID");
	_cleanup_free_ char *codename = field_of(str_c(&out), "VERSION_CODENAME");
	*ret = xasprintf("%s %s %s", *id ? id : "linux", *version ? version : "-",
			 *codename ? codename : "-");
	return 0;
}

/* What `altdisk check` printed, a finding a line. A lack is no failure of the check: it says what cannot be done. */
static size_t report_lacks(struct nim_request *r, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	size_t lacks = 0;

	for (char *line; (line = next_line(&cursor)) != NULL;) {
		_cleanup_json_ json_t *o = json_loads(line, 0, NULL);
		const char *title = json_field(o, "title");
		const char *remedy = json_field(o, "remedy");

		if (streq(json_field(o, "severity"), "INHIBIT") && *title) {
			events_warning(&r->events, "%.200s%s%.200s", title,
				       *remedy ? ": " : "", remedy);
			lacks++;
		}
	}
	return lacks;
}

static int check_client(struct nim_request *r, const struct client *c, struct err *err)
{
	const struct transport_target target = client_reach(c, r->cli->state_dir);
	const char *const args[] = { "check", "--json", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_free_ char *level = NULL;
	struct err lacks = { 0 };

	events_step(&r->events, "Connecting to %s", c->host);
	if (transport_open(&t, &target, err) < 0 || read_level(t, &level, err) < 0)
		return -1;
	const struct client_call call = { .args = args,
					  .events = &r->events,
					  .out = &out };
	int rc = client_run(t, &call, &lacks);
	if (rc < 0 && lacks.kind != ERR_UNFIT) {
		*err = lacks;
		return -1;
	}
	size_t n = report_lacks(r, str_c(&out));
	if (transport_program_remove(t, err) < 0)
		return -1;
	if (n > 0)
		events_warning(
			&r->events,
			"%s lacks %zu of what a clone on its own disks needs; an image "
			"of it can be made",
			c->name, n);
	return set(r, c->name, "os_level", level, err);
}

/* Mstate, Cstate_result and info of the machine: what the check found. */
static int record(struct nim_request *r, const char *name, const struct err *failure,
		  struct err *err)
{
	if (set(r, name, "Mstate", failure ? "not known" : "currently running", err) <
		    0 ||
	    set(r, name, "Cstate_result", failure ? "failure" : "success", err) < 0)
		return -1;
	return set(r, name, "info", failure ? failure->msg : NULL, err);
}

static int check_one(struct nim_request *r, const char *name, struct err *err)
{
	_cleanup_client_ struct client c = CLIENT_INIT;
	struct err second = { 0 };

	if (client_find(r->store, name, &c, err) < 0)
		return -1;
	int rc = check_client(r, &c, err);
	if (rc < 0 && err->kind == ERR_CANCELLED)
		return -1;
	if (record(r, name, rc < 0 ? err : NULL, rc < 0 ? &second : err) < 0)
		return -1;
	if (rc == 0)
		events_step(&r->events, "%s is reached, and we are root there", name);
	return rc;
}

int nim_check_machines(struct nim_request *r, struct err *err)
{
	_cleanup_strv_ struct strv self = STRV_INIT, names = STRV_INIT;
	size_t failed = 0;

	strv_add(&self, r->name);
	if (client_expand(r->store, &self, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		struct err own = { 0 };

		if (check_one(r, names.v[i], &own) == 0)
			continue;
		if (names.n == 1 || own.kind == ERR_CANCELLED) {
			*err = own;
			return -1;
		}
		failed++;
		events_warning(&r->events, "%s", own.msg);
	}
	if (failed == 0)
		return 0;
	err_set(err, ERR_OPERATOR, "%zu of %zu machines of %s cannot be used", failed,
		names.n, r->name);
	return err_remedy(err, "nim -o check each of them; lsnim -l shows why");
}
