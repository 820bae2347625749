"""Frames and scopes: marks of the program, of a function named, and what the report makes of them."""

import json
import os
import platform
import re
import sqlite3
import sys

from harness import PROGRAMS, Skip

SECTIONS = ("frames", "scopes")


def report(test, recorded, *sections):
    told = test.allocaudit("report", recorded.path, *(sections or SECTIONS), "--format", "json")
    test.equal("report", told.status, 0)
    return json.loads(told.stdout)


def only_series(test, recorded):
    series = report(test, recorded, "frames")["frames"]
    test.equal("series", len(series), 1)
    return series[0]


# ---- marks of the program ------------------------------------------------------------------------

def test_loop_of_known_frames(test):
    recorded = test.record([test.program("frame_loop"), "2000", "1"])
    test.equal("status", recorded.status, 0)
    series = only_series(test, recorded)
    for key, value in {"ended_by": "allocaudit_frame()", "frame_count": 2000, "warmup_frame_count": 1,
                       "allocation_count_p50": 200, "allocation_count_max": 200,
                       "free_count_max": 199, "survivor_count_max": 1, "is_allocation_free": False,
                       "allocated_bytes_max": sum(16 + i for i in range(200))}.items():
        test.equal(key, series[key], value)
    site = series["sites"][0]
    test.equal("site", (site["function"], site["contained_count"], site["frame_able"]),
               ("main", 1999 * 199, "nearly"))


def test_game_that_allocates_nothing_after_its_warmup(test):
    recorded = test.record([test.sample_app("game_loop"), "--pooled"])
    series = only_series(test, recorded)
    test.equal("is_allocation_free", series["is_allocation_free"], True)
    test.equal("frame_count", series["frame_count"], 1000)
    test.check(10 <= series["warmup_frame_count"] <= 200, f"warm-up: {series['warmup_frame_count']}")
    test.equal("sites", series["sites"], [])
    test.equal("allocation_count_max", series["allocation_count_max"], 0)


def test_game_with_one_strdup_names_it(test):
    recorded = test.record([test.sample_app("game_loop"), "--pooled", "--log"])
    series = only_series(test, recorded)
    test.equal("is_allocation_free", series["is_allocation_free"], False)
    test.equal("allocation_count_max", series["allocation_count_max"], 1)
    test.equal("sites", [site["function"] for site in series["sites"]], ["kill_log"])
    told = test.allocaudit("report", recorded.path, "frames").stdout.decode()
    test.check("allocation-free after the warm-up: no" in told and "kill_log" in told, told)


def test_recording_without_frames_says_how_to_get_them(test):
    recorded = test.record([test.program("hello")])
    told = test.allocaudit("report", recorded.path, "frames", "scopes").stdout.decode()
    test.check("allocaudit_frame()" in told and "--frame-symbol" in told, told)
    test.check("allocaudit_scope_begin" in told, told)
    test.equal("json", report(test, recorded)["frames"], [])


def test_sums_alone_hold_no_frames(test):
    recorded = test.record([test.program("frame_loop"), "10", "0"], "--detail", "sites")
    told = test.allocaudit("report", recorded.path, "frames", "scopes")
    test.equal("status", told.status, 0)
    test.check(b"needs every allocation in its order" in told.stdout, told.stdout.decode())


# ---- a function named ----------------------------------------------------------------------------

def need_x86(_test):
    if platform.machine() != "x86_64":
        raise Skip("--frame-symbol works on x86-64 only")


def linked(test):
    library = test.program("plugin_swap")
    return test.program("frame_calls", "-Wl,--no-as-needed", library,
                        f"-Wl,-rpath,{os.path.dirname(library)}")


def marks(test, recorded):
    return test.open(recorded).rows("SELECT name, kind, count(*) AS count FROM mark"
                                    " GROUP BY name, kind ORDER BY name")


def test_symbol_passes_values_through(test):
    need_x86(test)
    program = linked(test)
    names = ("swap_window", "swap_struct", "swap_long_double", "swap_vectors")
    options = [word for name in names for word in ("--frame-symbol", name)]
    recorded = test.same_as_native([program, "values"], *options)
    test.equal("our words", [line for line in recorded.talk.splitlines() if "--frame-symbol" in line],
               [])
    found = {row["name"]: row["count"] for row in marks(test, recorded)}
    test.equal("calls of swap_window", found["swap_window"], 100)
    test.equal("calls of swap_struct", found["swap_struct"], 1)
    test.equal("calls of swap_long_double", found["swap_long_double"], 1)
    if b"wides" in recorded.stdout:
        recorded = test.same_as_native([program, "values"], "--frame-symbol", "swap_wides")
        test.equal("wides", marks(test, recorded)[0]["count"], 1)


