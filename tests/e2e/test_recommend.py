"""`allocaudit recommend`: programs of which it is known what helps, and those that need nothing."""

import json
import os
import shlex
import statistics
import subprocess
import time

from test_replay import need_library


def advice(test, path, *options, status=0, **run_options):
    ended = test.allocaudit("recommend", "-i", path, "--format", "json", *options, **run_options)
    test.equal(f"status of {ended}", ended.status, status)
    return json.loads(ended.stdout)


def recorded(test, *command, options=(), env=None):
    return test.record(command, "-q", *options, env=env).path


def paused(test, *command):
    """The same of a program that sleeps at its end: so few calls suffice for a recording that is long enough."""
    return recorded(test, *command, env={"LD_PRELOAD": test.program("pause_at_end")})


def pinned(test):
    """6 MB that one cached block keeps, and half a second with nothing to do."""
    return recorded(test, test.program("pinned_top"), "12500")


def test_small_program_needs_no_change(test):
    answer = advice(test, recorded(test, test.program("hello")))
    found = answer["recommendation"]
    test.equal("verdict", found["verdict"], "no_change")
    test.check("no allocator can win anything" in found["why"], found["why"])
    test.check("expected" not in answer and "tried" not in answer, f"{answer}")


def test_program_that_hardly_allocates_needs_no_change(test):
    """Python's own pools take mappings; what is left for malloc is little."""
    test.need("/usr/bin/python3")
    path = recorded(test, "/usr/bin/python3", "-c",
                    "x = [str(i) for i in range(600000)]; y = sum(i * i for i in range(5000000))")
    answer = advice(test, path)
    found = answer["recommendation"]
    test.equal("verdict", found["verdict"], "no_change")
    test.check("there is nothing to win" in found["why"], found["why"])
    test.check(answer["features"]["allocator_time_pct"] < 3, f"{answer['features']}")


def test_memory_held_by_the_heaps_end_is_given_back(test):
    """One cached block keeps 6 MB: another setting, or another allocator, holds a fraction."""
    answer = advice(test, pinned(test), "--goal", "memory")
    found = answer["recommendation"]
    test.equal("verdict", found["verdict"], "change")
    expected = {row["measure"]: row for row in answer["expected"]}
    test.check(expected["mean"]["change_pct"] < -30, f"{expected}")
    test.check(expected["mean"]["change_high_pct"] < -20, f"{expected}")
    test.check(found["command"].endswith("pinned_top 12500"), found["command"])
    fixed = next(row for row in answer["tried"] if row["label"] == "glibc, gives back at once")
    test.check(fixed["mean_change_pct"] < -30, f"{fixed}")
    test.check("tcache_count=0" in fixed["setting"], f"{fixed}")


def test_causes_are_found_by_leaving_them_out(test):
    """Without the file's block at the heap's end glibc gives 6 MB back by itself: nothing is left to gain."""
    answer = advice(test, pinned(test), "--goal", "memory", "--why")
    test.equal("verdict", answer["recommendation"]["verdict"], "change")
    cause = next(row for row in answer["causes"] if row["feature"] == "top_site")
    test.check("fopen" in cause["function"], f"{cause}")
    test.equal("verdict", cause["verdict"], "explains")
    test.check(cause["explained_pct"] > 80 and cause["explained_low_pct"] > 60, f"{cause}")
    test.check(cause["explained_low_pct"] <= cause["explained_pct"] <= cause["explained_high_pct"], f"{cause}")


def test_threads_are_weighed(test):
    """What one thread would change hangs on the machine; that it was replayed, and what was not, does not."""
    path = paused(test, test.program("thread_scratch"))
    for _ in range(3):  # for the longest calls something is nearly always better, but a busy machine may hide it
        answer = advice(test, path, "--goal", "latency", "--why")
        if answer["recommendation"]["verdict"] == "change":
            break
    causes = {row["feature"]: row for row in answer.get("causes", [])}
    test.equal("weighed", "gain_without_pct" in causes.get("threads", {}),
               answer["recommendation"]["verdict"] == "change")
    test.check("pinning_site" not in causes, f"{causes}")  # which makes all the blocks: nothing would be left
    for row in causes.values():
        test.check((row["problem"] is None) == ("explained_pct" in row), f"{row}")


