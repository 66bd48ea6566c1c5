// Mistakes that do not compile. `npm run check` is the test: it fails where an error is expected and
// none comes. What is exported runs nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionManagerOptions } from "../src/session-manager.ts";
import type { MaybePromise, SessionKey, SessionRecord } from "../src/session-store.ts";
import type { SessionStore, SessionSummary } from "../src/session-store.ts";
import type { Session } from "../src/session.ts";

/** A store as its author should write it: each class below makes one mistake. */
class RightStore implements SessionStore {
  create(_key: SessionKey, _record: SessionRecord): boolean {
    return true;
  }
  async read(_key: SessionKey): Promise<SessionRecord | undefined> {
    return undefined;
  }
  update(): boolean {
    return false;
  }
  delete(): MaybePromise<boolean> {
    return false;
  }
  listByOwner(): readonly SessionSummary[] {
    return [];
  }
  deleteByOwner(): number {
    return 0;
  }
}

type Without<Method extends keyof SessionStore> = Omit<SessionStore, Method>;

export function forgetsMethods(
  create: Without<"create">,
  read: Without<"read">,
  update: Without<"update">,
  remove: Without<"delete">,
  list: Without<"listByOwner">,
  removeAll: Without<"deleteByOwner">,
): void {
  // @ts-expect-error a store without create
  new SessionManager({ store: create });
  // @ts-expect-error a store without read
  new SessionManager({ store: read });
  // @ts-expect-error a store without update
  new SessionManager({ store: update });
  // @ts-expect-error a store without delete
  new SessionManager({ store: remove });
  // @ts-expect-error a store without listByOwner
  new SessionManager({ store: list });
  // @ts-expect-error a store without deleteByOwner
  new SessionManager({ store: removeAll });
  // @ts-expect-error no store at all
  new SessionManager({});
}

export class CreatesWithoutSaying extends RightStore {
  // @ts-expect-error create does not say whether the key was taken
  override create(): void {}
}

export class ReadsNull extends RightStore {
  // @ts-expect-error absence is undefined, not null
  override async read(): Promise<SessionRecord | null> {
    return null;
  }
}

export class ReadsText extends RightStore {
  // @ts-expect-error a record is no JSON text
  override async read(): Promise<string> {
    return "{}";
  }
}

export class ReadsObject extends RightStore {
  override async read(): Promise<SessionRecord | undefined> {
    const times = { createdAt: 1, lastSeenAt: 2, expiresAt: 3 };
    // @ts-expect-error data are a Map: an object has a prototype
    return { owner: "ada", data: { cart: "1" }, ...times };
  }
}

export class ReadsWithoutTimes extends RightStore {
  override async read(): Promise<SessionRecord | undefined> {
    // @ts-expect-error a record has three times
    return { owner: "ada", data: new Map<string, string>() };
  }
}

export class ReadsDates extends RightStore {
  override async read(): Promise<SessionRecord | undefined> {
    const times = { createdAt: 1, lastSeenAt: 2, expiresAt: new Date() };
    // @ts-expect-error times are numbers
    return { owner: "ada", data: new Map<string, string>(), ...times };
  }
}

export class ListsWithoutKeys extends RightStore {
  // @ts-expect-error a summary has the key
  override listByOwner(): readonly SessionRecord[] {
    return [];
  }
}

export class CountsWithBoolean extends RightStore {
  // @ts-expect-error deleteByOwner answers how many
  override deleteByOwner(): boolean {
    return true;
  }
}

export function confusesIdsAndKeys(store: SessionStore, id: string, key: SessionKey): void {
  // @ts-expect-error an id is no key
  void store.read(id);
  // @ts-expect-error a key is hashed already
  hashSessionId(key);
  // @ts-expect-error an id has no handle: its key has
  sessionHandle(id);
  void store.read(hashSessionId(id));
}

export async function misusesSession(session: Session, record: SessionRecord): Promise<void> {
  // @ts-expect-error values are text
  session.set("cart", 1);
  // @ts-expect-error a key cannot be set to undefined: delete it
  session.set("cart", undefined);
  // @ts-expect-error a session is started for somebody
  session.start();
  // @ts-expect-error a value must be waited for
  session.get("cart").toUpperCase();
  // @ts-expect-error and may be absent
  (await session.get("cart")).toUpperCase();
  // @ts-expect-error no controller can see the id
  void session.id;
  // @ts-expect-error nor the key
  void session.key;
  // @ts-expect-error a record is not changed in place
  record.data.set("cart", "1");
  // @ts-expect-error nor is its end
  record.expiresAt = 0;
}

export function misspeltOptions(store: SessionStore): void {
  // @ts-expect-error an option that does not exist
  new SessionManager({ store, ttl: 60 });
  // @ts-expect-error durations are numbers
  const text: SessionManagerOptions = { store, idleTimeout: "30m" };
  // @ts-expect-error onEnd knows six reasons
  new SessionManager({ store, onEnd: (reason) => void (reason === "expired") });
  void text;
}

test("a store that is written as the types say is a store", () => {
  assert.equal(new SessionManager({ store: new RightStore() }) instanceof SessionManager, true);
});
