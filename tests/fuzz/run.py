#!/usr/bin/env python3
"""Runs the fuzzers of a build for a while each, and adds up what they have done.

    tests/fuzz/run.py --build build/fuzz-address-undefined [--afl] [--seconds N] [--rounds N] [TARGET...]

Each TARGET is fuzzed from tests/fuzz/corpus/TARGET and what was found before, which is kept in found/TARGET
of the build folder. The executions of all runs are summed in its file executions.json. The exit status is 1
if a fuzzer has ended by a crash, a leak, a hang or a step that C does not define: the input lies in the build
folder then.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Most inputs of interest are short, and short ones are tried faster; but a short database is none.
LENGTHS = {"database": 1 << 17, "ring": 8192, "events": 2048, "heaptrack": 2048, "pprof": 2048, "gctrace": 400, "sanitizer": 4096,
           "journal": 4096, "object_trace": 4096}
MORE_OPTIONS = {"database": ["-len_control=0"]}


def read_sums(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="ascii") as file:
        return json.load(file)


def write_sums(path, sums):
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump(sums, file, indent=1, sort_keys=True)
    os.rename(path + ".new", path)


def fuzz_by_afl(build, target, seconds):
    """Returns (executions, 1 if it found a crash or a hang, else 0)."""
    found = os.path.join(build, "found", target)
    seeds = os.path.join(build, "seeds", target)
    shutil.rmtree(seeds, ignore_errors=True)
    shutil.copytree(os.path.join(HERE, "corpus", target), seeds)
    for path in glob.glob(f"{found}/default/queue/id:*"):
        if os.path.getsize(path) <= LENGTHS.get(target, 1024):
            shutil.copy(path, os.path.join(seeds, os.path.basename(path).split(",")[0].replace(":", "_")))
    shutil.rmtree(found, ignore_errors=True)
    os.makedirs(os.path.dirname(found), exist_ok=True)
    env = {**os.environ, "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1",
           "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1"}
    ended = subprocess.run(["afl-fuzz", "-V", str(seconds), "-i", seeds, "-o", found, "-t", "2000", "--",
                            os.path.join(build, f"fuzz_{target}")],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=env, check=False, preexec_fn=lambda: os.nice(19))
    stats = os.path.join(found, "default", "fuzzer_stats")
    if not os.path.exists(stats):
        print(ended.stdout.decode(errors="replace")[-3000:], flush=True)
        return 0, 1
    with open(stats, encoding="ascii") as file:
        figures = dict(re.findall(r"^(\w+)\s*: (\d+)$", file.read(), re.MULTILINE))
    return int(figures["execs_done"]), int(figures["saved_crashes"] + figures["saved_hangs"] != "00")


def fuzz(build, target, seconds):
    """Returns (executions, exit status)."""
    found = os.path.join(build, "found", target)
    os.makedirs(found, exist_ok=True)
    command = [os.path.join(build, f"fuzz_{target}"), f"-max_total_time={seconds}", "-print_final_stats=1",
               "-verbosity=0", f"-max_len={LENGTHS.get(target, 1024)}", "-timeout=20", "-reload=0",
               *MORE_OPTIONS.get(target, []), f"-artifact_prefix={found}-", found, os.path.join(HERE, "corpus", target)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, check=False, preexec_fn=lambda: os.nice(19))
    text = ended.stderr.decode(errors="replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    if ended.returncode != 0:
        print(text[-6000:], flush=True)
    return int(executed[1]) if executed else 0, ended.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder with fuzz_TARGET in it")
    parser.add_argument("--afl", action="store_true", help="they were built for AFL++, not for libFuzzer")
    parser.add_argument("--seconds", type=int, default=60, help="for each target [60]")
    parser.add_argument("--rounds", type=int, default=1, help="how often through all targets [1]")
    parser.add_argument("target", nargs="*", help="only these")
    options = parser.parse_args()
    targets = options.target or sorted(os.path.basename(path)[len("fuzz_"):]
                                       for path in glob.glob(os.path.join(options.build, "fuzz_*")))
    ledger = os.path.join(options.build, "executions.json")
    is_sound = bool(targets)
    for _ in range(options.rounds):
        for target in targets:
            run = fuzz_by_afl if options.afl else fuzz
            count, status = run(options.build, target, options.seconds)
            sums = read_sums(ledger)
            sums[target] = sums.get(target, 0) + count
            write_sums(ledger, sums)
            print(f"{target:14} {count:12,} executions, {sums[target]:14,} in all"
                  + ("" if status == 0 else f"   FAILED, status {status}"), flush=True)
            is_sound = is_sound and status == 0
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
