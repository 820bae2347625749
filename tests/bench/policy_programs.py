#!/usr/bin/python3
"""What real programs take on our policies, beside glibc and mimalloc: by `allocaudit trial`.

    tests/bench/policy_programs.py --build build/release [--rounds N] [--only NAME]... [--json FILE]

Prints a Markdown table: CPU time and peak resident memory as the difference to glibc, in percent, where
`trial` can tell it from chance.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lay_out  # noqa: E402  (found through the line above)
import workloads  # noqa: E402
from bench import compile_program, describe_machine  # noqa: E402
from measure import clean_environment  # noqa: E402
from workload import Inputs, Missing  # noqa: E402

CANDIDATES = ("glibc", "mimalloc", "pool", "frame", "buddy", "slab")
# A server that others drive, and a driver of programs that count by themselves.
LEFT_OUT = ("redis-server", "g++")


def trial(program, workload, rounds):
    """{candidate: its row of the answer}."""
    command = [program, "trial", "-n", str(rounds), "-a", ",".join(CANDIDATES), "--format", "json"]
    for name, value in workload.env.items():
        command += ["-e", f"{name}={value}"]
    if workload.stdin:
        command += ["--stdin", workload.stdin]
    if workload.prepare is not None:
        workload.prepare()
    done = subprocess.run([*command, "--", *workload.command], env=clean_environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, cwd=workload.cwd)
    if done.returncode != 0:
        raise RuntimeError(f"{workload.name}: status {done.returncode}: {done.stderr[-300:]!r}")
    return {row["candidate"]: row for row in json.loads(done.stdout)["candidates"]}


def cell(row, metric):
    if row is None or row["state"] != "measured":
        return "-"
    value = row[f"{metric}_difference_pct"]
    return f"{value:+.0f} %" if row[f"{metric}_verdict"] in ("less", "more") else "="


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--json", metavar="FILE", help="write all answers there, too")
    options = parser.parse_args()
    folder = os.path.join(os.path.abspath(options.build), "bench")
    program = os.path.join(os.path.abspath(options.build), "allocaudit")
    rows, answers = [], {}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        inputs = Inputs(os.path.join(scratch, "inputs"), compile_program("pairs", folder), False)
        for name, make in workloads.REAL_MAKERS:
            if name in LEFT_OUT or (options.only and name not in options.only):
                continue
            try:
                answer = trial(program, make(inputs), options.rounds)
            except Missing as missing:
                print(f"{name}: skipped, {missing}", file=sys.stderr)
                continue
            answers[name] = answer
            base = answer["glibc"]
            rows.append([name, f"{base['cpu_ns'] / 1e6:.0f} ms / {base['peak_rss_bytes'] / (1 << 20):.1f} MiB",
                         *(f"{cell(answer.get(candidate), 'cpu')} / "
                           f"{cell(answer.get(candidate), 'peak_rss')}" for candidate in CANDIDATES[1:])])
            print(f"  {name}", file=sys.stderr, flush=True)
    print(f"{describe_machine()}; {options.rounds} rounds. CPU time / peak memory; =: no difference.\n")
    print("\n".join(lay_out.lay_out(["program", "glibc", *CANDIDATES[1:]], rows, True)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(answers, file, indent=1)


if __name__ == "__main__":
    main()
