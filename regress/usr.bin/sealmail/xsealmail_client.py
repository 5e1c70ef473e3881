"""XSEALMAIL (xsealmail(7)) as a client speaks it, against a running suite.

usage: xsealmail_client.py server.json; of five users
"""
import json
import re
import socket
import ssl
import sys


class Client:
    """Just enough IMAP: a line each way, literals where asked for."""

    def __init__(self, conf):
        context = ssl.create_default_context(cafile=conf["cafile"])
        raw = socket.create_connection((conf["host"], conf["imaps_port"]), 30)
        self.sock = context.wrap_socket(raw, server_hostname=conf["host"])
        self.file = self.sock.makefile("rb")
        self.n = 0
        self.greeting = self.line()

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def do(self, command):
        """The untagged lines, and the tagged one without its tag."""
        self.n += 1
        tag = "t%d" % self.n
        self.sock.sendall(("%s %s\r\n" % (tag, command)).encode())
        lines = []
        while True:
            line = self.line()
            assert line, "closed after %r" % lines
            if line.startswith(tag + " "):
                return lines, line[len(tag) + 1:]
            lines.append(line)

    def ended(self):
        """What is said until the server closes."""
        lines = []
        while True:
            line = self.line()
            if not line:
                return lines
            lines.append(line)


def login(conf, user, secret):
    c = Client(conf)
    _, answer = c.do('LOGIN %s "%s"' % (user, secret))
    return c if answer.startswith("OK") else answer


def ok(answer):
    assert answer[1].startswith("OK"), answer
    return answer[0]


def told(lines, what):
    """The fields after "* XSEALMAIL what"."""
    found = [l for l in lines if l.startswith("* XSEALMAIL " + what + " ")]
    assert len(found) == 1, lines
    return found[0][len("* XSEALMAIL " + what) + 1:].split(" ")


def passwd(conf, user, password):
    c = login(conf, user, password)
    other = login(conf, user, password)
    assert "XSEALMAIL" in c.greeting
    refused = c.do('XSEALMAIL PASSWD "wrong" "a new one"')
    assert refused[1].startswith("NO [AUTHENTICATIONFAILED]"), refused
    fields = told(ok(c.do('XSEALMAIL PASSWD {%d+}\r\n%s "a new one"'
                          % (len(password), password))), "PASSWD")
    assert fields[0].isdigit()
    # Both sessions were of the old password.
    assert any("BYE" in l for l in c.ended())
    assert any("BYE" in l for l in other.ended())
    assert "AUTHENTICATIONFAILED" in login(conf, user, password)
    assert isinstance(login(conf, user, "a new one"), Client)
    # Without a session, by name.
    c = Client(conf)
    ok(c.do('XSEALMAIL USER %s PASSWD "a new one" "%s"' % (user, password)))
    assert isinstance(login(conf, user, password), Client)
    # Seven are too few, in octets or not; what opens is as it was.
    for short in ('"1234567"', "x", "{8+}\r\nna\u00efve t", "{14+}\r\n" + 7 * "\u00e9"):
        answer = c.do('XSEALMAIL USER %s PASSWD "%s" %s'
                      % (user, password, short))[1]
        assert answer == "NO [CANNOT] A password has at least 8 characters", \
            (short, answer)
    assert isinstance(login(conf, user, password), Client)
    for bad in ('XSEALMAIL PASSWD a b', 'XSEALMAIL USER a APP LIST',
                'XSEALMAIL', 'XSEALMAIL NONSENSE x', 'XSEALMAIL PASSWD a',
                'XSEALMAIL USER a APP ADD s l nothing',
                'XSEALMAIL USER a APP REVOKE s 0',
                'XSEALMAIL USER a REKEY s t'):
        assert c.do(bad)[1].startswith("BAD"), bad
    answer = c.do('XSEALMAIL USER nobody PASSWD a b')[1]
    assert answer == refused[1], answer
    c = login(conf, user, password)
    assert c.do('XSEALMAIL USER x RECOVER y')[1].startswith("BAD")


