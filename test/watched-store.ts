// A store that tells what it was asked, and lets a test come in between: with a fault, or a gate.

import type { MaybePromise, SessionChanges, SessionKey } from "../src/session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../src/session-store.ts";

export type StoreMethod = keyof SessionStore;

/** Passes every question on to another store. */
export class WatchedStore implements SessionStore {
  /** The questions so far. */
  readonly asked: StoreMethod[] = [];
  /** Runs before each question: throws or rejects for a fault, and is waited for. */
  before: (method: StoreMethod) => MaybePromise<void> = () => {};
  /** Runs after each question that was answered. */
  after: (method: StoreMethod) => MaybePromise<void> = () => {};
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** How often a question was asked. */
  count(method: StoreMethod): number {
    return this.asked.filter((asked) => asked === method).length;
  }

  /** Lets these questions fail from now on, by a throw; without any, none. */
  fail(...methods: StoreMethod[]): void {
    this.before = (method) => {
      if (methods.includes(method)) throw new Error(`Cannot ${method}`);
    };
  }

  create(key: SessionKey, record: SessionRecord): MaybePromise<boolean> {
    return this.#ask("create", () => this.#store.create(key, record));
  }

  read(key: SessionKey): MaybePromise<SessionRecord | undefined> {
    return this.#ask("read", () => this.#store.read(key));
  }

  update(key: SessionKey, changes: SessionChanges): MaybePromise<boolean> {
    return this.#ask("update", () => this.#store.update(key, changes));
  }

  delete(key: SessionKey): MaybePromise<boolean> {
    return this.#ask("delete", () => this.#store.delete(key));
  }

  listByOwner(owner: string): MaybePromise<readonly SessionSummary[]> {
    return this.#ask("listByOwner", () => this.#store.listByOwner(owner));
  }

  deleteByOwner(owner: string, except?: SessionKey): MaybePromise<number> {
    return this.#ask("deleteByOwner", () => this.#store.deleteByOwner(owner, except));
  }

  #ask<T>(method: StoreMethod, question: () => MaybePromise<T>): MaybePromise<T> {
    this.asked.push(method);
    return then(this.before(method), () =>
      then(question(), (answer) => then(this.after(method), () => answer)),
    );
  }
}

/** Goes on at once where nothing waits: the answers of a store in memory stay what they are. */
function then<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
