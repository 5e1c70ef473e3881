"""Seeds of what the daemons share, parents and sealkeys, and of those who ask
them: sealctl(8), sealmail(1)."""

import zlib

from seedsteps import s, seed, step, u8, u16, u32, u64


def keys():
    digest = bytes(range(32))
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    for name, what, how, data in (
            ("ecdsa", 1, 3, digest), ("pkcs1", 2, 1, info),
            ("raw", 2, 2, b"\0" + bytes(255)), ("wrong_use", 1, 1, info),
            ("unknown", 0, 3, digest), ("empty", 1, 3, b""),
            ("how", 1, 9, digest)):
        seed("keys", name, step(what, u8(how), bytes(32), s(data)))
    seed("keys", "type", step(0x81, u8(3), bytes(32), s(digest)))
    seed("keys", "short", step(1, u8(3), bytes(9)))


def parent():
    (READY, CLOSED, COUNTS, CERT, PRAW, DIES, STARTS, COMES, ASKS, CRAW, GOES,
     WCOMES, WASKS, WGOES, SAYS, ENGINE) = range(16)
    (HELLO, PROCESSES, STOP, RELOAD, LOG, CONNECT, STATS, CERTS) = range(8)
    FD = 0x80

    def who(n, kind):
        return n << 4 | kind

    def row(name, label, value):
        return u8(0) + s(name) + s(label) + s("help") + u64(value)

    ready = b"".join(step(who(n, READY), u8(2)) for n in range(4))
    counts = step(COUNTS, u32(1), row("a_total", "", 5),
                  row("b", 'kind="x"', 2**64 - 1))
    cert = u32(1) + s("a") + u8(1) + u8(0) + u64(2000000000) + bytes(32)
    everything = [step(who(1, ASKS), u8(kind), *rest) for kind, rest in (
        (HELLO, (u32(2),)), (PROCESSES, ()), (STOP, ()), (RELOAD, ()),
        (LOG, (u8(1),)), (CERTS, ()), (STATS, ()))]
    connect = [step(who(1, ASKS) | fd, u8(CONNECT), s(role), u32(n))
               for fd, role, n in ((FD, "worker", 1), (0, "worker", 0),
                                   (FD, "keeper", 0), (FD, "nobody", 9))]
    seed("parent", "roles", ready, counts, step(who(1, CLOSED), u64(1)),
         step(CERT, cert, s("")), step(who(1, CERT), cert, s("bad\x01")),
         step(who(2, CERT), cert, s("")))
    seed("parent", "bad", ready, step(READY, u8(2)), step(STARTS),
         step(who(1, READY), u8(1)), step(who(2, PRAW), u32(9)),
         step(who(3, COUNTS), u32(0), b"x"))
    seed("parent", "dies", ready, step(DIES), step(who(3, DIES)),
         step(STARTS), step(READY, u8(2)))
    seed("parent", "root", ready, step(who(1, COMES)), *everything)
    seed("parent", "reader", ready, step(who(2, COMES)),
         *[b[:0] + u8(b[0] & 0x0f | 0x20) + b[1:] for b in everything])
    seed("parent", "connect", ready, step(who(1, COMES)), *connect)
    seed("parent", "stats", ready, step(who(1, COMES)),
         step(who(1, ASKS), u8(STATS)), step(who(1, ASKS), u8(STATS)),
         *[step(who(n, COUNTS), u32(1), row("a", "", n)) for n in range(4)])
    seed("parent", "gone", ready, step(who(1, COMES)),
         step(who(1, ASKS), u8(STATS)), step(who(1, GOES)), counts,
         step(who(0, COMES)), step(CRAW, u32(99)))
    seed("parent", "abroad", step(WCOMES),
         step(WASKS, u32(1), s("deliver"), u32(0), s("keeper")),
         step(WASKS, u32(1), s("deliver"), u32(1), s("worker")),
         step(who(2, DIES)), step(who(2, STARTS)), step(WASKS, u32(2)))
    kick = u8(1), u32(2)
    seed("parent", "engine", *(
        x for n in (0, 1) for x in (
            step(who(n, ENGINE), u8(0), u32(2)),
            step(who(n, ENGINE), *kick, u8(1), u64(7), s("")),
            step(who(n, ENGINE), *kick, u8(2), u64(0), s("a@example.org")),
            step(who(n, ENGINE), *kick, u8(3), u64(0), s("192.0.2.1")),
            step(who(n, ENGINE), u8(9)), step(who(n, ENGINE)))))
    seed("parent", "peer", step(who(1, SAYS) | FD, u8(2)),
         step(who(3, SAYS) | FD, u8(2)), step(who(1, SAYS), u8(3)),
         step(who(0, SAYS) | FD, u8(2)))


