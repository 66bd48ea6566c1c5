// What every session store must do, as claims that can be run against any of them.
//
//   describeStore("MyStore", () => {
//     const clock = fakeClock();
//     return { store: new MyStore({ clock }), now: clock, advance: clock.advance };
//   });

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashSessionId } from "../src/session-id.ts";
import type { MaybePromise, SessionChanges, SessionKey } from "../src/session-store.ts";
import type { SessionRecord, SessionStore } from "../src/session-store.ts";

/** A store to be held to the contract, and the power over its time. */
export interface StoreUnderTest {
  /** An empty store: every claim asks for a new one. */
  readonly store: SessionStore;
  /** The time that the store goes by, in milliseconds since the epoch. */
  now(): number;
  /**
   * Lets at least this much time pass for the store: moves an injected clock, or, where the clock
   * is a server's own, really waits. Only the claims in `time` ask for it, a few ticks each.
   */
  advance(milliseconds: number): MaybePromise<void>;
  /** The step of time, in milliseconds, that `advance` can place; 1 unless said otherwise. */
  readonly tick?: number;
  /** Makes what the store relies on fail from now on. Left out where it relies on nothing. */
  breakDown?(): MaybePromise<void>;
  /**
   * Has `before` run, and waited for, before each step that the store takes from now on: a command
   * to a server, a statement. When it rejects, so does the step, untaken. Left out where a method
   * is one step, that nothing comes between.
   */
  intercept?(before: () => MaybePromise<void>): void;
  /** Gives back what the store holds: connections, files. */
  close?(): MaybePromise<void>;
}

/** Makes a new, empty store. A store that is given by a promise is waited for. */
export type MakeStore = () => MaybePromise<StoreUnderTest>;

/** One rule of the contract. */
export interface Claim {
  readonly claim: string;
  /** Rejects when the store does not keep the rule. */
  check(makeStore: MakeStore): Promise<void>;
}

/** Runs the contract as tests, one for each claim. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describe(name, () => {
    for (const { claim, check } of contract) test(claim, () => check(makeStore));
  });
}

const hour = 3_600_000;
const first = hashSessionId("first");
const second = hashSessionId("second");
const third = hashSessionId("third");

class Trial {
  readonly store: SessionStore;
  readonly tick: number;
  /** When the trial began, for the store. */
  readonly start: number;
  readonly #subject: StoreUnderTest;

  constructor(subject: StoreUnderTest) {
    this.store = subject.store;
    this.tick = subject.tick ?? 1;
    this.start = subject.now();
    this.#subject = subject;
  }

  /** A record that lives for an hour, but for what is said otherwise. */
  record(but: Partial<SessionRecord> = {}): SessionRecord {
    const { start } = this;
    const times = { createdAt: start, lastSeenAt: start, expiresAt: start + hour };
    return { owner: "ada", data: new Map([["cart", "1"]]), ...times, ...but };
  }

  /** Changes that set these keys and leave the times of `record()` as they are. */
  changes(data: Record<string, string | undefined>, expiresAt = this.start + hour): SessionChanges {
    return { data: new Map(Object.entries(data)), lastSeenAt: this.start, expiresAt };
  }

  now(): number {
    return this.#subject.now();
  }

  async until(moment: number): Promise<void> {
    await this.#subject.advance(moment - this.now());
  }

  /** Tells whether what the store relies on could be broken. */
  async breakDown(): Promise<boolean> {
    await this.#subject.breakDown?.();
    return this.#subject.breakDown !== undefined;
  }

  /**
   * Runs `meanwhile` before each step of what `begin` does, in turn, and checks the answer. Each
   * time it is about another session, the only one of ada's.
   */
  async atEachStep<T>(
    begin: (key: SessionKey) => MaybePromise<T>,
    meanwhile: (key: SessionKey) => MaybePromise<unknown>,
    check: (key: SessionKey, answer: T) => MaybePromise<void>,
  ): Promise<void> {
    for (let step = 0; ; step += 1) {
      const key = hashSessionId(`stopped at ${step}`);
      await this.store.deleteByOwner("ada");
      await this.store.create(key, this.record());
      let steps = 0;
      this.#subject.intercept?.(async () => {
        if (steps++ === step) await meanwhile(key);
      });
      const answer = await begin(key);
      this.#subject.intercept?.(() => {});
      if (steps <= step) return;
      await check(key, answer);
    }
  }

  async data(key: SessionKey): Promise<Record<string, string> | undefined> {
    const record = await this.store.read(key);
    return record === undefined ? undefined : Object.fromEntries(record.data);
  }

  async isGoneOrListed(key: SessionKey): Promise<void> {
    const isListed = (await this.keysOf("ada")).includes(key);
    assert.equal(isListed, (await this.store.read(key)) !== undefined);
  }

  async keysOf(owner: string): Promise<readonly SessionKey[]> {
    return (await this.store.listByOwner(owner)).map((session) => session.key);
  }
}

