"""Baselines: what is written, what is held against them, and what is refused."""

import re

from gates import baseline_of, changed, judge, record, refused, run_test


def test_baseline_holds_what_repeats(test):
    baseline = baseline_of(test, record(test, 1000, 5, 2))
    document = judge(test, record(test, 1000, 5, 2), "--baseline", baseline, status=0)
    test.equal("verdicts", {line["verdict"] for line in document["baseline"]}, {"same"})


def test_baseline_is_the_same_text_each_time(test):
    texts = set()
    for _ in range(3):
        path = record(test, 1000, 5, 2)
        ended = test.allocaudit("baseline", path)
        texts.add(ended.stdout)
    test.equal("different texts", len(texts), 1)


def test_baseline_names_what_moved_most(test):
    """One malloc more on each of seven turns: the gate fails and says where."""
    program = test.program("gate_work")
    baseline = test.path("old.db")
    test.record([program, "1000", "0", "2"], out=baseline)
    path = test.path("new.db")
    test.record([program, "1000", "7", "2"], out=path)
    document = judge(test, path, "--baseline", baseline, status=1)
    change = changed(document, "allocation_count")
    test.equal("verdict", change["verdict"], "MORE")
    test.equal("change", change["change"], 7)
    site = change["largest_sites"][0]
    test.equal("site", (site["path"], site["old"], site["now"]), ("extra < main", 0, 7))
    test.equal("leaks", changed(document, "leaked_count")["verdict"], "same")
    summary = test.path("summary.md")
    ended = test.allocaudit("gate", path, "--baseline", baseline, "--markdown", summary)
    test.check("More: allocaudit report sites --sort count -i " in ended.stdout.decode(), f"{ended}")
    with open(summary, encoding="utf-8") as file:
        test.check("\nMore: `allocaudit report sites --sort count -i " in file.read(), "no command in the summary")


def test_baseline_that_got_better(test):
    """It passes and says so; with --strict the status is 4."""
    baseline = baseline_of(test, record(test, 1000, 5, 2))
    path = record(test, 1000, 5, 1)
    document = judge(test, path, "--baseline", baseline, status=0)
    test.equal("verdict", changed(document, "leaked_count")["verdict"], "less")
    test.equal("better_count", document["gate"]["better_count"] > 0, True)
    judge(test, path, "--baseline", baseline, "--strict", status=4)
    judge(test, record(test, 1000, 9, 1), "--baseline", baseline, "--strict", status=1)


def test_baseline_gives_room_to_what_varied(test):
    """Two recordings ten apart: up to fifty above is their own jitter, more is not."""
    paths = [record(test, 1000, name=f"{jitter}.db", env={"GATE_WORK_JITTER": str(jitter)})
             for jitter in (10, 20)]
    baseline = baseline_of(test, *paths)
    for jitter, status in ((15, 0), (70, 0), (71, 1)):
        path = record(test, 1000, env={"GATE_WORK_JITTER": str(jitter)})
        judge(test, path, "--baseline", baseline, "--tolerance", "0", status=status)
    judge(test, path, "--baseline", baseline, "--tolerance", "10%", status=0)


def test_wrong_baselines_are_refused(test):
    path = record(test, 10)
    text = test.write("foreign.yaml", "jobs: {build: 1}\n")
    broken = test.path("broken.db")
    with open(path, "rb") as file, open(broken, "wb") as out:
        out.write(file.read()[:5000])
    for arguments, status in ((("--baseline", text), 2), (("--baseline", test.path("none")), 3),
                              (("--baseline", broken), 3), (("--tolerance", "1%"), 2), (("--strict",), 2),
                              (("--baseline", path, "--tolerance", "x"), 2),
                              (("--baseline", path, "--process", "1"), 2)):
        ended = test.allocaudit("gate", path, *arguments)
        refused(test, ended, status)
    other = test.path("other.db")
    test.record(["true"], out=other)
    ended = test.allocaudit("baseline", path, other)
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("of another command" in ended.talk, f"{ended}")


