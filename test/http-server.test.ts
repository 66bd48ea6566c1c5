// What arrives on a connection and is no polite request: each case byte by byte, over a real socket.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { createHttpServer } from "../src/http-server.ts";
import { text } from "../src/reply.ts";
import type { Request } from "../src/request.ts";
import { get, group, post } from "../src/router.ts";
import { anyone } from "../src/security.ts";
import { gate } from "./gate.ts";
import type { Gate } from "./gate.ts";
import { openSocket } from "./raw-client.ts";
import { formType, listen, startServer } from "./raw-server.ts";
import type { RawAnswer, TestServer } from "./raw-server.ts";

let reads = 0;
let held: Gate = gate();
let waiting: Request | undefined;

const routes = group({
  prefix: "",
  security: anyone,
  routes: [
    get("/", ({ query }) => text(`first page ${query}`)),
    get("/other", () => text("other page")),
    get("/users/:name", ({ params }) => text(`user ${params.get("name")}`)),
    get("/held", async (request) => {
      waiting = request;
      await held.pass();
      return text("held page");
    }),
    post("/form", async (request) => {
      reads += 1;
      return text(JSON.stringify([...(await request.form())]));
    }),
    post("/unread", () => text("unread")),
  ],
});

let server: TestServer;
before(async () => (server = await startServer(routes)));
after(() => server.close());

const host = "Host: localhost\r\n";
const form = `${host}Content-Type: ${formType}\r\n`;
const posted = `POST /form HTTP/1.1\r\n${form}`;
const chunked = `${posted}Transfer-Encoding: chunked\r\n\r\n`;

/** Sends bytes on a connection of their own; answers all that came until the server closed it. */
async function exchange(bytes: string): Promise<readonly RawAnswer[]> {
  const client = await server.connect();
  return client.send(bytes).closed();
}

/** Sends bytes; answers the first answer. */
async function first(bytes: string): Promise<RawAnswer> {
  const client = await server.connect();
  const answer = await client.send(bytes).answer();
  client.socket.destroy();
  return answer;
}

