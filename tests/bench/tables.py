"""The tables: aligned text, or Markdown."""

import figures
import targets
from lay_out import NONE, count, lay_out, mib, number, per_allocation, percent, seconds, spread

def of(summary, tool, key):
    return summary["tools"].get(tool, {}).get(key)


def both(summary, key, show):
    return [show(of(summary, tool, key)) for tool in ("allocaudit", "heaptrack")]


RATIO_HEAD = ["workload", "calls", "native s", "wall x", "ht", "program x", "ht", "CPU x", "ht",
              "wall/ht", "quartiles", "extra/ht"]


def ratio_row(summary):
    row = [summary["name"], count(summary["call_count"]),
           seconds(of(summary, "native", "wall_ns"))]
    for key in ("wall_ratio", "app_ratio", "cpu_ratio"):
        row += both(summary, key, lambda value: number(value, 2))
    peer = summary["peer"] or {}
    return row + [number(peer.get("wall_ratio"), 2), spread(peer.get("wall_ratio_quartiles")),
                  number(peer.get("extra_share"), 2)]


COST_HEAD = ["ns a call", "wall", "ht", "less start", "ht", "program", "ht", "CPU", "ht",
             "own CPU", "ht raw", "M events/s", "collector M allocs/s", "ht"]


def cost(value, is_start):
    """What the start costs is no cost of a call."""
    return f"{value / 1e6:,.0f} ms" if is_start and value is not None else number(value, 0)


def cost_row(summary):
    is_start = summary["group"] == "start"
    row = [summary["name"]]
    for key in ("added_wall_ns_per_call", "net_wall_ns_per_call", "added_app_ns_per_call",
                "added_cpu_ns_per_call"):
        row += both(summary, key, lambda value: cost(value, is_start))
    row += [cost(of(summary, tool, "added_own_ns_per_call"), is_start)
            for tool in ("allocaudit", "heaptrack raw")]
    events = None if is_start else of(summary, "allocaudit", "events_per_s")
    row.append(number(events and events / 1e6, 2))
    return row + both(summary, "collector_allocations_per_s",
                      lambda rate: number(rate and rate / 1e6, 2))


SWITCH_HEAD = ["context switches", "voluntary", "native", "ht", "involuntary", "native", "ht"]


def switch_row(summary):
    return [summary["name"], *(count(of(summary, tool, key))
                               for key in ("voluntary_count", "involuntary_count")
                               for tool in ("allocaudit", "native", "heaptrack"))]


SIZE_HEAD = ["size", "output MiB", "ht", "bytes/alloc", "ht", "report s", "ht", "program MiB",
             "native", "ht", "collector MiB", "ht", "own", "ht", "ht saw"]


def size_row(summary):
    is_start = summary["group"] == "start"
    return [summary["name"],
            *both(summary, "output_bytes", lambda value: number(value and value / (1 << 20))),
            *([NONE, NONE] if is_start else both(summary, "bytes_per_allocation", per_allocation)),
            *both(summary, "report_ns", seconds),
            *(mib(of(summary, tool, "app_peak_bytes"))
              for tool in ("allocaudit", "native", "heaptrack")),
            *both(summary, "collector_peak_bytes", mib),
            *both(summary, "collector_own_bytes", mib),
            NONE if is_start else percent(of(summary, "heaptrack", "seen_share"))]


COLLECTOR_HEAD = ["ns of its CPU", "median", "best", "worst", "instructions", "bytes a row"]
INSTRUCTION_HEAD = ["instructions a pair", "native", "allocaudit", "added"]


def mean_row(summaries):
    """The geometric mean of the ratios of the real programs where both recorders saw the same."""
    real = [summary for summary in summaries if summary["group"] == "real" and summary["peer"]]
    if len(real) < 2:
        return None
    row = [f"geometric mean ({len(real)} real)", "", ""]
    for key in ("wall_ratio", "app_ratio", "cpu_ratio"):
        for tool in ("allocaudit", "heaptrack"):
            row.append(number(figures.geometric_mean(of(s, tool, key) for s in real), 2))
    peers = [summary["peer"] for summary in real]
    wall, extra = (number(figures.geometric_mean(p[key] for p in peers), 2)
                   for key in ("wall_ratio", "extra_share"))
    return row + [wall, "", extra]


LEGEND = [
    "ht: heaptrack. x: the median of the ratios to the native run of the same round. wall: until the"
    " recorder had ended; program: until the program itself had. CPU: of the program, the recorder"
    " and all their children.",
    "wall/ht: allocaudit's wall time to heaptrack's; extra/ht: the same of what each adds to native.",
    "ns a call: added to a call that allocates, its free included. less start, and in the targets in"
    " parentheses: without what the workload 'start', a program that does nothing, costs more than"
    " natively. own CPU: of the program's own threads alone, user and system; ht raw: heaptrack --raw.",
    "x less: the median over the rounds of heaptrack's extra to allocaudit's, with the first and third"
    " quartile; best: the same of the shortest runs.",
    "collector M allocs/s: allocations, with their frees, per second of the collector's own CPU time"
    " (ht: of all its processes but the program) beyond that of 'start'.",
    "MiB of program and collector: the largest resident size seen, memory shared between them counted"
    " in both: the ring, 256 MiB at most, and the live blocks; own: without that.",
    "ht saw: heaptrack does not follow children; where it saw less than 90 % there is no comparison.",
    "slowdown by --sample: of the time from the program's start to its end, to native runs before and"
    " after in the same round; noise: what those two differ by, in the third quartile. pairs, in one"
    " process: hooked calls to direct ones; noise: the same where nothing is hooked. jemalloc prof:"
    " jemalloc's own profiler at the same rate, to jemalloc without it.",
]


