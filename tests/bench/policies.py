"""What a block costs by each policy, beside the barest of lists and the stock allocators."""

import glob
import os
import re
import statistics
import subprocess

import measure

SLICES = {True: 20, False: 100}  # by is_quick
LAUNCH_FACTOR = 3  # launches in a round: where the code comes to lie varies its cost
OURS = ("list", "bump", "pool-inline", "frame-inline", "pool", "frame", "buddy", "slab")
STOCK = (("glibc", None), ("jemalloc", "libjemalloc.so.2"),
         ("tcmalloc", "libtcmalloc_minimal.so.4"), ("mimalloc", "libmimalloc.so.2*"))


def find_library(pattern):
    found = sorted(path for folder in ("/usr/lib/*", "/usr/local/lib", "/usr/lib")
                   for path in glob.glob(os.path.join(folder, pattern)))
    return found[0] if found else None


def run_once(program, kind, slices, preload):
    env = {**measure.clean_environment(), **preload}
    done = subprocess.run([program, kind, str(slices)], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=measure.RUN_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise measure.Broken(f"policies {kind}: status {done.returncode}: {done.stderr[-200:]}")
    return [int(re.search(rf"^{key}_ps (\d+)$", done.stdout, re.MULTILINE).group(1)) / 1e3
            for key in ("pair", "take")]


def cases(bench):
    """(name, kind, variables): of malloc and free as a program has them, with the pool and with stock allocators."""
    found = [(kind, kind, {}) for kind in OURS]
    library = os.path.join(os.path.dirname(bench.program), "liballocaudit.so")
    found.append(("pool-preloaded", "malloc", {"LD_PRELOAD": library, "ALLOCAUDIT_POLICY": "pool"}))
    for name, pattern in STOCK:
        library = find_library(pattern) if pattern else None
        if pattern and library is None:
            bench.notes.append(f"policies: {name} is not installed")
            continue
        found.append((name, "malloc", {"LD_PRELOAD": library} if library else {}))
    return found


def measure_all(bench):
    """[{name, pair_ns, take_ns}]: medians over launches, all kinds in each round."""
    found = cases(bench)
    runs = {name: [] for name, _, _ in found}
    for number in range(bench.rounds * LAUNCH_FACTOR):
        for name, kind, preload in found if number % 2 == 0 else reversed(found):
            runs[name].append(run_once(bench.policies, kind, SLICES[bench.is_quick], preload))
    return [{"name": name, "pair_ns": statistics.median(pair for pair, _ in runs[name]),
             "take_ns": statistics.median(take for _, take in runs[name])} for name, _, _ in found]
