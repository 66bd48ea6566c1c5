// What is fuzzed: for each kind of input a generator, and the laws that hold whatever it makes.

import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { readConfig } from "../src/config.ts";
import { getCookie, parseCookiePairs, parseCookies } from "../src/cookie.ts";
import { parseForm } from "../src/form.ts";
import { describeBrowser } from "../src/login/browser-name.ts";
import { parseUsers } from "../src/login/users.ts";
import { HttpError, status } from "../src/reply.ts";
import { addressOf } from "../src/request.ts";
import { get, group, Router } from "../src/router.ts";
import type { Match } from "../src/router.ts";
import { anyone, isCrossOrigin, isDeliberateVisit } from "../src/security.ts";
import { SessionCookie } from "../src/session-cookie.ts";
import { messageFrom } from "./message-from.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Makes inputs, and holds the program to what must be true of each. */
export interface Fuzzer {
  readonly name: string;
  /** An input, in pieces: one that fails is made smaller by leaving pieces out. */
  generate(random: SeededRandom): readonly string[];
  /** Throws when a law is broken. */
  check(pieces: readonly string[]): void | Promise<void>;
}

type Pool = readonly [string, ...string[]];

export function several(random: SeededRandom, limit: number, pool: Pool): string[] {
  return Array.from({ length: random.below(limit) }, () => random.pick(pool));
}

const id = "A_-z".repeat(10) + "abc";
const cookiePool: Pool = [
  "session_id", "__Host-session_id", "session_id=", `session_id=${id}`, `session_id=${id}`,
  `session_id=%41${id.slice(1)}`, `__Host-session_id=${id}`, id, id.slice(1), "=", "=", ";", ";",
  "; ", " ", "\t", "%", "%4", "%41", "%C3%A9", "%ED%A0%80", "%00", '"', ",", "\\", "\0", "\xa0",
  "\xe9", "$Version", "__proto__", "a", "x".repeat(300),
];

const cookieHeaders: Fuzzer = {
  name: "cookie headers",
  generate: (random) => several(random, 16, cookiePool),
  check(pieces) {
    const header = pieces.join("");
    const cookies = parseCookies(header);
    const pairs = parseCookiePairs(header);
    assert.deepEqual([...cookies.keys()], [...new Set(pairs.map(([name]) => name))]);
    for (const [name, value] of cookies) assert.equal(getCookie(header, name), value);
    for (const secure of [false, true]) {
      const name = secure ? "__Host-session_id" : "session_id";
      const cookie = new SessionCookie(secure, undefined);
      const values = pairs.filter(([sent]) => sent === name).map(([, value]) => value);
      const ids = [...new Set(values.filter((value) => /^[\w-]{43}$/.test(value)))];
      const keys = cookie.keysIn(header);
      assert.equal(cookie.isIn(header), cookies.has(name));
      assert.ok(keys.length <= Math.min(4, ids.length), "no more keys than ids, and four");
      // Only "%41" spells an id of the pool in a second way.
      if (!header.includes("%")) assert.equal(keys.length, Math.min(4, ids.length));
    }
  },
};

const paths = ["/", "/a", "/a/:one", "/a/b", "/:first/b/:last", "/a/b/c", "/x/~._-"];
const routes = paths.map((path) => get(path, () => status(200)));
const router = new Router(group({ prefix: "", security: anyone, routes }));
const targetPool: Pool = [
  "/", "/", "/", "//", "a", "a", "b", "b", "c", "x", ":one", ".", "..", "~._-", "%61", "%2f", "%2e",
  "%00", "%0a", "%", "%4", "%C3%A9", "%C3", "%ED%A0%80", "é", "\0", " ", "\\", "__proto__", "?", "#",
];

/** Whether a route answers a path, by its own words and those of no other. */
function fits(route: string, segments: readonly string[]): boolean {
  const names = route.split("/");
  return names.length === segments.length && names.every((name, index) => {
    const segment = segments[index] ?? "";
    return name.startsWith(":") ? segment !== "" : name === segment;
  });
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}

function isText(segment: string): boolean {
  return isDecodable(segment) && !/\p{Cc}/u.test(decodeURIComponent(segment));
}

