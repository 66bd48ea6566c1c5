// The session manager: what a session holds, who sees it, how it ends. The numbers in parentheses
// are those of the 45 behaviours that session managers are judged by; the others are in
// session-id, session-rotation, session-time, session-races, session-http and session-faults.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionManagerOptions } from "../src/session-manager.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { Browser, Subject, describeManager, hour, minute } from "./session-subject.ts";

const cleared =
  "__Host-session_id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" +
  "; Secure; HttpOnly; SameSite=Lax";
const unknown = "A".repeat(43);

describeManager("what a session holds,", {
  async "(1) get without a cookie finds nothing, asks nothing and creates nothing"(subject) {
    const visit = await subject.visit(new Browser(), (session) => session.get("cart"));
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.deepEqual(subject.store.asked, []);
  },
  async "(2) an absent key is not an empty text"(subject) {
    const browser = new Browser();
    await subject.visit(browser, (session) => session.set("empty", ""));
    assert.deepEqual(await subject.values(browser, "empty", "absent"), ["", undefined]);
  },
  async "(3) what is set is there in the same request, and in the next"(subject) {
    const browser = new Browser();
    const { value } = await subject.visit(browser, (session) => {
      session.set("cart", "1");
      return session.get("cart");
    });
    assert.equal(value, "1");
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
  },
  async "(3) what is set in a session that is there hides the old value at once"(subject) {
    const browser = await subject.logIn("ada", { cart: "1", name: "Ada" });
    const { value } = await subject.visit(browser, async (session) => {
      const before = await session.get("cart");
      session.set("cart", "2");
      session.delete("name");
      return [before, await session.get("cart"), await session.get("name")];
    });
    assert.deepEqual(value, ["1", "2", undefined]);
  },
  async "(4) to overwrite a key leaves the others"(subject) {
    const browser = await subject.logIn("ada", { cart: "1", name: "Ada" });
    await subject.visit(browser, (session) => session.set("cart", "2"));
    assert.deepEqual(await subject.values(browser, "cart", "name"), ["2", "Ada"]);
  },
  async "(5) to delete an absent key is no error, and makes no session"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const visit = await subject.visit(browser, (session) => session.delete("absent"));
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    const stranger = await subject.visit(new Browser(), (session) => session.delete("absent"));
    assert.deepEqual([stranger.cookie, subject.size], [undefined, 1]);
  },
  async "(6) a session whose keys are all deleted is still a session"(subject) {
    const browser = new Browser();
    await subject.visit(browser, (session) => session.set("cart", "1"));
    const visit = await subject.visit(browser, (session) => session.delete("cart"));
    assert.deepEqual([visit.cookie, await subject.values(browser, "cart")], [undefined, [undefined]]);
    const { id } = browser;
    await subject.visit(browser, (session) => session.set("cart", "2"));
    assert.deepEqual([browser.id, await subject.values(browser, "cart")], [id, ["2"]]);
  },
  async "(7) destroy: every key is gone, the old cookie opens nothing, the browser forgets"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { cookie = "" } = browser;
    const { value, ...committed } = await subject.visit(browser, async (session) => {
      session.destroy();
      return [await session.get("cart"), await session.handle()];
    });
    assert.deepEqual(value, [undefined, undefined]);
    assert.deepEqual(committed, { gone: false, cookie: cleared });
    assert.deepEqual([subject.size, browser.cookie], [0, undefined]);
    assert.deepEqual(await subject.values(new Browser(cookie), "cart"), [undefined]);
  },
  async "(7) destroy keeps what was set before it from being stored"(subject) {
    const browser = new Browser();
    await subject.visit(browser, (session) => {
      session.set("cart", "1");
      session.delete("name");
      session.destroy();
    });
    assert.deepEqual([browser.cookie, subject.size], [undefined, 0]);
  },
  async "(8) destroy without a session: no cookie, no record, no question"(subject) {
    const visit = await subject.visit(new Browser(), (session) => session.destroy());
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.deepEqual(subject.store.asked, []);
  },
  async "(8) destroy clears a cookie that opens nothing, too"(subject) {
    for (const value of [unknown, "malformed", ""]) {
      const browser = new Browser(`__Host-session_id=${value}`);
      const { cookie } = await subject.visit(browser, (session) => session.destroy());
      assert.equal(cookie, cleared);
    }
    assert.deepEqual([subject.ended, subject.size], [[], 0]);
  },
  async "(9) what is set after destroy is in a new session, under a new id"(subject) {
    const browser = await subject.logIn("ada", { cart: "1", name: "Ada" });
    const { id: old } = browser;
    const { value } = await subject.visit(browser, (session) => {
      session.destroy();
      session.set("cart", "2");
      return session.get("name");
    });
    assert.deepEqual([value, browser.id === old, subject.size], [undefined, false, 1]);
    assert.deepEqual(await subject.values(browser, "cart", "name"), ["2", undefined]);
    const late = new Browser(`__Host-session_id=${old}`);
    assert.deepEqual(await subject.values(late, "cart"), [undefined]);
    assert.deepEqual(await subject.manager.list("ada"), []);
  },
  async "(10) sessions never see each other"(subject) {
    const [ada, eve] = [await subject.logIn("ada", { cart: "1" }), await subject.logIn("eve")];
    await subject.visit(eve, (session) => session.set("cart", "2"));
    assert.deepEqual(await subject.values(ada, "cart"), ["1"]);
    await subject.visit(eve, (session) => session.destroy());
    assert.deepEqual(await subject.values(ada, "cart"), ["1"]);
  },
  async "(11) odd key names are data, and absent before they are set"(subject) {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "", " ", "\0", "😀"];
    const browser = await subject.logIn("ada");
    const before = await subject.values(browser, ...names);
    assert.deepEqual(before, names.map(() => undefined));
    await subject.visit(browser, (session) => {
      for (const name of names) session.set(name, `value of ${name}`);
    });
    const after = await subject.values(browser, ...names);
    assert.deepEqual(after, names.map((name) => `value of ${name}`));
  },
  async "a session that is made without an owner has none, and is in nobody's list"(subject) {
    await subject.visit(new Browser(), (session) => session.set("cart", "1"));
    for (const owner of ["undefined", "ada"]) {
      assert.deepEqual(await subject.manager.list(owner), []);
    }
  },
  async "the store is asked once, however often a request looks"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    await subject.visit(browser, async (session) => {
      const both = await Promise.all([session.get("cart"), session.get("name")]);
      assert.deepEqual([...both, await session.get("cart")], ["1", undefined, "1"]);
    });
    assert.equal(subject.store.count("read"), 1);
  },
  async "a request that does not use its session costs no question to the store"(subject) {
    const browser = await subject.logIn("ada");
    const questions = subject.store.asked.length;
    const visit = await subject.visit(browser, () => {});
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.equal(subject.store.asked.length, questions);
  },
});

