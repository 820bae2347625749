// waterfall.js - what a whole is made of, as one stacked bar for each row.

import { element } from "./dom.js";
import { bytes, percent } from "./format.js";

// parts: [{key, label, class}], which add up. rows: [{name, values: {key: bytes}, whole, wholeWords}].
export function waterfall(parts, rows) {
    const sum = (row) => parts.reduce((total, { key }) => total + Math.max(0, row.values[key] ?? 0), 0);
    const longest = Math.max(...rows.map(sum), 1);
    const bars = rows.map((row) => {
        const whole = sum(row);
        const bar = element("div", { class: "stacked", role: "img", "aria-label":
            parts.map(({ key, label }) => `${label} ${bytes(row.values[key] ?? 0)}`).join(", ") });
        bar.style.width = `${100 * whole / longest}%`;
        for (const { key, label, class: name } of parts) {
            const part = row.values[key] ?? 0;
            if (part > 0) {
                const piece = element("span", { class: name, title: `${label}: ${bytes(part)}, ${percent(100 * part / whole)}` });
                piece.style.width = `${100 * part / whole}%`;
                bar.append(piece);
            }
        }
        return [element("dt", {}, row.name), element("dd", {}, element("div", { class: "stacked-room" }, bar),
            element("span", { class: "amount" }, `${bytes(row.whole ?? whole)}`))];
    });
    return element("figure", { class: "waterfall" },
        element("ul", { class: "legend" }, parts.map(({ label, class: name }) =>
            element("li", {}, element("span", { class: `chip ${name}`, "aria-hidden": "true" }), label))),
        element("dl", {}, bars));
}
