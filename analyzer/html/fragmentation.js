// fragmentation.js - where the resident heap goes: as bars, as a table, over time and as a map.

import uPlot from "uplot";
import { axis } from "./charts.js";
import { drawn, element, themeColor } from "./dom.js";
import { bytes, ns, percent } from "./format.js";
import { genericSection } from "./generic.js";
import { heapMap } from "./heapmap.js";
import { table } from "./table.js";
import { waterfall } from "./waterfall.js";

// What adds up to the resident heap, in this order; the last one is taken away.
const PARTS = [
    { key: "requested_bytes", label: "requested", class: "part-0" },
    { key: "rounding_bytes", label: "rounding up", class: "part-1" },
    { key: "header_bytes", label: "block headers", class: "part-2" },
    { key: "hole_bytes", label: "holes in pages in use", class: "part-3" },
    { key: "empty_bytes", label: "empty pages kept", class: "part-4" },
];
const UNTOUCHED = { key: "untouched_bytes", label: "less pages never written" };
const WHOLE = { key: "resident_bytes", label: "resident heap" };
const MOMENTS = [["at_peak", "at the peak"], ["at_end", "at the end"], ["average", "on average"]];

function partsTable(moments) {
    const rows = [...PARTS, UNTOUCHED, WHOLE].filter(({ key }) => moments.some(({ values }) => values[key] > 0)).map(({ key, label }) => ({
        term: label,
        ...Object.fromEntries(moments.flatMap(({ values }, i) => [
            [`m${i}_bytes`, key === UNTOUCHED.key ? -values[key] : values[key]],
            [`m${i}_pct`, values.resident_bytes > 0 ? 100 * values[key] / values.resident_bytes : null],
        ])),
    }));
    const columns = [{ key: "term", label: "", isText: true }, ...moments.flatMap(({ name }, i) => [
        { key: `m${i}_bytes`, label: name, format: bytes },
        { key: `m${i}_pct`, label: "share", format: (value) => (value === null ? "\u2013" : percent(value)) },
    ])];
    return table(columns, rows, { label: "Where the resident heap goes", filter: false });
}

// The parts one upon the other: each area ends where the next one begins.
function overTime(rows) {
    const host = element("div", { class: "moments" });
    const sums = rows.map(() => 0);
    const layers = PARTS.map(({ key, label }, part) => {
        rows.forEach((row, i) => {
            sums[i] += Math.max(0, row[key] ?? 0);
        });
        return { label, part, tops: sums.slice(), own: rows.map((row) => row[key] ?? 0) };
    }).reverse();
    let plot = null;
    drawn(host, (width) => {
        plot?.destroy();
        plot = new uPlot({
            width, height: 220, padding: [10, 12, 0, 0],
            scales: { x: { time: false }, y: { range: (_, low, high) => [0, (high || 1) * 1.06] } },
            cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
            series: [
                { label: "at", value: (_, at) => (at === null || at === undefined ? "" : ns(at)) },
                ...layers.map(({ label, part, own }) => ({
                    label, width: 0, fill: themeColor(`--part-${part}`), stroke: themeColor(`--part-${part}`), points: { show: false },
                    value: (_, value, series, at) => (at === null || at === undefined ? "" : bytes(own[at])),
                })),
            ],
            axes: [axis("ns"), axis("bytes", { size: 90 })],
        }, [rows.map((row) => row.at_ns), ...layers.map(({ tops }) => tops)], host);
        const canvas = plot.root.querySelector("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", "The parts of the resident heap over time");
    });
    return [element("h3", {}, "Over time"), host];
}

export function fragmentationSection(section) {
    const moments = MOMENTS.filter(([key]) => section[key]).map(([key, name]) => ({ name, values: section[key] }));
    const drawnKeys = ["moments", "heap_map", ...MOMENTS.map(([key]) => key)];
    const bars = moments.map(({ name, values }) => ({
        name: typeof values.at_ns === "number" && name !== "on average" ? `${name} (${ns(values.at_ns)})` : name,
        values, whole: values.resident_bytes,
    }));
    return [
        moments.length > 0 ? [waterfall(PARTS, bars), partsTable(moments)] : null,
        (section.moments ?? []).length > 1 ? overTime(section.moments) : null,
        section.heap_map?.cells?.length > 0 ? heapMap(section.heap_map) : null,
        genericSection("fragmentation", section, drawnKeys),
    ].flat(Infinity).filter((part) => part !== null);
}
