"""Programs that start, end, fork, jump and thread in every way there is."""

import glob
import os
import shutil
import signal
import subprocess
import time

from harness import PROGRAMS, Skip
from test_recover import is_open_in


def totals(process):
    return process["allocation_count"], process["free_count"], process["leaked_count"]


# ---- before and after main ---------------------------------------------------------------------


def test_blocks_made_before_main(test):
    recording = test.sound(test.same_as_native([test.program("before_main")]))
    test.equal("sizes", [row["size_bytes"] for row in recording.rows(
        "SELECT size_bytes FROM allocation ORDER BY born_ns")], [101, 102])
    test.equal("totals", totals(recording.process()), (2, 2, 0))


def test_blocks_freed_after_main(test):
    recording = test.sound(test.same_as_native([test.program("after_main")]))
    test.equal("totals", totals(recording.process()), (4, 4, 0))
    test.equal("in atexit", [row["size_bytes"] for row in recording.blocks_in("at_exit")], [201])
    test.equal("in a destructor", [row["size_bytes"] for row in recording.blocks_in("destruct")],
               [202])


def test_end(test, way, signal_number):
    command = [test.program("end_by"), way]
    recorded = test.same_as_native(command)
    recording = test.sound(recorded)
    blocks = recording.blocks_in("allocate")
    test.equal("blocks", len(blocks), 1000)
    test.equal("live blocks", sum(row["died_ns"] is None for row in blocks), 900)
    _, counts = test.counts(command)
    test.same_as_counter(recording, counts)
    run = recording.run
    if signal_number:
        test.equal("exit_signal", (run["exit_signal"], run["exit_status"]), (signal_number, None))
        test.equal("status", recorded.status, 128 + signal_number)
    else:
        test.equal("exit_status", (run["exit_signal"], run["exit_status"]),
                   (None, recorded.status))


test_end.cases = [(way, (way, signal_number)) for way, signal_number in (
    ("return", 0), ("exit", 0), ("_exit", 0), ("quick_exit", 0), ("abort", signal.SIGABRT),
    ("segv", signal.SIGSEGV), ("kill", signal.SIGKILL), ("trap", signal.SIGTRAP),
    ("pthread_exit", 0), ("thread:exit", 0), ("thread:_exit", 0), ("thread:segv", signal.SIGSEGV),
    ("thread:pthread_exit", 0))]


# ---- threads -----------------------------------------------------------------------------------


def test_thread_specific_destructors(test):
    recording = test.sound(test.same_as_native([test.program("key_destructors")]))
    blocks = recording.blocks_in("work")
    test.equal("blocks of work", (len(blocks), {row["size_bytes"] for row in blocks}), (8, {50}))
    test.equal("live", [row for row in blocks if row["died_ns"] is None], [])
    late = recording.blocks_in("destroy")
    test.equal("blocks of destructors", (len(late), {row["size_bytes"] for row in late}), (8, {51}))
    test.equal("live", [row for row in late if row["died_ns"] is None], [])


def test_cxx_thread_local_destructors(test):
    recording = test.sound(test.same_as_native([test.program("thread_local")]))
    blocks = [row for row in recording.blocks_in("work") if row["size_bytes"] in (77, 1000)]
    test.equal("blocks", len(blocks), 12)
    test.equal("live", [row for row in blocks if row["died_ns"] is None], [])
    for row in blocks:
        test.equal("freed by its own thread", row["freed_by_thread_id"], row["thread_id"])


def test_threads_in_turn(test):
    count = test.size(1000, 10000)
    recording = test.sound(test.same_as_native([test.program("threads_in_turn"), str(count)]))
    test.equal("blocks of work", recording.site_sum("allocation_count", "work"), 3 * count)
    test.equal("leaked", recording.site_sum("leaked_count", "work"), count)
    test.equal("leaked bytes", recording.site_sum("leaked_bytes", "work"), 33 * count)
    test.equal("threads", recording.value("SELECT count(*) FROM thread WHERE free_count = 2"), count)
    test.equal("errors", recording.value("SELECT count(*) FROM fault"), 0)
    test.whole_stacks(recording)


