"""A suite and another mail server, each in a network of its own, exchange
mail both ways; run by peers_test in namespaces of its own.

usage: unshare -m -n -p --fork --mount-proc python3 peers.py PEER DIRECTORY
PEER is postfix or opensmtpd (unpacked in $OPENSMTPD).  The last line is "all
is well", or what is not.
"""
import glob
import os
import shutil
import subprocess
import sys
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/regress/sites")

from letters import (digest, fields, is_report, large, letter,  # noqa: E402
                     split)
from pair import arrives, report  # noqa: E402
from suite import Site  # noqa: E402
from world import (DNS, WEB, Failed, Host, World, run,  # noqa: E402
                   until)

DOMAIN = "peer.example"
BIG = 20 * 1000 * 1000
BEGAN = time.monotonic()


def step(words):
    print("%6.1f %s" % (time.monotonic() - BEGAN, words), flush=True)


class Peer:
    """mx.peer.example; the mail of its users is in maildirs."""

    def __init__(self, world, host):
        self.world, self.host, self.domain = world, host, DOMAIN
        self.name = "mx." + DOMAIN
        self.folder = os.path.join(world.folder, "peer")
        for name in ("", "/mail", "/etc"):
            os.makedirs(self.folder + name)
        os.chmod(world.folder, 0o755)
        os.chown(self.folder + "/mail", 65534, 65534)
        self.cert, self.key = world.authority.make(self.name, "ca", self.name)
        # TLSA of the certificate's key, as RFC 7672 likes it.
        pin = run("sh", "-c", "openssl x509 -in '%s' -pubkey -noout |"
                  " openssl pkey -pubin -outform DER | sha256sum" % self.cert)
        world.names.zones[DOMAIN + "."] = [
            "%s. 300 MX 10 %s." % (DOMAIN, self.name),
            "%s. 300 A %s" % (self.name, host.four),
            "%s. 300 AAAA %s" % (self.name, host.six),
            "_25._tcp.%s. 300 TLSA 3 1 1 %s" % (self.name, pin.split()[0]),
            "mta-sts.%s. 300 A %s" % (DOMAIN, WEB)]
        self.resolver()
        self.start()
        self.offers = until("a greeting of the peer", self.ehlo)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def resolver(self):
        """It validates, for who asks 127.0.0.1 there."""
        conf = self.write("unbound.conf", """server:
    interface: 127.0.0.1
    username: ""
    chroot: ""
    directory: "%s"
    pidfile: ""
    use-syslog: no
    logfile: "unbound.log"
    do-daemonize: no
    trust-anchor-file: "%s"
    local-zone: "example." nodefault
forward-zone:
    name: "."
    forward-addr: %s
remote-control:
    control-enable: no
""" % (self.folder, self.world.names.anchors, DNS))
        subprocess.Popen(self.host.command("unbound", "-d", "-c", conf),
                         stdin=subprocess.DEVNULL)

    def spawn(self, mounts, *cmd):
        """With files of its own in place of the system's."""
        self.write("resolv.conf", "nameserver 127.0.0.1\n"
                                  "options edns0 trust-ad\n")
        script = "mount --make-rprivate / && "
        for source, target in [("resolv.conf", "/etc/resolv.conf")] + mounts:
            if os.path.exists(target):
                script += "mount --bind '%s/%s' '%s' && " % (
                    self.folder, source, target)
        with open(self.folder + "/out", "w", encoding="utf-8") as out:
            return subprocess.Popen(
                self.host.command("unshare", "-m", "sh", "-c",
                                  script + 'exec "$@"', "sh", *cmd),
                stdout=out, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL)

    def ehlo(self):
        """What it offers after STARTTLS too, but for that."""
        try:
            with self.host.inside():
                m = Site.smtp("127.0.0.1", 25)
        except OSError:
            return None
        got = {line.split()[0] for line in m.esmtp_features}
        m.quit()
        return {x.upper() for x in got}

    def user(self, n):
        return "user%04d@%s" % (n, DOMAIN)

    def submit(self, sender, rcpts, text, mail=(), rcpt=()):
        """From this host's own network."""
        with self.host.inside():
            m = Site.smtp("127.0.0.1", 25)
        return Site.talk(m, self.user(sender), rcpts, text, mail, rcpt)

    def messages(self, n):
        got = []
        for path in glob.glob("%s/mail/user%04d/new/*" % (self.folder, n)):
            with open(path, "rb") as f:
                got.append(f.read().replace(b"\r\n", b"\n").replace(
                    b"\n", b"\r\n"))
        return got

    def has(self, n, name):
        return [t for t in self.messages(n) if not is_report(t) and
                name in fields(t, "X-Id")]