def test_symbol_frames_are_those_of_the_program(test):
    need_x86(test)
    recorded = test.record([linked(test), "values"], "--frame-symbol", "swap_window")
    series = only_series(test, recorded)
    test.equal("ended_by", series["ended_by"], "swap_window")
    test.equal("frame_count", series["frame_count"], 100)
    test.equal("allocation_count_p99", series["allocation_count_p99"], 1)
    test.equal("survivor_count_max", series["survivor_count_max"], 0)


def test_symbol_in_threads(test):
    need_x86(test)
    recorded = test.same_as_native([linked(test), "threads"], "--frame-symbol", "swap_window")
    series = only_series(test, recorded)
    test.equal("threads, frames", (series["thread_count"], series["frame_count"]), (4, 100))
    test.equal("allocation_count_max", series["allocation_count_max"], 1)


def test_symbol_of_a_library_that_is_loaded(test):
    need_x86(test)
    library = test.program("plugin_swap")
    program = test.program("frame_calls")
    for mode, count in (("handle", 10), ("local", 10), ("again", 20)):
        recorded = test.same_as_native([program, mode, library], "--frame-symbol", "swap_window")
        test.equal(f"{mode}: calls seen", marks(test, recorded),
                   [{"name": "swap_window", "kind": "frame", "count": count}])


def test_symbol_that_nothing_defines_does_nothing(test):
    need_x86(test)
    recorded = test.record([test.program("frame_calls"), "absent"], "--frame-symbol", "swap_window")
    test.equal("status", recorded.status, 0)


def test_symbol_beside_a_policy_and_children(test):
    need_x86(test)
    recorded = test.record(["/bin/sh", "-c", f"{linked(test)} values; {linked(test)} threads"],
                           "--frame-symbol", "swap_window", "--policy", "frame")
    test.equal("status", recorded.status, 0)
    test.equal("calls", marks(test, recorded)[0]["count"], 200)


def test_symbol_unknown_is_told_with_the_nearest(test):
    need_x86(test)
    recorded = test.record([linked(test), "values"], "--frame-symbol", "swap_windw")
    test.equal("status", recorded.status, 0)
    test.check("did you mean 'swap_window'?" in recorded.talk, recorded.talk)
    test.check("--frame-symbol swap_windw was never called through a dynamic symbol" in recorded.talk,
               recorded.talk)


def test_symbol_that_cannot_be_is_refused(test):
    need_x86(test)
    for name, word in (("malloc", "takes that function over"), ("dlsym", "takes that function over"),
                       ("memcpy", "calls that function itself"), ("a::b", "no name of a function"),
                       ("", "no name of a function")):
        recorded = test.record([test.program("hello")], "--frame-symbol", name)
        test.equal(f"status of {name!r}", recorded.status, 2)
        test.check(word in recorded.talk, recorded.talk)
    twice = test.record([test.program("hello")], "--frame-symbol", "puts", "--frame-symbol", "puts")
    test.check("given twice" in twice.talk, twice.talk)


def test_symbol_leaves_nothing_behind(test):
    need_x86(test)
    scratch = test.path("tmp")
    os.mkdir(scratch)
    recorded = test.record([linked(test), "values"], "--frame-symbol", "swap_window",
                           env={"TMPDIR": scratch})
    test.equal("status", recorded.status, 0)
    test.equal("left in TMPDIR", os.listdir(scratch), [])


# ---- what the program is told --------------------------------------------------------------------

def test_counts_are_those_of_the_program(test):
    for name in ("counted", "counted_cxx"):
        recorded = test.record([test.program(name, "-pthread")])
        test.equal(f"{name}: output", recorded.stdout, b"right\n")
        test.equal(f"{name}: status", recorded.status, 0)
        test.sound(recorded)


def test_counts_of_nothing_are_told_as_such(test):
    program = test.program("counted", "-pthread")
    unknown = b"not counted\nnot measured\n" * 2 + b"right\n"
    test.equal("not recorded", test.run([program]).stdout, unknown)
    test.equal("a sample", test.record([program], "--sample", "4KiB").stdout, unknown)
    library = os.path.join(test.shared.build, "liballocaudit.so")
    test.equal("preloaded alone", test.run([program], env={"LD_PRELOAD": library}).stdout, unknown)


