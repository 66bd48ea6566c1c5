// What RedisStore makes of replies, right and wrong. That its scripts keep the contract on a real
// Redis, is tested in test/engines.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashSessionId } from "../src/session-id.ts";
import type { SessionRecord } from "../src/session-store.ts";
import { RedisStore } from "../src/stores/redis-store.ts";
import type { RedisStoreOptions } from "../src/stores/redis-store.ts";

const hour = 3_600_000;
const [key, other] = [hashSessionId("a"), hashSessionId("b")];
const [third, fourth] = [hashSessionId("c"), hashSessionId("d")];
const times = { createdAt: 1, lastSeenAt: 1, expiresAt: hour };
const record: SessionRecord = { owner: "ada", data: new Map([["cart", "1"]]), ...times };
const nobody: SessionRecord = { ...record, owner: undefined };
const changes = { data: new Map([["cart", undefined], ["name", ""]]), lastSeenAt: 3, expiresAt: 4 };
const hash = ["owner", "ada", "data:cart", "1", ..."createdAt 1 lastSeenAt 1".split(" ")];
const whole = [...hash, "expiresAt", String(hour)];
const older = [...whole, "createdAt", "0"];

/** A store whose commands are answered in turn: an Error is rejected. */
function scripted(replies: readonly unknown[], options?: RedisStoreOptions) {
  const left = [...replies];
  const sent: string[][] = [];
  const store = new RedisStore(async (command, script, count, ...args) => {
    assert.deepEqual([command, count], ["EVAL", "1"]);
    // Of one key, or it would not run on a cluster.
    assert.deepEqual(new Set(script?.match(/KEYS\[\d+\]/g)), new Set(["KEYS[1]"]));
    sent.push(args);
    const reply = left.shift();
    if (reply instanceof Error) throw reply;
    return reply;
  }, options);
  return { store, sent };
}

type Ask = (store: RedisStore) => Promise<unknown>;
const create: Ask = (store) => store.create(key, nobody);
const createOwned: Ask = (store) => store.create(key, record);
const read: Ask = (store) => store.read(key);
const update: Ask = (store) => store.update(key, changes);
const updateWhole: Ask = (store) => store.update(key, record);
const remove: Ask = (store) => store.delete(key);
const list: Ask = (store) => store.listByOwner("ada");
const clear: Ask = (store) => store.deleteByOwner("ada", third);

describe("a reply is taken for what it is", () => {
  const noTimes = { createdAt: NaN, lastSeenAt: NaN, expiresAt: NaN };
  const corrupt = { owner: undefined, data: new Map(), ...noTimes };
  const rows: readonly [claim: string, ask: Ask, replies: unknown[], answer: unknown][] = [
    ["a new session", create, [1], true],
    ["a new session of an owner", createOwned, [1, 1], true],
    ["a key that is taken", create, [0], false],
    ["a key that is taken is not listed", createOwned, [0], false],
    ["no session", read, [[]], undefined],
    ["a session", read, [whole], record],
    ["a value that looks like a field is a value", read, [[...whole, "data:cart", "data:x"]],
      { ...record, data: new Map([["cart", "data:x"]]) }],
    ["a field nobody knows is left aside", read, [[...whole, "cart", "2"]], record],
    ["what is no session has no times", read, [["error", "WRONGTYPE"]], corrupt],
    ["half a field is corrupt", read, [["data:x"]], { ...corrupt, data: new Map([["x", ""]]) }],
    ["a missing time is corrupt", read, [hash], { ...record, expiresAt: NaN }],
    ["no number is corrupt", read, [[...hash, "expiresAt", "x"]], { ...record, expiresAt: NaN }],
    ["an empty time is corrupt", read, [[...hash, "expiresAt", ""]], { ...record, expiresAt: NaN }],
    ["a session that is changed", update, [1], true],
    ["a session that is gone", update, [0], false],
    ["a session that is listed anew first", update, [["ada", "1"], 1, 1], true],
    ["a session that is gone once it is listed anew", update, [["ada", "1"], 1, 0], false],
    ["a session that is deleted", remove, [["1"]], true],
    ["an owner's session that is deleted", remove, [["1", "ada"], 1], true],
    ["nothing to delete", remove, [["0"]], false],
    ["nobody listed", list, [[]], []],
    ["sessions listed in their order", list, [[other, key], whole, whole],
      [{ key: other, ...record }, { key, ...record }]],
    ["what is listed and gone is left out", list, [[key, other], [], whole, null],
      [{ key: other, ...record }]],
    ["another owner's session is left out", list, [[key], ["owner", "eve"], null], []],
    ["what is no key is left out", list, [["short"]], []],
    ["sessions of an owner that are deleted", clear,
      [[key, third, other, fourth], ["1"], ["0"], ["1"], null, [fourth], ["1"], null], 3],
    ["an owner without sessions", clear, [[]], 0],
  ];
  for (const [claim, ask, replies, answer] of rows) {
    test(claim, async () => {
      const { store, sent } = scripted(replies);
      assert.deepEqual(await ask(store), answer);
      assert.equal(sent.length, replies.length);
    });
  }
});

