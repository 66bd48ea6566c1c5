// The order that RedisStore promises between a session and its owner's list, on a real redis-server;
// its limits, its ends, and how many commands it takes.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { hashSessionId } from "../../src/session-id.ts";
import type { SessionKey, SessionRecord } from "../../src/session-store.ts";
import { RedisStore } from "../../src/stores/redis-store.ts";
import type { RedisStoreOptions, SendCommand } from "../../src/stores/redis-store.ts";
import { gate } from "../gate.ts";
import { seededRandom, seedFromEnvironment } from "../seeded-random.ts";
import { clients, startRedis } from "./redis-server.ts";

const hour = 3_600_000;
const server = await startRedis();
const [one, other] = [await clients.redis(server.port), await clients.ioredis(server.port)];
const connections = [one, other, one, other];
const { send } = one;
after(async () => {
  for (const { close } of connections) close();
  await server.stop();
});

let names = 0;
/** An owner that no other test has. */
const newOwner = (): string => `owner-${++names}`;
const newKey = (): SessionKey => hashSessionId(`session-${++names}`);

function recordOf(owner: string | undefined, but: Partial<SessionRecord> = {}): SessionRecord {
  const now = Date.now();
  const { createdAt = now } = but;
  return { owner, data: new Map(), createdAt, lastSeenAt: createdAt, expiresAt: now + hour, ...but };
}

function storeOn(through: SendCommand = send, options: RedisStoreOptions = {}) {
  return new RedisStore(through, options);
}

/** Lets commands pass until the one at this place, counted from 0, which waits at the gate. */
function stoppingAt(place: number) {
  const { reached, pass, open } = gate();
  let count = 0;
  const through: SendCommand = async (...args) => {
    if (count++ === place) await pass();
    return send(...args);
  };
  return { store: storeOn(through), reached, open };
}

async function keysOf(owner: string): Promise<SessionKey[]> {
  return (await storeOn(other.send).listByOwner(owner)).map((session) => session.key);
}

describe("everything ends, and a list never before its sessions", () => {
  const endOf = async (name: string) => Number(await send("PEXPIRETIME", `plinth:${name}`));
  test("Redis drops a session at its end, and not a millisecond later", async () => {
    const [owner, key] = [newOwner(), newKey()];
    const record = recordOf(owner);
    await storeOn().create(key, record);
    // Redis shows a key until the millisecond of its end is over.
    assert.equal(await endOf(`session:${key}`), record.expiresAt - 1);
    await storeOn().update(key, { ...record, expiresAt: record.expiresAt + 5.5 });
    assert.equal(await endOf(`session:${key}`), record.expiresAt + 5);
  });
  test("a list ends within the hour after its last session, whichever that is", async () => {
    const [owner, record] = [newOwner(), recordOf(undefined)];
    const full = Math.ceil(record.expiresAt / hour) * hour;
    const ends = [[full - 1, full], [full + 2 * hour, full + 3 * hour], [full, full + 3 * hour]];
    for (const [expiresAt = 0, end] of ends) {
      await storeOn().create(newKey(), { ...record, owner, expiresAt });
      assert.equal(await endOf(`owner:${owner}`), end);
    }
  });
  test("at no moment of an update does a session outlive its list", async () => {
    for (const place of [0, 1, 2]) {
      const [owner, key] = [newOwner(), newKey()];
      const record = recordOf(owner);
      await storeOn().create(key, record);
      const { store, reached, open } = stoppingAt(place);
      const updating = store.update(key, { ...record, expiresAt: record.expiresAt + 3 * hour });
      await reached;
      assert.equal((await endOf(`owner:${owner}`)) > (await endOf(`session:${key}`)), true);
      open();
      assert.equal(await updating, true);
      assert.equal((await endOf(`owner:${owner}`)) > record.expiresAt + 3 * hour, true);
    }
  });
  test("a session that is deleted while it is listed anew stays dead and unlisted", async () => {
    for (const place of [1, 2]) {
      const [owner, key] = [newOwner(), newKey()];
      await storeOn().create(key, recordOf(owner));
      const { store, reached, open } = stoppingAt(place);
      const updating = store.update(key, recordOf(owner, { expiresAt: Date.now() + 5 * hour }));
      await reached;
      await storeOn(other.send).delete(key);
      open();
      assert.equal(await updating, false);
      assert.equal(await storeOn().read(key), undefined);
      assert.deepEqual(await keysOf(owner), []);
      assert.equal(await send("EXISTS", `plinth:owner:${owner}`), 0);
    }
  });
  test("a list that a failover lost has its sessions again within the hour", async () => {
    const [owner, key] = [newOwner(), newKey()];
    const record = recordOf(owner, { createdAt: Date.now() - hour });
    await storeOn().create(key, record);
    await send("DEL", `plinth:owner:${owner}`);
    const later = { ...record, expiresAt: record.expiresAt + hour };
    assert.equal(await storeOn().update(key, later), true);
    assert.deepEqual(await storeOn().listByOwner(owner), [{ key, ...later }]);
  });
});

