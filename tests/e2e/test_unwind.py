"""Call stacks against what other unwinders see, over real programs and over hard cases."""

import glob
import os
import re
import shutil
import sys
import threading

from harness import ROOT, Skip

sys.path.append(os.path.join(ROOT, "tests", "bench"))

import workload  # noqa: E402  (found through the line above)
import workloads  # noqa: E402

CHECK = {"ALLOCAUDIT_CHECK_UNWIND": "1"}


class Verdict:
    """The line that the self-check ends with."""

    def __init__(self, ended):
        found = re.search(r"unwind check: (\d+) stacks compared, (\d+) different(.*)", ended.talk)
        if found is None:
            raise AssertionError(f"no word of the self-check: {ended}")
        self.compared = int(found.group(1))
        self.different = int(found.group(2))
        rest = dict(reversed(part.strip().split(" ", 1)) for part in found.group(3).split(",") if part)
        self.early = int(rest.pop("where libunwind ended early", 0))
        self.alone = int(rest.pop("where libunwind stood alone against libgcc", 0))
        self.unfinished = int(rest.pop("where allocaudit ended early in [unknown]", 0))
        self.guessed = int(rest.pop("where libunwind guessed on behind code without unwind data", 0))
        self.skipped = int(rest.pop("not compared", 0))
        if rest:
            raise AssertionError(f"unknown words: {rest}")


def check_stacks(test, command, *options, status=0, env=None, **run_options):
    """Records with the self-check, which must find no difference. Returns (recording, verdict)."""
    ended = test.record(command, *options, env={**(env or {}), **CHECK}, **run_options)
    verdict = Verdict(ended)
    test.equal(f"different stacks: {ended.talk}", verdict.different, 0)
    test.equal(f"status: {ended}", ended.status, status)
    test.check(verdict.compared > 0, f"nothing was compared: {ended.talk}")
    return test.open(ended), verdict


# ---- real programs -------------------------------------------------------------------------------


def test_real_program(test, name):
    inputs = workload.Inputs(test.path("inputs"), None, is_quick=not test.is_long)
    try:
        work = dict(workloads.REAL_MAKERS)[name](inputs)
    except workload.Missing as missing:
        raise Skip(str(missing)) from None
    if work.prepare is not None:
        work.prepare()
    stdin = b""
    if work.stdin is not None:
        with open(work.stdin, "rb") as file:
            stdin = file.read()
    has_ended = threading.Event()
    driver = threading.Thread(target=work.drive, args=(has_ended.is_set,)) if work.drive else None
    if driver is not None:
        driver.start()
    try:
        recording, verdict = check_stacks(test, work.command, env=work.env, cwd=work.cwd,
                                          stdin=stdin, timeout=900)
    finally:
        has_ended.set()
        if driver is not None:
            driver.join()
    test.check(verdict.compared + verdict.skipped >= recording.run["allocation_count"],
               f"{verdict.compared} stacks compared of {recording.run['allocation_count']} allocations")
    test.equal("where either ended in [unknown]", (verdict.unfinished, verdict.guessed), (0, 0))
    test.note(f"{verdict.compared} stacks, {verdict.early} early, {verdict.alone} alone, "
              f"{verdict.skipped} skipped")


test_real_program.cases = [(name, (name,)) for name, _ in workloads.REAL_MAKERS]


# ---- the self-check itself -------------------------------------------------------------------------


def wrong_libunwind(test, *broken):
    """An environment in which libunwind is wrong now and then; `broken` libraries cannot be loaded."""
    paths = glob.glob("/usr/lib/*/libunwind.so.8")
    if not paths:
        raise Skip("libunwind is not installed")
    os.mkdir(test.path("lib"))
    shutil.copy(test.program("wrong_libunwind"), test.path("lib", "libunwind.so.8"))
    for name in broken:
        test.write(f"lib/{name}", "this is no library")
    return {"LD_LIBRARY_PATH": test.path("lib"), "LIBUNWIND_PATH": paths[0], **CHECK}


