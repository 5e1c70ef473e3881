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
 * The opener: one process per login.  It takes a secret from an engine, asks
 * the account's living vault or the slots on disk, and passes the engine's wire
 * to the vault, or becomes the vault.  Straight-line code: it waits for nobody
 * but the one it asked, and it may spend what Argon2id costs.
 */

/*
 * Process:   imap-store: opener, then vault
 * Runs as:   as imap-store
 * May do:    stdio rpath wpath cpath fattr flock sendfd recvfd (vault: no
 *            sendfd); one account's directory, head (rwc)
 * Talks to:  imap-engine: the secret, refusals; the master; a living vault
 * Holds:     one secret, then one account's keys
 * Trusts:    the master; the engine's words are data
 */

#include <sys/types.h>
#include <sys/time.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"
#include "seal_keys.h"
#include "seal_read.h"
#include "seal_scram.h"
#include "store_blob.h"
#include "vault.h"

#define TRIES 3 /* vaults that may die under our hands */
#define NONCE_LEN 32
#define SCRAM_FILE "head/.scram"

enum answer {
	VAULT_KNOWS,
	VAULT_DOUBTS,
	VAULT_GONE,
};

static struct {
	char account[ACCOUNT_NAME_MAX];
	uint8_t service;
	bool go; /* a core is ours */
	struct seal_kdf kdf;
	int master;
	int base;
	int engine;
	int vault;
	int acct;
	uint8_t mechanism;
	uint8_t *secret; /* or what was proved */
	size_t secret_len;
	uint8_t proof[SEAL_SCRAM_KEY];
	uint8_t *fresh; /* the secret to be */
	size_t fresh_len;
	bool unlocked;
	struct seal_account id;
	uint32_t slot;
	uint64_t rev;
	uint16_t scope;
	uint8_t amk[SEAL_KEY_LEN];
	uint8_t nonce[NONCE_LEN];
	struct vault_start start;
} o = {.engine = -1, .vault = -1, .acct = -1};

/* By which names that nobody has get their salts; made before any fork. */
static uint8_t scram_key[SEAL_KEY_LEN];

static void wipe(void);
static void refuse(enum store_refusal) __attribute__((noreturn));
static void tell_master(uint32_t);
static void receive(int fd, struct msg *);
static void begin(void);
static void narrow(void);
static void take_secret(void);
static void take_change(struct msg *);
static uint8_t *copy_of(const uint8_t *, size_t len);
static struct seal_slots *
read_account(struct store_limits *, enum store_refusal *);
static void
unlocked(const struct seal_slot_info *, const struct store_limits *);
static void scram_ask(void) __attribute__((noreturn));
static void scram_prove(void);
static void login(void);
static void check_scope(uint16_t scope);
static void welcome(void) __attribute__((noreturn));
static enum answer vault_ask(void);
static void vault_leave(void);
static void vault_session(const uint8_t proof[SEAL_SUM_LEN]);
static void managed(enum slot_result) __attribute__((noreturn));
static void prove(uint8_t proof[SEAL_SUM_LEN]);
static bool leave_to_derive(void);
static void unlock(void);
static bool still_good(void);
static void may_i(void);
static void become_vault(void) __attribute__((noreturn));

void
opener_init(int base)
{
	int fd;

	fd = openat(base, SCRAM_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1) {
		if (read(fd, scram_key, sizeof(scram_key)) ==
		    (ssize_t)sizeof(scram_key)) {
			close(fd);
			return;
		}
		close(fd);
	}
	seal_random(scram_key, sizeof(scram_key));
	(void)unlinkat(base, SCRAM_FILE, 0);
	fd = openat(base, SCRAM_FILE,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd == -1 ||
	    write(fd, scram_key, sizeof(scram_key)) !=
		(ssize_t)sizeof(scram_key) ||
	    fsync(fd) == -1)
		log_warn("%s", SCRAM_FILE);
	if (fd != -1)
		close(fd);
}

