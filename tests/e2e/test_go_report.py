"""What report, recommend, trial, gate and others make of Go programs, and heap profiles of pprof."""

import gzip
import json
import os
import re

from go_programs import of_functions, program, recorded_profile, sample_app


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
    pooled = test.record([sample_app(test, "go_server"), "-requests", "48000", "-live", "16", "-pool"])
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
