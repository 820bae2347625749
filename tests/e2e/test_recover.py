"""The recorder itself is killed: nothing that was recorded may be lost, and the program goes on."""

import contextlib
import fcntl
import mmap
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
import time

from harness import Failure

KEEP_STEPS = 64
TURNS = 1000  # of a loop between two steps, so that not every recording is a long one
LOCK_BYTE = (1 << 30) + 65535  # of a recording: who holds it writes the file
FUNCTIONS = ["make_red", "make_green", "make_blue", "make_blue"]


def turns_of(number):
    """Every fourth try is one with as many events as there can be."""
    return str(0 if number % 4 == 3 else TURNS)


def size_of(thread, step):
    return 16 + (step * 7 + thread * 1000003) % 1000


def history(thread, step_count):
    """What progress.c does, as ("alloc", size, function) and ("free", index of the alloc)."""
    recent = [None] * KEEP_STEPS
    alloc_count = 0
    for step in range(step_count):
        place = step % KEEP_STEPS
        if recent[place] is not None and (step - KEEP_STEPS) % 16 == 0:
            yield "free", recent[place], None
            yield "alloc", size_of(thread, step) * 2, "work"
            recent[place] = alloc_count
            alloc_count += 1
        if recent[place] is not None:
            yield "free", recent[place], None
        function = "make_kept" if step % 3 == 0 else FUNCTIONS[step % 4]
        yield "alloc", size_of(thread, step), function
        recent[place] = None if step % 3 == 0 else alloc_count
        alloc_count += 1
    for block in recent:
        if block is not None:
            yield "free", block, None


class History:
    """The history of one thread as lists, worked out as far as they were asked for; for many recordings."""

    _known = {}
    _lock = threading.Lock()

    def __init__(self, thread, step_count):
        self._events = history(thread, step_count)
        self.sizes = []
        self.functions = []
        self.freed = []  # indexes of blocks, in the order of their frees
        self.frees_before = []  # how many there were before each block

    @classmethod
    def of(cls, thread, step_count, alloc_count):
        """With at least so many blocks and what follows the last of them, if the thread made so many."""
        with cls._lock:
            known = cls._known.setdefault((thread, step_count), cls(thread, step_count))
            while len(known.sizes) <= alloc_count and known._take_next():
                pass
            return known

    def _take_next(self):
        kind, value, function = next(self._events, (None, None, None))
        if kind == "free":
            self.freed.append(value)
        elif kind == "alloc":
            self.sizes.append(value)
            self.functions.append(function)
            self.frees_before.append(len(self.freed))
        return kind is not None

    def frees_around(self, alloc_count):
        """How many frees there are, at least and at most, when so many blocks were made."""
        least = self.frees_before[alloc_count - 1] if alloc_count > 0 else 0
        is_last = alloc_count >= len(self.sizes)
        return least, len(self.freed) if is_last else self.frees_before[alloc_count]


class Killed:
    """A program under a recorder that is killed after a while; .progress is from just before that."""

    def __init__(self, test, command, progress_path, delay_s, out, *options):
        self.path = out
        self.child = subprocess.Popen(
            [test.shared.allocaudit, "run", "-q", "-o", out, *options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=test.environment(), cwd=test.scratch, start_new_session=True)
        self.wait_for_progress(progress_path)
        time.sleep(delay_s)
        self.progress = self.read_progress(progress_path)
        self.is_too_late = self.child.poll() is not None  # all was done before
        if not self.is_too_late:
            os.kill(self.child.pid, signal.SIGKILL)
        self.killed_s = time.monotonic()

    def wait_for_progress(self, path):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.child.poll() is None:
            if os.path.exists(path) and os.path.getsize(path) >= 64 and any(self.read_progress(path)):
                return
            time.sleep(0.001)

    @staticmethod
    def read_progress(path):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 64, prot=mmap.PROT_READ) as words:
            return struct.unpack("8Q", words[:64])

    def end(self, timeout=120):
        """Waits for the program; returns its output and how long it went on after the kill."""
        try:
            stdout, stderr = self.child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            raise Failure("the program hangs without its recorder") from None
        return stdout, stderr, time.monotonic() - self.killed_s