def test_counts_of_the_process(test):
    """All threads, those that have ended, a forked child; and a child that asks where nobody records."""
    program = test.program("counted_process")
    recorded = test.record([program])
    test.equal("output", recorded.stdout, b"right\n")
    test.sound(recorded)
    test.equal("a sample", test.record([program], "--sample", "4KiB").stdout.splitlines()[0], b"not counted")
    test.equal("not recorded", test.run([program]).stdout.splitlines()[0], b"not counted")


def test_counts_are_quick_to_read(test):
    """Under 50 ns, of the thread and of the process: the best of many tries, on a machine that does other things."""
    thread_ns, process_ns = map(float, test.record([test.program("counted_process"), "cost"]).stdout.split())
    test.check(thread_ns < 50 and process_ns < 50, f"{thread_ns} and {process_ns} ns")


def test_what_is_paused_does_not_count(test):
    """In no figure of the recording, nor in a measurement; its blocks stay known, and hold what they hold."""
    program = test.program("paused")
    recorded = test.record([program], "--leak-check", "yes")
    test.equal("measured", recorded.stdout.decode().splitlines()[1], "4 allocations, 2 frees, 400 bytes, 2 left")
    test.check("not counted, as the program had paused: " in recorded.talk, recorded.talk)
    recording = test.open(recorded.path)
    test.equal("sizes", recording.value("SELECT group_concat(DISTINCT size_bytes) FROM allocation"), "100")
    run = recording.run
    columns = ("allocation_count", "allocated_bytes", "free_count", "leaked_count", "unpaired_free_count")
    test.equal("figures", [run[column] for column in columns], [6, 600, 4, 2, 0])
    process = recording.processes[0]
    test.check(process["paused_allocation_count"] >= 4, str(process))
    test.check(process["paused_allocated_bytes"] >= 3 * 7000, str(process))
    kinds = recording.value("SELECT group_concat(leak_kind) FROM allocation WHERE died_ns IS NULL")
    test.check("indirect" not in kinds, kinds)
    scopes = report(test, recorded, "scopes")["scopes"]
    test.equal("scope", (scopes[0]["allocation_count"], scopes[0]["survivor_count"]), (4, 2))
    test.equal("where nobody records", test.run([program]).stdout, b"begins\n")


def test_scopes_of_the_program(test):
    recorded = test.record([test.program("counted", "-pthread")])
    scopes = {scope["name"]: scope for scope in report(test, recorded, "scopes")["scopes"]}
    test.equal("names", sorted(scopes), ["inner", "outer"])
    for name, wanted in (
            ("inner", {"entry_count": 2, "thread_count": 2, "allocation_count": 4,
                       "own_allocation_count": 4, "survivor_count": 2, "survivor_bytes": 60,
                       "entry_peak_bytes_max": 530, "unended_count": 0}),
            ("outer", {"allocation_count": 6, "own_allocation_count": 2, "survivor_count": 2,
                       "entry_allocation_count_p50": 3, "entry_peak_bytes_max": 1530})):
        for key, value in wanted.items():
            test.equal(f"{name}: {key}", scopes[name][key], value)
    test.equal("sites", {site["function"] for site in scopes["inner"]["sites"]}, {"measure_blocks"})


def test_scopes_of_several_processes(test):
    """As of tests that run in a process each."""
    program = test.program("counted", "-pthread")
    recorded = test.record(["sh", "-c", f"{program}; {program}; true"])
    scopes = report(test, recorded, "scopes")["scopes"]
    test.equal("names", sorted(scope["name"] for scope in scopes), ["inner", "inner", "outer", "outer"])
    processes = sorted({scope["process_id"] for scope in scopes})
    test.equal("processes", len(processes), 2)
    test.equal("allocations", [scope["allocation_count"] for scope in scopes if scope["name"] == "outer"], [6, 6])
    one = report(test, recorded, "scopes", "--process", str(processes[1]))["scopes"]
    test.equal("of one", [scope for scope in scopes if scope["process_id"] == processes[1]], one)


def test_frames_of_another_process_are_told(test):
    program = test.program("frame_loop")
    recorded = test.record(["sh", "-c", f"{program} 10 0 >/dev/null; {test.need('python3')} -c 'bytearray(50000000)'"])
    ended = test.allocaudit("report", recorded.path, "frames")
    found = re.search(rb"process (\d+) \(frame_loop\) has ended \d+ frames: see 'frames --process (\d+)'", ended.stdout)
    test.check(found is not None and b"Frames ended by" not in ended.stdout, f"{ended}")
    ended = test.allocaudit("report", recorded.path, "frames", "--process", found[2].decode())
    test.check(b"Frames ended by" in ended.stdout, f"{ended}")


