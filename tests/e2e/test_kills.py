"""Programs and recorders that are killed at random moments, and files that are copied then."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

from command_runs import find_child
from test_recover import Killed, check_history, recover, turns_of

STEP_COUNT = 2000000  # more than it gets to
SPAN_S = 0.02
THREADS = (1, 3)


class Started(Killed):
    """progress.c under a recorder, some time after its first block; nobody is killed yet."""

    def __init__(self, test, name, thread_count, delay_s, step_count=STEP_COUNT, turns="0"):
        self.path = test.path(name + ".db")
        self.progress_path = test.path(name + ".progress")
        command = [test.program("progress"), self.progress_path, str(step_count), str(thread_count),
                   turns]
        self.child = subprocess.Popen(
            [test.shared.allocaudit, "run", "-q", "-o", self.path, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=test.environment(), cwd=test.scratch, start_new_session=True)
        self.wait_for_progress(self.progress_path)
        self.program = find_child(self.child.pid, "progress")
        time.sleep(delay_s)
        self.killed_s = time.monotonic()

    def kill_program(self):
        """False if it had ended."""
        with contextlib.suppress(ProcessLookupError):
            if self.program is not None:
                os.kill(self.program, signal.SIGKILL)
                return True
        return False


def draw(test):
    seed = random.SystemRandom().randrange(1 << 30)
    test.note(f"seed {seed}")
    return random.Random(seed)


def test_program(test, thread_count):
    """Killed at a random moment: every block that it knows of is in the recording, which is complete."""
    rng = draw(test)
    attempts = done = 0
    while test.goes_on(done, 8, 100):
        attempts += 1
        test.check(attempts < 4 * (done + 8), "the program ends before it can be killed")
        started = Started(test, f"program{done}", thread_count, rng.uniform(0, SPAN_S),
                          turns=turns_of(done))
        started.kill_program()
        started.end()
        if started.child.returncode == 0:
            continue
        test.equal("status", started.child.returncode, 128 + signal.SIGKILL)
        recording = check_history(test, started.path, STEP_COUNT, thread_count,
                                  started.read_progress(started.progress_path), state="complete")
        test.equal("exit_signal", recording.run["exit_signal"], signal.SIGKILL)
        os.remove(started.path)
        done += 1


test_program.cases = [(f"{count} threads", (count,)) for count in THREADS]


def test_both(test, thread_count):
    """Recorder and program are killed in one moment, in either order."""
    rng = draw(test)
    attempts = done = 0
    while test.goes_on(done, 8, 50, least=20):
        attempts += 1
        test.check(attempts < 4 * (done + 8), "the program ends before it can be killed")
        started = Started(test, f"both{done}", thread_count, rng.uniform(0, SPAN_S),
                          turns=turns_of(done))
        progress = started.read_progress(started.progress_path)
        is_program_first = rng.random() < 0.5
        is_killed = started.kill_program() if is_program_first else True
        started.child.kill()
        if not is_program_first:
            is_killed = started.kill_program()
        started.end()
        if not is_killed or started.child.returncode != -signal.SIGKILL:
            continue
        recover(test, started.path)
        check_history(test, started.path, STEP_COUNT, thread_count, progress)
        os.remove(started.path)
        done += 1


test_both.cases = [(f"{count} threads", (count,)) for count in THREADS]


def test_copies_are_valid(test):
    """As a machine that crashes would leave the file: whole, and `recover` finds the rows so far."""
    started = Started(test, "copied", 2, 0, step_count=500000)
    copies = []
    while started.child.poll() is None and len(copies) < test.size(12, 60):
        copies.append(test.path(f"copy{len(copies)}.db"))
        for suffix in ("-journal", ""):
            if os.path.exists(started.path + suffix):
                shutil.copyfile(started.path + suffix, copies[-1] + suffix)
        time.sleep(0.01)
    started.kill_program()
    started.end()
    test.check(len(copies) >= 5, f"only {len(copies)} copies were made")
    counts = []
    for copy in copies:
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            test.equal(f"integrity_check of {copy}",
                       connection.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        ended = test.allocaudit("recover", copy)
        test.equal(f"status of recover: {ended}", ended.status, 0)
        recording = test.open(copy)
        test.equal("problems", recording.problems(), [])
        counts.append(recording.value("SELECT count(*) FROM block"))
        recording.close()
        os.remove(copy)
    test.equal("rows only become more", counts, sorted(counts))
    test.check(counts[-1] > 0, "no copy has rows")
    test.note(f"{len(counts)} copies, of {counts[0]} to {counts[-1]} rows")
    test.sound(started.path)
