"""Each way to allocate and to free: kind, size, alignment, and what the totals say."""

PAGE_BYTES = 4096


def one_block(test, recording, function, kind, size, free_kind, alignment=None):
    blocks = recording.blocks_in(function)
    test.equal(f"blocks of {function}", len(blocks), 1)
    block = blocks[0]
    for column, wanted in (("kind", kind), ("size_bytes", size), ("free_kind", free_kind),
                           ("alignment", alignment)):
        test.equal(f"{function}: {column}", block[column], wanted)
    test.check(block["died_ns"] >= block["born_ns"], f"{function}: died before it was born")
    if alignment:
        test.equal(f"{function}: address modulo its alignment", block["address"] % alignment, 0)


def test_c_functions(test):
    recorded = test.record([test.program("entry_points")])
    test.equal("status", recorded.status, 0)
    recording = test.sound(recorded)
    one_block(test, recording, "case_malloc", "malloc", 100, "free")
    one_block(test, recording, "case_calloc", "calloc", 21, "free")
    one_block(test, recording, "case_realloc_null", "realloc", 33, "free")
    one_block(test, recording, "case_reallocarray", "reallocarray", 45, "free")
    one_block(test, recording, "case_memalign", "memalign", 200, "free", 64)
    one_block(test, recording, "case_aligned_alloc", "aligned_alloc", 256, "free", 128)
    one_block(test, recording, "case_posix_memalign", "posix_memalign", 300, "free", 256)
    one_block(test, recording, "case_valloc", "valloc", 50, "free", PAGE_BYTES)
    one_block(test, recording, "case_pvalloc", "pvalloc", 60, "free", PAGE_BYTES)
    one_block(test, recording, "case_cfree", "malloc", 70, "cfree")
    one_block(test, recording, "case_free_sized", "malloc", 71, "free_sized")
    one_block(test, recording, "case_free_aligned_sized", "aligned_alloc", 192,
              "free_aligned_sized", 64)
    first, second = recording.blocks_in("case_realloc")
    test.equal("the block before realloc", (first["kind"], first["size_bytes"], first["free_kind"]),
               ("malloc", 10, "realloc"))
    test.equal("the block after realloc", (second["kind"], second["size_bytes"], second["free_kind"]),
               ("realloc", 1000, "free"))
    test.equal("realloc_of_id", second["realloc_of_id"], first["id"])


def test_cxx_operators(test):
    recorded = test.record([test.program("operators")])
    test.equal("status", recorded.status, 0)
    recording = test.sound(recorded)
    one_block(test, recording, "case_new", "new", 10, "delete")
    one_block(test, recording, "case_new_sized_delete", "new", 11, "delete")
    one_block(test, recording, "case_new_nothrow", "new", 12, "delete")
    one_block(test, recording, "case_new_aligned", "new", 13, "delete", 64)
    one_block(test, recording, "case_new_aligned_sized", "new", 14, "delete", 64)
    one_block(test, recording, "case_new_aligned_nothrow", "new", 15, "delete", 64)
    one_block(test, recording, "case_array", "new[]", 20, "delete[]")
    one_block(test, recording, "case_array_sized_delete", "new[]", 21, "delete[]")
    one_block(test, recording, "case_array_nothrow", "new[]", 22, "delete[]")
    one_block(test, recording, "case_array_aligned", "new[]", 23, "delete[]", 64)
    one_block(test, recording, "case_array_aligned_sized", "new[]", 24, "delete[]", 64)
    one_block(test, recording, "case_array_aligned_nothrow", "new[]", 25, "delete[]", 64)
    one_block(test, recording, "case_mismatch_free", "new", 30, "free")
    one_block(test, recording, "case_mismatch_delete", "malloc", 31, "delete")
    one_block(test, recording, "case_mismatch_array", "new[]", 32, "delete")
    test.equal("failed calls", recording.process()["failed_count"], 2)


def test_cxx_operators_counted_once(test):
    command = [test.program("operators")]
    recording = test.sound(test.same_as_native(command))
    _, counts = test.counts(command)
    test.same_as_counter(recording, counts)


def test_failed_calls(test):
    command = [test.program("failures")]
    recording = test.sound(test.same_as_native(command))
    process = recording.process()
    test.equal("allocation_count", process["allocation_count"], 1)
    test.equal("free_count", process["free_count"], 1)
    test.equal("failed_count", process["failed_count"], 6)
    test.equal("peak_bytes", process["peak_bytes"], 16)


