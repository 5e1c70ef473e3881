#!/usr/bin/env python3
"""TLS of a running suite, as clients see it.

usage: tls.py SERVER.JSON COMMAND
  versions   which versions, ciphers and ALPN names are taken
  resume     sessions go on with any engine, after a reload and a dead engine
  names      SNI: exact, wildcard, unknown; staples that come, age and break
  renew      new certificates, wrong ones, sessions that stay
  nothing    a certificate without its key from the start
  clear      STARTTLS, what is injected before it, loopback without TLS
  stalled N  N half-open handshakes, and how long others wait meanwhile
The suite's extra.conf is what tls.py EXTRA DIR COMMAND has printed.
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import ports

DAYS = 86400
NAMES = ("main", "wild", "soon", "last", "ec", "rsa")


def run(*words, check=True, text=None):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    if check and done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(words), done.stdout))
    return done.stdout


def free_port():
    return ports.free_ports(1)[0]


# ---- Certificates

class Authority:
    """A CA in a folder; certificates NAME.pem with NAME.key."""

    def __init__(self, dir):
        self.dir = dir
        if not os.path.exists(self.path("ca.pem")):
            self.key("ca")
            run("openssl", "req", "-x509", "-new", "-key",
                self.path("ca.key"), "-subj", "/CN=Test CA", "-days", "100",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-out", self.path("ca.pem"))
            open(self.path("index.txt"), "w").close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, kind="EC"):
        options = {"EC": ["-algorithm", "EC", "-pkeyopt",
                          "ec_paramgen_curve:P-256"],
                   "RSA": ["-algorithm", "RSA", "-pkeyopt",
                           "rsa_keygen_bits:2048"]}[kind]
        old = os.umask(0o077)
        run("openssl", "genpkey", *options, "-out", self.path(name + ".key"))
        os.umask(old)

    def cert(self, name, names, days=90, kind="EC", key=None):
        """Replaced as a renewal does it: written beside, then renamed."""
        if key is None:
            key = name
            self.key(name, kind)
        new = self.path(name + ".new")
        with open(self.path("ext"), "w") as f:
            f.write("subjectAltName=%s\n" %
                    ",".join("DNS:" + n for n in names))
        serial = str(int.from_bytes(os.urandom(8), "big") | 1 << 60)
        run("openssl", "req", "-new", "-key", self.path(key + ".key"),
            "-subj", "/CN=" + names[0], "-out", self.path("csr"))
        run("openssl", "x509", "-req", "-in", self.path("csr"), "-CA",
            self.path("ca.pem"), "-CAkey", self.path("ca.key"),
            "-set_serial", serial, "-days", str(days), "-extfile",
            self.path("ext"), "-out", new)
        with open(new, "a") as f:
            f.write(open(self.path("ca.pem")).read())
        os.rename(new, self.path(name + ".pem"))
        with open(self.path("index.txt"), "a") as f:
            # openssl ocsp wants serials in capitals, and no name twice.
            f.write("V\t%sZ\t\t%016X\tunknown\t/CN=%s\n" %
                    (time.strftime("%y%m%d%H%M%S",
                                   time.gmtime(time.time() + days * DAYS)),
                     int(serial), serial))

    def staple(self, name, of=None):
        """An OCSP response of the CA about NAME, to NAME.ocsp."""
        first = self.path("leaf.pem")
        with open(first, "w") as f:
            f.write(open(self.path((of or name) + ".pem")).read().split(
                "-----END CERTIFICATE-----")[0] +
                "-----END CERTIFICATE-----\n")
        request = self.path("request.der")
        run("openssl", "ocsp", "-issuer", self.path("ca.pem"), "-cert",
            first, "-no_nonce", "-reqout", request)
        run("openssl", "ocsp", "-index", self.path("index.txt"), "-CA",
            self.path("ca.pem"), "-rsigner", self.path("ca.pem"), "-rkey",
            self.path("ca.key"), "-reqin", request, "-respout",
            self.path(name + ".ocsp.new"), "-nmin", "60")
        os.rename(self.path(name + ".ocsp.new"), self.path(name + ".ocsp"))


def extra(dir, bad=False):
    """Certificates in dir, and what the configuration needs for them."""
    ca = Authority(dir)
    ca.cert("main", ["mail.test", "mx.mail.test"])
    ca.cert("wild", ["*.wild.test"], kind="RSA")
    ca.cert("soon", ["soon.test"], days=20)
    ca.cert("last", ["last.test"], days=5)
    ca.cert("ec", ["both.test", "*.both.test"])
    ca.cert("rsa", ["*.both.test", "both.test"], kind="RSA")
    print("limit certificate-check 1s")
    for name in NAMES:
        print('certificate "%s" cert "%s.pem" key "%s.key"%s' %
              (name, ca.path(name), ca.path(name),
               ' ocsp "%s.ocsp"' % ca.path(name) if name == "main" else ""))
    for option in ("imap starttls", "imaps tls 1.3", "imap", "imaps"):
        words = option.split()
        print('listen on "127.0.0.1" %s port %d %s%s' %
              (words[0], free_port(), " ".join(words[1:]),
               "" if option == "imap" else
               "".join(' certificate "%s"' % n for n in NAMES)))
    if not bad:
        return
    ca.cert("bad", ["bad.test"])
    ca.key("bad")
    print('certificate "bad" cert "%s" key "%s"' %
          (ca.path("bad.pem"), ca.path("bad.key")))
    for words in ("imap", "starttls"), ("imaps", ""):
        print('listen on "127.0.0.1" %s port %d %s certificate "bad"' %
              (words[0], free_port(), words[1]))


# ---- Clients

if len(sys.argv) > 2 and sys.argv[1] != "EXTRA":
    SUITE = json.load(open(sys.argv[1]))
    RUN = os.path.dirname(os.path.abspath(sys.argv[1]))
    CONF = open(SUITE["conf"]).read()
    CERTS = os.path.dirname(re.search(r'cert "([^"]+main.pem)"', CONF)[1])
    CA = Authority(CERTS)
    PORTS = [int(p) for p in re.findall(
        r'^listen on "127.0.0.1" imaps? port (\d+)', CONF, re.M)]
    FIRST, STARTTLS, ONLY13, PLAIN, IMAPS = PORTS[:5]
    SMTP = SUITE["smtp_port"]


def fail(text):
    print("FAILED:", text)
    for log in ("sealimapd.log", "sealsmtpd.log"):
        print("---", log)
        print("".join(open(os.path.join(RUN, log)).readlines()[-30:]))
    sys.exit(1)


def check(what, is_so, *more):
    print("ok" if is_so else "NOT", what, *more)
    if not is_so:
        fail(what)


def wait_for(what, condition, seconds=20):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            fail("waited in vain for " + what)
        time.sleep(0.05)
    print("ok", what)


def log(name="sealimapd.log"):
    return open(os.path.join(RUN, name)).read()


def context(version=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(CA.path("ca.pem"))
    if version is not None:
        c.minimum_version = c.maximum_version = version
    return c


def line_of(s):
    data = b""
    while not data.endswith(b"\n"):
        more = s.recv(1)
        if not more:
            break
        data += more
    return data


def talk_smtp(s, line=None):
    if line is not None:
        s.sendall(line + b"\r\n")
    while True:
        answer = line_of(s)
        if answer[3:4] != b"-":
            return answer


def connect(port, c=None, name="mail.test", session=None, starttls=None):
    """A TLS connection after its greeting."""
    raw = socket.create_connection(("127.0.0.1", port), 20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if starttls == "smtp":
        talk_smtp(raw)
        talk_smtp(raw, b"EHLO client.test")
        talk_smtp(raw, b"STARTTLS")
    elif starttls == "imap":
        line_of(raw)
        raw.sendall(b"s STARTTLS\r\n")
        line_of(raw)
    try:
        s = (c or context()).wrap_socket(raw, server_hostname=name,
                                         session=session)
        # What comes after the handshake brings TLS 1.3's tickets.
        if starttls == "smtp":
            talk_smtp(s, b"EHLO client.test")
        elif starttls == "imap":
            s.sendall(b"n NOOP\r\n")
            line_of(s)
        elif not line_of(s).startswith(b"* OK"):
            fail("no greeting on port %d" % port)
    except BaseException:
        raw.close()
        raise
    return s


def refused(port, c=None, **more):
    try:
        connect(port, c, **more).close()
    except (ssl.SSLError, OSError) as e:
        return str(e)
    return None


def serial(s):
    return s.getpeercert()["serialNumber"]


def s_client(port, *options):
    return run("openssl", "s_client", "-connect", "127.0.0.1:%d" % port,
               *options, check=False, text="")


def pids(role):
    out = json.loads(run(*SUITE["sealctl"].split(), "-j", "show",
                         "processes"))
    return [p["pid"] for p in out if p["role"] == role]


# ---- What is tried

def versions():
    for version in ("tls1", "tls1_1"):
        for port in (IMAPS, ONLY13):
            out = s_client(port, "-" + version, "-cipher",
                           "ALL:@SECLEVEL=0")
            check("%s is refused" % version, "protocol version" in out)
    for version, port, taken in (
            (ssl.TLSVersion.TLSv1_2, IMAPS, True),
            (ssl.TLSVersion.TLSv1_3, IMAPS, True),
            (ssl.TLSVersion.TLSv1_2, ONLY13, False),
            (ssl.TLSVersion.TLSv1_3, ONLY13, True)):
        check("%s on %d: %s" % (version.name, port, taken),
              (refused(port, context(version)) is None) == taken)
    for cipher, imaps, smtp in (
            ("ECDHE-ECDSA-AES128-GCM-SHA256", True, True),
            ("ECDHE-ECDSA-CHACHA20-POLY1305", True, True),
            ("ECDHE-ECDSA-AES128-SHA", False, True),
            ("AES128-GCM-SHA256", False, False),
            ("AES128-SHA", False, False)):
        for port, start, taken in ((IMAPS, [], imaps),
                                   (SMTP, ["-starttls", "smtp"], smtp)):
            out = s_client(port, "-tls1_2", "-cipher", cipher, *start)
            check("%s, port %d: %s" % (cipher, port, taken),
                  ("Cipher is " + cipher in out) == taken)
    for names, taken in ((["imap"], "imap"), (["http/1.1", "imap"], "imap"),
                         (["http/1.1"], None), (["h2", "http/1.1"], None),
                         (["smtp"], None)):
        c = context()
        c.set_alpn_protocols(names)
        if taken is None:
            check("ALPN %s is refused" % names, refused(IMAPS, c))
        else:
            s = connect(IMAPS, c)
            check("ALPN %s" % names, s.selected_alpn_protocol() == taken)
            s.close()
    for names, taken in ((["smtp"], "smtp"), (["esmtp"], "esmtp"),
                         (["http/1.1"], None), (["imap"], None)):
        c = context()
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
        c.set_alpn_protocols(names)
        if taken is None:
            check("SMTP: ALPN %s is refused" % names,
                  refused(SMTP, c, starttls="smtp"))
        else:
            s = connect(SMTP, c, starttls="smtp")
            check("SMTP: ALPN %s" % names,
                  s.selected_alpn_protocol() == taken)
            s.close()
    out = run("openssl", "s_client", "-connect", "127.0.0.1:%d" % IMAPS,
              "-tls1_2", "-crlf", check=False, text="R\n")
    check("a client may not renegotiate", "no renegotiation" in out or
          "unexpected" in out.lower() or "handshake failure" in out)


def resumed(port, c, session, starttls, tries=8):
    n = 0
    for _ in range(tries):
        s = connect(port, c, session=session, starttls=starttls)
        n += s.session_reused
        s.close()
    return n


def resume():
    kinds = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for port, starttls in ((IMAPS, None), (STARTTLS, "imap"),
                               (SMTP, "smtp")):
            c = context(version)
            if port == SMTP:
                c.check_hostname = False
                c.verify_mode = ssl.CERT_NONE
            s = connect(port, c, starttls=starttls)
            check("the first is new", not s.session_reused)
            kinds.append((version.name, port, c, s.session, starttls))
            s.close()

    def all_resumed(when, last=None):
        for name, port, c, session, starttls in kinds[:last]:
            n = resumed(port, c, session, starttls)
            check("%s %s port %d: resumed" % (when, name, port), n == 8, n)

    check("there are several engines", len(pids("imap-engine")) > 1 or
          os.cpu_count() == 1)
    all_resumed("with any engine")
    # Each time with what the time before brought: tickets for one use.
    for name, port, c, session, starttls in kinds:
        tickets = {session.id}
        for _ in range(5):
            s = connect(port, c, session=session, starttls=starttls)
            check("%s port %d: again and again" % (name, port),
                  s.session_reused)
            session = s.session
            tickets.add(session.id)
            s.close()
        check("a new ticket each time in 1.3", len(tickets) ==
              (6 if name == "TLSv1_3" else len(tickets)), len(tickets))
    run(*SUITE["sealctl"].split(), "reload")
    all_resumed("after a reload")
    old = pids("imap-engine")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for("new engines", lambda: len(set(pids("imap-engine")) -
                                        set(old) - {0}) == len(old))
    wait_for("their greeting", lambda: refused(IMAPS) is None)
    all_resumed("by new engines")
    # A session of one listener is none of another that has other names.
    n = resumed(FIRST, any_name(kinds[0][2]), kinds[0][3], None)
    check("not with a listener of other certificates", n == 0, n)
    # Without the process that had the keys: new ones, and no failure.
    old = pids("sealkeys")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for("new keys", lambda: not set(pids("sealkeys")) & set(old + [0]))
    for name, port, c, session, starttls in kinds:
        wait_for("a handshake", lambda: refused(
            port, c, starttls=starttls) is None)
        n = resumed(port, c, session, starttls)
        check("keys of tickets end with sealkeys", n == 0, n)


def any_name(c):
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


def names():
    c = context()
    c.check_hostname = False
    for name, subject in (("mail.test", "mail.test"),
                          ("MX.mail.test", "mail.test"),
                          ("a.wild.test", "*.wild.test"),
                          ("soon.test", "soon.test"),
                          ("a.b.wild.test", "mail.test"),
                          ("wild.test", "mail.test"),
                          ("unknown.test", "mail.test"),
                          (None, "mail.test")):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            c.minimum_version = ssl.TLSVersion.TLSv1_2
            c.maximum_version = version
            s = connect(IMAPS, c, name=name)
            got = dict(x[0] for x in s.getpeercert()["subject"])
            check("asked for %s" % name, got["commonName"] == subject, got)
            s.close()
    both()
    staples()
    for name in ("soon", "last"):
        wait_for("a warning of %s" % name, lambda: re.search(
            "certificate name=%s expires in" % name, log()) is not None)
    check("others do not expire", "name=main expires in" not in log())
    wait_for("sealctl knows how long", both_expire)


def both_expire():
    """Both daemons say when; each as soon as its engines have spoken."""
    out = json.loads(run(*SUITE["sealctl"].split(), "-j", "show",
                         "certificates"))
    left = [c["expires"] - time.time() for c in out if c["name"] == "soon"]
    return len(left) == 2 and all(18 * DAYS < n <= 20 * DAYS for n in left)


def both():
    """RSA and ECDSA for the same names: the client chooses."""
    for options, kind in ((["-tls1_2", "-cipher", "ECDHE+aRSA"], "RSA"),
                          (["-tls1_2", "-cipher", "ECDHE+aECDSA"], "ECDSA"),
                          (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], "RSA"),
                          (["-tls1_3", "-sigalgs", "ECDSA+SHA256"],
                           "ECDSA"), ([], "ECDSA")):
        for name in ("both.test", "a.both.test"):
            out = s_client(IMAPS, "-servername", name, "-CAfile",
                           CA.path("ca.pem"), *options)
            got = re.search("Peer signature type: (.*)", out)
            check("%s %s: %s" % (name, " ".join(options), kind), got and
                  kind in got[1] and "Verify return code: 0 (ok)" in out,
                  got and got[1])


def stapled(name="mail.test"):
    out = s_client(IMAPS, "-status", "-servername", name)
    if "OCSP Response Status: successful" in out:
        return True
    if "no response sent" not in out:
        fail(out)
    return False


def staple_state(state):
    out = json.loads(run(*SUITE["sealctl"].split(), "-j", "show",
                         "certificates"))
    return [c["staple"] for c in out if c["name"] == "main"] == [state] * 2


def staples():
    check("no staple yet", not stapled())
    CA.staple("main")
    wait_for("a staple", stapled)
    check("none for others", not stapled("a.wild.test"))
    wait_for("sealctl knows it", lambda: staple_state("served"))
    CA.staple("main", of="wild")
    wait_for("one of another certificate is not served",
             lambda: not stapled())
    # Each daemon looks for itself.
    wait_for("it is broken", lambda: staple_state("broken"))
    CA.staple("main")
    wait_for("a good one again", stapled)
    with open(CA.path("main.ocsp"), "wb") as f:
        f.write(b"garbage")
    wait_for("garbage is not served", lambda: not stapled())
    wait_for("why is in the log", lambda: re.search(
        "name=main: no staple: not an OCSP response", log()) is not None)


def reload_says(status, text):
    done = subprocess.run(SUITE["sealctl"].split() + ["reload"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60)
    check("reload: %d" % status, done.returncode == status, done.stdout)
    check("reload says %r" % text, text in done.stdout, done.stdout)


def nothing():
    """A listener whose one certificate has not its key, from the start."""
    BADSTART, BADTLS = PORTS[5:]
    raw = socket.create_connection(("127.0.0.1", BADTLS), 20)
    check("no TLS, no connection", raw.recv(10) == b"")
    raw = socket.create_connection(("127.0.0.1", BADSTART), 20)
    greeting = line_of(raw)
    check("STARTTLS is not offered", b"STARTTLS" not in greeting and
          b"LOGINDISABLED" in greeting, greeting)
    raw.sendall(b"a STARTTLS\r\nb NOOP\r\n")
    check("STARTTLS is refused", line_of(raw).startswith(b"a NO"))
    check("the session goes on", line_of(raw).startswith(b"b OK"))
    check("it is in the log", "name=bad: its key file has not" in log())
    CA.cert("bad", ["bad.test"])
    wait_for("TLS once there is a key", lambda: refused(
        BADTLS, name="bad.test") is None)
    raw.sendall(b"c CAPABILITY\r\n")
    check("STARTTLS is offered now", b" STARTTLS" in line_of(raw))
    connect(BADSTART, name="bad.test", starttls="imap").close()


def renew():
    s = connect(IMAPS)
    old = serial(s)
    s.sendall(b"a LOGIN %s %s\r\n" % (
        (SUITE["user_pattern"] % 1).encode(), SUITE["password"].encode()))
    check("logged in", line_of(s).startswith(b"a OK"))
    CA.cert("main", ["mail.test"])
    reload_says(0, "")
    t = connect(IMAPS)
    new = serial(t)
    check("another certificate", new != old)
    t.close()
    s.sendall(b"b NOOP\r\n")
    check("the session stays", line_of(s).startswith(b"b OK"))
    # The chain alone: the key file has not its key.
    CA.key("other")
    CA.cert("main", ["mail.test"], key="other")
    reload_says(1, "its key file has not the key")
    t = connect(IMAPS)
    check("the one before stays", serial(t) == new)
    t.close()
    check("it is in the log", re.search(
        "name=main: its key file has not .*the one before stays", log()))
    # Then the key: noticed without a word.
    shutil.copy(CA.path("other.key"), CA.path("main.key.new"))
    os.rename(CA.path("main.key.new"), CA.path("main.key"))

    def renewed():
        t = connect(IMAPS)
        got = serial(t)
        t.close()
        return got not in (old, new)
    wait_for("the new one by itself", renewed)
    # The key alone, of nothing.
    CA.key("main")
    reload_says(1, "fits the key of before")
    check("served all the same", renewed())
    shutil.copy(CA.path("other.key"), CA.path("main.key"))
    # A broken chain, and a broken key.
    for file, text in (("main.pem", "not a chain"), ("main.key", "fits")):
        good = open(CA.path(file)).read()
        with open(CA.path(file), "w") as f:
            f.write(good.replace("MI", "!!"))
        reload_says(1, text)
        check("served all the same", renewed())
        with open(CA.path(file), "w") as f:
            f.write(good)
        reload_says(0, "")
    # What others may read is refused by name, and nothing changes.
    os.chmod(CA.path("main.key"), 0o644)
    reload_says(1, CA.path("main.key"))
    check("served all the same", renewed())
    os.chmod(CA.path("main.key"), 0o600)
    reload_says(0, "")
    s.sendall(b"c NOOP\r\n")
    check("the session stays", line_of(s).startswith(b"c OK"))
    s.close()


def clear():
    raw = socket.create_connection(("127.0.0.1", STARTTLS), 20)
    check("no login in clear", b"LOGINDISABLED" in line_of(raw))
    raw.sendall(b"a LOGIN user0001 x\r\n")
    check("LOGIN is refused",
          line_of(raw).startswith(b"a NO [PRIVACYREQUIRED]"))
    raw.sendall(b"b STARTTLS\r\nc NOOP\r\n")
    answer = raw.recv(4096)
    while True:
        more = raw.recv(4096)
        if not more:
            break
        answer += more
    check("IMAP: injected commands are not run", b"c " not in answer, answer)
    raw.close()
    raw = socket.create_connection(("127.0.0.1", SMTP), 20)
    talk_smtp(raw)
    talk_smtp(raw, b"EHLO a.test")
    raw.sendall(b"STARTTLS\r\nMAIL FROM:<a@b.test>\r\n")
    answer = line_of(raw)
    check("SMTP: refused", answer.startswith(b"554"), answer)
    check("SMTP: and the door", raw.recv(100) == b"")
    raw.close()
    # A little later, as if it were the first octets of TLS.
    raw = socket.create_connection(("127.0.0.1", STARTTLS), 20)
    line_of(raw)
    raw.sendall(b"b STARTTLS\r\n")
    line_of(raw)
    raw.sendall(b"c LOGIN user0001 x\r\n" * 40)
    try:
        while raw.recv(4096):
            pass
    except ConnectionError:
        pass
    raw.close()
    s = connect(STARTTLS, starttls="imap")
    s.sendall(b"d CAPABILITY\r\n")
    answer = line_of(s)
    check("after STARTTLS", b"AUTH=PLAIN" in answer and
          b"STARTTLS" not in answer, answer)
    s.close()
    raw = socket.create_connection(("127.0.0.1", PLAIN), 20)
    check("no STARTTLS where there is no TLS",
          b"STARTTLS" not in line_of(raw))
    raw.sendall(b"a LOGIN %s %s\r\n" % (
        (SUITE["user_pattern"] % 1).encode(), SUITE["password"].encode()))
    check("loopback without TLS", line_of(raw).startswith(b"a OK"))
    raw.close()


def stalled():
    n = int(sys.argv[3])
    s = connect(IMAPS)
    c = context()
    times, hellos = [], []

    def noop():
        start = time.perf_counter()
        s.sendall(b"a NOOP\r\n")
        line_of(s)
        return (time.perf_counter() - start) * 1000

    before = max(noop() for _ in range(50))
    for i in range(n):
        h = socket.create_connection(("127.0.0.1", IMAPS), 20)
        # Silent; half a header; a whole ClientHello and then nothing.
        if i % 3 == 1:
            h.sendall(b"\x16\x03\x01\x02\x00\x01")
        elif i % 3 == 2:
            h.sendall(client_hello())
        hellos.append(h)
        if i % 10 == 0:
            times.append(noop())
    start = time.perf_counter()
    for _ in range(20):
        connect(IMAPS, c).close()
    new = (time.perf_counter() - start) * 1000 / 20
    print("NOOP before %.1f ms; while %d stall: median %.1f, worst %.1f ms; "
          "a new connection %.1f ms" % (
              before, n, sorted(times)[len(times) // 2], max(times), new))
    check("others are not delayed", sorted(times)[len(times) // 2] < 50 and
          new < 200)
    for h in hellos:
        h.close()
    check("and are served on", noop() < 1000)
    flood(n, noop)


def flood(n, noop):
    """All handshakes begin at once: sessions have their turn between."""
    hello = client_hello()
    hellos = [socket.create_connection(("127.0.0.1", IMAPS), 20)
              for _ in range(n)]
    start = time.perf_counter()
    for h in hellos:
        h.sendall(hello)
    times = [noop() for _ in range(20)]
    for h in hellos:
        h.recv(1)
    took = time.perf_counter() - start
    print("%d handshakes at once, %.0f a second: NOOP median %.1f, worst "
          "%.1f ms" % (n, n / took, sorted(times)[10], max(times)))
    check("no session waits for all of them", max(times) < took * 500)
    for h in hellos:
        h.close()


def client_hello():
    """What a client sends first."""
    c = any_name(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    out = ssl.MemoryBIO()
    o = c.wrap_bio(ssl.MemoryBIO(), out, server_hostname="mail.test")
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


if sys.argv[1] == "EXTRA":
    extra(sys.argv[2], sys.argv[3:] == ["nothing"])
else:
    {"versions": versions, "resume": resume, "names": names, "renew": renew,
     "nothing": nothing, "clear": clear, "stalled": stalled}[sys.argv[2]]()
