// sites.js - the table of call sites, with all their figures.

import { place, siteCount, siteKeys, sites, stackOf, totals } from "./data.js";
import { element, empty } from "./dom.js";
import { count, percent, show } from "./format.js";
import { stackList, table } from "./table.js";

// Functions that only pass on to the allocator: what stands above them is what one looks for.
const WRAPPERS = /^(operator new|operator delete|__?gnu_cxx::|std::(allocator|allocator_traits|_Vector_base|vector|__cxx11::basic_string|_Rb_tree|_Hashtable|deque|list|map)|x(malloc|calloc|realloc|strdup)|g_(malloc|realloc|strdup|slice_alloc)|malloc|calloc|realloc|strdup|PyMem_|_PyMem_|PyObject_Malloc|_PyObject_)/;

const shownFrame = (frames) => frames.find((frame) => !WRAPPERS.test(frame.name)) ?? frames[frames.length - 1];

function rowOf(site) {
    const frames = stackOf(site.stack_id) ?? [];
    const frame = shownFrame(frames);
    const perCall = (value) => (site.allocation_count > 0 ? value / site.allocation_count : null);
    return {
        ...site, frames,
        function: frame?.name ?? "",
        place: frame ? place(frame) : "",
        share_pct: totals.allocation_count > 0 ? 100 * site.allocation_count / totals.allocation_count : null,
        mean_size_bytes: site.allocated_bytes === undefined ? null : perCall(site.allocated_bytes),
        temporary_pct: site.temporary_count === undefined ? null : perCall(100 * site.temporary_count),
        mean_lifetime_ns: site.free_count > 0 ? site.lifetime_sum_ns / site.free_count : null,
        mean_time_ns: site.time_ns === undefined ? null : perCall(site.time_ns),
    };
}

const COLUMNS = [
    { key: "function", label: "function, where", isText: true, class: "site", render: (row) => element("div", { title: row.function },
        element("span", { class: "function" }, row.function), element("span", { class: "place" }, row.place)) },
    { key: "allocation_count", label: "allocations" },
    { key: "share_pct", label: "share", bar: true, format: (value) => (value === null ? "\u2013" : percent(value)) },
    { key: "allocated_bytes", label: "allocated" },
    { key: "mean_size_bytes", label: "mean" },
    { key: "peak_bytes", label: "at peak" },
    { key: "leaked_bytes", label: "leaked" },
    { key: "temporary_pct", label: "temporary" },
    { key: "mean_lifetime_ns", label: "mean life" },
    { key: "time_ns", label: "time" },
];

// A column needs a figure that the recording has.
const NEEDS = { temporary_pct: "temporary_count", mean_size_bytes: "allocated_bytes", share_pct: "allocation_count",
    function: "stack_id", mean_lifetime_ns: "free_count" };

// What stands above the stack of an opened row, if it is not 0.
const EXTRA = { leaked_count: "leaked blocks", live_bytes_max: "most live", realloc_count: "reallocs", realloc_moved_bytes: "copied by realloc",
    large_short_lived_bytes: "large and short-lived", failed_count: "failed" };

function details(row) {
    const extra = Object.keys(EXTRA).filter((key) => row[key] > 0).map((key) => `${EXTRA[key]} ${show(key, row[key])}`);
    return element("div", {}, element("p", { class: "muted" }, [`stack ${row.stack_id}`, ...extra].join(" \u00b7 ")),
        stackList(row.frames.map((frame) => ({ ...frame, place: place(frame) }))));
}

export function sitesSection() {
    if (sites.length === 0) {
        return [empty("No call site allocated anything in this selection.")];
    }
    const rows = sites.map(rowOf);
    const columns = COLUMNS.filter((column) => siteKeys.has(NEEDS[column.key] ?? column.key));
    const made = table(columns, rows, {
        label: "Call sites", filter: true, placeholder: "Filter by function, file or module", pageRows: 25,
        sort: { key: "allocation_count", isDescending: true },
        open: (row) => (row.frames.length > 0 ? details(row) : null),
        haystack: (row) => row.frames.map((frame) => `${frame.name} ${place(frame)} ${frame.module ?? ""}`).join("\n"),
    });
    const hint = siteCount > sites.length
        ? `The ${count(sites.length)} largest of ${count(siteCount)} call sites, by any of these figures. ` : "";
    return [made, element("p", { class: "hint" }, `${hint}A site is one call stack; click a row to see it. Times are estimated from timed calls.`)];
}
