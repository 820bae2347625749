"""What `allocaudit gate` writes for machines, and `allocaudit test`; our own budgets."""

import os
import subprocess
import sys
import xml.etree.ElementTree

import harness
from gates import baseline_of, judge, record, refused, run_test


# ---- forms -----------------------------------------------------------------------------------------------


def test_forms_for_machines(test):
    """JUnit XML parses and counts alike, Markdown is appended, annotations name file and line."""
    path = record(test, 1000, 20, 3)
    budget = test.write("budget.yaml", "leaked_count: 2\nfunctions: {extra: {allocation_count: 50}}\n")
    markdown = test.write("summary.md", "before\n")
    junit = test.path("gate.xml")
    ended = test.allocaudit("gate", path, "-b", budget, "--junit", junit, "--markdown", markdown, "--github")
    test.equal(f"status of {ended}", ended.status, 1)
    suite = xml.etree.ElementTree.parse(junit).getroot()
    test.equal("tests", (suite.get("tests"), suite.get("failures")), ("2", "1"))
    failure = suite.find(".//failure")
    test.equal("message", failure.get("message"), "3, at most 2 allowed")
    test.check("forget" in failure.text, failure.text)
    with open(markdown, encoding="utf-8") as file:
        text = file.read()
    test.check(text.startswith("before\n### Allocations: gate failed"), text)
    test.check("| **FAIL** | leaked\\_count | 3, at most 2 allowed | forget" in text, text)
    test.check("| pass | functions 'extra': allocation\\_count | 20, at most 50 allowed |" in text, text)
    lines = [line for line in ended.stdout.decode().splitlines() if line.startswith("::")]
    test.equal("annotations", len(lines), 1)
    test.check(lines[0].startswith("::error file=") and "gate_work.c,line=" in lines[0], lines[0])
    test.check("title=leaked_count::3, at most 2 allowed; most of it: forget" in lines[0], lines[0])


def test_forms_tell_what_strict_fails(test):
    """A job that ends with status 4 has a failed test and an error to show."""
    baseline = baseline_of(test, record(test, 1000))
    junit = test.path("gate.xml")
    path = record(test, 900)
    for options, status, failures, command in (((), 0, "0", "::notice "), (("--strict",), 4, "3", "::error ")):
        ended = test.allocaudit("gate", path, "--baseline", baseline, "--junit", junit, "--github", *options)
        test.equal(f"status of {ended}", ended.status, status)
        suite = xml.etree.ElementTree.parse(junit).getroot()
        test.equal("failures", suite.get("failures"), failures)
        test.equal("annotations", ended.stdout.decode().count(f"\n{command}file="), 3)


def test_forms_that_cannot_be_written(test):
    path = record(test, 10)
    ended = test.allocaudit("gate", path, "--max-leaks", "5", "--junit", test.path("no", "such", "folder"))
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("cannot write" in ended.talk, f"{ended}")


# ---- test ------------------------------------------------------------------------------------------------


def test_test_records_and_judges(test):
    program = test.program("gate_work")
    ended = run_test(test, "--max-leaks", "2", "--", program, "10", "0", "2", status=0)
    test.check("writing the recording" in ended.talk, f"{ended}")
    ended = run_test(test, "--max-leaks", "2", "--", program, "10", "0", "3", status=1)
    test.check(b"forget" in ended.stdout, f"{ended}")
    report = test.allocaudit("report", test.path("test.db"))
    test.equal("the recording is kept", report.status, 0)


def test_test_writes_and_holds_a_baseline(test):
    program = test.program("gate_work")
    baseline = test.path("allocs.yaml")
    run_test(test, "--baseline", baseline, "--update", "-n", "2", "--", program, "100", status=0)
    run_test(test, "--baseline", baseline, "--", program, "100", status=0)
    ended = run_test(test, "--baseline", baseline, "--", program, "101", status=1)
    test.equal("runs", ended.talk.count("writing the recording"), 3)
    run_test(test, "--baseline", baseline, "--tolerance", "2%", "--", program, "101", status=0)
    run_test(test, "--baseline", baseline, "--update", "-n", "1", "--", program, "101", status=0)
    run_test(test, "--baseline", baseline, "--", program, "101", status=0)


