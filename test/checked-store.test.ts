// A store that is asked with care: faults, lies, and answers that do not come.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { CheckedStore } from "../src/checked-store.ts";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import type { SessionStore } from "../src/session-store.ts";

const key = hashSessionId("first");
const times = { createdAt: 1, lastSeenAt: 2, expiresAt: 3 };
const record = { owner: "ada", data: new Map([["cart", "1"]]), ...times };
const changes = { data: new Map<string, string>(), lastSeenAt: 2, expiresAt: 3 };

/** A store whose every answer is made by `answer`, whatever the types promise. */
function storeThat(answer: () => unknown): SessionStore {
  const store: Record<string, () => unknown> = {};
  for (const method of ["create", "read", "update", "delete", "listByOwner", "deleteByOwner"]) {
    store[method] = answer;
  }
  // A store written in JavaScript promises nothing: this is how one comes in.
  return JSON.parse("[]").concat(store)[0];
}

function checked(answer: () => unknown, timeout = 1000, corrupt: string[] = []): CheckedStore {
  return new CheckedStore(storeThat(answer), timeout, (handle) => void corrupt.push(handle));
}

const questions: readonly (readonly [string, (store: CheckedStore) => unknown])[] = [
  ["create", (store) => store.create(key, record)],
  ["read", (store) => store.read(key)],
  ["update", (store) => store.update(key, changes)],
  ["delete", (store) => store.delete(key)],
  ["listByOwner", (store) => store.listByOwner("ada")],
  ["deleteByOwner", (store) => store.deleteByOwner("ada", undefined)],
];

describe("a fault is named, and its cause kept:", () => {
  const cause = new Error("Cannot connect");
  for (const [method, ask] of questions) {
    for (const [how, answer] of [
      ["throws", () => { throw cause; }],
      ["rejects", () => Promise.reject(cause)],
      ["rejects with a promise of its own", () => ({ then: (_: unknown, no: (error: Error) => void) => no(cause) })],
    ] as const) {
      test(`${method} of a store that ${how}`, async () => {
        const asking = ask(checked(answer));
        assert.ok(asking instanceof Promise, "a fault is a promise that rejects");
        const message = "Session store failed: Cannot connect";
        await assert.rejects(asking, { name: "SessionStoreError", message, cause });
      });
    }

    test(`${method} of a store that never answers, within the time-out`, async () => {
      const asking = async () => ask(checked(() => new Promise(() => {}), 1));
      const message = "Session store failed: it did not answer within 1 ms";
      await assert.rejects(asking, { name: "SessionStoreError", message });
    });
  }

  for (const [what, thrown, told] of [
    ["a text", "down", "down"],
    ["a number", 7, "7"],
    ["nothing", undefined, "undefined"],
    ["an object that has no text", Object.create(null), "it threw an object"],
  ] as const) {
    test(`what is thrown and no Error is told of: ${what}`, async () => {
      const expected = { name: "SessionStoreError", message: `Session store failed: ${told}` };
      for (const answer of [() => { throw thrown; }, () => Promise.reject(thrown)]) {
        const asking = checked(answer).read(key);
        assert.ok(asking instanceof Promise, "a fault is a promise that rejects");
        await assert.rejects(asking, { ...expected, cause: thrown });
      }
    });
  }

  test("a session that is too large is no fault of the store", async () => {
    const tooLarge = Object.assign(new Error("too large"), { name: "SessionTooLargeError" });
    const store = checked(() => Promise.reject(tooLarge));
    await assert.rejects(store.create(key, record), tooLarge);
  });

  test("what only calls itself too large is a fault", async () => {
    const store = checked(() => Promise.reject({ name: "SessionTooLargeError" }));
    await assert.rejects(store.create(key, record), { name: "SessionStoreError" });
  });
});

describe("an impossible answer is a fault:", () => {
  const rows: readonly (readonly [string, readonly unknown[]])[] = [
    ["create", [undefined, null, 1, "OK", {}]],
    ["update", [undefined, null, 0, "true", []]],
    ["delete", [undefined, null, 1, "false", {}]],
    ["listByOwner", [undefined, null, 1, "[]", {}, new Map()]],
    ["deleteByOwner", [undefined, null, "1", true, 1.5, NaN, Infinity, -1, 1n]],
  ];
  for (const [method, answers] of rows) {
    const [, ask] = questions.find(([name]) => name === method) ?? assert.fail();
    for (const answer of answers) {
      test(`${method} answers ${typeof answer} ${String(answer)}`, async () => {
        const message = `Session store gave an impossible answer, of type ${typeof answer}`;
        await assert.rejects(async () => ask(checked(() => answer)), { message });
      });
    }
  }
});

