// The store in memory: the contract, and what it adds: limits and the sweep.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hashSessionId } from "../src/session-id.ts";
import type { SessionKey, SessionRecord, SessionStore } from "../src/session-store.ts";
import type { SessionSummary } from "../src/session-store.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import type { MemoryStoreOptions } from "../src/stores/memory-store.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { PlainStore } from "./plain-store.ts";
import { seedFromEnvironment, seededRandom } from "./seeded-random.ts";
import { describeStore } from "./store-contract.ts";

describeStore("MemoryStore", () => {
  const clock = fakeClock();
  return { store: new MemoryStore({ clock }), now: clock, advance: clock.advance };
});

const hour = 3_600_000;

interface Timer {
  readonly callback: () => void;
  readonly delay: number;
}

interface Subject {
  readonly store: MemoryStore;
  readonly clock: FakeClock;
  /** What the store told of, in order. */
  readonly removed: SessionSummary[];
  /** What the store waits for. */
  readonly timers: Timer[];
  record(but?: Partial<SessionRecord>): SessionRecord;
  /** Creates sessions `from` to `to - 1`, each of an owner of its own. */
  fill(from: number, to: number, but?: Partial<SessionRecord>): void;
  /** Lets the store's timers run once through all of its parts, and no more. */
  sweep(): void;
}

function subject(options: MemoryStoreOptions = {}): Subject {
  const clock = fakeClock();
  const removed: SessionSummary[] = [];
  const timers: Timer[] = [];
  const schedule = (callback: () => void, delay: number) => void timers.push({ callback, delay });
  const onRemove = (session: SessionSummary) => void removed.push(session);
  const store = new MemoryStore({ clock, onRemove, schedule, ...options });
  function record(but: Partial<SessionRecord> = {}): SessionRecord {
    const now = clock();
    const times = { createdAt: now, lastSeenAt: now, expiresAt: now + hour };
    return { owner: undefined, data: new Map(), ...times, ...but };
  }
  function fill(from: number, to: number, but: Partial<SessionRecord> = {}): void {
    for (let index = from; index < to; index++) {
      assert.equal(store.create(keyOf(index), record({ owner: `owner ${index}`, ...but })), true);
    }
  }
  function sweep(): void {
    for (let step = 0; step < 4096; step++) timers.shift()?.callback();
  }
  return { store, clock, removed, timers, record, fill, sweep };
}

function keyOf(index: number): SessionKey {
  return hashSessionId(`${index}`);
}

function keysOf(sessions: readonly SessionSummary[]): readonly SessionKey[] {
  return sessions.map(({ key }) => key);
}

const full = { name: "SessionStoreFullError", message: /there are \d+ sessions already/ };
const tooLarge = { name: "SessionTooLargeError", message: /is \d+ characters, not up to \d+/ };

for (const name of ["maxSessions", "maxSessionsPerOwner", "maxSessionSize"]) {
  for (const limit of [0, -1, 1.5, NaN, Infinity, "5", undefined]) {
    test(`a store is not made with ${name} ${typeof limit} ${limit}`, () => {
      const message = new RegExp(`^Cannot make MemoryStore: ${name} is ${limit}, `);
      assert.throws(() => new MemoryStore({ [name]: limit }), { name: "RangeError", message });
    });
  }
  test(`a store is made with ${name} 1`, () => {
    assert.equal(new MemoryStore({ [name]: 1 }).size, 0);
  });
}

test("a full store refuses a session by name, and keeps all that it has", () => {
  const { store, removed, record, fill } = subject({ maxSessions: 3 });
  fill(0, 3);
  assert.throws(() => store.create(keyOf(3), record({ owner: "late" })), full);
  assert.deepEqual([store.size, removed, store.listByOwner("late")], [3, [], []]);
  for (const index of [0, 1, 2]) assert.notEqual(store.read(keyOf(index)), undefined);
  assert.equal(store.create(keyOf(2), record()), false);
  store.delete(keyOf(0));
  assert.equal(store.create(keyOf(3), record()), true);
});

test("a store takes 100,000 sessions unless it is told otherwise", () => {
  const { store, record, fill } = subject();
  fill(0, 100_000);
  assert.throws(() => store.create(keyOf(100_000), record()), full);
});

test("expired sessions make room in a full store, and are told of", () => {
  const { store, clock, removed, record, fill } = subject({ maxSessions: 3 });
  fill(0, 2, { expiresAt: clock() + 2 });
  fill(2, 3);
  clock.advance(1);
  assert.throws(() => store.create(keyOf(3), record()), full);
  clock.advance(1);
  fill(3, 5);
  assert.equal(store.size, 3);
  assert.deepEqual(keysOf(removed).toSorted(), [keyOf(0), keyOf(1)].toSorted());
  assert.throws(() => store.create(keyOf(5), record()), full);
});

