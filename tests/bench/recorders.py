"""The recorders that are measured: how each is started, and what its output tells."""

import glob
import os
import re
import shutil
import sqlite3
import subprocess

from measure import Broken, Native, Tool, clean_environment, timed

SAMPLE = "512KiB"
SAMPLE_LOG2 = 19


class Allocaudit(Tool):
    name = "allocaudit"
    options = ("-q",)
    collectors = ("allocaudit",)

    def __init__(self, meter, folder, program):
        super().__init__(meter, folder)
        self.program = program
        self.output = os.path.join(folder, "allocaudit.db")

    def around(self, command):
        return [self.program, "run", *self.options, "-o", self.output, "--", *command]

    def clear(self):
        for path in glob.glob(self.output + "*"):
            os.unlink(path)

    def collect(self, run, text):
        run.output_bytes = os.path.getsize(self.output)
        database = sqlite3.connect(f"file:{self.output}?mode=ro", uri=True)
        try:
            row = database.execute("SELECT allocation_count, free_count, lost_event_count FROM run")
            run.allocation_count, run.free_count, lost_count = row.fetchone()
        finally:
            database.close()
        run.collector_cpu_ns = run.command_cpu_ns
        if lost_count:
            raise Broken(f"{lost_count} events were lost")

    def report_ns(self):
        times = [timed([self.program, "report", self.output]) for _ in range(3)]
        return None if None in times else sorted(times)[1]


class Heaptrack(Tool):
    name = "heaptrack"
    collectors = ("heaptrack_interpret", "zstd", "gzip")

    def __init__(self, meter, folder, program):
        super().__init__(meter, folder)
        self.program = program
        self.printer = shutil.which("heaptrack_print")
        self.output = os.path.join(folder, "heaptrack")

    def around(self, command):
        return [self.program, "-o", self.output, *command]

    def clear(self):
        for path in glob.glob(self.output + ".*"):
            os.unlink(path)

    def _result(self):
        found = glob.glob(self.output + ".*")
        if len(found) != 1:
            raise Broken(f"heaptrack left {len(found)} files")
        return found[0]

    def collect(self, run, text):
        run.output_bytes = os.path.getsize(self._result())
        found = re.search(r"^\s*allocations:\s+(\d+)", text, re.MULTILINE)
        if found is None:
            raise Broken(f"heaptrack counted nothing: {text[-300:]}")
        run.allocation_count = int(found.group(1))

    def report_ns(self):
        return timed([self.printer, "-f", self._result()]) if self.printer else None


class HeaptrackRaw(Heaptrack):
    """Leaves the interpreting for later: what remains is what the program's own threads do."""

    name = "heaptrack raw"

    def around(self, command):
        return [self.program, "--raw", "-o", self.output, *command]

    def collect(self, run, text):
        run.output_bytes = os.path.getsize(self._result())

    def report_ns(self):
        return None


class Sampled(Allocaudit):
    name = "sample"
    options = ("-q", "--sample", SAMPLE)

    def report_ns(self):
        return None

    def refusal(self):
        """None, or why `allocaudit run` does not take the option."""
        self.clear()
        done = subprocess.run(self.around(["true"]), stdin=subprocess.DEVNULL, check=False, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=clean_environment())
        self.clear()
        if done.returncode == 0:
            return None
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]


class Jemalloc(Native):
    """jemalloc, plain or with its own sampling profiler: that one's slowdown is to the plain one."""

    libraries = ("/usr/lib/*/libjemalloc.so.2", "/usr/local/lib/libjemalloc.so.2")

    def __init__(self, meter, folder, is_profiling):
        super().__init__(meter, folder)
        self.name = "jemalloc prof" if is_profiling else "jemalloc"
        self.settings = f"prof:true,lg_prof_sample:{SAMPLE_LOG2}" if is_profiling else ""

    def around(self, command):
        library = self.find()
        return ["env", f"LD_PRELOAD={library}", f"MALLOC_CONF={self.settings}", *command]

    @classmethod
    def find(cls):
        """The library, if it is there and has the profiler; else None."""
        found = [path for pattern in cls.libraries for path in glob.glob(pattern)]
        if not found:
            return None
        done = subprocess.run(["true"], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**clean_environment(), "LD_PRELOAD": found[0],
                                   "MALLOC_CONF": "prof:true"})
        return found[0] if not done.stderr else None


class Checked(Allocaudit):
    """Every stack is compared with unw_backtrace's, in the program."""

    name = "checked"
    options = ()
    env = {"ALLOCAUDIT_CHECK_UNWIND": "1"}

    def collect(self, run, text):
        super().collect(run, text)
        found = re.search(r"^allocaudit: unwind check: ([\d,]+) stacks? compared, ([\d,]+) different",
                          text, re.MULTILINE)
        if found is not None:
            run.checked_count, run.different_count = (int(number.replace(",", ""))
                                                      for number in found.groups())
