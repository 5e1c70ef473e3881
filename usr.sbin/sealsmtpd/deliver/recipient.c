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
 * Recipients kept open: finding an account and verifying its delivery key
 * costs a few system calls and a signature check, so what was found is kept as
 * long as the account's directory and its keys stand as they did.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#include "deliver.h"

#define HEADROOM (16U << 20)
#define CHECK_SECONDS 5
#define FORGET_SECONDS 1 /* what was agreed with recipients is wiped */

/* What changes when an account is removed, made anew or gets a new key. */
struct stamp {
	dev_t dev;
	ino_t ino;
	ino_t keys_ino;
	struct timespec keys_mtim;
	struct timespec mtim; /* limits are replaced */
};

struct recipient {
	RB_ENTRY(recipient) entry;
	TAILQ_ENTRY(recipient) used; /* oldest first */
	struct store_rcpt *store;
	struct stamp stamp;
	uint64_t sync;     /* the last one that had mail for it */
	time_t checked;    /* when the quota was looked at */
	uint64_t headroom; /* what it left since then, at most HEADROOM */
	unsigned int refs;
	bool stale; /* no longer in the tree */
	char account[STORE_ACCOUNT_MAX];
};
RB_HEAD(recipient_tree, recipient);

static struct recipient_tree recipients = RB_INITIALIZER(&recipients);
static TAILQ_HEAD(, recipient) by_use = TAILQ_HEAD_INITIALIZER(by_use);
static unsigned int nrecipients;
static int base = -1;
static uint64_t free_bytes, free_inodes;
static struct event forget;

static int
recipient_compare(const struct recipient *, const struct recipient *);
static int recipient_stamp(const char *, struct stamp *);
static void recipient_drop(struct recipient *);
static struct recipient *recipient_find(const char *);
static bool recipient_room(uint64_t);
static void recipients_forget(int, short, void *);

RB_PROTOTYPE(recipient_tree, recipient, entry, recipient_compare)
RB_GENERATE(recipient_tree, recipient, entry, recipient_compare)

void
recipient_init(int basefd)
{
	base = basefd;
	evtimer_set(&forget, recipients_forget, NULL);
}

void
recipient_reserve(uint64_t bytes, uint64_t inodes)
{
	free_bytes = bytes;
	free_inodes = inodes;
}

/* Ends with recipient_put(). */
enum store_result
recipient_get(const char *account, struct recipient **rp)
{
	struct recipient *r;
	struct stamp stamp;
	enum store_result res;

	*rp = NULL;
	if (strlen(account) >= STORE_ACCOUNT_MAX)
		return STORE_BADNAME;
	r = recipient_find(account);
	if (recipient_stamp(account, &stamp) == -1) {
		if (r != NULL)
			recipient_drop(r);
		r = NULL;
		memset(&stamp, 0, sizeof(stamp));
	}
	if (r != NULL && memcmp(&r->stamp, &stamp, sizeof(stamp)) != 0) {
		recipient_drop(r);
		r = NULL;
	}
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			fatal("calloc");
		res = store_rcpt_open(base, account, &r->store);
		if (res != STORE_OK) {
			free(r);
			return res;
		}
		r->stamp = stamp;
		(void)strlcpy(r->account, account, sizeof(r->account));
		RB_INSERT(recipient_tree, &recipients, r);
		TAILQ_INSERT_TAIL(&by_use, r, used);
		if (++nrecipients > RECIPIENTS_MAX)
			recipient_drop(TAILQ_FIRST(&by_use));
	} else {
		TAILQ_REMOVE(&by_use, r, used);
		TAILQ_INSERT_TAIL(&by_use, r, used);
	}
	r->refs++;
	*rp = r;
	return STORE_OK;
}

void
recipient_put(struct recipient *r)
{
	if (r == NULL)
		return;
	if (--r->refs == 0 && r->stale) {
		store_rcpt_free(r->store);
		free(r);
	}
}

