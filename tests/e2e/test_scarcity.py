"""Disks, memory, descriptors and files that run out: the program is served, and what is lost is said."""

import contextlib
import os
import re
import signal
import time

from command_runs import child_of, start_spin
from harness import Skip
from small_disk import SmallDisk

WAVE = 20000


def python_work(count):
    """A command that allocates some hundred thousand blocks and prints what it worked out."""
    return ["/usr/bin/python3", "-c",
            f"d = {{str(i): [i] * (i % 7) for i in range({count})}}; print(sum(map(len, d.values())))"]


def limited(test, limits, command, *options, **run_options):
    """Records under limits that hold for recorder and program: {RLIMIT_*: value}."""
    words = " ".join(f"ulimit -{flag} {value} &&" for flag, value in limits.items())
    out = test.path("limited.db")
    return test.run(["/bin/bash", "-c", f'{words} exec "$@"', "bash", test.shared.allocaudit, "run",
                     "-o", out, *options, "--", *command], path=out, **run_options)


def program_is_limited(test, flag, value, command):
    """Only the program is under the limit; its output and status are as without us."""
    script = f'ulimit -{flag} {value} && exec "$@"'
    return test.same_as_native(["/bin/bash", "-c", script, "bash", *command],
                               env={"PYTHONMALLOC": "malloc"})


# ---- the disk --------------------------------------------------------------------------------------


def test_disk_full_at_any_time(test):
    """Whatever room is left: the program is served, and the file is no database or a whole one."""
    command = [test.sample_app("leaky_server"), "--requests", "60000"]
    native = test.run(command)
    states = {}
    sizes = [64, 2048, 4096, 4608, 5120, 5632, 6144, 7168, 8192, 9216, 10240, 12288, 16384]
    for kib in sizes if test.is_long else sizes[::4]:
        with SmallDisk(test, f"{kib}k", f"disk{kib}") as disk:
            ended = test.record(command, out=os.path.join(disk, "out.db"))
            if ended.status == 125 and not ended.stdout:
                test.check(re.search("o space|is full", ended.talk), f"{ended}")
                states["refused"] = states.get("refused", 0) + 1
                continue
            test.equal(f"stdout with {kib} KiB", ended.stdout, native.stdout)
            test.equal(f"stderr with {kib} KiB", ended.stderr, native.stderr)
            recording = test.open(ended)
            state = recording.run["state"]
            states[state] = states.get(state, 0) + 1
            test.equal("integrity_check", recording.value("PRAGMA integrity_check"), "ok")
            if state == "complete":
                test.equal("problems", recording.problems(), [])
            else:
                test.check(re.search("no space|disk", ended.talk, re.IGNORECASE), f"{ended}")
            recording.close()
    test.tried(sum(states.values()))
    test.note(", ".join(f"{state} {count}" for state, count in sorted(states.items())))


def test_output_folder_removed(test):
    folder = test.path("gone")
    os.mkdir(folder)
    out = os.path.join(folder, "out.db")
    run = start_spin(test, out)
    try:
        program = child_of(test, run.pid, "spin")
        time.sleep(0.3)
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        os.rmdir(folder)
        time.sleep(0.3)
        os.kill(program, signal.SIGTERM)
        stdout, talk = run.communicate(timeout=30)
    finally:
        run.kill()
    test.check(run.returncode in (21, 125), f"status {run.returncode}")
    test.check(b"allocaudit:" in talk, f"no word about the file that is gone: {talk!r}")
    test.check(out.encode() in talk, f"the file is not named: {talk!r}")
    test.note(f"status {run.returncode}: {talk.decode().splitlines()[0]}")


# ---- shared memory -----------------------------------------------------------------------------------


def without_shared_memory(test, mount, command):
    if os.geteuid() != 0:
        raise Skip("needs root, to mount over /dev/shm")
    out = test.path("unshared.db")
    script = f'{mount} && exec "$@"'
    return test.run(["unshare", "-m", "/bin/sh", "-c", script, "sh", test.shared.allocaudit, "run",
                     "-o", out, "--", *command], path=out)


