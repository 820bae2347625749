"""What is left of the recording of a Go program whose recorder was killed."""

import os
import re
import signal
import subprocess
import time

from go_programs import GCTRACE, program, runtime_of, sample_app


def go_and_kill(test, command, needed):
    """Kills the recorder once the profile was read and `needed` collections have been told of; the
    path of the recording, and the gctrace lines seen before the kill and after it."""
    path = test.path("killed.db")
    with open(test.path("out"), "wb") as out, open(test.path("err"), "wb") as err:
        child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", path, "--", *command],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 env=dict(test.environment(), GODEBUG="gctrace=1"),
                                 start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        began = time.monotonic()
        lines = []
        while time.monotonic() < deadline and (len(lines) < needed or
                                               time.monotonic() < began + 1.5):
            time.sleep(0.05)
            lines = file_lines(test.path("err"))
        time.sleep(0.1)  # the recorder looks every few milliseconds
        test.check(child.poll() is None, "the program has ended too early")
        child.send_signal(signal.SIGKILL)
        child.wait()
        return path, lines, file_lines(test.path("err"))
    finally:
        os.killpg(child.pid, signal.SIGKILL)


def file_lines(path):
    with open(path, "rb") as file:
        return [match.group() for match in GCTRACE.finditer(file.read())]


def check_collections(test, recording, before, after):
    """Every one whose line came before the kill, as the line says, and none that never was."""
    found = recording.rows("SELECT cycle, heap_start_bytes, heap_end_bytes, heap_live_bytes,"
                           " is_forced FROM gc ORDER BY cycle")
    test.check(len(before) <= len(found) <= len(after),
               f"{len(found)} collections of {len(before)} to {len(after)}")
    for row, line in zip(found, after):
        number, start, end, live = re.match(rb"gc (\d+) .*, (\d+)->(\d+)->(\d+) MB,", line).groups()
        test.equal(line, list(row.values()), [int(number), int(start) << 20, int(end) << 20,
                                              int(live) << 20, int(b"(forced)" in line)])


def test_recover_gives_what_was_read_before_the_kill(test):
    path, before, after = go_and_kill(
        test, [sample_app(test, "go_server"), "-requests", "10000000", "-live", "16"], 40)
    ended = test.allocaudit("recover", path)
    test.equal("status", ended.status, 0)
    test.check("readings of its memory profile were kept" in str(ended), ended)
    recording = test.open(path)
    test.equal("state", recording.run["state"], "cut")
    check_collections(test, recording, before, after)
    facts = runtime_of(recording)
    test.equal("version", facts["go_version"][:3], "go1")
    test.equal("source", facts["site_source"], "reading")
    test.check(facts["profile_reading_count"] >= 2, facts)
    sums = "SELECT sum(allocation_count), sum(allocated_bytes), sum(leaked_bytes) FROM "
    test.equal("sites and process", recording.rows(sums + "site"), recording.rows(sums + "process"))
    bytes_of = recording.value(
        "SELECT sum(allocated_bytes) FROM site JOIN stack_frame USING (stack_id)"
        " WHERE position = 0 AND function = 'main.freshBuffer'")
    test.check(bytes_of > 0.8 * recording.run["allocated_bytes"] > 0, bytes_of)
    shown = test.allocaudit("report", "-i", path)
    test.check("its profile could not be read as it ended (its recorder was killed)" in
               " ".join(str(shown).split()), shown)
    test.equal("again", test.allocaudit("recover", path).status, 0)


def test_recover_keeps_sites_of_go_and_of_c_apart(test):
    """Stacks of both come in turn while it runs: none may get the name of another."""
    path, before, after = go_and_kill(test, [program(test, "go_turns")], 3)
    test.equal("status", test.allocaudit("recover", path).status, 0)
    recording = test.open(path)
    check_collections(test, recording, before, after)
    sites = recording.rows(
        "SELECT DISTINCT kind, function FROM site JOIN stack_frame USING (stack_id)"
        " WHERE position = 0 AND allocated_bytes > 0")
    for site in sites:
        if site["kind"] == "go":
            test.check(not site["function"].startswith("take_"), site)
        else:
            test.check(not site["function"].startswith("main."), site)
    names = {site["function"] for site in sites}
    test.check({"take_red", "take_blue", "main.makeRed", "main.makeBlue"} <= names, names)
