/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Validators: what a checker's answers on both roots mean. The checkers are played by a runner. */
#include "test.h"

#include "merge-fixture.h"
#include "merge/validators.h"

/* Answers for one program; the runner knows from the table which root it is. */
struct actor {
	struct runner base;
	const char *program;
	int status;
	bool broken; /* the sandbox does not come up */
	const char *says;
	int calls;
	struct strv argv;
};

static int act(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
	       struct err *err)
{
	struct actor *a = (struct actor *)r;
	bool mine = false;
	for (size_t i = 0; spec->argv[i]; i++)
		mine = mine || streq(spec->argv[i], a->program);
	if (!mine)
		return 0;
	a->calls++;
	strv_done(&a->argv);
	for (size_t i = 0; spec->argv[i]; i++)
		strv_add(&a->argv, spec->argv[i]);
	if (!a->broken)
		spec->on_line(spec->arg, "nimadm: the checker starts", false);
	if (a->says)
		spec->on_line(spec->arg, a->says, true);
	res->how = a->status == 999 ? PROC_TIMED_OUT : PROC_EXITED;
	res->status = a->status;
	return a->status == 0 ? 0 : 1;
}

static const struct runner_ops actor_ops = { .name = "actor", .run = act };

static void play(struct fixture *f, struct actor *old, struct actor *new,
		 const char *program, const char *config)
{
	fixture_init(f);
	old->base.ops = new->base.ops = &actor_ops;
	old->program = new->program = program;
	f->c.run_old = &old->base;
	f->c.run_check = &new->base;
	fixture_both(f, program, "");
	if (config)
		fixture_both(f, config, "");
	assert_ok(merge_validate(&f->c, &f->err), &f->err);
}

static void finish(struct fixture *f, struct actor *old, struct actor *new)
{
	strv_done(&old->argv);
	strv_done(&new->argv);
	fixture_done(f);
}

static void a_pass_is_a_pass(void **state)
{
	struct fixture f;
	struct actor old = { .status = 1 }, new = { .status = 0 };
	play(&f, &old, &new, "/usr/sbin/nginx", "/etc/nginx/nginx.conf");
	fixture_has_finding(&f, "validate.nginx", FINDING_PASS, "");
	assert_int_equal(f.findings.n, 1);
	assert_int_equal(new.calls, 1);
	assert_int_equal(old.calls, 0);
	_cleanup_free_ char *line = strv_join(&new.argv, " ");
	assert_true(starts_with(line, "chroot /alt_inst /bin/sh -c "));
	assert_true(ends_with(line, " sh /run /var/log/nginx /usr/sbin/nginx -t"));
	finish(&f, &old, &new);
}

static void a_regression_warns_or_inhibits(void **state)
{
	struct fixture f;
	struct actor old = { .status = 0 }, new = { .status = 1, .says = "bad line 3" };
	play(&f, &old, &new, "/usr/bin/named-checkconf", "/etc/bind/named.conf");
	fixture_has_finding(&f, "validate.bind", FINDING_WARN, "bad line 3");
	fixture_link(&f.new, "/etc/systemd/system/multi-user.target.wants/named.service",
		     "/usr/lib/systemd/system/named.service");
	findings_done(&f.findings);
	assert_ok(merge_validate(&f.c, &f.err), &f.err);
	fixture_has_finding(&f, "validate.bind", FINDING_INHIBIT,
			    "/etc/bind/named.conf:\nbad line 3");
	finish(&f, &old, &new);
}

static void what_failed_before_is_no_regression(void **state)
{
	struct fixture f;
	struct actor old = { .status = 1, .says = "bad before" },
		     new = { .status = 1, .says = "bad now" };
	play(&f, &old, &new, "/usr/bin/fail2ban-client", "/etc/fail2ban/jail.conf");
	fixture_has_finding(&f, "validate.fail2ban", FINDING_INFO,
			    "now:\nbad now\nbefore:\nbad before");
	finish(&f, &old, &new);
}