function claims(table: Record<string, (trial: Trial) => Promise<void>>): readonly Claim[] {
  return Object.entries(table).map(([claim, holds]) => ({
    claim,
    async check(makeStore: MakeStore): Promise<void> {
      const subject = await makeStore();
      try {
        await holds(new Trial(subject));
      } finally {
        await subject.close?.();
      }
    },
  }));
}

const storing = claims({
  async "a session is read as it was created, field by field"(trial) {
    const { store, start } = trial;
    const data = new Map([["cart", "1"], ["name", "Ada"]]);
    const record = trial.record({ data, createdAt: start - 3, lastSeenAt: start - 2 });
    assert.equal(await store.create(first, record), true);
    assert.deepEqual(await store.read(first), record);
  },
  async "an absent session is undefined, and nothing else"({ store }) {
    assert.equal(await store.read(first), undefined);
  },
  async "a session without an owner has the owner undefined"(trial) {
    await trial.store.create(first, trial.record({ owner: undefined }));
    assert.deepEqual(await trial.store.read(first), trial.record({ owner: undefined }));
  },
  async "a session without data is a session"(trial) {
    const record = trial.record({ data: new Map() });
    assert.equal(await trial.store.create(first, record), true);
    assert.deepEqual(await trial.store.read(first), record);
  },
  async "create answers false for a key that is taken, and leaves that session alone"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const other = trial.record({ owner: "eve", data: new Map([["more", "2"]]) });
    assert.equal(await store.create(first, other), false);
    assert.deepEqual(await store.read(first), trial.record());
    assert.deepEqual([await trial.keysOf("ada"), await trial.keysOf("eve")], [[first], []]);
  },
  async "sessions do not see each other"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    await store.create(second, trial.record({ data: new Map() }));
    await store.update(first, trial.changes({ cart: "2" }));
    assert.deepEqual([await trial.data(first), await trial.data(second)], [{ cart: "2" }, {}]);
  },
  async "update sets the keys it names and leaves the others"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    assert.equal(await store.update(first, trial.changes({ name: "Ada" })), true);
    assert.deepEqual(await trial.data(first), { cart: "1", name: "Ada" });
  },
  async "update deletes the keys it names with undefined, present or not"(trial) {
    const { store } = trial;
    await store.create(first, trial.record({ data: new Map([["cart", "1"], ["name", "A"]]) }));
    const changes = trial.changes({ cart: undefined, missing: undefined });
    assert.equal(await store.update(first, changes), true);
    assert.deepEqual(await trial.data(first), { name: "A" });
  },
  async "a session whose keys are all deleted is a session"(trial) {
    await trial.store.create(first, trial.record());
    await trial.store.update(first, trial.changes({ cart: undefined }));
    assert.deepEqual(await trial.store.read(first), trial.record({ data: new Map() }));
    assert.equal(await trial.store.update(first, trial.changes({ cart: "2" })), true);
  },
  async "update takes both times, later or earlier, and keeps owner and creation"(trial) {
    const { store, start } = trial;
    await store.create(first, trial.record({ createdAt: start - 9 }));
    for (const [seen, life] of [[1, 2 * hour], [-1, hour / 2]] as const) {
      const times = { lastSeenAt: start + seen, expiresAt: start + life };
      assert.equal(await store.update(first, { data: new Map(), ...times }), true);
      assert.deepEqual(await store.read(first), trial.record({ createdAt: start - 9, ...times }));
    }
  },
  async "update of an absent session answers false and creates nothing"(trial) {
    assert.equal(await trial.store.update(first, trial.changes({ cart: "1" })), false);
    assert.equal(await trial.store.read(first), undefined);
  },
  async "update of a deleted session answers false and does not bring it back"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    await store.delete(first);
    assert.equal(await store.update(first, trial.changes({ cart: "1" })), false);
    assert.equal(await store.read(first), undefined);
    assert.deepEqual(await trial.keysOf("ada"), []);
  },
  async "delete removes one session and answers whether there was one"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    await store.create(second, trial.record());
    assert.deepEqual([await store.delete(first), await store.delete(first)], [true, false]);
    assert.deepEqual([await store.read(first), await trial.keysOf("ada")], [undefined, [second]]);
    assert.deepEqual(await store.read(second), trial.record());
  },
  async "a deleted key can be created again, with nothing of the old session"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    await store.delete(first);
    const record = trial.record({ owner: "eve", data: new Map() });
    assert.equal(await store.create(first, record), true);
    assert.deepEqual(await store.read(first), record);
    assert.deepEqual([await trial.keysOf("ada"), await trial.keysOf("eve")], [[], [first]]);
  },
  async "what was handed in can be changed afterwards: the store keeps a copy"(trial) {
    const { store } = trial;
    const created = new Map([["cart", "1"]]);
    const record = trial.record({ data: created });
    await store.create(first, record);
    created.set("cart", "changed");
    Reflect.set(record, "owner", "changed");
    assert.deepEqual(await store.read(first), trial.record());

    const changed = new Map([["cart", "2"]]);
    await store.update(first, { ...trial.changes({}), data: changed });
    changed.set("cart", "changed");
    assert.deepEqual(await store.read(first), trial.record({ data: new Map([["cart", "2"]]) }));
  },
  async "what was handed out can be changed: the store handed out a copy"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    for (const record of [await store.read(first), ...(await store.listByOwner("ada"))]) {
      assert.ok(record?.data instanceof Map, "there is no record with a Map");
      record.data.set("cart", "changed");
      Reflect.set(record, "owner", "changed");
    }
    assert.deepEqual(await store.read(first), trial.record());
    assert.deepEqual(await store.listByOwner("ada"), [{ key: first, ...trial.record() }]);
  },
  async "what was read or listed stays as it was when sessions change"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const before = [await store.read(first), await store.listByOwner("ada")];
    await store.update(first, trial.changes({ cart: "2" }, trial.start + 2 * hour));
    await store.create(second, trial.record());
    await store.listByOwner("ada");
    assert.deepEqual(before, [trial.record(), [{ key: first, ...trial.record() }]]);
  },
  async "a session is kept whole or refused as too large, and then stays as it was"(trial) {
    const { store } = trial;
    const record = trial.record({ data: large });
    const taken = await takes(() => store.create(first, record));
    assert.deepEqual(await store.read(first), taken ? record : undefined);

    await store.create(second, trial.record());
    const times = { lastSeenAt: trial.start + 1, expiresAt: trial.start + hour / 2 };
    const changes = { data: large, ...times };
    const changed = await takes(() => store.update(second, changes));
    assert.deepEqual(await store.read(second), trial.record(changed ? changes : {}));
    assert.deepEqual(await trial.keysOf("ada"), taken ? [first, second] : [second]);
  },
  async "keys and values are plain text, whatever they hold"(trial) {
    const { store } = trial;
    const data = new Map(oddTexts.map((text, index) => [text, oddTexts.at(-index) ?? ""]));
    assert.equal(await store.create(first, trial.record({ data })), true);
    assert.deepEqual(await store.read(first), trial.record({ data }));

    await store.create(second, trial.record({ data: new Map() }));
    await store.update(second, { ...trial.changes({}), data });
    assert.deepEqual(await store.read(second), trial.record({ data }));
    const undone = new Map(oddTexts.map((text) => [text, undefined]));
    await store.update(second, { ...trial.changes({}), data: undone });
    assert.deepEqual(await store.read(second), trial.record({ data: new Map() }));
  },
});

