/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for the harnesses without a fuzzing engine: all seeds, all files that are named, then pseudo-random
 * mutations of both. The same arguments give the same inputs. An input that kills the program is left in
 * the file fuzz-input.bin.
 *
 *	fuzz-NAME [-n MUTATIONS] [-s SEED] [FILE...]
 */
#include "fuzz.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>

#include "base/parse.h"
#include "base/strv.h"

struct input {
	uint8_t *data;
	size_t n;
};

static struct input current;

/* Runs in signal context. */
static void on_death(int signo)
{
	int fd = open("fuzz-input.bin", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, current.data, current.n);

	(void)n;
	signal(signo, SIG_DFL);
	raise(signo);
}

/* xorshift64*: the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u;
}

/* In a buffer of exactly its size, so that the sanitizers see one byte too many. */
static void run_one(const uint8_t *data, size_t n)
{
	current.n = n;
	current.data = xmalloc(n);
	if (n > 0)
		memcpy(current.data, data, n);
	LLVMFuzzerTestOneInput(current.data, n);
	free(current.data);
	current.data = NULL;
	current.n = 0;
}

/* Bytes that mean something in one of our formats. */
static const char telling[] = ":=#\"\\\n\r\t /.,;-+~[]{}()<>|$*\0009 aZ\177\377";

static size_t mutate(uint8_t *buf, size_t n, size_t room, uint64_t *random)
{
	uint64_t what = next_random(random) % 6, r = next_random(random);
	size_t at = n > 0 ? (size_t)(r >> 16) % n : 0;
	size_t len = n > at ? MIN((size_t)(1 + (r & 15)), n - at) : 0;
	uint8_t byte = (uint8_t)telling[(r >> 8) % (sizeof(telling) - 1)];

	if (what == 0 && n > 0) {
		buf[at] ^= (uint8_t)(1u << (r & 7));
	} else if (what == 1 && n > 0) {
		buf[at] = byte;
	} else if (what == 2 && n < room) { /* insert */
		memmove(buf + at + 1, buf + at, n - at);
		buf[at] = byte;
		n++;
	} else if (what == 3) { /* delete */
		memmove(buf + at, buf + at + len, n - at - len);
		n -= len;
	} else if (what == 4 && n + len <= room) { /* repeat */
		memmove(buf + at + len, buf + at, n - at);
		n += len;
	} else if (what == 5 && (r & 31) == 0) { /* cut off */
		n = at;
	}
	return n;
}

static void run_mutations(const struct input *seeds, size_t n_seeds, uint64_t count,
			  uint64_t random)
{
	enum { ROOM = 4096 };
	_cleanup_free_ uint8_t *buf = xmalloc(ROOM);

	for (uint64_t i = 0; i < count; i++) {
		const struct input *seed = &seeds[next_random(&random) % n_seeds];
		size_t n = MIN(seed->n, (size_t)ROOM);
		memcpy(buf, seed->data, n);
		for (uint64_t k = next_random(&random) % 16 + 1; k > 0; k--)
			n = mutate(buf, n, ROOM, &random);
		run_one(buf, n);
	}
}

static void add_input(struct input **inputs, size_t *n, const void *data, size_t size)
{
	*inputs = xrealloc(*inputs, (*n + 1) * sizeof(**inputs));
	struct input *in = &(*inputs)[(*n)++];
	in->n = size;
	in->data = xmalloc(size);
	if (size > 0)
		memcpy(in->data, data, size);
}

static void add_file(struct input **inputs, size_t *n, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_str_ struct str text = STR_INIT;
	char buf[4096];
	size_t got;

	if (!f) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	while ((got = fread(buf, 1, sizeof(buf), f)) > 0)
		str_addn(&text, buf, got);
	add_input(inputs, n, str_c(&text), text.len);
}

static uint64_t number_or_exit(const char *text)
{
	struct err err = { 0 };
	uint64_t value = 0;

	if (parse_u64(text, &value, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	uint64_t mutations = 100000, seed = 1;
	struct input *inputs = NULL;
	size_t n = 0;

	for (int c; (c = getopt(argc, argv, "n:s:")) != -1;) {
		if (c == '?')
			return 2;
		*(c == 'n' ? &mutations : &seed) = number_or_exit(optarg);
	}
	for (const char *const *s = fuzz_seeds; *s; s++)
		add_input(&inputs, &n, *s, strlen(*s));
	for (int i = optind; i < argc; i++)
		add_file(&inputs, &n, argv[i]);
	signal(SIGABRT, on_death);
	signal(SIGSEGV, on_death);
	run_one(NULL, 0);
	for (size_t i = 0; i < n; i++)
		run_one(inputs[i].data, inputs[i].n);
	run_mutations(inputs, n, mutations, seed * 2 + 1);
	printf("%zu inputs and %llu mutations\n", n, (unsigned long long)mutations);
	for (size_t i = 0; i < n; i++)
		free(inputs[i].data);
	free(inputs);
	return 0;
}
