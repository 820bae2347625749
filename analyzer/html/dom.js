// dom.js - elements from plain values. Text always goes in as text, never as markup.

// element("td", {class: "n", title: "x"}, "text", child, ...). Handlers are told as onclick: function.
export function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (key.startsWith("on")) {
            made.addEventListener(key.slice(2), value);
        } else {
            made.setAttribute(key, value === true ? "" : String(value));
        }
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return made;
}

// A row of choices of which one is on: radio buttons that look like one control.
// choices: [{value, label, reason}]; a reason says why it cannot be chosen.
export function choice(name, label, choices, chosen, onchange) {
    const box = element("fieldset", { class: "choice" }, element("legend", {}, label));
    for (const { value, label: text, reason } of choices) {
        const input = element("input", {
            type: "radio", name, value, id: `${name}-${value}`,
            checked: value === chosen, disabled: Boolean(reason),
            onchange: () => onchange(value),
        });
        box.append(input, element("label", { for: input.id, title: reason }, text));
    }
    return box;
}

export function empty(text) {
    return element("p", { class: "empty" }, text);
}

// The value of a custom property of the theme in force.
export function themeColor(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export const hasReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Drawings that depend on the theme or the width are made anew through these.
const redrawers = new Set();

// draw() is called now and whenever the theme changes or the width of `host` does.
export function drawn(host, draw) {
    let width = 0;
    const redraw = () => {
        width = host.clientWidth;
        if (width > 0) {
            draw(width);
        }
    };
    redrawers.add(redraw);
    new ResizeObserver(() => {
        if (host.clientWidth !== width) {
            redraw();
        }
    }).observe(host);
}

export function redrawAll() {
    redrawers.forEach((redraw) => redraw());
}
