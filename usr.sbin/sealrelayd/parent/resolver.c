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
 * What smtp-resolver is sent: forwarders, and the trust anchors of a file,
 * line by line.  libunbound reads the records; the parent does not.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "relay_procs.h"

#include "../resolver_config.h"

static void send_anchors(struct wire *, const char *);
static void send_text(struct wire *, uint32_t, const char *);

void
send_resolver(struct wire *w, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_forwards; i++)
		send_text(w, RESOLVER_CONFIG_FORWARD, conf->forwards[i]);
	if (conf->anchors[0] != '\0')
		send_anchors(w, conf->anchors);
}

/*
 * Without the file, names could be resolved, but by the root's keys: a site
 * that has its own root would take every answer for forged, and say so.
 */
static void
send_anchors(struct wire *w, const char *path)
{
	char *text, *line, *next;
	size_t len, n;
	int fd;

	text = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1) {
		text = (char *)conf_read_file(fd, CONF_ANCHORS_MAX, &len);
		(void)close(fd);
	}
	if (text == NULL) {
		log_warn("resolver anchors %s", path);
		return;
	}
	n = 0;
	next = text;
	while ((line = strsep(&next, "\n")) != NULL) {
		line[strcspn(line, ";#")] = '\0';
		if (line[strspn(line, " \t\r")] == '\0')
			continue;
		if (n++ == RESOLVER_ANCHORS_MAX ||
		    strlen(line) >= RESOLVER_CONFIG_MAX) {
			log_warnx(
			    "resolver anchors %s: too many, or too long", path);
			break;
		}
		send_text(w, RESOLVER_CONFIG_ANCHOR, line);
	}
	free(text);
}

static void
send_text(struct wire *w, uint32_t type, const char *text)
{
	struct msgout *m;

	m = msg_new(w, type, 0);
	msg_put_str(m, text);
	msg_send(m);
}