void
opener_main(int master, int base)
{
	setproctitle("opener");
	o.master = master;
	o.base = base;
	begin();
	narrow();
	take_secret();
	if (o.mechanism == MECHANISM_SCRAM_ASK)
		scram_ask();
	if (o.mechanism == MECHANISM_SCRAM_PROVE)
		scram_prove();
	login();
	refuse(REFUSED_UNAVAILABLE);
}

static void
wipe(void)
{
	if (o.secret != NULL)
		explicit_bzero(o.secret, o.secret_len);
	if (o.fresh != NULL)
		explicit_bzero(o.fresh, o.fresh_len);
	explicit_bzero(&o.start.change, sizeof(o.start.change));
	explicit_bzero(o.amk, sizeof(o.amk));
	msg_wipe();
}

static void
refuse(enum store_refusal why)
{
	struct msgout *out;

	wipe();
	if (why == REFUSED_CREDENTIALS)
		tell_master(OPENER_MASTER_WRONG);
	out = msg_new_fd(o.engine, OPENER_ENGINE_NO, 0);
	msg_put_u8(out, (uint8_t)why);
	(void)msg_send_wait(out, OPENER_WAIT_MS);
	exit(0);
}

/* That the secret was right, or wrong; a master that is gone asks no more. */
static void
tell_master(uint32_t type)
{
	struct msgout *out;

	out = msg_new_fd(o.master, type, 1);
	(void)msg_send_wait(out, OPENER_WAIT_MS);
}

/* The next message of the master or the engine; without it we are no use. */
static void
receive(int fd, struct msg *m)
{
	int n, wait_ms;

	wait_ms = fd == o.master ? DERIVE_WAIT_MS : AUTH_WAIT_MS;
	n = msg_recv_wait(fd, m, wait_ms);
	if (n == 1)
		return;
	if (n == -1 && fd == o.master)
		log_warn("opener: master");
	wipe();
	exit(0);
}

static void
begin(void)
{
	bool vault, suspect;
	struct msg m;

	receive(o.master, &m);
	if (m.type != MASTER_OPENER_START)
		fatalx("master: unknown message type=%u", m.type);
	(void)msg_get_str(&m, o.account, sizeof(o.account));
	o.service = msg_get_u8(&m);
	o.start.host = msg_get_u8(&m);
	vault = msg_get_u8(&m) != 0;
	suspect = msg_get_u8(&m) != 0;
	o.kdf.ops = msg_get_u64(&m);
	o.kdf.mem = msg_get_u64(&m);
	o.start.linger = msg_get_u32(&m);
	o.start.sessions_max = msg_get_u32(&m);
	o.start.trash_days = msg_get_u32(&m);
	o.start.spam_days = msg_get_u32(&m);
	log_verbose(msg_get_u8(&m));
	log_addr_clear(msg_get_u8(&m) != 0);
	escrow_wish_get(&m, &o.start.escrow);
	o.engine = msg_get_fd(&m);
	if (msg_end(&m) == -1)
		fatalx("master: malformed message type=%u", m.type);
	msg_done(&m);
	/* While there is time: the derivation is to be in nobody's way. */
	if (suspect && setpriority(PRIO_PROCESS, 0, SUSPECT_NICE) == -1)
		log_warn("setpriority");
	if (!vault)
		return;
	receive(o.master, &m);
	o.vault = msg_get_fd(&m);
	if (m.type != MASTER_OPENER_VAULT || msg_end(&m) == -1)
		fatalx("master: malformed message type=%u", m.type);
	msg_done(&m);
}

/* From here on there is one account's directory, or none. */
static void
narrow(void)
{
	struct proc_path paths[2];
	char path[STORE_PATH_MAX];
	size_t n = 0;

	if (store_account_open(o.base, o.account, &o.acct) == STORE_OK &&
	    store_path(o.account, path, sizeof(path)) == 0) {
		paths[n].path = path;
		paths[n++].perm = "rwc";
	}
	paths[n].path = "head";
	paths[n++].perm = "rwc";
	proc_narrow(
	    "stdio rpath wpath cpath fattr flock sendfd recvfd", paths, n);
}

