"""`run --detail sites`: the figures of full detail, without the rows of blocks that were freed."""

import json
import os

from harness import Failure
from test_recover import Killed, recover

# What depends on when things happened, or on which calls were timed.
TIMES = {"time_ns", "timed_count", "lifetime_sum_ns", "lifetime_max_ns", "mean_time_ns",
         "mean_lifetime_ns", "duration_ns", "started_unix_ns", "peak_ns", "rss_peak_bytes", "pid", "tid",
         "started_ns", "ended_ns", "large_short_lived_count", "large_short_lived_bytes", "detail",
         "path", "name", "notes"}
SECTIONS = ["summary", "sites", "leaks", "temporary", "sizes", "threads", "processes", "realloc",
            "modules", "tree"]
TABLES = {
    "site": "process_id, stack_id, kind, allocation_count, allocated_bytes, usable_bytes, free_count,"
            " failed_count, size_min_bytes, size_max_bytes, live_count_max, live_bytes_max, peak_count,"
            " peak_bytes, leaked_count, leaked_bytes, remote_free_count, realloc_count,"
            " realloc_moved_count, realloc_moved_bytes, realloc_chain_max",
    "temporary": "*",
    "size_class": "*",
    "lifetime_class": "process_id, sum(free_count), sum(freed_bytes)",
    "timeline": "process_id, sum(allocation_count), sum(allocated_bytes), sum(free_count),"
                " max(live_bytes)",
    "thread": "process_id, allocation_count, allocated_bytes, free_count, remote_free_count",
    "stack": "*",
}
LEAKS = ("SELECT stack_id, kind, size_bytes, usable_bytes, alignment, thread_id, free_kind"
         " FROM allocation WHERE died_ns IS NULL ORDER BY born_ns, id")


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def reported(test, path):
    ended = test.allocaudit("report", path, *SECTIONS, "--format", "json", "--top", "50")
    test.equal("status of report", ended.status, 0)
    return without_times(json.loads(ended.stdout))


def same_figures(test, command):
    full = test.record(command, "-q")
    sites = test.record(command, "-q", "--detail", "sites")
    test.equal("output", sites.stdout, full.stdout)
    whole, summed = test.sound(full), test.sound(sites)
    for table, columns in TABLES.items():
        grouped = " GROUP BY process_id" if "sum(" in columns else ""
        query = f"SELECT {columns} FROM {table}{grouped} ORDER BY 1, 2"
        test.equal(f"table {table}", summed.rows(query), whole.rows(query))
    test.equal("leaked rows", summed.rows(LEAKS), whole.rows(LEAKS))
    test.equal("rows", summed.value("SELECT count(*) FROM allocation"),
               whole.run["leaked_count"])
    left, right = reported(test, sites.path), reported(test, full.path)
    differing = [key for key in right if left.get(key) != right[key]]
    test.equal("sections of the report that differ", differing, [])
    test.check(whole.value("SELECT count(*) FROM allocation") > 0, "nothing was recorded")
    return summed


def test_figures(test, name, arguments):
    same_figures(test, [test.program(name), *arguments])


test_figures.cases = [(name, (name, arguments)) for name, arguments in (
    ("temporaries", []), ("realloc_chain", []), ("realloc_forms", []), ("entry_points", []),
    ("end_by", ["_exit"]))]


def test_long_history(test):
    program = test.program("progress")
    recording = same_figures(test, [program, test.path("progress"), "30000", "1"])
    test.check(recording.run["allocation_count"] > 30000, f"{recording.run}")
    test.equal("links to rows that are not there", recording.value(
        "SELECT count(*) FROM block WHERE realloc_of_id NOT IN (SELECT id FROM block)"), 0)
    test.check(os.path.getsize(recording.path) < 4 << 20, "the file is not small")


def test_says_so(test):
    recorded = test.record([test.program("temporaries")], "--detail", "sites")
    ended = test.allocaudit("report", recorded.path)
    test.check(b"detail            sites" in ended.stdout and b"no rows of their own" in ended.stdout,
               f"{ended}")
    test.equal("status with --thread",
               test.allocaudit("report", recorded.path, "--thread", "1").status, 3)
    test.equal("gate", test.allocaudit("gate", recorded.path, "--max-allocs", "1000000000").status, 0)
    ended = test.allocaudit("run", "--detail", "some", "true")
    test.equal("status of a wrong word", (ended.status, ended.talk.count("\n")), (2, 1))


def test_killed_recorder(test):
    """What was freed is lost then and said to be; what was live is there."""
    program = test.program("progress")
    progress = test.path("progress")
    killed = Killed(test, [program, progress, "400000", "1"], progress, 0.02, test.path("killed.db"),
                    "--detail", "sites")
    killed.end()
    ended = recover(test, killed.path)
    test.check("freed before the kill is not counted" in ended.talk, f"{ended}")
    recording = test.open(killed.path)
    test.equal("problems", recording.problems(), [])
    test.equal("state", recording.run["state"], "cut")
    kept = recording.site_sum("leaked_count", "make_kept")
    if kept < killed.progress[0] // 3:
        raise Failure(f"{kept} kept blocks after {killed.progress[0]} steps")
    test.equal("gate", test.allocaudit("gate", killed.path, "--max-allocs", "1000000000").status, 3)
