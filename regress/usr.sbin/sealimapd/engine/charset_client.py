#! /usr/bin/env python3
"""
SEARCH of text in many charsets and encodings, folded both ways, in a running
suite.

usage: charset_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import base64

from engine_client import Client, run
from extension_client import untagged

# Python's name, the name in mail if that is another, words it can write.
CHARSETS = (
    ("ascii", "us-ascii", "Plain wordsmith"),
    ("utf-8", None, "Gemüsekübel"),
    ("utf-16", None, "Überprüfung"),
    ("utf-16-be", "utf-16be", "Überprüfung"),
    ("utf-16-le", "utf-16le", "Überprüfung"),
    ("utf-32", None, "Überprüfung"),
    ("utf-7", None, "Straßenbahnhöfe"),
    ("iso8859-1", "iso-8859-1", "Käsebrötchen"),
    ("iso8859-2", "iso-8859-2", "Žluťoučký kůň"),
    ("iso8859-3", "iso-8859-3", "Ĉirkaŭaĵo"),
    ("iso8859-4", "iso-8859-4", "Ķēniņš"),
    ("iso8859-5", "iso-8859-5", "Съешьте булок"),
    ("iso8859-6", "iso-8859-6", "السلام عليكم"),
    ("iso8859-7", "iso-8859-7", "Ξεσκεπάζω"),
    ("iso8859-8", "iso-8859-8", "שלום עולם"),
    ("iso8859-9", "iso-8859-9", "Pijamalı hasta"),
    ("iso8859-10", "iso-8859-10", "Sævör grét"),
    ("iso8859-13", "iso-8859-13", "Įlinkdama fechtuotojo"),
    ("iso8859-14", "iso-8859-14", "Ŵyth ŷchen"),
    ("iso8859-15", "iso-8859-15", "Voix ambiguë œuf"),
    ("iso8859-16", "iso-8859-16", "Țară bogată"),
    ("cp1250", "windows-1250", "Příliš žluťoučký"),
    ("cp1251", "windows-1251", "Широкая электрификация"),
    ("cp1252", "windows-1252", "Smörgåsbord fjord"),
    ("cp1253", "windows-1253", "Ταχίστη αλώπηξ"),
    ("cp1254", "windows-1254", "Yağız şoföre"),
    ("cp1255", "windows-1255", "דג סקרן שט"),
    ("cp1256", "windows-1256", "نص حكيم له"),
    ("cp1257", "windows-1257", "Glāžšķūņa rūķīši"),
    ("cp1258", "windows-1258", "Hà thành"),
    ("cp437", None, "Façade naïve"),
    ("cp850", None, "Señor mañana"),
    ("cp866", None, "Южный грузин"),
    ("koi8-r", None, "Любя, съешь"),
    ("koi8-u", None, "Їжак ґанок"),
    ("mac-roman", "macintosh", "Œuvre façonnée"),
    ("shift_jis", None, "いろはにほへと"),
    ("euc-jp", None, "色は匂へど散りぬる"),
    ("iso2022-jp", "iso-2022-jp", "日本語の電子郵便"),
    ("gb2312", None, "视野无限广"),
    ("gbk", None, "檢索文字"),
    ("gb18030", None, "窗外有蓝天"),
    ("big5", None, "天地玄黃宇宙洪荒"),
    ("euc-kr", None, "키스의고유조건은"),
    ("johab", None, "다람쥐헌쳇바퀴"),
    ("tis-620", None, "เป็นมนุษย์"),
    ("cp737", None, "Γαζέες και"),
    ("cp775", None, "Ąžuolas žydi"),
    ("cp852", None, "Zażółć gęślą"),
    ("cp855", None, "Ђачки рад"),
    ("cp857", None, "Fahiş bluz"),
    ("cp862", None, "גשם חזק"),
    ("cp865", None, "Blåbærsyltetøy"),
    ("cp1125", None, "Єдиний щит"),
    ("koi8-t", None, "Ҷавоби ӯ"),
    ("kz1048", None, "Қазақ тілі"),
    ("ptcp154", None, "Ғылым әрі"),
    ("mac-cyrillic", "x-mac-cyrillic", "Зимняя вишня"),
    ("mac-latin2", "x-mac-ce", "Vyšší růže"),
    ("euc_jis_2004", "euc-jis-2004", "あさきゆめみし"),
    ("cp500", None, "Ebcdic façade"),
)


def words(c, text):
    octets = text.encode()
    return b"%s {%d+}\r\n%s" % (c, len(octets), octets)


def found(c, kind, text):
    line = untagged(c.ok(b"SEARCH CHARSET UTF-8 " + words(kind, text)),
                    b"SEARCH")[0]
    return [int(x) for x in line.split()[2:]]


def body(octets, how):
    if how == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if how == "quoted-printable":
        # UTF-16 has octets that are line ends: none of them as they are.
        return b"=\r\n".join(
            b"".join(b"=%02X" % x for x in octets[i:i + 20])
            for i in range(0, len(octets), 20)) + b"\r\n"
    return octets + b"\r\n"


class Charsets:
    def t_bodies(self):
        """9051 6.4.4: BODY and TEXT are compared in one charset, decoded"""
        c = Client(1)
        c.ok(b"CREATE bodies")
        c.ok(b"SELECT bodies")
        wants = []
        for n, (name, mime, text) in enumerate(CHARSETS):
            octets = ("before %s after" % text).encode(name)
            wide = name.startswith(("utf-16", "utf-32"))
            for how in ("base64", "quoted-printable", "8bit"):
                if wide and how == "8bit":
                    continue  # NULs and line ends
                c.append(b"bodies", (
                    b"From: a@b\r\nSubject: %d\r\nMIME-Version: 1.0\r\n"
                    b"Content-Type: text/plain; charset=%s\r\n"
                    b"Content-Transfer-Encoding: %s\r\n\r\n" % (
                        n, (mime or name).encode(), how.encode())) +
                    body(octets, how))
                wants.append((n, name, how))
        for n, (name, _, text) in enumerate(CHARSETS):
            want = [i + 1 for i, x in enumerate(wants)
                    if CHARSETS[x[0]][2] == text]
            for term in (text, text.upper(), text.lower(), text[1:-1]):
                for kind in (b"BODY", b"TEXT"):
                    got = found(c, kind, term)
                    assert got == want, (name, term, kind, got, want,
                                         [wants[i - 1] for i in got])

    def t_orders(self):
        """2781 3.2: the mark tells the order, and is no text itself"""
        c = Client(1)
        c.ok(b"CREATE orders")
        c.ok(b"SELECT orders")
        names = ("utf-16", "utf-16le", "utf-16be", "utf-32")
        n = 0
        for name in names:
            for order in ("le", "be"):
                octets = "\ufeffOrdnung Überprüfung".encode(
                    name[:6] + order)
                word = b"=?%s?B?%s?=" % (name.encode(),
                                         base64.b64encode(octets))
                c.append(b"orders", (
                    b"From: a@b\r\nSubject: %s\r\nMIME-Version: 1.0\r\n"
                    b"Content-Type: text/plain; charset=%s\r\n"
                    b"Content-Transfer-Encoding: base64\r\n\r\n" % (
                        word, name.encode())) + body(octets, "base64"))
                n += 1
        for term in ("ordnung", "UBERPRUFUNG", "g ü"):
            for kind in (b"BODY", b"SUBJECT", b"TEXT"):
                assert found(c, kind, term) == list(range(1, n + 1)), term

    def t_headers(self):
        """2047: encoded words in every charset, B and Q"""
        c = Client(1)
        c.ok(b"CREATE headers")
        c.ok(b"SELECT headers")
        texts = []
        for name, mime, text in CHARSETS:
            octets = text.encode(name)
            for word in (b"=?%s?B?" + base64.b64encode(octets) + b"?=",
                         b"=?%s?Q?" + b"".join(
                             b"=%02X" % x for x in octets) + b"?="):
                word = word % (mime or name).encode()
                c.append(b"headers", b"From: %s <a@b>\r\nSubject: re %s\r\n"
                         b"\r\nx\r\n" % (word, word))
                texts.append(text)
        for name, _, text in CHARSETS:
            want = [i + 1 for i, x in enumerate(texts) if x == text]
            for kind in (b"SUBJECT", b"FROM", b"HEADER Subject", b"TEXT"):
                for term in (text, text.upper()):
                    got = found(c, kind, term)
                    assert got == want, (name, kind, term, got, want)

    def t_folded(self):
        """Accents and case, whichever side has them"""
        c = Client(1)
        c.ok(b"CREATE folded")
        c.ok(b"SELECT folded")
        groups = (("Müller", "MULLER", "mu\u0308ller"),
                  ("STRASSE", "Straße", "straße"),
                  ("Ångström", "angstrom", "A\u030angstro\u0308m"),
                  ("İstanbul", "i\u0307stanbul"),
                  ("ΟΔΥΣΣΕΥΣ", "Οδυσσεύς", "οδυσσευσ"),
                  ("ﬁlm", "FILM"), ("Ёлка", "елка"))
        for group in groups:
            for text in group:
                c.append(b"folded", (
                    "From: a@b\r\nSubject: =?utf-8?b?%s?=\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n" % (
                        base64.b64encode(text.encode()).decode(),
                        text)).encode())
        first = 1
        for group in groups:
            want = list(range(first, first + len(group)))
            first += len(group)
            for text in group:
                for kind in (b"BODY", b"SUBJECT", b"TEXT"):
                    got = found(c, kind, text)
                    assert got == want, (text, kind, got, want)

    def t_nested(self):
        """A message in a message, and what is HTML or no text at all"""
        inner = ("From: a@b\r\nSubject: =?iso-8859-1?q?inn=E9r?=\r\n"
                 "MIME-Version: 1.0\r\n"
                 "Content-Type: multipart/alternative; boundary=i\r\n\r\n"
                 "--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                 "d=E9eply ne=\r\nsted\r\n"
                 "--i\r\nContent-Type: text/html; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\n" +
                 base64.b64encode("<p>marküp</p>".encode()).decode() +
                 "\r\n--i--\r\n").encode()
        outer = (b"From: a@b\r\nSubject: outer\r\nMIME-Version: 1.0\r\n"
                 b"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
                 b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + inner +
                 b"\r\n--o\r\nContent-Type: application/octet-stream\r\n"
                 b"Content-Transfer-Encoding: base64\r\n\r\n" +
                 base64.b64encode(b"unseenword") + b"\r\n--o--\r\n")
        c = Client(1)
        c.ok(b"CREATE nested")
        c.ok(b"SELECT nested")
        c.append(b"nested", outer)
        for term in ("deeply nested", "DÉEPLY", "MARKUP"):
            assert found(c, b"BODY", term) == [1], term
            assert found(c, b"TEXT", term) == [1], term
        assert found(c, b"SUBJECT", "inner") == []
        assert found(c, b"BODY", "unseenword") == []


if __name__ == "__main__":
    run(globals())
