"""The sample apps: what their READMEs promise is what a recording says."""

import os
import re


def record(test, name, *arguments, extra_allocations=0):
    """Records an app and compares the totals with those that it counted itself."""
    recorded = test.same_as_native([test.sample_app(name), *arguments])
    test.equal("status", recorded.status, 0)
    found = re.search(r"allocations: (\d+), leaked: (\d+) blocks, (\d+) bytes", recorded.stdout.decode())
    recording = test.sound(recorded)
    process = recording.process()
    allocations, leaked, leaked_bytes = map(int, found.groups())
    test.equal("allocation_count", process["allocation_count"], allocations + extra_allocations)
    if extra_allocations == 0:
        test.equal("leaks", (process["leaked_count"], process["leaked_bytes"]), (leaked, leaked_bytes))
    test.whole_stacks(recording)
    return recording


def test_leaky_server(test):
    recording = record(test, "leaky_server")
    test.equal("allocation_count", recording.run["allocation_count"], 5100)
    leaks = recording.rows("SELECT stack_id, leaked_count, leaked_bytes FROM site"
                           " WHERE leaked_count > 0 ORDER BY leaked_bytes DESC")
    test.equal("leaks", [(row["leaked_count"], row["leaked_bytes"]) for row in leaks],
               [(100, 2400), (100, 1200)])
    for row in leaks:
        chain = recording.functions(row["stack_id"])
        place = chain.index("session_open")
        test.equal("callers", chain[place:place + 3], ["session_open", "handle_request", "main"])
    test.equal("reallocs", recording.site_sum("realloc_count", "response_render"), 200)


def test_leaky_server_sizes(test):
    recording = record(test, "leaky_server", "--requests", "30000", "--leak-every", "7")
    test.equal("leaked_count", recording.run["leaked_count"], 2 * (30000 // 7))


def test_game_loop(test):
    recording = record(test, "game_loop")
    for function, count, sizes in (("particle_spawn", 6000, (32, 32)), ("bullet_spawn", 1000, (32, 32)),
                                   ("enemy_spawn", 100, (96, 96)), ("frame_draw", 1000, None)):
        test.equal(function, recording.site_sum("allocation_count", function), count)
        if sizes:
            stacks = ",".join(map(str, recording.stacks_in(function)))
            test.equal(f"sizes of {function}", tuple(recording.connection.execute(
                f"SELECT min(size_min_bytes), max(size_max_bytes) FROM site WHERE stack_id IN ({stacks})"
            ).fetchone()), sizes)
    stacks = ",".join(map(str, recording.stacks_in("frame_draw")))
    test.equal("temporary draw lists", recording.value(
        f"SELECT sum(free_count) FROM temporary WHERE within = 0 AND stack_id IN ({stacks})"), 1000)


def test_session_server(test):
    recording = record(test, "session_server", "--requests", "6000")
    for function, count in (("page_render", 1200), ("cache_fill", 12000)):
        test.equal(function, recording.site_sum("allocation_count", function), count)
    test.equal("pages at a time", recording.value(
        f"SELECT sum(live_count_max) FROM site WHERE stack_id IN"
        f" ({','.join(map(str, recording.stacks_in('page_render')))})"), 2)


def test_parser(test):
    recording = record(test, "parser")
    for function, count in (("value_create", 9001), ("parse_text", 9000), ("members_grow", 5009),
                            ("document_generate", 1)):
        test.equal(function, recording.site_sum("allocation_count", function), count)
    test.equal("longest chain", recording.value("SELECT max(realloc_chain_max) FROM site"), 8)


def test_worker_pool(test):
    recording = record(test, "worker_pool", extra_allocations=4)
    for function, count in (("job_create", 2000), ("job_work", 1000)):
        test.equal(function, (recording.site_sum("allocation_count", function),
                              recording.site_sum("remote_free_count", function),
                              recording.site_sum("leaked_count", function)), (count, count, 0))
    test.equal("made by the workers", recording.value(
        "SELECT sum(allocation_count) FROM thread WHERE free_count > 0 AND id <> (SELECT id FROM thread"
        " ORDER BY allocation_count DESC LIMIT 1)"), 1000)
    stacks = ",".join(map(str, recording.stacks_in("job_create") | recording.stacks_in("job_work")))
    test.equal("temporary blocks", recording.value(
        f"SELECT coalesce(sum(free_count), 0) FROM temporary WHERE stack_id IN ({stacks})"), 0)


def test_fragmenter(test):
    recording = record(test, "fragmenter")
    test.equal("buffers", (recording.site_sum("allocation_count", "buffer_fill"),
                           recording.site_sum("live_count_max", "buffer_fill")), (25600, 512))
    test.equal("records", (recording.site_sum("allocation_count", "record_keep"),
                           recording.site_sum("live_count_max", "record_keep")), (3200, 3200))


def test_message_store(test):
    recording = record(test, "message_store")
    test.equal("sites", recording.rows(
        "SELECT allocation_count, live_count_max FROM site ORDER BY allocation_count DESC, live_count_max"),
        [{"allocation_count": 5000, "live_count_max": 64}] * 2
        + [{"allocation_count": 1, "live_count_max": 1}])
    test.equal("peak_bytes", recording.run["peak_bytes"], 14754)


def test_help(test, name):
    ended = test.run([test.sample_app(name), "--help"])
    test.equal("status", ended.status, 0)
    test.check(b"usage: " + name.encode() in ended.stdout, f"no usage line: {ended}")
    test.equal("a wrong option", test.run([test.sample_app(name), "--no-such"]).status, 2)


test_help.cases = [(name, (name,)) for name in (
    "leaky_server", "game_loop", "parser", "worker_pool", "fragmenter", "message_store", "control_loop",
                "sensor_node")]


def test_control_loop(test):
    recording = record(test, "control_loop")
    for function, count in (("message_read", 120000), ("block_renew", 2400)):
        test.equal(function, recording.site_sum("allocation_count", function), count)


def test_control_loop_writes_its_calls(test):
    path = test.path("calls")
    ended = test.run([test.sample_app("control_loop"), "--ticks", "1000", "--calls", path])
    test.equal("status", ended.status, 0)
    allocations = int(re.search(rb"allocations: (\d+)", ended.stdout)[1])
    frees = os.path.getsize(path) // 4 - (allocations - 1)  # the table of times is not in it
    test.check(0 < frees < allocations, f"{frees} frees of {allocations}")


def test_sensor_node(test):
    recording = record(test, "sensor_node")
    for function, count in (("reading_add", 100000), ("packet_make", 6250), ("alarm_note", 1111),
                            ("update_take", 66)):
        test.equal(function, recording.site_sum("allocation_count", function), count)
    ended = test.run([test.sample_app("sensor_node"), "--figures"])
    private_kib = int(re.search(rb"private_kib most (\d+)", ended.stdout)[1])
    test.check(110 < private_kib < 4000, f"{private_kib} KiB")
