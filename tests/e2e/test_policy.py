"""Policies in unmodified programs: same output, served by the policy, counted as simulated."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import test_behaviour
import test_real_programs
from command_runs import find_child

KINDS = ("pool", "frame", "buddy", "slab")
SETTINGS = ("buddy:is_weighted=1,lazy_count=8", "pool:chunk_bytes=4096,spare_chunks=0,sizes=24+48+96",
            "frame:chunk_bytes=8192,spare_chunks=0", "slab:partial_order=1,slab_max_bytes=4096")
PROGRAMS = ("python", "perl", "jq", "xmllint", "sqlite3", "git_log", "git_repack", "compiler",
            "cppcheck", "gdb", "redis", "bash_with_children")
COUNTERS = ("take_count", "give_count", "refill_count", "remote_give_count", "chunk_take_count",
            "chunk_give_count", "resize_count", "split_count", "merge_count", "reset_count",
            "step_max", "declined_size_count", "declined_alignment_count", "declined_full_count",
            "declined_busy_count", "footprint_bytes", "footprint_max_bytes")


def cases():
    """Each program under two of the policies; under all of them in a long run."""
    is_long = os.environ.get("ALLOCAUDIT_TEST_POLICIES") == "all"
    for number, program in enumerate(PROGRAMS):
        kinds = KINDS + SETTINGS if is_long else (
            KINDS[number % len(KINDS)], SETTINGS[(number + 1) % len(SETTINGS)])
        yield from ((f"{program} {kind}", (program, kind)) for kind in kinds)


def counters(recording, process_id):
    return {row["name"].removeprefix("policy."): row["value"] for row in recording.rows(
        "SELECT name, value FROM counter WHERE process_id = ?", process_id)}


def served_share(recording):
    """Of the allocations of processes that ended by themselves."""
    taken = asked = 0
    for process in recording.processes:
        found = counters(recording, process["id"])
        if found:
            taken += found["take_count"]
            asked += process["allocation_count"]
    return taken / asked if asked else 0


def test_real_program(test, program, kind):
    test.record_options = ("--policy", kind)
    getattr(test_real_programs, f"test_{program}")(test)
    shares = [served_share(recording) for recording in test.opened]
    test.check(shares and max(shares) > 0.5, f"the policy served {shares} of the allocations")
    test.note(f"{max(shares):.1%} by the policy")


test_real_program.cases = list(cases())


def simulate(test, path, policy):
    ended = test.allocaudit("simulate", path, "--policy", policy, "--format", "json")
    test.equal(f"status of simulate: {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def test_simulated_counts_are_those_of_the_routed_run(test, policy):
    """From a recording that was made without the policy."""
    program = test.program("policy_mix")
    plain = test.record([program, "40000"])
    routed = test.record([program, "40000"], "--policy", policy)
    recording = test.sound(routed)
    live = counters(recording, recording.process()["id"])
    answer = simulate(test, plain.path, policy)
    simulated = {row["name"]: row["value"] for row in answer["counters"]}
    test.check(live["take_count"] > 1000, f"the policy was hardly used: {live}")
    test.equal("counters", {name: simulated[name] for name in COUNTERS},
               {name: live[name] for name in COUNTERS})
    peak = answer["peak"]
    test.equal("the parts of the footprint", peak["footprint_bytes"],
               peak["requested_bytes"] + peak["rounding_bytes"] + peak["holes_bytes"])
    test.equal("peak", peak["footprint_bytes"], live["footprint_max_bytes"])


test_simulated_counts_are_those_of_the_routed_run.cases = [
    (policy, (policy,)) for policy in KINDS + SETTINGS]


def test_frames_are_reset(test):
    """A game loop that frees all it allocates in a frame needs one chunk, however long it runs."""
    program = test.program("frame_loop")
    recorded = test.record([program, "500", "0"], "--policy", "frame")
    recording = test.sound(recorded)
    live = counters(recording, recording.process()["id"])
    test.equal("frames", live["frame_count"], 500)
    test.equal("boundaries with live blocks", live["reset_refused_count"], 0)
    test.check(live["footprint_max_bytes"] < 5 * 80000, f"more than the first chunk: {live}")
    leaking = test.record([program, "500", "1"], "--policy", "frame")
    recording = test.sound(leaking)
    live = counters(recording, recording.process()["id"])
    test.equal("escaped", live["escaped_count"], 500)
    test.equal("refused", live["reset_refused_count"], 500)
    answer = simulate(test, leaking.path, "frame")
    simulated = {row["name"]: row["value"] for row in answer["counters"]}
    for name in ("frame_count", "reset_count", "reset_refused_count", "escaped_count"):
        test.equal(name, simulated[name], live[name])


def test_threads_and_fork(test, policy):
    """Cross-thread frees, threads that end, a fork among running threads: nothing is corrupted."""
    lawful_in_handlers = {"LD_PRELOAD": test.program("bump_malloc")}
    for program, arguments, env in (("cross_thread", [], {}), ("threads_in_turn", ["300"], {}), ("threads_at_once", [], {}),
                                    ("fork_threaded", [], {}), ("signal_storm", [], lawful_in_handlers)):
        path = test.program(program)
        command = [path, *arguments]
        native = test.run(command, env=env, timeout=100)
        routed = test.record(command, "-q", "--policy", policy, env=env, timeout=100)
        test.equal(f"status of {program}: {routed}", routed.status, native.status)


test_threads_and_fork.cases = [(policy, (policy,)) for policy in KINDS]


def test_forked_child_counts_from_0(test, policy):
    recording = test.sound(test.record([test.program("fork_counts")], "-q", "--policy", policy))
    parent, child = (counters(recording, process["id"]) for process in recording.processes)
    test.check(1000 <= parent["take_count"] < 1050 and parent["give_count"] < 50, f"{parent}")
    test.check(300 <= child["take_count"] < 350, f"{child}")
    test.check(200 <= child["give_count"] < 250, f"{child}")
    # What it holds is its parent's, too; that is a level, and goes on.
    test.check(child["footprint_bytes"] >= parent["footprint_bytes"] // 2, f"{parent} {child}")
    test.check(child["footprint_max_bytes"] >= child["footprint_bytes"], f"{child}")


test_forked_child_counts_from_0.cases = [(policy, (policy,)) for policy in KINDS]


def test_torture(test, policy):
    """Eight threads free each other's blocks and check the contents of all; `make torture-policies` is longer."""
    program = test.program("policy_torture")
    library = os.path.join(test.shared.build, "liballocaudit.so")
    ended = test.run([program, "8", "2000000"],
                     env={"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": policy}, timeout=300)
    test.equal(f"status: {ended}", ended.status, 0)
    recorded = test.record([program, "4", "100000"], "-q", "--policy", policy, timeout=300)
    test.equal(f"status: {recorded}", recorded.status, 0)
    recording = test.sound(recorded)
    live = counters(recording, recording.process()["id"])
    test.check(live["take_count"] > 10000, f"hardly any blocks: {live}")
    if policy in ("pool", "frame"):  # the others share their chunks
        test.check(live["remote_give_count"] > 50, f"hardly any from other threads: {live}")


