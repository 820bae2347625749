"""Programs built with sanitizers run under the recorder as they do without it, and what they print is kept."""

import json
import os
import re
import shutil

from harness import COMMON_FLAGS, PROGRAMS, Skip
from test_faults import functions_of


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


# ---- reports ---------------------------------------------------------------------------------------

# error: (kind, access, access_bytes, function of the error, place of the address in the block, role,
#         bytes and number of the blocks named)
ERRORS = {
    "read_after_free": ("heap-use-after-free", "read", 1, "read_after_free", 3, [("block", 48, 1)]),
    "write_behind": ("heap-buffer-overflow", "write", 4, "write_behind", 100, [("block", 100, 1)]),
    "free_twice": ("double-free", None, None, "drop", 0, [("block", 300, 1)]),
    "leak": ("leak", None, None, None, None, [("direct_leak", 48, 1), ("indirect_leak", 192, 4)]),
}


def with_errors(test, compiler, sanitizer="address"):
    if shutil.which(compiler) is None:
        raise Skip(f"{compiler} is not installed")
    program = test.path(f"sanitizer_errors.{compiler}")
    built = test.run([compiler, f"-fsanitize={sanitizer}", *COMMON_FLAGS, "-o", program,
                      f"{PROGRAMS}/sanitizer_errors.c", "-pthread"])
    if built.status != 0:
        raise Skip(f"{compiler} has no {sanitizer} sanitizer")
    return program


def plain(text):
    """What two runs must print alike: without process ids and addresses, and without shadow bytes."""
    return re.sub(rb"0x[0-9a-f]+|==\d+==|\[?\(?BuildId: [0-9a-f]*\)?", b"", text.split(b"\nShadow bytes")[0])


def record_error(test, program, error):
    """Status, stdout and stderr are as without us; with the recording."""
    native = test.run([program, error])
    recorded = test.record([program, error])
    test.equal("status", recorded.status, native.status)
    test.equal("stdout", recorded.stdout, native.stdout)
    test.equal("stderr", plain(recorded.stderr), plain(native.stderr))
    test.check(b"SUMMARY: " in native.stderr, f"it has no error: {native}")
    return recorded, test.open(recorded)


def check_named(test, recording, report, error):
    """Each block that is named is linked with its row, and the rows' stacks are the true ones."""
    named = recording.rows("SELECT * FROM sanitizer_block WHERE report_id = ? ORDER BY place", report["id"])
    test.equal("named", [(row["role"], row["size_bytes"], row["block_count"]) for row in named],
               ERRORS[error][5])
    for row in named:
        test.check("make" in functions_of(recording, row["stack_id"]), f"made elsewhere: {row}")
        block, = recording.rows("SELECT * FROM allocation WHERE id = ?", row["block_id"])
        test.equal("stack of the row", block["stack_id"], row["stack_id"])
        if row["role"] == "block":
            test.equal("address of the row", block["address"], row["address"])
            test.equal("size of the row", block["size_bytes"], row["size_bytes"])
        else:
            test.equal("blocks of that stack", recording.value(
                "SELECT count(*) FROM allocation WHERE stack_id = ? AND died_ns IS NULL", row["stack_id"]), 5)
    return named, block


def test_report(test, compiler, error):
    kind, access, access_bytes, function, offset, _ = ERRORS[error]
    recorded, recording = record_error(test, with_errors(test, compiler), error)
    report, = recording.rows("SELECT * FROM sanitizer_report")
    test.equal("kind", (report["tool"], report["kind"]),
               ("LeakSanitizer" if error == "leak" else "AddressSanitizer", kind))
    test.equal("access", (report["access"], report["access_bytes"]), (access, access_bytes))
    wanted = re.sub(rb"\x1b\[[0-9;]*m", b"", recorded.stderr)
    for line in report["text"].strip().splitlines():
        test.check(line.encode() in wanted, f"a line that was not printed: {line!r}")
    test.check("SUMMARY: " in report["text"], report["text"])
    named, block = check_named(test, recording, report, error)
    if error == "leak":
        return
    test.check(function in functions_of(recording, report["stack_id"]), f"{report}")
    test.equal("place of the address", report["address"] - block["address"], offset)
    is_freed = error != "write_behind"
    test.equal("freed", named[0]["freed_stack_id"] is not None, is_freed)
    if is_freed:
        test.check("drop" in functions_of(recording, named[0]["freed_stack_id"]), f"{named[0]}")
        test.check(block["died_ns"] <= report["at_ns"], "freed after the report")
    if error == "read_after_free":
        test.check(block["freed_by_thread_id"] != report["thread_id"], "freed by its own thread")
        test.check(report["at_ns"] - block["died_ns"] >= 3000000, "freed a moment ago")


test_report.cases = [(f"{compiler} {error}", (compiler, error))
                     for compiler in ("gcc", "clang") for error in ERRORS]


def test_leak_sanitizer_alone(test, compiler):
    _, recording = record_error(test, with_errors(test, compiler, "leak"), "leak")
    report, = recording.rows("SELECT * FROM sanitizer_report")
    test.equal("kind", (report["tool"], report["kind"]), ("LeakSanitizer", "leak"))
    check_named(test, recording, report, "leak")


test_leak_sanitizer_alone.cases = test_address.cases


