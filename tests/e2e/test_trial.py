"""`allocaudit trial`: differences that are there, differences that are not, and whatever goes wrong.

What a program costs is set by trial_work.c's environment. Verdicts on time are asked for only where the
difference is many times what a busy machine does.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from command_runs import one_line, wait_for
from harness import Skip
from terminal import Terminal

METRIC_KEYS = ("wall_ns", "cpu_ns", "peak_rss_bytes", "fault_count", "switch_count")
MIB = 1 << 20


def trial(test, *arguments, **options):
    return test.allocaudit("trial", *arguments, **options)


def measure(test, *arguments, status=0, **options):
    """The JSON document of a trial of trial_work, with its candidates by name."""
    ended = trial(test, "--format", "json", *arguments, "--", test.program("trial_work"), **options)
    test.equal(f"status of {ended}", ended.status, status)
    document = json.loads(ended.stdout)
    document["by_name"] = {row["candidate"]: row for row in document["candidates"]}
    document["talk"] = ended.talk
    return document


def installed(test, name):
    """The library of a known allocator; skips where it is not installed."""
    document = measure(test, "-a", f"glibc,{name},glibc@other", "-n", "1", "--warmup", "0")
    row = document["by_name"][name]
    if row["state"] == "not installed":
        raise Skip(f"{name} is not installed")
    return row["library"]


# ---- differences -----------------------------------------------------------------------------------------


def test_difference_by_setting(test):
    """A candidate that is given 48 MiB and 60 ms to do has more of all that they cost."""
    document = measure(test, "-a", "glibc,glibc@heavy", "-n", "6", "-e", "glibc@heavy:WORK_MIB=48",
                       "-e", "glibc@heavy:WORK_MS=60")
    heavy = document["by_name"]["glibc@heavy"]
    for name in ("cpu", "peak_rss", "fault"):
        test.equal(f"{name}_verdict", heavy[f"{name}_verdict"], "more")
    test.equal("verdict", heavy["verdict"], "worse")
    difference = heavy["peak_rss_difference_bytes"]
    test.check(47 * MIB < difference < 49 * MIB, f"48 MiB more are said to be {difference} bytes")
    test.check(heavy["cpu_difference_ns"] > 50e6, f"60 ms are said to be {heavy['cpu_difference_ns']} ns")
    test.check(heavy["wall_ns"] >= 60e6, "60 ms of work took less")
    test.equal("best", document["best"], dict.fromkeys(document["best"]))


def test_difference_by_library(test):
    """Preloading an allocator that frees nothing shows in memory and faults; a baseline may be any."""
    path = test.program("bump_malloc")
    document = measure(test, "-a", f"{path},glibc", "-n", "6", "-e", "WORK_CHURN=48")
    test.equal("baseline", document["trial"]["baseline"], path)
    glibc = document["by_name"]["glibc"]
    for name in ("peak_rss", "fault"):
        test.equal(f"{name}_verdict", glibc[f"{name}_verdict"], "less")
    difference = glibc["peak_rss_difference_bytes"]
    test.check(-50 * MIB < difference < -46 * MIB, f"48 MiB less are said to be {difference} bytes")
    test.equal("least memory", document["best"]["peak_rss_candidate"], "glibc")
    test.equal("line to paste", document["best"]["peak_rss_command"],
               f"WORK_CHURN=48 {test.program('trial_work')}")
    test.equal("library of the baseline", document["by_name"][path]["library"], path)


def test_no_difference_between_the_same(test):
    """Memory and faults of twins differ by less than counts; their times by less than 20 times."""
    document = measure(test, "-a", "glibc,glibc@twin", "-n", "6", "-e", "WORK_MIB=4")
    twin = document["by_name"]["glibc@twin"]
    for name in ("peak_rss", "fault"):
        test.equal(f"{name}_verdict", twin[f"{name}_verdict"], "no difference")
    document = measure(test, "-a", "glibc,glibc@twin", "-n", "6", "--threshold", "1000",
                       "-e", "WORK_MS=5")
    twin = document["by_name"]["glibc@twin"]
    test.equal("verdict with a high threshold", twin["verdict"], "no difference")
    test.equal("best", set(document["best"].values()), {None})


def test_allocators_by_name(test):
    """Each that is installed serves the program: its library is what the loader was given."""
    names = ["jemalloc", "tcmalloc", "mimalloc"]
    ended = trial(test, "-a", ",".join(["glibc", *names]), "-n", "1", "--warmup", "0", "--show-output",
                  "--", "/bin/sh", "-c", "grep -oE 'lib(je|tc|mi)malloc[^ ]*' /proc/self/maps | sort -u")
    test.equal(f"status of {ended}", ended.status, 0)
    shown = ended.stderr.decode()
    for name in names:
        if f"{name} is left out" not in ended.talk:
            test.check(f"lib{name}" in shown, f"{name} was not in memory: {ended}")
            test.note(name)


def test_our_policies(test):
    """They are candidates like any other, also with settings of their own; each serves the program."""
    tuned = "pool:chunk_bytes=4096,spare_chunks=0"
    names = ["glibc", "pool", tuned, "frame", "buddy", "slab"]
    ended = trial(test, "-a", ",".join(names), "-n", "2", "--warmup", "0", "-e", f"{tuned}:WORD=x",
                  "--format", "json", "--", test.program("policy_mix"), "20000")
    test.equal(f"status of {ended}", (ended.status, ended.talk), (0, ""))
    rows = {row["candidate"]: row for row in json.loads(ended.stdout)["candidates"]}
    test.equal("candidates", list(rows), names)
    test.equal("states", {row["state"] for row in rows.values()}, {"measured"})
    test.equal("policies", [row["policy"] for row in rows.values()], [None, *names[1:]])
    test.equal("libraries", {os.path.basename(rows[name]["library"]) for name in names[1:]},
               {"liballocaudit.so"})
    test.equal("settings", rows[tuned]["settings"], [{"setting": "WORD=x"}])
    faults = [row["fault_count"] for row in rows.values()]
    test.check(len(set(faults)) == len(faults), f"as if two were served by the same: {faults}")
    test.check(rows["frame"]["peak_rss_bytes"] > 1.5 * rows["glibc"]["peak_rss_bytes"],
               "frames use nothing again, yet took no more memory")


def test_line_to_paste_runs(test):
    library = installed(test, "jemalloc")
    empty = test.write("empty", "")
    ended = trial(test, "-a", "glibc@slow,jemalloc", "-n", "6", "-e", "glibc@slow:WORK_MS=40",
                  "-e", "WORK_WORD=a word", "--stdin", empty, "--", test.program("trial_work"))
    lines = [line.strip() for line in ended.stdout.decode().splitlines() if "LD_PRELOAD=" in line]
    test.equal(f"lines: {ended}", lines,
               [f"WORK_WORD='a word' LD_PRELOAD={library} {test.program('trial_work')} <{empty}"])
    pasted = test.run(["/bin/sh", "-c", lines[0]])
    test.equal("what it prints", (pasted.status, pasted.stdout), (0, b"a word\n"))


# ---- the document ----------------------------------------------------------------------------------------


def test_json_keys(test):
    document = measure(test, "-a", "glibc,glibc@b", "-n", "6", "--warmup", "0", "-e", "glibc@b:A=1")
    test.equal("top level", [key for key in document if key not in ("by_name", "talk")],
               ["schema", "command", "trial", "candidates", "runs", "best", "notes"])
    test.equal("rounds", (document["trial"]["round_count"], document["trial"]["warmup_round_count"]),
               (6, 0))
    test.equal("runs", [(row["round"], row["candidate"]) for row in document["runs"]],
               [(number, name) for number in range(1, 7) for name in ("glibc", "glibc@b")])
    row = document["by_name"]["glibc@b"]
    test.equal("settings", row["settings"], [{"setting": "A=1"}])
    for key in METRIC_KEYS:
        name, unit = re.fullmatch(r"(.*)_(ns|bytes|count)", key).groups()
        low, median, high = row[f"{key}_low"], row[key], row[f"{key}_high"]
        test.check(low <= median <= high, f"{key}: {low}, {median}, {high}")
        runs = sorted(run[key] if key in run else
                      sum(run[part] for part in run if part.endswith(
                          {"cpu": "m_ns", "fault": "_fault_count", "switch": "_switch_count"}[name])
                          or (name == "cpu" and part == "user_ns"))
                      for run in document["runs"] if run["candidate"] == "glibc@b")
        test.check(abs(median - (runs[2] + runs[3]) / 2) <= 0.5, f"{key}: {median} is no median of {runs}")
        for part in (f"{name}_difference_{unit}", f"{name}_difference_pct"):
            test.check({part, f"{part}_low", f"{part}_high"} <= set(row), f"no {part} and its bounds")
        test.check(f"{name}_verdict" in row, f"no {name}_verdict")
    test.check(row["wall_ns"] > 0 and row["peak_rss_bytes"] > 100000, "nothing was measured")


def test_tables_fit_80_columns(test):
    name = "glibc@a_label_that_is_longer_than_any_column"
    ended = trial(test, "-a", f"glibc,{name},glibc@c", "-n", "6", "-e", "glibc@c:WORK_MS=30",
                  "-e", "glibc@c:WORK_MIB=30", "--", test.program("trial_work"), "x" * 90,
                  env={"COLUMNS": "80"})
    lines = ended.stdout.decode().splitlines()
    test.equal(f"status of {ended}", ended.status, 0)
    for title in ("Trial", "Wall time", "CPU time", "Peak memory", "Page faults", "Context switches",
                  "Verdict", "Best"):
        test.check(any(line.startswith(title) for line in lines), f"no {title}: {ended}")
    for line in lines:
        test.check(len(line) <= 80 or line.startswith(("note:", "  " + test.shared.programs)),
                   f"{len(line)} columns: {line}")
    test.check(any(re.search(r"glibc@c .*% more", line) for line in lines), f"no difference: {ended}")


def test_too_few_rounds_are_called_so(test):
    document = measure(test, "-a", "glibc,glibc@b", "-n", "5", "-e", "glibc@b:WORK_MIB=48")
    row = document["by_name"]["glibc@b"]
    test.equal("verdicts", (row["verdict"], row["peak_rss_verdict"]), ("too few rounds",) * 2)
    test.equal("bounds", (row["peak_rss_bytes_low"], row["peak_rss_difference_bytes_high"]), (None, None))
    test.check("too few" in document["notes"][0], f"notes: {document['notes']}")
    ended = trial(test, "-a", "glibc,glibc@b", "-n", "1", "--", "true")
    test.check(b"too few rounds" in ended.stdout and b"1 round:" in ended.stdout, f"{ended}")


def test_output_is_hidden_or_shown(test):
    program = test.program("trial_work")
    ended = trial(test, "-a", "glibc", "-n", "2", "-e", "WORK_WORD=something", "--", program)
    test.check(b"something" not in ended.stdout.replace(b"WORK_WORD=something", b"")
               and not ended.stderr and not ended.talk, f"not hidden: {ended}")
    ended = trial(test, "-a", "glibc", "-n", "2", "-e", "WORK_WORD=something", "--show-output", "--",
                  program)
    test.equal("shown", ended.stderr, b"something\n" * 3)
    test.check("run 3 of 3: glibc" in ended.talk, f"{ended}")


def test_output_that_differs_is_named(test):
    document = measure(test, "-a", "glibc,glibc@b,glibc@c", "-n", "2", "-e", "WORK_WORD=one",
                       "-e", "glibc@b:WORK_WORD=two")
    test.equal("output", [row["output"] for row in document["candidates"]], ["same", "differs", "same"])
    notes = [note for note in document["notes"] if "stdout" in note]
    test.check(len(notes) == 1 and notes[0].startswith("glibc@b: "), f"notes: {notes}")


def test_stdin(test):
    path = test.write("input", "to be read\n")
    ended = trial(test, "-a", "glibc,glibc@b", "-n", "1", "--show-output", "--stdin", path, "--", "cat")
    test.equal("each run reads all of it", ended.stderr, b"to be read\n" * 4)
    ended = trial(test, "-a", "glibc", "-n", "1", "--show-output", "--", "cat", stdin=b"not this\n")
    test.equal("nothing without it", (ended.status, ended.stderr), (0, b""))
    one_line(test, trial(test, "--stdin", "/nowhere/input", "--", "cat"), 3, "/nowhere/input",
             "no such file")


# ---- what is left out ----------------------------------------------------------------------------------------


def test_candidate_that_crashes(test):
    path = test.program("bump_malloc")
    document = measure(test, "-a", f"glibc,{path},glibc@c", "-n", "2", "-e", "WORK_CRASH=bump_malloc")
    row = document["by_name"][path]
    test.equal("state", row["state"], "failed")
    for word in ("signal 11", "Segmentation fault", "about to crash"):
        test.check(word in row["reason"] and word in document["talk"], f"no {word!r}: {row['reason']}")
    test.equal("the other", document["by_name"]["glibc@c"]["state"], "measured")
    test.equal("figures", row.get("wall_ns"), None)
    ended = trial(test, "-a", f"glibc,{path},glibc@c", "-n", "1", "-e", "WORK_CRASH=bump_malloc", "--",
                  test.program("trial_work"))
    test.check(re.search(rb"Left out\n.*\n.*failed.*signal 11", ended.stdout), f"{ended}")


def test_candidate_with_another_status(test):
    document = measure(test, "-a", "glibc,glibc@b", "-n", "1", "-e", "glibc@b:WORK_STATUS=7")
    test.check("status 7" in document["by_name"]["glibc@b"]["reason"], f"{document['candidates']}")
    document = measure(test, "-a", "glibc,glibc@b", "-n", "1", "--status", "7", "-e", "WORK_STATUS=7")
    test.equal("all are fine", [row["state"] for row in document["candidates"]], ["measured"] * 2)


def test_candidate_that_hangs(test):
    begin = time.monotonic()
    document = measure(test, "-a", "glibc,glibc@b", "-n", "1", "--timeout", "2s",
                       "-e", "glibc@b:WORK_MS=100000")
    test.check("in time" in document["by_name"]["glibc@b"]["reason"], f"{document['candidates']}")
    test.check(time.monotonic() - begin < 60, "it was not killed")


def broken_library(test):
    """An allocator's library that the loader refuses: it needs another, which has gone."""
    gone, broken = test.path("libgone.so"), test.path("libbroken.so")
    source = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs",
                          "bump_malloc.c")
    compiler = os.environ.get("CC", "gcc").split()
    for command in ([*compiler, "-shared", "-o", gone, "-x", "c", "/dev/null"],
                    [*compiler, "-shared", "-fPIC", "-D_GNU_SOURCE", "-Wl,--no-as-needed", "-o", broken,
                     source, gone]):
        subprocess.run(command, check=True)
    os.unlink(gone)
    return broken


