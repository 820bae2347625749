"""`report --html`: the page opened in headless Chromium, used with mouse and keyboard, and what it holds
against what the report says."""

import json
import os
import re
import stat

import harness
from browser import Browser
from test_import import TEXT as HEAPTRACK
from test_report import NO_ALLOCATION, make_database

LIMIT_BYTES = 5 * 1000 * 1000

EVIL = "</script><script>window.evil = 1</script><img src=http://127.0.0.1:1/x onerror='window.evil = 2'>\x1b[31m\"'\\"


def need_page(test):
    """Skips where the program was built without the page."""
    make_database(test.path("probe.db"))
    ended = test.allocaudit("report", "probe.db", "--html", "probe.html")
    if ended.status == 3 and "built without the page" in ended.talk:
        test.check(not os.path.exists(test.path("probe.html")), "a page without the bundle")
        raise harness.Skip("built without the page of report --html (make html-bundle)")
    test.equal("status", (ended.status, ended.stdout), (0, b""))


def write_page(test, recording, *options, name="page.html"):
    ended = test.allocaudit("report", recording, "--html", name, *options)
    test.equal(f"status ({ended.talk})", ended.status, 0)
    path = test.path(name)
    test.check(os.path.getsize(path) < LIMIT_BYTES, f"{os.path.getsize(path)} bytes")
    return path


def data_of(path):
    """The two documents inside a page."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    found = re.findall(r'<script type="application/json" id="(\w+)-json">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def sums_of(tree):
    """Each key's sum over the tree, whole and of every node with all beneath it."""
    sums = {}
    for key in tree["keys"]:
        values = [0] * len(tree["parents"])
        outside = 0
        for pairs in (tree["own"][key], tree["smaller"][key]):
            for node, value in zip(pairs[::2], pairs[1::2]):
                if node < 0:
                    outside += value
                else:
                    values[node] += value
        for node in range(len(values) - 1, -1, -1):
            if tree["parents"][node] >= 0:
                values[tree["parents"][node]] += values[node]
        roots = sum(value for value, parent in zip(values, tree["parents"]) if parent < 0)
        sums[key] = (roots + outside, values)
    return sums


def sections_of(browser):
    return browser.script("return [...document.querySelectorAll('main > section')].map((s) => s.id)")


def check_quiet(test, browser):
    """No complaint, no request, nothing executed, and every section has something to say."""
    test.equal("what the console and the network saw", browser.complaints(), [])
    test.equal("what was executed", browser.script("return window.evil ?? null"), None)
    for section in sections_of(browser):
        text = browser.text(f"#{section}")
        test.check(len(text.split()) > 2, f"section {section} is empty: {text!r}")
        for wrong in ("undefined", "NaN", "[object", "Infinity"):
            test.check(wrong not in text, f"section {section} says {wrong}")


def test_data_is_the_reports(test):
    need_page(test)
    path = write_page(test, "probe.db")
    again = write_page(test, "probe.db", name="again.html")
    with open(path, "rb") as first, open(again, "rb") as second:
        test.check(first.read() == second.read(), "the same recording gave another page")
    found = data_of(path)
    said = json.loads(test.allocaudit("report", "probe.db", "--format", "json").stdout)
    test.equal("summary", found["report"]["summary"], said["summary"])
    test.equal("timeline", found["report"]["timeline"], said["timeline"])
    test.equal("title", found["report"]["labels"]["leaks"]["title"], "Leaks: blocks never freed, by bytes")
    test.check(["leaked_bytes", "leaked"] in found["report"]["labels"]["leaks"]["columns"], "columns with labels")
    tree = found["tree"]
    recording = test.open(test.path("probe.db"))
    wanted = recording.rows("SELECT sum(allocation_count) AS allocation_count, sum(allocated_bytes) AS allocated_bytes, "
                            "sum(peak_bytes) AS peak_bytes, sum(leaked_bytes) AS leaked_bytes FROM site")[0]
    sums = sums_of(tree)
    for key, value in wanted.items():
        test.equal(key, (tree["totals"][key], sums[key][0]), (value, value))
    rows = [dict(zip(tree["site_keys"], row)) for row in tree["sites"]]
    test.equal("sites", sum(row["allocation_count"] for row in rows), wanted["allocation_count"])
    for row in rows:
        functions = []
        node = row["node"]
        while node >= 0:
            fields = tree["frames"][tree["node_frames"][node]]
            functions += [tree["strings"][number] for number in fields[::4]]
            node = tree["parents"][node]
        stack = json.loads(test.allocaudit("report", "probe.db", "--stack", str(row["stack_id"]), "--format",
                                           "json").stdout)
        wanted_functions = [frame["function"] for frame in stack["site"]["stack"]]
        test.equal(f"stack {row['stack_id']}", functions[:len(wanted_functions)], wanted_functions)


