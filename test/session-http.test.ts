// What of a session is seen in an answer: cookies, header fields, and the status of a fault. The
// numbers in parentheses are those of the list that session-manager.test.ts names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { served } from "./session-server.ts";
import { Browser } from "./session-subject.ts";

const unknown = `__Host-session_id=${"A".repeat(43)}`;
const given = /^__Host-session_id=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/;

describe("(37) no write, no Set-Cookie:", () => {
  for (const [visitor, lines] of [
    ["a stranger", ["GET /nothing", "GET /value?key=cart", "HEAD /value", "GET /missing"]],
    ["who sends an unknown id", ["GET /nothing", "GET /value?key=cart", "GET /my/page"]],
    ["who is logged in", ["GET /nothing", "GET /value?key=name", "GET /my/page", "POST /value"]],
  ] as const) {
    for (const line of lines) {
      test(`${visitor}, ${line}`, () =>
        served(async (server) => {
          const browser = new Browser(visitor === "who sends an unknown id" ? unknown : undefined);
          if (visitor === "who is logged in") await server.send(browser, "POST /login/ada");
          const { size } = server;
          const response = await server.send(browser, line);
          assert.deepEqual([response.headers.getSetCookie(), server.size], [[], size]);
        }));
    }
  }
});

describe("(38) the cookie is sent with", () => {
  for (const [claim, line, status] of [
    ["a page", "GET /set-and-show", 200],
    ["the answer to HEAD", "HEAD /set-and-show", 200],
    ["a redirection", "GET /set-and-redirect", 303],
    ["a reply that refuses", "GET /set-and-refuse", 404],
    ["a reply that fails", "GET /set-and-fail", 500],
  ] as const) {
    test(claim, () =>
      served(async (server) => {
        const browser = new Browser();
        const response = await server.send(browser, line);
        assert.equal(response.status, status);
        assert.match(response.headers.getSetCookie().join(), given);
        assert.deepEqual(await server.ask(browser, "GET /value?key=cart"), [200, "1"]);
      }));
  }

  test("no error that was thrown: nothing was stored", () =>
    served(async (server) => {
      const response = await server.send(new Browser(), "GET /set-and-throw");
      assert.deepEqual([response.status, response.headers.getSetCookie()], [409, []]);
      assert.equal(server.size, 0);
    }));
});

test("(39) other cookies survive; of the session's own name there is one, from the manager", () =>
  served(async (server) => {
    const response = await server.send(new Browser(), "GET /other-cookies");
    const [theme, seen, session, ...more] = response.headers.getSetCookie();
    assert.deepEqual([theme, seen, more], ["theme=dark", "seen=1; Path=/", []]);
    assert.match(session ?? "", given);
  }));

test("(39) the cookie is cleared once, with the attributes that set it", () =>
  served(async (server) => {
    const browser = new Browser();
    await server.send(browser, "POST /login/ada");
    const response = await server.send(browser, "POST /my/logout");
    const gone = "__Host-session_id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    assert.deepEqual(response.headers.getSetCookie(), [`${gone}; Secure; HttpOnly; SameSite=Lax`]);
  }));

describe("(40) Vary and Cache-Control of", () => {
  for (const [claim, line, vary] of [
    ["an answer that looked at the session", "GET /value?key=cart", "Cookie"],
    ["an answer to whom security refused", "GET /my/page", "Cookie"],
    ["an answer that set something", "GET /set-and-show", "Cookie"],
    ["an answer that did not look", "GET /nothing", null],
  ] as const) {
    test(claim, () =>
      served(async (server) => {
        const { headers } = await server.send(new Browser(), line);
        assert.deepEqual([headers.get("vary"), headers.get("cache-control")], [vary, "no-store"]);
      }));
  }
});

describe("a fault is answered without a cookie, without success, without its cause:", () => {
  const busy = "The server is busy or in trouble. Try again soon.\n";
  for (const [claim, method, line] of [
    ["(41) a read that fails is 503, and not anonymous", "read", "GET /value?key=name"],
    ["(41) the same, before a security function", "read", "GET /my/page"],
    ["(41) the same, though the controller caught it", "read", "GET /swallow"],
    ["(42) a write that fails is 503", "update", "GET /set-and-show"],
    ["(42) a login that fails is 503", "create", "POST /login/ada"],
    ["(42) a log-out that fails is 503", "delete", "POST /my/logout"],
    ["a revocation that fails is 503", "deleteByOwner", "POST /my/end-all"],
  ] as const) {
    test(claim, () =>
      served(async (server) => {
        const browser = new Browser();
        await server.send(browser, "POST /login/ada");
        const { cookie } = browser;
        server.store.fail(method);
        const response = await server.send(browser, line);
        assert.deepEqual([response.status, await response.text()], [503, busy]);
        assert.deepEqual([response.headers.getSetCookie(), browser.cookie], [[], cookie]);
        assert.deepEqual([response.headers.get("retry-after"), server.faults.length], ["5", 1]);
        server.store.fail();
        assert.deepEqual(await server.ask(browser, "GET /my/page"), [200, "ada"]);
      }));
  }

  test("(44) a login that a full store refuses is 503", () =>
    served(
      async (server) => {
        await server.send(new Browser(), "POST /login/ada");
        const response = await server.send(new Browser(), "POST /login/eve");
        assert.deepEqual([response.status, response.headers.getSetCookie()], [503, []]);
      },
      { maxSessions: 1 },
    ));

  test("(12) a session that grows too large is 413, and stays as it was", () =>
    served(async (server) => {
      const browser = new Browser();
      await server.send(browser, "POST /login/ada");
      assert.deepEqual(await server.ask(browser, "GET /set-much"), [413, "Your session is full.\n"]);
      assert.deepEqual(await server.ask(browser, "GET /value?key=much"), [200, "undefined"]);
      assert.deepEqual(await server.ask(browser, "GET /my/page"), [200, "ada"]);
    }));

  test("(19) a random source that fails is 500", () =>
    served(async (server) => {
      server.isRandomBroken = true;
      const response = await server.send(new Browser(), "POST /login/ada");
      assert.deepEqual([response.status, response.headers.getSetCookie()], [500, []]);
      assert.deepEqual([server.size, server.faults.length], [0, 1]);
    }));
});