def test_library_that_cannot_be_loaded(test):
    broken = broken_library(test)
    document = measure(test, "-a", f"glibc,{broken},glibc@c", "-n", "1")
    row = document["by_name"][broken]
    test.equal("state", row["state"], "failed")
    test.check("libgone.so" in row["reason"], f"reason: {row['reason']}")


def test_library_that_goes_away(test):
    """The loader says so and goes on without it: that must not be taken for a run on it."""
    path = test.path("libgone.so")
    shutil.copy(test.program("bump_malloc"), path)
    ended = trial(test, "-a", f"glibc,{path},glibc@c", "-n", "1", "--", "/bin/sh", "-c", f"rm -f {path}")
    test.equal(f"status of {ended}", ended.status, 0)
    test.check(f"{path} is left out: the loader could not preload its library" in ended.talk, f"{ended}")


def without_library(test, library, command):
    """The command with nothing at the library's place, in a name space of its own."""
    if os.geteuid() != 0:
        raise Skip("needs root, to hide a library")
    unshare = test.need("unshare")
    hidden = ["/bin/sh", "-c", 'mount --bind /dev/null "$0" && exec "$@"', os.path.realpath(library)]
    ended = test.run([unshare, "-m", *hidden, *command])
    if b"mount:" in ended.stderr or b"unshare:" in ended.stderr:
        raise Skip("cannot hide a library here")
    return ended


