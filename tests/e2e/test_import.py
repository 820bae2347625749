"""Files of heaptrack become recordings: with the figures that heaptrack itself tells, and nothing that it cannot know."""

import gzip
import json
import os
import re
import shutil

from harness import Skip

# 2 blocks of 100 bytes and 2 of 32, of which one each is freed. All four were never live at once.
TEXT = b"""v 10400 3
X ./app one two
I 1000 5e2991
s 8 /bin/app
s c /lib/libx.so
s 4 main
s 5 app.c
s 5 inner
i 400100 1 3 4 a
i 400200 1 5 4 14 3 4 1e
i 7f0000 2
t 1 0
t 2 1
t 3 2
a 64 2
+ 0
a 20 3
+ 1
- 0
c a
R 3e8
+ 0
+ 1
c 14
R 7d0
- 1
c 1e
"""
SECTIONS_UNKNOWN = ("temporary", "lifetimes", "threads", "large", "realloc", "latency", "pools", "clocks", "lifo", "churn",
                    "bursts", "reserve", "frames", "fragmentation", "pins", "memory")


def imported(test, content, name="heaptrack.app.1"):
    path = test.path(f"{name}.db")
    ended = test.allocaudit("import", test.write(name, content), "-o", path)
    test.equal(f"status of {ended}", ended.status, 0)
    return path, ended


