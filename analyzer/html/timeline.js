// timeline.js - memory and allocations over time, with marks; zoomed by dragging, keys or buttons.

import uPlot from "uplot";
import { marks, report } from "./data.js";
import { axis, verticalLines } from "./charts.js";
import { choice, drawn, element, empty, themeColor } from "./dom.js";
import { bytes, count, ns, several } from "./format.js";

const MARKS_VISIBLE = 400; // more lines than that would be one area
const NAMES_VISIBLE = 12; // more names than that would lie upon one another

// Each slice gives a point where it begins. Slices in which nothing happened were not recorded: there, levels
// stay as they were, and rates are 0.
function columns(slices) {
    const points = { at: [], live: [], rss: [], rate: [], frees: [] };
    const perSecond = (slice, amount) => (slice.width_ns > 0 ? amount / slice.width_ns * 1e9 : 0);
    function add(at, slice, isQuiet) {
        points.at.push(at);
        points.live.push(slice.live_bytes);
        points.rss.push(slice.rss_bytes);
        points.rate.push(isQuiet ? 0 : perSecond(slice, slice.allocation_count));
        points.frees.push(isQuiet ? 0 : perSecond(slice, slice.free_count));
    }
    slices.forEach((slice, i) => {
        add(slice.at_ns, slice, false);
        const end = slice.at_ns + slice.width_ns;
        if (i + 1 === slices.length) {
            add(end, slice, false);
        } else if (slices[i + 1].at_ns > end) {
            add(end, slice, true);
        }
    });
    return points;
}

