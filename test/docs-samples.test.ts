// The samples of the documentation do what it says of them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import "../docs/samples/cart.test.ts";
import { server as served } from "../docs/samples/served.ts";
import { server } from "../docs/samples/visits.ts";
import { answersIn, exchange } from "./raw-client.ts";

test("the server of one's own counts a visitor's visits, and nobody else's", async (context) => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const { port } = Object.assign({ port: 0 }, server.address());
  const visit = (cookie: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}`, { headers: { cookie, connection: "close" } });

  const first = await visit("");
  assert.equal(await first.text(), "1\n");
  const cookie = first.headers.getSetCookie()[0] ?? "";
  assert.match(cookie, /^session_id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  const second = await visit(cookie.split(";")[0] ?? "");
  assert.equal(await second.text(), "2\n");
  assert.equal(second.headers.get("cache-control"), "no-store");
  assert.equal(second.headers.get("vary"), "Cookie");
  assert.equal(await (await visit("")).text(), "1\n");

  const headers = { "Sec-Fetch-Site": "same-site", connection: "close" };
  const post = await fetch(`http://127.0.0.1:${port}`, { method: "POST", headers });
  assert.equal(post.status, 403);
  assert.deepEqual(post.headers.getSetCookie(), []);
});

test("the server with routes and sessions serves its host, and no other", async (context) => {
  served.listen(0, "127.0.0.1");
  await once(served, "listening");
  context.after(() => served.close());
  const { port } = Object.assign({ port: 0 }, served.address());
  const ask = async (fields: string): Promise<string> => {
    const answer = await exchange(port, `GET / HTTP/1.1\r\nConnection: close\r\n${fields}\r\n`);
    const [first] = answersIn(answer);
    assert.match(first?.headers.get("strict-transport-security") ?? "", /^max-age=/);
    return `${first?.status} ${first?.headers.get("vary")} ${first?.body}`;
  };

  assert.equal(await ask("Host: app.example\r\n"), "200 Cookie Hello, stranger\n");
  assert.match(await ask("Host: evil.example\r\n"), /^421 undefined /);
  assert.match(await ask("no field\r\n"), /^400 undefined Send a well-formed request/);
});
