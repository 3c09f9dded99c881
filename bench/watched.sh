#!/bin/sh
# What watching costs a training: the loop of the grokking example alone, with its window on a display without a screen (Xvfb),
# and with curves in a terminal, taking turns; medians of several turns, and how much slower than alone. Processor time of the
# thread that trains, median and least, is what to look at on a machine that others use too.
# usage: bench/watched.sh MOONLAB_PROGRAM PTY_PROGRAM [STEPS]      as in: bench/watched.sh build/ci/bin/moonlab build/ci/tests/pty
# REPEAT=5 sets the turns, SCREEN=70 the number of the display, THREADS=2 those of the kernels.
set -eu
program=$(realpath "$1"); pty=$(realpath "$2")
steps=${3:-600} repeat=${REPEAT:-5} screen=:${SCREEN:-70} threads=${THREADS:-2}
script=$(dirname "$(realpath "$0")")/watched.lua
work=$(mktemp -d)
Xvfb "$screen" -screen 0 1440x1000x24 -nolisten tcp >/dev/null 2>&1 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT INT TERM
cd "$work"
sleep 1

turn() { # a way of being watched; a line of numbers
    case $1 in
    alone)    "$program" run "$script" "steps=$steps" out=out --no-window --quiet --threads "$threads" ;;
    window)   DISPLAY=$screen "$program" run "$script" "steps=$steps" out=out --quiet --threads "$threads" >/dev/null ;;
    progress) "$pty" "$program" run "$script" "steps=$steps" out=out --no-window --threads "$threads" </dev/null >/dev/null ;;
    tui)      TERM=xterm-256color "$pty" "$program" run "$script" "steps=$steps" out=out --tui --threads "$threads" </dev/null >/dev/null ;;
    esac
    cat out >> "$work/$1"
    rm -f out
}

i=0
while [ "$i" -lt "$repeat" ]; do
    for way in alone window tui progress; do turn $way; done
    i=$((i + 1))
done
grep -q window "$work/window" || { echo "the window did not open" >&2; exit 1; }

median() { sort -g -k "$2,$2" "$work/$1" | awk -v c="$2" '{ v[NR] = $c } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

printf '%s; %s threads, %s steps, median of %s\n' "$("$program" version)" "$threads" "$steps" "$repeat"
least() { sort -g -k "$2,$2" "$work/$1" | awk -v c="$2" 'NR == 1 { print $c }'; }

printf '%-28s %9s %8s %13s %7s %9s %7s %16s\n' "" "steps/s" "slower" "main us/step" "more" "at least" "more" "process us/step"
for way in alone window tui progress; do
    case $way in
    alone) title="alone" ;;
    window) title="with a window" ;;
    tui) title="with --tui" ;;
    progress) title="with the progress bar alone" ;;
    esac
    echo "$(median alone 1) $(median alone 2) $(least alone 2) $(median $way 1) $(median $way 2) $(least $way 2) $(median $way 3)" |
        awk -v t="$title" '{ printf "%-28s %9.1f %7.1f%% %13.0f %6.1f%% %9.0f %6.1f%% %16.0f\n", t, $4, ($1 / $4 - 1) * 100,
            $5, ($5 / $2 - 1) * 100, $6, ($6 / $3 - 1) * 100, $7 }'
done
