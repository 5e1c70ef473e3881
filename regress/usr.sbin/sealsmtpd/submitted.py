"""What becomes of mail once it was submitted; run by submission_test.

submitted.py SERVER_JSON CASE      exit status 1: it failed
"""
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time

from submission import (CONTEXT, Client, S, expect, fail, mail, mailbox,
                        save_sent, sent_box, user)

PATIENCE = 60   # seconds, where a machine is slow


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            fail("in vain: " + what)
        time.sleep(.1)


def sealctl(*args):
    return subprocess.check_output(S["sealctl"].split() + list(args)).decode()


def queue():
    """The pid of smtp-queue."""
    return next((int(r["pid"]) for r in json.loads(
        sealctl("-j", "show", "processes"))
        if r["role"] == "smtp-queue" and int(r["pid"]) > 0), None)


def sent_again():
    """The copy is there, the queue has died: it comes again, the copy not."""
    save_sent(1, True)
    c = Client().login()
    for n in range(3):
        expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
        expect(c.say("RCPT TO:<x@relay.test>"), "250")
        pid = until(queue, "a queue")
        os.kill(pid, signal.SIGSTOP)
        expect(c.say("DATA"), "354")
        text = mail(more="X-N: %d\n" % n).replace("\n", "\r\n")
        c.sock.sendall(text.encode() + b".\r\n")
        until(lambda m=n: len(sent_box(1)) == m + 1, "a copy")
        os.kill(pid, signal.SIGKILL)
        expect(c.reply(), "451")
        until(lambda: again(c, text), "250")
    got = [t.split("X-N: ")[1][0] for _, t in sent_box(1)]
    if got != ["0", "1", "2"]:
        fail("copies: %s" % got)
    # Once more on purpose is another message, and has another copy.
    if not again(c, text) or len(sent_box(1)) != 4:
        fail("the copy of another")


def again(c, text):
    """The same, as a program sends it that was told to come again."""
    expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
    got = c.say("RCPT TO:<x@relay.test>")
    if not got.startswith("250"):
        expect(got, "451")
        expect(c.say("RSET"), "250")
        return False
    got = c.say("DATA")
    if not got.startswith("354"):
        expect(got, "451")
        return False
    c.sock.sendall(text.encode() + b".\r\n")
    got = c.reply()
    if not got.startswith("250"):
        expect(got, "451")
        return False
    return True


def requiretls():
    """RFC 8689: offered within TLS, and heeded by queue, relay and reports."""
    if "REQUIRETLS" in Client("none").offers:
        fail("offered in clear")
    for tls in "start", "first":
        if "REQUIRETLS" not in Client(tls).offers:
            fail("not offered")
    with smtplib.SMTP("localhost", S["smtp_port"]) as s:
        s.ehlo("x.test")
        if s.has_extn("REQUIRETLS") or \
                s.docmd("MAIL FROM:<a@x.test> REQUIRETLS")[0] != 555:
            fail("in clear")
        s.starttls(context=CONTEXT)
        s.ehlo("x.test")
        if not s.has_extn("REQUIRETLS") or \
                s.docmd("MAIL FROM:<a@x.test> REQUIRETLS=1")[0] != 501 or \
                s.docmd("MAIL FROM:<a@x.test> REQUIRETLS")[0] != 250:
            fail("not within TLS")
    # A server without TLS: it waits for better times, the other has gone.
    got = []
    server = socket.create_server(("127.0.0.1", S["relay_port"]))

    def serve():
        while True:
            sock, _ = server.accept()
            with sock, sock.makefile("rb") as f:
                sock.sendall(b"220 sink\r\n")
                for line in f:
                    verb = line[:4].upper()
                    if verb == b"MAIL":
                        got.append(line.decode())
                    sock.sendall(b"354 go\r\n" if verb == b"DATA" else
                                 b"250-sink\r\n250 REQUIRETLS\r\n"
                                 if verb == b"EHLO" else b"250 ok\r\n")
                    while verb == b"DATA" and f.readline() != b".\r\n":
                        pass
                    if verb == b"DATA":
                        sock.sendall(b"250 ok\r\n")
    threading.Thread(target=serve, daemon=True).start()
    c = Client().login()
    for param in " REQUIRETLS", "":
        expect(c.say("MAIL FROM:<%s>%s" % (user(1), param)), "250")
        expect(c.say("RCPT TO:<x%d@relay.test>" % len(param)), "250")
        expect(c.data(mail()), "250 2.0.0")
    end = time.monotonic() + 60
    while True:
        waits = json.loads(subprocess.check_output(
            S["sealctl"].split() + ["queue", "list", "-j"]))
        text = json.dumps(waits)
        if len(got) == 1 and "x11@relay.test" in text and \
                "4.7.4" in text and "x0@" not in text:
            break
        if time.monotonic() > end:
            fail("%r %s" % (got, text))
        time.sleep(.2)
    if "REQUIRETLS" in got[0]:
        fail(got[0])
    # Reports have the body only where RET=FULL was said.
    ways = {"HDRS": " RET=HDRS", "none": "", "FULL": " RET=FULL"}
    for name, ret in ways.items():
        expect(c.say("MAIL FROM:<%s> REQUIRETLS%s" % (user(1), ret)), "250")
        expect(c.say("RCPT TO:<%s@relay.test>" % name), "250")
        expect(c.data(mail(more="X-Ret: %s\n" % name)), "250")
        sealctl("queue", "remove", "-r", name + "@relay.test")
    expect(c.say("MAIL FROM:<%s> REQUIRETLS" % user(1)), "250")
    expect(c.say("RCPT TO:<%s> NOTIFY=SUCCESS" % user(2)), "250")
    expect(c.data(mail(more="X-Ret: here\n")), "250")
    reports = until(lambda: four(mailbox(1)), "four reports")
    for text in reports:
        name = text.split("\r\nX-Ret: ")[1].split("\r\n")[0]
        if ("\r\n\r\nbody\r\n" in text) != (name == "FULL") or (
                "Action: delivered" in text) != (name == "here"):
            fail("%s: %s" % (name, text))


def four(got):
    return got if len(got) == 4 else None


CASES = {f.__name__: f for f in (sent_again, requiretls)}

CASES[sys.argv[2]](*sys.argv[3:])
