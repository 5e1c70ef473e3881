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
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "seal.h"
#include "store_file.h"
#include "store_rcpt.h"

#define USAGE_FRESH 10000000000ULL /* nanoseconds for which it is believed */
#define USAGE_SETTLED 100000000ULL /* of rest before it was looked at */

enum store_result
store_rcpt_open(int basefd, const char *account, struct store_rcpt **out)
{
	struct seal_account acct;
	struct seal_delivery key;
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
	if (result == STORE_OK)
		result = store_settings_read(rcpt->fd, &rcpt->settings);
	if (result == STORE_OK && limits.disabled)
		result = STORE_DISABLED;
	if (result == STORE_OK &&
	    (seal_account_load(rcpt->fd, &acct) == -1 ||
		seal_delivery_load(rcpt->fd, &acct, &key) == -1))
		result = errno == ENOENT ? STORE_CORRUPT : sys_result();
	if (result == STORE_OK) {
		rcpt->sender = seal_sender_new(&key);
		if (rcpt->sender == NULL)
			result = STORE_IO;
	}
	if (result != STORE_OK) {
		store_rcpt_free(rcpt);
		return result;
	}
	rcpt->limits = limits;
	*out = rcpt;
	return STORE_OK;
}

bool
store_rcpt_saves_sent(const struct store_rcpt *rcpt)
{
	return rcpt->settings.save_sent;
}

bool
store_rcpt_counts(const struct store_rcpt *rcpt)
{
	return rcpt->limits.max_messages != 0;
}

static uint64_t
nanoseconds(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
}

/* When the file or directory last changed; 0 where it is not there. */
static uint64_t
changed(const struct store_rcpt *rcpt, const char *name)
{
	struct stat st;

	if (fstatat(rcpt->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return nanoseconds(&st.st_mtim);
}

/*
 * Where nobody reads his mail many files wait in in/: they are asked one by
 * one only where something came or went, or some seconds after.
 */
static enum store_result
usage(struct store_rcpt *rcpt, struct store_used *used)
{
	struct timespec ts;
	enum store_result result;
	uint64_t now, in, quota;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		return store_usage(rcpt->fd, used);
	now = nanoseconds(&ts);
	in = changed(rcpt, "in");
	quota = changed(rcpt, "quota");
	*used = rcpt->used;
	if (rcpt->looked != 0 && in == rcpt->in_changed &&
	    quota == rcpt->quota_changed && now >= rcpt->looked &&
	    now - rcpt->looked < USAGE_FRESH)
		return STORE_OK;
	rcpt->looked = 0;
	result = store_usage(rcpt->fd, used);
	/* A change in the same tick of the clock would not show. */
	if (result != STORE_OK || now < in + USAGE_SETTLED ||
	    now < quota + USAGE_SETTLED)
		return result;
	rcpt->used = *used;
	rcpt->looked = now;
	rcpt->in_changed = in;
	rcpt->quota_changed = quota;
	return result;
}

enum store_result
store_rcpt_check(struct store_rcpt *rcpt, uint64_t size)
{
	enum store_result result;
	struct store_used used;

	if (rcpt->limits.quota != 0 || rcpt->limits.max_messages != 0) {
		result = usage(rcpt, &used);
		if (result != STORE_OK)
			return result;
		if (octets_full(&rcpt->limits, &used, size) ||
		    messages_full(&rcpt->limits, &used, 1))
			return STORE_OVERQUOTA;
	}
	return store_room(rcpt->fd, size) ? STORE_OK : STORE_NOSPACE;
}

enum store_result
store_rcpt_fits(struct store_rcpt *rcpt, uint64_t size, uint64_t written)
{
	enum store_result result;
	struct store_used used;

	if (rcpt->limits.quota == 0 && rcpt->limits.max_messages == 0)
		return STORE_OK;
	result = store_usage(rcpt->fd, &used);
	if (result != STORE_OK)
		return result;
	/* Its own file was counted. */
	used.octets -= written < used.octets ? written : used.octets;
	used.messages -= used.messages > 0;
	return octets_full(&rcpt->limits, &used, size) ||
		messages_full(&rcpt->limits, &used, 1) ?
	    STORE_OVERQUOTA :
	    STORE_OK;
}

void
store_rcpt_forget(struct store_rcpt *rcpt)
{
	seal_sender_forget(rcpt->sender);
}

void
store_rcpt_free(struct store_rcpt *rcpt)
{
	if (rcpt == NULL)
		return;
	if (rcpt->fd != -1)
		(void)close(rcpt->fd);
	seal_sender_free(rcpt->sender);
	free(rcpt);
}
