"""Messages of all kinds, signed by dkimsign, verified by dkimpy.

usage: verify.py DKIMSIGN COUNT SEED
"""
import base64
import random
import subprocess
import sys

import dkim

SIGNER, COUNT, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(SEED)


def openssl(*args, **kwargs):
    return subprocess.run(("openssl",) + args, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          **kwargs).stdout


def keys():
    openssl("genrsa", "-out", "rsa.pem", "2048")
    openssl("genpkey", "-algorithm", "ed25519", "-out", "ed.pem")
    rsa = openssl("rsa", "-in", "rsa.pem", "-pubout", "-outform", "DER")
    ed = openssl("pkey", "-in", "ed.pem", "-pubout", "-outform", "DER")[-32:]
    return {
        b"rsa._domainkey.example.org.":
            b"v=DKIM1; k=rsa; p=" + base64.b64encode(rsa),
        b"ed._domainkey.example.org.":
            b"v=DKIM1; k=ed25519; p=" + base64.b64encode(ed),
    }


def text(n, extra=""):
    return "".join(random.choice("abc xyz\t" + extra) for _ in range(n))


def message():
    head = ["From: Joe <joe@example.org>"]
    for name in random.sample(
            ["To", "Cc", "Subject", "Date", "Message-ID", "Reply-To",
             "X-Some", "References", "MIME-Version", "Content-Type"],
            random.randrange(10)):
        value = text(random.randrange(60))
        if random.random() < 0.3:
            value += "\r\n " + text(random.randrange(1, 40)) + "x"
        if random.random() < 0.1:
            name = name.upper()
        head.append(name + ":" + value)
        if random.random() < 0.1:
            head.append(name + ": " + text(10))
    random.shuffle(head)
    body = [text(random.randrange(90), "\u00e9") if random.random() < 0.8
            else "" for _ in range(random.randrange(40))]
    # As SMTP brings it: with a CRLF at its end.
    end = random.choice(["\r\n", "\r\n\r\n\r\n", " \t\r\n"])
    return ("\r\n".join(head) + "\r\n\r\n" + "\r\n".join(body) +
            end).encode("utf-8")


def main():
    records = keys()
    for i in range(COUNT):
        raw = message()
        for key, selector in (("rsa.pem", "rsa"), ("ed.pem", "ed")):
            signed = subprocess.run(
                [SIGNER, "example.org", selector, key], input=raw, check=True,
                stdout=subprocess.PIPE).stdout
            if not dkim.verify(signed, dnsfunc=lambda n, **_: records[n]):
                open("bad.eml", "wb").write(signed)
                sys.exit("message %d of seed %d, %s: refused" %
                         (i, SEED, selector))
            at = signed.index(b"joe@")
            forged = signed[:at] + b"j0e@" + signed[at + 4:]
            if dkim.verify(forged, dnsfunc=lambda n, **_: records[n]):
                sys.exit("a forged one was accepted")
    print("%d messages, two keys each" % COUNT)


main()
