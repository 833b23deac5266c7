/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiler attributes, scope cleanup and small macros used everywhere. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)	    __attribute__((cleanup(f)))
#define _must_check_	    __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_	    __attribute__((unused))
#define _noreturn_	    __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The counter gives each use names of its own, so that they can be nested. */
#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)
#define PICK_(a, op, b, va, vb)                                                          \
	({                                                                               \
		__auto_type va = (a);                                                    \
		__auto_type vb = (b);                                                    \
		va op vb ? va : vb;                                                      \
	})
#define MIN(a, b) PICK_(a, <, b, PASTE(min_a_, __COUNTER__), PASTE(min_b_, __COUNTER__))
#define MAX(a, b) PICK_(a, >, b, PASTE(max_a_, __COUNTER__), PASTE(max_b_, __COUNTER__))

/* Move a pointer or descriptor out of a variable that has a cleanup. */
#define TAKE_PTR(p)                                                                      \
	({                                                                               \
		__auto_type pp_ = &(p);                                                  \
		__auto_type v_ = *pp_;                                                   \
		*pp_ = NULL;                                                             \
		v_;                                                                      \
	})
#define TAKE_FD(fd)                                                                      \
	({                                                                               \
		int *pfd_ = &(fd);                                                       \
		int v_ = *pfd_;                                                          \
		*pfd_ = -1;                                                              \
		v_;                                                                      \
	})

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_	 _cleanup_(free_p)
#define _cleanup_close_	 _cleanup_(close_p)
#define _cleanup_fclose_ _cleanup_(fclose_p)
