// What RedisStore does when a real redis-server fails, refuses, or holds what no session is.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { CheckedStore } from "../../src/checked-store.ts";
import { hashSessionId } from "../../src/session-id.ts";
import type { SessionRecord, SessionStore } from "../../src/session-store.ts";
import { RedisStore } from "../../src/stores/redis-store.ts";
import type { SendCommand } from "../../src/stores/redis-store.ts";
import { clients, startRedis } from "./redis-server.ts";
import type { Connection, RedisServer } from "./redis-server.ts";

const hour = 3_600_000;
const [first, second, third] = [hashSessionId("1"), hashSessionId("2"), hashSessionId("3")];
const data = new Map([["cart", "1"]]);
const times = { lastSeenAt: Date.now(), expiresAt: Date.now() + hour };
const record: SessionRecord = { owner: "ada", data, createdAt: Date.now(), ...times };

type Asked = SessionStore | CheckedStore;
type Asks = readonly (readonly [name: string, ask: (store: Asked) => unknown])[];
const reads: Asks = [
  ["read", (store) => store.read(first)],
  ["listByOwner", (store) => store.listByOwner("ada")],
];
const writes: Asks = [
  ["create", (store) => store.create(third, record)],
  ["create for nobody", (store) => store.create(third, { ...record, owner: undefined })],
  ["update", (store) => store.update(first, { data: new Map([["cart", "2"]]), ...times })],
];
const removals: Asks = [
  ["delete", (store) => store.delete(first)],
  ["deleteByOwner", (store) => store.deleteByOwner("ada", undefined)],
];

async function assertRejected(store: Asked, asks: Asks, error: RegExp): Promise<void> {
  for (const [name, ask] of asks) await assert.rejects(async () => ask(store), error, name);
}

