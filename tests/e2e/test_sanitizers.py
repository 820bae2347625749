"""Programs built with AddressSanitizer run under the recorder as they do without it."""

import shutil

from harness import COMMON_FLAGS, PROGRAMS, Skip


def sanitized(test, compiler):
    if shutil.which(compiler) is None:
        raise Skip(f"{compiler} is not installed")
    program = test.path(f"address_error.{compiler}")
    built = test.run([compiler, "-fsanitize=address", *COMMON_FLAGS, "-o", program,
                      f"{PROGRAMS}/address_error.c"])
    if built.status != 0:
        raise Skip(f"{compiler} has no AddressSanitizer")
    return program


def test_address(test, compiler):
    program = sanitized(test, compiler)
    recording = test.sound(test.same_as_native([program]))
    blocks = recording.blocks_in("work")
    test.equal("blocks", (len(blocks), {row["size_bytes"] for row in blocks}), (100, {48}))
    test.equal("live", [row for row in blocks if row["died_ns"] is None], [])
    test.check("asan" in recording.process()["allocator"] or "address_error"
               in recording.process()["allocator"], recording.process()["allocator"])
    test.equal("faults", recording.rows("SELECT * FROM fault"), [])


test_address.cases = [(compiler, (compiler,)) for compiler in ("gcc", "clang")]


def test_address_error(test, compiler):
    """The sanitizer says what it says without us, and ends the program as ever."""
    program = sanitized(test, compiler)
    env = {"ASAN_OPTIONS": "symbolize=0"}
    native = test.run([program, "x"], env=env)
    recorded = test.record([program, "x"], env=env)
    test.equal("status", recorded.status, native.status)
    test.equal("stdout", recorded.stdout, native.stdout)
    for ended in (native, recorded):
        test.check(b"heap-buffer-overflow" in ended.stderr, f"{ended}")
    recording = test.sound(recorded)
    address = int(recorded.stderr.split(b"heap-buffer-overflow on address ")[1].split()[0], 16)
    block, = [row for row in recording.blocks_in("work") if row["died_ns"] is None]
    test.equal("the block that the report means", address, block["address"] + 48)


test_address_error.cases = test_address.cases