def sealmail():
    def answers(name, kind, *lines):
        seed("sealmail", name, u8(kind), "\r\n".join(
            lines + ("",)).encode("utf-8", "surrogateescape"))

    box = ('* LIST () "/" INBOX', '* LIST (\\HasChildren) "/" "a/b"',
           '* LIST () "/" {3}', "x&-", "s OK listed")
    mail = ("* 1 FETCH (UID 1 FLAGS (\\Seen $Junk) INTERNALDATE "
            '"01-Jan-2024 10:00:00 +0100" BODY[] {12}', "From: a", "", "b)",
            "s OK fetched")
    chosen = ("* OK [UIDVALIDITY 7] ok", "s OK [READ-ONLY] examined")
    found = ("* 1 FETCH (UID 1)", "* 2 FETCH (UID 4)", "s OK fetched")
    for kind in (0, 2):
        answers("export%d" % kind, kind, *box, *chosen, *found, *mail,
                *chosen, *found, "s NO refused", "s NO gone")
    answers("names", 0, '* LIST () "/" "../../etc"', '* LIST () "/" "."',
            '* LIST () NIL ""', '* LIST (\\Noselect) "/" c', "s OK listed",
            *chosen, *found, *mail)
    for kind in (1, 3):
        answers("undelete%d" % kind, kind,
                "* XSEALMAIL UNDELETE " + "ab" * 16 + " 1700000000 1700000000 "
                '77 0 "INBOX" "a subject" "b@c"',
                "* XSEALMAIL UNDELETE " + "cd" * 16 +
                ' 1 2 3 9 "a\\"b" {3}', "abc", "s OK listed")
    answers("no", 1, "s NO [CONTACTADMIN] no\x01")
    answers("closed", 0, '* LIST () "/" {99999999999}')


def told(kind, *parts, last=False, other=False):
    """What a daemon answers: sealctl_fuzz.c."""
    return step(kind, u8(last | 2 * other), *parts)


def over(result=0, reason=""):
    return told(103, u8(result), s(reason), last=True)


