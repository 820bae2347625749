#!/bin/sh
# Every shell script of the tree passes shellcheck.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v shellcheck >/dev/null 2>&1; then
    echo "shellcheck is not installed"
    exit 77
fi
find .ci analyzer tests docs sample_apps -type f ! -name '*.py' | sort | while read -r file; do
    if head -n 1 "$file" | grep -aqE '^#!.*[/ ](ba|da)?sh( |$)'; then
        echo "$file"
    fi
done | xargs shellcheck --severity=style
