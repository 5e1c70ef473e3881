#!/usr/bin/env python3
"""Writes the seeds of the fuzzers whose input is a list of steps (harness.h).
They are committed; this is how they were made, and how to make more."""

import mkimap
import mkmail
import mkroles
import mktools

for part in (mkimap, mkmail, mktools, mkroles):
    part.write()
