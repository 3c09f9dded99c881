#!/bin/sh
# MNIST-1D reaches its published table. On the published arrays, where there are any, the mean of three seeds is within 2 points in
# order and 3 shuffled. Own data are drawn six times, as one draw is up to 5 points easier or harder than another: their mean is within 3
# points, give or take two standard errors. Random labels reach nothing. usage: mnist1d.sh MOONLAB [FOLDER OF x.npy] (about 20 minutes)
published=${2:-$(dirname "$0")/../../../shared/data/mnist1d}
if [ -f "$published/x.npy" ]; then published=$(realpath "$published")
else published=; echo "no published arrays: they are not compared"
fi
. "$(dirname "$0")/example.inc"

accuracy() { # name, arguments...: on the test set; the script's own check is of one seed
    "$moonlab" run "$examples/mnist1d.lua" --quiet name="$@" >/dev/null
    last "$1" test_acc
}

published() { # name, arguments...: the test accuracies of three seeds
    name=$1; shift
    for seed in 1 2 3; do accuracy "$name-$seed" seed=$seed published="$published" "$@"; done
}

own() { # name, arguments...: of six draws of data, each with a seed of its own
    name=$1; shift
    for seed in 1 2 3 4 5 6; do accuracy "$name-$seed" seed=$seed data_seed=$seed "$@"; done
}

compare() { # title, wanted, within, standard errors besides; reads accuracies: their mean, in percent, is so near
    awk -v title="$1" -v wanted="$2" -v within="$3" -v errors="$4" '
        { n++; sum += 100 * $1; squares += 1e4 * $1 * $1 }
        END {
            mean = sum / n; error = sqrt((squares - n * mean * mean) / (n - 1) / n); d = mean - wanted; d = d < 0 ? -d : d
            printf "%s: %.1f %% (standard error %.1f), published %s\n", title, mean, error, wanted
            exit !(d <= within + errors * error)
        }' || { echo "  not within $3 points"; failed=1; }
}

for row in "logistic 32 32" "mlp 68 68" "cnn 94 56" "gru 91 57"; do
    set -- $row
    own "own-$1" model=$1 >got; compare "$1, own data" "$2" 3 2 <got
    own "own-shuffled-$1" model=$1 shuffled=true >got; compare "$1, own data, shuffled" "$3" 3 2 <got
    [ -n "$published" ] || continue
    published "published-$1" model=$1 >got; compare "$1" "$2" 2 0 <got
    published "published-shuffled-$1" model=$1 shuffled=true >got; compare "$1, shuffled" "$3" 3 0 <got
done

train 3 mnist1d name=control random_labels=true
awk -v a="$(last control test_acc)" 'BEGIN { exit !(a < 0.2) }' || { echo "control: random labels reach $(last control test_acc)"; failed=1; }
exit $failed
