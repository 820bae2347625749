#!/usr/bin/env python3
"""The figures of docs/go.md, measured on sample_apps/go_server: some two minutes.

    python3 tests/bench/go_figures.py --build build/release

Prints what a recording costs, how near its profile is to the program's own, how well gc-advice
predicts nine settings, and what the advised changes bring, beside the figures that were to be reached.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STOP = re.compile(r"^gc \d+ @\S+ \d+%: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock", re.MULTILINE)
LIMITS_MIB = (300, 400, 500)
SERVER = ["-requests", "20000", "-live", "64"]


def run(command, env=None):
    """stdout as a dictionary, peak RSS, CPU seconds, stderr."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **(env or {})})
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


class Bench:
    def __init__(self, build, folder, rounds):
        self.allocaudit = os.path.join(build, "allocaudit")
        self.server = os.path.join(build, "sample_apps", "go_server")
        self.folder = folder
        self.rounds = rounds

    def record(self, name, arguments=(), env=None, options=()):
        path = os.path.join(self.folder, name + ".db")
        if os.path.exists(path):
            os.remove(path)
        done = run([self.allocaudit, "run", "-q", "-o", path, *options, self.server, *SERVER, *arguments],
                   env)
        return path, done

    def report(self, path, *arguments):
        out = subprocess.run([self.allocaudit, "report", path, *arguments, "--format", "json"],
                             stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout)

    # ---- the figures ---------------------------------------------------------------------------

    def overhead(self):
        ratios = {"cpu_s": [], "requests_per_s": []}
        for _ in range(self.rounds):
            native = run([self.server, *SERVER])
            _, recorded = self.record("overhead")
            ratios["cpu_s"].append(recorded["cpu_s"] / native["cpu_s"])
            ratios["requests_per_s"].append(float(recorded["figures"]["requests_per_s"]) /
                                            float(native["figures"]["requests_per_s"]))
        return {name: statistics.median(values) - 1 for name, values in ratios.items()}

    def accuracy(self):
        """Per function of 1 % of the bytes or more: the largest difference from MemProfile."""
        path, done = self.record("profile", ["-profile"])
        own = {}
        rate = 524288
        for line in done["lines"]:
            words = line.split()
            if words[0] == "site" and int(words[2]) > 0:
                size = int(words[3]) / int(words[2])
                scale = 1 / (1 - 2.718281828459045 ** (-size / rate))
                own[words[1]] = own.get(words[1], 0) + int(words[3]) * scale
        ours = {}
        for row in self.report(path, "sites", "--sort", "bytes", "--top", "1000")["sites"]:
            name = row["stack"][0]["function"]
            ours[name] = ours.get(name, 0) + row["allocated_bytes"]
        total = sum(own.values())
        return max(abs(ours.get(name, 0) - value) / value for name, value in own.items()
                   if value > total / 100 and not name.startswith("runtime."))

    def predictions(self):
        path, _ = self.record("model")
        grid = {}
        for limit in LIMITS_MIB:
            for row in self.report(path, "gc-advice", "--limit", f"{limit}MiB")["gc_grid"]:
                if row["setting"].startswith("GOGC=off") or "GOMEMLIMIT" not in row["setting"]:
                    grid[row["setting"]] = row
        rows = []
        for setting, row in grid.items():
            env = dict(part.split("=") for part in setting.split())
            cpu, heap = [], []
            for _ in range(3):
                measured = self.report(self.record("measured", env=env)[0], "gc")["gc"]
                cpu.append(measured["gc_cpu_ns"])
                heap.append(measured["heap_peak_bytes"])
            rows.append((setting, row["gc_cpu_ns"], statistics.median(cpu), row["heap_bytes"],
                         statistics.median(heap)))
        return rows

    def advised(self):
        variants = {"naive": ([], {}), "pool": (["-pool"], {}),
                    "GOGC=200": ([], {"GOGC": "200"}),
                    "pool, GOGC=50": (["-pool"], {"GOGC": "50"})}
        found = {name: [] for name in variants}
        for _ in range(self.rounds):
            for name, (arguments, env) in variants.items():
                done = run([self.server, *SERVER, *arguments], {**env, "GODEBUG": "gctrace=1"})
                stops = [float(text) for pair in STOP.findall(done["stderr"]) for text in pair]
                found[name].append((done["rss_bytes"], max(stops, default=0),
                                    float(done["figures"]["requests_per_s"])))
        return {name: [statistics.median(values) for values in zip(*rows)]
                for name, rows in found.items()}


def percent(value):
    return f"{value * 100:+.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="allocaudit-go-")
    bench = Bench(os.path.abspath(options.build), folder, options.rounds)
    if not os.path.exists(bench.server):
        sys.exit("go_server is not built: install Go, and 'make sample-apps'")
    try:
        for name, value in bench.overhead().items():
            print(f"recording: {name:15} {percent(value)}   (to reach: within 2 %)")
        print(f"profile: off from MemProfile by {bench.accuracy() * 100:.2f} %   (to reach: within 3 %)")
        print("\npredicted from one run at GOGC=100 (to reach: within 10 %)")
        print(f"{'setting':30} {'GC CPU':>9} {'measured':>9} {'off':>8} {'heap':>9} {'measured':>9} {'off':>8}")
        for setting, cpu, cpu_is, heap, heap_is in bench.predictions():
            print(f"{setting:30} {cpu / 1e6:6.0f} ms {cpu_is / 1e6:6.0f} ms {percent(cpu / cpu_is - 1):>8}"
                  f" {heap / 2**20:5.0f} MiB {heap_is / 2**20:5.0f} MiB {percent(heap / heap_is - 1):>8}")
        rows = bench.advised()
        naive = rows["naive"]
        print("\nadvised changes (to reach: memory -70 %, longest stop -90 %, requests +30 %)")
        for name, (rss, stop, rate) in rows.items():
            print(f"{name:16} resident {rss / 2**20:5.0f} MiB {percent(rss / naive[0] - 1):>8}"
                  f"   longest stop {stop:7.3f} ms {percent(stop / naive[1] - 1):>8}"
                  f"   {rate:7.0f} requests/s {percent(rate / naive[2] - 1):>8}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
