// An owner's sessions: listed, ended one by one or together, and what onEnd is told. The numbers in
// parentheses are those of the list that session-manager.test.ts names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { Browser, Subject, describeManager, hour, minute } from "./session-subject.ts";

const cleared =
  "__Host-session_id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" +
  "; Secure; HttpOnly; SameSite=Lax";
const unknown = "A".repeat(43);

describeManager("lists and revocation", {
  async "show an owner's sessions, the oldest first, with their times and data"(subject) {
    const start = subject.clock();
    const laptop = await subject.logIn("ada", { browser: "Firefox" });
    subject.clock.advance(10 * minute);
    const phone = await subject.logIn("ada");
    await subject.logIn("eve");
    subject.clock.advance(5 * minute);
    await subject.visit(laptop, (session) => session.get("browser"));
    const now = start + 15 * minute;
    assert.deepEqual(await subject.manager.list("ada"), [
      {
        handle: await subject.handle(laptop),
        owner: "ada",
        data: new Map([["browser", "Firefox"]]),
        createdAt: start,
        lastSeenAt: now,
        expiresAt: now + 30 * minute,
      },
      {
        handle: await subject.handle(phone),
        owner: "ada",
        data: new Map(),
        createdAt: start + 10 * minute,
        lastSeenAt: start + 10 * minute,
        expiresAt: start + 40 * minute,
      },
    ]);
  },
  async "(18) neither show nor tell of anything that opens a session or names its record"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { id } = browser;
    const key = hashSessionId(id);
    const handle = sessionHandle(key);
    const list = await subject.manager.list("ada");
    await subject.visit(browser, (session) => session.destroy());
    assert.deepEqual(subject.ended, [["logout", handle]]);
    const shown = JSON.stringify([list, subject.ended, handle]);
    assert.match(shown, /"handle":"[\w-]{22}"/);
    for (const secret of [id, key]) {
      assert.equal(shown.includes(secret) || secret.includes(handle), false);
    }
    assert.equal(new Set(Object.keys(list[0] ?? {})).has("key"), false);
  },
  async "end one session of an owner, and answer how many"(subject) {
    const [laptop, phone] = [await subject.logIn("ada", { on: "1" }), await subject.logIn("ada")];
    const handle = (await subject.handle(laptop)) ?? "";
    assert.equal(await subject.manager.end("eve", handle), 0);
    assert.equal(await subject.manager.end("ada", "no such handle"), 0);
    assert.deepEqual(await subject.values(laptop, "on"), ["1"]);
    assert.equal(await subject.manager.end("ada", handle), 1);
    assert.equal(await subject.manager.end("ada", handle), 0);
    assert.deepEqual(await subject.values(laptop, "on"), [undefined]);
    assert.notEqual(await subject.handle(phone), undefined);
    assert.deepEqual(subject.ended, [["revoked", handle]]);
  },
  async "end none, and tell of none, where a log-out came first"(subject) {
    const browser = await subject.logIn("ada");
    const [handle, same] = [(await subject.handle(browser)) ?? "", new Browser(browser.cookie)];
    subject.store.after = async (method) => {
      if (method === "listByOwner") await subject.visit(same, (session) => session.destroy());
    };
    assert.equal(await subject.manager.end("ada", handle), 0);
    assert.deepEqual(subject.ended, [["logout", handle]]);
  },
  async "end all sessions of an owner, and answer how many"(subject) {
    const browsers = [await subject.logIn("ada"), await subject.logIn("ada")];
    const eve = await subject.logIn("eve");
    subject.store.asked.length = 0;
    assert.equal(await subject.manager.endAll("ada"), 2);
    assert.deepEqual(subject.store.asked, ["deleteByOwner"]);
    assert.equal(await subject.manager.endAll("ada"), 0);
    for (const browser of browsers) assert.equal(await subject.handle(browser), undefined);
    assert.notEqual(await subject.handle(eve), undefined);
    assert.deepEqual(subject.ended, [["revoked", undefined], ["revoked", undefined]]);
  },
  async "end all sessions of an owner but one, and answer how many"(subject) {
    const [laptop, phone] = [await subject.logIn("ada"), await subject.logIn("ada")];
    const handle = await subject.handle(laptop);
    assert.equal(await subject.manager.endAll("ada", handle), 1);
    assert.equal(await subject.manager.endAll("ada", handle), 0);
    assert.equal(await subject.handle(phone), undefined);
    assert.deepEqual((await subject.manager.list("ada")).map((one) => one.handle), [handle]);
  },
  async "end them all where the one to be kept is another owner's, or gone"(subject) {
    const eve = await subject.logIn("eve");
    const handle = await subject.handle(eve);
    await subject.logIn("ada");
    assert.equal(await subject.manager.endAll("ada", handle), 1);
    assert.deepEqual(await subject.manager.list("ada"), []);
    assert.equal(await subject.handle(eve), handle);
  },
  async "leave nothing that was ended while a request was reading its handle"(subject) {
    const browser = await subject.logIn("ada");
    const { session, commit } = subject.request(browser);
    await session.handle();
    await subject.manager.endAll("ada");
    session.set("cart", "1");
    assert.deepEqual(await commit(), { gone: true, cookie: cleared });
    assert.deepEqual([await subject.manager.list("ada"), browser.cookie], [[], undefined]);
  },
});

