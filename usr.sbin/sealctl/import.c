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
 * sealctl user import: many accounts from a list.  The whole list is read and
 * understood before the first account is made; accounts that exist are left
 * alone, so a list that broke off is imported again as it is.
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

#define IMPORT_WINDOW 8    /* accounts asked for and not yet answered */
#define IMPORT_MAX 1000000 /* accounts of a list */
#define LINE_SIZE 2048     /* octets of a line, its end included */
#define LIST_STEP 1024
#define ERRORS_MAX 100 /* lines that are complained about */

/* A line of the list. */
struct item {
	char *account;
	char *password; /* empty: one is to be made up */
	unsigned int line;
};

static struct {
	struct item *items;
	size_t n;
	size_t size;
	const char *name; /* of the file */
	unsigned int line;
	unsigned int errors;
	unsigned int failed; /* accounts */
} list;

/* An account that was asked for; a slot is free where id is 0. */
struct pending {
	uint32_t id;
	const struct item *item;
	bool made;
	struct created created;
};

static void
complain(const char *what)
{
	if (list.errors++ < ERRORS_MAX)
		warnx("%s:%u: %s", list.name, list.line, what);
}

/* One line, without its end, wiped by the caller; -1 after the last. */
static int
list_line(char *buf, size_t size)
{
	size_t len;
	int c;

	if (fgets(buf, (int)size, stdin) == NULL) {
		if (ferror(stdin))
			err(EXIT_FAILED, "%s", list.name);
		return -1;
	}
	list.line++;
	len = strcspn(buf, "\r\n");
	if (buf[len] == '\0' && len == size - 1) {
		complain("longer than a name and a password are");
		while ((c = getchar()) != EOF && c != '\n')
			;
		len = 0;
	}
	buf[len] = '\0';
	return 0;
}

/*
 * What other servers store in place of passwords.  It would be taken as a
 * password, and its user could not log in.
 */
static bool
is_hash(const char *password)
{
	static const char *const kinds[] = {"$1$", "$2a$", "$2b$", "$2x$",
	    "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$argon2", "$scrypt$",
	    "$pbkdf2", "$sha1$"};
	const char *p;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(password, kinds[i], strlen(kinds[i])) == 0)
			return true;
	}
	/* {SSHA}..., {BLF-CRYPT}... */
	if (*password != '{')
		return false;
	for (p = password + 1;
	     isalnum((unsigned char)*p) || strchr("-._", *p) != NULL; p++) {
		if (*p == '\0')
			return false;
	}
	return *p == '}' && p > password + 1 && p[1] != '\0' &&
	    strchr(p, ' ') == NULL;
}

static struct item *
item_new(void)
{
	if (list.n == IMPORT_MAX)
		errx(EXIT_FAILED, "%s: more than %d accounts", list.name,
		    IMPORT_MAX);
	if (list.n == list.size) {
		list.items = recallocarray(list.items, list.size,
		    list.size + LIST_STEP, sizeof(*list.items));
		if (list.items == NULL)
			err(EXIT_FAILED, "%s", list.name);
		list.size += LIST_STEP;
	}
	return &list.items[list.n++];
}

/* A name, blanks, and the rest as the password. */
static void
take_line(struct invocation *inv, char *line)
{
	char account[ACCOUNT_NAME_MAX], *password;
	struct item *item;
	const char *wrong;

	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == '#')
		return;
	password = line + strcspn(line, " \t");
	if (*password != '\0')
		*password++ = '\0';
	password += strspn(password, " \t");
	wrong = account_name_wrong(inv->conf, line, account, sizeof(account));
	if (wrong != NULL) {
		complain(wrong);
		return;
	}
	if (strlen(password) >= SECRET_MAX) {
		complain("the password is too long");
		return;
	}
	if (is_hash(password)) {
		complain("a password's hash is of no use: mail is sealed with "
			 "the password itself");
		return;
	}
	wrong = *password == '\0' ? NULL : password_wrong(password);
	if (wrong != NULL) {
		complain(wrong);
		return;
	}
	item = item_new();
	item->account = strdup(account);
	item->password = strdup(password);
	item->line = list.line;
	if (item->account == NULL || item->password == NULL)
		err(EXIT_FAILED, "%s", list.name);
}

