// One request's journey over real HTTP: what is refused, what is answered, and what faults become.

import assert from "node:assert/strict";
import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createHandler } from "../src/handler.ts";
import { html, HttpError, json, page, redirect, status } from "../src/reply.ts";
import { text, withCookie, withHeaders } from "../src/reply.ts";
import type { Reply } from "../src/reply.ts";
import { IncomingRequest } from "../src/request.ts";
import type { Request } from "../src/request.ts";
import { get, group, post, Router } from "../src/router.ts";
import type { Controller, Endpoint, Route } from "../src/router.ts";
import { allow, anyone, deny } from "../src/security.ts";
import { RecordedSession } from "../src/session.ts";
import { SessionManager } from "../src/session-manager.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { fakeClock } from "./fake-clock.ts";
import { gate } from "./gate.ts";
import { interposedStore } from "./interposed-store.ts";
import { answersIn, exchange, openSocket, readToEnd } from "./raw-client.ts";
import { startLogin, startServer, Visitor } from "./test-server.ts";

function open(...routes: readonly Route<undefined>[]): readonly Endpoint[] {
  return group({ prefix: "", security: anyone, routes });
}

const hello: Controller = () => text("hello");
const readForm: Controller = async (request) => json(Object.fromEntries(await request.form()));

function fails(error: unknown): Controller {
  return () => {
    throw error;
  };
}

const form = "application/x-www-form-urlencoded";

