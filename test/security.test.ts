// Who may ask for what from where: a row for each claim. The fields are as node:http gives them.

import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { test } from "node:test";
import { allow, anyone, deny } from "../src/security.ts";
import { isCrossOrigin, isDeliberateVisit, isSafeMethod } from "../src/security.ts";
import { text } from "../src/reply.ts";
import { get, group } from "../src/router.ts";
import { startServer, Visitor } from "./test-server.ts";

const host = "app.test";
const site = (value: string): IncomingHttpHeaders => ({ host, "sec-fetch-site": value });
const from = (origin: string, to: string = host): IncomingHttpHeaders => ({ host: to, origin });

const requests: readonly (readonly [
  claim: string, headers: IncomingHttpHeaders, isCrossOrigin: boolean,
])[] = [
  ["no browser: neither field", { host }, false],
  ["no browser, and no Host", {}, false],
  ["a page of this origin", site("same-origin"), false],
  ["the address bar or a bookmark", site("none"), false],
  ["another site", site("cross-site"), true],
  ["a neighbour host, or this one by plain http", site("same-site"), true],
  ["a value that no browser sends", site("own"), true],
  ["an empty value", site(""), true],
  ["other letters: no browser writes them", site("Same-Origin"), true],
  ["a repeated field, both good", site("same-origin, same-origin"), true],
  ["a repeated field, one good", site("none, cross-site"), true],
  ["something behind a good value", site("same-origin;x"), true],
  ["a space behind a good value", site("none "), true],
  ["Sec-Fetch-Site counts before a foreign Origin", { ...from("https://evil.test"), ...site("same-origin") }, false],
  ["Sec-Fetch-Site counts before our Origin", { ...from("https://app.test"), ...site("cross-site") }, true],
  ["Sec-Fetch-Site counts before a null Origin", { ...from("null"), ...site("none") }, false],
  ["our Origin by https", from("https://app.test"), false],
  ["our Origin by http, behind a proxy too", from("http://app.test"), false],
  ["our Origin with its port", from("http://app.test:8080", "app.test:8080"), false],
  ["our Host in other letters", from("https://app.test", "APP.Test"), false],
  ["an address for a Host", from("http://127.0.0.1:80", "127.0.0.1:80"), false],
  ["an IPv6 address for a Host", from("http://[::1]:8080", "[::1]:8080"), false],
  ["another site's Origin", from("https://evil.test"), true],
  ["a subdomain", from("https://www.app.test"), true],
  ["the parent domain", from("https://test"), true],
  ["a host that ends like ours", from("https://evilapp.test"), true],
  ["a host that begins like ours", from("https://app.test.evil"), true],
  ["ours as a user name", from("https://app.test@evil.test"), true],
  ["ours as a path", from("https://evil.test/app.test"), true],
  ["ours with a path", from("https://app.test/"), true],
  ["another port", from("https://app.test:444"), true],
  ["our port missing", from("http://app.test", "app.test:8080"), true],
  ["the usual port written out", from("https://app.test:443"), true],
  ["another port of localhost", from("http://localhost:3000", "localhost:8080"), true],
  ["localhost by its other name", from("http://127.0.0.1:8080", "localhost:8080"), true],
  ["null: a sandbox, a file, a redirection across sites", from("null"), true],
  ["an empty Origin", from(""), true],
  ["an Origin that is none", from("app.test"), true],
  ["an Origin with a space", from(" https://app.test"), true],
  ["another scheme", from("chrome-extension://app.test"), true],
  ["a scheme in other letters: no browser writes it", from("HTTPS://app.test"), true],
  ["an Origin in other letters", from("https://APP.test"), true],
  ["two Origins, both ours", from("https://app.test, https://app.test"), true],
  ["two Origins, one ours", from("https://app.test, https://evil.test"), true],
  ["a null Host for a null Origin", from("null", "null"), true],
  ["an Origin where no Host was sent", { origin: "https://app.test" }, true],
  ["a Referer from elsewhere is not looked at", { host, referer: "https://evil.test/" }, false],
];

for (const [claim, headers, expected] of requests) {
  test(`${expected ? "refused" : "let in"}: ${claim}`, () => {
    assert.equal(isCrossOrigin(headers), expected);
  });
}

const visits: readonly (readonly [
  claim: string, method: string, headers: IncomingHttpHeaders, isDeliberate: boolean,
])[] = [
  ["a link of this site", "GET", site("same-origin"), true],
  ["a typed address", "GET", site("none"), true],
  ["no browser", "GET", { host }, true],
  ["a page that is shown", "GET", { ...site("none"), "sec-fetch-dest": "document" }, true],
  ["a script of another site, in an old browser", "GET", from("https://evil.test"), false],
  ["another site's link", "GET", site("cross-site"), false],
  ["a neighbour host's link", "GET", site("same-site"), false],
  ["an unknown site", "GET", site(""), false],
  ["an image", "GET", { ...site("same-origin"), "sec-fetch-dest": "image" }, false],
  ["a frame", "GET", { ...site("same-origin"), "sec-fetch-dest": "iframe" }, false],
  ["a script's fetch", "GET", { ...site("same-origin"), "sec-fetch-dest": "empty" }, false],
  ["a prefetch", "GET", { ...site("same-origin"), "sec-purpose": "prefetch" }, false],
  ["a prerendering", "GET", { ...site("none"), "sec-purpose": "prefetch;prerender" }, false],
  ["HEAD", "HEAD", site("same-origin"), false],
  ["POST", "POST", site("same-origin"), false],
];

for (const [claim, method, headers, expected] of visits) {
  test(`${expected ? "a visit" : "no visit"}: ${claim}`, () => {
    assert.equal(isDeliberateVisit(method, headers), expected);
  });
}

test("three methods are safe, in these very letters; no other is", () => {
  const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""];
  assert.deepEqual(methods.filter(isSafeMethod), ["GET", "HEAD", "OPTIONS"]);
});

test("a decision is a value; what was established, or the reply", () => {
  assert.deepEqual(allow({ username: "ada" }), { allowed: true, auth: { username: "ada" } });
  assert.deepEqual(deny(text("no", 403)), { allowed: false, reply: text("no", 403) });
});

test("anyone is let in, and nothing is known of them", async (t) => {
  const auths: unknown[] = [];
  const look = get("/", (_request, auth: unknown) => text(String(auths.push(auth))));
  const server = await startServer(t, group({ prefix: "", security: anyone, routes: [look] }));
  assert.equal((await new Visitor(server).get("/")).status, 200);
  assert.deepEqual(auths, [undefined]);
});