describe("a fault throws, and is never an absent session", () => {
  const loading = new Error("LOADING Redis is loading the dataset in memory");
  const asks = { create, createOwned, read, update, remove, list, clear };
  for (const [name, ask] of Object.entries(asks)) {
    test(`${name}: an error that Redis answers`, async () => {
      await assert.rejects(ask(scripted([loading]).store), loading);
    });
    for (const reply of [undefined, null, "OK", "1", true, 2, { 0: "1" }, [1], [null]]) {
      test(`${name}: the reply ${JSON.stringify(reply)}`, async () => {
        const message = /^Cannot use a reply of Redis: (0 or 1|a list of texts) is due, not a \w+$/;
        const error = { name: "TypeError", message };
        await assert.rejects(ask(scripted([reply, reply, reply]).store), error);
      });
    }
  }
  const later: readonly [claim: string, ask: Ask, replies: unknown[]][] = [
    ["a new session that cannot be listed", createOwned, [1, loading]],
    ["a session that cannot be listed anew", update, [["ada", "1"], loading]],
    ["a deleted session that stays listed", remove, [["1", "ada"], loading]],
    ["one listed session that cannot be read", list, [[key, other], whole, loading]],
    ["one session of an owner that cannot be deleted", clear, [[key, other], ["1"], loading]],
  ];
  for (const [claim, ask, replies] of later) {
    test(claim, async () => assert.rejects(ask(scripted(replies).store), loading));
  }
  test("a session that is too large is named so", async () => {
    const error = { name: "SessionTooLargeError", message: /Cannot store session/ };
    await assert.rejects(create(scripted([-1]).store), error);
    await assert.rejects(update(scripted([-1]).store), error);
    await assert.rejects(update(scripted([["ada", "1"], 1, -1]).store), error);
  });
});

