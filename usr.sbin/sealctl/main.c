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
 * sealctl(8): finds the command among the words of the command line, reads
 * the configuration, and runs it.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "config.h"
#include "log.h"
#include "sealctl.h"

#define FILTER " [-d destination] [-r recipient] [-s sender] [id]"

static int cmd_help(struct invocation *);

/* The words, the function, and what may follow. */
static const struct command {
	const char *words[2];
	int (*run)(struct invocation *);
	const char *args;
	bool bare; /* needs no configuration */
} commands[] = {
    {{"backup", NULL}, cmd_backup, " directory [account ...]", false},
    {{"check", NULL}, cmd_check, "", false},
    {{"dkim", "new"}, cmd_dkim_new, " domain", false},
    {{"dkim", "rotate"}, cmd_dkim_rotate, " [-f] domain", false},
    {{"dkim", "show"}, cmd_dkim_show, " [domain]", false},
    {{"dns", NULL}, cmd_dns, " [-c] [domain]", false},
    {{"escrow", "key"}, cmd_escrow_key, " file", true},
    {{"escrow", "open"}, cmd_escrow_open, " [-a] -k file account", false},
    {{"help", NULL}, cmd_help, " [command]", true},
    {{"kick", NULL}, cmd_kick, " account | session | address", false},
    {{"log", "brief"}, cmd_log_brief, "", false},
    {{"log", "verbose"}, cmd_log_verbose, "", false},
    {{"merge-check", NULL}, cmd_merge_check, " directory directory", false},
    {{"queue", "dmarc"}, cmd_queue_dmarc, " [-d domain]", false},
    {{"queue", "flush"}, cmd_queue_flush, FILTER, false},
    {{"queue", "list"}, cmd_queue_list, FILTER, false},
    {{"queue", "message"}, cmd_queue_message, " id", false},
    {{"queue", "pause"}, cmd_queue_pause, FILTER, false},
    {{"queue", "remove"}, cmd_queue_remove, " [-n] -a |" FILTER, false},
    {{"queue", "reschedule"}, cmd_queue_reschedule, " -t time" FILTER, false},
    {{"queue", "resume"}, cmd_queue_resume, FILTER, false},
    {{"queue", "show"}, cmd_queue_show, FILTER, false},
    {{"queue", "tls"}, cmd_queue_tls, " [-d destination]", false},
    {{"rebuild", NULL}, cmd_rebuild, " [-a] account", false},
    {{"reload", NULL}, cmd_reload, "", false},
    {{"restore", NULL}, cmd_restore, " directory [account ...]", false},
    {{"show", "certificates"}, cmd_show_certificates, "", false},
    {{"show", "processes"}, cmd_show_processes, "", false},
    {{"show", "sessions"}, cmd_show_sessions, "", false},
    {{"show", "stats"}, cmd_show_stats, " [-p]", false},
    {{"show", "users"}, cmd_user_list, " [domain]", false},
    {{"show", "version"}, cmd_show_version, "", false},
    {{"stop", NULL}, cmd_stop, "", false},
    {{"sweep", NULL}, cmd_sweep, " [-n days] [account]", false},
    {{"trace", NULL}, cmd_trace, " [-l file] id | address", false},
    {{"user", "add"}, cmd_user_add, " [-p] account", false},
    {{"user", "confirm-delete"}, cmd_user_confirm, " account", false},
    {{"user", "del"}, cmd_user_del, " account", false},
    {{"user", "disable"}, cmd_user_disable, " account", false},
    {{"user", "enable"}, cmd_user_enable, " account", false},
    {{"user", "import"}, cmd_user_import, " file", false},
    {{"user", "list"}, cmd_user_list, " [domain]", false},
    {{"user", "quota"}, cmd_user_quota, " account size [messages]", false},
    {{"user", "rename"}, cmd_user_rename, " account name", false},
    {{"user", "show"}, cmd_user_show, " account", false},
    {{"verify", NULL}, cmd_verify,
	" [-d directory] [account ...] | -k account ...", false},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage_line(FILE *f, const struct command *c)
{
	(void)fprintf(f, "  %s%s%s%s\n", c->words[0],
	    c->words[1] != NULL ? " " : "",
	    c->words[1] != NULL ? c->words[1] : "", c->args);
}

/* The commands that begin with these words; how many.  f may be NULL. */
static unsigned int
usage_lines(FILE *f, int argc, char *argv[])
{
	const struct command *c;
	unsigned int n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		c = &commands[i];
		if (argc > 0 && strcmp(argv[0], c->words[0]) != 0)
			continue;
		if (argc > 1 &&
		    (c->words[1] == NULL || strcmp(argv[1], c->words[1]) != 0))
			continue;
		if (f != NULL)
			usage_line(f, c);
		n++;
	}
	return n;
}

static void
usage_head(FILE *f)
{
	(void)fputs(
	    "usage: sealctl [-j] [-f file] command [argument ...]\n", f);
}

