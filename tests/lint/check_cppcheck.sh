#!/bin/sh
# cppcheck over the program and the library; what it gets wrong is listed here, each with its reason.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/release}

if ! command -v cppcheck >/dev/null 2>&1; then
    echo "cppcheck is not installed"
    exit 77
fi
mkdir -p "$build/cppcheck"
# missingIncludeSystem: system headers are not read. unusedStructMember: layouts of files and rings
# have members for the other side. normalCheckLevelMaxBranches: a note about itself. internalAstError:
# it cannot parse a compound literal behind `?`. allocaCalled: the arguments of execl() must stand on the
# stack, since it may be called between vfork() and exec, and arrays of variable length are not used here.
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=unusedStructMember --suppress=normalCheckLevelMaxBranches \
    --suppress=internalAstError --suppress=allocaCalled:interposer/hooks_exec.c \
    -D_GNU_SOURCE -D__x86_64__ --cppcheck-build-dir="$build/cppcheck" -j "$(nproc)" \
    schema interposer analyzer