describe("what is sent is one script on one Redis key", () => {
  const [session, owner] = [`plinth:session:${key}`, "plinth:owner:ada"];
  const times = ["createdAt", "=1", "lastSeenAt", "=1", "expiresAt", `=${hour}`];
  const created = [...times, "data:cart", "=1"];
  const changed = ["lastSeenAt", "=3", "expiresAt", "=4", "data:cart", "", "data:name", "="];
  const listed = [`${2 * hour}`, "1", key];
  const rows: readonly [claim: string, ask: Ask, replies: unknown[], sent: string[][]][] = [
    ["create", create, [1], [[session, "4096", "create", "owner", "", ...created]]],
    ["create for an owner, then list to the full hour after", createOwned, [1, 1],
      [[session, "4096", "create", "owner", "=ada", ...created], [owner, ...listed]]],
    ["read", read, [whole], [[session]]],
    ["update", update, [1], [[session, "4096", "update", ...changed]]],
    ["update, first of the list", update, [["ada", "1"], 1, 1],
      [[session, "4096", "update", ...changed], [owner, `${hour}`, "1", key],
        [session, "4096", "prolong", ...changed]]],
    ["update of a session without its own times, which Redis then refuses to list", update,
      [[], 1, 1], [[session, "4096", "update", ...changed], ["plinth:owner:", `${hour}`, "", key],
        [session, "4096", "prolong", ...changed]]],
    ["update by a whole record, without its owner", updateWhole, [1],
      [[session, "4096", "update", ...times.slice(2), "data:cart", "=1"]]],
    ["delete, then unlist", remove, [["1", "ada"], 1], [[session], [owner, key]]],
    ["list, then look at each", list, [[key], whole], [[owner], [session]]],
    ["unlist what is stale", list, [[key], [], null], [[owner], [session], [owner, key]]],
    ["delete the owner's, then unlist", clear, [[key, third], ["1"], 1],
      [[owner], [session], [owner, key]]],
    ["delete the owner's, and what one that was gone may be called now", clear,
      [[key, third], ["0"], 1, [other, third], ["1"], 1],
      [[owner], [session], [owner, key], [owner], [`plinth:session:${other}`], [owner, other]]],
  ];
  for (const [claim, ask, replies, expected] of rows) {
    test(claim, async () => {
      const { store, sent } = scripted(replies);
      await ask(store);
      assert.deepEqual(sent, expected);
    });
  }
  test("the prefix and the size limit are those that were given", async () => {
    const { store, sent } = scripted([1, 1], { prefix: "{app}", maxSessionSize: 9 });
    await store.create(key, record);
    assert.deepEqual(sent.map(([name, limit]) => [name, limit]), [
      [`{app}session:${key}`, "9"],
      ["{app}owner:ada", `${2 * hour}`],
    ]);
  });
  test("a list ends at the full hour after its session, never with it", async () => {
    for (const [expiresAt, end] of [[hour - 1, hour], [hour, 2 * hour], [hour + 1, 2 * hour]]) {
      const { store, sent } = scripted([1, 1]);
      await store.create(key, { ...record, expiresAt: expiresAt ?? 0 });
      assert.equal(sent[1]?.[1], String(end));
    }
  });
});

describe("an owner's sessions are bounded", () => {
  test("at the limit nothing is looked at", async () => {
    const { store, sent } = scripted([1, 20]);
    await store.create(key, record);
    assert.equal(sent.length, 2);
  });
  test("one more ends the oldest", async () => {
    const replies = [1, 3, [other, third, key], older, older, whole, ["1"], 1];
    const { store, sent } = scripted(replies, { maxSessionsPerOwner: 2 });
    assert.equal(await store.create(key, record), true);
    const ended = [[`plinth:session:${other}`], ["plinth:owner:ada", other]];
    assert.deepEqual(sent.slice(6), ended);
  });
  test("one that is as old as the new one may be what it replaces, and does not go", async () => {
    const replies = [1, 2, [key, other], whole, whole];
    const { store, sent } = scripted(replies, { maxSessionsPerOwner: 1 });
    assert.equal(await store.create(key, record), true);
    assert.equal(sent.length, 5);
  });
  test("what has expired makes room, and no live session goes", async () => {
    const replies = [1, 3, [other, third, key], older, [], whole, null];
    const { store, sent } = scripted(replies, { maxSessionsPerOwner: 2 });
    assert.equal(await store.create(key, record), true);
    assert.deepEqual(sent.slice(6), [["plinth:owner:ada", third]]);
  });
  test("a rotation is not one more, and ends nobody's session", async () => {
    const { store, sent } = scripted([1, 3], { maxSessionsPerOwner: 2 });
    assert.equal(await store.create(key, { ...record, lastSeenAt: 2 }), true);
    assert.equal(sent.length, 2);
  });
  for (const name of ["maxSessionsPerOwner", "maxSessionSize"]) {
    for (const limit of [0, -1, 1.5, NaN, Infinity]) {
      test(`${name} cannot be ${limit}`, () => {
        const message = `Cannot make RedisStore: ${name} is ${limit}, not a number from 1 on`;
        assert.throws(() => scripted([], { [name]: limit }), { name: "RangeError", message });
      });
    }
  }
});
