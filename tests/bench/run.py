#!/usr/bin/python3
"""Measures what recording costs: native, allocaudit and heaptrack in turns, medians of paired ratios.

    tests/bench/run.py --build build/release [--quick] [--rounds N] [--only NAME]... [--json FILE]

The machine may be busy: what counts is the ratio of runs that stood next to each other. --check makes
a verdict of it: exit status 1 where allocaudit took longer than heaptrack.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import collector  # noqa: E402  (found through the line above)
import figures  # noqa: E402
import instructions  # noqa: E402
import measure  # noqa: E402
import tables  # noqa: E402
import workloads  # noqa: E402

C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-fomit-frame-pointer", "-Wall", "-Wextra", "-pthread"]
INSTRUCTION_TOLERANCE = 0.05
# What --only knows besides the names of workloads.
PARTS = {"instructions", "collector"}


def say(text=""):
    print(text, flush=True)


def talk(text):
    print(text, file=sys.stderr, flush=True)


def compile_program(name, folder):
    """Compiles unless the result is newer than its source."""
    source, target = os.path.join(HERE, name + ".c"), os.path.join(folder, name)
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        partial = f"{target}.{os.getpid()}"
        compiler = shlex.split(os.environ.get("CC", "gcc"))
        subprocess.run([*compiler, *C_FLAGS, source, "-o", partial], check=True)
        os.rename(partial, target)
    return target


# ---- what stands above the tables ----------------------------------------------------------------

def first_line(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout else None


def describe_machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (f"{os.cpu_count()} x {model}, {memory_gib:.0f} GiB, Linux {platform.release()}, "
            f"{' '.join(platform.libc_ver())}, load average {os.getloadavg()[0]:.1f} at the start")


def describe_method(options, program, peer):
    tools = ", ".join(["native", *(first_line([tool, "--version"]) or tool
                                   for tool in (program, peer) if tool)])
    plural = "s" if options.rounds > 1 else ""
    inputs = ", small inputs (--quick)" if options.quick else ""
    return (f"Medians over {options.rounds} round{plural} of {tools}, one after the other in each "
            f"round{inputs}.")


# ---- measuring -----------------------------------------------------------------------------------

def measure_workload(workload, tools, options):
    """All rounds of one workload. A tool that fails once is left out of it, with a note."""
    result = figures.Result(workload)
    active = list(tools)
    result.runs = {tool.name: [] for tool in tools}
    for number in range(options.rounds):
        for tool in list(active):
            try:
                result.runs[tool.name].append(tool.run(workload))
                if number == options.rounds - 1 and not options.no_report:
                    result.report_ns[tool.name] = tool.report_ns()
            except measure.Broken as broken:
                if tool.name != "heaptrack":
                    raise
                result.notes.append(f"{tool.name} failed: {' '.join(str(broken).split())}")
                active.remove(tool)
                del result.runs[tool.name]
    for tool in tools:
        tool.clear()
    return result


def measure_all(inputs, tools, options, data):
    """Fills data; returns how many workloads failed."""
    failed_count = 0
    for name, make in workloads.MAKERS:
        is_wanted = not options.only or any(only in name for only in options.only)
        if not is_wanted and (name != "start" or set(options.only) <= PARTS):
            continue  # the start is needed to tell it from the rest
        talk(f"  {name}")
        try:
            result = measure_workload(make(inputs), tools, options)
        except workloads.Missing as missing:
            data["notes"].append(f"{name}: skipped, {missing}")
            continue
        except measure.Broken as broken:
            data["notes"].append(f"{name}: FAILED: {' '.join(str(broken).split())}")
            failed_count += 1
            continue
        summary = figures.summarize(result)
        data["workloads"].append(summary)
        if data["workloads"][0]["group"] == "start":
            figures.leave_out_start(summary, data["workloads"][0])
    return failed_count


def verdict(data, options):
    """Prints what is too slow. Returns how much of it there is."""
    lines = figures.slower_than_peer(data["workloads"], options.tolerance)
    if options.baseline:
        with open(options.baseline, encoding="utf-8") as file:
            old = json.load(file)
        lines += instructions.grown(data["instructions"], old["instructions"], INSTRUCTION_TOLERANCE)
    compared = sum(summary["peer"] is not None for summary in data["workloads"])
    for line in lines:
        say(f"FAIL {line}")
    if not lines and compared:
        say(f"PASS {compared} workloads, none slower than heaptrack by more than "
            f"{options.tolerance:.0%}")
    elif not lines:
        say("PASS nothing could be compared with heaptrack")
    return len(lines)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder of the build to measure")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 5; 3 with --quick")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only workloads with this in their name (also: instructions, collector)")
    parser.add_argument("--quick", action="store_true", help="small inputs: about a minute")
    parser.add_argument("--json", metavar="FILE", help="write every figure there, too")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, for docs/performance.md")
    parser.add_argument("--check", action="store_true",
                        help="exit status 1 where allocaudit takes longer than heaptrack")
    parser.add_argument("--tolerance", type=float, default=0.1, metavar="SHARE",
                        help="how much longer --check allows (default: 0.1)")
    parser.add_argument("--baseline", metavar="FILE", help="a file of --json: with --check, "
                        "instructions a pair must not have grown by more than 5 %%")
    parser.add_argument("--no-heaptrack", action="store_true", help="leave heaptrack out")
    parser.add_argument("--no-report", action="store_true", help="do not time the reports")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (3 if options.quick else 5)
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    for only in options.only:
        if only not in PARTS and not any(only in n for n in workloads.NAMES):
            parser.error(f"no workload has '{only}' in its name: see --list")
    return options


def main():
    options = parse(sys.argv[1:])
    if options.list:
        say("\n".join(workloads.NAMES))
        return 0
    folder = os.path.join(os.path.abspath(options.build), "bench")
    os.makedirs(folder, exist_ok=True)
    program = os.path.join(os.path.abspath(options.build), "allocaudit")
    if not os.access(program, os.X_OK):
        talk(f"allocaudit: '{program}' is not there: build it first")
        return 2
    meter, pairs = (compile_program(name, folder) for name in ("meter", "pairs"))
    peer = None if options.no_heaptrack else shutil.which("heaptrack")
    data = {"date": time.strftime("%Y-%m-%d"), "machine": describe_machine(),
            "method": describe_method(options, program, peer), "is_quick": options.quick,
            "notes": [], "workloads": [], "instructions": None, "collector": None}
    if peer is None:
        data["notes"].append("heaptrack was left out" if options.no_heaptrack
                             else "heaptrack is not installed: nothing to compare with")
    scratch = tempfile.mkdtemp(prefix="run.", dir=folder)
    try:
        native = measure.Native(meter, scratch)
        ours = measure.Allocaudit(meter, scratch, program)
        tools = [native, ours] + ([measure.Heaptrack(meter, scratch, peer)] if peer else [])
        inputs = workloads.Inputs(os.path.join(scratch, "inputs"), pairs, options.quick)
        failed_count = measure_all(inputs, tools, options, data)
        if not options.only or "instructions" in options.only:
            talk("  instructions")
            data["instructions"], note = instructions.count_all(pairs, native, ours)
            data["notes"] += [note] if note else []
        if not options.only or "collector" in options.only:
            talk("  collector")
            data["collector"] = collector.measure_all(os.path.join(folder, "collecting"), scratch,
                                                      options.rounds, options.quick)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say("\n".join(tables.render(data, options.markdown)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.write("\n")
    failed_count += verdict(data, options) if options.check else 0
    return 1 if failed_count else 0


if __name__ == "__main__":
    sys.exit(main())
