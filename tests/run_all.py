#!/usr/bin/python3
"""Runs the suites of allocaudit and counts what passed.

    tests/run_all.py --build build/release [--asan DIR] [--tsan DIR] [--only SUITE]...

Suites: lint, deep-lint (clang-tidy, cppcheck), unit, unit-asan, unit-tsan, e2e; by default all those
whose builds are given. The last line is "N passed, N failed".
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNIT_TIMEOUT_S = 300
LINT_TIMEOUT_S = 1200

LINT = ["check_layers.sh", "check_names.sh", "check_exports.sh", "check_headers.sh",
        "check_shell.sh", "check_format.sh"]
DEEP_LINT = ["check_tidy.sh", "check_cppcheck.sh"]


class Tally:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []  # (what, command that repeats it)

    def fail(self, what, command):
        self.failures.append((what, command))


def say(text=""):
    print(text, flush=True)


def show_indented(output):
    for line in output.rstrip().splitlines()[-60:]:
        say("      " + line)


def run_captured(command, timeout_s, environment=None):
    """Gives (status, output); a time-out or a program that is not there counts as a failure."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, timeout=timeout_s,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode(errors="replace")
        return 124, output + f"\nstill running after {timeout_s} s: ended\n"
    except OSError as error:
        return 127, f"{error}\n"


def run_scripts(suite, scripts, build, tally):
    say(f"== {suite}")
    for script in scripts:
        command = ["sh", os.path.join("tests/lint", script), build]
        started = time.monotonic()
        status, output = run_captured(command, LINT_TIMEOUT_S)
        took = f"{time.monotonic() - started:5.1f} s"
        if status == 77:
            tally.skipped += 1
            say(f"  skip  {script:<24} {output.strip()}")
        elif status == 0:
            tally.passed += 1
            say(f"  ok    {script:<24} {took}")
        else:
            tally.fail(f"{suite}: {script}", shlex.join(command))
            say(f"  FAIL  {script:<24} {took}")
            show_indented(output)


def count_tap(output):
    """Gives (planned, passed, skipped, failed names) of a cmocka program's TAP output."""
    planned, passed, skipped, failed = 0, 0, 0, []
    for line in output.splitlines():
        plan = re.match(r"1\.\.(\d+)\s*$", line)
        case = re.match(r"(not ok|ok) \d+ (?:- (.*)|(# SKIP .*))", line)
        if plan:
            planned += int(plan.group(1))
        elif case and case.group(3):
            skipped += 1
        elif case and case.group(1) == "ok":
            passed += 1
        elif case:
            failed.append(case.group(2))
    return planned, passed, skipped, failed


def sanitizer_environment():
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    return environment


def unit_programs(build, threaded_only):
    """The unit tests that there are sources for: a stale program of a removed test is not run."""
    folder = os.path.join(ROOT, "tests/unit")
    for name in sorted(os.listdir(folder)):
        if not re.fullmatch(r"test_\w+\.c", name):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as source:
            if threaded_only and not re.search(r"pthread_create|thrd_create", source.read()):
                continue
        yield os.path.join(build, "tests/unit", name[:-2])


def run_unit(suite, build, threaded_only, tally):
    say(f"== {suite}")
    for program in unit_programs(build, threaded_only):
        command = [program if os.path.isabs(program) else os.path.join(".", program)]
        status, output = run_captured(command, UNIT_TIMEOUT_S, sanitizer_environment())
        planned, passed, skipped, failed = count_tap(output)
        tally.passed += passed
        tally.skipped += skipped
        repeat = shlex.join(command)
        for name in failed:
            tally.fail(f"{suite}: {os.path.basename(program)}: {name}", repeat)
        # A crash, a leak report at exit, or an end before the last case fails beside the cases.
        finished = passed + skipped + len(failed)
        is_broken = (status != 0 and not failed) or finished < planned or planned == 0
        if is_broken:
            tally.fail(f"{suite}: {os.path.basename(program)}: status {status}, "
                       f"{finished} of {planned} cases ended", repeat)
        verdict = "FAIL" if failed or is_broken else "ok  "
        say(f"  {verdict}  {os.path.basename(program):<24} {passed} of {planned}"
            + (f", {skipped} skipped" if skipped else ""))
        if failed or is_broken:
            show_indented(output)


def run_e2e(build, tally):
    """Runs the end-to-end runner, shows its output as it comes, and takes over its last line."""
    command = [sys.executable, "tests/e2e/run.py", "--build", build]
    say("== e2e")
    last_count = None
    failures = []  # [what, command that repeats it]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             text=True, errors="replace")
    for line in child.stdout:
        count = re.match(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", line)
        failed = re.match(r"FAIL (\S+)", line)
        repeat = re.match(r"\s+repeat: (.*)", line)
        if count:
            last_count = count
        elif failed:
            failures.append([f"e2e: {failed.group(1)}", shlex.join(command)])
        elif repeat and failures:
            failures[-1][1] = repeat.group(1)
        say("  " + line.rstrip())
    status = child.wait()
    for what, repeat in failures:
        tally.fail(what, repeat)
    if last_count is None:
        tally.fail(f"e2e: ended with status {status} and without a count", shlex.join(command))
        return
    tally.passed += int(last_count.group(1))
    tally.skipped += int(last_count.group(3) or 0)
    # Trust neither the names nor the count nor the status alone.
    for number in range(len(failures), int(last_count.group(2))):
        tally.fail(f"e2e: failure {number + 1}, without a name", shlex.join(command))
    if status != 0 and not failures and last_count.group(2) == "0":
        tally.fail(f"e2e: status {status}", shlex.join(command))


def run_suites(options, tally):
    wanted = options.only
    if not wanted:
        wanted = ["lint", "deep-lint", "unit"] + (["unit-asan"] if options.asan else []) \
            + (["unit-tsan"] if options.tsan else []) + ["e2e"]
    if "lint" in wanted:
        run_scripts("lint", LINT, options.build, tally)
    if "deep-lint" in wanted:
        run_scripts("deep-lint", DEEP_LINT, options.build, tally)
    if "unit" in wanted:
        run_unit("unit", options.build, False, tally)
    if "unit-asan" in wanted:
        run_unit("unit-asan", options.asan, False, tally)
    if "unit-tsan" in wanted:
        run_unit("unit-tsan", options.tsan, True, tally)
    if "e2e" in wanted:
        run_e2e(options.build, tally)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder of the build under test")
    parser.add_argument("--asan", help="folder of the SAN=address,undefined build")
    parser.add_argument("--tsan", help="folder of the SAN=thread build")
    parser.add_argument("--only", action="append", default=[], metavar="SUITE",
                        choices=["lint", "deep-lint", "unit", "unit-asan", "unit-tsan", "e2e"])
    options = parser.parse_args()
    for suite, build in (("unit-asan", options.asan), ("unit-tsan", options.tsan)):
        if suite in options.only and not build:
            parser.error(f"{suite} needs its build folder")

    tally = Tally()
    run_suites(options, tally)
    say()
    for what, command in tally.failures:
        say(f"FAILED {what}")
        say(f"       repeat with: {command}")
    if tally.skipped:
        say(f"{tally.skipped} skipped")
    if tally.passed == 0 and not tally.failures:
        tally.fail("nothing was run", "")
    say(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
