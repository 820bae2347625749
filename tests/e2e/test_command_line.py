"""`allocaudit run` as a command: statuses, files, pipes, signals, terminals."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

from harness import Failure, Skip

SUMMARY_LINES = 3


def one_line(test, ended, status, *words):
    """Exactly one line of ours, nothing on stdout, this status, and these words in the line."""
    test.equal(f"status of {ended}", ended.status, status)
    test.equal("stdout", ended.stdout, b"")
    lines = ended.talk.splitlines()
    test.equal(f"lines on stderr: {ended}", (len(lines), ended.stderr), (1, b""))
    for word in words:
        test.check(re.search(word, lines[0], re.IGNORECASE), f"{word!r} is not in {lines[0]!r}")


# ---- statuses ----------------------------------------------------------------------------------


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


# ---- programs that cannot be recorded --------------------------------------------------------------


def test_static_program(test):
    one_line(test, test.record([test.program("static_program")]), 126, "static")


def test_program_of_another_word_size(test):
    try:
        program = test.program("start_32bit")
    except Failure as failure:
        raise Skip("the compiler makes no 32-bit programs") from failure
    one_line(test, test.record([program]), 126, "32-bit")


def test_setuid_program(test):
    if os.geteuid() != 0:
        raise Skip("needs root")
    path = test.path("setuid")
    with open("/usr/bin/id", "rb") as source:
        test.write("setuid", source.read())
    os.chown(path, 65534, 65534)
    os.chmod(path, stat.S_ISUID | 0o755)
    os.chmod(test.scratch, 0o755)
    one_line(test, test.record([path]), 126, "set-?user|setuid|set-?uid")


def test_child_that_is_static(test):
    """The shell is recorded, its static child is not, and the talk says so or stays silent: the
    child must run as ever."""
    program = test.program("static_program")
    recording = test.sound(test.same_as_native(["/bin/sh", "-c", f"{program}; echo $?"]))
    test.check(recording.run["allocation_count"] > 0, "the shell allocates")


# ---- the allocator beneath -------------------------------------------------------------------------


def test_allocator_beneath(test, name):
    """The program runs on it, and the recording says so."""
    ended = test.record([test.program("hello")], "--allocator", name)
    if "install the package" in ended.talk:
        raise Skip(f"{name} is not installed")
    test.equal(f"status of {ended}", ended.status, 3)
    process = test.sound(ended).process()
    library = "libc.so" if name == "glibc" else f"lib{name}"
    test.check(library in process["allocator"], f"the allocator is said to be {process['allocator']}")
    test.check(process["allocator_version"], "its version is not said")
    test.check(process["allocation_count"] >= 10, "hardly anything recorded")
    test.note(f"{process['allocator']} {process['allocator_version']}")


test_allocator_beneath.cases = [(name, [name]) for name in ("glibc", "jemalloc", "tcmalloc", "mimalloc")]


def test_allocator_by_path(test):
    path = test.program("bump_malloc")
    ended = test.record([test.program("hello")], "--allocator", os.path.relpath(path, test.scratch))
    test.equal("allocator", os.path.realpath(test.sound(ended).process()["allocator"]),
               os.path.realpath(path))


def test_allocator_that_cannot_be_had(test):
    """One line, the old recording stays where it is, and nothing is run."""
    out = test.record(["true"]).path
    for name, status, words in (("jemaloc", 2, "did you mean 'jemalloc'"),
                                ("pool:chunk_byte=1", 2, "did you mean 'chunk_bytes'"),
                                ("./none.so", 125, "none.so.*no such file"),
                                (test.program("hello"), 125, "hello.*no allocator")):
        ended = test.record(["/bin/echo", "ran"], "--allocator", name, out=out)
        test.equal(f"{name}: {ended}", (ended.status, ended.stdout), (status, b""))
        test.check(re.search(words, ended.talk, re.IGNORECASE), f"{words!r} is not in {ended.talk!r}")
        test.equal("lines", len(ended.talk.splitlines()), 1)
    test.check(os.path.exists(out) and not os.path.exists(out + ".old"), "the old recording was moved")


# ---- files -----------------------------------------------------------------------------------------


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


# ---- pipes and terminals -----------------------------------------------------------------------------


def test_stdin_reaches_the_program(test):
    text = os.urandom(300000)
    ended = test.record(["/bin/cat"], stdin=text)
    test.check(ended.stdout == text, "cat gave back something else")


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


class Terminal:
    """A program on a terminal of its own, as its session's leader."""

    def __init__(self, test, command):
        self.test = test
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x28\0\xc8\0\0\0\0\0")
        self.master = master
        self.output = b""

        def lead():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                      env=test.environment({"PS1": "", "TERM": "dumb"}),
                                      cwd=test.scratch, preexec_fn=lead)
        os.close(slave)

    def type(self, text):
        os.write(self.master, text)

    def expect(self, pattern, seconds=20):
        """Reads on until what was not yet matched matches; forgets up to there."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.output)
            if found:
                self.output = self.output[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise Failure(f"no {pattern!r} on the terminal: {self.output!r}")
            try:
                self.output += os.read(self.master, 65536)
            except OSError:
                raise Failure(f"the terminal ended: {self.output!r}") from None

    def close(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGHUP)
            self.child.kill()
        self.child.wait()
        os.close(self.master)


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


# ---- signals -----------------------------------------------------------------------------------------


def start_spin(test, out, *options):
    run = subprocess.Popen([test.shared.allocaudit, "run", "-o", out, *options, "--",
                            test.program("spin"), "30"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=test.environment(),
                           cwd=test.scratch)
    test.equal("first line", run.stdout.readline(), b"ready\n")
    return run


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


# ---- full disks ----------------------------------------------------------------------------------------


class SmallDisk:
    def __init__(self, test, size, name="disk"):
        if os.geteuid() != 0:
            raise Skip("needs root, to mount a small tmpfs")
        self.path = test.path(name)
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.path],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Skip("cannot mount a tmpfs here")

    def __enter__(self):
        return self.path

    def __exit__(self, *unused):
        subprocess.run(["umount", "-l", self.path], check=False)


def test_disk_that_is_full(test):
    with SmallDisk(test, "64k") as disk:
        with open(os.path.join(disk, "filler"), "wb") as file:
            try:
                for _ in range(64):
                    file.write(b"x" * 1024)
                    file.flush()
            except OSError:
                pass
        ended = test.record([test.program("hello")], out=os.path.join(disk, "out.db"))
        one_line(test, ended, 125, "no space")


def test_disk_that_fills_up(test):
    """The program is unharmed, one line says what happened, and what was written can be read."""
    with SmallDisk(test, "16m") as disk:
        out = os.path.join(disk, "out.db")
        program = [test.sample_app("leaky_server"), "--requests", "200000"]
        native = test.run(program)
        ended = test.record(program, out=out)
        test.equal("stdout", ended.stdout, native.stdout)
        test.equal("stderr", ended.stderr, native.stderr)
        test.check(re.search("no space|disk", ended.talk, re.IGNORECASE), f"no word of it: {ended}")
        test.equal("status", ended.status, 125)
        recording = test.open(ended)
        test.equal("run.state", recording.run["state"], "cut")
        test.equal("integrity_check", recording.value("PRAGMA integrity_check"), "ok")
        # The block whose row found no room was counted: one may be missing, no more.
        missing = recording.run["allocation_count"] - recording.value("SELECT count(*) FROM allocation")
        test.check(missing in (0, 1), f"{missing} rows are missing")
        report = test.allocaudit("report", out)
        test.check(report.status == 0 and b"leaky_server" in report.stdout, f"{report}")


# ---- bad recordings --------------------------------------------------------------------------------------


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


# ---- the other commands, on a real recording ---------------------------------------------------------------


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
