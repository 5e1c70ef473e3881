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
 * All of an account opened by its vault, and what does not open named.
 */

#include <sys/types.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "imap_client.h"
#include "sealmail.h"

static struct {
	bool json;
	bool bar;
	unsigned long long done;
	unsigned long long total;
	unsigned long long octets;
	unsigned long long faults;
	unsigned int told;
} audit;

static void
bar_clear(void)
{
	if (audit.bar)
		(void)fputs("\r\033[K", stderr);
}

/* FAULT "mailbox" uid "what" */
static void
fault(char *line)
{
	char *box, *what, *end;
	unsigned long uid;

	box = text_quoted(&line);
	uid = box == NULL ? 0 : strtoul(line, &end, 10);
	if (box != NULL)
		line = end;
	what = text_quoted(&line);
	if (what == NULL)
		return;
	text_plain(box);
	text_plain(what);
	bar_clear();
	if (audit.json) {
		(void)printf(
		    "%s\n{\"uid\":%lu", audit.told == 0 ? "" : ",", uid);
		text_json("mailbox", box);
		text_json("finding", what);
		(void)putchar('}');
	} else if (uid != 0)
		(void)printf("%s: UID %lu: %s\n", box, uid, what);
	else
		(void)printf("%s: %s\n", box[0] == '\0' ? "log" : box, what);
	audit.told++;
}

static void
said(char *line)
{
	if (strncmp(line, "FAULT ", 6) == 0)
		fault(line + 6);
	else if (sscanf(line, "VERIFIED %llu %llu %llu %llu", &audit.done,
		     &audit.total, &audit.octets, &audit.faults) == 4 &&
	    audit.bar)
		(void)fprintf(stderr, "\r%llu of %llu messages, %llu MB\033[K",
		    audit.done, audit.total, audit.octets >> 20);
}

int
cmd_verify(int argc, char *argv[])
{
	int code;

	if (slots_login(argc, argv, 1, "verify [options] account", &audit.json,
		&code) == NULL)
		return code;
	audit.bar = isatty(STDERR_FILENO) == 1;
	if (audit.json)
		(void)fputs("{\"faults\":[", stdout);
	imap_begin("XSEALMAIL VERIFY");
	imap_send();
	code = imap_answer(said);
	bar_clear();
	if (audit.json)
		(void)printf("%s],\"messages\":%llu,\"octets\":%llu,"
			     "\"findings\":%llu}\n",
		    audit.told == 0 ? "" : "\n", audit.done, audit.octets,
		    audit.faults);
	else if (code == 0)
		(void)printf("%llu messages, %llu octets: %llu findings\n",
		    audit.done, audit.octets, audit.faults);
	imap_begin("LOGOUT");
	imap_send();
	(void)imap_answer(NULL);
	imap_close();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return code == 0 && audit.faults > 0 ? EX_DATAERR : code;
}
