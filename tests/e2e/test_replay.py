"""`allocaudit replay`: the recorded calls are made again, all of them, on other allocators."""

import json
import os
import shutil

from harness import Failure, Skip
from test_trial import broken_library

STOCK = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4",
         "mimalloc": "libmimalloc.so.2"}
RECORDED_BYTES = 100 << 20
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")


def recorded(test, *arguments, options=()):
    ended = test.record([test.program("replayed"), *arguments], "-q", *options)
    test.equal("status", ended.status, 0)
    return ended


def replayed(test, recording, *options, status=0):
    """The answer of `replay`, as JSON."""
    ended = test.allocaudit("replay", recording.path, "--format", "json", "-n", "1", *options)
    test.equal(f"status of {ended}", ended.status, status)
    return json.loads(ended.stdout)


def refused(test, status, *arguments):
    """The one line why nothing was replayed; a mistake in the words has a hint behind it."""
    ended = test.allocaudit("replay", *arguments)
    test.equal(f"status of {ended}", ended.status, status)
    test.equal("stdout", ended.stdout, b"")
    return ended.talk


def row_of(answer, name):
    return next(row for row in answer["allocators"] if row["allocator"] == name)


def need_library(name):
    paths = [os.path.join(folder, STOCK[name]) for folder in LIBRARY_FOLDERS]
    if not any(os.path.exists(path) for path in paths):
        raise Skip(f"{STOCK[name]} is not installed")


# ---- what is replayed ----------------------------------------------------------------------------


def check_counts(test, answer, recording):
    process = test.open(recording).processes[0]
    found = answer["replay"]
    for key in ("allocation_count", "free_count"):
        test.equal(key, found[key], process[key])
    # A realloc is one call in a replay. Recorded, its old block ends before its new one begins, and
    # another thread may come between.
    spread = 0 if found["thread_count"] == 1 else process["peak_bytes"] // 1000
    test.check(abs(found["peak_bytes"] - process["peak_bytes"]) <= spread,
               f"peak_bytes: {found['peak_bytes']}, not {process['peak_bytes']}")
    reallocs = test.open(recording).value(
        "SELECT count(*) FROM allocation WHERE realloc_of_id IS NOT NULL")
    test.equal("realloc_count", found["realloc_count"], reallocs)
    calls = {row["call"]: row["call_count"] for row in answer["latencies"]
             if row["allocator"] == "glibc"}
    test.equal("calls", sum(calls.values()),
               found["allocation_count"] + found["free_count"] - found["realloc_count"])
    test.equal("calls of realloc", calls["realloc"], reallocs)


def test_every_call_is_made(test):
    recording = recorded(test, "0", "500")
    answer = replayed(test, recording, "--allocator", "glibc")
    test.equal("mode", answer["replay"]["mode"], "serial")
    check_counts(test, answer, recording)
    row = row_of(answer, "glibc")
    test.check(row["heap_peak_bytes"] > answer["replay"]["peak_bytes"] * 0.8, f"{row}")
    test.equal("calls that failed", row["failed_count"], 0)


def test_threads_hand_over_blocks(test):
    recording = recorded(test, "8", "200")
    remote = test.open(recording).value("SELECT sum(remote_free_count) FROM thread")
    for mode in ("deps", "serial"):
        answer = replayed(test, recording, "--allocator", "glibc", "--mode", mode)
        check_counts(test, answer, recording)
        found = answer["replay"]
        test.equal("threads", found["thread_count"], 9)
        test.equal("blocks handed on", found["handoff_count"], remote)
        test.check(found["handoff_count"] >= 8 * 2 * 200, f"{found}")
    answer = replayed(test, recording, "--allocator", "glibc")
    test.equal("mode by itself", answer["replay"]["mode"], "deps")


def test_nothing_is_freed_before_it_is_made(test):
    recording = test.record([test.program("cross_thread"), "20000"], "-q")
    answer = replayed(test, recording, "--allocator", "glibc", "--mode", "deps")
    test.equal("blocks handed on", answer["replay"]["handoff_count"], 2 * 20000)
    row = row_of(answer, "glibc")
    test.equal("blocks that were not there", row["missed_count"], 0)
    # Nobody has run far ahead of what was recorded, where a mailbox held one block.
    test.check(row["heap_peak_bytes"] < 2 << 20, f"{row}")


