// histograms.js - sizes and lifetimes as bars, by number of blocks or by bytes.

import { barChart } from "./charts.js";
import { choice, drawn, element } from "./dom.js";
import { bytes, ns } from "./format.js";

// Rows of size classes, summed up by powers of two: "1 KiB" holds 513 to 1024 bytes.
function sizeBars(rows, key) {
    const sums = new Map();
    for (const row of rows) {
        const power = row.size_max_bytes <= 1 ? 0 : Math.ceil(Math.log2(row.size_max_bytes));
        sums.set(power, (sums.get(power) ?? 0) + row[key]);
    }
    const powers = [...sums.keys()];
    const bars = [];
    for (let power = Math.min(...powers); power <= Math.max(...powers); power++) {
        bars.push({ name: `\u2264 ${bytes(2 ** power).replace(".0 ", " ")}`, value: sums.get(power) ?? 0 });
    }
    return bars;
}

function lifetimeBars(rows, key) {
    return rows.map((row) => ({
        name: row.lifetime_end_ns === null ? `\u2265 ${ns(row.lifetime_min_ns)}` : `< ${ns(row.lifetime_end_ns)}`,
        value: row[key],
    }));
}

function histogram(id, what, rows, makeBars, choices) {
    let chosen = choices[0];
    let plot = null;
    const host = element("div", { class: "bars", id });
    const draw = (width) => {
        plot?.destroy();
        plot = barChart(host, width, makeBars(rows, chosen.value), chosen.unit, what, chosen.label.toLowerCase());
        const canvas = plot.root.querySelector("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `${chosen.label} by ${what}; the table below holds the figures`);
    };
    drawn(host, draw);
    const controls = element("div", { class: "controls" }, choice(`${id}-by`, "By", choices, chosen.value, (value) => {
        chosen = choices.find((candidate) => candidate.value === value);
        draw(host.clientWidth);
    }));
    return [controls, host];
}

export const sizeHistogram = (rows) => histogram("sizes-chart", "size", rows, sizeBars, [
    { value: "allocation_count", label: "Allocations", unit: "count" },
    { value: "allocated_bytes", label: "Bytes", unit: "bytes" },
]);

export const lifetimeHistogram = (rows) => histogram("lifetimes-chart", "lifetime", rows, lifetimeBars, [
    { value: "free_count", label: "Blocks", unit: "count" },
    { value: "freed_bytes", label: "Bytes", unit: "bytes" },
]);
