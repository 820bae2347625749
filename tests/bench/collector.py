"""What the collector alone costs: ns and instructions per pair drained, per row written."""

import os
import re
import shutil
import statistics
import subprocess

import measure

# name, arguments of `collecting` but for count and folder: the command before, the rest after them
CASES = (
    ("row, appended", "rows", ()),
    ("pair drained: 1 lane", "drain", (1, 1, 256)),
    ("pair drained: 8 lanes, in turns of a pair", "drain", (8, 1, 256)),
    ("pair drained: 8 lanes, in turns of 1,000", "drain", (8, 1000, 256)),
    ("pair drained: 1 lane, 1 M live", "drain", (1, 1, 1000000)),
)
COUNTS = {"rows": (1000000, 8000000), "drain": (500000, 4000000)}  # quick, full
INSTRUCTION_COUNT = 200000


def run_case(program, case, count, folder, wrap=()):
    _, verb, arguments = case
    command = [*wrap, program, verb, str(count), *map(str, arguments), folder]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=measure.clean_environment(), text=True,
                          timeout=measure.RUN_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise measure.Broken(f"collecting: status {done.returncode}: {done.stderr[-300:]}")
    return {key: int(value) for key, value in (line.split() for line in done.stdout.splitlines())}


def count_instructions(program, case, folder):
    """Of what counts alone, or None without valgrind. A large live set would take minutes to fill."""
    if shutil.which("valgrind") is None or max(case[2], default=0) > 10000:
        return None
    log = os.path.join(folder, "callgrind.log")
    wrap = ["valgrind", "--tool=callgrind", f"--log-file={log}", "--collect-atstart=no",
            "--toggle-collect=collecting_counts*", "--callgrind-out-file=/dev/null"]
    run_case(program, case, INSTRUCTION_COUNT, folder, wrap)
    with open(log, encoding="utf-8", errors="replace") as file:
        found = re.search(r"Collected : (\d+)", file.read())
    return int(found.group(1)) / INSTRUCTION_COUNT if found else None


def measure_all(bench):
    """[{name, ns, best_ns, ...}]: all cases in each round, one after the other."""
    runs = [[] for _ in CASES]
    counts = [COUNTS[case[1]][0 if bench.is_quick else 1] for case in CASES]
    for _ in range(bench.rounds):
        for case, count, found in zip(CASES, counts, runs):
            found.append(run_case(bench.collecting, case, count, bench.folder))
    rows = []
    for case, count, found in zip(CASES, counts, runs):
        times = [run["cpu_ns"] / count for run in found]
        rows.append({"name": case[0], "ns": statistics.median(times), "best_ns": min(times),
                     "worst_ns": max(times),
                     "bytes_per_row": found[0]["file_bytes"] / found[0]["row_count"],
                     "instructions": count_instructions(bench.collecting, case, bench.folder)})
    return rows
