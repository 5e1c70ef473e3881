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
 * Making and removing accounts, and waiting for an account's lock.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "master.h"
#include "seal_keys.h"
#include "seal_read.h"
#include "seal_sealed.h"
#include "store_blob.h"
#include "store_sweep.h"

#define LOCK_STEP_MS 10
#define REMOVED "removed"

static const char *
reason_of(enum store_result result)
{
	switch (result) {
	case STORE_UNKNOWN:
		return "there is no such account";
	case STORE_EXISTS:
		return "the account exists already";
	case STORE_BADNAME:
		return "the name cannot be an account's";
	case STORE_NOSPACE:
		return "the disk is full; nothing was changed";
	case STORE_IO:
		return strerror(errno);
	default:
		return store_strerror(result);
	}
}

static int
account_escrow(int acct, const struct seal_ring *ring, unsigned int host,
    const uint8_t *key)
{
	const struct seal_account *a = seal_ring_account(ring);
	struct seal_slots *slots;
	int ret;

	slots = seal_slots_load(acct, a);
	if (slots == NULL)
		return -1;
	ret = seal_slots_escrow(slots, a, seal_ring_amk(ring), key);
	if (ret == 1)
		ret = seal_slots_save(acct, ring, host, slots);
	seal_slots_free(slots);
	return ret;
}

/* Keys and limits into the directory that is not visible yet. */
static int
account_fill(int acct, const struct creation *c, char *made, char *code,
    const char **reason)
{
	const char *password = c->password;
	struct store_limits limits;
	enum store_result result;
	struct seal_ring *ring;
	size_t len = c->len;

	made[0] = '\0';
	if (len == 0) {
		seal_password_make(made);
		password = made;
		len = strlen(password);
	}
	ring = seal_account_create(
	    acct, c->host, password, len, c->kdf, (int64_t)time(NULL), code);
	if (ring == NULL) {
		*reason = strerror(errno);
		return -1;
	}
	if (c->escrow != NULL &&
	    account_escrow(acct, ring, c->host, c->escrow) == -1) {
		*reason = strerror(errno);
		seal_ring_free(ring);
		return -1;
	}
	result = store_sign_waiting(acct, ring, c->host, c->waiting_days);
	seal_ring_free(ring);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		return -1;
	}
	if (c->quota == 0)
		return 0;
	memset(&limits, 0, sizeof(limits));
	limits.quota = c->quota;
	result = store_limits_write(acct, &limits);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		return -1;
	}
	return 0;
}

int
account_make(int base, const struct creation *c, char *made, char *code,
    const char **reason)
{
	enum store_result result;
	enum seal_slot_kind kind;
	uint32_t id;
	int acct;

	if (c->len > SEAL_SECRET_MAX - 1) {
		*reason = "the password is too long";
		return -1;
	}
	if (c->len > 0 && seal_password_short(c->password, c->len)) {
		*reason = "the password is too short";
		return -1;
	}
	/* It would be tried as a code and nothing else. */
	if (seal_code_parse(c->password, c->len, &kind, &id) ==
	    SEAL_CODE_VALID) {
		*reason = "that is a recovery code or app password";
		return -1;
	}
	result = store_account_create(base, c->account, &acct);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		return result == STORE_EXISTS ? ACCOUNT_EXISTS : -1;
	}
	if (account_fill(acct, c, made, code, reason) == -1) {
		store_account_abandon(base, c->account, acct);
		return -1;
	}
	result = store_account_publish(base, c->account, acct);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		store_account_abandon(base, c->account, acct);
		return result == STORE_EXISTS ? ACCOUNT_EXISTS : -1;
	}
	close(acct);
	return 0;
}

int
account_unlocked(int acct)
{
	int fd, waited = 0;

	fd = openat(acct, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS) {
			close(fd);
			return -1;
		}
		(void)poll(NULL, 0, LOCK_STEP_MS);
		waited += LOCK_STEP_MS;
	}
	/* Given up again: the store takes it on a descriptor of its own. */
	close(fd);
	return 0;
}

int
account_limit(int base, const char *account, enum limit what, uint64_t quota,
    uint64_t max_messages, const char **reason)
{
	struct store_limits limits;
	enum store_result result;
	int acct;

	result = store_account_open(base, account, &acct);
	if (result == STORE_OK) {
		result = store_limits_read(acct, &limits);
		if (what == LIMIT_QUOTA || what == LIMIT_BOTH)
			limits.quota = quota;
		if (what == LIMIT_BOTH)
			limits.max_messages = max_messages;
		if (what == LIMIT_DISABLE || what == LIMIT_ENABLE)
			limits.disabled = what == LIMIT_DISABLE;
		if (result == STORE_OK)
			result = store_limits_write(acct, &limits);
		close(acct);
	}
	if (result != STORE_OK)
		*reason = reason_of(result);
	return result == STORE_OK ? 0 : -1;
}

int
account_rename(
    int base, const char *account, const char *to, const char **reason)
{
	enum store_result result;
	int acct, ret = -1;

	result = store_account_open(base, account, &acct);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		return -1;
	}
	if (account_unlocked(acct) == -1) {
		*reason = "somebody is logged in and does not go";
	} else {
		result = store_account_rename(base, account, to);
		if (result == STORE_OK)
			ret = 0;
		else
			*reason = result == STORE_EXISTS ?
			    "the new name is an account's already" :
			    reason_of(result);
	}
	close(acct);
	return ret;
}

/* removed/<seconds>-<id>, so that what was removed can be found again. */
static int
removed_name(int acct, char *name, size_t size)
{
	char id[2 * SEAL_ID_LEN + 1];
	struct seal_account a;

	if (seal_account_load(acct, &a) == -1)
		seal_random(a.id, sizeof(a.id));
	seal_hex(a.id, sizeof(a.id), id);
	return snprintf(name, size, REMOVED "/%lld-%s", (long long)time(NULL),
		   id) < (int)size ?
	    0 :
	    -1;
}

static int
sync_dir(int base, const char *path)
{
	int fd, ret;

	fd = openat(
	    base, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

int
account_remove(int base, const char *account, const char **reason)
{
	char path[STORE_PATH_MAX], name[STORE_PATH_MAX], *slash;
	enum store_result result;
	int acct, ret = -1;

	result = store_account_open(base, account, &acct);
	if (result != STORE_OK) {
		*reason = reason_of(result);
		return -1;
	}
	if (store_path(account, path, sizeof(path)) == -1 ||
	    removed_name(acct, name, sizeof(name)) == -1)
		*reason = reason_of(STORE_BADNAME);
	else if (account_unlocked(acct) == -1)
		*reason = "somebody is logged in and does not go";
	else if (renameat(base, path, base, name) == -1)
		*reason = strerror(errno);
	else {
		slash = strrchr(path, '/');
		*slash = '\0';
		if (sync_dir(base, path) == -1 || sync_dir(base, REMOVED) == -1)
			*reason = strerror(errno);
		else
			ret = 0;
	}
	close(acct);
	return ret;
}
