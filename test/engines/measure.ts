// What a session costs in Redis and in SQLite: bytes, and operations a second. Run: npm run measure

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { hashSessionId } from "../../src/session-id.ts";
import type { SessionRecord, SessionStore } from "../../src/session-store.ts";
import { RedisStore } from "../../src/stores/redis-store.ts";
import type { SendCommand } from "../../src/stores/redis-store.ts";
import { SqliteStore } from "../../src/stores/sqlite-store.ts";
import { clients, startRedis } from "./redis-server.ts";

const hour = 3_600_000;
const count = 5000;
const keys = Array.from({ length: count }, (_, index) => hashSessionId(`${index}`));

/** A logged-in session as the login application stores it: a user name, and as many bytes more. */
function recordOf(index: number, bytes: number): SessionRecord {
  const now = Date.now();
  const owner = `user-${String(index).padStart(7, "0")}`;
  const data = new Map([["user", owner]]);
  if (bytes > 0) data.set("cart", "x".repeat(bytes));
  return { owner, data, createdAt: now, lastSeenAt: now, expiresAt: now + hour / 2 };
}

async function rate(name: string, work: (index: number) => unknown, width: number): Promise<void> {
  const start = performance.now();
  for (let index = 0; index < count; index += width) {
    await Promise.all(keys.slice(index, index + width).map((_, at) => work(index + at)));
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`${name}: ${Math.round(count / seconds)} a second, ${width} at once`);
}

async function rates(name: string, store: SessionStore, width: number): Promise<void> {
  const key = (index: number) => keys[index % count] ?? hashSessionId("");
  const changes = { ...recordOf(0, 0), data: new Map([["cart", "[]"]]) };
  await rate(`${name} create`, (index) => store.create(key(index), recordOf(index, 0)), width);
  await rate(`${name} read`, (index) => store.read(key(index)), width);
  await rate(`${name} update`, (index) => store.update(key(index), changes), width);
  await rate(`${name} delete`, (index) => store.delete(key(index)), width);
}

const server = await startRedis();
for (const [name, connect] of Object.entries(clients)) {
  const { send, close } = await connect(server.port);
  for (const width of [1, 50]) await rates(`Redis through ${name}`, new RedisStore(send), width);
  if (name === "redis") {
    for (const bytes of [0, 48, 200, 1000]) {
      await send("FLUSHALL");
      const used = async () => {
        const memory = String(await send("INFO", "memory"));
        return Number(/used_memory:(\d+)/.exec(memory)?.[1]);
      };
      const before = await used();
      const store = new RedisStore(send);
      for (const [index, key] of keys.entries()) await store.create(key, recordOf(index, bytes));
      const all = Math.round(((await used()) - before) / count);
      // Of all fields: from the first five, Redis guesses the rest.
      const every = ["SAMPLES", "0"];
      const session = await send("MEMORY", "USAGE", `plinth:session:${keys[7]}`, ...every);
      const list = await send("MEMORY", "USAGE", "plinth:owner:user-0000007");
      const file = `session ${session} + list ${list} bytes by MEMORY USAGE, ${all} by used_memory`;
      console.log(`Redis, a user name and ${bytes} bytes more: ${file}`);
    }
    const commands: readonly Parameters<SendCommand>[] = [["PING"], ["HGETALL", "none"]];
    for (const command of commands) {
      await rate(`Redis through ${name}, bare ${command[0]}`, () => send(...command), 50);
    }
    await send("CONFIG", "RESETSTAT");
    await rates("(again)", new RedisStore(send), 50);
    console.log(String(await send("INFO", "commandstats")).match(/cmdstat_eval:[^\r]*/)?.[0]);
  }
  close();
}
await server.stop();

const directory = await mkdtemp(join(tmpdir(), "plinth-measure-"));
for (const synchronous of ["FULL", "NORMAL"]) {
  const path = join(directory, `${synchronous}.db`);
  const database = new DatabaseSync(path);
  const store = new SqliteStore(database);
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  await rates(`SQLite ${synchronous}`, store, 1);
  for (const [index, key] of keys.entries()) store.create(key, recordOf(index, 0));
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  console.log(`SQLite: ${Math.round((await stat(path)).size / count)} bytes a session`);
  database.close();
}
await rm(directory, { recursive: true });
