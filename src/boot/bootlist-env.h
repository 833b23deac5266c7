/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB's environment block (grub/lib/envblk.h): 1024 bytes, a first line as signature, "name=value" lines in which '\\' and
 * newline are escaped by '\\', then '#' up to the end. GRUB writes it in place, so its size never changes.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define ENV_BLOCK_SIZE 1024u

void env_block_init(char block[ENV_BLOCK_SIZE]);
bool env_block_is_valid(const char block[ENV_BLOCK_SIZE]);
/* malloc'd; NULL: not set. */
char *env_block_get(const char block[ENV_BLOCK_SIZE], const char *name);
/* `value` NULL removes the variable. ERR_OPERATOR: no environment block, or no room. */
int env_block_set(char block[ENV_BLOCK_SIZE], const char *name, const char *value,
		  struct err *err) _must_check_;
