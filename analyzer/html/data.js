// data.js - what the page carries: the sections of the report, and the tree of its call stacks.

function read(id) {
    return JSON.parse(document.getElementById(id).textContent);
}

export const report = read("report-json");
const tree = read("tree-json");

export const labels = report.labels ?? {};
export const treeKeys = tree.keys;
export const totals = tree.totals;
export const leftOutCount = tree.left_out_count;
export const siteCount = tree.site_count;
export const marks = {
    count: tree.frame_mark_count, step: tree.frame_mark_step, at_ns: tree.frame_marks_ns,
    moments: tree.moments.map(([at, name]) => ({ at, name })), areMomentsCut: tree.are_moments_cut,
};

export const SMALLER = "(smaller)";

const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

// The functions at one address, the innermost first.
const frames = tree.frames.map((fields) => {
    const functions = [];
    for (let i = 0; i < fields.length; i += 4) {
        functions.push({
            name: tree.strings[fields[i]],
            file: fields[i + 1] < 0 ? null : tree.strings[fields[i + 1]],
            line: fields[i + 2],
            module: fields[i + 3] < 0 ? null : tree.strings[fields[i + 3]],
            isInlined: i + 4 < fields.length,
        });
    }
    return functions;
});

const nodeOfStack = new Map();
tree.stack_id_steps.reduce((before, step, node) => {
    nodeOfStack.set(before + step, node);
    return before + step;
}, 0);

export function place(frame) {
    if (frame.file === null) {
        return frame.module === null ? "" : baseName(frame.module);
    }
    return baseName(frame.file) + (frame.line > 0 ? `:${frame.line}` : "");
}

export const moduleName = (frame) => (frame.module === null ? "" : baseName(frame.module));

// The frames from a node outward.
function framesOf(node) {
    const found = [];
    for (let at = node; at >= 0; at = tree.parents[at]) {
        found.push(...frames[tree.node_frames[at]]);
    }
    return found;
}

// The call stack with that number, the innermost frame first; null where the page has it not.
export function stackOf(stackId) {
    const node = nodeOfStack.get(stackId);
    return node === undefined ? null : framesOf(node);
}

// Rows for each of the largest sites: {stack_id, allocation_count, ...}.
export const sites = tree.sites.map((values) =>
    Object.fromEntries(tree.site_keys.map((key, i) => [key, values[i]])));
export const siteKeys = new Set(tree.site_keys);

function callNode(frame) {
    return {
        name: frame.name, module: moduleName(frame), places: new Set(),
        values: tree.keys.map(() => 0), own: tree.keys.map(() => 0), children: new Map(),
    };
}

function childOf(parent, frame) {
    const key = `${frame.name}\n${frame.module ?? ""}`;
    let child = parent.children.get(key);
    if (child === undefined) {
        child = callNode(frame);
        parent.children.set(key, child);
    }
    if (frame.file !== null && child.places.size < 4) {
        child.places.add(place(frame));
    }
    return child;
}

const smallerFrame = { name: SMALLER, module: null, file: null, line: 0 };

// Calls visit(key, node, value, isSmaller) for all values of their own; node -1: no caller is known.
function eachValue(visit) {
    tree.keys.forEach((key, k) => {
        for (const [values, isSmaller] of [[tree.own[key], false], [tree.smaller[key], true]]) {
            for (let i = 0; i < values.length; i += 2) {
                visit(k, values[i], values[i + 1], isSmaller);
            }
        }
    });
}

// Functions beneath their callers: what main calls, and so on to who allocates.
function fromCallers() {
    const root = callNode({ name: "all", module: null });
    const made = [];
    tree.parents.forEach((parent, node) => {
        let at = parent < 0 ? root : made[parent];
        const functions = frames[tree.node_frames[node]];
        for (let i = functions.length - 1; i >= 0; i--) {
            at = childOf(at, functions[i]);
        }
        made.push(at);
    });
    eachValue((k, node, value, isSmaller) => {
        let at = node < 0 ? root : made[node];
        at = isSmaller ? childOf(at, smallerFrame) : at;
        at.own[k] += value;
    });
    sumUp(root);
    return root;
}

// Who allocates first, and above each its callers.
function fromAllocations() {
    const root = callNode({ name: "all", module: null });
    eachValue((k, node, value, isSmaller) => {
        const path = node < 0 ? [] : framesOf(node);
        let at = root;
        at.values[k] += value;
        for (const frame of isSmaller ? [smallerFrame, ...path] : path) {
            at = childOf(at, frame);
            at.values[k] += value;
        }
        at.own[k] += value;
    });
    return root;
}

function sumUp(node) {
    node.values = node.own.slice();
    for (const child of node.children.values()) {
        sumUp(child);
        child.values.forEach((value, k) => {
            node.values[k] += value;
        });
    }
}

const trees = {};

// direction: "callers" or "allocations". The tree by function: {name, module, places, values[key],
// own[key], children}.
export function callTree(direction) {
    trees[direction] ??= direction === "callers" ? fromCallers() : fromAllocations();
    return trees[direction];
}
