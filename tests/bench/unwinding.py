"""Whether recorded stacks are those of unw_backtrace: ALLOCAUDIT_CHECK_UNWIND=1 compares every one."""

import measure
import workloads
from workload import Missing


def measure_all(bench):
    """[{name, checked_count, different_count}] of the real programs; None if nothing is compared."""
    rows = []
    programs = [*workloads.REAL_MAKERS, workloads.pairs_workload(60, 1, count=1000000),
                workloads.pairs_workload(20, 8, count=1000000)]
    for name, make in programs:
        bench.talk(f"    {name}")
        try:
            run = bench.checked.run(make(bench.inputs))
        except Missing:
            continue
        except measure.Broken as broken:
            bench.fail(f"unwind check: {name}: {' '.join(str(broken).split())}")
            continue
        finally:
            bench.checked.clear()
        if run.checked_count is None:
            bench.notes.append("unwind check: skipped, `allocaudit run` printed no 'unwind check:'"
                               " under ALLOCAUDIT_CHECK_UNWIND=1")
            return None
        rows.append({"name": name, "checked_count": run.checked_count,
                     "different_count": run.different_count})
    return rows
