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
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).  Every account is one quota
 * root, by its name, for all its mailboxes; who may see and set those of others
 * is for the vault and its master to say.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define QUOTA_UNIT 1024 /* octets of one unit of STORAGE */
#define QUOTA_KIB_MAX (INT64_MAX / QUOTA_UNIT)

static void
ask(struct job *job, uint32_t type, const char *root, size_t len)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	m = job_request(job, type);
	msg_put_bytes(m, root, len);
	/* "0 indicates that any usage is prohibited": one octet is no mail. */
	if (type == V_SETQUOTA) {
		msg_put_u64(m,
		    cmd->quota == IMAP_QUOTA_NONE ? 0 :
			cmd->quota == 0           ? 1 :
						    cmd->quota * QUOTA_UNIT);
		msg_put_u64(m,
		    cmd->quota_messages == IMAP_QUOTA_NONE ?
			0 :
			cmd->quota_messages + 1);
	}
	msg_send(m);
}

static bool
root_valid(struct job *job)
{
	const struct imap_str *root = &job->cmd->name;

	if (root->len > 0 && root->len < ACCOUNT_NAME_MAX)
		return true;
	job_done(job, "NO", "[NONEXISTENT] No such quota root");
	return false;
}

void
quota_start(struct job *job)
{
	if (root_valid(job))
		ask(job, V_QUOTA, job->cmd->name.p, job->cmd->name.len);
}

/* Of a mailbox that does not exist, too: it would belong to the same root. */
void
quotaroot_start(struct job *job)
{
	if (!box_name_valid(job->cmd, &job->cmd->name))
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
	else
		ask(job, V_QUOTA, "", 0);
}

/* All limits are named at once, so what we do not limit is refused whole. */
void
setquota_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;

	if (!root_valid(job))
		return;
	if (cmd->quota_other)
		job_done(
		    job, "NO", "[CANNOT] Only STORAGE and MESSAGE have limits");
	else if (cmd->quota != IMAP_QUOTA_NONE && cmd->quota > QUOTA_KIB_MAX)
		job_done(job, "NO", "[CANNOT] No limit is that high");
	else
		ask(job, V_SETQUOTA, cmd->name.p, cmd->name.len);
}

static void
put_quotaroot(struct job *job, const char *root, size_t len)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_buf *b = conn_out(job->conn);

	imap_puts(b, "* QUOTAROOT ");
	imap_put_mailbox(b, cmd->name.p, cmd->name.len, job->conn->utf8);
	imap_putc(b, ' ');
	imap_put_string(b, root, len);
	imap_puts(b, "\r\n");
}

static void
put_resource(struct imap_buf *b, const char *name, uint64_t used, uint64_t max)
{
	if (b->p[b->len - 1] != '(')
		imap_putc(b, ' ');
	imap_puts(b, name);
	imap_putc(b, ' ');
	imap_put_number(b, used);
	imap_putc(b, ' ');
	imap_put_number(b, max);
}

/* What is used is rounded up, what may be used down. */
void
quota_answer(struct job *job, struct msg *msg)
{
	char root[ACCOUNT_NAME_MAX];
	struct imap_buf *b;
	uint64_t used, limit, messages, max_messages;

	(void)msg_get_str(msg, root, sizeof(root));
	used = msg_get_u64(msg);
	limit = msg_get_u64(msg);
	messages = msg_get_u64(msg);
	max_messages = msg_get_u64(msg);
	if (msg->type != R_QUOTA || msg_end(msg) == -1) {
		conn_protocol(job->conn, "R_QUOTA");
		return;
	}
	if (job->cmd->verb == IMAP_GETQUOTAROOT)
		put_quotaroot(job, root, strlen(root));
	b = conn_out(job->conn);
	imap_puts(b, "* QUOTA ");
	imap_put_string(b, root, strlen(root));
	imap_puts(b, " (");
	if (limit != 0)
		put_resource(b, "STORAGE",
		    used / QUOTA_UNIT + (used % QUOTA_UNIT != 0),
		    limit / QUOTA_UNIT);
	if (max_messages != 0)
		put_resource(b, "MESSAGE", messages, max_messages - 1);
	imap_puts(b, ")\r\n");
}
