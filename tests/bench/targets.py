"""The targets: heaptrack's figure, ours, the ratio, and whether floor and goal are met."""

import figures
import sampling
from lay_out import count, mib, number, per_allocation, seconds, times

NOT_MEASURED = "not measured"
NO_TARGET = ""
MISSED = "MISSED"
RING_BYTES = 256 << 20  # of `allocaudit run`, by default


class Target:
    """One row. floor and goal are texts; is_floor and is_goal tell whether they are met, or None."""

    def __init__(self, name, floor="", goal=""):
        self.name = name
        self.floor = floor
        self.goal = goal
        self.peer = self.ours = self.ratio = ""
        self.value = None  # what the verdict rests on
        self.is_floor = self.is_goal = None

    def judge(self, value, floor=None, goal=None, is_least=False):
        """Meets what is at least (is_least) or at most the floor or goal."""
        self.value = value
        if value is not None:
            def is_met(bound):
                return None if bound is None else value >= bound if is_least else value <= bound
            self.is_floor, self.is_goal = is_met(floor), is_met(goal)
        return self

    def verdict(self):
        if self.floor == "" and self.goal == "":
            return NO_TARGET
        if self.value is None:
            return NOT_MEASURED
        if self.is_floor is False:
            return MISSED
        if self.goal == "":
            return "floor met"
        if self.is_goal:
            return "goal met"
        return "floor met" if self.is_floor else "goal not met"

    def as_dict(self):
        return {"name": self.name, "peer": self.peer, "ours": self.ours, "ratio": self.ratio,
                "floor": self.floor, "goal": self.goal, "value": self.value,
                "verdict": self.verdict()}


def find(data, name):
    return next((summary for summary in data["workloads"] if summary["name"] == name), None)


def of(summary, tool, key):
    return summary["tools"].get(tool, {}).get(key) if summary else None


def ns(value):
    return number(value, 0) + " ns" if value is not None else ""


# ---- what a pair costs ---------------------------------------------------------------------------

def pair_target(data, text, workload, kind, floor, goal):
    """kind: wall, or own for the CPU of the program's own threads."""
    bounds = (f"{floor}x less", f"{goal}x less") if floor else ()
    target = Target(text, *bounds)
    summary = find(data, workload)
    if summary is None:
        return target
    peer_tool = "heaptrack raw" if kind == "own" else "heaptrack"
    for tool, field in ((peer_tool, "peer"), ("allocaudit", "ours")):
        added = of(summary, tool, f"added_{kind}_ns_per_call")
        net = of(summary, tool, f"net_{kind}_ns_per_call")
        setattr(target, field, ns(added) + (f" ({number(net, 0)})" if net is not None else ""))
    peer = summary["peer"] or {}
    spread = peer.get(f"{kind}_times_less")
    if spread is None:
        return target
    target.ratio = f"{times(spread)}, best {number(peer[f'best_{kind}_times_less'])}"
    return target.judge(spread[1], floor, goal, is_least=True)


def instruction_target(data):
    target = Target("instructions added per pair, depth 20")
    row = next((row for row in data["instructions"] or [] if row["name"] == "pairs 20 1"), None)
    if row is not None:
        target.ours = count(row["added"])
    return target


# ---- real programs -------------------------------------------------------------------------------

