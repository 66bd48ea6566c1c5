// The documentation quotes the source word for word, and all of its core; and what it names is there.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { helpText } from "../src/config.ts";
import { anchorsOf, documents, fencesOf, linksOf, read, top } from "./docs.ts";

/** Quoted line by line: whoever reads the docs has read these. */
const core = [
  "cookie.ts",
  "reply.ts",
  "form.ts",
  "request.ts",
  "session-store.ts",
  "session-id.ts",
  "session.ts",
  "session-cookie.ts",
  "session-timeouts.ts",
  "checked-store.ts",
  "session-writer.ts",
  "session-manager.ts",
  "stores/memory-store.ts",
  "security.ts",
  "router.ts",
  "handler.ts",
  "http-server.ts",
  "login/app.ts",
  "login/username-password.ts",
].map((name) => `src/${name}`);

const fences = documents().flatMap(fencesOf);
const quotations = fences.filter((fence) => fence.file !== undefined);

for (const { place, file = "", body } of quotations) {
  test(`${place} quotes ${file}`, () => {
    assert.ok(existsSync(join(top, file)), `${place}: there is no ${file}`);
    const text = read(file);
    if (text.includes(body)) return;
    const lines = new Set(text.split("\n"));
    const wrong = body.split("\n").filter((line) => !lines.has(line));
    const reason = wrong.length > 0 ? wrong.join("\n") : "its lines, but not one after the other";
    assert.fail(`${place}: ${file} does not have\n${reason}`);
  });
}

// Imports say nothing that the map of the source does not; brackets alone say nothing.
function saysSomething(line: string): boolean {
  return !/^[\s{}()[\];,]*$/.test(line) && !/^import .* from ".*";$/.test(line);
}

function unquoted(file: string): readonly string[] {
  const text = read(file);
  const isQuoted = text.split("\n").map(() => false);
  for (const { body } of quotations.filter((quotation) => quotation.file === file)) {
    const at = text.indexOf(body);
    if (at === -1) continue;
    const first = text.slice(0, at).split("\n").length - 1;
    isQuoted.fill(true, first, first + body.split("\n").length);
  }
  const lines = text.split("\n").map((line, index) => ({ line, number: index + 1 }));
  const missing = lines.filter(({ line }, index) => saysSomething(line) && !isQuoted[index]);
  return missing.map(({ line, number }) => `${file}:${number}: ${line}`);
}

for (const file of core) {
  test(`every line of ${file} is quoted somewhere`, () => {
    assert.deepEqual(unquoted(file), []);
  });
}

test("every link within the project leads somewhere", () => {
  const broken = documents().flatMap(linksOf).filter(({ file, anchor }) => {
    if (!existsSync(join(top, file))) return true;
    return anchor !== undefined && !anchorsOf(file).includes(anchor);
  });
  assert.deepEqual(broken, []);
});

test("every npm script that is named exists", () => {
  const packages = ["", ...readdirSync(join(top, "test")).map((name) => join("test", name))];
  const files = packages.map((folder) => join(folder, "package.json"));
  const found = files.filter((file) => existsSync(join(top, file)));
  const scripts = Object.assign({}, ...found.map((file) => JSON.parse(read(file)).scripts));
  const named = documents().flatMap((document) =>
    [...read(document).matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => name),
  );
  assert.deepEqual(named.filter((name) => !Object.hasOwn(scripts, name)), []);
});

test("the settings of --help are those of README, and have the same defaults", () => {
  const help = [...helpText().matchAll(/^ {2}([A-Z_]+) .*?(?: \[(\S+)\])?$/gm)];
  const readme = [...read("README.md").matchAll(/^\| `([A-Z_]+)` \| (?:`(\S+)`)?/gm)];
  const table = (rows: RegExpExecArray[]): unknown => rows.map(([, name, fallback]) => [name, fallback]);
  assert.deepEqual(table(readme), table(help));
});
