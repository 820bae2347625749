"""Plans: each rule serves just the calls it names, and says so; mistakes are told in one line."""

import json
import os
import sqlite3



def write_plan(test, *rules, modules=(), name="plan.json"):
    """rules: (name, match) or (name, match, policy, parameters)."""
    document = {"rules": []}
    if modules:
        document["modules"] = list(modules)
    for rule in rules:
        row = {"name": rule[0], "match": rule[1], "policy": rule[2] if len(rule) > 2 else "pool"}
        if len(rule) > 3:
            row["parameters"] = rule[3]
        document["rules"].append(row)
    return test.write(name, json.dumps(document))


def counts(recording, rule, process_id=1):
    return {row["name"].split(".")[2]: row["value"] for row in recording.rows(
        "SELECT name, value FROM counter WHERE process_id = ? AND name LIKE ?", process_id,
        f"plan.{rule}.%")}


def taken(recording, *rules, process_id=1):
    """Blocks that each rule made: taken anew, or resized where they were."""
    found = [counts(recording, rule, process_id) for rule in rules]
    return [row["take_count"] + row["resize_count"] for row in found]


def run_part(test, part, *rules, options=(), modules=(), arguments=()):
    program = test.program("plan_sites", "-pthread")
    plan = write_plan(test, *rules, modules=modules)
    recorded = test.record([program, part, *arguments], "--plan", plan, *options)
    test.equal(f"status: {recorded}", recorded.status, 0)
    return recorded, test.sound(recorded)


def test_sites_have_their_own_instances(test):
    """Static and inlined functions, paths, sizes: each counted exactly."""
    recorded, recording = run_part(
        test, "sites",
        ("inlined", {"functions": ["inlined_node", "run_sites"]}, "buddy"),
        ("nodes", {"functions": ["make_node", "run_sites"]}, "pool", {"sizes": [48]}),
        ("small", {"functions": ["make_text"], "size_max_bytes": 49}, "frame"),
        ("large", {"functions": ["make_t?xt"], "size_min_bytes": 150}, "slab"),
        ("never", {"functions": ["make_node", "make_text"]}))
    test.equal("taken", taken(recording, "inlined", "nodes", "small", "large", "never"),
               [30, 100, 49, 51, 0])
    for rule in ("inlined", "nodes", "small", "large"):
        row = counts(recording, rule)
        test.equal(f"given back of {rule}", row["give_count"], row["take_count"])
    test.check("rule 'nodes' (pool) served 100 of " in recorded.talk, recorded.talk)
    test.check("rule 'never' matched no allocation" in recorded.talk, recorded.talk)
    test.equal("lines of 'matched no'", recorded.talk.count("matched no allocation"), 1)


def test_first_rule_serves(test):
    """In the order of the file; the last takes what is left, and what a policy declines stays out."""
    recorded, recording = run_part(
        test, "sites",
        ("here", {"functions": ["make_node", "run_elsewhere"]}),
        ("nodes", {"functions": ["make_node"]}, "slab"),
        ("tiny", {"functions": ["run_sites"]}, "pool", {"block_max_bytes": 96}),
        ("rest", {}, "buddy"))
    test.equal("taken", taken(recording, "here", "nodes", "tiny"), [25, 100, 96 + 30])
    test.equal("declined", counts(recording, "tiny")["declined_size_count"], 104)
    test.check("rule 'tiny' matched 104 allocations that its pool declined" in recorded.talk,
               recorded.talk)
    allocations = recording.process()["allocation_count"]
    test.equal("the rest", taken(recording, "rest")[0], allocations - 25 - 100 - 126 - 104)


def test_modes_of_recording(test):
    """The plan serves the same, whatever is recorded."""
    rules = (("nodes", {"functions": ["make_node", "run_sites"]}),
             ("texts", {"functions": ["make_text"]}, "frame"))
    for options in (("--detail", "sites"), ("--sample", "64"), ("--unwind", "fp"), ("--depth", "1"),
                    ("--mmap",)):
        program = test.program("plan_sites", "-pthread")
        recorded = test.record([program, "sites"], "--plan", write_plan(test, *rules), *options)
        test.equal(f"status: {recorded}", recorded.status, 0)
        recording = test.open(recorded)
        test.equal(f"taken with {options}", taken(recording, "nodes", "texts"), [100, 200])


