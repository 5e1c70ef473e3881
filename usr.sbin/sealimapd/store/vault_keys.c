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
 * The vault as the one that writes the account's key files: changes of slots
 * that an opener brings, the monthly delivery key, costlier derivations.  What
 * is acknowledged is durable, and where a slot was changed or revoked its older
 * version is gone from the disk.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "log.h"
#include "seal_scram.h"
#include "seal_sealed.h"
#include "vault.h"
#include "vault_local.h"

#define ROTATE_SECONDS (30 * 24 * 60 * 60) /* age of a delivery key */

static struct {
	int acct;
	unsigned int host;
	struct vault_start *start; /* its ring is ours to change */
	const struct seal_ring *ring;
	struct seal_slots *slots;
	struct timespec changed; /* keys/, when it was last looked at */
} keys = {.acct = -1};

static void escrow(const struct escrow_wish *);
static bool looked(void);
static int catch_up(const struct vault_start *);
static int rotate(struct vault_start *);
static int publish(const struct vault_start *);
static bool take(const struct slot_change *, struct manage_answer *);
static bool take_scram(const struct slot_change *);
static bool scram_on(const struct slot_change *, struct manage_answer *);
static bool scram_off(struct manage_answer *);
static bool passwd(const struct slot_change *, struct manage_answer *);
static bool app_add(const struct slot_change *, struct manage_answer *);
static bool app_revoke(const struct slot_change *, struct manage_answer *);
static bool recover(struct manage_answer *);
static int rekey(const struct slot_change *, struct manage_answer *);
static void save(struct manage_answer *, uint64_t rev);
static void refused(struct manage_answer *);

/*
 * Before the store is opened: the slots; then what a login is the occasion for,
 * whose failure keeps nobody out.
 */
int
keys_open(struct vault_start *start)
{
	keys.acct = start->acct;
	keys.host = start->host;
	keys.slots = seal_slots_load(
	    start->acct, seal_ring_account(start->ring));
	if (keys.slots == NULL)
		return -1;
	if (catch_up(start) == -1)
		log_warn("account=%s its keyring stays under an earlier key",
		    log_addr(start->account));
	if (rotate(start) == -1 || publish(start) == -1)
		log_warn(
		    "account=%s no new delivery key", log_addr(start->account));
	keys.start = start;
	keys.ring = start->ring;
	escrow(&start->escrow);
	if (seal_keys_tidy(keys.acct, keys.ring, keys.host) == -1)
		log_warn("account=%s older key files stay",
		    log_addr(start->account));
	(void)looked();
	return 0;
}

/* Has keys/ changed since the last look? */
static bool
looked(void)
{
	struct timespec was = keys.changed;
	struct stat sb;

	if (fstatat(keys.acct, "keys", &sb, AT_SYMLINK_NOFOLLOW) == 0)
		keys.changed = sb.st_mtim;
	return was.tv_sec != keys.changed.tv_sec ||
	    was.tv_nsec != keys.changed.tv_nsec;
}

/*
 * Key files of the other host may have come: the union is made anew, and the
 * sessions of what was changed or revoked there end.  True: the ring may open
 * more than before.
 */
bool
keys_news(void)
{
	struct seal_slots *was;
	struct seal_slot_info info;
	struct seal_ring *ring;

	if (!looked())
		return false;
	was = keys.slots;
	keys.slots = NULL;
	keys_reload();
	if (keys.slots == NULL)
		keys.slots = was;
	else {
		for (size_t i = 0; seal_slots_info(was, i, &info); i++)
			if (!keys_live(info.id, info.rev))
				vault_slot_ended(info.id);
		seal_slots_free(was);
	}
	ring = seal_ring_load(
	    keys.acct, seal_ring_account(keys.ring), seal_ring_amk(keys.ring));
	if (ring == NULL) {
		log_warn("account=%s its keyring cannot be read again",
		    log_addr(vault_account()));
		return false;
	}
	seal_ring_free(keys.start->ring);
	keys.start->ring = ring;
	keys.ring = ring;
	store_set_ring(vault_store(), ring);
	return true;
}