def session_of(path):
    """SQLite may have to undo a transaction first, so the file is opened for writing."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return os.path.dirname(connection.execute("SELECT ring_path FROM run").fetchone()[0])


def recover(test, path, status=0):
    session = session_of(path)
    ended = test.allocaudit("recover", path)
    test.equal("exit status of recover", ended.status, status)
    test.check(not os.path.exists(session), f"{session} was not removed: {ended}")
    return ended


def check_thread(test, thread, rows, names, step_count, progress):
    """The rows (size, stack, is freed) of one thread against the history up to some moment after its progress."""
    known = History.of(thread, step_count, len(rows))
    sizes, stacks, freed = zip(*rows) if rows else ((), (), ())
    functions = [names[stack_id] for stack_id in stacks]
    for what, found, wanted in (("size", list(sizes), known.sizes), ("function", functions, known.functions)):
        if found != wanted[:len(rows)]:
            at = next((i for i, (one, other) in enumerate(zip(found, wanted)) if one != other), len(wanted))
            raise Failure(f"thread {thread}, {what} of block {at}: {found[at]!r}, not {wanted[at:at + 1]}")
    free_count = sum(freed)
    least, most = known.frees_around(len(rows))
    test.check(least <= free_count <= most,
               f"thread {thread}: {free_count} frees do not belong to {len(rows)} blocks")
    wrong = {index for index, is_freed in enumerate(freed) if is_freed} ^ set(known.freed[:free_count])
    test.equal(f"thread {thread}, blocks wrongly live or freed", sorted(wrong)[:10], [])
    reached = len(rows) - functions.count("work")
    test.check(reached >= progress,
               f"thread {thread}: {reached} steps are recorded, but {progress} were done")


def check_history(test, path, step_count, thread_count, progress, state="cut"):
    recording = test.sound(path, is_complete=False)
    run = recording.run
    test.equal("state", run["state"], state)
    test.equal("lost events", run["lost_event_count"], 0)
    test.equal("unresolved frames", recording.value(
        "SELECT count(*) FROM frame WHERE function = '[unknown]' AND id > 1 OR function LIKE 'progress%+0x%'"), 0)
    names = {stack_id: recording.functions(stack_id)[0] for stack_id in recording.stacks_in("work")}
    stacks = ",".join(map(str, names)) or "NULL"
    by_thread = {}
    for thread_id, *row in recording.connection.execute(
            "SELECT thread_id, size_bytes, stack_id, died_ns IS NOT NULL FROM allocation"
            f" WHERE stack_id IN ({stacks}) ORDER BY born_ns, id"):
        by_thread.setdefault(thread_id, []).append(row)
    sizes = {size_of(thread, 0): thread for thread in range(thread_count)}
    numbers = {sizes.get(rows[0][0]): rows for rows in by_thread.values()}
    for rows in by_thread.values():
        test.check(rows[0][0] in sizes, f"the first of {len(rows)} blocks of a thread: {rows[:3]}, not of {sizes}")
    test.equal("threads with blocks", len(numbers), len(by_thread))
    for thread in range(thread_count):
        check_thread(test, thread, numbers.get(thread, []), names, step_count, progress[thread])
    return recording


def kill_and_recover(test, threads):
    program = test.program("progress")
    seed = random.SystemRandom().randrange(1 << 30)
    rng = random.Random(seed)
    test.notes.append(f"seed {seed}")
    seen = []
    natives = {}
    while test.goes_on(len(seen), 10, 100):
        number = len(seen)
        is_large = test.is_long and number % 20 == 0
        step_count = 400000 if is_large else 60000
        span_s = 0.25 if is_large else 0.04
        if step_count not in natives:
            natives[step_count] = test.run([program, test.path("native"), str(step_count), str(threads)])
        native = natives[step_count]
        out = test.path(f"killed{number}.db")
        for attempt in range(8):
            progress_path = test.path(f"progress{number}.{attempt}")
            command = [program, progress_path, str(step_count), str(threads), turns_of(number)]
            killed = Killed(test, command, progress_path, rng.uniform(0, span_s), out)
            if not killed.is_too_late:
                break
            killed.end()
            span_s *= 0.7  # a faster machine than was thought
        stdout, stderr, after_s = killed.end()
        test.equal("output", stdout, native.stdout)
        test.equal("stderr", stderr, b"")
        test.check(after_s < 20, f"the program went on for {after_s:.1f} s without its recorder")
        test.equal("progress at the end", Killed.read_progress(progress_path)[:threads],
                   (step_count,) * threads)
        recover(test, out)
        recording = check_history(test, out, step_count, threads, killed.progress)
        seen.append(recording.run["allocation_count"])
        os.remove(out)
    test.notes.append(f"allocations at the kills: {sorted(seen)}")


def test_one_thread(test):
    kill_and_recover(test, 1)


def test_threads(test):
    kill_and_recover(test, 3)


def test_program_is_not_slowed(test):
    """Once its recorder is dead, a pair of calls takes hardly longer than without us."""
    begun, go = test.path("begun"), test.path("go")
    command = [test.program("timed_pairs"), begun, go]
    child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", test.path("slowed.db"), "--", *command],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=test.environment(),
                             cwd=test.scratch, start_new_session=True)
    while not os.path.exists(begun):
        time.sleep(0.005)
    child.kill()
    child.wait()
    test.write("go", "")
    orphan_ns = float(child.communicate(timeout=60)[0])
    native_ns = float(test.run(command).stdout)
    recorded_ns = float(test.record(command).stdout)
    test.note(f"{orphan_ns:.1f} ns a pair, {native_ns:.1f} without us, {recorded_ns:.1f} recorded")
    test.check(orphan_ns < 2 * native_ns + 5, f"{orphan_ns} ns a pair, {native_ns} without us")


class Living:
    """A recording that goes on until it is told to end."""

    def __init__(self, test, name, *options):
        self.path = test.path(name + ".db")
        progress = test.path(name + ".progress")
        script = f"{test.program('progress')} {progress} 2000 1 && echo done && read line"
        self.child = subprocess.Popen(
            [test.shared.allocaudit, "run", "-q", "-o", self.path, *options, "--", "/bin/sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=test.environment(),
            cwd=test.scratch, start_new_session=True)
        self.child.stdout.readline()
        self.child.stdout.readline()

    def let_go(self):
        """The program ends; its recorder has yet to finish."""
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()

    def end(self):
        """Returns the status; what it said is in .stderr."""
        self.stderr = self.child.communicate(b"\n", timeout=120)[1].decode()
        return self.child.returncode


def refuse_to_recover(test, path):
    ended = test.allocaudit("recover", path)
    test.equal("status of recover", ended.status, 3)
    test.check("still being recorded" in ended.talk, f"{ended}")


def is_open_in(path, pid):
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        return any(os.readlink(os.path.join(folder, name)) == path for name in os.listdir(folder))
    return False


def killed_recording(test, delay_s=0.02, step_count=300000):
    """On a busy machine all may be done before the kill: then once more, and sooner."""
    command = [test.program("progress"), test.path("progress"), str(step_count), "1"]
    for again in range(8):
        killed = Killed(test, command, test.path("progress"), delay_s / (1 << again), test.path("killed.db"))
        if not killed.is_too_late:
            return killed
        killed.end()
        os.remove(test.path("progress"))
    raise Failure("the recorder is always done before it can be killed")


def test_report_says_what_to_do(test):
    killed = killed_recording(test)
    killed.end()
    ended = test.allocaudit("report", killed.path)
    test.check("allocaudit recover" in ended.talk + ended.stdout.decode(), f"{ended}")
    recover(test, killed.path)
    ended = test.allocaudit("report", killed.path)
    test.equal("report of the recovered file", ended.status, 0)


def test_twice_changes_nothing(test):
    killed = killed_recording(test)
    killed.end()
    recover(test, killed.path)
    with open(killed.path, "rb") as file:
        before = file.read()
    ended = test.allocaudit("recover", killed.path)
    test.equal("status", ended.status, 0)
    test.check("needs no recovery" in ended.talk, f"{ended}")
    with open(killed.path, "rb") as file:
        test.check(before == file.read(), "a second recovery changed the file")


def test_interrupted_recovery_can_be_repeated(test):
    step_count = 30000
    killed = killed_recording(test, step_count=step_count)
    killed.end()
    for delay_s in (0.005, 0.02, 0.05, 0.1):
        child = subprocess.Popen([test.shared.allocaudit, "recover", killed.path],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=test.environment())
        time.sleep(delay_s)
        child.kill()
        child.wait()
    ended = test.allocaudit("recover", killed.path)
    test.equal("status", ended.status, 0)
    check_history(test, killed.path, step_count, 1, killed.progress)


def test_while_the_recorder_lives_is_refused(test):
    living = Living(test, "alive")
    refuse_to_recover(test, living.path)
    test.equal("status of the run", living.end(), 0)
    test.sound(living.path)


def test_its_ring_gone_is_refused(test):
    """A login that ends may take the user's files in /dev/shm with it; what was begun goes on."""
    living = Living(test, "alive")
    shutil.rmtree(session_of(living.path))
    refuse_to_recover(test, living.path)
    test.equal("status of the run", living.end(), 0)
    test.sound(living.path)