def test_allocator_that_is_not_installed(test):
    library = installed(test, "mimalloc")
    command = [test.shared.allocaudit, "trial", "-n", "1", "--warmup", "0"]
    ended = without_library(test, library, [*command, "-a", "glibc,mimalloc,glibc@c", "--", "true"])
    test.equal(f"status of {ended}", ended.status, 0)
    test.equal("our line", ended.talk, "allocaudit: mimalloc is left out: cannot find libmimalloc.so.2: "
                                       "install the package libmimalloc2.0\n")
    test.check(re.search(rb"Left out\n.*\n.*mimalloc +not installed +.*libmimalloc2.0", ended.stdout),
               f"{ended}")
    ended = without_library(test, library, [*command, "-a", "glibc,mimalloc", "--", "true"])
    test.equal("with nobody left", (ended.status, ended.stdout), (3, b""))
    ended = without_library(test, library, [*command, "-a", "mimalloc,glibc", "--", "true"])
    test.equal("without the baseline", (ended.status, ended.stdout), (3, b""))
    test.check("baseline 'mimalloc' is not installed" in ended.talk, f"{ended}")


# ---- statuses ----------------------------------------------------------------------------------------------


def test_wrong_usage(test):
    for arguments, words in ((["--"], "no command"),
                             (["-a", "glibc,jemaloc", "--", "true"], "did you mean 'jemalloc'"),
                             (["-a", "glibc,", "--", "true"], "empty"),
                             (["-a", "glibc,glibc", "--", "true"], "listed twice"),
                             (["-a", "glibc,pool:chunk_byte=1", "--", "true"], "did you mean 'chunk_bytes'"),
                             (["-e", "NAME", "--", "true"], "'NAME' is no setting"),
                             (["-e", "ALLOCAUDIT_POLICY=x", "--", "true"], "list the policy"),
                             (["-e", "jemaloc:A=b", "--", "true"], "did you mean 'jemalloc'"),
                             (["-n", "0", "--", "true"], "rounds.*out of range"),
                             (["--timeout", "5", "--", "true"], "no unit"),
                             (["--alocators", "x", "--", "true"], "did you mean '--allocators'")):
        ended = trial(test, *arguments)
        test.equal(f"status of {arguments}: {ended}", (ended.status, ended.stdout), (2, b""))
        test.equal("stderr but for our line", ended.stderr, b"see 'allocaudit trial --help'\n")
        test.check(re.search(words, ended.talk), f"{words!r} is not in {ended.talk!r}")