def test_realloc_forms(test):
    command = [test.program("realloc_forms")]
    recording = test.sound(test.same_as_native(command))
    grown = recording.blocks_in("grow")
    test.equal("sizes that grow", [row["size_bytes"] for row in grown],
               [16 << step for step in range(11)])
    for older, newer in zip(grown, grown[1:]):
        test.equal("realloc_of_id", newer["realloc_of_id"], older["id"])
    (shrunk,) = recording.blocks_in("shrink")
    test.equal("shrunk", (shrunk["size_bytes"], shrunk["free_kind"]), (100, "realloc"))
    test.equal("blocks made by realloc to 0", recording.blocks_in("to_zero"), [])
    process = recording.process()
    test.equal("totals", (process["allocation_count"], process["free_count"],
                          process["leaked_count"]), (14, 14, 0))


def test_malloc_of_zero_bytes(test):
    recording = test.sound(test.same_as_native([test.program("malloc_zero")]))
    process = recording.process()
    test.equal("totals", (process["allocation_count"], process["free_count"],
                          process["allocated_bytes"], process["leaked_count"],
                          process["leaked_bytes"]), (4, 3, 0, 1, 0))


def test_block_sizes_are_unchanged(test):
    recorded = test.same_as_native([test.program("usable_size")])
    recording = test.sound(recorded)
    wanted = [tuple(map(int, line.split()[:2])) for line in recorded.stdout.splitlines()[:-1]]
    found = [(row["size_bytes"], row["usable_bytes"]) for row in recording.blocks_in("main")]
    test.equal("requested and usable sizes", found, wanted)


def test_library_functions_that_allocate(test):
    command = [test.program("libc_helpers")]
    recording = test.sound(test.same_as_native(command))
    test.equal("strdup", [row["size_bytes"] for row in recording.blocks_in("case_strdup")], [12])
    test.equal("strndup", [row["size_bytes"] for row in recording.blocks_in("case_strndup")], [6])
    test.equal("getline", [row["size_bytes"] for row in recording.blocks_in("case_getline")
                           if row["size_bytes"] == 120], [120])
    _, counts = test.counts(command)
    test.same_as_counter(recording, counts)


def test_errno_is_kept(test):
    test.sound(test.same_as_native([test.program("errno_kept")]))


def test_map_calls_without_option(test):
    recording = test.sound(test.same_as_native([test.program("map_calls")]))
    test.equal("allocation_count", recording.process()["allocation_count"], 0)


def test_map_calls_with_option(test):
    recording = test.sound(test.same_as_native([test.program("map_calls")], "--mmap"))
    kinds = {}
    for row in recording.blocks_in("main"):
        kinds.setdefault(row["kind"], []).append(row)
    test.equal("mmap sizes", [row["size_bytes"] for row in kinds.get("mmap", [])][:1], [1 << 16])
    test.equal("mremap sizes", [row["size_bytes"] for row in kinds.get("mremap", [])], [1 << 20])
    (remapped,) = kinds["mremap"]
    test.equal("how it went", remapped["free_kind"], "munmap")
    test.equal("run.is_mmap_recorded", recording.run["is_mmap_recorded"], 1)


SINGLE_THREADED = ["malloc_zero", "realloc_forms", "usable_size", "libc_helpers", "failures",
                   "before_main", "after_main", "realloc_chain", "fork_child", "longjmp_frames",
                   "coroutines", "close_fds", "exec_self"]
THREADED = ["temporaries", "key_destructors", "thread_local", "threads_at_once", "no_descriptors",
            "errno_kept"]


def test_names_of_brief_threads(test):
    """Also of those that are gone before anybody could ask the system."""
    recording = test.sound(test.record([test.program("thread_names"), "100"]))
    names = sorted(row["name"] for row in recording.rows("SELECT name FROM thread"))
    test.equal("names", names, sorted(["thread_names"] + [f"brief-{i}" for i in range(100)]))


def test_counts(test, name, is_threaded):
    command = [test.program(name)]
    recording = test.sound(test.same_as_native(command))
    _, counts = test.counts(command)
    test.same_as_counter(recording, counts, with_bytes=not is_threaded)


test_counts.cases = ([(name, (name, False)) for name in SINGLE_THREADED]
                     + [(name, (name, True)) for name in THREADED])
