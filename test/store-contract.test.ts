// The contract itself is tested: a store that is right passes, and each wrong one is found out.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SessionChanges, SessionKey } from "../src/session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../src/session-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { contract, describeStore } from "./store-contract.ts";
import type { MakeStore } from "./store-contract.ts";

/** The plainest store there can be: one Map, and what the contract says. */
class PlainStore implements SessionStore {
  readonly sessions = new Map<SessionKey, SessionRecord>();
  readonly now: FakeClock;
  broken = false;

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
    return record !== undefined && record.expiresAt > this.now() ? record : undefined;
  }

  of(owner: string): SessionSummary[] {
    if (this.broken) throw new Error("Cannot reach the sessions");
    return [...this.sessions].flatMap(([key, record]) =>
      record.owner === owner && record.expiresAt > this.now() ? [{ key, ...copy(record) }] : [],
    );
  }
}

function copy(record: SessionRecord): SessionRecord {
  return { ...record, data: new Map(record.data) };
}

function merged(record: SessionRecord, { data, ...times }: SessionChanges): SessionRecord {
  const all = new Map<string, string | undefined>([...record.data, ...data]);
  const kept = [...all].flatMap(([key, value]) => (value === undefined ? [] : [[key, value]] as const));
  return { ...record, data: new Map(kept), ...times };
}

function making(Store: new (clock: FakeClock) => PlainStore): MakeStore {
  return () => {
    const clock = fakeClock();
    const store = new Store(clock);
    return { store, now: clock, advance: clock.advance, breakDown: () => void (store.broken = true) };
  };
}

describeStore("the plainest store", making(PlainStore));
