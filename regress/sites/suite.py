"""A suite on a host of its own, by mk/run.sh; and its users' programs."""
import glob
import imaplib
import json
import os
import re
import smtplib
import ssl
import subprocess

from world import DNS, PATIENCE, WEB, Failed, kill, until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Site:
    """mx.DOMAIN, with users user0001@DOMAIN and so on."""

    def __init__(self, world, host, domain, users=3, more="", again=False):
        self.world, self.host, self.domain = world, host, domain
        self.name = "mx." + domain
        self.folder = os.path.join(world.folder, host.name)
        os.makedirs(self.folder)
        cert, key = world.authority.make(self.name, "ca", self.name,
                                         "localhost")
        os.rename(cert, self.path("cert.pem"))
        os.rename(key, self.path("key.pem"))
        with open(self.path("extra.conf"), "w", encoding="utf-8") as f:
            f.write("resolver forward %s\nresolver anchors \"%s\"\n"
                    "log addresses yes\nlimit queue-retry 1s\n"
                    "limit queue-retry-longest 2s\n%s" % (
                        DNS, world.names.anchors, more))
        with open(self.path("aliases"), "w", encoding="utf-8") as f:
            f.write("j\u00fcrgen: %s\n" % self.user(2))
        env = dict(os.environ, RUN=self.folder, PORT="own", COST="low",
                   USERS=str(users), RUN_DOMAIN=domain, RUN_NAME=self.name,
                   RUN_LISTEN="*", RUN_RELAY="dns",
                   RUN_AGAIN="yes" if again else "no")
        with open(self.path("run.out"), "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                host.command("sh", TOP + "/mk/run.sh"), env=env, stdout=out,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.server = None
        self.in_date = True     # its certificate; else users look away

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def ready(self):
        """Waits until it runs."""
        def there():
            if self.process.poll() is not None:
                raise Failed(self.read("run.out"))
            return os.path.exists(self.path("server.json"))
        until("server.json of " + self.name, there)
        self.server = json.loads(self.read("server.json"))

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def user(self, n):
        return "user%04d@%s" % (n, self.domain)

    def ctl(self, *args, fails=False, raw=False):
        """What it prints."""
        cmd = self.server["sealctl"].split() + list(args)
        got = subprocess.run(self.host.command(*cmd), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=not raw,
                             check=False)
        if (got.returncode != 0) != fails:
            raise Failed("%s: %d\n%s%s" % (" ".join(args), got.returncode,
                                           got.stdout, got.stderr))
        return got.stdout + got.stderr if fails else got.stdout

    def json(self, *args):
        return json.loads(self.ctl("-j", *args))

    def change(self, pattern, by):
        """A line of its configuration; taken at once."""
        text, n = re.subn(pattern, by, self.read("sealmail.conf"))
        if n == 0:
            raise Failed("no %s in the configuration" % pattern)
        with open(self.path("sealmail.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        self.ctl("reload")

    def zone(self):
        """What it wants in DNS: its own zone's lines, and those of others."""
        own, others = [], []
        for line in self.ctl("dns", self.domain).splitlines():
            if re.match(r"; \S+\.arpa\. .* PTR ", line):
                others.append(line[2:])
            elif not line.startswith(";"):
                own.append(line)
        own.append("mta-sts.%s. 300 A %s" % (self.domain, WEB))
        return own, others

    def policy(self, age=604800):
        """What it wants in the web, by its own words."""
        note = next(x["note"] for x in self.json("dns", self.domain)
                    if x["name"].startswith("_mta-sts."))
        words = re.search(r"(version: .*) / (mode: .*) / (mx: .*) / max_age",
                          note)
        return "%s\n%s\n%s\nmax_age: %d\n" % (*words.groups(), age)

    def certificate(self):
        """What it shows to other servers: an end date, as OpenSSL says it."""
        with self.host.inside():
            m = self.smtp("localhost", self.server["smtp_port"])
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        m.starttls(context=context)
        der = m.sock.getpeercert(True)
        m.close()
        got = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout",
                              "-enddate"], input=der, check=True,
                             stdout=subprocess.PIPE)
        return got.stdout.decode().strip()

    # ---- As its users see it

    def context(self):
        context = ssl.create_default_context(cafile=self.server["cafile"])
        if not self.in_date:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def submit(self, sender, rcpts, text, mail=(), rcpt=()):
        """By user number sender, on port 587; the answer."""
        with self.host.inside():
            m = self.smtp("localhost", self.server["submission_port"])
        m.starttls(context=self.context())
        m.login(self.user(sender), self.server["password"])
        return self.talk(m, self.user(sender), rcpts, text, mail, rcpt)

    def relay(self, sender, rcpts, text, mail=(), rcpt=()):
        """By port 25, of this host, without a login."""
        with self.host.inside():
            m = self.smtp("localhost", self.server["smtp_port"])
        return self.talk(m, sender, rcpts, text, mail, rcpt)

    @staticmethod
    def smtp(host, port):
        m = smtplib.SMTP(host, port, "localhost", PATIENCE)
        m.ehlo()
        return m

    @staticmethod
    def talk(m, sender, rcpts, text, mail, rcpt):
        try:
            if "SMTPUTF8" in mail:
                m.command_encoding = "utf-8"
            steps = [m.mail(sender, list(mail))]
            steps += [m.rcpt(r, list(rcpt)) for r in rcpts]
            steps.append(m.data(text))
            for code, answer in steps:
                if code >= 300:
                    raise Failed("%d %s" % (code, answer.decode()))
            m.quit()
            return steps[-1][1].decode()
        finally:
            m.close()

    def imap(self, n):
        with self.host.inside():
            m = imaplib.IMAP4_SSL("localhost", self.server["imaps_port"],
                                  ssl_context=self.context(),
                                  timeout=PATIENCE)
        m.login(self.user(n), self.server["password"])
        return m

    def messages(self, n, what="BODY.PEEK[]"):
        """All in the INBOX of user n."""
        m = self.imap(n)
        m.select("INBOX", readonly=True)
        got = [x[1] for x in m.uid("fetch", "1:*", "(%s)" % what)[1]
               if isinstance(x, tuple)]
        m.logout()
        return got

    def has(self, n, ident):
        """Those in the INBOX of user n whose header has these words."""
        m = self.imap(n)
        m.select("INBOX", readonly=True)
        numbers = m.uid("search", "HEADER", "X-Id", '"%s"' % ident)[1][0]
        got = [m.uid("fetch", x.decode(), "(BODY.PEEK[])")[1][0][1]
               for x in numbers.split()]
        m.logout()
        return got

    # ---- As its administrator sees it

    def logs(self):
        """What all daemons have logged."""
        return "".join(self.read(f) for f in sorted(os.listdir(self.folder))
                       if re.match(r"seal\w+d\.log$", f))

    def trace(self, word):
        with open(self.path("all"), "w", encoding="utf-8") as f:
            f.write(self.logs())
        return self.ctl("trace", "-l", self.path("all"), word)

    def counted(self, name):
        """value of the label: number, over all processes."""
        total = {}
        for r in self.json("show", "stats"):
            if r["name"] == name:
                label = r["label"].split("=")[-1].strip('"')
                total[label] = total.get(label, 0) + int(r["value"])
        return total

    def pids(self, role):
        return [int(r["pid"]) for r in self.json("show", "processes")
                if r["role"] == role and int(r["pid"]) > 0]

    def restart(self, role):
        """Killed, and there again."""
        old = self.pids(role)
        self.kill(role)

        def there():
            new = self.pids(role)
            return new and not set(new) & set(old)
        until("another " + role, there)

        self.patient("queue", "show")

    def patient(self, *args):
        """Something of sealctl, once the daemons can."""
        def answers():
            try:
                self.ctl(*args)
                return True
            except Failed:
                return False
        until(" ".join(args), answers)

    def kill(self, role):
        for pid in self.pids(role):
            kill(pid)

    def kill_daemon(self, name):
        """With all its roles, at once; run.sh starts it again."""
        parents = {}
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat, encoding="utf-8", errors="replace") as f:
                    words = f.read()
            except OSError:
                continue
            parents[int(words.split()[0])] = int(
                words.rpartition(")")[2].split()[1])
        pid = int(self.read(name + ".pid"))
        for p in [pid, *(p for p, of in parents.items() if of == pid)]:
            kill(p)

    def waits(self, **want):
        """Records of the queue which have these values."""
        return [r for r in self.json("queue", "show", "-r", want["recipient"])
                if all(str(want[k]) in str(r[k]) for k in want)]
