"""`allocaudit gate`, `baseline` and `test`: budgets, baselines, and the forms that machines read.

tests/programs/gate_work.c allocates what its arguments say, so every verdict has a known answer.
"""

import json
import os
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree

import harness


def record(test, *arguments, name="gate.db", env=None):
    recorded = test.record([test.program("gate_work"), *map(str, arguments)], "--detail", "sites",
                           out=test.path(name), env=env)
    test.equal(f"status of {recorded}", recorded.status, 0)
    return recorded.path


def judge(test, path, *arguments, status):
    """The JSON document of a gate."""
    ended = test.allocaudit("gate", path, "--format", "json", *arguments)
    test.equal(f"status of {ended}", ended.status, status)
    return json.loads(ended.stdout)


def row(rows, **wanted):
    return next(row for row in rows if all(row.get(key) == value for key, value in wanted.items()))


def refused(test, ended, status):
    """One line that says why, and at most the hint at --help."""
    test.equal(f"status of {ended}", ended.status, status)
    test.equal("stdout", ended.stdout, b"")
    test.equal(f"lines of {ended}", len(ended.talk.splitlines()), 1)


# ---- budgets ---------------------------------------------------------------------------------------------


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


def test_baseline_counts_the_kinds_of_the_gate(test):
    """Definite and indirect ones by default, as the text says; else all, as where kinds are not known."""
    program = test.program("gate_kin")
    path = test.path("kin.db")
    test.record([program], "--leak-check", "yes", out=path)
    baseline = baseline_of(test, path)
    with open(baseline, encoding="utf-8") as file:
        text = file.read()
    test.check("leak_kinds: definite, indirect\n" in text and "  leaked_count: 21\n" in text, text)
    document = judge(test, path, "--baseline", baseline, status=0)
    test.equal("leaks", changed(document, "leaked_count")["now"], 21)
    ended = test.allocaudit("gate", path, "--baseline", baseline, "--leak-kinds", "reachable")
    refused(test, ended, 2)
    test.check("counts definite, indirect: write it anew" in ended.talk, f"{ended}")
    reachable = test.allocaudit("baseline", path, "--leak-kinds", "reachable").stdout.decode()
    test.check("leak_kinds: reachable\n" in reachable and "  leaked_count: 2\n" in reachable, reachable)
    unknown = test.path("unknown.db")
    test.record([program], "--leak-check", "no", out=unknown)
    document = judge(test, unknown, "--baseline", baseline, status=0)
    test.equal("verdict", changed(document, "leaked_count")["verdict"], "not judged")
    plain = test.allocaudit("baseline", unknown).stdout.decode()
    test.check("leak_kinds" not in plain and "  leaked_count: 24\n" in plain, plain)
    ended = test.allocaudit("baseline", path, unknown)
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("another --leak-check" in ended.talk, f"{ended}")
    run_test(test, "--baseline", baseline, "--update", "--leak-kinds", "definite", "-n", "1", "--", program, status=0)
    run_test(test, "--baseline", baseline, "--", program, status=0)


# ---- frames and scopes -----------------------------------------------------------------------------------


NO_ALLOCATIONS = "frames: {allocation_count: {p99: 0, max: 0}}\n"


def test_frames_without_allocations(test):
    """A game of pools allocates nothing after its warm-up; with one strdup a kill, the gate names it."""
    game = test.sample_app("game_loop")
    budget = test.write("frames.yaml", NO_ALLOCATIONS)
    run_test(test, "--budget", budget, "--", game, "--pooled", status=0)
    ended = run_test(test, "--budget", budget, "--format", "json", "--", game, "--pooled", "--log", status=1)
    text = ended.stdout.decode()
    limits = json.loads(text[text.index("{\n"):])["limits"]
    test.equal("verdicts", [row["verdict"] for row in limits], ["FAIL", "FAIL"])
    test.equal("most allocations in a frame", limits[1]["measured"], 1)
    test.equal("culprit", limits[0]["largest_sites"][0]["function"], "kill_log")


def test_frames_need_every_call(test):
    game = test.sample_app("game_loop")
    budget = test.write("frames.yaml", NO_ALLOCATIONS)
    ended = run_test(test, "--budget", budget, "--detail", "sites", "--", game, "--pooled", status=3)
    test.check("need every allocation: record without --detail sites" in ended.talk, f"{ended}")


def test_frames_that_never_end_are_told(test):
    path = test.path("full.db")
    test.record([test.program("gate_work"), "10"], out=path)
    budget = test.write("frames.yaml", NO_ALLOCATIONS + "scopes: {parse: {allocation_count: 1}}\n")
    notes = judge(test, path, "-b", budget, status=0)["notes"]
    test.check(any("ended no frames" in note for note in notes), f"{notes}")
    test.check(any("no scope is called 'parse'" in note for note in notes), f"{notes}")


