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
 * sealmail(1), what users and their mail programs run.  It holds no privilege
 * and reads no file of the suite: it is a client of the daemons' sockets.
 */

#ifndef SEALMAIL_H
#define SEALMAIL_H

#include <stdbool.h>
#include <stdio.h>

#define RECIPIENTS_MAX 1000 /* of one `sealmail deliver` */
#define ADDRESS_SIZE 512    /* octets of an address, NUL included */

/* What became of one recipient, or of the whole session. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_TEMPORARY,
	OUTCOME_NO_USER,
	OUTCOME_FAILED
};

struct recipient {
	const char *address;
	bool accepted; /* at RCPT: a reply after the data is due */
	enum outcome outcome;
	char reply[512]; /* the server's words, if it was not done */
};

struct delivery {
	const char *socket; /* path of the LMTP socket */
	const char *sender; /* "" for the null sender */
	struct recipient *recipients;
	size_t n_recipients;
};

/*
 * Speaks LMTP and fills in each recipient's outcome.  A session that broke
 * makes every outcome not yet known OUTCOME_TEMPORARY.
 */
void lmtp_deliver(struct delivery *, FILE *message);

/* slots.c: the exit codes of the commands. */
int cmd_passwd(int argc, char *argv[]);
int cmd_app(int argc, char *argv[]);
int cmd_deleted(int argc, char *argv[]);
/* Options, n arguments of which the account is the first, password, LOGIN. */
char **slots_login(
    int argc, char *argv[], int n, const char *usage, bool *json, int *code);
const char *slots_mailbox(void); /* of -b; NULL */
/* export.c */
int cmd_export(int argc, char *argv[]);
int cmd_recover(int argc, char *argv[]);
int cmd_rekey(int argc, char *argv[]);
/* keywords.c: of one folder at a time, which stays open as its tmp/ does. */
#define MAILDIR_LETTERS 40 /* of a file's name, NUL included */
void keywords_open(int folder, int tmp);
/* Of the flags in the list that are keywords, but for known. */
void keywords_letters(const char *list, const char *known, char *letters);
/* undelete.c */
int cmd_undelete(int argc, char *argv[]);
/* The quoted string that comes next, in place; NULL: there is none. */
char *text_quoted(char **line);
void text_plain(char *); /* nothing in it that a terminal obeys */
void text_json(const char *name, const char *); /* ,"name":"text" */
/* settings.c */
int cmd_set(int argc, char *argv[]);
/* reindex.c */
int cmd_reindex(int argc, char *argv[]);
/* verify.c */
int cmd_verify(int argc, char *argv[]);

#endif