/* A vault may live for months: a login at it is an occasion too. */
void
keys_login(const struct escrow_wish *wish)
{
	escrow(wish);
	if (rotate(keys.start) == -1)
		log_warn("account=%s no new delivery key",
		    log_addr(vault_account()));
	if (keys.start->ring == keys.ring)
		return;
	keys.ring = keys.start->ring;
	store_set_ring(vault_store(), keys.ring);
	if (publish(keys.start) == -1)
		log_warn("account=%s its new delivery key is not published",
		    log_addr(vault_account()));
}

/* The slot of the domain's administrator, as the domain asks for it now. */
static void
escrow(const struct escrow_wish *wish)
{
	char name[SEAL_LABEL_KEYID];
	bool key = wish->mode == ESCROW_KEY;
	int n;

	if (wish->mode == ESCROW_LEAVE)
		return;
	n = seal_slots_escrow(keys.slots, seal_ring_account(keys.ring),
	    seal_ring_amk(keys.ring), key ? wish->key : NULL);
	if (n == 0)
		return;
	if (n == -1 ||
	    seal_slots_save(keys.acct, keys.ring, keys.host, keys.slots) ==
		-1) {
		log_warn("account=%s its escrow slot stays as it was",
		    log_addr(keys.start->account));
		keys_reload();
		return;
	}
	seal_key_name(wish->key, name);
	log_info("account=%s escrow key=%s", log_addr(keys.start->account),
	    key ? name : "none");
}

/* This host did not know of a rekey on the other. */
static int
catch_up(const struct vault_start *start)
{
	if (!seal_ring_behind(start->ring, start->host))
		return 0;
	if (seal_ring_save(start->acct, start->ring, start->host) == -1)
		return -1;
	log_info("account=%s its keyring is that of the other host's rekey",
	    log_addr(start->account));
	return 0;
}

/*
 * A new delivery pair, if the newest is old enough.  The ring with it is
 * durable before anybody can seal to it, so a copy is worked on.
 */
static int
rotate(struct vault_start *start)
{
	struct seal_delivery d;
	struct seal_ring *copy;

	if (seal_ring_delivery(start->ring, &d) == -1)
		return -1;
	/* Or if it may be known to whom a rekey has shut out. */
	if (vault_now() - d.created < ROTATE_SECONDS &&
	    !seal_ring_exposed(start->ring))
		return 0;
	copy = seal_ring_load(start->acct, seal_ring_account(start->ring),
	    seal_ring_amk(start->ring));
	if (copy == NULL)
		return -1;
	if (seal_ring_rotate(&copy, &d, vault_now()) == -1 ||
	    seal_ring_save(start->acct, copy, start->host) == -1) {
		seal_ring_free(copy);
		return -1;
	}
	seal_ring_free(start->ring);
	start->ring = copy;
	log_info("account=%s new delivery key", log_addr(start->account));
	return 0;
}

/* The newest pair of the ring is the one that is sealed to. */
static int
publish(const struct vault_start *start)
{
	struct seal_delivery ours, theirs;

	if (seal_ring_delivery(start->ring, &ours) == -1)
		return -1;
	if (seal_delivery_load(
		start->acct, seal_ring_account(start->ring), &theirs) == 0 &&
	    memcmp(ours.keyid, theirs.keyid, sizeof(ours.keyid)) == 0)
		return 0;
	return seal_delivery_save(start->acct, start->ring, start->host, &ours);
}

bool
keys_live(uint32_t slot, uint64_t rev)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(keys.slots, i, &info); i++)
		if (info.id == slot)
			return info.rev == rev;
	return false;
}

bool
keys_list(size_t i, struct seal_slot_info *info, char *label, bool *scram)
{
	/* What is beside another slot is not a secret of its own. */
	for (size_t k = 0;; k++) {
		if (!seal_slots_info(keys.slots, k, info))
			return false;
		if (info->kind != SEAL_SLOT_SCRAM && i-- == 0)
			break;
	}
	if (seal_slots_label(keys.slots, seal_ring_account(keys.ring),
		seal_ring_amk(keys.ring), info->id, label) == -1)
		label[0] = '\0';
	*scram = seal_scram_of(keys.slots, info->id) != 0;
	return true;
}

