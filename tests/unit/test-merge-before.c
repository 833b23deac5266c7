/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge methods that run before the packages, on fixture roots. */
#include "test.h"

#include "merge-fixture.h"

static void sources_follow_the_release(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/apt/sources.list",
		     "deb http://ftp.debian.org/debian bookworm main\n"
		     "deb http://apt.acme.example/debian bookworm main\n");
	fixture_both(
		&f, "/var/lib/apt/lists/apt.acme.example_debian_dists_bookworm_InRelease",
		"-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: Acme\nSuite: x\n");
	fixture_both(&f, "/etc/apt/sources.list.d/x.sources",
		     "Types: deb\nURIs: http://security.debian.org/debian-security\n"
		     "Suites: bookworm-security\nComponents: main\n");
	fixture_both(&f, "/etc/apt/preferences.d/pin",
		     "Package: *\nPin: release n=bookworm\nPin-Priority: 990\n");
	fixture_both(&f, "/etc/apt/apt.conf.d/10default",
		     "APT::Default-Release \"bookworm\";\n");
	fixture_run(&f, "apt_sources");
	fixture_is(
		&f.new, "/etc/apt/sources.list",
		"deb http://ftp.debian.org/debian trixie main\n"
		"# deb http://apt.acme.example/debian bookworm main # disabled by nimadm on "
		"the way to trixie: third-party archive\n");
	fixture_is(&f.new, "/etc/apt/sources.list.d/x.sources",
		   "Types: deb\nURIs: http://security.debian.org/debian-security\n"
		   "Suites: trixie-security\nComponents: main\n");
	fixture_is(&f.new, "/etc/apt/apt.conf.d/10default",
		   "APT::Default-Release \"trixie\";\n");
	fixture_is(&f.new, "/var/adm/nimadm/save/etc/apt/apt.conf.d/10default",
		   "APT::Default-Release \"bookworm\";\n");
	fixture_has_finding(&f, "merge.apt_sources.disabled", FINDING_WARN,
			    "apt.acme.example");
	fixture_has_finding(&f, "merge.apt_sources.pin", FINDING_WARN, "n=bookworm");
	fixture_done(&f);
}

static void a_broken_list_is_left_and_told(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/apt/sources.list.d/x.sources", "nonsense\n");
	fixture_run(&f, "apt_sources");
	fixture_is(&f.new, "/etc/apt/sources.list.d/x.sources", "nonsense\n");
	fixture_has_finding(&f, "merge.apt_sources.malformed", FINDING_WARN, "line 1");
	fixture_done(&f);
}

static void fstab_is_checked_against_the_layout(void **state)
{
	char root[] = "/", device[] = "/dev/sda1", uuid[] = "aa-bb", label[] = "";
	struct layout_fs fs[] = {
		{ .mount_point = root, .device = device, .uuid = uuid, .label = label }
	};
	struct layout layout = { .fs = fs, .n_fs = 1 };
	struct fixture f;
	fixture_init(&f);
	f.c.layout = &layout;
	fixture_both(&f, "/etc/fstab",
		     "# comment\nUUID=AA-BB / ext4 defaults 0 1\n"
		     "UUID=gone /data ext4 defaults 0 2\n"
		     "UUID=usb /usb ext4 nofail 0 2\n"
		     "/dev/sdb1 /my\\040disk ext4 noauto 0 2\n"
		     "tmpfs /tmp tmpfs defaults 0 0\n");
	fixture_run(&f, "fstab");
	fixture_has_finding(&f, "merge.fstab.unknown", FINDING_WARN,
			    "line 3: UUID=gone on /data");
	fixture_has_finding(&f, "merge.fstab.kernel_name", FINDING_WARN,
			    "line 5: /dev/sdb1 on /my disk");
	assert_int_equal(f.findings.n, 2);
	fixture_done(&f);
}

static void plain_crypt_devices_keep_their_cipher(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/crypttab",
		     "# name device key options\n"
		     "swap /dev/sda3 /dev/urandom plain,swap\n"
		     "data  /dev/sda4\tnone\tplain,size=512  # mine\n"
		     "luks UUID=1 none luks\n");
	fixture_run(&f, "crypttab");
	fixture_is(&f.new, "/etc/crypttab",
		   "# name device key options\n"
		   "swap /dev/sda3 /dev/urandom plain,swap\n"
		   "data  /dev/sda4\tnone\tplain,size=512,cipher=aes-cbc-essiv:sha256,"
		   "hash=ripemd160  # mine\n"
		   "luks UUID=1 none luks\n");
	fixture_done(&f);
}

