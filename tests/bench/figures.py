"""Medians of paired ratios from the runs of one workload."""

import math
import statistics

# Below this share of the allocations, heaptrack did not see the program that makes them.
SEEN_SHARE = 0.9
# No rates from less than this of a process's time.
COLLECTOR_MIN_NS = 20 * 1000 * 1000


class Result:
    """All runs of one workload: runs[tool] is a list with one Run a round, alternating in time."""

    def __init__(self, workload):
        self.workload = workload
        self.runs = {}
        self.report_ns = {}
        self.notes = []

    def paired(self, tools, value):
        """One list a round with the value of each tool: those runs stood next to each other."""
        if not all(tool in self.runs for tool in tools):
            return []
        rounds = zip(*(self.runs[tool] for tool in tools))
        found = [[value(run) for run in runs] for runs in rounds]
        return [values for values in found if None not in values]

    def ratios(self, tool, value, base="native"):
        return [own / other for own, other in self.paired([tool, base], value) if other]

    def ratio(self, tool, value, base="native"):
        return median(self.ratios(tool, value, base))

    def median(self, tool, value):
        return median([value(run) for run in self.runs.get(tool, []) if value(run) is not None])

    def best(self, tool, value):
        return min((value(run) for run in self.runs.get(tool, []) if value(run) is not None),
                   default=None)

    def call_count(self):
        """Calls that allocate: known of a micro, else as recorded (exact: other tests see to that)."""
        return self.workload.pair_count or self.median("allocaudit", lambda r: r.allocation_count)

    def added_ns(self, tool, value):
        """What a call costs more than natively, its free included: one figure a round."""
        count = self.call_count()
        return [(own - base) / count
                for own, base in self.paired([tool, "native"], value)] if count else []

    def times_less(self, peer, value):
        """How many times what the peer adds is what allocaudit adds: one figure a round."""
        found = self.paired([peer, "allocaudit", "native"], value)
        return [(other - base) / (own - base) for other, own, base in found if own > base]

    def best_times_less(self, peer, value):
        other, own, base = (self.best(tool, value) for tool in (peer, "allocaudit", "native"))
        if None in (other, own, base) or own <= base:
            return None
        return (other - base) / (own - base)

    def seen_share(self, tool):
        seen = self.median(tool, lambda r: r.allocation_count)
        count = self.median("allocaudit", lambda r: r.allocation_count)
        return seen / count if seen is not None and count else None

    def is_comparable(self, tool="heaptrack"):
        share = self.seen_share(tool)
        return share is not None and share >= SEEN_SHARE


def median(values):
    return statistics.median(values) if values else None


def quartiles(values):
    """[first quartile, median, third], or None."""
    if len(values) < 2:
        return [values[0]] * 3 if values else None
    return statistics.quantiles(values, n=4, method="inclusive")


