"""Sections that read the calls for a pattern, on programs whose pattern is known."""

import json

SECTIONS = ("clocks", "predict", "lifo", "handoffs", "churn", "bursts", "reserve", "zeroing", "alignment")
OF_CALLS = ("clocks", "predict", "lifo", "handoffs", "reserve", "zeroing", "alignment")


def load(test, path, *sections):
    ended = test.allocaudit("report", path, *(sections or SECTIONS), "--format", "json", "--top", "1000")
    test.equal(f"status of {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def test_stack_order(test):
    """Every block of the program is the youngest when it is freed."""
    recording = test.sound(test.record([test.program("stack_order")]))
    document = load(test, recording.path)
    lifo, clocks = document["lifo"], {row["clock"]: row for row in document["clocks"]}
    test.check(lifo["own_free_count"] >= 10000, f"{lifo}")
    test.check(lifo["lifo_pct"] > 99.5 and lifo["depth_p99"] == 0, f"{lifo}")
    # Block j of ten lives through the 9 - j that come after it: each depth as often.
    meanwhile = {row["min"]: row["free_count"] for row in clocks["allocations"]["classes"]}
    for least, count in ((0, 2000), (2, 2000), (4, 4000), (8, 2000)):
        test.check(count <= meanwhile[least] <= count + 30, f"{least}: {meanwhile}")
    test.equal("freed", sum(meanwhile.values()), document["lifo"]["own_free_count"] +
               document["reserve"]["step_count"])
    predict = document["predict"]
    test.check(predict["short_bytes_pct"] > 90, f"{predict}")
    test.check(predict["size_bits_by_site"] <= predict["size_bits"], f"{predict}")


def test_threads_in_turn(test):
    """Each frees its first block while two younger live, and its second while one does."""
    recording = test.sound(test.record([test.program("threads_in_turn"), "500"]))
    document = load(test, recording.path, "lifo", "churn")
    churn, lifo = document["churn"], document["lifo"]
    test.equal("threads that end before they start",
               recording.value("SELECT count(*) FROM thread WHERE ended_ns < started_ns"), 0)
    test.equal("threads whose start is not their first allocation's", recording.value(
        "SELECT count(*) FROM thread WHERE started_ns > (SELECT min(born_ns) FROM allocation"
        " WHERE thread_id = thread.id)"), 0)
    test.equal("threads", churn["thread_count"], 501)
    test.check(churn["at_once_max"] <= 4, f"one after the other: {churn}")
    test.equal("allocations of a thread", churn["allocation_p50_count"], 3)
    test.equal("of few", churn["idle_count"] >= 500, True)
    test.check("come and go" in churn["verdict"], f"{churn}")
    test.check(lifo["lifo_pct"] < 3 and 1 <= lifo["depth_p50"] <= 3, f"{lifo}")


def test_cross_thread(test):
    """What two threads make, two others free: as many blocks as there are, and all one way."""
    recording = test.sound(test.record([test.program("cross_thread"), "20000"]))
    document = load(test, recording.path, "handoffs")
    cells = document["handoff_matrix"]
    test.equal("handed over", sum(cell["remote_free_count"] for cell in cells), 40000)
    test.equal("their bytes", sum(cell["remote_free_bytes"] for cell in cells), 40000 * 48)
    test.equal("handed over, in all", document["handoffs"]["remote_free_count"], 40000)
    test.equal("as counted while recording", recording.value("SELECT sum(remote_free_count) FROM thread"),
               40000)
    test.check(document["handoffs"]["skew"] > 0.95, f"{document['handoffs']}")


def test_realloc_chain(test):
    """16 bytes doubled to 1 MiB: 16 reallocs that one reserve of 1 MiB would have spared."""
    recording = test.sound(test.record([test.program("realloc_chain")]))
    document = load(test, recording.path, "reserve")
    reserve = document["reserve"]
    test.equal("bytes copied, as counted while recording", reserve["copied_bytes"],
               recording.value("SELECT sum(realloc_moved_bytes) FROM site"))
    test.equal("moved", reserve["moved_count"], recording.value("SELECT sum(realloc_moved_count) FROM site"))
    site = max(document["reserve_sites"], key=lambda row: row["step_count"])
    test.equal("site", (site["chain_count"], site["step_count"], site["step_max"], site["growth_factor"]),
               (1, 16, 16, 2.0))
    test.equal("reserve", [site[key] for key in ("reserve_p50_bytes", "reserve_p99_bytes",
                                                 "reserve_max_bytes", "idle_bytes")],
               [1 << 20, 1 << 20, 1 << 20, 0])
    test.equal("spared", (site["spared_step_count"], site["spared_copied_bytes"]),
               (16, site["copied_bytes"]))


def test_zeroed(test):
    """Blocks that are mapped come clear; one that is used again and again has to be cleared."""
    recording = test.sound(test.record([test.program("zeroed")], env={"MALLOC_MMAP_THRESHOLD_": "131072"}))
    document = load(test, recording.path, "zeroing", "alignment")
    sites = {row["calloc_count"]: row for row in document["zeroing_sites"]}
    test.equal("mapped", (sites[10]["calloc_bytes"], sites[10]["cleared_bytes"]), (10 << 20, 0))
    test.equal("small", sites[1000]["calloc_bytes"], 1000000)
    # calloc leaves what the cache of its thread holds: a few blocks come before it is used again.
    test.check(sites[1000]["fresh_bytes"] <= 10000, f"{sites[1000]}")
    asked = {row["alignment"]: row for row in document["alignment_classes"]}
    test.equal("aligned", (asked[256]["allocation_count"], asked[256]["allocated_bytes"]), (100, 25600))


def test_nothing_to_tell(test):
    """Empty answers are said to be empty, in tables and in JSON."""
    recorded = test.record([test.program("hello")])
    document = load(test, recorded.path)
    test.equal("no reallocs", document["reserve_sites"], [])
    ended = test.allocaudit("report", recorded.path, *SECTIONS)
    test.equal(f"status of {ended}", ended.status, 0)
    test.check(b"nan" not in ended.stdout and b"nothing was realloc'ed" in ended.stdout, f"{ended}")


def test_no_calls(test):
    """What takes every call in its order is not made up from a sample, nor from sites alone."""
    for option in (["--detail", "sites"], ["--sample", "512"]):
        recorded = test.record([test.program("stack_order")], *option)
        document = load(test, recorded.path)
        for section in OF_CALLS:
            test.check(section not in document, f"{section} with {option}")
            test.check(any(f"'{section}'" in note for note in document["notes"]), f"{document['notes']}")
        test.check("churn" in document, f"churn with {option}")
        test.equal(f"bursts with {option}", "bursts" in document, option[0] == "--detail")
