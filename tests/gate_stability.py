#!/usr/bin/env python3
"""Does a gate's verdict flip where nothing has changed?

    tests/gate_stability.py --build build/release [--runs N] [--baseline-runs N] [--only NAME]...

For each program a baseline is written from a few runs, as a user would, and many more runs are held
against it. Each must pass. What varied by itself is printed: a figure with its range over all runs.
Exit status 1: a verdict flipped. Programs that are not installed are skipped.
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

METRICS = ("allocation_count", "allocated_bytes", "peak_bytes", "leaked_count", "leaked_bytes",
           "temporary_count", "realloc_count", "realloc_moved_bytes")
PERL = 'my %h; $h{$_ % 97} .= "x$_" for 1..20000; print join(",", map { length $h{$_} } sort keys %h)'
PYTHON = "import json, collections; d = {str(i): [i] * 5 for i in range(3000)}; print(len(json.dumps(d)))"
SQL = ("create table t (a, b); with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)"
       " insert into t select n, 'x' || n from c; select count(*), sum(length(b)) from t group by a % 7;")


def write_inputs(folder):
    """What programs read: lines to sort and pack, JSON, XML, C++."""
    def write(name, text):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)

    lines = [f"{number * 7919 % 100003} line {number}" for number in range(60000)]
    write("lines.txt", "\n".join(lines) + "\n")
    write("data.json", json.dumps([{"id": number, "name": line} for number, line in enumerate(lines[:4000])]))
    rows = "".join(f"<row id='{number}'>{line}</row>" for number, line in enumerate(lines[:4000]))
    write("data.xml", f"<rows>{rows}</rows>")
    write("unit.cc", "#include <map>\n#include <string>\nstd::map<std::string, int> m;\n")


def programs(build):
    """{name: command}, in the folder of the inputs."""
    return {
        "perl": ["perl", "-e", PERL],
        "python3": ["python3", "-c", PYTHON],
        "jq": ["jq", "-c", "map(.name) | length", "data.json"],
        "xmllint": ["xmllint", "--xpath", "count(//row)", "data.xml"],
        "sqlite3": ["sqlite3", ":memory:", SQL],
        "git": ["git", "--no-pager", "diff", "--no-index", "--stat", "data.json", "data.xml"],
        "g++": ["g++", "-c", "-o", "unit.o", "unit.cc"],
        "sort, 4 threads": ["sort", "--parallel=4", "-S", "200K", "-o", "sorted.txt", "lines.txt"],
        "xz, 2 threads": ["xz", "-T2", "-0", "--block-size=200KiB", "-kf", "lines.txt"],
        "worker_pool, threads": [os.path.join(build, "sample_apps", "worker_pool")],
    }


class Watched:
    """One program: its baseline, and what its runs came to."""

    def __init__(self, allocaudit, name, command, folder):
        self.allocaudit, self.name, self.folder = allocaudit, name, folder
        # git says 1 where files differ: the shell makes it a success.
        self.command = ["sh", "-c", '"$@" || [ $? -eq 1 ]', "sh", *command] if name == "git" else command
        self.baseline = os.path.join(folder, "baseline.yaml")
        self.flips, self.runs = 0, 0
        self.ranges = collections.defaultdict(set)

    def call(self, *arguments):
        return subprocess.run([self.allocaudit, "test", "--baseline", self.baseline, *arguments, "--",
                               *self.command], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def begin(self, runs):
        done = self.call("--update", "-n", str(runs))
        if done.returncode != 0:
            sys.exit(f"{self.name}: no baseline: {done.stderr.decode()[-300:]}")

    def hold(self):
        done = self.call("--format", "json")
        text = done.stdout.decode(errors="replace")
        document = json.loads(text[text.index('{\n'):])
        self.runs += 1
        if done.returncode != 0:
            self.flips += 1
            print(f"{self.name}: status {done.returncode}: " +
                  "; ".join(f"{row['name']} {row['old_least']}..{row['old']} -> {row['now']}"
                            for row in document["baseline"] if row["verdict"] == "MORE"), flush=True)
        for row in document["baseline"]:
            self.ranges[row["name"]].add(row["now"])

    def varied(self):
        found = [f"{name} {min(self.ranges[name])}..{max(self.ranges[name])}" for name in METRICS
                 if len(self.ranges[name]) > 1]
        return ", ".join(found) or "nothing"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--baseline-runs", type=int, default=5)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    flips = 0
    print(f"{'program':22} {'runs':>5} {'flips':>6}  what varied by itself")
    for name, command in programs(build).items():
        if options.only and name.split(",")[0] not in options.only:
            continue
        if shutil.which(command[0]) is None:
            print(f"{name:22} skipped: not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="allocaudit-gate-") as folder:
            write_inputs(folder)
            watched = Watched(os.path.join(build, "allocaudit"), name, command, folder)
            watched.begin(options.baseline_runs)
            for _ in range(options.runs):
                watched.hold()
        flips += watched.flips
        print(f"{name:22} {watched.runs:5} {watched.flips:6}  {watched.varied()}", flush=True)
    sys.exit(1 if flips else 0)


if __name__ == "__main__":
    main()
