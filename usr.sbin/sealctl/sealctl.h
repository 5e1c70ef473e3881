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
 * sealctl(8), the control tool: it reads the configuration for the paths of
 * the control sockets, asks the daemons, and prints.  It runs with the rights
 * of its caller and does nothing that the parents' peer check does not allow.
 */

#ifndef SEALCTL_H
#define SEALCTL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "msg.h"

/* Exit codes, as sealctl(8) lists them. */
#define EXIT_FAILED 1
#define EXIT_BAD_USAGE 2
#define EXIT_NOT_RUNNING 3

#define DAEMON_IMAP "sealimapd"
#define DAEMON_SMTP "sealsmtpd"
#define DAEMON_RELAY "sealrelayd"

struct conf;

/* ctl.c: one connection to a daemon's control socket. */
struct ctl {
	const char *daemon;
	int fd;
	uint32_t id;  /* of the request under way */
	uint32_t pid; /* what CTL_HELLO_IS said */
	int64_t started;
	uint8_t verbose;
	char version[64];
	enum ctl_result result;    /* what CTL_DONE said */
	char reason[CTL_TEXT_MAX]; /* of a result that is not CTL_OK */
};

/* 0; -1 if the daemon does not run or does not want us (printed). */
int ctl_open(struct ctl *, const struct conf *, const char *daemon);
/* It has not run since the host was booted. */
bool ctl_absent(const struct conf *, const char *daemon);
void ctl_close(struct ctl *);
/* Starts a request; fields are put into the message it returns. */
struct msgout *ctl_new(struct ctl *, uint32_t type);
void ctl_send(struct ctl *, struct msgout *);
/* The next message of the answer; false at CTL_DONE, or when it broke off. */
bool ctl_next(struct ctl *, struct msg *);
/* Prints why a request failed; returns whether it did. */
bool ctl_failed(const struct ctl *, const char *what);
/* Ends the program: a role of the daemon has not answered in time. */
void ctl_silent(const char *role, const char *daemon) __attribute__((noreturn));
/* A wire to a role of the daemon; -1 with result and reason set. */
int ctl_role(struct ctl *, const char *role, uint32_t instance);
/* Waits until the daemon has ended; -1 if it did not in time. */
int ctl_wait_end(struct ctl *);

/* out.c: records, as columns of text or, with -j, as an array of objects. */
enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_TIME,    /* seconds in JSON, a date in text */
	COLUMN_SENTENCE /* text with blanks; the last one */
};

struct column {
	const char *name; /* of the JSON member; in capitals, of the column */
	enum column_kind kind;
	int width;
};

/* Before any sandbox, in which terminals are not known. */
void out_init(void);
void out_start(const struct column *, size_t n, bool json);
/* The next field of the record, in the order of the columns. */
void out_text(const char *);
void out_number(uint64_t);
void out_time(int64_t);
size_t out_rows(void);
bool out_used(void); /* out_start() was called */
/*
 * Ends the array, or prints the columns' names above no record, unless the
 * command ends with a code that is not 0; -1 if standard output could not
 * take it all.
 */
int out_end(int code);

/* show.c */
struct invocation;
/*
 * Calls ask for each daemon that runs.  The exit code: success if at least
 * one ran and none that did failed.
 */
int each_daemon(struct invocation *, int (*ask)(struct ctl *));
/* Calls ask with a wire, its own then, to each engine of the daemon. */
int
each_engine(struct ctl *, const char *what, int (*ask)(struct ctl *, int fd));
/* out_end(), and the exit code that comes of it. */
int finish(int code);
/* The same of text that was printed without out_start(). */
int finish_text(void);
uint64_t process_memory(uint32_t pid); /* octets; 0: it cannot be told */

/* certs.c: waits for what became of them; -1 (printed) unless all is well. */
int certs_wait(struct ctl *);

/* accounts.c: a bar on standard error, where that is a terminal. */
bool bar_wanted(void);
void bar_start(uint64_t total);
void bar_add(uint64_t octets);
void bar_clear(void); /* before a line is printed, and at the end */

/* secret.c: what is typed without an echo, or a line of standard input. */
/* One line of standard input; -1 at its end, with the line wiped. */
int read_line(char *buf, size_t size);
/* The secret of that prompt; -1 (printed) if there is none. */
int read_secret(const char *prompt, char *buf, size_t size);
/* What is wrong with a new password; NULL: nothing. */
const char *password_wrong(const char *);
/* A new password, or pass phrase; on a terminal asked for twice. */
int read_password(const char *prompt, char *buf, size_t size);

/* storewire.c: a command's wire to the store master. */
struct store {
	struct ctl ctl;
	int fd;
	uint32_t id;
	int failed; /* answers with an error */
};

