// format.js - figures as allocaudit's tables show them. A key's suffix tells its unit.

const NONE = "\u2013";

function scaled(number, step, units) {
    let value = Math.abs(number);
    let unit = 0;
    while (unit + 1 < units.length && Math.round(value * 10) / 10 >= step) {
        value /= step;
        unit++;
    }
    const sign = number < 0 ? "-" : "";
    return `${sign}${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const bytes = (n) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);

export function ns(n) {
    const seconds = Math.round(Math.abs(n) / 1e9);
    const sign = n < 0 ? "-" : "";
    const two = (part) => String(part).padStart(2, "0");
    if (seconds >= 3600) {
        return `${sign}${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds % 3600 / 60))} min`;
    }
    if (seconds >= 60) {
        return `${sign}${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
    }
    return scaled(n, 1000, ["ns", "\u00b5s", "ms", "s"]);
}

export const count = (n) => Math.round(n).toLocaleString("en-US");

export function percent(n) {
    if (n !== 0 && Math.abs(n) < 0.05) {
        return n > 0 ? "<0.1 %" : ">-0.1 %";
    }
    return `${n.toFixed(1)} %`;
}

const real = (n) => (Number.isInteger(n) || Math.abs(n) >= 1000 ? count(n) : Number(n.toPrecision(4)).toString());

const moment = (n) => `${new Date(n / 1e6).toISOString().slice(0, 19).replace("T", " ")} UTC`;

const UNITS = [
    [/_unix_ns$/, moment],
    [/(_|^)bytes(_|$)/, bytes],
    [/(_|^)ns(_|$)/, ns],
    [/(_|^)(pct|percent)$/, percent],
    [/(_|^)(id|pid|tid|line|exit_status|exit_signal)$/, String],
    [/(_|^)count(_|$)/, count],
];

// What shows numbers of that key.
export function formatOf(key) {
    return UNITS.find(([pattern]) => pattern.test(key))?.[1] ?? real;
}

// Any value of a document, as text.
export function show(key, value) {
    if (value === null || value === undefined || value === "") {
        return NONE;
    }
    if (typeof value === "boolean") {
        return value ? "yes" : "no";
    }
    return typeof value === "number" ? formatOf(key)(value) : String(value);
}

// "live_count_max" -> "live count max": where a document has no label for a key.
export function spell(key) {
    return key.replace(/_(ns|pct)$/, "").replace(/_/g, " ");
}

// "1 block", "2 blocks"
export const several = (n, one, many) => `${count(n)} ${n === 1 ? one : many ?? `${one}s`}`;
