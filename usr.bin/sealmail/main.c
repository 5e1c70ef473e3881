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
 * sealmail(1): `sealmail deliver`, a delivery agent for other mail servers and
 * for scripts; and what users do with their secrets (slots.c).
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "sealmail.h"

static void
print_usage(FILE *f)
{
	(void)fputs("usage: sealmail [-s socket] deliver [-f sender] "
		    "recipient ...\n"
		    "       sealmail export [options] account maildir\n"
		    "       sealmail passwd [--scram | --no-scram] [options] "
		    "account\n"
		    "       sealmail app add [options] [-S scope,...] "
		    "account label\n"
		    "       sealmail app list [options] account\n"
		    "       sealmail app revoke [options] account id\n"
		    "       sealmail recover [options] account\n"
		    "       sealmail rekey [options] account\n"
		    "       sealmail undelete list [options] account\n"
		    "       sealmail undelete restore [-b mailbox] [options] "
		    "account id,...|all\n"
		    "       sealmail deleted confirm [options] account\n"
		    "       sealmail deleted purge [options] account\n"
		    "       sealmail verify [options] account\n"
		    "       sealmail reindex [options] account\n"
		    "       sealmail set list [options] account\n"
		    "       sealmail set save-sent [options] account yes|no\n"
		    "       sealmail help\n",
	    f);
}

static int
usage(void)
{
	print_usage(stderr);
	return EX_USAGE;
}

static int
help(void)
{
	print_usage(stdout);
	(void)puts("options: [-js] [-C cafile] [-h host] [-p port]\n"
		   "sealmail(1) says what they do: man sealmail");
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return EX_OK;
}

/* An address goes between < and > on a line: nothing may end either. */
static bool
address_fits(const char *s)
{
	if (strlen(s) >= ADDRESS_SIZE)
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '<' ||
		    *s == '>')
			return false;
	}
	return true;
}

/*
 * The exit code: that of the worst recipient, where trying again is worse
 * than having failed for good: the mailer keeps the message for it.
 */
static int
report(const struct delivery *d)
{
	const struct recipient *r;
	size_t i;
	int code = EX_OK;

	for (i = 0; i < d->n_recipients; i++) {
		r = &d->recipients[i];
		if (r->outcome == OUTCOME_DONE)
			continue;
		warnx("%s: %s", r->address, r->reply);
		if (r->outcome == OUTCOME_TEMPORARY)
			code = EX_TEMPFAIL;
		else if (code != EX_TEMPFAIL)
			code = r->outcome == OUTCOME_NO_USER ? EX_NOUSER :
							       EX_UNAVAILABLE;
	}
	return code;
}

static int
deliver(int argc, char *argv[], const char *socket)
{
	struct delivery d;
	size_t i;
	int ch, code;

	memset(&d, 0, sizeof(d));
	d.socket = socket;
	d.sender = "";
	optind = 1;
	while ((ch = getopt(argc, argv, "f:")) != -1) {
		if (ch != 'f')
			return usage();
		d.sender = strcmp(optarg, "<>") == 0 ? "" : optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return usage();
	if (argc > RECIPIENTS_MAX)
		errx(EX_USAGE, "more than %d recipients", RECIPIENTS_MAX);
	d.n_recipients = (size_t)argc;
	d.recipients = calloc(d.n_recipients, sizeof(d.recipients[0]));
	if (d.recipients == NULL)
		err(EX_TEMPFAIL, NULL);
	if (!address_fits(d.sender))
		errx(EX_DATAERR, "%.80s: not an address", d.sender);
	for (i = 0; i < d.n_recipients; i++) {
		if (argv[i][0] == '\0' || !address_fits(argv[i]))
			errx(EX_DATAERR, "%.80s: not an address", argv[i]);
		d.recipients[i].address = argv[i];
	}
	lmtp_deliver(&d, stdin);
	code = report(&d);
	free(d.recipients);
	return code;
}

static const struct {
	const char *word;
	int (*run)(int argc, char *argv[]);
} commands[] = {
    {"app", cmd_app},
    {"deleted", cmd_deleted},
    {"export", cmd_export},
    {"passwd", cmd_passwd},
    {"recover", cmd_recover},
    {"reindex", cmd_reindex},
    {"rekey", cmd_rekey},
    {"set", cmd_set},
    {"undelete", cmd_undelete},
    {"verify", cmd_verify},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

int
main(int argc, char *argv[])
{
	const char *socket = RUNDIR "/lmtp.sock";
	size_t i;
	int ch;

	/* A server that hangs up is a reply we did not get, not our end. */
	(void)signal(SIGPIPE, SIG_IGN);
	while ((ch = getopt(argc, argv, "+hs:")) != -1) {
		if (ch == 'h')
			return help();
		if (ch != 's')
			return usage();
		socket = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc > 0 && strcmp(argv[0], "deliver") == 0)
		return deliver(argc, argv, socket);
	for (i = 0; argc > 0 && i < N_COMMANDS; i++)
		if (strcmp(argv[0], commands[i].word) == 0)
			return commands[i].run(argc, argv);
	if (argc == 1 && strcmp(argv[0], "help") == 0)
		return help();
	if (argc > 0)
		warnx("%.80s: there is no such command", argv[0]);
	return usage();
}
