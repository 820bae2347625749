#!/usr/bin/python3
"""The usual table of allocators by kind of program, measured: the whole grid by real runs, and what `allocaudit
recommend` advises from one recording.

    tests/bench/selection.py --build build/release [--rounds N] [--only APP]... [--again] [--markdown FILE]

A sample app stands for each row, with the goal that its kind of program has. The grid is glibc, jemalloc, tcmalloc,
mimalloc, pool, frame, buddy, slab, and what `recommend` tried besides. What each gains is measured by running the app
itself, unrecorded: CPU time and peak memory by `allocaudit trial`; the longest call of the real-time app by the app,
of each call the least time of all rounds; the heap of the embedded one by its private memory, less what it has
without a heap, and for policies by what they hold, touched or not, in a routed run. The best that makes nothing worse
than the goal allows is the oracle; the advice agrees if it is within 2 % of it.

What was measured is kept in BUILD/selection/results.json; --again measures anew. The status is 1 if the advice for a
row does not agree.
"""

import argparse
import array
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from validate import changes_of, run_json, table  # noqa: E402  (found through the line above)

STOCK = ("jemalloc", "tcmalloc", "mimalloc")
POLICIES = ("pool", "frame", "buddy", "slab")
TOLERANCE = 0.02
FIXED_HEAP_KIB = 256
EDGE_PART = 10  # of the calls of the real-time app, at either end, which do not count, as in the replay
LAPS = 7
# Weights and limits of analyzer/advice/goal.c, of what a trial sees.
GOALS = {"balanced": ({"peak_rss": 0.35 / 0.85, "cpu": 0.5 / 0.85}, {"peak_rss": 0.02, "cpu": 0.01}),
         "speed": ({"cpu": 1.0}, {"peak_rss": 0.1, "cpu": 0.0})}

# kind of program, what is usually said, goal, the app with its arguments
ROWS = (("general server", "jemalloc", "balanced", ["session_server", "--requests", "30000"]),
        ("many threads", "tcmalloc", "speed", ["worker_pool", "--jobs", "200000"]),
        ("many small objects", "mimalloc", "balanced", ["parser", "--items", "60000"]),
        ("real time", "pool", "realtime", ["control_loop", "--ticks", "300000"]),
        ("embedded", "buddy", "embedded", ["sensor_node", "--readings", "3000000"]),
        ("game loop", "frame", "speed", ["game_loop", "--frames", "200000"]))


# ---- candidates ----------------------------------------------------------------------------------

def grid_of(advice):
    """Label, name for the catalog and setting of each candidate; the recorded glibc is first."""
    grid = [("glibc", "glibc", None)]
    grid += [(name, name, None) for name in (*STOCK, *POLICIES)]
    known = {(name, setting) for _, name, setting in grid}
    for row in advice.get("tried", ()):
        key = (row["allocator"], row.get("setting"))
        if row["label"] != "as recorded" and key not in known:
            known.add(key)
            grid.append((row["label"], *key))
    return grid


def environment_of(name, setting, build):
    env = {"PATH": os.environ["PATH"]}
    if setting:
        variable, value = setting.split("=", 1)
        env[variable] = value
    if name.split(":")[0] in POLICIES:
        env["ALLOCAUDIT_POLICY"] = name
        env["LD_PRELOAD"] = os.path.join(build, "liballocaudit.so")
    elif name != "glibc":
        env["LD_PRELOAD"] = library_of(name)
    return env


def library_of(name):
    files = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2"}
    listed = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.search(rf"{re.escape(files[name])}\b.* => (\S+)", listed)[1]


# ---- what each gains -----------------------------------------------------------------------------

