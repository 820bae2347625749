#!/usr/bin/python3
"""How good `allocaudit recommend` is: its advice for programs, beside what real runs say is best.

    tests/bench/validate.py --build build/release [--rounds N] [--minutes N] [--only NAME]... [--again]
                            [--markdown FILE]

Each program is recorded once, on glibc, and `recommend --goal balanced` advises from that recording alone. Then
`allocaudit trial` runs the program on glibc, the other allocators, a few settings, and the advice, unless that is one
of those. A program's score is what the goal weighs of what a trial can see: 0.35 parts of peak memory and 0.5 of CPU
time; differences that the trial cannot tell from chance are 0. The oracle is the best by real runs of those that make
nothing worse than the goal allows (analyzer/advice/goal.c): the advice may not break these limits either, and is told
if it does. How far it is from the best whatever that makes worse stands in a row of its own.

What was measured is kept in BUILD/validate/results.json: a run that was ended goes on from there (--again: anew).
The half marked "tune" was looked at when thresholds were chosen (analyzer/advice/goal.c), the other was not.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import workloads  # noqa: E402  (found through the line above)
from workload import Inputs, Missing, Workload, need  # noqa: E402

WEIGHTS = {"peak_rss": 0.35 / 0.85, "cpu": 0.5 / 0.85}
LIMITS = {"peak_rss": 0.02, "cpu": 0.01}
HARM = 0.02
LEAST = 0.02
SIGN_FLOOR = 0.03
STOCK = ("jemalloc", "tcmalloc", "mimalloc")
KEEPS = ("glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=1073741824"
         ":glibc.malloc.top_pad=1048576")
# Settings that the oracle may choose, too.
SETTINGS = {"glibc@keeps": ("GLIBC_TUNABLES", KEEPS),
            "glibc@arena": ("GLIBC_TUNABLES", "glibc.malloc.arena_max=1"),
            "jemalloc@back": ("MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")}


class MediumInputs(Inputs):
    """Programs of a tenth of a second to one, so that all of it takes half an hour."""

    def size(self, quick, full):
        return (quick + full) // 4


def own(name, *arguments):
    """A sample app."""
    return lambda inputs: Workload(name, "own", [os.path.join(inputs.apps, name), *arguments])


def awk(inputs):
    return Workload("mawk", "real", [need("mawk"), 'BEGIN { for (i = 0; i < 400000; i++) a["k" i % 30011] = '
                                     'a["k" i % 30011] "x"; n = 0; for (k in a) n += length(a[k]); print n }'])


def sort_lines(inputs):
    lines = inputs.write("lines.txt", "".join(f"line {i * 7919 % 300007} of many\n" for i in range(300000)))
    return Workload("sort", "real", [need("sort"), "--parallel=1", "-o", inputs.path("sorted.txt"), lines])


def bc_power(inputs):
    script = inputs.write("power.bc", "a=3^9000\nfor(i=0;i<60;i++){a=a+i;b=a*a}\nb%1000007\nquit\n")
    return Workload("bc", "real", [need("bc"), "-q", script])


def python_pools(inputs):
    script = inputs.write("pools.py", "x = {str(i): [i, i + 1] for i in range(400000)}\nprint(len(x))\n")
    return Workload("python3 pools", "real", ["/usr/bin/python3", "-s", "-B", script])


# (which half, what selection by kind of program would take, how to make it)
PROGRAMS = (
    ("tune", "mimalloc", workloads.python_workload),
    ("held", "mimalloc", workloads.perl_workload),
    ("held", "mimalloc", workloads.jq_workload),
    ("tune", "mimalloc", workloads.xmllint_workload),
    ("held", "jemalloc", workloads.sqlite_workload),
    ("tune", "mimalloc", workloads.cc1plus_workload),
    ("held", "mimalloc", workloads.cppcheck_workload),
    ("tune", "jemalloc", workloads.git_log_workload),
    ("tune", "jemalloc", workloads.git_repack_workload),
    ("held", "mimalloc", awk),
    ("held", "jemalloc", sort_lines),
    ("tune", "mimalloc", bc_power),
    ("held", "mimalloc", python_pools),
    ("tune", "jemalloc", own("session_server")),
    ("tune", "mimalloc", own("fragmenter", "--rounds", "20000")),
    ("held", "tcmalloc", own("worker_pool", "--jobs", "200000")),
    ("held", "mimalloc", own("game_loop", "--frames", "200000")),
    ("tune", "mimalloc", own("parser", "--items", "60000")),
    ("held", "jemalloc", own("leaky_server", "--requests", "300000")),
    ("tune", "tcmalloc", own("message_store", "--messages", "1500000")),
)


# ---- measuring -----------------------------------------------------------------------------------

def run_json(command, env, stdin, timeout):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False, env=env, stdin=stdin)
    if done.returncode != 0:
        raise Missing(f"status {done.returncode}: {done.stderr[-200:].decode(errors='replace')}")
    return json.loads(done.stdout)


def advise(workload, allocaudit, folder, env):
    """The answer of `recommend` from one recording."""
    recording = os.path.join(folder, "program.db")
    with open(workload.stdin or os.devnull, "rb") as stdin:
        recorded = subprocess.run([allocaudit, "run", "-q", "-o", recording, "--", *workload.command],
                                  env=env, stdin=stdin, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, check=False, timeout=300)
    if recorded.returncode != 0:
        raise Missing(f"recording: {recorded.stderr[-200:].decode(errors='replace')}")
    began = time.monotonic()
    answer = run_json([allocaudit, "recommend", recording, "--format", "json", "--time-limit", "40"],
                      env, subprocess.DEVNULL, 600)
    answer["seconds"] = time.monotonic() - began
    os.remove(recording)
    return answer


def run_trial(workload, advice, allocaudit, env, rounds):
    """Scores by candidate; 'advice' is among them."""
    names = ["glibc", *STOCK, *SETTINGS]
    words = []
    for name, (variable, value) in SETTINGS.items():
        words += ["-e", f"{name}:{variable}={value}"]
    found = advice["recommendation"]
    if found["verdict"] == "change" and found["advice"] not in STOCK:
        label = f"{found['allocator']}@advice"
        names.append(label)
        if found["setting"]:
            words += ["-e", f"{label}:{found['setting']}"]
    answer = run_json([allocaudit, "trial", "-a", ",".join(names), "-n", str(rounds), "--threshold", "1",
                       "--format", "json", *words,
                       *(["--stdin", workload.stdin] if workload.stdin else []), "--", *workload.command],
                      env, subprocess.DEVNULL, 1800)
    rows = {row["candidate"].replace(f"{found.get('allocator')}@advice", "advice"): row
            for row in answer["candidates"] if row["state"] == "measured"}
    return {name: changes_of(row) for name, row in rows.items()}


def changes_of(row):
    """Shares of the baseline; 0 where the trial cannot tell them from chance."""
    return {metric: row[f"{metric}_difference_pct"] / 100
            if row[f"{metric}_verdict"] in ("less", "more") else 0.0 for metric in WEIGHTS}


def score(changes):
    return sum(weight * changes[metric] for metric, weight in WEIGHTS.items())


def predicted(row):
    """The score that `recommend` saw in its replay, of what a trial can see."""
    return score({"peak_rss": row["peak_change_pct"] / 100, "cpu": row["cpu_change_pct"] / 100})


def measure(workload, half, choice, options):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", **workload.env}
    allocaudit = os.path.join(options.build, "allocaudit")
    if workload.prepare:
        workload.prepare()
    advice = advise(workload, allocaudit, options.folder, env)
    trial = run_trial(workload, advice, allocaudit, env, options.rounds)
    found = advice["recommendation"]
    stock = {row["allocator"]: predicted(row) for row in advice.get("tried", ())
             if row.get("setting") is None and row["allocator"] in STOCK and "cpu_change_pct" in row}
    return {"half": half, "table": choice, "verdict": found["verdict"], "advice": found.get("advice"),
            "confidence": found.get("confidence"), "seconds": advice["seconds"], "why": found.get("why"),
            "predicted": stock, "rounds": options.rounds,
            "real": {name: score(changes) for name, changes in trial.items()},
            "changes": trial}


# ---- the answer ----------------------------------------------------------------------------------

def breaks_limit(result, pick):
    """Whether it makes worse than the goal allows what a trial sees."""
    changes = result["changes"].get(pick, {})
    return any(changes.get(metric, 0) > limit for metric, limit in LIMITS.items())


def oracle_of(result, has_limits=True):
    """The best, and its score."""
    real = {name: value for name, value in result["real"].items() if not (has_limits and breaks_limit(result, name))}
    best = min(real, key=real.get)
    return (best, real[best]) if real[best] <= -LEAST else ("glibc", 0.0)


def judge(result, pick, has_limits=True):
    """Regret and harm of a choice: None stands for the default."""
    oracle = oracle_of(result, has_limits)[1]
    value = result["real"].get(pick, 0.0) if pick else 0.0
    return {"value": value, "regret": max(value - oracle, 0.0), "is_harm": value > HARM,
            "is_top": value - oracle <= LEAST, "breaks": breaks_limit(result, pick)}


def pick_of(result, strategy):
    if strategy == "recommend":
        if result["verdict"] != "change":
            return None
        return result["advice"] if result["advice"] in STOCK else "advice"
    return {"default": None, "table": result["table"]}.get(strategy, strategy)


def line_of(results, title, strategy, has_limits=True):
    judged = [judge(result, pick_of(result, strategy), has_limits) for result in results]
    regrets = sorted(row["regret"] for row in judged)
    last = regrets[min(len(regrets) - 1, int(0.95 * len(regrets)))]
    return [title, f"{100 * statistics.mean(regrets):.1f} %", f"{100 * last:.1f} %",
            f"{sum(row['is_top'] for row in judged)} of {len(judged)}",
            f"{sum(row['is_harm'] for row in judged)}", f"{sum(row['breaks'] for row in judged)}",
            f"{100 * statistics.mean(row['value'] for row in judged):+.1f} %"]


def signs(results):
    """Of stock allocators whose real score is over 3 % from the default's: predicted with its sign."""
    pairs = [(result["predicted"][name], result["real"][name]) for result in results
             for name in result["predicted"] if abs(result["real"].get(name, 0)) > SIGN_FLOOR]
    return sum((one < 0) == (other < 0) for one, other in pairs), len(pairs)


