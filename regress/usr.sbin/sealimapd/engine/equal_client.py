#!/usr/bin/env python3
#
# What an index rules out no scan finds: 500 substrings, in whatever case and
# with or without their accents, of headers and bodies in many charsets and
# encodings, across lines and the chunks that bodies are stored in, sought in
# all messages by index and in halves of them by scan (which is how few UIDs
# are searched: FEW_UIDS in vault_local.h).
#
# usage: equal_client.py server.json

import base64
import glob
import random
import time
import unicodedata

from engine_client import Client, SERVER

SEED = random.SystemRandom().randrange(1 << 32)
RANDOM = random.Random(SEED)
MESSAGES = 320
QUERIES = 500
HALF = 400  # UIDs: every other is used
CHUNK = 65536
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
# Python's name of a charset, that of mail, and what it can write.
CHARSETS = (
    ("utf-8", "utf-8", LATIN + "äöüßéñåøœŁžйщ中文字が語ﬁ€"),
    ("iso8859-1", "iso-8859-1", LATIN + "äöüßéñåøÀÉÎÕÜ"),
    ("iso8859-2", "iso-8859-2", LATIN + "žluťoučkýŁĄŹŐ"),
    ("iso8859-7", "iso-8859-7", "αβγδεζηθικλμνξοπρστυφχψωΆΈΉΊΌΎΏ"),
    ("iso8859-15", "iso-8859-15", LATIN + "œŒŠšŽž€ÿ"),
    ("cp1251", "windows-1251", "абвгдежзийклмнопрстуфхцчшщЪЫЬЭЮЯЙ"),
    ("koi8-r", "koi8-r", "абвгдежзийклмнопрстуфхцчшщЪЫЬЭЮЯЙ"),
    ("shift_jis", "shift_jis", "いろはにほへとガギグパピプ日本語電子"),
    ("iso2022-jp", "iso-2022-jp", LATIN + "いろはにほへとガギグ日本語"),
    ("gb18030", "gb18030", LATIN + "视野无限广窗外有蓝天"),
    ("big5", "big5", LATIN + "天地玄黃宇宙洪荒"),
    ("euc-kr", "euc-kr", "키스의고유조건은입술끼리만나야"),
    ("utf-16", "utf-16", LATIN + "äöüßéñй中文😀"),
    ("utf-32-be", "utf-32be", LATIN + "äöüßéñй中文😀"),
)
CODINGS = ("base64", "quoted-printable", "8bit")


def words(letters, n):
    return " ".join("".join(RANDOM.choices(letters, k=RANDOM.randint(2, 9)))
                    for _ in range(n))


def coded(octets, how):
    if how == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if how == "quoted-printable":
        return b"=\r\n".join(
            b"".join(b"=%02X" % x for x in octets[i:i + 20])
            for i in range(0, len(octets), 20)) + b"\r\n"
    return octets + b"\r\n"


