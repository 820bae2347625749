#!/bin/sh
# Every header compiles alone, with gcc and (where it is installed) clang.
set -eu
cd "$(dirname "$0")/../.."
status=0

compilers=gcc
if command -v clang >/dev/null 2>&1; then
    compilers="gcc clang"
fi

for header in $(find schema interposer analyzer -name '*.h' | sort); do
    # Twice: a missing include guard shows as a redefinition. The declaration is for headers of macros.
    for compiler in $compilers; do
        if ! printf '#include "%s"\n#include "%s"\nextern int header_compiles;\n' "$header" "$header" |
            $compiler -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Wno-unused-function \
                -I. -fsyntax-only -x c -; then
            echo "$header does not compile alone with $compiler"
            status=1
        fi
    done
done
exit $status
