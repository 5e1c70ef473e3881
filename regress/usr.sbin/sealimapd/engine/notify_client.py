#! /usr/bin/env python3
"""
NOTIFY of RFC 5465 in a running suite.

usage: notify_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
Sections without a number before them are of RFC 5465.
"""

import re

from engine_client import SMALL, Client, run
from extension_client import fill

PAIR = b"MessageNew MessageExpunge"


def listen(text, box=None, user=1, enable=b""):
    c = Client(user)
    if enable:
        c.ok(b"ENABLE " + enable)
    if box is not None:
        c.ok(b"SELECT " + box)
    c.ok(b"NOTIFY SET " + text)
    return c


def hear(c, pattern):
    """The next line, which nobody asked for."""
    line = c.line()
    assert re.match(pattern, line), (pattern, line)
    return line


def silent(c):
    """Nothing was told, and nothing waits: what the RFC calls a snapshot."""
    lines = c.ok(b"NOOP")
    assert len(lines) == 1, lines


def settle(c):
    """Everything that other sessions did so far is known to the vault."""
    c.ok(b"NOOP")


class Grammar:
    def t_capability(self):
        """3: NOTIFY is offered after login."""
        assert b" NOTIFY" in Client(1).ok(b"CAPABILITY")[0]

    def t_bad(self):
        """5, 6.1, 8: what is wrong is BAD, and changes nothing."""
        c = Client(1)
        for text in (
                b"", b" SET", b" set none", b" FOO", b" NONE x",
                b" SET (personal)", b" SET (personal ())", b" SET ()",
                b" SET (personal (MessageNew))",
                b" SET (personal (MessageExpunge))",
                b" SET (personal (FlagChange))",
                b" SET (personal (MessageNew FlagChange))",
                b" SET (selected (MailboxName))",
                b" SET (selected-delayed (SubscriptionChange))",
                b" SET (selected (%s)) (selected-delayed (%s))" % (PAIR, PAIR),
                b" SET (selected NONE) (selected NONE)",
                b" SET (personal (MessageNew (UID) MessageExpunge))",
                b" SET (selected (MessageNew () MessageExpunge))",
                b" SET (selected (MessageNew (FOO) MessageExpunge))",
                b" SET (subtree (MailboxName))", b" SET (mailboxes)",
                b" SET (mailboxes () (MailboxName))",
                b" SET  (personal (MailboxName))",
                b" SET (personal (MailboxName)) ",
                b" SET STATUS", b" SET STATUS(personal (MailboxName))",
                b" SET (inboxes x (MailboxName))"):
            c.expect(b"NOTIFY" + text, b"BAD")
            if c.count % 20 == 0:
                c = Client(1)
        Client().expect(b"NOTIFY NONE", b"BAD")

    def t_badevent(self):
        """3.1: unknown events are NO, with those that are known."""
        c = Client(1)
        for event in (b"AnnotationChange", b"Weather"):
            line = c.expect(b"NOTIFY SET (personal (%s %s))" % (PAIR, event),
                            b"NO [BADEVENT (")[-1]
            for name in (b"MessageNew", b"MessageExpunge", b"FlagChange",
                         b"MailboxName", b"SubscriptionChange",
                         b"MailboxMetadataChange", b"ServerMetadataChange"):
                assert name in line, line

    def t_case(self):
        """8: names of events and mailboxes in any case"""
        c = Client(1)
        c.ok(b"notify set status (SELECTED-delayed (messagenew (uid "
             b"body.peek[header.fields (from to)]) MESSAGEEXPUNGE)) "
             b"(SubTree Lists NONE) (INBOXES (mailboxNAME)) "
             b"(Mailboxes (a b \"c d\") (subscriptionchange))")
        c.ok(b"NOTIFY none")

    def t_too_much(self):
        """3.1: what is too complex is NO [NOTIFICATIONOVERFLOW]."""
        c = Client(1)
        group = b" (personal (MailboxName))"
        c.ok(b"NOTIFY SET" + group * 64)
        c.expect(b"NOTIFY SET" + group * 65, b"NO [NOTIFICATIONOVERFLOW]")
        names = b" ".join(b"b%d" % i for i in range(1001))
        c.expect(b"NOTIFY SET (mailboxes (%s) (MailboxName))" % names,
                 b"NO [NOTIFICATIONOVERFLOW]")
        c.ok(b"NOTIFY SET (mailboxes (%s) (MailboxName))" %
             names[:names.rindex(b" ")])


