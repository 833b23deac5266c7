/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inventory and the pre-flight's checks on small roots made for the purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inventory/preflight.h"
#include "sys/files.h"

struct fixture {
	char dir[64];
	struct root root;
	struct inventory inv;
	struct findings fs;
	struct preflight_ctx ctx;
};

static const char bookworm[] =
	"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n"
	"VERSION_CODENAME=bookworm\nID=debian\n";
static const char status[] =
	"Package: dpkg\nStatus: install ok installed\nEssential: yes\nPriority: required\n"
	"Architecture: amd64\nVersion: 1.21.22\nInstalled-Size: 6000\n\n"
	"Package: nginx\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1.22\n"
	"Conffiles:\n /etc/nginx/nginx.conf 00000000000000000000000000000000\n"
	" /etc/nginx/mime.types d41d8cd98f00b204e9800998ecf8427e\n\n"
	"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n"
	"Package: acme\nStatus: install ok installed\nArchitecture: all\nVersion: 3\n\n"
	"Package: oldtool\nStatus: install ok installed\nArchitecture: all\nVersion: 2\n\n";

static void put(struct fixture *f, const char *path, const char *text)
{
	_cleanup_free_ char *dir = xstrdup(path);
	struct err err = { 0 };
	char *slash = strrchr(dir, '/');

	if (slash) {
		*slash = '\0';
		assert_int_equal(root_mkdirs(&f->root, dir, 0755, &err), 0);
	}
	assert_int_equal(root_write(&f->root, path, text, strlen(text), 0644, &err), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/nimadm-preflight-XXXXXX");
	f->root = (struct root)ROOT_INIT;
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(root_open(&f->root, f->dir, &err), 0);
	put(f, "etc/os-release", bookworm);
	put(f, "var/lib/dpkg/status", status);
	put(f, "etc/hostname", "web1\n");
	put(f, "etc/nginx/nginx.conf", "edited\n");
	put(f, "etc/nginx/mime.types", "");
	put(f, "boot/config-6.1.0-1-amd64", "");
	assert_int_equal(root_symlink(&f->root, "usr/bin", "bin", &err), 0);
	f->ctx.root = &f->root;
	f->ctx.inv = &f->inv;
	f->ctx.target = release_find("trixie");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	findings_done(&f->fs);
	inventory_done(&f->inv);
	root_done(&f->root);
	assert_int_equal(files_rmtree(f->dir, NULL, &err), 0);
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	struct err err = { 0 };

	assert_int_equal(inventory_read(&f->inv, &f->root, &err), 0);
	preflight_run(&f->ctx, &f->fs);
}

static bool has(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->fs.n; i++) {
		if (streq(f->fs.v[i].id, id))
			return true;
	}
	return false;
}

static const struct finding *find(const struct fixture *f, const char *id)
{
	size_t i = 0;

	while (i < f->fs.n && !streq(f->fs.v[i].id, id))
		i++;
	if (i == f->fs.n)
		fail_msg("no finding %s", id);
	return &f->fs.v[i];
}

static void expect(const struct fixture *f, const char *id,
		   enum finding_severity severity, const char *evidence)
{
	const struct finding *found = find(f, id);

	assert_string_equal(finding_severity_name(found->severity),
			    finding_severity_name(severity));
	if (evidence && !strstr(found->evidence, evidence))
		fail_msg("%s: evidence '%s' lacks '%s'", id, found->evidence, evidence);
}

static void test_inventory(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_string_equal(f->inv.codename, "bookworm");
	assert_ptr_equal(f->inv.release, release_find("bookworm"));
	assert_string_equal(f->inv.arch, "amd64");
	assert_string_equal(f->inv.hostname, "web1");
	assert_true(f->inv.merged_usr);
	assert_int_equal(f->inv.packages.n, 5);
	assert_int_equal(f->inv.kernels.n, 1);
	assert_non_null(dpkg_status_find(&f->inv.packages, "gone", NULL));
	assert_null(inventory_installed(&f->inv, "gone"));
	assert_string_equal(inventory_installed(&f->inv, "nginx")->want, "hold");
}

