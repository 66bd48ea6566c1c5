// New ids: by rotation and by login. The numbers in parentheses are those of the list that
// session-manager.test.ts names.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { SessionManager } from "../src/session-manager.ts";
import type { Session } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { gate } from "./gate.ts";
import { PlainStore } from "./plain-store.ts";
import { Browser, Subject, describeManager, hour, minute } from "./session-subject.ts";
import type { StoreMethod } from "./watched-store.ts";

const down = { name: "SessionStoreError" };

describeManager("rotate", {
  async "(20) gives a new id: the old one is dead at once, the session lives on"(subject) {
    const browser = await subject.logIn("ada", { cart: "1", name: "Ada" });
    const old = new Browser(browser.cookie);
    const handle = await subject.handle(browser);
    const before = await subject.manager.list("ada");
    subject.clock.advance(minute);
    const visit = await subject.visit(browser, (session) => session.rotate());
    assert.match(visit.cookie ?? "", /^__Host-session_id=[\w-]{43}; Path=\/; Secure; HttpOnly; Same/);
    assert.deepEqual([visit.gone, browser.id === old.id, subject.size], [false, false, 1]);
    assert.deepEqual(await subject.values(old, "cart"), [undefined]);
    assert.deepEqual(await subject.values(browser, "cart", "name"), ["1", "Ada"]);
    const times = { lastSeenAt: subject.clock(), expiresAt: subject.clock() + 30 * minute };
    const newHandle = (await subject.handle(browser)) ?? "";
    assert.notEqual(newHandle, handle);
    const after = before.map((session) => ({ ...session, ...times, handle: newHandle }));
    assert.deepEqual(await subject.manager.list("ada"), after);
  },
  async "takes along what the same request sets and deletes"(subject) {
    const browser = await subject.logIn("ada", { cart: "1", name: "Ada" });
    await subject.visit(browser, (session) => {
      session.set("cart", "2");
      session.rotate();
      session.delete("name");
      session.set("new", "3");
    });
    assert.deepEqual(await subject.values(browser, "cart", "name", "new"), ["2", undefined, "3"]);
  },
  async "(21) without a session does nothing, and what is set is in a new one"(subject) {
    const browser = new Browser();
    const visit = await subject.visit(browser, (session) => session.rotate());
    assert.deepEqual([visit.cookie, visit.gone, subject.size], [undefined, false, 0]);
    await subject.visit(browser, (session) => {
      session.rotate();
      session.set("cart", "1");
    });
    assert.deepEqual([await subject.values(browser, "cart"), subject.size], [["1"], 1]);
  },
  async "(22) twice in a request is once; in two requests, two new ids"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const ids = [browser.id];
    await subject.visit(browser, (session) => {
      session.rotate();
      session.rotate();
    });
    assert.equal(subject.store.count("create"), 2);
    ids.push(browser.id);
    await subject.visit(browser, (session) => session.rotate());
    ids.push(browser.id);
    assert.deepEqual([new Set(ids).size, subject.size], [3, 1]);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
  },
  async "keeps a session of nobody nobody's"(subject) {
    const browser = new Browser();
    await subject.visit(browser, (session) => session.set("cart", "1"));
    await subject.visit(browser, (session) => session.rotate());
    assert.deepEqual([await subject.values(browser, "cart"), subject.size], [["1"], 1]);
    assert.deepEqual(await subject.manager.list("undefined"), []);
  },
  async "keeps what another request wrote since this one looked"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const rotating = subject.request(browser);
    await rotating.session.get("cart");
    await subject.visit(browser, (session) => session.set("cart", "2"));
    rotating.session.rotate();
    await rotating.commit();
    assert.deepEqual(await subject.values(browser, "cart"), ["2"]);
  },
  async "before a write of another request is carried out: that one is told, and nothing comes back"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const writing = subject.request(new Browser(browser.cookie));
    await writing.session.get("cart");
    await subject.visit(browser, (session) => session.rotate());
    writing.session.set("cart", "2");
    assert.equal((await writing.commit()).gone, true);
    assert.deepEqual([await subject.values(browser, "cart"), subject.size], [["1"], 1]);
  },
  async "twice at the same time: one new id lives, the other request is told"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const requests = [subject.request(browser), subject.request(browser)];
    for (const { session } of requests) session.rotate();
    const committed = await Promise.all(requests.map(({ commit }) => commit()));
    assert.deepEqual(committed.map(({ gone }) => gone).toSorted(), [false, true]);
    assert.equal(subject.size, 1);
    const [winner] = committed.filter(({ gone }) => !gone);
    const browserOfWinner = new Browser(winner?.cookie?.split(";")[0]);
    assert.deepEqual(await subject.values(browserOfWinner, "cart"), ["1"]);
  },
  async "that comes after a log-out, and cannot take the new session back, is a fault"(subject) {
    const browser = await subject.logIn("ada");
    const sameBrowser = new Browser(browser.cookie);
    subject.store.before = async (method) => {
      if (method !== "delete") return;
      subject.store.before = () => {};
      await subject.visit(sameBrowser, (session) => session.destroy());
      subject.store.after = () => subject.store.fail("delete");
    };
    await assert.rejects(subject.visit(browser, (session) => session.rotate()), down);
  },
});

