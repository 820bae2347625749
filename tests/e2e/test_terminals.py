"""`allocaudit run` between pipes and on a terminal."""

import os
import re
import shlex
import signal
import time

from command_runs import child_of, state_of, wait_for
from terminal import Terminal


def test_stdin_reaches_the_program(test):
    text = os.urandom(300000)
    ended = test.record(["/bin/cat"], stdin=text)
    test.check(ended.stdout == text, "cat gave back something else")


def test_tables_fit_the_terminal(test):
    """No line of these sections is wider than 80 or 100 columns, and a pipe has every column."""
    script = test.need("script")
    path = test.record([test.sample_app("game_loop"), "--log"]).path
    sections = "pools reserve leaks pins frames latency threads processes handoffs".split()
    for columns in (80, 100):
        words = [test.shared.allocaudit, "report", path, *sections]
        ended = test.run([script, "-qec", f"stty cols {columns}; {shlex.join(words)} 2>/dev/null",
                          "/dev/null"], env={"TERM": "dumb"})
        lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.stdout.decode()).replace("\r", "").splitlines()
        test.check(len(lines) > 40, f"{ended}")
        test.equal(f"wider than {columns}", [line for line in lines if len(line) > columns], [])
    told = test.allocaudit("report", path, *sections).stdout.decode()
    for label in ("turnover", "max drag", "of other threads' blocks"):
        test.check(label in told, f"{label}: {told}")


def test_reader_that_leaves(test):
    """`allocaudit run yes | head -1`: SIGPIPE ends yes, as it would without us."""
    command = (f"{test.shared.allocaudit} run -o {test.path('yes.db')} -- yes 2>/dev/null | head -1;"
               " echo ${PIPESTATUS[0]}")
    ended = test.run(["/bin/bash", "-c", command])
    test.equal("stdout", ended.stdout, b"y\n141\n")


def test_descriptors_are_untouched(test):
    """The program sees the descriptors that it was given, and none of ours."""
    script = "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | sort -n"
    command = ["/bin/sh", "-c", script]
    native, recorded = test.run(command), test.record(command)
    test.equal("descriptors", recorded.stdout, native.stdout)


def test_control_c(test):
    """^C goes to the program, which ends in its own way; the recording is complete."""
    out = test.path("spin.db")
    terminal = Terminal(test, [test.shared.allocaudit, "run", "-o", out, "--",
                               test.program("spin"), "30"])
    try:
        terminal.expect(rb"ready\r\n")
        time.sleep(0.3)
        terminal.type(b"\x03")
        test.equal("status", terminal.child.wait(timeout=20), 22)
    finally:
        terminal.close()
    recording = test.sound(out)
    test.equal("leaked", recording.process()["leaked_count"], 0)
    test.check(recording.process()["allocation_count"] > 1000, "hardly anything recorded")


def test_control_c_ends_by_signal(test):
    out = test.path("sleep.db")
    terminal = Terminal(test, [test.shared.allocaudit, "run", "-o", out, "--", "/bin/sleep", "30"])
    try:
        child_of(test, terminal.child.pid, "sleep")
        time.sleep(0.2)
        terminal.type(b"\x03")
        status = terminal.child.wait(timeout=20)
        test.check(status in (130, -signal.SIGINT), f"status {status}")
    finally:
        terminal.close()
    test.equal("run.exit_signal", test.sound(out).run["exit_signal"], signal.SIGINT)


def test_job_control(test):
    """Stop by ^Z, go on by fg, end by ^C, from an interactive shell."""
    bash = test.need("bash")
    out = test.path("job.db")
    terminal = Terminal(test, [bash, "--norc", "--noprofile", "-i"])
    try:
        terminal.type(f"{test.shared.allocaudit} run -o {out} -- {test.program('spin')} 30\n".encode())
        terminal.expect(rb"ready\r\n")
        run = child_of(test, terminal.child.pid, "allocaudit")
        program = child_of(test, run, "spin")
        terminal.type(b"\x1a")
        wait_for(test, "spin is stopped", lambda: state_of(program) == "T")
        terminal.expect(rb"Stopped")
        terminal.type(b"echo back $((40 + 2))\n")
        terminal.expect(rb"back 42")
        terminal.type(b"fg\n")
        wait_for(test, "spin goes on", lambda: state_of(program) in "SR")
        terminal.type(b"\x03")
        wait_for(test, "allocaudit ends", lambda: not os.path.exists(f"/proc/{run}"))
        terminal.type(b"echo status $?\n")
        terminal.expect(rb"status 22")
    finally:
        terminal.close()
    test.equal("leaked", test.sound(out).process()["leaked_count"], 0)


def test_program_reads_the_terminal(test):
    terminal = Terminal(test, [test.shared.allocaudit, "run", "-o", test.path("cat.db"), "--",
                               "/bin/cat"])
    try:
        child_of(test, terminal.child.pid, "cat")
        terminal.type(b"hello there\n")
        terminal.expect(rb"hello there\r\nhello there\r\n")
        terminal.type(b"\x04")
        test.equal("status", terminal.child.wait(timeout=20), 0)
    finally:
        terminal.close()