def test_a_copy_is_refused(test):
    """Its recorder still writes the ring that recovery would take for its own."""
    living = Living(test, "alive")
    shutil.copyfile(living.path, test.path("copy.db"))
    refuse_to_recover(test, test.path("copy.db"))
    test.equal("status of the run", living.end(), 0)
    test.sound(living.path)


def test_at_any_moment_of_a_run(test):
    """From before it starts until it has ended, others recover and read it: it is as without them."""
    command = [test.program("progress"), test.path("progress"), "6000", "1", "1000"]
    figures = "SELECT allocation_count, free_count, allocated_bytes, leaked_count, lost_event_count FROM run"
    started_s = time.monotonic()
    wanted = test.sound(test.record(command)).rows(figures)
    span_s = 1.2 * (time.monotonic() - started_s)
    answers = {}

    def disturb(out, delay_s, what):
        time.sleep(delay_s)
        answer = re.sub(r"'[^']*'", "FILE", test.allocaudit(what, out).talk.partition("\n")[0])
        answers[answer] = answers.get(answer, 0) + 1

    for number in range(test.size(3, 30)):
        out = test.path(f"disturbed{number}.db")
        others = [threading.Thread(target=disturb, args=(out, random.uniform(0, span_s), what))
                  for what in ("recover", "report") * 5]
        child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", out, "--", *command],
                                 stdout=subprocess.DEVNULL, env=test.environment(), start_new_session=True)
        for other in others:
            other.start()
        for other in others:
            other.join()
        test.equal("status", child.wait(60), 0)
        test.equal("figures", test.sound(out).rows(figures), wanted)
    test.equal("answers of a recovery", [text for text in answers if "recovered" in text], [])
    test.note(f"{answers}")


