#!/usr/bin/env python3
"""The figures of docs/go.md, measured on sample_apps/go_server: some six minutes.

    python3 tests/bench/go_figures.py --build build/release

Prints what a recording costs, how near its profile is to the program's own, how well gc-advice
predicts nine settings, and what the advised changes bring, beside the figures that were to be reached.

The CPU time of collections is what the program's own gctrace lines say (stops, assists, background
marking; not the idle time that goes into marking), summed over a run of a fixed number of requests.
Where that is allowed, programs go before other work on the machine (the nice value of their group is
set to -20), since gctrace counts wall-clock time.
"""

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CYCLE = re.compile(r"^gc \d+ @\S+ \d+%: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock, ([\d.]+)\+([\d.]+)/([\d.]+)/[\d.]+"
                   r"\+([\d.]+) ms cpu, \d+->(\d+)->\d+ MB", re.MULTILINE)
SETTINGS = [{"GOGC": str(gogc)} for gogc in (25, 50, 100, 200, 400, 800)] + \
           [{"GOGC": "off", "GOMEMLIMIT": f"{mib}MiB"} for mib in (270, 315, 360)]
REQUESTS = "40000"
STOP_REQUESTS = "7000"  # less than a second: longer, and the kernel stops what has real-time priority
# For as long as such a run takes: the longest time between two readings of the clock.
SPIN = """
import time
last = time.monotonic_ns()
until, gap = last + 600_000_000, 0
while last < until:
    now = time.monotonic_ns()
    gap = max(gap, now - last)
    last = now
print("gap_ms", gap / 1e6)
"""
PARTS = ("overhead", "profile", "predictions", "advised", "stops")


def go_first():
    """Of a group of its own, before others; where that is not allowed, as ever."""
    os.setsid()
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except OSError:
        pass


def undisturbed():
    """With real-time priority: no thread waits for other programs'. Where that is not allowed, as above."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        go_first()


def run(command, env=None, prepare=go_first):
    """stdout as a dictionary, peak RSS, CPU seconds, stderr."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, preexec_fn=prepare,
                                 env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        if status != 0:
            sys.exit(f"status {status}: {' '.join(command)}")
        out.seek(0)
        err.seek(0)
        lines = out.read().splitlines()
        stderr = err.read()
    figures = {line.split()[0]: line.split()[1] for line in lines if len(line.split()) == 2}
    return {"figures": figures, "lines": lines, "rss_bytes": usage.ru_maxrss * 1024, "stderr": stderr,
            "cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": time.monotonic() - started}


def collections(done):
    """What the gctrace lines of a run come to."""
    cycles = [[float(text) for text in line] for line in CYCLE.findall(done["stderr"])]
    stops = sorted(stop for line in cycles for stop in line[:2])
    heaps = [line[6] * 2**20 for line in cycles]
    return {"cpu_ns": sum(sum(line[2:6]) for line in cycles) * 1e6, "count": len(cycles),
            "heap_mean_bytes": statistics.mean(heaps), "heap_bytes": max(heaps),
            "stop_max_ms": stops[-1], "stop_p99_ms": stops[math.ceil(len(stops) * 0.99) - 1],
            "stop_sum_ms": sum(stops)}


def words(setting):
    return " ".join(f"{name}={value}" for name, value in setting.items())