static void test_good_system(void **state)
{
	struct fixture *f = *state;

	run(f);
	expect(f, "system.distribution", FINDING_PASS, "bookworm");
	expect(f, "system.distance", FINDING_PASS, "trixie");
	expect(f, "system.arch", FINDING_PASS, "amd64");
	expect(f, "system.merged-usr", FINDING_PASS, NULL);
	expect(f, "dpkg.state", FINDING_PASS, NULL);
	expect(f, "dpkg.held", FINDING_WARN, "nginx 1.22");
	expect(f, "dpkg.conffiles", FINDING_INFO, "/etc/nginx/nginx.conf");
	assert_null(strstr(find(f, "dpkg.conffiles")->evidence, "mime.types"));
	expect(f, "apt.sources", FINDING_PASS, NULL);
	expect(f, "plan.solve", FINDING_INHIBIT, "no solve");
}

static void test_every_check_speaks(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;
	const struct preflight_check *table = preflight_table(&n);

	run(f);
	for (size_t i = 0; i < n; i++) {
		size_t seen = 0;
		for (size_t k = 0; k < f->fs.n; k++)
			seen += starts_with(f->fs.v[k].id, table[i].id);
		if (!seen)
			fail_msg("check %s said nothing", table[i].id);
		for (size_t k = i + 1; k < n; k++)
			assert_string_not_equal(table[i].id, table[k].id);
	}
}

static void test_distance(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *target;
		bool update;
		enum finding_severity severity;
		const char *remedy;
	} rows[] = {
		{ "trixie", false, FINDING_PASS, "" },
		{ "bookworm", false, FINDING_INHIBIT, "-U" },
		{ "bookworm", true, FINDING_PASS, "" },
		{ "bullseye", false, FINDING_INHIBIT, "newer than the target" },
		{ "forky", false, FINDING_INHIBIT, "migrate to 13 (trixie) first" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		findings_done(&f->fs);
		inventory_done(&f->inv);
		f->ctx.target = release_find(rows[i].target);
		f->ctx.update_allowed = rows[i].update;
		run(f);
		expect(f, "system.distance", rows[i].severity, NULL);
		assert_non_null(
			strstr(find(f, "system.distance")->remedy, rows[i].remedy));
	}
}

static void test_bad_systems(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	put(f, "etc/os-release", "ID=fedora\nVERSION_ID=40\n");
	put(f, "var/lib/dpkg/status",
	    "Package: dpkg\nStatus: install ok half-configured\nArchitecture: i386\n\n");
	put(f, "var/lib/dpkg/arch", "i386\namd64\n");
	put(f, "etc/apt/preferences.d/pin", "Package: *\n");
	put(f, "etc/apt/sources.list.d/x.list",
	    "deb [arch=amd64] https://vendor.example/apt stable main\n# deb http://no.example x\n");
	assert_int_equal(root_unlink(&f->root, "bin", &err), 0);
	assert_int_equal(root_mkdirs(&f->root, "bin", 0755, &err), 0);
	run(f);
	expect(f, "system.distribution", FINDING_INHIBIT, "ID=fedora");
	expect(f, "system.arch", FINDING_INHIBIT, "i386");
	expect(f, "system.foreign-arch", FINDING_WARN, "amd64");
	expect(f, "system.merged-usr", FINDING_INHIBIT, NULL);
	expect(f, "dpkg.state", FINDING_INHIBIT, "dpkg (install ok half-configured)");
	expect(f, "apt.pinned", FINDING_WARN, "/etc/apt/preferences.d/pin");
	expect(f, "apt.sources", FINDING_WARN, "vendor.example");
	assert_null(strstr(find(f, "apt.sources")->evidence, "no.example"));
}

