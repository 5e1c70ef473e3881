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
 * sealmail passwd, app, recover, rekey: the user's own secrets, changed over
 * the network from any machine, by the command of xsealmail(7).
 */

#include <sys/types.h>

#include <err.h>
#include <limits.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "imap_client.h"
#include "seal_keys.h"
#include "sealmail.h"

#define SECRET_SIZE 1024 /* octets of a secret, NUL included */
#define LABEL_SIZE 65

#define PURGE_PIECE 1000 /* files that the server removes at a time */

static struct {
	const char *account;
	const char *host;
	const char *port;
	const char *cafile;
	const char *mailbox;
	const char *scope;
	bool json;
	bool input; /* secrets come from standard input */
	char secret[SECRET_SIZE];
	char fresh[SECRET_SIZE];
	int listed;
} opt;

static void
wipe(void)
{
	explicit_bzero(opt.secret, sizeof(opt.secret));
	explicit_bzero(opt.fresh, sizeof(opt.fresh));
}

static int
usage(const char *line)
{
	(void)fprintf(stderr,
	    "usage: sealmail %s\n"
	    "options: [-js] [-C cafile] [-h host] [-p port]\n",
	    line);
	return EX_USAGE;
}

/* Without an echo, or a line of standard input. */
static void
ask(const char *prompt, char *buf, size_t size)
{
	size_t len;

	if (!opt.input) {
		if (readpassphrase(prompt, buf, size, RPP_REQUIRE_TTY) == NULL)
			errx(EX_USAGE, "no terminal; -s reads standard input");
	} else if (fgets(buf, (int)size, stdin) == NULL)
		errx(EX_DATAERR, "standard input ends too early");
	len = strcspn(buf, "\r\n");
	if (buf[len] == '\0' && len == size - 1) {
		wipe();
		errx(EX_DATAERR, "a secret has at most %zu octets", size - 2);
	}
	buf[len] = '\0';
	if (len == 0) {
		wipe();
		errx(EX_DATAERR, "nothing was typed; nothing was changed");
	}
}

static void
ask_new(void)
{
	char again[SECRET_SIZE], prompt[64];
	bool same;

	(void)snprintf(prompt, sizeof(prompt),
	    "New password, at least %d characters: ", SEAL_PASSWORD_MIN);
	ask(prompt, opt.fresh, sizeof(opt.fresh));
	if (opt.input)
		return;
	ask("The same again: ", again, sizeof(again));
	same = strcmp(opt.fresh, again) == 0;
	explicit_bzero(again, sizeof(again));
	if (!same) {
		wipe();
		errx(EX_DATAERR, "they differ; nothing was changed");
	}
}

