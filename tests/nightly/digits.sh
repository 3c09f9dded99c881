#!/bin/sh
# examples/cnn_mnist.lua and mlp_mnist.lua keep their promises, on drawn digits and on MNIST where MOONLAB_DATA has it, and their
# controls fail. usage: digits.sh MOONLAB (about five minutes)
set -u
moonlab=$(realpath "$1")
examples=$(realpath "$(dirname "$0")/../../examples")
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
failed=0

train() { # wanted exit code, data folder, example, arguments...
    wanted=$1 folder=$2 example=$3; shift 3
    MOONLAB_DATA=$folder "$moonlab" run "$examples/$example.lua" "$@" >said 2>/dev/null
    code=$?
    echo "$example $*: $(grep -e ✓ -e ✗ said), exit $code"
    [ $code = "$wanted" ] || { echo "  expected $wanted"; failed=1; }
}

for folder in "" "${MOONLAB_DATA:-}"; do
    for seed in 1 2 3; do train 0 "$folder" mlp_mnist seed=$seed; done
    train 0 "$folder" mlp_mnist permuted=true
    train 0 "$folder" cnn_mnist
    train 3 "$folder" mlp_mnist random_labels=true
    train 3 "$folder" cnn_mnist random_labels=true epochs=2
    [ -n "${MOONLAB_DATA:-}" ] || { echo "MOONLAB_DATA is not set: MNIST was not tried"; break; }
done
exit $failed
