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
 * sealmail export: a user's mail as a Maildir++, by IMAP with the password.
 * A message is in cur/ when all of it is on the disk, under a name that holds
 * UIDVALIDITY and UID, so that another run fetches only what is not there.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "imap_client.h"
#include "sealmail.h"

#define BOXES_MAX 10000
#define NAME_SIZE 2048      /* octets of a mailbox name, in modified UTF-7 */
#define FOLDER_SIZE 250     /* of a folder's name */
#define BATCH 50            /* messages of one FETCH */
#define PIECE 16384         /* octets of a message at a time */
#define NEW_FILE "sealmail" /* in tmp/: a message that is not whole yet */

static struct {
	int dir; /* the Maildir */
	bool json;
	bool bar;
	unsigned int listed; /* boxes printed so far */
	unsigned int failed;
} out = {.dir = -1};

/* Of a Maildir; opened once, so that nobody puts a link in its place. */
struct folder {
	int dir;
	int cur;
	int tmp;
};

struct uids {
	uint32_t *uid;
	size_t n;
	size_t size;
};

static void
uids_add(struct uids *u, uint32_t uid)
{
	if (u->n == u->size) {
		u->size = u->size == 0 ? 256 : u->size * 2;
		u->uid = reallocarray(u->uid, u->size, sizeof(*u->uid));
		if (u->uid == NULL)
			err(EX_TEMPFAIL, NULL);
	}
	u->uid[u->n++] = uid;
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
uids_have(const struct uids *u, uint32_t uid)
{
	return u->n > 0 &&
	    bsearch(&uid, u->uid, u->n, sizeof(uid), uid_cmp) != NULL;
}

/* Is it the answer to our command?  *ok: it was OK. */
static bool
tagged(const char *line, bool *ok)
{
	if (strncmp(line, IMAP_TAG " ", strlen(IMAP_TAG) + 1) != 0)
		return false;
	*ok = strncmp(line + strlen(IMAP_TAG) + 1, "OK", 2) == 0;
	return true;
}

/* Octets of the literal that the line ends with; -1: it has none. */
static long long
literal(const char *line)
{
	const char *p;
	char *end;
	long long n;

	p = strrchr(line, '{');
	if (p == NULL || !isdigit((unsigned char)p[1]))
		return -1;
	errno = 0;
	n = strtoll(p + 1, &end, 10);
	return errno == 0 && end[0] == '}' && end[1] == '\0' ? n : -1;
}

/* The last string of a LIST line, unquoted, to name. */
static int
list_name(char *line, char *name)
{
	size_t n, got;
	long long len;
	char *p, *to;

	len = literal(line);
	if (len >= NAME_SIZE)
		return -1;
	if (len >= 0) {
		for (n = 0; n < (size_t)len; n += got)
			got = imap_octets(name + n, (size_t)len - n);
		name[n] = '\0';
		(void)imap_line();
		return 0;
	}
	/* * LIST (flags) "/" name */
	p = strchr(line, ')');
	if (p == NULL || strlen(p) < 7 || strncmp(p, ") \"/\" ", 6) != 0 ||
	    strlen(p) >= NAME_SIZE)
		return -1;
	p += 6;
	to = name;
	if (*p != '"') {
		(void)strlcpy(name, p, NAME_SIZE);
		return 0;
	}
	for (p++; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p;
	}
	*to = '\0';
	return 0;
}

static size_t
list_boxes(char **names)
{
	char name[NAME_SIZE], *line;
	size_t n = 0;
	bool ok;

	imap_begin("LIST \"\" \"*\"");
	imap_send();
	for (;;) {
		line = imap_line();
		if (tagged(line, &ok))
			break;
		if (strncmp(line, "* LIST ", 7) != 0 || n == BOXES_MAX)
			continue;
		if (strcasestr(line, "\\Noselect") != NULL ||
		    strcasestr(line, "\\NonExistent") != NULL)
			continue;
		if (list_name(line, name) == -1) {
			warnx("a mailbox whose name is not understood is left "
			      "out");
			out.failed++;
			continue;
		}
		names[n] = strdup(name);
		if (names[n++] == NULL)
			err(EX_TEMPFAIL, NULL);
	}
	if (!ok)
		errx(EX_TEMPFAIL, "the server does not list the mailboxes");
	return n;
}

/*
 * Maildir++: INBOX is the Maildir itself, a/b is .a.b; names stay in modified
 * UTF-7, in which a dot of a name can be written too.
 */
static int
folder_name(const char *name, char *folder)
{
	size_t n = 0;

	folder[0] = '\0';
	if (strcasecmp(name, "INBOX") == 0)
		return 0;
	folder[n++] = '.';
	for (; *name != '\0'; name++) {
		if (n + 6 >= FOLDER_SIZE)
			return -1;
		if (*name == '/')
			folder[n++] = '.';
		else if (*name == '.') {
			memcpy(folder + n, "&AC4-", 5);
			n += 5;
		} else
			folder[n++] = isprint((unsigned char)*name) ? *name :
								      '_';
	}
	folder[n] = '\0';
	/* "" and "/", which no good server has, would be other directories. */
	return n == 1 || strcmp(folder, "..") == 0 ? -1 : 0;
}

static void
close_folder(struct folder *f)
{
	const int fds[] = {f->dir, f->cur, f->tmp};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
}

static int
open_dir(int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return openat(
	    dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* No links are followed: who exports may be another than whose Maildir it is.
 */
static int
open_folder(const char *name, struct folder *f)
{
	int fd;

	f->cur = f->tmp = -1;
	f->dir = name[0] == '\0' ? dup(out.dir) : open_dir(out.dir, name);
	if (f->dir == -1 ||
	    (mkdirat(f->dir, "new", 0700) == -1 && errno != EEXIST) ||
	    (f->cur = open_dir(f->dir, "cur")) == -1 ||
	    (f->tmp = open_dir(f->dir, "tmp")) == -1)
		return -1;
	if (name[0] != '\0') {
		fd = openat(f->dir, "maildirfolder",
		    O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    0600);
		if (fd == -1)
			return -1;
		(void)close(fd);
	}
	return 0;
}

/* UIDs of messages that an earlier run has fetched. */
static int
list_there(const struct folder *f, uint32_t validity, struct uids *u)
{
	unsigned int v, uid;
	struct dirent *de;
	const char *p;
	DIR *dir;
	int fd;

	fd = openat(f->cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		p = strchr(de->d_name, '.');
		if (p != NULL && sscanf(p, ".V%uU%u.", &v, &uid) == 2 &&
		    v == validity)
			uids_add(u, uid);
	}
	(void)closedir(dir);
	if (u->n > 1)
		qsort(u->uid, u->n, sizeof(u->uid[0]), uid_cmp);
	return 0;
}

/* What a FETCH answer tells beside the message. */
struct attributes {
	uint32_t uid;
	char letters[MAILDIR_LETTERS]; /* of the Maildir, in order */
	time_t date;
};

static const struct {
	const char *flag;
	char letter;
} flags[] = {
    {"\\Draft", 'D'},
    {"\\Flagged", 'F'},
    {"$Forwarded", 'P'},
    {"\\Answered", 'R'},
    {"\\Seen", 'S'},
    {"\\Deleted", 'T'},
};

static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = list; (p = strcasestr(p, word)) != NULL; p += n) {
		if ((p == list || p[-1] == ' ' || p[-1] == '(') &&
		    (p[n] == ' ' || p[n] == ')' || p[n] == '\0'))
			return true;
	}
	return false;
}

static void
get_flags(const char *line, struct attributes *a)
{
	char list[LINE_MAX_OCTETS];
	const char *p;
	size_t i, n;

	p = strstr(line, "FLAGS (");
	if (p == NULL)
		return;
	n = strcspn(p + 7, ")");
	memcpy(list, p + 7, n);
	list[n] = '\0';
	for (i = n = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (has_word(list, flags[i].flag))
			a->letters[n++] = flags[i].letter;
	}
	/* Their order is that of ASCII. */
	keywords_letters(list, "$Forwarded", a->letters + n);
}

static void
get_date(const char *line, struct attributes *a)
{
	const char *p, *rest;
	struct tm tm;
	int zone;

	p = strstr(line, "INTERNALDATE \"");
	if (p == NULL)
		return;
	p += strlen("INTERNALDATE \"");
	while (*p == ' ')
		p++;
	memset(&tm, 0, sizeof(tm));
	rest = strptime(p, "%d-%b-%Y %H:%M:%S ", &tm);
	if (rest == NULL)
		return;
	zone = atoi(rest);
	a->date = timegm(&tm) - (zone / 100 * 60 + zone % 100) * 60;
}

static void
get_attributes(const char *line, struct attributes *a)
{
	const char *p;

	p = strstr(line, "UID ");
	if (p != NULL)
		a->uid = (uint32_t)strtoul(p + 4, NULL, 10);
	get_flags(line, a);
	get_date(line, a);
}

/* A literal of len octets to fd, or nowhere; lines end as Unix has them. */
static int
save_literal(int fd, long long len)
{
	static char in[PIECE], piece[PIECE + 1];
	bool cr = false;
	size_t got, i, n;
	int r = 0;

	for (; len > 0; len -= (long long)got) {
		got = imap_octets(
		    in, len < PIECE ? (size_t)len : (size_t)PIECE);
		for (i = n = 0; i < got; i++) {
			if (cr && in[i] != '\n')
				piece[n++] = '\r';
			cr = in[i] == '\r';
			if (!cr)
				piece[n++] = in[i];
		}
		if (len == (long long)got && cr)
			piece[n++] = '\r';
		for (i = 0; r == 0 && i < n;) {
			ssize_t w = write(fd, piece + i, n - i);

			if (w == -1 && errno != EINTR)
				r = -1;
			else if (w > 0)
				i += (size_t)w;
		}
	}
	return r;
}

static int
finish_message(const struct folder *f, int fd, uint32_t validity,
    const struct attributes *a)
{
	struct timespec ts[2];
	struct stat sb;
	char name[128];

	memset(ts, 0, sizeof(ts));
	ts[0].tv_sec = ts[1].tv_sec = a->date;
	if (fstat(fd, &sb) == -1 || futimens(fd, ts) == -1 || fsync(fd) == -1)
		return -1;
	(void)snprintf(name, sizeof(name), "%lld.V%uU%u.sealmail,S=%lld:2,%s",
	    (long long)a->date, validity, a->uid, (long long)sb.st_size,
	    a->letters);
	return renameat(f->tmp, NEW_FILE, f->cur, name);
}

/* The rest of one FETCH answer whose line ends with a literal. */
static void
save_message(
    const struct folder *f, uint32_t validity, const char *head, long long len)
{
	struct attributes a;
	int fd, r;

	memset(&a, 0, sizeof(a));
	get_attributes(head, &a);
	if (unlinkat(f->tmp, NEW_FILE, 0) == -1 && errno != ENOENT)
		err(EX_CANTCREAT, "tmp/" NEW_FILE);
	fd = openat(
	    f->tmp, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		err(EX_CANTCREAT, "tmp/" NEW_FILE);
	r = save_literal(fd, len);
	get_attributes(imap_line(), &a);
	if (a.uid == 0)
		errx(EX_PROTOCOL, "the server sends a message without a UID");
	if (r == -1 || finish_message(f, fd, validity, &a) == -1)
		err(EX_IOERR, "uid %u", a.uid);
	(void)close(fd);
}

static void
progress(const char *folder, size_t done, size_t all)
{
	if (out.bar)
		(void)fprintf(stderr, "\r\033[K%.40s %zu of %zu",
		    folder[0] == '\0' ? "INBOX" : folder, done, all);
}

static void
fetch(const struct folder *f, const char *label, uint32_t validity,
    const struct uids *u)
{
	char words[BATCH * 12 + 64], *line;
	size_t done, i, n;
	long long len;
	bool ok;

	keywords_open(f->dir, f->tmp);
	for (done = 0; done < u->n; done += n) {
		progress(label, done, u->n);
		n = u->n - done < BATCH ? u->n - done : BATCH;
		(void)strlcpy(words, "UID FETCH ", sizeof(words));
		for (i = 0; i < n; i++)
			(void)snprintf(words + strlen(words),
			    sizeof(words) - strlen(words), "%s%u",
			    i == 0 ? "" : ",", u->uid[done + i]);
		(void)strlcat(words, " (UID FLAGS INTERNALDATE BODY.PEEK[])",
		    sizeof(words));
		imap_begin(words);
		imap_send();
		while (!tagged(line = imap_line(), &ok)) {
			len = literal(line);
			if (len >= 0)
				save_message(f, validity, line, len);
		}
		if (!ok) {
			warnx("%s: the server refused some messages",
			    label[0] == '\0' ? "INBOX" : label);
			out.failed++;
		}
	}
}

/* Opens it read-only; its UIDVALIDITY, 0 if it cannot be. */
static uint32_t
examine(const char *name)
{
	uint32_t validity = 0;
	const char *p;
	char *line;
	bool ok;

	imap_begin("EXAMINE");
	imap_argument(name);
	imap_send();
	while (!tagged(line = imap_line(), &ok)) {
		p = strstr(line, "[UIDVALIDITY ");
		if (p != NULL)
			validity = (uint32_t)strtoul(p + 13, NULL, 10);
	}
	return ok ? validity : 0;
}

/* UIDs of the mailbox that are not in there. */
static size_t
list_missing(const struct uids *there, struct uids *missing)
{
	size_t all = 0;
	uint32_t uid;
	const char *p;
	char *line;
	bool ok;

	imap_begin("FETCH 1:* (UID)");
	imap_send();
	while (!tagged(line = imap_line(), &ok)) {
		p = strstr(line, "FETCH (UID ");
		if (p == NULL)
			continue;
		uid = (uint32_t)strtoul(p + 11, NULL, 10);
		all++;
		if (!uids_have(there, uid))
			uids_add(missing, uid);
	}
	return all;
}

/* What the server calls it, with nothing in it that a terminal obeys. */
static void
printable(const char *name, char *text, size_t size)
{
	(void)strlcpy(text, name, size);
	text_plain(text);
}

static void
tell_box(const char *name, size_t all, size_t fresh)
{
	char text[NAME_SIZE];
	const char *p;

	if (out.bar)
		(void)fputs("\r\033[K", stderr);
	if (!out.json) {
		printable(name, text, sizeof(text));
		(void)printf("%s: %zu messages, %zu new\n", text, all, fresh);
		return;
	}
	(void)printf("%s\n  {\"mailbox\": \"", out.listed++ == 0 ? "" : ",");
	for (p = name; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)putchar('\\');
		(void)putchar(isprint((unsigned char)*p) ? *p : '?');
	}
	(void)printf("\", \"messages\": %zu, \"new\": %zu}", all, fresh);
}

static void
export_box(const char *name)
{
	struct uids there = {0}, missing = {0};
	char folder[FOLDER_SIZE], text[64];
	struct folder f;
	uint32_t validity;
	size_t all;

	if (folder_name(name, folder) == -1) {
		printable(name, text, sizeof(text));
		warnx("%s: cannot be the name of a folder", text);
		out.failed++;
		return;
	}
	/* One that has gone since it was listed is not ours to mourn. */
	validity = examine(name);
	if (validity == 0)
		return;
	if (open_folder(folder, &f) == -1 ||
	    list_there(&f, validity, &there) == -1)
		err(EX_CANTCREAT, "%s",
		    folder[0] == '\0' ? "the Maildir" : folder);
	all = list_missing(&there, &missing);
	fetch(&f, folder, validity, &missing);
	tell_box(name, all, missing.n);
	close_folder(&f);
	free(there.uid);
	free(missing.uid);
}

int
cmd_export(int argc, char *argv[])
{
	static char *names[BOXES_MAX];
	size_t i, n;
	char **args;
	int code;

	args = slots_login(argc, argv, 2, "export [options] account maildir",
	    &out.json, &code);
	if (args == NULL)
		return code;
	out.bar = isatty(STDERR_FILENO) == 1;
	if (mkdir(args[1], 0700) == -1 && errno != EEXIST)
		err(EX_CANTCREAT, "%s", args[1]);
	out.dir = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out.dir == -1)
		err(EX_CANTCREAT, "%s", args[1]);
	if (flock(out.dir, LOCK_EX | LOCK_NB) == -1)
		errx(EX_TEMPFAIL, "%s: another export is under way", args[1]);
	n = list_boxes(names);
	if (out.json)
		(void)putchar('[');
	for (i = 0; i < n; i++) {
		export_box(names[i]);
		free(names[i]);
	}
	if (out.json)
		(void)puts(out.listed == 0 ? "]" : "\n]");
	imap_begin("LOGOUT");
	imap_send();
	imap_close();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return out.failed == 0 ? EX_OK : EX_UNAVAILABLE;
}
