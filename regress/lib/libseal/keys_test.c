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
 * Changes of keys: what a changed, revoked or rekeyed slot opens; and faults:
 * the process stops, or a call fails, at the n-th call that changes the disk,
 * or there is no memory at the n-th allocation, for every n.  Afterwards the
 * old secret or the new one opens the account, never neither, and what was
 * acknowledged stays.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"

#define OLD HELPER_PASSWORD
#define NEW "another pass phrase"
#define NOW 1700000000
#define OPS 5

enum fault { NONE, STOP, FAIL, NOMEM };
static enum fault fault;
static unsigned int fault_at;
static unsigned int calls;

/* True where this call is to fail. */
static bool
now(void)
{
	if (fault == NONE || fault == NOMEM || ++calls != fault_at)
		return false;
	if (fault == STOP)
		_exit(7);
	errno = EIO;
	return true;
}

static bool
no_memory(void)
{
	return fault == NOMEM && ++calls == fault_at;
}

/* These stand in front of the system's: libseal is linked to them. */
ssize_t
write(int fd, const void *p, size_t len)
{
	/* Half of it, as after a power failure. */
	if (fault == STOP && calls + 1 == fault_at)
		(void)syscall(SYS_write, fd, p, len / 2);
	return now() ? -1 : syscall(SYS_write, fd, p, len);
}

int
fsync(int fd)
{
	return now() ? -1 : 0;
}

int
renameat(int a, const char *from, int b, const char *to)
{
	return now() ? -1 : (int)syscall(SYS_renameat2, a, from, b, to, 0);
}

int
unlinkat(int fd, const char *name, int flags)
{
	return now() ? -1 : (int)syscall(SYS_unlinkat, fd, name, flags);
}

static uint8_t *
key(void)
{
	uint8_t *amk;

	ATF_REQUIRE((amk = secret_alloc(SEAL_KEY_LEN)) != NULL);
	return amk;
}

/* The ring that a secret opens; NULL: it opens no slot. */
static struct seal_ring *
unlock(int dir, const char *secret, struct seal_slot_info *info)
{
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_ring *r = NULL;
	uint8_t *amk = key();

	ATF_REQUIRE_EQ(0, seal_account_load(dir, &a));
	ATF_REQUIRE((slots = seal_slots_load(dir, &a)) != NULL);
	if (seal_slots_try(slots, &a, secret, strlen(secret), &seal_kdf_low,
		amk, info) == 0) {
		r = seal_ring_load(dir, &a, amk);
		ATF_REQUIRE_MSG(r != NULL, "a slot opens, the ring does not");
	} else
		ATF_REQUIRE_EQ(EACCES, errno);
	seal_slots_free(slots);
	secret_free(amk);
	return r;
}

static bool
opens(int dir, const char *secret)
{
	struct seal_slot_info info;
	struct seal_ring *r;

	r = unlock(dir, secret, &info);
	seal_ring_free(r);
	return r != NULL;
}

/* ---- the operations, as a vault does them ---- */

static int
op_passwd(int dir, struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, char *shown)
{
	uint8_t record[SEAL_RECORD_MAX];
	struct seal_slots *copy;
	ssize_t len = -1;
	uint32_t id;

	copy = seal_slots_load(dir, seal_ring_account(r));
	if (copy == NULL)
		return -1;
	if (seal_slots_set(copy, seal_ring_account(r), seal_ring_amk(r),
		info->id, NEW, strlen(NEW), &seal_kdf_low, SEAL_SCOPE_ALL,
		NULL) == 0)
		len = seal_slots_export(copy, info->id, record);
	seal_slots_free(copy);
	if (len <= 0 ||
	    seal_slots_import(slots, record, (size_t)len, &id) == -1)
		return -1;
	ATF_REQUIRE_EQ(info->id, id);
	return seal_slots_save(dir, r, 0, slots);
}

static int
op_add(int dir, struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, char *shown)
{
	if (seal_slots_code(slots, seal_ring_account(r), seal_ring_amk(r),
		SEAL_SLOT_APP, SEAL_SCOPE_IMAP, "phone", shown, NULL) == -1)
		return -1;
	return seal_slots_save(dir, r, 0, slots);
}

