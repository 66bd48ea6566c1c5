// The session manager: what a session holds, who sees it, how it ends. The numbers in parentheses
// are those of the 45 behaviours that session managers are judged by. The others are in
// session-id, -rotation, -revocation, -time, -races, -http and -faults.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
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
  async "of two requests that add to one key at once the later stands, and no one is told"(subject) {
    const browser = await subject.logIn("ada", { cart: "" });
    const visit = await subject.visit(browser, async (session) => {
      const cart = await session.get("cart");
      await subject.visit(new Browser(browser.cookie), (tab) => tab.set("cart", "cap "));
      assert.equal(await session.get("cart"), cart);
      session.set("cart", `${cart}mug `);
    });
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.deepEqual(await subject.values(browser, "cart"), ["mug "]);
  },
  async "(4) what is set is written, though it was the same when the request looked"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { session, commit } = subject.request(browser);
    session.set("cart", (await session.get("cart")) ?? "");
    await subject.visit(browser, (meanwhile) => meanwhile.set("cart", "2"));
    await commit();
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
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
    const visit = await subject.visit(new Browser("theme=dark"), (session) => session.destroy());
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
  async "the first value of a visitor who sends no cookie costs one question to the store"(subject) {
    await subject.visit(new Browser("theme=dark"), (session) => session.set("cart", "1"));
    assert.deepEqual(subject.store.asked, ["create"]);
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

describe("a session manager is not made", () => {
  const refused: readonly (readonly [string, Partial<SessionManagerOptions>, RegExp])[] = [
    ...["idleTimeout", "absoluteTimeout"].flatMap((name) =>
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
  ];
  for (const [how, options, message] of refused) {
    test(how, () => {
      const make = () => new SessionManager({ store: new MemoryStore(), ...options });
      assert.throws(make, { name: "RangeError", message });
    });
  }

  test("with a secure that JavaScript gave as text", () => {
    const options = { store: new MemoryStore(), secure: JSON.parse('"false"') };
    const message = /Secure must be true or false$/;
    assert.throws(() => new SessionManager(options), { name: "TypeError", message });
  });

  for (const [how, options] of [
    ["but with one millisecond for each", { idleTimeout: 1, absoluteTimeout: 1 }],
    ["but with equal time-outs", { idleTimeout: hour, absoluteTimeout: hour }],
    ["but with every option undefined", { idleTimeout: undefined, onEnd: undefined }],
  ] as const) {
    test(how, async () => {
      const manager = new SessionManager({ store: new MemoryStore(), ...options });
      assert.deepEqual(await manager.list("ada"), []);
    });
  }
});

test("a session in memory that was only looked at is committed without a promise", async () => {
  const manager = new SessionManager({ store: new MemoryStore() });
  const login = manager.open(undefined);
  login.start("ada");
  const { cookie } = await manager.commit(login, undefined);
  const session = manager.open(cookie);
  assert.equal(await session.get("cart"), undefined);
  assert.deepEqual(manager.commit(session, cookie), { gone: false, cookie: undefined });
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
