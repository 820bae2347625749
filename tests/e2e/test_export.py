"""`allocaudit export`: every format against the recording's own tables, and read by the tools it is for."""

import csv
import gzip
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys

import harness
from browser import Browser
from test_report import make_database

SPEEDSCOPE = "speedscope@1.25.0"  # the release whose schema is used, and which opens our files
FIGURES = ("allocation_count", "allocated_bytes", "leaked_count", "leaked_bytes", "peak_count", "peak_bytes")
VALUES = {"count": "allocation_count", "bytes": "allocated_bytes", "peak": "peak_bytes", "leaked": "leaked_bytes"}


def export(test, path, *options, status=0):
    ended = test.allocaudit("export", path, *options)
    test.equal(f"status of {ended}", ended.status, status)
    return ended


def stacks_of(recording):
    """stack id -> its functions as they are named in the recording, the root first."""
    frames = {row["id"]: row for row in recording.rows("SELECT * FROM frame")}
    nodes = {row["id"]: row for row in recording.rows("SELECT * FROM stack")}
    stacks = {}
    for (stack_id,) in recording.connection.execute("SELECT DISTINCT stack_id FROM site"):
        chain, at = [], stack_id
        while at is not None:
            frame = frames[nodes[at]["frame_id"]]
            while frame is not None:
                chain.append(frame)
                frame = frames.get(frame["inlined_by_id"])
            at = nodes[at]["parent_id"]
        stacks[stack_id] = chain[::-1]
    return stacks


def recordings(test):
    """A fixture, a program that leaks, a C++ program, and one with children."""
    yield make_database(test.path("made.db"))
    yield test.record([test.sample_app("leaky_server")]).path
    yield test.record([test.program("exceptions")]).path
    yield test.record([test.need("git"), "-C", harness.ROOT, "log", "--stat", "-n", "5"]).path


# ---- pprof ---------------------------------------------------------------------------------------

