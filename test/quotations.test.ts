// The documentation quotes the source word for word, and all of its core.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents, fencesOf, read, sourceFiles, top } from "./docs.ts";
import type { Fence } from "./docs.ts";
import { meantBy, placeOf, saysSomething } from "./quotation.ts";

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

const source = sourceFiles();

interface Quotation extends Fence {
  readonly file: string;
}

function isQuotation(fence: Fence): fence is Quotation {
  return fence.file !== undefined;
}

const quotations = documents().flatMap(fencesOf).filter(isQuotation);

/** What is wrong with a quotation: where it differs from its source first, and all that differs. */
function faultOf({ document, line, file, body }: Quotation, text: string): string | undefined {
  const [quoted, lines] = [body.split("\n"), text.split("\n")];
  if (placeOf(quoted, lines) !== undefined) return undefined;
  const place = meantBy(quoted, lines);
  if (place === undefined) return `${document}:${line} quotes ${file}, which has none of its lines`;
  const meant = lines.slice(place.first, place.last + 1);
  const at = quoted.findIndex((one, index) => one !== meant[index]);
  const difference = { actual: quoted, expected: meant, operator: "deepStrictEqual" };
  return (
    `${document}:${line + 1 + at} is not what stands in ${file}:${place.first + 1 + at}\n` +
    new assert.AssertionError(difference).message
  );
}

for (const quotation of quotations) {
  const { document, line, file } = quotation;
  test(`${document}:${line} quotes ${file}`, () => {
    assert.ok(existsSync(join(top, file)), `${document}:${line}: there is no ${file}`);
    const fault = faultOf(quotation, read(file));
    assert.ok(fault === undefined, fault);
  });
}

interface Count {
  /** Lines that say something, and are quoted nowhere. */
  readonly missing: readonly string[];
  /** How many lines say something. */
  readonly total: number;
}

function count(file: string): Count {
  const lines = read(file).split("\n");
  const isQuoted = lines.map(() => false);
  for (const { body } of quotations.filter((quotation) => quotation.file === file)) {
    const place = placeOf(body.split("\n"), lines);
    if (place !== undefined) isQuoted.fill(true, place.first, place.last + 1);
  }
  const telling = lines.map((line, at) => ({ line, at })).filter(({ line }) => saysSomething(line));
  const missing = telling.filter(({ at }) => isQuoted[at] === false);
  const places = missing.map(({ line, at }) => `${file}:${at + 1}: ${line}`);
  return { missing: places, total: telling.length };
}

for (const file of core) {
  test(`every line of ${file} is quoted somewhere`, () => {
    assert.deepEqual(count(file).missing, []);
  });
}

test("how much of the rest is quoted", (context) => {
  const rest = source.filter((file) => !core.includes(file)).map((file) => ({ file, ...count(file) }));
  const quotedOf = ({ missing, total }: Count): number => total - missing.length;
  for (const one of rest) {
    context.diagnostic(`${one.file}: ${quotedOf(one)} of ${one.total} lines are quoted`);
  }
  const quoted = rest.reduce((sum, one) => sum + quotedOf(one), 0);
  const total = rest.reduce((sum, one) => sum + one.total, 0);
  context.diagnostic(`${quoted} of ${total} lines, ${Math.round((100 * quoted) / total)} %`);
  assert.equal(rest.length, source.length - core.length);
});

const original = ["// A file.", "", "/** One. */", "const one = 1;", "", "/** Two. */", "const two = 2;"];

for (const [claim, quoted, fault] of [
  ["the whole file", original, undefined],
  ["lines in a row", original.slice(3, 6), undefined],
  ["a changed line", ["/** One. */", "const one = 2;"], "d.md:12 is not what stands in s.ts:4"],
  ["the first line is changed", ["/** 1. */", "const one = 1;"], "d.md:11 is not what stands in s.ts:3"],
  ["a line is missing", original.toSpliced(4, 1), "d.md:15 is not what stands in s.ts:5"],
  ["a line is added", original.toSpliced(2, 0, "new"), "d.md:13 is not what stands in s.ts:3"],
  ["the order is another", original.slice(2, 4).toReversed(), "d.md:12 is not what stands in s.ts:5"],
  ["half a line", ["const one"], "d.md:10 quotes s.ts, which has none of its lines"],
  ["nothing but brackets is right", ["three()", "", "}"], "which has none of its lines"],
] as const) {
  test(`a quotation: ${claim}${fault === undefined ? " is right" : ", is found out"}`, () => {
    const fence = { document: "d.md", line: 10, language: "ts", file: "s.ts", body: quoted.join("\n") };
    const found = faultOf(fence, `${original.join("\n")}\n`);
    assert.ok(fault === undefined ? found === undefined : found?.includes(fault), found);
  });
}

test("the fault of a quotation shows what differs", () => {
  const body = "/** One. */\nconst one = 2;";
  const fence = { document: "d.md", line: 10, language: "ts", file: "s.ts", body };
  const fault = faultOf(fence, original.join("\n"));
  assert.match(fault ?? "", /^\+ +'const one = 2;'\n- +'const one = 1;'$/m);
});
