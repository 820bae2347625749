"""`allocaudit diff`: known changes found and told, and nothing told that is none."""

import json
import os

import harness
from test_report import compare, make_database

# What differs between the two: a site doubled, one ten lines lower, one gone, one renamed. Everything else of
# the new one has other ids, addresses and lines, too.
CHANGES = """
UPDATE site SET allocation_count = 20, free_count = 20, allocated_bytes = 480, usable_bytes = 480
    WHERE process_id = 1 AND stack_id = 2;
UPDATE process SET allocation_count = 33, free_count = 32, allocated_bytes = 204632 WHERE id = 1;
UPDATE run SET allocation_count = 39, free_count = 38, allocated_bytes = 206728;
UPDATE size_class SET allocation_count = 20, free_count = 20 WHERE process_id = 1 AND size_min_bytes = 24;
UPDATE size_class SET allocation_count = 0, free_count = 0 WHERE process_id = 1 AND size_min_bytes = 32;
UPDATE lifetime_class SET free_count = 20 WHERE process_id = 1 AND lifetime_min_ns = 512;
UPDATE frame SET line = line + 10 WHERE function = 'build_table';
DELETE FROM site WHERE stack_id = 16;
UPDATE frame SET function = 'create_job' WHERE function = 'make_job';
"""

OTHER_IDS = """
PRAGMA foreign_keys = OFF;
UPDATE frame SET id = id + 100, inlined_by_id = inlined_by_id + 100, line = line + 7, offset = offset + 64
    WHERE id > 0;
UPDATE stack SET frame_id = frame_id + 100 WHERE frame_id > 0;
UPDATE stack SET id = id + 1000, parent_id = parent_id + 1000;
UPDATE site SET stack_id = stack_id + 1000;
UPDATE temporary SET stack_id = stack_id + 1000;
UPDATE context SET stack_id = stack_id + 1000;
UPDATE module_load SET start_address = start_address + 65536, end_address = end_address + 65536,
    load_bias = load_bias + 65536;
"""


def diff(test, old, new, *options, status=0):
    ended = test.allocaudit("diff", old, new, *options)
    test.equal(f"status of {ended}", ended.status, status)
    return ended


def document(test, old, new, *options):
    return json.loads(diff(test, old, new, "--format", "json", *options).stdout)


def pair(test, new_sql="", old_sql=""):
    return (make_database(test.path("old.db"), sql=old_sql), make_database(test.path("new.db"), sql=new_sql))


def by_function(found, key="allocation_count"):
    """{function: (old, new, state)} of the sites listed."""
    return {site["function"]: (site[key + "_old"], site[key + "_new"], site["state"]) for site in found["sites"]}


def differences(found):
    return {row["what"]: (row["old"], row["new"]) for row in found["provenance"]}


def test_known_changes_are_found(test):
    old, new = pair(test, new_sql=OTHER_IDS + CHANGES.replace("stack_id = 2;", "stack_id = 1002;")
                    .replace("stack_id = 16", "stack_id = 1016"))
    found = document(test, old, new)
    test.equal("sites", by_function(found), {
        "parse_line": (14, 24, ""), "make_job": (4, 0, "gone"), "create_job": (0, 4, "new"), "descend": (1, 0, "gone")})
    test.equal("the order", [site["function"] for site in found["sites"]],
               ["parse_line", "make_job", "create_job", "descend"])
    test.equal("verdict", found["verdict"], {"is_same": False, "site_count": 7, "changed_site_count": 1,
                                             "new_site_count": 1, "gone_site_count": 2})
    test.equal("provenance", found["provenance"], [])
    totals = {row["figure"]: (row["old"], row["new"], row["change"], row["change_pct"]) for row in found["totals"]}
    test.equal("allocations", totals["allocation_count"], (30, 39, 9, 30))
    test.equal("bytes", totals["allocated_bytes"], (206520, 206728, 208, 0.1007))
    test.equal("leaks", totals["leaked_bytes"], (3000, 3000, 0, 0))
    test.equal("temporary", totals["temporary_count"][:2], (18, 17))
    sizes = {row["size_min_bytes"]: (row["old"], row["new"], row["change"]) for row in found["sizes"]}
    test.equal("size 24", sizes[24], (14, 24, 10))
    test.equal("size 32", sizes[32], (1, 0, -1))
    test.equal("size 1000", sizes[1000], (5, 5, 0))
    test.equal("lifetimes", [(row["lifetime_min_ns"], row["old"], row["new"]) for row in found["lifetimes"]][:2],
               [(0, 10, 20), (1024, 4, 4)])
    path = [frame["function"] for frame in found["sites"][0]["path"]]
    test.equal("path", path, ["parse_line", "load_config", "main"])


