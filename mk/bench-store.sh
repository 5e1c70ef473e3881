#!/bin/sh
# Measures the store alone: deliveries, openings, changes, upkeep, each beside
# what the machine can do.  DISK is a folder on the disk to be measured.
# usage: make bench-store [DISK=/tmp] [MESSAGES=1000000]
set -eu
cd "$(dirname "$0")/.."
bench=$PWD/regress/bench/store_bench
tmp=$(mktemp -d "${DISK:-/tmp}/bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp"
"$bench" "${MESSAGES:-1000000}"
