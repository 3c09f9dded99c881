#!/bin/sh
# Every reader of files under libFuzzer with AddressSanitizer, 60 seconds each. usage: fuzz.sh IGNORED [SECONDS]
# What it finds stays in build/fuzz/found/; it then belongs, reduced, into the test of its format: tests/c/test_npy.c, test_safetensors.c, test_data_files.c.
set -eu
cd "$(dirname "$0")/../.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >/dev/null
programs=build/fuzz/tests/fuzz
for format in npy npz safetensors idx cifar10 cifar100 csv; do
    mkdir -p "build/fuzz/corpus/$format" "build/fuzz/seeds/$format" build/fuzz/found
    "$programs/fuzz" "$format" seeds "build/fuzz/seeds/$format"
    longest=4096
    case $format in cifar*) longest=9300 ;; esac # three records
    "$programs/fuzz_$format" "build/fuzz/corpus/$format" "build/fuzz/seeds/$format" -max_total_time="${2:-60}" -max_len=$longest \
        -artifact_prefix="build/fuzz/found/$format-" -verbosity=0
    echo "$format: nothing found in ${2:-60} seconds"
done
