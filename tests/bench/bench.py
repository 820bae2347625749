"""What one measurement works with: the recorders, the inputs, and what there is to say about it."""

import os
import platform
import resource
import shlex
import shutil
import subprocess
import sys

import measure
import recorders
import workload

HERE = os.path.dirname(os.path.abspath(__file__))
C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-fomit-frame-pointer", "-Wall", "-Wextra", "-pthread"]


def compile_program(name, folder):
    """Compiles unless the result is newer than its source."""
    source, target = os.path.join(HERE, name + ".c"), os.path.join(folder, name)
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        partial = f"{target}.{os.getpid()}"
        compiler = shlex.split(os.environ.get("CC", "gcc"))
        subprocess.run([*compiler, *C_FLAGS, source, "-o", partial], check=True)
        os.rename(partial, target)
    return target


def first_line(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout else None


def describe_machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (f"{os.cpu_count()} x {model}, {memory_gib:.0f} GiB, Linux {platform.release()}, "
            f"{' '.join(platform.libc_ver())}, load average {os.getloadavg()[0]:.1f} at the start")


class Strangers:
    """What other processes, or other machines on the same processors, take while we measure."""

    def __init__(self):
        self.started = self._look()

    @staticmethod
    def _look():
        """Seconds so far: of all processors; of those busy; stolen; of our own, ended processes."""
        with open("/proc/stat", encoding="utf-8") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        total, idle, stolen = sum(ticks), ticks[3] + ticks[4], ticks[7]
        return [value / os.sysconf("SC_CLK_TCK") for value in (total, total - idle, stolen)] + [
            sum(usage.ru_utime + usage.ru_stime for usage in own)]

    def describe(self):
        total, busy, stolen, own = (now - then for now, then in zip(self._look(), self.started))
        others = max(0, busy - stolen - own) / total if total else 0
        return (f"meanwhile other processes took {others:.0%} of the processors, other machines "
                f"{stolen / total if total else 0:.0%}; wall times suffer from that, CPU times less")


class Bench:
    """rounds: how often each workload runs with each tool. folder: for outputs; the caller's."""

    def __init__(self, build, scratch, rounds, is_quick, peer):
        folder = os.path.join(build, "bench")
        self.program = os.path.join(build, "allocaudit")
        self.collecting = os.path.join(folder, "collecting")
        self.policies = os.path.join(folder, "policies")
        self.folder = scratch
        self.rounds = rounds
        self.is_quick = is_quick
        self.analysed_count = None  # --allocations
        self.peer = peer
        self.notes = []
        self.failed_count = 0
        meter, self.pairs, self.timed, self.beside = (
            compile_program(name, folder) for name in ("meter", "pairs", "timed", "beside"))
        self.inputs = workload.Inputs(os.path.join(scratch, "inputs"), self.pairs, is_quick)
        self.native = measure.Native(meter, scratch)
        self.again = measure.Native(meter, scratch)
        self.again.name = "native again"
        self.ours = recorders.Allocaudit(meter, scratch, self.program)
        self.sampled = recorders.Sampled(meter, scratch, self.program)
        self.checked = recorders.Checked(meter, scratch, self.program)
        self.tools = [self.native, self.ours]
        if peer is not None:
            self.tools += [recorders.Heaptrack(meter, scratch, peer),
                           recorders.HeaptrackRaw(meter, scratch, peer)]

    @staticmethod
    def talk(text):
        print(text, file=sys.stderr, flush=True)

    def fail(self, text):
        """Something of ours did not work: the rest goes on, the exit status tells."""
        self.notes.append(f"FAILED: {text}")
        self.failed_count += 1

    def describe_method(self):
        tools = ", ".join(["native", *(first_line([tool, "--version"]) or tool
                                       for tool in (self.program, self.peer) if tool)])
        plural = "s" if self.rounds > 1 else ""
        inputs = ", small inputs (--quick)" if self.is_quick else ""
        return (f"Medians over {self.rounds} round{plural} of {tools}, one after the other, the order "
                f"turned round by round{inputs}.")


def find_peer(is_left_out):
    """heaptrack's path or None, and what to note about it."""
    if is_left_out:
        return None, "heaptrack was left out"
    path = shutil.which("heaptrack")
    return path, None if path else "heaptrack is not installed: nothing to compare with"
