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
 * Lines to syslog, to standard error or to a sink.
 */

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define VIS_MAX 200 /* octets of one log_vis() result */

static struct {
	const char *tag;
	log_sink_fn sink;
	void *sink_arg;
	int verbose;
	bool to_syslog;
	bool in_sink;
} logger = {.tag = "sealmail"};

static void
log_emit(int, int, const char *, va_list) __attribute__((format(printf, 3, 0)));
static void log_out(int, const char *);
static void write_stderr(const char *, const char *);

void
log_init(const char *tag, bool to_stderr, int verbose)
{
	logger.tag = tag;
	logger.verbose = verbose;
	if (logger.to_syslog)
		closelog();
	logger.to_syslog = !to_stderr;
	if (logger.to_syslog)
		openlog(tag, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void
log_verbose(int verbose)
{
	logger.verbose = verbose;
}

int
log_is_verbose(void)
{
	return logger.verbose;
}

void
log_sink(log_sink_fn sink, void *arg)
{
	logger.sink = sink;
	logger.sink_arg = arg;
}

void
log_line(int priority, const char *tag, const char *line)
{
	if (logger.to_syslog)
		syslog(LOG_MAIL | priority, "%s: %s", tag, line);
	else
		write_stderr(tag, line);
}

bool
log_may(struct log_quota *q)
{
	struct timespec now;
	unsigned int left_out;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		return true;
	if (now.tv_sec != q->second) {
		q->second = now.tv_sec;
		q->said = 0;
		left_out = q->left_out;
		q->left_out = 0;
		if (left_out > 0)
			log_info("lines left out n=%u", left_out);
	}
	if (q->said < LOG_QUOTA) {
		q->said++;
		return true;
	}
	q->left_out++;
	return false;
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_emit(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (logger.verbose <= 0)
		return;
	va_start(ap, fmt);
	log_emit(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;
	int saved_errno;

	saved_errno = errno;
	va_start(ap, fmt);
	log_emit(LOG_WARNING, saved_errno, fmt, ap);
	va_end(ap);
	errno = saved_errno;
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_emit(LOG_WARNING, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list ap;
	int saved_errno;

	saved_errno = errno;
	va_start(ap, fmt);
	log_emit(LOG_CRIT, saved_errno, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_emit(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(1);
}

const char *
log_vis(const char *text)
{
	if (text == NULL)
		return "-";
	return log_vis_len(text, strlen(text));
}

const char *
log_vis_len(const void *data, size_t len)
{
	static char bufs[LOG_VIS_BUFS][VIS_MAX + 1];
	static unsigned int next;
	const unsigned char *p;
	char *buf, *end, one[8];
	size_t n;

	if (data == NULL)
		return "-";
	buf = bufs[next++ % LOG_VIS_BUFS];
	end = buf;
	for (p = data; len > 0; p++, len--) {
		if (*p > ' ' && *p < 0x7f && strchr("=\"'\\", *p) == NULL)
			(void)snprintf(one, sizeof(one), "%c", *p);
		else
			(void)snprintf(one, sizeof(one), "\\%03o", *p);
		n = strlen(one);
		if (n > (size_t)(buf + VIS_MAX - end))
			break;
		memcpy(end, one, n);
		end += n;
	}
	*end = '\0';
	return buf;
}

/* errnum is 0 or what to add as text. */
static void
log_emit(int priority, int errnum, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	size_t len;
	int n;

	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n < 0)
		return;
	len = strlen(line);
	if (errnum != 0)
		(void)snprintf(
		    line + len, sizeof(line) - len, ": %s", strerror(errnum));
	/* One event is one line, whatever a caller forgot to encode. */
	for (char *p = line; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	log_out(priority, line);
}

static void
log_out(int priority, const char *line)
{
	if (logger.sink != NULL && !logger.in_sink) {
		logger.in_sink = true;
		logger.sink(priority, line, logger.sink_arg);
		logger.in_sink = false;
	} else if (logger.to_syslog && logger.sink == NULL)
		syslog(LOG_MAIL | priority, "%s", line);
	else
		write_stderr(logger.tag, line);
}

/* One write(2), so that lines of several processes do not mix. */
static void
write_stderr(const char *tag, const char *line)
{
	char out[LOG_LINE_MAX + 64];
	size_t len;

	(void)snprintf(out, sizeof(out) - 1, "%.60s: %s", tag, line);
	len = strlen(out);
	out[len++] = '\n';
	(void)!write(STDERR_FILENO, out, len);
}
