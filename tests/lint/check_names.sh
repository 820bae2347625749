#!/bin/sh
# Names and words: lower snake case files that are unique in the tree, no calls that cannot be checked,
# one style of comments, and each kind of thing in its one place.
set -eu
cd "$(dirname "$0")/../.."
status=0

# Prints what it reads under a heading, and remembers that there was something.
complain()
{
    found=$(cat)
    if [ -n "$found" ]; then
        echo "$1:"
        printf '%s\n' "$found"
        status=1
    fi
}

c_files=$(find schema interposer analyzer tests sample_apps -name '*.[ch]' | sort)
own_files=$(find schema interposer analyzer -name '*.[ch]' | sort)

complain "file names are lower snake case" <<END
$(find schema interposer analyzer tests sample_apps \( -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' \
    -o -name '*.py' \) | grep -E '/[^/]*[^a-z0-9_./][^/]*$' || true)
END

complain "file names are unique in schema/, interposer/ and analyzer/" <<END
$(printf '%s\n' "$own_files" | sed 's|.*/||' | sort | uniq -d)
END

# shellcheck disable=SC2086 # lists of files without spaces
complain "names of structs, enums and unions are unique in schema/, interposer/ and analyzer/" <<END
$(grep -hoE '^(struct|enum|union) [a-z0-9_]+ \{' $own_files | sort | uniq -d)
END

# Words in strings and comments do not count: both are blanked before the search, line by line.
search_code()
{
    pattern=$1
    shift
    awk -v pattern="$pattern" '
    FNR == 1 { in_comment = 0 }
    {
        line = $0
        gsub(/\\./, "", line)
        gsub(/"[^"]*"/, "\"\"", line)
        gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
        if (in_comment) {
            if (!match(line, /\*\//)) { next }
            line = substr(line, RSTART + 2)
            in_comment = 0
        }
        if (match(line, /\/\*/)) {
            line = substr(line, 1, RSTART - 1)
            in_comment = 1
        }
        if (line ~ pattern) { printf "%s:%d: %s\n", FILENAME, FNR, $0 }
    }' "$@"
}

# shellcheck disable=SC2046,SC2086 # lists of files without spaces
{
    complain "calls that cannot be checked (use snprintf, memcpy, strtol, ...)" <<END
$(search_code '(^|[^a-z_])(sprintf|strcpy|strcat|strtok|atoi|atol|gets)[(]' $own_files)
END

    complain "comments are /* */" <<END
$(search_code '(^|[^:])//' $c_files)
END

    complain "structs and pointers have no typedef" <<END
$(search_code '^typedef (struct|enum|union)' $own_files)
END

    complain "only commands and main.c print to a standard stream or choose an exit status" <<END
$(search_code '(^|[^a-z_])(printf|puts|putchar|perror|exit)[(]|fprintf[(](stdout|stderr)' \
    $(printf '%s\n' "$own_files" | grep -Ev '^analyzer/(cli/|commands/|main[.]c)'))
END

    complain "functions that take nothing say (void)" <<END
$(search_code '^[a-z].*[a-z_][(][)]($|;)' $own_files)
END
}

# shellcheck disable=SC2086
complain "lines end without blanks" <<END
$(grep -nE '[[:blank:]]+$' $c_files Makefile README.md docs/*.md schema/*.md schema/*.sql 2>/dev/null || true)
END

exit $status