/* The same secret in a costlier slot: nobody is the wiser if it fails. */
void
keys_raise(const struct slot_change *c)
{
	struct manage_answer a = {0};
	uint64_t rev;

	if (c->record_len == 0)
		return;
	if (!take(c, &a)) {
		keys_reload();
		return;
	}
	rev = keys_revision(a.slot);
	save(&a, rev);
	if (a.result == SLOT_DONE)
		log_info("account=%s its password's derivation costs more now",
		    log_addr(vault_account()));
}

uint64_t
keys_revision(uint32_t slot)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(keys.slots, i, &info); i++)
		if (info.id == slot)
			return info.rev;
	return 0;
}

enum keys_after
keys_change(const struct slot_change *c, struct manage_answer *a)
{
	bool good = false;

	memset(a, 0, sizeof(*a));
	errno = 0;
	switch (c->op) {
	case SLOT_PASSWD:
		good = passwd(c, a);
		break;
	case SLOT_APP_ADD:
		good = app_add(c, a);
		break;
	case SLOT_APP_REVOKE:
		good = app_revoke(c, a);
		break;
	case SLOT_RECOVER:
		good = recover(a);
		break;
	case SLOT_REKEY:
		if (rekey(c, a) == 0)
			return KEYS_END;
		break;
	case SLOT_SCRAM_ON:
		good = scram_on(c, a);
		break;
	case SLOT_SCRAM_OFF:
		good = scram_off(a);
		break;
	default:
		break;
	}
	if (!good)
		refused(a);
	else
		save(a, keys_revision(a->slot));
	if (a->result != SLOT_DONE && a->result != SLOT_UNSURE)
		explicit_bzero(a->code, sizeof(a->code));
	/* Whoever is not sure what the disk says reads it anew. */
	return a->result == SLOT_UNSURE ? KEYS_END : KEYS_STAY;
}

/* errno says why not. */
static void
refused(struct manage_answer *a)
{
	switch (errno) {
	case ENOENT:
		a->result = SLOT_UNKNOWN;
		break;
	case E2BIG:
		a->result = SLOT_LIMIT;
		break;
	case EINVAL:
	case EBADMSG:
		a->result = SLOT_CANNOT;
		break;
	default:
		a->result = SLOT_FAILED;
		break;
	}
	keys_reload();
}

/* What is on the disk; without it we know nothing. */
void
keys_reload(void)
{
	struct seal_slots *slots;

	slots = seal_slots_load(keys.acct, seal_ring_account(keys.ring));
	if (slots == NULL) {
		log_warn("account=%s its slots cannot be read again",
		    log_addr(vault_account()));
		return;
	}
	seal_slots_free(keys.slots);
	keys.slots = slots;
}

/* rev: of the slot a names, if this is stored; 0: it is a tombstone. */
static void
save(struct manage_answer *a, uint64_t rev)
{
	if (seal_slots_save(keys.acct, keys.ring, keys.host, keys.slots) == 0)
		return;
	log_warn("account=%s slots are not stored", log_addr(vault_account()));
	keys_reload();
	a->result = keys_revision(a->slot) == rev ? SLOT_UNSURE : SLOT_FAILED;
}

/* What an opener has made of a secret, and what proves that. */
static bool
take(const struct slot_change *c, struct manage_answer *a)
{
	return seal_slots_import(
		   keys.slots, c->record, c->record_len, &a->slot) == 0 &&
	    (c->scram_len == 0 || take_scram(c)) &&
	    seal_scram_remove(keys.slots, a->slot, false) == 0;
}

static bool
take_scram(const struct slot_change *c)
{
	uint32_t id;

	return seal_slots_import(keys.slots, c->scram, c->scram_len, &id) ==
	    0 &&
	    seal_scram_prune(keys.slots, id) == 0;
}