def test_test_tells_what_may_not_be_meant(test):
    """A budget that lies there and was not read; a program that allocates nothing."""
    test.write("allocaudit.yaml", "leaked_count: 0\n")
    ended = run_test(test, "--max-leaks", "0", "--", test.program("gate_work"), "1", status=0)
    test.check(b"note: ./allocaudit.yaml was not read" in ended.stdout, f"{ended}")
    ended = run_test(test, "--", test.program("gate_work"), "0", status=0)
    test.check(b"allocaudit.yaml was not read" not in ended.stdout, f"{ended}")
    test.check(b"note: nothing was allocated" in ended.stdout, f"{ended}")


def test_test_passes_on_what_the_program_says(test):
    """A failing program is not judged, whatever the limits."""
    ended = run_test(test, "--max-leaks", "0", "--", "sh", "-c", "echo out; exit 7", status=7)
    test.equal("stdout", ended.stdout, b"out\n")
    run_test(test, "--max-leaks", "0", "--", test.path("missing"), status=127)


def test_test_wrong_usage_runs_nothing(test):
    mark = test.path("ran")
    for arguments in (["--update", "--"], ["-n", "3", "--max-leaks", "0", "--"], ["--"], ["--budget", mark, "--"]):
        ended = test.allocaudit("test", *arguments, "touch", mark, cwd=test.path())
        refused(test, ended, 3 if "--budget" in arguments else 2)
        test.check(not os.path.exists(mark), f"{ended} has run the command")
    ended = test.allocaudit("test", "--max-leaks", "0")
    test.equal(f"status of {ended}", ended.status, 2)


def test_verdicts_do_not_flip(test):
    """The same program against its own baseline, again and again; `make test-gate` is longer."""
    runs = test.size(3, 20)
    done = subprocess.run([sys.executable, os.path.join(harness.ROOT, "tests", "gate_stability.py"), "--build",
                           test.shared.build, "--runs", str(runs), "--only", "perl", "--only", "sqlite3",
                           "--only", "worker_pool"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True)
    test.equal(f"status: {done.stdout}", done.returncode, 0)


# ---- ourselves -------------------------------------------------------------------------------------------


def record_ourselves(test, *arguments):
    path = test.path("ourselves.db")
    ended = test.allocaudit("run", "-q", "--follow=no", "--detail", "sites", "--leak-check", "yes", "-o", path, "--",
                            test.shared.allocaudit, *arguments)
    test.equal(f"status of {ended}", ended.status, 0)
    return path


def hold(test, path, name):
    """All limits hold, and those of allocations are near to what there is: a wide one would hold anything."""
    budget = os.path.join(harness.ROOT, "tests", "budgets", name)
    limits = judge(test, path, "--budget", budget, status=0)["limits"]
    wide = [f"{row['option']}: {row['measured']}, {row['limit']} allowed" for row in limits
            if row["name"] == "allocation_count" and row["measured"] < 0.75 * row["limit"]]
    test.equal("too wide", wide, [])


def test_our_collector_keeps_its_budget(test):
    """What it allocates does not grow with what it records."""
    inner = test.path("inner.db")
    path = record_ourselves(test, "run", "-q", "-o", inner, "--", test.program("gate_work"), "300000")
    test.check(test.open(inner).run["allocation_count"] >= 300000, "the inner recording is not whole")
    hold(test, path, "collector.yaml")


def test_our_report_keeps_its_budget(test):
    inner = record(test, 300000, 20, 5)
    hold(test, record_ourselves(test, "report", inner), "report.yaml")