const oddTexts = [
  ..."__proto__ constructor toString hasOwnProperty key KEY owner data createdAt".split(" "),
  ..."0 -1 1e3 null undefined true * ? [a-z] {a} : % %00 ' \" \\ ; -- $1 { []".split(" "),
  ..."é e\u0301 日本語 👩‍👧 \u007f \u202e \ufeff \u2028".split(" "),
  ...["", " ", " spaced ", "\0", "a\0b", "\n", "\r\n", "a\tb"],
  ...["日本語 é 👩‍👧 ".repeat(4), "long".repeat(200)],
];

const large = new Map([["cart", "x".repeat(300_000)]]);

/** Whether the store takes what may be too large for it. */
async function takes(attempt: () => MaybePromise<boolean>): Promise<boolean> {
  try {
    assert.equal(await attempt(), true);
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "SessionTooLargeError") return false;
    throw error;
  }
}

const time = claims({
  async "a session is there one tick before it expires, and gone at that moment"(trial) {
    const { store } = trial;
    // A server's clock does not wait: a look that comes too late tells nothing, and is repeated.
    for (let { tick } = trial, isLate = true; isLate; tick += trial.tick) {
      const record = trial.record({ expiresAt: trial.now() + 4 * tick });
      await store.create(first, record);
      await trial.until(record.expiresAt - tick);
      const found = [await store.read(first), await store.listByOwner("ada")];
      isLate = trial.now() >= record.expiresAt;
      if (!isLate) assert.deepEqual(found, [record, [{ key: first, ...record }]]);
      await trial.until(record.expiresAt);
      assert.deepEqual([await store.read(first), await store.listByOwner("ada")], [undefined, []]);
    }
  },
  async "an expired session cannot be updated, also when that would lengthen it"(trial) {
    await trial.store.create(first, trial.record({ expiresAt: trial.start + 2 * trial.tick }));
    await trial.until(trial.start + 2 * trial.tick);
    assert.equal(await trial.store.update(first, trial.changes({ cart: "2" })), false);
    assert.deepEqual([await trial.store.read(first), await trial.keysOf("ada")], [undefined, []]);
  },
  async "an expired session is not counted by delete"(trial) {
    await trial.store.create(first, trial.record({ expiresAt: trial.start + 2 * trial.tick }));
    await trial.until(trial.start + 2 * trial.tick);
    assert.equal(await trial.store.delete(first), false);
  },
  async "an expired session is not counted by deleteByOwner"(trial) {
    await trial.store.create(first, trial.record({ expiresAt: trial.start + 2 * trial.tick }));
    await trial.store.create(second, trial.record());
    await trial.until(trial.start + 2 * trial.tick);
    assert.equal(await trial.store.deleteByOwner("ada"), 1);
  },
  async "the key of an expired session can be created again, with nothing of the old one"(trial) {
    const { store, tick } = trial;
    await store.create(first, trial.record({ expiresAt: trial.start + 2 * tick }));
    await trial.until(trial.start + 2 * tick);
    const record = trial.record({ owner: "eve", data: new Map() });
    assert.equal(await store.create(first, record), true);
    assert.deepEqual(await store.read(first), record);
    assert.deepEqual([await trial.keysOf("ada"), await trial.keysOf("eve")], [[], [first]]);
  },
  async "update lengthens a life: the old end passes, the new one counts"(trial) {
    const { store, start, tick } = trial;
    await store.create(first, trial.record({ expiresAt: start + 4 * tick }));
    await store.update(first, trial.changes({}, start + 8 * tick));
    await trial.until(start + 4 * tick);
    assert.deepEqual(await store.read(first), trial.record({ expiresAt: start + 8 * tick }));
    assert.deepEqual(await trial.keysOf("ada"), [first]);
    await trial.until(start + 8 * tick);
    assert.deepEqual([await store.read(first), await trial.keysOf("ada")], [undefined, []]);
  },
  async "update shortens a life: the new end counts"(trial) {
    const { store, start, tick } = trial;
    await store.create(first, trial.record());
    await store.update(first, trial.changes({}, start + 4 * tick));
    assert.deepEqual(await trial.data(first), { cart: "1" });
    await trial.until(start + 4 * tick);
    assert.deepEqual([await store.read(first), await trial.keysOf("ada")], [undefined, []]);
  },
  async "a session that is created when its end has come is never there"(trial) {
    for (const [key, expiresAt] of [[first, trial.start], [second, 0]] as const) {
      await trial.store.create(key, trial.record({ expiresAt }));
      assert.equal(await trial.store.read(key), undefined);
    }
    assert.deepEqual(await trial.keysOf("ada"), []);
  },
  async "an update whose end has come ends the session"(trial) {
    await trial.store.create(first, trial.record());
    await trial.store.update(first, trial.changes({}, trial.start));
    assert.deepEqual([await trial.store.read(first), await trial.keysOf("ada")], [undefined, []]);
  },
  async "a life may be longer than 2^31 and 2^32 milliseconds"(trial) {
    const lives = [[first, 2 ** 31], [second, 2 ** 32 + 1], [third, 2 ** 40]] as const;
    for (const [key, life] of lives) {
      const record = trial.record({ expiresAt: trial.start + life });
      await trial.store.create(key, record);
      assert.deepEqual(await trial.store.read(key), record);
    }
    await trial.until(trial.start + 2 * trial.tick);
    assert.equal((await trial.keysOf("ada")).length, 3);
  },
});

