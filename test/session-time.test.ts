// When sessions end by themselves. The numbers in parentheses are those of the list that
// session-manager.test.ts names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionManagerOptions } from "../src/session-manager.ts";
import { SessionTimeouts } from "../src/session-timeouts.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { Browser, Subject, describeManager, hour, minute } from "./session-subject.ts";

/** Lets time pass in steps that are short enough for the session to stay in use. */
async function useUntil(subject: Subject, browser: Browser, end: number): Promise<void> {
  while (subject.clock() < end) {
    subject.clock.advance(Math.min(20 * minute, end - subject.clock()));
    await subject.values(browser, "cart");
  }
}

describeManager("time-outs", {
  async "(25) idle: alive one tick before the limit"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(30 * minute - 1);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
  },
  async "(25) idle: dead at the limit, and not listed"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(30 * minute);
    assert.deepEqual(await subject.manager.list("ada"), []);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  },
  async "(26) activity extends the idle limit: from the last use that was written"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(29 * minute);
    await subject.values(browser, "cart");
    subject.clock.advance(30 * minute - 1);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    subject.clock.advance(30 * minute);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  },
  async "(26) activity never extends past the absolute limit"(subject) {
    const start = subject.clock();
    const browser = await subject.logIn("ada", { cart: "1" });
    await useUntil(subject, browser, start + 8 * hour - 1);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    assert.equal((await subject.manager.list("ada"))[0]?.expiresAt, start + 8 * hour);
    subject.clock.advance(1);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  },
  async "(27) the absolute limit survives rotation"(subject) {
    const start = subject.clock();
    const browser = await subject.logIn("ada", { cart: "1" });
    await useUntil(subject, browser, start + 8 * hour - 2);
    await subject.visit(browser, (session) => session.rotate());
    // Its store would keep it for longer than it lives.
    const [{ expiresAt } = assert.fail()] = await subject.manager.list("ada");
    assert.equal(expiresAt, start + 8 * hour);
    subject.clock.advance(1);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    subject.clock.advance(1);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  },
  async "(28) a clock set back revives nothing"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(30 * minute);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
    subject.clock.advance(-20 * minute);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
    assert.deepEqual(await subject.manager.list("ada"), []);
  },
  async "(28) a clock set back kills nothing, and stands still until it has caught up"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(10 * minute);
    await subject.values(browser, "cart");
    subject.clock.advance(-5 * hour);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    await subject.visit(browser, (session) => session.set("cart", "2"));
    subject.clock.advance(5 * hour + 30 * minute - 1);
    assert.deepEqual(await subject.values(browser, "cart"), ["2"]);
    subject.clock.advance(30 * minute);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  },
  async "(29) a use is written at most once in a tenth of the idle limit"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    for (const [advance, updates] of [[0, 0], [3 * minute - 1, 0], [1, 1], [0, 1]] as const) {
      subject.clock.advance(advance);
      await subject.values(browser, "cart");
      assert.equal(subject.store.count("update"), updates);
    }
    subject.clock.advance(3 * minute - 1);
    await subject.values(browser, "cart");
    assert.equal(subject.store.count("update"), 1);
    subject.clock.advance(1);
    await subject.values(browser, "cart");
    assert.equal(subject.store.count("update"), 2);
  },
  async "(29) the same where the absolute limit comes first"(subject) {
    const start = subject.clock();
    const browser = await subject.logIn("ada", { cart: "1" });
    await useUntil(subject, browser, start + 8 * hour - 10 * minute);
    const updates = subject.store.count("update");
    for (const [advance, more] of [[3 * minute - 1, 0], [1, 1], [3 * minute - 1, 1]] as const) {
      subject.clock.advance(advance);
      await subject.values(browser, "cart");
      assert.equal(subject.store.count("update"), updates + more);
    }
  },
  async "(29) a write is a use, and what was not looked at was not used"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.clock.advance(2 * minute);
    await subject.visit(browser, (session) => session.set("cart", "2"));
    subject.clock.advance(2 * minute);
    await subject.values(browser, "cart");
    assert.equal(subject.store.count("update"), 1);
    subject.clock.advance(10 * minute);
    await subject.visit(browser, () => {});
    assert.equal(subject.store.count("update"), 1);
  },
  async "a session that times out under a slow request is gone for it"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { session, commit } = subject.request(browser);
    await session.get("cart");
    subject.clock.advance(30 * minute);
    session.set("cart", "2");
    assert.equal((await commit()).gone, true);
    assert.deepEqual([browser.cookie, await subject.manager.list("ada")], [undefined, []]);
  },
  async "what is set when the session has timed out is in a new one, of nobody"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { id } = browser;
    subject.clock.advance(30 * minute);
    await subject.visit(browser, (session) => session.set("cart", "2"));
    assert.deepEqual([browser.id === id, await subject.values(browser, "cart")], [false, ["2"]]);
    assert.deepEqual(await subject.manager.list("ada"), []);
  },
});

