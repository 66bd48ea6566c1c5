// The session's cookie: which ids are taken from a request, what the browser is told.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SessionCookie } from "../src/session-cookie.ts";
import { hashSessionId } from "../src/session-id.ts";

const cookie = new SessionCookie(true, undefined);
const plain = new SessionCookie(false, undefined);
const name = "__Host-session_id";
const a = "a".repeat(43);
const b = "b".repeat(43);
const c = "c".repeat(43);
const d = "d".repeat(43);
const e = "e".repeat(43);

describe("the browser is told", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    [
      "an id over https: for this host alone, unseen by scripts, until the browser is closed",
      cookie.give(a),
      `__Host-session_id=${a}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    ],
    [
      "an id over plain http, under another name",
      plain.give(a),
      `session_id=${a}; Path=/; HttpOnly; SameSite=Lax`,
    ],
    [
      "an id that outlives the browser, in seconds",
      new SessionCookie(true, 28_800).give(a),
      `__Host-session_id=${a}; Path=/; Max-Age=28800; Secure; HttpOnly; SameSite=Lax`,
    ],
    [
      "to forget an id, with the attributes that set it",
      cookie.clear(),
      `${name}=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT` +
        "; Secure; HttpOnly; SameSite=Lax",
    ],
    [
      "to forget an id over plain http",
      plain.clear(),
      "session_id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" +
        "; HttpOnly; SameSite=Lax",
    ],
    [
      "to forget a lasting id: its life is not repeated",
      new SessionCookie(true, 28_800).clear(),
      cookie.clear(),
    ],
  ];
  for (const [claim, header, expected] of rows) test(claim, () => assert.equal(header, expected));
});

describe("ids are taken from a request:", () => {
  const rows: readonly (readonly [string, string | undefined, readonly string[]])[] = [
    ["none without cookies", undefined, []],
    ["none from an empty header", "", []],
    ["none from other cookies", `theme=dark; id=${a}`, []],
    ["the one that is alone", `${name}=${a}`, [a]],
    ["the one among others", `theme=dark; ${name}=${a}; cart=1`, [a]],
    ["none of an empty value", `${name}=`, []],
    ["none that is too short", `${name}=${a.slice(1)}`, []],
    ["none that is too long", `${name}=${a}a`, []],
    ["none that has other characters", `${name}=${a.slice(1)}!`, []],
    ["none in quotes", `${name}="${a}"`, []],
    ["none spelled with percent escapes", `${name}=${a.slice(1)}%61`, []],
    ["none in whose escape stands what it means", `${name}=%31${"1".repeat(42)}`, []],
    ["none of a name that ends in ours", `x${name}=${a}`, []],
    ["none of a name that begins with ours", `${name}x=${a}`, []],
    ["none of a name in other letters", `__host-session_id=${a}`, []],
    ["none of the name without prefix", `session_id=${a}`, []],
    ["ours, though a name that ends in ours comes first", `x${name}=${a}; ${name}=${b}`, [b]],
    ["ours, though our name is another's value", `x=${name}=${a}; ${name}=${b}`, [b]],
    ["all of several, as they come", `${name}=${b}; theme=dark; ${name}=${a}`, [b, a]],
    ["the well-formed of several", `${name}=x; ${name}=${a}; ${name}=; ${name}=${b}`, [a, b]],
    ["not the escaped of several", `${name}=${a.slice(1)}%61; ${name}=${b}`, [b]],
    [
      "four of five: each is a question to the store",
      [a, b, c, d, e].map((id) => `${name}=${id}`).join("; "),
      [a, b, c, d],
    ],
    [
      "one that came twice costs one question, and counts once for the four",
      [a, a, b, c, d].map((id) => `${name}=${id}`).join("; "),
      [a, b, c, d],
    ],
    [
      "malformed ones do not count for the four",
      ["x", "y", "z", "", a].map((id) => `${name}=${id}`).join("; "),
      [a],
    ],
  ];
  for (const [claim, header, ids] of rows) {
    test(claim, () => assert.deepEqual(cookie.keysIn(header), ids.map(hashOf)));
  }

  test("over plain http by the other name, and not by the first", () => {
    assert.deepEqual(plain.keysIn(`session_id=${a}`), [hashSessionId(a)]);
    assert.deepEqual(plain.keysIn(`${name}=${a}`), []);
    assert.deepEqual(plain.keysIn(`${name}=${a}; session_id=${b}`), [hashSessionId(b)]);
  });
});

// An arrow would be given the index too.
function hashOf(id: string): string {
  return hashSessionId(id);
}

describe("a request has a session cookie", () => {
  const rows: readonly (readonly [string, string | undefined, boolean])[] = [
    ["whatever its value is", `${name}=x`, true],
    ["also when it is empty", `${name}=`, true],
    ["but not without cookies", undefined, false],
    ["but not of another name", `session_id=${a}`, false],
  ];
  for (const [claim, header, isIn] of rows) {
    test(claim, () => assert.equal(cookie.isIn(header), isIn));
  }
});
