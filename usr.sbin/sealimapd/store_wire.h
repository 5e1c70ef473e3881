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
 * Wires of imap-store's master, opener and vault that come before a session:
 * who may log in, who becomes a vault, where deliveries are announced.  What a
 * session says afterwards is vault_wire.h.  Names: FROM_TO_WHAT; payload in
 * the order given; str and bytes carry a u32 length.  id: the asker's, not 0,
 * repeated in the answer.
 */

#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include "sasl.h" /* lengths of what SCRAM has */

#define STORE_WIRE_VERSION 2

#define ACCOUNT_NAME_MAX 320  /* octets of local@domain, NUL included */
#define SECRET_MAX 1024       /* octets of a password */
#define LABEL_MAX 64          /* octets of an app password's label */
#define CODE_MAX 64           /* octets of a code, NUL included */
#define LOGIN_ACCOUNT_MAX 128 /* logins waiting for one account */
#define LOGIN_PAIR_MAX 32     /* ... of them from one source address */
#define LOGIN_SOURCE_MAX 1024 /* ... from one source address */
#define LOGIN_QUEUE_MAX 8192  /* ... in all */
#define LOCK_WAIT_MS 5000     /* a new vault waits for a dying one */

/* What a login is for; a slot's scope must hold it. */
enum store_service {
	SERVICE_IMAP = 1,
	SERVICE_SUBMISSION = 2, /* smtp-engine; compare only, no vault */
	SERVICE_MANAGE = 3
};

/* How a login shows that it may. */
enum mechanism {
	MECHANISM_PASSWORD = 1,
	MECHANISM_SCRAM_ASK = 2,  /* SCRAM-SHA-256, not SERVICE_MANAGE */
	MECHANISM_SCRAM_PROVE = 3 /* likewise */
};

/* What the user is told of the account at each login, as an ALERT. */
enum vault_note {
	NOTE_PUT_BACK = 0x01, /* an older copy of its files; or rebuilt */
	NOTE_READ_ONLY = 0x02 /* damaged */
};

/* Why a login was not let in.  The client learns no difference but these. */
enum store_refusal {
	REFUSED_CREDENTIALS = 1, /* unknown name, wrong or revoked secret */
	REFUSED_DISABLED = 2,    /* said only to who knows the secret */
	REFUSED_UNAVAILABLE = 3, /* queue full, lock held, no memory, disk */
	REFUSED_LIMIT = 4,       /* too many sessions of this user */
	REFUSED_DAMAGED = 5,     /* the account cannot be opened; logged */
	REFUSED_RATE = 6 /* too many wrong secrets lately; see guard.c */
};

/* As logs and counters name it. */
static inline const char *
store_refusal_name(enum store_refusal refusal)
{
	switch (refusal) {
	case REFUSED_CREDENTIALS:
		return "credentials";
	case REFUSED_DISABLED:
		return "disabled";
	case REFUSED_UNAVAILABLE:
		return "unavailable";
	case REFUSED_LIMIT:
		return "limit";
	case REFUSED_DAMAGED:
		return "damaged";
	case REFUSED_RATE:
		return "rate";
	}
	return "?";
}

/* Changes of an account's slots; each is a login of SERVICE_MANAGE. */
enum slot_op {
	SLOT_PASSWD = 1,     /* new secret */
	SLOT_APP_ADD = 2,    /* label, scope */
	SLOT_APP_REVOKE = 3, /* slot id */
	SLOT_RECOVER = 4,
	SLOT_REKEY = 5,
	/* Not of slots: of what was deleted.  The answer's count is theirs. */
	SLOT_CONFIRM = 6, /* mass deletes need not wait */
	SLOT_PURGE = 7,   /* what was deleted cannot be brought back */
	/* Of slots again: may the password be proved (SCRAM)? */
	SLOT_SCRAM_ON = 8, /* the secret must be the password */
	SLOT_SCRAM_OFF = 9,
	SLOT_OP_LAST = SLOT_SCRAM_OFF
};

