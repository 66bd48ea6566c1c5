// The fields that every answer carries: over each route, method and kind of visitor, and each error.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { securityHeaders } from "../src/handler.ts";
import { loginRoutes } from "../src/login/app.ts";
import { PasswordChecker } from "../src/login/password-checker.ts";
import { LoginThrottle } from "../src/login/throttle.ts";
import { SessionManager } from "../src/session-manager.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { cheapScrypt } from "./fake-scrypt.ts";
import { answersIn, exchange, openSocket, readToEnd } from "./raw-client.ts";
import type { RawAnswer } from "./raw-client.ts";
import { startLogin, Visitor } from "./test-server.ts";
import type { LoginOptions } from "./test-server.ts";

const parts = { users: { findHash: () => undefined }, log: () => {}, clock: () => 0 };
const sessions = new SessionManager({ store: new MemoryStore() });
const passwords = new PasswordChecker({ scrypt: cheapScrypt });
const table = loginRoutes({ ...parts, sessions, passwords, throttle: new LoginThrottle() });
const paths = [...new Set(table.map(({ path }) => path)), "/nowhere"];
const methods = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"];

/** Checks what every answer owes to its visitor. */
function check(method: string, { status, headers, body }: RawAnswer): void {
  const field = (name: string): string | undefined => headers.get(name);
  for (const [name, value] of Object.entries(securityHeaders(false))) {
    assert.equal(field(name.toLowerCase()), value, name);
  }
  assert.equal(field("cache-control"), "no-store");
  assert.match(field("date") ?? "", /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  for (const name of ["server", "x-powered-by", "transfer-encoding", "access-control-allow-origin"]) {
    assert.equal(field(name), undefined, name);
  }
  const length = field("content-length");
  if (status === 204) assert.deepEqual([length, body], [undefined, ""]);
  else if (method === "HEAD") assert.match(length ?? "", /^\d+$/);
  else assert.equal(length, String(body.length));
  if (body !== "") assert.match(field("content-type") ?? "", /^(?:text\/|application\/json)/);
  if (field("content-type")?.startsWith("text/html") === true) {
    const policy = (field("content-security-policy") ?? "").replace(/'sha256-[\w+/]{43}='/, "HASH");
    const rest = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    assert.equal(policy, `default-src 'none'; style-src HASH; ${rest}`);
  }
  assert.equal(field("allow") !== undefined, status === 405 || status === 204, "Allow");
  assert.equal(field("www-authenticate"), status === 401 ? 'Session realm="login"' : undefined);
  if (status === 303) assert.match(field("location") ?? "", /^\/(?:login|sessions)?$/);
  else assert.equal(field("location"), undefined);
  if (status === 429 || status === 503) assert.match(field("retry-after") ?? "", /^[1-9]\d*$/);
}

/** Sends one request on a connection of its own, and answers the one answer. */
async function send(port: number, method: string, path: string, fields: string, body = "") {
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const common = "Host: a.test\r\nConnection: close\r\n";
  const head = `${method} ${path} HTTP/1.1\r\n${common}${fields}${length}`;
  const text = await exchange(port, `${head}\r\n${body}`);
  // A HEAD's length counts a body that is not sent.
  const [answer, ...others] = answersIn(text);
  assert.ok(answer !== undefined && others.length === 0, text);
  check(method, answer);
  return answer;
}

const formField = "Content-Type: application/x-www-form-urlencoded\r\n";
const visitors = ["an anonymous visitor", "a user", "another site's page"] as const;

for (const path of paths) {
  for (const kind of visitors) {
    test(`${path} answers ${kind} with every field, whatever the method`, async (t) => {
      const server = await startLogin(t);
      for (const method of methods) {
        const visitor = new Visitor(server);
        if (kind === "a user") await visitor.logIn();
        const cookie = visitor.cookie === "" ? "" : `Cookie: ${visitor.cookie}\r\n`;
        const site = kind === "another site's page" ? "Sec-Fetch-Site: cross-site\r\n" : "";
        const { status, headers } = await send(server.port, method, path, cookie + site);
        const varies = (headers.get("vary") ?? "").split(", ");
        assert.equal(varies.includes("Accept"), status >= 400 && !isAlwaysJson(path, status));
        assert.equal(varies.includes("Cookie"), looksAtSession(path, method, kind));
        const hasEnded = path === "/logout" || (path === "/sessions/end-all" && kind === "a user");
        assert.equal(headers.has("clear-site-data"), status === 303 && hasEnded);
      }
    });
  }
}

/** What `/profile` answers is JSON, to every client. */
function isAlwaysJson(path: string, status: number): boolean {
  return path === "/profile" && status === 401;
}

function looksAtSession(path: string, method: string, kind: string): boolean {
  if (path === "/login" || path === "/heartbeat" || path === "/nowhere") return false;
  if (path === "/logout" && method === "HEAD") return false;
  const isForeign = kind === "another site's page";
  if (isForeign && (path === "/logout" || method === "POST")) return false;
  return table.some((route) => {
    return route.path === path && route.method === (method === "HEAD" ? "GET" : method);
  });
}

const failing = { read: () => Promise.reject(new Error("down")) };
const downStore = Object.assign(new MemoryStore(), failing);
const session = `Cookie: session_id=${"A".repeat(43)}\r\n`;
const neverFinds: LoginOptions = {
  users: {
    findHash() {
      throw new Error("no accounts");
    },
  },
};

const errors: readonly (readonly [
  status: number, claim: string, method: string, path: string, fields: string, body: string,
  options: LoginOptions,
])[] = [
  [400, "a bad form", "POST", "/login", formField, "username=%zz", {}],
  [400, "a bad target", "GET", "//evil.test/", "", "", {}],
  [401, "a wrong login", "POST", "/login", formField, "username=ada&password=x", {}],
  [401, "no session, as JSON", "GET", "/profile", "", "", {}],
  [403, "another site's form", "POST", "/login", `${formField}Origin: null\r\n`, "a=b", {}],
  [404, "no such page", "GET", "/nowhere", "", "", {}],
  [404, "no such page, as JSON", "GET", "/nowhere", "Accept: application/json\r\n", "", {}],
  [405, "no such method", "DELETE", "/login", "", "", {}],
  [413, "a form too large", "POST", "/login", formField, "a".repeat(8193), {}],
  [415, "no form", "POST", "/login", "Content-Type: text/plain\r\n", "a=b", {}],
  [417, "an expectation", "GET", "/", "Expect: wonders\r\n", "", {}],
  [421, "another host", "GET", "/", "", "", { allowedHosts: ["b.test"] }],
  [500, "a fault of the accounts", "POST", "/login", formField, "username=ada&password=x", neverFinds],
  [503, "a fault of the store", "GET", "/", session, "", { store: downStore }],
];

for (const [status, claim, method, path, fields, body, options] of errors) {
  test(`${status} for ${claim} has every field`, async (t) => {
    const { port } = await startLogin(t, options);
    assert.equal((await send(port, method, path, fields, body)).status, status);
  });
}

test("429 has every field", async (t) => {
  const { port } = await startLogin(t);
  const statuses: number[] = [];
  for (let tries = 0; tries < 6; tries += 1) {
    const answer = await send(port, "POST", "/login", formField, "username=ada&password=x");
    statuses.push(answer.status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429]);
});

const malformed: readonly (readonly [status: number, claim: string, text: string])[] = [
  [400, "bytes that are not HTTP", "garbage\r\n\r\n"],
  [400, "no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
  [431, "a header that is too large", `GET / HTTP/1.1\r\nX: ${"x".repeat(16_384)}\r\n\r\n`],
  [505, "HTTP/0.9", "GET /\r\n\r\n"],
];

for (const [status, claim, text] of malformed) {
  test(`${status} for ${claim} has every field`, async (t) => {
    const { port } = await startLogin(t);
    const [answer] = answersIn(await exchange(port, text));
    assert.equal(answer?.status, status);
    assert.match(answer.body, /<h1>/);
    check("GET", answer);
  });
}

test("a malformed body is refused as its request prefers", async (t) => {
  const { port } = await startLogin(t);
  const fields = `Host: a.test\r\n${formField}Accept: application/json\r\n`;
  const head = `POST /login HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`;
  const [answer = assert.fail()] = answersIn(await exchange(port, `${head}zz\r\n`));
  assert.equal(answer.body, '{"error":"Send a well-formed request."}');
  check("POST", answer);
});

test("408 has every field", async (t) => {
  const { server, port } = await startLogin(t);
  const connected = once(server, "connection");
  const socket = await openSocket(port);
  const [peer] = await connected;
  // As the server itself does when it finds a client that is too slow.
  server.emit("clientError", Object.assign(new Error(), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), peer);
  const [answer] = answersIn(await readToEnd(socket));
  assert.equal(answer?.status, 408);
  assert.match(answer.body, /<h1>Too slow<\/h1>/);
  check("GET", answer);
  socket.destroy();
});

test("over https every answer asks for https from then on, those of the parser too", async (t) => {
  const headers = securityHeaders(true);
  const { port } = await startLogin(t, { headers });
  const request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
  for (const bytes of [request, "garbage\r\n\r\n"]) {
    const text = await exchange(port, bytes);
    assert.match(text, /\r\nStrict-Transport-Security: max-age=63072000\r\n/);
  }
});
