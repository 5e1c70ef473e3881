#!/usr/bin/env python3
"""Holds the manual against the code, and gives its examples to tests.

usage: manual.py keywords PAGE GRAMMAR LEXED...
       manual.py limits PAGE CONFIGURATION-AS-PRINTED
       manual.py constants PAGE,... HEADER...
       manual.py commands PAGE SECTION USAGE
       manual.py processes PAGE TABLE
       manual.py offers PAGE WORD...
       manual.py displays PAGE SECTION DIRECTORY
       manual.py lines PAGE SECTION
Each prints what does not agree, one line each, and fails if anything does not;
displays writes each literal display to a file of DIRECTORY, lines prints what
stands behind .Dl.
"""
import os
import re
import sys

# What the server offers, but is the protocol itself, or named otherwise.
# Of our own wires, or a sum of others.
INNER = {"SET_RANGES_MAX", "SMTP_PATH_MAX", "DELIVER_ACCOUNT_MAX",
         "DELIVER_ADDRESS_MAX", "DELIVER_HINT_MAX", "DELIVER_CHUNK_MAX"}
BASE = {"IMAP4REV1", "IMAP4REV2", "XSEALMAIL", "HELP"}
wrong = []


def say(text):
    wrong.append(text)


def section(page, name):
    on = False
    for line in open(page):
        line = line.rstrip("\n")
        if line.startswith(".Sh "):
            on = line[4:].strip('"') == name
        elif on:
            yield line


def plain(text):
    return text.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "").replace(
        "\\(dq", '"').replace("\\(aq", "'")


def keywords(page, grammar, *sources):
    """Words of the grammar are in the page; what the page calls a word is one
    of the grammar's, or a string of the code's."""
    known = set(re.findall(r'^\s*\{ *"([a-z-]+)", *[A-Z0-9_]+ *\}',
                           open(grammar).read(), re.M))
    strings = set()
    for source in (grammar,) + sources:
        strings |= set(re.findall(r'"([a-z][a-z-]*)[":]',
                                  open(source).read()))
    if len(known) < 30:
        say("no keywords in " + grammar)
    named, used = set(), set()
    for line in open(page):
        words = line.split()
        if not words or words[0] not in (".It", ".Ic", ".Cm", ".Op", ".No"):
            continue
        kind = None
        for word in words:
            if word in (".Ic", ".Cm", "Ic", "Cm"):
                kind = word.lstrip(".")
            elif re.match(r"^[A-Z][a-z]$", word):
                kind = None
            elif kind and re.match(r"^[a-z][a-z-]+:?$", word):
                named.add(word.rstrip(":"))
                if words[0] == ".It" and words[1] == "Ic" and kind == "Ic":
                    used.add(word)
    for word in sorted(known - named):
        say("%s is a word of the grammar, not of the page" % word)
    for word in sorted(used - known - {"quota", "kdf", "expire"}):
        say("%s is a statement of the page, not of the grammar" % word)
    for word in sorted(named - strings):
        say("%s is a word of the page that no code knows" % word)


def scaled(text):
    m = re.match(r"^(\d+)([KMGTsmhd]?)$", text)
    unit = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
            "s": 1, "m": 60, "h": 3600, "d": 86400}
    return int(m.group(1)) * unit[m.group(2)] if m else None


def limits(page, printed):
    """Names and defaults, both ways."""
    code = dict(re.findall(r"^limit ([a-z-]+) (\S+)$", open(printed).read(),
                           re.M))
    table = dict(re.findall(r"^\.It Cm ([a-z-]+) Ta (\S+) Ta ",
                            open(page).read(), re.M))
    if len(code) < 10:
        say("no limits are printed")
    for name in sorted(set(code) | set(table)):
        if name not in table:
            say("limit %s is not in the page" % name)
        elif name not in code:
            say("limit %s is in the page alone" % name)
        elif scaled(table[name]) != scaled(code[name]):
            say("limit %s: %s in the page, %s in the code" % (
                name, table[name], code[name]))


