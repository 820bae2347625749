"""Go programs: recognised, their stderr left alone, their collections and sites as they know them."""

import collections
import gzip
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness import PROGRAMS, ROOT, Failure, Skip

GCTRACE = re.compile(rb"gc \d+ @[\d.]+s \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock.* P( \(forced\))?\n")


def go_command():
    """Debian has one in its PATH, or several by version."""
    return shutil.which("go", path="/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin")


def build(test, source, *flags, variant=""):
    """Compiles a Go file unless that has been done; skips the test where there is no Go."""
    go = go_command()
    if go is None:
        raise Skip("go is not installed")
    name = os.path.splitext(os.path.basename(source))[0] + variant
    folder = os.path.join(test.shared.build, "e2e")
    target = os.path.join(folder, name)
    with test.shared._lock:
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
            os.makedirs(folder, exist_ok=True)
            done = subprocess.run(
                [go, "build", *flags, "-o", target, source], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                env={"PATH": os.environ["PATH"], "GO111MODULE": "off", "GOFLAGS": "",
                     "HOME": folder, "GOCACHE": os.path.join(test.shared.build, "go_cache"),
                     "CGO_ENABLED": "1"})
            if done.returncode != 0:
                raise Failure(f"go build {source}: {done.stdout.decode(errors='replace')}")
    return target


def program(test, name, *flags, variant=""):
    return build(test, os.path.join(PROGRAMS, name + ".go"), *flags, variant=variant)


def sample_app(test, name):
    return build(test, os.path.join(ROOT, "sample_apps", name, name + ".go"))


def runtime_of(recording):
    return recording.rows("SELECT * FROM go_runtime")[0]


def own_profile(stdout):
    """What go_sites prints: stack -> [allocations, bytes, in use]."""
    found = collections.defaultdict(lambda: [0, 0, 0])
    for line in stdout.decode().splitlines():
        if line.startswith("site "):
            words = line.split()
            for i in range(3):
                found[tuple(words[4:])][i] += int(words[1 + i])
    return found


def recorded_profile(recording):
    """The same of a recording. The runtime's own frames at the end of an allocation are not printed."""
    found = collections.defaultdict(lambda: [0, 0, 0])
    for site in recording.rows("SELECT * FROM site WHERE kind = 'go'"):
        frames = recording.rows("SELECT function, file, line FROM stack_frame WHERE stack_id = ?"
                                " ORDER BY position", site["stack_id"])
        stack = tuple(f"{frame['function']}|{frame['file']}|{frame['line']}" for frame in frames)
        found[stack][0] += site["allocation_count"]
        found[stack][1] += site["allocated_bytes"]
        found[stack][2] += site["leaked_count"]
    return found


def of_functions(profile, word):
    """The sums over the stacks that allocate in a function."""
    sums = [0, 0, 0]
    for stack, figures in profile.items():
        if stack[0].startswith(word + "|"):
            sums = [a + b for a, b in zip(sums, figures)]
    return sums


# ---- sites ---------------------------------------------------------------------------------------

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
    with open(program(test, "go_sites"), "rb") as file:
        image = file.read()
    version = re.search(rb"go1\.\d\d(?=[.\d]*)", image).group()
    path = test.path("go_sites_of_tomorrow")
    with open(path, "wb") as file:
        file.write(image.replace(version, b"go1.99"))
    os.chmod(path, 0o755)
    recorded = test.record([path])
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


def test_stderr_lines_of_tomorrow_pass_and_are_counted(test):
    command = program(test, "go_stderr")
    recorded = test.record([command, "tomorrow"], "-q")
    test.equal("status", recorded.status, 0)
    test.equal("stderr", recorded.stderr, b"gc 7 @0.250s 4%: 0.1 ms stopped, 27 MB\n" * 3)
    recording = test.open(recorded)
    test.equal("lines", runtime_of(recording)["unread_line_count"], 3)
    report = test.allocaudit("report", recorded.path, "gc")
    test.check(b"3 worded in a new way" in report.stdout, report.stdout.decode())


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


# ---- collections ---------------------------------------------------------------------------------

