// cookie.ts against the packages that people use: every disagreement belongs to a class named here.
// An input that disagrees outside its class, or a class that no input falls into, fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as cookie1 from "cookie";
import * as cookie2 from "cookie-newest";
import * as tough from "tough-cookie";
import { getCookie, parseCookies, serializeCookie } from "../../src/cookie.ts";
import { seededRandom, seedFromEnvironment, type SeededRandom } from "../seeded-random.ts";

const seed = seedFromEnvironment();
const inputs = 50_000;

interface Class<Input> {
  readonly name: string;
  /** What they do, what we do, and why ours is right. */
  readonly why: string;
  readonly holds: (input: Input) => boolean;
}

// Compares over random inputs. `agree` says whether both did the same; if not, a class says why.
function differ<Input>(
  peer: string,
  make: (random: SeededRandom) => Input,
  agree: (input: Input) => boolean,
  classes: readonly Class<Input>[],
): void {
  test(`${peer}: every disagreement has a named reason (SEED=${seed}, ${inputs} inputs)`, () => {
    const random = seededRandom(seed);
    const counts = new Map(classes.map(({ name }) => [name, 0]));
    for (let left = inputs; left > 0; left--) {
      const input = make(random);
      if (agree(input)) continue;
      const reasons = classes.filter(({ holds }) => holds(input));
      if (reasons.length === 0) assert.fail(`SEED=${seed}: no reason for ${JSON.stringify(input)}`);
      for (const { name } of reasons) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const [name, count] of counts) assert.ok(count > 0, `SEED=${seed}: never seen: ${name}`);
  });
}

const pieces = [
  "a", "b", "aa", "__Host-a", "\xa0a", "__proto__", "=", "=", "=", "=", ";", "; ", "; ", " ", "\t",
  '"', ",", "%", "%41", "%zz", "%C3%A9", "%E2%82", "1", "\\", "\n", "\0", "\xe9", "Path", "Secure",
] as const;

function headerText(random: SeededRandom): string {
  let text = "";
  for (let left = random.below(12); left > 0; left--) text += random.pick(pieces);
  return text;
}

// Version 2 is for Node 22 and later; version 1 is what most people have.
const versions = [["cookie 1", cookie1], ["cookie 2", cookie2]] as const;

// reading: cookie.parseCookie

const rawNames = (header: string): string[] =>
  header
    .split(";")
    .filter((piece) => piece.includes("="))
    .map((piece) => piece.slice(0, piece.indexOf("=")).replace(/^[ \t]+|[ \t]+$/g, ""));

for (const [version, cookie] of versions) {
  differ(
    `${version}: parseCookie`,
    headerText,
    (header) => {
      const theirs = Object.entries(cookie.parseCookie(header)).toSorted();
      return JSON.stringify(theirs) === JSON.stringify([...parseCookies(header)].toSorted());
    },
    [
      {
        name: "nameless",
        why: "they give a cookie named '', which no server sets on purpose",
        holds: (header) => rawNames(header).includes(""),
      },
    ],
  );
}

// reading: tough-cookie, one pair at a time

// tough-cookie reads Set-Cookie, so it is given one pair without `;`. It keeps what it cannot use.
differ(
  "tough-cookie",
  (random) => headerText(random).replaceAll(";", ""),
  (piece) => {
    const theirs = tough.Cookie.parse(piece);
    const ours = [...parseCookies(piece)][0];
    return theirs?.key === ours?.[0] && theirs?.value === ours?.[1];
  },
  [
    {
      name: "encoded value",
      why: "it is a browser: values are opaque to it; a server undoes its own encoding",
      holds: (piece) => piece.includes("%"),
    },
    {
      name: "other blanks",
      why: "it trims as String.prototype.trim does, also U+00A0 and line ends: CVE-2026-39410",
      holds: (piece) => /[\xa0\n]/.test(piece),
    },
    {
      name: "control character",
      why: "it is a browser, and refuses control characters or cuts there; we read what comes",
      holds: (piece) => /[\0\t\n]/.test(piece),
    },
    {
      name: "nameless",
      why: "a piece without '=' or without a name is no cookie for us",
      holds: (piece) => /^[ \t\xa0\n]*=/.test(piece) || !piece.includes("="),
    },
  ],
);

// writing: cookie.stringifySetCookie

interface Writing {
  readonly name: string;
  readonly value: string;
  readonly options: Readonly<Record<string, unknown>>;
}

function writing(random: SeededRandom): Writing {
  const name = random.pick(["a", "a", "a", "__Host-a", "__secure-a", "a b", "a(", "a/b", "", "é"]);
  const value = random.pick(["1", "1", "b c", "a/b=", "%41", "é", "\ud800", "x".repeat(4096), ""]);
  const options: Record<string, unknown> = {};
  const choices: readonly (readonly [string, readonly [unknown, ...unknown[]]])[] = [
    ["domain", ["a.example", ".a.example", "a_b", "", "a.example;"]],
    ["path", ["/", "/b", "b", "", "/;", "/ ", "/\u00e9"]],
    ["maxAge", [0, 60, -1, 1.5, 2 ** 53]],
    ["expires", [new Date(0), new Date(Number.NaN), new Date(Date.UTC(20_000)), 0]],
    ["secure", [true, true, true, false, "no"]],
    ["httpOnly", [true, false, 1]],
    ["sameSite", ["lax", "strict", "none", "Lax", true]],
    ["partitioned", [true, false]],
    ["priority", ["low", "high", "High"]],
  ];
  for (const [key, values] of choices)
    if (random.below(4) === 0) options[key] = random.pick(values);
  return { name, value, options };
}

