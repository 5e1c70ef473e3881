"""Seeds of sealsmtpd's and sealrelayd's processes and of what reads others'
signatures, records and replies."""

import base64
import hashlib
import hmac

from seedsteps import be, s, seed, step, u8, u16, u32, u64


def deliver():
    envelope = (u8(1) + s("a@example.net") + u8(1) + u64(1700000000) +
                bytes(16))
    anna = u8(2) + s("anna@example.org") + s("anna@example.org") + s("tag")
    body = u8(3) + u8(0) + u8(0) + u32(5) + s("hello")
    summary = u8(3) + u8(1) + u8(0) + u32(3) + s("sum")
    commit = u8(4) + u16(0)
    seed("deliver", "check", step(1, s("anna@example.org"), u64(9)),
         step(1, s("nobody@example.org"), u64(0)),
         step(1, s("../../etc"), u64(0)))
    seed("deliver", "put", step(0, envelope, anna, body, summary, commit))
    seed("deliver", "pieces", step(0, envelope), step(0, anna, anna),
         step(0, body), step(0, summary), step(0, u8(4), u16(1), u16(0)))
    seed("deliver", "two", step(0, envelope, anna),
         step(8, envelope, anna, body), step(0, body, summary),
         step(0x48, summary, commit), step(0, commit))
    seed("deliver", "abort", step(0, envelope, anna, body, u8(5)))
    seed("deliver", "nobody", step(0, envelope, u8(2) +
         s("nobody@example.org") + s("x@y") + s(""), body, summary, commit))
    own = u8(6) + s("anna@example.org")
    suspect = u8(7)
    seed("deliver", "own", step(0, envelope, own, anna, body, summary, commit))
    seed("deliver", "suspect", step(0, envelope, anna, body, summary, suspect,
                                    commit),
         step(0, suspect), step(0, envelope, suspect, anna, body, summary,
                                commit, suspect))
    seed("deliver", "order", step(0, envelope, anna, summary, body))
    seed("deliver", "gone", step(0, envelope, anna, body), step(3))
    later = u8(8)
    seed("deliver", "later", step(0, envelope, anna, later, body, summary),
         step(0, u8(5)), step(0, envelope, anna, later, later),
         step(0, envelope, anna, later, body, commit))
    seed("deliver", "first", step(0, envelope, anna, later, body),
         step(0, u8(9) + s("short")))
    seed("deliver", "no_target", step(0, envelope, body, summary, commit))


