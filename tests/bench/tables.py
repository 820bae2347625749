"""The tables: aligned text, or Markdown."""

import figures

NONE = "-"


def number(value, digits=1):
    if value is None:
        return NONE
    return f"{value:,.{digits}f}"


def seconds(value_ns):
    return NONE if value_ns is None else f"{value_ns / 1e9:.3f}"


def mib(value):
    return NONE if value is None else f"{value / (1 << 20):.0f}"


def count(value):
    return NONE if value is None else f"{value:,.0f}"


def per_allocation(value):
    return number(value, 2 if value is not None and value < 10 else 1)


def percent(value):
    return NONE if value is None else f"{value * 100:.0f} %"


def of(summary, tool, key):
    return summary["tools"].get(tool, {}).get(key)


def both(summary, key, show):
    return [show(of(summary, tool, key)) for tool in ("allocaudit", "heaptrack")]


RATIO_HEAD = ["workload", "calls", "native s", "wall x", "ht", "program x", "ht", "CPU x", "ht",
              "wall/ht", "extra/ht"]


def ratio_row(summary):
    row = [summary["name"], count(summary["call_count"]),
           seconds(of(summary, "native", "wall_ns"))]
    for key in ("wall_ratio", "app_ratio", "cpu_ratio"):
        row += both(summary, key, lambda value: number(value, 2))
    peer = summary["peer"] or {}
    return row + [number(peer.get("wall_ratio"), 2), number(peer.get("extra_share"), 2)]


COST_HEAD = ["ns a call", "wall", "ht", "less start", "ht", "program", "ht", "CPU", "ht",
             "M events/s", "collector M allocs/s", "switches", "native", "ht"]


def cost(value, is_start):
    """What the start costs is no cost of a call."""
    return f"{value / 1e6:,.0f} ms" if is_start and value is not None else number(value, 0)


def cost_row(summary):
    is_start = summary["group"] == "start"
    row = [summary["name"]]
    for key in ("added_wall_ns_per_call", "net_wall_ns_per_call", "added_app_ns_per_call",
                "added_cpu_ns_per_call"):
        row += both(summary, key, lambda value: cost(value, is_start))
    events = None if is_start else of(summary, "allocaudit", "events_per_s")
    rate = of(summary, "allocaudit", "collector_allocations_per_s")
    return row + [number(events and events / 1e6, 2), number(rate and rate / 1e6, 2)] + [
        count(of(summary, tool, "switch_count")) for tool in ("allocaudit", "native", "heaptrack")]


SIZE_HEAD = ["size", "output MiB", "ht", "bytes/alloc", "ht", "report s", "ht", "program MiB",
             "native", "ht", "collector MiB", "ht", "ht saw"]


def size_row(summary):
    is_start = summary["group"] == "start"
    return [summary["name"],
            *both(summary, "output_bytes", lambda value: number(value and value / (1 << 20))),
            *([NONE, NONE] if is_start else both(summary, "bytes_per_allocation", per_allocation)),
            *both(summary, "report_ns", seconds),
            *(mib(of(summary, tool, "app_peak_bytes"))
              for tool in ("allocaudit", "native", "heaptrack")),
            *both(summary, "collector_peak_bytes", mib),
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
    return row + [number(figures.geometric_mean(p[key] for p in peers), 2)
                             for key in ("wall_ratio", "extra_share")]


def lay_out(head, rows, is_markdown):
    """One table: the first column to the left, the others to the right."""
    if is_markdown:
        lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
        return lines + ["| " + " | ".join(row) + " |" for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join([row[0].ljust(widths[0])] +
                      [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip()
            for row in [head, *rows]]


LEGEND = [
    "ht: heaptrack. x: the median of the ratios to the native run of the same round. wall: until the"
    " recorder had ended; program: until the program itself had. CPU: of the program, the recorder"
    " and all their children.",
    "wall/ht: allocaudit's wall time to heaptrack's; extra/ht: the same of what each adds to native.",
    "ns a call: added to a call that allocates, its free included. less start: without what the"
    " workload 'start', a program that does nothing, costs more than natively.",
    "collector M allocs/s: allocations, with their frees, per second of the collector's own CPU time"
    " beyond that of 'start'. switches: context switches of all processes together.",
    "MiB of program and collector: the largest resident size seen, memory shared between them counted"
    " in both.",
    "ht saw: heaptrack does not follow children; where it saw less than 90 % there is no comparison.",
]


def render(data, is_markdown=False):
    """All of a measurement as lines."""
    lines = []

    def section(title, head, rows):
        lines.extend(([f"### {title}", ""] if is_markdown else [title]) +
                     lay_out(head, rows, is_markdown) + [""])

    summaries = data["workloads"]
    lines.extend([f"{data['date']}. {data['machine']}.", data["method"], ""])
    if summaries:
        mean = mean_row(summaries)
        section("Ratios to the native run", RATIO_HEAD,
                [ratio_row(s) for s in summaries] + ([mean] if mean else []))
        section("Added by recording", COST_HEAD, [cost_row(s) for s in summaries])
        section("Files and memory", SIZE_HEAD, [size_row(s) for s in summaries])
    if data["instructions"]:
        section("Instructions (callgrind)", INSTRUCTION_HEAD,
                [[row["name"], number(row["native"], 0), number(row["allocaudit"], 0),
                  number(row["added"], 0)] for row in data["instructions"]])
    if data["collector"]:
        section("The collector alone", COLLECTOR_HEAD,
                [[row["name"], number(row["ns"]), number(row["best_ns"]), number(row["worst_ns"]),
                  number(row["instructions"], 0), number(row["bytes_per_row"])]
                 for row in data["collector"]])
    lines.extend(("- " if is_markdown else "") + text for text in LEGEND)
    notes = data["notes"] + [f"{summary['name']}: {note}" for summary in summaries
                             for note in summary["notes"]]
    lines.extend(("- " if is_markdown else "note: ") + note for note in notes)
    return lines
