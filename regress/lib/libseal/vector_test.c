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
 * The format against another implementation: vectors.py reads, from the page
 * sealstore(5) alone, what this library writes now, and both read what
 * is committed in vectors/, so that the format does not change unnoticed.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"
#include "seal_log.h"

#define BODY 70000
#define SUMMARY 300
#define OPS 500
#define LABEL "phone \xc3\xa4"
#define SKIPPED 77

static uint8_t
op(int frame, size_t i)
{
	return (uint8_t)(i * 3 + (size_t)frame);
}

static void
write_frames(int fd, const struct seal_ring *r)
{
	uint8_t chain[SEAL_CHAIN_LEN], key[SEAL_KEY_LEN], ops[OPS];
	uint8_t out[2 * (OPS + SEAL_FRAME_EXTRA)];
	struct seal_frame f;
	size_t len = 0;

	ATF_REQUIRE_EQ(0, seal_ring_log(r, seal_ring_epoch(r), key));
	seal_chain_start(
	    seal_ring_account(r)->id, (const uint8_t *)"writer", 6, chain);
	for (int n = 0; n < 2; n++) {
		memset(&f, 0, sizeof(f));
		f.flags = (uint8_t)n;
		f.nops = 2;
		f.epoch = seal_ring_epoch(r);
		f.seq = 100 + (uint64_t)n;
		for (size_t i = 0; i < OPS; i++)
			ops[i] = op(n, i);
		ATF_REQUIRE_EQ(
		    0, seal_frame_seal(key, &f, chain, ops, OPS, out + len));
		len += f.len;
	}
	helper_spew(fd, "frames", out, len);
}

/* An account with every kind of thing in it. */
static void
write_all(const char *dir)
{
	char recovery[SEAL_CODE_SIZE], app[SEAL_CODE_SIZE], codes[128];
	struct seal_delivery d;
	struct seal_slots *s;
	struct helper_blob b;
	struct seal_ring *r;
	uint32_t id;
	int fd;

	fd = helper_account(dir, &r, recovery);
	s = seal_slots_load(fd, seal_ring_account(r));
	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, seal_ring_account(r), seal_ring_amk(r),
		SEAL_SLOT_APP, SEAL_SCOPE_IMAP, "gone", app, &id));
	ATF_REQUIRE_EQ(0, seal_slots_revoke(s, id));
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, seal_ring_account(r), seal_ring_amk(r),
		SEAL_SLOT_APP, SEAL_SCOPE_IMAP, LABEL, app, &id));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	seal_slots_free(s);
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, 2000000));
	ATF_REQUIRE_EQ(0, seal_ring_save(fd, r, 1));
	ATF_REQUIRE_EQ(0, seal_delivery_save(fd, r, 1, &d));
	helper_seal(&b, &d, BODY, SUMMARY);
	helper_spew(fd, "blob", b.data, b.len);
	free(b.data);
	write_frames(fd, r);
	(void)snprintf(codes, sizeof(codes), "%s\n%s\n", recovery, app);
	helper_spew(fd, "codes", (const uint8_t *)codes, strlen(codes));
	seal_ring_free(r);
	close(fd);
}

static void
run_python(const atf_tc_t *tc, const char *dir)
{
	char cmd[2048];
	int status;

	(void)snprintf(cmd, sizeof(cmd),
	    "/usr/bin/python3 '%s/vectors.py' '%s'",
	    atf_tc_get_config_var(tc, "srcdir"), dir);
	status = system(cmd);
	ATF_REQUIRE(status != -1 && WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED || WEXITSTATUS(status) == 127)
		atf_tc_skip("needs python3 with nacl");
	ATF_REQUIRE_EQ(0, WEXITSTATUS(status));
}

