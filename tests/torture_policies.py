#!/usr/bin/env python3
"""Tortures every policy in an unmodified program, and its code under sanitizers, for long.

    tests/torture_policies.py --build build/release --asan DIR --tsan DIR [--operations N]

Each row is a run of tests/programs/policy_torture.c with 8 threads that free each other's blocks and
check the contents of all. The exit status is 1 if one of them found corruption, or did not end.
"""

import argparse
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
POLICIES = ("pool", "frame", "buddy", "slab", "pool:chunk_bytes=4096,spare_chunks=0",
            "frame:chunk_bytes=8192,spare_chunks=0", "buddy:is_weighted=1,lazy_count=8",
            "slab:partial_min=0,slab_max_bytes=4096")
THREADS = 8
SIGNALS_PER_S = 20000  # in each thread
TIMEOUT_S = 3600


def run(command, env):
    started = time.monotonic()
    try:
        done = subprocess.run(command, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=TIMEOUT_S, text=True, errors="replace")
        status, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, text = "timeout", ""
    return status, text, time.monotonic() - started


def torture(options):
    """[(what, operations, seconds, verdict)] of the routed program."""
    program = os.path.join(options.build, "policy_torture")
    subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-pthread", "-o", program,
                    os.path.join(HERE, "programs", "policy_torture.c")], check=True)
    library = os.path.join(options.build, "liballocaudit.so")
    usual, unusual = POLICIES[:4], POLICIES[4:]
    rows = ([(policy, options.operations, 0) for policy in usual] +
            [(policy, options.operations // 10, 0) for policy in unusual] +
            [(policy, options.operations // 10, SIGNALS_PER_S) for policy in usual])
    for policy, count, signals_per_s in rows:
        status, text, seconds = run([program, str(THREADS), str(count), str(signals_per_s)],
                                    {"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": policy})
        is_sound = status == 0 and "operations" in text
        name = f"{policy}, {signals_per_s:,} signals/s" if signals_per_s else policy
        yield name, count, seconds, f"sound: {text.strip()}" if is_sound else (
            f"FAILED ({status}): {text[-300:]}")


def sanitized(options):
    """The same of the policies' own code under sanitizers."""
    for name, folder, slowness in (("address, undefined", options.asan, 1),
                                   ("thread", options.tsan, 10)):
        factor = max(1, options.operations // 20000000 // slowness)
        status, text, seconds = run([os.path.join(folder, "tests/unit/test_policy_threads")],
                                    {"POLICY_ROUNDS": str(factor)})
        is_sound = status == 0
        yield (f"all, sanitizer {name}", 2 * 5 * 2 * 4 * 20000 * factor, seconds,
               "sound" if is_sound else f"FAILED ({status}): {text[-300:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--asan", required=True)
    parser.add_argument("--tsan", required=True)
    parser.add_argument("--operations", type=int, default=10 ** 9, metavar="N",
                        help="default: 10^9 for each policy, a tenth with unusual settings")
    options = parser.parse_args()
    failed_count = 0
    print(f"{'policy':45} {'operations':>15} {'seconds':>8}  verdict", flush=True)
    for rows in (torture(options), sanitized(options)):
        for what, count, seconds, verdict in rows:
            failed_count += not verdict.startswith("sound")
            print(f"{what:45} {count:15,} {seconds:8.0f}  {verdict}", flush=True)
    return 1 if failed_count else 0


if __name__ == "__main__":
    sys.exit(main())