static int
op_revoke(int dir, struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, char *shown)
{
	struct seal_slot_info one;

	for (size_t i = 0; seal_slots_info(slots, i, &one); i++) {
		if (one.kind == SEAL_SLOT_RECOVERY) {
			if (seal_slots_revoke(slots, one.id) == -1)
				return -1;
			break;
		}
	}
	return seal_slots_save(dir, r, 0, slots);
}

static int
op_rotate(int dir, struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, char *shown)
{
	struct seal_delivery d;
	struct seal_ring *copy;
	int ret;

	copy = seal_ring_load(dir, seal_ring_account(r), seal_ring_amk(r));
	if (copy == NULL)
		return -1;
	ret = seal_ring_rotate(&copy, &d, NOW + 1);
	if (ret == 0)
		ret = seal_ring_save(dir, copy, 0);
	if (ret == 0)
		ret = seal_delivery_save(dir, copy, 0, &d);
	seal_ring_free(copy);
	return ret;
}

static int
rekey_slots(struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, const uint8_t *amk, char *shown)
{
	uint32_t revoked;

	if (seal_slots_set(slots, seal_ring_account(r), amk, info->id, NEW,
		strlen(NEW), &seal_kdf_low, SEAL_SCOPE_ALL, NULL) == -1 ||
	    seal_slots_rekey(slots, seal_ring_account(r), seal_ring_amk(r), amk,
		info->id, &revoked) == -1)
		return -1;
	return seal_slots_code(slots, seal_ring_account(r), amk,
	    SEAL_SLOT_RECOVERY, SEAL_SCOPE_MANAGE, "", shown, NULL);
}

static int
op_rekey(int dir, struct seal_ring *r, struct seal_slots *slots,
    const struct seal_slot_info *info, char *shown)
{
	struct seal_ring *fresh = NULL;
	uint8_t *amk;
	int ret = -1;

	amk = secret_alloc(SEAL_KEY_LEN);
	if (amk == NULL)
		return -1;
	seal_random(amk, SEAL_KEY_LEN);
	if (rekey_slots(r, slots, info, amk, shown) == 0)
		fresh = seal_ring_rekey(r, amk, NOW + 2);
	if (fresh != NULL)
		ret = seal_rekey_save(dir, fresh, 0, slots);
	seal_ring_free(fresh);
	secret_free(amk);
	return ret;
}

static int (*const ops[OPS])(int, struct seal_ring *, struct seal_slots *,
    const struct seal_slot_info *,
    char *) = {op_passwd, op_add, op_revoke, op_rotate, op_rekey};

static int
run(int dir, int op, char *shown)
{
	struct seal_slot_info info;
	struct seal_slots *slots;
	struct seal_ring *r;
	int ret;

	shown[0] = '\0';
	r = unlock(dir, OLD, &info);
	ATF_REQUIRE(r != NULL);
	slots = seal_slots_load(dir, seal_ring_account(r));
	ATF_REQUIRE(slots != NULL);
	helper_no_memory = no_memory;
	ret = ops[op](dir, r, slots, &info, shown);
	helper_no_memory = NULL;
	seal_slots_free(slots);
	seal_ring_free(r);
	return ret;
}

