/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RPM images: packages of the lpp_source's RPMS/ for a client that has an RPM database beside its own packages. */
#pragma once

#include "pkg/pkg.h"

/* Installs or updates all of them with the SPOT's rpm. No database in the root or no images: 0, nothing is done. */
int rpm_install_images(const struct pkg_ctx *c, struct err *err) _must_check_;
