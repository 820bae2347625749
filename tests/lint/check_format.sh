#!/bin/sh
# clang-format would change nothing.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v clang-format >/dev/null 2>&1; then
    echo "clang-format is not installed"
    exit 77
fi
make --no-print-directory check-format