def test_table_of_known_changes(test):
    pair(test, new_sql=CHANGES + "UPDATE environment SET value = '4' WHERE name = 'MALLOC_ARENA_MAX';")
    ended = test.allocaudit("diff", "old.db", "new.db", "--sort", "bytes")
    compare(test, "diff", f"status {ended.status}\n{ended.stdout.decode()}--\n{ended.talk}")


def test_identical_recordings(test):
    old, new = pair(test)
    for other in (old, new):
        found = document(test, old, other)
        test.equal("verdict", found["verdict"], {"is_same": True, "site_count": 6, "changed_site_count": 0,
                                                 "new_site_count": 0, "gone_site_count": 0})
        test.equal("sites", found["sites"], [])
        test.equal("provenance", found["provenance"], [])
        test.check(all(row["change"] in (0, None) for row in found["totals"]), "a total changed")
    text = diff(test, old, new).stdout.decode()
    test.check(text.startswith("No difference: all 6 sites allocate the same."), text)
    test.check("Sites by change" not in text and "differ in more" not in text, text)


def test_ids_addresses_and_lines_do_not_matter(test):
    old, new = pair(test, new_sql=OTHER_IDS)
    test.equal("verdict", document(test, old, new)["verdict"]["is_same"], True)
    test.equal("verdict", document(test, new, old)["verdict"]["is_same"], True)


def test_recursion_counts_once(test):
    """main > grow becomes main > descend > grow > descend > grow: deeper by two circles."""
    old, new = pair(test, old_sql="INSERT INTO stack VALUES (20, 1, 14, 2), (21, 20, 7, 3);"
                                  "UPDATE site SET stack_id = 21 WHERE stack_id = 5;",
                    new_sql="INSERT INTO stack VALUES (20, 1, 14, 2), (21, 20, 7, 3), (22, 21, 14, 4), (23, 22, 7, 5);"
                            "UPDATE site SET stack_id = 23 WHERE stack_id = 5;"
                            "UPDATE temporary SET stack_id = 23 WHERE stack_id = 5;")
    test.equal("sites", by_function(document(test, old, new)), {})


def test_sites_that_fall_together_are_summed(test):
    """build_table is called from two lines of main."""
    old, new = pair(test, new_sql="INSERT INTO frame SELECT 30, module_id, 9999, function, file, 300, NULL FROM frame"
                                  " WHERE id = 1; INSERT INTO stack VALUES (30, NULL, 30, 1), (31, 30, 5, 2),"
                                  " (32, 31, 6, 3); UPDATE site SET stack_id = 32 WHERE stack_id = 4 AND"
                                  " process_id = 2; UPDATE temporary SET stack_id = 32 WHERE stack_id = 4 AND"
                                  " process_id = 2;")
    test.equal("verdict", document(test, old, new)["verdict"]["is_same"], True)


def test_names_of_clones_are_one(test):
    old, new = pair(test, old_sql="UPDATE frame SET function = 'grow.part.0' WHERE function = 'grow'",
                    new_sql="UPDATE frame SET function = 'grow [clone .constprop.1]' WHERE function = 'grow'")
    test.equal("verdict", document(test, old, new)["verdict"]["is_same"], True)