def test_that_ends_meanwhile(test):
    """The lock comes free because the recording is complete by now: that is seen, and left alone."""
    killed = killed_recording(test)
    killed.end()
    complete = test.path("complete.db")
    shutil.copyfile(killed.path, complete)
    recover(test, complete)
    cut, whole = (open_and_read(path) for path in (killed.path, complete))
    for again in range(20):
        status, stderr = recover_what_becomes_whole(test, killed.path, cut, whole)
        if status != 3 or "still being recorded" not in stderr:
            break  # else it was not stopped in time, and has waited long enough
    test.equal(f"status: {stderr}", status, 0)
    test.check("needs no recovery" in stderr, stderr)
    test.check(open_and_read(killed.path) == whole, "the file was changed")
    test.note(f"try {again + 1}")


def open_and_read(path):
    with open(path, "rb") as file:
        return file.read()


def recover_what_becomes_whole(test, path, cut, whole):
    """While `recover` waits for the lock, the file's content becomes that of the complete recording."""
    with open(path, "r+b") as file:
        file.write(cut)
        file.truncate()
        file.flush()
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, LOCK_BYTE, 1, 0))
        child = subprocess.Popen([test.shared.allocaudit, "recover", path], stderr=subprocess.PIPE,
                                 env=test.environment())
        while child.poll() is None and not is_open_in(path, child.pid):
            pass
        child.send_signal(signal.SIGSTOP)
        file.seek(0)
        file.write(whole)
        file.truncate()
        file.flush()
    child.send_signal(signal.SIGCONT)
    stderr = child.communicate(timeout=60)[1].decode()
    return child.returncode, stderr