def test_command_that_cannot_be_tried(test):
    one_line(test, trial(test, "--", "/nowhere/nothing"), 127, "/nowhere/nothing", "no such file")
    one_line(test, trial(test, "--", "no-such-command-anywhere"), 127, "not found")
    one_line(test, trial(test, "--", test.write("plain", "text\n")), 126, "plain", "permission")
    one_line(test, trial(test, "--", test.program("static_program")), 126, "static_program", "static")
    one_line(test, trial(test, "--", test.program("own_malloc")), 126, "own_malloc", "its own malloc")
    one_line(test, trial(test, "-a", "glibc,/no/such.so", "--", "true"), 3, "/no/such.so", "no such file")
    one_line(test, trial(test, "-a", "glibc,/proc/self/exe", "--", "true"), 3, "no allocator")


def test_baseline_that_fails(test):
    ended = trial(test, "-a", "glibc,glibc@b", "-n", "1", "--", "/bin/sh", "-c",
                  "echo no such thing >&2; exit 4")
    one_line(test, ended, 3, "under 'glibc'", "status 4", "no such thing")


def test_program_linked_with_an_allocator(test):
    library = installed(test, "jemalloc")
    program = test.program("trial_work", "-Wl,--no-as-needed", library)
    ended = trial(test, "-a", "glibc", "-n", "1", "--", program)
    test.equal(f"status of {ended}", ended.status, 0)
    test.check(re.search(rb"note: the program is linked with libjemalloc", ended.stdout), f"{ended}")