def apps(conf, user, password):
    c = login(conf, user, password)
    add = told(ok(c.do('XSEALMAIL APP ADD "%s" "my phone" imap' % password)),
               "APP ADD")
    slot, code = add[0], add[1].strip('"')
    send = told(ok(c.do('XSEALMAIL APP ADD "%s" printer submission'
                        % password)), "APP ADD")
    listed = [l for l in ok(c.do("XSEALMAIL APP LIST"))]
    kinds = sorted(l.split(" ")[4] for l in listed)
    assert kinds == ["app", "app", "main", "recovery"], listed
    line = [l for l in listed if " %s " % slot in l][0]
    assert re.fullmatch(r'\* XSEALMAIL SLOT %s app "imap" \d+ "my phone" SCRAM'
                        % slot, line), line
    phone = login(conf, user, code)
    assert isinstance(phone, Client)
    assert "AUTHENTICATIONFAILED" in login(conf, user, send[1].strip('"'))
    # An app password of that scope is no proof.
    assert phone.do('XSEALMAIL APP REVOKE "%s" %s' % (code, send[0]))[1] \
        .startswith("NO [AUTHENTICATIONFAILED]")
    assert c.do('XSEALMAIL APP REVOKE "%s" 77' % password)[1] \
        .startswith("NO [NONEXISTENT]")
    main = re.search(r"SLOT (\d+) main", "\n".join(listed)).group(1)
    assert c.do('XSEALMAIL APP REVOKE "%s" %s' % (password, main))[1] \
        .startswith("NO [CANNOT]")
    told(ok(c.do('XSEALMAIL APP REVOKE "%s" %s' % (password, slot))),
         "APP REVOKE")
    assert any("BYE" in l for l in phone.ended())
    assert "AUTHENTICATIONFAILED" in login(conf, user, code)
    ok(c.do("NOOP"))


def recover(conf, user, password):
    c = login(conf, user, password)
    first = told(ok(c.do('XSEALMAIL RECOVER "%s"' % password)), "RECOVER")
    second = told(ok(c.do('XSEALMAIL RECOVER "%s"' % password)), "RECOVER")
    code = second[1].strip('"')
    c = Client(conf)
    assert c.do('XSEALMAIL USER %s PASSWD %s another1'
                % (user, first[1]))[1].startswith("NO [AUTH")
    assert "AUTHENTICATIONFAILED" in login(conf, user, code)
    ok(c.do('XSEALMAIL USER %s PASSWD %s another1' % (user, code)))
    c = login(conf, user, "another1")
    assert c.do('XSEALMAIL PASSWD another1 %s' % code)[1] \
        .startswith("NO [CANNOT]")
    ok(c.do('XSEALMAIL PASSWD another1 "%s"' % password))


def rekey(conf, user, password):
    c = login(conf, user, password)
    ok(c.do("CREATE kept"))
    ok(c.do("APPEND kept {4+}\r\na\r\n\r\n"[:-2]))
    app = told(ok(c.do('XSEALMAIL APP ADD "%s" x imap' % password)),
               "APP ADD")[1].strip('"')
    fields = told(ok(c.do('XSEALMAIL REKEY "%s"' % password)), "REKEY")
    assert fields[2] == "1", fields
    assert any("BYE" in l for l in c.ended())
    assert "AUTHENTICATIONFAILED" in login(conf, user, app)
    c = login(conf, user, password)
    assert isinstance(c, Client), c
    lines = ok(c.do("SELECT kept"))
    assert "* 1 EXISTS" in lines, lines
    lines = ok(c.do("APPEND kept {4+}\r\na\r\n\r\n"[:-2]))
    assert "* 2 EXISTS" in lines + ok(c.do("NOOP")), lines
    c = Client(conf)
    ok(c.do('XSEALMAIL USER %s PASSWD %s "%s"' % (user, fields[1], password)))


def tries(conf, user, password):
    """Wrong secrets come to an end, with or without a session."""
    c = Client(conf)
    for _ in range(20):
        c.sock.sendall(b"x XSEALMAIL USER %s RECOVER wrong\r\n"
                       % user.encode())
        line = c.line()
        assert line.startswith(("x NO", "* BYE")), line
        if line.startswith("* BYE"):
            return
    raise AssertionError("it goes on for ever")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        conf = json.load(file)
    parts = [passwd, apps, recover, rekey, tries]
    for i, part in enumerate(parts):
        part(conf, conf["user_pattern"] % (i + 1), conf["password"])
        print(part.__name__)


main()
