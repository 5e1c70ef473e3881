#!/usr/bin/env python3
"""Makes a Maildir of messages of many shapes, the same for the same seed.

usage: mkmail.py DIR COUNT SEED [tame]
"tame": ASCII, and no multipart without an end.
"""
import os
import random
import sys

TAME = len(sys.argv) > 4
WORDS = ("alpha bravo charlie delta echo foxtrot golf hotel india juliett "
         "kilo lima mike november oscar papa quebec romeo sierra").split()


def text(r, lines):
    out = []
    for _ in range(lines):
        line = " ".join(r.choice(WORDS) for _ in range(r.randint(0, 11)))
        if r.random() < 0.05:
            line = "." + line
        if r.random() < 0.02 and not TAME:
            line += " \u00e4\u00f6\u20ac"
        out.append(line)
    return "\n".join(out) + "\n"


def body(r, i):
    kind = i % (4 if TAME else 5)
    if kind == 0:
        return "Content-Type: text/plain; charset=utf-8\n\n" + text(r, 20)
    if kind == 1:
        return "\n" + text(r, r.randint(0, 3))
    if kind == 2:
        b = "b%08x" % r.getrandbits(32)
        return ("MIME-Version: 1.0\n"
                "Content-Type: multipart/mixed; boundary=\"%s\"\n\n"
                "preamble\n--%s\nContent-Type: text/plain\n\n%s"
                "--%s\nContent-Type: text/html\n\n<p>%s</p>\n"
                "--%s--\n" % (b, b, text(r, 5), b, text(r, 2), b))
    if kind == 3:
        return "Subject: twice\n\n" + text(r, r.choice((1, 200, 1500)))
    return "Content-Type: multipart/mixed; boundary=never\n\n" + text(r, 4)


def main():
    folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    r = random.Random(seed)
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    for i in range(count):
        head = ("From: Sender %d <s%d@example.net>\n"
                "To: user0001@sealmail.test\n"
                "Subject: message %d of %d\n"
                "Date: Mon, %d Jun 2026 %02d:%02d:%02d +0000\n"
                "Message-ID: <%d.%d@example.net>\n" %
                (i, i, i, seed, 1 + i % 5 * 7, i // 3600 % 24,
                 i // 60 % 60, i % 60, seed, i))
        name = "%d.%d_%d.host:2,%s" % (1780000000 + i, seed, i,
                                       "S" if i % 3 == 0 else "")
        with open(os.path.join(folder, "cur", name), "wb") as f:
            f.write((head + body(r, i)).encode("utf-8"))


if __name__ == "__main__":
    main()