describe("onEnd is told", () => {
  test("that a log-out ended a session, once", async () => {
    const subject = new Subject();
    const browser = await subject.logIn("ada");
    const handle = await subject.handle(browser);
    const again = new Browser(browser.cookie);
    await subject.visit(browser, (session) => session.destroy());
    await subject.visit(again, (session) => session.destroy());
    assert.deepEqual(subject.ended, [["logout", handle]]);
  });

  test("that a log-out ended a session, also when something is set after it", async () => {
    const subject = new Subject();
    const browser = await subject.logIn("ada");
    const handle = await subject.handle(browser);
    await subject.visit(browser, (session) => {
      session.destroy();
      session.set("notice", "Goodbye.");
    });
    assert.deepEqual(subject.ended, [["logout", handle]]);
  });

  test("that a new session replaced one, and no more of a rotation", async () => {
    const subject = new Subject();
    const browser = await subject.logIn("ada");
    await subject.visit(browser, (session) => session.rotate());
    assert.deepEqual(subject.ended, []);
    const handle = await subject.handle(browser);
    await subject.visit(browser, (session) => session.start("eve"));
    assert.deepEqual(subject.ended, [["replaced", handle]]);
    const stale = new Browser(`__Host-session_id=${unknown}`);
    await subject.visit(stale, (session) => session.start("ada"));
    assert.equal(subject.ended.length, 1);
  });

  test("that a time-out ended one, and which", async () => {
    const subject = new Subject({ idleTimeout: 2 * hour, absoluteTimeout: 3 * hour });
    const idle = await subject.logIn("idle");
    const used = await subject.logIn("used");
    const [idleHandle, usedHandle] = [await subject.handle(idle), await subject.handle(used)];
    subject.clock.advance(hour);
    await subject.visit(used, (session) => session.get("cart"));
    subject.clock.advance(hour);
    await subject.handle(idle);
    subject.clock.advance(hour);
    await subject.handle(used);
    assert.deepEqual(subject.ended, [["idle", idleHandle], ["absolute", usedHandle]]);
  });

  test("that a time-out ended one, also when the clock was set back since", async () => {
    const subject = new Subject();
    const handle = await subject.handle(await subject.logIn("ada"));
    const [session = assert.fail()] = await subject.store.listByOwner("ada");
    subject.clock.advance(hour);
    await subject.handle(await subject.logIn("eve"));
    subject.clock.advance(-hour);
    subject.manager.removed(session);
    assert.deepEqual(subject.ended, [["idle", handle]]);
  });

  test("that the owner's oldest session went for a new one", async () => {
    const subject = new Subject({ maxSessionsPerOwner: 1 });
    const handle = await subject.handle(await subject.logIn("ada"));
    await subject.logIn("ada");
    assert.deepEqual(subject.ended, [["replaced", handle]]);
  });

  for (const [how, hook] of [
    ["throws", (): never => { throw new Error("Cannot listen"); }],
    ["rejects", () => Promise.reject(new Error("Cannot listen"))],
  ] as const) {
    test(`harmlessly, when it ${how}`, async () => {
      const subject = new Subject({ onEnd: hook, maxSessionsPerOwner: 2 });
      const laptop = await subject.logIn("ada");
      await subject.visit(laptop, (session) => session.start("ada"));
      await subject.visit(laptop, (session) => session.destroy());
      for (let count = 0; count < 3; count += 1) await subject.logIn("ada");
      const [one] = await subject.manager.list("ada");
      assert.equal(await subject.manager.end("ada", one?.handle ?? ""), 1);
      assert.equal(await subject.manager.endAll("ada"), 1);
      assert.equal(subject.size, 0);
      // By then, Node has reported what was rejected and caught by nobody.
      await setImmediate();
    });
  }
});