def smtpd():
    def two(name, *steps):
        seed("smtpd", "smtp_" + name, u8(0), *steps)
        seed("smtpd", "lmtp_" + name, u8(1), *steps)

    def say(line):
        return step(0, line.encode())

    def submits(name, *steps):
        seed("smtpd", "submission_" + name, u8(2), say("STARTTLS\r\n"),
             say("EHLO a\r\n"), *steps)

    go = step(8, u32(0))
    submits("wrong", say("AUTH PLAIN AGFubmEAeA==\r\n"), step(9, u8(1)))
    submits("login", say("AUTH LOGIN\r\n"), say("YW5uYQ==\r\n"),
            say("eA==\r\n"), step(11), step(10),
            say("AUTH PLAIN\r\n*\r\n"))
    submits("scram", say("AUTH SCRAM-SHA-256 bixhPWEsbj1hLHI9ZnlrbwA=\r\n"),
            say("AUTH SCRAM-SHA-256\r\nbiwsbj1hbm5hLHI9ZnlrbwA=\r\n"),
            say("AUTH SCRAM-SHA-256 biwsbj1hbm5hLHI9ZnlrbzE=\r\n"),
            step(9, u8(3)))
    envelope = (say("MAIL FROM:<anna@example.org> AUTH=<>\r\n") +
                say("RCPT TO:<anna+x@example.org>\r\n") + go +
                step(1, u8(0)))
    for name, head in (
            ("mail", "From: \"A. B\" (c (d)) <anna@example.org>\r\n"
             "Bcc: x@y.z\r\nUser-Agent: a\r\n b\r\n"),
            ("two", "From: anna@example.org,\r\n\tA B <anna+b@example.org>"
             "\r\nSender: all@example.org\r\n"),
            ("other", "From: <ben@example.org>\r\n"),
            ("malformed", "From : <@a:b@[1.2.3.4]>, \"x\r\n")):
        submits(name, step(12), envelope, say("DATA\r\n"),
                say(head + "\r\nbody\r\n.\r\n"), step(2, u16(1), u8(0)),
                say("QUIT\r\n"))
    submits("paced", step(12), say("MAIL FROM:<anna@example.org>\r\n"),
            say("RCPT TO:<anna@example.org>\r\n"), step(8, u32(77)),
            say("RCPT TO:<anna@example.org>\r\n"), step(11))
    submits("notice", step(12), say("MAIL FROM:<>\r\n"),
            say("RCPT TO:<anna@example.org>\r\n"), go, step(1, u8(0)),
            say("BDAT 122 LAST\r\nFrom: anna@example.org\r\n"
                "Content-Type: multipart/report; "
                "report-type=disposition-notification;\r\n boundary=a"
                "\r\n\r\n"), step(2, u16(1), u8(0)))
    hello = say("EHLO a\r\nLHLO a\r\n")
    rcpt = (say("MAIL FROM:<a@b.c> SIZE=9\r\n") +
            say("RCPT TO:<anna+tag@example.org>\r\n") + step(1, u8(0)))
    two("mail", hello, rcpt, say("DATA\r\n"),
        say("Subject: a\r\n\r\n..b\r\n.\r\n"), step(2, u16(1), u8(0)),
        say("QUIT\r\n"))
    two("bdat", hello, rcpt, say("BDAT 5\r\nhello"),
        say("BDAT 3 LAST\r\nabc"), step(2, u16(1), u8(5)))
    two("alias", hello, say("MAIL FROM:<> BODY=8BITMIME\r\n"
                            "RCPT TO:<all@example.org>\r\n"),
        step(1, u8(0)), step(1, u8(1)), say("RSET\r\nNOOP\r\n"))
    two("pipeline", say("EHLO a\r\nLHLO a\r\nMAIL FROM:<a@b>\r\n"
                        "RCPT TO:<anna@example.org>\r\nDATA\r\n"),
        step(1, u8(0)), say("x\r\n.\r\nQUIT\r\n"),
        step(2, u16(1), u8(3)))
    two("refused", hello, say("MAIL FROM:<a@b>\r\nRCPT TO:<x@y.z>\r\n"
                              "RCPT TO:<ben@example.org>\r\n"),
        step(1, u8(1)), say("DATA\r\nVRFY a\r\nHELP\r\nSTARTTLS\r\n"))
    two("anew", hello, rcpt, say("DATA\r\nabc\r\n"), step(3),
        say(".\r\n"))
    two("gone", hello, rcpt, say("DATA\r\nabc\r\n"), step(6),
        say(".\r\n"))
    two("garbage", say("\0\r\n\n\rGET / HTTP/1.1\r\n" + "x" * 3000 + "\r\n"))
    two("utf8", hello, say("MAIL FROM:<\u00e4@b> SMTPUTF8\r\n"
                           "RCPT TO:<\"a b\"@example.org> NOTIFY=NEVER\r\n"))


