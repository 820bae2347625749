"""Medians of paired ratios from the runs of one workload."""

import math
import statistics

# Below this share of the allocations, heaptrack did not see the program that makes them.
SEEN_SHARE = 0.9
# A process's CPU time comes in ticks of 10 ms: no rates from a few of them.
COLLECTOR_MIN_NS = 100 * 1000 * 1000


class Result:
    """All runs of one workload: runs[tool] is a list with one Run a round, alternating in time."""

    def __init__(self, workload):
        self.workload = workload
        self.runs = {}
        self.report_ns = {}
        self.notes = []

    def ratios(self, tool, base, value):
        """One ratio a round: the two runs stood next to each other."""
        return [value(run) / value(other)
                for run, other in zip(self.runs[tool], self.runs[base])
                if value(run) is not None and value(other)]

    def ratio(self, tool, value, base="native"):
        found = self.ratios(tool, base, value) if tool in self.runs else []
        return statistics.median(found) if found else None

    def median(self, tool, value):
        found = [value(run) for run in self.runs.get(tool, []) if value(run) is not None]
        return statistics.median(found) if found else None

    def call_count(self):
        """Calls that allocate: known of a micro, else as recorded (exact: other tests see to that)."""
        return self.workload.pair_count or self.median("allocaudit", lambda r: r.allocation_count)

    def added_ns(self, tool, value):
        """What a call costs more than natively, its free included."""
        count = self.call_count()
        added = [value(run) - value(other)
                 for run, other in zip(self.runs.get(tool, []), self.runs["native"])
                 if value(run) is not None]
        return statistics.median(added) / count if added and count else None

    def seen_share(self, tool):
        seen = self.median(tool, lambda r: r.allocation_count)
        count = self.median("allocaudit", lambda r: r.allocation_count)
        return seen / count if seen is not None and count else None

    def is_comparable(self, tool="heaptrack"):
        share = self.seen_share(tool)
        return share is not None and share >= SEEN_SHARE


def wall(run):
    return run.wall_ns


def app(run):
    return run.app_ns


def cpu(run):
    return run.cpu_ns


def summarize(result):
    """Everything about one workload as plain numbers: what tables and JSON show."""
    call_count = result.call_count()
    summary = {
        "name": result.workload.name, "group": result.workload.group,
        "command": result.workload.command, "notes": result.notes,
        "rounds": len(result.runs.get("native", [])), "call_count": call_count, "tools": {},
    }
    for tool in result.runs:
        wall_ns = result.median(tool, wall)
        output_bytes = result.median(tool, lambda r: r.output_bytes)
        allocation_count = result.median(tool, lambda r: r.allocation_count)
        event_count = result.median(tool, lambda r: None if r.free_count is None
                                    else r.allocation_count + r.free_count)
        summary["tools"][tool] = {
            "wall_ns": wall_ns, "app_ns": result.median(tool, app),
            "cpu_ns": result.median(tool, cpu),
            "wall_ratio": result.ratio(tool, wall), "app_ratio": result.ratio(tool, app),
            "cpu_ratio": result.ratio(tool, cpu),
            "added_wall_ns_per_call": result.added_ns(tool, wall),
            "added_app_ns_per_call": result.added_ns(tool, app),
            "added_cpu_ns_per_call": result.added_ns(tool, cpu),
            "allocation_count": allocation_count,
            "switch_count": result.median(tool, lambda r: r.switch_count),
            "collector_cpu_ns": result.median(tool, lambda r: r.collector_cpu_ns),
            "seen_share": result.seen_share(tool),
            "events_per_s": event_count / wall_ns * 1e9 if event_count else None,
            "output_bytes": output_bytes,
            "bytes_per_allocation": output_bytes / allocation_count
                                    if output_bytes and allocation_count else None,
            "report_ns": result.report_ns.get(tool),
            "app_peak_bytes": result.median(tool, lambda r: r.app_peak_bytes),
            "collector_peak_bytes": result.median(tool, lambda r: r.collector_peak_bytes),
            "runs": [{"wall_ns": run.wall_ns, "app_ns": run.app_ns, "cpu_ns": run.cpu_ns}
                     for run in result.runs[tool]],
        }
    summary["peer"] = compare(result)
    return summary


def leave_out_start(summary, start):
    """Adds the cost of a call less what recording costs whatever is recorded."""
    for tool, figures in summary["tools"].items():
        started = start["tools"].get(tool)
        if started is None or not summary["call_count"] or tool == "native":
            continue
        figures["net_wall_ns_per_call"] = (
            figures["added_wall_ns_per_call"] -
            started["added_wall_ns_per_call"] * start["call_count"] / summary["call_count"])
        if figures["collector_cpu_ns"] is not None:
            net_ns = figures["collector_cpu_ns"] - started["collector_cpu_ns"]
            figures["collector_allocations_per_s"] = (
                figures["allocation_count"] / net_ns * 1e9 if net_ns >= COLLECTOR_MIN_NS else None)


def compare(result):
    """allocaudit beside heaptrack, or None where heaptrack did not run or did not see the same."""
    if not result.is_comparable():
        return None
    ours = min(run.wall_ns for run in result.runs["allocaudit"])
    theirs = min(run.wall_ns for run in result.runs["heaptrack"])
    extra = result.added_ns("allocaudit", wall)
    peer_extra = result.added_ns("heaptrack", wall)
    return {"wall_ratio": result.ratio("allocaudit", wall, "heaptrack"),
            "best_wall_ratio": ours / theirs,
            "extra_share": extra / peer_extra if extra is not None and peer_extra else None}


def geometric_mean(values):
    values = [value for value in values if value and value > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


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