def test_stderr_passes_byte_by_byte(test):
    command = program(test, "go_stderr")
    native = test.run([command, "7"])
    recorded = test.record([command, "7"], "-q")
    test.equal("status", recorded.status, 7)
    if native.stderr != recorded.stderr:
        test.write("native.stderr", native.stderr)
        test.write("recorded.stderr", recorded.stderr)
        raise Failure(f"stderr differs: {test.path('native.stderr')}")
    recording = test.open(recorded)
    facts = runtime_of(recording)
    count = recording.value("SELECT count(*) FROM gc")
    test.check(int(recorded.stdout) - 1 <= count <= int(recorded.stdout),
               f"{count} collections of {int(recorded.stdout)}, of which its end may cut the last")
    test.equal("lost", facts["lost_line_count"], 0)
    test.equal("forced", recording.value("SELECT sum(is_forced) FROM gc"), count)
    test.note(f"{count} collections taken out of {len(native.stderr)} bytes")


def test_stderr_shows_collections_to_those_who_ask(test):
    command = program(test, "go_sites")
    recorded = test.record([command], env={"GODEBUG": "gctrace=1"})
    lines = len(GCTRACE.findall(recorded.stderr))
    test.equal("lines", lines, test.open(recorded).value("SELECT count(*) FROM gc"))
    test.check(lines >= 2, recorded.stderr)
    quiet = test.record([command], env={"GODEBUG": "gctrace=0,madvdontneed=1"})
    test.equal("lines", quiet.stderr, b"")
    test.check(test.open(quiet).value("SELECT count(*) FROM gc") >= 2, "no collections")


def test_memory_given_back_is_told(test):
    """Three times 64 MiB; the background may be quicker than debug.FreeOSMemory itself."""
    command = program(test, "go_gives_back")
    recorded = test.record([command], "-q")
    test.equal("stderr", recorded.stderr, b"")
    recording = test.open(recorded)
    forced = recording.rows("SELECT * FROM scavenge WHERE is_forced ORDER BY at_ns")
    test.equal("calls", len(forced), 3)
    mib = 1 << 20
    for row in forced:
        test.check(row["returned_bytes"] >= 60 * mib, row)
    released = recording.value("SELECT sum(released_bytes + ifnull(eager_bytes, 0)) FROM scavenge")
    test.check(190 * mib <= released <= 200 * mib, released)
    test.check(recording.value("SELECT count(*) FROM scavenge WHERE NOT is_forced") >= 3,
               "nothing is told of the background")
    shown = json.loads(test.allocaudit("report", "--format", "json", "-i", recorded.path,
                                       "gc").stdout)["gc_scavenges"]
    test.equal("calls shown", shown["forced_count"], 3)
    test.equal("all bytes shown", shown["released_bytes"], released)
    test.equal("bytes shown", shown["forced_bytes"], sum(row["released_bytes"] for row in forced))
    test.equal("at the end", shown["returned_bytes"], recording.value(
        "SELECT returned_bytes FROM scavenge ORDER BY at_ns DESC, rowid DESC LIMIT 1"))


def test_memory_given_back_is_shown_to_those_who_ask(test):
    command = program(test, "go_gives_back")
    recorded = test.record([command], "-q", env={"GODEBUG": "scavtrace=1"})
    lines = recorded.stderr.splitlines()
    test.check(all(line.startswith(b"scav ") for line in lines), recorded.stderr)
    test.equal("lines", len(lines), test.open(recorded).value("SELECT count(*) FROM scavenge"))
    test.equal("forced", sum(b"(forced)" in line for line in lines), 3)


def test_stderr_that_is_a_terminal_stays_one(test):
    command = program(test, "go_stderr")
    path = test.path("terminal.db")
    master, slave = pty.openpty()
    child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", path, command, "calm"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                             env=test.environment())
    os.close(slave)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    child.communicate(timeout=60)
    os.close(master)
    test.equal("status", child.returncode, 0)
    lines = b"".join(b"line %d\r\n" % i for i in range(50))
    test.equal("stderr", text, b"is a device: true\r\n" + lines)
    count = test.open(path).value("SELECT count(*) FROM gc")
    test.check(count in (49, 50), f"{count} collections of 50, of which its end may cut the last")