static void
take_secret(void)
{
	const uint8_t *secret;
	uint32_t version;
	struct msg m;
	bool scram;
	size_t len;

	receive(o.engine, &m);
	version = msg_get_u32(&m);
	o.mechanism = msg_get_u8(&m);
	scram = o.mechanism == MECHANISM_SCRAM_ASK ||
	    o.mechanism == MECHANISM_SCRAM_PROVE;
	secret = msg_get_bytes(
	    &m, &len, scram ? SCRAM_MESSAGE_MAX : SECRET_MAX);
	if (!m.bad) {
		o.secret = copy_of(secret, len);
		o.secret_len = len;
	}
	if (o.mechanism == MECHANISM_SCRAM_PROVE)
		(void)msg_get_raw(&m, o.proof, sizeof(o.proof));
	if (o.service == SERVICE_MANAGE)
		take_change(&m);
	if (m.type != ENGINE_OPENER_AUTH || msg_end(&m) == -1 ||
	    version != STORE_WIRE_VERSION ||
	    (scram ? o.service == SERVICE_MANAGE :
		     o.mechanism != MECHANISM_PASSWORD)) {
		log_warnx("engine: message type=%u is malformed", m.type);
		msg_done(&m);
		refuse(REFUSED_UNAVAILABLE);
	}
	msg_done(&m);
}

static uint8_t *
copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy;

	copy = malloc(len == 0 ? 1 : len);
	if (copy == NULL)
		fatal("out of memory");
	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

/* What the command wants, behind the secret that allows it. */
static void
take_change(struct msg *m)
{
	struct slot_change *c = &o.start.change;
	const uint8_t *fresh;
	size_t len;

	c->op = msg_get_u8(m);
	fresh = msg_get_bytes(m, &len, SECRET_MAX);
	(void)msg_get_str(m, c->label, sizeof(c->label));
	c->scope = msg_get_u16(m) & SEAL_SCOPE_ALL;
	c->id = msg_get_u32(m);
	if (c->op < SLOT_PASSWD || c->op > SLOT_OP_LAST)
		m->bad = true;
	if (m->bad)
		return;
	o.fresh = copy_of(fresh, len);
	o.fresh_len = len;
}

/* What a client is told first: the same for a name that nobody has. */
static void
scram_ask(void)
{
	enum store_refusal why = REFUSED_CREDENTIALS;
	struct store_limits limits;
	uint8_t salt[SEAL_SCRAM_SALT];
	struct seal_slots *slots;
	struct msgout *out;
	uint32_t iterations;

	slots = read_account(&limits, &why);
	seal_scram_challenge(slots, scram_key, o.account, salt, &iterations);
	seal_slots_free(slots);
	out = msg_new_fd(o.engine, OPENER_ENGINE_CHALLENGE, 0);
	msg_put_raw(out, salt, sizeof(salt));
	msg_put_u32(out, iterations);
	(void)msg_send_wait(out, OPENER_WAIT_MS);
	exit(0);
}

/* Returns with the master key, as unlock() does; it costs no derivation. */
static void
scram_prove(void)
{
	enum store_refusal why = REFUSED_CREDENTIALS;
	uint8_t signature[SEAL_SCRAM_KEY];
	struct seal_slot_info info;
	struct store_limits limits;
	struct seal_slots *slots;
	struct msgout *out;
	int ret;

	slots = read_account(&limits, &why);
	ret = seal_scram_try(slots, &o.id, o.secret, o.secret_len, o.proof,
	    o.amk, &info, signature);
	seal_slots_free(slots);
	if (ret == -1 || why == REFUSED_DAMAGED)
		refuse(why);
	unlocked(&info, &limits);
	out = msg_new_fd(o.engine, OPENER_ENGINE_PROVED, 0);
	msg_put_raw(out, signature, sizeof(signature));
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1)
		refuse(REFUSED_UNAVAILABLE);
	/* A vault is to remember nothing by which somebody could come again. */
	freezero(o.secret, o.secret_len);
	o.secret_len = SEAL_KEY_LEN;
	o.secret = malloc(o.secret_len);
	if (o.secret == NULL)
		fatal("out of memory");
	seal_random(o.secret, o.secret_len);
}

