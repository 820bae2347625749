#!/usr/bin/python3
"""Measures what recording costs: native, allocaudit and heaptrack in turns, medians of paired ratios.

    tests/bench/run.py --build build/release [--quick] [--rounds N] [--only NAME]... [--json FILE]

The machine may be busy: what counts is the ratio of runs that stood next to each other. --check makes
a verdict of it: exit status 1 where a target's floor is missed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import analyses  # noqa: E402  (found through the line above)
import collector  # noqa: E402
import figures  # noqa: E402
import instructions  # noqa: E402
import measure  # noqa: E402
import plots  # noqa: E402
import policies  # noqa: E402
import rounds  # noqa: E402
import sampling  # noqa: E402
import scaling  # noqa: E402
import tables  # noqa: E402
import targets  # noqa: E402
import unwinding  # noqa: E402
import workloads  # noqa: E402
from bench import Bench, Strangers, describe_machine, find_peer  # noqa: E402
from workload import Missing  # noqa: E402

INSTRUCTION_TOLERANCE = 0.05


def count_instructions(bench):
    rows, note = instructions.count_all(bench.pairs, bench.native, bench.ours)
    bench.notes += [note] if note else []
    return rows


# What --only knows besides the names of workloads, in the order in which it is done.
PARTS = {"scaling": scaling.measure_all, "sampling": sampling.measure_all,
         "unwind": unwinding.measure_all, "instructions": count_instructions,
         "collector": collector.measure_all, "policies": policies.measure_all,
         "analyses": analyses.measure_all}


def is_wanted(name, only):
    """A whole name means that workload alone, a part of one all that have it."""
    return not only or any(name == word if word in workloads.NAMES else word in name for word in only)


def wanted_workloads(only):
    """With the start whenever there is another: it is needed to tell it from the rest."""
    found = [(name, make) for name, make in workloads.MAKERS
             if is_wanted(name, [word for word in only if word not in PARTS] if only else only)]
    if only and all(word in PARTS for word in only):
        return []
    return found if ("start", workloads.start_workload) in found else [workloads.MAKERS[0], *found]


def measure_workloads(bench, options):
    """[summary], the start first."""
    summaries = []
    for name, make in wanted_workloads(options.only):
        bench.talk(f"  {name}")
        try:
            result = rounds.measure_workload(make(bench.inputs), bench.tools, bench.rounds,
                                             not options.no_report)
        except Missing as missing:
            bench.notes.append(f"{name}: skipped, {missing}")
            continue
        except measure.Broken as broken:
            bench.fail(f"{name}: {' '.join(str(broken).split())}")
            continue
        summaries.append(figures.summarize(result))
        if summaries[0]["group"] == "start":
            figures.leave_out_start(summaries[-1], summaries[0])
    return summaries


def measure_all(bench, options):
    data = {"date": time.strftime("%Y-%m-%d"), "machine": describe_machine(),
            "method": bench.describe_method(), "is_quick": options.quick, "part_seconds": {}}
    strangers = Strangers()
    started = time.monotonic()
    data["workloads"] = measure_workloads(bench, options)
    data["part_seconds"]["workloads"] = time.monotonic() - started
    for part, take in PARTS.items():
        started = time.monotonic()
        data[part] = None
        if not options.only or part in options.only:
            bench.talk(f"  {part}")
            data[part] = take(bench)
        data["part_seconds"][part] = time.monotonic() - started
    if data["scaling"]:
        bench.notes += plots.draw_all(data["scaling"], options.plots)
    taken = ", ".join(f"{part} {value:.0f} s" for part, value in data["part_seconds"].items()
                      if value >= 0.5)
    data["notes"] = [*bench.notes, f"time taken: {taken}", strangers.describe()]
    data["targets"] = [target.as_dict() for target in targets.all_targets(data)
                       if not options.only or target.ours]
    data["policy_targets"] = ([target.as_dict() for target in targets.policy_targets(data)]
                              if data["policies"] else [])
    return data


def verdict(data, options):
    """Prints which floors are missed, and what is too slow. Returns how much of it there is."""
    found = (data["targets"] or []) + data["policy_targets"]
    lines = [f"{row['name']}: {row['ours']}, {row['ratio'] or 'no ratio'}; the floor is {row['floor']}"
             for row in found if row["verdict"] == targets.MISSED]
    lines += figures.slower_than_peer(data["workloads"], options.tolerance)
    if options.baseline:
        with open(options.baseline, encoding="utf-8") as file:
            old = json.load(file)
        lines += instructions.grown(data["instructions"], old["instructions"], INSTRUCTION_TOLERANCE)
    for line in lines:
        print(f"FAIL {line}")
    if not lines:
        unknown = sum(row["verdict"] == targets.NOT_MEASURED for row in found)
        print(f"PASS no floor missed of {sum(row['floor'] != '' for row in found)}"
              f"{f', {unknown} targets not measured' if unknown else ''}")
    return len(lines)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder of the build to measure")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 5; 3 with --quick")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only workloads with this in their name, or a part: " + ", ".join(PARTS))
    parser.add_argument("--allocations", type=int, metavar="N", help="how many the analyses are given: 5 million")
    parser.add_argument("--quick", action="store_true", help="small inputs: some two minutes")
    parser.add_argument("--json", metavar="FILE", help="write every figure there, too")
    parser.add_argument("--plots", metavar="FOLDER",
                        help="where `scaling` draws its plots (default: bench/plots in the build)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, for docs/performance.md")
    parser.add_argument("--check", action="store_true",
                        help="exit status 1 where a floor is missed, or allocaudit takes longer than "
                        "heaptrack")
    parser.add_argument("--tolerance", type=float, default=0.1, metavar="SHARE",
                        help="how much longer than heaptrack --check allows (default: 0.1)")
    parser.add_argument("--baseline", metavar="FILE", help="a file of --json: with --check, "
                        "instructions a pair must not have grown by more than 5 %%")
    parser.add_argument("--no-heaptrack", action="store_true", help="leave heaptrack out")
    parser.add_argument("--no-report", action="store_true", help="do not time the reports")
    parser.add_argument("--list", action="store_true", help="print the names of workloads and parts")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (3 if options.quick else 5)
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    for only in options.only:
        if only not in PARTS and not any(only in name for name in workloads.NAMES):
            parser.error(f"no workload has '{only}' in its name: see --list")
    options.build = os.path.abspath(options.build)
    options.plots = options.plots or os.path.join(options.build, "bench", "plots")
    return options


def main():
    options = parse(sys.argv[1:])
    if options.list:
        print("\n".join([*workloads.NAMES, *PARTS]))
        return 0
    folder = os.path.join(options.build, "bench")
    for name in ("allocaudit", "bench/collecting", "bench/policies"):
        if not os.access(os.path.join(options.build, name), os.X_OK):
            Bench.talk(f"allocaudit: '{os.path.join(options.build, name)}' is not there: `make "
                       "bench-programs` builds it")
            return 2
    peer, note = find_peer(options.no_heaptrack)
    scratch = tempfile.mkdtemp(prefix="run.", dir=folder)
    try:
        bench = Bench(options.build, scratch, options.rounds, options.quick, peer)
        bench.analysed_count = options.allocations
        bench.notes += [note] if note else []
        data = measure_all(bench, options)
    except KeyboardInterrupt:
        Bench.talk("allocaudit: interrupted")
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("\n".join(tables.render(data, options.markdown, sys.stdout.isatty())))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.write("\n")
    failed_count = bench.failed_count + (verdict(data, options) if options.check else 0)
    return 1 if failed_count else 0


if __name__ == "__main__":
    sys.exit(main())
