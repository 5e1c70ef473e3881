#! /usr/bin/env python3
"""
Does a check stand for every section of RFC 9051 that asks something of a
server?

usage: sections.py [-v] FILE ...

A check names its sections as "9051 6.4.4.1 to 6.4.4.4, 7.1".  With -v every
section is printed with the checks that name it.
"""

import os
import re
import sys

# What is left out speaks to clients, to other documents, or of nothing that
# can be seen from outside; 5.4 is a default of sealmail.conf(5): 1, 2.1, 2.3.5, 2.3.6, 6.3.1.1, 6.3.9.4, 8, 10, 11.
SECTIONS = """
2.2.1 2.2.2 2.3.1.1 2.3.1.2 2.3.2 2.3.3 2.3.4
3.1 3.2 3.3 3.4 4.1 4.1.1 4.2 4.3 4.3.1 4.4 4.5
5.1 5.1.1 5.1.2 5.2 5.3 5.5
6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3
6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.6 6.3.7 6.3.8 6.3.9 6.3.9.1 6.3.9.2 6.3.9.3
6.3.9.5 6.3.9.6 6.3.9.7 6.3.9.8 6.3.10 6.3.11 6.3.12 6.3.13
6.4.1 6.4.2 6.4.3 6.4.4 6.4.4.1 6.4.4.2 6.4.4.3 6.4.4.4 6.4.5 6.4.6 6.4.7
6.4.8 6.4.9
7.1 7.1.1 7.1.2 7.1.3 7.1.5 7.2.1 7.2.2 7.3.1 7.3.2 7.3.3 7.3.4 7.3.5 7.4.1
7.5.1 7.5.2 7.6 9 A.1 E
""".split()

NUMBER = r"(?:[A-E]\.\d+|[A-E](?![A-Za-z])|\d+(?:\.\d+)*)"
NAMED = re.compile(r"\b9051 (%s(?:(?:, | to )%s)*)" % (NUMBER, NUMBER))


def expand(text):
    for part in text.split(", "):
        first, _, last = part.partition(" to ")
        yield first
        if last:
            stem, low = first.rsplit(".", 1)
            for n in range(int(low) + 1, int(last.rsplit(".", 1)[1]) + 1):
                yield "%s.%d" % (stem, n)


def main():
    files = [x for x in sys.argv[1:] if x != "-v"]
    found = {}
    for name in files:
        check = ""
        with open(name, encoding="utf-8") as f:
            for line in f:
                begun = re.match(r"class (\w+)|    def (t_\w+)|"
                                 r"ATF_TC_BODY\((\w+)", line)
                if begun:
                    check = next(x for x in begun.groups() if x)
                for named in NAMED.finditer(line):
                    for section in expand(named[1]):
                        found.setdefault(section, []).append(
                            "%s:%s" % (os.path.basename(name), check))
    missing = [x for x in SECTIONS if x not in found]
    if "-v" in sys.argv:
        for section in SECTIONS:
            print("%-8s %s" % (section, " ".join(
                sorted(set(found.get(section, ()))))))
    if missing:
        sys.exit("no check of RFC 9051 " + ", ".join(missing))


main()
