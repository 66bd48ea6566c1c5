// What SqliteStore asks of a database, and what it makes of the answers. That its statements keep
// the contract on real files, is tested in test/engines.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashSessionId } from "../src/session-id.ts";
import type { SessionRecord } from "../src/session-store.ts";
import { SqliteStore } from "../src/stores/sqlite-store.ts";
import type { SqliteDatabase, SqliteStoreOptions } from "../src/stores/sqlite-store.ts";
import { fakeClock } from "./fake-clock.ts";

const key = hashSessionId("a");
const clock = fakeClock();
const now = clock();
const hour = 3_600_000;
const times = { createdAt: now, lastSeenAt: now, expiresAt: now + hour };
const record: SessionRecord = { owner: "ada", data: new Map([["cart", "1"]]), ...times };
const changed = new Map([["cart", undefined], ["name", "x"]]);
const changes = { data: changed, lastSeenAt: 3, expiresAt: 4 };
const row = {
  owner: "ada",
  data: '[["cart","1"]]',
  created_at: now,
  last_seen_at: now,
  expires_at: now + hour,
};

interface ScriptedDatabase extends SqliteDatabase {
  /** What was run, in order: the beginning of an SQL text, or a statement's verb and values. */
  readonly log: unknown[];
  /** SQL that throws from now on. */
  failing?: RegExp;
}

/** What a database has, by what the SQL begins with; no changes and no rows if not said. */
type Answers = Readonly<Record<string, unknown>>;

function scripted(answers: Answers = {}): ScriptedDatabase {
  const all = { "PRAGMA user_version": { user_version: 1 }, ...answers };
  const answerTo = (sql: string): unknown => {
    if (database.failing?.test(sql) === true) throw new Error(`Cannot run ${sql}`);
    return Object.entries(all).find(([start]) => sql.startsWith(start))?.[1];
  };
  const database: ScriptedDatabase = {
    log: [],
    exec(sql) {
      database.log.push(sql.trim().split(/\s+/).slice(0, 4).join(" "));
      answerTo(sql);
    },
    prepare: (sql) => ({
      run(...values) {
        database.log.push([sql.split(" ")[0], ...values]);
        return { changes: Number(answerTo(sql) ?? 0) };
      },
      get: () => answerTo(sql),
      all: () => [answerTo(sql)].flat(),
    }),
  };
  return database;
}

const pragmas = ["busy_timeout = 2000", "journal_mode = WAL", "synchronous = FULL"];
const setUp = pragmas.map((pragma) => `PRAGMA ${pragma}`);

/** A store, and what was done since it was made. */
function storeOn(answers: Answers, options: SqliteStoreOptions = {}) {
  const database = scripted(answers);
  const store = new SqliteStore(database, { clock, ...options });
  return { store, database, done: () => database.log.slice(setUp.length + 3) };
}

describe("a database is made ready once", () => {
  const withVersions = (version: unknown, changes: number) =>
    scripted({
      "PRAGMA user_version": version === undefined ? undefined : { version },
      "PRAGMA schema_version": { changes },
    });
  const made = "PRAGMA user_version = 1";
  const rows: readonly [claim: string, version: number, changes: number, log: string[]][] = [
    ["a new one gets its table", 0, 0, ["BEGIN IMMEDIATE", "CREATE TABLE session (", made, "COMMIT"]],
    ["one of this version is used as it is", 1, 3, ["BEGIN IMMEDIATE", made, "COMMIT"]],
    ["one that another process has just made too", 1, 0, ["BEGIN IMMEDIATE", made, "COMMIT"]],
  ];
  for (const [claim, version, changes, log] of rows) {
    test(claim, () => {
      const database = withVersions(version, changes);
      new SqliteStore(database);
      assert.deepEqual(database.log, [...setUp, ...log]);
    });
  }
  const others: readonly [version: unknown, changes: number][] =
    [[2, 3], [2, 0], [-1, 3], [0, 1], [undefined, 0]];
  for (const [version, changes] of others) {
    test(`one of version ${version}, changed ${changes} times, is refused and left as it is`, () => {
      const database = withVersions(version, changes);
      const message = `Cannot use database of version ${version}: give sessions a file of their own`;
      assert.throws(() => new SqliteStore(database), { message });
      assert.deepEqual(database.log, setUp.slice(0, 1));
    });
  }
  test("one that a later version takes over at the same moment is left as it is", () => {
    const database = withVersions(1, 3);
    const answers = [1, 2];
    const prepare: SqliteDatabase["prepare"] = (sql) => ({
      ...database.prepare(sql),
      get: () => (sql === "PRAGMA user_version" ? { version: answers.shift() } : { changes: 3 }),
    });
    const message = "Cannot use database of version 2: give sessions a file of their own";
    assert.throws(() => new SqliteStore({ exec: database.exec, prepare }), { message });
    assert.deepEqual(database.log, [...setUp, "BEGIN IMMEDIATE", "ROLLBACK"]);
  });
});

