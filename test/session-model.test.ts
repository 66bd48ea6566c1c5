// Many sessions, step by step as in a model; and wrong stores, which the model finds out.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionChanges, SessionKey } from "../src/session-store.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import type { MemoryStoreOptions } from "../src/stores/memory-store.ts";
import { fuzz, report } from "./fuzzing.ts";
import { seedFromEnvironment } from "./seeded-random.ts";
import { sessionOperations } from "./session-fuzzer.ts";
import { limits } from "./session-model.ts";

test("50,000 random steps end as in a model, session by session and list by list", async () => {
  const failure = await fuzz(sessionOperations(), seedFromEnvironment(), 250);
  if (failure !== undefined) assert.fail(report(failure));
});

/** Brings back what was ended, as a store with get and set does. */
class RevivingStore extends MemoryStore {
  override update(key: SessionKey, changes: SessionChanges): boolean {
    if (super.update(key, changes)) return true;
    const { lastSeenAt, expiresAt } = changes;
    return super.create(key, { ...nobody, createdAt: lastSeenAt, lastSeenAt, expiresAt });
  }
}

/** Forgets to count. */
class CrowdedStore extends MemoryStore {
  constructor(options: MemoryStoreOptions) {
    super({ ...options, maxSessionsPerOwner: limits.maxSessionsPerOwner + 1 });
  }
}

/** Ends the session that was to be spared, too. */
class CarelessStore extends MemoryStore {
  override deleteByOwner(owner: string): number {
    return super.deleteByOwner(owner);
  }
}

const nobody = { owner: undefined, data: new Map<string, string>() };

for (const [Store, fewest] of [
  [RevivingStore, 12],
  [CrowdedStore, 8],
  [CarelessStore, 5],
] as const) {
  test(`a ${Store.name} is found out, in few steps`, async () => {
    const failure = await fuzz(sessionOperations((options) => new Store(options)), 1, 40);
    assert.ok(failure?.error instanceof assert.AssertionError, "no assertion failed");
    assert.ok(failure.pieces.length <= fewest, report(failure));
  });
}
