// table.js - tables that sort by any column, filter by text and open rows.

import { element, empty } from "./dom.js";
import { count, show } from "./format.js";

// The frames of a stack as a list; each {name | function, place, module, is_inlined | isInlined}.
export function stackList(frames) {
    return element("ol", { class: "stack" }, frames.map((frame) => element("li", {},
        element("span", { class: "function" }, frame.name ?? frame.function ?? ""),
        element("span", { class: "place" }, frame.place ?? ""),
        frame.isInlined || frame.is_inlined ? element("span", { class: "tag" }, "inlined") : null)));
}

function compare(a, b) {
    const isBlank = (value) => value === null || value === undefined;
    if (isBlank(a) || isBlank(b)) {
        return isBlank(a) - isBlank(b);
    }
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

/*
 * columns: [{key, label, isText, format(value, row), render(row) -> node, bar}]; bar: the share of 100 is
 * drawn, too.
 * options: label; pageRows, shown at first; sort: {key, isDescending}; open(row) -> node or null, what a
 * row opens to; filter: whether there is a field for it, and haystack(row) -> text, what it looks at;
 * placeholder; button, to stand beside the filter.
 */
export function table(columns, rows, options) {
    const pageRows = options.pageRows ?? 20;
    let shown = pageRows;
    let sort = options.sort ?? null;
    let words = [];

    const body = element("tbody");
    const status = element("p", { class: "status", role: "status" });
    const more = element("button", { type: "button", class: "more", onclick: () => {
        shown += pageRows * 5;
        fill();
    } });
    const headings = columns.map((column) => {
        const button = element("button", { type: "button", onclick: () => sortBy(column) },
            column.label, element("span", { class: "arrow", "aria-hidden": "true" }));
        return element("th", { scope: "col", class: column.isText ? null : "number" }, button);
    });
    const hasOpen = Boolean(options.open);
    const whole = element("table", { "aria-label": options.label, class: columns.some((column) => column.isText) ? null : "narrow" },
        element("thead", {}, element("tr", {},
            hasOpen ? element("th", { scope: "col", class: "opener" },
                element("span", { class: "hidden" }, "Open")) : null, headings)),
        body);

    function text(row, column) {
        const value = row[column.key];
        return column.format ? column.format(value, row) : show(column.key, value);
    }

    function sortBy(column) {
        const isDescending = sort?.key === column.key ? !sort.isDescending : !column.isText;
        sort = { key: column.key, isDescending };
        fill();
    }

    function matching() {
        if (words.length === 0) {
            return rows;
        }
        return rows.filter((row) => {
            const haystack = (options.haystack?.(row) ?? columns.filter((c) => c.isText)
                .map((column) => text(row, column)).join("\n")).toLowerCase();
            return words.every((word) => haystack.includes(word));
        });
    }

    function cell(row, column) {
        const value = text(row, column);
        if (column.render) {
            return element("td", { class: column.class }, column.render(row));
        }
        if (column.isText) {
            return element("td", { class: `text ${column.class ?? ""}`.trim(), title: value.length > 40 ? value : null }, value);
        }
        const made = element("td", { class: "number" }, value);
        if (column.bar && typeof row[column.key] === "number") {
            const bar = element("span", { class: "bar" });
            bar.style.width = `${Math.max(0, Math.min(100, row[column.key]))}%`;
            made.append(element("span", { class: "meter", "aria-hidden": "true" }, bar));
            made.classList.add("has-bar");
        }
        return made;
    }

    function rowElements(row) {
        const main = element("tr");
        if (!hasOpen) {
            main.append(...columns.map((column) => cell(row, column)));
            return [main];
        }
        let detail = null;
        const button = element("button", {
            type: "button", class: "open", "aria-expanded": "false", "aria-label": "Show what is in this row",
            onclick: () => toggle(),
        });
        function toggle() {
            if (detail === null) {
                detail = element("tr", { class: "detail" }, element("td", { colspan: columns.length + 1 },
                    options.open(row) ?? empty("This call stack is not among those that the page carries.")));
                main.after(detail);
            } else {
                detail.remove();
                detail = null;
            }
            button.setAttribute("aria-expanded", String(detail !== null));
        }
        main.addEventListener("click", (event) => {
            if (!event.target.closest("button") && getSelection().isCollapsed) {
                toggle();
            }
        });
        main.classList.add("opens");
        main.append(element("td", { class: "opener" }, button), ...columns.map((column) => cell(row, column)));
        return [main];
    }

    function fill() {
        const found = matching().slice();
        if (sort !== null) {
            const sign = sort.isDescending ? -1 : 1;
            found.sort((a, b) => sign * compare(a[sort.key], b[sort.key]));
        }
        headings.forEach((heading, i) => {
            const isSorted = sort?.key === columns[i].key;
            heading.setAttribute("aria-sort", !isSorted ? "none" : sort.isDescending ? "descending" : "ascending");
        });
        body.replaceChildren(...found.slice(0, shown).flatMap(rowElements));
        const hidden = Math.max(0, found.length - shown);
        more.hidden = hidden === 0;
        more.textContent = `Show more (${count(hidden)} not shown)`;
        if (words.length > 0) {
            status.textContent = found.length === 0 ? "Nothing matches the filter."
                : `${count(found.length)} of ${count(rows.length)} rows match.`;
        } else {
            status.textContent = "";
        }
    }

    const box = element("div", { class: "table-box" });
    const hasFilter = options.filter ?? rows.length > 10;
    const filter = element("input", {
        type: "search", placeholder: options.placeholder ?? "Filter", "aria-label": `Filter: ${options.label}`,
        oninput: (event) => {
            words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
            shown = pageRows;
            fill();
        },
    });
    if (hasFilter || options.button) {
        box.append(element("div", { class: "controls" }, hasFilter ? [filter, status] : null, options.button));
    }
    box.append(element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": options.label }, whole), more);
    fill();
    return box;
}
