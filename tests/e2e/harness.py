"""What a test gets: a scratch folder, programs built on demand, and ways to run and record them."""

import contextlib
import fcntl
import math
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import threading
import time

from recording import Recording

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(ROOT, "tests", "programs")
COMMON_FLAGS = ["-g", "-O1", "-fno-builtin", "-fno-inline", "-fno-optimize-sibling-calls"]
C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra"]
CXX_FLAGS = ["-std=c++17", "-Wall", "-Wextra"]


class Failure(Exception):
    """The test found something wrong."""


class Skip(Exception):
    """The test cannot run here; the text says what is missing."""


class Ended:
    """How a command ended: status as a shell gives it, what it wrote, and our own lines of stderr."""

    def __init__(self, command, status, stdout, stderr, path=None):
        self.command = command
        self.status = status
        self.stdout = stdout
        own = [line for line in stderr.splitlines(keepends=True) if line.startswith(b"allocaudit")]
        self.talk = b"".join(own).decode(errors="replace")
        self.stderr = b"".join(line for line in stderr.splitlines(keepends=True) if line not in own)
        self.path = path

    def __str__(self):
        tail = (self.stdout[-600:] + b"\n--\n" + self.stderr[-600:]).decode(errors="replace")
        return f"{shlex.join(self.command)}: status {self.status}\n{tail}\n{self.talk}"


class Counts:
    """What counter.c saw of one process image."""

    def __init__(self, path):
        with open(path, "rb") as file:
            pid, self.allocations, self.frees, self.failed, self.bytes, executable = (
                struct.unpack("5Q216s", file.read()))
        self.pid = pid
        self.executable = executable.split(b"\0")[0].decode()
        self.name = self.executable.rsplit("/", 1)[-1]


