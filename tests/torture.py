#!/usr/bin/env python3
"""Does to programs and recorder whatever may happen to them, and prints a table of what came of it.

    tests/torture.py --build build/release [--filter REGEX] [--minutes N]

A row is a fault: how often it was tried, whether a program was harmed (its output, status or end are not
those that it has without us, or it hangs), and how many events were lost that should not have been. Each is
an end-to-end test in its larger form; `make test` runs the same ones in their smaller form. All is over
after N minutes, the last test perhaps a little later: a slow machine tries less where more than what is promised is
tried. The exit status is 1 if a program was harmed, an event lost, a fault not tried, or a test found anything else
wrong.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "e2e"))

import harness  # noqa: E402  (found through the line above)
import run as runner  # noqa: E402

# What happens, and the tests of it. Where it says `counted`, that losses are counted is what is tested.
FAULTS = (
    ("program killed by SIGKILL at a random moment", r"kills\.program\["),
    ("recorder killed by SIGKILL at a random moment", r"recover\.(one_thread|threads)$"),
    ("recorder killed: the program is not slowed", r"recover\.program_is_not_slowed"),
    ("recorder and program killed", r"kills\.both\["),
    ("recovery killed, repeated", r"recover\.(interrupted|twice)"),
    ("files that a killed recorder left are damaged (said)", r"recover\.damaged_remains"),
    ("recovery, readers, a second recorder meanwhile", r"recover\.(while|its_ring|a_copy|that_ends|at_any)|writers\."),
    ("machine stops: a copy of the file at any moment", r"kills\.copies"),
    ("machine restarts: the ring is gone", r"recover\.without_the_ring"),
    ("program ends by abort, SEGV, _exit, a thread ...", r"behaviour\.end\["),
    ("exec over itself", r"behaviour\.exec_of_itself"),
    ("disk full at the start, in the middle, at the end", r"scarcity\.disk|disks\."),
    ("output folder removed", r"scarcity\.output_folder"),
    ("/dev/shm absent or of 1 MiB", r"scarcity\.shared_memory"),
    ("limits of the program (ulimit -v -n -f -s -l)", r"scarcity\.program_limited|behaviour\.no_more_desc"),
    ("too little address space for the ring (counted)", r"scarcity\.too_few"),
    ("limits of the recorder, too", r"scarcity\.recorder_limited"),
    ("memory group of 64 MiB", r"scarcity\.memory_group"),
    ("fewer chunks than threads (counted)", r"behaviour\.more_threads_than_chunks"),
    ("10,000 threads in turn", r"behaviour\.threads_in_turn"),
    ("500 threads at once", r"behaviour\.threads_at_once"),
    ("threads with the smallest stacks", r"behaviour\.smallest_thread"),
    ("2,000 children by fork", r"behaviour\.many_forks"),
    ("fork in fork, 5 deep", r"behaviour\.fork_tree"),
    ("fork while other threads allocate", r"behaviour\.fork_in_a_threaded"),
    ("vfork and exec, posix_spawn", r"unwind\.vfork|behaviour\.spawned"),
    ("program replaced, removed while it runs", r"behaviour\.replaced_program"),
    ("child that a sandbox made without thread locals", r"sandboxes\.child_without"),
    ("processes in a pid namespace", r"sandboxes\.processes_with"),
    ("daemons: forked twice, all descriptors closed", r"behaviour\.(daemon|closed_descr)"),
    ("environment cleared before exec", r"behaviour\.cleared_env"),
    ("1,000 signals a second, handlers allocate", r"behaviour\.timer_storm"),
    ("handlers that interrupt malloc itself (counted)", r"behaviour\.signal_storm"),
    ("handlers in a thread's first call", r"unwind\.signals_in_the_first"),
    ("pthread_cancel, destructors of threads that free", r"behaviour\.(cancelled|thread_spec|cxx_thread)"),
    ("thread ends while its plugin is unloaded", r"behaviour\.(thread_that_ends|plugin_that_waits)"),
    ("leaking plugin, loaded and unloaded", r"behaviour\.plugin_that_leaks"),
    ("exceptions through plugins", r"behaviour\.exceptions_through"),
    ("coroutines, longjmp", r"behaviour\.(coroutines|stacks_after_longjmp)"),
    ("program brings its own malloc (said)", r"behaviour\.program_with_its_own"),
    ("linked with jemalloc, tcmalloc, mimalloc", r"behaviour\.linked_allocator"),
    ("modules opened with RTLD_DEEPBIND", r"deep_bind\."),
    ("jemalloc, tcmalloc linked in, as malloc (said)", r"behaviour\.allocator_linked_in_as"),
    ("an allocator under a prefix (said)", r"behaviour\.allocator_(linked_in_under|called_by)"),
    ("built with -fsanitize=address", r"sanitizers\.address\["),
    ("ends by a sanitizer's error, or its leaks", r"sanitizers\.(address_error|report|leak)"),
    ("routed by a policy, killed by SIGKILL", r"policy\.killed_process"),
    ("errors of the program: freed twice ...", r"faults\.misuse"),
    ("child that is static, setuid, bare ... (said)", r"unrecorded\."),
    ("static or setuid program, other word size (said)", r"refusals\.(static|setuid|program_of_another|child_that)"),
)
NO_TIME = "no time left"
EXTRA_SHARE = 0.1  # of the whole time, for what one test tries beyond the least
LAST_START_SHARE = 0.94  # what is begun later would not be over in time
common = {}  # what the processes that run tests have been born with
LINE = "{:50} {:>6} {:>8} {:>8} {:>8}  {}"


class Row:
    """The tests of one fault, and what they found."""

    def __init__(self, fault, pattern, tests):
        self.fault = fault
        self.tests = [(name, function) for name, function in tests if re.match(pattern, name)]
        self.verdicts = []  # (verdict, name, text)
        self.tries = self.lost_event_count = 0
        self.seconds = 0.0

    def take(self, name, verdict, text, seconds, tries, lost_event_count):
        self.verdicts.append((verdict, name, text))
        self.seconds += seconds
        self.tries += tries
        self.lost_event_count += lost_event_count

    def is_counted(self):
        return self.fault.endswith("(counted)")

    def late_tests(self):
        return [name for _, name, text in self.verdicts if text == NO_TIME]

    def is_sound(self):
        is_lossless = self.lost_event_count == 0 or self.is_counted()
        return (is_lossless and all(verdict != "FAIL" for verdict, _, _ in self.verdicts)
                and self.verdicts and not self.late_tests())

    def line(self):
        failed = [name for verdict, name, _ in self.verdicts if verdict == "FAIL"]
        late = self.late_tests()
        skipped = sum(verdict == "SKIP" for verdict, _, _ in self.verdicts)
        remark = ("FAILED: " + ", ".join(failed) if failed else
                  f"NO TIME LEFT for {len(late)} of {len(self.tests)}" if late else
                  f"{skipped} of {len(self.tests)} skipped" if skipped else "")
        return LINE.format(self.fault, self.tries, "yes" if failed else "no",
                           self.lost_event_count, f"{self.seconds:.0f} s", remark)


def run_test(name, options, end_s):
    """Returns (verdict, text, seconds, tries, lost events). In a process of its own, where `common` is known."""
    now = time.monotonic()
    if now > end_s - (1 - LAST_START_SHARE) * options.minutes * 60:
        return "SKIP", NO_TIME, 0, 0, 0

    def limited(test):
        test.end_s = end_s
        test.extra_end_s = now + EXTRA_SHARE * options.minutes * 60
        common["tests"][name](test)

    test, verdict, text, seconds = runner.run_test(common["shared"], name, limited, options)
    if verdict == "SKIP":
        return verdict, text, seconds, 0, 0
    return verdict, text, seconds, test.tries, test.lost_event_count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="folder with allocaudit in it")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only faults that match")
    parser.add_argument("--minutes", type=float, default=20, help="how long all may take [20]")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1, metavar="N",
                        help="tests at a time [processors + 1: many of them wait]")
    options = parser.parse_args()
    options.keep = False
    options.scratch = tempfile.mkdtemp(prefix="allocaudit-torture-")
    start = time.monotonic()
    end_s = start + options.minutes * 60
    tests = runner.collect()
    common["tests"] = dict(tests)
    common["shared"] = harness.Shared(options.build, [], True)
    rows = [Row(fault, pattern, tests) for fault, pattern in FAULTS
            if re.search(options.filter, fault)]
    print(LINE.format("fault", "tries", "harmed", "lost", "took", ""), flush=True)
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, context) as pool:
        pending = [(row, [(name, pool.submit(run_test, name, options, end_s)) for name, _ in row.tests])
                   for row in rows]
        for row, futures in pending:
            for name, future in futures:
                row.take(name, *future.result())
            print(row.line(), flush=True)
    shutil.rmtree(options.scratch, ignore_errors=True)
    unsound = [row for row in rows if not row.is_sound() or not row.tests]
    for row in unsound:
        for verdict, name, text in row.verdicts:
            if verdict == "FAIL":
                print(f"\n{name}:\n{text}")
    print(f"{len(rows) - len(unsound)} faults survived, {len(unsound)} not, "
          f"{sum(row.tries for row in rows)} tries; {(time.monotonic() - start) / 60:.1f} minutes on {os.cpu_count()} "
          f"processors, load average {os.getloadavg()[2]:.1f}")
    return 1 if unsound or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