def test_every_test_of_cmocka_is_a_scope(test):
    """With no change to the tests; one that fails, and leaves by longjmp, disturbs no other."""
    suite = test.program("cmocka_suite")
    budget = test.write("suite.yaml", """
scopes:
  test_three: {allocation_count: 3}
  test_*s: {leaked_count: 0}
  test_none: {allocation_count: 0}
""")
    ended = run_test(test, "--budget", budget, "--format", "json", "--", suite, status=1)
    limits = json.loads(ended.stdout[ended.stdout.index(b"{\n"):])["limits"]
    test.equal("verdicts", [row["verdict"] for row in limits], ["PASS", "FAIL", "PASS"])
    test.equal("forgotten", limits[1]["measured"], 1)
    path = test.path("failing.db")
    test.record([suite], out=path, env={"SUITE_FAILS": "1"})
    answer = json.loads(test.allocaudit("report", path, "scopes", "--format", "json").stdout)
    counts = {row["name"]: row["allocation_count"] for row in answer["scopes"]}
    test.equal("counts", {name: counts[name] for name in ("test_three", "test_none", "test_forgets")},
               {"test_three": 3, "test_none": 0, "test_forgets": 1})


def need_header(test, header, package):
    if not os.path.exists(os.path.join("/usr/include", header)):
        raise harness.Skip(f"{package} is not installed")


def test_every_test_of_criterion_is_a_scope(test):
    """Each in a process of its own, all in one recording."""
    need_header(test, "criterion/criterion.h", "libcriterion-dev")
    budget = test.write("suite.yaml", """
scopes:
  blocks::three: {allocation_count: = 3, temporary_count: = 3}
  blocks::none: {allocation_count: 0}
  "*::*": {leaked_count: 0}
""")
    ended = run_test(test, "--budget", budget, "--format", "json", "--", test.program("criterion_suite"), status=1)
    limits = json.loads(ended.stdout[ended.stdout.index(b"{\n"):])["limits"]
    test.equal("verdicts", [(row["pattern"], row["verdict"], row["measured"]) for row in limits],
               [("blocks::three", "PASS", 3), ("blocks::three", "PASS", 3), ("blocks::none", "PASS", 0),
                ("*::*", "FAIL", 1)])
    test.equal("forgotten by", limits[-1]["largest_sites"][0]["function"], "leaks_forgets_impl")


def test_every_test_of_googletest_is_a_scope(test):
    """By a listener that one file of the tests brings along. Two blocks of each are GoogleTest's own."""
    need_header(test, "gtest/gtest.h", "libgtest-dev")
    suite = test.program("gtest_suite")
    for env, forgotten in (({}, 1), ({"SUITE_FAILS": "1"}, 0)):
        recorded = test.record([suite], env=env)
        test.equal("status", recorded.status, int(bool(env)))
        answer = json.loads(test.allocaudit("report", recorded.path, "scopes", "--format", "json").stdout)
        counts = {row["name"]: (row["allocation_count"], row["survivor_count"]) for row in answer["scopes"]}
        test.equal("scopes", {name: counts[name] for name in ("Blocks.Three", "Blocks.None", "Fixture.Two")},
                   {"Blocks.Three": (5, 0), "Blocks.None": (2, 0), "Fixture.Two": (4, 0)})
        test.equal("forgotten", counts["Leaks.Forgets"][1] >= forgotten, True)
    test.equal("where nobody records", test.run([suite]).status, 0)


# ---- baselines -------------------------------------------------------------------------------------------


def baseline_of(test, *paths):
    baseline = test.path("baseline.yaml")
    ended = test.allocaudit("baseline", *paths, "-o", baseline)
    test.equal(f"status of {ended}", ended.status, 0)
    return baseline


def changed(document, name):
    return row(document["baseline"], name=name)


def test_baseline_holds_what_repeats(test):
    baseline = baseline_of(test, record(test, 1000, 5, 2))
    document = judge(test, record(test, 1000, 5, 2), "--baseline", baseline, status=0)
    test.equal("verdicts", {line["verdict"] for line in document["baseline"]}, {"same"})


def test_baseline_is_the_same_text_each_time(test):
    texts = set()
    for _ in range(3):
        path = record(test, 1000, 5, 2)
        ended = test.allocaudit("baseline", path)
        texts.add(ended.stdout)
    test.equal("different texts", len(texts), 1)