const owners = claims({
  async "listByOwner answers the owner's sessions whole, the oldest first"(trial) {
    const { store, start } = trial;
    const ages = [[first, start - 20], [second, start - 30], [third, start - 10]] as const;
    for (const [key, createdAt] of ages) await store.create(key, trial.record({ createdAt }));
    assert.deepEqual(await store.listByOwner("ada"), [
      { key: second, ...trial.record({ createdAt: start - 30 }) },
      { key: first, ...trial.record({ createdAt: start - 20 }) },
      { key: third, ...trial.record({ createdAt: start - 10 }) },
    ]);
  },
  async "listByOwner shows what an update changed"(trial) {
    const { store, start } = trial;
    await store.create(first, trial.record());
    const times = { lastSeenAt: start + 5, expiresAt: start + 2 * hour };
    await store.update(first, { data: new Map([["cart", undefined]]), ...times });
    const record = trial.record({ data: new Map(), ...times });
    assert.deepEqual(await store.listByOwner("ada"), [{ key: first, ...record }]);
  },
  async "the list of an owner who has no session is empty, and nothing is removed"({ store }) {
    assert.deepEqual(await store.listByOwner("ada"), []);
    assert.equal(await store.deleteByOwner("ada"), 0);
  },
  async "sessions without an owner are in no list, and nobody's to delete"(trial) {
    const { store } = trial;
    await store.create(first, trial.record({ owner: undefined }));
    for (const owner of ["undefined", "null", "ada"]) {
      assert.deepEqual(await store.listByOwner(owner), []);
      assert.equal(await store.deleteByOwner(owner), 0);
    }
    assert.notEqual(await store.read(first), undefined);
  },
  async "deleteByOwner removes an owner's sessions, counts them, and no other person's"(trial) {
    const { store } = trial;
    for (const key of [first, second]) await store.create(key, trial.record());
    await store.create(third, trial.record({ owner: "eve" }));
    assert.equal(await store.deleteByOwner("ada"), 2);
    assert.deepEqual([await store.read(first), await store.read(second)], [undefined, undefined]);
    assert.deepEqual(await store.listByOwner("ada"), []);
    assert.deepEqual(await store.read(third), trial.record({ owner: "eve" }));
    assert.equal(await store.deleteByOwner("ada"), 0);
  },
  async "deleteByOwner spares the excepted session and does not count it"(trial) {
    const { store } = trial;
    for (const key of [first, second, third]) await store.create(key, trial.record());
    assert.equal(await store.deleteByOwner("ada", second), 2);
    assert.deepEqual(await trial.keysOf("ada"), [second]);
    assert.deepEqual(await store.read(second), trial.record());
    assert.deepEqual([await store.read(first), await store.read(third)], [undefined, undefined]);
  },
  async "an exception that is absent or another owner's spares nothing"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    await store.create(third, trial.record({ owner: "eve" }));
    assert.equal(await store.deleteByOwner("ada", third), 1);
    await store.create(first, trial.record());
    assert.equal(await store.deleteByOwner("ada", second), 1);
    assert.deepEqual(await trial.keysOf("eve"), [third]);
  },
  async "a session that is only rotated ends none of its owner's, however many there are"(trial) {
    const { store, start } = trial;
    for (let number = 1; number <= 20; number += 1) {
      const times = { createdAt: start - 30 + number, lastSeenAt: start - 30 + number };
      await store.create(hashSessionId(`session ${number}`), trial.record(times));
    }
    const before = await trial.keysOf("ada");
    await store.create(first, trial.record({ createdAt: start - 20 }));
    const after = await trial.keysOf("ada");
    assert.deepEqual(after.filter((key) => key !== first), before);
    assert.equal(after.length, before.length + 1);
  },
  async "a new session ends its owner's oldest, if any, and nobody else's; a refused one none"(trial) {
    const { store, start } = trial;
    await store.create(first, trial.record({ owner: "eve", createdAt: start - 40 }));
    const keys: SessionKey[] = [];
    let most = 1;
    for (let number = 1; number <= 30; number += 1) {
      const key = hashSessionId(`session ${number}`);
      const times = { createdAt: start - 30 + number, lastSeenAt: start - 30 + number };
      assert.equal(await store.create(key, trial.record(times)), true);
      keys.push(key);
      const listed = await trial.keysOf("ada");
      most = Math.max(most, listed.length);
      assert.deepEqual(listed, keys.slice(-most));
    }
    for (const ended of keys.slice(0, -most)) assert.equal(await store.read(ended), undefined);
    assert.equal(await store.create(first, trial.record()), false);
    assert.deepEqual(await trial.keysOf("ada"), keys.slice(-most));
    if (await takes(() => store.create(second, trial.record({ data: large })))) return;
    assert.deepEqual(await trial.keysOf("ada"), keys.slice(-most));
  },
  async "owners are plain text, whatever they hold"(trial) {
    const { store } = trial;
    const names = [...oddTexts.filter((text) => text !== ""), "ADA", "ada", "ada ", "ada:", "ad"];
    const keys = new Map(names.map((owner) => [owner, hashSessionId(owner)]));
    for (const [owner, key] of keys) await store.create(key, trial.record({ owner }));
    for (const [owner, key] of keys) {
      assert.deepEqual(await store.listByOwner(owner), [{ key, ...trial.record({ owner }) }]);
      assert.equal(await store.deleteByOwner(owner), 1);
      assert.equal(await store.read(key), undefined);
    }
  },
});

