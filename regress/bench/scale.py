#! /usr/bin/env python3
"""
How many a running suite holds at once.

usage: scale.py server.json idle CONNECTIONS    held in IDLE; logins meanwhile
       scale.py server.json reconnect USERS     all of them at the same time
       scale.py server.json large MESSAGES      a mailbox: SELECT, the newest 50

Each prints one line of figures, and rows of the README's table.  A mailbox for "large" is made once, by COPY,
and kept; its account is user0002's, whose vault is ended before the measurement.
"""

import asyncio
import json
import re
import resource
import ssl
import statistics
import subprocess
import sys
import time

AT_ONCE = 64        # handshakes under way, of the client
MANY_AT_ONCE = 1000  # the same where all come at once


class Server:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.d = json.load(f)
        self.tls = ssl.create_default_context(cafile=self.d["cafile"])
        self.tls.check_hostname = False

    def user(self, n):
        return "%s" % (self.d["user_pattern"].replace("%04u", "%04d") % n)

    def pids(self):
        out = subprocess.check_output(self.d["pids_cmd"], shell=True)
        return [int(x) for x in out.split()]

    def memory(self, title=""):
        """KiB of PSS of the processes with that in their title."""
        total = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    if title.encode() not in f.read():
                        continue
                with open("/proc/%d/smaps_rollup" % pid,
                          encoding="ascii") as f:
                    total += int(re.search(r"Pss:\s+(\d+)", f.read())[1])
            except OSError:
                pass
        return total


class Client:
    def __init__(self, server):
        self.server = server
        self.count = 0

    async def login(self, n):
        d = self.server.d
        self.reader, self.writer = await asyncio.open_connection(
            d["host"], d["imaps_port"], ssl=self.server.tls, limit=1 << 22)
        await self.reader.readline()
        await self.ok("LOGIN %s %s" % (self.server.user(n), d["password"]))

    async def ok(self, text):
        self.count += 1
        tag = b"a%d " % self.count
        self.writer.write(tag + text.encode() + b"\r\n")
        lines = []
        while True:
            line = await self.reader.readline()
            if not line:
                raise EOFError(text)
            lines.append(line)
            if line.startswith(tag):
                if not line.startswith(tag + b"OK"):
                    raise ValueError(line)
                return lines

    async def idle(self):
        self.writer.write(b"i IDLE\r\n")
        while not (await self.reader.readline()).startswith(b"+"):
            pass

    def close(self):
        self.writer.transport.abort()


async def all_in(server, count, users, at_once, idle):
    """Logs so many in; the clients, and when the last one was there."""
    gate = asyncio.Semaphore(at_once)
    clients = []

    async def one(i):
        async with gate:
            c = Client(server)
            await c.login(1 + i % users)
            await c.ok("SELECT INBOX")
            if idle:
                await c.idle()
            clients.append(c)

    begin = time.monotonic()
    await asyncio.gather(*(one(i) for i in range(count)))
    return clients, time.monotonic() - begin


def row(what, value, aim):
    print("| %s | %s | | | %s |" % (what, value, aim))


async def idle(server, count):
    users = server.d["users"]
    before = server.memory()
    clients, took = await all_in(server, count, users, AT_ONCE, True)
    held = server.memory() - before
    times = []
    for i in range(100):
        begin = time.monotonic()
        c = Client(server)
        await c.login(1 + i % users)
        times.append((time.monotonic() - begin) * 1000)
        c.close()
    still = sum(not c.reader.at_eof() for c in clients)
    print("%d of %d TLS connections of %d users idle (all in after %.1f s): "
          "%.0f KiB PSS each; logins to living vaults, TLS and all: "
          "p50 %.1f ms, p95 %.1f ms" %
          (still, count, users, took, held / count,
           statistics.median(times), sorted(times)[95]))
    row("{:,} idle TLS connections held, of".format(count), still, count)
    row("logins to living vaults meanwhile, p95, ms",
        "%.0f" % sorted(times)[95], 50)


async def reconnect(server, users):
    clients, took = await all_in(server, users, users, MANY_AT_ONCE, False)
    print("%d users, none with a vault, all logged in and selected after "
          "%.1f s" % (len(clients), took))
    row("{:,} users after a restart, all in, s".format(users),
        "%.1f" % took, 30)


async def make_large(server, c, count):
    have = re.search(rb"MESSAGES (\d+)", b"".join(
        await c.ok("STATUS large (MESSAGES)")))
    n = int(have[1])
    await c.ok("SELECT large")
    text = "From: a@example.net\r\nSubject: one of many\r\n\r\nbody\r\n"
    while n < min(1000, count):
        await c.ok("APPEND large {%d+}\r\n%s" % (len(text), text))
        n += 1
    while n < count:
        step = min(n, count - n, 50000)
        await c.ok("COPY 1:%d large" % step)
        n += step
        await c.ok("NOOP")


async def large(server, count):
    c = Client(server)
    await c.login(2)
    try:
        await c.ok("CREATE large")
    except ValueError:
        pass
    begin = time.monotonic()
    await make_large(server, c, count)
    made = time.monotonic() - begin
    await c.ok("LOGOUT")
    subprocess.check_call(server.d["sealctl"].split() +
                          ["kick", server.user(2)])
    c = Client(server)
    begin = time.monotonic()
    await c.login(2)
    opened = time.monotonic() - begin
    before = server.memory("vault")
    begin = time.monotonic()
    await c.ok("SELECT large")
    await c.ok("FETCH %d:%d (UID FLAGS ENVELOPE)" % (count - 49, count))
    took = time.monotonic() - begin
    print("mailbox of %d (made in %.0f s): login with a new vault %.2f s; "
          "SELECT and the newest 50: %.3f s, %.1f MB PSS more in its vault" %
          (count, made, opened, took,
           (server.memory("vault") - before) / 1024))
    row("{:,} messages: SELECT and the newest 50, s".format(count),
        "%.2f" % took, 0.5)
    row("memory of that user's vault for it, MB",
        "%.0f" % ((server.memory("vault") - before) / 1024), 80)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    what = {"idle": idle, "reconnect": reconnect, "large": large}
    asyncio.run(what[sys.argv[2]](Server(sys.argv[1]), int(sys.argv[3])))


main()
