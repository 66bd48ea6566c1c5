// The floors of the source: a file imports only from those below it, and nothing from outside.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src", import.meta.url));

/** The reading order, as README and docs have it: what a file imports stands before it. */
const floors = [
  "cookie.ts",
  "reply.ts",
  "form.ts",
  "session-store.ts",
  "session-id.ts",
  "session.ts",
  "session-cookie.ts",
  "session-timeouts.ts",
  "checked-store.ts",
  "session-writer.ts",
  "session-manager.ts",
  "request.ts",
  "security.ts",
  "router.ts",
  "handler.ts",
  "http-server.ts",
  "stores/memory-store.ts",
  "stores/redis-store.ts",
  "stores/sqlite-store.ts",
  "login/password.ts",
  "login/password-checker.ts",
  "login/users.ts",
  "login/throttle.ts",
  "login/log.ts",
  "login/browser-name.ts",
  "login/layout.ts",
  "login/views.ts",
  "login/error-page.ts",
  "login/username-password.ts",
  "login/app.ts",
  "config.ts",
  "load-store.ts",
  "server.ts",
  "login/typed-line.ts",
  "hash-password.ts",
];

const copiedAlone = ["cookie.ts", "reply.ts", "session-store.ts", ...floors.filter(isStore)];

function isStore(file: string): boolean {
  return file.startsWith("stores/");
}

interface Import {
  readonly isType: boolean;
  readonly from: string;
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(source, file), "utf8");
  const statements = text.matchAll(/^(?:import|export)\s(type\s)?[^;]*?\sfrom\s"([^"]+)";$/gm);
  return [...statements].map(([, type, from = ""]) => ({ isType: type !== undefined, from }));
}

test("nothing is installed at run time", () => {
  const manifest = readFileSync(join(source, "../package.json"), "utf8");
  const kinds = Object.keys(JSON.parse(manifest)).filter((name) => /dependencies$/i.test(name));
  assert.deepEqual(kinds, ["devDependencies"]);
});

test("every source file has its floor", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  assert.deepEqual(files.filter((file) => file.endsWith(".ts")).sort(), [...floors].sort());
});

test("every import is seen by this test", () => {
  for (const file of floors) {
    const text = readFileSync(join(source, file), "utf8");
    const words = text.match(/^(?:import|export [*{]|export type \{)|\bimport\(/gm) ?? [];
    const dynamic = file === "load-store.ts" ? 1 : 0;
    assert.equal(words.length, importsOf(file).length + dynamic, file);
  }
});

for (const [floor, file] of floors.entries()) {
  test(`${file} imports only from the floors below it, node:http and node:crypto`, () => {
    for (const { from } of importsOf(file)) {
      if (from === "node:http" || from === "node:crypto") continue;
      const imported = normalize(join(dirname(file), from));
      assert.ok(floors.slice(0, floor).includes(imported), `${file} imports ${from}`);
    }
  });
}

for (const file of copiedAlone) {
  test(`${file} can be copied alone: of ours it imports types at most`, () => {
    const ours = importsOf(file).filter(({ from }) => from.startsWith("."));
    assert.deepEqual(ours.filter(({ isType }) => !isType), []);
  });
}