def real_targets(data):
    real = [s for s in data["workloads"] if s["group"] == "real" and s["peer"]]
    named = f" ({len(real)} programs)" if real else ""
    worst = Target("real programs: wall time to heaptrack's, worst", "below 1")
    share = Target("real programs: extra time to heaptrack's, worst", "", "0.5")
    mean = Target(f"real programs: extra time to heaptrack's, mean{named}", "", "0.33")
    if not real:
        return [worst, share, mean]
    slowest = max(real, key=lambda s: s["peer"]["wall_ratio"])
    worst.ratio = f"{number(slowest['peer']['wall_ratio'], 2)}: {slowest['name']}"
    for tool, field in (("heaptrack", "peer"), ("allocaudit", "ours")):
        setattr(worst, field, f"{number(of(slowest, tool, 'wall_ratio'), 2)} x native")
        setattr(mean, field, number(figures.geometric_mean(
            of(s, tool, "wall_ratio") for s in real), 2) + " x native, mean")
    worst.judge(slowest["peer"]["wall_ratio"], 0.9999)
    shares = [(s["peer"]["extra_share"], s) for s in real if s["peer"]["extra_share"] is not None]
    value, dearest = max(shares, key=lambda pair: pair[0])
    share.ratio = f"{number(value, 2)}: {dearest['name']}"
    for tool, field in (("heaptrack", "peer"), ("allocaudit", "ours")):
        setattr(share, field, ns(of(dearest, tool, "added_wall_ns_per_call")) + " a call")
    share.judge(value, None, 0.5)
    # Below a hundredth the machine's noise decides, and would decide the mean.
    average = figures.geometric_mean(max(value, 0.01) for value, _ in shares)
    mean.ratio = number(average, 2)
    return [worst, share, mean.judge(average, None, 1 / 3)]


# ---- the collector and its file ------------------------------------------------------------------

def throughput_target(data):
    target = Target("collector: allocations a second of its CPU", "5 M/s", "15 M/s")
    summary = find(data, "pairs 20 1")
    peer = of(summary, "heaptrack", "collector_allocations_per_s")
    ours = of(summary, "allocaudit", "collector_allocations_per_s")
    target.peer = f"{peer / 1e6:.2f} M/s" if peer else ""
    target.ours = f"{ours / 1e6:.2f} M/s" if ours else ""
    target.ratio = f"{ours / peer:.1f}x more" if ours and peer else ""
    return target.judge(ours, 5e6, 15e6, is_least=True)


def bytes_targets(data):
    micro = Target("database bytes per allocation, micro", "30")
    summary = find(data, "pairs 20 1")
    value = of(summary, "allocaudit", "bytes_per_allocation")
    if summary is not None:
        micro.peer = per_allocation(of(summary, "heaptrack", "bytes_per_allocation"))
        micro.ours = per_allocation(value)
    real = Target("database bytes per allocation, real programs", "30")
    shown = [s for s in data["workloads"] if s["group"] == "real"]
    if shown:
        for tool, field in (("heaptrack", "peer"), ("allocaudit", "ours")):
            seen = [s for s in shown if s["peer"]] if tool == "heaptrack" else shown
            total = sum(of(s, tool, "output_bytes") or 0 for s in seen)
            calls = sum(of(s, tool, "allocation_count") or 0 for s in seen)
            setattr(real, field, per_allocation(total / calls) if calls else "")
            real.value = total / calls if calls else None
        real.judge(real.value, 30)
    return [micro.judge(value, 30), real]


def growth_targets(data):
    growth = (data["scaling"] or {}).get("growth") or []
    report = Target("`report` on a trace of 100 M allocations", "1 s", "0.1 s")
    memory = Target("collector's own memory, 100 M to 10 M allocations", "1.25x")
    largest = growth[-1] if growth else None
    if largest is None or largest["call_count"] < 100000000:
        return [report, memory]
    peer_ns, ours_ns = (of(largest, tool, "report_ns") for tool in ("heaptrack", "allocaudit"))
    report.peer, report.ours = (seconds(value) + " s" if value else "" for value in (peer_ns, ours_ns))
    report.ratio = f"{peer_ns / ours_ns:,.0f}x less" if peer_ns and ours_ns else ""
    report.judge(ours_ns, 1e9, 0.1e9)
    for tool, field in (("heaptrack", "peer"), ("allocaudit", "ours")):
        peaks = [of(s, tool, "collector_own_bytes") for s in growth]
        if any(peaks):
            setattr(memory, field, " / ".join(mib(peak) for peak in peaks) + " MiB")
    before, last = (of(s, "allocaudit", "collector_own_bytes") for s in growth[-2:])
    total = of(largest, "allocaudit", "collector_peak_bytes")
    if before and last and total:
        memory.ours += f", {mib(total)} with what is shared"
        memory.ratio = f"{last / before:.2f}x"
        # What is shared is the ring, which has a limit, and the live blocks.
        is_bounded = total - last <= RING_BYTES * 1.25
        memory.judge(last / before if is_bounded else total / (last + RING_BYTES), 1.25)
    return [report, memory]


