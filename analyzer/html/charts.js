// charts.js - uPlot as this page wants it: colours of the theme, axes with units, drawings by name.

import uPlot from "uplot";
import { themeColor } from "./dom.js";
import * as format from "./format.js";

const FONT = "12px system-ui, sans-serif";

const powers = (base, factors, from, to) => {
    const found = [];
    for (let unit = from; unit <= to; unit *= base) {
        found.push(...factors.map((factor) => factor * unit));
    }
    return found;
};

// Steps of axes that are round in their unit.
const INCREMENTS = {
    bytes: powers(1024, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], 1, 2 ** 50),
    ns: powers(10, [1, 2, 5], 1, 1e18),
    count: powers(10, [1, 2, 5], 1, 1e18),
};

// Ticks of one axis, without ".0" where it says nothing.
const tick = (unit) => (value) => format[unit](value).replace(/\.0 /, " ");

export function axis(unit, options) {
    return {
        font: FONT, stroke: themeColor("--muted"), size: unit === "ns" ? 34 : 76, gap: 6,
        grid: { stroke: themeColor("--grid"), width: 1 }, ticks: { show: false },
        incrs: INCREMENTS[unit], values: (_, splits) => splits.map((value) => (value < 0 ? "" : tick(unit)(value))),
        ...options,
    };
}

export const toCanvas = (value) => value * devicePixelRatio;

// Lines at moments across the plot: [{at, color, dash, label, row}]; row: how many lines of text further down
// the label stands.
export function verticalLines(linesOf) {
    return (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const { at, color, dash, label, row } of linesOf()) {
            const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
            ctx.beginPath();
            ctx.strokeStyle = color;
            ctx.lineWidth = toCanvas(1);
            ctx.setLineDash((dash ?? []).map(toCanvas));
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            if (label) {
                ctx.font = `${toCanvas(11)}px system-ui, sans-serif`;
                ctx.fillStyle = color;
                const isRight = x + toCanvas(6) + ctx.measureText(label).width < bbox.left + bbox.width;
                ctx.textAlign = isRight ? "left" : "right";
                ctx.textBaseline = "top";
                ctx.fillText(label, x + toCanvas(isRight ? 5 : -5), bbox.top + toCanvas(3 + 14 * (row ?? 0)));
            }
        }
        ctx.restore();
    };
}

// One bar for each name. bars: [{name, value, title}].
export function barChart(host, width, bars, unit, nameWords, valueWords) {
    host.replaceChildren();
    const names = bars.map((bar) => bar.name);
    const bar = uPlot.paths.bars({ size: [0.86, 90], align: 0 });
    const room = Math.max(1, Math.floor((width - 90) / Math.max(1, bars.length)));
    const every = Math.max(1, Math.ceil(58 / room));
    return new uPlot({
        width, height: 220, padding: [14, 8, 0, 0],
        scales: { x: { time: false, range: [-0.6, bars.length - 0.4] }, y: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
        legend: { show: true },
        cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
        series: [
            { label: nameWords, value: (_, i, s, at) => (at === null || at === undefined ? "" : names[at]) },
            { label: valueWords, paths: bar, points: { show: false }, fill: themeColor("--accent-soft"), stroke: themeColor("--accent"),
                width: 1, value: (_, v) => (v === null || v === undefined ? "" : format[unit](v)) },
        ],
        axes: [
            axis("count", { size: 34, grid: { show: false }, splits: () => bars.map((_, i) => i), incrs: undefined,
                values: (_, splits) => splits.map((i) => (i % every === 0 ? names[i] : "")) }),
            axis(unit),
        ],
    }, [bars.map((_, i) => i), bars.map((each) => each.value)], host);
}