const races = claims({
  async "of creates of one key at the same time exactly one succeeds, and is what is kept"(trial) {
    const { store } = trial;
    const records = ["a", "b", "c", "d"].map((owner) => trial.record({ owner }));
    const answers = await Promise.all(records.map((record) => store.create(first, record)));
    assert.equal(answers.filter(Boolean).length, 1);
    assert.deepEqual(await store.read(first), records[answers.indexOf(true)]);
    const listed = await Promise.all(records.map(({ owner }) => store.listByOwner(owner ?? "")));
    assert.deepEqual(
      listed.map((list) => list.length === 1),
      answers,
    );
  },
  async "updates of different keys at the same time are all kept"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => store.update(first, trial.changes({ [name]: name }))));
    const all = Object.fromEntries(names.map((name) => [name, name]));
    assert.deepEqual(await trial.data(first), { cart: "1", ...all });
  },
  async "an update at the same time as a delete never brings the session back"(trial) {
    const { store } = trial;
    for (const key of [first, second, third]) {
      await store.create(key, trial.record());
      const update = () => store.update(key, trial.changes({ late: "1" }));
      await Promise.all([update(), store.delete(key), update(), update()]);
      assert.equal(await store.read(key), undefined);
      assert.deepEqual(await trial.keysOf("ada"), []);
    }
  },
  async "an update at the same time as deleteByOwner never brings the session back"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const update = () => store.update(first, trial.changes({ late: "1" }));
    await Promise.all([update(), store.deleteByOwner("ada"), update(), update()]);
    assert.deepEqual([await store.read(first), await trial.keysOf("ada")], [undefined, []]);
  },
  async "of deletes of one session at the same time exactly one succeeds"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const answers = await Promise.all([first, first, first].map((key) => store.delete(key)));
    assert.equal(answers.filter(Boolean).length, 1);
  },
  async "deletes and deleteByOwner at the same time count every session once"(trial) {
    const { store } = trial;
    for (const key of [first, second, third]) await store.create(key, trial.record());
    const [many, one, more] = await Promise.all([
      store.deleteByOwner("ada"),
      store.delete(second),
      store.deleteByOwner("ada"),
    ]);
    assert.equal(many + Number(one) + more, 3);
  },
  async "a session created at the same time as deleteByOwner is gone, or listed"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    const create = (key: SessionKey) => store.create(key, trial.record());
    await Promise.all([create(second), store.deleteByOwner("ada"), create(third)]);
    for (const key of [first, second, third]) await trial.isGoneOrListed(key);
  },
});

