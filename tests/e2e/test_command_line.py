"""`allocaudit run` as a command: statuses, files; and the other commands."""

import json
import os
import re
import shlex
import subprocess

from command_runs import SUMMARY_LINES, one_line


# ---- statuses ----------------------------------------------------------------------------------------


def test_status_is_the_programs(test):
    for status in (0, 1, 77, 125, 255):
        ended = test.record(["/bin/sh", "-c", f"exit {status}"])
        test.equal("status", ended.status, status)
        test.equal("run.exit_status", test.open(ended).run["exit_status"], status)


def test_summary_is_three_lines(test):
    ended = test.record([test.program("hello")])
    lines = ended.talk.splitlines()
    test.equal(f"lines: {ended.talk}", len(lines), SUMMARY_LINES)
    text = ended.talk
    for word in ("10", "75", os.path.basename(ended.path), "allocaudit report"):
        test.check(word in text, f"{word!r} is not in {text!r}")


def test_next_line_can_be_pasted(test):
    path = test.path("it's a file.db")
    ended = test.allocaudit("run", "-o", path, "--", test.program("hello"))
    line = ended.talk.splitlines()[-1].partition("next: allocaudit ")[2]
    pasted = test.allocaudit(*shlex.split(line))
    test.check(pasted.status == 0 and b"hello" in pasted.stdout, f"{line}: {pasted.talk}")


def test_ended_children_are_not_waited_for(test):
    """The shell has waited for them itself."""
    for _ in range(8):
        ended = test.record(["/bin/sh", "-c", "ls / >/dev/null; ls / >/dev/null; exit 0"])
        test.check("waiting" not in ended.talk, ended.talk)


def test_missing_command(test):
    ended = test.record(["/nowhere/nothing"])
    one_line(test, ended, 127, "/nowhere/nothing", "no such file")
    ended = test.record(["no-such-command-anywhere"])
    one_line(test, ended, 127, "no-such-command-anywhere")
    test.check(not os.path.exists(ended.path), "an empty recording was left behind")


def test_command_that_is_not_executable(test):
    path = test.write("plain", "text\n")
    one_line(test, test.record([path]), 126, "plain", "permission")
    one_line(test, test.record([test.scratch]), 126, "permission|directory")


def test_script_without_interpreter_line(test):
    path = test.write("script", "echo from a script; exit 9\n")
    os.chmod(path, 0o755)
    native = test.run(["/usr/bin/env", path])
    ended = test.record([path])
    test.equal("as env does it", (ended.status, ended.stdout), (native.status, native.stdout))
    test.check("sh" in os.path.basename(test.sound(ended).process()["executable"]), "not the shell")


def test_script_with_interpreter_line(test):
    path = test.write("script", "#!/bin/sh\necho from a script; exit 9\n")
    os.chmod(path, 0o755)
    recording = test.sound(test.same_as_native([path]))
    test.check("sh" in recording.processes[0]["executable"], "recorded something else")


def test_command_is_found_in_path(test):
    ended = test.record(["true"])
    test.equal("status", ended.status, 0)
    test.equal("recorded", os.path.basename(test.open(ended).processes[0]["executable"]), "true")


def test_wrong_usage(test):
    for arguments in (["run"], ["run", "--"], ["run", "--no-such-option", "--", "true"],
                      ["run", "--depth", "many", "--", "true"]):
        ended = test.allocaudit(*arguments)
        test.equal(f"status of {arguments}", ended.status, 2)
        test.check(0 < len(ended.talk.splitlines()) <= 2, f"{arguments}: {ended}")
    ended = test.allocaudit("run", "--help")
    test.equal("status of --help", (ended.status, ended.stderr), (0, b""))
    test.check(b"-o" in ended.stdout and b"allocaudit run" in ended.stdout, "no help on stdout")


def test_wrong_values_of_stack_options(test):
    for arguments, words in ((["--unwind", "dwarf"], "--unwind.*dwarf.*auto.fp.libunwind"),
                             (["--unwind", ""], "--unwind.*auto.fp.libunwind"),
                             (["--depth", "0"], "--depth.* 0 .*1 to 1024"),
                             (["--depth", "1000000"], "--depth.* 1000000 .*1 to 1024"),
                             (["--depth", "1025"], "--depth.* 1025 .*1 to 1024"),
                             (["--depth", "-1"], "--depth.*-1"),
                             (["--depth", "99999999999999999999999"], "--depth.*too large")):
        out = test.path("never.db")
        ended = test.allocaudit("run", "-o", out, *arguments, "--", "/bin/echo", "ran")
        test.equal(f"status and stdout of {arguments}", (ended.status, ended.stdout), (2, b""))
        test.equal(f"stderr but for our line, {arguments}", ended.stderr,
                   b"see 'allocaudit run --help'\n")
        test.equal(f"our lines: {ended.talk}", len(ended.talk.splitlines()), 1)
        test.check(re.search(words, ended.talk), f"{words!r} is not in {ended.talk!r}")
        test.check(not os.path.exists(out), "a file was written")
    for depth in ("1", "1024"):
        ended = test.record(["/bin/echo", "ran"], "--depth", depth)
        test.equal(f"status with depth {depth}", (ended.status, ended.stdout), (0, b"ran\n"))


