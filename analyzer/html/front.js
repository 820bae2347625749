// front.js - what `allocaudit tune` found: each setting as a point, memory against CPU time, with its range; those
// that no other one beats are filled, numbered, and listed beneath.

import { choice, drawn, element } from "./dom.js";
import { table } from "./table.js";

const HEIGHT = 320;
const MARGIN = { left: 62, right: 18, top: 14, bottom: 44 };
const MEASURES = [["peak", "Peak memory"], ["mean", "Memory on average"], ["tail", "malloc, 99.9th percentile"]];

const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(1)} %`;

function svg(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, String(value)));
    made.append(...children);
    return made;
}

// From the smallest to the largest of the settings that came to the last rung, and what they were recorded with.
function domain(rows, measure) {
    const values = [0, ...rows.filter((row) => row.place !== "dropped")
        .flatMap((row) => [row[`${measure}_low_pct`], row[`${measure}_high_pct`]])];
    const low = Math.min(...values);
    const high = Math.max(...values);
    const room = Math.max(1, 0.08 * (high - low));
    return [low - room, high + room];
}

function ticks([low, high]) {
    const step = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => (high - low) / each <= 7) ?? (high - low) / 5;
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
        found.push(at);
    }
    return found;
}

function titleOf(row, measure, label) {
    return `${row.label} (${row.place})\nCPU time ${signed(row.cpu_change_pct)} `
        + `[${signed(row.cpu_low_pct)}, ${signed(row.cpu_high_pct)}]\n${label} ${signed(row[`${measure}_change_pct`])} `
        + `[${signed(row[`${measure}_low_pct`])}, ${signed(row[`${measure}_high_pct`])}]`;
}

// Returns how many points lie outside.
function draw(host, width, rows, measure, label) {
    const domains = { x: domain(rows, "cpu"), y: domain(rows, measure) };
    const x = (value) => MARGIN.left + (value - domains.x[0]) / (domains.x[1] - domains.x[0]) * (width - MARGIN.left - MARGIN.right);
    const y = (value) => HEIGHT - MARGIN.bottom - (value - domains.y[0]) / (domains.y[1] - domains.y[0]) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const isIn = (value, [low, high]) => value >= low && value <= high;
    const picture = svg("svg", { width, height: HEIGHT, role: "img", class: "front",
        "aria-label": `${label} against CPU time of ${rows.length} settings, as changes to what was recorded; the table beneath has the figures` });
    for (const at of ticks(domains.x)) {
        picture.append(svg("line", { x1: x(at), x2: x(at), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, class: at === 0 ? "zero" : "grid" }),
            svg("text", { x: x(at), y: HEIGHT - MARGIN.bottom + 16, "text-anchor": "middle" }, signed(at)));
    }
    for (const at of ticks(domains.y)) {
        picture.append(svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(at), y2: y(at), class: at === 0 ? "zero" : "grid" }),
            svg("text", { x: MARGIN.left - 6, y: y(at) + 4, "text-anchor": "end" }, signed(at)));
    }
    picture.append(svg("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "axis" },
        "CPU time of the program, less is better"));
    let number = rows.filter((row) => row.place === "front").length;
    let outside = 0;
    for (const row of [...rows].reverse()) {
        const at = [row.cpu_change_pct, row[`${measure}_change_pct`]];
        const own = row.place === "front" ? number-- : null;
        if (!isIn(at[0], domains.x) || !isIn(at[1], domains.y)) {
            outside++;
            continue;
        }
        const group = svg("g", { class: `point ${row.place}${row.label === "as recorded" ? " recorded" : ""}` },
            svg("title", {}, titleOf(row, measure, label)),
            svg("line", { x1: x(row.cpu_low_pct), x2: x(row.cpu_high_pct), y1: y(at[1]), y2: y(at[1]) }),
            svg("line", { x1: x(at[0]), x2: x(at[0]), y1: y(row[`${measure}_low_pct`]), y2: y(row[`${measure}_high_pct`]) }),
            svg("circle", { cx: x(at[0]), cy: y(at[1]), r: own === null ? 4 : 9 }));
        if (own !== null) {
            group.append(svg("text", { x: x(at[0]), y: y(at[1]) + 4, "text-anchor": "middle" }, own));
        }
        picture.append(group);
    }
    host.replaceChildren(picture);
    return outside;
}

function list(front) {
    const format = (value) => (typeof value === "number" ? signed(value) : "\u2013");
    const columns = [{ key: "number", label: "", format: String }, { key: "label", label: "setting", isText: true },
        ...[["peak", "peak"], ["mean", "mean"], ["cpu", "CPU"], ["tail", "tail"]]
            .filter(([key]) => front.some((row) => typeof row[`${key}_change_pct`] === "number"))
            .map(([key, label]) => ({ key: `${key}_change_pct`, label, format }))];
    return table(columns, front.map((row, i) => ({ ...row, number: i + 1 })), { label: "The front", filter: false });
}

// tried: the rows of the answer, the best first.
export function frontSection(tried) {
    const rows = tried.filter((row) => typeof row.cpu_change_pct === "number");
    const measures = MEASURES.filter(([key]) => rows.some((row) => typeof row[`${key}_change_pct`] === "number"));
    const front = rows.filter((row) => row.place === "front");
    if (front.length === 0) {
        return [];
    }
    const host = element("div", { id: "front-chart" });
    const hint = element("p", { class: "hint" });
    let measure = measures.find(([key]) => key === "mean")?.[0] ?? measures[0][0];
    const redraw = (width) => {
        const label = measures.find(([key]) => key === measure)[1];
        const outside = draw(host, width, rows.filter((row) => typeof row[`${measure}_change_pct`] === "number"), measure, label);
        hint.textContent = "Numbered: on the front. Filled: as recorded. Small: beaten, tied or dropped; bars are ranges."
            + (outside > 0 ? ` ${outside} that were dropped lie outside.` : "");
    };
    drawn(host, redraw);
    return [
        element("div", { class: "controls" }, choice("front-measure", "Against CPU time",
            measures.map(([value, label]) => ({ value, label })), measure, (value) => {
                measure = value;
                redraw(host.clientWidth);
            })),
        host, hint, list(front),
    ];
}