static void texts_decide_where_the_status_does_not(void **state)
{
	struct fixture f;
	struct actor old = { .status = 0 }, new = { .status = 1, .says = "Syntax OK" };
	play(&f, &old, &new, "/usr/sbin/apache2ctl", "/etc/apache2/apache2.conf");
	fixture_has_finding(&f, "validate.apache2", FINDING_PASS, "");
	finish(&f, &old, &new);

	struct actor old2 = { .status = 0 },
		     new2 = { .status = 0, .says = "doveconf: Fatal: x" };
	play(&f, &old2, &new2, "/usr/bin/doveconf", "/etc/dovecot/dovecot.conf");
	fixture_has_finding(&f, "validate.dovecot", FINDING_WARN, "doveconf: Fatal: x");
	finish(&f, &old2, &new2);
}

static void a_checker_that_cannot_run_says_nothing_bad(void **state)
{
	static const int statuses[] = { 127, 126, 999 };
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct fixture f;
		struct actor old = { .status = 0 }, new = { .status = statuses[i] };
		play(&f, &old, &new, "/usr/sbin/sshd", "/etc/ssh/sshd_config");
		const struct finding *found = fixture_find(&f, "validate.sshd");
		assert_true(found && found->severity == FINDING_WARN);
		assert_true(found && strstr(found->title, "could not be run"));
		finish(&f, &old, &new);
	}
}

static void a_broken_sandbox_is_no_broken_service(void **state)
{
	struct fixture f;
	struct actor old = { .status = 0 }, new = { .status = 1,
						    .broken = true,
						    .says = "bwrap: no such thing" };
	play(&f, &old, &new, "/usr/sbin/nginx", "/etc/nginx/nginx.conf");
	fixture_has_finding(&f, "validate.nginx", FINDING_WARN, "bwrap: no such thing");
	const struct finding *found = fixture_find(&f, "validate.nginx");
	assert_true(found && strstr(found->title, "could not be run"));
	finish(&f, &old, &new);
}

static void the_newest_version_is_asked(void **state)
{
	struct fixture f;
	struct actor old = { .status = 0 }, new = { .status = 0 };
	fixture_init(&f);
	fixture_both(&f, "/usr/sbin/php-fpm8.2", "");
	fixture_both(&f, "/usr/sbin/php-fpm8.10", "");
	old.base.ops = new.base.ops = &actor_ops;
	new.program = "/usr/sbin/php-fpm8.10";
	f.c.run_old = &old.base;
	f.c.run_check = &new.base;
	assert_ok(merge_validate(&f.c, &f.err), &f.err);
	assert_int_equal(new.calls, 1);
	finish(&f, &old, &new);
}

static void each_local_unit_is_checked(void **state)
{
	struct fixture f;
	struct actor old = { .status = 0 },
		     new = { .status = 1, .says = "no such program" };
	fixture_init(&f);
	fixture_both(&f, "/usr/bin/systemd-analyze", "");
	fixture_both(&f, "/etc/systemd/system/app.service", "[Service]\n");
	fixture_link(&f.new, "/etc/systemd/system/sshd.service", "/lib/x.service");
	fixture_link(&f.new, "/etc/systemd/system/multi-user.target.wants/app.service",
		     "/etc/systemd/system/app.service");
	old.base.ops = new.base.ops = &actor_ops;
	old.program = new.program = "/usr/bin/systemd-analyze";
	f.c.run_old = &old.base;
	f.c.run_check = &new.base;
	assert_ok(merge_validate(&f.c, &f.err), &f.err);
	assert_int_equal(new.calls, 1);
	fixture_has_finding(&f, "validate.systemd-unit", FINDING_INHIBIT,
			    "no such program");
	finish(&f, &old, &new);
}

static void the_table_is_whole(void **state)
{
	size_t n;
	const struct validator *v = validator_table(&n);
	for (size_t i = 0; i < n; i++) {
		assert_true(v[i].name && *v[i].name && v[i].units && v[i].program);
		assert_true(starts_with(v[i].program, "/usr/"));
		assert_true(v[i].remedy && *v[i].remedy);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(v[i].name, v[k].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pass_is_a_pass),
		cmocka_unit_test(a_regression_warns_or_inhibits),
		cmocka_unit_test(what_failed_before_is_no_regression),
		cmocka_unit_test(texts_decide_where_the_status_does_not),
		cmocka_unit_test(a_checker_that_cannot_run_says_nothing_bad),
		cmocka_unit_test(a_broken_sandbox_is_no_broken_service),
		cmocka_unit_test(the_newest_version_is_asked),
		cmocka_unit_test(each_local_unit_is_checked),
		cmocka_unit_test(the_table_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
