"""Programs that cannot be recorded, and allocators that cannot be had."""

import os
import re
import stat

from command_runs import one_line
from harness import Failure, Skip


# ---- programs ----------------------------------------------------------------------------------------


def test_static_program(test):
    one_line(test, test.record([test.program("static_program")]), 126, "static")


def test_program_of_another_word_size(test):
    try:
        program = test.program("start_32bit")
    except Failure as failure:
        raise Skip("the compiler makes no 32-bit programs") from failure
    one_line(test, test.record([program]), 126, "32-bit")


def test_setuid_program(test):
    if os.geteuid() != 0:
        raise Skip("needs root")
    path = test.path("setuid")
    with open("/usr/bin/id", "rb") as source:
        test.write("setuid", source.read())
    os.chown(path, 65534, 65534)
    os.chmod(path, stat.S_ISUID | 0o755)
    os.chmod(test.scratch, 0o755)
    one_line(test, test.record([path]), 126, "set-?user|setuid|set-?uid")


def test_child_that_is_static(test):
    """The shell is recorded, its static child is not, and the talk says so or stays silent: the
    child must run as ever."""
    program = test.program("static_program")
    recording = test.sound(test.same_as_native(["/bin/sh", "-c", f"{program}; echo $?"]))
    test.check(recording.run["allocation_count"] > 0, "the shell allocates")


# ---- the allocator beneath ---------------------------------------------------------------------------


def test_allocator_beneath(test, name):
    """The program runs on it, and the recording says so."""
    ended = test.record([test.program("hello")], "--allocator", name)
    if "install the package" in ended.talk:
        raise Skip(f"{name} is not installed")
    test.equal(f"status of {ended}", ended.status, 3)
    process = test.sound(ended).process()
    library = "libc.so" if name == "glibc" else f"lib{name}"
    test.check(library in process["allocator"], f"the allocator is said to be {process['allocator']}")
    test.check(process["allocator_version"], "its version is not said")
    test.check(process["allocation_count"] >= 10, "hardly anything recorded")
    test.note(f"{process['allocator']} {process['allocator_version']}")


test_allocator_beneath.cases = [(name, [name]) for name in ("glibc", "jemalloc", "tcmalloc", "mimalloc")]


def test_allocator_by_path(test):
    path = test.program("bump_malloc")
    ended = test.record([test.program("hello")], "--allocator", os.path.relpath(path, test.scratch))
    test.equal("allocator", os.path.realpath(test.sound(ended).process()["allocator"]),
               os.path.realpath(path))


def test_allocator_that_cannot_be_had(test):
    """One line, the old recording stays where it is, and nothing is run."""
    out = test.record(["true"]).path
    for name, status, words in (("jemaloc", 2, "did you mean 'jemalloc'"),
                                ("pool:chunk_byte=1", 2, "did you mean 'chunk_bytes'"),
                                ("./none.so", 125, "none.so.*no such file"),
                                (test.program("hello"), 125, "hello.*no allocator")):
        ended = test.record(["/bin/echo", "ran"], "--allocator", name, out=out)
        test.equal(f"{name}: {ended}", (ended.status, ended.stdout), (status, b""))
        test.check(re.search(words, ended.talk, re.IGNORECASE), f"{words!r} is not in {ended.talk!r}")
        test.equal("lines", len(ended.talk.splitlines()), 1)
    test.check(os.path.exists(out) and not os.path.exists(out + ".old"), "the old recording was moved")
