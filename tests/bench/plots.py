"""Plots of how the cost grows, as SVG by gnuplot.

One set of colours, of middle lightness on no background: legible on white and on black pages alike,
whatever the page does about modes.
"""

import os
import shutil
import subprocess

TEXT, GRID = "#6e7781", "#808890"
COLOURS = {"allocaudit": "#2f81f7", "heaptrack": "#d4691e"}
POINTS = {"allocaudit": 7, "heaptrack": 5}

# file, title, part of the data, y label, whether y is logarithmic, value of a tool's figures
PLOTS = (
    ("growth_cost.svg", "Wall time added per pair of malloc and free", "growth", "ns", False,
     lambda tool: tool["added_wall_ns_per_call"]),
    ("growth_memory.svg", "Peak of the recorder's own memory", "growth", "MiB", False,
     lambda tool: tool["collector_own_bytes"] and tool["collector_own_bytes"] / (1 << 20)),
    ("growth_report.svg", "Time of the report", "growth", "s", True,
     lambda tool: tool["report_ns"] and tool["report_ns"] / 1e9),
    ("threads_cost.svg", "Wall time added per pair of malloc and free", "threads", "ns", False,
     lambda tool: tool["added_wall_ns_per_call"]),
)


def position(summary):
    return summary["threads"] if "threads" in summary else summary["call_count"]


def tic(summary):
    if "threads" in summary:
        return str(summary["threads"])
    count = summary["call_count"]
    return f"{count // 10 ** 6} M" if count >= 10 ** 6 else f"{count:,}"


def series(summaries, tool, value):
    found = [(position(summary), value(summary["tools"][tool])) for summary in summaries
             if tool in summary["tools"]]
    return [(x, y) for x, y in found if y is not None]


def script(plot, summaries, path):
    """What gnuplot is told; None where there is nothing to draw."""
    _, title, part, unit, is_log, value = plot
    lines = {tool: series(summaries, tool, value) for tool in COLOURS}
    lines = {tool: points for tool, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    tics = ", ".join(f'"{tic(summary)}" {position(summary)}' for summary in summaries)
    text = [
        'set terminal svg size 720,380 font "sans-serif,14" noenhanced', f'set output "{path}"',
        f'set title "{title}, {unit}" textcolor rgb "{TEXT}"',
        f'set xlabel "{"threads" if part == "threads" else "pairs"}" textcolor rgb "{TEXT}"',
        f'set xtics ({tics}) textcolor rgb "{TEXT}" nomirror out',
        f'set ytics textcolor rgb "{TEXT}" nomirror out',
        f'set border 3 linecolor rgb "{GRID}"',
        f'set grid ytics linetype 1 linecolor rgb "{GRID}" linewidth 0.3',
        f'set key outside right center Left reverse textcolor rgb "{TEXT}"', "set logscale x",
        f"set xrange [{position(summaries[0]) * 0.75}:{position(summaries[-1]) * 1.35}]",
        "set logscale y" if is_log else "set yrange [0:*]",
    ]
    for tool, points in lines.items():
        text += [f"${tool} << END", *(f"{x} {y}" for x, y in points), "END"]
    text.append("plot " + ", ".join(
        f'${tool} using 1:2 with linespoints linewidth 2.5 pointtype {POINTS[tool]} pointsize 0.7 '
        f'linecolor rgb "{COLOURS[tool]}" title "{tool}"' for tool in lines))
    return "\n".join(text) + "\n"


def draw_all(scaling, folder):
    """Draws into the folder. Returns notes: where the plots are, or why there are none."""
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        return ["gnuplot is not installed: no plots were drawn"]
    os.makedirs(folder, exist_ok=True)
    count = 0
    for plot in PLOTS:
        text = script(plot, scaling[plot[2]], os.path.join(folder, plot[0]))
        if text is None:
            continue
        done = subprocess.run([gnuplot], input=text, text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            return [f"gnuplot: {' '.join(done.stderr.split())[:200]}"]
        count += 1
    return [f"{count} plots were drawn in {os.path.relpath(folder)}"]