describe("revoke-all and a login that overlap", () => {
  test("a login that is not listed yet lives on, and is listed", async () => {
    const [owner, before, key] = [newOwner(), newKey(), newKey()];
    await storeOn().create(before, recordOf(owner));
    const { store, reached, open } = stoppingAt(1);
    const creating = store.create(key, recordOf(owner));
    await reached;
    assert.equal(await storeOn(other.send).deleteByOwner(owner), 1);
    open();
    assert.equal(await creating, true);
    assert.deepEqual(await keysOf(owner), [key]);
  });
  test("a login after the list was read lives on, and is listed", async () => {
    for (const place of [1, 2, 3]) {
      const [owner, key] = [newOwner(), newKey()];
      for (const old of [newKey(), newKey()]) await storeOn().create(old, recordOf(owner));
      const { store, reached, open } = stoppingAt(place);
      const deleting = store.deleteByOwner(owner);
      await reached;
      await storeOn(other.send).create(key, recordOf(owner));
      open();
      assert.equal(await deleting, 2);
      assert.equal(await send("ZCARD", `plinth:owner:${owner}`), 1);
      assert.deepEqual(await keysOf(owner), [key]);
    }
  });
  test("a session that gets a new id after the list was read is ended", async () => {
    for (const place of [0, 1, 2]) {
      const [owner, old, rotated] = [newOwner(), newKey(), newKey()];
      const record = recordOf(owner);
      await storeOn().create(old, record);
      const { store, reached, open } = stoppingAt(place);
      const deleting = store.deleteByOwner(owner);
      await reached;
      await storeOn(other.send).create(rotated, { ...record, lastSeenAt: record.createdAt + 1 });
      const wasThere = await storeOn(other.send).delete(old);
      open();
      await deleting;
      // Where the old one was ended first, the rotation fails, and takes the new one back.
      if (wasThere) assert.deepEqual(await keysOf(owner), [], `stopped at ${place}`);
    }
  });
  test("a process that dies between two commands leaves nothing that can be used", async () => {
    const [owner, lost, kept] = [newOwner(), newKey(), newKey()];
    const dyingAt = (place: number) => {
      let count = 0;
      return storeOn(async (...args) => {
        if (count++ >= place) throw new Error("killed");
        return send(...args);
      });
    };
    // Its id was given to nobody, and Redis drops it at its end.
    await assert.rejects(dyingAt(1).create(lost, recordOf(owner)), /killed/);
    assert.deepEqual(await keysOf(owner), []);
    assert.equal(Number(await send("PTTL", `plinth:session:${lost}`)) > 0, true);

    await storeOn().create(kept, recordOf(owner));
    await assert.rejects(dyingAt(1).delete(kept), /killed/);
    assert.equal(await storeOn().read(kept), undefined);
    assert.equal(await send("ZCARD", `plinth:owner:${owner}`), 1);
    assert.deepEqual(await keysOf(owner), []);
    assert.equal(await send("ZCARD", `plinth:owner:${owner}`), 0);
  });
  test("whatever overlaps, what lives is listed and what was ended is dead", async (t) => {
    const { seed, below, pick } = seededRandom(seedFromEnvironment());
    t.diagnostic(`SEED=${seed}`);
    const owners = [newOwner(), newOwner(), newOwner()] as const;
    const created: SessionKey[] = [];
    const ended = new Set<SessionKey>();
    const steps = [
      async (store: RedisStore) => {
        const key = newKey();
        await store.create(key, recordOf(pick(owners)));
        created.push(key);
      },
      async (store: RedisStore) => {
        const key = created[below(created.length + 1)];
        const expiresAt = Date.now() + below(6 * hour) + 60_000;
        if (key !== undefined) await store.update(key, recordOf(undefined, { expiresAt }));
      },
      async (store: RedisStore) => {
        const key = created[below(created.length + 1)];
        if (key === undefined) return;
        await store.delete(key);
        ended.add(key);
      },
      async (store: RedisStore) => {
        const owner = pick(owners);
        const before = (await store.listByOwner(owner)).map((session) => session.key);
        if (below(40) > 0) return;
        await store.deleteByOwner(owner);
        for (const key of before) ended.add(key);
      },
    ] as const;
    const worker = async (through: SendCommand) => {
      for (let step = 0; step < 300; step++) await pick(steps)(storeOn(through));
    };
    await Promise.all(connections.map((connection) => worker(connection.send)));

    const listed = new Set((await Promise.all(owners.map(keysOf))).flat());
    const read = await Promise.all(created.map((key) => storeOn().read(key)));
    const live = created.filter((_, index) => read[index] !== undefined);
    t.diagnostic(`${created.length} created, ${ended.size} ended, ${live.length} live`);
    assert.equal(live.length > 0 && ended.size > 50, true);
    assert.deepEqual(live.filter((key) => !listed.has(key)), []);
    assert.deepEqual(live.filter((key) => ended.has(key)), []);
  });
});

