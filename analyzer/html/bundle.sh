#!/bin/sh
# Makes the page of `allocaudit report --html` from the files beside this one: bundle.sh OUT.
# Needs node (18 or newer) and npm. Libraries come through npm as package-lock.json names them, into
# the folder of OUT; nothing is written elsewhere.
set -eu

[ $# -eq 1 ] || {
    echo "usage: bundle.sh OUT" >&2
    exit 2
}
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$1")"
folder=$(cd "$(dirname "$1")" && pwd)

for tool in node npm; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "allocaudit: the page of report --html needs $tool (Debian: apt-get install nodejs npm)" >&2
        exit 1
    }
done

work=$folder/work
mkdir -p "$work"
if ! cmp -s "$source/package-lock.json" "$work/installed.json"; then
    cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$work/"
    (cd "$work" && npm ci --ignore-scripts --loglevel=error >/dev/null)
    cp "$source/package-lock.json" "$work/installed.json"
fi
cp "$source"/*.js "$source"/*.mjs "$source"/*.css "$source"/*.html "$work/"
(cd "$work" && node bundle.mjs page.html "$folder/$(basename "$1").new")
mv "$folder/$(basename "$1").new" "$1"