def resolver():
    (MX, ADDRESS, TLSA, TXT, PTR, EOF5, PACKET, RRAW) = range(8)
    SECURE = 8

    def name(text):
        return b"".join(bytes([len(p)]) + p.encode()
                        for p in text.split(".") if p) + b"\0"

    def record(kind, data, owner=b"\xc0\x0c", ttl=300):
        return (owner + be(kind, 2) + be(1, 2) + be(ttl, 4) +
                be(len(data), 2) + data)

    def packet(qname, kind, *records, code=0):
        return (be(1, 2) + be(0x8180 | code, 2) + be(1, 2) +
                be(len(records), 2) + bytes(4) + name(qname) + be(kind, 2) +
                be(1, 2) + b"".join(records))

    mx = packet("example.org", 15,
                record(15, be(10, 2) + b"\3mx1\xc0\x0c"),
                record(15, be(5, 2) + name("mx2.example.net")),
                record(15, be(7, 2) + b"\0"))
    alias = packet("a.org", 1, record(5, name("b.org")),
                   record(1, bytes([192, 0, 2, 1]), name("b.org")))
    loop = packet("a.org", 15, record(5, b"\xc0\x0c"),
                  record(15, be(1, 2) + b"\xc0\xff"))
    seed("resolver", "mx", step(MX, s("example.org")),
         step(PACKET | SECURE, mx))
    seed("resolver", "both", step(ADDRESS, s("a.org"), u8(3)),
         step(PACKET | SECURE, alias),
         step(PACKET, packet("a.org", 28, record(28, bytes(16)))))
    seed("resolver", "tlsa", step(TLSA, s("mx.example.org"), u16(25)),
         step(PACKET | SECURE, packet("_25._tcp.mx.example.org", 52,
              record(52, b"\3\1\1" + bytes(32)))))
    seed("resolver", "txt", step(TXT, s("_mta-sts.example.org")),
         step(PACKET, packet("_mta-sts.example.org", 16,
              record(16, b"\x0av=STSv1; i\4d=1;"), record(16, b"\xff"))))
    for n, address in enumerate(("192.0.2.1", "2001:db8::1", "no")):
        seed("resolver", "ptr%d" % n, step(PTR, s(address)),
             step(PACKET, packet("1.2.0.192.in-addr.arpa", 12,
                  record(12, name("mx.example.org")))))
    seed("resolver", "loop", step(MX, s("a.org")), step(PACKET, loop),
         step(MX | 0x80, s("a.org")), step(PACKET, packet("a.org", 15,
              code=3)))
    seed("resolver", "gone", step(MX, s("a.org")), step(MX, s("..")),
         step(ADDRESS, s("a.org"), u8(3)), step(EOF5),
         step(RRAW | 0x80, u32(7)))


# The order of enum step_kind in queue_fuzz.c.
(QPUT, QCHECK, QSIGN, QREPORTED, QWANT, QTOOK, QSTOP, QREADY, QOUTCOME,
 QUNREACHABLE, QMEMORY, QRAW, QGOES, QCOMES, QASKER, QASKS, QASKER_GOES, QTIME,
 QRESTART, QFRAME, QSPOIL_LOG, QSPOIL_MSG) = range(22)
RELAY = 0x40


def qenvelope(sender="anna@example.org", ret=0, envid="", arrival=1700000000,
              flags=0, codec=0):
    return (u8(1) + s(sender) + s("anna@example.org") + u8(flags) +
            u8(codec) + s(envid) + u8(ret) + u64(arrival) + u32(0) +
            s("t1"))


def qrcpt(address, dest="example.net", orcpt="", notify=0):
    return u8(2) + s(address) + s(dest) + s(orcpt) + u8(notify)


def qdata(kind, octets, flags=0):
    return u8(3) + u8(kind) + u8(flags) + u32(len(octets)) + s(octets)


def qput(*records, ident=1):
    return step(QPUT, u8(ident), *records)


def qmessage(*rcpts, ident=1, **envelope):
    return qput(qenvelope(**envelope), *rcpts, qdata(1, b"body\r\n"),
                qdata(0, b"From: a\r\n\r\n"), u8(4), ident=ident)


def qoutcome(*rows, job=0):
    return step(QOUTCOME | RELAY, u8(job), u16(len(rows)), *(
        u16(i) + u8(what) + u16(code) + s("5.1.1") + s("mx.example.net") +
        s("said so") for i, what, code in rows))


