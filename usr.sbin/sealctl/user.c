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
 * sealctl user: accounts are the store master's business, so these commands
 * speak to it over a wire that the parent passes on unread.  A password is in
 * this process and in the store, and nowhere on the way.
 */

#include <sys/types.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "sealctl.h"
#include "store_wire.h"

#define STATE_SIZE 16

uint32_t
user_send_add(struct store *st, const char *account, const char *password)
{
	struct msgout *m;

	m = store_new(st, CTL_MASTER_USER_ADD);
	msg_put_str(m, account);
	msg_put_bytes(m, password, strlen(password));
	msg_put_u64(m, 0);
	store_send(m);
	return st->id;
}

static const struct column created_columns[] = {
    {"account", COLUMN_TEXT, 30},
    {"password", COLUMN_TEXT, 24},
    {"recovery", COLUMN_TEXT, 0},
};
#define N_CREATED (sizeof(created_columns) / sizeof(created_columns[0]))

void
user_created_get(struct msg *msg, struct created *c)
{
	const uint8_t *p;
	size_t len;

	p = msg_get_bytes(msg, &len, sizeof(c->password) - 1);
	(void)msg_get_str(msg, c->recovery, sizeof(c->recovery));
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "imap-store: its answer is not understood");
	memcpy(c->password, p, len);
	c->password[len] = '\0';
}

static void
print_created(struct msg *msg, const char *account)
{
	struct created c;

	user_created_get(msg, &c);
	out_text(account);
	out_text(c.password);
	out_text(c.recovery);
	explicit_bzero(&c, sizeof(c));
}

/* The answers to one question about one account, until its end. */
static int
add_answer(struct store *st, const char *account)
{
	struct msg msg;

	for (;;) {
		store_receive(st, &msg);
		if (msg.id == st->id && msg.type == MASTER_CTL_CREATED)
			print_created(&msg, account);
		if (msg.id == st->id && msg.type == MASTER_CTL_END)
			return store_end(&msg, account);
	}
}

int
cmd_user_add(struct invocation *inv)
{
	char account[ACCOUNT_NAME_MAX], password[SECRET_MAX];
	struct store st;
	bool ask = false;
	int ch, code;

	password[0] = '\0';
	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "p")) != -1) {
		if (ch != 'p')
			return EXIT_BAD_USAGE;
		ask = true;
	}
	if (inv->argc - optind != 1)
		return EXIT_BAD_USAGE;
	if (account_name(
		inv->conf, inv->argv[optind], account, sizeof(account)) == -1)
		return EXIT_FAILED;
	if (ask &&
	    read_password("Password: ", password, sizeof(password)) == -1)
		return EXIT_FAILED;
	if ((code = store_open(&st, inv)) == 0) {
		(void)user_send_add(&st, account, password);
		out_start(created_columns, N_CREATED, inv->json);
		if (add_answer(&st, account) == -1)
			code = EXIT_FAILED;
		if (out_end(code) == -1) {
			warn("standard output");
			code = EXIT_FAILED;
		}
		store_close(&st);
	}
	explicit_bzero(password, sizeof(password));
	return code;
}

int
cmd_user_del(struct invocation *inv)
{
	char account[ACCOUNT_NAME_MAX];
	struct msgout *m;
	struct store st;
	int code;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (account_name(inv->conf, inv->argv[1], account, sizeof(account)) ==
	    -1)
		return EXIT_FAILED;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, CTL_MASTER_USER_DEL);
	msg_put_str(m, account);
	code = store_ask(&st, m, account);
	store_close(&st);
	return code;
}

static int
user_limit(
    struct invocation *inv, uint8_t what, uint64_t quota, uint64_t max_messages)
{
	char account[ACCOUNT_NAME_MAX];
	struct msgout *m;
	struct store st;
	int code;

	if (account_name(inv->conf, inv->argv[1], account, sizeof(account)) ==
	    -1)
		return EXIT_FAILED;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, CTL_MASTER_USER_LIMIT);
	msg_put_str(m, account);
	msg_put_u8(m, what);
	msg_put_u64(m, quota);
	msg_put_u64(m, max_messages);
	code = store_ask(&st, m, account);
	store_close(&st);
	return code;
}

int
cmd_user_disable(struct invocation *inv)
{
	return inv->argc != 2 ? EXIT_BAD_USAGE :
				user_limit(inv, CTL_LIMIT_DISABLE, 0, 0);
}

int
cmd_user_enable(struct invocation *inv)
{
	return inv->argc != 2 ? EXIT_BAD_USAGE :
				user_limit(inv, CTL_LIMIT_ENABLE, 0, 0);
}

/* Octets, or with K, M, G or T behind them; "none" is 0.  -1: no size. */
static int
parse_size(const char *s, uint64_t *size)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t n = 0;

	*size = 0;
	if (strcmp(s, "none") == 0)
		return 0;
	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++) {
		if (n > (UINT64_MAX >> 4) / 10)
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	if (*s != '\0') {
		unit = strchr(units, toupper((unsigned char)*s));
		if (unit == NULL || s[1] != '\0')
			return -1;
		for (; unit >= units; unit--) {
			if (n > UINT64_MAX >> 14)
				return -1;
			n <<= 10;
		}
	}
	*size = n;
	return n == 0 ? -1 : 0;
}

