"""Every section on every kind of trace: it answers, or says what it cannot know; never a wrong number."""

import json
import re

from test_report import NO_ALLOCATION, make_database

# Beside those of the overview; each stands in the help.
SECTIONS = ("faults", "summary", "recommendation", "sites", "leaks", "temporary", "lifetimes", "sizes", "threads", "processes",
            "timeline", "large", "realloc", "latency", "pools", "clocks", "predict", "lifo", "handoffs", "churn", "bursts", "reserve",
            "zeroing", "alignment", "modules", "tree", "frames", "scopes", "fragmentation", "pins", "memory")
# What only the calls in their order can tell.
BY_CALLS = ("pools", "clocks", "predict", "lifo", "handoffs", "reserve", "zeroing", "alignment", "frames", "scopes", "fragmentation",
            "pins")


def all_numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from all_numbers(each)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def read(test, path, section):
    """The JSON of a section, and its text, of which no word is a slip of arithmetic."""
    shown = test.allocaudit("report", path, section)
    test.equal(f"status of {section}: {shown}", shown.status, 0)
    test.check(re.search(rb"\b(nan|inf|null|18446744073709551615|-9223372036854775808)\b", shown.stdout) is None,
               f"{section}: {shown}")
    test.check(len(shown.stdout.split()) > 2, f"{section} says nothing: {shown}")
    found = json.loads(test.allocaudit("report", path, section, "--format", "json").stdout)
    test.check(all(abs(number) < 2**63 for number in all_numbers(found)), f"{section}: {found}")
    return found, shown.stdout.decode()


def read_all(test, path):
    return {section: read(test, path, section) for section in SECTIONS}


def test_nothing_allocated(test):
    found = read_all(test, make_database(test.path("none.db"), sql=NO_ALLOCATION))
    test.check("no block" in found["pools"][0]["pools"]["verdict"], f"{found['pools'][0]}")
    test.equal("verdict", found["recommendation"][0]["recommendation"]["verdict_key"], "insufficient")


def test_one_allocation(test):
    """Of a program that makes one block of 40 bytes, and frees it."""
    found = read_all(test, test.record([test.program("one_block")]).path)
    test.equal("allocations", found["summary"][0]["summary"]["allocation_count"], 1)
    test.equal("of its youngest", found["lifo"][0]["lifo"]["lifo_pct"], 100)
    test.equal("freed by another thread", found["handoffs"][0]["handoffs"]["remote_free_count"], 0)
    test.check("not worth it" in found["pools"][0]["pools"]["verdict"], f"{found['pools'][0]}")
    test.equal("verdict", found["recommendation"][0]["recommendation"]["verdict_key"], "no_change")


def test_only_leaks(test):
    """Nothing is freed: there are no lifetimes, no order of frees and nothing to hand over."""
    found = read_all(test, test.record([test.program("only_leaks")]).path)
    test.equal("leaks", found["summary"][0]["summary"]["leaked_bytes"], sum(range(100, 110)))
    order, handoffs = found["lifo"][0]["lifo"], found["handoffs"][0]["handoffs"]
    test.equal("order", [order.get(key) for key in ("own_free_count", "lifo_pct", "depth_p50")], [0, None, None])
    test.equal("handed over", [handoffs.get(key) for key in ("free_count", "remote_free_pct", "skew")], [0, None, None])
    test.equal("lifetimes", found["lifetimes"][0]["lifetimes"], [])


def check_without_calls(test, path, word):
    found = read_all(test, path)
    for section in BY_CALLS:
        test.check(section not in found[section][0], f"{section} is told: {found[section][0]}")
        test.check(any(f"'{section}'" in note and word in note for note in found[section][0]["notes"]),
                   f"{section} does not say why: {found[section][0]['notes']}")
    test.equal("verdict", found["recommendation"][0]["recommendation"]["verdict_key"], "insufficient")


def test_sample(test):
    check_without_calls(test, test.record([test.program("many_stacks")], "--sample", "1KiB").path, "--sample")


def test_sites_alone(test):
    check_without_calls(test, test.record([test.program("many_stacks")], "--detail", "sites").path, "--detail sites")
