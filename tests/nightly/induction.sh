#!/bin/sh
# examples/induction.lua keeps its promise for three seeds, and not when it is stopped before the heads have formed.
# usage: induction.sh MOONLAB (about four minutes)
. "$(dirname "$0")/example.inc"

for seed in 1 2 3; do train 0 induction seed=$seed; done
train 3 induction steps=150
exit $failed