test_torture.cases = [(policy, (policy,)) for policy in KINDS + SETTINGS]


def test_torture_with_signals(test, policy):
    """The same while handlers allocate, and free what threads have made."""
    library = os.path.join(test.shared.build, "liballocaudit.so")
    ended = test.run([test.program("policy_torture"), "2", "1000000", "10000"],
                     env={"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": policy}, timeout=300)
    test.equal(f"status: {ended}", ended.status, 0)
    signal_count = int(re.search(rb"(\d+) signals", ended.stdout).group(1))
    test.check(signal_count > 20, f"hardly any signals: {ended.stdout}")


test_torture_with_signals.cases = [(policy, (policy,)) for policy in KINDS]


def test_entry_points(test, policy):
    """Every function of the allocator keeps its contract: alignment, zeros, errno, sizes."""
    for program in ("policy_contract", "errno_kept", "usable_size", "malloc_zero", "operators",
                    "realloc_forms"):
        path = test.program(program)
        native = test.run([path])
        routed = test.record([path], "-q", "--policy", policy)
        test.equal(f"status of {program}: {routed}", routed.status, native.status)
    test.equal("status", test.run([test.program("policy_contract")]).status, 0)


test_entry_points.cases = [(policy, (policy,)) for policy in KINDS]


def test_freed_twice(test, policy, case):
    """The policy refuses the second free, which is recorded and goes to the C library, which ends the program."""
    program = test.program("misuse")
    recording = test.open(test.record([program, case], "-q", "--policy", policy))
    faults = [(row["kind"], row["call"]) for row in recording.rows("SELECT kind, call FROM fault")]
    test.equal("faults", faults, [("double_free", "free")])
    library = os.path.join(test.shared.build, "liballocaudit.so")
    ended = test.run([program, case], env={"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": policy})
    test.equal(f"status: {ended}", ended.status, 128 + signal.SIGABRT)


