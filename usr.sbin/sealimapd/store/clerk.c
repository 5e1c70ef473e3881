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
 * The clerk: one process for one sealctl, which sends it passwords of accounts
 * to be made.  So neither the parent nor the master ever sees one.
 */

/*
 * Process:   imap-store: clerk
 * Runs as:   as imap-store
 * May do:    stdio rpath wpath cpath fattr flock recvfd; accounts, head,
 *            removed (rwc)
 * Talks to:  sealctl, about accounts; the master
 * Holds:     passwords and recovery codes of the accounts it makes
 * Trusts:    the master, and sealctl, whom the parent has let in
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"
#include "seal_keys.h"
#include "store.h"
#include "store_sweep.h"
#include "vault.h"

#define CTL_IDLE_MS (10 * 60 * 1000)

static struct {
	int master;
	int base;
	int ctl;
	uint8_t host;
	enum clerk_may may;
	uint32_t asked; /* ids of questions to the master */
} clerk;

static void begin(void);
static void serve(struct msg *);
static void user_add(struct msg *, uint32_t id);
static void user_del(struct msg *, uint32_t id);
static void user_list(struct msg *, uint32_t id);
static void user_show(struct msg *, uint32_t id);
static void user_confirm(struct msg *, uint32_t id);
static void user_kick(struct msg *, uint32_t id);
static void user_audit(struct msg *, uint32_t id);
static void sweep(struct msg *, uint32_t id);
static void sweep_daily(void) __attribute__((noreturn));
static void user_limit(struct msg *, uint32_t id);
static void user_rename(struct msg *, uint32_t id);
static int user_send(const char *account, uint32_t id);
static bool request_get(struct msg *, char *account, size_t size);
static void send_to_ctl(struct msgout *);
static void end(uint32_t id, const char *reason);
static void
ask(uint32_t type, const char *account, struct msg *, uint32_t answer);

void
clerk_main(int master, int base)
{
	static const struct proc_path paths[] = {
	    {"accounts", "rwc"},
	    {"head", "rwc"},
	    {"removed", "rwc"},
	};
	struct msg m;
	int n;

	setproctitle("clerk");
	clerk.master = master;
	clerk.base = base;
	proc_narrow("stdio rpath wpath cpath fattr flock recvfd", paths,
	    sizeof(paths) / sizeof(paths[0]));
	begin();
	for (;;) {
		n = msg_recv_wait(clerk.ctl, &m, CTL_IDLE_MS);
		if (n != 1)
			exit(0);
		serve(&m);
		msg_done(&m);
	}
}

static void
begin(void)
{
	struct msg m;

	if (msg_recv_wait(clerk.master, &m, OPENER_WAIT_MS) != 1)
		exit(0);
	if (m.type == MASTER_CLERK_SWEEP)
		sweep_daily();
	if (m.type != MASTER_CLERK_START)
		fatalx("master: unknown message type=%u", m.type);
	clerk.host = msg_get_u8(&m);
	clerk.may = msg_get_u8(&m);
	clerk.ctl = msg_get_fd(&m);
	if (msg_end(&m) == -1)
		fatalx("master: malformed message type=%u", m.type);
	msg_done(&m);
	proc_narrow("stdio rpath wpath cpath fattr flock", NULL, 0);
}

/* Who only sets quotas lists no accounts either. */
static bool
allowed(uint32_t type)
{
	switch (type) {
	case CTL_MASTER_USER_SHOW:
		return true;
	case CTL_MASTER_USER_LIST:
		return clerk.may != CLERK_QUOTA;
	case CTL_MASTER_USER_LIMIT:
		return clerk.may != CLERK_LOOK;
	default:
		return clerk.may == CLERK_CHANGE;
	}
}

static void
serve(struct msg *m)
{
	if (!allowed(m->type)) {
		end(m->id, "not allowed: run sealctl as root");
		return;
	}
	switch (m->type) {
	case CTL_MASTER_USER_ADD:
		user_add(m, m->id);
		break;
	case CTL_MASTER_USER_DEL:
		user_del(m, m->id);
		break;
	case CTL_MASTER_USER_LIMIT:
		user_limit(m, m->id);
		break;
	case CTL_MASTER_USER_RENAME:
		user_rename(m, m->id);
		break;
	case CTL_MASTER_USER_LIST:
		user_list(m, m->id);
		break;
	case CTL_MASTER_USER_SHOW:
		user_show(m, m->id);
		break;
	case CTL_MASTER_KICK:
		user_kick(m, m->id);
		break;
	case CTL_MASTER_AUDIT:
		user_audit(m, m->id);
		break;
	case CTL_MASTER_CONFIRM:
		user_confirm(m, m->id);
		break;
	case CTL_MASTER_SWEEP:
		sweep(m, m->id);
		break;
	default:
		end(m->id, "the request is not understood");
		break;
	}
}

