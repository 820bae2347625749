"""Go programs are recognised, and their sites are as they know them."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from command_runs import find_child
from go_programs import of_functions, own_profile, program, program_of_version, recorded_profile, runtime_of
from harness import Skip
from test_recover import is_open_in


def test_sites_every_object_is_as_the_program_knows_it(test):
    """--sample 1: counts, bytes, what is live, and whole stacks with files, lines and inlining."""
    command = program(test, "go_sites")
    recorded = test.record([command], "--sample", "1")
    test.equal("status", recorded.status, 0)
    recording = test.open(recorded)
    own, ours = own_profile(recorded.stdout), recorded_profile(recording)
    for name, count, size, kept in (("main.keepNodes", 20000, 112, 20000),
                                    ("main.inlinedBuffer", 5000, 4096, 0)):
        test.equal(name, of_functions(ours, name), [count, count * size, kept])
        test.equal(f"{name} as the program knows it", of_functions(own, name),
                   of_functions(ours, name))
    stacks = [stack for stack in own if any("main." in frame for frame in stack)
              and not any("printProfile" in frame for frame in stack)]
    test.check(len(stacks) >= 2, f"too few stacks: {own}")
    for stack in stacks:
        test.check(stack in ours, f"no such stack: {stack}\namong {list(ours)[:20]}")
        test.equal(f"at {stack[0]}", ours[stack], own[stack])
    test.check(any(stack[0].startswith("main.inlinedBuffer|") for stack in stacks), stacks)
    facts = runtime_of(recording)
    test.equal("source", facts["site_source"], "exit")
    test.equal("rate", facts["profile_rate_bytes"], 1)
    test.equal("sample", recording.run["sample_bytes"], None)


def test_sites_of_a_program_that_is_built_anew(test):
    """Another program has its file's name by the end: the names and lines are those of the one that ran."""
    own = shutil.copy(program(test, "go_sites"), test.path("own"))
    other = shutil.copy(program(test, "go_objects"), test.path("other"))
    path = test.path("anew.db")
    with open(test.path("out"), "wb") as out:
        child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "--sample", "1", "-o", path, "--", own, "hang"],
                                 stdin=subprocess.DEVNULL, stdout=out, env=test.environment(), cwd=test.scratch)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (not is_open_in(own, child.pid) or os.path.getsize(test.path("out")) == 0):
        time.sleep(0.005)
    os.rename(other, own)
    os.kill(find_child(child.pid, "own"), signal.SIGKILL)
    test.equal("status", child.wait(60), 128 + signal.SIGKILL)
    found = test.open(path).rows("SELECT DISTINCT file FROM frame WHERE function = 'main.keepNodes'")
    test.equal("files of main.keepNodes", [os.path.basename(row["file"]) for row in found], ["go_sites.go"])


def test_sites_figures_agree_over_all_tables(test):
    recording = test.open(test.record([program(test, "go_sites")], "--sample", "1"))
    run = recording.run
    for table in ("process", "site", "size_class"):
        sums = recording.rows(f"SELECT sum(allocation_count) AS a, sum(allocated_bytes) AS b FROM {table}")
        test.equal(table, sums[0], {"a": run["allocation_count"], "b": run["allocated_bytes"]})
    test.equal("leaked", recording.value("SELECT sum(leaked_bytes) FROM site"), run["leaked_bytes"])
    test.equal("peak", recording.value("SELECT sum(peak_bytes) FROM site"),
               recording.value("SELECT peak_bytes FROM process"))
    test.equal("freed", recording.value("SELECT sum(free_count + leaked_count) FROM site"),
               run["allocation_count"])


def test_sites_sample_is_within_3_percent_of_the_program_s_own(test):
    """The default: Go's own rate; the program's profile is that of the same samples."""
    recorded = test.record([program(test, "go_sites")])
    recording = test.open(recorded)
    own, ours = own_profile(recorded.stdout), recorded_profile(recording)
    raw = of_functions(own, "main.inlinedBuffer")
    rate = 524288
    scale = 1 / (1 - 2.718281828459045 ** (-4096 / rate))
    found = of_functions(ours, "main.inlinedBuffer")
    test.check(raw[0] > 10, f"hardly anything was sampled: {raw}")
    test.check(abs(found[0] - raw[0] * scale) <= 0.03 * raw[0] * scale,
               f"{found[0]} allocations, of the program's own {raw[0]} samples {raw[0] * scale:.0f}")
    truth = 5000
    error = recording.value("SELECT max(allocation_count_stderr) FROM site WHERE size_max_bytes = 4096")
    test.check(abs(found[0] - truth) < 5 * error, f"{found[0]} ± {error}, the truth is {truth}")
    test.equal("sample", recording.run["sample_bytes"], rate)


