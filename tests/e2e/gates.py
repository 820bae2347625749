"""What tests of `allocaudit gate`, `baseline` and `test` share.

tests/programs/gate_work.c allocates what its arguments say, so every verdict has a known answer.
"""

import json


def record(test, *arguments, name="gate.db", env=None):
    recorded = test.record([test.program("gate_work"), *map(str, arguments)], "--detail", "sites",
                           out=test.path(name), env=env)
    test.equal(f"status of {recorded}", recorded.status, 0)
    return recorded.path


def judge(test, path, *arguments, status):
    """The JSON document of a gate."""
    ended = test.allocaudit("gate", path, "--format", "json", *arguments)
    test.equal(f"status of {ended}", ended.status, status)
    return json.loads(ended.stdout)


def row(rows, **wanted):
    return next(row for row in rows if all(row.get(key) == value for key, value in wanted.items()))


def refused(test, ended, status):
    """One line that says why, and at most the hint at --help."""
    test.equal(f"status of {ended}", ended.status, status)
    test.equal("stdout", ended.stdout, b"")
    test.equal(f"lines of {ended}", len(ended.talk.splitlines()), 1)


def run_test(test, *arguments, status, env=None):
    ended = test.allocaudit("test", "-o", test.path("test.db"), *arguments, env=env, cwd=test.path())
    test.equal(f"status of {ended}", ended.status, status)
    return ended


def baseline_of(test, *paths):
    baseline = test.path("baseline.yaml")
    ended = test.allocaudit("baseline", *paths, "-o", baseline)
    test.equal(f"status of {ended}", ended.status, 0)
    return baseline


def changed(document, name):
    return row(document["baseline"], name=name)
