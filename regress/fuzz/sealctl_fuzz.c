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
 * Fuzzer of sealctl(8) as a client: what daemons, the store master, the queue,
 * engines and the resolver answer to its commands.  It may end with an error;
 * what it prints can do nothing to a terminal, and is JSON where it says so.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../usr.sbin/sealctl/out.c"
#include "../../usr.sbin/sealctl/stats.c"
#include "conf.h"
#include "harness.h"
#include "proc.h"

#define ANSWERS_MAX 64
#define ARGS_MAX 6
#define ENGINES 2         /* of a daemon */
#define SET_JSON 0x80     /* of the first octet; the rest: which command */
#define SET_RAW 0x01      /* of the second: it greets by hand too */
#define ANSWER_LAST 0x01  /* of an answer's first octet: no more to this */
#define ANSWER_OTHER 0x02 /* of another question */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
const char *__asan_default_options(void);
void __wrap_err(int, const char *, ...) __attribute__((noreturn));
void __wrap_errx(int, const char *, ...) __attribute__((noreturn));
void __wrap_warn(const char *, ...);
void __wrap_warnx(const char *, ...);
int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
int __wrap_nanosleep(const struct timespec *, struct timespec *);
void
__wrap_proc_tool_narrow(bool, const char *, const struct proc_path *, size_t);