static void
login(void)
{
	uint8_t proof[SEAL_SUM_LEN] = {0};
	enum answer a;

	if (o.unlocked && o.service == SERVICE_SUBMISSION)
		welcome();
	for (int i = 0; i < TRIES; i++) {
		a = o.vault == -1 ? VAULT_GONE : vault_ask();
		if (a == VAULT_KNOWS) {
			check_scope(o.scope);
			if (o.service == SERVICE_SUBMISSION)
				welcome();
			vault_session(proof);
			a = VAULT_GONE;
		}
		if (!leave_to_derive())
			continue;
		unlock();
		if (o.service == SERVICE_SUBMISSION)
			welcome();
		if (a == VAULT_DOUBTS) {
			prove(proof);
			vault_session(proof);
			explicit_bzero(proof, sizeof(proof));
		}
		/* There is no vault, or it went away before it took us. */
		vault_leave();
		may_i();
	}
}

static void
vault_leave(void)
{
	if (o.vault != -1)
		close(o.vault);
	o.vault = -1;
}

static void
check_scope(uint16_t scope)
{
	uint16_t need;

	switch (o.service) {
	case SERVICE_IMAP:
		need = SEAL_SCOPE_IMAP;
		break;
	case SERVICE_SUBMISSION:
		need = SEAL_SCOPE_SUBMISSION;
		break;
	default:
		need = SEAL_SCOPE_MANAGE;
		break;
	}
	if ((scope & need) == 0)
		refuse(REFUSED_CREDENTIALS);
}

/* Where no vault is wanted: the secret was right, and that is all. */
static void
welcome(void)
{
	struct msgout *out;
	uint64_t session;

	seal_random(&session, sizeof(session));
	wipe();
	tell_master(OPENER_MASTER_RIGHT);
	out = msg_new_fd(o.engine, VAULT_ENGINE_WELCOME, 0);
	msg_put_u8(out, (uint8_t)o.scope);
	msg_put_u32(out, o.slot);
	msg_put_u64(out, session);
	msg_put_str(out, o.account);
	(void)msg_send_wait(out, OPENER_WAIT_MS);
	exit(0);
}

/* Does the vault remember the secret? */
static enum answer
vault_ask(void)
{
	enum answer a = VAULT_GONE;
	struct msgout *out;
	struct msg m;

	out = msg_new_fd(o.vault, OPENER_VAULT_TRY, 1);
	msg_put_bytes(
	    out, o.secret, o.service == SERVICE_MANAGE ? 0 : o.secret_len);
	msg_put_u8(out, o.service);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1 ||
	    msg_recv_wait(o.vault, &m, OPENER_WAIT_MS) != 1)
		return VAULT_GONE;
	if (m.type == VAULT_OPENER_KNOWN) {
		o.slot = msg_get_u32(&m);
		o.scope = msg_get_u8(&m);
		a = VAULT_KNOWS;
	} else if (m.type == VAULT_OPENER_UNKNOWN) {
		(void)msg_get_raw(&m, o.nonce, sizeof(o.nonce));
		a = VAULT_DOUBTS;
	}
	if (msg_end(&m) == -1)
		a = VAULT_GONE;
	msg_done(&m);
	return a;
}

static void
prove(uint8_t proof[SEAL_SUM_LEN])
{
	uint8_t key[SEAL_KEY_LEN], text[NONCE_LEN + 4];

	memcpy(text, o.nonce, NONCE_LEN);
	for (int i = 0; i < 4; i++)
		text[NONCE_LEN + i] = (uint8_t)(o.slot >> (24 - 8 * i));
	seal_amk_sub(o.amk, SEAL_SUB_PROOF, key);
	seal_mac(key, text, sizeof(text), proof);
	explicit_bzero(key, sizeof(key));
}

/*
 * Hands the engine's wire to the vault and ends.  Returns only where the vault
 * ended before it took it: then nothing has been said on that wire, and the
 * copy kept here serves for another try.
 */
