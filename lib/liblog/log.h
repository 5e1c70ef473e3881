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
 * Logging for all programs: one line per event, a word or two and then
 * key=value, at most LOG_LINE_MAX octets.  Nothing here allocates memory, and
 * no line carries a secret: what came from outside goes through log_vis(), a
 * mail address through log_addr().
 */

#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define LOG_LINE_MAX 1024 /* octets of a line; longer ones are cut */
#define LOG_KEY_LEN 32

/*
 * Starts logging as tag (not copied): to standard error, or else to syslog(3),
 * facility mail, which is opened now, before the sandbox.  Calls again change
 * it.  Before the first call lines go to standard error.
 */
void log_init(const char *tag, bool to_stderr, int verbose);
void log_verbose(int verbose); /* above 0: log_debug() lines too */
int log_is_verbose(void);

/*
 * Sends every line elsewhere (a role: to its parent); NULL ends that.  A line
 * logged while the sink runs goes to standard error, so a failing sink cannot
 * recurse.  priority is syslog's (LOG_CRIT to LOG_DEBUG).
 */
typedef void (*log_sink_fn)(int priority, const char *line, void *arg);
void log_sink(log_sink_fn, void *arg);

/* Logs a finished line for another process: a parent for its roles. */
void log_line(int priority, const char *tag, const char *line);

/*
 * Lines that strangers cause at will: true for the first LOG_QUOTA of a second;
 * those left out are counted, and told by a line when the next one may be said.
 */
#define LOG_QUOTA 50
struct log_quota {
	time_t second;
	unsigned int said;
	unsigned int left_out;
};
bool log_may(struct log_quota *);

void log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
/* log_warn() and fatal() add ": " and the text of errno. */
void log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
/* These log and end the process with status 1. */
void fatal(const char *, ...) __attribute__((noreturn, format(printf, 1, 2)));
void fatalx(const char *, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * A printable form of untrusted text for a log line, cut to 200 octets: one of
 * LOG_VIS_BUFS static buffers, so valid for that many more calls.  Blanks,
 * quotes and '=' are encoded too, so one value stays one word.  NULL gives "-".
 */
#define LOG_VIS_BUFS 8
const char *log_vis(const char *);
const char *log_vis_len(const void *, size_t);

/*
 * A mail address for a log line, static like log_vis(): "h:" and twelve hex
 * digits of a keyed hash of its lower-case form, or, after log_addr_clear(true)
 * (the config's "log addresses yes"), the address itself.  Without a key:
 * "h:-".
 */
void log_addr_key(const uint8_t key[LOG_KEY_LEN]);
void log_addr_clear(bool);
const char *log_addr(const char *);

#endif
