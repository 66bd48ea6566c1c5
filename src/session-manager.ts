// Sessions over a store: finds the one that a request names, and carries out what it asked for.

import { randomBytes } from "node:crypto";
import { CheckedStore, whenKnown } from "./checked-store.ts";
import { sessionHandle } from "./session-id.ts";
import type { RandomSource } from "./session-id.ts";
import { RecordedSession } from "./session.ts";
import type { SessionIntent, StoredSession } from "./session.ts";
import { SessionCookie } from "./session-cookie.ts";
import { SessionTimeouts } from "./session-timeouts.ts";
import type { MaybePromise, SessionKey, SessionRecord, SessionStore } from "./session-store.ts";
import type { SessionSummary } from "./session-store.ts";
import { SessionWriter, unchanged } from "./session-writer.ts";
import type { Committed, SessionEndListener, SessionParts } from "./session-writer.ts";

/** What a session manager can be told. Durations are milliseconds. */
export interface SessionManagerOptions {
  readonly store: SessionStore;
  /** False only for development over plain http: the cookie is then sent without `Secure`. */
  readonly secure?: boolean | undefined;
  /** Whether the cookie outlives the browser, up to the absolute time-out. Default: false. */
  readonly persistent?: boolean | undefined;
  /** The session ends when it was not used for so long. Default: 30 minutes. */
  readonly idleTimeout?: number | undefined;
  /** The session ends this long after it was started, used or not. Default: 8 hours. */
  readonly absoluteTimeout?: number | undefined;
  /** The time, in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined;
  /** Default: `randomBytes` of `node:crypto`. */
  readonly random?: RandomSource | undefined;
  /** Is told of each end of a session, with its handle if known. Its failures are ignored. */
  readonly onEnd?: SessionEndListener | undefined;
}

/** A session as its owner may see it: named by its handle, not by its key. */
export interface ListedSession extends SessionRecord {
  readonly handle: string;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** How long the store may take for one answer. */
const storeTimeout = 2 * second;

/**
 * Finds and changes sessions. One for each server; it holds no session itself. What asks the store
 * rejects with a `SessionStoreError` when it fails.
 */
export class SessionManager {
  readonly #parts: SessionParts;
  readonly #writer: SessionWriter;

  /** @throws {RangeError | TypeError} for what cannot be, as an idle time-out over the absolute. */
  constructor(options: SessionManagerOptions) {
    const { secure = true, idleTimeout = 30 * minute, absoluteTimeout = 8 * hour } = options;
    for (const [name, value] of Object.entries({ idleTimeout, absoluteTimeout })) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new RangeError(`Cannot use ${name} ${value}: not a whole number of milliseconds`);
    }
    if (idleTimeout > absoluteTimeout) {
      throw new RangeError(
        `Cannot use idleTimeout ${idleTimeout}: longer than absoluteTimeout ${absoluteTimeout}`,
      );
    }
    const maxAge = options.persistent === true ? Math.ceil(absoluteTimeout / second) : undefined;
    const { clock = Date.now, random = randomBytes } = options;
    const cookie = new SessionCookie(secure, maxAge);
    cookie.clear(); // An attribute that cannot be is refused now, and not at the first login.
    const onEnd = harmless(options.onEnd);
    this.#parts = {
      store: new CheckedStore(options.store, storeTimeout, (handle) => onEnd("corrupt", handle)),
      cookie,
      timeouts: new SessionTimeouts(idleTimeout, absoluteTimeout, clock),
      random,
      onEnd,
    };
    this.#writer = new SessionWriter(this.#parts);
  }

  /** Opens the session of a request. The store is asked when the session is first used. */
  open(cookieHeader: string | undefined): RecordedSession {
    return new RecordedSession(() => this.#find(this.#parts.cookie.keysIn(cookieHeader)));
  }

  /**
   * Carries out what a request asked of its session. To be called once, before the reply is sent.
   *
   * @throws {Error} named `SessionStoreError` when the store cannot say that it was carried out, or
   * `SessionTooLargeError` when it refused.
   */
  commit(session: RecordedSession, cookieHeader: string | undefined): MaybePromise<Committed> {
    const { intent } = session;
    if (intent.action === "destroy") return this.#writer.destroy(cookieHeader);
    if (intent.action === "replace") return this.#writer.start(intent, cookieHeader);
    // Of a session that was not looked up, nothing was asked.
    if (!session.wasLookedUp) return unchanged;
    return whenKnown(session.find(), (found) => this.#change(found, intent));
  }

  /** The owner's sessions, the oldest first. */
  async list(owner: string): Promise<readonly ListedSession[]> {
    const sessions = await this.#parts.store.listByOwner(owner);
    return sessions
      .filter((session) => this.#parts.timeouts.isAlive(session))
      .map(({ key, ...record }) => ({ ...record, handle: sessionHandle(key) }));
  }

  /** Ends one of the owner's sessions. Answers how many: 0 when there is none of this handle. */
  async end(owner: string, handle: string): Promise<number> {
    const key = await this.#keyOf(owner, handle);
    if (key === undefined || !(await this.#parts.store.delete(key))) return 0;
    this.#parts.onEnd("revoked", handle);
    return 1;
  }

  /**
   * Ends all of the owner's sessions, or all but the one of a handle. Answers how many. A login
   * that happens meanwhile comes before or after: it is ended, or it lives and is listed.
   */
  async endAll(owner: string, exceptHandle?: string): Promise<number> {
    const except =
      exceptHandle === undefined ? undefined : await this.#keyOf(owner, exceptHandle);
    const count = await this.#parts.store.deleteByOwner(owner, except);
    for (let told = 0; told < count; told += 1) this.#parts.onEnd("revoked", undefined);
    return count;
  }

  /** Takes note of a session that its store removed by itself, for `onEnd`. */
  removed(session: SessionSummary): void {
    this.#parts.onEnd(this.#parts.timeouts.endOf(session), sessionHandle(session.key));
  }

  /** The first of these sessions that is alive. */
  #find([key, ...others]: readonly SessionKey[]): MaybePromise<StoredSession | undefined> {
    if (key === undefined) return undefined;
    return whenKnown(this.#parts.store.read(key), (record) =>
      this.#parts.timeouts.isAlive(record) ? { key, record } : this.#find(others),
    );
  }

  #change(found: StoredSession | undefined, intent: SessionIntent): MaybePromise<Committed> {
    const { action, changes } = intent;
    if (found === undefined) {
      const isAnythingSet = [...changes.values()].some((value) => value !== undefined);
      return isAnythingSet ? this.#writer.start(intent) : unchanged;
    }
    if (action === "rotate") return this.#writer.rotate(found, changes);
    const isWrite = changes.size > 0 || this.#parts.timeouts.isUpdateDue(found.record);
    return isWrite ? this.#writer.update(found, changes) : unchanged;
  }

  async #keyOf(owner: string, handle: string): Promise<SessionKey | undefined> {
    const sessions = await this.#parts.store.listByOwner(owner);
    return sessions.find(({ key }) => sessionHandle(key) === handle)?.key;
  }
}

/** Wraps the application's hook: what it throws, at once or later, harms no session. */
function harmless(onEnd: SessionEndListener = () => {}): SessionEndListener {
  return async (reason, handle) => {
    try {
      await onEnd(reason, handle);
    } catch {}
  };
}
