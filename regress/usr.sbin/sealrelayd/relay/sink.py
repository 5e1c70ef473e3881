"""A mail server that writes down what it gets, and misbehaves when asked.

usage: sink.py DIRECTORY [WORD ...]
Words: tls=CERT,KEY starttls-broken greet-421 greet-554 hang slow drop-at-dot
always-drop (takes the message, says nothing) close-at-mail lie-size no-esmtp ehlo-450 bare dsn 8bit=no chunking
bdat-502 refuse-early data-250 extra starttls-inject endless
 requiretls (offered within TLS) auth=MECHANISMS
 secret=PASSWORD (of SCRAM-SHA-256) rounds=N
 scram=refuse|skip|mute|liar|nonce (what is wrong with it)
hang=STAGE (greeting ehlo starttls tls auth mail rcpt data body final rset):
there it says no more, nor reads
endless=STAGE (greeting ehlo rcpt final): a reply without end; endless-line: one
of a single line
listen=HOST:PORT first (TLS from the start)
The port goes to DIRECTORY/port, messages to DIRECTORY/<n>.eml with the
envelope in <n>.env.  A recipient "later..." gets 450, "never..." 550,
"once..." 450 the first time, "evil..." 550 in a text that is none.
"""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import sys
import threading
import time

DIR = sys.argv[1]
WORDS = dict((w.split("=", 1) + [""])[:2] for w in sys.argv[2:])
os.makedirs(DIR, exist_ok=True)
LOCK = threading.Lock()
STATE = {"n": 0, "once": set(), "conns": 0, "open": 0, "most": 0}