def test_threads_in_turn_stay_in_turn(test):
    """Were threads not to wait for what came before them, what they need would add up."""
    recording = recorded(test, "16", "300", "in-turn")
    serial = row_of(replayed(test, recording, "--allocator", "glibc", "--mode", "serial"), "glibc")
    deps = row_of(replayed(test, recording, "--allocator", "glibc", "--mode", "deps"), "glibc")
    test.check(deps["heap_peak_bytes"] < 2 * serial["heap_peak_bytes"],
               f"{deps['heap_peak_bytes']} against {serial['heap_peak_bytes']}")


def test_many_short_threads(test):
    ended = test.record([test.program("threads_in_turn"), "300"], "-q")
    answer = replayed(test, ended, "--allocator", "glibc", "--mode", "deps")
    test.equal("threads", answer["replay"]["thread_count"], 301)


def test_serial_replay_repeats_itself(test):
    recording = recorded(test, "0", "2000")
    answers = [replayed(test, recording, "--allocator", "glibc", "--mode", "serial")
               for _ in range(3)]
    test.check(all(answer["replay"] == answers[0]["replay"] for answer in answers), "not the same")
    peaks = [row_of(answer, "glibc")["heap_peak_bytes"] for answer in answers]
    # The kernel's own count of pages is only so exact.
    test.check(max(peaks) - min(peaks) <= 512 * 1024, f"heap peaks: {peaks}")
    faults = [row_of(answer, "glibc")["fault_count"] for answer in answers]
    test.check(max(faults) - min(faults) <= 16, f"faults: {faults}")


def test_untouched_blocks_take_no_memory(test):
    recording = recorded(test, "0", "2000")
    first = row_of(replayed(test, recording, "--allocator", "glibc"), "glibc")
    none = row_of(replayed(test, recording, "--allocator", "glibc", "--touch", "none"), "glibc")
    test.check(none["heap_peak_bytes"] <= first["heap_peak_bytes"], f"{none} {first}")


def check_calibration(test, percent, beside_mib):
    recording = test.record([test.program("touched_part"), percent, beside_mib], "-q")
    answer = replayed(test, recording, "--allocator", "glibc", "--touch", "calibrated")
    found = answer["calibration"]
    test.equal("model", answer["replay"]["touch"], "calibrated")
    test.check(abs(found["touch_share_pct"] - int(percent)) < 5, f"{percent} %: {found}")
    test.check(int(beside_mib) << 20 < found["base_bytes"] < (int(beside_mib) + 4) << 20, f"{found}")
    test.check(found["error_pct"] < 5 and found["sample_count"] > 50, f"{found}")
    difference = abs(found["replayed_peak_bytes"] - found["recorded_peak_bytes"])
    test.check(difference < 0.05 * found["recorded_peak_bytes"] + (1 << 20), f"{found}")
    # The heap of the rounds is what the calibration has found.
    heap = row_of(answer, "glibc")["heap_peak_bytes"]
    test.check(abs(heap + found["base_bytes"] - found["replayed_peak_bytes"]) < 2 << 20,
               f"{heap} {found}")


def test_calibrated_touching_finds_what_the_program_touched(test, percent, beside_mib):
    """Samples that a busy machine takes too late blur the curve: one recording of three must be clear."""
    for attempt in range(3):
        try:
            check_calibration(test, percent, beside_mib)
            return
        except Failure:
            if attempt == 2:
                raise


test_calibrated_touching_finds_what_the_program_touched.cases = [
    (percent, (percent, beside_mib))
    for percent, beside_mib in (("100", "0"), ("40", "0"), ("10", "20"), ("0", "5"))]


def test_calibrating_says_when_no_share_explains_what_was_resident(test):
    # A mapping of the program's own comes and goes with time: no heap can do that.
    recording = test.record([test.program("mapping_waves")], "-q")
    answer = replayed(test, recording, "--allocator", "glibc", "--touch", "calibrated")
    test.check(answer["calibration"]["error_pct"] > 10, f"{answer['calibration']}")
    test.check(any("no share of its blocks" in note for note in answer["notes"]), answer["notes"])


def test_calibrating_what_cannot_be_is_refused(test):
    short = test.record([test.program("hello")], "-q")
    talk = refused(test, 3, short.path, "--allocator", "glibc", "--touch", "calibrated")
    test.check("resident set is known of" in talk, talk)
    recording = test.record([test.program("touched_part"), "50", "0"], "-q")
    for options in (("--allocator", "jemalloc"),
                    ("--allocator", "glibc", "--env", "MALLOC_ARENA_MAX=1")):
        talk = refused(test, 3, recording.path, "--touch", "calibrated", *options)
        test.check("needs the allocator that was recorded" in talk, talk)


