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