/* 0, or the exit code (printed). */
int store_open(struct store *, struct invocation *);
void store_close(struct store *);
/* Starts a question; the version comes first in each. */
struct msgout *store_new(struct store *, uint32_t type);
void store_send(struct msgout *);
void store_receive(struct store *, struct msg *);
/* MASTER_CTL_END: 0, or -1 with the reason printed. */
int store_end(struct msg *, const char *account);
/* Sends what is in m, about the account, and waits for the end: exit code. */
int store_ask(struct store *, struct msgout *, const char *account);
/*
 * The name as the engines make it of what a client types: lower case, with
 * the first domain of the configuration where there is none.  -1 (printed) if
 * it cannot be one.
 */
int account_name(const struct conf *, const char *arg, char *buf, size_t size);
/* The same; NULL, or what is wrong, until the next call. */
const char *account_name_wrong(
    const struct conf *, const char *arg, char *buf, size_t size);
/* user.c: asks for a new account; the id of the question. */
uint32_t
user_send_add(struct store *, const char *account, const char *password);
/* The secrets of one, of MASTER_CTL_CREATED; they are shown once. */
#define CREATED_SECRET_MAX 1024
#define CREATED_RECOVERY_MAX 256
struct created {
	char password[CREATED_SECRET_MAX];
	char recovery[CREATED_RECOVERY_MAX];
};
void user_created_get(struct msg *, struct created *);

/* The directory of accounts/, or -1 (printed). */
int accounts_base(const struct conf *);
/* -1 (printed): that directory, opened from path, is no copy of accounts. */
int accounts_there(int dir, const char *path);
/*
 * From here on only the files of accounts and below dir (or NULL) can be
 * reached, and written where it is said.  Fatal where the kernel cannot.
 */
void accounts_narrow(
    const struct conf *, const char *dir, bool writes_dir, bool writes_base);
/* A name in lower case, with a domain; -1 (printed) if it is too long. */
int
account_normal(const struct conf *, const char *arg, char *name, size_t size);
/*
 * Calls run with each account that the arguments from first on name, or with
 * all, and its directory.  Returns how many failed (printed, unless first is
 * negative: its absolute value is meant then).
 */
unsigned int accounts_each(const struct invocation *, int first, int base,
    int (*run)(const char *account, int fd, void *), void *arg);

/* pairs.c: -1 after a line for each certificate that cannot serve. */
void pairs_check(const struct conf *);

/* The commands: each returns the program's exit code. */
struct invocation {
	const struct conf *conf;
	const char *conf_path;
	bool json;
	int argc; /* what follows the command's words */
	char **argv;
};

int cmd_backup(struct invocation *);
int cmd_check(struct invocation *);
int cmd_dkim_new(struct invocation *);
int cmd_dkim_rotate(struct invocation *);
int cmd_dkim_show(struct invocation *);
int cmd_dns(struct invocation *);
int cmd_escrow_key(struct invocation *);
int cmd_escrow_open(struct invocation *);
int cmd_kick(struct invocation *);
int cmd_log_brief(struct invocation *);
int cmd_log_verbose(struct invocation *);
int cmd_queue_flush(struct invocation *);
int cmd_queue_list(struct invocation *);
int cmd_queue_message(struct invocation *);
int cmd_queue_pause(struct invocation *);
int cmd_queue_remove(struct invocation *);
int cmd_queue_reschedule(struct invocation *);
int cmd_queue_resume(struct invocation *);
int cmd_queue_show(struct invocation *);
int cmd_queue_tls(struct invocation *);
int cmd_queue_dmarc(struct invocation *);
int cmd_rebuild(struct invocation *);
int cmd_reload(struct invocation *);
int cmd_restore(struct invocation *);
int cmd_stop(struct invocation *);
int cmd_show_certificates(struct invocation *);
int cmd_show_processes(struct invocation *);
int cmd_show_sessions(struct invocation *);
int cmd_show_stats(struct invocation *);
int cmd_show_version(struct invocation *);
int cmd_trace(struct invocation *);
int cmd_sweep(struct invocation *);
int cmd_user_confirm(struct invocation *);
int cmd_user_add(struct invocation *);
int cmd_user_del(struct invocation *);
int cmd_user_disable(struct invocation *);
int cmd_user_enable(struct invocation *);
int cmd_user_import(struct invocation *);
int cmd_user_list(struct invocation *);
int cmd_user_quota(struct invocation *);
int cmd_user_rename(struct invocation *);
int cmd_user_show(struct invocation *);
int cmd_merge_check(struct invocation *);
int cmd_verify(struct invocation *);

#endif