def by_trial(command, goal, grid, options):
    """Weighed changes by real runs, and what breaks a limit of the goal."""
    weights, limits = GOALS[goal]
    names, words = [], []
    for number, (_, name, setting) in enumerate(grid):
        names.append(name if number == 0 else f"{name}@g{number}")
        words += ["-e", f"{names[-1]}:{setting}"] if setting else []
    answer = run_json([os.path.join(options.build, "allocaudit"), "trial", "-a", ",".join(names), "-n",
                       str(options.rounds), "--threshold", "1", "--format", "json", *words, "--", *command],
                      {"PATH": os.environ["PATH"]}, subprocess.DEVNULL, 3000)
    rows = {row["candidate"]: row for row in answer["candidates"] if row["state"] == "measured"}
    found = {}
    for (label, _, _), name in zip(grid, names):
        if name in rows:
            changes = changes_of(rows[name])
            found[label] = {"score": sum(weights[metric] * changes[metric] for metric in weights),
                            "breach": [metric for metric in limits if changes[metric] > limits[metric]],
                            "changes": changes}
    return found


def by_longest_call(command, grid, options):
    """The longest call, as far as it is long in every run."""
    path = os.path.join(options.folder, "calls")
    least = {}
    for _ in range(LAPS):
        for label, name, setting in grid:
            subprocess.run([*command, "--calls", path], check=True, stdout=subprocess.DEVNULL,
                           env=environment_of(name, setting, options.build))
            calls = array.array("I")
            with open(path, "rb") as file:
                calls.frombytes(file.read())
            least[label] = array.array("I", map(min, least[label], calls)) if label in least else calls
    os.remove(path)
    worst = {label: max(calls[len(calls) // EDGE_PART:-(len(calls) // EDGE_PART)]) for label, calls in least.items()}
    return {label: {"score": value / worst["glibc"] - 1, "breach": [], "worst_ns": value}
            for label, value in worst.items()}


def private_kib(command, env):
    done = subprocess.run([*command, "--figures"], check=True, stdout=subprocess.PIPE, text=True, env=env)
    return int(re.search(r"private_kib most (\d+)", done.stdout)[1])


def held_kib(command, name, options):
    """By a policy, at most, in a routed run; what it declined is not in it, and must be nothing."""
    path = os.path.join(options.folder, "routed.db")
    subprocess.run([os.path.join(options.build, "allocaudit"), "run", "-q", "-o", path, "--policy", name, "--",
                    *command], check=True, stdout=subprocess.DEVNULL)
    with sqlite3.connect(path) as connection:
        counters = dict(connection.execute("SELECT name, value FROM counter"))
    os.remove(path)
    declined = sum(value for counter, value in counters.items() if ".declined_" in counter)
    return None if declined > 0 else counters["policy.footprint_max_bytes"] / 1024


def by_heap(command, grid, options):
    """KiB that the heap has at most. A policy that leaves blocks to the next allocator needs a second heap."""
    floor = private_kib([command[0], "--readings", "0"], {"PATH": os.environ["PATH"]})
    found = {}
    for label, name, setting in grid:
        if name.split(":")[0] in POLICIES:
            kib = held_kib(command, name, options)
        else:
            kib = min(private_kib(command, environment_of(name, setting, options.build))
                      for _ in range(3)) - floor
        found[label] = {"heap_kib": kib, "breach": [] if kib is not None else ["declines blocks"]}
    for row in found.values():
        row["score"] = row["heap_kib"] / found["glibc"]["heap_kib"] - 1 if row["heap_kib"] is not None else 0.0
    return found


def measure(row, options):
    kind, said, goal, words = row
    command = [os.path.join(options.build, "sample_apps", words[0]), *words[1:]]
    allocaudit = os.path.join(options.build, "allocaudit")
    recording = os.path.join(options.folder, "recording.db")
    subprocess.run([allocaudit, "run", "-q", "-o", recording, "--", *command], check=True,
                   stdout=subprocess.DEVNULL)
    advice = run_json([allocaudit, "recommend", recording, "--goal", goal, "--format", "json", "--time-limit",
                       "240"], {"PATH": os.environ["PATH"]}, subprocess.DEVNULL, 600)
    os.remove(recording)
    grid = grid_of(advice)
    if goal == "realtime":
        real = by_longest_call(command, grid, options)
    elif goal == "embedded":
        real = by_heap(command, grid, options)
    else:
        real = by_trial(command, goal, grid, options)
    found = advice["recommendation"]
    return {"kind": kind, "said": said, "goal": goal, "command": shlex.join(words), "verdict": found["verdict"],
            "advice": found["advice"] if found["verdict"] == "change" else "glibc", "why": found.get("why"),
            "confidence": found.get("confidence"), "gain_pct": found.get("gain_pct"),
            "folklore": advice.get("folklore", []), "real": real}


# ---- the answer ----------------------------------------------------------------------------------

def oracle_of(result):
    allowed = {label: row["score"] for label, row in result["real"].items() if not row["breach"]}
    return min(allowed, key=allowed.get)


def regret_of(result):
    real = result["real"]
    return real[result["advice"]]["score"] - real[oracle_of(result)]["score"]


def agrees(result):
    is_told = result["verdict"] in ("change", "no_change")
    return is_told and not result["real"][result["advice"]]["breach"] and regret_of(result) <= TOLERANCE


def cell_of(row):
    if "worst_ns" in row:
        return f"{row['worst_ns'] / 1000:.1f} us"
    if "heap_kib" in row:
        return "declines" if row["heap_kib"] is None else f"{row['heap_kib']:.0f} KiB"
    text = f"{100 * row['score']:+.1f} %"
    return f"({text})" if row["breach"] else text


def saying_of(result):
    real = result["real"]
    of_kind = {label: row for label, row in real.items() if label.split(",")[0] == result["said"]}
    label = min(of_kind, key=lambda name: (bool(of_kind[name]["breach"]), of_kind[name]["score"]))
    row = of_kind[label]
    holds = not row["breach"] and row["score"] - real[oracle_of(result)]["score"] <= TOLERANCE
    told = [saying for saying in result["folklore"] if saying["allocator"] == result["said"]]
    recommend_says = "not asked" if not told else "holds" if told[0]["holds"] else "does not hold"
    return [result["said"], cell_of(row), "holds" if holds else "does not hold", recommend_says]


def describe(results):
    rows = [[result["kind"], f"`{result['command']}`", result["goal"], result["advice"], result["confidence"] or "",
             cell_of(result["real"][result["advice"]]), oracle_of(result), cell_of(result["real"][oracle_of(result)]),
             f"{100 * regret_of(result):.1f} %", "yes" if agrees(result) else "NO"] for result in results]
    text = table(["kind", "app", "goal", "advice", "confidence", "it has", "best by real runs", "it has", "regret",
                  "agrees"], rows)
    text += "\n" + table(["kind", "one says", "it has", "by real runs that", "recommend says it"],
                         [[result["kind"], *saying_of(result)] for result in results])
    for result in results:
        order = sorted(result["real"], key=lambda label: (bool(result["real"][label]["breach"]),
                                                          result["real"][label]["score"]))
        text += f"\n{result['kind']}: " + ", ".join(f"{label} {cell_of(result['real'][label])}" for label in order) + "\n"
        if result["goal"] == "embedded":
            fits = [label for label in order if (result["real"][label]["heap_kib"] or 1e9) <= FIXED_HEAP_KIB]
            text += f"in {FIXED_HEAP_KIB} KiB fit: {', '.join(fits) or 'none'}\n"
    return text


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=6, help="of each candidate, from 6")
    parser.add_argument("--only", action="append", default=[], metavar="APP")
    parser.add_argument("--again", action="store_true", help="measure all of it anew")
    parser.add_argument("--markdown", metavar="FILE")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.folder = os.path.join(options.build, "selection")
    os.makedirs(options.folder, exist_ok=True)
    return options


def main():
    options = parse_options()
    kept = os.path.join(options.folder, "results.json")
    results = {}
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            results = json.load(file)
    began = time.monotonic()
    for row in ROWS:
        app = row[3][0]
        if (options.only and app not in options.only) or (app in results and not options.again):
            continue
        results[app] = measure(row, options)
        print(f"{app}: {results[app]['advice']}, best {oracle_of(results[app])} "
              f"({time.monotonic() - began:.0f} s)", flush=True)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    shown = [results[row[3][0]] for row in ROWS if row[3][0] in results]
    text = describe(shown)
    print(text)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(text)
    return 0 if shown and all(agrees(result) for result in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
