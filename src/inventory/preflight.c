/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the pre-flight's checks and what they share. */
#include "inventory/preflight.h"

#include "inventory/preflight-internal.h"

static const struct preflight_check checks[] = {
	{ "system.distribution", "Distribution and release are known",
	  preflight_distribution },
	{ "system.distance", "The target is the next release", preflight_distance },
	{ "system.arch", "The architecture is supported", preflight_arch },
	{ "system.foreign-arch", "Foreign architectures", preflight_foreign_arch },
	{ "system.merged-usr", "/usr is merged", preflight_merged_usr },
	{ "system.kernels", "Kernels", preflight_kernels },
	{ "dpkg.state", "No package is half installed", preflight_dpkg_state },
	{ "dpkg.held", "Held packages", preflight_held },
	{ "apt.pinned", "Pinned packages", preflight_pinned },
	{ "apt.sources", "Third-party package sources", preflight_sources },
	{ "dpkg.foreign", "Packages from elsewhere", preflight_foreign },
	{ "dpkg.obsolete", "Packages the target no longer has", preflight_obsolete },
	{ "dpkg.conffiles", "Edited configuration files", preflight_conffiles },
	{ "plan.solve", "Trial dependency solve", preflight_solve },
	{ "plan.removals", "Packages that go", preflight_removals },
	{ "plan.lost", "Functions that would be lost", preflight_lost },
	{ "plan.size", "What the plan fetches and unpacks", preflight_size },
	{ "layout.file-systems", "File systems and fstab agree", preflight_layout },
	{ "layout.space", "Space forecast per file system", preflight_space },
	{ "boot.method", "Boot method", preflight_boot },
	{ "cache.space", "Space in the cache", preflight_cache },
	{ "trap", "Known traps of this release pair", preflight_traps },
};

const struct preflight_check *preflight_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(checks);
	return checks;
}

void preflight_pass(const struct preflight_check *self, struct findings *fs,
		    const char *evidence)
{
	findings_add(fs, self->id, FINDING_PASS, self->title, evidence, "");
}

void preflight_add(const struct preflight_check *self, struct findings *fs,
		   enum finding_severity severity, const char *evidence,
		   const char *remedy)
{
	findings_add(fs, self->id, severity, self->title, evidence, remedy);
}

char *preflight_join(const struct strv *names, size_t max)
{
	struct str out = STR_INIT;

	for (size_t i = 0; i < names->n && i < max; i++)
		str_addf(&out, "%s%s", i ? ", " : "", names->v[i]);
	if (names->n > max)
		str_addf(&out, " and %zu more", names->n - max);
	return str_take(&out);
}

void preflight_run(const struct preflight_ctx *c, struct findings *fs)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i].run(c, &checks[i], fs);
}