function connectionsOf({ server }: TestServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

async function noConnections(to: TestServer = server): Promise<void> {
  while ((await connectionsOf(to)) > 0) await new Promise(setImmediate);
}

const rows: readonly (readonly [claim: string, bytes: string, status: number, body?: string])[] = [
  ["a plain request", `GET / HTTP/1.1\r\n${host}\r\n`, 200, "first page "],
  ["HTTP/1.0 with a Host", `GET / HTTP/1.0\r\n${host}\r\n`, 200],
  ["an empty line before the request", `\r\nGET / HTTP/1.1\r\n${host}\r\n`, 200],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400, "Send one Host field, with a host name.\n"],
  ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["two Host fields", `GET / HTTP/1.1\r\n${host}Host: evil.example\r\n\r\n`, 400],
  ["two equal Host fields", `GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
  ["a Host with a list", "GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", 400],
  ["a Host with a user", "GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: localhost/a\r\n\r\n", 400],
  ["a Host with a space", "GET / HTTP/1.1\r\nHost: local host\r\n\r\n", 400],
  ["a Host with a port of six digits", "GET / HTTP/1.1\r\nHost: localhost:123456\r\n\r\n", 400],
  ["a Host with a port of five digits", "GET / HTTP/1.1\r\nHost: localhost:12345\r\n\r\n", 200],
  ["a Host with an empty port", "GET / HTTP/1.1\r\nHost: localhost:\r\n\r\n", 400],
  ["a Host that is an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200],
  ["a Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
  ["a Host that is not ASCII", "GET / HTTP/1.1\r\nHost: l\xf6calhost\r\n\r\n", 400],
  ["an absolute-form target", `GET http://localhost/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["another site's absolute form", `GET http://evil.example/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["an absolute form without a host", `GET http:// HTTP/1.1\r\n${host}\r\n`, 400],
  ["a target of two slashes", `GET // HTTP/1.1\r\n${host}\r\n`, 400, "Ask for a path, as /login.\n"],
  ["a target that names a host", `GET //evil.example/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["a target that new URL() throws at", `GET //[ HTTP/1.1\r\n${host}\r\n`, 400],
  ["an asterisk", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400],
  ["a target without a slash", `GET ?a HTTP/1.1\r\n${host}\r\n`, 400],
  ["a fragment is not cut off", `GET /other#top HTTP/1.1\r\n${host}\r\n`, 404],
  ["a query is cut at the first ?", `GET /?a=/x?y HTTP/1.1\r\n${host}\r\n`, 200, "first page a=%2Fx%3Fy"],
  ["a query with bad escapes is a query", `GET /?a=%zz HTTP/1.1\r\n${host}\r\n`, 200],
  ["two slashes in a query are a query", `GET /?//evil HTTP/1.1\r\n${host}\r\n`, 200],
  ["dot segments that would lead home", `GET /other/.. HTTP/1.1\r\n${host}\r\n`, 404],
  ["dot segments that would lead out", `GET /../other HTTP/1.1\r\n${host}\r\n`, 404],
  ["a single dot", `GET /./other HTTP/1.1\r\n${host}\r\n`, 404],
  ["encoded dots", `GET /%2e%2e/other HTTP/1.1\r\n${host}\r\n`, 404],
  ["an encoded slash", `GET /users%2fada HTTP/1.1\r\n${host}\r\n`, 404],
  ["an encoded slash in a parameter", `GET /users/a%2fb HTTP/1.1\r\n${host}\r\n`, 200, "user a/b"],
  ["a backslash", `GET /\\evil.example HTTP/1.1\r\n${host}\r\n`, 404],
  ["an encoded letter is not the letter", `GET /%6fther HTTP/1.1\r\n${host}\r\n`, 404],
  ["slashes inside", `GET /other//x HTTP/1.1\r\n${host}\r\n`, 404],
  ["a slash at the end", `GET /other/ HTTP/1.1\r\n${host}\r\n`, 404],
  ["a bad escape in a parameter", `GET /users/%zz HTTP/1.1\r\n${host}\r\n`, 400],
  ["an escape that ends early", `GET /users/%a HTTP/1.1\r\n${host}\r\n`, 400],
  ["escapes that are not UTF-8", `GET /users/%ff HTTP/1.1\r\n${host}\r\n`, 400],
  ["an encoded NUL", `GET /users/%00 HTTP/1.1\r\n${host}\r\n`, 400],
  ["an encoded line end", `GET /users/%0d%0a HTTP/1.1\r\n${host}\r\n`, 400],
  ["a bad escape elsewhere", `GET /%zz HTTP/1.1\r\n${host}\r\n`, 404],
  ["a byte that is not ASCII", `GET /\xe4 HTTP/1.1\r\n${host}\r\n`, 400],
  ["a byte that is not ASCII in the query", `GET /?\xe4 HTTP/1.1\r\n${host}\r\n`, 400],
  ["a byte that is not ASCII in a field", `GET / HTTP/1.1\r\n${host}X: \xe4\r\n\r\n`, 200],
  ["a NUL in a field", `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`, 400],
  ["a lone CR in a field", `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`, 400],
  ["a folded field", `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, 400],
  // Of other fields, Node before 20.19.2 takes the space for a part of the name: no name of ours.
  ["a space before the colon of Host", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
  ["a space before the colon of a length", `POST / HTTP/1.1\r\n${host}Content-Length : 1\r\n\r\na`, 400],
  ["a space before the colon of a coding", `POST / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n`, 400],
  ["lines that end in LF alone", `GET / HTTP/1.1\n${host.trim()}\n\n`, 400],
  ["a space before the first field", `GET / HTTP/1.1\r\n X: a\r\n${host}\r\n`, 400],
  ["a folded Host", "GET / HTTP/1.1\r\nHost:\r\n localhost\r\n\r\n", 400],
  ["a space in the target", `GET /oth er HTTP/1.1\r\n${host}\r\n`, 400],
  ["a field without a colon", `GET / HTTP/1.1\r\n${host}X\r\n\r\n`, 400],
  ["no version: HTTP/0.9", "GET /\r\n\r\n", 505, "Use HTTP/1.1.\n"],
  ["HTTP/0.9 by name", `GET / HTTP/0.9\r\n${host}\r\n`, 505],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${host}\r\n`, 400],
  ["HTTP/2.0 by name", `GET / HTTP/2.0\r\n${host}\r\n`, 505],
  ["HTTP/2's first bytes", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["TLS's first bytes", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["words that are no request", "hello\r\n\r\n", 400, "Send a well-formed request.\n"],
  ["a method that nobody knows", `BREW / HTTP/1.1\r\n${host}\r\n`, 400],
  ["a method in lower case", `get / HTTP/1.1\r\n${host}\r\n`, 400],
  ["Expect: 100-continue where nothing is sent", `GET / HTTP/1.1\r\n${host}Expect: 100-continue\r\n\r\n`, 200],
  [
    "another Expect",
    `GET / HTTP/1.1\r\n${host}Expect: wonders\r\n\r\n`,
    417,
    "Send the request without Expect.\n",
  ],
  ["two Expects", `GET / HTTP/1.1\r\n${host}Expect: 100-continue\r\nExpect: wonders\r\n\r\n`, 417],
  ["another Expect in HTTP/1.0", `GET / HTTP/1.0\r\n${host}Expect: wonders\r\n\r\n`, 417],
  [
    "a header of over 16 KiB",
    `GET / HTTP/1.1\r\n${host}X: ${"x".repeat(16_384)}\r\n\r\n`,
    431,
    "Send fewer or shorter header fields.\n",
  ],
  ["a header of nearly 16 KiB", `GET / HTTP/1.1\r\n${host}X: ${"x".repeat(16_000)}\r\n\r\n`, 200],
  ["a target of over 16 KiB", `GET /${"x".repeat(16_384)} HTTP/1.1\r\n${host}\r\n`, 431],
  ["a form", `${posted}Content-Length: 3\r\n\r\na=b`, 200, '[["a","b"]]'],
  ["a form in chunks", `${chunked}2\r\na=\r\n1;x=y\r\nb\r\n0\r\n\r\n`, 200, '[["a","b"]]'],
  ["a form with trailers", `${chunked}1\r\na\r\n0\r\nX: y\r\n\r\n`, 200, '[["a",""]]'],
  ["Content-Length and Transfer-Encoding", `${posted}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["the same two, the other way round", `${posted}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`, 400],
  ["two lengths", `${posted}Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b`, 400],
  ["two equal lengths", `${posted}Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b`, 400],
  ["a list of lengths", `${posted}Content-Length: 3, 3\r\n\r\na=b`, 400],
  ["a negative length", `${posted}Content-Length: -1\r\n\r\n`, 400],
  ["a length with a sign", `${posted}Content-Length: +3\r\n\r\na=b`, 400],
  ["a length in hexadecimal", `${posted}Content-Length: 0x3\r\n\r\na=b`, 400],
  ["a length beyond counting", `${posted}Content-Length: 99999999999999999999\r\n\r\n`, 400],
  ["chunked in other letters", `${posted}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`, 200],
  ["a folded Transfer-Encoding", `${posted}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, 400],
  ["a control character before chunked", `${posted}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
  ["an empty Transfer-Encoding", `${posted}Transfer-Encoding:\r\nContent-Length: 3\r\n\r\na=b`, 400],
  ["a transfer coding before chunked", `${posted}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`, 400],
  ["a transfer coding in a line before", `${posted}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  [
    "chunks in HTTP/1.0, which has none",
    `${chunked.replace("1.1", "1.0")}1\r\na\r\n0\r\n\r\n`,
    400,
    "Send the body as it is, or in chunks of HTTP/1.1.\n",
  ],
  ["a transfer coding that ends nowhere", `${posted}Transfer-Encoding: gzip\r\n\r\na`, 400],
  ["chunked twice", `${posted}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
  ["a chunk size that is no number", `${chunked}zz\r\n`, 400],
  ["a negative chunk size", `${chunked}-1\r\n`, 400],
  ["a chunk size beyond counting", `${chunked}fffffffffffffffff\r\n`, 400],
  ["a bad chunk after a good one", `${chunked}1\r\na\r\nzz\r\n`, 400],
  ["a chunk size with a space", `${chunked}1 \r\na\r\n0\r\n\r\n`, 400],
  ["chunks whose lines end in LF alone", `${chunked}1\na\n0\n\n`, 400],
  ["a chunk extension of over 16 KiB", `${chunked}1;${"x".repeat(16_385)}\r\na\r\n0\r\n\r\n`, 400],
  ["trailers of over 16 KiB", `${chunked}0\r\nX: ${"x".repeat(16_385)}\r\n\r\n`, 431],
  ["a chunk longer than it said", `${chunked}1\r\nabc\r\n0\r\n\r\n`, 400],
  [
    "two Content-Type fields",
    `${posted}Content-Type: ${formType}\r\nContent-Length: 3\r\n\r\na=b`,
    415,
  ],
  ["two Content-Type fields, the second JSON", `${posted}Content-Type: application/json\r\nContent-Length: 3\r\n\r\na=b`, 415],
  ["two Origin fields", `${posted}Origin: http://localhost\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n`, 403],
  ["one Origin field", `${posted}Origin: http://localhost\r\nContent-Length: 0\r\n\r\n`, 200],
  ["two Sec-Fetch-Site fields", `${posted}Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n\r\n`, 403],
];

for (const [claim, bytes, status, body] of rows) {
  test(`${status}: ${claim}`, async () => {
    const answer = await first(bytes);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("strict-transport-security"), undefined);
    if (body !== undefined) assert.equal(answer.body, body);
    // The only page that any of these reaches by mistake would be one of ours.
    if (status !== 200) assert.doesNotMatch(answer.body, /first page|other page|user|unread|evil/);
  });
}

test("no field is left out of too many: the check for other sites sees the last one", async () => {
  const many = "a:\r\n".repeat(2_500);
  const bytes = `POST /form HTTP/1.1\r\n${form}${many}Sec-Fetch-Site: cross-site\r\n\r\n`;
  // Later versions of Node count empty fields as longer ones, and refuse them all.
  assert.equal([403, 431].includes((await first(bytes)).status), true);
});

test("an upgrade is not made: the request is answered as any other", async () => {
  const fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: c2VjcmV0\r\n";
  const answer = await first(`GET / HTTP/1.1\r\n${host}${fields}\r\n`);
  assert.deepEqual([answer.status, answer.headers.get("upgrade")], [200, undefined]);
});

test("TRACE is refused, and nothing of the request comes back", async () => {
  const answer = await first(`TRACE / HTTP/1.1\r\n${host}Cookie: a=secret\r\n\r\n`);
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET, HEAD, OPTIONS"]);
  assert.doesNotMatch(answer.body, /secret/);
});

test("CONNECT is cut off without an answer", async () => {
  const client = await server.connect();
  assert.deepEqual(await client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").closed(), []);
});

test("a client that resets the connection behind its CONNECT does not end the server", async () => {
  for (let times = 0; times < 20; times += 1) {
    const { socket } = await server.connect();
    socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", () => socket.resetAndDestroy());
    await once(socket, "close");
  }
  await noConnections();
  assert.equal((await server.ask("GET", "/")).status, 200);
});

test("requests in one go are answered in order, and cookies and bodies do not mix", async () => {
  const client = await server.connect();
  held = gate();
  client.send(`GET /held HTTP/1.1\r\n${host}\r\n`);
  client.send(`POST /form HTTP/1.1\r\n${form}Content-Length: 3\r\n\r\na=b`);
  client.send(`GET /nowhere HTTP/1.1\r\n${host}\r\nGET / HTTP/1.1\r\n${host}\r\n`);
  await held.reached;
  assert.equal(client.received, "");
  held.open();
  const answers = await client.answers(4);
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 404, 200]);
  assert.deepEqual(answers.map(({ body }) => body.slice(0, 5)), ["held ", '[["a"', "There", "first"]);
  client.socket.destroy();
});

test("the answer to what is malformed has its length in bytes", async (t) => {
  const renderError = () => text("é", 400);
  const foreign = await listen(createHttpServer(() => {}, { renderError }));
  t.after(() => foreign.close());
  const answers = await (await foreign.connect()).send("garbage\r\n\r\n").closed();
  assert.deepEqual(answers.map(({ body }) => body), ["\xc3\xa9"]);
  assert.equal(answers[0]?.headers.get("vary"), undefined, "it depends on no cookie");
});

test("what is malformed behind a good request is not taken for its answer", async () => {
  const client = await server.connect();
  held = gate();
  client.send(`GET /held HTTP/1.1\r\n${host}\r\ngarbage\r\n\r\n`);
  assert.deepEqual(await client.closed(), []);
  held.open();
});

test("what is malformed behind an answer that was sent is told so", async () => {
  const client = await server.connect();
  await client.send(`GET / HTTP/1.1\r\n${host}\r\n`).answer();
  const answers = await client.send("garbage\r\n\r\n").closed();
  const told = answers.map(({ status, headers }) => [status, headers.get("connection")]);
  assert.deepEqual(told, [[200, "keep-alive"], [400, "close"]]);
});

test("what is malformed in one go behind a request does not cost it its answer", async () => {
  const answers = await exchange(`GET / HTTP/1.1\r\n${host}\r\ngarbage\r\n\r\n`);
  assert.deepEqual(answers.map(({ status }) => status), [200]);
});

test("a body that is malformed in one go with its request does not cost it its answer", async () => {
  const head = `POST /unread HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
  assert.deepEqual((await exchange(`${head}zz\r\n`)).map(({ body }) => body), ["unread"]);
});

test("a body that turns out malformed after its answer changes nothing of that answer", async () => {
  const client = await server.connect();
  const head = `POST /unread HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
  await client.send(head).answer();
  const answers = await client.send("zz\r\n").closed();
  assert.deepEqual(answers.map(({ body }) => body), ["unread"]);
  assert.equal(client.received.endsWith("\r\n\r\nunread"), true);
});

test("after malformed bytes, a client that does not close its end is cut off", async (t) => {
  const patient = await startServer(routes);
  t.after(() => patient.close());
  // No time-out does it.
  Object.assign(patient.server, { timeout: 0, headersTimeout: 0, requestTimeout: 0 });
  const connected = once(patient.server, "connection");
  const client = await patient.connect(true);
  const [peer] = await connected;
  const gone = once(peer, "close");
  assert.equal((await client.send("garbage\r\n\r\n").answer()).status, 400);
  await gone;
  client.socket.destroy();
});

test("a client that asks first is told to go on, when the form is read", async () => {
  const client = await server.connect();
  client.send(`POST /form HTTP/1.1\r\n${form}Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n`);
  assert.equal((await client.answer()).status, 100);
  const answers = await client.send("a=b").answers(2);
  assert.deepEqual([answers[1]?.status, answers[1]?.body], [200, '[["a","b"]]']);
  assert.equal(answers[1]?.headers.has("connection"), true);
  client.socket.destroy();
});

test("HTTP/1.0 knows no 100 Continue, and gets none", async () => {
  const head = `POST /form HTTP/1.0\r\n${form}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`;
  const answers = await exchange(`${head}a=b`);
  assert.deepEqual(answers.map(({ status }) => status), [200]);
});

const unread: readonly (readonly [claim: string, path: string, fields: string, status: number])[] = [
  ["a form of over 8 KiB", "/form", `Content-Type: ${formType}\r\nContent-Length: 8193\r\n`, 413],
  ["what is not a form", "/form", "Content-Type: text/plain\r\nContent-Length: 3\r\n", 415],
  ["a compressed form", "/form", `Content-Type: ${formType}\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n`, 415],
  ["a form from another site", "/form", `Content-Type: ${formType}\r\nContent-Length: 3\r\nSec-Fetch-Site: cross-site\r\n`, 403],
  ["a form to nowhere", "/nowhere", "Content-Length: 3\r\n", 404],
  ["a form where none is taken", "/other", "Content-Length: 3\r\n", 405],
  ["a form that the controller does not ask for", "/unread", "Content-Length: 3\r\n", 200],
  ["chunks that the controller does not ask for", "/unread", "Transfer-Encoding: chunked\r\n", 200],
];

for (const [claim, path, fields, status] of unread) {
  test(`${claim} is answered unread, without 100 Continue, and the connection ends`, async () => {
    const client = await server.connect();
    client.send(`POST ${path} HTTP/1.1\r\n${host}${fields}Expect: 100-continue\r\n\r\n`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, answer.headers.get("connection")], [status, "close"]);
    // What follows is a body that is let go by, and no request.
    client.socket.end(`GET / HTTP/1.1\r\n${host}\r\n`);
    assert.equal((await client.closed()).length, 1);
  });
}

test("an answer without a body is sent before the request's body has come", async () => {
  const client = await server.connect();
  const head = `HEAD /other HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\n`;
  client.send(head);
  while (!client.received.endsWith("\r\n\r\n")) await once(client.socket, "data");
  assert.match(client.received, /^HTTP\/1.1 200 OK\r\n/);
  client.socket.destroy();
});

test("the end of a body that was read leaves the connection open", async () => {
  const client = await server.connect();
  const whole = `POST /form HTTP/1.1\r\n${form}Content-Length: 3\r\n\r\na=b`;
  assert.deepEqual((await client.send(whole + whole).answers(2)).length, 2);
  client.socket.destroy();
});

for (const [claim, fields] of [
  ["says its length", "Content-Length: 20000000\r\n\r\n"],
  ["comes in chunks", "Transfer-Encoding: chunked\r\n\r\n1312d00\r\n"],
] as const) {
  test(`a large upload that ${claim} gets its 413, and no reset while it is sent`, async () => {
    const client = await server.connect();
    const failures: unknown[] = [];
    client.socket.on("error", (error) => failures.push(error));
    client.send(`POST /form HTTP/1.1\r\n${form}${fields}`).send("a".repeat(20_000_000));
    client.send(fields.startsWith("T") ? "\r\n0\r\n\r\n" : "");
    const answers = await client.closed();
    assert.deepEqual(answers.map(({ status }) => status), [413]);
    assert.deepEqual(failures, []);
  });
}

test("a client that vanishes in its form leaves nothing behind", async () => {
  const before = reads;
  const client = await server.connect();
  const head = `POST /form HTTP/1.1\r\n${form}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n`;
  await client.send(head).answer();
  client.send("a=b").socket.resetAndDestroy();
  await noConnections();
  assert.deepEqual([reads - before, server.faults], [1, []]);
});

test("a client that vanishes while it waits is noticed", async () => {
  held = gate();
  const client = await server.connect();
  client.send(`GET /held HTTP/1.1\r\n${host}\r\n`);
  await held.reached;
  assert.equal(waiting?.hasLeft, false);
  client.socket.destroy();
  await noConnections();
  assert.equal(waiting?.hasLeft, true);
  held.open();
  assert.deepEqual(server.faults, []);
});

test("a client that closes its end behind a request gets its answer", async () => {
  const client = await server.connect();
  client.socket.end(`GET / HTTP/1.1\r\n${host}\r\n`);
  assert.deepEqual((await client.closed()).map(({ status }) => status), [200]);
});

test("a client that closes its end in its form is told that it is not whole", async () => {
  const client = await server.connect();
  client.socket.end(`POST /form HTTP/1.1\r\n${form}Content-Length: 9\r\n\r\na=b`);
  assert.deepEqual((await client.closed()).map(({ status }) => status), [400]);
});

test("a client that closes its end at once is let go", async () => {
  const client = await server.connect();
  client.socket.end();
  assert.deepEqual(await client.closed(), []);
});

test("five hundred idle connections keep nobody out", async () => {
  const clients = await Promise.all(Array.from({ length: 500 }, () => server.connect()));
  assert.equal((await server.ask("GET", "/")).status, 200);
  for (const { socket } of clients) socket.destroy();
  await noConnections();
});

test("each answer of a server that closes is the last on its connection", async () => {
  const closing = await startServer(routes);
  const client = await closing.connect();
  held = gate();
  client.send(`GET /held HTTP/1.1\r\n${host}\r\n`);
  await held.reached;
  closing.server.close();
  // What closes as idle depends on Node: this connection is not, until both answers are sent.
  const late = once(closing.server, "request");
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await late;
  held.open();
  const [, answer] = await client.closed();
  assert.equal(answer?.headers.get("connection"), "close");
});

test("a server that is handed its connections keeps them", async () => {
  const server = createHttpServer((_message, response) => void response.end());
  const front = createServer((socket) => void server.emit("connection", socket));
  await once(front.listen(0, "127.0.0.1"), "listening");
  const address = front.address();
  assert.ok(address !== null && typeof address === "object", "no port");
  const socket = await openSocket(address.port);
  socket.write(`GET / HTTP/1.1\r\n${host}\r\n`);
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /\r\nConnection: keep-alive\r\n/);
  socket.destroy();
  front.close();
});

test("the last request that a connection may have is answered with the end of it", async (t) => {
  const brief = await startServer(routes);
  t.after(() => brief.close());
  brief.server.maxRequestsPerSocket = 2;
  const client = await brief.connect();
  const whole = `GET / HTTP/1.1\r\n${host}\r\n`;
  const answers = await client.send(whole + whole).answers(2);
  const told = answers.map(({ headers }) => headers.get("connection"));
  assert.deepEqual(told, ["keep-alive", "close"]);
  client.socket.destroy();
});

test("what is asked behind the last request of a connection is not answered", async (t) => {
  const brief = await startServer(routes);
  t.after(() => brief.close());
  brief.server.maxRequestsPerSocket = 2;
  for (const last of ["GET / HTTP/1.1", "GET / HTTP/1.1\r\nExpect: 100-continue"]) {
    const client = await brief.connect();
    const first = `GET / HTTP/1.1\r\n${host}\r\n`;
    const answers = await client.send(`${first}${last}\r\n${host}\r\n${first}${first}`).closed();
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  }
});

test("a client that does not take its answers is cut off", async (t) => {
  const hasty = await startServer([...routes, ...group({
    prefix: "",
    security: anyone,
    routes: [get("/long", () => text("x".repeat(1_000_000)))],
  })]);
  t.after(() => hasty.close());
  hasty.server.timeout = 1;
  const { socket } = await hasty.connect();
  socket.pause().write(`GET /long HTTP/1.1\r\n${host}\r\n`.repeat(20));
  await noConnections(hasty);
  socket.destroy();
});

test("the limits are those that were decided", () => {
  const decided = createHttpServer(() => {});
  assert.deepEqual(
    {
      headersTimeout: decided.headersTimeout,
      requestTimeout: decided.requestTimeout,
      keepAliveTimeout: decided.keepAliveTimeout,
      timeout: decided.timeout,
      maxRequestsPerSocket: decided.maxRequestsPerSocket,
      maxConnections: decided.maxConnections,
    },
    {
      headersTimeout: 10_000,
      requestTimeout: 20_000,
      keepAliveTimeout: 5_000,
      timeout: 30_000,
      maxRequestsPerSocket: 1_000,
      maxConnections: 10_000,
    },
  );
  assert.equal(Reflect.get(decided, "connectionsCheckingInterval"), 2_000);
});

test("behind a proxy, idle connections can be kept for longer", () => {
  const { keepAliveTimeout } = createHttpServer(() => {}, { keepAliveTimeout: 65_000 });
  assert.equal(keepAliveTimeout, 65_000);
});

const slow: readonly (readonly [claim: string, bytes: string])[] = [
  ["it sends nothing", ""],
  ["it never ends its header", `GET / HTTP/1.1\r\n${host}X: `],
  ["it never ends its form", `${posted}Content-Length: 9\r\n\r\na=b`],
  ["it never ends its chunks", `${chunked}1\r\na\r\n`],
];

describe("a client that is too slow gets 408, and the connection ends:", { concurrency: 4 }, () => {
  let hasty: TestServer;
  before(async () => {
    hasty = await startServer(routes);
    // The server looks every two seconds; what it finds then is judged by these.
    hasty.server.headersTimeout = 1;
    hasty.server.requestTimeout = 1;
  });
  after(() => hasty.close());

  for (const [claim, bytes] of slow) {
    test(claim, async () => {
      const client = await hasty.connect();
      const answers = await client.send(bytes).closed();
      const told = answers.map(({ status, body }) => [status, body]);
      assert.deepEqual(told, [[408, "The request took too long. Send it again.\n"]]);
    });
  }
});
