"""`run --sample`: estimates against the truth, and what a sample must never disturb."""

import math
import os

from harness import Skip
from test_recover import Killed, recover

SEEDS = 20
SAMPLE_BYTES = 8192
COLUMNS = ("allocation_count", "allocated_bytes", "leaked_count", "leaked_bytes")


def sampled(test, command, sample_bytes, *options, seed=1, **run_options):
    return test.record(command, "-q", "--sample", str(sample_bytes), *options,
                       env={"ALLOCAUDIT_SEED": str(seed)}, **run_options)


def sites(recording):
    """Figures by the innermost functions of the stack, which are the same in every run."""
    found = {}
    for row in recording.rows("SELECT * FROM site"):
        found[tuple(recording.functions(row["stack_id"]))] = row
    return found


def check_bias(test, what, truth, estimates):
    """The mean of unbiased estimates is the truth, but for its own standard error."""
    mean = sum(value for value, _ in estimates) / len(estimates)
    error = math.sqrt(sum(stderr ** 2 for _, stderr in estimates)) / len(estimates)
    test.check(abs(mean - truth) <= 4 * error + 1e-3 * truth + 1,
               f"{what}: {mean:.0f} in the mean of {len(estimates)} samples, not {truth} "
               f"(standard error {error:.0f})")


def test_estimates(test):
    command = [test.program("progress"), test.path("progress"), str(test.size(30000, 100000)), "1"]
    full = test.sound(test.record(command, "-q"))
    truth_of_site = sites(full)
    of_run = {column: [] for column in COLUMNS}
    of_site = {}
    inside = outside = 0
    for seed in range(1, SEEDS + 1):
        recording = test.sound(sampled(test, command, SAMPLE_BYTES, seed=seed))
        run = recording.run
        found = sites(recording)
        for column in COLUMNS:
            of_run[column].append((run[column], run[column + "_stderr"]))
        for key, truth in truth_of_site.items():
            if truth["allocation_count"] < 1000:
                continue
            row = found.get(key)
            for column in COLUMNS[:2] + (COLUMNS[2:] if truth["leaked_count"] > 1000 else ()):
                estimate = (row[column], row[column + "_stderr"]) if row else (0, 0)
                of_site.setdefault((key, column), []).append(estimate)
                is_inside = abs(estimate[0] - truth[column]) <= 1.96 * estimate[1] + 1
                inside += is_inside
                outside += not is_inside
        os.remove(recording.path)
    for column, estimates in of_run.items():
        check_bias(test, column, full.run[column], estimates)
        spread = [abs(value - full.run[column]) / stderr for value, stderr in estimates]
        test.check(max(spread) > 0.5, f"{column}: estimates are too good to be estimates")
    for (key, column), estimates in of_site.items():
        check_bias(test, f"{column} of {key[0]}", truth_of_site[key][column], estimates)
    share = inside / (inside + outside)
    test.note(f"{share:.1%} of {inside + outside} intervals hold the truth")
    test.check(0.88 <= share < 0.999, f"{share:.1%} of the intervals hold the truth, not about 95 %")


def test_every_byte_a_sample_point(test, name):
    """Nearly all allocations have a sample point then, so that counts must be as in full detail."""
    command = [test.program(name)]
    full = test.sound(test.record(command, "-q"))
    recorded = sampled(test, command, 1)
    recording = test.sound(recorded)
    by_kind = "SELECT kind, free_kind, size_bytes, count(*) FROM allocation WHERE size_bytes > 32" \
              " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    test.equal("blocks by kind", [tuple(row.values()) for row in recording.rows(by_kind)],
               [tuple(row.values()) for row in full.rows(by_kind)])


test_every_byte_a_sample_point.cases = [(name, (name,)) for name in (
    "entry_points", "realloc_forms", "realloc_chain", "operators", "temporaries", "threads_in_turn",
    "key_destructors")]


def test_behaviour(test, name, sample_bytes):
    recording = test.sound(test.same_as_native([test.program(name)], "-q", "--sample",
                                               str(sample_bytes)))
    test.equal("sample_bytes", recording.run["sample_bytes"], sample_bytes)


test_behaviour.cases = [(f"{name},{size}", (name, size)) for size in (64, 4096) for name in (
    "cross_thread", "entry_points", "errno_kept", "fork_child", "exec_self",
    "realloc_forms", "threads_at_once", "cancel_threads", "operators", "thread_local", "small_stack",
    "longjmp_frames", "usable_size", "malloc_zero", "failures")]


