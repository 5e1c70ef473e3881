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

/* A recipient as a deliverer sees it: public keys and limits, no secret. */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "seal.h"
#include "store_file.h"
#include "store_rcpt.h"

enum store_result
store_rcpt_open(int basefd, const char *account, struct store_rcpt **out)
{
	struct seal_account acct;
	struct store_limits limits;
	struct store_rcpt *rcpt;
	enum store_result result;

	*out = NULL;
	rcpt = calloc(1, sizeof(*rcpt));
	if (rcpt == NULL)
		return STORE_IO;
	result = store_account_open(basefd, account, &rcpt->fd);
	if (result == STORE_OK)
		result = store_limits_read(rcpt->fd, &limits);
	if (result == STORE_OK && limits.disabled)
		result = STORE_DISABLED;
	if (result == STORE_OK &&
	    (seal_account_load(rcpt->fd, &acct) == -1 ||
		seal_delivery_load(rcpt->fd, &acct, &rcpt->key) == -1))
		result = errno == ENOENT ? STORE_CORRUPT : sys_result();
	if (result != STORE_OK) {
		store_rcpt_free(rcpt);
		return result;
	}
	rcpt->quota = limits.quota;
	*out = rcpt;
	return STORE_OK;
}

enum store_result
store_rcpt_check(struct store_rcpt *rcpt, uint64_t size)
{
	enum store_result result;
	uint64_t used;

	if (rcpt->quota != 0) {
		result = store_usage(rcpt->fd, &used);
		if (result != STORE_OK)
			return result;
		if (used >= rcpt->quota || size > rcpt->quota - used)
			return STORE_OVERQUOTA;
	}
	return store_room(rcpt->fd, size) ? STORE_OK : STORE_NOSPACE;
}

void
store_rcpt_free(struct store_rcpt *rcpt)
{
	if (rcpt == NULL)
		return;
	if (rcpt->fd != -1)
		(void)close(rcpt->fd);
	free(rcpt);
}
