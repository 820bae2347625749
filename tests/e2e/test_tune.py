"""`allocaudit tune`: a program of which the best setting is known, one that needs none, and what is never tried."""

import json

from browser import Browser
from test_html import need_page
from test_recommend import paused, pinned, recorded
from test_replay import need_library

MEASURES = ("peak", "mean", "cpu", "tail")
LEAST = {"peak": 0.5, "mean": 0.5, "cpu": 0.5, "tail": 10}


def tuned(test, path, *options):
    ended = test.allocaudit("tune", "-i", path, "--format", "json", *options)
    test.equal(f"status of {ended}", ended.status, 0)
    return json.loads(ended.stdout)


def is_better(one, other, measure):
    """By ranges, as front.h says, from the figures as they are printed (a hundredth of a percent may be lost)."""
    change = f"{measure}_change_pct"
    return (change in one and change in other and one[f"{measure}_high_pct"] < other[f"{measure}_low_pct"]
            and other[change] - one[change] > LEAST[measure] + 0.01)


def test_known_best_setting_is_found(test):
    """A cached block at the heap's end keeps 6 MB: of glibc's settings those that do not cache it give them back."""
    answer = tuned(test, pinned(test), "--goal", "memory", "--allocators", "glibc",
                   "--time-limit", "25")
    found = answer["tuning"]
    test.equal("verdict", found["verdict"], "change")
    uncached = ("tcache_count=0", "tcache_max=256")
    test.check(any(word in found["setting"] for word in uncached), f"{found}")
    test.check(found["environment_line"].startswith("GLIBC_TUNABLES=glibc.malloc."), f"{found}")
    test.check(found["gain_low_pct"] > 10, f"{found}")
    by_label = {row["label"]: row for row in answer["tried"]}
    test.check(by_label["glibc tcache_count=0"]["mean_change_pct"] < -30, f"{by_label}")
    for label in ("glibc trim_threshold=131072", "glibc mmap_threshold=131072"):
        test.check(abs(by_label[label]["mean_change_pct"]) < 5, f"{by_label[label]}")
    test.check(found["advice"] in [row["label"] for row in answer["front"]], f"{answer['front']}")


def test_nothing_on_the_front_is_beaten(test):
    answer = tuned(test, pinned(test), "--allocators", "glibc", "--time-limit", "15")
    last = [row for row in answer["tried"] if row["place"] in ("front", "beaten", "tied")]
    front = [row for row in last if row["place"] == "front"]
    test.equal("front", sorted(row["label"] for row in front), sorted(row["label"] for row in answer["front"]))
    for one in front:
        test.check(one["repetition_count"] >= 2, f"{one}")
        for other in last:
            beats = (any(is_better(other, one, measure) for measure in MEASURES)
                     and not any(is_better(one, other, measure) for measure in MEASURES)
                     and not any(one[f"{measure}_change_pct"] < other[f"{measure}_change_pct"] for measure in MEASURES))
            test.check(not beats, f"{other} beats {one}")
    for row in answer["front"]:
        for measure in row["measures"]:
            test.check(measure["change_low_pct"] <= measure["change_pct"] <= measure["change_high_pct"], f"{row}")


def test_default_is_best(test):
    """Pairs of one size, one after the other: no setting of glibc changes what they need."""
    answer = tuned(test, paused(test, test.program("plain_pairs"), "1500000"), "--goal", "memory", "--allocators",
                   "glibc", "--time-limit", "15")
    found = answer["tuning"]
    test.equal("verdict", found["verdict"], "no_change")
    test.check("advice" not in found, f"{found}")
    if "tried" in answer:  # else so little was spent on it that nothing had to be
        default = next(row for row in answer["tried"] if row["label"] == "as recorded")
        head = ("the default is on the front; no setting is worth it" if default["place"] == "front"
                else "no setting is worth a change")
        test.check(found["why"].startswith(head), found["why"])


def test_dangerous_settings_are_never_tried(test):
    """And each knob that is not has a reason."""
    need_library("jemalloc")
    need_library("tcmalloc")
    answer = tuned(test, pinned(test), "--allocators", "jemalloc,tcmalloc", "--time-limit",
                   "25")
    left_out = {name: row["reason"] for row in answer["left_out"] for name in row["knobs"].split(", ")}
    for knob, reason in (("abort_conf", "ends the program"), ("zero", "debugging"), ("HEAP_LIMIT_MB", "fail"),
                         ("background_thread", "--paced"), ("retain", "mappings")):
        test.check(reason in left_out[knob], f"{knob}: {left_out[knob]}")
    for row in answer["tried"]:
        test.check(not any(f"{knob}:" in row["label"] or f"{knob}=" in row["label"] for knob in left_out), row["label"])
        test.check(row["place"] != "lost", f"did not take: {row}")
    searched = {row["knob"]: row for row in answer["searched"]}
    test.check("1000" in searched["dirty_decay_ms"]["timed_values"], f"{searched}")