def test_threads_at_once(test):
    count = test.size(200, 500)
    recording = test.sound(test.same_as_native([test.program("threads_at_once"), str(count)]))
    test.equal("blocks of work", recording.site_sum("allocation_count", "work"), count * 101)
    test.equal("threads with 101 blocks",
               recording.value("SELECT count(*) FROM thread WHERE allocation_count = 101"), count)
    test.equal("leaked", recording.site_sum("leaked_count", "work"), count)
    test.whole_stacks(recording)


def test_more_threads_than_chunks(test):
    """Nobody waits for ever: what cannot be kept is counted as lost."""
    recorded = test.record([test.program("threads_at_once")], "--ring", "4M")
    test.equal("status", recorded.status, 0)
    lost = test.open(recorded).value("SELECT lost_event_count FROM run")
    test.check(lost > 0, "200 threads fit into fewer chunks without a loss")


def test_cross_thread_frees(test):
    count = test.size(100000, 2000000)
    recording = test.sound(test.same_as_native([test.program("cross_thread"), str(count)]))
    test.equal("blocks", recording.site_sum("allocation_count", "produce"), 2 * count)
    test.equal("leaked", recording.site_sum("leaked_count", "produce"), 0)
    test.equal("remote frees", recording.site_sum("remote_free_count", "produce"), 2 * count)
    test.equal("threads", sorted((row["allocation_count"], row["free_count"],
                                  row["remote_free_count"]) for row in recording.rows(
        "SELECT * FROM thread WHERE allocation_count + free_count >= ?", count)),
        [(0, count, count)] * 2 + [(count, 0, 0)] * 2)
    test.equal("frees that were not seen", recording.value(
        "SELECT count(*) FROM allocation WHERE free_kind = 'unseen'"), 0)
    test.equal("overlapping blocks at one address", overlap_count(recording), 0)


def overlap_count(recording):
    """Blocks that were born at an address while another block still lived there."""
    return recording.value(
        "SELECT count(*) FROM (SELECT born_ns, lag(died_ns) OVER (PARTITION BY process_id, address"
        " ORDER BY born_ns, died_ns) AS before FROM allocation) WHERE before > born_ns")


def test_temporaries(test):
    recording = test.sound(test.same_as_native([test.program("temporaries")]))

    def within(function, allocations):
        stacks = ",".join(map(str, recording.stacks_in(function)))
        return recording.value(f"SELECT coalesce(sum(free_count), 0) FROM temporary WHERE stack_id"
                               f" IN ({stacks}) AND within <= ?", allocations)

    test.equal("freed at once", within("truly_temporary", 0), 1000)
    # All but the last two, which are freed after the loop: within 2 and 3 allocations.
    test.equal("kept for three more, within 1", within("kept_for_three", 1), 2)
    test.equal("kept for three more, within 3", within("kept_for_three", 2), 1000)
    test.equal("freed elsewhere", [row for row in recording.blocks_in("freed_elsewhere")
                                   if row["size_bytes"] == 66
                                   and row["freed_by_thread_id"] == row["thread_id"]], [])
    handed_over = {row["stack_id"] for row in recording.blocks_in("freed_elsewhere")
                   if row["size_bytes"] == 66}
    test.equal("rows of temporary for them", recording.value(
        "SELECT count(*) FROM temporary WHERE stack_id = ?", handed_over.pop()), 0)


def test_cancelled_threads(test):
    recording = test.sound(test.same_as_native([test.program("cancel_threads")]))
    held = [row for row in recording.blocks_in("work") if row["size_bytes"] == 401]
    test.equal("held blocks", (len(held), sum(row["died_ns"] is None for row in held)), (10, 0))


def test_smallest_thread_stacks(test):
    recording = test.sound(test.same_as_native([test.program("small_stack")]))
    test.equal("blocks", recording.site_sum("allocation_count", "work"), 100)


def test_no_more_descriptors(test):
    recording = test.sound(test.same_as_native([test.program("no_descriptors")]))
    test.equal("blocks", recording.site_sum("allocation_count", "work"), 160)


