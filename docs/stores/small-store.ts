// A session store as small as the contract allows: in memory, without limits.

import type { SessionChanges, SessionKey } from "../../src/session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../../src/session-store.ts";

export class SmallStore implements SessionStore {
  readonly #sessions = new Map<SessionKey, SessionRecord>();
  readonly #clock: () => number;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  create(key: SessionKey, record: SessionRecord): boolean {
    if (this.read(key) !== undefined) return false;
    this.#sessions.set(key, copy(record));
    return true;
  }

  read(key: SessionKey): SessionRecord | undefined {
    const record = this.#sessions.get(key);
    if (record === undefined || this.#clock() >= record.expiresAt) return undefined;
    return copy(record);
  }

  update(key: SessionKey, { data, lastSeenAt, expiresAt }: SessionChanges): boolean {
    const record = this.read(key);
    if (record === undefined) return false;
    const merged = new Map(record.data);
    for (const [name, value] of data) {
      if (value === undefined) merged.delete(name);
      else merged.set(name, value);
    }
    this.#sessions.set(key, { ...record, data: merged, lastSeenAt, expiresAt });
    return true;
  }

  delete(key: SessionKey): boolean {
    return this.read(key) !== undefined && this.#sessions.delete(key);
  }

  listByOwner(owner: string): readonly SessionSummary[] {
    const live = [...this.#sessions.keys()].flatMap((key) => {
      const record = this.read(key);
      return record?.owner === owner ? [{ key, ...record }] : [];
    });
    return live.sort((one, other) => one.createdAt - other.createdAt);
  }

  deleteByOwner(owner: string, except?: SessionKey): number {
    const others = this.listByOwner(owner).filter(({ key }) => key !== except);
    return others.filter(({ key }) => this.delete(key)).length;
  }
}

function copy(record: SessionRecord): SessionRecord {
  return { ...record, data: new Map(record.data) };
}

export default (): SessionStore => new SmallStore();
