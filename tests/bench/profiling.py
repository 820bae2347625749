#!/usr/bin/python3
"""Where the time goes: perf samples a recorded workload, and the top functions are printed.

    tests/bench/profiling.py --build build/release [--top N] [--quick] [--keep FILE] WORKLOAD

WORKLOAD is a name of `run.py --list`. One table for the collector, one for the program itself; kernel
functions are among them where perf may see them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402  (found through the line above)
import workloads  # noqa: E402
from bench import Bench  # noqa: E402
from lay_out import lay_out  # noqa: E402
from workload import Missing  # noqa: E402

FREQUENCY_HZ = 4999
LEAST_SHARE = 1.0  # %


class Perf(measure.Tool):
    """Around what another tool makes of the command."""

    def __init__(self, tool, perf, data):
        super().__init__(tool.meter, tool.folder)
        self.tool = tool
        self.perf = perf
        self.data = data

    def around(self, command):
        return [self.perf, "record", "-q", "-F", str(FREQUENCY_HZ), "-o", self.data, "--",
                *self.tool.around(command)]

    def clear(self):
        self.tool.clear()


def report(perf, data, arguments):
    done = subprocess.run([perf, "report", "-i", data, "--stdio", "--no-children", "-q", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise measure.Broken(f"perf report: {done.stderr.strip()[-300:]}")
    found = re.findall(r"^\s*(\d+\.\d+)%\s+(\S.*)$", done.stdout, re.MULTILINE)
    return [(float(share), text.strip()) for share, text in found]


def print_top(perf, data, comm, share, top):
    """Shares are of all samples, so that two tables can be compared."""
    found = report(perf, data, ["--comms", comm, "--sort", "dso,symbol", "--field-separator", "\t"])
    rows = []
    for part, text in found[:top]:
        dso, symbol = (cell.strip() for cell in text.split("\t")[:2])
        rows.append([re.sub(r"^\[(.)\] ", "", symbol), dso, f"{part:.1f} %"])
    print(f"Threads called '{comm}': {share:.1f} % of all samples")
    print("\n".join(lay_out(["function", "in", "share of all"], rows, False)) + "\n")


def record(bench, perf, make, data):
    workload = make(bench.inputs)
    tool = Perf(bench.ours, perf, data)
    run = tool.run(workload)
    tool.clear()
    print(f"{workload.name}: {run.wall_ns / 1e9:.2f} s under perf and allocaudit, "
          f"{run.cpu_ns / 1e9:.2f} s of CPU; sampled at {FREQUENCY_HZ} Hz\n")


def profile(options, perf, scratch):
    bench = Bench(os.path.abspath(options.build), scratch, 1, options.quick, None)
    data = os.path.abspath(options.keep) if options.keep else os.path.join(scratch, "perf.data")
    record(bench, perf, dict(workloads.MAKERS)[options.workload], data)
    for share, comm in report(perf, data, ["--sort", "comm"]):
        if share >= LEAST_SHARE:
            print_top(perf, data, comm, share, options.top)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder of the build to measure")
    parser.add_argument("--top", type=int, default=25, metavar="N", help="functions a table (25)")
    parser.add_argument("--quick", action="store_true", help="small inputs")
    parser.add_argument("--keep", metavar="FILE", help="leave perf's data there, for perf annotate")
    parser.add_argument("workload", help="one of those that run.py --list prints")
    options = parser.parse_args()
    if options.workload not in workloads.NAMES:
        parser.error(f"no workload is called '{options.workload}': see run.py --list")
    return options


def main():
    options = parse()
    perf = shutil.which("perf")
    if perf is None:
        Bench.talk("allocaudit: perf is not installed (Debian: linux-perf)")
        return 3
    scratch = tempfile.mkdtemp(prefix="run.", dir=os.path.join(options.build, "bench"))
    try:
        profile(options, perf, scratch)
    except (measure.Broken, Missing) as failure:
        Bench.talk(f"allocaudit: {failure}")
        return 3
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