def test_signal_storm(test):
    """Above an allocator that allows it, a handler may interrupt our code anywhere."""
    beneath = test.program("bump_malloc")
    recorded = test.record([test.program("signal_storm")], env={"LD_PRELOAD": beneath})
    test.equal("status", recorded.status, 0)
    handled = int(recorded.stdout.split()[1])
    recording = test.open(recorded)
    test.equal("problems", recording.problems(), [])
    lost = recording.run["lost_event_count"]
    seen = recording.site_sum("allocation_count", "handle")
    test.note(f"{handled} signals, {seen} of {2 * handled} blocks seen, {lost} events lost")
    test.check(seen <= 2 * handled, f"{seen} blocks of {2 * handled}")
    # An event that cannot be written must be counted: three events a signal.
    test.check(lost >= 2 * handled - seen, f"{2 * handled - seen} blocks lost but {lost} counted")
    own = [row for row in recording.rows(
        "SELECT size_bytes, count(*) AS n FROM allocation GROUP BY 1") if row["size_bytes"] == 100]
    test.equal("blocks of the program modulo its batches", own[0]["n"] % 400000, 0)
    test.check(beneath.split("/")[-1] in recording.process()["allocator"],
               f"the allocator beneath is said to be {recording.process()['allocator']}")


def test_timer_storm(test):
    """A thousand signals a second, whose handler allocates: every block of it is there."""
    recorded = test.record([test.program("timer_storm")])
    test.equal("status", recorded.status, 0)
    handled = int(recorded.stdout)
    test.check(handled > 100, f"only {handled} signals")
    test.equal("blocks of the handler",
               test.sound(recorded).site_sum("allocation_count", "handle"), handled)


# ---- processes ---------------------------------------------------------------------------------


def test_fork(test):
    recording = test.sound(test.same_as_native([test.program("fork_child")]))
    parent, child = recording.processes
    test.equal("start kinds", (parent["start_kind"], child["start_kind"]), ("run", "fork"))
    test.equal("the child's parent", child["parent_id"], parent["id"])
    test.equal("parent", totals(parent), (10, 10, 0))
    test.equal("child's blocks", (child["allocation_count"], child["leaked_count"]), (5, 3))
    test.equal("inherited frees", (parent["inherited_free_count"], child["inherited_free_count"]),
               (0, 6))
    test.equal("blocks of the child", [row["size_bytes"] for row in recording.blocks_in(
        "child_main", child["id"])], [81] * 5)


def test_fork_in_a_threaded_program(test):
    pairs = [] if test.is_long else ["8000"]
    recording = test.sound(test.same_as_native([test.program("fork_threaded"), *pairs]))
    children = [row for row in recording.processes if row["start_kind"] == "fork"]
    test.equal("children", len(children), 40)
    for child in children:
        test.equal("totals of a child", (child["allocation_count"], child["leaked_count"]), (3, 1))


def test_many_forks(test):
    count = test.size(200, 2000)
    recording = test.sound(test.same_as_native([test.program("fork_many"), str(count)]))
    children = [totals(row)[::2] for row in recording.processes if row["start_kind"] == "fork"]
    test.equal("children", len(children), count)
    test.equal("totals of a child", set(children), {(3, 1)})


def test_fork_tree(test):
    """Children of children to a depth of five, each with a block that its parent made."""
    recording = test.sound(test.same_as_native([test.program("fork_tree")]))
    depth_of = {}
    for row in recording.processes:
        depth_of[row["id"]] = depth_of[row["parent_id"]] + 1 if row["parent_id"] else 0
        test.equal("frees of a parent's block", row["inherited_free_count"],
                   1 if row["parent_id"] else 0)
        test.equal("allocations", row["allocation_count"], 5 if row["parent_id"] is None else 4)
    test.equal("processes at each depth", [list(depth_of.values()).count(depth)
                                           for depth in range(7)], [1, 2, 4, 8, 16, 32, 0])


def test_spawned_children(test):
    hello = test.program("hello")
    recording = test.sound(test.same_as_native([test.program("spawn_children"), hello]))
    children = [row for row in recording.processes if row["executable"] == hello]
    test.equal("children", [totals(row) for row in children], [(10, 7, 3)] * 3)
    _, counts = test.counts([test.program("spawn_children"), hello])
    test.same_as_counter(recording, counts)


