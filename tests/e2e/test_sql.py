"""`allocaudit sql`, `help` and the words in front of every command, on a database made by hand."""

import json
import os
import sqlite3
import subprocess

import harness

QUERY = "SELECT name, value FROM environment ORDER BY name"


def database(test, name="made.db"):
    """A recording without allocations: only what `sql` has to open, and three rows with odd texts."""
    path = test.path(name)
    connection = sqlite3.connect(path)
    for part in ("schema.sql", "views.sql"):
        with open(os.path.join(harness.ROOT, "schema", part), encoding="utf-8") as file:
            connection.executescript(file.read())
    connection.executemany("INSERT INTO environment VALUES (?, ?)",
                           [("A", 'x,"y"'), ("B", "\x1b[31mred\n"), ("Ü", "日本")])
    connection.commit()
    connection.execute("PRAGMA application_id = 0x416c4175")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    return path


def expect(test, ended, status, stdout, talk=""):
    test.equal(f"status of {ended.command}", ended.status, status)
    if stdout is not None:
        test.equal(f"answer of {ended.command}", ended.stdout.decode(), stdout)
    test.equal(f"talk of {ended.command}", ended.talk, talk)


def test_query_as_table(test):
    ended = test.allocaudit("sql", database(test), QUERY)
    expect(test, ended, 0, 'name  value\nA     x,"y"\nB     \\x1b[31mred\\n\nÜ     日本\n')


def test_query_as_json(test):
    query = "SELECT 1 AS a, 2.5 AS a, NULL AS n, x'00ff' AS b, 'ü' AS t; SELECT 7 AS seven"
    ended = test.allocaudit("sql", database(test), query, "--format", "json")
    test.equal("status", ended.status, 0)
    test.equal("document", json.loads(ended.stdout), {
        "schema": 1, "command": "sql",
        "rows": [{"a": 1, "a_2": 2.5, "n": None, "b": "x'00ff'", "t": "ü"}],
        "rows_2": [{"seven": 7}], "notes": []})


def test_query_as_csv(test):
    ended = test.allocaudit("sql", database(test), QUERY, "--format=csv")
    expect(test, ended, 0, 'name,value\nA,"x,""y"""\nB,"\x1b[31mred\n"\nÜ,日本\n')
    ended = test.allocaudit("sql", database(test, "2.db"), "SELECT tid FROM thread", "--format=csv")
    expect(test, ended, 0, "tid\n")


def test_words_are_told_apart(test):
    path = database(test, "allocaudit.db")
    cases = [
        [path, "SELECT 1"],
        ["allocaudit.db", "SELECT 1"],
        ["./allocaudit.db", "SELECT 1"],
        ["SELECT 1"],
        ["-i", "allocaudit.db", "SELECT 1"],
        ["SELECT 1", "--input=" + path],
    ]
    for words in cases:
        expect(test, test.allocaudit("sql", *words), 0, "1\n1\n")
    expect(test, test.allocaudit("sql", "SELECT 4 / 2"), 0, "4 / 2\n    2\n")
    ended = test.allocaudit("sql", "allocaudit.db", "SELECT", "1")
    expect(test, ended, 2, "", "allocaudit: unexpected '1': a query is one word, in quotes\n")


def test_query_from_stdin(test):
    path = database(test)
    expect(test, test.allocaudit("sql", path, stdin=b"SELECT 1;\n-- end\n"), 0, "1\n1\n")
    expect(test, test.allocaudit("sql", path, stdin=b" ; -- nothing\n"), 2, "",
           "allocaudit: the query is empty\n")


def test_mistakes_in_the_query(test):
    path = database(test)
    cases = [
        ("SELEC 1", 'in the query: near "SELEC": syntax error'),
        ("SELECT nonsense FROM run", "in the query: no such column: nonsense"),
        ("SELECT 1 FROM nowhere", "in the query: no such table: nowhere"),
        ("DELETE FROM environment", "in the query: attempt to write a readonly database"),
        ("CREATE TABLE t (x)", "in the query: attempt to write a readonly database"),
        ("INSERT INTO environment VALUES ('a', 'b')",
         "in the query: attempt to write a readonly database"),
    ]
    with open(path, "rb") as file:
        before = file.read()
    for query, text in cases:
        expect(test, test.allocaudit("sql", path, query), 3, "", f"allocaudit: {text}\n")
    with open(path, "rb") as file:
        test.check(file.read() == before, "the recording was changed")
    test.equal("files beside it", os.listdir(test.scratch), ["made.db"])


def test_large_answer_to_a_reader_that_leaves(test):
    query = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    for setup in ("", "trap '' PIPE; "):
        ended = test.run(["bash", "-c", setup + '"$0" sql "$1" "$2" --format csv | head -n 3',
                          test.shared.allocaudit, database(test, f"p{len(setup)}.db"), query])
        expect(test, ended, 0, "i\n1\n2\n")
        test.equal("stderr", ended.stderr, b"")