def qask(question, *fields, ident="", dest="", sender="", rcpt=""):
    return step(QASKS, u8(question), u32(1), s(ident), s(dest), s(sender),
                s(rcpt), *fields)


def qid(n):
    return bytes([n]) + bytes(15)


def be_str(text):
    return be(len(text), 4) + text.encode()


def queue():
    none, forged = u8(0), u8(1)
    ready = step(QREADY | RELAY, u32(5))
    two = qmessage(qrcpt("b@example.net"), qrcpt("c@example.net", notify=3,
                   orcpt="rfc822;c@example.net"), ret=1, envid="e1")
    seed("queue", "sent", none, two, ready, step(QWANT | RELAY, u8(0),
         u64(1 << 40)), step(QTOOK | RELAY, u8(0)),
         qoutcome((0, 1, 250), (1, 2, 250)), step(QWANT, u64(100)),
         step(QTOOK), step(QREPORTED, u8(1)), step(QRESTART))
    seed("queue", "failed", none, ready, two, step(QWANT | RELAY, u8(0),
         u64(0)), step(QSTOP | RELAY, u8(0)), qoutcome((0, 4, 550)),
         qoutcome((1, 3, 450)), step(QREPORTED, u8(0)),
         step(QTIME, u32(600)), step(QRESTART), step(QREPORTED, u8(1)))
    seed("queue", "unreachable", none, ready, two,
         step(QUNREACHABLE | RELAY, u8(0), u32(60), s("4.4.1"), s("mx"),
              s("no")), step(QTIME, u32(14400)), step(QWANT, u64(0)),
         step(QREPORTED, u8(1)), step(QTIME, u32(6 * 86400)),
         step(QREPORTED, u8(1)))
    seed("queue", "memory", none, step(QMEMORY | RELAY, s("example.net"),
         s("tls")), two, step(QRESTART), ready, qoutcome((0, 1, 250)))
    seed("queue", "null", none, ready, qmessage(qrcpt("b@example.net"),
         sender=""), qoutcome((0, 4, 550)))
    seed("queue", "arrival", none, qmessage(qrcpt("b@example.net"),
         arrival=2**63 - 1), step(QTIME, u32(600)))
    seed("queue", "pieces", none, qput(qenvelope(codec=1, flags=7)),
         qput(qrcpt("b@example.net")), qput(qdata(1, b"x" * 300, 1)),
         qput(u8(6) + u8(2)), qput(qdata(0, b"h")), qput(u8(4)),
         qput(qenvelope(), qrcpt("c@x.org", "x.org"), ident=2),
         qput(u8(5), ident=2), step(QCHECK, u64(7)),
         step(QSIGN, s("example.org"), s("s1"), b"d" * 32),
         step(QSIGN, s("example.com"), s("s1"), b"d" * 32))
    seed("queue", "gone", none, ready, two, step(QGOES | RELAY),
         qput(qenvelope(), ident=3), step(QGOES), step(QCOMES),
         step(QCOMES | RELAY), ready, step(QTIME, u32(300)),
         qoutcome((0, 4, 550), (1, 4, 550)), step(QGOES))
    seed("queue", "list", none, two, step(QASKER), qask(0),
         qask(0, dest="example.net"), qask(4, u8(1)), qask(6),
         step(QASKS, u8(7), u32(1)))
    seed("queue", "asked", none, ready, two, step(QASKER | 0x20),
         qask(2, rcpt="b@example.net"), qask(5, u64(1800000000)), qask(1),
         qask(2), qask(0), step(QRESTART), step(QASKER | 0x20), qask(3),
         qask(2, dest="example.com"), qask(6), qask(4, u8(1), ident="t1"),
         step(QREPORTED, u8(1)), step(QASKER_GOES))
    seed("queue", "late", none, two, step(QASKER | 0x20),
         qask(5, u64(2**63 - 1)), ready)
    row = ("a.test 192.0.2.1 reject none fail pass a.test no fail b.test s1 "
           "no a.test")
    origin = [step(QRAW, u32(26), s(x)) for x in (row, "x " * 100)]
    tls = [step(QRAW | RELAY, u32(25), u8(2), u8(n), s("example.net"),
                s("mx.example.net")) for n in (0, 5, 0)]
    seed("queue", "days", none, *origin, *tls, step(QTIME, u32(86400)),
         origin[0], tls[1], step(QASKER), step(QASKS, u8(8), u32(1)),
         step(QASKS, u8(9), u32(1)), step(QRESTART),
         step(QTIME, u32(8 * 86400)),
         origin[1], step(QASKER), step(QASKS, u8(8), u32(1)),
         step(QASKS, u8(9), u32(1)))
    for name, octets in (("day_empty", ""), ("day_long", "x" * 2000)):
        seed("queue", name, none, *origin, step(QRAW, u32(26), s(octets)))
    seed("queue", "told", none, ready, qput(
        qenvelope(), qrcpt("b@example.net"), u8(7) + s("anna@example.org") +
        s("rfc822;anna@example.org"), qdata(1, b"body\r\n"), u8(6) + u8(1),
        qdata(0, b"From: a\r\n\r\n"), u8(4)), step(QWANT, u64(100)),
        step(QTOOK), step(QREPORTED, u8(1)), qoutcome((0, 1, 250)),
        step(QRESTART))
    many = b"".join(qrcpt("r%d@example.net" % n, "d%d.net" % (n % 7))
                    for n in range(120))
    seed("queue", "many", none, qmessage(many), ready,
         qoutcome(*((n, 4, 550) for n in range(0, 120, 7))))
    seed("queue", "compacted", none, *(
         qmessage(qrcpt("b%d@example.net" % n), ident=n)
         for n in range(1, 9)), ready, *(
         qoutcome((0, 1, 250), job=n) for n in range(2)), step(QRESTART))
    enter = (u8(1) + qid(1) + be_str("a@b") + be_str("") + be_str("") +
             be_str("t") + be(40, 8) * 3 + be(9, 4) + be(1700000000, 8) * 2 +
             b"\0\0\0" + be(2, 2))
    rcpt = (u8(2) + qid(1) + be_str("c@d") + be_str("d") + be_str("") +
            u8(0))
    change = (u8(3) + qid(1) + be(1, 2) + u8(2) + be(3, 2) + u8(7) +
              be(1700000000, 8) + u8(1) + be(1700000000, 8) + be(550, 2) +
              be_str("5.0.0") + be_str("h") + be_str("no"))
    dest = (u8(5) + be_str("d") + be(0, 8) + be(3, 2) + u8(1) + be(3, 4) +
            b"mem")
    whole = u8(7) + qid(1)
    seed("queue", "frame", none, step(QFRAME, u8(6), enter, rcpt, rcpt,
         change, dest, whole), step(QRESTART), ready,
         step(QWANT | RELAY, u8(0), u64(100)), step(QFRAME, u8(2), u8(6),
         u8(1), u8(4), qid(1)), step(QRESTART))
    seed("queue", "frames", none, two, step(QFRAME, u8(2), enter, rcpt),
         step(QRESTART), step(QFRAME, u8(1), u8(4) + qid(1)),
         step(QFRAME, u8(9), whole), step(QRESTART), two)
    seed("queue", "torn", none, two, step(QSPOIL_LOG, b"\x40\0zzzz"), two,
         step(QRESTART), two, ready, step(QRESTART))
    seed("queue", "forged", forged, ready, two,
         step(QSPOIL_MSG, b"\x18\0" + b"\1\0\0\0" + be(65536, 4) +
              be(6, 4)), step(QWANT | RELAY, u8(0), u64(1 << 40)),
         step(QTOOK | RELAY, u8(0)))