def test_exec_of_itself(test):
    recording = test.sound(test.same_as_native([test.program("exec_self")]))
    test.equal("images", [(row["allocation_count"], row["allocated_bytes"])
                          for row in recording.processes],
               [(10 * k, 10 * k * k) for k in range(1, 5)])
    test.equal("one pid", len({row["pid"] for row in recording.processes}), 1)
    test.equal("how they ended", [row["end_kind"] for row in recording.processes],
               ["exec", "exec", "exec", "exited"])
    test.equal("exit_status", recording.run["exit_status"], 5)


def run_replaced(test, own, *arguments):
    """Records replaced_program, which loses its file once the recorder holds it."""
    path = test.path("replaced.db")
    child = subprocess.Popen([test.shared.allocaudit, "run", "-q", "-o", path, "--", own, *arguments],
                             stdin=subprocess.PIPE, env=test.environment(), cwd=test.scratch)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not is_open_in(own, child.pid):
        time.sleep(0.005)
    child.communicate(timeout=60)
    test.equal("status", child.returncode, 0)
    return test.sound(path)


def test_replaced_program(test, how):
    """It is built anew, replaced, or removed while it runs: all that it calls has the names that it had."""
    own = shutil.copy(test.program("replaced_program"), test.path("own"))
    new = {"same": own, "another": test.program("progress")}.get(how)
    recording = run_replaced(test, own, *([shutil.copy(new, test.path("new"))] if new else []))
    for function, caller in (("make_before", "main"), ("make_before", "work"),
                             ("make_after", "work"), ("make_after", "main")):
        test.equal(f"blocks of {function} in {caller}", len(
            [row for row in recording.blocks_in(caller)
             if recording.functions(row["stack_id"])[0] == function]), 1)
    test.equal("executable", recording.process()["executable"], own)
    test.equal("modules", recording.rows("SELECT path FROM module WHERE path LIKE ? || '%'", own), [{"path": own}])


test_replaced_program.cases = [("same", ("same",)), ("another", ("another",)), ("removed", (None,))]


def test_daemon(test):
    """The recording goes on until the last process of it has ended. A fork that allocates nothing has no row."""
    done = test.path("done")
    recorded = test.record([test.program("daemonize"), done])
    test.equal("status", recorded.status, 0)
    test.check(os.path.exists(done), "the recorder did not wait, or the daemon did not live")
    recording = test.sound(recorded)
    test.equal("blocks of each process", sorted(
        row["allocation_count"] for row in recording.processes), [0, 25])


def test_daemon_left_alone(test):
    """Told to stop while it waits, the recorder leaves the daemon unharmed."""
    done = test.path("done")
    out = test.path("daemon.db")
    run = subprocess.Popen([test.shared.allocaudit, "run", "-o", out, "--",
                            test.program("daemonize"), done, "3"], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, env=test.environment(), cwd=test.scratch)
    try:
        line = run.stderr.readline().decode()
        test.check("waiting" in line, f"said {line!r}")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
    finally:
        run.kill()
    test.check(not os.path.exists(done), "the recorder waited nevertheless")
    deadline = time.monotonic() + 10
    while not os.path.exists(done) and time.monotonic() < deadline:
        time.sleep(0.05)
    test.check(os.path.exists(done), "the daemon did not live to write its file")
    test.equal("status", run.returncode, 0)
    test.equal("problems", test.open(out).problems(), [])


def test_daemon_without_descriptors(test):
    """It has closed everything and forgotten its environment, before its first block."""
    done = test.path("done")
    recorded = test.record([test.program("daemon_closes_all"), done])
    test.equal("status", recorded.status, 0)
    test.check(os.path.exists(done), "the recorder did not wait, or the daemon did not live")
    test.equal("blocks of each process", sorted(
        row["allocation_count"] for row in test.sound(recorded).processes), [0, 25])


def test_children_can_be_left_out(test):
    hello = test.program("hello")
    recorded = test.same_as_native([test.program("spawn_children"), hello], "--follow", "no")
    recording = test.sound(recorded)
    test.equal("processes", [row["executable"].rsplit("/", 1)[-1] for row in recording.processes],
               ["spawn_children"])


