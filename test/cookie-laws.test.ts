// Laws that hold for every input, over seeded random ones. SEED=<number> repeats a run.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CookieOptions,
  getCookie,
  parseCookiePairs,
  parseCookies,
  serializeCookie,
} from "../src/cookie.ts";
import { seededRandom, seedFromEnvironment, type SeededRandom } from "./seeded-random.ts";

const seed = seedFromEnvironment();

// Runs a law on so many inputs; what fails says which seed repeats it, and on what it failed.
function law(claim: string, inputs: number, check: (random: SeededRandom) => void): void {
  test(`${claim} (SEED=${seed}, ${inputs} inputs)`, () => {
    const random = seededRandom(seed);
    for (let input = 0; input < inputs; input++) check(random);
  });
}

const names = [
  "a", "aa", "b", "a b", "__Host-a", "\xa0a", "%61", "__proto__", '"a', "A", "a\t a",
] as const;
const pieces = [
  ...names, ";", ";", "; ", "=", "=", "=", " ", "\t", "  ", '"', ",", "\\", "+", "\0", "\r", "\n",
  "\x7f", "\xe9", "\u2028", "%", "%4", "%41", "%zz", "%C3", "%A9", "%c3%a9", "%E2%82%AC",
  "%ED%A0%80",
  "%C0%80", "%F0%9F%98%80", "%F4%90%80%80", "%25", "%3B", "%3d", "%00", "1", "$Version",
] as const;
const octets = Array.from({ length: 256 }, (_, code) => `%${code.toString(16).padStart(2, "0")}`);

function headerText(random: SeededRandom): string {
  let text = "";
  for (let left = random.below(14); left > 0; left--) text += random.pick(pieces);
  return text;
}

