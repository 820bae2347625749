"""What each section of the report costs: ns of CPU per allocation of the recording, and the most memory.

A recording of `pairs` has little live at once, and as many allocations as are asked for: what grows with
the length of a recording, and must not, shows. Each section runs by itself, then all together.
"""

import json
import os
import subprocess

import measure

COUNTS = (5000000, 200000)  # usual, quick
DEPTH = 20
# Sections that read every call, and the overview, which reads tables alone.
SECTIONS = ("pools", "clocks", "predict", "lifo", "handoffs", "reserve", "zeroing", "alignment", "frames",
            "scopes", "fragmentation", "pins", "memory")


def record(bench, count):
    path = os.path.join(bench.folder, "analyses.db")
    command = [bench.program, "run", "-q", "-o", path, "--", bench.pairs, str(DEPTH), "1", str(count)]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
                   env=measure.clean_environment())
    return path


def report(bench, path, sections):
    """(seconds of CPU, peak bytes) of one report."""
    command = [bench.program, "report", path, *sections, "--format", "json"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          env=measure.clean_environment()) as child:
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise measure.Broken(f"report {' '.join(sections)}: status {child.returncode}")
    json.loads(text)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure_all(bench):
    """[{name, count, ns, peak_bytes}]: the reading of the calls is part of each."""
    count = bench.analysed_count or COUNTS[bench.is_quick]
    path = record(bench, count)
    rows = []
    for sections in [(name,) for name in SECTIONS] + [SECTIONS]:
        seconds, peak_bytes = report(bench, path, sections)
        rows.append({"name": sections[0] if len(sections) == 1 else "all of them, in one reading",
                     "count": count, "ns": seconds * 1e9 / count, "peak_bytes": peak_bytes})
    os.unlink(path)
    return rows
