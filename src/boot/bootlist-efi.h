/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What efibootmgr prints, as records. */
#pragma once

#include "base/str.h"
#include "base/strv.h"

struct efi_entry {
	char number[5]; /* "0003" */
	bool active;
	char *label;
	char *part_uuid; /* of the partition its loader lies on, small letters; "" */
	char *loader;	 /* "\\EFI\\debian\\shimx64.efi", or "" */
};
struct efi_list {
	struct efi_entry *v;
	size_t n;
	struct strv order;	  /* numbers */
	char current[5], next[5]; /* "" for none */
};
#define EFI_LIST_INIT                                                                    \
	{                                                                                \
		.v = NULL                                                                \
	}
#define _cleanup_efi_list_ _cleanup_(efi_list_done)
void efi_list_done(struct efi_list *l);
/* Output of "efibootmgr -v" of versions 15 to 18. Lines it does not know are skipped. */
void efi_list_parse(struct efi_list *l, const char *text);
const struct efi_entry *efi_list_find(const struct efi_list *l, const char *number);