def test_settings_that_work_by_the_clock(test):
    """20 MB freed, then half a second of little work: a short decay gives them back, the default one does not."""
    need_library("jemalloc")
    path = recorded(test, test.program("idle_after_peak"), "5000")
    answer = tuned(test, path, "--goal", "memory", "--allocators", "jemalloc", "--time-limit", "40")
    mean = {row["label"]: row["mean_change_pct"] for row in answer["tried"] if "mean_change_pct" in row}
    test.check(mean["jemalloc dirty_decay_ms:0"] < mean["jemalloc"] / 2, f"{mean}")
    test.check(mean["jemalloc dirty_decay_ms:1000"] < mean["jemalloc"] - 20, f"{mean}")


def test_best_setting_is_tried_on_the_program(test):
    program = test.program("pinned_top")
    answer = tuned(test, pinned(test), "--goal", "memory", "--allocators", "glibc", "--time-limit", "15",
                   "--confirm", "-n", "6", "--", program, "2000", "0")
    test.check(answer["tuning"]["verdict"] in ("change", "withdrawn"), f"{answer['tuning']}")
    test.equal("measures", [row["measure"] for row in answer["confirmed"]], ["wall", "cpu", "peak", "faults"])


def test_nothing_to_win_is_not_searched(test):
    answer = tuned(test, recorded(test, test.program("hello")))
    test.equal("verdict", answer["tuning"]["verdict"], "no_change")
    test.equal("replays", answer["tuning"]["replay_count"], 0)
    test.check("tried" not in answer and "front" not in answer, f"{answer}")


def test_too_little_time_is_said(test):
    path = paused(test, test.sample_app("message_store"), "--messages", "600000")
    answer = tuned(test, path, "--allocators", "glibc", "--time-limit", "0")
    tuning = answer["tuning"]
    test.check(tuning["verdict"] == "insufficient_evidence" and "longer --time-limit" in tuning["why"], f"{answer}")


def test_mistakes_are_refused(test):
    path = recorded(test, test.program("hello"))
    for words, part in (((path, "--allocators", "jemaloc"), "not 'jemaloc'"), ((path, "word"), "unexpected 'word'"),
                        ((path, "--allocators", "glibc,jemalloc,mimalloc"), "2 names at most"),
                        ((path, "--allocators", "glibc,glibc"), "'glibc' twice")):
        ended = test.allocaudit("tune", *words)
        test.equal(f"status of {ended}", ended.status, 2)
        test.check(part in ended.talk, ended.talk)


def test_front_is_drawn(test):
    need_page(test)
    path = pinned(test)
    answer = tuned(test, path, "--goal", "memory", "--allocators", "glibc", "--time-limit", "10", "--html", "tune.html")
    wanted = [row["label"] for row in answer["front"]]
    with Browser(test) as browser:
        for scheme in ("light", "dark"):
            browser.media(prefers_color_scheme=scheme)
            browser.open(test.path("tune.html"))
            browser.wait("a chart", "return document.querySelector('#front-chart svg') !== null")
            points = browser.script("return [...document.querySelectorAll('#front-chart .point.front title')]"
                                    ".map(each => each.textContent)")
            test.equal("points", sorted(text.split(" (front)")[0] for text in points), sorted(wanted))
            numbers = browser.script("return [...document.querySelectorAll('#front-chart .point.front text')]"
                                     ".map(each => Number(each.textContent)).sort()")
            test.equal("numbers", numbers, list(range(1, len(wanted) + 1)))
            for measure in ("peak", "mean", "tail"):
                browser.choose(f"front-measure-{measure}")
                test.equal(f"points by {measure}", len(browser.all("#front-chart .point.front")), len(wanted))
            first = browser.script("return document.querySelector('main section + section').id")
            test.equal("first section", first, "tuning")
            test.equal("complaints", browser.complaints(), [])
            browser.screenshot(f"tune_{scheme}.png", whole=True)


def test_page_that_cannot_be_written_is_told(test):
    need_page(test)
    path = recorded(test, test.program("hello"))
    ended = test.allocaudit("tune", path, "--html", "/nowhere/tune.html")
    test.equal(f"status of {ended}", ended.status, 3)
    test.check("/nowhere/tune.html" in ended.talk, ended.talk)