static struct seal_ring *
unlock(int fd, const char *secret, struct seal_slots **slots)
{
	struct seal_slot_info info;
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_account a;
	char label[SEAL_LABEL_MAX + 1];
	struct seal_ring *r;

	ATF_REQUIRE_EQ(0, seal_init());
	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	*slots = seal_slots_load(fd, &a);
	ATF_REQUIRE(*slots != NULL);
	ATF_REQUIRE_EQ(0,
	    seal_slots_try(
		*slots, &a, secret, strlen(secret), &seal_kdf_low, amk, &info));
	if (info.kind == SEAL_SLOT_APP) {
		ATF_REQUIRE_EQ(
		    0, seal_slots_label(*slots, &a, amk, info.id, label));
		ATF_CHECK_STREQ(LABEL, label);
	}
	r = seal_ring_load(fd, &a, amk);
	ATF_REQUIRE(r != NULL);
	return r;
}

static void
read_blob(int fd, const struct seal_ring *r)
{
	struct seal_trailer t;
	struct seal_stanza s;
	uint8_t *data;
	size_t len;

	data = helper_slurp(fd, "blob", &len);
	ATF_CHECK_EQ(0, helper_check(data, len));
	ATF_REQUIRE_EQ(
	    0, seal_trailer_parse(data + len - SEAL_TRAILER_LEN, &t));
	ATF_REQUIRE_EQ(0, seal_stanza_open(r, &t, &s));
	ATF_CHECK_STREQ("bob+lists@example.org", s.to);
	ATF_CHECK_EQ(0, helper_open(data, len, s.key, BODY, SUMMARY));
	free(data);
}

static void
read_frames(int fd, const struct seal_ring *r)
{
	uint8_t chain[SEAL_CHAIN_LEN], key[SEAL_KEY_LEN], *data, *out;
	struct seal_frame f;
	size_t len, n, off = 0;

	data = helper_slurp(fd, "frames", &len);
	out = malloc(len);
	ATF_REQUIRE(out != NULL);
	seal_chain_start(
	    seal_ring_account(r)->id, (const uint8_t *)"writer", 6, chain);
	for (int i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(0, seal_frame_parse(data + off, len - off, &f));
		ATF_REQUIRE_EQ(0, seal_frame_check(data + off, &f));
		ATF_REQUIRE_EQ(0, seal_ring_log(r, f.epoch, key));
		ATF_REQUIRE_EQ(
		    0, seal_frame_open(key, &f, chain, data + off, out, &n));
		ATF_CHECK_EQ(OPS, n);
		ATF_CHECK_EQ(op(i, 77), out[77]);
		off += f.len;
	}
	ATF_CHECK_EQ(len, off);
	free(out);
	free(data);
}

ATF_TC_WITHOUT_HEAD(fresh);
ATF_TC_BODY(fresh, tc)
{
	write_all("fresh");
	run_python(tc, "fresh");
}

ATF_TC_WITHOUT_HEAD(committed);
ATF_TC_BODY(committed, tc)
{
	char path[1024], *codes, *recovery, *app;
	struct seal_slots *slots;
	struct seal_ring *r;
	size_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/vectors",
	    atf_tc_get_config_var(tc, "srcdir"));
	fd = open(path, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	codes = (char *)helper_slurp(fd, "codes", &len);
	codes[len] = '\0';
	recovery = codes;
	app = strchr(codes, '\n') + 1;
	app[-1] = '\0';
	app[strcspn(app, "\n")] = '\0';
	r = unlock(fd, recovery, &slots);
	seal_slots_free(slots);
	seal_ring_free(r);
	r = unlock(fd, app, &slots);
	seal_slots_free(slots);
	seal_ring_free(r);
	free(codes);
	r = unlock(fd, HELPER_PASSWORD, &slots);
	seal_slots_free(slots);
	read_blob(fd, r);
	read_frames(fd, r);
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(committed_python);
ATF_TC_BODY(committed_python, tc)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/vectors",
	    atf_tc_get_config_var(tc, "srcdir"));
	run_python(tc, path);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fresh);
	ATF_TP_ADD_TC(tp, committed);
	ATF_TP_ADD_TC(tp, committed_python);
	return atf_no_error();
}
