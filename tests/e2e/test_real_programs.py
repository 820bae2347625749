"""Programs from Debian: same output, exact counts, every free paired, whole stacks."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import time

from harness import Failure, Skip


def heaptrack_allocations(test, command, env, stdin, cwd):
    """What heaptrack counts of the command itself, or None where it is not installed."""
    try:
        heaptrack = test.need("heaptrack")
    except Skip:
        return None
    ended = test.run([heaptrack, "-o", test.path("heaptrack"), *command], env=env, stdin=stdin,
                     cwd=cwd, timeout=600)
    found = re.search(rb"^\s*allocations:\s+(\d+)", ended.stdout + ended.stderr, re.MULTILINE)
    if found is None:
        raise Failure(f"heaptrack counted nothing: {ended}")
    return int(found.group(1))


def examine(test, command, env=None, stdin=b"", cwd=None, is_exact=True, with_heaptrack=False,
            prepare=None):
    """Everything that must hold for a real program. prepare() restores its input before each run."""
    options = {"env": env, "stdin": stdin, "cwd": cwd, "timeout": 600}
    runs = []
    for run in (test.run, test.record):
        if prepare is not None:
            prepare()
        runs.append(run(command, **options))
    native, recorded = runs
    for name in ("status", "stdout", "stderr"):
        test.check(getattr(native, name) == getattr(recorded, name),
                   f"{name} differs\nnative: {native}\nrecorded: {recorded}")
    recording = test.sound(recorded)
    share = test.whole_stacks(recording)
    if prepare is not None:
        prepare()
    _, counts = test.counts(command, **options)
    total = sum(count.allocations for count in counts)
    test.check(total > 0, "the counter counted nothing")
    recorded_total = recording.run["allocation_count"]
    if is_exact:
        test.same_as_counter(recording, counts)
    else:
        test.check(abs(recorded_total - total) <= 0.005 * total,
                   f"{recorded_total} allocations, the counter says {total}")
    text = f"{recorded_total} allocations, {share:.2%} whole stacks"
    if (with_heaptrack and not test.record_options) or test.is_long:
        if prepare is not None:
            prepare()
        theirs = heaptrack_allocations(test, command, env, stdin, cwd)
        if theirs is not None:
            ours = recording.processes[0]["allocation_count"]
            test.check(abs(ours - theirs) <= 0.005 * theirs,
                       f"{ours} allocations of the command, heaptrack says {theirs}")
            text += f", heaptrack {theirs}"
    test.note(text)
    return recording


def json_document(byte_count):
    random_source = random.Random(1)
    items = []
    size = 0
    while size < byte_count:
        item = json.dumps({"id": len(items), "name": f"item {len(items)}",
                           "values": [random_source.randrange(1000) for _ in range(8)],
                           "nested": {"a": random_source.random(), "b": None, "c": True}})
        items.append(item)
        size += len(item) + 2
    return "[" + ",\n".join(items) + "]"


def test_python(test):
    python = test.need("python3") and "/usr/bin/python3"
    if not os.path.exists(python):
        raise Skip("/usr/bin/python3 is not installed")
    os.mkdir(test.path("alone"))  # python lists the script's folder, and keeps what it finds
    script = test.write("alone/roundtrip.py", f"""
import json
data = [{{"id": i, "name": "item %d" % i, "tags": ["a", str(i)], "x": i / 7}} for i in range({test.size(8000, 100000)})]
text = json.dumps(data, sort_keys=True)
again = json.loads(text)
print(len(text), again == data, sum(item["id"] for item in again))
""")
    examine(test, [python, "-s", "-B", script],
            env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}, with_heaptrack=True)


def test_perl(test):
    perl = test.need("perl")
    script = f"""
