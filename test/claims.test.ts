// Every claim of the documentation names the line that makes it true and the test that proves it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents, read, top } from "./docs.ts";
import { tokensOf, withoutComments } from "./tokens.ts";

interface Claim {
  readonly place: string;
  readonly claim: string;
  readonly line: string;
  readonly test: string;
}

/** The rows of every table whose last two columns are "The line" and "The test". */
function claimsOf(document: string): readonly Claim[] {
  const claims: Claim[] = [];
  let isClaims = false;
  for (const [index, row] of read(document).split("\n").entries()) {
    if (!row.startsWith("|")) isClaims = false;
    const cells = row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
    const [claim = "", line = "", name = ""] = cells;
    if (line === "The line" && name === "The test") isClaims = true;
    else if (isClaims && !/^-+$/.test(line)) {
      claims.push({ place: `${document}:${index + 1}`, claim, line, test: name });
    }
  }
  return claims;
}

/** Whether a cell like "`src/a.ts`: `some code`" names a file and a text that is in it. */
function isThere(cell: string, fileOf: (file: string) => string | undefined = readIfThere): boolean {
  const [, file = "", text = ""] = /^`([^`]+)`: `(.+)`$/.exec(cell.replaceAll("\\|", "|")) ?? [];
  // A shorter text is found anywhere.
  return text.length >= 7 && proofIn(file, fileOf(file) ?? "").includes(text);
}

/** What of a file can prove something: no comment, and nothing where tests may be left out. */
function proofIn(file: string, content: string): string {
  if (!/\.(?:ts|mjs|json)$/.test(file)) return content;
  const words = tokensOf(content).filter(({ kind }) => kind === "word");
  // The whole file: words do not tell which rows of a table a skipped test would have run.
  const isSkipping = words.some(({ text }) => /^(?:skip|todo)$/.test(text));
  return file.startsWith("test/") && isSkipping ? "" : withoutComments(content);
}

function readIfThere(file: string): string | undefined {
  return existsSync(join(top, file)) ? read(file) : undefined;
}

const claims = documents().flatMap(claimsOf);

for (const { place, claim, line, test: name } of claims) {
  test(`${place}: ${claim}`, () => {
    assert.ok(isThere(line), `there is no such line: ${line}`);
    assert.ok(name.startsWith("`test/") && isThere(name), `there is no such test: ${name}`);
  });
}

test("there are claims, and a row that names nothing is found out", () => {
  assert.equal(claims.length > 100, true);
  assert.equal(isThere("`src/cookie.ts`: `no such code`"), false);
  assert.equal(isThere("`src/cookie.ts`: `const`"), false);
  assert.equal(isThere("`src/none.ts`: `export function`"), false);
  assert.equal(isThere("src/cookie.ts"), false);
});

for (const [claim, file, content, isFound] of [
  ["code counts", "src/a.ts", "some code; // Why.", true],
  ["a comment does not", "src/a.ts", "// some code", false],
  ["nor does one behind code", "src/a.ts", "let a; // some code", false],
  ["nor does one of many lines", "src/a.ts", "/**\n * some code\n */", false],
  ["what looks like a comment in a string is none", "src/a.ts", 'f("/*"); some code; f("*/");', true],
  ["what looks like a comment in a pattern is none", "src/a.ts", "a = /[/*]/; some code; // */", true],
  ["what looks like a comment in a template is none", "src/a.ts", "`//${a}// some code`", true],
  ["a test counts", "test/a.test.ts", 'test("some code", f);', true],
  ["one that is commented out does not", "test/a.test.ts", '// test("some code", f);', false],
  ["nor does one that is skipped", "test/a.test.ts", 'test.skip("some code", f);', false],
  ["nor by an option", "test/a.test.ts", 'test("some code", { skip: isSlow }, f);', false],
  ["nor by its context", "test/a.test.ts", 'test("some code", (t) => t.skip());', false],
  ["nor a row of a table", "test/a.mjs", 'for (const a of ["some code"]) it.todo(a, f);', false],
  ["the word skip in a text skips nothing", "test/a.test.ts", 'test("skip some code", f);', true],
  ["a file that is no code counts whole", "docs/a.md", "// some code", true],
] as const) {
  test(`of the text that a row names: ${claim}`, () => {
    assert.equal(isThere(`\`${file}\`: \`some code\``, () => content), isFound);
  });
}