test("room is made of no more sessions than are needed, where they lie apart", () => {
  const { store, clock, fill } = subject({ maxSessions: 500 });
  fill(0, 500);
  clock.advance(hour);
  fill(500, 501);
  assert.ok(store.size > 495, `${store.size} are left`);
});

test("a store that has room searches for none", () => {
  const { store, clock, fill } = subject({ maxSessions: 501 });
  fill(0, 500);
  clock.advance(hour);
  fill(500, 501);
  assert.equal(store.size, 501);
});

test("a full store searches a part of its sessions for room, and another part the next time", () => {
  const { store, clock, record, fill } = subject({ maxSessions: 20_000 });
  fill(0, 1);
  fill(1, 20_000, { expiresAt: clock() + 2 * hour });
  clock.advance(hour);
  const isTaken = () => {
    try {
      return store.create(keyOf(20_000), record());
    } catch (error) {
      assert.ok(error instanceof Error && error.name === "SessionStoreFullError", `${error}`);
      return false;
    }
  };
  let tries = 1;
  while (!isTaken() && tries < 1000) tries++;
  assert.ok(tries > 1 && tries <= 20_000 / 5000, `${tries} tries`);
  assert.deepEqual([store.size, store.read(keyOf(0))], [20_000, undefined]);
});

test("a full store of up to 5000 sessions finds each that has expired, whatever went before", () => {
  const { store, clock, fill } = subject({ maxSessions: 2 });
  fill(0, 1);
  for (let index = 1; index < 200; index++) {
    fill(index, index + 1, { expiresAt: clock() + 1 });
    if (index % 3 > 0) store.delete(keyOf(index));
    clock.advance(1);
  }
  fill(200, 201);
  assert.equal(store.size, 2);
});

test("a session whose life was lengthened does not make room when its old end has come", () => {
  const { store, clock, record, fill } = subject({ maxSessions: 1 });
  fill(0, 1);
  const { lastSeenAt, expiresAt } = record({ expiresAt: clock() + 2 * hour });
  store.update(keyOf(0), { data: new Map(), lastSeenAt, expiresAt });
  clock.advance(hour);
  assert.throws(() => store.create(keyOf(1), record()), full);
  clock.advance(hour);
  assert.equal(store.create(keyOf(1), record()), true);
});

test("a session whose life was shortened makes room when its new end has come", () => {
  const { store, clock, fill } = subject({ maxSessions: 1 });
  fill(0, 1);
  store.update(keyOf(0), { data: new Map(), lastSeenAt: clock(), expiresAt: clock() + 1 });
  clock.advance(1);
  fill(1, 2);
});

test("one session more than an owner may have ends that owner's oldest, and only that", () => {
  const { store, clock, removed, record, fill } = subject({ maxSessionsPerOwner: 3 });
  fill(0, 2, { owner: "eve" });
  const ages = [-2, -9, -5];
  for (const [index, age] of ages.entries()) {
    store.create(keyOf(10 + index), record({ owner: "ada", createdAt: clock() + age }));
  }
  assert.deepEqual(removed, []);
  const oldest = store.listByOwner("ada")[0];
  const old = clock() - 20;
  store.create(keyOf(13), record({ owner: "ada", createdAt: old, lastSeenAt: old }));
  assert.deepEqual([removed, oldest?.key], [[oldest], keyOf(11)]);
  assert.deepEqual(keysOf(store.listByOwner("ada")), [keyOf(13), keyOf(12), keyOf(10)]);
  assert.deepEqual([store.size, store.listByOwner("eve").length], [5, 2]);
});

test("of an owner's sessions of the same age the one that came first goes", () => {
  const { removed, fill } = subject({ maxSessionsPerOwner: 2 });
  fill(0, 4, { owner: "ada" });
  assert.deepEqual(keysOf(removed), [keyOf(0), keyOf(1)]);
});

test("an owner who may have one session has the last", () => {
  const { store, fill } = subject({ maxSessionsPerOwner: 1 });
  fill(0, 3, { owner: "ada" });
  assert.deepEqual(keysOf(store.listByOwner("ada")), [keyOf(2)]);
});

test("an owner has 20 sessions unless it is said otherwise, and nobody any number", () => {
  const { store, fill } = subject();
  fill(0, 21, { owner: "ada" });
  assert.equal(store.listByOwner("ada").length, 20);
  fill(21, 121, { owner: undefined });
  assert.equal(store.size, 120);
});