class Bench:
    def __init__(self, build, folder, rounds, runs=None):
        self.allocaudit = os.path.join(build, "allocaudit")
        self.server = os.path.join(build, "sample_apps", "go_server")
        self.folder = folder
        self.rounds = rounds
        self.runs = runs

    def native(self, arguments=(), env=None, requests=REQUESTS, prepare=go_first):
        return run([self.server, "-requests", requests, *arguments],
                   {"GODEBUG": "gctrace=1", **(env or {})}, prepare)

    def record(self, name, arguments=(), env=None, requests=REQUESTS):
        path = os.path.join(self.folder, name + ".db")
        if os.path.exists(path):
            os.remove(path)
        done = run([self.allocaudit, "run", "-q", "-o", path, self.server, "-requests", requests,
                    *arguments], env)
        return path, done

    def report(self, path, *arguments):
        out = subprocess.run([self.allocaudit, "report", path, *arguments, "--format", "json"],
                             stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout)

    # ---- what a recording costs ------------------------------------------------------------------

    def overhead(self):
        print("what a recording costs (to reach: less than 2 %), of runs of 120,000 requests")
        ratios = {"cpu_s": [], "requests_per_s": []}
        for i in range(self.rounds):
            pair = {}
            for kind in ("native", "recorded") if i % 2 == 0 else ("recorded", "native"):
                pair[kind] = (run([self.server, "-requests", "120000"]) if kind == "native" else
                              self.record("overhead", requests="120000")[1])
            ratios["cpu_s"].append(pair["recorded"]["cpu_s"] / pair["native"]["cpu_s"])
            ratios["requests_per_s"].append(float(pair["recorded"]["figures"]["requests_per_s"]) /
                                            float(pair["native"]["figures"]["requests_per_s"]))
        for name, values in ratios.items():
            print(f"  {name:15} {percent(statistics.median(values) - 1):>8}   of {len(values)} pairs from "
                  f"{percent(min(values) - 1)} to {percent(max(values) - 1)}")

    # ---- how near the profile is -----------------------------------------------------------------

    def profile(self):
        """Per function of 1 % of the bytes or more: the largest difference from MemProfile."""
        path, done = self.record("profile", ["-profile"])
        own = {}
        rate = 524288
        for line in done["lines"]:
            fields = line.split()
            if fields[0] == "site" and int(fields[2]) > 0:
                size = int(fields[3]) / int(fields[2])
                scale = 1 / (1 - math.exp(-size / rate))
                own[fields[1]] = own.get(fields[1], 0) + int(fields[3]) * scale
        ours = {}
        for row in self.report(path, "sites", "--sort", "bytes", "--top", "1000")["sites"]:
            name = row["stack"][0]["function"]
            ours[name] = ours.get(name, 0) + row["allocated_bytes"]
        total = sum(own.values())
        off = max(abs(ours.get(name, 0) - value) / value for name, value in own.items()
                  if value > total / 100 and not name.startswith("runtime."))
        print(f"the profile, same rate and same run: off from runtime.MemProfile by {off * 100:.3f} % at most   "
              f"(to reach: within 3 %)")

    # ---- predictions -----------------------------------------------------------------------------

    def predict(self, predicted):
        path, _ = self.record("model")
        for setting, rows in predicted.items():
            grid = self.report(path, "gc-advice", "--setting", setting)["gc_grid"]
            rows.append(next(row for row in grid if row["setting"] == setting))

    def load(self):
        """Of the sittings before: setting -> predictions, and runs."""
        if self.runs is None or not os.path.exists(self.runs):
            return {kind: {words(setting): [] for setting in SETTINGS} for kind in ("predicted", "measured")}
        with open(self.runs, encoding="utf-8") as file:
            return json.load(file)

    def predictions(self):
        """Each round runs each setting, unrecorded, and records with the defaults before and in between."""
        found = self.load()
        for _ in range(self.rounds):
            for i, setting in enumerate(SETTINGS):
                if i in (0, len(SETTINGS) // 2):
                    self.predict(found["predicted"])
                found["measured"][words(setting)].append(collections(self.native(env=setting)))
        if self.runs is not None:
            with open(self.runs, "w", encoding="utf-8") as file:
                json.dump(found, file)
        print_predictions(found["predicted"], found["measured"])

    # ---- what the advice brings ------------------------------------------------------------------

    def variants(self):
        """The pool from the first recording, GOGC from a second one, of the program with the pool."""
        naive_path, _ = self.record("naive")
        pools = self.report(naive_path, "gc-advice")["pool_candidates"]
        print("candidates for a sync.Pool:", ", ".join(row["function"] for row in pools))
        pool_path, _ = self.record("pool", ["-pool"])
        setting = self.report(pool_path, "gc-advice", "--goal", "memory")["gc_advice"]["set"]
        print("advice for less memory, with the pool:", setting)
        advised = dict(part.split("=") for part in (setting or "").split())
        return {"as it is": ([], {}), "pool": (["-pool"], {}),
                f"pool, {setting}": (["-pool"], advised)}

    def stops(self):
        """Stops of the world alone, with a search in 250 requests: with as little noise as can be had, and among
        other work. There, what the kernel does to a thread that only reads the clock says what part is its."""
        variants = self.variants()
        preparations = {"undisturbed by other programs": undisturbed, "among other work": go_first}
        found = {kind: {name: [] for name in variants} for kind in preparations}
        gaps = {kind: [] for kind in preparations}
        for _ in range(self.rounds * 2 + 1):
            for kind, prepare in preparations.items():
                for name, (arguments, env) in variants.items():
                    time.sleep(0.3)  # so that the kernel has no reason to stop the next run
                    done = self.native(["-search", "250", *arguments], env, STOP_REQUESTS, prepare)
                    found[kind][name].append(collections(done)["stop_max_ms"])
                gaps[kind].append(float(run([sys.executable, "-c", SPIN], prepare=prepare)["figures"]["gap_ms"]))
        for kind, rows in found.items():
            naive = statistics.median(rows["as it is"])
            print(f"longest stop of the world, ms, {kind} (to reach: -90 %)")
            for name, values in rows.items():
                middle = statistics.median(values)
                change = percent(middle / naive - 1) if name != "as it is" else ""
                print(f"  {name:16} {middle:8.3f} {change:>9}   {' '.join(f'{value:.3g}' for value in sorted(values))}")
            print(f"  a thread that only reads the clock lost its processor for "
                  f"{statistics.median(gaps[kind]):.3g} ms at most   "
                  f"{' '.join(f'{value:.3g}' for value in sorted(gaps[kind]))}")

    def advised(self):
        variants = self.variants()
        found = {name: [] for name in variants}
        for _ in range(self.rounds):
            for name, (arguments, env) in variants.items():
                done = self.native(arguments, env)
                found[name].append({**collections(done), "rss_bytes": done["rss_bytes"],
                                    "rate": float(done["figures"]["requests_per_s"])})
        print("what that brings (to reach: memory -70 %, longest stop -90 %, requests +30 %)")
        middles = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
                   for name, rows in found.items()}
        naive = middles["as it is"]
        for name, row in middles.items():
            print(f"  {name}")
            for key, title, unit in (("rss_bytes", "resident, MiB", 2**20), ("count", "collections", 1), ("stop_max_ms", "longest stop, ms", 1),
                                     ("stop_p99_ms", "99 % of stops, ms", 1), ("stop_sum_ms", "all stops, ms", 1), ("rate", "requests/s", 1)):
                change = percent(row[key] / naive[key] - 1) if row is not naive else ""
                values = " ".join(f"{one[key] / unit:.4g}" for one in found[name])
                print(f"    {title:20} {row[key] / unit:9.4g} {change:>9}   {values}")