const requestTargets: Fuzzer = {
  name: "request targets",
  generate: (random) => ["/", ...several(random, 10, targetPool)],
  check(pieces) {
    const path = pieces.join("");
    const segments = path.split("/");
    const match = (): Match => router.match("GET", path);
    // Static segments win from the left: as if ":" sorted behind everything.
    const rank = (route: string): string => route.replaceAll(/:\w+/g, "\uffff");
    const byRank = (one: string, other: string): number => (rank(one) < rank(other) ? -1 : 1);
    const [best] = paths.filter((route) => fits(route, segments)).sort(byRank);
    if (!path.startsWith("/") || best === undefined) return assert.throws(match, { status: 404 });
    const names = [...best.split("/").entries()].filter(([, name]) => name.startsWith(":"));
    const values = names.map(([index]) => segments[index] ?? "");
    if (!values.every(isText)) return assert.throws(match, { status: 400 });
    const { endpoint, params } = match();
    assert.equal(endpoint.path, best);
    assert.deepEqual([...params.values()], values.map(decodeURIComponent));
  },
};

const fieldPool: Pool = [
  "same-origin", "none", "same-site", "cross-site", "https://a.example", "http://a.example", "null",
  "https://a.example.evil", "a.example", "A.EXAMPLE", "a.example:80", "document", "empty", "prefetch",
  "192.0.2.1", "::1", "2001:db8::7", "unknown", "text/html", "application/json", "*/*", ";q=0", ";q=1",
  ";q=0.5", ";q=2", "Chrome/1", "Linux", "Edg/", ",", ", ", ";", "=", " ", "\t", "", "\0", "é",
];
const fieldNames: Pool = [
  "sec-fetch-site", "origin", "host", "sec-fetch-dest", "sec-purpose", "x-forwarded-for",
  "user-agent",
];

const headerSets: Fuzzer = {
  name: "header sets",
  generate(random) {
    const line = (): string => `${random.pick(fieldNames)}:${several(random, 5, fieldPool).join("")}`;
    return Array.from({ length: random.below(7) }, line);
  },
  check(pieces) {
    const headers: IncomingHttpHeaders = {};
    for (const piece of pieces) headers[piece.split(":", 1)[0] ?? ""] = piece.replace(/^[^:]*:/, "");
    const { origin, host = "" } = headers;
    const site = headers["sec-fetch-site"];
    const [, originHost] = /^https?:\/\/([^]*)$/.exec(origin ?? "") ?? [];
    const isOurs = originHost === host.toLowerCase();
    const isSame = site === undefined ? origin === undefined || isOurs : /^(same-origin|none)$/.test(`${site}`);
    assert.equal(isCrossOrigin(headers), !isSame);
    if (isDeliberateVisit("GET", headers)) assert.equal(site === undefined || isSame, true);
    assert.equal(isDeliberateVisit("HEAD", headers), false);
    assert.match(describeBrowser(headers["user-agent"]), /^[A-Z][\w ]+$/i);
    const forwarded = `${headers["x-forwarded-for"] ?? ""}`;
    for (const proxies of [0, 1, 2]) {
      const address = addressOf(messageFrom("10.0.0.1", forwarded), proxies);
      const claimed = forwarded.split(",").reverse()[proxies - 1]?.trim();
      assert.ok(address === "10.0.0.1" || (proxies > 0 && address === claimed), address);
    }
  },
};

const formPool: Pool = [
  "&", "&", "=", "=", "+", "a", "b", "c", "username", "password", "%", "%4", "%41", "%00", "%26", "%3D",
  "%C3%A9", "%C3", "\xc3\xa9", "\xc3", "\xff", "\xef\xbb\xbf", "\xed\xa0\x80", "\0", "\r\n", ";", "?",
  "__proto__", "&a=", "&b=1&c=2&d=3", ...["", "?"].map((start) => {
    return Array.from("efghijklmno", (name) => `&${start}${name}=`).join("");
  }),
];

