#!/usr/bin/python3
"""Runs the unit and end-to-end tests on a build with --coverage and sums up the lines they reach.

    tests/coverage.py --build build/coverage

Prints a table and leaves it in BUILD/coverage.txt, with the lines that were never reached in
BUILD/uncovered.txt ("file:first-last"). The preloaded library is not instrumented.
"""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def find_files(folder, ending):
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(ending):
                yield os.path.join(where, name)


def read_counts(build):
    """Gives {source: {line: how often it ran}} over all objects; a header's lines add up."""
    counts = {}
    for note in find_files(os.path.join(build, "obj"), ".gcno"):
        answer = subprocess.run(["gcov", "--json-format", "--stdout", note], cwd=ROOT, check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for text in answer.stdout.splitlines():
            for source in json.loads(text)["files"]:
                path = os.path.relpath(os.path.join(ROOT, source["file"]), ROOT)
                if not path.startswith(("analyzer/", "schema/", "interposer/policy/")):
                    continue
                lines = counts.setdefault(path, {})
                for line in source["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
    return counts


def missed_ranges(lines):
    """Joins lines that were never reached, across lines without code, into (first, last)."""
    ranges, first, last = [], None, None
    for number in sorted(lines):
        if lines[number] == 0:
            first, last = first or number, number
        elif first:
            ranges.append((first, last))
            first = None
    if first:
        ranges.append((first, last))
    return ranges


def write_summary(counts, build):
    table, missed, total_reached, total = [], [], 0, 0
    for path, lines in sorted(counts.items()):
        reached = sum(1 for count in lines.values() if count)
        total_reached, total = total_reached + reached, total + len(lines)
        table.append(f"{100 * reached / max(1, len(lines)):6.1f} % {reached:6} of {len(lines):6}  {path}")
        missed += [f"{path}:{first}-{last}" for first, last in missed_ranges(lines)]
    table.append(f"{100 * total_reached / max(1, total):6.1f} % {total_reached:6} of {total:6}  all")
    for name, rows in (("coverage.txt", table), ("uncovered.txt", missed)):
        with open(os.path.join(build, name), "w", encoding="utf-8") as out:
            out.write("\n".join(rows) + "\n")
    print("\n".join(table))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build

    for stale in list(find_files(build, ".gcda")):
        os.remove(stale)
    command = [sys.executable, "tests/run_all.py", "--build", build, "--only", "unit"]
    if os.path.exists(os.path.join(ROOT, "tests/e2e/run.py")):
        command += ["--only", "e2e"]
    status = subprocess.run(command, cwd=ROOT).returncode
    print()
    write_summary(read_counts(build), build)
    return status


if __name__ == "__main__":
    sys.exit(main())
