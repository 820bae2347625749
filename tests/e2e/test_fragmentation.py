"""Fragmentation, pins and memory: programs whose true answer is known, and real ones."""

import json
import sqlite3

from harness import Failure

MIB = 1 << 20
TERMS = ("requested_bytes", "rounding_bytes", "header_bytes", "hole_bytes", "empty_bytes")
SECTIONS = ("fragmentation", "pins", "memory")


def report(test, path, *arguments):
    """The JSON of all three sections, and the text of one."""
    ended = test.allocaudit("report", path, *SECTIONS, "--format", "json", *arguments)
    test.equal(f"status of report: {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def text_of(test, path, *arguments):
    ended = test.allocaudit("report", path, *arguments)
    test.equal(f"status of report: {ended}", ended.status, 0)
    return ended.stdout.decode()


def near(test, what, found, wanted, tolerance):
    test.check(abs(found - wanted) <= tolerance * wanted, f"{what}: {found}, not about {wanted}")


def adds_up(test, found):
    """The terms of each waterfall, and the parts of the resident set. Bytes are rounded one by one."""
    for waterfall in found["fragmentation"]["moments"]:
        total = sum(waterfall[term] for term in TERMS) - waterfall["untouched_bytes"]
        test.check(abs(total - waterfall["resident_bytes"]) <= len(TERMS), f"sum of {waterfall}")
    memory = found.get("memory", {})
    for when in ("at_peak", "at_end"):
        if when in memory:
            parts = memory[when]
            whole = sum(parts[key] for key in (
                "heap_bytes", "undivided_bytes", "foreign_bytes", "stack_bytes", "code_bytes", "file_bytes",
                "shared_bytes", "other_bytes", "recorder_bytes", "rest_bytes"))
            test.check(abs(whole - parts["rss_bytes"]) <= 16, f"{when}: {whole} of {parts}")


def resident(test, command, env=None):
    """What cached_top prints: resident bytes when full, and when all is freed."""
    ended = test.run(command, env=env)
    test.equal("status", ended.status, 0)
    return tuple(map(int, ended.stdout.split()))


def recorded_to_the_end(test, command):
    """Recorded with a look at its memory after the last free: on a busy machine there may be none in its pause."""
    for _ in range(6):
        recorded = test.record(command)
        recording = test.open(recorded)
        if recording.value("SELECT max(at_ns) FROM memory_sample") > recording.value(
                "SELECT max(died_ns) FROM allocation WHERE size_bytes = 512"):
            return recorded
    raise Failure("six times no look at its memory in 0.3 s")


def test_cached_top_is_found(test):
    """allocators.md 0.10: one freed block keeps 205 MB."""
    recorded = recorded_to_the_end(test, [test.program("cached_top")])
    test.equal("status", recorded.status, 0)
    full, freed = map(int, recorded.stdout.split())
    test.check(freed > 195 * MIB, f"{freed} bytes are resident: nothing is pinned here")
    found = report(test, recorded.path)
    adds_up(test, found)
    top = found["pins_heap_top"]["heap_top"]
    test.equal("is_cached", top["is_cached"], True)
    test.equal("size_bytes", top["size_bytes"], 472)
    near(test, "pinned_bytes", top["pinned_bytes"], 400000 * 528, 0.01)
    recording = test.open(recorded)
    test.check("open_file" in recording.functions(top["stack_id"]), "the site is not open_file's fopen")
    words = text_of(test, recorded.path, "pins")
    for part in ("One freed block of 472 B keeps 201.", "open_file", "thread's cache",
                 "glibc.malloc.tcache_count=0", "malloc_trim(0)"):
        test.check(part in " ".join(words.split()), f"{part!r} is missing in\n{words}")
    end = found["fragmentation"]["at_end"]
    test.check(end["empty_bytes"] > 0.98 * end["resident_bytes"], f"not empty at the end: {end}")
    test.note(f"{full / MIB:.0f} MiB full, {freed / MIB:.0f} MiB freed")


def test_cached_top_cures_are_true(test):
    """What the report says of each setting, measured without the recorder."""
    program = test.program("cached_top")
    plain = resident(test, [program])[1]
    no_caches = resident(test, [program], {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"})[1]
    trimmed = resident(test, [program, "400000", "trim"])[1]
    threshold = resident(test, [program], {"MALLOC_TRIM_THRESHOLD_": "131072"})[1]
    live = resident(test, [program, "400000", "live"], {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"})[1]
    test.check(plain > 195 * MIB, f"plain: {plain}")
    test.check(no_caches < 10 * MIB, f"tcache_count=0: {no_caches}")
    test.check(trimmed < 10 * MIB, f"malloc_trim: {trimmed}")
    test.check(threshold > 195 * MIB, f"MALLOC_TRIM_THRESHOLD_ helps after all: {threshold}")
    test.check(live > 195 * MIB, f"a live block does not pin: {live}")
    test.note(", ".join(f"{name} {bytes_ / MIB:.1f} MiB" for name, bytes_ in (
        ("plain", plain), ("tcache_count=0", no_caches), ("malloc_trim", trimmed), ("threshold", threshold))))


def test_cached_top_cured_is_not_found(test):
    recorded = test.record([test.program("cached_top")],
                           env={"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"})
    found = report(test, recorded.path)
    test.equal("heap_top", found["pins_heap_top"]["heap_top"], None)


def test_live_top_is_named(test):
    recorded = recorded_to_the_end(test, [test.program("cached_top"), "400000", "live"])
    found = report(test, recorded.path)
    top = found["pins_heap_top"]["heap_top"]
    test.equal("is_cached", top["is_cached"], False)
    test.check(top["pinned_bytes"] > 195 * MIB, f"{top}")
    test.check("open_file" in test.open(recorded).functions(top["stack_id"]), f"{top}")
    test.check("below one live block of 472 B" in " ".join(text_of(test, recorded.path, "pins").split()),
               "not told in words")


def test_comb(test):
    """20,000 blocks of 56 bytes hold a page each, and would take 313 pages by themselves."""
    recorded = test.record([test.program("comb"), "20000"])
    found = report(test, recorded.path)
    adds_up(test, found)
    pin = found["pins"][0]
    test.check(pin["function"] == "keep_block", f"{pin['function']} pins most")
    near(test, "page_bytes", pin["at_end"]["page_bytes"], 20000 * 4096, 0.001)
    test.equal("counted anew", pin["at_end"]["freed_bytes"], pin["at_end"]["page_bytes"])
    test.equal("live_bytes, with headers", pin["at_end"]["live_bytes"], 20000 * 64)
    test.equal("own_bytes", pin["at_end"]["own_bytes"], -(-20000 // 64) * 4096)
    near(test, "saving", pin["own_arena_saves_bytes"], 20000 * (4096 - 64), 0.001)
    holes = found["fragmentation"]["holes_at_end"]
    near(test, "hole_bytes", holes["hole_bytes"], 20000 * 4024, 0.01)
    test.equal("unusable for the largest", round(holes["unusable"][3]["unusable_pct"]), 100)
    test.check("In an arena or pool of its own" in " ".join(text_of(test, recorded.path, "pins").split()),
               "no advice")


def test_fragmenter(test):
    recorded = test.record([test.sample_app("fragmenter"), "--rounds", "2000"])
    found = report(test, recorded.path)
    adds_up(test, found)
    test.equal("who pins most", found["pins"][0]["function"], "record_keep")
    picture = found["fragmentation"]["heap_map"]
    test.equal("cells", len(picture["cells"]), picture["rows"] * picture["columns"])
    test.equal("row_addresses", len(picture["row_addresses"]), picture["rows"])
    test.check(max(picture["cells"]) > 200 and min(picture["cells"]) == 0, "the map shows nothing")


def test_python(test):
    # The list that is made last is larger than what json needs in passing: the peak is one that lasts.
    code = ("import json, time; d = json.loads(json.dumps([{'a': str(i) * 20} for i in range(100000)]));"
            "e = [str(i) * 20 for i in range(200000)]; time.sleep(0.3); del d, e; time.sleep(0.2)")
    recorded = test.record([test.need("python3"), "-c", code])
    found = report(test, recorded.path, "--process", "1")
    adds_up(test, found)
    memory = found["memory"]["at_peak"]
    test.check(memory["rss_bytes"] > 20 * MIB, f"{memory}")
    test.check(abs(memory["rest_bytes"]) < 0.05 * memory["rss_bytes"], f"not explained: {memory}")
    test.check(memory["foreign_bytes"] > memory["rss_bytes"] / 4, "pymalloc's arenas are no heap")
    test.note(f"{memory['rest_bytes'] / memory['rss_bytes']:.1%} of RSS not explained")


def test_redis(test):
    server, benchmark, client = test.need("redis-server", "redis-benchmark", "redis-cli")
    socket = test.path("socket")
    script = test.write("redis.sh", f"""
        {server} --port 0 --unixsocket {socket} --save '' --appendonly no --dir {test.scratch} &
        until [ -S {socket} ]; do sleep 0.05; done
        {benchmark} -s {socket} -t set -r 100000 -n 60000 -d 200 -q
        {client} -s {socket} eval "for i = 0, 100000 do if i % 10 ~= 0 then
            redis.call('del', 'key:' .. string.format('%012d', i)) end end return 1" 0
        sleep 1
        {client} -s {socket} shutdown nosave
        wait""")
    recorded = test.record(["/bin/sh", script], timeout=240)
    recording = test.open(recorded)
    server = max(recording.processes, key=lambda process: process["peak_bytes"])
    found = report(test, recorded.path, "--process", str(server["id"]))
    adds_up(test, found)
    end = found["fragmentation"]["at_end"]
    test.check(end["hole_bytes"] > end["requested_bytes"], f"nine of ten keys were deleted: {end}")
    test.check(abs(found["memory"]["at_end"]["rest_bytes"]) < 0.05 * found["memory"]["at_end"]["rss_bytes"],
               f"not explained: {found['memory']['at_end']}")
    test.check(found["pins"][0]["function"].endswith("sdsnewlen"), f"{found['pins'][0]['function']} pins most")


def test_sections_say_what_they_cannot_know(test):
    comb = [test.program("comb"), "2000"]
    sampled = text_of(test, test.record(comb, "--sample", "4KiB").path, *SECTIONS)
    test.check("section 'pins' needs every allocation" in sampled and "--sample" in sampled, sampled)
    test.check("heap and anonymous mappings" in sampled, "memory was measured all the same")
    sites = text_of(test, test.record(comb, "--detail", "sites").path, *SECTIONS)
    test.check("record without --detail sites" in sites, sites)
    routed = report(test, test.record(comb, "--policy", "slab").path)
    adds_up(test, routed)
    test.equal("heap_top", routed["pins_heap_top"]["heap_top"], None)
    mapped = report(test, test.record(comb, "--mmap").path)
    adds_up(test, mapped)
    test.check(mapped["fragmentation"]["at_peak"]["requested_bytes"] < 2000 * 4200, "mappings are no blocks")


def test_small_traces(test):
    """Nothing, one allocation, only leaks: nothing odd is said."""
    for command in (["/bin/true"], [test.program("malloc_zero")], [test.program("hello")],
                    [test.sample_app("leaky_server")]):
        recorded = test.record(command)
        found = report(test, recorded.path)
        adds_up(test, found)
        words = text_of(test, recorded.path, *SECTIONS)
        test.check("nan" not in words.lower() and "inf " not in words, words)


def test_older_recordings_have_no_samples(test):
    recorded = test.record([test.program("comb"), "2000"])
    with sqlite3.connect(recorded.path) as connection:
        connection.execute("DROP TABLE memory_sample")
        connection.execute("DROP TABLE resident_range")
    words = text_of(test, recorded.path, *SECTIONS)
    test.check("modelled" in words and "section 'memory' needs samples" in words, words)


INTROSPECTED = {
    "glibc": ("glibc.in_use_bytes", "glibc.heap_bytes", "glibc.free_bytes"),
    "jemalloc": ("jemalloc.allocated_bytes", "jemalloc.active_bytes", "jemalloc.resident_bytes"),
    "tcmalloc": ("tcmalloc.allocated_bytes", "tcmalloc.heap_bytes"),
    "mimalloc": ("mimalloc.commit_bytes",),
}


def test_introspect(test, allocator):
    """Up to 20 MiB of blocks are live when it is asked for the last time: what it says agrees."""
    recorded = test.record([test.program("cached_top"), "40000", "live"], "--allocator", allocator,
                           "--introspect", "2ms")
    test.equal("status", recorded.status, 0)
    recording = test.sound(recorded)
    rows = recording.rows("SELECT name, value FROM allocator_sample WHERE at_ns ="
                          " (SELECT max(at_ns) FROM allocator_sample)")
    values = {row["name"]: row["value"] for row in rows}
    for name in INTROSPECTED[allocator]:
        test.check(name in values, f"{name} is not among {sorted(values)}")
    first = values[INTROSPECTED[allocator][0]]
    test.check(MIB < first < 64 * MIB, f"{first} bytes in use")
    test.check(values["introspect.cost_ns"] < 1000000000, f"{values}")
    test.note(f"{values['introspect.cost_ns'] / 1000:.0f} us")


test_introspect.cases = [(name, (name,)) for name in INTROSPECTED]


def test_introspect_is_off_by_default_and_checked(test):
    recorded = test.record([test.program("comb"), "2000"])
    test.equal("rows", test.open(recorded).value("SELECT count(*) FROM allocator_sample"), 0)
    wrong = test.record([test.program("comb")], "--introspect", "often")
    test.equal("status", wrong.status, 2)
    test.check("--introspect is 'often'" in wrong.talk, wrong.talk)


def test_introspect_in_hard_programs(test):
    """Asked as often as can be while handlers, forks and threads do what they do."""
    for name, *arguments in (("signal_storm",), ("fork_child",), ("fork_threaded", "8000"), ("threads_at_once",),
                             ("cancel_threads",)):
        command = [test.program(name, "-pthread"), *arguments]
        native = test.run(command)
        recorded = test.record(command, "--introspect", "1ms")
        test.equal(f"status of {name}: {recorded}", recorded.status, native.status)
        test.sound(recorded)