function whole(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function bare(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

// The rules again, in as few and as slow words as possible.
function plainPairs(header: string): [string, string][] {
  return header
    .split(";")
    .filter((piece) => piece.includes("="))
    .map((piece): [string, string] => {
      const equals = piece.indexOf("=");
      return [bare(piece.slice(0, equals)), whole(bare(piece.slice(equals + 1)))];
    })
    .filter(([name]) => name !== "");
}

// Cheaper than deepEqual, a hundred thousand times.
function same(actual: unknown, expected: unknown, input: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) assert.fail(`SEED=${seed} ${JSON.stringify(input)}: ${left}, not ${right}`);
}

law("pairs are those of the rules in plain words", 100_000, (random) => {
  const header = headerText(random);
  same(parseCookiePairs(header), plainPairs(header), header);
});

law("getCookie and parseCookies give the first of each name, and no other", 100_000, (random) => {
  const header = headerText(random);
  const first = new Map(parseCookiePairs(header).toReversed());
  const cookies = parseCookies(header);
  same(cookies.size, first.size, header);
  for (const name of [...cookies.keys(), random.pick(names), random.pick(pieces)]) {
    const value = first.get(name);
    same([getCookie(header, name), cookies.get(name)], [value, value], [header, name]);
    if (cookies.has(name) && !header.includes(name)) same(name, "a name in the header", header);
  }
});

law('reading a + "; " + b is reading a, then b (RFC 9113, 8.2.3)', 100_000, (random) => {
  const [a, b] = [headerText(random), headerText(random)];
  same(parseCookiePairs(`${a}; ${b}`), [...parseCookiePairs(a), ...parseCookiePairs(b)], [a, b]);
});

law("any octets are decoded as decodeURIComponent does it, or stay", 100_000, (random) => {
  let value = "";
  for (let left = random.below(6); left >= 0; left--) {
    // Half of them near the borders of UTF-8, where the rules change.
    const border = random.pick([0x7e, 0x8e, 0x9e, 0xc0, 0xe0, 0xeb, 0xf0, 0xf5]);
    const near = border + random.below(4);
    value += octets[random.below(2) === 0 ? random.below(256) : near] ?? "";
    if (random.below(8) === 0) value += random.pick(["x", "%", " x", "%4"]);
  }
  same(getCookie(`a=${value}`, "a"), whole(value), value);
});

const tokenCharacters = "!#$%&'*+-.^_`|~0189AZaz";
const characters = [
  "a", "Z", "0", " ", "%", "%41", ";", "=", ",", '"', "\\", "\0", "\r\n", "\x7f", "é", "\uffff",
  "😀", "+", "/",
] as const;

function some<T>(random: SeededRandom, value: T): T | undefined {
  return random.below(2) === 0 ? value : undefined;
}

function randomOptions(random: SeededRandom): CookieOptions {
  const secure = random.below(2) === 0;
  return {
    secure,
    maxAge: some(random, random.below(2 ** 31)),
    expires: some(random, new Date(random.below(2 ** 31) * 1000)),
    domain: some(random, random.pick(["a.example", "localhost", "x-1.a.b"])),
    path: some(random, random.pick(["/", "/a b/c=d", "/%3B,"])),
    httpOnly: some(random, random.below(2) === 0),
    sameSite: some(random, random.pick(["strict", "lax", secure ? "none" : "lax"])),
    partitioned: some(random, secure && random.below(2) === 0),
    priority: some(random, random.pick(["low", "medium", "high"])),
  };
}

// set-cookie-string (bis 4.1.1), with each attribute at most once; Partitioned and Priority are
// extension-av. IMF-fixdate: RFC 9110, 5.6.7.
const fixdate = "[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT";
const setCookieString = new RegExp(
  "^[!#$%&'*+.^_`|~0-9A-Za-z-]+=[\\x21\\x23-\\x2B\\x2D-\\x3A\\x3C-\\x5B\\x5D-\\x7E]*" +
    "(; Domain=[A-Za-z0-9.-]+)?(; Path=/[\\x20-\\x3A\\x3C-\\x7E]*)?(; Max-Age=\\d+)?" +
    `(; Expires=${fixdate})?(; Secure)?(; HttpOnly)?(; SameSite=(Strict|Lax|None))?` +
    "(; Partitioned)?(; Priority=(Low|Medium|High))?$",
);

law("what is written obeys the grammar, and is read back as it was given", 100_000, (random) => {
  let name = "";
  for (let left = random.below(5); left >= 0; left--) {
    name += tokenCharacters[random.below(tokenCharacters.length)] ?? "";
  }
  let value = "";
  for (let left = random.below(8); left > 0; left--) value += random.pick(characters);
  const options = randomOptions(random);
  const text = serializeCookie(name, value, options);
  same(setCookieString.test(text), true, text);
  same(text.split("; ").length - 1, countSet(options), text);
  const sent = text.split("; ", 1)[0] ?? "";
  same(parseCookiePairs(`x=1; ${sent}; y=2`), [["x", "1"], [name, value], ["y", "2"]], text);
});

function countSet(options: CookieOptions): number {
  return Object.values(options).filter((value) => value !== undefined && value !== false).length;
}

const anything: readonly [unknown, ...unknown[]] = [
  undefined, null, true, false, 0, -1, 1.5, 60, 2 ** 53, Number.NaN, "", "/", "/b", "/;", "/\n", "b", "a.b", ".a.b",
  "a;b", "\ud800", "x".repeat(5000), "lax", "none", "Lax", "high", new Date(0), new Date(Number.NaN), {}, [],
  { toString: () => "/" }, Symbol("/"),
];
const anyName = ["a", "a", "__Host-a", "__secure-a", "__HTTP-a", "__host-http-a", "", "a b", "a;", "é", 1] as const;
const everyOption = [
  "secure", "httpOnly", "path", "domain", "maxAge", "expires", "sameSite", "partitioned", "priority",
] as const;

law("whatever is asked: a refusal that names the cookie, or what a browser keeps", 100_000, (random) => {
  const name: unknown = random.pick(anyName);
  const value = random.below(8) === 0 ? random.pick(anything) : random.pick(characters);
  const options: Record<string, unknown> = { secure: true, httpOnly: true, path: "/" };
  for (const key of everyOption) if (random.below(6) === 0) options[key] = random.pick(anything);
  const input = [name, value, options];
  let text = "";
  try {
    text = Reflect.apply(serializeCookie, undefined, [name, value, options]);
  } catch (error) {
    const isRefusal = error instanceof TypeError || error instanceof RangeError;
    const says = isRefusal ? error.message : String(error);
    const shown = typeof name === "string" ? JSON.stringify(name) : typeof name;
    same(says.startsWith(`Cannot serialize cookie ${shown}: `), true, [input, says]);
    return;
  }
  same(setCookieString.test(text), true, input);
  same(/^__/.test(text) && !text.includes("; Secure"), false, input);
  same(/^__(host-)?http-/i.test(text) && !text.includes("; HttpOnly"), false, input);
  same(/^__host-/i.test(text) && !/^[^;]*; Path=\/(;|$)/.test(text), false, input);
  same(/; (SameSite=None|Partitioned)/.test(text) && !text.includes("; Secure"), false, input);
});
