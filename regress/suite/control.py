#!/usr/bin/env python3
"""What sealctl shows of a running suite, and what it ends.

usage: control.py SERVER.JSON COMMAND
"""
import imaplib
import json
import os
import re
import shlex
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import time

SERVER = json.load(open(sys.argv[1]))
CTL = shlex.split(SERVER["sealctl"])


def ctl(*words, code=0, as_uid=None, as_gid=None):
    def drop():
        if as_gid is not None:
            os.setgroups([])
            os.setgid(as_gid)
        if as_uid is not None:
            os.setuid(as_uid)
    p = subprocess.run(CTL + list(words), capture_output=True, text=True,
                       preexec_fn=drop)
    assert p.returncode == code, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout if code == 0 else p.stderr


def records(*words):
    return json.loads(ctl(*words, "-j"))


def user(n):
    return SERVER["user_pattern"] % n


def connect():
    context = ssl.create_default_context(cafile=SERVER["cafile"])
    context.check_hostname = False
    return imaplib.IMAP4_SSL(SERVER["host"], SERVER["imaps_port"],
                             ssl_context=context, timeout=20)


def login(n, password=None):
    m = connect()
    m.login(user(n), password or SERVER["password"])
    return m


def wait(condition, what):
    for _ in range(200):
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(what)


def idle(m):
    m.send(b"i IDLE\r\n")
    assert m.readline().startswith(b"+"), "no continuation"


def sessions():
    return records("show", "sessions")


def stats():
    """{(name, label): sum over the processes}"""
    all_rows = {}
    for r in records("show", "stats"):
        key = (r["name"], r["label"])
        all_rows[key] = all_rows.get(key, 0) + r["value"]
    return all_rows


def deliver(n, text, sender="a@example.org"):
    s = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=20)
    s.sendmail(sender, [user(n)], text)
    s.quit()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def account(n):
    return [a for a in records("show", "users")
            if a["account"] == user(n)][0]


def show():
    before = int(time.time())
    assert sessions() == []
    assert account(3)["login"] == 0 and account(3)["vault"] == 0
    m = login(1)
    m.select("INBOX")
    idle(m)
    slow = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=20)
    slow.ehlo()
    s = {x["protocol"]: x for x in sessions()}
    assert set(s) == {"imap", "smtp"}, s
    assert re.fullmatch("[0-9]{15,20}", s["imap"]["id"]), s
    assert s["imap"]["account"] == user(1)
    assert s["imap"]["tls"] == "TLSv1.3" and s["smtp"]["tls"] == ""
    assert s["imap"]["state"] == "idle" and s["smtp"]["state"] == "idle"
    assert s["imap"]["source"] == SERVER["host"]
    # CAPABILITY, LOGIN, SELECT, IDLE; imaplib may ask once more.
    assert s["imap"]["commands"] >= 3, s
    assert 40 < s["imap"]["received"] < 400 < s["imap"]["sent"], s
    assert before <= s["imap"]["since"] <= time.time(), s
    a = account(1)
    assert a["sessions"] == 1 and alive(a["vault"]) and a["memory"] > 0, a
    assert before <= a["login"] <= time.time() + 1, a
    p = records("show", "processes")
    assert all(x["memory"] > 0 and x["pid"] > 0 for x in p), p
    assert all(x["sandbox"] == "full" for x in p), p
    slow.quit()
    m.shutdown()
    wait(lambda: sessions() == [], "a session stays")
    # The text has the same fields, a record to a line.
    assert ctl("show", "users").splitlines()[0].lower().split() == list(a), a


def prometheus(text):
    """The rules of the text format; the families by name."""
    families, name = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in families, "HELP twice: " + name
            assert len(line.split(None, 3)[3]) > 5, line
            families[name] = {"type": None, "samples": {}}
            continue
        if line.startswith("# TYPE "):
            _, _, typed, kind = line.split()
            assert typed == name and kind in ("counter", "gauge"), line
            families[name]["type"] = kind
            continue
        m = re.fullmatch(r'([a-z_]+)\{((?:[a-z]+="[^"\\\n]*",?)+)\} ([0-9]+)',
                         line)
        assert m, line
        assert m[1] == name, "out of its family: " + line
        labels = tuple(sorted(re.findall(r'([a-z]+)="([^"]*)"', m[2])))
        assert len({k for k, _ in labels}) == len(labels), line
        assert labels not in families[name]["samples"], "twice: " + line
        families[name]["samples"][labels] = int(m[3])
    for n, f in families.items():
        assert f["type"] and f["samples"], n
        assert n.endswith("_total") == (f["type"] == "counter"), n
        assert n.startswith("sealmail_"), n
    return families