class Other:
    def t_messages(self):
        """5.1 to 5.3: STATUS, with what each event must have"""
        b = Client(1)
        fill(b, b"other", 2)
        b.ok(b"CREATE else")
        c = listen(b"(mailboxes other (%s FlagChange))" % PAIR)
        b.append(b"other", SMALL)
        line = hear(c, rb"\* STATUS other \(")
        assert b"MESSAGES 3" in line and b"UIDNEXT" in line, line
        assert b"HIGHESTMODSEQ" not in line
        b.ok(b"STORE 1 +FLAGS (\\Seen)")
        assert b"UNSEEN 2" in hear(c, rb"\* STATUS other \(")
        b.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
        hear(c, rb"\* STATUS other \(")
        b.ok(b"EXPUNGE")
        assert b"MESSAGES 2" in hear(c, rb"\* STATUS other \(.*UIDNEXT")
        b.append(b"else", SMALL)
        b.append(b"INBOX", SMALL)
        settle(b)
        silent(c)

    def t_condstore(self):
        """5.1 to 5.3: and HIGHESTMODSEQ, for those who enabled it"""
        b = Client(1, b"other")
        c = listen(b"(mailboxes other (%s FlagChange))" % PAIR,
                   enable=b"QRESYNC")
        b.ok(b"STORE 1 +FLAGS (\\Flagged)")
        line = hear(c, rb"\* STATUS other \(")
        assert b"HIGHESTMODSEQ" in line and b"UIDVALIDITY" in line, line

    def t_wishes(self):
        """3.1: only what was asked for; events of a second SET replace."""
        b = Client(1, b"other")
        c = listen(b"(mailboxes other (%s))" % PAIR)
        b.ok(b"STORE 1 -FLAGS (\\Flagged)")
        settle(b)
        silent(c)
        c.ok(b"NOTIFY SET (mailboxes else (%s FlagChange))" % PAIR)
        b.append(b"other", SMALL)
        settle(b)
        silent(c)
        b.append(b"else", SMALL)
        hear(c, rb"\* STATUS else \(MESSAGES")
        c.ok(b"NOTIFY SET (mailboxes (other else) NONE)")
        b.append(b"else", SMALL)
        settle(b)
        silent(c)
        c.ok(b"NOTIFY SET (personal (%s)) (mailboxes else NONE)" % PAIR)
        b.append(b"else", SMALL)
        hear(c, rb"\* STATUS else \(MESSAGES")
        c.ok(b"NOTIFY NONE")
        b.append(b"else", SMALL)
        settle(b)
        silent(c)

    def t_own(self):
        """5: what the client did itself is not told."""
        c = listen(b"(personal (%s FlagChange MailboxName "
                   b"SubscriptionChange))" % PAIR)
        c.append(b"other", SMALL)
        assert len(c.ok(b"CREATE mine")) == 1
        assert len(c.ok(b"SUBSCRIBE mine")) == 1
        assert len(c.ok(b"DELETE mine")) == 1
        c.ok(b"UNSUBSCRIBE mine")
        silent(c)

    def t_status(self):
        """3.1: STATUS of each, but of the selected mailbox, before the OK"""
        c = Client(1, b"INBOX")
        c.ok(b"ENABLE CONDSTORE")
        lines = c.ok(b"NOTIFY SET STATUS (selected (%s)) "
                     b"(mailboxes (other INBOX nowhere) (%s)) "
                     b"(subtree else (MailboxName))" % (PAIR, PAIR))
        told = [x for x in lines if x.startswith(b"* STATUS")]
        assert len(told) == 1 and told[0].startswith(b"* STATUS other ("), told
        for item in (b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY",
                     b"HIGHESTMODSEQ"):
            assert item in told[0], told
        lines = c.ok(b"NOTIFY SET STATUS (personal (%s))" % PAIR)
        assert len([x for x in lines if x.startswith(b"* STATUS")]) > 4
        assert len(c.ok(b"NOTIFY SET (personal (%s))" % PAIR)) == 1

    def t_filters(self):
        """6.2 to 6.6: personal, inboxes, subscribed, subtree, mailboxes"""
        b = Client(1)
        for name in (b"tree", b"tree/leaf", b"treehouse", b"star*"):
            b.command(b'CREATE "%s"' % name)
        all_boxes = (b"tree", b"tree/leaf", b"treehouse", b"INBOX")
        b.ok(b"SUBSCRIBE treehouse")
        for filters, want in (
                (b"personal", all_boxes), (b"inboxes", all_boxes),
                (b"subtree tree", (b"tree", b"tree/leaf")),
                (b"mailboxes (tree \"tre*\" inbox)", (b"tree", b"INBOX"))):
            c = listen(b"(%s (%s))" % (filters, PAIR))
            for box in all_boxes:
                b.append(box, SMALL)
                if box in want:
                    hear(c, rb"\* STATUS \"?%s\"? \(" % box)
            settle(b)
            silent(c)
        c = listen(b"(subscribed (%s))" % PAIR)
        b.append(b"tree", SMALL)
        b.append(b"treehouse", SMALL)
        hear(c, rb"\* STATUS treehouse \(")
        # 6.4: the list is looked at anew when it changes.
        b.ok(b"SUBSCRIBE tree")
        b.append(b"tree", SMALL)
        hear(c, rb"\* STATUS tree \(")
        b.ok(b"UNSUBSCRIBE tree")
        b.append(b"tree", SMALL)
        settle(b)
        silent(c)

    def t_overflow(self):
        """5.8: past 1,024 events it is as after NOTIFY NONE."""
        b = Client(1)
        b.ok(b"UNSUBSCRIBE tree")
        c = listen(b"(personal (SubscriptionChange %s))" % PAIR)
        for n, text in ((1000, b"* LIST"), (1100, b"* OK [NOTIFICATIONOVER")):
            c.send(b"x APPEND else {%d}\r\n" % len(SMALL))
            assert c.line().startswith(b"+")  # it is busy: nothing is told
            for i in range(n):
                b.send(b"s%d %sSUBSCRIBE tree\r\n" %
                       (i, b"UN" if i % 2 else b""))
            assert b.until(b"s%d" % (n - 1))[-1].startswith(b"s%d OK" % (n - 1))
            c.send(SMALL + b"\r\n")
            while not c.line().startswith(b"x OK"):
                pass
            hear(c, re.escape(text))
            for i in range(n - 1 if n < 1024 else 0):
                hear(c, rb"\* LIST")
        b.append(b"else", SMALL)
        settle(b)
        silent(c)
        c.ok(b"NOTIFY SET (personal (%s))" % PAIR)
        b.append(b"else", SMALL)
        hear(c, rb"\* STATUS else")