def shapes(value):
    yield "{:,}".format(value)
    if value % 60 == 0:
        yield "%d minutes" % (value // 60)
    if value == 3600:
        yield "an hour"
    for unit, size in (("KB", 1 << 10), ("MB", 1 << 20)):
        if value % size == 0:
            yield "%d %s" % (value // size, unit)


def constants(pages, *headers):
    """Each *_MAX of the headers has an item in a page's LIMITS, under a
    comment with its name, and the item has its value."""
    values = {}
    for header in headers:
        for name, text in re.findall(
                r"^#define ([A-Z0-9_]+_MAX)\s+(?!0x)([^/\n]+)", open(header).read(),
                re.M):
            try:
                values[name] = eval(text, {"__builtins__": {}}, values)
            except (NameError, SyntaxError):
                say("%s of %s is no number" % (name, header))
    seen = set()
    for page in pages.split(","):
        waiting, item = [], []

        def check():
            text = " ".join(item)
            for name in waiting:
                if name not in values:
                    say("%s: no header has %s" % (page, name))
                elif not any(re.search(r"(?<![\d,])%s(?![\d,]*\d)" % s, text)
                             for s in shapes(values[name])):
                    say("%s: %s is %d, but the page says: %s" % (
                        page, name, values[name], text))
                seen.add(name)

        for line in list(section(page, "LIMITS")) + [".El"]:
            if line.startswith('.\\" ') or line in (".It", ".El"):
                if item:
                    check()
                    waiting, item = [], []
            if line.startswith('.\\" '):
                waiting += line.split()[1:]
            elif not line.startswith("."):
                item.append(plain(line))
    for name in sorted(set(values) - seen - INNER):
        say("%s is %d: in no page" % (name, values[name]))


def commands(page, head, usage):
    """The words of the usage's lines and those of the items of a section."""
    program = os.path.basename(page).split(".")[0]
    code = set()
    for line in open(usage):
        words = re.sub(r"^(usage:)?\s*", "", line).split()
        if not words or words[0] != program:
            continue
        words = [w for w in words[1:]]
        while words and words[0].startswith("["):
            while not words[0].endswith("]"):
                words.pop(0)
            words.pop(0)
        got = []
        for word in words:
            if not re.match(r"^[a-z-]+$", word) or len(got) == 2:
                break
            got.append(word)
        code.add(" ".join(got))
    ours = set()
    for line in section(page, head):
        m = re.match(r"^\.(?:It|Nm) Cm (.*)", line)
        if not m:
            continue
        words, first, second = m.group(1).split(), None, []
        for word in words:
            if re.match(r"^[A-Z][a-z]$", word):
                break
            if word == "|":
                continue
            if first is None:
                first = word
            else:
                second.append(word)
        ours |= {first + " " + s for s in second} or {first}
    known = {w.split()[0] for w in code}
    for words in sorted(ours):
        if not any(c == words or c.startswith(words + " ") for c in code):
            say("%s: %s is no command" % (page, words))
    for words in sorted(code):
        # "user add account": an argument's name is no word of it.
        if not any(words == o or words.startswith(o + " ") for o in ours):
            say("%s lacks %s" % (page, words))
    if len(known) < 3:
        say("no commands in " + usage)


def processes(page, table):
    want = [line.rstrip("\n") for line in open(table)]
    have, on = [], False
    for line in section(page, "PROCESSES"):
        if line.startswith(".Bl "):
            on = True
        elif line.startswith(".El"):
            on = False
        elif on:
            have.append(line)
    if want[0].startswith(".Bl"):
        want = want[1:-1]
    if have != want:
        for line in want:
            if line not in have:
                say("%s lacks: %s" % (page, line))
        for line in have:
            if line not in want:
                say("%s alone has: %s" % (page, line))
        say("%s: PROCESSES is not what -nP prints" % page)


def offers(page, *words):
    """What a client is offered, against the extensions in STANDARDS."""
    text = plain(" ".join(section(page, "STANDARDS")))
    named = set()
    for part in re.findall(r"((?:[A-Z0-9][A-Z0-9=+-]+(?: and |, | ))+)\(RFC",
                           text):
        named |= set(re.split(r" and |, | ", part.strip()))
    offered = {w.upper() for w in words}
    offered = {re.sub(r"^(APPENDLIMIT|MESSAGELIMIT)=.*", r"\1", w)
               for w in offered if not w.startswith("AUTH=")}
    for word in sorted(offered - named - BASE):
        say("%s is offered, but not in STANDARDS of %s" % (word, page))
    for word in sorted(named - offered):
        say("%s is in STANDARDS of %s, but not offered" % (word, page))


def displays(page, head, directory):
    n, on, out = 0, False, None
    for line in section(page, head):
        if line.startswith(".Bd -literal"):
            n += 1
            out = open(os.path.join(directory, str(n)), "w")
        elif line.startswith(".Ed"):
            out.close()
            out = None
        elif out:
            out.write(plain(line) + "\n")
    if n == 0:
        say("no displays in %s" % head)


def lines(page, head):
    for line in section(page, head):
        if line.startswith(".Dl "):
            print(plain(line[4:]))


def main():
    globals()[sys.argv[1]](*sys.argv[2:])
    for text in wrong:
        print(text)
    sys.exit(1 if wrong else 0)


main()
