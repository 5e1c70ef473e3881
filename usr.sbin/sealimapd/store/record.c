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
 * password or a costlier derivation; an app password; what proves either.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "master.h"
#include "seal_read.h"
#include "seal_scram.h"
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

static int
export_to(const struct seal_slots *slots, uint32_t id,
    uint8_t to[SEAL_RECORD_MAX], size_t *len)
{
	ssize_t n;

	n = seal_slots_export(slots, id, to);
	*len = n == -1 ? 0 : (size_t)n;
	return n == -1 ? -1 : 0;
}

/* What proves the secret of slot owner. */
static int
make_scram(const struct record *r, struct seal_slots *slots, uint32_t owner,
    const uint8_t *amk, const void *text, size_t len)
{
	struct slot_change *c = r->change;
	uint32_t id;

	if (seal_slots_scram(
		slots, r->id, amk, owner, text, len, r->salt, &id) == -1)
		return -1;
	return export_to(slots, id, c->scram, &c->scram_len);
}

/* fresh: of the secret to be, else of the one that is. */
static int
make_slot(const struct record *r, struct seal_slots *slots, uint32_t id,
    const uint8_t *amk, bool fresh, uint16_t scope)
{
	const uint8_t *secret = fresh ? r->fresh : r->secret;
	size_t len = fresh ? r->fresh_len : r->secret_len;
	struct slot_change *c = r->change;
	bool scram;

	scram = seal_scram_of(slots, id) != 0;
	if (scram && !seal_scram_text((const char *)secret, len)) {
		errno = EINVAL;
		return -1;
	}
	if (seal_slots_set(slots, r->id, amk, id, (const char *)secret, len,
		r->kdf, scope, &id) == -1 ||
	    export_to(slots, id, c->record, &c->record_len) == -1)
		return -1;
	return scram ? make_scram(r, slots, id, amk, secret, len) : 0;
}

static int
make_app(const struct record *r, struct seal_slots *slots)
{
	struct slot_change *c = r->change;
	char code[SEAL_CODE_SIZE];
	uint32_t id;
	int ret = -1;

	if (c->scope == 0)
		errno = EINVAL;
	else if (seal_slots_code(slots, r->id, r->amk, SEAL_SLOT_APP, c->scope,
		     c->label, code, &id) == 0 &&
	    make_scram(r, slots, id, r->amk, code, strlen(code)) == 0) {
		(void)strlcpy(c->code, code, sizeof(c->code));
		ret = export_to(slots, id, c->record, &c->record_len);
	}
	explicit_bzero(code, sizeof(code));
	return ret;
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
		if (seal_password_short(r->fresh, r->fresh_len)) {
			errno = ERANGE;
			return -1;
		}
		if (info->kind != SEAL_SLOT_MAIN)
			id = main_slot(slots);
		return make_slot(r, slots, id, r->amk, true, SEAL_SCOPE_ALL);
	case SLOT_APP_ADD:
		return make_app(r, slots);
	case SLOT_REKEY:
		if (info->kind != SEAL_SLOT_MAIN)
			return -1;
		seal_random(c->amk, sizeof(c->amk));
		return make_slot(r, slots, id, c->amk, false, info->scope);
	case SLOT_SCRAM_ON:
		if (info->kind != SEAL_SLOT_MAIN)
			return -1;
		return make_scram(
		    r, slots, id, r->amk, r->secret, r->secret_len);
	default:
		return 0;
	}
}
