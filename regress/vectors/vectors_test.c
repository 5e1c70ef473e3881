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
 * The committed vectors, which vectors.py computed from sealstore(5): what our
 * code makes of the same inputs, and whether it opens what was sealed there.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_log.h"
#include "seal_read.h"
#include "seal_scram.h"
#include "seal_sealed.h"
#include "store_del.h"
#include "vectors_helper.h"

#define ACCOUNT "made/accounts/vectors.example/someone"
#define CODES 4

ATF_TC_WITHOUT_HEAD(primitives);
ATF_TC_BODY(primitives, tc)
{
	static const unsigned int sizes[] = {
	    1664, 4096, 4097, 65536, 70001, 1000000, 12345678};
	struct value amk, v, data;
	uint8_t key[SEAL_KEY_LEN], out[64], chain[SEAL_CHAIN_LEN];
	char name[32];

	begin(tc);
	(void)vector("amk", &amk);
	for (int i = 1; i <= 7; i++) {
		seal_amk_sub(amk.p, (enum seal_sub)i, key);
		(void)snprintf(name, sizeof(name), "amk.%d", i);
		same(name, key, sizeof(key));
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		(void)snprintf(name, sizeof(name), "padme.%u", sizes[i]);
		ATF_CHECK_EQ(number(name), seal_padded(sizes[i]));
	}
	seal_amk_sub(amk.p, SEAL_SUB_HEAD, key);
	seal_mac(key, "what is kept", 12, out);
	same("mac", out, SEAL_SUM_LEN);
	(void)vector("box", &v);
	seal_amk_sub(amk.p, SEAL_SUB_SNAPSHOT, key);
	ATF_CHECK_EQ(0, seal_unbox(key, "its place", 9, v.p, v.len, out));
	ATF_CHECK_EQ(0, memcmp(out, "a small sealed thing", 20));
	ATF_CHECK_EQ(-1, seal_unbox(key, "its plate", 9, v.p, v.len, out));
	(void)vector("account", &v);
	(void)vector("log.writer", &data);
	seal_chain_start(v.p, data.p, data.len, chain);
	same("log.chain", chain, sizeof(chain));
	(void)vector("stored.id", &v);
	seal_derive_id("emailid", v.p, v.len, out);
	same("emailid", out, SEAL_ID_LEN);
}