/* Seen wrong: an address with "debian" in it is not therefore Debian's. */
static void test_third_party_sources(void **state)
{
	struct fixture *f = *state;

	put(f, "etc/apt/sources.list",
	    "deb http://mirror.example/debian bookworm main\n"
	    "deb [arch=amd64] https://download.example/linux/debian bookworm stable\n");
	run(f);
	expect(f, "apt.sources", FINDING_WARN, "linux/debian bookworm stable");
	assert_null(strstr(find(f, "apt.sources")->evidence, "mirror.example"));
}

static void test_not_a_system(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct inventory inv = INVENTORY_INIT;

	assert_int_equal(root_unlink(&f->root, "etc/os-release", &err), 0);
	assert_int_equal(inventory_read(&inv, &f->root, &err), -1);
	assert_int_equal(err.kind, ERR_UNFIT);
	assert_non_null(strstr(err.msg, "os-release"));
	inventory_done(&inv);
}

static void test_foreign_and_obsolete(void **state)
{
	struct fixture *f = *state;
	struct map *target = map_new(NULL), *old = map_new(NULL);

	map_set(target, "dpkg", MAP_PRESENT);
	map_set(target, "nginx", MAP_PRESENT);
	map_set(old, "dpkg", MAP_PRESENT);
	map_set(old, "nginx", MAP_PRESENT);
	map_set(old, "oldtool", MAP_PRESENT);
	f->ctx.known_target = target;
	f->ctx.known_old = old;
	run(f);
	expect(f, "dpkg.foreign", FINDING_WARN, "acme 3");
	assert_null(strstr(find(f, "dpkg.foreign")->evidence, "oldtool"));
	expect(f, "dpkg.obsolete", FINDING_INFO, "oldtool 2");
	f->ctx.known_target = f->ctx.known_old = NULL;
	map_free(target);
	map_free(old);
}

static void test_plan(void **state)
{
	struct fixture *f = *state;
	struct pkg_plan plan = PKG_PLAN_INIT;
	struct pkg_item *item = pkg_plan_add(&plan);
	struct layout_fs root_fs = { .mount_point = (char *)(uintptr_t) "/",
				     .size = 1 << 30,
				     .used = 900 << 20,
				     .type = (char *)(uintptr_t) "ext4" };
	struct layout layout = { .fs = &root_fs, .n_fs = 1 };

	item->name = xstrdup("dpkg");
	item->old_version = xstrdup("1.21.22");
	item->new_version = xstrdup("");
	item->action = PKG_REMOVE;
	item->removal = PKG_LOST;
	plan.unpacked_delta = 500 << 20;
	f->ctx.plan = &plan;
	f->ctx.layout = &layout;
	f->ctx.cache_needed = 2;
	f->ctx.cache_free = 1;
	run(f);
	expect(f, "plan.solve", FINDING_PASS, "0 upgraded, 0 new, 1 removed");
	expect(f, "plan.lost", FINDING_INHIBIT, "dpkg 1.21.22");
	expect(f, "layout.space", FINDING_WARN, "too small");
	expect(f, "cache.space", FINDING_INHIBIT, NULL);
	f->ctx.plan = NULL;
	pkg_plan_done(&plan);
}

static void test_traps(void **state)
{
	struct fixture *f = *state;

	put(f, "etc/sysctl.conf", "# nothing\n  net.ipv4.ip_forward = 1\n");
	run(f);
	expect(f, "trap.sysctl-conf", FINDING_INFO, "net.ipv4.ip_forward");
	assert_false(has(f, "trap.dovecot-24"));
	/* of the pair 11 -> 12 only */
	assert_false(has(f, "trap.rsyslog"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inventory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_good_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_check_speaks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_distance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_systems, setup, teardown),
		cmocka_unit_test_setup_teardown(test_third_party_sources, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_not_a_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_and_obsolete, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_traps, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
