#!/bin/sh
# Benchmarks: the same work in moonlab and in PyTorch, taking turns, the median of several repetitions.
# usage: bench/run.sh MOONLAB_PROGRAM [mlp_tiny|grokking|mlp|cnn|cnn_forward|mnist1d|elementwise|start]...     REPEAT=7 sets the repetitions
set -eu
program=$1; shift
here=$(dirname "$0")
repeat=${REPEAT:-5}
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
[ $# -gt 0 ] || set -- mlp_tiny grokking mlp cnn cnn_forward mnist1d elementwise start
export OMP_NUM_THREADS=2 MOONLAB_THREADS=2 MKL_NUM_THREADS=2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
: > "$work/empty.lua"

peer=yes
"$python" -c 'import torch' 2>/dev/null || { peer=; echo "no PyTorch for $python: moonlab only" >&2; }

measure() { # side, name, command...: appends "printed wall_ms peak_mb"
    out=$work/$1.$2; shift 2
    "$python" "$here/measure.py" "$@" >> "$out" || { echo "failed: $*" >&2; exit 1; }
}

median() { # file, column
    sort -g -k "$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row() { # title, unit, name, column
    ours=$(median "$work/moonlab.$3" "$4")
    theirs=-
    [ -z "$peer" ] || theirs=$(median "$work/torch.$3" "$4")
    awk -v t="$1" -v u="$2" -v a="$ours" -v b="$theirs" 'BEGIN {
        if (b == "-") printf "%-34s %12.1f %12s %-4s\n", t, a, "-", u
        else printf "%-34s %12.1f %12.1f %-4s %7.2fx\n", t, a, b, u, b / a }'
}

for name in "$@"; do
    case $name in start) ;; *) [ -f "$here/${name%_forward}.lua" ] || { echo "no benchmark '$name'" >&2; exit 2; } ;; esac
    i=0
    while [ $i -lt "$repeat" ]; do
        if [ "$name" = start ]; then
            measure moonlab start "$program" run "$work/empty.lua"
            [ -z "$peer" ] || measure torch start "$python" -c "import torch"
        else
            script=${name%_forward} # the same script, told to leave the backward out
            BENCH_FORWARD=; [ "$script" = "$name" ] || BENCH_FORWARD=1
            export BENCH_FORWARD
            measure moonlab "$name" "$program" run "$here/$script.lua" --no-window
            [ -z "$peer" ] || measure torch "$name" "$python" "$here/${script}_torch.py"
        fi
        i=$((i + 1))
    done
done

[ -z "$peer" ] || torch="PyTorch $("$python" -c 'import torch; print(torch.__version__)')"
printf '%s, %s; 2 threads, median of %s\n' "$("$program" version)" "${torch:-no PyTorch}" "$repeat"
printf '%-34s %12s %12s %-4s %8s\n' "" moonlab PyTorch "" "ratio"
for name in "$@"; do
    case $name in
    mlp_tiny) row "MLP 2-64-64-2, batch 32, step"     us mlp_tiny 1 ;;
    grokking) row "grokking p=97, full batch, step"   us grokking 1
              row "grokking, 200 steps, peak memory"  MB grokking 3 ;;
    elementwise)
        column=1 # medians, then the least times: the order of bench/elementwise.lua
        for what in "" ", least"; do
            for f in tanh exp log sigmoid gelu sin cos erf pow sum; do
                row "$f of 1M floats$what" us elementwise $column
                column=$((column + 1))
            done
        done ;;
    mlp)      row "MLP 784-256-256-10, batch 128"     us mlp 1 ;;
    cnn)         row "CNN 32-64-128-10, batch 64, step" us cnn 1 ;;
    cnn_forward) row "CNN 32-64-128-10, forward"        us cnn_forward 1 ;;
    mnist1d)     row "CNN of MNIST-1D, batch 100, step" us mnist1d 1 ;;
    start)    row "start of an empty script"          ms start 2
              row "start of an empty script, memory"  MB start 3 ;;
    esac
done
