#!/bin/sh
# examples/induction.lua keeps its promise for three seeds, and not when it is stopped before the heads have formed.
# usage: induction.sh MOONLAB (about four minutes)
set -u
moonlab=$(realpath "$1")
script=$(realpath "$(dirname "$0")/../../examples/induction.lua")
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
failed=0

train() { # wanted exit code, arguments...
    wanted=$1; shift
    "$moonlab" run "$script" --quiet "$@"
    code=$?
    echo "induction $*: exit $code"
    [ $code = "$wanted" ] || { echo "  expected $wanted"; failed=1; }
}

for seed in 1 2 3; do train 0 seed=$seed; done
train 3 steps=150
exit $failed
