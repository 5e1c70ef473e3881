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
 * Says in an account's log that the other host may write it, as replication
 * will when it has been set up.
 *
 *	pairtool BASE ACCOUNT <PASSWORD
 *
 * As root it works as the owner of the account.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seal_keys.h"
#include "store.h"

static void
become_owner(int fd)
{
	struct stat sb;

	if (geteuid() != 0)
		return;
	if (fstat(fd, &sb) == -1 || setgroups(0, NULL) == -1 ||
	    setresgid(sb.st_gid, sb.st_gid, sb.st_gid) == -1 ||
	    setresuid(sb.st_uid, sb.st_uid, sb.st_uid) == -1)
		err(1, "becoming the owner");
}

static struct seal_ring *
unlock(int acct)
{
	struct seal_slot_info info;
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_ring *ring;
	char secret[100];
	uint8_t *amk;

	if (fgets(secret, sizeof(secret), stdin) == NULL)
		errx(1, "no password");
	secret[strcspn(secret, "\n")] = '\0';
	amk = secret_alloc(SEAL_KEY_LEN);
	if (amk == NULL || seal_account_load(acct, &a) == -1)
		err(1, "account");
	slots = seal_slots_load(acct, &a);
	if (seal_slots_try(slots, &a, secret, strlen(secret), &seal_kdf_low,
		amk, &info) == -1)
		errx(1, "wrong password");
	seal_slots_free(slots);
	ring = seal_ring_load(acct, &a, amk);
	if (ring == NULL)
		err(1, "keyring");
	secret_free(amk);
	return ring;
}

int
main(int argc, char *argv[])
{
	struct seal_ring *ring;
	struct store *st;
	enum store_result result;
	int base, acct;

	if (argc != 3)
		errx(2, "usage: pairtool BASE ACCOUNT <PASSWORD");
	if (seal_init() == -1)
		errx(1, "libsodium");
	base = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (base == -1)
		err(1, "%s", argv[1]);
	result = store_account_open(base, argv[2], &acct);
	if (result != STORE_OK)
		errx(1, "%s: %s", argv[2], store_strerror(result));
	become_owner(acct);
	ring = unlock(acct);
	result = store_open(base, acct, ring, &st);
	if (result == STORE_OK)
		result = store_pair(st);
	if (result == STORE_OK)
		result = store_close(st);
	if (result != STORE_OK)
		errx(1, "%s", store_strerror(result));
	seal_ring_free(ring);
	return 0;
}