test("(12) a size limit refuses the write and leaves the session as it was", async () => {
  const subject = new Subject({ maxSessionSize: 10 });
  const browser = await subject.logIn("ada", { cart: "12345" });
  const { id } = browser;
  for (const write of ["keep", "rotate", "start"] as const) {
    const visit = subject.visit(browser, (session) => {
      if (write === "rotate") session.rotate();
      if (write === "start") session.start("ada");
      session.set("cart", "1234567");
    });
    await assert.rejects(visit, { name: "SessionTooLargeError" });
    assert.deepEqual([browser.id, subject.size], [id, 1]);
    assert.deepEqual(await subject.values(browser, "cart"), ["12345"]);
  }
});

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
  async "end all sessions of an owner, and answer how many"(subject) {
    const browsers = [await subject.logIn("ada"), await subject.logIn("ada")];
    const eve = await subject.logIn("eve");
    assert.equal(await subject.manager.endAll("ada"), 2);
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

describe("a session manager is not made", () => {
  const longest = 2 ** 31 - 1;
  const refused: readonly (readonly [string, Partial<SessionManagerOptions>, RegExp])[] = [
    ...["idleTimeout", "absoluteTimeout", "storeTimeout"].flatMap((name) =>
      [0, -1, 1.5, NaN, Infinity, 2 ** 53].map(
        (value) =>
          [
            `with ${name} ${value}`,
            { [name]: value },
            new RegExp(`^Cannot use ${name} ${value}: not a whole number of milliseconds$`),
          ] as const,
      ),
    ),
    [
      "with an idle time-out longer than the absolute one",
      { idleTimeout: 1001, absoluteTimeout: 1000 },
      /^Cannot use idleTimeout 1001: longer than absoluteTimeout 1000$/,
    ],
    [
      "with an absolute time-out shorter than the usual idle one",
      { absoluteTimeout: 30 * minute - 1 },
      /^Cannot use idleTimeout 1800000: longer than absoluteTimeout 1799999$/,
    ],
    [
      "with a store time-out that no timer can count",
      { storeTimeout: longest + 1 },
      /^Cannot use storeTimeout 2147483648: over 2147483647$/,
    ],
  ];
  for (const [how, options, message] of refused) {
    test(how, () => {
      const make = () => new SessionManager({ store: new MemoryStore(), ...options });
      assert.throws(make, { name: "RangeError", message });
    });
  }

  for (const [how, options] of [
    ["but with one millisecond for each", { idleTimeout: 1, absoluteTimeout: 1, storeTimeout: 1 }],
    ["but with equal time-outs", { idleTimeout: hour, absoluteTimeout: hour }],
    ["but with the longest timer there is", { storeTimeout: longest }],
    ["but with every option undefined", { idleTimeout: undefined, onEnd: undefined }],
  ] as const) {
    test(how, async () => {
      const manager = new SessionManager({ store: new MemoryStore(), ...options });
      assert.deepEqual(await manager.list("ada"), []);
    });
  }
});

test("a manager needs a store, and nothing else", async () => {
  const manager = new SessionManager({ store: new MemoryStore() });
  const session = manager.open(undefined);
  session.start("ada");
  const { cookie = "" } = await manager.commit(session, undefined);
  assert.match(cookie, /^__Host-session_id=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  const [listed] = await manager.list("ada");
  assert.equal((listed?.expiresAt ?? 0) - (listed?.createdAt ?? 0), 30 * minute);
  const [one, other] = [manager.open(cookie), manager.open("__Host-session_id=x")];
  one.destroy();
  assert.equal((await manager.commit(one, cookie)).cookie, cleared);
  assert.equal(await other.handle(), undefined);
});
