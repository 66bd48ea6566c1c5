// A store as plain as can be: what wrong stores are made of, and the model for a real one.

import type { MaybePromise, SessionChanges, SessionKey } from "../src/session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../src/session-store.ts";
import type { FakeClock } from "./fake-clock.ts";

/** One Map, and what the contract says. */
export class PlainStore implements SessionStore {
  readonly sessions = new Map<SessionKey, SessionRecord>();
  readonly now: FakeClock;
  broken = false;
  /** What comes between two steps of a store that does with two what it should do with one. */
  between: () => MaybePromise<void> = () => {};

  constructor(clock: FakeClock) {
    this.now = clock;
  }

  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    if (this.find(key) !== undefined) return false;
    this.sessions.set(key, copy(record));
    return true;
  }

  async read(key: SessionKey): Promise<SessionRecord | undefined> {
    const record = this.find(key);
    return record && copy(record);
  }

  async update(key: SessionKey, changes: SessionChanges): Promise<boolean> {
    const record = this.find(key);
    if (record === undefined) return false;
    this.sessions.set(key, merged(record, changes));
    return true;
  }

  async delete(key: SessionKey): Promise<boolean> {
    return this.find(key) !== undefined && this.sessions.delete(key);
  }

  async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    return this.of(owner).sort((one, other) => one.createdAt - other.createdAt);
  }

  async deleteByOwner(owner: string, except?: SessionKey): Promise<number> {
    const doomed = this.of(owner).filter(({ key }) => key !== except);
    for (const { key } of doomed) this.sessions.delete(key);
    return doomed.length;
  }

  find(key: SessionKey): SessionRecord | undefined {
    if (this.broken) throw new Error("Cannot reach the sessions");
    const record = this.sessions.get(key);
    return record !== undefined && this.isLive(record) ? record : undefined;
  }

  isLive(record: SessionRecord): boolean {
    return record.expiresAt > this.now();
  }

  of(owner: string | undefined): SessionSummary[] {
    if (this.broken) throw new Error("Cannot reach the sessions");
    return [...this.sessions].flatMap(([key, record]) =>
      record.owner === owner && this.isLive(record) ? [{ key, ...copy(record) }] : [],
    );
  }
}

export function copy(record: SessionRecord): SessionRecord {
  return { ...record, data: new Map(record.data) };
}

export function merged(record: SessionRecord, { data, ...times }: SessionChanges): SessionRecord {
  const all = new Map<string, string | undefined>([...record.data, ...data]);
  const kept = [...all].flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return { ...record, data: new Map(kept), ...times };
}
