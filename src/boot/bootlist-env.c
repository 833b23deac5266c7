/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRUB's environment block in memory. */
#include "boot/bootlist-env.h"

#define SIGNATURE     "# GRUB Environment Block\n"
#define SIGNATURE_LEN (sizeof(SIGNATURE) - 1)

void env_block_init(char block[ENV_BLOCK_SIZE])
{
	memset(block, '#', ENV_BLOCK_SIZE);
	memcpy(block, SIGNATURE, SIGNATURE_LEN);
}

/* One past the newline that ends the line at p: an escaped one does not. */
static size_t line_end(const char *block, size_t p)
{
	for (; p < ENV_BLOCK_SIZE; p++) {
		if (block[p] == '\\')
			p++;
		else if (block[p] == '\n')
			return p + 1;
	}
	return ENV_BLOCK_SIZE;
}

/* Where the lines end and the filling begins. */
static size_t used(const char *block)
{
	size_t end = ENV_BLOCK_SIZE;

	while (end > SIGNATURE_LEN && block[end - 1] == '#')
		end--;
	return end;
}

/* Whole lines, then the filling: what is appended to anything else would become part of a line. */
bool env_block_is_valid(const char block[ENV_BLOCK_SIZE])
{
	size_t end = used(block), p = SIGNATURE_LEN;

	if (memcmp(block, SIGNATURE, SIGNATURE_LEN) != 0)
		return false;
	while (p < end)
		p = line_end(block, p);
	return p == end;
}

/* Of the line that sets the variable; ENV_BLOCK_SIZE: none. */
static size_t find(const char *block, const char *name)
{
	size_t n = strlen(name);

	for (size_t p = SIGNATURE_LEN; p < ENV_BLOCK_SIZE; p = line_end(block, p))
		if (p + n < ENV_BLOCK_SIZE && memcmp(block + p, name, n) == 0 &&
		    block[p + n] == '=')
			return p;
	return ENV_BLOCK_SIZE;
}

char *env_block_get(const char block[ENV_BLOCK_SIZE], const char *name)
{
	_cleanup_str_ struct str value = STR_INIT;
	size_t p = env_block_is_valid(block) ? find(block, name) : ENV_BLOCK_SIZE;

	if (p == ENV_BLOCK_SIZE)
		return NULL;
	for (p += strlen(name) + 1; p < ENV_BLOCK_SIZE && block[p] != '\n'; p++) {
		if (block[p] == '\\' && p + 1 < ENV_BLOCK_SIZE)
			p++;
		str_addc(&value, block[p]);
	}
	return str_take(&value);
}

static void remove_line(char *block, const char *name)
{
	size_t p = find(block, name), end, rest;

	if (p == ENV_BLOCK_SIZE)
		return;
	end = line_end(block, p);
	rest = ENV_BLOCK_SIZE - end;
	memmove(block + p, block + end, rest);
	memset(block + p + rest, '#', end - p);
}

int env_block_set(char block[ENV_BLOCK_SIZE], const char *name, const char *value,
		  struct err *err)
{
	_cleanup_str_ struct str line = STR_INIT;
	size_t end;

	if (!env_block_is_valid(block))
		return err_set(err, ERR_OPERATOR, "is no GRUB environment block");
	remove_line(block, name);
	if (value == NULL)
		return 0;
	str_addf(&line, "%s=", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '\n')
			str_addc(&line, '\\');
		str_addc(&line, *value);
	}
	str_addc(&line, '\n');
	end = used(block);
	if (ENV_BLOCK_SIZE - end < line.len)
		return err_set(err, ERR_OPERATOR,
			       "the GRUB environment block is full: no room for %s",
			       name);
	memcpy(block + end, line.p, line.len);
	return 0;
}