def test_threads_by_name(test):
    recorded, recording = run_part(
        test, "threads",
        ("first", {"functions": ["make_node"], "thread": "worker-1"}),
        ("workers", {"functions": ["make_node"], "thread": "worker*"}),
        ("early", {"thread": "e?rly", "size_min_bytes": 40, "size_max_bytes": 40}),
        ("main", {"functions": ["make_node"], "thread": "plan_sites*"}))
    test.equal(f"taken: {recorded.talk}", taken(recording, "first", "workers", "early", "main"),
               [50, 90, 30, 5])


def test_growing_out_of_a_rule(test):
    """16 to 4096 bytes by realloc: through two rules, then the next allocator, and back by a shrink."""
    _, recording = run_part(
        test, "grow",
        ("small", {"functions": ["run_grow"], "size_max_bytes": 64}, "pool", {"sizes": [16, 32, 64]}),
        ("middle", {"functions": ["grow", "run_grow"], "size_min_bytes": 65,
                    "size_max_bytes": 512}, "buddy"))
    # small: 16, 32, 64, and 16 again; middle: 128, 256, 512
    test.equal("taken", taken(recording, "small", "middle"), [40, 30])
    test.equal("given back", [counts(recording, rule)["give_count"] for rule in ("small", "middle")],
               [40 - counts(recording, "small")["resize_count"],
                30 - counts(recording, "middle")["resize_count"]])


def test_children(test):
    """A forked child has its parent's blocks, and counts from 0; another image begins anew."""
    recorded, recording = run_part(test, "children",
                                   ("nodes", {"functions": ["make_node"]}),
                                   ("child", {"functions": ["only_in_child"]}),
                                   ("texts", {"functions": ["make_text"]}, "slab"))
    test.check("rule 'child' (pool) served 1 of" in recorded.talk, recorded.talk)
    test.equal("the child's own", taken(recording, "child", process_id=2), [1])
    kinds = {row["start_kind"]: row["id"] for row in recording.processes}
    test.equal("the child's", taken(recording, "nodes", process_id=kinds["fork"]), [25])
    test.equal("given back there", counts(recording, "nodes", kinds["fork"])["give_count"], 26)
    test.equal("the other image's", taken(recording, "nodes", "texts", process_id=kinds["exec"]),
               [125, 200])


def test_child_of_another_program(test):
    """sh has none of the functions: its child has."""
    program = test.program("plan_sites", "-pthread")
    plan = write_plan(test, ("nodes", {"functions": ["make_node"]}), modules=[program])
    recording = test.sound(test.record(["sh", "-c", f"{program} sites; true"], "--plan", plan))
    found = {row["executable"].rsplit("/", 1)[-1]: taken(recording, "nodes", process_id=row["id"])
             for row in recording.processes if counts(recording, "nodes", row["id"])}
    test.equal("nodes of the child", found[os.path.basename(program)], [125])
    test.equal("nodes of all", sum(count for [count] in found.values()), 125)


def test_plugin(test):
    """Functions of what is loaded later are known once the plan names the file; modules are anyway."""
    plugin = test.program("plugin_leak")
    _, recording = run_part(test, "plugin", ("taken", {"functions": ["plugin_take", "run_plugin"]}),
                            modules=[os.path.join(os.path.dirname(plugin), "plugin_l*.so")],
                            arguments=[plugin])
    test.equal("taken", taken(recording, "taken"), [12])
    _, recording = run_part(test, "plugin", ("taken", {"module": "plugin_leak*"}, "frame"),
                            arguments=[plugin])
    test.equal("by module", taken(recording, "taken"), [12])
    bare = test.program("plugin_leak", "-Wl,--build-id=none")
    _, recording = run_part(test, "plugin", ("taken", {"functions": ["plugin_take"]}),
                            modules=[bare], arguments=[bare])
    test.equal("without a build id", taken(recording, "taken"), [12])


