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

/* What must hold of what the hosts show, whatever was done to them. */

#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "account.h"
#include "merge_world.h"
#include "store_retain.h"

static void
check_name(uint64_t box, uint32_t uid, uint64_t inst)
{
	size_t i;

	for (i = (box * 31 + uid) % NAMES; world()->names[i].uid != 0;
	     i = (i + 1) % NAMES) {
		if (world()->names[i].box != box ||
		    world()->names[i].uid != uid)
			continue;
		if (world()->names[i].inst != inst)
			violation("I1: %llu/%u names two messages",
			    (unsigned long long)box, uid);
		return;
	}
	world()->names[i] = (struct name){box, uid, inst};
}

static struct view *
find_view(struct host *h, uint64_t box)
{
	size_t i;

	for (i = 0; i < h->nviews; i++) {
		if (h->views[i].box == box)
			return &h->views[i];
	}
	if (h->nviews == BOXES)
		return NULL;
	h->views[h->nviews].box = box;
	return &h->views[h->nviews++];
}

static const struct shown *
had(const struct view *v, uint32_t uid)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (v->shown[i].uid == uid)
			return &v->shown[i];
	}
	return NULL;
}

/* I4: who knows the MODSEQ from before hears of what has changed since. */
static void
check_modseq(const struct shown *before, const struct shown *now)
{
	if (before != NULL && before->flags != now->flags &&
	    now->modseq <= before->modseq)
		violation("I4: flags of uid %u: %x at %llu, %x at %llu",
		    now->uid, before->flags, (unsigned long long)before->modseq,
		    now->flags, (unsigned long long)now->modseq);
}

const char *
keyword_name(unsigned int k)
{
	static const char *const all[KEYWORD_NAMES] = {
	    "one", "two", "three", "four"};

	return all[k];
}

/* Keywords of a message by their numbers; one twice is a violation. */
uint8_t
keyword_set(const struct store_box *b, uint64_t flags)
{
	uint8_t set;
	unsigned int i, k;

	for (set = 0, i = 0; i < b->nkeywords; i++) {
		if (!(flags & 1ULL << (8 + i)))
			continue;
		for (k = 0; k < 4; k++) {
			if (b->keywords[i] == NULL ||
			    strcasecmp(b->keywords[i], keyword_name(k)) != 0)
				continue;
			if (set & 1U << k)
				violation("I3: a keyword twice");
			set |= (uint8_t)(1U << k);
		}
	}
	for (i = 0; i < b->nkeywords; i++) {
		for (k = i + 1; k < b->nkeywords; k++) {
			if (b->keywords[i] != NULL && b->keywords[k] != NULL &&
			    strcasecmp(b->keywords[i], b->keywords[k]) == 0)
				violation("I3: two bits for one keyword");
		}
	}
	if (flags >> 8 >> b->nkeywords != 0)
		violation("I3: a flag without a name");
	return set;
}

/* What a client of this host now sees. */
void
present(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct shown *list;
	struct view *v;
	size_t i, n;

	if (h->a.st == NULL || world()->bad[0] != '\0')
		return;
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		m = column(h->a.st, b->id, &n);
		v = find_view(h, b->id);
		if (v == NULL)
			return;
		for (i = 0; i < n; i++) {
			check_name(b->id, m[i].uid, m[i].inst);
			world()->notes[number(&m[i])].seen = true;
			if (m[i].uid < v->next && had(v, m[i].uid) == NULL)
				violation("I2: late uid %llu/%u < %u, host %d",
				    (unsigned long long)b->id, m[i].uid,
				    v->next, (int)(h - world()->hosts));
		}
		list = calloc(n + 1, sizeof(*list));
		ATF_REQUIRE(list != NULL);
		for (i = 0; i < n; i++) {
			list[i] = (struct shown){m[i].uid,
			    (uint32_t)(m[i].flags & 0x1f) |
				(uint32_t)keyword_set(b, m[i].flags) << 8,
			    m[i].modseq};
			check_modseq(had(v, m[i].uid), &list[i]);
		}
		free(v->shown);
		v->shown = list;
		v->n = n;
		if (b->uidnext < v->next)
			violation("I2: UIDNEXT went down");
		v->next = b->uidnext;
	}
}

