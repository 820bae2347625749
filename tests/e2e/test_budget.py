"""Budgets: what they limit, and how wrong ones are refused."""

import os
import sqlite3

from gates import judge, record, refused, row, run_test


def test_budget_limits_functions_and_modules(test):
    """What a function and everything beneath it may do, and a module by itself."""
    path = record(test, 1000, 20, 3)
    budget = test.write("budget.yaml", """
# what gate_work may do
functions:
  extra: {allocation_count: 19}
  steady: {allocation_count: = 1000, allocated_bytes: 64000}
  forget: {leaked_bytes: 300, leaked_count: 2}
modules:
  gate_work: {allocation_count: 1022}
  libnever*: {allocation_count: 0}
""")
    document = judge(test, path, "--budget", budget, status=1)
    limits = document["limits"]
    for wanted, verdict, measured in (
            ({"pattern": "extra"}, "FAIL", 20),
            ({"pattern": "steady", "name": "allocation_count"}, "PASS", 1000),
            ({"pattern": "steady", "name": "allocated_bytes"}, "PASS", 64000),
            ({"pattern": "forget", "name": "leaked_bytes"}, "PASS", 300),
            ({"pattern": "forget", "name": "leaked_count"}, "FAIL", 3),
            ({"pattern": "gate_work"}, "FAIL", 1023),
            ({"pattern": "libnever*"}, "PASS", 0)):
        found = row(limits, **wanted)
        test.equal(f"verdict of {wanted}", found["verdict"], verdict)
        test.equal(f"measured of {wanted}", found["measured"], measured)
    test.equal("line", row(limits, pattern="extra")["line"], 4)
    test.equal("culprit", row(limits, pattern="extra")["largest_sites"][0]["function"], "extra")
    test.check(any("libnever" in note for note in document["notes"]), f"{document['notes']}")


def test_budget_ignores_what_it_is_told_to(test):
    path = record(test, 1000, 20, 3)
    budget = test.write("budget.yaml", "allocation_count: 23\nignore: {functions: [steady]}\n")
    test.equal("measured", judge(test, path, "-b", budget, status=0)["limits"][0]["measured"], 23)
    budget = test.write("budget.yaml", "allocation_count: 0\nignore: {modules: gate_work}\n")
    test.equal("measured", judge(test, path, "-b", budget, status=0)["limits"][0]["measured"], 0)


def test_names_that_fit_nothing_are_told_with_the_nearest(test):
    path = test.path("kin.db")
    test.record([test.program("gate_kin")], out=path)
    notes = judge(test, path, "-b", test.write("typos.yaml", """
functions: {lsoe: {allocation_count: 0}, zebra: {allocation_count: 0}, "lsoe*": {allocation_count: 0}}
modules: {gate_kim: {allocation_count: 0}}
threads: {worke: {allocation_count: 0}}
processes: {gatekin: {allocation_count: 0}}
scopes: {prat: {allocation_count: 0}}
"""), status=0)["notes"]
    told = [note.split("called ")[1] for note in notes if "called" in note]
    test.equal("notes", told, ["'lsoe' (functions): did you mean 'lose'?", "'zebra' (functions)", "'lsoe*' (functions)",
                               "'gate_kim' (modules): did you mean 'gate_kin'?",
                               "'worke' (threads): did you mean 'worker'?",
                               "'gatekin' (processes): did you mean 'gate_kin'?", "'prat': did you mean 'part'?"])


def test_budget_of_the_folder_is_found(test):
    path = record(test, 10)
    test.write("allocaudit.yaml", "leaked_count: 0\n")
    ended = test.allocaudit("gate", path, cwd=test.path())
    test.equal(f"status of {ended}", ended.status, 0)
    ended = test.allocaudit("gate", path, cwd=os.path.dirname(test.path()))
    test.equal(f"status of {ended}", ended.status, 2)
    test.check("no limit given" in ended.talk, f"{ended}")


