#!/bin/sh
# examples/cnn_mnist.lua and mlp_mnist.lua keep their promises, on drawn digits and on MNIST where MOONLAB_DATA has it, and their
# controls fail. usage: digits.sh MOONLAB (about five minutes)
. "$(dirname "$0")/example.inc"

folder=${MOONLAB_DATA:-}
for data in "" "$folder"; do
    export MOONLAB_DATA="$data"
    for seed in 1 2 3; do train 0 mlp_mnist seed=$seed; done
    train 0 mlp_mnist permuted=true
    train 0 cnn_mnist
    train 3 mlp_mnist random_labels=true
    train 3 cnn_mnist random_labels=true epochs=2
    [ -n "$folder" ] || { echo "MOONLAB_DATA is not set: MNIST was not tried"; break; }
done
exit $failed