class Postfix(Peer):
    signed = True       # so DANE holds for it
    verified = {"Verified"}     # by DANE, says its log

    def start(self):
        for name in ("queue", "data"):
            os.makedirs(self.folder + "/" + name)
        self.write("etc/users", "".join(
            "/^user%04d@peer\\.example$/ user%04d/\n" % (n, n)
            for n in (1, 2, 3)))
        self.write("etc/dynamicmaps.cf", "")
        self.write("etc/main.cf", """
compatibility_level = 3.6
queue_directory = {0}/queue
data_directory = {0}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = {1}
myorigin = {2}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
maillog_file = {0}/maillog
maillog_file_prefixes = {0}
alias_maps =
alias_database =
local_recipient_maps =
biff = no
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {2}
virtual_mailbox_maps = regexp:{0}/etc/users
virtual_mailbox_base = {0}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
smtpd_tls_cert_file = {3}
smtpd_tls_key_file = {4}
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
smtputf8_enable = yes
smtp_host_lookup = dns
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
""".format(self.folder, self.name, DOMAIN, self.cert, self.key))
        self.write("etc/master.cf", """
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
showq unix n - n - - showq
""")
        os.chmod(self.folder + "/etc/main.cf", 0o644)
        run("chown", "postfix", self.folder + "/data")
        self.process = self.spawn([], "postfix", "-c", self.folder + "/etc",
                                  "start-fg")
        self.version = "Postfix " + run("postconf", "-d", "-h",
                                        "mail_version").strip()

    def how(self):
        """How it has delivered to us, in its own words."""
        with open(self.folder + "/maillog", encoding="utf-8") as f:
            return {line.split("]: ")[1].split(" TLS")[0] for line in f
                    if "TLS connection established to mx.one" in line}


class OpenSMTPD(Peer):
    """Debian's offers STARTTLS and then cannot sign (OpenSMTPD's issue 1239):
    where nothing vouches for TLS, mail reaches it without."""
    signed = False
    verified = {"TLS"}          # it takes what is offered

    def start(self):
        unpacked = os.environ["OPENSMTPD"]
        os.makedirs(self.folder + "/run")
        for name, line in (("passwd", "%s:x:%d:%d::/nonexistent:/bin/false"),
                           ("group", "%s:x:%d:")):
            with open("/etc/" + name, encoding="utf-8") as f:
                text = f.read()
            for who, number in (("opensmtpd", 50990), ("opensmtpq", 50991),
                                ("peermail", 65533)):
                text += line % ((who, number, number)[:line.count("%")]) + "\n"
            self.write(name, text.replace(
                "peermail:x:65533:65533::/nonexistent",
                "peermail:x:65533:65533::" + self.folder))
        os.chown(self.folder + "/mail", 65533, 65533)
        self.write("mailname", self.name + "\n")
        conf = self.write("smtpd.conf", """
pki p cert "{cert}"
pki p key "{key}"
table users {{ user0001 = peermail, user0002 = peermail, user0003 = peermail }}
smtp max-message-size 100M
queue ttl 1d
listen on 0.0.0.0 tls pki p hostname {name}
listen on :: tls pki p hostname {name}
action in maildir "{folder}/mail/%{{rcpt.user}}" virtual <users>
action out relay helo {name}
match from any for domain "{domain}" action in
match from local for any action out
match from src 127.0.0.1 for any action out
""".format(cert=self.cert, key=self.key, name=self.name, domain=DOMAIN,
           folder=self.folder))
        os.chmod(conf, 0o600)
        # The places are built in.
        for name in ("spool.d/smtpd", "lib.d/opensmtpd/empty", "libexec.d"):
            os.makedirs(self.folder + "/" + name)
        os.chmod(self.folder + "/spool.d/smtpd", 0o711)
        shutil.copytree(unpacked + "/usr/libexec/opensmtpd",
                        self.folder + "/libexec.d/opensmtpd")
        self.process = self.spawn(
            [("passwd", "/etc/passwd"), ("group", "/etc/group"),
             ("mailname", "/etc/mailname"), ("spool.d", "/var/spool"),
             ("lib.d", "/var/lib"), ("run", "/run"),
             ("libexec.d", "/usr/libexec")],
            unpacked + "/usr/sbin/smtpd", "-d", "-f", conf)
        self.version = subprocess.run(
            [unpacked + "/usr/sbin/smtpd", "-h"], stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE, text=True, check=False).stdout.split(
                "\n")[0].replace("version: ", "")

    def how(self):
        with open(self.folder + "/out", encoding="utf-8") as f:
            return {"TLS" for line in f if "mta tls ciphers=TLSv1.3" in line}


