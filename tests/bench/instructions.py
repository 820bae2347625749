"""Instructions that a pair of malloc and free costs, counted by valgrind: the same on any machine.

The recorded program runs inside callgrind, the collector outside. The difference between two numbers
of pairs leaves out the start; the difference to a native run leaves out the program and the C library.
"""

import os
import re
import shutil
import subprocess

import measure

DEPTHS = (5, 20, 60)
COUNTS = (20000, 60000)


def count_once(command, folder, wrap, env=None):
    log = os.path.join(folder, "callgrind.log")
    if os.path.exists(log):
        os.unlink(log)
    valgrind = [shutil.which("valgrind"), "--tool=callgrind", f"--log-file={log}",
                f"--callgrind-out-file={os.path.join(folder, 'callgrind.out')}", *command]
    done = subprocess.run(wrap + valgrind, env={**measure.clean_environment(), **(env or {})},
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=measure.RUN_TIMEOUT_S, check=False)
    text = ""
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
    found = re.search(r"Collected : (\d+)", text)
    if done.returncode != 0 or found is None:
        raise measure.Broken(f"callgrind: status {done.returncode}: "
                             f"{done.stderr[-300:].decode(errors='replace')}")
    return int(found.group(1))


def count_pair(pairs, depth, tool, paths=0):
    """Instructions of one pair: natively, or added to that under allocaudit."""
    tool.clear()
    found = []
    for count in COUNTS:
        command = [pairs, str(depth), "1", str(count)] + ([str(paths)] if paths else [])
        found.append(count_once(command, tool.folder, tool.around([])))
        if tool.name == "allocaudit":
            tool.clear()
    return (found[1] - found[0]) / (COUNTS[1] - COUNTS[0])


def unrecorded(allocaudit):
    """The library alone, as in a program whose collector has gone: it is to cost next to nothing."""
    tool = measure.Native(allocaudit.meter, allocaudit.folder)
    library = os.path.join(os.path.dirname(allocaudit.program), "liballocaudit.so")
    tool.around = lambda command: ["env", f"LD_PRELOAD={library}", *command]
    return tool


def count_all(pairs, native, allocaudit):
    """[{name, native, allocaudit, added}], or a text that says why not."""
    if shutil.which("valgrind") is None:
        return None, "valgrind is not installed: instructions were not counted"
    rows = []
    cases = [(depth, 0, allocaudit) for depth in DEPTHS]
    cases += [(20, 64, allocaudit), (20, 0, unrecorded(allocaudit))]
    for depth, paths, tool in cases:
        try:
            base = count_pair(pairs, depth, native, paths)
            recorded = count_pair(pairs, depth, tool, paths)
        except (measure.Broken, subprocess.TimeoutExpired) as failure:
            return None, f"instructions were not counted: {failure}"
        name = f"pairs {depth} 1" + (f" paths {paths}" if paths else "")
        rows.append({"name": name if tool is allocaudit else f"{name}, not recorded",
                     "native": base, "allocaudit": recorded, "added": recorded - base})
    return rows, None


def grown(rows, old_rows, tolerance):
    """Lines about counts that grew beyond the tolerance since an older measurement."""
    old = {row["name"]: row["added"] for row in old_rows or []}
    return [f"{row['name']}: {row['added']:.0f} instructions a pair, {old[row['name']]:.0f} before"
            for row in rows or []
            if row["name"] in old and row["added"] > old[row["name"]] * (1 + tolerance)]