def test_stderr_of_children_is_not_mixed_in(test):
    recorded = test.record([program(test, "go_stderr"), "child", "9"], "-q")
    test.equal("status", recorded.status, 0)
    test.equal("stderr", recorded.stderr, b"")
    recording = test.open(recorded)
    facts = runtime_of(recording)
    test.equal("collections", recording.value("SELECT max(cycle) FROM gc"),
               recording.value("SELECT count(*) FROM gc"))
    test.check(facts["foreign_line_count"] >= 8, facts)


def test_program_survives_the_death_of_the_recorder(test):
    """Its stderr, too: what relays it is a process of its own."""
    path = test.path("killed.db")
    out = open(test.path("out"), "wb")
    err = open(test.path("err"), "wb")
    child = subprocess.Popen([test.shared.allocaudit, "run", "-o", path,
                              sample_app(test, "go_server"), "-requests", "4000", "-live", "16"],
                             stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                             env=test.environment())
    time.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 60
    text = b""
    while b"go_server: done" not in text and time.monotonic() < deadline:
        time.sleep(0.1)
        with open(test.path("err"), "rb") as file:
            text = file.read()
    out.close()
    err.close()
    test.check(b"go_server: done" in text, f"the program did not come to its end: {text!r}")
    with open(test.path("out"), "rb") as file:
        test.check(b"sent_bytes" in file.read(), "no output")


def go_and_kill(test, command, needed):
    """Kills the recorder once the profile was read and `needed` collections have been told of; the
    path of the recording, and the gctrace lines seen before the kill and after it."""
    path = test.path("killed.db")
    with open(test.path("out"), "wb") as out, open(test.path("err"), "wb") as err:
        child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", path, "--", *command],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 env=dict(test.environment(), GODEBUG="gctrace=1"),
                                 start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        began = time.monotonic()
        lines = []
        while time.monotonic() < deadline and (len(lines) < needed or
                                               time.monotonic() < began + 1.5):
            time.sleep(0.05)
            lines = file_lines(test.path("err"))
        time.sleep(0.1)  # the recorder looks every few milliseconds
        test.check(child.poll() is None, "the program has ended too early")
        child.send_signal(signal.SIGKILL)
        child.wait()
        return path, lines, file_lines(test.path("err"))
    finally:
        os.killpg(child.pid, signal.SIGKILL)


def file_lines(path):
    with open(path, "rb") as file:
        return [match.group() for match in GCTRACE.finditer(file.read())]


def check_collections(test, recording, before, after):
    """Every one whose line came before the kill, as the line says, and none that never was."""
    found = recording.rows("SELECT cycle, heap_start_bytes, heap_end_bytes, heap_live_bytes,"
                           " is_forced FROM gc ORDER BY cycle")
    test.check(len(before) <= len(found) <= len(after),
               f"{len(found)} collections of {len(before)} to {len(after)}")
    for row, line in zip(found, after):
        number, start, end, live = re.match(rb"gc (\d+) .*, (\d+)->(\d+)->(\d+) MB,", line).groups()
        test.equal(line, list(row.values()), [int(number), int(start) << 20, int(end) << 20,
                                              int(live) << 20, int(b"(forced)" in line)])


def test_recover_gives_what_was_read_before_the_kill(test):
    path, before, after = go_and_kill(
        test, [sample_app(test, "go_server"), "-requests", "10000000", "-live", "16"], 20)
    ended = test.allocaudit("recover", path)
    test.equal("status", ended.status, 0)
    test.check("readings of its memory profile were kept" in str(ended), ended)
    recording = test.open(path)
    test.equal("state", recording.run["state"], "cut")
    check_collections(test, recording, before, after)
    facts = runtime_of(recording)
    test.equal("version", facts["go_version"][:3], "go1")
    test.equal("source", facts["site_source"], "reading")
    test.check(facts["profile_reading_count"] >= 2, facts)
    sums = "SELECT sum(allocation_count), sum(allocated_bytes), sum(leaked_bytes) FROM "
    test.equal("sites and process", recording.rows(sums + "site"), recording.rows(sums + "process"))
    bytes_of = recording.value(
        "SELECT sum(allocated_bytes) FROM site JOIN stack_frame USING (stack_id)"
        " WHERE position = 0 AND function = 'main.freshBuffer'")
    test.check(bytes_of > 0.8 * recording.run["allocated_bytes"] > 0, bytes_of)
    shown = test.allocaudit("report", "-i", path)
    test.check("its profile could not be read as it ended (its recorder was killed)" in
               " ".join(str(shown).split()), shown)
    test.equal("again", test.allocaudit("recover", path).status, 0)