/* What came of one. */
enum slot_result {
	SLOT_DONE = 0,
	SLOT_FAILED = 1,  /* disk or memory; nothing was changed */
	SLOT_UNSURE = 2,  /* written, but not known to be durable */
	SLOT_UNKNOWN = 3, /* no such app password */
	SLOT_LIMIT = 4,   /* too many slots */
	SLOT_CANNOT = 5,  /* not with this secret; not this as a secret */
	SLOT_SHORT = 6    /* the new password: see SEAL_PASSWORD_MIN */
};

/* As logs name it, by the command of sealmail(1). */
static inline const char *
slot_op_name(enum slot_op op)
{
	switch (op) {
	case SLOT_PASSWD:
		return "passwd";
	case SLOT_APP_ADD:
		return "app-add";
	case SLOT_APP_REVOKE:
		return "app-revoke";
	case SLOT_RECOVER:
		return "recover";
	case SLOT_REKEY:
		return "rekey";
	case SLOT_CONFIRM:
		return "deleted-confirm";
	case SLOT_PURGE:
		return "deleted-purge";
	case SLOT_SCRAM_ON:
		return "scram-on";
	case SLOT_SCRAM_OFF:
		return "scram-off";
	}
	return "?";
}

/* Likewise. */
static inline const char *
slot_result_name(enum slot_result result)
{
	switch (result) {
	case SLOT_DONE:
		return "done";
	case SLOT_FAILED:
		return "failed";
	case SLOT_UNSURE:
		return "unsure";
	case SLOT_UNKNOWN:
		return "unknown";
	case SLOT_LIMIT:
		return "limit";
	case SLOT_CANNOT:
		return "cannot";
	case SLOT_SHORT:
		return "short";
	}
	return "?";
}

/*
 * What an account's domain says of its escrow slot: where a message has an
 * escrow wish that is u8 enum escrow_mode, raw[32] public key or zeros.
 */
enum escrow_mode {
	ESCROW_LEAVE = 0, /* the domain is not of the configuration */
	ESCROW_NONE = 1,
	ESCROW_KEY = 2
};

/* What a vault counts, and tells as what was added. */
enum vault_count {
	VAULT_SESSIONS,   /* that were begun */
	VAULT_COMMITS,    /* of changes by sessions, each a sync */
	VAULT_APPENDED,   /* messages */
	VAULT_DRAINS,     /* slices of deliveries taken in, each a sync */
	VAULT_DRAINED,    /* messages */
	VAULT_UNREADABLE, /* deliveries that do not open */
	VAULT_COUNTS
};

/* How a request of sealctl ended. */
enum ctl_end {
	CTL_END_DONE = 0,
	CTL_END_FAILED = 1,
	CTL_END_EXISTS = 2 /* an account that was to be made */
};

/* What a clerk may do for whom it serves. */
enum clerk_may {
	CLERK_LOOK = 0,
	CLERK_CHANGE = 1,
	CLERK_QUOTA = 2 /* look at an account, and change its quota */
};

/* How far the audit of a vault is. */
enum audit_state {
	AUDIT_GOES = 0,
	AUDIT_DONE = 1,
	AUDIT_FAILED = 2, /* it has ended without a result */
	AUDIT_BUSY = 3,   /* another one is under way */
	AUDIT_NOBODY = 4  /* nobody is logged in: there is no vault */
};

/* What the forker is to make. */
enum store_child { CHILD_OPENER = 1, CHILD_CLERK = 2 };

enum store_wire {
	/*
	 * engine -> master: somebody wants in.  u64 connection id, u8 service,
	 * str account (normalised).  Answered by OPENER or REFUSED.
	 */
	ENGINE_MASTER_LOGIN = 1,
	/* engine -> master: the login of this id is no longer wanted. */
	ENGINE_MASTER_CANCEL = 2,
	/* master -> engine: descriptor of a wire to the opener of this id. */
	MASTER_ENGINE_OPENER = 3,
	/* master -> engine: u8 refusal. */
	MASTER_ENGINE_REFUSED = 4,
	/*
	 * smtp-engine -> master: a user submits.  str account, u32 messages,
	 * u32 recipients, which count by the limits of an hour.
	 */
	ENGINE_MASTER_SPEND = 100,
	/* master -> smtp-engine: u32 seconds to wait; 0: go ahead. */
	MASTER_ENGINE_SPENT = 101,