def count():
    first = stats()
    m = login(1)
    m.select("INBOX")
    m.noop()
    m.append("INBOX", None, None, b"Subject: x\r\n\r\nx\r\n")
    assert m.search(None, "BODY", "nothing")[0] == "OK"
    idle(m)
    deliver(1, "Subject: y\r\n\r\ny\r\n")
    wait(lambda: b"EXISTS" in m.readline(), "no EXISTS")
    try:
        login(2, "wrong")
        raise AssertionError("wrong password taken")
    except imaplib.IMAP4.error:
        pass
    try:
        deliver(99, "Subject: z\r\n\r\nz\r\n")
        raise AssertionError("mail for nobody taken")
    except smtplib.SMTPRecipientsRefused:
        pass
    want = {
        ("logins_total", 'result="ok"'): 1,
        ("logins_total", 'result="credentials"'): 1,
        ("secrets_total", 'result="right"'): 1,
        ("secrets_total", 'result="wrong"'): 1,
        ("imap_commands_total", 'command="NOOP"'): 1,
        ("imap_commands_total", 'command="SELECT"'): 1,
        ("imap_commands_total", 'command="APPEND"'): 1,
        ("imap_commands_total", 'command="IDLE"'): 1,
        ("tls_handshakes_total", 'version="TLSv1.3"'): 2,
        ("signatures_total", 'result="made"'): 2,
        ("messages_total", 'result="accepted"'): 1,
        ("smtp_commands_total", 'command="RCPT"'): 2,
        ("smtp_refusals_total", 'code="550",status="5.1.1"'): 1,
        ("deliveries_total", 'result="done"'): 1,
        ("syncs_total", ""): 1,
        ("synced_messages_total", ""): 1,
        ("vault_sessions_total", ""): 1,
        ("appended_messages_total", ""): 1,
        ("worker_tasks_total", 'kind="search"'): 1,
        ("worker_chunks_total", 'result="malformed"'): 0,
        ("drained_messages_total", ""): 1,
        ("connections_accepted_total", ""): 4,
    }

    def moved():
        now = stats()
        return {k: now.get(k, 0) - first.get(k, 0) for k in want}
    # A vault tells what it counted a few seconds later.
    try:
        wait(lambda: moved() == want, "")
    except AssertionError:
        sys.exit("got, wanted: %r" % {
            k: (v, want[k]) for k, v in moved().items() if v != want[k]})
    # A session that is resumed needs no signature.
    context = ssl.create_default_context(cafile=SERVER["cafile"])
    context.check_hostname = False
    session = None
    for _ in range(2):
        s = context.wrap_socket(
            socket.create_connection((SERVER["host"], SERVER["imaps_port"])),
            session=session)
        s.recv(100)
        session = s.session
        s.close()
    wait(lambda: stats()[("tls_resumed_total", "")] == 1, "not resumed")
    assert stats()[("signatures_total", 'result="made"')] == first[
        ("signatures_total", 'result="made"')] + 3
    families = prometheus(ctl("show", "stats", "-p"))
    assert "sealmail_process_restarts_total" in families
    roles = {dict(k)["role"]
             for k in families["sealmail_process_up"]["samples"]}
    assert roles >= {"sealkeys", "imap-store", "imap-worker", "imap-engine",
                     "smtp-deliver", "smtp-engine", "smtp-queue", "smtp-relay",
                     "smtp-resolver"}, roles
    # Each counts something of its own.
    for role in roles - {"sealimapd", "sealsmtpd", "sealrelayd", ""}:
        assert any(dict(k)["role"] == role
                   for name, f in families.items() for k in f["samples"]
                   if not name.startswith("sealmail_process_")), role
    assert "cannot" not in ctl("show", "stats", "-p", "-j", code=2)


