"""A small world: hosts in network namespaces of their own, with names that
are signed or are not, a web server and, when asked, somebody on the way.

It wants namespaces for itself:
    unshare -m -n -p --fork --mount-proc python3 ...
and is gone with them.  The addresses are those for benchmarks (RFC 2544,
RFC 5180): no host of the world has them, and no program takes them for
private ones.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
PATIENCE = 100  # seconds, where a machine is slow
DNS = "198.18.0.53"
WEB = "198.18.0.80"
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What should be is not."""


def until(what, condition, seconds=PATIENCE):
    """What the condition yields, once it does; what may say why it did not."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed("in vain: %s" % (what() if callable(what) else what))
        time.sleep(0.05)


def run(*cmd, **more):
    more.setdefault("stdout", subprocess.PIPE)
    got = subprocess.run(cmd, stderr=subprocess.PIPE, text=True, check=False,
                         **more)
    if got.returncode != 0:
        raise Failed("%s: %d\n%s%s" % (" ".join(cmd), got.returncode,
                                       got.stdout or "", got.stderr))
    return got.stdout


class Host:
    """A network of its own with one way out, which may be cut."""

    def __init__(self, name, n):
        self.name, self.n = name, n
        self.four = "198.18.%d.10" % n
        self.six = "2001:2:0:%d::10" % n
        self.device = "to%d" % n
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "100000"])
        mine = os.readlink("/proc/self/ns/net")
        path = "/proc/%d/ns/net" % self.holder.pid
        until("a namespace", lambda: os.readlink(path) != mine)
        self.fd = os.open(path, os.O_RDONLY)
        run("ip", "link", "add", self.device, "type", "veth", "peer", "name",
            "out", "netns", str(self.holder.pid))
        for words in ("link set lo up",
                      "addr add %s/24 dev out" % self.four,
                      "addr add %s/64 dev out nodad" % self.six,
                      "link set out up",
                      "route add default via 198.18.%d.1" % n,
                      "-6 route add default via 2001:2:0:%d::1" % n):
            self.run("ip", *words.split())
        for words in ("addr add 198.18.%d.1/24 dev %s" % (n, self.device),
                      "addr add 2001:2:0:%d::1/64 dev %s nodad" % (
                          n, self.device),
                      "link set %s up" % self.device):
            run("ip", *words.split())

    def command(self, *cmd):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *cmd]

    def run(self, *cmd, **more):
        return run(*self.command(*cmd), **more)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that are made within belong to the host."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            LIBC.setns(here, CLONE_NEWNET)
            os.close(here)

    def cut(self):
        run("ip", "link", "set", self.device, "down")

    def mend(self):
        run("ip", "link", "set", self.device, "up")

    def behind(self):
        """An address by which it is reached while others pose as it."""
        out = self.run("ip", "-6", "-o", "addr", "show", "dev", "out",
                       "scope", "link")
        return out.split("inet6 ")[1].split("/")[0] + "%" + self.device


class Authority:
    """Who makes certificates; the system's roots are its own."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.make("ca", None)
        roots = ssl.get_default_verify_paths().openssl_cafile
        shown = "/etc/ssl/certs/ca-certificates.crt"
        for path in {roots, shown}:
            if os.path.exists(path):
                run("mount", "--bind", self.path("ca.pem"), path)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, issuer, *names, days=30, key=None):
        """Certificate and key; issuer None is itself, days -1 is over."""
        cert, request, ext = (self.path(name + s) for s in (
            ".pem", ".csr", ".ext"))
        if key is None:
            key = self.path(name + ".key")
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", key)
        run("openssl", "req", "-new", "-key", key, "-subj",
            "/O=Let's Encrypt/CN=" + name, "-out", request)
        with open(ext, "w", encoding="utf-8") as f:
            f.write("basicConstraints=critical,CA:%s\n" %
                    ("FALSE" if names else "TRUE"))
            if names:
                f.write("subjectAltName=%s\n" %
                        ",".join("DNS:" + n for n in names))
        by = ["-signkey", key] if issuer is None else [
            "-CA", self.path(issuer + ".pem"), "-CAkey",
            self.path(issuer + ".key"), "-CAcreateserial"]
        run("openssl", "x509", "-req", "-in", request, "-days", str(days),
            "-extfile", ext, "-out", cert, *by)
        os.chmod(key, 0o600)
        if issuer is not None:
            with open(cert, "a", encoding="utf-8") as to, open(
                    self.path(issuer + ".pem"), encoding="utf-8") as f:
                shutil.copyfileobj(f, to)
        return cert, key