def test_difference_is_told(test):
    """Without libgcc to decide between the two, it is our stack that counts as different."""
    env = wrong_libunwind(test, "libgcc_s.so.1")
    ended = test.record([test.program("frame_shapes"), "own"], env=env)
    verdict = Verdict(ended)
    test.equal("status", ended.status, 125)
    test.check(verdict.compared >= 20000, f"{verdict.compared} compared")
    # Each seventh answer is wrong, and of the others each eleventh.
    share = verdict.different / verdict.compared
    test.check(abs(share - (1 / 7 + 6 / 77)) < 0.01, f"{share:.2%} different")
    test.equal(f"pairs shown that differ at a frame of libc: {ended.talk}",
               [len(re.findall(f"{whose} +[0-9]+> libc.so.6\\+0x", ended.talk))
                for whose in ("allocaudit", "libunwind")], [2, 0])
    test.check(" __libc_start_main_impl" in ended.talk and "> (ends)" in ended.talk, ended.talk)
    test.equal("the program's own status goes first",
               test.record(["/bin/false"], env=env).status, 1)


def test_libunwind_that_is_wrong(test):
    """libgcc confirms our stacks: then nothing is different."""
    ended = test.record([test.program("frame_shapes")], env=wrong_libunwind(test))
    verdict = Verdict(ended)
    test.equal("status", ended.status, 0)
    test.equal("different", verdict.different, 0)
    test.check(verdict.alone > 1000 and verdict.early > 500,
               f"{verdict.alone} alone, {verdict.early} early")


def test_no_libunwind(test):
    os.mkdir(test.path("lib"))
    test.write("lib/libunwind.so.8", "this is no library")
    ended = test.record([test.program("coroutines")], env={"LD_LIBRARY_PATH": test.path("lib"), **CHECK})
    test.equal("status", ended.status, 125)
    test.check("is libunwind.so.8 there?" in ended.talk, ended.talk)


def test_wrong_use_of_the_check(test):
    for env, options in (({"ALLOCAUDIT_CHECK_UNWIND": "yes"}, []),
                         (CHECK, ["--unwind", "fp"]), (CHECK, ["--unwind", "libunwind"])):
        ended = test.record(["true"], *options, env=env)
        test.equal("status", ended.status, 2)
        test.check("ALLOCAUDIT_CHECK_UNWIND" in ended.talk, ended.talk)
        test.equal("lines", len(ended.talk.splitlines()), 1)
    for text in ("", "0"):
        ended = test.record(["true"], env={"ALLOCAUDIT_CHECK_UNWIND": text})
        test.check("unwind check" not in ended.talk and ended.status == 0, f"{ended}")


# ---- programs of tests/programs ------------------------------------------------------------------


def test_stacks_of(test, name, arguments, status=0):
    command = [test.program(name), *(test.program(argument) if argument.startswith("plugin_") else argument
                                     for argument in arguments)]
    _, verdict = check_stacks(test, command, status=status)
    test.equal("early, alone, unfinished, guessed",
               (verdict.early, verdict.alone, verdict.unfinished, verdict.guessed), (0, 0, 0, 0))
    test.note(f"{verdict.compared} stacks")


test_stacks_of.cases = [(" ".join([name, *arguments]), (name, arguments, *status))
                        for name, arguments, *status in (
    ("frame_shapes", []), ("frame_shapes", ["own"]), ("coroutines", []), ("stack_switch", []),
    ("vfork_child", []), ("longjmp_frames", []), ("deep_recursion", []), ("huge_frames", []),
    ("many_stacks", []), ("signal_frames", ["same", "raise"]), ("signal_frames", ["above", "raise"]),
    ("cancel_threads", []), ("threads_at_once", []), ("threads_in_turn", ["300"]),
    ("thread_local", []), ("exceptions", ["plugin_throw"]), ("dlopen_loop", ["plugin_leak"]),
    ("fork_child", [], 4), ("fork_threaded", []), ("exec_self", [], 5), ("operators", []))]


def chains(recording, function):
    """The distinct chains of functions below which `function` allocated, from it outward."""
    return {tuple(recording.functions(stack_id)) for stack_id in recording.stacks_in(function)}


def test_fp_equals_auto(test):
    """Where all code keeps a frame pointer, following it gives the same stacks up to main's caller."""
    command = [test.program("frame_shapes", "-fno-omit-frame-pointer"), "own"]
    found = []
    for unwind in ("auto", "fp"):
        recording = test.sound(test.record(command, "--unwind", unwind))
        test.equal("run.unwind", recording.run["unwind"], unwind)
        counts = {}
        by_stack = dict(recording.connection.execute(
            "SELECT stack_id, sum(allocation_count) FROM site GROUP BY 1"))
        for stack_id, chain in recording.chains().items():
            if "main" in [name for name, _, _ in chain]:
                end = [name for name, _, _ in chain].index("main") + 1
                key = tuple(chain[:end])
                counts[key] = counts.get(key, 0) + by_stack[stack_id]
        found.append(counts)
    test.check(len(found[0]) > 5000, f"only {len(found[0])} distinct stacks")
    test.check(found[0] == found[1],
               f"{len(found[0].items() ^ found[1].items())} of {len(found[0])} stacks differ")