	/*
	 * engine -> opener, on the wire of MASTER_ENGINE_OPENER: u32 version,
	 * u8 enum mechanism, bytes secret (SCRAM_PROVE: AuthMessage of RFC
	 * 5802, then raw[32] proof; SCRAM_ASK: empty); with SERVICE_MANAGE
	 * then u8 enum slot_op, bytes new secret, str label, u16 scope, u32
	 * slot id: those that the operation does not have are empty or 0.
	 */
	ENGINE_OPENER_AUTH = 10,
	/* opener -> engine: u8 refusal; then the wire is closed. */
	OPENER_ENGINE_NO = 11,
	/*
	 * opener -> engine, of SCRAM_ASK: raw[16] salt, u32 iterations.  Then
	 * the wire is closed: the proof, which may be long in coming, is
	 * another login.
	 */
	OPENER_ENGINE_CHALLENGE = 14,
	/* opener -> engine, of SCRAM_PROVE, before WELCOME: raw[32]
	   ServerSignature. */
	OPENER_ENGINE_PROVED = 15,
	/*
	 * opener or vault -> engine: u8 scope bits, u32 slot id, u64 session
	 * id, str account.  From here on the wire speaks vault_wire.h (or is
	 * closed, where the service opens no vault).
	 */
	VAULT_ENGINE_WELCOME = 12,
	/*
	 * vault -> engine, before WELCOME, where its user must be told of
	 * something: u8 bits of enum vault_note.
	 */
	VAULT_ENGINE_NOTE = 16,

	/*
	 * opener or vault -> engine, instead of WELCOME with SERVICE_MANAGE:
	 * u8 enum slot_result, u32 slot id (changed or made), str code (of an
	 * app password or recovery code; shown once), u32 app passwords that
	 * were revoked.  Then the wire is closed.
	 */
	VAULT_ENGINE_MANAGED = 13,

	/* opener -> master: u8 the secret was right; the core is free. */
	OPENER_MASTER_DERIVED = 20,
	/* opener -> master: may this process be the account's vault? */
	OPENER_MASTER_MAYI = 21,
	/*
	 * opener -> master, once it has a secret that no living vault knew:
	 * may it derive?  Answered by GO or BUSY, or by MASTER_OPENER_VAULT
	 * where one has come up that was not asked yet.
	 */
	OPENER_MASTER_DERIVE = 34,
	MASTER_OPENER_GO = 35,
	MASTER_OPENER_BUSY = 36,
	/* master -> opener: be it; or: one lives by now, here is a wire. */
	MASTER_OPENER_BE = 22,
	MASTER_OPENER_VAULT = 23, /* descriptor: wire to the vault */
	/* vault -> master: opened and serving.  u32 pid, to be shown. */
	VAULT_MASTER_UP = 24,
	/* vault -> master: u32 sessions now open. */
	VAULT_MASTER_SESSIONS = 25,
	/* vault -> master: no more sessions, please; exits after this. */
	VAULT_MASTER_ENDING = 26,
	/*
	 * vault -> master: a wire to a worker is wanted; id: enum
	 * worker_for, which the answer repeats.
	 */
	VAULT_MASTER_WORKER = 27,
	/* vault -> master, now and then: u64 for each enum vault_count. */
	VAULT_MASTER_COUNTS = 28,
	/*
	 * opener -> master: the secret was wrong; or right, and a living vault
	 * has the session (a new one says MAYI).
	 */
	OPENER_MASTER_WRONG = 29,
	OPENER_MASTER_RIGHT = 37,

