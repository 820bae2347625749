"""What `--sample` slows programs down by, beside what two native runs differ by, and jemalloc's profiler."""

import figures
import measure
import recorders
import rounds
import workloads
from workload import Missing

PAIRS = {True: 4000000, False: 64000000}  # by is_quick
OURS = ("native", "sample", "native again")
PEER = ("jemalloc", "jemalloc prof")
NOISE_LEAST = 0.01


def slowdowns(result, started_ns=0):
    """One figure a round: of the time until the program ended, to the native runs around it."""
    found = result.paired(OURS, figures.app)
    return [(sampled - started_ns) / ((before + after) / 2) - 1 for before, sampled, after in found]


def peer_slowdowns(result, started_ns=0):
    """The same of jemalloc's profiler, to jemalloc without it."""
    return [(profiled - started_ns) / plain - 1 for plain, profiled in result.paired(PEER, figures.app)]


def noise(result):
    """How much native runs of the same round differ, in the third quartile."""
    found = figures.quartiles([abs(after / before - 1) for before, after
                               in result.paired(("native", "native again"), figures.app)])
    return found[2] if found else None


def started_ns(result):
    """What the recorders add to a program that does nothing: (ours, the peer's)."""
    ours = [sampled - (before + after) / 2
            for before, sampled, after in result.paired(OURS, figures.app)]
    peer = [profiled - plain for plain, profiled in result.paired(PEER, figures.app)]
    return figures.median(ours) or 0, figures.median(peer) or 0


def measure_one(bench, make, tools):
    workload = make(bench.inputs)
    workload.tool_names = OURS + PEER
    return rounds.measure_workload(workload, tools, bench.rounds)


def tools_of(bench):
    tools = [bench.native, bench.sampled, bench.again]
    if recorders.Jemalloc.find() is None:
        bench.notes.append("sampling: no libjemalloc with a profiler here: no peer to compare with")
        return tools
    return tools + [recorders.Jemalloc(bench.native.meter, bench.folder, is_profiling)
                    for is_profiling in (False, True)]


def measure_all(bench):
    """{micro, real}: rows {name, native_ns, slowdown, net_slowdown, peer_slowdown, noise}; or None."""
    refusal = bench.sampled.refusal()
    if refusal is not None:
        bench.notes.append(f"sampling: skipped, `allocaudit run --sample` does not work: {refusal}")
        return None
    tools = tools_of(bench)
    ours_ns, peer_ns = started_ns(measure_one(bench, workloads.start_workload, tools))
    _, micro = workloads.pairs_workload(20, 1, count=PAIRS[bench.is_quick])
    data = {"micro": [], "real": []}
    programs = [("pairs 20 1", "micro", micro),
                *((name, "real", make) for name, make in workloads.REAL_MAKERS)]
    for name, group, make in programs:
        bench.talk(f"    {name}")
        try:
            result = measure_one(bench, make, tools)
        except Missing:
            continue
        except measure.Broken as broken:
            bench.fail(f"sampling: {name}: {' '.join(str(broken).split())}")
            continue
        data[group].append({"name": name, "native_ns": result.median("native", figures.app),
                            "slowdown": figures.quartiles(slowdowns(result)),
                            "net_slowdown": figures.quartiles(slowdowns(result, ours_ns)),
                            "peer_slowdown": figures.quartiles(peer_slowdowns(result, peer_ns)),
                            "noise": noise(result)})
    return data


def mean_slowdown(rows, key):
    """The geometric mean of the ratios, less 1; None where the peer did not run."""
    found = [row[key][1] + 1 for row in rows if row[key] is not None]
    return figures.geometric_mean(found) - 1 if found else None


def mean_noise(rows):
    """Of that mean: errors that have nothing to do with each other average out."""
    square = sum(row["noise"] ** 2 for row in rows) ** 0.5 / len(rows)
    return max(square, NOISE_LEAST)