def test_leaked_blocks_by_address(test, compiler):
    """Asked for, LeakSanitizer prints addresses: each is the address of a row."""
    program = with_errors(test, compiler)
    recorded = test.record([program, "leak"], env={"LSAN_OPTIONS": "report_objects=1"})
    recording = test.open(recorded)
    blocks = recording.rows("SELECT s.address, s.size_bytes, a.address AS found, a.size_bytes AS size"
                            " FROM sanitizer_block AS s JOIN allocation AS a ON a.id = s.block_id"
                            " WHERE role = 'leaked_block'")
    test.equal("blocks", [(row["found"], row["size"]) for row in blocks],
               [(row["address"], 48) for row in blocks])
    test.equal("number", len({row["address"] for row in blocks}), 5)
    for row in blocks:
        test.check(f"0x{row['address']:x}".encode() in recorded.stderr, f"{row['address']:x} was not printed")


test_leaked_blocks_by_address.cases = test_address.cases


def test_report_is_passed_on(test, way):
    """Where LeakSanitizer does not end the process, or reports go to a file, nothing of them is lost."""
    program = with_errors(test, "gcc")
    log = test.path("log")
    options = {"no exit code": "exitcode=0", "log": f"log_path={log}", "off": "detect_leaks=0"}[way]
    native = test.run([program, "leak"], env={"ASAN_OPTIONS": options})
    recorded = test.record([program, "leak"], env={"ASAN_OPTIONS": options})
    test.equal("status", recorded.status, native.status)
    test.equal("stderr", plain(recorded.stderr), plain(native.stderr))
    test.equal("stored", test.open(recorded).value("SELECT count(*) FROM sanitizer_report"),
               1 if way == "no exit code" else 0)
    if way == "log":
        test.equal("logs", len([name for name in os.listdir(test.scratch) if name.startswith("log.")]), 2)


test_report_is_passed_on.cases = [(way, (way,)) for way in ("no exit code", "log", "off")]


def test_report_is_shown(test):
    recorded = test.record([with_errors(test, "gcc"), "read_after_free"])
    shown = test.allocaudit("report", recorded.path).stdout.decode()
    test.check(shown.startswith("Reports of sanitizers"), f"it is not first: {shown[:300]}")
    for word in ("heap-use-after-free", "read_after_free (", "make (", "drop (", "48 B"):
        test.check(word in shown, f"{word} is not in {shown[:600]}")
    document = json.loads(test.allocaudit("report", recorded.path, "sanitizer", "--format", "json").stdout)
    report, = document["sanitizer"]
    block, = report["blocks"]
    test.equal("kind", (report["kind"], report["access"]), ("heap-use-after-free", "read"))
    test.check(block["allocated_at"].startswith("make (") and block["freed_at"].startswith("drop ("), f"{block}")
    sound = test.record([test.program("hello")])
    test.check(b"Reports of" not in test.allocaudit("report", sound.path).stdout, "speaks of what is not there")
    test.check(b"no report of a sanitizer" in test.allocaudit("report", sound.path, "sanitizer").stdout
               + test.allocaudit("report", sound.path, "sanitizer").stderr, "says nothing")


def test_undefined_behaviour_sanitizer(test, compiler):
    """It has no malloc of its own, and needs nothing."""
    program = with_errors(test, compiler, "undefined")
    recording = test.sound(test.same_as_native([program]))
    test.equal("kinds of allocator", "libc" in recording.process()["allocator"], True)


test_undefined_behaviour_sanitizer.cases = test_address.cases


def test_others(test, compiler, sanitizer):
    """Without a heap of its own (undefined) or with one (thread): as natively, every block recorded, and its kind known."""
    if shutil.which(compiler) is None:
        raise Skip(f"{compiler} is not installed")
    program = test.path(f"sanitizer_plain.{compiler}")
    built = test.run([compiler, f"-fsanitize={sanitizer}", *COMMON_FLAGS, "-o", program, f"{PROGRAMS}/sanitizer_plain.c",
                      "-pthread"])
    if built.status != 0:
        raise Skip(f"{compiler} has no {sanitizer} sanitizer")
    error, message = {"undefined": ("shift", b"runtime error: shift exponent"), "thread": ("race", b"data race")}[sanitizer]
    for words in ([program], [program, error]):
        native = test.run(words)
        recorded = test.record(words, "--leak-check", "yes")
        test.equal("status", recorded.status, native.status)
        test.equal("message", (message in native.stderr, message in recorded.stderr), (len(words) > 1, len(words) > 1))
        recording = test.sound(recorded)
        if len(words) == 1: # else the runtime has allocated, too, and so has the symbolizer that it starts
            test.equal("blocks", recording.value("SELECT count(*) FROM allocation WHERE size_bytes = 48"), 200)
            kinds = recording.rows("SELECT size_bytes, leak_kind FROM allocation WHERE size_bytes IN (177, 188) ORDER BY 1")
            # clang's runtime for threads lies in the program: what it remembers of a block leads to it.
            lost = {"definite", "reachable"} if (compiler, sanitizer) == ("clang", "thread") else {"definite"}
            test.equal("sizes", [row["size_bytes"] for row in kinds], [177, 188])
            test.check(kinds[0]["leak_kind"] in lost and kinds[1]["leak_kind"] == "reachable", f"{kinds}")


test_others.cases = [(f"{compiler} {sanitizer}", (compiler, sanitizer))
                     for compiler in ("gcc", "clang") for sanitizer in ("undefined", "thread")]