def test_children_that_are_not_sampled_are_known(test):
    """A child that only makes small blocks holds no sample point, but it was there."""
    full = test.sound(test.record([test.program("fork_child")], "-q"))
    recording = test.sound(sampled(test, [test.program("fork_child")], "512KiB"))
    test.equal("processes", len(recording.processes), len(full.processes))


def test_different_samples(test):
    program = [test.program("progress"), test.path("progress"), "20000", "1"]
    counts = [test.sound(sampled(test, program, 4096, seed=seed)).value(
        "SELECT group_concat(size_bytes) FROM allocation") for seed in (1, 2, 1)]
    test.check(counts[0] != counts[1], "two seeds gave the same sample")
    test.check(counts[0] == counts[2], "one seed gave two samples")


def test_real_programs(test, command):
    path = test.need(command[0])
    # Dense enough that small blocks are met often: few of great weight would have no normal error.
    recorded = test.same_as_native([path, *command[1:]], "-q", "--sample", "1KiB")
    recording = test.sound(recorded)
    _, counts = test.counts([path, *command[1:]])
    truth = sum(count.allocations for count in counts)
    run = recording.run
    test.check(abs(run["allocation_count"] - truth) <= 5 * run["allocation_count_stderr"] + 10,
               f"{run['allocation_count']} +- {run['allocation_count_stderr']}, not {truth}")


test_real_programs.cases = [(command[0], (command,)) for command in (
    ("perl", "-e", "print join(q(,), map { $_ * 2 } 1..50000)"),
    ("python3", "-c", "import json; print(len(json.dumps(list(range(100000)))))"))]


def test_sample_without_rows(test):
    program = [test.program("progress"), test.path("progress"), "20000", "1"]
    whole = test.sound(sampled(test, program, 4096))
    summed = test.sound(sampled(test, program, 4096, "--detail", "sites"))
    # Weights are rounded by the time of birth, so they differ by a little.
    test.check(abs(whole.run["allocated_bytes"] - summed.run["allocated_bytes"])
               < 0.01 * whole.run["allocated_bytes"], f"{whole.run} against {summed.run}")
    test.equal("rows of freed blocks", summed.value(
        "SELECT count(*) FROM allocation WHERE died_ns IS NOT NULL"), 0)


def test_what_is_said(test):
    path = sampled(test, [test.program("progress"), test.path("progress"), "20000", "1"], "4k").path
    ended = test.allocaudit("report", path)
    text = ended.stdout.decode()
    test.check("sample of 1 in    4.0 KiB" in text and "note: sampled:" in text and "± 95 %" in text,
               f"{ended}")
    figures = text.split("note:")[0]
    test.check("emporary" not in figures and "realloc" not in figures, f"{ended}")
    for arguments in (["report", path, "--thread", "1"], ["gate", path, "--max-allocs", "1"],
                      ["gate", path, "--max-allocs", "1", "--allow-incomplete"]):
        ended = test.allocaudit(*arguments)
        test.equal(f"status of {arguments}", (ended.status, ended.talk.count("\n")), (3, 1))
        test.check("--sample" in ended.talk, f"{ended}")
    test.equal("status of --sort temporary",
               test.allocaudit("report", path, "--sort", "temporary").status, 2)
    for word in ("0", "-1", "2GiB", "many", ""):
        ended = test.allocaudit("run", "--sample", word, "true")
        test.equal(f"status of --sample {word}", ended.status, 2)
        test.equal(f"lines for --sample {word}", ended.talk.count("allocaudit:"), 1)


def test_killed_recorder(test):
    program = test.program("progress")
    progress = test.path("progress")
    killed = Killed(test, [program, progress, "400000", "1"], progress, 0.02, test.path("killed.db"),
                    "--sample", "256")
    killed.end()
    recover(test, killed.path)
    recording = test.sound(killed.path, is_complete=False)
    run = recording.run
    test.check(run["allocation_count"] + 6 * run["allocation_count_stderr"] > killed.progress[0],
               f"{run} after {killed.progress[0]} steps")
    test.check(run["allocation_count_stderr"] > 0, f"{run}")


def test_operator_new_of_other_allocators(test, allocator):
    """Theirs takes no memory through malloc's hook: its bytes must count all the same."""
    command = [test.program("new_many")]
    ended = sampled(test, command, 4096, "--allocator", allocator)
    if "install the package" in ended.talk:
        raise Skip(f"{allocator} is not installed")
    run = test.sound(ended).run
    error = run["allocation_count_stderr"]
    test.check(abs(run["allocation_count"] - 20000) < 6 * error + 100,
               f"{run['allocation_count']} allocations, not 20,000 (standard error {error})")


test_operator_new_of_other_allocators.cases = [
    (name, (name,)) for name in ("glibc", "jemalloc", "tcmalloc", "mimalloc")]
