#!/usr/bin/python3
"""Compares what `allocaudit replay` predicts with what real programs do on other allocators.

    tests/bench/replay_accuracy.py --build build/release [--quick] [--rounds N] [--only NAME]...
                                   [--mode MODE] [--touch MODEL] [--markdown] [--json FILE]

Each program is recorded once, on glibc, and replayed on all allocators. Then it is run, untraced, with each
of them preloaded. Its predicted peak on X is its real peak on glibc, plus the heap's peak in the replay on
X, less that in the replay on glibc: what is not heap is taken to stay as it is.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lay_out  # noqa: E402  (found through the line above)
import workloads  # noqa: E402
from bench import compile_program, describe_machine  # noqa: E402
from measure import Broken, clean_environment  # noqa: E402
from workload import Inputs, Missing  # noqa: E402

BASE = "glibc"
FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
           "/usr/lib/aarch64-linux-gnu")
# glibc is preloaded, too: a program that is linked with another allocator runs on it then.
LIBRARIES = {"glibc": "libc.so.6", "jemalloc": "libjemalloc.so.2",
             "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2"}
# g++ is its driver: what it does is seen in cc1plus.
LEFT_OUT = ("g++", "cc1plus small")
RUN_TIMEOUT_S = 600
SIGN_FLOOR = 0.03  # real differences below it may come out either way


def find_libraries():
    found = {}
    for name, file in LIBRARIES.items():
        paths = [os.path.join(folder, file) for folder in FOLDERS]
        path = next((path for path in paths if os.path.exists(path)), None)
        if path is not None:
            found[name] = path
    return found


class Program:
    """One workload: its real peaks by allocator, and the heap's in the replay."""

    def __init__(self, name, workload):
        self.name = name
        self.workload = workload
        self.real = {}  # bytes, median of the rounds
        self.real_spread = {}  # (largest - smallest) / median
        self.heap = {}
        self.answer = None

    def predicted(self, allocator):
        return self.real[BASE] + self.heap[allocator] - self.heap[BASE]

    def error(self, allocator):
        return self.predicted(allocator) / self.real[allocator] - 1