const formBodies: Fuzzer = {
  name: "form bodies",
  generate: (random) => several(random, 14, formPool),
  check(pieces) {
    const body = Buffer.from(pieces.join(""), "latin1");
    // "&" in front: URLSearchParams drops a "?" there. It repairs what ours refuses.
    const pairs = [...new URLSearchParams(`&${body}`)];
    const names = new Set(pairs.map(([name]) => name));
    const isWhole = isUtf8(body) && isDecodable(`${body}`);
    const isForm = isWhole && names.size === pairs.length && names.size <= 16;
    if (isForm) return assert.deepEqual([...parseForm(body)], pairs);
    assert.throws(() => parseForm(body), (error) => error instanceof HttpError && error.status === 400);
  },
};

const salt = "A".repeat(22);
const hash = `$scrypt$ln=17,r=8,p=1$${salt}$${"A".repeat(43)}`;
const secret = "hunter2";
const valuePool: Pool = [
  "", "0", "1", "2", "-1", "1.5", "1e3", "08", " 1", "65535", "65536", "1800", "999999999999", "x",
  "127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "localhost", "production", "development", "a.example, B",
  ",", "ln=14,r=8,p=5", "ln=1,r=1,p=1", "__proto__", `ada:${hash}`, `ada:${hash} ben:${hash}`,
  `ada:${hash}\nada:${hash}`, `ada:${secret}`, secret, `:${secret}`, `ada:$scrypt$${secret}`,
  "é".repeat(129), "\0",
];
const settingNames: Pool = [
  "HOST", "PORT", "USERS", "USERS", "DEMO_PASSWORD", "SCRYPT", "COOKIE_SECURE", "COOKIE_PERSISTENT",
  "SESSION_IDLE_TIMEOUT", "SESSION_ABSOLUTE_TIMEOUT", "MAX_SESSIONS", "SESSION_STORE",
  "KEEP_ALIVE_TIMEOUT", "TRUST_PROXY", "ALLOWED_HOSTS", "ACCESS_LOG", "NODE_ENV",
];
// Each is right alone, and together they may not be.
const settingPool: Pool = [
  `USERS=ada:${hash}`, "NODE_ENV=production", "COOKIE_SECURE=0", "COOKIE_SECURE=1", "HOST=0.0.0.0",
  "DEMO_PASSWORD=x", "SESSION_IDLE_TIMEOUT=2", "SESSION_ABSOLUTE_TIMEOUT=1800",
];

const configuration: Fuzzer = {
  name: "configuration",
  generate(random) {
    const any = (): string => `${random.pick(settingNames)}=${random.pick(valuePool)}`;
    const setting = (): string => (random.below(2) === 0 ? random.pick(settingPool) : any());
    return Array.from({ length: random.below(6) }, setting);
  },
  check(pieces) {
    const settings = pieces.map((piece) => [piece.split("=", 1)[0], piece.replace(/^[^=]*=/, "")]);
    const environment: NodeJS.ProcessEnv = Object.fromEntries(settings);
    const result = readConfig(environment);
    if ("errors" in result) {
      assert.equal(result.errors.length > 0, true);
      for (const line of result.errors) {
        assert.match(line, /^Cannot [^\r\n]+$/);
        assert.ok(!line.includes(secret), "an error shows what may be a password");
      }
    } else {
      const { config } = result;
      const isLocal = /^(localhost|::1|127(\.\d+){3})$/.test(config.host);
      assert.ok(config.users !== undefined || isLocal, "the demo account for others");
      const isProduction = environment["NODE_ENV"] === "production";
      assert.ok(!isProduction || (config.secure && config.users !== undefined), "unsafe production");
      assert.equal(config.idleTimeout >= 1000 && config.idleTimeout <= config.absoluteTimeout, true);
      assert.equal(config.users === undefined || config.demoPassword === undefined, true);
      assert.ok(config.allowedHosts.length > 0 || !environment["ALLOWED_HOSTS"], "any host");
      const { port, maxSessions, keepAliveTimeout, trustedProxies } = config;
      const numbers = [port, maxSessions, keepAliveTimeout, trustedProxies, config.absoluteTimeout];
      assert.equal(numbers.every((value) => Number.isSafeInteger(value) && value >= 0), true);
    }
    const users = parseUsers(environment["USERS"] ?? "");
    assert.equal("users" in users || users.errors.every((line) => !line.includes(secret)), true);
  },
};

/** Those that need nothing but the input. */
export const pureFuzzers: readonly Fuzzer[] = [
  cookieHeaders,
  requestTargets,
  headerSets,
  formBodies,
  configuration,
];
