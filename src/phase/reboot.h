/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's reboot: what runs there, starting it anew, and what came of it.
 *
 * A boot is known by the kernel's boot id, a system by its root file system's UUID: clones have UUIDs of their own, and
 * disks may change their names from one boot to the next.
 */
#pragma once

#include <jansson.h>

#include "model/event.h"
#include "transport/transport.h"

struct running {
	char *boot_id, *root;	 /* UUIDs; "": not told */
	char *codename, *system; /* "trixie", "Debian GNU/Linux 13 (trixie)" */
	struct strv failed,
		services; /* systemd's units: failed ones; services at work that a boot starts */
};
#define RUNNING_INIT                                                                     \
	{                                                                                \
		.failed = STRV_INIT, .services = STRV_INIT                               \
	}
#define _cleanup_running_ _cleanup_(running_done)
void running_done(struct running *r);
int running_read(struct transport *t, struct running *ret, struct err *err) _must_check_;
json_t *running_to_json(const struct running *r);
void running_from_json(const json_t *j, struct running *ret);
/* Services that worked before and do not now, and units that failed since, as words for a message; "": all is well. */
char *running_lost(const struct running *before, const struct running *now) _must_check_;

/*
 * Reboots the client and waits until it answers by ssh from another boot than `boot_id` and has started its services.
 * *ret_seconds: how long it did not answer, to some two seconds. ERR_TRANSIENT: it did not come back within 15 minutes.
 * A client that is on its way already is only waited for.
 */
int reboot_client(const struct transport_target *target, const char *boot_id,
		  struct events *events, double *ret_seconds, struct err *err)
	_must_check_;
