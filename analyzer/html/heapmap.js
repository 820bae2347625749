// heapmap.js - the heap as a picture: addresses upward, time to the right, a stronger colour is fuller.
//
// map: {address_min, address_max, at_ns_min, at_ns_max, columns, rows, cells}; cells hold 0 (nothing
// live) to 255 (full), row by row, the lowest addresses first. row_addresses, where rows do not follow one
// another, says where each begins; skipped_bytes, how much without blocks lies between them.

import { drawn, element, themeColor } from "./dom.js";
import { bytes, ns, percent } from "./format.js";

const HEIGHT = 360;
const LABELS = [1, 0.75, 0.5, 0.25, 0]; // of the rows, from the top

const hex = (address) => `0x${Math.round(address).toString(16)}`;

export function heapMap(map) {
    const { columns, rows, cells } = map;
    const rowAddress = (row) => map.row_addresses?.[row]
        ?? map.address_min + (map.address_max - map.address_min) * row / rows;
    const canvas = element("canvas", {
        class: "heap-map", role: "img", width: columns, height: rows,
        "aria-label": `Heap map: ${hex(map.address_min)} to ${hex(map.address_max)} from ${ns(map.at_ns_min)} to ${ns(map.at_ns_max)}`,
    });
    canvas.style.height = `${HEIGHT}px`;
    const readout = element("p", { class: "status", role: "status" });
    const host = element("div", { class: "heap-map-box" }, canvas);

    drawn(host, () => {
        const probe = (name) => {
            const box = element("span");
            box.style.color = themeColor(name);
            document.body.append(box);
            const parts = getComputedStyle(box).color.match(/[\d.]+/g).map(Number);
            box.remove();
            return parts;
        };
        const low = probe("--panel");
        const high = probe("--accent");
        const context = canvas.getContext("2d");
        const image = context.createImageData(columns, rows);
        for (let row = 0; row < rows; row++) {
            for (let column = 0; column < columns; column++) {
                const share = cells[row * columns + column] / 255;
                // A trace of something must be seen beside nothing.
                const weight = share === 0 ? 0 : 0.15 + 0.85 * share;
                const at = ((rows - 1 - row) * columns + column) * 4;
                for (let i = 0; i < 3; i++) {
                    image.data[at + i] = low[i] + (high[i] - low[i]) * weight;
                }
                image.data[at + 3] = 255;
            }
        }
        context.putImageData(image, 0, 0);
    });

    canvas.addEventListener("mousemove", (event) => {
        const box = canvas.getBoundingClientRect();
        const column = Math.min(columns - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * columns)));
        const row = rows - 1 - Math.min(rows - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * rows)));
        const at = map.at_ns_min + (map.at_ns_max - map.at_ns_min) * (column + 0.5) / columns;
        readout.textContent = `${hex(rowAddress(row))} at ${ns(at)}: ${percent(cells[row * columns + column] / 2.55)} live`;
    });
    canvas.addEventListener("mouseleave", () => {
        readout.textContent = "";
    });

    return element("figure", {},
        element("figcaption", {}, "Heap map: each cell is a range of addresses for a span of time; the stronger its colour, the more of it is live."
            + (map.row_bytes ? ` A row is ${bytes(map.row_bytes)}.` : "")
            + (map.skipped_bytes > 0 ? ` Left out: ${bytes(map.skipped_bytes)} of addresses without blocks.` : "")),
        element("div", { class: "heap-map-grid" },
            element("div", { class: "heap-map-addresses" }, LABELS.map((share) => element("span", {}, hex(rowAddress(Math.floor((rows - 1) * share)))))),
            host,
            element("div", { class: "heap-map-times" }, element("span", {}, ns(map.at_ns_min)), element("span", {}, ns(map.at_ns_max)))),
        readout);
}
