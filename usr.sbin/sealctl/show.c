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
 * sealctl show, log, reload, stop: what is asked of every daemon that runs.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "config.h"
#include "proc.h"
#include "sealctl.h"
#include "sessions.h"

#define INSTANCES_MAX 64 /* engines of a daemon that are asked */

static const char *const daemons[] = {DAEMON_IMAP, DAEMON_SMTP, DAEMON_RELAY};
#define N_DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

int
each_daemon(struct invocation *inv, int (*ask)(struct ctl *))
{
	struct ctl ctl;
	size_t i;
	int running = 0, failed = 0;

	for (i = 0; i < N_DAEMONS; i++) {
		/* A host that only receives does without. */
		if (running > 0 && strcmp(daemons[i], DAEMON_RELAY) == 0 &&
		    ctl_absent(inv->conf, daemons[i]))
			continue;
		if (ctl_open(&ctl, inv->conf, daemons[i]) == -1)
			continue;
		running++;
		if (ask(&ctl) == -1)
			failed++;
		ctl_close(&ctl);
	}
	if (running == 0)
		return EXIT_NOT_RUNNING;
	return failed > 0 ? EXIT_FAILED : 0;
}

int
finish(int code)
{
	if (out_end(code) == -1) {
		warn("standard output");
		return EXIT_FAILED;
	}
	return code;
}

int
finish_text(void)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		warn("standard output");
		return EXIT_FAILED;
	}
	return 0;
}

static const struct column process_columns[] = {
    {"daemon", COLUMN_TEXT, 10},
    {"role", COLUMN_TEXT, 13},
    {"instance", COLUMN_NUMBER, 8},
    {"pid", COLUMN_NUMBER, 8},
    {"uid", COLUMN_NUMBER, 6},
    {"sandbox", COLUMN_TEXT, 7},
    {"restarts", COLUMN_NUMBER, 8},
    {"connections", COLUMN_NUMBER, 11},
    {"memory", COLUMN_NUMBER, 10},
    {"age", COLUMN_NUMBER, 8},
    {"started", COLUMN_TIME, 20},
};

/* What a daemon says may be any time. */
static uint64_t
seconds_since(int64_t then)
{
	int64_t now = (int64_t)time(NULL);

	return then < 0 || then > now ? 0 : (uint64_t)(now - then);
}

static const char *
sandbox_name(uint8_t sandbox)
{
	switch (sandbox) {
	case PROC_SANDBOX_NONE:
		return "none";
	case PROC_SANDBOX_PARTIAL:
		return "partial";
	case PROC_SANDBOX_FULL:
		return "full";
	default:
		return "unknown";
	}
}

/* 0: it cannot be told. */
uint64_t
process_memory(uint32_t pid)
{
	uint64_t octets;

	if (pid == 0 || compat_memory((pid_t)pid, &octets) == -1)
		return 0;
	return octets;
}

static int
show_process(struct ctl *ctl, struct msg *msg)
{
	char role[PROC_NAME_MAX];
	uint32_t instance, pid, uid, restarts, conns;
	uint8_t sandbox;
	int64_t started;

	(void)msg_get_str(msg, role, sizeof(role));
	instance = msg_get_u32(msg);
	pid = msg_get_u32(msg);
	uid = msg_get_u32(msg);
	restarts = msg_get_u32(msg);
	sandbox = msg_get_u8(msg);
	started = msg_get_i64(msg);
	conns = msg_get_u32(msg);
	if (msg_end(msg) == -1)
		return -1;
	out_text(ctl->daemon);
	out_text(role);
	out_number(instance);
	out_number(pid);
	out_number(uid);
	out_text(sandbox_name(sandbox));
	out_number(restarts);
	out_number(conns);
	out_number(process_memory(pid));
	out_number(pid == 0 ? 0 : seconds_since(started));
	out_time(started);
	return 0;
}

static int
ask_processes(struct ctl *ctl)
{
	struct msg msg;

	ctl_send(ctl, ctl_new(ctl, CTL_PROCESSES));
	while (ctl_next(ctl, &msg)) {
		if (msg.type == CTL_PROCESS && show_process(ctl, &msg) == -1)
			warnx("%s: an answer is not understood", ctl->daemon);
	}
	return ctl_failed(ctl, "show processes") ? -1 : 0;
}

int
cmd_show_processes(struct invocation *inv)
{
	out_start(process_columns,
	    sizeof(process_columns) / sizeof(process_columns[0]), inv->json);
	return finish(each_daemon(inv, ask_processes));
}

/* An id has more digits than a program may keep of a number of JSON. */
static const struct column session_columns[] = {
    {"daemon", COLUMN_TEXT, 10},
    {"id", COLUMN_TEXT, 19},
    {"protocol", COLUMN_TEXT, 8},
    {"source", COLUMN_TEXT, 16},
    {"account", COLUMN_TEXT, 30},
    {"tls", COLUMN_TEXT, 7},
    {"state", COLUMN_TEXT, 8},
    {"since", COLUMN_TIME, 20},
    {"idle", COLUMN_NUMBER, 6},
    {"commands", COLUMN_NUMBER, 8},
    {"received", COLUMN_NUMBER, 10},
    {"sent", COLUMN_NUMBER, 10},
};