	/* master -> vault: descriptor: wire to an opener of this account. */
	MASTER_VAULT_OPENER = 30,
	/* master -> vault: deliveries lie in in/. */
	MASTER_VAULT_MAIL = 31,
	/* master -> vault: descriptor: wire to a worker of its own. */
	MASTER_VAULT_WORKER = 32,
	/* master -> vault: end all sessions and exit (removed, disabled). */
	MASTER_VAULT_KICK = 33,
	/*
	 * master -> vault, after a reload: look now, and not in its own time,
	 * for files of the other host.  Nothing.
	 */
	MASTER_VAULT_NEWS = 39,
	/*
	 * vault -> master: a clerk for quotas of others, please.  Answered, in
	 * order, with its descriptor, or without one: the account is none of
	 * an administrator's.
	 */
	VAULT_MASTER_CLERK = 80,
	MASTER_VAULT_CLERK = 81,

	/*
	 * opener -> vault: is this secret known?  bytes secret, u8 service.
	 * Answered by KNOWN or UNKNOWN; a wrong one costs a hash.  With
	 * SERVICE_MANAGE the secret is empty and the answer UNKNOWN.
	 */
	OPENER_VAULT_TRY = 40,
	/* vault -> opener: u32 slot id, u8 scope. */
	VAULT_OPENER_KNOWN = 41,
	/* vault -> opener: raw[32] nonce, to prove the master key over. */
	VAULT_OPENER_UNKNOWN = 42,
	/*
	 * opener -> vault, after KNOWN (proof of zeros) or after a derivation:
	 * u32 slot id, u8 scope, u8 service, raw[32] proof = keyed BLAKE2b of
	 * nonce | u32 slot id (big-endian) under SEAL_SUB_PROOF, and the
	 * session's descriptor; before it u64 revision of the slot, bytes the
	 * slot again where its derivation is to cost more from now on (else
	 * empty), an escrow wish.  The vault then remembers the secret that TRY
	 * showed by a keyed tag.  A slot that has another revision by now is
	 * refused.
	 */
	OPENER_VAULT_SESSION = 43,
	/*
	 * opener -> vault, after a derivation: u32 slot id, u64 revision,
	 * raw[32] proof as above, then u8 enum slot_op, u16 scope, u32 slot
	 * id, str label, bytes slot (of PASSWD and REKEY: made by the opener,
	 * so that no event loop derives), raw[32] the new master key (of
	 * REKEY; else zeros), and the engine's descriptor.
	 */
	OPENER_VAULT_MANAGE = 45,
	/* vault -> opener: taken; the opener ends. */
	VAULT_OPENER_TAKEN = 44,

	/* smtp-deliver -> master: str account: a delivery is durable. */
	DELIVER_MASTER_MAIL = 50,

	/*
	 * master -> forker (which holds nothing and forks all children of the
	 * store): a child, please.  u8 enum store_child, u32 number that no
	 * other child has; descriptor: the child's wire to the master.
	 */
	MASTER_FORKER_CHILD = 70,
	/*
	 * master -> forker: the opener of that u32 number derives for an
	 * address that is suspected: u8 stop it, or let it go on.
	 */
	MASTER_FORKER_PAUSE = 71,
	/*
	 * master -> opener, first: str account, u8 service, u8 host index, u8
	 * a MASTER_OPENER_VAULT follows, u8 from that address come mostly
	 * wrong passwords, u64 KDF passes, u64 KDF octets, u32
	 * linger, u32 sessions at most, u32 days that mail stays in Trash, u32
	 * in Spam, u8 log verbosely, u8 log addresses in clear, an escrow
	 * wish; descriptor: wire to the engine.
	 */
	MASTER_OPENER_START = 71,
	/*
	 * master -> clerk (a child that serves one sealctl, or an
	 * administrator's vault), first: u8 host index, u8 enum clerk_may;
	 * descriptor: the wire to whom it serves.
	 */
	MASTER_CLERK_START = 72,
	/* clerk -> master: str domain: what does a password cost there? */
	CLERK_MASTER_KDF = 73,
	/*
	 * master -> clerk: u64 passes (0: no such domain), u64 octets; u64
	 * quota of a new account, u32 days that its mail may wait undrained;
	 * an escrow wish.
	 */
	MASTER_CLERK_KDF = 74,
	/* clerk -> master: str account: how many sessions? */
	CLERK_MASTER_SESSIONS = 75,
	MASTER_CLERK_SESSIONS = 76, /* u32, u32 pid of the vault or 0 */
	/* clerk -> master: str account: end its vault; answered then. */
	CLERK_MASTER_KICK = 77,
	MASTER_CLERK_KICKED = 78,
	/*
	 * master -> clerk, instead of START, once a day: sweep all accounts.
	 * Nothing; the clerk ends when it is done.
	 */
	MASTER_CLERK_SWEEP = 79,
	/*
	 * clerk -> master: str account: let its vault look at all that is
	 * sealed.  Answered by AUDITED until its state is not AUDIT_GOES.
	 */
	CLERK_MASTER_AUDIT = 110,
	/* master -> clerk: u8 enum audit_state, then as MASTER_CTL_AUDITED. */
	MASTER_CLERK_AUDITED = 111,
	MASTER_VAULT_AUDIT =
	    112, /* master -> vault: nothing; id: the clerk's */
	VAULT_MASTER_AUDITED = 113, /* as MASTER_CLERK_AUDITED */

