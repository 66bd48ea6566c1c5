// Carries out what a request asked of its session: each step a question to the store.

import type { CheckedStore } from "./checked-store.ts";
import type { SessionCookie } from "./session-cookie.ts";
import { hashSessionId, newSessionId, sessionHandle } from "./session-id.ts";
import type { RandomSource } from "./session-id.ts";
import type { SessionIntent, StoredSession } from "./session.ts";
import type { SessionChanges, SessionKey, SessionRecord } from "./session-store.ts";
import type { SessionTimeouts } from "./session-timeouts.ts";

/** Why a session ended, as far as this process can know. `corrupt`: its record made no sense. */
export type SessionEnd = "logout" | "idle" | "absolute" | "replaced" | "revoked" | "corrupt";

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
  start({ owner, changes }: SessionIntent, cookieHeader?: string): Promise<Committed> {
    const times = this.#parts.timeouts.used();
    const data = merge(new Map(), changes);
    const record = { owner, data, createdAt: times.lastSeenAt, ...times };
    // Only destroy(), and a set() after it, puts a session of nobody in the place of another.
    const reason = owner === undefined ? "logout" : "replaced";
    return this.#replace(record, async () => {
      await this.#end(cookieHeader, reason);
      return true; // Whether there was one or not.
    });
  }

  /**
   * Gives the session a new id. Creates before it deletes: a fault leaves it as it was. A write of
   * another request between the two is lost; one that comes later is told that the session ended.
   */
  async rotate(found: StoredSession, changes: SessionIntent["changes"]): Promise<Committed> {
    const { store, timeouts } = this.#parts;
    // Read again: other requests may have written since this one began.
    const fresh = await store.read(found.key);
    if (!timeouts.isAlive(fresh)) return this.#gone();
    const { owner, data, createdAt } = fresh;
    const times = timeouts.used(createdAt);
    // By this its store knows a rotated session from a new one, even in the same millisecond.
    const lastSeenAt = Math.max(times.lastSeenAt, createdAt + 1);
    const record = { ...times, owner, data: merge(data, changes), createdAt, lastSeenAt };
    return this.#replace(record, () => store.delete(found.key));
  }

  /** Removes every session that the browser sent, and its cookie. */
  async destroy(cookieHeader: string | undefined): Promise<Committed> {
    const { cookie } = this.#parts;
    await this.#end(cookieHeader, "logout");
    return { gone: false, cookie: cookie.isIn(cookieHeader) ? cookie.clear() : undefined };
  }

  /** Creates a session, then ends the old one, of which it is told whether it was still there. */
  async #replace(record: SessionRecord, endOld: () => Promise<boolean>): Promise<Committed> {
    const { store, cookie } = this.#parts;
    const { id, key } = await this.#create(record);
    const wasThere = await endOld().catch((error: unknown) => {
      // The new session is taken back as far as possible. Nobody will be told its id.
      store.delete(key).catch(() => {});
      throw error;
    });
    if (wasThere) return { gone: false, cookie: cookie.give(id) };
    // The session was ended meanwhile, and must not live on under its new id.
    await store.delete(key);
    return this.#gone();
  }

  async #create(record: SessionRecord): Promise<{ readonly id: string; readonly key: SessionKey }> {
    for (let tries = 0; tries < maxIds; tries += 1) {
      const id = newSessionId(this.#parts.random);
      const key = hashSessionId(id);
      if (await this.#parts.store.create(key, record)) return { id, key };
    }
    throw new Error(`Cannot create a session: ${maxIds} new ids were taken, check random source`);
  }

  async #end(cookieHeader: string | undefined, reason: SessionEnd): Promise<void> {
    for (const key of this.#parts.cookie.keysIn(cookieHeader)) {
      if (await this.#parts.store.delete(key)) this.#parts.onEnd(reason, sessionHandle(key));
    }
  }

  #gone(): Committed {
    return { gone: true, cookie: this.#parts.cookie.clear() };
  }
}

function merge(data: SessionRecord["data"], changes: SessionChanges["data"]): Map<string, string> {
  const merged = new Map(data);
  for (const [key, value] of changes) {
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  return merged;
}