def run_workload(workload, command, env):
    """Runs it with its driver, if it has one."""
    if workload.prepare is not None:
        workload.prepare()
    with open(workload.stdin or os.devnull, "rb") as stdin:
        child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, cwd=workload.cwd,
                                 env={**clean_environment(), **workload.env, **env})
        driver = None
        if workload.drive is not None:
            driver = threading.Thread(target=workload.drive,
                                      args=(lambda: child.poll() is not None,))
            driver.start()
        try:
            _, talk = child.communicate(timeout=RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired as expired:
            child.kill()
            raise Broken(f"still running after {RUN_TIMEOUT_S} s") from expired
        finally:
            if driver is not None:
                driver.join()
    if child.returncode != 0:
        raise Broken(f"status {child.returncode}: {talk[-300:].decode(errors='replace')}")


def measure_real(program, libraries, peak, folder, round_count):
    result = os.path.join(folder, "peak.out")
    peaks = {name: [] for name in libraries}
    for _ in range(round_count):
        for name, library in libraries.items():
            run_workload(program.workload, [peak, result, *program.workload.command],
                         {"PEAK_PRELOAD": library})
            with open(result, encoding="utf-8") as file:
                peaks[name].append(int(file.read()) * 1024)
    for name, values in peaks.items():
        program.real[name] = statistics.median(values)
        program.real_spread[name] = (max(values) - min(values)) / program.real[name]


def run_replay(allocaudit, recording, libraries, options, touch):
    return subprocess.run([allocaudit, "replay", recording, "--format", "json", "-n",
                           str(options.rounds), "--mode", options.mode, "--touch", touch,
                           "--allocator", ",".join(libraries)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=3600)


def replay(program, libraries, allocaudit, folder, options):
    recording = os.path.join(folder, "recording.db")
    run_workload(program.workload,
                 [allocaudit, "run", "-q", "-o", recording, "--", *program.workload.command],
                 {"LD_PRELOAD": libraries[BASE]})
    done = run_replay(allocaudit, recording, libraries, options, options.touch)
    if b"cannot calibrate" in done.stderr:
        print(f"{program.name}: {done.stderr.decode(errors='replace').strip()}", flush=True)
        done = run_replay(allocaudit, recording, libraries, options, "first")
    os.unlink(recording)
    if done.returncode != 0:
        raise Broken(f"replay: {done.stderr.decode(errors='replace')[-300:]}")
    program.answer = json.loads(done.stdout)
    if "calibration" in program.answer:
        found = program.answer["calibration"]
        print(f"{program.name}: {found['touch_share_pct']:.1f} % touched, {mib(found['base_bytes'])} "
              f"MiB beside the heap; peak recorded {mib(found['recorded_peak_bytes'])}, replayed "
              f"{mib(found['replayed_peak_bytes'])} MiB; error over time {found['error_pct']:.1f} %",
              flush=True)
    for row in program.answer["allocators"]:
        if row["problem"] is not None:
            raise Broken(f"replay: {row['allocator']}: {row['problem']}")
        program.heap[row["allocator"]] = row["heap_peak_bytes"]


def sign_verdicts(program, names):
    """(real difference, was its sign predicted) of each pair that differs by enough."""
    verdicts = []
    for i, one in enumerate(names):
        for other in names[i + 1:]:
            real = program.real[one] - program.real[other]
            if abs(real) > SIGN_FLOOR * min(program.real[one], program.real[other]):
                predicted = program.predicted(one) - program.predicted(other)
                verdicts.append((one, other, real, predicted, real * predicted > 0))
    return verdicts


def mib(value):
    return f"{value / (1 << 20):.1f}"


def print_answer(programs, names, options):
    rows = []
    for program in programs:
        for name in names:
            rows.append([program.name if name == names[0] else "", name,
                         mib(program.heap[name]), mib(program.predicted(name)),
                         mib(program.real[name]),
                         "" if name == BASE else f"{program.error(name) * 100:+.1f} %",
                         f"{program.real_spread[name] * 100:.1f} %"])
    head = ["program", "allocator", "heap in replay", "predicted", "real", "error", "real varies"]
    print("\n".join(lay_out.lay_out(head, rows, options.markdown)))
    errors = [abs(program.error(name)) for program in programs for name in names if name != BASE]
    verdicts = [(program.name, *verdict) for program in programs
                for verdict in sign_verdicts(program, names)]
    right = sum(verdict[-1] for verdict in verdicts)
    print()
    print(f"median error {statistics.median(errors) * 100:.1f} %, largest {max(errors) * 100:.1f} %, "
          f"{sum(error <= 0.05 for error in errors)} of {len(errors)} within 5 %")
    print(f"sign right in {right} of {len(verdicts)} pairs of allocators that really differ by over "
          f"{SIGN_FLOOR * 100:.0f} % ({right / max(1, len(verdicts)) * 100:.0f} %)")
    for name, one, other, real, predicted, is_right in verdicts:
        if not is_right:
            print(f"  wrong: {name}, {one} against {other}: really {real / (1 << 20):+.1f} MiB, "
                  f"predicted {predicted / (1 << 20):+.1f} MiB")
    return errors, verdicts


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="folder with allocaudit in it")
    parser.add_argument("--quick", action="store_true", help="small inputs")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--mode", default="auto", help="of the replay")
    parser.add_argument("--touch", default="first", help="the touch model of the replay")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="write all figures there, too")
    return parser.parse_args()


def main():
    options = parse_options()
    libraries = find_libraries()
    names = list(libraries)
    allocaudit = os.path.join(os.path.abspath(options.build), "allocaudit")
    folder = tempfile.mkdtemp(prefix="replay-accuracy-", dir=os.path.abspath(options.build))
    peak = compile_program("peak", folder)
    programs = []
    print(describe_machine(), flush=True)
    for name, make in workloads.REAL_MAKERS:
        if name in LEFT_OUT or (options.only and not any(word in name for word in options.only)):
            continue
        try:
            program = Program(name, make(Inputs(os.path.join(folder, "inputs"), None, options.quick)))
            measure_real(program, libraries, peak, folder, options.rounds)
            replay(program, libraries, allocaudit, folder, options)
        except (Missing, Broken) as problem:
            print(f"{name}: left out: {problem}", flush=True)
            continue
        programs.append(program)
        print(f"{name}: done", file=sys.stderr, flush=True)
    if not programs:
        return 1
    errors, verdicts = print_answer(programs, names, options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"errors": errors, "verdicts": verdicts,
                       "programs": [{"name": program.name, "real": program.real,
                                     "heap": program.heap, "answer": program.answer}
                                    for program in programs]}, file, indent=1)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