def table(head, rows):
    text = "| " + " | ".join(head) + " |\n|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|\n"
    return text + "".join("| " + " | ".join(row) + " |\n" for row in rows)


def describe(results):
    text = ""
    for title, half in (("all", None), ("held out", "held"), ("tuned on", "tune")):
        chosen = [result for result in results.values() if half in (None, result["half"])]
        if chosen:
            rows = [line_of(chosen, strategy, strategy) for strategy in
                    ("recommend", "default", "jemalloc", "tcmalloc", "mimalloc", "table")]
            rows.insert(1, line_of(chosen, "recommend, to the best without limits", "recommend", has_limits=False))
            text += f"\n{title}, {len(chosen)} programs:\n\n" + table(
                ["always", "mean regret", "95th", "best or within 2 %", "harm", "breaks a limit", "mean score"], rows)
    right, count = signs(results.values())
    text += f"\nsigns: {right} of {count} stock allocators\n"
    for word in ("strong", "likely", "open"):
        told = [result for result in results.values()
                if result["verdict"] == "change" and result["confidence"] == word]
        if told:
            good = sum(result["real"].get(pick_of(result, "recommend"), 0) <= -LEAST / 2 for result in told)
            text += f"confidence '{word}': {good} of {len(told)} confirmed by real runs\n"
    rows = []
    for name, result in results.items():
        best, best_score = oracle_of(result)
        real = result["real"]
        rows.append([name, result["half"], result["advice"] or result["verdict"].replace("_", " "),
                     result["confidence"] or "", f"{100 * judge(result, pick_of(result, 'recommend'))['value']:+.1f} %",
                     best, f"{100 * best_score:+.1f} %",
                     *((f"({100 * real[stock]:+.1f} %)" if breaks_limit(result, stock) else
                        f"{100 * real[stock]:+.1f} %") if stock in real else "" for stock in STOCK)])
    return text + "\n" + table(["program", "half", "advice", "confidence", "its score", "best", "its score",
                                *STOCK], rows)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=6, help="of each candidate in a trial, from 6")
    parser.add_argument("--minutes", type=float, default=40, help="what has not begun then is left out")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--again", action="store_true", help="measure all of it anew")
    parser.add_argument("--markdown", metavar="FILE")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.folder = os.path.join(options.build, "validate")
    return options


def main():
    options = parse_options()
    inputs = MediumInputs(os.path.join(options.folder, "inputs"), "", is_quick=True)
    inputs.apps = os.path.join(options.build, "sample_apps")
    kept = os.path.join(options.folder, "results.json")
    results = {}
    if os.path.exists(kept) and not options.again:
        with open(kept, encoding="utf-8") as file:
            results = json.load(file)
    began = time.monotonic()
    for half, choice, make in PROGRAMS:
        try:
            workload = make(inputs)
            if workload.name in results or (options.only and workload.name not in options.only):
                continue
            if time.monotonic() - began > options.minutes * 60:
                print(f"{workload.name}: left out, the time is up", flush=True)
                continue
            results[workload.name] = measure(workload, half, choice, options)
            print(f"{workload.name}: {results[workload.name]['advice'] or results[workload.name]['verdict']} "
                  f"({time.monotonic() - began:.0f} s)", flush=True)
        except (Missing, subprocess.TimeoutExpired) as problem:
            print(f"{make.__name__}: left out: {problem}", flush=True)
            continue
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if not results:
        return 1
    text = describe(results)
    print(text)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