static void resume_device_must_be_there(void **state)
{
	static const char path[] = "/etc/initramfs-tools/conf.d/resume";
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, path, "RESUME=UUID=1\n");
	fixture_both(&f, "/etc/fstab", "UUID=1 none swap sw 0 0\n");
	fixture_run(&f, "resume");
	fixture_is(&f.new, path, "RESUME=UUID=1\n");
	assert_int_equal(f.findings.n, 0);
	fixture_put(&f.new, "/etc/fstab", "UUID=2 none swap sw 0 0\n");
	fixture_run(&f, "resume");
	fixture_is(&f.new, path, "RESUME=none\n");
	fixture_has_finding(&f, "merge.resume", FINDING_INFO, "UUID=1");
	fixture_done(&f);
}

static void interface_names_are_pinned(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	fixture_both(
		&f, "/etc/network/interfaces",
		"auto lo\niface lo inet loopback\n# enp9s9\nauto enp1s0 enp1s0.100\n");
	fixture_both(
		&f, "/etc/udev/rules.d/70-persistent-net.rules",
		"SUBSYSTEM==\"net\", ACTION==\"add\", ATTR{address}==\"52:54:00:12:34:56\", "
		"NAME=\"lan0\"\n"
		"SUBSYSTEM==\"net\", ATTR{address}==\"bad\", NAME=\"x\"\n");
	fixture_run(&f, "net_names");
	fixture_is(
		&f.new, "/etc/default/grub.d/nimadm-net-names.cfg",
		"# Written by nimadm: a newer udev would give network interfaces other names.\n"
		"# In use here: enp1s0\n"
		"GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX net.naming-scheme=v252\"\n");
	fixture_is(&f.new, "/etc/systemd/network/10-nimadm-lan0.link",
		   "# Written by nimadm from /etc/udev/rules.d/70-persistent-net.rules\n"
		   "[Match]\nMACAddress=52:54:00:12:34:56\n\n[Link]\nName=lan0\n");
	fixture_done(&f);

	fixture_init(&f);
	fixture_both(&f, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"net.ifnames=0\"\n");
	fixture_both(&f, "/etc/network/interfaces", "auto ens3\n");
	fixture_run(&f, "net_names");
	assert_false(root_exists(&f.new, "/etc/default/grub.d/nimadm-net-names.cfg"));
	fixture_done(&f);
}

