#!/bin/sh
# Includes go downward only. The table names, for each folder, the folders it may include from besides
# its own; a file of its own may be listed too. Whoever adds a row says why in docs/architecture.md.
set -eu
cd "$(dirname "$0")/../.."

table='
schema
interposer/policy
analyzer/base
interposer           schema interposer/policy
analyzer/catalog     analyzer/base schema/frame_symbols.h interposer/policy/settings.h
analyzer/go          analyzer/base
analyzer/elf         analyzer/base analyzer/go/go_lines.h schema/frame_symbols.h
analyzer/collect/rows       analyzer/base schema
analyzer/collect/recording  analyzer/collect/rows analyzer/base analyzer/go schema
analyzer/collect/drain      analyzer/collect/recording analyzer/base schema
analyzer/collect/tables     analyzer/collect/rows analyzer/collect/recording analyzer/collect/drain/session.h analyzer/elf analyzer/base analyzer/catalog schema interposer/policy/settings.h
analyzer/collect/target     analyzer/collect/recording analyzer/collect/drain analyzer/base analyzer/go schema
analyzer/collect/leaks      analyzer/collect/recording analyzer/collect/drain analyzer/collect/tables analyzer/collect/target analyzer/base schema
analyzer/collect/go         analyzer/collect/recording analyzer/collect/target analyzer/base analyzer/go
analyzer/collect/import     analyzer/collect/recording analyzer/collect/tables analyzer/base analyzer/go
analyzer/collect/recover    analyzer/collect/rows analyzer/collect/recording analyzer/collect/drain analyzer/collect/tables analyzer/collect/go analyzer/base
analyzer/collect            analyzer/collect/rows analyzer/collect/recording analyzer/collect/drain analyzer/collect/tables analyzer/collect/target analyzer/collect/leaks analyzer/collect/go analyzer/elf analyzer/base analyzer/catalog schema
analyzer/plan        analyzer/base analyzer/catalog analyzer/elf analyzer/cli/options.h schema interposer/policy/settings.h
analyzer/db          analyzer/base schema
analyzer/model       analyzer/base analyzer/db schema/mapping_kind.h
analyzer/analyses    analyzer/base analyzer/db analyzer/model
analyzer/advice      analyzer/base analyzer/db analyzer/model analyzer/analyses
analyzer/sim         analyzer/base analyzer/db analyzer/model analyzer/plan interposer/policy
analyzer/replay      analyzer/base analyzer/catalog analyzer/db/query_mark.h analyzer/model schema interposer/policy/settings.h
analyzer/replay/runner  analyzer/replay analyzer/base/histogram.h interposer/policy
analyzer/cli         analyzer/base
analyzer/trial       analyzer/base analyzer/catalog interposer/policy/settings.h
analyzer/gate        analyzer/base analyzer/db analyzer/model analyzer/analyses analyzer/cli analyzer/report
analyzer/report      analyzer/base analyzer/db analyzer/model analyzer/analyses analyzer/advice analyzer/cli
analyzer/export      analyzer/base analyzer/db analyzer/model analyzer/cli
analyzer/diff        analyzer/base analyzer/db analyzer/model analyzer/cli
analyzer/main.c      analyzer/commands/cmd.h analyzer/cli analyzer/base
analyzer/commands    analyzer/base analyzer/catalog analyzer/collect analyzer/collect/import analyzer/collect/leaks analyzer/collect/recording analyzer/collect/recover analyzer/collect/tables analyzer/collect/target analyzer/plan analyzer/db analyzer/model analyzer/sim analyzer/replay analyzer/cli analyzer/trial analyzer/advice analyzer/analyses analyzer/report analyzer/gate analyzer/export analyzer/diff schema interposer/policy analyzer/go
'

# shellcheck disable=SC2016 # $0 is awk's
find schema interposer analyzer -name '*.[ch]' | sort | xargs awk -v table="$table" '
function folder_of(path)
{
    return match(path, /\/[^\/]*$/) ? substr(path, 1, RSTART - 1) : "."
}

# "analyzer/db/../base/err.h" -> "analyzer/base/err.h"
function plain_path(path)
{
    while (match(path, /[^\/]+\/\.\.\//)) {
        path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
    }
    return path
}

function is_allowed(from, to, to_folder,    owner, names, i, count)
{
    owner = (from in allowed) ? from : folder_of(from)
    if (!(owner in allowed)) {
        return 0
    }
    if (owner != from && to_folder == owner) {
        return 1
    }
    count = split(allowed[owner], names, " ")
    for (i = 1; i <= count; i++) {
        if (names[i] == to || names[i] == to_folder) {
            return 1
        }
    }
    return 0
}

BEGIN {
    row_count = split(table, rows, "\n")
    for (row = 1; row <= row_count; row++) {
        if (split(rows[row], words, " ") > 0) {
            name = words[1]
            sub(/^ *[^ ]+/, "", rows[row])
            allowed[name] = rows[row]
        }
    }
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, parts, "\"")
    to = plain_path(folder_of(FILENAME) "/" parts[2])
    if (!is_allowed(FILENAME, to, folder_of(to))) {
        printf "%s:%d: may not include %s\n", FILENAME, FNR, to
        bad = 1
    }
}

END { exit bad }
'