def test_program_that_still_runs(test):
    """Recovering stops the recording of a program that outlives its recorder."""
    program = test.program("progress")
    progress = test.path("progress")
    killed = Killed(test, [program, progress, "20000000", "1"], progress, 0.05, test.path("killed.db"))
    ended = test.allocaudit("recover", killed.path)
    test.equal("status", ended.status, 0)
    recording = test.sound(killed.path, is_complete=False)
    test.check("still run" in ended.talk, f"{ended}")
    test.equal("end_kind", recording.process()["end_kind"], "detached")
    makers = [str(stack_id) for stack_id in recording.stacks_in("work")
              if recording.functions(stack_id)[0] != "work"]
    steps = recording.value(f"SELECT sum(allocation_count) FROM site WHERE stack_id IN ({','.join(makers)})")
    test.check(steps >= killed.progress[0], f"{steps} steps of {killed.progress[0]}")
    os.killpg(killed.child.pid, signal.SIGKILL)
    killed.end()


def test_without_the_ring(test):
    """After a reboot only rows are left."""
    killed = killed_recording(test, delay_s=0.1, step_count=1000000)
    killed.end()
    session = session_of(killed.path)
    for name in os.listdir(session):
        os.remove(os.path.join(session, name))
    os.rmdir(session)
    ended = test.allocaudit("recover", killed.path)
    test.equal("status", ended.status, 0)
    test.check("only rows are left" in ended.talk, f"{ended}")
    recording = test.open(killed.path)
    test.equal("problems", recording.problems(), [])
    test.equal("state", recording.run["state"], "cut")
    test.check(recording.run["allocation_count"] > 4000, f"{recording.run}")


def test_damaged_remains(test):
    """Whatever stands in the files that a recorder left: a line that says so, or a sound recording."""
    seed = random.SystemRandom().randrange(1 << 30)
    rng = random.Random(seed)
    test.note(f"seed {seed}")
    killed = killed_recording(test, step_count=3000)
    killed.end()
    session = session_of(killed.path)
    with open(killed.path, "rb") as file:
        content = file.read()
    sound_count = 0
    for number in range(test.size(8, 200)):
        copy = session[:-6] + "".join(rng.choices("abcdefghij", k=6))
        path = test.path(f"damaged{number}.db")
        shutil.copytree(session, copy)
        os.chmod(copy, 0o700)
        with open(path, "wb") as file:
            file.write(content.replace(session.encode(), copy.encode()))
        damage(rng, os.path.join(copy, rng.choice(sorted(os.listdir(copy)))))
        ended = test.allocaudit("recover", path)
        shutil.rmtree(copy, ignore_errors=True)
        test.check(ended.status in (0, 3), f"{number}: {ended}")
        if ended.status == 0:
            sound_count += 1
            test.equal(f"integrity of {number}", test.open(path).value("PRAGMA integrity_check"), "ok")
        else:
            test.equal(f"lines for {number}", ended.talk.count("\n"), 1)
    shutil.rmtree(session)
    test.note(f"{sound_count} could be recovered")


