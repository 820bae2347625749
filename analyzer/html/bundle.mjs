// bundle.mjs TEMPLATE OUT: puts style, script, a policy that names both by their hashes, and the licences
// of what was bundled into the template. The result is ASCII and the same for the same sources.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const [template, out] = process.argv.slice(2);

async function bundle(entry) {
    const result = await build({
        entryPoints: [entry],
        bundle: true,
        minify: true,
        keepNames: true, // d3-flame-graph asks for a constructor's name
        format: "iife",
        target: "es2020",
        charset: "ascii",
        legalComments: "none",
        metafile: true,
        write: false,
        outdir: ".",
    });
    const text = (suffix) => result.outputFiles.filter((file) => file.path.endsWith(suffix))
        .map((file) => file.text.trim()).join("\n");
    return { script: text(".js"), style: text(".css"), inputs: Object.keys(result.metafile.inputs) };
}

const toMarkup = (text) => text.replace(/[&<>]|[^\x00-\x7f]/gu, (c) => `&#${c.codePointAt(0)};`);

// Each licence once, under the packages that have it.
function licences(inputs) {
    const folders = [...new Set(inputs.map((path) => /^node_modules\/((@[^/]+\/)?[^/]+)\//.exec(path)?.[0])
        .filter(Boolean))].sort();
    const packagesOf = new Map();
    for (const folder of folders) {
        const { name, version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
        const file = readdirSync(folder).find((candidate) => /^licen[cs]e/i.test(candidate));
        if (file === undefined) {
            throw new Error(`${name} comes without its licence`);
        }
        const text = readFileSync(folder + file, "utf8").trim();
        packagesOf.set(text, [...packagesOf.get(text) ?? [], `${name} ${version} (${license})`]);
    }
    return [...packagesOf].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n----\n\n");
}

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const { script, style, inputs } = await bundle("main.js");
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) {
    throw new Error("script or style would end its element");
}
const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; ` +
    "img-src data:; base-uri 'none'; form-action 'none'";
const parts = { "@POLICY@": policy, "@STYLE@": style, "@SCRIPT@": script,
    "@LICENCES@": toMarkup(licences(inputs)) };
let page = readFileSync(template, "utf8");
for (const [mark, text] of Object.entries(parts)) {
    if (page.split(mark).length !== 2) {
        throw new Error(`${template} must hold ${mark} once`);
    }
    page = page.replace(mark, () => text);
}
for (const mark of ["@ALLOCAUDIT_REPORT@", "@ALLOCAUDIT_TREE@"]) {
    if (page.split(mark).length !== 2) {
        throw new Error(`the page must hold ${mark} once`);
    }
}
if (/[^\x00-\x7f]/.test(page)) {
    throw new Error("the page must be ASCII");
}
writeFileSync(out, page);