test("the times of a session are whole milliseconds, whatever its clock gives", () => {
  const timeouts = new SessionTimeouts(2 * hour, 3 * hour, () => 1.9);
  assert.deepEqual(timeouts.used(), { lastSeenAt: 1, expiresAt: 2 * hour + 1 });
});

test("a shorter absolute limit holds for sessions that are there already", async () => {
  const clock = fakeClock();
  const store = new MemoryStore({ clock });
  const subject = new SessionManager({ store, clock });
  const session = subject.open(undefined);
  session.start("ada");
  const { cookie = "" } = await subject.commit(session, undefined);
  const [idleTimeout, absoluteTimeout] = [minute, 2 * minute];
  const stricter = new SessionManager({ store, clock, idleTimeout, absoluteTimeout });
  clock.advance(2 * minute - 1);
  // Used meanwhile, by the old limits.
  const use = subject.open(cookie);
  use.set("cart", "1");
  await subject.commit(use, cookie);
  assert.equal((await stricter.list("ada")).length, 1);
  clock.advance(1);
  assert.deepEqual(await stricter.list("ada"), []);
  assert.equal(await stricter.open(cookie).handle(), undefined);
  assert.notEqual(await subject.open(cookie).handle(), undefined);
});

describe("(31) limits over 2^31 milliseconds:", () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ["2^31", 2 ** 31, 2 ** 33],
    ["2^32 + 1", 2 ** 32 + 1, 2 ** 33],
    ["ten years", 3650 * 24 * hour, 3650 * 24 * hour],
  ];
  for (const [name, idleTimeout, absoluteTimeout] of rows) {
    for (const [what, late, expected] of [["alive", 0, "1"], ["dead", 1, undefined]] as const) {
      test(`${what} ${late === 0 ? "one tick before" : "at"} an idle limit of ${name}`, async () => {
        const subject = new Subject({ idleTimeout, absoluteTimeout });
        const browser = await subject.logIn("ada", { cart: "1" });
        subject.clock.advance(idleTimeout - 1 + late);
        assert.deepEqual(await subject.values(browser, "cart"), [expected]);
      });
    }
  }
});

test("(30) expired sessions leave memory with no further request, a part at a time", async () => {
  const clock = fakeClock();
  const timers: (() => void)[] = [];
  const ended: string[] = [];
  const store = new MemoryStore({
    clock,
    schedule: (callback) => void timers.push(callback),
    onRemove: (session) => manager.removed(session),
  });
  const onEnd = (reason: string) => void ended.push(reason);
  const manager: SessionManager = new SessionManager({ store, clock, onEnd });
  for (let count = 0; count < 2000; count += 1) {
    const session = manager.open(undefined);
    session.set("cart", "1");
    await manager.commit(session, undefined);
  }
  clock.advance(30 * minute);
  let largestStep = 0;
  for (let step = 0; step < 4096; step += 1) {
    const before = store.size;
    timers.shift()?.();
    largestStep = Math.max(largestStep, before - store.size);
  }
  assert.deepEqual([store.size, ended.length, new Set(ended)], [0, 2000, new Set(["idle"])]);
  assert.ok(largestStep < 20, `${largestStep} in one step`);
});

describe("a persistent cookie lives as long as the session can, in whole seconds:", () => {
  const rows: readonly (readonly [string, Partial<SessionManagerOptions>, string])[] = [
    ["8 hours unless said otherwise", { persistent: true }, "; Max-Age=28800;"],
    ["a part of a second is one", { persistent: true, idleTimeout: 1, absoluteTimeout: 1001 }, "; Max-Age=2;"],
    ["ten years", { persistent: true, absoluteTimeout: 3650 * 24 * hour }, "; Max-Age=315360000;"],
    ["and has no end of its own unless asked for", { persistent: false }, "; Path=/; Secure;"],
  ];
  for (const [claim, options, expected] of rows) {
    test(claim, async () => {
      const subject = new Subject(options);
      const { cookie = "" } = await subject.visit(new Browser(), (session) => session.start("a"));
      assert.ok(cookie.includes(expected), cookie);
    });
  }
});

describe("a session that its store removed ended", () => {
  const timeouts = (now: number) => new SessionTimeouts(10, 100, () => now);
  const rows: readonly (readonly [string, number, number, string])[] = [
    ["before its time: it was replaced", 9, 10, "replaced"],
    ["at the idle limit", 10, 10, "idle"],
    ["at the absolute limit", 100, 100, "absolute"],
    ["one tick before the absolute limit, by the idle one", 99, 99, "idle"],
  ];
  for (const [claim, now, expiresAt, expected] of rows) {
    test(claim, () => {
      const record = { owner: "ada", data: new Map(), createdAt: 0, lastSeenAt: 0, expiresAt };
      assert.equal(timeouts(now).endOf(record), expected);
    });
  }
});
