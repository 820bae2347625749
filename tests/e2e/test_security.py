"""What strangers put into names, files and folders does no harm, and secrets stay where they are."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat

from command_runs import child_of, start_spin
from test_recover import killed_recording, recover, session_of

EVIL = "a'b\"c\n\x1b[31mred\x07\t<script>;DROP TABLE run;--\\"


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_files_are_the_owners_alone(test):
    out = test.path("spin.db")
    run = start_spin(test, out)
    ring = None
    try:
        program = child_of(test, run.pid, "spin")
        with open(f"/proc/{program}/environ", "rb") as file:
            ring = dict(part.split(b"=", 1) for part in file.read().split(b"\0")
                        if b"=" in part)[b"ALLOCAUDIT_RING"].decode()
        folder = os.path.dirname(ring)
        test.equal("mode of the folder", mode_of(folder), 0o700)
        modes = {name: mode_of(os.path.join(folder, name)) for name in os.listdir(folder)}
        test.equal("modes in it", modes, dict.fromkeys(modes, 0o600))
        test.equal("mode of the recording", mode_of(out), 0o600)
        test.check(len(os.path.basename(folder)) >= len("allocaudit-") + 6, f"{folder}")
        os.kill(program, signal.SIGTERM)
        run.communicate(timeout=20)
    finally:
        run.kill()
    test.equal("mode of the recording at the end", mode_of(out), 0o600)
    test.check(not os.path.exists(ring), "the ring was left behind")


def test_links_are_not_followed(test):
    victim = test.write("victim", "precious\n")
    for target in (victim, test.path("not-there")):
        link = test.path("link.db")
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(target, link)
        ended = test.record([test.program("hello")], out=link)
        test.equal(f"status of {ended}", ended.status, 125)
        test.equal("lines", len(ended.talk.splitlines()), 1)
    with open(victim, encoding="ascii") as file:
        test.equal("what it led to", file.read(), "precious\n")
    test.check(not os.path.exists(test.path("not-there")), "a file was made behind the link")


def test_recover_removes_no_folder_but_a_recordings_own(test):
    """A database says where its ring lies, and `recover` removes that folder: not one of the user's."""
    killed = killed_recording(test)
    killed.end()
    session = session_of(killed.path)
    mine = test.path("mine")
    shutil.copytree(session, mine)
    test.write("mine/precious", "precious\n")
    os.chmod(mine, 0o700)
    os.symlink(mine, test.path("allocaudit-abcdef"))
    shutil.copytree(mine, test.path("allocaudit-public"))
    os.chmod(test.path("allocaudit-public"), 0o755)
    for name in ("mine", "allocaudit-abcdef", "allocaudit-public"):
        evil = test.path("evil.db")
        shutil.copyfile(killed.path, evil)
        with contextlib.closing(sqlite3.connect(evil)) as connection, connection:
            connection.execute("UPDATE run SET ring_path = ?", (test.path(name, "ring"),))
        ended = test.allocaudit("recover", evil)
        test.equal(f"status of {ended}", ended.status, 3)
        test.check("left alone" in ended.talk, f"{ended}")
        test.check(os.path.exists(test.path(name, "precious")), f"{name} was removed")
    recover(test, killed.path)


def test_secrets_are_not_stored(test):
    secret = "hunter2-very-secret"
    ended = test.record([test.program("hello")], env={
        "AWS_SECRET_ACCESS_KEY": secret, "DATABASE_URL": f"postgres://u:{secret}@h/", "PASSWORD": secret,
        "MY_MALLOC_CONF": secret, "MALLOC_ARENA_MAX": "3"})
    with open(ended.path, "rb") as file:
        test.check(secret.encode() not in file.read(), "a secret of the environment is in the file")
    test.check("MALLOC_ARENA_MAX" in [row["name"] for row in test.open(ended).rows(
        "SELECT name FROM environment")], "what matters is missing, too")


def test_names_with_everything_in_them(test):
    """The program's own path, argument and file names hold what a terminal, SQL or JSON minds."""
    folder = test.path(EVIL.replace("/", "_")[:60])
    os.mkdir(folder)
    program = os.path.join(folder, "p'\"\x1b[2Jq")
    shutil.copy(test.program("hello"), program)
    ended = test.record([program, EVIL, "x" * 100000])
    recording = test.sound(ended)
    test.check(recording.process()["executable"].endswith("p'\"\x1b[2Jq"), "the name was changed")
    for arguments in (["report", ended.path], ["report", ended.path, "sites", "modules", "processes"],
                      ["gate", ended.path, "--max-leaks", "0"]):
        told = test.allocaudit(*arguments)
        test.check(told.status in (0, 1), f"{told}")
        for character in (b"\x1b", b"\x07"):
            test.check(character not in told.stdout, f"{character} reaches the terminal: {arguments}")
    told = test.allocaudit("report", ended.path, "--format", "json")
    json.loads(told.stdout)
    test.check(b"\x1b" not in told.stdout, "JSON holds a raw control character")
    told = test.allocaudit("sql", ended.path, "SELECT command FROM run")
    test.equal("status of sql", told.status, 0)
    test.check(b"\x1b" not in told.stdout, "sql shows a raw escape")


def test_symbol_of_a_megabyte(test):
    """A function's name that is longer than any screen."""
    source = test.write("long.c", "#include <stdlib.h>\nvoid *%s(void) { return malloc(77); }\n"
                        "int main(void) { return %s() == NULL; }\n" % (("f" * (1 << 20),) * 2))
    program = test.path("long")
    test.equal("compiler", test.run(["gcc", "-g", "-O0", "-o", program, source]).status, 0)
    recording = test.sound(test.record([program]))
    name = recording.value("SELECT function FROM frame ORDER BY length(function) DESC LIMIT 1")
    test.check(set(name.strip("…. ")) == {"f"}, f"the longest name is {name[:80]!r}")
    for arguments in (["report"], ["report", "sites"], ["report", "--format", "json"],
                      ["export", "--to", "folded"], ["export", "--to", "speedscope"]):
        told = test.allocaudit(arguments[0], recording.path, *arguments[1:])
        test.equal(f"status of {arguments}", told.status, 0)
        if "json" in arguments:
            json.loads(told.stdout)
    test.note(f"kept {len(name)} of {1 << 20} characters")
