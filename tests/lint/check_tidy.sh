#!/bin/sh
# clang-tidy with .clang-tidy over the program and the library.
#
#   tests/lint/check_tidy.sh [BUILD [FILE...]]
#
# Nearly all its time goes into following the paths through each function. TIDY_NODES says how many states
# of one it may look at: clang's own bound is 225000, which takes seven times as long as what is here.
set -eu
cd "$(dirname "$0")/../.."
[ $# -eq 0 ] || shift

if ! command -v clang-tidy >/dev/null 2>&1; then
    echo "clang-tidy is not installed"
    exit 77
fi
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # no file name has a blank
    set -- $(find schema interposer analyzer -name '*.c' | sort)
fi

# err.c defines what the hints wrap. clang-tidy counts on stderr what it left out: of no interest.
# xargs ends with 123 when any clang-tidy failed.
# shellcheck disable=SC2016 # $1 is the inner shell's
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh -c '
    hints="-include tests/lint/tidy_hints.h"
    [ "$1" != analyzer/base/err.c ] || hints=
    said=$(clang-tidy --quiet "$1" -- -std=c11 -D_GNU_SOURCE $hints "-DALLOCAUDIT_VERSION=\"0\"" \
        -Xclang -analyzer-config -Xclang "max-nodes=${TIDY_NODES:-20000}" \
        "-DALLOCAUDIT_LIBDIR=\"/usr/local/lib/allocaudit\"" 2>/dev/null) && exit 0
    printf "%s\n" "$said"
    exit 1' sh
