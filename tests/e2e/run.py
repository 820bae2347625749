#!/usr/bin/env python3
"""Runs the end-to-end tests: every function test_* of the files test_*.py beside this one.

A function takes a harness.Test. One with an attribute `cases`, a list of (name, arguments), runs once for
each. A test fails by an exception, and is skipped by harness.Skip.
"""

import argparse
import concurrent.futures
import glob
import importlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402  (found through the line above)


def collect():
    """[(name, callable)] in the order of the files."""
    tests = []
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module_name = os.path.splitext(os.path.basename(path))[0]
        module = importlib.import_module(module_name)
        for function_name, function in vars(module).items():
            if not function_name.startswith("test_") or not callable(function):
                continue
            name = f"{module_name[5:]}.{function_name[5:]}"
            if not hasattr(function, "cases"):
                tests.append((name, function))
                continue
            for case, arguments in function.cases:
                tests.append((f"{name}[{case}]",
                              lambda test, f=function, a=arguments: f(test, *a)))
    return tests


def run_test(shared, name, function, options):
    """Returns (the harness.Test, verdict, text, seconds)."""
    scratch = os.path.join(options.scratch, re.sub(r"[^\w.]+", "_", name).strip("_"))
    os.mkdir(scratch)
    test = harness.Test(shared, name, scratch)
    start = time.monotonic()
    try:
        function(test)
        verdict, text = "PASS", "; ".join(test.notes)
    except harness.Skip as skip:
        verdict, text = "SKIP", str(skip)
    except (harness.Failure, AssertionError) as failure:
        verdict, text = "FAIL", str(failure)
    except Exception:  # a test that breaks is a test that fails
        verdict, text = "FAIL", traceback.format_exc()
    finally:
        test.close()
    seconds = time.monotonic() - start
    if not options.keep:
        shutil.rmtree(scratch, ignore_errors=True)
    return test, verdict, text, seconds


def repeat_command(name, options):
    command = ["tests/e2e/run.py", "--build", options.build, "--keep", "--filter",
               "^" + re.escape(name) + "$"]
    if options.wrap:
        command += ["--wrap", options.wrap]
    if options.long:
        command.append("--long")
    return shlex.join(command)


def parse_options():
    parser = argparse.ArgumentParser(description="end-to-end tests of allocaudit")
    parser.add_argument("--build", default="build/release", help="folder with allocaudit in it")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only tests that match")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folders and name them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--wrap", default="", metavar="COMMAND",
                        help="run allocaudit under this, as 'valgrind -q'")
    parser.add_argument("--long", action="store_true", help="larger inputs")
    parser.add_argument("--list", action="store_true", help="name the tests and stop")
    return parser.parse_args()


def main():
    options = parse_options()
    tests = [(name, function) for name, function in collect() if re.search(options.filter, name)]
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    shared = harness.Shared(options.build, shlex.split(options.wrap), options.long)
    if not os.access(shared.allocaudit, os.X_OK):
        print(f"{shared.allocaudit} is not there: build it first (make)", file=sys.stderr)
        return 1
    options.scratch = tempfile.mkdtemp(prefix="allocaudit-e2e-")
    tally = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = {pool.submit(run_test, shared, name, function, options): name
                   for name, function in tests}
        for future in concurrent.futures.as_completed(pending):
            name = pending[future]
            _, verdict, text, seconds = future.result()
            tally[verdict] += 1
            print(f"{verdict} {name} ({seconds:.1f} s)"
                  + (f"  {text}" if text and verdict != "FAIL" else ""))
            if verdict == "FAIL":
                print("".join(f"     | {line}\n" for line in text.splitlines())
                      + f"     repeat: {repeat_command(name, options)}")
            sys.stdout.flush()
    if options.keep:
        print(f"scratch folders: {options.scratch}")
    else:
        shutil.rmtree(options.scratch, ignore_errors=True)
    print(f"{tally['PASS']} passed, {tally['FAIL']} failed, {tally['SKIP']} skipped")
    return 1 if tally["FAIL"] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
