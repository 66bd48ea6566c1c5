// What the documentation names is there: links, files, npm scripts and settings.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { helpText } from "../src/config.ts";
import { anchorsOf, documents, fencesOf, linksOf, read, sourceFiles, top } from "./docs.ts";
import { wordsOf } from "./docs.ts";

test("every fence is a quotation, a transcript, or no code of ours", () => {
  const quoted = ["ts", "mjs"];
  const others = ["console", "http", "sh", "text", "mermaid", "nginx", "erlang"];
  for (const document of documents()) {
    const fences = fencesOf(document);
    const marks = read(document).match(/^\s*(?:```|~~~)/gm) ?? [];
    assert.equal(marks.length, 2 * fences.length, `${document}: a fence is not understood`);
    for (const { line, language, file } of fences) {
      const languages = file === undefined ? others : quoted;
      assert.ok(languages.includes(language), `${document}:${line}: ${language} ${file ?? ""}`);
    }
  }
});

test("every link within the project leads somewhere", () => {
  const broken = documents().flatMap(linksOf).filter(({ file, anchor }) => {
    if (!existsSync(join(top, file))) return true;
    return anchor !== undefined && !anchorsOf(file).includes(anchor);
  });
  assert.deepEqual(broken, []);
});

const isPath = /^(?:[A-Z_]+=)?(?:src|test|docs|dist)\/\S+$/;

/** Tells whether a path, or one with a star in its last part, is in the project once it is built. */
function isThere(path: string): boolean {
  const source = path.replace(/^dist\/(.*)\.js$/, "src/$1.ts");
  if (existsSync(join(top, source))) return true;
  const [, folder = "", start = "", end = ""] = /^(.*)\/([^*]*)\*(.*)$/.exec(source) ?? [];
  const names = folder === "" ? [] : readdirSync(join(top, folder));
  return names.some((name) => name.startsWith(start) && name.endsWith(end));
}

test("every file that is named exists", () => {
  const named = documents().flatMap((document) => wordsOf(document, isPath));
  assert.equal(named.length > 100, true);
  assert.deepEqual(named.filter(({ word }) => !isThere(word.replace(/.*=/, ""))), []);
  assert.deepEqual(["test/no-*.ts", "dist/no.js", "src/"].map(isThere), [false, false, true]);
});

test("every file of the source stands in README's table", () => {
  const entries = readdirSync(join(top, "src"), { withFileTypes: true });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  const rows = read("README.md").match(/^\| `[a-z].*$/gm)?.join("\n") ?? "";
  assert.deepEqual(names.filter((name) => !rows.includes(`\`${name}\``)), []);
});

test("every npm script that is named exists", () => {
  const packages = ["", ...readdirSync(join(top, "test")).map((name) => join("test", name))];
  const files = packages.map((folder) => join(folder, "package.json"));
  const found = files.filter((file) => existsSync(join(top, file)));
  const scripts = Object.assign({}, ...found.map((file) => JSON.parse(read(file)).scripts));
  const named = documents().flatMap((document) =>
    [...read(document).matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].map(([, name = ""]) => name),
  );
  const ownOfNpm = ["ci", "init", "install"];
  assert.deepEqual(named.filter((name) => !Object.hasOwn(scripts, name) && !ownOfNpm.includes(name)), []);
});

test("every command that README shows is one that .ci/run runs in a fresh clone", () => {
  const blocks = fencesOf("README.md").filter(({ language }) => language === "sh");
  const lines = blocks.flatMap(({ body }) => body.split("\n"));
  const commands = lines.map((line) => line.replace(/ +#.*/, "")).filter((command) => command !== "");
  const runs = read(".ci/run").replaceAll("\\$", "$");
  assert.equal(commands.length >= 5, true);
  assert.deepEqual(commands.filter((command) => !runs.includes(command)), []);
});

test("the settings of --help are those of README, and have the same defaults", () => {
  const help = [...helpText().matchAll(/^ {2}([A-Z_]+) .*?(?: \[(\S+)\])?$/gm)];
  const readme = [...read("README.md").matchAll(/^\| `([A-Z_]+)` \| (?:`(\S+)`)?/gm)];
  const table = (rows: RegExpExecArray[]): unknown => rows.map(([, name, fallback]) => [name, fallback]);
  assert.deepEqual(table(readme), table(help));
});

test("every setting that is named is one of --help, or of an example", () => {
  const settings = [...helpText().matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name = ""]) => name);
  const ofExamples = ["SESSION_FILE", "REDIS_URL"];
  const isKnown = (name: string): boolean => settings.includes(name) || ofExamples.includes(name);
  const named = documents().flatMap((document) => wordsOf(document, /^[A-Z]{2,}(?:_[A-Z]+)*(?:=.*)?$/));
  const unknown = named.filter(({ word }) => word.includes("_") || word.includes("="));
  assert.deepEqual(unknown.filter(({ word }) => !isKnown(word.replace(/=.*/, ""))), []);
});

test("what the table of names says that stands here is in the source", () => {
  const source = sourceFiles().map(read);
  const words = new Set(source.join("\n").match(/\w+/g));
  const cells = read("docs/article-names.md").matchAll(/^\|[^|]*\|([^|]*)\|[^|]*\|$/gm);
  const spans = [...cells].flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)]);
  const ours = spans.map(([, span = ""]) => span).filter((span) => !isPath.test(span));
  assert.equal(ours.length > 40, true);
  assert.deepEqual(ours.flatMap((span) => span.match(/\w+/g) ?? []).filter((word) => !words.has(word)), []);
});