def test_shared_memory_is_small(test, mount):
    command = [test.sample_app("leaky_server"), "--requests", "20000"]
    native = test.run(command)
    ended = without_shared_memory(test, mount, command)
    if "mount:" in ended.stderr.decode() or "unshare:" in ended.stderr.decode():
        raise Skip("cannot mount here")
    test.equal(f"stdout of {ended}", ended.stdout, native.stdout)
    test.equal("status", ended.status, native.status)
    recording = test.sound(ended)
    test.check(recording.run["allocation_count"] > 50000, "hardly anything recorded")
    test.equal("folders left behind", [name for name in os.listdir(test.scratch)
                                       if name.startswith("allocaudit-")], [])


test_shared_memory_is_small.cases = [
    ("absent", ("mount -t tmpfs -o size=4k,ro none /dev/shm",)),
    ("1 MiB", ("mount -t tmpfs -o size=1m none /dev/shm",))]


# ---- limits ------------------------------------------------------------------------------------------


def test_program_limited(test, flag, value):
    recording = test.sound(program_is_limited(test, flag, value, python_work(WAVE)))
    image = [row for row in recording.processes if "python3" in row["executable"]]
    test.equal("images of python", len(image), 1)
    test.check(image[0]["allocation_count"] > 2 * WAVE, "hardly anything recorded")


test_program_limited.cases = [(name, (flag, value)) for name, flag, value in (
    ("1.2 GiB of addresses", "v", 1200000), ("5 descriptors", "n", 5), ("files of 0 bytes", "f", 0),
    ("stack of 256 KiB", "s", 256), ("no locked memory", "l", 0))]


def test_too_few_addresses_for_the_ring(test):
    """Less than the ring takes: the program is served as without us, and nobody is told "0"."""
    command = ["/bin/bash", "-c", 'ulimit -v 60000 && exec "$@"', "bash", test.program("hello")]
    recorded = test.same_as_native(command)
    recording = test.open(recorded)
    test.equal("problems", recording.problems(), [])
    test.equal("programs recorded", [row["executable"] for row in recording.processes
                                     if row["executable"].endswith("/hello")], [])
    test.check("1 programs were not recorded" in recorded.talk, f"no word of it: {recorded.talk!r}")
    test.equal("lost events", recording.run["lost_event_count"], 1)
    recorded = test.same_as_native(command, "--ring", "8M")
    test.equal("with a smaller ring", test.sound(recorded).process("hello")["allocation_count"], 10)


def test_recorder_limited(test, flag, value):
    """Under the same limit as its program, the recorder works or says in one line why not."""
    command = [test.sample_app("leaky_server"), "--requests", "20000"]
    native = test.run(command)
    ended = limited(test, {flag: value}, command)
    if ended.status == 125 and not ended.stdout:
        test.check(re.search("^allocaudit: .*(memory|large|files|space|open)", ended.talk), f"{ended}")
        test.note(ended.talk.strip())
        return
    test.equal(f"stdout of {ended}", ended.stdout, native.stdout)
    test.check(ended.status in (native.status, 125), f"{ended}")
    recording = test.open(ended)
    test.equal("integrity_check", recording.value("PRAGMA integrity_check"), "ok")
    if recording.run["state"] == "complete":
        test.equal("problems", recording.problems(), [])
    else:
        test.check(ended.talk, "no word of what was not recorded")
        test.note(ended.talk.splitlines()[0])


test_recorder_limited.cases = [(name, (flag, value)) for name, flag, value in (
    ("700 MiB of addresses", "v", 700000), ("150 MiB of addresses", "v", 150000),
    ("12 descriptors", "n", 12), ("6 descriptors", "n", 6), ("files of 9 MiB", "f", 9216),
    ("files of 64 KiB", "f", 64))]


@contextlib.contextmanager
def memory_group(limit_bytes):
    """A memory cgroup, of either version; Skip where none can be made."""
    for parent, name in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                         ("/sys/fs/cgroup", "memory.max")):
        folder = os.path.join(parent, f"allocaudit-test-{os.getpid()}")
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(str(limit_bytes))
            yield folder
            return
        except OSError:
            continue
        finally:
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.05)
    raise Skip("cannot make a memory cgroup here")


def test_memory_group(test):
    """In 64 MiB, with the ring and the recorder's own memory in it."""
    command = [test.sample_app("leaky_server"), "--requests", "50000"]
    native = test.run(command)
    with memory_group(64 << 20) as group:
        out = test.path("group.db")
        ended = test.run(["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group,
                          test.shared.allocaudit, "run", "-o", out, "--", *command], path=out)
    test.equal(f"stdout of {ended}", ended.stdout, native.stdout)
    test.equal("status", ended.status, native.status)
    test.sound(ended)