/*
 * May it take size octets more?  What waits in in/ is only counted anew when
 * it could matter, for it may be many files.
 */
enum store_result
recipient_check(struct recipient *r, uint64_t size)
{
	struct timespec now;
	enum store_result res;

	if (!recipient_room(size))
		return STORE_NOSPACE;
	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		fatal("clock_gettime");
	if (now.tv_sec - r->checked < CHECK_SECONDS && size < r->headroom)
		return STORE_OK;
	r->headroom = 0;
	if (size > UINT64_MAX - HEADROOM)
		return STORE_OVERQUOTA;
	res = store_rcpt_check(r->store, size + HEADROOM);
	if (res != STORE_OK)
		return store_rcpt_check(r->store, size);
	r->headroom = store_rcpt_counts(r->store) ? 0 : HEADROOM;
	r->checked = now.tv_sec;
	return STORE_OK;
}

bool
recipient_plenty(const struct recipient *r)
{
	return r->headroom >= HEADROOM / 2;
}

/* So many octets were delivered to it. */
void
recipient_took(struct recipient *r, uint64_t size)
{
	r->headroom -= size < r->headroom ? size : r->headroom;
}

struct store_rcpt *
recipient_store(struct recipient *r)
{
	return r->store;
}

bool
recipient_news(struct recipient *r, uint64_t sync)
{
	if (r->sync == sync)
		return false;
	r->sync = sync;
	return true;
}

void
recipients_seal(void)
{
	struct timeval tv = {.tv_sec = FORGET_SECONDS};

	if (!evtimer_pending(&forget, NULL))
		evtimer_add(&forget, &tv);
}

/* Who is not in the tree is freed with the delivery that still has it. */
static void
recipients_forget(int fd, short what, void *arg)
{
	struct recipient *r;

	(void)fd;
	(void)what;
	(void)arg;
	RB_FOREACH (r, recipient_tree, &recipients)
		store_rcpt_forget(r->store);
}

/* The administrator's reserve, for logs and snapshots of those who read. */
static bool
recipient_room(uint64_t size)
{
	struct statvfs vfs;

	if (fstatvfs(base, &vfs) == -1)
		return true; /* the write itself will say */
	if (vfs.f_files != 0 && vfs.f_favail < free_inodes)
		return false;
	if (size > UINT64_MAX / 2 || free_bytes > UINT64_MAX / 2)
		return false;
	return vfs.f_bavail > (size + free_bytes) / vfs.f_frsize;
}

static int
recipient_compare(const struct recipient *a, const struct recipient *b)
{
	return strcmp(a->account, b->account);
}

static struct recipient *
recipient_find(const char *account)
{
	struct recipient key;

	memset(&key, 0, sizeof(key));
	(void)strlcpy(key.account, account, sizeof(key.account));
	return RB_FIND(recipient_tree, &recipients, &key);
}

/* Out of the tree; freed with its last user. */
static void
recipient_drop(struct recipient *r)
{
	RB_REMOVE(recipient_tree, &recipients, r);
	TAILQ_REMOVE(&by_use, r, used);
	nrecipients--;
	r->stale = true;
	store_rcpt_forget(r->store);
	if (r->refs == 0) {
		store_rcpt_free(r->store);
		free(r);
	}
}

static int
recipient_stamp(const char *account, struct stamp *stamp)
{
	char path[STORE_PATH_MAX], keys[STORE_PATH_MAX + 8];
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (store_path(account, path, sizeof(path)) == -1)
		return -1;
	if (fstatat(base, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	stamp->dev = st.st_dev;
	stamp->ino = st.st_ino;
	stamp->mtim = st.st_mtim;
	(void)snprintf(keys, sizeof(keys), "%s/keys", path);
	if (fstatat(base, keys, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	stamp->keys_ino = st.st_ino;
	stamp->keys_mtim = st.st_mtim;
	return 0;
}
