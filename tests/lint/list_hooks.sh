#!/bin/sh
# Prints the symbols of interposer/hook_list.h, one a line.
set -eu
cd "$(dirname "$0")/../.."
compiler=${CC:-gcc}

printf '#include "interposer/hook_list.h"\n#define X(result, identifier, symbol, parameters) @ symbol @\nEXPORTS(X)\n' |
    ${compiler} -E -P -x c - | tr '@' '\n' | sed -n 's/^ *"\(.*\)" *$/\1/p' | sort