test("an owner's expired sessions do not count: no live one has to go", () => {
  const { store, clock, removed, fill } = subject({ maxSessionsPerOwner: 2 });
  fill(0, 1, { owner: "ada", createdAt: clock() - hour });
  fill(1, 2, { owner: "ada", expiresAt: clock() + 1 });
  clock.advance(1);
  fill(2, 3, { owner: "ada" });
  assert.deepEqual(keysOf(removed), [keyOf(1)]);
  assert.deepEqual(keysOf(store.listByOwner("ada")), [keyOf(0), keyOf(2)]);
});

test("an owner who has as many as may be can rotate the oldest session", () => {
  const { store, clock, removed, record } = subject({ maxSessionsPerOwner: 2 });
  const oldest = record({ owner: "ada" });
  store.create(keyOf(1), oldest);
  clock.advance(1);
  store.create(keyOf(2), record({ owner: "ada" }));
  store.create(keyOf(3), { ...oldest, lastSeenAt: clock() });
  assert.equal(store.delete(keyOf(1)), true);
  assert.deepEqual(store.listByOwner("ada").map(({ key }) => key), [keyOf(3), keyOf(2)]);
  assert.deepEqual(removed, []);
});

test("an owner's oldest session makes room in a full store, and not an other owner's", () => {
  const { store, removed, fill } = subject({ maxSessions: 3, maxSessionsPerOwner: 2 });
  fill(0, 1, { owner: "eve" });
  fill(1, 4, { owner: "ada" });
  assert.deepEqual(keysOf(removed), [keyOf(1)]);
  assert.equal(store.listByOwner("eve").length, 1);
});

test("a session is as large as its keys and values, 4096 characters at most", () => {
  const { store, record } = subject();
  const data = (length: number) => new Map([["ab", "é".repeat(length - 5)], ["c", "de"]]);
  assert.throws(() => store.create(keyOf(0), record({ data: data(4097) })), tooLarge);
  assert.deepEqual([store.size, store.read(keyOf(0))], [0, undefined]);
  assert.equal(store.create(keyOf(0), record({ data: data(4096) })), true);
});

test("a session that is too large ends no other session of its owner", () => {
  const { store, record, fill } = subject({ maxSessionsPerOwner: 1, maxSessionSize: 1 });
  fill(0, 1, { owner: "ada" });
  const data = new Map([["a", "b"]]);
  assert.throws(() => store.create(keyOf(1), record({ owner: "ada", data })), tooLarge);
  assert.notEqual(store.read(keyOf(0)), undefined);
});

test("an update that makes a session too large leaves it as it was", () => {
  const { store, clock, record } = subject({ maxSessionSize: 6 });
  const session = record({ data: new Map([["a", "12"], ["b", "3"]]) });
  store.create(keyOf(0), session);
  const update = (data: Map<string, string | undefined>) =>
    store.update(keyOf(0), { data, lastSeenAt: clock() + 1, expiresAt: clock() + 2 });
  assert.throws(() => update(new Map([["b", "345"]])), tooLarge);
  assert.deepEqual(store.read(keyOf(0)), session);
  assert.equal(update(new Map([["a", undefined], ["b", "34567"]])), true);
});

test("who asks for a session to go is not told that it went", () => {
  const { store, removed, fill } = subject();
  fill(0, 3, { owner: "ada" });
  store.delete(keyOf(0));
  store.deleteByOwner("ada");
  assert.deepEqual([store.size, removed], [0, []]);
});

test("an expired session that is asked for is removed and told of once, whole", () => {
  const { store, clock, removed, record, sweep } = subject();
  const session = record({ owner: "ada", data: new Map([["cart", "1"]]) });
  store.create(keyOf(0), session);
  store.create(keyOf(1), session);
  clock.advance(hour);
  assert.equal(store.size, 2);
  assert.equal(store.read(keyOf(0)), undefined);
  assert.deepEqual([store.size, removed], [1, [{ key: keyOf(0), ...session }]]);
  sweep();
  assert.deepEqual(removed.slice(1), [{ key: keyOf(1), ...session }]);
});