static const struct command {
	int (*run)(struct invocation *);
	const char *args[ARGS_MAX];
	bool smtp; /* it asks sealsmtpd alone */
} commands[] = {
    {cmd_show_processes, {"processes"}, false},
    {cmd_show_sessions, {"sessions"}, false},
    {cmd_show_stats, {"stats"}, false},
    {cmd_show_stats, {"stats", "-p"}, false},
    {cmd_show_version, {"version"}, false},
    {cmd_show_certificates, {"certificates"}, false},
    {cmd_user_list, {"list", "example.org"}, false},
    {cmd_user_show, {"show", "a@example.org"}, false},
    {cmd_user_add, {"add", "a@example.org"}, false},
    {cmd_user_del, {"del", "a@example.org"}, false},
    {cmd_user_disable, {"disable", "a@example.org"}, false},
    {cmd_user_quota, {"quota", "a@example.org", "1G"}, false},
    {cmd_user_confirm, {"confirm-delete", "a@example.org"}, false},
    {cmd_user_rename, {"rename", "a@example.org", "b@example.org"}, false},
    {cmd_queue_list, {"list"}, true},
    {cmd_queue_show, {"show"}, true},
    {cmd_queue_show, {"show", "0102030405060708090a0b0c0d0e0f10"}, true},
    {cmd_queue_message, {"message", "0102030405060708090a0b0c0d0e0f10"}, true},
    {cmd_queue_flush, {"flush"}, true},
    {cmd_queue_remove, {"remove", "-a"}, true},
    {cmd_queue_reschedule, {"reschedule", "-t", "+1h"}, true},
    {cmd_kick, {"kick", "a@example.org"}, false},
    {cmd_kick, {"kick", "7"}, false},
    {cmd_log_verbose, {"verbose"}, false},
    {cmd_reload, {"reload"}, false},
    {cmd_stop, {"stop"}, false},
    {cmd_sweep, {"sweep"}, false},
    {cmd_verify, {"verify", "-k", "a@example.org"}, false},
    {cmd_dns, {"dns", "-c"}, true},
    {cmd_queue_tls, {"tls"}, true},
    {cmd_queue_dmarc, {"dmarc"}, true},
    {cmd_queue_pause, {"pause", "-d", "example.net"}, true},
    {cmd_queue_resume, {"resume"}, true},
    {cmd_user_enable, {"enable", "a@example.org"}, false},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const uint8_t *input;
static size_t input_len;
static const struct command *command;
static struct invocation inv;
static char words[ARGS_MAX][64], *argv[ARGS_MAX + 1];
static char *printed;
static size_t printed_len;
static FILE *to;
static unsigned int asked; /* greetings */
static bool by_hand;

/* What it held when it ended is lost. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
must(bool good)
{
	if (!good)
		abort();
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

int
__wrap_socket(int domain, int type, int protocol)
{
	return harness_fd();
}

int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return 0;
}

int
__wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	return 0;
}

/* The fuzzer keeps what it may do. */
void
__wrap_proc_tool_narrow(bool best_effort, const char *promises,
    const struct proc_path *paths, size_t n_paths)
{
}

/* ---- daemons ---------------------------------------------------------- */

static void
done(int fd, uint32_t id, enum ctl_result result)
{
	const uint8_t raw[5] = {(uint8_t)result};

	harness_say(fd, CTL_DONE, id, raw, sizeof(raw), -1);
}

static const char *
first_daemon(void)
{
	return command->smtp ? DAEMON_SMTP : DAEMON_IMAP;
}

/* Where both are asked, sealimapd is the first. */
static void
hello_is(int fd, uint32_t id)
{
	const char *name = asked++ % 2 == 0 ? first_daemon() : DAEMON_SMTP;
	uint8_t raw[64] = {0}, *p = raw;
	uint32_t len = (uint32_t)strlen(name);

	memcpy(p, &len, sizeof(len));
	memcpy(p + 4, name, len);
	p += 4 + len;
	*p = 1;
	p[4] = '1';
	p += 5;
	harness_say(fd, CTL_HELLO_IS, id, raw, (size_t)(p - raw) + 13, -1);
	done(fd, id, CTL_OK);
}

/* What was asked is answered by what comes next of the input. */
static void
told(int fd, const struct msg *m, void *arg)
{
	struct harness_step s;
	uint32_t id, instance;

	if (m->type == CTL_HELLO && m->len == 4 && !by_hand) {
		hello_is(fd, m->id);
		return;
	}
	if (m->type == CTL_CONNECT && m->fd != -1 && !by_hand) {
		memcpy(&instance, m->data + m->len - 4, sizeof(instance));
		done(fd, m->id, instance < ENGINES ? CTL_OK : CTL_NONE);
		return;
	}
	for (int n = 0; n < ANSWERS_MAX; n++) {
		if (!harness_step(&input, &input_len, &s) || s.len == 0)
			return;
		id = (s.data[0] & ANSWER_OTHER) != 0 ? m->id + 1 : m->id;
		harness_say(fd, s.what, id, s.data + 1, s.len - 1, -1);
		if ((s.data[0] & ANSWER_LAST) != 0)
			return;
	}
}

/* ---- what it prints --------------------------------------------------- */

static void
look_at(void)
{
	const char *p = printed, *end = printed + printed_len;
	bool text = false;
	int depth = 0;

	for (; p < end; p++)
		must(*p == '\n' || ((unsigned char)*p >= ' ' && *p != 0x7f));
	if (!inv.json || printed_len == 0)
		return;
	for (p = printed; p < end; p++) {
		if (*p == '"')
			text = !text;
		else if (text && *p == '\\')
			p++;
		else if (!text && (*p == '[' || *p == '{'))
			depth++;
		else if (!text && (*p == ']' || *p == '}'))
			must(--depth >= 0);
	}
}

/* ---- inputs ----------------------------------------------------------- */

static struct conf *
configuration(void)
{
	static const char text[] = "hostname \"mx.example.org\"\n"
				   "domain \"example.org\"\n"
				   "run directory \"/nonexistent\"\n"
				   "directory \"/nonexistent\"\n"
				   "listen on socket lmtp\n";
	char name[] = "/tmp/fuzz.XXXXXX";
	struct conf *conf;
	int fd;

	fd = mkstemp(name);
	must(fd != -1 &&
	    write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	(void)close(fd);
	conf = conf_load(name, stderr);
	must(conf != NULL && unlink(name) == 0);
	return conf;
}

static void
set_up(void)
{
	if (inv.conf != NULL)
		return;
	harness_start();
	harness_on_tell(told, NULL);
	inv.conf = configuration();
	inv.conf_path = "sealmail.conf";
}

static void
run(void)
{
	(void)command->run(&inv);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	FILE *saved;
	int first;

	if (len < 2)
		return 0;
	set_up();
	first = open("/dev/null", O_RDONLY);
	must(first != -1 && (to = open_memstream(&printed, &printed_len)));
	command = &commands[(data[0] & ~SET_JSON) % N_COMMANDS];
	inv.json = (data[0] & SET_JSON) != 0;
	asked = 0;
	by_hand = (data[1] & SET_RAW) != 0;
	input = data + 2;
	input_len = len - 2;
	inv.argv = argv;
	for (inv.argc = 0; inv.argc < ARGS_MAX; inv.argc++) {
		if (command->args[inv.argc] == NULL)
			break;
		(void)strlcpy(
		    words[inv.argc], command->args[inv.argc], sizeof(words[0]));
		argv[inv.argc] = words[inv.argc];
	}
	argv[inv.argc] = NULL;
	/* Wherever getopt(3) stood when a command ended. */
	optind = 0;
	(void)getopt(1, argv, "");
	/* As a process that has just begun. */
	memset(&out, 0, sizeof(out));
	free(all.rows);
	memset(&all, 0, sizeof(all));
	harness_begin();
	saved = stdout;
	stdout = to;
	(void)harness_call(run);
	stdout = saved;
	must(fclose(to) == 0);
	harness_show((uint8_t *)printed, printed_len);
	/* A message is given out as it is. */
	if (command->run != cmd_queue_message)
		look_at();
	free(printed);
	/* What it had open when it ended. */
	closefrom(first);
	harness_end();
	return 0;
}
