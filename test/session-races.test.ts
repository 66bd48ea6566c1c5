// Requests at the same time, over real HTTP: where other session libraries bring back a session
// that was logged out, or lose a key. The numbers in parentheses are those of the list that
// session-manager.test.ts names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gate } from "./gate.ts";
import { SessionServer, served } from "./session-server.ts";
import { Browser, minute, stores } from "./session-subject.ts";

const races: Record<string, (server: SessionServer) => Promise<void>> = {
  async "(32) log-out while a reader is in flight: the reader ends, the session stays dead"(server) {
    const [browser, late] = await logIn(server);
    const reading = server.ask(late, "GET /my/page?wait");
    await server.gate.reached;
    assert.equal((await server.send(browser, "POST /my/logout")).status, 303);
    server.gate.open();
    assert.deepEqual(await reading, [200, "ada"]);
    await isDead(server, late);
  },
  async "(32) the same when the reader's use is due to be written: it is told"(server) {
    const [browser, late] = await logIn(server);
    server.clock.advance(10 * minute);
    const reading = server.send(late, "GET /my/page?wait");
    await server.gate.reached;
    await server.send(browser, "POST /my/logout");
    server.gate.open();
    await isToldOf(await reading);
    await isDead(server, late);
  },
  async "(33) log-out while a writer is in flight: the writer gets 401 and a cleared cookie"(server) {
    const [browser, late] = await logIn(server);
    const writing = server.send(late, "POST /my/key/cart?wait");
    await server.gate.reached;
    await server.send(browser, "POST /my/logout");
    server.gate.open();
    await isToldOf(await writing);
    assert.equal(late.cookie, undefined);
    await isDead(server, late);
  },
  async "(33) the same for a writer that never looked at the session"(server) {
    const [browser, late] = await logIn(server);
    const writing = server.send(late, "GET /set-and-show?wait");
    await server.gate.reached;
    await server.send(browser, "POST /my/logout");
    server.gate.open();
    await isToldOf(await writing);
    await isDead(server, late);
  },
  async "(33) a writer that first uses the session after the log-out: it starts another, nobody's"(server) {
    const [browser, late] = await logIn(server);
    const old = new Browser(late.cookie);
    const writing = server.ask(late, "GET /wait-and-set?wait");
    await server.gate.reached;
    await server.send(browser, "POST /my/logout");
    await isDead(server, old);
    server.gate.open();
    assert.deepEqual(await writing, [200, "set"]);
    assert.deepEqual(await server.ask(old, "GET /value?key=cart"), [200, "undefined"]);
    assert.deepEqual(await server.ask(late, "GET /value?key=cart"), [200, "1"]);
    assert.deepEqual(await server.ask(late, "GET /my/page"), [401, "Log in"]);
  },
  async "(33) an end from another device while a writer is in flight: the same"(server) {
    const [, late] = await logIn(server);
    const [phone] = await logIn(server);
    const writing = server.send(late, "POST /my/key/cart?wait");
    await server.gate.reached;
    assert.deepEqual(await server.ask(phone, "POST /my/end-all"), [200, "2"]);
    server.gate.open();
    await isToldOf(await writing);
    await isDead(server, late);
  },
  async "(34) two writers: both keys are kept"(server) {
    const [browser, late] = await logIn(server);
    const writing = server.ask(late, "POST /my/key/slow?wait");
    await server.gate.reached;
    assert.deepEqual(await server.ask(browser, "POST /my/key/fast"), [200, "stored"]);
    server.gate.open();
    assert.deepEqual(await writing, [200, "stored"]);
    for (const key of ["slow", "fast"]) {
      assert.deepEqual(await server.ask(browser, `GET /value?key=${key}`), [200, "set"]);
    }
  },
  async "(35) two first requests of a browser: two sessions, each with its own"(server) {
    const visitors = [new Browser(), new Browser()];
    const line = "GET /set-and-show";
    const answers = await Promise.all(visitors.map((visitor) => server.ask(visitor, line)));
    assert.deepEqual(answers, [[200, "shown"], [200, "shown"]]);
    assert.deepEqual([new Set(visitors.map(({ id }) => id)).size, server.size], [2, 2]);
  },
  async "(36) end-all before a login is stored: the login lives, and is listed"(server) {
    const [browser] = await logIn(server);
    const phone = new Browser();
    const { reached, pass, open } = gate();
    server.store.before = (method) => (method === "create" ? pass() : undefined);
    const loggingIn = server.send(phone, "POST /login/ada");
    await reached;
    assert.deepEqual(await server.ask(browser, "POST /my/end-all"), [200, "1"]);
    open();
    assert.equal((await loggingIn).status, 303);
    assert.deepEqual(await server.ask(phone, "GET /my/page"), [200, "ada"]);
    const list = await server.manager.list("ada");
    assert.deepEqual(list.map(({ handle }) => handle), [await server.handle(phone)]);
  },
  async "(36) end-all after a login is stored, and before it is answered: it is ended"(server) {
    const [browser] = await logIn(server);
    const phone = new Browser();
    const { reached, pass, open } = gate();
    server.store.after = (method) => (method === "create" ? pass() : undefined);
    const loggingIn = server.send(phone, "POST /login/ada");
    await reached;
    assert.deepEqual(await server.ask(browser, "POST /my/end-all"), [200, "2"]);
    open();
    assert.equal((await loggingIn).status, 303);
    assert.deepEqual(await server.ask(phone, "GET /my/page"), [401, "Log in"]);
    assert.deepEqual([await server.manager.list("ada"), server.size], [[], 0]);
  },
};

for (const [kind, hold] of stores) {
  describe(`races ${kind}`, () => {
    for (const [claim, holds] of Object.entries(races)) test(claim, () => served(holds, {}, hold));
  });
}

/** A browser with a session of ada's, and the same browser's cookie for a request meanwhile. */
async function logIn(server: SessionServer): Promise<readonly [Browser, Browser]> {
  const browser = new Browser();
  assert.equal((await server.send(browser, "POST /login/ada")).status, 303);
  return [browser, new Browser(browser.cookie)];
}

async function isToldOf(response: Response): Promise<void> {
  assert.deepEqual(
    [response.status, await response.text(), response.headers.getSetCookie()],
    [
      401,
      "Your session has ended. Log in.\n",
      [
        "__Host-session_id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" +
          "; Secure; HttpOnly; SameSite=Lax",
      ],
    ],
  );
}

/** The old cookie opens nothing, whatever was in flight. */
async function isDead(server: SessionServer, { cookie }: Browser): Promise<void> {
  const answer = await server.ask(new Browser(cookie), "GET /my/page");
  assert.deepEqual([answer, server.size], [[401, "Log in"], 0]);
  assert.deepEqual(await server.manager.list("ada"), []);
}