class Session(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        self.buf = b""
        self.env = None

    def say(self, text):
        data = (text + "\r\n").encode()
        if "slow" in WORDS:
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
                time.sleep(1)
        else:
            self.sock.sendall(data)

    def stage(self, name):
        """What is wrong at this stage begins here."""
        if WORDS.get("hang") == name:
            with open(os.path.join(DIR, "hung"), "a") as f:
                f.write(name + "\n")
            time.sleep(3600)
        end = b" sink" * 20 + (b"" if "endless-line" in WORDS else b"\r\n")
        while WORDS.get("endless") == name:
            self.sock.sendall(b"250-" + end)

    def line(self):
        while b"\n" not in self.buf:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buf += more
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def ehlo(self):
        self.stage("ehlo")
        ext = ["sink", "PIPELINING"]
        if WORDS.get("8bit") != "no":
            ext += ["8BITMIME", "SMTPUTF8"]
        if "lie-size" in WORDS:
            ext.append("SIZE 10")
        else:
            ext.append("SIZE 100000000")
        if "chunking" in WORDS or "bdat-502" in WORDS:
            ext.append("CHUNKING")
        if "dsn" in WORDS:
            ext.append("DSN")
        if {"tls", "starttls-broken", "starttls-inject"} & set(WORDS) and \
                not isinstance(self.sock, ssl.SSLSocket):
            ext.append("STARTTLS")
        if "requiretls" in WORDS and isinstance(self.sock, ssl.SSLSocket):
            ext.append("REQUIRETLS")
        ext.append("AUTH " + WORDS.get("auth", "PLAIN LOGIN"))
        for e in ext[:-1]:
            self.say("250-" + e)
        self.say("250 " + ext[-1])

    def data(self):
        body = b""
        while True:
            while b"\r\n.\r\n" not in self.buf and not (
                    body == b"" and self.buf.startswith(b".\r\n")):
                more = self.sock.recv(65536)
                if not more:
                    raise EOFError
                self.buf += more
            if self.buf.startswith(b".\r\n"):
                raw, self.buf = b"", self.buf[3:]
            else:
                raw, self.buf = self.buf.split(b"\r\n.\r\n", 1)
                raw += b"\r\n"
            return raw

    def bdat(self, line):
        size = int(line.split()[1])
        while len(self.buf) < size:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buf += more
            if "refuse-early" in WORDS:
                self.say("552 5.3.4 too much of it")
                time.sleep(1)
                raise EOFError
        raw, self.buf = self.buf[:size], self.buf[size:]
        self.env.append(line)
        return raw

    def store(self, raw):
        with LOCK:
            STATE["n"] += 1
            n = STATE["n"]
        with open(os.path.join(DIR, "%d.eml" % n), "wb") as f:
            f.write(raw)
        with open(os.path.join(DIR, "%d.env" % n), "w") as f:
            f.write("\n".join(self.env) + "\n")

    def rcpt(self, line):
        self.stage("rcpt")
        local = line[8:].split("@")[0].lstrip("<")
        if local.startswith("later"):
            self.say("450 4.2.0 later")
        elif local.startswith("evil"):
            # What would be commands, where it went on as it is.
            self.sock.sendall(b"550-5.1.1 no\r.\rMAIL FROM:<evil@x.test>\r\n"
                              b"550 5.1.1 \0\x1b[2J\r\r.\r \xff\r\n")
        elif local.startswith("never"):
            self.say("550 5.1.1 no such user")
        elif local.startswith("once") and line not in STATE["once"]:
            STATE["once"].add(line)
            self.say("450 4.2.0 once more")
        else:
            self.env.append(line)
            self.say("250 2.1.5 ok")

    def scram(self, line):
        """RFC 5802, and what a server may not do."""
        wrong = WORDS.get("scram")
        first = base64.b64decode(line.split()[2]).decode()
        bare = first.split(",", 2)[2]
        ours = bare.split(",r=")[1]
        if wrong == "refuse":
            self.say("535 5.7.8 not by that")
            return
        if wrong == "skip":
            self.say("235 2.7.0 never mind")
            return
        rounds = int(WORDS.get("rounds", "4096"))
        server = "r=%s,s=%s,i=%d" % (
            "x" if wrong == "nonce" else ours + "sink",
            base64.b64encode(b"salt").decode(), rounds)
        self.say("334 " + base64.b64encode(server.encode()).decode())
        final = base64.b64decode(self.line()).decode()
        bound, proof = final.rsplit(",p=", 1)
        message = ",".join((bare, server, bound)).encode()

        def mac(key, text):
            return hmac.new(key, text, hashlib.sha256).digest()
        salted = hashlib.pbkdf2_hmac("sha256", WORDS["secret"].encode(),
                                     b"salt", rounds)
        client = mac(salted, b"Client Key")
        signature = mac(hashlib.sha256(client).digest(), message)
        if bytes(a ^ b for a, b in zip(client, signature)) != \
                base64.b64decode(proof):
            self.say("535 5.7.8 wrong")
            return
        v = mac(mac(salted, b"Server Key"), message)
        if wrong == "liar":
            v = bytes(32)
        if wrong != "mute":
            self.say("334 " + base64.b64encode(b"v=" + base64.b64encode(v))
                     .decode())
            if self.line() != "":
                raise EOFError
        with open(os.path.join(DIR, "auth"), "w") as f:
            f.write(line.split()[1] + " " + bare.split(",")[0] + "\n")
        self.say("235 2.7.0 ok")

    def secure(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(*WORDS["tls"].split(","))
        self.sock = ctx.wrap_socket(self.sock, server_side=True)

    def talk(self):
        while True:
            line = self.line()
            verb = line[:4].upper()
            if verb == "EHLO":
                if "no-esmtp" in WORDS:
                    self.say("502 what")
                elif "ehlo-450" in WORDS:
                    self.say("450 4.3.2 later")
                else:
                    self.ehlo()
            elif verb == "HELO":
                self.say("250 sink")
            elif verb == "STAR":
                self.stage("starttls")
                if self.buf:
                    raise EOFError
                if "starttls-inject" in WORDS:
                    self.sock.sendall(b"220 go on\r\n250-evil\r\n250 SIZE 1\r\n")
                    time.sleep(1)
                    raise EOFError
                self.say("220 go on")
                self.stage("tls")
                if "starttls-broken" in WORDS:
                    self.sock.sendall(b"this is no TLS\r\n")
                    raise EOFError
                self.secure()
            elif verb == "AUTH" and WORDS.get("hang") == "auth":
                self.stage("auth")
            elif verb == "AUTH" and " SCRAM" in line:
                self.scram(line)
            elif verb == "AUTH":
                while "LOGIN" in line and line.count("|") < 2:
                    self.say("334 " + ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")[
                        line.count("|")])
                    line += "|" + self.line()
                with open(os.path.join(DIR, "auth"), "w") as f:
                    f.write(line + "\n")
                self.say("235 2.7.0 ok")
            elif verb == "MAIL":
                self.stage("mail")
                if "close-at-mail" in WORDS:
                    raise EOFError
                tls = isinstance(self.sock, ssl.SSLSocket)
                self.env = [line, "tls" if tls else "plain",
                            "peer " + self.sock.getpeername()[0]]
                self.say("250 2.1.0 ok")
            elif verb == "RCPT":
                self.rcpt(line)
            elif verb == "DATA":
                if len(self.env) < 4:
                    self.say("554 5.5.1 nobody")
                    continue
                if "data-250" in WORDS:
                    self.say("250 2.0.0 of course")
                    continue
                self.stage("data")
                self.say("354 go on")
                self.stage("body")
                raw = self.data()
                self.stage("final")
                if "always-drop" in WORDS:
                    self.store(raw)
                    raise EOFError
                if "drop-at-dot" in WORDS and not os.path.exists(
                        os.path.join(DIR, "dropped")):
                    open(os.path.join(DIR, "dropped"), "w").close()
                    raise EOFError
                self.store(raw)
                self.say("250 2.0.0 taken")
                if "extra" in WORDS:
                    time.sleep(0.05)
                    self.say("250 2.0.0 and taken")
            elif verb == "BDAT" and "bdat-502" in WORDS:
                self.say("502 5.5.1 no such command")
                raise EOFError
            elif verb == "BDAT":
                self.stage("body")
                raw = self.bdat(line)
                self.stage("final")
                self.store(raw)
                self.say("250 2.0.0 taken")
            elif verb == "RSET":
                self.stage("rset")
                self.say("250 2.0.0 ok")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("500 5.5.1 what")

    def run(self):
        self.count(1)
        try:
            if "first" in WORDS:
                self.secure()
            self.stage("greeting")
            if "greet-421" in WORDS:
                self.say("421 4.3.2 not now")
                return
            if "greet-554" in WORDS:
                self.say("554 5.7.1 not you")
                return
            if "bare" in WORDS:
                self.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            self.say("220 sink ESMTP")
            self.talk()
        except (EOFError, OSError):
            pass
        finally:
            self.sock.close()
            self.count(-1)

    @staticmethod
    def count(by):
        """How many connections there were at once."""
        with LOCK:
            STATE["open"] += by
            STATE["most"] = max(STATE["most"], STATE["open"])
            with open(os.path.join(DIR, "most"), "w") as f:
                f.write("%d\n" % STATE["most"])


def main():
    host, port = WORDS.get("listen", "127.0.0.1:0").rsplit(":", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, int(port)), family=family,
                                  backlog=512)
    with open(os.path.join(DIR, "port.new"), "w") as f:
        f.write("%d\n" % server.getsockname()[1])
    os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
    while True:
        sock, _ = server.accept()
        STATE["conns"] += 1
        with open(os.path.join(DIR, "conns"), "w") as f:
            f.write("%d\n" % STATE["conns"])
        Session(sock).start()


main()