class Shared:
    """What all tests of a run share: the build under test and the programs, built once each."""

    def __init__(self, build, wrap, is_long):
        self.build = os.path.abspath(build)
        self.allocaudit = os.path.join(self.build, "allocaudit")
        self.wrap = wrap
        self.is_long = is_long
        self.programs = os.path.join(self.build, "e2e")
        self._lock = threading.Lock()
        self._locks = {}
        self._recorded_environment = None
        self._libc_roots = None
        self.environment = {name: value for name, value in os.environ.items()
                            if not re.match("ALLOCAUDIT_|LD_|COUNTER_|GIT_|MALLOC_|GLIBC_", name)}
        self.environment.update(LC_ALL="C.UTF-8", TZ="UTC")

    @contextlib.contextmanager
    def building(self, target):
        """Held also against other processes: none is to replace a program that another one's test is running."""
        os.makedirs(self.programs, exist_ok=True)
        with open(target + ".lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def build_program(self, source, flags, variant=""):
        """Compiles unless the result is newer than its source. Returns the path of the result.

        variant: part of its name, where one source is built in several ways.
        """
        is_library = "-shared" in flags
        name = os.path.splitext(os.path.basename(source))[0] + variant + (".so" if is_library else "")
        target = os.path.join(self.programs, name)
        with self.building(target):
            if os.path.exists(target) and os.path.getmtime(target) > os.path.getmtime(source):
                return target
            is_cxx = source.endswith(".cc")
            partial = f"{target}.{os.getpid()}"
            command = ([os.environ.get("CXX", "g++")] + CXX_FLAGS if is_cxx else
                       [os.environ.get("CC", "gcc")] + C_FLAGS)
            command += COMMON_FLAGS + [source, "-o", partial] + flags
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                raise Failure(f"{shlex.join(command)}\n{done.stdout.decode(errors='replace')}")
            os.rename(partial, target)
            return target

    def once(self, name, make):
        """Runs make() for the first caller and gives its result to all."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if getattr(self, name) is None:
                setattr(self, name, make())
            return getattr(self, name)


class Test:
    def __init__(self, shared, name, scratch):
        self.shared = shared
        self.name = name
        self.scratch = scratch
        self.is_long = shared.is_long
        self.notes = []
        self.record_options = ()  # of every record()
        self.extra_end_s = self.end_s = math.inf  # of goes_on(), by time.monotonic()
        self._open = []
        self._lost = {}  # path of a recording -> events that it lost
        self._tried_count = 0
        self._number = 0

    # ---- small tools -----------------------------------------------------------------------------

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def write(self, name, content):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def need(self, *commands):
        """Full paths of commands; skips the test where one is missing."""
        paths = []
        for command in commands:
            path = shutil.which(command, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            if path is None:
                raise Skip(f"{command} is not installed")
            paths.append(path)
        return paths[0] if len(paths) == 1 else paths

    def check(self, condition, text):
        if not condition:
            raise Failure(text)

    def equal(self, what, found, wanted):
        if found != wanted:
            raise Failure(f"{what}: {found!r}, not {wanted!r}")

    def note(self, text):
        """A line shown beside PASS: what was measured."""
        self.notes.append(text)

    def goes_on(self, done, default, long, least=None):
        """Whether a fault is tried once more: `default` times, or `long` times if there is time, but `least` times."""
        now = time.monotonic()
        if not self.is_long or done >= (least or long):
            return done < self.size(default, long) and (not self.is_long or now < self.extra_end_s)
        self.check(now < self.end_s, f"{done} of {least or long} tries: no time left")
        return True

    def tried(self, count):
        """Says that a fault was tried so often, where there is not a recording for each."""
        self._tried_count += count

    @property
    def tries(self):
        return self._tried_count or len(self._lost) or 1

    @property
    def lost_event_count(self):
        """Over all recordings that were looked at."""
        return sum(self._lost.values())

    def size(self, default, long):
        return long if self.is_long else default

    # ---- programs --------------------------------------------------------------------------------

    def program(self, name, *flags):
        """Builds tests/programs/NAME.c or .cc with the flags of its `build:` line, and these."""
        source = os.path.join(PROGRAMS, name)
        source += ".cc" if os.path.exists(source + ".cc") else ".c"
        with open(source, encoding="utf-8") as file:
            found = re.search(r"^ \* build: (.*)$", file.read(2000), re.MULTILINE)
        return self.shared.build_program(source, (found.group(1).split() if found else []) + list(flags),
                                         "".join(flags).replace("/", "_"))

    def sample_app(self, name):
        built = os.path.join(self.shared.build, "sample_apps", name)
        if os.path.exists(built):
            return built
        return self.shared.build_program(os.path.join(ROOT, "sample_apps", name, name + ".c"),
                                         ["-pthread"])

    # ---- running ---------------------------------------------------------------------------------

    def environment(self, env=None):
        return {**self.shared.environment, "HOME": self.scratch, **(env or {})}

    def run(self, command, stdin=b"", env=None, cwd=None, timeout=120, path=None):
        """Runs to the end. A command that takes too long is killed, with all it started."""
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.environment(env),
                                 cwd=cwd or self.scratch, start_new_session=True)
        try:
            stdout, stderr = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.kill()
            raise Failure(f"not done after {timeout} s: {shlex.join(command)}") from None
        status = child.returncode if child.returncode >= 0 else 128 - child.returncode
        return Ended(command, status, stdout, stderr, path)

    def allocaudit(self, *arguments, **options):
        return self.run([*self.shared.wrap, self.shared.allocaudit, *arguments], **options)

    def record(self, command, *options, out=None, **run_options):
        """Records into a new file of the scratch folder; the result's .path is that file."""
        if out is None:
            self._number += 1
            out = self.path(f"recording{self._number}.db")
        return self.allocaudit("run", "-o", out, *self.record_options, *options, "--", *command,
                               path=out, **run_options)

    @property
    def opened(self):
        """The recordings that were opened so far."""
        return tuple(self._open)

    def open(self, recorded):
        """The Recording of record()'s result, or of a path."""
        path = recorded if isinstance(recorded, str) else recorded.path
        if not os.path.exists(path):
            raise Failure(f"no recording was written: {recorded}")
        recording = Recording(path)
        self._open.append(recording)
        self._lost[path] = recording.value("SELECT lost_event_count FROM run") or 0
        return recording

    def close(self):
        for recording in self._open:
            recording.close()

    def counts(self, command, env=None, preload=(), **options):
        """Runs natively under counter.c and returns the Counts of every process image."""
        self._number += 1
        folder = self.path(f"counts{self._number}")
        os.mkdir(folder)
        counter = self.program("counter")
        padding = dict(self.shared.once("_recorded_environment", self._added_environment))
        if "--policy" in self.record_options:
            padding["ALLOCAUDIT_POLICY"] = "x"
        if "--plan" in self.record_options:
            padding["ALLOCAUDIT_PLAN"] = "x"
        extra = {"LD_PRELOAD": ":".join([counter, *preload]), "COUNTER_DIR": folder}
        for name, value in padding.items():
            if len(extra) < len(padding):
                extra.setdefault(name, value)
        ended = self.run(command, env={**(env or {}), **extra}, **options)
        return ended, [Counts(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]

    def _added_environment(self):
        """Variables that a recorded program sees in addition: shells and perl allocate for each."""
        options, self.record_options = self.record_options, ()
        ended = self.record(["/usr/bin/env", "-0"], out=self.path("environment.db"))
        self.record_options = options
        seen = dict(part.split("=", 1) for part in ended.stdout.decode().split("\0") if "=" in part)
        known = self.environment()
        return {name: value for name, value in seen.items() if name not in known}

    # ---- checks that most tests share --------------------------------------------------------------

    def same_as_native(self, command, *options, native_command=None, **run_options):
        """Records a command and requires the output and status that it has without us."""
        native = self.run(native_command or command, **run_options)
        recorded = self.record(command, *options, **run_options)
        self.equal("exit status", recorded.status, native.status)
        for name in ("stdout", "stderr"):
            if getattr(native, name) != getattr(recorded, name):
                for run, text in (("native", native), ("recorded", recorded)):
                    self.write(f"{run}.{name}", getattr(text, name))
                raise Failure(f"{name} differs: {self.path('native.' + name)} and recorded.{name}\n"
                              f"{recorded}")
        return recorded

    def sound(self, recorded, is_complete=True):
        """The Recording, after all invariants were checked: nothing lost, every free paired."""
        recording = self.open(recorded)
        problems = recording.problems()
        if is_complete:
            run = recording.run
            if run["state"] != "complete":
                problems.append(f"run.state is {run['state']}")
            if run["lost_event_count"] != 0:
                problems.append(f"{run['lost_event_count']} events lost")
        for process in recording.processes:
            if process["unpaired_free_count"] != 0:
                problems.append(f"{process['unpaired_free_count']} of {process['free_count']} frees "
                                f"unpaired in {process['executable']}")
        if problems:
            raise Failure("\n".join(problems))
        return recording

    def same_as_counter(self, recording, counts, with_bytes=False):
        """Calls over all process images are as counter.c saw them.

        with_bytes is for programs whose blocks depend neither on the environment's text nor on the
        libraries in memory (the loader makes a block per thread that grows with them).
        """
        run = recording.run
        columns = [("allocation_count", "allocations"), ("free_count", "frees"),
                   ("failed_count", "failed")]
        for column, name in columns + ([("allocated_bytes", "bytes")] if with_bytes else []):
            self.equal(f"{column} against the counter", run[column],
                       sum(getattr(count, name) for count in counts))

    def libc_roots(self):
        """Offsets in the C library where stacks of main and of threads begin."""
        def find():
            ended = self.run([self.program("thread_roots")])
            roots = set()
            for line in ended.stdout.decode().splitlines():
                path, offset = line.rsplit(" ", 1)
                if path.endswith("/libc.so.6"):
                    roots.add(int(offset))
            return roots
        return self.shared.once("_libc_roots", find)

    def whole_stacks(self, recording, floor=0.99, where="1"):
        share, worst = recording.reach_share(self.libc_roots(), where)
        self.check(share >= floor, f"only {share:.2%} of allocations have a whole stack; "
                                   f"the others end in {worst}")
        return share