# Between two frees by other threads, what starting a thread allocates may get the block from a buddy or slab.
test_freed_twice.cases = [(f"{policy} double_free", (policy, "double_free")) for policy in KINDS] + [
    (f"{policy} thread_double_free", (policy, "thread_double_free")) for policy in ("pool", "frame")]


def test_without_a_recorder(test):
    """The library alone, with the policy in the environment, as in `trial`."""
    program = test.program("policy_contract")
    library = os.path.join(test.shared.build, "liballocaudit.so")
    for policy in KINDS + ("nonsense", "pool:x=1", ""):
        ended = test.run([program], env={"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": policy})
        test.equal(f"status with {policy!r}: {ended}", ended.status, 0)


def test_compare_all_policies(test):
    recorded = test.record([test.program("policy_mix"), "5000"])
    ended = test.allocaudit("simulate", recorded.path)
    test.equal("status", ended.status, 0)
    text = ended.stdout.decode()
    for kind in KINDS:
        test.check(kind in text, f"no line for {kind}: {text}")
    test.check(max(len(line) for line in text.splitlines()) <= 100, f"too wide: {text}")
    ended = test.allocaudit("simulate", recorded.path, "--policy", "pool")
    test.equal("status", ended.status, 0)
    for word in ("footprint", "rounding", "holes", "take_count"):
        test.check(word in ended.stdout.decode(), f"no {word}: {ended.stdout.decode()}")


def test_summary(test):
    program = test.program("policy_mix")
    ended = test.record([program, "5000"], "--policy", "slab")
    test.check(re.search(r"allocaudit: slab served [\d,]+ of [\d,]+ allocations, and held [\d.]+ [KM]iB at most",
                         ended.talk), f"no such line: {ended.talk}")
    ended = test.record(["sh", "-c", "kill -9 $$"], "--policy", "slab")
    test.check("what slab served is not known" in ended.talk or
               ("slab served at least " in ended.talk and "ended before it told" in ended.talk),
               f"no such line: {ended.talk}")


def test_mistakes(test):
    recorded = test.record(["true"], "-q")
    for policy, text in (("pol", "did you mean 'pool'?"),
                         ("pool:chunk_byte=1", "did you mean 'chunk_bytes'?"),
                         ("pool:chunk_bytes=5000", "not a power of two '5000' at character 18"),
                         ("buddy:is_weighted=7", "0 to 1 is possible"),
                         ("slab:sizes=x", "not a number 'x'")):
        for command in (("simulate", recorded.path, "--policy", policy),
                        ("run", "--policy", policy, "--", "true")):
            ended = test.allocaudit(*command)
            test.equal(f"status of {command}", ended.status, 2)
            test.check(text in ended.talk, f"no '{text}': {ended.talk}")


