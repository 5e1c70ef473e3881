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
 * What the user wants the server to do for him.
 */

#include <sys/types.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "imap_client.h"
#include "sealmail.h"

#define LIST "set list [options] account"
#define SAVE_SENT "set save-sent [options] account yes|no"

static const char *save_sent;

/* "SETTING SAVE-SENT YES"; those of a newer server are passed over. */
static void
said(char *line)
{
	if (strcmp(line, "SETTING SAVE-SENT YES") == 0)
		save_sent = "yes";
	else if (strcmp(line, "SETTING SAVE-SENT NO") == 0)
		save_sent = "no";
}

static int
finish(int code)
{
	imap_begin("LOGOUT");
	imap_send();
	(void)imap_answer(NULL);
	imap_close();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return code;
}

static int
set_list(int argc, char *argv[])
{
	bool json;
	int code;

	if (slots_login(argc, argv, 1, LIST, &json, &code) == NULL)
		return code;
	imap_begin("XSEALMAIL SETTINGS");
	imap_send();
	code = imap_answer(said);
	if (code == 0 && save_sent != NULL)
		(void)printf(
		    json ? "{\"save-sent\":\"%s\"}\n" : "save-sent: %s\n",
		    save_sent);
	return finish(code);
}

static int
set_save_sent(int argc, char *argv[])
{
	char **args;
	bool json;
	int code;

	args = slots_login(argc, argv, 2, SAVE_SENT, &json, &code);
	if (args == NULL)
		return code;
	if (strcmp(args[1], "yes") == 0)
		imap_begin("XSEALMAIL SET SAVE-SENT YES");
	else if (strcmp(args[1], "no") == 0)
		imap_begin("XSEALMAIL SET SAVE-SENT NO");
	else {
		warnx("%.80s: neither yes nor no", args[1]);
		return finish(EX_USAGE);
	}
	imap_send();
	return finish(imap_answer(NULL));
}

int
cmd_set(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return set_list(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "save-sent") == 0)
		return set_save_sent(argc - 1, argv + 1);
	(void)fputs("usage: sealmail " LIST "\n"
		    "       sealmail " SAVE_SENT "\n",
	    stderr);
	return EX_USAGE;
}
