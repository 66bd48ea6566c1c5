// What SqliteStore promises on real files: against crashes, other processes, full disks, other
// versions and broken rows.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import BetterSqlite from "better-sqlite3";
import { CheckedStore } from "../../src/checked-store.ts";
import { hashSessionId } from "../../src/session-id.ts";
import type { SessionRecord } from "../../src/session-store.ts";
import { SqliteStore } from "../../src/stores/sqlite-store.ts";
import { fakeClock } from "../fake-clock.ts";

const directory = await mkdtemp(join(tmpdir(), "plinth-sqlite-"));
after(() => rm(directory, { recursive: true }));
let files = 0;
const newPath = (): string => join(directory, `${++files}.db`);

const hour = 3_600_000;
const key = hashSessionId("a");
const now = Date.now();
const times = { createdAt: now, lastSeenAt: now, expiresAt: now + hour };
const record: SessionRecord = { owner: "ada", data: new Map([["cart", "1"]]), ...times };

const modules = {
  "node:sqlite": (path: string) => new DatabaseSync(path),
  "better-sqlite3": (path: string) => new BetterSqlite(path),
};

const writer = new URL("./sqlite-writer.ts", import.meta.url).pathname;
function write(module: string, path: string, name: string, count?: number) {
  const args = [writer, module, path, name, ...(count === undefined ? [] : [String(count)])];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

for (const [module, open] of Object.entries(modules)) {
  describe(`SqliteStore on ${module}`, () => {
    test("kill -9 while writing loses nothing that was answered", async () => {
      for (const enough of [1, 57, 200]) {
        const path = newPath();
        const process = write(module, path, "p");
        let last = -1;
        for await (const line of createInterface(process.stdout)) {
          last = Number(line);
          if (last === enough) process.kill("SIGKILL");
        }
        assert.equal(last >= enough, true);
        const database = open(path);
        const check = Object(database.prepare("PRAGMA integrity_check").get());
        assert.equal(check.integrity_check, "ok");
        const store = new SqliteStore(database);
        // The last three are not deleted yet; the step after the last may have been half done.
        for (const index of [last - 1, last]) {
          const session = store.read(hashSessionId(`p-${index}`));
          assert.equal(session?.data.get("id"), `p-${index}`);
        }
        for (let index = 0; index <= last - 3; index++) {
          assert.equal(store.read(hashSessionId(`p-${index}`)), undefined);
        }
        const shared = store.read(hashSessionId("shared"));
        for (let index = Math.max(0, last - 38); index <= last; index++) {
          assert.equal(shared?.data.get(`p-${index}`), "kept");
        }
        assert.equal(store.create(key, record), true);
        database.close();
      }
    });

    test("processes that start together on one new file lose none of their updates", async () => {
      const path = newPath();
      const writers = ["a", "b", "c", "d"].map((name) => write(module, path, name, 25));
      const codes = writers.map(async (process) => {
        process.stdout.resume();
        return (await once(process, "exit"))[0];
      });
      assert.deepEqual(await Promise.all(codes), [0, 0, 0, 0]);
      const store = new SqliteStore(open(path));
      assert.equal(store.read(hashSessionId("shared"))?.data.size, 100);
    });

    test("sessions outlive the process, and a second store sees them at once", () => {
      const path = newPath();
      const [one, two] = [new SqliteStore(open(path)), new SqliteStore(open(path))];
      one.create(key, record);
      assert.deepEqual(two.read(key), record);
      two.delete(key);
      assert.equal(one.update(key, record), false);
    });

    test("a lock that another process keeps is a fault, and nothing is half done", () => {
      const path = newPath();
      const [mine, others] = [open(path), open(path)];
      const store = new SqliteStore(mine);
      mine.exec("PRAGMA busy_timeout = 50");
      store.create(key, record);
      others.exec("BEGIN IMMEDIATE");
      assert.throws(() => store.create(hashSessionId("b"), record), /locked/);
      assert.throws(() => store.update(key, record), /locked/);
      assert.throws(() => store.delete(key), /locked/);
      assert.throws(() => store.deleteByOwner("ada"), /locked/);
      assert.deepEqual(store.listByOwner("ada"), [{ key, ...record }]);
      others.exec("ROLLBACK");
      assert.equal(store.delete(key), true);
    });

    test("a full disk is a fault, and what was there stays", () => {
      const database = open(newPath());
      const store = new SqliteStore(database);
      store.create(key, record);
      database.exec("PRAGMA max_page_count = 9");
      const large = { ...record, data: new Map([["cart", "x".repeat(4000)]]) };
      assert.throws(() => {
        for (let index = 0; index < 100; index++) store.create(hashSessionId(`${index}`), large);
      }, /full/);
      assert.deepEqual(store.read(key), record);
      assert.equal(store.delete(key), true);
    });

    test("a database of a newer version is refused, and left as it is", () => {
      const path = newPath();
      const database = open(path);
      new SqliteStore(database).create(key, record);
      database.exec("PRAGMA user_version = 2");
      const message = "Cannot use database of version 2: give sessions a file of their own";
      assert.throws(() => new SqliteStore(open(path)), { message });
      database.exec("PRAGMA user_version = 1");
      assert.deepEqual(new SqliteStore(open(path)).read(key), record);
    });

    test("a database of another program is refused, and not a byte of it changes", async () => {
      for (const version of [0, 7]) {
        const path = newPath();
        const database = open(path);
        database.exec(`CREATE TABLE user (name TEXT); PRAGMA user_version = ${version}`);
        const before = await readFile(path);
        assert.throws(() => new SqliteStore(database), { message: /^Cannot use database/ });
        database.close();
        assert.deepEqual(await readFile(path), before);
      }
    });

    test("a file that can only be read is refused at once, and not at the first login", () => {
      const path = newPath();
      const database = open(path);
      new SqliteStore(database);
      database.exec("PRAGMA query_only = ON");
      assert.throws(() => new SqliteStore(database), /readonly/);
    });

    test("data that are broken are corrupt, are in no list, and are removed", async () => {
      const database = open(newPath());
      const store = new SqliteStore(database);
      let reports = 0;
      const checked = new CheckedStore(store, 1000, () => reports++);
      for (const data of ["", "x", "[[", "{}", "[1]", '[["a"]]', '[["a",1]]', "1"]) {
        store.create(key, record);
        database.prepare("UPDATE session SET data = ?").run(data);
        assert.deepEqual(await checked.listByOwner("ada"), []);
        assert.equal(await checked.read(key), undefined);
        assert.equal(store.read(key), undefined);
      }
      assert.equal(reports, 8);
    });

    test("what has expired is removed a hundred at a time, by those who log in", () => {
      const clock = fakeClock();
      const database = open(newPath());
      const store = new SqliteStore(database, { clock });
      const create = (name: string, expiresAt: number) =>
        store.create(hashSessionId(name), { ...record, owner: name, expiresAt });
      const rows = () => Object(database.prepare("SELECT count(*) AS n FROM session").get()).n;
      for (let index = 0; index < 250; index++) create(`old-${index}`, clock() + 1000);
      clock.advance(1000);
      const left = [0, 1, 2, 3].map((index) => {
        create(`new-${index}`, clock() + hour);
        return rows();
      });
      assert.deepEqual(left, [151, 52, 3, 4]);
    });

    test("a value that has not the type of its column is not taken", () => {
      const database = open(newPath());
      new SqliteStore(database).create(key, record);
      for (const column of ["created_at", "last_seen_at", "expires_at"]) {
        const change = database.prepare(`UPDATE session SET ${column} = 'soon'`);
        assert.throws(() => change.run(), /cannot store TEXT value/);
      }
    });

    test("no statement reads the whole table, nor sorts", () => {
      const database = open(newPath());
      const statements: string[] = [];
      const prepare = (sql: string) => {
        statements.push(sql);
        return database.prepare(sql);
      };
      new SqliteStore({ exec: (sql) => database.exec(sql), prepare });
      for (const sql of statements.filter((text) => !text.startsWith("PRAGMA"))) {
        const values = sql.match(/\?/g)?.map(() => 1) ?? [];
        const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
        assert.doesNotMatch(JSON.stringify(plan), /SCAN session|TEMP B-TREE/, sql);
      }
      assert.equal(statements.length, 12);
    });

    test("what has expired counts for no owner, also before it is removed", () => {
      const clock = fakeClock(now);
      const store = new SqliteStore(open(newPath()), { clock, maxSessionsPerOwner: 2 });
      const create = (name: string, createdAt: number, expiresAt: number) =>
        store.create(hashSessionId(name), { ...record, createdAt, lastSeenAt: createdAt, expiresAt });
      for (let index = 0; index < 100; index++) {
        store.create(hashSessionId(`${index}`), { ...record, owner: "eve", expiresAt: now + 1 });
      }
      create("oldest", now + 1, now + hour);
      create("expired", now + 2, now + 2);
      clock.advance(2);
      create("new", now + 3, now + hour);
      const live = store.listByOwner("ada").map((session) => session.key);
      assert.deepEqual(live, [hashSessionId("oldest"), hashSessionId("new")]);
    });

    test("a login that seems to be the oldest, as the clock was set back, does not end itself", () => {
      const store = new SqliteStore(open(newPath()), { maxSessionsPerOwner: 1 });
      store.create(hashSessionId("b"), record);
      store.create(key, { ...record, createdAt: now - hour, lastSeenAt: now - hour });
      assert.equal(store.listByOwner("ada")[0]?.key, key);
    });

    test("an owner has 20 sessions; with the 21st the oldest ends, and nobody else's", () => {
      const store = new SqliteStore(open(newPath()));
      store.create(key, { ...record, owner: "eve", createdAt: 1 });
      const keys = Array.from({ length: 22 }, (_, index) => hashSessionId(`${index}`));
      for (const [age, one] of keys.entries()) {
        store.create(one, { ...record, createdAt: now + age, lastSeenAt: now + age });
      }
      assert.deepEqual(store.listByOwner("ada").map((session) => session.key), keys.slice(2));
      assert.notEqual(store.read(key), undefined);
      // A rotation is not one more: it ends neither the oldest nor what it replaces.
      const rotated = hashSessionId("rotated");
      store.create(rotated, { ...record, createdAt: now + 21, lastSeenAt: now + hour });
      assert.equal(store.delete(keys[21] ?? key), true);
      const left = store.listByOwner("ada").map((session) => session.key);
      assert.deepEqual(left, [...keys.slice(2, 21), rotated]);
    });
  });
}