def test_recover_keeps_sites_of_go_and_of_c_apart(test):
    """Stacks of both come in turn while it runs: none may get the name of another."""
    path, before, after = go_and_kill(test, [program(test, "go_turns")], 3)
    test.equal("status", test.allocaudit("recover", path).status, 0)
    recording = test.open(path)
    check_collections(test, recording, before, after)
    sites = recording.rows(
        "SELECT DISTINCT kind, function FROM site JOIN stack_frame USING (stack_id)"
        " WHERE position = 0 AND allocated_bytes > 0")
    for site in sites:
        if site["kind"] == "go":
            test.check(not site["function"].startswith("take_"), site)
        else:
            test.check(not site["function"].startswith("main."), site)
    names = {site["function"] for site in sites}
    test.check({"take_red", "take_blue", "main.makeRed", "main.makeBlue"} <= names, names)


# ---- the report ----------------------------------------------------------------------------------

def test_report_tells_what_collecting_costs(test):
    recorded = test.record([sample_app(test, "go_server"), "-requests", "8000", "-live", "8"])
    ended = test.allocaudit("report", recorded.path, "gc", "gc-advice", "--limit", "512MiB",
                            "--format", "json")
    test.equal("status", ended.status, 0)
    report = json.loads(ended.stdout)
    recording = test.open(recorded)
    test.equal("collections", report["gc"]["cycle_count"],
               recording.value("SELECT count(*) FROM gc"))
    stops = sorted(value for row in recording.rows("SELECT sweep_stop_ns AS a, mark_stop_ns AS b FROM gc")
                   for value in row.values())
    test.equal("longest stop", report["gc"]["stop_max_ns"], stops[-1])
    test.equal("median stop", report["gc"]["stop_p50_ns"], stops[(len(stops) + 1) // 2 - 1])
    test.equal("CPU time", report["gc"]["gc_cpu_ns"], recording.value(
        "SELECT sum(sweep_stop_cpu_ns + assist_cpu_ns + background_cpu_ns + mark_stop_cpu_ns) FROM gc"))
    grid = {row["setting"]: row for row in report["gc_grid"]}
    settings = ["GOGC=25", "GOGC=50", "GOGC=100", "GOGC=200", "GOGC=400", "GOGC=800"]
    for less, more in zip(settings, settings[1:]):
        test.check(grid[less]["gc_cpu_ns"] > grid[more]["gc_cpu_ns"], f"CPU: {less} against {more}")
    for less, more in (("GOGC=25", "GOGC=100"), ("GOGC=50", "GOGC=200")):
        test.check(grid[less]["heap_bytes"] < grid[more]["heap_bytes"], f"heap: {less} against {more}")
    test.check("GOGC=off GOMEMLIMIT=460MiB" in grid, list(grid))
    pools = report["pool_candidates"]
    test.check(pools and pools[0]["function"] == "main.freshBuffer", pools)


def test_recommend_gives_the_lines_for_a_goal_and_a_container(test):
    """The same as the section gc-advice; a container takes 90 % of it, less memory a lower GOGC."""
    recorded = test.record([sample_app(test, "go_server"), "-requests", "8000", "-live", "16"])
    ended = test.allocaudit("recommend", recorded.path, "--limit", "1GiB", "--format", "json")
    test.equal("status", ended.status, 0)
    advice = json.loads(ended.stdout)
    test.check(re.fullmatch(r"GOGC=\S+ GOMEMLIMIT=92[01]MiB", advice["gc_advice"]["set"]), advice["gc_advice"])
    section = test.allocaudit("report", recorded.path, "gc-advice", "--limit", "1GiB", "--format", "json")
    for key in ("gc_advice", "gc_grid", "pool_candidates"):
        test.equal(key, advice[key], json.loads(section.stdout)[key])
    chosen = advice["gc_advice"]
    test.check(chosen["memory_bytes"] <= 921 << 20 and chosen["cpu_margin_pct"] > 0, chosen)
    text = test.allocaudit("recommend", recorded.path, "--limit", "1GiB").stdout.decode()
    test.check("Because " in text and "trial -e GOGC=100," in text and "±" in text, text)
    pooled = test.record([sample_app(test, "go_server"), "-requests", "24000", "-live", "16", "-pool"])
    ended = test.allocaudit("recommend", pooled.path, "--goal", "memory", "--format", "json")
    less = json.loads(ended.stdout)["gc_advice"]
    test.check(less["set"] is not None and int(less["set"].split("=")[1]) < 100, less)


def test_recommend_of_a_go_program_refuses_what_is_for_others(test):
    recorded = test.record([program(test, "go_sites")])
    for option in (["--emit-plan", test.path("x")], ["--confirm", "--", "true"]):
        refused = test.allocaudit("recommend", "-i", recorded.path, *option)
        test.equal("status", refused.status, 2)
        test.check("Go program" in refused.talk, refused.talk)
    refused = test.allocaudit("tune", recorded.path)
    test.equal("status of tune", refused.status, 2)
    other = test.record([test.program("hello")])
    refused = test.allocaudit("recommend", other.path, "--limit", "1GiB")
    test.equal("status", refused.status, 2)


def test_report_predicts_the_setting_that_is_asked_for(test):
    recorded = test.record([sample_app(test, "go_server"), "-requests", "8000", "-live", "8"])
    ended = test.allocaudit("report", recorded.path, "gc-advice", "--setting",
                            "GOMEMLIMIT=64MiB GOGC=off", "--format", "json")
    test.equal("status", ended.status, 0)
    rows = json.loads(ended.stdout)["gc_grid"]
    test.check(any(row["setting"] == "GOGC=off GOMEMLIMIT=64MiB" for row in rows), rows)
    for wrong in ("GOGC=x", "GOGC=50,100", "GOMAXPROCS=2"):
        refused = test.allocaudit("report", recorded.path, "gc-advice", "--setting", wrong)
        test.equal(f"status of {wrong}", refused.status, 2)
    refused = test.allocaudit("report", recorded.path, "--setting", "GOGC=50")
    test.equal("status without the section", refused.status, 2)


def test_report_finds_ballast_forced_collections_and_pools(test):
    """Each habit of the server's, and that it is not found where it is not."""
    plain = ["-requests", "8000", "-live", "16"]
    texts = {}
    for name, arguments in (("plain", []), ("ballast", ["-ballast", "200"]), ("free", ["-free", "20"]),
                            ("pool", ["-pool"])):
        recorded = test.record([sample_app(test, "go_server"), *plain, *arguments])
        texts[name] = test.allocaudit("report", recorded.path, "gc", "gc-advice").stdout.decode()
    for name, words in (("ballast", "a ballast: since Go 1.19"), ("free", "were forced"),
                        ("free", "gives memory back by itself"), ("plain", "main.freshBuffer")):
        test.check(words in texts[name], f"{name} without '{words}':\n{texts[name]}")
    for name, words in (("plain", "a ballast"), ("plain", "were forced by"), ("pool", "main.freshBuffer")):
        test.check(words not in texts[name], f"{name} with '{words}':\n{texts[name]}")


def test_trial_tries_every_combination(test):
    ended = test.allocaudit("trial", "-n", "1", "--warmup", "0", "-e", "GOGC=20,off", "-e",
                            "GOMEMLIMIT=off,1GiB", "--format", "json", "--",
                            sample_app(test, "go_server"), "-requests", "500", "-live", "8")
    test.equal("status", ended.status, 0)
    names = [row["candidate"] for row in json.loads(ended.stdout)["candidates"]]
    test.equal("candidates", names, ["GOGC=20 GOMEMLIMIT=off", "GOGC=20 GOMEMLIMIT=1GiB",
                                     "GOGC=off GOMEMLIMIT=off", "GOGC=off GOMEMLIMIT=1GiB"])
    peaks = {row["candidate"]: row["peak_rss_bytes"] for row in json.loads(ended.stdout)["runs"]}
    test.check(peaks[names[0]] < peaks[names[2]], f"settings did not reach the program: {peaks}")


def test_report_of_a_program_without_garbage_collector_says_so(test):
    recorded = test.record([test.program("hello")])
    ended = test.allocaudit("report", recorded.path, "gc", "gc-advice")
    test.equal("status", ended.status, 0)
    test.check(b"only of a Go program" in ended.stdout, ended.stdout)


def test_report_speaks_of_live_objects_not_of_leaks(test):
    recorded = test.record([program(test, "go_sites")])
    text = test.allocaudit("report", recorded.path).stdout.decode()
    for words in ("Live at the end, by bytes", "live at the end", "allocaudit recommend"):
        test.check(words in text, f"no '{words}' in\n{text}")
    for words in ("Leaks:", "leaked blocks  ", "in the allocator"):
        test.check(words not in text.split("Requested sizes")[0].replace("leaked blocks  allocations", ""),
                   f"'{words}' in\n{text}")


def test_recordings_of_go_are_compared_exported_and_shown_as_others_are(test):
    """diff, export and the page: the sites that the program knows, by their names."""
    command = program(test, "go_sites")
    first = test.record([command], "--sample", "1")
    second = test.record([command], "--sample", "1")
    diff = test.allocaudit("diff", first.path, second.path, "--format", "json")
    test.equal("status of diff", diff.status, 0)
    for kind in ("pprof", "folded", "speedscope", "csv"):
        out = test.path(f"out.{kind}")
        ended = test.allocaudit("export", first.path, "--to", kind, "-o", out)
        test.equal(f"status of export to {kind}", ended.status, 0)
        with open(out, "rb") as file:
            content = file.read()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        test.check(b"main.keepNodes" in content, f"{kind} does not name it")
    page = test.path("page.html")
    ended = test.allocaudit("report", first.path, "--html", page)
    test.equal("status of the page", ended.status, 0)
    with open(page, "rb") as file:
        content = file.read()
    test.check(b"main.keepNodes" in content and b"gc_cycles" in content, "the page lacks something")


def test_gate_works_on_every_object(test):
    recorded = test.record([program(test, "go_sites")], "--sample", "1")
    passed = test.allocaudit("gate", recorded.path, "--max-allocs", "100000")
    failed = test.allocaudit("gate", recorded.path, "--max-allocs", "20000")
    test.equal("status", (passed.status, failed.status), (0, 1))


# ---- import --------------------------------------------------------------------------------------

def test_import_of_a_heap_profile_is_what_the_program_wrote(test):
    profile = test.path("heap.pb.gz")
    ended = test.run([program(test, "go_pprof"), profile])
    test.equal("status", ended.status, 0)
    path = test.path("imported.db")
    imported = test.allocaudit("import", profile, "-o", path)
    test.equal("status", imported.status, 0)
    found = recorded_profile(test.open(path))
    test.equal("kept", of_functions(found, "main.keep"), [1000, 1000 * 1024, 1000])
    dropped = of_functions(found, "main.drop")  # and what the runtime makes for itself meanwhile
    test.check(3000 <= dropped[0] <= 3005 and dropped[2] <= 5, f"dropped: {dropped}")
    test.check(any(frame.endswith("go_pprof.go|16") for stack in found for frame in stack),
               "no lines")
    report = test.allocaudit("report", path, "sites", "--format", "json")
    test.equal("status of report", report.status, 0)
    test.equal("hottest", json.loads(report.stdout)["sites"][0]["function"], "main.drop")
    gate = test.allocaudit("gate", path, "--max-allocs", "10")
    test.equal("status of gate", gate.status, 1)
    again = test.allocaudit("import", profile, "-o", path)
    test.equal("status where there is a file", again.status, 3)


def test_import_of_other_files_is_refused(test):
    for name, content in (("empty", b""), ("text", b"hello\n"), ("cut.gz", b"\x1f\x8b\x08\0\0\0")):
        refused = test.allocaudit("import", test.write(name, content), "-o", test.path("no.db"))
        test.equal(f"status of {name}", refused.status, 3)
        test.check("allocaudit: cannot read" in refused.talk, refused.talk)
        test.check(not os.path.exists(test.path("no.db")), "something was written")
    test.equal("status without a profile", test.allocaudit("import").status, 2)
