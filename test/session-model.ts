// Sessions as simply as they can be said: what the session manager and its store in memory are
// compared with. A session is an object, a cookie is a reference to one, and nothing is concurrent.

import type { SessionRecord } from "../src/session-store.ts";

export const limits = {
  idleTimeout: 100,
  absoluteTimeout: 400,
  maxSessions: 6,
  maxSessionsPerOwner: 3,
  maxSessionSize: 12,
};

export interface ModelSession {
  readonly owner: string | undefined;
  readonly createdAt: number;
  data: ReadonlyMap<string, string>;
  lastSeenAt: number;
  expiresAt: number;
}

/** A browser, whose cookie may be of a session that has ended. */
export interface ModelBrowser {
  cookie: ModelSession | undefined;
}

export interface ModelRequest {
  readonly browser: ModelBrowser;
  readonly sent: ModelSession | undefined;
  action: "keep" | "rotate" | "replace" | "destroy";
  owner: string | undefined;
  readonly changes: Map<string, string | undefined>;
  /** What it saw when it first looked. */
  seen: { readonly session: ModelSession; readonly record: ModelSession } | "nothing" | undefined;
}

/** What the browser is told, or why it is not. */
export type Outcome = "nothing" | "given" | "cleared" | "gone" | "too large" | "full";

export class Model {
  now = 0;
  /** In the order in which they were created. */
  #sessions: ModelSession[] = [];

  open(browser: ModelBrowser): ModelRequest {
    const changes = new Map<string, string | undefined>();
    const [action, owner, seen] = ["keep", undefined, undefined] as const;
    return { browser, sent: browser.cookie, action, owner, changes, seen };
  }

  isLive(session: ModelSession): boolean {
    return this.#sessions.includes(session) && this.now < session.expiresAt;
  }

  /** The owner's live sessions, the oldest first. */
  list(owner: string): readonly ModelSession[] {
    return this.#sessions
      .filter((session) => session.owner === owner && this.isLive(session))
      .sort((one, other) => one.createdAt - other.createdAt);
  }

  end(sessions: readonly ModelSession[]): number {
    const live = sessions.filter((session) => this.isLive(session));
    this.#sessions = this.#sessions.filter((session) => !live.includes(session));
    return live.length;
  }

  get(request: ModelRequest, key: string): string | undefined {
    if (request.changes.has(key)) return request.changes.get(key);
    return this.#lookFor(request)?.record.data.get(key);
  }

  set(request: ModelRequest, key: string, value: string | undefined): void {
    if (request.action === "destroy" && value !== undefined) request.action = "replace";
    request.changes.set(key, value);
    this.#lookFor(request);
  }

  rotate(request: ModelRequest): void {
    if (request.action === "keep") request.action = "rotate";
    this.#lookFor(request);
  }

  become(request: ModelRequest, action: "replace" | "destroy", owner?: string): void {
    request.action = action;
    request.owner = owner;
    request.changes.clear();
  }

  commit(request: ModelRequest): Outcome {
    const { action, browser, changes, owner, seen, sent } = request;
    if (action === "destroy") {
      this.end(sent === undefined ? [] : [sent]);
      return sent === undefined ? "nothing" : this.#clear(browser, "cleared");
    }
    if (action === "replace") {
      const outcome = this.#create(browser, owner, this.now, merged(new Map(), changes));
      if (outcome === "given" && sent !== undefined) this.end([sent]);
      return outcome;
    }
    if (action === "keep" && changes.size === 0 && seen === undefined) return "nothing";
    const found = this.#look(request);
    if (found === undefined) {
      const data = merged(new Map(), changes);
      return data.size === 0 ? "nothing" : this.#create(browser, undefined, this.now, data);
    }
    const { session, record } = found;
    if (action === "keep" && changes.size === 0 && this.now - record.lastSeenAt < 10) {
      return "nothing";
    }
    if (!this.isLive(session)) return this.#clear(browser, "gone");
    const data = merged(session.data, changes);
    if (action === "rotate") {
      const outcome = this.#create(browser, session.owner, session.createdAt, data);
      if (outcome === "given") this.end([session]);
      return outcome;
    }
    if (isTooLarge(data)) return "too large";
    Object.assign(session, { data, ...this.#times(session.createdAt) });
    return "nothing";
  }

  /** What is asked of a session after it is replaced or ended is not asked of it. */
  #lookFor(request: ModelRequest) {
    const isAnother = request.action === "replace" || request.action === "destroy";
    return isAnother ? undefined : this.#look(request);
  }

  #look(request: ModelRequest) {
    const { sent } = request;
    const isThere = sent !== undefined && this.isLive(sent);
    request.seen ??= isThere ? { session: sent, record: { ...sent } } : "nothing";
    return request.seen === "nothing" ? undefined : request.seen;
  }

  #create(
    browser: ModelBrowser,
    owner: string | undefined,
    createdAt: number,
    data: ReadonlyMap<string, string>,
  ): Outcome {
    if (isTooLarge(data)) return "too large";
    // A rotation makes no session more; a login may take the place of the owner's oldest.
    const isLogin = owner !== undefined && createdAt === this.now;
    if (isLogin) {
      const others = this.list(owner);
      this.end(others.slice(0, Math.max(0, others.length - limits.maxSessionsPerOwner + 1)));
    }
    this.#sessions = this.#sessions.filter((session) => this.isLive(session));
    if (this.#sessions.length >= limits.maxSessions) return "full";
    browser.cookie = { owner, createdAt, data, ...this.#times(createdAt) };
    this.#sessions.push(browser.cookie);
    return "given";
  }

  #clear(browser: ModelBrowser, outcome: "cleared" | "gone"): Outcome {
    browser.cookie = undefined;
    return outcome;
  }

  #times(createdAt: number): Pick<SessionRecord, "lastSeenAt" | "expiresAt"> {
    const { idleTimeout, absoluteTimeout } = limits;
    const expiresAt = Math.min(this.now + idleTimeout, createdAt + absoluteTimeout);
    return { lastSeenAt: this.now, expiresAt };
  }
}

function merged(
  data: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, string | undefined>,
): ReadonlyMap<string, string> {
  const all = new Map(data);
  for (const [key, value] of changes) {
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
  return all;
}

function isTooLarge(data: ReadonlyMap<string, string>): boolean {
  return [...data].flat().join("").length > limits.maxSessionSize;
}