def bye(m):
    """The last words, then the end."""
    line = m.readline()
    assert line.startswith(b"* BYE"), line
    assert m.readline() == b""


def kick():
    one, two, other = login(1), login(1), login(2)
    smtp = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=20)
    mine = [s for s in sessions() if s["account"] == user(1)]
    assert len(mine) == 2, mine
    # One session by its id, of which sealctl knows no more afterwards.
    idle(one)
    ident = [s["id"] for s in mine if [
        x for x in sessions() if x["id"] == s["id"]][0]["state"] == "idle"]
    assert len(ident) == 1, ident
    assert records("kick", ident[0]) == [{"sessions": 1}]
    bye(one)
    assert "no such session" in ctl("kick", ident[0], code=1)
    assert two.noop()[0] == "OK"
    # An account: its vault ends, and the keys with it.
    vault = account(1)["vault"]
    assert records("kick", "user0001") == [{"sessions": 1}]
    bye(two)
    wait(lambda: not alive(vault), "the vault lives on")
    assert account(1)["sessions"] == 0
    assert other.noop()[0] == "OK"
    # Nobody is logged in: nothing to end, and nothing wrong.
    assert records("kick", user(1)) == [{"sessions": 0}]
    # An address: SMTP too, in its own words.
    assert "no session from" in ctl("kick", "192.0.2.7", code=1)
    assert records("kick", SERVER["host"]) == [{"sessions": 2}]
    bye(other)
    smtp.getreply()  # the greeting was read; this is the last word
    ctl("kick", "a b", code=1)
    ctl("kick", code=2)
    login(1).logout()


def garbage():
    """Clients of the control socket that do not speak its language."""
    run = os.path.dirname(SERVER["lmtp_unix"])
    before = {x["pid"] for x in records("show", "processes")}
    path = os.path.join(run, "sealimapd.sock")

    def client():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(path)
        s.settimeout(5)
        return s

    def head(kind, ident, n):
        return struct.pack("=III", kind, ident, n)

    packets = [b"", b"x", b"\0" * 12, head(1, 1, 4), head(1, 1, 0),
               head(3, 1, 1) + b"x", head(6, 1, 4) + b"\xff\xff\xff\xff",
               head(6, 1, 8) + struct.pack("=II", 2, 0),
               head(5, 1, 1) + b"\x07", head(7, 1, 3) + b"abc",
               head(77, 9, 0), head(201, 3, 4) + b"1234",
               head(2, 1, 0xffffffff), os.urandom(4000), os.urandom(60000)]
    for p in packets:
        s = client()
        s.send(p)
        s.close()
    # Half-open ones take all places, and give them back.
    many = []
    for _ in range(40):
        many.append(client())
    for s in many:
        s.close()
    # One that asks and does not read the answers.
    s = client()
    s.setblocking(False)
    try:
        for i in range(100000):
            s.send(head(7, i + 1, 0))
    except OSError:
        pass
    assert records("show", "processes")
    s.close()
    # An engine's control wire.
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    role = b"imap-engine"
    s = client()
    body = struct.pack("=I", len(role)) + role + struct.pack("=I", 0)
    socket.send_fds(s, [head(6, 5, len(body)) + body], [b.fileno()])
    s.recv(100)
    b.close()
    for p in (head(200, 1, 0), head(201, 1, 2) + b"ab", head(9, 1, 0)):
        a.send(p)
    for _ in range(3):
        answer = a.recv(1000)
        assert answer[:4] == struct.pack("=I", 103) and answer[12] == 4, answer
    a.send(b"junk")
    assert a.recv(10) == b""
    after = {x["pid"] for x in wait(
        lambda: records("show", "processes"), "no answer")}
    assert before == after, "a process died"


def rights():
    """Groups 60001 (operators) and 60002 (readers) of the configuration."""
    ask = {"as_uid": 60009, "as_gid": 60002}
    for words in (("show", "processes"), ("show", "sessions"),
                  ("show", "stats"), ("show", "users"), ("show", "version")):
        ctl(*words, **ask)
    for words in (("stop",), ("reload",), ("log", "verbose"),
                  ("kick", "user0001"), ("user", "add", "mallory"),
                  ("user", "del", "user0001"),
                  ("user", "quota", "user0001", "1M")):
        assert "not allowed" in ctl(*words, code=1, **ask), words
    operate = {"as_uid": 60009, "as_gid": 60001}
    ctl("log", "verbose", **operate)
    ctl("log", "brief", **operate)
    ctl("user", "add", "new@" + SERVER["domain"], **operate)
    ctl("kick", "user0001", **operate)
    # Whoever is in neither group does not come in.
    assert "not allowed" in ctl("show", "processes", code=3, as_uid=60009,
                                as_gid=60003)


