"""The bench itself: it runs, its figures are those of the runs, and its verdicts can fail."""

import json
import os
import sys

import harness

BENCH = os.path.join(harness.ROOT, "tests", "bench")


def load(name):
    if BENCH not in sys.path:
        sys.path.append(BENCH)
    return __import__(name)


def test_micro(test):
    out = test.path("figures.json")
    ended = test.run([sys.executable, os.path.join(BENCH, "run.py"), "--build", test.shared.build,
                      "--quick", "--rounds", "2", "--no-heaptrack", "--no-report", "--only",
                      "pairs 5 1", "--json", out])
    test.equal("status", ended.status, 0)
    with open(out, encoding="utf-8") as file:
        data = json.load(file)
    test.equal("workloads", [summary["name"] for summary in data["workloads"]],
               ["start", "pairs 5 1"])
    pairs = data["workloads"][1]
    ours, native = (pairs["tools"][tool] for tool in ("allocaudit", "native"))
    test.equal("allocations", ours["allocation_count"], pairs["call_count"])
    test.equal("rounds", len(ours["runs"]), 2)
    test.check(ours["wall_ratio"] > 1, f"recording is free: {ours['wall_ratio']}")
    test.check(0 < native["own_ns"] < native["cpu_ns"] * 1.1 + 1e6, "more than all CPU there was")
    test.check(pairs["peer"] is None, "compared with heaptrack, which was left out")


def test_collector_alone(test):
    program = os.path.join(test.shared.build, "bench", "collecting")
    for arguments, row_count in ((["rows", "30000"], 30000),
                                 (["drain", "30000", "1", "1", "16"], 30000),
                                 (["drain", "30000", "8", "1000", "5000"], 30000)):
        ended = test.run([program, *arguments, test.scratch])
        test.equal("status", ended.status, 0)
        found = dict(line.split() for line in ended.stdout.decode().splitlines())
        test.equal(f"rows of {' '.join(arguments)}", int(found["row_count"]), row_count)
        test.check(int(found["cpu_ns"]) > 0, "no time was counted")
    test.equal("files left behind", os.listdir(test.scratch), [])


def test_unrecorded_program_pays_next_to_nothing(test):
    """As after the collector's death: the hooks must pass everything on at once."""
    test.need("valgrind")
    instructions, bench = load("instructions"), load("bench")
    folder = os.path.join(test.shared.build, "bench")
    pairs = bench.compile_program("pairs", folder)
    counts = []
    for preload in ([], [f"LD_PRELOAD={test.shared.build}/liballocaudit.so"]):
        found = [instructions.count_once([pairs, "1", "1", str(count)], test.scratch,
                                         ["env", *preload]) for count in (1000, 21000)]
        counts.append((found[1] - found[0]) / 20000)
    test.check(counts[0] + 1 < counts[1] < counts[0] + 20,
               f"instructions of a pair, natively and with the library: {counts}")


def test_target_verdicts(test):
    targets = load("targets")

    def verdict(value, is_least, goal="8x"):
        target = targets.Target("", "4x", goal)
        return target.judge(value, 4, 8 if goal else None, is_least).verdict()
    test.equal("at least", [verdict(value, True) for value in (3.9, 4, 7.9, 8)],
               ["MISSED", "floor met", "floor met", "goal met"])
    test.equal("at most", [targets.Target("", "4", "2").judge(value, 4, 2).verdict()
                           for value in (4.1, 4, 2)], ["MISSED", "floor met", "goal met"])
    test.equal("no goal", [verdict(value, True, "") for value in (3, 5)], ["MISSED", "floor met"])
    test.equal("unknown", verdict(None, True), "not measured")


def test_times_less_pairs_rounds(test):
    figures = load("figures")

    class Run:
        def __init__(self, wall_ns):
            self.wall_ns = wall_ns

    result = figures.Result(None)
    # the second round is twice as slow for all: its ratio is the same
    result.runs = {"native": [Run(100), Run(200)], "allocaudit": [Run(150), Run(300)],
                   "heaptrack": [Run(500), Run(1000)]}
    test.equal("each round", result.times_less("heaptrack", figures.wall), [8, 8])
    test.equal("best runs", result.best_times_less("heaptrack", figures.wall), 8)
    result.runs["allocaudit"][1].wall_ns = 180  # by chance shorter than native: no ratio
    test.equal("without the odd one", result.times_less("heaptrack", figures.wall), [8])


def selected(advice, verdict="change"):
    real = {"glibc": {"score": 0.0, "breach": [], "changes": {}},
            "mimalloc": {"score": -0.2, "breach": [], "changes": {}},
            "mimalloc, keeps memory": {"score": -0.21, "breach": [], "changes": {}},
            "tcmalloc": {"score": -0.4, "breach": ["peak_rss"], "changes": {}}}
    return {"kind": "many threads", "said": "tcmalloc", "goal": "speed", "command": "app", "verdict": verdict,
            "advice": advice, "confidence": None, "real": real,
            "folklore": [{"allocator": "tcmalloc", "holds": False}]}


def test_selection_agrees_with_what_the_goal_allows(test):
    selection = load("selection")
    test.equal("oracle", selection.oracle_of(selected("glibc")), "mimalloc, keeps memory")
    test.check(selection.agrees(selected("mimalloc")), "within 2 % of the best")
    test.check(not selection.agrees(selected("glibc")), "21 % from the best")
    test.check(not selection.agrees(selected("tcmalloc")), "breaks a limit")
    test.check(not selection.agrees(selected("mimalloc", "insufficient_evidence")), "not told")
    test.equal("saying", selection.saying_of(selected("mimalloc")),
               ["tcmalloc", "(-40.0 %)", "does not hold", "does not hold"])
    test.check("| yes |" in selection.describe([selected("mimalloc")]), "the table says so")


def test_story_reads_the_heap_over_time(test):
    session_story = load("session_story")
    recorded = test.record([test.sample_app("leaky_server"), "--requests", "2000000"], "-q", "--introspect", "5ms")
    rows = session_story.heap_rows(recorded.path, "glibc")
    test.equal("moments", len(rows), session_story.MOMENTS)
    for _, requested, allocated, *_, mapped, resident, share in rows:
        test.check(0 < float(requested) <= float(resident), f"{rows}")
        test.check(float(allocated) <= float(mapped) and share.endswith(" %"), f"{rows}")