static int
show_session(struct ctl *ctl, struct msg *msg)
{
	char protocol[SESSIONS_WORD_MAX], source[PROC_ADDR_MAX], id[32];
	char account[SESSIONS_ACCOUNT_MAX], tls[SESSIONS_WORD_MAX];
	char state[SESSIONS_WORD_MAX];
	uint64_t commands, received, sent;
	int64_t since, active;

	(void)snprintf(
	    id, sizeof(id), "%llu", (unsigned long long)msg_get_u64(msg));
	(void)msg_get_str(msg, protocol, sizeof(protocol));
	(void)msg_get_str(msg, source, sizeof(source));
	(void)msg_get_str(msg, account, sizeof(account));
	(void)msg_get_str(msg, tls, sizeof(tls));
	(void)msg_get_str(msg, state, sizeof(state));
	since = msg_get_i64(msg);
	active = msg_get_i64(msg);
	commands = msg_get_u64(msg);
	received = msg_get_u64(msg);
	sent = msg_get_u64(msg);
	if (msg_end(msg) == -1)
		return -1;
	out_text(ctl->daemon);
	out_text(id);
	out_text(protocol);
	out_text(source);
	out_text(account);
	out_text(tls);
	out_text(state);
	out_time(since);
	out_number(seconds_since(active));
	out_number(commands);
	out_number(received);
	out_number(sent);
	return 0;
}

static int
ask_engine(struct ctl *ctl, int fd)
{
	struct ctl engine;
	struct msgout *m;
	struct msg msg;
	int ret;

	engine = *ctl;
	engine.fd = fd;
	m = ctl_new(&engine, CTL_SESSIONS);
	msg_put_u32(m, CTL_VERSION);
	ctl_send(&engine, m);
	while (ctl_next(&engine, &msg)) {
		if (msg.type == CTL_SESSION && show_session(ctl, &msg) == -1)
			warnx("%s: an answer is not understood", ctl->daemon);
	}
	ret = ctl_failed(&engine, "show sessions") ? -1 : 0;
	ctl_close(&engine);
	return ret;
}

int
each_engine(struct ctl *ctl, const char *what, int (*ask)(struct ctl *, int fd))
{
	const char *role;
	uint32_t i;
	int fd, ret = 0;

	if (strcmp(ctl->daemon, DAEMON_RELAY) == 0)
		return 0; /* it has none */
	role = strcmp(ctl->daemon, DAEMON_IMAP) == 0 ? "imap-engine" :
						       "smtp-engine";
	for (i = 0; i < INSTANCES_MAX; i++) {
		if ((fd = ctl_role(ctl, role, i)) == -1)
			break;
		if (ask(ctl, fd) == -1)
			ret = -1;
	}
	if (i > 0 && ctl->result == CTL_NONE)
		return ret; /* that was the last instance */
	return ctl_failed(ctl, what) ? -1 : ret;
}

static int
ask_sessions(struct ctl *ctl)
{
	return each_engine(ctl, "show sessions", ask_engine);
}

int
cmd_show_sessions(struct invocation *inv)
{
	out_start(session_columns,
	    sizeof(session_columns) / sizeof(session_columns[0]), inv->json);
	return finish(each_daemon(inv, ask_sessions));
}

static const struct column version_columns[] = {
    {"program", COLUMN_TEXT, 10},
    {"version", COLUMN_TEXT, 12},
    {"pid", COLUMN_NUMBER, 8},
    {"started", COLUMN_TIME, 20},
};

static int
ask_version(struct ctl *ctl)
{
	out_text(ctl->daemon);
	out_text(ctl->version);
	out_number(ctl->pid);
	out_time(ctl->started);
	return 0;
}

int
cmd_show_version(struct invocation *inv)
{
	out_start(version_columns,
	    sizeof(version_columns) / sizeof(version_columns[0]), inv->json);
	out_text("sealctl");
	out_text(SEALMAIL_VERSION);
	out_number((uint64_t)getpid());
	out_time(0);
	return finish(each_daemon(inv, ask_version));
}

static int
ask_log(struct ctl *ctl, uint8_t verbose)
{
	struct msgout *m;
	struct msg msg;

	m = ctl_new(ctl, CTL_LOG);
	msg_put_u8(m, verbose);
	ctl_send(ctl, m);
	while (ctl_next(ctl, &msg))
		continue;
	return ctl_failed(ctl, "log") ? -1 : 0;
}

static int
ask_brief(struct ctl *ctl)
{
	return ask_log(ctl, 0);
}

static int
ask_verbose(struct ctl *ctl)
{
	return ask_log(ctl, 1);
}

int
cmd_log_brief(struct invocation *inv)
{
	return each_daemon(inv, ask_brief);
}

int
cmd_log_verbose(struct invocation *inv)
{
	return each_daemon(inv, ask_verbose);
}

static int
ask_reload(struct ctl *ctl)
{
	struct msg msg;

	ctl_send(ctl, ctl_new(ctl, CTL_RELOAD));
	while (ctl_next(ctl, &msg))
		continue;
	return ctl_failed(ctl, "reload") ? -1 : certs_wait(ctl);
}

int
cmd_reload(struct invocation *inv)
{
	return each_daemon(inv, ask_reload);
}

static int
ask_stop(struct ctl *ctl)
{
	struct msg msg;

	ctl_send(ctl, ctl_new(ctl, CTL_STOP));
	while (ctl_next(ctl, &msg))
		continue;
	if (ctl_failed(ctl, "stop"))
		return -1;
	if (ctl_wait_end(ctl) == -1) {
		warnx("%s (pid %u) has not ended yet", ctl->daemon, ctl->pid);
		return -1;
	}
	return 0;
}

int
cmd_stop(struct invocation *inv)
{
	return each_daemon(inv, ask_stop);
}