for (const [how, fail] of [
  ["throws", () => assert.fail("Cannot listen")],
  ["rejects", () => Promise.reject(new Error("Cannot listen"))],
] as const) {
  test(`a listener that ${how} harms nothing`, async () => {
    const told: SessionKey[] = [];
    const { store, clock, fill, sweep } = subject({
      maxSessionsPerOwner: 1,
      onRemove({ key }) {
        told.push(key);
        return fail();
      },
    });
    fill(0, 2, { owner: "ada" });
    fill(2, 100);
    assert.deepEqual(told, [keyOf(0)]);
    clock.advance(hour);
    assert.equal(store.read(keyOf(1)), undefined);
    sweep();
    assert.deepEqual([store.size, new Set(told).size, told.length], [0, 100, 100]);
    // By then, Node has reported what was rejected and caught by nobody.
    await setImmediate();
  });
}

test("a listener may use the store", () => {
  const { store, clock, record, fill, sweep } = subject({
    onRemove: ({ key }) => store.create(hashSessionId(`after ${key}`), record()),
  });
  fill(0, 2000);
  clock.advance(hour);
  sweep();
  assert.equal(store.size, 2000);
  assert.equal(store.listByOwner("owner 0").length, 0);
});

test("a listener may end the sessions that the store is about to end", () => {
  const told: SessionKey[] = [];
  const { store, clock, fill } = subject({
    maxSessionsPerOwner: 1,
    onRemove({ key }) {
      told.push(key);
      store.deleteByOwner("ada");
    },
  });
  // As after three rotations at once: more sessions than the owner may have.
  fill(0, 3, { owner: "ada", createdAt: clock() - 1 });
  fill(3, 4, { owner: "ada" });
  assert.deepEqual([told.length, store.size], [1, 1]);
  assert.deepEqual(keysOf(store.listByOwner("ada")), [keyOf(3)]);
});

test("expired sessions leave memory with no request arriving", () => {
  const { store, clock, removed, fill, sweep } = subject();
  fill(0, 3000);
  clock.advance(hour - 1);
  sweep();
  assert.equal(store.size, 3000);
  clock.advance(1);
  sweep();
  assert.deepEqual([store.size, removed.length], [0, 3000]);
});

test("the sweep removes what has expired, when it has, and leaves the rest", () => {
  const { store, clock, fill, sweep } = subject();
  const lives = [1, 2, 3, 2 ** 31, 2 ** 32 + 5, 2 ** 40];
  for (const [index, life] of lives.entries()) {
    fill(index * 1500, (index + 1) * 1500, { expiresAt: clock() + life });
  }
  let passed = 0;
  for (const [index, life] of lives.entries()) {
    clock.advance(life - 1 - passed);
    sweep();
    assert.equal(store.size, (lives.length - index) * 1500);
    clock.advance(1);
    passed = life;
    sweep();
    assert.equal(store.size, (lives.length - index - 1) * 1500);
  }
});

test("the sweep spares a session whose life was lengthened, and takes it at its new end", () => {
  const { store, clock, fill, sweep } = subject();
  fill(0, 3000);
  for (let index = 0; index < 3000; index += 2) {
    const times = { lastSeenAt: clock(), expiresAt: clock() + 2 * hour };
    store.update(keyOf(index), { data: new Map(), ...times });
  }
  clock.advance(hour);
  sweep();
  assert.equal(store.size, 1500);
  clock.advance(hour);
  sweep();
  assert.equal(store.size, 0);
});

test("no step of the sweep takes more than a small part of the sessions", () => {
  const { store, clock, timers, fill } = subject();
  fill(0, 30_000);
  clock.advance(hour);
  let most = 0;
  for (let timer = timers.shift(); timer !== undefined; timer = timers.shift()) {
    const before = store.size;
    timer.callback();
    most = Math.max(most, before - store.size);
  }
  assert.equal(store.size, 0);
  // An even share is 7. Chance makes some of the parts three times as large.
  assert.ok(most < 40, `${most} of 30,000 in one step`);
});

test("a tour takes about a minute, and there is one timer while there are sessions", () => {
  const { store, timers, fill } = subject();
  assert.equal(timers.length, 0);
  fill(0, 3);
  let tour = 0;
  for (let step = 0; step < 4096; step++) {
    assert.equal(timers.length, 1);
    const timer = timers.shift();
    tour += timer?.delay ?? NaN;
    timer?.callback();
  }
  assert.ok(tour > 30_000 && tour < 90_000, `${tour} ms`);

  for (const index of [0, 1, 2]) store.delete(keyOf(index));
  timers.shift()?.callback();
  assert.equal(timers.length, 0);
  fill(3, 4);
  assert.equal(timers.length, 1);
});

test("the timer does not keep the process alive", () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const store = new MemoryStore();
  const [createdAt, lastSeenAt, expiresAt] = [0, 0, Date.now() + 1000];
  const record = { owner: undefined, data: new Map(), createdAt, lastSeenAt, expiresAt };
  assert.equal(store.create(keyOf(0), record), true);
  assert.equal(timers(), before);
});

