/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * What a user has chosen and a server must know while no vault of his lives:
 * lines of a file that is no secret, written by the vault, read by whoever may
 * read the account's directory.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_local.h"

enum store_result
store_settings(struct store *st, struct store_settings *settings)
{
	return store_settings_read(st->acct, settings);
}

enum store_result
store_settings_set(struct store *st, const struct store_settings *settings)
{
	const char *lines = settings->save_sent ? SAVE_SENT "\n" : "";
	enum store_result result;

	result = mut_begin(st, 0);
	if (result != STORE_OK)
		return result;
	if (sys_replace(st->acct, SETTINGS, 0440, lines, strlen(lines)) == -1)
		return sys_result();
	return STORE_OK;
}