const gates = claims({
  async "a session that is deleted at any step of an update stays deleted"(trial) {
    const { store, start } = trial;
    // Its end moves far, for a store that does more then.
    const update = (key: SessionKey) => store.update(key, trial.changes({}, start + 3 * hour));
    const isGone = async (key: SessionKey) => {
      assert.deepEqual([await store.read(key), await trial.keysOf("ada")], [undefined, []]);
    };
    await trial.atEachStep(update, (key) => store.delete(key), isGone);
    await trial.atEachStep(update, () => store.deleteByOwner("ada"), isGone);
  },
  async "what an update sets at any step of another update is kept, and so is the other's"(trial) {
    const { store, start } = trial;
    await trial.atEachStep(
      (key) => store.update(key, trial.changes({ slow: "1" }, start + 3 * hour)),
      (key) => store.update(key, trial.changes({ fast: "2" })),
      async (key) => assert.deepEqual(await trial.data(key), { cart: "1", slow: "1", fast: "2" }),
    );
  },
  async "what is read or listed is a whole session, whatever comes at any of the steps"(trial) {
    const { store, start } = trial;
    const times = { lastSeenAt: start + 1, expiresAt: start + 2 * hour };
    const changes = { data: new Map([["cart", "2"]]), ...times };
    const update = (key: SessionKey) => store.update(key, changes);
    const remove = (key: SessionKey) => store.delete(key);
    for (const [meanwhile, after] of [[update, trial.record(changes)], [remove, undefined]] as const) {
      const isWhole = (key: SessionKey, found: SessionRecord | undefined) => {
        const state = found?.lastSeenAt === start ? trial.record() : after;
        assert.deepEqual(found && { key, ...found }, state && { key, ...state });
      };
      await trial.atEachStep((key) => store.read(key), meanwhile, isWhole);
      const list = async () => (await store.listByOwner("ada"))[0];
      await trial.atEachStep(list, meanwhile, isWhole);
    }
  },
  async "a session that is created at any step of deleteByOwner is gone, or listed"(trial) {
    await trial.atEachStep(
      () => trial.store.deleteByOwner("ada"),
      (key) => trial.store.create(newerThan(key), trial.record()),
      (key) => trial.isGoneOrListed(newerThan(key)),
    );
  },
  async "a session is listed, also when its owner's are listed at any step of its creation"(trial) {
    await trial.atEachStep(
      (key) => trial.store.create(newerThan(key), trial.record()),
      () => trial.store.listByOwner("ada"),
      (key) => trial.isGoneOrListed(newerThan(key)),
    );
  },
  async "a session is gone, or listed, when deleteByOwner comes at any step of its creation"(trial) {
    await trial.atEachStep(
      (key) => trial.store.create(newerThan(key), trial.record()),
      () => trial.store.deleteByOwner("ada"),
      (key) => trial.isGoneOrListed(newerThan(key)),
    );
  },
});