def plain():
    """A connection to SMTP; None where it is closed at once."""
    s = socket.create_connection((SERVER["host"], SERVER["smtp_port"]), 5)
    try:
        if s.recv(100):
            return s
    except ConnectionError:
        pass
    s.close()
    return None


def refused(reason):
    return stats()[("connections_refused_total", 'reason="%s"' % reason)]


def sources():
    """limit connections-per-source 4"""
    held = [plain() for _ in range(4)]
    assert all(held), held
    assert plain() is None and refused("connections-per-source") == 1
    held.pop().close()
    wait(lambda: (lambda s: s and held.append(s) is None)(plain()),
         "no place again")
    assert plain() is None
    for s in held:
        s.close()


def trusted():
    """The same limit, a rate of 3 and one failure, but 127.0.0.1 is trusted."""
    held = [plain() for _ in range(8)]
    assert all(held), held
    for _ in range(4):
        try:
            login(1, "wrong")
            raise AssertionError("wrong password taken")
        except imaplib.IMAP4.error as e:
            assert "AUTHENTICATIONFAILED" in str(e), e
    login(1).logout()


def rate():
    """limit connection-rate 5"""
    # The suite has sent itself a message when it started.
    n = 0
    while (s := plain()):
        s.close()
        n += 1
    accepted = [r["value"] for r in records("show", "stats")
                if r["name"] == "connections_accepted_total" and
                r["daemon"] == "sealsmtpd"]
    assert n > 0 and accepted == [5], (n, accepted)
    assert refused("connection-rate") == 1


def attempt(n, password):
    """The response code of a refusal, or OK."""
    m = connect()
    try:
        m.login(user(n), password)
        m.logout()
        return "OK"
    except imaplib.IMAP4.error as e:
        m.shutdown()
        return re.search(r"\[([A-Z]+)\]", str(e))[1]


def failures():
    """limit login-failures-per-source 4, login-failures-per-user 3"""
    good, wrong = SERVER["password"], "AUTHENTICATIONFAILED"
    # Who has been let in from here goes on, others' guesses or not.
    assert attempt(1, good) == "OK"
    assert [attempt(2, "guess") for _ in range(3)] == [wrong] * 3
    assert attempt(2, good) == "LIMIT", "the account's limit"
    assert attempt(3, "guess") == wrong
    assert attempt(3, good) == "LIMIT", "the address's limit"
    assert attempt(99, "guess") == "LIMIT"
    assert attempt(1, good) == "OK", "a user is locked out by others"
    assert stats()[("secrets_total", 'result="refused"')] == 3
    assert stats()[("logins_total", 'result="rate"')] == 3
    # But not for guessing at this account from here, past the limit.
    assert [attempt(1, "guess") for _ in range(4)] == [wrong] * 4
    assert attempt(1, good) == "LIMIT"


PLANTED = ["Zwetschge", "Quittenbrot", "Holunder", "Schlehe", "Mirabelle",
           "Kornelkirsche"]


def log_lines():
    run = os.path.dirname(SERVER["log"])
    text = ""
    for name in ("sealimapd.log", "sealsmtpd.log", "sealrelayd.log"):
        with open(os.path.join(run, name)) as f:
            text += f.read()
    return text.splitlines()