static void
vault_session(const uint8_t proof[SEAL_SUM_LEN])
{
	struct msgout *out;
	struct msg m;
	int copy, n;

	copy = fcntl(o.engine, F_DUPFD_CLOEXEC, 0);
	if (copy == -1) {
		log_warn("opener: dup");
		refuse(REFUSED_UNAVAILABLE);
	}
	if (o.service == SERVICE_MANAGE) {
		out = msg_new_fd(o.vault, OPENER_VAULT_MANAGE, 2);
		msg_put_u32(out, o.slot);
		msg_put_u64(out, o.rev);
		msg_put_raw(out, proof, SEAL_SUM_LEN);
		slot_change_put(out, &o.start.change);
	} else {
		out = msg_new_fd(o.vault, OPENER_VAULT_SESSION, 2);
		msg_put_u32(out, o.slot);
		msg_put_u8(out, (uint8_t)o.scope);
		msg_put_u8(out, o.service);
		msg_put_raw(out, proof, SEAL_SUM_LEN);
		msg_put_u64(out, o.rev);
		slot_records_put(out, &o.start.change);
		escrow_wish_put(out, &o.start.escrow);
	}
	msg_put_fd(out, copy);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1)
		return;
	n = msg_recv_wait(o.vault, &m, OPENER_WAIT_MS);
	if (n == 1 && m.type == VAULT_OPENER_TAKEN) {
		tell_master(OPENER_MASTER_RIGHT);
		wipe();
		exit(0);
	}
	if (n == 1)
		msg_done(&m);
}

/* Right, but it cannot be done: said by us, the vault is not bothered. */
static void
managed(enum slot_result result)
{
	struct manage_answer a = {.result = (uint8_t)result};
	struct msgout *out;

	wipe();
	out = msg_new_fd(o.engine, VAULT_ENGINE_MANAGED, 0);
	manage_answer_put(out, &a);
	(void)msg_send_wait(out, OPENER_WAIT_MS);
	exit(0);
}

/*
 * Waits for a core for Argon2id.  False: a vault has come up meanwhile, which
 * is to be asked first.
 */
static bool
leave_to_derive(void)
{
	struct msgout *out;
	struct msg m;

	if (o.go || o.unlocked)
		return true;
	out = msg_new_fd(o.master, OPENER_MASTER_DERIVE, 1);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1)
		fatal("master");
	receive(o.master, &m);
	switch (m.type) {
	case MASTER_OPENER_GO:
		o.go = true;
		break;
	case MASTER_OPENER_VAULT:
		vault_leave();
		o.vault = msg_get_fd(&m);
		break;
	case MASTER_OPENER_BUSY:
		msg_done(&m);
		refuse(REFUSED_UNAVAILABLE);
	default:
		fatalx("master: unknown message type=%u", m.type);
	}
	msg_done(&m);
	return o.go;
}

/* NULL: there is no such account, or (*why) it cannot be read. */
static struct seal_slots *
read_account(struct store_limits *limits, enum store_refusal *why)
{
	struct seal_slots *slots = NULL;

	memset(limits, 0, sizeof(*limits));
	if (o.acct == -1)
		return NULL;
	if (seal_account_load(o.acct, &o.id) == 0)
		slots = seal_slots_load(o.acct, &o.id);
	if (slots == NULL || store_limits_read(o.acct, limits) != STORE_OK) {
		log_warn(
		    "account=%s its keys cannot be read", log_addr(o.account));
		*why = REFUSED_DAMAGED;
	}
	return slots;
}

/* The master key is there: may it be used? */
static void
unlocked(const struct seal_slot_info *info, const struct store_limits *limits)
{
	o.slot = info->id;
	o.rev = info->rev;
	o.scope = info->scope;
	o.unlocked = true;
	check_scope(o.scope);
	if (limits->disabled)
		refuse(REFUSED_DISABLED);
}

/*
 * Tries the secret on the slots; returns with the master key, or refuses.
 * Where there is no such account, or it cannot be read, the same work is done.
 */