/* Key files of host 0, tmp ones aside, and those whose octets hold `what`. */
static int
files(int dir, const char *prefix)
{
	struct dirent *de;
	DIR *d;
	int n = 0, fd;

	fd = openat(dir, "keys", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE((d = fdopendir(fd)) != NULL);
	while ((de = readdir(d)) != NULL)
		n += strncmp(de->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

/* What is in force, whichever state it is; both secrets are tried. */
static void
whole(int dir, int op, const char *recovery, bool done)
{
	struct seal_slot_info info;
	struct seal_delivery published, d;
	struct seal_ring *r;
	bool old, fresh;

	old = opens(dir, OLD);
	fresh = opens(dir, NEW);
	if (op == 0 || op == 4)
		ATF_CHECK_MSG(old != fresh, "op %d at %u: old %d, new %d", op,
		    fault_at, old, fresh);
	else
		ATF_CHECK_MSG(old, "op %d at %u: locked out", op, fault_at);
	if (done && (op == 0 || op == 4))
		ATF_CHECK_MSG(fresh, "op %d at %u: lost", op, fault_at);
	if (done && (op == 2 || op == 4))
		ATF_CHECK_MSG(!opens(dir, recovery), "op %d: lives", op);
	if (op == 0 || op == 1 || op == 3)
		ATF_CHECK(opens(dir, recovery));
	r = unlock(dir, fresh ? NEW : OLD, &info);
	ATF_REQUIRE(r != NULL);
	/* What is published can be opened. */
	ATF_REQUIRE_EQ(
	    0, seal_delivery_load(dir, seal_ring_account(r), &published));
	ATF_REQUIRE_EQ(0, seal_ring_delivery(r, &d));
	if (memcmp(d.keyid, published.keyid, SEAL_KEYID_LEN) != 0)
		ATF_CHECK_MSG(!done, "op %d: not published", op);
	ATF_CHECK_MSG(published.created <= d.created,
	    "published before the ring was durable");
	/* The next login leaves one version of each. */
	ATF_CHECK_EQ(0, seal_keys_tidy(dir, r, 0));
	ATF_CHECK_EQ(1, files(dir, "slots."));
	ATF_CHECK_EQ(1, files(dir, "delivery."));
	ATF_CHECK_EQ(0, seal_ring_save(dir, r, 0));
	ATF_CHECK_EQ(1, files(dir, "ring."));
	seal_ring_free(r);
	ATF_CHECK(opens(dir, fresh ? NEW : OLD));
}

/* One run with a fault at the n-th call; false: there was no n-th call. */
static bool
faulty(int op, enum fault kind, unsigned int n, unsigned int *injected)
{
	char name[32], recovery[SEAL_CODE_SIZE], shown[SEAL_CODE_SIZE];
	struct seal_ring *r;
	int dir, status;
	pid_t pid;

	(void)snprintf(name, sizeof(name), "a%d.%d.%u", op, kind, n);
	dir = helper_account(name, &r, recovery);
	seal_ring_free(r);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		fault = kind;
		fault_at = n;
		status = run(dir, op, shown);
		fault = NONE;
		_exit(calls < n ? 9 : status == 0 ? 0 : 8);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFEXITED(status));
	fault_at = n;
	status = WEXITSTATUS(status);
	ATF_REQUIRE_MSG(status == 0 || (status >= 7 && status <= 9),
	    "op %d at %u: status %d", op, n, status);
	whole(dir, op, recovery, status == 9 || status == 0);
	close(dir);
	*injected += status != 9;
	return status != 9;
}

ATF_TC(faults);
ATF_TC_HEAD(faults, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(faults, tc)
{
	unsigned int injected = 0, before;

	ATF_REQUIRE_EQ(0, seal_init());
	for (int op = 0; op < OPS; op++) {
		for (int kind = STOP; kind <= NOMEM; kind++) {
			before = injected;
			for (unsigned int n = 1;
			     faulty(op, (enum fault)kind, n, &injected); n++)
				ATF_REQUIRE(n < 200);
			/* write, sync, rename, sync, ... at the least */
			ATF_CHECK(injected - before >= (kind == NOMEM ? 2 : 6));
		}
	}
	printf("%u faults\n", injected);
}

ATF_TC_WITHOUT_HEAD(rekey);
ATF_TC_BODY(rekey, tc)
{
	char recovery[SEAL_CODE_SIZE], app[SEAL_CODE_SIZE];
	char fresh[SEAL_CODE_SIZE];
	uint8_t before[SEAL_KEY_LEN], after[SEAL_KEY_LEN];
	struct seal_slot_info info;
	struct seal_ring *r;
	uint32_t epoch;
	int dir;

	ATF_REQUIRE_EQ(0, seal_init());
	dir = helper_account("a", &r, recovery);
	epoch = seal_ring_epoch(r);
	ATF_REQUIRE_EQ(0, seal_ring_log(r, epoch, before));
	seal_ring_free(r);
	ATF_REQUIRE_EQ(0, run(dir, 1, app));
	ATF_CHECK(opens(dir, app));
	ATF_REQUIRE_EQ(0, run(dir, 4, fresh));
	ATF_CHECK(!opens(dir, OLD));
	ATF_CHECK(!opens(dir, app));
	ATF_CHECK(!opens(dir, recovery));
	ATF_CHECK(opens(dir, fresh));
	ATF_CHECK_EQ(1, files(dir, "ring."));
	r = unlock(dir, NEW, &info);
	ATF_REQUIRE(r != NULL);
	/* Old frames can be read, new ones are under another root. */
	ATF_REQUIRE_EQ(0, seal_ring_log(r, epoch, after));
	ATF_CHECK_EQ(0, memcmp(before, after, sizeof(before)));
	ATF_CHECK_EQ(epoch + 1, seal_ring_epoch(r));
	ATF_REQUIRE_EQ(0, seal_ring_log(r, epoch + 1, after));
	ATF_CHECK(memcmp(before, after, sizeof(before)) != 0);
	seal_ring_free(r);
	close(dir);
}

/* A main slot made elsewhere: only over one that lives, and only a main one. */
ATF_TC_WITHOUT_HEAD(import);
ATF_TC_BODY(import, tc)
{
	char recovery[SEAL_CODE_SIZE];
	uint8_t record[SEAL_RECORD_MAX];
	struct seal_slot_info info, one;
	struct seal_slots *slots;
	struct seal_ring *r;
	uint32_t id;
	ssize_t len;
	int dir;

	ATF_REQUIRE_EQ(0, seal_init());
	dir = helper_account("a", &r, recovery);
	seal_ring_free(r);
	r = unlock(dir, OLD, &info);
	slots = seal_slots_load(dir, seal_ring_account(r));
	len = seal_slots_export(slots, info.id, record);
	ATF_REQUIRE(len > 0);
	for (ssize_t n = 0; n < len; n++)
		ATF_CHECK_EQ(
		    -1, seal_slots_import(slots, record, (size_t)n, &id));
	ATF_REQUIRE_EQ(0, seal_slots_import(slots, record, (size_t)len, &id));
	ATF_REQUIRE(seal_slots_info(slots, 0, &one));
	ATF_CHECK_EQ(info.id, one.id);
	ATF_CHECK(one.rev > info.rev);
	ATF_REQUIRE_EQ(0, seal_slots_revoke(slots, info.id));
	ATF_CHECK_EQ(-1, seal_slots_import(slots, record, (size_t)len, &id));
	ATF_CHECK_EQ(ENOENT, errno);
	/* The recovery slot cannot be passed off as one. */
	ATF_REQUIRE(seal_slots_info(slots, 0, &one));
	ATF_CHECK_EQ(SEAL_SLOT_RECOVERY, one.kind);
	len = seal_slots_export(slots, one.id, record);
	ATF_REQUIRE(len > 0);
	ATF_CHECK_EQ(-1, seal_slots_import(slots, record, (size_t)len, &id));
	seal_slots_free(slots);
	seal_ring_free(r);
	close(dir);
}

/* App passwords come and go for ever; the tombstones make room. */
ATF_TC_WITHOUT_HEAD(endless);
ATF_TC_BODY(endless, tc)
{
	char recovery[SEAL_CODE_SIZE], code[SEAL_CODE_SIZE];
	struct seal_slots *slots;
	struct seal_ring *r;
	uint32_t id;
	int dir;

	ATF_REQUIRE_EQ(0, seal_init());
	dir = helper_account("a", &r, recovery);
	slots = seal_slots_load(dir, seal_ring_account(r));
	for (int i = 0; i < 3 * SEAL_SLOTS_MAX; i++) {
		ATF_REQUIRE_EQ(0,
		    seal_slots_code(slots, seal_ring_account(r),
			seal_ring_amk(r), SEAL_SLOT_APP, SEAL_SCOPE_IMAP, "x",
			code, &id));
		ATF_REQUIRE_EQ(0, seal_slots_revoke(slots, id));
	}
	ATF_REQUIRE_EQ(0, seal_slots_save(dir, r, 0, slots));
	ATF_CHECK(opens(dir, OLD));
	ATF_CHECK(opens(dir, recovery));
	ATF_CHECK(!opens(dir, code));
	seal_slots_free(slots);
	seal_ring_free(r);
	close(dir);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, faults);
	ATF_TP_ADD_TC(tp, rekey);
	ATF_TP_ADD_TC(tp, import);
	ATF_TP_ADD_TC(tp, endless);
	return atf_no_error();
}
