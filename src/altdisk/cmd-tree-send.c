/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk tree-send: the files that a master asks for. */
#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "archive/push.h"
#include "model/manifest-file.h"
#include "sys/files.h"

#define LIST_MAX ((uint64_t)4 << 30)

struct options {
	char unused;
};

/* The list is in the first and only member on standard input. */
static int read_list(struct manifest_map *list, struct err *err)
{
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_close_ int fd = files_nameless("/run", err);
	char self[40];

	if (fd < 0 || stream_in_begin(&in, STDIN_FILENO, LIST_MAX, err) < 0 ||
	    stream_in_text(&in, "want", fd, err) < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return manifest_map_open(list, self, err);
}

static int tree_send(const struct strv *args, struct err *err)
{
	_cleanup_manifest_map_ struct manifest_map list = { 0 };
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct push_result res;

	if (args->n != 1)
		return err_set(err, ERR_USAGE, "DIR is wanted");
	if (root_open(&tree, args->v[0], err) < 0 || read_list(&list, err) < 0)
		return -1;
	return push_wanted(&tree, list.text, list.len, STDOUT_FILENO, &res, err);
}

static const char *const synopsis[] = { "DIR <LIST >STREAM", NULL };

static const struct opt_program program = {
	.name = "altdisk tree-send",
	.synopsis = synopsis,
	.about =
		"Sends files of a tree with all their attributes, as a compressed tar archive: those that the list on standard input names. For the rest of the list it proves that their content is here.",
};

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = tree_send(&args, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_tree_send = {
	.name = "tree-send",
	.summary = "send a master the files that it asks for",
	.run = run,
};