# The order of enum step_kind in relay_fuzz.c.
(LGIVES, LSENDS, LQSAYS, LQGOES, LANSWERS, LDNS_GOES, LSAYS, LENDS, LSTALLS,
 LTLS, LTIMEOUT, LTIME, LRELOAD, LREFUSE) = range(14)


def job(*rcpts, dest="example.net", flags=0, codec=0, head=12, body=8,
        memory=b"", ret=1, sender="anna@example.org"):
    return step(LGIVES, s(dest), s(sender), s("t1"), u8(flags), u8(codec),
                u32(head), u64(body), s("e1"), u8(ret), s(memory),
                u32(len(rcpts)), *(u16(n) + s(r) + s("rfc822;" + r) + u8(6)
                                   for n, r in enumerate(rcpts)))


def sends(kind, octets, last=False, flags=0, plain=None):
    return step(LSENDS, u8(0), u8(kind), u8(flags | 2 * last),
                u32(len(octets) if plain is None else plain), s(octets))


def answer(status, *records, secure=0, name="mx.example.net"):
    return step(LANSWERS, u8(status), u8(secure), u32(60), s(name),
                u32(len(records)), *records)


def said(*lines):
    return step(LSAYS, "".join(x + "\r\n" for x in lines).encode())


def ehlo(*words):
    lines = ("mx.example.net",) + words
    return said(*("250%s%s" % (" " if n == len(lines) - 1 else "-", x)
                  for n, x in enumerate(lines)))