type Ask = (store: SqliteStore) => unknown;
const create: Ask = (store) => store.create(key, record);
const createOwnerless: Ask = (store) => store.create(key, { ...record, owner: undefined });
const createRotated: Ask = (store) => store.create(key, { ...record, lastSeenAt: now + 1 });
const read: Ask = (store) => store.read(key);
const update: Ask = (store) => store.update(key, changes);
const remove: Ask = (store) => store.delete(key);
const list: Ask = (store) => store.listByOwner("ada");
const clear: Ask = (store) => store.deleteByOwner("ada");
const clearBut: Ask = (store) => store.deleteByOwner("ada", key);

describe("each method answers from the database, and changes it in one transaction", () => {
  const begin = "BEGIN IMMEDIATE";
  const prune = ["DELETE", now, key, now];
  const insert: unknown[] = ["INSERT", key, "ada", row.data, now, now, now + hour];
  const corrupt = { ...record, data: new Map(), createdAt: NaN };
  const rows: readonly [claim: string, ask: Ask, answers: Answers, unknown, unknown[]][] = [
    ["create", create, { INSERT: 1 }, true,
      [begin, prune, insert, ["DELETE", now, "ada", now, 20], "COMMIT"]],
    ["create without an owner", createOwnerless, { INSERT: 1n }, true,
      [begin, prune, insert.with(2, ""), "COMMIT"]],
    ["create for a rotation, which ends nobody's session", createRotated, { INSERT: 1 }, true,
      [begin, prune, insert.with(5, now + 1), "COMMIT"]],
    ["create of a key that is taken", create, { INSERT: 0 }, false,
      [begin, prune, insert, "COMMIT"]],
    ["read", read, { "SELECT owner": row }, record, []],
    ["read without an owner", read, { "SELECT owner": { ...row, owner: null } },
      { ...record, owner: undefined }, []],
    ["read of an absent session", read, {}, undefined, []],
    ["read of data that are no JSON", read, { "SELECT owner": { ...row, data: "[[" } },
      corrupt, []],
    ["read of data that are no entries", read, { "SELECT owner": { ...row, data: "[1]" } },
      corrupt, []],
    ["update", update, { "SELECT owner": row }, true,
      [begin, ["UPDATE", '[["name","x"]]', 3, 4, key], "COMMIT"]],
    ["update of an absent session", update, {}, false, [begin, "COMMIT"]],
    ["delete", remove, { "DELETE FROM session WHERE key": 1 }, true, [["DELETE", key, now]]],
    ["delete of an absent session", remove, {}, false, [["DELETE", key, now]]],
    ["listByOwner", list, { "SELECT owner": [{ ...row, key }] }, [{ key, ...record }], []],
    ["deleteByOwner", clear, { "DELETE FROM session\n": 3n }, 3, [["DELETE", "ada", "", now]]],
    ["deleteByOwner but for one", clearBut, {}, 0, [["DELETE", "ada", key, now]]],
  ];
  for (const [claim, ask, answers, answer, done] of rows) {
    test(claim, () => {
      const trial = storeOn(answers);
      assert.deepEqual(ask(trial.store), answer);
      assert.deepEqual(trial.done(), done);
    });
  }
  test("an owner may have as many sessions as was said", () => {
    const trial = storeOn({ INSERT: 1 }, { maxSessionsPerOwner: 2 });
    create(trial.store);
    assert.deepEqual(trial.done()[3], ["DELETE", now, "ada", now, 2]);
  });
  for (const name of ["maxSessionsPerOwner", "maxSessionSize"]) {
    for (const limit of [0, -1, 1.5, NaN, Infinity]) {
      test(`${name} cannot be ${limit}`, () => {
        const message = `Cannot make SqliteStore: ${name} is ${limit}, not a number from 1 on`;
        const make = () => new SqliteStore(scripted(), { [name]: limit });
        assert.throws(make, { name: "RangeError", message });
      });
    }
  }
  test("without a clock it is the time of day that counts", () => {
    const database = scripted();
    const before = Date.now();
    new SqliteStore(database).delete(key);
    const asked = database.log.flat().at(-1);
    assert.equal(typeof asked === "number" && asked >= before && asked <= Date.now(), true);
  });
});