def test_program_options_are_its_own(test):
    ended = test.allocaudit("run", "-o", test.path("a.db"), "/bin/echo", "-n", "--depth", "-o", "x")
    test.equal("stdout", (ended.status, ended.stdout), (0, b"--depth -o x"))


# ---- files -------------------------------------------------------------------------------------------


def test_default_file_and_its_older_one(test):
    for status in (1, 2, 3):
        ended = test.allocaudit("run", "--", "/bin/sh", "-c", f"exit {status}")
        test.equal("status", ended.status, status)
    test.equal("the new one", test.open(test.path("allocaudit.db")).run["exit_status"], 3)
    test.equal("the old one", test.open(test.path("allocaudit.db.old")).run["exit_status"], 2)
    test.equal("files", sorted(name for name in os.listdir(test.scratch)),
               ["allocaudit.db", "allocaudit.db.old"])


def test_file_that_is_no_recording_is_kept(test):
    for content in (b"my letters\n", b"SQLite format 3\0" + b"\0" * 4096, b""):
        path = test.write("precious", content)
        ended = test.record(["true"], out=path)
        if content:
            one_line(test, ended, 125, "precious")
        with open(path, "rb") as file:
            found = file.read()
        test.check(not content or found == content, "the file was changed")


def test_folder_as_output(test):
    one_line(test, test.record(["true"], out=test.scratch), 125, os.path.basename(test.scratch))


def test_output_that_cannot_be_written(test):
    one_line(test, test.record(["true"], out="/nowhere/out.db"), 125, "/nowhere/out.db",
             "no such file")
    one_line(test, test.record(["true"], out="/proc/out.db"), 125, "/proc/out.db")


def test_program_changes_its_folder(test):
    ended = test.allocaudit("run", "-o", "here.db", "--", "/bin/sh", "-c", "cd / && exec true")
    test.equal("status", ended.status, 0)
    test.sound(test.path("here.db"))


def test_nothing_else_is_left_behind(test):
    before = set(os.listdir("/dev/shm")), set(os.listdir("/tmp"))
    ended = test.record([test.program("hello")])
    test.equal("files beside the recording", sorted(
        name for name in os.listdir(test.scratch) if "recording" in name),
        [os.path.basename(ended.path)])
    left = {name for folder, old in zip(("/dev/shm", "/tmp"), before)
            for name in set(os.listdir(folder)) - old if name.startswith("allocaudit.")}
    ring = test.open(ended).run["ring_path"]
    test.check(ring is None or not os.path.exists(ring), f"{ring} was left behind")
    test.note(f"others at work: {sorted(left)}" if left else "")


# ---- bad recordings ----------------------------------------------------------------------------------


def test_bad_input_files(test):
    good = test.record([test.program("hello")]).path
    with open(good, "rb") as file:
        content = file.read()
    truncated = test.write("truncated.db", content[:len(content) // 2])
    version = bytearray(content)
    version[60:64] = (9999).to_bytes(4, "big")  # user_version
    other = test.write("other.db", bytes(version))
    text = test.write("text.db", "this is no database at all\n" * 100)
    foreign = test.path("foreign.db")
    subprocess.run([test.need("sqlite3"), foreign, "CREATE TABLE t (x)"], check=True)
    for path, word in ((truncated, "damaged|truncated|malformed|incomplete|short"),
                       (other, "version"), (text, "not a|no recording|not an"),
                       (foreign, "not a|no recording|not an"), ("/nowhere/x.db", "no such file"),
                       (test.scratch, "directory")):
        for command in ("report", "gate", "sql"):
            arguments = [command, path] + {"gate": ["--max-leaks", "0"],
                                           "sql": ["SELECT count(*) FROM allocation"]}.get(command, [])
            ended = test.allocaudit(*arguments)
            one_line(test, ended, 3, word)


# ---- the other commands, on a real recording ---------------------------------------------------------


def test_report_and_gate_and_sql(test):
    path = test.record([test.sample_app("leaky_server")]).path
    report = test.allocaudit("report", path)
    test.equal(f"report: {report}", (report.status, report.stderr, report.talk), (0, b"", ""))
    for word in (b"5100", b"session_open", b"leaky_server", b"200"):
        test.check(word in report.stdout.replace(b",", b"").replace(b" ", b"")
                   or word in report.stdout, f"{word} is not in the report")
    document = json.loads(test.allocaudit("report", path, "--format", "json").stdout)
    test.check("schema" in document, "the JSON report has no schema number")
    for limit, status in (("199", 1), ("200", 0), ("0", 1)):
        gate = test.allocaudit("gate", path, "--max-leaks", limit)
        test.equal(f"gate --max-leaks {limit}: {gate}", gate.status, status)
        test.check((b"PASS" if status == 0 else b"FAIL") in gate.stdout, f"no verdict: {gate}")
    sql = test.allocaudit("sql", path, "SELECT count(*) FROM allocation WHERE died_ns IS NULL")
    test.check(sql.status == 0 and b"200" in sql.stdout, f"{sql}")
