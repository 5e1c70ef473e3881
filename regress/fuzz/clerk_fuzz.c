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
 * Fuzzer of the clerk: what a sealctl asks of it, with and without the right to
 * change things, and what the master answers, over a real account.  Every
 * request has one END; who may only look changes nothing.
 */

#include "../../usr.sbin/sealimapd/store/clerk.c"

#include "fuzz_account.h"
#include "harness.h"

#define STEPS_MAX 12
#define SET_MAY_CHANGE 0x01 /* of the first octet */
#define SET_SWEEP 0x02      /* no sealctl: the daily sweep */
#define SET_NO_DOMAIN 0x04  /* the master knows no such domain */
#define SET_ESCROW 0x08
#define WHAT_RAW 0x80 /* u32 type first; else the n-th of types[] */
#define TYPES (sizeof(types) / sizeof(types[0]))

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static const uint32_t types[] = {CTL_MASTER_USER_ADD, CTL_MASTER_USER_DEL,
    CTL_MASTER_USER_LIST, CTL_MASTER_USER_SHOW, CTL_MASTER_USER_LIMIT,
    CTL_MASTER_USER_RENAME, CTL_MASTER_SWEEP, CTL_MASTER_KICK,
    CTL_MASTER_CONFIRM};

static struct {
	int master, ctl;
	uint8_t set;
	uint32_t requests, ends; /* the n-th has the id n */
} f;

static void
answer(uint32_t type, uint32_t id)
{
	uint8_t raw[2 * 8 + 8 + 4 + 1 + SEAL_KEY_LEN] = {0};
	uint64_t ops = seal_kdf_low.ops, mem = seal_kdf_low.mem;
	size_t len = 0;

	if (type == MASTER_CLERK_KDF) {
		len = sizeof(raw);
		if ((f.set & SET_NO_DOMAIN) != 0)
			ops = 0;
		memcpy(raw, &ops, sizeof(ops));
		memcpy(raw + 8, &mem, sizeof(mem));
		raw[28] = (f.set & SET_ESCROW) != 0 ? ESCROW_KEY : ESCROW_NONE;
		memset(raw + 29, 9, SEAL_KEY_LEN);
	} else if (type == MASTER_CLERK_SESSIONS) {
		len = 8;
	}
	harness_say(f.master, type, id, raw, len, -1);
}

static void
told(int fd, const struct msg *m, void *arg)
{
	if (fd == f.master) {
		answer(m->type == CLERK_MASTER_KDF   ? MASTER_CLERK_KDF :
			m->type == CLERK_MASTER_KICK ? MASTER_CLERK_KICKED :
						       MASTER_CLERK_SESSIONS,
		    m->id);
		if (m->type == CLERK_MASTER_KICK &&
		    (f.set & SET_MAY_CHANGE) == 0)
			abort();
		return;
	}
	if (m->type == MASTER_CTL_END && m->id != ++f.ends)
		abort();
	if (m->type == MASTER_CTL_CREATED && (f.set & SET_MAY_CHANGE) == 0)
		abort();
}

static void
set_up(void)
{
	const struct fuzz_account *a;

	if (f.master != 0)
		return;
	harness_start();
	harness_on_tell(told, NULL);
	a = fuzz_account();
	if (mkdirat(a->base, "removed", 0700) == -1 && errno != EEXIST)
		abort();
	f.master = harness_fd();
	f.ctl = harness_fd();
}

static void
step_put(const struct harness_step *s)
{
	uint32_t type = types[(s->what & 0x7f) % TYPES];
	const uint8_t *data = s->data;
	size_t len = s->len;

	if ((s->what & WHAT_RAW) != 0) {
		if (len < sizeof(type))
			return;
		memcpy(&type, data, sizeof(type));
		data += sizeof(type);
		len -= sizeof(type);
	}
	harness_say(f.ctl, type, ++f.requests, data, len, -1);
}

static void
live(void)
{
	clerk_main(f.master, fuzz_account()->base);
}

/* The account is where it was, and as it was; and it is the only one. */
static int
alone(const char *account, void *arg)
{
	if (strcmp(account, FUZZ_ACCOUNT) != 0)
		abort();
	return 0;
}

static void
untouched(void)
{
	struct store_limits limits;
	int acct, base = fuzz_account()->base;

	if (store_account_open(base, FUZZ_ACCOUNT, &acct) != STORE_OK ||
	    store_limits_read(acct, &limits) != STORE_OK || limits.disabled ||
	    limits.quota != 0 ||
	    store_account_list(base, NULL, alone, NULL) != STORE_OK)
		abort();
	close(acct);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	uint8_t start[] = {0, 0};
	struct harness_step s;

	if (len == 0)
		return 0;
	set_up();
	fuzz_account_restore();
	(void)mkdirat(fuzz_account()->base, "removed", 0700);
	harness_begin();
	f.set = *data++;
	len--;
	f.requests = f.ends = 0;
	memset(&clerk, 0, sizeof(clerk));
	start[1] = (f.set & SET_MAY_CHANGE) != 0;
	if ((f.set & SET_SWEEP) != 0)
		harness_say(f.master, MASTER_CLERK_SWEEP, 0, NULL, 0, -1);
	else
		harness_say(f.master, MASTER_CLERK_START, 0, start,
		    sizeof(start), f.ctl);
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++)
		step_put(&s);
	if (harness_call(live) || harness_status() != 0)
		abort();
	if ((f.set & SET_SWEEP) == 0 && f.ends != f.requests)
		abort();
	if ((f.set & (SET_MAY_CHANGE | SET_SWEEP)) == 0)
		untouched();
	harness_end();
	return 0;
}
