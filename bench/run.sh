#!/bin/sh
# Benchmarks: the same work in moonlab and in PyTorch, taking turns, the median of several repetitions.
# usage: bench/run.sh MOONLAB_PROGRAM [NAME...]     the names: see `all` below.     REPEAT=7 sets the repetitions
set -eu
program=$1; shift
here=$(dirname "$0")
repeat=${REPEAT:-5}
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
all="mlp_tiny grokking mlp cnn resnet mnist1d gru transformer probe calls elementwise fuse memory_loop transforms replicas figure start"
# shellcheck disable=SC2086  # a list of words
[ $# -gt 0 ] || set -- $all
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
        if (b == "-") printf "%-34s %12.2f %12s %-4s\n", t, a, "-", u
        else printf "%-34s %12.2f %12.2f %-4s %7.2fx\n", t, a, b, u, b / a }'
}

own_row() { # title, unit, name, column: of what only moonlab does
    median "$work/moonlab.$3" "$4" | awk -v t="$1" -v u="$2" '{ printf "%-34s %12.1f %12s %-4s\n", t, $1, "", u }'
}

for name in "$@"; do
    case $name in start) ;; *) [ -f "$here/$name.lua" ] || { echo "no benchmark '$name'" >&2; exit 2; } ;; esac
    i=0
    while [ $i -lt "$repeat" ]; do
        if [ "$name" = start ]; then
            measure moonlab start "$program" run "$work/empty.lua"
            [ -z "$peer" ] || measure torch start "$python" -c "import torch"
        else
            measure moonlab "$name" "$program" run "$here/$name.lua" --no-window
            [ -z "$peer" ] || [ ! -f "$here/${name}_torch.py" ] || measure torch "$name" "$python" "$here/${name}_torch.py"
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
    cnn)      row "CNN 32-64-128-10, batch 64, step"  us cnn 1
              row "the same, forward"                 us cnn 2
              own_row "  the step takes of its products"  x cnn 3 ;;
    resnet)   row "ResNet 16-32-64, batch 64, step"   us resnet 1
              row "the same, forward"                 us resnet 2
              own_row "  the step takes of its products"  x resnet 3 ;;
    mnist1d)  row "CNN of MNIST-1D, batch 100, step"  us mnist1d 1
              own_row "  its products at best"        us mnist1d 2 ;;
    probe)    row "random conv probe, 1,000 images"   ms probe 1
              row "the same, PyTorch in batches"      ms probe 2
              row "the same, best of 19 penalties"    ms probe 3
              own_row "  its convolution at best"     ms probe 4 ;;
    gru)      row "GRU of MNIST-1D, batch 100, step"  us gru 1
              row "the same, least"                   us gru 2 ;;
    transforms) row "Hessian-vector product, 2-64-64-2" us transforms 1
              own_row "256 gradients by vmap(grad)"   us transforms 2
              own_row "  the loop takes times as long" x transforms 3 ;;
    figure)   row "a redraw, beside matplotlib (Agg)" ms figure 1 # its peer draws with another library
              row "the same, least"                   ms figure 2
              row "20 x 100,000 points of noise"      ms figure 3
              row "the same, least"                   ms figure 4
              row "20 beside each other"              ms figure 5
              row "20 smooth curves"                  ms figure 7
              row "noise smoothed, averages afresh"   ms figure 9 ;;
    replicas) own_row "16 MLPs 2-16-16-2, one by one" x replicas 1
              own_row "16 MLPs 2-32-32-2, one by one" x replicas 2
              own_row "16 MLPs 2-64-64-2, one by one" x replicas 3 ;;
    transformer) row "transformer p=113, full batch"    ms transformer 1
              row "the same, least"                   ms transformer 2
              own_row "  its products at best"        ms transformer 5
              row "the last position alone"           ms transformer 3
              row "the same, least"                   ms transformer 4
              own_row "  its products at best"        ms transformer 6 ;;
    calls)    row "x + b, 4 elements, recorded"       us calls 1
              row "matmul, 4 x 4, recorded"           us calls 2 ;;
    fuse)     row "relu(z*2+1)*z-z of 1e6, fused"     us fuse 1
              row "the same, not fused"               us fuse 2
              row "z + z of 1e6"                      us fuse 3 ;;
    memory_loop) row "4 MB made and dropped, a turn"  us memory_loop 1
              row "one filled again, a turn"          us memory_loop 2
              row "most in use, tensors of 4 MB"      "" memory_loop 3 ;;
    start)    row "start of an empty script"          ms start 2
              row "start of an empty script, memory"  MB start 3 ;;
    esac
done
