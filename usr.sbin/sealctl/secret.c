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
 * Passwords and pass phrases: typed without an echo, or lines of standard
 * input.
 */

#include <sys/types.h>

#include <err.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seal_keys.h"
#include "sealctl.h"
#include "store_wire.h"

int
read_line(char *buf, size_t size)
{
	size_t len;

	if (fgets(buf, (int)size, stdin) == NULL) {
		if (ferror(stdin))
			err(EXIT_FAILED, "standard input");
		return -1;
	}
	len = strcspn(buf, "\r\n");
	if (buf[len] == '\0' && len == size - 1) {
		explicit_bzero(buf, size);
		errx(EXIT_FAILED, "standard input: line longer than %zu octets",
		    size - 2);
	}
	buf[len] = '\0';
	return 0;
}

int
read_secret(const char *prompt, char *buf, size_t size)
{
	if (!isatty(STDIN_FILENO)) {
		if (read_line(buf, size) == 0 && buf[0] != '\0')
			return 0;
		warnx("no password on standard input");
		return -1;
	}
	if (readpassphrase(prompt, buf, size, RPP_REQUIRE_TTY) != NULL &&
	    buf[0] != '\0')
		return 0;
	warnx("nothing was typed; nothing was changed");
	return -1;
}

const char *
password_wrong(const char *password)
{
	static char why[64];

	if (!seal_password_short(password, strlen(password)))
		return NULL;
	(void)snprintf(why, sizeof(why),
	    "a password has at least %d characters", SEAL_PASSWORD_MIN);
	return why;
}

int
read_password(const char *prompt, char *buf, size_t size)
{
	char again[SECRET_MAX];
	const char *wrong;
	int same;

	if (read_secret(prompt, buf, size) == -1)
		return -1;
	if ((wrong = password_wrong(buf)) != NULL) {
		explicit_bzero(buf, size);
		warnx("%s; nothing was changed", wrong);
		return -1;
	}
	if (!isatty(STDIN_FILENO))
		return 0;
	if (readpassphrase("Again: ", again, sizeof(again), RPP_REQUIRE_TTY) ==
	    NULL)
		again[0] = '\0';
	same = strcmp(buf, again) == 0;
	explicit_bzero(again, sizeof(again));
	if (!same) {
		explicit_bzero(buf, size);
		warnx("they differ; nothing was changed");
		return -1;
	}
	return 0;
}