def sealctl():
    def one(name, command, *answers, raw=0, json=False):
        seed("sealctl", name, u8(command | 0x80 * json), u8(raw), *answers)
        if not json:
            seed("sealctl", name + "_j", u8(command | 0x80), u8(raw),
                 *answers)
    process = told(101, s("imap-engine"), u32(1), u32(77), u32(50001), u32(3),
                   u8(0), u64(1700000000), u32(9))
    one("processes", 0, process, process, over(), process, over(3, "no"))
    one("by_hand", 0, told(100, s("sealimapd"), s("1"), u32(7), u64(1),
                           u8(1)), over(), process, over(), raw=1)
    session = told(210, u64(5), s("imap"), s("192.0.2.1"),
                   s("a@example.org"), s("TLSv1.3"), s("idle"),
                   u64(1700000000), u64(1700000001), u64(8), u64(9), u64(10))
    one("sessions", 1, session, session, over(), session, over())
    count = told(102, s("imap-engine"), u32(0), u8(1), s("commands"),
                 s("verb=x"), s("in all"), u64(5))
    one("stats", 2, count, over(), count, over())
    one("prometheus", 3, count, count, over(), count, over())
    one("version", 4)
    certificate = told(120, s("mx"), u8(1), u8(2), u64(1800000000),
                       b"k" * 32, s("too \x1b[31mlate"))
    one("certificates", 5, certificate, over(), certificate, over())
    user = told(64, s("a@example.org"), s("active"), u64(1 << 30), u64(5),
                u32(1), u32(77), u64(1700000000), u64(0))
    end = told(66, u8(0), s(""), last=True)
    wrong = told(66, u8(1), s("there is no such account"), last=True)
    one("users", 6, user, user, end)
    one("user", 7, told(64, s("b"), other=True), user, end)
    one("added", 8, told(65, s("word word"), s("ABCD-EFGH")), end)
    for n, what in enumerate(("del", "disable", "quota", "confirm",
                              "rename")):
        one(what, 9 + n, end if n % 2 else wrong)
    row = told(60, bytes(range(16)), s("t1"), s("a@example.org"),
               s("b@example.net"), s("example.net"), u8(1), u64(1700000000),
               u64(1700432000), u64(1700000300), u16(2), u64(5000), u16(450),
               s("4.2.1"), s("mx.example.net"), s("later\x07 please"))
    ended = told(61, u8(0), u32(2), u32(0), last=True)
    one("queue", 14, row, row, ended)
    one("queue_counts", 15, told(62, *(u64(n) for n in range(5)), u8(1),
                                 last=True))
    one("queue_show", 16, row, ended)
    packed = zlib.compress(b"hello " * 100)
    one("message", 17, told(63, u8(1)), told(11, u8(0), u8(0), u32(3),
                                             s("a: ")),
        told(11, u8(1), u8(3), u32(600), s(packed)), ended)
    one("flush", 18, ended)
    one("remove", 19, told(61, u8(2), u32(0), u32(1), last=True))
    one("reschedule", 20, told(61, u8(4), u32(0), u32(0), last=True))
    kicked = told(211, u32(1))
    one("kick", 21, kicked, over(), end, kicked, over())
    one("kick_session", 22, kicked, over(), over(1))
    one("log", 23, over(), over())
    one("reload", 24, over(), certificate, over(), over(3, "line 7"))
    one("stop", 25, over(), over())
    one("sweep", 26, told(68, u32(3), u32(1), u64(9), u64(8)), end)
    one("verify", 27, told(115, *(u64(n) for n in (1, 2, 3, 0))),
        told(115, *(u64(n) for n in (2, 2, 3, 1))), end)
    one("tls", 29, told(64, u32(20000), u64(7), u8(2), u8(5),
                        s("example.net"), s("mx\x1b[1m.example.net")),
        told(64, u32(2**32 - 1), u64(0), u8(9), u8(99), s(""), s("")), ended)
    words = ("a\x9b\x07.test 192.0.2.1 reject none fail pass a.test no fail "
             "b.test s1 no a.test")
    one("dmarc", 30, told(65, u32(20000), u64(2), s(words)),
        told(65, u32(0), u64(2**64 - 1), s("- - -")), ended)
    one("dmarc_odd", 30, told(65, u32(1), u64(1), s("a b")),
        told(65, u32(1), u64(1), s("")), told(65, u32(1), u64(1), s(words)),
        ended)
    one("pause", 31, ended)
    one("resume", 32, told(61, u8(1), u32(0), u32(0), last=True))
    one("enable", 33, end)
    hello = told(1, u32(1), last=True)
    one("dns", 28, hello, *(
        told(16, u8(0), u8(1), u32(60), s("x"), u32(1), s("v=spf1 mx -all"),
             last=n == 9) for n in range(10)))


def write():
    keys()
    parent()
    sealmail()
    sealctl()