static void
json_string(const char *s)
{
	unsigned char c;

	(void)putchar('"');
	for (; (c = (unsigned char)*s) != '\0'; s++) {
		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

/* What a terminal could act upon is not printed. */
static void
text_string(char *s)
{
	text_plain(s);
	(void)fputs(s, stdout);
}

/* The next field of an answer: an atom or a quoted string; NULL: no more. */
static char *
field(char **p)
{
	char *s = *p, *to, *start;

	while (*s == ' ')
		s++;
	if (*s == '\0')
		return NULL;
	if (*s != '"') {
		start = s;
		s += strcspn(s, " ");
		if (*s != '\0')
			*s++ = '\0';
		*p = s;
		return start;
	}
	start = to = ++s;
	while (*s != '\0' && *s != '"') {
		if (*s == '\\' && s[1] != '\0')
			s++;
		*to++ = *s++;
	}
	if (*s == '"')
		s++;
	*to = '\0';
	*p = s;
	return start;
}

/*
 * "PASSWD id", "SCRAM ON id", "RECOVER id code", "REKEY id code revoked", "APP
 * ADD ..."
 */
static void
told(char *line)
{
	char *what, *id, *code, *revoked;
	bool app;

	what = field(&line);
	app = what != NULL && strcmp(what, "APP") == 0;
	if (app || (what != NULL && strcmp(what, "SCRAM") == 0))
		what = field(&line);
	id = field(&line);
	code = field(&line);
	revoked = field(&line);
	if (what == NULL || id == NULL ||
	    strspn(id, "0123456789") != strlen(id))
		return;
	if (opt.json) {
		(void)printf("{\"id\":%s", id);
		if (code != NULL) {
			(void)printf(",\"%s\":", app ? "password" : "recovery");
			json_string(code);
		}
		if (revoked != NULL)
			(void)printf(",\"revoked\":%d", atoi(revoked));
		(void)printf("}\n");
		return;
	}
	if (app)
		(void)printf("id: %s\n", id);
	if (code != NULL) {
		(void)printf("%s: ", app ? "password" : "recovery code");
		text_string(code);
		(void)putchar('\n');
	}
	if (revoked != NULL)
		(void)printf("app passwords revoked: %d\n", atoi(revoked));
}

/* "SLOT id kind scopes created label [SCRAM]" */
static void
listed(char *line)
{
	char *name[7], date[32];
	struct tm tm;
	time_t when;
	bool scram;

	for (int i = 0; i < 7; i++)
		name[i] = field(&line);
	if (name[4] == NULL || strcmp(name[0], "SLOT") != 0 ||
	    strspn(name[1], "0123456789") != strlen(name[1]))
		return;
	when = (time_t)strtoll(name[4], NULL, 10);
	scram = name[6] != NULL && strcmp(name[6], "SCRAM") == 0;
	if (opt.json) {
		(void)printf("%s\n{\"id\":%s,\"kind\":",
		    opt.listed++ == 0 ? "" : ",", name[1]);
		json_string(name[2]);
		(void)printf(",\"scope\":");
		json_string(name[3]);
		(void)printf(",\"created\":%lld,\"label\":", (long long)when);
		json_string(name[5] == NULL ? "" : name[5]);
		(void)printf(",\"scram\":%s}", scram ? "true" : "false");
		return;
	}
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%d", &tm) == 0)
		date[0] = '\0';
	(void)printf("%10s  ", name[1]);
	text_string(name[2]);
	(void)printf("  ");
	text_string(name[3]);
	(void)printf("  %s  %s  ", date, scram ? "scram" : "-");
	if (name[5] != NULL)
		text_string(name[5]);
	(void)putchar('\n');
}

/* getaddrinfo(3) takes any number, and what is left of it. */
static const char *
port_of(const char *arg)
{
	const char *why;

	(void)strtonum(arg, 1, 65535, &why);
	if (why != NULL)
		errx(EX_USAGE, "%.80s: not a port, 1 to 65535", arg);
	return arg;
}

/* One scope or several, commas between. */
static bool
scopes(const char *s)
{
	static const char *const names[] = {"imap", "submission", "manage"};
	size_t i, len;

	for (;; s += len + 1) {
		len = strcspn(s, ",");
		for (i = 0; i < 3; i++)
			if (strlen(names[i]) == len &&
			    strncmp(s, names[i], len) == 0)
				break;
		if (i == 3)
			return false;
		if (s[len] == '\0')
			return true;
	}
}

/* The options, then n arguments of which the account is the first. */
static char **
options(int argc, char *argv[], int n)
{
	int ch;

	opt.port = "993";
	opt.scope = "imap";
	optind = 1;
	while ((ch = getopt(argc, argv, "b:C:h:jp:S:s")) != -1) {
		switch (ch) {
		case 'b':
			opt.mailbox = optarg;
			break;
		case 'C':
			opt.cafile = optarg;
			break;
		case 'h':
			opt.host = optarg;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'p':
			opt.port = port_of(optarg);
			break;
		case 'S':
			opt.scope = optarg;
			break;
		case 's':
			opt.input = true;
			break;
		default:
			return NULL;
		}
	}
	if (argc - optind != n)
		return NULL;
	opt.account = argv[optind];
	if (opt.host == NULL) {
		opt.host = strrchr(opt.account, '@');
		if (opt.host == NULL || opt.host[1] == '\0')
			errx(EX_USAGE, "%s: no domain: name the server by -h",
			    opt.account);
		opt.host++;
	}
	return argv + optind;
}

static void
begin(const char *words, bool user)
{
	imap_open(opt.host, opt.port, opt.cafile);
	if (user) {
		imap_begin("XSEALMAIL USER");
		imap_argument(opt.account);
		imap_words(words);
	} else
		imap_begin(words);
}

static int
end(void (*untagged)(char *))
{
	int code;

	imap_send();
	code = imap_answer(untagged);
	imap_close();
	wipe();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return code;
}

/* May the password be proved instead of shown?  It stays as it is. */
static int
scram(int argc, char *argv[], const char *words)
{
	if (options(argc, argv, 1) == NULL)
		return usage("passwd --scram | --no-scram [options] account");
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin(words, true);
	imap_argument(opt.secret);
	return end(told);
}

int
cmd_passwd(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "--scram") == 0)
		return scram(argc - 1, argv + 1, "SCRAM ON");
	if (argc > 1 && strcmp(argv[1], "--no-scram") == 0)
		return scram(argc - 1, argv + 1, "SCRAM OFF");
	if (options(argc, argv, 1) == NULL)
		return usage("passwd [--scram | --no-scram] [options] account");
	ask("Password or recovery code: ", opt.secret, sizeof(opt.secret));
	ask_new();
	begin("PASSWD", true);
	imap_argument(opt.secret);
	imap_argument(opt.fresh);
	return end(told);
}

