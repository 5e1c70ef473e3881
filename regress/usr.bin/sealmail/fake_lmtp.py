#!/usr/bin/env python3
"""Plays an LMTP server on a socket for one connection after the other.

usage: fake_lmtp.py SOCKET
Recipients decide what happens: no@ 550 5.1.1, full@ 452 4.2.2, bad@ 554 5.7.1,
late@ accepted and then refused after the data with 4xx, hang@ the connection
closes after the data, odd@ answers 250 to DATA.  Messages go to SOCKET.msg.
"""
import os
import socket
import sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(4)
open(path + ".up", "w").write("up\n")


def serve(f):
    def say(line):
        f.write(line + b"\r\n")
        f.flush()

    accepted = []
    say(b"220 fake")
    while True:
        line = f.readline()
        if not line:
            return
        verb = line[:4].upper()
        if verb == b"LHLO":
            say(b"250-fake\r\n250-8BITMIME\r\n250 SMTPUTF8")
        elif verb == b"MAIL":
            open(path + ".mail", "ab").write(line)
            if b"refused@" in line:
                say(b"251 strange")
            else:
                say(b"250 2.1.0 ok")
        elif verb == b"RCPT":
            if b"<no@" in line:
                say(b"550 5.1.1 no such account")
            elif b"<full@" in line:
                say(b"452 4.2.2 full")
            elif b"<bad@" in line:
                say(b"554 5.7.1 never")
            else:
                accepted.append(line)
                say(b"250 2.1.5 ok")
        elif verb == b"DATA":
            if any(b"<odd@" in r for r in accepted):
                say(b"250 done already")
                continue
            say(b"354 go")
            with open(path + ".msg", "wb") as out:
                while True:
                    line = f.readline()
                    if not line or line == b".\r\n":
                        break
                    out.write(line)
            if not line or any(b"<hang@" in r for r in accepted):
                return
            for r in accepted:
                say(b"451 4.3.0 later" if b"<late@" in r else b"250 ok")
        else:
            say(b"221 bye")
            return


while True:
    conn, _ = listener.accept()
    try:
        stream = conn.makefile("rwb")
        serve(stream)
        stream.close()
    except OSError:
        pass
    conn.close()
