#!/usr/bin/python3
"""The sample app session_server before and after the advice of `allocaudit recommend`, by real runs.

    tests/bench/session_story.py --build build/release [--rounds N] [--goal GOAL]

It is recorded once, on glibc; `recommend` advises from that recording; then the program runs unrecorded, with and
without the advice in turn, and prints what it has measured of itself. Medians of all rounds, and the range.
"""

import argparse
import json
import os
import re
import shlex
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
    print(f"\nwanted: {WANTED}: {'reached' if is_reached else 'NOT reached'}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