def print_predictions(predicted, measured):
    print("predicted from recordings with Go's defaults, recorded between those measured: medians of "
          f"{len(predicted['GOGC=100'])} and {len(measured['GOGC=100'])}")
    print("(to reach: within 10 %; 'change off': of the change from GOGC=100, which leaves out how much one")
    print("sitting differs from the next; 'runs': half of all lie so near the median of what was measured)")
    for key, field, title, unit, name in (
            ("cpu_ns", "gc_cpu_ns", "GC CPU time", 1e6, "ms"), ("count", "cycle_count", "collections", 1, ""),
            ("heap_mean_bytes", "heap_mean_bytes", "mean heap", 2**20, "MiB"),
            ("heap_bytes", "heap_bytes", "largest heap", 2**20, "MiB")):
        print(f"  {title:30} {'predicted':>12} {'measured':>12} {'off':>9} {'change off':>11} {'runs':>9}")
        base = (statistics.median(row[field] for row in predicted["GOGC=100"]) /
                statistics.median(found[key] for found in measured["GOGC=100"]))
        for setting, runs in measured.items():
            middle = statistics.median(row[field] for row in predicted[setting])
            truth = statistics.median(found[key] for found in runs)
            near = statistics.median(abs(found[key] / truth - 1) for found in runs)
            print(f"  {setting:30} {middle / unit:8.0f} {name:3} {truth / unit:8.0f} {name:3} "
                  f"{percent(middle / truth - 1):>9} {percent(middle / truth / base - 1):>11} {percent(near):>9}")


def percent(value):
    return f"{value * 100:+.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", metavar="FILE", help="count the predictions and runs of earlier sittings that are in "
                        "FILE, too, and add those of this one")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be repeated")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="allocaudit-go-")
    bench = Bench(os.path.abspath(options.build), folder, options.rounds, options.runs)
    if not os.path.exists(bench.server):
        sys.exit("go_server is not built: install Go, and 'make sample-apps'")
    try:
        for part in options.only or PARTS:
            getattr(bench, part)()
            print(flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