def fields(message):
    """(number, value) of every field; a value is an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            size = varint()
            yield key >> 3, message[at:at + size]
            at += size
    assert at == len(message)


def packed(value):
    return [number for _, number in fields(b"".join(b"\x08" + part for part in split_varints(value)))]


def split_varints(value):
    parts, start = [], 0
    for i, byte in enumerate(value):
        if byte < 0x80:
            parts.append(value[start:i + 1])
            start = i + 1
    return parts


class Profile:
    """profile.proto, as far as we write it (field numbers are the format's)."""

    def __init__(self, data):
        top = list(fields(gzip.decompress(data)))
        self.texts = [value.decode() for number, value in top if number == 6]
        self.numbers = dict((number, value) for number, value in top if isinstance(value, int))
        self.comments = [self.texts[value] for number, value in top if number == 13]
        self.types = [[self.texts[value] for _, value in fields(part)] for number, part in top if number == 1]
        self.functions = {part[1]: part for part in (dict(fields(value)) for number, value in top if number == 5)}
        self.mappings = {part[1]: part for part in (dict(fields(value)) for number, value in top if number == 3)}
        self.locations = {}
        for number, value in top:
            if number == 4:
                parts = list(fields(value))
                lines = [dict(fields(part)) for key, part in parts if key == 4]
                self.locations[dict(parts)[1]] = (dict(parts), lines)
        self.samples = [list(fields(value)) for number, value in top if number == 2]

    def stack(self, sample):
        """(function, file, line), the root first."""
        stack = []
        for location in packed(dict(sample)[1]):
            for line in self.locations[location][1]:
                function = self.functions[line[1]]
                stack.append((self.texts[function[2]], self.texts[function.get(4, 0)], line.get(2, 0)))
        return stack[::-1]

    def labels(self, sample):
        parts = [dict(fields(value)) for number, value in sample if number == 3]
        return {self.texts[part[1]]: self.texts[part[2]] for part in parts}


def test_pprof_holds_the_recording(test):
    for path in recordings(test):
        recording = test.open(path)
        profile = Profile(export(test, path, "--to", "pprof").stdout)
        test.equal("the first text", profile.texts[0], "")
        test.equal("sample types", profile.types, [
            ["alloc_objects", "count"], ["alloc_space", "bytes"], ["inuse_objects", "count"],
            ["inuse_space", "bytes"], ["peak_objects", "count"], ["peak_space", "bytes"]])
        rows = recording.rows("SELECT * FROM site ORDER BY process_id, stack_id")
        stacks = stacks_of(recording)
        test.equal("samples", len(profile.samples), len(rows))
        names = {row["id"]: f"{row['id']} {os.path.basename(row['executable'])}" for row in recording.processes}
        for row, sample in zip(rows, profile.samples):
            test.equal("values", packed(dict(sample)[2]), [row[name] for name in FIGURES])
            test.equal("stack", profile.stack(sample), [
                (frame["function"], frame["file"] or "", frame["line"] or 0) for frame in stacks[row["stack_id"]]])
            test.equal("labels", profile.labels(sample),
                       {"process": names[row["process_id"]]} if len(names) > 1 else {})
        test.equal("time", profile.numbers[9], recording.run["started_unix_ns"])
        test.equal("duration", profile.numbers[10], recording.run["duration_ns"])
        test.check(recording.run["command"] in profile.comments, "the command is no comment")


def test_pprof_addresses_lie_in_their_modules(test):
    path = test.record([test.sample_app("leaky_server")]).path
    recording = test.open(path)
    profile = Profile(export(test, path, "--to", "pprof").stdout)
    builds = {row["path"]: row["build_id"] for row in recording.rows("SELECT path, build_id FROM module")}
    test.equal("the first mapping", profile.texts[profile.mappings[1][5]], recording.processes[0]["executable"])
    for mapping in profile.mappings.values():
        test.equal("build id", profile.texts[mapping[6]], builds[profile.texts[mapping[5]]])
    placed = 0
    for location, _ in profile.locations.values():
        mapping = profile.mappings.get(location.get(2))
        if mapping is not None:
            test.check(mapping[2] <= location[3] < mapping[3], f"{location} is not in {mapping}")
            placed += 1
    test.check(placed > 5, f"{placed} locations in a mapping")


def test_go_tool_pprof_sums_up_the_same(test):
    go = test.need("go")
    for path in recordings(test):
        recording = test.open(path)
        profile = test.path("profile.pb.gz")
        export(test, path, "--to", "pprof", "-o", profile)
        environment = {"HOME": test.scratch, "GOFLAGS": "-mod=mod"}
        for name, column in (("alloc_objects", "allocation_count"), ("alloc_space", "allocated_bytes"),
                             ("inuse_objects", "leaked_count"), ("inuse_space", "leaked_bytes"),
                             ("peak_objects", "peak_count"), ("peak_space", "peak_bytes")):
            total = recording.value(f"SELECT sum({column}) FROM site")
            ended = test.run([go, "tool", "pprof", "-top", "-unit=B", f"-sample_index={name}", profile],
                             env=environment)
            test.equal(f"status of {ended}", ended.status, 0)
            shown = re.search(rb" of (\d+)B? total", ended.stdout)
            test.check(shown is not None or total == 0, f"no total of {name}: {ended}")
            test.equal(f"total of {name}", int(shown[1]) if shown else 0, total)
        ended = test.run([go, "tool", "pprof", "-raw", profile], env=environment)
        test.equal(f"status of {ended}", ended.status, 0)
        test.check(b"alloc_space/bytes[dflt]" in ended.stdout, f"no default: {ended}")


# ---- folded, speedscope --------------------------------------------------------------------------

def test_folded_lines_are_the_stacks(test):
    for path in recordings(test):
        recording = test.open(path)
        stacks = stacks_of(recording)
        for word, column in VALUES.items():
            wanted = [";".join(frame["function"] for frame in stacks[row["stack_id"]]) + f" {row['value']}"
                      for row in recording.rows(f"SELECT stack_id, sum({column}) AS value FROM site"
                                                " GROUP BY stack_id ORDER BY stack_id") if row["value"] > 0]
            found = export(test, path, "--to", "folded", "--value", word).stdout.decode()
            test.equal(f"lines by {word}", found, "".join(line + "\n" for line in wanted))
    test.equal("the standard value", export(test, path, "--to", "folded").stdout,
               export(test, path, "--to", "folded", "--value", "bytes").stdout)


def test_folded_names_are_made_safe(test):
    path = make_database(test.path("made.db"),
                         sql="UPDATE frame SET function = 'odd; name' || char(10) || 'x' WHERE id = 7")
    lines = export(test, path, "--to", "folded").stdout.decode().splitlines()
    test.check("main;odd: name x 960" in lines, f"lines: {lines}")


def speedscope_folder(test):
    """The folder with speedscope's page and schema."""
    ended = test.run([test.need("npm"), "pack", "--silent", SPEEDSCOPE],
                     env={"npm_config_cache": test.path("npm")})
    archive = test.path("speedscope-1.25.0.tgz")
    if ended.status != 0 or not os.path.exists(archive):
        raise harness.Skip("npm cannot fetch speedscope here")
    shutil.unpack_archive(archive, test.path("speedscope"))
    return test.path("speedscope", "package", "dist", "release")


def merged_frames(recording):
    """(function, file) -> its line, or None where it has several: frames as speedscope gets them."""
    lines = {}
    for row in recording.rows("SELECT function, file, line FROM frame"):
        lines.setdefault((row["function"], row["file"]), set()).add(row["line"])
    return {key: line.pop() if len(line) == 1 else None for key, line in lines.items()}


def check_speedscope(test, recording, document):
    stacks = stacks_of(recording)
    frames = document["shared"]["frames"]
    merged = merged_frames(recording)
    keys = [(frame["name"], frame.get("file")) for frame in frames]
    test.equal("each function once", len(set(keys)), len(keys))
    for frame, key in zip(frames, keys):
        test.equal(f"line of {key}", frame.get("line"), merged.get(key))
    test.equal("profiles", len(document["profiles"]), len(VALUES))
    for profile, column in zip(document["profiles"], VALUES.values()):
        rows = [row for row in recording.rows(f"SELECT stack_id, sum({column}) AS value FROM site"
                                              " GROUP BY stack_id ORDER BY stack_id") if row["value"] > 0]
        test.equal(f"weights of {column}", profile["weights"], [row["value"] for row in rows])
        test.equal("end", profile["endValue"], sum(profile["weights"]))
        for row, sample in zip(rows, profile["samples"]):
            test.equal("stack", [keys[i] for i in sample],
                       [(frame["function"], frame["file"]) for frame in stacks[row["stack_id"]]])


def test_speedscope_holds_the_recording(test):
    for path in recordings(test):
        document = json.loads(export(test, path, "--to", "speedscope").stdout)
        check_speedscope(test, test.open(path), document)
        one = json.loads(export(test, path, "--to", "speedscope", "--value", "peak").stdout)
        test.equal("the one profile", one["profiles"], document["profiles"][2:3])


def test_speedscope_fits_its_schema(test):
    try:
        import jsonschema
    except ImportError:
        raise harness.Skip("python3-jsonschema is not installed") from None
    with open(os.path.join(speedscope_folder(test), "file-format-schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    for path in recordings(test):
        jsonschema.validate(json.loads(export(test, path, "--to", "speedscope").stdout), schema)


def sums_by_name(recording, column):
    """function -> (total with all it called, own): what a profiler's table of functions says."""
    stacks, sums = stacks_of(recording), {}
    for row in recording.rows(f"SELECT stack_id, sum({column}) AS value FROM site GROUP BY stack_id"):
        names = [frame["function"] for frame in stacks[row["stack_id"]]]
        for name in set(names) if row["value"] > 0 else ():
            total, own = sums.get(name, (0, 0))
            sums[name] = (total + row["value"], own + (row["value"] if name == names[-1] else 0))
    return sums


def shown_by_speedscope(browser, folder, path):
    """function -> (total, own) in the view 'Sandwich' of speedscope's own page, which has read the file."""
    browser.open(os.path.join(folder, "index.html"))
    browser.wait("speedscope's page", "return document.querySelector('input[type=file]')")
    browser.one("input[type=file]").send_keys(path)
    name = os.path.basename(path)
    browser.wait(f"{name} read", "return document.body.innerText.includes('Sandwich') && "
                 "document.title != 'speedscope'")
    browser.one("body").send_keys("3")
    browser.wait("the table", "return document.body.innerText.includes('Symbol Name')")
    rows = browser.script("return [...document.querySelectorAll('tr')]"
                          ".map(row => [...row.cells].map(cell => cell.innerText))"
                          ".filter(cells => cells.length == 3 && /%/.test(cells[0]))")
    return {cells[2]: tuple(int(cell.split(" ")[0].replace(",", "")) for cell in cells[:2]) for cells in rows}


def test_speedscope_reads_both(test):
    """The real page, fed by its own file chooser: every function with the sums that the recording has."""
    folder = speedscope_folder(test)
    path = test.record([test.program("thread_local")]).path  # names with blanks and parentheses
    export(test, path, "--to", "folded", "-o", test.path("out.folded"))
    export(test, path, "--to", "speedscope", "-o", test.path("out.json"))
    with Browser(test, height=3000) as browser:  # its table has the rows that one sees
        for name, column in (("out.folded", "allocated_bytes"), ("out.json", "allocation_count")):
            test.equal(name, shown_by_speedscope(browser, folder, test.path(name)),
                       sums_by_name(test.open(path), column))
        asked = [text for text in browser.complaints() if text.startswith("asked for")]
        test.equal("asked of the network", asked, [])


# ---- csv, json -----------------------------------------------------------------------------------

def test_csv_and_json_have_every_column(test):
    csv.field_size_limit(sys.maxsize)
    for path in recordings(test):
        recording = test.open(path)
        stacks = stacks_of(recording)
        rows = recording.rows("SELECT * FROM site ORDER BY process_id, stack_id")
        table = list(csv.DictReader(io.StringIO(export(test, path, "--to", "csv").stdout.decode(), newline="")))
        document = json.loads(export(test, path, "--to", "json").stdout)
        test.equal("command", document["command"], "export")
        test.equal("rows of csv", len(table), len(rows))
        test.equal("rows of json", len(document["sites"]), len(rows))
        for row, line, site in zip(rows, table, document["sites"]):
            exact = {name: value for name, value in row.items() if not name.endswith("_stderr")}
            test.equal("csv", {name: line[name] for name in exact}, {name: str(value) for name, value in exact.items()})
            test.equal("json", {name: site[name] for name in exact}, exact)
            names = [frame["function"] for frame in stacks[row["stack_id"]]]
            test.equal("stack in csv", line["stack"], ";".join(names))
            test.equal("stack in json", [frame["function"] for frame in site["stack"]], names[::-1])
            test.check(line["function"] in names and line["function"] == site["function"], f"function: {line}")


def test_samples_carry_their_errors(test):
    sql = "UPDATE run SET sample_bytes = 512; UPDATE site SET allocation_count_stderr = 7, allocated_bytes_stderr = 8," \
          " leaked_count_stderr = 9, leaked_bytes_stderr = 10"
    path = make_database(test.path("made.db"), sql=sql)
    site = json.loads(export(test, path, "--to", "json").stdout)["sites"][0]
    test.equal("errors", [site[name + "_stderr"] for name in
                          ("allocation_count", "allocated_bytes", "leaked_count", "leaked_bytes")], [7, 8, 9, 10])
    profile = Profile(export(test, path, "--to", "pprof").stdout)
    test.equal("period", profile.numbers[12], 512)
    test.check("sampled: all figures are estimates" in profile.comments, f"comments: {profile.comments}")


# ---- what is selected, where it goes -------------------------------------------------------------

def folded(test, path, *options):
    return export(test, path, "--to", "folded", "--value", "count", *options).stdout.decode().splitlines()


def test_a_part_is_selected(test):
    path = make_database(test.path("made.db"))
    test.equal("of a process", folded(test, path, "--process", "2"),
               ["main;load_config;parse_line 4", "main;build_table;xmalloc 2"])
    test.equal("of a pid", folded(test, path, "-p", "4101"), folded(test, path, "-p", "2"))
    test.equal("by function", folded(test, path, "--function", "build_t*"), ["main;build_table;xmalloc 5"])
    test.equal("by an inlined function", folded(test, path, "--function", "parse_line"),
               ["main;load_config;parse_line 14"])
    test.equal("by module", len(folded(test, path, "--module", "libstdc++*")), 2)
    test.equal("nothing", folded(test, path, "--function", "nobody"), [])
    test.equal("nothing as a profile", len(Profile(export(test, path, "--to", "pprof", "--function", "nobody").stdout)
                                           .samples), 0)
    ended = export(test, path, "--to", "csv", "--function", "nobody")
    test.equal("nothing in csv", ended.stdout.count(b"\n"), 1)
    json.loads(export(test, path, "--to", "speedscope", "--function", "nobody").stdout)


def test_the_same_recording_gives_the_same_bytes(test):
    path = make_database(test.path("made.db"))
    for word in ("pprof", "folded", "speedscope", "csv", "json"):
        first = export(test, path, "--to", word).stdout
        test.equal(word, export(test, path, "--to", word).stdout, first)
        export(test, path, "--to", word, "-o", test.path("out"))
        with open(test.path("out"), "rb") as file:
            test.equal(f"{word} in a file", file.read(), first)


def test_a_file_is_there_whole_or_not_at_all(test):
    path = make_database(test.path("made.db"))
    out = test.write("kept", "what was there")
    damaged = make_database(test.path("damaged.db"), sql="DELETE FROM frame WHERE id = 14")
    ended = export(test, damaged, "--to", "folded", "-o", out, status=3)
    test.check("a stack has a frame that is missing: 14" in ended.talk, f"talk: {ended.talk}")
    with open(out, encoding="utf-8") as file:
        test.equal("the old file", file.read(), "what was there")
    test.equal("files", sorted(os.listdir(test.scratch)), ["damaged.db", "kept", "made.db"])
    os.symlink("kept", test.path("link"))
    export(test, path, "--to", "folded", "-o", test.path("link"))
    test.check(os.path.islink(test.path("link")), "the link was replaced")
    with open(out, encoding="utf-8") as file:
        test.check(file.read().startswith("main;"), "the linked file was not written")
    test.equal("permissions", os.stat(out).st_mode & 0o777, 0o666 & ~os.umask(os.umask(0o22)) & 0o777)
    fifo = test.path("fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    export(test, path, "--to", "folded", "-o", fifo)
    test.check(os.read(reader, 5) == b"main;", "nothing came through the pipe")
    os.close(reader)


def test_output_that_cannot_be_written(test):
    path = make_database(test.path("made.db"))
    cases = [
        (["-o", "/dev/full"], 3, ": No space left on device"),
        (["-o", "nowhere/x"], 3, "cannot write 'nowhere/x': No such file or directory"),
        (["-o", "made.db"], 2, "-o would overwrite the recording itself"),
        (["-o", "."], 3, "cannot write '.': Is a directory"),
    ]
    for word in ("pprof", "folded", "speedscope", "csv", "json"):
        for options, status, text in cases:
            ended = export(test, path, "--to", word, *options, status=status)
            test.check(text in ended.talk, f"{word} {options}: {ended.talk}")
    test.equal("files", os.listdir(test.scratch), ["made.db"])


def test_mistakes_are_told(test):
    path = make_database(test.path("made.db"))
    cases = [
        ([], "--to is missing: pprof, folded, speedscope, csv or json"),
        (["--to", "profile"], "--to"),
        (["--to", "pprof", "--value", "peak"], "--to pprof holds all values: not with --value"),
        (["--to", "folded", "--process", "9"], "there is no process 9"),
        (["--to", "folded", "sites"], "unexpected 'sites'"),
    ]
    for options, text in cases:
        ended = export(test, path, *options, status=2)
        test.check(text in ended.talk, f"{options}: {ended.talk}")
    empty = make_database(test.path("empty.db"), fixture=None, sql="")
    ended = test.allocaudit("export", empty, "--to", "csv")
    test.equal("status of an empty file", ended.status, 3)


def test_binary_is_not_for_a_terminal(test):
    path = make_database(test.path("made.db"))
    leader, follower = pty.openpty()
    for word, status in (("pprof", 2), ("folded", 0)):
        done = subprocess.run([test.shared.allocaudit, "export", path, "--to", word], stdout=follower,
                              stderr=subprocess.DEVNULL, env=test.environment(), timeout=60, check=False)
        test.equal(f"status of {word}", done.returncode, status)
    os.close(follower)
    os.close(leader)