class Names:
    def t_name(self):
        """5.4: created, deleted, renamed, and the parent"""
        b = Client(2)
        c = listen(b"(personal (MailboxName))", user=2)
        b.ok(b"CREATE up")
        assert b"\\HasNoChildren" in hear(c, rb'\* LIST \(.*\) "/" up\r')
        b.ok(b"CREATE up/down")
        hear(c, rb'\* LIST \(\\HasNoChildren\) "/" up/down\r')
        hear(c, rb'\* LIST \(\\HasChildren\) "/" up\r')
        b.ok(b"RENAME up over")
        line = hear(c, rb'\* LIST \(\\HasChildren\) "/" over ')
        assert b'("OLDNAME" (up))' in line, line
        b.ok(b"DELETE over/down")
        hear(c, rb'\* LIST \(\\NonExistent \\HasNoChildren\) "/" over/down\r')
        hear(c, rb'\* LIST \(\\HasNoChildren\) "/" over\r')
        b.ok(b"DELETE over")
        hear(c, rb'\* LIST \(\\NonExistent \\HasNoChildren\) "/" over\r')
        b.append(b"INBOX", SMALL)
        b.ok(b"RENAME INBOX old")
        line = hear(c, rb'\* LIST \(\\HasNoChildren\) "/" old ')
        assert b'("OLDNAME" (INBOX))' in line, line
        settle(b)
        silent(c)

    def t_subscription(self):
        """5.5: \\Subscribed if and only if it is"""
        b = Client(2)
        c = listen(b"(subtree (old gone) (SubscriptionChange))", user=2)
        b.ok(b"SUBSCRIBE old")
        assert b"\\Subscribed" in hear(c, rb'\* LIST \(.*\) "/" old\r')
        b.ok(b"SUBSCRIBE old")
        b.ok(b"UNSUBSCRIBE old")
        assert b"\\Subscribed" not in hear(c, rb'\* LIST \(.*\) "/" old\r')
        b.ok(b"SUBSCRIBE gone")
        line = hear(c, rb'\* LIST \(.*\) "/" gone\r')
        assert b"\\NonExistent" in line and b"\\Subscribed" in line
        b.ok(b"SUBSCRIBE INBOX")
        settle(b)
        silent(c)

    def t_versions(self):
        """9051 5.1: names as each session has them"""
        b = Client(2)
        b.ok(b"ENABLE IMAP4rev2")
        c = listen(b"(personal (MailboxName))", user=2)
        d = listen(b"(personal (MailboxName))", user=2, enable=b"IMAP4rev2")
        b.ok(b'CREATE "Entw\xc3\xbcrfe"')
        hear(c, rb'\* LIST \(.*\) "/" Entw&APw-rfe\r')
        hear(d, b'\\* LIST \\(.*\\) "/" "Entw\xc3\xbcrfe"\r')