static void sysctl_settings_move(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(
		&f, "/etc/sysctl.conf",
		"# comment\n#net.x=1\nnet.ipv4.ip_forward=1\n; other\nvm.swappiness = 10\n");
	fixture_both(&f, "/etc/sysctl.d/90-app.conf", "vm/swappiness=60\n");
	fixture_link(&f.new, "/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
	fixture_run(&f, "sysctl");
	fixture_is(
		&f.new, "/etc/sysctl.d/60-migrated.conf",
		"# Settings of /etc/sysctl.conf, which Debian 13 reads no more. Written by "
		"nimadm.\nnet.ipv4.ip_forward=1\nvm.swappiness = 10\n");
	fixture_has_finding(&f, "merge.sysctl.order", FINDING_WARN,
			    "vm.swappiness = 10 in /etc/sysctl.d/60-migrated.conf, 60 in "
			    "/etc/sysctl.d/90-app.conf");
	assert_int_equal(f.findings.n, 1);
	fixture_done(&f);

	/* A file without settings, and a release that still reads it. */
	fixture_init(&f);
	fixture_both(&f, "/etc/sysctl.conf", "# nothing\n");
	fixture_run(&f, "sysctl");
	fixture_put(&f.new, "/etc/sysctl.conf", "a=1\n");
	f.c.from_release = "bullseye";
	f.c.release = "bookworm";
	fixture_run(&f, "sysctl");
	assert_false(root_exists(&f.new, "/etc/sysctl.d/60-migrated.conf"));
	fixture_done(&f);
}

static void a_small_initramfs_is_told(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/initramfs-tools/initramfs.conf", "MODULES=most\n");
	fixture_run(&f, "initramfs");
	assert_int_equal(f.findings.n, 0);
	fixture_put(&f.new, "/etc/initramfs-tools/conf.d/small", "MODULES=dep\n");
	fixture_run(&f, "initramfs");
	fixture_has_finding(&f, "merge.initramfs.modules", FINDING_INFO, "conf.d/small");
	fixture_is(&f.new, "/etc/initramfs-tools/conf.d/small", "MODULES=dep\n");
	fixture_done(&f);
}

static void grubs_disk_is_checked(void **state)
{
	char name[] = "/dev/sda", serial[] = "S3RIAL";
	struct layout_disk disks[] = { { .name = name, .serial = serial } };
	struct layout layout = { .disks = disks, .n_disks = 1 };
	struct fixture f;
	fixture_init(&f);
	f.c.layout = &layout;
	fixture_both(&f, "/etc/default/grub",
		     "GRUB_CMDLINE_LINUX=\"root=/dev/sda1 quiet\"\n");
	fixture_both(&f, "/boot/grub/device.map", "(hd0) /dev/disk/by-id/ata-OTHER\n");
	fixture_both(&f, "/var/cache/debconf/config.dat",
		     "Name: grub-pc/install_devices\n"
		     "Template: grub-pc/install_devices\n"
		     "Value: /dev/disk/by-id/ata-S3RIAL, /dev/disk/by-id/ata-OTHER\n"
		     "Owners: grub-pc\n\nName: x\nValue: y\n");
	fixture_run(&f, "grub_device");
	fixture_has_finding(&f, "merge.grub_device.cmdline", FINDING_WARN,
			    "root=/dev/sda1");
	fixture_has_finding(&f, "merge.grub_device.disk", FINDING_WARN, "ata-OTHER");
	assert_false(root_exists(&f.new, "/boot/grub/device.map"));
	assert_true(root_exists(&f.new, "/var/adm/nimadm/save/boot/grub/device.map"));
	fixture_done(&f);
}

static void a_repeated_stage_reports_all_of_it(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/apt/sources.list",
		     "deb http://ftp.debian.org/debian bookworm main\n"
		     "deb http://a.example/x y z\n");
	for (int i = 0; i < 2; i++) {
		struct findings found = FINDINGS_INIT;
		struct merge_ctx c = f.c;
		c.findings = &found;
		c.report = json_object();
		assert_ok(merge_run(&c, MERGE_BEFORE_PACKAGES, &f.err), &f.err);
		const json_t *changes = json_object_get(
			json_object_get(c.report, "apt_sources"), "changes");
		assert_int_equal(json_array_size(changes), 2);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.v[0].id, "merge.apt_sources.disabled");
		json_decref(c.report);
		findings_done(&found);
	}
	fixture_done(&f);
}

static void hooks_are_run_in_order(void **state)
{
	struct fixture f;
	fixture_init(&f);
	_cleanup_free_ char *dir = xasprintf("%s/hooks", f.dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	put_file(
		dir, "10-one",
		"#!/bin/sh\necho $NIM_MERGE_STAGE $NIM_RELEASE >> \"$NIM_JOB_DIR/said\"\n");
	put_file(dir, "20-two", "#!/bin/sh\ntest -d \"$NIM_ALT_INST\" && exit 3\n");
	put_file(dir, "10-one.dpkg-dist", "#!/bin/sh\nexit 1\n");
	_cleanup_free_ char *one = xasprintf("%s/10-one", dir);
	_cleanup_free_ char *two = xasprintf("%s/20-two", dir);
	_cleanup_free_ char *odd = xasprintf("%s/10-one.dpkg-dist", dir);
	chmod(one, 0755);
	chmod(odd, 0755);
	f.c.hooks_dir = dir;
	assert_ok(merge_run(&f.c, MERGE_BEFORE_PACKAGES, &f.err), &f.err);
	chmod(two, 0755);
	assert_err(merge_run(&f.c, MERGE_AFTER_PACKAGES, &f.err), &f.err, ERR_OPERATOR,
		   "hooks/20-two");
	_cleanup_free_ char *said = xasprintf("%s/said", f.dir);
	_cleanup_str_ struct str text = STR_INIT;
	assert_ok(files_read(said, 4096, &text, &f.err), &f.err);
	assert_string_equal(str_c(&text), "before trixie\nafter trixie\n");
	fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_follow_the_release),
		cmocka_unit_test(a_broken_list_is_left_and_told),
		cmocka_unit_test(fstab_is_checked_against_the_layout),
		cmocka_unit_test(plain_crypt_devices_keep_their_cipher),
		cmocka_unit_test(resume_device_must_be_there),
		cmocka_unit_test(interface_names_are_pinned),
		cmocka_unit_test(sysctl_settings_move),
		cmocka_unit_test(a_small_initramfs_is_told),
		cmocka_unit_test(grubs_disk_is_checked),
		cmocka_unit_test(a_repeated_stage_reports_all_of_it),
		cmocka_unit_test(hooks_are_run_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
