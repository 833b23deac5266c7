/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forbid CALL[,CALL...] COMMAND...: runs a command on a kernel that lacks these system calls; "ficlone" is that ioctl. */
#include <errno.h>
#include <linux/fs.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int forbid(scmp_filter_ctx ctx, const char *name)
{
	if (strcmp(name, "ficlone") == 0)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(ioctl),
					1, SCMP_A1(SCMP_CMP_EQ, FICLONE));
	int nr = seccomp_syscall_resolve_name(name);
	return nr == __NR_SCMP_ERROR
		       ? -1
		       : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 3 || !ctx)
		return 2;
	for (char *p = argv[1], *name; (name = strsep(&p, ","));)
		if (forbid(ctx, name) < 0) {
			fprintf(stderr, "forbid: cannot forbid %s\n", name);
			return 2;
		}
	if (seccomp_load(ctx) < 0) {
		fprintf(stderr, "forbid: the filter cannot be loaded\n");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
