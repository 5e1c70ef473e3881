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
 * What the user has deleted and can have back: listed, and put into INBOX.
 */

#include <sys/types.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "imap_client.h"
#include "sealmail.h"

#define ID_DIGITS 32
#define BATCH 100    /* ids of one command */
#define IDS_MAX 1000 /* that the server lists */

static struct {
	bool json;
	bool print;
	size_t n;
	char ids[IDS_MAX][ID_DIGITS + 1];
} deleted;

static bool
is_id(const char *s, size_t len)
{
	return len == ID_DIGITS && strspn(s, "0123456789abcdef") >= len;
}

static void
print_time(long long seconds)
{
	char date[32];
	struct tm tm;
	time_t when = (time_t)seconds;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm) == 0)
		(void)snprintf(date, sizeof(date), "%lld", seconds);
	(void)printf("%s  ", date);
}

/* "DELETED id deleted received size" */
static void
found(char *line)
{
	long long when, date;
	unsigned long long size;
	char id[ID_DIGITS + 1], end;

	if (sscanf(line, "DELETED %32s %lld %lld %llu%c", id, &when, &date,
		&size, &end) != 4 ||
	    !is_id(id, strlen(id)) || deleted.n == IDS_MAX)
		return;
	(void)memcpy(deleted.ids[deleted.n], id, sizeof(id));
	if (deleted.print && deleted.json)
		(void)printf("%s\n{\"id\":\"%s\",\"deleted\":%lld,"
			     "\"received\":%lld,\"size\":%llu}",
		    deleted.n == 0 ? "" : ",", id, when, date, size);
	else if (deleted.print) {
		(void)printf("%s  ", id);
		print_time(when);
		print_time(date);
		(void)printf("%10llu\n", size);
	}
	deleted.n++;
}

static int
ask_list(void)
{
	imap_begin("XSEALMAIL UNDELETE LIST");
	imap_send();
	return imap_answer(found);
}

/* The ids of the argument, commas between; false: they are none. */
static bool
take_ids(const char *s)
{
	size_t len;

	for (deleted.n = 0; deleted.n < IDS_MAX; s += len + 1) {
		len = strcspn(s, ",");
		if (!is_id(s, len))
			return false;
		(void)memcpy(deleted.ids[deleted.n], s, len);
		deleted.ids[deleted.n++][len] = '\0';
		if (s[len] == '\0')
			return true;
	}
	return false;
}

/* The worst of all answers. */
static int
restore(void)
{
	char words[sizeof("XSEALMAIL UNDELETE RESTORE ") +
	    BATCH * (ID_DIGITS + 1)];
	size_t i, len;
	int code = 0, one;

	for (i = 0; i < deleted.n;) {
		len = (size_t)snprintf(
		    words, sizeof(words), "XSEALMAIL UNDELETE RESTORE ");
		do {
			len += (size_t)snprintf(words + len,
			    sizeof(words) - len, "%s%s",
			    i % BATCH == 0 ? "" : ",", deleted.ids[i]);
		} while (++i < deleted.n && i % BATCH != 0);
		imap_begin(words);
		imap_send();
		one = imap_answer(NULL);
		if (one != 0)
			code = one;
	}
	return code;
}

static int
logout(int code)
{
	imap_begin("LOGOUT");
	imap_send();
	if (imap_answer(NULL) != 0 && code == 0)
		code = EX_TEMPFAIL;
	imap_close();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return code;
}

static int
undelete_list(int argc, char *argv[])
{
	int code;

	if (slots_login(argc, argv, 1, "undelete list [options] account",
		&deleted.json, &code) == NULL)
		return code;
	deleted.print = true;
	if (deleted.json)
		(void)putchar('[');
	code = ask_list();
	if (deleted.json)
		(void)puts("\n]");
	return logout(code);
}

static int
undelete_restore(int argc, char *argv[])
{
	char **args;
	bool all;
	int code;

	/* Before a password is asked for. */
	all = argc > 1 && strcmp(argv[argc - 1], "all") == 0;
	if (argc > 2 && !all && !take_ids(argv[argc - 1]))
		errx(EX_USAGE, "%.80s: neither ids nor all", argv[argc - 1]);
	args = slots_login(argc, argv, 2,
	    "undelete restore [options] account id,...|all", &deleted.json,
	    &code);
	if (args == NULL)
		return code;
	if (all)
		code = ask_list();
	if (code == 0)
		code = restore();
	return logout(code);
}

int
cmd_undelete(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return undelete_list(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "restore") == 0)
		return undelete_restore(argc - 1, argv + 1);
	(void)fputs("usage: sealmail undelete list | restore ...\n", stderr);
	return EX_USAGE;
}