/* As both must show it; MODSEQ is each host's own. */
char *
view_text(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	const char *name;
	size_t i, n, size;
	char *text;
	FILE *f;

	f = open_memstream(&text, &size);
	ATF_REQUIRE(f != NULL);
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		fprintf(f, "box %llu %s v%u %u %u\n", (unsigned long long)b->id,
		    b->name, b->uidvalidity, b->messages, b->unseen);
		print_meta(f, h->a.st, b->id);
		m = column(h->a.st, b->id, &n);
		for (i = 0; i < n; i++)
			fprintf(f, " %u %u %llx %llx\n", m[i].uid,
			    number(&m[i]), (unsigned long long)m[i].flags,
			    (unsigned long long)m[i].inst);
	}
	print_meta(f, h->a.st, 0);
	for (name = NULL; (name = store_sub_next(h->a.st, name)) != NULL;)
		fprintf(f, "sub %s\n", name);
	fprintf(f, "lease %d\n", store_lease(h->a.st) == (h == world()->hosts));
	fclose(f);
	return text;
}

/*
 * Its messages were moved into another of its name: a flag that the other host
 * set meanwhile names an instance that is no more.
 */
static bool
joined(uint64_t box)
{
	return box != 0 && box_find(world()->hosts[0].a.st, box) == NULL;
}

static void
check_note(unsigned int n, unsigned int found, uint64_t flags, uint8_t kw)
{
	const struct note *note;
	unsigned int bit;
	int i;

	note = &world()->notes[n];
	/* Within its box it becomes another, on each host. */
	if (found > 1 && !note->copied && !note->killed && !note->within &&
	    note->moved[0] == 1 && note->moved[1] == 1 &&
	    note->to[0] == STORE_INBOX && note->to[1] == STORE_INBOX)
		violation("I3: message %u was moved to INBOX twice", n);
	if (!note->killed && (note->created || note->seen) && found == 0)
		violation("I3: message %u is lost", n);
	if (found > 1 && !note->copied && !(note->moved[0] && note->moved[1]) &&
	    !(note->killed && (note->moved[0] || note->moved[1])))
		violation("I3: message %u is there %u times", n, found);
	/* Where two boxes of a name were joined, its message was moved. */
	if (found > 0 && note->surely && !note->copied && !note->moved[0] &&
	    !note->moved[1] &&
	    box_find(world()->hosts[0].a.st, note->from) != NULL)
		violation("I3: message %u was expunged", n);
	if (found != 1 || note->copied || note->moved[0] || note->moved[1] ||
	    note->killed || note->spread || joined(note->in[0]) ||
	    joined(note->in[1]))
		return;
	for (bit = 1; bit < 8; bit <<= 1) {
		for (i = 0; i < 2; i++) {
			if ((note->flagged[i] & bit) &&
			    !(note->flagged[!i] & bit) &&
			    ((flags ^ note->value[i]) & bit))
				violation("I3: flag %u of %u", bit, n);
		}
	}
	for (bit = 1; bit < 16; bit <<= 1) {
		for (i = 0; i < 2; i++) {
			if ((note->named[i] & bit) &&
			    !(note->named[!i] & bit) &&
			    ((kw ^ note->names[i]) & bit))
				violation("I3: keyword %u of %u", bit, n);
		}
		if (!((note->named[0] | note->named[1]) & bit) && (kw & bit))
			violation("I3: keyword %u of %u invented", bit, n);
	}
}