export function timelineSection(section) {
    const slices = section?.slices ?? [];
    if (slices.length === 0) {
        return [empty("There is no timeline: the process allocated nothing, or ended before the first slice of time was complete.")];
    }
    const data = columns(slices);
    const from = data.at[0];
    const to = data.at[data.at.length - 1];
    const highest = data.live.indexOf(Math.max(...data.live));
    const processes = report.processes ?? [];
    const process = processes.find((row) => row.process_id === section.process_id);
    const peakNs = processes.length <= 1 ? report.summary?.peak_ns ?? data.at[highest] : data.at[highest];
    let range = [from, to];
    let plots = [];
    let isFollowing = false;

    const host = element("div", { class: "timeline", id: "timeline", tabindex: "0", role: "group",
        "aria-label": "Timeline: left and right move, plus and minus zoom, Escape shows everything" });
    const shown = element("span", { class: "status", role: "status", id: "timeline-range" });

    function setRange(low, high) {
        const width = Math.min(to - from, Math.max((to - from) / 1e5, high - low));
        const start = Math.min(Math.max(low, from), to - width);
        range = [start, start + width];
        isFollowing = true;
        plots.forEach((plot) => plot.setScale("x", { min: range[0], max: range[1] }));
        isFollowing = false;
        const isWhole = range[0] <= from && range[1] >= to;
        shown.textContent = isWhole ? `${ns(from)} to ${ns(to)}` : `${ns(range[0])} to ${ns(range[1])} of ${ns(to)}`;
        reset.disabled = isWhole;
    }

    const zoom = (factor) => {
        const middle = (range[0] + range[1]) / 2;
        const half = (range[1] - range[0]) * factor / 2;
        setRange(middle - half, middle + half);
    };
    const move = (part) => {
        const by = (range[1] - range[0]) * part;
        setRange(range[0] + by, range[1] + by);
    };
    const button = (label, title, onclick, attributes) =>
        element("button", { type: "button", title, "aria-label": title, onclick, ...attributes }, label);
    const reset = element("button", { type: "button", id: "timeline-reset", disabled: true, onclick: () => setRange(from, to) }, "Show everything");

    host.addEventListener("keydown", (event) => {
        const actions = {
            ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25), "+": () => zoom(0.5), "=": () => zoom(0.5),
            "-": () => zoom(2), Escape: () => setRange(from, to), Home: () => setRange(from, to),
        };
        if (actions[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
            actions[event.key]();
            event.preventDefault();
        }
    });

    function lines() {
        const visible = marks.at_ns.filter((at) => at >= range[0] && at <= range[1]);
        const step = Math.ceil(visible.length / MARKS_VISIBLE) || 1;
        const frames = visible.filter((_, i) => i % step === 0).map((at) => ({ at, color: themeColor("--mark") }));
        const named = marks.moments.filter(({ at }) => at >= range[0] && at <= range[1]);
        const moments = named.map(({ at, name }, i) => ({ at, color: themeColor("--third"), dash: [2, 2], row: 1 + i % 3,
            label: named.length <= NAMES_VISIBLE ? name : "" }));
        return [...frames, ...moments, { at: peakNs, color: themeColor("--text"), dash: [4, 3], label: "peak" }];
    }

    function plot(width, height, series, values, unit, isLast) {
        const stepped = uPlot.paths.stepped({ align: 1 });
        return new uPlot({
            width, height, padding: [10, 12, 0, 0],
            scales: { x: { time: false, min: range[0], max: range[1] }, y: { range: (_, low, high) => [0, (high || 1) * 1.06] } },
            cursor: { sync: { key: "timeline" }, drag: { x: true, y: false, setScale: true }, y: false },
            series: [
                { label: "at", value: (_, at) => (at === null || at === undefined ? "" : ns(at)) },
                ...series.map(({ label, color, fill }) => ({
                    label, stroke: themeColor(color), fill: fill ? themeColor(fill) : undefined, width: 1.5, paths: stepped,
                    points: { show: false }, spanGaps: true,
                    value: (_, value) => (value === null || value === undefined ? "" : unit === "bytes" ? bytes(value) : `${count(value)}/s`),
                })),
            ],
            axes: [
                axis("ns", isLast ? { label: "time since the run began", labelFont: "12px system-ui, sans-serif", labelSize: 22 } : { values: (_, splits) => splits.map(() => ""), size: 8 }),
                axis(unit, unit === "count" ? { values: (_, splits) => splits.map((value) => `${count(value)}/s`), size: 90 } : { size: 90 }),
            ],
            hooks: {
                draw: [verticalLines(lines)],
                setScale: [(self, key) => {
                    const { min, max } = self.scales.x;
                    if (key === "x" && !isFollowing && plots.length === 2 && (min !== range[0] || max !== range[1])) {
                        setRange(min, max);
                    }
                }],
            },
        }, [data.at, ...values], host);
    }

    const hasRss = data.rss.some((value) => value !== null);
    const memorySeries = [
        { name: "live", values: data.live, label: "live bytes", color: "--accent", fill: "--accent-soft" },
        { name: "rss", values: data.rss, label: "resident bytes (RSS)", color: "--second" },
    ];
    let shownMemory = hasRss ? "both" : "live";

    function draw(width) {
        plots.forEach((each) => each.destroy());
        host.replaceChildren();
        plots = [];
        const memoryShown = memorySeries.filter(({ name }) => shownMemory === "both" || name === shownMemory);
        const memory = plot(width, 230, memoryShown, memoryShown.map(({ values }) => values), "bytes", false);
        const rate = plot(width, 170, [
            { label: "allocations", color: "--third" },
            { label: "frees", color: "--fourth" },
        ], [data.rate, data.frees], "count", true);
        plots = [memory, rate];
        for (const [each, label] of [[memory, `Live bytes from ${ns(from)} to ${ns(to)}, at most ${bytes(data.live[highest])} at ${ns(peakNs)}`],
            [rate, `Allocations and frees per second, at most ${count(Math.max(...data.rate))} allocations per second`]]) {
            const canvas = each.root.querySelector("canvas");
            canvas.setAttribute("role", "img");
            canvas.setAttribute("aria-label", label);
        }
        setRange(range[0], range[1]);
    }
    drawn(host, draw);

    const facts = [];
    if (process && processes.length > 1) {
        facts.push(`Of process ${process.process_id} (${process.command ?? process.executable ?? ""}), which has the highest peak.`);
    }
    if (marks.count > 0) {
        const every = marks.step > 1 ? `, of which every ${marks.step}th stands here` : "";
        facts.push(`Thin lines: ${several(marks.count, "frame")} that the program marked${every}.`);
    }
    if (marks.moments.length > 0) {
        facts.push(`Dotted lines: ${marks.areMomentsCut ? "the first " : ""}${several(marks.moments.length, "moment")} that the program named`
            + `${marks.moments.length > NAMES_VISIBLE ? " (zoom in for the names)" : ""}.`);
    }
    if (!hasRss) {
        facts.push("Resident memory is not shown: it was never sampled.");
    }
    facts.push("Drag across a plot to zoom in.");
    return [
        element("div", { class: "controls" },
            hasRss ? choice("timeline-memory", "Memory", [{ value: "both", label: "Live and resident" }, { value: "live", label: "Live" },
                { value: "rss", label: "Resident" }], shownMemory, (value) => {
                shownMemory = value;
                draw(host.clientWidth);
            }) : null,
            button("\u2212", "Zoom out", () => zoom(2)), button("+", "Zoom in", () => zoom(0.5), { id: "timeline-in" }),
            button("\u2190", "Earlier", () => move(-0.25)), button("\u2192", "Later", () => move(0.25)), reset, shown),
        host, element("p", { class: "hint" }, facts.join(" ")),
    ];
}