test("a reply is sent as it is: status, fields, cookies and body, and the common fields", async (t) => {
  const reply = withCookie(withHeaders(text("é"), { "X-Own": "1" }), "a=1");
  const server = await startServer(t, open(get("/", () => withCookie(reply, "b=2"))));
  const raw = await exchange(server.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const [answer] = answersIn(raw);
  const { date, ...fields } = Object.fromEntries(answer?.headers ?? []);
  assert.match(date ?? "", / GMT$/);
  assert.deepEqual(fields, {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-type": "text/plain; charset=utf-8",
    "x-own": "1",
    "cache-control": "no-store",
    "set-cookie": "a=1, b=2",
    "content-length": "2",
    connection: "close",
  });
  assert.equal(answer?.body, Buffer.from("é").toString("latin1"));
});

test("a controller sees the request, with nothing decoded but its parameters", async (t) => {
  let seen: Request | undefined;
  let address = "";
  const look: Controller = (request) => {
    seen = request;
    address = request.address;
    return status(204);
  };
  const server = await startServer(t, open(get("/a/:name", look)));
  await new Visitor(server).send("HEAD", "/a/%C3%A9%20+?q=%C3%A9&q=2&a?b", { "x-own": "yes" });
  assert.equal(seen?.method, "HEAD");
  assert.equal(seen?.path, "/a/%C3%A9%20+");
  assert.deepEqual([...seen?.params ?? []], [["name", "é +"]]);
  assert.deepEqual([...seen?.query ?? []], [["q", "é"], ["q", "2"], ["a?b", ""]]);
  assert.equal(seen?.headers["x-own"], "yes");
  assert.equal(address, "127.0.0.1");
  await new Visitor(server).get("/a/b");
  assert.deepEqual([...seen?.query ?? []], []);
});

test("a message that says nothing is an empty request", () => {
  const message = new IncomingMessage(new Socket());
  const session = new RecordedSession(() => undefined);
  delete message.url;
  const request = new IncomingRequest(message, new ServerResponse(message), session, 0);
  const { method, path, query, address, hasUnreadBody } = request;
  assert.deepEqual([method, path, `${query}`, address, hasUnreadBody], ["", "", "", "unknown", false]);
});

test("the address is the one that a trusted proxy saw, by two lines of its field too", async (t) => {
  const server = await startServer(t, open(get("/", ({ address }) => text(address))), {
    trustedProxies: 2,
  });
  const lines = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.9, 10.0.0.2\r\n";
  const head = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`;
  assert.equal(answersIn(await exchange(server.port, head))[0]?.body, "192.0.2.9");
  const visitor = new Visitor(server);
  assert.equal((await visitor.get("/", { "x-forwarded-for": "192.0.2.9" })).body, "127.0.0.1");
});

test("other names than the server's own are 421, in any letters", async (t) => {
  const server = await startServer(t, open(get("/", hello)), {
    allowedHosts: ["a.Test", "b.test:8080"],
  });
  for (const [host, expected] of [
    ["a.test", 200],
    ["A.TEST", 200],
    ["b.test:8080", 200],
    ["b.test", 421],
    ["a.test:8080", 421],
    ["a.test.evil", 421],
    ["xa.test", 421],
    ["127.0.0.1", 421],
  ] as const) {
    const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const [answer] = answersIn(await exchange(server.port, head));
    assert.equal(answer?.status, expected, host);
    const told = "This server does not answer for this host name.\n";
    assert.equal(answer.body, expected === 421 ? told : "hello");
  }
});

test("a request from another site reaches no route, whatever the method, but for safe ones", async (t) => {
  const reached: string[] = [];
  const note: Controller = ({ method }) => {
    reached.push(method);
    return text("reached");
  };
  const visitor = new Visitor(await startServer(t, open(get("/", note), post("/", note))));
  const fields = { "sec-fetch-site": "cross-site" };
  for (const [method, expected] of [
    ["POST", 403], ["PUT", 403], ["PATCH", 403], ["DELETE", 403], ["PURGE", 403],
    ["GET", 200], ["HEAD", 200], ["OPTIONS", 204],
  ] as const) {
    assert.equal((await visitor.send(method, "/", fields)).status, expected, method);
  }
  assert.deepEqual(reached, ["GET", "HEAD"]);
  const { body } = await visitor.post("/", {}, fields);
  assert.equal(body, "This came from another site. Open the page here, and try again.\n");
});

test("a target beyond ASCII is refused, should an http server let it through", async () => {
  const message = new IncomingMessage(new Socket());
  const request = { method: "GET", url: "/\xe4", httpVersion: "1.1", headers: { host: "a" } };
  const sessions = new SessionManager({ store: new MemoryStore() });
  const { status } = await new Promise<Reply>((onReply) => {
    const handler = createHandler({ router: new Router(open(get("/", hello))), sessions, onReply });
    handler(Object.assign(message, request), new ServerResponse(message));
  });
  assert.equal(status, 400);
});

test("what is not there is 404, a method that is not there 405 with those that are", async (t) => {
  const routes = open(get("/", hello), post("/form", hello), get("/both", hello), post("/both", hello));
  const visitor = new Visitor(await startServer(t, routes));
  const rows = [
    ["GET", "/nowhere", 404, null],
    ["OPTIONS", "/nowhere", 404, null],
    ["POST", "/", 405, "GET, HEAD, OPTIONS"],
    ["GET", "/form", 405, "OPTIONS, POST"],
    ["HEAD", "/form", 405, "OPTIONS, POST"],
    ["PUT", "/both", 405, "GET, HEAD, OPTIONS, POST"],
    ["OPTIONS", "/both", 204, "GET, HEAD, OPTIONS, POST"],
    ["OPTIONS", "/", 204, "GET, HEAD, OPTIONS"],
  ] as const;
  for (const [method, path, expected, allowed] of rows) {
    const answer = await visitor.send(method, path);
    assert.deepEqual([answer.status, answer.headers.get("allow")], [expected, allowed]);
  }
  const { body } = await visitor.send("PUT", "/both");
  assert.equal(body, "This page takes GET, HEAD, OPTIONS, POST, and nothing else.\n");
  assert.equal((await visitor.get("/nowhere")).body, "There is no such page.\n");
});

test("an escape in a parameter that means nothing is 400", async (t) => {
  const visitor = new Visitor(await startServer(t, open(get("/a/:name", hello))));
  for (const path of ["/a/%", "/a/%ff", "/a/%00", "/a/%0a"]) {
    const { status, body } = await visitor.get(path);
    assert.deepEqual([status, body], [400, "The address is not well-formed.\n"], path);
  }
});

test("HEAD has the fields of GET and no body; 204 and 304 have no length", async (t) => {
  const routes = open(get("/", hello), get("/204", () => status(204)), get("/304", () => status(304)));
  const { port } = await startServer(t, routes);
  const close = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const head = await exchange(port, `HEAD / ${close}`);
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 5\r\n[^]*\r\n\r\n$/);
  for (const path of ["/204", "/304"]) {
    const raw = await exchange(port, `GET ${path} ${close}`);
    assert.match(raw, /^HTTP\/1\.1 [23]04 [^]*\r\n\r\n$/);
    assert.doesNotMatch(raw, /content-length|transfer-encoding/i);
  }
});

test("a 401 names a scheme, whoever made it", async (t) => {
  const controllers = [() => json({}, 401), fails(new HttpError(401, "Log in."))] as const;
  for (const controller of controllers) {
    const visitor = new Visitor(await startServer(t, open(get("/", controller))));
    const { headers } = await visitor.get("/");
    assert.equal(headers.get("www-authenticate"), 'Session realm="login"');
  }
});

test("a 401 that names its own scheme names no other", async (t) => {
  const bearer = withHeaders(json({}, 401), { "WWW-Authenticate": "Bearer" });
  const visitor = new Visitor(await startServer(t, open(get("/", () => bearer))));
  assert.equal((await visitor.get("/")).headers.get("www-authenticate"), "Bearer");
});

test("a field of every answer gives way to the reply's own", async (t) => {
  const framed = withHeaders(text("x"), { "X-Frame-Options": "SAMEORIGIN" });
  const visitor = new Visitor(await startServer(t, open(get("/", () => framed))));
  const { headers } = await visitor.get("/");
  assert.equal(headers.get("x-frame-options"), "SAMEORIGIN");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

test("a reply may choose its Cache-Control, unless it is for one visitor: Vary says when", async (t) => {
  const cacheable = withHeaders(text("x"), { "Cache-Control": "max-age=60" });
  const routes = open(
    get("/plain", hello),
    get("/cacheable", () => cacheable),
    get("/sought", async ({ session }) => text((await session.get("x")) ?? "none")),
    get("/personal", async ({ session }) => (await session.get("x"), cacheable)),
    get("/starting", ({ session }) => (session.start("ada"), cacheable)),
    get("/cookie", () => withCookie(cacheable, "theme=dark")),
    get("/own", async ({ session }) => {
      await session.get("x");
      return withHeaders(text("x"), { Vary: "Accept" });
    }),
  );
  const visitor = new Visitor(await startServer(t, routes));
  for (const [path, cacheControl, vary] of [
    ["/plain", "no-store", null],
    ["/cacheable", "max-age=60", null],
    ["/sought", "no-store", "Cookie"],
    ["/personal", "no-store", "Cookie"],
    ["/starting", "no-store", null],
    ["/cookie", "no-store", null],
    ["/own", "no-store", "Accept, Cookie"],
  ] as const) {
    const { headers } = await visitor.get(path);
    assert.equal(headers.get("cache-control"), cacheControl, path);
    assert.equal(headers.get("vary"), vary, path);
  }
});

test("only an explicit allow lets in, at once or later; a denial is answered as it is", async (t) => {
  const denial = deny(text("no", 403));
  const rows = [
    [() => allow("ada"), "hello ada"],
    [async () => allow("ada"), "hello ada"],
    [() => denial, "no"],
    [async () => denial, "no"],
    // A decision from outside the types, as from JavaScript.
    [() => ({ ...denial, allowed: JSON.parse("1") }), "no"],
    [async () => ({ ...denial, allowed: JSON.parse('"true"') }), "no"],
  ] as const;
  for (const [security, body] of rows) {
    const route = get("/", (_request, name: string) => text(`hello ${name}`));
    const visitor = new Visitor(
      await startServer(t, group({ prefix: "", security, routes: [route] })),
    );
    assert.equal((await visitor.get("/")).body, body);
  }
});

test("a form is read once, however often it is asked for", async (t) => {
  const twice: Controller = async (request) => {
    const [one, other] = [await request.form(), await request.form()];
    return text(`${one === other} ${one.get("a")}`);
  };
  const visitor = new Visitor(await startServer(t, open(post("/", twice))));
  assert.equal((await visitor.post("/", { a: "1" })).body, "true 1");
});

test("a controller's HttpError is its answer, and no fault", async (t) => {
  const faults: unknown[] = [];
  const error = new HttpError(502, "The other side sleeps.", { "Retry-After": "9" });
  const options = { onFault: (fault: unknown) => faults.push(fault) };
  const visitor = new Visitor(await startServer(t, open(get("/", fails(error))), options));
  const answer = await visitor.get("/");
  assert.deepEqual([answer.status, answer.body], [502, "The other side sleeps.\n"]);
  assert.equal(answer.headers.get("retry-after"), "9");
  assert.deepEqual(faults, []);
});

test("any other error is 500: the visitor is told nothing, onFault all", async (t) => {
  for (const error of [new Error("disk on fire"), new TypeError("x"), "fire", undefined, null]) {
    const faults: unknown[] = [];
    const options = { onFault: (fault: unknown) => faults.push(fault) };
    for (const controller of [fails(error), async () => Promise.reject(error)]) {
      const visitor = new Visitor(await startServer(t, open(get("/", controller)), options));
      const answer = await visitor.get("/");
      assert.equal(answer.status, 500);
      assert.equal(answer.body, "Something went wrong on our side. Try again later.\n");
    }
    assert.deepEqual(faults, [error, error]);
  }
});

test("without hooks, a fault is answered all the same", async (t) => {
  const visitor = new Visitor(await startServer(t, open(get("/", fails(new Error("fire"))))));
  assert.equal((await visitor.get("/")).status, 500);
});

test("a controller that fails after it changed the session changes nothing", async (t) => {
  const start: Controller = ({ session }) => {
    session.start("ada");
    session.set("username", "ada");
    throw new Error("fire");
  };
  const store = new MemoryStore();
  const visitor = new Visitor(await startServer(t, open(get("/", start)), { store }));
  const answer = await visitor.get("/");
  assert.deepEqual([answer.status, answer.headers.getSetCookie(), store.size], [500, [], 0]);
});

test("errors look as renderError makes them, and keep their fields", async (t) => {
  const seen: unknown[] = [];
  const visitor = new Visitor(
    await startServer(t, open(get("/", fails(new HttpError(418, "Tea.", { "X-Own": "1" })))), {
      renderError(error, message) {
        seen.push(message?.url);
        return page(html`<p>${error.message}</p>`, error.status);
      },
    }),
  );
  const answer = await visitor.get("/?a");
  assert.deepEqual([answer.status, answer.body], [418, "<p>Tea.</p>"]);
  assert.equal(answer.headers.get("x-own"), "1");
  assert.deepEqual(seen, ["/?a"]);
});

test("onReply is told of each reply as it is sent: the cookie is in it, and the refusal", async (t) => {
  const told: (readonly [string, Reply])[] = [];
  const keep: Controller = ({ session }) => {
    session.set("a", "1");
    return redirect("/");
  };
  const visitor = new Visitor(
    await startServer(t, open(get("/keep", keep)), {
      onReply: (reply, { path }) => told.push([path, reply]),
    }),
  );
  await visitor.get("/keep");
  await visitor.get("/nowhere");
  const [[path, kept] = assert.fail(), [other, missing] = assert.fail()] = told;
  assert.deepEqual([path, kept.status, kept.cookies.length], ["/keep", 303, 1]);
  assert.equal(kept.cookies[0]?.startsWith(visitor.cookie), true);
  assert.deepEqual([other, missing.status], ["/nowhere", 404]);
});

const unsendable: readonly (readonly [claim: string, reply: Reply])[] = [
  ["a field with a line break", withHeaders(text("secret"), { "X-Own": "a\r\nSet-Cookie: b" })],
  ["a field's name with a space", withHeaders(text("secret"), { "X Own": "a" })],
  ["a field beyond Latin-1", withHeaders(text("secret"), { "X-Own": "✓" })],
  ["a cookie with a line break", withCookie(text("secret"), "a=1\r\nX-Own: 1")],
  ["a status that is none", text("secret", 99)],
];

for (const [claim, reply] of unsendable) {
  test(`${claim} is an empty 500, and a fault`, async (t) => {
    const faults: unknown[] = [];
    const options = { onFault: (error: unknown) => faults.push(error) };
    const visitor = new Visitor(await startServer(t, open(get("/", () => reply)), options));
    const answer = await visitor.get("/");
    assert.deepEqual([answer.status, answer.body], [500, ""]);
    assert.equal(answer.headers.get("x-own"), null);
    assert.equal(answer.headers.get("x-frame-options"), "DENY");
    assert.equal(answer.headers.get("connection"), "close");
    assert.equal(answer.headers.get("vary"), null);
    assert.equal(faults.length, 1);
  });
}

for (const [claim, reply] of [
  ["whose text is a number", '{"status":204,"headers":{},"cookies":[],"body":5}'],
  ["whose text is an object", '{"status":304,"headers":{},"cookies":[],"body":{}}'],
] as const) {
  test(`a reply ${claim}, from JavaScript, ends the connection, not the process`, async (t) => {
    const faults: unknown[] = [];
    const options = { onFault: (error: unknown) => faults.push(error) };
    const server = await startServer(t, open(get("/", () => JSON.parse(reply))), options);
    assert.equal(await exchange(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    assert.equal(faults.length, 1);
  });
}

test("a renderError that fails is an empty 500, and a fault", async (t) => {
  const faults: unknown[] = [];
  const error = new Error("no page");
  const visitor = new Visitor(
    await startServer(t, open(), {
      renderError: () => assert.fail(error),
      onFault: (fault) => faults.push(fault),
    }),
  );
  const answer = await visitor.get("/nowhere");
  assert.deepEqual([answer.status, answer.body, faults], [500, "", [error]]);
});

const closings: readonly (readonly [claim: string, head: string, body: string, closes: boolean])[] = [
  ["no body", "GET /", "", false],
  ["a body of no bytes", "POST /nowhere\nContent-Length: 0", "", false],
  ["a form that was read", `POST /form\nContent-Type: ${form}\nContent-Length: 3`, "a=1", false],
  [
    "a form in chunks that was read",
    `POST /form\nContent-Type: ${form}\nTransfer-Encoding: chunked`,
    "3\r\na=1\r\n0\r\n\r\n",
    false,
  ],
  ["a malformed form that was read", `POST /form\nContent-Type: ${form}\nContent-Length: 1`, "%", false],
  ["a body for nobody", "POST /nowhere\nContent-Length: 3", "a=1", true],
  ["a body with GET", "GET /\nContent-Length: 3", "a=1", true],
  ["a body with OPTIONS", "OPTIONS /\nContent-Length: 3", "a=1", true],
  ["a body that is no form", "POST /form\nContent-Length: 3", "a=1", true],
  [
    "a form that is too large",
    `POST /form\nContent-Type: ${form}\nContent-Length: 8193`,
    "x".repeat(8193),
    true,
  ],
];

for (const [claim, head, body, closes] of closings) {
  test(`after ${claim} the connection ${closes ? "is closed" : "is used again"}`, async (t) => {
    const server = await startServer(t, open(get("/", hello), post("/form", readForm)));
    // No time-out closes it.
    Object.assign(server.server, { timeout: 0, headersTimeout: 0, requestTimeout: 0 });
    const [line, ...fields] = head.split("\n");
    const lines = [`${line} HTTP/1.1`, "Host: a", ...fields, "", body].join("\r\n");
    const next = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const answers = answersIn(await exchange(server.port, closes ? lines : lines + next));
    assert.equal(answers.length, closes ? 1 : 2);
    assert.equal(answers[0]?.headers.get("connection"), closes ? "close" : "keep-alive");
  });
}

test("what follows the last answer of a connection is not done", async (t) => {
  let count = 0;
  const effect: Controller = () => text(String(++count));
  const server = await startServer(t, open(get("/effect", effect), post("/form", readForm)));
  const refused = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=1";
  const answering = exchange(server.port, `${refused}GET /effect HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.deepEqual(answersIn(await answering).map(({ status }) => status), [415]);
  assert.equal(count, 0);
});

test("what follows an upgrade is not done: Node would lose a part, and take the rest for requests", async (t) => {
  let count = 0;
  const [arrived, effect] = [gate(), () => text(String(++count))];
  const slow: Controller = async () => (await arrived.pass(), text("slow"));
  const server = await startServer(t, open(get("/slow", slow), get("/effect", effect)));
  const socket = await openSocket(server.port);
  socket.write("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  await arrived.reached;
  const asked = once(server.server, "request");
  socket.write("GET /effect HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked;
  arrived.open();
  const [answer, ...others] = answersIn(await readToEnd(socket));
  assert.deepEqual([answer?.body, answer?.headers.get("connection")], ["slow", "close"]);
  assert.deepEqual([others, count], [[], 0]);
});

test("a form in chunks is 413 at 8,193 bytes, and 200 at 8,192", async (t) => {
  const { port } = await startServer(t, open(post("/form", async (request) => {
    return text(String((await request.form()).get("a")?.length));
  })));
  const fields = `Content-Type: ${form}\r\nTransfer-Encoding: chunked\r\n`;
  const head = `POST /form HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const chunk = `1000\r\n${"x".repeat(4096)}\r\n`;
  const whole = `${head}2\r\na=\r\n${chunk}ffe\r\n${"x".repeat(4094)}\r\n`;
  const next = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const [fits] = answersIn(await exchange(port, `${whole}0\r\n\r\n${next}`));
  assert.deepEqual([fits?.status, fits?.body], [200, "8190"]);
  // Answered while the client still sends: no last chunk comes.
  const socket = await openSocket(port);
  socket.write(`${whole}1\r\nx\r\n`);
  const [refused] = answersIn(String(await once(socket, "data")));
  socket.destroy();
  assert.deepEqual([refused?.status, refused?.headers.get("connection")], [413, "close"]);
});

test("what comes beyond the limit of a form is not kept in memory", async (t) => {
  const { port } = await startServer(t, open(post("/form", readForm)));
  const fields = `Content-Type: ${form}\r\nTransfer-Encoding: chunked\r\n`;
  const socket = await openSocket(port);
  const before = process.memoryUsage().arrayBuffers;
  socket.write(`POST /form HTTP/1.1\r\nHost: a\r\n${fields}\r\n1312d00\r\n`);
  await new Promise((sent) => socket.write("a".repeat(20_000_000), sent));
  collectGarbage();
  await setImmediate();
  collectGarbage();
  const kept = process.memoryUsage().arrayBuffers - before;
  socket.destroy();
  assert.ok(kept < 5_000_000, `${kept} bytes are kept`);
});

test("a character of a form that arrives in two parts is whole", async (t) => {
  const { port } = await startServer(t, open(post("/form", async (request) => {
    return text(String((await request.form()).get("a")));
  })));
  const fields = `Content-Type: ${form}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n`;
  const head = `POST /form HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const body = "3\r\na=\xc3\r\n1\r\n\xa9\r\n0\r\n\r\n";
  const [answer] = answersIn(await exchange(port, Buffer.from(head + body, "latin1")));
  assert.equal(answer?.body, "\xc3\xa9"); // "é", a character for each byte.
});

test("a form that came to its end after its refusal does not hold the connection", async (t) => {
  const refused = gate();
  const controller: Controller = async (request) => {
    const form = await request.form().catch(() => "no form");
    await refused.pass();
    return text(String(form));
  };
  const server = await startServer(t, open(post("/form", controller)));
  const asked = once(server.server, "request");
  const fields = `Content-Type: ${form}\r\nTransfer-Encoding: chunked\r\n`;
  const chunks = `2001\r\n${"x".repeat(0x2001)}\r\n0\r\n\r\n`;
  const head = `POST /form HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const answering = exchange(server.port, head + chunks + last);
  const [message] = await asked;
  const ended = once(message, "close");
  await Promise.all([refused.reached, ended]);
  refused.open();
  const answers = answersIn(await answering);
  assert.deepEqual(answers.map(({ status, body }) => [status, body.slice(0, 7)]), [
    [200, "no form"],
    [404, "There i"],
  ]);
});

test("each request of a connection knows when its client has left, but not because it was answered", async (t) => {
  const requests: Request[] = [];
  const [arrived, answering] = [gate(), gate()];
  const wait: Controller = async (request) => {
    requests.push(request);
    if (requests.length === 3) void arrived.pass();
    await answering.pass();
    return text("late");
  };
  const quick: Controller = (request) => {
    requests.push(request);
    return text(String(request.hasLeft));
  };
  const server = await startServer(t, open(get("/wait", wait), get("/", quick)));
  const socket = await openSocket(server.port);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /false$/);
  const asked = once(server.server, "request");
  socket.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
  const [, response] = await asked;
  await arrived.reached;
  assert.deepEqual(requests.map(({ hasLeft }) => hasLeft), [false, false, false]);
  socket.destroy();
  await once(response, "close");
  assert.deepEqual(requests.map(({ hasLeft }) => hasLeft), [true, true, true]);
  answering.open();
});

test("a client that leaves in the middle of its form is 400 to nobody, and no fault", async (t) => {
  const faults: unknown[] = [];
  const replied = gate();
  const replies: unknown[] = [];
  const server = await startServer(t, open(post("/form", readForm)), {
    onFault: (error) => faults.push(error),
    onReply: (reply) => {
      replies.push([reply.status, reply.body]);
      void replied.pass();
    },
  });
  const socket = await openSocket(server.port);
  const asked = once(server.server, "request");
  const fields = `Content-Type: ${form}\r\nContent-Length: 9`;
  socket.write(`POST /form HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\na=1`);
  await asked;
  socket.destroy();
  await replied.reached;
  assert.deepEqual([replies, faults], [[[400, "Send the whole form.\n"]], []]);
  assert.equal((await new Visitor(server).post("/form", { a: "1" })).body, '{"a":"1"}');
});

test("a client that left before its form was read is 400 to nobody", async (t) => {
  const [left, replied] = [gate(), gate()];
  const server = await startServer(
    t,
    open(post("/form", async (request, auth) => {
      await left.pass();
      return readForm(request, auth);
    })),
    { onReply: (reply) => void (assert.equal(reply.body, "Send the whole form.\n"), replied.pass()) },
  );
  const socket = await openSocket(server.port);
  const asked = once(server.server, "request");
  socket.write(`POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: ${form}\r\nContent-Length: 3\r\n\r\na=1`);
  const [message] = await asked;
  // `once` would listen for errors, too, and only then does node:http tell of one.
  const gone = new Promise((resolve) => message.on("close", resolve));
  socket.destroy();
  await gone;
  left.open();
  await replied.reached;
});

test("a form that is refused before anyone waits for it ends no process", async (t) => {
  const controller: Controller = async (request) => {
    const reading = request.form();
    await setImmediate();
    return json(Object.fromEntries(await reading));
  };
  const server = await startServer(t, open(post("/form", controller)));
  const head = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n";
  assert.equal(answersIn(await exchange(server.port, `${head}a`))[0]?.status, 415);
});

test("a session that ended while its request ran: 401, the cookie cleared, any reply discarded", async (t) => {
  const [writing, rotating, store] = [gate(), gate(), new MemoryStore()];
  const slow: Controller = async ({ session }) => {
    await session.get("a");
    await writing.pass();
    session.set("a", "2");
    return withCookie(text("refused", 409), "other=1");
  };
  const routes = open(
    post("/start", ({ session }) => {
      session.start("ada");
      return text("started");
    }),
    post("/slow", slow),
    post("/rotate", async ({ session }) => {
      await session.get("a");
      await rotating.pass();
      session.rotate();
      return redirect("/done");
    }),
    post("/end", ({ session }) => {
      session.destroy();
      return text("ended");
    }),
  );
  const server = await startServer(t, routes, { store });
  const visitor = new Visitor(server);
  await visitor.post("/start");
  const other = new Visitor(server);
  other.cookie = visitor.cookie;
  const answering = Promise.all([visitor.post("/slow"), visitor.post("/rotate")]);
  await Promise.all([writing.reached, rotating.reached]);
  await other.post("/end");
  writing.open();
  rotating.open();
  for (const answer of await answering) {
    assert.deepEqual([answer.status, answer.body], [401, "Your session has ended. Log in.\n"]);
    const [cookie = "", ...more] = answer.headers.getSetCookie();
    assert.match(cookie, /^session_id=; .*Max-Age=0/);
    assert.deepEqual(more, []);
  }
  assert.equal(store.size, 0);
});

test("a session that is too large is 413, and stays as it was", async (t) => {
  const routes = open(
    post("/", async (request) => {
      request.session.set("a", (await request.form()).get("a") ?? "");
      return text("set");
    }),
    get("/", async ({ session }) => text((await session.get("a")) ?? "none")),
  );
  const faults: unknown[] = [];
  const visitor = new Visitor(
    await startServer(t, routes, {
      store: new MemoryStore({ maxSessionSize: 10 }),
      onFault: (error) => faults.push(error),
    }),
  );
  await visitor.post("/", { a: "small" });
  const answer = await visitor.post("/", { a: "x".repeat(10) });
  assert.deepEqual([answer.status, answer.body], [413, "Your session is full.\n"]);
  assert.deepEqual(answer.headers.getSetCookie(), []);
  assert.equal((await visitor.get("/")).body, "small");
  assert.deepEqual(faults, []);
});

test("a store that is full is 503: nobody's login is evicted", async (t) => {
  const store = new MemoryStore({ maxSessions: 1 });
  const server = await startLogin(t, { store, clock: Date.now });
  const [first, second] = [new Visitor(server), new Visitor(server)];
  await first.logIn();
  const answer = await second.logIn("ben");
  assert.deepEqual([answer.status, answer.headers.get("retry-after"), second.cookie], [503, "5", ""]);
  assert.equal((await first.get("/profile")).status, 200);
});

type FaultyAnswer = (t: TestContext) => unknown;
const faultyAnswers: ReadonlyMap<string, FaultyAnswer> = new Map<string, FaultyAnswer>([
  ["rejects", async () => Promise.reject(new Error("disk on fire"))],
  ["throws", () => assert.fail(new Error("disk on fire"))],
  [
    "hangs",
    (t) => {
      queueMicrotask(() => t.mock.timers.tick(2000));
      return new Promise(() => {});
    },
  ],
  ["lies", () => "disk on fire"],
]);

/** What each question is asked for: a request of the login application. */
const questions: readonly (readonly [question: string, method: string, path: string])[] = [
  ["read", "GET", "/"],
  ["read", "GET", "/profile"],
  ["read", "POST", "/sessions/end-all"],
  ["create", "POST", "/login"],
  ["update", "GET", "/"],
  ["update", "GET", "/profile"],
  ["delete", "POST", "/login"],
  ["delete", "POST", "/logout"],
  ["delete", "GET", "/logout"],
  ["listByOwner", "GET", "/sessions"],
  ["listByOwner", "POST", "/sessions/end"],
  ["listByOwner", "POST", "/sessions/end-others"],
  ["deleteByOwner", "POST", "/sessions/end-others"],
  ["deleteByOwner", "POST", "/sessions/end-all"],
];

for (const [fault, answerFaultily] of faultyAnswers) {
  for (const [question, method, path] of questions) {
    // A record that makes no sense is removed: there is no session, and that is no fault.
    if (fault === "lies" && question === "read") continue;
    test(`when ${question} ${fault}, ${method} ${path} is 503 and changes nothing`, async (t) => {
      const clock = fakeClock();
      let isBroken = false;
      const store = interposedStore(new MemoryStore({ clock }), (name, ask) =>
        isBroken && name === question ? answerFaultily(t) : ask(),
      );
      const server = await startLogin(t, { store, clock });
      const visitor = new Visitor(server);
      assert.equal((await visitor.logIn()).status, 303);
      const { cookie } = visitor;
      // Long enough for a use to be written.
      clock.advance(5 * 60_000);
      t.mock.timers.enable({ apis: ["setTimeout"] });
      isBroken = true;
      const answer =
        path === "/login" ? await visitor.logIn("ben") : await visitor.send(method, path);
      isBroken = false;
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("retry-after"), "5");
      assert.deepEqual(answer.headers.getSetCookie(), []);
      assert.equal(answer.headers.get("location"), null);
      assert.equal(answer.headers.get("clear-site-data"), null);
      assert.match(answer.body, /The server is busy or in trouble\. Try again soon\./);
      assert.doesNotMatch(answer.body, /fire|store/i);
      assert.match(server.lines.at(-1) ?? "", /"event":"fault","method":"(?:GET|POST)","cause":"Sess/);
      assert.equal(visitor.cookie, cookie);
      assert.equal((await visitor.get("/profile")).body, '{"username":"ada"}');
    });
  }
}

const today = Date.now();
const good = {
  owner: "ada",
  data: new Map<string, unknown>([["username", "ada"]]),
  createdAt: today,
  lastSeenAt: today,
  expiresAt: today + 60_000,
};
const records: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["null", null],
  ["a text", "ada"],
  ["an empty object", {}],
  ["data that is no Map", { ...good, data: { username: "ada" } }],
  ["a value that is no text", { ...good, data: new Map([["username", 1]]) }],
  ["an owner that is no text", { ...good, owner: 1 }],
  ["a time that is no number", { ...good, expiresAt: "never" }],
  ["an expired session", { ...good, expiresAt: today }],
  ["nothing", undefined],
]);

test("the sessions below are refused for what is wrong with each: whole, one is let in", async (t) => {
  const store = interposedStore(new MemoryStore(), (name, ask) => (name === "read" ? good : ask()));
  const visitor = new Visitor(await startLogin(t, { store, clock: () => today }));
  await visitor.logIn();
  assert.equal((await visitor.get("/profile")).status, 200);
});

for (const [claim, record] of records) {
  test(`a store that answers ${claim} opens no session`, async (t) => {
    const store = interposedStore(new MemoryStore(), (name, ask) =>
      name === "read" ? record : ask(),
    );
    const visitor = new Visitor(await startLogin(t, { store, clock: () => today }));
    await visitor.logIn();
    assert.equal((await visitor.get("/profile")).status, 401);
    assert.equal((await visitor.get("/")).headers.get("location"), "/login");
  });
}

test("a store that has every key taken already logs nobody in", async (t) => {
  const store = interposedStore(new MemoryStore(), (name, ask) => (name === "create" ? false : ask()));
  const server = await startLogin(t, { store, clock: Date.now });
  const visitor = new Visitor(server);
  const answer = await visitor.logIn();
  assert.deepEqual([answer.status, visitor.cookie], [500, ""]);
  assert.match(server.lines.at(-1) ?? "", /Cannot create a session: 3 new ids were taken/);
});

test("a store that finds nothing to change ends the session: 401, and the cookie goes", async (t) => {
  const clock = fakeClock();
  const store = interposedStore(new MemoryStore({ clock }), (name, ask) =>
    name === "update" ? false : ask(),
  );
  const visitor = new Visitor(await startLogin(t, { store, clock }));
  await visitor.logIn();
  clock.advance(5 * 60_000);
  const answer = await visitor.get("/");
  assert.equal(answer.status, 401);
  assert.doesNotMatch(answer.body, /Hello/);
  assert.equal(visitor.cookie, "");
});

test("requests of one connection are answered in order, however long the first takes", async (t) => {
  const holding = gate();
  const slow: Controller = async () => {
    await holding.pass();
    return text("slow");
  };
  const server = await startServer(t, open(get("/slow", slow), get("/fast", () => text("fast"))));
  const socket = await openSocket(server.port);
  const reading = readToEnd(socket);
  const fast = "GET /fast HTTP/1.1\r\nHost: a\r\n";
  const asked = once(server.server, "request");
  socket.write(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${fast}Connection: close\r\n\r\n`);
  await asked;
  await holding.reached;
  await new Visitor(server).get("/fast");
  holding.open();
  assert.deepEqual(answersIn(await reading).map(({ body }) => body), ["slow", "fast"]);
});
