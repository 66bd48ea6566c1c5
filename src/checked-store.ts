// A store that is asked with care: in limited time, its faults named, its answers checked.

import { sessionHandle } from "./session-id.ts";
import type { MaybePromise, SessionChanges, SessionKey } from "./session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "./session-store.ts";

/** A store that failed, lied or did not answer in time. Never the same as an absent session. */
export class SessionStoreError extends Error {
  override readonly name = "SessionStoreError";
}

/** The session would be larger than its store allows. It was left as it was. */
export class SessionTooLargeError extends Error {
  override readonly name = "SessionTooLargeError";
}

function fault(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const isTooLarge = error instanceof Error && error.name === "SessionTooLargeError";
  return isTooLarge
    ? new SessionTooLargeError(message, { cause: error })
    : new SessionStoreError(`Session store failed: ${message}`, { cause: error });
}

function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  // Any thenable: a client library may bring promises of its own.
  return typeof answer === "object" && answer !== null && "then" in answer;
}

function inTime<T>(answer: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = `Session store did not answer within ${timeout} ms`;
    const timer = setTimeout(() => reject(new SessionStoreError(tooLate)), timeout);
    answer.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(fault(error));
      },
    );
  });
}

function isRecord(record: SessionRecord): boolean {
  return (
    typeof record === "object" &&
    record !== null &&
    (record.owner === undefined || typeof record.owner === "string") &&
    record.data instanceof Map &&
    [...record.data].every((entry) => entry.every((text) => typeof text === "string")) &&
    Number.isFinite(record.createdAt) &&
    Number.isFinite(record.lastSeenAt) &&
    Number.isFinite(record.expiresAt)
  );
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

  /** Answers the session. A record that makes no sense is reported, removed, and as absent. */
  read(key: SessionKey): MaybePromise<SessionRecord | undefined> {
    const answer = this.#ask(() => this.#store.read(key));
    return answer instanceof Promise
      ? answer.then((record) => this.#judge(key, record))
      : this.#judge(key, answer);
  }

  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    return yesOrNo("create", await this.#ask(() => this.#store.create(key, record)));
  }

  async update(key: SessionKey, changes: SessionChanges): Promise<boolean> {
    return yesOrNo("update", await this.#ask(() => this.#store.update(key, changes)));
  }

  async delete(key: SessionKey): Promise<boolean> {
    return yesOrNo("delete", await this.#ask(() => this.#store.delete(key)));
  }

  async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    const sessions = await this.#ask(() => this.#store.listByOwner(owner));
    if (!Array.isArray(sessions)) throw wrongAnswer("listByOwner", sessions);
    return sessions.filter((session) => isRecord(session) && session.owner === owner);
  }

  async deleteByOwner(owner: string, except: SessionKey | undefined): Promise<number> {
    const count = await this.#ask(() => this.#store.deleteByOwner(owner, except));
    if (!Number.isSafeInteger(count)) throw wrongAnswer("deleteByOwner", count);
    return count;
  }

  #judge(
    key: SessionKey,
    record: SessionRecord | undefined,
  ): MaybePromise<SessionRecord | undefined> {
    return record === undefined || isRecord(record) ? record : this.#removeCorrupt(key);
  }

  async #removeCorrupt(key: SessionKey): Promise<undefined> {
    if (await this.delete(key)) this.#onCorrupt(sessionHandle(key));
  }

  #ask<T>(question: () => MaybePromise<T>): MaybePromise<T> {
    let answer: MaybePromise<T>;
    try {
      answer = question();
    } catch (error) {
      throw fault(error);
    }
    return isPromise(answer) ? inTime(answer, this.#timeout) : answer;
  }
}

function yesOrNo(method: string, answer: unknown): boolean {
  if (typeof answer !== "boolean") throw wrongAnswer(method, answer);
  return answer;
}

function wrongAnswer(method: string, answer: unknown): SessionStoreError {
  return new SessionStoreError(`Session store answered ${method} with a ${typeof answer}`);
}