class Selected:
    def t_at_once(self):
        """3.1, 5.1 to 5.3, 6.1.1: without a command, what was asked for"""
        b = Client(3)
        fill(b, b"sel", 3)
        c = listen(b"(selected (%s FlagChange))" % PAIR, b"sel", user=3)
        b.append(b"sel", SMALL)
        assert hear(c, rb"\* 4 EXISTS\r")
        b.ok(b"STORE 2 +FLAGS (\\Seen kw)")
        while True:
            line = c.line()
            if b"FETCH" in line:
                break
            assert re.match(rb"\* (FLAGS|OK \[PERMANENTFLAGS)", line), line
        assert re.match(rb"\* 2 FETCH \(UID \d+ FLAGS \(\\Seen kw\)", line)
        b.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        hear(c, rb"\* 1 FETCH \(UID \d+ FLAGS \(\\Deleted\)")
        b.ok(b"EXPUNGE")
        hear(c, rb"\* 1 EXPUNGE\r")
        silent(c)

    def t_fetch_att(self):
        """5.2: EXISTS, then FETCH with what was asked for"""
        b = Client(3)
        c = listen(b"(selected (MessageNew (FLAGS BODY.PEEK[HEADER.FIELDS "
                   b"(FROM SUBJECT)] ENVELOPE) MessageExpunge))", b"sel",
                   user=3)
        b.append(b"sel", SMALL, b"(\\Draft) ")
        hear(c, rb"\* 4 EXISTS\r")
        line = hear(c, rb"\* 4 FETCH \(")
        assert b"FLAGS (\\Draft)" in line and b"ENVELOPE (" in line
        assert b"From: a@example.net\r\nSubject: small\r\n\r\n" in line
        # FlagChange was not asked for.
        b.ok(b"SELECT sel")
        b.ok(b"STORE 1 +FLAGS (\\Answered)")
        settle(b)
        silent(c)
        # Its own message it has; another's it is told, beside it.
        lines = c.append(b"sel", SMALL)
        assert b"* 5 EXISTS\r\n" in lines
        silent(c)
        b.append(b"sel", SMALL)
        hear(c, rb"\* 6 EXISTS\r")
        hear(c, rb"\* 6 FETCH \(")
        # A second SET takes the place of the first.
        c.ok(b"NOTIFY SET (selected (%s))" % PAIR)
        b.append(b"sel", SMALL)
        hear(c, rb"\* 7 EXISTS\r")
        silent(c)

    def t_qresync(self):
        """5.3: VANISHED for who enabled it"""
        b = Client(3, b"sel")
        c = listen(b"(selected (%s))" % PAIR, b"sel", 3, b"QRESYNC")
        b.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        b.ok(b"EXPUNGE")
        hear(c, rb"\* VANISHED \d+\r")

    def t_delayed(self):
        """6.1.2: expunges wait for a command that may tell them."""
        b = Client(3, b"sel")
        c = listen(b"(selected-delayed (%s FlagChange))" % PAIR, b"sel", 3)
        b.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        hear(c, rb"\* 1 FETCH")
        b.ok(b"EXPUNGE")
        b.append(b"sel", SMALL)
        hear(c, rb"\* \d+ EXISTS")
        assert not [x for x in c.ok(b"FETCH 2 FLAGS") if b"EXPUNGE" in x]
        assert c.ok(b"NOOP")[0] == b"* 1 EXPUNGE\r\n"
        # 9051 7.5.1: nor does the FETCH of a new message tell them.
        c.ok(b"NOTIFY SET (selected-delayed (MessageNew (FLAGS) "
             b"MessageExpunge))")
        for _ in range(2):
            b.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
            b.ok(b"EXPUNGE")
            b.append(b"sel", SMALL)
            hear(c, rb"\* \d+ EXISTS")
            hear(c, rb"\* \d+ FETCH \(UID \d+ FLAGS")
        lines = c.ok(b"NOOP")
        assert lines[:2] == [b"* 1 EXPUNGE\r\n"] * 2, lines

    def t_none(self):
        """3.1: without SELECTED the mailbox stands still, as a snapshot."""
        b = Client(3, b"sel")
        c = Client(3, b"sel")
        for text in (b"NOTIFY NONE", b"NOTIFY SET (selected NONE)",
                     b"NOTIFY SET (mailboxes other (%s))" % PAIR):
            c.ok(text)
            b.append(b"sel", SMALL)
            b.ok(b"STORE 1 +FLAGS (\\Deleted)")
            b.ok(b"EXPUNGE")
            silent(c)
        # A successful NOTIFY SET tells what accumulated since the last.
        lines = c.ok(b"NOTIFY SET (selected (%s))" % PAIR)
        assert len([x for x in lines if b"EXPUNGE" in x]) == 1, lines
        assert [x for x in lines if b"EXISTS" in x], lines

    def t_overrides(self):
        """3.1, 6: of the selected mailbox only SELECTED speaks."""
        b = Client(3, b"sel")
        c = listen(b"(selected NONE) (personal (%s FlagChange "
                   b"SubscriptionChange))" % PAIR, b"sel", 3)
        b.append(b"sel", SMALL)
        settle(b)
        silent(c)
        b.ok(b"SUBSCRIBE sel")
        hear(c, rb'\* LIST \(.*\\Subscribed.*\) "/" sel\r')
        c.ok(b"UNSELECT")
        b.append(b"sel", SMALL)
        hear(c, rb"\* STATUS sel \(MESSAGES")

    def t_idle(self):
        """4: IDLE tells exactly what NOTIFY asked for."""
        b = Client(3, b"sel")
        c = listen(b"(selected-delayed (MessageNew (UID) MessageExpunge)) "
                   b"(mailboxes INBOX (%s))" % PAIR, b"sel", 3)
        c.send(b"i IDLE\r\n")
        hear(c, rb"\+ ")
        b.ok(b"STORE 1 +FLAGS (\\Flagged)")  # not asked for
        b.append(b"INBOX", SMALL)
        hear(c, rb"\* STATUS INBOX \(")
        b.append(b"sel", SMALL)
        hear(c, rb"\* \d+ EXISTS")
        hear(c, rb"\* \d+ FETCH \(UID \d+\)")
        b.ok(b"STORE 1 +FLAGS (\\Deleted)")
        b.ok(b"EXPUNGE")
        hear(c, rb"\* 1 EXPUNGE")
        c.send(b"DONE\r\n")
        hear(c, rb"i OK")
        silent(c)

    def t_many(self):
        """Many changes while many commands are under way: none is torn."""
        b = Client(3, b"sel")
        c = listen(b"(selected (MessageNew (UID FLAGS BODY.PEEK[]) "
                   b"MessageExpunge FlagChange)) "
                   b"(personal (%s FlagChange MailboxName))" % PAIR, b"sel", 3)
        for i in range(20):
            c.send(b"f%d UID FETCH 1:* (UID BODY.PEEK[])\r\n" % i)
            b.append(b"sel", SMALL)
            b.ok(b"CREATE many%d" % i)
            b.append(b"many%d" % i, SMALL)
        names, tags, told = set(), set(), set()
        while len(tags) < 20 or len(names) < 20 or len(told) < 20:
            line = c.line()
            assert line.startswith((b"* ", b"f")), line
            found = re.match(rb'\* LIST .* (many\d+)\r', line)
            if found:
                names.add(found.group(1))
            found = re.match(rb'\* STATUS (many\d+) ', line)
            if found:
                told.add(found.group(1))
            if line.startswith(b"f"):
                tags.add(line.split()[0])
        c.ok(b"NOOP")


if __name__ == "__main__":
    run(globals())
