"""What is measured: programs, and inputs that are generated and the same each time."""

import json
import os
import random
import shutil
import socket
import subprocess
import time

from workload import QUIET, RAW_TOO, TOOL_NAMES, Missing, Workload, need


# ---- micro ---------------------------------------------------------------------------------------

def pairs_workload(depth, threads, paths=0, count=None, tool_names=TOOL_NAMES):
    name = f"pairs {depth} {threads}" + (f" paths {paths}" if paths else "")

    def make(inputs):
        pair_count = count or inputs.size(400000, 8000000)
        command = [inputs.pairs, str(depth), str(threads), str(pair_count)]
        return Workload(name, "micro", command + ([str(paths)] if paths else []),
                        pair_count=pair_count, tool_names=tool_names)
    return name, make


def start_workload(inputs):
    """A program that does next to nothing: what a recording costs whatever is recorded."""
    return Workload("start", "start", [inputs.pairs, "1", "1", "1"], tool_names=RAW_TOO)


# ---- real programs -------------------------------------------------------------------------------

def python_workload(inputs):
    python = "/usr/bin/python3"
    if not os.path.exists(python):
        raise Missing("/usr/bin/python3 is not installed")
    script = inputs.write("python/roundtrip.py", f"""
import json
data = [{{"id": i, "name": "item %d" % i, "tags": ["a", str(i)], "x": i / 7}}
        for i in range({inputs.size(10000, 80000)})]
again = json.loads(json.dumps(data, sort_keys=True))
assert again == data
""")
    return Workload("python3 json", "real", [python, "-s", "-B", script],
                    env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"})


def perl_workload(inputs):
    script = inputs.write("count.pl", f"""
my (%count, %list);
for my $i (1..{inputs.size(60000, 500000)}) {{
    $count{{"key" . ($i % 20011)}} += $i;
    push @{{$list{{$i % 997}}}}, "v$i";
}}
my $sum = 0;
$sum += $count{{$_}} for sort keys %count;
print "$sum\\n";
""")
    return Workload("perl hashes", "real", [need("perl"), script],
                    env={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"})


def jq_workload(inputs):
    source = random.Random(1)
    items = ",\n".join(json.dumps({"id": i, "name": f"item {i}", "kind": f"k{i % 17}",
                                   "values": [source.randrange(1000) for _ in range(8)],
                                   "nested": {"a": source.random(), "b": None}})
                       for i in range(inputs.size(8000, 60000)))
    document = inputs.write("items.json", f"[{items}]")
    query = "[.[] | {id, kind, sum: (.values | add)}] | group_by(.kind) | map(length)"
    return Workload("jq", "real", [need("jq"), "-c", query, document])


def xmllint_workload(inputs):
    rows = "\n".join(f'<row id="{i}" kind="k{i % 17}"><name>item {i}</name><v>{i * 3}</v></row>'
                     for i in range(inputs.size(20000, 200000)))
    document = inputs.write("rows.xml", f'<?xml version="1.0"?>\n<rows>\n{rows}\n</rows>\n')
    return Workload("xmllint", "real",
                    [need("xmllint"), "--xpath", "count(//row[@kind='k3'])", document])


def sqlite_workload(inputs):
    script = inputs.write("rows.sql", f"""
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, x REAL);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {inputs.size(30000, 300000)})
INSERT INTO t SELECT i, 'name ' || (i * 7919 % 60013), i / 3.0 FROM n;
CREATE INDEX t_name ON t (name);
SELECT count(*), group_concat(name) FROM (SELECT name FROM t ORDER BY x DESC LIMIT 20);
SELECT name, count(*) FROM t GROUP BY substr(name, 1, 7) ORDER BY 2 DESC, 1 LIMIT 5;
""")
    return Workload("sqlite3", "real", [need("sqlite3"), "-batch", ":memory:"], stdin=script)


def cxx_source(inputs, is_small=False):
    if inputs.is_quick or is_small:
        return inputs.write("there.cc", """
#include <map>
#include <string>

bool is_there(const std::map<int, std::string> &texts)
{
    return texts.at(1).find("word") != std::string::npos;
}
""")
    return inputs.write("match.cc", """
#include <regex>
#include <string>

long count(const std::string &text)
{
    static const std::regex word("([a-z]+)-(\\\\d+)");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), word), std::sregex_iterator());
}
""")


def compile_workload(inputs):
    """The driver and its children: cc1plus makes nearly all of the allocations."""
    source = cxx_source(inputs)
    return Workload("g++", "real",
                    [need("g++"), "-O2", "-c", source, "-o", inputs.path("match.o")])


def cc1plus_workload(inputs, is_small=False):
    """
    The compiler proper, for recorders that do not follow children; also with a source so small that
    heaptrack does not run out of memory.
    """
    compiler = need("g++")
    source = cxx_source(inputs, is_small)
    found = subprocess.run([compiler, "-print-prog-name=cc1plus"], stdout=subprocess.PIPE,
                           check=True, text=True).stdout.strip()
    if not os.path.isabs(found):
        raise Missing("cc1plus is not installed")
    preprocessed = source[:-len(".cc")] + ".ii"
    subprocess.run([compiler, "-E", source, "-o", preprocessed], check=True, **QUIET)
    return Workload("cc1plus small" if is_small else "cc1plus", "real",
                    [found, "-quiet", "-O2", "-fpreprocessed", preprocessed,
                     "-o", inputs.path("match.s")])


def cppcheck_workload(inputs):
    functions = "\n".join(f"""
static int work_{i}(const struct item *item, int n)
{{
    int sum = 0;
    for (int j = 0; j < n; j++) {{
        if (item[j].size > {i} && item[j].name != NULL) {{
            sum += (int)strlen(item[j].name) * item[j].size;
        }} else if (sum > 100 * n) {{
            sum -= item[j].size / {i + 1};
        }}
    }}
    return sum;
}}""" for i in range(inputs.size(10, 60)))
    source = inputs.write("many.c", "#include <string.h>\nstruct item { const char *name; int size; };\n"
                          + functions + "\n")
    return Workload("cppcheck", "real",
                    [need("cppcheck"), "--quiet", "--enable=style", "-j1", source])


GIT_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_PAGER": "cat"}


def git_repository(inputs, git):
    """A repository of fixed names, dates and contents, made by fast-import."""
    source = random.Random(2)
    stream = []
    for commit in range(inputs.size(150, 1000)):
        text = "\n".join(str(source.randrange(10 ** 6)) for _ in range(120))
        stream.append(f"commit refs/heads/main\ncommitter a <a@b> {1577836800 + commit} +0000\n"
                      f"data <<END\ncommit {commit}\n\nEND\n"
                      f"M 644 inline file{commit % 12}.txt\ndata {len(text)}\n{text}\n")
    repository = inputs.path("repository")
    shutil.rmtree(repository, ignore_errors=True)
    env = {**os.environ, **GIT_ENV}
    for arguments in (["init", "-q", "-b", "main", repository],
                      ["-C", repository, "config", "pack.threads", "1"],
                      ["-C", repository, "config", "gc.auto", "0"]):
        subprocess.run([git, *arguments], env=env, check=True, **QUIET)
    subprocess.run([git, "-C", repository, "fast-import", "--quiet"], env=env, check=True,
                   input="".join(stream).encode(), stdout=subprocess.DEVNULL)
    return repository


def git_log_workload(inputs):
    git = need("git")
    repository = git_repository(inputs, git)
    return Workload("git log", "real", [git, "-C", repository, "--no-pager", "log", "--stat", "-p"],
                    env=GIT_ENV)


def git_repack_workload(inputs):
    """Works on a copy; its child pack-objects makes nearly all of the allocations."""
    git = need("git")
    original = git_repository(inputs, git)
    copy = inputs.path("repack")

    def prepare():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy)
    return Workload("git repack", "real", [git, "-C", copy, "repack", "-a", "-d", "-f", "-q"],
                    env=GIT_ENV, prepare=prepare)


def redis_workload(inputs):
    server, client, load = need("redis-server"), need("redis-cli"), need("redis-benchmark")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])

    def drive(ended):
        def talk(*arguments):
            return subprocess.run([client, "-p", port, *arguments], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20,
                                  check=False).stdout
        deadline = time.monotonic() + 30
        while talk("ping").strip() != b"PONG":
            if ended() or time.monotonic() > deadline:
                return
            time.sleep(0.005)
        try:
            subprocess.run([load, "-p", port, "-q", "-n", str(inputs.size(4000, 40000)), "-c", "20",
                            "-r", "5000", "-t", "set,get,lpush,lrange_100,hset"], timeout=120,
                           check=False, **QUIET)
        finally:
            talk("shutdown", "nosave")
    return Workload("redis-server", "real",
                    [server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                     "no", "--dir", inputs.folder], drive=drive)


# ---- all -----------------------------------------------------------------------------------------

REAL_MAKERS = [
    ("python3 json", python_workload), ("perl hashes", perl_workload), ("jq", jq_workload),
    ("xmllint", xmllint_workload), ("sqlite3", sqlite_workload), ("g++", compile_workload),
    ("cc1plus", cc1plus_workload),
    ("cc1plus small", lambda inputs: cc1plus_workload(inputs, is_small=True)),
    ("cppcheck", cppcheck_workload), ("git log", git_log_workload),
    ("git repack", git_repack_workload), ("redis-server", redis_workload)]
MAKERS = [("start", start_workload),
          pairs_workload(5, 1), pairs_workload(20, 1, tool_names=RAW_TOO),
          pairs_workload(60, 1, tool_names=RAW_TOO), pairs_workload(20, 8), pairs_workload(60, 8),
          pairs_workload(20, 1, paths=4096), *REAL_MAKERS]
NAMES = [name for name, _ in MAKERS]