/* Version and name, which begin every request; false: refused. */
static bool
request_get(struct msg *m, char *account, size_t size)
{
	uint32_t version;

	version = msg_get_u32(m);
	(void)msg_get_str(m, account, size);
	if (m->bad) {
		end(m->id, "the request is malformed");
		return false;
	}
	if (version != STORE_WIRE_VERSION) {
		end(m->id, "sealctl and the daemon are of different versions");
		return false;
	}
	return true;
}

static void
send_to_ctl(struct msgout *out)
{
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1) {
		msg_wipe();
		exit(0);
	}
}

static void
end_as(uint32_t id, enum ctl_end how, const char *reason)
{
	struct msgout *out;

	out = msg_new_fd(clerk.ctl, MASTER_CTL_END, id);
	msg_put_u8(out, (uint8_t)how);
	msg_put_str(out, reason == NULL ? "" : reason);
	send_to_ctl(out);
}

/* reason NULL: it is done. */
static void
end(uint32_t id, const char *reason)
{
	end_as(id, reason == NULL ? CTL_END_DONE : CTL_END_FAILED, reason);
}

/* A question to the master about an account; the caller calls msg_done(). */
static void
ask(uint32_t type, const char *account, struct msg *m, uint32_t answer)
{
	struct msgout *out;

	out = msg_new_fd(clerk.master, type, ++clerk.asked);
	msg_put_str(out, account);
	if (msg_send_wait(out, OPENER_WAIT_MS) == -1 ||
	    msg_recv_wait(clerk.master, m, DERIVE_WAIT_MS) != 1)
		exit(0);
	if (m->type != answer || m->id != clerk.asked)
		fatalx("master: unknown message type=%u", m->type);
}

static void
send_created(uint32_t id, const char *password, const char *code)
{
	struct msgout *out;

	out = msg_new_fd(clerk.ctl, MASTER_CTL_CREATED, id);
	msg_put_bytes(out, password, strlen(password));
	msg_put_str(out, code);
	send_to_ctl(out);
}

/* What the account's domain says of new ones; ops 0: not a domain here. */
static void
domain_ask(const char *account, struct seal_kdf *kdf,
    struct escrow_wish *escrow, struct creation *c)
{
	struct msg m;
	uint64_t quota;

	ask(CLERK_MASTER_KDF, account, &m, MASTER_CLERK_KDF);
	kdf->ops = msg_get_u64(&m);
	kdf->mem = msg_get_u64(&m);
	quota = msg_get_u64(&m);
	c->waiting_days = msg_get_u32(&m);
	escrow_wish_get(&m, escrow);
	c->escrow = escrow->mode == ESCROW_KEY ? escrow->key : NULL;
	if (c->quota == 0)
		c->quota = quota;
	if (msg_end(&m) == -1)
		fatalx("master: malformed message type=%u", m.type);
	msg_done(&m);
}

static void
make(struct creation *c, uint32_t id)
{
	char code[SEAL_CODE_SIZE], made[SEAL_PASSWORD_SIZE];
	enum ctl_end how = CTL_END_FAILED;
	const char *reason = NULL;

	switch (account_make(clerk.base, c, made, code, &reason)) {
	case 0:
		log_info("account=%s created", log_addr(c->account));
		send_created(id, made, code);
		how = CTL_END_DONE;
		break;
	case ACCOUNT_EXISTS:
		how = CTL_END_EXISTS;
		break;
	}
	explicit_bzero(made, sizeof(made));
	explicit_bzero(code, sizeof(code));
	end_as(id, how, reason);
}

static void
user_add(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX], password[SECRET_MAX];
	const uint8_t *p;
	struct escrow_wish escrow;
	struct creation c;
	struct seal_kdf kdf;

	memset(&c, 0, sizeof(c));
	if (!request_get(m, account, sizeof(account)))
		return;
	p = msg_get_bytes(m, &c.len, sizeof(password));
	c.quota = msg_get_u64(m);
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	if (c.len > 0)
		memcpy(password, p, c.len);
	msg_done(m); /* wiped; the buffer is wanted for the master's answer */
	c.account = account;
	c.password = password;
	c.host = clerk.host;
	c.kdf = &kdf;
	domain_ask(account, &kdf, &escrow, &c);
	if (kdf.ops == 0)
		end(id, "the domain is not in the configuration");
	else
		make(&c, id);
	explicit_bzero(password, sizeof(password));
}

