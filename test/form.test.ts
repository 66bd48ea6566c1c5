// Forms: what a body may be, and what its fields are. Nothing is repaired.

import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { test } from "node:test";
import { checkFormHeaders, hasBody, maxFormSize, parseForm } from "../src/form.ts";

const bodies: readonly (readonly [claim: string, headers: IncomingHttpHeaders, has: boolean])[] = [
  ["no field about a body is no body", {}, false],
  ["a length of 0 is no body", { "content-length": "0" }, false],
  ["a length is a body", { "content-length": "1" }, true],
  ["chunks are a body", { "transfer-encoding": "chunked" }, true],
  ["a type alone is no body", { "content-type": "text/plain" }, false],
];

for (const [claim, headers, has] of bodies) {
  test(claim, () => assert.equal(hasBody(headers), has));
}

const form = "application/x-www-form-urlencoded";
const types: readonly (readonly [claim: string, type: string | undefined, isForm: boolean])[] = [
  ["the type alone", form, true],
  ["in upper case", form.toUpperCase(), true],
  ["with its charset", `${form};charset=utf-8`, true],
  ["with spaces and tabs", `${form} \t; \tcharset=UTF-8 \t`, true],
  ["with a quoted charset", `${form}; charset="utf-8"`, true],
  ["with a space behind it", `${form} `, true],
  ["no type", undefined, false],
  ["an empty type", "", false],
  ["JSON", "application/json", false],
  ["a file form", "multipart/form-data; boundary=x", false],
  ["plain text", "text/plain", false],
  ["another charset", `${form}; charset=iso-8859-1`, false],
  ["a longer charset", `${form}; charset=utf-8x`, false],
  ["a charset quoted at one end", `${form}; charset="utf-8`, false],
  ["an empty parameter", `${form};`, false],
  ["two types", `${form}, ${form}`, false],
  ["two parameters", `${form}; charset=utf-8; charset=utf-8`, false],
  ["a longer type", `${form}2`, false],
  ["something before it", `x${form}`, false],
];

for (const [claim, type, isForm] of types) {
  test(`${claim} ${isForm ? "is a form" : "is 415"}`, () => {
    const headers = type === undefined ? {} : { "content-type": type };
    const message = "Send a form: application/x-www-form-urlencoded, in UTF-8.";
    if (isForm) assert.equal(checkFormHeaders(headers), undefined);
    else assert.throws(() => checkFormHeaders(headers), { name: "HttpError", status: 415, message });
  });
}

test("a compressed form is 415, whatever the coding", () => {
  for (const coding of ["gzip", "br", "identity", ""]) {
    const headers = { "content-type": form, "content-encoding": coding };
    assert.throws(() => checkFormHeaders(headers), { status: 415, message: /content encoding/ });
  }
});

test("a form of 8,192 bytes may be announced, one more is 413", () => {
  const headers = { "content-type": form };
  checkFormHeaders({ ...headers, "content-length": "8192" });
  const tooLarge = { status: 413, message: "Send a form of at most 8192 bytes." };
  assert.throws(() => checkFormHeaders({ ...headers, "content-length": "8193" }), tooLarge);
  const huge = { ...headers, "content-length": "9".repeat(400) };
  assert.throws(() => checkFormHeaders(huge), tooLarge);
  assert.equal(maxFormSize, 8192);
});

type Pairs = readonly (readonly [string, string])[];

const forms: readonly (readonly [claim: string, body: string, pairs: Pairs])[] = [
  ["an empty body has no field", "", []],
  ["fields come in order", "b=1&a=2", [["b", "1"], ["a", "2"]]],
  ["a plus is a space, in names too", "a+b=c+d++", [["a b", "c d  "]]],
  ["an escaped plus is a plus", "a=%2B", [["a", "+"]]],
  ["escapes are UTF-8", "n%C3%A9=%E2%9C%93", [["né", "✓"]]],
  ["raw UTF-8 is taken too", "né=✓", [["né", "✓"]]],
  ["a letter and its accent are not made one", "e\u0301=e%CC%81", [["e\u0301", "e\u0301"]]],
  ["a field without = is empty", "a&b", [["a", ""], ["b", ""]]],
  ["a field without a name has the empty one", "=x", [["", "x"]]],
  ["the first = ends the name", "a=b=c", [["a", "b=c"]]],
  ["an escaped = and & are text", "a=%3D%26", [["a", "=&"]]],
  ["empty pairs are skipped", "&&a=1&", [["a", "1"]]],
  ["a semicolon is text", "a=1;b=2", [["a", "1;b=2"]]],
  ["NUL is text here", "a=%00", [["a", "\0"]]],
  ["a byte order mark is text", "\ufeffa=1", [["\ufeffa", "1"]]],
  ["names of objects are names", "__proto__=1&constructor=2", [["__proto__", "1"], ["constructor", "2"]]],
];

for (const [claim, body, pairs] of forms) {
  test(claim, () => assert.deepEqual([...parseForm(Buffer.from(body))], pairs));
}

const malformed: readonly (readonly [claim: string, body: string | readonly number[]])[] = [
  ["a lone percent", "a=%"],
  ["half an escape", "a=%4"],
  ["an escape of other letters", "a=%zz"],
  ["a bad escape in a name", "%=a"],
  ["an escape that is not UTF-8", "a=%ff"],
  ["an overlong escape", "a=%c0%af"],
  ["an escaped surrogate", "a=%ed%a0%80"],
  ["a byte that is not UTF-8", [0x61, 0x3d, 0xff]],
  ["half a character", [0x61, 0x3d, 0xc3]],
];

for (const [claim, body] of malformed) {
  test(`${claim} is 400`, () => {
    const message = "Send the form in UTF-8, percent-encoded.";
    const bytes = typeof body === "string" ? Buffer.from(body) : Uint8Array.from(body);
    assert.throws(() => parseForm(bytes), { name: "HttpError", status: 400, message });
  });
}

test("a repeated field is 400, whatever its spelling", () => {
  const repeated = { status: 400, message: "Send each field once." };
  assert.throws(() => parseForm(Buffer.from("a=1&a=1")), repeated);
  assert.throws(() => parseForm(Buffer.from("a=1&%61=2")), repeated);
  assert.throws(() => parseForm(Buffer.from("=1&=2")), repeated);
});

test("16 fields are a form, 17 are 400", () => {
  const fields = Array.from({ length: 17 }, (_, index) => `f${index}=`);
  assert.equal(parseForm(Buffer.from(fields.slice(1).join("&"))).size, 16);
  const tooMany = { status: 400, message: "Send at most 16 fields." };
  assert.throws(() => parseForm(Buffer.from(fields.join("&"))), tooMany);
});
