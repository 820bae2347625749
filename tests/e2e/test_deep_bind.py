"""Modules opened with RTLD_DEEPBIND, which look for malloc in the C library before they come to us."""

import os


def test_binding_keeps_its_meaning(test, mode, flags):
    """RTLD_DEEPBIND keeps its meaning, but for the functions that we take over."""
    command = [test.program("deep_bind"), test.program("plugin_deep", *flags), mode]
    for options in ([], *(["--policy", policy] for policy in ("pool", "frame", "buddy", "slab"))):
        recording = test.sound(test.same_as_native(command, *options))
        for where, first in (("module", 100), ("program", 1000)):
            test.equal(f"{options}: freed blocks made in the {where}", recording.value(
                "SELECT count(*) FROM allocation WHERE died_ns IS NOT NULL"
                f" AND size_bytes BETWEEN {first} AND {first + 99}"), 100)
        test.equal(f"{options}: faults", recording.value("SELECT count(*) FROM fault"), 0)


test_binding_keeps_its_meaning.cases = [
    ("lazy", ("lazy", ())), ("now", ("now", ())), ("read-only table", ("lazy", ("-Wl,-z,relro,-z,now",)))]


def test_module_that_is_looked_for(test):
    """Where the loader has to know who asks, the module does without RTLD_DEEPBIND, and is found."""
    library = test.program("plugin_deep")
    program = test.program("deep_bind", "-Wl,-rpath," + os.path.dirname(library))
    ended = test.record([program, os.path.basename(library), "lazy"])
    test.equal("status and words", (ended.status, ended.stdout.splitlines()[0]), (0, b"no error"))
    test.equal("blocks made in the module", test.sound(ended).value(
        "SELECT count(*) FROM allocation WHERE size_bytes BETWEEN 100 AND 199"), 100)