def test_nameless_functions(test):
    """By offset in the same build of a module, else by the module."""
    name = "UPDATE frame SET function = 'server+0x{:x}' WHERE function IN ('grow', 'build_table');"
    old, new = pair(test, old_sql=name.format(0x1500), new_sql=name.format(0x1510))
    same_build = document(test, old, new)["verdict"]
    test.check(same_build["gone_site_count"] == 2 and same_build["new_site_count"] == 2, f"{same_build}")
    make_database(test.path("built.db"), sql=name.format(0x1510) +
                  "UPDATE module SET build_id = 'ffff' WHERE id = 1")
    found = document(test, old, test.path("built.db"))
    test.equal("in another build", found["verdict"]["is_same"], True)
    test.equal("provenance", differences(found), {"build id of the program":
               ("0123456789abcdef0123456789abcdef01234567", "ffff")})


PROVENANCE = [
    ("command", "UPDATE process SET command = './server --fast' WHERE id = 1", "./server --config demo.conf",
     "./server --fast"),
    ("build id of libc.so.6", "UPDATE module SET build_id = NULL WHERE id = 3",
     "fedcba9876543210fedcba9876543210fedcba98", "none"),
    ("allocator", "UPDATE process SET allocator = 'jemalloc'", "glibc", "jemalloc"),
    ("version of the allocator", "UPDATE process SET allocator_version = '2.40'", "2.36", "2.40"),
    ("MALLOC_ARENA_MAX", "DELETE FROM environment WHERE name = 'MALLOC_ARENA_MAX'", "2", "(not set)"),
    ("ALLOCAUDIT_POLICY", "INSERT INTO environment VALUES ('ALLOCAUDIT_POLICY', 'pool')", "(not set)", "pool"),
    ("--detail", "UPDATE run SET detail = 'sites'", "full", "sites"),
    ("--unwind", "UPDATE run SET unwind = 'fp'", "auto", "fp"),
    ("--depth", "UPDATE run SET depth_limit = 20", "64", "20"),
    ("--mmap", "UPDATE run SET is_mmap_recorded = 1", "0", "1"),
    ("sample", "UPDATE run SET sample_bytes = 4096", "every allocation", "one in 4096 bytes"),
    ("state", "UPDATE run SET state = 'cut'", "complete", "cut"),
    ("lost events", "UPDATE run SET lost_event_count = 5", "0", "5"),
    ("libc", "UPDATE run SET libc = 'glibc 2.40'", "glibc 2.36", "glibc 2.40"),
    ("kernel", "UPDATE run SET kernel = 'Linux 7'", "Linux 6.1.0", "Linux 7"),
    ("processors", "UPDATE run SET cpu_count = 8", "4", "8"),
    ("recorder", "UPDATE run SET tool_version = '9'", "0.1.0", "9"),
]


def test_provenance(test, what, sql, old_value, new_value):
    old, new = pair(test, new_sql=sql)
    found = document(test, old, new)
    test.equal("differences", differences(found), {what: (old_value, new_value)})
    test.check(found["provenance"][0]["effect"] != "", "it is not told what that does")
    text = diff(test, old, new).stdout.decode()
    test.check(what in text and old_value in text and new_value in text, text)


test_provenance.cases = [(case[0].replace(" ", "_"), case) for case in PROVENANCE]

SAMPLE = """
UPDATE run SET sample_bytes = 100, allocation_count_stderr = 3, allocated_bytes_stderr = 4;
UPDATE site SET allocation_count_stderr = 2, allocated_bytes_stderr = 30, leaked_count_stderr = 0,
    leaked_bytes_stderr = 0;
"""


def test_samples_have_margins(test):
    """parse_line has an error of sqrt(2^2 + 2^2), rounded to 3, on each side: ± 1.96 * sqrt(18) = 8.3."""
    change = SAMPLE + "UPDATE site SET allocation_count = allocation_count + {} WHERE stack_id = 2 AND process_id = 1"
    old, new = pair(test, old_sql=SAMPLE, new_sql=change.format(8))
    found = document(test, old, new)
    test.equal("eight more", by_function(found), {"parse_line": (14, 22, "chance")})
    test.equal("margin", found["sites"][0]["margin"], 8)
    test.equal("verdict", found["verdict"]["is_same"], True)
    test.check(diff(test, old, new).stdout.startswith(b"No difference beyond chance"), "another verdict")
    make_database(test.path("more.db"), sql=change.format(9))
    found = document(test, old, test.path("more.db"))
    test.equal("nine more", by_function(found), {"parse_line": (14, 23, "")})
    test.equal("verdict", found["verdict"]["changed_site_count"], 1)
    ended = diff(test, old, new, "--sort", "temporary", status=2)
    test.check("--sort temporary needs every allocation: not of a sample" in ended.talk, ended.talk)


