// Every claim of the documentation names the line that makes it true and the test that proves it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents, read, top } from "./docs.ts";

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
function isThere(cell: string): boolean {
  const [, file = "", text = ""] = /^`([^`]+)`: `(.+)`$/.exec(cell.replaceAll("\\|", "|")) ?? [];
  // A shorter text is found anywhere.
  return text.length >= 7 && existsSync(join(top, file)) && read(file).includes(text);
}

const claims = documents().flatMap(claimsOf);

for (const { place, claim, line, test: name } of claims) {
  test(`${place}: ${claim}`, () => {
    assert.ok(isThere(line), `there is no such line: ${line}`);
    assert.ok(name.startsWith("`test/") && isThere(name), `there is no such test: ${name}`);
  });
}

test("there are claims, and a row that names nothing is found out", () => {
  assert.ok(claims.length > 100);
  assert.equal(isThere("`src/cookie.ts`: `no such code`"), false);
  assert.equal(isThere("`src/cookie.ts`: `const`"), false);
  assert.equal(isThere("`src/none.ts`: `export function`"), false);
  assert.equal(isThere("src/cookie.ts"), false);
});
