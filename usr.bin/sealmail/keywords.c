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
 * Keywords of a Maildir, as Dovecot and mbsync have them: the flag letters a to
 * z of a folder, which its file dovecot-keywords gives names.
 */

#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "sealmail.h"

#define FILE_NAME "dovecot-keywords"
#define LETTERS 26
#define NAME_SIZE 256 /* of a keyword, NUL included */

static struct {
	int folder;
	int tmp; /* of the folder */
	size_t n;
	char name[LETTERS][NAME_SIZE];
	bool told; /* that there are too many */
} keywords;

void
keywords_open(int folder, int tmp)
{
	char line[NAME_SIZE + 16], *name, *end;
	unsigned long i;
	FILE *f;
	int fd;

	memset(&keywords, 0, sizeof(keywords));
	keywords.folder = folder;
	keywords.tmp = tmp;
	fd = openat(
	    folder, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	f = fd == -1 ? NULL : fdopen(fd, "r");
	if (f == NULL) {
		if (errno != ENOENT)
			err(EX_IOERR, FILE_NAME);
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		i = strtoul(line, &end, 10);
		name = end + (*end == ' ');
		if (end == line || i >= LETTERS || strlen(name) >= NAME_SIZE)
			continue;
		(void)strlcpy(keywords.name[i], name, NAME_SIZE);
		if (i >= keywords.n)
			keywords.n = i + 1;
	}
	(void)fclose(f);
}

/* Before a message that needs it takes its place. */
static void
save(void)
{
	FILE *f;
	size_t i;
	int fd;

	(void)unlinkat(keywords.tmp, FILE_NAME, 0);
	fd = openat(keywords.tmp, FILE_NAME,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd == -1 ? NULL : fdopen(fd, "w");
	if (f == NULL)
		err(EX_CANTCREAT, FILE_NAME);
	for (i = 0; i < keywords.n; i++) {
		if (keywords.name[i][0] != '\0')
			(void)fprintf(f, "%zu %s\n", i, keywords.name[i]);
	}
	if (fflush(f) == EOF || fsync(fd) == -1 || fclose(f) == EOF ||
	    renameat(keywords.tmp, FILE_NAME, keywords.folder, FILE_NAME) == -1)
		err(EX_IOERR, FILE_NAME);
}

static char
letter(const char *name)
{
	size_t i;

	for (i = 0; i < keywords.n; i++) {
		if (strcasecmp(keywords.name[i], name) == 0)
			return (char)('a' + i);
	}
	if (keywords.n == LETTERS || strlen(name) >= NAME_SIZE) {
		if (!keywords.told)
			warnx("%s: more than %d keywords in a folder: the "
			      "others are lost",
			    name, LETTERS);
		keywords.told = true;
		return '\0';
	}
	(void)strlcpy(keywords.name[keywords.n++], name, NAME_SIZE);
	save();
	return (char)('a' + keywords.n - 1);
}

void
keywords_letters(const char *list, const char *known, char *letters)
{
	bool has[LETTERS] = {false};
	char name[NAME_SIZE];
	size_t i, n;
	char c;

	for (; *list != '\0'; list += n) {
		list += strspn(list, " ");
		n = strcspn(list, " ");
		if (n == 0 || n >= sizeof(name) || *list == '\\')
			continue;
		memcpy(name, list, n);
		name[n] = '\0';
		text_plain(name); /* an atom has no such octets */
		c = strcasecmp(name, known) == 0 ? '\0' : letter(name);
		if (c != '\0')
			has[c - 'a'] = true;
	}
	for (i = n = 0; i < LETTERS; i++) {
		if (has[i])
			letters[n++] = (char)('a' + i);
	}
	letters[n] = '\0';
}
