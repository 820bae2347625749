"""Errors of the program: told with the call and the block, and passed on as they are."""

import json
import signal

ABORTS = signal.SIGABRT, signal.SIGSEGV
# name: (kind, call, function of the call's stack or None, function that allocated or None)
MISUSES = {
    "double_free": ("double_free", "free", "double_free", "make"),
    "large_double_free": ("double_free", "free", None, "make"),
    "thread_double_free": ("double_free", "free", "free_it", "make"),
    "child_double_free": ("double_free", "free", "child_double_free", "make"),
    "interior_free": ("interior_free", "free", "interior_free", "make"),
    "foreign_free": ("foreign_free", "free", "foreign_free", None),
    "wild_free": ("foreign_free", "free", None, None),
    "wild_realloc": ("foreign_free", "realloc", "wild_realloc", None),
    "realloc_of_freed": ("realloc_of_freed", "realloc", "realloc_of_freed", "make"),
    "new_and_free": ("mismatched_free", "free", "new_and_free", "new_and_free"),
    "malloc_and_delete": ("mismatched_free", "delete", "malloc_and_delete", "make"),
    "array_and_delete": ("mismatched_free", "delete", "array_and_delete",
                         "array_and_delete"),
    "realloc_of_new": ("mismatched_free", "realloc", "realloc_of_new", "realloc_of_new"),
    "wrong_size": ("wrong_size", "delete", "wrong_size", "wrong_size"),
    "wrong_size_by_64": ("wrong_size", "delete", "wrong_size_by_64", "wrong_size_by_64"),
}


def functions_of(recording, stack_id):
    """The plain names of a stack that need not be a site's."""
    return [row["function"].replace("(anonymous namespace)", "").split("(")[0] for row in recording.rows(
        "WITH RECURSIVE up (id, level) AS (SELECT ?, 0 UNION ALL"
        " SELECT parent_id, level + 1 FROM up JOIN stack USING (id) WHERE parent_id IS NOT NULL)"
        " SELECT function FROM up JOIN stack USING (id) JOIN frame ON frame.id = frame_id"
        " ORDER BY level", stack_id)]


def test_misuse(test, name):
    kind, call, called_in, made_in = MISUSES[name]
    recorded = test.same_as_native([test.program("misuse"), name])
    recording = test.open(recorded)
    fault, *more = recording.rows("SELECT * FROM fault WHERE kind <> 'bad_alignment'")
    test.equal("more of them", more, [])
    test.equal("kind and call", (fault["kind"], fault["call"]), (kind, call))
    if called_in is not None:
        test.check(fault["stack_id"] is not None, f"the call's stack is not known: {fault}")
        found = functions_of(recording, fault["stack_id"])
        test.check(called_in in found and found[-1].startswith(("_start", "main", "__libc", "clone"))
                   or "free_it" in found, f"called in {found}")
    if made_in is None:
        test.equal("block", (fault["block_id"], fault["block_address"]), (None, None))
    else:
        test.check(made_in in functions_of(recording, fault["block_stack_id"]), f"{fault}")
        block, = recording.rows("SELECT * FROM allocation WHERE id = ?", fault["block_id"])
        test.equal("address of the block", fault["block_address"], block["address"])
        test.check(block["size_bytes"] in (100, 5000), f"{block}")
        offset = 16 if name == "interior_free" else 0
        test.equal("address of the call", fault["address"], block["address"] + offset)
    if kind == "wrong_size":
        test.equal("given", fault["given"], 60 if name == "wrong_size" else 36)
    test.equal("thread", recording.value("SELECT count(*) FROM thread WHERE id = ?",
                                         fault["thread_id"]), 1)


test_misuse.cases = [(name, (name,)) for name in MISUSES]


def each_of_many(test, name, children, *options):
    recording = test.open(test.record(["sh", "-c", f"for i in $(seq {children}); do {test.program('misuse')} {name} $i; done"],
                                      *options))
    kind, call, _, _ = MISUSES[name]
    test.equal("faults", recording.rows("SELECT kind, call, count(DISTINCT process_id) AS children, count(*) AS faults"
                                        " FROM fault GROUP BY kind, call"),
               [{"kind": kind, "call": call, "children": children, "faults": children}])


def test_each_of_many(test, name):
    """Some calls are timed, which ones is left to chance: the last of a program is told none the less."""
    each_of_many(test, name, 60)


test_each_of_many.cases = [(name, (name,)) for name in ("double_free", "large_double_free", "foreign_free", "wild_free",
                                                        "wild_realloc", "realloc_of_freed")]


def test_each_of_many_above(test, option, beneath, name):
    """Whatever serves the program, and whether or not it ends it."""
    each_of_many(test, name, 40, option, beneath)


test_each_of_many_above.cases = [
    (f"{beneath} {name}", (option, beneath, name))
    for option, beneaths in (("--allocator", ("jemalloc", "tcmalloc", "mimalloc")),
                             ("--policy", ("pool", "frame", "buddy", "slab")))
    for beneath in beneaths for name in ("double_free", "foreign_free")]


