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
 * Accounts as directories, for the commands that work on files: which are
 * meant by the command line, and how far a command has come.
 */

#include <sys/types.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "proc.h"
#include "sealctl.h"
#include "store_blob.h"

#define BAR_WIDTH 40
#define BAR_STEP_NS 100000000LL /* between two drawings */

static struct {
	bool on; /* a terminal looks */
	uint64_t total;
	uint64_t done;
	struct timespec drawn;
} bar;

static void
bar_draw(void)
{
	char line[BAR_WIDTH + 1];
	unsigned int percent;

	percent = bar.total == 0 || bar.done >= bar.total ?
	    100 :
	    (unsigned int)((double)bar.done * 100 / (double)bar.total);
	memset(line, '.', BAR_WIDTH);
	memset(line, '#', percent * BAR_WIDTH / 100);
	line[BAR_WIDTH] = '\0';
	(void)fprintf(stderr, "\r[%s] %3u %%  %llu of %llu MB", line, percent,
	    (unsigned long long)(bar.done >> 20),
	    (unsigned long long)(bar.total >> 20));
}

/* Asked first before the sandbox, in which terminals are not known. */
bool
bar_wanted(void)
{
	static int wanted = -1;

	if (wanted == -1)
		wanted = isatty(STDERR_FILENO) == 1;
	return wanted == 1;
}

void
accounts_narrow(
    const struct conf *conf, const char *dir, bool writes_dir, bool writes_base)
{
	struct proc_path paths[2];
	size_t n;

	(void)bar_wanted();
	memset(paths, 0, sizeof(paths));
	n = 0;
	paths[n].path = conf->directory;
	paths[n++].perm = writes_base ? "rwc" : "r";
	if (dir != NULL) {
		paths[n].path = dir;
		paths[n++].perm = writes_dir ? "rwc" : "r";
	}
	proc_tool_narrow(conf->best_effort,
	    writes_dir || writes_base ? "stdio rpath wpath cpath fattr flock" :
					"stdio rpath",
	    paths, n);
}

void
bar_start(uint64_t total)
{
	memset(&bar, 0, sizeof(bar));
	bar.on = bar_wanted();
	bar.total = total;
}

void
bar_add(uint64_t octets)
{
	struct timespec now;
	long long ns;

	bar.done += octets;
	if (!bar.on || clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		return;
	ns = (now.tv_sec - bar.drawn.tv_sec) * 1000000000LL + now.tv_nsec -
	    bar.drawn.tv_nsec;
	if (ns < BAR_STEP_NS)
		return;
	bar.drawn = now;
	bar_draw();
}

/* Before a line is printed, and at the end. */
void
bar_clear(void)
{
	if (bar.on)
		(void)fputs("\r\033[K", stderr);
}

int
accounts_base(const struct conf *conf)
{
	int fd;

	fd = open(conf->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		warn("%s", conf->directory);
	return fd;
}

int
account_normal(
    const struct conf *conf, const char *arg, char *name, size_t size)
{
	int n;

	if (strchr(arg, '@') == NULL)
		n = snprintf(name, size, "%s@%s", arg, conf->domains[0].name);
	else
		n = snprintf(name, size, "%s", arg);
	if (n < 0 || (size_t)n >= size) {
		warnx("%.40s...: too long for a name", arg);
		return -1;
	}
	for (; *name != '\0'; name++)
		*name = (char)tolower((unsigned char)*name);
	return 0;
}

int
accounts_there(int dir, const char *path)
{
	if (faccessat(dir, "accounts", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno == ENOENT)
		warnx("%s: there is no folder accounts in it", path);
	else
		warn("%s/accounts", path);
	return -1;
}

/* The system's words for what the administrator can mend. */
static const char *
reason(enum store_result result)
{
	return result == STORE_IO && (errno == EACCES || errno == EPERM) ?
	    strerror(errno) :
	    store_strerror(result);
}

struct each {
	int base;
	int (*run)(const char *account, int fd, void *arg);
	void *arg;
	unsigned int failed;
	bool quiet;
};

static int
each_one(const char *account, void *arg)
{
	struct each *e = arg;
	enum store_result result;
	const char *why;
	int fd;

	errno = 0;
	result = store_account_open(e->base, account, &fd);
	if (result != STORE_OK) {
		why = reason(result);
		bar_clear();
		if (!e->quiet)
			warnx("%s: %s", account,
			    result == STORE_UNKNOWN ? "no such account" : why);
		e->failed++;
		return 0;
	}
	if (e->run(account, fd, e->arg) == -1)
		e->failed++;
	(void)close(fd);
	return 0;
}

unsigned int
accounts_each(const struct invocation *inv, int first, int base,
    int (*run)(const char *, int, void *), void *arg)
{
	struct each e = {base, run, arg, 0, false};
	char name[STORE_ACCOUNT_MAX];
	enum store_result result;
	const char *why;
	int i;

	/* Measured first, complained about when it is its turn. */
	e.quiet = first < 0;
	first = first < 0 ? -first : first;
	if (first >= inv->argc) {
		errno = 0;
		result = store_account_list(base, NULL, each_one, &e);
		if (result != STORE_OK) {
			why = reason(result);
			bar_clear();
			if (!e.quiet)
				warnx("accounts: not all can be looked at: %s",
				    why);
			e.failed++;
		}
		return e.failed;
	}
	for (i = first; i < inv->argc; i++) {
		if (account_normal(
			inv->conf, inv->argv[i], name, sizeof(name)) == -1)
			e.failed++;
		else
			(void)each_one(name, &e);
	}
	return e.failed;
}
