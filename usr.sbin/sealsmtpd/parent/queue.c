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
 * What smtp-queue needs of the parent: its directory, the queue key, limits and
 * DKIM keys.  Keys are here for the length of a function.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "smtp_procs.h"

#include "../queue_config.h"

static void make_key(const char *);
static void send_base(struct wire *, const struct conf *);
static uint8_t *read_key(const char *, FILE *);
static void send_key(struct wire *, const struct conf *);
static void send_dkim(const struct conf_dkim_key *, void *);

/* Before the sandbox, where this daemon may still write. */
void
prepare_queue(const struct conf *conf, const struct proc_settings *s)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/queue", s->base_dir);
	if (proc_dir_make(path, 0700, s->users[CONF_QUEUE].uid,
		s->users[CONF_QUEUE].gid) == -1)
		exit(1);
	make_key(conf->queue_key);
}

void
send_queue(struct wire *w, const struct conf *conf)
{
	send_base(w, conf);
	send_key(w, conf);
	if (conf_dkim_each(conf, send_dkim, w, stderr) == -1)
		log_warnx("dkim: keys of %s are missing", conf->dkim_directory);
}

/* The first start makes it; a queue without its key is lost. */
static void
make_key(const char *path)
{
	uint8_t key[QUEUE_KEY_LEN];
	int fd;

	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd == -1) {
		if (errno != EEXIST)
			fatal("queue key %s", path);
		return;
	}
	arc4random_buf(key, sizeof(key));
	if (write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) ||
	    fsync(fd) == -1 || close(fd) == -1)
		fatal("queue key %s", path);
	explicit_bzero(key, sizeof(key));
	log_info("queue key path=%s was made", path);
}

static void
send_base(struct wire *w, const struct conf *conf)
{
	static const enum conf_limit limits[] = {CONF_QUEUE_LIFETIME,
	    CONF_QUEUE_WARNING, CONF_QUEUE_RETRY, CONF_QUEUE_RETRY_LONGEST,
	    CONF_DESTINATION_JOBS};
	struct msgout *m;

	m = msg_new(w, QUEUE_CONFIG_BASE, 0);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		msg_put_u32(m, (uint32_t)conf->limits[limits[i]]);
	msg_put_u64(m, conf->limits[CONF_FREE_SPACE]);
	msg_put_u64(m, conf->limits[CONF_FREE_INODES]);
	msg_put_u8(m, conf->log_addresses);
	msg_send(m);
}

/* NULL after a line on errors; to be freed by freezero(). */
static uint8_t *
read_key(const char *path, FILE *errors)
{
	uint8_t *key;
	size_t len;
	int fd;

	fd = conf_open_secret(path, errors);
	if (fd == -1)
		return NULL;
	key = conf_read_file(fd, QUEUE_KEY_LEN, &len);
	(void)close(fd);
	if (key != NULL && len == QUEUE_KEY_LEN)
		return key;
	(void)fprintf(
	    errors, "queue key %s: not %d octets\n", path, QUEUE_KEY_LEN);
	if (key != NULL)
		freezero(key, len + 1);
	return NULL;
}

int
queue_usable(const struct conf *conf, FILE *errors)
{
	uint8_t *key;

	key = read_key(conf->queue_key, errors);
	if (key == NULL)
		return -1;
	freezero(key, QUEUE_KEY_LEN + 1);
	return 0;
}

static void
send_key(struct wire *w, const struct conf *conf)
{
	struct msgout *m;
	uint8_t *key;

	key = read_key(conf->queue_key, stderr);
	if (key == NULL)
		fatalx("queue key %s cannot be used", conf->queue_key);
	m = msg_new(w, QUEUE_CONFIG_KEY, 0);
	msg_put_raw(m, key, QUEUE_KEY_LEN);
	msg_send(m);
	freezero(key, QUEUE_KEY_LEN + 1);
}

/* A key that is missing leaves mail unsigned; that is said, not fatal. */
static void
send_dkim(const struct conf_dkim_key *d, void *arg)
{
	struct msgout *m;
	uint8_t *pem;
	size_t len;
	int fd;

	if (d->state != CONF_DKIM_SIGNS)
		return;
	pem = NULL;
	fd = conf_open_secret(d->path, stderr);
	if (fd != -1) {
		pem = conf_read_file(fd, QUEUE_PEM_MAX, &len);
		(void)close(fd);
	}
	if (pem == NULL) {
		log_warnx("dkim domain=%s selector=%s: key %s cannot be read",
		    d->domain, d->selector, d->path);
		return;
	}
	m = msg_new(arg, QUEUE_CONFIG_DKIM, 0);
	msg_put_str(m, d->domain);
	msg_put_str(m, d->selector);
	msg_put_bytes(m, pem, len);
	msg_send(m);
	freezero(pem, len + 1);
}
