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
 * Fuzzer of what a store believes of its own files: operations in the log,
 * snapshots and columns, packed summaries, the head, the signed lists of
 * deletes, limits.  They are sealed or signed, so the fuzzer changes what the
 * keys have opened: whoever had the keys once must not break a vault for good.
 * A step of the input is a change of the n-th thing that is opened.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_account.h"
#include "harness.h"
#include "seal_log.h"
#include "seal_read.h"
#include "store.h"
#include "store_del.h"

#define STEPS_MAX 16
#define WHAT_HOOK 0xe0 /* of a step: enum hook */
#define WHAT_NTH 0x1f  /* whose call */
#define FLAG_LOG 0x01  /* first octet: no snapshot is there */
#define FLAG_GOOD 0x02 /* sums and signatures are right */
#define FLAG_HOST 0x04 /* as the other host of a pair */

enum hook { HOOK_FRAME, HOOK_WHOLE, HOOK_BOX, HOOK_FILE, HOOKS };

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
int __real_seal_frame_open(const uint8_t *, const struct seal_frame *,
    uint8_t *, const uint8_t *, uint8_t *, size_t *);
int __wrap_seal_frame_open(const uint8_t *, const struct seal_frame *,
    uint8_t *, const uint8_t *, uint8_t *, size_t *);
int __real_seal_unbox(
    const uint8_t *, const void *, size_t, const uint8_t *, size_t, uint8_t *);
int __wrap_seal_unbox(
    const uint8_t *, const void *, size_t, const uint8_t *, size_t, uint8_t *);
bool __real_seal_equal(const void *, const void *, size_t);
bool __wrap_seal_equal(const void *, const void *, size_t);
int __real_seal_account_verify(const struct seal_account *, const char *,
    const void *, size_t, const uint8_t *);
int __wrap_seal_account_verify(const struct seal_account *, const char *,
    const void *, size_t, const uint8_t *);
ssize_t __real_sys_slurp(int, const char *, void *, size_t);
ssize_t __wrap_sys_slurp(int, const char *, void *, size_t);

static struct harness_step steps[STEPS_MAX];
static size_t n_steps;
static unsigned int calls[HOOKS];
static uint8_t flags;
static bool changing; /* an input runs */

/* Puts the octets of each change of this call at their place. */
static void
change(enum hook hook, uint8_t *p, size_t len)
{
	const struct harness_step *s;
	size_t off, n;

	for (s = steps; changing && s < steps + n_steps; s++) {
		if ((s->what & WHAT_HOOK) >> 5 != hook || s->len < 2 ||
		    (s->what & WHAT_NTH) != (calls[hook] & WHAT_NTH))
			continue;
		off = (size_t)s->data[0] | (size_t)s->data[1] << 8;
		n = s->len - 2;
		if (off >= len)
			continue;
		memcpy(p + off, s->data + 2, n < len - off ? n : len - off);
	}
}

/* A frame's operations may be replaced whole, behind its first number. */
int
__wrap_seal_frame_open(const uint8_t *key, const struct seal_frame *f,
    uint8_t *chain, const uint8_t *frame, uint8_t *out, size_t *len)
{
	const struct harness_step *s;
	uint8_t before[SEAL_CHAIN_LEN];
	int r;

	memcpy(before, chain, sizeof(before));
	r = __real_seal_frame_open(key, f, chain, frame, out, len);
	if (r == -1 || !changing)
		return r;
	change(HOOK_FRAME, out, *len);
	for (s = steps; s < steps + n_steps; s++) {
		if ((s->what & WHAT_HOOK) >> 5 != HOOK_WHOLE ||
		    (s->what & WHAT_NTH) != (calls[HOOK_FRAME] & WHAT_NTH) ||
		    *len < 8 || s->len > f->len - 8)
			continue;
		memcpy(out + 8, s->data, s->len);
		*len = 8 + s->len;
	}
	calls[HOOK_FRAME]++;
	return r;
}

