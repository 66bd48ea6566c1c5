// A store that is asked with care: within a time-out, its faults named, its answers checked.

import { sessionHandle } from "./session-id.ts";
import type { MaybePromise, SessionChanges, SessionKey } from "./session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "./session-store.ts";

/** A store that failed, lied or did not answer in time. Never the same as an absent session. */
export class SessionStoreError extends Error {
  override readonly name = "SessionStoreError";
}

/** Asks a store, and believes only answers that the contract allows. */
export class CheckedStore {
  readonly #store: SessionStore;
  readonly #timeout: number;
  readonly #onCorrupt: (handle: string) => void;

  /** The time-out is in milliseconds, for each question. */
  constructor(store: SessionStore, timeout: number, onCorrupt: (handle: string) => void) {
    this.#store = store;
    this.#timeout = timeout;
    this.#onCorrupt = onCorrupt;
  }

  /** Answers the session; none for a record that makes no sense, which is removed and reported. */
  read(key: SessionKey): MaybePromise<SessionRecord | undefined> {
    return whenKnown(
      this.#ask(() => this.#store.read(key)),
      (record) => (record === undefined || isRecord(record) ? record : this.#removeCorrupt(key)),
    );
  }

  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    return believe(await this.#ask(() => this.#store.create(key, record)), isBoolean);
  }

  async update(key: SessionKey, changes: SessionChanges): Promise<boolean> {
    return believe(await this.#ask(() => this.#store.update(key, changes)), isBoolean);
  }

  async delete(key: SessionKey): Promise<boolean> {
    return believe(await this.#ask(() => this.#store.delete(key)), isBoolean);
  }

  /** Answers the owner's sessions; records that make no sense are left out. */
  async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    const list = believe(await this.#ask(() => this.#store.listByOwner(owner)), Array.isArray);
    return list.filter((one) => isRecord(one) && one.owner === owner && isText(one.key));
  }

  async deleteByOwner(owner: string, except: SessionKey | undefined): Promise<number> {
    const answer = await this.#ask(() => this.#store.deleteByOwner(owner, except));
    return believe(answer, (count) => Number.isSafeInteger(count) && Number(count) >= 0);
  }

  async #removeCorrupt(key: SessionKey): Promise<undefined> {
    if (await this.delete(key)) this.#onCorrupt(sessionHandle(key));
  }

  /** A fault is always a promise that rejects: so a session keeps it, as it keeps an answer. */
  #ask<T>(question: () => MaybePromise<T>): MaybePromise<T> {
    try {
      const answer = question();
      return isPromise(answer) ? inTime(answer, this.#timeout).catch(fault) : answer;
    } catch (error) {
      return fault(error);
    }
  }
}

/** Goes on with an answer, at once when it is there: nothing waits for a store in memory. */
export function whenKnown<T, R>(
  answer: MaybePromise<T>,
  next: (answer: T) => MaybePromise<R>,
): MaybePromise<R> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isBoolean(answer: unknown): boolean {
  return typeof answer === "boolean";
}

function believe<T>(answer: T, isPossible: (answer: unknown) => boolean): T {
  if (isPossible(answer)) return answer;
  throw new SessionStoreError(`Session store gave an impossible answer, of type ${typeof answer}`);
}

function isRecord(record: SessionRecord): boolean {
  // It may be anything: a store need not be written in TypeScript.
  if (!(record?.data instanceof Map)) return false;
  const { owner, data, createdAt, lastSeenAt, expiresAt } = record;
  // A loop, and no arrays: this is done for every request that has a session.
  for (const [key, value] of data) if (!isText(key) || !isText(value)) return false;
  if (owner !== undefined && !isText(owner)) return false;
  return Number.isFinite(createdAt) && Number.isFinite(lastSeenAt) && Number.isFinite(expiresAt);
}

// Any thenable: a client library may bring promises of its own.
function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return typeof answer === "object" && answer !== null && "then" in answer;
}

/** The answer, or an error when it takes longer than so many milliseconds. */
export function inTime<T>(answer: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(new Error(`it did not answer within ${timeout} ms`));
    const timer = setTimeout(refuse, timeout);
    Promise.resolve(answer).then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Tells whether a store refused a session as too large, and left it as it was. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && error.name === "SessionTooLargeError";
}

async function fault(error: unknown): Promise<never> {
  if (isTooLarge(error)) throw error;
  throw new SessionStoreError(`Session store failed: ${messageOf(error)}`, { cause: error });
}

/** What an error says, or its name: a store may throw anything. */
export function messageOf(error: unknown): string {
  const told = error instanceof Error ? error.message || error.name : error;
  // Of an object that is no Error, String() could throw.
  return typeof told === "object" ? "it threw an object" : String(told);
}
