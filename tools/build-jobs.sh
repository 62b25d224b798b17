#!/bin/sh
# Prints how many compilers may run at once: one a core, and one per GiB of memory, because a board
# with 1 GiB that starts four of them is killed by its own kernel.
set -eu
cores=$(nproc)
gib=$(awk '$1 == "MemTotal:" { print int($2 / 1048576 + 0.5) }' /proc/meminfo)
jobs=$((gib < cores ? gib : cores))
echo $((jobs < 1 ? 1 : jobs))