def test_cleared_environment(test):
    recording = test.sound(test.same_as_native([test.program("clear_environment")]))
    first = recording.processes[0]
    test.equal("totals", totals(first), (10, 10, 0))


def test_closed_descriptors(test):
    recording = test.sound(test.same_as_native([test.program("close_fds")]))
    test.equal("totals", totals(recording.process()), (102, 101, 1))


# ---- stacks ------------------------------------------------------------------------------------


def test_stacks_after_longjmp(test):
    recording = test.sound(test.same_as_native([test.program("longjmp_frames")]))
    after = recording.blocks_in("after_jump")
    test.equal("blocks after the jump", len(after), 100)
    for stack_id in {row["stack_id"] for row in after}:
        test.equal("callers", recording.functions(stack_id)[:2], ["after_jump", "main"])
    depths = {}
    for row in recording.blocks_in("dive"):
        chain = recording.functions(row["stack_id"])
        depths[chain.index("main")] = depths.get(chain.index("main"), 0) + 1
    test.equal("frames above main", depths, {depth: 100 for depth in range(1, 22)})


def test_deep_recursion(test):
    recording = test.sound(test.same_as_native([test.program("deep_recursion")]))
    process = recording.process()
    test.equal("blocks", process["allocation_count"], 21)
    limit = recording.run["depth_limit"]
    for row in recording.rows("SELECT DISTINCT stack_id FROM allocation"):
        chain = recording.functions(row["stack_id"])
        frames = chain.count("descend")
        is_whole = "main" in chain
        is_cut = recording.chains()[row["stack_id"]][-1][2] is None
        test.check(is_whole != is_cut, f"{frames} frames: whole {is_whole}, said to be cut {is_cut}")
        if is_whole:
            test.equal("frames from 1 to 2001 by hundreds", frames % 100, 1)
        else:
            test.check(frames >= min(limit, 900), f"cut after {frames} frames, limit {limit}")


def test_depth_option(test):
    recording = test.sound(test.same_as_native([test.program("deep_recursion")], "--depth", "1024"))
    frames = sorted(recording.functions(row["stack_id"]).count("descend")
                    for row in recording.blocks_in("main"))
    test.equal("run.depth_limit", recording.run["depth_limit"] >= 1024, True)
    test.check(frames, "no stack reaches main")


def test_huge_frames(test):
    recording = test.sound(test.same_as_native([test.program("huge_frames")]))
    test.equal("frames above main", sorted(
        recording.functions(row["stack_id"]).index("main") for row in recording.blocks_in("main")),
        [1, 2, 3, 4, 5])


def test_coroutines(test):
    recording = test.sound(test.same_as_native([test.program("coroutines")]))
    blocks = recording.blocks_in("coroutine_step")
    test.equal("blocks", sorted(row["size_bytes"] for row in blocks), [300] * 50 + [301] * 50)
    for stack_id in {row["stack_id"] for row in blocks}:
        test.equal("callers", recording.functions(stack_id)[:2], ["coroutine_step", "coroutine_main"])
    (last,) = [row for row in recording.blocks_in("main") if row["size_bytes"] == 302]
    test.equal("back in main", recording.functions(last["stack_id"])[0], "main")


def test_many_stacks(test):
    recording = test.sound(test.same_as_native([test.program("many_stacks")]))
    test.equal("distinct stacks", recording.value("SELECT count(*) FROM site"), 100000)
    test.equal("most blocks of one stack",
               recording.value("SELECT max(allocation_count) FROM site"), 1)
    test.whole_stacks(recording, floor=1.0)


def test_realloc_chain_and_large_blocks(test):
    recording = test.sound(test.same_as_native([test.program("realloc_chain")]))
    test.equal("reallocs", recording.site_sum("realloc_count", "grow"), 16)
    stacks = ",".join(map(str, recording.stacks_in("grow")))
    test.equal("longest chain", recording.value(
        f"SELECT max(realloc_chain_max) FROM site WHERE stack_id IN ({stacks})"), 16)
    test.equal("large and short-lived",
               (recording.site_sum("large_short_lived_count", "large_and_short"),
                recording.site_sum("large_short_lived_bytes", "large_and_short")), (20, 4000000))