my %count;
for my $i (1..{test.size(60000, 1000000)}) {{ $count{{"key" . ($i % 20011)}} += $i; push @{{$list{{$i % 97}}}}, "v$i"; }}
my $sum = 0; $sum += $count{{$_}} for sort keys %count;
print "$sum ", scalar(keys %count), " ", scalar(@{{$list{{5}}}}), "\\n"; warn "done\\n";
"""
    script = test.write("count.pl", script)
    examine(test, [perl, script], env={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"},
            with_heaptrack=True)


def test_jq(test):
    jq = test.need("jq")
    document = test.write("in.json", json_document(test.size(21 << 20, 80 << 20)))
    examine(test, [jq, "-c", "[.[] | {id, sum: (.values | add), b: .nested.a}] | length", document])


def test_xmllint(test):
    xmllint = test.need("xmllint")
    rows = "\n".join(f'<row id="{i}" kind="k{i % 17}"><name>item {i}</name><v>{i * 3}</v></row>'
                     for i in range(test.size(30000, 300000)))
    document = test.write("in.xml", f'<?xml version="1.0"?>\n<rows>\n{rows}\n</rows>\n')
    # Its dictionaries are seeded at random: a few blocks more or less, also without us.
    examine(test, [xmllint, "--format", "--xpath", "count(//row[@kind='k3'])", document],
            is_exact=False, with_heaptrack=True)


def test_sqlite3(test):
    sqlite3 = test.need("sqlite3")
    script = f"""
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, x REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {test.size(60000, 600000)})
INSERT INTO t SELECT i, 'name ' || (i * 7919 % 60013), i / 3.0 FROM n;
CREATE INDEX t_name ON t (name);
SELECT count(*), group_concat(name) FROM (SELECT name FROM t ORDER BY x DESC LIMIT 20);
SELECT name, count(*) FROM t GROUP BY substr(name, 1, 7) ORDER BY 2 DESC, 1 LIMIT 5;
"""
    examine(test, [sqlite3, "-batch", ":memory:"], stdin=script.encode(), with_heaptrack=True)


def git_repository(test, git):
    """A repository that is the same each time: fixed names, dates and contents."""
    env = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z",
           "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
           "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_NOSYSTEM": "1"}
    random_source = random.Random(2)
    stream = []
    for commit in range(test.size(150, 1500)):
        text = "\n".join(str(random_source.randrange(10 ** 6)) for _ in range(120))
        stream.append(f"commit refs/heads/main\ncommitter a <a@b> {1577836800 + commit} +0000\n"
                      f"data <<END\ncommit {commit}\n\nEND\n"
                      f"M 644 inline file{commit % 12}.txt\ndata {len(text)}\n{text}\n")
    repository = test.path("repository")
    for arguments, stdin in ((["init", "-q", "-b", "main", repository], b""),
                             (["-C", repository, "config", "pack.threads", "1"], b""),
                             (["-C", repository, "config", "gc.auto", "0"], b""),
                             (["-C", repository, "fast-import", "--quiet"],
                              "".join(stream).encode())):
        ended = test.run([git, *arguments], env=env, stdin=stdin)
        test.equal(f"git {arguments}", ended.status, 0)
    return repository, env


def test_git_log(test):
    git = test.need("git")
    repository, env = git_repository(test, git)
    examine(test, [git, "-C", repository, "--no-pager", "log", "--stat", "-p", "-n",
                   str(test.size(120, 1500))], env=env, with_heaptrack=True)


def test_git_repack(test):
    git = test.need("git")
    repository, env = git_repository(test, git)
    original = test.path("original")
    os.rename(repository, original)

    def prepare():
        subprocess.run(["rm", "-rf", repository], check=True)
        subprocess.run(["cp", "-a", original, repository], check=True)

    recording = examine(test, [git, "-C", repository, "repack", "-a", "-d", "-f", "-q"], env=env,
                        prepare=prepare)
    test.check(any("pack-objects" in row["command"] for row in recording.processes),
               f"no row for pack-objects: {[row['command'] for row in recording.processes]}")


def test_compiler(test):
    compiler = test.need("g++")
    source = test.write("match.cc", """
#include <regex>
#include <string>
int count(const std::string &text)
{
    static const std::regex word("([a-z]+)-(\\\\d+)");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), word), std::sregex_iterator());
}
""")
    objects = []

    def prepare():
        if os.path.exists(test.path("match.o")):
            with open(test.path("match.o"), "rb") as file:
                objects.append(file.read())
            os.unlink(test.path("match.o"))

    # Names of temporary files are random, and the collector of garbage looks at the machine.
    recording = examine(test, [compiler, "-O2" if test.is_long else "-O1", "-c", source, "-o",
                               "match.o"], is_exact=False, prepare=prepare)
    prepare()
    test.check(len(objects) >= 2 and all(item == objects[0] for item in objects),
               "the object files differ")
    for name in ("cc1plus", "-as"):
        found = [row["allocation_count"] for row in recording.processes
                 if row["executable"].endswith(name)]
        test.check(len(found) == 1 and found[0] > 100, f"blocks of {name}: {found}")


def test_cppcheck(test):
    cppcheck = test.need("cppcheck")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sample_apps",
                          "parser", "parser.c")
    examine(test, [cppcheck, "--quiet", "--enable=style", "-j1", os.path.normpath(source)])


def test_gdb(test):
    gdb = test.need("gdb")
    program = test.program("exceptions")
    os.mkdir(test.path("alone"))
    examine(test, [gdb, "-nx", "-batch", "-iex", "maint set worker-threads 0", "-iex",
                   "set auto-load no", "-iex", "set debuginfod enabled off", "-ex",
                   "info functions run", "-ex", "ptype main", "-ex", "disassemble main", program],
            env={"PYTHONHASHSEED": "0"}, cwd=test.path("alone"),
            is_exact=False)  # a block more or less, as the names in the environment are


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_redis(test):
    server, benchmark, client = test.need("redis-server", "redis-benchmark", "redis-cli")
    port = str(free_port())
    out = test.path("redis.db")
    with open(test.path("log"), "wb") as log:
        run = subprocess.Popen(
            [test.shared.allocaudit, "run", "-o", out, *test.record_options, "--", server, "--port", port, "--bind",
             "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", test.scratch],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=test.environment())
    try:
        deadline = time.monotonic() + 20
        while test.run([client, "-p", port, "ping"]).stdout.strip() != b"PONG":
            test.check(run.poll() is None and time.monotonic() < deadline, "the server did not start")
            time.sleep(0.1)
        loaded = test.run([benchmark, "-p", port, "-q", "-n", str(test.size(15000, 300000)), "-c",
                           "20", "-r", "5000", "-t", "set,get,lpush,lrange_100,hset"])
        test.equal("redis-benchmark's status", loaded.status, 0)
        run.send_signal(signal.SIGTERM)
        test.equal("status after SIGTERM", run.wait(timeout=60), 0)
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGTERM)
            try:
                run.wait(timeout=10)
            except subprocess.TimeoutExpired:
                run.kill()
    recording = test.sound(out)
    share = test.whole_stacks(recording)
    process = recording.processes[0]
    # Debian's redis takes its malloc from libjemalloc: that is what lies beneath, by name.
    test.check("jemalloc" in process["allocator"], f"allocator: {process['allocator']}")
    test.note(f"{process['allocation_count']} allocations, {share:.2%} whole stacks")


def test_bash_with_children(test):
    bash = test.need("bash")
    script = "for i in 1 2 3; do printf '%s\\n' c b a | sort | tr a-z A-Z; done; x=$(seq 1 2000 | wc -l); echo $x"
    examine(test, [bash, "--norc", "-c", script])
