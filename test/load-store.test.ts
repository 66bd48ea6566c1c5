// SESSION_STORE: which modules are taken, and what is said of the others.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { loadStore } from "../src/load-store.ts";

// A name that a URL would misread.
const directory = mkdtempSync(join(tmpdir(), "plinth 100% #1?"));
after(() => rmSync(directory, { recursive: true }));

function module(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

const methods = "create() {}, read() { return undefined }, update() {}, delete() {}";
const whole = `{ ${methods}, listByOwner() {}, deleteByOwner() {} }`;

module("object.mjs", `export default ${whole};`);
module("function.mjs", `export default () => (${whole});`);
module("promise.mjs", `export default async () => (${whole});`);
const body = whole.replaceAll("}, ", "} ");
module("class.mjs", `class Store ${body}\nexport default () => new Store();`);
module("wrapped.mjs", `const store = ${whole};
export default { __esModule: true, ...store, default: store };`);
module("odd %41 #name?.mjs", `export default ${whole};`);

for (const [claim, path] of [
  ["a module that exports a store", "./object.mjs"],
  ["one that exports a function that makes a store", "./function.mjs"],
  ["one whose function answers with a promise", "./promise.mjs"],
  ["one whose store is of a class", "./class.mjs"],
  ["one that a compiler has wrapped, as tsx looks for", "./wrapped.mjs"],
  ["a path without a dot", "object.mjs"],
  ["an absolute path", join(directory, "object.mjs")],
  ["a file name with characters that mean something in a URL", "./odd %41 #name?.mjs"],
] as const) {
  test(`${claim} is loaded`, async () => {
    const store = await loadStore(path, directory);
    assert.equal(store.read("key" as never), undefined);
  });
}

module("named.mjs", `export const store = ${whole};`);
module("partial.mjs", `export default { ${methods} };`);
module("wrong.mjs", `export default ${whole.replace("create() {}", "create: true")};`);
module("fails.mjs", `export default () => { throw new Error("no connection\\nat all") };`);
module("rejects.mjs", `export default () => Promise.reject("refused");`);
module("silent.mjs", `export default () => { throw new AggregateError([new Error("refused")]) };`);
module("empty.mjs", `export default () => { throw new Error("\\n\\nat all") };`);
module("broken.mjs", `export default {`);
module("object-thrown.mjs", `export default () => { throw { code: 1 } };`);
module("bare-thrown.mjs", `throw Object.create(null);`);
module("null.mjs", `export default null;`);

const all = "create, read, update, delete, listByOwner, deleteByOwner";

for (const [claim, path, message] of [
  ["without a default export", "named.mjs", `Cannot use SESSION_STORE named.mjs: what it makes has no ${all}`],
  ["that exports null", "null.mjs", `Cannot use SESSION_STORE null.mjs: what it makes has no ${all}`],
  ["without all methods", "partial.mjs", "Cannot use SESSION_STORE partial.mjs: what it makes has no listByOwner, deleteByOwner"],
  ["with a method that is none", "wrong.mjs", "Cannot use SESSION_STORE wrong.mjs: what it makes has no create"],
  ["that does not start", "fails.mjs", "Cannot load SESSION_STORE fails.mjs: no connection"],
  ["that rejects", "rejects.mjs", "Cannot load SESSION_STORE rejects.mjs: refused"],
  ["that fails without a word", "silent.mjs", "Cannot load SESSION_STORE silent.mjs: AggregateError"],
  ["that throws an object", "object-thrown.mjs", "Cannot load SESSION_STORE object-thrown.mjs: it threw an object"],
  ["that throws an object without a text", "bare-thrown.mjs", "Cannot load SESSION_STORE bare-thrown.mjs: it threw an object"],
  ["that begins with empty lines", "empty.mjs", "Cannot load SESSION_STORE empty.mjs: at all"],
  ["that does not parse", "broken.mjs", "Cannot load SESSION_STORE broken.mjs: Unexpected end of input"],
] as const) {
  test(`a module ${claim} is refused in one line`, async () => {
    await assert.rejects(loadStore(path, directory), { message });
  });
}

for (const [path, found] of [
  ["./none.mjs", join(directory, "none.mjs")],
  // Drives, as on Windows.
  ["C:/none.mjs", "/C:/none.mjs"],
  ["c:\\none.mjs", "/c:/none.mjs"],
] as const) {
  test(`a module that is not there, as ${path}, is refused in one line, with its cause`, async () => {
    await assert.rejects(loadStore(path, directory), (error: Error) => {
      const start = `Cannot load SESSION_STORE ${path}: Cannot find module '${found}' imported from `;
      assert.ok(error.message.startsWith(start), error.message);
      assert.equal(error.message.includes("\n"), false);
      return error.cause instanceof Error;
    });
  });
}

test("a store that has started leaves no timer behind", async () => {
  await loadStore("./object.mjs", directory);
  assert.deepEqual(process.getActiveResourcesInfo().filter((name) => name === "Timeout"), []);
});

module("waits.mjs", `export default () => new Promise(() => {});`);
module("waits-at-once.mjs", `await new Promise(() => {});`);

for (const path of ["./waits.mjs", "./waits-at-once.mjs"]) {
  test(`a module that waits for more than ten seconds, as ${path}, is refused`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const loading = loadStore(path, directory);
    context.mock.timers.tick(9_999);
    assert.equal(await Promise.race([loading, setImmediate("pending")]), "pending");
    context.mock.timers.tick(1);
    const message = `Cannot load SESSION_STORE ${path}: it did not answer within 10000 ms`;
    await assert.rejects(loading, { message });
  });
}