def test_limits_in_tests(test):
    program = test.program("limited")
    for wrong, status, words in (
            ("", 0, r""),
            ("allocs", 1, r"3 allocations, at most 2 allowed \(3 allocations of 43 bytes; 1 blocks, "
                          r"13 bytes left\)"),
            ("leak", 1, r"1 blocks that were not freed, at most 0 allowed"),
            ("peak", 1, r"101 bytes at once, at most 100 allowed")):
        recorded = test.record([program] + ([wrong] if wrong else []))
        test.equal(f"status with {wrong!r}", recorded.status, status)
        told = (recorded.stdout + recorded.stderr).decode()
        test.check(re.search(words, told), told)
        test.check("skipped" not in recorded.talk, recorded.talk)
        test.check(not wrong or re.search(r"limited\.c:\d+: error: Failure!", told), told)


LIMIT_STACKS = "limit_stacks.c"


def line_of(mark):
    with open(os.path.join(PROGRAMS, LIMIT_STACKS), encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if mark in line)


def stacks_shown(test, which, *options):
    """The stacks that the failed test prints: (heading, [frame, ...]) each, and all that it prints."""
    recorded = test.record([test.program("limit_stacks"), which], *options)
    test.equal(f"status of {which}", recorded.status, 1)
    told = (recorded.stdout + recorded.stderr).decode()
    stacks = []
    for line in told.splitlines():
        if re.match(r"  \d+ allocations?, \d+ bytes$", line):
            stacks.append((line.strip(), []))
        elif line.startswith("    ") and stacks:
            stacks[-1][1].append(line.strip())
    return stacks, told


def test_failed_limits_print_their_stacks(test):
    copied = [f"copy_name {LIMIT_STACKS}:{line_of('/* the strdup */')}",
              f"greet {LIMIT_STACKS}:{line_of('/* the call of copy_name */')}"]
    worked = f"work {LIMIT_STACKS}:{line_of('/* the malloc of work */')}"
    for which, function, headings in (
            ("allocs", "nothing_is_allocated", ("3 allocations, 30 bytes", "1 allocation, 4 bytes")),
            ("leak", "nothing_is_left", ("1 allocation, 6 bytes",)),
            ("nested", "an_inner_limit", ("1 allocation, 7 bytes",))):
        stacks, told = stacks_shown(test, which)
        test.equal(f"stacks of {which}", tuple(heading for heading, _ in stacks), headings)
        frames = stacks[-1][1]
        test.check(frames[0].split()[0] in ("strdup", "__strdup"), told)
        test.equal(f"strdup of {which}", frames[1:3], copied)
        test.check(frames[3].startswith(f"{function} {LIMIT_STACKS}:") and len(frames) == 4, told)
        if which == "allocs":
            test.equal("most first", stacks[0][1][0], worked)
        test.check(told.index(copied[0]) < told.index(": error: Failure!"), told)
    stacks, told = stacks_shown(test, "peak")
    test.equal("by bytes", [heading for heading, _ in stacks],
               ["1 allocation, 5000 bytes", "3 allocations, 30 bytes"])


def test_failed_limits_print_some_of_many_stacks(test):
    stacks, told = stacks_shown(test, "many")
    test.equal("stacks", [heading for heading, _ in stacks],
               ["4090 allocations, 32720 bytes"] + 4 * ["1 allocation, 1 bytes"])
    test.check("\n  and 2 more stacks\n" in told, told)
    test.check("(the first 1 allocations are not among these)" in told, told)
    stacks, told = stacks_shown(test, "moving")
    test.check(any(frames[1:2] and frames[1].startswith("copy_name ") for _, frames in stacks), told)
    test.check("(the first 3 allocations are not among these)" in told, told)
    test.equal("stacks that look the same are one", len({tuple(frames) for _, frames in stacks}), len(stacks))


def test_failed_limits_print_counts_where_nothing_more_is_known(test):
    """A sample counts nothing, so limits are skipped; a header that is newer than the recorder says what it can, and a
    collector that does not answer is waited for 2 s."""
    recorded = test.record([test.program("limit_stacks"), "allocs"], "--sample", "1000")
    test.equal("status", recorded.status, 0)
    program = test.program("limit_stacks", "-Dallocaudit_describe_stacks=allocaudit_of_tomorrow")
    recorded = test.record([program, "allocs"])
    told = (recorded.stdout + recorded.stderr).decode()
    test.equal("status of the newer", recorded.status, 1)
    test.check("4 allocations, at most 0 allowed" in told and "copy_name" not in told, told)
    stacks, told = stacks_shown(test, "silent")
    test.check("1 allocations, at most 0 allowed" in told and not stacks, told)