function newerThan(key: SessionKey): SessionKey {
  return hashSessionId(`newer than ${key}`);
}

const faults = claims({
  async "when what the store relies on fails, every method throws"(trial) {
    const { store } = trial;
    await store.create(first, trial.record());
    if (!(await trial.breakDown())) return;
    await assert.rejects(async () => store.create(second, trial.record()), Error);
    await assert.rejects(async () => store.read(first), Error);
    await assert.rejects(async () => store.update(first, trial.changes({})), Error);
    await assert.rejects(async () => store.delete(first), Error);
    await assert.rejects(async () => store.listByOwner("ada"), Error);
    await assert.rejects(async () => store.deleteByOwner("ada"), Error);
  },
  async "a method throws when any of its steps fails, or has done what it says"(trial) {
    const { store, start } = trial;
    const update = trial.changes({ late: "2" }, start + 3 * hour);
    type Ask = (key: SessionKey) => MaybePromise<boolean>;
    const asks: readonly (readonly [Ask, Record<string, string> | undefined])[] = [
      [async (key) => (await store.read(key)) !== undefined, { cart: "1" }],
      [async (key) => (await trial.keysOf("ada")).includes(key), { cart: "1" }],
      [(key) => store.update(key, update), { cart: "1", late: "2" }],
      [(key) => store.delete(key), undefined],
      [async () => (await store.deleteByOwner("ada")) === 1, undefined],
      [async (key) => (await store.delete(key)) && store.create(key, trial.record()), { cart: "1" }],
    ];
    for (const [ask, left] of asks) {
      await trial.atEachStep(
        async (key) => Promise.resolve(key).then(ask).catch(() => "thrown"),
        () => Promise.reject(new Error("A step fails")),
        async (key, answer) => {
          if (answer === "thrown") return;
          assert.deepEqual([answer, await trial.data(key)], [true, left]);
          await trial.isGoneOrListed(key);
        },
      );
    }
  },
});

/** Every rule that a session store must keep. */
export const contract: readonly Claim[] = [storing, time, owners, races, gates, faults].flat();
