// waterfall.js - what a whole is made of, as one stacked bar for each row.
//
// rows: objects that each have a text (the name of the bar) and amounts under keys in _bytes; one
// that is called total_bytes, or rss_bytes, is the whole and not a part.

import { element } from "./dom.js";
import { bytes, percent, spell } from "./format.js";

const PARTS = 6; // colours

export function waterfall(rows) {
    if (!Array.isArray(rows) || rows.length === 0) {
        return null;
    }
    const keys = Object.keys(rows[0]).filter((key) => /_bytes$/.test(key) && !/^(total|rss|resident)_bytes$/.test(key));
    const nameKey = Object.keys(rows[0]).find((key) => typeof rows[0][key] === "string");
    if (keys.length === 0) {
        return null;
    }
    const sum = (row) => keys.reduce((total, key) => total + Math.max(0, row[key] ?? 0), 0);
    const longest = Math.max(...rows.map(sum), 1);
    const bars = rows.map((row) => {
        const whole = sum(row);
        const bar = element("div", { class: "stacked", role: "img", "aria-label":
            keys.map((key) => `${spell(key)} ${bytes(row[key] ?? 0)}`).join(", ") });
        bar.style.width = `${100 * whole / longest}%`;
        keys.forEach((key, i) => {
            const part = Math.max(0, row[key] ?? 0);
            if (part > 0) {
                const piece = element("span", { class: `part-${i % PARTS}`, title: `${spell(key)}: ${bytes(part)}, ${percent(100 * part / whole)}` });
                piece.style.width = `${100 * part / whole}%`;
                bar.append(piece);
            }
        });
        return [element("dt", {}, nameKey ? row[nameKey] : ""), element("dd", {}, bar, element("span", { class: "amount" }, bytes(whole)))];
    });
    return element("figure", { class: "waterfall" },
        element("ul", { class: "legend" }, keys.map((key, i) =>
            element("li", {}, element("span", { class: `chip part-${i % PARTS}`, "aria-hidden": "true" }), spell(key)))),
        element("dl", {}, bars));
}