describe("the limits", () => {
  test("an owner has 20 sessions; with the 21st the oldest ends", async () => {
    const [owner, now] = [newOwner(), Date.now()];
    const keys = Array.from({ length: 22 }, newKey);
    for (const [age, key] of keys.entries()) {
      await storeOn().create(key, recordOf(owner, { createdAt: now + age }));
    }
    assert.deepEqual(await keysOf(owner), keys.slice(2));
    assert.equal(await storeOn().read(keys[1] ?? newKey()), undefined);
  });
  test("a rotation is not one more: it ends none of the owner's other sessions", async () => {
    const [owner, now] = [newOwner(), Date.now()];
    const keys = Array.from({ length: 20 }, newKey);
    for (const [age, key] of keys.entries()) {
      await storeOn().create(key, recordOf(owner, { createdAt: now - 20 + age }));
    }
    const rotated = newKey();
    // As old as the one that it replaces.
    await storeOn().create(rotated, recordOf(owner, { createdAt: now - 1, lastSeenAt: now }));
    assert.equal(await storeOn().delete(keys[19] ?? rotated), true);
    assert.deepEqual(await keysOf(owner), [...keys.slice(0, 19), rotated]);
  });
  test("a login that seems to be the oldest, as clocks differ, does not end itself", async () => {
    const [owner, now, key] = [newOwner(), Date.now(), newKey()];
    const store = storeOn(send, { maxSessionsPerOwner: 1 });
    await store.create(newKey(), recordOf(owner));
    await store.create(key, recordOf(owner, { createdAt: now - 1000 }));
    assert.deepEqual((await keysOf(owner))[0], key);
  });
  test("a list of any length is ended whole", async () => {
    const owner = newOwner();
    const stale = Array.from({ length: 9000 }, () => ["0", newKey()]).flat();
    await send("ZADD", `plinth:owner:${owner}`, ...stale);
    await storeOn().create(newKey(), recordOf(owner));
    assert.equal(await storeOn().deleteByOwner(owner), 1);
    assert.equal(await send("EXISTS", `plinth:owner:${owner}`), 0);
  });
  test("logins at the same time end only what is older; the next one leaves 20", async () => {
    const [owner, now] = [newOwner(), Date.now()];
    const create = (index: number) => {
      const store = storeOn(connections[index % 4]?.send);
      return store.create(newKey(), recordOf(owner, { createdAt: now + (index >> 2) }));
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => create(index)));
    assert.equal((await keysOf(owner)).length >= 20, true);
    await create(60);
    assert.equal((await keysOf(owner)).length, 20);
  });
  test("a session as large as allowed, in bytes, and one that is larger", async () => {
    const tooLarge = { name: "SessionTooLargeError" };
    const store = storeOn(send, { maxSessionSize: 8 });
    const of = (value: string) => recordOf(undefined, { data: new Map([["cart", value]]) });
    assert.equal(await store.create(newKey(), of("é--")), true);
    await assert.rejects(store.create(newKey(), of("é---")), tooLarge);
    const updated = newKey();
    await store.create(updated, of("1234"));
    const more = { ...of(""), data: new Map([["x", ""]]) };
    await assert.rejects(store.update(updated, more), tooLarge);
    const changes = { ...of(""), data: new Map([["cart", undefined], ["12345678", ""]]) };
    assert.equal(await store.update(updated, changes), true);
    assert.deepEqual((await store.read(updated))?.data, new Map([["12345678", ""]]));
  });
});

test("the number of commands is fixed", async () => {
  let count = 0;
  const counting = storeOn((...args) => (count++, send(...args)));
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    count = 0;
    await work();
    return count;
  };
  const [owner, key, nobodys] = [newOwner(), newKey(), newKey()];
  const record = recordOf(owner);
  const later = { ...record, expiresAt: record.expiresAt + hour };
  assert.deepEqual(
    {
      "log in": await cost(() => counting.create(key, record)),
      "start without an owner": await cost(() => counting.create(nobodys, recordOf(undefined))),
      "look at a session": await cost(() => counting.read(key)),
      "change or prolong it": await cost(() => counting.update(key, record)),
      "prolong it into a later hour": await cost(() => counting.update(key, later)),
      "prolong one without an owner": await cost(() => counting.update(nobodys, later)),
      "list one session": await cost(() => counting.listByOwner(owner)),
      "log out": await cost(() => counting.delete(key)),
      "end a session without an owner": await cost(() => counting.delete(nobodys)),
      "log out twice": await cost(() => counting.delete(key)),
    },
    {
      "log in": 2,
      "start without an owner": 1,
      "look at a session": 1,
      "change or prolong it": 1,
      "prolong it into a later hour": 3,
      "prolong one without an owner": 1,
      "list one session": 2,
      "log out": 2,
      "end a session without an owner": 1,
      "log out twice": 1,
    },
  );
});