describe("an answer that the contract allows is believed:", () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ["create", true],
    ["create", false],
    ["read", undefined],
    ["read", record],
    ["read", { ...record, owner: undefined }],
    ["read", { ...record, data: new Map() }],
    ["read", { ...record, createdAt: 1.5, lastSeenAt: 2.5, expiresAt: 3.5 }],
    ["update", false],
    ["delete", true],
    ["listByOwner", []],
    ["listByOwner", [{ key, ...record }]],
    ["deleteByOwner", 0],
    ["deleteByOwner", 20],
  ];
  for (const [method, answer] of rows) {
    const [, ask] = questions.find(([name]) => name === method) ?? assert.fail();
    test(`${method} answers ${JSON.stringify(answer)}`, async () => {
      assert.deepEqual(await ask(checked(() => answer)), answer);
      assert.deepEqual(await ask(checked(() => Promise.resolve(answer))), answer);
    });
  }

  test("an answer in time, or a fault, leaves no timer", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
    const before = timers();
    await checked(() => Promise.resolve(undefined)).read(key);
    await assert.rejects(async () => checked(() => Promise.reject(new Error("down"))).read(key));
    // Promises that are settled have been heard of by then.
    await setImmediate();
    assert.equal(timers(), before);
  });

  test("a record that is there at once is answered at once", () => {
    assert.equal(checked(() => record).read(key), record);
    assert.equal(checked(() => undefined).read(key), undefined);
  });
});

const corruptRecords: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["a text", "record"],
  ["a number", 0],
  ["false", false],
  ["nothing in it", {}],
  ["data that are no Map", { ...record, data: { cart: "1" } }],
  ["no data", { ...record, data: undefined }],
  ["a value that is no text", { ...record, data: new Map([["cart", 1]]) }],
  ["a key that is no text", { ...record, data: new Map<unknown, string>([["cart", "1"], [1, "cart"]]) }],
  ["an owner that is no text", { ...record, owner: 7 }],
  ["an owner that is null", { ...record, owner: null }],
  ...["createdAt", "lastSeenAt", "expiresAt"].flatMap((time) =>
    [undefined, null, NaN, Infinity, "3", new Date(3)].map(
      (value) => [`${time} ${typeof value} ${String(value)}`, { ...record, [time]: value }] as const,
    ),
  ),
];

describe("(43) a corrupt record is as absent, reported once, and removed:", () => {
  for (const [name, corrupt] of corruptRecords) {
    test(name, async () => {
      for (const answer of [() => corrupt, () => Promise.resolve(corrupt)]) {
        const removed: string[] = [];
        const reported: string[] = [];
        const store = {
          ...storeThat(answer),
          delete: (text: string) => removed.push(text) === 1,
        };
        const subject = new CheckedStore(store, 1000, (handle) => void reported.push(handle));
        assert.equal(await subject.read(key), undefined);
        assert.deepEqual([removed, reported], [[key], [sessionHandle(key)]]);
        assert.equal(await subject.read(key), undefined);
        assert.deepEqual(reported, [sessionHandle(key)]);
      }
    });
  }

  for (const [how, remove] of [
    ["cannot be removed", () => Promise.reject(new Error("down"))],
    ["is not removed in time", () => new Promise<boolean>(() => {})],
  ] as const) {
    test(`one that ${how} is a fault`, { timeout: 5_000 }, async () => {
      const store = { ...storeThat(() => null), delete: remove };
      const asking = async () => new CheckedStore(store, 1, () => {}).read(key);
      await assert.rejects(asking, { name: "SessionStoreError" });
    });
  }
});

describe("a list leaves out what makes no sense:", () => {
  const strange: readonly (readonly [string, unknown])[] = [
    ...corruptRecords,
    ["undefined", undefined],
    ["another's session", { key, ...record, owner: "eve" }],
    ["nobody's session", { key, ...record, owner: undefined }],
    ["a session without a key", record],
  ];
  for (const [name, one] of strange) {
    test(name, async () => {
      const sound = { key, ...record };
      const list = await checked(() => [one, sound]).listByOwner("ada");
      assert.deepEqual(list, [sound]);
    });
  }
});
