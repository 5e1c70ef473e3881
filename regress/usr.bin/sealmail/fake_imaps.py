#!/usr/bin/env python3
"""Plays an IMAP server that is none of ours, by TLS with cert.pem, key.pem.

usage: fake_imaps.py
It has one box, and names, keywords and refusals that a terminal would obey.
Its port goes to fake.port.
"""
import os
import re
import socket
import ssl

ESC = b"\x1b]0;owned\x07\xc2\x9b31m"
BOX = b"Evil" + ESC

LABELS = ('Zo\u00eb\'s "phone" \\'.encode(), b"", b"a\r\n* b" + ESC)
SLOTS = [(7, len(LABELS[0]), LABELS[0], b" SCRAM"),
         (8, len(LABELS[1]), LABELS[1], b""),
         (9, len(LABELS[2]), LABELS[2], b"")]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(8)


def command(f):
    """A line with its literals in place."""
    text = f.readline()
    while m := re.search(rb"\{(\d+)\+\}\r\n$", text):
        text += f.read(int(m.group(1))) + f.readline()
    return text


def answer(text):
    if b" APP LIST" in text:
        return b"".join(
            b'* XSEALMAIL SLOT %d app "imap" 1700000000 {%d}\r\n%s%s\r\n' % x
            for x in SLOTS) + b"s OK listed\r\n"
    if b" SETTINGS" in text:
        return (b"* XSEALMAIL SETTING {20000}\r\n" + b"x" * 20000 +
                b"\r\ns OK settings\r\n")
    if b" LOGIN " in text:
        if b"refused" in text:
            return b"s NO [CANNOT] Never " + ESC + b"\r\n"
        return b"s OK in\r\n"
    if b" LIST " in text:
        return (b'* LIST () "/" INBOX\r\n'
                b'* LIST () "/" {%d}\r\n%s\r\n'
                b'* LIST () "/" {1}\r\n/\r\n'
                b's OK listed\r\n' % (len(BOX), BOX))
    if b" EXAMINE " in text:
        return b"* OK [UIDVALIDITY 7] so\r\ns OK [READ-ONLY] open\r\n"
    if b" FETCH 1:* " in text:
        return b"* 1 FETCH (UID 3)\r\ns OK fetched\r\n"
    if b" FETCH " in text:
        return (b'* 1 FETCH (UID 3 FLAGS (key' + ESC + b') INTERNALDATE '
                b'"05-Mar-2019 10:11:12 +0100" BODY[] {9}\r\na: b\r\n\r\nx)'
                b"\r\ns OK fetched\r\n")
    return b"s OK done\r\n"


def serve(raw):
    with context.wrap_socket(raw, server_side=True) as s, \
            s.makefile("rb") as f:
        s.sendall(b"* OK [CAPABILITY IMAP4rev1 LITERAL+ XSEALMAIL] here\r\n")
        while text := command(f):
            s.sendall(answer(text))
            if b" LOGOUT" in text:
                return


with open("fake.port.new", "w") as port:
    port.write("%d\n" % listener.getsockname()[1])
os.rename("fake.port.new", "fake.port")
while True:
    try:
        serve(listener.accept()[0])
    except OSError:
        pass