/** The chapters of the map, in reading order, each with its reading time in minutes. */
const chapters = [...read("docs/README.md").matchAll(/^\| \d+ \| \[.*\]\((.*)\) \|.*\| (\d+) \|$/gm)].map(
  ([, name = "", minutes = ""]) => ({ file: join("docs", name), minutes: Number(minutes) }),
);

const parts: ReadonlyMap<string, RegExp> = new Map([
  ["a question", /^# .+\n\n\*\*The question:\*\* /],
  ["a picture or a table", /^(?:```mermaid|\|---)[^]*^## What could go wrong$/m],
  ["code", /^```ts /m],
  ["something to try", /^## Try it$/m],
  ["what could go wrong", /^## What could go wrong$/m],
]);

const others = ["sqlite-and-redis", "production", "vendoring"].map((name) => `docs/${name}.md`);

for (const file of [...chapters.map((chapter) => chapter.file), ...others]) {
  test(`${file} has ${[...parts.keys()].join(", ")}`, () => {
    const missing = [...parts].filter(([, pattern]) => !pattern.test(read(file)));
    assert.deepEqual(missing.map(([part]) => part), []);
  });
}

test("no page has more than 400 lines: over that it is two", () => {
  const long = documents().filter((document) => read(document).split("\n").length > 401);
  assert.deepEqual(long, []);
});

test("the map leads to every page, and its reading times are true, at 300 words a minute", () => {
  const linked = linksOf("docs/README.md").map(({ file }) => file);
  const pages = documents().filter((document) => /^docs\/(?!README)/.test(document));
  assert.deepEqual(pages.filter((page) => !linked.includes(page)), []);
  const wrong = chapters.filter(({ file, minutes }) => {
    const words = read(file).split(/\s+/).length;
    return Math.abs(words / 300 - minutes) > 1;
  });
  assert.deepEqual(wrong, []);
});

test("what is sent to the server is sent to one that was started as the map says", () => {
  const map = "README.md#to-try-it";
  for (const document of documents()) {
    const isSent = fencesOf(document).some(({ language, body }) => language === "console" && body.includes("8080"));
    assert.ok(!isSent || read(document).includes(`](${map})`), document);
  }
});

/** A file and all that it imports of ours, as long as that imports more. */
function closureOf(wanted: readonly string[]): readonly string[] {
  const files = new Set(wanted.map((name) => join("src", name)));
  // What is added while the set is walked is walked too.
  for (const file of files) {
    const imports = read(file).matchAll(/ from "(\.[^"]+)";$/gm);
    for (const [, from = ""] of imports) files.add(join(dirname(file), from));
  }
  return [...files].sort();
}

test("each set of files to copy is all that its files import, and nothing else", () => {
  const rows = read("docs/vendoring.md").matchAll(/^\| ([^|]+) \| (`[a-z].*\.ts`) \| (.*) \|$/gm);
  const sets = [...rows].map(([, name, ...cells]) => {
    const [wanted = [], needed = []] = cells.map((cell) => cell.match(/[\w/-]+\.ts/g) ?? []);
    return { name, files: [...wanted, ...needed].map((file) => join("src", file)).sort(), wanted };
  });
  assert.equal(sets.length >= 8, true);
  for (const { name, files, wanted } of sets) assert.deepEqual(files, closureOf(wanted), name);
});
