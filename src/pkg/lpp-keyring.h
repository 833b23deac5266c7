/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A keyring's copy in the form that every verifier reads (binary OpenPGP). */
#pragma once

#include "base/err.h"

/* Copies `from` to `to`; an ASCII-armoured file is decoded. */
int lpp_keyring_install(const char *from, const char *to, struct err *err) _must_check_;
