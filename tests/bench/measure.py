"""Runs a workload once and says what it cost. The recorders stand in recorders.py."""

import os
import re
import subprocess
import threading
import time

RUN_TIMEOUT_S = 900
REPORT_TIMEOUT_S = 300
# A recorder that wants more is ended by it, and not the machine.
LIMIT_MIB = 8192


class Broken(Exception):
    """A run did not end as it should; the text says how."""


def clean_environment():
    """No setting of the caller's changes how the programs allocate."""
    env = {name: value for name, value in os.environ.items()
           if not re.match("ALLOCAUDIT_|LD_|GIT_|MALLOC_|GLIBC_|PYTHON|PERL", name)}
    env.update(LC_ALL="C.UTF-8", TZ="UTC")
    return env


class Run:
    """What one run cost. Times in ns; sizes in bytes; None where it could not be seen."""

    def __init__(self, lines, app):
        self.peaks = {}
        self.own_peaks = {}
        values = {}
        for line in lines:
            key, _, value = line.strip().partition(" ")
            if key in ("peak_kib", "own_peak_kib"):
                name, kib = value.rsplit(" ", 1)
                (self.peaks if key == "peak_kib" else self.own_peaks)[name] = int(kib) * 1024
            else:
                values[key] = int(value)
        self.status = values["status"]
        self.wall_ns = values["wall_ns"]
        self.app_ns = values.get("app_ns")
        self.cpu_ns = values["user_ns"] + values["system_ns"]
        self.app_peak_bytes = self.peaks.get(app)
        self.voluntary_count = values["voluntary_switch_count"]
        self.involuntary_count = values["involuntary_switch_count"]
        self.switch_count = self.voluntary_count + self.involuntary_count
        self.said = {}  # figures that the program itself has printed
        self.own_cpu_ns = None
        self.command_cpu_ns = values["command_cpu_ns"]
        self.collector_cpu_ns = None
        self.collector_peak_bytes = None
        self.collector_own_bytes = None
        self.output_bytes = None
        self.allocation_count = None
        self.free_count = None
        self.checked_count = None
        self.different_count = None


class Tool:
    """A way to run a command. Subclasses say how, and read what came out."""

    name = "native"
    env = {}
    collectors = ()  # file names of the programs that take what was recorded

    def __init__(self, meter, folder):
        self.meter = meter
        self.folder = folder

    def around(self, command):
        return command

    def collect(self, run, text):
        """Adds to the run what only its output tells."""

    def clear(self):
        """Removes the output of the run before."""

    def report_ns(self):
        """Time of the tool's own report on the last run."""
        return None

    def run(self, workload):
        self.clear()
        if workload.prepare is not None:
            workload.prepare()
        app = os.path.realpath(workload.command[0])
        result = os.path.join(self.folder, "meter.out")
        command = [self.meter, result, app, str(LIMIT_MIB), "--", *self.around(workload.command)]
        with open(workload.stdin or os.devnull, "rb") as stdin, \
                open(os.path.join(self.folder, "talk.txt"), "w+b") as talk:
            child = subprocess.Popen(command, stdin=stdin, stdout=talk, stderr=subprocess.STDOUT,
                                     cwd=workload.cwd, start_new_session=True,
                                     env={**clean_environment(), **workload.env, **self.env})
            self._finish(child, workload)
            talk.seek(0, os.SEEK_END)
            talk.seek(max(0, talk.tell() - 4096))
            text = talk.read().decode(errors="replace")
        if child.returncode != 0:
            raise Broken(f"the meter ended with {child.returncode}: {text[-300:]}")
        with open(result, encoding="utf-8") as file:
            run = Run(file, app)
        if run.status != 0:
            raise Broken(f"status {run.status}: {text[-300:]}")
        found = [path for path in run.peaks if os.path.basename(path) in self.collectors]
        if found:
            run.collector_peak_bytes = sum(run.peaks[path] for path in found)
            run.collector_own_bytes = sum(run.own_peaks[path] for path in found)
        run.said = {key: int(value) for key, value
                    in re.findall(r"^([a-z_]+_(?:ns|ps|ppm)) (\d+)$", text, re.MULTILINE)}
        run.own_cpu_ns = run.said.get("own_cpu_ns")
        self.collect(run, text)
        return run

    @staticmethod
    def _finish(child, workload):
        driver = None
        if workload.drive is not None:
            driver = threading.Thread(target=workload.drive,
                                      args=(lambda: child.poll() is not None,))
            driver.start()
        try:
            child.wait(timeout=RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired as expired:
            raise Broken(f"still running after {RUN_TIMEOUT_S} s: ended") from expired
        finally:
            if child.poll() is None:
                child.terminate()  # the meter ends all that it started
                child.wait()
            if driver is not None:
                driver.join()


class Native(Tool):
    def collect(self, run, text):
        if run.app_ns is None:
            run.app_ns = run.wall_ns


def timed(command):
    start = time.monotonic_ns()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=REPORT_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        raise Broken(f"{command[0]}: status {done.returncode}: "
                     f"{done.stderr[-300:].decode(errors='replace')}")
    return time.monotonic_ns() - start
