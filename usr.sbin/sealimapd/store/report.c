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
 * What imap-store has counted, for sealctl(8): the master's own, and what its
 * vaults tell it.
 */

#include <sys/types.h>

#include "master.h"
#include "stats.h"

/* In the order of enum count; the vaults' as in enum vault_count. */
static struct stat_row rows[COUNTS] = {
    [COUNT_VAULT + VAULT_SESSIONS] = {"vault_sessions_total", NULL,
	"Sessions that vaults began", STAT_COUNTER, 0},
    [COUNT_VAULT + VAULT_COMMITS] = {"vault_commits_total", NULL,
	"Commits of changes by sessions, each a sync of the disk", STAT_COUNTER,
	0},
    [COUNT_VAULT + VAULT_APPENDED] = {"appended_messages_total", NULL,
	"Messages that clients stored by APPEND", STAT_COUNTER, 0},
    [COUNT_VAULT + VAULT_DRAINS] = {"drains_total", NULL,
	"Slices of deliveries that vaults took in, each a sync of the disk",
	STAT_COUNTER, 0},
    [COUNT_VAULT + VAULT_DRAINED] = {"drained_messages_total", NULL,
	"Delivered messages that vaults took in", STAT_COUNTER, 0},
    [COUNT_VAULT + VAULT_UNREADABLE] = {"unreadable_deliveries_total", NULL,
	"Deliveries that do not open", STAT_COUNTER, 0},
    [COUNT_VAULTS] = {"vaults", NULL, "Accounts whose vault lives", STAT_GAUGE,
	0},
    [COUNT_OPENERS] = {"openers", NULL, "Logins that are being tried",
	STAT_GAUGE, 0},
    [COUNT_DERIVING] = {"derivations", NULL,
	"Keys that are being derived from passwords", STAT_GAUGE, 0},
    [COUNT_WAITING] = {"logins_waiting", NULL, "Logins that wait for a place",
	STAT_GAUGE, 0},
    [COUNT_GUARDED] = {"guard_entries", NULL,
	"Sources and accounts whose wrong secrets are counted", STAT_GAUGE, 0},
    [COUNT_RIGHT] = {"secrets_total", "result=\"right\"",
	"Secrets that were tried", STAT_COUNTER, 0},
    [COUNT_WRONG] = {"secrets_total", "result=\"wrong\"",
	"Secrets that were tried", STAT_COUNTER, 0},
    [COUNT_REFUSED] = {"secrets_total", "result=\"refused\"",
	"Secrets that were tried", STAT_COUNTER, 0},
    [COUNT_PACED] = {"submission_paced_total", NULL,
	"Recipients that users were told to submit later", STAT_COUNTER, 0},
    [COUNT_PACES] = {"submission_accounts", NULL,
	"Accounts that submitted within the hour", STAT_GAUGE, 0},
};

static void
report_refresh(struct stat_row *all)
{
	struct master_state s;

	master_state(&s);
	all[COUNT_VAULTS].value = s.vaults;
	all[COUNT_OPENERS].value = s.openers;
	all[COUNT_DERIVING].value = s.deriving;
	all[COUNT_WAITING].value = s.waiting;
	all[COUNT_GUARDED].value = guard_size();
	all[COUNT_PACES].value = pace_size();
}

void
report_init(void)
{
	stats_set(rows, COUNTS, report_refresh);
}

void
report_add(unsigned int count, uint64_t n)
{
	rows[count].value += n;
}