def test_code_without_unwind_data(test):
    recording, verdict = check_stacks(test, [test.program("bare_frames")])
    test.equal("compared", verdict.compared, 30)
    test.equal("chains of call_bare", chains(recording, "take_bare"),
               {("take_bare", "call_bare", "[unknown]")})
    test.equal("with a frame pointer", chains(recording, "take_bare_with_frame"),
               {("take_bare_with_frame", "call_bare_with_frame", "[unknown]")})
    for chain in chains(recording, "take_made"):
        test.check(len(chain) == 3 and chain[1].startswith("[anonymous]") and chain[2] == "[unknown]",
                   f"{chain}")
    for size in (31, 32, 33):
        test.equal(f"blocks of {size}", recording.value(
            "SELECT count(*) FROM allocation WHERE size_bytes = ?", size), 10)


def test_coroutines_are_whole(test):
    recording = test.sound(test.same_as_native([test.program("coroutines")]))
    for chain in chains(recording, "coroutine_step"):
        test.equal("frames", chain[:2], ("coroutine_step", "coroutine_main"))
        test.check(len(chain) == 3 and "[unknown]" not in chain, f"{chain}")
    for stack_id in recording.stacks_in("coroutine_step"):
        module = recording.chains()[stack_id][-1][1]
        test.check(module.endswith("/libc.so.6"), f"the root lies in {module}")


def test_stack_switches(test):
    recording = test.sound(test.same_as_native([test.program("stack_switch")]))
    for chain in chains(recording, "take_linked"):
        test.equal("across", chain[:3], ("take_linked", "switch_and_link", "main"))
        test.check("[unknown]" not in chain, f"{chain}")
    test.equal("to the end", chains(recording, "take_ended"), {("take_ended", "switch_and_end")})


def test_module_replaced(test):
    """Another plugin at the same address: what was remembered of the first is forgotten."""
    plugins = [test.program("plugin_small_frame"), test.program("plugin_large_frame")]
    ended = test.record([test.program("replaced_module"), *plugins], env=CHECK)
    verdict = Verdict(ended)
    test.equal(f"different: {ended.talk}", (ended.status, verdict.different), (0, 0))
    test.check(int(ended.stdout) > 10, f"only {int(ended.stdout)} plugins lay where another had been")
    recording = test.sound(ended)
    blocks = recording.blocks_in("plugin_take")
    test.equal("blocks", len(blocks), 200)
    test.equal("plugins", len({recording.chains()[row["stack_id"]][0][1] for row in blocks}), 2)
    for chain in chains(recording, "plugin_take"):
        test.equal("frames", chain[:4], ("plugin_take", "plugin_call", "plugin_run", "main"))


def test_resolver_that_allocates(test):
    """It is called by the loader while a call is being bound: the stack is right, or ends cleanly."""
    command = [test.program("dlopen_loop"), test.program("plugin_ifunc"), "lazy"]
    recording, _ = check_stacks(test, command)
    test.equal("blocks of the resolver", len(recording.blocks_in("choose_answer")), 50)
    for chain in chains(recording, "choose_answer"):
        test.check("main" in chain or chain[-1] == "[unknown]", f"{chain}")
    test.equal("blocks of the chosen function", len(recording.blocks_in("answer")), 100)
    for chain in chains(recording, "answer"):
        test.equal("frames", chain[:3], ("answer", "plugin_run", "main"))


def test_resolver_at_start(test, *flags):
    """It is called while the program is being relocated, before our constructor."""
    recording = test.sound(test.same_as_native([test.program("ifunc_start", *flags)]))
    test.equal("blocks", recording.rows(
        "SELECT size_bytes, count(*) AS n FROM allocation GROUP BY 1"),
        [{"size_bytes": 51, "n": 1}, {"size_bytes": 52, "n": 2}])
    for chain in chains(recording, "choose_answer"):
        test.check(len(chain) > 1 and chain[0] == "choose_answer", f"{chain}")