class Mail:
    """A message, and texts of which each piece stands in it."""

    def __init__(self, number):
        name, mime, letters = CHARSETS[number % len(CHARSETS)]
        how = CODINGS[number // len(CHARSETS) % 3]
        if name.startswith(("utf-16", "utf-32")) and how == "8bit":
            how = "base64"  # NULs and line ends
        self.subject = words(letters, 5)
        long = number in (0, 28, 112)
        text = "\r\n".join(words(letters, 6)
                           for _ in range(2000 if long else 6))
        html = words(LATIN, 6)
        self.octets = (
            b"From: sender%d@example.net\r\nSubject: =?%s?B?%s?=\r\n"
            b"MIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain; charset=%s\r\n"
            b"Content-Transfer-Encoding: %s\r\n\r\n%s\r\n"
            b"--b\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n"
            b"<p>%s</p>\r\n--b--\r\n" % (
                number, mime.encode(),
                base64.b64encode(self.subject.encode(name)), mime.encode(),
                how.encode(), coded(text.encode(name), how),
                html.replace("a", "<b>a</b>").encode()))
        self.bodies = [text, html]
        # What stands at the borders of the chunks, if it can be told.
        self.borders = []
        if long and how == "8bit":
            for at in range(CHUNK, len(self.octets) - 999, CHUNK):
                near = self.octets[at - 30:at + 30].decode(errors="ignore")
                self.borders.append(near)


def piece(text, most):
    n = min(RANDOM.randint(1, most), len(text))
    at = RANDOM.randint(0, len(text) - n)
    return text[at:at + n]


def plain(text):
    return "".join(c for c in unicodedata.normalize("NFD", text)
                   if not unicodedata.combining(c))


def swapped(text):
    text = list(text)
    text[RANDOM.randrange(len(text))] = RANDOM.choice(LATIN)
    return "".join(text)


# How somebody may write it; by the last it may stand nowhere.
WAYS = (str, str.upper, str.lower, str.swapcase, plain,
        lambda x: unicodedata.normalize("NFD", x), swapped)


def wanted(mails):
    """A message's place, the key, the term, and whether it must be there."""
    bordered = [i for i, x in enumerate(mails) if x.borders]
    if RANDOM.random() < 0.2:
        place = RANDOM.choice(bordered)
        kind = "BODY"
        near = RANDOM.choice(mails[place].borders)
        middle = len(near) // 2
        text = near[middle - RANDOM.randint(2, 9):
                    middle + RANDOM.randint(2, 9)]
    else:
        place = RANDOM.randrange(len(mails))
        kind = RANDOM.choice(("BODY", "TEXT", "BODY", "TEXT", "SUBJECT"))
        if kind == "SUBJECT" or (kind == "TEXT" and RANDOM.random() < 0.3):
            text = piece(mails[place].subject, 20)
        else:
            text = piece(RANDOM.choice(mails[place].bodies), 90)
    way = RANDOM.choice(WAYS)
    return place, kind, way(text), way is not swapped


def numbers(lines):
    found = [x for x in lines if x.startswith(b"* SEARCH")]
    assert len(found) == 1, lines
    return [int(x) for x in found[0].split()[2:]]


def search(c, kind, term):
    """By index; and by scan, in two halves."""
    octets = term.encode()
    key = b"%s {%d+}\r\n%s" % (kind.encode(), len(octets), octets)
    sets = (b"", b" UID 1:%d" % HALF, b" UID %d:%d" % (HALF + 1, 2 * HALF))
    for i, some in enumerate(sets):
        c.send(b"s%d UID SEARCH CHARSET UTF-8 %s%s\r\n" % (i, key, some))
    got = []
    for i in range(len(sets)):
        lines = c.until(b"s%d" % i)
        assert lines[-1].startswith(b"s%d OK" % i), (lines, term)
        got.append(numbers(lines))
    return got[0], got[1] + got[2]


def segments():
    return [x for x in glob.glob(
        SERVER["data_dir"] + "/accounts/*/user0001/idx/*")
        if not x.endswith("/new")]


def main():
    print("seed", SEED)
    mails = [Mail(number) for number in range(MESSAGES)]
    c = Client(1)
    c.sock.settimeout(120)
    c.ok(b"CREATE big")
    c.ok(b"SELECT big")
    for at in range(0, MESSAGES, 64):
        c.ok(b"APPEND big" + b"".join(
            b" {%d+}\r\n%s" % (len(m.octets), m.octets)
            for m in mails[at:at + 64]))
    uids = numbers(c.ok(b"UID SEARCH ALL"))
    assert len(uids) == MESSAGES and uids[-1] <= 2 * HALF
    end = time.time() + 120
    while not segments():
        assert time.time() < end, "no index was made"
        time.sleep(0.1)
    found = 0
    for _ in range(QUERIES):
        place, kind, term, there = wanted(mails)
        index, scan = search(c, kind, term)
        assert index == scan, (kind, term, index, scan)
        assert not there or uids[place] in index, (
            kind, term, uids[place], index, mails[place].octets[:400])
        found += len(index) > 0
    assert found > QUERIES // 2
    c.ok(b"LOGOUT")


if __name__ == "__main__":
    main()
