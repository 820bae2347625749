// generic.js - any section as its labels and its keys describe it: so that the page shows what it has
// never heard of. Objects become key and value, arrays of objects become tables.

import { labels, place, stackOf } from "./data.js";
import { element, empty } from "./dom.js";
import { show, spell } from "./format.js";
import { heapMap } from "./heapmap.js";
import { stackList, table } from "./table.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isRows = (value) => Array.isArray(value) && value.every(isObject);
const isNested = (value) => isObject(value) || (Array.isArray(value) && value.length > 0);

// Drawings of keys that are known by name: (value) -> node, or null to show it like any other.
const DRAWINGS = { heap_map: heapMap };

// What a row opens to: its stack, told in the row or known by its number, and whatever else lies in it.
function openRow(name, row) {
    const frames = typeof row.stack_id === "number" && !isRows(row.stack) ? stackOf(row.stack_id) : null;
    const parts = [];
    if (isRows(row.stack)) {
        parts.push(stackList(row.stack));
    } else if (frames) {
        parts.push(stackList(frames.map((frame) => ({ ...frame, place: place(frame) }))));
    }
    const inner = Object.fromEntries(Object.entries(row).filter(([key, value]) => key !== "stack" && isNested(value)));
    if (Object.keys(inner).length > 0) {
        parts.push(...genericSection(name, inner));
    }
    return parts.length > 0 ? element("div", {}, parts) : null;
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
    const scalar = [...keys].filter((key) => rows.every((row) => typeof row[key] !== "object" || row[key] === null)
        && rows.some((row) => row[key] !== null && row[key] !== undefined));
    const named = [...labelled.keys()].filter((key) => scalar.includes(key));
    const primary = named.length > 0 ? named : scalar;
    const rest = scalar.filter((key) => !primary.includes(key));
    const opens = rows.some((row) => typeof row.stack_id === "number" || Object.values(row).some(isNested));
    const button = rest.length > 0 ? element("button", { type: "button", class: "all-columns", "aria-pressed": "false", onclick: () => {
        const isAll = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isAll));
        box.replaceChildren(make(isAll ? [...primary, ...rest] : primary));
        button.focus();
    } }, "All columns") : null;
    const make = (shown) => table(shown.map((key) => columnOf(key, labelled.get(key) || spell(key), rows)), rows, {
        label: title, open: opens ? (row) => openRow(name, row) : null, haystack: (row) => scalar.map((key) => show(key, row[key])).join("\n"),
        button,
    });
    const box = element("div", {}, make(primary));
    return box;
}

function facts(name, object) {
    const labelled = new Map((labels[name]?.columns ?? []));
    const list = element("dl", { class: "facts" });
    for (const [key, value] of Object.entries(object)) {
        if ((value === null || typeof value !== "object") && key !== "verdict" && !key.endsWith("_key")) {
            list.append(element("div", {}, element("dt", {}, labelled.get(key) || spell(key)), element("dd", {}, show(key, value))));
        }
    }
    return list.childElementCount > 0 ? list : null;
}

const scalarKeys = (object) => Object.keys(object).filter((key) => object[key] === null || typeof object[key] !== "object");

// Objects of the same keys, as at_peak and at_end are, side by side: a column for each.
function sideBySide(name, value, names) {
    const rows = scalarKeys(value[names[0]]).map((key) => ({
        key, label: spell(key), ...Object.fromEntries(names.map((each) => [`in_${each}`, value[each][key]])),
    }));
    const columns = [{ key: "label", label: "", isText: true },
        ...names.map((each) => ({ key: `in_${each}`, label: spell(each), format: (cell, row) => show(row.key, cell) }))];
    return table(columns, rows, { label: spell(name), filter: false });
}

// The names of the first objects in it that have the same keys; none if there is but one.
function alike(value, leftOut) {
    const names = Object.keys(value).filter((key) => isObject(value[key]) && !DRAWINGS[key] && !leftOut.includes(key));
    const signature = (key) => scalarKeys(value[key]).join();
    const found = names.filter((key) => signature(key) !== "" && signature(key) === signature(names[0]));
    return found.length > 1 ? found : [];
}

// Everything of a section that is not left out.
export function genericSection(name, value, leftOut = []) {
    if (isRows(value)) {
        return [rowsTable(name, labels[name]?.title || spell(name), value)];
    }
    if (!isObject(value)) {
        return [element("p", {}, Array.isArray(value) ? value.map((each) => show(name, each)).join(", ") : show(name, value))];
    }
    const compared = alike(value, leftOut);
    const parts = [
        typeof value.verdict === "string" ? element("p", { class: "verdict" }, value.verdict) : null,
        facts(name, value),
        compared.length > 0 ? sideBySide(name, value, compared) : null,
    ];
    for (const [key, inner] of Object.entries(value)) {
        if (inner === null || typeof inner !== "object" || leftOut.includes(key)) {
            continue;
        }
        const drawing = DRAWINGS[key]?.(inner);
        if (drawing) {
            parts.push(drawing);
        } else if (compared.includes(key)) {
            const nested = Object.entries(inner).filter(([, each]) => isNested(each));
            parts.push(...nested.flatMap(([innerKey, each]) =>
                [element("h3", {}, `${spell(key)}: ${spell(innerKey)}`), ...genericSection(`${name}.${innerKey}`, each)]));
        } else {
            parts.push(element("h3", {}, spell(key)), ...genericSection(`${name}.${key}`, inner));
        }
    }
    return parts.filter((part) => part !== null);
}
