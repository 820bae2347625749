#!/usr/bin/python3
"""The sample app session_server before and after the advice of `allocaudit recommend`, by real runs.

    tests/bench/session_story.py --build build/release [--rounds N] [--goal GOAL]

It is recorded once, on glibc; `recommend` advises from that recording; then the program runs unrecorded, with and
without the advice in turn, and prints what it has measured of itself. Medians of all rounds, and the range. At last it
is recorded on glibc, on the advised allocator and on jemalloc with `--introspect`: what the allocator says of itself
(mallinfo2, mallctl), what is resident, and how much of that is not what the program asked for, over time.
"""

import argparse
import json
import os
import re
import shlex
import sqlite3
import statistics
import subprocess
import sys
import tempfile

FIGURES = (("memory, mean", "MiB", r"mean ([\d.]+)"), ("memory, peak", "MiB", r"peak ([\d.]+)"),
           ("latency, median", "us", r"p50 ([\d.]+)"), ("latency, P99", "us", r"p99 ([\d.]+)"),
           ("latency, P99.9", "us", r"p999 ([\d.]+)"), ("page faults", "", r"faults (\d+)"))
# What the advice has to reach: figure and percent.
WANTED = {"memory, peak": -25, "latency, P99": -15, "page faults": -50}


def advise(allocaudit, app, goal):
    with tempfile.TemporaryDirectory() as folder:
        recording = os.path.join(folder, "session.db")
        subprocess.run([allocaudit, "run", "-q", "-o", recording, "--", app], check=True,
                       stdout=subprocess.DEVNULL)
        done = subprocess.run([allocaudit, "recommend", recording, "--goal", goal, "--format", "json"],
                              check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def run_app(app, line):
    env = {"PATH": os.environ["PATH"]}
    env.update(word.split("=", 1) for word in shlex.split(line))
    done = subprocess.run([app, "--figures"], env=env, check=True, stdout=subprocess.PIPE, text=True)
    return {name: float(re.search(pattern, done.stdout)[1]) for name, _, pattern in FIGURES}


# What each allocator calls allocated, active, metadata, resident and mapped; "+" adds.
TOLD = {"glibc": ("in_use_bytes+mapped_bytes", "", "", "", "heap_bytes+mapped_bytes"),
        "jemalloc": ("allocated_bytes", "active_bytes", "metadata_bytes", "resident_bytes", "mapped_bytes"),
        "mimalloc": ("", "", "", "", "commit_bytes")}
MOMENTS = 10


def last_before(connection, query, at_ns):
    row = connection.execute(f"{query} AND at_ns <= ? ORDER BY at_ns DESC LIMIT 1", (at_ns,)).fetchone()
    return row[0] if row and row[0] is not None else None


def mib(value):
    return "" if value is None else f"{value / 2**20:.1f}"


def heap_rows(recording, name):
    """Of moments at which the allocator was asked, which it is at the program's calls: time, requested, what it told,
    what the process has resident, and the share of that which was not requested."""
    with sqlite3.connect(recording) as connection:
        asked = [row[0] for row in connection.execute("SELECT DISTINCT at_ns FROM allocator_sample ORDER BY at_ns")]
        rows = []
        for moment in range(1, MOMENTS + 1):
            at_ns = asked[(len(asked) - 1) * moment // MOMENTS]
            told = []
            for figure in TOLD[name]:
                parts = [last_before(connection, "SELECT value FROM allocator_sample WHERE name = "
                                     f"'{name}.{part}'", at_ns) for part in figure.split("+") if part]
                told.append(sum(part or 0 for part in parts) if parts else None)
            requested = last_before(connection, "SELECT live_bytes FROM timeline WHERE 1", at_ns)
            resident = last_before(connection, "SELECT rss_bytes FROM timeline WHERE rss_bytes NOT NULL", at_ns)
            share = f"{100 * (1 - requested / resident):.0f} %" if resident else ""
            rows.append([f"{at_ns / 1e9:.2f} s", mib(requested), *map(mib, told), mib(resident), share])
    return rows


def print_heaps(allocaudit, app, advised):
    head = ("at", "requested", "allocated", "active", "metadata", "resident, it says", "mapped", "resident, measured",
            "fragmentation")
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys(("glibc", advised, "jemalloc")):
            if name not in TOLD:
                continue
            recording = os.path.join(folder, f"{name}.db")
            subprocess.run([allocaudit, "run", "-q", "--introspect", "20ms", "--allocator", name, "-o", recording,
                            "--", app], check=True, stdout=subprocess.DEVNULL)
            print(f"\non {name}, MiB, over time:\n\n| " + " | ".join(head) + " |\n|" + "--:|" * len(head))
            for row in heap_rows(recording, name):
                print("| " + " | ".join(row) + " |")


def cell(values, unit):
    return f"{statistics.median(values):.1f} {unit} [{min(values):.1f}, {max(values):.1f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--goal", default="balanced")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    app = os.path.join(build, "sample_apps", "session_server")
    answer = advise(os.path.join(build, "allocaudit"), app, options.goal)
    found = answer["recommendation"]
    print(f"goal {options.goal}: {found['verdict']}: {found.get('environment_line')}")
    if found["verdict"] != "change":
        print(found["why"])
        return 1
    for row in answer["expected"]:
        print(f"  predicted {row['measure']}: {row['change_pct']:+.1f} %")
    before, after = [], []
    for _ in range(options.rounds):
        before.append(run_app(app, ""))
        after.append(run_app(app, found["environment_line"]))
    is_reached = True
    print("\n| figure | before | after | change |\n|---|--:|--:|--:|")
    for name, unit, _ in FIGURES:
        one = [run[name] for run in before]
        other = [run[name] for run in after]
        change = 100 * (statistics.median(other) / statistics.median(one) - 1)
        is_reached = is_reached and change <= WANTED.get(name, change)
        print(f"| {name} | {cell(one, unit)} | {cell(other, unit)} | {change:+.1f} % |")
    print_heaps(os.path.join(build, "allocaudit"), app, found["allocator"])
    print(f"\nwanted: {WANTED}: {'reached' if is_reached else 'NOT reached'}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