def test_paced_replay_takes_its_time(test):
    ended = test.record(["/bin/sh", "-c", "sleep 0.3; exec " + test.program("replayed")], "-q")
    process = test.open(ended).value("SELECT max(id) FROM process")
    options = ("--allocator", "glibc", "--process", str(process))
    fast = row_of(replayed(test, ended, *options), "glibc")
    recording = test.record([test.program("progress"), test.path("progress"), "300", "1"], "-q")
    wall_ns = test.open(recording).value(
        "SELECT max(born_ns) - min(born_ns) FROM allocation")
    paced = row_of(replayed(test, recording, "--allocator", "glibc", "--mode", "paced"), "glibc")
    test.check(paced["wall_ns"] >= wall_ns * 0.9, f"{paced['wall_ns']} of {wall_ns}")
    test.check(fast["wall_ns"] > 0, f"{fast}")


def test_stock_allocators(test, name):
    need_library(name)
    recording = recorded(test, "2", "300")
    change(test, recording.path, f"UPDATE process SET rss_peak_bytes = {RECORDED_BYTES}")
    answer = replayed(test, recording, "--allocator", f"glibc,{name}")
    row, base = row_of(answer, name), row_of(answer, "glibc")
    test.equal("problem", row["problem"], None)
    test.check(row["heap_peak_bytes"] > 0 and row["wall_ns"] > 0, f"{row}")
    test.equal("peak of the program on glibc", base["program_peak_bytes"], RECORDED_BYTES)
    test.equal(f"and on {name}", row["program_peak_bytes"],
               RECORDED_BYTES + row["heap_peak_bytes"] - base["heap_peak_bytes"])
    alone = row_of(replayed(test, recording, "--allocator", name), name)
    test.equal("without glibc beside it", alone["program_peak_bytes"], None)


test_stock_allocators.cases = [(name, (name,)) for name in STOCK]


def test_json_keys(test):
    answer = replayed(test, recorded(test, "0", "50"), "--allocator", "glibc")
    test.equal("keys", list(answer),
               ["schema", "command", "replay", "allocators", "latencies", "notes"])
    wanted = {"allocator", "problem", "heap_peak_bytes", "heap_peak_min_bytes",
              "heap_peak_max_bytes", "heap_mean_bytes", "heap_end_bytes", "peak_ratio",
              "at_peak_ratio", "program_peak_bytes", "fault_count", "cpu_ns", "wall_ns",
              "failed_count", "missed_count"}
    test.equal("missing in a row", wanted - set(row_of(answer, "glibc")), set())
    test.equal("of a call", set(answer["latencies"][0]),
               {"allocator", "call", "call_count", "p50_ns", "p99_ns", "p999_ns", "max_ns"})


def test_table_fits(test):
    ended = test.allocaudit("replay", recorded(test, "2", "50").path, "-n", "1", "--allocator",
                            "glibc", env={"COLUMNS": "100"})
    lines = ended.stdout.decode().splitlines()
    test.check(max(map(len, lines)) <= 100, "\n".join(lines))
    for word in ("heap peak", "blocks handed on", "p99.9", "realloc"):
        test.check(any(word in line for line in lines), f"{word!r} is not in the table")


def test_child_process(test):
    ended = test.record(["/bin/sh", "-c", test.program("replayed") + "; true"], "-q")
    rows = test.open(ended).rows("SELECT id, allocation_count FROM process ORDER BY peak_bytes")
    answer = replayed(test, ended, "--allocator", "glibc")
    test.equal("the largest process", answer["replay"]["process_id"], rows[-1]["id"])
    test.equal("its calls", answer["replay"]["allocation_count"], rows[-1]["allocation_count"])


# ---- what is refused -----------------------------------------------------------------------------


def test_incomplete_recordings_are_refused(test):
    program = test.program("hello")
    sites = test.record([program], "-q", "--detail", "sites")
    test.check("--detail sites" in refused(test, 3, sites.path), "sites")
    sampled = test.record([program], "-q", "--sample", "1KiB")
    test.check("--sample" in refused(test, 3, sampled.path), "sampled")
    whole = test.record([program], "-q")
    lossy = test.path("lossy.db")
    shutil.copy(whole.path, lossy)
    change(test, lossy, "UPDATE process SET lost_event_count = 3")
    test.check("3 events were lost" in refused(test, 3, lossy), "lossy")
    change(test, lossy, "UPDATE process SET lost_event_count = 0; UPDATE run SET state = 'cut'")
    test.check("incomplete" in refused(test, 3, lossy), "cut")