def test_policy_named_as_an_allocator(test):
    """The same as --policy; with both, nothing is run."""
    program = test.program("policy_mix")
    taken = []
    for option in ("--allocator", "--policy"):
        recording = test.sound(test.record([program, "2000"], option, "pool:chunk_bytes=4096"))
        taken.append(counters(recording, recording.process()["id"])["chunk_take_count"])
    test.check(taken[0] == taken[1] > 0, f"chunks taken: {taken}")
    ended = test.record(["/bin/echo", "ran"], "--allocator", "pool", "--policy", "slab")
    test.equal(f"both: {ended}", (ended.status, ended.stdout), (2, b""))
    test.check("--policy slab" in ended.talk, f"{ended}")


def test_unfit_recordings(test):
    program = test.program("policy_mix")
    for options, text in ((("--sample", "1KiB"), "it is a sample"),
                          (("--detail", "sites"), "it holds no single allocations")):
        recorded = test.record([program, "100"], *options)
        ended = test.allocaudit("simulate", recorded.path)
        test.equal("status", ended.status, 3)
        test.check(text in ended.talk, f"no '{text}': {ended.talk}")
    recorded = test.record([program, "100"])
    connection = sqlite3.connect(recorded.path)
    connection.execute("UPDATE process SET lost_event_count = 3")
    connection.commit()
    connection.close()
    ended = test.allocaudit("simulate", recorded.path)
    test.equal("status", ended.status, 3)
    test.check("3 events were lost" in ended.talk, ended.talk)


def test_recording_without_calls(test):
    recorded = test.record([test.program("hello")], "-q")
    connection = sqlite3.connect(recorded.path)
    connection.execute("DELETE FROM block")
    connection.commit()
    connection.close()
    answer = simulate(test, recorded.path, "pool")
    test.equal("calls", answer["simulation"]["operation_count"], 0)
    test.equal("time of a call", answer["simulation"]["call_ns"], None)
    test.check("the process made no allocation" in answer["notes"], f"{answer['notes']}")


def test_settings_are_in_the_help(test):
    ended = test.allocaudit("simulate", "--help")
    text = ended.stdout.decode()
    header = os.path.join(os.path.dirname(test_behaviour.__file__), "..", "..", "interposer", "policy",
                          "policy_list.h")
    with open(header, encoding="utf-8") as file:
        rows = [line.split("(", 1)[1].split(",") for line in file if line.startswith("    X(") and
                line.count(",") >= 5]
    test.check(len(rows) > 10, "no settings were found")
    for row in rows:
        test.check(row[1].strip() in text, f"no word of {row[1].strip()} in the help")


def test_killed_process_has_counts(test, kind):
    """A process that is killed has told its counts a moment before: those of the calls up to then."""
    out = test.path("killed.db")
    run = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", out, "--policy", kind, "--",
                            test.program("progress"), test.path("progress"), "2000000000", "1"],
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=test.environment(),
                           cwd=test.scratch, start_new_session=True)
    try:
        program = None
        deadline = time.monotonic() + 60
        while program is None and time.monotonic() < deadline:
            program = find_child(run.pid, "progress")
            time.sleep(0.02)
        time.sleep(0.6)
        os.kill(program, signal.SIGKILL)
        run.wait(60)
    finally:
        run.kill()
    recording = test.open(out)
    test.equal("exit_signal", recording.run["exit_signal"], signal.SIGKILL)
    process = recording.process()
    found = counters(recording, process["id"])
    test.equal("counters", set(COUNTERS) - set(found), set())
    at_ns = recording.value("SELECT min(at_ns) FROM counter")
    asked = recording.value("SELECT count(*) FROM allocation WHERE born_ns <= ?", at_ns)
    known = found["take_count"] + sum(found[name] for name in found if name.startswith("declined_"))
    test.check(asked > 1000, f"only {asked} blocks before it was told")
    # What the policy had been asked for before recording began, and a resize in place, are no block.
    test.check(abs(known - asked) <= asked * 0.01 + found["resize_count"], f"{known} taken, {asked} recorded")
    test.note(f"told {(process['ended_ns'] - at_ns) / 1e6:.0f} ms before the end, {known} of {asked} blocks")


test_killed_process_has_counts.cases = [(kind, (kind,)) for kind in KINDS]
