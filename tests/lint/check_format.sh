#!/bin/sh
# clang-format would change nothing.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v clang-format >/dev/null 2>&1; then
    echo "clang-format is not installed"
    exit 77
fi
if ! make --no-print-directory check-format >/dev/null 2>&1; then
    make --no-print-directory check-format 2>&1 | sed -n 's/:.*: error: code should be .*//p' | sort -u
    echo "make format lays them out"
    exit 1
fi
