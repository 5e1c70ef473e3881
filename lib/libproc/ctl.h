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
 * The control sockets: what sealctl says to a parent, and the parent to
 * sealctl.  SOCK_SEQPACKET, libmsg messages.  The parent believes the kernel
 * and nothing else: RUNDIR/<daemon>.sock is for root, its own user and the
 * group of "control group", who may do everything; RUNDIR/<daemon>.read.sock
 * is there where the config names "control readers", who may ask only.  Names:
 * FROM_TO_WHAT without the FROM where both are obvious.  Every request (id
 * chosen by the asker, not 0) is answered with messages of the same id; the
 * last one is CTL_DONE.
 *
 * What a role answers itself goes over a wire to that role: sealctl makes a
 * pair (wire_pair()), keeps one end and sends the other with CTL_CONNECT.
 * After CTL_DONE with CTL_OK the parent has passed it on, and sealctl speaks
 * the role's own messages over its end (imap-store: store_wire.h, CTL_*).
 * So no parent sees a password.
 */

#ifndef CTL_H
#define CTL_H

#define CTL_VERSION 2
#define CTL_CLIENTS_MAX 16 /* control connections of one daemon */
#define CTL_TEXT_MAX 512   /* octets of a reason */
#define CTL_WAIT_MS 10000  /* what sealctl waits for an answer */
#define CTL_STATS_MS 2000  /* what the parent waits for its roles */

enum ctl_message {
	/* ---- sealctl -> parent ---- */

	/*
	 * First: u32 CTL_VERSION.  CTL_HELLO_IS: str daemon ("sealimapd"), str
	 * version, u32 pid, i64 started, u8 verbose; CTL_DONE.
	 */
	CTL_HELLO = 1,
	/* No payload.  CTL_PROCESS for each process, parent first; CTL_DONE. */
	CTL_PROCESSES = 2,
	/* No payload.  CTL_DONE, then everything stops. */
	CTL_STOP = 3,
	/* No payload.  CTL_DONE, with the reason where it was refused. */
	CTL_RELOAD = 4,
	/* u8: 0 brief, 1 verbose.  CTL_DONE. */
	CTL_LOG = 5,
	/*
	 * str role, u32 instance; descriptor.  CTL_DONE: CTL_OK, or
	 * CTL_NONE if there is no such role or instance (count instances up
	 * until CTL_NONE to ask all of them).
	 */
	CTL_CONNECT = 6,
	/*
	 * No payload.  CTL_COUNT for each counter of all processes that answer
	 * within CTL_STATS_MS; CTL_DONE.
	 */
	CTL_STATS = 7,
	/* No payload.  CTL_CERTIFICATE for each; CTL_DONE. */
	CTL_CERTIFICATES = 20,

	/* ---- parent -> sealctl ---- */
	CTL_HELLO_IS = 100,
	/*
	 * str role, u32 instance, u32 pid (0: not running), u32 uid, u32
	 * restarts, u8 enum proc_sandbox, i64 started (seconds, UTC), u32
	 * connections it serves.
	 */
	CTL_PROCESS = 101,
	/* str role, u32 instance, a row of stats.c */
	CTL_COUNT = 102,
	/*
	 * str name, u8 enum site_cert_state (that of the engine that is worst
	 * off), u8 enum site_ocsp_state, i64 expires (seconds, UTC; 0: not
	 * known), raw spki[SITE_SPKI_LEN], str reason (empty if all is well)
	 */
	CTL_CERTIFICATE = 120,
	/* u8 enum ctl_result, str reason (one line; empty if CTL_OK) */
	CTL_DONE = 103,

	/* ---- sealctl -> imap-engine, smtp-engine, by CTL_CONNECT ---- */

	/* u32 CTL_VERSION.  CTL_SESSION for each session; CTL_DONE. */
	CTL_SESSIONS = 200,
	/*
	 * u32 CTL_VERSION, u8 enum ctl_kick, u64 connection, str account or
	 * address.  Ends those sessions.  CTL_KICKED, CTL_DONE.
	 */
	CTL_KICK = 201,

	/* ---- imap-engine, smtp-engine -> sealctl ---- */
	/*
	 * u64 connection, str protocol (imap, smtp, lmtp), str source address,
	 * str account or empty, str TLS version or empty, str state (one
	 * word), i64 since, i64 last heard of (both seconds, UTC), u64
	 * commands, u64 octets received, u64 octets sent.
	 */
	CTL_SESSION = 210,
	/* u32 how many */
	CTL_KICKED = 211
};

/* Whose sessions. */
enum ctl_kick {
	CTL_KICK_SESSION = 1,
	CTL_KICK_ACCOUNT = 2,
	CTL_KICK_ADDRESS = 3
};

enum ctl_result {
	CTL_OK = 0,
	CTL_NONE = 1,   /* no such thing */
	CTL_DENIED = 2, /* not with these credentials */
	CTL_FAILED = 3, /* tried, and it failed: the reason says why */
	CTL_INVALID = 4 /* malformed, or not understood */
};

#endif