def mail_run(n):
    """Everything that a user does, with words that no log may hold."""
    deliver(n, "Subject: Zwetschge\r\nX-Quittenbrot: x\r\nFrom: Schlehe "
            "<a@example.org>\r\n\r\nHolunder\r\n")
    m = login(n)
    assert m.create("Mirabelle")[0] == "OK"
    assert m.append("Mirabelle", None, None,
                    b"Subject: Zwetschge\r\n\r\nHolunder\r\n")[0] == "OK"
    m.select("INBOX")
    wait(lambda: m.search(None, "SUBJECT", "Zwetschge")[1] != [b""], "no mail")
    m.search(None, "TEXT", "Holunder")
    m.fetch("1", "(BODY[] ENVELOPE)")
    m.copy("1", "Mirabelle")
    m.store("1", "+FLAGS", "Kornelkirsche")
    m.rename("Mirabelle", "Schlehe")
    m.send(b"x NONSENSE Holunder\r\n")
    assert m.readline().startswith(b"x BAD")
    m.select("Quittenbrot")
    m.logout()
    try:
        login(n, "Kornelkirsche")
    except imaplib.IMAP4.error:
        pass
    try:
        login(n, SERVER["password"] + "x")
    except imaplib.IMAP4.error:
        pass
    s = socket.create_connection((SERVER["host"], SERVER["smtp_port"]), 5)
    s.sendall(b"EHLO x\r\nZwetschge Holunder\r\nMAIL FROM:<Schlehe>\r\n"
              b"MAIL FROM:<a@example.org>\r\nRCPT TO:<Mirabelle@x.test>\r\n"
              b"QUIT\r\n")
    while s.recv(1000):
        pass


def secrets():
    """Brief, then verbose: words that may not be there, and the form."""
    for level in ("brief", "verbose"):
        ctl("log", level)
        mail_run(1)
        # A vault that is new knows the level.
        ctl("kick", user(1))
    ctl("log", "brief")
    ctl("user", "add", "Mirabelle")
    ctl("user", "del", "Mirabelle")
    tag = re.compile(r"[a-z-]+(\[[0-9]+\])?: [ -~]+")
    pair = re.compile(r"[a-z_]+=[^ =]+")
    lines = log_lines()
    assert len(lines) > 40, lines
    for line in lines:
        for word in PLANTED + [SERVER["password"], user(1), "example.org"]:
            assert word.lower() not in line.lower(), (word, line)
        assert tag.fullmatch(line), line
        for word in line.split():
            assert "=" not in word or pair.fullmatch(word), line
    text = "\n".join(lines)
    for word in ("delivered delivery=", "drained account=", "conn secure"):
        assert word in text, "not verbose: " + word


def trace():
    """A message from its connection to the account, and who it was for."""
    ctl("log", "verbose")
    mail_run(1)
    mail_run(2)
    logs = os.path.dirname(SERVER["log"])
    both = os.path.join(logs, "both.log")
    with open(both, "w") as f:
        f.write("\n".join("Nov 21 12:00:00 host " + x for x in log_lines()))
    mine = ctl("trace", "-l", both, user(1).upper())
    other = ctl("trace", "-l", both, user(2))
    assert mine and other and not set(mine.splitlines()) & set(
        other.splitlines())
    for word in ("conn open", "message conn=", "delivered delivery=",
                 "drained account=", "login conn=", "login refused"):
        assert word in mine, (word, mine)
    message = re.search(r"message conn=(\d+) .* id=(\S+) delivery=(\S+)", mine)
    by = [set(ctl("trace", "-l", both, message[i]).splitlines())
          for i in (1, 2, 3)]
    assert by[0] == by[1] == by[2] and 3 <= len(by[0]) < len(
        mine.splitlines()), by
    assert any("delivered" in x for x in by[0])
    assert "message conn=" in ctl("trace", "-l", both, "127.0.0.1")
    assert ctl("trace", "-l", both, "nobody@example.net") == ""
    assert ctl("trace", "-l", both, "12345") == ""
    assert [x["line"] for x in records("trace", "-l", both, message[2])] == [
        x for x in ctl("trace", "-l", both, message[2]).splitlines()]
    with open(both) as f:
        piped = subprocess.run(CTL + ["trace", "-l", "-", message[1]],
                               stdin=f, capture_output=True, text=True)
    assert set(piped.stdout.splitlines()) == by[0]
    ctl("trace", code=2)
    ctl("trace", "-l", both + ".none", "x", code=1)