def test_baselines_of_other_programs(test):
    """Less than what another program does is no success; other arguments are told."""
    path = record(test, 10)
    baseline = baseline_of(test, path)
    other = test.path("other.db")
    test.record([test.program("hello")], out=other)
    ended = test.allocaudit("gate", other, "--baseline", baseline)
    refused(test, ended, 2)
    test.check("the baseline is of another program" in ended.talk, f"{ended}")
    notes = judge(test, record(test, 9, name="less.db"), "--baseline", baseline, status=0)["notes"]
    test.check(any("the baseline is of another command: " in note and note.endswith("gate_work 10") for note in notes),
               f"{notes}")
    test.equal("notes", judge(test, path, "--baseline", baseline, status=0)["notes"], [])


def test_baselines_that_are_something_else(test):
    path = record(test, 10)
    budget = test.write("budget.yaml", "leaked_count: 0\n")
    for arguments, status, told in ((("--baseline", budget), 2, "is --budget meant?"),
                                    (("--budget", baseline_of(test, path)), 2, "is --baseline meant?"),
                                    (("--baseline", test.path("none.yaml")), 3, "--update -- COMMAND' writes it")):
        ended = test.allocaudit("gate", path, *arguments)
        refused(test, ended, status)
        test.check(told in ended.talk, f"{ended}")


def test_baseline_is_renewed_as_told(test):
    """What differs ends with the command that takes it for good."""
    old = test.path("old.db")
    program = test.program("gate_work")
    test.record([program, "10"], out=old)
    new = record(test, 12, name="new.db")
    ended = test.allocaudit("gate", new, "--baseline", old)
    test.check(f"More: allocaudit diff {old} {new}\n" in ended.stdout.decode(), f"{ended}")
    baseline = baseline_of(test, old)
    ended = test.allocaudit("gate", new, "--baseline", baseline)
    told = re.search("If it is meant: allocaudit (baseline .*)", ended.stdout.decode())
    test.equal("renewing", test.allocaudit(*told[1].split()).status, 0)
    judge(test, new, "--baseline", baseline, "--strict", status=0)
    ended = run_test(test, "--baseline", baseline, "--strict", "--", program, "11", status=4)
    told = re.search("Less than the baseline, which can be renewed: allocaudit (test .*)", ended.stdout.decode())
    test.equal("renewing", test.allocaudit(*told[1].split(), cwd=test.path()).status, 0)
    run_test(test, "--baseline", baseline, "--strict", "--", program, "11", status=0)


def test_baseline_counts_the_kinds_of_the_gate(test):
    """Definite and indirect ones by default, as the text says; else all, as where kinds are not known."""
    program = test.program("gate_kin")
    path = test.path("kin.db")
    test.record([program], "--leak-check", "yes", out=path)
    baseline = baseline_of(test, path)
    with open(baseline, encoding="utf-8") as file:
        text = file.read()
    test.check("leak_kinds: definite, indirect\n" in text and "  leaked_count: 21\n" in text, text)
    document = judge(test, path, "--baseline", baseline, status=0)
    test.equal("leaks", changed(document, "leaked_count")["now"], 21)
    ended = test.allocaudit("gate", path, "--baseline", baseline, "--leak-kinds", "reachable")
    refused(test, ended, 2)
    test.check("counts definite, indirect: write it anew" in ended.talk, f"{ended}")
    reachable = test.allocaudit("baseline", path, "--leak-kinds", "reachable").stdout.decode()
    test.check("leak_kinds: reachable\n" in reachable and "  leaked_count: 2\n" in reachable, reachable)
    unknown = test.path("unknown.db")
    test.record([program], "--leak-check", "no", out=unknown)
    document = judge(test, unknown, "--baseline", baseline, status=0)
    test.equal("verdict", changed(document, "leaked_count")["verdict"], "not judged")
    plain = test.allocaudit("baseline", unknown).stdout.decode()
    test.check("leak_kinds" not in plain and "  leaked_count: 24\n" in plain, plain)
    ended = test.allocaudit("baseline", path, unknown)
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("another --leak-check" in ended.talk, f"{ended}")
    run_test(test, "--baseline", baseline, "--update", "--leak-kinds", "definite", "-n", "1", "--", program, status=0)
    run_test(test, "--baseline", baseline, "--", program, status=0)