def test_preload_of_the_environment_is_named(test):
    path = test.program("bump_malloc")
    ended = trial(test, "-a", "glibc,glibc@b", "-n", "1", "--", "/bin/sh", "-c",
                  f"test $LD_PRELOAD = {path}", env={"LD_PRELOAD": path})
    test.equal(f"status of {ended}", ended.status, 0)
    test.check(b"LD_PRELOAD is set" in ended.stdout, f"{ended}")


# ---- interruption --------------------------------------------------------------------------------------------


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def interrupt(test, enough, *arguments):
    """Starts a trial, and interrupts it once its command has run so often. Gives (status, out, err)."""
    log = test.path("log")
    run = subprocess.Popen([test.shared.allocaudit, "trial", "-a", "glibc,glibc@b", "-n", "1000", "-e",
                            f"WORK_LOG={log}", *arguments, "--", test.program("trial_work")],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=test.environment(), cwd=test.scratch)
    try:
        wait_for(test, "the command runs", lambda: size_of(log) >= enough, seconds=60)
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    return run.returncode, output, errors


def test_interrupted_trial_tells_what_is_whole(test):
    status, output, errors = interrupt(test, 20, "--format", "json")
    test.equal(f"status, {errors}", (status, errors), (130, b""))
    document = json.loads(output)
    count = document["trial"]["round_count"]
    test.check(document["trial"]["is_interrupted"] and 8 <= count < 1000, f"{document['trial']}")
    test.equal("runs", len(document["runs"]), 2 * count)
    test.check("interrupted" in document["notes"][0] and str(count) in document["notes"][0],
               f"notes: {document['notes']}")


def test_interrupted_before_the_first_round(test):
    status, output, errors = interrupt(test, 1, "-e", "WORK_MS=100000")
    test.equal(f"status and stdout, {errors}", (status, output), (130, b""))
    test.check(b"before the first round" in errors, f"{errors}")
    alive = [entry for entry in filter(str.isdigit, os.listdir("/proc"))
             if os.path.exists(f"/proc/{entry}/exe") and is_ours(test, entry)]
    test.equal("processes left", alive, [])


def is_ours(test, pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"WORK_LOG={test.path('log')}".encode() in file.read()
    except OSError:
        return False


def test_control_c_on_a_terminal(test):
    """The command has no terminal, so ^C reaches the trial alone; progress was shown until then."""
    terminal = Terminal(test, [test.shared.allocaudit, "trial", "-a", "glibc", "-n", "1000", "--",
                               "sleep", "0.1"])
    try:
        terminal.expect(rb"trial: \d+ %")
        terminal.type(b"\x03")
        test.equal("status", terminal.child.wait(timeout=60), 130)
        terminal.expect(rb"interrupted")
    finally:
        terminal.close()