def test_a_sample_that_misses_a_site(test):
    """A site of 33 (bytes and allocations) may be missed by one in 100 bytes, one of 964 may not."""
    old, new = pair(test, new_sql=SAMPLE + "DELETE FROM site WHERE stack_id IN (5, 16)")
    test.equal("states", {site["function"]: site["state"] for site in document(test, old, new)["sites"]},
               {"descend": "chance", "grow": "gone"})


def test_a_process_is_compared(test):
    old, new = pair(test, new_sql="UPDATE site SET allocation_count = 6 WHERE stack_id = 2 AND process_id = 2")
    test.equal("of the first", document(test, old, new, "--process", "1")["verdict"]["is_same"], True)
    test.equal("of the second", by_function(document(test, old, new, "-p", "2")), {"parse_line": (4, 6, "")})
    found = by_function(document(test, old, new, "--process", "1:2"))
    test.equal("one with the other", found["parse_line"], (10, 6, ""))
    test.check("in the new recording: there is no process 9" in diff(test, old, new, "-p", "1:9", status=2).talk,
               "the wrong process is not told")


def test_sorting(test):
    old, new = pair(test, new_sql="UPDATE site SET leaked_bytes = 2500 WHERE stack_id = 4 AND process_id = 1;"
                                  "UPDATE site SET peak_bytes = 9 WHERE stack_id = 13;"
                                  "UPDATE site SET time_ns = 999 WHERE stack_id = 9")
    for word, function, key in (("leaked", "build_table", "leaked_bytes"), ("peak", "make_job", "peak_bytes"),
                                ("time", "simulate", "time_ns")):
        site = document(test, old, new, "--sort", word, "--top", "1")["sites"][0]
        test.equal(word, site["function"], function)
        test.equal("change", site[key + "_new"] - site[key + "_old"], site[key + "_change"])
    test.equal("by count nothing changed", document(test, old, new)["sites"], [])


def test_sites_that_ask_for_other_sizes(test):
    old, new = pair(test, new_sql="UPDATE site SET allocated_bytes = 288 WHERE stack_id = 13")
    move = document(test, old, new)["size_moves"]
    test.equal("moves", [(row["function"], row["mean_size_bytes_old"], row["mean_size_bytes_new"], row["moved_bytes"])
                         for row in move], [("make_job", 48, 72, 96)])


def test_counters(test):
    counters = "INSERT INTO counter VALUES (1, 'policy.take_count', 5, {}), (2, 'policy.take_count', 5, 1)"
    old, new = pair(test, counters.format(30), counters.format(20))
    test.equal("counters", [(row["name"], row["old"], row["new"], row["change"])
                            for row in document(test, old, new)["counters"]], [("policy.take_count", 21, 31, 10)])


def test_what_cannot_be_compared(test):
    old, new = pair(test, new_sql="PRAGMA user_version = 2")
    ended = diff(test, old, new, status=3)
    test.check("version 2" in ended.talk and "new.db" in ended.talk, ended.talk)
    ended = diff(test, old, "nowhere.db", status=3)
    test.check("nowhere.db" in ended.talk, ended.talk)
    empty = make_database(test.path("empty.db"), sql="DELETE FROM process")
    test.check("nothing was recorded in" in diff(test, empty, old, status=3).talk, "an empty one is compared")
    for words in ([], [old], [old, old, old]):
        ended = test.allocaudit("diff", *words)
        test.equal("status", ended.status, 2)
        test.check("two recordings are needed" in ended.talk, ended.talk)
    damaged = make_database(test.path("damaged.db"), sql="UPDATE frame SET inlined_by_id = 3 WHERE id = 2")
    test.check("inlined in a circle" in diff(test, old, damaged, status=3).talk, "a circle is not told")


