"""Leak kinds: as memcheck has them, in the report, in gate, with suppressions; and what waiting does to programs."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import harness
import test_html

KINDS_SCRIPT = os.path.join(harness.ROOT, "tests", "leak_kinds.py")
SHORT = ("lose_ring", "hold_middle_of_chain", "hold_thread_local", "hold_mapped", "lose_dead_thread",
         "hold_in_thread", "hold_base", "lose_map", "leave_at_once")
REAL = ("perl -e 'my %h; $h{$_} = [1 .. 5] for 1 .. 1000'", "git --version", "sqlite3 :memory: 'select 1'",
        "jq -n '[range(50)]'", "/usr/bin/python3 -c 'import json'")


def query(database, sql):
    connection = sqlite3.connect(database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def kinds_of(database):
    return dict(query(database, "SELECT leak_kind, count(*) FROM allocation WHERE died_ns IS NULL GROUP BY 1"))


def checks_of(database):
    return [row[0] for row in query(database, "SELECT leak_check FROM process ORDER BY id")]


def test_kinds_agree_with_memcheck(test):
    test.need("valgrind")
    command = [sys.executable, KINDS_SCRIPT, "--allocaudit", test.shared.allocaudit]
    programs = [test.program("leak_cases"), test.program("leak_cases_cxx")]
    if test.shared.is_long:
        for real in REAL:
            command += ["--real", real]
    else:
        command += ["--only", ",".join(SHORT)]
    done = subprocess.run(command + programs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode()
    if test.shared.is_long:
        print(text)
    test.equal("status of leak_kinds.py", (done.returncode, text if done.returncode else ""), (0, ""))
    test.note(text.splitlines()[-1])


def test_report_and_gate_know_kinds(test):
    recorded = test.record([test.program("leak_cases"), "lose_tree"], "--leak-check", "yes")
    held = test.record([test.program("leak_cases"), "hold_chain"], "--leak-check", "yes", out=test.path("held.db"))
    found = json.loads(test.allocaudit("report", recorded.path, "leaks", "--format", "json").stdout)
    rows = found["leaks"]
    test.equal("definite first", [(row["definite_count"], row["indirect_count"]) for row in rows],
               [(1, 0), (0, 1), (0, 1), (0, 1)])
    test.equal("bytes", sum(row["definite_bytes"] + row["indirect_bytes"] for row in rows), 160)
    for path, kinds, status in ((recorded.path, None, 1), (recorded.path, "reachable", 0), (held.path, None, 0),
                                (held.path, "reachable", 1), (held.path, "definite,reachable", 1)):
        options = ["--leak-kinds", kinds] if kinds else []
        test.equal(f"gate {path} {kinds}",
                   test.allocaudit("gate", path, "--max-leaks", "0", *options).status, status)
    wrong = test.allocaudit("gate", held.path, "--max-leaks", "0", "--leak-kinds", "definit")
    test.equal("status of a wrong kind", wrong.status, 2)
    test.check("did you mean 'definite'" in str(wrong), str(wrong))


def test_page_has_kinds(test):
    test_html.need_page(test)
    recorded = test.record([test.program("leak_cases"), "lose_tree"], "--leak-check", "yes")
    page = test.path("kinds.html")
    test.equal("page", test.allocaudit("report", recorded.path, "leaks", "--html", page).status, 0)
    shown = test_html.data_of(page)["report"]
    test.equal("rows of the page", [(row["definite_bytes"], row["indirect_bytes"]) for row in shown["leaks"]],
               [(10 * 4, 0), (0, 40), (0, 40), (0, 40)])
    labels = [label for _, label in shown["labels"]["leaks"]["columns"]]
    test.check({"definite", "indirect", "possible", "reachable"} <= set(labels), f"columns of the page: {labels}")


def test_suppressions(test):
    recorded = test.record([test.program("leak_cases"), "lose_tree"], "--leak-check", "yes")
    known = test.write("known.supp", "# known\nleak:^lose_t*ee$\n")
    wrong = test.write("wrong.supp", "leak:a\nrace:b\n")
    done = test.allocaudit("gate", recorded.path, "--max-leaks", "0", "--suppressions", known)
    test.equal("status", done.status, 0)
    test.check(b"suppressed by leak:^lose_t*ee$: 4 blocks, 160 B" in done.stdout, str(done))
    report = test.allocaudit("report", recorded.path, "leaks", "--suppressions", known)
    test.check(b"suppressed by leak:^lose_t*ee$: 4 blocks, 160 B" in report.stdout, str(report))
    test.check(b"make" not in report.stdout, str(report))
    for command in ("gate", "report"):
        options = ["--max-leaks", "0"] if command == "gate" else ["leaks"]
        test.equal(f"{command} with a wrong file",
                   test.allocaudit(command, recorded.path, *options, "--suppressions", wrong).status, 2)


LARGE_HEAP = """
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; struct node *other; char text[32]; };
struct node *list;
int main(int argc, char **argv)
{
    size_t count = strtoul(argv[1], NULL, 10);
    struct node **nodes = malloc(count * sizeof(*nodes));
    for (size_t i = 0; i < count; i++) {
        nodes[i] = calloc(1, sizeof(struct node));
    }
    for (size_t i = 1, at = 1; i < count; i++) { /* all of them, in an order that jumps about */
        size_t next = (at * 7 + 3) % count;
        nodes[at]->next = nodes[next];
        at = next;
    }
    for (size_t i = 0; i < count; i++) {
        nodes[i]->other = nodes[(i + 1) % count];
    }
    if (argc == 3) {
        list = nodes[0];
    }
    memset(nodes, 0, count * sizeof(*nodes));
    free(nodes);
    nodes = NULL;
    return 0;
}
"""


def test_large_heap_is_searched_to_the_end(test):
    """A million blocks in a ring that jumps about: all of them reachable, or lost."""
    program = test.shared.build_program(test.write("large.c", LARGE_HEAP), ["-O1"], test.name)
    count = 1000000
    for arguments, kinds in (((str(count), "held"), {"reachable": count}),
                             ((str(count),), {"definite": 1, "indirect": count - 1})):
        recorded = test.record([program, *arguments], "--leak-check", "yes", out=test.path(f"{len(arguments)}.db"))
        taken = query(recorded.path, "SELECT leak_scan_ns FROM process")[0][0]
        test.equal("checks", checks_of(recorded.path), ["done"])
        test.equal("kinds", kinds_of(recorded.path), kinds)
        test.note(f"{taken / 1e6:.0f} ms")


RUNNING = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
struct node { struct node *next; char text[40]; };
static struct node *volatile list;
static void *volatile lost;
static volatile int is_ending;
static void *lose(size_t bytes) { return malloc(bytes); }
static void *churn(void *unused)
{
    struct node *own = NULL;
    for (unsigned i = 0; !is_ending; i++) {
        struct node *node = calloc(1, sizeof(*node));
        node->next = own;
        own = node;
        while (i % 64 == 63 && own != NULL) {
            struct node *next = own->next;
            free(own);
            own = next;
        }
    }
    return unused;
}
int main(int argc, char **argv)
{
    pthread_t threads[8];
    int count = atoi(argv[1]);
    for (int i = 0; i < 1000; i++) {
        struct node *node = calloc(1, sizeof(*node));
        node->next = list;
        list = node;
    }
    for (int i = 0; i < 7; i++) {
        lost = lose(1000 + 8 * i);
    }
    lost = NULL;
    for (int i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, churn, NULL);
    }
    volatile char deep[400] = {0}; /* over what calls have left on the stack */
    puts("ready");
    fflush(stdout);
    getchar();
    is_ending = 1;
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    return deep[argc];
}
"""