int
cmd_user_quota(struct invocation *inv)
{
	const char *problem = NULL;
	uint64_t size;
	long long messages = -1;

	if (inv->argc != 3 && inv->argc != 4)
		return EXIT_BAD_USAGE;
	if (parse_size(inv->argv[2], &size) == -1) {
		warnx("%s: not a size like 500M or 2G, nor none", inv->argv[2]);
		return EXIT_BAD_USAGE;
	}
	if (inv->argc == 3)
		return user_limit(inv, CTL_LIMIT_QUOTA, size, 0);
	if (strcmp(inv->argv[3], "none") != 0)
		messages = strtonum(inv->argv[3], 1, UINT32_MAX, &problem);
	if (problem != NULL) {
		warnx("%s: not a number of messages, nor none", inv->argv[3]);
		return EXIT_BAD_USAGE;
	}
	return user_limit(inv, CTL_LIMIT_BOTH, size, (uint64_t)(messages + 1));
}

int
cmd_user_rename(struct invocation *inv)
{
	char account[ACCOUNT_NAME_MAX], to[ACCOUNT_NAME_MAX];
	struct msgout *m;
	struct store st;
	int code;

	if (inv->argc != 3)
		return EXIT_BAD_USAGE;
	if (account_name(inv->conf, inv->argv[1], account, sizeof(account)) ==
		-1 ||
	    account_name(inv->conf, inv->argv[2], to, sizeof(to)) == -1)
		return EXIT_FAILED;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, CTL_MASTER_USER_RENAME);
	msg_put_str(m, account);
	msg_put_str(m, to);
	code = store_ask(&st, m, account);
	store_close(&st);
	return code;
}

static const struct column user_columns[] = {
    {"account", COLUMN_TEXT, 30},
    {"state", COLUMN_TEXT, 8},
    {"quota", COLUMN_NUMBER, 12},
    {"used", COLUMN_NUMBER, 12},
    {"sessions", COLUMN_NUMBER, 8},
    {"vault", COLUMN_NUMBER, 8},
    {"memory", COLUMN_NUMBER, 10},
    {"created", COLUMN_TIME, 20},
    {"login", COLUMN_TIME, 20},
    {"messages", COLUMN_NUMBER, 10},
    {"messages-max", COLUMN_NUMBER, 12},
};

static void
print_user(struct msg *msg)
{
	char account[ACCOUNT_NAME_MAX], state[STATE_SIZE];
	uint64_t quota, used, messages, max_messages;
	uint32_t sessions, pid;
	int64_t created, login;

	(void)msg_get_str(msg, account, sizeof(account));
	(void)msg_get_str(msg, state, sizeof(state));
	quota = msg_get_u64(msg);
	used = msg_get_u64(msg);
	messages = msg_get_u64(msg);
	max_messages = msg_get_u64(msg);
	sessions = msg_get_u32(msg);
	pid = msg_get_u32(msg);
	created = msg_get_i64(msg);
	login = msg_get_i64(msg);
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "imap-store: its answer is not understood");
	out_text(account);
	out_text(state);
	out_number(quota);
	out_number(used);
	out_number(sessions);
	out_number(pid);
	out_number(process_memory(pid));
	out_time(created);
	out_time(login);
	out_number(messages);
	out_number(max_messages > 0 ? max_messages - 1 : 0);
}

/* Asks for accounts and prints them as they come. */
static int
print_users(
    struct invocation *inv, uint32_t type, const char *arg, const char *about)
{
	struct msgout *m;
	struct store st;
	struct msg msg;
	int code;

	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, type);
	msg_put_str(m, arg);
	store_send(m);
	out_start(user_columns, sizeof(user_columns) / sizeof(user_columns[0]),
	    inv->json);
	for (;;) {
		store_receive(&st, &msg);
		if (msg.id == st.id && msg.type == MASTER_CTL_USER)
			print_user(&msg);
		if (msg.id == st.id && msg.type == MASTER_CTL_END)
			break;
	}
	if (store_end(&msg, about) == -1)
		code = EXIT_FAILED;
	if (code == 0 && out_rows() == 0 && type == CTL_MASTER_USER_LIST &&
	    arg[0] != '\0' && conf_domain_find(inv->conf, arg) == NULL) {
		warnx("%s: no domain of the configuration", arg);
		code = EXIT_FAILED;
	}
	if (out_end(code) == -1) {
		warn("standard output");
		code = EXIT_FAILED;
	}
	store_close(&st);
	return code;
}

int
cmd_user_list(struct invocation *inv)
{
	if (inv->argc > 2)
		return EXIT_BAD_USAGE;
	for (char *p = inv->argc == 2 ? inv->argv[1] : NULL;
	     p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return print_users(inv, CTL_MASTER_USER_LIST,
	    inv->argc == 2 ? inv->argv[1] : "", NULL);
}

int
cmd_user_show(struct invocation *inv)
{
	char account[ACCOUNT_NAME_MAX];

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (account_name(inv->conf, inv->argv[1], account, sizeof(account)) ==
	    -1)
		return EXIT_FAILED;
	return print_users(inv, CTL_MASTER_USER_SHOW, account, account);
}

int
cmd_user_confirm(struct invocation *inv)
{
	struct store st;
	char account[ACCOUNT_NAME_MAX];
	struct msgout *m;
	int code;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (account_name(inv->conf, inv->argv[1], account, sizeof(account)) ==
	    -1)
		return EXIT_FAILED;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, CTL_MASTER_CONFIRM);
	msg_put_str(m, account);
	code = store_ask(&st, m, account);
	store_close(&st);
	return code;
}
