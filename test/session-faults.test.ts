// Stores that fail, hang, lie or are full. The numbers in parentheses are those of the list that
// session-manager.test.ts names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionKey, SessionRecord } from "../src/session-store.ts";
import type { SessionEnd } from "../src/session-writer.ts";
import type { Session } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { PlainStore } from "./plain-store.ts";
import { Browser, Subject, describeManager, minute } from "./session-subject.ts";
import type { StoreMethod } from "./watched-store.ts";

const down = { name: "SessionStoreError" };

describeManager("a store that fails", {
  async "(41) to read is a fault for whoever reads, and not a missing session"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.store.fail("read");
    const { session } = subject.request(browser);
    await assert.rejects(session.get("cart"), down);
    await assert.rejects(session.handle(), down);
  },
  async "(41) to read is a fault of the request, though its controller caught it"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    subject.store.fail("read");
    const swallow = async (session: Session) => void (await session.get("cart").catch(() => {}));
    await assert.rejects(subject.visit(browser, swallow), down);
    assert.equal(subject.store.count("read"), 1);
  },
  async "(41) to read makes no new session of what is set"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const { id } = browser;
    subject.store.fail("read");
    await assert.rejects(subject.visit(browser, (session) => session.set("cart", "2")), down);
    await assert.rejects(
      subject.visit(browser, async (session) => {
        await session.get("cart").catch(() => {});
        session.set("cart", "2");
      }),
      down,
    );
    subject.store.fail();
    assert.deepEqual([browser.id, subject.size], [id, 1]);
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
  },
  async "to read the first of two sessions does not open the second"(subject) {
    const [ada, eve] = [await subject.logIn("ada"), await subject.logIn("eve")];
    let reads = 0;
    subject.store.before = () => {
      reads += 1;
      if (reads === 1) throw new Error("Cannot read");
    };
    const { session } = subject.request(new Browser(`${ada.cookie}; ${eve.cookie}`));
    await assert.rejects(session.get("cart"), down);
    assert.equal(reads, 1);
  },
  async "to read leaves a request alone that does not look"(subject) {
    const browser = await subject.logIn("ada");
    subject.store.fail("read");
    assert.equal((await subject.visit(browser, () => {})).gone, false);
  },
  "(42) to create sends no cookie": (subject) =>
    sendsNothing(subject, "create", new Browser(), (session) => session.set("cart", "2")),
  "(42) to update sends nothing": async (subject) =>
    sendsNothing(subject, "update", await subject.logIn("ada"), (session) => session.set("a", "2")),
  async "(42) to update for an idle extension sends nothing"(subject) {
    const browser = await subject.logIn("ada");
    subject.clock.advance(5 * minute);
    const read = async (session: Session) => void (await session.get("cart"));
    await sendsNothing(subject, "update", browser, read);
  },
  async "(42) to delete at a log-out claims no success"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    await sendsNothing(subject, "delete", browser, (session) => session.destroy());
    assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
  },
  async "to list or to delete is a fault for list, end and endAll"(subject) {
    const browser = await subject.logIn("ada");
    const handle = (await subject.handle(browser)) ?? "";
    subject.store.fail("listByOwner");
    await assert.rejects(subject.manager.list("ada"), down);
    await assert.rejects(subject.manager.end("ada", handle), down);
    await assert.rejects(subject.manager.endAll("ada", handle), down);
    subject.store.fail("delete", "deleteByOwner");
    await assert.rejects(subject.manager.end("ada", handle), down);
    await assert.rejects(subject.manager.endAll("ada"), down);
    assert.deepEqual(subject.ended, []);
  },
});

async function sendsNothing(
  subject: Subject,
  method: StoreMethod,
  browser: Browser,
  controller: (session: Session) => void | Promise<void>,
): Promise<void> {
  const { cookie } = browser;
  subject.store.fail(method);
  await assert.rejects(subject.visit(browser, controller), down);
  subject.store.fail();
  assert.deepEqual([browser.cookie, subject.ended], [cookie, []]);
}

test("a store that never answers is a fault after 2 seconds, whatever it was asked", async (context) => {
  const subject = new Subject();
  const browser = await subject.logIn("ada", { cart: "1" });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  subject.store.before = () => new Promise(() => {});
  const asked = [
    subject.values(browser, "cart"),
    subject.logIn("eve"),
    subject.visit(browser, (session) => session.destroy()),
  ];
  // By then, each has come to its question.
  await setImmediate();
  context.mock.timers.tick(1_999);
  assert.equal(await Promise.race([...asked, setImmediate("pending")]), "pending");
  context.mock.timers.tick(1);
  const message = "Session store failed: it did not answer within 2000 ms";
  for (const one of asked) await assert.rejects(one, { ...down, message });
});

/** A store whose record of a session makes no sense: its times were lost. */
class CorruptStore extends PlainStore {
  override find(key: SessionKey): SessionRecord | undefined {
    const record = super.find(key);
    return record && { ...record, createdAt: NaN };
  }
}

for (const [how, report] of [
  ["reported once, and removed", () => {}],
  ["and removed, though the report throws", () => assert.fail("Cannot report")],
  ["and removed, though the report rejects", () => Promise.reject(new Error("Cannot report"))],
] as const) {
  test(`(43) a corrupt record is as absent, ${how}`, async () => {
    const store = new CorruptStore(fakeClock());
    const reported: (readonly [SessionEnd, string | undefined])[] = [];
    const manager = new SessionManager({
      store,
      onEnd(...end) {
        reported.push(end);
        return report();
      },
    });
    const login = manager.open(undefined);
    login.start("ada");
    const browser = new Browser();
    browser.receive((await manager.commit(login, undefined)).cookie);
    const requests = [manager.open(browser.cookie), manager.open(browser.cookie)];
    assert.deepEqual(await Promise.all(requests.map((one) => one.get("cart"))), [undefined, undefined]);
    await setImmediate();
    const handle = sessionHandle(hashSessionId(browser.id));
    assert.deepEqual([reported, store.sessions.size], [[["corrupt", handle]], 0]);
    for (const one of requests) {
      assert.deepEqual(await manager.commit(one, browser.cookie), { gone: false, cookie: undefined });
    }
  });
}

test("(44) a full store refuses a login by a fault, and keeps everybody's session", async () => {
  const subject = new Subject({ maxSessions: 2 });
  const browsers = [await subject.logIn("ada", { n: "1" }), await subject.logIn("eve", { n: "2" })];
  await assert.rejects(subject.logIn("late"), { ...down, message: /there are 2 sessions already/ });
  for (const [index, browser] of browsers.entries()) {
    assert.deepEqual(await subject.values(browser, "n"), [`${index + 1}`]);
  }
  subject.clock.advance(30 * minute);
  await subject.logIn("late");
});

test("(45) no timer is left, and nothing keeps the process alive", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const before = timers();
  for (const store of [new MemoryStore(), new PlainStore(fakeClock(Date.now()))]) {
    const manager = new SessionManager({ store });
    const session = manager.open(undefined);
    session.start("ada");
    await manager.commit(session, undefined);
    assert.equal(await manager.endAll("ada"), 1);
  }
  assert.equal(timers(), before);
});
