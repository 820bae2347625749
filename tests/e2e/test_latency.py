"""`report latency`: an allocator whose delays are known, and what cannot be known."""

import json

from harness import Failure

PAIRS = 20000
SLOW_NS = 50000  # every 20th malloc of slow_malloc.c


def load(test, path, *arguments):
    ended = test.allocaudit("report", path, "latency", "--format", "json", *arguments)
    test.equal(f"status of {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def kind(test, document, name):
    found = [row for row in document["latency_kinds"] if row["kind"] == name]
    test.equal(f"rows of {name}", len(found), 1)
    return found[0]


def test_known_delays(test):
    """The mean and p99 are those of the allocator beneath; p99.9 takes more timed calls."""
    ended = test.record([test.program("plain_pairs"), str(PAIRS)], "--allocator",
                        test.program("slow_malloc"))
    document = load(test, test.sound(ended).path)
    malloc, free = kind(test, document, "malloc"), kind(test, document, "free")
    test.check(PAIRS <= malloc["call_count"] < PAIRS + 100, f"calls: {malloc}")
    test.check(PAIRS // 24 < malloc["timed_count"] < PAIRS // 10, f"about one in 16 is timed: {malloc}")
    share = malloc["time_ns"] / (PAIRS / 20 * SLOW_NS)
    # A call that loses its processor is told as long as it was: the machine may be busy.
    test.check(0.6 < share < 50, f"{share:.2f} of the known time: {malloc}")
    test.check(malloc["p50_ns"] < SLOW_NS / 20, f"the median is that of a fast call: {malloc}")
    test.check(SLOW_NS <= malloc["max_ns"], f"the longest timed is slow: {malloc}")
    if malloc["timed_count"] >= 1000:
        test.check(SLOW_NS * 0.96 < malloc["p99_ns"], f"p99: {malloc}")
    test.equal("p99.9 of too few", malloc["p999_ns"], None)
    test.check(free["p50_ns"] < SLOW_NS / 20, f"frees are fast: {free}")
    whole = document["latency"]
    test.check(whole["cpu_share_pct"] > 50, f"most of the CPU time is the allocator's: {whole}")
    test.check(whole["cpu_share_pct"] <= whole["cpu_share_most_pct"], f"{whole}")
    site = document["latency_sites"][0]
    test.check(site["max_ns"] >= SLOW_NS and site["p50_ns"] < SLOW_NS / 20, f"{site}")


def test_rare_delays_of_a_site(test):
    """Two in a thousand are slow: p99 is that of a fast call, p99.9 of a slow one."""
    ended = test.record([test.program("many_reallocs")], "--allocator", test.program("slow_malloc"))
    document = load(test, test.sound(ended).path)
    found = [site for site in document["latency_sites"] if site["function"] == "main" and site["timed_count"] == 20000]
    test.equal("sites with 20,000 timed calls", len(found), 1)
    site = found[0]
    test.check(site["p50_ns"] < SLOW_NS / 20 and site["p99_ns"] < SLOW_NS / 2, f"most are fast: {site}")
    test.check(SLOW_NS * 0.96 < site["p999_ns"] <= site["max_ns"], f"p99.9: {site}")
    test.check(SLOW_NS * 0.96 < kind(test, document, "realloc")["p999_ns"], "p99.9 of the kind is fast")


def test_operators(test):
    """new and delete are timed as what they are."""
    recording = test.sound(test.record([test.program("operators")]))
    kinds = {row["kind"]: row for row in recording.rows("SELECT * FROM call_latency")}
    for name in ("new", "new[]", "delete", "delete[]"):
        test.check(kinds.get(name, {}).get("call_count", 0) > 0, f"no {name} in {sorted(kinds)}")
    for name in ("malloc", "new", "new[]"):
        calls = recording.value("SELECT count(*) FROM allocation WHERE kind = ?", name)
        test.equal(f"calls of {name}", kinds[name]["call_count"], calls)
    for name in ("free", "delete", "delete[]"):
        calls = recording.value("SELECT count(*) FROM allocation WHERE free_kind = ?", name)
        test.equal(f"calls of {name}", kinds[name]["call_count"], calls)


def test_tables_agree(test):
    """Each timed call stands once in each of the three tables."""
    recording = test.sound(test.record([test.program("plain_pairs"), "100000"]))
    timed = recording.value("SELECT sum(timed_count) FROM call_latency")
    if timed < 2000:
        raise Failure(f"{timed} timed calls")
    for table in ("latency_class", "site_latency"):
        test.equal(table, recording.value(f"SELECT sum(call_count) FROM {table}"), timed)
    test.equal("site.timed_count", recording.value("SELECT sum(timed_count) FROM site"),
               timed - recording.value("SELECT sum(long_count) FROM call_latency"))
    test.equal("longest", recording.value("SELECT max(time_max_ns) FROM site_latency"),
               recording.value("SELECT max(time_max_ns) FROM call_latency"))
    test.check(recording.value("SELECT cpu_time_ns FROM process") > 1000000, "no CPU time")


def test_cpu_time_of_an_exec(test):
    """The images of one process share its clock: each has a part of it, to within a look or so."""
    recording = test.sound(test.record([test.program("exec_self")]))
    times = [row["cpu_time_ns"] for row in recording.processes]
    duration = recording.run["duration_ns"]
    test.check(all(time is None or 0 < time <= 2 * duration for time in times), f"{times} in {duration} ns")
    test.check(any(time is not None for time in times), f"{times}")
    test.check(sum(time or 0 for time in times) <= 2 * duration, f"{times} in {duration} ns")


def test_sample(test):
    """A sample's timed calls stand for others: no percentile beyond the median."""
    recorded = test.record([test.program("plain_pairs"), "300000"], "--sample", "512")
    document = load(test, recorded.path)
    test.equal("p99", [row["p99_ns"] for row in document["latency_kinds"]],
               [None] * len(document["latency_kinds"]))
    test.check(any("sample" in note for note in document["notes"]), f"{document['notes']}")


def test_few_calls(test):
    """A program with a handful of calls gets an answer, not a figure made of nothing."""
    document = load(test, test.record([test.program("hello")]).path)
    test.check(all(row["p99_ns"] is None for row in document["latency_kinds"]), f"{document}")
