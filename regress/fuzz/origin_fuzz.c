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
 * Fuzzer of libmauth and of libdkim's verifier: records, keys, signatures and
 * fields of strangers.  The first octet chooses; the rest are lines, of which
 * each check takes what it needs, and then its answers, over and over.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "dkim_verify.h"
#include "mauth.h"

#define QUESTIONS_MAX 2000 /* of one check: far more than limits allow */
#define LINES_MAX 64
#define NOW 1700000000

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static struct {
	const char *p;
	size_t len;
} lines[LINES_MAX];
static size_t nlines, next_line;

static void
must(bool good)
{
	if (!good)
		abort();
}

/* A line as text: what it has no room for, or a NUL ends, is left out. */
static void
take(char *buf, size_t size)
{
	size_t len = 0;

	if (next_line < nlines) {
		len = lines[next_line].len;
		if (len >= size)
			len = size - 1;
		memcpy(buf, lines[next_line++].p, len);
	}
	buf[len] = '\0';
}

/* The next line answers: its first octet how, the rest is the record, twice. */
static void
reply(struct mauth_answer *a)
{
	static struct mauth_record records[12];
	static size_t turn;
	char how = '?';

	memset(a, 0, sizeof(*a));
	a->records = records;
	a->status = MAUTH_NOTHING;
	if (next_line >= nlines)
		return;
	turn = (turn + 1) % (nlines - next_line);
	memset(records, 0, sizeof(records));
	for (size_t i = 0; i < 12; i++) {
		records[i].data = "";
		if (lines[next_line + turn].len == 0)
			continue;
		how = *lines[next_line + turn].p;
		records[i].data = lines[next_line + turn].p + 1;
		records[i].len = lines[next_line + turn].len - 1;
	}
	if (how == '!')
		a->status = MAUTH_TROUBLE;
	if (how < '0' || how > '9')
		return;
	a->status = MAUTH_FOUND;
	a->n = how == '0' ? 12 : (size_t)(how - '0');
}

static void
fuzz_spf(void)
{
	char helo[300], local[300], domain[300];
	struct spf_client client;
	struct mauth_answer a;
	unsigned int n = 0;
	struct spf *s;

	take(helo, sizeof(helo));
	take(local, sizeof(local));
	take(domain, sizeof(domain));
	memset(&client, 0, sizeof(client));
	client.version = local[0] == '6' ? 6 : 4;
	memset(client.address, '1', sizeof(client.address));
	client.helo = helo;
	client.local = local;
	client.domain = domain;
	s = spf_new(&client);
	must(s != NULL);
	while (spf_question(s) != NULL) {
		must(++n < QUESTIONS_MAX);
		must(spf_question(s)->type == MAUTH_PTR ||
		    mauth_name_ok(spf_question(s)->name));
		reply(&a);
		spf_answer(s, &a);
	}
	must(spf_result(s) != MAUTH_POLICY && spf_result(s) < MAUTH_RESULTS);
	spf_free(s);
}

static void
fuzz_dmarc(void)
{
	char from[300], spf[300], dkim[300];
	struct dmarc_verdict v;
	struct mauth_answer a;
	struct dmarc *d;
	unsigned int n = 0;

	take(from, sizeof(from));
	take(spf, sizeof(spf));
	take(dkim, sizeof(dkim));
	d = dmarc_new(from);
	must(d != NULL);
	dmarc_proved(d, DMARC_BY_SPF, spf);
	for (int i = 0; i < 2; i++) {
		while (dmarc_question(d) != NULL) {
			must(++n < QUESTIONS_MAX);
			must(mauth_name_ok(dmarc_question(d)->name));
			reply(&a);
			dmarc_answer(d, &a);
		}
		dmarc_proved(d, DMARC_BY_DKIM, dkim);
	}
	while (dmarc_question(d) != NULL) {
		must(++n < QUESTIONS_MAX);
		reply(&a);
		dmarc_answer(d, &a);
	}
	dmarc_verdict(d, &v);
	must(v.record.pct <= 100 && v.policy <= DMARC_P_REJECT);
	must((v.result == MAUTH_PASS) == (v.spf || v.dkim));
	/* Nothing is aligned that is no kin of From. */
	if (v.spf)
		must(strlen(spf) > 0);
	dmarc_free(d);
}

/* The whole input is a header, with a key in front of it. */
static void
fuzz_dkim(const char *in, size_t len)
{
	char name[MAUTH_NAME_MAX];
	struct dkim_verify *v;
	struct mauth_answer a;
	const char *end;

	end = memchr(in, '\n', len);
	if (end == NULL)
		return;
	next_line = 0;
	nlines = 1;
	v = dkim_verify_new(end + 1, len - (size_t)(end + 1 - in), NOW);
	must(v != NULL);
	must(dkim_verify_count(v) <= DKIM_VERIFY_MAX);
	dkim_verify_body(v, in, len);
	for (size_t i = 0; i < dkim_verify_count(v); i++) {
		if (!dkim_verify_question(v, i, name))
			continue;
		must(mauth_name_ok(name) || strlen(name) > 253);
		reply(&a);
		dkim_verify_key(v, i, &a);
	}
	dkim_verify_end(v);
	for (size_t i = 0; i < dkim_verify_count(v); i++) {
		must(dkim_verify_result(v, i)->result != MAUTH_NONE);
		must((dkim_verify_result(v, i)->reason == NULL) ==
		    (dkim_verify_result(v, i)->result == MAUTH_PASS));
	}
	dkim_verify_free(v);
}

static void
fuzz_authres(const char *in, size_t len)
{
	char buf[AUTHRES_FIELD_MAX], text[400];
	struct authres a;
	size_t n;

	(void)authres_is(in, len, "mx.test");
	authres_begin(&a, buf, "mx.test");
	for (unsigned int i = 0; next_line < nlines; i++) {
		take(text, sizeof(text));
		authres_method(&a, "dkim", (enum mauth_result)(i % 8),
		    i % 3 == 0 ? text : NULL);
		authres_property(&a, "header.d", text);
	}
	if (authres_end(&a, &n) == -1)
		return;
	must(n < sizeof(buf) && strlen(buf) == n && n > 2);
	for (size_t i = 0; i + 2 < n; i++) {
		if (buf[i] == '\r')
			must(buf[i + 1] == '\n');
		if (buf[i] == '\n')
			must(buf[i - 1] == '\r' && buf[i + 1] == '\t');
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	const char *p, *end;

	if (len == 0)
		return 0;
	p = (const char *)data + 1;
	end = (const char *)data + len;
	nlines = next_line = 0;
	while (p < end && nlines < LINES_MAX) {
		lines[nlines].p = p;
		while (p < end && *p != '\n')
			p++;
		lines[nlines].len = (size_t)(p - lines[nlines].p);
		nlines++;
		p++;
	}
	switch (data[0] % 4) {
	case 0:
		fuzz_spf();
		break;
	case 1:
		fuzz_dmarc();
		break;
	case 2:
		fuzz_dkim((const char *)data + 1, len - 1);
		break;
	default:
		fuzz_authres((const char *)data + 1, len - 1);
		break;
	}
	return 0;
}
