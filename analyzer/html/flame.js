// flame.js - the flame graph: d3-flame-graph, with metrics, both directions, search and keys.

import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { SMALLER, callTree, leftOutCount, report, treeKeys } from "./data.js";
import { choice, drawn, element, empty, hasReducedMotion, themeColor } from "./dom.js";
import { count, formatOf, percent } from "./format.js";

const METRICS = [
    ["allocation_count", "Allocations", "allocations"],
    ["allocated_bytes", "Bytes", "allocated"],
    ["peak_bytes", "At peak", "live at the peak"],
    ["leaked_bytes", "Leaked", "leaked"],
    ["temporary_count", "Temporary", "temporary allocations"],
    ["time_ns", "Time", "in the allocator"],
];
const HUES = 6;
const CELL = 20;

const unknownReason = report.summary?.detail === "import" ? "not known from an imported file"
    : report.summary?.sample_bytes ? "not known from a sample" : "not known for a part of the run";

export function flameSection() {
    const known = METRICS.map(([key, label, words]) => {
        const k = treeKeys.indexOf(key);
        const total = k < 0 ? 0 : callTree("callers").values[k];
        const nothing = key === "leaked_bytes" ? "nothing leaked" : "nothing to show";
        return { key, k, words, total, label, value: key, reason: k < 0 ? unknownReason : total === 0 ? nothing : null };
    });
    const first = known.find((metric) => metric.reason === null);
    if (first === undefined) {
        return [empty("There is nothing to draw: no allocation was recorded in this selection.")];
    }

    let metric = first;
    let direction = "callers";
    let term = "";
    let chart = null;
    let root = null;
    let focusId = 0;

    const host = element("div", { class: "flame", id: "flame" });
    const details = element("p", { class: "flame-details", role: "status" });
    const found = element("span", { class: "status", role: "status" });
    const reset = element("button", { type: "button", id: "flame-reset", disabled: true, onclick: () => chart.resetZoom() }, "Reset zoom");
    const tip = document.getElementById("tip");

    // ---- colours: one hue for each module, those that cover most of the graphs first

    const modules = new Map();
    (function weigh(node) {
        if (node.module !== "" && node.name !== SMALLER) {
            modules.set(node.module, (modules.get(node.module) ?? 0) + node.values.reduce(
                (sum, value, k) => sum + value / Math.max(1, callTree("callers").values[k]), 0));
        }
        node.children.forEach(weigh);
    })(callTree("callers"));
    const hues = new Map([...modules].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, HUES).map(([name], i) => [name, i]));

    function hash(text) {
        let value = 7;
        for (let i = 0; i < text.length; i++) {
            value = (value * 31 + text.charCodeAt(i)) % 1009;
        }
        return value / 1009;
    }

    function color(data) {
        if (data.n === SMALLER || data.ref.module === "") {
            return themeColor("--flame-other");
        }
        const hue = hues.get(data.ref.module);
        if (hue === undefined) {
            return themeColor("--flame-other");
        }
        const [h, s, l] = themeColor(`--flame-${hue}`).split(" ");
        return `hsl(${h} ${s} ${parseFloat(l) + (hash(data.n) - 0.5) * 9}%)`;
    }

    // ---- words

    const valueWords = (value) => `${formatOf(metric.key)(value)} ${metric.words}`;

    function words(d) {
        const ref = d.data.ref;
        const parts = [valueWords(ref.values[metric.k]), percent(100 * ref.values[metric.k] / metric.total)];
        if (direction === "callers" && ref.own[metric.k] > 0 && ref.children.size > 0) {
            parts.push(`${formatOf(metric.key)(ref.own[metric.k])} its own`);
        }
        return parts.join(" \u00b7 ");
    }

    function origin(d) {
        const ref = d.data.ref;
        if (d.data.n === SMALLER) {
            return "callees too small to be shown one by one";
        }
        return [...ref.places].slice(0, 3).concat(ref.module || []).join(" \u00b7 ");
    }

    function describe(d) {
        details.replaceChildren(element("b", {}, d.data.n), " ", element("span", { class: "muted" }, origin(d)),
            element("br"), words(d));
    }

    const tooltip = () => {};
    tooltip.show = (event, d) => {
        tip.replaceChildren(element("b", {}, d.data.n), element("span", { class: "muted" }, origin(d)), element("span", {}, words(d)));
        tip.hidden = false;
        const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
        const isBelow = event.clientY + 20 + tip.offsetHeight < innerHeight;
        tip.style.left = `${Math.max(8, x)}px`;
        tip.style.top = `${isBelow ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10}px`;
    };
    tooltip.hide = () => {
        tip.hidden = true;
    };

    // ---- drawing

    function dataOf(node) {
        const children = [...node.children.values()].filter((child) => child.values[metric.k] > 0)
            .sort((a, b) => (a.name === SMALLER) - (b.name === SMALLER) || b.values[metric.k] - a.values[metric.k]
                || (a.name < b.name ? -1 : 1));
        return { n: node.name, v: node.values[metric.k], ref: node, c: children.map(dataOf) };
    }

    function isWithin(d) {
        return !d.data.hide;
    }

    // d3-flame-graph draws for the mouse: roles, names and the one tab stop are added to its elements.
    function decorate() {
        const frames = select(host).selectAll("g.frame");
        frames.attr("role", "treeitem").attr("aria-level", (d) => d.depth + 1)
            .attr("aria-label", (d) => `${d.data.n}, ${words(d)}`)
            .attr("tabindex", (d) => (d.id === focusId ? 0 : -1))
            .classed("match", (d) => Boolean(d.highlight));
        if (select(host).select("g.frame[tabindex='0']").empty()) {
            select(host).select("g.frame").attr("tabindex", 0);
        }
        frames.on("focus", (event, d) => {
            focusId = d.id;
            describe(d);
        });
        select(host).select("svg").attr("role", "tree").attr("aria-label", `Flame graph by ${metric.words}`);
    }

    function focusOn(d) {
        const target = select(host).selectAll("g.frame").filter((other) => other.id === d.id);
        if (!target.empty()) {
            select(host).selectAll("g.frame").attr("tabindex", -1);
            target.attr("tabindex", 0).node().focus();
        }
    }

    function step(d, key) {
        const visible = new Set(select(host).selectAll("g.frame").data().map((other) => other.id));
        const siblings = d.parent ? d.parent.children.filter((other) => visible.has(other.id) && isWithin(other)) : [d];
        const at = siblings.indexOf(d);
        switch (key) {
        case "ArrowUp": return d.parent;
        case "ArrowDown": return (d.children ?? []).find((other) => visible.has(other.id) && isWithin(other));
        case "ArrowLeft": return siblings[at - 1];
        case "ArrowRight": return siblings[at + 1];
        case "Home": return root.datum();
        default: return undefined;
        }
    }

    host.addEventListener("keydown", (event) => {
        const node = event.target.closest("g.frame");
        if (node === null || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        const d = select(node).datum();
        if (event.key === "Enter" || event.key === " ") {
            chart.zoomTo(d);
        } else if (event.key === "Escape") {
            chart.resetZoom();
        } else {
            const next = step(d, event.key);
            if (next === undefined || next === null) {
                return;
            }
            focusOn(next);
        }
        event.preventDefault();
    });

    function showMatches() {
        if (term === "") {
            found.textContent = "";
            chart.clear();
        } else {
            chart.search(term);
        }
        decorate();
    }

    function draw(width) {
        chart?.destroy();
        host.replaceChildren();
        focusId = 0;
        reset.disabled = true;
        chart = flamegraph().width(width).cellHeight(CELL).inverted(true).minFrameSize(1)
            .transitionDuration(hasReducedMotion() ? 0 : 150).tooltip(tooltip).selfValue(false)
            .onClick((d) => {
                reset.disabled = d.depth === 0;
                describe(d);
                decorate();
            })
            .setColorMapper((d) => (d.highlight ? themeColor("--match") : color(d.data)))
            .setSearchMatch((d, wanted) => d.data.n.toLowerCase().includes(wanted.toLowerCase()))
            .setSearchHandler((results, sum) => {
                found.textContent = results.length === 0 ? "No function matches."
                    : `${count(results.length)} matching: ${percent(100 * sum / metric.total)}, ${valueWords(sum)}`;
            })
            .setDetailsHandler(() => {})
            .label(words);
        root = select(host).datum(dataOf(callTree(direction)));
        root.call(chart);
        showMatches();
        describe(root.datum());
    }

    const redraw = () => draw(host.clientWidth);

    const controls = element("div", { class: "controls" },
        choice("flame-metric", "By", known, metric.key, (value) => {
            metric = known.find((candidate) => candidate.key === value);
            redraw();
        }),
        choice("flame-direction", "From", [
            { value: "callers", label: "Callers down" },
            { value: "allocations", label: "Allocations up" },
        ], direction, (value) => {
            direction = value;
            redraw();
        }),
        element("input", {
            type: "search", id: "flame-search", placeholder: "Find a function", "aria-label": "Find a function in the flame graph",
            oninput: (event) => {
                term = event.target.value.trim();
                showMatches();
            },
        }), reset, found);

    const legend = element("ul", { class: "legend", "aria-label": "Colours: the module of a function" },
        [...hues].map(([name, i]) => {
            const chip = element("span", { class: `chip flame-${i}`, "aria-hidden": "true" });
            return element("li", {}, chip, name);
        }),
        modules.size > HUES || leftOutCount > 0 ? element("li", {}, element("span", { class: "chip flame-other", "aria-hidden": "true" }), "other") : null);

    drawn(host, draw);
    const parts = [controls, details, element("div", { class: "flame-box" }, host), legend];
    parts.push(element("p", { class: "hint" }, "Click or Enter zooms in, Escape zooms out; arrow keys walk the graph.",
        leftOutCount > 0 ? ` ${count(leftOutCount)} of the lightest call stacks are summed up as ${SMALLER}.` : ""));
    return parts;
}
