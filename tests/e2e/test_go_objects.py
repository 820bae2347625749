"""run --go-objects: each object of a Go program as its runtime tells of it."""

import json
import os
import re
import signal
import subprocess
import time

from go_programs import program, program_of_version, runtime_of

OBJECTS = ("SELECT count(*) AS count, count(died_ns) AS died, min(size_bytes) AS least,"
           " max(size_bytes) AS most, count(free_kind = 'swept') AS swept, min(lifetime_ns) AS shortest"
           " FROM allocation WHERE kind = 'go' AND stack_id IN"
           " (SELECT stack_id FROM stack_frame WHERE function = ?)")


def written_lines():
    return b"".join(b"line %d\n" % i + (b"tracealloc(0xc000010000, 0x10) and so on\n"
                                        if i % 20 == 0 else b"") for i in range(200))


def test_objects_are_rows_with_stack_birth_and_death(test):
    """And the program's own stderr comes through, whatever it looks like."""
    recorded = test.record([program(test, "go_objects")], "--go-objects")
    test.equal("status", recorded.status, 0)
    own = b"".join(line for line in recorded.stderr.splitlines(True)
                   if not line.startswith(b"allocaudit: "))
    test.equal("stderr", own, written_lines())
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.equal("source", (facts["site_source"], facts["damaged_object_count"]), ("objects", 0))
    for function, count, died, sizes in (("main.keepPairs", 300, 0, (48, 48)),
                                         ("main.dropBuffers", 503, 503, (208, 106496))):
        found = recording.rows(OBJECTS, function)[0]
        test.equal(function, (found["count"], found["died"], found["swept"]), (count, died, died))
        test.equal(f"sizes of {function}", (found["least"], found["most"]), sizes)
    stacks = recording.rows("SELECT DISTINCT group_concat(function || '|' || line) AS text FROM"
                            " (SELECT * FROM stack_frame ORDER BY stack_id, position) WHERE stack_id IN"
                            " (SELECT stack_id FROM stack_frame WHERE function = 'main.keepPairs')")
    with open(os.path.join(os.path.dirname(__file__), "../programs/go_objects.go"),
              encoding="utf-8") as file:
        lines = file.read().splitlines()
    line = next(i + 1 for i, text in enumerate(lines) if "&pair" in text)
    call = next(i + 1 for i, text in enumerate(lines) if "keepPairs(300)" in text)
    test.equal("stacks", len(stacks), 1)
    test.check(re.fullmatch(rf"runtime\.newobject\|\d+,main\.keepPairs\|{line},main\.main\|{call},"
                            r"runtime\.main\|\d+,runtime\.goexit\|\d+", stacks[0]["text"]), stacks)
    forced = recording.value("SELECT sum(is_forced) FROM gc")
    test.check(forced in (1, 2), f"{forced} collections of 2, of which its end may cut the last")


def test_objects_fill_the_sections_that_need_each_call(test):
    recorded = test.record([program(test, "go_objects")], "--go-objects", "-q")
    ended = test.allocaudit("report", recorded.path, "lifetimes", "sizes", "leaks", "pools",
                            "--format", "json")
    test.equal("status", ended.status, 0)
    report = json.loads(ended.stdout)
    recording = test.open(recorded)
    test.equal("sum of lifetimes", sum(row["free_count"] for row in report["lifetimes"]),
               recording.value("SELECT count(*) FROM allocation WHERE died_ns IS NOT NULL"))
    sizes = {row["size_min_bytes"]: row["allocation_count"] for row in report["sizes"]}
    test.check(sizes[208] >= 500 and sizes[48] >= 300, sizes)
    sums = "SELECT sum(allocation_count), sum(allocated_bytes), sum(leaked_bytes) FROM "
    test.equal("sites and process", recording.rows(sums + "site"), recording.rows(sums + "process"))
    shown = " ".join(test.allocaudit("report", recorded.path).stdout.decode().split())
    test.check("each object as the Go runtime told of it" in shown and "Live at the end" in shown
               and "Leak" not in shown, shown)