# ---- plugins -----------------------------------------------------------------------------------


def test_plugin_that_leaks(test):
    recording = test.sound(test.same_as_native(
        [test.program("dlopen_loop"), test.program("plugin_leak")]))
    blocks = recording.blocks_in("plugin_take")
    test.equal("blocks", (len(blocks), {row["size_bytes"] for row in blocks}), (50, {64}))
    for stack_id in {row["stack_id"] for row in blocks}:
        test.equal("callers", recording.functions(stack_id)[:3], ["plugin_take", "plugin_run", "main"])
    test.equal("leaked", recording.site_sum("leaked_count", "plugin_take"), 50)


def test_plugin_that_waits_for_a_thread(test):
    recording = test.sound(test.same_as_native(
        [test.program("dlopen_loop"), test.program("plugin_thread")], timeout=60))
    test.equal("blocks", recording.site_sum("allocation_count", "work"), 5000)


def test_thread_that_ends_while_its_plugin_is_unloaded(test):
    recording = test.sound(test.same_as_native(
        [test.program("dlopen_loop"), test.program("plugin_thread_exit")], timeout=60))
    blocks = recording.blocks_in("work")
    test.equal("blocks", len(blocks), 50)
    test.equal("live", [row for row in blocks if row["died_ns"] is None], [])


def test_exceptions_through_plugins(test):
    command = [test.program("exceptions"), test.program("plugin_throw")]
    recording = test.sound(test.same_as_native(command))
    _, counts = test.counts(command)
    test.same_as_counter(recording, counts)
    test.whole_stacks(recording)


# ---- what cannot be recorded ---------------------------------------------------------------------


def test_program_with_its_own_malloc(test):
    """It runs as ever, and nobody is told that it does not allocate."""
    recorded = test.same_as_native([test.program("own_malloc")])
    test.check("malloc" in recorded.talk, f"no word about its own malloc: {recorded.talk!r}")


def test_program_with_its_own_malloc_that_is_called_early(test):
    """Its first call to the kernel reaches us while it holds its lock: nothing we do then may allocate."""
    library = test.program("early_malloc")
    program = test.program("own_malloc", "-pthread", "-Wl,--no-as-needed", library)
    for options in ([], ["--mmap"], ["--policy", "pool"]):
        recorded = test.same_as_native([program], *options, timeout=20)
        test.check("brings its own malloc" in recorded.talk, f"{options}: {recorded.talk!r}")


def test_allocator_linked_in_under_another_name(test):
    recorded = test.same_as_native([test.program("prefixed_malloc")])
    test.check("je_malloc" in recorded.talk, f"no word of it: {recorded.talk!r}")
    test.equal("blocks of main", len(test.sound(recorded).blocks_in("main")), 10)


FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
MALLOC_NAMES = ("malloc", "calloc", "realloc", "free", "cfree", "memalign", "aligned_alloc", "posix_memalign",
                "valloc", "pvalloc", "malloc_usable_size")
STATIC_LIBRARIES = {"jemalloc": "je_", "tcmalloc_minimal": "tc2_"}


def archive_of(name):
    found = [path for folder in FOLDERS for path in glob.glob(f"{folder}/lib{name}.a")]
    if not found:
        raise Skip(f"lib{name}.a is not installed")
    return found[0]


def test_allocator_linked_in_as_malloc(test, name):
    """The real one, statically: it runs as ever, and nothing takes it for a program that allocates nothing."""
    program = test.program("beside_malloc", "-DTAKE=malloc", "-DGIVE=free", "-pthread", archive_of(name),
                           "-lstdc++", "-lm")
    recorded = test.same_as_native([program])
    test.check("brings its own malloc" in recorded.talk, f"no word of it: {recorded.talk!r}")
    test.equal("column", test.sound(recorded).process()["is_malloc_replaced"], 1)
    test.check("brings its own malloc" in test.allocaudit("report", recorded.path).stdout.decode(), "report is silent")
    gate = test.allocaudit("gate", "--max-leaks", "0", recorded.path)
    test.equal("status of gate", gate.status, 3)
    test.check("own malloc, which was not seen" in gate.talk, f"{gate}")
    test.same_as_native([program], "--mmap")


