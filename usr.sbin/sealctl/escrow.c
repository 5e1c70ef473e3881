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
 * sealctl escrow: the key of an administrator whose domain asks for it, and
 * what it is for: a new password for an account whose user has lost it or is
 * gone.  That works on files alone; the secret key never meets a daemon.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "proc.h"
#include "seal_sealed.h"
#include "sealctl.h"
#include "store_blob.h"
#include "store_wire.h"

#define MODE_SECRET 0600
#define MODE_PUBLIC 0644
#define KIB 1024

/* What `escrow open` was asked for, and what it has in hand. */
static struct {
	const struct conf *conf;
	const char *key_path;
	bool all; /* everything else is revoked */
	char account[STORE_ACCOUNT_MAX];
	char phrase[SECRET_MAX];
	char fresh[SECRET_MAX]; /* the password to be */
	char *text;             /* of the key file */
	size_t text_len;
	int base;
	int acct;
	struct seal_account id;
	struct seal_escrow key;
	struct seal_slots *slots;
	struct seal_ring *ring;
	char code[SEAL_CODE_SIZE];
	uint32_t revoked;
} e = {.base = -1, .acct = -1};

static void
wipe(void)
{
	explicit_bzero(e.phrase, sizeof(e.phrase));
	explicit_bzero(e.fresh, sizeof(e.fresh));
	explicit_bzero(e.code, sizeof(e.code));
	explicit_bzero(&e.key, sizeof(e.key));
	freezero(e.text, e.text_len);
	e.text = NULL;
	seal_slots_free(e.slots);
	seal_ring_free(e.ring);
	e.slots = NULL;
	e.ring = NULL;
	if (e.acct != -1)
		(void)close(e.acct);
	if (e.base != -1)
		(void)close(e.base);
}

/* A new file; an old one is not overwritten, since it may be the only key. */
static int
write_file(const char *path, int mode, const char *text)
{
	size_t len = strlen(text);
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    (mode_t)mode);
	if (fd == -1) {
		warn("%s", path);
		return -1;
	}
	if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0 &&
	    close(fd) == 0)
		return 0;
	warn("%s", path);
	(void)unlink(path);
	return -1;
}

static int
write_pair(const char *path, const struct seal_escrow *key, const char *phrase)
{
	char text[SEAL_ESCROW_FILE_MAX], public[CONF_PATH_MAX];
	int ret;

	if (snprintf(public, sizeof(public), "%s.pub", path) >=
	    (int)sizeof(public)) {
		warnx("%s: the name is too long", path);
		return -1;
	}
	if (seal_escrow_secret(
		key, phrase, strlen(phrase), &seal_kdf_standard, text) == -1) {
		warn("the key");
		return -1;
	}
	ret = write_file(path, MODE_SECRET, text);
	explicit_bzero(text, sizeof(text));
	if (ret == -1)
		return -1;
	seal_escrow_public(key, text);
	if (write_file(public, MODE_PUBLIC, text) == 0)
		return 0;
	(void)unlink(path);
	return -1;
}

int
cmd_escrow_key(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"key", COLUMN_TEXT, 18}, {"file", COLUMN_TEXT, 0}};
	char phrase[SECRET_MAX], name[SEAL_LABEL_KEYID];
	struct seal_escrow key;
	int ret;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	if (read_password(
		"Pass phrase of the new key: ", phrase, sizeof(phrase)) == -1)
		return EXIT_FAILED;
	seal_escrow_make(&key);
	ret = write_pair(inv->argv[1], &key, phrase);
	explicit_bzero(phrase, sizeof(phrase));
	explicit_bzero(key.sk, sizeof(key.sk));
	if (ret == -1)
		return EXIT_FAILED;
	seal_key_name(key.pk, name);
	out_start(columns, 2, inv->json);
	out_text(name);
	out_text(inv->argv[1]);
	return out_end(0) == -1 ? EXIT_FAILED : 0;
}

/* 0: done; or the exit code. */
static int
options(struct invocation *inv)
{
	int ch;

	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "ak:")) != -1) {
		switch (ch) {
		case 'a':
			e.all = true;
			break;
		case 'k':
			e.key_path = optarg;
			break;
		default:
			return EXIT_BAD_USAGE;
		}
	}
	if (inv->argc - optind != 1 || e.key_path == NULL)
		return EXIT_BAD_USAGE;
	e.conf = inv->conf;
	return account_name(inv->conf, inv->argv[optind], e.account,
		   sizeof(e.account)) == -1 ?
	    EXIT_FAILED :
	    0;
}

static int
secrets(void)
{
	enum seal_slot_kind kind;
	uint32_t id;
	int fd;

	fd = conf_open_secret(e.key_path, stderr);
	if (fd == -1)
		return -1;
	e.text = (char *)conf_read_file(
	    fd, SEAL_ESCROW_FILE_MAX - 1, &e.text_len);
	(void)close(fd);
	if (e.text == NULL) {
		warn("%s", e.key_path);
		return -1;
	}
	e.text_len++; /* its NUL */
	if (read_secret(
		"Pass phrase of the key: ", e.phrase, sizeof(e.phrase)) == -1 ||
	    read_password("New password of the account: ", e.fresh,
		sizeof(e.fresh)) == -1)
		return -1;
	/* It would be tried as a code and nothing else. */
	if (seal_code_parse(e.fresh, strlen(e.fresh), &kind, &id) ==
	    SEAL_CODE_VALID) {
		warnx("that is a recovery code or app password");
		return -1;
	}
	if (seal_escrow_open(e.text, e.phrase, strlen(e.phrase), &e.key) == 0)
		return 0;
	if (errno == EACCES)
		warnx("%s: the pass phrase is wrong", e.key_path);
	else if (errno == EBADMSG)
		warnx(
		    "%s: not a secret key of 'sealctl escrow key'", e.key_path);
	else
		warn("%s", e.key_path);
	return -1;
}