def test_objects_are_shown_to_those_who_ask(test):
    recorded = test.record([program(test, "go_objects")], "--go-objects", "-q",
                           env={"GODEBUG": "allocfreetrace=1"})
    shown = len(re.findall(rb"^tracealloc\(0x\w+, 0x\w+(?:, [^\n]+)?\)$", recorded.stderr, re.M))
    count = test.open(recorded).value("SELECT count(*) FROM allocation WHERE kind = 'go'")
    test.check(0 <= count - shown <= count // 20, f"{shown} of {count}: lines of the program come between")


def test_objects_of_other_programs_are_refused(test):
    refused = test.allocaudit("run", "--go-objects", "true")
    test.equal("status of a C program", refused.status, 126)
    test.check("no Go program" in refused.talk, refused.talk)
    twice = test.allocaudit("run", "--go-objects", "--sample", "1", program(test, "go_objects"))
    test.equal("status of both", twice.status, 2)
    newer = test.allocaudit("run", "--go-objects", program_of_version(test, "go_objects", b"go1.23"))
    test.equal("status of a newer one", newer.status, 126)
    test.check("does not tell of each object" in newer.talk and "--sample 1" in newer.talk,
               newer.talk)


def test_objects_of_other_builds_are_placed(test):
    """Position independent; with C, whose allocations are rows beside them."""
    command = program(test, "go_objects", "-buildmode=pie", variant="_pie")
    recording = test.open(test.record([command], "--go-objects"))
    found = recording.rows(OBJECTS, "main.keepPairs")[0]
    test.equal("position independent", found["count"], 300)
    mixed = test.open(test.record([program(test, "go_calling_c")], "--go-objects"))
    kinds = dict(mixed.connection.execute("SELECT kind, count(*) FROM allocation GROUP BY kind"))
    test.check(kinds.get("go", 0) > 100 and kinds.get("malloc", 0) > 0, kinds)
    test.equal("processes", len(mixed.processes), 1)


def test_objects_of_a_stripped_program_have_names(test):
    """Of which else no allocation is known: no figure is shown then, rather than 0."""
    command = program(test, "go_objects", "-ldflags=-s -w", variant="_stripped")
    recording = test.open(test.record([command], "--go-objects"))
    test.equal("kept", recording.rows(OBJECTS, "main.keepPairs")[0]["count"], 300)
    plain = test.record([command])
    test.check("allocations, peak" not in plain.talk and "stripped" in plain.talk, plain.talk)
    ended = test.allocaudit("report", plain.path, "summary", "--format", "json")
    summary = json.loads(ended.stdout)["summary"]
    test.equal("figures", [summary[key] for key in ("allocation_count", "peak_bytes", "leaked_bytes")],
               [None, None, None])
    text = test.allocaudit("report", plain.path).stdout.decode()
    test.check("allocations per second" not in text and "debug symbols" not in text, text)


def test_objects_survive_the_death_of_the_recorder(test):
    """Rows, sites and what was live, as of the kill; the program goes on."""
    path = test.path("killed.db")
    with open(test.path("err"), "wb") as err:
        child = subprocess.Popen(
            [test.shared.allocaudit, "run", "-q", "--go-objects", "-o", path,
             program(test, "go_objects"), "loop"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, env=test.environment(),
            start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while os.path.getsize(test.path("err")) < 60 and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        before = os.path.getsize(test.path("err"))
        while os.path.getsize(test.path("err")) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        test.check(os.path.getsize(test.path("err")) > before, "the program stands still")
    finally:
        os.killpg(child.pid, signal.SIGKILL)
    with open(test.path("err"), "rb") as file:
        test.equal("stderr", set(file.read().splitlines()), {b"collected"})
    test.equal("status", test.allocaudit("recover", path).status, 0)
    recording = test.open(path)
    test.equal("state", recording.run["state"], "cut")
    test.equal("source", runtime_of(recording)["site_source"], "objects")
    found = recording.rows(OBJECTS, "main.dropBuffers")[0]
    test.check(found["count"] >= found["died"] >= 300 and found["least"] == 4096, found)
    sums = "SELECT sum(allocation_count), sum(allocated_bytes), sum(free_count) FROM "
    test.equal("sites and process", recording.rows(sums + "site"), recording.rows(sums + "process"))
    test.equal("rows", recording.value("SELECT count(*) FROM allocation"),
               recording.value("SELECT sum(allocation_count) FROM process"))
