#!/usr/bin/env python3
#
# What SEARCH BODY and TEXT find, against words that were put into each message
# by hand: before there is an index, with it, after changes, and with its files
# damaged or gone.  With "full": segments that can take no more are left alone;
# "again": the index is thrown away and made anew, also past a vault that is
# killed, and a scan lets other sessions in; "restored": what "again" has left is found without an index.
#
# usage: index_client.py server.json [full | again | restored]

import base64
import glob
import os
import random
import re
import select
import signal
import sys
import time
import unicodedata

from engine_client import Client, SERVER, vaults

PATIENCE = 600  # seconds: idle time is rare where others use the machine
RANDOM = random.Random(9)
LETTERS = "abcdefghijklmnoprstuüßéñåж中"
WORDS = ["".join(RANDOM.choice(LETTERS) for _ in range(RANDOM.randint(2, 8)))
         for _ in range(900)]


def fold(text):
    text = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in text if not unicodedata.combining(c)).casefold()


class Mail:
    """A message with known words in its header and its two parts."""

    def __init__(self, number):
        self.subject = " ".join(RANDOM.sample(WORDS, 3))
        self.parts = [" ".join(
            WORDS[min(int(RANDOM.paretovariate(0.5)), len(WORDS) - 1)]
            for _ in range(40)) for _ in range(2)]
        self.number = number

    def octets(self):
        return ("From: sender%d@example.net\r\n"
                "Subject: =?utf-8?b?%s?=\r\n"
                "MIME-Version: 1.0\r\n"
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                "%s\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
                "<p>%s</p>\r\n--b--\r\n" % (
                    self.number,
                    base64.b64encode(self.subject.encode()).decode(),
                    self.parts[0],
                    self.parts[1])).encode()

    def has(self, kind, term):
        texts = list(self.parts)
        if kind == "TEXT":
            texts.append(self.subject)
            texts.append("From: sender%d@example.net" % self.number)
        return any(fold(term) in fold(x) for x in texts)


def fill(c, mails, first, n):
    for at in range(first, first + n, 100):
        text = b"APPEND big"
        for number in range(at, at + 100):
            mail = Mail(number)
            octets = mail.octets()
            text += b" {%d+}\r\n%s" % (len(octets), octets)
            mails.append(mail)
        c.ok(text)


def search(c, text):
    lines = c.ok(b"UID SEARCH CHARSET UTF-8 " + text)
    for line in lines:
        if line.startswith(b"* SEARCH"):
            return [int(x) for x in line.split()[2:]]
    raise AssertionError(lines)


def key(kind, term):
    octets = term.encode()
    return b"%s {%d+}\r\n%s" % (kind.encode(), len(octets), octets)


def check(c, mails, terms):
    """mails: by UID."""
    found = 0
    for kind in ("BODY", "TEXT"):
        for term in terms:
            want = [u for u in sorted(mails) if mails[u].has(kind, term)]
            got = search(c, key(kind, term))
            assert got == want, (kind, term, got, want)
            found += len(got)
            got = search(c, b"NOT " + key(kind, term))
            assert got == [u for u in sorted(mails) if u not in want], term
    a, b = terms[0], terms[1]
    got = search(c, b"OR " + key("BODY", a) + b" " + key("TEXT", b))
    assert got == [u for u in sorted(mails) if mails[u].has("BODY", a) or
                   mails[u].has("TEXT", b)]
    assert found > 0


def segments():
    paths = glob.glob(SERVER["data_dir"] + "/accounts/*/user0001/idx/*")
    return [x for x in paths if os.path.basename(x) != "new"]


def wait_segments(n):
    end = time.time() + PATIENCE
    while len(segments()) < n:
        assert time.time() < end, "no index was made"
        time.sleep(0.1)


def uids(c):
    return search(c, b"ALL")


def noise(number):
    """Nearly all trigrams that letters can make."""
    text = "".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=30000))
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return ("Subject: %d\r\n\r\nmark%dx\r\n%s\r\n" % (
        number, number, "\r\n".join(lines))).encode()


def full():
    """Some 280 such messages fill a segment; five of them stay as they are."""
    c = Client(1)
    c.ok(b"CREATE big")
    c.ok(b"SELECT big")
    for at in range(0, 300, 25):
        text = b"APPEND big"
        for number in range(at, at + 25):
            octets = noise(number)
            text += b" {%d+}\r\n%s" % (len(octets), octets)
        c.ok(text)
    c.ok(b"NOOP")
    for _ in range(4):
        c.ok(b"COPY 1:300 big")
    wait_segments(5)
    found = search(c, key("BODY", "mark7x"))
    assert len(found) == 5, found
    c.ok(b"LOGOUT")


def reindex(c):
    """What there was is gone by the answer, which counts it."""
    old = {x: os.path.getsize(x) for x in segments()}
    line = [x for x in c.ok(b"XSEALMAIL REINDEX") if x.startswith(b"* XSEAL")]
    told = re.fullmatch(rb"\* XSEALMAIL REINDEXED (\d+) (\d+) (\d+)\r\n",
                        line[0])
    assert [int(x) for x in told.groups()] == \
        [len(old), sum(old.values()), 400], (line, old)
    assert not set(segments()) & set(old)