def test_limits_in_tests_are_skipped_where_nobody_records(test):
    ended = test.run([test.program("limited"), "allocs"])
    test.equal("status", ended.status, 0)
    test.equal("lines", ended.talk.count("limits on allocations are skipped"), 1)


def test_limits_in_tests_name_the_stack(test):
    recorded = test.record([test.program("limited"), "allocs"])
    scopes = {scope["name"]: scope for scope in report(test, recorded, "scopes")["scopes"]}
    test.check("allocs_are_counted" in scopes and "limits_nest" in scopes, str(sorted(scopes)))
    block = next(scope for name, scope in sorted(scopes.items()) if "limited.c:" in name)
    test.equal("allocations", block["allocation_count"], 3)
    test.check("allocs_are_counted" in [site["function"] for site in block["sites"]], str(block))


FOREIGN = """
import ctypes, sys
loader = ctypes.CDLL(None)
names = ["allocaudit_note", "allocaudit_pause", "allocaudit_resume", "allocaudit_count", "allocaudit_count_process"]
if not hasattr(loader, names[0]):
    sys.exit("not recorded")
note, pause, resume, count, count_process = (getattr(loader, name) for name in names)
loader.malloc.restype = ctypes.c_void_p
note(2, b"foreign"), pause(), loader.free(ctypes.c_void_p(loader.malloc(100))), resume(), note(3, b"foreign")
counts = (ctypes.c_uint64 * 3)()
print(count(counts), count_process(counts))
"""


def test_other_languages_ask_the_loader(test):
    """As Rust would, which has no weak symbols: plain functions that are there when somebody records."""
    command = [sys.executable, "-c", FOREIGN]
    recorded = test.record(command)
    test.equal("known", recorded.stdout, b"1 1\n")
    test.equal("scopes", [scope["name"] for scope in report(test, recorded, "scopes")["scopes"]], ["foreign"])
    test.equal("not recorded", test.run(command).stderr, b"not recorded\n")


# ---- turns that are found without marks ------------------------------------------------------------

def detected(test, recorded):
    """What `frames` guesses; None: nothing."""
    return report(test, recorded, "frames").get("detected")


def test_turns_are_found(test, kind):
    """As many turns as the loop has, whatever it did before and however much work there is in each."""
    found = detected(test, test.record([test.program("loop_turns"), kind, "200"], "-q"))
    test.check(found, "no loop was found")
    # Two kinds of turns that take different ways come back to the same place every second time.
    test.equal("turns", found["turn_count"], 100 if kind == "phases" else 200)
    test.check(found["covered_pct"] > 90, f"{found}")
    in_turns = {step["calls"]: step["turns_pct"] for step in found["steps"]}
    if kind != "phases":
        test.equal("in each", [in_turns[name] for name in ("take_input", "update", "draw")], [100, 100, 100])
        test.check(9 < in_turns["save"] < 11 and 20 < in_turns["spawn"] < 45, f"{in_turns}")
        test.check(found["loop"].startswith("turn (loop_turns.c:"), found["loop"])
    if kind == "paced":
        test.check(found["duration_p10_ns"] >= 1e6, f"{found}")


test_turns_are_found.cases = [(kind, (kind,)) for kind in ("fixed", "paced", "variable", "levels", "phases")]


def test_no_turns_where_there_is_no_loop(test):
    for kind, count in (("random", "5000"), ("either", "5000"), ("tree", "200")):
        test.equal(kind, detected(test, test.record([test.program("loop_turns"), kind, count], "-q")), None)
    for command in ([sys.executable, "-c", "import json; json.dumps(list(range(1000)))"],
                    [test.program("hello")], [test.program("equal_blocks"), "1000"]):
        recorded = test.record(command, "-q")
        test.equal(f"{command}", detected(test, recorded), None)
    told = test.allocaudit("report", recorded.path, "frames").stdout.decode()
    test.check("no loop shows" in told, told)


def test_turns_of_a_game_are_its_frames(test):
    """The sample game, after its marks were taken away; with them nothing is guessed."""
    recorded = test.record([test.sample_app("game_loop")], "-q")
    marked = report(test, recorded, "frames")
    test.equal("marked", (marked["frames"][0]["frame_count"], "detected" in marked), (1000, False))
    connection = sqlite3.connect(recorded.path)
    connection.execute("DELETE FROM mark")
    connection.commit()
    connection.close()
    found = detected(test, recorded)
    test.check(abs(found["turn_count"] - 1000) <= 2, f"{found}")
    told = test.allocaudit("report", recorded.path, "frames").stdout.decode()
    test.check(re.search(r"to be exact: call allocaudit_frame\(\) at the end of each turn in main \(game_loop", told), told)
