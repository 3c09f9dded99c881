#!/bin/sh
# Makes the pictures of tests/golden/figures/ again: every mark in every style. Look at them before you commit them.
# usage: tests/golden/figures.sh [BUILD_DIR]
set -eu
here=$(dirname "$0")
mkdir -p "$here/figures"
MOONLAB_GOLDEN_WRITE=$here/figures "${1:-build/ci}/tests/test_marks" --filter 'marks/golden' --jobs 1
