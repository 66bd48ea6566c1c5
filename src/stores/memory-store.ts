// Sessions in this process's memory: bounded, gone when they expire, and gone with the process.

import type { SessionChanges, SessionKey } from "../session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../session-store.ts";

/** What a `MemoryStore` may be given. The limits are whole numbers above zero. */
export interface MemoryStoreOptions {
  /** The time, in milliseconds since the epoch. When it is set back, it stands still meanwhile. */
  readonly clock?: () => number;
  /** How many sessions there may be: 100,000. Expired ones make room; live ones never do. */
  readonly maxSessions?: number;
  /** How many sessions one owner may have: 20. One more ends that owner's oldest. */
  readonly maxSessionsPerOwner?: number;
  /** How many characters the keys and values of a session may have together: 4096. */
  readonly maxSessionSize?: number;
  /** Is told of each session that the store ended by itself: expired, or its owner's oldest. */
  readonly onRemove?: (session: SessionSummary) => void;
  /** Calls back after so many milliseconds, and does not keep the process alive for it. */
  readonly schedule?: (callback: () => void, delay: number) => void;
}

/**
 * A session is kept as JSON: owner, three times, keys and values. An object would take half as much
 * memory again, in ten places to wait for, and its texts could keep whole requests in memory.
 */
type Packed = [string | null, number, number, number, [string, string][]];

/** A part of the sessions: one Map of a million would stop the process when it grows or shrinks. */
interface Shard {
  readonly sessions: Map<SessionKey, string>;
  /** Most owners have one session: its key alone takes less memory than an array. */
  readonly owners: Map<string, SessionKey | readonly SessionKey[]>;
  /** No session of the shard expires before this moment. */
  earliest: number;
}

const shardCount = 4096;
/** Between one shard and the next, in milliseconds: all of them take a minute. */
const sweepInterval = 15;

const defaults: Required<MemoryStoreOptions> = {
  clock: () => Date.now(),
  maxSessions: 100_000,
  maxSessionsPerOwner: 20,
  maxSessionSize: 4096,
  onRemove: () => {},
  schedule: (callback, delay) => void setTimeout(callback, delay).unref(),
};

/**
 * Keeps sessions in memory, and answers at once. Expired ones leave it within about a minute, with
 * no request arriving. What is done for an owner takes longer the more sessions the owner has.
 */
export class MemoryStore implements SessionStore {
  readonly #options: Required<MemoryStoreOptions>;
  readonly #shards: (Shard | undefined)[] = [];
  #size = 0;
  #latest = -Infinity;
  #isSweeping = false;