def test_two_versions_of_a_program(test):
    paths = [test.record([test.program("diff_versions", f"-DVERSION={version}")]).path for version in (1, 2)]
    lines = [test.open(path).value("SELECT min(line) FROM frame WHERE function = 'moved_down'") for path in paths]
    test.equal("lines that moved", lines[1] - lines[0], 10)
    found = document(test, *paths)
    outer = {tuple(frame["function"] for frame in site["path"])[1]:
             (site["allocation_count_old"], site["allocation_count_new"], site["state"]) for site in found["sites"]}
    test.equal("sites by caller", outer, {
        "doubled": (100, 200, ""), "goes": (30, 0, "gone"), "comes": (0, 7, "new"), "old_name": (20, 0, "gone"),
        "new_name": (0, 20, "new")})
    test.equal("sizes that moved", [(row["path"][1]["function"], row["mean_size_bytes_old"], row["mean_size_bytes_new"])
                                    for row in found["size_moves"]], [("grows", 100, 200)])
    test.check("build id of the program" in differences(found), f"provenance: {found['provenance']}")
    same = document(test, paths[0], test.record([test.program("diff_versions", "-DVERSION=1")]).path)
    test.equal("the same version again", same["verdict"]["is_same"], True)
    test.equal("provenance", differences(same), {})


def test_python_with_two_inputs(test):
    python = "/usr/bin/python3"
    if not os.path.exists(python):
        raise harness.Skip("no python3 of the system")
    code = "import json; json.loads(json.dumps([{{'a': i}} for i in range({})]))"
    paths = [test.record([python, "-I", "-c", code.format(count)], env={"PYTHONHASHSEED": "0"}).path
             for count in (1000, 1000, 20000)]
    same = document(test, paths[0], paths[1])
    more = document(test, paths[0], paths[2])
    test.note(f"the same again: {same['verdict']}; 20 times the input: {more['verdict']}")
    changed = sum(same["verdict"][name] for name in ("changed_site_count", "new_site_count", "gone_site_count"))
    test.check(changed <= same["verdict"]["site_count"] // 50, f"{same['verdict']}")
    test.equal("provenance", list(differences(more)), ["command"])
    totals = {row["figure"]: row for row in more["totals"]}
    for recorded, side in ((paths[0], "old"), (paths[2], "new")):
        run = test.open(recorded).run
        for figure in ("allocation_count", "allocated_bytes", "peak_bytes", "leaked_bytes"):
            test.equal(figure, totals[figure][side], run[figure])
    test.check(totals["allocated_bytes"]["change"] > 1000000, f"{totals['allocated_bytes']}")


LONG_NAME = ("std::enable_if<std::is_same<std::string, app::Store<std::map<std::string, std::vector<app::Entry> > > "
             ">::value, app::Result<std::string> >::type app::Store<std::map<std::string, std::vector<app::Entry> > "
             ">::load_everything<std::string const&>(std::string const&, std::vector<app::Entry> const&) const")


def test_tables_fit_the_terminal(test):
    """Names give way from the inside; the function's own name stays in every width."""
    name = f"UPDATE frame SET function = '{LONG_NAME}' WHERE function = 'simulate'; "
    old, new = pair(test, old_sql=name, new_sql=name + "UPDATE site SET allocation_count = 9 WHERE stack_id = 9")
    shown = {80: "load_", 120: "load_everything<…>(…) const", 200: "::load_everything<"}
    for columns, wanted in shown.items():
        for words in (["diff", old, new], ["report", new, "sites"], ["report", new, "--stack", "9"]):
            text = test.allocaudit(*words, env={"COLUMNS": str(columns)}).stdout.decode()
            lines = [line for line in text.splitlines() if line.startswith("  ")]
            test.check(all(len(line) <= columns for line in lines), f"{words} is wider than {columns}:\n{text}")
            test.check(wanted in text, f"{words} in {columns} columns does not show {wanted}:\n{text}")
    full = test.allocaudit("report", new, "sites", "--full-names", env={"COLUMNS": "80"}).stdout.decode()
    test.check(LONG_NAME in full, full)
