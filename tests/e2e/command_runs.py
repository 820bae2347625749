"""What tests of `allocaudit run` as a command share: its line of refusal, and processes beneath it."""

import os
import re
import subprocess
import time

SUMMARY_LINES = 3


def one_line(test, ended, status, *words):
    """Exactly one line of ours, nothing on stdout, this status, and these words in the line."""
    test.equal(f"status of {ended}", ended.status, status)
    test.equal("stdout", ended.stdout, b"")
    lines = ended.talk.splitlines()
    test.equal(f"lines on stderr: {ended}", (len(lines), ended.stderr), (1, b""))
    for word in words:
        test.check(re.search(word, lines[0], re.IGNORECASE), f"{word!r} is not in {lines[0]!r}")


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def wait_for(test, what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        test.check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.02)


def find_child(parent, name):
    """The child of a process whose command is `name`, or None."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if text.rsplit(")", 1)[1].split()[1] == str(parent) and f"({name})" in text:
            return int(entry)
    return None


def child_of(test, parent, name):
    """The same, waited for."""
    wait_for(test, f"{name} starts", lambda: find_child(parent, name))
    return find_child(parent, name)


def start_spin(test, out, *options):
    run = subprocess.Popen([test.shared.allocaudit, "run", "-o", out, *options, "--",
                            test.program("spin"), "30"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=test.environment(),
                           cwd=test.scratch)
    test.equal("first line", run.stdout.readline(), b"ready\n")
    return run