test_resolver_at_start.cases = [("lazy", ("-Wl,-z,lazy",)), ("now", ("-Wl,-z,now",))]


def test_signals_counted_exactly(test, stack):
    """Handlers that interrupt malloc itself, on the same stack and on one just above it."""
    command = [test.program("signal_frames"), stack, "any"]
    beneath = {"LD_PRELOAD": test.program("bump_malloc")}
    recorded = test.record(command, env=beneath)
    test.equal("status", recorded.status, 0)
    handled, _, allocated = map(int, recorded.stdout.split())
    recording = test.open(recorded)
    test.equal("problems", recording.problems(), [])
    test.equal("lost", recording.run["lost_event_count"], 0)
    of_size = dict(recording.connection.execute(
        "SELECT size_bytes, count(*) FROM allocation WHERE size_bytes IN (60, 61) GROUP BY 1"))
    test.equal("blocks of the thread and of its handler", of_size, {60: allocated, 61: handled})
    _, verdict = check_stacks(test, command, env=beneath)
    test.note(f"{handled} signals, {verdict.compared} stacks compared, "
              f"{verdict.unfinished} unfinished")


test_signals_counted_exactly.cases = [("same", ("same",)), ("above", ("above",))]


def test_signals_in_the_first_call_of_a_thread(test):
    """It finds the thread's state half made: none of the handler's blocks may be taken for ours, or lost."""
    recorded = test.record([test.program("signal_first_call")], env={"LD_PRELOAD": test.program("bump_malloc")})
    made, handled = map(int, recorded.stdout.split())
    recording = test.open(recorded)
    test.equal("problems", recording.problems(), [])
    test.equal("of the threads and of the handler", dict(recording.connection.execute(
        "SELECT size_bytes, count(*) FROM allocation WHERE size_bytes IN (60, 61) GROUP BY 1")), {60: made, 61: handled})
    test.note(f"{handled} signals")


def test_raised_signals(test, stack):
    recording = test.sound(test.same_as_native([test.program("signal_frames"), stack, "raise"]))
    for function, size in (("handle_outer", 61), ("handle_inner", 62), ("work", 60)):
        found = [row for row in recording.blocks_in(function) if row["size_bytes"] == size]
        test.equal(f"blocks of {function}", len(found), 200)
    for chain in chains(recording, "handle_inner"):
        if chain[0] == "handle_inner":
            places = [chain.index(name) for name in ("handle_inner", "handle_outer", "work", "run")]
            test.check(places == sorted(places), f"{chain}")


test_raised_signals.cases = [("same", ("same",)), ("above", ("above",))]


def test_vfork(test):
    recording = test.sound(test.same_as_native([test.program("vfork_child")]))
    process = recording.process()
    test.equal("totals", (process["allocation_count"], process["free_count"]), (30, 30))
    for chain in chains(recording, "take_in_child"):
        test.equal("frames", chain[:2], ("take_in_child", "main"))


def test_smashed_stack(test, unwind):
    """Whatever stands in the place of return addresses: no fault, and what was found is recorded."""
    recording = test.sound(test.same_as_native([test.program("smashed_stack")], "--unwind", unwind,
                                               timeout=300))
    children = [row for row in recording.processes if row["start_kind"] == "fork"]
    test.equal("children", len(children), 96)
    test.equal("their blocks", {row["allocation_count"] for row in children}, {3})
    for chain in recording.chains().values():
        test.equal("the innermost function", chain[0][0], "smash")


test_smashed_stack.cases = [("auto", ("auto",)), ("fp", ("fp",))]


def test_smashed_stack_beside_a_gap(test, unwind):
    """Two stacks of one thread are not taken for one: what lies between them is not read."""
    recording = test.sound(test.same_as_native([test.program("smashed_gap")], "--unwind", unwind))
    test.equal("blocks", [row["size_bytes"] for row in recording.rows(
        "SELECT size_bytes FROM allocation ORDER BY id")], [21, 22, 23])
    if unwind == "auto":
        test.check(any(chain[0] == "smash" and chain[-1] == "[unknown]"
                       for chain in chains(recording, "smash")), f"{chains(recording, 'smash')}")


test_smashed_stack_beside_a_gap.cases = [("auto", ("auto",)), ("fp", ("fp",))]