def damage(rng, path):
    """Some of the bytes that stand near its beginning, or in the part that was written, get other values."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as words:
        written = len(bytes(words).rstrip(b"\0")) or len(words)
        for _ in range(rng.choice((1, 4, 30))):
            words[rng.randrange(rng.choice((min(written, 4096), written)))] = rng.randrange(256)


def test_wrong_files(test):
    empty = test.write("empty.db", b"")
    other = test.write("other.db", b"some text that is longer than a header" * 10)
    for path in (empty, other, test.path("missing.db"), test.scratch):
        ended = test.allocaudit("recover", path)
        test.equal(f"status for {path}", ended.status, 3)
        test.equal(f"lines for {path}", ended.talk.count("\n"), 1)


def test_children(test):
    """A shell and what it starts: processes that ended before the kill and one that was running."""
    program = test.program("progress")
    progress = test.path("progress")
    script = f"{program} {test.path('first')} 20000 1; {program} {progress} 200000 2; true"
    native = test.run([program, test.path("native"), "20000", "1"])
    killed = Killed(test, ["/bin/sh", "-c", script], progress, 0.03, test.path("killed.db"))
    stdout, _, _ = killed.end()
    test.check(stdout.startswith(native.stdout), "the first program's output changed")
    recover(test, killed.path)
    recording = test.sound(killed.path, is_complete=False)
    found = [row for row in recording.processes if row["executable"].endswith("/progress")]
    test.equal("recorded programs", len(found), 2)
    first, second = found
    test.equal("steps of the first", sum(
        1 for row in recording.blocks_in("work", first["id"])
        if recording.functions(row["stack_id"])[0] != "work"), 20000)
    test.check(second["allocation_count"] >= sum(killed.progress), f"{second}")


def test_mappings(test):
    """--mmap: mappings that were unmapped in part before the kill are there once."""
    python = test.need("python3")
    progress = test.path("progress")
    script = f"""
import mmap, struct
maps = []
shared = open({progress!r}, "w+b"); shared.truncate(4096)
words = mmap.mmap(shared.fileno(), 4096)
for i in range(20000):
    maps.append(mmap.mmap(-1, 4096 * (1 + i % 5)))
    if i % 3:
        maps.pop(len(maps) // 2).close()
    words[:8] = struct.pack("Q", i + 1)
print(len(maps))
"""
    native = test.run([python, "-c", script])
    os.remove(progress)
    child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "--mmap", "-o",
                              test.path("mapped.db"), "--", python, "-c", script],
                             stdout=subprocess.PIPE, env=test.environment())
    while not os.path.exists(progress) or os.path.getsize(progress) < 4096:
        time.sleep(0.001)
    time.sleep(0.05)
    done = Killed.read_progress(progress)[0]
    child.kill()
    stdout, _ = child.communicate(timeout=60)
    test.equal("output", stdout, native.stdout)
    recover(test, test.path("mapped.db"))
    recording = test.sound(test.path("mapped.db"), is_complete=False)
    count = recording.value("SELECT count(*) FROM allocation WHERE kind = 'mmap' AND size_bytes % 4096 = 0")
    test.check(count >= done, f"{count} mappings are recorded, but {done} were made")
    overlaps = recording.value(
        "SELECT count(*) FROM (SELECT born_ns, lag(died_ns) OVER (PARTITION BY process_id, address"
        " ORDER BY born_ns, died_ns) AS before FROM allocation WHERE kind = 'mmap')"
        " WHERE before > born_ns")
    test.equal("mappings at the same time and address", overlaps, 0)
