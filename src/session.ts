// The session of one request: what a controller reads, and what it asks for.

import { sessionHandle } from "./session-id.ts";
import type { MaybePromise, SessionKey, SessionRecord } from "./session-store.ts";

/**
 * A request's session. Reading waits for the store, and rejects with a `SessionStoreError` when it
 * fails; all else is an intent that is carried out once, after the controller has returned. The id
 * is not here, so no controller can show it to anyone.
 */
export interface Session {
  /** The value of a key, or `undefined`. What this request has set or deleted counts already. */
  get(key: string): Promise<string | undefined>;

  /**
   * Sets a key. Without a session, one is started, with no owner.
   *
   * @throws {TypeError} when the key or the value is not a string, or has half a surrogate pair.
   */
  set(key: string, value: string): void;

  /** Deletes a key. The session lives on, even when it was the last key. */
  delete(key: string): void;

  /**
   * Starts a new session under a new id, for this owner. What the old one held is dropped, and its
   * id is dead: so nobody can plant a session and have it logged in (OWASP, session fixation).
   *
   * @throws {TypeError} when the owner is not a string, is empty, or has half a surrogate pair.
   */
  start(owner: string): void;

  /** Gives the session a new id; data and absolute deadline are kept. */
  rotate(): void;

  /** Ends the session: the record is removed and the browser's cookie is cleared. */
  destroy(): void;

  /** The session's public name, as in the list of its owner's sessions; `undefined` without one. */
  handle(): Promise<string | undefined>;
}

/** A session in the store, with its key. */
export interface StoredSession {
  readonly key: SessionKey;
  readonly record: SessionRecord;
}

/** What a request asked of its session, as the session manager carries it out. */
export interface SessionIntent {
  /** `keep` and `rotate` change the session there is; `replace` starts another one. */
  readonly action: "keep" | "rotate" | "replace" | "destroy";
  /** Of a session that replaces another: whose it is. */
  readonly owner: string | undefined;
  /** Keys set, and keys deleted (`undefined`). */
  readonly changes: ReadonlyMap<string, string | undefined>;
}

function checkText(what: string, text: string): void {
  if (typeof text !== "string") throw new TypeError(`Cannot use a ${typeof text} as ${what}`);
  // Half a surrogate pair has no UTF-8: it would not come back from every store as it was.
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`Cannot use half a character in ${what}`);
}

/** Records what a controller asks of a session, over a session that is found on first use. */
export class RecordedSession implements Session {
  readonly #lookUp: () => MaybePromise<StoredSession | undefined>;
  #wasLookedUp = false;
  #found: MaybePromise<StoredSession | undefined>;
  #action: SessionIntent["action"] = "keep";
  #owner: string | undefined;
  #changes = new Map<string, string | undefined>();

  /** `lookUp` asks the store for the session that the request names. */
  constructor(lookUp: () => MaybePromise<StoredSession | undefined>) {
    this.#lookUp = lookUp;
  }

  /** What has been asked so far. */
  get intent(): SessionIntent {
    return { action: this.#action, owner: this.#owner, changes: this.#changes };
  }

  /** Whether the store was asked. */
  get wasLookedUp(): boolean {
    return this.#wasLookedUp;
  }

  /** The session in the store, which is asked once. */
  find(): MaybePromise<StoredSession | undefined> {
    if (!this.#wasLookedUp) this.#found = this.#lookUp();
    this.#wasLookedUp = true;
    return this.#found;
  }

  get(key: string): Promise<string | undefined> {
    if (this.#changes.has(key)) return Promise.resolve(this.#changes.get(key));
    return this.#read((found) => found.record.data.get(key));
  }

  set(key: string, value: string): void {
    checkText("a session key", key);
    checkText("a session value", value);
    // After destroy() the old id stays dead: what is set now belongs to a new session.
    if (this.#action === "destroy") this.#action = "replace";
    this.#changes.set(key, value);
    this.#findEarly();
  }

  delete(key: string): void {
    checkText("a session key", key);
    this.#changes.set(key, undefined);
    this.#findEarly();
  }

  start(owner: string): void {
    checkText("the owner of a session", owner);
    if (owner === "") throw new TypeError("Cannot start a session for an owner without a name");
    this.#become("replace", owner);
  }

  rotate(): void {
    if (this.#action === "keep") this.#action = "rotate";
    this.#findEarly();
  }

  destroy(): void {
    this.#become("destroy", undefined);
  }

  handle(): Promise<string | undefined> {
    return this.#read((found) => sessionHandle(found.key));
  }

  // So commit() knows of a session that ends from here on, and starts no other in its place.
  #findEarly(): void {
    void this.#read(() => undefined);
  }

  #read(part: (found: StoredSession) => string | undefined): Promise<string | undefined> {
    // After start() and destroy(), the session that the request names is not to be read any more.
    const isReadable = this.#action === "keep" || this.#action === "rotate";
    const found = isReadable ? this.find() : undefined;
    if (!(found instanceof Promise)) return Promise.resolve(found && part(found));
    const reading = found.then((session) => session && part(session));
    // A reading that nobody waits for must not end the process: commit() meets the same fault.
    reading.catch(() => {});
    return reading;
  }

  #become(action: "replace" | "destroy", owner: string | undefined): void {
    this.#action = action;
    this.#owner = owner;
    this.#changes = new Map();
  }
}
