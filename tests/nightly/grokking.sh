#!/bin/sh
# examples/grokking.lua keeps its promise: five seeds of five grok, none without weight decay, and the numbers are the
# same to the bit for any number of threads. usage: grokking.sh MOONLAB (about ten minutes)
. "$(dirname "$0")/example.inc"

for seed in 1 2 3 4 5; do train 0 grokking seed=$seed name=seed-$seed; done
train 3 grokking weight_decay=0 name=control
awk -v acc="$(last control test_acc)" 'BEGIN { exit !(acc <= 0.05) }' ||
    { echo "control: test accuracy $(last control test_acc), at most 0.05 wanted"; failed=1; }
for threads in 1 2; do train 0 grokking seed=1 name=threads-$threads --threads $threads; done
for run in threads-1 threads-2; do
    [ "$(metrics seed-1)" = "$(metrics $run)" ] || { echo "$run: other numbers than seed-1"; failed=1; }
done
exit $failed