ATF_TC_WITHOUT_HEAD(codes);
ATF_TC_BODY(codes, tc)
{
	static const struct {
		const char *name;
		enum seal_slot_kind kind;
		bool opens;
	} codes[CODES] = {
	    {"code.app", SEAL_SLOT_APP, true},
	    {"code.recovery", SEAL_SLOT_RECOVERY, true},
	    {"code.revoked", SEAL_SLOT_APP, false},
	    {"code.before", SEAL_SLOT_APP, false}, /* of before the rekey */
	};
	enum seal_slot_kind kind;
	struct seal_ring *r;
	uint32_t id;
	char name[64], code[SEAL_CODE_SIZE];
	int fd;

	begin(tc);
	fd = open_dir(ACCOUNT);
	for (size_t i = 0; i < CODES; i++) {
		(void)snprintf(name, sizeof(name), "%s", codes[i].name);
		(void)snprintf(code, sizeof(code), "%.44s", vector_text(name));
		ATF_CHECK_EQ(SEAL_CODE_VALID,
		    seal_code_parse(code, strlen(code), &kind, &id));
		(void)snprintf(name, sizeof(name), "%s.slot", codes[i].name);
		ATF_CHECK_EQ(number(name), id);
		ATF_CHECK_EQ(codes[i].kind, kind);
		r = unlock(fd, code, codes[i].kind);
		ATF_CHECK_EQ_MSG(
		    codes[i].opens, r != NULL, "%s", codes[i].name);
		seal_ring_free(r);
	}
	ATF_CHECK(unlock(fd, "no such password", SEAL_SLOT_MAIN) == NULL);
	ATF_CHECK(unlock(fd, "of the other host", SEAL_SLOT_MAIN) == NULL);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(sealed);
ATF_TC_BODY(sealed, tc)
{
	char file[SEAL_ESCROW_FILE_MAX] = "", label[SEAL_LABEL_MAX + 1];
	char public[SEAL_ESCROW_FILE_MAX], name[SEAL_LABEL_KEYID];
	struct seal_slot_info info;
	struct seal_account a;
	struct seal_escrow e;
	struct seal_slots *slots;
	uint8_t amk[SEAL_KEY_LEN], signature[SEAL_SCRAM_KEY], *p;
	struct value v, proof;
	size_t len;
	int fd;

	begin(tc);
	fd = open_dir("made");
	p = slurp(fd, "escrow.key", &len);
	ATF_REQUIRE(len < sizeof(file));
	memcpy(file, p, len);
	free(p);
	(void)vector("escrow.phrase", &v);
	ATF_REQUIRE_EQ(0, seal_escrow_open(file, (const char *)v.p, v.len, &e));
	same("escrow.secret", e.sk, sizeof(e.sk));
	p = slurp(fd, "escrow.pub", &len);
	seal_escrow_public(&e, public);
	ATF_CHECK_EQ(strlen(public), len);
	ATF_CHECK_EQ(0, memcmp(public, p, len));
	free(p);
	close(fd);
	fd = open_dir(ACCOUNT);
	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	slots = seal_slots_load(fd, &a);
	ATF_REQUIRE(slots != NULL);
	ATF_REQUIRE_EQ(0,
	    seal_slots_unseal(slots, &a, SEAL_SLOT_ESCROW, e.sk, amk, &info));
	same("amk", amk, sizeof(amk));
	seal_key_name(e.pk, name);
	ATF_REQUIRE_EQ(0, seal_slots_label(slots, &a, amk, info.id, label));
	ATF_CHECK_STREQ(name, label);
	(void)vector("member.secret", &v);
	ATF_REQUIRE_EQ(
	    0, seal_slots_unseal(slots, &a, SEAL_SLOT_MEMBER, v.p, amk, &info));
	same("amk", amk, sizeof(amk));
	ATF_REQUIRE_EQ(0, seal_slots_label(slots, &a, amk, info.id, label));
	ATF_CHECK_STREQ("member@vectors.example", label);
	ATF_CHECK_EQ(-1,
	    seal_slots_unseal(slots, &a, SEAL_SLOT_ESCROW, v.p, amk, &info));
	(void)vector("scram.message", &v);
	(void)vector("scram.proof", &proof);
	ATF_REQUIRE_EQ(0,
	    seal_scram_try(
		slots, &a, v.p, v.len, proof.p, amk, &info, signature));
	same("amk", amk, sizeof(amk));
	same("scram.signature", signature, sizeof(signature));
	ATF_CHECK_EQ(number("code.app.slot"), info.id);
	(void)vector("scram.main.message", &v);
	(void)vector("scram.main.proof", &proof);
	ATF_REQUIRE_EQ(0,
	    seal_scram_try(
		slots, &a, v.p, v.len, proof.p, amk, &info, signature));
	same("amk", amk, sizeof(amk));
	same("scram.main.signature", signature, sizeof(signature));
	ATF_CHECK_EQ(SEAL_SLOT_MAIN, info.kind);
	(void)vector("scram.past.message", &v);
	(void)vector("scram.past.proof", &proof);
	ATF_CHECK_EQ(-1,
	    seal_scram_try(
		slots, &a, v.p, v.len, proof.p, amk, &info, signature));
	seal_slots_free(slots);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(ring);
ATF_TC_BODY(ring, tc)
{
	static const uint32_t epochs[] = {1, 2, 3, 4, 1000};
	uint8_t key[SEAL_KEY_LEN], sig[SEAL_SIG_LEN];
	struct seal_delivery d;
	struct seal_account a;
	struct seal_ring *r;
	char name[32];
	int fd;

	begin(tc);
	fd = open_dir(ACCOUNT);
	r = unlock_password(fd);
	for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
		(void)snprintf(name, sizeof(name), "log_key.%u", epochs[i]);
		ATF_REQUIRE_EQ(0, seal_ring_log(r, epochs[i], key));
		same(name, key, sizeof(key));
	}
	seal_ring_sign(r, "vector", "a list", 6, sig);
	same("list_signature", sig, sizeof(sig));
	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	ATF_REQUIRE_EQ(0, seal_delivery_load(fd, &a, &d));
	same("delivery1.id", d.keyid, sizeof(d.keyid));
	same("delivery1.public", d.pk, sizeof(d.pk));
	ATF_REQUIRE_EQ(0, seal_ring_delivery(r, &d));
	same("delivery1.id", d.keyid, sizeof(d.keyid));
	seal_ring_free(r);
	close(fd);
}

/* The table's chunks of a kind: each opens, and nothing else does. */
static void
open_chunks(const struct seal_reader *rd, const struct seal_table *t,
    enum seal_kind kind, const uint8_t *file)
{
	struct seal_chunk c;
	uint8_t *out;

	out = malloc(SEAL_PIECE_MAX);
	ATF_REQUIRE(out != NULL);
	for (uint32_t i = 0; i < seal_table_chunks(t, kind); i++) {
		ATF_REQUIRE_EQ(0, seal_table_chunk(t, kind, i, &c));
		ATF_CHECK_EQ(
		    0, seal_chunk_open(rd, kind, i, &c, file + c.off, out));
		ATF_CHECK_EQ(-1,
		    seal_chunk_open(rd, kind, i + 1, &c, file + c.off, out));
	}
	free(out);
}

/* The file, with nothing but what anybody can check; len octets of it. */
static uint8_t *
load_blob(int fd, const char *prefix, size_t *len, struct seal_trailer *t)
{
	struct seal_header h;
	struct seal_sum *sum;
	uint8_t *file;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s.file", prefix);
	file = slurp(fd, vector_text(name), len);
	ATF_REQUIRE_EQ(
	    0, seal_trailer_parse(file + *len - SEAL_TRAILER_LEN, t));
	ATF_CHECK_EQ(*len, t->size);
	same_of(prefix, ".id", t->id, sizeof(t->id));
	ATF_REQUIRE_EQ(0, seal_header_parse(file, &h));
	same_of(prefix, ".id", h.id, sizeof(h.id));
	sum = seal_sum_new();
	ATF_REQUIRE(sum != NULL);
	seal_sum_update(sum, file, *len - SEAL_SUM_TAIL);
	ATF_CHECK_EQ(0, seal_sum_end(sum, t->sum));
	return file;
}

static void
open_blob(int fd, const struct seal_ring *r, const char *prefix, uint64_t size)
{
	struct seal_reader rd;
	struct seal_trailer t;
	struct seal_stanza s;
	struct seal_table *table;
	uint64_t off;
	uint8_t *file;
	size_t len, n;

	file = load_blob(fd, prefix, &len, &t);
	ATF_REQUIRE_EQ(0, seal_stanza_open(r, &t, &s));
	same_of(prefix, ".key", s.key, sizeof(s.key));
	ATF_CHECK_STREQ("alice@example.org", s.from);
	ATF_CHECK_STREQ("bob+lists@example.org", s.to);
	ATF_CHECK_STREQ("spf=pass", s.verdicts);
	ATF_REQUIRE_EQ(0, seal_reader_init(&rd, file, s.key));
	same_of(prefix, ".chunk_key", rd.key, sizeof(rd.key));
	same_of(prefix, ".ad", rd.ad, sizeof(rd.ad));
	ATF_REQUIRE_EQ(0, seal_locator_open(&rd, &t, &off, &n));
	table = seal_table_open(&rd, file + off, n);
	ATF_REQUIRE(table != NULL);
	ATF_CHECK_EQ(size, seal_table_size(table, SEAL_BODY));
	open_chunks(&rd, table, SEAL_BODY, file);
	open_chunks(&rd, table, SEAL_SUMMARY, file);
	seal_table_free(table);
	free(file);
}

ATF_TC_WITHOUT_HEAD(blobs);
ATF_TC_BODY(blobs, tc)
{
	struct seal_ring *r;
	int fd;

	begin(tc);
	fd = open_dir(ACCOUNT);
	r = unlock_password(fd);
	open_blob(fd, r, "stored", 70000);
	open_blob(fd, r, "deflate", 131072);
	open_blob(fd, r, "zstd", 66536);
	open_blob(fd, r, "waiting", 3000);
	seal_ring_free(r);
	close(fd);
}

/* Opened by our code, and sealed again by it: the same but for the nonce. */
static void
check_frame(const struct seal_ring *r, const char *prefix)
{
	uint8_t chain[SEAL_CHAIN_LEN], key[SEAL_KEY_LEN];
	struct value frame, plain, v;
	struct seal_frame f, again;
	uint8_t *out, *sealed;
	size_t len;

	(void)vector_of(prefix, "", &frame);
	ATF_REQUIRE_EQ(0, seal_frame_parse(frame.p, frame.len, &f));
	ATF_CHECK_EQ(frame.len, f.len);
	ATF_CHECK_EQ(0, seal_frame_check(frame.p, &f));
	ATF_REQUIRE_EQ(0, seal_ring_log(r, f.epoch, key));
	same_of(prefix, ".key", key, sizeof(key));
	memcpy(chain, vector_of(prefix, ".chain", &v), sizeof(chain));
	out = malloc(f.len);
	ATF_REQUIRE(out != NULL);
	ATF_REQUIRE_EQ(0, seal_frame_open(key, &f, chain, frame.p, out, &len));
	(void)vector_of(prefix, ".plain", &plain);
	ATF_CHECK(len <= plain.len - 4);
	ATF_CHECK_EQ(0, memcmp(plain.p + 4, out, len));
	same_of(prefix, ".tag", chain, sizeof(chain));
	memcpy(chain, vector_of(prefix, ".chain", &v), sizeof(chain));
	again = f;
	sealed = malloc(seal_frame_size(len));
	ATF_REQUIRE(sealed != NULL);
	ATF_REQUIRE_EQ(
	    0, seal_frame_seal(key, &again, chain, out, len, sealed));
	ATF_CHECK_EQ(f.len, again.len);
	ATF_CHECK_EQ(0, memcmp(sealed, frame.p, 24));
	free(sealed);
	free(out);
}

ATF_TC_WITHOUT_HEAD(frames);
ATF_TC_BODY(frames, tc)
{
	struct seal_ring *r;
	char name[32];
	int fd;

	begin(tc);
	fd = open_dir(ACCOUNT);
	r = unlock_password(fd);
	for (int i = 1; i <= 7; i++) {
		(void)snprintf(name, sizeof(name), "frame%d", i);
		check_frame(r, name);
	}
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(deletes);
ATF_TC_BODY(deletes, tc)
{
	static const struct {
		const char *blob;
		enum del_kind kind;
		bool due;
	} words[] = {
	    {"deflate", DEL_EXPIRE, true},
	    {"gone", DEL_EXPIRE, true},
	    {"stays", DEL_EXPIRE, false},
	    {"zstd", DEL_CANCEL, false},
	};
	const struct del_entry *e;
	struct seal_account a;
	struct del_list list;
	struct value v;
	int fd;

	begin(tc);
	fd = open_dir(ACCOUNT);
	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	ATF_CHECK_EQ(0, del_check(fd, &a, "0.3"));
	ATF_CHECK_EQ(0, del_check(fd, &a, "0.4"));
	del_init(&list);
	ATF_REQUIRE_EQ(0, del_load(fd, &a, &list));
	ATF_CHECK(!list.bad);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		e = del_find(&list, vector_of(words[i].blob, ".id", &v));
		ATF_REQUIRE_MSG(e != NULL, "%s", words[i].blob);
		ATF_CHECK_EQ(words[i].kind, e->kind);
		ATF_CHECK_EQ(words[i].due, del_due(e, 1800000000, 0));
	}
	del_clear(&list);
	close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, primitives);
	ATF_TP_ADD_TC(tp, codes);
	ATF_TP_ADD_TC(tp, sealed);
	ATF_TP_ADD_TC(tp, ring);
	ATF_TP_ADD_TC(tp, blobs);
	ATF_TP_ADD_TC(tp, frames);
	ATF_TP_ADD_TC(tp, deletes);
	return atf_no_error();
}
