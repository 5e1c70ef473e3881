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
 * An opener's work for the vault: the main slot anew, for a change of the
 * password or a costlier derivation.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "master.h"
#include "seal_read.h"
#include "vault.h"

/* The main slot of the account; 0: there is none. */
static uint32_t
main_slot(const struct seal_slots *slots)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(slots, i, &info); i++) {
		if (info.kind == SEAL_SLOT_MAIN)
			return info.id;
	}
	return 0;
}

/* May it be a password?  What reads as a code would be tried as one. */
static bool
fit_for_password(const uint8_t *p, size_t len)
{
	enum seal_slot_kind kind;
	uint32_t id;

	return len > 0 && len <= SEAL_SECRET_MAX &&
	    seal_code_parse((const char *)p, len, &kind, &id) !=
	    SEAL_CODE_VALID;
}

/* fresh: of the secret to be, else of the one that is. */
static int
make_slot(const struct record *r, struct seal_slots *slots, uint32_t id,
    const uint8_t *amk, bool fresh, uint16_t scope)
{
	const uint8_t *secret = fresh ? r->fresh : r->secret;
	struct slot_change *c = r->change;
	ssize_t n;

	if (seal_slots_set(slots, r->id, amk, id, (const char *)secret,
		fresh ? r->fresh_len : r->secret_len, r->kdf, scope, &id) == -1)
		return -1;
	n = seal_slots_export(slots, id, c->record);
	c->record_len = n == -1 ? 0 : (size_t)n;
	return n == -1 ? -1 : 0;
}

int
record_make(const struct record *r, struct seal_slots *slots,
    const struct seal_slot_info *info)
{
	struct slot_change *c = r->change;
	uint32_t id = info->id;
	bool low;

	low = info->kdf.ops < r->kdf->ops || info->kdf.mem < r->kdf->mem;
	if (r->kdf->ops < info->kdf.ops)
		r->kdf->ops = info->kdf.ops;
	if (r->kdf->mem < info->kdf.mem)
		r->kdf->mem = info->kdf.mem;
	if (r->service == SERVICE_IMAP && info->kind == SEAL_SLOT_MAIN && low)
		return make_slot(r, slots, id, r->amk, false, info->scope);
	if (r->service != SERVICE_MANAGE ||
	    (info->scope & SEAL_SCOPE_MANAGE) == 0)
		return 0;
	errno = EINVAL;
	switch (c->op) {
	case SLOT_PASSWD:
		if (!fit_for_password(r->fresh, r->fresh_len))
			return -1;
		if (info->kind != SEAL_SLOT_MAIN)
			id = main_slot(slots);
		return make_slot(r, slots, id, r->amk, true, SEAL_SCOPE_ALL);
	case SLOT_REKEY:
		if (info->kind != SEAL_SLOT_MAIN)
			return -1;
		seal_random(c->amk, sizeof(c->amk));
		return make_slot(r, slots, id, c->amk, false, info->scope);
	default:
		return 0;
	}
}