def test_page_is_used(test):
    need_page(test)
    recorded = test.record([test.need("perl"), "-e", "my @a = map { [ $_, 'x' x $_ ] } 1..3000; my %h; "
                            "$h{$_ % 50} .= 'y' x 100 for 1..20000; print scalar(@a);"])
    test.equal("status", recorded.status, 0)
    path = write_page(test, recorded.path)
    tree = data_of(path)["tree"]
    with Browser(test) as browser:
        browser.open(path)
        for wanted in ("summary", "timeline", "flame", "sites", "leaks", "sizes", "lifetimes"):
            test.check(wanted in sections_of(browser), f"no section {wanted}")
        check_quiet(test, browser)
        use_flame_graph(test, browser, tree)
        use_sites(test, browser, tree)
        use_timeline(test, browser)
        use_keyboard(test, browser)
        use_themes(test, browser)
        test.equal("what the console and the network saw after all that", browser.complaints(), [])


def use_flame_graph(test, browser, tree):
    frames = "#flame g.frame"
    test.check(len(browser.all(frames)) > 10, "a flame graph without frames")
    test.check(f"{tree['totals']['allocation_count']:,} allocations" in browser.text(".flame-details"),
               browser.text(".flame-details"))
    browser.choose("flame-metric-allocated_bytes")
    browser.wait("bytes", "return document.querySelector('.flame-details').textContent.includes('allocated')")
    browser.choose("flame-direction-allocations")
    browser.wait("allocations first", f"return document.querySelectorAll('{frames}').length > 3")
    browser.choose("flame-direction-callers")
    browser.choose("flame-metric-allocation_count")
    name = browser.script(f"return [...document.querySelectorAll('{frames}')].map((g) => g.getAttribute('name'))"
                          ".find((name) => name.startsWith('Perl_'))")
    search = browser.one("#flame-search")
    search.send_keys(name.upper())
    browser.wait("matches", "return /matching: [0-9.]+ %/.test(document.getElementById('flame').parentElement.parentElement.textContent)")
    test.check(browser.all("#flame g.match"), f"no match for {name}")
    search.clear()
    search.send_keys("no such function")
    browser.wait("no match", "return document.body.textContent.includes('No function matches.')")
    search.clear()
    search.send_keys(" ")
    browser.script(f"""[...document.querySelectorAll('{frames}')].find((g) => g.getAttribute('name') === arguments[0])
                       .dispatchEvent(new MouseEvent('click', {{bubbles: true}}))""", name)
    browser.wait("zoomed in", "return !document.getElementById('flame-reset').disabled")
    test.check(name in browser.text(".flame-details"), browser.text(".flame-details"))
    browser.script("document.getElementById('flame-reset').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.one("#flame-reset").click()
    browser.wait("zoomed out", "return document.getElementById('flame-reset').disabled")


def column(browser, number):
    return browser.script("return [...document.querySelectorAll('#sites tbody tr:not(.detail)')]"
                          ".map((row) => row.cells[arguments[0]].textContent)", number)


def use_sites(test, browser, tree):
    headings = browser.script("return [...document.querySelectorAll('#sites th button')].map((b) => b.textContent)")
    at = headings.index("allocations")
    counts = [int(text.replace(",", "")) for text in column(browser, at + 1)]
    test.equal("sorted at first", counts, sorted(counts, reverse=True))
    test.equal("the largest", counts[0], max(row[2] for row in tree["sites"]))
    button = browser.all("#sites th button")[at]
    browser.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()
    counts = [int(text.replace(",", "")) for text in column(browser, at + 1)]
    test.equal("sorted the other way", counts, sorted(counts))
    test.equal("aria-sort", browser.all("#sites th")[at + 1].get_attribute("aria-sort"), "ascending")
    button.click()
    field = browser.one("#sites input[type=search]")
    field.send_keys("no such function")
    browser.wait("nothing", "return document.querySelector('#sites').textContent.includes('Nothing matches the filter.')")
    field.clear()
    field.send_keys("perl_")
    browser.wait("filtered", "return / of [0-9,]+ rows match/.test(document.querySelector('#sites').textContent)")
    opener = browser.one("#sites button.open")
    browser.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", opener)
    opener.click()
    test.equal("opened", opener.get_attribute("aria-expanded"), "true")
    test.check(len(browser.all("#sites tr.detail .stack li")) > 1, "a row opens to its stack")
    opener.click()
    test.equal("closed", len(browser.all("#sites tr.detail")), 0)


def use_timeline(test, browser):
    everything = browser.text("#timeline-range")
    browser.script("document.getElementById('timeline').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.one("#timeline-in").click()
    browser.wait("zoomed in", "return document.getElementById('timeline-range').textContent.includes(' of ')")
    browser.one("#timeline-reset").click()
    browser.wait("everything", "return document.getElementById('timeline-range').textContent === arguments[0]", everything)
    drag(browser, "#timeline .u-over", 0.3, 0.6)
    browser.wait("zoomed by dragging", "return document.getElementById('timeline-range').textContent.includes(' of ')")
    browser.script("document.getElementById('timeline').focus()")
    browser.driver.switch_to.active_element.send_keys("\ue00c")  # Escape
    browser.wait("everything again", "return document.getElementById('timeline-range').textContent === arguments[0]",
                 everything)


def drag(browser, selector, start, end):
    from selenium.webdriver import ActionChains
    plot = browser.one(selector)
    width = plot.size["width"]
    actions = ActionChains(browser.driver, duration=50)
    actions.move_to_element_with_offset(plot, int(width * (start - 0.5)), 0).click_and_hold()
    actions.move_to_element_with_offset(plot, int(width * (end - 0.5)), 0).release().perform()


def use_keyboard(test, browser):
    """Tab reaches everything, what has the focus shows it, and the flame graph is walked by arrows."""
    browser.driver.refresh()  # so that Tab begins at the top
    seen = []
    for _ in range(60):
        browser.driver.switch_to.active_element.send_keys("\ue004")  # Tab
        seen.append(browser.script("""const at = document.activeElement;
            const box = at.tagName === 'INPUT' && at.type === 'radio' ? at.nextElementSibling : at;
            const style = getComputedStyle(at.closest('g.frame') ? at.querySelector('rect') : box);
            return {what: at.closest('g.frame') ? 'frame' : at.id || at.className || at.tagName,
                    hasName: Boolean(at.getAttribute('aria-label') || at.textContent.trim() || at.labels?.length),
                    isShown: style.outlineStyle !== 'none' || style.strokeWidth === '3px'}"""))
        if seen[-1]["what"] == "frame":
            break
    names = [each["what"] for each in seen]
    test.equal("first stop", names[0], "skip")
    for wanted in ("theme-auto", "timeline", "flame-metric-allocation_count", "flame-search", "frame"):
        test.check(wanted in names, f"Tab does not reach {wanted}: {names}")
    test.equal("stops without a name", [each["what"] for each in seen if not each["hasName"]], [])
    test.equal("stops whose focus does not show", [each["what"] for each in seen if not each["isShown"]], [])
    browser.driver.switch_to.active_element.send_keys("\ue015")  # down
    deeper = browser.script("return document.activeElement.getAttribute('aria-level')")
    test.equal("level after an arrow", deeper, "2")
    browser.driver.switch_to.active_element.send_keys("\ue007")  # Enter
    browser.wait("zoomed in by Enter", "return !document.getElementById('flame-reset').disabled")
    browser.driver.switch_to.active_element.send_keys("\ue00c")  # Escape
    browser.wait("zoomed out by Escape", "return document.getElementById('flame-reset').disabled")
    roles = browser.script("return [...document.querySelectorAll('canvas')].map((c) => [c.getAttribute('role'),"
                           " Boolean(c.getAttribute('aria-label'))])")
    test.check(roles and all(role == ["img", True] for role in roles), f"canvases: {roles}")
    test.equal("headings", browser.script("return document.querySelectorAll('h1').length"), 1)


def contrast(browser, selector):
    """WCAG contrast of an element's text against what lies behind it."""
    return browser.script("""
        const parse = (text) => text.match(/[\\d.]+/g).map(Number);
        let at = document.querySelector(arguments[0]);
        const text = parse(getComputedStyle(at).color);
        let back = [0, 0, 0, 0];
        for (; at && (back.length > 3 && back[3] === 0); at = at.parentElement) back = parse(getComputedStyle(at).backgroundColor);
        const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const [a, b] = [light(text), light(back)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);""", selector)


def use_themes(test, browser):
    backgrounds = {}
    for scheme in ("light", "dark"):
        browser.media(prefers_color_scheme=scheme)
        browser.wait(scheme, "return document.documentElement.dataset.theme === arguments[0]", scheme)
        backgrounds[scheme] = browser.script("return getComputedStyle(document.body).backgroundColor")
        for selector in ("h1", "nav a", ".hint", ".figure dt", "td.number", "th button", ".notes li", ".empty"):
            if browser.all(selector):
                found = contrast(browser, selector)
                test.check(found >= 4.5, f"{selector} in {scheme}: contrast {found:.2f}")
    test.check(backgrounds["light"] != backgrounds["dark"], "dark looks like light")
    browser.choose("theme-light")
    test.equal("light by hand", browser.script("return document.documentElement.dataset.theme"), "light")
    browser.choose("theme-auto")
    browser.media(medium="print", prefers_color_scheme="dark")
    browser.wait("paper is white", "return document.documentElement.dataset.theme === 'light'")
    hidden = browser.script("return ['nav', '.controls', '#head .choice'].map((s) => "
                            "getComputedStyle(document.querySelector(s)).display)")
    test.equal("controls on paper", hidden, ["none"] * 3)
    wide = browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    test.check(wide <= 0, f"paper is {wide} pixels too narrow")
    browser.media()


def test_strange_names_are_harmless(test):
    need_page(test)
    long_name = "ns::" + "x" * 1000000
    quoted = EVIL.replace("'", "''")
    make_database(test.path("strange.db"), sql=f"""
        UPDATE run SET command = '{quoted}', host = '{quoted}';
        UPDATE frame SET function = '{quoted}', file = '{quoted}' WHERE id % 3 = 0;
        UPDATE frame SET function = '{long_name}' WHERE id % 3 = 1;
        UPDATE frame SET function = CAST(x'ff3c2f7363726970743e80' AS TEXT) WHERE id % 3 = 2;
        UPDATE module SET path = '/' || '{quoted}';
        UPDATE thread SET name = '{quoted}';
        UPDATE process SET executable = '{quoted}', command = '{quoted}';
        INSERT INTO mark VALUES (9001, 1, 1, 2000000, 'mark', '{quoted}'), (9002, 1, 1, 3000000, 'mark', '{long_name}');""")
    path = write_page(test, "strange.db")
    with open(path, "rb") as file:
        page = file.read()
    test.equal("elements that end", page.count(b"</script>"), 3)
    with Browser(test) as browser:
        browser.open(path)
        check_quiet(test, browser)
        test.check("</script><script>" in browser.text(".command"), browser.text(".command"))
        test.equal("pictures", browser.all("img"), [])
        for button in browser.all("button.open")[:5]:
            browser.script("arguments[0].click()", button)
        check_quiet(test, browser)


def test_of_every_kind_of_recording(test):
    need_page(test)
    make_database(test.path("none.db"), sql=NO_ALLOCATION)
    loop = test.program("frame_loop")
    moments = make_database(test.path("moments.db"), sql="WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                            "n WHERE i < 600) INSERT INTO mark SELECT 1000 + i, 1, 1, i * 10000, 'mark', 'part ' || i FROM n;")
    pages = {
        "empty": write_page(test, "none.db", name="empty.html"),
        "sampled": write_page(test, test.record([test.program("many_stacks")], "--sample", "1KiB").path, name="sampled.html"),
        "sites only": write_page(test, test.record([test.program("many_stacks")], "--detail", "sites").path, name="sites.html"),
        "with frames": write_page(test, test.record([loop]).path, name="frames.html"),
        "with moments": write_page(test, moments, name="moments.html"),
        "of a time": write_page(test, "probe.db", "--from", "3ms", "--to", "5ms", name="part.html"),
        "of nothing": write_page(test, "probe.db", "--function", "no_such_function", name="nothing.html"),
        "of one section": write_page(test, "probe.db", "leaks", name="leaks.html"),
    }
    with Browser(test) as browser:
        for kind, path in pages.items():
            browser.open(path)
            check_quiet(test, browser)
            test.note(f"{kind}: {os.path.getsize(path)} bytes")
        browser.open(pages["empty"])
        test.check("There is nothing to draw" in browser.text("#flame"), browser.text("#flame"))
        test.check("Nothing leaked" in browser.text("#leaks"), browser.text("#leaks"))
        browser.open(pages["sampled"])
        reason = browser.script("return document.querySelector(\"label[for='flame-metric-temporary_count']\").title")
        test.equal("why there is no such metric", reason, "not known from a sample")
        browser.open(pages["of a time"])
        reason = browser.script("return document.querySelector(\"label[for='flame-metric-peak_bytes']\").title")
        test.equal("why there is no such metric", reason, "not known for a part of the run")
        browser.open(pages["with frames"])
        test.check("frames that the program marked" in browser.text("#timeline"), browser.text("#timeline"))
        browser.open(pages["with moments"])
        test.check("the first 500 moments that the program named" in browser.text("#timeline"), browser.text("#timeline"))
        browser.open(pages["of one section"])
        test.equal("sections", [name for name in sections_of(browser) if name not in ("summary", "timeline", "flame", "sites")],
                   ["leaks"])


def test_recommendation_comes_first(test):
    need_page(test)
    recorded = test.record([test.program("hello")])
    ended = test.allocaudit("recommend", recorded.path, "--html", "recommend.html")
    test.equal(f"status ({ended.talk})", ended.status, 0)
    found = data_of(test.path("recommend.html"))["report"]
    test.equal("verdict", found["recommendation"]["verdict"], "no_change")
    test.check("features" in found and "sites" in found, f"{list(found)}")
    own = data_of(write_page(test, recorded.path, name="own.html"))["report"]["recommendation"]
    test.equal("of the report's own", own["verdict_key"], "no_change")
    unwritable = test.allocaudit("recommend", recorded.path, "--html", "/nowhere/recommend.html")
    test.equal("status where it cannot be written", unwritable.status, 3)
    with Browser(test) as browser:
        browser.open(test.path("recommend.html"))
        check_quiet(test, browser)
        shown = sections_of(browser)
        test.equal("order", shown[:2], ["summary", "recommendation"])
        test.check("What the recording shows" in browser.text("#recommendation"), browser.text("#recommendation"))


def test_of_what_heaptrack_recorded(test):
    need_page(test)
    path = test.path("heaptrack.db")
    test.equal("status", test.allocaudit("import", test.write("heaptrack.app.1", HEAPTRACK), "-o", path).status, 0)
    page = write_page(test, path, name="heaptrack.html")
    with Browser(test) as browser:
        browser.open(page)
        check_quiet(test, browser)
        test.check("mported from another profiler" in browser.text("#summary"), browser.text("#summary"))
        test.check("lifetimes" not in sections_of(browser), "lifetimes are shown")
        reason = browser.script("return document.querySelector(\"label[for='flame-metric-temporary_count']\").title")
        test.check("not known" in reason, f"why there is no such metric: {reason}")


def test_shows_sections_it_has_never_heard_of(test):
    """What other sections may print, put into a page in the place of what it had."""
    need_page(test)
    path = write_page(test, "probe.db")
    with open(path, encoding="utf-8") as file:
        page = file.read()
    cells = [(row * 37 + column) % 256 for row in range(8) for column in range(16)]
    parts = {"requested_bytes": 4096, "rounding_bytes": 1024, "header_bytes": 0, "hole_bytes": 512, "empty_bytes": 1024,
             "untouched_bytes": 512}
    extra = {
        "novelty": {"verdict": "not worth it", "saved_bytes": 2048, "waited_ns": 1500, "share_pct": 12.5, "is_sure": True,
                    "steps": [{"name": "b", "kept_bytes": 1024}, {"name": "a", "kept_bytes": 2 ** 21}],
                    "inner": {"deep_count": 12345}},
        "novelty_parts": [{"what": "part", "steps": [{"deep_bytes": 3 * 2 ** 10}]}],
        "pairs": {"at_start": {"kept_bytes": 1, "list": [{"inner_count": 7}]}, "at_end": {"kept_bytes": 2048, "list": []}},
        "novelties": [{"what": "first", "lost_count": 1000000}, {"what": "second", "lost_count": None}],
        "fragmentation": {
            "jw_mean": 1.25, "average": None,
            "at_peak": {**parts, "at_ns": 5 * 10 ** 8, "resident_bytes": 6144},
            "at_end": {**parts, "at_ns": 10 ** 9, "resident_bytes": 6144, "hole_bytes": 0},
            "moments": [{**parts, "at_ns": at * 10 ** 8, "resident_bytes": 6144} for at in range(10)],
            "heap_map": {"address_min": 4096, "address_max": 4096 * 9, "at_ns_min": 0, "at_ns_max": 10 ** 9,
                         "columns": 16, "rows": 8, "cells": cells}},
    }
    found = re.search(r'(id="report-json">)(.*?)(</script>)', page, re.DOTALL)
    report = json.loads(found.group(2))
    report.update(extra)
    page = page[:found.start(2)] + json.dumps(report).replace("<", "\\u003c") + page[found.end(2):]
    with Browser(test) as browser:
        browser.open(test.write("extra.html", page))
        check_quiet(test, browser)
        facts = dict(browser.script("return [...document.querySelectorAll('#novelty .facts div')].map((d) => "
                                    "[d.querySelector('dt').textContent, d.querySelector('dd').textContent])"))
        test.equal("facts", facts, {"saved bytes": "2.0 KiB", "waited": "1.5 \u00b5s", "share": "12.5 %",
                                    "is sure": "yes", "deep count": "12,345"})
        test.equal("verdict", browser.text("#novelty .verdict"), "not worth it")
        test.check("novelty_parts" not in sections_of(browser), "a part is a section of its own")
        browser.script("document.querySelectorAll('#novelty button.open').forEach((button) => button.click())")
        test.check("3.0 KiB" in browser.text("#novelty tr.detail"), browser.text("#novelty"))
        pair = browser.script("return [...document.querySelectorAll('#pairs table')].map((t) => t.textContent)")
        test.equal("side by side", pair, ["at startat endkept bytes1 B2.0 KiB", "inner count7"])
        test.check("2.0 MiB" in browser.text("#novelty table"), browser.text("#novelty table"))
        test.check("1,000,000" in browser.text("#novelties"), browser.text("#novelties"))
        test.check(browser.all("#fragmentation canvas.heap-map"), "no heap map")
        dark, empty_cell = browser.script("""const c = document.querySelector('canvas.heap-map'), x = c.getContext('2d');
            const at = (column, row) => [...x.getImageData(column, 7 - row, 1, 1).data].join();
            return [at(0, 6), at(0, 0)]""")
        test.check(dark != empty_cell, "the heap map has one colour")
        test.equal("parts of the waterfall", len(browser.all("#fragmentation .stacked span")), 4 + 3)
        test.check("66.7 %" in browser.text("#fragmentation table"), browser.text("#fragmentation table"))
        test.check(len(browser.all("#fragmentation canvas")) == 2, "no parts over time")


def test_out_is_written_whole_or_not(test):
    need_page(test)
    kept = test.write("kept.html", "before")
    os.chmod(kept, 0o640)
    ended = test.allocaudit("report", "none_such.db", "--html", "kept.html")
    test.equal("no recording", ended.status, 3)
    with open(kept, encoding="utf-8") as file:
        test.equal("what was there", file.read(), "before")
    test.equal("status", test.allocaudit("report", "probe.db", "--html", "kept.html").status, 0)
    test.equal("permissions", stat.S_IMODE(os.stat(kept).st_mode), 0o640)
    os.symlink("target.html", test.path("link.html"))
    test.write("target.html", "before")
    test.equal("status", test.allocaudit("report", "probe.db", "--html", "link.html").status, 0)
    test.check(os.path.islink(test.path("link.html")) and os.path.getsize(test.path("target.html")) > 10000, "through a link")
    ended = test.allocaudit("report", "probe.db", "--html", "-")
    with open(kept, "rb") as file:
        test.check(ended.stdout == file.read(), "'-' gave another page")
    ended = test.allocaudit("report", "probe.db", "--html", "no_such_folder/page.html")
    test.equal("no folder", (ended.status, "cannot write 'no_such_folder/page.html': No such file" in ended.talk), (3, True))
    ended = test.allocaudit("report", "probe.db", "--html", ".")
    test.equal("a folder", (ended.status, "directory" in ended.talk), (3, True))
    ended = test.allocaudit("report", "probe.db", "--html", "/dev/full")
    test.equal("a full disk", (ended.status, "No space left" in ended.talk), (3, True))
    ended = test.allocaudit("report", "probe.db", "--html", "x.html", "--format", "json")
    test.equal("two formats", ended.status, 2)
    ended = test.allocaudit("report", "probe.db", "--html", "x.html", "--stack", "2")
    test.equal("one stack", ended.status, 2)
    left = [name for name in os.listdir(test.scratch) if re.search(r"\.html\.", name)]
    test.equal("temporary files", left, [])