def name_of(a, kind):
    return "%s-%s" % (a.host.name, kind)


def send(a, b, kinds, offers):
    """All kinds of messages from a's user to b's; what was sent, by kind."""
    me, him, other = a.user(1), b.user(1), b.user(2)
    sent = {}

    def one(kind, body, *more, rcpts=(him,), mail=(), rcpt=()):
        sent[kind] = letter(me, him, name_of(a, kind), body, *more)
        a.submit(1, list(rcpts), sent[kind], mail, rcpt)

    one("several", b"Hello.\r\n.\r\n..x\r\n", rcpts=(him, other))
    one("nobody", b"Is he there?\r\n", rcpts=("nobody@" + b.domain, other))
    one("large", large(BIG))
    if "8BITMIME" in offers:
        one("eight", "Gr\u00fc\u00dfe\r\n".encode(), "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit", mail=("BODY=8BITMIME",))
    if "DSN" in offers:
        one("told", b"Did it go?\r\n", mail=("ENVID=e+2Bv",),
            rcpt=("NOTIFY=SUCCESS,FAILURE",))
    if "SMTPUTF8" in offers:
        sent["utf8"] = ("From: Ann\u00e4 <%s>\r\nTo: J\u00fcrgen <%s>\r\n"
                        "Subject: \u65e5\u672c\u8a9e\r\nX-Id: %s\r\n\r\n"
                        "\u65e5\u672c\u8a9e\r\n" % (
                            me, him, name_of(a, "utf8"))).encode()
        a.submit(1, [him], sent["utf8"], ("SMTPUTF8", "BODY=8BITMIME"))
    for kind in range(kinds):
        one("one-of-many-%d." % kind, b"One.\r\n")
    return sent


def received(a, b, sent):
    for kind, text in sent.items():
        got = arrives(b, 2 if kind == "nobody" else 1, name_of(a, kind))
        if digest(split(got)[1]) != digest(split(text)[1]):
            raise Failed("another body of %s: %r" % (kind, got[:2000]))
        if fields(got, "Subject") != fields(text, "Subject"):
            raise Failed("another header: %r" % got[:2000])
    arrives(b, 2, name_of(a, "several"))


def told(site, *words):
    """The peer's report to user 1 of either, in whatever form it likes."""
    def there():
        return [t for t in site.messages(1) if b"Action:" in t and
                all(w.encode() in t for w in words)]
    if len(until("a report of the peer: " + " ".join(words), there)) != 1:
        raise Failed("more than one report")


def exchange(kind, folder):
    world = World(folder)
    hosts = [Host("one", 1), Host("two", 2)]
    world.names.serve()
    one = Site(world, hosts[0], "one.example")
    world.start_web("mta-sts.one.example", "mta-sts." + DOMAIN)
    peer = {"postfix": Postfix, "opensmtpd": OpenSMTPD}[kind](world, hosts[1])
    one.ready()
    one.ctl("dkim", "new", one.domain)
    own, others = one.zone()
    world.names.zones["one.example."] = own
    world.names.zones["."] += others
    world.names.signed |= {"one.example."}
    if peer.signed:
        world.names.signed.add(DOMAIN + ".")
    world.names.serve()
    one.ctl("reload")
    step("%s, which offers %s" % (peer.version, sorted(peer.offers)))
    to = send(one, peer, 10, peer.offers | {"DSN"})
    back = send(peer, one, 10, peer.offers)
    received(one, peer, to)
    step("%d messages to it" % len(to))
    received(peer, one, back)
    step("%d messages from it" % len(back))
    report(one, 1, name_of(one, "nobody"), "failed", "nobody@" + DOMAIN,
           "Status: 5.")
    told(one, "Action: delivered", name_of(one, "told"))
    told(peer, "Action: failed", name_of(peer, "nobody"), "5.1.1")
    if "told" in back:
        told(peer, "Action: relayed", name_of(peer, "told"))
    by = one.counted("relay_messages_total")
    if by["dane" if peer.signed else "none"] < len(to):
        raise Failed("sent by %s" % by)
    for n in (1, 2):
        for text in one.messages(n):
            if not is_report(text) and "S id " not in fields(
                    text, "Received")[0]:
                raise Failed("without TLS: %r" % text[:500])
    if peer.how() != peer.verified:
        raise Failed("it has delivered by %s" % peer.how())
    step("reports, TLS")
    one.stop()


try:
    exchange(sys.argv[1], sys.argv[2])
except (Failed, AssertionError, OSError) as e:
    traceback.print_exc()
    print(e)
    sys.exit(1)
print("all is well")