static int
by_account(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c;

	c = strcmp(x->account, y->account);
	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
by_line(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* A name that stands there twice has two passwords. */
static void
find_doubles(void)
{
	if (list.n == 0)
		return;
	qsort(list.items, list.n, sizeof(*list.items), by_account);
	for (size_t i = 1; i < list.n; i++) {
		if (strcmp(list.items[i - 1].account, list.items[i].account) !=
		    0)
			continue;
		list.line = list.items[i].line;
		complain("the account stands in the list twice");
	}
	qsort(list.items, list.n, sizeof(*list.items), by_line);
}

static void
list_wipe(void)
{
	for (size_t i = 0; i < list.n; i++) {
		free(list.items[i].account);
		freezero(
		    list.items[i].password, strlen(list.items[i].password));
	}
	free(list.items);
}

static int
list_read(struct invocation *inv, const char *path)
{
	static char line[LINE_SIZE];

	list.name = path;
	if (strcmp(path, "-") == 0)
		list.name = "standard input";
	else if (freopen(path, "r", stdin) == NULL) {
		warn("%s", path);
		return -1;
	}
	/* No copy of passwords in a buffer that nobody wipes. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (list_line(line, sizeof(line)) == 0)
		take_line(inv, line);
	explicit_bzero(line, sizeof(line));
	find_doubles();
	if (list.errors == 0)
		return 0;
	warnx("%s: %u line%s wrong; no account was made", list.name,
	    list.errors, list.errors == 1 ? " is" : "s are");
	return -1;
}

static const struct column columns[] = {
    {"account", COLUMN_TEXT, 30},
    {"result", COLUMN_TEXT, 6},
    {"password", COLUMN_TEXT, 24},
    {"recovery", COLUMN_TEXT, 0},
};

static void
answer_end(struct pending *p, struct msg *msg)
{
	char reason[CTL_TEXT_MAX];
	uint8_t error;

	error = msg_get_u8(msg);
	(void)msg_get_str(msg, reason, sizeof(reason));
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "imap-store: its answer is not understood");
	if (error == CTL_END_EXISTS || error == CTL_END_DONE) {
		out_text(p->item->account);
		out_text(error == CTL_END_DONE ? "made" : "exists");
		out_text(p->created.password);
		out_text(p->created.recovery);
	} else {
		list.failed++;
		warnx("%s:%u: %s: %s", list.name, p->item->line,
		    p->item->account, reason);
	}
	explicit_bzero(p, sizeof(*p));
}

/* Takes one message of the answers. */
static void
take_answer(struct store *st, struct pending *pending)
{
	struct msg msg;
	size_t i;

	memset(&msg, 0, sizeof(msg));
	msg.fd = -1;
	store_receive(st, &msg);
	for (i = 0; i < IMPORT_WINDOW; i++) {
		if (pending[i].id == msg.id && msg.id != 0)
			break;
	}
	if (i < IMPORT_WINDOW && msg.type == MASTER_CTL_CREATED)
		user_created_get(&msg, &pending[i].created);
	else if (i < IMPORT_WINDOW && msg.type == MASTER_CTL_END)
		answer_end(&pending[i], &msg);
	msg_done(&msg);
}

/* A free place among those that wait; IMPORT_WINDOW: there is none. */
static size_t
free_place(const struct pending *pending, bool *waits)
{
	size_t place = IMPORT_WINDOW;

	*waits = false;
	for (size_t i = 0; i < IMPORT_WINDOW; i++) {
		if (pending[i].id != 0)
			*waits = true;
		else
			place = i;
	}
	return place;
}

static void
make_all(struct store *st)
{
	struct pending pending[IMPORT_WINDOW];
	const struct item *item;
	bool waits;
	size_t k;

	memset(pending, 0, sizeof(pending));
	for (size_t i = 0; i < list.n; i++) {
		while ((k = free_place(pending, &waits)) == IMPORT_WINDOW)
			take_answer(st, pending);
		item = &list.items[i];
		pending[k].item = item;
		pending[k].id = user_send_add(
		    st, item->account, item->password);
	}
	while (free_place(pending, &waits), waits)
		take_answer(st, pending);
}

int
cmd_user_import(struct invocation *inv)
{
	struct store st;
	int code;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (list_read(inv, inv->argv[1]) == -1) {
		list_wipe();
		return EXIT_FAILED;
	}
	if ((code = store_open(&st, inv)) == 0) {
		out_start(
		    columns, sizeof(columns) / sizeof(columns[0]), inv->json);
		make_all(&st);
		store_close(&st);
		code = finish(list.failed > 0 ? EXIT_FAILED : 0);
	}
	list_wipe();
	return code;
}