static void
unlock(void)
{
	struct seal_slot_info info;
	struct store_limits limits;
	struct seal_slots *slots;
	enum store_refusal why = REFUSED_CREDENTIALS;
	struct msgout *out;
	int error, made, ret, why_not;
	uint8_t salt[SEAL_SCRAM_SALT];
	uint32_t iterations;
	struct record r = {o.service, &o.id, &o.kdf, o.amk, o.secret,
	    o.secret_len, o.fresh, o.fresh_len, salt, &o.start.change};

	if (o.unlocked)
		return;
	slots = read_account(&limits, &why);
	/* What the name has been said to have stays. */
	seal_scram_challenge(slots, scram_key, o.account, salt, &iterations);
	ret = seal_slots_try(slots, &o.id, (const char *)o.secret, o.secret_len,
	    &o.kdf, o.amk, &info);
	error = errno;
	made = ret == 0 ? record_make(&r, slots, &info) : 0;
	why_not = errno;
	seal_slots_free(slots);
	out = msg_new_fd(o.master, OPENER_MASTER_DERIVED, 1);
	msg_put_u8(out, ret == 0);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1)
		fatal("master");
	if (ret == -1 && error != EACCES) {
		log_warnx("derivation: %s", strerror(error));
		why = REFUSED_UNAVAILABLE;
	}
	if (ret == -1 || why == REFUSED_DAMAGED)
		refuse(why);
	unlocked(&info, &limits);
	if (made == -1 && o.service == SERVICE_MANAGE)
		managed(why_not == EINVAL ? SLOT_CANNOT :
			why_not == ERANGE ? SLOT_SHORT :
			why_not == E2BIG  ? SLOT_LIMIT :
					    SLOT_FAILED);
}

/*
 * The vault before us may have changed or revoked the slot after we read it,
 * and the account may have been disabled.
 */
static bool
still_good(void)
{
	struct seal_slot_info info;
	struct store_limits limits;
	struct seal_slots *slots;
	bool good = false;

	if (store_limits_read(o.acct, &limits) != STORE_OK)
		refuse(REFUSED_DAMAGED);
	if (limits.disabled)
		refuse(REFUSED_DISABLED);
	slots = seal_slots_load(o.acct, &o.id);
	if (slots == NULL)
		return false;
	for (size_t i = 0; !good && seal_slots_info(slots, i, &info); i++)
		good = info.id == o.slot && info.rev == o.rev;
	seal_slots_free(slots);
	return good;
}

/* Returns with a wire to the vault, or becomes it. */
static void
may_i(void)
{
	struct msgout *out;
	struct msg m;

	out = msg_new_fd(o.master, OPENER_MASTER_MAYI, 1);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1)
		fatal("master");
	receive(o.master, &m);
	if (m.type == MASTER_OPENER_BE) {
		msg_done(&m);
		become_vault();
	}
	if (m.type != MASTER_OPENER_VAULT)
		fatalx("master: unknown message type=%u", m.type);
	o.vault = msg_get_fd(&m);
	msg_done(&m);
}

static void
become_vault(void)
{
	struct vault_start *s = &o.start;

	if (account_unlocked(o.acct) == -1) {
		log_warn(
		    "account=%s is held by another vault", log_addr(o.account));
		refuse(REFUSED_UNAVAILABLE);
	}
	if (!still_good())
		refuse(REFUSED_CREDENTIALS);
	s->ring = seal_ring_load(o.acct, &o.id, o.amk);
	if (s->ring == NULL) {
		log_warn("account=%s its keyring cannot be read",
		    log_addr(o.account));
		refuse(errno == ENOMEM ? REFUSED_UNAVAILABLE : REFUSED_DAMAGED);
	}
	explicit_bzero(o.amk, sizeof(o.amk));
	if (o.fresh != NULL)
		explicit_bzero(o.fresh, o.fresh_len);
	(void)strlcpy(s->account, o.account, sizeof(s->account));
	s->base = o.base;
	s->acct = o.acct;
	s->master = o.master;
	s->session = o.engine;
	s->slot = o.slot;
	s->rev = o.rev;
	s->scope = (uint8_t)o.scope;
	s->service = o.service;
	s->secret = o.secret;
	s->secret_len = o.secret_len;
	/* Its descriptors come to it; it gives none away. */
	proc_narrow("stdio rpath wpath cpath fattr flock recvfd", NULL, 0);
	msg_wipe();
	vault_main(s);
}