def test_wrong_budgets_are_refused_with_their_place(test):
    path = record(test, 10)
    for text, told in (("leaked_cont: 0\n", ":1:1: unknown word 'leaked_cont': did you mean 'leaked_count'?"),
                       ("a: [\n", "no valid YAML"), ("", "it is empty"),
                       ("ignore: {functions: x}\n", "it holds no limit"),
                       ("peak_bytes: 3 parsec\n", "unknown unit")):
        budget = test.write("budget.yaml", text)
        ended = test.allocaudit("gate", path, "--budget", budget)
        refused(test, ended, 2)
        test.check(told in ended.talk, f"{text!r}: {ended}")
    ended = test.allocaudit("gate", path, "--budget", test.path("none.yaml"))
    test.equal(f"status of {ended}", ended.status, 3)


# ---- kinds of leaks, threads, processes -------------------------------------------------------------------


KIN = """
leak_kinds: [definite, indirect]
leaked_count: {definite: 20, reachable: 1}
sites:
  work: {temporary_count: = 50}
  "lose < *": {leaked_count: = 21}
threads:
  worker: {temporary_count: = 50, leaked_count: = 3, leaked_bytes: {definite: 300}}
scopes:
  part: {temporary_count: = 2}
processes:
  gate_kin: {leaked_count: 8, allocation_count: 70}
"""


def test_budget_limits_kinds_threads_and_processes(test):
    """Every figure is what the program says of itself; of several processes the largest counts."""
    path = test.path("kin.db")
    test.record([test.program("gate_kin")], "--leak-check", "yes", out=path)
    document = judge(test, path, "--budget", test.write("kin.yaml", KIN), status=1)
    limits = document["limits"]
    measured = [(row["option"], row["verdict"], row["measured"]) for row in limits]
    test.equal("limits", measured, [
        ("leaked_count, definite", "FAIL", 21),
        ("leaked_count, reachable", "FAIL", 2),
        ("sites 'work': temporary_count", "PASS", 50),
        ("sites 'lose < *': leaked_count", "PASS", 21),
        ("threads 'worker': temporary_count", "PASS", 50),
        ("threads 'worker': leaked_count", "PASS", 3),
        ("threads 'worker': leaked_bytes, definite", "PASS", 300),
        ("scopes 'part': temporary_count, max", "PASS", 2),
        ("processes 'gate_kin': leaked_count", "FAIL", 9),
        ("processes 'gate_kin': allocation_count", "PASS", measured[-1][2])])
    test.equal("culprit", row(limits, name="leaked_count", pattern="gate_kin")["largest_sites"][0]["function"], "lose")
    [worst] = sqlite3.connect(path).execute("SELECT process_id FROM site GROUP BY process_id "
                                            "ORDER BY sum(leaked_count) DESC LIMIT 1").fetchone()
    test.equal("the process", row(limits, name="leaked_count", pattern="gate_kin")["process_id"], worst)
    test.check(any("these kinds count: definite, indirect" in note for note in document["notes"]), str(document["notes"]))


def test_budget_takes_suppressions(test):
    """Found beside the budget, wherever the gate runs; options come before it."""
    path = test.path("kin.db")
    test.record([test.program("gate_kin")], "--leak-check", "yes", out=path)
    test.write("known.supp", "leak:^work$\n")
    budget = test.write("kin.yaml", "suppressions: known.supp\nleaked_count: 0\n"
                                    "threads: {worker: {leaked_count: 0}}\n")
    document = judge(test, path, "-b", budget, status=1)
    test.equal("measured", [line["measured"] for line in document["limits"]], [18, 0])
    test.check(any("suppressed by leak:^work$: 3 blocks" in note for note in document["notes"]), str(document["notes"]))
    document = judge(test, path, "-b", budget, "--leak-kinds", "reachable", status=1)
    test.equal("measured", [line["measured"] for line in document["limits"]], [2, 0])
    missing = test.write("missing.yaml", "suppressions: none.supp\nleaked_count: 0\n")
    ended = test.allocaudit("gate", path, "-b", missing)
    refused(test, ended, 3)
    test.check("none.supp" in ended.talk, f"{ended}")


def test_test_looks_at_kinds_where_leaks_are_limited(test):
    """What is kept until the end is no leak; without a limit of leaks nobody waits for the search."""
    program = test.program("gate_kin")
    ended = run_test(test, "--max-leaks", "7", "--format", "json", "--", program, "child", "7", status=0)
    test.check(b"these kinds count" in ended.stdout, f"{ended}")
    run_test(test, "--max-allocs", "70", "--", program, "child", "7", status=0)
    test.equal("leak_check", test.open(test.path("test.db")).processes[0]["leak_check"], "off")