def waiting():
    """linger 10m: mail that comes while a vault lives and nobody is in"""
    def delivered():
        return os.listdir(os.path.join(SERVER["data_dir"], "accounts",
                                       *reversed(user(1).split("@")), "in"))
    seen = 0
    for _ in range(3):
        login(1).logout()
        wait(lambda: sessions() == [], "a session stays")
        for _ in range(10):
            deliver(1, "Subject: x\r\n\r\nx\r\n")
        seen += 10
        # Whoever comes sees all of it at once.
        m = login(1)
        got = m.select("INBOX")[1]
        assert got == [b"%d" % seen], (got, seen)
        # And what comes now, of which many share a drain.
        for _ in range(10):
            deliver(1, "Subject: y\r\n\r\ny\r\n")
        seen += 10
        wait(lambda: m.select("INBOX")[1] == [b"%d" % seen], "mail is missing")
        m.logout()
    wait(lambda: sessions() == [], "a session stays")
    # Nobody comes: it is taken in all the same, in a quiet moment.
    vault = account(1)["vault"]
    deliver(1, "Subject: z\r\n\r\nz\r\n")
    wait(lambda: delivered() == [], "mail is not taken in")
    assert account(1)["vault"] == vault and alive(vault)
    assert login(1).select("INBOX")[1] == [b"%d" % (seen + 1)]


def clear():
    """log addresses yes"""
    deliver(1, "Subject: x\r\n\r\nx\r\n")
    login(1).logout()
    text = "\n".join(log_lines())
    assert "to=" + user(1) in text and "account=" + user(1) in text
    assert "from=a@example.org" in text


def children():
    """pids of the processes that the engines have forked"""
    engines = [p["pid"] for p in records("show", "processes")
               if p["role"] == "imap-engine"]
    found = []
    for engine in engines:
        with open("/proc/%d/task/%d/children" % (engine, engine)) as f:
            found += [int(x) for x in f.read().split()]
    return found


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(x.split(":", 1) for x in f.read().splitlines())