def test_no_advice_has_no_cause(test):
    answer = advice(test, paused(test, test.program("frame_scratch"), "40000", "4"), "--why", "--time-limit", "0")
    test.check("causes" not in answer, f"{answer}")
    test.check(any("no gain to explain" in note for note in answer["notes"]), f"{answer['notes']}")


def resident_at_end(program, line):
    """What the program has resident while it idles at its end, run with the variables of that line."""
    env = {"PATH": os.environ["PATH"], **dict(word.split("=", 1) for word in shlex.split(line))}
    seen = []
    with subprocess.Popen([program], env=env) as running:
        while running.poll() is None:
            try:
                with open(f"/proc/{running.pid}/statm", encoding="ascii") as statm:
                    seen.append(int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE"))
            except (OSError, IndexError):
                break
            time.sleep(0.01)
    return statistics.median([size for size in seen if size > 0][-20:])


def test_advice_cures_the_pinned_heap(test):
    """The line of the advice, given to the program itself, sets free what one block had held."""
    program = test.program("pinned_top")
    for _ in range(3):  # on a busy machine what a replay holds is now and then looked at too seldom
        found = advice(test, recorded(test, program), "--goal", "memory")["recommendation"]
        if found["verdict"] == "change":
            break
    test.equal("verdict", found["verdict"], "change")
    before = resident_at_end(program, "")
    after = resident_at_end(program, found["environment_line"])
    test.note(f"{found['advice']}: {before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after")
    test.check(before > 48 << 20, f"{before} bytes held")
    test.check(after < 0.4 * before, f"{before} bytes held before, {after} after")


def test_longest_call_is_bounded(test):
    """A buddy joins and cuts a bounded number of blocks; glibc at times joins all there are."""
    path = paused(test, test.sample_app("control_loop"), "--ticks", "250000")
    bounded = ("buddy", "pool, up to 64 KiB")
    for _ in range(3):  # the longest call of all may be one that the machine held up in each replay
        answer = advice(test, path, "--goal", "realtime")
        rows = {row["label"]: row for row in answer["tried"]}
        half = rows["as recorded"]["worst_ns"] / 2
        if min(rows[label]["worst_ns"] for label in bounded) < half:
            break
    found = answer["recommendation"]
    test.equal("verdict", found["verdict"], "change")
    test.check(found["advice"] in (*bounded, "jemalloc"), f"{found}")  # which seldom does more at once, either
    test.check(rows[found["advice"]]["worst_ns"] < half, f"{rows}")
    test.check(min(rows[label]["worst_ns"] for label in bounded) < half, f"{rows}")
    test.equal("a policy", "ALLOCAUDIT_POLICY=" in found["environment_line"], found["advice"] in bounded)
    said = next(row for row in answer["folklore"] if row["kind"] == "real time")
    test.equal("said", said["allocator"], "pool")


def test_fixed_heap_counts_what_is_held(test):
    """Of a policy whole chunks count, as a simulation has them; of the others what is touched."""
    path = paused(test, test.sample_app("sensor_node"), "--readings", "500000")
    answer = advice(test, path, "--goal", "embedded")
    rows = {row["label"]: row for row in answer["tried"]}
    policy = rows["buddy, small zones"]
    simulated = json.loads(test.allocaudit("simulate", path, "--policy", policy["allocator"], "--format",
                                           "json").stdout)
    test.equal("held", policy["held_bytes"], simulated["peak"]["footprint_bytes"])
    live_bytes = simulated["simulation"]["requested_max_bytes"]
    test.check(live_bytes < rows["as recorded"]["held_bytes"] < 3 * live_bytes, f"{rows}")
    test.check(rows["tcmalloc"]["held_bytes"] > 10 * live_bytes, f"{rows['tcmalloc']}")
    said = next(row for row in answer["folklore"] if row["kind"] == "a small fixed heap")
    test.equal("holds", said["holds"], False)
    test.check("does not hold" in said["verdict"], said["verdict"])


def test_advice_is_tried_on_the_program(test):
    program = test.program("pinned_top")
    answer = advice(test, pinned(test), "--goal", "memory", "--confirm", "-n", "6", "--", program, "2000", "0")
    found = answer["recommendation"]
    test.check(found["verdict"] in ("change", "withdrawn"), f"{found}")
    measures = [row["measure"] for row in answer["confirmed"]]
    test.equal("measures", measures, ["wall", "cpu", "peak", "faults"])
    test.check(any("confirmation, 6 rounds" in note for note in answer["notes"]),
               f"{answer['notes']}")


def test_advice_that_fails_the_program_is_withdrawn(test):
    """The command ends well only where nothing is preloaded and no variable is set."""
    check = ('test -z "$LD_PRELOAD$MALLOC_CONF$GLIBC_TUNABLES$MIMALLOC_DECOMMIT_DELAY'
             '$TCMALLOC_AGGRESSIVE_DECOMMIT"')
    answer = advice(test, pinned(test), "--goal", "memory", "--confirm", "-n", "6", "--", "/bin/sh", "-c", check)
    test.equal("verdict", answer["recommendation"]["verdict"], "withdrawn")
    test.check(any("failed under it" in note for note in answer["notes"]), f"{answer['notes']}")


def test_sites_become_a_plan(test):
    """A message of 24 bytes, 64 at most, made and freed again and again."""
    path = paused(test, test.sample_app("message_store"), "--messages", "600000")
    plan = test.path("plan.json")
    for _ in range(3):  # a busy machine may time pools and allocators at unlike moments
        answer = advice(test, path, "--goal", "speed", "--time-limit", "15", "--emit-plan", plan)
        if "sites" in answer:
            break
    site = answer["sites"][0]
    test.equal("function", site["function"], "message_create")
    test.check(site["saved_cpu_pct"] > 1, f"{site}")
    with open(plan, encoding="utf-8") as file:
        rule = json.load(file)["rules"][0]
    test.equal("match", rule["match"], {"functions": ["message_create"],
                                        "size_min_bytes": site["size_bytes"],
                                        "size_max_bytes": site["size_bytes"]})
    simulated = test.allocaudit("simulate", path, "--plan", plan)
    test.equal(f"status of {simulated}", simulated.status, 0)


def test_buffer_that_grows_is_worth_reserving(test):
    """31 reallocs of each buffer, and no allocator spares the calls: a malloc of all 512 bytes does."""
    path = paused(test, test.program("grown_buffers"), "16", "512", "40000", "500")
    answer = advice(test, path, "--goal", "speed")
    test.equal("rows", len(answer["site_advice"]), 1)
    row = answer["site_advice"][0]
    test.equal("kind", row["kind"], "reserve")
    test.equal("function", row["function"], "grow")
    test.equal("size_bytes", row["size_bytes"], 512)
    test.equal("spared_step_count", row["spared_step_count"], 40000 * 31)
    test.check("reserve 512 B" in row["text"], row["text"])
    test.check(row["file"].endswith("grown_buffers.c") and row["line"] > 0, f"{row}")
    test.check(row["cpu_change_pct"] <= -2 and row["cpu_change_high_pct"] < 0, f"{row}")
    test.check(row["change_low_pct"] <= row["change_pct"] <= row["change_high_pct"], f"{row}")
    test.check(any("between two replays" in note for note in answer["notes"]), f"{answer['notes']}")


def test_blocks_that_pin_pages_are_worth_an_arena(test):
    """20,000 blocks of 56 bytes hold a page each; packed they take 1.2 MiB. Other allocators need a larger peak."""
    answer = advice(test, recorded(test, test.program("comb")), "--goal", "memory")
    test.equal("rows", len(answer["site_advice"]), 1)
    row = answer["site_advice"][0]
    test.equal("kind", row["kind"], "own_arena")
    test.equal("function", row["function"], "keep_block")
    test.check(20000 * 56 < row["arena_peak_bytes"] < 20000 * 80, f"{row}")
    test.check(-100 <= row["mean_change_pct"] < -50 and row["mean_change_high_pct"] < -50, f"{row}")
    test.check(abs(row["peak_change_pct"]) < 2, f"{row}")
    test.check("cpu_change_pct" not in row, f"{row}")  # what the arena's calls take is not known


def test_blocks_that_die_with_their_frame_are_worth_an_arena(test):
    """Twenty blocks of many sizes a frame: glibc joins and cuts them, and what does not needs too much memory."""
    program = test.program("frame_scratch")
    path = paused(test, program, "40000", "0")
    plan = test.path("plan.json")
    answer = advice(test, path, "--goal", "speed", "--time-limit", "30", "--emit-plan", plan)
    row = answer["site_advice"][0]
    test.equal("kind", row["kind"], "frame_arena")
    test.equal("function", row["function"], "scratch_take")
    test.equal("base", row["base"], "as recorded")
    test.equal("sites", row["frame_stack_ids"], [row["stack_id"]])
    test.equal("frames", (row["frame_name"], row["frame_count"], row["frame_allocation_count"]), ("", 40000, 800000))
    test.check(row["cpu_change_pct"] <= -2 and row["cpu_change_high_pct"] < 0, f"{row}")
    test.check("is reset when a frame ends" in row["text"], row["text"])
    with open(plan, encoding="utf-8") as file:
        rule = json.load(file)["rules"][0]
    test.equal("rule", (rule["match"], rule["policy"]), ({"functions": ["scratch_take", "main"]}, "frame"))
    ended = test.allocaudit("run", "-o", test.path("routed.db"), "--plan", plan, "--", program, "3000", "0")
    test.check("(frame) served 60,000 of 60,000 allocations" in ended.talk, ended.talk)


def test_no_frame_arena_where_all_blocks_outlive_their_frame(test):
    answer = advice(test, paused(test, test.program("frame_scratch"), "40000", "4"), "--goal", "speed",
                    "--time-limit", "30")
    test.equal("rows", answer["site_advice"], [])
    test.check(any("at none could enough be gained" in note for note in answer["notes"]), f"{answer['notes']}")


def test_no_site_is_worth_a_change_where_nothing_grows(test):
    """What can be won there is the allocator's: nothing is realloc'ed."""
    answer = advice(test, pinned(test), "--goal", "memory")
    test.equal("rows", answer["site_advice"], [])
    said = f"on top of '{answer['recommendation']['advice']}'"
    test.check(any("no change of a single site" in note and said in note for note in answer["notes"]),
               f"{answer['notes']}")


def test_too_little_time_is_said(test):
    """With none at all: whatever is more than that may suffice on some machine."""
    path = paused(test, test.sample_app("message_store"), "--messages", "600000")
    found = advice(test, path, "--time-limit", "0")
    test.equal("verdict", found["recommendation"]["verdict"], "insufficient_evidence")
    test.check("longer --time-limit" in found["recommendation"]["why"], f"{found}")


def test_what_is_missing_is_said(test):
    program = test.program("pinned_top")
    for options, wanted in ((("--sample", "64K"), "without --sample"),
                            (("--detail", "sites"), "without --detail sites")):
        answer = advice(test, recorded(test, program, options=options))
        found = answer["recommendation"]
        test.equal("verdict", found["verdict"], "insufficient_evidence")
        test.check(wanted in found["why"], found["why"])
        test.check(answer["features"]["allocation_count"] > 0, f"{answer['features']}")


def test_settings_are_checked(test):
    need_library("jemalloc")
    path = recorded(test, test.program("hello"), options=("--allocator", "jemalloc"),
                    env={"MALLOC_CONF": "narenas:1, tcache:false", "MALLOC_ARENA_MAX": "1"})
    found = {row["variable"]: row for row in advice(test, path)["environment"]}
    test.equal("MALLOC_CONF", found["MALLOC_CONF"]["effect"], "dropped")
    test.equal("MALLOC_ARENA_MAX", found["MALLOC_ARENA_MAX"]["effect"], "ignored")
    report = test.allocaudit("report", path, "summary").stdout.decode()
    test.check("MALLOC_CONF, dropped: jemalloc stops reading at ' tcache:false'" in report, report)


def test_mistakes_are_refused(test):
    path = recorded(test, test.program("hello"))
    for words, part in (((path, "word"), "unexpected 'word'"), ((path, "--goal", "sped"), "speed"),
                        ((path, "--confirm"), "--confirm needs a command"),
                        ((path, "--process", "99"), "99")):
        ended = test.allocaudit("recommend", *words)
        test.equal(f"status of {ended}", ended.status, 2)
        test.check(part in ended.talk, ended.talk)
    ended = test.allocaudit("recommend", "/nowhere.db")
    test.equal("no file", ended.status, 3)