def test_cxx_names(test):
    program = test.program("operators")
    plan = write_plan(test, ("new", {"functions": ["operator new"]}), ("main", {"functions": ["main"]}))
    recorded = test.record([program], "--plan", plan)
    test.equal(f"status: {recorded}", recorded.status, test.run([program]).status)
    recording = test.sound(recorded)
    test.check(taken(recording, "new")[0] > 0, f"nothing: {recorded.talk}")


def test_site_of_a_recording_without_symbols(test):
    """What a report calls module+0xoffset is a name, too, in every run."""
    program = test.program("plan_sites", "-pthread", "-s")
    recording = test.sound(test.record([program, "sites"]))
    names = [row["function"] for row in recording.rows(
        "SELECT function FROM frame JOIN stack ON stack.frame_id = frame.id JOIN site ON "
        "site.stack_id = stack.id WHERE allocation_count = 100")]
    test.equal("sites of 100 allocations", len(names), 1)
    test.check("+0x" in names[0], f"it has a name: {names}")
    plan = write_plan(test, ("nodes", {"functions": names}))
    recording = test.sound(test.record([program, "sites"], "--plan", plan))
    # The same call of malloc, below another function:
    test.equal("taken", taken(recording, "nodes"), [125])


def test_signals(test):
    """A handler that interrupts a look at a stack is served all the same."""
    recorded, recording = run_part(test, "signals", ("nodes", {"functions": ["descend"]}, "slab"),
                                   ("handler", {"functions": ["on_alarm"]}, "frame"))
    busy = recording.value("SELECT value FROM counter WHERE name = 'plan.declined_busy_count'")
    row = counts(recording, "nodes")
    made = recording.site_sum("allocation_count", "make_node")
    served = sum(taken(recording, "nodes", "handler"))
    declined = sum(counts(recording, rule)["declined_busy_count"] for rule in ("nodes", "handler"))
    test.equal(f"nodes, served and not: {row} {recorded.talk}", served + declined + busy, made)


def test_without_a_recorder(test):
    """Something else in the variable than a table of ours: the program runs as it would."""
    program = test.program("plan_sites", "-pthread")
    library = os.path.join(test.shared.build, "liballocaudit.so")
    for text in ("/nonexistent", test.write("nonsense", "x" * 5000), test.write("empty", ""), ""):
        ended = test.run([program, "sites"], env={"LD_PRELOAD": library, "ALLOCAUDIT_PLAN": text})
        test.equal(f"status with {text}", ended.status, 0)


def test_threads_and_fork(test):
    """As for a policy of all calls: cross-thread frees, threads that end, forks, many signals."""
    rules = (("small", {"size_max_bytes": 64}, "slab"), ("main", {"functions": ["main"]}, "frame"),
             ("rest", {}, "pool"))
    for program, arguments in (("cross_thread", []), ("threads_in_turn", ["300"]),
                               ("threads_at_once", []), ("fork_threaded", []), ("signal_storm", []),
                               ("policy_torture", ["4", "100000"]), ("coroutines", []),
                               ("stack_switch", []), ("small_stack", [])):
        path = test.program(program)
        native = test.run([path, *arguments], timeout=300)
        plan = write_plan(test, *rules, name=f"{program}.json")
        routed = test.record([path, *arguments], "-q", "--plan", plan, timeout=300)
        test.equal(f"status of {program}: {routed}", routed.status, native.status)


def simulate(test, path, plan):
    ended = test.allocaudit("simulate", path, "--plan", plan, "--format", "json")
    test.equal(f"status of simulate: {ended}", ended.status, 0)
    return json.loads(ended.stdout)


MIXES = (
    (("small", {"functions": ["make"], "size_max_bytes": 64}, "pool", {"chunk_bytes": 4096}),
     ("grown", {"functions": ["grow"], "size_max_bytes": 3000}, "buddy", {"lazy_count": 4}),
     ("never", {"functions": ["grow", "make"]}),
     ("large", {"functions": ["m*"], "module": "policy_mix*", "size_min_bytes": 65}, "slab")),
    (("frame", {"functions": ["make", "main"], "size_min_bytes": 100, "size_max_bytes": 900}, "frame"),
     ("named", {"thread": "policy_mix*", "size_max_bytes": 50}, "pool"),
     ("other", {"thread": "nobody"}, "pool"),
     ("rest", {}, "pool", {"sizes": [1024, 4096]})),
)


