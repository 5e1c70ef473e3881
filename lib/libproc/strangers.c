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
 * Connections of other daemons: their parents, which accepted them, tell where
 * they come from, and the roles here that watch connections are told in turn.
 * So an engine of another daemon has no say in which address its limits of
 * failed logins count by.
 */

#include <sys/types.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "procs_local.h"

struct stranger {
	RB_ENTRY(stranger) entry;
	struct told told;
};

static int stranger_cmp(struct stranger *, struct stranger *);
static void stranger_free(struct proc_strangers *, struct stranger *);

RB_PROTOTYPE(proc_strangers, stranger, entry, stranger_cmp)
RB_GENERATE(proc_strangers, stranger, entry, stranger_cmp)

static uint64_t n_strangers; /* of all daemons */

static int
stranger_cmp(struct stranger *a, struct stranger *b)
{
	return a->told.id < b->told.id ? -1 : a->told.id > b->told.id;
}

int
proc_stranger_add(struct proc_strangers *all, struct msg *m)
{
	struct proc_conn conn;
	struct stranger *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	memset(&conn, 0, sizeof(conn));
	s->told.id = msg_get_u64(m);
	s->told.listener = msg_get_u32(m);
	proc_addr_get(m, &conn);
	s->told.ss = conn.ss;
	s->told.trusted = msg_get_u8(m) != 0;
	if (msg_end(m) == -1 ||
	    n_strangers >= proc_supervisor()->settings->conns_max ||
	    RB_INSERT(proc_strangers, all, s) != NULL) {
		free(s);
		return -1;
	}
	n_strangers++;
	proc_told_opened(&s->told);
	return 0;
}

int
proc_stranger_remove(struct proc_strangers *all, struct msg *m)
{
	struct stranger *s, key;

	memset(&key, 0, sizeof(key));
	key.told.id = msg_get_u64(m);
	if (msg_end(m) == -1)
		return -1;
	s = RB_FIND(proc_strangers, all, &key);
	if (s != NULL)
		stranger_free(all, s);
	return 0;
}

void
proc_strangers_clear(struct proc_strangers *all)
{
	struct stranger *s;

	while ((s = RB_ROOT(all)) != NULL)
		stranger_free(all, s);
}

void
proc_strangers_tell(struct proc_strangers *all, struct wire *w)
{
	struct stranger *s;

	RB_FOREACH (s, proc_strangers, all)
		proc_tell(w, PROC_CONN_OPENED, &s->told);
}

static void
stranger_free(struct proc_strangers *all, struct stranger *s)
{
	proc_told_ended(s->told.id);
	RB_REMOVE(proc_strangers, all, s);
	n_strangers--;
	free(s);
}
