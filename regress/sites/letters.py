"""Messages of many shapes, and what they must be on arrival."""
import hashlib
import random
import re

CRLF = b"\r\n"


def letter(sender, rcpt, ident, body, *fields):
    head = ["From: Anna <%s>" % sender, "To: <%s>" % rcpt,
            "Subject: of %s" % ident, "X-Id: %s" % ident, *fields]
    return "\r\n".join(head).encode() + CRLF * 2 + body


def large(size, seed=1):
    """Lines that hardly get smaller, some of which begin with dots."""
    r = random.Random(seed)
    lines = []
    have = 0
    while have < size:
        line = b"." * r.randrange(3) + r.randbytes(36).hex().encode() + CRLF
        lines.append(line)
        have += len(line)
    return b"".join(lines)


def split(text):
    head, _, body = text.partition(CRLF * 2)
    return head + CRLF, body


def ident(text):
    got = re.search(rb"(?mi)^X-Id: ([^\r]*)", split(text)[0])
    return got.group(1).decode() if got else None


def digest(body):
    return hashlib.sha256(body).hexdigest()


def fields(text, name):
    """Values of a field, unfolded."""
    head = re.sub(rb"\r\n([ \t])", rb"\1", split(text)[0])
    return [v.strip().decode("utf-8", "replace") for n, _, v in
            (x.partition(b":") for x in head.split(CRLF))
            if n.lower() == name.lower().encode()]


def is_report(text):
    return any("multipart/report" in x for x in fields(text, "Content-Type"))