def test_simulated_counts_are_those_of_the_routed_run(test, rules):
    """Of every rule, from a recording that was made without the plan."""
    program = test.program("policy_mix")
    plan = write_plan(test, *rules)
    plain = test.record([program, "30000"])
    routed = test.sound(test.record([program, "30000"], "--plan", plan))
    answer = simulate(test, plain.path, plan)
    for row in answer["rules"]:
        live = counts(routed, row["rule"])
        test.equal(f"counters of {row['rule']}", {name: row[name] for name in live}, live)
        is_idle = row["rule"] in ("never", "other")
        test.check((live["take_count"] == 0) == is_idle, f"{row['rule']} took {live['take_count']}")
        test.equal("note", f"rule '{row['rule']}' matched no allocation" in answer["notes"], is_idle)
    peak = answer["peak"]
    test.equal("the parts of the footprint", peak["footprint_bytes"],
               peak["requested_bytes"] + peak["rounding_bytes"] + peak["holes_bytes"])


test_simulated_counts_are_those_of_the_routed_run.cases = [
    (f"mix {number}", (rules,)) for number, rules in enumerate(MIXES)]


def test_simulation_of_sites(test):
    """Inlined and static functions, by name, as in the program."""
    program = test.program("plan_sites", "-pthread")
    plan = write_plan(test, ("inlined", {"functions": ["inlined_node", "run_sites"]}, "buddy"),
                      ("nodes", {"functions": ["make_node", "run_sites"]}),
                      ("small", {"functions": ["make_text"], "size_max_bytes": 49}, "frame"))
    answer = simulate(test, test.record([program, "sites"]).path, plan)
    test.equal("served", [row["served_count"] for row in answer["rules"]], [30, 100, 49])
    text = test.allocaudit("simulate", test.record([program, "grow"]).path, "--plan", plan)
    test.check("rule 'inlined' matched no allocation" in text.stdout.decode(), text.stdout.decode())


def test_mistakes_in_simulate(test):
    recorded = test.record(["true"], "-q")
    good = write_plan(test, ("all", {}))
    bad = test.write("bad.json", '{"rules": [}')
    for options, status, wanted in ((("--plan", bad), 2, "bad.json:1:12"),
                                    (("--plan", good, "--policy", "pool"), 2, "give one"),
                                    (("--plan", test.path("none.json")), 3, "No such file")):
        ended = test.allocaudit("simulate", recorded.path, *options)
        test.equal(f"status of {options}: {ended}", ended.status, status)
        test.check(wanted in ended.talk, f"no '{wanted}': {ended.talk}")


def hottest(recording):
    """Of the site with the most small allocations: its functions, from the allocation outward."""
    connection = sqlite3.connect(recording.path)
    [stack_id, allocations] = connection.execute(
        "SELECT stack_id, allocation_count FROM site WHERE size_max_bytes <= 4096 "
        "ORDER BY allocation_count DESC LIMIT 1").fetchone()
    names = []
    while stack_id is not None:
        [stack_id, function] = connection.execute(
            "SELECT parent_id, function FROM stack JOIN frame ON frame.id = frame_id "
            "WHERE stack.id = ?", (stack_id,)).fetchone()
        names.append(function)
    connection.close()
    return names, allocations


def real_command(test, program):
    """(command, options of run) of a program that allocates a good deal in a second."""
    if program == "python3":
        script = test.write("trip.py", "import json\nd = [{'id': i, 'n': 'item %d' % i} for i in range(20000)]\n"
                            "print(len(json.dumps(json.loads(json.dumps(d)))))\n")
        return [test.need(program), "-s", "-B", script], {
            "env": {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}}
    if program == "jq":
        rows = [{"id": i, "values": [i, i + 1]} for i in range(20000)]
        return [test.need(program), "[.[] | .values | add] | add", test.write("in.json", json.dumps(rows))], {}
    if program == "xmllint":
        rows = "".join(f"<row id='{i}'><name>item {i}</name></row>" for i in range(20000))
        return [test.need(program), "--format", test.write("in.xml", f"<rows>{rows}</rows>")], {}
    script = ("CREATE TABLE t (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
              "INSERT INTO t SELECT 'name ' || i FROM n; SELECT count(DISTINCT substr(x, 1, 8)) FROM t;")
    return [test.need("sqlite3"), "-batch", ":memory:", script], {}


