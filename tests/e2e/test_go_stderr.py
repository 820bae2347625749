"""The stderr of Go programs is left alone, and what their runtime writes there is told."""

import json
import os
import pty
import signal
import subprocess
import time

from go_programs import GCTRACE, program, runtime_of, sample_app
from harness import Failure


def test_stderr_lines_of_tomorrow_pass_and_are_counted(test):
    command = program(test, "go_stderr")
    recorded = test.record([command, "tomorrow"], "-q")
    test.equal("status", recorded.status, 0)
    test.equal("stderr", recorded.stderr, b"gc 7 @0.250s 4%: 0.1 ms stopped, 27 MB\n" * 3)
    recording = test.open(recorded)
    test.equal("lines", runtime_of(recording)["unread_line_count"], 3)
    report = test.allocaudit("report", recorded.path, "gc")
    test.check(b"3 worded in a new way" in report.stdout, report.stdout.decode())


def test_stderr_passes_byte_by_byte(test):
    command = program(test, "go_stderr")
    native = test.run([command, "7"])
    recorded = test.record([command, "7"], "-q")
    test.equal("status", recorded.status, 7)
    if native.stderr != recorded.stderr:
        test.write("native.stderr", native.stderr)
        test.write("recorded.stderr", recorded.stderr)
        raise Failure(f"stderr differs: {test.path('native.stderr')}")
    recording = test.open(recorded)
    facts = runtime_of(recording)
    count = recording.value("SELECT count(*) FROM gc")
    test.check(int(recorded.stdout) - 1 <= count <= int(recorded.stdout),
               f"{count} collections of {int(recorded.stdout)}, of which its end may cut the last")
    test.equal("lost", facts["lost_line_count"], 0)
    test.equal("forced", recording.value("SELECT sum(is_forced) FROM gc"), count)
    test.note(f"{count} collections taken out of {len(native.stderr)} bytes")


def test_stderr_shows_collections_to_those_who_ask(test):
    command = program(test, "go_sites")
    recorded = test.record([command], env={"GODEBUG": "gctrace=1"})
    lines = len(GCTRACE.findall(recorded.stderr))
    test.equal("lines", lines, test.open(recorded).value("SELECT count(*) FROM gc"))
    test.check(lines >= 2, recorded.stderr)
    quiet = test.record([command], env={"GODEBUG": "gctrace=0,madvdontneed=1"})
    test.equal("lines", quiet.stderr, b"")
    test.check(test.open(quiet).value("SELECT count(*) FROM gc") >= 2, "no collections")


def test_memory_given_back_is_told(test):
    """Three times 64 MiB; the background may be quicker than debug.FreeOSMemory itself."""
    command = program(test, "go_gives_back")
    recorded = test.record([command], "-q")
    test.equal("stderr", recorded.stderr, b"")
    recording = test.open(recorded)
    forced = recording.rows("SELECT * FROM scavenge WHERE is_forced ORDER BY at_ns")
    test.equal("calls", len(forced), 3)
    mib = 1 << 20
    for row in forced:
        test.check(row["returned_bytes"] >= 60 * mib, row)
    released = recording.value("SELECT sum(released_bytes + ifnull(eager_bytes, 0)) FROM scavenge")
    test.check(190 * mib <= released <= 200 * mib, released)
    test.check(recording.value("SELECT count(*) FROM scavenge WHERE NOT is_forced") >= 3,
               "nothing is told of the background")
    shown = json.loads(test.allocaudit("report", "--format", "json", "-i", recorded.path,
                                       "gc").stdout)["gc_scavenges"]
    test.equal("calls shown", shown["forced_count"], 3)
    test.equal("all bytes shown", shown["released_bytes"], released)
    test.equal("bytes shown", shown["forced_bytes"], sum(row["released_bytes"] for row in forced))
    test.equal("at the end", shown["returned_bytes"], recording.value(
        "SELECT returned_bytes FROM scavenge ORDER BY at_ns DESC, rowid DESC LIMIT 1"))


def test_memory_given_back_is_shown_to_those_who_ask(test):
    command = program(test, "go_gives_back")
    recorded = test.record([command], "-q", env={"GODEBUG": "scavtrace=1"})
    lines = recorded.stderr.splitlines()
    test.check(all(line.startswith(b"scav ") for line in lines), recorded.stderr)
    test.equal("lines", len(lines), test.open(recorded).value("SELECT count(*) FROM scavenge"))
    test.equal("forced", sum(b"(forced)" in line for line in lines), 3)


def test_stderr_that_is_a_terminal_stays_one(test):
    command = program(test, "go_stderr")
    path = test.path("terminal.db")
    master, slave = pty.openpty()
    child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", path, command, "calm"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                             env=test.environment())
    os.close(slave)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    child.communicate(timeout=60)
    os.close(master)
    test.equal("status", child.returncode, 0)
    lines = b"".join(b"line %d\r\n" % i for i in range(50))
    test.equal("stderr", text, b"is a device: true\r\n" + lines)
    count = test.open(path).value("SELECT count(*) FROM gc")
    test.check(count in (49, 50), f"{count} collections of 50, of which its end may cut the last")


def test_stderr_of_children_is_not_mixed_in(test):
    """They collect without telling, unless the user wants it: then theirs are told apart."""
    command = program(test, "go_stderr")
    recorded = test.record([command, "child", "9"], "-q")
    test.equal("status", recorded.status, 0)
    test.equal("stderr", recorded.stderr, b"")
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.equal("collections", recording.value("SELECT max(cycle) FROM gc"),
               recording.value("SELECT count(*) FROM gc"))
    test.check(facts["foreign_line_count"] == 0, facts)
    asked = test.record([command, "child", "9"], "-q", env={"GODEBUG": "gctrace=1"})
    facts = runtime_of(test.open(asked))
    test.check(facts["foreign_line_count"] >= 8, facts)
    test.check(len(GCTRACE.findall(asked.stderr)) >= 9, asked.stderr)


def test_program_survives_the_death_of_the_recorder(test):
    """Its stderr, too: what relays it is a process of its own."""
    path = test.path("killed.db")
    out = open(test.path("out"), "wb")
    err = open(test.path("err"), "wb")
    child = subprocess.Popen([test.shared.allocaudit, "run", "-o", path,
                              sample_app(test, "go_server"), "-requests", "4000", "-live", "16"],
                             stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                             env=test.environment())
    time.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 60
    text = b""
    while b"go_server: done" not in text and time.monotonic() < deadline:
        time.sleep(0.1)
        with open(test.path("err"), "rb") as file:
            text = file.read()
    out.close()
    err.close()
    test.check(b"go_server: done" in text, f"the program did not come to its end: {text!r}")
    with open(test.path("out"), "rb") as file:
        test.check(b"sent_bytes" in file.read(), "no output")
