"""`report pools`: counts, bytes and verdicts where they are known, and what cannot be told."""

import json
import os

from test_replay import LIBRARY_FOLDERS, STOCK

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


def grown_bytes(test, command, allocator):
    """What the program itself says, run on that allocator; None: it is not installed."""
    if allocator == "glibc":
        return int(test.run(command).stdout)
    found = [path for path in (os.path.join(folder, STOCK[allocator]) for folder in LIBRARY_FOLDERS)
             if os.path.exists(path)]
    return int(test.run(command, env={"LD_PRELOAD": found[0]}).stdout) if found else None


def test_calibrated_bytes(test):
    """What blocks are said to take on each allocator is what the program grows by when it runs on that one."""
    command = [test.program("kept_sizes"), "5000", "24", "100", "520", "3000"]
    document = load(test, test.record(command).path, "--calibrate")
    costs = {row["name"]: row for row in document["pool_block_costs"]}
    for name in ["glibc", *STOCK]:
        grown = grown_bytes(test, command, name)
        if grown is None:
            test.equal(f"not installed: {name}", name in costs, False)
            continue
        error = costs[name]["peak_bytes"] / grown - 1
        test.note(f"{name}: {100 * error:+.1f} %")
        test.check(abs(error) < 0.03, f"{name}: {costs[name]['peak_bytes']}, and it grew by {grown}")
    # A page holds 170 slots of 24 bytes, and 40 of 104 (the site's, at a multiple of 8): glibc takes 32 and 112.
    for size, saved in ((24, 5000 * 32 - 30 * 4096), (100, 5000 * 112 - 129 * 4096)):
        row = site(test, document, size)
        test.check(abs(row["saved_peak_bytes"] - saved) < 0.01 * 5000 * size, f"{row}, not {saved}")
        test.check(row["saved_peak_beside_stock_bytes"] <= row["saved_peak_bytes"], f"{row}")
    # 24 bytes are a size of their own nowhere (32 with jemalloc, tcmalloc and mimalloc), 100 are 112 for all.
    test.equal("for 24 bytes", site(test, document, 24)["verdict"], "saves_too_little")


def test_compact_stock(test):
    """Memory that another allocator saves as well is no reason for a pool: 16 bytes take 32 in glibc alone."""
    path = test.record([test.program("kept_sizes"), "100000", "16"]).path
    test.equal("as far as is known", site(test, load(test, path), 16)["verdict_text"], "yes: memory")
    document = load(test, path, "--calibrate")
    summary, row = document["pools"], site(test, document, 16)
    test.check(abs(row["saved_peak_bytes"] - 100000 * 16) < 20000, f"{row}")
    if len(document["pool_block_costs"]) == 3:
        test.equal("glibc alone", row["verdict_text"], "yes: memory")
        return
    test.check(abs(row["saved_peak_beside_stock_bytes"]) < 20000, f"{row}")
    test.check(row["verdict_text"] != "yes: memory", f"{row}")
    test.check(abs(summary["stock_saved_peak_bytes"] - 100000 * 16) < 50000, f"{summary}")
    test.check(row["compact_stock"] != "glibc", f"{row}")


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