int
cmd_recover(int argc, char *argv[])
{
	if (options(argc, argv, 1) == NULL)
		return usage("recover [options] account");
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin("RECOVER", true);
	imap_argument(opt.secret);
	return end(told);
}

int
cmd_rekey(int argc, char *argv[])
{
	if (options(argc, argv, 1) == NULL)
		return usage("rekey [options] account");
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin("REKEY", true);
	imap_argument(opt.secret);
	return end(told);
}

static int
app_add(int argc, char *argv[])
{
	char **args;

	args = options(argc, argv, 2);
	if (args == NULL)
		return usage("app add [options] [-S scope,...] account label");
	if (strlen(args[1]) >= LABEL_SIZE)
		errx(EX_DATAERR, "a label has at most %d octets",
		    LABEL_SIZE - 1);
	if (!scopes(opt.scope))
		errx(EX_USAGE,
		    "%.80s: not imap, submission, manage or several of them, "
		    "with commas",
		    opt.scope);
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin("APP ADD", true);
	imap_argument(opt.secret);
	imap_argument(args[1]);
	imap_words(opt.scope);
	return end(told);
}

char **
slots_login(
    int argc, char *argv[], int n, const char *line, bool *json, int *code)
{
	char **args;

	args = options(argc, argv, n);
	if (args == NULL) {
		*code = usage(line);
		return NULL;
	}
	*json = opt.json;
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin("LOGIN", false);
	imap_argument(opt.account);
	imap_argument(opt.secret);
	imap_send();
	*code = imap_answer(NULL);
	wipe();
	if (*code == 0)
		return args;
	imap_close();
	return NULL;
}

const char *
slots_mailbox(void)
{
	return opt.mailbox;
}

static int
app_list(int argc, char *argv[])
{
	bool json;
	int code;

	if (slots_login(argc, argv, 1, "app list [options] account", &json,
		&code) == NULL)
		return code;
	if (opt.json)
		(void)putchar('[');
	imap_begin("XSEALMAIL APP LIST");
	imap_send();
	code = imap_answer(listed);
	if (opt.json)
		(void)puts("\n]");
	imap_begin("LOGOUT");
	return end(NULL) == 0 ? code : EX_TEMPFAIL;
}

static int
app_revoke(int argc, char *argv[])
{
	char **args;

	args = options(argc, argv, 2);
	if (args == NULL)
		return usage("app revoke [options] account id");
	if (args[1][0] == '\0' || args[1][0] == '0' || strlen(args[1]) > 10 ||
	    strspn(args[1], "0123456789") != strlen(args[1]))
		errx(EX_USAGE, "%s: not an id of app list", args[1]);
	ask("Password: ", opt.secret, sizeof(opt.secret));
	begin("APP REVOKE", true);
	imap_argument(opt.secret);
	imap_words(args[1]);
	return end(opt.json ? told : NULL);
}

int
cmd_app(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "add") == 0)
		return app_add(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return app_list(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "revoke") == 0)
		return app_revoke(argc - 1, argv + 1);
	return usage("app add | list | revoke ...");
}

static unsigned long counted;

/* "CONFIRMED n" or "PURGED n" */
static void
count(char *line)
{
	char *what, *n;

	what = field(&line);
	n = field(&line);
	if (what != NULL && n != NULL)
		counted = strtoul(n, NULL, 10);
}

/* In pieces, as the server does it. */
static int
deleted_all(const char *words, const char *name, unsigned long piece)
{
	char secret[SECRET_SIZE];
	unsigned long total = 0;
	int code;

	ask("Password: ", secret, sizeof(secret));
	do {
		counted = 0;
		begin(words, true);
		imap_argument(secret);
		code = end(count);
		total += counted;
	} while (code == 0 && counted == piece);
	explicit_bzero(secret, sizeof(secret));
	if (opt.json)
		(void)printf("{\"%s\":%lu}\n", name, total);
	else if (code == 0)
		(void)printf("%s: %lu\n", name, total);
	return code;
}

int
cmd_deleted(int argc, char *argv[])
{
	bool purge;

	purge = argc > 1 && strcmp(argv[1], "purge") == 0;
	if (argc < 2 || (!purge && strcmp(argv[1], "confirm") != 0) ||
	    options(argc - 1, argv + 1, 1) == NULL)
		return usage("deleted confirm | purge [options] account");
	return purge ? deleted_all("DELETED PURGE", "purged", PURGE_PIECE) :
		       deleted_all("DELETED CONFIRM", "confirmed", ULONG_MAX);
}
