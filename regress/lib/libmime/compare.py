"""Compares mime_dump with Python's email package, on seeds and random mail.

usage: compare.py MIME_DUMP SEEDS
"""

import email
import email.policy
import email.utils
import os
import random
import re
import subprocess
import sys
from email.message import EmailMessage

# Where Python and we differ on purpose: garbage amid a header, and a bare CR,
# end a line or the header for Python; it leaves multiparts without boundary or
# parts as they are, knows no limit of depth, and looks into encoded messages.
DIFFER = {"space_colon", "no_boundary", "same_boundary", "deep",
          "digest_empty", "params_hostile", "encoded_rfc822", "bare_cr",
          "nul_in_subject"}


def unvis(s):
    return re.sub(rb"\\([0-7]{3})|\\\\",
                  lambda m: bytes([int(m[1], 8)]) if m[1] else b"\\",
                  s.encode("latin-1")).decode("utf-8", "surrogateescape")


def ours(dump, raw):
    out = subprocess.run([dump, "997"], input=raw, check=True,
                         stdout=subprocess.PIPE).stdout.decode("latin-1")
    parts, addrs, texts, top = [], {}, {}, {}
    for line in out.splitlines():
        words = line.split(" ")
        pairs = [w.split("=", 1) for w in words if "=" in w]
        facts = {k: unvis(v) for k, v in pairs}
        if words[0] == "message":
            top = facts
        elif words[0] == "part":
            facts["params"] = {}
            parts.append(facts)
        elif words[0] in ("param", "dparam"):
            if words[0] == "param":
                parts[int(words[1])]["params"][facts["name"].lower()] = \
                    facts["value"]
        elif words[0] == "addr" and words[1] == "0":
            addrs.setdefault(words[2], []).append(facts)
        elif words[0] == "text" and words[1] == "0":
            texts[words[2]] = facts.get("value")
    return top, parts, addrs, texts


def fail(name, what, a, b):
    sys.exit("%s: %s: ours %r, Python's %r" % (name, what, a, b))


def compare(dump, name, raw):
    top, parts, addrs, texts = ours(dump, raw)
    # Offsets are in the message: what they cut out must be the payload.
    msg = email.message_from_bytes(raw, policy=email.policy.compat32)
    walk = list(msg.walk())
    if len(walk) != len(parts):
        fail(name, "parts", len(parts), len(walk))
    for i, (p, m) in enumerate(zip(parts, walk)):
        at = "%s part %d" % (name, i)
        kind = "%s/%s" % (p["type"].lower(), p["subtype"].lower())
        if kind != m.get_content_type():
            fail(at, "type", kind, m.get_content_type())
        for key, value in m.get_params(failobj=[])[1:]:
            if isinstance(value, tuple) or "*" in key:
                continue
            have = p["params"].get(key.lower())
            if value.encode("utf-8", "surrogateescape") != \
               (have or "").encode("utf-8", "surrogateescape"):
                fail(at, "parameter " + key, have, value)
        cte = m.get("Content-Transfer-Encoding")
        if cte is not None and p["encoding"] != str(cte).strip():
            fail(at, "encoding", p["encoding"], cte)
        if not m.is_multipart():
            off, length = map(int, p["body"].split("+"))
            body = raw[off:off + length]
            want = m._payload.encode("ascii", "surrogateescape")
            if body != want:
                fail(at, "body", body[:200], want[:200])
            if int(p["lines"]) != body.count(b"\n"):
                fail(at, "lines", p["lines"], body.count(b"\n"))
    date = msg.get("Date")
    if date is not None:
        want = int(email.utils.parsedate_to_datetime(str(date)).timestamp())
        if top.get("date") != str(want):
            fail(name, "date", top.get("date"), want)
    subject = msg.get("Subject")
    if subject is not None and isinstance(subject, str):
        want = subject.replace("\r\n", "").replace("\n", "").strip()
        if texts["subject"] != want:
            fail(name, "subject", texts["subject"], want)
    if name.startswith("random"):
        want = [(n, a) for n, a in email.utils.getaddresses(
            msg.get_all("To", []))]
        have = [(a.get("name", ""), "%s@%s" % (a["mailbox"], a["host"]))
                for a in addrs.get("to", [])]
        if want != have:
            fail(name, "to", have, want)


def words(rnd, n):
    return " ".join(rnd.choice(["alpha", "beta", "gr\u00fcn", "\u4f60\u597d",
                                "--", "x" * rnd.randrange(90), "."])
                    for _ in range(n))


def leaf(rnd, m):
    if rnd.random() < 0.3:
        m.set_content(rnd.randbytes(rnd.randrange(2000)), maintype="image",
                      subtype="png", filename="a %d.png" % rnd.randrange(99))
    else:
        text = "\n".join(words(rnd, rnd.randrange(12))
                         for _ in range(rnd.randrange(20))) + "\n"
        m.set_content(text, subtype=rnd.choice(["plain", "html"]),
                      cte=rnd.choice(["quoted-printable", "base64"]))


def tree(rnd, m, depth):
    leaf(rnd, m)
    if depth == 0 or rnd.random() < 0.3:
        return
    getattr(m, rnd.choice(["make_mixed", "make_alternative"]))()
    for _ in range(rnd.randrange(1, 4)):
        part = EmailMessage(policy=m.policy)
        if rnd.random() < 0.2:
            inner = EmailMessage(policy=m.policy)
            inner["Subject"] = "inner"
            tree(rnd, inner, depth - 1)
            part["Content-Type"] = "message/rfc822"
            part.set_payload([inner])
        else:
            tree(rnd, part, depth - 1)
            del part["MIME-Version"]
        m.attach(part)


def make(rnd):
    m = EmailMessage(policy=email.policy.SMTP)
    m["Subject"] = "subject " * rnd.randrange(1, 20)
    m["From"] = "Alice <alice@example.org>"
    m["To"] = ", ".join("Name %d <u%d@example.org>" % (i, i)
                        for i in range(rnd.randrange(1, 30)))
    m["Date"] = email.utils.formatdate(rnd.randrange(2 ** 31), True)
    tree(rnd, m, 3)
    return m.as_bytes()


def main():
    dump, seeds = sys.argv[1:]
    n = 0
    for name in sorted(os.listdir(seeds)):
        base, ext = os.path.splitext(name)
        if ext == ".eml" and base not in DIFFER:
            with open(os.path.join(seeds, name), "rb") as f:
                compare(dump, base, f.read())
            n += 1
    for seed in range(150):
        rnd = random.Random(seed)
        compare(dump, "random %d" % seed, make(rnd))
        n += 1
    print("%d messages agree" % n)


main()
