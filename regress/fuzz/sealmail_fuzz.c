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
 * Fuzzer of sealmail(1) as a client: what a server answers to export (names of
 * mailboxes, flags, dates, messages) and to undelete list.  It may end with an
 * error, and write nowhere but in the Maildir it was given.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tls.h>

#include "../../usr.bin/sealmail/imap.c"
#include "../../usr.bin/sealmail/sealmail.h"

#include "harness.h"

#define ANSWER_MAX 65536

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
const char *__asan_default_options(void);
void __wrap_err(int, const char *, ...) __attribute__((noreturn));
void __wrap_errx(int, const char *, ...) __attribute__((noreturn));
void __wrap_warn(const char *, ...);
void __wrap_warnx(const char *, ...);
ssize_t __wrap_tls_read(struct tls *, void *, size_t);
ssize_t __wrap_tls_write(struct tls *, const void *, size_t);
const char *__wrap_tls_error(struct tls *);

static const uint8_t *answer;
static size_t answer_len;
static char top[1024], maildir[1100];

/* What it held when it ended is lost. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

void
__wrap_err(int code, const char *fmt, ...)
{
	exit(code);
}

void
__wrap_errx(int code, const char *fmt, ...)
{
	exit(code);
}

void
__wrap_warn(const char *fmt, ...)
{
}

void
__wrap_warnx(const char *fmt, ...)
{
}

/* The server's octets, some at a time; then it has closed. */
ssize_t
__wrap_tls_read(struct tls *t, void *buf, size_t size)
{
	size_t n;

	n = answer_len < size ? answer_len : size;
	if (n > 1000)
		n = 1000;
	memcpy(buf, answer, n);
	answer += n;
	answer_len -= n;
	return (ssize_t)n;
}

ssize_t
__wrap_tls_write(struct tls *t, const void *buf, size_t size)
{
	return (ssize_t)size;
}

const char *
__wrap_tls_error(struct tls *t)
{
	return NULL;
}

/* Of slots.c: options read, logged in. */
char **
slots_login(
    int argc, char *argv[], int want, const char *usage, bool *json, int *code)
{
	static char account[] = "anna@example.org";
	static char *args[] = {account, maildir, NULL};

	*json = argc > 2;
	*code = 0;
	return args;
}

static int
remove_one(const char *path, const struct stat *sb, int kind, struct FTW *f)
{
	return f->level == 0 ? 0 : remove(path);
}

/* Nothing may lie beside the Maildir. */
static int
look_at(const char *path, const struct stat *sb, int kind, struct FTW *f)
{
	if (f->level > 0 && strncmp(path, maildir, strlen(maildir)) != 0)
		abort();
	return 0;
}

static void
remove_top(void)
{
	(void)nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)rmdir(top);
}

static void
set_up(void)
{
	const char *tmp;

	if (top[0] != '\0')
		return;
	harness_start();
	tmp = getenv("TMPDIR");
	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(top, sizeof(top), "%s/fuzz.XXXXXX", tmp);
	if (mkdtemp(top) == NULL || atexit(remove_top) != 0)
		abort();
	(void)snprintf(maildir, sizeof(maildir), "%s/maildir", top);
}

static uint8_t kind;

static void
command(void)
{
	static char name[] = "sealmail", list[] = "list", json[] = "-j";
	char *argv[] = {name, list, json, NULL};
	int argc;

	argc = (kind & 2) != 0 ? 3 : 2;
	if ((kind & 1) != 0)
		(void)cmd_undelete(argc, argv);
	else
		(void)cmd_export(argc, argv);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static FILE *nowhere;
	FILE *saved;
	int first;

	if (len < 1 || len > ANSWER_MAX)
		return 0;
	set_up();
	if (nowhere == NULL && (nowhere = fopen("/dev/null", "w")) == NULL)
		abort();
	first = open("/dev/null", O_RDONLY);
	if (first == -1)
		abort();
	imap.len = 0;
	kind = data[0];
	answer = data + 1;
	answer_len = len - 1;
	harness_begin();
	saved = stdout;
	stdout = nowhere;
	(void)harness_call(command);
	stdout = saved;
	/* What it had open when it ended. */
	closefrom(first);
	(void)nftw(top, look_at, 8, FTW_PHYS);
	(void)nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	harness_end();
	return 0;
}