static uint32_t
main_slot(void)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(keys.slots, i, &info); i++)
		if (info.kind == SEAL_SLOT_MAIN)
			return info.id;
	return 0;
}

/* Sessions go on: the password is the same. */
static bool
scram_on(const struct slot_change *c, struct manage_answer *a)
{
	a->slot = main_slot();
	return take_scram(c);
}

static bool
scram_off(struct manage_answer *a)
{
	a->slot = main_slot();
	return seal_scram_remove(keys.slots, a->slot, true) == 0;
}

/* There is one password: a second one, of another host maybe, goes. */
static bool
passwd(const struct slot_change *c, struct manage_answer *a)
{
	struct seal_slot_info info;

	if (!take(c, a))
		return false;
	for (size_t i = 0; seal_slots_info(keys.slots, i, &info);) {
		if (info.kind != SEAL_SLOT_MAIN || info.id == a->slot) {
			i++;
			continue;
		}
		vault_slot_ended(info.id);
		if (seal_slots_revoke(keys.slots, info.id) == -1)
			return false;
	}
	vault_slot_ended(a->slot);
	return true;
}

static bool
app_add(const struct slot_change *c, struct manage_answer *a)
{
	(void)strlcpy(a->code, c->code, sizeof(a->code));
	return take(c, a);
}

static bool
app_revoke(const struct slot_change *c, struct manage_answer *a)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(keys.slots, i, &info); i++) {
		if (info.id != c->id)
			continue;
		if (info.kind != SEAL_SLOT_APP) {
			errno = EINVAL;
			return false;
		}
		a->slot = info.id;
		a->revoked = 1;
		vault_slot_ended(info.id);
		return seal_slots_revoke(keys.slots, info.id) == 0;
	}
	errno = ENOENT;
	return false;
}

static bool
recover(struct manage_answer *a)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(keys.slots, i, &info);) {
		if (info.kind != SEAL_SLOT_RECOVERY) {
			i++;
			continue;
		}
		vault_slot_ended(info.id);
		if (seal_slots_revoke(keys.slots, info.id) == -1)
			return false;
	}
	return seal_slots_code(keys.slots, seal_ring_account(keys.ring),
		   seal_ring_amk(keys.ring), SEAL_SLOT_RECOVERY,
		   SEAL_SCOPE_MANAGE, "", a->code, &a->slot) == 0;
}

/* The slots as they are under the new master key. */
static int
rekey_slots(
    const struct slot_change *c, struct manage_answer *a, const uint8_t *amk)
{
	uint32_t code;

	if (!take(c, a) ||
	    seal_slots_rekey(keys.slots, seal_ring_account(keys.ring),
		seal_ring_amk(keys.ring), amk, a->slot, &a->revoked) == -1)
		return -1;
	return seal_slots_code(keys.slots, seal_ring_account(keys.ring), amk,
	    SEAL_SLOT_RECOVERY, SEAL_SCOPE_MANAGE, "", a->code, &code);
}

/*
 * 0: the vault must end, since its keys are old ones, or may be.  -1: nothing
 * was written.
 */
static int
rekey(const struct slot_change *c, struct manage_answer *a)
{
	struct seal_ring *fresh;
	uint8_t *amk;
	int ret = -1;

	amk = secret_alloc(SEAL_KEY_LEN);
	if (amk == NULL)
		return -1;
	memcpy(amk, c->amk, SEAL_KEY_LEN);
	fresh = rekey_slots(c, a, amk) == -1 ?
	    NULL :
	    seal_ring_rekey(keys.ring, amk, vault_now());
	if (fresh != NULL) {
		ret = 0;
		if (seal_rekey_save(keys.acct, fresh, keys.host, keys.slots) ==
		    -1) {
			log_warn("account=%s rekey", log_addr(vault_account()));
			a->result = SLOT_UNSURE;
		}
		seal_ring_free(fresh);
	}
	secret_free(amk);
	return ret;
}
