// generic.js - any section as its labels and its keys describe it: so that the page shows what it has
// never heard of. Objects become key and value, arrays of objects become tables.

import { labels, place, stackOf } from "./data.js";
import { element, empty } from "./dom.js";
import { show, spell } from "./format.js";
import { heapMap } from "./heapmap.js";
import { stackList, table } from "./table.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isRows = (value) => Array.isArray(value) && value.every(isObject);

// Drawings of keys that are known by name: (value) -> node, or null to show it like any other.
const DRAWINGS = { heap_map: heapMap };

// The stack of a row: told in the row, or known by its number.
function openStack(row) {
    if (isRows(row.stack)) {
        return stackList(row.stack);
    }
    const frames = typeof row.stack_id === "number" ? stackOf(row.stack_id) : null;
    return frames && stackList(frames.map((frame) => ({ ...frame, place: place(frame) })));
}

function columnOf(key, label, rows) {
    const isText = rows.every((row) => typeof row[key] !== "number");
    return { key, label, isText, bar: key === "share_pct", class: key === "function" || key === "names" ? "function" : "" };
}

// name: where the labels of the rows stand: "sites", or "timeline.slices".
export function rowsTable(name, title, rows) {
    if (rows.length === 0) {
        return empty("Nothing of this kind was recorded.");
    }
    const labelled = new Map((labels[name]?.columns ?? []));
    const keys = new Set();
    for (const row of rows) {
        Object.keys(row).forEach((key) => keys.add(key));
    }
    const scalar = [...keys].filter((key) => rows.every((row) => typeof row[key] !== "object" || row[key] === null));
    const named = [...labelled.keys()].filter((key) => scalar.includes(key));
    const primary = named.length > 0 ? named : scalar;
    const rest = scalar.filter((key) => !primary.includes(key));
    const hasStacks = rows.some((row) => isRows(row.stack) || typeof row.stack_id === "number");
    const button = rest.length > 0 ? element("button", { type: "button", class: "all-columns", "aria-pressed": "false", onclick: () => {
        const isAll = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isAll));
        box.replaceChildren(make(isAll ? [...primary, ...rest] : primary));
        button.focus();
    } }, "All columns") : null;
    const make = (shown) => table(shown.map((key) => columnOf(key, labelled.get(key) || spell(key), rows)), rows, {
        label: title, open: hasStacks ? openStack : null, haystack: (row) => scalar.map((key) => show(key, row[key])).join("\n"),
        button,
    });
    const box = element("div", {}, make(primary));
    return box;
}

function facts(name, object) {
    const labelled = new Map((labels[name]?.columns ?? []));
    const list = element("dl", { class: "facts" });
    for (const [key, value] of Object.entries(object)) {
        if (value === null || typeof value !== "object") {
            list.append(element("div", {}, element("dt", {}, labelled.get(key) || spell(key)), element("dd", {}, show(key, value))));
        }
    }
    return list.childElementCount > 0 ? list : null;
}

// Everything of a section that is not left out.
export function genericSection(name, value, leftOut = []) {
    if (isRows(value)) {
        return [rowsTable(name, labels[name]?.title || spell(name), value)];
    }
    if (!isObject(value)) {
        return [element("p", {}, Array.isArray(value) ? value.map((each) => show(name, each)).join(", ") : show(name, value))];
    }
    const parts = [facts(name, value)];
    for (const [key, inner] of Object.entries(value)) {
        if (inner === null || typeof inner !== "object" || leftOut.includes(key)) {
            continue;
        }
        const drawing = DRAWINGS[key]?.(inner);
        if (drawing) {
            parts.push(drawing);
            continue;
        }
        parts.push(element("h3", {}, spell(key)), ...genericSection(`${name}.${key}`, inner));
    }
    return parts.filter((part) => part !== null);
}
