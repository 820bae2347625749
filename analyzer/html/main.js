// main.js - the page: head, key figures, sections in order, navigation, theme, printing.

import "uplot/dist/uPlot.min.css";
import "./style.css";
import { labels, report } from "./data.js";
import { choice, element, empty, redrawAll } from "./dom.js";
import { flameSection } from "./flame.js";
import { bytes, count, ns, percent, several, show, spell } from "./format.js";
import { fragmentationSection } from "./fragmentation.js";
import { frontSection } from "./front.js";
import { genericSection, rowsTable } from "./generic.js";
import { lifetimeHistogram, sizeHistogram } from "./histograms.js";
import { sitesSection } from "./sites.js";
import { timelineSection } from "./timeline.js";

const summary = report.summary ?? {};

// ---- sections

// What a section is called in the navigation, and what an empty one says. Others get their own name.
const KNOWN = {
    leaks: { name: "Leaks", none: "Nothing leaked: every block was freed before its process ended." },
    temporary: { name: "Temporary", none: "No block was freed by its thread before the thread's next allocation." },
    lifetimes: { name: "Lifetimes", none: "No block was freed, so there are no lifetimes." },
    sizes: { name: "Sizes", none: "Nothing was allocated, so there are no sizes." },
    large: { name: "Large, short-lived", none: "No block of 64 KiB or more was freed within 10 ms." },
    realloc: { name: "Growth by realloc", none: "No block grew by realloc." },
    threads: { name: "Threads", none: "No thread allocated anything." },
    processes: { name: "Processes", none: "No process was recorded." },
    modules: { name: "Modules", none: "No module allocated anything." },
    rss: { name: "RSS" },
};

// Shown elsewhere, or not meant for people.
const ELSEWHERE = /^(schema|command|notes|labels|summary|timeline|sites(_by_\w+)?)$/;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function content(key, value) {
    if (Array.isArray(value) && value.length === 0) {
        return [empty(KNOWN[key]?.none ?? "Nothing of this kind was recorded.")];
    }
    if (key === "sizes") {
        return [sizeHistogram(value), rowsTable(key, "Requested sizes", value)];
    }
    if (key === "lifetimes") {
        return [lifetimeHistogram(value), rowsTable(key, "Lifetimes", value)];
    }
    if (key === "tuning") {
        return [genericSection(key, value), frontSection(report.tried ?? [])];
    }
    return key === "fragmentation" ? fragmentationSection(value) : genericSection(key, value);
}

// What another command puts before the report, with its parts. "pool_sizes" is a part of "pools", "pins_heap_top" of "pins".
const PARTS = {
    tuning: new Set(["confirmed", "front", "tried", "searched", "left_out", "environment"]),
    recommendation: new Set(["expected", "confirmed", "features", "causes", "folklore", "tried", "site_advice", "environment"]),
};
const belongsTo = (key, owner) => PARTS[owner]?.has(key) || [owner, owner.replace(/s$/, "")].some((stem) => key.startsWith(`${stem}_`));

// [{key, name, title, make}] in the order of the page.
function sections() {
    const found = [];
    if (report.timeline !== undefined || !("timeline" in report)) {
        found.push({ key: "timeline", name: "Timeline", title: "Timeline: memory and allocations over time",
            make: () => (report.timeline === undefined
                ? [empty("There is no timeline of this selection.")] : timelineSection(report.timeline)) });
    }
    found.push({ key: "flame", name: "Flame graph", title: "Flame graph: which calls lead to what", make: flameSection });
    found.push({ key: "sites", name: "Call sites", title: "Call sites", make: sitesSection });
    for (const [key, value] of Object.entries(report)) {
        if (ELSEWHERE.test(key)) {
            continue;
        }
        const name = KNOWN[key]?.name ?? capital(spell(key));
        const title = labels[key]?.title || name;
        const owner = found[found.length - 1];
        if (belongsTo(key, owner.key)) {
            const before = owner.make;
            owner.make = () => [before(), element("h3", {}, title), content(key, value)];
        } else {
            found.push({ key, name, title, make: () => content(key, value) });
        }
    }
    const isAnswer = ({ key }) => key in PARTS; // what the page is about comes first
    return [...found.filter(isAnswer), ...found.filter((section) => !isAnswer(section))];
}

// ---- the head

function figure(name, value, more) {
    return element("div", { class: "figure" }, element("dt", {}, name), element("dd", {}, value, more ? element("small", {}, more) : null));
}

function keyFigures() {
    const made = element("dl", { class: "figures" });
    const has = (key) => typeof summary[key] === "number";
    const margin = (key, format) => (has(key) ? `\u00b1 ${format(summary[key])} (95 %)` : null);
    if (has("allocation_count")) {
        made.append(figure("Allocations", count(summary.allocation_count),
            margin("allocation_count_margin", count) ?? (has("free_count") ? several(summary.free_count, "free") : null)));
    }
    if (has("allocated_bytes")) {
        made.append(figure("Allocated", bytes(summary.allocated_bytes), margin("allocated_bytes_margin", bytes)
            ?? (summary.allocation_count > 0 ? `${bytes(summary.allocated_bytes / summary.allocation_count)} each` : null)));
    }
    if (has("peak_bytes")) {
        made.append(figure("Peak", bytes(summary.peak_bytes), has("peak_ns") ? `after ${ns(summary.peak_ns)}` : null));
    }
    if (has("rss_peak_bytes")) {
        made.append(figure("Resident peak", bytes(summary.rss_peak_bytes), "as sampled"));
    }
    if (has("leaked_bytes")) {
        made.append(figure("Leaked", bytes(summary.leaked_bytes), margin("leaked_bytes_margin", bytes)
            ?? several(summary.leaked_count ?? 0, "block")));
    }
    if (has("temporary_count")) {
        made.append(figure("Temporary", has("temporary_pct") ? percent(summary.temporary_pct) : count(summary.temporary_count),
            `${several(summary.temporary_count, "block")}`));
    }
    if (has("time_ns")) {
        made.append(figure("In the allocator", ns(summary.time_ns), has("duration_ns") && summary.duration_ns > 0
            ? `run took ${ns(summary.duration_ns)}` : null));
    }
    return made.childElementCount > 0 ? made : null;
}