def scram(binding, rounds=4096):
    """A server's two words to a client that logs in as user, secret."""
    nonce = base64.b64encode(b"n" * 18) + b"server"
    salt = b"salt" * 4
    first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), rounds)
    head, channel = {"exporter": (b"p=tls-exporter,,", b"c" * 32),
                     "offered": (b"y,,", b"")}[binding]
    sent = b"n=user,r=%s,%s,c=%s,r=%s" % (
        base64.b64encode(b"n" * 18), first, base64.b64encode(head + channel),
        nonce)
    key = hashlib.pbkdf2_hmac("sha256", b"secret", salt, rounds)
    server = hmac.digest(key, b"Server Key", "sha256")
    proof = b"v=" + base64.b64encode(hmac.digest(server, sent, "sha256"))
    return tuple(said("334 " + base64.b64encode(x).decode())
                 for x in (first, proof))


def relay():
    none, direct, verify = u8(0), u8(1), u8(2)
    mx = u16(10) + s("mx.example.net")
    four = u8(4) + bytes([192, 0, 2, 1])
    six = u8(6) + bytes.fromhex("20010db8" + "00" * 11 + "01")
    found = (answer(1), answer(0, mx, secure=1), answer(0, four, six))
    message = (sends(0, b"From: a\r\n\r\n"), sends(1, b".x\r\n.\r\ny", True))
    full = ("PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN",
            "STARTTLS", "REQUIRETLS", "AUTH PLAIN LOGIN")
    tls = (said("220 go"), step(LTLS, u8(0)), ehlo(*full))
    b, c = "b@example.net", "c@example.net"
    seed("relay", "sent", none, job(b, c), *found, said("220 hello"),
         ehlo(*full), *tls, said("250 ok", "250 2.1.5 ok", "550 5.1.1 no"),
         said("354 go"), *message, said("250 2.0.0 done"),
         job(b), said("250 ok"), said("250 ok"), said("354 go"), *message,
         said("452 4.3.1 full"), step(LRELOAD), said("221 bye"))
    seed("relay", "plain", direct, job(b, flags=1), answer(0, mx),
         answer(0, four), said("220-hello", "220 there"), said("502 what"),
         said("250 mx"), job(b, c), answer(1), answer(0, six),
         said("220 x"), ehlo(), said("250 ok"), said("451 no"),
         said("250 ok"), said("354 go"), *message, said("250 ok"))
    seed("relay", "bdat", none, job(b, head=11, body=9), *found,
         said("220 hello"), ehlo("CHUNKING", "PIPELINING"),
         said("250 ok", "250 ok"), *message, said("502 what is BDAT"))
    seed("relay", "early", none, job(b), *found, said("220 x"), ehlo(),
         said("250 ok"), said("250 ok"), said("354 go"), message[0],
         said("552 5.3.4 too long"), job(b), *found[1:], said("421 later"))
    seed("relay", "refused", none, job(b, c), *found, said("220 x"),
         ehlo("PIPELINING"), said("550 5.7.1 not you", "503 x", "503 x"),
         said("221 bye"), step(LENDS), job(c), *found[1:], said("554 go"))
    seed("relay", "dane", none, job(b), answer(1), answer(0, mx, secure=1),
         answer(0, four, secure=1), answer(
             0, u8(3) + u8(1) + u8(1) + s(b"h" * 32), secure=1),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(4)))
    seed("relay", "dane_useless", verify, job(b, flags=4), answer(1),
         answer(0, mx, secure=1), answer(0, four, secure=1), answer(
             0, u8(0) + u8(1) + u8(1) + s(b"h" * 32), secure=1),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(0)),
         ehlo(*full), said("250 ok"))
    sts = s(b"v=STSv1; id=20261121;")
    policy = (b"version: STSv1\r\nmode: enforce\r\nmx: *.example.net\r\n"
              b"max_age: 604800\r\n")
    http = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Content-Length: %d\r\n\r\n" % len(policy))
    seed("relay", "sts", none, job(b), answer(0, sts), answer(0, four),
         step(LTLS, u8(0)), step(LSAYS, http), step(LSAYS, policy),
         answer(0, mx), answer(0, four), said("220 x"), ehlo(*full),
         said("220 go"), step(LTLS, u8(0)), ehlo(*full), said("250 ok"))
    seed("relay", "sts_chunked", none, job(b), answer(0, sts),
         answer(0, six, four), step(LTLS, u8(1)), answer(0, mx),
         answer(0, four), step(LTIME, u32(86400)), job(c), answer(0, sts),
         answer(0, four), step(LTLS, u8(0)), step(
             LSAYS, b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(policy) +
             policy + b"\r\n0\r\n\r\n"), step(LENDS))
    seed("relay", "auth", none, job(b, dest="auth.test"), answer(0, four),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(0)),
         ehlo(*full), said("235 in"), said("250 ok", "250 ok", "354 go"),
         *message, said("250 ok"), job(b, dest="first.test"),
         step(LTLS, u8(0)), said("220 x"), ehlo(*full), said("535 no"))
    for name, words, binding in (
            ("scram", "AUTH SCRAM-SHA-256 PLAIN", "offered"),
            ("scram_plus", "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
             "exporter")):
        offers = full[:-1] + (words,)
        one, two = scram(binding)
        begin = (none, job(b, dest="auth.test"), answer(0, four),
                 said("220 x"), ehlo(*offers), said("220 go"),
                 step(LTLS, u8(0)), ehlo(*offers))
        seed("relay", name, *begin, one, two, said("235 in"),
             said("250 ok", "250 ok", "354 go"), *message, said("250 ok"))
        seed("relay", name + "_unsure", *begin, one, said("235 in"))
        seed("relay", name + "_liar", *begin, one, scram("offered", 4097)[1],
             said("235 in"))
        seed("relay", name + "_rounds", *begin, scram(binding, 4095)[0])
    seed("relay", "auth_plain", none, job(b, dest="plain.test"), said("220 x"),
         ehlo(*full), job(b, dest="may.test"), said("220 x"), ehlo(*full),
         said("220 go"), step(LTLS, u8(2)), ehlo(*full), said("250 ok"),
         job(b, dest="secure.test"), answer(0, six), said("220 x"),
         ehlo("PIPELINING"))
    seed("relay", "gone", none, job(b), answer(1), step(LDNS_GOES), job(c),
         step(LQGOES), job(b), answer(2), step(LREFUSE | 0x20), *found,
         step(LTIMEOUT), step(LTIMEOUT), said("220 x"), step(LQGOES))
    seed("relay", "remembered", none,
         job(b, memory=b"\1\2" + (1699990000).to_bytes(8, "big")),
         *found, said("220 x"), ehlo(), job(b, dest="[192.0.2.9]"),
         said("220 x"), ehlo("STARTTLS"), said("454 not now"),
         said("250 ok"), step(LTIMEOUT))
    seed("relay", "null", none, job(b), answer(1), answer(0, u16(0) + s("")),
         job(c), answer(0, u16(9) + s("relay.test"), u16(10) + s("mx.a")),
         job(b), answer(3), job(b, sender=""), answer(4))


