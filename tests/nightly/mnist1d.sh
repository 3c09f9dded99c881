#!/bin/sh
# MNIST-1D reaches its published table: mean of three seeds, own data within 3 points, and the published arrays, where there are
# any, within 2 in order and 3 shuffled; random labels reach nothing. usage: mnist1d.sh MOONLAB [FOLDER OF x.npy] (about 15 minutes)
published=${2:-$(dirname "$0")/../../../shared/data/mnist1d}
if [ -f "$published/x.npy" ]; then published=$(realpath "$published")
else published=; echo "no published arrays: they are not compared"
fi
. "$(dirname "$0")/example.inc"

mean() { # name, arguments...: of the test accuracy, in percent; the script's own check is of one seed
    name=$1; shift
    for seed in 1 2 3; do
        "$moonlab" run "$examples/mnist1d.lua" --quiet name="$name-$seed" seed=$seed "$@" >/dev/null
        last "$name-$seed" test_acc
    done | awk '{ sum += $1 } END { printf "%.1f", 100 * sum / NR }'
}

compare() { # title, mean, wanted, within
    echo "$1: $2 %, published $3"
    awk -v a="$2" -v b="$3" -v w="$4" 'BEGIN { d = a - b; exit !(d <= w && -d <= w) }' || { echo "  not within $4 points"; failed=1; }
}

for row in "logistic 32 32" "mlp 68 68" "cnn 94 56" "gru 91 57"; do
    set -- $row
    compare "$1, own data" "$(mean "own-$1" model=$1 data_seed=43)" "$2" 3
    compare "$1, own data, shuffled" "$(mean "own-shuffled-$1" model=$1 data_seed=43 shuffled=true)" "$3" 3
    [ -n "$published" ] || continue
    compare "$1" "$(mean "published-$1" model=$1 published="$published")" "$2" 2
    compare "$1, shuffled" "$(mean "published-shuffled-$1" model=$1 published="$published" shuffled=true)" "$3" 3
done

train 3 mnist1d name=control random_labels=true
awk -v a="$(last control test_acc)" 'BEGIN { exit !(a < 0.2) }' || { echo "control: random labels reach $(last control test_acc)"; failed=1; }
exit $failed
