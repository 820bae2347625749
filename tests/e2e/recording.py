"""A recording, read with nothing but sqlite3, as any user could."""

import re
import sqlite3

# Where a stack may begin. The loader is told by its file, see Recording.reach_share().
ROOT_FUNCTIONS = {
    "main", "_start", "__libc_start_main", "__libc_start_call_main", "__libc_start_main_impl",
    "start_thread", "clone", "clone3", "__clone", "__clone3", "thread_start",
}
PROCESSES_ONE_BY_ONE = 8  # adding up once for all sorts the rows


def plain_name(function):
    """`(anonymous namespace)::case_new()` and `case_new.part.0` are both `case_new`."""
    name = function.replace("(anonymous namespace)::", "")
    name = re.sub(r"\.(part|constprop|isra|cold|lto_priv)(\.\d+)?", "", name)
    name = name.split("(")[0].split(" [clone")[0]
    return name.split("::")[-1] if "<" not in name else name


class Recording:
    def __init__(self, path):
        self.path = path
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.connection.row_factory = sqlite3.Row
        self._chains = None
        self._sums = None
        self._totals = {}

    def close(self):
        self.connection.close()

    def rows(self, query, *arguments):
        return [dict(row) for row in self.connection.execute(query, arguments)]

    def value(self, query, *arguments):
        row = self.connection.execute(query, arguments).fetchone()
        return None if row is None else row[0]

    @property
    def run(self):
        return self.rows("SELECT * FROM run")[0]

    @property
    def processes(self):
        return self.rows("SELECT * FROM process ORDER BY id")

    def process(self, name=None):
        """The only process, or the only one whose executable has this base name."""
        found = [row for row in self.processes
                 if name is None or row["executable"].rsplit("/", 1)[-1] == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} processes {name or ''} in {self.path}: "
                                 + ", ".join(row["executable"] for row in self.processes))
        return found[0]

    # ---- stacks --------------------------------------------------------------------------------

    def chains(self):
        """stack id -> list of (plain function name, module path, offset), innermost first."""
        if self._chains is not None:
            return self._chains
        modules = dict(self.connection.execute("SELECT id, path FROM module"))
        frames = {}
        for row in self.connection.execute(
                "SELECT id, function, module_id, offset, inlined_by_id FROM frame"):
            frames[row[0]] = (plain_name(row[1]), modules.get(row[2], ""), row[3], row[4])
        nodes = {row[0]: (row[1], row[2]) for row in
                 self.connection.execute("SELECT id, parent_id, frame_id FROM stack")}
        self._chains = {}
        for (stack_id,) in self.connection.execute("SELECT DISTINCT stack_id FROM site"):
            chain = []
            node = stack_id
            while node is not None:
                node, frame = nodes[node]
                while frame is not None:
                    name, module, offset, outer = frames[frame]
                    chain.append((name, module, offset))
                    frame = outer
            self._chains[stack_id] = chain
        return self._chains

    def functions(self, stack_id):
        return [name for name, _, _ in self.chains()[stack_id]]

    def stacks_in(self, function):
        return {stack_id for stack_id, chain in self.chains().items()
                if any(name == function for name, _, _ in chain)}

    def blocks_in(self, function, process_id=None):
        """Rows of the view `allocation` made below a function, in the order of birth."""
        stacks = ",".join(str(stack_id) for stack_id in self.stacks_in(function)) or "NULL"
        rows = self.rows(f"SELECT * FROM allocation WHERE stack_id IN ({stacks}) ORDER BY born_ns, id")
        return [row for row in rows if process_id is None or row["process_id"] == process_id]

    def site_sum(self, column, function):
        stacks = ",".join(str(stack_id) for stack_id in self.stacks_in(function)) or "NULL"
        return self.value(f"SELECT coalesce(sum({column}), 0) FROM site WHERE stack_id IN ({stacks})")

    def reach_share(self, libc_roots=(), where="1"):
        """Share of allocations whose stack is whole: it goes down to main, a thread or the loader.

        libc_roots: offsets in the C library at which stacks begin, for where it has no symbols.
        """
        chains = self.chains()
        total = reached = 0
        lost = {}
        for stack_id, count in self.connection.execute(
                f"SELECT stack_id, sum(allocation_count) FROM site WHERE {where} GROUP BY 1"):
            total += count
            chain = chains[stack_id]
            root_name, root_module, root_offset = chain[-1]
            root_file = root_module.rsplit("/", 1)[-1]
            if (any(name in ROOT_FUNCTIONS for name, _, _ in chain) or root_file.startswith("ld-linux")
                    or (root_file == "libc.so.6" and root_offset in libc_roots)):
                reached += count
            else:
                key = f"{root_name} ({root_file})"
                lost[key] = lost.get(key, 0) + count
        worst = sorted(lost.items(), key=lambda item: -item[1])[:5]
        return (reached / total if total else 1.0), worst

    # ---- what must hold in every recording -------------------------------------------------------

    def problems(self):
        """Broken invariants, as text. An empty list is a sound recording."""
        found = []

        def same(what, left, right):
            if left != right:
                found.append(f"{what}: {left} against {right}")

        same("integrity_check", self.value("PRAGMA integrity_check"), "ok")
        same("foreign_key_check", self.rows("PRAGMA foreign_key_check"), [])
        run = self.run
        processes = self.processes
        for column in ("allocation_count", "free_count", "allocated_bytes", "failed_count",
                       "leaked_count", "leaked_bytes", "unpaired_free_count"):
            same(f"run.{column} is the sum over processes",
                 run[column], sum(row[column] for row in processes))
        for process in processes:
            found.extend(self._process_problems(process, run))
        return found

    def _process_problems(self, process, run):
        found = []
        where = f"process {process['id']} ({process['executable'].rsplit('/', 1)[-1]})"
        process_id = process["id"]

        def same(what, left, right):
            if left != right:
                found.append(f"{where}, {what}: {left} against {right}")

        def total(table, column):
            if (table, column) not in self._totals:
                self._totals[table, column] = dict(self.connection.execute(
                    f"SELECT process_id, sum({column}) FROM {table} GROUP BY process_id"))
            return self._totals[table, column].get(process_id) or 0

        for table in ("site", "thread", "size_class", "timeline"):
            same(f"{table} allocation_count", total(table, "allocation_count"),
                 process["allocation_count"])
            same(f"{table} allocated_bytes", total(table, "allocated_bytes"),
                 process["allocated_bytes"])
        same("leaked_count over site", total("site", "leaked_count"), process["leaked_count"])
        same("leaked_bytes over site", total("site", "leaked_bytes"), process["leaked_bytes"])
        same("failed_count over site", total("site", "failed_count"), process["failed_count"])
        paired = (process["free_count"] - process["inherited_free_count"]
                  - process["unpaired_free_count"])
        same("free_count over timeline", total("timeline", "free_count"), paired)
        same("lifetimes", total("lifetime_class", "free_count"), paired)
        same("free_count over site", total("site", "free_count"), paired)
        if run["detail"] != "full":
            return found
        rows = self._block_sums(process_id)
        same("rows of allocation", rows["blocks"], process["allocation_count"])
        same("bytes of allocation", rows["bytes"], process["allocated_bytes"])
        same("live rows of allocation", rows["live"], process["leaked_count"])
        same("lifetimes below zero", rows["negative"], 0)
        same("usable_bytes below size_bytes", rows["shrunk"], 0)
        return found

    def _block_sums(self, process_id):
        """Sums over the rows of a process: where there are many processes they are all added up at once."""
        sums = ("coalesce(sum(weight), 0) AS blocks, coalesce(sum(weight * size_bytes), 0) AS bytes,"
                " coalesce(sum(weight * (lifetime_ns IS NULL)), 0) AS live,"
                " coalesce(sum(lifetime_ns < 0), 0) AS negative,"
                " coalesce(sum(usable_bytes < size_bytes), 0) AS shrunk"
                " FROM allocation WHERE kind <> 'internal'")
        if self.value("SELECT count(*) FROM process") < PROCESSES_ONE_BY_ONE:
            return self.rows(f"SELECT {sums} AND process_id = ?", process_id)[0]
        if self._sums is None:
            self._sums = {row["process_id"]: row
                          for row in self.rows(f"SELECT process_id, {sums} GROUP BY process_id")}
        return self._sums.get(process_id, dict.fromkeys(("blocks", "bytes", "live", "negative", "shrunk"), 0))