def test_answer_that_cannot_be_written(test):
    path = database(test)
    for words in (["sql", path, QUERY], ["sql", path, QUERY, "--format=json"], ["help"],
                  ["help", "--man", "sql"], ["version"], ["sql", "--help"]):
        ended = test.run(["sh", "-c", '"$0" "$@" >/dev/full', test.shared.allocaudit, *words])
        expect(test, ended, 3, "", "allocaudit: cannot write the output: No space left on device\n")


def test_help_of_every_command(test):
    overview = test.allocaudit("help")
    test.equal("status", overview.status, 0)
    test.equal("--help", test.allocaudit("--help").stdout, overview.stdout)
    text = overview.stdout.decode()
    commands = [line.split()[0] for line in text.split("commands:\n")[1].split("\n\n")[0].splitlines()]
    test.check(set(commands) >= {"run", "report", "gate", "sql", "recover", "help", "version"},
               f"missing commands: {commands}")
    for command in commands:
        ended = test.allocaudit(command, "--help")
        expect(test, ended, 0, None)
        test.equal(f"help {command}", test.allocaudit("help", command).stdout, ended.stdout)
        lines = ended.stdout.decode().splitlines()
        test.check(lines[0].startswith(f"{command}: "), f"purpose of {command}: {lines[0]}")
        test.check(lines[1].startswith(f"usage: allocaudit {command}"), f"usage of {command}")
        examples = lines[lines.index("examples:") + 1:lines.index("options:") - 1]
        test.check(len(examples) >= 2, f"{command} has {len(examples)} examples")
        long_lines = [line for line in lines[2:] if len(line) > 80]
        test.equal(f"long lines in the help of {command}", long_lines, [])


def test_man_pages_are_clean_roff(test):
    man = test.need("man")
    text = test.allocaudit("help").stdout.decode()
    commands = [line.split()[0] for line in text.split("commands:\n")[1].split("\n\n")[0].splitlines()]
    for words in [[], *[[command] for command in commands]]:
        page = test.allocaudit("help", "--man", *words)
        test.equal("status", page.status, 0)
        shown = test.run([man, "--warnings", "-l", "-"], stdin=page.stdout,
                         env={"MANWIDTH": "80", "MANPAGER": "cat"})
        test.equal(f"status and complaints about {words}", (shown.status, shown.stderr), (0, b""))
        test.check(b"NAME\n" in shown.stdout and b"allocaudit" in shown.stdout, "an empty page")


def test_wrong_words(test):
    cases = [
        (["reprot"], "allocaudit: unknown command 'reprot': did you mean 'report'?\n"),
        (["frobnicate"], "allocaudit: unknown command 'frobnicate'\n"),
        (["--versoin"], "allocaudit: unknown option '--versoin': did you mean '--version'?\n"),
        (["help", "gat"], "allocaudit: unknown command 'gat': did you mean 'gate'?\n"),
        (["sql", "--fromat=json"],
         "allocaudit: unknown option '--fromat': did you mean '--format'?\n"),
        (["sql", "--format=xml"],
         "allocaudit: option '--format' does not know 'xml', it takes table|json|csv\n"),
        (["version", "x"], "allocaudit: unexpected 'x'\n"),
        (["\x1b[2Jx"], "allocaudit: unknown command '\\x1b[2Jx'\n"),
    ]
    for words, talk in cases:
        ended = test.allocaudit(*words)
        expect(test, ended, 2, "", talk)
        test.equal("lines", ended.stderr.count(b"\n"), 1)
        test.check(ended.stderr.startswith(b"see 'allocaudit "), f"no hint: {ended.stderr}")
    ended = test.allocaudit()
    test.equal("status without words", (ended.status, ended.stdout), (2, b""))


def test_shell_on_a_terminal(test):
    """Without a query on a terminal, sqlite3 is started; without sqlite3, one line says so."""
    script = test.need("script")
    path = database(test)
    command = f"{test.shared.allocaudit} sql {path}"
    shell = os.path.dirname(test.need("sqlite3"))
    done = subprocess.run([script, "-qec", command, "/dev/null"], input=b".schema environment\n.quit\n",
                          env=test.environment({"PATH": shell}), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    test.check(b"CREATE TABLE environment" in done.stdout, f"no shell: {done.stdout}")
    empty = test.path("empty")
    os.mkdir(empty)
    done = subprocess.run([script, "-qec", command, "/dev/null"],
                          env=test.environment({"PATH": empty, "SHELL": "/bin/sh"}),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    test.equal("status without a shell", done.returncode, 3)
    test.check(b"no sqlite3 shell here" in done.stdout, f"no clear line: {done.stdout}")
