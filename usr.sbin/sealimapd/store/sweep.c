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
 * The sweep, in a clerk: deletes that are due, of all accounts whose owner is
 * not logged in.  It needs no key.  Each account is worked on by slices, and
 * between two of them its lock is free for a vault.
 */

#include <sys/types.h>

#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "store_sweep.h"

#define SLICES_MAX 1000 /* of one account in one sweep */

struct sweep {
	int base;
	int64_t grace;
	struct sweep_total *total;
};

static void
sweep_account(const struct sweep *sweep, int acct, const char *account)
{
	struct sweep_total *t = sweep->total;
	struct store_swept s;
	enum store_result result;
	unsigned int i;

	t->accounts++;
	for (i = 0, s.more = true; s.more && i < SLICES_MAX; i++) {
		result = store_sweep(acct, sweep->grace, &s);
		/* Its vault does the same. */
		if (result == STORE_LOCKED)
			return;
		if (result != STORE_OK) {
			log_warn("account=%s cannot be swept: %s",
			    log_addr(account), store_strerror(result));
			t->failed++;
			return;
		}
		t->trashed += s.trashed + s.expired;
		t->removed += s.removed;
	}
	if (s.bad) {
		log_warnx("account=%s a list of deletes does not verify; they "
			  "wait for a login",
		    log_addr(account));
		t->failed++;
	}
}

static int
sweep_named(const char *account, void *arg)
{
	const struct sweep *s = arg;
	int acct;

	if (store_account_open(s->base, account, &acct) != STORE_OK)
		return 0;
	sweep_account(s, acct, account);
	close(acct);
	return 0;
}

enum store_result
sweep_one(
    int base, const char *account, int64_t grace, struct sweep_total *total)
{
	struct sweep s = {base, grace, total};
	enum store_result result;
	int acct;

	memset(total, 0, sizeof(*total));
	result = store_account_open(base, account, &acct);
	if (result != STORE_OK)
		return result;
	sweep_account(&s, acct, account);
	close(acct);
	log_info("sweep account=%s grace=%lld trashed=%llu removed=%llu",
	    log_addr(account), (long long)grace,
	    (unsigned long long)total->trashed,
	    (unsigned long long)total->removed);
	return STORE_OK;
}

enum store_result
sweep_all(int base, int64_t grace, struct sweep_total *total)
{
	struct sweep s = {base, grace, total};
	enum store_result result;

	memset(total, 0, sizeof(*total));
	result = store_account_list(base, NULL, sweep_named, &s);
	log_info("sweep accounts=%u trashed=%llu removed=%llu failed=%u",
	    total->accounts, (unsigned long long)total->trashed,
	    (unsigned long long)total->removed, total->failed);
	return result;
}
