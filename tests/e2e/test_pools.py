"""`report pools`: counts, bytes and verdicts where they are known, and what cannot be told."""

import json

KEPT = 100000
PAIRS = 1000000


def load(test, path, *arguments):
    ended = test.allocaudit("report", path, "pools", "--format", "json", *arguments)
    test.equal(f"status of {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def site(test, document, size_bytes):
    found = [row for row in document["pool_sites"] if row["size_bytes"] == size_bytes]
    test.equal(f"sites of {size_bytes} bytes", len(found), 1)
    return found[0]


def test_equal_blocks(test):
    """What is kept is worth a pool for its memory alone; what comes and goes takes no memory."""
    recorded = test.record([test.program("equal_blocks")])
    document = load(test, test.sound(recorded).path)
    kept, short = site(test, document, 40), site(test, document, 96)
    test.equal("kept", (kept["allocation_count"], kept["live_count_max"], kept["turnover"]),
               (KEPT, KEPT, 1.0))
    # 40 usable and 8 of header, where a page holds 102 slots of 40.
    test.equal("saved by a pool for them", kept["saved_peak_bytes"], KEPT * 48 - 981 * 4096)
    test.equal("a pool for them", kept["verdict"], "worth_it")
    test.equal("short", (short["allocation_count"], short["live_count_max"], short["turnover"]),
               (PAIRS, 1, float(PAIRS)))
    test.equal("without costs", (short["saved_ns"], "pool_costs" in document), (None, False))
    test.check("worth trying" in document["pools"]["verdict"], f"{document['pools']}")


def test_calibrated(test):
    """Costs are those of this machine: each row says what it saves now and beside the best."""
    recorded = test.record([test.program("equal_blocks")])
    document = load(test, recorded.path, "--calibrate")
    costs = {row["name"]: row for row in document["pool_costs"]}
    test.check(costs["glibc"]["is_in_use"], f"{costs}")
    listed = costs["list in the program"]
    test.check(0 < listed["pair_64_ns"] < costs["glibc"]["pair_64_ns"], f"{costs}")
    short = site(test, document, 96)
    test.check(short["saved_low_ns"] <= short["saved_ns"] <= short["saved_high_ns"], f"{short}")
    # The size measured next is 128; of the table the neighbours are seen.
    pair_ns = costs["glibc"]["pair_64_ns"] - listed["pair_64_ns"]
    test.check(0.3 < short["saved_ns"] / (PAIRS * pair_ns) < 3, f"{short}, {pair_ns} ns a pair")
    test.check(short["saved_beside_stock_ns"] <= short["saved_ns"] + 1, f"{short}")


def test_worth_nothing(test):
    """A program with little of everything is told so in plain words."""
    document = load(test, test.record([test.program("hello")]).path)
    test.check("not known" not in document["pools"]["verdict"], f"{document['pools']}")
    test.check(all(row["verdict"] != "worth_it" or row["saved_peak_bytes"] > 0
                   for row in document["pool_sites"]), f"{document['pool_sites']}")


def test_cannot_be_told(test):
    """Without rows there is no answer, and a line says how to get one."""
    for option in (["--detail", "sites"], ["--sample", "512"]):
        ended = test.allocaudit("report", test.record([test.program("hello")], *option).path, "pools")
        test.equal(f"status of {ended}", ended.status, 0)
        test.check(b"record without " + option[0].encode() in ended.stdout, f"{ended}")
    ended = test.allocaudit("report", test.record([test.program("hello")]).path, "sites", "--calibrate")
    test.equal(f"--calibrate without pools: {ended}", ended.status, 2)