def test_sites_are_read_however_the_program_ends(test):
    command = program(test, "go_sites")
    for way, status in (("panic", 2), ("kill", 137)):
        recorded = test.record([command, way], "--sample", "1")
        test.equal(f"status after {way}", recorded.status, status)
        recording = test.open(recorded)
        test.equal(f"after {way}", of_functions(recorded_profile(recording), "main.keepNodes"),
                   [20000, 20000 * 112, 20000])
        test.equal("source", runtime_of(recording)["site_source"], "exit")


def test_sites_of_other_builds(test):
    """Position independent; without DWARF; without symbols, where only collections are left."""
    for flags, variant in ((["-buildmode=pie"], "_pie"), (["-ldflags=-w"], "_w")):
        recorded = test.record([program(test, "go_sites", *flags, variant=variant)], "--sample", "1")
        found = recorded_profile(test.open(recorded))
        test.equal(variant, of_functions(found, "main.keepNodes"), [20000, 20000 * 112, 20000])
        test.check(any("go_sites.go|" in frame for stack in found for frame in stack),
                   f"{variant}: no files")
    recorded = test.record([program(test, "go_sites", "-ldflags=-s -w", variant="_s")])
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.equal("source", facts["site_source"], "none")
    test.check("stripped" in facts["site_reason"] and "stripped" in recorded.talk,
               f"{facts} {recorded.talk}")
    test.check(recording.value("SELECT count(*) FROM gc") >= 2, "no collections")
    report = test.allocaudit("report", recorded.path)
    test.equal("status of report", report.status, 0)
    test.check(b"stripped" in report.stdout, report.stdout.decode())


def test_program_where_ptrace_is_forbidden(test):
    """No sites, which is said; collections as ever; the program runs as ever."""
    recorded = test.record([program(test, "go_sites")],
                           env={"LD_PRELOAD": test.program("no_ptrace")})
    test.equal("status", recorded.status, 0)
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.equal("source", facts["site_source"], "none")
    test.check("traced" in facts["site_reason"], facts)
    test.check(recording.value("SELECT count(*) FROM gc") >= 2, "no collections")


def test_program_of_an_unknown_version(test):
    """No sites, which is said; collections as ever."""
    recorded = test.record([program_of_version(test, "go_sites", b"go1.99")])
    test.equal("status", recorded.status, 0)
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.check(facts["go_version"].startswith("go1.99"), facts)
    test.equal("source", facts["site_source"], "none")
    test.check("this version of Go" in facts["site_reason"] and "this version of Go" in recorded.talk,
               f"{facts} {recorded.talk}")
    test.check(recording.value("SELECT count(*) FROM gc") >= 2, "no collections")


def test_program_that_another_user_may_only_execute(test):
    """What it is cannot be known, which is said before it runs; it runs as ever."""
    if os.geteuid() != 0:
        raise Skip("not root")
    source = program(test, "go_sites")
    folder = tempfile.mkdtemp(prefix="allocaudit-go-")
    try:
        os.chmod(folder, 0o777)
        path = os.path.join(folder, "go_sites")
        shutil.copy(source, path)
        os.chmod(path, 0o711)
        done = subprocess.run([test.shared.allocaudit, "run", "-o", os.path.join(folder, "a.db"), path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=folder, user=65534, group=65534, extra_groups=[], check=False)
        talk = done.stderr.decode()
        test.equal("status", done.returncode, 0)
        test.check(b"site " in done.stdout, "the program did not run")
        test.check("may not be read" in talk and "a Go program" in talk, talk)
    finally:
        shutil.rmtree(folder)


def test_program_with_c_is_recorded_on_one_timeline(test):
    command = program(test, "go_calling_c")
    recorded = test.record([command], "--sample", "1")
    test.equal("status", recorded.status, 0)
    recording = test.open(recorded)
    test.equal("processes", len(recording.processes), 1)
    kinds = {row["kind"]: row for row in recording.rows(
        "SELECT kind, sum(allocation_count) AS n, sum(leaked_count) AS kept FROM site"
        " WHERE size_max_bytes = 1234 OR kind = 'go' GROUP BY kind")}
    test.equal("blocks of C", (kinds["malloc"]["n"], kinds["malloc"]["kept"]), (700, 100))
    buffers = of_functions(recorded_profile(recording), "main.main")
    test.check(buffers[0] >= 2000, f"slices of Go: {buffers}")
    test.equal("rows of C", recording.value(
        "SELECT count(*) FROM allocation WHERE size_bytes = 1234"), 100)
    test.check(recording.value("SELECT count(*) FROM gc") >= 1, "no collections")