	/*
	 * sealctl -> clerk, over the descriptor that its control message
	 * brought; answered by one or more USER messages and an END.
	 */
	CTL_MASTER_USER_ADD = 60,  /* u32 version, str account, bytes password
				    * (empty: make one up), u64 quota or 0 */
	CTL_MASTER_USER_DEL = 61,  /* u32 version, str account */
	CTL_MASTER_USER_LIST = 62, /* u32 version, str domain or empty */
	CTL_MASTER_USER_SHOW = 63, /* u32 version, str account */
	/*
	 * master -> sealctl: str account, str state (active, disabled), u64
	 * quota limit in bytes or 0, u64 bytes used, u64 messages, u64 one more
	 * than there may be of them or 0, u32 sessions, u32 pid of its vault or
	 * 0, i64 created, i64 last login or 0.
	 */
	MASTER_CTL_USER = 64,
	/* master -> sealctl: bytes password (empty if given), str recovery. */
	MASTER_CTL_CREATED = 65,
	/*
	 * u32 version, str account, u8 CTL_LIMIT_*: quota in octets, or both
	 * that and in messages; u64 octets (0: none), u64 one more than there
	 * may be messages (0: no limit).  Disabling ends the sessions.
	 */
	CTL_MASTER_USER_LIMIT = 90,
#define CTL_LIMIT_DISABLE 1
#define CTL_LIMIT_ENABLE 2
#define CTL_LIMIT_QUOTA 3
#define CTL_LIMIT_BOTH 4
	/* u32 version, str account, str new name; its sessions end. */
	CTL_MASTER_USER_RENAME = 91,
	/* clerk -> sealctl: u8 enum ctl_end, str one-line reason. */
	MASTER_CTL_END = 66,
	/*
	 * u32 version, str account, "" for all, u32 days of grace in trash/:
	 * execute what is due.  Answered by SWEPT and END.
	 */
	CTL_MASTER_SWEEP = 67,
	/*
	 * master -> sealctl: u32 accounts, u32 of them that failed, u64 blobs
	 * moved to trash/, u64 files removed.
	 */
	MASTER_CTL_SWEPT = 68,
	/*
	 * u32 version, str account: end its vault, and its sessions with it.
	 * END.
	 */
	CTL_MASTER_KICK = 92,
	/*
	 * u32 version, str account: its vault, if there is one, looks whether
	 * all that is sealed opens.  AUDITED, now and then, and END.
	 */
	CTL_MASTER_AUDIT = 114,
	/* clerk -> sealctl: u64 messages, u64 of how many, u64 octets, u64
	 * findings, so far. */
	MASTER_CTL_AUDITED = 115,
	/* u32 version, str account: its mass deletes need not wait.  END. */
	CTL_MASTER_CONFIRM = 69
};

/* What a vault wants a worker for. */
enum worker_for {
	WORKER_FOR_SEARCH = 1,
	WORKER_FOR_INDEX = 2 /* it can wait */
};

#endif