def origin():
    def lines(name, kind, *text):
        seed("origin", name, u8(kind), "\n".join(text).encode())
    lines("spf", 0, "mx.a.test", "x+y", "a.test",
          "1v=spf1 a/24 mx:b.test//64 ip4:1.2.3.0/24 include:%{ir}.c.test "
          "exists:%{l1r+-}.%{d2} ptr -all", "11111", "1b.test", "!")
    lines("spf_include", 0, "mx.a.test", "6", "a.test",
          "1v=spf1 include:%{o} redirect=b.test", "1v=spf1 redirect=%{d}",
          "?")
    lines("spf_ptr", 0, "[1.2.3.4]", "s", "a.test",
          "1v=spf1 exists:%{p}.%{S}.x.test ptr:a.test ~all", "0a.test",
          "01111", "?")
    lines("spf_wrong", 0, "h", "", "", "2v=spf1 all", "1v=spf1 a:%{")
    lines("dmarc", 1, "a.b.test", "c.b.test", "b.test",
          "1v=DMARC1; p=reject; sp=none; adkim=s; aspf=r; pct=50; psd=n",
          "?", "1v=DMARC1; p=none; psd=y; t=y; rua=mailto:x@y", "!")
    signature = ("DKIM-Signature: v=1; a=%s; c=%s; d=a.test; s=s1;\r\n"
                 "\tt=1699999999; x=1800000000; l=3; i=@x.a.test;\r\n"
                 "\th=from:to:from; bh=" + "A" * 43 + "=;\r\n\tb=" +
                 "B" * 86 + "==\r\n")
    rest = "From: a@a.test\r\nTo: b\r\n \tc\r\n"
    lines("dkim", 2, "1v=DKIM1; k=ed25519; t=y:s; h=sha256; s=email; p=" +
          "A" * 43 + "=", signature % ("ed25519-sha256", "relaxed/simple") +
          signature % ("rsa-sha256", "simple") + rest)
    lines("dkim_rsa", 2, "1p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTz"
          "WRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91"
          "y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy"
          "VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
          signature % ("rsa-sha256", "relaxed/relaxed") + rest)
    lines("authres", 3, ' (a (b)) "mx.te\\st" 1; spf=pass', "c\rd",
          'e"f\\', "")


def out():
    header = ("From: a@example.org\r\nTo:  b@example.net,\r\n\tc@x.org \r\n"
              "Subject: \r\nDATE : x\r\n")
    seed("out", "dkim", u8(0), u8(3), header.encode())
    seed("out", "dkim_body", u8(0), u8(7),
         (header + "\r\nx  \t y \r\n\r\n \r\n").encode())
    seed("out", "dkim_bare", u8(0), u8(0),
         b"From: a\nb\rc\0\r\n" + b"Received: z\r\n" * 40)
    seed("out", "reply", u8(1), u8(4),
         b"250-mx.example.org\r\n250-SIZE 1\r\n250 DSN\r\n"
         b"550 5.7.1 no \xff\x01\n421\r\n354 \r\n999 x\r\n")


def write():
    deliver()
    smtpd()
    resolver()
    queue()
    relay()
    origin()
    out()