/* Nothing is lost, nothing doubled, every body can be read on both. */
void
check_all(void)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct store_body *body;
	struct store_cold c;
	unsigned int found[MESSAGES] = {0}, i;
	uint64_t flags[MESSAGES] = {0};
	uint8_t kw[MESSAGES] = {0};
	size_t k, n;

	for (i = 0; i < 2; i++) {
		b = NULL;
		while (
		    (b = store_box_next(world()->hosts[i].a.st, b)) != NULL) {
			m = column(world()->hosts[i].a.st, b->id, &n);
			for (k = 0; k < n; k++) {
				found[number(&m[k])] += i == 0;
				flags[number(&m[k])] = m[k].flags;
				kw[number(&m[k])] = keyword_set(b, m[k].flags);
				if (store_body_open(world()->hosts[i].a.st,
					b->id, m[k].uid, &body) != STORE_OK)
					violation("no body of %u, host %u",
					    number(&m[k]), i);
				else
					store_body_close(body);
				OK(store_cold_get(world()->hosts[i].a.st, b->id,
				    m[k].uid, &c));
				if (!blob_there(world()->hosts[i].a.st, c.blob))
					violation("the body of %u was deleted, "
						  "host %u",
					    number(&m[k]), i);
			}
			if (box_find(world()->hosts[i].a.st, b->id)->want !=
			    NULL)
				violation("I3: two boxes of one name");
		}
	}
	for (i = 0; i < world()->nnotes; i++)
		check_note(i, found[i], flags[i], kw[i]);
}

/* Opened anew, from the snapshot and from the log alone, it is the same. */
void
check_again(struct host *h)
{
	char *before, *after, cmd[100];

	before = view_text(h);
	(void)store_close(h->a.st);
	h->a.st = NULL;
	if (dice(2) == 0) {
		snprintf(cmd, sizeof(cmd), "%s/" PLACE "/snap", h->dir);
		(void)path_remove_tree(AT_FDCWD, cmd);
		ATF_REQUIRE_EQ(0, mkdir(cmd, 0700));
	}
	host_open(h);
	if (world()->bad[0] == '\0') {
		after = view_text(h);
		if (strcmp(before, after) != 0)
			violation("opened anew it differs:\n%s---\n%s", before,
			    after);
		free(after);
	}
	free(before);
}

/* What the page says of these files is what the store shows. */
void
check_reader(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	const char *reader;
	char cmd[1200];
	size_t i, n;
	FILE *f;

	reader = getenv("READER");
	if (reader == NULL || h->a.st == NULL || world()->bad[0] != '\0' ||
	    store_commit(h->a.st) != STORE_OK)
		return;
	f = fopen("view", "w");
	ATF_REQUIRE(f != NULL);
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		fprintf(f, "box %llu %s %u %u\n", (unsigned long long)b->id,
		    b->name, b->uidvalidity, b->messages);
		m = column(h->a.st, b->id, &n);
		for (i = 0; i < n; i++)
			fprintf(f, " %u %llx %016llx\n", m[i].uid,
			    (unsigned long long)m[i].flags,
			    (unsigned long long)m[i].inst);
	}
	fclose(f);
	snprintf(
	    cmd, sizeof(cmd), "%s %s/" PLACE " secret view", reader, h->dir);
	world()->sum.read++;
	if (system(cmd) != 0)
		violation("%s sees something else", reader);
}

unsigned int
count_all(struct store *st, unsigned int n)
{
	const struct store_box *b;
	const struct store_msg *m;
	unsigned int there;
	size_t i, count;

	there = 0;
	for (b = NULL; (b = store_box_next(st, b)) != NULL;) {
		m = column(st, b->id, &count);
		for (i = 0; i < count; i++)
			there += number(&m[i]) == n;
	}
	return there;
}

struct store_msg *
only_message(struct store *st, uint64_t box, struct place *p)
{
	static struct store_msg m;
	struct cold c;

	ATF_REQUIRE_EQ(1, store_box_find(st, box)->messages);
	m = *store_msg_at(st, box, 0);
	ATF_REQUIRE_EQ(0, cold_read(st, m.cold, &c));
	memset(p, 0, sizeof(*p));
	p->box = box;
	p->how = HOW_AGAIN;
	memcpy(p->instance, c.instance, STORE_ID);
	memcpy(p->blob, c.blob, STORE_ID);
	memcpy(p->key, c.key, SEAL_KEY_LEN);
	p->bytes = c.bytes;
	p->size = m.size;
	p->date = m.date;
	return &m;
}