def change(test, path, sql):
    test.equal("sqlite3", test.run([test.need("sqlite3"), path, sql]).status, 0)


def test_wrong_usage(test):
    path = test.record([test.program("hello")], "-q").path
    cases = (
        (("--allocator", "jemaloc"), "did you mean 'jemalloc'"),
        (("--allocator", "xyzzy"), "glibc, jemalloc"),
        (("--allocator", "glibc,glibc"), "twice"),
        (("--env", "NOTHING"), "NAME=VALUE"),
        (("--env", "LD_PRELOAD=/x.so"), "--allocator"),
        (("--env", "ALLOCAUDIT_POLICY=pool"), "--allocator"),
        (("--allocator", "pool:chunk_byte=4096"), "did you mean 'chunk_bytes'"),
        (("--mode", "quick"), "mode"),
        (("--process", "77"), "77"),
        (("nonsense",), "nonsense"),
    )
    for words, wanted in cases:
        test.check(wanted in refused(test, 2, path, *words), f"{words}: {wanted!r} is not said")


def test_missing_library_loses_its_row(test):
    recording = recorded(test, "0", "50")
    answer = replayed(test, recording, "--allocator", "glibc,/nowhere/lib.so")
    test.check("no such file" in row_of(answer, "/nowhere/lib.so")["problem"].lower(), f"{answer}")
    test.equal("the other", row_of(answer, "glibc")["problem"], None)
    test.check(any("/nowhere/lib.so" in note for note in answer["notes"]), f"{answer['notes']}")
    replayed(test, recording, "--allocator", "/nowhere/lib.so", status=3)


def test_file_that_is_no_library_loses_its_row(test):
    path = test.write("text.so", "no library\n")
    answer = replayed(test, recorded(test, "0", "50"), "--allocator", f"glibc,{path}")
    test.check("no shared library" in row_of(answer, path)["problem"], f"{answer}")


def test_library_that_does_not_load_loses_its_row(test):
    path = broken_library(test)
    answer = replayed(test, recorded(test, "0", "50"), "--allocator", f"glibc,{path}")
    test.check("libgone.so" in row_of(answer, path)["problem"], f"{answer}")


def test_library_that_does_not_serve_loses_its_row(test):
    """It has a malloc, but of a version that nobody asks for."""
    path = test.path("libother.so")
    shutil.copy(test.program("bump_malloc", "-Wl,--default-symver"), path)
    answer = replayed(test, recorded(test, "0", "50"), "--allocator", f"glibc,{path}")
    test.check("does not serve malloc" in row_of(answer, path)["problem"], f"{answer}")


def test_crashing_library_loses_its_row(test):
    library = test.program("failing_malloc")
    recording = recorded(test, "0", "300")
    answer = replayed(test, recording, "--allocator", f"{library},glibc")
    test.check("signal 6" in row_of(answer, library)["problem"], f"{answer}")
    test.equal("the other", row_of(answer, "glibc")["problem"], None)
    answer = replayed(test, recording, "--allocator", library, "--env", "FAILING_AFTER=1000000")
    test.equal("problem", row_of(answer, library)["problem"], None)


# ---- options that did not take -------------------------------------------------------------------


def problem_with(test, recording, name, *variables):
    options = [word for variable in variables for word in ("--env", variable)]
    answer = replayed(test, recording, "--allocator", f"{name},glibc", *options)
    return row_of(answer, name)["problem"]


def test_jemalloc_options_are_checked(test):
    need_library("jemalloc")
    recording = recorded(test, "0", "50")

    def problem(conf):
        return problem_with(test, recording, "jemalloc", f"MALLOC_CONF={conf}")
    test.equal("good", problem("dirty_decay_ms:0,narenas:1,metadata_thp:auto"), None)
    for conf in ("dirty_decay_ms:0, narenas:1", "narenas=1", "no_such_option:1",
                 "dirty_decay_ms:many"):
        test.check("did not take" in (problem(conf) or ""), f"{conf}: {problem(conf)}")