test("a session that times out before it is rotated is not brought back by a store that lags", async () => {
  const clock = fakeClock();
  const manager = new SessionManager({ store: new PlainStore(fakeClock()), clock });
  const login = manager.open(undefined);
  login.start("ada");
  const { cookie } = await manager.commit(login, undefined);
  const session = manager.open(cookie);
  assert.notEqual(await session.handle(), undefined);
  clock.advance(30 * minute);
  session.rotate();
  assert.equal((await manager.commit(session, cookie)).gone, true);
});

describeManager("a session that is ended while it is rotated is not brought back: ended", {
  "before its data are read again": (subject) => endedBefore(subject, "read"),
  "before the new one is created": (subject) => endedBefore(subject, "create"),
  "before the old one is deleted": (subject) => endedBefore(subject, "delete"),
});

async function endedBefore(subject: Subject, method: StoreMethod): Promise<void> {
  for (const how of ["end", "end all", "log out"] as const) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const sameBrowser = new Browser(browser.cookie);
    const handle = (await subject.handle(browser)) ?? "";
    const { session, commit } = subject.request(browser);
    await session.get("cart");
    session.rotate();
    const { reached, pass, open } = gate();
    subject.store.before = (asked) => {
      if (asked !== method) return;
      subject.store.before = () => {};
      return pass();
    };
    const committing = commit();
    await reached;
    if (how === "log out") await subject.visit(sameBrowser, (session) => session.destroy());
    if (how === "end") assert.equal(await subject.manager.end("ada", handle), 1);
    // The new session is there already when the old one is about to be deleted.
    const count = method === "delete" ? 2 : 1;
    if (how === "end all") assert.equal(await subject.manager.endAll("ada"), count);
    open();
    assert.equal((await committing).gone, true);
    assert.deepEqual([browser.cookie, subject.size], [undefined, 0]);
    assert.deepEqual(await subject.manager.list("ada"), []);
  }
}

describeManager("start", {
  async "(24) as another user drops the earlier data; the earlier id is dead"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const old = new Browser(browser.cookie);
    await subject.visit(browser, async (session) => {
      await session.get("cart");
      session.set("dropped", "1");
      session.start("eve");
      session.set("kept", "2");
    });
    assert.deepEqual(
      await subject.values(browser, "cart", "dropped", "kept"),
      [undefined, undefined, "2"],
    );
    assert.deepEqual([await subject.values(old, "cart"), subject.size], [[undefined], 1]);
    assert.deepEqual(await subject.manager.list("ada"), []);
    assert.equal((await subject.manager.list("eve")).length, 1);
  },
  async "drops what was there before the login, also for the same user"(subject) {
    const browser = new Browser();
    await subject.visit(browser, (session) => session.set("planted", "1"));
    const planted = new Browser(browser.cookie);
    for (const _ of [1, 2]) {
      await subject.visit(browser, (session) => session.start("ada"));
      assert.deepEqual(await subject.values(browser, "planted"), [undefined]);
      assert.deepEqual([await subject.values(planted, "planted"), subject.size], [[undefined], 1]);
    }
  },
  async "while the same browser logs out: the old session is dead, and the new one lives"(subject) {
    const browser = await subject.logIn("ada");
    const sameBrowser = new Browser(browser.cookie);
    const { reached, pass, open } = gate();
    subject.store.after = (asked) => (asked === "create" ? pass() : undefined);
    const loggingIn = subject.visit(browser, (session) => session.start("eve"));
    await reached;
    await subject.visit(sameBrowser, (session) => session.destroy());
    open();
    assert.equal((await loggingIn).gone, false);
    assert.deepEqual([await subject.manager.list("ada"), subject.size], [[], 1]);
    assert.deepEqual(subject.ended.map(([reason]) => reason), ["logout"]);
  },
  async "begins a new life: both time-outs count from the login"(subject) {
    const browser = await subject.logIn("ada");
    subject.clock.advance(20 * minute);
    await subject.visit(browser, (session) => session.start("ada"));
    const [session] = await subject.manager.list("ada");
    const now = subject.clock();
    assert.deepEqual([session?.createdAt, session?.expiresAt], [now, now + 30 * minute]);
  },
});

const writes: readonly (readonly [string, (session: Session) => void])[] = [
  ["rotate", (session) => session.rotate()],
  ["login", (session) => session.start("ada")],
];

for (const [name, write] of writes) {
  describeManager(`a ${name} that fails leaves the old session intact and sends no cookie:`, {
    async "(23) the new one cannot be created"(subject) {
      await leavesAsItWas(subject, write, "create");
    },
    async "the old one cannot be deleted: the new one is taken back"(subject) {
      const browser = await subject.logIn("ada", { cart: "1" });
      // Only the first of the two: what is taken back is deleted too.
      subject.store.before = (method) => {
        if (method !== "delete") return;
        subject.store.before = () => {};
        throw new Error("Cannot delete");
      };
      await assert.rejects(subject.visit(browser, write), down);
      await setImmediate();
      assert.deepEqual([await subject.values(browser, "cart"), subject.size], [["1"], 1]);
    },
    async "nothing can be deleted: nobody was told the new id, and no promise is left"(subject) {
      await leavesAsItWas(subject, write, "delete");
      await setImmediate();
      assert.equal(subject.size, 2);
    },
    async "(19) the random source fails"(subject) {
      await leavesAsItWas(subject, write);
    },
  });
}