static void
user_del(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];
	const char *reason = NULL;
	struct msg answer;

	if (!request_get(m, account, sizeof(account)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	ask(CLERK_MASTER_KICK, account, &answer, MASTER_CLERK_KICKED);
	msg_done(&answer);
	if (account_remove(clerk.base, account, &reason) == 0)
		log_info("account=%s removed", log_addr(account));
	end(id, reason);
}

/* Ends the account's vault, and all its sessions with it. */
static void
kick(const char *account)
{
	struct msg answer;

	ask(CLERK_MASTER_KICK, account, &answer, MASTER_CLERK_KICKED);
	msg_done(&answer);
}

static void
user_kick(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];
	enum store_result result;
	int fd;

	if (!request_get(m, account, sizeof(account)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	kick(account);
	/* Whoever mistyped a name must not take its user for gone. */
	result = store_account_open(clerk.base, account, &fd);
	if (result == STORE_OK) {
		(void)close(fd);
		log_info("account=%s kicked", log_addr(account));
	}
	if (result == STORE_UNKNOWN)
		end(id, "there is no such account");
	else
		end(id, NULL);
}

/* What the vault tells is passed on; the state says how it ended. */
static enum audit_state
audit_follow(const char *account, uint32_t id)
{
	struct msgout *out;
	struct msg m;
	enum audit_state state;

	ask(CLERK_MASTER_AUDIT, account, &m, MASTER_CLERK_AUDITED);
	while ((state = msg_get_u8(&m)) == AUDIT_GOES || state == AUDIT_DONE) {
		out = msg_new_fd(clerk.ctl, MASTER_CTL_AUDITED, id);
		for (int i = 0; i < 4; i++)
			msg_put_u64(out, msg_get_u64(&m));
		send_to_ctl(out);
		if (state == AUDIT_DONE)
			break;
		msg_done(&m);
		if (msg_recv_wait(clerk.master, &m, DERIVE_WAIT_MS) != 1)
			exit(0);
		if (m.type != MASTER_CLERK_AUDITED || m.id != clerk.asked)
			fatalx("master: unknown message type=%u", m.type);
	}
	msg_done(&m);
	return state;
}

static void
user_audit(struct msg *m, uint32_t id)
{
	static const char *const reasons[] = {
	    [AUDIT_GOES] = NULL,
	    [AUDIT_DONE] = NULL,
	    [AUDIT_FAILED] = "its vault has ended before it was through",
	    [AUDIT_BUSY] = "its vault is being verified by somebody else",
	    [AUDIT_NOBODY] = "nobody is logged in, so there is no key",
	};
	char account[ACCOUNT_NAME_MAX];
	enum audit_state state;

	if (!request_get(m, account, sizeof(account)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	state = audit_follow(account, id);
	end(id, reasons[state <= AUDIT_NOBODY ? state : AUDIT_FAILED]);
}

static void
user_limit(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];
	const char *reason = NULL;
	uint64_t quota, max_messages;
	uint8_t what;

	if (!request_get(m, account, sizeof(account)))
		return;
	what = msg_get_u8(m);
	quota = msg_get_u64(m);
	max_messages = msg_get_u64(m);
	if (msg_end(m) == -1 || what < LIMIT_DISABLE || what > LIMIT_BOTH ||
	    (clerk.may == CLERK_QUOTA && what < LIMIT_QUOTA)) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	if (account_limit(clerk.base, account, (enum limit)what, quota,
		max_messages, &reason) == 0) {
		log_info("account=%s limit changed what=%u", log_addr(account),
		    what);
		/* Nobody becomes a vault that has not read the new limits. */
		if (what == LIMIT_DISABLE)
			kick(account);
	}
	end(id, reason);
}

static void
user_rename(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX], to[ACCOUNT_NAME_MAX];
	const char *reason = NULL;
	struct msg answer;
	uint64_t passes;

	if (!request_get(m, account, sizeof(account)))
		return;
	(void)msg_get_str(m, to, sizeof(to));
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	ask(CLERK_MASTER_KDF, to, &answer, MASTER_CLERK_KDF);
	passes = msg_get_u64(&answer);
	msg_done(&answer);
	if (passes == 0) {
		end(id, "the domain is not in the configuration");
		return;
	}
	kick(account);
	if (account_rename(clerk.base, account, to, &reason) == 0)
		log_info("account=%s renamed to=%s", log_addr(account),
		    log_addr(to));
	end(id, reason);
}

/* One account as sealctl shows it; -1 if it is gone. */
static int
user_send(const char *account, uint32_t id)
{
	struct store_limits limits;
	struct seal_account a;
	struct msgout *out;
	uint32_t sessions, pid;
	int64_t login = 0;
	struct store_used used = {0, 0};
	struct stat st;
	struct msg m;
	int acct;

	if (store_account_open(clerk.base, account, &acct) != STORE_OK)
		return -1;
	memset(&a, 0, sizeof(a));
	memset(&limits, 0, sizeof(limits));
	if (seal_account_load(acct, &a) == -1 ||
	    store_limits_read(acct, &limits) != STORE_OK ||
	    store_usage(acct, &used) != STORE_OK)
		log_warn("account=%s cannot be read", log_addr(account));
	/* See count_login(): a login sets whole seconds. */
	if (fstatat(acct, "lock", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_mtim.tv_nsec == 0)
		login = (int64_t)st.st_mtim.tv_sec;
	close(acct);
	ask(CLERK_MASTER_SESSIONS, account, &m, MASTER_CLERK_SESSIONS);
	sessions = msg_get_u32(&m);
	pid = msg_get_u32(&m);
	msg_done(&m);
	out = msg_new_fd(clerk.ctl, MASTER_CTL_USER, id);
	msg_put_str(out, account);
	msg_put_str(out, limits.disabled ? "disabled" : "active");
	msg_put_u64(out, limits.quota);
	msg_put_u64(out, used.octets);
	msg_put_u64(out, used.messages);
	msg_put_u64(out, limits.max_messages);
	msg_put_u32(out, sessions);
	msg_put_u32(out, pid);
	msg_put_i64(out, a.created);
	msg_put_i64(out, login);
	send_to_ctl(out);
	return 0;
}

static int
list_one(const char *account, void *arg)
{
	const uint32_t *id = arg;

	(void)user_send(account, *id);
	return 0;
}

static void
user_list(struct msg *m, uint32_t id)
{
	char domain[ACCOUNT_NAME_MAX];
	enum store_result result;

	if (!request_get(m, domain, sizeof(domain)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	result = store_account_list(
	    clerk.base, domain[0] == '\0' ? NULL : domain, list_one, &id);
	/* A domain without accounts has no directory. */
	if (result == STORE_OK || result == STORE_UNKNOWN)
		end(id, NULL);
	else
		end(id, store_strerror(result));
}

static void
user_show(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];

	if (!request_get(m, account, sizeof(account)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	end(id,
	    user_send(account, id) == 0 ? NULL : "there is no such account");
}

static void
user_confirm(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];
	enum store_result result;
	int acct;

	if (!request_get(m, account, sizeof(account)))
		return;
	if (msg_end(m) == -1) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	result = store_account_open(clerk.base, account, &acct);
	if (result == STORE_OK) {
		result = store_confirm_deletes(acct);
		close(acct);
	}
	if (result == STORE_OK)
		log_info("account=%s deletes confirmed", log_addr(account));
	if (result == STORE_UNKNOWN)
		end(id, "there is no such account");
	else
		end(id, result == STORE_OK ? NULL : store_strerror(result));
}

static void
sweep(struct msg *m, uint32_t id)
{
	char account[ACCOUNT_NAME_MAX];
	struct sweep_total t;
	enum store_result result;
	struct msgout *out;
	uint32_t days;
	int64_t grace;

	if (!request_get(m, account, sizeof(account)))
		return;
	days = msg_get_u32(m);
	grace = (int64_t)days * 86400;
	if (msg_end(m) == -1 || grace > STORE_GRACE) {
		end(id, "the request is malformed");
		return;
	}
	msg_done(m);
	if (account[0] != '\0')
		result = sweep_one(clerk.base, account, grace, &t);
	else
		result = sweep_all(clerk.base, grace, &t);
	if (account[0] != '\0' && result == STORE_UNKNOWN) {
		end(id, "there is no such account");
		return;
	}
	out = msg_new_fd(clerk.ctl, MASTER_CTL_SWEPT, id);
	msg_put_u32(out, t.accounts);
	msg_put_u32(out, t.failed);
	msg_put_u64(out, t.trashed);
	msg_put_u64(out, t.removed);
	send_to_ctl(out);
	/* Without any account there is no directory of them. */
	end(id,
	    result == STORE_OK || result == STORE_UNKNOWN ?
		NULL :
		store_strerror(result));
}

/* Nobody waits for an answer: once a day. */
static void
sweep_daily(void)
{
	struct sweep_total t;

	proc_narrow("stdio rpath wpath cpath fattr flock", NULL, 0);
	(void)sweep_all(clerk.base, STORE_GRACE, &t);
	exit(0);
}
