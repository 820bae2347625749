"""The rounds of one workload: all tools next to each other, in an order that turns round by round.

What a busy or slowing machine does to one place in the order thereby hits every tool alike. A
tool's output is removed before the next one runs, so that none waits for another's pages to be
written to the disk.
"""

import figures
import measure

# A program that does nothing is over soon and varies much: more rounds cost little.
START_FACTOR = 3


def tools_of(workload, tools):
    """Those that the workload asks for, of those there are."""
    return [tool for tool in tools if tool.name in workload.tool_names]


def measure_workload(workload, tools, rounds, has_report=False):
    """All rounds. A peer that fails once is left out of it, with a note; ours may not fail."""
    result = figures.Result(workload)
    active = tools_of(workload, tools)
    result.runs = {tool.name: [] for tool in active}
    rounds *= START_FACTOR if workload.group == "start" else 1
    for number in range(rounds):
        for tool in list(active if number % 2 == 0 else reversed(active)):
            try:
                result.runs[tool.name].append(tool.run(workload))
                if number == rounds - 1 and has_report:
                    result.report_ns[tool.name] = tool.report_ns()
            except measure.Broken as broken:
                if not tool.name.startswith("heaptrack"):
                    raise
                result.notes.append(f"{tool.name} failed: {' '.join(str(broken).split())}")
                active.remove(tool)
                del result.runs[tool.name]
            finally:
                tool.clear()
    return result