async function leavesAsItWas(
  subject: Subject,
  write: (session: Session) => void,
  ...methods: StoreMethod[]
): Promise<void> {
  const browser = await subject.logIn("ada", { cart: "1" });
  const { cookie } = browser;
  subject.store.fail(...methods);
  subject.isRandomBroken = methods.length === 0;
  await assert.rejects(subject.visit(browser, write), methods.length === 0 ? /too few/ : down);
  subject.store.fail();
  assert.deepEqual([browser.cookie, await subject.values(browser, "cart")], [cookie, ["1"]]);
}

describe("(17) an id that is taken", () => {
  const taken = new Uint8Array(32).fill(1);

  test("is not overwritten: another one is tried", async () => {
    const sources = [taken, taken, taken, randomBytes(32)];
    const subject = new Subject({ random: () => sources.shift() ?? assert.fail() });
    const ada = await subject.logIn("ada", { cart: "1" });
    const eve = await subject.logIn("eve", { cart: "2" });
    assert.equal(subject.store.count("create"), 4);
    assert.deepEqual(await subject.values(ada, "cart"), ["1"]);
    assert.deepEqual(await subject.values(eve, "cart"), ["2"]);
  });

  test("three times over is an error, and nothing else happens", async () => {
    const subject = new Subject({ random: () => taken });
    const ada = await subject.logIn("ada", { cart: "1" });
    const message = "Cannot create a session: 3 new ids were taken, check random source";
    await assert.rejects(subject.logIn("eve", { cart: "2" }), { message });
    await assert.rejects(subject.visit(ada, (session) => session.rotate()), { message });
    assert.equal(subject.store.count("create"), 1 + 3 + 3);
    assert.deepEqual([await subject.values(ada, "cart"), subject.size], [["1"], 1]);
  });
});

describe("an owner with as many sessions as may be", () => {
  async function threeSessions(): Promise<readonly [Subject, readonly Browser[]]> {
    const subject = new Subject({ maxSessionsPerOwner: 3 });
    const browsers: Browser[] = [];
    for (const number of ["1", "2", "3"]) {
      browsers.push(await subject.logIn("ada", { number }));
      subject.clock.advance(minute);
    }
    return [subject, browsers];
  }

  for (const index of [0, 1, 2]) {
    test(`can rotate number ${index + 1} of 3, and nobody is logged out`, async () => {
      const [subject, browsers] = await threeSessions();
      const browser = browsers[index] ?? assert.fail();
      const { gone } = await subject.visit(browser, (session) => session.rotate());
      const values = await Promise.all(browsers.map((one) => subject.values(one, "number")));
      assert.deepEqual([gone, values], [false, [["1"], ["2"], ["3"]]]);
      assert.deepEqual([subject.size, subject.ended], [3, []]);
    });
  }

  test("can rotate one in the millisecond of its login, and nobody is logged out", async () => {
    const subject = new Subject({ maxSessionsPerOwner: 2 });
    const browsers = [await subject.logIn("ada", { number: "1" }), await subject.logIn("ada")];
    for (const browser of browsers) await subject.visit(browser, (session) => session.rotate());
    const values = await Promise.all(browsers.map((one) => subject.values(one, "number")));
    assert.deepEqual([values, subject.ended], [[["1"], [undefined]], []]);
    assert.equal((await subject.manager.list("ada")).length, 2);
  });

  test("loses the oldest by one more login", async () => {
    const [subject, browsers] = await threeSessions();
    await subject.logIn("ada");
    const values = await Promise.all(browsers.map((one) => subject.values(one, "number")));
    assert.deepEqual([values, subject.size], [[[undefined], ["2"], ["3"]], 3]);
  });

  test("loses the oldest also when the clock moves on during the login", async () => {
    let now = 0;
    const clock = () => (now += 1);
    const manager = new SessionManager({ store: new MemoryStore({ maxSessionsPerOwner: 2, clock }), clock });
    for (let count = 0; count < 3; count += 1) {
      const session = manager.open(undefined);
      session.start("ada");
      await manager.commit(session, undefined);
    }
    assert.equal((await manager.list("ada")).length, 2);
  });

  test("cannot rotate out of the absolute time-out", async () => {
    const subject = new Subject({ maxSessionsPerOwner: 1, absoluteTimeout: hour });
    const browser = await subject.logIn("ada", { cart: "1" });
    for (let count = 0; count < 3; count += 1) {
      subject.clock.advance(15 * minute);
      await subject.visit(browser, (session) => session.rotate());
    }
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
    subject.clock.advance(15 * minute);
    assert.deepEqual(await subject.values(browser, "cart"), [undefined]);
  });
});