/* One command, those that begin with the word given, or all. */
static int
usage(const struct command *c, char *word)
{
	usage_head(stderr);
	if (c != NULL)
		usage_line(stderr, c);
	else if (word == NULL || usage_lines(stderr, 1, &word) == 0)
		(void)usage_lines(stderr, 0, NULL);
	return EXIT_BAD_USAGE;
}

static int
cmd_help(struct invocation *inv)
{
	int argc = inv->argc - 1;
	char **argv = inv->argv + 1;

	if (argc > 2 || inv->json)
		return EXIT_BAD_USAGE;
	if (usage_lines(NULL, argc, argv) == 0) {
		warnx("help %s%s%s: there is no such command", argv[0],
		    argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
		return EXIT_BAD_USAGE;
	}
	usage_head(stdout);
	(void)usage_lines(stdout, argc, argv);
	if (argc == 0)
		(void)puts("sealctl(8) says what they do: man sealctl");
	return finish_text();
}

/* What was typed is none; perhaps its first word is one's. */
static int
unknown(int argc, char *argv[])
{
	size_t i;

	if (argc == 0)
		return usage(NULL, NULL);
	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].words[0]) == 0)
			break;
	}
	if (i == N_COMMANDS)
		warnx("%s: there is no such command", argv[0]);
	else if (argc > 1)
		warnx("%s %s: there is no such command", argv[0], argv[1]);
	else
		warnx("%s: another word must follow", argv[0]);
	return usage(NULL, argv[0]);
}

static const struct command *
command_find(int argc, char *argv[])
{
	const struct command *c;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		c = &commands[i];
		if (argc < 1 || strcmp(argv[0], c->words[0]) != 0)
			continue;
		if (c->words[1] == NULL)
			return c;
		if (argc > 1 && strcmp(argv[1], c->words[1]) == 0)
			return c;
	}
	return NULL;
}

int
cmd_check(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"configuration", COLUMN_TEXT, 0},
	};
	bool valid;

	/* It was parsed before; now what it names. */
	valid = conf_check(inv->conf, stderr) == 0;
	if (conf_check_out(inv->conf, stderr) == -1)
		valid = false;
	if (conf_check_site(inv->conf, stderr) == -1 || !valid)
		return EXIT_FAILED;
	/* Daemons start without a pair that cannot be served. */
	pairs_check(inv->conf);
	if (inv->json) {
		out_start(columns, 1, true);
		out_text("valid");
		return finish(0);
	}
	(void)printf("%s: valid\n", inv->conf_path);
	return finish_text();
}

/* What getopt(3) calls the command where it complains of an option. */
static char *
full_name(const struct command *c)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), "sealctl %s%s%s", c->words[0],
	    c->words[1] != NULL ? " " : "",
	    c->words[1] != NULL ? c->words[1] : "");
	return name;
}

static int
run(const struct command *c, struct invocation *inv)
{
	struct conf *conf = NULL;
	int code = EXIT_FAILED;

	inv->argv[0] = full_name(c);
	if (c->args[0] == '\0' && inv->argc != 1)
		return usage(c, NULL);
	if (!c->bare)
		conf = conf_load(inv->conf_path, stderr);
	inv->conf = conf;
	if (conf != NULL || c->bare)
		code = c->run(inv);
	if (code == EXIT_BAD_USAGE)
		(void)usage(c, NULL);
	else if (inv->json && !out_used()) {
		/* There was nothing to say; an array it is all the same. */
		out_start(NULL, 0, true);
		code = finish(code);
	}
	conf_free(conf);
	return code;
}

int
main(int argc, char *argv[])
{
	struct invocation inv;
	const struct command *c;
	int ch;

	memset(&inv, 0, sizeof(inv));
	inv.conf_path = SYSCONFDIR "/sealmail.conf";
	/* The first word ends the options, also where getopt(3) would not. */
	while ((ch = getopt(argc, argv, "+f:hj")) != -1) {
		switch (ch) {
		case 'f':
			inv.conf_path = optarg;
			break;
		case 'h':
			usage_head(stdout);
			(void)usage_lines(stdout, 0, NULL);
			return finish_text();
		case 'j':
			inv.json = true;
			break;
		default:
			return usage(NULL, NULL);
		}
	}
	argc -= optind;
	argv += optind;
	/* -j may stand behind the command too, where one thinks of it. */
	if (argc > 1 && strcmp(argv[argc - 1], "-j") == 0) {
		inv.json = true;
		argv[--argc] = NULL;
	}
	if ((c = command_find(argc, argv)) == NULL)
		return unknown(argc, argv);
	if (c->words[1] != NULL) {
		argc--;
		argv++;
	}
	if (argc > 1 && strcmp(argv[1], "-j") == 0) {
		inv.json = true;
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	inv.argc = argc;
	inv.argv = argv;
	log_init("sealctl", true, 0);
	out_init();
	return run(c, &inv);
}
