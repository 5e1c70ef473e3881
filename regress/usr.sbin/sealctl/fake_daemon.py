#!/usr/bin/env python3
"""Plays sealimapd's parent and store master on a control socket, for tests of
sealctl alone.  Messages: u32 type, id, length in host order, then the payload.

usage: fake_daemon.py SOCKET DAEMON [strange]
It writes what it was asked to SOCKET.log; "strange" answers with garbage.
"""
import os
import socket
import struct
import sys
import threading

HELLO, PROCESSES, STOP, RELOAD, LOG, CONNECT, STATS = 1, 2, 3, 4, 5, 6, 7
HELLO_IS, PROCESS, COUNT, DONE = 100, 101, 102, 103
SESSIONS, KICK, SESSION, KICKED = 200, 201, 210, 211
ADD, DEL, LIST, SHOW, USER, CREATED, END = 60, 61, 62, 63, 64, 65, 66
OK, NONE, DENIED, FAILED = 0, 1, 2, 3

PATH, DAEMON = sys.argv[1], sys.argv[2]
STRANGE = len(sys.argv) > 3


def note(text):
    with open(PATH + ".log", "a") as f:
        f.write(text + "\n")


def s(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("=I", len(data)) + data


def get_s(data, off):
    n, = struct.unpack_from("=I", data, off)
    return data[off + 4:off + 4 + n].decode(), off + 4 + n


def send(conn, kind, ident, payload=b""):
    conn.send(struct.pack("=III", kind, ident, len(payload)) + payload)


def done(conn, ident, result=OK, reason=""):
    send(conn, DONE, ident, struct.pack("=B", result) + s(reason))


def user(conn, ident, name):
    send(conn, USER, ident, s(name) + s("active") +
         struct.pack("=QQQQIIqq", 0, 4096, 17, 21, 2, 0, 1780000000, 1780000001))


def store(conn):
    """imap-store's side of store_wire.h."""
    while True:
        packet = conn.recv(70000)
        if not packet:
            return
        kind, ident, _ = struct.unpack_from("=III", packet)
        version, = struct.unpack_from("=I", packet, 12)
        name, off = get_s(packet, 16)
        note("store %d version %d name %s" % (kind, version, name))
        error, end = "", None
        if kind == ADD:
            password, off = get_s(packet, off)
            note("password [%s]" % password)
            if name.startswith("taken@"):
                error = "there is such an account already"
            else:
                send(conn, CREATED, ident,
                     s("" if password else "made-up") + s("reco-very"))
            end = 2 if error else 0
        elif kind == LIST:
            for one in "a@one.test", "b@one.test":
                if name in ("", "one.test"):
                    user(conn, ident, one)
        elif kind == SHOW:
            user(conn, ident, name)
        elif kind == DEL and name.startswith("none@"):
            error = "no such account"
        send(conn, END, ident,
             struct.pack("=B", (1 if error else 0) if end is None else end) +
             s(error))


def engine(conn):
    packet = conn.recv(70000)
    kind, ident, _ = struct.unpack_from("=III", packet)
    if kind == KICK:
        by, ident2 = struct.unpack_from("=BQ", packet, 16)
        text, _ = get_s(packet, 25)
        note("kick %d %d [%s]" % (by, ident2, text))
        n = 0 if by == 1 or text == "192.0.2.9" else 2
        send(conn, KICKED, ident, struct.pack("=I", n))
        done(conn, ident)
        return
    for i in range(2):
        send(conn, SESSION, ident, struct.pack("=Q", i + 7) + s("imap") +
             s("127.0.0.1") + s("" if i else "a@one.test") +
             s("TLSv1.3") + s("idle") +
             struct.pack("=qqQQQ", 1780000000, 1780000000, 5, 100, 2000))
    done(conn, ident)


def connect(conn, ident, data, fds):
    role, off = get_s(data, 12)
    instance, = struct.unpack_from("=I", data, off)
    note("connect %s %d, %d descriptor" % (role, instance, len(fds)))
    if role not in ("imap-store", "imap-engine") or instance > 1:
        done(conn, ident, NONE)
        return
    wire = socket.socket(fileno=fds[0])
    done(conn, ident)
    threading.Thread(target=store if role == "imap-store" else engine,
                     args=(wire,), daemon=True).start()


def serve(conn):
    while True:
        data, fds, _, _ = socket.recv_fds(conn, 70000, 4)
        if not data:
            return
        kind, ident, _ = struct.unpack_from("=III", data)
        if STRANGE and kind != HELLO:
            send(conn, 999, ident + 1, b"xyz")
        elif kind == HELLO:
            send(conn, HELLO_IS, ident, s(DAEMON) + s("9.9") +
                 struct.pack("=IqB", os.getpid(), 1780000000, 0))
            done(conn, ident)
        elif kind == PROCESSES:
            for role in (DAEMON, b"a\x1b]0;x\x07b\xff\xe2\x80\xae"):
                send(conn, PROCESS, ident, s(role) + struct.pack(
                    "=IIIIBqI", 0, 4711, 50001, 0, 2, 1780000000, 3))
            done(conn, ident)
        elif kind == STATS:
            for name, kind in (("b_total", 0), ("connections", 1),
                               ("b_total", 0), ("bad name", 0)):
                send(conn, COUNT, ident, s("role") + struct.pack("=I", 0) +
                     struct.pack("=B", kind) + s(name) +
                     s('a="x"' if kind == 0 else "") + s("What it is") +
                     struct.pack("=Q", 2**40))
            done(conn, ident)
        elif kind == CONNECT:
            connect(conn, ident, data, fds)
        elif kind == RELOAD:
            done(conn, ident, FAILED, "sealmail.conf:3:1: syntax error")
        elif kind == STOP:
            done(conn, ident)
            os._exit(0)
        else:
            note("kind %d %r" % (kind, data[12:]))
            done(conn, ident)


listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(PATH)
listener.listen(16)
note("up")
while True:
    c, _ = listener.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