def test_real_program(test, program):
    """Its hottest call path, named as the recording has it, goes to a pool: nothing else changes."""
    command, options = real_command(test, program)
    plain = test.sound(test.record(command, **options))
    names, allocations = hottest(plain)
    modules = [row["path"] for row in plain.rows("SELECT path FROM module WHERE path LIKE '/%'")
               if os.path.exists(row["path"])]
    plan = write_plan(test, ("hot", {"functions": names[:8]}, "pool", {"block_max_bytes": 16384}),
                      modules=modules)
    routed = test.sound(test.same_as_native(command, "--plan", plan, **options))
    served = taken(routed, "hot")[0]
    test.check(served >= allocations * 0.99, f"{served} served of {allocations} from {names[:8]}")
    counts_of = [recording.run["allocation_count"] for recording in (plain, routed)]
    test.check(abs(counts_of[0] - counts_of[1]) <= counts_of[0] // 1000, f"allocations: {counts_of}")
    test.note(f"{served} of {names[0]}")


test_real_program.cases = [(program, (program,)) for program in ("python3", "jq", "xmllint", "sqlite3")]


RULE = '{"name": "x", "policy": "pool"'
MISTAKES = (
    ('{"rules": [}', "plan.json:1:12: no valid YAML"),
    ('', "plan.json: it is empty"),
    ('[]', "plan.json:1:1: a plan must be"),
    ('{"rule": []}', "plan.json:1:2: unknown key 'rule': did you mean 'rules'?"),
    ('{"modules": []}', "the plan has no rules"),
    ('{"rules": []}', "the plan has no rules"),
    ('{"rules": {}}', "plan.json:1:11: 'rules' must be a list"),
    ('{"rules": [5]}', "plan.json:1:12: a rule must be"),
    ('{"rules": [{"policy": "pool"}]}', "plan.json:1:12: the rule has no 'name'"),
    ('{"rules": [{"name": "x"}]}', "the rule has no 'policy'"),
    ('{"rules": [{"name": [5], "policy": "pool"}]}', "plan.json:1:21: a name was expected here"),
    ('{"rules": [{"name": "", "policy": "pool"}]}', "plan.json:1:21: a name was expected here"),
    ('{"rules": [{"name": "a.b", "policy": "pool"}]}', "letters, digits, _ and -"),
    ('{"rules": [{"name": "%s", "policy": "pool"}]}' % ("n" * 50), "39 characters at most"),
    ('{"rules": [{"name": "x", "policy": "pol"}]}', "did you mean 'pool'?"),
    ('{"rules": [%s, "note": 5}, %s}]}' % (RULE, RULE), "name 'x' is that of another rule, too"),
    ('{"rules": [%s, "paramters": {}}]}' % RULE, "unknown key 'paramters': did you mean 'parameters'?"),
    ('{"rules": [%s, "parameters": {"chunk_byte": 1}}]}' % RULE, "did you mean 'chunk_bytes'?"),
    ('{"rules": [%s, "parameters": {"chunk_bytes": 5}}]}' % RULE, "4096 to 1048576 is possible"),
    ('{"rules": [%s, "parameters": {"chunk_bytes": 5000}}]}' % RULE, "not a power of two"),
    ('{"rules": [%s, "parameters": {"sizes": [64, 16]}}]}' % RULE, "sizes must rise"),
    ('{"rules": [%s, "parameters": {"sizes": ["a"]}}]}' % RULE,
     "plan.json:1:69: a whole number was expected here"),
    ('{"rules": [%s, "match": {"function": ["main"]}}]}' % RULE,
     "unknown key 'function': did you mean 'functions'?"),
    ('{"rules": [%s, "match": {"functions": "main"}}]}' % RULE, "'functions' must be a list"),
    ('{"rules": [%s, "match": {"functions": []}}]}' % RULE, "a path has at least one function"),
    ('{"rules": [%s, "match": {"functions": ["main", [5]]}}]}' % RULE,
     "plan.json:1:76: a name was expected here"),
    ('{"rules": [%s, "match": {"functions": ["make_nod"]}}]}' % RULE,
     "rule 'x': function 'make_nod' is in none of the program's modules; did you mean 'make_node'?"),
    ('{"rules": [%s, "match": {"functions": ["make_node"], "module": "libc*"}}]}' % RULE,
     "function 'make_node' is in none of the program's modules like 'libc*'"),
    ('{"rules": [%s, "match": {"functions": ["nothing.so+0x12"]}}]}' % RULE, "function 'nothing.so+0x12'"),
    ('{"rules": [%s, "match": {"size_min_bytes": 9, "size_max_bytes": 8}}]}' % RULE,
     "size_min_bytes 9 is more than size_max_bytes 8"),
    ('{"rules": [%s, "match": {"size_min_bytes": "9x"}}]}' % RULE, "unknown unit 'x'"),
    ('{"rules": [%s, "match": {"size_min_bytes": -9}}]}' % RULE, "'-9' is no number"),
    ('{"rules": [%s, "match": {"thread": ""}}]}' % RULE, "a name was expected here"),
    ('{"rules": [%s}, {"name": "y", "policy": "slab", "match": {"thread": "a"}}]}' % RULE,
     "rules 'x' and 'y' overlap: 'x' comes first and matches all that 'y' does"),
    ('{"rules": [%s, "match": {"size_min_bytes": 1, "size_max_bytes": 50}}, {"name": "y", "policy": '
     '"slab", "match": {"size_min_bytes": 40, "size_max_bytes": 60}}]}' % RULE,
     "rules 'x' and 'y' overlap: both match 40 to 50 bytes at the same place"),
    ('{"modules": ["none*.so"], "rules": [%s}]}' % RULE, "modules: there is no file 'none*.so'"),
    ('{"modules": "x", "rules": [%s}]}' % RULE, "'modules' must be a list"),
    ('{"rules": [%s, "name": "y"}]}' % RULE, "'name' stands already in line 1"),
)


def test_mistakes(test):
    """One line each, and nothing is run; what was recorded before stays where it is."""
    program = test.program("plan_sites", "-pthread")
    old = test.write("recording.db", "")
    for text, wanted in MISTAKES:
        plan = test.write("plan.json", text)
        ended = test.allocaudit("run", "-o", old, "--plan", plan, "--", program, "sites")
        test.equal(f"status for {text}: {ended}", ended.status, 2)
        test.check(wanted in ended.talk.splitlines()[0], f"{text}: no '{wanted}': {ended.talk}")
        test.equal("lines of ours", ended.talk.count("\n"), 1)
    test.equal("the old file", os.path.getsize(old), 0)


def test_wrong_command_lines(test):
    program = test.program("plan_sites", "-pthread")
    plan = write_plan(test, ("all", {}))
    for options, status, wanted in ((("--plan", plan, "--policy", "pool"), 2, "give one"),
                                    (("--plan", plan, "--allocator", "slab"), 2, "give one"),
                                    (("--plan", test.path("none.json")), 125, "none.json': No such file"),
                                    (("--plan", test.scratch), 125, "Is a directory")):
        ended = test.record([program, "sites"], *options)
        test.equal(f"status of {options}: {ended}", ended.status, status)
        test.check(wanted in ended.talk, f"no '{wanted}': {ended.talk}")


def test_summary_of_a_killed_process(test):
    """It may have told some of its counts before: what is said is no more than that."""
    plan = write_plan(test, ("all", {}))
    ended = test.record(["sh", "-c", "kill -9 $$"], "--plan", plan)
    test.check("what the plan's rules served is not known" in ended.talk or
               ("rule 'all' (pool) served at least " in ended.talk and
                "a process ended before it told the rest" in ended.talk), ended.talk)
    test.check("matched no" not in ended.talk, ended.talk)
    whole = test.record(["true"], "--plan", plan)
    test.check("at least" not in whole.talk and "told the rest" not in whole.talk, whole.talk)


