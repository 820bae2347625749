"""Limits of frames and scopes, and the tests that are scopes by themselves."""

import json
import os

import harness
from gates import judge, run_test


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


def measured(document):
    return {row["option"]: row["measured"] for row in document["limits"]}


def record_scopes(test, *options):
    path = test.path("scopes.db")
    recorded = test.record([test.program("scope_leaks", "-pthread")], *options, out=path)
    test.equal(f"status of {recorded}", recorded.status, 0)
    return path


LEFT = """
scopes:
  lose: {leaked_count: {definite: 1, reachable: 0, max: 2}, leaked_bytes: {definite: = 200, p50: = 100}}
  keep: {leaked_count: {definite: 0, reachable: = 1}}
  late: {leaked_count: {definite: 0, reachable: 0, max: = 1}}
  small: {peak_bytes: = 10000, process_peak_bytes: = 1010330}
"""


def test_scopes_know_kinds_of_leaks_and_the_peak_of_the_process(test):
    """What is left of an entry's blocks at the end; what is freed later only outlives it."""
    budget = test.write("left.yaml", LEFT)
    ended = run_test(test, "--budget", budget, "--format", "json", "--", test.program("scope_leaks", "-pthread"), status=1)
    document = json.loads(ended.stdout[ended.stdout.index(b"{\n"):])
    [failed] = [row for row in document["limits"] if row["verdict"] == "FAIL"]
    test.equal("failed", (failed["option"], failed["measured"]), ("scopes 'lose': leaked_count, definite", 2))
    test.equal("where", failed["largest_sites"][0]["function"], "lose")
    unknown = measured(judge(test, record_scopes(test, "--leak-check", "no"), "-b", budget, status=1))
    test.equal("of unknown kind all that is left counts",
               [unknown[f"scopes '{name}': leaked_count, definite"] for name in ("lose", "keep", "late")], [2, 1, 0])
    known = test.write("known.supp", "leak:lose\n")
    path = record_scopes(test, "--leak-check", "yes")
    document = judge(test, path, "-b", budget, "--suppressions", known, status=1)
    test.equal("suppressed", measured(document)["scopes 'lose': leaked_count, definite"], 0)


def test_scopes_frames_threads_and_sites_leave_out_what_is_ignored(test):
    limits = """
scopes: {noisy: {allocation_count: 6}}
frames: {allocation_count: 20}
threads: {worker: {allocation_count: 10, allocated_bytes: 76}}
sites: {"noise*": {allocation_count: 12}}
allocation_count: 50
"""
    path = record_scopes(test)
    names = ("scopes 'noisy': allocation_count, max", "frames: allocation_count, max",
             "threads 'worker': allocation_count", "threads 'worker': allocated_bytes",
             "sites 'noise*': allocation_count", "allocation_count")
    for ignored, wanted in (("", (6, 13, 10, 76, 12, 24)), ("ignore: {functions: [noise, nothing_like_it]}\n",
                                                           (1, 8, 3, 27, 0, 12))):
        document = judge(test, path, "-b", test.write("ignore.yaml", limits + ignored), status=0)
        found = measured(document)
        test.equal(f"measured, {ignored!r}", tuple(found[name] for name in names), wanted)
    test.equal("ignored", document["limits"][-1]["ignored"], 12)
    test.equal("told", [note for note in document["notes"] if "(ignore)" in note],
               ["nothing that allocated is called 'nothing_like_it' (ignore)"])
    threads = test.write("threads.yaml", "threads: {worker: {allocation_count: 3}}\nignore: {functions: noise}\n")
    ended = test.allocaudit("gate", record_scopes(test, "--detail", "sites"), "-b", threads)
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("record without --detail sites" in ended.talk, f"{ended}")
    run_test(test, "--budget", threads, "--", test.program("scope_leaks", "-pthread"), status=0)


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