function attempt(write: () => string): readonly string[] | undefined {
  try {
    return write().split("; ").toSorted();
  } catch {
    return undefined;
  }
}

const ours = ({ name, value, options }: Writing): readonly string[] | undefined =>
  attempt(() => Reflect.apply(serializeCookie, undefined, [name, value, options]));
const option =
  (key: string, ...values: readonly unknown[]) =>
  ({ options }: Writing): boolean =>
    values.some((value) => Object.is(options[key], value));

const encodesMore: Class<Writing> = {
  name: "value that needs no encoding",
  why: "version 1 encodes '/' and '=' too; we leave a value alone when all of it is cookie-octets",
  holds: ({ value }) => value === "a/b=",
};

const writingClasses: readonly Class<Writing>[] = [
  {
    name: "name that is no token",
    why: "they let it be anything visible; RFC 6265, 4.1.1 says token",
    holds: ({ name }) => name === "a(" || name === "a/b",
  },
  {
    name: "prefix",
    why: "they write what a browser drops: bis 5.7",
    holds: ({ name }) => name.startsWith("__"),
  },
  {
    name: "size",
    why: "browsers drop more than 4096 octets: bis 5.6",
    holds: ({ value }) => value.length >= 4096,
  },
  {
    name: "without Secure",
    why: "browsers drop SameSite=None and Partitioned without Secure: bis 5.7, CHIPS",
    holds: ({ options }) =>
      options["secure"] !== true &&
      (options["sameSite"] === "none" || options["partitioned"] === true),
  },
  {
    name: "Domain with a dot in front, or empty",
    why: "not in the grammar: browsers drop the dot, and an empty attribute",
    holds: option("domain", ".a.example", ""),
  },
  {
    name: "Path",
    why: "browsers take the default instead of 'b', and trim: bis 5.6.4; an empty one is left out",
    holds: option("path", "b", "", "/ "),
  },
  {
    name: "Max-Age",
    why: "under 0 deletes, which 0 says better; over 2^53 it is not the number that was meant",
    holds: option("maxAge", -1, 2 ** 53),
  },
  {
    name: "Expires",
    why: "a year of five digits is not read (bis 5.1.1), and a falsy 0 is no date",
    holds: ({ options }) =>
      options["expires"] === 0 || String(options["expires"]).includes("20000"),
  },
  {
    name: "flag that is no boolean",
    why: "they take every truthy value: secure: 'no' is Secure",
    holds: ({ options }) => options["secure"] === "no" || options["httpOnly"] === 1,
  },
  {
    name: "word in another case, or true",
    why: "they mend it; we know each word in one spelling",
    holds: ({ options }) =>
      ["Lax", true].includes(Object(options["sameSite"]).valueOf()) ||
      options["priority"] === "High",
  },
];

for (const [version, cookie] of versions) {
  const theirs = ({ name, value, options }: Writing): readonly string[] | undefined =>
    attempt(() => cookie.stringifySetCookie({ ...options, name, value }));
  differ(
    `${version}: stringifySetCookie`,
    writing,
    (input) => JSON.stringify(ours(input)) === JSON.stringify(theirs(input)),
    cookie === cookie1 ? [encodesMore, ...writingClasses] : writingClasses,
  );
}

// what one writes, the other reads

for (const [version, cookie] of versions) {
  test(`${version}: what each writes, the other reads alike`, () => {
    for (const value of ["", "1", "b c", "%41", "é😀", ';,"\\', "a/b="]) {
      const [ourText, theirText] = [
        serializeCookie("a", value),
        cookie.stringifySetCookie({ name: "a", value }),
      ];
      assert.equal(cookie.parseCookie(ourText)["a"], value);
      assert.equal(getCookie(theirText, "a"), value);
    }
  });
}

test("tough-cookie understands every attribute that is written", () => {
  const expires = new Date(Date.UTC(2030, 1, 2, 3, 4, 5));
  const text = serializeCookie("a", "1", {
    domain: "a.example",
    path: "/b",
    maxAge: 60,
    expires,
    secure: true,
    httpOnly: true,
    sameSite: "strict",
    partitioned: true,
    priority: "high",
  });
  const read = tough.Cookie.parse(text);
  assert.deepEqual([read?.key, read?.value], ["a", "1"]);
  assert.deepEqual([read?.domain, read?.path], ["a.example", "/b"]);
  assert.deepEqual([read?.maxAge, read?.expires], [60, expires]);
  assert.deepEqual([read?.secure, read?.httpOnly, read?.sameSite], [true, true, "strict"]);
  assert.deepEqual(read?.extensions, ["Partitioned", "Priority=High"]);
});
