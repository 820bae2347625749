"""Processes that a recorded one has started, and that nothing could be preloaded into."""

import os
import stat
import subprocess

from harness import Failure, Skip

NAMED = "SELECT path, reason, process_count FROM unrecorded ORDER BY path, reason"


def named(recording):
    return [tuple(row.values()) for row in recording.rows(NAMED)]


def copy(test, source, name, mode=0o755):
    with open(source, "rb") as file:
        path = test.write(name, file.read())
    os.chmod(path, mode)
    return path


def gate(test, path, *limits):
    return test.allocaudit("gate", path, *limits)


# ---- who is named ------------------------------------------------------------------------------------


def test_every_way_of_starting(test):
    """Twelve, and a script; what fails to start is not named."""
    static = copy(test, test.program("static_program"), "unseen")
    script = test.write("script", f"#!{static} word\n")
    os.chmod(script, 0o755)
    unusable = copy(test, static, "unusable", 0o644)
    command = [test.program("start_unseen"), static, script, unusable]
    recording = test.sound(test.same_as_native(command))
    test.equal("named", named(recording), [(os.path.realpath(static), "static", 13)])
    row = recording.rows("SELECT * FROM unrecorded")[0]
    starter = recording.process("start_unseen")
    test.check(row["pid"] > 0 and row["pid"] != starter["pid"], f"pid {row['pid']}")
    test.equal("started by", row["parent_id"], starter["id"])
    test.check(0 < row["at_ns"] <= recording.run["duration_ns"], f"at {row['at_ns']}")


def test_exec_without_environment(test):
    recording = test.sound(test.same_as_native([test.program("start_unseen"), "itself"]))
    test.equal("named", named(recording), [(os.path.realpath("/bin/true"), "preload", 1)])


def test_shell_without_preload(test):
    """system() and popen() start it out of our sight: what they are about to do is known."""
    recording = test.sound(test.same_as_native([test.program("start_unseen"), "shell"]))
    test.equal("named", named(recording), [(os.path.realpath("/bin/sh"), "preload", 2)])
    test.equal("pid", recording.value("SELECT pid FROM unrecorded"), None)


def test_other_machine(test):
    try:
        program = test.program("start_32bit")
    except Failure as failure:
        raise Skip("the compiler makes no 32-bit programs") from failure
    recording = test.sound(test.record(["/bin/sh", "-c", f"{program}; exit 0"]))
    test.check((os.path.realpath(program), "machine", 1) in named(recording) or not named(recording),
               f"{named(recording)}")


def test_changed_user(test):
    if os.geteuid() != 0:
        raise Skip("needs root")
    path = copy(test, "/usr/bin/id", "setuid")
    os.chown(path, 65534, 65534)
    os.chmod(path, stat.S_ISUID | 0o755)
    os.chmod(test.scratch, 0o755)
    recording = test.sound(test.record(["/bin/sh", "-c", f"{path} -u >/dev/null; exit 0"]))
    test.check(named(recording) in ([(os.path.realpath(path), "rights", 1)], []), f"{named(recording)}")
    seen = [row for row in recording.processes if row["executable"] == os.path.realpath(path)]
    test.equal("either recorded or named", len(seen) + len(named(recording)), 1)


def test_many_programs(test):
    """Those for which there is no room are counted."""
    static = copy(test, test.program("static_program"), "unseen")
    for number in range(39):
        os.link(static, test.path(f"unseen{number}"))
    loop = f"for i in {test.scratch}/unseen*; do $i >/dev/null; done; exit 0"
    recording = test.sound(test.record(["/bin/sh", "-c", loop]))
    test.equal("programs", recording.value("SELECT count(path) FROM unrecorded"), 32)
    test.equal("others", recording.value("SELECT process_count FROM unrecorded WHERE path IS NULL"), 8)
    test.check("8" in test.allocaudit("report", recording.path, "unrecorded").stdout.decode(), "others are shown")


def test_nobody_is_named(test):
    """The bare system call tells nobody; without children nobody asks; the loader is no program."""
    static = test.program("static_program")
    shell = ["/bin/sh", "-c", f"{static}; exit 0"]
    loader = "/lib64/ld-linux-x86-64.so.2"
    test.equal("raw", named(test.sound(test.record([test.program("start_unseen"), "raw", static]))), [])
    test.equal("alone", named(test.sound(test.record(shell, "--follow", "no"))), [])
    if os.path.exists(loader):
        recording = test.sound(test.record(["/bin/sh", "-c", f"{loader} /bin/true; exit 0"]))
        test.equal("by the loader", named(recording), [])
        test.equal("processes", len(recording.processes), 2)


def test_recorder_that_is_killed(test):
    """What was told is in the ring, and so recovered."""
    static = test.program("static_program")
    out = test.path("killed.db")
    run = subprocess.Popen([test.shared.allocaudit, "run", "-o", out, "--", "/bin/sh", "-c",
                            f"{static}; read line; exit 0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, env=test.environment(), cwd=test.scratch)
    test.equal("first line", run.stdout.readline(), b"static 1\n")
    run.kill()
    run.communicate()
    test.equal("recovered", test.allocaudit("recover", out).status, 0)
    test.equal("named", named(test.open(out)), [(os.path.realpath(static), "static", 1)])


# ---- who is told ------------------------------------------------------------------------------------


def test_report_tells_first(test):
    static = os.path.realpath(test.program("static_program"))
    recorded = test.record(["/bin/sh", "-c", f"{static}; {static}; exit 0"])
    test.check(f"not recorded: {static} (statically linked), 2 processes" in recorded.talk, recorded.talk)
    told = test.allocaudit("report", recorded.path).stdout.decode().splitlines()
    test.equal("first", told[0], "Processes that were not recorded")
    test.equal("row", told[2].split()[:4], [static, "statically", "linked", "2"])


def test_gate_tells(test):
    """A program behind a shell that was never seen cannot pass; one beside what was seen can."""
    static = test.program("static_program")
    alone = test.record(["/bin/sh", "-c", f"{static}; exit 0"]).path
    beside = test.record(["/bin/sh", "-c", f"{static}; {test.program('hello')}; exit 0"]).path
    for path, limits, status, where, words in (
            (alone, ["--max-leaks", "1000"], 3, "talk", "nothing but shells"),
            (alone, ["--max-leaks", "1000", "--allow-incomplete"], 0, "stdout", "1 process was not recorded"),
            (alone, ["--max-unrecorded", "1"], 0, "stdout", "1 process was not recorded"),
            (alone, ["--max-unrecorded", "0"], 1, "stdout", "allocaudit report unrecorded"),
            (beside, ["--max-leaks", "1000"], 0, "stdout", "1 process was not recorded"),
            (beside, ["--max-unrecorded", "0"], 1, "stdout", "FAIL")):
        ended = gate(test, path, *limits)
        test.equal(f"{limits}: {ended}", ended.status, status)
        test.check(words in f"{getattr(ended, where)}", f"{words!r} is not in {getattr(ended, where)!r}")


def test_budget_limits_them(test):
    test.write("budget.yaml", b"unrecorded_count: 0\n")
    recorded = test.record(["/bin/sh", "-c", f"{test.program('static_program')}; exit 0"])
    test.equal("status", gate(test, recorded.path, "--budget", "budget.yaml").status, 1)