def holds(pid, word):
    """Whether a process's memory does; as root."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if mode[:2] != "rw":
                continue
            low, high = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(low)
                if word in mem.read(high - low):
                    return True
            except OSError:
                pass
    return False


def isolated():
    """sessions isolated"""
    parents = {p["pid"]: p for p in records("show", "processes")}
    assert children() == []
    one = login(1)
    (first,) = children()
    two, three = login(2), login(2)
    assert len(children()) == 3
    for pid in children():
        s = status(pid)
        assert s["Seccomp"].strip() == "2", s
        assert s["NoNewPrivs"].strip() == "1", s
        if os.geteuid() == 0:
            assert s["CapEff"].strip() == "0" * 16, s
            # Three standard ones, log, client, vault, two wires, the loop's.
            assert len(os.listdir("/proc/%d/fd" % pid)) < 20, os.listdir(
                "/proc/%d/fd" % pid)
    assert {x["account"] for x in sessions()} == {user(1), user(2)}
    assert len(sessions()) == 3
    # What one shows is in no other's memory, nor in the warm engine's.
    one.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"Zwetschge " * 99)
    one.select("INBOX")
    text = one.fetch("1", "(BODY[])")[1][0][1]
    assert text.count(b"Zwetschge ") == 99
    # A sanitizer's shadow is terabytes.
    if os.geteuid() == 0 and "SANITIZED" not in os.environ:
        assert holds(first, user(1).encode()), "not even its own name"
        for pid in set(children()) - {first}:
            assert not holds(pid, b"Zwetschge Zwet"), "seen by another"
            assert not holds(pid, user(1).encode()), "the name too"
        for pid in [p for p in parents if parents[p]["role"] ==
                    "imap-engine"]:
            assert not holds(pid, b"Zwetschge Zwet"), "seen by the parent"
    # News, and the level of the log, reach it all the same.
    idle(two)
    deliver(2, "Subject: y\r\n\r\ny\r\n")
    three.select("INBOX")
    ctl("log", "verbose")
    ctl("log", "brief")
    # One that is killed takes nobody with it.
    os.kill(first, signal.SIGKILL)
    wait(lambda: len(sessions()) == 2, "a dead session is shown")
    assert three.noop()[0] == "OK"
    wait(lambda: first not in children(), "it is not reaped")
    # A reload, then one by its id, an account and an address.
    ctl("reload")
    assert three.noop()[0] == "OK"
    ident = [s["id"] for s in sessions() if s["state"] == "idle"]
    assert records("kick", ident[0]) == [{"sessions": 1}]
    bye(two)
    assert records("kick", user(2)) == [{"sessions": 1}]
    bye(three)
    one = login(1)
    assert records("kick", SERVER["host"]) == [{"sessions": 1}]
    bye(one)
    wait(lambda: children() == [], "a process stays")
    assert sessions() == []
    assert stats()[("connections", "")] == 0
    # A wrong password, and no login at all.
    assert attempt(1, "wrong") == "AUTHENTICATIONFAILED"
    m = connect()
    assert len(children()) == 1
    m.shutdown()
    wait(lambda: children() == [], "a process stays")
    # Each tells what it has counted when it ends; not the one killed.
    wait(lambda: stats()[("logins_total", 'result="ok"')] >= 3, "counters")
    assert set(parents) == {p["pid"] for p in records("show", "processes")}


def smtp_says():
    s = smtplib.SMTP(timeout=20)
    banner = s.connect(SERVER["host"], SERVER["smtp_port"])[1].decode()
    s.ehlo()
    size = s.esmtp_features["size"]
    s.quit()
    return banner.split()[0], size


def reload():
    """What needs a restart is refused, what is wrong changes nothing, and the
    rest holds; a session goes on all the while."""
    good = open(SERVER["conf"]).read()
    m = login(1)
    before = {p["pid"] for p in records("show", "processes")}
    greets = smtp_says()

    imapd = [p["pid"] for p in records("show", "processes")
             if p["role"] == "sealimapd"][0]

    def failures():
        return open(SERVER["log"]).read().count("reload failed")

    def write(text):
        with open(SERVER["conf"], "w") as f:
            f.write(text)

    def refused(text, why, by_signal=True):
        assert text != good, why
        write(text)
        said = ctl("reload", code=1)
        assert why in said, (why, said)
        if by_signal:
            n = failures()
            os.kill(imapd, signal.SIGHUP)
            wait(lambda: failures() > n, "it was taken: " + why)
        write(good)
        assert m.noop()[0] == "OK"
        assert smtp_says() == greets
        assert {p["pid"] for p in records("show", "processes")} == before

    port = str(SERVER["lmtp_port"])
    for name, text in {
            "listen": re.sub(r'(listen .* port )%s\n' % port, r"\g<1>9\n", good),
            "directory": re.sub(r'\ndirectory ".*"', '\ndirectory "/d"', good),
            "libexec": re.sub(r'libexec ".*"', 'libexec "/d"', good),
            "group": re.sub(r"\ngroup mail .*", "", good) + "group mail 50911\n",
            "user": re.sub(r"\nuser work .*", "", good) + "user work 50914\n",
            "host index": good + "host index 1\n",
            "queue key": re.sub(r'queue key ".*"', 'queue key "/d"', good),
            "sandbox": good + "sandbox best-effort\n",
            "sessions": good + "sessions isolated\n",
            "control": good + "control readers 50999\n"}.items():
        # That listener is sealsmtpd's alone.
        refused(text, "" if name == "queue key" else
                name + " changed: that needs a restart", name != "listen")
    # Of several words, and of files that are named.
    refused(good + "limit recipients none\n", "a number from 1 to 100000")
    refused(good + "listen twice\n", "syntax error")
    refused(re.sub(r'cert ".*" key', 'cert "/none.pem" key', good), "/none.pem")
    key = re.search(r'queue key "(.*)"', good).group(1)
    os.chmod(key, 0o644)
    refused(good + "#\n", "chmod 600 " + key, by_signal=False)
    os.chmod(key, 0o400)
    # These are taken at once.
    write(re.sub(r'hostname ".*"', 'hostname "other.test"', good) +
          "limit message-size 77K\nscram yes\n")
    ctl("reload")
    wait(lambda: smtp_says() == ("other.test", str(77 * 1024)), smtp_says())
    wait(lambda: b"AUTH=SCRAM-SHA-256" in connect().capability()[1][0], "scram")
    assert m.noop()[0] == "OK"
    write(good)
    ctl("reload")
    wait(lambda: smtp_says() == greets, smtp_says())
    assert {p["pid"] for p in records("show", "processes")} == before
    m.logout()


globals()[sys.argv[2]]()