SAMPLING_HEAD = ["slowdown by --sample", "native", "slowdown", "quartiles", "noise", "jemalloc prof"]


def sampling_row(row):
    low, middle, high = row["slowdown"]
    native_ns = row["native_ns"]
    return [row["name"], f"{native_ns:.2f} ns" if native_ns < 1000 else seconds(native_ns) + " s",
            percent(middle, 1), f"{percent(low, 1)} to {percent(high, 1)}",
            percent(row["noise"], 1), percent(row["peer_slowdown"] and row["peer_slowdown"][1], 1)]


GROWTH_HEAD = ["as a program grows", "wall ns a pair", "ht", "program", "ht", "output MiB", "report s",
               "ht", "collector MiB", "ht", "own", "ht", "switches", "ht"]


def growth_row(summary):
    name = (f"{summary['threads']} threads" if "threads" in summary
            else f"{summary['call_count']:,} pairs")
    row = [name]
    for key in ("added_wall_ns_per_call", "added_app_ns_per_call"):
        row += both(summary, key, lambda value: number(value, 0))
    size = of(summary, "allocaudit", "output_bytes")
    return row + [number(size and size / (1 << 20), 0), *both(summary, "report_ns", seconds),
                  *both(summary, "collector_peak_bytes", mib),
                  *both(summary, "collector_own_bytes", mib),
                  *both(summary, "switch_count", count)]


TARGET_HEAD = ["target", "peer", "allocaudit", "ratio", "floor", "goal", "verdict"]
# Bold where the terminal can: red, green.
COLOURS = {targets.MISSED: "\033[1;31m", "goal met": "\033[1;32m"}


def target_rows(rows):
    return [[row[key] for key in ("name", "peer", "ours", "ratio", "floor", "goal", "verdict")]
            for row in rows]


def paint(lines):
    """Colours the verdicts, for a terminal."""
    for mark, colour in COLOURS.items():
        lines = [line[:-len(mark)] + colour + mark + "\033[0m" if line.endswith(mark) else line
                 for line in lines]
    return lines


def sections_of(data):
    """(title, head, rows) of everything that was measured."""
    summaries = data["workloads"]
    if summaries:
        mean = mean_row(summaries)
        yield ("Ratios to the native run", RATIO_HEAD,
               [ratio_row(s) for s in summaries] + ([mean] if mean else []))
        yield "Added by recording", COST_HEAD, [cost_row(s) for s in summaries]
        yield "Context switches", SWITCH_HEAD, [switch_row(s) for s in summaries]
        yield "Files and memory", SIZE_HEAD, [size_row(s) for s in summaries]
    if data["scaling"]:
        yield ("Growth", GROWTH_HEAD, [growth_row(s) for part in ("growth", "threads")
                                       for s in data["scaling"][part]])
    if data["sampling"]:
        yield ("Sampling", SAMPLING_HEAD,
               [sampling_row(row) for row in data["sampling"]["micro"] + data["sampling"]["real"]])
    if data["unwind"]:
        yield ("Stacks compared with unw_backtrace's", ["program", "compared", "different"],
               [[row["name"], count(row["checked_count"]), count(row["different_count"])]
                for row in data["unwind"]])
    if data["instructions"]:
        yield ("Instructions (callgrind)", INSTRUCTION_HEAD,
               [[row["name"], *(number(row[key], 0) for key in ("native", "allocaudit", "added"))]
                for row in data["instructions"]])
    if data["collector"]:
        yield ("The collector alone", COLLECTOR_HEAD,
               [[row["name"], number(row["ns"]), number(row["best_ns"]), number(row["worst_ns"]),
                 number(row["instructions"], 0), number(row["bytes_per_row"])]
                for row in data["collector"]])
    if data["analyses"]:
        yield (f"Sections of the report, {count(data['analyses'][0]['count'])} allocations",
               ["section", "ns an allocation", "peak MiB"],
               [[row["name"], number(row["ns"], 0), number(row["peak_bytes"] / (1 << 20), 0)]
                for row in data["analyses"]])
    if data["policies"]:
        yield ("Policies, ns a block of 64 bytes", ["allocator", "take and give", "take alone"],
               [[row["name"], number(row["pair_ns"], 2), number(row["take_ns"], 2)]
                for row in data["policies"]])
    if data["policy_targets"]:
        yield "Targets of policies", TARGET_HEAD, target_rows(data["policy_targets"])
    if data["targets"]:
        yield "Targets", TARGET_HEAD, target_rows(data["targets"])


def render(data, is_markdown=False, is_coloured=False):
    """All of a measurement as lines; the targets come last, where they are seen first."""
    lines = [f"{data['date']}. {data['machine']}.", data["method"], ""]
    notes = data["notes"] + [f"{summary['name']}: {note}" for summary in data["workloads"]
                             for note in summary["notes"]]
    last = ([("- " if is_markdown else "") + text for text in LEGEND] +
            [("- " if is_markdown else "note: ") + note for note in notes] + [""])
    for title, head, rows in sections_of(data):
        if title == "Targets":
            lines += last
            last = []
        lines += [f"### {title}", ""] if is_markdown else [title]
        lines += lay_out(head, rows, is_markdown) + [""]
    lines += last
    return paint(lines) if is_coloured else lines
