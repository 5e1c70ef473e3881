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
 * Fuzzer of the opener: what an engine that is not to be trusted says before a
 * login, and what a vault and the master answer, against a real account.  It
 * may end, but by itself and having said one thing to the engine; nothing but
 * the right secret, or a vault's word, lets in.
 */

#include "../../usr.sbin/sealimapd/store/opener.c"

#include "fuzz_account.h"
#include "harness.h"
#include "msg_local.h"

#define STEPS_MAX 16
#define RIGHT "secret" /* fuzz_account.c */
/* The first octet of the input. */
#define SET_SERVICE 0x03
#define SET_VAULT 0x04
#define SET_SUSPECT 0x08
#define SET_NOBODY 0x10 /* there is no such account */
#define SET_RAISE 0x20  /* the domain wants a costlier derivation */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
int __real_seal_slots_try(const struct seal_slots *,
    const struct seal_account *, const char *, size_t, const struct seal_kdf *,
    uint8_t *, struct seal_slot_info *);
int __wrap_seal_slots_try(const struct seal_slots *,
    const struct seal_account *, const char *, size_t, const struct seal_kdf *,
    uint8_t *, struct seal_slot_info *);
void __wrap_vault_main(struct vault_start *) __attribute__((noreturn));
int __real_fcntl(int, int, long);
int __wrap_fcntl(int, int, long);

enum step_kind {
	ENGINE_AUTH,
	ENGINE_RAW, /* u32 type first; likewise the others */
	VAULT_RAW,
	VAULT_SAYS_KNOWN,
	VAULT_SAYS_UNKNOWN,
	VAULT_SAYS_TAKEN,
	MASTER_RAW, /* from here on by the master, who then says nothing else */
	MASTER_GO,
	MASTER_BUSY,
	MASTER_VAULT,
	MASTER_BE,
	STEP_KINDS
};

static struct {
	int master, engine, vault;
	unsigned int answers; /* last words to the engine */
	bool known;           /* a vault said that it knows the secret */
	bool opened;
	bool scripted; /* the master's words are of the input */
	bool let_in;
} f;

int __wrap_setpriority(int, id_t, int);

int
__wrap_setpriority(int which, id_t who, int nice)
{
	return 0;
}

/* Descriptors of no file are copied as well as others. */
int
__wrap_fcntl(int fd, int cmd, long arg)
{
	if (cmd == F_DUPFD_CLOEXEC && (fd == f.engine || fd == f.vault))
		return fd;
	return __real_fcntl(fd, cmd, arg);
}

int
__wrap_seal_slots_try(const struct seal_slots *slots,
    const struct seal_account *id, const char *secret, size_t len,
    const struct seal_kdf *kdf, uint8_t *amk, struct seal_slot_info *info)
{
	int ret;

	ret = __real_seal_slots_try(slots, id, secret, len, kdf, amk, info);
	if (ret == -1)
		return -1;
	if (slots == NULL || len != strlen(RIGHT) ||
	    memcmp(secret, RIGHT, len) != 0)
		abort();
	f.opened = true;
	return 0;
}

static void
let_in(void)
{
	if (!f.opened && !f.known)
		abort();
	f.let_in = true;
}

void
__wrap_vault_main(struct vault_start *start)
{
	if (!f.opened || start->ring == NULL)
		abort();
	let_in();
	f.answers++; /* the vault's */
	seal_ring_free(start->ring);
	exit(0);
}

static void
say(int fd, uint32_t type, const uint8_t *data, size_t len)
{
	harness_say(
	    fd, type, 1, data, len, type == MASTER_OPENER_VAULT ? f.vault : -1);
}

static void
told(int fd, const struct msg *m, void *arg)
{
	if (fd == f.engine) {
		if (m->type == VAULT_ENGINE_WELCOME ||
		    m->type == VAULT_ENGINE_MANAGED)
			let_in();
		else if (m->type != OPENER_ENGINE_NO &&
		    m->type != OPENER_ENGINE_CHALLENGE &&
		    m->type != OPENER_ENGINE_PROVED)
			abort();
		if (m->type != OPENER_ENGINE_PROVED)
			f.answers++;
	}
	if (fd == f.vault &&
	    (m->type == OPENER_VAULT_SESSION || m->type == OPENER_VAULT_MANAGE))
		let_in();
	/* The vault answers, but for submission there is none. */
	if (fd == f.master && m->type == OPENER_MASTER_RIGHT &&
	    o.service != SERVICE_SUBMISSION)
		f.answers++;
	if (fd == f.master && !f.scripted && m->type == OPENER_MASTER_DERIVE)
		say(fd, MASTER_OPENER_GO, NULL, 0);
	if (fd == f.master && !f.scripted && m->type == OPENER_MASTER_MAYI)
		say(fd, MASTER_OPENER_BE, NULL, 0);
}