def test_bad_alignment(test):
    recording = test.sound(test.same_as_native([test.program("misuse"), "bad_alignment"]))
    test.equal("faults", [tuple(row.values()) for row in recording.rows(
        "SELECT kind, call, given, address FROM fault ORDER BY id")],
        [("bad_alignment", "memalign", 24, None), ("bad_alignment", "posix_memalign", 4, None)])


def test_right_use_has_none(test):
    for command in ([test.program("misuse"), "nothing"],
                    [test.program("entry_points")], [test.program("realloc_forms")],
                    [test.program("fork_child")], [test.program("threads_at_once")],
                    ["/usr/bin/python3", "-c", "import json, re; print(json.dumps([1] * 999))"]):
        recording = test.open(test.record(command))
        test.equal(f"faults of {command}", recording.rows("SELECT * FROM fault"), [])


def test_operators(test):
    """Three mismatches, of the functions that are named so, and nothing else."""
    recording = test.open(test.record([test.program("operators")]))
    test.equal("faults", [(row["kind"], row["call"],
                           functions_of(recording, row["block_stack_id"])[0].split("::")[-1])
                          for row in recording.rows("SELECT * FROM fault ORDER BY id")],
               [("mismatched_free", "free", "case_mismatch_free"),
                ("mismatched_free", "delete", "case_mismatch_delete"),
                ("mismatched_free", "delete", "case_mismatch_array")])


def test_report_and_gate(test):
    recorded = test.record([test.program("misuse"), "double_free"])
    report = test.allocaudit("report", recorded.path)
    test.check(report.stdout.startswith(b"Errors of the program"), f"they are not first: {report}")
    for word in (b"double_free()", b"make(unsigned long)", b"misuse.cc:", b"freed before"):
        test.check(word in report.stdout, f"{word} is not in {report}")
    document = json.loads(test.allocaudit("report", recorded.path, "faults", "--format", "json").stdout)
    fault, = document["faults"]
    test.equal("kind", (fault["kind"], fault["call"]), ("double_free", "free"))
    for most, status in ((0, 1), (1, 0)):
        gate = test.allocaudit("gate", recorded.path, "--max-faults", str(most))
        test.equal(f"gate: {gate}", gate.status, status)
    test.check(b"report faults" in test.allocaudit("gate", recorded.path, "--max-faults", "0").stdout,
               "no word of where to look")
    sound = test.record([test.program("misuse"), "nothing"])
    test.equal("gate of a sound program",
               test.allocaudit("gate", sound.path, "--max-faults", "0").status, 0)
    report = test.allocaudit("report", sound.path)
    test.check(b"Errors" not in report.stdout, "speaks of errors where there are none")
    report = test.allocaudit("report", sound.path, "faults")
    test.check(b"no error was seen" in report.stdout + report.stderr, f"{report}")


def test_budget_and_baseline(test):
    recorded = test.record([test.program("misuse"), "double_free"])
    budget = test.write("b.yaml", "fault_count: 0\n")
    test.equal("gate", test.allocaudit("gate", recorded.path, "--budget", budget).status, 1)
    budget = test.write("f.yaml", "functions:\n  make:\n    fault_count: 0\n")
    ended = test.allocaudit("gate", recorded.path, "--budget", budget)
    test.equal("status", ended.status, 2)
    test.check("of the run and of processes only" in ended.talk, f"{ended}")


def test_detail_sites(test):
    """Without rows it is not known whether the block had been there."""
    recording = test.open(test.record([test.program("misuse"), "double_free"], "--detail", "sites"))
    fault, = recording.rows("SELECT * FROM fault")
    test.equal("kind", (fault["kind"], fault["block_id"]), ("invalid_free", None))
    test.check("double_free" in functions_of(recording, fault["stack_id"]), f"{fault}")


def test_above_another_allocator(test):
    """What the C library's blocks look like says nothing there; frees of no block are found all the same."""
    recording = test.open(test.record([test.program("misuse"), "double_free"], "--allocator", "jemalloc"))
    test.equal("kinds", [row["kind"] for row in recording.rows("SELECT kind FROM fault")],
               ["double_free"])


def test_nothing_in_front_of_other_blocks_is_read(test):
    """Above an allocator whose blocks begin behind a page that cannot be read."""
    beneath = {"LD_PRELOAD": test.program("page_malloc")}
    for command in ([test.program("realloc_forms")], [test.program("misuse"), "nothing"],
                    ["/usr/bin/python3", "-c", "print(sum(len(str(i)) for i in range(3000)))"]):
        recorded = test.record(command, env=beneath)
        test.equal(f"status of {command}: {recorded.stderr[-300:]}", recorded.status, 0)
        test.equal(f"faults of {command}", test.open(recorded).rows("SELECT * FROM fault"), [])