# ---- sampling, stacks ----------------------------------------------------------------------------

def slowdown(value, suffix=""):
    return f"{value * 100:.1f} %{suffix}" if value is not None else ""


def sampling_targets(data):
    micro = Target("--sample 512KiB: slowdown, micro (peer: jemalloc)", "10 %", "3 %")
    real = Target("--sample 512KiB: slowdown, real programs", "2 %", "noise")
    sampled = data["sampling"]
    if sampled and sampled["micro"]:
        row = sampled["micro"][0]
        low, value, high = row["slowdown"]
        micro.peer = slowdown(row["peer_slowdown"] and row["peer_slowdown"][1])
        micro.ours = slowdown(value, f" [{low * 100:.1f}, {high * 100:.1f}]")
        micro.judge(value, 0.10, 0.03)
    if sampled and sampled["real"]:
        rows = sampled["real"]
        value = sampling.mean_slowdown(rows, "slowdown")
        noise = sampling.mean_noise(rows)
        worst = max(rows, key=lambda row: row["slowdown"][1])
        real.peer = slowdown(sampling.mean_slowdown(rows, "peer_slowdown"))
        real.ours = slowdown(value, f", worst {slowdown(worst['slowdown'][1])}: {worst['name']}")
        real.goal = f"noise: {slowdown(noise)}"
        real.judge(value, 0.02, noise)
    return [micro, real]


def unwind_target(data):
    target = Target("stacks equal to unw_backtrace's", "100 %", "100 %")
    rows = data["unwind"]
    compared = sum(row["checked_count"] for row in rows or [])
    if compared:
        different = sum(row["different_count"] for row in rows)
        target.ours = f"{different:,} of {compared:,} differ"
        target.judge(different, 0, 0)
    return target


def policy_targets(data):
    """Ours to the barest allocator of the kind, and the pool to the fastest stock allocator."""
    rows = {row["name"]: row for row in data["policies"] or []}
    targets = []
    for text, ours, other, key, floor in (
            ("pool, inline: a pair, to a bare inline list", "pool-inline", "list", "pair_ns", 2),
            ("frame, inline: a take, to a bare pointer", "frame-inline", "bump", "take_ns", 1.5),
            ("pool: a pair, to mimalloc's", "pool", "mimalloc", "pair_ns", 1)):
        target = Target(text, f"{floor}x")
        if ours in rows and other in rows:
            target.peer, target.ours = (f"{rows[name][key]:.2f} ns" for name in (other, ours))
            value = rows[ours][key] / rows[other][key]
            target.ratio = f"{value:.2f}x"
            target.judge(value, floor)
        targets.append(target)
    return targets


def all_targets(data):
    return [
        pair_target(data, "wall time per pair, depth 20, 1 thread", "pairs 20 1", "wall", 4, 8),
        pair_target(data, "wall time per pair, depth 60, 1 thread", "pairs 60 1", "wall", 6, 12),
        pair_target(data, "CPU of the app's own threads per pair, depth 20", "pairs 20 1", "own", 8, 12),
        pair_target(data, "CPU of the app's own threads per pair, depth 60", "pairs 60 1", "own",
                    None, None),
        pair_target(data, "wall time per pair, depth 20, 8 threads", "pairs 20 8", "wall", 5, 10),
        instruction_target(data), *real_targets(data), unwind_target(data), throughput_target(data),
        *bytes_targets(data), *growth_targets(data), *sampling_targets(data),
        *policy_targets(data)]
