"""How the cost grows with the allocations and with the threads of a program."""

import os
import shutil

import figures
import measure
import rounds
import workloads
from workload import TOOL_NAMES

DEPTH = 20
GROWTH = {True: (100000, 1000000), False: (1000000, 10000000, 100000000)}  # by is_quick
THREADS = {True: (1, 2, 8), False: (1, 2, 4, 8, 16, 64)}
THREADS_PAIRS = {True: 200000, False: 4000000}
ROUNDS_MOST = 3
# Beyond this many, one round: its length makes up for it.
SINGLE_ROUND_COUNT = 50000000
# Of the disk, for the database; heaptrack's files are small.
BYTES_PER_PAIR = 60


def measure_pairs(bench, threads, count, has_report):
    _, make = workloads.pairs_workload(DEPTH, threads, count=count, tool_names=TOOL_NAMES)
    round_count = 1 if count >= SINGLE_ROUND_COUNT else min(bench.rounds, ROUNDS_MOST)
    try:
        result = rounds.measure_workload(make(bench.inputs), bench.tools, round_count, has_report)
    except measure.Broken as broken:
        bench.fail(f"pairs {DEPTH} {threads}, {count:,} pairs: {' '.join(str(broken).split())}")
        return None
    bench.notes += [f"{count:,} pairs, {threads} threads: {note}" for note in result.notes]
    return figures.summarize(result)


def measure_growth(bench):
    """[summary] by number of allocations."""
    found = []
    for count in GROWTH[bench.is_quick]:
        if shutil.disk_usage(os.path.dirname(bench.inputs.folder)).free < count * BYTES_PER_PAIR:
            bench.notes.append(f"scaling: {count:,} pairs were left out, the disk has no room for "
                               f"{count * BYTES_PER_PAIR >> 20:,} MiB")
            continue
        bench.talk(f"    {count:,} pairs")
        found.append(measure_pairs(bench, 1, count, has_report=True))
    return [summary for summary in found if summary is not None]


def measure_threads(bench):
    """[summary] by number of threads; each has its number under "threads"."""
    found = []
    for threads in THREADS[bench.is_quick]:
        bench.talk(f"    {threads} threads")
        summary = measure_pairs(bench, threads, THREADS_PAIRS[bench.is_quick], has_report=False)
        if summary is not None:
            found.append({**summary, "threads": threads})
    return found


def measure_all(bench):
    return {"growth": measure_growth(bench), "threads": measure_threads(bench)}