def geometric_mean(values):
    values = [value for value in values if value and value > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def wall(run):
    return run.wall_ns


def app(run):
    return run.app_ns


def cpu(run):
    return run.cpu_ns


def own(run):
    """CPU of the program's own threads alone."""
    return run.own_cpu_ns


def collecting(run):
    """CPU of all that is not the program itself; with allocaudit, of the collector's process."""
    if run.collector_cpu_ns is not None:
        return run.collector_cpu_ns
    return run.cpu_ns - run.own_cpu_ns if run.own_cpu_ns is not None else None


def summarize_tool(result, tool):
    output_bytes = result.median(tool, lambda r: r.output_bytes)
    allocation_count = result.median(tool, lambda r: r.allocation_count)
    event_count = result.median(tool, lambda r: None if r.free_count is None
                                else r.allocation_count + r.free_count)
    wall_ns = result.median(tool, wall)
    summary = {
        "allocation_count": allocation_count, "output_bytes": output_bytes,
        "seen_share": result.seen_share(tool), "collector_cpu_ns": result.median(tool, collecting),
        "events_per_s": event_count / wall_ns * 1e9 if event_count else None,
        "bytes_per_allocation": output_bytes / allocation_count
                                if output_bytes and allocation_count else None,
        "report_ns": result.report_ns.get(tool),
        "runs": [{"wall_ns": run.wall_ns, "app_ns": run.app_ns, "cpu_ns": run.cpu_ns,
                  "own_cpu_ns": run.own_cpu_ns} for run in result.runs[tool]],
    }
    for name in ("voluntary_count", "involuntary_count", "switch_count", "app_peak_bytes",
                 "collector_peak_bytes", "collector_own_bytes"):
        summary[name] = result.median(tool, lambda r, name=name: getattr(r, name))
    for name, value in (("wall", wall), ("app", app), ("cpu", cpu), ("own", own)):
        summary[f"{name}_ns"] = result.median(tool, value)
        summary[f"{name}_ratio"] = result.ratio(tool, value)
        summary[f"{name}_ratio_quartiles"] = quartiles(result.ratios(tool, value))
        summary[f"added_{name}_ns_per_call"] = median(result.added_ns(tool, value))
    return summary


def summarize(result):
    """Everything about one workload as plain numbers: what tables and JSON show."""
    return {
        "name": result.workload.name, "group": result.workload.group,
        "command": result.workload.command, "notes": result.notes,
        "rounds": len(result.runs.get("native", [])), "call_count": result.call_count(),
        "tools": {tool: summarize_tool(result, tool) for tool in result.runs},
        "peer": compare(result),
    }


def leave_out_start(summary, start):
    """Adds the cost of a call less what recording costs whatever is recorded."""
    for tool, figures in summary["tools"].items():
        started = start["tools"].get(tool)
        if started is None or not summary["call_count"] or tool == "native":
            continue
        share = start["call_count"] / summary["call_count"]
        for name in ("wall", "own"):
            added = figures[f"added_{name}_ns_per_call"]
            if added is not None:
                figures[f"net_{name}_ns_per_call"] = (
                    added - started[f"added_{name}_ns_per_call"] * share)
        if figures["collector_cpu_ns"] is not None:
            net_ns = figures["collector_cpu_ns"] - started["collector_cpu_ns"]
            count = figures["allocation_count"] or summary["call_count"]
            figures["collector_allocations_per_s"] = (
                count / net_ns * 1e9 if net_ns >= COLLECTOR_MIN_NS else None)


def compare(result):
    """allocaudit beside heaptrack, or None where heaptrack did not run or did not see the same."""
    if not result.is_comparable():
        return None
    ours, theirs = (result.best(tool, wall) for tool in ("allocaudit", "heaptrack"))
    extra, peer_extra = (median(result.added_ns(tool, wall)) for tool in ("allocaudit", "heaptrack"))
    return {"wall_ratio": result.ratio("allocaudit", wall, "heaptrack"),
            "wall_ratio_quartiles": quartiles(result.ratios("allocaudit", wall, "heaptrack")),
            "best_wall_ratio": ours / theirs,
            "extra_share": extra / peer_extra if extra is not None and peer_extra else None,
            "wall_times_less": quartiles(result.times_less("heaptrack", wall)),
            "best_wall_times_less": result.best_times_less("heaptrack", wall),
            "own_times_less": quartiles(result.times_less("heaptrack raw", own)),
            "best_own_times_less": result.best_times_less("heaptrack raw", own)}


def slower_than_peer(summaries, tolerance):
    """Lines about workloads that took longer than under heaptrack, beyond the tolerance.

    Both the median of the pairs and the best run of each must say so: load on the machine lengthens
    single runs, but it does not shorten any.
    """
    lines = []
    for summary in summaries:
        peer = summary["peer"]
        if peer is None:
            continue
        if min(peer["wall_ratio"], peer["best_wall_ratio"]) > 1 + tolerance:
            lines.append(f"{summary['name']}: {peer['wall_ratio']:.2f} times heaptrack's wall time "
                         f"(best runs: {peer['best_wall_ratio']:.2f})")
    return lines