static void
start_put(uint8_t set)
{
	struct escrow_wish escrow = {.mode = ESCROW_NONE};
	struct msgout *out;
	uint8_t service = set & SET_SERVICE;

	out = msg_new_fd(f.master, MASTER_OPENER_START, 0);
	msg_put_str(
	    out, (set & SET_NOBODY) != 0 ? "nobody@example.org" : FUZZ_ACCOUNT);
	msg_put_u8(out, service == 0 ? SERVICE_MANAGE : service);
	msg_put_u8(out, 0);
	msg_put_u8(out, (set & SET_VAULT) != 0);
	msg_put_u8(out, (set & SET_SUSPECT) != 0);
	msg_put_u64(out, seal_kdf_low.ops + ((set & SET_RAISE) != 0 ? 1 : 0));
	msg_put_u64(out, seal_kdf_low.mem);
	for (int i = 0; i < 4; i++)
		msg_put_u32(out, 10);
	msg_put_u8(out, 0);
	msg_put_u8(out, 0);
	escrow_wish_put(out, &escrow);
	harness_say(f.master, MASTER_OPENER_START, 0, out->buf + MSG_HEADER,
	    out->len - MSG_HEADER, f.engine);
	msg_cancel(out);
	if ((set & SET_VAULT) != 0)
		say(f.master, MASTER_OPENER_VAULT, NULL, 0);
}

static void
step_put(const struct harness_step *s)
{
	static const uint32_t types[STEP_KINDS] = {ENGINE_OPENER_AUTH, 0, 0,
	    VAULT_OPENER_KNOWN, VAULT_OPENER_UNKNOWN, VAULT_OPENER_TAKEN, 0,
	    MASTER_OPENER_GO, MASTER_OPENER_BUSY, MASTER_OPENER_VAULT,
	    MASTER_OPENER_BE};
	unsigned int kind = s->what % STEP_KINDS;
	const uint8_t *data = s->data;
	uint32_t type = types[kind];
	size_t len = s->len;
	int fd;

	if (type == 0) {
		if (len < sizeof(type))
			return;
		memcpy(&type, data, sizeof(type));
		data += sizeof(type);
		len -= sizeof(type);
	}
	fd = kind <= ENGINE_RAW      ? f.engine :
	    kind <= VAULT_SAYS_TAKEN ? f.vault :
				       f.master;
	if (fd == f.vault && type == VAULT_OPENER_KNOWN)
		f.known = true;
	if (fd == f.master)
		f.scripted = true;
	say(fd, type, data, len);
}

/* Beside the password an app password that may do SCRAM. */
static void
set_up(void)
{
	char code[SEAL_CODE_SIZE];
	const struct fuzz_account *a;
	const struct seal_account *id;
	struct seal_slots *slots;
	static const uint8_t salt[SEAL_SCRAM_SALT];
	const uint8_t *amk;
	uint32_t app, scram;

	if (f.master != 0)
		return;
	harness_start();
	harness_on_tell(told, NULL);
	a = fuzz_account();
	id = seal_ring_account(a->ring);
	amk = seal_ring_amk(a->ring);
	slots = seal_slots_load(a->acct, id);
	if (slots == NULL ||
	    seal_slots_code(slots, id, amk, SEAL_SLOT_APP, SEAL_SCOPE_IMAP, "",
		code, &app) == -1 ||
	    seal_slots_scram(
		slots, id, amk, app, code, strlen(code), salt, &scram) == -1 ||
	    seal_slots_save(a->acct, a->ring, 0, slots) == -1)
		abort();
	seal_slots_free(slots);
	opener_init(a->base);
	f.master = harness_fd();
	f.engine = harness_fd();
	f.vault = harness_fd();
}

static void
live(void)
{
	opener_main(f.master, fuzz_account()->base);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;

	if (len == 0)
		return 0;
	set_up();
	harness_begin();
	f.answers = 0;
	f.known = f.opened = f.scripted = f.let_in = false;
	memset(&o, 0, sizeof(o));
	o.engine = o.vault = o.acct = -1;
	start_put(data[0]);
	data++;
	len--;
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++)
		step_put(&s);
	if (harness_call(live))
		abort();
	/* Who is not let in hears it, unless the process failed. */
	if (f.answers > 1 || (harness_status() != 0 && !f.scripted))
		abort();
	free(o.secret);
	free(o.fresh);
	if (o.acct != -1)
		close(o.acct);
	harness_end();
	return 0;
}
