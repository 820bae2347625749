"""What `--sample` slows programs down by, beside what two native runs differ by."""

import figures
import measure
import rounds
import workloads
from workload import Missing

PAIRS = {True: 4000000, False: 64000000}  # by is_quick
TOOL_NAMES = ("native", "sample", "native again")
NOISE_FLOOR = 0.01


def slowdowns(result, started_ns=0):
    """One figure a round: of the time until the program ended, to the native runs around it."""
    found = result.paired(TOOL_NAMES, figures.app)
    return [(own - started_ns) / ((before + after) / 2) - 1 for before, own, after in found]


def noise(result):
    """How much native runs of the same round differ, in the third quartile."""
    found = figures.quartiles([abs(after / before - 1) for before, after
                               in result.paired(("native", "native again"), figures.app)])
    return found[2] if found else None


def measure_one(bench, make, tools):
    workload = make(bench.inputs)
    workload.tool_names = TOOL_NAMES
    return rounds.measure_workload(workload, tools, bench.rounds)


def start_ns(result):
    return figures.median([own - (before + after) / 2
                           for before, own, after in result.paired(TOOL_NAMES, figures.app)]) or 0


def measure_all(bench):
    """{start_ns, micro, real}, rows {name, slowdown, net_slowdown, noise}; None if there is no --sample."""
    refusal = bench.sampled.refusal()
    if refusal is not None:
        bench.notes.append(f"sampling: skipped, `allocaudit run --sample` does not work: {refusal}")
        return None
    tools = [bench.native, bench.sampled, bench.again]
    started_ns = start_ns(measure_one(bench, workloads.start_workload, tools))
    _, micro = workloads.pairs_workload(20, 1, count=PAIRS[bench.is_quick])
    data = {"start_ns": started_ns, "micro": [], "real": []}
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
                            "net_slowdown": figures.quartiles(slowdowns(result, started_ns)),
                            "noise": noise(result)})
    return data


def mean_slowdown(rows):
    """The geometric mean of the ratios, less 1; and of the noise, which averages out as they do."""
    slowdown = figures.geometric_mean(row["net_slowdown"][1] + 1 for row in rows) - 1
    noises = [row["noise"] for row in rows]
    square = sum(value * value for value in noises) ** 0.5 / len(noises)
    return slowdown, max(square, NOISE_FLOOR)
