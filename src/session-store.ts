// The contract of a session store. Types alone: a store that is copied elsewhere brings no code.

/** A value that is there already, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

declare const hashed: unique symbol;

/**
 * What a store finds a session by: the SHA-256 of the cookie's value, base64url, 43 characters.
 * The type is branded, so that an id cannot be passed for a key.
 */
export type SessionKey = string & { readonly [hashed]: true };

/** Any text but a key: so that none is hashed twice. */
export type UnhashedText = string & { readonly [hashed]?: never };

/** A session as it is stored. Times are milliseconds since the epoch. */
export interface SessionRecord {
  /** Whose session it is; `undefined` before anyone has logged in. */
  readonly owner: string | undefined;
  readonly data: ReadonlyMap<string, string>;
  /** When it was started. Kept by a rotation: the absolute time-out counts from here. */
  readonly createdAt: number;
  /** When it was last used. In a new session that is `createdAt`; in a rotated one it is later. */
  readonly lastSeenAt: number;
  /** From this moment on the session does not exist any more, whether or not it was removed. */
  readonly expiresAt: number;
}

/** What a request changes of a session: only these keys, so that concurrent requests add up. */
export interface SessionChanges {
  /** New values by key; `undefined` deletes the key. */
  readonly data: ReadonlyMap<string, string | undefined>;
  readonly lastSeenAt: number;
  readonly expiresAt: number;
}

/** One of an owner's sessions, with the key it is stored under. */
export interface SessionSummary extends SessionRecord {
  readonly key: SessionKey;
}

/**
 * Where sessions are kept. Every method is atomic, may answer at once or with a promise, and throws
 * (or rejects) when it cannot know: a fault must never look like an absent session.
 *
 * A store may bound the size of a session: then `create` and `update` throw an error whose name is
 * `SessionTooLargeError`, and what was stored stays as it was. It may bound how many an owner has:
 * then a new session ends the oldest, and a rotated or refused one none. It hands out copies, never
 * what it holds. `test/store-contract.ts` holds a store to all of this.
 */
export interface SessionStore {
  /** Stores a new session. Answers false when the key is taken, and never overwrites. */
  create(key: SessionKey, record: SessionRecord): MaybePromise<boolean>;

  /** Answers the session, or `undefined` when it is absent or expired. */
  read(key: SessionKey): MaybePromise<SessionRecord | undefined>;

  /** Changes a session that is there. Answers false when it is absent or expired: never creates. */
  update(key: SessionKey, changes: SessionChanges): MaybePromise<boolean>;

  /** Removes a session. Answers whether there was one. */
  delete(key: SessionKey): MaybePromise<boolean>;

  /** Answers the owner's live sessions, the oldest first. */
  listByOwner(owner: string): MaybePromise<readonly SessionSummary[]>;

  /** Removes the owner's sessions but for one, and answers how many live ones there were. */
  deleteByOwner(owner: string, except?: SessionKey): MaybePromise<number>;
}