class Names:
    """The root and what it leads to, each zone signed or not."""

    def __init__(self, folder):
        self.folder = folder
        self.zones = {".": []}
        self.signed = {"."}
        self.keys = {}
        self.server = None
        self.serial = 0
        os.makedirs(folder)
        run("ip", "addr", "add", DNS + "/32", "dev", "lo")
        self.anchors = os.path.join(folder, "anchors")
        self.key(".")
        shutil.copyfile(self.keys["."] + ".ds", self.anchors)

    def key(self, zone):
        if zone not in self.keys:
            name = run("ldns-keygen", "-k", "-a", "ED25519", zone,
                       cwd=self.folder).strip()
            self.keys[zone] = os.path.join(self.folder, name)
        return self.keys[zone]

    def file(self, zone, end):
        return os.path.join(self.folder,
                            (zone.rstrip(".") or "root") + end)

    def lines(self, zone):
        dot = "" if zone == "." else zone
        yield "%s 300 SOA ns.%s h.%s %d 3600 600 86400 300" % (
            zone, dot, dot, self.serial)
        yield "%s 300 NS ns.%s" % (zone, dot)
        yield "ns.%s 300 A %s" % (dot, DNS)
        if zone == ".":
            for z in self.zones:
                if z != ".":
                    yield "%s 300 NS ns.%s" % (z, z)
                    yield "ns.%s 300 A %s" % (z, DNS)
                if z != "." and z in self.signed:
                    with open(self.key(z) + ".ds", encoding="utf-8") as f:
                        yield f.read().strip()
        yield from self.zones[zone]

    def write(self, zone):
        plain, signed = self.file(zone, ".zone"), self.file(zone, ".signed")
        with open(plain, "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines(zone)) + "\n")
        if zone in self.signed:
            run("ldns-signzone", "-o", zone, "-f", signed, plain,
                self.key(zone))
            return signed
        return plain

    def serve(self, forge=None):
        """As the zones stand now; forge may change a file that is served."""
        self.serial += 1
        self.stop()
        conf = os.path.join(self.folder, "nsd.conf")
        text = """server:
    ip-address: %s@53
    username: ""
    chroot: ""
    zonesdir: "%s"
    database: ""
    pidfile: "nsd.pid"
    logfile: "nsd.log"
    xfrdfile: "xfrd"
    xfrdir: "%s"
    zonelistfile: "zonelist"
    cookie-secret-file: ""
    server-count: 1
remote-control:
    control-enable: no
""" % (DNS, self.folder, self.folder)
        for zone in self.zones:
            path = self.write(zone)
            if forge is not None:
                forge(zone, path)
            text += 'zone:\n    name: "%s"\n    zonefile: "%s"\n' % (
                zone, path)
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
        self.server = subprocess.Popen(
            ["nsd", "-d", "-c", conf], cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("an answer of nsd", self.answers)

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait()
            # Its processes hold the port a moment longer.
            until("the end of nsd", lambda: not self.answers())

    def ask(self, name, kind):
        """The answer's octets, to a question without DNSSEC."""
        labels = [x.encode() for x in name.rstrip(".").split(".") if x]
        question = b"".join(bytes([len(x)]) + x for x in labels) + b"\0"
        packet = b"\1\2\0\0\0\1\0\0\0\0\0\0" + question + bytes(
            [0, kind, 0, 1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            s.connect((DNS, 53))
            s.send(packet)
            return s.recv(4096)

    def answers(self):
        try:
            return self.ask(".", 6)[3] & 15 == 0
        except OSError:
            return False


class Web:
    """Policies of MTA-STS by HTTPS: host -> text; its certificate changes."""

    def __init__(self, cert, key):
        run("ip", "addr", "add", WEB + "/32", "dev", "lo")
        self.policies = {}
        self.asked = []
        self.use(cert, key)
        self.socket = socket.create_server((WEB, 443), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def use(self, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)

    def accept(self):
        while True:
            sock, _ = self.socket.accept()
            threading.Thread(target=self.answer, args=(sock,),
                             daemon=True).start()

    def answer(self, raw):
        try:
            raw.settimeout(PATIENCE)
            with self.context.wrap_socket(raw, server_side=True) as sock:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = sock.recv(4096)
                    if not more:
                        return
                    data += more
                host = data.decode().split("Host: ")[1].split("\r\n")[0]
                self.asked.append(host)
                text = self.policies.get(host)
                if text is not None:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: "
                                 b"text/plain\r\nContent-Length: %d\r\n\r\n" %
                                 len(text) + text.encode())
                else:
                    sock.sendall(b"HTTP/1.1 404 Not here\r\n"
                                 b"Content-Length: 0\r\n\r\n")
        except (OSError, IndexError):
            pass
        finally:
            raw.close()


class Middle:
    """Poses as a host's port 25: takes STARTTLS away, or has a certificate.

    What is said to it is handed on to the host; heard are the commands that
    it could read.
    """

    def __init__(self, host, context=None):
        self.host, self.context = host, context
        self.heard = []
        self.behind = host.behind()
        run("ip", "addr", "add", host.four + "/32", "dev", "lo")
        run("ip", "addr", "add", host.six + "/128", "dev", "lo", "nodad")
        self.sockets = [socket.create_server((a, 25), family=f, backlog=64)
                        for a, f in ((host.four, socket.AF_INET),
                                     (host.six, socket.AF_INET6))]
        for s in self.sockets:
            threading.Thread(target=self.accept, args=(s,),
                             daemon=True).start()

    def end(self):
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)
            s.close()
        run("ip", "addr", "del", self.host.four + "/32", "dev", "lo")
        run("ip", "addr", "del", self.host.six + "/128", "dev", "lo")

    def accept(self, server):
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self.pose, args=(sock,),
                             daemon=True).start()

    def pose(self, client):
        try:
            server = socket.create_connection((self.behind, 25), PATIENCE)
            client.settimeout(PATIENCE)
            threading.Thread(target=self.back, args=(server, client),
                             daemon=True).start()
            while True:
                data = client.recv(65536)
                self.heard.append(data)
                if not data:
                    break
                if data.upper().startswith(b"STARTTLS") and self.context:
                    client.sendall(b"220 2.0.0 go on\r\n")
                    self.context.wrap_socket(client, server_side=True).recv(1)
                    break
                server.sendall(data)
        except OSError:
            pass
        finally:
            client.close()

    def back(self, server, client):
        try:
            while True:
                data = server.recv(65536)
                if not data:
                    break
                if self.context is None:
                    data = data.replace(b"250-STARTTLS\r\n", b"")
                client.sendall(data)
        except OSError:
            pass
        finally:
            server.close()

    def mail_came(self):
        return b"MAIL FROM" in b"".join(self.heard).upper()


class World:
    def __init__(self, folder):
        self.folder = folder
        run("ip", "link", "set", "lo", "up")
        for path, value in (("net/ipv4/ip_forward", "1"),
                            ("net/ipv6/conf/all/forwarding", "1"),
                            # Who is not there is told of each time.
                            ("net/ipv4/icmp_ratelimit", "0"),
                            ("net/ipv6/icmp/ratelimit", "0"),
                            ("net/ipv6/conf/all/keep_addr_on_down", "1"),
                            ("net/ipv6/conf/default/keep_addr_on_down",
                             "1")):
            with open("/proc/sys/" + path, "w", encoding="utf-8") as f:
                f.write(value)
        self.authority = Authority(os.path.join(folder, "ca"))
        self.names = Names(os.path.join(folder, "names"))
        self.web = None

    def start_web(self, *names):
        cert, key = self.authority.make("web", "ca", *names)
        self.web = Web(cert, key)


def kill(pid, how=signal.SIGKILL):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass
