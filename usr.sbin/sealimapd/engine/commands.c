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
 * The table of commands: where each is allowed, what may run beside it, and
 * who does it.  The grammar's table is in libimap.
 */

#include <sys/types.h>

#include "engine.h"

static const struct command commands[] = {
    {IMAP_BAD, IN_ANY, CLASS_ALONE, bad_start, NULL, NULL, NULL, NULL, NULL},
    {IMAP_CAPABILITY, IN_ANY, CLASS_ALONE, capability_start, NULL, NULL, NULL,
	NULL, NULL},
    {IMAP_NOOP, IN_ANY, CLASS_FLOW, noop_start, NULL, noop_done, NULL, NULL,
	NULL},
    {IMAP_LOGOUT, IN_ANY, CLASS_ALONE, logout_start, NULL, NULL, NULL, NULL,
	NULL},
    {IMAP_ID, IN_ANY, CLASS_ALONE, id_start, NULL, NULL, NULL, NULL, NULL},
    {IMAP_STARTTLS, IN_BEFORE, CLASS_ALONE, starttls_start, NULL, NULL, NULL,
	NULL, NULL},
    {IMAP_AUTHENTICATE, IN_BEFORE, CLASS_ALONE, authenticate_start, NULL, NULL,
	NULL, NULL, NULL},
    {IMAP_LOGIN, IN_BEFORE, CLASS_ALONE, login_start, NULL, NULL, NULL, NULL,
	NULL},
    {IMAP_ENABLE, IN_LOGGED, CLASS_ALONE, enable_start, NULL, NULL, NULL, NULL,
	NULL},
    {IMAP_SELECT, IN_LOGGED, CLASS_ALONE, select_start, select_answer,
	select_done, NULL, NULL, NULL},
    {IMAP_EXAMINE, IN_LOGGED, CLASS_ALONE, select_start, select_answer,
	select_done, NULL, NULL, NULL},
    {IMAP_CREATE, IN_LOGGED, CLASS_ALONE, create_start, NULL, create_done, NULL,
	NULL, NULL},
    {IMAP_DELETE, IN_LOGGED, CLASS_ALONE, delete_start, NULL, delete_done, NULL,
	NULL, NULL},
    {IMAP_RENAME, IN_LOGGED, CLASS_ALONE, rename_start, rename_answer,
	rename_done, NULL, NULL, rename_free},
    {IMAP_SUBSCRIBE, IN_LOGGED, CLASS_ALONE, subscribe_start, NULL, NULL, NULL,
	NULL, NULL},
    {IMAP_UNSUBSCRIBE, IN_LOGGED, CLASS_ALONE, subscribe_start, NULL, NULL,
	NULL, NULL, NULL},
    {IMAP_LIST, IN_LOGGED, CLASS_BARRIER, list_start, list_answer, list_done,
	NULL, list_drained, list_free},
    {IMAP_LSUB, IN_LOGGED, CLASS_BARRIER, list_start, list_answer, list_done,
	NULL, list_drained, list_free},
    {IMAP_COMPRESS, IN_LOGGED, CLASS_ALONE, compress_start, NULL, NULL, NULL,
	NULL, NULL},
    {IMAP_UNAUTHENTICATE, IN_LOGGED, CLASS_ALONE, unauthenticate_start, NULL,
	NULL, NULL, NULL, NULL},
    {IMAP_REPLACE, IN_LOGGED, CLASS_ALONE, append_start, append_answer,
	append_done, append_news, NULL, append_free},
    {IMAP_NAMESPACE, IN_LOGGED, CLASS_ALONE, namespace_start, NULL, NULL, NULL,
	NULL, NULL},
    {IMAP_STATUS, IN_LOGGED, CLASS_FLOW, status_start, status_answer, NULL,
	NULL, NULL, NULL},
    {IMAP_APPEND, IN_LOGGED, CLASS_FLOW, append_start, append_answer,
	append_done, NULL, NULL, append_free},
    {IMAP_IDLE, IN_LOGGED, CLASS_ALONE, idle_start, NULL, idle_done, NULL, NULL,
	NULL},
    {IMAP_CHECK, IN_SELECTED, CLASS_FLOW, noop_start, NULL, noop_done, NULL,
	NULL, NULL},
    {IMAP_CLOSE, IN_SELECTED, CLASS_ALONE, unselect_start, NULL, unselect_done,
	NULL, NULL, NULL},
    {IMAP_UNSELECT, IN_SELECTED, CLASS_ALONE, unselect_start, NULL,
	unselect_done, NULL, NULL, NULL},
    {IMAP_EXPUNGE, IN_SELECTED, CLASS_FLOW, expunge_start, NULL, expunge_done,
	NULL, NULL, NULL},
    {IMAP_SEARCH, IN_SELECTED, CLASS_BARRIER, search_start, search_answer,
	search_done, search_news, NULL, search_end},
    {IMAP_SORT, IN_SELECTED, CLASS_BARRIER, search_start, search_answer,
	search_done, search_news, NULL, search_end},
    {IMAP_THREAD, IN_SELECTED, CLASS_BARRIER, search_start, search_answer,
	search_done, search_news, NULL, search_end},
    {IMAP_ESEARCH, IN_LOGGED, CLASS_BARRIER, search_start, search_answer,
	search_done, search_news, NULL, search_end},
    {IMAP_CANCELUPDATE, IN_SELECTED, CLASS_ALONE, cancelupdate_start, NULL,
	NULL, NULL, NULL, NULL},
    {IMAP_FETCH, IN_SELECTED, CLASS_BARRIER, fetch_start, fetch_answer,
	fetch_done, NULL, NULL, fetch_free},
    {IMAP_STORE, IN_SELECTED, CLASS_FLOW, store_start, store_answer, store_done,
	NULL, NULL, store_free},
    {IMAP_COPY, IN_SELECTED, CLASS_FLOW, copy_start, copy_answer, copy_done,
	copy_news, NULL, copy_free},
    {IMAP_MOVE, IN_SELECTED, CLASS_FLOW, copy_start, copy_answer, copy_done,
	copy_news, NULL, copy_free},
    {IMAP_XSEALMAIL, IN_ANY, CLASS_ALONE, manage_start, manage_answer,
	manage_done, NULL, NULL, manage_free},
    {IMAP_GETMETADATA, IN_LOGGED, CLASS_FLOW, getmetadata_start,
	getmetadata_answer, getmetadata_done, NULL, NULL, NULL},
    {IMAP_SETMETADATA, IN_LOGGED, CLASS_FLOW, setmetadata_start, NULL,
	setmetadata_done, NULL, NULL, NULL},
    {IMAP_NOTIFY, IN_LOGGED, CLASS_ALONE, notify_start, notify_answer,
	notify_done, NULL, NULL, NULL},
    {IMAP_GETQUOTA, IN_LOGGED, CLASS_FLOW, quota_start, quota_answer, NULL,
	NULL, NULL, NULL},
    {IMAP_GETQUOTAROOT, IN_LOGGED, CLASS_FLOW, quotaroot_start, quota_answer,
	NULL, NULL, NULL, NULL},
    {IMAP_SETQUOTA, IN_LOGGED, CLASS_ALONE, setquota_start, quota_answer, NULL,
	NULL, NULL, NULL},
};

const struct command *
command_find(enum imap_verb verb)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].verb == verb)
			return &commands[i];
	return &commands[0];
}

/*
 * A FETCH that is answered by rows alone holds nobody up; what an APPEND takes
 * from other messages is asked for by requests of its own.  What is refused
 * unasked waits for those before it.
 */
enum job_class
command_class(const struct job *job)
{
	const struct imap_cmd *cmd = job->cmd;

	if (job->conn->uidonly && by_numbers(cmd))
		return CLASS_ALONE;
	if (cmd->verb == IMAP_FETCH && cmd->nsections == 0 &&
	    (cmd->items &
		(IMAP_ITEM_ENVELOPE | IMAP_ITEM_BODY | IMAP_ITEM_BODYSTRUCTURE |
		    IMAP_ITEM_PREVIEW)) == 0)
		return CLASS_FLOW;
	if (cmd->verb == IMAP_APPEND && cmd->steps->catenate)
		return CLASS_ALONE;
	return job->command->class;
}
