"""Signals to `allocaudit run`, to the program, and to the collector."""

import os
import signal
import time

from command_runs import SUMMARY_LINES, child_of, start_spin, state_of, wait_for


def test_sigterm_is_passed_on(test):
    out = test.path("spin.db")
    run = start_spin(test, out)
    try:
        time.sleep(0.2)
        run.send_signal(signal.SIGTERM)
        _, talk = run.communicate(timeout=20)
    finally:
        run.kill()
    test.equal("status", run.returncode, 21)
    test.equal("lines of the summary", len(talk.splitlines()), SUMMARY_LINES)
    test.equal("leaked", test.sound(out).process()["leaked_count"], 0)


def test_program_killed(test):
    out = test.path("spin.db")
    run = start_spin(test, out)
    try:
        time.sleep(0.3)
        os.kill(child_of(test, run.pid, "spin"), signal.SIGKILL)
        run.communicate(timeout=20)
    finally:
        run.kill()
    test.equal("status", run.returncode, 128 + signal.SIGKILL)
    recording = test.sound(out)
    test.equal("run.exit_signal", recording.run["exit_signal"], signal.SIGKILL)
    test.check(recording.process()["allocation_count"] > 1000, "hardly anything recorded")
    test.check(recording.process()["leaked_count"] <= 1, "blocks leaked that were freed")


def test_collector_killed(test):
    """The program goes on unharmed to its own end; what was recorded can be had by `recover`."""
    out = test.path("spin.db")
    run = start_spin(test, out)
    program = child_of(test, run.pid, "spin")
    time.sleep(0.5)
    run.kill()
    run.wait()
    time.sleep(1.0)
    test.check(state_of(program) in "SR", "the program did not outlive the collector")
    with open(f"/proc/{program}/stat", encoding="ascii") as file:
        before = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    os.kill(program, signal.SIGTERM)
    wait_for(test, "the program ends", lambda: not os.path.exists(f"/proc/{program}")
             or state_of(program) == "Z")
    test.check(before < 3000, "the program burns the processor")
    ended = test.allocaudit("recover", out)
    test.equal(f"status of recover: {ended}", ended.status, 0)
    recording = test.open(out)
    test.equal("problems", recording.problems(), [])
    test.check(recording.run["allocation_count"] > 1000, "hardly anything recovered")
    test.equal("run.state", recording.run["state"], "cut")
    report = test.allocaudit("report", out)
    test.equal(f"status of report: {report}", report.status, 0)
    test.check(b"spin" in report.stdout, "the report does not name the program")


def test_report_of_an_unfinished_recording(test):
    """While it is being made, and after its collector was killed: a clear line, no crash."""
    out = test.path("spin.db")
    run = start_spin(test, out)
    program = child_of(test, run.pid, "spin")
    try:
        time.sleep(0.3)
        ended = test.allocaudit("report", out)
        test.check(ended.status in (0, 3), f"{ended}")
        run.kill()
        run.wait()
        ended = test.allocaudit("report", out)
        test.check(ended.status in (0, 3) and "recover" in ended.talk, f"{ended}")
    finally:
        os.kill(program, signal.SIGKILL)
        run.kill()
