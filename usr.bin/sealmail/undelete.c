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
#include "mime.h"
#include "mime_text.h"
#include "sealmail.h"

#define ID_DIGITS 32
#define BATCH 100    /* ids of one command */
#define IDS_MAX 1000 /* that the server lists */
#define TEXT_SIZE 1024

struct found {
	char id[ID_DIGITS + 1];
	long long when;
	long long date;
	long long held;
	unsigned long long size;
	char *box;
	char *subject;
	char *from;
};

static struct {
	bool json;
	bool print;
	size_t n;
	size_t held;
	const char *box; /* where to; NULL: where they were */
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

/* The quoted string that comes next, in place; NULL: there is none. */
char *
text_quoted(char **line)
{
	char *p = *line, *out, *start;

	while (*p == ' ')
		p++;
	if (*p++ != '"')
		return NULL;
	for (start = out = p; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
		*out++ = *p;
	}
	*line = p + 1;
	*out = '\0';
	return start;
}

/* What a sender wrote, with nothing in it that a terminal obeys. */
void
text_plain(char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
		/* U+0080 to U+009F are controls as well. */
		if ((unsigned char)*s == 0xc2 &&
		    ((unsigned char)s[1] & 0xe0) == 0x80)
			s[0] = s[1] = '?';
	}
}

void
text_json(const char *name, const char *s)
{
	(void)printf(",\"%s\":\"", name);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			(void)putchar('\\');
		(void)putchar(*s);
	}
	(void)putchar('"');
}

static void
print_found(const struct found *f)
{
	char subject[TEXT_SIZE], from[TEXT_SIZE];

	(void)mime_words_decode(
	    f->subject, strlen(f->subject), subject, sizeof(subject));
	(void)mime_words_decode(f->from, strlen(f->from), from, sizeof(from));
	text_plain(subject);
	text_plain(from);
	text_plain(f->box);
	if (deleted.json) {
		(void)printf("%s\n{\"id\":\"%s\",\"deleted\":%lld,"
			     "\"received\":%lld,\"size\":%llu,\"held\":%lld",
		    deleted.n == 0 ? "" : ",", f->id, f->when, f->date, f->size,
		    f->held);
		text_json("mailbox", f->box);
		text_json("subject", subject);
		text_json("from", from);
		(void)putchar('}');
		return;
	}
	(void)printf("%s  ", f->id);
	print_time(f->when);
	print_time(f->date);
	(void)printf("%10llu  %s  %s  %s", f->size,
	    f->box[0] == '\0' ? "-" : f->box, from, subject);
	if (f->held != 0) {
		(void)printf("  (held until ");
		print_time(f->held);
		(void)putchar(')');
	}
	(void)putchar('\n');
}

/* "DELETED id deleted received size held mailbox subject from" */
static void
found(char *line)
{
	struct found f;
	int n = 0;

	if (sscanf(line, "DELETED %32s %lld %lld %llu %lld%n", f.id, &f.when,
		&f.date, &f.size, &f.held, &n) != 5 ||
	    !is_id(f.id, strlen(f.id)) || deleted.n == IDS_MAX)
		return;
	line += n;
	f.box = text_quoted(&line);
	f.subject = text_quoted(&line);
	f.from = text_quoted(&line);
	if (f.box == NULL || f.subject == NULL || f.from == NULL)
		return;
	(void)memcpy(deleted.ids[deleted.n], f.id, sizeof(f.id));
	if (f.held != 0)
		deleted.held++;
	if (deleted.print)
		print_found(&f);
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
		if (deleted.box != NULL)
			imap_argument(deleted.box);
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
	else if (deleted.held > 0)
		(void)printf("%zu belong to a mass delete that waits: "
			     "\"deleted confirm\" lets it go on,\n"
			     "\"undelete restore\" takes it back.\n",
		    deleted.held);
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
	    "undelete restore [-b mailbox] [options] account id,...|all",
	    &deleted.json, &code);
	if (args == NULL)
		return code;
	deleted.box = slots_mailbox();
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
