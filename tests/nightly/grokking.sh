#!/bin/sh
# examples/grokking.lua keeps its promise: five seeds of five grok, none without weight decay, and the numbers are the
# same to the bit for any number of threads. usage: grokking.sh MOONLAB (about ten minutes)
set -u
moonlab=$(realpath "$1")
script=$(realpath "$(dirname "$0")/../../examples/grokking.lua")
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
failed=0

train() { # wanted exit code, arguments...
    wanted=$1; shift
    "$moonlab" run "$script" --quiet "$@"
    code=$?
    echo "grokking $*: exit $code"
    [ $code = "$wanted" ] || { echo "  expected $wanted"; failed=1; }
}
metrics() { "$moonlab" export "$1" --csv - | cut -d, -f1,3-; } # without the column of the time
column() { # run, metric: its last value
    "$moonlab" export "$1" --csv - | awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
        $c != "" { last = $c } END { print last }'
}

for seed in 1 2 3 4 5; do train 0 seed=$seed name=seed-$seed; done
train 3 weight_decay=0 name=control
awk -v acc="$(column control test_acc)" 'BEGIN { exit !(acc <= 0.05) }' ||
    { echo "control: test accuracy $(column control test_acc), at most 0.05 wanted"; failed=1; }
for threads in 1 2; do train 0 seed=1 name=threads-$threads --threads $threads; done
for run in threads-1 threads-2; do
    [ "$(metrics seed-1)" = "$(metrics $run)" ] || { echo "$run: other numbers than seed-1"; failed=1; }
done
exit $failed
