#!/usr/bin/env python3
"""Types what a manual page tells a reader to type, into terminals.

usage: walk.py PAGE SECTION list
       walk.py PAGE SECTION shows
       walk.py PAGE SECTION run FROM TO ROOT-SHELL USER-SHELL

What counts are the literal displays of the section: "# " is what root types,
"$ " anybody; lines with neither go on from the one above.  The commands FROM
to TO (counted from 1, TO may be "end") are typed one after another into the
two shells, each a command line that starts one in a terminal.  A question for
a password is answered with the one that "sealctl user add" printed, which the
file that WALK_PASSWORD names keeps for another walk.  Fails at the first
command that does.  "shows" prints the displays in which nothing is typed, such
as lines of a configuration, each with its number before every line.
"""
import os
import pty
import re
import select
import shlex
import sys
import time

PROMPT = "walk-prompt-7261"
ASKS = re.compile(rb"[Pp]assword[^\r\n]*: ?$")
COMMAND_SECONDS = 1200  # a build on a machine that has other work


def commands(page, section):
    """[("#" or "$", text)], as a reader of the formatted page sees it; and
    [lines] of the displays that begin otherwise."""
    here = literal = False
    found, shown = [], []
    for line in open(page):
        line = line.rstrip("\n")
        if line.startswith(".Sh "):
            here = line[4:].strip('"') == section
        elif here and line.startswith(".Bd -literal"):
            literal = True
            typed = None
        elif literal and line.startswith(".Ed"):
            literal = False
        elif literal:
            text = line.replace("\\e", "\\").replace("\\-", "-")
            text = text.replace("\\(aq", "'").replace("\\&", "")
            if text[:2] in ("# ", "$ ") and typed is not False:
                typed = True
                found.append([text[0], text[2:]])
            elif typed:
                found[-1][1] += "\n" + text
            else:
                if typed is None:
                    shown.append([])
                typed = False
                shown[-1].append(text)
    return found, shown


class Shell:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "$ "
            os.execvp(argv[0], argv)
        # Halves, so that no echo of the line itself is taken for it.
        half = len(PROMPT) // 2
        self.type("stty -echo; PS2=; PS1='%s''%s'" %
                  (PROMPT[:half], PROMPT[half:]))
        self.until(None)

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def until(self, password):
        """What came before the next prompt; a question is answered once."""
        got = b""
        asked = False
        end = time.time() + COMMAND_SECONDS
        while not got.endswith(PROMPT.encode()):
            if time.time() > end:
                sys.exit("no end of it:\n" + got.decode(errors="replace"))
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                sys.exit("the shell ended:\n" + got.decode(errors="replace"))
            got += data
            if ASKS.search(got) and not asked and password is not None:
                asked = True
                self.type(password)
        text = got[:-len(PROMPT)].decode(errors="replace")
        return text.replace("\r\n", "\n")

    def run(self, text, password):
        self.type(text)
        said = self.until(password)
        self.type("echo status=$?")
        status = self.until(None)
        return said, "status=0" in status


def main():
    page, section, what = sys.argv[1:4]
    found, shown = commands(page, section)
    if not found:
        sys.exit("no commands in " + section)
    if what == "shows":
        for i, lines in enumerate(shown, 1):
            for text in lines:
                print("%d: %s" % (i, text))
        return
    if what == "list":
        for i, (who, text) in enumerate(found, 1):
            print("%d: %s %s" % (i, who, text))
        return
    first = int(sys.argv[4])
    last = len(found) if sys.argv[5] == "end" else int(sys.argv[5])
    shells = {"#": Shell(shlex.split(sys.argv[6])),
              "$": Shell(shlex.split(sys.argv[7]))}
    password = None
    kept = os.environ.get("WALK_PASSWORD")
    if kept and os.path.exists(kept):
        password = open(kept).read()
    for who, text in found[first - 1:last]:
        print(who, text, flush=True)
        said, good = shells[who].run(text, password)
        print(said, end="", flush=True)
        if not good:
            sys.exit("that failed")
        if text.startswith("sealctl user add "):
            account = text.split()[-1]
            for line in said.splitlines():
                if line.startswith(account):
                    password = line.split()[1]
            if password is None:
                sys.exit("no password was printed")
            if kept:
                with open(kept, "w") as f:
                    f.write(password)


main()