test_allocator_linked_in_as_malloc.cases = [(name, (name,)) for name in STATIC_LIBRARIES]


def test_allocator_linked_in_under_a_prefix(test, name, is_stripped):
    """The real one with all of malloc's names changed: malloc itself is recorded, and what is not is named."""
    prefix = STATIC_LIBRARIES[name]
    archive = test.path("prefixed.a")
    words = [word for function in MALLOC_NAMES for word in ("--redefine-sym", f"{function}={prefix}{function}")]
    ended = test.run([test.need("objcopy"), *words, archive_of(name), archive])
    test.equal(f"status of {ended}", ended.status, 0)
    program = test.shared.build_program(
        os.path.join(PROGRAMS, "beside_malloc.c"),
        [f"-DTAKE={prefix}malloc", f"-DGIVE={prefix}free", "-pthread", archive, "-lstdc++", "-lm"]
        + (["-s"] if is_stripped else []), f"{name}{is_stripped}")
    recorded = test.same_as_native([program])
    said = name.split("_")[0] + " linked in" if is_stripped else "with the function"
    test.check(said in recorded.talk, f"no word of it: {recorded.talk!r}")
    recording = test.sound(recorded)
    test.equal("column", recording.process()["is_malloc_replaced"], 0)
    test.equal("blocks of malloc", recording.value("SELECT count(*) FROM allocation WHERE size_bytes = 33"), 10)
    test.equal("blocks of the other", recording.value("SELECT count(*) FROM allocation WHERE size_bytes = 32"), 0)


test_allocator_linked_in_under_a_prefix.cases = [
    (f"{name}, stripped" if is_stripped else name, (name, is_stripped))
    for name in STATIC_LIBRARIES for is_stripped in (False, True)]


def test_allocator_called_by_its_own_names(test):
    """A library's mi_malloc, beside malloc, which that library serves, too."""
    libraries = [path for folder in FOLDERS for path in glob.glob(f"{folder}/libmimalloc.so.[0-9]*")]
    if not libraries:
        raise Skip("mimalloc is not installed")
    program = test.program("beside_malloc", "-DTAKE=mi_malloc", "-DGIVE=mi_free", min(libraries, key=len))
    recorded = test.same_as_native([program])
    test.check("calls mi_malloc" in recorded.talk, f"no word of it: {recorded.talk!r}")
    test.equal("blocks of malloc", len([row for row in test.sound(recorded).blocks_in("main")
                                        if row["size_bytes"] == 33]), 10)


def test_linked_allocator(test, name):
    """A program that is linked with another allocator runs on it, and all is recorded."""
    libraries = [path for folder in FOLDERS for path in glob.glob(f"{folder}/lib{name}*.so.[0-9]*")]
    if not libraries:
        raise Skip(f"{name} is not installed")
    library = min(libraries, key=len)
    program = test.program("hello", "-Wl,--no-as-needed", library)
    recording = test.sound(test.same_as_native([program]))
    blocks = [row["size_bytes"] for row in recording.blocks_in("main")]
    test.equal("blocks of main", len(blocks), 10)
    test.check(name in recording.process()["allocator"],
               f"the allocator is said to be {recording.process()['allocator']}")


test_linked_allocator.cases = [(name, (name,)) for name in ("jemalloc", "tcmalloc_minimal", "mimalloc")]


def test_unwinders_agree(test):
    """The self-check: every fast stack against libunwind's, without a difference."""
    command = ["/usr/bin/perl", "-e", "my %h; $h{$_} = [$_] for 1..3000; print scalar(keys %h)"]
    if not os.path.exists(command[0]):
        raise Skip("perl is not installed")
    fast = test.open(test.record(command, env={"PERL_HASH_SEED": "0"}))
    slow = test.open(test.record(command, "--unwind", "libunwind", env={"PERL_HASH_SEED": "0"}))
    query = "SELECT count(*), sum(allocation_count), sum(allocated_bytes) FROM site"
    shapes = [[tuple(row) for row in recording.connection.execute(query)] for recording in (fast, slow)]
    test.equal("distinct stacks and totals, fast and libunwind", shapes[0], shapes[1])
