#!/usr/bin/env python3
"""Compares the leak kinds of `allocaudit run` with those of Valgrind's memcheck.

Each case of the given programs (tests/programs/leak_cases*) and each command after -- is run under both; blocks
are compared by the line of the program's source that allocated them, or by size where it has no source. Prints
a table of the agreements, and exits with 1 if a case differs that is not listed in KNOWN.
"""

import argparse
import collections
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

KINDS = ("definite", "indirect", "possible", "reachable")
MEMCHECK = {"Leak_DefinitelyLost": "definite", "Leak_IndirectlyLost": "indirect",
            "Leak_PossiblyLost": "possible", "Leak_StillReachable": "reachable"}

# Differences that are understood (docs/reliability.md): case -> why.
KNOWN = {
    "lose_dead_thread_local": "thread-local data of a thread that has ended, on the stack that glibc keeps",
}


def ours(allocaudit, command, source, scratch):
    """{(line, kind): blocks}, or None where the kinds are not known; and the exit status."""
    database = os.path.join(scratch, "kinds.db")
    for name in (database, database + ".old"):
        if os.path.exists(name):
            os.unlink(name)
    done = subprocess.run([allocaudit, "run", "-q", "--leak-check", "yes", "-o", database, "--follow", "no", *command],
                          stdout=subprocess.DEVNULL, check=False)
    connection = sqlite3.connect(database)
    found = collections.Counter()
    for stack_id, kind, size, count in connection.execute(
            "SELECT stack_id, ifnull(leak_kind, 'unknown'), size_bytes, count(*) FROM allocation"
            " WHERE died_ns IS NULL AND process_id = 1 GROUP BY 1, 2, 3").fetchall():
        place = f"{size} bytes"
        if source:
            rows = connection.execute("SELECT file, line FROM stack_frame WHERE stack_id = ? ORDER BY position",
                                      (stack_id,)).fetchall()
            lines = [line for file, line in rows if file and os.path.basename(file) == source]
            if not lines:
                continue
            place = f"line {lines[0]}"
        found[(place, kind)] += count
    check = connection.execute("SELECT leak_check FROM process WHERE id = 1").fetchone()
    connection.close()
    return found, done.returncode, check[0] if check else "none"


def memchecks(command, source, scratch):
    report = os.path.join(scratch, "memcheck.xml")
    subprocess.run(["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all", "--xml=yes",
                    "--num-callers=200", "--fair-sched=yes", "--run-libc-freeres=no", "--run-cxx-freeres=no",
                    f"--xml-file={report}", *command],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    found = collections.Counter()
    for error in xml.etree.ElementTree.parse(report).getroot().iter("error"):
        kind = MEMCHECK.get(error.findtext("kind"))
        if kind is None:
            continue
        blocks = int(error.findtext("xwhat/leakedblocks"))
        lines = [frame.findtext("line") for frame in error.find("stack").iter("frame")
                 if frame.findtext("file") == source]
        if not source:
            found[kind] += blocks
        elif lines:
            found[(f"line {lines[0]}", kind)] += blocks
    return found


def short(found):
    sums = collections.Counter()
    for key, count in found.items():
        sums[key if isinstance(key, str) else key[1]] += count
    return " ".join(f"{sums[kind]} {kind}" for kind in (*KINDS, "unknown") if sums[kind]) or "nothing"


def cases_of(program):
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    return [(name, [program, name]) for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allocaudit", default="build/release/allocaudit")
    parser.add_argument("--filter", default="", help="only cases whose name holds this")
    parser.add_argument("--only", default="", help="these cases, separated by commas")
    parser.add_argument("--real", action="append", default=[], help="a command to compare by sums; may be repeated")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    only = options.only.split(",") if options.only else []
    wrong = 0
    total = 0
    print(f"{'case':<28} {'':<9} {'allocaudit':<34} memcheck")
    with tempfile.TemporaryDirectory() as scratch:
        for program in options.programs:
            base = os.path.basename(program)
            source = base + (".cc" if base.endswith("_cxx") else ".c")
            for name, command in cases_of(program):
                if options.filter not in name or (only and name not in only):
                    continue
                own, _, check = ours(options.allocaudit, command, source, scratch)
                other = memchecks(command, source, scratch)
                is_equal = own == other and check in ("done", "partly")
                verdict = "agree" if is_equal else "known" if name in KNOWN else "DIFFER"
                wrong += verdict == "DIFFER"
                total += 1
                print(f"{name:<28} {verdict:<9} {short(own):<34} {short(other)}", flush=True)
        for text in options.real:
            command = shlex.split(text)
            own, _, check = ours(options.allocaudit, command, None, scratch)
            print(f"{text[:28]:<28} {check:<9} {short(own):<34} {short(memchecks(command, None, scratch))}", flush=True)
    print(f"{total} cases, {wrong} differ without being known")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