def wait_building():
    """Something of a segment is there, or, if that was quick, all of it."""
    new = glob.glob(SERVER["data_dir"] + "/accounts/*/user0001/idx")[0] + "/new"
    end = time.time() + PATIENCE
    while not os.path.exists(new) and not segments():
        assert time.time() < end, "no index is made"
        time.sleep(0.001)


TERMS = [WORDS[0], WORDS[1], WORDS[3][1:], "x", "GROSSE", "sender77@",
         "zzzzzz"]


def beside(c):
    """A scan of many has no long turns: another session's are between them."""
    c.ok(b"CREATE many")
    c.ok(b"SELECT big")
    for _ in range(10):
        c.ok(b"COPY 1:400 many")
    c.ok(b"SELECT many")
    other = Client(1)
    for _ in range(20):
        # No index helps with two letters.
        c.send(b"scan SEARCH BODY qq\r\n")
        n = 0
        while not select.select([c.sock], [], [], 0)[0]:
            other.ok(b"NOOP")
            n += 1
        assert c.until(b"scan")[-1].startswith(b"scan OK")
        if n > 3:
            break
    else:
        raise AssertionError("a scan lets nobody in")
    c.ok(b"CLOSE")
    c.ok(b"DELETE many")
    other.ok(b"LOGOUT")


def no_index(mails):
    """Where it cannot be kept all is found, and later it can be asked for."""
    path = glob.glob(SERVER["data_dir"] + "/accounts/*/user0001/idx")[0]
    os.kill(int(vaults()[0]), signal.SIGKILL)
    os.rename(path, path + ".away")
    with open(path, "wb"):
        pass
    c = Client(1, b"big")
    lines = c.expect(b"XSEALMAIL REINDEX", b"NO")
    assert b"[CONTACTADMIN]" in lines[-1], lines
    check(c, mails, TERMS[:2])
    os.unlink(path)
    os.rename(path + ".away", path)
    c.ok(b"XSEALMAIL REINDEX")
    wait_segments(1)


def again():
    c = Client(1)
    c.ok(b"CREATE big")
    c.ok(b"SELECT big")
    mails = []
    fill(c, mails, 0, 400)
    by_uid = dict(zip(uids(c), mails))
    c.expect(b"XSEALMAIL REINDEX now", b"BAD")
    Client().expect(b"XSEALMAIL REINDEX", b"BAD")
    wait_segments(1)
    reindex(c)
    check(c, by_uid, TERMS)
    wait_segments(1)
    # Nobody is there to be asked twice, and half a segment is none.
    reindex(c)
    wait_building()
    pids = vaults()
    assert len(pids) == 1
    os.kill(int(pids[0]), signal.SIGKILL)
    c = Client(1, b"big")
    check(c, by_uid, TERMS)
    wait_segments(1)
    check(c, by_uid, TERMS)
    beside(c)
    no_index(by_uid)
    c = Client(1)
    c.ok(b"LOGOUT")


def restored():
    mails = [Mail(number) for number in range(400)]
    c = Client(1, b"big")
    check(c, dict(zip(uids(c), mails)), TERMS)
    c.ok(b"LOGOUT")


def main():
    terms = (RANDOM.sample(WORDS[400:], 8) + RANDOM.sample(WORDS[:10], 2) +
             ["x", "GROSSE", " ", "p>", "sender77@", "zzzzzz",
              WORDS[0] + " " + WORDS[1], WORDS[-1].upper()])
    terms += [x[1:] for x in RANDOM.sample(WORDS[:50], 3)]
    c = Client(1)
    c.ok(b"CREATE big")
    c.ok(b"SELECT big")
    mails = []
    fill(c, mails, 0, 600)
    by_uid = dict(zip(uids(c), mails))
    check(c, by_uid, terms)
    wait_segments(1)
    check(c, by_uid, terms)
    # Some go, and others come that are in no segment.
    gone = sorted(by_uid)[50:100]
    c.ok(b"UID STORE %d:%d +FLAGS.SILENT (\\Deleted)" % (gone[0], gone[-1]))
    c.ok(b"UID EXPUNGE %d:%d" % (gone[0], gone[-1]))
    mails = [by_uid[u] for u in sorted(by_uid) if u not in gone]
    fill(c, mails, 600, 200)
    by_uid = dict(zip(uids(c), mails))
    assert len(by_uid) == 750
    check(c, by_uid, terms)
    fill(c, mails, 800, 200)
    by_uid = dict(zip(uids(c), mails))
    wait_segments(2)
    check(c, by_uid, terms)
    # An octet of a page, or the file, is worth nothing to anybody.
    with open(segments()[0], "r+b") as f:
        f.seek(3000)
        octet = f.read(1)
        f.seek(3000)
        f.write(bytes([octet[0] ^ 1]))
    check(c, by_uid, terms)
    os.unlink(segments()[0])
    check(c, by_uid, terms)
    c.ok(b"LOGOUT")


if __name__ == "__main__":
    modes = {"full": full, "again": again, "restored": restored}
    modes.get(" ".join(sys.argv[2:]), main)()
