"""Who may write a recording, and who reads it meanwhile."""

import contextlib
import os
import sqlite3
import time

from test_recover import Living


def test_a_reader_is_waited_for(test):
    """Somebody has the file open in a transaction when the recording is to be completed."""
    living = Living(test, "read")
    with contextlib.closing(sqlite3.connect(living.path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        test.equal("state", connection.execute("SELECT state FROM run").fetchone()[0], "recording")
        living.let_go()
        time.sleep(0.5)
        test.check(living.child.poll() is None, "the recorder has not waited")
    test.equal("status", living.end(), 0)
    test.equal("stderr", living.stderr, "")
    test.sound(living.path)


def test_two_recordings_in_one_file(test):
    """The second is refused before its program starts; else one would get the other's tables."""
    living = Living(test, "one")
    ended = test.record(["/bin/sh", "-c", "echo started"], out=living.path)
    test.equal("status", ended.status, 125)
    test.equal("stdout", ended.stdout, b"")
    test.check("is still being recorded: choose another file with -o" in ended.talk, f"{ended}")
    test.equal("status of the first", living.end(), 0)
    test.sound(living.path)
    again = test.record(["/bin/true"], out=living.path)
    test.equal("status of the next", again.status, 0)
    test.check(os.path.exists(living.path + ".old"), "the old one was not kept")


def test_a_file_in_its_place(test):
    """Its file was moved away and another recording has its name: neither gets what is the other's."""
    living = Living(test, "moved")
    os.rename(living.path, test.path("away.db"))
    other = test.record(["/bin/true"], out=living.path)
    test.equal("status of the other", other.status, 0)
    with open(living.path, "rb") as file:
        before = file.read()
    test.equal("status", living.end(), 125)
    test.check("was replaced by another file meanwhile" in living.stderr, living.stderr)
    with open(living.path, "rb") as file:
        test.check(before == file.read(), "the other recording was written to")
    ended = test.allocaudit("recover", test.path("away.db"))
    test.equal(f"recover: {ended}", ended.status, 0)
    test.equal("problems", test.open(test.path("away.db")).problems(), [])