def test_baseline_names_what_moved_most(test):
    """One malloc more on each of seven turns: the gate fails and says where."""
    program = test.program("gate_work")
    baseline = test.path("old.db")
    test.record([program, "1000", "0", "2"], out=baseline)
    path = test.path("new.db")
    test.record([program, "1000", "7", "2"], out=path)
    document = judge(test, path, "--baseline", baseline, status=1)
    change = changed(document, "allocation_count")
    test.equal("verdict", change["verdict"], "MORE")
    test.equal("change", change["change"], 7)
    site = change["largest_sites"][0]
    test.equal("site", (site["path"], site["old"], site["now"]), ("extra < main", 0, 7))
    test.equal("leaks", changed(document, "leaked_count")["verdict"], "same")
    summary = test.path("summary.md")
    ended = test.allocaudit("gate", path, "--baseline", baseline, "--markdown", summary)
    test.check("More: allocaudit report sites --sort count -i " in ended.stdout.decode(), f"{ended}")
    with open(summary, encoding="utf-8") as file:
        test.check("\nMore: `allocaudit report sites --sort count -i " in file.read(), "no command in the summary")


def test_baseline_that_got_better(test):
    """It passes and says so; with --strict the status is 4."""
    baseline = baseline_of(test, record(test, 1000, 5, 2))
    path = record(test, 1000, 5, 1)
    document = judge(test, path, "--baseline", baseline, status=0)
    test.equal("verdict", changed(document, "leaked_count")["verdict"], "less")
    test.equal("better_count", document["gate"]["better_count"] > 0, True)
    judge(test, path, "--baseline", baseline, "--strict", status=4)
    judge(test, record(test, 1000, 9, 1), "--baseline", baseline, "--strict", status=1)


def test_baseline_gives_room_to_what_varied(test):
    """Two recordings ten apart: up to fifty above is their own jitter, more is not."""
    paths = [record(test, 1000, name=f"{jitter}.db", env={"GATE_WORK_JITTER": str(jitter)})
             for jitter in (10, 20)]
    baseline = baseline_of(test, *paths)
    for jitter, status in ((15, 0), (70, 0), (71, 1)):
        path = record(test, 1000, env={"GATE_WORK_JITTER": str(jitter)})
        judge(test, path, "--baseline", baseline, "--tolerance", "0", status=status)
    judge(test, path, "--baseline", baseline, "--tolerance", "10%", status=0)


def test_wrong_baselines_are_refused(test):
    path = record(test, 10)
    text = test.write("foreign.yaml", "jobs: {build: 1}\n")
    broken = test.path("broken.db")
    with open(path, "rb") as file, open(broken, "wb") as out:
        out.write(file.read()[:5000])
    for arguments, status in ((("--baseline", text), 2), (("--baseline", test.path("none")), 3),
                              (("--baseline", broken), 3), (("--tolerance", "1%"), 2), (("--strict",), 2),
                              (("--baseline", path, "--tolerance", "x"), 2),
                              (("--baseline", path, "--process", "1"), 2)):
        ended = test.allocaudit("gate", path, *arguments)
        refused(test, ended, status)
    other = test.path("other.db")
    test.record(["true"], out=other)
    ended = test.allocaudit("baseline", path, other)
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("of another command" in ended.talk, f"{ended}")


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


def test_forms_that_cannot_be_written(test):
    path = record(test, 10)
    ended = test.allocaudit("gate", path, "--max-leaks", "5", "--junit", test.path("no", "such", "folder"))
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("cannot write" in ended.talk, f"{ended}")


# ---- test ------------------------------------------------------------------------------------------------


def run_test(test, *arguments, status, env=None):
    ended = test.allocaudit("test", "-o", test.path("test.db"), *arguments, env=env, cwd=test.path())
    test.equal(f"status of {ended}", ended.status, status)
    return ended


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
    ended = test.allocaudit("run", "-q", "--follow=no", "--detail", "sites", "-o", path, "--",
                            test.shared.allocaudit, *arguments)
    test.equal(f"status of {ended}", ended.status, 0)
    return path


def hold(test, path, budget):
    ended = test.allocaudit("gate", path, "--budget", os.path.join(harness.ROOT, "tests", "budgets", budget))
    test.equal(f"{ended}", ended.status, 0)


def test_our_collector_keeps_its_budget(test):
    """What it allocates does not grow with what it records."""
    inner = test.path("inner.db")
    path = record_ourselves(test, "run", "-q", "-o", inner, "--", test.program("gate_work"), "300000")
    test.check(test.open(inner).run["allocation_count"] >= 300000, "the inner recording is not whole")
    hold(test, path, "collector.yaml")


def test_our_report_keeps_its_budget(test):
    inner = record(test, 300000, 20, 5)
    hold(test, record_ourselves(test, "report", inner), "report.yaml")