# Kinds of the blocks of RUNNING: those of its list, and those that it has lost.
LISTED = "SELECT leak_kind, count(*) FROM allocation WHERE size_bytes = 48 AND born_ns < (SELECT min(born_ns) FROM" \
         " allocation WHERE size_bytes = 1000) GROUP BY 1"
LOST = "SELECT leak_kind, count(*) FROM allocation WHERE size_bytes BETWEEN 1000 AND 1048 GROUP BY 1"


def start_running(test, threads, wrap=(), whole="whole.db"):
    program = test.shared.build_program(test.write("running.c", RUNNING), ["-O1", "-pthread"], test.name)
    run = subprocess.Popen([*wrap, test.shared.allocaudit, "run", "-q", "-o", test.path(whole), program, str(threads)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    test.equal("first line", run.stdout.readline(), b"ready\n")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = subprocess.run(["pgrep", "-P", str(run.pid), "-x", os.path.basename(program)[:15]],
                               stdout=subprocess.PIPE, check=False).stdout.split()
        if found:
            return run, int(found[0])
        time.sleep(0.05)
    raise AssertionError("the program was not found")


def end_running(test, run):
    run.communicate(b"\n", timeout=60)
    test.equal("status of the program", run.returncode, 0)


def test_now_of_a_running_program(test):
    """As it stands, and with threads that never rest: what is lost is told, and nothing else; and it runs on."""
    for threads in (0, 3):
        run, pid = start_running(test, threads)
        try:
            answer = test.path(f"now{threads}.db")
            for _ in range(2): # the second replaces the first
                done = test.allocaudit("leaks", "--now", str(pid), "-o", answer)
                test.equal("status", (done.status, str(done) if done.status else ""), (0, ""))
            test.check("stood still for" in str(done), str(done))
            test.check(os.path.exists(answer + ".old"), "the older answer is kept")
            rows = [row.split() for row in done.stdout.decode().splitlines() if row.split()[-1:] == ["lose"]]
            test.equal("rows", [(row[1:3], row[5]) for row in rows], [(["7.0", "KiB"], "7")])
            test.equal("checks", checks_of(answer), ["done"])
            test.equal("listed", query(answer, LISTED), [("reachable", 1000)])
            test.equal("lost", query(answer, LOST), [("definite", 7)])
            found = json.loads(test.allocaudit("leaks", answer, "--format", "json").stdout)
            test.equal("json", [row["definite_bytes"] for row in found["leaks"] if row["function"] == "lose"], [7168])
            gate = test.allocaudit("gate", answer, "--max-leaks", "7")
            test.equal("gate", (gate.status, str(gate) if gate.status else ""), (0, ""))
        finally:
            end_running(test, run)
        test.equal("whole recording", query(test.path("whole.db"), "SELECT state FROM run"), [("complete",)])


def test_now_of_what_is_not_recorded(test):
    done = test.allocaudit("leaks", "--now", str(os.getpid()), "-o", test.path("none.db"))
    test.equal("status", done.status, 3)
    test.check("is not being recorded" in str(done), str(done))
    test.equal("status of --output alone", test.allocaudit("leaks", "-o", "x.db").status, 2)


def test_auto_leaves_large_heaps_alone(test):
    """Unasked, a process waits for a search only where that is short; gate says what to do."""
    program = test.shared.build_program(test.write("large.c", LARGE_HEAP), ["-O1"], test.name)
    recorded = test.record([program, "10100", "held"])
    check = checks_of(recorded.path)
    test.check(check in (["large"], ["late"]), str(check))
    gate = test.allocaudit("gate", recorded.path, "--max-leaks", "0")
    test.check(b"--leak-check yes" in gate.stdout, str(gate))


# Reserves much, uses little of it, and has children that do the same: as V8, Java, ASan and our own policies.
RESERVING = r"""
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile lost;
int main(void)
{
    char *reserved = mmap(NULL, 1ul << 36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        return 3;
    }
    reserved[0] = 1;
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) {
            lost = malloc(100);
            lost = NULL;
            exit(0);
        }
        wait(NULL);
    }
    lost = malloc(100);
    lost = NULL;
    return 0;
}
"""


def test_reserved_memory_is_not_walked_unasked(test):
    program = test.shared.build_program(test.write("reserving.c", RESERVING), ["-O1"], test.name)
    for when, found in (("auto", {"large", "late", "none"}), # a busy recorder may be too late to look
                        ("yes", {"done"})):
        start = time.monotonic()
        recorded = test.record([program], "--leak-check", when, out=test.path(f"{when}.db"))
        taken = time.monotonic() - start
        test.equal(f"status with {when}", recorded.status, 0)
        checks = set(checks_of(recorded.path))
        test.check(checks <= found, f"checks with {when}: {checks}")
        test.check(taken < 20, f"{when}: {taken:.1f} s")
        test.note(f"{when}: {taken:.1f} s")


# Shares 1 GiB, touches one page of it, and keeps its only pointer there.
SHARING = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (fd < 0 || ftruncate(fd, 1l << 30) != 0) {
        return 2;
    }
    void **shared = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared[1 << 20] = malloc(77);
    return shared == MAP_FAILED;
}
"""


def test_shared_memory_stays_untouched(test):
    """Reading a page of shared memory makes it: 1 GiB of it, and seconds, were made by the look."""
    program = test.shared.build_program(test.write("sharing.c", SHARING), ["-O1"], test.name)
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="allocaudit-test-") as file:
        recorded = test.record([program, file.name])
        test.equal("status", recorded.status, 0)
        used_bytes = os.stat(file.name).st_blocks * 512
    test.check(used_bytes < 1 << 20, f"{used_bytes} bytes of shared memory were made")
    test.equal("checks", set(checks_of(recorded.path)), {"done"})
    test.equal("kind", test.open(recorded).value("SELECT leak_kind FROM allocation WHERE size_bytes = 77"), "reachable")


def test_forks_of_programs_with_reserved_memory(test):
    """Policies and AddressSanitizer reserve 80 GiB and 16 TiB: a child's end does not wait for that."""
    source = test.write("forks.c", RESERVING.replace("1ul << 36", "4096"))
    sanitized = test.shared.build_program(source, ["-O1", "-fsanitize=address"], test.name)
    script = "for i in $(seq 40); do (echo $i > /dev/null); done"
    for name, command, options, status in (
            ("routed", ["bash", "-c", script], ["--policy", "slab"], 0),
            ("sanitized", [sanitized], [], 1)): # LeakSanitizer has found what it loses
        start = time.monotonic()
        recorded = test.record(command, *options, out=test.path(f"{name}.db"))
        taken = time.monotonic() - start
        test.equal(f"status of {name}", recorded.status, status)
        test.check(taken < 20, f"{name}: {taken:.1f} s")
        test.note(f"{name}: {taken:.1f} s")


def test_fork_while_threads_fill_the_ring(test):
    """A child's end waits for its own events only so long as the option says, also where threads never let the collector rest."""
    program = test.program("fork_threaded")
    for when, most in (("auto", 30), ("yes", 120)):
        start = time.monotonic()
        recorded = test.record([program], "--leak-check", when, "--detail", "sites", out=test.path(f"{when}.db"))
        taken = time.monotonic() - start
        test.equal(f"status with {when}", recorded.status, 0)
        test.check(taken < most, f"{when}: {taken:.1f} s")
        test.note(f"{when}: {taken:.1f} s")


# PTRACE and process_vm_readv, as containers' filters may refuse them.
REFUSED = {"x86_64": ("101", "310"), "aarch64": ("117", "270")}
NO_CAPABILITIES = ("--bounding-set=-all", "--inh-caps=-all")
CONTAINERS = (
    ("without CAP_SYS_PTRACE", ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")),
    ("another user without capabilities", ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *NO_CAPABILITIES)),
    ("a user namespace without capabilities", ("unshare", "-Ur", "setpriv", *NO_CAPABILITIES)),
    ("a user and pid namespace", ("unshare", "-Urpf", "--mount-proc")),
)


def containers(test):
    """Ways to start a command: (name, words before it, whether threads can be stopped)."""
    ways = [(name, wrap, True) for name, wrap in CONTAINERS
            if subprocess.run([*wrap, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0]
    refuse = test.program("refuse_calls")
    ptrace, readv = REFUSED[os.uname().machine]
    return ways + [("ptrace refused", (refuse, ptrace), False), ("both refused", (refuse, f"{ptrace},{readv}"), False)]


def open_to_all(test):
    """The test's folder becomes one in which any user may write."""
    folder = os.path.dirname(test.path("x"))
    os.chmod(folder, 0o777)
    os.chmod(os.path.dirname(folder), 0o711)


def test_in_containers(test):
    """At the end: threads that sleep are known also where they may not be stopped."""
    program = test.program("leak_cases")
    open_to_all(test)
    ways = containers(test)
    for number, (name, wrap, _) in enumerate(ways):
        database = test.path(f"container{number}.db")
        done = subprocess.run([*wrap, test.shared.allocaudit, "run", "-q", "--leak-check", "yes", "-o", database, program,
                               "hold_in_thread"], stdout=subprocess.DEVNULL, check=False)
        test.equal(f"status, {name}", done.returncode, 0)
        test.equal(f"checks, {name}", checks_of(database), ["done"])
        test.equal(f"kinds, {name}", kinds_of(database), {"possible": 1, "reachable": 1})
    test.note(", ".join(name for name, _, _ in ways))


def test_now_in_containers(test):
    """Of a program whose threads never rest: stopped where that is allowed, else looked at three times; the same answer."""
    open_to_all(test)
    for number, (name, wrap, is_stoppable) in enumerate(containers(test)):
        if "unshare" in wrap: # its pids are others
            continue
        run, pid = start_running(test, 2, wrap, f"whole{number}.db")
        try:
            answer = test.path(f"now{number}.db")
            done = test.allocaudit("leaks", "--now", str(pid), "-o", answer)
            test.equal(f"status, {name}", (done.status, str(done) if done.status else ""), (0, ""))
            test.check(("stood still" if is_stoppable else "looked at 3 times") in str(done), f"{name}: {done}")
            test.equal(f"checks, {name}", checks_of(answer), ["done" if is_stoppable else "partly"])
            test.equal(f"listed, {name}", query(answer, LISTED), [("reachable", 1000)])
            test.equal(f"lost, {name}", query(answer, LOST), [("definite", 7)])
        finally:
            end_running(test, run)


def test_memory_that_may_not_be_read(test):
    """A program that forbids it, recorded without capabilities: nothing is called lost, and the reason is told."""
    test.need("setpriv")
    open_to_all(test)
    source = test.write("closed.c", """
#include <stdlib.h>
#include <sys/prctl.h>
int main(void)
{
    void *volatile lost = malloc(100);
    lost = NULL;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
""")
    program = test.shared.build_program(source, [], test.name)
    database = test.path("closed.db")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *NO_CAPABILITIES,
                           test.shared.allocaudit, "run", "-q", "--leak-check", "yes", "-o", database, program], check=False)
    test.equal("status", done.returncode, 0)
    test.equal("checks", (checks_of(database), kinds_of(database)), (["refused"], {None: 1}))
    reason = "the memory could not be read"
    told = test.allocaudit("report", database, "leaks")
    test.check(reason in told.stdout.decode() + told.talk, f"the report does not say why: {told}")
    for options in (["--max-leaks", "0"], ["--max-leaks", "0", "--leak-kinds", "definite"]):
        gate = test.allocaudit("gate", database, *options)
        test.equal(f"gate {options}", gate.status, 1)
        test.check(reason in gate.stdout.decode(), f"the gate does not say why: {gate}")


def test_where_kinds_are_not_known(test):
    program = test.program("leak_cases")
    off = test.record([program, "lose_tree"], "--leak-check", "no")
    test.equal("off", (checks_of(off.path), kinds_of(off.path)), (["off"], {None: 4}))
    done = test.allocaudit("gate", off.path, "--max-leaks", "3")
    test.equal("all count", done.status, 1)
    test.check(b"are not known (recorded with --leak-check no)" in done.stdout, str(done))
    sample = test.record([program, "lose_tree"], "--leak-check", "yes", "--sample", "1", out=test.path("sample.db"))
    test.equal("sampled", checks_of(sample.path), ["sampled"])
    killed = test.record(["/bin/sh", "-c", "kill -9 $$"], "--leak-check", "yes", out=test.path("killed.db"))
    test.equal("killed", checks_of(killed.path), ["none"])


def test_status_is_the_programs(test):
    program = test.program("leak_cases")
    for case, status in (("hold_chain", 0), ("leave_at_once", 3), ("leave_quickly", 3), ("leave_in_thread", 3)):
        recorded = test.record([program, case], "--leak-check", "yes", out=test.path(f"{case}.db"))
        test.equal(f"status of {case}", recorded.status, status)
        test.equal(f"check of {case}", checks_of(recorded.path), ["done"])


def test_forked_child_knows_what_it_inherited(test):
    source = test.write("child.c", """
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
struct node { struct node *next; };
static struct node *volatile list;
int main(void)
{
    list = calloc(1, sizeof(struct node));
    if (fork() == 0) {
        list->next = calloc(1, 100);
        struct node *volatile lost = calloc(1, 200);
        lost = NULL;
        return 7;
    }
    wait(NULL);
    return 0;
}
""")
    recorded = test.record([test.shared.build_program(source, ["-O0"], test.name)], "--leak-check", "yes")
    found = query(recorded.path, "SELECT process_id, size_bytes, leak_kind FROM allocation WHERE died_ns IS NULL"
                  " ORDER BY 1, 2")
    test.equal("blocks", found, [(1, 8, "reachable"), (2, 100, "reachable"), (2, 200, "definite")])


def test_collector_killed_while_the_program_waits(test):
    """A stopped collector cannot answer: the program runs on after two seconds; of a dead one it knows at once."""
    program = test.program("leak_cases")
    for how, most in ((signal.SIGSTOP, 4), (signal.SIGKILL, 1.5)):
        marker = test.path(f"ended-{how}")
        run = subprocess.Popen([test.shared.allocaudit, "run", "-q", "--leak-check", "yes", "-o", test.path(f"{how}.db"), "/bin/sh", "-c",
                                f"sleep 0.5; {program} hold_chain; echo $? > {marker}"], start_new_session=True)
        time.sleep(0.25)
        run.send_signal(how)
        start = time.monotonic()
        while not (os.path.exists(marker) and os.path.getsize(marker)) and time.monotonic() - start < 20:
            time.sleep(0.02)
        taken = time.monotonic() - start
        if how == signal.SIGSTOP:
            run.send_signal(signal.SIGCONT)
        run.wait(timeout=30)
        with open(marker, encoding="utf-8") as file:
            test.equal("status", file.read().strip(), "0")
        test.check(taken < most + 0.5, f"signal {how}: the program ended after {taken:.2f} s")


def test_program_killed_while_it_waits(test):
    """The collector stands still meanwhile, so the program waits when the signal comes."""
    program = test.program("leak_cases")
    database = test.path("killed.db")
    run = subprocess.Popen([test.shared.allocaudit, "run", "-q", "--leak-check", "yes", "-o", database, "/bin/sh", "-c",
                            f"sleep 0.3; exec {program} hold_chain"], start_new_session=True)
    time.sleep(0.15)
    child = int(subprocess.run(["ps", "-o", "pid=", "--ppid", str(run.pid)], stdout=subprocess.PIPE,
                               check=True).stdout.split()[0])
    run.send_signal(signal.SIGSTOP)
    time.sleep(0.8)
    os.kill(child, signal.SIGKILL)
    run.send_signal(signal.SIGCONT)
    test.equal("status", run.wait(timeout=30), 128 + signal.SIGKILL)
    found = query(database, "SELECT leak_check FROM process WHERE end_kind = 'signalled'")
    test.equal("the killed process", found, [("none",)])