describe("a fault throws, and nothing of the change is kept", () => {
  const answers = { INSERT: 1, "SELECT owner": row };
  const rows: readonly [claim: string, ask: Ask, failing: RegExp, last: unknown][] = [
    ["a lock that is not given", create, /^BEGIN/, "BEGIN IMMEDIATE"],
    ["a create that fails", create, /^INSERT/, "ROLLBACK"],
    ["an update that fails", update, /^UPDATE/, "ROLLBACK"],
    ["a commit that fails", update, /^COMMIT/, "ROLLBACK"],
    ["a read that fails", read, /^SELECT/, "COMMIT"],
    ["a delete that fails", remove, /^DELETE/, ["DELETE", key, now]],
    ["a list that fails", list, /^SELECT/, "COMMIT"],
    ["a deleteByOwner that fails", clear, /^DELETE/, ["DELETE", "ada", "", now]],
  ];
  for (const [claim, ask, failing, last] of rows) {
    test(claim, () => {
      const { store, database } = storeOn(answers);
      database.failing = failing;
      assert.throws(() => ask(store), { message: /^Cannot run/ });
      assert.deepEqual(database.log.at(-1), last);
    });
  }
  test("what SQLite has rolled back by itself is told by its own error", () => {
    const { store, database } = storeOn(answers);
    database.failing = /^INSERT|^ROLLBACK/;
    assert.throws(() => create(store), { message: /^Cannot run INSERT/ });
  });
  test("an update of data that cannot be read leaves them as they are", () => {
    const { store, database } = storeOn({ "SELECT owner": { ...row, data: "[[" } });
    assert.throws(() => update(store), SyntaxError);
    assert.equal(database.log.at(-1), "ROLLBACK");
  });
});

describe("a session is as large as was said, and not a character larger", () => {
  const error = { name: "SessionTooLargeError", message: /6 characters are more than 5/ };
  const sized = (value: string): SessionRecord => ({ ...record, data: new Map([["cart", value]]) });
  test("create", () => {
    const { store, done } = storeOn({ INSERT: 1 }, { maxSessionSize: 5 });
    assert.throws(() => store.create(key, sized("12")), error);
    assert.deepEqual(done(), []);
    assert.equal(store.create(key, sized("1")), true);
  });
  test("update counts what was there", () => {
    const { store, database } = storeOn({ "SELECT owner": row }, { maxSessionSize: 5 });
    const setting = (name: string) =>
      store.update(key, { ...changes, data: new Map([[name, ""]]) });
    assert.throws(() => setting("x"), error);
    assert.equal(database.log.at(-1), "ROLLBACK");
    assert.equal(setting(""), true);
  });
  test("4,096 characters, unless something else was said", () => {
    const { store } = storeOn({ INSERT: 1 });
    assert.equal(store.create(key, sized("x".repeat(4092))), true);
    assert.throws(() => store.create(key, sized("x".repeat(4093))), { name: error.name });
  });
});