def report(test, path, *sections):
    ended = test.allocaudit("report", path, *sections, "--format", "json")
    test.equal(f"status of {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def packed_by_zstd(test, content):
    zstd = shutil.which("zstd")
    if zstd is None:
        raise Skip("zstd is not installed")
    source = test.write("plain", content)
    ended = test.run([zstd, "-q", source, "-o", test.path("packed.zst")])
    test.equal("status of zstd", ended.status, 0)
    with open(test.path("packed.zst"), "rb") as file:
        return file.read()


def check_known(test, path):
    found = report(test, path, "summary", "sites", "leaks", "timeline")
    summary = found["summary"]
    for key, wanted in (("command", "./app one two"), ("allocation_count", 4), ("free_count", 2), ("allocated_bytes", 264),
                        ("peak_bytes", 164), ("leaked_bytes", 132), ("leaked_count", 2), ("duration_ns", 30000000),
                        ("rss_peak_bytes", 2000 * 4096), ("detail", "import")):
        test.equal(key, summary[key], wanted)
    test.check("temporary_count" not in summary and "time_ns" not in summary, "what is not known is told")
    sites = {site["function"]: site for site in found["sites"]}
    test.equal("functions", sorted(sites), ["?? (libx.so)", "inner"])
    test.equal("place", [sites["inner"][key] for key in ("file", "line", "peak_bytes")], ["app.c", 20, 100])
    test.equal("bytes at the peak of the other", sites["?? (libx.so)"]["peak_bytes"], 64)
    test.check("usable_bytes" not in sites["inner"], "usable sizes are told")
    stack = report(test, path, "sites", "--stack", str(sites["?? (libx.so)"]["stack_id"]))
    text = json.dumps(stack)
    test.check(text.index("inner") < text.index("main"), f"the inlined call is not inside: {text}")


def test_figures_of_a_known_file(test):
    path, ended = imported(test, TEXT)
    test.check("2 sites, 4 allocations, 132 B in use at the end" in ended.talk, ended.talk)
    check_known(test, path)


def test_packed_by_gzip(test):
    check_known(test, imported(test, gzip.compress(TEXT))[0])


def test_packed_by_zstd(test):
    check_known(test, imported(test, packed_by_zstd(test, TEXT))[0])


def test_sections_say_what_is_not_known(test):
    path, _ = imported(test, TEXT)
    for section in SECTIONS_UNKNOWN:
        found = report(test, path, section)
        test.check(section not in found, f"{section} is told: {found}")
        test.check(any(f"'{section}'" in note and "import" in note for note in found["notes"]), f"{section}: {found['notes']}")
    for command in (("replay",), ("simulate",), ("report", "--thread", "app")):
        ended = test.allocaudit(command[0], path, *command[1:])
        test.check(ended.status in (2, 3) and "import" in ended.talk, f"{command}: {ended}")


def test_recommend_says_what_is_missing(test):
    path, _ = imported(test, TEXT)
    ended = test.allocaudit("recommend", path)
    test.equal(f"status of {ended}", ended.status, 0)
    test.check(b"was imported" in ended.stdout, f"no reason: {ended}")


def test_ways_out(test):
    path, _ = imported(test, TEXT)
    folded = test.allocaudit("export", path, "--to", "folded", "--value", "count").stdout.decode()
    test.equal("folded", sorted(folded.splitlines()), ["main;main;inner 2", "main;main;inner;?? (libx.so) 2"])
    gate = test.allocaudit("gate", path, "--max-leaks", "1")
    test.equal(f"status of {gate}", gate.status, 1)


def test_diff_leaves_out_what_is_not_known(test):
    old, _ = imported(test, TEXT)
    new, _ = imported(test, TEXT.replace(b"a 20 3", b"a 40 3"), "newer")
    found = json.loads(test.allocaudit("diff", old, new, "--format", "json").stdout)
    test.equal("sites that changed", [(site["function"], site["change"]) for site in found["sites"]], [])
    changed = json.loads(test.allocaudit("diff", old, new, "--sort", "bytes", "--format", "json").stdout)["sites"]
    test.equal("by bytes", [(site["function"], site["allocated_bytes_change"]) for site in changed], [("?? (libx.so)", 64)])
    test.check("lifetimes" not in found, "lifetimes are compared")
    own = test.allocaudit("diff", old, test.record([test.program("hello")]).path, "--format", "json")
    test.equal("origin", [row["what"] for row in json.loads(own.stdout)["provenance"]], ["origin", "command"])


def test_damaged_files_leave_nothing(test):
    cut = gzip.compress(TEXT)[:-20]
    for name, content, reason in (("cut", cut, "cut short"), ("line", TEXT + b"+ ff\n", "line 28: no event"),
                                  ("raw", b"v 10400 3\nx 3 app\n", "raw data")):
        ended = test.allocaudit("import", test.write(name, content), "-o", test.path("no.db"))
        test.equal(f"status of {name}", ended.status, 3)
        test.check(reason in ended.talk, f"{name}: {ended.talk}")
        test.check(not os.path.exists(test.path("no.db")), "something was written")


def test_heaptrack_agrees(test):
    """Of a real program: what heaptrack_print says of the same file, and what our own recording says of leaks."""
    heaptrack, printer = test.need("heaptrack"), test.need("heaptrack_print")
    ended = test.run([heaptrack, "-o", test.path("real"), test.program("temporaries")])
    found = [test.path(name) for name in os.listdir(test.path()) if name.startswith("real.")]
    test.check(len(found) == 1, f"heaptrack wrote {found}: {ended}")
    with open(found[0], "rb") as file:
        path, _ = imported(test, file.read(), "real.copy")
    text = test.run([printer, found[0]]).stdout.decode()
    summary = report(test, path, "summary")["summary"]
    count = int(re.search(r"^calls to allocation functions: (\d+)", text, re.MULTILINE)[1])
    test.equal("allocations", summary["allocation_count"], count)
    for what, key in (("peak heap memory consumption", "peak_bytes"), ("total memory leaked", "leaked_bytes")):
        value, unit = re.search(rf"^{what}: ([\d.]+)([KMG]?)B?$", text, re.MULTILINE).groups()
        scale = {"": 1, "K": 1000, "M": 1000000, "G": 1000000000}[unit]
        test.check(abs(summary[key] / scale - float(value)) <= 0.006, f"{what}: {value}{unit}, here {summary[key]}")
