"""What `--sample` slows programs down by, beside what two native runs differ by, and jemalloc's profiler.

Real programs are timed from within the recording, so that the start of the recorder does not count:
what is sampled in production runs for long. The micro compares hooked calls with direct ones in the
same process, since a cycle a call shows there: two runs of it differ by more than that.
"""

import figures
import measure
import recorders
import rounds
import workloads
from workload import Missing, Workload

PAIRS = {True: 2000000, False: 32000000}  # by is_quick
SLICES = {True: 20, False: 60}
LAUNCH_FACTOR = 5  # launches of the micro in a round: where the libraries come to lie varies its cost
OURS = ("native", "sample", "native again")
PEER = ("jemalloc", "jemalloc prof")
NOISE_LEAST = 0.01
# Short programs are run more often: so long with each tool, if that takes no more than so many runs.
PROGRAM_NS = 2.5e9
ROUNDS_MOST = 30


def inner(run):
    return run.said.get("inner_ns")


def slowdowns(result):
    """One figure a round: to the native runs around it."""
    return [sampled / ((before + after) / 2) - 1 for before, sampled, after in result.paired(OURS, inner)]


def peer_slowdowns(result):
    """The same of jemalloc's profiler, to jemalloc without it."""
    return [profiled / plain - 1 for plain, profiled in result.paired(PEER, inner)]


def noise(result):
    """How much native runs of the same round differ, in the third quartile."""
    found = figures.quartiles([abs(after / before - 1) for before, after
                               in result.paired(("native", "native again"), inner)])
    return found[2] if found else None


def timed(bench, make):
    workload = make(bench.inputs)
    workload.command = [bench.timed, *workload.command]
    workload.tool_names = OURS + PEER
    return workload


def rounds_for(bench, workload):
    """After one native run to see how long the program takes."""
    once_ns = inner(bench.native.run(workload))
    return max(bench.rounds, min(ROUNDS_MOST, int(PROGRAM_NS / once_ns)))


def measure_real(bench, name, make, tools):
    workload = timed(bench, make)
    result = rounds.measure_workload(workload, tools, rounds_for(bench, workload))
    return {"name": name, "native_ns": result.median("native", inner),
            "slowdown": figures.quartiles(slowdowns(result)),
            "peer_slowdown": figures.quartiles(peer_slowdowns(result)), "noise": noise(result)}


def measure_micro(bench, tools):
    """Hooked pairs to direct ones; natively they are the same, which shows what the method can tell."""
    name = "pairs, in one process"
    beside = Workload(name, "micro", [bench.beside, str(SLICES[bench.is_quick])], tool_names=OURS)
    result = rounds.measure_workload(beside, tools, bench.rounds * LAUNCH_FACTOR)

    def slowdown(run):
        return run.said["hooked_ppm"] / 1e6 - 1
    _, make = workloads.pairs_workload(20, 1, count=PAIRS[bench.is_quick])
    peer_workload = timed(bench, make)
    peer = rounds.measure_workload(peer_workload, [tool for tool in tools if tool.name in PEER],
                                   rounds_for(bench, peer_workload))
    return {"name": name, "native_ns": result.median("sample", lambda run: run.said["direct_ps"]) / 1e3,
            "slowdown": figures.quartiles([slowdown(run) for run in result.runs["sample"]]),
            "peer_slowdown": figures.quartiles(peer_slowdowns(peer)),
            "noise": figures.quartiles([abs(slowdown(run)) for run in result.runs["native"]])[2]}


def tools_of(bench):
    tools = [bench.native, bench.sampled, bench.again]
    if recorders.Jemalloc.find() is None:
        bench.notes.append("sampling: no libjemalloc with a profiler here: no peer to compare with")
        return tools
    return tools + [recorders.Jemalloc(bench.native.meter, bench.folder, is_profiling)
                    for is_profiling in (False, True)]


def measure_all(bench):
    """{micro, real}: rows {name, native_ns, slowdown, peer_slowdown, noise}; or None."""
    refusal = bench.sampled.refusal()
    if refusal is not None:
        bench.notes.append(f"sampling: skipped, `allocaudit run --sample` does not work: {refusal}")
        return None
    tools = tools_of(bench)
    bench.talk("    pairs")
    data = {"micro": [measure_micro(bench, tools)], "real": []}
    for name, make in workloads.REAL_MAKERS:
        bench.talk(f"    {name}")
        try:
            data["real"].append(measure_real(bench, name, make, tools))
        except Missing:
            continue
        except measure.Broken as broken:
            bench.fail(f"sampling: {name}: {' '.join(str(broken).split())}")
    return data


def mean_slowdown(rows, key):
    """The geometric mean of the ratios, less 1; None where the peer did not run."""
    found = [row[key][1] + 1 for row in rows if row[key] is not None]
    return figures.geometric_mean(found) - 1 if found else None


def mean_noise(rows):
    """Of that mean: errors that have nothing to do with each other average out."""
    square = sum(row["noise"] ** 2 for row in rows) ** 0.5 / len(rows)
    return max(square, NOISE_LEAST)
