// Carries out what a request asked of its session: each step a question to the store.

import type { CheckedStore } from "./checked-store.ts";
import type { SessionCookie } from "./session-cookie.ts";
import { hashSessionId, newSessionId, sessionHandle } from "./session-id.ts";
import type { RandomSource } from "./session-id.ts";
import type { SessionIntent, StoredSession } from "./session.ts";
import type { SessionKey, SessionRecord } from "./session-store.ts";
import type { SessionTimeouts } from "./session-timeouts.ts";

/** Why a session ended, as far as this process can know. */
export type SessionEnd = "logout" | "idle" | "absolute" | "replaced" | "revoked";

/** Is told that a session ended, and its public handle where that is known. */
export type SessionEndListener = (reason: SessionEnd, handle: string | undefined) => void;

/** What became of a request's session. */
export interface Committed {
  /** True when the session had ended meanwhile: the reply must not be sent. */
  readonly gone: boolean;
  /** The value of `Set-Cookie`, when the browser has to be told something. */
  readonly cookie: string | undefined;
}

/** Nothing happened, and the browser is told nothing. */
export const unchanged: Committed = { gone: false, cookie: undefined };

/** How many new ids are tried. A second one is needed only when the random source is broken. */
const maxIds = 3;

/** What sessions are made of. */
export interface SessionParts {
  readonly store: CheckedStore;
  readonly cookie: SessionCookie;
  readonly timeouts: SessionTimeouts;
  readonly random: RandomSource;
  readonly onEnd: SessionEndListener;
}

/** Writes sessions for the session manager. */
export class SessionWriter {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Writes the changes, and that the session was used. It may have ended meanwhile. */
  async update(found: StoredSession, data: SessionIntent["changes"]): Promise<Committed> {
    const { store, timeouts } = this.#parts;
    const changes = { data, ...timeouts.used(found.record.createdAt) };
    return (await store.update(found.key, changes)) ? unchanged : this.#gone();
  }

  /** Creates a session under a new id, in place of those that the browser sent. */
  async start(
    owner: string | undefined,
    changes: SessionIntent["changes"],
    replaced: readonly SessionKey[],
  ): Promise<Committed> {
    const { store, cookie, timeouts, onEnd } = this.#parts;
    const times = timeouts.used();
    const data = merge(new Map(), changes);
    const { id, key } = await this.#create({ owner, data, createdAt: times.lastSeenAt, ...times });
    // Only destroy(), and a set() after it, puts a session of nobody in the place of another.
    const reason = owner === undefined ? "logout" : "replaced";
    await this.#orTakeBack(key, async () => {
      for (const old of replaced) {
        if (await store.delete(old)) onEnd(reason, sessionHandle(old));
      }
    });
    return { gone: false, cookie: cookie.give(id) };
  }

  /**
   * Gives the session a new id. Creates before it deletes: a fault leaves it as it was. A write of
   * another request between the two is lost; one that comes later is told that the session ended.
   */
  async rotate(found: StoredSession, changes: SessionIntent["changes"]): Promise<Committed> {
    const { store, cookie, timeouts } = this.#parts;
    // Read again: other requests may have written since this one began.
    const fresh = await store.read(found.key);
    if (!timeouts.isAlive(fresh)) return this.#gone();
    const { owner, data, createdAt } = fresh;
    const times = timeouts.used(createdAt);
    const record = { owner, data: merge(data, changes), createdAt, ...times };
    const { id, key } = await this.#create(record);
    const wasThere = await this.#orTakeBack(key, () => store.delete(found.key));
    if (wasThere) return { gone: false, cookie: cookie.give(id) };
    // The session was ended meanwhile, and must not live on under its new id.
    await store.delete(key);
    return this.#gone();
  }

  /** Removes every session that the browser sent, and its cookie. */
  async destroy(cookieHeader: string | undefined): Promise<Committed> {
    const { store, cookie, onEnd } = this.#parts;
    for (const key of cookie.keysIn(cookieHeader)) {
      if (await store.delete(key)) onEnd("logout", sessionHandle(key));
    }
    const wasSent = cookie.isIn(cookieHeader);
    return { gone: false, cookie: wasSent ? cookie.clear() : undefined };
  }

  async #create(record: SessionRecord): Promise<{ readonly id: string; readonly key: SessionKey }> {
    for (let tries = 0; tries < maxIds; tries += 1) {
      const id = newSessionId(this.#parts.random);
      const key = hashSessionId(id);
      if (await this.#parts.store.create(key, record)) return { id, key };
    }
    throw new Error(`Cannot create a session: ${maxIds} new ids were taken, check random source`);
  }

  /** Runs a step; when it fails, removes the new session, whose id nobody will be told. */
  async #orTakeBack<T>(created: SessionKey, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#parts.store.delete(created).catch(() => {});
      throw error;
    }
  }

  #gone(): Committed {
    return { gone: true, cookie: this.#parts.cookie.clear() };
  }
}

function merge(
  data: ReadonlyMap<string, string>,
  changes: SessionIntent["changes"],
): ReadonlyMap<string, string> {
  const merged = new Map(data);
  for (const [key, value] of changes) {
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  return merged;
}