for (const [name, connect] of Object.entries(clients)) {
  describe(`RedisStore through ${name}`, () => {
    /** A server with two sessions, and a connection that the test may use up. */
    async function withServer(
      use: (server: RedisServer, store: RedisStore, connection: Connection) => Promise<void>,
      ...options: string[]
    ): Promise<void> {
      const server = await startRedis(...options);
      const connection = await connect(server.port);
      const store = new RedisStore(connection.send);
      try {
        for (const key of [first, second]) await store.create(key, record);
        await use(server, store, connection);
      } finally {
        connection.close();
        await server.stop();
      }
    }

    test("a full Redis (-OOM) refuses writes, and still answers, ends and clears", () =>
      withServer(async (_, store, { send }) => {
        await send("CONFIG", "SET", "maxmemory", "1");
        await assertRejected(store, writes, /OOM/);
        assert.deepEqual(await store.read(first), record);
        assert.equal(await store.read(third), undefined);
        assert.equal((await store.listByOwner("ada")).length, 2);
        assert.equal(await store.delete(first), true);
        assert.equal(await store.deleteByOwner("ada"), 1);
      }));

    test("a replica (-READONLY) refuses every change, and still answers", () =>
      withServer(async ({ port }, store, { send }) => {
        await send("REPLICAOF", "127.0.0.1", String(port));
        await assertRejected(store, [...writes, ...removals], /READONLY/);
        assert.deepEqual(await store.read(first), record);
        assert.equal((await store.listByOwner("ada")).length, 2);
      }));

    test("a replica that has lost its primary (-MASTERDOWN) is a fault, and nothing is corrupt", () =>
      withServer(async ({ port }, store, { send }) => {
        await send("CONFIG", "SET", "replica-serve-stale-data", "no");
        await send("REPLICAOF", "127.0.0.1", String(port));
        await assertRejected(store, [...reads, ...writes, ...removals], /MASTERDOWN|stale/);
        await send("REPLICAOF", "NO", "ONE");
        assert.deepEqual(await store.read(first), record);
        assert.equal((await store.listByOwner("ada")).length, 2);
      }));

    test("a primary without its replica (-NOREPLICAS) refuses every change, and still answers", () =>
      withServer(async (_, store, { send }) => {
        await send("CONFIG", "SET", "min-replicas-to-write", "1");
        await assertRejected(store, [...writes, ...removals], /NOREPLICAS/);
        assert.deepEqual(await store.read(first), record);
        assert.equal((await store.listByOwner("ada")).length, 2);
      }));

    test("a user who may not use a command is a fault, and no session is lost by it", () =>
      withServer(async ({ port }, store, { send }) => {
        const guest = await connect(port);
        after(guest.close);
        const asks = { hgetall: reads, hget: removals, type: removals, zrange: reads.slice(1) };
        for (const [command, denied] of Object.entries(asks)) {
          const rights = ["resetkeys", "~*", "+@all", `-${command}`];
          await send("ACL", "SETUSER", "guest", "on", ">secret", ...rights);
          await guest.send("AUTH", "guest", "secret");
          const checked = new CheckedStore(new RedisStore(guest.send), 5000, () => assert.fail());
          await assertRejected(checked, denied, /can't run|NOPERM/);
          assert.equal((await store.listByOwner("ada")).length, 2);
        }
      }));

    test("a Redis that wants a password (-NOAUTH) is a fault", () =>
      withServer(async ({ port }, _, { send }) => {
        const stranger = await connect(port);
        after(stranger.close);
        await send("CONFIG", "SET", "requirepass", "secret");
        await stranger.send("RESET");
        const strange = new RedisStore(stranger.send);
        await assertRejected(strange, [...reads, ...removals], /NOAUTH/);
        // More than ten arguments from a stranger are refused before they are read.
        await assertRejected(strange, writes, /unauthenticated|closed|destroyed/i);
      }));

    test("a Redis that is still loading (-LOADING) is a fault, and then has every session", () =>
      withServer(async ({ port }, store, { send }) => {
        const loader = await connect(port);
        after(loader.close);
        await send("DEBUG", "POPULATE", "4000", "filler", "200");
        await send("CONFIG", "SET", "key-load-delay", "200");
        const loaded = loader.send("DEBUG", "RELOAD");
        const answer = await untilLoading(send);
        assert.match(answer, /LOADING/);
        await assertRejected(store, [...reads, ...writes, ...removals], /LOADING/);
        await loaded;
        assert.deepEqual(await store.read(first), record);
      }, "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"));

    test("a Redis that is killed is a fault; its append-only file brings back every session", () =>
      withServer(async (server, store) => {
        await server.kill("SIGKILL");
        await assertRejected(store, [...reads, ...writes, ...removals], /./);
        await server.restart();
        const again = await connect(server.port);
        after(again.close);
        const sameStore = new RedisStore(again.send);
        assert.deepEqual(await sameStore.read(first), record);
        assert.equal((await sameStore.listByOwner("ada")).length, 2);
      }, "--appendonly", "yes", "--appendfsync", "always"));

    test("a Redis that is frozen is a fault in limited time, and goes on when it thaws", () =>
      withServer(async (server, store) => {
        const checked = new CheckedStore(store, 100, () => {});
        await server.kill("SIGSTOP");
        await assert.rejects(async () => checked.read(first), { name: "SessionStoreError" });
        await server.kill("SIGCONT");
        assert.deepEqual(await store.read(first), record);
      }));

    test("what is no session is corrupt, counts for nobody, and is removed", () =>
      withServer(async (_, store, { send }) => {
        let reports = 0;
        const checked = new CheckedStore(store, 5000, () => reports++);
        const broken: readonly Parameters<SendCommand>[] = [
          ["SET", `plinth:session:${third}`, "text"],
          ["HSET", `plinth:session:${third}`, "data:cart", "1"],
          ["HSET", `plinth:session:${third}`, "owner", "ada", "expiresAt", "soon"],
          ["SADD", `plinth:session:${third}`, "member"],
        ];
        for (const command of broken) {
          await send("DEL", `plinth:session:${third}`);
          await send(...command);
          await send("ZADD", "plinth:owner:ada", "1", third);
          const keys = (await checked.listByOwner("ada")).map((session) => session.key);
          assert.deepEqual(keys.toSorted(), [first, second].toSorted());
          await send("DEL", `plinth:session:${third}`);
          await send(...command);
          assert.equal(await checked.read(third), undefined);
          assert.equal(await send("EXISTS", `plinth:session:${third}`), 0);
        }
        assert.equal(reports, broken.length);
      }));

    test("what is no list is a fault, and no session is lost by it", () =>
      withServer(async (_, store, { send }) => {
        await send("SET", "plinth:owner:ada", "text");
        const asks: Asks = [...writes.slice(0, 1), ...reads.slice(1), ...removals];
        await assertRejected(store, asks, /WRONGTYPE/);
        assert.deepEqual(await store.read(second), record);
      }));
  });
}

async function untilLoading(send: Connection["send"]): Promise<string> {
  for (let tries = 0; tries < 100_000; tries++) {
    try {
      await send("PING");
    } catch (error) {
      return String(error);
    }
  }
  return "never loading";
}
