/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces with nothing but a loopback device: nobody else can reach what listens there. */
#pragma once

#include "base/err.h"

/* A new one, with its loopback device up; a descriptor, which holds it. The caller stays where it is. */
int netns_new(struct err *err) _must_check_;
/* Runs fn(arg) in that namespace, and returns what it returns: in a thread of its own, which has the caller's mounts. */
int netns_run(int netns, int (*fn)(void *arg, struct err *err), void *arg,
	      struct err *err) _must_check_;
/* The loopback device of the namespace that the calling thread is in. */
int netns_loopback_up(struct err *err) _must_check_;