test("without a clock and a schedule a store goes by the machine's", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 5000 });
  const store = new MemoryStore();
  const times = { createdAt: 5000, lastSeenAt: 5000, expiresAt: 6000 };
  store.create(keyOf(0), { owner: undefined, data: new Map(), ...times });
  context.mock.timers.tick(999);
  assert.notEqual(store.read(keyOf(0)), undefined);
  for (let step = 0; step < 2 * 4096; step++) context.mock.timers.tick(15);
  assert.equal(store.size, 0);
});

/** The bytes in use once what is not needed any more has been collected. */
function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test("a small session takes little memory, its owner's part of the index included", () => {
  const { store, record } = subject();
  const before = heapUsed();
  for (let index = 0; index < 100_000; index++) {
    const data = new Map([["name", `User ${index}`]]);
    store.create(keyOf(index), record({ owner: `owner ${index}`, data }));
  }
  const each = (heapUsed() - before) / store.size;
  assert.ok(each < 430, `${each} bytes`);
});

test("sessions that have ended leave no trace of their owners in memory", () => {
  const { store, record } = subject();
  const before = heapUsed();
  for (let index = 0; index < 100_000; index++) {
    store.create(keyOf(index), record({ owner: `owner ${index}` }));
    store.delete(keyOf(index));
  }
  const each = (heapUsed() - before) / 100_000;
  assert.equal(store.size, 0);
  assert.ok(each < 50, `${each} bytes`);
});

const slices: Record<string, (slice: string) => Partial<SessionRecord>> = {
  owner: (slice) => ({ owner: slice }),
  key: (slice) => ({ data: new Map([[slice, ""]]) }),
  value: (slice) => ({ data: new Map([["", slice]]) }),
};
for (const [what, but] of Object.entries(slices)) {
  for (const length of [12, 13]) {
    test(`a request is not kept in memory for a slice of ${length} as ${what}`, () => {
      const { store, record } = subject();
      const before = heapUsed();
      for (let index = 0; index < 32; index++) {
        const request = Buffer.alloc(500_000, `request ${index} `).toString("latin1");
        store.create(keyOf(index), record(but(request.slice(500, 500 + length))));
      }
      const kept = heapUsed() - before;
      assert.ok(kept < 4_000_000, `${kept} bytes are kept`);
      assert.equal(store.size, 32);
    });
  }
}

test("whatever is asked of it, a store answers as the plainest one does", async () => {
  const random = seededRandom(seedFromEnvironment());
  const { store, clock, record, timers } = subject();
  const plain = new PlainStore(clock);
  const owners = [undefined, "ada", "eve", "__proto__"] as const;
  const creating = ["create", "create", "update", "update", "read", "delete"] as const;
  const methods = [...creating, "listByOwner", "deleteByOwner", "advance", "sweep"] as const;
  const steps: string[] = [];
  for (let step = 0; step < 20_000; step++) {
    const number = random.below(12);
    const key = keyOf(number);
    const owner = random.pick(owners);
    const life = random.below(30);
    const name = random.pick(["a", "b", "__proto__"]);
    const value = random.pick([undefined, "", `${step}`]);
    const except = random.pick([undefined, key]);
    const method = random.pick(methods);
    const end = { lastSeenAt: clock(), expiresAt: clock() + life };
    const session = record({ owner, createdAt: step, ...end });
    const changes = { data: new Map([[name, value]]), ...end };
    if (method === "advance") clock.advance(random.below(4));
    if (method === "sweep") timers.shift()?.callback();
    const ask = {
      create: (asked: SessionStore) => asked.create(key, session),
      update: (asked: SessionStore) => asked.update(key, changes),
      read: (asked: SessionStore) => asked.read(key),
      delete: (asked: SessionStore) => asked.delete(key),
      listByOwner: (asked: SessionStore) => asked.listByOwner(owner ?? ""),
      deleteByOwner: (asked: SessionStore) => asked.deleteByOwner(owner ?? "", except),
      advance: (asked: SessionStore) => asked.read(key),
      sweep: (asked: SessionStore) => asked.listByOwner("ada"),
    }[method];
    steps.push(`${method} ${number} ${owner} ${life} ${name} ${value} ${except !== undefined}`);
    const last = `seed ${random.seed}, the last steps:\n${steps.slice(-20).join("\n")}`;
    assert.deepEqual(await ask(store), await ask(plain), last);
  }
});
