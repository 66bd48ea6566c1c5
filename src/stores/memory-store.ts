// Sessions in this process's memory: bounded, gone when they expire, and gone with the process.

import type { SessionChanges, SessionKey } from "../session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../session-store.ts";

/** What a `MemoryStore` may be given. The limits are whole numbers above zero. */
export interface MemoryStoreOptions {
  /** The time, in milliseconds since the epoch. */
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

interface Entry extends Omit<SessionRecord, "data"> {
  /** Key, value, key, value: a Map for each session would take three times the memory. */
  readonly data: readonly string[];
}

/** A part of the sessions: one Map of a million would stop the process when it grows or shrinks. */
interface Shard {
  readonly sessions: Map<SessionKey, Entry>;
  /** Most owners have one session: its key alone takes less memory than an array. */
  readonly owners: Map<string, SessionKey | readonly SessionKey[]>;
}

const shardCount = 4096; // A power of two, for the "&" in #shardOf.
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
  /** Which shard is looked at next for sessions that have expired. */
  #next = 0;
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
    if (this.read(key) !== undefined) return false;
    const { createdAt, lastSeenAt, expiresAt } = record;
    const data = this.#pack(record.data);
    const owner = record.owner === undefined ? undefined : ownCopy(record.owner);
    // A session seen since its creation is a rotated one, not one more: its old id is to go.
    const { maxSessionsPerOwner: limit } = this.#options;
    if (owner !== undefined && lastSeenAt === createdAt && this.#keysOf(owner).length >= limit) {
      const youngestFirst = this.listByOwner(owner).reverse();
      for (const old of youngestFirst.slice(limit - 1)) this.#end(old);
    }
    this.#makeRoom(); // Last: the owner's oldest may have made it.

    this.#shardOf(key).sessions.set(key, { owner, data, createdAt, lastSeenAt, expiresAt });
    if (owner !== undefined) this.#setKeysOf(owner, [...this.#keysOf(owner), key]);
    this.#size++;
    if (!this.#isSweeping) this.#sweepLater();
    return true;
  }

  read(key: SessionKey): SessionRecord | undefined {
    const entry = this.#shardOf(key).sessions.get(key);
    if (entry === undefined) return undefined;
    const { owner, data, createdAt, lastSeenAt, expiresAt } = entry;
    const record = { owner, data: unpack(data), createdAt, lastSeenAt, expiresAt };
    if (expiresAt > this.#options.clock()) return record;
    this.#end({ key, ...record });
    return undefined;
  }

  /** @throws {Error} named `SessionTooLargeError`. */
  update(key: SessionKey, changes: SessionChanges): boolean {
    const record = this.read(key);
    if (record === undefined) return false;
    const { owner, createdAt } = record;
    const { lastSeenAt, expiresAt } = changes;
    const data = this.#pack(new Map([...record.data, ...changes.data]));
    this.#shardOf(key).sessions.set(key, { owner, data, createdAt, lastSeenAt, expiresAt });
    return true;
  }

  delete(key: SessionKey): boolean {
    const record = this.read(key);
    return record !== undefined && this.#remove(key, record.owner);
  }

  listByOwner(owner: string): SessionSummary[] {
    const live = this.#keysOf(owner).flatMap((key) => {
      const record = this.read(key);
      return record === undefined ? [] : [{ key, ...record }];
    });
    return live.sort((one, other) => one.createdAt - other.createdAt);
  }

  deleteByOwner(owner: string, except?: SessionKey): number {
    return this.#keysOf(owner).filter((key) => key !== except && this.delete(key)).length;
  }

  /** Looks at some 5000 sessions at most: no request waits long, and the sweep sees the others. */
  #makeRoom(): void {
    const { maxSessions } = this.#options;
    const most = shardCount * Math.min(1, 5000 / maxSessions);
    for (let shards = 0; this.#size >= maxSessions && shards < most; shards++) this.#sweep();
    if (this.#size < maxSessions) return;
    throw refusal("SessionStoreFullError", `there are ${maxSessions} sessions already`);
  }

  #shardOf(text: string): Shard {
    let sum = 0;
    for (let at = 0; at < text.length; at++) sum = Math.imul(sum, 31) + text.charCodeAt(at);
    return (this.#shards[sum & (shardCount - 1)] ??= { sessions: new Map(), owners: new Map() });
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

  #pack(data: ReadonlyMap<string, string | undefined>): readonly string[] {
    const { maxSessionSize } = this.#options;
    const texts: string[] = [];
    for (const [key, value] of data) {
      if (value !== undefined) texts.push(ownCopy(key), ownCopy(value));
    }
    const size = texts.join("").length;
    if (size <= maxSessionSize) return texts.slice(); // Without the room that growing left.
    throw refusal("SessionTooLargeError", `it is ${size} characters, not up to ${maxSessionSize}`);
  }

  /** Looks at one shard alone: so no request waits long, however many sessions have expired. */
  #sweep(): void {
    const now = this.#options.clock();
    const shard = this.#shards[this.#next];
    this.#next = (this.#next + 1) % shardCount;
    shard?.sessions.forEach(({ expiresAt }, key) => {
      if (expiresAt <= now) this.read(key); // Which removes it.
    });
  }

  #sweepLater(): void {
    this.#isSweeping = this.#size > 0;
    if (!this.#isSweeping) return;
    this.#options.schedule(() => {
      this.#sweep();
      this.#sweepLater();
    }, sweepInterval);
  }

  #end(session: SessionSummary): void {
    if (!this.#remove(session.key, session.owner)) return;
    const tell = async (): Promise<void> => this.#options.onRemove(session);
    // A listener that fails, at once or later, must not stop the sweep, a request or the process.
    tell().catch(() => {});
  }

  /** Answers false when it was removed already: a listener may use the store. */
  #remove(key: SessionKey, owner: string | undefined): boolean {
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

// V8 keeps a whole request for a slice of it (of 13 characters or more): so none is kept here.
function ownCopy(text: string): string {
  return text.length < 13 ? text : Buffer.from(text).toString();
}

function unpack(texts: readonly string[]): Map<string, string> {
  const data = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) data.set(String(texts[at]), String(texts[at + 1]));
  return data;
}