const IN_FIGURES = new Set(["command", "allocation_count", "free_count", "allocated_bytes", "peak_bytes", "peak_ns", "rss_peak_bytes",
    "leaked_bytes", "leaked_count", "temporary_count", "temporary_pct", "time_ns"]);

function allFacts() {
    const labelled = new Map(labels.summary?.columns ?? []);
    const rows = Object.entries(summary).filter(([key, value]) => !IN_FIGURES.has(key) && value !== null && typeof value !== "object");
    if (rows.length === 0) {
        return null;
    }
    return element("details", { class: "more-facts" }, element("summary", {}, "The recording"),
        element("dl", { class: "facts" }, rows.map(([key, value]) =>
            element("div", {}, element("dt", {}, labelled.get(key) || spell(key)), element("dd", {}, show(key, value))))));
}

function notes() {
    const lines = report.notes ?? [];
    if (lines.length === 0) {
        return null;
    }
    return element("aside", { class: "notes", "aria-label": "What to know about these figures" },
        element("h2", {}, "What to know about these figures"),
        element("ul", {}, lines.map((line) => element("li", {}, capital(line), "."))));
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

// value: light, dark, or auto, which follows the system.
function setTheme(value) {
    const isDark = value === "dark" || (value === "auto" && prefersDark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    redrawAll();
}

function head() {
    const words = (summary.command ?? "").split(/\s/);
    const program = words[0].slice(words[0].lastIndexOf("/") + 1) || "allocaudit";
    document.title = `${program} \u2013 allocaudit report`;
    const facts = [summary.end, typeof summary.duration_ns === "number" ? ns(summary.duration_ns) : null, summary.allocator?.replace(/^.*\//, ""),
        summary.host ? `on ${summary.host}` : null,
        typeof summary.started_unix_ns === "number" ? show("started_unix_ns", summary.started_unix_ns) : null];
    document.getElementById("head").append(
        element("div", { class: "title" },
            element("p", { class: "brand" }, "allocaudit"), element("h1", {}, program),
            summary.command && summary.command !== program ? element("code", { class: "command" }, summary.command) : null,
            element("p", { class: "muted" }, facts.filter(Boolean).join(" \u00b7 "))),
        choice("theme", "Theme", [{ value: "auto", label: "Auto" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }],
            "auto", setTheme));
}

function foot() {
    const version = summary.tool_version ? ` ${summary.tool_version}` : "";
    document.querySelector("#foot p").textContent = `Recorded by allocaudit${version}. This page loads nothing from the network; `
        + "its charts are drawn by uPlot and d3-flame-graph.";
}

// ---- the page

function followScrolling(links) {
    const visible = new Map();
    const observer = new IntersectionObserver((entries) => {
        entries.forEach((entry) => visible.set(entry.target.id, entry.isIntersecting));
        const current = [...links.keys()].find((id) => visible.get(id));
        links.forEach((link, id) => {
            if (id === current) {
                link.setAttribute("aria-current", "true");
            } else {
                link.removeAttribute("aria-current");
            }
        });
    }, { rootMargin: "-10% 0px -60% 0px" });
    links.forEach((_, id) => observer.observe(document.getElementById(id)));
}

function main() {
    head();
    setTheme("auto");
    const body = document.getElementById("content");
    const overview = [keyFigures(), notes(), allFacts()].filter((part) => part !== null);
    body.append(element("section", { id: "summary", "aria-label": "Summary" },
        overview.length > 0 ? overview : empty("The summary was not asked for.")));
    const links = new Map([["summary", element("a", { href: "#summary" }, "Summary")]]);
    for (const { key, name, title, make } of sections()) {
        const section = element("section", { id: key, "aria-labelledby": `${key}-title` }, element("h2", { id: `${key}-title` }, capital(title)));
        body.append(section);
        section.append(...make().flat(Infinity));
        links.set(key, element("a", { href: `#${key}` }, name));
    }
    document.getElementById("nav").append(element("ul", {}, [...links.values()].map((link) => element("li", {}, link))));
    foot();
    followScrolling(links);

    const chosen = () => document.querySelector("input[name=theme]:checked").value;
    prefersDark.addEventListener("change", () => setTheme(chosen()));
    // Paper is white.
    addEventListener("beforeprint", () => setTheme("light"));
    addEventListener("afterprint", () => setTheme(chosen()));
    matchMedia("print").addEventListener("change", (event) => setTheme(event.matches ? "light" : chosen()));
}

main();
