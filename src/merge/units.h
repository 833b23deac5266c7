/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd's units in a root, read from its directories: enabled, masked, there. Private to src/merge. */
#pragma once

#include "base/map.h"
#include "sys/root.h"

#define UNITS_ETC "/etc/systemd/system"

/* Every symbolic link below /etc/systemd/system: "multi-user.target.wants/ssh.service" -> target. */
int units_links(const struct root *r, struct map **ret, struct err *err) _must_check_;
/* The unit a link path names: its last component, "getty@tty1.service". */
const char *units_link_unit(const char *link);
/* Some .wants or .requires directory, or an alias, names the unit. `unit` is an fnmatch pattern. */
bool units_is_enabled(const struct map *links, const char *unit);
/* A unit file (for an instance: its template) is in one of systemd's directories. */
bool units_exists(const struct root *r, const char *unit);