/*
 * What root writes the vault must be able to read: so as the owner of the
 * directory, and with nothing else in reach.
 */
static int
become_owner(void)
{
	static const char *const promises =
	    "stdio rpath wpath cpath fattr flock";
	struct proc_path path = {e.conf->directory, "rwc"};
	struct stat st;

	/* While the way there is still open to us. */
	proc_tool_narrow(e.conf->best_effort,
	    "stdio rpath wpath cpath fattr flock id", &path, 1);

	if (fstat(e.acct, &st) == -1) {
		warn("%s", e.account);
		return -1;
	}
	if (geteuid() == 0 && st.st_uid != 0 &&
	    (setgroups(1, &st.st_gid) == -1 || setgid(st.st_gid) == -1 ||
		setuid(st.st_uid) == -1 || setuid(0) != -1)) {
		warn("cannot become the owner of %s", e.account);
		return -1;
	}
	proc_narrow(promises, NULL, 0);
	return 0;
}

/* The account's lock is held from here on, so that no vault can begin. */
static int
account_lock(void)
{
	enum store_result result;
	int fd;

	if ((e.base = accounts_base(e.conf)) == -1)
		return -1;
	result = store_account_open(e.base, e.account, &e.acct);
	if (result != STORE_OK) {
		warnx("%s: %s", e.account,
		    result == STORE_UNKNOWN ? "no such account" :
					      store_strerror(result));
		return -1;
	}
	if (become_owner() == -1)
		return -1;
	fd = openat(e.acct, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		warn("%s: its lock", e.account);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		warnx("%s: its user is logged in: disable the account first",
		    e.account);
	else
		warn("%s: its lock", e.account);
	return -1;
}

/* Slots and ring, by the escrow slot. */
static int
unlock(void)
{
	char name[SEAL_LABEL_KEYID];
	struct seal_slot_info info;
	uint8_t *amk;

	if (seal_account_load(e.acct, &e.id) == -1 ||
	    (e.slots = seal_slots_load(e.acct, &e.id)) == NULL ||
	    (amk = secret_alloc(SEAL_KEY_LEN)) == NULL) {
		warn("%s: its keys", e.account);
		return -1;
	}
	if (seal_slots_unseal(
		e.slots, &e.id, SEAL_SLOT_ESCROW, e.key.sk, amk, &info) == -1) {
		seal_key_name(e.key.pk, name);
		warnx("%s: nothing in it is sealed to the key %s", e.account,
		    name);
		secret_free(amk);
		return -1;
	}
	e.ring = seal_ring_load(e.acct, &e.id, amk);
	secret_free(amk);
	if (e.ring == NULL)
		warn("%s: its keyring", e.account);
	return e.ring == NULL ? -1 : 0;
}

/* What goes: other passwords; with -a the codes too. */
static bool
goes(const struct seal_slot_info *info, uint32_t kept)
{
	switch (info->kind) {
	case SEAL_SLOT_MAIN:
		return info->id != kept;
	case SEAL_SLOT_APP:
	case SEAL_SLOT_RECOVERY:
	case SEAL_SLOT_SCRAM:
		return e.all;
	case SEAL_SLOT_ESCROW:
	case SEAL_SLOT_MEMBER:
		break;
	}
	return false;
}

static int
change(void)
{
	const struct conf_domain *d;
	struct seal_slot_info info;
	struct seal_kdf kdf;
	uint32_t id = 0;
	size_t i;

	d = conf_domain_find(e.conf, strrchr(e.account, '@') + 1);
	kdf.ops = d->kdf.passes;
	kdf.mem = (uint64_t)d->kdf.kib * KIB;
	for (i = 0; id == 0 && seal_slots_info(e.slots, i, &info); i++)
		id = info.kind == SEAL_SLOT_MAIN ? info.id : 0;
	if (seal_slots_set(e.slots, &e.id, seal_ring_amk(e.ring), id, e.fresh,
		strlen(e.fresh), &kdf, SEAL_SCOPE_ALL, &id) == -1)
		return -1;
	for (i = 0; seal_slots_info(e.slots, i, &info);) {
		if (!goes(&info, id)) {
			i++;
			continue;
		}
		e.revoked += info.kind == SEAL_SLOT_APP;
		if (seal_slots_revoke(e.slots, info.id) == -1)
			return -1;
	}
	if (e.all &&
	    seal_slots_code(e.slots, &e.id, seal_ring_amk(e.ring),
		SEAL_SLOT_RECOVERY, SEAL_SCOPE_MANAGE, "", e.code, NULL) == -1)
		return -1;
	return seal_slots_save(e.acct, e.ring, e.conf->host_index, e.slots);
}

int
cmd_escrow_open(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"account", COLUMN_TEXT, 30},
	    {"revoked", COLUMN_NUMBER, 8},
	    {"recovery", COLUMN_TEXT, 0},
	};
	int code;

	if ((code = options(inv)) != 0)
		return code;
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	code = EXIT_FAILED;
	if (secrets() == 0 && account_lock() == 0 && unlock() == 0) {
		if (change() == 0)
			code = 0;
		else
			warn("%s: the old password may still hold", e.account);
	}
	if (code == 0) {
		out_start(columns, 3, inv->json);
		out_text(e.account);
		out_number(e.revoked);
		out_text(e.code);
		if (out_end(0) == -1)
			code = EXIT_FAILED;
	}
	wipe();
	return code;
}