int
__wrap_seal_unbox(const uint8_t *key, const void *ad, size_t ad_len,
    const uint8_t *in, size_t len, uint8_t *out)
{
	int r;

	r = __real_seal_unbox(key, ad, ad_len, in, len, out);
	if (r != -1 && len >= SEAL_BOX_EXTRA)
		change(HOOK_BOX, out, len - SEAL_BOX_EXTRA);
	calls[HOOK_BOX]++;
	return r;
}

ssize_t
__wrap_sys_slurp(int dir, const char *name, void *p, size_t size)
{
	ssize_t n;

	n = __real_sys_slurp(dir, name, p, size);
	if (n > 0)
		change(HOOK_FILE, p, (size_t)n);
	calls[HOOK_FILE]++;
	return n;
}

bool
__wrap_seal_equal(const void *a, const void *b, size_t len)
{
	return __real_seal_equal(a, b, len) ||
	    (changing && (flags & FLAG_GOOD) != 0);
}

int
__wrap_seal_account_verify(const struct seal_account *a, const char *context,
    const void *data, size_t len, const uint8_t *sig)
{
	if (changing && (flags & FLAG_GOOD) != 0)
		return 0;
	return __real_seal_account_verify(a, context, data, len, sig);
}

static void
look_at(struct store *st, uint64_t box)
{
	struct store_chunk sum[STORE_SUMMARY_CHUNKS], c;
	static uint8_t buf[STORE_CHUNK];
	const struct store_msg *m;
	struct store_body *body;
	struct store_cold cold;
	uint32_t uid, last = 0;
	size_t k;

	for (size_t i = 0; (m = store_msg_at(st, box, i)) != NULL; i++) {
		uid = m->uid;
		if (i > 0 && uid <= last)
			abort();
		last = uid;
		(void)store_cold_get(st, box, uid, &cold);
		(void)store_summary(st, box, uid, sum, &k);
		if (store_body_open(st, box, uid, &body) != STORE_OK)
			continue;
		(void)store_body_read(
		    body, STORE_BODY, 0, buf, sizeof(buf), &c);
		store_body_close(body);
	}
}

/* What a vault does with a store that opened: reads, changes, tidies up. */
static void
use(struct store *st)
{
	struct store_range all = {1, UINT32_MAX};
	const struct store_box *b;
	struct store_deleted *deleted;
	struct store_drained d;
	const char *sub;
	bool more = true;
	uint64_t id;
	size_t n;

	for (b = NULL; (b = store_box_next(st, b)) != NULL;)
		look_at(st, b->id);
	for (sub = NULL; (sub = store_sub_next(st, sub)) != NULL;)
		;
	if (store_deleted_list(st, &deleted, &n) == STORE_OK)
		free(deleted);
	(void)store_drain(st, &d);
	(void)store_mkbox(st, "new", 0, &id);
	(void)store_expunge(st, STORE_INBOX, &all, 1, true);
	if (store_commit(st) != STORE_OK) {
		store_abandon(st);
		return;
	}
	for (int i = 0; more && i < 64; i++)
		if (store_idle(st, &more) != STORE_OK)
			break;
	if ((flags & FLAG_HOST) != 0)
		store_abandon(st);
	else
		(void)store_close(st);
}

static void
drop_snapshots(int acct)
{
	char name[64];

	for (int gen = 0; gen < 4; gen++) {
		(void)strlcpy(name, "snap/0/state", sizeof(name));
		name[5] = (char)('0' + gen);
		(void)unlinkat(acct, name, 0);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	const struct fuzz_account *a;
	struct store *st;

	if (len < 1)
		return 0;
	a = fuzz_account();
	fuzz_account_restore();
	flags = data[0];
	data++;
	len--;
	memset(calls, 0, sizeof(calls));
	for (n_steps = 0;
	     n_steps < STEPS_MAX && harness_step(&data, &len, &steps[n_steps]);
	     n_steps++)
		;
	if ((flags & FLAG_LOG) != 0)
		drop_snapshots(a->acct);
	changing = true;
	if (store_open_host(a->base, a->acct, a->ring, (flags & FLAG_HOST) != 0,
		&st) == STORE_OK)
		use(st);
	changing = false;
	return 0;
}
