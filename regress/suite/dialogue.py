#!/usr/bin/env python3
"""Speaks the example of a page of the manual with a server, as it stands.

usage: dialogue.py SERVER.JSON PAGE RECOVERY-CODE

The first display of EXAMPLES has lines of the client, "C: ", and of the server,
"S: ".  The client's are sent with the recovery code that is given in the place
of the page's; the server must say its own, whatever numbers stand in them.
"""
import json
import re
import socket
import ssl
import sys

CODE = re.compile(r"\b(?:[0-9a-z]{4}-){8}[0-9a-z]{4}\b")


def shape(line):
    return re.sub(r"\d+", "N", line)


def example(page):
    here = literal = False
    for line in open(page, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith(".Sh "):
            here = line == ".Sh EXAMPLES"
        elif here and line.startswith(".Bd"):
            literal = True
        elif literal and line.startswith(".Ed"):
            return
        elif literal:
            yield line[:3], line[3:].replace("\\e", "\\").replace("\\-", "-")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        server = json.load(f)
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    s = context.wrap_socket(socket.create_connection(
        (server["host"], server["imaps_port"]), 60))
    f = s.makefile("rb")
    f.readline()
    sides = {"C: ": 0, "S: ": 0}
    for side, text in example(sys.argv[2]):
        sides[side] += 1
        if side == "C: ":
            # A code of another length would belie the literal before it.
            got = CODE.sub(sys.argv[3], text)
            assert len(got) == len(text), text
            s.sendall(got.encode() + b"\r\n")
            continue
        said = f.readline().decode().rstrip("\r\n")
        if shape(said) != shape(text):
            sys.exit("the page: %s\nthe server: %s" % (text, said))
    if not all(sides.values()):
        sys.exit("there is no dialogue")


main()
