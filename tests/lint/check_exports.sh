#!/bin/sh
# The library exports exactly what hook_list.h names, and allocaudit_* for programs that call us on
# purpose; it needs the C library and nothing else; and its thread locals never allocate.
set -eu
cd "$(dirname "$0")/../.."
library=${1:-build/release}/liballocaudit.so
status=0

if [ ! -f "$library" ]; then
    echo "$library has not been built"
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sh tests/lint/list_hooks.sh >"$work/wanted"
nm -D --defined-only --format=posix "$library" | awk '{ print $1 }' | grep -v '^allocaudit_' | sort \
    >"$work/exported" || true
if [ ! -s "$work/wanted" ]; then
    echo "no hook was found in interposer/hook_list.h"
    status=1
fi
if ! diff -u "$work/wanted" "$work/exported" >"$work/difference"; then
    echo "exported symbols (+) are not those of hook_list.h (-):"
    sed 1,2d "$work/difference"
    status=1
fi

needed=$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' |
    grep -vE '^(libc[.]so|ld-linux|libdl[.]so|libpthread[.]so)' || true)
if [ -n "$needed" ]; then
    echo "the library must not bring others into a stranger's process: $needed"
    status=1
fi

# Outside of the initial-exec model the first touch of a thread local calls malloc.
if nm -D --undefined-only "$library" | grep -w __tls_get_addr; then
    echo "a thread local is not of the initial-exec model"
    status=1
fi
exit $status