  /** @throws {RangeError} when a limit is not a whole number above zero. */
  constructor(options: MemoryStoreOptions = {}) {
    this.#options = { ...defaults, ...options };
    for (const name of ["maxSessions", "maxSessionsPerOwner", "maxSessionSize"] as const) {
      const limit = this.#options[name];
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`Cannot make MemoryStore: ${name} is ${limit}, not a number from 1 on`);
    }
  }

  /** How many sessions are held; expired ones that are not removed yet count. */
  get size(): number {
    return this.#size;
  }

  /** @throws {Error} named `SessionTooLargeError` or `SessionStoreFullError`. */
  create(key: SessionKey, record: SessionRecord): boolean {
    if (this.#find(key) !== undefined) return false;
    const text = this.#pack(record, record);
    // Read back: V8 keeps a whole form for a name that is a slice of it.
    const { owner, createdAt, lastSeenAt, expiresAt } = unpack(text);
    const { maxSessionsPerOwner } = this.#options;
    // A session that was seen before only has a new id: the old one is not the store's to end.
    const isNew = lastSeenAt === createdAt;
    if (owner !== undefined && isNew && this.#keysOf(owner).length >= maxSessionsPerOwner) {
      const youngest = this.#liveOf(owner).reverse();
      for (const old of youngest.slice(maxSessionsPerOwner - 1)) this.#end(old);
    }
    this.#makeRoom();
    this.#put(key, text, expiresAt);
    if (owner !== undefined) this.#setKeysOf(owner, [...this.#keysOf(owner), key]);
    this.#size++;
    if (!this.#isSweeping) this.#sweepLater(0);
    return true;
  }

  read(key: SessionKey): SessionRecord | undefined {
    return this.#find(key);
  }

  /** @throws {Error} named `SessionTooLargeError`. */
  update(key: SessionKey, changes: SessionChanges): boolean {
    const record = this.#find(key);
    if (record === undefined) return false;
    const data = new Map([...record.data, ...changes.data]);
    this.#put(key, this.#pack(record, { ...changes, data }), changes.expiresAt);
    return true;
  }

  delete(key: SessionKey): boolean {
    const record = this.#find(key);
    return record !== undefined && this.#remove({ key, ...record });
  }

  listByOwner(owner: string): readonly SessionSummary[] {
    return this.#liveOf(owner);
  }

  deleteByOwner(owner: string, except?: SessionKey): number {
    return this.#keysOf(owner).filter((key) => key !== except && this.delete(key)).length;
  }

  /** The session, when it has not expired. One that has is removed. */
  #find(key: SessionKey): SessionRecord | undefined {
    const text = this.#shardOf(key).sessions.get(key);
    if (text === undefined) return undefined;
    const record = unpack(text);
    if (record.expiresAt > this.#now()) return record;
    this.#end({ key, ...record });
    return undefined;
  }

  /** The owner's sessions, the oldest first. */
  #liveOf(owner: string): SessionSummary[] {
    const live = this.#keysOf(owner).flatMap((key) => {
      const record = this.#find(key);
      return record === undefined ? [] : [{ key, ...record }];
    });
    return live.sort((one, other) => one.createdAt - other.createdAt);
  }

  // A clock that is set back must not bring an expired session back.
  #now(): number {
    return (this.#latest = Math.max(this.#latest, this.#options.clock()));
  }

  /** Looks at some 5000 sessions at most: no request waits long, and the sweep sees the others. */
  #makeRoom(): void {
    const { maxSessions } = this.#options;
    let looks = 0;
    for (const shard of this.#shards) {
      if (this.#size < maxSessions || looks >= 5000) break;
      looks += this.#removeExpired(shard);
    }
    if (this.#size < maxSessions) return;
    throw refusal("SessionStoreFullError", `there are ${maxSessions} sessions already`);
  }

  #shardOf(text: string): Shard {
    let sum = 0;
    for (let at = 0; at < text.length; at++) sum = Math.imul(sum, 31) + text.charCodeAt(at);
    const index = sum & (shardCount - 1);
    return (this.#shards[index] ??= { sessions: new Map(), owners: new Map(), earliest: Infinity });
  }

  #keysOf(owner: string): readonly SessionKey[] {
    const keys = this.#shardOf(owner).owners.get(owner) ?? [];
    return typeof keys === "string" ? [keys] : keys;
  }

  #setKeysOf(owner: string, keys: readonly SessionKey[]): void {
    const { owners } = this.#shardOf(owner);
    const [first, second] = keys;
    if (first === undefined) owners.delete(owner);
    else owners.set(owner, second === undefined ? first : keys);
  }

  #put(key: SessionKey, text: string, expiresAt: number): void {
    const shard = this.#shardOf(key);
    shard.sessions.set(key, text);
    shard.earliest = Math.min(shard.earliest, expiresAt);
  }

  #pack(started: Pick<SessionRecord, "owner" | "createdAt">, changes: SessionChanges): string {
    const { maxSessionSize } = this.#options;
    const data: unknown[] = [];
    let size = 0;
    for (const [name, value] of changes.data) {
      if (value === undefined) continue;
      data.push([name, value]);
      size += name.length + value.length;
    }
    if (size > maxSessionSize) {
      throw refusal("SessionTooLargeError", `it is ${size} characters, over ${maxSessionSize}`);
    }
    const { lastSeenAt, expiresAt } = changes;
    return JSON.stringify([started.owner, started.createdAt, lastSeenAt, expiresAt, data]);
  }

  /** Answers how many sessions it looked at: none before the shard's earliest end has come. */
  #removeExpired(shard: Shard | undefined): number {
    if (shard === undefined || shard.earliest > this.#now()) return 0;
    const { size } = shard.sessions;
    shard.earliest = Infinity;
    for (const key of shard.sessions.keys()) {
      shard.earliest = Math.min(shard.earliest, this.#find(key)?.expiresAt ?? Infinity);
    }
    return size;
  }

  // One shard at a time, so that no request waits long, however many expire at once.
  #sweepLater(index: number): void {
    this.#isSweeping = true;
    this.#options.schedule(() => {
      this.#removeExpired(this.#shards[index]);
      if (this.#size === 0) this.#isSweeping = false;
      else this.#sweepLater((index + 1) % shardCount);
    }, sweepInterval);
  }

  #end(session: SessionSummary): void {
    if (!this.#remove(session)) return;
    try {
      this.#options.onRemove(session);
    } catch {
      // A listener that fails must not stop the sweep, nor a request.
    }
  }

  /** Answers false when it was removed already: a listener may use the store. */
  #remove({ key, owner }: SessionSummary): boolean {
    if (!this.#shardOf(key).sessions.delete(key)) return false;
    this.#size--;
    if (owner === undefined) return true;
    this.#setKeysOf(owner, this.#keysOf(owner).filter((other) => other !== key));
    return true;
  }
}

function refusal(name: string, why: string): Error {
  return Object.assign(new Error(`Cannot store session: ${why}`), { name });
}

function unpack(text: string): SessionRecord {
  // By index, and one by one: both ways of V8 to do it at once take longer.
  const packed: Packed = JSON.parse(text);
  const data = new Map<string, string>();
  for (const [name, value] of packed[4]) data.set(name, value);
  const times = { createdAt: packed[1], lastSeenAt: packed[2], expiresAt: packed[3] };
  return { owner: packed[0] ?? undefined, data, ...times };
}