def test_mimalloc_options_are_checked(test):
    need_library("mimalloc")
    recording = recorded(test, "0", "50")
    test.equal("good", problem_with(test, recording, "mimalloc", "MIMALLOC_PAGE_RESET=1"), None)
    said = problem_with(test, recording, "mimalloc", "MIMALLOC_PAGE_REST=1")
    test.check("no option MIMALLOC_PAGE_REST" in (said or ""), f"{said}")


def test_tcmalloc_options_are_checked(test):
    need_library("tcmalloc")
    recording = recorded(test, "0", "50")
    test.equal("good", problem_with(test, recording, "tcmalloc", "TCMALLOC_RELEASE_RATE=5"), None)
    said = problem_with(test, recording, "tcmalloc", "TCMALLOC_RELEASE=5")
    test.check("no option TCMALLOC_RELEASE" in (said or ""), f"{said}")


def test_glibc_options_are_checked(test):
    recording = recorded(test, "0", "50")

    def problem(variable):
        answer = replayed(test, recording, "--allocator", f"glibc,{test.program('failing_malloc')}",
                          "--env", variable, "--env", "FAILING_AFTER=100000")
        return row_of(answer, "glibc")["problem"]
    for variable in ("GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0",
                     "MALLOC_ARENA_MAX=1"):
        test.equal(variable, problem(variable), None)
    for variable, wanted in (("GLIBC_TUNABLES=glibc.malloc.arena_mx=1", "no tunable"),
                             ("GLIBC_TUNABLES=glibc.malloc.arena_max", "no value"),
                             ("GLIBC_TUNABLES=glibc.malloc.arena_max=many", "does not take"),
                             ("MALLOC_ARENAS=1", "knows no variable")):
        test.check(wanted in (problem(variable) or ""), f"{variable}: {problem(variable)}")


def test_untouched_memory_is_told(test):
    recording = recorded(test, "0", "500")
    for rss_bytes, is_told in ((1 << 20, True), (100 << 20, False)):
        change(test, recording.path, f"UPDATE process SET rss_peak_bytes = {rss_bytes}")
        answer = replayed(test, recording, "--allocator", "glibc")
        told = any("did not touch all" in note for note in answer["notes"])
        test.equal(f"told at {rss_bytes}", told, is_told)


# ---- recorded time -------------------------------------------------------------------------------


def test_virtual_time_lets_jemalloc_purge(test):
    need_library("jemalloc")
    recording = test.record([test.program("idle_after_peak")], "-q")
    options = ("--allocator", "jemalloc,glibc", "--env", "MALLOC_CONF=dirty_decay_ms:100")
    serial = replayed(test, recording, "--mode", "serial", *options)
    virtual = replayed(test, recording, "--mode", "virtual", *options)
    rows = [row_of(answer, "jemalloc") for answer in (serial, virtual)]
    kept = [row["heap_end_bytes"] for row in rows]
    test.check(kept[1] < rows[1]["heap_peak_bytes"] / 4, f"kept at the end: {kept} of {rows[1]}")
    if rows[0]["wall_ns"] < 50_000_000: # else so much time went by that jemalloc purged without virtual time
        test.check(kept[1] < kept[0] / 2, f"kept at the end: {kept}")
    wall_ns = row_of(virtual, "jemalloc")["wall_ns"]
    test.check(wall_ns < 400_000_000, f"it took {wall_ns} ns")
    test.check("jemalloc alone" in row_of(virtual, "glibc")["problem"], f"{virtual}")


def test_our_policies(test):
    """They are candidates like any other, served by the library of the recorder; also with settings."""
    tuned = "buddy:is_weighted=1,lazy_count=8"
    recorded = test.record([test.program("policy_mix"), "20000"], "-q")
    ended = test.allocaudit("replay", recorded.path, "-n", "1", "--allocator",
                            f"glibc,pool,frame,buddy,{tuned},slab", "--format", "json")
    test.equal(f"status: {ended}", ended.status, 0)
    rows = {row["allocator"]: row for row in json.loads(ended.stdout)["allocators"]}
    test.equal("replayed", sorted(rows), ["buddy", tuned, "frame", "glibc", "pool", "slab"])
    peaks = {name: row["heap_peak_bytes"] for name, row in rows.items()}
    test.check(all(peak and peak > 1 << 20 for peak in peaks.values()), f"peaks: {peaks}")
    test.check(len(set(peaks.values())) > 3, f"all the same, as if nothing was routed: {peaks}")
