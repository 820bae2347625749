"""Go programs for the tests: how they are built, and what is recorded of their runtime."""

import collections
import os
import re
import shutil
import subprocess

from harness import PROGRAMS, ROOT, Failure, Skip

GCTRACE = re.compile(rb"gc \d+ @[\d.]+s \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock.* P( \(forced\))?\n")


def go_command():
    """Debian has one in its PATH, or several by version."""
    return shutil.which("go", path="/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin")


def build(test, source, *flags, variant=""):
    """Compiles a Go file unless that has been done; skips the test where there is no Go."""
    go = go_command()
    if go is None:
        raise Skip("go is not installed")
    name = os.path.splitext(os.path.basename(source))[0] + variant
    folder = test.shared.programs
    target = os.path.join(folder, name)
    with test.shared.building(target):
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
            done = subprocess.run(
                [go, "build", *flags, "-o", target, source], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                env={"PATH": os.environ["PATH"], "GO111MODULE": "off", "GOFLAGS": "",
                     "HOME": folder, "GOCACHE": os.path.join(test.shared.build, "go_cache"),
                     "CGO_ENABLED": "1"})
            if done.returncode != 0:
                raise Failure(f"go build {source}: {done.stdout.decode(errors='replace')}")
    return target


def program(test, name, *flags, variant=""):
    return build(test, os.path.join(PROGRAMS, name + ".go"), *flags, variant=variant)


def program_of_version(test, name, version):
    """The same binary, which says that it was built by that version (six bytes, as go1.99)."""
    with open(program(test, name), "rb") as file:
        image = file.read()
    built = re.search(rb"go1\.\d\d(?=[.\d]*)", image).group()
    path = test.path(f"{name}_{version.decode()}")
    with open(path, "wb") as file:
        file.write(image.replace(built, version))
    os.chmod(path, 0o755)
    return path


def sample_app(test, name):
    return build(test, os.path.join(ROOT, "sample_apps", name, name + ".go"))


def runtime_of(recording):
    return recording.rows("SELECT * FROM go_runtime")[0]


def own_profile(stdout):
    """What go_sites prints: stack -> [allocations, bytes, in use]."""
    found = collections.defaultdict(lambda: [0, 0, 0])
    for line in stdout.decode().splitlines():
        if line.startswith("site "):
            words = line.split()
            for i in range(3):
                found[tuple(words[4:])][i] += int(words[1 + i])
    return found


def recorded_profile(recording):
    """The same of a recording. The runtime's own frames at the end of an allocation are not printed."""
    found = collections.defaultdict(lambda: [0, 0, 0])
    for site in recording.rows("SELECT * FROM site WHERE kind = 'go'"):
        frames = recording.rows("SELECT function, file, line FROM stack_frame WHERE stack_id = ?"
                                " ORDER BY position", site["stack_id"])
        stack = tuple(f"{frame['function']}|{frame['file']}|{frame['line']}" for frame in frames)
        found[stack][0] += site["allocation_count"]
        found[stack][1] += site["allocated_bytes"]
        found[stack][2] += site["leaked_count"]
    return found


def of_functions(profile, word):
    """The sums over the stacks that allocate in a function."""
    sums = [0, 0, 0]
    for stack, figures in profile.items():
        if stack[0].startswith(word + "|"):
            sums = [a + b for a, b in zip(sums, figures)]
    return sums
